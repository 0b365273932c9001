"""The desk for tests: a home folder with it on, people who can sign in, the real server, and
requests or a browser that really signed in."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests
import yaml
from argon2 import PasswordHasher
from playwright.sync_api import BrowserContext, Page, sync_playwright

from monitor.app.desk import desk_of
from monitor.app.settings.load import load
from monitor.loops.desk import people
from monitor.model.acts import DAEMON
from monitor.model.acts_desk import SetMember
from monitor.model.desk import Role
from monitor.model.desk_work import Member
from monitor.store import desk_ways
from monitor.store.commit import commit
from monitor.store.deskfile import FILE, DeskFile
from monitor.store.sqlite import Store
from monitor.web.desk import secret
from monitor.web.desk.site import Desk
from monitor.web.server import Server
from world.parts import free_port

CHROMIUM = os.environ.get("FUNDWATCH_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium")
PASSWORD = "canary long password of tests 5b9d"


@dataclass
class User:
    """Somebody who can sign in. `code`: the secret of their one-time codes."""

    name: str
    code: str
    password: str = PASSWORD
    recovery: list[str] = field(default_factory=list, repr=False)
    _last: int = 0

    def now(self) -> str:
        """A code that works now. Each works once, so when this half minute's and the next one's
        are used up it is a recovery code, or that of the half minute after, which takes a while."""
        here = int(time.time()) // secret.STEP
        if self._last > here and self.recovery:
            return self.recovery.pop()
        step = max(here, self._last + 1)
        while step > int(time.time()) // secret.STEP + 1:
            time.sleep(0.5)
        self._last = step
        return pyotp.TOTP(self.code).at(step * secret.STEP)


@cache
def _hash() -> str:
    """A hash names what it was made with: who signs in with this one waits for less."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


def turn_on(home: Path, **more: object) -> int:
    """Write `web:` into config/settings.yaml of a home folder; returns the port."""
    path = home / "config/settings.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = (yaml.safe_load(path.read_text("utf-8")) if path.exists() else None) or {}
    port = free_port()
    tree["web"] = {"desk": "on", "listen": f"127.0.0.1:{port}", **more}
    path.write_text(yaml.safe_dump(tree, sort_keys=False), "utf-8")
    return port


def add_person(
    home: Path,
    name: str,
    role: str | Role = Role.ANALYST,
    *,
    cases: tuple[str, ...] = (),
    reports: bool = False,
) -> User:
    """Put somebody into the record, by its acts, and into desk.db, with a password and a code."""
    at = int(time.time()) - 60
    user = User(name, pyotp.random_base32(), recovery=secret.recovery_codes())
    with closing(Store(home / "fundwatch.db")) as store:
        people.add_person(store, DAEMON, name, Role(role), at, reports=reports)
        people.enrolled(store, DAEMON, name, at)
        for case in cases:  # also one that has no entry yet
            commit(store, DAEMON, SetMember(at, Member(case, name, at), "for a test"))
    with closing(DeskFile(home / FILE)) as file, file.change() as conn:
        desk_ways.set_password(conn, name, _hash(), at)
        desk_ways.set_code(conn, name, user.code, 0, map(secret.plain, user.recovery), at)
    return user


@dataclass
class Served:
    """The desk of a home folder, served."""

    home: Path
    desk: Desk
    port: int
    _stack: ExitStack = field(repr=False)
    _browser: Any = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def visitor(self) -> requests.Session:
        """Somebody with a browser's manners who has not signed in. Like browsers it takes the
        cookies of a safe connection from localhost too."""
        session = Manners(self.url)
        self._stack.callback(session.close)
        return session

    def signed_in(self, user: User) -> requests.Session:
        """The same, signed in by the real form. Addresses begin with a slash."""
        session = self.visitor()
        said = sign_in(session, user)
        assert said.status_code == 303, said.text
        return session

    def context(self, **more: Any) -> BrowserContext:
        """A browser of its own kind: java_script_enabled=False, viewport={...}."""
        if not CHROMIUM:
            pytest.skip("no Chromium: apt-get install chromium")
        if self._browser is None:
            playwright = self._stack.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=CHROMIUM)
            self._stack.callback(self._browser.close)
        return self._browser.new_context(base_url=self.url, **more)

    def page(self, user: User, **more: Any) -> Page:
        """A page of a browser in which somebody signed in by the real form. What its console says
        gathers in `page.said`."""
        page = self.context(**more).new_page()
        page.said = said = []  # type: ignore[attr-defined]
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.goto("/sign-in")
        page.fill("#name", user.name)
        page.fill("#password", user.password)
        page.fill("#code", user.now())
        with page.expect_navigation():
            page.click("main .btn.main")
        assert "/sign-in" not in page.url, page.inner_text("main")
        return page


class Manners(requests.Session):
    """What a browser does by itself: cookies (those of a safe connection on localhost too),
    Origin, redirects of a form not followed unasked."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        url = self.base + url if url.startswith("/") else url
        headers = {} if method == "GET" else {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        headers["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in self.cookies)
        follow = more.pop("allow_redirects", method == "GET")
        given = more.pop("headers", None) or {}
        more.setdefault("timeout", 30)
        said = super().request(
            method, url, headers={**headers, **given}, allow_redirects=False, **more
        )
        if follow and said.is_redirect:
            return self.get(said.headers["Location"])
        return said


def token_of(html: str) -> str:
    """What the forms of a page carry."""
    found = re.search(r'name="token" value="([^"]*)"', html)
    assert found, "no form on this page"
    return found[1]


def send(
    session: requests.Session, page: str, to: str, form: Mapping[str, str], **more: Any
) -> requests.Response:
    """Open a page and send a form of it."""
    html = session.get(page).text
    return session.post(to, data={"token": token_of(html), **form}, **more)


def sign_in(session: requests.Session, user: User, **form: str) -> requests.Response:
    """Send the form of the real page; `form`: what is written otherwise."""
    fields = {"name": user.name, "password": user.password, "next": "/me", **form}
    if "code" not in fields:
        fields["code"] = user.now()
    return send(session, "/sign-in", "/sign-in", fields)


@contextmanager
def served(home: Path, **environ: str) -> Iterator[Served]:
    """Serve the desk of a home folder whose settings turn it on (see `turn_on`). The record has
    to be there (`begun` makes one)."""
    settings = load(home, environ)
    assert settings.web.on, "call turn_on first"
    desk = desk_of(home, settings)
    server = Server(settings.web.listen, desk, proxied=bool(settings.web.proxy))
    server.start()
    try:
        with ExitStack() as stack:
            yield Served(home, desk, settings.web.listen[1], stack)
    finally:
        server.stop()
        desk.close()
