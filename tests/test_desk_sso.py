"""Signing in by single sign-on, against a real issuer on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from world.desk import Served, add_person, served, turn_on
from world.home import Home, begun

from monitor.model.desk import Role

pytest.importorskip("authlib")

from joserfc.jwk import RSAKey
from world.issuer import CLIENT, SECRET, Issuer

ORTIZ = {"sub": "s-1", "preferred_username": "m.ortiz", "groups": ["staff", "aml"]}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(dict(ORTIZ)) as issuer:
        yield issuer


@pytest.fixture
def home(tmp_path: Path, issuer: Issuer) -> Home:
    home = begun(tmp_path)
    home.write(".env", f"SSO={SECRET}\n")
    (home.path / ".env").chmod(0o600)
    turn_on(
        home.path, oidc_issuer=issuer.url, oidc_client_id=CLIENT, oidc_secret_env="SSO",
        oidc_roles={"aml-leads": "lead", "aml": "analyst"},
    )  # fmt: skip
    return home


@pytest.fixture
def desk(home: Home) -> Iterator[Served]:
    with served(home.path) as desk:
        yield desk


def come_in(
    desk: Served, session: requests.Session | None = None, **params: str
) -> requests.Response:
    """Follow the link of the page to the issuer and back."""
    session = session or desk.visitor()
    session.get("/sign-in")
    there = session.get("/sso", params=params, allow_redirects=False).headers["Location"]
    back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"]
    said = session.get(back, allow_redirects=False)
    said.session = session  # type: ignore[attr-defined]
    return said


def test_in_a_browser(desk: Served) -> None:
    page = desk.context().new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.goto("/sign-in?next=/me")
    page.click("text=Sign in by single sign-on")
    page.wait_for_url(f"{desk.url}/me")  # not the one that ends in next=/me
    assert "m.ortiz" in page.inner_text("header")
    assert "Signed in with single sign-on" in page.inner_text("main")
    assert said == []


def test_whoever_comes_is_made_once_with_the_role_of_their_groups(
    home: Home, desk: Served, issuer: Issuer
) -> None:
    assert come_in(desk, next="/me").headers["Location"] == "/me"
    assert come_in(desk).status_code == 303
    listed = home.run("users", "list")
    assert "m.ortiz  analyst  signs in with single sign-on" in listed
    assert "1 person" in listed
    # Another name there is the same person here, and other groups are another role.
    issuer.claims |= {"preferred_username": "m.ortiz-new", "groups": ["aml-leads"]}
    assert come_in(desk).status_code == 303
    assert "m.ortiz  lead" in home.run("users", "list")


def test_no_group_no_way_in(home: Home, desk: Served, issuer: Issuer) -> None:
    issuer.claims["groups"] = ["staff"]
    said = come_in(desk)
    assert said.status_code == 403
    assert "None of your groups" in said.text
    assert "0 people" in home.run("users", "list")


def test_nobody_gets_the_name_of_somebody_else(home: Home, desk: Served, issuer: Issuer) -> None:
    add_person(home.path, "m.ortiz", Role.LEAD)
    assert "used already" in come_in(desk).text
    issuer.claims |= {"sub": "s-2", "preferred_username": "M.Ortiz"}
    assert come_in(desk).status_code == 403


def test_who_is_disabled_stays_out(home: Home, desk: Served) -> None:
    add_person(home.path, "a.lead", Role.LEAD)
    session = come_in(desk).session  # type: ignore[attr-defined]
    home.run("users", "disable", "m.ortiz")
    assert session.get("/me", allow_redirects=False).status_code == 303
    assert come_in(desk).status_code == 403


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 600},
        {"state": "another"},
    ],
)
def test_a_word_that_does_not_fit_lets_nobody_in(
    home: Home, desk: Served, issuer: Issuer, lies: dict[str, Any]
) -> None:
    issuer.lies = lies
    said = come_in(desk)
    assert said.status_code == 403
    assert "0 people" in home.run("users", "list")


def test_a_word_with_another_signature_lets_nobody_in(desk: Served, issuer: Issuer) -> None:
    issuer.stolen = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
    assert come_in(desk).status_code == 403


def test_a_code_is_good_for_the_browser_that_asked(desk: Served) -> None:
    one, other = desk.visitor(), desk.visitor()
    for each in (one, other):
        each.get("/sign-in")
    there = one.get("/sso", allow_redirects=False).headers["Location"]
    back = requests.get(there, allow_redirects=False, timeout=10).headers["Location"]
    assert other.get(back, allow_redirects=False).status_code == 403
    assert one.get(back, allow_redirects=False).status_code == 303
    assert one.get(back, allow_redirects=False).status_code == 403  # and once


def test_asked_again_there(desk: Served, issuer: Issuer) -> None:
    session = come_in(desk).session  # type: ignore[attr-defined]
    assert "/sso?next" in session.get("/again?next=/me").text
    assert come_in(desk, session, next="/me").headers["Location"] == "/me"
    assert issuer.asked[-1]["prompt"] == "login"
    issuer.lies = {"auth_time": int(time.time()) - 3600}
    assert "did not ask you anew" in come_in(desk, session).text
    issuer.lies, issuer.claims = {}, {**ORTIZ, "sub": "s-9"}
    assert "somebody else" in come_in(desk, session).text


def test_an_issuer_that_is_silent_is_told(home: Home, desk: Served, issuer: Issuer) -> None:
    issuer.__exit__()
    said = desk.visitor().get("/sso", allow_redirects=False)
    issuer.__enter__()
    assert said.status_code == 403
    assert "does not answer" in said.text
