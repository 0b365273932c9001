"""Walking a list of an address by block range or by cursor, and saying what was covered.

The rules that keep a walk honest: a full page is never the end; its last block is dropped
and read again, so that no transaction is cut in two; a block that does not fit into the
window that a server opens at all (10,000 rows) becomes a gap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from monitor.errors import BadResponse, NotYet
from monitor.http import Answer, Http
from monitor.model import Ask, Batch, Gap, Interval
from monitor.sources.parsing import Parsed

WINDOW = 10_000  # page x offset, the most that Etherscan's dialect opens
MAX_PAGES = 100  # of one block: a bound on calls where a server cuts pages short in silence
# Row counts at which servers cut a list without a word (ethers.js#1389, vechain-sdk-js#1049,
# logos-storage-nim#1042): one more call is cheaper than a missed movement.
SILENT_CAPS = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000})
PAGE_COST = 50  # an empty page counts like a usual one, so that a walk always ends


class Recorder:
    """Makes the calls of one fetch, counts them and hashes what came back."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._digest = hashlib.sha256()
        self.calls = 0

    def get(self, path: str, params: Mapping[str, str | int]) -> Answer:
        self.calls += 1
        answer = self._http.get(path, params)
        self._digest.update(answer.body)
        return answer

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer. `complete` is False where the source says that it has not
    processed all of the range yet."""

    rows: Sequence[Any]
    complete: bool = True


class PageOf(Protocol):
    """One call: rows of blocks start..end in ascending order, page `number` (from 1)."""

    def __call__(self, start: int, end: int, number: int, size: int) -> Page: ...


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk brought: rows of the asked span, and how much of it was seen in full."""

    rows: tuple[Any, ...]
    read: Interval | None
    rest: Interval | None
    gaps: tuple[Gap, ...] = ()
    cursor: str | None = None
    unprocessed: bool = False  # stopped where the source has not processed the chain yet


def walk_up(
    page_of: PageOf, span: Interval, height_of: Callable[[Any], int], size: int, max_rows: int
) -> Walk:
    """Read `span` from its low end until it ends or about `max_rows` rows are there.

    `height_of` raises ValueError for a row whose block cannot be read. Raises BadResponse
    where a full page is in another order or range than asked: it cannot be continued.
    """
    rows: list[Any] = []
    gaps: list[Gap] = []
    start = span.lo
    while start <= span.hi and len(rows) < max_rows:
        page = page_of(start, span.hi, 1, size)
        if not page.complete:
            told = _within(page.rows, Interval(start, span.hi), height_of)
            walked = _walked([*rows, *told], span, start, gaps)
            # Nothing is left to go on with: the next poll asks again.
            return replace(walked, rest=None, unprocessed=True)
        if not _full(page.rows, size):
            rows += _within(page.rows, Interval(start, span.hi), height_of)
            start = span.hi + 1
            break
        heights = _heights(page.rows, Interval(start, span.hi), height_of)
        if not heights:
            return _walked([*rows, *page.rows], span, start, gaps)
        last = heights[-1]
        if heights[0] < last:
            rows += _within(page.rows, Interval(start, last - 1), height_of)
            start = last
        else:
            found, holes = _one_block(page_of, last, min(size, len(page.rows)), height_of)
            rows += found
            gaps += holes
            start = last + 1
    return _walked(rows, span, start, gaps)


def _walked(rows: Sequence[Any], span: Interval, start: int, gaps: Sequence[Gap]) -> Walk:
    read = Interval(span.lo, start - 1) if start > span.lo else None
    rest = Interval(start, span.hi) if start <= span.hi else None
    return Walk(tuple(rows), read, rest, tuple(gaps))


def _full(rows: Sequence[Any], size: int) -> bool:
    return len(rows) >= size or len(rows) in SILENT_CAPS


def _heights(rows: Sequence[Any], span: Interval, height_of: Callable[[Any], int]) -> list[int]:
    """Blocks of the rows that can be read, once it is sure that they are as asked."""
    heights = [h for h in (_height(row, height_of) for row in rows) if h is not None]
    if heights != sorted(heights) or any(h not in span for h in heights):
        raise BadResponse(
            f"a full page for blocks {span.lo} to {span.hi} came in another order or range "
            "than asked, so what follows it cannot be asked for"
        )
    return heights


def _within(rows: Sequence[Any], span: Interval, height_of: Callable[[Any], int]) -> list[Any]:
    """Rows of the span, and those whose block cannot be read: they must not vanish."""
    return [r for r in rows if (h := _height(r, height_of)) is None or h in span]


def _height(row: object, height_of: Callable[[Any], int]) -> int | None:
    try:
        return height_of(row)
    except ValueError:
        return None


def _one_block(
    page_of: PageOf, block: int, size: int, height_of: Callable[[Any], int]
) -> tuple[list[Any], list[Gap]]:
    """A block that fills a page alone, by page number, as far as the window opens."""
    alone = Interval(block, block)
    rows: list[Any] = []
    before: Sequence[Any] = ()
    for number in range(1, min(MAX_PAGES, WINDOW // size) + 1):
        page = page_of(block, block, number, size)
        if not page.complete:
            raise NotYet(f"block {block} is not processed in full yet")
        if page.rows and page.rows == before:
            break  # the page number is ignored: the same rows for ever
        _heights(page.rows, alone, height_of)
        rows += page.rows
        if len(page.rows) < size:
            return rows, []
        before = page.rows
    reason = f"block {block} holds more rows for this address than the source hands out"
    return rows, [Gap(alone, f"{reason} ({len(rows)} were read)")]


@dataclass(frozen=True, slots=True)
class CursorPage:
    """A page of a newest-first list; `following` asks for the next one, None at the end."""

    rows: Sequence[Any]
    following: Mapping[str, Any] | None


def walk_down(
    page_of: Callable[[Mapping[str, Any]], CursorPage],
    span: Interval,
    height_of: Callable[[Any], int],
    cursor: str | None,
    max_rows: int,
) -> Walk:
    """Read a newest-first list down to `span.lo`, or until about `max_rows` rows came.

    `cursor` continues where a walk stopped; one that was made for another span is left
    aside. Its page is the one on which the block to go on with began, and rows above the
    span are dropped, so that no transaction is cut in two. Raises BadResponse where the
    list is in another order.
    """
    asked = _resume(cursor, span)
    began = asked  # asks for the page on which the lowest block began
    low: int | None = None
    rows: list[Any] = []
    cost = 0
    while True:
        page = page_of(asked)
        lowest = _descended(page.rows, low, height_of)
        if lowest != low:
            low, began = lowest, asked
        rows += _within(page.rows, span, height_of)
        cost += len(page.rows) or PAGE_COST
        if page.following is None or (low is not None and low < span.lo):
            return Walk(tuple(rows), span, None)
        if page.following == asked:
            raise BadResponse("a page names itself as the next one")
        if cost >= max_rows and (low is None or low > span.hi):
            return Walk((), None, span, cursor=_cursor(span.hi, page.following))
        if cost >= max_rows and low is not None and low < span.hi:
            kept = tuple(_within(rows, Interval(low + 1, span.hi), height_of))
            rest = Interval(span.lo, low)
            return Walk(kept, Interval(low + 1, span.hi), rest, cursor=_cursor(low, began))
        if cost >= max_rows + WINDOW:
            return _past_block(rows, span, page.following)
        asked = page.following


def _descended(rows: Sequence[Any], low: int | None, height_of: Callable[[Any], int]) -> int | None:
    """The lowest block after these rows, once it is sure that they go down."""
    for height in (_height(row, height_of) for row in rows):
        if height is None:
            continue
        if low is not None and height > low:
            raise BadResponse("a newest-first list came in another order")
        low = height
    return low


def _past_block(rows: Sequence[Any], span: Interval, following: Mapping[str, Any]) -> Walk:
    """The span's highest block alone is too large: a gap, and on below it."""
    block = span.hi
    gap = Gap(Interval(block, block), f"block {block} holds more rows than one walk reads")
    if block == span.lo:
        return Walk(tuple(rows), span, None, (gap,))
    rest = Interval(span.lo, block - 1)
    cursor = _cursor(block - 1, following)
    return Walk(tuple(rows), Interval(block, block), rest, (gap,), cursor)


def _cursor(hi: int, params: Mapping[str, Any]) -> str | None:
    return json.dumps({"hi": hi, "params": params}) if params else None


def _resume(cursor: str | None, span: Interval) -> Mapping[str, Any]:
    try:
        told = json.loads(cursor or "{}")
        return dict(told["params"]) if told["hi"] == span.hi else {}
    except (ValueError, TypeError, KeyError):
        return {}


def batch_of(name: str, ask: Ask, walk: Walk, parsed: Parsed, recorder: Recorder) -> Batch:
    """The batch that a walk and the parsing of its rows come to."""
    return Batch(
        source=name,
        subjects=ask.subjects,
        streams=ask.streams,
        axis="height",
        head=ask.head,
        transfers=parsed.transfers,
        read=walk.read if parsed.placed else None,
        rest=walk.rest,
        cursor=walk.cursor,
        gaps=(*walk.gaps, *parsed.gaps),
        tokens=parsed.tokens,
        sha256=recorder.sha256,
        calls=recorder.calls,
    )
