"""`fundwatch restore`: put a backup in the place of the record. What the record held stays
beside it; what happened since the backup is read again, and told again under the same names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from monitor.app.folder import RESTORING
from monitor.loops.clock import now
from monitor.model.acts import Actor, LogEnd, Replaced, Restored
from monitor.model.errors import ConfigError, Problem, StoreError
from monitor.model.plain import plural, utc
from monitor.store import alerts, api_tokens, backups, desk_sessions, deskfile, turn
from monitor.store.commit import commit
from monitor.store.guard import DATABASE, PRIVATE, lock, mark_begun, to_disk
from monitor.store.sqlite import Store

NO_LOG = ". It is older than the log: what was done until then is held by a digest alone"
SIDE_FILES = ("-wal", "-shm", "-journal")


def restore(home: Path, file: Path, actor: Actor) -> Iterator[str]:
    """Verify a backup and make it the record; yields lines to show.

    Raises ConfigError when the file is no whole backup, Busy while a Fundwatch runs. The
    record is not touched before the copy that takes its place is whole and finished.
    """
    if not home.is_dir():
        raise _refused(home, "is not a folder", "Make it with `fundwatch init`, or correct --home")
    _verify(file)
    with lock(home):
        moment, target, fresh = now(), home / DATABASE, home / RESTORING
        _remove(fresh)
        # Made before SQLite opens it, so that it never was readable by others.
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
        _bring_back(file, fresh)
        old = _keep(target, moment)
        replaced = backups.replaced(old, file) if old else None
        end = backups.log_end(file)
        with closing(Store(fresh)) as store:
            made = backups.taken_at(store)
            act = Restored(moment, str(file.absolute()), made, end, replaced)
            commit(store, actor, act)
            count = alerts.count_open(store)
            upgrade = store.upgrade
        if upgrade is not None:
            upgrade.copy.unlink()  # of the copy; the backup itself stays where it is
            yield f"upgraded  from schema {upgrade.old} to {upgrade.new}"
        # What SQLite keeps beside the old record must never be played into the new one.
        for beside in _beside(target):
            beside.unlink(missing_ok=True)
        fresh.replace(target)
        _remove(fresh)  # what stood beside it
        desk = _bring_desk(home, file, moment)
        mark_begun(home, moment)
        to_disk(home)
    yield from _said(file, made, end, replaced, count)
    yield from desk


def _bring_desk(home: Path, file: Path, moment: int) -> list[str]:
    """The desk of the backup, if it has one; what there was stays beside it. Whoever was signed in
    then is not signed in again."""
    target, copy = home / deskfile.FILE, deskfile.beside(file)
    if not copy.is_file():
        return (
            [f"as it was {target.name}: the backup has no {copy.name}"] if target.exists() else []
        )
    kept = _keep(target, moment)
    for beside in (target, *_beside(target)):
        beside.unlink(missing_ok=True)
    shutil.copyfile(copy, target)
    target.chmod(PRIVATE)
    with closing(deskfile.DeskFile(target)) as desk:
        desk_sessions.end_everybody(desk, moment, "a backup was restored")
        api_tokens.end_everybody(desk, moment, "a backup was restored")
    said = f"; {kept.name} is the one until now" if kept else ""
    return [
        f"restored  {target.name}, from {copy.name}{said}. Nobody is signed in, and no token works"
    ]


def _said(
    file: Path, made: int, end: LogEnd | None, replaced: Replaced | None, count: int
) -> Iterator[str]:
    """What became of it. `count`: of the alerts that are open in the backup."""
    if replaced is not None:
        yield f"kept      {replaced.file}: the record as it was until now. {_newer(replaced)}"
    yield f"restored  {file.name}, verified: the record as of {utc(made)}{'' if end else NO_LOG}"
    if replaced is not None and replaced.erased:
        yield (
            f"again     {plural(replaced.erased, 'text')} of the log that had been erased since "
            "the backup, with names and notes beside alerts. `fundwatch log erase` erases them anew"
        )
    yield (
        "next      `fundwatch run` (or poll) reads everything since then again. What it tells "
        "again keeps its number and says: again, after a restore"
    )
    yield (
        f"lost      acknowledgements and notes since then ({count} alerts are open in the backup); "
        "entries added since then start anew, with a summary of their history"
    )


def _newer(replaced: Replaced) -> str:
    """What the replaced record holds that the backup has not."""
    numbers = (
        (replaced.acts, "act", "acts"),
        (replaced.rows, "movement", "movements"),
        (replaced.alerts, "alert", "alerts"),
    )
    found = [f"{n:,} {one if n == 1 else more}" for n, one, more in numbers if n is not None]
    said = f"It holds {', '.join(found)} that the backup has not" if found else ""
    if replaced.shared is not None:
        said += f", after number {replaced.shared:,} of the log"
    damage = f"Not all of it can be read ({replaced.damage})" if replaced.damage else ""
    return ". ".join(filter(None, (said, damage)))


def _verify(file: Path) -> None:
    if not file.is_file():
        raise _refused(file, "is not there", "Name a file that `fundwatch backup` made")
    if wrong := backups.damage(file):
        raise _refused(file, wrong, "Take another one")
    with closing(Store(file, readonly=True, older=True)):
        pass  # is it ours, and not newer than this program


def _bring_back(file: Path, fresh: Path) -> None:
    try:
        backups.bring_back(file, fresh)
    except StoreError as error:
        raise _refused(
            fresh, f"could not be written ({error})", "Free space on the disk"
        ) from error
    if wrong := backups.damage(fresh):
        raise _refused(fresh, wrong, "Try again, or take another backup")


def _refused(path: Path, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("restore", str(path), reason, remedy)])


def _keep(target: Path, moment: int) -> Path | None:
    """Copy the present record, damaged or not, with what SQLite keeps beside it."""
    if not any(each.exists() for each in (target, *_beside(target))):
        return None
    stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = target.with_name(f"{target.name}.before-restore.{stamp}")
    for suffix in ("", *SIDE_FILES):
        part = target.with_name(target.name + suffix)
        if part.exists():
            shutil.copy2(part, kept.with_name(kept.name + suffix))
            kept.with_name(kept.name + suffix).chmod(PRIVATE)
            to_disk(kept.with_name(kept.name + suffix))
    return kept


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in SIDE_FILES]


def _remove(path: Path) -> None:
    for each in (path, *_beside(path), turn.file_of(path)):
        each.unlink(missing_ok=True)
