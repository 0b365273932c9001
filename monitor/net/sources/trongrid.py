"""TronGrid v1 lists, and the node's own calls on the same host.

The axis is time in Unix milliseconds for every stream: the TRC-20 list reports no blocks.
All transactions of a block share one millisecond, so a list that is cut leaves out its
last millisecond whole.

Whether the list of transactions holds every internal transfer cannot be proven. TronGrid
shows them in two shapes, inside the row of the transaction and as items of their own, and
has changed more than once which of them it shows (java-tron#6423); both are read. What
`internal` covers is therefore "all that TronGrid lists", and no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from monitor.chains.tron import TRON
from monitor.model import Ask, Batch, Chain, Gap, Head, Interval, Lookup, SourceConfig
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused
from monitor.model.events import TxLogs
from monitor.model.trace import Code, Profile
from monitor.net.http import Http
from monitor.net.sources import acts, tron_logs, tron_profile, trongrid_balances
from monitor.net.sources.acts import Acts, Reported
from monitor.net.sources.newest_balances import Newest, served
from monitor.net.sources.paging import Recorder, Walk, batch_of
from monitor.net.sources.parsing import Parsed, RowError, fields
from monitor.net.sources.profiles import Sketch
from monitor.net.sources.tron_answers import checked, parse_block, parse_block_id
from monitor.net.sources.tron_blocks import TronBlocks
from monitor.net.sources.tron_logs import token_legs
from monitor.net.sources.tron_rows import (
    doubtful,
    parse_info,
    parse_transactions,
    parse_trc20,
    times_of,
)

PAGE_SIZE = 200  # the most; above it TronGrid answers HTTP 400 with an empty body
MAX_LOOKUPS = 50  # of one batch
MAX_PAGES = 100  # of one batch: a bound on calls where pages stay empty or one millisecond huge


class TronGrid:
    """Source for Tron. `url` is what `/v1/...` and `/wallet...` are appended to.

    A batch reads one list of one subject: `native` with `internal`, or `trc20`. It has no
    cursor: going on from a time is as good.
    """

    axis = TRON.axis
    many = False
    list_calls = 1

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = config.index_lag or 0
        self._chain = chain
        self._http = http
        self._size = min(config.page_size or PAGE_SIZE, PAGE_SIZE)
        self._acts = Acts(chain, self.axis)
        self.act_calls = len(acts.asked(chain))
        self._newest = Newest(self.name, self._newest_block, head_calls=1)

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        lists = (frozenset({"native", "internal"}), frozenset({"trc20"}))
        return self._acts.with_list(lists)

    def identify(self) -> None:
        """Quiet: its first block's hash, asked for where heads are judged, names its network."""

    def head(self) -> Head:
        newest = self._newest_block()
        try:
            final = parse_block(self._post("/walletsolidity/getnowblock", {}))
        except (Refused, BadResponse):  # a node of one's own may serve no solidified view
            return newest
        height, time = min(final.height, newest.height), min(final.time, newest.time)
        return replace(newest, final_height=height, final_time=time)

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        reported = self._post("/wallet/gettransactioninfobyid", {"value": _bare(tx)})
        info = parse_info(reported)
        if info is None:
            return Lookup(self.name, tx, found=False, head=head)
        lookup = Lookup(
            self.name, tx, found=True, height=info.height, failed=info.failed, head=head
        )
        block = None if info.height is None else self.block_hash(info.height)
        return replace(lookup, block_hash=block, moved=token_legs(self._chain, reported))

    def block_hash(self, height: int) -> str | None:
        return parse_block_id(self._post("/wallet/getblockbynum", {"num": height}))

    def whole(self) -> TronBlocks:
        """See ports.ReadsBlocks."""
        return TronBlocks(self, self._chain, self._http)

    @property
    def old_heights(self) -> bool:
        """It keeps only the newest figures."""
        return False

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """See ports.SeesBalances."""
        put = partial(trongrid_balances.put, self._called, self._account, asked)
        return self._newest.word(asked, height, put)

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """See ports.SeesBalances."""
        return self._newest.calls(len(asked))

    def profile(self, address: str, most: int) -> Profile:
        """See ports.Profiles: by the newest page of each of its lists."""
        sketch = Sketch(self.name, self._chain, address)
        asked: dict[str, str | int] = {"address": address, "visible": True}
        tron_profile.look(sketch, self._called("/wallet/getaccount", asked))
        if sketch.code is Code.CONTRACT:
            return sketch.profile(1)
        size = min(most + 1, self._size)
        newest: dict[str, str | int] = {"limit": size, "order_by": "block_timestamp,desc"}
        plain = partial(parse_transactions, self._chain, address, infos={})
        for tail, parse in (("", plain), ("/trc20", partial(parse_trc20, self._chain))):
            told = self._http.get(f"/v1/accounts/{address}/transactions{tail}", newest)
            page = parse_page(checked(self.name, told))
            sketch.take(parse(page.rows), page.rows)
            sketch.at_least |= page.fingerprint is not None or len(page.rows) >= size
        return sketch.profile(3)

    def tx_logs(self, tx: str) -> TxLogs:
        """See ports.TellsLogs. Who signed is not told."""
        told = self._called("/wallet/gettransactioninfobyid", {"value": _bare(tx)})
        if told == {}:
            raise NotYet(f"{self.name} does not know transaction {tx}")
        return tron_logs.parse_info_logs(self.name, self._chain, _bare(tx), told)

    def fetch(self, ask: Ask) -> Batch:
        if ask.streams == acts.BUNDLE:
            return self._acts.batch(self.name, ask, self._read_acts)
        recorder = Recorder(self._http)
        tokens = "trc20" in ask.streams
        rows, read, rest, gaps = self._walk(ask, recorder, _account_list(ask, tokens))
        if tokens:
            parsed = parse_trc20(self._chain, rows)
        else:
            rows, read, rest = self._few_questions(ask, rows, read, rest)
            parsed = self._movements(ask, rows, recorder)
        walk = Walk((), read, rest, gaps=tuple(gaps))
        return batch_of(self.name, ask, walk, parsed, recorder, axis=self.axis)

    def _few_questions(
        self,
        ask: Ask,
        rows: Sequence[object],
        read: Interval | None,
        rest: Interval | None,
    ) -> tuple[Sequence[object], Interval | None, Interval | None]:
        """Cut a list that raises more questions than one batch should ask, between blocks."""
        when = list(doubtful(self._chain, ask.subjects[0].address, rows).values())
        if read is None or len(when) <= MAX_LOOKUPS or when[MAX_LOOKUPS] == when[0]:
            return rows, read, rest
        start = when[MAX_LOOKUPS]
        kept = [row for row in rows if not any(time >= start for time in times_of((row,)))]
        end = rest.hi if rest is not None else read.hi
        return kept, Interval(read.lo, start - 1), Interval(start, end)

    def _movements(self, ask: Ask, rows: Sequence[object], recorder: Recorder) -> Parsed:
        """TronGrid reports the recipient of a reverted internal transfer that it was not
        rejected (trongrid-js#59): what only it says is looked up at the node."""
        address = ask.subjects[0].address
        infos = {}
        for tx in doubtful(self._chain, address, rows):
            answer = recorder.post("/wallet/gettransactioninfobyid", {"value": tx})
            infos[tx] = parse_info(checked(self.name, answer))
        return parse_transactions(self._chain, address, rows, infos)

    def _read_acts(self, span: Interval) -> Reported:
        """Each event of each contract by itself: its whole list would hold every transfer."""
        recorder = Recorder(self._http)
        rows: list[object] = []
        end = span.hi
        gaps: list[Gap] = []
        for issuer, event in acts.asked(self._chain):
            rest: Interval | None = span
            # A full page without a fingerprint (trongrid#23) is gone on from by time.
            while rest is not None and recorder.calls < acts.MAX_CALLS:
                asked = _event_list(issuer.contract, event.name)
                reported, _, rest, holes = self._pages(rest, acts.MAX_ROWS, recorder, asked)
                rows += reported
                gaps += holes
            end = min(end, span.hi if rest is None else rest.lo - 1)
        parsed = acts.parse_events(self._chain, rows)
        whole = Interval(span.lo, end) if end >= span.lo else None
        return Reported(parsed, whole, recorder, tuple(gaps))

    def _walk(self, ask: Ask, recorder: Recorder, asked: _List) -> _Walked:
        lo, hi = ask.span.lo, min(ask.span.hi, ask.head.time * 1000)
        if lo > hi:
            return (), None, None, ()
        return self._pages(Interval(lo, hi), ask.max_rows, recorder, asked)

    def _pages(self, span: Interval, max_rows: int, recorder: Recorder, asked: _List) -> _Walked:
        rows: list[object] = []
        fingerprints: list[str] = []
        start = span.lo
        for _ in range(MAX_PAGES):
            page = self._page(asked, recorder, Interval(start, span.hi), fingerprints)
            # Equal pages of one millisecond are possible: many equal transfers at once.
            if page.rows == rows[-len(page.rows) :] and _several(page.rows):
                raise BadResponse(f"{self.name} answered the same page twice")
            rows += page.rows
            short = len(page.rows) < self._size
            if page.fingerprint is None and short and self._ended(asked, recorder, rows, span.hi):
                return tuple(rows), span, None, ()
            if page.fingerprint is None or (len(rows) >= max_rows and _several(rows)):
                break
            if short and _several(page.rows):
                # It may be cut in silence, and its fingerprint lead past what was cut.
                start, fingerprints = max(times_of(page.rows)), []
                rows = [row for row in rows if start not in times_of((row,))]
                continue
            if page.fingerprint in fingerprints:
                raise BadResponse(f"{self.name} leads back to a page that was read already")
            fingerprints.append(page.fingerprint)
        return _cut(rows, span)

    def _ended(self, asked: _List, recorder: Recorder, rows: Sequence[object], most: int) -> bool:
        """Whether nothing follows these rows. Their last millisecond is asked for once more,
        since a list may be cut in silence; where it is all there is, newest first, so that a
        cut would leave out other rows."""
        times = times_of(rows)
        if not times:
            return True
        last = max(times)
        known = [row for row in rows if last in times_of((row,))]
        order = "asc" if _several(rows) else "desc"
        page = self._page(asked, recorder, Interval(last, most), (), order)
        again = Counter(map(_id_of, page.rows))
        return page.fingerprint is None and again == Counter(map(_id_of, known))

    def _page(
        self,
        asked: _List,
        recorder: Recorder,
        span: Interval,
        before: Sequence[str],
        order: str = "asc",
    ) -> _Page:
        params: dict[str, str | int] = {
            asked.least: span.lo,
            asked.most: span.hi,
            "order_by": f"block_timestamp,{order}",
            "limit": self._size,
            **asked.params,
        }
        if before:
            params["fingerprint"] = before[-1]
        answer = recorder.get(asked.path, params)
        if answer.status in (404, 405, 501) and asked.optional:
            raise NotServed(f"{self.name} has no list of events (HTTP {answer.status})")
        return parse_page(checked(self.name, answer))

    def _newest_block(self) -> Head:
        return parse_block(self._post("/wallet/getnowblock", {}))

    def _called(self, path: str, payload: Mapping[str, str | int]) -> object:
        """A call that a server may not have."""
        answer = self._http.post(path, payload)
        return checked(self.name, served(answer, self.name, path))

    def _account(self, address: str) -> object:
        path = f"/v1/accounts/{address}"
        return checked(self.name, served(self._http.get(path), self.name, path))

    def _post(self, path: str, payload: Mapping[str, str | int]) -> object:
        return checked(self.name, self._http.post(path, payload))


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the v1 API, and how its limits in time are called there."""

    path: str
    params: Mapping[str, str]
    least: str = "min_timestamp"
    most: str = "max_timestamp"
    optional: bool = False  # a server of one's own may not have it


def _account_list(ask: Ask, tokens: bool) -> _List:
    path = f"/v1/accounts/{ask.subjects[0].address}/transactions"
    # Once the default, then undocumented (java-tron#6423); ignored where unknown.
    return _List(f"{path}/trc20", {}) if tokens else _List(path, {"search_internal": "true"})


def _event_list(contract: str, event: str) -> _List:
    path = f"/v1/contracts/{contract}/events"
    return _List(path, {"event_name": event}, "min_block_timestamp", "max_block_timestamp", True)


_Walked = tuple[Sequence[object], Interval | None, Interval | None, Sequence[Gap]]


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[object]
    fingerprint: str | None


def _id_of(row: object) -> str:
    """What names a row of any of the lists."""
    reported = row if isinstance(row, dict) else {}
    names = (reported.get(name) for name in ("transaction_id", "internal_tx_id", "txID"))
    return str(next((name for name in names if name is not None), row))


def _several(rows: Iterable[object]) -> bool:
    return len(set(times_of(rows))) > 1


def _cut(rows: Sequence[object], span: Interval) -> _Walked:
    """What a list that did not come to its end proves: all before its last millisecond.

    Raises BadResponse where the list is in another order than asked for. A millisecond that
    alone fills all that the list gives becomes a gap: it could never be passed otherwise.
    """
    times = times_of(rows)
    if times != sorted(times) or any(time not in span for time in times):
        raise BadResponse("a list came in another order or range than asked, and is cut")
    if not times:
        raise BadResponse("a list without a readable row goes on and on")
    first, last = times[0], times[-1]
    rest = Interval(last, span.hi)
    if first < last:
        whole_rows = tuple(row for row in rows if last not in times_of((row,)))
        return whole_rows, Interval(span.lo, last - 1), rest, ()
    after = Interval(last + 1, span.hi) if last < span.hi else None
    reason = f"one block holds more rows for this address than the list gives ({len(rows)})"
    return tuple(rows), Interval(span.lo, last), after, (Gap(Interval(last, last), reason),)


def parse_page(reported: object) -> _Page:
    """One page of a v1 list. Raises BadResponse."""
    try:
        page = fields(reported)
        meta = fields(page.get("meta"))
        rows, fingerprint = page.get("data"), meta.get("fingerprint")
    except RowError as error:
        raise BadResponse(f"a page cannot be read: {error}") from None
    if page.get("success") is not True or not isinstance(rows, list):
        raise BadResponse("a page does not say that it succeeded, or holds no list")
    if fingerprint is not None and not isinstance(fingerprint, str):
        raise BadResponse("a page's fingerprint is not a text")
    return _Page(rows, fingerprint or None)


def _bare(tx: str) -> str:
    return tx.lower().removeprefix("0x")
