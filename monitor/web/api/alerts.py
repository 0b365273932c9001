"""Alerts: the same objects as in webhooks, with what the desk adds; and what is done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from monitor.loops.desk import work
from monitor.messages.objects import alert_object
from monitor.messages.readers import as_told_to, of_lists
from monitor.model import AlertKind, AlertView, Lane, Severity
from monitor.model.api import Scope
from monitor.model.desk import Open, Right
from monitor.model.desk_work import GIVEN
from monitor.model.plain import is_same_name, rfc3339, tidy
from monitor.store import api_alerts, desk_find, desk_inbox
from monitor.store import desk as people
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Route, Rows, carried_out, digest, match
from monitor.web.api.problems import Wrong, gone
from monitor.web.api.shapes import AtDesk, Body, Done, Reading, Shape, Text, Time, Why
from monitor.web.desk import shown

STATES = ("open", "acknowledged", "closed")
ALERT = "Alert"  # the schema of an alert: that of the webhook, and `desk`


# -- shapes --------------------------------------------------------------------------------------


class Step(Shape, frozen=True, kw_only=True):
    """What somebody did with it, or wrote about it. An empty text was erased."""

    at: Time
    what: Annotated[str, msgspec.Meta(description="acknowledged | closed | open | note")]
    name: str
    door: str
    to: str
    text: str


class Group(Shape, frozen=True, kw_only=True):
    """The alerts that one message told, as far as they may be seen."""

    id: str
    alerts: list[str]


class TakeBody(Body, frozen=True, kw_only=True):
    over: Annotated[
        bool, msgspec.Meta(description="Also what somebody else has; takes a reason.")
    ] = False
    why: Annotated[str, msgspec.Meta(max_length=500)] = ""


class HandBody(Body, frozen=True, kw_only=True):
    to: Annotated[
        str, msgspec.Meta(max_length=80, description="A person of the desk; empty: nobody.")
    ]
    why: Why


class NoteBody(Body, frozen=True, kw_only=True):
    text: Text
    corrects: Annotated[
        str | None, msgspec.Meta(description="Id of the note that this one puts right.")
    ] = None


class CloseBody(Body, frozen=True, kw_only=True):
    outcome: Annotated[str, msgspec.Meta(description=f"One of {', '.join(GIVEN)}.")]
    why: Why


class WhyBody(Body, frozen=True, kw_only=True):
    why: Why


# -- reading -------------------------------------------------------------------------------------

_FILTER = (
    params.text("case", "Of this case."),
    params.one_of("state", "What people did with it.", STATES),
    params.one_of("severity", "How grave it is.", Severity),
    params.one_of("kind", "Of this kind.", AlertKind),
    params.one_of("lane", "Told at once or quietly.", Lane),
    params.text("chain", "Key of a chain."),
    params.text("entry", "Of this entry."),
    params.text("tx", "Of this transaction."),
    params.text("holder", "In the hands of this person."),
    params.when("since", "Made then or later."),
    params.when("until", "Made before then; a day is included."),
)


def alerts(call: Call) -> Rows:
    """GET /alerts"""
    args = call.args
    case = args.get("case")
    if case is not None:
        call.looked(case if call.sight.sees(case) else "")
    names = ("state", "severity", "kind", "lane", "chain", "entry", "tx", "holder")
    wanted = api_alerts.Wanted(
        case=case,
        since=params.seconds(args["since"]) if "since" in args else None,
        until=params.seconds(args["until"], end=True) if "until" in args else None,
        **{name: args[name] for name in names if name in args},
    )

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        before = int(place) if place else 2**62
        rows = api_alerts.page(call.store, call.sight, wanted, before, most)
        made = objects(call, [each for _, each in rows])
        return [(str(place), made[each]) for place, each in rows]

    def reading() -> Reading:
        return call.readings.case(call, case) if case else call.readings.all(call)

    return Rows(page, reading, COLUMNS)


COLUMNS = (
    *("id", "kind", "lane", "severity", "chain", "tx", "entry.id", "entry.address", "entry.label"),
    *("entry.case", "direction", "created", "state", "desk.holder", "desk.door", "desk.outcome"),
    *("desk.proposals", "amends", "title", "transfers.leg", "transfers.amount"),
    *("transfers.asset.contract", "transfers.from", "transfers.to", "transfers.status"),
)


def objects(call: Call, ids: Sequence[str]) -> Mapping[str, object]:
    """By id, of alerts that may be seen."""
    found = desk_inbox.seen_alerts(call.store, call.sight, ids)
    more = api_alerts.outcomes(call.store, ids)
    waits = api_alerts.waiting(call.store, call.sight, ids)
    return {
        view.alert.id: _object(
            call, view, found[view.alert.id], more[view.alert.id], waits.get(view.alert.id, [])
        )
        for view in call.ask.views.alerts([each for each in ids if each in found])
    }


def _object(
    call: Call, view: AlertView, found: Open, more: tuple[str, str], waits: list[str]
) -> object:
    allowed = call.ask.allowed
    if allowed is not None:
        mine = {*allowed, *([view.entry.case] if view.entry else [])}
        view = of_lists(as_told_to(view, allowed), lambda each: each.case in mine)
    made = alert_object(view, allowed)
    _veil(made, call)
    desk = AtDesk(
        case=found.case, holder=tidy(found.holder), door=more[1], outcome=more[0], proposals=waits
    )
    return {**made, "desk": msgspec.to_builtins(desk)}


def _veil(made: dict[str, object], call: Call) -> None:
    """Of other cases a webhook says that they watch an address too. Here not even that is said:
    whoever may not see a case does not learn that there is one."""
    allowed = call.ask.allowed
    if allowed is None:
        return
    transfers = made["transfers"]
    for each in transfers if isinstance(transfers, list) else ():
        each["entries"] = [party for party in each["entries"] if party["id"] is not None]
        each.pop("entries_left_out", None)
    names = made["names"]
    if isinstance(names, dict):
        made["names"] = {
            address: said
            for address, said in names.items()
            if not (said["watched"] and said["name"] is None)
        }


def alert(call: Call, id: str) -> Answer:
    """GET /alerts/{id}"""
    wanted = _seen(call, id)
    return Answer(objects(call, [wanted.id])[wanted.id], etag=tag(call, wanted))


def _seen(call: Call, name: str) -> Open:
    wanted = shown.spelled(name)
    found = desk_inbox.seen_alerts(call.store, call.sight, [wanted]).get(wanted)
    if found is None:
        raise gone()
    call.looked(found.case)
    return found


def tag(call: Call, found: Open) -> str:
    """Of an alert as somebody decides on it: its rows, what was told of it, who has it, what
    waits."""
    waits = api_alerts.waiting(call.store, call.sight, [found.id]).get(found.id, [])
    basis = people.basis(call.store, [found.id])
    return digest("alert", basis, found.state, found.holder, found.outcome, *waits)


def history(call: Call, id: str) -> Rows:
    """GET /alerts/{id}/history"""
    wanted = _seen(call, id)
    steps = [
        Step(at=rfc3339(each.at) or "", what=each.state, name=tidy(each.name), door=each.door,
             to=tidy(each.holder), text=each.note)
        for each in desk_inbox.history(call.store, wanted.id)
    ]  # fmt: skip
    steps += [
        Step(at=rfc3339(each.at) or "", what="note", name=tidy(each.name), door=each.door, to="",
             text=each.text)
        for each in people.remarks(call.store, call.sight, alert=wanted.id)
    ]  # fmt: skip
    steps.sort(key=lambda step: step.at)
    reading = call.readings
    return Rows(
        params.in_memory(steps),
        lambda: reading.case(call, wanted.case) if wanted.case else reading.all(call),
        ("at", "what", "name", "door", "to", "text"),
    )


def group(call: Call, id: str) -> Answer:
    """GET /groups/{id}"""
    if not desk_find.is_message(call.store, call.sight, id):
        raise gone()
    found = desk_inbox.of_message(call.store, call.sight, id)
    return Answer(Group(id=id, alerts=[each.id for each in found]))


# -- acts ----------------------------------------------------------------------------------------


def take(call: Call, id: str) -> Answer:
    """POST /alerts/{id}/take"""
    wanted, body = _seen(call, id), call.sent(TakeBody)

    def do() -> Answer:
        said = work.take(
            *(call.writer, call.actor, [wanted.id], call.now), over=body.over, why=body.why
        )
        return Answer(Done(said=said, changed=[wanted.id]))

    return carried_out(do)


def hand_over(call: Call, id: str) -> Answer:
    """POST /alerts/{id}/hand-over: what its maker has; a lead's also what others have."""
    wanted, body = _seen(call, id), call.sent(HandBody)
    match(call, tag(call, wanted))
    mine = is_same_name(wanted.holder, call.token.maker)
    if not mine and not call.may(Right.LEAD):
        raise Wrong("scope_missing", "Only a lead hands over what somebody else has.")

    def do() -> Answer:
        work.hand_over(call.writer, call.actor, [wanted.id], body.to, body.why, call.now)
        return Answer(Done(said=f"{body.to or 'Nobody'} has it now.", changed=[wanted.id]))

    return carried_out(do)


def note(call: Call, id: str) -> Answer:
    """POST /alerts/{id}/notes"""
    wanted, body = _seen(call, id), call.sent(NoteBody)

    def do() -> Answer:
        work.note(
            *(call.writer, call.actor, wanted.case, wanted.id, body.text, call.now, call.once),
            body.corrects,
        )
        return Answer(Done(said="Noted.", changed=[wanted.id]))

    return carried_out(do, {"note": "/corrects"})


def close(call: Call, id: str) -> Answer:
    """POST /alerts/{id}/close: severe and high ones wait for a second person."""
    wanted, body = _seen(call, id), call.sent(CloseBody)
    match(call, tag(call, wanted))
    web = call.settings.web

    def do() -> Answer:
        made = work.close(
            *(call.writer, web, call.actor, [wanted.id], body.outcome, body.why, call.now),
            call.once,
        )
        done = Done(
            said=made.said, changed=[*made.closed], proposals=[each.id for each in made.proposals]
        )
        return Answer(done, status=202 if made.proposals else 200)

    return carried_out(do)


def agree(call: Call, id: str) -> Answer:
    """POST /alerts/{id}/agree: never by a token."""
    match(call, tag(call, _seen(call, id)))
    raise Wrong("token_never_agrees", "A token proposes. Somebody agrees who has signed in.")


def reopen(call: Call, id: str) -> Answer:
    """POST /alerts/{id}/reopen: whoever made the token has it again."""
    wanted, body = _seen(call, id), call.sent(WhyBody)
    match(call, tag(call, wanted))
    if wanted.state != "closed":
        raise Wrong("changed", "Nothing was done: it is not closed.")

    def do() -> Answer:
        said = work.take(
            *(call.writer, call.actor, [wanted.id], call.now), over=True, why=body.why
        )  # fmt: skip
        return Answer(Done(said=said, changed=[wanted.id]))

    return carried_out(do)


_READ, _ACT = Scope.ALERTS_READ, Scope.ALERTS_ACT
_ONE = "/alerts/{id}"

ROUTES = (
    Route("GET", "/alerts", alerts, _READ, "Alerts, the newest first", ALERT, params=_FILTER,
          listing=True),
    Route("GET", _ONE, alert, _READ, "One alert", ALERT, etag=True),
    Route("GET", f"{_ONE}/history", history, _READ, "What people did with it", Step, listing=True),
    Route("GET", "/groups/{id}", group, _READ, "The alerts of one message", Group),
    Route("POST", f"{_ONE}/take", take, _ACT, "Take it in hand", Done, Right.WORK, body=TakeBody),
    Route("POST", f"{_ONE}/hand-over", hand_over, _ACT, "Hand it over", Done, Right.WORK,
          body=HandBody, match=True),
    Route("POST", f"{_ONE}/notes", note, _ACT, "Write about it", Done, Right.WORK, body=NoteBody),
    Route("POST", f"{_ONE}/close", close, _ACT, "Close it, or propose that", Done, Right.WORK,
          body=CloseBody, match=True),
    Route("POST", f"{_ONE}/agree", agree, _ACT, "Agree as a second person: never by a token", Done,
          Right.WORK, body=WhyBody, match=True),
    Route("POST", f"{_ONE}/reopen", reopen, _ACT, "Open it again", Done, Right.WORK, body=WhyBody,
          match=True),
)  # fmt: skip
