"""Signing in with a passkey, in Chromium with an authenticator of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page
from world.desk import add_person, served, turn_on
from world.home import begun

from monitor.model.desk import Role

pytest.importorskip("webauthn")


def authenticator(page: Page, *, verified: bool = True) -> None:
    """A device of this browser that makes and keeps passkeys."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": verified,
                     "automaticPresenceSimulation": True}},
    )  # fmt: skip


def test_a_passkey_lets_in_alone_and_can_be_taken_away(tmp_path: Path) -> None:
    home = begun(tmp_path)
    turn_on(home.path)
    user = add_person(home.path, "m.ortiz", Role.LEAD)
    with served(home.path) as desk:
        page = desk.page(user)
        authenticator(page)
        page.goto("/me")
        page.fill("#title", "my <b>laptop</b>")
        page.click("[data-passkey=new]")
        page.wait_for_selector("text=my <b>laptop</b>")
        assert "passkey" in home.run("users", "list")
        with page.expect_navigation():
            page.click("text=Sign out")
        page.click("[data-passkey=show]")
        page.wait_for_url("**/inbox*")
        page.goto("/me")
        assert "Signed in with passkey" in page.inner_text("main")
        # Asked again, the passkey is enough.
        page.goto("/again?next=/people")
        page.click("[data-passkey=show]")
        page.wait_for_url(f"{desk.url}/people")  # not the one that ends in next=/people
        page.goto("/me")
        page.click("text=Take away")
        page.wait_for_selector("text=The passkey is taken away")
        page.click("text=Sign out")
        page.click("[data-passkey=show]")
        page.wait_for_selector("text=This passkey was not taken")
        assert [said for said in page.said if "422" not in said] == []


def test_a_passkey_of_somebody_else_lets_nobody_in(tmp_path: Path) -> None:
    home = begun(tmp_path)
    turn_on(home.path)
    user = add_person(home.path, "m.ortiz", Role.LEAD)
    with served(home.path) as desk:
        page = desk.context().new_page()
        authenticator(page)
        page.goto("/sign-in")
        token = page.get_attribute("input[name=token]", "value")
        for credential in ("", "{}", "[]", '{"id": "x"}', '{"id": 1, "response": {}}', "x" * 9000):
            said = page.request.post(
                "/passkey", form={"token": str(token), "credential": credential},
                headers={"Origin": desk.url},
            )  # fmt: skip
            assert said.status in (400, 422), credential
        assert user.name not in page.content()
