"""Acts of issuers (freezing, destroying, releasing) at any address of a chain.

They are rare and read for all addresses together: an `Acts` keeps what one reading brought, so
that a pass costs the same calls whatever the number of watched addresses. Parsing is pure.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.chains import issuers
from monitor.chains.address import canonical
from monitor.chains.issuers import Event
from monitor.model import (
    ISSUER,
    Ask,
    Axis,
    Batch,
    Chain,
    Gap,
    Head,
    Interval,
    Issuer,
    Transfer,
    intervals,
)
from monitor.model.answers import Heard, digest_of
from monitor.model.errors import NotServed, NotYet, SourceError
from monitor.model.events import Log
from monitor.net.sources.ascending import PageOf, walk_up
from monitor.net.sources.evm_rows import number_equals, told_address
from monitor.net.sources.paging import Page, Recorder, Walk, evidence
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    hash32,
    hex_whole,
    items,
    place,
    read_rows,
    whole,
)

BUNDLE = frozenset({ISSUER})
MAX_CALLS = 500  # of one reading: a bound where a list goes on and on
MAX_ROWS = 100_000  # of one event of one contract; all that Tether ever did are some thousands
# How far below the head a reading goes again: more than the trailing window of the settings'
# default, because an explorer may insert a row late. It costs no call: acts are rare.
AGAIN_SECONDS = 3 * 86_400
# Seconds for which a failed reading stands for the other addresses of the pass, and how many
# times as long as it took: one that hangs is waited for once.
FAILED_FOR, FAILED_TIMES = 1.0, 10


@dataclass(frozen=True, slots=True)
class Reported:
    """What one reading brought: rows of all addresses, legs numbered, and how far it is whole."""

    parsed: Parsed
    read: Interval | None
    recorder: Recorder
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """The reading that serves until another head is asked under."""

    head: Head
    lo: int
    read: Interval | None
    rows: tuple[Transfer, ...]
    gaps: tuple[Gap, ...]
    digests: tuple[str, ...]  # of the answers of the newest reading
    heard: tuple[Heard, ...]  # the answers that name a row, of earlier readings too
    by_address: Mapping[str, Sequence[Transfer]]

    def serves(self, ask: Ask) -> bool:
        """Whether it holds what is asked; what it could not reach is asked for again."""
        reached = self.read is None or self.read.hi >= ask.span.lo
        return self.head == ask.head and self.lo <= ask.span.lo and reached


class Acts:
    """The issuers' acts of one chain at one source. Thread-safe: one thread reads, the others
    wait for what it brings."""

    def __init__(self, chain: Chain, axis: Axis = Axis.HEIGHT) -> None:
        self._chain = chain
        self._axis = axis
        self._second = axis.grain - 1  # milliseconds that a row does not report
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._failed: tuple[Head, float, SourceError] | None = None  # until when it stands

    def with_list(self, bundles: tuple[frozenset[str], ...]) -> tuple[frozenset[str], ...]:
        """The source's bundles, with this one where the chain has issuers."""
        return (*bundles, BUNDLE) if self._chain.issuers else bundles

    def batch(self, name: str, ask: Ask, read: Callable[[Interval], Reported]) -> Batch:
        """The acts that touch the asked subjects. `read` asks the source, for an interval up
        to the head. Raises SourceError; NotServed where the source has no such list."""
        with self._lock:
            calls = self._renew(ask, read)
            held = self._held
        assert held is not None
        top = min(ask.span.hi, self._axis.top(held.head))
        span = Interval(ask.span.lo, top) if ask.span.lo <= top else None
        seen = intervals.intersect(span, held.read) if span and held.read else None
        if seen is not None and seen.lo > ask.span.lo:
            seen = None
        end = seen.hi if seen else ask.span.lo - 1
        rows = {
            row.identity: row
            for subject in ask.subjects
            for row in held.by_address.get(subject.address, ())
            if self._at(row) + self._second >= ask.span.lo
        }
        return Batch(
            source=name,
            subjects=ask.subjects,
            streams=ask.streams,
            axis=self._axis,
            head=held.head,
            transfers=tuple(rows.values()),
            read=seen,
            rest=Interval(end + 1, top) if seen and end < top else None,
            gaps=tuple(g for g in held.gaps if seen and intervals.intersect(g.at, seen)),
            sha256=digest_of(held.digests),
            digests=held.digests,
            heard=evidence(held.heard, {t.tx for t in rows.values()}, silence=ask.silence),
            silence=ask.silence,
            calls=calls,
        )

    def _renew(self, ask: Ask, read: Callable[[Interval], Reported]) -> int:
        """Read what is not held under this head; returns the calls made."""
        held = self._held
        if held is not None and held.serves(ask):
            return 0
        if self._failed and self._failed[0] == ask.head and time.monotonic() < self._failed[1]:
            raise NotYet(str(self._failed[2]))  # reported already: not counted against it again
        top = self._axis.top(ask.head)
        keep = held if held is not None and held.lo <= ask.span.lo and not held.gaps else None
        whole_to = keep.read.hi if keep and keep.read else -1
        # Addresses were read to different heights: what is new to all of them is read at once.
        recent = max(0, top - self._axis.within(AGAIN_SECONDS, self._chain))
        start = min(ask.span.lo, recent)
        if keep is not None:
            start = max(keep.lo, min(whole_to + 1, recent))
        started = time.monotonic()
        try:
            reported = read(Interval(min(start, top), top))
        except NotServed:
            raise  # kept by the pool of sources
        except SourceError as error:
            now = time.monotonic()
            stands = max(FAILED_FOR, FAILED_TIMES * (now - started))
            self._failed = (ask.head, now + stands, error)
            raise
        self._keep(ask.head, keep, min(start, top), reported)
        return reported.recorder.calls

    def _at(self, row: Transfer) -> int:
        return self._axis.place(row) or 0

    def _keep(self, head: Head, keep: _Held | None, start: int, reported: Reported) -> None:
        older = [r for r in keep.rows if self._at(r) < start] if keep else []
        rows = (*older, *reported.parsed.transfers)
        lo = keep.lo if keep else start
        read = reported.read if reported.parsed.placed else None
        if keep is not None and keep.read is not None:
            # What was held stands below the place from which it was read again.
            hi = read.hi if read is not None else min(keep.read.hi, start - 1)
            read = Interval(lo, hi) if hi >= lo else None
        by_address: dict[str, list[Transfer]] = {}
        for row in rows:
            by_address.setdefault(row.sender or "", []).append(row)
        gaps = (*reported.gaps, *reported.parsed.gaps)
        made = reported.recorder
        fresh = made.heard({t.tx for t in reported.parsed.transfers})
        before = evidence(keep.heard, {row.tx for row in older}) if keep and older else ()
        heard = (*before, *fresh)
        self._held = _Held(head, lo, read, rows, gaps, made.digests, heard, by_address)


class Shared:
    """What a node answers for all addresses at once, by span, while its head is the same: where
    it stands in for an explorer it is asked for one address after the other. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._head: Head | None = None
        self._found: dict[Interval, Batch] = {}

    def batch(self, ask: Ask, read: Callable[[Ask], Batch]) -> Batch:
        """The part of the asked subjects. `read` brings the acts at every address."""
        with self._lock:
            if self._head != ask.head:
                self._head, self._found = ask.head, {}
            whole, calls = self._found.get(ask.span), 0
            if whole is None:
                whole = self._found[ask.span] = read(ask)
                calls = whole.calls
        wanted = {subject.address for subject in ask.subjects}
        mine = tuple(t for t in whole.transfers if not wanted.isdisjoint(t.parties()))
        return replace(
            whole,
            subjects=ask.subjects,
            transfers=mine,
            heard=evidence(whole.heard, {t.tx for t in mine}, silence=ask.silence),
            silence=ask.silence,
            calls=calls,
        )


# Etherscan's dialect: one call for an event of a contract, because it takes one of each.

_PageBy = Callable[[Mapping[str, str | int]], Page]


def asked(chain: Chain) -> list[tuple[Issuer, Event]]:
    """Every contract with every event that it may write: one call each, where all is quiet."""
    return [(issuer, event) for issuer in chain.issuers for event in issuers.events(issuer)]


def walk_logs(chain: Chain, span: Interval, page_by: _PageBy, size: int) -> Walk:
    """`module=logs&action=getLogs` of every event. Raises SourceError."""
    walks = [
        walk_up(_pages(issuer, event, page_by), span, log_height, size, MAX_ROWS)
        for issuer, event in asked(chain)
    ]
    end = min(walk.read.hi if walk.read else span.lo - 1 for walk in walks)
    return Walk(
        tuple(row for walk in walks for row in walk.rows),
        Interval(span.lo, end) if end >= span.lo else None,
        None,
        tuple(gap for walk in walks for gap in walk.gaps),
    )


def _pages(issuer: Issuer, event: Event, page_by: _PageBy) -> PageOf:
    def page_of(start: int, end: int, number: int, size: int) -> Page:
        return page_by(
            {
                "module": "logs",
                "action": "getLogs",
                "address": issuer.contract,
                "topic0": event.topic,
                "fromBlock": start,
                "toBlock": end,
                "page": number,
                "offset": size,
            }
        )

    return page_of


def log_height(row: object) -> int:
    return place(hex_whole(fields(row).get("blockNumber"), "blockNumber"), "blockNumber")


# Parsing: decoded JSON to transfers, nothing else.


def parse_logs(
    chain: Chain, logs: Iterable[object], times: Mapping[int, int] | None = None
) -> Parsed:
    """Logs of EVM chains, as nodes and explorers write them. What is of another contract or
    event is none of the issuers' acts: some servers leave a filter out.

    `times` holds Unix seconds of the blocks whose logs report none.
    """
    parsed = read_rows(logs, log_height, lambda log: _log(chain, log, times or {}))
    return Parsed(tuple(number_equals(parsed.transfers)), parsed.gaps, (), parsed.placed)


def _log(chain: Chain, log: Mapping[str, object], times: Mapping[int, int]) -> Iterator[Transfer]:
    issuer = chain.issuer_of(told_address(chain, log.get("address")))
    topics = [
        t for t in items(log.get("topics"), "topics") if t is not None
    ]  # Blockscout fills up to four
    event = _event(issuer, lambda e: bool(topics) and str(topics[0]).lower() == e.topic)
    if event is None or log.get("removed") is True:
        return
    words = [*(hash32(topic, "topic") for topic in topics[1:]), *_words(log.get("data"))]
    height, reported = log_height(log), log.get("blockTimestamp") or log.get("timeStamp")
    index = log.get("transactionIndex")
    yield Transfer(
        chain=chain.key,
        tx=hash32(log.get("transactionHash"), "transactionHash"),
        leg="",
        kind=event.kind,
        sender=_word_address(chain, words),
        recipient=None,
        amount=_amount(event, int(words[1], 16) if len(words) > 1 else None),
        contract=told_address(chain, log.get("address")),
        block_height=height,
        block_hash=hash32(log["blockHash"], "blockHash") if log.get("blockHash") else None,
        time=times[height] if reported is None else place(hex_whole(reported, "time"), "time"),
        tx_index=None if index is None else place(hex_whole(index, "index"), "index"),
        log_index=place(hex_whole(log.get("logIndex"), "logIndex"), "logIndex"),
    )


def _event(issuer: Issuer | None, fits: Callable[[Event], bool]) -> Event | None:
    return next((e for e in issuers.events(issuer) if fits(e)), None) if issuer else None


def _words(data: object) -> list[str]:
    """The data of a log as 32-byte words in hex; arguments that are no topics, in order."""
    if not isinstance(data, str) or not data.startswith("0x") or len(data) % 64 != 2:
        raise RowError("data is not a row of 32-byte words")
    return ["0x" + data[at : at + 64] for at in range(2, len(data), 64)]


def _word_address(chain: Chain, words: Sequence[str]) -> str:
    if not words or int(words[0], 16) >> 160:
        raise RowError("the address that it is about is not told")
    return told_address(chain, "0x" + words[0][-40:])


def _amount(event: Event, reported: int | None) -> int:
    if event.has_amount and reported is None:
        raise RowError("the amount is not told")
    return reported or 0 if event.moves else 0


def parse_events(chain: Chain, rows: Iterable[object]) -> Parsed:
    """Rows of TronGrid's `/v1/contracts/{contract}/events`, each reported once."""
    unique = {_row_key(row, n): row for n, row in enumerate(rows)}
    parsed = read_rows(unique.values(), event_time, lambda row: _tron_event(chain, row))
    return Parsed(tuple(number_equals(parsed.transfers)), parsed.gaps, (), parsed.placed)


def _row_key(row: object, number: int) -> object:
    """A page may begin with the last row of the one before."""
    if isinstance(row, dict) and row.get("transaction_id"):
        return (row["transaction_id"], row.get("event_index"), str(row.get("result")))
    return number


def event_time(row: object) -> int:
    return place(fields(row).get("block_timestamp"), "block_timestamp")


def _tron_event(chain: Chain, row: Mapping[str, object]) -> Iterator[Transfer]:
    contract = canonical(chain, str(row.get("contract_address")))
    event = _event(chain.issuer_of(contract), lambda e: e.name == row.get("event_name"))
    if event is None:
        return
    arguments = _arguments(row)
    amount = arguments.get("uint256")
    yield Transfer(
        chain=chain.key,
        tx=hash32("0x" + str(row.get("transaction_id")), "transaction_id")[2:],
        leg="",
        kind=event.kind,
        sender=canonical(chain, str(arguments.get("address"))),
        recipient=None,
        amount=_amount(event, None if amount is None else whole(amount, "amount")),
        contract=contract,
        block_height=place(row.get("block_number"), "block_number"),
        time=event_time(row) // 1000,
        log_index=place(row.get("event_index", 0), "event_index"),
    )


def act_in(chain: Chain, tx: str, log: Log) -> Transfer | None:
    """What one log of a transaction tells of an issuer's act, without its leg and its block; None
    for any other event. Raises RowError."""
    event = _event(chain.issuer_of(log.contract), lambda e: e.topic == log.topics[0])
    if event is None:
        return None
    words = [*log.topics[1:], *_words(log.data)]
    return Transfer(
        *(chain.key, tx, "", event.kind, _word_address(chain, words), None),
        amount=_amount(event, int(words[1], 16) if len(words) > 1 else None),
        contract=log.contract,
        log_index=log.log_index,
    )


def _arguments(row: Mapping[str, object]) -> dict[str, object]:
    """The first argument of each type. `result` reports each under its name and its number."""
    types, result = fields(row.get("result_type") or {}), fields(row.get("result"))
    found: dict[str, object] = {}
    for name, kind in types.items():
        found.setdefault(str(kind), result.get(name))
    if "address" not in found:
        found |= {k: result[n] for k, n in (("address", "0"), ("uint256", "1")) if n in result}
    return found
