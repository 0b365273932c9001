"""What price sources say: recorded answers, hostile ones, and what they are asked."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from world.recordings import each, needs_recordings, stored
from world.scripted_server import Call, Reply, serve

from monitor.model import Chain, PriceIds, SourceConfig
from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError
from monitor.model.ports import PriceSource
from monitor.net import prices
from monitor.net.http import Answer
from monitor.net.limits import Limiter
from monitor.net.prices import coingecko, defillama
from monitor.net.prices.reading import body

IDS = PriceIds("ethereum", "ethereum", "ethereum")
ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 65, prices=IDS)
BASE = Chain("base", "Base", "evm", "ETH", 18, 570, prices=PriceIds("ethereum", "base", "base"))
USDT = "0x" + "1" * 40
NOW = 1_795_338_843  # 2026-11-22 09:14:03 UTC
DAY = 86_400


def answered(name: str) -> dict[str, Any]:
    return body(Answer(200, stored(name), {}, "", name))


def source(kind: str, url: str, key: str | None = None) -> PriceSource:
    config = SourceConfig(kind, kind, url, key)
    return prices.build(config, Limiter(kind, 10_000), clock=lambda: NOW)


def coin(price: object, timestamp: object = NOW - 60, **more: object) -> dict[str, object]:
    return {"decimals": 18, "symbol": "ETH", "price": price, "timestamp": timestamp, **more}


def test_answers_of_defillama() -> None:
    """Every digit of the price, and the source's own time of it."""
    later = 1_800_000_000
    found = defillama.parse_coins(answered("defillama/current.json"), later)
    assert found == {
        "base:0x" + "5a" * 20: (1_700_000_000, Decimal("1.0002835337077545")),
        "coingecko:ethereum": (1_700_000_060, Decimal("105.7915480553925")),
    }
    old = defillama.parse_coins(answered("defillama/historical.json"), later)
    assert old == {"coingecko:bitcoin": (1_600_000_000, Decimal("26.765469766407215"))}
    assert defillama.parse_coins(answered("defillama/unknown_coin.json"), later) == {}


def test_answers_of_coingecko() -> None:
    """A day's snapshot of the coin that was asked about; a price without a time is none."""
    eth = answered("coingecko/history.json")
    assert coingecko.parse_history(eth, "ethereum") == Decimal("3539.7630640649413")
    assert coingecko.parse_history(eth, "bitcoin") is None
    assert coingecko.parse_simple(answered("coingecko/simple_price.json"), NOW) == {}
    timed = {"bitcoin": {"usd": 77705, "last_updated_at": NOW}}
    assert coingecko.parse_simple(timed, NOW) == {"bitcoin": (NOW, Decimal(77705))}


@needs_recordings
def test_recorded_answers_of_defillama() -> None:
    """Every digit of the price, and the source's own time of it."""
    later = 1_800_000_000
    base = defillama.parse_coins(answered("defillama/current_erc20_base.json"), later)
    token = "base:0x6Bb7a212910682DCFdbd5BCBb3e28FB4E8da10Ee"
    assert base == {token: (1766522894, Decimal("1.0002835337077545"))}
    two = defillama.parse_coins(answered("defillama/current_solana.json"), later)
    assert sorted(str(usd) for _, usd in two.values()) == [
        "1.0003097356631752",
        "105.7915480553925",
    ]
    old = defillama.parse_coins(answered("defillama/historical_1604437979.json"), later)
    assert old == {"coingecko:binancecoin": (1604437689, Decimal("26.765469766407215"))}
    assert defillama.parse_coins(answered("defillama/current_empty_unknown_coin.json"), later) == {}


@needs_recordings
def test_recorded_answers_of_coingecko() -> None:
    """A day's snapshot, as far back as it was recorded."""
    eth = answered("coingecko/coin_history_ethereum.json")
    assert coingecko.parse_history(eth, "ethereum") == Decimal("3539.7630640649413")
    assert coingecko.parse_history(eth, "bitcoin") is None
    bnb = answered("coingecko/coin_history_binancecoin.json")
    assert coingecko.parse_history(bnb, "binancecoin") == Decimal("1103.595300080196")
    assert coingecko.parse_simple(answered("coingecko/simple_price_btc.json"), NOW) == {}


@pytest.mark.parametrize(
    "name", each(["coingecko/rate_limit.json", "coingecko/rate_limit_429.json"])
)
def test_the_refusal_of_coingecko_is_no_answer(name: str) -> None:
    """Its 429 says when to come again."""
    refusal = Reply(stored(name), 429, {"Retry-After": "60"})
    with serve(lambda _: refusal) as server, pytest.raises(RateLimited) as caught:
        source("coingecko", server.url).ask([(ETHEREUM, "")], None)
    assert caught.value.retry_after == 60


HOSTILE = [
    *("1", None, True, [], {}, -1, 0, -0.5),
    *("1e-30", "1e30", "0.00000000000000000000000001", "1e9999", "9" * 60, "0." + "3" * 60),
    *("1e400", "-1e400", "1e-99999999999999999999", "9" * 500, "NaN", "Infinity", "-Infinity"),
]


@pytest.mark.parametrize("said", HOSTILE)
def test_what_is_no_price_is_left_out(said: object) -> None:
    """Texts, nothing, negative, absurd figures: the coin has no price; the others still have."""
    number = isinstance(said, str) and len(said) > 1
    bad, good = coin(0), coin(1)
    raw = json.dumps({"coins": {"coingecko:ethereum": bad, f"ethereum:{USDT}": good}})
    wrong = said if number else json.dumps(said)
    reply = Reply(raw.replace('"price": 0', f'"price": {wrong}').encode())
    with serve(lambda _: reply) as server:
        found = source("defillama", server.url).ask([(ETHEREUM, ""), (ETHEREUM, USDT)], None)
    assert [(p.contract, p.usd) for p in found] == [(USDT, 1)]


@pytest.mark.parametrize("said", ["1e400", "NaN", "-Infinity", "9" * 500])
@pytest.mark.parametrize("where", ["usd", "last_updated_at"])
def test_one_coin_without_sense_costs_no_other_at_coingecko(said: str, where: str) -> None:
    """A figure that no number can hold takes its own coin out, be it the price or its time."""
    bitcoin = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 12, prices=PriceIds("bitcoin"))
    good = {"usd": 3120.45, "last_updated_at": NOW - 60}
    raw = json.dumps({"bitcoin": {**good, where: 0}, "ethereum": good})
    reply = Reply(raw.replace(f'"{where}": 0', f'"{where}": {said}').encode())
    with serve(lambda _: reply) as server:
        found = source("coingecko", server.url).ask([(bitcoin, ""), (ETHEREUM, "")], None)
    assert [(p.chain, p.usd) for p in found] == [("ethereum", Decimal("3120.45"))]


@pytest.mark.parametrize(
    ("said", "more"),
    [(NOW * 1000, {}), ("yesterday", {}), (0, {}), (None, {}), (NOW, {"confidence": 0.1}),
     (NOW, {"confidence": "high"}), (NOW, {"confidence": 3}), (NOW, {"confidence": "NaN"})],
)  # fmt: skip
def test_a_price_without_a_time_or_that_is_not_sure_is_none(said: object, more: Any) -> None:
    """A time ahead of ours, no time, a low confidence."""
    assert defillama.parse_coins({"coins": {"x": coin(5, said, **more)}}, NOW) == {}
    assert defillama.parse_coins({"coins": {"x": coin(5, NOW, confidence=1)}}, NOW) != {}


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"[]", b'{"coins": []}', b"NaN", b'{"coins": NaN}', b'{"a": 1, "a": 1}',
     b'{"coins": {"a": "' + b"x" * 1_100_000 + b'"}}'],
)  # fmt: skip
def test_what_is_no_answer_is_an_error(raw: bytes) -> None:
    """HTML, other shapes, NaN, a megabyte: never an empty list of prices."""
    with serve(lambda _: Reply(raw)) as server, pytest.raises(SourceError):
        source("defillama", server.url).ask([(ETHEREUM, "")], None)


@pytest.mark.parametrize(("status", "error"), [(401, Refused), (403, Refused), (404, BadResponse)])
def test_a_refusal_is_told_without_the_key(status: int, error: type[SourceError]) -> None:
    """A wrong key needs a person; no error text holds it."""
    reply = Reply({"status": {"error_code": 10002}}, status)
    with serve(lambda _: reply) as server, pytest.raises(error) as caught:
        source("coingecko", server.url, "canary-price-key").ask([(ETHEREUM, "")], None)
    assert "canary-price-key" not in str(caught.value)


def test_coins_that_nobody_asked_for_are_ignored() -> None:
    """An answer about something else is no answer about this."""
    said = {"coins": {"coingecko:bitcoin": coin(9), f"ethereum:{USDT.upper()}": coin(9)}}
    with serve(lambda _: Reply(said)) as server:
        assert source("defillama", server.url).ask([(ETHEREUM, ""), (ETHEREUM, USDT)], None) == []


def test_defillama_is_asked_once_for_one_coin_of_many_chains() -> None:
    """ETH is ETH on Base too; tokens go by chain and contract; the past by its second."""
    said = {"coins": {"coingecko:ethereum": coin(3120.45)}}
    with serve(lambda _: Reply(said)) as server:
        llama = source("defillama", server.url)
        (group,) = llama.groups([(ETHEREUM, ""), (BASE, ""), (BASE, USDT)], None)
        found = llama.ask(group, NOW)
    assert [(p.chain, p.usd) for p in found] == [
        ("ethereum", Decimal("3120.45")), ("base", Decimal("3120.45"))
    ]  # fmt: skip
    (call,) = server.calls
    assert call.path == f"/prices/historical/{NOW}/coingecko:ethereum,base:{USDT}"
    assert call.query == {"searchWidth": "1h"}


def test_what_has_no_id_is_not_asked_about() -> None:
    """A chain of which nobody confirmed how price sources call it."""
    unknown = Chain("dev", "Dev", "evm", "ETH", 18, 12)
    for kind in prices.PRICES:
        assert (
            source(kind, "http://127.0.0.1:1").groups([(unknown, ""), (unknown, USDT)], None) == []
        )


def test_coingecko_takes_one_contract_a_call_without_a_key() -> None:
    """More are refused then; with a key they go together."""
    assets = [(ETHEREUM, ""), (BASE, ""), *((ETHEREUM, "0x" + c * 40) for c in "123")]
    assert [len(g) for g in source("coingecko", "http://x").groups(assets, None)] == [2, 1, 1, 1]
    assert [len(g) for g in source("coingecko", "http://x", "k").groups(assets, None)] == [2, 3]


def test_coingecko_tells_current_prices_by_id_and_by_contract() -> None:
    """Its forms, the key in the header of the free plan, its own time of the price."""

    def respond(call: Call) -> Reply:
        said = {"usd": 1.00028353, "last_updated_at": NOW}
        return Reply({USDT if "token" in call.path else "ethereum": said})

    with serve(respond) as server:
        gecko = source("coingecko", server.url, "k")
        found = [p for part in gecko.groups([(ETHEREUM, ""), (BASE, USDT)], None)
                 for p in gecko.ask(part, None)]  # fmt: skip
    assert [(p.chain, p.contract, str(p.usd), p.at) for p in found] == [
        ("ethereum", "", "1.00028353", NOW), ("base", USDT, "1.00028353", NOW)
    ]  # fmt: skip
    assert [c.path for c in server.calls] == ["/simple/price", "/simple/token_price/base"]
    assert server.calls[1].query["contract_addresses"] == USDT
    assert {c.headers["x-cg-demo-api-key"] for c in server.calls} == {"k"}
    paid = SourceConfig("g", "coingecko", "https://pro-api.coingecko.com/api/v3", "k")
    assert coingecko.headers(paid) == {"x-cg-pro-api-key": "k"}


def test_coingecko_has_a_snapshot_a_day_of_the_last_year() -> None:
    """The nearest midnight, marked as such; none that is still to come, none too old."""
    said = {"id": "ethereum", "market_data": {"current_price": {"usd": 3539.76}}}
    with serve(lambda _: Reply(said)) as server:
        gecko = source("coingecko", server.url)
        (price,) = gecko.ask([(ETHEREUM, "")], NOW - DAY + 6 * 3600)
        assert gecko.groups([(ETHEREUM, "")], NOW + 8 * 3600) == []
        assert gecko.groups([(ETHEREUM, "")], NOW - 366 * DAY) == []
        assert gecko.groups([(ETHEREUM, USDT)], NOW - DAY) == []
    assert server.calls[0].query == {"date": "22-11-2026", "localization": "false"}
    assert (price.at, price.daily, price.usd) == (NOW // DAY * DAY, True, Decimal("3539.76"))
