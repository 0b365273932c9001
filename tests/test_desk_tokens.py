"""Tokens at the desk: made by whoever has shown again who they are, shown once, ended; and by
command."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from world.api import token
from world.desk import Served, User, add_person, send, served, turn_on
from world.desk_record import Made, made
from world.home import Home

from monitor.model.desk import Role
from monitor.store.deskfile import FILE, faults


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    found = made(tmp_path_factory.mktemp("home"))
    turn_on(found.home)
    return found


@pytest.fixture(scope="module")
def users(world: Made) -> dict[str, User]:
    return {
        "lead": add_person(world.home, "l.roth", Role.LEAD),
        "member": add_person(world.home, "a.keller", Role.ANALYST, cases=("case-a",)),
        "admin": add_person(world.home, "a.admin", Role.ADMIN),
    }


@pytest.fixture(scope="module")
def desk(world: Made, users: dict[str, User]) -> Iterator[Served]:
    with served(world.home) as made_:
        yield made_


def made_by(session: requests.Session, **form: str | list[str]) -> requests.Response:
    fields = {"title": "case tool", "scope": ["alerts:read"], "days": "30", **form}
    return send(session, "/tokens", "/tokens", fields)


def asked(desk: Served, key: str, path: str = "/me") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.get(f"{desk.url}/api/v1{path}", headers=headers, timeout=10)


def test_it_is_made_shown_once_used_and_ended(desk: Served, users: dict[str, User]) -> None:
    session = desk.signed_in(users["member"])
    said = made_by(session, case=["case-a"])
    assert said.status_code == 200
    (key,) = re.findall(r"fw_[0-9a-f]{8}_[\w-]+", said.text)
    assert asked(desk, key).json()["cases"] == ["case-a"]
    page = session.get("/tokens").text
    assert key not in page
    assert "case tool" in page
    form = {"token_id": key[3:11], "why": "replaced"}
    assert send(session, "/tokens", "/tokens/end", form).status_code == 303
    assert asked(desk, key).status_code == 401
    assert "replaced" in session.get("/tokens").text
    again = send(session, "/tokens", "/tokens/end", form)
    assert again.status_code == 422
    assert faults(desk.home / FILE) == []


@pytest.mark.parametrize(
    "form",
    [
        {"title": " "}, {"scope": []}, {"scope": ["all"]}, {"days": "0"}, {"days": "366"},
        {"days": "x"}, {"case": ["case-b"]}, {"case": ["case-z"]}, {"case": [""]},
    ],
    ids=str,
)  # fmt: skip
def test_a_form_that_means_nothing_is_given_back(
    desk: Served, users: dict[str, User], form: dict[str, str | list[str]]
) -> None:
    said = made_by(_member(desk, users), **form)
    assert said.status_code == 422
    assert 'role="alert"' in said.text
    assert "fw_" not in said.text


_sessions: dict[str, requests.Session] = {}


def _member(desk: Served, users: dict[str, User]) -> requests.Session:
    if "member" not in _sessions:
        _sessions["member"] = desk.signed_in(users["member"])
    return _sessions["member"]


def test_nobody_ends_what_is_not_theirs_but_an_admin(
    desk: Served, users: dict[str, User], world: Made
) -> None:
    key = token(world.home, "l.roth")
    member, admin = _member(desk, users), desk.signed_in(users["admin"])
    form = {"token_id": key[3:11], "why": "for a test"}
    assert "l.roth" not in member.get("/tokens").text
    assert send(member, "/tokens", "/tokens/end", form).status_code == 404
    assert asked(desk, key).status_code == 200
    assert "l.roth" in admin.get("/tokens").text
    assert send(admin, "/tokens", "/tokens/end", form).status_code == 303
    assert asked(desk, key).status_code == 401


def test_making_one_takes_the_password_again(desk: Served, users: dict[str, User]) -> None:
    session = desk.signed_in(users["lead"])
    with desk.desk.guard.file.change() as conn:
        conn.execute("UPDATE session SET again = again - 4000 WHERE person = 'l.roth'")
    page = session.get("/tokens").text
    assert "Enter your password" in page
    form = {"title": "x", "scope": "export", "days": "30"}
    said = send(session, "/me", "/tokens", form)
    assert said.status_code == 303
    assert "/again" in said.headers["Location"]


def test_it_is_made_listed_and_ended_by_command(
    desk: Served, users: dict[str, User], world: Made
) -> None:
    home = Home(world.home)
    made_ = home.run("tokens", "add", "siem", "--for", "l.roth", "--scope", "alerts:read")
    (key,) = re.findall(r"fw_[0-9a-f]{8}_[\w-]+", made_)
    assert asked(desk, key, "/alerts").status_code == 200
    listed = home.run("tokens", "list")
    assert key not in listed
    assert "siem" in listed
    assert "alerts:read" in listed
    home.run("tokens", "end", key[3:11], "--why", "done with it")
    assert asked(desk, key).status_code == 401
    assert key[3:11] not in home.run("tokens", "list")
    assert "done with it" in home.run("tokens", "list", "--all")
    wrong = ("tokens", "add", "x", "--for", "nobody", "--scope", "export")
    assert "is not known at the desk" in home.run(*wrong, code=2)
