"""`fundwatch users`: the first person comes in by a link, and people are let in no longer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
import requests
import yaml
from world.desk import (
    PASSWORD,
    Manners,
    Served,
    User,
    add_person,
    send,
    served,
    sign_in,
    token_of,
    turn_on,
)
from world.home import Home, begun, stop, wait_for

from monitor.model.desk import Role
from monitor.net import knock


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = begun(tmp_path)
    turn_on(home.path)
    return home


@pytest.fixture
def desk(home: Home) -> Iterator[Served]:
    with served(home.path) as desk:
        yield desk


def word_of(said: str) -> str:
    found = re.search(r"/welcome/(\S+)", said)
    assert found, said
    return found[1]


def come_in(desk: Served, name: str, word: str) -> tuple[requests.Session, User]:
    """Use a link as a person would: the secret is read off its page."""
    session = desk.visitor()
    html = session.get(f"/welcome/{word}").text
    code = re.search(r'class="mono">([A-Z2-7 ]+)<', html)
    assert code, html
    user = User(name, code[1].replace(" ", ""))
    form = {"token": token_of(html), "password": PASSWORD, "password2": PASSWORD}
    said = session.post(f"/welcome/{word}", data={**form, "code": user.now()})
    assert said.status_code == 200, said.text
    return session, user


def test_the_first_person_comes_in_by_a_link(home: Home, desk: Served) -> None:
    said = home.run("users", "add", "m.ortiz", "--role", "lead")
    assert f"{desk.url}/welcome/" in said
    word = word_of(said)
    assert "has a link until" in home.run("users", "list")
    session, user = come_in(desk, "m.ortiz", word)
    assert "m.ortiz" in session.get("/me").text
    assert "signs in with password and code" in home.run("users", "list")
    # The link worked once; what was set with it works from now on.
    over = desk.visitor().get(f"/welcome/{word}")
    assert over.status_code == 404
    assert "works once" in over.text
    assert sign_in(desk.visitor(), user).status_code == 303


def test_recovery_codes_work_once(home: Home, desk: Served) -> None:
    word = word_of(home.run("users", "add", "m.ortiz", "--role", "lead"))
    session = desk.visitor()
    html = session.get(f"/welcome/{word}").text
    secret = re.search(r'class="mono">([A-Z2-7 ]+)<', html)
    assert secret
    form = {"token": token_of(html), "password": PASSWORD, "password2": PASSWORD,
            "code": pyotp.TOTP(secret[1].replace(" ", "")).now()}  # fmt: skip
    shown = session.post(f"/welcome/{word}", data=form).text
    codes = re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</li>", shown)
    assert len(codes) == 10
    user = User("m.ortiz", secret[1].replace(" ", ""))
    assert sign_in(desk.visitor(), user, code=codes[0]).status_code == 303
    assert sign_in(desk.visitor(), user, code=codes[0]).status_code == 422
    assert sign_in(desk.visitor(), user, code=codes[1].upper()).status_code == 303


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 14"),
        ("passwordpassword", "commonest"),
        ("Chelsea1234567!", "commonest"),
        ("aaaaaaaaaaaaaaaaaa", "repeats"),
        ("abcabcabcabcabcabc", "repeats"),
        ("m.ortiz-fundwatch", "your name"),
        ("qwertyuiopasdfghjkl", "row of the keyboard"),
    ],
)
def test_passwords_that_are_not_taken(home: Home, desk: Served, password: str, words: str) -> None:
    word = word_of(home.run("users", "add", "m.ortiz", "--role", "lead"))
    form = {"password": password, "password2": password, "code": "000000"}
    said = send(desk.visitor(), f"/welcome/{word}", f"/welcome/{word}", form)
    assert said.status_code == 422
    assert words in said.text


def test_disabling_ends_sessions_at_once(home: Home, desk: Served) -> None:
    add_person(home.path, "m.ortiz", Role.LEAD)
    weber = add_person(home.path, "j.weber")
    session = desk.signed_in(weber)
    assert session.get("/me").status_code == 200
    home.run("users", "disable", "j.weber", "--why", "left the team")
    assert session.get("/me", allow_redirects=False).status_code == 303
    assert sign_in(desk.visitor(), weber).status_code == 422
    assert "disabled since" in home.run("users", "list")
    home.run("users", "enable", "j.weber")
    assert sign_in(desk.visitor(), weber).status_code == 303
    assert session.get("/me", allow_redirects=False).status_code == 303  # that one stays ended


def test_the_last_lead_stays(home: Home) -> None:
    add_person(home.path, "m.ortiz", Role.LEAD)
    add_person(home.path, "j.weber")
    for change in (("disable", "m.ortiz"), ("role", "m.ortiz", "analyst")):
        assert "only lead" in home.run("users", *change, code=2)
    home.run("users", "role", "j.weber", "lead")
    home.run("users", "disable", "m.ortiz")


def test_reset_ends_what_let_somebody_in(home: Home, desk: Served) -> None:
    ortiz = add_person(home.path, "m.ortiz", Role.LEAD)
    session = desk.signed_in(ortiz)
    word = word_of(home.run("users", "reset", "m.ortiz"))
    assert session.get("/me", allow_redirects=False).status_code == 303
    assert sign_in(desk.visitor(), ortiz).status_code == 422
    _, anew = come_in(desk, "m.ortiz", word)
    assert sign_in(desk.visitor(), anew).status_code == 303


def test_a_newer_link_ends_the_older(home: Home, desk: Served) -> None:
    first = word_of(home.run("users", "add", "m.ortiz", "--role", "lead"))
    home.run("users", "reset", "m.ortiz")
    assert desk.visitor().get(f"/welcome/{first}").status_code == 404


def test_nobody_is_added_who_is_not_known(home: Home) -> None:
    said = home.run("users", "add", "x.y", "--role", "analyst", "--case", "NK-99", code=2)
    assert "NK-99" in said
    assert "0 people" in home.run("users", "list")
    assert "not known" in home.run("users", "reset", "nobody", code=2)


def test_people_are_added_while_fundwatch_runs(home: Home) -> None:
    """The daemon holds the folder; whoever adds somebody waits for nothing."""
    port = turn_on(home.path)
    settings = yaml.safe_load((home.path / "config/settings.yaml").read_text())
    home.write("config/settings.yaml", {**settings, "prices": "none"})
    add_person(home.path, "a.lead", Role.LEAD)
    url = f"http://localhost:{port}/sign-in"
    process = home.start("run")
    try:
        wait_for(lambda: not knock.at(url, "Sign in - Fundwatch"), 60, lambda: knock.at(url, ""))
        word = word_of(home.run("users", "add", "m.ortiz", "--role", "analyst"))
        session = Manners(f"http://localhost:{port}")
        html = session.get(f"/welcome/{word}").text
        assert "m.ortiz" in html
        code = re.search(r'class="mono">([A-Z2-7 ]+)<', html)
        assert code
        user = User("m.ortiz", code[1].replace(" ", ""))
        form = {"token": token_of(html), "password": PASSWORD, "password2": PASSWORD}
        assert session.post(f"/welcome/{word}", data={**form, "code": user.now()}).ok
        assert session.get("/me", allow_redirects=False).status_code == 200
        home.run("users", "disable", "m.ortiz")
        assert session.get("/me", allow_redirects=False).status_code == 303
        session.close()
        home.run("verify")
    finally:
        assert stop(process) == 0
