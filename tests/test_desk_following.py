"""The pages of following: of a case, of all that somebody may see, where money rests; two days side
by side. And on a real record of a scripted chain: a question is answered, a limit raised by two."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import desk_traced as traced
import pytest
import trace_values as story
from test_desk_follow import carried_out, page, people, proposals, standing, text
from test_trace_run import BANK, EXCHANGE, SOURCE, A, B
from test_trace_run import told as chain_told
from werkzeug.test import Client, TestResponse
from world.book import Book
from world.desk import send, served, turn_on
from world.desk_open import TOKEN, Open, client
from world.deskbook import BOB, NOW, as_home, joined, verified_book
from world.logged import differences

from monitor.app.home import open_home
from monitor.loops.desk import requests
from monitor.loops.desk.carrying import actor_of
from monitor.messages.trace.compare import compare
from monitor.messages.trace.words import Page
from monitor.model import Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_desk import SetMember
from monitor.model.desk import Person, Role, Sight
from monitor.model.desk_work import Member
from monitor.model.errors import ConfigError
from monitor.model.trace import Name, Question, State, Told
from monitor.store import desk, trace
from monitor.store.commit import commit

ALL = Sight(None, loose=True)
BOB_P = Person("bob", Role.ANALYST, enrolled=1)
READER = Person("rex", Role.READER, enrolled=1)
USDT = story.USDT.contract
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        as_home(made)
        yield made


@pytest.fixture
def guard() -> Open:
    return Open(person=BOB_P, cases=("C",))


@pytest.fixture
def browser(book: Book, guard: Open) -> Iterator[Client]:
    with client(book.store.path.parent, guard) as made:
        yield made


def shown(answer: TestResponse) -> str:
    assert answer.status_code == 200, text(answer.text)[:500]
    return text(answer.text)


# -- what stands there -----------------------------------------------------------------------


def test_the_page_says_who_is_next_what_is_asked_and_where_it_ended(
    book: Book, browser: Client
) -> None:
    nodes = [*story.NODES]
    nodes[4] = replace(nodes[4], state=State.WAITING, names=(Name(HOSTILE, source="x"),))
    traced.take(book, NOW, traced.of_case(nodes=tuple(nodes)))
    answer = browser.get("/c/C/following")
    said = shown(answer)
    for words in (
        *(
            "1 address waits: may it be followed?",
            "What speaks for and against",
            "Follow the next 1",
        ),
        *("not completely read (its history is not read yet)", "a person's yes", "an exchange"),
        *(
            "Leads: guesses, in no sum",
            "12 ETH left over a bridge",
            "40,000 to 60,000 USDT",
            "lowest",
        ),
        *("highest", "followed addresses", "not attributable: fees", "Nothing yet."),
    ):
        assert words in said.replace("&#39;", "'"), words
    assert "<script>alert" not in answer.text
    assert said.count("by LIBR") == 3
    assert said.index("by LIBR") < said.index("by tainted first")
    assert "Nothing is worked out yet." not in said


def test_a_past_day_and_a_reader_decide_nothing(book: Book, browser: Client, guard: Open) -> None:
    traced.take(book, NOW)
    traced.take(book, NOW + 3 * 86_400, traced.of_case(nodes=story.NODES[:-1]))
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW))
    then = browser.get(f"/c/C/following?as_of={day}")
    assert "Nothing can be decided here" in shown(then)
    assert "state 1 of 2" in shown(then)
    for form in ("Follow these only", "do=follow", "do=limit", 'name="why"'):
        assert form not in then.text
        assert form not in browser.get(f"/c/C/following?as_of={day}&do=limit").text
    guard.person = READER
    now = browser.get("/c/C/following?do=limit")
    assert "Decisions that wait" in shown(now)
    assert 'name="why"' not in now.text
    refused = browser.post("/c/C/following", data={"token": TOKEN, "act": "leave"})
    assert refused.status_code == 403


def test_a_case_without_a_trace_says_so(book: Book, browser: Client) -> None:
    assert "Nothing is worked out yet." in shown(browser.get("/c/C/following"))
    assert "No trace in a case that you see" in shown(browser.get("/following"))
    assert "Nothing is traced to any other address" in shown(browser.get("/rests"))


def test_a_case_whose_name_ends_so_keeps_its_page(book: Book, browser: Client, guard: Open) -> None:
    traced.take(book, NOW)
    assert "Following the money of C" in shown(browser.get("/c/C/following"))
    book.watch(case="C/following")
    traced.take(book, NOW, traced.of_case(case="C/following"))
    assert "Following the money of C" in shown(browser.get("/c/C/following")), (
        "of no case of theirs"
    )
    guard.cases = ("C", "C/following")
    assert "<h1>C/following" in browser.get("/c/C%2Ffollowing").text
    assert "Following the money of C" in shown(browser.get("/following/C"))
    assert "Following the money of C/following" in shown(browser.get("/c/C/following/following"))
    assert 'href="/following/C"' in browser.get("/following").text
    note = {"token": TOKEN, "act": "note", "why": "Written there.", "once": "1"}
    assert browser.post("/c/C%2Ffollowing", data=note).status_code == 303
    assert [each.case for each in desk.remarks(book.store, ALL)] == ["C/following"]


def test_all_cases_that_may_be_seen_and_no_other(book: Book, browser: Client, guard: Open) -> None:
    traced.take(book, NOW)
    book.watch(case="D")
    traced.take(book, NOW, traced.of_case("bank", "D", questions=(_question("zebrafinch"),)))
    hers = requests.prepare(
        book.store, BOB, {}, "D", (traced.HUB, USDT), "zebrafinch", "zebrafinch", NOW, "1"
    )
    alone = [browser.get(path).text for path in ("/following", "/rests", "/c/C/following", "/c/C")]
    for html in alone:
        assert "zebrafinch" not in html
        assert hers.id not in html
        assert "/c/D" not in html
    assert browser.get("/c/D/following").status_code == 404
    assert browser.get("/c/D/following").text == browser.get("/c/none/following").text
    for path in ("/c/D/following", "/following/D"):
        form = {"token": TOKEN, "act": "leave", "at": f"ethereum/{story.REST}", "why": "x"}
        assert browser.post(path, data=form).status_code == 404
    guard.cases = ("C", "D")
    assert "zebrafinch" in shown(browser.get("/following"))
    both = browser.get("/rests").text
    assert hers.id in both
    assert 'href="/c/C#seized"' in both


def _question(words: str) -> Question:
    return Question("ask_after", words, (Subject("ethereum", story.REST),))


# -- deciding by forms alone -----------------------------------------------------------------


def test_answers_by_forms_alone(book: Book, browser: Client) -> None:
    joined(book, "dan", Role.ANALYST, "C")
    nodes = [*story.NODES]
    nodes[4] = replace(nodes[4], state=State.WAITING)
    traced.take(book, NOW, traced.of_case(nodes=tuple(nodes)))
    form = {"token": TOKEN, "once": "1", "why": "It goes on.", "at": f"ethereum/{story.REST}"}

    def post(**more: str) -> TestResponse:
        return browser.post("/c/C/following", data={**form, **more})

    assert post(act="odd").status_code == 404
    none = browser.post("/c/C/following", data={**form, "act": "follow", "at": []})
    assert none.status_code == 422
    assert "Tick at least one address" in none.text
    assert "It goes on." in none.text, "what was written is given back"
    assert post(act="follow", why=" ").status_code == 422
    assert post(act="limit", limit="hops", number="many").status_code == 422
    done = post(act="follow")
    assert done.status_code == 303
    assert done.headers["Location"] == "/c/C/following"
    assert "The program does it within a minute" in shown(browser.get("/c/C/following"))
    second = post(act="leave", once="2")
    assert second.status_code == 422
    assert "is decided on already: P-" in second.text
    raised = post(act="limit", limit="hops", number="12", once="3")
    assert raised.status_code == 303
    assert "Waits for a second person" in shown(browser.get("/c/C/following"))
    assert "Decide on the trace (case C)" in shown(
        browser.get(f"/proposal/{desk.proposals(book.store, ALL)[-1].id}")
    )


# -- two days --------------------------------------------------------------------------------


def test_two_days_side_by_side_say_what_changed_and_why(book: Book, browser: Client) -> None:
    fewer = traced.of_case(nodes=story.NODES[:-1], edges=story.EDGES[1:-1])
    traced.take(book, NOW, fewer)
    late = replace(story.EDGES[1], traced=dict.fromkeys(story.IN, 1))
    now_ = traced.of_case(method="libr", edges=(story.EDGES[0], late, *story.EDGES[2:]))
    traced.take(book, NOW + 2 * 86_400, now_)
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW))
    said = shown(browser.get(f"/c/C/following?with={day}"))
    said = said[said.index("What changed between state 1") :]
    for words in (
        *("another method is shown first: LIBR", "Late movements", "and were not known then"),
        *("not there rests, still watched", "The same movements with other figures"),
    ):
        assert words in said, words
    odd = browser.get("/c/C/following?with=2009-01-04")
    assert odd.status_code == 422
    assert "there is no state of this trace to compare with" in text(odd.text)
    assert "both days have the same state" in shown(
        browser.get(f"/c/C/following?with={day}&as_of={day}")
    )


def test_the_same_two_states_compare_the_same_in_either_order() -> None:
    old = Told(1, NOW + 86_400, "a" * 64, story.trace(edges=story.EDGES[:3], nodes=story.NODES[:4]))
    new = Told(2, NOW + 90_000, "b" * 64, story.trace())
    one, other = compare(old, new, Page()), compare(new, old, Page())
    assert one == other
    titles = [part.title for part in one.parts]
    assert titles == ["Late movements", "Addresses"]
    assert compare(old, old, Page()).same


# -- on a real record ------------------------------------------------------------------------


def test_a_question_is_answered_and_a_limit_raised_on_a_real_record(tmp_path: Path) -> None:
    with chain_told(tmp_path, {"hops": 2, "ask_after": 1}) as it:
        turn_on(tmp_path)
        it.pay(BANK, SOURCE, 10_000)
        it.pay(SOURCE, A, 8_000)
        it.pay(A, B, 7_000)
        it.pay(B, EXCHANGE, 6_000)
        it.settle()
        it.home.run("poll")
        who = people(tmp_path)
        carried_out(tmp_path)
        assert standing(tmp_path, B) is State.WAITING
        with served(tmp_path) as desk_:
            bob, ann = desk_.signed_in(who["bob"]), desk_.signed_in(who["ann"])
            path = "/c/C-1/following"
            said = page(bob, path)
            assert "1 address followed. Follow the next 1, with 7,000.00 USD?" in said
            form = {"act": "more", "more": "1", "why": "They are the same.", "once": "1"}
            assert send(bob, path, path, form).status_code == 303
            carried_out(tmp_path)
            assert standing(tmp_path, B) is State.FOLLOWED
            assert proposals(tmp_path) == [("trace_words", "done", "none")]
            assert "bob allowed more addresses: 1: They are the same." in page(bob, path)
        _by_a_typed_name(tmp_path, it.home)  # by processes of their own: no desk is open here
        _as_after_a_kill(tmp_path)
        with served(tmp_path) as desk_:
            bob, ann = desk_.signed_in(who["bob"]), desk_.signed_in(who["ann"])
            name = desk_waiting(tmp_path)
            frozen = page(ann, f"/proposal/{name[0]}")
            assert "Set the limit hops of case C-1 to 5; it is 2 now." in frozen
            yes = {"answer": "yes", "digest": name[1]}
            answered = send(ann, f"/proposal/{name[0]}", f"/proposal/{name[0]}/answer", yes)
            assert answered.status_code == 303, text(answered.text)
            carried_out(tmp_path)
            assert proposals(tmp_path)[-1] == ("trace_words", "done", "second")
            assert "set the limit hops=5" in page(bob, path)
            assert re.search(r"steps from a watched address 5 \d", page(bob, path))
        assert differences(tmp_path / "fundwatch.db") == []


def _by_a_typed_name(folder: Path, home: object) -> None:
    """While the desk is on: what goes over a limit is proposed, and once; the rest is done."""
    by = ("--by", "bob", "--note", "It goes on.")
    run = home.run  # type: ignore[attr-defined]
    said = [run("trace", "limit", "C-1", "hops", "5", *by) for _ in range(2)]
    assert all("another person, who signs in, agrees" in each for each in said)
    assert len({re.findall("P-[A-Z0-9-]+", each)[0] for each in said}) == 1
    lower = run("trace", "limit", "C-1", "addresses", "100", *by)
    assert "limit     addresses is 100 for case C-1" in lower
    assert "is shown first" in run("trace", "method", "C-1", "libr", *by)
    with open_home(folder, {}) as app:
        words = trace.words(app.store, "C-1")
    assert [each.value for each in words] == ["1", "addresses=100", "libr"]


def desk_waiting(folder: Path) -> tuple[str, str]:
    with open_home(folder, {}) as app:
        found = desk.proposals(app.store, ALL, "waiting")
    return found[0].id, found[0].digest


def _as_after_a_kill(folder: Path) -> None:
    """What was done and not written down is not done a second time."""
    with open_home(folder, {}) as app:
        before = trace.words(app.store, "C-1")
        (done,) = desk.proposals(app.store, ALL, "done")
        with pytest.raises(ConfigError, match="Nothing to do"):
            app.acts.agreed()[done.kind](done, actor_of(done))
        assert trace.words(app.store, "C-1") == before


def test_leaving_the_case_takes_its_following_along(
    book: Book, browser: Client, guard: Open
) -> None:
    traced.take(book, NOW)
    commit(book.store, DAEMON, SetMember(NOW, Member("C", "bob", NOW, NOW + 1), "left"))
    guard.cases = ()
    assert browser.get("/c/C/following").status_code == 404
    assert "No trace in a case that you see" in shown(browser.get("/following"))
