"""What programs propose about traces: that money is followed, where, how far; and what people
decided."""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor.loops.desk import following, pursuing
from monitor.model import Subject
from monitor.model.api import Scope
from monitor.model.dates import EARLIEST, since_time
from monitor.model.desk import Right
from monitor.model.desk_work import Standing
from monitor.model.flow import CONSERVING
from monitor.model.plain import rfc3339, tidy
from monitor.model.terms import Terms
from monitor.store import desk as people
from monitor.store import desk_cases
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Route, Rows, carried_out, match
from monitor.web.api.cases import known
from monitor.web.api.entries import SOON
from monitor.web.api.problems import Error, Wrong
from monitor.web.api.shapes import Body, Done, Shape, Time, Why
from monitor.web.api.traces import tag


class FollowBody(Body, frozen=True, kw_only=True):
    """`since`: the day from which what its addresses paid counts; empty: all of it."""

    case: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    why: Why
    since: Annotated[str, msgspec.Meta(max_length=10)] = ""


class About(Body, frozen=True, kw_only=True):
    """An address of the trace."""

    chain: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class DecisionBody(Body, frozen=True, kw_only=True):
    """`follow`: the trace goes on at these addresses, where it ends or waits; `leave`: it ends
    there. `more`: `number` more addresses may be looked for. `limit`: the limit of that name
    becomes `number`. `method`: that one is shown first."""

    decision: Annotated[
        str, msgspec.Meta(description="follow | leave | more | limit | method", max_length=20)
    ]
    why: Why
    addresses: Annotated[list[About], msgspec.Meta(max_length=500)] = msgspec.field(
        default_factory=list
    )
    number: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    name: Annotated[
        str,
        msgspec.Meta(
            description=f"A limit ({', '.join(Terms.LIMITS)}) or a method "
            f"({', '.join(CONSERVING)}).",
            max_length=40,
        ),
    ] = ""


class Decision(Shape, frozen=True, kw_only=True):
    """What somebody decided of a trace. `state`: waiting (for a second person), agreed (the program
    does it), done, failed, declined, withdrawn, lapsed."""

    id: str
    at: Time
    text: str
    sha256: str
    by: str
    door: str
    state: str
    ended: Time | None
    ended_by: str
    said: str


def follow(call: Call) -> Answer:
    """POST /traces: the money of a case is followed"""
    body = call.sent(FollowBody)
    if not desk_cases.is_known(call.store, call.sight, body.case):
        said = "It sees no such case: nothing was done."
        raise Wrong("not_taken", said, [Error("/case", said)])
    at = since_time(body.since) if body.since else 0
    if at is None or at > call.now or (body.since and body.since < EARLIEST):
        said = "Write a day as 2026-11-30, not after today."
        raise Wrong("not_taken", said, [Error("/since", said)])
    settings = call.settings

    def do() -> Answer:
        made = following.follow(
            *(call.writer, settings.web, call.actor, settings.chains, body.case, body.since),
            *(body.why, call.now, call.once),
        )
        return Answer(Done(said=f"Asked for. {SOON}", proposals=[made.id]), status=202)

    return carried_out(do)


def decide(call: Call, case: str) -> Answer:
    """POST /traces/{case}/decisions: a proposal, of a state that was looked at"""
    known(call, case)
    body, settings = call.sent(DecisionBody), call.settings
    match(call, tag(call, case))
    answer = _answer(body)

    def do() -> Answer:
        made = pursuing.decide(
            *(call.writer, settings.web, call.actor, settings.chains, case, answer),
            *(body.why, call.now, call.once),
        )
        waits = made.state is Standing.WAITING
        said = "It waits for a second person." if waits else f"Asked for. {SOON}"
        return Answer(Done(said=said, proposals=[made.id]), status=202)

    return carried_out(do)


def _answer(body: DecisionBody) -> pursuing.Answer:
    about = tuple(Subject(each.chain, each.address) for each in body.addresses)
    if body.decision in ("follow", "leave") and not about:
        said = "Name at least one address."
        raise Wrong("not_taken", said, [Error("/addresses", said)])
    if body.decision == "follow":
        return pursuing.Answer(follow=about)
    if body.decision == "leave":
        return pursuing.Answer(leave=about)
    if body.decision == "more" and body.number:
        return pursuing.Answer(more=body.number)
    if body.decision == "limit":
        return pursuing.Answer(limit=(body.name, body.number))
    if body.decision == "method" and body.name:
        return pursuing.Answer(method=body.name)
    said = "It is none of follow, leave, more, limit, method, or lacks what that needs."
    raise Wrong("not_taken", said, [Error("/decision", said)])


def decisions(call: Call, case: str) -> Rows:
    """GET /traces/{case}/decisions: the newest first"""
    known(call, case)
    found = people.proposals(call.store, call.sight, case=case, kind=pursuing.KIND)
    made = [
        Decision(
            id=each.id,
            at=rfc3339(each.at) or "",
            text=each.text,
            sha256=each.digest,
            by=tidy(each.name),
            door=each.door,
            state=each.state.value,
            ended=rfc3339(each.ended),
            ended_by=tidy(each.ended_by),
            said=each.said,
        )
        for each in reversed(found)
    ]
    columns = ("id", "at", "by", "door", "state", "ended", "ended_by", "said", "text", "sha256")
    return Rows(params.in_memory(made), lambda: call.readings.case(call, case), columns)


_READ, _ACT, _ONE = Scope.CASES_READ, Scope.TRACES_ACT, "/traces/{case}"

ROUTES = (
    Route("POST", "/traces", follow, _ACT, "Follow the money of a case", Done, Right.WORK,
          body=FollowBody),
    Route("GET", f"{_ONE}/decisions", decisions, _READ, "What people decided of it", Decision,
          listing=True),
    Route("POST", f"{_ONE}/decisions", decide, _ACT, "Decide about it, or propose that", Done,
          Right.WORK, body=DecisionBody, match=True),
)  # fmt: skip
