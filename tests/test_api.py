"""The API: who is let in with which token, what they see of alerts, and that its description is
what is served."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.test import Client
from world.api import HERE, Program, description, token
from world.desk_open import Open, client
from world.desk_record import CANARY, Made, made

from monitor.loops.desk import access, work
from monitor.model.acts import DAEMON
from monitor.model.api import Scope
from monitor.model.desk import Role
from monitor.store import api_tokens
from monitor.store.deskfile import FILE, DeskFile, faults, told
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.api.routes import ROUTES

T = int(time.time())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    found = made(tmp_path_factory.mktemp("home"))
    store = Store(found.home / DATABASE)
    for name, role, case in (
        ("a.keller", Role.ANALYST, "case-a"), ("l.roth", Role.LEAD, ""),
        ("r.vogel", Role.READER, "case-a"), ("x.gone", Role.LEAD, ""),
        ("a.rossi", Role.AUDITOR, ""), ("a.admin", Role.ADMIN, ""),
    ):  # fmt: skip
        work.add_person(store, DAEMON, name, role, T)
        work.enrolled(store, DAEMON, name, T)
        if case:
            work.set_member(store, DAEMON, case, name, True, "for a test", T)
    store.close()
    return found


@pytest.fixture(scope="module")
def browser(world: Made) -> Iterator[Client]:
    with client(world.home, Open()) as opened:
        yield opened


@pytest.fixture(scope="module")
def lead(world: Made, browser: Client) -> Program:
    return Program(browser, token(world.home, "l.roth"))


@pytest.fixture(scope="module")
def member(world: Made, browser: Client) -> Program:
    return Program(browser, token(world.home, "a.keller"))


# -- who comes in ----------------------------------------------------------------------------------


def test_nobody_comes_in_without_a_token(world: Made, browser: Client) -> None:
    for key in ("", "fw_1_2", "x" * 5000, "Zürich".encode().decode("latin-1")):
        said = Program(browser, key).get("/alerts")
        assert said.status_code in (401, 429), key
        assert said.json["key"] in ("token_missing", "too_many")


def test_a_token_is_taken_from_the_header_alone(world: Made, browser: Client) -> None:
    key = token(world.home, "l.roth")
    browser.set_cookie("Authorization", f"Bearer {key}")
    browser.set_cookie("__Host-fundwatch", key)
    try:
        for path in (f"/api/v1/me?token={key}", f"/api/v1/me?access_token={key}", "/api/v1/me"):
            assert browser.get(path, base_url=HERE).status_code == 401
    finally:
        browser.delete_cookie("Authorization")
        browser.delete_cookie("__Host-fundwatch")
    said = Program(browser, key).get("/me")
    assert said.json["maker"] == "l.roth"
    assert said.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in said.headers


def test_it_answers_to_its_own_name_alone(world: Made, browser: Client) -> None:
    key = token(world.home, "l.roth")
    said = browser.get(
        "/api/v1/me", headers={"Authorization": f"Bearer {key}", "Host": "evil.example:80"}
    )
    assert (said.status_code, said.json["key"]) == (400, "wrong_name")


def test_only_a_hash_of_a_token_is_kept(world: Made) -> None:
    key = token(world.home, "l.roth")
    for path in world.home.glob("desk.db*"):
        assert key.encode() not in path.read_bytes()
        assert key.rpartition("_")[2].encode() not in path.read_bytes()


def test_a_token_that_is_over_or_ended_works_no_more(world: Made, browser: Client) -> None:
    over = token(world.home, "l.roth", days=1, at=T - 86_401)
    ended = token(world.home, "l.roth")
    with closing(DeskFile(world.home / FILE)) as file:
        found = api_tokens.find(file, ended)
        assert found
        assert Program(browser, ended).get("/me").status_code == 200
        assert api_tokens.end(file, found.id, T, "for a test", "tests")
    for key in (over, ended):
        assert Program(browser, key).get("/me").status_code in (401, 429)
    assert faults(world.home / FILE) == []


def test_a_token_ends_with_whoever_made_it_and_stays_so(world: Made, browser: Client) -> None:
    mine = Program(browser, token(world.home, "x.gone"))
    assert mine.get("/me").status_code == 200
    with (
        closing(Store(world.home / DATABASE)) as store,
        closing(DeskFile(world.home / FILE)) as file,
    ):
        settings = _settings(world)
        access.disable(store, file, settings, DAEMON, "x.gone", "left", T)
        assert mine.get("/me").status_code in (401, 429)
        access.enable(store, file, DAEMON, "x.gone", "back", T + 1)
    assert mine.get("/me").status_code in (401, 429)


def _settings(world: Made):
    from monitor.app.settings.load import load

    return load(world.home, {})


def test_whoever_guesses_waits_and_whoever_has_a_token_does_not(tmp_path: Path) -> None:
    world = made(tmp_path / "home")
    with closing(Store(world.home / DATABASE)) as store:
        work.add_person(store, DAEMON, "l.roth", Role.LEAD, T)
        work.enrolled(store, DAEMON, "l.roth", T)
    with client(world.home, Open()) as browser:
        good = Program(browser, token(world.home, "l.roth"))
        bad = Program(browser, "fw_00000000_guess")
        codes = [bad.get("/me").status_code for _ in range(8)]
        assert codes[:5] == [401] * 5
        assert codes[-1] == 429
        assert int(bad.get("/me").headers["Retry-After"]) > 0
        assert good.get("/me").status_code == 200


def test_what_tokens_did_is_told_once_a_day(world: Made, browser: Client) -> None:
    mine = Program(browser, token(world.home, "l.roth"))
    for _ in range(5):
        mine.get("/alerts")
        mine.get("/alerts", case="case-a")
    with closing(DeskFile(world.home / FILE)) as file:
        rows = [r for r in told(file, restricted=True, most=500) if r.act == "token used"]
        wanted = api_tokens.find(file, mine.key)
        assert wanted
    mine_rows = [r for r in rows if r.body["token"] == wanted.id]
    assert sorted((str(r.body["kind"]), r.case) for r in mine_rows) == [
        ("looked at a case", "case-a"),
        ("read", ""),
    ]


# -- scopes ----------------------------------------------------------------------------------------


def test_every_route_has_a_scope(world: Made, browser: Client) -> None:
    """Without it nothing is done, whatever is asked; of all routes that there are."""
    free = {"/me", "/openapi.json"}
    for route in ROUTES:
        assert route.scope is not None or route.path in free, route.path
        if route.scope is None:
            continue
        others = [each for each in Scope if each is not route.scope]
        weak = Program(browser, _others(world, tuple(others)))
        path = route.path.replace("{", "x").replace("}", "x")
        said = weak.send(
            route.method, path, data="{}", content_type="application/json",
            headers={"Idempotency-Key": "k", "If-Match": "*"},
        ) if route.method == "POST" else weak.get(path)  # fmt: skip
        assert (said.status_code, said.json["key"]) == (403, "scope_missing"), route


_made: dict[tuple[str, ...], str] = {}


def _others(world: Made, scopes: tuple[str, ...]) -> str:
    if scopes not in _made:
        _made[scopes] = token(world.home, "l.roth", *scopes)
    return _made[scopes]


def test_a_reader_does_nothing_by_a_token_either(world: Made, browser: Client) -> None:
    mine = Program(browser, token(world.home, "r.vogel"))
    assert mine.get(f"/alerts/{world.alert_a}").status_code == 200
    said = mine.post(f"/alerts/{world.alert_a}/take", {})
    assert said.status_code == 403


def test_a_token_of_one_case_sees_no_other(world: Made, browser: Client) -> None:
    mine = Program(browser, token(world.home, "l.roth", cases=("case-a",)))
    assert {each["desk"]["case"] for each in mine.every("/alerts")} == {"case-a"}
    assert mine.get("/me").json["cases"] == ["case-a"]
    assert mine.get(f"/alerts/{world.alert_b}").status_code == 404


# -- alerts ----------------------------------------------------------------------------------------


def test_alerts_come_page_by_page_each_once(lead: Program) -> None:
    whole = lead.get("/alerts").json["items"]
    assert len(whole) == 3
    assert lead.every("/alerts", limit=1) == whole
    assert lead.every("/alerts", limit=2, case="case-b") == [
        each for each in whole if each["desk"]["case"] == "case-b"
    ]


def test_what_may_not_be_seen_is_like_what_there_is_not(member: Program, world: Made) -> None:
    there = member.get(f"/alerts/{world.alert_b}")
    nowhere = member.get("/alerts/A-AAAAAAAAAA")
    assert there.status_code == nowhere.status_code == 404
    hide = {"log": "", "status": 404}
    assert {**there.json, **hide} == {**nowhere.json, **hide}
    page = json.dumps(member.get("/alerts").json)
    assert CANARY not in page
    assert world.entry_b not in page


def test_a_cursor_is_of_its_token_and_its_question(lead: Program, member: Program) -> None:
    after = lead.get("/alerts", limit=1).json["next"]
    assert lead.get("/alerts", limit=1, after=after).status_code == 200
    for said in (
        member.get("/alerts", limit=1, after=after),
        lead.get("/alerts", limit=1, after=after, case="case-a"),
        lead.get("/alerts", limit=1, after=after[:-2] + "AA"),
        lead.get("/alerts", after="x"),
        lead.get("/alerts", after="ü"),
    ):
        assert said.status_code == 400
        assert said.json["errors"][0]["pointer"] == "?after"


def test_a_word_that_nobody_reads_is_no_question(lead: Program) -> None:
    for query in (
        {"cse": "case-a"}, {"state": "new"}, {"limit": 0}, {"limit": 1001}, {"limit": "1e3"},
        {"since": "2026-02-30"}, {"since": "yesterday"}, {"case": ""},
    ):  # fmt: skip
        said = lead.get("/alerts", **query)
        assert said.status_code == 400, query
        assert said.json["errors"][0]["pointer"] == f"?{next(iter(query))}"
    assert lead.send("GET", "/alerts?state=open&state=closed").status_code == 400


def test_every_list_says_what_was_read(lead: Program, member: Program) -> None:
    reading = member.get("/alerts").json["reading"]
    assert reading["complete"] is False
    assert reading["running"] is False
    assert "does not run" in reading["said"] or "Nothing is being read" in reading["said"]
    assert reading["entries"] == 3
    assert all(each["reason"] for each in reading["blind"])
    of_nothing = lead.get("/alerts", case="no such case").json
    assert of_nothing["items"] == []
    assert of_nothing["reading"]["complete"] is False


# -- the description -------------------------------------------------------------------------------


def test_the_description_is_kept_beside_the_docs(lead: Program) -> None:
    kept = Path(__file__).parents[1] / "docs" / "openapi.json"
    assert json.loads(kept.read_text("utf-8")) == description(), "make docs writes it anew"
    assert lead.get("/openapi.json").json == description()
