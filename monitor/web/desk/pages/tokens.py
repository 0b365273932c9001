"""Tokens of programs: everybody makes and ends their own, an admin ends those of others too."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug import Response

from monitor.loops.desk import tokens as rules
from monitor.model.api import SCOPES, Token
from monitor.model.desk import Right
from monitor.model.errors import ConfigError
from monitor.store import api_tokens, desk_find
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import AGAIN_WITHIN, again, guard_of
from monitor.web.desk.pages.people import said_of
from monitor.web.desk.words import Gone

CASES_MOST = 200  # that can be ticked; a command names any
DAYS = ("30", "90", "180", "365")


@dataclass(frozen=True, slots=True)
class Row:
    """A token as the page shows it: of others' cases only those that whoever looks may see."""

    token: Token
    works: bool
    scopes: tuple[str, ...]
    cases: tuple[str, ...] | None


def tokens(ask: Ask, wrong: str = "", status: int = 200) -> Response:
    """GET /tokens"""
    every = ask.signed.may(Right.PEOPLE)
    mine = None if every else ask.signed.person.name
    rows = [_row(ask, each) for each in api_tokens.every(guard_of(ask).file, mine)]
    rows.sort(key=lambda row: not row.works)
    return ask.page(
        *("tokens.html.j2", "Programs", "me"), status, rows=rows, wrong=wrong, every=every,
        scopes={each.value: said for each, said in SCOPES.items()}, days=DAYS, kept=_kept(ask),
        cases=desk_find.cases(ask.store, ask.sight)[:CASES_MOST],
        stale=ask.now - ask.signed.again_at > AGAIN_WITHIN, url=ask.settings.web.url,
    )  # fmt: skip


def _kept(ask: Ask) -> dict[str, list[str]]:
    """What was chosen in a form that could not be taken."""
    return {name: ask.request.form.getlist(name) for name in ("title", "scope", "case", "days")}


def _row(ask: Ask, token: Token) -> Row:
    cases = token.cases
    seen = None if cases is None else tuple(sorted(filter(ask.sight.sees, cases)))
    scopes = tuple(each.value for each in SCOPES if each in token.scopes)
    return Row(token, token.works(ask.now), scopes, seen)


def make(ask: Ask) -> Response:
    """POST /tokens: one's own; the page shows it once."""
    if sent := again(ask, "/tokens"):
        return sent
    form, name, days = ask.request.form, ask.signed.person.name, ask.field("days", 4)
    number = int(days) if days.isascii() and days.isdecimal() else 0
    scopes, cases = form.getlist("scope")[:20], form.getlist("case")[:CASES_MOST] or None
    try:
        token, key = rules.make(
            *(ask.store, guard_of(ask).file, name, ask.field("title", 200), scopes, cases),
            *(number, ask.now, name),
        )
    except ConfigError as error:
        return tokens(ask, said_of(error), 422)
    return ask.page("token.html.j2", "A new token", "me", made=token, key=key)


def end(ask: Ask) -> Response:
    """POST /tokens/end"""
    name, wanted = ask.signed.person.name, ask.field("token_id", 20)
    found = api_tokens.named(guard_of(ask).file, wanted)
    if found is None or not (found.maker == name or ask.signed.may(Right.PEOPLE)):
        raise Gone
    if found.maker != name and (sent := again(ask, "/tokens")):
        return sent
    try:
        rules.end(guard_of(ask).file, wanted, ask.field("why", 600), ask.now, name)
    except ConfigError as error:
        return tokens(ask, said_of(error), 422)
    return ask.go("/tokens", f"{found.title} lets nobody in any more.")
