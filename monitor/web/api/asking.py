"""Requests to keep funds from moving, as programs record them. Fundwatch sends nothing."""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor.loops.desk import requests as work
from monitor.model import Subject
from monitor.model.api import Scope
from monitor.model.desk import Right
from monitor.model.desk_requests import NEXT, Stage
from monitor.store import requests
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Route, carried_out
from monitor.web.api.cases import known
from monitor.web.api.problems import Error, Wrong, gone
from monitor.web.api.shapes import Body, Done, Text, Time

STAGES = tuple(stage.value for stage in Stage if any(stage in each for each in NEXT.values()))


class RequestBody(Body, frozen=True, kw_only=True):
    """`to`: whom a table names for the place (see `keepers` of `/rests`), or somebody else. `text`
    empty: the draft as the program makes it. `contract` empty: the coin of the chain."""

    chain: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    to: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    contract: Annotated[str, msgspec.Meta(max_length=200)] = ""
    text: Annotated[str, msgspec.Meta(max_length=work.LONGEST)] = ""


class StepBody(Body, frozen=True, kw_only=True):
    """What became of a request: a reference, or in words. `corrects`: the earlier step in whose
    place it stands."""

    stage: Annotated[str, msgspec.Meta(description=f"One of {', '.join(STAGES)}.", max_length=20)]
    happened: Time
    reference: Annotated[str, msgspec.Meta(max_length=400)] = ""
    text: Annotated[Text | None, msgspec.Meta(description="In words.")] = None
    corrects: Annotated[str, msgspec.Meta(max_length=40)] = ""


def prepare(call: Call, case: str) -> Answer:
    """POST /cases/{case}/requests"""
    known(call, case)
    body = call.sent(RequestBody)
    where = (Subject(body.chain, body.address), body.contract)

    def do() -> Answer:
        made = work.prepare(
            *(call.writer, call.actor, call.settings.chains, case, where, body.to, body.text),
            *(call.now, call.once),
        )
        said = "Kept. Nothing was sent: a person sends it, and records here that they did."
        return Answer(Done(said=said, changed=[made.id]))

    return carried_out(do)


def record(call: Call, case: str, request: str) -> Answer:
    """POST /cases/{case}/requests/{request}/steps"""
    known(call, case)
    body, found = call.sent(StepBody), requests.request(call.store, call.sight, request)
    if found is None or found.case != case:
        raise gone()
    if body.stage not in STAGES:
        said = f"It has to be one of {', '.join(STAGES)}."
        raise Wrong("not_taken", said, [Error("/stage", said)])
    happened = params.seconds(body.happened)
    if happened is None:
        said = "There is no such time."
        raise Wrong("not_taken", said, [Error("/happened", said)])

    def do() -> Answer:
        made = work.record(
            *(call.writer, call.actor, request, Stage(body.stage), happened),
            *((body.reference, body.text or ""), call.now, call.once, body.corrects),
        )
        return Answer(Done(said=f"Recorded: {work.stage_said(made.stage)}.", changed=[made.id]))

    return carried_out(do)


_ACT, _ONE = Scope.TRACES_ACT, "/cases/{case}/requests"

ROUTES = (
    Route("POST", _ONE, prepare, _ACT, "Keep the draft of a request", Done, Right.WORK,
          body=RequestBody),
    Route("POST", f"{_ONE}/{{request}}/steps", record, _ACT, "Record what became of it", Done,
          Right.WORK, body=StepBody),
)  # fmt: skip
