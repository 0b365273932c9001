"""Whole blocks of an EVM node: what they hold of members is what lists of these addresses hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from world.evm_world import CHAIN_ID, EvmWorld, Row

from monitor.demo.world.explorer import Explorer
from monitor.model import Ask, Batch, Chain, Interval, SourceConfig, Subject, Transfer
from monitor.model.scope import Members
from monitor.net import sources
from monitor.net.http import Http

DEV = Chain("dev", "Dev", "evm", "ETH", 18, 64, chain_id=CHAIN_ID)


def built(kind: str, url: str, chain: Chain = DEV, **more: Any) -> Any:
    config = SourceConfig("mine", kind, url, rate_per_second=10_000, **more)
    return sources.build(config, chain, Http("mine", url, attempts=1))


def whole(url: str, chain: Chain = DEV, **more: Any) -> Any:
    return sources.whole_of(built("evm_rpc", url, chain, **more))


def asked(face: Any, members: Any, lo: int = 0, **more: Any) -> Ask:
    head = face.head()
    (streams,) = face.bundles
    joined = Members(dict.fromkeys(members, 0))
    return Ask((), streams, Interval(lo, 2**40), head, members=joined, **more)


def read_all(face: Any, members: Any, lo: int = 0) -> list[Batch]:
    """Fetch by fetch, as far as the head."""
    batches: list[Batch] = []
    while True:
        batch = face.fetch(asked(face, members, lo))
        batches.append(batch)
        if batch.rest is None:
            return batches
        lo = batch.rest.lo


def told(transfer: Transfer) -> tuple[object, ...]:
    t = transfer
    what = (t.kind, t.sender, t.recipient, t.amount, t.contract, t.token_id)
    return (*t.identity, *what, t.block_height, t.time)


def by_address(source: Any, address: str, chain: Chain = DEV) -> set[tuple[object, ...]]:
    """What the lists of one address hold."""
    found: set[tuple[object, ...]] = set()
    head = source.head()
    for streams in source.bundles:
        left: Interval | None = Interval(0, head.height)
        while left is not None:
            batch = source.fetch(Ask((Subject(chain.key, address),), streams, left, head))
            assert not batch.gaps
            found |= {told(t) for t in batch.transfers if address in t.parties()}
            left = batch.rest
    return found


@pytest.mark.real
def test_blocks_hold_what_lists_of_addresses_hold(evm_world: EvmWorld, explorer: Explorer) -> None:
    """Of every address of the world: the same identities, amounts, parties and places, and all
    that truly happened."""
    explorer.add("dev", evm_world.ledger, "etherscan", chain_id=CHAIN_ID)
    lists = built("etherscan", explorer.url("dev", "etherscan"))
    face = whole(evm_world.rpc.url, traces="trace_block")
    addresses = evm_world.oracle.watchable(10_000)
    rows = [t for batch in read_all(face, addresses) for t in batch.transfers]
    assert len({t.identity for t in rows}) == len(rows)
    for t in rows:
        block = evm_world.ledger.block(t.block_height or 0)
        assert block is not None
        assert t.block_hash == block.hash
    for address in addresses[:60]:
        mine = {told(t) for t in rows if address in t.parties()}
        assert mine == by_address(lists, address)
    truth = Counter(
        Row(t.kind, t.tx, t.contract, t.token_id, t.sender or "", t.recipient, t.amount)
        for t in rows
    )
    assert truth == +Counter(
        {r: n for r, n in evm_world.oracle.rows.items() if r.kind != "internal" or r.amount}
    )
