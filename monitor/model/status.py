"""How reading stands, in values: what `fundwatch status` shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.axis import Axis


class State(StrEnum):
    """How far a list, or an entry with all its lists, is read; the worst first."""

    BLIND = "blind"
    NOT_READ = "not read yet"
    BEHIND = "behind"
    DORMANT = "dormant"  # it never lived there, as nodes proved: asked for with others, in one call
    COMPLETE = "complete"
    NOT_SERVED = "not served"  # of a list, not of an entry: no configured source has it


@dataclass(frozen=True, slots=True)
class ChainReading:
    """How far a chain is read block by block. None: not known yet."""

    head: int | None  # the newest block that any of its sources named and that is believed
    covered_to: int | None  # the highest that was read and matched, unconfirmed ones included
    proven_to: int | None  # the highest that counts as proven
    source: str  # that was read last
    failing: int | None  # since when no source can be read, as Unix seconds
    why: str  # what failed

    @property
    def behind(self) -> int | None:
        """Blocks that are not read yet."""
        if self.head is None or self.covered_to is None:
            return None
        return max(0, self.head - self.covered_to)


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a list that could not be read."""

    axis: Axis
    from_: int
    to: int
    reason: str


@dataclass(frozen=True, slots=True)
class FollowedCount:
    """How the addresses stand that are read for a case, with an entry or without."""

    addresses: int = 0
    spent: int = 0  # not read any more: all calls are used up, and no entry watches them
    blind: int = 0  # of those that are read: with a list that fails
    not_read: int = 0  # and those of which nothing has been read yet
