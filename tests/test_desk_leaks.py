"""What a member of case A is told of case B at the desk in roundabout ways: by messages of both, by
lists of B, by what a page is asked to go on from. Each was a fault once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import desk_traced as traced
import pytest
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import CANARY, MIDDLE, T0, A, Made, made

from monitor.loops.desk import requests, work
from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.acts_trace import SayOfTrace, TakeTrace
from monitor.model.desk import Person, Role, Sight
from monitor.model.desk_requests import Stage
from monitor.model.ids import stable_id
from monitor.model.trace import Question, Say, Word
from monitor.store import desk_entries, desk_inbox, restricted
from monitor.store.commit import commit
from monitor.store.guard import DATABASE, lock
from monitor.store.sqlite import Store

DAY = 86_400
ANALYST = Person("a.keller", Role.ANALYST, enrolled=1)
LEAD = Person("k.brandt", Role.LEAD, enrolled=1)
MAIL = {
    "kind": "email", "host": "127.0.0.1", "port": 25, "security": "starttls", "user_env": "U",
    "password_env": "P", "from": "f@example.org", "to": ["a@example.org"],
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Besides what `made` holds: a list of case B that names MIDDLE, and a message that told two
    alerts of A and one of B."""
    world = made(tmp_path_factory.mktemp("home"))
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        _list_of_b(conn, world.home)
        _message_of_both(conn, world)
    _money_of_both(store)
    store.close()
    return world


def _money_of_both(store: Store) -> None:
    """Both cases have the same trace; what is asked and requested in case B has the canary."""
    asked = Question("ask_after", f"Follow the next 1, {CANARY}?", (traced.EXCHANGE,))
    for case, questions in (("case-a", ()), ("case-b", (asked,))):
        found = traced.of_case(case=case, questions=questions, wanted=())
        commit(store, DAEMON, TakeTrace(T0, case, found))
    who = Actor(ActorKind.PERSON, "b.stein", "signed in")
    made = requests.prepare(store, who, {}, "case-b", traced.PLACE, CANARY, CANARY, T0, "1")
    requests.record(store, who, made.id, Stage.SENT, T0, (CANARY, CANARY), T0, "2")
    word = Word(Say.STOP, traced.EXCHANGE, "", "b.stein", CANARY, T0)
    commit(store, who, SayOfTrace(T0, "case-b", word))


def _list_of_b(conn: Any, home: Path) -> None:
    config = json.loads((home / "config/lists.yaml").read_text("utf-8"))
    own = {"kind": "csv", "file": "b.csv", "title": f"List {CANARY}", "case": "case-b"}
    config["lists"]["of-b"] = own | {"watch": "yes"}
    (home / "config/lists.yaml").write_text(json.dumps(config), "utf-8")
    (home / "b.csv").write_text("address,chain,name\n", "utf-8")
    conn.execute("INSERT INTO publication VALUES ('of-b',1,'','',0,0,1,'{}','csv','[]',0)")
    conn.execute(
        "INSERT INTO listing (list, key, from_nr, says, since, at_least, place, published_as, "
        "ticker, network, entity, name, programs, label, chain, chains, address, rule, reason, "
        "warning) VALUES ('of-b','k',1,'s','2026-01-01',0,'line 1',?,'','','',?,'[]','',"
        "'ethereum','[\"ethereum\"]',?,'','','')",
        (MIDDLE, CANARY, MIDDLE),
    )


def _message_of_both(conn: Any, world: Made) -> None:
    home = world.home
    (home / "config/channels.yaml").write_text(json.dumps({"channels": {"mail": MAIL}}), "utf-8")
    (home / ".env").write_text("U=u\nP=p\n", "utf-8")
    (home / ".env").chmod(0o600)
    frozen = {"subject": f"[Fundwatch] MEDIUM 3 alerts, {CANARY} - x", "text": "", "html": "",
              "json": "", "attachments": [], "thread": "", "images": []}  # fmt: skip
    conn.execute(
        "INSERT INTO message VALUES ('M-1','mail','','prompt',?,?)", (T0, json.dumps(frozen))
    )
    to_middle = f"SELECT tx FROM transfer WHERE sender = '{A}' AND recipient = '{MIDDLE}'"
    (tx,) = conn.execute(to_middle).fetchone()
    for word, entry, moved in (
        ("middle", world.entry_a, tx),
        ("second", world.entry_a, world.both),
        ("of b", world.entry_b, world.both),
    ):
        name = stable_id("A", word)
        conn.execute(
            "INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, direction, "
            "lane_reason, title, facts, audience) VALUES "
            "(?,'movement','news','medium',?,'ethereum',?,?,'out','','','{}','desk')",
            (name, T0 + 21 * DAY, moved, entry),
        )
        conn.execute(
            "INSERT INTO alert_transfer SELECT ?, id FROM transfer WHERE tx = ?", (name, moved)
        )
        conn.execute("INSERT INTO route VALUES (?,'mail','prompt','M-1')", (name,))


@pytest.fixture
def guard() -> Open:
    return Open(person=ANALYST, cases=("case-a",))


@pytest.fixture
def member(world: Made, guard: Open) -> Iterator[Client]:
    with client(world.home, guard) as made:
        yield made


def test_a_message_of_several_cases_lends_its_subject_to_no_line(
    member: Client, guard: Open
) -> None:
    for path in ("/inbox", "/g/M-1", f"/alert/{stable_id('A', 'second')}"):
        page = member.get(path).text
        assert "2 alerts told in one message" in page or path == "/g/M-1"
        assert CANARY not in page, path
    guard.person = LEAD
    assert f"MEDIUM 3 alerts, {CANARY}" in member.get("/inbox").text


def test_followed_money_of_another_case_stands_nowhere(member: Client, guard: Open) -> None:
    """The same addresses stand in both traces."""
    mine = ("/following", "/rests", "/c/case-a", "/c/case-a/following", "/c/case-a?seized=all")
    place = f"&chain=ethereum&address={traced.HUB.address}&contract={traced.PLACE[1]}"
    for path in (*mine, f"/request/new?case=case-a{place}", "/c/case-a?kind=all"):
        page = member.get(path)
        assert page.status_code == 200, path
        assert CANARY not in page.text, path
        assert "case-b" not in page.text, path
    theirs = ("/c/case-b/following", "/following/case-b", f"/request/new?case=case-b{place}")
    for path in theirs:
        page = member.get(path)
        assert page.status_code == 404
        assert page.text == member.get(path.replace("case-b", "case-x")).text
    guard.person = LEAD
    seen = [CANARY in member.get(path).text for path in ("/following", "/rests", *theirs[:2])]
    assert all(seen)


def test_a_list_of_another_case_names_nobody_in_an_alert(member: Client, guard: Open) -> None:
    alert = f"/alert/{stable_id('A', 'middle')}"
    for path in (alert, f"/a/ethereum/{MIDDLE}", "/c/case-a?tab=movements", "/c/case-a?tab=alerts"):
        page = member.get(path).text
        assert MIDDLE[-6:].lower() in page.lower() or "tab=alerts" in path
        assert CANARY not in page, path
    guard.person = LEAD
    assert CANARY in member.get(alert).text.partition("<article")[2]


@pytest.mark.parametrize("path", ["/inbox?view=quiet", "/c/case-a?tab=alerts"])
def test_what_a_page_goes_on_from_tells_of_nobody_elses_alert(
    member: Client, guard: Open, world: Made, path: str
) -> None:
    """An alert that is not seen is one that is not there: not even when it was is told."""
    of_b, nowhere = (
        member.get(f"{path}&after={each}").text.replace(each, "")
        for each in (stable_id("A", "of b"), stable_id("A", "nowhere"))
    )
    assert world.alert_a not in nowhere.partition("<article")[0]
    assert _lines(of_b) == _lines(nowhere) == 0
    assert _lines(member.get(path).text) > 0
    guard.person, guard.cases = LEAD, ()
    if path.startswith("/inbox"):
        assert _lines(member.get(f"{path}&after={stable_id('A', 'of b')}").text) > 0


def _lines(page: str) -> int:
    """Alerts in the list of a page."""
    return page.count('data-id="') or len(set(re.findall(r'href="(/alert/[^"?]+)', page)))


def test_the_journal_has_no_gap_where_a_confidential_clock_stands(
    member: Client, guard: Open, world: Made
) -> None:
    guard.person = Person("a.rossi", Role.AUDITOR, enrolled=1)
    for number in range(120):
        guard.file.tell(T0 + number, f"act {number}", "m.ortiz", "case-a")
        if number % 7 == 3:
            body = (guard.file, "case-a", "secret", {}, "2026-12-01", "m.ortiz", CANARY, T0)
            restricted.start(*body, f"once{number}")
    said, path = list[str](), "/journal?of=desk"
    steps = list[int]()
    while path:
        page = member.get(path).text
        assert CANARY not in page
        assert "No." not in page
        said += re.findall(r"Act (\d+)<", page)
        more = re.search(r'href="(/journal[^"]*before=(\d+))', page)
        path = more[1].replace("&amp;", "&") if more else ""
        steps += [int(more[2])] if more else []
    assert [int(each) for each in said] == [*reversed(range(120))]
    assert steps[0] - steps[1] == 50  # as if nothing else stood there
    guard.person = replace(guard.person, reports=True)
    page = member.get("/journal?of=desk").text
    assert "confidential clock started" in page.lower()
    assert "No." in page


# -- what somebody may not do with what they see ---------------------------------------------------


@pytest.fixture
def staffed(tmp_path: Path) -> Made:
    made_ = made(tmp_path / "home")
    store = Store(made_.home / DATABASE)
    for name, role, case in (
        ("a.keller", Role.ANALYST, "case-a"), ("l.roth", Role.LEAD, ""),
        ("b.stein", Role.ANALYST, "case-a"),
    ):  # fmt: skip
        work.add_person(store, DAEMON, name, role, T0)
        work.enrolled(store, DAEMON, name, T0)
        if case:
            work.set_member(store, DAEMON, case, name, True, "for a test", T0)
    lead = Actor(ActorKind.PERSON, "l.roth", "signed in")
    work.take(store, lead, [made_.alert_a], T0 + 10)
    store.close()
    return made_


def steps(world: Made) -> list[tuple[str, str, str]]:
    store = Store(world.home / DATABASE, readonly=True)
    try:
        found = desk_inbox.history(store, world.alert_a)
        return [(each.state, each.name, each.holder) for each in found]
    finally:
        store.close()


def test_an_analyst_takes_nothing_from_others_by_handing_it_over(
    staffed: Made, guard: Open
) -> None:
    with client(staffed.home, guard) as browser:
        for path in (f"/alert/{staffed.alert_a}/hand", "/alerts/hand"):
            for to in ("", "b.stein"):
                form = {"to": to, "why": "x", "alert": staffed.alert_a}
                assert browser.post(path, data=form).status_code == 422
    assert steps(staffed) == [("acknowledged", "l.roth", "")]


def test_a_form_of_handing_over_that_is_sent_twice_is_done_once(staffed: Made, guard: Open) -> None:
    guard.person = Person("l.roth", Role.LEAD, enrolled=1)
    with client(staffed.home, guard) as browser:
        for _ in range(3):
            form = {"to": "b.stein", "why": "on leave"}
            said = browser.post(f"/alert/{staffed.alert_a}/hand", data=form)
            assert said.status_code == 303
        assert len(steps(staffed)) == 2
        browser.post(f"/alert/{staffed.alert_a}/hand", data={"to": "", "why": "on leave"})
    assert [each[2] for each in steps(staffed)] == ["", "b.stein", ""]


def test_more_entries_than_are_looked_at_are_told(tmp_path: Path, guard: Open) -> None:
    """No page looks calmer than the reading is: the strip looks at so many one by one."""
    world = made(tmp_path / "home")
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        (terms,) = conn.execute("SELECT terms FROM entry LIMIT 1").fetchone()
        terms = json.dumps(
            {**json.loads(terms), "origin": {"list": "big", "title": "Big", "programs": []}}
        )
        for number in range(desk_entries.MOST):
            key = f"ethereum/0x{number + 10**6:040x}"
            conn.execute(
                "INSERT INTO scope (key, chain, address) VALUES (?,?,?)",
                (key, "ethereum", key.partition("/")[2]),
            )
            conn.execute(
                "INSERT INTO entry (id, subject, case_id, terms, added, base_height, "
                "base_time, base_head_time, history, brought) VALUES "
                "(?,?,'case-a',?,?,1,1,1,'told','')",
                (f"E-{number}", key, terms, T0 - DAY),
            )
    mine = desk_entries.active(store, Sight(frozenset({"case-a"})))
    store.close()
    assert mine[0] == world.entry_a  # people's own go first, although the list's are older
    with lock(world.home), client(world.home, guard) as browser:  # as if it ran
        assert "3 more are watched and not looked at here" in browser.get("/c/case-a").text
        assert "3 more are watched and not looked at here" in browser.get("/inbox").text


def test_health_and_lists_tell_nothing_of_another_case(
    member: Client, guard: Open, world: Made
) -> None:
    paths = ["/health", "/lists", "/health?day=2026-11-11", "/health?day=2026-11-02"]
    for path in paths:
        page = member.get(path).text
        assert CANARY not in page, path
        assert "case-b" not in page, path
        assert world.friend_of_b not in page, path
    for path in ("/lists/of-b", "/lists/of-b?view=all", "/lists/of-b/rows.csv"):
        assert member.get(path).status_code == 404
    guard.person, guard.cases = LEAD, ()
    assert CANARY in "".join(member.get(path).text for path in (*paths, "/lists/of-b?view=all"))
    assert CANARY in member.get("/lists/of-b?view=all").text
