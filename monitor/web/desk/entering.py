"""What the ways to sign in have in common: counting tries, and beginning a session."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from werkzeug import Response
from werkzeug.utils import redirect

from monitor.loops.desk.people import enrolled
from monitor.model.acts import Actor, ActorKind
from monitor.model.plain import duration
from monitor.store import desk, desk_failures, desk_sessions, desk_ways
from monitor.web.desk import secret
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import DEVICE, SESSION, guard_of, keep

WRONG = "Name, password or code is not right."
BOTH, BY_RECOVERY = "password and one-time code", "password and recovery code"


@dataclass(frozen=True, slots=True)
class Try:
    """One try to sign in, which counts as failed until it is taken back."""

    ask: Ask
    keys: tuple[str, ...]
    wait: int  # seconds; above 0: it is not to be looked at

    def failed(self, name: str, why: str) -> None:
        """Tell of it. What is nobody's name is not kept: it may be a password."""
        ask, guard = self.ask, guard_of(self.ask)
        known = name if desk.person(ask.store, name) else ""
        desk_failures.refused(guard.file, known, guard.client(ask.request), why, ask.now)

    @property
    def words(self) -> str:
        return f"Too many tries. Wait {duration(self.wait)}, then try again."


def try_(ask: Ask, name: str) -> Try:
    """Count a try of somebody."""
    guard = guard_of(ask)
    device = ask.request.cookies.get(DEVICE, "")
    keys = desk_failures.buckets(guard.file, name, guard.client(ask.request), device)
    return Try(ask, tuple(keys), desk_failures.try_(guard.file, keys, ask.now))


def proven(ask: Ask, name: str, password: str, code: str) -> str:
    """How somebody proves who they are by these; empty: they do not. Takes as long for a name
    that nobody has."""
    file = guard_of(ask).file
    known = desk_ways.credential(file, name) or desk_ways.Credential(name)
    person = desk.person(ask.store, name)
    right = secret.is_password(known.password, password)
    step = secret.step_of(known.code, code, ask.now)
    if not right or person is None or person.disabled is not None:
        return ""
    if step is not None:
        how = BOTH if desk_ways.use_step(file, name, step) else ""
    else:
        used = desk_ways.use_recovery(file, name, secret.plain(code), ask.now)
        how = BY_RECOVERY if used else ""
    if how and person.enrolled is None:  # killed between choosing it and saying so
        enrolled(ask.writer, Actor(ActorKind.PERSON, name, f"signed in ({how})"), name, ask.now)
    return how


def enter(ask: Ask, name: str, how: str, keys: tuple[str, ...], path: str) -> Response:
    """Begin a session, and go on to `path`."""
    return entered(ask, redirect(path, 303), name, how, keys)


def entered(ask: Ask, response: Response, name: str, how: str, keys: tuple[str, ...]) -> Response:
    """The same with an answer that is made already. Whatever session this browser had ends: its
    key may have been put there by somebody else."""
    guard, request = guard_of(ask), ask.request
    if ask.me:
        desk_sessions.end(guard.file, ask.me.session, ask.now, "signed in anew", name)
    device = request.cookies.get(DEVICE, "") or secrets.token_urlsafe(32)
    with guard.file.change() as conn:
        desk_failures.clear(conn, keys)
        desk_failures.remember(conn, device, name, ask.now)
        key, _ = desk_sessions.begin(
            *(conn, name, ask.now, how, guard.client(request)), request.user_agent.string
        )
    keep(response, SESSION, key)
    keep(response, DEVICE, device, 365 * 24 * 3600)
    return response
