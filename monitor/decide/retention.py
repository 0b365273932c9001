"""Until when what belongs to a case is kept, where a desk sets a retention. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.model.cases import CaseState


def ends(closed: int, years: int) -> int:
    """When the retention of a case ends that was closed then, on the same day of the year; of
    29 February on 1 March."""
    day = datetime.fromtimestamp(closed, UTC)
    try:
        return int(day.replace(year=day.year + years).timestamp())
    except ValueError:
        return int(day.replace(year=day.year + years, month=3, day=1).timestamp())


def over(cases: Mapping[str, CaseState], years: int | None, now: int) -> dict[str, int]:
    """Whose retention is over, and since when. A legal hold goes before it."""
    if years is None:
        return {}
    found = {
        case: ends(state.closed, years)
        for case, state in cases.items()
        if state.closed is not None and state.held is None
    }
    return {case: end for case, end in found.items() if end <= now}
