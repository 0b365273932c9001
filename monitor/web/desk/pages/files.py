"""Reports and exports of a case: asking for one, how far it is, taking it away."""

from __future__ import annotations

import re
import secrets
import subprocess
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from werkzeug import Response
from werkzeug.exceptions import Forbidden
from werkzeug.wsgi import wrap_file

from monitor.loops.report import jobs, work
from monitor.loops.report.jobs import Job, Stage, What
from monitor.model.desk import Right
from monitor.model.errors import Conflict
from monitor.model.plain import tidy, utc
from monitor.store import case_file, desk_cases
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import again, guard_of
from monitor.web.desk.words import Gone, Wrong

_TITLES = {What.REPORT: "Report (PDF)", What.EXPORT: "Export for evidence (ZIP)"}
_STOP_WITHIN = 3.0  # seconds
_TYPES = {What.REPORT: "application/pdf", What.EXPORT: "application/zip"}


@dataclass(frozen=True, slots=True)
class Line:
    """One of them, as the page has it. `path` empty: it cannot be taken away."""

    title: str
    asked: str
    stands: str
    sha256: str
    path: str
    open: bool


class _Makers:
    """The processes that were started, until they have ended. Each makes what waits, unless
    another one does; so that nothing is left waiting, one is started for each that is asked for.
    However often somebody asks, there are few: whoever works looks again before it ends."""

    MOST = 3

    def __init__(self) -> None:
        self._lock, self._running = threading.Lock(), list[subprocess.Popen[bytes]]()

    def wake(self, home: Path) -> None:
        with self._lock:
            for each in self._running:
                if each.poll() is not None and each.stdin is not None:
                    each.stdin.close()
            self._running = [each for each in self._running if each.returncode is None]
            if len(self._running) < self.MOST:
                self._running.append(work.start(home))

    @property
    def number(self) -> int:
        with self._lock:
            return len(self._running)

    def stop(self) -> None:
        """End them: what they had not done waits for the next start."""
        with self._lock:
            for each in self._running:
                if each.stdin is not None:
                    each.stdin.close()
                try:
                    each.wait(_STOP_WITHIN)
                except subprocess.TimeoutExpired:
                    each.kill()
                    each.wait()
            self._running = []


MAKERS = _Makers()


def tab(ask: Ask, case: str) -> dict[str, object]:
    """What stands on the tab of a case."""
    found = jobs.of_case(ask.settings.home, case) if _may_take(ask) else []
    return {
        "files": [_line(ask, each) for each in found],
        "may_take": _may_take(ask),
        "hindrance": work.hindrance(What.REPORT),
        "kept_days": jobs.KEPT_DAYS,
        "most_kept": jobs.MOST_KEPT,
    }


def _may_take(ask: Ask) -> bool:
    return ask.signed.may(Right.WORK) or ask.signed.may(Right.AUDIT)


def _line(ask: Ask, job: Job) -> Line:
    withdrawn = is_withdrawn(ask, job)
    there = job.stage is Stage.DONE and not withdrawn
    notes = ", with notes" if job.notes else ""
    return Line(
        title=f"{_TITLES[job.what]}{notes}",
        asked=f"{utc(job.at)} by {tidy(job.name, 80)}",
        stands=_WITHDRAWN if withdrawn else _stands(job),
        sha256=job.sha256,
        path=f"/files/{job.id}" if there else "",
        open=job.open,
    )


_WITHDRAWN = "It can be had no more: a text of the case was erased since. Ask for a new one."


def is_withdrawn(ask: Ask, job: Job) -> bool:
    done = job.stage is Stage.DONE
    return done and case_file.erased_since(ask.store, job.case, job.number)


def _stands(job: Job) -> str:
    if job.stage is Stage.WAITING:
        return "It waits to be made."
    if job.open:
        return f"It is being made{f': {tidy(job.said, 100)}' if job.said else ''}."
    if job.stage is Stage.FAILED:
        return f"It could not be made: {tidy(job.said, 400)}"
    if job.stage is Stage.GONE:
        return f"Made {utc(job.ended)}, and deleted since."
    return f"Made {utc(job.ended)}, {job.size:,} bytes"


def make(ask: Ask) -> Response:
    """POST /files, with the case in the form"""
    case, what = ask.field("case", 200), ask.field("what", 10)
    if not desk_cases.is_known(ask.store, ask.sight, case):
        raise Gone
    if what not in tuple(What):
        raise Wrong("Say which file you want.")
    wanted, back = What(what), f"/c/{quote(case, safe='')}?tab=files"
    if reason := work.hindrance(wanted):
        raise Wrong(reason)
    if sent := again(ask, back):
        return sent  # who takes a case away shows that it is still they
    once = ask.field("once", 64) or secrets.token_hex(8)
    notes = wanted is What.EXPORT and ask.field("notes") == "yes"
    home, actor = ask.settings.home, ask.actor
    try:
        job = jobs.ask(home, actor, case, wanted, ask.now, once, notes=notes)
    except Conflict as error:
        raise Wrong(f"{error}.") from error
    file = guard_of(ask).file
    file.tell(ask.now, "asked for a file", actor.name, case=case, what=_TITLES[wanted])
    MAKERS.wake(home)
    return ask.go(back, f"{_TITLES[job.what]} is being made. It stands here when it is done.")


def take(ask: Ask, name: str) -> Response:
    """GET /files/NAME"""
    if not _may_take(ask):
        raise Forbidden
    home = ask.settings.home
    job = jobs.find(home, name)
    if job is None or not desk_cases.is_known(ask.store, ask.sight, job.case):
        raise Gone
    path = jobs.file_of(home, job)
    if job.stage is not Stage.DONE or is_withdrawn(ask, job) or not path.is_file():
        raise Gone
    told = f"{_TITLES[job.what]}, SHA-256 {job.sha256}"
    person = ask.signed.person.name
    guard_of(ask).file.tell(ask.now, "took a file away", person, case=job.case, what=told)
    response = Response(_read(ask, path), mimetype=_TYPES[job.what], direct_passthrough=True)
    response.content_length = path.stat().st_size
    response.headers["Content-Disposition"] = f'attachment; filename="{named(job)}"'
    return response


def _read(ask: Ask, path: Path) -> Iterable[bytes]:
    found: Iterable[bytes] = wrap_file(ask.request.environ, path.open("rb"), 1 << 16)
    return found


def named(job: Job) -> str:
    """As it lies on the disk of whoever takes it: the case, as far as names of files go."""
    case = re.sub(r"[^0-9A-Za-z._-]+", "-", job.case).strip("-.")[:60] or "case"
    return f"{case}-{job.what}-{job.id[:6]}.{job.what.ending}"
