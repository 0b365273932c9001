"""Cases: how they stand, what happened in them, what people wrote and started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from monitor.loops.desk import work
from monitor.loops.health import entry_status
from monitor.model.api import Scope
from monitor.model.desk import Right, Sight
from monitor.model.desk_requests import Request
from monitor.model.desk_work import Clock
from monitor.model.plain import rfc3339, tidy
from monitor.store import desk as people
from monitor.store import desk_cases, desk_entries, guard, requests
from monitor.store.desk_cases import CaseLine
from monitor.web.api import params
from monitor.web.api.alerts import NoteBody
from monitor.web.api.call import Answer, Call, Route, Rows, carried_out
from monitor.web.api.problems import Error, Wrong, gone
from monitor.web.api.shapes import Body, Done, Shape, Time, Why
from monitor.web.desk import happened


class Case(Shape, frozen=True, kw_only=True):
    """How a case stands. `work`: alerts that are to be done; `nobody`: of them that nobody has."""

    id: str
    closed: Time | None
    legal_hold: Time | None
    watched: int
    work: int
    nobody: int
    newest_alert: Time | None
    members: list[str]


class Event(Shape, frozen=True, kw_only=True):
    """A line of what happened, in words. `at` null: not known."""

    number: int
    at: Time | None
    who: str
    words: str
    alerts: list[str]


class Hold(Shape, frozen=True, kw_only=True):
    """Held funds, which are not to move: what is there, what is expected."""

    entry: str
    chain: str
    address: str
    state: str
    holder: str
    missing: bool
    unknown: bool
    assets: list[str]


class ClockShown(Shape, frozen=True, kw_only=True):
    """A clock of the law that a person started. Not legal advice. Confidential ones are in no
    answer."""

    id: str
    rule: str
    title: str
    started: Time
    due: str
    by: str
    door: str
    why: str
    state: str
    ended: Time | None
    ended_by: str
    said: str


class Note(Shape, frozen=True, kw_only=True):
    """What somebody wrote. An empty text was erased."""

    id: str
    at: Time
    alert: str | None
    by: str
    door: str
    text: str
    corrects: str | None


class RequestStep(Shape, frozen=True, kw_only=True):
    """What became of a request, as somebody recorded it."""

    id: str
    at: Time
    happened: Time
    stage: str
    reference: str
    text: str
    by: str
    door: str
    corrects: str | None


class RequestShown(Shape, frozen=True, kw_only=True):
    """That somebody may be asked to keep funds from moving. Fundwatch sends nothing."""

    id: str
    at: Time
    chain: str
    address: str
    contract: str | None
    role: str
    to: str
    stage: str
    trace_state: int
    trace_sha256: str
    traced: dict[str, str]
    text: str
    sha256: str
    by: str
    door: str
    steps: list[RequestStep]


class ClockBody(Body, frozen=True, kw_only=True):
    """`rule`: a key of config/clocks.yaml that is in use and not confidential."""

    rule: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    why: Why


class EndBody(Body, frozen=True, kw_only=True):
    """`met`: it was met, and `said` is the reference; else it is stopped, and `said` is why."""

    met: bool
    said: Why


def known(call: Call, case: str) -> str:
    """Raises Wrong where there is none that may be seen."""
    if not desk_cases.is_known(call.store, call.sight, case):
        raise gone()
    call.looked(case)
    return case


def _rows(call: Call, case: str, found: Sequence[object], columns: Sequence[str]) -> Rows:
    return Rows(params.in_memory(found), lambda: call.readings.case(call, case), columns)


def cases(call: Call) -> Rows:
    """GET /cases"""
    inside = people.inside(call.store)
    found = [_case(each, inside.get(each.case, [])) for each in _lines(call)]
    columns = ("id", "closed", "legal_hold", "watched", "work", "nobody", "newest_alert", "members")
    return Rows(params.in_memory(found), lambda: call.readings.all(call), columns)


def _lines(call: Call) -> list[CaseLine]:
    return desk_cases.lines(call.store, call.sight)


def _case(line: CaseLine, members: list[str]) -> Case:
    return Case(
        id=line.case, closed=rfc3339(line.closed), legal_hold=rfc3339(line.held),
        watched=line.watched, work=line.work, nobody=line.nobody,
        newest_alert=rfc3339(line.newest), members=members,
    )  # fmt: skip


def case(call: Call, case: str) -> Answer:
    """GET /cases/{case}"""
    known(call, case)
    line = next((each for each in _lines(call) if each.case == case), None)
    if line is None:
        raise gone()
    members = people.inside(call.store).get(case, [])
    return Answer(_case(line, members))


def timeline(call: Call, case: str) -> Rows:
    """GET /cases/{case}/timeline"""
    known(call, case)
    kind = {"alerts": "", "people": "people", "all": "all"}[call.args.get("kind", "alerts")]

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        before = int(place) if place else 2**62
        while before and len(found) < most:
            step = happened.happened(call.ask, case, kind, before)
            found += [(str(each.number), _event(each)) for each in step.events]
            before = step.older
        return found[:most]

    columns = ("number", "at", "who", "words", "alerts")
    return Rows(page, lambda: call.readings.case(call, case), columns)


def _event(each: happened.Event) -> Event:
    words = [each.words, *(said for _, said in each.links)]
    return Event(
        number=each.number,
        at=rfc3339(each.at or None),
        who=each.who,
        words=tidy("; ".join(filter(None, words)), 2000),
        alerts=[path.rpartition("/")[2] for path, _ in each.links],
    )


def holds(call: Call, case: str) -> Rows:
    """GET /cases/{case}/holds"""
    known(call, case)
    ids = desk_entries.of(call.store, call.sight, case)
    running = guard.runs_beside(call.settings.home)
    status = entry_status.some_read(call.store, call.settings, call.now, ids, running=running)
    found = [
        Hold(
            entry=each.id, chain=each.chain, address=each.address, state=each.held.state,
            holder=tidy(each.held.holder, 120), missing=each.held.missing,
            unknown=each.held.unknown, assets=[*each.held.assets],
        )
        for each in status
        if each.held is not None
    ]  # fmt: skip
    return _rows(call, case, found, ("entry", "chain", "address", "state", "missing", "assets"))


def clocks(call: Call, case: str) -> Rows:
    """GET /cases/{case}/clocks"""
    known(call, case)
    found = [_clock(each) for each in _clocks(call, case)]
    return _rows(call, case, found, ("id", "rule", "title", "started", "due", "state", "by", "why"))


def _clocks(call: Call, case: str) -> list[Clock]:
    return people.clocks(call.store, Sight(frozenset({case})), case=case)


def _clock(each: Clock) -> ClockShown:
    return ClockShown(
        id=each.id, rule=each.rule, title=tidy(str(each.terms.get("title", "")), 200),
        started=rfc3339(each.started) or "", due=each.due, by=tidy(each.name), door=each.door,
        why=each.why, state=each.state, ended=rfc3339(each.ended), ended_by=tidy(each.ended_by),
        said=each.said,
    )  # fmt: skip


def notes(call: Call, case: str) -> Rows:
    """GET /cases/{case}/notes"""
    known(call, case)
    found = [
        Note(
            id=each.id, at=rfc3339(each.at) or "", alert=each.alert, by=tidy(each.name),
            door=each.door, text=each.text, corrects=each.corrects,
        )
        for each in people.remarks(call.store, call.sight, case=case)
    ]  # fmt: skip
    return _rows(call, case, found, ("id", "at", "alert", "by", "door", "text", "corrects"))


def asked(call: Call, case: str) -> Rows:
    """GET /cases/{case}/requests"""
    known(call, case)
    found = [_request(each) for each in requests.requests(call.store, call.sight, case)]
    columns = ("id", "at", "chain", "address", "contract", "role", "to", "stage", "by", "sha256")
    return _rows(call, case, found, columns)


def _request(each: Request) -> RequestShown:
    basis = each.basis
    return RequestShown(
        id=each.id, at=rfc3339(each.at) or "", chain=each.subject.chain,
        address=each.subject.address, contract=basis.asset.contract or None, role=each.role,
        to=tidy(each.to, 200), stage=each.stage.value, trace_state=basis.number,
        trace_sha256=basis.sha256, traced={m: str(n) for m, n in basis.traced.items()},
        text=each.text, sha256=each.digest, by=tidy(each.name), door=each.door,
        steps=[
            RequestStep(
                id=s.id, at=rfc3339(s.at) or "", happened=rfc3339(s.happened) or "",
                stage=s.stage.value, reference=tidy(s.reference, 300), text=s.text,
                by=tidy(s.name), door=s.door, corrects=s.corrects,
            )
            for s in each.steps
        ],
    )  # fmt: skip


# -- acts ----------------------------------------------------------------------------------------


def note(call: Call, case: str) -> Answer:
    """POST /cases/{case}/notes"""
    known(call, case)
    body = call.sent(NoteBody)

    def do() -> Answer:
        work.note(
            *(call.writer, call.actor, case, None, body.text, call.now, call.once, body.corrects)
        )
        return Answer(Done(said="Noted.", changed=[case]))

    return carried_out(do, {"note": "/corrects"})


def start_clock(call: Call, case: str) -> Answer:
    """POST /cases/{case}/clocks"""
    known(call, case)
    body, web = call.sent(ClockBody), call.settings.web
    if body.rule not in web.clocks or web.clocks[body.rule].confidential:
        said = "There is no such clock that can be started here."
        raise Wrong("not_taken", said, [Error("/rule", said)])

    def do() -> Answer:
        clock = work.start_clock(
            call.writer, web, call.actor, case, body.rule, body.why, call.now
        )  # fmt: skip
        said = f"The clock runs; its last day is {clock.due}."
        return Answer(Done(said=said, changed=[clock.id]))

    return carried_out(do)


def end_clock(call: Call, case: str, clock: str) -> Answer:
    """POST /cases/{case}/clocks/{clock}/end"""
    known(call, case)
    body = call.sent(EndBody)
    if clock not in {each.id for each in _clocks(call, case)}:
        raise gone()

    def do() -> Answer:
        work.end_clock(call.writer, call.actor, clock, body.met, body.said, call.now)
        said = "The clock was met." if body.met else "The clock is stopped."
        return Answer(Done(said=said, changed=[clock]))

    return carried_out(do, {"why": "/said", "reference": "/said"})


_READ, _ACT, _ONE = Scope.CASES_READ, Scope.TRACES_ACT, "/cases/{case}"

ROUTES = (
    Route("GET", "/cases", cases, _READ, "Cases, open ones first", Case, listing=True),
    Route("GET", _ONE, case, _READ, "One case", Case),
    Route("GET", f"{_ONE}/timeline", timeline, _READ, "What happened in it, the newest first",
          Event, params=(params.one_of("kind", "Alerts and people, people alone, or everything.",
                                       ("alerts", "people", "all")),), listing=True),
    Route("GET", f"{_ONE}/holds", holds, _READ, "Held funds", Hold, listing=True),
    Route("GET", f"{_ONE}/clocks", clocks, _READ, "Clocks of the law", ClockShown, listing=True),
    Route("GET", f"{_ONE}/notes", notes, _READ, "Notes", Note, listing=True),
    Route("GET", f"{_ONE}/requests", asked, _READ, "Requests to keep funds from moving",
          RequestShown, listing=True),
    Route("POST", f"{_ONE}/notes", note, _ACT, "Write about it", Done, Right.WORK, body=NoteBody),
    Route("POST", f"{_ONE}/clocks", start_clock, _ACT, "Start a clock", Done, Right.WORK,
          body=ClockBody),
    Route("POST", f"{_ONE}/clocks/{{clock}}/end", end_clock, _ACT, "End a clock", Done, Right.WORK,
          body=EndBody),
)  # fmt: skip
