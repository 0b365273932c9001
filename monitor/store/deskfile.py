"""desk.db, beside the record: how people sign in, who is signed in, who looked at what, and the
confidential clocks. A file of its own, so that looking waits for nothing that is recorded, and
that no command, export, mail or search of the record can hold what stands here.

What happens is told in a chain of its own (table `trail`), made like that of the record
(store/log.py): digest = SHA-256(salt, text), hash = SHA-256("seq\\nhash before\\ndigest").
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.model.errors import StoreError, Unfit
from monitor.store.deskfile_schema import APPLICATION_ID, STEPS, VERSION
from monitor.store.inplace import InPlace
from monitor.store.log import GENESIS, SALT_BYTES, canonical, digest_of, link
from monitor.store.port import Connection, Fields, Params
from monitor.store.turn import turn

FILE = "desk.db"
PRIVATE = 0o600
WAIT = 10.0  # seconds for which somebody waits at most for another process to end writing
PAGE = 50


def hashed(key: str) -> str:
    """Of a random key: all that is kept of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def day_of(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the chain."""

    seq: int
    at: int
    act: str
    name: str  # who did it; empty: nobody who is known
    case: str
    body: Mapping[str, object]
    restricted: bool = False


class DeskFile:
    """The file, opened; threads may share it. Every method raises StoreError."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._seen: set[tuple[str, str, str]] = set()  # who was told to look at what
        if not create and not path.exists():
            raise StoreError(f"{path} does not exist. The desk makes it when it first runs")
        try:
            with turn(path, WAIT):
                self._open()
        except (sqlite3.Error, OSError) as error:
            raise self._fault(error) from error

    def _open(self) -> None:
        _make_private(self.path)
        self._conn = sqlite3.connect(
            self.path, timeout=WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            self._conn.row_factory = sqlite3.Row
            self._prepare()
        except BaseException:  # also a stop meanwhile: nothing stays open
            self._conn.close()
            raise

    def _prepare(self) -> None:
        version = self._conn.execute("PRAGMA user_version").fetchone()[0]
        application = self._conn.execute("PRAGMA application_id").fetchone()[0]
        empty = self._conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and application != APPLICATION_ID:
            raise Unfit(f"{self.path} is not the file of a desk")
        if version > VERSION:
            raise Unfit(f"{self.path} was written by a newer Fundwatch. Install that one again")
        self._conn.execute("PRAGMA journal_mode = WAL")
        self._conn.execute("PRAGMA synchronous = FULL")
        for number in range(version, VERSION):  # a kill between two steps: the next start goes on
            self._conn.executescript(
                f"BEGIN IMMEDIATE; {STEPS[number]}; PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {number + 1}; COMMIT;"
            )
        self._place = InPlace(self.path)

    def close(self) -> None:
        with self._lock, suppress(StoreError), turn(self.path, WAIT):
            self._conn.close()

    def rows(self, sql: str, params: Params = ()) -> list[Fields]:
        """All rows of a query."""
        with self._lock:
            self._place.check()
            try:
                return self._conn.execute(sql, params).fetchall()
            except sqlite3.Error as error:
                raise self._fault(error) from error

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """One transaction: all of it at the end, nothing of it on any error."""
        with self._lock, turn(self.path, WAIT):
            self._place.check()
            try:
                self._conn.execute("BEGIN IMMEDIATE")
                try:
                    yield self._conn
                    self._conn.execute("COMMIT")
                except BaseException:  # also a stop meanwhile
                    if self._conn.in_transaction:
                        self._conn.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error | OSError) -> StoreError:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return StoreError(f"{self.path}: {why}. Look at the disk and at the rights of the file")

    def tell(self, at: int, act: str, name: str, /, case: str = "", **body: object) -> None:
        """Add to the chain, in a transaction of its own."""
        with self.change() as conn:
            append(conn, at, act, name, case, body)

    def looked(self, name: str, case: str, at: int) -> None:
        """Somebody looked at a case: told once a day."""
        key = (day_of(at), name, case)
        if key in self._seen:
            return
        with self.change() as conn:
            added = conn.execute("INSERT OR IGNORE INTO looked VALUES (?, ?, ?)", key)
            if added.rowcount:
                append(conn, at, "looked at a case", name, case, {})
        if len(self._seen) > 10_000:  # days that are over go with it
            self._seen.clear()
        self._seen.add(key)

    def backup(self, target: Path) -> None:
        """Copy it, consistent while it is in use, into a new file that only this user may read."""
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
            with closing(sqlite3.connect(target)) as copy:
                with self._lock:
                    self._conn.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{target}: cannot be made ({error})") from error


def append(
    conn: Connection, at: int, act: str, name: str, case: str, body: Mapping[str, object],
    *, restricted: bool = False,
) -> None:  # fmt: skip
    """Tell what happens, inside its own transaction."""
    last = conn.execute("SELECT seq, hash FROM trail ORDER BY seq DESC LIMIT 1").fetchone()
    seq, before = (last[0] + 1, last[1]) if last else (1, GENESIS)
    text = canonical(
        {"act": act, "at": at, "body": body, "case": case, "name": name, "restricted": restricted}
    )
    salt = secrets.token_hex(SALT_BYTES)
    digest = digest_of(salt, text)
    conn.execute(
        "INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, salt, digest, link(seq, before, digest), text, at, act, name, case, int(restricted)),
    )


def told(
    file: DeskFile, *, restricted: bool, before: int = 0, name: str = "", case: str = "",
    span: tuple[int, int] | None = None, most: int = PAGE,
) -> list[Told]:  # fmt: skip
    """The chain, newest first. `restricted`: with what belongs to confidential clocks; without,
    rows are numbered as if these were not there, for a number that is missing would tell of them.
    `before`: only rows before this one; `span`: from then up to, not with, then."""
    where, params, hidden = ["1"], list[object](), list[int]()
    if not restricted:
        where.append("restricted = 0")
        hidden = [r[0] for r in file.rows("SELECT seq FROM trail WHERE restricted = 1 ORDER BY 1")]
        for each in hidden:
            before += bool(before) and each <= before
    for column, value in (("seq <", before), ("name =", name), ("case_id =", case)):
        if value:
            where.append(f"{column} ?")
            params.append(value)
    if span:
        where.append("at >= ? AND at < ?")
        params += span
    rows = file.rows(
        "SELECT seq, at, act, name, case_id, text, restricted FROM trail "
        f"WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
        [*params, most],
    )
    return [
        Told(
            *(seq - bisect_left(hidden, seq), at, act, name, case, json.loads(text)["body"]),
            bool(restricted),
        )
        for seq, at, act, name, case, text, restricted in rows
    ]


def beside(copy: Path) -> Path:
    """Where the desk of a backup stands."""
    return copy.with_name(f"{copy.name}.desk")


def last(path: Path) -> tuple[int, str]:
    """Number and hash of the newest row of a file. Raises StoreError."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
            query = "SELECT seq, hash FROM trail ORDER BY seq DESC LIMIT 1"
            row = conn.execute(query).fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    return (row[0], row[1]) if row else (0, GENESIS)


def faults(path: Path) -> list[str]:
    """Where the chain of a file does not hold, a sentence each. Raises StoreError. Changes
    nothing, and needs no right to write."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
            return list(_faults(conn))
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error


def _faults(conn: sqlite3.Connection) -> Iterator[str]:
    before, expected = GENESIS, 1
    query = "SELECT seq, salt, digest, hash, text, at, act, name, case_id, restricted FROM trail"
    for seq, salt, digest, kept, text, *shown in conn.execute(f"{query} ORDER BY seq"):
        if seq != expected:
            yield f"desk.db: rows {expected} to {seq - 1} of its chain are missing"
        if digest_of(salt, text) != digest:
            yield f"desk.db: row {seq} of its chain is not what was written"
        if link(seq, before, digest) != kept:
            yield f"desk.db: row {seq} of its chain does not follow from the row before"
        if not _fits(text, shown):
            yield f"desk.db: row {seq} of its chain shows something else than its text"
        before, expected = kept, seq + 1
    yield from _clock_faults(conn)


def _fits(text: str, shown: list[object]) -> bool:
    try:
        told_ = json.loads(text)
        return [told_[k] for k in ("at", "act", "name", "case", "restricted")] == [
            *shown[:4], bool(shown[4]),
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return False


def _clock_faults(conn: sqlite3.Connection) -> Iterator[str]:
    """Each confidential clock is what the chain says of it."""
    said: dict[str, dict[str, object]] = {}
    for (text,) in conn.execute("SELECT text FROM trail WHERE restricted = 1 ORDER BY seq"):
        try:
            body = json.loads(text)["body"]
            said.setdefault(body["id"], {}).update(body)
        except (ValueError, KeyError, TypeError):
            continue  # that row was named above
    query = "SELECT id, rule, started, due, why, state, ended, said FROM restricted_clock"
    for row in conn.execute(query):
        kept = dict(zip(("id", "rule", "started", "due", "why", "state", "ended", "said"), row,
                        strict=True))  # fmt: skip
        body = {"state": "running", "ended": None, "said": "", **said.pop(row[0], {})}
        if any(body.get(key) != value for key, value in kept.items()):
            yield "desk.db: a confidential clock is not what its chain says"
    if said:
        yield "desk.db: a confidential clock of its chain is missing"


def _make_private(path: Path) -> None:
    try:
        found = path.stat()
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            path.chmod(PRIVATE)
    except FileNotFoundError:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE))
