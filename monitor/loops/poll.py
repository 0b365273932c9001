"""The poll loop: due scopes -> read in threads -> decide -> apply.

Worker threads only talk to sources; every decision and every write happens in the thread
that runs the pass. A subject's failure is a value that the pass survives; a bug is loud.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue

from monitor.loops.blocks import BlockChains
from monitor.loops.dormant import LOOKERS, Dormants, Look, Said
from monitor.loops.headkeep import HeadKeeper
from monitor.loops.passing import PassReport, PollWorld, Run, Signs
from monitor.loops.reading import Outcome
from monitor.loops.rounds import ReadingRounds
from monitor.loops.settle import Settler
from monitor.loops.whole import Wholes
from monitor.model import Subject
from monitor.model.scope import ChainWide, Scope
from monitor.store import doubts, watch
from monitor.store.port import Store

WORKERS = 8
RETRY_ROUNDS = 2  # within one `poll`
RETRY_WITHIN = 15.0  # seconds of a pass; what took longer hangs, and hangs again
RETRY_WAIT = (1.0, 30.0)  # seconds, least and most
JOIN_EVERY = 2.0  # seconds of a pass between two looks at what has come due meanwhile

Asked = Future[Outcome | Said]  # a round of reading, or nodes asked who is dormant


class Poller:
    """Runs passes over the record. One at a time, from one thread."""

    def __init__(
        self, store: Store, world: PollWorld, manners: Callable[[], object] = lambda: None
    ) -> None:
        """`manners`: what each of its threads begins with."""
        self.store = store
        self.world = world
        self._manners = manners
        self.on_progress: Callable[[PassReport, int], None] = lambda _report, _left: None
        self.stopping: Callable[[], bool] = lambda: False
        self._is_spent: Callable[[], bool] = lambda: False  # whether a pass made its calls
        self.signs = Signs()
        self._heads = HeadKeeper(store, world.pools, world.clock)
        self._rounds = ReadingRounds(store, world, self._heads)
        self.settler = Settler(store, world, self._heads, self.signs, self._is_stopping)
        self._blocks = BlockChains(store, world)
        self._dormants = Dormants(store, world, self._is_stopping, self.signs.moved)
        self._chains: set[str] = set()  # of the present pass
        # What it is about; False: what was not due yet when it began.
        self._flying: dict[Scope, bool] = {}
        self._followed = True  # whether the present pass reads what is only followed

    def run_pass(
        self,
        *,
        everything: bool,
        only: Sequence[Subject] | None = None,
        followed: bool = True,
        calls: int | None = None,
    ) -> PassReport:
        """Poll due subjects, or all of them whatever their due time and breakers say; with
        `only` these and no others, due or not; without `followed` none that no entry is about.
        After about so many `calls` nothing more is begun: what is unfinished is gone on with by a
        later pass.

        With `everything`, histories are read to their end and streams that could not be
        read for a passing reason are tried again before the report.
        """
        report = PassReport(self.world.clock())
        began = time.monotonic()
        until = None if everything else report.started
        self._followed = followed
        self._is_spent = lambda: calls is not None and report.calls >= calls
        self._chains.clear()
        self._blocks.begin(everything=everything)
        if only is None:
            # Who joins asks where the chain stands.
            self._begin_chains([ChainWide(chain) for chain in self._blocks.chains])
            self._blocks.take_in({w.chain for w in watch.due_wholes(self.store, until)})
        subjects = self._due(until) if only is None else list(only)
        wholes = watch.due_wholes(self.store, until) if only is None else []
        report.subjects, report.wholes = len(subjects), len(wholes)
        if only is None:
            report.subjects += self._blocks.count({w.chain for w in wholes})
        served = [s for s in subjects if s.chain in self.world.pools]
        due = [w for w in wholes if w.chain in self.world.pools]
        self._begin_chains([*served, *due])
        self._work(served, due, report, everything, only is not None)
        for attempt in range(RETRY_ROUNDS if everything else 0):
            again = [s for s in served if s.key in report.unread]
            chains = [w for w in due if w.key in report.unread]
            if (
                not (again or chains)
                or self._is_stopping()
                or time.monotonic() - began > RETRY_WITHIN
            ):
                break
            least, most = RETRY_WAIT
            self.world.sleep(min(most, max(least * (attempt + 1), report.retry_after)))
            report.unread.clear()
            report.retry_after = 0.0
            for pool in self.world.pools.values():
                pool.forget_heads()
            self._work(again, chains, report, everything, only is not None)
        self._pass_over([s for s in subjects if s.chain not in self.world.pools], report)
        self._put_off([w for w in wholes if w.chain not in self.world.pools])
        doubts.forget_unwatched(self.store, self.world.clock())
        report.seconds = time.monotonic() - began
        report.stopped = self.stopping()
        return report

    def _due(self, until: int | None) -> list[Subject]:
        """Of a chain that is read block by block only who is read by itself there."""
        but = sorted(self._blocks.chains)
        due = watch.due_subjects(self.store, until, followed=self._followed, but=but)
        return [*due, *self._blocks.due_alone(until)]

    def _is_stopping(self) -> bool:
        return self.stopping() or self._is_spent()  # the first may be set later

    # -- the work of a pass ------------------------------------------------------------

    def _begin_chains(self, scopes: Sequence[Scope]) -> None:
        for chain in {s.chain for s in scopes} - self._chains:
            self._chains.add(chain)
            self._heads.begin(chain)

    def _pass_over(self, subjects: Sequence[Subject], report: PassReport) -> None:
        """Subjects of chains without any source: nothing can be tried."""
        for subject in subjects:
            report.unread[subject.key] = frozenset({"every list: no source is in service"})
        self._put_off(subjects)

    def _put_off(self, scopes: Sequence[Scope]) -> None:
        for scope in scopes:
            due = self.world.clock() + self.world.interval(scope)
            watch.schedule(self.store, scope, due, failed=True)

    def _work(
        self,
        subjects: Sequence[Subject],
        due: Sequence[ChainWide],
        report: PassReport,
        everything: bool,
        only: bool = False,
    ) -> None:
        self.signs.begin()
        self._flying = dict.fromkeys(subjects, True)
        looked = time.monotonic()
        spare = partial(self._spare, report)
        with (
            ThreadPoolExecutor(WORKERS, "read", self._manners) as threads,
            ThreadPoolExecutor(LOOKERS, "look", self._manners) as lookers,
        ):
            wholes = Wholes(
                self.store, self.world, self._rounds, threads, spare, everything=everything
            )
            waiting: dict[Asked, Run] = {}
            done: SimpleQueue[Asked] = SimpleQueue()
            looks = self._dormants.looks(subjects)
            looking: dict[Asked, Look] = {
                lookers.submit(self._dormants.ask, look, everything): look for look in looks
            }
            for asking in looking:
                asking.add_done_callback(done.put)
            chains = dict.fromkeys([*(s.chain for s in subjects), *(w.chain for w in due)])
            asked = {look.chain for look in looks}
            at_once = [s for s in subjects if s.chain not in asked]
            ready = [c for c in chains if c not in asked]
            queue = deque(self._begin_chain_wide(wholes, ready, at_once, due))
            while queue or waiting or looking:
                if len(waiting) <= WORKERS:  # many at a time, for one commit
                    for run in self._begin(queue, 2 * WORKERS - len(waiting)):
                        run.reading = self._rounds.reader(run, everything)
                        future: Asked = threads.submit(run.reading.run)
                        waiting[future] = run
                        future.add_done_callback(done.put)
                        self.signs.reading[run.scope.key] = None
                if not waiting and not looking:
                    break
                for ended in _ended(done):
                    result = ended.result()
                    if isinstance(result, Said):
                        look = looking.pop(ended)
                        left = self._looked(look, result, report, subjects)
                        queue.extend(self._begin_chain_wide(wholes, [look.chain], left, due))
                        continue
                    run = waiting.pop(ended)
                    self.signs.reading.pop(run.scope.key, None)
                    queue.extend(self._came(wholes, run, result, report, everything))
                    self.signs.settling = ""
                    self.on_progress(report, len(queue) + len(waiting))
                join = not everything and not only
                if join and not queue and time.monotonic() - looked >= JOIN_EVERY:
                    queue.extend(self._joining(report))
                    looked = time.monotonic()
            for chain in self._chains:
                self._heads.note(self.world.chains[chain])
            self._turn([])

    def _begin_chain_wide(
        self,
        wholes: Wholes,
        chains: Sequence[str],
        subjects: Sequence[Subject],
        due: Collection[ChainWide],
    ) -> list[Run]:
        """What can be read now of these chains. See Wholes.begin; who is read by itself on a chain
        that is read block by block waits for nothing."""
        by_lists = [chain for chain in chains if not self._blocks.reads(chain)]
        found = wholes.begin(by_lists, [s for s in subjects if s.chain in by_lists], due)
        for chain in chains:
            if chain not in by_lists:
                mine = self._rounds.runs([s for s in subjects if s.chain == chain])
                found += self._blocks.runs(chain, mine, due=ChainWide(chain) in due)
        return found

    def _looked(
        self, look: Look, said: Said, report: PassReport, subjects: Sequence[Subject]
    ) -> list[Subject]:
        """Take in which addresses of a chain never lived. Returns those that are left to read."""
        self.signs.moved()
        ended = self._dormants.settle(look, said, report)
        asleep = {each.scope for each in ended}
        for scope in asleep:
            self._flying.pop(scope, None)
        self.settler.ended.extend(ended)
        return [s for s in subjects if s.chain == look.chain and s not in asleep]

    def _spare(
        self, report: PassReport, run: Run, unread: frozenset[str], unserved: frozenset[str]
    ) -> None:
        """End the poll of an address to which nothing is left to read."""
        self._flying.pop(run.scope, None)
        self.settler.spare(run, unread, unserved, report)

    def _came(
        self, wholes: Wholes, run: Run, outcome: Outcome, report: PassReport, everything: bool
    ) -> list[Run]:
        """Take in what a round of reading came to. Returns what is to be read next."""
        return wholes.first(run, outcome) or self._settle(wholes, run, outcome, report, everything)

    def _settle(
        self, wholes: Wholes, run: Run, outcome: Outcome, report: PassReport, everything: bool
    ) -> list[Run]:
        if self.settler.settle(run, outcome, report, everything):
            return [run]
        self._flying.pop(run.scope, None)
        if run.everyone is not None:
            self._blocks.ended(run, failed=bool(outcome.unread))
        left = wholes.ended(run, outcome)
        parked = wholes.unparked(run)
        return [*left, *(self._settle(wholes, *parked, report, everything) if parked else ())]

    def _joining(self, report: PassReport) -> list[Run]:
        """What has come due while a few subjects, or their sources, take long: it does not
        wait for them. Where a source reads many subjects in one ask, the next pass does."""
        if self.stopping() or not any(self._flying.values()):
            return []
        self._turn([])  # what has ended may be due again
        subjects = [
            s
            for s in self._due(self.world.clock())
            if s not in self._flying
            and s.chain in self.world.pools
            and not any(source.many for source in self.world.pools[s.chain].sources)
        ]
        self._begin_chains(subjects)
        self._flying.update(dict.fromkeys(subjects, False))
        report.subjects += len(subjects)
        return self._rounds.runs(subjects)

    def _begin(self, queue: deque[Run], most: int) -> list[Run]:
        """The next scopes to read, marked as in flight."""
        count = 0 if self._is_stopping() else min(most, len(queue))
        begun = [queue.popleft() for _ in range(count)]
        self._turn([run.scope for run in begun if not run.progress.rounds])
        return begun

    def _turn(self, begun: Sequence[Scope]) -> None:
        watch.turn(self.store, self.settler.ended, begun, self.world.clock())
        self.settler.ended.clear()


def _ended(done: SimpleQueue[Asked]) -> list[Asked]:
    """What has ended by now; waits up to a second for the first."""
    try:
        first = done.get(timeout=1.0)
    except Empty:
        return []
    return [first, *(done.get() for _ in range(done.qsize()))]
