"""What a round of reading asks, subject by subject or many in one ask.

Runs in the thread of the pass, but for the calls themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from monitor.loops.headkeep import HeadKeeper
from monitor.loops.passing import PollWorld, Run, active
from monitor.loops.pool import Failure, SourcePool
from monitor.loops.reading import SubjectReader, read_from, split
from monitor.model import Ask, Axis, Batch, Row, Status, Subject
from monitor.model.errors import SourceError
from monitor.model.ports import Source
from monitor.store import transfers, watch
from monitor.store.coverage import stream_states
from monitor.store.port import Store

DEEP_EVERY = 86_400  # seconds between re-reads of the trailing window
GROUP_MAX = 2000  # addresses in one ask of a source that takes many

Job = tuple[list[Run], Future[Batch | Failure]]


class ReadingRounds:
    """Makes the readers of a pass."""

    def __init__(
        self, store: Store, world: PollWorld, heads: HeadKeeper,
        begin: Callable[[Sequence[Subject]], None],
    ) -> None:  # fmt: skip
        """`begin` marks subjects as those that are being read."""
        self._store, self._world, self._heads, self._begin = store, world, heads, begin

    def reader(
        self, run: Run, everything: bool, fetched: Mapping[str, Batch | Failure]
    ) -> SubjectReader:
        now = self._world.clock()
        pool = self._world.pools[run.subject.chain]
        self._heads.note(pool.chain)
        run.taken_back = pool.heads.taken_back
        states = stream_states(self._store, run.subject, now)
        if not run.progress.rounds:
            last = watch.deep_read_at(self._store, run.subject)
            run.deep_seconds = self._world.trailing_seconds if now - last >= DEEP_EVERY else 0
            run.failing = frozenset(s for s, state in states.items() if state.failing is not None)
        return SubjectReader(
            pool=pool,
            subject=run.subject,
            watched=run.watched,
            states=states,
            open_rows=self._reread_for(run.subject, now),
            progress=run.progress,
            history_from=self._history_from(run),
            deep_seconds=run.deep_seconds,
            everything=everything,
            since_time=self._world.since_time,
            prefetched=fetched,
        )

    def _reread_for(self, subject: Subject, now: int) -> list[Row]:
        """Rows for whose sake their blocks are read again each time. What a list has left out
        for longer than the trailing window is asked for by hash alone, or every pass would
        read ever more."""
        return [
            row
            for row in transfers.open_rows(self._store, subject)
            if row.status is not Status.MISSING
            or now - row.first_seen <= self._world.trailing_seconds
        ]

    def _history_from(self, run: Run) -> dict[Axis, int]:
        """Below which place, by axis, no history is read: a person is asked first.

        Holes above first contact hold news, and are read whatever the size.
        """
        if any(w.entry.busy for w in run.watched):
            return {}
        run.held_back = transfers.row_count(self._store, run.subject) > transfers.HISTORY_LIMIT
        if not run.held_back:
            return {}
        watched = watch.entries_of(self._store, [run.subject]).get(run.subject, ())
        lines = [w.baseline for w in active(watched) if w.baseline is not None]
        return {
            axis: min((axis.at(b.height, b.head_time) for b in lines), default=0) for axis in Axis
        }

    # -- sources that take many subjects in one ask ------------------------------------

    def prefetch(
        self, threads: ThreadPoolExecutor, runs: Sequence[Run], everything: bool
    ) -> dict[Subject, dict[str, Batch | Failure]]:
        """Read the heads of many subjects at once where a chain's first source can: what
        came, by subject and stream."""
        jobs: list[Job] = []
        for chain, pool in self._world.pools.items():
            mine = [r for r in runs if r.subject.chain == chain]
            seen: set[str] = set()
            for source in pool.sources if mine else ():
                for bundle in source.bundles:
                    if (
                        source.many
                        and not bundle & seen
                        and bundle <= pool.handed_out(source)
                        and pool.usable(source, everything=everything)
                    ):
                        jobs += self._group(threads, pool, source, bundle, mine, everything)
                seen |= pool.handed_out(source)
        found: dict[Subject, dict[str, Batch | Failure]] = {}
        for group, future in jobs:
            got = future.result()
            subjects = [run.subject for run in group]
            parts = split(got, subjects) if isinstance(got, Batch) else dict.fromkeys(subjects, got)
            for subject, part in parts.items():
                found.setdefault(subject, {}).update(dict.fromkeys(got.streams, part))
        return found

    def _group(
        self,
        threads: ThreadPoolExecutor,
        pool: SourcePool,
        source: Source,
        bundle: frozenset[str],
        runs: Sequence[Run],
        everything: bool,
    ) -> list[Job]:
        by_start: dict[int, list[tuple[Run, Ask]]] = {}
        try:
            head = pool.head(source)
        except SourceError:
            return []  # asked again subject by subject, where the failure is reported
        self._begin([run.subject for run in runs])
        for run in runs:
            ask = self.reader(run, everything, {}).ask(source, bundle, head)
            if ask is not None:
                by_start.setdefault(ask.span.lo, []).append((run, ask))
        jobs = []
        for members in by_start.values():
            for start in range(0, len(members), GROUP_MAX):
                part = members[start : start + GROUP_MAX]
                subjects = tuple(ask.subjects[0] for _, ask in part)
                silence = any(ask.silence for _, ask in part)
                ask = replace(part[0][1], subjects=subjects, silence=silence)
                jobs.append(([r for r, _ in part], threads.submit(_fetch_many, pool, source, ask)))
        return jobs


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
