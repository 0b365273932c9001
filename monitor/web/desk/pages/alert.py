"""One alert: what its mail says, what came after, who has it, and what can be done."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from werkzeug import Response

from monitor.decide.desk.eyes import works_on
from monitor.loops.desk import work
from monitor.messages.sheets.parts import Sheet
from monitor.model import AlertView
from monitor.model.desk import ClockRule, Open, Right
from monitor.model.desk_work import GIVEN, OUTCOMES, Outcome, Proposal
from monitor.model.errors import ConfigError, Conflict, Problem
from monitor.model.facts import REPLACED, Correction
from monitor.model.plain import ERASED, is_same_name, tidy
from monitor.store import desk as people
from monitor.store import desk_inbox, written
from monitor.store.written import Erasure
from monitor.web.desk import flow, gone, money, second, shown
from monitor.web.desk.ask import Ask
from monitor.web.desk.flow import Pictured
from monitor.web.desk.guard import looked
from monitor.web.desk.money import Money
from monitor.web.desk.words import Changed, Gone, Wrong, door_said

# The forms that an alert has, by the word in the address bar.
FORMS = ("close", "hand", "note", "clock", "over", "follow")
NOBODY = "-"  # whom a form hands it to: nobody, who is no person's name
LONGEST = 2000  # characters of what somebody writes


@dataclass(frozen=True, slots=True)
class Step:
    """A line of what people did with it."""

    at: int
    words: str
    how: str  # how the name came, where nobody signed in with it
    quote: str = ""
    gone: str = ""  # how its words were erased
    erase: str = ""  # where it is asked for that they are


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert as its page shows it."""

    id: str
    open: Open
    view: AlertView
    sheet: Sheet
    pill: str
    holder: str
    mine: bool
    acts: tuple[str, ...]  # which forms whoever looks may use
    form: str  # the one that is open
    steps: tuple[Step, ...]
    related: Sequence[tuple[str, str, int]]
    proposal: Proposal | None  # that waits
    answers: bool  # whoever looks may agree to it
    colleagues: Sequence[str]
    clocks: Sequence[ClockRule]
    outcomes: Sequence[tuple[str, str]]
    needs: str  # what closing it takes, in words
    told_before: Open | None  # the alert of the movement that this one says was reversed
    money: Money | None  # following it; None: it is about nothing that left, or has no case
    no_money: str  # why it cannot be followed, where it left
    picture: Pictured | None  # the way of the money that it tells of


def opened(ask: Ask, wanted: str) -> Opened:
    """Raises Gone for what there is not, or is not for whoever asks."""
    found = desk_inbox.seen_alerts(ask.store, ask.sight, [wanted]).get(wanted)
    if found is None:
        raise Gone
    looked(ask, found.case)
    (view,) = ask.views.alerts([wanted])
    sheet, me = shown.sheet(ask, view), ask.signed
    proposals = people.proposals(ask.store, ask.sight, state="waiting", alert=wanted)
    proposal = proposals[0] if proposals else None
    form = ask.request.args.get("do", "")
    followed, no_money = money.of_alert(ask, view)
    acts = _acts(ask, found, proposal)
    acts += ("follow",) if followed and followed.offered else ()
    return Opened(
        id=wanted,
        open=found,
        view=view,
        sheet=sheet,
        pill="corr" if sheet.banner == "CORRECTION" else found.severity,
        holder=shown.holder(found, me.person.name),
        mine=is_same_name(found.holder, me.person.name),
        acts=acts,
        form=form if form in acts else "",
        steps=tuple(_steps(ask, wanted)),
        related=desk_inbox.related(ask.store, wanted),
        proposal=proposal,
        answers=proposal is not None and not second.hindrance(ask, proposal),
        colleagues=_colleagues(ask, found),
        clocks=[each for each in ask.settings.web.clocks.values() if not each.confidential],
        outcomes=reasons(),
        needs=second.needs(ask, [found]),
        told_before=_offered(ask, view, found),
        money=followed,
        no_money=no_money,
        picture=flow.of_alert(ask, view.alert),
    )


# What a correction says of a movement that did not happen.
_UNDONE = ("reversed", REPLACED)


def _told_before(ask: Ask, view: AlertView) -> Open | None:
    """Of a correction the alert that had told the movement, where whoever looks may see it."""
    facts, before = view.alert.facts, view.alert.amends
    if not isinstance(facts, Correction) or facts.state not in _UNDONE or before is None:
        return None
    return desk_inbox.seen_alerts(ask.store, ask.sight, [before]).get(before)


def _offered(ask: Ask, view: AlertView, found: Open) -> Open | None:
    """What can close together with a correction: while both are open and are nobody else's."""
    before = _told_before(ask, view)
    if before is None or not all(_is_mine_to_close(ask, each) for each in (found, before)):
        return None
    return before


def _is_mine_to_close(ask: Ask, each: Open) -> bool:
    free = not each.holder or is_same_name(each.holder, ask.signed.person.name)
    return each.state != "closed" and not each.waits and free


def reasons() -> list[tuple[str, str]]:
    """What a person may close an alert with: key and words."""
    return [(each.value, OUTCOMES[each][0].upper() + OUTCOMES[each][1:]) for each in GIVEN]


def _colleagues(ask: Ask, found: Open) -> list[str]:
    """To whom it can be handed."""
    inside = {each.person for each in people.members(ask.store, found.case) if each.until is None}
    able = [e.name for e in people.people(ask.store) if works_on(e, found.case, inside)]
    return [each for each in able if not is_same_name(each, found.holder)]


def _acts(ask: Ask, found: Open, proposal: Proposal | None) -> tuple[str, ...]:
    if not ask.signed.may(Right.WORK):
        return ()
    if found.state == "closed":
        return ("note", "over")
    mine = is_same_name(found.holder, ask.signed.person.name)
    acts = ["note"]
    if not mine:
        acts.append("over" if found.holder else "take")
    if mine or ask.signed.may(Right.LEAD):
        acts.append("hand")
    if proposal is None:
        acts.append("close")
    if found.case and ask.settings.web.clocks:
        acts.append("clock")
    return tuple(acts)


def _steps(ask: Ask, alert: str) -> list[Step]:
    history = desk_inbox.history(ask.store, alert)
    notes = people.remarks(ask.store, ask.sight, alert=alert)
    erased = written.erased(ask.store, "taken", [each.id for each in history])
    also = written.erased(ask.store, "remark", [each.id for each in notes])
    said = [_step(ask, row, erased.get(row.id)) for row in history]
    for each in notes:
        words = f"{tidy(each.name, 80) or ERASED} wrote"
        how = gone.said(also.get(each.id)) if not each.text else ""
        path = gone.path(ask, "remark", each.id, each.text)
        said.append(Step(each.at, words, door_said(each.door), each.text, how, path))
    return sorted(said, key=lambda step: step.at, reverse=True)


_DID = {
    "acknowledged": "took it",
    "closed": "closed it",
    "open": "gave it back to nobody",
}


def _step(ask: Ask, row: desk_inbox.Step, erased: Erasure | None) -> Step:
    did = f"handed it over to {tidy(row.holder, 80)}" if row.holder else _DID[row.state]
    words = f"{tidy(row.name, 80) or ERASED} {did}"
    came = door_said(row.door) if erased is None else ""
    how = gone.said(erased) if erased is not None else ""
    return Step(row.at, words, came, row.note, how, gone.path(ask, "taken", row.id, row.note))


# -- what is done ------------------------------------------------------------------------


def seen(ask: Ask, ids: Sequence[str]) -> dict[str, Open]:
    """Those alerts, all of which whoever asks may see. Raises Gone."""
    found = desk_inbox.seen_alerts(ask.store, ask.sight, ids)
    if len(found) != len(set(ids)):
        raise Gone
    return found


def carried_out(do: Callable[[], str]) -> str:
    """What an act came to, in words. Raises Wrong and Changed in words for people."""
    try:
        return do()
    except ConfigError as error:
        raise Wrong(" ".join(_wrong(each) for each in error.problems)) from error
    except Conflict as error:
        raise Changed(f"Nothing was done: {error}.") from error


# What a form calls what the record calls otherwise.
_CALLED = {"why": "The reason", "text": "What you wrote"}


def _wrong(problem: Problem) -> str:
    """A mistake in words that name what it is about."""
    about = f"Row {problem.value} of the log" if problem.place == "log row" else ""
    about = about or tidy(problem.value, 80) or _CALLED.get(problem.place, f"The {problem.place}")
    reason = problem.reason.replace("is acknowledged by", "is in the hands of")
    return f"{about} {reason}. {problem.remedy}."


def do(ask: Ask, alert: str, act: str) -> Response:
    """POST /alert/ID/ACT"""
    wanted = shown.spelled(alert)
    seen(ask, [wanted])
    said = act_on(ask, [wanted], act)
    return ask.go(f"/alert/{wanted}{_back(ask)}", said)


def act_on(ask: Ask, ids: Sequence[str], act: str) -> str:
    """Do with these alerts what the form says; what came of it, in words."""
    why, once = ask.field("why", LONGEST), ask.field("once", 64)
    store, actor, web, now = ask.writer, ask.actor, ask.settings.web, ask.now
    if act in ("take", "over"):
        over = act == "over"
        said = carried_out(lambda: work.take(store, actor, ids, now, over=over, why=why))
        return "You have it now." if len(ids) == 1 else said
    if act == "hand":
        to = ask.field("to", 80)
        return carried_out(lambda: _handed(ask, ids, to, why))
    if act == "note":
        return carried_out(lambda: _note(ask, ids, why, once))
    if act == "close":
        outcome = ask.field("outcome", 40)
        pair = _pair(ask, ids) if outcome == Outcome.REVERSED else []

        def closed() -> str:
            wanted, both = pair or ids, bool(pair)
            made = work.close(store, web, actor, wanted, outcome, why, now, once, together=both)
            return made.said

        return carried_out(closed)
    if act == "clock" and len(ids) == 1:
        return _clock(ask, ids[0], why)
    if act == "follow" and len(ids) == 1 and (case := seen(ask, ids)[ids[0]].case):
        return carried_out(lambda: money.asked_for(ask, case, why))
    raise Gone


def _pair(ask: Ask, ids: Sequence[str]) -> list[str]:
    """A correction with the alert that it corrects, where the form says so. Raises Changed where
    somebody has taken one of them meanwhile; what is closed already is so, for a form may be sent
    twice."""
    wanted = ask.field("with", 40)
    if not wanted or len(ids) != 1:
        return []
    (view,) = ask.views.alerts(ids, brief=True)
    before, found = _told_before(ask, view), seen(ask, ids)[ids[0]]
    if before is None or before.id != wanted:
        raise Gone
    for each in (found, before):
        if each.state != "closed" and not each.waits and not _is_mine_to_close(ask, each):
            raise Changed(
                f"Nothing was done: {each.id} is in other hands by now. Look at it again."
            )
    return [found.id, before.id]


def _handed(ask: Ask, ids: Sequence[str], to: str, why: str) -> str:
    """What oneself has; a lead also what others have."""
    me, found = ask.signed, seen(ask, ids).values()
    if not me.may(Right.LEAD) and any(not is_same_name(o.holder, me.person.name) for o in found):
        raise Wrong("Only a lead hands over what somebody else has. Take it over first.")
    to = "" if to == NOBODY else to
    work.hand_over(ask.writer, ask.actor, ids, to, why, ask.now)
    return f"{to or 'Nobody'} has it now."


def _note(ask: Ask, ids: Sequence[str], text: str, once: str) -> str:
    found = desk_inbox.seen_alerts(ask.store, ask.sight, ids)
    for each in found.values():
        word = f"{once or secrets.token_hex(8)}{each.id}"
        work.note(ask.writer, ask.actor, each.case, each.id, text, ask.now, word)
    return "Noted."


def _clock(ask: Ask, alert: str, why: str) -> str:
    case, rule = seen(ask, [alert])[alert].case, ask.field("rule", 40)
    web = ask.settings.web
    if rule not in web.clocks or web.clocks[rule].confidential:
        raise Wrong("Choose which clock is started.")
    return carried_out(lambda: started(ask, case, rule, why))


def started(ask: Ask, case: str, rule: str, why: str) -> str:
    """Start a clock; until when it runs, in words."""
    clock = work.start_clock(ask.writer, ask.settings.web, ask.actor, case, rule, why, ask.now)
    return f"The clock runs; its last day is {clock.due}."


def _back(ask: Ask) -> str:
    """The list from which somebody came."""
    back = ask.field("back", 200)
    return back if back.startswith("?") else ""
