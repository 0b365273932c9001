"""Heads that sources named, as the record keeps them, and what is taken back for false ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model import Axis, Head

Mark = tuple[int, str]  # height and hash of a block


@dataclass(frozen=True, slots=True)
class Kept:
    """A head that a source named."""

    head: Head
    at: int  # when, by our clock
    doubt: str = ""  # why nothing is booked on it; empty: believed
    mark: Mark | None = None  # the block that it made final, as the source showed it then
    turn: int = 0  # the pass that heard it; 0: a pass of an earlier process


@dataclass(frozen=True, slots=True)
class HeadReport:
    """What a source said of a block that can never change, and from when to when."""

    source: str
    height: int
    block_hash: str
    since: int
    last: int
    turn: int = 0  # the pass that heard it first; 0: a pass of an earlier process

    @property
    def stood(self) -> int:
        return self.last - self.since


@dataclass(frozen=True, slots=True)
class Fault:
    """Heads that the source itself contradicts, and what is taken back for them."""

    source: str
    axis: Axis
    false: tuple[Head, ...]
    now: Head  # the head that contradicts them
    since: int  # when the first of them was told
    stands: Kept | None  # the last head before them that still stands
    line: int | None  # above this place coverage is taken back; None: all booked since
    booked: bool  # one of them had been believed
    loud: bool  # more than a node's lag explains
    reorganised: bool = False  # the hash of a block that was final has changed


@dataclass(frozen=True)
class Book:
    """What is kept of the heads of one chain."""

    kept: Mapping[str, tuple[Kept, ...]]  # by source, oldest first
    reports: tuple[HeadReport, ...] = ()  # on the first block, and on blocks that seem replaced


@dataclass(frozen=True)
class News:
    """What is to be written: all that is kept now, and what is to be taken back."""

    book: Book
    faults: tuple[Fault, ...]
    foreign: Mapping[str, str]  # sources that answer for another chain: why
    doubts: Mapping[str, str]  # by source: why its newest block is not believed for long, or ""
