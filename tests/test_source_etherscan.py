"""The Etherscan adapter against recorded answers and against a server of the test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from world.evm_story import (
    CHAIN,
    HEAD,
    ME,
    PEER,
    EtherscanServer,
    Move,
    block_hash,
    expected,
    tx_of,
)
from world.expected_evm import KITTIES, KITTY_IDS, OWN_ANSWERS, RECORDINGS, Row
from world.recordings import RECORDED, each, kept, needs_recordings, stored
from world.scripted_server import Call, Reply, Server, serve

from monitor.model import Ask, Batch, Chain, Interval, Kind, SourceConfig, Subject, Transfer
from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.net.http import Answer, Http
from monitor.net.sources.blockscout import parse_token_transfers
from monitor.net.sources.etherscan import Etherscan, parse_list
from monitor.net.sources.etherscan_answers import (
    hex_answer,
    parse_head,
    parse_receipt,
    proxy_result,
    read_page,
)

MAINNET = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 64, chain_id=1)
PREFIXES = {"txlist_": "native", "txlistinternal_": "internal", "tokentx_": "erc20"}


def answer(body: bytes, status: int = 200) -> Answer:
    return Answer(status, body, {}, hashlib.sha256(body).hexdigest())


def recorded(file: str) -> Answer:
    return answer(stored(file))


def said(file: str, name: str) -> Answer:
    """One of several short answers that a file of our own holds."""
    return answer(json.dumps(kept(f"etherscan/{file}.json")[name]).encode())


def rows_in(file: str) -> list[Any]:
    """The rows of a recording, whatever it is wrapped in."""
    body = recorded(file).json()
    if isinstance(body, list):
        return body
    return list(body["res"] if "res" in body else read_page(recorded(file)).rows)


def short(transfer: Transfer) -> Row:
    t = transfer
    assert t.block_height is not None
    assert t.time is not None
    cut = (t.tx[:10], t.sender and t.sender[:10], t.recipient and t.recipient[:10])
    contract = t.contract and t.contract[:10]
    return (t.kind.value, *cut, t.amount, contract, t.token_id, t.block_height, t.time)


EXPECTED = {recording.file: recording for recording in (*OWN_ANSWERS, *RECORDINGS)}


@pytest.mark.parametrize("file", each(EXPECTED))
def test_rows_by_hand(file: str) -> None:
    """Rows of every list become the transfers that a person read out of them."""
    recording = EXPECTED[file]
    rows = rows_in(recording.file)
    if recording.stream == "rest":
        parsed = parse_token_transfers(rows, MAINNET)
    else:
        parsed = parse_list(recording.stream, rows, MAINNET, recording.address)
    assert [short(t) for t in parsed.transfers] == list(recording.rows)
    assert (parsed.gaps, parsed.placed) == ((), True)


@needs_recordings
def test_recorded_kitties() -> None:
    """22 recorded ERC-721 rows keep their ids as text, their order and one coin each."""
    parsed = parse_list("erc721", rows_in(KITTIES), MAINNET, ME)
    assert " ".join(t.token_id or "" for t in parsed.transfers) == KITTY_IDS
    assert {(t.amount, t.contract) for t in parsed.transfers} == {
        (1, "0x06012c8cf97bead5deae237070f9587f8e7a266d")
    }
    assert parsed.transfers[1].sender == "0x" + "0" * 40
    assert [t.name for t in parsed.tokens] == ["CryptoKitties"]


def _lists() -> list[str]:
    names = [
        f"{folder}/{path.name}"
        for folder in ("etherscan", "routescan")
        for path in sorted((RECORDED / folder).glob("*.json"))
        if path.name.startswith(tuple(PREFIXES)) and "by_txhash" not in path.name
    ]
    refused = ("refused", "not_supported")
    return [name for name in names if not any(word in name for word in refused)]


@needs_recordings
@pytest.mark.parametrize("file", _lists())
def test_every_recorded_list_parses(file: str) -> None:
    """Each recorded account list parses without a gap, to unique keys."""
    name = file.partition("/")[2]
    stream = next(s for prefix, s in PREFIXES.items() if name.startswith(prefix))
    parsed = parse_list(stream, rows_in(file), MAINNET, "0x" + "0" * 40)
    assert (parsed.gaps, parsed.placed) == ((), True)
    assert len({t.identity for t in parsed.transfers}) == len(parsed.transfers)
    assert parsed.transfers or "empty" in name or "create2" in name or "routescan" in file


@pytest.mark.parametrize(
    "file",
    each(
        f"etherscan/txlistinternal_by_txhash{which}.json"
        for which in ("", "_call", "_create", "_create2", "_many")
    ),
)
def test_rows_without_hash_are_gaps(file: str) -> None:
    """Internal rows that do not name their transaction are gaps of their block, kept raw."""
    rows = rows_in(file)
    parsed = parse_list("internal", rows, MAINNET, ME)
    worth = [row for row in rows if row["value"] != "0"]
    assert parsed.transfers == ()
    assert [g.at.lo for g in parsed.gaps] == [int(row["blockNumber"]) for row in worth]
    assert [json.loads(g.raw) for g in parsed.gaps] == worth


def refused(body: Answer) -> list[type[SourceError]]:
    """What the lists make of a refusal, and the proxy."""
    found = []
    for read in (read_page, proxy_result):
        with pytest.raises(SourceError) as caught:
            read(body)
        found.append(type(caught.value))
    return found


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("rate limit", RateLimited),
        ("not this plan", Refused),
        ("busy", Unavailable),
        ("no such chain", Refused),
        ("unknown words", BadResponse),
        ("no list", BadResponse),
        ("failed behind it", Unavailable),
        ("reverted", BadResponse),
    ],
)
def test_refusals(name: str, error: type[SourceError]) -> None:
    """Refusals are told apart by their words, by the lists and by the proxy alike."""
    assert refused(said("refusals", name)) == [error, error]


@needs_recordings
@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("etherscan/quoted_rate_limit.json", RateLimited),
        ("etherscan/txlist_base_free_tier_refused.json", Refused),
        ("etherscan/proxy_bsc_free_tier_temporarily_unavailable.json", Unavailable),
        ("etherscan/contract_getabi_unverified.json", BadResponse),
        ("etherscan/contract_getcontractcreation_nodata.json", BadResponse),
        ("routescan/txlist_chain_not_supported.json", Refused),
        ("routescan/proxy_eth_call_http500.json", Unavailable),
        ("etherscan/proxy_eth_call_revert.json", BadResponse),
    ],
)
def test_recorded_errors(file: str, error: type[SourceError]) -> None:
    """Recorded refusals are classified, by the lists and by the proxy alike."""
    assert refused(recorded(file)) == [error, error]


@needs_recordings
def test_slices_agree_with_the_whole() -> None:
    """Two recorded slices of one address give exactly the rows of the whole history."""
    whole, start, end = (
        {t.identity for t in parse_list("native", rows_in(f), MAINNET, ME).transfers}
        for f in (
            "etherscan/txlist_0xb855_0-16295684_asc.json",
            "etherscan/txlist_0xb855_0-16289727_asc.json",
            "etherscan/txlist_0xb855_16267024-16295684_asc.json",
        )
    )
    assert start | end == whole
    assert start < whole
    assert end < whole


def test_proxy_answers() -> None:
    """Block number, block, receipt and null of the proxy module."""
    assert hex_answer(proxy_result(said("proxy", "number")), "number") == 4096
    head = parse_head(proxy_result(said("proxy", "block")))
    assert (head.height, head.time, head.block_hash) == (100, 1_700_000_100, "0x" + "0b" * 32)
    receipt = proxy_result(said("proxy", "receipt"))
    word = parse_receipt("e", "0x" + "b2" * 32, receipt, None)
    assert (word.found, word.height, word.failed) == (True, 101, False)
    assert word.block_hash == "0x" + "0b" * 32
    assert proxy_result(said("proxy", "unknown")) is None


@needs_recordings
def test_recorded_proxy_answers() -> None:
    """Block number, block, receipts and null of the proxy module, read by hand."""
    number = proxy_result(recorded("etherscan/proxy_eth_blockNumber.json"))
    assert hex_answer(number, "number") == 24069561
    head = parse_head(proxy_result(recorded("etherscan/proxy_eth_getBlockByNumber_full.json")))
    assert (head.height, head.time) == (13336285, 1633128954)
    assert head.block_hash is not None
    assert head.block_hash.startswith("0x7aa1da1c07bb11ac")
    receipt = proxy_result(recorded("etherscan/proxy_eth_getTransactionReceipt_op.json"))
    tx = "0xb5b478b321a81ae03565dd72bd625fcb203a97f017670b28e306a893414ae83b"
    word = parse_receipt("e", tx, receipt, None)
    assert (word.found, word.height, word.failed) == (True, 118589605, False)
    assert (word.block_hash or "").startswith("0xdacc496822be7471")
    assert proxy_result(recorded("etherscan/proxy_eth_getTransactionByHash_null.json")) is None


@contextmanager
def etherscan(
    answerer: Any, page_size: int | None = None, index_lag: int | None = None
) -> Iterator[tuple[Etherscan, Server]]:
    with serve(answerer) as server:
        config = SourceConfig("e", "etherscan", server.url, page_size=page_size)
        config = replace(config, index_lag=index_lag)
        yield Etherscan(config, CHAIN, Http("e", server.url, attempts=1)), server


def ask(stream: str = "native", lo: int = 0, hi: int = 40, **changes: Any) -> Ask:
    made = Ask((Subject("test", ME),), frozenset({stream}), Interval(lo, hi), HEAD)
    return replace(made, **changes)


def payments(*blocks: int) -> tuple[Move, ...]:
    return tuple(
        Move(Kind.NATIVE, block, f"p{number}", PEER, ME, number + 1)
        for number, block in enumerate(blocks)
    )


def found(batch: Batch) -> set[tuple[str, str, int | None, int]]:
    return {(t.tx, t.leg, t.block_height, t.amount) for t in batch.transfers}


def test_every_call_names_chain_and_order() -> None:
    """Chain, ascending order, bounds and page size are sent with each list call."""
    with etherscan(EtherscanServer()) as (source, server):
        source.fetch(ask("erc721", 3, 39))
    call, last = server.calls
    wanted = {
        "chainid": "31337", "module": "account", "action": "tokennfttx", "address": ME,
        "startblock": "3", "endblock": "39", "page": "1", "offset": "1000", "sort": "asc",
    }  # fmt: skip
    assert dict(call.query) == wanted
    # Two rows came: is there a third one?
    assert dict(last.query) == {**wanted, "page": "3", "offset": "1"}


def test_exactly_full_page_is_not_the_end() -> None:
    """A page that is exactly full drops its last block and reads it again."""
    story = payments(3, 4, 4, 5)
    with etherscan(EtherscanServer(story), page_size=2) as (source, server):
        batch = source.fetch(ask())
    starts = [(call.query["startblock"], call.query["page"]) for call in server.calls]
    assert starts == [("0", "1"), ("4", "1"), ("4", "2"), ("5", "1"), ("5", "2")]
    assert found(batch) == expected(story)
    assert (batch.read, batch.rest, batch.gaps) == (Interval(0, 40), None, ())


@pytest.mark.parametrize("cap", [1, 2, 7, 10, 25, 100, 256, 1000, 1999])
def test_silent_caps_are_seen(cap: int) -> None:
    """A server that cuts every page at any number in silence costs calls, not rows."""
    story = payments(*range(1, 8), *([9] * 3), *([11] * cap), *([12] * 2), *([30] * 9))
    with etherscan(EtherscanServer(story, cap=cap), page_size=2000) as (source, _):
        batch = source.fetch(ask(max_rows=20_000))
    assert found(batch) == expected(story)
    assert batch.gaps == ()


def test_a_block_that_fills_the_window() -> None:
    """10,000 rows in one block: a gap of that block, its rows kept, and on after it."""
    story = payments(2, *([7] * 10_001), 9)
    with etherscan(EtherscanServer(story)) as (source, server):
        batch = source.fetch(ask(max_rows=20_000))
    assert [gap.at for gap in batch.gaps] == [Interval(7, 7)]
    assert "block 7 holds more rows" in batch.gaps[0].reason
    assert len(batch.transfers) == 10_002
    assert (batch.read, batch.rest) == (Interval(0, 40), None)
    assert max(int(c.query["page"]) * int(c.query["offset"]) for c in server.calls) == 10_000


def test_a_block_just_within_the_window() -> None:
    """9,999 rows in one block are read in full, without a gap."""
    story = payments(*([7] * 9_999), 8)
    with etherscan(EtherscanServer(story)) as (source, _):
        batch = source.fetch(ask(max_rows=20_000))
    assert batch.gaps == ()
    assert len(batch.transfers) == 10_000


def test_page_number_ignored() -> None:
    """A server that gives the same page again and again ends in a gap, not in a loop."""
    server_side = EtherscanServer(payments(*([7] * 50)))

    def same_page(call: Call) -> Reply:
        return server_side(replace(call, query={**call.query, "page": "1"}))

    with etherscan(same_page, page_size=5) as (source, server):
        batch = source.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(7, 7)]
    assert len(batch.transfers) == 5
    assert len(server.calls) < 6


def test_page_number_ignored_on_a_short_page() -> None:
    """Where page numbers are ignored a block alone cannot be asked on, what follows it can."""
    server_side = EtherscanServer(payments(7, 9, 9), cap=2)

    def same_page(call: Call) -> Reply:
        return server_side(replace(call, query={**call.query, "page": "1"}))

    with etherscan(same_page) as (source, _):
        batch = source.fetch(ask())
    assert [t.block_height for t in batch.transfers] == [7, 9, 9]
    assert (batch.gaps, batch.read) == ((), Interval(0, 40))


def test_one_answer_to_everything() -> None:
    """A server that gives the same rows whatever is asked is read once, to the end."""
    rows = [row for _, row in EtherscanServer(payments(3, 4, 30)).rows]
    body = {"status": "1", "message": "OK", "result": rows}
    with etherscan(lambda call: Reply(body)) as (source, _):
        batch = source.fetch(ask(lo=4, hi=20))
        assert [t.block_height for t in batch.transfers] == [4]
        assert (batch.read, batch.rest) == (Interval(4, 20), None)
        assert len(source.fetch(ask()).transfers) == 3


def test_a_list_that_takes_too_long() -> None:
    """Where a whole page takes the server too long, smaller ones are asked for."""
    story = payments(*range(1, 31))
    server_side = EtherscanServer(story)

    def slow(call: Call) -> Reply:
        if int(call.query["offset"]) > 10:
            words = "Query Timeout occured. Please select a smaller result dataset"
            return Reply({"status": "0", "message": words, "result": None})
        return server_side(call)

    with etherscan(slow, page_size=100) as (source, _):
        batch = source.fetch(ask())
    assert found(batch) == expected(story)
    assert (batch.read, batch.gaps) == (Interval(0, 40), ())


def test_cut_by_bytes() -> None:
    """Rows of very different length, cut at 4,000 bytes without a word: none is lost."""
    lengths = [0, 700, 10, 900, 0, 0, 300, 0, 1200, 5, 0, 400]
    blocks = [3, 3, 4, 6, 6, 6, 6, 6, 6, 6, 8, 9]
    story = tuple(
        replace(move, data="0x" + "00" * length)
        for move, length in zip(payments(*blocks), lengths, strict=True)
    )
    server_side = EtherscanServer(story)

    def cut(call: Call) -> Reply:
        rows = list(server_side.page(call.query))
        while len(json.dumps(rows)) > 4000:
            rows.pop()
        found = {"status": "1" if rows else "0", "message": "OK", "result": rows}
        return Reply(found if rows else {**found, "message": "No transactions found"})

    with etherscan(cut) as (source, _):
        batch = source.fetch(ask())
    assert found(batch) == expected(story)
    assert (batch.gaps, batch.read) == ((), Interval(0, 40))


def test_unordered_short_list() -> None:
    """A short list in an order of its own counts where its end is known, and only there."""
    server_side = EtherscanServer(payments(1, 2, 3, 4))

    def descending(call: Call) -> Reply:
        return server_side(replace(call, query={**call.query, "sort": "desc"}))

    with etherscan(descending) as (source, _):
        assert source.fetch(ask()).read == Interval(0, 40)
    server_side.cap = 3
    with etherscan(descending) as (source, _), pytest.raises(BadResponse):
        source.fetch(ask())


def test_unordered_full_page_is_refused() -> None:
    """A full page in descending order cannot be continued: an error, not a short list."""
    server_side = EtherscanServer(payments(1, 2, 3, 4))

    def descending(call: Call) -> Reply:
        return server_side(replace(call, query={**call.query, "sort": "desc"}))

    with etherscan(descending, page_size=2) as (source, _), pytest.raises(BadResponse):
        source.fetch(ask())


def test_ignored_range_adds_nothing_outside() -> None:
    """Rows of blocks that were not asked for are left out, so that none comes twice."""
    server_side = EtherscanServer(payments(1, 2, 30))

    def everything(call: Call) -> Reply:
        return server_side(replace(call, query={**call.query, "startblock": "0"}))

    with etherscan(everything) as (source, _):
        batch = source.fetch(ask(lo=2, hi=29))
    assert [t.block_height for t in batch.transfers] == [2]
    assert batch.read == Interval(2, 29)


def test_span_above_the_head() -> None:
    """A span that begins above the head proves nothing and costs no call."""
    with etherscan(EtherscanServer()) as (source, server):
        batch = source.fetch(ask(lo=41, hi=50))
    assert (batch.read, batch.rest, batch.calls, server.calls) == (None, None, 0, [])


def spoiled(story: tuple[Move, ...], number: int, **changes: Any) -> EtherscanServer:
    """The story's server with some fields of one row replaced."""
    server = EtherscanServer(story)
    server.rows[number][1].update(changes)
    return server


BAD_VALUES = [
    "-1",
    "1e5",
    "１２３",
    "1_000",
    " 12\n",
    "",
    None,
    1.5,
    True,
    "9" * 79,
    str(2**256),
    [],
]


@pytest.mark.parametrize("value", BAD_VALUES)
def test_bad_row_is_a_gap(value: object) -> None:
    """A row with an unreadable amount becomes a gap of its block; the rest counts."""
    with etherscan(spoiled(payments(3, 4, 5), 1, value=value)) as (source, _):
        batch = source.fetch(ask())
    assert [t.block_height for t in batch.transfers] == [3, 5]
    assert [gap.at for gap in batch.gaps] == [Interval(4, 4)]
    assert json.loads(batch.gaps[0].raw)["value"] == value
    assert batch.read == Interval(0, 40)


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "0x12"}, {"to": None, "contractAddress": ""}, {"hash": "0x1"},
        {"timeStamp": "soon"}, {"isError": ""}, {"isError": ["0"]}, {"blockHash": "0xzz"},
        {"isError": "1", "txreceipt_status": "1"},
        {"timeStamp": "9" * 30}, {"transactionIndex": "-1"}, {"to": ["0x"]},
    ],
)  # fmt: skip
def test_other_unreadable_fields(changes: Mapping[str, Any]) -> None:
    """Every field that a transfer stands on is checked."""
    with etherscan(spoiled(payments(3, 4, 5), 1, **changes)) as (source, _):
        batch = source.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(4, 4)]
    assert [t.block_height for t in batch.transfers] == [3, 5]


def test_a_row_whose_receipt_failed_moved_nothing() -> None:
    """Its own status counts where the list calls it a success."""
    with etherscan(spoiled(payments(3, 4, 5), 1, txreceipt_status="0")) as (source, _):
        batch = source.fetch(ask())
    assert ([t.block_height for t in batch.transfers], batch.gaps) == ([3, 5], ())


def test_row_without_a_place_proves_nothing() -> None:
    """If a row's block cannot be read the batch proves nothing, and keeps the others."""
    rows = [
        {**row, "blockNumber": "soon"} if number == 1 else row
        for number, (_, row) in enumerate(EtherscanServer(payments(3, 4, 5)).rows)
    ]
    body = {"status": "1", "message": "OK", "result": rows}
    with etherscan(lambda call: Reply(body)) as (source, _):
        batch = source.fetch(ask())
    assert batch.read is None
    assert [t.block_height for t in batch.transfers] == [3, 5]


def test_gap_keeps_at_most_4000_characters() -> None:
    """The raw text of a gap is cut, so that one row cannot fill the database."""
    with etherscan(spoiled(payments(3), 0, value="x", input="0x" + "00" * 5000)) as (source, _):
        (gap,) = source.fetch(ask()).gaps
    assert len(gap.raw) == 4000


def test_hostile_token_facts() -> None:
    """Absurd decimals are dropped, names stay raw, and no row is lost for them."""
    coins = tuple(
        Move(Kind.ERC20, n + 1, f"c{n}", PEER, ME, 1, "0x" + f"{n:040x}") for n in range(6)
    )
    server = EtherscanServer(coins)
    told = ["18", "0", "36", "37", "", "1" * 80]
    for (_, row), places in zip(server.rows, told, strict=True):
        row.update(tokenDecimal=places, tokenSymbol="\u202eCDSU\n", tokenName=None)
    with etherscan(server) as (source, _):
        batch = source.fetch(ask("erc20"))
    assert [facts.decimals for facts in batch.tokens] == [18, 0, 36, None, None, None]
    assert {(f.symbol, f.name) for f in batch.tokens} == {("\u202eCDSU\n", None)}
    assert len(batch.transfers) == 6


def test_old_ether_of_optimism() -> None:
    """Optimism's old ether token: movements between two are told twice, mints are not."""
    zero, contract = "0x" + "0" * 40, "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000"
    story = (
        Move(Kind.ERC20, 3, "deposit", zero, ME, 5, contract),
        Move(Kind.ERC20, 4, "paid", ME, PEER, 5, contract),
    )
    with etherscan(EtherscanServer(story)) as (source, _):
        batch = source.fetch(ask("erc20"))
    assert [t.tx for t in batch.transfers] == [tx_of("deposit")]


def test_looking_up() -> None:
    """Head, receipts, waiting and unknown transactions, and block hashes by height."""
    with etherscan(EtherscanServer(), index_lag=0) as (source, _):
        assert source.index_lag == 0
        assert source.head() == HEAD
        word = source.transaction(tx_of("failed"))
        assert (word.found, word.height, word.failed) == (True, 9, True)
        assert (word.block_hash, word.head) == (block_hash(9), HEAD)
        waiting = source.transaction(tx_of("waiting"))
        assert (waiting.found, waiting.height) == (True, None)
        assert not source.transaction(tx_of("never")).found
        assert source.block_hash(12) == block_hash(12)
        assert source.block_hash(41) is None
        with pytest.raises(Refused):
            source.transaction("GENESIS_" + "0" * 40)


def test_receipt_of_another_transaction() -> None:
    """A receipt that names another transaction is no answer."""
    receipt = {
        "transactionHash": tx_of("a"), "blockNumber": "0x1", "blockHash": tx_of("b"),
        "status": "0x1",
    }  # fmt: skip
    assert parse_receipt("e", tx_of("a"), receipt, None).found
    with pytest.raises(BadResponse):
        parse_receipt("e", tx_of("b"), receipt, None)


def test_chain_without_an_id() -> None:
    """A chain without chain_id cannot be asked for: refused before any call."""
    config = SourceConfig("e", "etherscan", "http://localhost")
    with pytest.raises(Refused):
        Etherscan(config, replace(CHAIN, chain_id=None), Http("e", "http://localhost"))
