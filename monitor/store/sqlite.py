"""The record: one SQLite file, written by one connection at a time.

`Store` opens it and hands out transactions; the modules beside this one hold the queries, and
know only what `port` says of it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from monitor import __version__
from monitor.model.errors import Conflict, StoreError, Unfit
from monitor.store.guard import LEAST_FREE
from monitor.store.port import Connection, Fields, Params, Upgrade
from monitor.store.schema import APPLICATION_ID, VERSION
from monitor.store.turn import turn

CHUNK = 400  # values in one IN (...) list
ENGINE = f"SQLite {sqlite3.sqlite_version}"
OLDEST_ENGINE = (3, 37)  # STRICT tables
# Of the writer. Keys are hashes and fall anywhere in their index: with SQLite's own 2 MiB a
# long history takes a quarter longer to write (benchmarks/insert_rate.py).
CACHE_KIB = 64_000
# Pages that wait to be written into the file itself: one that many transactions change is written
# there once for all of them. They are 40 MB, and while a long list is taken 200 MB.
PAGE = 4096  # bytes, as SQLite makes them
AUTOCHECKPOINT = 10_000
LONG_AUTOCHECKPOINT = 50_000


def engine_is_too_old() -> bool:
    return sqlite3.sqlite_version_info < OLDEST_ENGINE


class Store:
    """A connection with a lock: threads of one process take turns, also for reading. Processes
    take turns to write (see turn.py); who only reads waits for nobody.
    """

    def __init__(
        self,
        path: Path,
        *,
        readonly: bool = False,
        create: bool = False,
        older: bool = False,
    ) -> None:
        """Open the record, upgrading an older one unless `readonly`. Raises StoreError when
        it is missing, foreign or too new, or too old to be read as it is (unless `older`)."""
        if not create and not path.exists():
            raise StoreError(f"{path} does not exist. `fundwatch init` makes it")
        self.path = path
        self._failed: tuple[float, str] | None = None  # the newest fault of the disk
        self.upgrade: Upgrade | None = None  # what opening it did
        self._lock = threading.RLock()
        self._turn = nullcontext if readonly else partial(turn, path)
        try:
            with self._turn():
                self._open(create=create, readonly=readonly, older=older)
        except (sqlite3.Error, OSError) as error:
            raise _fault(path, error) from error

    def _open(self, *, create: bool, readonly: bool, older: bool) -> None:
        if not readonly:
            _make_private(self.path)
        self._conn = _connect(self.path, readonly=readonly)
        try:
            self._prepare(create=create, readonly=readonly, older=older)
        except BaseException:  # also a stop meanwhile: nothing stays open
            self._conn.close()
            raise

    def _prepare(self, *, create: bool, readonly: bool, older: bool) -> None:
        application = self._conn.execute("PRAGMA application_id").fetchone()[0]
        version = self._conn.execute("PRAGMA user_version").fetchone()[0]
        empty = self._conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if application != APPLICATION_ID and not (create and empty):
            raise Unfit(f"{self.path} is not a Fundwatch record")
        if version > VERSION:
            raise Unfit(
                f"{self.path} was written by {self._writer()} with schema {version}; this is "
                f"Fundwatch {__version__}, which knows schema {VERSION}. Install the newer version "
                "again; to go back, restore the backup that it made before it upgraded"
            )
        if not readonly:  # a backup that was put in place is not in this mode
            self._conn.execute("PRAGMA journal_mode = WAL")
        if version < VERSION and readonly and not older:
            raise StoreError(
                f"{self.path} was written by an older Fundwatch (schema {version}, this one uses "
                f"{VERSION}). `fundwatch run` or `fundwatch poll` upgrades it, after a backup"
            )
        if not readonly and version < VERSION:
            if empty:
                self._migrate()
            else:
                self._upgrade(version)
        if not readonly and self._writer() != f"Fundwatch {__version__}":
            self._conn.execute(
                "INSERT INTO note (key, value) VALUES ('version', ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (__version__,),
            )

    def _writer(self) -> str:
        """The program that wrote the record last."""
        try:
            row = self._conn.execute("SELECT value FROM note WHERE key = 'version'").fetchone()
        except sqlite3.Error:
            row = None
        return f"Fundwatch {row[0]}" if row else "another version of Fundwatch"

    def _upgrade(self, version: int) -> None:
        copy = self._copy_name(version)
        self.backup(copy)
        try:
            self._migrate()
        except BaseException:  # also a stop meanwhile: what was copied is as it was
            copy.unlink(missing_ok=True)  # or each further try would take as much of a full disk
            raise
        self.upgrade = Upgrade(version, VERSION, copy)

    def _migrate(self) -> None:
        from sqlite_utils import Database  # noqa: PLC0415 - loads slowly, for a new schema only

        from monitor.store.migrations import migrations  # noqa: PLC0415

        db = Database(self._conn)
        with db.atomic():  # a process that is killed here leaves the old schema or the new one
            migrations.apply(db)
            self._conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._conn.execute(f"PRAGMA user_version = {VERSION}")

    def _copy_name(self, version: int) -> Path:
        """Names the second; where a start that was killed has used it, one after it."""
        self._clear_halves()
        moment = datetime.now(UTC)
        while True:
            stamp = moment.strftime("%Y%m%dT%H%M%SZ")
            copy = self.path.with_name(f"{self.path.name}.schema-{version}.{stamp}")
            if not copy.exists():
                return copy
            moment += timedelta(seconds=1)

    def _clear_halves(self) -> None:
        """A start that is killed again and again must not fill the disk with halves of copies."""
        for each in self.path.parent.iterdir():
            if each.name.startswith(f"{self.path.name}.schema-") and (
                each.name.endswith((".half", ".half-journal")) or not each.stat().st_size
            ):
                each.unlink()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: commits at the end, rolls back on any error."""
        with self._lock, self._turn():
            try:
                self._conn.execute("BEGIN IMMEDIATE")
                try:
                    yield self._conn
                    self._conn.execute("COMMIT")  # which also moves the WAL into the file
                except BaseException:  # also a stop meanwhile: all of it or nothing
                    # SQLite itself rolls back on a full disk and the like.
                    if self._conn.in_transaction:
                        self._conn.execute("ROLLBACK")
                    raise
            except sqlite3.IntegrityError as error:
                double = Conflict(f"what was to be added is there already: {error}")
                raise (double if _is_double(error) else self._noted(error)) from error
            except sqlite3.Error as error:
                raise self._noted(error) from error

    @contextmanager
    def long_work(self) -> Iterator[None]:
        """Many transactions in a row, which change the same pages again and again."""
        with self._lock:
            _let_wait(self._conn, LONG_AUTOCHECKPOINT)
        try:
            yield
        finally:
            with self._lock:
                _let_wait(self._conn, AUTOCHECKPOINT)

    def _noted(self, error: sqlite3.Error) -> StoreError:
        found = _fault(self.path, error)
        if _code(error) in _OF_THE_DISK:
            self._failed = (time.monotonic(), str(found))
        return found

    def schema(self) -> int:
        """The version of its schema; lower than schema.VERSION in a record opened as it is."""
        return int(self.read("PRAGMA user_version")[0][0])

    def trouble(self, seconds: float) -> str:
        """The newest fault of the disk in these last seconds, in words; nothing if none."""
        failed = self._failed
        return failed[1] if failed and time.monotonic() - failed[0] < seconds else ""

    def read(self, sql: str, params: Params = ()) -> list[Fields]:
        """All rows of a query. Raises StoreError."""
        with self._lock:
            try:
                return self._conn.execute(sql, params).fetchall()
            except sqlite3.Error as error:
                raise self._noted(error) from error

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One moment of the record for as long as the block lasts, to be read bit by bit.

        Whoever looks may make temporary tables, which go with it. A look within a look is of the
        same moment. Raises StoreError.
        """
        with self._lock:
            if self._conn.in_transaction:
                yield self._conn
                return
            try:
                self._conn.execute("PRAGMA temp_store = FILE")
                self._conn.execute("BEGIN")
                try:
                    yield self._conn
                finally:
                    if self._conn.in_transaction:
                        self._conn.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise self._noted(error) from error

    def read_in(self, sql: str, values: Iterable[Any], params: Params = ()) -> list[Fields]:
        """A query with `IN ({})` over any number of values; `params` come before them."""
        wanted = list(dict.fromkeys(values))
        rows: list[Fields] = []
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            rows += self.read(sql.format(",".join("?" * len(part))), [*params, *part])
        return rows

    def backup(self, target: Path) -> None:
        """Copy the record, consistent while it is in use, into a new file, and check the copy.

        Only this user may read it. Raises StoreError and leaves no file when it fails.
        """
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            remedy = "Name a new file in a folder that is there and that this user may write to"
            raise StoreError(f"{target}: cannot be made ({error.strerror}). {remedy}") from error
        # Under a name of its own until it is whole: what a kill leaves is no backup by its name.
        half = target.with_name(f"{target.name}.half")
        journal = target.with_name(f"{half.name}-journal")
        try:
            for left in (half, journal):
                left.unlink(missing_ok=True)
            self._copy(half)
            half.replace(target)
        except BaseException as error:  # also a stop meanwhile: no half of a copy stays
            for each in (target, half, journal):
                each.unlink(missing_ok=True)
            if isinstance(error, sqlite3.Error | OSError):
                raise StoreError(f"{target}: {error}. {_remedy(error)}") from error
            raise

    def _copy(self, target: Path) -> None:
        _make_private(target)
        with closing(sqlite3.connect(target)) as copy:
            with self._lock:
                self._conn.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            outcome = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if outcome != "ok":
            raise StoreError(f"{target}: the copy is damaged ({outcome}). Keep the original")

    def leave_nothing(self) -> None:
        """What is new waits in a file beside the record, with what it replaces."""
        self.read("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._lock, ExitStack() as stack:
            # Who does not end its turn has the record open: closing it here moves nothing then.
            with suppress(StoreError):
                stack.enter_context(self._turn())
            self._conn.close()


def _is_double(error: sqlite3.IntegrityError) -> bool:
    """Whether a row was refused because one with its key is there already."""
    return error.sqlite_errorcode in (
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    )


def _connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    mode = "ro" if readonly else "rwc"
    conn = sqlite3.connect(
        f"file:{path.absolute().as_posix().replace('?', '%3f').replace('#', '%23')}?mode={mode}",
        uri=True,
        timeout=30,
        isolation_level=None,
        check_same_thread=False,
    )
    conn.row_factory = sqlite3.Row
    conn.execute("PRAGMA foreign_keys = ON")
    if not readonly:
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        _let_wait(conn, AUTOCHECKPOINT)
    return conn


def _let_wait(conn: sqlite3.Connection, pages: int) -> None:
    """So many before they are written into the file; room that more of them took is given back."""
    conn.execute(f"PRAGMA wal_autocheckpoint = {pages}")
    conn.execute(f"PRAGMA journal_size_limit = {pages * PAGE}")


# SQLite's result codes (sqlite.org/rescode.html). Of the disk: no room, errors, no right to
# write, a damaged file. For a person: what no restart mends.
_OF_THE_DISK = frozenset({8, 10, 11, 13, 14, 26})
_FOR_A_PERSON = frozenset({3, 8, 11, 14, 26})
_IO_ERROR = 10
_AGAIN = "Nothing of this step was recorded; it is tried again"
_FREE = "Free space on the disk, it is full; nothing that was recorded is lost"


def _code(error: sqlite3.Error) -> int:
    """The primary result code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _fault(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    if isinstance(error, OSError):
        kind = StoreError if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else Unfit
        return kind(f"{path}: {error.strerror}. {_remedy(error)}")
    kind = Unfit if _code(error) in _FOR_A_PERSON else StoreError
    full = _code(error) == _IO_ERROR and _is_full(path)
    return kind(f"{path}: {error}. {_FREE if full else _remedy(error)}")


def _is_full(path: Path) -> bool:
    """SQLite calls it an error of the disk when it has no room for the file that it shares."""
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < LEAST_FREE
    return False


def _make_private(path: Path) -> None:
    """Only this user may read the record: it names cases and holds links that take alerts in
    hand. What SQLite puts beside it gets the same mode."""
    try:
        # No handle on a record that is there: closing it would end SQLite's own locks.
        found = path.stat()
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            path.chmod(0o600)
    except FileNotFoundError:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _remedy(error: sqlite3.Error | OSError) -> str:
    text = str(error)
    if "full" in text or "No space" in text:
        return _FREE
    if isinstance(error, OSError) or "readonly" in text or "unable to open" in text:
        return "Give this user the right to write to the folder and the file"
    if "locked" in text:
        return f"Another program holds it for writing. {_AGAIN}"
    if "malformed" in text or "not a database" in text:
        return "Restore the newest backup; do not start with an empty file"
    return _AGAIN
