"""What goes wrong under the desk while it runs is told in words, and nothing is said to be done
that is lost: a record or a file of the desk that is deleted, replaced or damaged."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world.desk import Served, User, add_person, send, served, sign_in, token_of, turn_on
from world.home import Home, begun

from monitor.model.desk import Role
from monitor.store import desk_failures
from monitor.store.deskfile import DeskFile


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = begun(tmp_path)
    turn_on(home.path)
    return home


@pytest.fixture
def admin(home: Home) -> User:
    add_person(home.path, "m.ortiz", Role.LEAD)
    return add_person(home.path, "s.admin", Role.ADMIN)


@pytest.fixture
def desk(home: Home, admin: User) -> Iterator[Served]:
    with served(home.path) as desk:
        yield desk


def away(home: Home, name: str) -> None:
    for each in (name, f"{name}-wal", f"{name}-shm"):
        if (home.path / each).exists():
            (home.path / each).rename(home.path / f"old-{each}")


def people(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as conn:
        return [row[0] for row in conn.execute("SELECT name FROM person ORDER BY name")]


def text(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


@pytest.mark.parametrize("path", ["/inbox", "/no-such-page", "/sign-in", "/static/desk.css"])
def test_a_record_that_is_gone_is_told_in_words(home: Home, desk: Served, path: str) -> None:
    away(home, "fundwatch.db")
    said = desk.visitor().get(path, allow_redirects=False)
    assert said.status_code == 503
    assert "The record cannot be used now." in said.text


@pytest.mark.parametrize("name", ["fundwatch.db", "desk.db"])
@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_done_in_a_file_that_was_taken_away(
    home: Home, desk: Served, admin: User, name: str, replaced: bool
) -> None:
    """It would be written into a file that nobody finds again."""
    session = desk.signed_in(admin)
    token = token_of(session.get("/people").text)
    away(home, name)
    if replaced:
        shutil.copy(home.path / f"old-{name}", home.path / name)
    form = {"token": token, "name": "later", "role": "reader"}
    said = session.post("/people", data=form)
    assert (said.status_code, "cannot be used now" in said.text) == (503, True)
    assert session.get("/people").status_code == 503
    record = "fundwatch.db" if name == "desk.db" else f"old-{name}"
    assert people(home.path / record) == ["m.ortiz", "s.admin"]


def test_a_damaged_record_is_told_in_words(home: Home, desk: Served, admin: User) -> None:
    session = desk.signed_in(admin)
    with (home.path / "fundwatch.db").open("r+b") as file:
        file.write(os.urandom(100_000))
    assert session.get("/people").status_code in (200, 503)
    assert sign_in_status(desk, admin) in (303, 503)


def sign_in_status(desk: Served, user: User) -> int:
    session = desk.visitor()
    if 'name="token"' not in session.get("/sign-in").text:
        return 503
    return sign_in(session, user).status_code


def test_what_is_not_there_is_told_in_words_of_ours(desk: Served, admin: User) -> None:
    session = desk.signed_in(admin)
    for path in ("/people/nobody", "/c/NO-CASE", "/alert/A-1", "/a/ethereum/0x12", "/proposal/P-1"):
        said = session.get(path)
        assert said.status_code == 404
        assert "Nothing stands at this address, or it belongs to a case" in said.text, path


@pytest.mark.parametrize("name", ["a/b", "..", ".", "/", "x/role"])
def test_nobody_has_a_name_that_no_page_can_have(desk: Served, admin: User, name: str) -> None:
    """Who could not be opened could not be disabled."""
    session = desk.signed_in(admin)
    said = send(session, "/people", "/people", {"name": name, "role": "reader"})
    assert said.status_code == 422
    assert "cannot stand in an address" in text(said.text)


@pytest.mark.parametrize(
    "name",
    [
        "a?b#c",
        "<script>alert(1)</script>x".replace("/", ""),
        "\u202eevil",
        "é ü",
        "100%25",
        "CORP\\ann",
    ],
)
def test_a_person_of_any_other_name_has_a_page(
    home: Home, desk: Served, admin: User, name: str
) -> None:
    session = desk.signed_in(admin)
    said = send(session, "/people", "/people", {"name": name, "role": "reader"})
    assert said.status_code == 200
    page = session.get("/people").text
    assert "<script>alert" not in page
    (kept,) = {*people(home.path / "fundwatch.db")} - {"m.ortiz", "s.admin"}
    assert "\u202e" not in kept
    paths = re.findall(r'href="(/people/[^"]+)"', page)
    assert len(paths) == 3
    for path in paths:
        assert session.get(path).status_code == 200
    theirs = next(p for p in paths if not p.endswith(("m.ortiz", "s.admin")))
    form = {"role": "analyst", "why": "they work now"}
    assert send(session, theirs, f"{theirs}/role", form).status_code == 303


def test_strangers_who_fail_without_a_name_keep_nobody_out(home: Home, admin: User) -> None:
    """A passkey says by itself whose it is: who fails with one has no name."""
    with closing(DeskFile(home.path / "desk.db")) as file:
        for _ in range(20):
            keys = desk_failures.buckets(file, "", "203.0.113.7", "")
            desk_failures.try_(file, keys, 1000)
        assert desk_failures.try_(file, keys, 1000) > 0
        for address, device in (("198.51.100.9", ""), ("198.51.100.9", "unknown")):
            assert (
                desk_failures.try_(file, desk_failures.buckets(file, "", address, device), 1000)
                == 0
            )
        with file.change() as conn:
            desk_failures.remember(conn, "their browser", admin.name, 1000)
        for name in ("", admin.name):  # of who signed in before, also from the stranger's address
            keys = desk_failures.buckets(file, name, "203.0.113.7", "their browser")
            assert desk_failures.try_(file, keys, 1000) == 0
        keys = desk_failures.buckets(file, "m.ortiz", "203.0.113.7", "their browser")
        assert desk_failures.try_(file, keys, 1000) > 0


def test_the_picture_of_a_code_is_for_who_showed_that_it_is_they(
    home: Home, desk: Served, admin: User
) -> None:
    session = desk.signed_in(admin)
    assert session.get("/me/code.svg").headers["Content-Type"].startswith("image/svg")
    with closing(DeskFile(home.path / "desk.db")) as file, file.change() as conn:
        conn.execute("UPDATE session SET again = again - 3600")
    said = session.get("/me/code.svg", allow_redirects=False)
    assert (said.status_code, said.headers["Location"]) == (303, "/again?next=%2Fme%2Fcode")
