"""Reports and exports that people ask for at the desk: what is asked for, how far it is, which
files lie there for how long. A folder of the home folder with one small file a job.

Whoever asks only writes that down. They are made one after the other by a process of its own
(work.py), which may be killed at any time: what it had not ended is begun again.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from monitor.model.acts import Actor
from monitor.model.errors import Conflict

FOLDER = "files"
MOST_WAITING = 10
MOST_KEPT = 50  # files; of the oldest only the line stays
KEPT_DAYS = 30
MOST_LINES = 1000  # jobs that are remembered
TRIES = 3
DAY = 86_400
LOCK = ".lock"
_HALF = ".job."  # begins what is just written down
_SETTLED = 3600  # seconds after which nobody writes it any more
_NAME = re.compile(r"[0-9a-f]{16}")


class What(StrEnum):
    REPORT = "report"
    EXPORT = "export"

    @property
    def ending(self) -> str:
        return "pdf" if self is What.REPORT else "zip"


class Stage(StrEnum):
    WAITING = "waiting"
    MAKING = "making"
    TELLING = "telling"  # the file is there; the log does not say so yet
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"  # it was there, and was deleted


OPEN = (Stage.WAITING, Stage.MAKING, Stage.TELLING)


@dataclass(frozen=True, slots=True)
class Job:
    """Times: Unix seconds. `number`: of the newest row of the log that is in the file; `said`: how
    far it is, or why it failed."""

    id: str
    case: str
    what: What
    notes: bool
    name: str  # who asked
    authority: str  # how far that is proven
    at: int
    stage: Stage = Stage.WAITING
    said: str = ""
    tries: int = 0
    ended: int = 0
    sha256: str = ""
    size: int = 0
    number: int = 0
    door: str = "person"  # by which who asked came in

    @property
    def open(self) -> bool:
        return self.stage in OPEN


def folder_of(home: Path) -> Path:
    return home / FOLDER


def file_of(home: Path, job: Job) -> Path:
    return folder_of(home) / f"{job.id}.{job.what.ending}"


def ask(
    home: Path, actor: Actor, case: str, what: What, now: int, once: str, *, notes: bool = False
) -> Job:
    """Write down that somebody wants it. The same form sent twice is one job. Raises Conflict
    where too many wait, OSError."""
    folder = folder_of(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    name = sha256("\x1f".join((actor.name, case, what, once)).encode()).hexdigest()[:16]
    there = find(home, name)
    if there is not None:
        return there
    if sum(each.open for each in every(home)) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} files wait to be made already. Try again when they are")
    job = Job(*(name, case, what, notes, actor.name, actor.authority, now), door=actor.kind.value)
    put(home, job)
    return job


def put(home: Path, job: Job) -> None:
    """Whole or not at all."""
    folder = folder_of(home)
    handle, name = tempfile.mkstemp(prefix=_HALF, dir=folder)  # mode 0600
    half = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(job), file)
            file.flush()
            os.fsync(file.fileno())
        half.replace(folder / f"{job.id}.json")
    except BaseException:  # also a stop: nothing half is left
        half.unlink(missing_ok=True)
        raise


def find(home: Path, name: str) -> Job | None:
    """None: there is none of that name, or somebody has damaged it."""
    if not _NAME.fullmatch(name):
        return None
    try:
        told = json.loads((folder_of(home) / f"{name}.json").read_text("utf-8"))
        job = Job(**{**told, "what": What(told["what"]), "stage": Stage(told["stage"])})
    except (OSError, ValueError, TypeError, LookupError):
        return None
    return job if job.id == name else None


def every(home: Path) -> list[Job]:
    """The newest first."""
    try:
        names = sorted(path.stem for path in folder_of(home).glob("*.json"))
    except OSError:
        return []
    found = [job for name in names if (job := find(home, name)) is not None]
    return sorted(found, key=lambda job: (-job.at, job.id))


def of_case(home: Path, case: str) -> list[Job]:
    return [job for job in every(home) if job.case == case]


def waits(home: Path) -> bool:
    """Whether something is to be made."""
    return any(each.open for each in every(home))


def sweep(home: Path, now: int) -> None:
    """What is too old or too much goes; what a kill left half too. Only for whoever makes them."""
    for path in folder_of(home).glob(".*"):
        if path.name != LOCK and not _is_being_written(path, now):
            _remove(path)
    for job in _too_many(every(home), now):
        delete(home, job)
    for job in every(home)[MOST_LINES:]:
        if not job.open:
            delete(home, job)
            (folder_of(home) / f"{job.id}.json").unlink(missing_ok=True)


def _is_being_written(path: Path, now: int) -> bool:
    try:
        return path.name.startswith(_HALF) and path.stat().st_mtime > now - _SETTLED
    except FileNotFoundError:  # it has its name by now
        return True


def _too_many(found: list[Job], now: int) -> Iterator[Job]:
    done = [job for job in found if job.stage is Stage.DONE]
    for place, job in enumerate(done):
        if place >= MOST_KEPT or job.ended < now - KEPT_DAYS * DAY:
            yield job


def delete(home: Path, job: Job) -> None:
    """Its file; that there was one stays."""
    file_of(home, job).unlink(missing_ok=True)
    if job.stage is Stage.DONE:
        put(home, replace(job, stage=Stage.GONE))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            _remove(inner)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
