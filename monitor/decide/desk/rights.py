"""Who may see and do what at the desk. Pure."""

from __future__ import annotations

from collections.abc import Collection

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


def sight(person: Person, cases: Collection[str]) -> Sight:
    """What somebody may see. `cases`: of which they are a member. What belongs to no case (an
    address of a published list, a notice) is for everybody who works, and not for guests of a
    case."""
    if person.role in (Role.LEAD, Role.AUDITOR):
        return Sight(None, loose=True)
    return Sight(frozenset(cases), loose=person.role is Role.ANALYST)
