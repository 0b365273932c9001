"""Whether the text of a row of the log may be erased. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from monitor.decide.retention import ends
from monitor.model.cases import CaseState
from monitor.model.errors import Problem
from monitor.model.plain import utc

# The same at the command and at the desk.
TWO_PEOPLE = "It takes another person, because erasing cannot be undone"
CONFIRMS = "they confirm it under their own name"
LET_IN = (
    "Where nobody else may agree, an admin adds somebody (People at the desk, or `fundwatch users "
    "add`)"
)


def hindrance(
    number: int,
    about: Collection[str],
    states: Mapping[str, CaseState],
    years: int | None,
    now: int,
) -> Problem | None:
    """Why not. `about`: the cases that the row is about; one that is about none in particular may
    concern all. `states`: of the cases that were ever closed or held; `years`: of retention,
    where that is set."""
    for case in sorted(about or states):
        state = states.get(case, CaseState())
        named = f"is about case {case}, which"
        if state.held is not None:
            named = named if about else f"is about no single case, and {case}"
            why = f"{named} is under a legal hold since {utc(state.held)}"
            return _no(
                number,
                why,
                "Ask who put it there: a lead ends it at the case, or `fundwatch case release`",
            )
        if years is None or not about:
            continue
        if state.closed is None:
            why = f"{named} is open, and retention_years is set"
            return _no(
                number,
                why,
                "Its time begins when a lead closes the case, there or with `fundwatch case close`",
            )
        if (end := ends(state.closed, years)) > now:
            why = f"{named} is kept until {utc(end)} ({years} years from its closing)"
            return _no(number, why, "Ask again then")
    return None


def _no(number: int, reason: str, remedy: str) -> Problem:
    return Problem("log row", str(number), reason, remedy)
