"""Who may use the desk, and who sees which case."""

from __future__ import annotations

from dataclasses import replace

from monitor.decide.desk.eyes import last_lead
from monitor.loops import cases
from monitor.loops.desk.said import again, reason, the_person, wrong
from monitor.loops.doors import LONGEST_NAME
from monitor.loops.router import Router
from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.model.acts import DAEMON, Actor
from monitor.model.acts_desk import People, SetMember, SetPerson
from monitor.model.desk import Person, Role
from monitor.model.desk_work import Member
from monitor.model.ids import stable_id
from monitor.model.plain import ERASED, is_same_name, plural, tidy
from monitor.model.settings import Settings
from monitor.store import desk
from monitor.store.commit import commit
from monitor.store.port import Store


def add_person(
    store: Store, actor: Actor, name: str, role: Role, now: int, *, reports: bool = False
) -> Person:
    """Raises ConfigError where the name cannot be told from another one."""
    shown = tidy(name, LONGEST_NAME)
    if not shown or any(is_same_name(shown, each) for each in (DAEMON.name, ERASED)):
        raise wrong("name", name, "is not a person's", "Give a name, like m.ortiz")
    if "/" in shown or not shown.strip("."):  # their page has it in its address
        raise wrong("name", shown, "cannot stand in an address", "Give a name, like m.ortiz")

    def decide() -> Person:
        people = desk.people(store)
        if like := [each.name for each in people if is_same_name(each.name, shown)]:
            raise wrong("name", shown, f"is used already, by {like[0]}", "Give another one")
        person = Person(shown, role, reports, now)
        commit(store, actor, SetPerson(now, person, "", people))
        return person

    return again(decide)


def change_person(
    store: Store, actor: Actor, name: str, role: Role, reports: bool, why: str, now: int
) -> None:
    """Another role, with the right `reports` or without. Raises ConfigError where that leaves
    nobody who is an active lead."""
    why = reason(why)

    def decide() -> None:
        person, people = the_person(store, name), desk.people(store)
        new = replace(person, role=role, reports=reports)
        if new == person:
            return
        if role is not Role.LEAD:
            _keep_a_lead(people, person.name)
        commit(store, actor, SetPerson(now, new, why, people))

    again(decide)


def enrolled(store: Store, actor: Actor, name: str, now: int) -> None:
    """They have a way to sign in from now on; nothing, where they had one."""

    def decide() -> None:
        person, people = the_person(store, name), desk.people(store)
        if person.enrolled is None:
            new = replace(person, enrolled=now)
            commit(store, actor, SetPerson(now, new, "", people))

    again(decide)


def disable_person(
    store: Store, settings: Settings, actor: Actor, name: str, why: str, now: int
) -> int:
    """They may no longer use the desk: what they have goes to nobody, with a line of history, and
    is told. Yields how many alerts that were. Raises ConfigError for the last active lead."""
    why = reason(why)

    def decide() -> int:
        person, people = the_person(store, name), desk.people(store)
        if person.disabled is not None:
            return 0
        _keep_a_lead(people, person.name)
        frees = desk.held_by(store, person.name)
        told = [_freed(person.name, len(frees), now)] if frees else []
        router = Router(store, settings.channels)
        owed = [route for alert in told for route in router.route(alert, None)]
        said = f"{person.name} may no longer use the desk: {why}"
        new = replace(person, disabled=now)
        commit(store, actor, SetPerson(now, new, said, people, frees, told, owed))
        return len(frees)

    return again(decide)


def enable_person(store: Store, actor: Actor, name: str, why: str, now: int) -> None:
    """They may again. Whether they have a way to sign in is another matter."""
    why = reason(why)

    def decide() -> None:
        person, people = the_person(store, name), desk.people(store)
        if person.disabled is not None:
            commit(store, actor, SetPerson(now, replace(person, disabled=None), why, people))

    again(decide)


def set_member(
    store: Store, actor: Actor, case: str, person: str, inside: bool, why: str, now: int
) -> None:
    """Let somebody see a case, or no longer. Nothing, where it is so already."""
    case, why = cases.known(store, case), reason(why)

    def decide() -> None:
        who = the_person(store, person)
        if inside and who.disabled is not None:
            raise wrong("person", who.name, "may not use the desk", "Enable them first")
        every = [each for each in desk.members(store, case) if each.person == who.name]
        since = next((each.since for each in every if each.until is None), None)
        if inside == (since is not None):
            return
        # Twice in one second: the later one stands a second after.
        begun = max([now, *(each.since + 1 for each in every)])
        member = Member(case, who.name, begun if since is None else since, None if inside else now)
        commit(store, actor, SetMember(now, member, why))

    again(decide)


def _keep_a_lead(people: People, name: str) -> None:
    if last_lead(people, name):
        remedy = "Make somebody else a lead first: nobody could add or change anybody"
        raise wrong("person", name, "is the only lead who can sign in", remedy)


def _freed(name: str, number: int, now: int) -> Alert:
    title = f"{name} may no longer use the desk: {plural(number, 'alert')} that they had"
    verb = "belongs" if number == 1 else "belong"
    return Alert(
        *(stable_id("N", "freed", name, str(now)), AlertKind.NOTICE, Lane.NEWS, Severity.HIGH, now),
        title=f"{title} {verb} to nobody now",
    )
