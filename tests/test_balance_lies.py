"""Whoever wants silence about a hidden movement, or alarms about none: sources that lie, balances
that come back in time, sources that are gone, clocks that jump."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.fake_ledger import FakeLedger
from world.play import ETHEREUM, A, X, internal, native
from world.witness import SeeingSource, Witnessed

from monitor.decide.balance_pace import in_order
from monitor.decide.telling import HOLD, HOLD_MOST
from monitor.model import Kind, Severity, Subject
from monitor.model.balance import COIN, State, Waiting
from monitor.model.facts import Unexplained, of_kind
from monitor.store.balances import open_findings

BUNDLES = (["native"], ["internal"], ["erc20", "erc721", "erc1155"])


def made(folder: Path, *names: str, old: bool = False) -> Witnessed:
    ledger = FakeLedger(ETHEREUM)
    sources = [SeeingSource(ledger, name, bundles=BUNDLES) for name in names]
    sources[0].old = old
    play = Witnessed(folder, ledger, sources)
    ledger.pay(*native(X, A, 1000))
    play.watch(A, severity=Severity.SEVERE)
    ledger.mine(8)
    play.poll()
    assert {h.state for h in play.hold()} == {State.RECONCILED}
    return play


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Witnessed]:
    play = made(tmp_path, "one", "two", "three")
    yield play
    play.store.close()


def seeing(play: Witnessed, number: int) -> SeeingSource:
    source = play.sources[number]
    assert isinstance(source, SeeingSource)
    return source


def hidden(play: Witnessed, sender: str, to: str, amount: int) -> None:
    """A movement that every list leaves out."""
    tx = play.ledger.pay(*internal(sender, to, amount))
    play.ledger.mine()
    rows = [t for t in play.ledger.rows() if t.tx == tx.hash and t.kind is Kind.INTERNAL]
    for source in play.sources:
        source.hidden |= {t.identity for t in rows}


def outlive(play: Witnessed) -> None:
    for later in (0, HOLD_MOST + 1, HOLD_MOST + 2):
        play.ledger.mine(6)
        play.poll()
        play.hold(later)


def again(play: Witnessed, blocks: int, times: int = 1) -> None:
    for _ in range(times):
        play.ledger.mine(blocks)
        play.poll()
        play.hold()


def amounts(play: Witnessed) -> list[int]:
    return [of_kind(alert.facts, Unexplained).amount for alert in play.told(A)]


# -- sources that lie ----------------------------------------------------------------------------


def test_one_source_that_lies_silences_nobody_whom_another_one_confirms(three: Witnessed) -> None:
    seeing(three, 1).off = 7  # says what is recorded
    hidden(three, A, X, 7)
    outlive(three)
    (alert,) = three.told(A)
    facts = of_kind(alert.facts, Unexplained)
    assert facts.held is not None
    assert (alert.severity, facts.held.second) == (Severity.SEVERE, "three")


def test_what_two_have_said_is_not_forgotten_for_a_later_quarrel(three: Witnessed) -> None:
    hidden(three, A, X, 7)
    three.poll()
    three.hold()
    (first,) = open_findings(three.store)
    assert first.after.second == "two"
    seeing(three, 0).off = -1
    three.ledger.mine()
    three.poll()
    held, *_ = three.hold()
    assert held.state is State.CANNOT_CHECK
    assert open_findings(three.store) == [first]
    seeing(three, 0).off = 0
    outlive(three)
    assert amounts(three) == [-7]


def test_a_source_that_calls_it_over_is_believed_by_nobody_who_hears_another(
    three: Witnessed,
) -> None:
    hidden(three, A, X, 7)
    outlive(three)
    seeing(three, 0).off = 7
    for _ in range(3):
        three.ledger.mine()
        three.poll()
        held, *_ = three.hold()
    assert held.state is State.CANNOT_CHECK
    assert "two says" in held.reason
    assert amounts(three) == [-7]
    assert three.differing() == {(A, COIN): -7}


def test_sources_of_one_operator_are_one_word(tmp_path: Path) -> None:
    play = made(tmp_path, "one", "two")
    try:
        play.operators = {"one": "they", "two": "they"}
        hidden(play, A, X, 7)
        play.poll()
        play.hold()
        (found,) = open_findings(play.store)
        assert found.after.second == ""
    finally:
        play.store.close()


def test_a_false_head_far_ahead_hides_nothing_that_comes_below_it(three: Witnessed) -> None:
    seeing(three, 0).ahead = 1000  # once: the block of its balance, which nobody reached
    seeing(three, 0).high, seeing(three, 0).off = 1000, 5
    three.ledger.mine()
    three.poll()
    three.hold()
    assert {f.after.high > 1000 for f in open_findings(three.store)} == {True}
    seeing(three, 0).ahead = seeing(three, 0).high = seeing(three, 0).off = 0
    hidden(three, A, X, 7)
    outlive(three)
    assert amounts(three) == [-7]
    assert three.differing() == {(A, COIN): -7}


# -- what comes back in time ---------------------------------------------------------------------


def test_what_left_and_came_back_before_it_was_told_is_told_as_both(tmp_path: Path) -> None:
    play = made(tmp_path, "one", old=True)
    try:
        hidden(play, A, X, 7)
        again(play, 6, 2)
        hidden(play, X, A, 7)
        again(play, 6)
        assert play.told(A) == []  # lists may be behind
        outlive(play)
        assert sorted(amounts(play)) == [-7, 7]
        assert sum(play.differing().values()) == 0
        play.check_log()
    finally:
        play.store.close()


def test_a_lie_that_is_taken_back_is_told_by_nobody(tmp_path: Path) -> None:
    play = made(tmp_path, "one", old=True)
    try:
        seeing(play, 0).off = -7
        again(play, 6, 2)
        assert "" not in {f.after.second for f in open_findings(play.store)}
        seeing(play, 0).off = 0
        outlive(play)
        assert play.told(A) == []
        assert open_findings(play.store) == []
    finally:
        play.store.close()


# -- sources that are gone, clocks, many at once ---------------------------------------------------


def test_a_difference_is_told_though_its_source_is_gone(three: Witnessed) -> None:
    hidden(three, A, X, 7)
    three.poll()
    three.hold()
    del three.sources[0]
    outlive(three)
    assert amounts(three) == [-7]


def test_what_a_clock_that_was_ahead_has_put_off_is_held_now() -> None:
    subject, day, now = Subject("ethereum", A), 86_400, 1_800_000_000
    year = now + 365 * day
    ahead = Waiting(subject, severe=False, held=year, due=year + day)
    chains = {"ethereum": ETHEREUM}
    assert in_order([ahead], chains, now) == ([subject], [])
    held = Waiting(subject, severe=False, held=now + 1, due=now + day)
    assert in_order([held], chains, now) == ([], [])


def test_what_lasts_for_a_day_is_told_whatever_many_others_begin(three: Witnessed) -> None:
    others = [f"0x{number:040x}" for number in range(100, 106)]
    for address in others:
        three.watch(address)
    three.poll()
    three.hold()
    hidden(three, A, X, 7)
    three.poll()
    three.hold()
    for address in others:
        hidden(three, X, address, 1)
    for later in (HOLD_MOST - HOLD, HOLD_MOST - 3600):
        three.ledger.mine(6)
        three.poll()
        three.hold(later)
        assert amounts(three) == []
    three.hold(HOLD_MOST + 60)
    assert amounts(three) == [-7]
    assert not any(three.told(address) for address in others)
