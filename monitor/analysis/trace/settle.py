"""Who is open in a trace: from whom value goes on. Pure.

It is found from the sources on: at first nobody is open, what reaches somebody ends there. Whom
the rules let through is opened, what it paid on reaches others, and so on until nobody is opened
any more. Opening somebody only adds to what others get and only shortens ways, so the end does not
depend on the order, nor on who was read beside: nobody is followed because of value that came to
it only through itself.

Who was open the last time is a start that saves most of that, as far as it can be seen to be right:
whoever is let through no more is taken out, and whoever passed something on before the rules let
it through and stands in a circle, which may live by itself alone, and all that lies behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from monitor.analysis.attribution.replay import Replay
from monitor.analysis.trace.arrivals import Arrivals, Carried, carried
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.ledger import Ledger
from monitor.analysis.trace.run import Run
from monitor.analysis.trace.stops import Rules
from monitor.model import Subject
from monitor.model.flow import Account, Ground


@dataclass
class Settler:
    """Of one case."""

    replay: Replay = field(default_factory=Replay)
    _opened: frozenset[Subject] = frozenset()

    def settle(
        self, known: Known, ledger: Ledger, rules: Rules, promised: Mapping[int, Sequence[Subject]]
    ) -> Run:
        """The run in which exactly those are open whom the rules let through."""
        openings = {a: n for a, n in known.openings.items() if a not in ledger.sources}
        opened = set(self._opened)
        run, ways = self._run(ledger, rules, promised, openings, opened)
        if opened:
            doubtful = {s for s in opened if s not in run.verdicts or not run.verdicts[s].passes}
            kept = opened - ways.behind(doubtful | ways.circular())
            if kept != opened:
                opened = kept
                run, ways = self._run(ledger, rules, promised, openings, opened)
        while more := {s for s, each in run.verdicts.items() if each.passes} - opened:
            opened |= more
            if any(subject in ledger.accounts for subject in more):
                run, ways = self._run(ledger, rules, promised, openings, opened)
        self._opened = frozenset(opened)
        return run

    def _run(
        self,
        ledger: Ledger,
        rules: Rules,
        promised: Mapping[int, Sequence[Subject]],
        openings: Mapping[Account, int],
        opened: Set[Subject],
    ) -> tuple[Run, _Ways]:
        closed = frozenset(
            account
            for subject, accounts in ledger.accounts.items()
            if subject not in opened
            for account in accounts
        )
        ground = Ground(ledger.sources, closed, openings)
        result = self.replay.run(ledger.flows, ground)
        steps = tuple(carried(ledger, result.outcomes.kept))
        arrivals = Arrivals.of(ledger, promised)
        ways = _Ways(opened)
        for each in steps:
            if not each.hop[0]:
                ways.pass_on(each)
            for to in arrivals.take(each):
                if not each.hop[0]:
                    ways.lead(each.givers, to)
                settled = to not in opened or to in ways.let_through
                if not settled and rules.verdict(to, arrivals.found[to]).passes:
                    ways.let_through.add(to)
        verdicts = {s: rules.verdict(s, each) for s, each in arrivals.found.items()}
        return Run(ledger, ground, result, steps, arrivals.found, verdicts), ways


@dataclass
class _Ways:
    """Whom value went from and to in a run, and who passed on before the rules let it through."""

    opened: Set[Subject]
    let_through: set[Subject] = field(default_factory=set)
    early: set[Subject] = field(default_factory=set)
    to: dict[Subject, set[Subject]] = field(default_factory=dict)

    def pass_on(self, each: Carried) -> None:
        early = each.givers if each.late else each.givers - self.let_through
        self.early.update(early & self.opened)

    def lead(self, givers: Iterable[Subject], to: Subject) -> None:
        for giver in givers:
            if giver != to:
                self.to.setdefault(giver, set()).add(to)

    def circular(self) -> set[Subject]:
        """Of those who passed on early whoever value comes back to."""
        return {
            subject for subject in self.early if subject in self.behind(self.to.get(subject, ()))
        }

    def behind(self, subjects: Iterable[Subject]) -> set[Subject]:
        """They, and all whom value reaches from them."""
        found = set(subjects)
        todo = list(found)
        while todo:
            for each in self.to.get(todo.pop(), ()):
                if each not in found:
                    found.add(each)
                    todo.append(each)
        return found
