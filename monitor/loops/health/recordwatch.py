"""Whether the record can be written, tried all the time and told without it.

A disk that is full, an error of the disk, a folder that has become read-only: then nothing is
recorded and no alert is sent, and nothing of that can be told the usual way, which leads
through the record. So there is a thread that tries to write, a sign of life beside the record
(`fundwatch.pulse`, written over in place, which needs no space) that other processes read, and
a message that goes straight to the channels for operations.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from monitor.model.errors import StoreError
from monitor.model.plain import duration, tidy
from monitor.store import notes
from monitor.store.guard import LEAST_FREE, holder
from monitor.store.inplace import identity
from monitor.store.port import Store

log = logging.getLogger("fundwatch.record")

PULSE = "fundwatch.pulse"
EVERY = 10.0  # seconds between two tries
HANGS = 60.0  # seconds after which a write that does not come back counts as failed
LASTS = 60.0  # seconds for which a failed write counts: the next ones may be smaller
STALE = 40  # seconds after which a sign of life is too old
_SCRATCH, _SCRATCH_BYTES = "fundwatch.probe", 64 * 1024
_SIZE = 1024  # bytes of the sign of life


class RecordWatch:
    """Tries the record of a home folder; `trouble` is what is wrong with it now."""

    def __init__(
        self, home: Path, store: Store, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._home, self._store, self._clock = home, store, clock
        self._files: dict[Path, tuple[int, int]] = {}  # of the record, as they were first seen
        self._is_gone()
        self._lock = threading.Lock()
        self._begun: float | None = None  # a try that is under way
        self._found = ""
        self.gone = False  # the file was deleted or replaced: a person is needed

    def run(self, stop: threading.Event) -> None:
        """Try until `stop`; for a thread of its own."""
        while True:
            self.look()
            if stop.wait(EVERY):
                return

    def look(self) -> str:
        """Try once; returns what is wrong, or nothing."""
        self._note(self._clock(), self._found)
        self.sign()
        found = self._try()
        self._note(None, found)
        self.sign()
        return found

    def _note(self, begun: float | None, found: str) -> None:
        with self._lock:
            if found != self._found:
                log.log(logging.CRITICAL if found else logging.WARNING, "record: %s",
                        found or "can be written again")  # fmt: skip
            self._begun, self._found = begun, found

    @property
    def trouble(self) -> str:
        with self._lock:
            waited = 0.0 if self._begun is None else self._clock() - self._begun
            if waited > HANGS:
                return f"writing has not come back for {duration(int(waited))}"
            return self._found

    def _try(self) -> str:
        try:
            if name := self._is_gone():
                self.gone = True
                return f"{name} was deleted or replaced while it was in use"
            if words := of_the_disk(self._home):
                return words
            _scratch(self._home / _SCRATCH)
            notes.put_note(self._store, "probe", str(int(time.time())))
        except (OSError, StoreError) as error:
            return tidy(str(error), 300)
        return self._store.trouble(LASTS)

    def _is_gone(self) -> str:
        """The name of a file of the record that is not there any more, or is another one. What
        SQLite keeps beside it is the newest part of it: without that others read an old one."""
        path = self._store.path
        for each in (path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))):
            found, known = identity(each), self._files.get(each)
            if known is None and found is not None:
                self._files[each] = found
            elif known is not None and found != known:
                return each.name
        return ""

    def sign(self) -> None:
        """Write the sign of life. One that cannot be written grows old, which tells enough."""
        text = json.dumps({"at": int(time.time()), "pid": os.getpid(), "record": self.trouble})
        path = self._home / PULSE
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(handle, text.ljust(_SIZE).encode()[: max(_SIZE, len(text))], 0)
            finally:
                os.close(handle)
        except OSError as error:
            log.debug("no sign of life could be written: %s", error)

    def end(self) -> None:
        """Take the sign of life away at a clean stop."""
        (self._home / PULSE).unlink(missing_ok=True)


def of_the_disk(home: Path) -> str:
    """In words, when the disk has no room left or may not be written to."""
    if os.statvfs(home).f_flag & os.ST_RDONLY:
        return "the disk is mounted read-only"
    free = shutil.disk_usage(home).free
    return f"the disk is full ({free // 1024} KB are free)" if free < LEAST_FREE else ""


def free(home: Path) -> int:
    """Bytes that are left on its disk."""
    return shutil.disk_usage(home).free


def _scratch(path: Path) -> None:
    """What SQLite writes into space that it has already would pass on a full disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if os.write(handle, bytes(_SCRATCH_BYTES)) < _SCRATCH_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    finally:
        os.close(handle)
        path.unlink()


def told_by_sign(home: Path) -> str:
    """What the running Fundwatch says of its record, for other processes; nothing if all is
    well. A `poll` gives no sign."""
    try:
        if words := of_the_disk(home):
            return words
        sign = _sign(home)
    except (OSError, ValueError, KeyError, TypeError):
        return "its sign of life (fundwatch.pulse) cannot be read"
    return sign[1] if sign else ""


def silence(home: Path, now: int) -> str:
    """In words, when the running Fundwatch has stood still for a while."""
    try:
        sign = _sign(home)
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # told by the sign
    age = abs(now - sign[0]) if sign else 0
    if age <= STALE:
        return ""
    return f"the running Fundwatch has given no sign of life for {duration(age)}"


def _sign(home: Path) -> tuple[int, str] | None:
    """When the one that runs has given its sign of life, and what it said of its record."""
    try:
        found = json.loads((home / PULSE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    at, pid, record = int(found["at"]), int(found["pid"]), str(found["record"])
    # No holder: somebody has deleted the file of the lock.
    return (at, record) if holder(home) in (pid, None) else None
