"""What makes a newest block unlikely, and what contradicts one: the rules alone."""

from __future__ import annotations

import pytest
from world.play import ETHEREUM, TRON

from monitor.decide import heads
from monitor.model import Axis, Head
from monitor.model.heads import HeadReport, Kept

NOW = 1_700_000_000
HOUR = 3600


def kept(height: int, ago: int = 0, doubt: str = "", **more: object) -> Kept:
    """A head of ETHEREUM (ten seconds a block) whose time is when it was told."""
    return Kept(Head(height, NOW - ago), NOW - ago, doubt, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("height", "time", "ago", "likely"),
    [
        (1000, NOW, 20, True),
        (1002, NOW, 20, True),
        (1000 + 4 + 720, NOW, 0, True),  # finality, and an hour's blocks at twice the pace
        (1000 + 4 + 800, NOW, 0, False),
        (1000 + 8640, NOW, 24 * HOUR, True),  # a day's outage of ours
        (1000 + 8640, NOW, 20, False),
        (10**12, NOW, 24 * HOUR, False),
        (1001, NOW + HOUR, 20, True),
        (1001, NOW + 3 * HOUR, 20, False),
        (900, NOW, 20, True),  # too low is not too high
    ],
)
def test_how_far_a_head_is_likely(height: int, time: int, ago: int, likely: bool) -> None:
    """By our clock and the chain's pace, after a head of 1000."""
    own = [kept(1000, ago)]
    assert (heads.unlikely(Head(height, time), own, own, NOW, ETHEREUM) == "") is likely


def test_a_chain_whose_source_was_behind_catches_up() -> None:
    """The head's own time explains what our clock does not."""
    own = [Kept(Head(1000, NOW - 24 * HOUR), NOW - 20)]
    assert heads.unlikely(Head(9640, NOW), own, own, NOW, ETHEREUM) == ""


def test_a_chain_that_runs_ahead_of_our_clock_stays_believed() -> None:
    """Our clock may be the wrong one: what counts is that the chain runs on as it did."""
    own = [Kept(Head(1000, NOW + 10 * HOUR - 20), NOW - 20)]
    assert heads.unlikely(Head(1002, NOW + 10 * HOUR), own, own, NOW, ETHEREUM) == ""
    assert heads.unlikely(Head(1002, NOW + 15 * HOUR), own, own, NOW, ETHEREUM) != ""


def test_a_pace_that_is_configured_too_slow_is_learnt() -> None:
    """A chain much faster than its block_time is doubted once, not for ever."""
    own = [kept(1000, 60), kept(61_000, 0)]
    assert heads.unlikely(Head(121_000, NOW + 60), own, own, NOW + 60, ETHEREUM) == ""


def test_the_first_head_of_all() -> None:
    """Nothing known: it can only be beyond what its chain could have by now."""
    assert heads.unlikely(Head(90_000_000, NOW), [], [], NOW, ETHEREUM) == ""
    assert heads.unlikely(Head(10**12, NOW), [], [], NOW, ETHEREUM) != ""


def test_who_stands_by_a_head() -> None:
    """Another source that is as high, or higher; not one far below, nor one of other time."""
    head = Head(5000, NOW)
    assert heads.near(head, [Head(4996, NOW)], ETHEREUM)
    assert heads.near(head, [Head(9000, NOW)], ETHEREUM)
    assert not heads.near(head, [Head(4000, NOW), Head(100, NOW)], ETHEREUM)
    assert not heads.near(Head(5000, NOW + HOUR), [Head(5000, NOW)], ETHEREUM)
    assert not heads.near(head, [], ETHEREUM)


def test_a_fall_takes_back_to_before_the_jump() -> None:
    """The head that was false may not be the first of its lie."""
    told = [kept(1000, 90, mark=(996, "a")), kept(1003, 60), kept(1060, 30), kept(1063, 0)]
    found = heads.fallen("one", told, Head(1009, NOW), Axis.HEIGHT, ETHEREUM, 0)
    assert found is not None
    assert found.stands == told[1]
    assert (found.line, found.booked, found.loud) == (999, True, True)
    assert [h.height for h in found.false] == [1060, 1063]
    assert heads.without(told, found) == tuple(told[:2])


def test_a_fall_within_finality_is_a_lag() -> None:
    """Nothing is contradicted; without any hash it is read again, without a word."""
    marked = [kept(1000, 30, mark=(996, "a")), kept(1003, 0)]
    bare = [kept(1000, 30), kept(1003, 0)]
    assert heads.fallen("one", marked, Head(999, NOW), Axis.HEIGHT, ETHEREUM, 0) is None
    found = heads.fallen("one", bare, Head(1001, NOW), Axis.HEIGHT, ETHEREUM, 0)
    assert found is not None
    assert (found.stands, found.loud) == (bare[0], False)


def test_a_doubted_head_takes_nothing_with_it() -> None:
    """Nothing was booked on it; that it lied is told all the same."""
    told = [kept(1000, 30, mark=(996, "a")), kept(10**9, 0, "too soon")]
    found = heads.fallen("one", told, Head(1003, NOW), Axis.HEIGHT, ETHEREUM, 0)
    assert found is not None
    assert (found.booked, found.loud) == (False, True)


def test_time_falls_on_the_axis_of_time_alone() -> None:
    """Bitcoin's block times go back and forth; Tron's lists are counted by them."""
    before, after = Head(1000, NOW + 900), Head(1001, NOW)
    assert heads.falls(before, after, Axis.TIME, TRON, 0)
    assert not heads.falls(before, after, Axis.HEIGHT, ETHEREUM, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "wrong"),
    [
        (0, 0, True),
        (HOUR - 1, 0, True),  # it may pass again
        (2 * HOUR, 0, False),
        (2 * HOUR, 3 * HOUR, True),
        (4 * HOUR, 3 * HOUR, False),
    ],
)
def test_the_longer_standing_counts(ours: int, theirs: int, wrong: bool) -> None:
    """Two words on the first block: the one that was stood by for longer, after an hour."""
    mine = HeadReport("one", 0, "b", NOW, NOW + ours)
    other = HeadReport("two", 0, "a", NOW, NOW + theirs)
    elsewhere = HeadReport("two", 7, "c", NOW, NOW + 9 * HOUR)
    assert heads.foreign(mine, [other, elsewhere]) == (other if wrong else None)


@pytest.mark.parametrize(
    ("turn", "ago", "ripe"), [(0, 1, True), (7, 1, False), (7, heads.RIPE, True)]
)
def test_when_a_doubt_can_end(turn: int, ago: int, ripe: bool) -> None:
    """In the next pass, or after a minute of a long one."""
    told = [kept(1000, 90), kept(9000, ago, "too soon", turn=turn)]
    assert (heads.waiting(told, 7, NOW) == told[1]) is ripe
    assert [k.doubt for k in heads.stood_by(told, 7, NOW)] == ["", "" if ripe else "too soon"]
