"""Signing in at the desk: the real server on a real home folder, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.desk import Served, User, add_person, send, served, sign_in, turn_on
from world.home import Home

from monitor.model.desk import Role


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.run("init")
    turn_on(home.path)
    return home


@pytest.fixture
def desk(home: Home) -> Iterator[Served]:
    with served(home.path) as desk:
        yield desk


@pytest.fixture
def ortiz(home: Home) -> User:
    return add_person(home.path, "m.ortiz", Role.LEAD)


def test_nobody_comes_in_unasked(desk: Served) -> None:
    said = desk.visitor().get("/again", allow_redirects=False)
    assert (said.status_code, said.headers["Location"]) == (303, "/sign-in?next=%2Fagain")


def test_signing_in_and_out(ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    html = session.get("/again").text
    assert "m.ortiz" in html
    kept = session.cookies["__Host-fundwatch"]
    assert send(session, "/again", "/sign-out", {}).headers["Location"] == "/sign-in"
    session.cookies.set("__Host-fundwatch", kept)
    assert session.get("/again", allow_redirects=False).status_code == 303


def test_the_cookie_is_for_this_desk_alone(ortiz: User, desk: Served) -> None:
    said = sign_in(desk.visitor(), ortiz).raw.headers.getlist("Set-Cookie")
    (cookie,) = (c for c in said if c.startswith("__Host-fundwatch="))
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert parts == {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}


def test_in_a_browser_with_scripts_and_without(ortiz: User, desk: Served) -> None:
    for script in (True, False):
        page = desk.page(ortiz, java_script_enabled=script)
        page.goto("/again")
        assert "m.ortiz" in page.inner_text("header")
        assert page.said == []
