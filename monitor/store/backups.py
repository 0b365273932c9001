"""Files that `fundwatch backup` made: whether one is whole, bringing it back, and what the record
holds that it has not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from monitor.model.acts import Actor, LogEnd, Replaced, Restored
from monitor.model.errors import StoreError
from monitor.store.log import Part
from monitor.store.notes import write_note
from monitor.store.port import Connection, Reader


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
    return sqlite3.connect(_place(file), uri=True)


def _place(file: Path) -> str:
    path = file.absolute().as_posix().replace("?", "%3f").replace("#", "%23")
    # Where nothing stands beside it, SQLite shall put nothing there to read it.
    alone = not any(Path(f"{file}{suffix}").exists() for suffix in ("-wal", "-journal"))
    return f"file:{path}?mode=ro{'&immutable=1' if alone else ''}"


def taken_at(store: Reader) -> int:
    """When a copy was made, by the newest thing that it holds."""
    rows = store.read(
        "SELECT max((SELECT coalesce(max(tried), 0) FROM reading), "
        "(SELECT coalesce(max(created), 0) FROM alert)) AS at"
    )
    return int(rows[0]["at"])


def log_end(file: Path) -> LogEnd | None:
    """Of the log in a copy; None where it has none."""
    with closing(_open(file)) as conn:
        return _Look(conn).end("main")


def replaced(kept: Path, backup: Path) -> Replaced:
    """What the record that is kept aside holds, beside the backup that takes its place."""
    try:
        conn = _open(kept)
    except sqlite3.Error as error:
        return Replaced(kept.name, None, None, None, None, None, None, str(error))
    with closing(conn):
        look = _Look(conn)
        look.one("ATTACH ? AS backup", _place(backup))
        end, shared = look.end("main"), _shared(look)
        return Replaced(
            file=kept.name,
            end=end,
            shared=shared,
            acts=None if end is None else look.one(_ACTS, shared or 0),
            rows=look.one(_ROWS),
            alerts=look.one(_ALERTS),
            erased=None if shared is None else look.one(_ERASED),
            damage=look.damage,
        )


_SHARED = (
    "SELECT coalesce(max(l.seq), 0) FROM main.log l "
    "JOIN backup.log b ON b.seq = l.seq AND b.hash = l.hash"
)
_ACTS = "SELECT count(*) FROM main.log_text WHERE seq > ? AND json_extract(text, '$.first') = seq"
_ROWS = (
    "SELECT count(*) FROM main.transfer t WHERE NOT EXISTS (SELECT 1 FROM backup.transfer b "
    "WHERE b.chain = t.chain AND b.tx = t.tx AND b.leg = t.leg)"
)
_ALERTS = "SELECT count(*) FROM main.alert WHERE id NOT IN (SELECT id FROM backup.alert)"
_ERASED = (
    "SELECT count(*) FROM main.erasure e JOIN main.log l ON l.seq = e.seq "
    "JOIN backup.log b ON b.seq = l.seq AND b.hash = l.hash "
    "JOIN backup.log_text t ON t.seq = b.seq AND t.text IS NOT NULL"
)


def _shared(look: _Look) -> int | None:
    """The last row of the log that both have: the one is a beginning of the other, or both part
    there."""
    if look.end("main") is None or look.end("backup") is None:
        return None
    return look.one(_SHARED)


class _Look:
    """A look at a record that may be damaged: what cannot be read is None, and why is kept."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.damage = ""

    def one(self, sql: str, *params: object) -> int | None:
        """The number that a query yields."""
        try:
            row = self._conn.execute(sql, params).fetchone()
        except sqlite3.Error as error:
            self.damage = self.damage or str(error)
            return None
        return None if row is None else int(row[0])

    def end(self, schema: str) -> LogEnd | None:
        """Of a log; None where the record is older than the log."""
        if not self.one(f"SELECT count(*) FROM {schema}.sqlite_master WHERE name = 'log'"):
            return None
        seq = self.one(f"SELECT max(seq) FROM {schema}.log")
        try:
            row = self._conn.execute(
                f"SELECT hash FROM {schema}.log WHERE seq = ?", (seq,)
            ).fetchone()
        except sqlite3.Error as error:
            self.damage = self.damage or str(error)
            return None
        return LogEnd(int(seq or 0), row[0]) if row else None


def carry(conn: Connection, _actor: Actor, act: Restored) -> tuple[None, list[Part]]:
    """Note in a restored record what it is, and let every address be read at once, its trailing
    window too."""
    write_note(conn, "restored", json.dumps({"at": act.at, "of": act.made}))
    if act.made:
        write_note(conn, "backup", json.dumps({"at": act.made, "path": act.file}))
    conn.execute("UPDATE scope SET due = 0, deep = 0, in_flight = NULL")
    body = {
        "backup": Path(act.file).name,
        "made": act.made,
        "end": asdict(act.end) if act.end else None,
        "replaced": asdict(act.replaced) if act.replaced else None,
    }
    return None, [Part("restored", body)]
