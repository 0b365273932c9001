"""Files of this machine that are followed as lists: copied once nobody is writing them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from monitor.model.errors import BadResponse
from monitor.model.lists import Fetched, Validators
from monitor.net.download import KEPT_FREE, MOST, is_page

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SETTLE = 0.3  # seconds in which a file must not change
STEADY_AFTER = 5  # seconds since it was saved, from when on its time says that it is the same
TRIES = 5  # at a file that somebody is writing
_CHUNK = 1 << 20


def room(folder: Path) -> None:
    """Raises OSError where the disk is so full that a list would take the record's room: then
    no movement could be recorded and nobody told."""
    free = shutil.disk_usage(folder).free
    if free < KEPT_FREE:
        words = f"the disk has no room for it ({free // 10**6:,} MB are free)"
        raise OSError(errno.ENOSPC, words)


def copied(
    path: Path, into: Path, known: Validators, look: Callable[[int], object]
) -> Fetched | None:
    """A copy that stays as it is while it is read. None: it is still the file of `known`.

    `look` is told how many bytes came. Raises OSError, BadResponse for what cannot be a list.
    """
    if path.exists() and not path.is_file():
        raise BadResponse(f"{path.name}: is no file")
    for _ in range(TRIES):
        before = _stamp(path)
        if known.etag and known.etag == _mark(path):
            return None
        if time.time() - path.stat().st_mtime < SETTLE:
            time.sleep(SETTLE)
        sha256, size = _copy(path, into, look)
        if _stamp(path) == before and size == path.stat().st_size:
            _cannot_be_a_list(path.name, into, size)
            return Fetched(into, sha256, size, path.name, Validators(_mark(path)))
    raise OSError(0, "is being written all the time", path.name)


def watched(path: Path, look: Callable[[int], object]) -> BinaryIO:
    """A file to read. `look` is told up to where it was read, also where its reader says nothing
    before the end."""
    return io.BufferedReader(_Watched(path, look), _CHUNK)


class _Watched(io.FileIO):
    def __init__(self, path: Path, look: Callable[[int], object]) -> None:
        super().__init__(path)
        self._look = look

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._look(self.tell())
        return super().readinto(buffer)


def _copy(path: Path, into: Path, look: Callable[[int], object]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
    with path.open("rb") as file, os.fdopen(os.open(into, flags, 0o600), "wb") as copy:
        while part := file.read(_CHUNK):
            if (size := size + len(part)) > MOST:
                raise BadResponse(f"{path.name}: is larger than {MOST // 10**6} MB")
            room(into.parent)
            digest.update(part)
            copy.write(part)
            look(size)
    return digest.hexdigest(), size


def _cannot_be_a_list(name: str, copy: Path, size: int) -> None:
    if not size:
        raise BadResponse(f"{name}: holds nothing")
    if is_page(copy):
        raise BadResponse(f"{name}: is a web page, not a list")


def _stamp(path: Path) -> tuple[int, ...]:
    seen = path.stat()
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)


def _mark(path: Path) -> str:
    """Names a file as it stands; empty while it is so new that it may change under this name."""
    steady = abs(time.time() - path.stat().st_mtime) >= STEADY_AFTER
    return "-".join(map(str, _stamp(path))) if steady else ""
