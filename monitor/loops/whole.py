"""Chains that are read as a whole: whose addresses join, what is read for all of them at once, and
what is left to each of them.

Where the first source of a list takes many addresses in one ask, the list is read by the chain-wide
scope: one read, one decision, one commit. An address reads for itself what lies below the place at
which it joined, the lists of other sources, and everything that the chain-wide reading failed at.
Where a chain has lists of both kinds, the addresses that news touches go first, with their part of
the news and all their other lists: one movement is one decision. Then the chain-wide scope books
what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from monitor.chains.table import streams_of
from monitor.decide import asking, coverage
from monitor.loops.passing import Fetched, PollWorld, Run, active
from monitor.loops.pool import Failure, SourcePool
from monitor.loops.reading import Outcome, lend
from monitor.loops.rounds import ReadingRounds
from monitor.model import Axis, Batch, Subject
from monitor.model.config import Way
from monitor.model.scope import ChainWide, Joined, Scope
from monitor.store import doubts, follow, joined, transfers, watch
from monitor.store.coverage import change_members, stream_states
from monitor.store.port import Store

AT_ONCE = 500  # addresses that cost a node as much as one

# Ends the poll of an address to which nothing is left: with the lists that could not be read, and
# those that no source hands out.
Spare = Callable[[Run, frozenset[str], frozenset[str]], None]


@dataclass
class _Chain:
    """A chain that is read as a whole in this pass."""

    run: Run
    lists: frozenset[str]  # that are read chain-wide
    held: dict[Scope, Run]  # addresses that wait for it
    elsewhere: frozenset[str]  # lists that are handed out address by address
    failed: dict[Fetched, Failure] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()  # lists of which a part could not be read
    alone: frozenset[Scope] = frozenset()  # addresses that read all lists by themselves
    first: set[Scope] = field(default_factory=set)  # addresses that go before `parked`
    parked: Outcome | None = None


class Wholes:
    """Of one pass."""

    def __init__(
        self, store: Store, world: PollWorld, rounds: ReadingRounds, threads: ThreadPoolExecutor,
        spare: Spare, *, everything: bool,
    ) -> None:  # fmt: skip
        self._store, self._world, self._rounds = store, world, rounds
        self._threads, self._spare, self._everything = threads, spare, everything
        self._chains: dict[str, _Chain] = {}

    def begin(
        self, chains: Iterable[str], subjects: Sequence[Subject], due: Collection[ChainWide]
    ) -> list[Run]:
        """What can be read now of these chains: chain-wide scopes, and the addresses that wait for
        none. Each chain is begun once."""
        ready: list[Run] = []
        runs = self._rounds.runs(subjects)
        for chain in chains:
            mine = {run.scope: run for run in runs if run.scope.chain == chain}
            ready += self._begin(self._world.pools[chain], mine, ChainWide(chain) in due)
        return ready

    def _begin(self, pool: SourcePool, mine: dict[Scope, Run], due: bool) -> list[Run]:
        scope, lists = ChainWide(pool.chain.key), chain_wide_lists(pool)
        before = joined.members(self._store, scope)
        members = self._gather(pool, scope, lists, before)
        if not members:
            return list(mine.values())
        elsewhere = _one_by_one(pool)
        new = any(subject in mine and subject not in before for subject in members)
        unserved = frozenset() if elsewhere else _unserved(pool)
        run = Run(scope, members=members, streams=lists | unserved)
        chain = _Chain(run, lists, mine, elsewhere)
        for each in mine.values():
            each.member = each.scope in members
        # Who is to be told reads all lists before it is decided what: with the chain, unless that
        # asks for so many more that they read them by themselves.
        told = [each.scope for each in mine.values() if elsewhere and each.member and each.watched]
        if not (due or new or self._everything or AT_ONCE * len(told) > len(members)):
            states = stream_states(self._store, scope, 0)
            well = frozenset(s for s in lists if s in states and states[s].failing is None)
            chain.alone = frozenset(told)
            return self._release(chain, well, frozenset(), frozenset())
        self._chains[scope.chain] = chain
        return [run]

    # -- who belongs to it -------------------------------------------------------------------

    def _gather(
        self,
        pool: SourcePool,
        scope: ChainWide,
        lists: frozenset[str],
        before: Mapping[Subject, Mapping[str, Joined]],
    ) -> Mapping[Subject, Mapping[str, Joined]]:
        """Take in the addresses of a chain that are to be read, let the others go."""
        wanted = self._wanted(pool, scope.chain) if lists else set()
        leaving = [
            membership
            for subject, by_list in before.items()
            for stream, membership in by_list.items()
            if subject not in wanted or stream not in lists
        ]
        lacking = [s for s in sorted(wanted) if lists - before.get(s, {}).keys()]
        joining = self._joining(pool, scope, lists, lacking, before) if lacking else []
        if not joining and not leaving:
            return before
        change_members(self._store, scope, joining, leaving, self._world.clock())
        return joined.members(self._store, scope)

    def _wanted(self, pool: SourcePool, chain: str) -> set[Subject]:
        """Addresses that are to be read, and of which every source that reads chain-wide may
        learn."""
        those = pool.chain_wide(Way.ADDRESSES)
        kept, followed = watch.restricted(self._store, chain), follow.allowed_on(self._store, chain)
        return {
            subject
            for subject in watch.read_on(self._store, chain)
            if asking.all_may(those, asking.allowed(kept.get(subject, ())))
            and asking.all_may(those, followed.get(subject.key))
        }

    def _joining(
        self,
        pool: SourcePool,
        scope: ChainWide,
        lists: frozenset[str],
        lacking: Sequence[Subject],
        before: Mapping[Subject, Mapping[str, Joined]],
    ) -> list[Joined]:
        """From its floor on, or above all that it has read itself, and all that was read without
        it. Where no head can be had that is believed, nobody joins."""
        ends = joined.ends(self._store, scope.chain)
        watched = watch.entries_of(self._store, lacking)
        found = []
        for stream in sorted(lists):
            source = next(s for s in pool.sources if s.many and stream in pool.handed_out(s))
            head = pool.believed_head(source)
            if head is None:
                continue
            axis = source.axis
            whole = ends.get((scope.key, stream, axis), -1)
            for subject in lacking:
                if stream not in before.get(subject, {}):
                    mine = active(watched.get(subject, ()))
                    since = self._world.since_time
                    floor = coverage.wanted_from(mine, axis, head, pool.chain, since)
                    above = max(whole, ends.get((subject.key, stream, axis), -1)) + 1
                    found.append(Joined(subject, stream, axis, max(floor, above)))
        return found

    # -- addresses that go first -------------------------------------------------------------

    def first(self, run: Run, outcome: Outcome) -> list[Run]:
        """The addresses that are to be read before this is decided; none where the chain-wide
        reading has all lists that there are."""
        chain = self._chains.get(run.scope.chain)
        if not run.is_whole or chain is None:
            return []
        if not run.progress.rounds:
            chain.failed = {(f.source, s): f for f in outcome.failures for s in f.streams}
        heads = [b for b in outcome.batches if not b.streams <= run.progress.head_done]
        read = run.progress.head_done.union(*(b.streams for b in heads if b.read is not None))
        # What could not be read of them may be read elsewhere: one decision then, too.
        read -= chain.elsewhere & {s for b in heads if b.gaps for s in b.streams}
        if not heads or not chain.elsewhere - read:
            return []
        touched = self._touched(run, heads)
        parts = [lend(batch, touched) for batch in heads]
        # Of what is only followed nobody is told: it keeps its own pace and budget.
        made = [
            (s, r) for s, r in zip(touched, self._rounds.runs(touched), strict=True) if r.watched
        ]
        runs = [chain.held.pop(subject, fresh) for subject, fresh in made]
        cut = bool(run.progress.windowed) or any(b.rest for b in heads)
        for (subject, _), each in zip(made, runs, strict=True):
            each.member = True
            if cut and all(w.baseline for w in each.watched):
                # Its other lists go on where these were cut: only its own reading ends all at
                # one place. At first contact it is history, of which nothing is told.
                self._leave_to(each, chain, frozenset())
                continue
            each.lent = tuple(part[subject] for part in parts)
            each.taken_back = run.taken_back
            self._leave_to(each, chain, frozenset(read))
        self._ask_together(runs)
        chain.first = {each.scope for each in runs}
        run.went_first |= chain.first
        chain.parked = outcome if runs else None
        return runs

    def _touched(self, run: Run, batches: Sequence[Batch]) -> list[Subject]:
        """Members with something in these batches that is not final yet, or should be there; and
        those at first contact, which is drawn by the lowest head of all their lists."""
        moved = [t for batch in batches for t in batch.transfers]
        final = transfers.final(self._store, run.scope.chain, {t.tx for t in moved})
        moved = [t for t in moved if t.identity not in final]
        moved += [row.transfer for row in self._rounds.open_rows(run)]
        parties = {party for transfer in moved for party in transfer.parties()}
        parties |= watch.unmet(self._store, run.scope.chain)
        return [subject for subject in run.members if subject.address in parties]

    def unparked(self, run: Run) -> tuple[Run, Outcome] | None:
        """The chain-wide reading that waited for this address, if it was the last."""
        chain = self._chains.get(run.scope.chain)
        if chain is None or run.scope not in chain.first:
            return None
        chain.first.remove(run.scope)
        if chain.first or chain.parked is None:
            return None
        outcome, chain.parked = chain.parked, None
        return chain.run, outcome

    # -- what is left to its addresses ---------------------------------------------------------

    def ended(self, run: Run, outcome: Outcome) -> list[Run]:
        """The addresses that waited for a chain-wide reading that has ended."""
        chain = self._chains.get(run.scope.chain)
        if not run.is_whole or chain is None:
            return []
        read = chain.lists & run.progress.head_done
        unread = chain.lists - read - outcome.unserved
        return self._release(chain, read, unread, outcome.unserved)

    def _release(
        self, chain: _Chain, read: frozenset[str], unread: frozenset[str], unserved: frozenset[str]
    ) -> list[Run]:
        asking = doubts.asking(self._store, chain.run.scope.chain)
        states = stream_states(self._store, chain.run.scope, self._world.clock())
        chain.gaps = frozenset(s for s, state in states.items() if state.waiting)
        left: list[Run] = []
        for run in chain.held.values():
            self._leave_to(run, chain, frozenset() if run.scope in chain.alone else read)
            if run.scope.key not in asking and self._spared(run, chain):
                self._spare(run, unread, unserved)
            else:
                left.append(run)
        chain.held = {}
        self._ask_together(left)
        return left

    def _ask_together(self, runs: Sequence[Run]) -> None:
        """What several of these addresses lack in the same places is read in one ask."""
        fetched = self._rounds.prefetch(self._threads, runs, self._everything)
        for run in runs:
            run.fetched |= fetched.get(run.scope, {})

    def _leave_to(self, run: Run, chain: _Chain, read: frozenset[str]) -> None:
        """Leave to an address what was not read chain-wide."""
        run.whole = read & _memberships(run, chain).keys()
        run.progress.head_done = set(run.whole)
        run.fetched = {
            key: failure for key, failure in chain.failed.items() if key[1] not in run.whole
        }

    def _spared(self, run: Run, chain: _Chain) -> bool:
        """Whether nothing is left to an address that anybody could read."""
        memberships = _memberships(run, chain)
        if not memberships or chain.elsewhere - run.whole:
            return False
        missed = chain.gaps & chain.elsewhere
        if not missed and all(self._from_its_floor(run, m) for m in memberships.values()):
            return True
        return not self._rounds.reader(run, self._everything).left() & run.whole

    def _from_its_floor(self, run: Run, membership: Joined) -> bool:
        """Whether nothing that is wanted lies below the place at which an address joined."""
        chain, since = self._world.chains[run.scope.chain], self._world.since_time
        axis: Axis = membership.axis
        return membership.from_place <= coverage.wanted_from(run.watched, axis, None, chain, since)


def _memberships(run: Run, chain: _Chain) -> Mapping[str, Joined]:
    subject = run.scope
    return chain.run.members.get(subject, {}) if isinstance(subject, Subject) else {}


def chain_wide_lists(pool: SourcePool) -> frozenset[str]:
    """The lists of a chain whose first source takes many addresses in one ask."""
    seen: set[str] = set()
    found: set[str] = set()
    for source in pool.sources:
        new = pool.handed_out(source) - seen
        found |= new if source.many else frozenset()
        seen |= new
    return frozenset(found)


def _one_by_one(pool: SourcePool) -> frozenset[str]:
    """The lists that some source hands out address by address."""
    return frozenset(
        s for source in pool.sources if not source.many for s in pool.handed_out(source)
    )


def _unserved(pool: SourcePool) -> frozenset[str]:
    """The lists of a chain that no source hands out."""
    served = (pool.handed_out(source) for source in pool.sources)
    return frozenset(streams_of(pool.chain)).difference(*served)
