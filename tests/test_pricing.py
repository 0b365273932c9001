"""Values in USD: which price counts, the loop that asks, nothing waits for it, words for people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import world.sample_alerts as sample
from hypothesis import given
from hypothesis import strategies as st
from world.home import (
    ALICE,
    BANK,
    BOB,
    SHOP,
    Home,
    Scene,
    entry,
    staged,
    wait_for,
    watchlist,
    with_prices,
)
from world.record import new_record
from world.scripted_server import Call, Reply, serve
from world.sinks import HttpSink, hang

from monitor.app.settings.load import load
from monitor.decide.worth import (
    AN_NFT,
    DAILY_TOLERANCE,
    NO_SOURCE,
    TOLERANCE,
    UNVERIFIED,
    cents,
    nearest,
    of,
    sort,
    unpriceable,
    usd,
)
from monitor.loops import pricing
from monitor.messages import money
from monitor.model import Asset, Chain, Kind, Lane, Price, PriceIds, SourceConfig
from monitor.model.errors import ConfigError
from monitor.model.ports import PriceSource
from monitor.net import prices
from monitor.net.limits import Limiter
from monitor.store import incidents
from monitor.store import prices as stored
from monitor.store.sqlite import Store

IDS = PriceIds("ethereum", "ethereum", "ethereum")
ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 65, prices=IDS)
USDT = "0x" + "1" * 40
NOW = 1_795_338_843  # 2026-11-22 09:14:03 UTC
DAY = 86_400


def source(kind: str, url: str, clock: Callable[[], float]) -> PriceSource:
    return prices.build(SourceConfig(kind, kind, url), Limiter(kind, 10_000), clock=clock)


def coin(price: object, timestamp: object = NOW - 60, **more: object) -> dict[str, object]:
    return {"decimals": 18, "symbol": "ETH", "price": price, "timestamp": timestamp, **more}


# -- which price counts --------------------------------------------------------------------


def priced(at: int, usd: str = "1", *, daily: bool = False) -> Price:
    return Price("ethereum", "", at, Decimal(usd), "defillama", daily)


@given(st.lists(st.tuples(st.integers(0, 200_000), st.booleans())), st.integers(0, 200_000))
def test_the_nearest_price_counts(told: list[tuple[int, bool]], moment: int) -> None:
    """Within the hour; a snapshot only where nothing else is, within half a day; else none."""
    known = sort(priced(at, daily=daily) for at, daily in told)
    near = [abs(at - moment) for at, daily in told if not daily]
    days = [abs(at - moment) for at, daily in told if daily]
    found = nearest(known, moment)
    if near and min(near) <= TOLERANCE:
        assert found is not None
        assert (abs(found.at - moment), found.daily) == (min(near), False)
    elif days and min(days) <= DAILY_TOLERANCE:
        assert found is not None
        assert (abs(found.at - moment), found.daily) == (min(days), True)
    else:
        assert found is None
    coarse = nearest(known, moment, daily=False)
    assert coarse is None or not coarse.daily


@given(st.integers(0, 2**256 - 1), st.integers(0, 36), st.integers(1, 10**17), st.integers(0, 17))
def test_values_are_exact(units: int, decimals: int, digits: int, places: int) -> None:
    """No digit of the largest amount is lost; the JSON form is rounded to cents."""
    price = priced(0, f"{Decimal(digits).scaleb(-places):f}")
    worth = usd(units, decimals, price)
    assert worth is not None
    assert Fraction(worth) == Fraction(units * digits, 10 ** (decimals + places))
    assert abs(cents(worth) - worth) <= Decimal("0.005")


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (priced(sample.T0 - 120, "1.00028353"), ("about 1,000,283.53 USD",
         "1 USDT = 1.00028353 USD by DefiLlama, price of 09:12 UTC, 2 min before")),
        (priced(sample.T0 + 34, "0.9731"), ("about 973,100.00 USD",
         "1 USDT = 0.9731 USD by DefiLlama, price of 09:14 UTC, 34 s after")),
        (priced(sample.T0 // DAY * DAY, "1", daily=True), ("about 1,000,000.00 USD",
         "1 USDT = 1 USD by DefiLlama, daily snapshot of 00:00 UTC, 9 h 14 min before")),
        (priced(sample.T0, "1e-12"), ("less than 0.01 USD",
         "1 USDT = 0.000000000001 USD by DefiLlama, price of 09:14 UTC, of the same second")),
    ],
)  # fmt: skip
def test_words_for_a_value(price: Price, words: tuple[str, str]) -> None:
    """The sum, the price, who said it, when, and how far from the movement."""
    view = sample.usdt()
    assert money.words(view.row.transfer.amount, replace(view, price=price)) == words


def test_the_mail_says_what_it_was_worth() -> None:
    """In the plain text, under the amount; and why there is none where there is none."""
    good = replace(sample.usdt(), price=priced(sample.T0 - 120, "1.00028353"))
    text = sample.mail(replace(sample.outgoing(), transfers=(good,))).text
    assert "Value     about 1,000,283.53 USD\n" in text
    assert "1 USDT = 1.00028353 USD by DefiLlama, price of 09:12 UTC, 2 min before" in " ".join(
        text.split()
    )
    none = replace(sample.usdt(), unpriced=UNVERIFIED)
    text = sample.mail(replace(sample.outgoing(), transfers=(none,))).text
    assert "Value     not priced: unverified token" in text


def test_a_group_sums_up_what_has_a_price() -> None:
    """And says how much is not in the sum."""
    storm = [view for view in sample.storm(9) if view.alert.lane is Lane.NEWS]
    rows = [replace(v.transfers[0], price=priced(sample.T0, "2")) for v in storm[1:]]
    views = [storm[0], *(replace(v, transfers=(r,)) for v, r in zip(storm[1:], rows, strict=True))]
    text = " ".join(sample.mail(*views).text.split())
    worth = sum((of(row) or Decimal(0) for row in rows), start=Decimal(0))
    assert (
        f"Value of all out about {cents(worth):,f} USD 1 amount without a price, not in it" in text
    )


@pytest.mark.parametrize(
    ("chain", "contract", "kind", "verified", "why"),
    [
        (ETHEREUM, None, Kind.NATIVE, True, ""),
        (ETHEREUM, USDT, Kind.ERC20, True, ""),
        (ETHEREUM, USDT, Kind.ERC20, False, UNVERIFIED),
        (ETHEREUM, USDT, Kind.ERC721, True, AN_NFT),
        (ETHEREUM, "1000226", Kind.TRC10, True, UNVERIFIED),
        (Chain("dev", "Dev", "evm", "ETH", 18, 12), None, Kind.NATIVE, True, NO_SOURCE),
        (None, None, Kind.NATIVE, True, NO_SOURCE),
    ],
)
def test_only_coins_and_verified_tokens_have_a_price(
    chain: Chain | None, contract: str | None, kind: Kind, verified: bool, why: str
) -> None:
    """A price for a counterfeit would be a claim by a stranger."""
    assert unpriceable(chain, contract, kind, verified=verified) == why


# -- the loop ------------------------------------------------------------------------------


LLAMA_COIN = "coingecko:ethereum"


def llama_says(usd: float, at: int = NOW - 60) -> dict[str, object]:
    return {"coins": {LLAMA_COIN: coin(usd, at)}}


@contextmanager
def scene_with_prices(path: Path, url: str) -> Iterator[Scene]:
    with staged(path) as scene:
        with_prices(scene, url)
        yield scene


def moment_of(call: Call) -> int:
    """What was asked for; now: the present second of the machine."""
    parts = call.path.split("/")
    return int(parts[3]) if parts[2] == "historical" else int(time.time())


def test_a_poll_tells_first_and_asks_for_prices_afterwards(tmp_path: Path) -> None:
    """The mail went out without a value and stays as it is; the next look shows the value, and
    so do the export and the table."""
    told_before: list[int] = []

    def respond(call: Call) -> Reply:
        told_before.append(len(scene.hook.seen))
        return Reply(llama_says(3000, moment_of(call) - 5))

    with serve(respond) as server, scene_with_prices(tmp_path, server.url) as scene:
        (tx,) = scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        assert told_before
        assert min(told_before) == len(scene.hook.seen) > 0
        (alert,) = (a for a in scene.alerts("movement") if a["tx"] == tx)
        (body_sent,) = (json.loads(r.body)["data"]["alerts"][0] for r in scene.hook.seen)
        assert {t["value"] for t in body_sent["transfers"]} == {None}
        (mail, *_) = scene.mails_of(alert["id"])
        assert "not priced yet" in str(mail.get_body(("plain",)))
        (moved,) = (t for t in alert["transfers"] if t["kind"] == "native")
        assert moved["value"]["usd"] == "30.00"
        assert moved["value"]["source"] == "llama"
        shown = scene.home.run("alerts", "show", alert["id"])
        assert "about 30.00 USD" in shown
        table = scene.home.run("transfers", "--format", "csv").splitlines()
        assert table[0].endswith("usd_value,usd_price,price_source,price_time")
        assert any(",30.00,3000," in line for line in table)
        sent = len(scene.mail.mails)
        scene.home.run("poll")
        assert len(scene.mail.mails) == sent


def test_a_hanging_price_source_delays_nothing(tmp_path: Path) -> None:
    """While the price call hangs, a payment is read, told and accepted by both receivers."""
    with HttpSink() as tarpit:
        tarpit.default = hang
        with scene_with_prices(tmp_path, tarpit.url("")) as scene, scene.home.daemon():
            wait_for(lambda: tarpit.seen, 20, scene.home.log)
            (tx,) = scene.pay((ALICE, SHOP))
            wait_for(lambda: scene.hook.seen and scene.mail.mails, 20, scene.home.log)
            assert [a["tx"] for a in scene.alerts("movement")] == [tx]
            assert scene.home.sql("SELECT count(*) FROM price") == [(0,)]


def test_a_threshold_in_dollars_needs_a_price(tmp_path: Path) -> None:
    """Without a price an incoming payment is told, with the reason, and so it is by a price
    that nothing bears out; with yesterday's like it the small is quiet."""
    usd = [0.0]

    def respond(call: Call) -> Reply:
        said = llama_says(usd[0], moment_of(call) - 5)
        return Reply(said if usd[0] else {"coins": {}})

    with serve(respond) as server, scene_with_prices(tmp_path, server.url) as scene:
        named = [entry(who, min_amount={"USD": 20}) for who in (ALICE, BOB)]
        scene.home.write("watchlist.yaml", watchlist(*named))
        told = []
        # For 0.01 ETH: no price, 30 dollars, 10 dollars; then 10 as on the day before.
        for usd[0], yesterday in ((0.0, False), (3000.0, False), (1000.0, False), (1000.0, True)):
            scene.home.sql("DELETE FROM price")
            scene.home.run("poll")  # asks for the price
            if yesterday:
                scene.home.sql(
                    "INSERT INTO price (chain, contract, at, usd, source, asked) "
                    "SELECT chain, contract, at - 86400, '900', source, asked FROM price"
                )
            (tx,) = scene.pay((BANK, BOB))
            scene.home.run("poll")
            (alert,) = (a for a in scene.alerts("movement") if a["tx"] == tx)
            why = scene.home.sql("SELECT lane_reason FROM alert WHERE id = ?", alert["id"])
            told.append((alert["lane"], why[0][0]))
    assert told == [
        ("news", "ETH has no price, so it cannot be below 20 USD."),
        (
            "news",
            "ETH has a price of llama alone and none of the day before, so it cannot be below "
            "20 USD.",
        ),
        (
            "news",
            "ETH has a price of llama alone and none of the day before, so it cannot be below "
            "20 USD.",
        ),
        ("quiet", "Less than 20 USD came in."),
    ]


class Bench:
    """A price loop over a real record, with a clock that a test moves."""

    def __init__(
        self,
        store: Store,
        urls: dict[str, str],
        assets: dict[Any, Asset],
        chain: Chain = ETHEREUM,
    ) -> None:
        self.store, self.now = store, NOW
        self.pricer = pricing.Pricer(
            pricing.PricingWorld(
                store,
                [source(kind, url, lambda: self.now) for kind, url in urls.items()],
                {"ethereum": chain},
                assets,
                lambda: self.now,
            )
        )


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    """A record with one entry, one alert about one payment, one about a verified token."""
    store = new_record(tmp_path / "fundwatch.db")
    terms = json.dumps({"subject": {"chain": "ethereum", "address": ALICE}, "id": "E", "tags": [],
                        "severity": "high", "channels": None})  # fmt: skip
    with store.write() as conn:
        conn.execute(
            "INSERT INTO scope (key, chain, address) VALUES (?, 'ethereum', ?)",
            [f"ethereum/{ALICE}", ALICE],
        )
        conn.execute(
            "INSERT INTO entry (id, subject, case_id, terms, added) VALUES ('E', ?, '', ?, ?)",
            [f"ethereum/{ALICE}", terms, NOW],
        )
        for number, contract in enumerate((None, USDT)):
            conn.execute(
                "INSERT INTO transfer (id, chain, tx, leg, kind, contract, recipient, amount, "
                "time, status, first_seen) VALUES (?,'ethereum',?,'l','erc20',?,?,'5',?,'final',?)",
                [number, f"t{number}", contract, ALICE, NOW - 600, NOW],
            )
            conn.execute(
                "INSERT INTO alert (id, kind, lane, severity, created, tx, entry, lane_reason, "
                "title, facts, audience) VALUES (?,'movement','news','high',?,?,'E','','','{}','')",
                [f"A{number}", NOW, f"t{number}"],
            )
            conn.execute("INSERT INTO alert_transfer VALUES (?, ?)", [f"A{number}", number])
    yield store
    store.close()


TETHER = {("ethereum", USDT): Asset("ethereum", USDT, "USDT", 6)}


def test_the_second_source_is_asked_for_what_the_first_lacks(record: Store) -> None:
    """DefiLlama knows ETH and not the token; CoinGecko is asked for the token only."""
    gecko_says = {USDT: {"usd": 1.0002, "last_updated_at": NOW}}
    with (
        serve(lambda _: Reply(llama_says(3000))) as llama,
        serve(lambda _: Reply(gecko_says)) as gecko,
    ):
        urls = {"defillama": llama.url, "coingecko": gecko.url}
        Bench(record, urls, TETHER).pricer.round(5)
    assert [c.path for c in gecko.calls] == ["/simple/token_price/ethereum"]
    found = record.read("SELECT contract, usd, source FROM price ORDER BY contract")
    assert [tuple(r) for r in found] == [("", "3000", "defillama"), (USDT, "1.0002", "coingecko")]


def test_where_dollars_silence_every_source_is_asked(record: Store) -> None:
    """An entry with an amount in USD on the chain: both sources say what ETH is worth."""
    with record.write() as conn:
        (terms,) = conn.execute("SELECT terms FROM entry").fetchone()
        dollars = {**json.loads(terms), "min_amount": {"USD": "9"}}
        conn.execute("UPDATE entry SET terms = ?", [json.dumps(dollars)])
    gecko_says = {"ethereum": {"usd": 3001, "last_updated_at": NOW}}
    with (
        serve(lambda _: Reply(llama_says(3000))) as llama,
        serve(lambda _: Reply(gecko_says)) as gecko,
    ):
        urls = {"defillama": llama.url, "coingecko": gecko.url}
        Bench(record, urls, {}).pricer.round(5)
    found = record.read("SELECT usd, source FROM price WHERE contract = '' ORDER BY source")
    assert [tuple(r) for r in found] == [("3001", "coingecko"), ("3000", "defillama")]


def test_what_was_told_without_a_price_is_asked_for_its_own_time(record: Store) -> None:
    """At the second of the movement; one answer serves all movements around it, and is not
    asked for again."""
    with serve(lambda c: Reply(_past(c))) as server:
        bench = Bench(record, {"defillama": server.url}, TETHER)
        bench.pricer.round(5)
        bench.pricer.round(5)
    asked = [c.path.split("/")[-1] for c in server.calls if "historical" in c.path]
    assert sorted(asked) == [LLAMA_COIN, f"ethereum:{USDT}"]
    assert all(str(NOW - 600) in c.path for c in server.calls if "historical" in c.path)
    moments = [("ethereum", "", NOW - 600), ("ethereum", USDT, NOW - 600)]
    known = stored.around(record, moments, DAILY_TOLERANCE)
    assert {key: [p.at for p in found] for key, found in known.items()} == {
        ("ethereum", ""): [NOW - 890], ("ethereum", USDT): [NOW - 890]
    }  # fmt: skip


def test_all_that_a_followed_address_ever_paid_is_priced_in_one_go(record: Store) -> None:
    """However many moments, the coin and its wrapped form; current prices are left alone."""
    weth = "0x" + "2" * 40
    with record.write() as conn:
        conn.execute("UPDATE entry SET terms = replace(terms, '{', '{\"follow\": {}, ') ")
        for number in range(30):
            conn.execute(
                "INSERT INTO transfer (id, chain, tx, leg, kind, contract, sender, amount, time, "
                "status, first_seen) VALUES (?,'ethereum',?,'l','erc20',?,?,'5',?,'final',?)",
                [100 + number, f"p{number}", weth if number % 2 else None, ALICE,
                 NOW - number * 3 * DAY, NOW],
            )  # fmt: skip
    with serve(lambda c: Reply(_past(c))) as server:
        wraps = replace(ETHEREUM, wrapped=weth)
        Bench(record, {"defillama": server.url}, {}, wraps).pricer.past(60)
    asked = [(c.path.split("/")[-2], c.path.split("/")[-1]) for c in server.calls]
    paid = {
        (str(NOW - n * 3 * DAY), f"ethereum:{weth}" if n % 2 else LLAMA_COIN) for n in range(30)
    }
    assert paid <= set(asked)
    assert not [c for c in server.calls if "current" in c.path]


def _past(call: Call) -> dict[str, object]:
    """Prices of the past only, 290 seconds off, as recorded."""
    _, _, which, *rest = call.path.split("/")
    if which == "current":
        return {"coins": {}}
    return {"coins": {c: coin(3, int(rest[0]) - 290) for c in rest[1].split(",")}}


def test_a_price_that_nobody_has_is_given_up_after_days(record: Store) -> None:
    """Asked again with growing waits, then no more; and the reason says so."""
    with serve(lambda _: Reply({"coins": {}})) as server:
        bench = Bench(record, {"defillama": server.url}, {})
        for wait in (0, *pricing.WAITS, DAY):
            bench.now += wait
            bench.pricer.round(5)
    asked = [c for c in server.calls if "historical" in c.path]
    assert len(asked) == len(pricing.WAITS) + 1
    moment = ("ethereum", "", NOW - 600)
    assert stored.given_up(record, [moment]) == {moment}


def test_a_source_that_fails_rests_and_becomes_a_low_incident(record: Store) -> None:
    """One call a round; operations hear of it only when it has lasted a day; it ends by itself."""
    status = 500
    with serve(lambda c: Reply(_past(c), status)) as server:
        bench = Bench(record, {"defillama": server.url}, TETHER)
        bench.pricer.round(5)
        bench.pricer.round(5)
        assert len(server.calls) == 1
        (incident,) = incidents.incident_list(record, open_only=True)
        assert (incident.signal.key, incident.signal.severity) == ("prices:defillama", "low")
        assert incident.signal.hold == DAY
        assert incident.signal.what.startswith("Price source defillama does not answer,")
        assert record.read("SELECT * FROM price_try") == []
        status = 200
        Bench(record, {"defillama": server.url}, TETHER).pricer.round(5)
    assert incidents.incident_list(record, open_only=True) == []


def test_no_call_is_begun_when_the_time_is_over(record: Store) -> None:
    """A round of no seconds asks nobody."""
    with serve(lambda _: Reply(llama_says(1))) as server:
        Bench(record, {"defillama": server.url}, TETHER).pricer.round(0)
    assert server.calls == []


def test_prices_that_count_for_nothing_are_forgotten(record: Store) -> None:
    """What a movement is valued by stays for ever, so that its value can be explained."""
    told = [priced(NOW - 600 + off, str(off + 5000)) for off in range(-3600, 3601, 300)]
    stored.begin(record, NOW - DAY)
    stored.put(record, told, NOW)
    moments = [("ethereum", "", NOW - 600)]
    before = stored.around(record, moments, DAILY_TOLERANCE)["ethereum", ""]
    pricing.thin(record, NOW + DAY)
    after = stored.around(record, moments, DAILY_TOLERANCE)["ethereum", ""]
    assert len(before) == len(told)
    assert after == (nearest(before, NOW - 600),)


def test_an_unused_source_leaves_no_incident_behind(record: Store) -> None:
    """Who takes a price source off the list does not want to hear of it."""
    with serve(lambda _: Reply({}, 500)) as server:
        Bench(record, {"defillama": server.url}, {}).pricer.round(5)
    pricing.close_unused(record, ["defillama"], NOW)
    assert len(incidents.incident_list(record, open_only=True)) == 1
    pricing.close_unused(record, [], NOW)
    assert incidents.incident_list(record, open_only=True) == []


# -- settings ------------------------------------------------------------------------------


def test_price_sources_are_rows_like_others(tmp_path: Path) -> None:
    """Both by default; none switches off; order as written; a key goes to its row."""
    home = Home(tmp_path)
    both = load(tmp_path, {"COINGECKO_KEY": "k"}).prices
    assert [(p.name, p.api_key) for p in both] == [("defillama", None), ("coingecko", "k")]
    home.write("config/settings.yaml", {"prices": []})
    assert load(tmp_path, {}).prices == ()
    home.write("config/settings.yaml", {"prices": "none"})
    off = load(tmp_path, {})
    assert off.prices == ()
    assert not [note for note in off.notes if "coingecko" in note]
    home.write("config/settings.yaml", {"prices": ["coingecko"]})
    assert [p.name for p in load(tmp_path, {}).prices] == ["coingecko"]
    assert "defillama" not in load(tmp_path, {}).sources


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("settings", "prices: [etherscan]\n", "is no price source of config/sources.yaml"),
        ("settings", "prices: [defilama]\n", "Did you mean defillama?"),
        ("chains", "chains:\n  ethereum: {sources: [defillama]}\n", "is a price source"),
        ("chains", "chains:\n  ethereum: {prices: [a]}\n", "prices: needs names"),
        ("chains", "chains:\n  ethereum: {prices: {coin: a/b}}\n", "is not an id"),
        ("chains", "chains:\n  ethereum: {prices: {coins: a}}\n", "coin"),
        ("assets", 'assets:\n  ethereum:\n    "0x' + "1" * 40 + '": {symbol: USD, decimals: 2}\n',
         "means dollars in thresholds"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path: Path, name: str, content: str, words: str) -> None:
    """With the place and what to write instead."""
    Home(tmp_path).write(f"config/{name}.yaml", content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    (problem,) = caught.value.problems
    assert words in str(problem)
    assert problem.place.startswith(f"config/{name}.yaml:")
