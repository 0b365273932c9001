"""Interval algebra against plain sets of integers, and what a batch proves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.play import ETHEREUM

from monitor.decide import coverage
from monitor.model import Axis, Batch, Gap, Head, Interval, Kind, Subject, Transfer
from monitor.model.intervals import intersect, subtract, union

intervals = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(
    lambda pair: Interval(pair[0], pair[0] + pair[1])
)
many = st.lists(intervals, max_size=8)
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def points(spans: Iterable[Interval]) -> set[int]:
    return {n for span in spans for n in range(span.lo, span.hi + 1)}


def batch(read: Interval | None, head: int, *, gaps: tuple[Gap, ...] = ()) -> Batch:
    return Batch(
        source="one",
        subjects=(Subject("ethereum", "0xa"),),
        streams=frozenset({"native"}),
        axis=Axis.HEIGHT,
        head=Head(head, head * 10),
        read=read,
        gaps=gaps,
    )


@quick
@given(many)
def test_union_holds_the_same_points_in_as_few_parts_as_possible(spans: list[Interval]) -> None:
    """A union has the same points, sorted, and at least one point between two parts."""
    joined = union(spans)
    assert points(joined) == points(spans)
    assert all(a.hi + 1 < b.lo for a, b in pairwise(joined))


@quick
@given(intervals, many)
def test_what_is_missing_is_the_difference(span: Interval, covered: list[Interval]) -> None:
    """subtract() leaves exactly the points that nothing covers."""
    left = subtract(span, covered)
    assert points(left) == points([span]) - points(covered)
    assert list(left) == sorted(left)


@quick
@given(intervals, intervals)
def test_intersection_is_what_both_hold(one: Interval, other: Interval) -> None:
    """intersect() has the common points, None where there are none."""
    both = intersect(one, other)
    assert points([both] if both else []) == points([one]) & points([other])


@quick
@given(intervals, many, st.integers(0, 80), st.integers(0, 20))
def test_nothing_is_proven_above_the_line_or_in_a_gap(
    read: Interval, gaps: list[Interval], head: int, lag: int
) -> None:
    """Proven is what was read, at most head minus the larger of finality and lag, no gaps."""
    told = batch(read, head, gaps=tuple(Gap(at, "unreadable") for at in gaps))
    line = head - max(ETHEREUM.finality, lag)
    wanted = {n for n in points([read]) - points(gaps) if n <= line}
    assert points(coverage.proven(told, ETHEREUM, lag)) == wanted


def test_a_batch_that_read_nothing_proves_nothing() -> None:
    """No read interval, no coverage."""
    assert coverage.proven(batch(None, 100), ETHEREUM, 0) == ()


@quick
@given(many, st.integers(0, 40), st.integers(0, 80), st.none() | st.integers(0, 80))
def test_the_head_is_read_from_the_end_of_what_is_covered(
    covered: list[Interval], floor: int, top: int, lowest_open: int | None
) -> None:
    """Nothing above the highest covered place, and no open row, is left out."""
    span = coverage.head_span(covered, floor, top, lowest_open)
    assert span.hi == top
    highest = max((part.hi for part in covered), default=floor - 1)
    assert not set(range(max(highest + 1, floor), top + 1)) - points([span])
    if lowest_open is not None and lowest_open <= top:
        assert lowest_open in span


@quick
@given(many, st.integers(0, 40), many)
def test_history_is_every_hole_that_is_not_waiting(
    covered: list[Interval], floor: int, waiting: list[Interval]
) -> None:
    """Holes below the highest covered place, newest first, without gaps not due yet."""
    holes = coverage.history_spans(covered, floor, waiting)
    highest = max(points(covered), default=-1)
    assert points(holes) == set(range(floor, highest + 1)) - points(covered) - points(waiting)
    assert list(holes) == sorted(holes, reverse=True)


@pytest.mark.parametrize(
    ("head", "lag", "line"),
    [
        (Head(100, 1000), 0, 960_000),
        (Head(100, 1000), 10, 900_000),
        (Head(100, 1000, final_time=930), 0, 930_000),
        (Head(100, 1000, final_time=990), 0, 960_000),
        (Head(100, 1000, final_time=2**40), 0, 960_000),
        (Head(100, 1000, final_time=970), 5, 950_000),
    ],
)
def test_the_line_on_the_axis_of_time(head: Head, lag: int, line: int) -> None:
    """In milliseconds: the lowest of finality, lag and the source's own solidified time."""
    assert Axis.TIME.final_line(head, ETHEREUM, lag) == line


@pytest.mark.parametrize(
    ("final", "lag", "line"),
    [(None, 0, 96), (90, 0, 90), (99, 0, 96), (10**12, 0, 96), (90, 20, 80), (0, 0, 0)],
)
@pytest.mark.parametrize("axis", [Axis.HEIGHT, Axis.SLOT])
def test_the_line_on_an_axis_of_blocks(final: int | None, lag: int, line: int, axis: Axis) -> None:
    """The lowest of finality, lag and the block that the source itself calls final."""
    assert axis.final_line(Head(100, 1000, None, final), ETHEREUM, lag) == line


@pytest.mark.parametrize(
    ("axis", "place", "top", "reach", "words"),
    [
        (Axis.HEIGHT, 7, 9, 3, "block 7"),
        (Axis.SLOT, 7, 9, 3, "slot 7"),
        (Axis.TIME, 70_000, 90_000, 30_000, "1970-01-01T00:01:10Z"),
    ],
)
def test_what_the_axes_count(axis: Axis, place: int, top: int, reach: int, words: str) -> None:
    """Places of a transfer and of a head, so many blocks on it, and a place for people."""
    moved = Transfer("x", "t", "l", Kind.NATIVE, "a", "b", 1, block_height=7, time=70)
    assert axis.place(moved) == axis.at(7, 70) == place
    assert axis.place(replace(moved, block_height=None, time=None)) is None
    assert axis.top(Head(9, 90)) == top
    assert axis.reach(3, ETHEREUM) == reach
    assert axis.words(place) == words


def test_a_doubted_head_proves_nothing() -> None:
    """What was read under a head that nobody stands by yet is no coverage."""
    told = replace(batch(Interval(0, 100), 100), doubt="it comes too soon")
    assert coverage.proven(told, ETHEREUM, 0) == ()


@quick
@given(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from(Axis))
def test_a_date_is_never_placed_too_late(when: int, now: int, axis: Axis) -> None:
    """A block that came at a time is never below the place that is given for it."""
    head = Head(now // 10, now)  # one block every ten seconds
    place = axis.place_of_date(min(when, now), head, ETHEREUM)
    first = -(-min(when, now) // 10)
    assert place <= axis.at(first, first * 10)


def test_a_first_look_at_a_busy_address_begins_near_the_head() -> None:
    """Heads before history: the window holds something that can be proven at once."""
    window = coverage.head_window(
        Interval(50, 100_000), Head(100_000, 10**6), Axis.HEIGHT, ETHEREUM, 0
    )
    assert window.hi == 100_000
    line = Axis.HEIGHT.final_line(Head(100_000, 10**6), ETHEREUM)
    assert 50 < window.lo < line


@pytest.mark.parametrize("since", ["999999999", "2099-01-01"])
@pytest.mark.parametrize("axis", Axis)
def test_a_start_that_lies_ahead_leaves_nothing_out(since: str, axis: Axis) -> None:
    """`since` bounds history only: what moves after first contact is read in any case."""
    head = Head(5000, 1_700_000_000, None)
    when = None if since.isdecimal() else 4_070_908_800
    floor = coverage.floor(since, when, head, axis, ETHEREUM)
    assert floor <= axis.top(head)
