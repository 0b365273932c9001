"""What is owed to addresses whose chain is read block by block: their history, below the block at
which they joined, and all of it while the chain's blocks cannot be read. Read address by address,
in the background, within what regular passes leave of each budget; the severe first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from monitor.decide import coverage
from monitor.loops.leftover import calls_left
from monitor.loops.passing import JobSigns, PassReport, PollWorld, active
from monitor.loops.pool import SourcePool
from monitor.model import Axis, Interval, SourceConfig, Subject, Watched, intervals
from monitor.model.config import Way
from monitor.model.streams import StreamState
from monitor.store import blocks, transfers, watch
from monitor.store.coverage import stream_states
from monitor.store.port import Store

SHARE = 0.3  # of what regular passes leave of a budget: see decide/cost.py
AT_ONCE = 16  # addresses between two looks at what is owed
MOST = 200  # calls of one round, where no budget bounds them
AGAIN = 300  # seconds until an address is tried again whose lists could not be read
RESTS = 86_400  # ... whose history is so long that a person is asked first

# Reads these addresses to the start of their history, with about so many calls.
Read = Callable[[Sequence[Subject], int], PassReport]


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

    def work(self, seconds: float) -> None:
        """For so long, or until nothing is left that can be done now."""
        until = time.monotonic() + seconds
        with self.signs.at_work():
            chains = sorted(blocks.read_by_blocks(self._store))
            while chains and time.monotonic() < until:
                chains = [chain for chain in chains if self._some(chain)]

    def left(self) -> int:
        """To how many addresses history is owed."""
        chains = blocks.read_by_blocks(self._store)
        return sum(blocks.owed(self._store, chain).history for chain in chains)

    def _some(self, chain: str) -> bool:
        """Returns whether there may be more to do at once."""
        pool = self._world.pools.get(chain)
        if pool is None or pool.way is not Way.BLOCKS or self.stopping():
            return False
        now = self._world.clock()
        subjects = blocks.next_owed(self._store, chain, now, AT_ONCE)
        calls = self._calls(pool, now) if subjects else 0
        if calls <= 0:
            return False
        report = self._read(subjects, calls)
        self.signs.moved()
        self._settle(pool, subjects, report)
        return not report.stopped

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

    def _settle(self, pool: SourcePool, subjects: Sequence[Subject], report: PassReport) -> None:
        now, paid, again = self._world.clock(), list[Subject](), dict[Subject, int]()
        watched = watch.entries_of(self._store, subjects)
        if blocks.owed(self._store, pool.chain.key).blind:
            again = {each: now + self._world.interval(each) for each in subjects}
        for subject in subjects:
            mine = active(watched.get(subject, ()))
            states = stream_states(self._store, subject, now)
            if not mine or not _lacks(pool, states, mine, self._world):
                paid.append(subject)
            elif subject.key in report.unread:
                again[subject] = now + AGAIN
            else:
                long = transfers.row_count(self._store, subject) > transfers.HISTORY_LIMIT
                again[subject] = now + (RESTS if long else 0)
        blocks.tried(self._store, paid, again)


def _lacks(
    pool: SourcePool, states: Mapping[str, StreamState], mine: Sequence[Watched], world: PollWorld
) -> bool:
    """Whether something below the block at which an address joined is still to be read, of lists
    that anybody has."""
    return any(
        all(_holes(pool, state, axis, mine, world) for axis in axes)
        for stream, state in states.items()
        if (axes := {s.axis for s in pool.sources if stream in pool.handed_out(s)})
    )


def _holes(
    pool: SourcePool, state: StreamState, axis: Axis, mine: Sequence[Watched], world: PollWorld
) -> bool:
    joined = state.joined_on(axis)
    if not joined:
        return False
    floor = coverage.wanted_from(mine, axis, None, pool.chain, world.since_time)
    parts = state.covered.get(axis, ())
    spans = coverage.history_spans(parts, floor, state.waiting, joined)
    return bool(intervals.clip(spans, [Interval(0, joined - 1)]))
