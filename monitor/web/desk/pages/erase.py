"""Somebody asks that a text is erased which a person wrote: under which rule, and why."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug import Response

from monitor.decide.erasing import TWO_PEOPLE
from monitor.loops.desk import erasures
from monitor.model.errors import ConfigError, Problem
from monitor.store import desk as people
from monitor.store import written
from monitor.store.written import Written
from monitor.web.desk import gone
from monitor.web.desk.ask import Ask
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.words import Gone, Wrong

_CALLED: Mapping[str, str] = {
    "remark": "a note",
    "taken": "what was written as an alert was taken, handed over or closed",
    "proposal": "a proposal, with what was answered to it",
    "clock": "why a clock was started",
    "clock ended": "with which words a clock was ended",
    "request": "a request to hold funds: to whom, and its draft",
    "request step": "what was recorded of a request to hold funds",
}
_UNSEEN = (
    "The same words stand in a case that you do not see: ask a lead, who sees all cases, to ask "
    "for it."
)


def form(ask: Ask, what: str, name: str) -> Response:
    """GET /erase/WHAT/ID"""
    text = _found(ask, what, name)
    problems, rows, waits = list[str](), list[int](), list[str]()
    if text.text:
        try:
            rows = _rows(ask, text)
        except ConfigError as error:
            problems = [_said(each) for each in error.problems]
            waits = _waits(ask, text)
        except Wrong as error:
            problems = [str(error.description)]
    how = written.erased(ask.store, text.what, [text.id]).get(text.id)
    return ask.page(
        "erase.html.j2", "Erase a text", "cases", text=text, called=_CALLED[text.what],
        problems=problems, rows=rows, gone="" if text.text else gone.said(how),
        back=gone.place(text), path=f"/erase/{what}/{name}", two=TWO_PEOPLE, waits=waits,
    )  # fmt: skip


def do(ask: Ask, what: str, name: str) -> Response:
    """POST /erase/WHAT/ID"""
    text = _found(ask, what, name)
    wish = ask.field("why", LONGEST), ask.field("rule", LONGEST)
    years, once = ask.settings.retention_years, ask.field("once", 64)

    def asked() -> str:
        _see(ask, erasures.rows(ask.store, text))
        web = ask.settings.web
        made = erasures.erase(ask.writer, web, ask.actor, text, wish, years, ask.now, once)
        return made.id

    proposal = carried_out(asked)
    return ask.go(f"/proposal/{proposal}", "Asked for. It is erased once another person agrees.")


def _found(ask: Ask, what: str, name: str) -> Written:
    kind = what.replace("-", " ")
    text = written.find(ask.store, ask.sight, kind, name) if kind in written.WHATS else None
    if text is None:
        raise Gone
    return text


def _rows(ask: Ask, text: Written) -> list[int]:
    """What goes. Raises ConfigError and Wrong where it cannot."""
    rows = erasures.check(
        *(ask.store, ask.settings.web, ask.actor, text, ask.settings.retention_years, ask.now)
    )
    _see(ask, rows)
    return rows


def _waits(ask: Ask, text: Written) -> list[str]:
    """Proposals to erase it that whoever asks may see."""
    names = erasures.asked(ask.store, erasures.rows(ask.store, text))
    return [each for each in names if people.proposal(ask.store, ask.sight, each)]


def _see(ask: Ask, rows: list[int]) -> None:
    if written.unseen(ask.store, ask.sight, rows):
        raise Wrong(_UNSEEN)


def _said(problem: Problem) -> str:
    about = "This text" if problem.place == "text" else f"Row {problem.value} of the log"
    return f"{about} {problem.reason}. {problem.remedy}."
