"""Blockbook REST API v2: Trezor's explorer for coins of Bitcoin's kind, self-hosted or rented.

An address has one list, newest first. It is read downwards by `to`, the highest block of
the next page: page numbers shift with what comes on top, and for years they left out what
unconfirmed transactions had pushed off the first page (blockbook#1737). The address's own
count of transactions proves the end. https://github.com/trezor/blockbook/blob/master/docs/api.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from monitor.chains.utxo import UTXO
from monitor.model import Ask, Batch, Chain, Gap, Head, Interval, Lookup, SourceConfig
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import BadResponse, NotYet, Refused, SourceError
from monitor.model.trace import Profile
from monitor.net.http import Answer, Http
from monitor.net.sources import utxo_balances, utxo_profile
from monitor.net.sources.blockbook_rows import (
    Page,
    outline,
    parse_block_hash,
    parse_head,
    parse_lookup,
    parse_page,
    parse_status,
    parse_transactions,
    parse_unconfirmed,
)
from monitor.net.sources.newest_balances import Newest
from monitor.net.sources.paging import PAGE_COST, WINDOW, Recorder, Walk, batch_of
from monitor.net.sources.parsing import Parsed
from monitor.net.sources.utxo_identity import check_landmark, foreign
from monitor.net.sources.utxo_legs import fields_of

PAGE_SIZE = 25
MOST = 1000  # rows that a page has at most, whatever is asked
# What a server calls the coin -> the symbol of the chain that it can serve.
COINS = {
    "Bitcoin": "BTC",
    "Bcash": "BCH",
    "Litecoin": "LTC",
    "Dogecoin": "DOGE",
    "Dash": "DASH",
    "Zcash": "ZEC",
}
_CURSOR = re.compile(r"([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,15})\Z")


class Blockbook:
    """Source for one UTXO chain. `url` is what `/api/v2/...` is appended to.

    Batches of stream `utxo` on the axis of heights, one subject each. A cursor is
    "height seen counted": the highest block that is still to be read, how many transactions
    were seen above it, and how many the address had when the walk began.
    """

    axis = UTXO.axis
    bundles = (frozenset({"utxo"}),)
    many = False
    one_index = True
    list_calls = 1
    act_calls = 0  # nobody can freeze coins of these chains

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = config.index_lag or 0
        self._chain = chain
        self._http = http
        self._page_size = config.page_size or PAGE_SIZE
        self._head: Head | None = None  # the newest one so far
        self._newest = Newest(self.name, self.head, head_calls=3)

    def identify(self) -> None:
        coin = parse_status(self._get("/api/v2/").json()).coin
        if COINS.get(coin, self._chain.symbol) != self._chain.symbol:
            raise foreign(self, self._chain, f"it serves {coin}")
        check_landmark(self, self._chain)

    def head(self) -> Head:
        """The newest block of the index, which the lists are made from; the node behind it
        may be further. Its time stands only on the block's own page, with transactions."""
        index = parse_status(self._get("/api/v2/").json())
        if not index.complete:
            raise NotYet(f"{self.name} is still building its index")
        tip = self.block_hash(index.height)
        if tip is None:
            raise BadResponse(f"{self.name} does not know its own newest block")
        known = self._head
        if known is None or known.block_hash != tip:
            block = self._get(f"/api/v2/block/{tip}", {"pageSize": 1})  # not heeded everywhere
            known = self._head = parse_head(block.json(), tip, index.height)
        return known

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        answer = self._http.get(f"/api/v2/tx/{quote(tx, safe='')}")
        # In other words the same error says that the server's node could not be asked.
        if answer.status == 400 and _said(answer) == f"Transaction '{tx}' not found":
            return Lookup(self.name, tx, found=False, head=head)
        return parse_lookup(self._checked(answer).json(), self.name, tx, head)

    def block_hash(self, height: int) -> str | None:
        return parse_block_hash(self._get(f"/api/v2/block-index/{height}").json())

    @property
    def old_heights(self) -> bool:
        """It keeps only the newest figures."""
        return False

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """See ports.SeesBalances."""
        put = partial(
            utxo_balances.put, self._totals, utxo_balances.parse_balance, self._chain, asked
        )
        return self._newest.word(asked, height, put)

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """See ports.SeesBalances."""
        return self._newest.calls(len(asked))

    def profile(self, address: str, most: int) -> Profile:
        """See ports.Profiles: the count of its transactions stands beside the newest of them."""
        del most
        path = f"/api/v2/address/{quote(address, safe='')}"
        asked: dict[str, str | int] = {"details": "txs", "pageSize": self._page_size}
        told = self._of_address(self._http.get(path, asked)).json()
        page = parse_page(told, self._chain, address, self._page_size)
        sketch = utxo_profile.counted(self.name, self._chain, address, fields_of(told), page.total)
        utxo_profile.take(sketch, parse_transactions(self._chain, page.mined))
        return sketch.profile(1)

    def _totals(self, address: str) -> object:
        path = f"/api/v2/address/{quote(address, safe='')}"
        return self._of_address(self._http.get(path, {"details": "basic"})).json()

    def fetch(self, ask: Ask) -> Batch:
        """Read downwards from the newest transaction, or from the cursor.

        The top of the list holds the unconfirmed transactions too and is read first: one
        that is mined meanwhile is then reported twice and not left out.
        """
        recorder = Recorder(self._http)
        walk = _Walk.resumed(ask)
        top = self._top(ask, recorder) if ask.mempool or walk.to is None else None
        if top is not None and walk.to is None:
            walk.take(top)
        while not walk.done(ask.span.lo) and not walk.full(ask.max_rows):
            self._down(ask, walk, recorder)
        read, rest, cursor = walk.covered(ask)
        parsed = parse_transactions(self._chain, walk.rows_above(rest))
        waiting = top.pending if top is not None and ask.mempool else ()
        pending = parse_unconfirmed(self._chain, waiting, ask.head.height)
        found = Walk((), read, rest, tuple(walk.gaps), cursor)
        mempool_read = ask.mempool and _whole(top, pending)
        return batch_of(
            self.name, ask, found, parsed, recorder, pending=pending, mempool_read=mempool_read
        )

    def _top(self, ask: Ask, recorder: Recorder) -> Page:
        """The first page, large enough for every unconfirmed transaction: some servers list
        them beside its rows, others among them (blockbook#1099)."""
        page = self._page(ask, recorder)
        if page.waiting > len(page.pending):
            most = min(MOST, page.waiting + self._page_size)
            return self._page(ask, recorder, pageSize=most)
        return page

    def _down(self, ask: Ask, walk: _Walk, recorder: Recorder) -> None:
        """Read the next page, down from the lowest block seen. That block is read again
        whole, and to its end page by page where it fills the page."""
        block = walk.to
        to = max(1, ask.head.height if block is None else block)
        page = self._page(ask, recorder, to=to)
        walk.take(page)
        if walk.to == block:
            self._along(ask, walk, recorder, to, len(page.mined))

    def _along(self, ask: Ask, walk: _Walk, recorder: Recorder, to: int, rows: int) -> None:
        """What follows a page that leads no lower, in pages as long as that one was: more of
        its block, or what lies below it, or nothing."""
        block, number, cut, most = walk.to, 1, False, ask.max_rows + WINDOW
        while rows and not walk.ended and walk.to == block and not walk.full(most):
            number += 1
            page = self._page(ask, recorder, to=to, page=number, pageSize=rows)
            if not walk.take(page):
                break
            if cut:  # what came before this page was not all that stands there
                walk.leave(to, "shows not all of its rows")
            cut = len(page.mined) < rows
        if walk.to == block is not None and walk.full(most):
            walk.leave(block, "holds more rows than one walk reads")
        elif walk.to == block:
            walk.end()

    def _page(self, ask: Ask, recorder: Recorder, **query: int) -> Page:
        address = ask.subjects[0].address
        asked: dict[str, str | int] = {"details": "txs", "page": 1, "pageSize": self._page_size}
        asked |= query
        answer = recorder.get(f"/api/v2/address/{quote(address, safe='')}", asked)
        reported = self._of_address(answer).json()
        page = parse_page(reported, self._chain, address, int(asked["pageSize"]))
        _descends(page, query.get("to"))
        return page

    def _get(self, path: str, query: Mapping[str, str | int] | None = None) -> Answer:
        return self._checked(self._http.get(path, query))

    def _of_address(self, answer: Answer) -> Answer:
        """As `_checked`, for the lists of an address: what is refused there as unreadable is
        the address, in whatever words."""
        if answer.status != 400:
            return self._checked(answer)
        why = f"{self.name} does not take this address (HTTP 400: {_said(answer)})"
        raise Refused(why, of_address=True)

    def _checked(self, answer: Answer) -> Answer:
        if answer.status < 400:
            return answer
        raise classify(self.name, answer.status, _said(answer))


@dataclass(slots=True)
class _Walk:
    """Confirmed transactions seen so far, newest first."""

    to: int | None = None  # highest block that is still to be read; None: nothing was seen
    before: int = 0  # transactions seen above where this walk began
    counted: int | None = None  # that the address had when the first one began
    began: int | None = None
    total: int = 0  # that it has now
    tip: int | None = None  # the oldest index among those that reported a row
    rows: list[object] = field(default_factory=list)
    seen: dict[str, int | None] = field(default_factory=dict)  # key -> height, in order
    cost: int = 0  # rows so far, as a batch counts them
    gaps: list[Gap] = field(default_factory=list)
    ended: bool = False  # the end of the history was reached, and proven to be it
    broken: bool = False  # the list ended, and it cannot be the end

    @classmethod
    def resumed(cls, ask: Ask) -> _Walk:
        """Where the cursor stands; at the top without one, or with one of another span."""
        match = _CURSOR.match(ask.cursor or "")
        if match is None or int(match[1]) < ask.span.hi:
            return cls()
        to, before, counted = map(int, match.groups())
        return cls(to, before, counted, began=to)

    def take(self, page: Page) -> bool:
        """Take a page; return whether it held anything new."""
        known = len(self.seen)
        self.cost += max(PAGE_COST, sum(map(self._add, page.mined)))
        self.total = page.total
        self.counted = page.total if self.counted is None else self.counted
        # Of several batches not all were reported under one count: such a walk has to go on until
        # nothing more comes. So has one whose last page has no room for more.
        counted = self.began is None and self._count() >= self.total
        self.ended = counted and not page.full
        return len(self.seen) > known

    def _add(self, row: object) -> int:
        """Take a row; return how many legs it brought."""
        found = outline(row)
        if found.key in self.seen:
            return 0
        self.seen[found.key] = found.height
        self.rows.append(row)
        if found.height is not None:
            # `to=0` would ask for everything: the two lowest blocks are read as one.
            block = max(1, found.height)
            self.to = block if self.to is None else min(self.to, block)
        if found.tip is not None:
            self.tip = found.tip if self.tip is None else min(self.tip, found.tip)
        return found.legs

    def _count(self) -> int:
        return self.before + len(self.seen)

    def end(self) -> None:
        """The list goes no further. What came on top since the walk began is not in it."""
        self.ended = self.ended or self._count() >= (self.counted or 0)
        self.broken = not self.ended

    def leave(self, block: int, why: str) -> None:
        """Go on below a block that was not read whole; the count cannot be met now."""
        self.gaps.append(Gap(Interval(block, block), f"block {block} {why}"))
        self.to, self.counted = block - 1, 0

    def done(self, lo: int) -> bool:
        return self.ended or self.broken or (self.to is not None and self.to < lo)

    def full(self, max_rows: int) -> bool:
        """Enough rows. Each page leads lower or to the end, so that the next batch gets on."""
        return self.cost >= max_rows

    def covered(self, ask: Ask) -> tuple[Interval | None, Interval | None, str | None]:
        """(read, rest, cursor). The lowest block of a walk that was cut may be cut in two:
        it is left to the next batch, whole. An index behind the head proves up to its own.

        Raises BadResponse where the list broke off before it reached the span, unless it has
        changed since the walk began.
        """
        lo, hi = ask.span.lo, min(ask.span.hi, ask.head.height)
        hi = hi if self.tip is None else min(hi, self.tip)
        if lo > hi:
            return None, None, None
        if self.ended or (self.to is not None and self.to < lo):
            return Interval(lo, hi), None, None
        low = hi if self.to is None else self.to
        changed = self.began is not None and self.total != self.counted
        if self.broken and low >= hi and not changed:
            raise BadResponse(
                "the address's list of transactions ends before its count of them is reached"
            )
        # After a broken list only a walk from the top, with its count, proves the end.
        cursor = None if self.broken or self.to is None else self._cursor(self.to)
        if low >= hi:
            return None, Interval(lo, hi), cursor
        return Interval(low + 1, hi), Interval(lo, low), cursor

    def _cursor(self, to: int) -> str:
        again = sum(1 for height in self.seen.values() if height is not None and height <= to)
        return f"{to} {self._count() - again} {self.counted or 0}"

    def rows_above(self, rest: Interval | None) -> list[object]:
        """Without those of the block that the next batch reads whole, if there will be one."""
        if rest is None or self.broken:
            return self.rows
        heights = self.seen.values()
        return [r for r, h in zip(self.rows, heights, strict=True) if h is None or h > rest.hi]


def _descends(page: Page, to: int | None) -> None:
    """Raise BadResponse for a page in another order, or with blocks above the one asked from:
    what it shows would prove nothing of what it does not."""
    for height in (outline(row).height for row in page.mined):
        if height is not None and to is not None and height > to:
            raise BadResponse("the list does not go down from the block that it was asked from")
        to = to if height is None else height


def _whole(top: Page | None, pending: Parsed) -> bool:
    """Whether every unconfirmed transaction was listed, each once, and could be read."""
    listed = len({transfer.tx for transfer in pending.transfers})
    return top is not None and top.waiting <= listed and not pending.gaps


def _said(answer: Answer) -> str:
    """The words of an error, {"error": "..."} or whatever came instead, cut short."""
    try:
        reported = answer.json()
    except BadResponse:
        reported = None
    words = reported.get("error") if isinstance(reported, Mapping) else None
    return " ".join((words if isinstance(words, str) else answer.text).split())[:120]


def classify(name: str, status: int, words: str) -> SourceError:
    """An HTTP 4xx of this API."""
    if words.startswith("<"):  # a web page: a proxy's or a guard's, not this API's word
        return BadResponse(f"{name} answered a web page (HTTP {status})")
    if status in (401, 402, 403):
        return Refused(f"{name} refuses access (HTTP {status}: {words})")
    return BadResponse(f"{name} answered HTTP {status}: {words}")
