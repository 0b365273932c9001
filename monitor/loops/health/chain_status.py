"""How far chains are read, and what is owed to addresses on them, as `fundwatch status` shows it.
Reads only."""

from __future__ import annotations

from monitor.loops.health.chain_values import (
    BlindStatus,
    ChainStatus,
    DebtStatus,
    InsideStatus,
    ReadingStatus,
    Time,
)
from monitor.model.config import Way
from monitor.model.status import ChainReading
from monitor.model.streams import who_is_asked
from monitor.store import balance_due, blocks, heads, joined, watch
from monitor.store.port import Reader


def chains(store: Reader, now: int) -> dict[str, ChainStatus]:
    """Of every chain with an active entry."""
    mixed = joined.read_chain_wide(store)
    return {chain: _chain(store, chain, mixed, now) for chain in watch.active_chains(store)}


def _chain(store: Reader, chain: str, mixed: frozenset[str], now: int) -> ChainStatus:
    reading, owed = blocks.reading_of(store, chain), blocks.owed(store, chain)
    debt = DebtStatus(owed.history, owed.severe, owed.waits)
    if reading is None:
        way = Way.MIXED if f"{chain}/*" in mixed else Way.ADDRESSES
        return ChainStatus(ReadingStatus(mode=way, head=heads.newest(store, chain)), debt)
    inside = _inside(store, chain, now)
    return ChainStatus(_by_blocks(reading), debt, _blind(reading, owed.blind), inside)


def _inside(store: Reader, chain: str, now: int) -> InsideStatus | None:
    shown = blocks.shown(store, chain)
    if not shown:
        return None
    members, looked, oldest = balance_due.looks(store, chain)
    return InsideStatus(
        looked=looked,
        never=max(0, members - looked),
        oldest=Time.of(oldest),
        oldest_seconds=None if oldest is None else max(0, now - oldest),
        asked=who_is_asked(shown),
    )


def _by_blocks(reading: ChainReading) -> ReadingStatus:
    return ReadingStatus(
        mode=Way.BLOCKS,
        head=reading.head,
        covered_to=reading.covered_to,
        proven_to=reading.proven_to,
        behind=reading.behind,
        source=reading.source,
    )


def _blind(reading: ChainReading, singly: int) -> BlindStatus | None:
    if reading.failing is None:
        return None
    return BlindStatus(Time(reading.failing), reading.why, singly)
