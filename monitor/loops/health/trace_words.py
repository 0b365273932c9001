"""How following money stands, in words: a line a case."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from monitor.loops.health.snapshot import TraceStatus
from monitor.model.plain import case_said, duration, plural


def lines(found: Sequence[TraceStatus], allowed: Collection[str] | None = None) -> list[str]:
    """A line a case; `allowed`: of these alone."""
    return [
        f"{case_said(each.case)}: {'; '.join(_said(each))}"
        for each in found
        if allowed is None or each.case in allowed
    ]


def _said(found: TraceStatus) -> Iterator[str]:
    if found.number is None and not found.ended:
        yield "its money is to be followed, nothing is worked out yet"
    yield f"{_addresses(found.followed)} followed"
    if found.waiting:
        verb = "waits" if found.waiting == 1 else "wait"
        yield f"{_addresses(found.waiting)} {verb} for a person"
    if found.question:
        yield f"ASKED: {found.question}"
    if found.ended:
        yield found.ended
    yield (
        f"{found.calls_left:,} of {found.calls:,} calls left to find addresses, "
        f"{found.calls_today_left:,} of {found.calls_per_day:,} today to watch them"
    )
    if found.stale:
        oldest, when = found.oldest_seconds, "yet"
        if oldest is not None:
            when = f"for over an hour, the longest {duration(oldest)}"
        yield f"{plural(found.stale, 'place')} where value rests not looked at {when}"


def _addresses(number: int) -> str:
    return f"{number:,} {'address' if number == 1 else 'addresses'}"
