"""The trace of a case as the desk hands it out: whole, of its day, to who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trace_values as v
from test_trace_store import numbers
from world.logged import erase
from world.tamper import untriggered

from monitor.model.desk import Sight
from monitor.store import desk_trace
from monitor.store.desk_trace import Missing
from monitor.store.guard import DATABASE
from monitor.store.remembered import Remembered
from monitor.store.sqlite import Store

ALL, MINE, OTHERS = Sight(None), Sight(frozenset({"CRANE-01"})), Sight(frozenset({"B"}), loose=True)
FIRST = v.trace()
SECOND = v.trace(method="fifo")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = v.kept(tmp_path, (v.START, FIRST), (v.START + 3600, SECOND))
    made = Store(home / DATABASE)
    yield made
    made.close()


def test_it_is_the_newest_or_that_of_a_time_or_number(store: Store) -> None:
    for sight in (ALL, MINE):
        for _ in range(2):  # also where it is remembered
            newest = desk_trace.told(store, sight, "CRANE-01")
            assert newest is not None
            assert (newest.number, newest.trace) == (2, SECOND)
            then = desk_trace.told(store, sight, "CRANE-01", v.START + 3599)
            assert then is not None
            assert (then.number, then.trace) == (1, FIRST)
            first = desk_trace.stood(store, sight, "CRANE-01", number=1)
            assert (first.told, first.newest) == (then, 2)


def test_who_may_not_see_the_case_learns_as_much_as_of_none(store: Store) -> None:
    desk_trace.told(store, ALL, "CRANE-01")  # it is remembered
    none = desk_trace.stood(store, ALL, "B")
    assert none.missing is Missing.NONE
    for more in ({}, {"at": 1}, {"at": v.START}, {"number": 1}, {"number": 9}):
        assert desk_trace.stood(store, OTHERS, "CRANE-01", **more) == none


def test_before_it_began_there_was_none(store: Store) -> None:
    found = desk_trace.stood(store, ALL, "CRANE-01", at=v.START - 1)
    assert (found.told, found.missing, found.at) == (None, Missing.LATER, v.START)
    assert desk_trace.stood(store, ALL, "CRANE-01", number=3).missing is Missing.NONE


def test_what_was_erased_is_not_remembered(store: Store) -> None:
    assert desk_trace.told(store, ALL, "CRANE-01") is not None
    erase(store, numbers(store, "trace state")[-1:])
    found = desk_trace.stood(store, ALL, "CRANE-01")
    assert (found.told, found.missing, found.number) == (None, Missing.ERASED, 2)
    assert desk_trace.told(store, ALL, "CRANE-01", v.START) is not None


def test_what_cannot_be_read_is_said_and_no_error(store: Store) -> None:
    with store.write() as conn, untriggered(conn):
        conn.execute("UPDATE trace_state SET sha256 = 'ab' WHERE number = 2")
    found = desk_trace.stood(store, ALL, "CRANE-01")
    assert (found.told, found.missing, found.number) == (None, Missing.DAMAGED, 2)


def test_of_what_is_remembered_the_oldest_goes() -> None:
    kept: Remembered[int, str] = Remembered(2)
    assert kept.keep(1, "one") == "one"
    kept.keep(2, "two")
    assert kept.get(1) == "one"  # and so it was asked for last
    kept.keep(3, "three")
    assert [kept.get(each) for each in (1, 2, 3)] == ["one", None, "three"]
