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
    COMPLETE = "complete"
    NOT_SERVED = "not served"  # of a list, not of an entry: no configured source has it


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a list that could not be read."""

    axis: Axis
    from_: int
    to: int
    reason: str
