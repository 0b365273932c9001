"""`fundwatch restore`: put a backup in the place of the record. What the record held stays
beside it; what happened since the backup is read again, and told again under the same names.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from monitor.app import DATABASE, lock, now
from monitor.errors import ConfigError, Problem
from monitor.plain import utc
from monitor.store import Store, journal

SIDE_FILES = ("-wal", "-shm")


def restore(home: Path, file: Path) -> Iterator[str]:
    """Verify a backup and make it the record; yields lines to show.

    Raises ConfigError when the file is no whole backup, Busy while a Fundwatch runs; the
    record is not touched before the file has been found whole.
    """
    if not home.is_dir():
        raise _refused(home, "is not a folder", "Make it with `fundwatch init`, or correct --home")
    _verify(file)
    with lock(home):
        moment = now()
        target = home / DATABASE
        fresh = home / f"{DATABASE}.restoring"
        shutil.copyfile(file, fresh)
        _to_disk(fresh)
        if target.exists():
            kept = _set_aside(target, moment)
            yield f"kept      {kept.name}: the record as it was until now"
        fresh.replace(target)
        _to_disk(home)
        with closing(Store(target)) as store:
            made = _taken_at(store)
            journal.put_note(store, "restored", json.dumps({"at": moment, "of": made}))
            with store.write() as conn:
                conn.execute("UPDATE subject SET due = 0, deep = 0, in_flight = NULL")
            open_alerts = store.read("SELECT count(*) AS n FROM alert WHERE state = 'open'")
            if store.upgrade is not None:
                yield f"upgraded  from schema {store.upgrade.old} to {store.upgrade.new}"
    yield f"restored  {file.name}, verified: the record as of {utc(made)}"
    yield (
        "next      `fundwatch run` (or poll) reads everything since then again. What it tells "
        "again keeps its number and says: again, after a restore"
    )
    count = open_alerts[0]["n"]
    yield (
        f"lost      acknowledgements and notes since then ({count} alerts are open in the backup); "
        "entries added since then start anew, with a summary of their history"
    )


def _verify(file: Path) -> None:
    if not file.is_file():
        raise _refused(file, "is not there", "Name a file that `fundwatch backup` made")
    try:
        # Opened as it is: a backup has no -wal beside it, and must not be changed by a look.
        uri = f"file:{file.absolute().as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as conn:
            outcome = conn.execute("PRAGMA integrity_check").fetchone()[0]
            broken = conn.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise _refused(file, f"is not a whole backup ({error})", "Take another one") from error
    if outcome != "ok" or broken is not None:
        raise _refused(file, f"is damaged ({outcome})", "Take another one")
    with closing(Store(file, readonly=True, older=True)):
        pass  # is it ours, and not newer than this program


def _refused(path: Path, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("restore", str(path), reason, remedy)])


def _set_aside(target: Path, moment: int) -> Path:
    """Keep the present record under another name, with what SQLite keeps beside it. Its own
    name is never without a record: a new, empty one would be made in its place."""
    stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = target.with_name(f"{target.name}.before-restore.{stamp}")
    kept.hardlink_to(target)
    for suffix in SIDE_FILES:
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + suffix))
    return kept


def _taken_at(store: Store) -> int:
    """When the backup was made, by the newest thing that it holds."""
    rows = store.read(
        "SELECT max((SELECT coalesce(max(tried), 0) FROM reading), "
        "(SELECT coalesce(max(created), 0) FROM alert)) AS at"
    )
    return int(rows[0]["at"])


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
