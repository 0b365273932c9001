"""Walking a list by block range, oldest first, to an end that is proven.

Servers cut lists at numbers of their own, or by bytes, without a word (ethers.js#1389,
vechain-sdk-js#1049, logos-storage-nim#1042). So no page that holds rows is taken for the
last one: the list is asked once more, for the one row after the page's last. None is the end.
That costs one call, and only where rows came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.model import Gap, Interval
from monitor.model.errors import BadResponse, NotYet
from monitor.net.sources.paging import WINDOW, Page, Walk, readable_height, within

MAX_PAGES = 100  # of one block: a bound on calls where a server cuts pages very short
MOVING = "confirmations"  # the one field that grows between two answers about a row


class PageOf(Protocol):
    """One call: rows of blocks start..end in ascending order, page `number` (from 1)."""

    def __call__(self, start: int, end: int, number: int, size: int) -> Page: ...


def walk_up(
    page_of: PageOf, span: Interval, height_of: Callable[[object], int], size: int, max_rows: int
) -> Walk:
    """Read `span` from its low end until it ends or about `max_rows` rows are there.

    A page's highest block is dropped and read again, so that no transaction is cut in two.
    `height_of` raises ValueError for a row whose block cannot be read. Raises BadResponse
    where a page that goes on is in another order or range than asked.
    """
    walk = _Up(page_of, span, height_of, size)
    while walk.start <= span.hi and len(walk.rows) < max_rows and not walk.stopped:
        walk.step()
    return walk.walked()


@dataclass(slots=True)
class _Up:
    page_of: PageOf
    span: Interval
    height_of: Callable[[object], int]
    size: int
    start: int = -1  # the lowest block not read yet
    rows: list[object] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    cuts: bool = False  # the source was seen to cut pages below the size asked for
    numberless: bool = False  # the source ignores page numbers
    known: int = 0  # numberless: rows of block `start` that came at the end of a larger page
    stopped: bool = False  # the source cannot be gone on with
    unprocessed: bool = False

    def __post_init__(self) -> None:
        self.start = self.span.lo

    def walked(self) -> Walk:
        lo, hi = self.span.lo, self.span.hi
        read = Interval(lo, self.start - 1) if self.start > lo else None
        # Where the source is not ready nothing is left to go on with: the next poll asks again.
        left = self.start <= hi and not self.unprocessed
        rest = Interval(self.start, hi) if left else None
        return Walk(tuple(self.rows), read, rest, tuple(self.gaps), unprocessed=self.unprocessed)

    def step(self) -> None:
        """Take the next page."""
        left = Interval(self.start, self.span.hi)
        page = self.page_of(left.lo, left.hi, 1, self.size)
        inside = within(page.rows, left, self.height_of)
        if not page.complete:
            self.rows += inside
            self.stopped = self.unprocessed = True
            return
        full = len(page.rows) >= self.size
        if not full and (not inside or not self._goes_on(left.lo, page.rows)):
            self._last(inside)
            return
        heights = self._heights(page.rows if full else inside)
        if not heights:
            self.rows += inside
            self.stopped = True
            return
        if heights != sorted(heights) or not _all_in(heights, left):
            raise _disordered(left)
        self._take(inside, heights)

    def _goes_on(self, start: int, rows: Sequence[object]) -> bool:
        """Whether a list that begins with block `start` may hold more than these rows, which
        are fewer than were asked for."""
        if self.cuts or self.numberless:
            return True
        page = self.page_of(start, self.span.hi, len(rows) + 1, 1)
        if not page.complete:
            raise NotYet(f"blocks {start} to {self.span.hi} are not processed in full yet")
        more = page.rows
        self.numberless = bool(more) and self._again(more[0], rows[0], start, 1)
        self.cuts = bool(more) and not self.numberless
        return bool(more)

    def _take(self, inside: Sequence[object], heights: Sequence[int]) -> None:
        first, last = heights[0], heights[-1]
        if first < last:
            self.rows += within(inside, Interval(self.start, last - 1), self.height_of)
            self.start, self.known = last, heights.count(last)
        elif self.numberless and last == self.start and len(heights) == self.known:
            self._last(inside)  # the end of a larger page once more, and nothing above it
        else:
            self._block(last, inside)

    def _last(self, rows: Sequence[object]) -> None:
        self.rows += rows
        self.start = self.span.hi + 1

    def _block(self, block: int, first: Sequence[object]) -> None:
        """The rest of a block that a page holds alone, by page number."""
        seen = list(first)
        step, asking = len(seen), len(seen) < self.size  # asking: is there one more row?
        if self.numberless and asking:
            return self._up_to(block, seen)
        for _ in range(MAX_PAGES):
            step = step if len(seen) % step == 0 else 1  # cut by bytes: row by row
            count = 1 if asking else step
            number = len(seen) // count + 1
            if number * count > WINDOW:
                break
            got = self._after(block, number, count)
            if not got:
                return self._last(seen)
            if self._again(got[0], seen[0], block, count):
                break
            mine = within(got, Interval(block, block), self.height_of)
            seen += [] if asking else mine
            if len(mine) < len(got):
                return self._up_to(block, seen)
            asking = not asking and len(got) < count
        reason = f"block {block} holds more rows for this address than the source hands out"
        self.gaps.append(Gap(Interval(block, block), f"{reason} ({len(seen)} were read)"))
        return self._up_to(block, seen)

    def _up_to(self, block: int, rows: Sequence[object]) -> None:
        self.rows += rows
        self.start, self.known = block + 1, 0

    def _after(self, start: int, number: int, count: int) -> Sequence[object]:
        """A further page of the list that begins with block `start`."""
        left = Interval(start, self.span.hi)
        page = self.page_of(left.lo, left.hi, number, count)
        if not page.complete:
            raise NotYet(f"blocks {left.lo} to {left.hi} are not processed in full yet")
        heights = self._heights(page.rows)
        if heights != sorted(heights) or not _all_in(heights, left):
            raise _disordered(left)
        return page.rows

    def _again(self, row: object, first: object, start: int, count: int) -> bool:
        """Whether a further page is the first one again, because the source ignores page
        numbers. Equal rows follow each other in honest lists too: a page far beyond decides."""
        if not _same(row, first):
            return False
        far = self.page_of(start, self.span.hi, WINDOW // count, count).rows
        return bool(far) and _same(far[0], first)

    def _heights(self, rows: Sequence[object]) -> list[int]:
        reported = (readable_height(row, self.height_of) for row in rows)
        return [height for height in reported if height is not None]


def _all_in(heights: Sequence[int], span: Interval) -> bool:
    return all(height in span for height in heights)


def _disordered(span: Interval) -> BadResponse:
    return BadResponse(
        f"a list for blocks {span.lo} to {span.hi} goes on and came in another order or range "
        "than asked, so what follows it cannot be asked for"
    )


def _same(row: object, other: object) -> bool:
    """Whether two answers report the same row."""
    if isinstance(row, Mapping) and isinstance(other, Mapping):
        return {**row, MOVING: 0} == {**other, MOVING: 0}
    return row == other
