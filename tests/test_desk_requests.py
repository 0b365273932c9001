"""Requests to keep traced funds from moving: drafted, sent by a person, answered; never changed,
put right by a later step, erased under a rule. The program sends nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import desk_traced as traced
import pytest
import trace_values as story
from hypothesis import given, settings
from hypothesis import strategies as st
from world.book import Book
from world.deskbook import ANN, BOB, CAT, NOW, ON, desk_book, verified_book
from world.logged import differences
from world.older import record_before
from world.tamper import untriggered

from monitor.loops import erasing
from monitor.loops.desk import erasures, requests
from monitor.messages.loglines import said
from monitor.model.acts import SIGNED_IN
from monitor.model.desk import Sight
from monitor.model.desk_requests import NEXT, Request, Stage
from monitor.model.errors import ConfigError, Conflict
from monitor.store import desk, logbook, written
from monitor.store import requests as kept
from monitor.store.sqlite import Store

ALL = Sight(None, loose=True)
SECRET = "zebrafinch-my-sister-0123456789"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        traced.take(made, NOW)
        yield made


def prepared(book: Book, to: str = "Tether", text: str = "", once: str = "1") -> Request:
    return requests.prepare(book.store, BOB, {}, "C", traced.PLACE, to, text, NOW, once)


def step(
    book: Book, request: Request, stage: Stage, at: int = NOW, text: str = "By letter.",
    once: str = "", corrects: str = "", reference: str = "TR-1",
) -> Request:  # fmt: skip
    return requests.record(
        *(book.store, CAT, request.id, stage, at, (reference, text), NOW + 60),
        *(once or f"{stage} {at} {corrects}", corrects),
    )


def test_a_draft_holds_what_it_rests_on(book: Book) -> None:
    made = prepared(book)
    assert (made.role, made.to, made.named_by) == ("issuer", "Tether", "config/issuers.yaml")
    assert made.basis.traced == dict(story.AT_HUB)
    assert (made.basis.number, made.basis.on_chain) == (1, 90 * 10**9)
    for words in ("Draft, not sent.", story.HUB, story.USDT.contract, "State 1 of", "Legal basis"):
        assert words in made.text, made.text
    assert story.FAR not in made.text, "of this place alone"
    assert prepared(book) == made, "a form that is sent twice"
    assert [each.id for each in kept.requests(book.store, ALL)] == [made.id]
    assert made.stage is Stage.PREPARED


def test_who_may_not_ask_gets_a_note(book: Book) -> None:
    traced.take(book, NOW + 1, traced.of_case("bank"))
    made = prepared(book, to="our counsel")
    assert (made.role, made.named_by) == ("other", "whoever prepared it")
    assert made.text.startswith("Note, not sent.\nFor your counsel or the authority")
    assert "Legal basis" not in made.text
    assert story.HUB in made.text


def test_what_became_of_it_is_recorded_step_by_step(book: Book) -> None:
    made = prepared(book)
    sent = step(book, made, Stage.SENT, NOW - 600)
    assert (sent.sent, sent.open) == (NOW - 600, True)
    assert step(book, made, Stage.SENT, NOW - 600) == sent, "a form that is sent twice"
    with pytest.raises(ConfigError, match="is before it was sent"):
        step(book, made, Stage.ANSWERED, NOW - 601)
    with pytest.raises(ConfigError, match="is in the future"):
        step(book, made, Stage.ANSWERED, NOW + 3600)
    with pytest.raises(Conflict, match="is sent by now: it cannot be sent"):
        step(book, made, Stage.SENT, NOW)
    with pytest.raises(ConfigError, match="Give a reference"):
        step(book, made, Stage.ANSWERED, NOW, text=" ", reference="")
    answered = step(book, made, Stage.ANSWERED, NOW)
    assert not answered.open
    assert [each.stage for each in answered.steps] == [Stage.SENT, Stage.ANSWERED]


def test_a_mistake_is_put_right_by_a_later_step_and_both_stay(book: Book) -> None:
    made = prepared(book)
    first = step(book, made, Stage.SENT, NOW - 600)
    wrong = step(book, made, Stage.REFUSED, NOW).standing[-1].id
    fixed = step(book, made, Stage.ANSWERED, NOW - 60, corrects=wrong)
    assert (fixed.stage, len(fixed.steps), len(fixed.standing)) == (Stage.ANSWERED, 3, 2)
    with pytest.raises(Conflict, match="was put right already"):
        step(book, made, Stage.ANSWERED, NOW, corrects=wrong)
    with pytest.raises(ConfigError, match="is not the last step"):
        step(book, made, Stage.SENT, NOW, corrects=first.standing[0].id)


def test_of_two_who_record_at_once_the_second_decides_on_what_the_first_wrote(book: Book) -> None:
    made = prepared(book)
    with closing(Store(book.store.path)) as other:
        mine = requests.record(
            other, ANN, made.id, Stage.WITHDRAWN, NOW, ("", "Not needed."), NOW, "a"
        )
        assert mine.stage is Stage.WITHDRAWN
    with pytest.raises(Conflict, match="is taken back by now: it cannot be sent"):
        step(book, made, Stage.SENT)
    assert len(kept.requests(book.store, ALL)[0].steps) == 1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([*Stage]), max_size=6))
def test_whatever_is_recorded_in_whichever_order_follows_on_what_was(
    tmp_path_factory: pytest.TempPathFactory, stages: list[Stage]
) -> None:
    with verified_book(tmp_path_factory.mktemp("random"), people=2) as book:
        traced.take(book, NOW)
        now = prepared(book)
        for number, stage in enumerate(stages):
            may = stage in NEXT[now.stage]
            try:
                now = step(book, now, stage, once=str(number))
                assert may
                assert now.stage is stage
            except (Conflict, ConfigError):
                assert not may


def test_who_sees_another_case_sees_no_request(book: Book) -> None:
    made = prepared(book)
    other = Sight(frozenset({"D"}), loose=True)
    assert kept.requests(book.store, other) == []
    assert kept.request(book.store, other, made.id) is None
    assert written.find(book.store, other, "request", made.id) is None


def test_a_place_that_is_not_in_the_trace_and_nobody_are_refused(book: Book) -> None:
    with pytest.raises(ConfigError, match="holds nothing that is traced"):
        requests.prepare(book.store, BOB, {}, "C", (traced.HUB, "0xno"), "Tether", "", NOW, "1")
    with pytest.raises(ConfigError, match="Say who is to be asked"):
        prepared(book, to=" ")


def test_words_are_erased_by_two_and_the_record_still_verifies(book: Book) -> None:
    made = prepared(book, to=f"counsel {SECRET}", text=f"{SECRET} of the draft\n   more")
    sent = step(book, made, Stage.SENT, text=f"{SECRET} sent", reference=f"{SECRET} ref")
    answered = step(book, made, Stage.ANSWERED, text=f"{SECRET} answer", reference="")
    ids = [("request", made.id)] + [("request step", each.id) for each in answered.steps]
    for number, (what, name) in enumerate(ids):
        text = written.find(book.store, ALL, what, name)
        assert text is not None
        wish = ("a letter", "GDPR article 17")
        proposal = erasures.erase(book.store, ON, BOB, text, wish, None, NOW, str(number))
        asked = int(str(proposal.args["number"]))
        erasing.confirm(book.store, (CAT, SIGNED_IN), asked, None, NOW + 100)
    book.store.leave_nothing()
    files = book.store.path.parent.glob("*.db*")
    assert SECRET.encode() not in b"".join(each.read_bytes() for each in files)
    found = kept.request(book.store, ALL, made.id)
    assert found is not None
    assert (found.to, found.text, found.name, found.stage) == ("", "", "", Stage.ANSWERED)
    assert found.basis == made.basis
    assert [each.name for each in found.steps] == ["", ""]
    assert written.erased(book.store, "request", [made.id])[made.id].by == "cat"
    assert sent.steps[0].at == found.steps[0].at


def test_the_log_says_it_in_words(book: Book) -> None:
    made = prepared(book)
    step(book, made, Stage.SENT, NOW - 600)
    rows = [row.told for row in logbook.rows(book.store, 1)]
    words = [said(told) for told in rows if told and told["act"] in WORDS]
    assert words[0].startswith(
        f'prepared request {made.id} of case C to "Tether", about {story.HUB}'
    )
    assert f"recorded that request {made.id} was sent at 20" in words[1]
    assert desk.proposals(book.store, ALL) == [], "it needs nobody else"


WORDS = ("prepare request", "record request")


def test_a_record_of_the_version_before_gets_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    record_before("m013_requests", path).close()
    with closing(Store(path)) as store:
        assert kept.requests(store, ALL) == []
    assert differences(path) == []


@pytest.mark.slow
def test_every_column_is_held_against_the_log(tmp_path: Path) -> None:
    book = desk_book(tmp_path)
    traced.take(book, NOW)
    step(book, prepared(book), Stage.SENT)
    assert differences(book.store.path) == []
    missed = []
    for table in ("request", "request_step"):
        for column in [r[1] for r in book.store.read(f"PRAGMA table_info({table})")]:
            copy = tmp_path / "copy.db"
            copy.unlink(missing_ok=True)
            book.store.backup(copy)
            with closing(sqlite3.connect(copy)) as conn, untriggered(conn):
                conn.execute("PRAGMA foreign_keys = OFF")
                (kind,) = conn.execute(f"SELECT typeof({column}) FROM {table}").fetchone()
                value = "7" if kind == "integer" else "'x'"
                conn.execute(f"UPDATE {table} SET {column} = {value}")
                conn.commit()
            if not differences(copy):
                missed.append(f"{table}.{column}")
    assert missed == []
    book.store.close()
