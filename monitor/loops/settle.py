"""What a round of reading came to: decided, committed, and whether the scope goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.chains.table import STREAM_WORDS
from monitor.decide import loudness
from monitor.decide.decision import cut, decide
from monitor.decide.evidence import with_evidence
from monitor.decide.heads import ENTRIES_NAMED
from monitor.loops import enrich, first_contact, lookups
from monitor.loops.beforehand import Beforehand, Patience
from monitor.loops.faultlog import FaultLog
from monitor.loops.headkeep import HeadKeeper
from monitor.loops.passing import PassReport, PollWorld, Run, Signs, active
from monitor.loops.permitted import permitted
from monitor.loops.reading import Outcome, Progress
from monitor.loops.scoring import lateness
from monitor.loops.touching import Touching
from monitor.loops.witness import shown_lists
from monitor.model import Batch, Subject, Watched
from monitor.model.errors import Conflict
from monitor.model.plain import count
from monitor.model.plan import OpenGap, Plan, Route, Signal, gap_key
from monitor.model.scope import ChainWide
from monitor.model.scores import Mark
from monitor.model.streams import UNSERVED, Reading, StreamState
from monitor.store import apply, joined, prices, transfers, watch
from monitor.store.context import load_context
from monitor.store.coverage import stream_states
from monitor.store.port import Store

BLOCKS_SECONDS = 10.0  # of one chain in one pass of the daemon: others wait for it
HISTORY_ROUNDS = 6  # of one scope in one pass of the daemon; a single poll reads all
TRIES = 3  # to commit what was decided, where somebody else wrote meanwhile


class Settler:
    """Decides and writes, in the thread of the pass."""

    def __init__(
        self, store: Store, world: PollWorld, heads: HeadKeeper, signs: Signs,
        stopping: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._store, self._world, self._heads, self._signs = store, world, heads, signs
        self._stopping = stopping
        self._touching = Touching(store, world)
        self._faults = FaultLog()
        self._patience = Patience()
        self.ended: list[watch.Ended] = []  # subjects done with, not written yet

    def settle(self, run: Run, outcome: Outcome, report: PassReport, everything: bool) -> bool:
        """Settle one round of a scope. Returns whether it goes on in this pass."""
        self._signs.moved()
        self._signs.settling = run.scope.key
        reader = run.reading
        assert reader is not None
        # 1. What was asked under coverage that has been taken back since is asked anew.
        self._heads.note(self._world.chains[run.scope.chain])
        known = reader.pool.heads
        if known.taken_back != run.taken_back:
            self._from_the_start(run)
            return True
        # 2. Each batch is as good as its head, and all end at one place.
        batches = cut([known.vouch(batch) for batch in outcome.batches])
        run.doubted |= any(batch.doubt for batch in batches)
        # 3. Rows, alerts, coverage: decided and committed at once.
        plan = self._commit(run, outcome, batches)
        self._count(report, run, outcome, plan)
        # 4. What is left to read, now that this is booked.
        reader.advance(batches)
        if run.progress.windowed and not outcome.more:
            # What the head jumped over is a hole only since the window above it is booked.
            states = stream_states(self._store, run.scope, plan.now)
            left = replace(reader, states=states).history_left(batches)
            outcome = replace(outcome, more=left)
        if self._goes_on(run, outcome, batches, everything):
            return True
        # 5. The summary of its first reading, and when it is due again.
        self._finish(run, outcome, report, plan.now)
        return False

    def _from_the_start(self, run: Run) -> None:
        """Read a scope again whose coverage has changed since it was asked for."""
        run.progress = Progress(head_done=set(run.whole))
        run.lent, run.fetched = (), {}
        if isinstance(run.scope, Subject):
            run.watched = active(watch.entries_of(self._store, [run.scope]).get(run.scope, ()))

    def _commit(self, run: Run, outcome: Outcome, batches: Sequence[Batch]) -> Plan:
        assert run.reading is not None
        shown: dict[str, tuple[str, str]] = {}
        if run.everyone is not None:
            shown = shown_lists(self._world.pools[run.scope.chain])
        readings = _readings(outcome, batches, run.progress, shown)
        return self._written(run, batches, run.reading.states, readings, self._signs)

    def take(self, subject: Subject, batches: Sequence[Batch]) -> Plan:
        """Decide and write what was read beside the passes, from a thread of its own: it is no
        sign of life of a pass."""
        entries = watch.entries_of(self._store, [subject])
        may = permitted(self._store, [subject], entries)[subject]
        run = Run(subject, active(entries.get(subject, ())), may=may)
        states = stream_states(self._store, subject, self._world.clock())
        return self._written(run, batches, states, (), Signs())

    def _written(
        self,
        run: Run,
        batches: Sequence[Batch],
        states: Mapping[str, StreamState],
        readings: Sequence[Reading],
        signs: Signs,
    ) -> Plan:
        beforehand = Beforehand(self._store, self._world, self._patience)
        plan = self._decide(run, batches, states, beforehand)
        late = lateness(self._store, plan, states)
        for attempt in range(TRIES):
            signs.moved()  # a long list is decided on: no hang
            try:
                full, routes = self._touching.added(plan)
                routes = [*self._routes(plan), *routes]
                apply.apply(self._store, full, readings=readings, routes=routes)
                break
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                states = stream_states(self._store, run.scope, plan.now)
                plan = self._decide(run, batches, states, beforehand)
        for source, seconds in late:
            self._world.pools[run.scope.chain].tally.note(source, Mark.LATE, seconds)
        return plan

    def _decide(
        self,
        run: Run,
        batches: Sequence[Batch],
        states: Mapping[str, StreamState],
        beforehand: Beforehand,
    ) -> Plan:
        chain, now = self._world.chains[run.scope.chain], self._world.clock()
        pool = self._world.pools[chain.key]
        context = load_context(
            self._store,
            chain,
            run.scope,
            batches,
            states,
            assets=self._world.assets,
            lags={s.name: s.index_lag for s in pool.sources},
            now=now,
            titles=self._world.ours,
        )
        needed = loudness.prices_needed(context, batches)
        context = replace(context, prices=prices.between(self._store, *needed))
        plan = decide(context, batches)
        beforehand.begin(context, plan)
        answers = lookups.answer(pool, plan.questions, run.may)
        if answers.lookups or answers.hashes or answers.mute:
            plan = decide(context, batches, answers)
            beforehand.begin(context, plan)
        plan = with_evidence(context, plan, batches, answers)
        alerts = enrich.with_facts(self._store, context, plan, answers)
        alerts = beforehand.with_held(context, plan, batches, alerts)
        return replace(
            plan,
            alerts=alerts,
            weighs=run.everyone is not None and bool(shown_lists(pool)),
            signals=(*plan.signals, *_gap_signals(self._store, plan, run), *_busy_signal(run)),
        )

    def _routes(self, plan: Plan) -> list[Route]:
        if not plan.alerts:
            return []
        named = watch.entries(self._store, (a.entry_id or "" for a in plan.alerts))
        by_id = {entry_id: watched.entry for entry_id, watched in named.items()}
        return [r for a in plan.alerts for r in self._world.route(a, by_id.get(a.entry_id or ""))]

    def _goes_on(
        self, run: Run, outcome: Outcome, batches: Sequence[Batch], everything: bool
    ) -> bool:
        if not outcome.batches or self._stopping():
            return False
        progress = run.progress
        if run.everyone is not None and not everything and _took(run) > BLOCKS_SECONDS:
            return False
        unfinished = any(progress.unfinished(b.streams) for b in batches if b.read)
        # Blocks under a head that is not believed are not kept, and would be read over and over.
        counting = [b for b in batches if run.everyone is None or not b.doubt]
        got_on = any(progress.got_on(b) for b in counting)
        if not got_on or not (outcome.more or unfinished):
            return False
        return everything or unfinished or progress.rounds < HISTORY_ROUNDS

    def _finish(self, run: Run, outcome: Outcome, report: PassReport, now: int) -> None:
        head_unread = outcome.unread if run.progress.rounds else frozenset()
        self._report(run, head_unread, outcome.unserved, report)
        first_contact.tell(self._store, self._world, self._untold(run))
        more = outcome.more and not outcome.unread
        due = now if more else self._due(run, report, now)
        deep = run.deep_seconds and not run.doubted and not self._left_unread(run, outcome)
        # Written with the marks of the next scopes. Lost in a crash, it is polled again.
        ended = watch.Ended(
            *(run.scope, due, bool(outcome.unread), report.started if deep else None),
            calls=0 if run.watched else run.calls,
        )
        self.ended.append(ended)

    def _untold(self, run: Run) -> list[Watched]:
        """Entries of a scope whose start-up summary has not been told yet."""
        if isinstance(run.scope, Subject):
            return watch.history_due(self._store, run.scope) if run.watched else []
        if run.everyone is not None:
            return []  # each is told of once its history has been read
        found = watch.history_due_on(self._store, run.scope.chain)
        pool = self._world.pools[run.scope.chain]
        others = (pool.handed_out(source) for source in pool.sources if not source.many)
        # An address that has lists of its own is told of once these have been read.
        alone = not frozenset[str]().union(*others) - run.streams
        read = run.members if alone else run.went_first
        return [waiting for waiting in found if waiting.entry.subject in read]

    def _due(self, run: Run, report: PassReport, now: int) -> int:
        """When a scope is due again. A chain that is read as a whole and the addresses that are
        read with it are due at the same moments, or it would be read anew for each of them."""
        pace = self._pace(run)
        together = run.is_whole or (run.member and run.watched)
        return (report.started // pace + 1) * pace if together and pace else now + pace

    def _pace(self, run: Run) -> int:
        """Seconds until a scope is due again."""
        followed = run.every if not run.watched and not run.is_whole else None
        return self._world.interval(run.scope) if followed is None else followed

    def spare(
        self, run: Run, unread: frozenset[str], unserved: frozenset[str], report: PassReport
    ) -> None:
        """End the poll of an address to which a chain-wide reading left nothing."""
        self._report(run, unread, unserved, report)
        due = self._due(run, report, self._world.clock())
        self.ended.append(watch.Ended(run.scope, due, bool(unread)))

    def _report(
        self, run: Run, unread: frozenset[str], unserved: frozenset[str], report: PassReport
    ) -> None:
        """What was not read of an address, or of a chain that is read block by block; of another
        chain-wide scope nothing, for its addresses may have been read elsewhere."""
        if unread and (not run.is_whole or run.everyone is not None):
            report.unread[run.scope.key] = unread
        if unserved and not run.is_whole:
            report.unserved[run.scope.key] = unserved

    def _left_unread(self, run: Run, outcome: Outcome) -> bool:
        """Whether something of the trailing window is still to be read again. A stream that
        failed before this pass does not count, or all lists would be read far back each
        time for as long as it fails."""
        waiting = outcome.unread - run.failing
        cut = self._stopping() and any(run.progress.unfinished(b.streams) for b in outcome.batches)
        return cut or bool(waiting) or any(run.progress.again.values())

    def _count(self, report: PassReport, run: Run, outcome: Outcome, plan: Plan) -> None:
        report.new_rows += len(plan.new)
        report.late += sum(row.late for row in plan.new)
        report.alerts += len(plan.alerts)
        report.calls += sum(b.calls for b in outcome.batches)
        report.errors += len(outcome.failures)
        waits = [f.retry_after or 0.0 for f in outcome.failures if f.retryable]
        report.retry_after = max([report.retry_after, *waits])
        chain = run.scope.chain
        run.calls += sum(b.calls for b in outcome.batches)
        for failure in outcome.failures:
            self._faults.failed(chain, failure.source, failure.streams, failure.error)
        for batch in outcome.batches:
            if batch.read is not None:
                self._faults.worked(chain, batch.source, batch.streams)


def _took(run: Run) -> float:
    """Seconds for which a scope has been read in this pass."""
    return time.monotonic() - run.began


def _readings(
    outcome: Outcome,
    batches: Sequence[Batch],
    progress: Progress,
    shown: Mapping[str, tuple[str, str]],
) -> list[Reading]:
    """How each stream went, for the status page and for going on later."""
    found = []
    for batch in batches:
        for stream in sorted(batch.streams) if not batch.lent else ():
            found.append(_good_reading(batch, stream, ok=progress.got_on(batch)))
    errors: dict[str, str] = {}
    for failure in outcome.failures:
        for stream in failure.streams:
            errors[stream] = f"{errors[stream]}; " if stream in errors else ""
            errors[stream] += f"{failure.source}: {failure.error}"
    for stream in sorted(outcome.unread):
        found.append(Reading(stream, ok=False, error=errors.get(stream, "not answered")))
    for stream in sorted(outcome.unserved):
        error, source = shown.get(stream, (UNSERVED, ""))
        found.append(Reading(stream, ok=False, source=source, error=error))
    return found


def _good_reading(batch: Batch, stream: str, *, ok: bool) -> Reading:
    cursor = None
    if batch.cursor and batch.rest is not None:
        cursor = (batch.source, batch.rest.hi, batch.cursor)
    top = batch.axis.top(batch.head)
    reached = not batch.doubt and batch.read is not None and batch.read.hi >= top
    return Reading(
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


def _busy_signal(run: Run) -> Iterable[Signal]:
    if run.is_whole:
        return
    yield Signal(
        key=f"busy:{run.scope.key}",
        bad=run.held_back and not all(w.entry.canary for w in run.watched),
        audience="desk",
        severity="medium",
        what=f"A watched address has over {transfers.HISTORY_LIMIT:,} movements: it looks like a "
        "service. Reading its history has stopped; new movements are still told.",
        cure='To read on, write "busy: yes" into its entry in the watchlist.',
        chain=run.scope.chain,
        who=tuple(w.entry.id for w in run.watched),
    )


def _gap_signals(store: Store, plan: Plan, run: Run) -> Iterable[Signal]:
    """A row or block that could not be read is told at once: it may hide a movement. Of a
    chain-wide list once, with all that it is read for."""
    found: dict[str, list[OpenGap]] = {}
    for opened in plan.gaps:
        key = gap_key(plan.scope, opened.axis, opened.gap.at)
        found.setdefault(key, []).append(opened)
    for key, gaps in found.items():
        who = _missed(store, run, gaps[0])
        yield Signal(
            key=key,
            bad=True,
            severity="high",
            what=_gap_words(gaps, len(who) if run.is_whole else None),
            cure="Look at the address on another explorer for this range.",
            chain=plan.scope.chain,
            who=tuple(entry for entry, _ in who[:ENTRIES_NAMED]),
            cases=tuple(dict.fromkeys(case for _, case in who if case)),
            number=len(who),
        )


def _missed(store: Store, run: Run, gap: OpenGap) -> list[tuple[str, str]]:
    """The entries, with their cases, whose movements may lie in a gap."""
    if isinstance(run.scope, ChainWide):
        return joined.concerned(store, run.scope, gap.stream, gap.axis, gap.gap.at)
    return [(w.entry.id, w.entry.case) for w in run.watched]


def _gap_words(gaps: Sequence[OpenGap], members: int | None) -> str:
    """`members`: how many entries a chain-wide list is read for there."""
    gap = gaps[0].gap
    where = f"{gaps[0].axis} {gap.at.lo} to {gap.at.hi}"
    streams = "; ".join(dict.fromkeys(STREAM_WORDS.get(g.stream, g.stream) for g in gaps))
    whose = "of a watched address"
    if members is not None:
        whose = f"that is read for {count(members, 'entry', 'entries')} at once"
    return (
        f"Part of a list ({streams}) {whose} could not be read "
        f"({where}, from {gaps[0].source}): {gap.reason.rstrip('.')}. It is tried again daily."
    )
