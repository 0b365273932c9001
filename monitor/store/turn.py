"""Who writes to a record: one process at a time.

SQLite 3.7.0 to 3.51.2 can damage a record when two connections write or checkpoint at once
(their WAL-reset fault). Whoever writes, opens a record to write or closes it holds the lock of a
file beside it meanwhile; the system frees the lock of a process that is killed.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.model.errors import StoreError
from monitor.store.guard import PRIVATE, cannot_use, try_lock

SUFFIX = "-turn"
WAIT = 30.0  # seconds, as long as SQLite waits for its own locks
PAUSE = 0.002


def file_of(record: Path) -> Path:
    return record.with_name(record.name + SUFFIX)


@contextmanager
def turn(record: Path, wait: float = WAIT) -> Iterator[None]:
    """Be the one process that writes. Raises StoreError when another one does not end within
    `wait` seconds."""
    path = file_of(record)
    # Opened anew each time, in a hundredth of what a commit takes: nothing has to be looked
    # after when somebody deletes the file or puts another record in place.
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise cannot_use(path, error) from error
    try:
        _wait(path, handle, wait)
        yield
    finally:
        os.close(handle)  # frees the lock


def _wait(path: Path, handle: int, wait: float) -> None:
    until = time.monotonic() + wait
    while not try_lock(path, handle, fcntl.LOCK_EX):
        if time.monotonic() > until:
            raise StoreError(
                f"{path.with_name(path.name.removesuffix(SUFFIX))}: another process has been "
                f"writing to it for {wait:.0f} seconds. Nothing of this step was recorded; it is "
                f"tried again. Should this stay so, end the process that holds {path.name}"
            )
        time.sleep(PAUSE)
