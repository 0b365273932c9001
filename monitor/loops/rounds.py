"""What a round of reading asks, scope by scope.

Runs in the thread of the pass, but for the calls themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypedDict

from monitor.chains.table import streams_of
from monitor.decide import asking, coverage
from monitor.loops.headkeep import HeadKeeper
from monitor.loops.passing import Fetched, PollWorld, Run, active
from monitor.loops.permitted import permitted
from monitor.loops.pool import Failure, SourcePool
from monitor.loops.reading import Progress, ScopeReader, read_from, split
from monitor.model import Ask, Axis, Batch, Chain, Head, Row, Severity, Status, Subject
from monitor.model.config import Way
from monitor.model.errors import SourceError
from monitor.model.ports import Source
from monitor.model.scope import Joined, Members, Scope
from monitor.store import blocks, follow, transfers, unspent, watch
from monitor.store.coverage import stream_states
from monitor.store.port import Store

DEEP_EVERY = 86_400  # seconds between re-reads of the trailing window
GROUP_MAX = 2000  # addresses in one ask of a source that takes many


class _Blocks(TypedDict, total=False):
    everyone: Members
    known: Mapping[int, str]
    unspent: Mapping[str, str]


Job = tuple[list[Run], Future[Batch | Failure]]


class ReadingRounds:
    """Makes the readers of a pass."""

    def __init__(self, store: Store, world: PollWorld, heads: HeadKeeper) -> None:
        self._store, self._world, self._heads = store, world, heads

    def runs(self, subjects: Sequence[Subject]) -> list[Run]:
        """A run for each of these addresses."""
        entries = watch.entries_of(self._store, subjects)
        paces, may = follow.paces(self._store, subjects), permitted(self._store, subjects, entries)
        return [
            Run(s, active(entries.get(s, ())), may=may[s], every=paces.get(s.key)) for s in subjects
        ]

    def reader(self, run: Run, everything: bool) -> ScopeReader:
        now = self._world.clock()
        pool = self._world.pools[run.scope.chain]
        self._heads.note(pool.chain)
        if not run.lent:  # else it is as old as what was lent
            run.taken_back = pool.heads.taken_back
        states = stream_states(self._store, run.scope, now)
        if not run.progress.rounds and run.everyone is None:
            last = watch.deep_read_at(self._store, run.scope)
            window = self._world.trailing_seconds + run.joined_since
            run.deep_seconds = window if now - last >= DEEP_EVERY else 0
            run.failing = frozenset(s for s, state in states.items() if state.failing is not None)
        return ScopeReader(
            pool=pool,
            subjects=_subjects(run),
            streams=run.streams if run.is_whole else frozenset(streams_of(pool.chain)),
            sources=_sources(pool, run),
            floor=self._floor(run, pool.chain),
            states=states,
            open_rows=self._reread_for(run, now),
            progress=run.progress,
            history_from=self._history_from(run),
            deep_seconds=run.deep_seconds,
            severe=self._severe(run),
            everything=everything,
            chain_wide=run.is_whole,
            whole=run.whole,
            lent=run.lent,
            prefetched=run.fetched,
            **self._blocks(run, pool),
        )

    def _blocks(self, run: Run, pool: SourcePool) -> _Blocks:
        """What is known of a chain that is read block by block."""
        if run.everyone is None:
            return {}
        chain = run.scope.chain
        return {
            "everyone": run.everyone,
            "known": blocks.known(self._store, chain),
            "unspent": unspent.outputs(self._store, chain, run.everyone)
            if pool.needs_unspent
            else {},
        }

    def _severe(self, run: Run) -> bool:
        if run.is_whole:
            return bool(run.deep_seconds) and watch.has_severe(self._store, run.scope.chain)
        return any(w.entry.severity is Severity.SEVERE for w in run.watched)

    def _floor(self, run: Run, chain: Chain) -> Callable[[Axis, Head | None], int]:
        if run.everyone is not None:
            return partial(_lowest, run.everyone)
        if run.is_whole:
            return partial(_lowest_joined, run.members)

        def lowest(axis: Axis, head: Head | None) -> int:
            since = self._world.since_time
            return coverage.wanted_from(run.watched, axis, head, chain, since)

        return lowest

    def _reread_for(self, run: Run, now: int) -> list[Row]:
        """Rows for whose sake their blocks are read again each time. What a list has left out
        for longer than the trailing window is asked for by hash alone, or every pass would
        read ever more."""
        return [
            row
            for row in self.open_rows(run)
            if row.status is not Status.MISSING
            or now - row.first_seen <= self._world.trailing_seconds
        ]

    def open_rows(self, run: Run) -> list[Row]:
        """Rows that are not final yet, of a scope's lists."""
        if isinstance(run.scope, Subject):
            return transfers.open_rows(self._store, run.scope)
        if run.everyone is not None:
            return []  # their blocks are known: nothing is read again for them
        members = frozenset(subject.address for subject in run.members)
        rows = transfers.open_rows_among(self._store, run.scope.chain, members)
        return [row for row in rows if row.transfer.kind.stream in run.streams]

    def _history_from(self, run: Run) -> dict[Axis, int]:
        """Below which place, by axis, no history is read: a person is asked first.

        Holes above first contact hold news, and are read whatever the size.
        """
        if run.is_whole or any(w.entry.busy for w in run.watched):
            return {}
        subject = Subject(run.scope.chain, run.scope.address)
        run.held_back = transfers.row_count(self._store, subject) > transfers.HISTORY_LIMIT
        if not run.held_back:
            return {}
        watched = watch.entries_of(self._store, [subject]).get(subject, ())
        lines = [w.baseline for w in active(watched) if w.baseline is not None]
        return {
            axis: min((axis.at(b.height, b.head_time) for b in lines), default=0) for axis in Axis
        }

    # -- addresses that joined late: what they lack is asked for together ------------------

    def prefetch(
        self, threads: ThreadPoolExecutor, runs: Sequence[Run], everything: bool
    ) -> dict[Scope, dict[Fetched, Batch | Failure]]:
        """Read the same span for many addresses at once where a source can: what came, by
        address."""
        jobs: list[Job] = []
        for pool in (self._world.pools[chain] for chain in {r.scope.chain for r in runs}):
            mine = [r for r in runs if r.scope.chain == pool.chain.key]
            for source in pool.sources:
                if source.many and pool.usable(source, everything=everything):
                    those = [r for r in mine if source in _sources(pool, r)]
                    jobs += self._grouped(threads, pool, source, those, everything)
        found: dict[Scope, dict[Fetched, Batch | Failure]] = {}
        for group, future in jobs:
            got = future.result()
            subjects = [subject for run in group for subject in _subjects(run)]
            parts = split(got, subjects) if isinstance(got, Batch) else dict.fromkeys(subjects, got)
            for subject, part in parts.items():
                keys = [(got.source, stream) for stream in got.streams]
                found.setdefault(subject, {}).update(dict.fromkeys(keys, part))
        return found

    def _grouped(
        self,
        threads: ThreadPoolExecutor,
        pool: SourcePool,
        source: Source,
        runs: Sequence[Run],
        everything: bool,
    ) -> list[Job]:
        try:
            head = pool.head(source)
        except SourceError:
            return []
        same: dict[Ask, list[Run]] = {}
        for run in runs:
            trial = Progress(head_done=set(run.whole))  # what it asks is asked for many
            reader = replace(self.reader(run, everything), progress=trial)
            for bundle in source.bundles:
                if bundle <= run.whole and bundle & reader.left():
                    ask = reader.ask(source, bundle, head)
                    if ask is not None and ask.cursor is None:
                        same.setdefault(replace(ask, subjects=()), []).append(run)
        jobs = []
        for ask, group in same.items():
            for start in range(0, len(group) if len(group) > 1 else 0, GROUP_MAX):
                part = group[start : start + GROUP_MAX]
                whole = replace(ask, subjects=tuple(s for run in part for s in _subjects(run)))
                jobs.append((part, threads.submit(_fetch_many, pool, source, whole)))
        return jobs


def _sources(pool: SourcePool, run: Run) -> tuple[Source, ...]:
    """Who may be asked for a scope, in order."""
    if run.is_whole:
        return pool.chain_wide(Way.ADDRESSES if run.everyone is None else Way.BLOCKS)
    return asking.among(pool.sources, run.may)


def _subjects(run: Run) -> tuple[Subject, ...]:
    return (run.scope,) if isinstance(run.scope, Subject) else tuple(run.members)


def _lowest(everyone: Members, _axis: Axis, _head: Head | None) -> int:
    return everyone.lowest


def _lowest_joined(
    members: Mapping[Subject, Mapping[str, Joined]], axis: Axis, _head: Head | None
) -> int:
    places = (j.from_place for lists in members.values() for j in lists.values() if j.axis == axis)
    return min(places, default=0)


def _fetch_many(pool: SourcePool, source: Source, ask: Ask) -> Batch | Failure:
    began = time.monotonic()
    try:
        batch = read_from(pool, source, ask)
    except SourceError as error:
        pool.failed(source, error, ask.streams, time.monotonic() - began)
        return Failure(
            source.name,
            ask.streams,
            str(error),
            error.retryable,
            error.retry_after,
        )
    pool.worked(source)
    return batch
