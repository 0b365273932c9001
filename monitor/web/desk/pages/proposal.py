"""What somebody proposed: the frozen text, and the answer of another person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug import Response

from monitor.loops import erasing
from monitor.loops.desk import erasures, wishes, work
from monitor.messages import loglines
from monitor.messages.desk_lines import words
from monitor.model.desk import Line, Right
from monitor.model.desk_work import OPEN, Proposal, Standing
from monitor.model.errors import ConfigError
from monitor.model.plain import tidy
from monitor.store import desk as people
from monitor.store import desk_inbox, logbook, written
from monitor.store.logbook import Told
from monitor.store.written import Erasure
from monitor.web.desk import gone, second, shown
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import again
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.words import Gone, Wrong

SHOWN = 20  # alerts of a proposal


def proposal(ask: Ask, proposal: str) -> Response:
    """GET /proposal/ID"""
    found = _found(ask, proposal)
    may, goes = ask.signed.may(Right.WORK), _goes(ask, found)
    return ask.page(
        "proposal.html.j2",
        found.id,
        "inbox",
        found=found,
        title=second.title(found),
        lines=shown.lines(ask, _lines(ask, found), ""),
        stands=second.stands(found),
        goes=goes,
        gone="" if found.text else gone.said(_erased(ask, found)),
        erase=gone.path(ask, "proposal", found.id, "" if found.state in OPEN else found.text),
        why_not=_why_not(ask, found, goes),
        mine=may and second.is_own(ask, found),
    )


def _lines(ask: Ask, found: Proposal) -> list[Line]:
    """The first of its alerts, so that nobody agrees to numbers alone."""
    alerts = desk_inbox.seen_alerts(ask.store, ask.sight, found.alerts[:SHOWN])
    return [Line(each.id, (each,)) for each in alerts.values()]


@dataclass(frozen=True, slots=True)
class Goes:
    """A row of the log that is to be erased. `words`: what somebody wrote there."""

    number: int
    at: int
    who: str
    words: str
    gone: str = ""
    hidden: bool = False


def _goes(ask: Ask, found: Proposal) -> list[Goes]:
    """What would be erased, read now: the proposal itself names numbers alone, for it stays."""
    if found.kind != wishes.ERASE or "number" not in found.args:
        return []
    try:
        _, rows = erasing.asked_for(ask.store, int(str(found.args["number"])))
    except ConfigError:
        return []
    hidden = written.unseen(ask.store, ask.sight, rows)
    how = written.erasures(ask.store, rows)
    told = logbook.numbered(ask.store, rows)
    return [_row(number, told[number], how.get(number), number in hidden) for number in rows]


def _row(number: int, row: Told, how: Erasure | None, hidden: bool) -> Goes:
    told = row.told
    if hidden:
        return Goes(number, 0, "", "", hidden=True)
    if told is None:
        return Goes(number, 0, "", "", gone.said(how))
    said = words(told) or loglines.said(told)
    return Goes(number, told["at"], tidy(told["actor"]["name"], 80), said)


def _why_not(ask: Ask, found: Proposal, goes: Sequence[Goes]) -> str:
    """Why whoever looks may not agree: also because they cannot read what would be erased."""
    if found.state is Standing.WAITING and any(each.hidden for each in goes):
        return "You do not see all of what would be erased: somebody who sees it answers."
    return second.hindrance(ask, found)


def _erased(ask: Ask, found: Proposal) -> Erasure | None:
    return written.erased(ask.store, "proposal", [found.id]).get(found.id)


def _found(ask: Ask, wanted: str) -> Proposal:
    found = people.proposal(ask.store, ask.sight, shown.spelled(wanted))
    if found is None:
        raise Gone
    return found


def answer(ask: Ask, proposal: str) -> Response:
    """POST /proposal/ID/answer"""
    found, said = _found(ask, proposal), ask.field("answer")
    if said not in ("yes", "no"):
        raise Wrong("Say whether you agree.")
    if ask.field("digest") != found.digest:
        raise Wrong("You agree to another text than the one that is proposed. Read it again.")
    why, goes = ask.field("why", LONGEST), _goes(ask, found)
    if said == "yes" and any(each.hidden for each in goes):
        raise Wrong("You do not see all of what would be erased.")
    if any(erasures.repeats(each.words, why) for each in goes):
        raise Wrong("Your reason stays: say it without the words that are to be erased.")
    if said == "yes" and (sent := again(ask, f"/proposal/{found.id}")):
        return sent  # who agrees shows that it is still they
    web, yes = ask.settings.web, said == "yes"

    def answered() -> str:
        made = work.answer(ask.writer, web, ask.actor, found.id, yes, why, ask.now)
        return "You agreed." if made.state is not Standing.DECLINED else "You did not agree."

    return ask.go(f"/proposal/{found.id}", carried_out(answered))


def withdraw(ask: Ask, proposal: str) -> Response:
    """POST /proposal/ID/withdraw"""
    found, why = _found(ask, proposal), ask.field("why", LONGEST)

    def withdrawn() -> str:
        work.withdraw(ask.writer, ask.settings.web, ask.actor, found.id, why, ask.now)
        return "Taken back."

    return ask.go(f"/proposal/{found.id}", carried_out(withdrawn))
