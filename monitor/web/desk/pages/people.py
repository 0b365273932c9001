"""Who may use the desk. Leads and admins see it; admins change people, leads who sees a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug import Response
from werkzeug.exceptions import Forbidden

from monitor.loops.desk import access
from monitor.loops.desk.people import change_person, set_member
from monitor.model.desk import Person, Right, Role
from monitor.model.errors import ConfigError
from monitor.store import cases, desk, desk_sessions, desk_ways
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import AGAIN_WITHIN, again, guard_of
from monitor.web.desk.words import Gone

ROLES = {
    Role.READER: "sees the cases of which they are a member",
    Role.ANALYST: "works on the cases of which they are a member, and agrees",
    Role.LEAD: "works on all cases, hands over, says who sees which",
    Role.AUDITOR: "sees everything with the journal, changes nothing",
    Role.ADMIN: "people and health; no case but those of which they are a member",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody, as the page shows them."""

    person: Person
    stands: str
    seen: int | None  # when they were here last
    cases: tuple[str, ...]  # of those that whoever asks may see


def people(ask: Ask, wrong: str = "", status: int = 200) -> Response:
    _may_look(ask)
    rows = [_row(ask, each) for each in desk.people(ask.store)]
    return ask.page(
        *("people.html.j2", "People", "people"), status, rows=rows, wrong=wrong, roles=ROLES,
        changes=ask.signed.may(Right.PEOPLE), stale=_stale(ask),
    )  # fmt: skip


def add(ask: Ask) -> Response:
    """Somebody new; the page shows their link once."""
    if sent := again(ask, "/people"):
        return sent
    try:
        role = Role(ask.field("role"))
        name, word = access.add(
            *(ask.writer, guard_of(ask).file, ask.actor, ask.field("name", 200), role, ask.now),
            reports=bool(ask.field("reports")),
        )
    except ConfigError as error:
        return people(ask, said_of(error), 422)
    except ValueError:
        return people(ask, "Choose a role.", 422)
    return _link(ask, name, word)


def person(ask: Ask, name: str, wrong: str = "", status: int = 200) -> Response:
    _may_look(ask)
    row = _row(ask, _known(ask, name))
    known = [case for case in cases.known(ask.store) if ask.sight.sees(case)]
    return ask.page(
        *("person.html.j2", name, "people"), status, row=row, wrong=wrong, roles=ROLES,
        changes=ask.signed.may(Right.PEOPLE), leads=ask.signed.may(Right.LEAD), stale=_stale(ask),
        own=name == ask.signed.person.name, others=[c for c in known if c not in row.cases],
        sees_all=row.person.role in (Role.LEAD, Role.AUDITOR),
    )  # fmt: skip


def change(ask: Ask, name: str) -> Response:
    """Another role, or the right to see confidential clocks."""

    def do() -> Response:
        role, reports = Role(ask.field("role")), bool(ask.field("reports"))
        change_person(ask.writer, ask.actor, name, role, reports, ask.field("why"), ask.now)
        return ask.go(f"/people/{name}", f"{name} is {role} now.")

    return _changed(ask, name, do)


def reset(ask: Ask, name: str) -> Response:
    """All that let them in ends now; the page shows a new link once."""

    def do() -> Response:
        word = access.reset(ask.writer, guard_of(ask).file, ask.actor, name, ask.now)
        return _link(ask, name, word)

    return _changed(ask, name, do)


def disable(ask: Ask, name: str) -> Response:
    def do() -> Response:
        freed = access.disable(
            *(ask.writer, guard_of(ask).file, ask.settings, ask.actor, name),
            *(ask.field("why"), ask.now),
        )
        said = f"{name} is disabled. Alerts that went to nobody: {freed}."
        return ask.go(f"/people/{name}", said)

    return _changed(ask, name, do)


def enable(ask: Ask, name: str) -> Response:
    def do() -> Response:
        can = access.enable(
            *(ask.writer, guard_of(ask).file, ask.actor, name, ask.field("why"), ask.now)
        )
        left = "" if can else " They have nothing to sign in with: make a new link for them."
        return ask.go(f"/people/{name}", f"{name} may come in again.{left}")

    return _changed(ask, name, do)


def member(ask: Ask, name: str) -> Response:
    """Who sees which case is a lead's to say, for cases that they see."""
    if sent := again(ask, f"/people/{name}"):
        return sent
    found, case, inside = _known(ask, name), ask.field("case"), ask.field("how") == "in"
    if not ask.sight.sees(case) or not case:
        raise Gone
    try:
        set_member(ask.writer, ask.actor, case, found.name, inside, ask.field("why"), ask.now)
    except ConfigError as error:
        return person(ask, name, said_of(error), 422)
    how = "is a member of" if inside else "is no member any more of"
    return ask.go(f"/people/{name}", f"{name} {how} {case}.")


def _changed(ask: Ask, name: str, do: Callable[[], Response]) -> Response:
    if sent := again(ask, f"/people/{name}"):
        return sent
    found = _known(ask, name)
    if found.name == ask.signed.person.name:
        return person(ask, name, "Somebody else changes what you may do.", 422)
    try:
        return do()
    except ConfigError as error:
        return person(ask, name, said_of(error), 422)
    except ValueError:
        return person(ask, name, "Choose a role.", 422)


def _may_look(ask: Ask) -> None:
    if not (ask.signed.may(Right.PEOPLE) or ask.signed.may(Right.LEAD)):
        raise Forbidden


def _stale(ask: Ask) -> bool:
    return ask.now - ask.signed.again_at > AGAIN_WITHIN


def _known(ask: Ask, name: str) -> Person:
    found = desk.person(ask.store, name)
    if found is None:
        raise Gone
    return found


def _link(ask: Ask, name: str, word: str) -> Response:
    link = f"{ask.settings.web.url}/welcome/{word}"
    return ask.page("invited.html.j2", "A link for them", "people", name=name, link=link)


def _row(ask: Ask, found: Person) -> Row:
    file = guard_of(ask).file
    mine = [case for case in desk.cases_of(ask.store, found.name) if ask.sight.sees(case)]
    seen = desk_sessions.last_seen(file, found.name)
    return Row(found, _stands(ask, found), seen, tuple(sorted(mine)))


def _stands(ask: Ask, found: Person) -> str:
    file = guard_of(ask).file
    if found.disabled is not None:
        return "disabled"
    if desk_ways.invited_until(file, ask.now).get(found.name):
        return "has a link that was not used yet"
    if ways := desk_ways.ways_of(file).get(found.name):
        return f"signs in with {', '.join(ways)}"
    return "has no link that works"


def said_of(error: ConfigError) -> str:
    """What is wrong, for a form."""
    return " ".join(
        f"{each.place.capitalize()}{f' {each.value}' if each.value else ''} {each.reason}. "
        f"{each.remedy}." for each in error.problems
    )  # fmt: skip
