"""Who may see and do what at the desk. Pure."""

from __future__ import annotations

from collections.abc import Collection

from monitor.model.api import Token
from monitor.model.desk import Person, Right, Role, Sight

_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.READER: frozenset({Right.SEE}),
    Role.ANALYST: frozenset({Right.SEE, Right.WORK, Right.AGREE}),
    Role.LEAD: frozenset({Right.SEE, Right.WORK, Right.AGREE, Right.LEAD}),
    Role.AUDITOR: frozenset({Right.SEE, Right.AUDIT}),
    # Cases of which they are a member they may see, and no more.
    Role.ADMIN: frozenset({Right.SEE, Right.PEOPLE}),
}


def rights(person: Person) -> frozenset[Right]:
    """What somebody may do, in the cases that they see."""
    found = _RIGHTS[person.role]
    return found | {Right.REPORTS} if person.reports else found


def sight(person: Person, cases: Collection[str], lists: Collection[str] = ()) -> Sight:
    """What somebody may see. `cases`: of which they are a member; `lists`: those that everybody
    can read. What belongs to no case or to such a list alone is for everybody who works, and not
    for guests of a case: else nobody but leads would have what is told of it."""
    if person.role in (Role.LEAD, Role.AUDITOR):
        return Sight(None, loose=True)
    if person.role is not Role.ANALYST:
        return Sight(frozenset(cases))
    return Sight(frozenset(cases), loose=True, lists=frozenset(lists))


# What a token never does, whoever made it: it proposes, people agree.
_OF_PEOPLE = frozenset({Right.AGREE, Right.PEOPLE, Right.REPORTS})


def token_rights(person: Person) -> frozenset[Right]:
    """What a token of somebody may do at most; its scopes say how much of it."""
    return rights(person) - _OF_PEOPLE


def token_sight(token: Token, seen: Sight) -> Sight:
    """What a token may see. `seen`: what its maker sees now."""
    if token.cases is None:
        return seen
    if seen.cases is None:
        return Sight(token.cases)
    return Sight(token.cases & seen.cases)
