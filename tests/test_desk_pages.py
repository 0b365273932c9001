"""Inbox and case pages of the desk on a real home folder, as a browser gets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.desk import Served, User, add_person, send, served, turn_on
from world.home import Home

from monitor.app.home import open_home

WATCHLIST = """version: 1
cases:
  NK-07:
    reason: on a list
    source: example
    addresses:
      - {address: "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c", chain: ethereum, label: Payroll}
  NK-11:
    reason: canary reason of another case
    source: example
    addresses:
      - {address: "0xd04E33461FEA8302c5E1e13895b60cEe8AEfda7F", chain: ethereum, label: Other}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.run("init")
    made.write("watchlist.yaml", WATCHLIST)
    with open_home(made.path, {}) as app:  # the watchlist is taken, and nothing is asked
        app.reload()
    turn_on(made.path)
    return made


@pytest.fixture
def desk(home: Home) -> Iterator[Served]:
    with served(home.path) as found:
        yield found


@pytest.fixture
def lead(home: Home) -> User:
    return add_person(home.path, "k.brandt", "lead")


def test_where_nothing_runs_every_page_says_so_first(desk: Served, lead: User):
    session = desk.signed_in(lead)
    for path in ("/inbox", "/c", "/c/NK-07", "/people", "/help"):
        text = session.get(path).text
        strip = text[text.index('class="read') : text.index("<main")]
        assert "Nothing is being read." in strip, path
        assert "Fundwatch does not run" in strip
    assert "Nothing to do" in session.get("/inbox").text
    assert "0 of 2 entries fully read" in session.get("/inbox").text


def test_what_cannot_be_taken_is_not_lost(desk: Served, lead: User):
    session = desk.signed_in(lead)
    form = {"act": "clock", "rule": "none", "why": "A long sentence that took a while."}
    said = send(session, "/c/NK-07", "/c/NK-07", form)
    assert said.status_code == 422
    assert "A long sentence that took a while." in said.text
    assert "Choose which clock is started." in said.text


def test_what_was_done_is_said_once(desk: Served, lead: User):
    session = desk.signed_in(lead)
    form = {"act": "note", "why": "Called the bank.", "once": "a" * 32}
    for _ in range(2):  # a double click
        assert send(session, "/c/NK-07", "/c/NK-07", form).status_code == 303
    page = session.get("/c/NK-07?tab=notes").text
    assert page.count("Called the bank.") == 1
    assert "Noted." in page
    assert "Noted." not in session.get("/c/NK-07?tab=notes").text


def test_a_member_sees_their_case_and_no_other(desk: Served, home: Home):
    member = desk.signed_in(add_person(home.path, "t.weber", "reader", cases=("NK-07",)))
    assert "Payroll" in member.get("/c/NK-07?tab=addresses").text
    for path in ("/c/NK-11", "/c/NK-11?tab=notes", "/c/no-such-case"):
        said = member.get(path)
        assert said.status_code == 404
        assert "canary reason" not in said.text
    assert "NK-11" not in member.get("/c").text
    assert "0 of 1 entry fully read" in member.get("/c/NK-07").text  # the strip counts theirs


def test_who_only_reads_changes_nothing(desk: Served, home: Home):
    reader = desk.signed_in(add_person(home.path, "r.eader", "reader", cases=("NK-07",)))
    page = reader.get("/c/NK-07").text
    assert "Add a note" not in page
    form = {"act": "note", "why": "x", "once": "1"}
    assert send(reader, "/c/NK-07", "/c/NK-07", form).status_code == 403
    assert "Nobody has written any." in reader.get("/c/NK-07?tab=notes").text


def test_leads_close_a_case_and_let_people_in(desk: Served, home: Home, lead: User):
    add_person(home.path, "t.weber", "analyst")
    session = desk.signed_in(lead)
    form = {"act": "member", "person": "t.weber", "why": "works on it"}
    assert send(session, "/c/NK-07", "/c/NK-07", form).status_code == 303
    assert "t.weber may see it" in session.get("/c/NK-07").text
    form = {"act": "close", "why": "all is done"}
    assert send(session, "/c/NK-07", "/c/NK-07", form).status_code == 303
    assert "the case was closed" in session.get("/c/NK-07").text
    log = home.run("log", "show")
    assert "k.brandt" in log
    assert "signed in" in log
