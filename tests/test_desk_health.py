"""The page of health: what is not read, since when, why, what helps; incidents, messages, channels.
Of cases that somebody does not see it tells nothing; numbers to who keeps the program running."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import CANARY, Made, made
from world.deskbook import ANN, NOW, ON, verified_book

from monitor.chains.table import STREAM_WORDS
from monitor.loops.desk import wishes
from monitor.loops.desk.carrying import carry_out
from monitor.loops.desk.proposing import ALL
from monitor.loops.health.snapshot import EntryStatus, ListStatus
from monitor.model.acts import Actor
from monitor.model.desk import Person, Role
from monitor.model.desk_work import Proposal, Standing
from monitor.model.settings import Settings
from monitor.model.status import State
from monitor.model.streams import UNSERVED
from monitor.store import desk
from monitor.store.guard import DATABASE, lock
from monitor.store.sqlite import Store
from monitor.web.desk.healthy import spots_of

MAIL = {
    "kind": "email", "host": "127.0.0.1", "port": 25, "security": "starttls", "user_env": "U",
    "password_env": "P", "from": "f@example.org", "to": ["a@example.org"],
}  # fmt: skip
ROLES = [*Role]
PARTLY = [Role.READER, Role.ANALYST, Role.ADMIN]


@pytest.fixture
def world(tmp_path: Path) -> Made:
    """A list of A that fails, incidents of A, of B and of the program, a given-up message of each
    case and one of both, a channel; the last pass was half a minute ago."""
    made_ = made(tmp_path / "home")
    home, now = made_.home, int(time.time())
    (home / "config/channels.yaml").write_text(json.dumps({"channels": {"mail": MAIL}}), "utf-8")
    (home / ".env").write_text("U=u\nP=p\n", "utf-8")
    (home / ".env").chmod(0o600)
    store = Store(home / DATABASE)
    with store.write() as conn:
        conn.execute(
            "UPDATE reading SET ok = ?1, complete_time = ?1, failing = ?1, error = ?2 "
            "WHERE stream = 'native'",
            (now - 5000, "routescan: HTTP 503"),
        )
        _incident(conn, now, "blind:ethereum/native", "Coins of 1 entry", (made_.entry_a,))
        _incident(conn, now, "blind:b", f"{CANARY} is blind", (made_.entry_b,))
        both = (made_.entry_a, made_.entry_b)
        _incident(conn, now, "late:ethereum", f"Of {CANARY} and others", both)
        _incident(conn, now, f"list:{CANARY}", f"List {CANARY} is late", ())
        _incident(conn, now, "fault:prices", "A part does not do its work (prices).", ())
        _incident(conn, now, "gap:a", "A gap of A", (made_.entry_a,), closed=now - 60)
        _incident(conn, now, "gap:b", f"A gap of {CANARY}", (made_.entry_b,), closed=now - 60)
        _message(conn, now, "M-A", "Wallet of A", made_.alert_a)
        _message(conn, now, "M-B", CANARY, made_.alert_b)
        _message(conn, now, "M-BOTH", CANARY, made_.alert_a, made_.alert_b)
        _message(conn, now, "M-NONE", CANARY)
        conn.execute("INSERT INTO note VALUES ('pass', ?)", (f"{now - 30} {now - 32} 2.0",))
    store.close()
    return made_


def _incident(
    conn: Any, now: int, key: str, what: str, who: tuple[str, ...], closed: int | None = None
) -> None:
    signal = {
        "key": key, "bad": True, "what": what, "cure": "Look.", "who": who, "number": len(who),
        "chain": "ethereum" if who else None,
    }  # fmt: skip
    conn.execute(
        "INSERT INTO incident (key, number, since, told, closed, signal) VALUES (?,1,?,?,?,?)",
        (key, now - 900, now - 800, closed, json.dumps(signal)),
    )


def _message(conn: Any, now: int, name: str, subject: str, *alerts: str) -> None:
    frozen = {"subject": subject, "text": "", "html": "", "json": "", "attachments": [],
              "thread": "", "images": []}  # fmt: skip
    conn.execute(
        "INSERT INTO message VALUES (?,'mail','','prompt',?,?)", (name, now, json.dumps(frozen))
    )
    for alert in alerts:
        form = {"M-A": "prompt", "M-B": "prompt"}.get(name, "group")
        conn.execute("INSERT INTO route VALUES (?,'mail',?,?)", (alert, form, name))
    conn.execute(
        "INSERT INTO delivery (message, recipient, channel, state, attempts, due, last_error) "
        "VALUES (?,'a@example.org','mail','dead',12,?,'550 no such user')",
        (name, now),
    )


@pytest.fixture
def guard() -> Open:
    return Open(person=Person("m.ortiz", Role.ANALYST, enrolled=1), cases=("case-a",))


@pytest.fixture
def browser(world: Made, guard: Open) -> Iterator[Client]:
    with lock(world.home), client(world.home, guard) as made_:  # as if it ran
        yield made_


def as_role(guard: Open, role: Role) -> None:
    guard.person = Person("m.ortiz", role, enrolled=1)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


@pytest.mark.parametrize("role", ROLES)
def test_everybody_reads_what_is_not_read_of_what_they_see(
    browser: Client, guard: Open, role: Role
) -> None:
    as_role(guard, role)
    said = browser.get("/health")
    page = text_of(said.text)
    assert said.status_code == 200
    assert "routescan: HTTP 503" in page
    assert "Another source for this chain" in page or "another source for this chain" in page
    assert "Coins of 1 entry" in page
    assert "A part does not do its work" in page
    assert "A gap of A" in page
    assert "All read." not in page
    assert 'href="/c/case-a"' in said.text


@pytest.mark.parametrize("role", PARTLY)
def test_of_other_cases_nothing_is_told(browser: Client, guard: Open, role: Role) -> None:
    as_role(guard, role)
    page = browser.get("/health").text
    assert CANARY not in page
    assert "case-b" not in page
    assert "M-B" not in page
    assert "M-NONE" not in page
    assert "M-A" in page
    numbers = "Entries of cases that you do not see" in page
    assert numbers is (role is Role.ADMIN)  # who keeps the program running
    assert ("3 more are open that name" in page) is (role is Role.ADMIN)
    assert ("lists read" in page) is (role is Role.ADMIN)
    assert "a@example.org" in page  # of a message of theirs
    guard.cases = ()
    page = browser.get("/health").text
    assert "case-a" not in page
    assert "Nothing is watched in a case that you see" in page
    assert "M-A" not in page


@pytest.mark.parametrize("role", [Role.LEAD, Role.AUDITOR])
def test_who_sees_all_reads_all(browser: Client, guard: Open, role: Role) -> None:
    as_role(guard, role)
    page = browser.get("/health").text
    for words in ("case-b", "M-B", "M-BOTH", "M-NONE", f"List {CANARY} is late"):
        assert words in page, words


def states(world: Made) -> dict[str, str]:
    store = Store(world.home / DATABASE, readonly=True)
    try:
        return {r["message"]: r["state"] for r in store.read("SELECT * FROM delivery")}
    finally:
        store.close()


def test_a_message_is_sent_again_by_who_works_on_all_that_it_tells(
    browser: Client, guard: Open, world: Made
) -> None:
    for role in (Role.READER, Role.AUDITOR, Role.ADMIN):
        as_role(guard, role)
        assert browser.post("/health/replay", data={"message": "M-A"}).status_code == 403
        assert "Send the ticked ones again" not in browser.get("/health").text
    as_role(guard, Role.ANALYST)
    assert browser.post("/health/replay", data={}).status_code == 422
    for other in ("M-B", "M-BOTH", "M-NONE", "M-NOWHERE"):
        said = browser.post("/health/replay", data={"message": ["M-A", other]})
        assert said.status_code == 404
        assert CANARY not in said.text
    assert set(states(world).values()) == {"dead"}
    assert browser.post("/health/replay", data={"message": "M-A"}).status_code == 303
    assert states(world)["M-A"] == "waiting"
    store = Store(world.home / DATABASE, readonly=True)
    (row,) = store.read("SELECT text FROM log_text WHERE text LIKE '%replayed%'")
    store.close()
    assert '"m.ortiz"' in row["text"]
    assert "M-A" in row["text"]
    as_role(guard, Role.LEAD)
    every = ["M-B", "M-BOTH", "M-NONE"]
    assert browser.post("/health/replay", data={"message": every}).status_code == 303
    assert set(states(world).values()) == {"waiting"}


def test_a_test_message_is_asked_for_by_admins_and_leads(browser: Client, guard: Open) -> None:
    for role in (Role.READER, Role.ANALYST, Role.AUDITOR):
        as_role(guard, role)
        form = {"channel": "mail", "once": "1"}
        assert browser.post("/health/test", data=form).status_code == 403
        assert "Send a test" not in browser.get("/health").text
    for role in (Role.ADMIN, Role.LEAD):
        as_role(guard, role)
        form = {"channel": "mail", "once": role.value}
        assert browser.post("/health/test", data={**form, "channel": "x"}).status_code == 422
        for _ in range(2):  # sent twice, asked for once
            assert browser.post("/health/test", data=form).status_code == 303
        page = text_of(browser.get("/health").text)
        assert "by m.ortiz: it is being sent" in page


def test_what_came_of_a_test_stands_in_its_proposal(tmp_path: Path) -> None:
    with verified_book(tmp_path) as book:
        made_ = wishes.test_channel(book.store, ON, ANN, "mail", NOW, "1")
        assert made_.state is Standing.AGREED

        def sent(proposal: Proposal, actor: Actor) -> str:
            assert (proposal.args["channel"], actor.name) == ("mail", "ann")
            return "accepted  a@example.org: 250 OK"

        carry_out(book.store, {wishes.TEST: sent}, NOW + 5)
        (found,) = desk.proposals(book.store, ALL, kind=wishes.TEST)
        assert (found.state, found.said) == (Standing.DONE, "accepted  a@example.org: 250 OK")


def test_all_read_is_said_where_all_is_read(world: Made, guard: Open) -> None:
    """And by whom it is not: a part of the cases is not all of them."""
    now = int(time.time())
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute("UPDATE scope SET due = ?", (now + 60,))
        conn.execute("DELETE FROM reading")
        for row in conn.execute("SELECT DISTINCT subject FROM entry").fetchall():
            for stream in STREAM_WORDS:
                conn.execute(
                    "INSERT INTO reading (scope, stream, tried, ok, source, axis, complete_to, "
                    "complete_time) VALUES (?1,?2,?3,?3,'routescan','height',9,?3)",
                    (row["subject"], stream, now - 20),
                )
    store.close()
    with lock(world.home), client(world.home, guard) as browser:
        page = text_of(browser.get("/health").text)
    assert "All read. 3 entries, each with all of its lists; the last pass ended" in page


# -- what stands together ------------------------------------------------------------------------


def entry(name: str, case: str, *lists: ListStatus) -> EntryStatus:
    return EntryStatus(
        id=name, case=case, label="", severity="high", chain="ethereum", address=name,
        absent=False, state=State.BLIND, streams=lists,
    )  # fmt: skip


def listed(stream: str, state: State, reason: str, failing: int | None = None) -> ListStatus:
    return ListStatus(
        stream=stream, state=state, reason=reason, covered_from=None, covered_to=None, by="",
        age_seconds=None, failing_since=failing, failing_seconds=None, unserved=False, gaps=(),
    )  # fmt: skip


def test_what_stands_alike_shares_a_line_and_the_worst_is_first() -> None:
    blind = listed("native", State.BLIND, "HTTP 503", 100)
    never = listed("internal", State.NOT_SERVED, UNSERVED)
    good = listed("erc20", State.COMPLETE, "")
    entries = [entry(f"E{n}", f"case-{n % 9}", blind, never, good) for n in range(20)]
    entries.append(entry("L", "", replace(blind, failing_since=200)))
    settings = Settings(Path(), {}, {}, (), {}, {}, {})
    found = spots_of(entries, settings)
    assert [(each.state, each.since, each.entries) for each in found] == [
        (State.BLIND, 100, 20),
        (State.BLIND, 200, 1),
        (State.NOT_SERVED, None, 20),
    ]
    assert found[0].lists == ("Plain coin transfers",)
    assert (found[0].cases, found[0].more) == (tuple(f"case-{n}" for n in range(6)), 3)
    assert (found[1].cases, found[1].loose) == ((), 1)
    assert "config/sources.yaml" in found[2].cure


def test_looking_changes_nothing(browser: Client, world: Made, guard: Open) -> None:
    def dump() -> list[str]:
        store = Store(world.home / DATABASE, readonly=True)
        try:
            tables = store.read("SELECT name FROM sqlite_master WHERE type = 'table'")
            return [
                str([tuple(r) for r in store.read(f"SELECT * FROM {t['name']}")]) for t in tables
            ]
        finally:
            store.close()

    before = dump()
    for role in ROLES:
        as_role(guard, role)
        browser.get("/health")
    assert dump() == before
