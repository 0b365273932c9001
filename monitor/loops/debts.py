"""What is owed to addresses whose chain is read block by block: their history, below the block at
which they joined, and all of it while the chain's blocks cannot be read. Read address by address,
in the background, within what regular passes leave of each budget; the severe first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide import coverage
from monitor.loops.leftover import calls_left
from monitor.loops.passing import JobSigns, PassReport, PollWorld, active
from monitor.loops.pool import SourcePool
from monitor.loops.rounds import DEEP_EVERY
from monitor.model import Axis, Interval, SourceConfig, Subject, intervals
from monitor.model.axis import blocks_for
from monitor.model.config import Way
from monitor.model.scope import ChainWide
from monitor.model.streams import StreamState
from monitor.store import balance_due, blocks, heads, transfers, watch
from monitor.store.coverage import has_gap, stream_states
from monitor.store.joined import membership
from monitor.store.port import Store

SHARE = 0.3  # of what regular passes leave of a budget: see decide/cost.py
AT_ONCE = 16  # addresses between two looks at what is owed
MOST = 200  # calls of one round, where no budget bounds them
LOOK_AGAIN = 86_400  # seconds at least until a history that was read is looked at again
AGAIN = 300  # seconds until an address is tried again whose lists could not be read
RESTS = 86_400  # ... whose history is so long that a person is asked first

# Reads these addresses to the start of their history, with about so many calls.
Read = Callable[[Sequence[Subject], int], PassReport]


@dataclass(frozen=True, slots=True)
class _Lack:
    """What an address lacks below the block at which it joined."""

    holes: Mapping[str, tuple[Interval, ...]]  # by list
    waits: bool  # none of it is final yet: it may have been read, and counts later


class Debts:
    """Kept by the daemon; one round at a time."""

    def __init__(
        self,
        store: Store,
        world: PollWorld,
        read: Read,
        configs: Mapping[str, SourceConfig],
        regular: Callable[[], Mapping[str, float]],
    ) -> None:
        """`regular`: calls a second that passes make, by source."""
        self._store, self._world, self._read = store, world, read
        self._configs, self._regular = configs, regular
        self.stopping: Callable[[], bool] = lambda: False
        self.signs = JobSigns()

    def round(self) -> None:
        """Some addresses of each chain."""
        with self.signs.at_work():
            for chain in sorted(blocks.read_by_blocks(self._store)):
                self._some(chain)

    def work(self, seconds: float) -> int:
        """For so long, or until nothing is left that can be done now. Returns how many movements
        were new."""
        found = 0
        until = time.monotonic() + seconds
        with self.signs.at_work():
            chains = sorted(blocks.read_by_blocks(self._store))
            while chains and time.monotonic() < until:
                tried = [(chain, self._some(chain)) for chain in chains]
                reports = {chain: report for chain, report in tried if report is not None}
                found += sum(report.new_rows for report in reports.values())
                chains = [chain for chain, report in reports.items() if not report.stopped]
        return found

    def left(self) -> int:
        """To how many addresses history is owed."""
        chains = blocks.read_by_blocks(self._store)
        return sum(blocks.owed(self._store, chain).history for chain in chains)

    def _some(self, chain: str) -> PassReport | None:
        """Returns how it went; None: nothing can be done now."""
        pool = self._world.pools.get(chain)
        if pool is None or pool.way is not Way.BLOCKS or self.stopping():
            return None
        now = self._world.clock()
        subjects = blocks.next_owed(self._store, chain, now, AT_ONCE)
        calls = self._calls(pool, now) if subjects else 0
        if calls <= 0:
            return None
        before = self._owed(pool, subjects)
        report = self._read(list(subjects), calls)
        self.signs.moved()
        self._settle(pool, subjects, before, report)
        return report

    def _calls(self, pool: SourcePool, now: int) -> int:
        regular = self._regular()
        return min(
            (
                calls_left(
                    self._store, config, regular.get(source.name, 0.0), SHARE, now, most=MOST
                )
                for source in pool.sources
                if (config := self._configs.get(source.name)) and any(source.bundles)
            ),
            default=MOST,
        )

    def _owed(self, pool: SourcePool, subjects: Collection[Subject]) -> dict[Subject, _Lack]:
        now, world = self._world.clock(), self._world
        watched = watch.entries_of(self._store, subjects)
        lines = _final_lines(pool)
        whole = stream_states(self._store, ChainWide(pool.chain.key), now)
        found: dict[Subject, _Lack] = {}
        for subject in subjects:
            states = stream_states(self._store, subject, now, whole)
            mine = active(watched.get(subject, ()))
            floors = {a: coverage.wanted_from(mine, a, None, pool.chain, world.since_time)
                      for a in Axis}  # fmt: skip
            lists = states.keys() & lines.keys() if mine else ()
            parts = {
                s: {axis: _holes(states[s], axis, floors[axis]) for axis in lines[s]} for s in lists
            }
            found[subject] = _lack(parts, lines)
        return found

    def _settle(
        self,
        pool: SourcePool,
        subjects: Mapping[Subject, bool],
        before: Mapping[Subject, _Lack],
        report: PassReport,
    ) -> None:
        """`subjects`: with whether each was to be looked at again."""
        now, paid, again = self._world.clock(), dict[Subject, int | None](), dict[Subject, int]()
        if blocks.owed(self._store, pool.chain.key).blind:
            again = {each: now + self._world.interval(each) for each in subjects}
        owed = self._owed(pool, subjects)
        for subject, left in owed.items():
            read = before[subject].holes or subject.key not in report.unread
            if subjects[subject]:
                read = now - watch.deep_read_at(self._store, subject) < DEEP_EVERY
            if read and not left.holes:
                paid[subject] = self._look_at(subject, now)
            elif transfers.row_count(self._store, subject) > transfers.HISTORY_LIMIT:
                again[subject] = now + RESTS
            else:
                # What is not final yet is read once it is.
                stuck = left.holes == before[subject].holes or subject.key in report.unread
                again[subject] = now + (AGAIN if stuck else 0)
        waits = [s for s in again if owed[s].waits and s.key not in report.unread]
        blocks.tried(self._store, paid, again, frozenset(waits))
        balance_due.completed(self._store, paid)

    def _look_at(self, subject: Subject, now: int) -> int | None:
        """When a history that was read is to be looked at again: as long as reading by address
        would read the blocks below its end once more each day, each time when twice as long has
        passed since; and daily while part of it could not be read."""
        if has_gap(self._store, subject):
            return now + LOOK_AGAIN
        mine, top = membership(self._store, subject), heads.newest(self._store, subject.chain)
        if mine is None or top is None:
            return None
        chain, seconds = self._world.chains[subject.chain], self._world.trailing_seconds
        if mine.from_place <= top - blocks_for(seconds, chain):
            return None
        return now + max(LOOK_AGAIN, now - (mine.below_time or 0))


def _final_lines(pool: SourcePool) -> dict[str, dict[Axis, int]]:
    """The highest place that may count as proven of each list, by the axes along which it is read;
    -1 where that is not known."""
    found: dict[str, dict[Axis, int]] = {}
    for source in pool.sources:
        head, axis = pool.heads_seen.get(source.name), source.axis
        line = -1 if head is None else axis.final_line(head, pool.chain, source.index_lag)
        for stream in pool.handed_out(source):
            mine = found.setdefault(stream, {})
            mine[axis] = max(line, mine.get(axis, -1))
    return found


def _lack(
    parts: Mapping[str, Mapping[Axis, tuple[Interval, ...]]],
    lines: Mapping[str, Mapping[Axis, int]],
) -> _Lack:
    """Of what each list lacks along each axis: one axis is enough, blocks or time."""
    lacking = {stream: axes for stream, axes in parts.items() if all(axes.values())}
    waits = all(
        hole.lo > lines[stream][axis] >= 0
        for stream, axes in lacking.items()
        for axis, holes in axes.items()
        for hole in holes
    )
    return _Lack({s: min(axes.values(), key=len) for s, axes in lacking.items()}, waits)


def _holes(state: StreamState, axis: Axis, floor: int) -> tuple[Interval, ...]:
    joined = state.joined_on(axis)
    if not joined:
        return ()
    covered = state.covered.get(axis, ())
    spans = coverage.history_spans(covered, floor, state.waiting, joined, state.unread)
    return intervals.clip(spans, [Interval(0, joined - 1)])
