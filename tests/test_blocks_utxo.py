"""Whole blocks of chains of Bitcoin's kind, whoever tells them: as lists of addresses tell the same
movements, and through reorganisations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.utxo_blocks import ADDRESSES, Maker, Row, asked, keep, per_address, rows, whole

from monitor.demo import story
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger
from monitor.model import Ask, Axis, Batch, Interval
from monitor.model.errors import NotYet
from monitor.model.ports import WholeBlocks


@dataclass(frozen=True)
class Way:
    """Who tells blocks."""

    name: str
    kind: str
    lacks: frozenset[str] = frozenset()

    @contextmanager
    def over(self, ledger: UtxoLedger, explorer: Explorer) -> Iterator[WholeBlocks]:
        explorer.add("bitcoin", ledger, self.kind)
        explorer.knobs("bitcoin", self.kind).lacks = self.lacks
        with whole(explorer.url("bitcoin", self.kind), kind=self.kind) as source:
            yield source


WAYS = (
    Way("esplora", "esplora"),
    Way("node", "utxo_rpc"),
    Way("older node", "utxo_rpc", frozenset({"prevout"})),
)
ALL = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
PLAN = st.lists(  # blocks of transactions: (which unspent outputs, whom they pay)
    st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=3), st.lists(st.integers(0, 5),
             min_size=1, max_size=4)), max_size=4), min_size=1, max_size=6)  # fmt: skip


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
        for way in WAYS:
            assert read_in_bites(way, explorer, maker, members, max_rows) == per_address(
                explorer.url("bitcoin", "esplora"), list(members)
            )


def read_in_bites(
    way: Way, explorer: Explorer, maker: Maker, members: dict[str, int], max_rows: int
) -> set[Row]:
    with way.over(maker.ledger, explorer) as source:
        ask: Ask | None = asked(source, members, Interval(100, 10**6), max_rows=max_rows)
        found: set[Row] = set()
        unspent: dict[str, str] = {}
        read = []
        while ask is not None:
            batch = source.fetch(replace(ask, unspent=unspent if source.needs_unspent else {}))
            assert batch.read is not None
            assert not batch.gaps
            read.append(batch.read)
            assert not found & rows(batch.transfers)
            found |= rows(batch.transfers)
            keep(unspent, batch.transfers, members)
            ask = replace(ask, span=batch.rest) if batch.rest else None
    assert (read[0].lo, read[-1].hi) == (100, maker.ledger.head.height)
    return found


@ALL
@pytest.mark.parametrize("depth", [1, 2, 7, 40])
def test_blocks_that_were_replaced(way: Way, depth: int) -> None:
    """The newest known block that still stands is found in a few calls, and what lies above it is
    read; what is above the old head too."""
    maker = Maker()
    for _ in range(60):
        maker.ledger.mine([maker.tx([], [0])])
    with Explorer() as explorer, way.over(maker.ledger, explorer) as source:
        members = {ADDRESSES[0]: 0, ADDRESSES[1]: 0}
        ask = asked(source, members, Interval(110, 10**6), mempool=False)
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


@ALL
def test_all_of_a_chain_was_replaced(way: Way) -> None:
    """None of the known blocks stands: all of the span is read."""
    maker = Maker()
    for _ in range(8):
        maker.ledger.mine([maker.tx([], [0])])
    with Explorer() as explorer, way.over(maker.ledger, explorer) as source:
        ask = asked(source, {ADDRESSES[0]: 0}, Interval(103, 10**6), mempool=False)
        known = source.fetch(ask).blocks
        assert sorted(known) == [103, 104, 105, 106, 107]
        maker.ledger.reorg(7, [[maker.tx([], [0])] for _ in range(9)])
        batch = source.fetch(replace(ask, known=known, head=source.head()))
        assert (batch.fresh_from, batch.read) == (103, Interval(103, 109))
        assert len(batch.transfers) == 14


@ALL
def test_blocks_that_change_while_they_are_read(way: Way) -> None:
    """What was read up to there counts, a broken chain of blocks never."""
    maker = Maker()
    for _ in range(6):
        maker.ledger.mine([maker.tx([], [0])])
    with Explorer() as explorer, way.over(maker.ledger, explorer) as source:
        ask = asked(source, {ADDRESSES[0]: 0}, Interval(100, 10**6))
        maker.ledger.reorg(3, [[] for _ in range(3)])
        batch = source.fetch(ask)  # its head's hash is of a block that is gone
        assert (batch.read, batch.rest) == (Interval(100, 104), Interval(105, 105))
        with pytest.raises(NotYet):
            source.fetch(replace(ask, span=Interval(105, 105)))


@ALL
def test_what_it_says_of_itself(way: Way) -> None:
    """As the protocol wants it of a source of whole blocks."""
    maker = Maker()
    maker.ledger.mine()
    with Explorer() as explorer, way.over(maker.ledger, explorer) as source:
        source.identify()
        source.head()
        assert (source.name, source.chain, source.axis) == ("mine", "bitcoin", Axis.HEIGHT)
        assert (source.many, source.bundles) == (True, (frozenset({"utxo"}),))
        assert source.needs_unspent == (way.name != "node")
        assert source.block_bytes >= 1_600_000
        assert bool(source.not_in_blocks) == (way.kind == "esplora")
        block = maker.ledger.head
        assert source.block_hash(100) == block.hash
        assert source.block_hash(101) is None


def test_the_demos_bitcoin_proves_itself() -> None:
    """Its blocks can be read raw, and tell all that its story moved."""
    world = story.ledgers(1_800_000_000)
    ledger = world.bitcoin
    members = {a: 0 for n in range(len(ledger)) if (b := ledger.block(ledger.first_height + n))
               for tx in b.txs for a in tx.addresses()}  # fmt: skip
    with Explorer() as explorer, WAYS[0].over(ledger, explorer) as source:
        span = Interval(ledger.first_height, ledger.head.height)
        batch = source.fetch(asked(source, members, span, max_rows=10**6))
    blocks = [ledger.block(height) for height in span_of(batch)]
    assert {t.tx for t in batch.transfers} == {tx.hash for b in blocks if b for tx in b.txs}
    assert batch.transfers


def span_of(batch: Batch) -> range:
    assert batch.read is not None
    return range(batch.read.lo, batch.read.hi + 1)
