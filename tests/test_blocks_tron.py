"""Tron by whole blocks: the same rows as address by address, and answers that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from world.faces import names_of, read_on
from world.scripted_server import Call, Reply, serve
from world.tron_parts import TRON, b58, tx_id

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, TokenName
from monitor.demo.world.moves import Act, Internal, TokenMove, Tx
from monitor.demo.world.trongrid import block_json
from monitor.model import Ask, Batch, Chain, Head, Interval, Issuer, Kind, SourceConfig, Subject
from monitor.model.errors import BadResponse, NotYet, RateLimited, Refused, SourceError, Unavailable
from monitor.model.scope import EVERY, Members
from monitor.net.http import Http
from monitor.net.sources import whole_of
from monitor.net.sources.tron_blocks import MOST_BLOCKS
from monitor.net.sources.trongrid import TronGrid

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
NOW = 1_700_000_000
ME, PEER, SHOP, OTHER = (b58(n) for n in (1, 2, 3, 4))
ISSUED = replace(TRON, issuers=(Issuer(USDT, "Mint", "USDT", ("tether",)),))
FIRST = 1_000  # the lowest block of the story


def story(blocks: int = 60) -> AccountLedger:
    """Payments, failures, calls that pay inside, coins, equal ones, acts of an issuer."""
    ledger = AccountLedger(tron=True, first_height=FIRST, time=NOW, block_time=3)
    ledger.tokens[USDT] = TokenName("USDT", "Tether USD", 6)
    for height in range(blocks):
        n = 10 * height
        txs = [Tx(tx_id(n), PEER, OTHER, 1)] if height % 3 else []
        if height % 5 == 0:
            txs.append(Tx(tx_id(n + 1), ME, PEER, height, gas_used=300, gas_price=1))
        if height % 7 == 0:
            txs.append(Tx(tx_id(n + 2), ME, PEER, 9, ok=False, gas_used=70, gas_price=1))
        if height % 11 == 0:
            calls = (
                Internal(PEER, SHOP, 0, path=""),
                *(Internal(SHOP, ME, 3, path=path) for path in "01"),
                Internal(SHOP, ME, 8, path="2", failed=True),
                Internal(SHOP, OTHER, 4, path="3"),
            )
            moves = (TokenMove("ERC-20", USDT, SHOP, ME, 50, 1),) * 2
            moves += (TokenMove("ERC-20", USDT, ME, ME, 0, 3),)
            frozen = Act("AddedBlackList", USDT, ME, indexed=True, log_index=5)
            gone = Act("DestroyedBlackFunds", USDT, OTHER, 17, indexed=True, log_index=6)
            txs.append(
                Tx(tx_id(n + 3), PEER, SHOP, 5, input="0xab", internals=calls, tokens=moves,
                   acts=(frozen, gone), gas_used=7, gas_price=1)
            )  # fmt: skip
        ledger.mine(txs)
    return ledger


def members(*addresses: str) -> Members:
    return Members(dict.fromkeys(addresses, 0))


class Reader:
    """The face of whole blocks of a local explorer's Tron."""

    def __init__(self, explorer: Explorer, ledger: AccountLedger, chain: Chain = ISSUED) -> None:
        self.ledger = ledger
        explorer.add("tron", ledger, "trongrid")
        self.knobs = explorer.knobs("tron", "trongrid")
        url = explorer.url("tron", "trongrid")
        self.lists = TronGrid(SourceConfig("local", "trongrid", url), chain, Http("local", url))
        face = whole_of(self.lists)
        assert face is not None
        self.face = face

    def ask(self, lo: int = FIRST, hi: int = 10**9, **more: Any) -> Ask:
        wanted = more.pop("members", members(ME, OTHER))
        head = more.pop("head", None) or self.face.head()
        return Ask((), frozenset({EVERY}), Interval(lo, hi), head, members=wanted, **more)

    def read(self, ask: Ask, patience: int = 0) -> list[Batch]:
        """See faces.read_on."""
        return read_on(self.face, ask, patience)

    def names(self, lo: int, hi: int) -> dict[int, str]:
        return names_of(self.ledger, lo, hi)


@pytest.fixture
def reader(explorer: Explorer) -> Reader:
    return Reader(explorer, story())


def facts(batches: list[Batch]) -> set[tuple[Any, ...]]:
    return {
        (t.identity, t.kind, t.sender, t.recipient, t.amount, t.contract, t.time)
        for batch in batches
        for t in batch.transfers
    }


def by_address(reader: Reader, address: str) -> set[tuple[Any, ...]]:
    """What the lists of an address hold, read one by one."""
    head = reader.lists.head()
    span = Interval(0, head.time * 1000)
    subject = (Subject("tron", address),)
    return facts([reader.lists.fetch(Ask(subject, b, span, head)) for b in reader.lists.bundles])


def test_the_rows_are_those_of_lists_by_address(reader: Reader) -> None:
    """For each of the watched, and for all of them at once; every row knows its block."""
    for watched in ([ME], [OTHER], [SHOP], [ME, OTHER, SHOP]):
        told = reader.read(reader.ask(members=members(*watched)))
        assert facts(told) == set().union(*(by_address(reader, each) for each in watched))
        names = reader.names(FIRST, FIRST + 59)
        for t in (t for batch in told for t in batch.transfers):
            assert t.block_hash == names[t.block_height or 0]
        kinds = {t.kind for batch in told for t in batch.transfers}
        inner = {Kind.FEE, Kind.INTERNAL, Kind.TRC20, Kind.FROZEN}
        assert kinds >= (inner if ME in watched else {Kind.NATIVE})
    assert told[0].members is not None


def test_what_counts_as_read(reader: Reader) -> None:
    """In bites, all of which join up; hashes of all blocks that were read."""
    first, second = reader.read(reader.ask())
    assert (first.read, first.rest) == (Interval(1000, 1049), Interval(1050, 1059))
    assert (second.read, second.rest) == (Interval(1050, 1059), None)
    assert {**first.blocks, **second.blocks} == reader.names(1000, 1059)
    assert (first.fresh_from, second.fresh_from) == (1000, 1050)
    blocks = map(reader.ledger.block, range(1000, 1050))
    assert first.calls == MOST_BLOCKS + sum(bool(block and block.txs) for block in blocks)
    cut = reader.face.fetch(reader.ask(max_rows=1))
    assert (cut.read, cut.rest) == (Interval(1000, 1000), Interval(1001, 1059))


def test_more_members_take_no_more_calls(reader: Reader) -> None:
    few = reader.read(reader.ask(members=members(ME)))
    crowd = Members({b58(n): 0 for n in range(5_000)})
    many = reader.read(reader.ask(members=crowd))
    assert [b.calls for b in many] == [b.calls for b in few]
    assert facts(many) >= facts(few)


def test_nothing_new_takes_no_call(reader: Reader) -> None:
    """Where the head is the newest known block, by its hash; else that block is asked for."""
    known = reader.names(1040, 1059)
    head = reader.face.head()
    for told, calls in ((head, 0), (replace(head, block_hash=None), 1)):
        batch = reader.face.fetch(reader.ask(1040, known=known, head=told))
        assert (batch.read, batch.rest, batch.calls) == (Interval(1040, 1059), None, calls)
        assert (batch.blocks, batch.fresh_from) == (known, 1060)


def test_only_new_blocks_are_fetched(reader: Reader) -> None:
    known = reader.names(1040, 1059)
    reader.ledger.mine([Tx(tx_id(7_000), PEER, ME, 5)])
    reader.ledger.mine()
    batch = reader.face.fetch(reader.ask(1040, known=known))
    assert (batch.read, batch.calls, batch.fresh_from) == (Interval(1040, 1061), 3, 1060)
    assert batch.blocks == reader.names(1040, 1061)
    assert [(t.kind, t.block_height, t.amount) for t in batch.transfers] == [(Kind.NATIVE, 1060, 5)]


@pytest.mark.parametrize("depth", [1, 2, 19, 20])
@pytest.mark.parametrize("longer", [0, 1, 3])
def test_a_reorganisation_of_any_depth(reader: Reader, depth: int, longer: int) -> None:
    """What lies above the newest block that still stands is read again, and nothing below it."""
    known = reader.names(1040, 1059)
    blocks = [[Tx(tx_id(8_000 + n), PEER, ME, n)] for n in range(depth + longer)]
    reader.ledger.reorg(depth, blocks)
    batch = reader.face.fetch(reader.ask(1040, known=known))
    fork = 1060 - depth
    assert (batch.read, batch.fresh_from) == (Interval(1040, 1059 + longer), fork)
    assert batch.blocks == reader.names(1040, 1059 + longer)
    told = [t for t in batch.transfers if t.kind is Kind.NATIVE and t.recipient == ME]
    paid = [(fork + n, n) for n in range(depth + longer)]
    assert [(t.block_height, t.amount) for t in told] == paid


def test_a_head_below_the_known_blocks(reader: Reader) -> None:
    """On the same branch they stand up to it; on another one nothing is known yet."""
    known = reader.names(1040, 1059)
    reader.knobs.lag["head"] = 5
    batch = reader.face.fetch(reader.ask(1040, known=known))
    assert (batch.read, batch.rest, batch.calls) == (Interval(1040, 1054), None, 0)
    assert batch.blocks == {height: known[height] for height in range(1040, 1055)}
    reader.ledger.reorg(10, [[] for _ in range(10)])
    with pytest.raises(NotYet):
        reader.face.fetch(reader.ask(1040, known=known))


def test_a_head_that_is_not_there_yet(reader: Reader) -> None:
    """One node of several may be behind the one that told the head."""
    ahead = replace(reader.face.head(), height=1070, block_hash=None)
    known = reader.names(1040, 1059)
    with pytest.raises(NotYet):
        reader.face.fetch(reader.ask(1040, head=ahead, known=known))
    batch = reader.face.fetch(reader.ask(1055, head=ahead))
    assert (batch.read, batch.rest) == (Interval(1055, 1059), Interval(1060, 1070))


# -- lies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["empty", "cut"])
@pytest.mark.parametrize("part", ["transactions", "receipts"])
def test_quietly_left_out(reader: Reader, how: str, part: str) -> None:
    """It never counts as read, and once the answers are whole again nothing was missed."""
    truth = facts(reader.read(reader.ask()))
    getattr(reader.knobs.lies, how).add(part)
    with pytest.raises(BadResponse):
        reader.read(reader.ask(1001))
    reader.knobs.lies.every = 10
    told = reader.read(reader.ask(), patience=50)
    assert facts(told) == truth
    read = [batch.read for batch in told if batch.read is not None]
    assert all(a.hi + 1 == b.lo for a, b in pairwise(read))


@pytest.mark.parametrize("mixed", [False, True])
def test_another_branch(reader: Reader, mixed: bool) -> None:
    """Blocks of a branch that was given up do not follow those that are known; parts of two
    branches do not go together."""
    known = reader.names(1040, 1055)
    other = story()
    other.reorg(8, [[Tx(tx_id(9_100 + n), PEER, ME, 99)] for n in range(8)])
    reader.knobs.lies.branch, reader.knobs.lies.mixed = other, mixed
    if mixed:
        with pytest.raises(SourceError):
            reader.read(reader.ask(1040, known=known), patience=3)
        return
    batch = reader.face.fetch(reader.ask(1040, known=known))
    assert batch.fresh_from == 1052, "by its own words the chain was reorganised"
    assert {h: batch.blocks[h] for h in range(1040, 1052)} == reader.names(1040, 1051)


# -- the server's errors --------------------------------------------------------------------


@contextmanager
def scripted(respond: Callable[[Call], Reply]) -> Any:
    with serve(respond) as server:
        config = SourceConfig("local", "trongrid", server.url, api_key="KEY-123")
        yield TronGrid(config, TRON, Http("local", server.url)).whole()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"Error": "The key exceeds the frequency limit(15)"}, RateLimited),
        (200, {"Error": "class org.tron.core.exception: no such block"}, BadResponse),
        (401, {"Error": "ApiKey not exists"}, Refused),
        (404, {"success": False, "error": "Not found"}, BadResponse),
        (502, b"<html>", Unavailable),
    ],
)
@pytest.mark.parametrize("path", ["getblockbynum", "gettransactioninfobyblocknum"])
def test_errors_are_no_blocks(path: str, status: int, body: Any, kind: type[SourceError]) -> None:
    block = story().block(1005)
    assert block is not None
    whole = block_json(block) | {"transactions": [{"txID": tx.hash} for tx in block.txs]}

    def respond(call: Call) -> Reply:
        return Reply(body, status) if call.path.endswith(path) else Reply(whole)

    ask = Ask((), frozenset({EVERY}), Interval(1005, 1005), Head(1005, NOW), members=members(ME))
    with scripted(respond) as face, pytest.raises(SourceError) as caught:
        face.fetch(ask)
    assert type(caught.value) is kind


def test_what_is_kept_of_a_block(reader: Reader) -> None:
    """Its head and the transactions that matched; their results likewise."""
    batch = reader.face.fetch(reader.ask(1005, 1005, members=members(ME)))
    (tx,) = {t.tx for t in batch.transfers}
    kept_bodies = [json.loads(heard.body()) for heard in batch.heard]
    assert [each["txID"] for each in kept_bodies[0]["transactions"]] == [tx]
    assert kept_bodies[0]["block_header"]["raw_data"]["number"] == 1005
    assert [each["id"] for each in kept_bodies[1]] == [tx]
    assert len(batch.digests) == batch.calls == 2
