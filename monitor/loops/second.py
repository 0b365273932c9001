"""A second operator's word on what is read of addresses, beside the passes and slower than they.

What one operator proved of a list is asked of another one, within a tenth of what is left of its
budgets. Rows that come so are decided on and written like all others. What the words differ in
is looked up by hash, and counted for whoever it speaks against.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.chains.table import ON_DEMAND
from monitor.decide import asking
from monitor.decide import scores as judging
from monitor.decide import second as deciding
from monitor.decide.asking import Allowed
from monitor.loops import lookups
from monitor.loops.health.faults import Faults
from monitor.loops.passing import JobSigns, PollWorld, active
from monitor.loops.pool import SourcePool
from monitor.loops.reread import Reread, Rereader
from monitor.model import ISSUER, Interval, SourceConfig, Subject, intervals
from monitor.model.balance import Between
from monitor.model.config import Way
from monitor.model.errors import SourceError, StoreError
from monitor.model.plan import Question
from monitor.model.ports import Source
from monitor.model.scores import DAY, Mark
from monitor.model.second import Listed, Proven, SecondSaid, SecondWord, Unequal, Waiting
from monitor.store import budgets, scores, second_word, transfers, watch
from monitor.store.port import Reader, Store

ROUND = 20.0  # seconds after which no address is begun in a round
BUSY = 0.1  # of a round, for each source: passes want their turn
POSTPONED = 50  # addresses that wait for sources that had their part of a round
ANEW = 600  # seconds until it is looked again which addresses wait
LONG = 5000  # movements above which an address's history before first contact is not asked for
MOST = 5  # differing movements of one reading that are looked up by hash
TIRED = 3600  # seconds until an address is tried again at a source that failed for it
NO_LIMIT = 2**40
RESTRICTED = ""  # the settings of its entries allow one operator alone


@dataclass(frozen=True, slots=True)
class _Job:
    """What one source is asked of one address."""

    source: Source
    streams: frozenset[str]
    span: Interval
    may: Allowed | None  # who alone may be asked about the address


@dataclass
class SecondReader:
    """Made once. `configs`: the settings of sources, by name; `regular`: calls a second that
    regular passes make, by source."""

    store: Store
    world: PollWorld
    again: Rereader
    configs: Mapping[str, SourceConfig]
    regular: Callable[[], Mapping[str, float]] = dict
    stopping: Callable[[], bool] = lambda: False
    signs: JobSigns = field(default_factory=JobSigns)  # of life, for the watchdog
    _queue: list[Waiting] = field(default_factory=list)
    _queued: int = -ANEW
    _took: dict[str, float] = field(default_factory=dict)  # of this round, by source
    _most: float = 0.0
    _postponed: list[Waiting] = field(default_factory=list)
    _tired: dict[tuple[Subject, str], int] = field(default_factory=dict)
    _unasked: dict[Subject, str] = field(default_factory=dict)  # why not: RESTRICTED, or a source
    _back: dict[str, list[str]] = field(default_factory=dict)  # by chain: asked after the others
    _single: dict[str, list[str]] = field(default_factory=dict)  # lists of one operator alone
    _in_blocks: dict[str, list[str]] = field(default_factory=dict)  # that no source has besides

    def __post_init__(self) -> None:
        words = "cannot be asked of a second source"
        self._faults = Faults(self.store, "second", words, self.world.clock)

    def round(self, seconds: float = ROUND, busy: float = BUSY) -> int:
        """Ask for second words until the time is over, the budget is used up or nothing waits.
        Returns how many addresses were asked for. Writes down what was counted meanwhile.

        `busy`: the part of the time for which one source is asked, as passes ask it too."""
        with self.signs.at_work():
            return self._round(seconds, busy)

    def _round(self, seconds: float, busy: float) -> int:
        began, asked = time.monotonic(), 0
        renewed = self._take_turns()
        self._took, self._most, self._postponed = {}, seconds * busy, []
        while self._queue and not self.stopping() and time.monotonic() - began < seconds:
            asked += self._asked(self._queue.pop(0))
            if len(self._postponed) >= POSTPONED:
                break
        self._queue[:0] = self._postponed
        now = self.world.clock()
        if asked or renewed:
            self._say()
        for pool in list(self.world.pools.values()):
            scores.add(self.store, pool.tally.take(now))
        return asked

    def _take_turns(self) -> bool:
        """Look anew, now and then, which addresses wait, and how sources were."""
        now = self.world.clock()
        if 0 <= now - self._queued < ANEW:
            return False
        waiting = second_word.waiting(self.store)
        self._faults.keep({each.subject for each in waiting})
        chains = dict.fromkeys(each.subject.chain for each in waiting)
        pools = {key: pool for key in chains if (pool := self.world.pools.get(key)) is not None}
        self._queue = [
            each
            for each in waiting
            if each.subject.chain in pools
            and _several(pools[each.subject.chain])
            and now - each.asked >= deciding.EVERY.get(each.severity, deciding.EVERY_OTHER)
        ]
        self._single, self._back = _alone(pools), self._order(pools, now // DAY)
        self._in_blocks = _in_blocks_alone(pools)
        self._queued = now
        self._tired = {key: until for key, until in self._tired.items() if until > now}
        gone = self._unasked.keys() - {each.subject for each in waiting}
        for subject in gone:
            del self._unasked[subject]
        return True

    def _say(self) -> None:
        """What gets no second word and why, for `status`; and the order of sources."""
        why = Counter(self._unasked.values())
        restricted = why.pop(RESTRICTED, 0)
        said = SecondSaid(restricted, dict(why), self._single, self._back, self._in_blocks)
        second_word.say(self.store, said)

    def _order(self, pools: Mapping[str, SourcePool], today: int) -> dict[str, list[str]]:
        """Who is asked after the others, by chain, as the last week was."""
        counted = scores.since(self.store, today - judging.DAYS)
        found = {}
        for key, pool in pools.items():
            mine = [each for each in counted if each.chain == key]
            back = judging.moved_back(mine, today, moved_back(self.store, key))
            pool.order(back)
            if back:
                found[key] = sorted(back)
        return found

    def _asked(self, waiting: Waiting) -> bool:
        """What is a fault of ours at one address does not cost the others theirs."""
        subject = waiting.subject
        try:
            done = self._ask(waiting)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - told by what keeps count of it
            self._faults.note(subject, error)
            return False
        if done:
            self._faults.over([subject])
        return done

    def _ask(self, waiting: Waiting) -> bool:
        subject = waiting.subject
        pool = self.world.pools[subject.chain]
        may = asking.allowed(active(watch.entries_of(self.store, [subject]).get(subject, ())))
        sources = asking.among(pool.sources, may)
        if len({pool.operators[source.name] for source in sources}) < 2:
            self._unasked[subject] = RESTRICTED
            return False
        self._unasked.pop(subject, None)
        long = transfers.row_count(self.store, subject) > LONG
        floor = waiting.floor if long else 0
        wanted = self._wanted(pool, sources, subject, floor)
        if any(self._took.get(source.name, 0.0) > self._most for source, _ in wanted):
            self._postponed.append(waiting)
            return False
        found = (self._job(pool, subject, source, lists, may) for source, lists in wanted)
        jobs = [job for job in found if job is not None]
        for job in jobs:
            began, name = time.monotonic(), job.source.name
            self._read(pool, subject, job)
            self._took[name] = self._took.get(name, 0.0) + time.monotonic() - began
        return bool(jobs)

    def _wanted(
        self, pool: SourcePool, sources: Sequence[Source], subject: Subject, floor: int
    ) -> list[tuple[Source, dict[str, list[Interval]]]]:
        """Whom to ask for which parts of which lists. `floor`: the first block wanted."""
        found: dict[str, dict[str, list[Interval]]] = {}
        for (stream, axis), proven in second_word.proven(self.store, subject).items():
            from_place = floor if axis.by_block else 0
            for operator, parts in deciding.alone(proven, pool.operators, from_place).items():
                for source in sources if stream != ISSUER else ():
                    fits = stream in pool.handed_out(source) and source.axis is axis
                    if fits and pool.operators[source.name] != operator:
                        found.setdefault(source.name, {}).setdefault(stream, []).extend(parts)
                        break
        return [(source, found[source.name]) for source in sources if source.name in found]

    def _job(
        self,
        pool: SourcePool,
        subject: Subject,
        source: Source,
        lists: Mapping[str, Sequence[Interval]],
        may: Allowed | None,
    ) -> _Job | None:
        """What a source can prove now of what is wanted of it; None: nothing, or not now."""
        name = source.name
        now = self.world.clock()
        if self._tired.get((subject, name), 0) > now or not pool.usable(source, everything=False):
            return None
        if self._left(name, now) <= len(lists) * source.list_calls:
            self._unasked[subject] = name
            return None
        try:
            head = pool.head(source)
        except SourceError:
            return None
        line = source.axis.final_line(head, pool.chain, source.index_lag)
        reached = {
            stream: [part for part in parts if part.lo <= line] for stream, parts in lists.items()
        }
        parts = [part for each in reached.values() for part in each]
        if not parts:
            return None
        span = Interval(min(p.lo for p in parts), min(line, max(p.hi for p in parts)))
        return _Job(source, frozenset(s for s, each in reached.items() if each), span, may)

    def _left(self, source: str, now: int) -> int:
        a_second = self.regular().get(source, 0.0)
        windows = {}
        for seconds in (deciding.HOUR, DAY):
            start = now // seconds * seconds
            used, spent = (
                budgets.used(self.store, key, start, seconds)
                for key in (source, f"second:{source}")
            )
            regular = int(a_second * (start + seconds - now))
            windows[seconds] = deciding.Window(used, spent, regular)
        return deciding.allowance(self.configs[source], windows)

    def _spend(self, source: str, calls: int) -> None:
        now = self.world.clock()
        for window in (deciding.HOUR, DAY):
            start = now // window * window
            budgets.reserve(self.store, f"second:{source}", start, window, calls, NO_LIMIT)

    # -- reading, and what comes of it -----------------------------------------------------

    def _read(self, pool: SourcePool, subject: Subject, job: _Job) -> None:
        before = second_word.proven(self.store, subject)
        span, name = job.span, job.source.name
        times = Between(span.lo // 1000, span.hi // 1000)
        said: list[Reread] = []
        for bundle in job.source.bundles:
            if bundle & job.streams and pool.usable(job.source, everything=False):
                lists = bundle & job.streams
                said += self.again.read(
                    subject, job.source, lists, Between(span.lo, span.hi), times
                )
        self._spend(name, sum(each.calls + bool(each.error) for each in said))
        now = self.world.clock()
        if any(each.error for each in said):
            self._tired[subject, name] = now + TIRED
        after = second_word.proven(self.store, subject)
        words = []
        for stream in sorted({s for each in said for s in each.streams} & job.streams):
            key = (stream, job.source.axis)
            proven = after.get(key, {})
            if name not in proven:
                continue
            rows = second_word.listed(self.store, subject)  # anew: they may be very many
            differ = deciding.unequal(rows, *key, name, proven, pool.operators)
            new = intervals.subtract(span, before.get(key, {}).get(name, ()))
            self._look_up(pool, job, proven, _inside(differ, key[1].place, new))
            read = Interval(proven[name][0].lo, proven[name][-1].hi)
            numbers = (len(differ.more), len(differ.less))
            words.append(SecondWord(subject, stream, name, key[1], read, now, *numbers))
        second_word.put(self.store, words)

    def _look_up(self, pool: SourcePool, job: _Job, proven: Proven, differ: Unequal) -> None:
        """Ask for what differs by its hash, and count it for whom it speaks against."""
        asked = [*differ.more, *differ.less][:MOST]
        questions = [_question(each) for each in asked]
        answers = lookups.answer(pool, questions, job.may)
        self._spend(job.source.name, sum(map(len, answers.lookups.values())))
        for listed in asked:
            said = answers.lookups.get(listed.row.transfer.tx, ())
            mark = deciding.against(said, pool.operators)
            missed = mark is Mark.MISSING
            who = self._silent(pool, job.source, proven, listed) if missed else listed.sources
            if mark is not None:
                for name in who:
                    pool.tally.note(name, mark)

    def _silent(
        self, pool: SourcePool, second: Source, proven: Proven, listed: Listed
    ) -> list[str]:
        """Who read the place of a movement in full and did not list it."""
        place = second.axis.place(listed.row.transfer) or 0
        told = {pool.operator_of(name) for name in listed.sources}
        return [
            name
            for name, read in proven.items()
            if intervals.holds(read, place) and pool.operator_of(name) not in told
        ]


def moved_back(store: Reader, chain: str) -> frozenset[str]:
    """The sources of a chain that are asked after the others, as was last decided."""
    return frozenset(second_word.said(store).back.get(chain, ()))


def _alone(pools: Mapping[str, SourcePool]) -> dict[str, list[str]]:
    """By chain the lists that one operator alone serves."""
    found = {}
    for key, pool in pools.items():
        streams = {s for source in pool.sources for bundle in source.bundles for s in bundle}
        sources = (*pool.sources, *_read_whole(pool))
        if lists := deciding.one_word(sources, pool.operators, streams):
            found[key] = sorted(lists)
    return found


def _in_blocks_alone(pools: Mapping[str, SourcePool]) -> dict[str, list[str]]:
    """By chain the lists that are read from its blocks and that no source has of an address: of
    these nobody can be asked, however many nodes there are."""
    found = {}
    for key, pool in pools.items():
        held = {s for whole in _read_whole(pool) for s in pool.handed_out(whole)} - ON_DEMAND
        if lists := held.difference(*map(pool.handed_out, pool.sources)):
            found[key] = sorted(lists)
    return found


def _read_whole(pool: SourcePool) -> Sequence[Source]:
    """The sources whose blocks are read now."""
    return pool.wholes if pool.way is Way.BLOCKS else ()


def _several(pool: SourcePool) -> bool:
    return len(set(pool.operators.values())) > 1


def _question(listed: Listed) -> Question:
    transfer = listed.row.transfer
    height = transfer.block_height
    return Question(transfer.tx, listed.sources, height, why="second source")


def _inside(
    differ: Unequal, place: Callable[..., int | None], parts: Sequence[Interval]
) -> Unequal:
    """What of it lies in these parts."""
    more, less = (
        tuple(
            each
            for each in side
            if (at := place(each.row.transfer)) is not None and intervals.holds(parts, at)
        )
        for side in (differ.more, differ.less)
    )
    return Unequal(more, less)
