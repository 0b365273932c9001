"""Files that `fundwatch backup` made: whether one is whole, and bringing it back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from monitor.model.errors import StoreError
from monitor.store.port import Reader


def damage(file: Path) -> str:
    """What is wrong with a copy, in words that follow its name; empty: it is whole."""
    try:
        with closing(_open(file)) as conn:
            outcome = conn.execute("PRAGMA integrity_check").fetchone()[0]
            broken = conn.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        return f"is not a whole backup ({error})"
    return f"is damaged ({outcome})" if outcome != "ok" or broken is not None else ""


def bring_back(file: Path, fresh: Path) -> None:
    """Copy a backup into an empty file. Raises StoreError.

    Through SQLite, so that what stands beside the file (-wal) is not left behind.
    """
    try:
        with closing(_open(file)) as source, closing(sqlite3.connect(fresh)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        raise StoreError(str(error)) from error


def _open(file: Path) -> sqlite3.Connection:
    """For reading: a backup must not be changed by a look."""
    path = file.absolute().as_posix().replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def taken_at(store: Reader) -> int:
    """When a copy was made, by the newest thing that it holds."""
    rows = store.read(
        "SELECT max((SELECT coalesce(max(tried), 0) FROM reading), "
        "(SELECT coalesce(max(created), 0) FROM alert)) AS at"
    )
    return int(rows[0]["at"])
