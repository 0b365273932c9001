"""The one clock, and the time zones that a clock may be read in."""

from __future__ import annotations

import time
import zoneinfo
from functools import cache


def now() -> int:
    return int(time.time())


@cache
def timezones() -> frozenset[str]:
    """Their names. The library looks through all of its files each time it is asked, which was
    half of opening a home folder."""
    return frozenset(zoneinfo.available_timezones())
