"""What sources were like: whose they are, what is counted of them, in which order they go."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.fake_ledger import FakeLedger, FakeSource
from world.play import ETHEREUM
from world.record import new_record

from monitor.decide import scores as judging
from monitor.loops.pool import SourcePool
from monitor.loops.tally import Tally
from monitor.model.hosts import operator_of
from monitor.model.scores import DAY, KEPT_DAYS, Mark, Score
from monitor.store import scores

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
    store = new_record(tmp_path / "fundwatch.db")
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
    store = new_record(tmp_path / "fundwatch.db")
    scores.add(store, [Score("one", "ethereum", TODAY, Mark.LATE, 2, 7200)])
    then = TODAY * DAY
    assert scores.late(store, "ethereum", "one", then) == 7200
    assert scores.late(store, "ethereum", "two", then) == 0
    assert scores.late(store, "polygon", "one", then) == 0
    assert scores.late(store, "ethereum", "one", then + 15 * DAY) == 0


def day(number: int, **counts: int) -> list[Score]:
    return [Score("one", "ethereum", number, Mark(what), n) for what, n in counts.items()]


@pytest.mark.parametrize(
    ("counts", "bad"),
    [
        ({"asked": 5000}, False),
        ({"asked": 5000, "missing": 1}, True),
        ({"wrong": 1}, True),
        ({"late": 2}, False),
        ({"late": 3}, True),
        ({"asked": 3, "down": 15}, False),  # a short outage is no bad day
        ({"asked": 5000, "down": 60}, False),
        ({"asked": 60, "down": 20}, True),
        ({}, False),
    ],
)
def test_what_a_bad_day_is(counts: dict[str, int], bad: bool) -> None:
    assert judging.is_bad({Mark(what): n for what, n in counts.items()}) is bad


def test_a_source_moves_back_after_three_bad_days_and_comes_forward_after_a_good_week() -> None:
    bad = [score for n in range(TODAY - 2, TODAY + 1) for score in day(n, missing=1)]
    assert judging.moved_back(bad[:2], TODAY, ()) == frozenset()
    assert judging.moved_back(bad, TODAY, ()) == {"one"}
    good = [score for n in range(TODAY + 1, TODAY + 8) for score in day(n, asked=100)]
    assert judging.moved_back(bad + good, TODAY + 5, ()) == frozenset()  # two of seven
    assert judging.moved_back(bad + good, TODAY + 6, {"one"}) == {"one"}
    assert judging.moved_back(bad + good, TODAY + 7, {"one"}) == frozenset()


def test_who_moved_back_is_asked_last_and_never_left_out() -> None:
    ledger = FakeLedger(ETHEREUM)
    pool = SourcePool(ETHEREUM, [FakeSource(ledger, name) for name in ("one", "two", "three")])

    def order() -> list[str]:
        return [source.name for source in pool.sources]

    pool.order({"one"})
    assert order() == ["two", "three", "one"]
    pool.order({"one", "two", "three"})
    assert order() == ["one", "two", "three"]
    pool.order(())
    assert order() == ["one", "two", "three"]
