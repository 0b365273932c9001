"""The Blockbook adapter: recorded answers, scripted servers, and a real UTXO node.

`recordings/blockbook` holds answers of our own making, in the form of the API's page; beside
the repository there may be recorded ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import base58
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.parts import LitecoinFeed, Rpc
from world.recordings import kept, needs_recordings
from world.scripted_server import Call, Reply, Server, serve

from monitor.app.settings import load
from monitor.chains import landmarks
from monitor.chains.address import canonical
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.model import Ask, Batch, Chain, Head, Interval, Kind, SourceConfig, Subject
from monitor.model.errors import BadResponse, NotYet, Refused, SourceError
from monitor.net.http import Http
from monitor.net.sources.blockbook import COINS, Blockbook
from monitor.net.sources.blockbook_rows import parse_page, parse_transactions, parse_unconfirmed

LOADED = load.load(Path("/nonexistent"), {})
CHAINS = {
    short: LOADED.chains[key]
    for short, key in {
        "btc": "bitcoin",
        "ltc": "litecoin",
        "doge": "dogecoin",
        "dash": "dash",
        "zec": "zcash",
        "bch": "bitcoin-cash",
    }.items()
}
DOGE = CHAINS["doge"]
LOCAL = Chain("ltc-regtest", "Litecoin regtest", "utxo", "LTC", 8, 6, bech32="rltc")
STREAMS = frozenset({"utxo"})
HEAD = Head(3_000_120, 1_790_000_120)


def own(name: str) -> Any:
    return kept(f"blockbook/{name}")


ME, PEER, SHOP = (
    "D8ijK3ydmCnuwc5AeJxPqE8CStnQhcJG9r",
    own("doge_address.json")["transactions"][2]["vin"][0]["addresses"][0],
    own("doge_unused.json")["address"],
)

# -- what rows come to -------------------------------------------------------------------------

Leg = tuple[str, Kind, str | None, int]


def legs_of(chain: Chain, rows: Sequence[object]) -> dict[str, list[Leg]]:
    parsed = parse_transactions(chain, rows)
    assert parsed.gaps == ()
    found: dict[str, list[Leg]] = {}
    for t in parsed.transfers:
        found.setdefault(t.tx, []).append((t.leg, t.kind, t.sender or t.recipient, t.amount))
    return found


def test_own_rows() -> None:
    """Inputs of several addresses, change, texts and keys in place of addresses, newly mined
    coins, and what waits: every leg at its place, with its owner if it has one."""
    page = parse_page(own("doge_address.json"), DOGE, ME, 25)
    assert (page.waiting, page.total, len(page.pending), len(page.mined)) == (1, 3, 1, 3)
    script = page.mined[0]["vin"][2]["addresses"][0]
    spent, multisig, mined = legs_of(DOGE, page.mined).values()
    assert spent == [
        ("in:0", Kind.UTXO_IN, ME, 500),
        ("in:1", Kind.UTXO_IN, ME, 700),
        ("in:2", Kind.UTXO_IN, script, 100),
        ("out:0", Kind.UTXO_OUT, None, 0),
        ("out:1", Kind.UTXO_OUT, PEER, 900),
        ("out:2", Kind.UTXO_OUT, ME, 150),
        ("out:3", Kind.UTXO_OUT, ME, 200),
    ]
    assert [leg[2:] for leg in multisig] == [(PEER, 5000), (None, 1000), (ME, 3900), (None, 0)]
    assert mined == [
        ("in:0", Kind.COINBASE, None, 10**12),
        ("out:0", Kind.UTXO_OUT, ME, 10**12),
    ]
    (first, *_) = parse_transactions(DOGE, page.mined).transfers
    told = page.mined[0]
    assert (first.block_height, first.block_hash) == (3_000_100, told["blockHash"])
    assert (first.time, first.spends) == (1_790_000_100, f"{told['vin'][0]['txid']}:0")
    waiting = parse_unconfirmed(DOGE, page.pending, HEAD.height).transfers
    assert [(t.sender or t.recipient, t.amount) for t in waiting] == [
        (ME, 90_000), (SHOP, 40_000), (ME, 49_000),
    ]  # fmt: skip
    assert {(t.pending, t.block_height, t.block_hash, t.time) for t in waiting} == {
        (True, None, None, None)
    }


def test_what_is_hidden_is_not_made_up() -> None:
    """Coins that go into a shielded pool or come out of it: what can be seen, nothing else."""
    told = own("zec_address.json")
    me = told["address"]
    page = parse_page(told, CHAINS["zec"], me, 25)
    out_of, into, both = legs_of(CHAINS["zec"], page.mined).values()
    assert out_of == [("out:0", Kind.UTXO_OUT, me, 70_000)]
    assert into == [("in:0", Kind.UTXO_IN, me, 90_000)]
    assert both == [("in:0", Kind.UTXO_IN, me, 1000), ("out:0", Kind.UTXO_OUT, me, 5000)]


def test_into_and_out_of_mweb() -> None:
    """Litecoin's extension: its own outputs have no address, a payout has its receiver's."""
    told = own("ltc_mweb_address.json")
    me = told["address"]
    page = parse_page(told, CHAINS["ltc"], me, 25)
    extension, peg_in = legs_of(CHAINS["ltc"], page.mined).values()
    assert extension == [
        ("in:0", Kind.UTXO_IN, None, 900_000),
        ("in:1", Kind.UTXO_IN, None, 50_000),
        ("out:0", Kind.UTXO_OUT, None, 930_000),
        ("out:1", Kind.UTXO_OUT, me, 20_000),
    ]
    assert [leg[2:] for leg in peg_in] == [(me, 60_000), (None, 50_000), (me, 9000)]


def test_addresses_are_folded() -> None:
    """A server that writes a Litecoin script with 3 tells of the same address as one that
    writes M; what is no address of the chain is told as it is."""
    told = own("ltc_mweb_address.json")
    new = told["address"]
    old = base58.b58encode_check(b"\x05" + base58.b58decode_check(new)[1:]).decode()
    assert old.startswith("3")
    respelt = json.loads(json.dumps(told).replace(new, old))
    respelt["transactions"][0]["vout"][0] |= {"addresses": ["odd"], "isAddress": True}
    page = parse_page(respelt, CHAINS["ltc"], new, 25)
    (extension, peg_in) = legs_of(CHAINS["ltc"], page.mined).values()
    assert [leg[2] for leg in extension[2:]] == ["odd", new]
    assert [leg[2] for leg in peg_in] == [new, None, new]
    with pytest.raises(BadResponse, match="another address"):
        parse_page(told, CHAINS["ltc"], ME, 25)


LEGACY = "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"  # the example of cashaddr's document


def test_bitcoin_cash_is_asked_with_its_prefix() -> None:
    """Without it a Blockbook takes cashaddr for nothing; servers that are set to write the
    older form, or leave the prefix out, answer for the same address."""
    chain, said = CHAINS["bch"], own("bch_address.json")
    me = canonical(chain, LEGACY)
    assert me == said["address"]
    text = json.dumps(said)
    for form in (me, me.partition(":")[2], LEGACY):
        answer = json.loads(text.replace(me, form))
        with source(lambda _, body=answer: Reply(body), chain) as (adapter, server):
            batch = adapter.fetch(
                Ask((Subject(chain.key, me),), STREAMS, Interval(0, 900_000), Head(800_010, 1))
            )
        assert unquote(server.calls[0].path) == f"/api/v2/address/{me}"
        assert [t.sender or t.recipient for t in batch.transfers] == [me, me]


# Read by a person from the recordings: file, number of its row, and that row's legs.
BY_HAND: list[tuple[str, int, list[Leg]]] = [
    ("btc", 1, [
        ("in:0", Kind.UTXO_IN, "bc1qrfr44n2j4czd5c9txwlnw0yj2h82x9566fglqj", 4829),
        ("out:0", Kind.UTXO_OUT, "34DBwkzPz6yeqU1LoZLVzdCm91oeyxq37T", 1000),
        ("out:1", Kind.UTXO_OUT, "bc1q3u68k04pecgnkz0qjcf95wknxyxap2287gyzrg", 2699),
    ]),
    ("ltc", 0, [
        ("in:0", Kind.UTXO_IN, "ltc1qpm594ntjq6ayqjngf6t9td2dxtey9d7985eept", 788530),
        ("out:0", Kind.UTXO_OUT, "ltc1qenc97w7y20mlvma53vfyh4ukjz7rp83zf892wx", 100000),
        ("out:1", Kind.UTXO_OUT, "ltc1qpm594ntjq6ayqjngf6t9td2dxtey9d7985eept", 688078),
    ]),
    ("doge", 0, [
        ("in:0", Kind.UTXO_IN, "D5dAUAx3Ezg1q4dRgzKTBsxp4VJietWkDh", 1000000000),
        ("out:0", Kind.UTXO_OUT, "D97xcKB9EAPmgNExbB5nAXDAQ9s5ZJ91J4", 134700000),
        ("out:1", Kind.UTXO_OUT, "DMVPBRTD6bgqr3fk2yTdz97hS4AA2gzj8g", 707100000),
    ]),
    ("dash", 0, [
        ("in:0", Kind.COINBASE, None, 288626780),
        ("out:0", Kind.UTXO_OUT, "XrcbsQdrFYEzbqA9nCJi8zDtnRZzNKkCtG", 144313387),
        ("out:1", Kind.UTXO_OUT, "Xb8cmjtK67y9T2haqrcDicoAMByDesLcAe", 144313393),
    ]),
    ("zec", 0, [
        ("in:0", Kind.COINBASE, None, 625000000),
        ("out:0", Kind.UTXO_OUT, "t1LwLWo1Mo3s4RPtUpeyUD1eYd47inL3bwX", 0),
        ("out:1", Kind.UTXO_OUT, "t3aKH6NiWN1ofGd8c19rZiqgYpkJ3n679ME", 125000000),
        ("out:2", Kind.UTXO_OUT, "t1gVpRrLdr8R2M2RaGisWZRspEF8EZvLZHv", 6250000),
        ("out:3", Kind.UTXO_OUT, "t1RMngkaWf2F8EDrpzQ1fhLBhfi89L14tN2", 493750000),
    ]),
]  # fmt: skip


@needs_recordings
@pytest.mark.parametrize(("coin", "number", "expected"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_recorded_lists(coin: str, number: int, expected: list[Leg]) -> None:
    """Every row of a recorded list parses; one of them comes out as a person reads it, and
    all of them were told by one and the same index."""
    told = kept(f"blockbook/{coin}_address_txs.json")
    page = parse_page(told, CHAINS[coin], told["address"], 25)
    assert len(page.mined) == len(told["transactions"])
    found = legs_of(CHAINS[coin], page.mined)
    assert found[page.mined[number]["txid"]] == expected
    assert len({row["blockHeight"] + row["confirmations"] for row in page.mined}) == 1


@needs_recordings
def test_recorded_single_transactions() -> None:
    """One by its hash, with where its output was spent, and one that is marked as waiting."""
    (spent, paid) = parse_transactions(
        CHAINS["btc"], [kept("blockbook/gem_btc_transaction_by_hash.json")]
    ).transfers
    assert (spent.amount, paid.amount, paid.block_height) == (2240, 546, 873_006)
    (waits, *_) = parse_unconfirmed(CHAINS["zec"], [kept("blockbook/pending_tx.json")], 1).transfers
    assert (waits.pending, waits.block_height, waits.amount) == (True, None, 387_582)


# -- a scripted server -------------------------------------------------------------------------


@contextmanager
def source(
    respond: Callable[[Call], Reply], chain: Chain = DOGE, page_size: int | None = None
) -> Iterator[tuple[Blockbook, Server]]:
    with serve(respond) as server:
        config = SourceConfig("book", "blockbook", server.url, page_size=page_size)
        yield Blockbook(config, chain, Http(config.name, server.url, attempts=1)), server


def ask(lo: int = 0, hi: int = HEAD.height, **changes: Any) -> Ask:
    base = Ask((Subject(DOGE.key, ME),), STREAMS, Interval(lo, hi), HEAD)
    return replace(base, **changes)


def read_all(adapter: Blockbook, first: Ask) -> list[Batch]:
    batches: list[Batch] = []
    going: Ask | None = first
    while going is not None:
        batch = adapter.fetch(going)
        batches.append(batch)
        assert len(batches) < 200, "the walk does not end"
        left = batch.rest
        going = None if left is None else replace(going, span=left, cursor=batch.cursor)
    return batches


def row(number: int, height: int | None, value: Any = "5", tip: int = HEAD.height) -> Any:
    told = {
        "txid": f"{number:064x}",
        "vin": [{"n": 0, "txid": "cd" * 32, "addresses": [PEER], "isAddress": True, "value": "9"}],
        "vout": [{"n": 0, "value": value, "addresses": [ME], "isAddress": True}],
        "value": "5",
        "valueIn": "9",
    }
    if height is None:
        return {**told, "blockHeight": -1, "confirmations": 0, "blockTime": 7}
    mined = {"blockHash": f"{height:064x}", "blockHeight": height, "blockTime": 1}
    return {**told, **mined, "confirmations": tip - height + 1}


class Book:
    """A server over a list of rows, newest first, as the real one serves it; `change` has the
    last word on a page."""

    def __init__(self, *rows: Any, total: int | None = None, **fixed: Any) -> None:
        self.rows, self.total, self.fixed = list(rows), total, fixed
        self.most = 1000
        self.change: Callable[[Call, dict[str, Any]], None] = lambda _call, _page: None

    def __call__(self, call: Call) -> Reply:
        if "/address/" not in call.path:
            return Reply({"error": "Internal server error"}, 500)
        to = int(call.query.get("to", 0))
        mined = [r for r in self.rows if r["confirmations"] and (not to or r["blockHeight"] <= to)]
        waiting = [] if to else [r for r in self.rows if not r["confirmations"]]
        size = min(int(call.query["pageSize"]), self.most)
        last = max(0, len(mined) - 1) // size + 1
        number = min(int(call.query["page"]), last)
        shown = (waiting if number == 1 else []) + mined[(number - 1) * size : number * size]
        count = sum(1 for r in self.rows if r["confirmations"])
        page = {"page": number, "totalPages": -1 if to else last, "itemsOnPage": size,
                "address": ME, "unconfirmedTxs": len(waiting),
                "txs": count if self.total is None else self.total, **self.fixed}  # fmt: skip
        if shown:
            page["transactions"] = shown
        self.change(call, page)
        return Reply(page)


def asked(server: Server) -> list[dict[str, str]]:
    return [call.query for call in server.calls]


def txs_of(*batches: Batch) -> set[int]:
    return {int(t.tx, 16) for b in batches for t in b.transfers}


HISTORY = [row(n, 40_000 - 100 * n) for n in range(1, 61)]  # 39,900 down to 34,000


def test_a_whole_list_in_one_call() -> None:
    """The address's own count says that the first page is all; what waits stands on it too."""
    with source(lambda _: Reply(own("doge_address.json"))) as (adapter, server):
        batch = adapter.fetch(ask())
    assert (batch.read, batch.rest, batch.cursor) == (Interval(0, HEAD.height), None, None)
    assert (batch.calls, len(server.calls), batch.mempool_read) == (1, 1, True)
    assert len({t.tx for t in batch.transfers}) == 4
    assert asked(server) == [{"details": "txs", "page": "1", "pageSize": "25"}]


def test_an_unused_address() -> None:
    """Nothing listed and nothing counted is the end; something counted is an error."""
    told = own("doge_unused.json") | {"address": ME}
    with source(lambda _: Reply(told)) as (adapter, _):
        batch = adapter.fetch(ask())
    assert (batch.read, batch.transfers, batch.mempool_read) == (
        Interval(0, HEAD.height), (), True,
    )  # fmt: skip
    with (
        source(lambda _: Reply(told | {"txs": 2})) as (adapter, _),
        pytest.raises(BadResponse, match="count"),
    ):
        adapter.fetch(ask())


def test_a_walk_ends_below_the_span() -> None:
    """One page is enough where it reaches below what was asked, and the next begins at the
    lowest block seen, so that nothing new on top can shift it."""
    with source(Book(*HISTORY)) as (adapter, server):
        near = adapter.fetch(ask(lo=37_600))
        far = adapter.fetch(ask(lo=36_000))
    assert (near.read, near.calls) == (Interval(37_600, HEAD.height), 1)
    assert (far.read, far.rest) == (Interval(36_000, HEAD.height), None)
    assert [query.get("to") for query in asked(server)] == [None, None, "37500"]
    assert txs_of(far) >= set(range(1, 41))


@pytest.mark.parametrize("max_rows", [1, 10, 60, 1000])
@pytest.mark.parametrize("size", [2, 7, 25])
def test_small_bites_lose_nothing(max_rows: int, size: int) -> None:
    """Read in pieces, each row comes once and the pieces join up."""
    with source(Book(row(99, None), *HISTORY), page_size=size) as (adapter, _):
        batches = read_all(adapter, ask(max_rows=max_rows, mempool=False))
    told = [t.identity for b in batches for t in b.transfers]
    assert len(told) == len(set(told)) == 120
    read = [b.read for b in batches if b.read is not None]
    assert (read[0].hi, read[-1].lo) == (HEAD.height, 0)
    assert all(a.lo == b.hi + 1 for a, b in pairwise(read))


def test_what_comes_on_top_of_a_walk() -> None:
    """New transactions between two batches neither hide nor double what lies below, and the
    count that they raise does not make the end doubtful."""
    book = Book(*HISTORY)
    with source(book, page_size=5) as (adapter, _):
        first = adapter.fetch(ask(max_rows=20))
        book.rows[:0] = [row(200 + n, HEAD.height) for n in range(7)]
        assert first.rest is not None
        rest = read_all(adapter, ask(hi=first.rest.hi, cursor=first.cursor, mempool=False))
    assert txs_of(first, *rest) == set(range(1, 61))
    assert rest[-1].rest is None


def test_a_list_shorter_than_its_count() -> None:
    """What lies below is not covered, and a second try is an error and not silence."""
    with source(Book(*HISTORY, total=61)) as (adapter, _):
        batch = adapter.fetch(ask())
        assert (batch.read, batch.rest, batch.cursor) == (
            Interval(34_001, HEAD.height), Interval(0, 34_000), None,
        )  # fmt: skip
        assert txs_of(batch) == set(range(1, 61))
        with pytest.raises(BadResponse, match="count"):
            adapter.fetch(ask(hi=34_000))
        with pytest.raises(BadResponse, match="count"):
            read_all(adapter, ask(max_rows=20))


def test_a_first_answer_that_is_older() -> None:
    """A server further behind counts fewer: the walk does not end where its count would."""
    book = Book(*HISTORY)

    def behind(call: Call, page: dict[str, Any]) -> None:
        page["txs"] = 60 if "to" in call.query else 30

    book.change = behind
    with source(book) as (adapter, _):
        assert txs_of(adapter.fetch(ask())) == set(range(1, 61))


@pytest.mark.parametrize("left", [59, 15, 1])
def test_a_list_that_changed_under_a_walk(left: int) -> None:
    """Some that were counted are gone: the walk is begun anew, and then ends well."""
    book = Book(*HISTORY)
    with source(book, page_size=5) as (adapter, _):
        first = adapter.fetch(ask(max_rows=20))
        del book.rows[left:]
        assert first.rest is not None
        batches = read_all(adapter, ask(hi=first.rest.hi, cursor=first.cursor))
    assert batches[-1].read is not None
    assert batches[-1].read.lo == 0
    assert txs_of(first, *batches) >= set(range(1, left + 1))


def test_one_gone_above() -> None:
    """The count is lower, and was reached before the end: the last one is read all the same."""
    book = Book(*HISTORY)
    with source(book, page_size=2) as (adapter, _):
        first = adapter.fetch(ask(max_rows=20))
        del book.rows[0]
        assert first.rest is not None
        rest = read_all(adapter, ask(hi=first.rest.hi, cursor=first.cursor, mempool=False))
    assert txs_of(first, *rest) == set(range(1, 61))


def test_a_cursor_of_another_span() -> None:
    """It stands below the span: the walk begins at the top."""
    with source(Book(*HISTORY)) as (adapter, _):
        batch = adapter.fetch(ask(lo=38_000, cursor="35000 50 60"))
    assert batch.read == Interval(38_000, HEAD.height)
    assert txs_of(batch) >= set(range(1, 21))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_block_that_fills_a_page(size: int) -> None:
    """More transactions of one block than a page holds: page by page, all of them."""
    rows = [row(1, 900), *(row(10 + n, 800) for n in range(7)), row(2, 700)]
    with source(Book(*rows), page_size=size) as (adapter, _):
        batches = read_all(adapter, ask(max_rows=2, lo=750))
    assert txs_of(*batches) >= {1, *range(10, 17)}
    assert [gap for b in batches for gap in b.gaps] == []


def test_the_very_first_block() -> None:
    """A height of 0 would ask for the whole list."""
    rows = [row(1, 5), row(2, 1), row(3, 0), row(4, 0)]
    with source(Book(*rows), page_size=2) as (adapter, _):
        assert txs_of(*read_all(adapter, ask(max_rows=1))) == {1, 2, 3, 4}


def test_a_block_that_does_not_show_all() -> None:
    """A server that leaves rows out of every page of a large block: the block is told as a
    gap, and the walk goes on below it."""
    rows = [row(1, 900), *(row(10 + n, 800) for n in range(7)), row(2, 700)]
    book = Book(*rows)

    def cut(call: Call, page: dict[str, Any]) -> None:
        if call.query["page"] != "1":
            page["transactions"] = page["transactions"][:1]

    book.change = cut
    with source(book, page_size=2) as (adapter, _):
        batches = read_all(adapter, ask())
    assert {gap.at for b in batches for gap in b.gaps} == {Interval(800, 800)}
    assert {1, 2} <= txs_of(*batches)
    assert min(b.read.lo for b in batches if b.read is not None) == 0


@settings(max_examples=40)
@given(
    heights=st.lists(st.integers(0, 12), max_size=30),
    size=st.integers(1, 6),
    most=st.integers(1, 6),
    max_rows=st.integers(1, 12),
    lo=st.integers(0, 12),
    on_top=st.lists(st.integers(0, 4), max_size=6),
)
def test_nothing_is_proven_that_was_not_read(
    heights: list[int], size: int, most: int, max_rows: int, lo: int, on_top: list[int]
) -> None:
    """Whatever the sizes of blocks, pages and bites, and whatever comes on top between two
    of them: each row of what is called read is there, once, and the parts join up."""
    rows = [row(n, h) for n, h in enumerate(sorted(heights, reverse=True))]
    book = Book(*rows)
    book.most = most
    wanted = {r["txid"] for r in rows if r["blockHeight"] >= lo}
    with source(book, page_size=size) as (adapter, _):
        found: list[str] = []
        low, going = HEAD.height + 1, ask(lo=lo, max_rows=max_rows, mempool=False)
        while low > lo:
            batch = adapter.fetch(going)
            assert batch.gaps == ()
            if batch.read is not None:
                assert batch.read.hi == low - 1
                low = batch.read.lo
            found += {t.tx for t in batch.transfers if lo <= (t.block_height or 0) < HEAD.height}
            if batch.rest is not None:
                going = replace(going, span=batch.rest, cursor=batch.cursor)
            new = on_top.pop() if on_top else 0
            book.rows[:0] = [row(1000 + len(book.rows) + n, HEAD.height) for n in range(new)]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("total", [0, 3, 25, 59])
def test_a_count_that_is_too_low(total: int) -> None:
    """A page with no room for more is not the end, whatever the server has counted."""
    with source(Book(*HISTORY, total=total)) as (adapter, _):
        batch = adapter.fetch(ask())
    assert txs_of(batch) == set(range(1, 61))
    assert batch.read == Interval(0, HEAD.height)


def test_a_page_that_is_not_the_last() -> None:
    """By the server's own words, where it cuts pages and has counted too few rows."""
    book = Book(*HISTORY, total=5)

    def cut(call: Call, page: dict[str, Any]) -> None:
        page["transactions"] = page["transactions"][:5]
        page["totalPages"] = 12

    book.change = cut
    with source(book) as (adapter, _):
        assert txs_of(adapter.fetch(ask(lo=39_000))) >= set(range(1, 11))


def endless(call: Call, page: dict[str, Any], **changes: Any) -> None:
    """Rows that nobody has seen yet, all of one block, whatever is asked."""
    start = 10**6 * int(call.query["page"])
    page["transactions"] = [{**row(start + n, 30_000), **changes} for n in range(25)]
    page["txs"] = 10**9


@pytest.mark.parametrize(
    "changes",
    [{}, {"vin": [], "vout": [], "value": "0", "valueIn": "0"}, {"blockHeight": "x"}],
    ids=["whole", "empty", "without a block"],
)
def test_a_block_without_an_end(changes: dict[str, Any]) -> None:
    """Ever new rows do not keep a fetch going: it comes back, and proves nothing below."""
    book = Book()
    book.change = lambda call, page: endless(call, page, **changes)
    with source(book) as (adapter, server):
        with pytest.raises(BadResponse):
            read_all(adapter, ask())
        assert len(server.calls) < 600


def test_a_block_of_more_rows_than_one_walk_reads() -> None:
    """It is told as a gap, and what lies below it is read."""
    book = Book(*HISTORY)

    def flood(call: Call, page: dict[str, Any]) -> None:
        if int(call.query.get("to", 30_000)) >= 30_000:
            endless(call, page)

    book.change = flood
    book.rows = [row(n, 30_000 - n) for n in range(1, 4)]
    with source(book) as (adapter, _):
        batches = read_all(adapter, ask())
    assert [(g.at, g.reason) for b in batches for g in b.gaps] == [
        (Interval(30_000, 30_000), "block 30000 holds more rows than one walk reads")
    ]
    assert txs_of(*batches) >= {1, 2, 3}
    assert min(b.read.lo for b in batches if b.read is not None) == 0


def test_rows_that_lead_down_without_an_end() -> None:
    """A batch comes back after so many pages, however little they hold."""
    book = Book()

    def one(call: Call, page: dict[str, Any]) -> None:
        height = int(call.query.get("to", 100_000)) - 1
        page["transactions"] = [row(height, height)]
        page["txs"] = 10**9

    book.change = one
    with source(book) as (adapter, server):
        batch = adapter.fetch(ask())
    assert batch.rest is not None
    assert len(server.calls) < 100


def test_a_server_that_does_not_keep_to_heights() -> None:
    """One that ignores `to` answers with the top of the list again: noticed, not believed."""
    book = Book(*HISTORY)

    def ignoring(call: Call) -> Reply:
        call.query.pop("to", None)
        return book(call)

    with source(ignoring) as (adapter, _):
        assert adapter.fetch(ask(lo=38_000)).read == Interval(38_000, HEAD.height)
        with pytest.raises(BadResponse, match="does not go down from the block"):
            adapter.fetch(ask())


def test_a_list_in_another_order() -> None:
    """Oldest first, the lowest block of a page says nothing of what lies above it."""
    with (
        source(Book(*HISTORY[::-1])) as (adapter, _),
        pytest.raises(BadResponse, match="does not go down"),
    ):
        adapter.fetch(ask(lo=35_000))


def test_an_index_behind_the_head() -> None:
    """A row's confirmations say how far the index went that told it: another server behind
    the same name may be further back, and proves nothing above."""
    behind = HEAD.height - 3
    with source(Book(row(1, 30, tip=behind), row(2, 20))) as (adapter, _):
        assert adapter.fetch(ask()).read == Interval(0, behind)
        assert adapter.fetch(ask(lo=behind + 1)).read is None


@pytest.mark.parametrize("value", ["-5", "5.0", 5.5, None, True, "", str(2**63), "6"])
def test_an_unreadable_transaction_is_a_gap(value: Any) -> None:
    """One bad row becomes a gap of its block (an amount that the server's own sum does not
    fit is one); the rows beside it count."""
    with source(Book(row(1, 30), row(2, 20, value), row(3, 10))) as (adapter, _):
        batch = adapter.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(20, 20)]
    assert txs_of(batch) == {1, 3}
    assert batch.read == Interval(0, HEAD.height)
    assert f"{2:064x}" in batch.gaps[0].raw


@pytest.mark.parametrize(
    "bad",
    [
        {"vin": []},  # its sum says that there were some
        {"vin": [], "valueIn": "0", "vout": [], "value": "0"},
        {"vout": [{"n": 1, "value": "5", "addresses": [ME], "isAddress": True}]},
        {"vin": [{"n": 0, "txid": "cd" * 32, "addresses": [PEER], "isAddress": True}]},
        {"vin": [{"n": 0, "addresses": None, "isAddress": False, "value": "9"}]},
        {"vout": [{"n": 0, "value": "5", "addresses": [ME, PEER], "isAddress": True}]},
        {"blockHash": ""},
        {"blockTime": "yesterday"},
        {"vin": None},
    ],
)
def test_a_row_that_is_not_whole(bad: dict[str, Any]) -> None:
    """Inputs left out, places that do not fit, an input without an amount, no block."""
    with source(Book(row(1, 30), {**row(2, 20), **bad}, row(3, 10))) as (adapter, _):
        batch = adapter.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(20, 20)]
    assert txs_of(batch) == {1, 3}


def test_an_unplaced_row_proves_nothing() -> None:
    """Where not even the block can be read nothing is covered, and the rest still counts."""
    bad = row(2, 20) | {"blockHeight": "x"}
    book = Book(row(1, 30), row(3, 10))
    book.change = lambda _call, page: page["transactions"].append(bad)
    with source(book) as (adapter, _):
        batch = adapter.fetch(ask(lo=15))
    assert batch.read is None
    assert txs_of(batch) == {1, 3}


# -- what waits --------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [False, True], ids=["beside the rows", "among the rows"])
@pytest.mark.parametrize("waiting", [0, 1, 24, 25, 26, 90, 1001])
def test_unconfirmed(waiting: int, *, later: bool) -> None:
    """All of them, however a server pages them, and nothing mined is lost for them; what
    does not fit is not called complete."""
    book = Book(*(row(100 + n, None) for n in range(waiting)), *HISTORY)

    def shorten(_call: Call, page: dict[str, Any]) -> None:
        page["transactions"] = page["transactions"][: page["itemsOnPage"]]

    if later:
        book.change = shorten
    with source(book) as (adapter, _):
        batch = adapter.fetch(ask())
    pending = {t.tx for t in batch.transfers if t.pending}
    assert len(pending) == (min(waiting, 1000) if later else waiting)
    assert batch.mempool_read is (len(pending) == waiting)
    assert batch.read == Interval(0, HEAD.height)
    assert {t.tx for t in batch.transfers} - pending == {r["txid"] for r in HISTORY}


def test_one_that_is_listed_twice() -> None:
    """Two are waiting and one of them is told twice: the other one is missing."""
    book = Book(row(9, None), *HISTORY)

    def twice(_call: Call, page: dict[str, Any]) -> None:
        waiting = [r for r in page["transactions"] if not r["confirmations"]]
        page["transactions"] += waiting
        page["unconfirmedTxs"] = 2 * len(waiting)

    book.change = twice
    with source(book) as (adapter, _):
        assert adapter.fetch(ask()).mempool_read is False


def test_the_mempool_only_when_asked() -> None:
    """History is read without it, and does not claim to have read it; a walk that goes on
    below reads it all the same when it is asked to."""
    with source(Book(row(9, None), *HISTORY), page_size=5) as (adapter, _):
        assert adapter.fetch(ask(mempool=False)).mempool_read is False
        first = adapter.fetch(ask(max_rows=1, mempool=False))
        assert first.rest is not None
        then = adapter.fetch(ask(hi=first.rest.hi, cursor=first.cursor, max_rows=1))
    assert 9 not in txs_of(first)
    assert 9 in txs_of(then)
    assert then.mempool_read is True


def test_one_that_has_left_its_block() -> None:
    """While an index takes a block back, its rows have a height and no confirmation."""
    book = Book(row(9, 31, tip=30), row(1, 30))
    with source(book) as (adapter, _):
        told = {int(t.tx, 16): t for t in adapter.fetch(ask()).transfers}
    assert (told[9].pending, told[9].block_height) == (True, None)
    assert told[1].block_height == 30


def test_an_unreadable_one_that_waits() -> None:
    """It is a gap of the newest block, and the list of what waits is not complete."""
    with source(Book(row(9, None, "many"), row(1, 30))) as (adapter, _):
        batch = adapter.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(HEAD.height, HEAD.height)]
    assert batch.mempool_read is False


# -- words that are no list ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "Invalid address, checksum mismatch"}, Refused),
        (401, {"error": "UNKNOWN_API_KEY"}, Refused),
        (403, b"Forbidden", Refused),
        (403, b"<html>Just a moment</html>", BadResponse),
        (404, b"404 page not found", BadResponse),
        (200, {"error": "busy"}, BadResponse),
        (200, b"Too Many Requests", BadResponse),
        (200, own("doge_status.json"), BadResponse),  # as a path that it does not know
        (200, own("doge_unused.json"), BadResponse),  # the list of another address
        (200, own("doge_address.json") | {"transactions": None}, BadResponse),
        (200, {**own("doge_unused.json"), "address": ME, "txids": ["ab" * 32]}, BadResponse),
        (200, {"address": ME, "unconfirmedTxs": 0}, BadResponse),
        (200, {"address": ME, "unconfirmedTxs": 0, "txs": "none"}, BadResponse),
    ],
)
def test_refusals(status: int, body: Any, error: type[SourceError]) -> None:
    """No error is taken for an empty list, whatever its status."""
    with source(lambda _: Reply(body, status)) as (adapter, _), pytest.raises(error) as caught:
        adapter.fetch(ask())
    assert type(caught.value) is error
    assert caught.value.of_address is (status == 400)


def on_paths(**told: Any) -> Callable[[Call], Reply]:
    """Answers by the first word below /api/v2/; an int is the HTTP status of an error."""

    def respond(call: Call) -> Reply:
        body = told[call.path.removeprefix("/api/v2/").partition("/")[0].replace("-", "_")]
        return Reply(*body) if isinstance(body, tuple) else Reply(body)

    return respond


STATUS, BLOCK = own("doge_status.json"), own("doge_block.json")
TIP = {"blockHash": BLOCK["hash"]}


def test_the_head_is_that_of_the_index() -> None:
    """Not of the node behind it, which is two blocks further; its time is the block's own,
    which is asked for once, and anew for another block at the same height."""
    other = BLOCK | {"hash": "ee" * 32, "time": BLOCK["time"] + 9}
    told = {"": STATUS, "block_index": TIP, "block": BLOCK}

    def respond(call: Call) -> Reply:
        return on_paths(**told)(call)

    with source(respond) as (adapter, server):
        assert adapter.head() == adapter.head() == Head(HEAD.height, HEAD.time, BLOCK["hash"])
        assert len(server.calls) == 5
        told |= {"block_index": {"blockHash": other["hash"]}, "block": other}
        assert adapter.head() == Head(HEAD.height, HEAD.time + 9, other["hash"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"": {"blockbook": STATUS["blockbook"] | {"initialSync": True}}}, NotYet),
        ({"": {"blockbook": {"coin": "Dogecoin"}}}, BadResponse),
        ({"": {"backend": STATUS["backend"]}}, BadResponse),
        ({"": []}, BadResponse),
        ({"block_index": {"blockHash": ""}}, BadResponse),
        ({"block_index": STATUS}, BadResponse),
        ({"block": BLOCK | {"hash": "ab" * 32}}, BadResponse),
        ({"block": BLOCK | {"time": None}}, BadResponse),
        ({"block": BLOCK | {"height": BLOCK["height"] + 1}}, BadResponse),
        ({"block": ({"error": "Block not found"}, 400)}, BadResponse),
    ],
)
def test_no_head(changes: dict[str, Any], error: type[SourceError]) -> None:
    """A server that still builds its index says so; what cannot be read is no head."""
    told = {"": STATUS, "block_index": TIP, "block": BLOCK} | changes
    with source(on_paths(**told)) as (adapter, _), pytest.raises(error) as caught:
        adapter.head()
    assert type(caught.value) is error


def test_a_transaction_by_its_hash() -> None:
    """Found, waiting, not there; and what is no answer to that is none."""
    told: dict[str, Any] = {"": STATUS, "block_index": TIP, "block": BLOCK}
    (waits, mined, *_) = own("doge_address.json")["transactions"]
    missing = "ab" * 32

    def look(tx: str, body: Any) -> Any:
        with source(on_paths(**told, tx=body)) as (adapter, _):
            return adapter.transaction(tx)

    word = look(mined["txid"], mined)
    assert (word.found, word.height, word.block_hash) == (True, 3_000_100, mined["blockHash"])
    assert word.head == Head(HEAD.height, HEAD.time, BLOCK["hash"])
    word = look(waits["txid"], waits)
    assert (word.found, word.height, word.block_hash) == (True, None, None)
    gone = {"error": f"Transaction '{missing}' not found"}
    assert look(missing, (gone, 400)).found is False
    for body in [
        ({"error": f"Transaction '{missing}' not found (connection refused)"}, 400),
        (gone, 404),
        ({"error": "Transaction 'ff' not found"}, 400),
        mined,
        {},
        STATUS,
    ]:
        with pytest.raises(BadResponse):
            look(missing, body)
    unplaced = {name: value for name, value in mined.items() if name != "blockHash"}
    with pytest.raises(NotYet):  # its height is the node's newest, not its own
        look(mined["txid"], unplaced)


# The first block of Bitcoin Cash, which Bitcoin SV and eCash have too.
BEFORE_PARTINGS = "000000000000000000651ef99cb9fcbe0dadde1d424bd9f15ff20136191a5eec"


@pytest.mark.parametrize(
    ("chain", "coin", "genesis", "refused"),
    [
        ("doge", "Dogecoin", landmarks.of("dogecoin")[1], ""),
        ("doge", "Dogecoin", "", ""),  # an index that has not got so far
        ("doge", "Litecoin", "", "it serves Litecoin"),
        ("doge", "Much coin", "ab" * 32, "its block 0 is abab"),
        ("btc", "Bcash", "", "it serves Bcash"),
        ("bch", "Bcash", landmarks.of("bitcoin-cash")[1], ""),
        ("bch", "Bcash", landmarks.of("bitcoin")[1], "its block 661648"),
    ],
)  # fmt: skip
def test_another_coin_is_refused(chain: str, coin: str, genesis: str, refused: str) -> None:
    """By the name that the server gives itself, and by a block that no other chain has:
    Bitcoin Cash has Bitcoin's first one."""
    status = {"blockbook": STATUS["blockbook"] | {"coin": coin}}
    told = on_paths(**{"": status, "block_index": {"blockHash": genesis}})
    with source(told, CHAINS[chain]) as (adapter, _):
        if not refused:
            adapter.identify()
            return
        with pytest.raises(Refused, match=refused):
            adapter.identify()


def test_a_server_of_a_chain_that_parted_later_is_refused() -> None:
    """Bitcoin SV and eCash have every block of Bitcoin Cash up to where they left it, and its
    servers may call their coin what they like."""

    def older(call: Call) -> Reply:
        if "/block-index/" not in call.path:
            return Reply({"blockbook": STATUS["blockbook"] | {"coin": "Mine"}})
        height = int(call.path.rpartition("/")[2])
        return Reply({"blockHash": BEFORE_PARTINGS if height < 556_767 else "ab" * 32})

    with (
        source(older, CHAINS["bch"]) as (adapter, _),
        pytest.raises(Refused, match="another chain"),
    ):
        adapter.identify()


def test_every_shipped_chain_is_told_from_the_others() -> None:
    """What may be read from a Blockbook has its coin's name and a block of its own here."""
    read = {
        chain.key: chain.symbol
        for chain in LOADED.chains.values()
        if any(LOADED.sources[name].kind == "blockbook" for name in chain.sources)
    }
    assert len(read) == 5
    assert all(landmarks.of(key)[1] for key in read)
    assert set(read.values()) <= set(COINS.values())


def test_a_chain_of_ones_own() -> None:
    """Its name is compared where it is known; there is no block to compare."""
    told = on_paths(**{"": STATUS})
    with source(told, LOCAL) as (adapter, _), pytest.raises(Refused, match="it serves Dogecoin"):
        adapter.identify()
    status = {"blockbook": STATUS["blockbook"] | {"coin": "Regtest"}}
    with source(on_paths(**{"": status}), LOCAL) as (adapter, server):
        adapter.identify()
        assert len(server.calls) == 1


# -- the local explorer and a node ---------------------------------------------------------------


class Local:
    """The local explorer over a ledger, as a source for one chain."""

    def __init__(self, explorer: Explorer, ledger: UtxoLedger, page_size: int | None = None):
        explorer.add(LOCAL.key, ledger, "blockbook")
        url = explorer.url(LOCAL.key, "blockbook")
        config = SourceConfig("own", "blockbook", url, page_size=page_size)
        self.source = Blockbook(config, LOCAL, Http("own", url))
        self.ledger, self.knobs = ledger, explorer.knobs(LOCAL.key, "blockbook")

    def ask(self, address: str, lo: int = 0) -> Ask:
        head = self.source.head()
        return Ask((Subject(LOCAL.key, address),), STREAMS, Interval(lo, head.height), head)

    def truth(self, address: str) -> set[tuple[str, str, int, int | None]]:
        mined = [(r.tx, r.height) for r in self.ledger.records("utxo", address)]
        rows = set()
        for found, height in [*mined, *((t, None) for t in self.ledger.pending(address))]:
            created = sum(o.value for o in found.vout)
            for n, spent in enumerate(found.vin):
                value = created if spent.prevout is None else spent.prevout.value
                rows.add((found.hash, f"in:{n}", value, height))
            for n, out in enumerate(found.vout):
                rows.add((found.hash, f"out:{n}", out.value, height))
        return rows


def told_by(batches: Sequence[Batch]) -> list[tuple[str, str, int, int | None]]:
    return [(t.tx, t.leg, t.amount, t.block_height) for b in batches for t in b.transfers]


def payment(number: int, address: str) -> UtxoTx:
    return UtxoTx(
        f"{number:064x}",
        (Input("ee" * 32, number, Output("someone", number + 7)),),
        (Output(address, number + 1), Output("other", 6)),
    )


@pytest.mark.parametrize("cap", [None, 1, 3, 7])
@pytest.mark.parametrize("size", [None, 2])
@pytest.mark.parametrize("max_rows", [4, 2000])
def test_any_page_size_brings_everything(
    explorer: Explorer, cap: int | None, size: int | None, max_rows: int
) -> None:
    """Whatever size the server cuts its pages to, no transaction is lost or doubled."""
    ledger = UtxoLedger()
    ledger.mine()
    for height in range(1, 12):
        ledger.mine(payment(100 * height + n, "me") for n in range(height % 4))
    local = Local(explorer, ledger, size)
    local.knobs.page_cap = cap
    rows = told_by(read_all(local.source, replace(local.ask("me"), max_rows=max_rows)))
    assert len(rows) == len(set(rows))
    assert set(rows) == local.truth("me")


@pytest.mark.real
def test_real_node(explorer: Explorer, utxo_node: Rpc) -> None:
    """Over litecoind: mined, unconfirmed and, after a reorg, unmined payments are exact."""
    ledger = UtxoLedger()
    feed = LitecoinFeed(utxo_node, ledger)
    me = utxo_node.call("getnewaddress")
    for amount in (1, 2, 3):
        utxo_node.call("sendtoaddress", me, amount)
        utxo_node.call("generatetoaddress", 1, utxo_node.call("getnewaddress"))
    waiting = utxo_node.call("sendtoaddress", me, 4)
    feed.sync()
    local = Local(explorer, ledger)
    batch = local.source.fetch(local.ask(me))
    assert set(told_by([batch])) == local.truth(me)
    assert {t.tx for t in batch.transfers if t.pending} == {waiting}
    assert batch.read == Interval(0, batch.head.height)
    assert batch.mempool_read is True
    tip = ledger.head
    assert local.source.block_hash(tip.height) == tip.hash
    assert local.source.block_hash(tip.height + 1) is None
    mined = next(t.tx for t in batch.transfers if t.block_height == tip.height)
    word = local.source.transaction(mined)
    assert (word.found, word.height, word.block_hash) == (True, tip.height, tip.hash)

    utxo_node.call("invalidateblock", tip.hash)
    utxo_node.call("generateblock", utxo_node.call("getnewaddress"), [])
    feed.sync()
    batch = local.source.fetch(local.ask(me))
    assert set(told_by([batch])) == local.truth(me)
    assert mined in {t.tx for t in batch.transfers if t.pending}
    assert local.source.transaction(mined).height is None
    assert local.source.transaction("00" * 32).found is False
