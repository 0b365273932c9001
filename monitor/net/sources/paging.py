"""What walks through the list of an address share, and the walk by cursor.

The rules that keep a walk honest: a page is not the end because it is short; a cut page's
last block is dropped and read again, so that no transaction is cut in two; a block that does
not fit into the window that a server opens at all (10,000 rows) becomes a gap.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.model import Ask, Axis, Batch, Gap, Interval, answers
from monitor.model.answers import Heard
from monitor.model.errors import BadResponse, Refused, SourceError
from monitor.net.heard import heard_of
from monitor.net.http import Answer, Http
from monitor.net.sources.parsing import Parsed

WINDOW = 10_000  # page x offset, the most that Etherscan's dialect opens
PAGE_COST = 50  # an empty page counts like a usual one, so that a walk always ends
_NOTHING = Parsed()


class Recorder:
    """Makes the calls of one fetch, counts them and keeps what came back."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._heard: list[Heard] = []
        self.calls = 0

    def get(self, path: str, params: Mapping[str, str | int]) -> Answer:
        return self._note(lambda: self._http.get(path, params))

    def post(self, path: str, payload: object) -> Answer:
        return self._note(lambda: self._http.post(path, payload))

    def _note(self, call: Callable[[], Answer]) -> Answer:
        self.calls += 1  # also of one that fails
        answer = call()
        self._heard.append(heard_of(self._http, answer))
        return answer

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(heard.sha256 for heard in self._heard)

    def heard(self, txs: Collection[str], *, silence: bool = False) -> tuple[Heard, ...]:
        """The answers that name one of these transactions, or all of them: their silence."""
        return evidence(self._heard, txs, silence=silence) if txs or silence else ()


def evidence(
    heard: Sequence[Heard], txs: Collection[str], *, silence: bool = False
) -> tuple[Heard, ...]:
    """Of these answers those that name one of the transactions, of whole blocks only what does;
    `silence`: the others too."""
    told = (replace(each, names=answers.named(each.body(), txs)) for each in heard)
    return tuple(answers.part(each, each.names) for each in told if each.names or silence)


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer. `complete` is False where the source says that it has not
    processed all of the range yet."""

    rows: Sequence[object]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk brought: rows of the asked span, and how much of it was seen in full."""

    rows: tuple[object, ...]
    read: Interval | None
    rest: Interval | None
    gaps: tuple[Gap, ...] = ()
    cursor: str | None = None
    unprocessed: bool = False  # stopped where the source has not processed the chain yet


def within(
    rows: Sequence[object], span: Interval, height_of: Callable[[object], int]
) -> list[object]:
    """Rows of the span, and those whose block cannot be read: they must not vanish."""
    return [r for r in rows if (h := readable_height(r, height_of)) is None or h in span]


def readable_height(row: object, height_of: Callable[[object], int]) -> int | None:
    try:
        return height_of(row)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class CursorPage:
    """A page of a newest-first list; `following` asks for the next one, None at the end."""

    rows: Sequence[object]
    following: Mapping[str, object] | None


def walk_down(
    page_of: Callable[[Mapping[str, object]], CursorPage],
    span: Interval,
    height_of: Callable[[object], int],
    cursor: str | None,
    max_rows: int,
    below: Callable[[object], Mapping[str, object]] | None = None,
) -> Walk:
    """Read a newest-first list down to `span.lo`, or until about `max_rows` rows came.

    `cursor` continues where a walk stopped; one that was made for another span is left
    aside. Its page is the one on which the block to go on with began, and rows above the
    span are dropped, so that no transaction is cut in two. `below` makes the question for
    what follows a row (it raises ValueError where it cannot): it is put where the server
    names no next page although the span is not passed, or one that would leave rows out.
    Raises BadResponse where the list is in another order.
    """
    asked = _resume(cursor, span)
    began = asked  # asks for the page on which the lowest block began
    low: int | None = None
    rows: list[object] = []
    cost = 0
    while True:
        page = page_of(asked)
        lowest = _descended(page.rows, low, height_of)
        if lowest != low:
            low, began = lowest, asked
        rows += within(page.rows, span, height_of)
        cost += len(page.rows) or PAGE_COST
        if low is not None and low < span.lo:
            return Walk(tuple(rows), span, None)
        following = _following(page_of, page, height_of, below)
        if following is None:
            return Walk(tuple(rows), span, None)
        if following == asked:
            raise BadResponse("a page names itself as the next one")
        if cost >= max_rows and (low is None or low > span.hi):
            return Walk((), None, span, cursor=_cursor(span.hi, following))
        if cost >= max_rows and low is not None and low < span.hi:
            kept = tuple(within(rows, Interval(low + 1, span.hi), height_of))
            rest = Interval(span.lo, low)
            return Walk(kept, Interval(low + 1, span.hi), rest, cursor=_cursor(low, began))
        if cost >= max_rows + WINDOW:
            return _past_block(rows, span, following)
        asked = following


def _following(
    page_of: Callable[[Mapping[str, object]], CursorPage],
    page: CursorPage,
    height_of: Callable[[object], int],
    below: Callable[[object], Mapping[str, object]] | None,
) -> Mapping[str, object] | None:
    """What asks for the next page; None at the end. The server's word, held against the
    page's last row: it may have cut the page in silence."""
    try:
        own = below(page.rows[-1]) if below is not None and page.rows else None
    except ValueError:
        own = None
    if own is None:
        return page.following
    if page.following is not None:
        agrees = all(str(page.following.get(name, own[name])) == str(own[name]) for name in own)
        return page.following if agrees else own
    try:
        more = page_of(own).rows
    except SourceError as error:
        if isinstance(error, (BadResponse, Refused)):
            return None  # it takes its own questions only: its word has to do
        raise
    heights = [h for row in more if (h := readable_height(row, height_of)) is not None]
    lowest = readable_height(page.rows[-1], height_of)
    ignored = lowest is None or any(height > lowest for height in heights) or _reported(page, more)
    return own if heights and not ignored else None


def _reported(page: CursorPage, more: Sequence[object]) -> bool:
    """Whether the rows below a page are the page again: the question was ignored."""
    return bool(more) and more[0] == page.rows[0]


def _descended(
    rows: Sequence[object], low: int | None, height_of: Callable[[object], int]
) -> int | None:
    """The lowest block after these rows, once it is sure that they go down."""
    for height in (readable_height(row, height_of) for row in rows):
        if height is None:
            continue
        if low is not None and height > low:
            raise BadResponse("a newest-first list came in another order")
        low = height
    return low


def _past_block(rows: Sequence[object], span: Interval, following: Mapping[str, object]) -> Walk:
    """The span's highest block alone is too large: a gap, and on below it."""
    block = span.hi
    gap = Gap(Interval(block, block), f"block {block} holds more rows than one walk reads")
    if block == span.lo:
        return Walk(tuple(rows), span, None, (gap,))
    rest = Interval(span.lo, block - 1)
    cursor = _cursor(block - 1, following)
    return Walk(tuple(rows), Interval(block, block), rest, (gap,), cursor)


def _cursor(hi: int, params: Mapping[str, object]) -> str | None:
    return json.dumps({"hi": hi, "params": params}) if params else None


def _resume(cursor: str | None, span: Interval) -> Mapping[str, object]:
    try:
        reported = json.loads(cursor or "{}")
        return dict(reported["params"]) if reported["hi"] == span.hi else {}
    except (ValueError, TypeError, KeyError):
        return {}


def batch_of(
    name: str,
    ask: Ask,
    walk: Walk,
    parsed: Parsed,
    recorder: Recorder,
    *,
    axis: Axis = Axis.HEIGHT,
    pending: Parsed = _NOTHING,
    mempool_read: bool = False,
) -> Batch:
    """The batch that a walk and the parsing of its rows come to; `pending` is what was
    reported as unconfirmed beside them."""
    txs = {transfer.tx for transfer in (*pending.transfers, *parsed.transfers)}
    return Batch(
        source=name,
        subjects=ask.subjects,
        streams=ask.streams,
        axis=axis,
        head=ask.head,
        transfers=(*pending.transfers, *parsed.transfers),
        read=walk.read if parsed.placed else None,
        rest=walk.rest,
        cursor=walk.cursor,
        gaps=(*walk.gaps, *pending.gaps, *parsed.gaps),
        tokens=parsed.tokens,
        sha256=answers.digest_of(recorder.digests),
        digests=recorder.digests,
        heard=recorder.heard(txs, silence=ask.silence),
        silence=ask.silence,
        mempool_read=mempool_read,
        calls=recorder.calls,
    )
