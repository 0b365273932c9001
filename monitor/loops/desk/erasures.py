"""Somebody at the desk wants a text erased that a person wrote: the request and its proposal in one
go. It goes once another person has agreed (see doing)."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.decide.desk import eyes
from monitor.decide.erasing import LET_IN, TWO_PEOPLE
from monitor.loops import erasing
from monitor.loops.desk import wishes
from monitor.loops.desk.proposing import ALL, waiting, who
from monitor.loops.desk.said import reason, wrong
from monitor.model.acts import SIGNED_IN, Actor
from monitor.model.desk import DeskSettings
from monitor.model.desk_work import Eyes, Proposal
from monitor.model.errors import ConfigError
from monitor.model.ids import stable_id
from monitor.store import desk, written
from monitor.store.port import Reader, Store
from monitor.store.written import Written


def rows(store: Reader, text: Written) -> list[int]:
    """The rows of the log that go with it: all that hold the same words."""
    return erasing.whole(store, written.rows_of(store, text.what, text.id, text.case))


def check(
    store: Reader, settings: DeskSettings, actor: Actor, text: Written, years: int | None, now: int
) -> list[int]:
    """Its rows. Raises ConfigError where it cannot be erased: with why, and what to do."""
    found = rows(store, text)
    if not found:
        why = "stands in no row of the log: it is older than the log, or its row is damaged"
        raise wrong(
            "text", text.id, why, "Whoever runs Fundwatch finds more with `fundwatch verify`"
        )
    erasing.allowed(store, found, years, now)
    for each in asked(store, found):
        raise wrong("text", text.id, f"is to be erased already: {each} waits", "See what waits")
    able = who(store, settings, text.case).able
    if eyes.eyes(actor, able) is Eyes.ONE:
        raise wrong("text", text.id, "has nobody else who could agree. " + TWO_PEOPLE, LET_IN)
    return found


def asked(store: Reader, found: Sequence[int]) -> list[str]:
    """Proposals that wait and would erase one of these rows."""
    return [
        each.id
        for each in waiting(store)
        if each.kind == wishes.ERASE
        and {*erasing.asked_for(store, int(str(each.args["number"])))[1]} & {*found}
    ]


def erase(
    store: Store,
    settings: DeskSettings,
    actor: Actor,
    text: Written,
    wish: tuple[str, str],
    years: int | None,
    now: int,
    once: str,
) -> Proposal:
    """Ask for it, and propose it to another person. `wish`: the reason and the rule that asks for
    it. The same form once more is the same proposal. Raises ConfigError as `check`."""
    why, rule = reason(wish[0]), reason(wish[1], "rule")
    made = stable_id("P", wishes.ERASE, actor.name, once)
    if (there := desk.proposal(store, ALL, made)) is not None:
        return there
    try:
        found = check(store, settings, actor, text, years, now)
    except ConfigError:
        # A second click may come while the first is being written.
        if (there := desk.proposal(store, ALL, made)) is not None:
            return there
        raise
    if repeats(text.text, f"{why}\n{rule}"):
        remedy = "Say it in other words: reason and rule stay"
        raise wrong("text", text.id, "would stand in what stays", remedy)
    number, _ = erasing.request(store, (actor, SIGNED_IN), found, (why, rule), years, now)
    return wishes.erase(store, settings, actor, number, why, now, once)


def repeats(goes: str, stays: str) -> bool:
    """Whether what stays would hold what goes. Of a word or two nobody can tell."""
    return len(goes) >= _TELLING and goes.casefold() in stays.casefold()


_TELLING = 10  # characters
