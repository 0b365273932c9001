"""Who comes in at the desk and who no longer: what stands in the record and in desk.db together.
The record comes first: whoever is disabled there is let in by nobody, whatever desk.db says."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from monitor.loops import cases
from monitor.loops.desk.people import add_person, disable_person, enable_person, set_member
from monitor.loops.desk.said import the_person, wrong
from monitor.model.acts import Actor
from monitor.model.desk import Role
from monitor.model.settings import Settings
from monitor.store import api_tokens, desk_sessions, desk_ways
from monitor.store.deskfile import DeskFile
from monitor.store.port import Store

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def new_code() -> str:
    """A secret of one-time codes, 160 bits in base 32."""
    return "".join(secrets.choice(LETTERS) for _ in range(32))


def add(
    store: Store, file: DeskFile, actor: Actor, name: str, role: Role, now: int,
    *, of_cases: Sequence[str] = (), reports: bool = False,
) -> tuple[str, str]:  # fmt: skip
    """Somebody new; yields their name and the word of their link. Raises ConfigError."""
    known = [cases.known(store, case) for case in of_cases]
    person = add_person(store, actor, name, role, now, reports=reports)
    for case in known:
        set_member(store, actor, case, person.name, True, "added with their role", now)
    return person.name, desk_ways.invite(file, person.name, new_code(), now, actor.name)


def reset(store: Store, file: DeskFile, actor: Actor, name: str, now: int) -> str:
    """Whatever let somebody in ends now; yields the word of a new link. Raises ConfigError."""
    person = the_person(store, name)
    if person.disabled is not None:
        raise wrong("person", person.name, "may not use the desk", "Enable them first")
    with file.change() as conn:
        desk_ways.forget(conn, person.name, now, "reset", actor.name)
        api_tokens.end_of(conn, person.name, now, "reset", actor.name)
    return desk_ways.invite(file, person.name, new_code(), now, actor.name)


def disable(
    store: Store, file: DeskFile, settings: Settings, actor: Actor, name: str, why: str, now: int
) -> int:
    """Their sessions, tokens and links end now, what they had goes to nobody and is told; yields
    how many alerts that were. Raises ConfigError for the last active lead."""
    freed = disable_person(store, settings, actor, name, why, now)
    with file.change() as conn:
        desk_ways.end_invitations(conn, name, now)
        desk_sessions.end_all(conn, name, now, "disabled", actor.name)
        api_tokens.end_of(conn, name, now, "disabled", actor.name)
    return freed


def enable(store: Store, file: DeskFile, actor: Actor, name: str, why: str, now: int) -> bool:
    """They may again, with what let them in before; yields whether there is something."""
    enable_person(store, actor, name, why, now)
    return desk_ways.has_way(file, name)
