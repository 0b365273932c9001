"""The poll loop: due subjects -> read in threads -> decide -> apply.

Worker threads only talk to sources; every decision and every write happens in the thread
that runs the pass. A subject's failure is a value that the pass survives; a bug is loud.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from monitor.chains.table import STREAM_WORDS
from monitor.decide import loudness
from monitor.decide.decision import cut, decide
from monitor.loops import enrich, first_contact, lookups
from monitor.loops.faultlog import FaultLog
from monitor.loops.headkeep import HeadKeeper
from monitor.loops.pool import Failure, SourcePool
from monitor.loops.reading import Outcome, Progress, SubjectReader, read_from, split
from monitor.model import (
    Alert,
    Ask,
    Asset,
    Axis,
    Batch,
    Chain,
    Entry,
    Row,
    Status,
    Subject,
    Watched,
)
from monitor.model.errors import Conflict, SourceError
from monitor.model.plan import OpenGap, Plan, Route, Signal, gap_key
from monitor.model.ports import Source
from monitor.model.streams import UNSERVED, StreamState
from monitor.store import apply, doubts, prices, transfers, watch
from monitor.store.context import load_context
from monitor.store.coverage import stream_states
from monitor.store.port import Store

WORKERS = 8
DEEP_EVERY = 86_400  # seconds between re-reads of the trailing window
HISTORY_ROUNDS = 6  # of one subject in one pass of the daemon; a single poll reads all
RETRY_ROUNDS = 2  # within one `poll`
RETRY_WITHIN = 15.0  # seconds of a pass; what took longer hangs, and hangs again
RETRY_WAIT = (1.0, 30.0)  # seconds, least and most
JOIN_EVERY = 2.0  # seconds of a pass between two looks at what has come due meanwhile
GROUP_MAX = 2000  # addresses in one ask of a source that takes many


@dataclass(frozen=True, slots=True)
class PollWorld:
    """What a pass works with, besides the record. Put together in app/fundwatch.py."""

    chains: Mapping[str, Chain]
    pools: Mapping[str, SourcePool]  # by chain
    assets: Mapping[tuple[str, str], Asset]
    route: Callable[[Alert, Entry | None], list[Route]]
    clock: Callable[[], int]
    interval: Callable[[Subject], int]  # seconds until a subject is due again
    since_time: Callable[[str], int | None]
    trailing_seconds: int = 2 * 86_400
    sleep: Callable[[float], None] = time.sleep


@dataclass
class PassReport:
    """What one pass did, for the log line, the exit code and the progress bar."""

    started: int
    seconds: float = 0.0
    subjects: int = 0
    new_rows: int = 0
    alerts: int = 0
    calls: int = 0
    late: int = 0
    errors: int = 0
    unread: dict[str, frozenset[str]] = field(default_factory=dict)  # subject -> streams
    unserved: dict[str, frozenset[str]] = field(default_factory=dict)
    retry_after: float = 0.0
    stopped: bool = False


@dataclass
class _Run:
    """A subject within one pass."""

    subject: Subject
    watched: tuple[Watched, ...]
    progress: Progress = field(default_factory=Progress)
    deep_seconds: int = 0
    reading: SubjectReader | None = None  # of the present round
    failing: frozenset[str] = frozenset()  # streams that no source could read before this pass
    held_back: bool = False  # too much history: a person is asked first
    taken_back: int = 0  # how often coverage of the chain had been when the round began
    doubted: bool = False  # something was read under a head that is not believed yet


class Poller:
    """Runs passes over the record. One at a time, from one thread."""

    def __init__(self, store: Store, world: PollWorld) -> None:
        self.store = store
        self.world = world
        self.on_progress: Callable[[PassReport, int], None] = lambda _report, _left: None
        self.stopping: Callable[[], bool] = lambda: False
        self.last_progress = time.monotonic()
        self._ended: list[watch.Ended] = []
        self._heads = HeadKeeper(store, world.pools, world.clock)
        self._reading_now: dict[str, None] = {}  # keys of subjects, for the watchdog
        self._settling = ""
        self._faults = FaultLog()
        self._chains: set[str] = set()  # of the present pass

    def run_pass(self, *, everything: bool) -> PassReport:
        """Poll due subjects, or all of them whatever their due time and breakers say.

        With `everything`, histories are read to their end and streams that could not be
        read for a passing reason are tried again before the report.
        """
        report = PassReport(self.world.clock())
        began = time.monotonic()
        subjects = watch.due_subjects(self.store, None if everything else report.started)
        report.subjects = len(subjects)
        served = [s for s in subjects if s.chain in self.world.pools]
        self._chains.clear()
        self._begin_chains(served)
        self._work(served, report, everything)
        for attempt in range(RETRY_ROUNDS if everything else 0):
            again = [s for s in served if s.key in report.unread]
            if not again or self.stopping() or time.monotonic() - began > RETRY_WITHIN:
                break
            least, most = RETRY_WAIT
            self.world.sleep(min(most, max(least * (attempt + 1), report.retry_after)))
            report.unread.clear()
            report.retry_after = 0.0
            for pool in self.world.pools.values():
                pool.forget_heads()
            self._work(again, report, everything)
        self._pass_over([s for s in subjects if s.chain not in self.world.pools], report)
        doubts.forget_unwatched(self.store, self.world.clock())
        report.seconds = time.monotonic() - began
        report.stopped = self.stopping()
        return report

    def suspects(self) -> list[str]:
        """At which subjects a pass that does not get on stands: the one that is being decided
        on, else those whose answers are waited for."""
        return [self._settling] if self._settling else list(self._reading_now)

    # -- the work of a pass ------------------------------------------------------------

    def _begin_chains(self, subjects: Sequence[Subject]) -> None:
        for chain in {s.chain for s in subjects} - self._chains:
            self._chains.add(chain)
            self._heads.begin(chain)

    def _pass_over(self, subjects: Sequence[Subject], report: PassReport) -> None:
        """Subjects of chains without any source: nothing can be tried."""
        for subject in subjects:
            report.unread[subject.key] = frozenset({"every list: no source is in service"})
            due = self.world.clock() + self.world.interval(subject)
            watch.schedule(self.store, subject, due, failed=True)

    def _work(self, subjects: Sequence[Subject], report: PassReport, everything: bool) -> None:
        self._reading_now.clear()
        self._settling = ""
        entries = watch.entries_of(self.store, subjects)
        runs = [_Run(s, _active(entries.get(s, ()))) for s in subjects]
        flying = dict.fromkeys(subjects, True)  # False: not among those that the pass began with
        looked = time.monotonic()
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="read") as threads:
            fetched = self._prefetch(threads, runs, everything)
            waiting: dict[Future[Outcome], _Run] = {}
            done: SimpleQueue[Future[Outcome]] = SimpleQueue()
            queue = deque(runs)
            while queue or waiting:
                if len(waiting) <= WORKERS:  # many at a time, for one commit
                    for run in self._begin(queue, 2 * WORKERS - len(waiting)):
                        run.reading = self._reading(run, everything, fetched.get(run.subject, {}))
                        future = threads.submit(run.reading.run)
                        waiting[future] = run
                        future.add_done_callback(done.put)
                        self._reading_now[run.subject.key] = None
                if not waiting:
                    break
                for future in _ended(done):
                    run = waiting.pop(future)
                    self._reading_now.pop(run.subject.key, None)
                    if self._settle(run, future.result(), report, everything):
                        queue.append(run)
                    else:
                        flying.pop(run.subject, None)
                    if not run.progress.rounds:
                        fetched.pop(run.subject, None)  # read before what was taken back
                    self._settling = ""
                    self.on_progress(report, len(queue) + len(waiting))
                if not everything and not queue and time.monotonic() - looked >= JOIN_EVERY:
                    queue.extend(self._joining(flying, report))
                    looked = time.monotonic()
            for chain in self._chains:
                self._heads.note(self.world.chains[chain])
            self._turn([])

    def _joining(self, flying: dict[Subject, bool], report: PassReport) -> list[_Run]:
        """What has come due while a few subjects, or their sources, take long: it does not
        wait for them. Where a source reads many subjects in one ask, the next pass does."""
        if self.stopping() or not any(flying.values()):
            return []
        self._turn([])  # what has ended may be due again
        subjects = [
            s
            for s in watch.due_subjects(self.store, self.world.clock())
            if s not in flying
            and s.chain in self.world.pools
            and not any(source.many for source in self.world.pools[s.chain].sources)
        ]
        self._begin_chains(subjects)
        entries = watch.entries_of(self.store, subjects)
        flying.update(dict.fromkeys(subjects, False))
        report.subjects += len(subjects)
        return [_Run(s, _active(entries.get(s, ()))) for s in subjects]

    def _begin(self, queue: deque[_Run], most: int) -> list[_Run]:
        """The next subjects to read, marked as in flight."""
        count = 0 if self.stopping() else min(most, len(queue))
        begun = [queue.popleft() for _ in range(count)]
        self._turn([run.subject for run in begun if not run.progress.rounds])
        return begun

    def _turn(self, begun: Sequence[Subject]) -> None:
        watch.turn(self.store, self._ended, begun, self.world.clock())
        self._ended.clear()

    def _reading(
        self, run: _Run, everything: bool, fetched: Mapping[str, Batch | Failure]
    ) -> SubjectReader:
        now = self.world.clock()
        pool = self.world.pools[run.subject.chain]
        self._heads.note(pool.chain)
        run.taken_back = pool.heads.taken_back
        states = stream_states(self.store, run.subject, now)
        if not run.progress.rounds:
            last = watch.deep_read_at(self.store, run.subject)
            run.deep_seconds = self.world.trailing_seconds if now - last >= DEEP_EVERY else 0
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
            since_time=self.world.since_time,
            prefetched=fetched,
        )

    def _reread_for(self, subject: Subject, now: int) -> list[Row]:
        """Rows for whose sake their blocks are read again each time. What a list has left out
        for longer than the trailing window is asked for by hash alone, or every pass would
        read ever more."""
        return [
            row
            for row in transfers.open_rows(self.store, subject)
            if row.status is not Status.MISSING
            or now - row.first_seen <= self.world.trailing_seconds
        ]

    def _history_from(self, run: _Run) -> dict[Axis, int]:
        """Below which place, by axis, no history is read: a person is asked first.

        Holes above first contact hold news, and are read whatever the size.
        """
        if any(w.entry.busy for w in run.watched):
            return {}
        run.held_back = transfers.row_count(self.store, run.subject) > transfers.HISTORY_LIMIT
        if not run.held_back:
            return {}
        watched = watch.entries_of(self.store, [run.subject]).get(run.subject, ())
        lines = [w.baseline for w in _active(watched) if w.baseline is not None]
        return {
            axis: min((axis.at(b.height, b.head_time) for b in lines), default=0) for axis in Axis
        }

    # -- sources that take many subjects in one ask ------------------------------------

    def _prefetch(
        self, threads: ThreadPoolExecutor, runs: Sequence[_Run], everything: bool
    ) -> dict[Subject, dict[str, Batch | Failure]]:
        """Read the heads of many subjects at once where a chain's first source can: what
        came, by subject and stream."""
        jobs: list[tuple[list[_Run], Future[Batch | Failure]]] = []
        for chain, pool in self.world.pools.items():
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
        runs: Sequence[_Run],
        everything: bool,
    ) -> list[tuple[list[_Run], Future[Batch | Failure]]]:
        by_start: dict[int, list[tuple[_Run, Ask]]] = {}
        try:
            head = pool.head(source)
        except SourceError:
            return []  # asked again subject by subject, where the failure is reported
        self._turn([run.subject for run in runs])
        for run in runs:
            ask = self._reading(run, everything, {}).ask(source, bundle, head)
            if ask is not None:
                by_start.setdefault(ask.span.lo, []).append((run, ask))
        jobs = []
        for members in by_start.values():
            for start in range(0, len(members), GROUP_MAX):
                part = members[start : start + GROUP_MAX]
                ask = replace(part[0][1], subjects=tuple(a.subjects[0] for _, a in part))
                jobs.append(([r for r, _ in part], threads.submit(_fetch_many, pool, source, ask)))
        return jobs

    # -- deciding and applying ---------------------------------------------------------

    def _settle(
        self,
        run: _Run,
        outcome: Outcome,
        report: PassReport,
        everything: bool,
    ) -> bool:
        """Decide on one round and commit it. Returns whether the subject goes on."""
        self.last_progress = time.monotonic()
        self._settling = run.subject.key
        assert run.reading is not None
        self._heads.note(self.world.chains[run.subject.chain])
        known = run.reading.pool.heads
        if known.taken_back != run.taken_back:
            self._from_the_start(run)
            return True
        batches = cut([known.vouch(batch) for batch in outcome.batches])
        run.doubted |= any(batch.doubt for batch in batches)
        plan = self._decide(run, batches, run.reading.states)
        readings = _readings(outcome, batches, run.progress)
        for attempt in (1, 2, 3):
            self.last_progress = time.monotonic()  # a long list is decided on: no hang
            routes = self._routes(plan)
            try:
                apply.apply(self.store, plan, readings=readings, routes=routes)
                break
            except Conflict:
                if attempt == 3:
                    raise
                states = stream_states(self.store, run.subject, plan.now)
                plan = self._decide(run, batches, states)
        run.reading.advance(batches)
        self._count(report, run, outcome, plan)
        if run.progress.windowed and not outcome.more:
            # What the head jumped over is a hole only since the window above it is booked.
            states = stream_states(self.store, run.subject, plan.now)
            left = replace(run.reading, states=states).history_left(batches)
            outcome = replace(outcome, more=left)
        if self._goes_on(run, outcome, batches, everything):
            return True
        self._finish(run, outcome, report, plan.now)
        return False

    def _from_the_start(self, run: _Run) -> None:
        """Read a subject again whose coverage has changed since it was asked for."""
        run.progress = Progress()
        watched = watch.entries_of(self.store, [run.subject]).get(run.subject, ())
        run.watched = _active(watched)

    def _decide(
        self, run: _Run, batches: Sequence[Batch], states: Mapping[str, StreamState]
    ) -> Plan:
        chain, now = self.world.chains[run.subject.chain], self.world.clock()
        pool = self.world.pools[chain.key]
        context = load_context(
            self.store,
            chain,
            run.subject,
            batches,
            states,
            assets=self.world.assets,
            lags={s.name: s.index_lag for s in pool.sources},
            now=now,
        )
        needed = loudness.prices_needed(context, batches)
        context = replace(context, prices=prices.between(self.store, *needed))
        plan = decide(context, batches)
        answers = lookups.answer(pool, plan.questions)
        if answers.lookups or answers.hashes or answers.mute:
            plan = decide(context, batches, answers)
        alerts = enrich.with_facts(self.store, context, plan, answers)
        return replace(
            plan,
            alerts=alerts,
            signals=(*plan.signals, *_gap_signals(plan, run), *_busy_signal(run)),
        )

    def _routes(self, plan: Plan) -> list[Route]:
        if not plan.alerts:
            return []
        named = watch.entries(self.store, (a.entry_id or "" for a in plan.alerts))
        by_id = {entry_id: watched.entry for entry_id, watched in named.items()}
        return [r for a in plan.alerts for r in self.world.route(a, by_id.get(a.entry_id or ""))]

    def _goes_on(
        self, run: _Run, outcome: Outcome, batches: Sequence[Batch], everything: bool
    ) -> bool:
        if not outcome.batches or self.stopping():
            return False
        progress = run.progress
        unfinished = any(progress.unfinished(b.streams) for b in batches if b.read)
        got_on = any(progress.got_on(b) for b in batches)
        if not got_on or not (outcome.more or unfinished):
            return False
        return everything or unfinished or progress.rounds < HISTORY_ROUNDS

    def _finish(self, run: _Run, outcome: Outcome, report: PassReport, now: int) -> None:
        key = run.subject.key
        head_unread = outcome.unread if run.progress.rounds else frozenset()
        if head_unread:
            report.unread[key] = head_unread
        if outcome.unserved:
            report.unserved[key] = outcome.unserved
        first_contact.tell(self.store, self.world, run.subject, run.watched)
        due = now if outcome.more and not outcome.unread else now + self.world.interval(run.subject)
        deep = run.deep_seconds and not run.doubted and not self._left_unread(run, outcome)
        # Written with the marks of the next subjects. Lost in a crash, it is polled again.
        ended = watch.Ended(
            run.subject, due, bool(outcome.unread), report.started if deep else None
        )
        self._ended.append(ended)

    def _left_unread(self, run: _Run, outcome: Outcome) -> bool:
        """Whether something of the trailing window is still to be read again. A stream that
        failed before this pass does not count, or all lists would be read far back each
        time for as long as it fails."""
        waiting = outcome.unread - run.failing
        return self.stopping() or bool(waiting) or any(run.progress.again.values())

    def _count(self, report: PassReport, run: _Run, outcome: Outcome, plan: Plan) -> None:
        report.new_rows += len(plan.new)
        report.late += sum(row.late for row in plan.new)
        report.alerts += len(plan.alerts)
        report.calls += sum(b.calls for b in outcome.batches)
        report.errors += len(outcome.failures)
        waits = [f.retry_after or 0.0 for f in outcome.failures if f.retryable]
        report.retry_after = max([report.retry_after, *waits])
        chain = run.subject.chain
        for failure in outcome.failures:
            self._faults.failed(chain, failure.source, failure.streams, failure.error)
        for batch in outcome.batches:
            if batch.read is not None:
                self._faults.worked(chain, batch.source, batch.streams)


def _active(watched: Sequence[Watched]) -> tuple[Watched, ...]:
    return tuple(w for w in watched if w.active)


def _ended(done: SimpleQueue[Future[Outcome]]) -> list[Future[Outcome]]:
    """What has ended by now; waits up to a second for the first."""
    try:
        first = done.get(timeout=1.0)
    except Empty:
        return []
    return [first, *(done.get() for _ in range(done.qsize()))]


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


def _readings(
    outcome: Outcome, batches: Sequence[Batch], progress: Progress
) -> list[apply.Reading]:
    """How each stream went, for the status page and for going on later."""
    found = []
    for batch in batches:
        for stream in sorted(batch.streams):
            found.append(_good_reading(batch, stream, ok=progress.got_on(batch)))
    errors: dict[str, str] = {}
    for failure in outcome.failures:
        for stream in failure.streams:
            errors[stream] = f"{errors[stream]}; " if stream in errors else ""
            errors[stream] += f"{failure.source}: {failure.error}"
    for stream in sorted(outcome.unread):
        found.append(apply.Reading(stream, ok=False, error=errors.get(stream, "not answered")))
    for stream in sorted(outcome.unserved):
        found.append(apply.Reading(stream, ok=False, error=UNSERVED))
    return found


def _good_reading(batch: Batch, stream: str, *, ok: bool) -> apply.Reading:
    cursor = None
    if batch.cursor and batch.rest is not None:
        cursor = (batch.source, batch.rest.hi, batch.cursor)
    top = batch.axis.top(batch.head)
    reached = not batch.doubt and batch.read is not None and batch.read.hi >= top
    return apply.Reading(
        stream,
        ok=ok,
        source=batch.source,
        axis=batch.axis,
        complete_to=batch.read.hi if reached and batch.read else None,
        complete_time=batch.head.time if reached else None,
        error="" if ok else "the answer could not be trusted as complete",
        cursor=cursor,
        read=batch.read,
    )


def _busy_signal(run: _Run) -> Iterable[Signal]:
    yield Signal(
        key=f"busy:{run.subject.key}",
        bad=run.held_back and not all(w.entry.canary for w in run.watched),
        audience="desk",
        severity="medium",
        what=f"A watched address has over {transfers.HISTORY_LIMIT:,} movements: it looks like a "
        "service. Reading its history has stopped; new movements are still told.",
        cure='To read on, write "busy: yes" into its entry in the watchlist.',
        chain=run.subject.chain,
        who=tuple(w.entry.id for w in run.watched),
    )


def _gap_signals(plan: Plan, run: _Run) -> Iterable[Signal]:
    """A row or block that could not be read is told at once: it may hide a movement."""
    found: dict[str, list[OpenGap]] = {}
    for opened in plan.gaps:
        key = gap_key(plan.subject, opened.axis, opened.gap.at)
        found.setdefault(key, []).append(opened)
    for key, gaps in found.items():
        gap = gaps[0].gap
        where = f"{gaps[0].axis} {gap.at.lo} to {gap.at.hi}"
        streams = "; ".join(dict.fromkeys(STREAM_WORDS.get(g.stream, g.stream) for g in gaps))
        yield Signal(
            key=key,
            bad=True,
            severity="high",
            what=f"Part of a list ({streams}) of a watched address could not be read "
            f"({where}, from {gaps[0].source}): {gap.reason.rstrip('.')}. It is tried again daily.",
            cure="Look at the address on another explorer for this range.",
            chain=plan.subject.chain,
            who=tuple(w.entry.id for w in run.watched),
            number=len(run.watched),
        )
