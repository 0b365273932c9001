"""Whether addresses ever lived on a chain: what a node says of one block, and what the record
keeps of those that never did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.axis import Head
from monitor.model.plain import utc
from monitor.model.watch import Subject

AT_ONCE = 200  # addresses in one request
UNCOVERED = "unverified tokens and NFTs are not covered"
WAITS = "which addresses ever lived there"  # stands where lists do that could not be read


@dataclass(frozen=True, slots=True)
class LifeWord:
    """What one node said of many addresses, all at one block.

    An address stands in `none` (nothing was ever sent from it, it is no contract, it holds no
    coins and none of the tokens that were asked for), in `signs` (what was seen of it, in words),
    or in `unsaid` (why the answer does not say). `calls`: requests made.
    """

    source: str
    head: Head  # the block: all of the word holds there
    none: frozenset[str]
    signs: Mapping[str, str]
    unsaid: Mapping[str, str]
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Dormant:
    """An address that never lived on a chain, up to the block of the newest proof.

    While it is `asleep` its lists are not read address by address. Of one that woke they are,
    for good. Times by our clock, but for the block's.
    """

    subject: Subject
    since: int
    words: tuple[tuple[str, int, str], ...]  # (source, height, hash): two, of the first proof
    height: int
    block_hash: str
    time: int  # of the block
    source: str
    at: int
    asleep: bool = True
    failing: int | None = None  # since when no node says anything of it
    error: str = ""
    woke: int | None = None
    sign: str = ""


def proven(dormant: Dormant) -> str:
    """In words: "dormant, proven at block 21,000,000 (2026-11-20 04:05:06Z) by NODE: ..."."""
    return (
        f"dormant, proven at block {dormant.height:,} ({utc(dormant.time)}) by {dormant.source}: "
        f"nothing was ever sent, no coins, no verified tokens; {UNCOVERED}"
    )
