"""People, the journal and confidential clocks at the desk, over real HTTP."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world.desk import PASSWORD, Served, User, add_person, send, served, sign_in, turn_on
from world.home import ALICE, BOB, Home, begun, entry

from monitor.app.home import open_home
from monitor.model.desk import Role
from monitor.store.deskfile import faults
from monitor.store.sqlite import Store

CANARY = "canary-of-a-confidential-report"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = begun(tmp_path)
    cases = {name: {"reason": "a reason", "addresses": [entry(address, "ethereum")]}
             for name, address in (("NK-07", ALICE), ("CRY-X", BOB))}  # fmt: skip
    home.write("watchlist.yaml", {"cases": cases})
    with open_home(home.path, {}) as app:
        app.reload()
    turn_on(home.path, jurisdiction="us")
    home.write(
        "config/clocks.yaml",
        {"clocks": {"quiet": {"title": "Report to the authority", "days": 30, "source": "a law",
                              "confidential": True}}},
    )  # fmt: skip
    return home


@pytest.fixture
def desk(home: Home) -> Iterator[Served]:
    with served(home.path) as desk:
        yield desk


@pytest.fixture
def admin(home: Home) -> User:
    add_person(home.path, "m.ortiz", Role.LEAD)
    return add_person(home.path, "a.admin", Role.ADMIN)


def test_an_admin_adds_somebody_who_comes_in(admin: User, desk: Served) -> None:
    session = desk.signed_in(admin)
    said = send(session, "/people", "/people", {"name": "j.weber", "role": "analyst"})
    link = re.search(r"(http://localhost:\d+/welcome/\S+)<", said.text)
    assert link, said.text
    page = desk.context().new_page()
    page.goto(link[1])
    assert "j.weber" in page.inner_text("h1")
    secret = page.inner_text("form .mono").replace(" ", "")
    user = User("j.weber", secret)
    page.fill("#password", PASSWORD)
    page.fill("#password2", PASSWORD)
    page.fill("#code", user.now())
    page.click("main .btn.main")
    page.wait_for_selector("ul.codes")
    assert page.locator("ul.codes li").count() == 10
    assert "signs in with password and code" in session.get("/people").text
    # Once more the same: nobody is added twice.
    said = send(session, "/people", "/people", {"name": "J.Weber", "role": "lead"})
    assert said.status_code == 422
    assert "used already" in said.text


def test_people_are_changed_and_let_in_no_longer(home: Home, admin: User, desk: Served) -> None:
    weber = add_person(home.path, "j.weber")
    theirs, session = desk.signed_in(weber), desk.signed_in(admin)
    assert theirs.get("/people").status_code == 403
    where = "/people/j.weber"
    form = {"role": "lead", "why": "she leads now"}
    assert send(session, where, f"{where}/role", form).status_code == 303
    assert theirs.get("/people").status_code == 200  # at once, without signing in again
    said = send(session, where, f"{where}/disable", {"why": ""})
    assert said.status_code == 422
    assert send(session, where, f"{where}/disable", {"why": "left"}).status_code == 303
    assert theirs.get("/people", allow_redirects=False).status_code == 303
    assert send(session, where, f"{where}/enable", {"why": "back"}).status_code == 303
    assert sign_in(desk.visitor(), weber).status_code == 303
    said = send(session, "/people/m.ortiz", "/people/m.ortiz/reset", {})
    assert "/welcome/" in said.text


def test_nobody_changes_what_they_may_do_themselves(admin: User, desk: Served) -> None:
    session = desk.signed_in(admin)
    form = {"role": "lead", "why": "because"}
    said = send(session, "/people", "/people/a.admin/role", form)
    assert said.status_code == 422
    assert "Somebody else" in said.text


def test_the_last_lead_stays(admin: User, desk: Served) -> None:
    session = desk.signed_in(admin)
    for way, form in (("disable", {"why": "x"}), ("role", {"role": "reader", "why": "x"})):
        said = send(session, "/people/m.ortiz", f"/people/m.ortiz/{way}", form)
        assert (said.status_code, "only lead" in said.text) == (422, True)


def test_who_sees_a_case_is_a_leads_to_say(home: Home, desk: Served) -> None:
    lead = desk.signed_in(add_person(home.path, "m.ortiz", Role.LEAD))
    admin = desk.signed_in(add_person(home.path, "a.admin", Role.ADMIN))
    add_person(home.path, "j.weber")
    form = {"case": "NK-07", "how": "in", "why": "she works on it"}
    assert send(admin, "/people", "/people/a.admin/case", form).status_code == 403
    assert send(lead, "/people", "/people/j.weber/case", form).status_code == 303
    assert "NK-07" in lead.get("/people/j.weber").text
    assert "NK-07" not in admin.get("/people/j.weber").text  # no content of cases
    form = {"case": "NK-07", "how": "out", "why": "she left it"}
    assert send(lead, "/people", "/people/j.weber/case", form).status_code == 303


def test_changes_of_people_ask_again_for_the_password(
    home: Home, admin: User, desk: Served
) -> None:
    session = desk.signed_in(admin)
    with closing(sqlite3.connect(home.path / "desk.db")) as conn, conn:
        conn.execute("UPDATE session SET again = again - 601")
    form = {"name": "j.weber", "role": "analyst"}
    said = send(session, "/people", "/people", form)
    assert said.headers["Location"] == "/again?next=%2Fpeople"
    assert "j.weber" not in session.get("/people").text
    wrong = send(session, "/again", "/again", {"password": "not it", "next": "/people"})
    assert wrong.status_code == 422
    right = send(session, "/again", "/again", {"password": PASSWORD, "next": "/people"})
    assert right.headers["Location"] == "/people"
    assert "/welcome/" in send(session, "/people", "/people", form).text


def test_the_journal_says_who_did_what(home: Home, admin: User, desk: Served) -> None:
    session = desk.signed_in(admin)
    send(session, "/people", "/people", {"name": "j.weber", "role": "analyst"})
    assert session.get("/journal").status_code == 403
    auditor = desk.signed_in(add_person(home.path, "e.audit", Role.AUDITOR))
    html = auditor.get("/journal").text
    assert "j.weber" in html
    assert "a.admin" in html
    html = auditor.get("/journal?of=desk").text
    assert "Signed in" in html
    assert "Link made, for j.weber" in html
    assert (
        "a.admin"
        not in re.findall(
            "<tbody>.*</tbody>", auditor.get("/journal?of=desk&name=e.audit").text, re.S
        )[0]
    )
    assert "Nothing of that kind" in auditor.get("/journal?day=2020-01-01").text
    assert "is no day" in auditor.get("/journal?day=x'--").text
    assert "NK-07" in auditor.get("/journal?case=NK-07").text


def test_confidential_clocks_are_there_for_those_with_the_right_alone(
    home: Home, desk: Served
) -> None:
    one = desk.signed_in(
        add_person(home.path, "r.reports", Role.ANALYST, cases=("NK-07",), reports=True)
    )
    other = desk.signed_in(add_person(home.path, "j.weber", Role.ANALYST, cases=("NK-07",)))
    auditor = desk.signed_in(add_person(home.path, "e.audit", Role.AUDITOR))
    way = "/c/NK-07/restricted-clock"
    form = {"rule": "quiet", "why": CANARY, "once": "abc123"}
    assert send(other, "/me", way, form).status_code == 404
    assert send(one, "/me", "/c/CRY-X/restricted-clock", form).status_code == 404
    for _ in range(2):  # the same form twice starts one
        assert send(one, "/me", way, form).status_code == 303
    with closing(sqlite3.connect(home.path / "desk.db")) as conn:
        rows = conn.execute("SELECT id, why, state FROM restricted_clock").fetchall()
    assert rows == [("S-abc123", CANARY, "running")]
    for html in (auditor.get("/journal?of=desk").text, auditor.get("/journal").text):
        assert CANARY not in html
        assert "onfidential clock" not in html
    form = {"clock": "S-abc123", "how": "met", "said": f"{CANARY} 2"}
    assert send(one, "/me", f"{way}/end", form).status_code == 303
    assert send(one, "/me", f"{way}/end", form).status_code == 409
    assert faults(home.path / "desk.db") == []
    assert CANARY in one.get("/c/NK-07").text
    for session in (other, auditor):
        html = session.get("/c/NK-07").text
        assert CANARY not in html
        assert "onfidential" not in html
    # Nothing of it stands in the record or in any other file.
    for path in home.path.rglob("*"):
        if path.is_file() and not path.name.startswith("desk.db"):
            assert CANARY.encode() not in path.read_bytes(), path


def test_looking_is_told_once_a_day(home: Home, desk: Served) -> None:
    session = desk.signed_in(add_person(home.path, "m.ortiz", Role.LEAD))
    for _ in range(3):
        assert session.get("/c/NK-07").status_code == 200
    assert session.get("/c/CRY-X").status_code == 200
    with closing(sqlite3.connect(home.path / "desk.db")) as conn:
        rows = conn.execute("SELECT name, case_id FROM trail WHERE act LIKE 'looked%'").fetchall()
    assert rows == [("m.ortiz", "NK-07"), ("m.ortiz", "CRY-X")]


def test_looking_waits_for_nobody_who_writes_the_record(home: Home, desk: Served) -> None:
    session = desk.signed_in(add_person(home.path, "m.ortiz", Role.LEAD))
    with closing(Store(home.path / "fundwatch.db")) as store, store.write() as conn:
        conn.execute("INSERT INTO note (key, value) VALUES ('canary', 'x')")
        assert session.get("/c/NK-07", timeout=15).status_code == 200
    with closing(sqlite3.connect(home.path / "desk.db")) as conn:
        assert conn.execute("SELECT count(*) FROM looked").fetchall() == [(1,)]
    # And the record is written while somebody holds the file of the desk.
    file = desk.desk.guard.file
    with closing(Store(home.path / "fundwatch.db")) as store, file.change(), store.write() as conn:
        conn.execute("UPDATE note SET value = 'y' WHERE key = 'canary'")
