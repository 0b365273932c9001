"""Whole blocks through an Esplora: real ones, and chains of the local explorer's, which move as
per-address reading tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.real_blocks import BITCOIN, BlockServer, block_of, matches, raw_of, undone
from world.scripted_server import Reply, serve

from monitor.chains.payees import Payees
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.demo.world.utxo_raw import sealed
from monitor.model import (
    Ask,
    Axis,
    Batch,
    Chain,
    Head,
    Interval,
    Kind,
    SourceConfig,
    Subject,
    Transfer,
)
from monitor.model.errors import BadResponse, NotYet, SourceError
from monitor.model.ports import WholeBlocks
from monitor.model.scope import Members
from monitor.net import sources
from monitor.net.http import Http

Row = tuple[Any, ...]


@contextmanager
def whole(url: str, chain: Chain = BITCOIN, kind: str = "esplora") -> Iterator[WholeBlocks]:
    config = SourceConfig("mine", kind, url, rate_per_second=1000)
    built = sources.build(config, chain, Http("mine", url, attempts=1))
    found = sources.whole_of(built)
    assert found is not None
    yield found


def asked(source: WholeBlocks, members: Mapping[str, int], span: Interval, **more: Any) -> Ask:
    (streams,) = source.bundles
    return Ask((), streams, span, source.head(), members=Members(members), **more)


def rows(transfers: tuple[Transfer, ...]) -> set[Row]:
    return {(t.tx, t.leg, t.kind, t.sender, t.recipient, t.amount, t.spends, t.block_height,
             t.block_hash, t.time, t.pending) for t in transfers}  # fmt: skip


# -- real blocks -----------------------------------------------------------------------------


def owned(height: int) -> dict[str, tuple[int, bytes]]:
    """What a block's inputs spend, by "txid:n"."""
    spends = [output for tx in block_of(height).txs for output in tx.spends]
    return dict(zip(spends, undone(height), strict=True))


def test_a_real_block_in_full() -> None:
    """Every address of the block is a member: all of its 461 transactions come, as they are."""
    height, payees = 300025, Payees(BITCOIN)
    block, spent = block_of(height), owned(height)
    unspent = {o: a for o, (_, s) in spent.items() if (a := payees.address(s)) is not None}
    paid = {a for tx in block.txs for s in tx.scripts if (a := payees.address(s)) is not None}
    server = BlockServer(height, spent)
    with serve(server) as running, whole(running.url) as source:
        members = dict.fromkeys({*unspent.values(), *paid}, height)
        batch = source.fetch(
            asked(source, members, Interval(height, height), unspent=unspent, max_rows=10**6)
        )
    assert (batch.read, batch.rest, batch.gaps) == (Interval(height, height), None, ())
    assert (batch.blocks, batch.fresh_from) == ({height: block.hash}, height)
    want = set()
    for tx in block.txs:
        scripts = [*tx.scripts, *(spent[output][1] for output in tx.spends)]
        if not any(map(payees.address, scripts)):
            continue  # among bare keys and multisig, which stand on no address's page
        for n, output in enumerate(tx.spends):
            value, script = spent[output]
            want.add(
                (tx.txid, f"in:{n}", Kind.UTXO_IN, payees.address(script), None, value, output)
            )
        if not tx.spends:
            want.add((tx.txid, "in:0", Kind.COINBASE, None, None, sum(tx.values), None))
        for n, (value, script) in enumerate(zip(tx.values, tx.scripts, strict=True)):
            want.add(
                (tx.txid, f"out:{n}", Kind.UTXO_OUT, None, payees.address(script), value, None)
            )
    assert {row[:7] for row in rows(batch.transfers)} == want
    assert {row[7:] for row in rows(batch.transfers)} == {(height, block.hash, block.time, False)}
    pages = -(-len(block.txs) // 25)
    assert batch.calls == 1 + pages  # the head's hash is known


@pytest.mark.parametrize("height", [300025, 426884, 702861])
def test_labelled_addresses_of_real_blocks(height: int) -> None:
    """Exactly the movements that were worked out before of known addresses."""
    want = matches(height)
    spent = owned(height) if height == 300025 else {}
    payees = Payees(BITCOIN)
    members = dict.fromkeys({row["address"] for row in want}, 0)
    unspent = {o: a for o, (_, s) in spent.items() if (a := payees.address(s)) in members}
    server = BlockServer(height, spent)
    with serve(server) as running, whole(running.url) as source:
        batch = source.fetch(asked(source, members, Interval(height, height), unspent=unspent))
    mine = {
        (t.tx, t.leg.replace("in", "vin").replace("out", "vout"), a)
        for t in batch.transfers
        for a in t.parties()
        if a in members
    }
    assert mine == {(row["txid"], row["position"], row["address"]) for row in want}
    amounts = {(t.tx, t.leg): f"{t.amount / 10**8:.8f} BTC" for t in batch.transfers}
    for row in want:
        if row["direction"] == "in":
            assert amounts[row["txid"], row["position"].replace("vout", "out")] == row["amount"]
    touched = {row["txid"] for row in want}
    assert {t.tx for t in batch.transfers} == touched
    assert batch.calls <= 1 + len(touched)


def test_a_block_in_which_nothing_is_found_costs_two_calls() -> None:
    """However many members there are; one where it is the head itself."""
    height = 702861
    server = BlockServer(height)
    with serve(server) as running, whole(running.url) as source:
        for members in (1, 100_000):
            names = {f"{n:034}": 0 for n in range(members)}
            ask = asked(source, names, Interval(height, height))
            server.calls.clear()
            batch = source.fetch(ask)
            assert (batch.transfers, batch.calls) == ((), 1)
            batch = source.fetch(replace(ask, head=replace(ask.head, block_hash=None)))
            assert batch.calls == source.block_calls == 2
            assert len(server.calls) == 3


# -- what is made to fool --------------------------------------------------------------------

HEIGHT, LUCKY = 426884, "1NxaBCFQwejSZbQfWcYNwgqML5wWoE3rK4"


def told(server: BlockServer, **more: Any) -> Batch:
    with serve(server) as running, whole(running.url) as source:
        return source.fetch(asked(source, {LUCKY: 0}, Interval(HEIGHT, HEIGHT), **more))


def test_blocks_that_are_not_what_they_should_be() -> None:
    """Cut, longer, another one, a web page, nothing: an error each, never an empty block."""
    raw = raw_of(HEIGHT)
    page = b"<html><body>Just a moment...</body></html>"
    path = f"/block/{block_of(HEIGHT).hash}/raw"
    for body in (raw[:-1], raw[: len(raw) // 2], raw + b"\0", raw_of(482683), raw[:80], page, b"x"):
        with pytest.raises(BadResponse):
            told(BlockServer(HEIGHT, raw=body))
    for reply, error in ((Reply(b"Block not found", 404), NotYet), (Reply(page, 403), BadResponse)):
        with pytest.raises(error):
            told(BlockServer(HEIGHT, changed={path: reply}))


def lying(**fields: Any) -> BlockServer:
    """Of the first transaction that pays the member some fields are told otherwise."""
    mine = next(tx for tx in block_of(HEIGHT).txs if tx.txid.startswith("b33606"))
    return BlockServer(HEIGHT, lies={mine.txid: fields})


def test_transactions_that_are_told_otherwise() -> None:
    """Another one, other amounts, other inputs, another block, none: an error. One that cannot be
    read: a gap of its block, and the other one counts."""
    server = BlockServer(HEIGHT)
    assert {t.tx[:4] for t in told(server).transfers} == {"b336", "ee09"}
    row = server.row(next(tx for tx in block_of(HEIGHT).txs if tx.txid.startswith("b33606")))
    confirmed = row["status"]
    cheap = [{**row["vout"][0], "value": 1}, *row["vout"][1:]]
    for lie, error in (
        ({"txid": "ab" * 32}, BadResponse),
        ({"vout": cheap}, BadResponse),
        ({"vout": row["vout"][:-1]}, BadResponse),
        ({"vin": row["vin"][1:] or [{"is_coinbase": True}]}, BadResponse),
        ({"status": {"confirmed": False}}, NotYet),
        ({"status": {**confirmed, "block_height": 5}}, NotYet),
        ({"status": {**confirmed, "block_hash": "cd" * 32}}, NotYet),
    ):
        with pytest.raises(error):
            told(lying(**lie))
    bare = [{**each, "prevout": None} for each in row["vin"]]
    for broken in ({"vin": bare}, {"vout": "x"}, {"status": None}):
        batch = told(lying(**broken))
        assert [gap.at for gap in batch.gaps] == [Interval(HEIGHT, HEIGHT)]
        assert {t.tx[:4] for t in batch.transfers} == {"ee09"}
        assert batch.read == Interval(HEIGHT, HEIGHT)


def test_an_input_that_is_said_to_be_another_ones() -> None:
    """What a member had unspent and somebody else is said to spend is told as a gap."""
    mine = next(tx for tx in block_of(HEIGHT).txs if tx.spends)
    batch = told(BlockServer(HEIGHT), unspent={mine.spends[0]: LUCKY})
    assert [gap.at.lo for gap in batch.gaps] == [HEIGHT]
    assert "another address" in batch.gaps[0].reason


# -- chains of the local explorer's ----------------------------------------------------------

ADDRESSES = [Payees(BITCOIN).address(b"\x00\x14" + bytes([n]) * 20) or "" for n in range(1, 7)]
PLAN = st.lists(  # blocks of transactions: (which unspent outputs, whom they pay)
    st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=3), st.lists(st.integers(0, 5),
             min_size=1, max_size=4)), max_size=4), min_size=1, max_size=6)  # fmt: skip


class Maker:
    """Fills a ledger with transactions that spend what is there."""

    def __init__(self) -> None:
        self.ledger = UtxoLedger(first_height=100)
        self.unspent: list[tuple[str, int, Output]] = []
        self.made = 0

    def block(self, plan: list[tuple[list[int], list[int]]]) -> list[UtxoTx]:
        return [self.tx(which, whom) for which, whom in plan]

    def tx(self, which: list[int], whom: list[int]) -> UtxoTx:
        self.made += 1
        taken = [self.unspent.pop(n % len(self.unspent)) for n in which if self.unspent]
        vin = tuple(Input(txid, n, output) for txid, n, output in taken)
        if not vin:
            vin = (Input(f"{self.made:064x}", 0, Output(None, 10**6, "6a")),)
        vout = tuple(Output(ADDRESSES[n], 1000 + self.made) for n in whom)
        made = sealed(UtxoTx("", vin, vout, locktime=self.made))
        self.unspent += [(made.hash, n, output) for n, output in enumerate(made.vout)]
        return made


def per_address(url: str, addresses: list[str], kind: str = "esplora") -> set[Row]:
    source = sources.build(SourceConfig("mine", kind, url, rate_per_second=1000), BITCOIN,
                           Http("mine", url))  # fmt: skip
    found: set[Row] = set()
    for address in addresses:
        head = source.head()
        ask = Ask((Subject("bitcoin", address),), frozenset({"utxo"}), Interval(0, head.height),
                  head, max_rows=10**6)  # fmt: skip
        batch = source.fetch(ask)
        assert batch.rest is None
        found |= rows(tuple(t for t in batch.transfers if not t.pending))
    return found


@settings(max_examples=25)
@given(PLAN, st.sets(st.integers(0, 5), min_size=1), st.integers(1, 30))
def test_the_same_rows_as_by_address(
    plan: list[list[tuple[list[int], list[int]]]], who: set[int], max_rows: int
) -> None:
    """Whatever moved among whom, in bites of any size."""
    maker = Maker()
    for txs in plan:
        maker.ledger.mine(maker.block(txs))
    members = {ADDRESSES[n]: 0 for n in who}
    with Explorer() as explorer:
        explorer.add("bitcoin", maker.ledger, "esplora")
        url = explorer.url("bitcoin", "esplora")
        with whole(url) as source:
            ask: Ask | None = asked(source, members, Interval(100, 10**6), max_rows=max_rows)
            found: set[Row] = set()
            unspent: dict[str, str] = {}
            read = []
            while ask is not None:
                batch = source.fetch(replace(ask, unspent=unspent))
                assert batch.read is not None
                read.append(batch.read)
                found |= rows(batch.transfers)
                keep(unspent, batch.transfers, members)
                ask = replace(ask, span=batch.rest) if batch.rest else None
        assert found == per_address(url, list(members))
    assert (read[0].lo, read[-1].hi) == (100, maker.ledger.head.height)


def keep(unspent: dict[str, str], moved: tuple[Transfer, ...], members: Mapping[str, int]) -> None:
    """As the record would: what members got and did not spend."""
    for t in moved:
        if t.recipient in members and t.recipient is not None:
            unspent[f"{t.tx}:{t.leg.removeprefix('out:')}"] = t.recipient
    for t in moved:
        unspent.pop(t.spends or "", None)


@pytest.mark.parametrize("depth", [1, 2, 7, 40])
def test_blocks_that_were_replaced(depth: int) -> None:
    """The newest known block that still stands is found in a few calls, and what lies above it is
    read; what is above the old head too."""
    maker = Maker()
    for _ in range(60):
        maker.ledger.mine([maker.tx([], [0])])
    with Explorer() as explorer:
        explorer.add("bitcoin", maker.ledger, "esplora")
        with whole(explorer.url("bitcoin", "esplora")) as source:
            ask = asked(source, {ADDRESSES[0]: 0, ADDRESSES[1]: 0}, Interval(110, 10**6))
            while (batch := source.fetch(ask)).rest:
                ask = replace(ask, known=batch.blocks)
            known = dict(batch.blocks)
            again = source.fetch(replace(ask, known=known))
            assert (again.calls, again.transfers, again.fresh_from) == (0, (), 160)
            assert again.read == Interval(110, 159)
            maker.ledger.reorg(depth, [[maker.tx([], [1])] for _ in range(depth + 2)])
            head = source.head()
            found = source.fetch(replace(ask, known=known, head=head))
            assert found.fresh_from == 160 - depth
            assert {t.block_height for t in found.transfers} == set(
                range(160 - depth, min(162, 184 - depth))
            )
            assert all(known[h] == found.blocks[h] for h in range(110, 160 - depth))
            hashes = {h: maker.ledger.block(h) for h in found.blocks}
            assert all(b is not None and found.blocks[h] == b.hash for h, b in hashes.items())
            assert found.calls <= 3 + 7 + 3 * (depth + 2)  # hash, block and its transaction
            # Of the same height, and lower on another branch.
            maker.ledger.reorg(depth + 2, [[maker.tx([], [1])] for _ in range(depth)])
            level = source.fetch(replace(ask, known=known, head=source.head()))
            assert level.fresh_from == 160 - depth
            maker.ledger.rollback(1)
            if depth > 1:
                with pytest.raises(NotYet):
                    source.fetch(replace(ask, known=known, head=source.head()))
            else:
                lower = source.fetch(replace(ask, known=known, head=source.head()))
                assert (lower.read, lower.transfers) == (Interval(110, 158), ())


def test_all_of_a_chain_was_replaced() -> None:
    """None of the known blocks stands: all of the span is read."""
    maker = Maker()
    for _ in range(8):
        maker.ledger.mine([maker.tx([], [0])])
    with Explorer() as explorer:
        explorer.add("bitcoin", maker.ledger, "esplora")
        with whole(explorer.url("bitcoin", "esplora")) as source:
            ask = asked(source, {ADDRESSES[0]: 0}, Interval(103, 10**6))
            known = source.fetch(ask).blocks
            assert sorted(known) == [103, 104, 105, 106, 107]
            maker.ledger.reorg(7, [[maker.tx([], [0])] for _ in range(9)])
            batch = source.fetch(replace(ask, known=known, head=source.head()))
            assert (batch.fresh_from, batch.read) == (103, Interval(103, 109))
            assert len(batch.transfers) == 14


def test_blocks_that_change_while_they_are_read() -> None:
    """What was read up to there counts, a broken chain of blocks never."""
    maker = Maker()
    for _ in range(6):
        maker.ledger.mine([maker.tx([], [0])])
    with Explorer() as explorer:
        explorer.add("bitcoin", maker.ledger, "esplora")
        with whole(explorer.url("bitcoin", "esplora")) as source:
            ask = asked(source, {ADDRESSES[0]: 0}, Interval(100, 10**6))
            maker.ledger.reorg(3, [[] for _ in range(3)])
            batch = source.fetch(ask)  # its head's hash is of a block that is gone
            assert (batch.read, batch.rest) == (Interval(100, 104), Interval(105, 105))
            with pytest.raises(NotYet):
                source.fetch(replace(ask, span=Interval(105, 105)))


def test_what_it_says_of_itself() -> None:
    """As the protocol wants it of a source of whole blocks."""
    with Explorer() as explorer:
        explorer.add("bitcoin", UtxoLedger(), "esplora")
        with whole(explorer.url("bitcoin", "esplora")) as source:
            assert (source.name, source.chain, source.axis) == ("mine", "bitcoin", Axis.HEIGHT)
            assert (source.many, source.bundles) == (True, (frozenset({"utxo"}),))
            assert (source.needs_unspent, source.block_bytes) == (True, 1_600_000)
            assert source.not_in_blocks


def test_errors_are_of_the_right_kind() -> None:
    """Whatever comes instead of a block."""
    for body in (b"", b"null", b"\x00\xff", b"[]", b"slow down"):
        with (
            serve(lambda _, body=body: Reply(body)) as running,
            whole(running.url) as source,
            pytest.raises(SourceError),
        ):
            source.fetch(
                Ask(
                    (),
                    frozenset({"utxo"}),
                    Interval(1, 5),
                    Head(9, 1_700_000_000),
                    members=Members({}),
                )
            )
