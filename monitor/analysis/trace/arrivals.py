"""What came to each address in one run of the attribution: how far it is from a source, how much
it was, when. It is what the rules look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.analysis.attribution.result import Kept
from monitor.analysis.trace.ledger import Ledger, Pot, givers, pot_of, taker
from monitor.analysis.trace.steps import Step
from monitor.model import Subject
from monitor.model.flow import Account, Flow
from monitor.model.trace import TracedAsset


@dataclass(slots=True)
class Arrived:
    """At one address, without what it turned into something else itself."""

    hop: tuple[int, int]  # whether only poison reaches it (1), then steps from a source: the least
    first: int  # times
    last: int
    all: Pot = field(default_factory=Pot)  # of all assets together: for USD, and who it came from
    assets: dict[TracedAsset, Pot] = field(default_factory=dict)
    largest: int = 0  # USD millionths of the largest single movement, by the highest method
    held: bool = False  # there is an account of it: not only promised by a bridge


@dataclass(frozen=True, slots=True)
class Carried:
    """One step that carried something traced."""

    step: Step
    outcome: Kept
    pot: Pot  # what came
    givers: frozenset[Subject]
    recipient: Subject
    hop: tuple[int, int]  # of the recipient by this step
    late: bool = False  # it left its sender earlier, and was on its way through a bridge

    @property
    def own(self) -> bool:
        """It stays with the same address: a conversion, change."""
        return self.recipient in self.givers

    @property
    def sender(self) -> Subject | None:
        """None: of a transaction that several addresses paid together."""
        return self.step.sender or (next(iter(self.givers)) if len(self.givers) == 1 else None)


def carried(ledger: Ledger, outcomes: Sequence[Kept | None]) -> Iterator[Carried]:
    """All steps that carried something traced, in order, fees left out."""
    hops: dict[Account, tuple[int, int]] = {}
    on_its_way: dict[Account, Kept] = {}  # in a bridge, nobody's yet
    for flow, steps, outcome in zip(ledger.flows, ledger.steps, outcomes, strict=True):
        if outcome is None:
            continue
        start = min(_starts(givers(flow), ledger, hops), default=None)
        if start is None:
            continue
        owners = frozenset(filter(None, (ledger.owner(account) for account in givers(flow))))
        shown = _shown(flow, outcome, on_its_way)
        came = dict(outcome.got)
        for step in steps:
            account = taker(step)
            got = came.get(account)
            recipient = ledger.owner(account)
            if recipient is None:
                hops[account], on_its_way[account] = start, outcome
            if step.fee or got is None or recipient is None or not any(got):
                continue
            on = start[1] + (recipient not in owners)
            hop = (0 if any(got[1:]) else 1, on)  # poison is the first of METHODS
            hops[account] = min(hop, hops.get(account, hop))
            gave = owners or frozenset(filter(None, (step.sender,)))
            yield Carried(step, shown, pot_of(got), gave, recipient, hop, late=not owners)


def _shown(flow: Flow, outcome: Kept, on_its_way: Mapping[Account, Kept]) -> Kept:
    """Behind a bridge: what its sender held says more than what was on its way."""
    for account in givers(flow):
        if account in on_its_way:
            left = on_its_way[account]
            return outcome._replace(before=left.before, held=left.held)
    return outcome


@dataclass
class Arrivals:
    """By address that is no source. `promised`: whom a step may have gone on to, by its identity:
    whom a bridge's event names, or a person said yes to."""

    sources: frozenset[Subject]
    promised: Mapping[int, Sequence[Subject]]
    found: dict[Subject, Arrived] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger, promised: Mapping[int, Sequence[Subject]]) -> Arrivals:
        return cls(frozenset(ledger.owners[account] for account in ledger.sources), promised)

    def take(self, each: Carried) -> Iterator[Subject]:
        """Count one step, in order; whom it reaches."""
        for to in self.promised.get(id(each.step), ()):
            if to not in self.sources:
                self._arrive(to, each, held=False)
                yield to
        if each.recipient not in self.sources:
            self._arrive(each.recipient, each, held=True)
            yield each.recipient

    def _arrive(self, to: Subject, each: Carried, *, held: bool) -> None:
        time = each.step.time
        here = self.found.get(to)
        if here is None:
            here = self.found[to] = Arrived(each.hop, time, time)
        here.hop = min(here.hop, each.hop)
        here.first, here.last = min(here.first, time), max(here.last, time)
        here.held |= held
        if each.own:
            return
        here.all.merge(each.pot)
        here.assets.setdefault(each.step.got or each.step.asset, Pot()).merge(each.pot)
        here.largest = max(here.largest, each.pot.most())


def _starts(
    accounts: Iterable[Account], ledger: Ledger, hops: Mapping[Account, tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    for account in accounts:
        if account in ledger.sources:
            yield (0, 0)
        elif account in hops:
            yield hops[account]
