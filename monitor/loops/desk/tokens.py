"""Tokens of programs that use the API: who makes one, for what and until when."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.decide.desk.rights import sight
from monitor.loops.desk.said import reason, the_person, wrong
from monitor.model.api import Scope, Token
from monitor.model.desk import Person
from monitor.model.plain import tidy
from monitor.store import api_tokens, desk, desk_cases
from monitor.store.deskfile import DeskFile
from monitor.store.port import Reader

DAY = 24 * 3600
LONGEST = 365  # days
MOST = 50  # that work at once, of one person


def make(
    store: Reader,
    file: DeskFile,
    maker: str,
    title: str,
    scopes: Iterable[str],
    cases: Collection[str] | None,
    days: int,
    now: int,
    by: str,
) -> tuple[Token, str]:
    """A token of a person, and itself, to be shown once. `cases` None: all that they may see.
    `by`: who makes it. Raises ConfigError."""
    person, shown = the_person(store, maker), tidy(title, 80)
    if not person.active:
        raise wrong("person", person.name, "may not use the desk", "Choose somebody who can")
    if not shown:
        raise wrong("title", "", "is empty", "Say which program it is for")
    if not 1 <= days <= LONGEST:
        raise wrong("days", str(days), "is no time for a token", f"From 1 to {LONGEST} days")
    may = _scopes(scopes)
    of = None if cases is None else _cases(store, person, cases)
    if sum(each.works(now) for each in api_tokens.every(file, person.name)) >= MOST:
        remedy = "End some that are not needed any more"
        raise wrong("token", "", f"would be one of more than {MOST} of {person.name}", remedy)
    return api_tokens.make(file, person.name, shown, may, of, now + days * DAY, now, by)


def _scopes(said: Iterable[str]) -> frozenset[Scope]:
    found = set()
    for each in said:
        try:
            found.add(Scope(each))
        except ValueError:
            known = ", ".join(scope.value for scope in Scope)
            raise wrong("scope", each, "is none", f"Use some of {known}") from None
    if not found:
        raise wrong("scope", "", "is missing", "A token without one could do nothing")
    return frozenset(found)


def _cases(store: Reader, person: Person, cases: Collection[str]) -> frozenset[str]:
    """Those that the person sees."""
    seen = sight(person, desk.cases_of(store, person.name))
    for each in cases:
        if not each or not desk_cases.is_known(store, seen, each):
            remedy = "Name cases that they see; without any the token sees what they do"
            raise wrong("case", each, f"is none that {person.name} sees", remedy)
    if not cases:
        raise wrong("case", "", "is missing", "Name one, or all that they may see")
    return frozenset(cases)


def end(file: DeskFile, token: str, why: str, now: int, by: str) -> Token:
    """It lets nobody in from now on. Raises ConfigError."""
    why, found = reason(why), api_tokens.named(file, token)
    if found is None:
        raise wrong("token", token, "is not there", "See `fundwatch tokens list`")
    if not api_tokens.end(file, token, now, why, by):
        raise wrong("token", token, "has ended already", "Nothing to do")
    return found
