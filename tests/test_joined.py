"""Addresses that a chain-wide reading reads for: what of its coverage is theirs, and what not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.play import A, B
from world.record import new_record

from monitor.model import Axis, Head, Interval, Subject
from monitor.model.acts import DAEMON, KeepHeads
from monitor.model.heads import Book, Fault, News
from monitor.model.plan import Covered, Plan, Signal
from monitor.model.scope import ChainWide, Joined, Scope
from monitor.model.streams import Reading
from monitor.store import apply, coverage
from monitor.store.commit import commit
from monitor.store.sqlite import Store

WHOLE = ChainWide("ethereum")
ONE, OTHER = Subject("ethereum", A), Subject("ethereum", B)
NOW = 1_700_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_record(tmp_path / "r.db")
    with made.write() as conn:
        conn.executemany(
            "INSERT INTO scope (key, chain, address) VALUES (?,?,?)",
            [(s.key, s.chain, s.address) for s in (ONE, OTHER)],
        )
    yield made
    made.close()


def member(subject: Subject, place: int, stream: str = "erc20") -> Joined:
    return Joined(subject, stream, Axis.HEIGHT, place)


def read(
    store: Store, scope: Scope, lo: int, hi: int, *, at: int = NOW, source: str = "node"
) -> None:
    """What a scope's reading of one list brought."""
    span = Interval(lo, hi)
    reading = Reading("erc20", ok=True, source=source, axis="height", complete_time=at, read=span)
    plan = Plan(scope, at, covered=(Covered("erc20", source, Axis.HEIGHT, span),))
    apply.apply(store, plan, readings=[reading])


def contradicted(line: int | None) -> Fault:
    """A head of the node that was none: what of its reading stays."""
    false, now = (Head(105, NOW),), Head(75, NOW)
    return Fault(
        *("node", Axis.HEIGHT, false, now, NOW), stands=None, line=line, booked=True, loud=True
    )


def covered(store: Store, subject: Subject) -> list[tuple[int, int]]:
    states = coverage.stream_states(store, subject, NOW)
    parts = states["erc20"].covered.get(Axis.HEIGHT, ()) if "erc20" in states else ()
    return [(part.lo, part.hi) for part in parts]


def test_a_member_has_what_was_read_since_it_joined(store: Store) -> None:
    """Its own coverage and the scope's from its place on, as one; what was read before, and what
    others have, is not its own."""
    coverage.change_members(store, WHOLE, [member(ONE, 0)], [], NOW)
    read(store, WHOLE, 0, 100)
    coverage.change_members(store, WHOLE, [member(OTHER, 101)], [], NOW)
    read(store, OTHER, 40, 100)
    read(store, WHOLE, 101, 150)
    assert covered(store, ONE) == [(0, 150)]
    assert covered(store, OTHER) == [(40, 150)]
    assert coverage.stream_states(store, OTHER, NOW)["erc20"].joined == 101


def test_who_left_keeps_what_was_read_and_gets_no_more(store: Store) -> None:
    """Neither what is read above, nor what is read later of a hole below."""
    coverage.change_members(store, WHOLE, [member(ONE, 0), member(OTHER, 0)], [], NOW)
    read(store, WHOLE, 0, 50)
    read(store, WHOLE, 60, 100)
    coverage.change_members(store, WHOLE, [], [member(ONE, 0)], NOW)
    read(store, WHOLE, 51, 59)
    read(store, WHOLE, 101, 150)
    assert covered(store, ONE) == [(0, 50), (60, 100)]
    assert covered(store, OTHER) == [(0, 150)]
    coverage.change_members(store, WHOLE, [member(ONE, 151)], [], NOW)
    read(store, WHOLE, 151, 160)
    assert covered(store, ONE) == [(0, 50), (60, 100), (151, 160)]


@pytest.mark.parametrize("line", [70, None])
def test_coverage_taken_back_after_a_member_left_is_not_given_again(
    store: Store, line: int | None
) -> None:
    """Once a head is contradicted, places are read again without who has left: from the line
    on, or all that the wrong reading touched."""
    coverage.change_members(store, WHOLE, [member(ONE, 0), member(OTHER, 0)], [], NOW)
    read(store, WHOLE, 0, 100)
    coverage.change_members(store, WHOLE, [], [member(ONE, 0)], NOW)
    fault = contradicted(line)
    told: list[frozenset[str]] = []

    def tell(_fault: Fault, keys: frozenset[str]) -> Signal:
        told.append(keys)
        return Signal("head:ethereum/node", bad=True)

    news = News(Book({}), (fault,), {}, {})
    commit(store, DAEMON, KeepHeads(NOW, "ethereum", news, [], tell))
    left = [(0, 70)] if line else []
    assert covered(store, ONE) == covered(store, OTHER) == left
    assert {WHOLE.key, OTHER.key} <= told[0]
    read(store, WHOLE, 0, 120)
    assert covered(store, ONE) == left
    assert covered(store, OTHER) == [(0, 120)]


def test_who_joined_above_what_was_taken_back_is_read_with_the_others(store: Store) -> None:
    """From the line on, not only from where a head that was none had ended."""
    coverage.change_members(store, WHOLE, [member(ONE, 0)], [], NOW)
    read(store, WHOLE, 0, 100)
    coverage.change_members(store, WHOLE, [member(OTHER, 101)], [], NOW)
    news = News(Book({}), (contradicted(70),), {}, {})
    told = Signal("head:ethereum/node", bad=True)
    commit(store, DAEMON, KeepHeads(NOW, "ethereum", news, [], lambda _fault, _keys: told))
    read(store, WHOLE, 71, 120)
    assert covered(store, ONE) == [(0, 120)]
    assert covered(store, OTHER) == [(71, 120)]
