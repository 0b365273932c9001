"""Algebra of closed intervals of integers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Interval


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Sorted, disjoint, with neighbours joined: [1,3] and [4,9] become [1,9]."""
    merged: list[Interval] = []
    for part in sorted(intervals):
        if merged and part.lo <= merged[-1].hi + 1:
            merged[-1] = Interval(merged[-1].lo, max(merged[-1].hi, part.hi))
        else:
            merged.append(part)
    return tuple(merged)


def subtract(span: Interval, covered: Iterable[Interval]) -> tuple[Interval, ...]:
    """The parts of `span` that no interval of `covered` holds, in order."""
    missing: list[Interval] = []
    start = span.lo
    for part in union(covered):
        if part.hi < start:
            continue
        if part.lo > span.hi:
            break
        if part.lo > start:
            missing.append(Interval(start, part.lo - 1))
        start = part.hi + 1
    if start <= span.hi:
        missing.append(Interval(start, span.hi))
    return tuple(missing)


def intersect(one: Interval, other: Interval) -> Interval | None:
    lo, hi = max(one.lo, other.lo), min(one.hi, other.hi)
    return Interval(lo, hi) if lo <= hi else None


def clip(covered: Iterable[Interval], within: Iterable[Interval]) -> tuple[Interval, ...]:
    """What of `covered` lies inside `within`."""
    spans = union(within)
    found = (intersect(part, span) for part in covered for span in spans)
    return union(each for each in found if each is not None)


def holds(covered: Sequence[Interval], point: int) -> bool:
    return any(point in part for part in covered)
