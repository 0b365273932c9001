"""Entries of published lists over the invented world: the real poll loop and a real record."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from world.fake_ledger import FakeLedger, FakeSource
from world.listed import take_list
from world.of_lists import listed_entry, publish, take_entries
from world.play import (
    DAY,
    DOWN,
    ETHEREUM,
    A,
    B,
    Play,
    X,
    Y,
    internal,
    native,
    swap,
    token,
)

from monitor.decide.concern import is_new
from monitor.model import Alert, AlertKind, Entry, Row, Severity, Status, Subject, Watched
from monitor.model.facts import Correction, History, of_kind
from monitor.model.plan import Identity
from monitor.store import first_read, watch

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
        play.ledger.mine(70)
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
    play.ledger.mine(70)
    play.poll()
    assert counts(play, entry) == [1, 1]
    play.check_log()


# -- stories made up by chance -----------------------------------------------------------------

ENDED = '2023-12-01 Ann "done"'
LISTS = (("ofac", "1"), ("ofac", "2"), ("fbi", "9"))
PARTIES = (A, B, X, Y)
SHAPES = (native, internal, token, swap)
Event = tuple[str, tuple[int, ...]]


def event(name: str, *most: int) -> st.SearchStrategy[Event]:
    return st.tuples(st.just(name), st.tuples(*(st.integers(0, m) for m in most)))


PEOPLE = st.one_of(
    event("listed", 2, 1, 3),
    event("listed", 2, 1, 3),
    event("off", 2, 1),
    event("retired", 2, 1),
    event("person", 1, 4),
    event("person_ends", 3),
    event("person_changes", 3, 2),
)
FAULT = st.one_of(
    event("lag", 1, 3), event("hide", 1, 5), event("omit", 1, 5), event("fail", 1, 3),
    event("mend", 1),
)  # fmt: skip
CHAIN = st.one_of(event("mine", 4), event("mine", 4), event("reorg", 2, 3, 1))
READ = st.one_of(event("poll"), event("poll"), event("day"), event("crash", 2))
beat = st.tuples(
    st.lists(event("pay", 3, 2, 3, 4), min_size=1, max_size=2),
    st.lists(PEOPLE, max_size=2),
    st.lists(FAULT, max_size=1),
    CHAIN,
    READ,
).map(lambda parts: [*parts[0], *parts[1], *parts[2], parts[3], parts[4]])
events = st.lists(beat, min_size=5, max_size=12).map(lambda beats: [e for b in beats for e in b])


class Story:
    """People and publishers who name the same addresses, while the chain moves."""

    def __init__(self, folder: Path, many: bool) -> None:
        self.ledger = ledger = FakeLedger(ETHEREUM)
        sources = [FakeSource(ledger, "one", many=many), FakeSource(ledger, "two", index_lag=3)]
        self.play = Play(folder, ledger, sources)
        self.of_lists: dict[tuple[int, int], Entry] = {}
        for name in ("ofac", "fbi"):
            publish(self.play.store, name, ledger.now)
        for number in range(4):
            self.pay(number % 4, number % 3, (number + 1) % 4, number)
            ledger.mine(6)

    def tell(self, told: list[Event]) -> None:
        for name, numbers in told:
            own = getattr(self, name, None) or getattr(self.play, name)
            own(*numbers)

    def pay(self, shape: int, sender: int, recipient: int, amount: int) -> None:
        self.ledger.pay(*SHAPES[shape](PARTIES[sender], PARTIES[recipient], amount))

    def mine(self, more: int) -> None:
        self.ledger.mine(1 + more)

    def reorg(self, depth: int, fate: int, extra: int) -> None:
        self.ledger.reorg(1 + depth, ("same", "later", "wait", "drop")[fate], extra=extra)

    def day(self) -> None:
        self.play.day()
        self.play.poll()

    def crash(self, table: int) -> None:
        self.play.crash(("sighting", "coverage", "alert")[table])

    def _take(self, which: int, who: int, entry: Entry) -> None:
        self.of_lists[which, who] = entry
        self.ledger.now += 1
        take_entries(self.play.store, self.ledger.now, entry)

    def listed(self, which: int, who: int, how: int) -> None:
        """A list names an address, or says it otherwise, or names it again."""
        terms = (
            {"severity": Severity.SEVERE, "tell_when": "seen"},
            {"incoming": ""},
            {"severity": Severity.LOW, "tell_when": "final"},
            {"min_amount": {"ETH": "1"}},
        )[how]
        entry = listed_entry(Subject("ethereum", PARTIES[who]), *LISTS[which], **terms)
        self._take(which, who, entry)

    def off(self, which: int, who: int) -> None:
        if entry := self.of_lists.get((which, who)):
            origin = replace(entry.origin, until="2023-11-20")  # type: ignore[type-var]
            self._take(which, who, replace(entry, origin=origin))

    def retired(self, which: int, who: int) -> None:
        if entry := self.of_lists.get((which, who)):
            self._take(which, who, replace(entry, retired=ENDED))

    def person(self, who: int, how: int) -> None:
        terms = (
            {}, {"direction": "in"}, {"tell_when": "seen"}, {"tell_when": "final"}, {"canary": 24},
        )[how]  # fmt: skip
        self.play.watch(PARTIES[who], **terms)

    def _write(self, number: int, **terms: object) -> None:
        play = self.play
        if play.entries:
            chosen = number % len(play.entries)
            play.entries[chosen] = replace(play.entries[chosen], **terms)  # type: ignore[arg-type]
            self.ledger.now += 1
            take_list(play.store, play.entries, f"list at {self.ledger.now}", self.ledger.now)

    def person_ends(self, number: int) -> None:
        self._write(number, retired=ENDED)

    def person_changes(self, number: int, how: int) -> None:
        self._write(number, direction=("in", "out", "both")[how])

    # -- the end -----------------------------------------------------------------------

    def settle(self) -> None:
        play, ledger = self.play, self.ledger
        for source in play.sources:
            source.heal()
        ledger.mine()
        ledger.mine(play.chain.finality + 8, idle=True)
        for _ in range(3):
            ledger.mine(idle=True)
            ledger.now += DAY + 1
            with play.store.write() as conn:
                conn.execute("UPDATE scope SET deep = 0")
            play.poll()

    def check(self) -> None:
        """Who is watched was told of every movement that is news for it, or somebody was in its
        name; no list's entry told what another alert had told in its name; what was reversed was
        corrected, once each time."""
        play = self.play
        watched = {w.entry.id: w for w in watch.all_entries(play.store)}
        alerts = [a for w in watched.values() for a in play.alerts(w.entry)]
        rows = {r.transfer.identity: r for r in play.rows()}
        order = {
            row["id"]: row["nr"] for row in play.store.read("SELECT id, rowid AS nr FROM alert")
        }
        news = [a for a in alerts if a.kind not in (AlertKind.HISTORY, AlertKind.CORRECTION)]
        for w in watched.values():
            if not w.active:
                continue
            assert w.baseline is not None
            in_name = [a for a in alerts if _tells(a, w.entry)]
            told = {i for a in in_name for i in a.rows}
            told |= {i for a in play.alerts(w.entry) for i in a.rows}
            for t in play.expected().values():
                if w.entry.subject.address in t.parties() and is_new(t, w.baseline):
                    assert t.identity in told, f"{w.entry.id}: {t} is not told"
        by_row: dict[tuple[str, Identity], list[Alert]] = {}
        for a in news:
            address = watched[a.entry_id or ""].entry.subject.address
            if watched[a.entry_id or ""].entry.origin is not None:
                for identity in a.rows:
                    by_row.setdefault((address, identity), []).append(a)
        for (_, identity), mine in by_row.items():
            assert len(mine) == 1, f"{identity} was told twice: {mine}"
            own = watched[mine[0].entry_id or ""].entry
            before = [a for a in news if a is not mine[0] and _tells(a, own)]
            for a in before:
                later = order[a.id] > order[mine[0].id]
                assert identity not in a.rows or later, f"{identity} had been told in its name"
        self._check_corrections(alerts, watched, rows, order)
        play.check_log()

    def _check_corrections(
        self,
        alerts: list[Alert],
        watched: dict[str, Watched],
        rows: dict[Identity, Row],
        order: dict[str, int],
    ) -> None:
        """What lists and people told of an address, one after the other."""
        for subject in {w.entry.subject for w in watched.values()}:
            mine = [w for w in watched.values() if w.entry.subject == subject]
            active = [w for w in mine if w.active]
            ids = {w.entry.id for w in mine if w.entry.origin is not None}
            states: dict[Identity, list[str]] = {}
            for a in sorted(alerts, key=lambda a: order[a.id]):
                if a.entry_id in ids and not _of_history(a, alerts):
                    state = of_kind(a.facts, Correction).state
                    for identity in a.rows:
                        states.setdefault(identity, []).append(state or "told")
            for identity, found in states.items():
                assert all(x != y for x, y in pairwise(found)), f"{identity}: {found}"
                if any(w.entry.origin is not None for w in active):
                    gone = rows[identity].status is Status.ORPHANED
                    assert gone == (found[-1] in DOWN), f"{identity} {rows[identity]}: {found}"


def _of_history(alert: Alert, alerts: list[Alert]) -> bool:
    roots = {a.id for a in alerts if a.kind is AlertKind.HISTORY}
    return alert.id in roots or alert.amends in roots


def _tells(alert: Alert, entry: Entry) -> bool:
    """Whether an alert of another entry told something in the name of this one."""
    named = {each.entry for each in alert.facts.on_lists}
    return alert.entry_id != entry.id and entry.id in named and alert.kind is not AlertKind.HISTORY


@settings(
    max_examples=10, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(told=events, many=st.booleans())
def test_of_all_who_name_an_address_somebody_tells_it_once(told: list[Event], many: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), many)
        try:
            story.tell(told)
            story.settle()
            story.check()
        finally:
            story.play.store.close()
