"""What a page of one address shows of its movements. Frozen values.

Amounts are in base units, times Unix seconds in chain time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from monitor.model.transfer import Kind, Status


class Way(StrEnum):
    """Which way something went, seen from the address of the page."""

    IN = "in"
    OUT = "out"
    SELF = "self"  # to itself, or nothing went: what an issuer does to it


class Seeing(StrEnum):
    """How much of an address somebody may see."""

    ALL = "all"
    PART = "part"  # only movements with addresses of their cases
    NOTHING = "nothing"  # there is nothing, or nothing for them


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which movements of an address: what the filter of its page says. None: any."""

    way: Way | None = None
    asset: str | None = None  # its contract; empty: the chain's coin
    other: str | None = None  # counterparty, canonical
    least: int | None = None
    most: int | None = None
    since: int | None = None
    until: int | None = None  # the first second that is too late
    status: Status | None = None
    lane: str | None = None  # news | quiet; empty: no alert tells it
    late: bool = False  # only those that came late
    every: bool = False  # fees and empty transfers too


@dataclass(frozen=True, slots=True)
class Told:
    """An alert that tells a movement."""

    alert: str
    lane: str
    severity: str
    state: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement, seen from one address."""

    id: int
    tx: str
    kind: Kind
    way: Way
    other: str | None  # the other end; None: it has no address
    contract: str | None
    token_id: str | None
    amount: int
    height: int | None
    time: int | None
    status: Status
    late: bool
    first_seen: int
    told: tuple[Told, ...] = ()
    sources: tuple[str, ...] = ()  # who said so


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of movements ends, and the next one begins."""

    time: int | None
    id: int


@dataclass(frozen=True, slots=True)
class Sum:
    """What one counterparty sent or got of one asset, of movements that stand."""

    other: str | None
    kind: Kind | None  # only where there is no address: what stands at the other end
    way: Way
    contract: str
    nft: bool  # its pieces are counted; `amount` says nothing
    count: int
    amount: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many movements there are; `over`: more than are counted."""

    number: int
    folded: int  # of them fees and empty transfers
    over: bool


@dataclass(frozen=True, slots=True)
class Days:
    """On which days something moved. Days: Unix time / 86,400."""

    days: tuple[int, ...]  # in order
    undated: int  # movements in no block yet

    @property
    def silence(self) -> tuple[int, int] | None:
        """The longest time without movement: the days between which it lies."""
        gaps = [(b - a, a, b) for a, b in pairwise(self.days) if b - a > 1]
        if not gaps:
            return None
        _, before, after = max(gaps, key=lambda gap: (gap[0], -gap[1]))
        return before, after
