"""What needs a second person, and who that may be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.model.acts import Actor, ActorKind
from monitor.model.desk import Person, Role, SecondPerson
from monitor.model.desk_work import Eyes, Proposal
from monitor.model.plain import is_same_name
from monitor.model.watch import Severity

# Alerts of these are closed by two.
WEIGHTY = (Severity.SEVERE, Severity.HIGH)


def may_agree(
    person: Person, case: str, members: Collection[str], rule: SecondPerson
) -> bool:  # fmt: skip
    """Whether somebody may agree to what concerns a case, if they do not propose it. What belongs
    to no case concerns every analyst. `members`: of the case."""
    if not person.active:
        return False
    if person.role is Role.LEAD:
        return True
    return (
        person.role is Role.ANALYST
        and rule is SecondPerson.ANALYST
        and (not case or person.name in members)
    )


def agreeing(
    people: Iterable[Person], case: str, members: Collection[str], rule: SecondPerson
) -> list[Person]:
    """Who may."""
    return [each for each in people if may_agree(each, case, members, rule)]


def is_claimed(actor: Actor) -> bool:
    """Whether a name is what somebody typed: it proposes, and never agrees."""
    return actor.kind is not ActorKind.PERSON


def eyes(actor: Actor, able: Iterable[Person]) -> Eyes:
    """Whether what somebody proposes waits for another person, of those who are `able` to agree.
    What a claimed name proposes always waits for somebody who has signed in."""
    if is_claimed(actor) or any(not is_same_name(each.name, actor.name) for each in able):
        return Eyes.SECOND
    return Eyes.ONE


def hindrance(actor: Actor, proposal: Proposal, able: Collection[Person]) -> str:
    """Why somebody may not agree to a proposal, in words; empty: they may."""
    if actor.kind is ActorKind.TOKEN:
        return "a token agrees to nothing. Somebody signs in at the desk"
    if is_claimed(actor):
        return "a name that was typed agrees to nothing. Sign in at the desk"
    if not any(each.name == actor.name for each in able):
        return f"{actor.name} may not agree here: it takes {_who(able)}"
    asked_by = str(proposal.args.get("asked_by", ""))  # of what one asks for and another confirms
    if asked_by and is_same_name(actor.name, asked_by):
        return f"{asked_by} asked for it: it takes another person"
    if not is_same_name(actor.name, proposal.name):
        return ""
    others = [each for each in able if not is_same_name(each.name, actor.name)]
    if (proposal.claimed or proposal.door == ActorKind.TOKEN) and not others:
        return ""  # one person typed it, or had a program ask, and is the only one who can sign in
    return f"{proposal.name} proposed it: it takes another person"


def agreed_eyes(actor: Actor, proposal: Proposal) -> Eyes:
    """How many saw it, once somebody has agreed who may."""
    return Eyes.ONE if is_same_name(actor.name, proposal.name) else proposal.eyes


def _who(able: Collection[Person]) -> str:
    names = sorted(each.name for each in able)
    return f"one of {', '.join(names)}" if names else "an analyst or lead of the case"


def last_lead(people: Iterable[Person], name: str) -> bool:
    """Whether somebody is the only active lead: without them nobody could add anybody."""
    leads = [each.name for each in people if each.active and each.role is Role.LEAD]
    return leads == [name]


def works_on(person: Person, case: str, members: Collection[str]) -> bool:
    """Whether somebody can be handed an alert of a case."""
    if not person.active or person.role not in (Role.LEAD, Role.ANALYST):
        return False
    return person.role is Role.LEAD or not case or person.name in members
