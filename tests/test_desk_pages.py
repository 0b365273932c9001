"""Inbox and case pages of the desk on a real home folder, as a browser gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world.desk import Served, User, add_person, send, served, turn_on
from world.home import Home, begun

from monitor.app.home import open_home
from monitor.decide.desk.rights import sight
from monitor.model.desk import Person, Role, Sight
from monitor.store import desk_cases
from monitor.store.sqlite import Store

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

OWN_IN_PARTNER = """  PARTNER:
    reason: ours
    source: example
    addresses:
      - {address: "0x8589427373D6D84E98730D7795D8f6f8731FDA16", chain: ethereum, label: Own}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = begun(tmp_path / "home")
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


def test_who_sees_no_case_does_not_read_that_nothing_is_watched(home: Home, desk: Served):
    reader = add_person(home.path, "r.ohne", "reader")
    text = desk.signed_in(reader).get("/inbox").text
    assert "No address that you see is watched." in text
    assert "No address is watched" not in text


def test_what_cannot_be_taken_is_not_lost(desk: Served, lead: User):
    session = desk.signed_in(lead)
    form = {"act": "clock", "rule": "none", "why": "A long sentence that took a while."}
    said = send(session, "/c/NK-07", "/c/NK-07", form)
    assert said.status_code == 422
    assert "A long sentence that took a while." in said.text
    assert "Choose which clock is started." in said.text
    assert "took a while.\nnone" not in said.text, "words alone, and not what was chosen"
    lines = "\r\n".join(["a line of 22 letters.."] * 85)  # 1,954 characters, as browsers count
    send(session, "/c/NK-07", "/c/NK-07", {"act": "note", "why": lines, "once": "b" * 32})
    assert session.get("/c/NK-07?tab=notes").text.count("a line of 22 letters..") == 85


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


PAYROLL = "/a/ethereum/0x4f47bc496083c727c5fbe3ce9cdf2b0f6496270c"


def test_a_watch_is_ended_from_the_page_of_its_address(desk: Served, home: Home, lead: User):
    """By one person at once; once a second one exists they have to agree."""
    session = desk.signed_in(lead)
    page = session.get(f"{PAYROLL}?do=end").text
    (entry,) = re.findall(r'<option value="(E-[^"]+)"', page)
    form = {"entry": "E-NONE", "why": "all is done", "once": "1"}
    assert send(session, f"{PAYROLL}?do=end", f"{PAYROLL}/end", form).status_code == 422
    ann = add_person(home.path, "t.weber", "analyst", cases=("NK-07",))
    form = {"entry": entry, "why": "all is done", "once": "2"}
    assert send(session, f"{PAYROLL}?do=end", f"{PAYROLL}/end", form).status_code == 303
    assert "ends when a second person agrees" in session.get(PAYROLL).text
    waiting = desk.signed_in(ann).get("/inbox?view=second").text
    assert "End the watch of an address" in waiting
    assert "k.brandt" in waiting
    member = desk.signed_in(add_person(home.path, "o.ther", "analyst", cases=("NK-11",)))
    assert "End the watch" not in member.get("/inbox?view=second").text


def test_what_a_public_list_alone_holds_is_for_everybody_who_works(home: Home):
    home.write(
        "partner.csv", "address,chain\n0x28c6c06298d514db089934071355e5743bf21d60,ethereum\n"
    )
    row = {"kind": "csv", "file": "partner.csv", "every": "never", "watch": "yes"}
    row |= {"title": "Partner", "chains": "published", "case": "PARTNER"}
    home.write("config/lists.yaml", {"lists": {"partner": row}})
    home.run("lists", "update", "partner", "--by", "kim")
    with closing(Store(home.path / "fundwatch.db", readonly=True)) as store:

        def cases(sight: Sight) -> list[str]:
            return [each.case for each in desk_cases.lines(store, sight)]

        nobody = Person("x", Role.ANALYST)
        assert cases(sight(nobody, ())) == []
        assert cases(sight(nobody, (), ["partner"])) == ["PARTNER"]
        assert cases(sight(nobody, ("NK-11",), ["partner"])) == ["NK-11", "PARTNER"]
        assert cases(sight(nobody, (), ["other"])) == []
        assert cases(sight(Person("x", Role.READER), (), ["partner"])) == []
    # Once a person watches something in that case it is a case like others.
    with (home.path / "watchlist.yaml").open("a", encoding="utf-8") as file:
        file.write(OWN_IN_PARTNER)
    with open_home(home.path, {}) as app:
        app.reload()
        assert [c.case for c in desk_cases.lines(app.store, sight(nobody, (), ["partner"]))] == []
