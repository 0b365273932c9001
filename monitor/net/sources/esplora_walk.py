"""The way down the list of an address at an Esplora: what was seen, and what that covers. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.model import Ask, Interval
from monitor.model.errors import BadResponse
from monitor.net.sources.esplora_rows import outline

_CURSOR = re.compile(r"([0-9a-f]{64}) ([0-9]{1,15}) ([0-9]{1,15})\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A transaction of the list, and how many were seen down to it, itself included."""

    tx: str
    height: int
    seen: int

    @classmethod
    def read(cls, cursor: str | None) -> Place | None:
        match = _CURSOR.match(cursor or "")
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def __str__(self) -> str:
        return f"{self.tx} {self.height} {self.seen}"


@dataclass(slots=True)
class Descent:
    """Confirmed transactions seen so far, newest first."""

    start: Place | None  # that the walk began after
    rows: list[object] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)  # txid -> height, in order
    legs: int = 0
    ended: bool = False  # the end of the history was reached, and proven to be it
    broken: bool = False  # the list ended, and it cannot be the end

    def add(self, rows: Sequence[object]) -> str | None:
        """Take a page; return its last txid, None where it cannot be gone on from."""
        known = len(self.seen)
        last = None
        for row in rows:
            last, height, legs = outline(row)
            if last is None or last not in self.seen:
                self.rows.append(row)
                self.legs += legs
            if last is not None and height is not None:
                self.seen[last] = height
        if last is not None and len(self.seen) == known:
            raise BadResponse("the list of transactions does not go on: a page came twice")
        return last

    def total(self) -> int:
        return len(self.seen) + (self.start.seen if self.start is not None else 0)

    def below(self, height: int) -> bool:
        return any(at < height for at in self.seen.values())

    def full(self, max_rows: int) -> bool:
        """Enough rows, and more than one block of them, so that the next batch gets on."""
        return self.legs >= max_rows and len(set(self.seen.values())) > 1

    def last_place(self) -> Place | None:
        return self._place_above(-1)

    def covered(self, ask: Ask) -> tuple[Interval | None, Interval | None, str | None]:
        """(read, rest, cursor). The lowest block of a walk that was cut may be cut in two:
        it is left to the next batch, whole.

        Raises BadResponse where the list broke off before it reached the span.
        """
        lo, hi = ask.span.lo, min(ask.span.hi, ask.head.height)
        if lo > hi:
            return None, None, None
        if self.ended or self.below(lo):
            return Interval(lo, hi), None, None
        lowest = min(self.seen.values(), default=hi + 1)
        if self.broken and lowest > hi:
            raise BadResponse(
                "the address's list of transactions ends before its count of them is reached"
            )
        # After a broken list only a walk from the top, with its count, proves the end.
        place = None if self.broken else self._place_above(lowest)
        cursor = None if place is None else str(place)
        if lowest >= hi:
            return None, Interval(lo, hi), cursor
        return Interval(lowest + 1, hi), Interval(lo, lowest), cursor

    def rows_above(self, rest: Interval | None) -> list[object]:
        """Without those of the block that the next batch reads whole, if there will be one."""
        if rest is None or self.broken:
            return self.rows
        return [row for row in self.rows if (outline(row)[1] or rest.hi + 1) > rest.hi]

    def _place_above(self, height: int) -> Place | None:
        before = self.start.seen if self.start is not None else 0
        places = [Place(tx, at, before + n) for n, (tx, at) in enumerate(self.seen.items(), 1)]
        above = [place for place in places if place.height > height]
        return above[-1] if above else self.start
