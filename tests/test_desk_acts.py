"""What people at the desk do: taken, noted, handed over, closed by two. On real files, by several
processes at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world.book import Book, transfer
from world.deskbook import (
    ANN,
    BOB,
    CAT,
    CLI_ANN,
    LINK_ANN,
    NOW,
    ON,
    ROOT_ACTOR,
    alert_of,
    desk_book,
    joined,
    row,
    verified_book,
)
from world.logged import differences, erase
from world.tamper import untriggered

from monitor.loops import hands
from monitor.loops.desk import work
from monitor.model import Alert, AlertKind, Lane, Severity, Status
from monitor.model.acts import DAEMON, ApplyPlan, Tell
from monitor.model.desk import DeskSettings, Role, SecondPerson, Sight
from monitor.model.desk_work import ONE_PERSON, Proposal, Standing
from monitor.model.errors import ConfigError, Conflict
from monitor.model.plan import Change, Plan
from monitor.model.settings import Settings
from monitor.store import desk
from monitor.store.commit import commit
from monitor.store.sqlite import Store

ALL = Sight(None, loose=True)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        yield made


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Book]:
    """With one person."""
    with verified_book(tmp_path, people=1) as made:
        yield made


def waiting(book: Book) -> Proposal:
    (found,) = desk.proposals(book.store, ALL, "waiting")
    return found


def propose(book: Book, severity: str = "severe", actor: object = BOB, once: str = "1") -> str:
    ids = [alert_of(book, severity)]
    return closed(book, ON, actor, ids, "acted_on", "frozen", once)


def closed(book, settings, actor, ids, outcome, why, once):
    """The proposal that closing these came to; empty: there is none."""
    found = work.close(book.store, settings, actor, ids, outcome, why, NOW, once)
    return found.proposals[0].id if found.proposals else ""


# -- taking ----------------------------------------------------------------------------------


def test_who_takes_an_alert_has_it_with_the_door_by_which_they_came(book: Book) -> None:
    severe, high = alert_of(book, "severe"), alert_of(book, "high")
    assert work.take(book.store, BOB, [severe], NOW) == f"acknowledged {severe} by bob"
    work.take(book.store, LINK_ANN, [high], NOW)
    found = [row(book, "alert", each) for each in (severe, high)]
    assert [(each["holder"], each["holder_door"]) for each in found] == [
        ("bob", "person"),
        ("ann", "link"),
    ]
    with pytest.raises(ConfigError, match=r"is acknowledged by bob since .* say why"):
        work.take(book.store, CAT, [severe], NOW)
    with pytest.raises(ConfigError, match="why: is empty"):
        work.take(book.store, CAT, [severe], NOW, over=True)
    assert "bob had it" in work.take(book.store, CAT, [severe], NOW, over=True, why="he is ill")
    assert row(book, "alert", severe)["holder"] == "cat"


def test_a_typed_name_takes_nothing_from_who_signed_in_under_it(book: Book) -> None:
    """It notes; and who signs in has what was taken under their name."""
    severe = alert_of(book, "severe")
    given = [(severe, [severe])]
    hands.take(book.store, given, "acknowledged", CLI_ANN, "", NOW)
    assert row(book, "alert", severe)["holder_door"] == "cli"
    work.take(book.store, ANN, [severe], NOW + 1)
    for _ in range(2):
        hands.take(book.store, given, "acknowledged", CLI_ANN, "I called", NOW + 2)
    found = row(book, "alert", severe)
    assert (found["holder"], found["holder_door"]) == ("ann", "person")
    (noted,) = desk.remarks(book.store, ALL, alert=severe)
    assert (noted.name, noted.door, noted.text) == ("ann", "cli", "I called")
    assert len(book.store.read("SELECT 1 FROM alert_log")) == 2


def test_handing_over_names_whom(book: Book) -> None:
    severe = alert_of(book, "severe")
    work.take(book.store, BOB, [severe], NOW)
    work.hand_over(book.store, BOB, [severe], "cat", "end of my day", NOW)
    assert row(book, "alert", severe)["holder"] == "cat"
    work.hand_over(book.store, ANN, [severe], "", "nobody yet", NOW)
    found = row(book, "alert", severe)
    assert (found["state"], found["holder"], found["holder_door"]) == ("open", "", "")
    lines = book.store.read("SELECT name, holder, state FROM alert_log ORDER BY rowid")
    assert [tuple(line) for line in lines] == [
        ("bob", "", "acknowledged"),
        ("bob", "cat", "acknowledged"),
        ("ann", "", "open"),
    ]
    joined(book, "dan", Role.ANALYST)
    with pytest.raises(ConfigError, match=r"dan.* cannot work on case C"):
        work.hand_over(book.store, ANN, [severe], "dan", "his now", NOW)


def test_a_note_is_written_once_however_often_its_form_is_sent(book: Book) -> None:
    severe = alert_of(book, "severe")
    for _ in range(3):
        work.note(book.store, BOB, "C", severe, "Called the bank.\nThey hold it.", NOW, "form 1")
    (first,) = desk.remarks(book.store, ALL, case="C")
    assert (first.text, first.case, first.alert) == (
        "Called the bank.\nThey hold it.",
        "C",
        severe,
    )
    work.note(book.store, BOB, "C", severe, "They do not.", NOW, "form 2", corrects=first.id)
    assert [each.corrects for each in desk.remarks(book.store, ALL, alert=severe)] == [
        None,
        first.id,
    ]
    assert desk.remarks(book.store, Sight(frozenset({"other"})), case="C") == []


def test_a_note_can_be_erased_and_the_record_verifies(book: Book) -> None:
    """Name and text go; so does a name beside an alert, and who has it."""
    severe = alert_of(book, "severe")
    work.note(book.store, BOB, "C", severe, "Mr. X called.", NOW, "form 1")
    work.take(book.store, BOB, [severe], NOW)
    rows = book.store.read(
        'SELECT seq FROM log_text WHERE text LIKE \'{"act":"note"%\' '
        'OR text LIKE \'{"act":"take"%\''
    )
    erase(book.store, [each["seq"] for each in rows], ANN)
    (found,) = desk.remarks(book.store, ALL, alert=severe)
    assert (found.name, found.text, found.at) == ("", "", NOW)
    held = row(book, "alert", severe)
    assert (held["state"], held["holder"], held["holder_door"]) == ("acknowledged", "", "")
    with closing(sqlite3.connect(book.store.path)) as conn:
        assert "Mr. X" not in "\n".join(conn.iterdump())


# -- closing ---------------------------------------------------------------------------------


def test_medium_is_closed_at_once_with_outcome_and_a_sentence(book: Book) -> None:
    medium = alert_of(book, "medium")
    with pytest.raises(ConfigError, match="why: is empty"):
        closed(book, ON, BOB, [medium], "noise", " ", "1")
    with pytest.raises(ConfigError, match="is no reason to close"):
        closed(book, ON, BOB, [medium], "told", "dust", "1")
    for _ in range(2):
        assert closed(book, ON, BOB, [medium], "noise", "dust", "1") == ""
    found = row(book, "alert", medium)
    assert (found["state"], found["outcome"], found["closed"]) == ("closed", "noise", NOW)
    assert len(book.store.read("SELECT 1 FROM alert_log WHERE alert = ?", [medium])) == 1
    with pytest.raises(Conflict, match="is closed already, by bob"):
        closed(book, ON, CAT, [medium], "noise", "dust too", "2")


@pytest.mark.parametrize("severity", ["severe", "high"])
def test_severe_and_high_close_when_somebody_else_agrees(book: Book, severity: str) -> None:
    name = propose(book, severity)
    assert propose(book, severity) == name, "the same form once more"
    assert row(book, "alert", alert_of(book, severity))["state"] == "open"
    was = waiting(book)
    assert was.text.startswith('Close 1 alert of case C as "acted on".')
    for who in (BOB, CLI_ANN, LINK_ANN):
        with pytest.raises(ConfigError):
            work.answer(book.store, ON, who, name, True, "", NOW)
    work.answer(book.store, ON, CAT, name, True, "I saw it", NOW + 5)
    found = row(book, "alert", alert_of(book, severity))
    assert (found["state"], found["outcome"]) == ("closed", "acted_on")
    assert (found["holder"], found["closed"]) == ("bob", NOW + 5)
    (line,) = book.store.read("SELECT * FROM alert_log")
    assert (line["name"], line["note"]) == ("bob", "frozen (cat agreed)")
    with pytest.raises(Conflict, match="does not wait any more: it is done by cat"):
        work.answer(book.store, ON, ANN, name, True, "", NOW)
    assert desk.counts(book.store) == {"waiting": 0, "agreed": 0, "one": 0}


def test_with_one_person_it_is_done_at_once_and_marked(alone: Book) -> None:
    name = propose(alone, actor=ANN)
    done = desk.proposal(alone.store, ALL, name)
    assert done is not None
    assert (done.eyes, done.state, done.said) == ("one", "done", ONE_PERSON)
    assert row(alone, "alert", alert_of(alone, "severe"))["state"] == "closed"
    assert desk.counts(alone.store)["one"] == 1
    assert desk.by_one(alone.store, ALL, "C") == 1


def test_a_claimed_proposal_of_the_only_person_is_agreed_to_by_them(alone: Book) -> None:
    """Signed in, and marked; never by the name alone."""
    name = propose(alone, actor=CLI_ANN)
    assert waiting(alone).id == name
    work.answer(alone.store, ON, ANN, name, True, "", NOW)
    done = desk.proposal(alone.store, ALL, name)
    assert done is not None
    assert (done.eyes, done.state, done.said) == ("one", "done", ONE_PERSON)


def test_a_claimed_name_is_not_a_second_person(book: Book) -> None:
    """Neither does who typed their name agree under it, where there are others."""
    name = propose(book, actor=CLI_ANN)
    with pytest.raises(ConfigError, match="ann proposed it: it takes another person"):
        work.answer(book.store, ON, ANN, name, True, "", NOW)
    work.answer(book.store, ON, BOB, name, True, "", NOW)


def test_second_person_lead_narrows_it(book: Book) -> None:
    strict = DeskSettings(on=True, second_person=SecondPerson.LEAD)
    ids = [alert_of(book, "severe")]
    name = closed(book, strict, BOB, ids, "noise", "dust", "1")
    with pytest.raises(ConfigError, match="cat may not agree here: it takes one of ann"):
        work.answer(book.store, strict, CAT, name, True, "", NOW)
    work.answer(book.store, strict, ANN, name, False, "it is not", NOW)
    assert row(book, "alert", ids[0])["state"] == "open"


def test_of_a_group_severe_ones_are_left(book: Book) -> None:
    ids = [alert_of(book, each) for each in ("severe", "high", "medium")]
    found = work.close(book.store, ON, BOB, ids, "expected", "our own", NOW, "1")
    assert found.left == [ids[0]]
    assert found.closed == [ids[2]]
    assert [each.alerts for each in found.proposals] == [(ids[1],)]
    assert f"1 severe is left, each is closed by itself: {ids[0]}." in found.said
    assert [row(book, "alert", each)["state"] for each in ids] == ["open", "open", "closed"]


def test_what_waits_already_is_left_by_a_group(book: Book) -> None:
    ids = [alert_of(book, each) for each in ("high", "medium")]
    name = propose(book, "high")
    found = work.close(book.store, ON, CAT, ids, "expected", "our own", NOW, "2")
    assert (found.waiting, found.closed, found.proposals) == ([ids[0]], [ids[1]], [])
    assert found.said == "1 alert closed. 1 alert waited for a second person before."
    with pytest.raises(ConfigError, match=f"waits for a second person already: {name}"):
        work.close(book.store, ON, CAT, ids[:1], "expected", "our own", NOW, "3")


def test_a_new_movement_of_the_transaction_makes_a_proposal_lapse(book: Book) -> None:
    name = propose(book)
    book.read(transfer(105, amount=9, ordinal=1), transfer(105), head=120)
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert found.state is Standing.LAPSED
    assert found.said.startswith("more was told of it: amendment A-")
    with pytest.raises(Conflict, match="it is lapsed"):
        work.answer(book.store, ON, ANN, name, True, "", NOW)


@pytest.mark.parametrize(
    ("status", "lapses"), [(Status.FINAL, False), (Status.ORPHANED, True), (Status.MISSING, True)]
)
def test_a_movement_that_is_reversed_makes_it_lapse_one_that_is_final_does_not(
    book: Book, status: Status, lapses: bool
) -> None:
    """Also where nothing of it was told yet."""
    name = propose(book)
    (found,) = book.store.read("SELECT id, version FROM transfer WHERE tx = '0xt1'")
    change = Change(found["id"], found["version"], transfer(105), status)
    mine = {book.subject.address: frozenset({"C"})}
    plan = Plan(book.subject, NOW, changes=(change,), cases=mine)
    commit(book.store, DAEMON, ApplyPlan(NOW, plan))
    after = desk.proposal(book.store, ALL, name)
    assert after is not None
    assert (after.state is Standing.LAPSED) is lapses
    assert ("is no longer what it was" in after.said) is lapses


def test_what_amends_it_without_a_poll_makes_it_lapse(book: Book) -> None:
    """As an explanation of a balance does, or what a trace takes back."""
    severe = alert_of(book, "severe")
    name = propose(book)
    told = Alert("A-9", AlertKind.NOTICE, Lane.NEWS, Severity.LOW, NOW, amends=severe)
    commit(book.store, DAEMON, Tell(NOW + 7, [told]))
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert (found.state, found.ended, found.ended_by) == ("lapsed", NOW + 7, "Fundwatch")
    assert found.said == f"more was told of it: notice A-9 (about alert {severe})"


def test_another_transaction_leaves_it(book: Book) -> None:
    name = propose(book)
    book.read(transfer(115, tx="0xt9"), head=120, lo=110)
    assert waiting(book).id == name
    work.withdraw(book.store, ON, BOB, name, "too early", NOW)
    with pytest.raises(Conflict, match="withdrawn by bob: too early"):
        work.answer(book.store, ON, ANN, name, True, "", NOW)


# -- at once ---------------------------------------------------------------------------------


def at_once(path: Path, *does: Callable[[Store], object]) -> list[object]:
    """Each with a connection of its own; what came of each, or how it was refused."""
    start, found = threading.Barrier(len(does)), list[object]([None] * len(does))

    def do(number: int, act: Callable[[Store], object]) -> None:
        store = Store(path)
        start.wait()
        try:
            found[number] = act(store)
        except (ConfigError, Conflict) as error:
            found[number] = error
        finally:
            store.close()

    threads = [threading.Thread(target=do, args=each) for each in enumerate(does)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def test_two_people_who_agree_at_once_close_it_once(book: Book) -> None:
    name = propose(book)
    path = book.store.path
    found = at_once(
        path,
        *(
            lambda store, who=who: work.answer(store, ON, who, name, True, "", NOW)
            for who in (ANN, CAT, ANN, CAT)
        ),
    )
    assert sum(isinstance(each, Proposal) for each in found) == 1
    assert sum(isinstance(each, Conflict) for each in found) == 3
    assert len(book.store.read("SELECT 1 FROM alert_log")) == 1


@pytest.mark.parametrize("turn", range(6))
def test_a_movement_that_is_found_while_somebody_agrees(book: Book, turn: int) -> None:
    """Whoever is first: it closes, or it lapses, and never both."""
    name, severe = propose(book), alert_of(book, "severe")
    path, slow = book.store.path, turn * 0.003

    def find(store: Store) -> None:
        book.read(transfer(105, amount=9, ordinal=1), transfer(105), head=120)

    def agree(store: Store) -> object:
        time.sleep(slow)
        return work.answer(store, ON, ANN, name, True, "", NOW)

    _, answered = at_once(path, find, agree)
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    closed = row(book, "alert", severe)["state"] == "closed"
    if isinstance(answered, Proposal):
        assert (found.state, closed) == (Standing.DONE, True)
    else:
        assert (found.state, closed) == (Standing.LAPSED, False)
        assert "it is lapsed" in str(answered) or "has just been answered" in str(answered)


_AGREES = """
import sys, time
from pathlib import Path
from monitor.loops.desk import work
from monitor.model.acts import Actor, ActorKind
from monitor.model.desk import DeskSettings
from monitor.model.errors import Conflict
from monitor.store.sqlite import Store

record, name, who, start = sys.argv[1:]
store = Store(Path(record))
time.sleep(max(0, float(start) - time.time()))
try:
    work.answer(store, DeskSettings(on=True), Actor(ActorKind.PERSON, who, "x"), name, True, "", 5)
    print("agreed")
except Conflict as error:
    print(error)
"""


def test_of_processes_that_agree_at_once_one_does(book: Book) -> None:
    name = propose(book)
    start = str(time.time() + 2)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _AGREES, str(book.store.path), name, who, start],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("ann", "cat", "ann")
    ]
    said = [each.communicate(timeout=60)[0].strip() for each in running]
    assert said.count("agreed") == 1
    assert all("does not wait any more" in each for each in said if each != "agreed")
    assert len(book.store.read("SELECT 1 FROM alert_log")) == 1


def test_of_people_who_take_at_once_one_has_it(book: Book) -> None:
    severe = alert_of(book, "severe")
    at_once(
        book.store.path,
        *(lambda s, who=who: work.take(s, who, [severe], NOW) for who in (ANN, BOB, CAT)),
    )
    lines = book.store.read("SELECT name FROM alert_log")
    assert [line["name"] for line in lines] == [row(book, "alert", severe)["holder"]]


def test_two_leads_who_disable_each_other_at_once_leave_one(book: Book) -> None:
    joined(book, "lea", Role.LEAD)
    settings = Settings(book.store.path.parent, {}, {}, (), {}, {}, {})
    at_once(
        book.store.path,
        *(
            lambda s, n=n: work.disable_person(s, settings, ROOT_ACTOR, n, "left", NOW)
            for n in ("ann", "lea")
        ),
    )
    leads = [each for each in desk.people(book.store) if each.role is Role.LEAD and each.active]
    assert len(leads) == 1


# -- people ----------------------------------------------------------------------------------


def test_what_somebody_had_goes_to_nobody_and_is_told(book: Book) -> None:
    settings = Settings(book.store.path.parent, {}, {}, (), {}, {}, {})
    severe = alert_of(book, "severe")
    work.take(book.store, BOB, [severe], NOW)
    assert work.disable_person(book.store, settings, ANN, "bob", "has left", NOW) == 1
    found = row(book, "alert", severe)
    assert (found["state"], found["holder"]) == ("open", "")
    (told,) = book.store.read("SELECT title FROM alert WHERE kind = 'notice'")
    assert told["title"] == (
        "bob may no longer use the desk: 1 alert that they had belongs to nobody now"
    )
    with pytest.raises(ConfigError, match="is the only lead"):
        work.disable_person(book.store, settings, ANN, "ann", "left", NOW)
    with pytest.raises(ConfigError, match="is the only lead"):
        work.change_person(book.store, ANN, "ann", Role.ANALYST, False, "smaller desk", NOW)
    with pytest.raises(ConfigError, match="is used already, by bob"):
        work.add_person(book.store, ANN, "BOB", Role.READER, NOW)
    work.enable_person(book.store, ANN, "bob", "is back", NOW)
    assert {each.name for each in desk.people(book.store) if each.active} == {"ann", "bob", "cat"}


# -- clocks ----------------------------------------------------------------------------------


def test_a_clock_is_started_with_a_reason_and_ended_with_a_reference(book: Book) -> None:
    clock = work.start_clock(book.store, ON, BOB, "C", "us", "funds were blocked", NOW)
    assert clock.due == "2023-11-29"  # from 2023-11-14, without Thanksgiving
    assert work.start_clock(book.store, ON, BOB, "C", "us", "funds were blocked", NOW + 2) == clock
    work.end_clock(book.store, BOB, clock.id, True, "OFAC 2023-1", NOW + 9)
    (found,) = desk.clocks(book.store, ALL, "C")
    assert (found.state, found.said, found.ended_by) == ("met", "OFAC 2023-1", "bob")
    with pytest.raises(Conflict, match="does not run any more"):
        work.end_clock(book.store, ANN, clock.id, False, "not needed", NOW)


def test_a_confidential_clock_cannot_get_into_the_record(book: Book) -> None:
    with pytest.raises(ConfigError, match="is no clock of this desk") as refused:
        work.start_clock(book.store, ON, BOB, "C", "secret", "canary-in-a-reason", NOW)
    assert "secret" not in str(refused.value)
    with closing(sqlite3.connect(book.store.path)) as conn:
        dump = "\n".join(conn.iterdump())
    assert "canary-in-a-reason" not in dump
    assert "SAR" not in dump


# -- tampering -------------------------------------------------------------------------------

TABLES = ("person", "member", "remark", "proposal", "proposal_alert", "clock", "alert", "alert_log")


@pytest.mark.slow
def test_every_column_of_the_desk_is_held_against_the_log(tmp_path: Path) -> None:
    book = desk_book(tmp_path)
    severe, medium = alert_of(book, "severe"), alert_of(book, "medium")
    work.take(book.store, BOB, [severe], NOW)
    work.note(book.store, BOB, "C", severe, "Called.", NOW, "1")
    propose(book)
    closed(book, ON, CAT, [medium], "noise", "dust", "2")
    work.start_clock(book.store, ON, BOB, "C", "us", "blocked", NOW)
    assert differences(book.store.path) == []
    missed = []
    for table in TABLES:
        columns = [r[1] for r in book.store.read(f"PRAGMA table_info({table})")]
        for column in columns:
            copy = tmp_path / "copy.db"
            copy.unlink(missing_ok=True)
            book.store.backup(copy)
            with closing(sqlite3.connect(copy)) as conn, untriggered(conn):
                conn.execute("PRAGMA foreign_keys = OFF")
                (kind,) = conn.execute(
                    f"SELECT typeof({column}) FROM {table} ORDER BY rowid DESC LIMIT 1"
                    if table != "proposal_alert"
                    else f"SELECT typeof({column}) FROM {table}"
                ).fetchone()
                value = "7" if kind in ("integer", "null") else "'x'"
                try:
                    conn.execute(f"UPDATE {table} SET {column} = {value}")
                except sqlite3.IntegrityError:
                    continue
                conn.commit()
            if not differences(copy):
                missed.append(f"{table}.{column}")
    assert missed == []
    book.store.close()
