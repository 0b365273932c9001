"""Dates that people write, as moments."""

from __future__ import annotations

from datetime import UTC, date, datetime


def since_time(text: str) -> int | None:
    """A `since` date as Unix seconds at 00:00 UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
