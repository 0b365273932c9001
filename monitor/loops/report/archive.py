"""The one form of a ZIP that an export has, written and read.

Every member is stored as it is: the same content gives the same bytes whatever packs elsewhere,
and nothing can unpack to more than it is. Members stand one behind the other, then their list,
then its end, and nothing between, before or behind. So a reader who makes the frame anew from the
names and contents sees whether a single byte of the file is another one.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

PIECE = 1 << 20  # bytes that are in memory at once
MOST_MEMBERS = 60_000  # of the form's 65,535
MOST_BYTES = 0xFFFF_FFFF - (1 << 26)  # of all of it: room is left for the list behind it
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}(/[0-9A-Za-z][0-9A-Za-z._-]{0,99}){0,3}\Z")
_DAY, _CLOCK = 0x0021, 0  # 1980-01-01 00:00, the first that the form has
_MADE_BY, _NEEDS = 0x0314, 20  # Unix, version 2.0
_MODE = 0o100600 << 16  # a file that its owner alone may read
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_LISTED = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")


class NotOurs(ValueError):
    """It is no such file, with the place where that shows."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in it. `at`: where its content begins."""

    name: str
    size: int
    crc: int
    at: int


def is_name(name: str) -> bool:
    """Whether a member may be called so: nothing that leads out of a folder."""
    return bool(_NAME.match(name))


def _local(name: str, size: int, crc: int) -> bytes:
    raw = name.encode("ascii")
    head = (0x04034B50, _NEEDS, 0, 0, _CLOCK, _DAY, crc, size, size, len(raw), 0)
    return _LOCAL.pack(*head) + raw


def _listed(member: Member) -> bytes:
    raw = member.name.encode("ascii")
    begins = member.at - _LOCAL.size - len(raw)
    head = (0x02014B50, _MADE_BY, _NEEDS, 0, 0, _CLOCK, _DAY, member.crc, member.size, member.size)
    return _LISTED.pack(*head, len(raw), 0, 0, 0, 0, _MODE, begins) + raw


def _end(members: Sequence[Member], listed: int, at: int) -> bytes:
    number = len(members)
    return _END.pack(0x06054B50, 0, 0, number, number, listed, at, 0)


def _list_of(members: Sequence[Member], at: int) -> bytes:
    listed = b"".join(map(_listed, members))
    return listed + _end(members, len(listed), at)


# -- written -----------------------------------------------------------------------------------


class Writer:
    """Puts members behind each other into a file. Raises ValueError where they are too many or
    too large for the form."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._members, self._at = out, list[Member](), 0
        self._names = set[str]()

    def add(self, name: str, content: BinaryIO, size: int, crc: int) -> None:
        """`content`: from its beginning."""
        if not is_name(name) or name in self._names:
            raise ValueError(f"{name!r} is no name of a member, or of two")
        self._names.add(name)
        head = _local(name, size, crc)
        if len(self._members) >= MOST_MEMBERS or self._at + len(head) + size > MOST_BYTES:
            raise ValueError("the case is larger than one file of this form holds (4 GB)")
        self._out.write(head)
        self._members.append(Member(name, size, crc, self._at + len(head)))
        for piece in pieces(content, size):
            self._out.write(piece)
        self._at += len(head) + size

    def end(self) -> None:
        self._out.write(_list_of(self._members, self._at))


def pieces(content: BinaryIO, size: int) -> Iterator[bytes]:
    """So many bytes of a file from where it stands. Raises EOFError where there are fewer."""
    left = size
    while left:
        piece = content.read(min(PIECE, left))
        if not piece:
            raise EOFError("a file ended before its end")
        left -= len(piece)
        yield piece


def crc_of(content: bytes, before: int = 0) -> int:
    return zlib.crc32(content, before)


# -- read --------------------------------------------------------------------------------------


def members(file: BinaryIO) -> list[Member]:
    """Those of a file that has this form to the last byte, apart from their contents. Raises
    NotOurs. Takes no more memory than the list of a file of this form."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise NotOurs("it is too short to be an export")
    file.seek(size - _END.size)
    end = _END.unpack(file.read(_END.size))
    number, listed, at = end[3], end[5], end[6]
    if end[0] != 0x06054B50 or at + listed + _END.size != size:
        raise NotOurs(
            "its end is not that of an export: it was cut off, or something stands behind"
        )
    if not 0 < number <= MOST_MEMBERS or listed > number * (_LISTED.size + 500):
        raise NotOurs(f"its list names {number:,} files in {listed:,} bytes, which no export has")
    file.seek(at)
    found = _parsed(file.read(listed), number)
    if _list_of(found, at) != _rest(file, at):
        raise NotOurs("its list of files is not written as an export's is")
    _hold_frame(file, found, at)
    return found


def _rest(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return file.read()


def _parsed(listed: bytes, number: int) -> list[Member]:
    found, place, names = list[Member](), 0, set[str]()
    for _ in range(number):
        if place + _LISTED.size > len(listed):
            raise NotOurs("its list of files breaks off")
        head = _LISTED.unpack_from(listed, place)
        length, begins = head[10], head[16]
        name = _named(listed[place + _LISTED.size : place + _LISTED.size + length])
        if name in names:
            raise NotOurs(f"it names {name} twice")
        names.add(name)
        found.append(Member(name, head[9], head[7], begins + _LOCAL.size + length))
        place += _LISTED.size + length
    return found


def _named(raw: bytes) -> str:
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        name = ""
    if not is_name(name):
        raise NotOurs(f"it holds a file by a name that no export has: {raw[:100]!r}")
    return name


def _hold_frame(file: BinaryIO, found: Sequence[Member], end: int) -> None:
    """That the heads in front of the contents are theirs, and nothing stands between."""
    at = 0
    for member in found:
        head = _local(member.name, member.size, member.crc)
        file.seek(at)
        if member.at != at + len(head) or file.read(len(head)) != head:
            raise NotOurs(f"what stands in front of {member.name} is not its head")
        at = member.at + member.size
    if at != end:
        raise NotOurs("something stands between its files and their list")
