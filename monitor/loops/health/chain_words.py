"""How far chains are read, in words: for `fundwatch status`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.loops.health.chain_values import ChainStatus, InsideStatus, ReadingStatus
from monitor.model.config import Way
from monitor.model.plain import duration, plural
from monitor.model.streams import CANCELS


def lines(found: Mapping[str, ChainStatus], now: int) -> list[str]:
    """A line for each chain that is read block by block, and for each to which something is owed;
    what cannot be read first."""
    told = sorted(found.items(), key=lambda one: one[1].blind is None)
    return [line for key, each in told for line in _lines(key, each, now)]


def _lines(key: str, chain: ChainStatus, now: int) -> Iterator[str]:
    reading, debt, blind = chain.reading, chain.debt, chain.blind
    if blind is not None:
        one = blind.read_singly == 1
        singly = f"{blind.read_singly:,} severe {'address is' if one else 'addresses are'}"
        meanwhile = (
            f"{singly} read one by one meanwhile" if blind.read_singly else "All wait for them"
        )
        yield (
            f"{key}: BLOCKS CANNOT BE READ for {duration(max(0, now - blind.since))}: {blind.why}. "
            f"{meanwhile}"
        )
    if reading.mode == Way.BLOCKS:
        yield f"{key}: {_far(reading)}"
    if chain.inside is not None:
        yield f"{key}: coins moved by calls inside transactions are {_seen(chain.inside)}"
    if debt.addresses:
        severe = f", {debt.severe:,} severe ones first" if debt.severe else ""
        yield (
            f"{key}: history is still owed to {_addresses(debt.addresses)}, "
            f"read one by one in the background{severe}"
        )
    if debt.waiting:
        yield (
            f"{key}: history of {_addresses(debt.waiting)} was read up to the block of joining, "
            "and waits for confirmations"
        )


def _seen(inside: InsideStatus) -> str:
    never = f", {_addresses(inside.never)} not looked at yet" if inside.never else ""
    if inside.oldest_seconds is None:
        return f"seen by balances alone: nobody's was looked at yet{never}"
    return (
        f"seen by balances; oldest look {duration(inside.oldest_seconds)} ago{never}. Where one "
        f"differs, {inside.asked} moved. Not covered: {CANCELS}; a token that writes no log"
    )


def _addresses(number: int) -> str:
    return f"{number:,} {'address' if number == 1 else 'addresses'}"


def _far(reading: ReadingStatus) -> str:
    if reading.covered_to is None:
        return "no block was read yet"
    proven = f", proven to {reading.proven_to:,}" if reading.proven_to is not None else ""
    late = f", {plural(reading.behind, 'block')} behind" if reading.behind else ""
    by = f", by {reading.source}" if reading.source else ""
    return f"each block is read to {reading.covered_to:,}{proven}{late}{by}"
