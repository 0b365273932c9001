"""What people do to a case: close it and open it again, put it under a legal hold."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.decide.retention import ends
from monitor.loops.find import unknown
from monitor.loops.hands import reason_of
from monitor.model.acts import Actor, ChangeCase, CloseCase, HoldCase, ReleaseCase, ReopenCase
from monitor.model.cases import CaseFacts, CaseState
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import count, plural, utc
from monitor.store import cases
from monitor.store.commit import commit
from monitor.store.port import Reader, Store
from monitor.watchlist.yaml_nodes import closest

CHANGES: Mapping[str, type[ChangeCase]] = {
    "close": CloseCase,
    "reopen": ReopenCase,
    "hold": HoldCase,
    "release": ReleaseCase,
}
_DONE = {"close": "closed", "reopen": "open", "hold": "held", "release": "released"}


def known(store: Reader, text: str) -> str:
    """A case as the record spells it. Raises ConfigError for one that it does not know."""
    every, wanted = cases.known(store), text.strip()
    like = [case for case in every if case.casefold() == wanted.casefold()]
    if wanted in every or len(like) == 1:
        return wanted if wanted in every else like[0]
    near = closest(wanted, every)
    hint = f"Did you mean {near}? " if near else ""
    raise unknown("CASE", text, "is no case of the record", f"{hint}See `fundwatch case list`")


def change(
    store: Store, actor: Actor, how: str, case: str, why: str, years: int | None, now: int
) -> str:
    """`years`: of retention. Raises ConfigError for an unknown case, and for one that stands so."""
    case, why = known(store, case), reason_of(why, "--why")
    facts = next(each for each in cases.facts(store) if each.case == case)
    if said := _so_already(how, facts.state):
        raise ConfigError([Problem("CASE", case, said, "Nothing to do")])
    commit(store, actor, CHANGES[how](now, case, why, facts.state))
    return f"{_DONE[how]:<9} {case} by {actor.name}{_besides(how, facts, years, now)}"


def _so_already(how: str, state: CaseState) -> str:
    """Why there is nothing to change; empty where there is."""
    closed, held = state.closed, state.held
    return {
        "close": f"is closed already, since {utc(closed)}" if closed is not None else "",
        "reopen": "is open" if closed is None else "",
        "hold": f"is under a legal hold already, since {utc(held)}" if held is not None else "",
        "release": "is under no legal hold" if held is None else "",
    }[how]


def _besides(how: str, facts: CaseFacts, years: int | None, now: int) -> str:
    """What a person who closes a case should know of it."""
    if how != "close":
        return ""
    left = []
    if facts.untaken:
        left.append(f"{plural(facts.untaken, 'alert')} not acknowledged")
    if facts.watched:
        left.append(f"{count(facts.watched, 'address', 'addresses')} watched")
    kept = "" if years is None else f"; kept until {utc(ends(now, years))}"
    return kept + (f"; still open: {' and '.join(left)}" if left else "")
