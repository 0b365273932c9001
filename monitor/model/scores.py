"""What sources were like, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DAY = 86_400  # seconds
KEPT_DAYS = 90


class Mark(StrEnum):
    """What is counted of a source on a chain."""

    ASKED = "asked"  # lists that it read for us
    LATE = "late"  # movements that it listed only after it had read past them
    MISSING = "missing"  # movements that it left out of a complete list; a receipt has them
    WRONG = "wrong"  # what it said and a receipt, or two others, contradict
    DOWN = "down"  # failures and hangs


@dataclass(frozen=True, slots=True)
class Score:
    """How often something was so of a source on one day (UTC)."""

    source: str
    chain: str
    day: int  # Unix time / 86,400
    what: Mark
    n: int = 1
    worst: int = 0  # of late: seconds after the block's time
