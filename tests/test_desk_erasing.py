"""What people wrote at the desk is erased there under a rule, by two; nothing of it is left in the
record, in desk.db or on a page, and each place says who erased it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse
from world.book import Book
from world.desk_open import TOKEN, Open, client
from world.deskbook import ANN, BOB, CAT, NOW, ON, alert_of, as_home, verified_book

from monitor.app.home import open_home
from monitor.loops import cases, erasing
from monitor.loops.desk import erasures, wishes, work
from monitor.model.acts import SIGNED_IN
from monitor.model.desk import Person, Role, Sight
from monitor.model.errors import ConfigError
from monitor.store import desk, erase, logbook, written

ALL = Sight(None, loose=True)
SECRET = "zebrafinch-my-sister-0123456789"
RULE = "GDPR article 17, request 12"
LEAD, BOB_P, CAT_P = (
    Person("ann", Role.LEAD, enrolled=1),
    Person("bob", Role.ANALYST, enrolled=1),
    Person("cat", Role.ANALYST, enrolled=1),
)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A home folder over the record of a desk with three people."""
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


def wrote(book: Book) -> tuple[str, str]:
    """Everything that people write, with the words in it: a note on the case and one on an alert, a
    closing by two, one by a single person, a clock that is started and ended."""
    store, severe, medium = book.store, alert_of(book, "severe"), alert_of(book, "medium")
    work.note(store, BOB, "C", None, f"{SECRET} of the case", NOW, "1")
    work.note(store, BOB, "C", severe, f"{SECRET} of the alert\nand more", NOW + 1, "2")
    work.take(store, BOB, [severe], NOW + 2)
    made = work.close(store, ON, BOB, [severe], "acted_on", f"{SECRET} severe", NOW + 3, "3")
    work.answer(store, ON, CAT, made.proposals[0].id, True, f"{SECRET} agreed", NOW + 4)
    work.close(store, ON, BOB, [medium], "noise", f"{SECRET} medium", NOW + 5, "4")
    clock = work.start_clock(store, ON, BOB, "C", "us", f"{SECRET} begins", NOW + 6)
    work.end_clock(store, CAT, clock.id, True, f"{SECRET} reference", NOW + 7)
    return severe, medium


def links(page: TestResponse) -> list[str]:
    return re.findall(r'href="(/erase/[^"]+)"', page.text)


def _quoted(page: TestResponse) -> str:
    """The first of the texts that are to be erased."""
    (words, *_) = re.findall(r"<q>(.*?)</q>", page.text, re.DOTALL)
    return f"I read: {words}"


def ask(browser: Client, link: str, **form: str) -> TestResponse:
    fields = {"token": TOKEN, "rule": RULE, "why": "a letter", "once": link, **form}
    return browser.post(link, data=fields)


def left(book: Book) -> bytes:
    """All bytes of the record and of the desk's own file."""
    files = [*book.store.path.parent.glob("*.db*")]
    return b"".join(each.read_bytes() for each in files if not each.is_symlink())


PAGES = (
    *("/inbox", "/inbox?view=closed", "/c/C", "/c/C?kind=all", "/c/C?tab=notes", "/c/C?tab=alerts"),
    *("/journal", "/journal?of=desk", f"/find?q={SECRET}"),
)


def test_whatever_somebody_wrote_is_erased_by_two_and_is_nowhere(
    book: Book, browser: Client, guard: Open
) -> None:
    severe, medium = wrote(book)
    alerts = [f"/alert/{each}" for each in (severe, medium)]
    found = [link for page in ("/c/C", "/c/C?tab=notes", *alerts)
             for link in links(browser.get(page))]  # fmt: skip
    whats = [link.split("/")[2] for link in dict.fromkeys(found)]
    # A note on an alert stands among those of its case too.
    assert sorted(whats) == ["clock", "clock-ended", "remark", "remark", "taken", "taken"]
    asked = []
    for link in dict.fromkeys(found):
        form = browser.get(link)
        assert SECRET in form.text
        assert "It takes another person, because erasing cannot be undone" in form.text
        said = ask(browser, link)
        assert said.status_code == 303, said.text
        assert ask(browser, link).headers["Location"] == said.headers["Location"], "sent twice"
        asked.append(said.headers["Location"])
        again = ask(browser, link, once=f"{link} again")
        assert again.status_code == 422
        assert "is to be erased already" in again.text
        assert f'href="{said.headers["Location"]}">Look at' in browser.get(link).text
    assert len(set(asked)) == len(asked) == 6
    guard.person = CAT_P
    for path in asked:
        page = browser.get(path)
        proposal = desk.proposal(book.store, ALL, path.rpartition("/")[2])
        assert proposal is not None
        assert proposal.case == "C"
        assert SECRET in page.text, "whoever agrees reads it"
        assert SECRET not in proposal.text + json.dumps(dict(proposal.args))
        form = {"token": TOKEN, "answer": "no", "digest": proposal.digest, "why": _quoted(page)}
        assert "Your reason stays" in browser.post(f"{path}/answer", data=form).text
        with pytest.raises(ConfigError, match="bob asked for it: it takes another person"):
            work.answer(book.store, ON, BOB, proposal.id, True, "", NOW + 20)
        work.answer(book.store, ON, CAT, proposal.id, True, "", NOW + 20)
    assert SECRET.encode() in left(book)
    with open_home(book.store.path.parent, {}) as app:
        app.work_desk()
    assert [each.said for each in desk.proposals(book.store, ALL, "failed")] == []
    guard.person = LEAD
    said = f"by bob and cat under &#34;{RULE}&#34;"
    for page in (*PAGES[:-1], *alerts, *asked):
        text = browser.get(page).text
        assert SECRET not in text, page
        if page in ("/c/C?tab=notes", "/c/C", *alerts):
            assert f"erased on {time.strftime('%Y-%m-%d', time.gmtime())} {said}" in text, page
    assert SECRET not in browser.get(PAGES[-1]).text.replace(f'value="{SECRET}"', "")
    assert SECRET.encode() not in left(book)


def test_what_stands_in_the_way_is_said_at_the_form(
    book: Book, browser: Client, guard: Open
) -> None:
    """A legal hold, words that stand in a case that is not seen, a proposal that waits, nobody who
    could agree; and nobody reads or asks who does not see it."""
    severe, _ = wrote(book)
    store = book.store
    (note,) = [link for link in links(browser.get("/c/C?tab=notes")) if "remark" in link][:1]
    refused = ask(browser, note, why=f"it says {SECRET} of the case")
    assert "would stand in what stays" in refused.text
    for kept in (f'<a class="btn main" href="{note}">Back', RULE, "it says zebrafinch"):
        assert kept in refused.text
    assert "The rule is empty. Name it" in ask(browser, note, rule=" ").text
    long = ask(browser, note, why="word " * 101)
    assert "The reason is too long: 504 characters" in long.text, "no word is cut in silence"
    cases.change(store, ANN, "hold", "C", "the court", None, NOW + 30)
    page = browser.get(note).text
    assert "is about case C, which is under a legal hold since" in page
    assert "a lead ends it at the case" in page
    assert "Ask for it" not in page
    assert ask(browser, note).status_code == 422
    cases.change(store, ANN, "release", "C", "lifted", None, NOW + 31)
    assert "Ask for it" in browser.get(note).text
    high = alert_of(book, "high")
    (made,) = work.close(store, ON, BOB, [high], "noise", "waits", NOW + 40, "5").proposals
    assert f"/erase/proposal/{made.id}" not in browser.get(f"/proposal/{made.id}").text
    assert "which is not decided yet" in browser.get(f"/erase/proposal/{made.id}").text
    guard.cases = ()
    assert browser.get(note).status_code == ask(browser, note).status_code == 404
    guard.person, guard.cases = Person("r", Role.READER, enrolled=1), ("C",)
    assert not links(browser.get(f"/alert/{severe}"))
    assert browser.get(note).status_code == 403
    guard.person = LEAD
    for name in ("bob", "cat"):
        person = next(each for each in desk.people(store) if each.name == name)
        assert person.active
        work.change_person(store, ANN, name, Role.READER, False, "for a test", NOW + 50)
    page = browser.get(note).text
    assert "It takes another person, because erasing cannot be undone" in page
    assert "Where nobody else may agree, an admin adds somebody" in page
    assert ask(browser, note).status_code == 422
    assert not store.read("SELECT 1 FROM log_text WHERE text LIKE '%erase asked%'")


def test_one_sentence_for_many_alerts_goes_from_all_of_them(book: Book) -> None:
    """Also where some closed at once and others by a proposal; another sentence stays."""
    store, ids = book.store, [alert_of(book, each) for each in ("high", "medium")]
    for place, alert in enumerate(ids):
        work.note(store, BOB, "C", alert, SECRET, NOW, f"1 {place}")
    work.note(store, BOB, "C", None, "another", NOW, "2")
    work.close(store, ON, BOB, ids, "noise", f"{SECRET} noise", NOW, "3")
    first = desk.remarks(store, ALL, alert=ids[0])[0]
    text = written.find(store, ALL, "remark", first.id)
    assert text is not None
    rows = logbook.numbered(store, erasures.rows(store, text))
    assert [(row.told or {})["body"]["text"] for row in rows.values()] == [SECRET, SECRET]
    (line,) = store.read("SELECT id FROM alert_log WHERE alert = ?", [ids[1]])
    closed = written.find(store, ALL, "taken", line["id"])
    assert closed is not None
    rows = logbook.numbered(store, erasures.rows(store, closed))
    assert sorted((row.told or {})["what"] for row in rows.values()) == ["proposal", "taken"]


def test_the_same_words_go_together_and_each_row_alone_keeps_the_record_true(book: Book) -> None:
    """By a command one row of a closing by two is named: its proposal goes too. And whatever of the
    desk can be erased leaves keys by which the rest is held."""
    wrote(book)
    store = book.store
    what = {row.number: (row.told or {}).get("what") for row in logbook.rows(store)}
    closing = [n for n, each in what.items() if each in ("proposal", "proposal ended")]
    taken = [n for n, each in what.items() if each == "taken"]
    (of_two,) = [n for n in taken if {*closing} < {*erasing.whole(store, [n])}]
    assert erasing.whole(store, closing[:1]) == sorted([*closing, of_two])
    wanted = [n for n, each in what.items() if each in (*erase.SAID, "taken")]
    number, rows = erasing.request(store, (BOB, SIGNED_IN), wanted, ("w", RULE), None, NOW + 50)
    assert rows == wanted
    made = wishes.erase(store, ON, BOB, number, "w", NOW + 51, "9")
    assert made.args["asked_by"] == "bob"
    said = erasing.confirm(store, (CAT, SIGNED_IN), number, None, NOW + 52)
    assert "one system user" not in said
    assert SECRET.encode() not in left(book)
    clock = store.read("SELECT id FROM clock")[0]["id"]
    text = written.find(store, ALL, "clock", clock)
    assert text is not None
    assert (text.text, text.name) == ("", "")
    with pytest.raises(ConfigError, match="was erased already"):
        erasing.allowed(store, rows, None, NOW + 60)
    assert erasures.rows(store, text) == []
