"""Entries of published lists over the invented world: the real poll loop and a real record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from world.fake_ledger import FakeLedger, FakeSource
from world.of_lists import listed_entry, publish, take_entries
from world.play import ETHEREUM, A, Play, X, native

from monitor.model import Entry, Subject
from monitor.model.facts import History, of_kind
from monitor.store import first_read

SUBJECT = Subject("ethereum", A)


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    ledger = FakeLedger(ETHEREUM)
    made = Play(tmp_path, ledger, [FakeSource(ledger, "one")])
    publish(made.store, "ofac", ledger.now)
    yield made
    made.store.close()


def counts(play: Play, entry: Entry) -> list[int]:
    return [of_kind(alert.facts, History).count for alert in play.alerts(entry)]


def test_a_history_that_is_wanted_later_is_summed_up_anew(play: Play) -> None:
    """A person says yes to the history of a list that grew; then it is asked for less again."""
    for number in range(5):
        play.ledger.pay(*native(A, X, 100 + number))
        play.ledger.mine(2)
    entry = listed_entry(SUBJECT)
    for since, read in (("7", [2]), ("first", [2, 5]), ("7", [2, 5, 2])):
        # The origin has a day of its own, so the setting is written afterwards.
        take_entries(play.store, play.ledger.now, replace(entry, since=since))
        play.poll()
        play.poll()
        assert counts(play, entry) == read
        assert first_read.histories(play.store, [entry.id])[entry.id].count == read[-1]
    play.check_log()


def test_who_is_watched_again_before_the_next_block_is_summed_up_anew(play: Play) -> None:
    """First contact is at the same head as before."""
    play.ledger.pay(*native(A, X, 100))
    play.ledger.mine(2)
    entry = listed_entry(SUBJECT)
    for terms in ("", '2026-11-20 ann "a mistake"', ""):
        take_entries(play.store, play.ledger.now, replace(entry, retired=terms))
        play.poll()
    assert counts(play, entry) == [1, 1]
    play.check_log()
