"""What is wrong with a request, as RFC 9457 has it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from werkzeug import Response

from monitor.messages.objects import json_text
from monitor.model.errors import ConfigError, NotInOrder
from monitor.model.plain import tidy

log = logging.getLogger("fundwatch.api")

MIMETYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be wrong. `key` is a contract, `title` is for people."""

    key: str
    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    each.key: each
    for each in (
        Kind("not_understood", 400, "This cannot be understood"),
        Kind("key_missing", 400, "Idempotency-Key is missing"),
        Kind("token_missing", 401, "No token that works"),
        Kind("scope_missing", 403, "The token may not do this"),
        Kind("token_never_agrees", 403, "A token agrees to nothing"),
        Kind("wrong_name", 400, "The desk is not opened by this name"),
        Kind("not_found", 404, "There is no such thing, or it is not for this token"),
        Kind("not_allowed", 405, "This cannot be done here"),
        Kind("not_acceptable", 406, "This is not to be had in that form"),
        Kind("changed", 409, "It has changed meanwhile"),
        Kind("stale", 412, "It is not as it was when you looked"),
        Kind("too_long", 413, "This is too long"),
        Kind("not_json", 415, "The body has to be JSON"),
        Kind("not_taken", 422, "This cannot be taken"),
        Kind("key_reused", 422, "This Idempotency-Key was used for something else"),
        Kind("match_missing", 428, "If-Match is missing"),
        Kind("too_many", 429, "Too many requests"),
        Kind("fault", 500, "A fault in Fundwatch"),
        Kind("no_record", 503, "The record cannot be used now"),
    )
}


@dataclass(frozen=True, slots=True)
class Error:
    """One mistake: where in the body ("/why") or among the parameters ("?limit"), and what."""

    pointer: str
    detail: str


@dataclass(slots=True)
class Wrong(Exception):
    """A request that is answered with a problem."""

    key: str
    detail: str
    errors: Sequence[Error] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return KINDS[self.key]


def gone() -> Wrong:
    """For what there is not, and for what may not be seen: the same words."""
    return Wrong("not_found", "Nothing stands at this address that this token may see.")


def parameter(name: str, detail: str) -> Wrong:
    return Wrong("not_understood", detail, [Error(f"?{name}", detail)])


def of_config(error: ConfigError, places: Mapping[str, str] | None = None) -> Wrong:
    """Our own words for what somebody wrote. `places`: where a place of ours stands in the body."""
    if isinstance(error, NotInOrder):  # in the lines of cases that are not seen, perhaps
        return Wrong("not_taken", "A file of the desk holds mistakes: see `fundwatch check`.")
    known = {"why": "/why", "text": "/text", "person": "/to", "outcome": "/outcome"}
    known |= places or {}
    errors = [
        Error(
            known.get(each.place, f"/{each.place}"),
            f"{tidy(each.value, 80)} {each.reason}. {each.remedy}.".strip(),
        )
        for each in error.problems
    ]
    return Wrong("not_taken", " ".join(each.detail for each in errors), errors)


def answered(wrong: Wrong, method: str, route: str) -> Response:
    """The answer; its id stands in the log, which holds no address and no name."""
    kind, number = wrong.kind, secrets.token_hex(4)
    log.info("API %s: %s %s: %s (%s)", number, method, route, kind.status, kind.key)
    body = {
        "type": f"urn:fundwatch:problem:{kind.key}",
        "title": kind.title,
        "status": kind.status,
        "detail": wrong.detail,
        "key": kind.key,
        "errors": [{"pointer": each.pointer, "detail": each.detail} for each in wrong.errors],
        "log": number,
    }
    response = Response(json_text(body), kind.status, mimetype=MIMETYPE)
    response.headers.update(wrong.headers)
    if kind.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Fundwatch"'
    return response
