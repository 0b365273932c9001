"""Addresses that never lived on a chain: asked for in hundreds, instead of list by list.

Where a chain has a node that can be asked so, the addresses that are due are asked for before
anything is read. Of those that never lived nothing else is asked in this pass; at the first sign
of life their lists are read from where they were to be read all along, so that what happened in
between is found, and is news. Chain-wide lists are read for them like for everybody. Nothing counts
as read by this: no coverage is booked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from monitor.decide import asking
from monitor.decide import dormant as deciding
from monitor.decide.cost import sees_life
from monitor.loops import first_contact
from monitor.loops.passing import PassReport, PollWorld, active
from monitor.loops.pool import SourcePool
from monitor.model import Baseline, Head, Subject, Watched
from monitor.model.errors import BadResponse, NotServed, RateLimited, SourceError, Unavailable
from monitor.model.life import WAITS, Dormant, LifeWord
from monitor.model.plan import Plan
from monitor.model.ports import SeesLife, Source
from monitor.model.scope import ChainWide
from monitor.store import apply, dormant, watch
from monitor.store.port import Store

SLICE = 1000  # addresses between two looks at whether the program is to stop
MET_AT_ONCE = 1000  # entries in one commit
BACK = 8  # blocks; where a chain has one node it is asked a second time so far below
ASK_AGAIN = 6 * 3600.0  # seconds until a node is tried again that takes no such requests
LOOKERS = 8  # chains that are asked side by side


@dataclass(frozen=True)
class Look:
    """The addresses of a chain that are asked for in this pass."""

    chain: str
    subjects: Sequence[Subject]
    known: Mapping[Subject, Dormant]  # of which it was proven before
    watched: Mapping[Subject, Sequence[Watched]]  # the active entries of all of them


@dataclass
class Said:
    """What nodes said, and why they said no more."""

    words: list[LifeWord] = field(default_factory=list)
    why: str = ""
    calls: int = 0
    errors: int = 0


class Dormants:
    """Made once; keeps what it learns of the nodes."""

    def __init__(
        self,
        store: Store,
        world: PollWorld,
        stopping: Callable[[], bool],
        moved: Callable[[], None],
    ) -> None:
        self._store, self._world, self._stopping, self._moved = store, world, stopping, moved
        self._off: dict[str, float] = {}  # nodes that take no such requests: asked again when

    # -- who is asked for ----------------------------------------------------------------

    def looks(self, subjects: Sequence[Subject]) -> list[Look]:
        """Of the addresses that are due those that may be asked for so, chain by chain."""
        by_chain: dict[str, list[Subject]] = {}
        for subject in subjects:
            by_chain.setdefault(subject.chain, []).append(subject)
        looks = [
            self._look(chain, due)
            for chain, due in by_chain.items()
            if any(map(sees_life, self._world.pools[chain].sources))
        ]
        return [look for look in looks if look.subjects]

    def _look(self, chain: str, due: Sequence[Subject]) -> Look:
        known = dormant.on(self._store, chain)
        unread = dormant.of_persons_unread(self._store, chain)
        some = unread | dormant.of_lists(self._store, chain) | known.keys()
        named = watch.entries_of(self._store, (s for s in due if s in some))
        nodes = [source for source in self._world.pools[chain].sources if sees_life(source)]
        watched = {s: mine for s, each in named.items() if (mine := active(each))}
        lived = dormant.lived(self._store, chain, (s.address for s in watched))
        found, changed = [], []
        for subject, mine in watched.items():
            old = known.get(subject)
            if old is not None and old.woke is not None:
                continue
            if subject.address in lived:
                if old is not None:
                    why = "a movement of it was recorded"
                    changed.append(deciding.woken(old, why, self._world.clock()))
            elif deciding.fits(mine, unread=subject in unread) and asking.all_may(
                nodes, asking.allowed(mine)
            ):
                found.append(subject)
            elif old is not None and old.asleep:
                changed.append(replace(old, asleep=False))
        dormant.note(self._store, changed)
        return Look(chain, found, {s: known[s] for s in found if s in known}, watched)

    # -- asking, in a thread of its own ----------------------------------------------------

    def ask(self, look: Look, everything: bool) -> Said:
        """Ask nodes for these addresses."""
        pool, said = self._world.pools[look.chain], Said()
        contracts = (token for chain, token in self._world.assets if chain == look.chain)
        tokens = sorted(contracts)
        for start in range(0, len(look.subjects), SLICE):
            if self._stopping():
                said.why = said.why or "the program is stopping"
                break
            part = look.subjects[start : start + SLICE]
            if not self._ask_part(pool, look, part, tokens, said, everything):
                said.why = said.why or "no node can be asked"
                break
            self._moved()
        return said

    def _ask_part(
        self,
        pool: SourcePool,
        look: Look,
        part: Sequence[Subject],
        tokens: Sequence[str],
        said: Said,
        everything: bool,
    ) -> bool:
        """A word on all of these addresses; a second one on those of which there was none yet.
        Returns whether any node said anything."""
        nodes = self._nodes(pool, look, everything)
        addresses = [s.address for s in part]
        word = self._first(pool, nodes, addresses, tokens, said)
        if word is None:
            return False
        fresh = [s.address for s in part if s not in look.known and s.address in word.none]
        if not fresh:
            return True
        others = [node for node in nodes if node.name != word.source]
        if self._first(pool, others, fresh, tokens, said) is None:
            (node,) = [node for node in nodes if node.name == word.source]
            self._word(pool, node, fresh, tokens, said, word.head.height - BACK)
        return True

    def _nodes(self, pool: SourcePool, look: Look, everything: bool) -> list[Source]:
        """Those that can be asked now; the one that was believed last comes last, so that no node
        goes unheard for long."""
        now = time.monotonic()
        last = max(look.known.values(), key=lambda each: each.at).source if look.known else ""
        nodes = [
            source
            for source in pool.sources
            if sees_life(source)
            and pool.usable(source, everything=everything)
            and now >= self._off.get(source.name, 0.0)
        ]
        return sorted(nodes, key=lambda node: node.name == last)

    def _first(
        self,
        pool: SourcePool,
        nodes: Sequence[Source],
        addresses: Sequence[str],
        tokens: Sequence[str],
        said: Said,
    ) -> LifeWord | None:
        words = (self._word(pool, node, addresses, tokens, said) for node in nodes)
        return next((word for word in words if word is not None), None)

    def _word(
        self,
        pool: SourcePool,
        node: Source,
        addresses: Sequence[str],
        tokens: Sequence[str],
        said: Said,
        height: int | None = None,
    ) -> LifeWord | None:
        """A node's word at its head, or at a block below; None: it is not believed now."""
        began = time.monotonic()
        try:
            head = pool.head(node)
            if pool.heads_seen.get(node.name) != head:
                raise BadResponse(f"the newest block of {node.name} is not believed yet")
            at = head.height if height is None else height
            if at < 0:
                raise BadResponse(f"{node.name} has no block below to be asked about")
            word = cast(SeesLife, node).life(addresses, tokens, at)
            if height is None and head.block_hash not in (None, word.head.block_hash):
                raise BadResponse(f"{node.name} shows another block {head.height} than just now")
            pool.confirm(node)
        except SourceError as error:
            self._failed(pool, node, error, time.monotonic() - began, said)
            return None
        said.calls += word.calls
        said.words.append(word)
        return word

    def _failed(
        self, pool: SourcePool, node: Source, error: SourceError, seconds: float, said: Said
    ) -> None:
        said.why = str(error)
        said.errors += 1
        if isinstance(error, NotServed):
            self._off[node.name] = time.monotonic() + ASK_AGAIN
        elif isinstance(error, (Unavailable, RateLimited)):
            pool.failed(node, error, frozenset(), seconds)

    # -- what it comes to, in the thread of the pass -----------------------------------------

    def settle(self, look: Look, said: Said, report: PassReport) -> list[watch.Ended]:
        """Keep what was said. Returns the end of the poll of each address of which nothing else is
        to be read in this pass."""
        now = self._world.clock()
        pace = self._world.interval(ChainWide(look.chain))
        hold = max(deciding.HOLD, deciding.ROUNDS * pace)
        asked: Sequence[Subject] = look.subjects
        if self._stopping():  # nobody was asked for the others: that is no failure
            named = {a for w in said.words for a in (*w.none, *w.signs, *w.unsaid)}
            asked = [s for s in asked if s.address in named]
        judged = deciding.judge(asked, look.known, said.words, said.why, now, hold)
        self._meet(look, judged.met, now)
        dormant.note(self._store, judged.changed)
        self._tell(look, judged.met)
        report.calls += said.calls
        report.errors += said.errors
        for subject in judged.unsaid:
            report.unread[subject.key] = frozenset({WAITS})
        # All of a chain are due at one moment, or they could not be asked for together.
        due = (report.started // pace + 1) * pace if pace else now
        return [watch.Ended(s, due, s in judged.unsaid) for s in sorted(judged.asleep)]

    def _meet(self, look: Look, met: Mapping[Subject, Head], now: int) -> None:
        """First contact of entries on addresses that never lived: what comes later is news."""
        baselines = [
            (w.entry.id, Baseline(head.height, w.added + max(0, head.time - now), head.time))
            for subject, head in met.items()
            for w in look.watched[subject]
            if w.baseline is None
        ]
        for start in range(0, len(baselines), MET_AT_ONCE):
            part = tuple(baselines[start : start + MET_AT_ONCE])
            apply.apply(self._store, Plan(ChainWide(look.chain), now, baselines=part))

    def _tell(self, look: Look, met: Collection[Subject]) -> None:
        """Their history is read to its start: there is none."""
        found = watch.history_due_on(self._store, look.chain)
        waiting = [w for w in found if w.entry.subject in met]
        first_contact.tell(self._store, self._world, waiting)
