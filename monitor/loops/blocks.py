"""Chains of which each block is read once: who joins and leaves, and from which block on.

Such a chain is read by its chain-wide scope, which has a member for each address. Joining costs no
call: a member's blocks begin where the chain stands, and what lies below is owed to it
(debts.py). Members are not due by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from monitor.chains.table import streams_of
from monitor.decide import asking
from monitor.loops.passing import PollWorld, Run
from monitor.loops.pool import SourcePool
from monitor.model import Baseline, Head, Subject
from monitor.model.axis import blocks_for
from monitor.model.config import Way
from monitor.model.errors import SourceError
from monitor.model.plan import Plan
from monitor.model.ports import SeesUnspent
from monitor.model.reading import Unspent
from monitor.model.scope import ChainWide, Members
from monitor.model.streams import StreamState
from monitor.store import apply, blocks, joined, notes, watch
from monitor.store.coverage import change_members, stream_states
from monitor.store.port import Store

PART = 4000  # addresses that join or leave in one commit
# Seconds of blocks that are read once more where a chain changes to being read block by block: less
# than to ask for what each address lacks.
CATCH_UP = 2 * 3600
LOOK_AGAIN = 600.0  # seconds between two looks at who is watched no more
UNSPENT = "unspent outputs"
MEANWHILE = 200  # severe newcomers that are read by themselves in one pass
BLIND_AFTER = 300  # seconds that blocks fail until severe members are read by themselves


@dataclass
class _Chain:
    members: dict[str, int]
    everyone: Members
    taken_back: int
    version: int = -1  # of all entries, when it was last looked at who leaves
    looked: float = 0.0
    left_out: set[Subject] = field(default_factory=set)  # that are read by themselves
    begun: bool = False  # it was read: what its blocks hold is known


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where a chain stands for newcomers."""

    head: Head
    next: int  # the first block that is read for them
    proven: int  # the highest that counts as proven for others


class BlockChains:
    """Kept by a poller: a million members are not loaded anew in each pass."""

    def __init__(self, store: Store, world: PollWorld) -> None:
        self._store, self._world = store, world
        self._chains: dict[str, _Chain] = {}
        self._read: frozenset[str] = frozenset()  # so in the present pass
        self._everything = False  # whether it asks whatever breakers say

    def begin(self, *, everything: bool) -> None:
        """Begin a pass: the way of a chain stays as it is until its end."""
        self._everything = everything
        every = watch.chains(self._store)
        self._read = frozenset(chain for chain in every if self._by_blocks(chain))

    def _by_blocks(self, chain: str) -> bool:
        pool = self._world.pools.get(chain)
        return pool is not None and pool.way is Way.BLOCKS and bool(pool.wholes)

    def take_in(self, due: Collection[str]) -> None:
        """Let who is due on a chain that is read block by block join, and those go whose chain is
        read in another way now. Where a chain stands is asked of those that are `due`, and where
        entries changed: passes are begun far more often than a chain is read."""
        for chain in sorted(blocks.read_by_blocks(self._store)):
            if not self.reads(chain):
                self._disband(chain)
        for chain in sorted(self._read):
            self._take_in(self._world.pools[chain], due=chain in due)

    def reads(self, chain: str) -> bool:
        """Whether a chain is read block by block in this pass."""
        return chain in self._read

    def due_alone(self, until: int | None) -> list[Subject]:
        """Who is due by itself on such chains."""
        found: list[Subject] = []
        for chain in sorted(self._read):
            known = self._chains.get(chain)
            left_out = known.left_out if known else ()
            found += blocks.due_alone(self._store, chain, until, left_out)
        return found

    def count(self, chains: Iterable[str]) -> int:
        """How many members these chains have."""
        return sum(len(self._chains[each].members) for each in chains if each in self._chains)

    @property
    def chains(self) -> frozenset[str]:
        return self._read

    def runs(self, chain: str, alone: Sequence[Run], *, due: bool) -> list[Run]:
        """What reads the chain, if it is `due`, and who is read by itself: of a member what its
        blocks do not hold."""
        states: Mapping[str, StreamState] | None = None
        for run in alone:
            # Of a member only what lies below the block at which it joined is its own to read.
            mine = joined.membership(self._store, run.scope)
            if mine is None:
                continue
            if blocks.blind(self._store, mine.subject):  # as if it were none
                below = mine.below_time or 0
                run.joined_since = max(0, self._world.clock() - below)
                continue
            if states is None:
                states = stream_states(self._store, ChainWide(chain), self._world.clock())
            run.whole = frozenset(s for s, each in states.items() if _is_read(each))
            run.progress.head_done = set(run.whole)
        whole = self._whole(chain) if due else None
        return [*alone, *([whole] if whole is not None else [])]

    def _whole(self, chain: str) -> Run | None:
        known = self._chains.get(chain)
        if known is None or not known.members:
            return None
        pool = self._world.pools[chain]
        held = frozenset(s for whole in pool.wholes for s in pool.handed_out(whole))
        lists = held.union(streams_of(pool.chain)) if known.begun else held
        run = Run(ChainWide(chain), streams=lists)
        run.everyone = known.everyone
        return run

    def member(self, subject: Subject) -> bool:
        known = self._chains.get(subject.chain)
        return known is not None and subject.address in known.members

    def ended(self, run: Run, *, failed: bool) -> None:
        """A reading of the chain came to its end."""
        chain = run.scope.chain
        if not failed:
            self._chains[chain].begun = True
            blocks.sighted(self._store, chain)
            return
        reading = blocks.reading_of(self._store, chain)
        now = self._world.clock()
        if reading is not None and reading.failing and now - reading.failing >= BLIND_AFTER:
            blocks.blinded(self._store, chain)

    # -- who belongs to it -------------------------------------------------------------------

    def _take_in(self, pool: SourcePool, *, due: bool) -> None:
        known = self._load(pool)
        changed = known.version != watch.version(self._store)
        self._let_go(pool, known)
        if not (due or changed or not known.members):
            return
        known.left_out.clear()
        stand: _Stand | None = None
        for part in self._newcomers(pool, known):
            stand = stand or self._stand(pool, part)
            if stand is None:
                # Where the chain stands cannot be said: nobody joins yet, and who would be read by
                # itself while blocks cannot be read is so now.
                known.left_out.update(blocks.severe(self._store, pool.chain.key, MEANWHILE))
                return
            self._join(pool, known, stand, part)
        if stand is not None:
            known.everyone = Members(known.members)
        if stand is not None or changed:
            self._meet(pool, stand)

    def _load(self, pool: SourcePool) -> _Chain:
        chain, taken_back = pool.chain.key, pool.heads.taken_back
        known = self._chains.get(chain)
        if known is None or known.taken_back != taken_back:
            self._from_lists(chain)
            members = blocks.members(self._store, chain)
            known = _Chain(members, Members(members), taken_back)
            self._chains[chain] = known
        return known

    def _from_lists(self, chain: str) -> None:
        """Who was a member of single lists is one of all from now on."""
        scope = ChainWide(chain)
        before = joined.members(self._store, scope)
        leaving = [each for lists in before.values() for each in lists.values()]
        if leaving:
            change_members(self._store, scope, [], leaving, self._world.clock())

    def _let_go(self, pool: SourcePool, known: _Chain) -> None:
        """Those that nobody watches any more, those of which not every source that reads blocks may
        learn, and those whose unspent outputs would have to be known and are not."""
        chain = pool.chain.key
        gone = self._unknown(pool, known)
        version, moment = watch.version(self._store), time.monotonic()
        if version != known.version or moment - known.looked >= LOOK_AGAIN:
            known.version, known.looked = version, moment
            gone |= {*blocks.unwatched(self._store, chain), *self._restricted(pool)}
            if untold := blocks.untold(self._store, chain):
                blocks.owe(self._store, chain, untold)
        going = {each: known.members[each.address] for each in gone if self.member(each)}
        if going:
            self._leave(chain, going)
            for subject in going:
                del known.members[subject.address]
            known.everyone = Members(known.members)

    def _unknown(self, pool: SourcePool, known: _Chain) -> set[Subject]:
        """Members whose unspent outputs would have to be known and are not: all, where the first
        source said what inputs spend when they joined, and does not now."""
        seen = any(whole.name in pool.heads_seen for whole in pool.wholes[:1])
        if not seen and self._head(pool) is None:
            return set()  # it is learned with the head
        key, needed = f"unspent:{pool.chain.key}", str(int(pool.needs_unspent))
        before = notes.get_note(self._store, key)
        if before == needed:
            return set()
        notes.put_note(self._store, key, needed)
        if before is None or not pool.needs_unspent:
            return set()
        return {Subject(pool.chain.key, address) for address in known.members}

    def _restricted(self, pool: SourcePool) -> set[Subject]:
        kept = watch.restricted(self._store, pool.chain.key)
        return {
            subject
            for subject, watched in kept.items()
            if not asking.all_may(pool.wholes, asking.allowed(watched))
        }

    def _leave(self, chain: str, going: Mapping[Subject, int]) -> None:
        ordered = sorted(going)
        for start in range(0, len(ordered), PART):
            part = {each: going[each] for each in ordered[start : start + PART]}
            blocks.leave(self._store, chain, part, self._world.clock())

    def _disband(self, chain: str) -> None:
        members = blocks.members(self._store, chain)
        self._leave(chain, {Subject(chain, each): place for each, place in members.items()})
        self._chains.pop(chain, None)

    def _newcomers(self, pool: SourcePool, known: _Chain) -> Iterator[list[Subject]]:
        restricted: set[Subject] | None = None
        for part in blocks.newcomers(self._store, pool.chain.key, PART):
            if restricted is None:
                restricted = self._restricted(pool)
            known.left_out.update(each for each in part if each in restricted)
            if fit := [each for each in part if each not in restricted]:
                yield fit

    # -- from where on -----------------------------------------------------------------------

    def _stand(self, pool: SourcePool, first: Sequence[Subject]) -> _Stand | None:
        """Newcomers join above all that was read for others; where that ends far below, at the
        newest block, or at the lowest that those lack who were read by themselves until now."""
        head = self._head(pool)
        if head is None:
            return None
        chain = pool.chain
        top, proven = blocks.reached(self._store, chain.key)
        if members := self._chains[chain.key].members:
            newest = max(members.values())  # for whom nothing may have been read yet
            return _Stand(head, max(top + 1, newest), proven)
        least = max(0, head.height - blocks_for(CATCH_UP, chain) // 2)
        ends = [each.end for each in blocks.own(self._store, first, 1).values()]
        start = min([end + 1 for end in ends if end + 1 >= least], default=head.height)
        return _Stand(head, max(start, top + 1), proven)

    def _join(
        self, pool: SourcePool, known: _Chain, stand: _Stand, part: Sequence[Subject]
    ) -> None:
        members = known.members
        places = {a: members[a] for each in part if (a := each.address) in members}
        fresh = [each for each in part if each.address not in places]
        outputs: Mapping[str, str] = {}
        if pool.needs_unspent:
            ready, outputs = self._ready(pool, stand, fresh)
            known.left_out.update(each for each in fresh if each not in ready)
            places |= {each.address: place for each, place in ready.items()}
        else:
            places |= {each.address: stand.next for each in fresh}
        blocks.join(self._store, pool.chain.key, places, stand.head.time, outputs)
        members.update(places)

    def _head(self, pool: SourcePool) -> Head | None:
        asked = (w for w in pool.wholes if pool.usable(w, everything=self._everything))
        heads = (pool.believed_head(whole) for whole in asked)
        return next((head for head in heads if head is not None), None)

    def _ready(
        self, pool: SourcePool, stand: _Stand, fresh: Sequence[Subject]
    ) -> tuple[dict[Subject, int], Mapping[str, str]]:
        """Whose unspent outputs are known up to where the chain stands, with the block from which
        on they join; and outputs that a node names."""
        read = blocks.own(self._store, fresh, len(streams_of(pool.chain)))
        # What one saw above its proven end stands as long as the blocks that were read.
        found = {
            each: min(stand.next, max(own.end, stand.proven) + 1)
            for each, own in read.items()
            if own.whole and own.seen >= stand.next - 1
        }
        lacking = [each for each in fresh if each not in found]
        told = self._unspent(pool, lacking) if lacking else None
        if told is None or told.height < stand.next - 1:
            return found, {}
        return found | dict.fromkeys(lacking, told.height + 1), told.outputs

    def _unspent(self, pool: SourcePool, subjects: Sequence[Subject]) -> Unspent | None:
        """What these addresses have not spent, by the first source that can say; None: nobody."""
        addresses = [subject.address for subject in subjects]
        for whole in pool.wholes:
            if not hasattr(whole, SeesUnspent.unspent.__name__):
                continue
            if pool.rests(whole, UNSPENT):
                continue
            try:
                told = cast(SeesUnspent, whole).unspent(addresses)
            except SourceError as error:
                pool.withheld(whole, UNSPENT, error)
                continue
            pool.told(whole, UNSPENT)
            return told
        return None

    def _meet(self, pool: SourcePool, stand: _Stand | None) -> None:
        """First contact of entries on members: the block below the one at which newcomers join."""
        chain, now = pool.chain.key, self._world.clock()
        for part in blocks.unmet(self._store, chain, PART):
            stand = stand or self._stand(pool, [])
            if stand is None:
                return
            head, below = stand.head, max(0, stand.next - 1)
            ahead = max(0, head.time - now)
            times = {added for _, added in part}  # few: they are added by the thousand
            base = {at: Baseline(below, at + ahead, head.time) for at in times}
            met = tuple((entry, base[added]) for entry, added in part)
            apply.apply(self._store, Plan(ChainWide(chain), now, baselines=met))


def _is_read(state: StreamState) -> bool:
    return state.ok is not None and state.failing is None
