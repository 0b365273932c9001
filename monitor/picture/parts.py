"""What a picture is made of. All text is ready to be shown, and not escaped yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model import Subject


class Tone(StrEnum):
    """How a box is coloured. Its word says the same."""

    SOURCE = "source"
    RESTS = "rests"
    REACHED = "reached"  # somebody there can be asked
    HIDDEN = "hidden"  # mixer, bridge: out of sight
    ENDED = "ended"  # by a rule, a limit or a person
    OPEN = "open"  # not read yet, or waits for a person
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Box:
    """An address, or those of a hop that have no box of their own (`folded` of them)."""

    key: str
    column: int
    name: str  # empty: it has none
    chain: str  # empty: all of the picture is on one chain
    address: str  # in full; empty where it is folded or ours
    state: str  # a word in capitals
    tone: Tone
    figures: tuple[str, ...]  # short, a line each
    marks: tuple[str, ...]  # what must not be overlooked: "not all read"
    title: str  # all of it as sentences
    # "Arrived", "Rests", "Left", each to the last unit, a line for each asset.
    account: tuple[tuple[str, tuple[str, ...]], ...]
    folded: int = 0
    subject: Subject | None = None  # None: it is folded, or ours


@dataclass(frozen=True, slots=True)
class Payment:
    """One of those that a band is made of. Of our own addresses none is named."""

    chain: str
    tx: str
    words: str  # "350 USDT of 400 USDT, 2026-11-22 09:14:03 UTC"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a band or thin line is, to the last unit."""

    traced: tuple[str, ...]  # a line for each asset
    count: int  # of payments
    payments: tuple[Payment, ...]  # the first of them, by time


@dataclass(frozen=True, slots=True)
class Band:
    """What went from one box to one of the next column. `low` and `high`: traced, `whole`: with
    other money in the same payments; in one measure for the whole picture."""

    giver: str
    taker: str
    low: float
    high: float
    whole: float
    lines: tuple[str, ...]  # short, the first is what matters
    title: str
    carried: Carried


@dataclass(frozen=True, slots=True)
class Back:
    """What went to the same hop or an earlier one, or past one: a thin line under the columns."""

    giver: str
    taker: str
    label: str
    title: str
    carried: Carried


@dataclass(frozen=True, slots=True)
class Row:
    """A line under a column: "Arrived", "1,000.00 USDT"."""

    name: str
    figure: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    head: str
    sub: str
    rows: tuple[Row, ...]
    title: str  # the same by every method that counts here


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes of a column in the order in which they stand, from the top."""

    title: str
    said: tuple[str, ...]  # under the title
    warned: tuple[str, ...]  # what is not read or not drawn
    ranged: bool  # nobody has chosen a method: low and high may differ
    columns: tuple[Column, ...]
    boxes: tuple[Box, ...]
    bands: tuple[Band, ...]
    backs: tuple[Back, ...]


# Where of a page a box, band or thin line leads to, by its number in the picture: 1, 2 ...


def box_at(number: int) -> str:
    return f"box-{number}"


def band_at(number: int) -> str:
    return f"band-{number}"


def back_at(number: int) -> str:
    return f"back-{number}"
