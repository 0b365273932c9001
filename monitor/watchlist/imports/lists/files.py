"""The file of a list as it came -> what is inside: unpacked, as text, line by line. Whatever it
is, no more of it is held than a piece."""

from __future__ import annotations

import codecs
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from monitor.model.errors import ConfigError
from monitor.watchlist.imports.cells import refusal, wide

MAX_UNPACKED = 500_000_000  # bytes
LONGEST_LINE = 1_000_000  # characters
_MAX_DIRECTORY = 1_000_000  # bytes of a zip's table of contents, which is read as a whole
_TAIL = 70_000  # bytes at a zip's end, in which its table of contents is told
_WORKBOOK = ("is an Excel workbook", "Write  kind: xlsx  in config/lists.yaml")
# Starts of what is no table and no list, and what it is instead.
_BINARY = (
    (b"%PDF", "is a PDF", "Copy its addresses into a text file, one a line"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", "Save it as .xlsx (kind: xlsx)"),
)
_OTHERS = (
    ("<", "looks like a web page or XML", "Check its address, and its kind in config/lists.yaml"),
    ("{", "looks like JSON", "Write  kind: json  in config/lists.yaml"),
    ("[", "looks like JSON", "Write  kind: json  in config/lists.yaml"),
)
_WINDOWS = "fundwatch-windows-1252"


def _windows(error: UnicodeError) -> tuple[str, int]:
    """What is no UTF-8 as Windows-1252, which it mostly is."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_WINDOWS, _windows)


class _Bounded(io.RawIOBase):
    """What is unpacked of a file, up to MAX_UNPACKED bytes from its beginning."""

    def __init__(self, inner: BinaryIO, name: str) -> None:
        super().__init__()
        self._inner, self._name = inner, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        return self._inner.seek(to, whence)

    def readinto(self, into: bytearray) -> int:  # type: ignore[override]
        data = self._inner.read(len(into))
        if self._inner.tell() > MAX_UNPACKED:
            reason = f"holds more than {MAX_UNPACKED:,} bytes when it is unpacked"
            raise refusal(self._name, "", reason, "Check that it is the right file")
        into[: len(data)] = data
        return len(data)


def unpacked(file: BinaryIO, name: str, *, zipped: bool) -> tuple[BinaryIO, str]:
    """The file itself, or what a .gz, or with `zipped` a .zip of one file, holds. Raises
    ConfigError, also while it is read."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        inner = cast(BinaryIO, gzip.GzipFile(fileobj=file))
        return _buffered(inner, name), name.removesuffix(".gz")
    if not zipped or not head.startswith(b"PK"):
        return file, name
    with told(name):
        packed = directory(file, name)
        members = [m for m in packed.infolist() if not _is_idle(m)]
        if any(m.filename == "[Content_Types].xml" for m in members):
            raise refusal(name, "", *_WORKBOOK)
        if len(members) != 1:
            remedy = "Unpack it, and take the file that holds the addresses"
            raise refusal(name, "", f"is packed and holds {len(members):,} files", remedy)
        if members[0].flag_bits & 1:
            raise refusal(name, "", "is locked with a password", "Unpack it first")
        if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refusal(name, "", "is packed in a way that is not read", "Unpack it first")
        inner = cast(BinaryIO, packed.open(members[0]))
        return _buffered(inner, name), members[0].filename.rpartition("/")[2]


def _buffered(inner: BinaryIO, name: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Bounded(inner, name)))


def _is_idle(member: zipfile.ZipInfo) -> bool:
    """A folder, or what macOS puts beside files."""
    return member.is_dir() or member.filename.startswith("__MACOSX/")


def directory(file: BinaryIO, name: str) -> zipfile.ZipFile:
    """A zip, whose table of contents is short enough to be read. Raises ConfigError."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    length = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if length > _MAX_DIRECTORY or b"PK\x06\x06" in tail[:at]:
        raise refusal(name, "", "holds too many files", "Take out the one with the addresses")
    try:
        return zipfile.ZipFile(file)
    except (NotImplementedError, ValueError, OSError, struct.error) as error:
        # What zipfile lets through of archives that somebody has forged.
        raise zipfile.BadZipFile(str(error)[:200]) from None


@contextmanager
def told(name: str) -> Iterator[None]:
    """Faults of packed files as what people are told."""
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        reason = f"is broken or not whole ({error})"
        raise refusal(name, "", reason, "Fetch it again") from None


@contextmanager
def text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """The file from its beginning as text: UTF-8, UTF-16 or Windows-1252, by what it holds. The
    file stays open."""
    file.seek(0)
    encoding = wide(file.read(400))
    file.seek(0)
    reading = io.TextIOWrapper(file, encoding or "utf-8-sig", "replace" if encoding else _WINDOWS)
    try:
        yield reading
    finally:
        if not file.closed:
            reading.detach()


def lines(file: BinaryIO, name: str, longest: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
    """Its numbered lines, from the first. Raises ConfigError for one of over `longest`
    characters."""
    with text(file) as reading:
        number = 0
        while line := reading.readline(longest):
            number += 1
            if len(line) == longest and not line.endswith("\n"):
                raise too_long(name, number, longest)
            yield number, line.replace("\0", "").replace("\ufeff", "")


def too_long(name: str, number: int, longest: int) -> ConfigError:
    reason = f"is longer than {longest:,} characters"
    return refusal(name, "", reason, "Write one address in each line", number)


def start(file: BinaryIO, size: int = 4000) -> str:
    """The first characters that are no white space."""
    with text(file) as reading:
        for _ in range(100):
            if found := reading.read(size).lstrip():
                return found
    return ""


def no_other_form(file: BinaryIO, name: str) -> None:
    """Raises ConfigError for what only looks like a list of lines."""
    file.seek(0)
    raw = file.read(4)
    for bytes_, reason, remedy in _BINARY:
        if raw == bytes_:
            raise refusal(name, "", reason, remedy)
    begin = start(file)
    for sign, reason, remedy in _OTHERS:
        if begin.startswith(sign):
            raise refusal(name, begin[:30], reason, remedy)
