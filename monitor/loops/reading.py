"""Read one scope from its sources: which span, which source, what next. No database.

Runs in worker threads. A source's failure is a value here (`Failure`), never an exception:
the next source of the chain's list is asked, and what none could read is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from monitor.decide import coverage
from monitor.loops import whole_blocks
from monitor.loops.pool import Failure, SourcePool
from monitor.model import (
    Ask,
    Axis,
    Batch,
    Head,
    Interval,
    Row,
    Subject,
    Transfer,
    intervals,
)
from monitor.model.errors import SourceError
from monitor.model.ports import Source
from monitor.model.scope import Members
from monitor.model.streams import StreamState


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round of reading one scope brought."""

    batches: tuple[Batch, ...]
    failures: tuple[Failure, ...]
    unread: frozenset[str]  # streams that a source serves and none could read
    unserved: frozenset[str]  # streams that no configured source serves
    more: bool  # unread history or a cut head: come again


@dataclass
class Progress:
    """Where a scope stands within one pass."""

    windowed: set[str] = field(default_factory=set)  # streams whose head was cut once
    resume: dict[str, int] = field(default_factory=dict)  # where a cut head goes on
    head_done: set[str] = field(default_factory=set)
    # Covered parts, by stream, that a cut head jumped over: read again after the head.
    again: dict[str, tuple[Interval, ...]] = field(default_factory=dict)
    # Spans below the head that were asked already, with source and cursor: not twice in a
    # pass, also where nothing came of it.
    asked: set[tuple[str, str, Interval, str | None]] = field(default_factory=set)
    rounds: int = 0

    def unfinished(self, streams: frozenset[str]) -> bool:
        """Whether the head, or what it jumped over, has not been read in full."""
        return not streams <= self.head_done or any(self.again.get(s) for s in streams)

    def got_on(self, batch: Batch) -> bool:
        """Whether a batch brought its reading on: something was read in full, or a walk
        through history from the newest rows downward is on its way (its cursor goes on)."""
        return batch.read is not None or (
            batch.cursor is not None and batch.streams <= self.head_done
        )


@dataclass(frozen=True, slots=True)
class _Tried:
    """What asking one source for one bundle came to."""

    done: frozenset[str] = frozenset()  # streams that need no other source
    batches: tuple[Batch, ...] = ()
    failures: tuple[Failure, ...] = ()
    hung: bool = False


@dataclass(frozen=True)
class ScopeReader:
    """One round of reading for one scope."""

    pool: SourcePool
    subjects: tuple[Subject, ...]  # the addresses to ask for
    streams: frozenset[str]  # to be read
    sources: Sequence[Source]  # in the order in which they are asked
    floor: Callable[[Axis, Head | None], int]  # the lowest place that is wanted
    states: Mapping[str, StreamState]
    open_rows: Sequence[Row]  # that these lists should show
    progress: Progress
    history_from: Mapping[Axis, int]  # history is held back below this place
    deep_seconds: int  # > 0: read this trailing window again
    severe: bool  # an entry of it is severe
    everything: bool
    chain_wide: bool = False
    # Lists that were read chain-wide in this pass: of those only what lies below the place at
    # which the address joined is its own to read.
    whole: frozenset[str] = frozenset()
    lent: tuple[Batch, ...] = ()  # the address's part of that
    # Where whole blocks are read: for whom, the blocks that were read and are not proven yet, and
    # the unspent outputs of members for sources that need them.
    everyone: Members | None = None
    known: Mapping[int, str] = field(default_factory=dict)
    unspent: Mapping[str, str] = field(default_factory=dict)
    # What was read for several addresses in one ask, by source and stream.
    prefetched: Mapping[tuple[str, str], Batch | Failure] = field(default_factory=dict)
    max_rows: int = 2000

    def run(self) -> Outcome:
        """Ask the sources in order for every stream until each is read or none is left."""
        left = self.left()
        partly: set[str] = set()  # read with a gap: the next source may know better
        batches: list[Batch] = [] if self.progress.rounds else list(self.lent)
        failures: list[Failure] = []
        for source in self.sources:
            if not left:
                break
            if not self.pool.usable(source, everything=self.everything):
                if streams := frozenset(left & self.pool.handed_out(source)):
                    failures.append(Failure(source.name, streams, self.pool.resting(source), True))
                continue
            for tried in self._lists(source, frozenset(left)):
                batches += tried.batches
                failures += tried.failures
                if any(b.gaps for b in tried.batches):
                    partly |= tried.done
                else:
                    left -= tried.done
        served = self._served()  # as far as is known after asking
        unread = frozenset((left & served) - partly)
        # Of an address that only some may be asked about, what none of them has is read by nobody.
        by_lists = self.chain_wide and self.everyone is None
        sources = self.pool.sources if by_lists else self.sources
        anywhere = {s for source in sources for s in self.pool.handed_out(source)}
        return self._outcome(batches, failures, unread, self.streams - anywhere)

    def left(self) -> set[str]:
        """The lists of which there is something to ask."""
        return {s for s in self.streams & self._served() if not self._read_chain_wide(s)}

    def _served(self) -> set[str]:
        return {s for source in self.sources for s in self.pool.handed_out(source)}

    def _read_chain_wide(self, stream: str) -> bool:
        """Whether nothing is left to an address of a list that is read chain-wide."""
        state = self.states.get(stream)
        if stream not in self.whole or state is None:
            return stream in self.whole
        axes = {s.axis for s in self.sources if stream in self.pool.handed_out(s)} or {state.axis}
        return not any(self._spans_below(stream, axis, self.floor(axis, None)) for axis in axes)

    def _lists(self, source: Source, left: frozenset[str]) -> Iterator[_Tried]:
        """Read these lists from one source, one after the other. Once it has hung, the rest is
        asked for side by side, so that all of them cost one more wait: also those of a source
        that others leave alone by now, for one list that always hangs must not hide the rest."""
        waiting: list[frozenset[str]] = []
        hung = False
        for bundle in source.bundles:
            if streams := frozenset(bundle & left & self.pool.handed_out(source)):
                if hung:
                    waiting.append(streams)
                    continue
                tried = self._try(source, streams)
                hung = tried.hung
                yield tried
        if waiting:
            with ThreadPoolExecutor(len(waiting), thread_name_prefix="read aside") as threads:
                yield from threads.map(lambda streams: self._try(source, streams), waiting)

    def _try(self, source: Source, streams: frozenset[str]) -> _Tried:
        """Read a bundle from one source."""
        ready = self.prefetched.get((source.name, min(streams)))
        if isinstance(ready, Batch) and not self.progress.rounds:
            return self._came(streams, ready)
        if isinstance(ready, Failure) and not self.progress.rounds:
            return _Tried(failures=(ready,))
        began = time.monotonic()
        try:
            batch = self._fetch(source, streams)
        except SourceError as error:
            self.pool.failed(source, error, streams, time.monotonic() - began)
            failure = Failure(source.name, streams, str(error), error.retryable, error.retry_after)
            hung = time.monotonic() - began >= self.pool.hang_after
            return _Tried(failures=(failure,), hung=hung)
        self.pool.worked(source)
        return _Tried(streams) if batch is None else self._came(streams, batch)

    def _came(self, streams: frozenset[str], batch: Batch) -> _Tried:
        if batch.members is not None and batch.read is not None:
            batch = replace(batch, missed=whole_blocks.missed_before(self.states, batch))
        if batch.members is not None and (behind := whole_blocks.behind(self.pool, batch.head)):
            # What it has counts; what it does not have yet others may.
            why = f"it is {behind} blocks behind"
            return _Tried(batches=(batch,), failures=(Failure(batch.source, streams, why, True),))
        return _Tried(streams if self.progress.got_on(batch) else frozenset(), (batch,))

    def _fetch(self, source: Source, streams: frozenset[str]) -> Batch | None:
        head = self.pool.head(source)
        ask = self.ask(source, streams, head)
        return read_from(self.pool, source, ask) if ask is not None else None

    def ask(self, source: Source, streams: frozenset[str], head: Head) -> Ask | None:
        """What to ask of a source for these streams now; None when nothing is missing."""
        if not streams <= self.progress.head_done:
            return self._ask(streams, self._head_span(source, streams, head), head, None)
        for stream in sorted(streams):
            for span, cursor in self._below(source, stream, head):
                self.progress.asked.add((source.name, stream, span, cursor))
                return self._ask(streams, span, head, cursor)
        return None

    def _below(
        self, source: Source, stream: str, head: Head
    ) -> Iterator[tuple[Interval, str | None]]:
        """What to read below the head, with the cursor to go on from, most urgent first."""
        again = self.progress.again.get(stream, ())
        for span in (*again, *self._history_spans(source, stream, head)):
            cursor = self._cursor(source, stream, span)
            if (source.name, stream, span, cursor) not in self.progress.asked:
                yield span, cursor

    def _ask(self, streams: frozenset[str], span: Interval, head: Head, cursor: str | None) -> Ask:
        return Ask(
            subjects=self.subjects,
            streams=streams,
            span=span,
            head=head,
            cursor=cursor,
            max_rows=self.max_rows,
            mempool=not streams <= self.progress.head_done,
            silence=self._silence_wanted(streams),
            members=self.everyone,
            known=whole_blocks.known_from(self.known, span),
            unspent=self.unspent,
        )

    def _silence_wanted(self, streams: frozenset[str]) -> bool:
        """Once a day, of severe entries: with the trailing window that is read again then."""
        return self.severe and self.deep_seconds > 0 and not streams <= self.progress.head_done

    def _head_span(self, source: Source, streams: frozenset[str], head: Head) -> Interval:
        axis, floor = source.axis, self.floor(source.axis, head)
        top = axis.top(head)
        if self.everyone is not None:
            # What is not final yet is among the known blocks, and what is final cannot come late.
            parts = [part for stream in streams for part in self._parts(stream, axis)]
            return coverage.head_span(parts, floor, top)
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
            since = axis.place_of_date(head.time - self.deep_seconds, head, self.pool.chain)
            # Chain-wide also below the places at which its addresses joined: they read there
            # once, and what a list showed late is found nowhere else.
            lo = min(lo, since if self.chain_wide else max(floor, since))
        return Interval(min(lo, top), top)

    def _history_spans(self, source: Source, stream: str, head: Head) -> tuple[Interval, ...]:
        floor = max(self.floor(source.axis, head), self.history_from.get(source.axis, 0))
        return self._spans_below(stream, source.axis, floor)

    def _spans_below(self, stream: str, axis: Axis, floor: int) -> tuple[Interval, ...]:
        """Holes from the floor on, newest first; where the newest blocks are read chain-wide,
        up to the place at which the address joined, and what could not be read chain-wide but
        may be elsewhere."""
        state = self.states.get(stream)
        if state is None:
            return ()
        parts = state.covered.get(axis, ())
        joined = state.joined_on(axis)
        spans = coverage.history_spans(parts, floor, state.waiting, joined, state.unread)
        if stream not in self.whole or joined is None:
            return spans
        left = [*intervals.clip(spans, [Interval(0, joined - 1)] if joined else [])]
        if any(not s.many and stream in self.pool.handed_out(s) for s in self.sources):
            known = (*parts, *state.waiting)
            left += [part for gap in state.missed for part in intervals.subtract(gap, known)]
        return intervals.union(left)[::-1]

    def _cursor(self, source: Source, stream: str, span: Interval) -> str | None:
        state = self.states.get(stream)
        place, cursor = state.cursors.get(source.name, (0, "")) if state else (0, "")
        return cursor if cursor and place == span.hi else None

    def _parts(self, stream: str, axis: Axis) -> tuple[Interval, ...]:
        state = self.states.get(stream)
        return state.covered.get(axis, ()) if state else ()

    def _open(self, stream: str, axis: Axis) -> int | None:
        places = [
            place
            for row in self.open_rows
            if row.transfer.kind.stream == stream
            for place in [axis.place(row.transfer)]
            if place is not None
        ]
        return min(places, default=None)

    def _outcome(
        self,
        batches: Sequence[Batch],
        failures: Sequence[Failure],
        unread: frozenset[str],
        unserved: frozenset[str],
    ) -> Outcome:
        more = any(b.rest is not None for b in batches) or self.history_left(batches)
        return Outcome(tuple(batches), tuple(failures), unread, unserved, more)

    def history_left(self, batches: Sequence[Batch]) -> bool:
        """Whether anything below the head remains that was not asked for in this pass."""
        by_name = {s.name: s for s in self.sources}
        return any(
            True
            for b in batches
            for stream in b.streams
            for _ in self._below(by_name[b.source], stream, b.head)
        )

    def advance(self, batches: Sequence[Batch]) -> None:
        """Note after a round how far the lists have been read.

        A head that came cut goes on where it was cut; but the first time it jumps up to the
        newest blocks: heads before history. What it jumped over is a hole that is read
        after; where it is covered already (rows that are not final yet, the trailing
        window), it is read again after the head.
        """
        progress = self.progress
        progress.rounds += 1
        for batch in batches:
            if batch.read is None:
                continue
            for stream in batch.streams:
                progress.again[stream] = _without(progress.again.get(stream, ()), batch.read)
            if batch.rest is not None and batch.rest.lo > batch.read.hi:
                self._jump(batch, batch.rest)
                continue
            if batch.rest is not None:
                self._read_again(batch, batch.rest)
            progress.head_done |= batch.streams

    def _jump(self, batch: Batch, rest: Interval) -> None:
        if self.everyone is not None:
            return  # blocks are read in their order: each proves the one before
        lags = {s.name: s.index_lag for s in self.sources}
        window = coverage.head_window(
            rest, batch.head, batch.axis, self.pool.chain, lags.get(batch.source, 0)
        )
        first = not batch.streams & self.progress.windowed
        if first and window.lo > rest.lo:
            self._read_again(batch, Interval(rest.lo, window.lo - 1))
        for stream in batch.streams - self.progress.head_done:
            self.progress.resume[stream] = window.lo if first else rest.lo
            self.progress.windowed.add(stream)

    def _read_again(self, batch: Batch, span: Interval) -> None:
        """Come back to the covered parts of a span that the head's first batch left out."""
        for stream in batch.streams - self.progress.head_done:
            parts = (intervals.intersect(span, part) for part in self._parts(stream, batch.axis))
            self.progress.again[stream] = tuple(p for p in parts if p is not None)


def read_from(pool: SourcePool, source: Source, ask: Ask) -> Batch:
    """What a source tells, once it is sure that it tells it of the chain that was meant.
    Raises SourceError."""
    batch = source.fetch(ask)
    if batch.transfers and ask.mempool:  # news stands at the head
        pool.confirm(source)
    return batch


def lend(batch: Batch, subjects: Sequence[Subject]) -> dict[Subject, Batch]:
    """Each subject's part of a chain-wide batch. What that left unread is not its to go on with."""
    parts = split(batch, subjects)
    return {
        subject: replace(part, lent=True, rest=None, cursor=None, calls=0)
        for subject, part in parts.items()
    }


def split(batch: Batch, subjects: Sequence[Subject]) -> dict[Subject, Batch]:
    """Each subject's part of a batch that was read for many."""
    rows: dict[str, list[Transfer]] = {subject.address: [] for subject in subjects}
    for transfer in batch.transfers:
        for address in set(transfer.parties()) & rows.keys():
            rows[address].append(transfer)
    return {s: _part(batch, s, tuple(rows[s.address])) for s in subjects}


def _part(batch: Batch, subject: Subject, rows: tuple[Transfer, ...]) -> Batch:
    contracts = {t.contract for t in rows}
    return replace(
        batch,
        subjects=(subject,),
        transfers=rows,
        tokens=tuple(t for t in batch.tokens if t.contract in contracts),
    )


def _without(spans: Sequence[Interval], read: Interval) -> tuple[Interval, ...]:
    return tuple(left for span in spans for left in intervals.subtract(span, [read]))
