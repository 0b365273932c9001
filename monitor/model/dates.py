"""Dates that people write, as moments."""

from __future__ import annotations

from datetime import UTC, date, datetime

# The day of Bitcoin's first block, in ISO: no chain is older. A year that somebody types with two
# digits is long before it.
EARLIEST = "2009-01-03"


def since_time(text: str) -> int | None:
    """A `since` date as Unix seconds at 00:00 UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def utc_day(at: int) -> str:
    """The day by UTC of a moment in Unix seconds: 2023-04-24."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
