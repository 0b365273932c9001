"""What programs do by the API: once, on what they have looked at, and never as a second person."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client
from world.api import Program, token
from world.book import Book
from world.desk_open import Open, client
from world.deskbook import ANN, ON, alert_of, as_home, joined, verified_book

from monitor.loops.desk import work
from monitor.model.desk import Role
from monitor.model.desk_work import Standing
from monitor.store import api_tokens, desk, desk_inbox
from monitor.store.deskfile import FILE, DeskFile
from monitor.web.api import bodies
from monitor.web.api.alerts import CloseBody
from monitor.web.api.problems import Wrong


@dataclass
class Office:
    book: Book
    home: Path
    browser: Client

    def program(self, maker: str, *scopes: str) -> Program:
        return Program(self.browser, token(self.home, maker, *scopes))

    def steps(self, alert: str) -> list[tuple[str, str, str]]:
        found = desk_inbox.history(self.book.store, alert)
        return [(each.state, each.name, each.door) for each in found]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Ann (lead), Bob and Cat (analysts of C); held against its log at the end."""
    with verified_book(tmp_path_factory.mktemp("book")) as book:
        home = as_home(book)
        joined(book, "dan", Role.ANALYST)
        with client(home, Open()) as browser:
            yield Office(book, home, browser)


@pytest.fixture(scope="module")
def bob(office: Office) -> Program:
    return office.program("bob")


def match_of(program: Program, alert: str) -> str:
    return program.get(f"/alerts/{alert}").headers["ETag"]


def test_it_takes_notes_and_hands_over(office: Office, bob: Program) -> None:
    alert = alert_of(office.book, "medium")
    assert bob.post(f"/alerts/{alert}/take", {}).status_code == 200
    assert office.steps(alert) == [("acknowledged", "bob", "token")]
    assert bob.post(f"/alerts/{alert}/notes", {"text": "seen by a\nprogram"}).status_code == 200
    said = bob.get(f"/alerts/{alert}").json
    assert (said["desk"]["holder"], said["desk"]["door"]) == ("bob", "token")
    tag = match_of(bob, alert)
    assert bob.post(f"/alerts/{alert}/hand-over", {"to": "cat", "why": "hers"}, match=tag).json
    did = [each["what"] for each in bob.every(f"/alerts/{alert}/history")]
    assert sorted(did) == ["acknowledged", "acknowledged", "note"]
    tag = match_of(bob, alert)
    said = bob.post(f"/alerts/{alert}/hand-over", {"to": "", "why": "mine"}, match=tag)
    assert said.status_code == 403  # it is Cat's now


def test_it_proposes_and_never_agrees(office: Office, bob: Program) -> None:
    alert = alert_of(office.book, "high")
    body = {"outcome": "no_action", "why": "looked at"}
    said = bob.post(f"/alerts/{alert}/close", body, match=match_of(bob, alert))
    assert said.status_code == 202
    (proposal,) = said.json["proposals"]
    assert bob.get(f"/alerts/{alert}").json["desk"]["proposals"] == [proposal]
    store = office.book.store
    for name in ("bob", "ann", "cat"):
        program = office.program(name)
        tag = match_of(program, alert)
        said = program.post(f"/alerts/{alert}/agree", {"why": "yes"}, match=tag)
        assert (said.status_code, said.json["key"]) == (403, "token_never_agrees")
    from monitor.model.acts import Actor, ActorKind

    bob_signed_in = Actor(ActorKind.PERSON, "bob", "signed in")
    with pytest.raises(Exception, match="bob proposed it"):
        work.answer(store, ON, bob_signed_in, proposal, True, "", 1_800_000_000)
    ann_by_token = Actor(ActorKind.TOKEN, "ann", "a token")
    with pytest.raises(Exception, match="a token agrees to nothing"):
        work.answer(store, ON, ann_by_token, proposal, True, "", 1_800_000_000)
    work.answer(store, ON, ANN, proposal, True, "", 1_800_000_000)
    assert bob.get(f"/alerts/{alert}").json["state"] == "closed"
    tag = match_of(bob, alert)
    assert bob.post(f"/alerts/{alert}/reopen", {"why": "more"}, match=tag).status_code == 200
    assert bob.get(f"/alerts/{alert}").json["state"] == "acknowledged"


def test_the_only_person_agrees_to_what_their_own_program_asks(tmp_path: Path) -> None:
    with verified_book(tmp_path, people=1) as book:
        home = as_home(book)
        alert = alert_of(book, "high")
        with client(home, Open()) as browser:
            mine = Program(browser, token(home, "ann"))
            body = {"outcome": "noise", "why": "dust"}
            said = mine.post(f"/alerts/{alert}/close", body, match=match_of(mine, alert))
        (name,) = said.json["proposals"]
        made = work.answer(book.store, ON, ANN, name, True, "", 1_800_000_000)
        assert made.state is Standing.DONE
        assert "one person" in made.said


def test_a_decision_is_about_what_was_looked_at(office: Office, bob: Program) -> None:
    alert = alert_of(office.book, "severe")
    body = {"outcome": "expected", "why": "ours"}
    assert bob.post(f"/alerts/{alert}/close", body).status_code == 428
    tag = match_of(bob, alert)
    assert bob.post(f"/alerts/{alert}/take", {}).status_code == 200
    for seen in (tag, "*"):
        said = bob.post(f"/alerts/{alert}/close", body, match=seen)
        assert (said.status_code, said.json["key"]) == (412, "stale")
    assert desk.proposals(office.book.store, work_all(), alert=alert) == []


def work_all():
    from monitor.loops.desk.proposing import ALL

    return ALL


def test_what_is_sent_twice_is_done_once(office: Office, bob: Program) -> None:
    alert = alert_of(office.book, "severe")
    first = bob.post(f"/alerts/{alert}/notes", {"text": "once"}, key="note 1")
    again = bob.post(f"/alerts/{alert}/notes", {"text": "once"}, key="note 1")
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    other = bob.post(f"/alerts/{alert}/notes", {"text": "twice"}, key="note 1")
    assert (other.status_code, other.json["key"]) == (422, "key_reused")
    notes = [each.text for each in desk.remarks(office.book.store, work_all(), alert=alert)]
    assert notes.count("once") == 1
    assert "twice" not in notes
    # what came of it is answered again too, where nothing was done
    wrong = [bob.post(f"/alerts/{alert}/notes", {"text": " "}, key="note 2") for _ in range(2)]
    assert wrong[0].data == wrong[1].data
    # somebody else's key is another one
    cat = office.program("cat")
    assert cat.post(f"/alerts/{alert}/notes", {"text": "mine"}, key="note 1").status_code == 200


def test_two_at_once_are_one(office: Office, bob: Program) -> None:
    alert, said = alert_of(office.book, "severe"), []
    tag = match_of(bob, alert)
    body = {"outcome": "noise", "why": "at once"}

    def send() -> None:
        program = Program(Client(office.browser.application), bob.key)
        said.append(program.post(f"/alerts/{alert}/close", body, key="close 1", match=tag))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({each.data for each in said}) == 1, [each.text for each in said]
    assert said[0].status_code == 202
    mine = desk.proposals(office.book.store, work_all(), alert=alert)
    assert len([each for each in mine if each.why == "at once"]) == 1


def test_a_kill_between_act_and_answer_doubles_nothing(office: Office, bob: Program) -> None:
    """As desk.db stands then: the key was taken, and nobody knows how it ended."""
    alert = alert_of(office.book, "medium")
    body = {"text": "before the kill"}
    assert bob.post(f"/alerts/{alert}/notes", body, key="killed").status_code == 200
    with closing(DeskFile(office.home / FILE)) as file, file.change() as conn:
        conn.execute("UPDATE api_once SET status = NULL, body = '' WHERE key = 'killed'")
    assert bob.post(f"/alerts/{alert}/notes", body, key="killed").status_code == 200
    notes = [each.text for each in desk.remarks(office.book.store, work_all(), alert=alert)]
    assert notes.count("before the kill") == 1


def test_keys_are_forgotten_after_a_week(tmp_path: Path) -> None:
    with closing(DeskFile(tmp_path / FILE)) as file:
        assert api_tokens.begin(file, "t", "k", "asked", 0) is None
        api_tokens.ended(file, "t", "k", 200, "application/json", "{}")
        week = api_tokens.KEPT_ONCE
        kept = api_tokens.begin(file, "t", "k", "asked", week)
        assert kept is not None
        assert kept.status == 200
        assert api_tokens.begin(file, "t", "k", "asked", week + 1) is None


def test_who_sees_no_case_does_nothing_in_it(office: Office) -> None:
    dan = office.program("dan")
    alert = alert_of(office.book, "medium")
    before = office.steps(alert)
    for act in ("take", "notes"):
        body = {} if act == "take" else {"text": "x"}
        assert dan.post(f"/alerts/{alert}/{act}", body).status_code == 404
    assert office.steps(alert) == before


# -- hostile bodies --------------------------------------------------------------------------------

HOSTILE = [
    b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"\x00", b"[" * 60_000, b'{"a":' * 9000,
    b'{"why":"a","why":"b","outcome":"noise"}', b'{"why":NaN,"outcome":"noise"}',
    b'{"why":"x","outcome":"noise","n":' + b"9" * 5000 + b"}",
    b'{"why":1e999,"outcome":"noise"}', b'{"why":"\\ud800","outcome":"noise"}',
    b'{"why":"x","outcome":"noise","more":1}', b'{"why":["x"],"outcome":"noise"}',
    b'{"why":"x"}', b'{"why":"' + b"x" * 600 + b'","outcome":"noise"}',
    b'{"why":"a\\u0000b","outcome":"noise"}',
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:24]))
def test_a_hostile_body_is_refused_in_words(office: Office, bob: Program, body: bytes) -> None:
    alert = alert_of(office.book, "severe")
    said = bob.post(f"/alerts/{alert}/close", body, match="any")
    assert said.status_code in (400, 422), said.text
    assert said.json["detail"]


def test_a_body_that_is_too_long_is_not_read(office: Office, bob: Program) -> None:
    alert = alert_of(office.book, "severe")
    said = bob.post(f"/alerts/{alert}/notes", json.dumps({"text": "x" * 70_000}))
    assert (said.status_code, said.json["key"]) == (413, "too_long")


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(JSONS | st.fixed_dictionaries({"outcome": JSONS, "why": JSONS}))
def test_whatever_is_sent_is_a_value_or_wrong(value: object) -> None:
    try:
        found = bodies.read(json.dumps(value).encode(), CloseBody)
    except Wrong:
        return
    assert isinstance(found, CloseBody)
    assert isinstance(found.why, str)
