"""The pulse: which jobs move, which stand, and what a pause is."""

from __future__ import annotations

import pytest

from monitor.app.daemon import TICKS
from monitor.loops.health.pulse import STUCK_AFTER, VITAL, Pulse


class Clock:
    """A monotonic clock in the hands of a test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_pulse_is_well_once_every_job_has_worked() -> None:
    """Not before, not for longer than its limit, and not for a job that only fails."""
    clock = Clock()
    pulse = Pulse(("poll", "deliver"), {}, clock)
    assert not pulse.well()
    for job in ("poll", "deliver"):
        with pulse.beat(job):
            assert pulse.busy() == [job]
    assert pulse.well()
    clock.now += STUCK_AFTER - 1
    with pulse.beat("poll"):
        pass
    with pytest.raises(ZeroDivisionError), pulse.beat("deliver"):
        raise ZeroDivisionError
    assert pulse.well()
    clock.now += 2
    assert not pulse.well(), "it moves, and does nothing"
    assert pulse.stuck() == []
    assert pulse.busy() == []


def test_a_pulse_knows_a_long_pass_from_a_stuck_one() -> None:
    """A pass that brings one address after the other to its end is well; one that stands, or
    a job that was never begun, is stuck."""
    clock, progress = Clock(), Clock()
    pulse = Pulse(("poll", "deliver"), {"poll": progress}, clock)
    with pulse.beat("poll"):
        for _ in range(10):
            clock.now += 200
            progress.now = clock.now
            with pulse.beat("deliver"):
                assert pulse.stuck() == []
            assert pulse.well()
        clock.now += STUCK_AFTER + 1
        assert pulse.stuck() == ["poll", "deliver"]
        assert not pulse.well()


def test_a_pause_counts_for_nobody() -> None:
    """What stood still with everything else begins to count when it wakes; what does not move
    after that is stuck as ever."""
    clock, progress = Clock(), Clock()
    pulse = Pulse(("poll", "deliver"), {"poll": progress}, clock)
    with pulse.beat("poll"), pulse.beat("deliver"):
        clock.now += 10 * STUCK_AFTER
        pulse.woke()
        progress.now = clock.now
        assert pulse.stuck() == []
        clock.now += STUCK_AFTER + 1
        assert pulse.stuck() == ["poll", "deliver"]


def test_health_vouches_for_every_job_that_is_needed() -> None:
    """Prices and tests may fail; the rest may not, and each exists."""
    assert set(VITAL) < set(TICKS)
    clock = Clock()
    pulse = Pulse(TICKS, {}, clock)
    for job in VITAL:
        assert not pulse.well()
        with pulse.beat(job):
            pass
    assert pulse.well()
