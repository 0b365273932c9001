"""What the program does at the desk by itself: what was agreed to is carried out once, clocks are
told, what nobody answers is passed on, what needed nobody is closed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from world.book import Book
from world.deskbook import ANN, BOB, CAT, CLOCKS, NOW, ON, alert_of, row, verified_book

from monitor.decide.desk import clocks
from monitor.loops.desk import carrying, tick, wishes, work
from monitor.loops.desk.carrying import Do, carry_out
from monitor.loops.router import Router
from monitor.model import Alert, AlertKind, ChannelConfig, Lane, Severity
from monitor.model.acts import DAEMON, Actor, Tell
from monitor.model.desk import ClockRule, Sight
from monitor.model.desk_work import Proposal, Standing
from monitor.model.errors import ConfigError, Problem
from monitor.model.settings import Settings
from monitor.store import desk
from monitor.store.commit import commit

ALL = Sight(None, loose=True)
DAY = 86_400
REPO = Path(__file__).resolve().parents[1]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        yield made


def settings(book: Book, **more: object) -> Settings:
    channels = {
        "desk": ChannelConfig("desk", "email"),
        "boss": ChannelConfig("boss", "email"),
    }
    plain = Settings(book.store.path.parent, {}, {}, (), channels, {}, {}, web=ON)
    return replace(plain, **more)  # type: ignore[arg-type]


def ticked(book: Book, at: int, kinds: dict[str, Do] | None = None, **more: object) -> None:
    told = settings(book, **more)
    tick.tick(book.store, told, Router(book.store, told.channels), kinds or {}, at)


def retire(book: Book, once: str = "1") -> Proposal:
    name = wishes.retire(book.store, ON, BOB, "E0", "the case is over", NOW, once).id
    work.answer(book.store, ON, CAT, name, True, "", NOW)
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert found.state is Standing.AGREED
    return found


# -- carrying out ----------------------------------------------------------------------------


def test_what_was_agreed_to_is_done_once_in_the_name_of_who_proposed(book: Book) -> None:
    name, done = retire(book).id, list[Actor]()

    def do(_proposal: Proposal, actor: Actor) -> str:
        done.append(actor)
        return "retired"

    for _ in range(3):
        ticked(book, NOW + 9, {"retire": do})
    (actor,) = done
    assert (actor.name, actor.kind.value) == ("bob", "person")
    assert actor.authority == f"proposal {name} at the desk, agreed to by cat, who had signed in"
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert (found.state, found.said, found.ended_by) == (Standing.DONE, "retired", "cat")


@pytest.mark.parametrize(
    ("remedy", "state"),
    [("Nothing to do", Standing.DONE), ("Write it otherwise", Standing.FAILED)],
)
def test_what_is_so_already_is_done_and_what_cannot_be_has_failed(
    book: Book, remedy: str, state: Standing
) -> None:
    name = retire(book).id

    def do(_proposal: Proposal, _actor: Actor) -> str:
        raise ConfigError([Problem("ENTRY", "E0", "is retired already", remedy)])

    ticked(book, NOW, {"retire": do})
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert found.state is state
    assert "is retired already" in found.said


def test_what_takes_long_is_asked_for_again(book: Book) -> None:
    name, asked = retire(book).id, list[int]()

    def do(_proposal: Proposal, _actor: Actor) -> str:
        asked.append(1)
        if len(asked) < 3:
            raise carrying.Later
        return "taken"

    for _ in range(5):
        carry_out(book.store, {"retire": do}, NOW)
    assert len(asked) == 3
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert found.said == "taken"


_KILLED = """
import os, signal, sys
from pathlib import Path
from monitor.loops.desk.carrying import carry_out
from monitor.store.sqlite import Store

record, mark, when = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def do(proposal, actor):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = mark.read_text().splitlines() if mark.exists() else []
    if proposal.id in done:
        return "it was so already"
    mark.write_text(proposal.id)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"

carry_out(Store(record), {"retire": do}, 1)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_agreement_and_carrying_out_it_is_done_by_the_next_start(
    book: Book, tmp_path: Path, when: str
) -> None:
    """By kill -9, before it was done and before that was written down."""
    name, mark = retire(book).id, tmp_path / "mark"
    for moment in (when, "never"):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(book.store.path), str(mark), moment],
            env={**os.environ, "PYTHONPATH": str(REPO)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == (0 if moment == "never" else -signal.SIGKILL), done.stderr
    assert mark.read_text() == name
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert found.state is Standing.DONE


def test_watching_and_naming_need_nobody_else_but_a_name_needs_its_source(book: Book) -> None:
    lines = {"address": "0xabc", "chain": "ethereum", "case": "C", "label": "suspect"}
    found = wishes.add_watch(book.store, ON, BOB, lines, "he paid it", NOW, "1")
    assert (found.eyes, found.state) == ("none", Standing.AGREED)
    said = {"label": "Exchange", "category": "exchange", "source": "", "date": "2026-11-01"}
    with pytest.raises(ConfigError, match="source: is missing"):
        wishes.name(book.store, ON, BOB, ("ethereum", "0xabc"), said, "seen", NOW, "2")
    said["source"] = "their page"
    with pytest.raises(ConfigError, match="date: 'last year' is no day"):
        wishes.name(
            book.store, ON, BOB, ("ethereum", "0xa"), {**said, "date": "last year"}, "x", NOW, "3"
        )
    assert wishes.name(book.store, ON, BOB, ("ethereum", "0xabc"), said, "seen", NOW, "2").id
    assert desk.counts(book.store)["agreed"] == 2


# -- what lapses, what is passed on ------------------------------------------------------------


def test_a_proposal_to_close_what_is_closed_lapses(book: Book) -> None:
    severe = alert_of(book, "severe")
    (made,) = work.close(book.store, ON, BOB, [severe], "noise", "dust", NOW, "1").proposals
    name = made.id
    with pytest.raises(ConfigError, match="waits for a second person already"):
        work.close(book.store, ON, CAT, [severe], "noise", "dust", NOW, "2")
    from monitor.model.acts import Take

    commit(book.store, BOB, Take(NOW, [severe], "closed", "by hand"))
    ticked(book, NOW + 5)
    found = desk.proposal(book.store, ALL, name)
    assert found is not None
    assert (found.state, found.said) == (Standing.LAPSED, "its alerts are closed already")


def test_what_nobody_answers_for_four_hours_is_passed_on_once(book: Book) -> None:
    ids = [alert_of(book, "severe")]
    (made,) = work.close(book.store, ON, BOB, ids, "noise", "dust", NOW, "1").proposals
    name = made.id
    ticked(book, NOW + 5 * 3600)  # nobody to pass on to
    ticked(book, NOW + 4 * 3600 - 1, escalate_to=("boss",))
    told = "SELECT a.title, r.channel FROM alert a JOIN route r ON r.alert = a.id " \
        "WHERE a.kind = 'notice'"  # fmt: skip
    assert book.store.read(told) == []
    for _ in range(2):
        ticked(book, NOW + 4 * 3600, escalate_to=("boss",))
    ((title, channel),) = [tuple(r) for r in book.store.read(told)]
    assert channel == "boss"
    assert title == (
        f"{name} has waited for a second person for 4 h 0 min, proposed by bob. Nobody has "
        f"agreed or declined: http://localhost:8788/proposal/{name}"
    )
    assert row(book, "proposal", name)["escalated"] == NOW + 4 * 3600


# -- the rule "told" -------------------------------------------------------------------------


def notices(book: Book, number: int, at: int, kind: AlertKind = AlertKind.NOTICE) -> None:
    told = [
        Alert(f"N-{at}-{each}", kind, Lane.NEWS, Severity.HIGH, at, audience="operations")
        for each in range(number)
    ]
    commit(book.store, DAEMON, Tell(at, told))


def test_what_needed_nobody_is_closed_after_thirty_days_in_parts(book: Book) -> None:
    """With the word "told", no line of history, and few rows of the log."""
    notices(book, tick.TOLD_MOST + 10, NOW)
    notices(book, 1, NOW + DAY)
    before = book.store.read("SELECT count(*) AS n FROM log")[0]["n"]
    count = "SELECT count(*) AS n FROM alert WHERE outcome = 'told' AND closed = ?"
    for number, closed in enumerate((tick.TOLD_MOST, 10, 0)):
        at = NOW + tick.TOLD_AFTER + 1 + number
        ticked(book, at)
        assert book.store.read(count, [at])[0]["n"] == closed
    assert book.store.read("SELECT count(*) AS n FROM log")[0]["n"] == before + 2
    assert book.store.read("SELECT 1 FROM alert_log") == []
    work_left = book.store.read("SELECT DISTINCT state FROM alert WHERE entry IS NOT NULL")
    assert [r["state"] for r in work_left] == ["open"]
    ((text,),) = [
        tuple(r)
        for r in book.store.read("SELECT max(length(text)) FROM log_text WHERE text LIKE ?",
                                 ['{"act":"close told"%'])
    ]  # fmt: skip
    assert text < 25 * tick.TOLD_MOST
    with closing(sqlite3.connect(book.store.path)) as conn:
        plan = conn.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM alert WHERE state <> 'closed' AND NOT "
            f"({desk.WORK}) AND state = 'open' AND created < 5 ORDER BY created LIMIT 9"
        ).fetchall()
    assert "alert_told" in str(plan)


def test_nothing_of_it_happens_while_the_desk_is_off(book: Book) -> None:
    name = retire(book).id
    notices(book, 3, NOW)
    ticked(book, NOW + 90 * DAY, web=replace(ON, on=False))
    assert row(book, "proposal", name)["state"] == "agreed"
    assert book.store.read("SELECT 1 FROM alert WHERE outcome = 'told'") == []


# -- clocks ----------------------------------------------------------------------------------


def at(day: str, hour: int = 12, zone: str = "America/New_York") -> int:
    return int(
        datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=ZoneInfo(zone)).timestamp()
    )


@pytest.mark.parametrize(
    ("started", "due"),
    [
        ("2026-11-29", "2026-12-11"),  # a Sunday
        ("2026-11-20", "2026-12-07"),  # a Friday; without Thanksgiving (26 November)
        ("2026-12-18", "2027-01-05"),  # without Christmas and New Year's Day
        ("2026-07-01", "2026-07-16"),  # 4 July is a Saturday: its Friday is off
    ],
)
def test_ten_business_days_without_weekends_and_federal_holidays(started: str, due: str) -> None:
    """By a calendar on paper."""
    assert clocks.due(CLOCKS["us"], at(started)) == date.fromisoformat(due)


def test_the_day_is_that_of_the_rules_zone() -> None:
    late = at("2026-11-30", 23)  # already 1 December in UTC
    rule = ClockRule("x", "x", 30, False, "", "America/New_York", "x")
    assert clocks.due(rule, late) == date(2026, 12, 30)
    assert clocks.due(replace(rule, zone="UTC"), late) == date(2026, 12, 31)


def test_the_words_name_the_calendar_and_its_version(book: Book) -> None:
    import holidays.version

    clock = work.start_clock(book.store, ON, BOB, "C", "us", "blocked", NOW)
    version = holidays.version.__version__
    assert clocks.said(clock.terms) == (
        f"10 business days (weekends and US federal holidays, holidays {version}) - "
        "not legal advice"
    )
    plain = ClockRule("x", "x", 1, False, "", "UTC", "x")
    assert clocks.said(clocks.terms(plain)) == "1 day - not legal advice"


def test_each_step_of_a_clock_is_told_once(book: Book) -> None:
    clock = work.start_clock(book.store, ON, BOB, "C", "us", "funds blocked", at("2026-11-20"))
    assert clock.due == "2026-12-07"
    for day in ("2026-12-03", "2026-12-04", "2026-12-05", "2026-12-07", "2026-12-08", "2026-12-20"):
        for hour in (1, 23):
            ticked(book, at(day, hour))
    told = book.store.read("SELECT * FROM alert WHERE kind = 'clock_due' ORDER BY created")
    assert [
        (json.loads(each["facts"])["clock_due"]["step"], each["created"], each["entry"])
        for each in told
    ] == [
        ("soon", at("2026-12-04", 1), "E0"),
        ("due", at("2026-12-07", 1), "E0"),
        ("over", at("2026-12-08", 1), "E0"),
    ]
    owed = book.store.read("SELECT DISTINCT channel FROM route r JOIN alert a ON a.id = r.alert "
                           "WHERE a.kind = 'clock_due'")  # fmt: skip
    assert {each["channel"] for each in owed} == {"desk", "boss"}
    assert "funds blocked" not in str([each["facts"] for each in told])


def test_a_clock_that_was_ended_is_told_no_more(book: Book) -> None:
    clock = work.start_clock(book.store, ON, BOB, "C", "us", "blocked", at("2026-11-20"))
    ticked(book, at("2026-12-04"))
    found = desk.clock(book.store, clock.id)
    assert found is not None
    work.end_clock(book.store, ANN, clock.id, False, "no property", at("2026-12-05"))
    ticked(book, at("2026-12-08"))
    assert len(book.store.read("SELECT 1 FROM alert WHERE kind = 'clock_due'")) == 1
