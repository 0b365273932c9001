"""Read one subject from its sources: which span, which source, what next. No database.

Runs in worker threads. A source's failure is a value here (`Failure`), never an exception:
the next source of the chain's list is asked, and what none could read is reported.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor import coverage, lanes
from monitor.errors import NotYet, Refused, SourceError
from monitor.model import STREAM_OF, Ask, Batch, Chain, Entry, Head, Interval, Row, Subject
from monitor.ports import Source
from monitor.store.record import StreamState

HEAD_TTL = 10.0  # seconds for which a source's head serves other subjects too
IDENTIFY_EVERY = 3600.0
BREAK_AFTER = 3  # failures in a row before a source is left alone for a while
BREAK_SECONDS = (60.0, 900.0)  # first and longest time that it is left alone


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not read a stream, in words without secrets."""

    source: str
    streams: frozenset[str]
    error: str
    retryable: bool
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round of reading one subject brought."""

    subject: Subject
    batches: tuple[Batch, ...]
    failures: tuple[Failure, ...]
    unread: frozenset[str]  # streams that a source serves and none could read
    unserved: frozenset[str]  # streams that no configured source serves
    more: bool  # unread history or a cut head: come again
    deep: bool = False


class Desk:
    """The sources of one chain with their health: heads, identity, breakers. Thread-safe."""

    def __init__(self, chain: Chain, sources: Sequence[Source]) -> None:
        self.chain = chain
        self.sources = tuple(sources)
        self._lock = threading.Lock()
        self._heads: dict[str, tuple[float, Head]] = {}
        self._identified: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._rest_until: dict[str, float] = {}
        self.heads_seen: dict[str, Head] = {}

    def usable(self, source: Source, *, everything: bool) -> bool:
        with self._lock:
            return everything or time.monotonic() >= self._rest_until.get(source.name, 0.0)

    def head(self, source: Source) -> Head:
        """The source's own head, at most HEAD_TTL old: always read before the data."""
        now = time.monotonic()
        with self._lock:
            cached = self._heads.get(source.name)
            identified = self._identified.get(source.name, -IDENTIFY_EVERY)
        if cached is not None and now - cached[0] < HEAD_TTL:
            return cached[1]
        if now - identified >= IDENTIFY_EVERY:
            source.identify()
        head = source.head()
        with self._lock:
            self._identified[source.name] = (
                now if now - identified >= IDENTIFY_EVERY else identified
            )
            self._heads[source.name] = (now, head)
            self.heads_seen[source.name] = head
        return head

    def forget_heads(self) -> None:
        with self._lock:
            self._heads.clear()

    def worked(self, source: Source) -> None:
        with self._lock:
            self._failures.pop(source.name, None)
            self._rest_until.pop(source.name, None)

    def failed(self, source: Source, error: SourceError) -> None:
        """Leave a source alone after repeated failures, longer each time."""
        if isinstance(error, NotYet):
            return
        with self._lock:
            self._heads.pop(source.name, None)
            self._identified.pop(source.name, None)
            count = self._failures[source.name] = self._failures.get(source.name, 0) + 1
            first, longest = BREAK_SECONDS
            wait = error.retry_after or 0.0
            if isinstance(error, Refused):
                wait = longest
            elif count >= BREAK_AFTER:
                wait = max(wait, min(longest, first * 2 ** (count - BREAK_AFTER)))
            self._rest_until[source.name] = time.monotonic() + wait


@dataclass
class Progress:
    """Where a subject stands within one pass."""

    windowed: set[str] = field(default_factory=set)  # streams whose head was cut once
    resume: dict[str, int] = field(default_factory=dict)  # where a cut head goes on
    head_done: set[str] = field(default_factory=set)
    rounds: int = 0


@dataclass(frozen=True)
class Reading:
    """One round of reading for one subject."""

    desk: Desk
    subject: Subject
    entries: Sequence[Entry]
    states: Mapping[str, StreamState]
    open_rows: Sequence[Row]
    progress: Progress
    history: bool  # whether history may be read (not held back, not too much)
    deep_seconds: int  # > 0: read this trailing window again
    everything: bool
    since_time: Callable[[str], int | None]  # a `since` date as Unix seconds
    prefetched: Mapping[str, Batch | Failure] = field(default_factory=dict)  # by stream
    max_rows: int = 2000

    def run(self) -> Outcome:
        """Ask the sources in order for every stream until each is read or none is left."""
        wanted = set(self.desk.chain.streams)
        served = {s for source in self.desk.sources for b in source.bundles for s in b}
        left = wanted & served
        batches: list[Batch] = []
        failures: list[Failure] = []
        for source in self.desk.sources:
            if not left:
                break
            if not self.desk.usable(source, everything=self.everything):
                streams = frozenset(left & {s for b in source.bundles for s in b})
                if streams:
                    failures.append(Failure(source.name, streams, "resting after failures", True))
                continue
            for bundle in source.bundles:
                if streams := frozenset(bundle & left):
                    left -= self._try(source, streams, batches, failures)
        return self._outcome(batches, failures, frozenset(left), frozenset(wanted - served))

    def _try(
        self,
        source: Source,
        streams: frozenset[str],
        batches: list[Batch],
        failures: list[Failure],
    ) -> frozenset[str]:
        """Read a bundle from one source; returns the streams that are done."""
        ready = self.prefetched.get(min(streams)) if not self.progress.rounds else None
        if isinstance(ready, Batch) and ready.source == source.name:
            batches.append(ready)
            return streams
        if isinstance(ready, Failure) and ready.source == source.name:
            failures.append(ready)
            return frozenset()
        try:
            batch = self._fetch(source, streams)
        except SourceError as error:
            self.desk.failed(source, error)
            failures.append(
                Failure(source.name, streams, str(error), error.retryable, error.retry_after)
            )
            return frozenset()
        self.desk.worked(source)
        if batch is None:
            return streams
        batches.append(batch)
        return streams if progressed(batch) else frozenset()

    def _fetch(self, source: Source, streams: frozenset[str]) -> Batch | None:
        head = self.desk.head(source)
        ask = self.ask(source, streams, head)
        return source.fetch(ask) if ask is not None else None

    def ask(self, source: Source, streams: frozenset[str], head: Head) -> Ask | None:
        """What to ask of a source for these streams now; None when nothing is missing."""
        if not streams <= self.progress.head_done:
            return self._ask(streams, self._head_span(source, streams, head), head, None)
        for stream in sorted(streams):
            span = self._history_span(source, stream, head) if self.history else None
            if span is not None:
                return self._ask(streams, span, head, self._cursor(source, stream, span))
        return None

    def _ask(self, streams: frozenset[str], span: Interval, head: Head, cursor: str | None) -> Ask:
        return Ask(
            subjects=(self.subject,),
            streams=streams,
            span=span,
            head=head,
            cursor=cursor,
            max_rows=self.max_rows,
            mempool=not streams <= self.progress.head_done,
        )

    def _head_span(self, source: Source, streams: frozenset[str], head: Head) -> Interval:
        axis, floor = source.axis, self.floor(source, head)
        top = coverage.top(head, axis)
        lows = [
            self.progress.resume.get(
                stream,
                coverage.head_span(
                    self._parts(stream, axis), floor, top, self._open(stream, axis)
                ).lo,
            )
            for stream in streams
        ]
        lo = min(lows)
        if self.deep_seconds and not self.progress.resume:
            lo = min(lo, self._deep_start(head, axis, floor))
        return Interval(min(lo, top), top)

    def _deep_start(self, head: Head, axis: str, floor: int) -> int:
        if axis == "time":
            return max(floor, (head.time - self.deep_seconds) * 1000)
        return max(floor, head.height - coverage.blocks_for(self.deep_seconds, self.desk.chain))

    def _history_span(self, source: Source, stream: str, head: Head) -> Interval | None:
        state = self.states.get(stream)
        parts = self._parts(stream, source.axis)
        waiting = state.waiting if state else ()
        spans = coverage.history_spans(parts, self.floor(source, head), waiting)
        return spans[0] if spans else None

    def _cursor(self, source: Source, stream: str, span: Interval) -> str | None:
        state = self.states.get(stream)
        place, cursor = state.cursors.get(source.name, (0, "")) if state else (0, "")
        return cursor if cursor and place == span.hi else None

    def _parts(self, stream: str, axis: str) -> tuple[Interval, ...]:
        state = self.states.get(stream)
        return state.covered.get(axis, ()) if state else ()

    def _open(self, stream: str, axis: str) -> int | None:
        places = [
            place
            for row in self.open_rows
            if STREAM_OF[row.transfer.kind] == stream
            and lanes.touches(row.transfer, self.subject.address)
            for place in [row.transfer.block_height if axis == "height" else _millis(row)]
            if place is not None
        ]
        return min(places, default=None)

    def floor(self, source: Source, head: Head) -> int:
        """The lowest place that any entry of the subject asks for."""
        return min((self._since(e.since, head, source.axis) for e in self.entries), default=0)

    def _since(self, since: str, head: Head, axis: str) -> int:
        if since == "first":
            return 0
        if since.isdecimal():
            return coverage.place_of_height(int(since), head, axis, self.desk.chain)
        when = self.since_time(since)
        return 0 if when is None else coverage.place_of_date(when, head, axis, self.desk.chain)

    def _outcome(
        self,
        batches: Sequence[Batch],
        failures: Sequence[Failure],
        unread: frozenset[str],
        unserved: frozenset[str],
    ) -> Outcome:
        deep = self.deep_seconds > 0 and not unread
        more = any(b.rest is not None for b in batches) or self._history_left(batches)
        return Outcome(self.subject, tuple(batches), tuple(failures), unread, unserved, more, deep)

    def _history_left(self, batches: Sequence[Batch]) -> bool:
        """In the first round: whether holes below the head remain to be read."""
        if not self.history:
            return False
        by_name = {s.name: s for s in self.desk.sources}
        return any(
            self._history_span(by_name[b.source], stream, b.head) is not None
            for b in batches
            for stream in b.streams
        )


def progressed(batch: Batch) -> bool:
    """Whether a batch brought its reading on: something was read in full, or a walk from
    the newest rows downward is on its way (its cursor goes on)."""
    return batch.read is not None or batch.cursor is not None


def advance(progress: Progress, batches: Sequence[Batch], desk: Desk) -> None:
    """Note after a round how far the heads have been read.

    A head that came cut goes on where it was cut; but the first time it jumps up to the
    newest blocks: heads before history. What it jumped over is a hole that is read after.
    """
    progress.rounds += 1
    lags = {s.name: s.index_lag for s in desk.sources}
    for batch in batches:
        if batch.read is None:
            continue
        if batch.rest is None or batch.rest.lo < batch.read.lo:
            progress.head_done |= batch.streams
            continue
        window = coverage.head_window(
            batch.rest, batch.head, batch.axis, desk.chain, lags.get(batch.source, 0)
        )
        for stream in batch.streams - progress.head_done:
            first = stream not in progress.windowed
            progress.resume[stream] = window.lo if first else batch.rest.lo
            progress.windowed.add(stream)


def split(batch: Batch, subject: Subject) -> Batch:
    """One subject's part of a batch that was read for many."""
    rows = tuple(t for t in batch.transfers if lanes.touches(t, subject.address))
    contracts = {t.contract for t in rows}
    return replace(
        batch,
        subjects=(subject,),
        transfers=rows,
        tokens=tuple(t for t in batch.tokens if t.contract in contracts),
    )


def _millis(row: Row) -> int | None:
    return None if row.transfer.time is None else row.transfer.time * 1000
