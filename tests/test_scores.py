"""What sources were like: whose they are, what is counted of them, in which order they go."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.loops.tally import Tally
from monitor.model.hosts import operator_of
from monitor.model.scores import DAY, KEPT_DAYS, Mark, Score
from monitor.store import scores
from monitor.store.sqlite import Store

TODAY = 20_000


@pytest.mark.parametrize(
    ("host", "operator"),
    [
        ("api.etherscan.io", "etherscan.io"),
        ("etherscan.io", "etherscan.io"),
        ("API.Etherscan.io.", "etherscan.io"),
        ("explorer.example.co.uk", "example.co.uk"),
        ("api.co.uk.example", "uk.example"),
        ("10.0.0.7", "10.0.0.7"),
        ("[fd00::1]", "fd00::1"),
        ("127.0.0.1", "this machine"),
        ("localhost", "this machine"),
        ("node", "node"),
        ("", ""),
    ],
)
def test_whose_a_host_is(host: str, operator: str) -> None:
    assert operator_of(host) == operator


def test_counts_add_up_by_day_and_go_after_ninety(tmp_path: Path) -> None:
    store = Store(tmp_path / "fundwatch.db", create=True)
    tally = Tally("ethereum")
    tally.note("one", Mark.LATE, 40)
    tally.note("one", Mark.LATE, 30)
    tally.note("two", Mark.ASKED)
    scores.add(store, [Score("one", "ethereum", TODAY - KEPT_DAYS - 1, Mark.DOWN)])
    for _ in range(2):  # the second time nothing is new
        scores.add(store, tally.take(TODAY * DAY + 5))
    scores.add(store, [Score("one", "ethereum", TODAY, Mark.LATE, 1, 90)])
    assert scores.since(store, 0) == [
        Score("one", "ethereum", TODAY, Mark.LATE, 3, 90),
        Score("two", "ethereum", TODAY, Mark.ASKED),
    ]


def test_how_late_a_source_was_is_forgotten_after_two_weeks(tmp_path: Path) -> None:
    store = Store(tmp_path / "fundwatch.db", create=True)
    scores.add(store, [Score("one", "ethereum", TODAY, Mark.LATE, 2, 7200)])
    then = TODAY * DAY
    assert scores.late(store, "ethereum", "one", then) == 7200
    assert scores.late(store, "ethereum", "two", then) == 0
    assert scores.late(store, "polygon", "one", then) == 0
    assert scores.late(store, "ethereum", "one", then + 15 * DAY) == 0
