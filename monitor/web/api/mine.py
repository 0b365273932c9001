"""What a token is and may, and the description of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from monitor.model.api import Scope
from monitor.model.desk import Right
from monitor.model.plain import rfc3339
from monitor.store import api_tokens
from monitor.store import desk as people
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Route, Rows
from monitor.web.api.problems import Wrong
from monitor.web.api.shapes import Shape, Time
from monitor.web.desk.pages import journal


class Me(Shape, frozen=True, kw_only=True):
    """A token."""

    id: str
    title: str
    maker: str
    role: Annotated[str, msgspec.Meta(description="Of its maker, who may do more or less later.")]
    scopes: list[str]
    cases: Annotated[
        list[str] | None, msgspec.Meta(description="That it sees now; null: all of them.")
    ]
    until: Time


def me(call: Call) -> Answer:
    """GET /me"""
    token, cases = call.token, call.sight.cases
    return Answer(
        Me(
            id=token.id,
            title=token.title,
            maker=token.maker,
            role=call.ask.signed.person.role.value,
            scopes=sorted(token.scopes),
            cases=None if cases is None else sorted(cases),
            until=rfc3339(token.until) or "",
        )
    )


class Person(Shape, frozen=True, kw_only=True):
    """Somebody who may use the desk. `cases`: of those that may be seen, where they are members."""

    name: str
    role: str
    active: bool
    disabled: Time | None
    cases: list[str]


class TokenShown(Shape, frozen=True, kw_only=True):
    """A token, without itself: nobody can be shown that again."""

    id: str
    title: str
    maker: str
    scopes: list[str]
    cases: list[str] | None
    made: Time
    until: Time
    used: Time | None
    ended: Time | None
    why: str


class Act(Shape, frozen=True, kw_only=True):
    """A row of the log: who did what, in words. `at` null: erased, or it cannot be understood."""

    number: int
    at: Time | None
    who: str
    how: Annotated[str, msgspec.Meta(description="How far it is proven who that was.")]
    what: str
    cases: list[str]
    hash: str


def users(call: Call) -> Rows:
    """GET /users: for tokens of who may see people"""
    if not (call.ask.signed.may(Right.PEOPLE) or call.may(Right.LEAD) or call.may(Right.AUDIT)):
        raise Wrong("scope_missing", "It takes a token of an admin, a lead or an auditor.")
    inside = people.inside(call.store)
    found = [
        Person(
            name=each.name, role=each.role.value, active=each.active,
            disabled=rfc3339(each.disabled),
            cases=sorted(c for c, m in inside.items() if each.name in m and call.sight.sees(c)),
        )
        for each in people.people(call.store)
    ]  # fmt: skip
    columns = ("name", "role", "active", "disabled", "cases")
    return Rows(params.in_memory(found), lambda: call.readings.all(call), columns)


def tokens(call: Call) -> Rows:
    """GET /tokens: one's own; an admin's and an auditor's token also those of others"""
    all_ = call.ask.signed.may(Right.PEOPLE) or call.may(Right.AUDIT)
    found = [
        TokenShown(
            id=each.id, title=each.title, maker=each.maker, scopes=sorted(each.scopes),
            cases=None if each.cases is None else sorted(filter(call.sight.sees, each.cases)),
            made=rfc3339(each.made) or "", until=rfc3339(each.until) or "",
            used=rfc3339(each.used), ended=rfc3339(each.ended), why=each.why,
        )
        for each in api_tokens.every(call.file, None if all_ else call.token.maker)
    ]  # fmt: skip
    columns = ("id", "title", "maker", "scopes", "cases", "made", "until", "used", "ended", "why")
    return Rows(params.in_memory(found), lambda: call.readings.all(call), columns)


def audit(call: Call) -> Rows:
    """GET /audit: the log, the newest first; for tokens of auditors that see all cases"""
    if call.sight.cases is not None:
        raise Wrong("scope_missing", "It takes a token that sees all cases.")
    args = call.args

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        found: list[journal.Line] = []
        before = int(place or 0)
        while len(found) < most:
            lines, before, _ = journal.of_record(
                call.ask, args.get("name", ""), args.get("case", ""), before
            )
            found += lines
            if not before:
                break
        return [(str(each.number), _act(each)) for each in found[:most]]

    columns = ("number", "at", "who", "how", "what", "cases", "hash")
    return Rows(page, lambda: call.readings.all(call), columns)


def _act(each: journal.Line) -> Act:
    return Act(
        number=each.number, at=rfc3339(each.at), who=each.who, how=each.how, what=each.what,
        cases=[*each.cases], hash=each.hash,
    )  # fmt: skip


_HEALTH = Scope.HEALTH

ROUTES = (
    Route("GET", "/me", me, None, "What this token is and may", Me),
    Route("GET", "/users", users, _HEALTH, "Who may use the desk", Person, listing=True),
    Route("GET", "/tokens", tokens, _HEALTH, "Tokens", TokenShown, listing=True),
    Route("GET", "/audit", audit, _HEALTH, "Who did what", Act, Right.AUDIT,
          params=(params.text("name", "By this person."), params.text("case", "Of this case.")),
          listing=True),
)  # fmt: skip
