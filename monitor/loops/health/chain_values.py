"""What `fundwatch status` shows of a chain, as values: a part of its snapshot. Pure."""

from __future__ import annotations

from dataclasses import dataclass


class Time(int):
    """Unix seconds; RFC 3339 in the JSON."""

    @classmethod
    def of(cls, seconds: int | None) -> Time | None:
        return None if seconds is None else cls(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingStatus:
    """How far a chain is read."""

    mode: str  # addresses | mixed | blocks
    head: int | None  # the newest block that a source named
    covered_to: int | None = None
    proven_to: int | None = None
    behind: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class DebtStatus:
    """Addresses of which history is still to be read one by one."""

    addresses: int
    severe: int
    waiting: int  # beside these: of which it was read, and waits for confirmations


@dataclass(frozen=True, slots=True)
class BlindStatus:
    """That the blocks of a chain cannot be read."""

    since: Time
    why: str
    read_singly: int  # severe addresses that are read one by one meanwhile


@dataclass(frozen=True, slots=True)
class InsideStatus:
    """Of a chain whose blocks do not hold the coins that move inside transactions: how far balances
    show that some did."""

    looked: int  # addresses whose balance was asked for
    never: int  # ... and was not yet
    oldest: Time | None  # when that was the longest ago
    oldest_seconds: int | None
    asked: str  # who is asked what moved: "etherscan is asked what"


@dataclass(frozen=True, slots=True)
class ChainStatus:
    reading: ReadingStatus
    debt: DebtStatus
    blind: BlindStatus | None = None
    inside: InsideStatus | None = None
