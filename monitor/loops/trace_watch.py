"""Reading what is followed: what an address did when it is begun, and where value rests again and
again, balances first, within the calls of a case and what passes leave of the sources' budgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.decide.cost import HEAD_CALLS, TRACING
from monitor.loops.leftover import calls_left
from monitor.loops.pool import SourcePool
from monitor.loops.resting import RESTS, Ask, value
from monitor.loops.trace_case import FollowedCase, TraceWorld
from monitor.loops.trace_world import last_yes
from monitor.loops.witness import Witness
from monitor.model import Subject
from monitor.model.trace import Node, Trace
from monitor.store import trace as kept
from monitor.store.port import Store

GROUP = 20  # addresses whose balances are asked together
ENOUGH = 1000  # calls, for whatever is begun at once


@dataclass
class TraceReader:
    """Made once. `world`: what following works with."""

    world: TraceWorld
    stopping: Callable[[], bool] = lambda: False

    @property
    def _store(self) -> Store:
        return self.world.store

    def read(self, case: FollowedCase, subjects: Sequence[Subject], *, finding: bool) -> None:
        """As far as calls allow: of a long history the rest is read when there are more."""
        report = self.world.read(subjects, self._most(case, subjects, finding=finding))
        moment = time.monotonic()
        case.tried.update(dict.fromkeys(subjects, moment))
        failed = {subject for subject in subjects if subject.key in report.unread}
        case.resting.read(subjects, self.world.world.clock(), failed)
        case.errors += len(failed)
        if finding:
            self.use(case, finding=report.calls)
        else:
            self.use(case, watching=report.calls)

    def _most(self, case: FollowedCase, subjects: Sequence[Subject], *, finding: bool) -> int:
        """Calls that reading may take, by the case and by what passes leave of the sources'."""
        terms, used = case.trace.terms if case.trace else case.terms, case.money.used()
        left = ENOUGH
        if terms is not None:
            of_day = terms.calls_per_day - used.watching
            left = terms.calls - used.finding if finding else of_day
        firsts = [self._firsts(chain, case) for chain in {s.chain for s in subjects}]
        return max(1, min([left, *(self._left(each[0], left) for each in firsts if each)]))

    def use(self, case: FollowedCase, *, finding: int = 0, watching: int = 0) -> None:
        now, since = self.world.world.clock(), last_yes(case.money.words())
        case.calls += finding + watching
        kept.use(self._store, case.money.case, now, since, finding=finding, watching=watching)

    def watch(self, case: FollowedCase, trace: Trace, until: float) -> None:
        """Where value rests, and where something is not final yet: largest first, within the calls
        of a day."""
        now, rows = self.world.world.clock(), case.money.rows
        due = case.resting.due(trace, now, rows.read_at, case.money.open_ones().__contains__)
        for chain in dict.fromkeys(node.subject.chain for node in due):
            mine = [node for node in due if node.subject.chain == chain]
            for at in range(0, len(mine), GROUP):
                if time.monotonic() > until or self.stopping() or not self.has_room(chain, case):
                    break
                self._look(case, trace, mine[at : at + GROUP])

    def ask_balances(self, case: FollowedCase, trace: Trace) -> None:
        """What the chain says of where value rests, where nobody was asked yet."""
        told = kept.newest(self._store, case.money.case)
        known = told.trace.beside.balances if told and told.trace.beside else ()
        asked = case.resting.asked | {each.subject for each in known}
        rests = [n for n in trace.nodes if n.state in RESTS and value(n)]
        new = [node for node in rests if node.subject not in asked]
        for chain in dict.fromkeys(node.subject.chain for node in new):
            pool = self.world.world.pools.get(chain)
            if pool is None or not self.has_room(chain, case):
                continue
            ask = self._question(pool, case)
            mine = [node for node in new if node.subject.chain == chain]
            for at in range(0, len(mine), GROUP):
                if self._watching_left(case, trace) > 0 and not self.stopping():
                    calls = case.resting.ask(mine[at : at + GROUP], ask)
                    self.use(case, watching=calls)

    def _look(self, case: FollowedCase, trace: Trace, nodes: Sequence[Node]) -> None:
        """One group of a chain: balances first, then the lists of those whose balance changed."""
        pool = self.world.world.pools.get(nodes[0].subject.chain)
        if pool is None or self._watching_left(case, trace) <= 0:
            return
        now = self.world.world.clock()
        same, calls = case.resting.unmoved(nodes, self._question(pool, case), now)
        self.use(case, watching=calls)
        began = case.money.used().watching - calls
        for node in nodes:
            if node.subject not in same and self._watching_left(case, trace) > 0:
                before = case.money.rows(node.subject).version
                self.read(case, [node.subject], finding=False)
                news = case.money.rows(node.subject).version != before
                case.resting.settled(node.subject, news=news)
        case.resting.took(case.money.used().watching - began, len(nodes))

    def _question(self, pool: SourcePool, case: FollowedCase) -> Ask:
        """Asks whoever may be asked of a chain for balances now."""
        witness = Witness(pool, self.world.world.clock, case.may())
        return lambda asked: witness.ask(asked, witness.sources())

    def _watching_left(self, case: FollowedCase, trace: Trace) -> int:
        return trace.terms.calls_per_day - case.money.used().watching

    def has_room(self, chain: str, case: FollowedCase) -> bool:
        """Whether the sources of a chain have calls left behind what regular passes need."""
        return self.room(chain, case) >= HEAD_CALLS

    def room(self, chain: str, case: FollowedCase) -> int:
        """Calls that they have left, ENOUGH where nothing bounds them."""
        names = self._firsts(chain, case)
        return self._left(names[0], ENOUGH) if names else ENOUGH

    def _firsts(self, chain: str, case: FollowedCase) -> list[str]:
        """Whoever may be asked about what is followed on a chain, in the order of asking."""
        pool, may = self.world.world.pools.get(chain), case.may()
        return [s.name for s in pool.sources if may is None or s.name in may] if pool else []

    def _left(self, name: str, most: int) -> int:
        config, now = self.world.configs[name], self.world.world.clock()
        regular = self.world.regular().get(name, 0.0)
        return calls_left(self._store, config, regular, TRACING, now, most)
