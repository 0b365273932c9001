"""What somebody proposed: the frozen text, and the answer of another person."""

from __future__ import annotations

from werkzeug import Response

from monitor.loops.desk import work
from monitor.model.desk import Line, Right
from monitor.model.desk_work import Proposal, Standing
from monitor.store import desk as people
from monitor.store import desk_inbox
from monitor.web.desk import second, shown
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import again
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.words import Gone, Wrong

SHOWN = 20  # alerts of a proposal


def proposal(ask: Ask, proposal: str) -> Response:
    """GET /proposal/ID"""
    found = _found(ask, proposal)
    may = ask.signed.may(Right.WORK)
    return ask.page(
        "proposal.html.j2",
        found.id,
        "inbox",
        found=found,
        title=second.title(found),
        lines=shown.lines(ask, _lines(ask, found), ""),
        stands=second.stands(found),
        why_not=second.hindrance(ask, found),
        mine=may and second.is_own(ask, found),
    )


def _lines(ask: Ask, found: Proposal) -> list[Line]:
    """The first of its alerts, so that nobody agrees to numbers alone."""
    alerts = desk_inbox.seen_alerts(ask.store, ask.sight, found.alerts[:SHOWN])
    return [Line(each.id, (each,)) for each in alerts.values()]


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
    if said == "yes" and (sent := again(ask, f"/proposal/{found.id}")):
        return sent  # who agrees shows that it is still they
    why = ask.field("why", LONGEST)
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
