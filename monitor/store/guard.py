"""Who may work in a home folder: one Fundwatch at a time, on a folder and a record that it can
use. What only a person can mend is one sentence and an exit code of its own (errors.Unfit), or
a supervisor would restart it for ever."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from monitor.model.errors import Busy, StoreError, Unfit
from monitor.model.plain import rfc3339

DATABASE = "fundwatch.db"
LOCK = "fundwatch.lock"
BEGUN = "fundwatch.begun"  # says that there was a record: an empty one is not begun in silence
LOCK_TRIES, LOCK_PAUSE = 3, 0.2  # further tries, seconds
PRIVATE = 0o600
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # some disks of a network
LEAST_FREE = 256 * 1024  # bytes of free disk, below which writing fails soon


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Hold the home folder: one Fundwatch at a time may write. Raises Busy, Unfit.

    The record is held too: who deletes the file of the lock lets nobody in. Both can be opened
    by their owner only, so that no other user can hold them.
    """
    held = _open(home / LOCK)
    record = -1
    try:
        _take(home, LOCK, held)
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()}\n".encode(), 0)
        if (home / DATABASE).exists():
            record = hold_record(home)
        yield
    finally:
        # Last of all, when the record is closed: SQLite's own locks end with this handle.
        for handle in (record, held):
            if handle >= 0:
                os.close(handle)


def hold_record(home: Path) -> int:
    """Hold the file of the record; returns the handle, which must outlive every use of the
    record in this process. -1 where that is not possible. Raises Busy, Unfit."""
    if sys.platform != "linux":
        return -1  # elsewhere such locks and those of SQLite shut each other out
    handle = _open(home / DATABASE)
    try:
        _take(home, DATABASE, handle)
    except BaseException:  # also a stop meanwhile: nothing stays open
        os.close(handle)
        raise
    return handle


def _open(path: Path) -> int:
    """For this user only, also where an older version left it readable by all."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            _make_private(each)  # what SQLite keeps beside the record is a part of it
    except OSError as error:
        raise cannot_use(path, error) from error
    return handle


def _make_private(path: Path) -> None:
    with suppress(FileNotFoundError):
        found = path.stat()
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            path.chmod(PRIVATE)


def _take(home: Path, name: str, handle: int) -> None:
    for left in range(LOCK_TRIES, -1, -1):
        if try_lock(home / name, handle, fcntl.LOCK_EX):
            return
        if left:
            time.sleep(LOCK_PAUSE)  # a command that only looks holds it for a moment
    raise Busy(f"Another Fundwatch (process {holder(home) or 'unknown'}) runs on {home}")


def try_lock(path: Path, handle: int, how: int) -> bool:
    """Lock an open file, unless another process holds it. Raises StoreError, Unfit."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise cannot_use(path, error) from error
    return True


def holder(home: Path) -> int | None:
    """The process that held the folder last, as it wrote down itself."""
    try:
        text = (home / LOCK).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() else None


def runs(home: Path) -> bool:
    """Whether a Fundwatch holds this home folder now. Needs no right to write. Not to be
    asked by the one that holds it: closing the file would end SQLite's own locks."""
    names = (LOCK, DATABASE) if sys.platform == "linux" else (LOCK,)
    return any(_is_held(home / name) for name in names)


def runs_beside(home: Path) -> bool:
    """The same, for a process that has the record open itself: it touches no file of SQLite's."""
    return _is_held(home / LOCK)


def _is_held(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_use(path, error) from error
    try:
        return not try_lock(path, handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def cannot_use(path: Path, error: OSError) -> StoreError:
    """A file of the home folder that cannot be used, with the remedy in words."""
    why = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        return StoreError(f"{path}: {why}. Free space on the disk")
    if error.errno == errno.EROFS:
        return Unfit(f"{path}: {why}. Fundwatch must be able to write to its folder: mount it so")
    if error.errno in _NO_LOCKS:
        return Unfit(f"{path}: {why}. Its disk keeps no locks: put the folder on a local disk")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Unfit(
            f"{path}: {why}. Name the folder that `fundwatch init` made; what is missing in it "
            "the same command puts back"
        )
    if error.errno not in (errno.EACCES, errno.EPERM):
        return Unfit(f"{path}: {why}. Look at the disk, and at the rights of the folder")
    return Unfit(
        f"{path}: {why}{_owners(path)}. Run Fundwatch as the user to whom the folder belongs, "
        "or give the folder to this user (chown -R)"
    )


def _owners(path: Path) -> str:
    """ " (it belongs to root, this user is fundwatch)"."""
    for place in (path, path.parent):
        try:
            owner = place.stat().st_uid
        except OSError:
            continue
        return f" ({place.name} belongs to {_user(owner)}, this user is {_user(os.geteuid())})"
    return ""


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


# -- there was a record ------------------------------------------------------------------


def check_begun(home: Path) -> None:
    """Raises Unfit when a record was begun here and is gone."""
    path = home / DATABASE
    if path.exists() or not (home / BEGUN).exists():
        return
    rescued = sorted(home.glob(f"{DATABASE}.rescued.*"))
    newest = f"`fundwatch restore {rescued[-1]}`" if rescued else "`fundwatch restore FILE`"
    raise Unfit(
        f"{path} is gone, with everything that was recorded here; nothing is begun anew in "
        f"silence. Put a backup in its place with {newest}; or delete {home / BEGUN} to begin "
        "with an empty record"
    )


def mark_begun(home: Path, now: int) -> None:
    """Note that there is a record, once."""
    if (home / BEGUN).exists():
        return
    text = (
        f"There has been a record, {DATABASE}, in this folder since {rfc3339(now)} or before.\n"
        "Should it be missing, Fundwatch does not begin an empty one in silence. Put a backup in\n"
        "its place with  fundwatch restore FILE , or delete this file to begin anew.\n"
    )
    (home / BEGUN).write_text(text, "utf-8")


def rescue_name(home: Path, now: int) -> Path:
    """Where what a running Fundwatch still holds of a deleted record is put."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    return home / f"{DATABASE}.rescued.{stamp}"


def is_readable_by_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False


def to_disk(path: Path) -> None:
    """That a file, or the names in a folder, stay whatever happens to the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
