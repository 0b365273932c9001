"""Reports and exports of a case: asked for, made by a process of its own, taken away."""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor.loops.report import jobs, work
from monitor.loops.report.jobs import Job, Stage, What
from monitor.model.api import Scope
from monitor.model.desk import Right
from monitor.model.plain import rfc3339, tidy
from monitor.store import desk_cases
from monitor.web.api.call import Answer, Call, File, Route, carried_out
from monitor.web.api.cases import known
from monitor.web.api.problems import Wrong, gone
from monitor.web.api.shapes import Body, Shape, Time
from monitor.web.desk.pages import files

PDF, ZIP = "application/pdf", "application/zip"


class ReportBody(Body, frozen=True, kw_only=True):
    """The report of a case as PDF."""

    case: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class ExportBody(Body, frozen=True, kw_only=True):
    """Everything of a case as one signed ZIP. `notes`: with what people wrote."""

    case: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    notes: bool = False


class JobShown(Shape, frozen=True, kw_only=True):
    """How far it is. `stage`: waiting, making, telling, done, failed, gone (it was deleted).
    `there`: it can be had from /jobs/{id}/file."""

    id: str
    case: str
    what: str
    notes: bool
    by: str
    asked: Time
    stage: str
    said: str
    ended: Time | None
    sha256: str | None
    size: int
    there: bool


def _shown(call: Call, job: Job) -> JobShown:
    done = job.stage is Stage.DONE
    return JobShown(
        id=job.id, case=job.case, what=job.what.value, notes=job.notes, by=tidy(job.name),
        asked=rfc3339(job.at) or "", stage=job.stage.value, said=tidy(job.said, 400),
        ended=rfc3339(job.ended or None), sha256=job.sha256 or None, size=job.size,
        there=done and not files.is_withdrawn(call.ask, job),
    )  # fmt: skip


def report(call: Call) -> Answer:
    """POST /reports"""
    return _ask(call, call.sent(ReportBody).case, What.REPORT, notes=False)


def export(call: Call) -> Answer:
    """POST /exports"""
    body = call.sent(ExportBody)
    return _ask(call, body.case, What.EXPORT, notes=body.notes)


def _ask(call: Call, case: str, what: What, *, notes: bool) -> Answer:
    known(call, case)
    if reason := work.hindrance(what):
        raise Wrong("not_taken", reason)
    home = call.settings.home

    def do() -> Answer:
        job = jobs.ask(home, call.actor, case, what, call.now, call.once, notes=notes)
        told = f"{what.value}, by token {call.token.id}"
        call.file.tell(call.now, "asked for a file", call.token.maker, case=case, what=told)
        files.MAKERS.wake(home)
        return Answer(_shown(call, job), status=202)

    return carried_out(do)


def _job(call: Call, name: str) -> Job:
    """Raises Wrong where there is none of a case that may be seen."""
    if not (call.may(Right.WORK) or call.may(Right.AUDIT)):
        raise Wrong("scope_missing", f"{call.token.maker}, who made the token, may not do it.")
    found = jobs.find(call.settings.home, name)
    if found is None or not desk_cases.is_known(call.store, call.sight, found.case):
        raise gone()
    call.looked(found.case)
    return found


def job(call: Call, id: str) -> Answer:
    """GET /jobs/{id}"""
    return Answer(_shown(call, _job(call, id)))


def take(call: Call, id: str) -> File:
    """GET /jobs/{id}/file"""
    found = _job(call, id)
    path = jobs.file_of(call.settings.home, found)
    there = found.stage is Stage.DONE and not files.is_withdrawn(call.ask, found)
    if not there or not path.is_file():
        raise gone()
    told = f"{found.what.value}, SHA-256 {found.sha256}, by token {call.token.id}"
    by = call.token.maker
    call.file.tell(call.now, "took a file away", by, case=found.case, what=told)
    return File(path, PDF if found.what is What.REPORT else ZIP, files.named(found))


_EXPORT = Scope.EXPORT

ROUTES = (
    Route("POST", "/reports", report, _EXPORT, "Have the report of a case made", JobShown,
          Right.WORK, body=ReportBody),
    Route("POST", "/exports", export, _EXPORT, "Have the export of a case made", JobShown,
          Right.WORK, body=ExportBody),
    Route("GET", "/jobs/{id}", job, _EXPORT, "How far it is", JobShown),
    Route("GET", "/jobs/{id}/file", take, _EXPORT, "Take it away", "object",
          forms=(ZIP, PDF)),
)  # fmt: skip
