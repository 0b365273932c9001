"""The process that makes what people asked for: one at a time, behind everything else."""

from __future__ import annotations

import fcntl
import importlib.util
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.loops.report import jobs, keys
from monitor.loops.report.export import Wanted, export
from monitor.loops.report.jobs import Job, Stage, What
from monitor.loops.report.members import sha256_of
from monitor.model.acts import Actor, ActorKind
from monitor.model.acts_desk import HandOut
from monitor.model.errors import MonitorError
from monitor.model.settings import Settings
from monitor.store import case_file, guard
from monitor.store.commit import commit
from monitor.store.port import Reader, Store
from monitor.store.views import Views

log = logging.getLogger("fundwatch.files")

SAY_EVERY = 1.0  # seconds between two words on how far it is


@dataclass(frozen=True)
class Tools:
    """What it works with."""

    home: Path
    settings: Settings
    reading: Callable[[], AbstractContextManager[Reader]]
    writing: Callable[[], AbstractContextManager[Store]]
    views: Callable[[Reader], Views]
    now: Callable[[], int]


def hindrance(what: What) -> str:
    """Why it cannot be made here; empty: it can."""
    if what is What.REPORT and importlib.util.find_spec("weasyprint") is None:
        return (
            "No report can be made yet: whoever runs this machine has to install the extra "
            '"report".'
        )
    return ""


def start(home: Path) -> subprocess.Popen[bytes]:
    """In a process of its own, which ends when its input does: with whoever started it."""
    command = [sys.executable, "-m", "monitor", "--home", str(home), "files", "--beside"]
    return subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own


def work_off(tools: Tools) -> int:
    """Make all that waits, unless another process does already; returns how many were made."""
    made = 0
    while jobs.waits(tools.home):
        with _alone(tools.home) as mine:
            if not mine:
                return made
            _sweep(tools)
            while (job := _next(tools.home)) is not None:
                made += _make(tools, job)
    return made


def _sweep(tools: Tools) -> None:
    """What is too old or too much goes, and what holds a text that was erased since."""
    jobs.sweep(tools.home, tools.now())
    with tools.reading() as store:
        for job in jobs.every(tools.home):
            done = job.stage is Stage.DONE
            if done and case_file.erased_since(store, job.case, job.number):
                jobs.delete(tools.home, job)


def _next(home: Path) -> Job | None:
    """The one that waits the longest; what a kill left is gone on with first."""
    waiting = [job for job in reversed(jobs.every(home)) if job.open]
    return min(waiting, key=lambda job: job.stage is Stage.WAITING, default=None)


@contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """Whether nobody else works here; for as long as the block lasts nobody else will."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    path = jobs.folder_of(home) / jobs.LOCK
    handle = os.open(path, flags, guard.PRIVATE)
    try:
        yield guard.try_lock(path, handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


def _make(tools: Tools, job: Job) -> bool:
    home = tools.home
    if job.stage is Stage.TELLING and _is_whole(home, job):
        return _tell(tools, job)
    if job.tries >= jobs.TRIES:
        _fail(tools, job, f"it ended {job.tries} times before it was done. Ask for it again")
        return False
    job = replace(job, stage=Stage.MAKING, tries=job.tries + 1, said="")
    jobs.put(home, job)
    try:
        return _tell(tools, _made(tools, job))
    except (MonitorError, ValueError) as error:
        _fail(tools, job, str(error))
    except OSError as error:
        _fail(tools, job, f"the file could not be written ({error.strerror})")
    except Exception:  # one file that cannot be made must not keep the others waiting
        log.exception("file %s could not be made", job.id)
        _fail(tools, job, "a fault of Fundwatch; its log says more")
    return False


def _is_whole(home: Path, job: Job) -> bool:
    path = jobs.file_of(home, job)
    return path.is_file() and sha256_of(path) == job.sha256


def _fail(tools: Tools, job: Job, why: str) -> None:
    jobs.file_of(tools.home, job).unlink(missing_ok=True)
    jobs.put(tools.home, replace(job, stage=Stage.FAILED, said=why, ended=tools.now()))


def _made(tools: Tools, job: Job) -> Job:
    """The file is there then."""
    key, out, say = keys.load(tools.home), jobs.file_of(tools.home, job), _telling(tools, job)
    with tools.reading() as store:
        views = tools.views(store)
        if job.what is What.EXPORT:
            wanted = Wanted(job.case, job.notes)
            done = export(store, tools.settings, views, wanted, out, key, say)
            told = (done.sha256, done.size, done.standing.log[0])
        else:
            from monitor.loops.report import pdf  # noqa: PLC0415 - of an extra

            made = pdf.make(store, tools.settings, views, job.case, out, key, say)
            told = (made.sha256, made.size, made.standing.log[0])
    digest, size, number = told
    job = replace(job, stage=Stage.TELLING, said="", sha256=digest, size=size, number=number)
    jobs.put(tools.home, job)
    return job


def _telling(tools: Tools, job: Job) -> Callable[[str], None]:
    last = [0.0]

    def say(words: str) -> None:
        if time.monotonic() - last[0] > SAY_EVERY:
            last[0] = time.monotonic()
            jobs.put(tools.home, replace(job, said=words))

    return say


def _tell(tools: Tools, job: Job) -> bool:
    """The log says who had it made, and its digest; then it is done."""
    actor = Actor(ActorKind(job.door), job.name, job.authority)
    act = HandOut(tools.now(), job.case, job.id, job.what, job.notes, job.sha256, job.size)
    with tools.writing() as store:
        commit(store, actor, act)
    jobs.put(tools.home, replace(job, stage=Stage.DONE, ended=tools.now()))
    return True
