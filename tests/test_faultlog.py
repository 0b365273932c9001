"""Log lines about what cannot be read: one a change of state, whatever is repeated."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from world.home import staged

from monitor.app.home import open_home
from monitor.loops.faultlog import QUIET, FaultLog

Lines = Callable[[int], list[str]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What was logged at a level and above."""
    caplog.set_level(logging.DEBUG, logger="fundwatch.poll")
    return lambda level: [r.getMessage() for r in caplog.records if r.levelno >= level]


def test_one_line_when_it_begins_and_one_when_it_is_over(lines: Lines) -> None:
    """Hundreds of addresses that fail in every round, some that are read between them, a list
    that joins later: three lines, and one for the end of all."""
    moment = 0.0
    faults = FaultLog(lambda: moment)
    for moment in range(0, 600, 2):  # noqa: B007 - the clock of the log
        for _ in range(50):
            faults.failed("dev", "mine", {"native", "erc20"}, "HTTP 500")
            faults.worked("dev", "mine", {"native"})
    faults.failed("dev", "mine", {"internal"}, "HTTP 500")
    faults.failed("two", "mine", {"native"}, "HTTP 500")
    assert lines(logging.INFO) == [
        "source dev/mine could not read erc20,native: HTTP 500",
        "source dev/mine could not read internal: HTTP 500",
        "source two/mine could not read native: HTTP 500",
    ]
    assert len(lines(logging.DEBUG)) == 300 * 50 + 2, "nothing is lost at DEBUG"
    moment = 600 + QUIET
    for _ in range(5):
        faults.worked("dev", "mine", {"native", "erc20"})
    assert lines(logging.INFO)[3:] == [
        "source dev/mine reads erc20,native again, after 15000 failures"
    ]


def test_a_dead_explorer_does_not_fill_the_log(tmp_path: Path, lines: Lines) -> None:
    """The same from real passes: what fails again and again is told once."""
    with staged(tmp_path) as scene, open_home(tmp_path, {}) as app:
        app.reload()
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        for _ in range(5):
            scene.home.sql("UPDATE scope SET due = 0")
            app.poll(everything=False)
        said = [line for line in lines(logging.INFO) if "could not read" in line]
        assert said
        assert len(said) == len({line.partition(":")[0] for line in said})
        assert len(said) <= 5
