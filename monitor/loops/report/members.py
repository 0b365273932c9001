"""Files that are made one after the other in a folder of their own, and then put into the one
file that goes out, in a fixed order."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from monitor.loops.report.archive import PIECE, Writer

# What a reader should see first, and what proves the others, last.
FIRST = ("cover.txt", "cover.json")
LAST = ("SHA256SUMS", "manifest.json", "manifest.sig", "key.pem")
Progress = Callable[[str], None]  # says what is being made


def quiet(_: str) -> None:
    """Progress that nobody is told."""


@dataclass(frozen=True, slots=True)
class Made:
    """A file that is to go out, and where it lies until then."""

    path: Path
    size: int
    crc: int
    sha256: str


class Workshop:
    """Makes them. Holds no more of one than a piece."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._begun = folder, 0
        self.made: dict[str, Made] = {}

    def lines(self, name: str, lines: Iterable[str]) -> Made:
        """Each with its end."""
        path = self._new(name)
        size, crc, digest = 0, 0, hashlib.sha256()
        with path.open("wb") as file:
            for line in lines:
                raw = line.encode("utf-8", "replace")
                size, crc = size + len(raw), zlib.crc32(raw, crc)
                digest.update(raw)
                file.write(raw)
        self.made[name] = Made(path, size, crc, digest.hexdigest())
        return self.made[name]

    def data(self, name: str, raw: bytes) -> Made:
        path = self._new(name)
        path.write_bytes(raw)
        self.made[name] = Made(path, len(raw), zlib.crc32(raw), hashlib.sha256(raw).hexdigest())
        return self.made[name]

    def _new(self, name: str) -> Path:
        if name in self.made:
            raise ValueError(f"{name} is made already")
        self._begun += 1
        return self._folder / f"{self._begun:05}"


def in_order(names: Iterable[str]) -> list[str]:
    """As they stand in the file."""
    rest = sorted({*names} - {*FIRST} - {*LAST})
    return [*FIRST, *rest, *LAST]


def pack(made: Mapping[str, Made], out: BinaryIO) -> None:
    """Raises ValueError where they are more than one file holds."""
    writer = Writer(out)
    for name in in_order(made):
        each = made[name]
        with each.path.open("rb") as content:
            writer.add(name, content, each.size, each.crc)
    writer.end()


def whole(path: Path, write: Callable[[BinaryIO], object]) -> str:
    """Write a file that is there whole or not at all; returns its SHA-256. A file of that name is
    replaced."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    half = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        digest = sha256_of(half)
        half.replace(path)
    except BaseException:  # also a stop: nothing half is left
        half.unlink(missing_ok=True)
        raise
    return digest


def sha256_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()
