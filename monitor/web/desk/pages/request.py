"""A request to keep traced funds from moving: prepared from a place of the trace, and what
became of it, as people record it. Nothing is sent from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug import Response

from monitor.loops.desk import requests as work
from monitor.messages.trace.adding_up import ours_said
from monitor.messages.trace.seized import asked_said, waits_said
from monitor.messages.trace.seizing import Place
from monitor.messages.trace.words import METHOD, Page, asset_said, bare
from monitor.model import Subject
from monitor.model.desk import Right
from monitor.model.desk_requests import NEXT, Request, Stage
from monitor.model.flow import CONSERVING
from monitor.model.plain import tidy, utc
from monitor.model.trace import Beside, Told
from monitor.store import desk_cases, desk_trace, requests, written
from monitor.web.desk import gone
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import looked
from monitor.web.desk.pages.alert import carried_out
from monitor.web.desk.pages.case import path_of
from monitor.web.desk.words import Gone, Wrong

ACTS = {
    Stage.SENT: "It was sent",
    Stage.ANSWERED: "An answer came",
    Stage.REFUSED: "It was refused",
    Stage.WITHDRAWN: "Take it back",
}


@dataclass(frozen=True, slots=True)
class About:
    """A place of the newest state of a trace."""

    case: str
    told: Told
    page: Page
    place: Place


def new(ask: Ask) -> Response:
    """GET /request/new?case=&chain=&address=&contract=&to="""
    it = _about(ask)
    looked(ask, it.case)
    to = tidy(ask.request.args.get("to", ""), 120)
    role = next((each.role for each in it.place.actors if each.name == to), work.OTHER)
    beside = it.told.trace.beside or Beside()
    return ask.page(
        "request_new.html.j2",
        "Prepare a request",
        "cases",
        it=it,
        path=ask.request.full_path,
        back=f"{path_of(it.case)}#seized",
        to=to if role != work.OTHER else "",
        actors=it.place.actors,
        draft=work.draft(it.told, it.place, (role, to or "____________________"), it.page),
        drafts=beside.desk == "authority",
        ours=ours_said(it.place.held.amount, it.place.asset, it.page),
        most=work.LONGEST,
    )


def prepare(ask: Ask) -> Response:
    """POST /request/new?case=&chain=&address=&contract="""
    it = _about(ask)
    where = (it.place.node.subject, it.place.asset.contract)
    to, text, once = ask.field("to", 200), _long(ask), ask.field("once", 64)

    def prepared() -> str:
        return work.prepare(
            *(ask.writer, ask.actor, ask.settings.chains, it.case, where, to, text, ask.now, once)
        ).id

    made = carried_out(prepared)
    said = "Kept. Nothing was sent: send it by your own means, then record here that you did."
    return ask.go(f"/request/{made}", said)


def _long(ask: Ask) -> str:
    """A draft keeps the blanks in front of its lines."""
    return ask.request.form.get("text", "").replace("\r\n", "\n")[: work.LONGEST + 1]


def _about(ask: Ask) -> About:
    args = ask.request.args
    case = args.get("case", "")
    if not desk_cases.is_known(ask.store, ask.sight, case):
        raise Gone
    told = desk_trace.told(ask.store, ask.sight, case)
    if told is None:
        raise Gone
    page = Page(chains=ask.settings.chains, method=told.trace.method)
    subject = Subject(args.get("chain", ""), args.get("address", ""))
    place = work.place_of(told, page, subject, args.get("contract", ""))
    if place is None:
        raise Wrong(
            "Nothing is traced there any more: the trace has changed since this page was made. "
            "Look at the case again."
        )
    return About(case, told, page, place)


def request(ask: Ask, request: str) -> Response:
    """GET /request/ID"""
    found = _found(ask, request)
    looked(ask, found.case)
    page = Page(chains=ask.settings.chains)
    basis = found.basis
    steps = written.erased(ask.store, "request step", [each.id for each in found.steps])
    how = written.erased(ask.store, "request", [found.id]).get(found.id)
    form = ask.request.args.get("do", "")
    may = ask.signed.may(Right.WORK)
    acts = {stage.value: ACTS[stage] for stage in NEXT[found.stage]} if may else {}
    last = found.last
    return ask.page(
        "request.html.j2",
        found.id,
        "cases",
        found=found,
        said=asked_said(found),
        waits=waits_said(found, ask.now),
        address=page.address(found.subject),
        chain=page.chain(found.subject.chain),
        asset=asset_said(basis.asset),
        figures=[(METHOD[m], bare(basis.asset, basis.traced.get(m, 0))) for m in CONSERVING],
        on_chain=None if basis.on_chain is None else bare(basis.asset, basis.on_chain),
        gone=gone.said(how) if not found.text else "",
        gone_steps={name: gone.said(each) for name, each in steps.items()},
        erase=lambda what, name, text: gone.path(ask, what, name, text),
        acts=acts,
        form=form if form in (*acts, "right") and may else "",
        last=last,
        again={stage.value: words for stage, words in ACTS.items()} if last and may else {},
        back=f"{path_of(found.case)}#seized",
        moment=f"{datetime.fromtimestamp(ask.now, UTC):%Y-%m-%dT%H:%M}",
    )


def _found(ask: Ask, name: str) -> Request:
    found = requests.request(ask.store, ask.sight, name)
    if found is None:
        raise Gone
    return found


def record(ask: Ask, request: str, act: str) -> Response:
    """POST /request/ID/ACT: `act` a stage; `corrects` names the step in whose place it stands."""
    found = _found(ask, request)
    name = ask.field("stage", 20) if act == "right" else act
    if name not in {stage.value for stage in ACTS}:
        raise Gone
    corrects = ask.field("corrects", 40) if act == "right" else ""
    happened, once = moment(ask.field("happened", 40)), ask.field("once", 64)
    said = ask.field("reference", 400), ask.field("text", 5001)

    def recorded() -> str:
        made = work.record(
            *(ask.writer, ask.actor, found.id, Stage(name), happened, said, ask.now, once),
            corrects,
        )
        return f"Recorded: {work.stage_said(made.stage)}."

    return ask.go(f"/request/{found.id}", carried_out(recorded))


def moment(text: str) -> int:
    """A time in UTC, as browsers send it, as Unix seconds. Raises Wrong."""
    try:
        at = datetime.fromisoformat(text.replace("UTC", "").strip())
    except ValueError:
        raise Wrong(f"Say when it happened, in UTC: like {utc(1_764_500_000)[:16]}.") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
