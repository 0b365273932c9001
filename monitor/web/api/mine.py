"""What a token is and may, and the description of the API."""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor.model.plain import rfc3339
from monitor.web.api.call import Answer, Call, Route
from monitor.web.api.shapes import Shape, Time


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


ROUTES = (Route("GET", "/me", me, None, "What this token is and may", Me),)
