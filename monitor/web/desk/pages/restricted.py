"""Confidential clocks of a case: only for those who have the right `reports`. For everybody else
nothing of this is there, the addresses of its forms neither."""

from __future__ import annotations

import secrets

from markupsafe import Markup
from werkzeug import Response

from monitor.decide.desk import clocks as days
from monitor.model.desk import ClockRule, Right
from monitor.model.plain import tidy
from monitor.store import cases, restricted
from monitor.store.restricted import RestrictedClock
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import guard_of
from monitor.web.desk.words import Changed, Gone, Wrong

WHY_MOST = 500


def restricted_clocks(ask: Ask, case: str) -> list[RestrictedClock]:
    """Those of a case that whoever asks may see."""
    if not _may_see(ask, case):
        return []
    return restricted.of_case(guard_of(ask).file, case)


def restricted_section(ask: Ask, case: str) -> Markup:
    """A part of the case's page; nothing for whoever may not see it."""
    rules = _rules(ask)
    if not _may_see(ask, case) or not (rules or restricted_clocks(ask, case)):
        return Markup("")
    values = {
        "case": case, "clocks": restricted_clocks(ask, case), "rules": list(rules.values()),
        "works": ask.signed.may(Right.WORK), "once": secrets.token_hex(12), "terms_said": days.said,
    }  # fmt: skip
    return Markup(ask.desk.render(ask, "restricted.html.j2", values))  # noqa: S704 - a template


def start(ask: Ask, case: str) -> Response:
    _check(ask, case)
    rule = _rules(ask).get(ask.field("rule"))
    why = tidy(ask.field("why"), WHY_MOST)
    if rule is None or not why:
        raise Wrong("A clock needs a rule and a reason: it is kept beside it. Nothing was started.")
    restricted.start(
        *(guard_of(ask).file, case, rule.name, days.terms(rule)),
        *(days.due(rule, ask.now).isoformat(), ask.signed.person.name, why, ask.now),
        "".join(c for c in ask.field("once") if c.isalnum()),
    )
    return ask.go(f"/c/{case}", "The clock runs.")


def end(ask: Ask, case: str) -> Response:
    _check(ask, case)
    met, said = ask.field("how") == "met", tidy(ask.field("said"), WHY_MOST)
    if not said:
        raise Wrong("Give the reference, or why it is stopped. Nothing was changed.")
    state = "met" if met else "stopped"
    file, name = guard_of(ask).file, ask.signed.person.name
    if not restricted.end(file, case, ask.field("clock"), state, said, name, ask.now):
        raise Changed("This clock does not run any more.")
    return ask.go(f"/c/{case}", "The clock is ended.")


def _may_see(ask: Ask, case: str) -> bool:
    return ask.signed.may(Right.REPORTS) and ask.sight.sees(case)


def _check(ask: Ask, case: str) -> None:
    if not (_may_see(ask, case) and ask.signed.may(Right.WORK) and case in cases.known(ask.store)):
        raise Gone


def _rules(ask: Ask) -> dict[str, ClockRule]:
    return {name: rule for name, rule in ask.settings.web.clocks.items() if rule.confidential}
