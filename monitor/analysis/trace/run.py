"""What a replay came to with everybody's verdict, and what the sources paid. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from monitor.analysis.attribution.numbers import WHOLE
from monitor.analysis.attribution.replay import Result
from monitor.analysis.trace.arrivals import Arrived, Carried
from monitor.analysis.trace.ledger import Ledger, Pot, source_of
from monitor.analysis.trace.stops import Outflow, Verdict
from monitor.model import Subject
from monitor.model.flow import METHODS, Account, Flow, Ground, Number, Part, Spent, Turned
from monitor.model.trace import TracedAsset


@dataclass(frozen=True, slots=True)
class Run:
    """`arrived` and `verdicts`: of whoever is no source."""

    ledger: Ledger
    ground: Ground
    result: Result
    steps: tuple[Carried, ...]
    arrived: Mapping[Subject, Arrived]
    verdicts: Mapping[Subject, Verdict]


def given_by_sources(flow: Flow, sources: Mapping[Account, str]) -> Iterator[tuple[Account, Part]]:
    """By account of a source that a flow takes from: what that gives, and what it was worth."""
    if not isinstance(flow, Spent):
        if flow.giver in sources:
            given = flow.given if isinstance(flow, Turned) else flow.amount
            yield flow.giver, Part(given, flow.usd)
        return
    weights = [amount for _, amount in flow.inputs]
    usd = [None] * len(weights) if flow.usd is None else WHOLE.spread(flow.usd, weights)
    for (account, amount), part in zip(flow.inputs, usd, strict=True):
        if account in sources:
            yield account, Part(amount, part)


def pots_by_sources(flow: Flow, sources: Mapping[Account, str]) -> Iterator[tuple[Account, Pot]]:
    """The same as all methods see it: traced in full."""
    for account, part in given_by_sources(flow, sources):
        pot = Pot()
        for method in METHODS:
            pot.amounts[method, sources[account]] = int(part.amount)
            pot.usd[method, sources[account]] = int(part.usd or 0)
        yield account, pot


def outflow_of(ledger: Ledger) -> Outflow:
    """What the sources paid in all, whatever became of it; not what came back to them at once, as
    change does."""
    usd = 0
    assets: dict[TracedAsset, int] = {}
    priced: set[str] = set()
    paid: set[str] = set()
    for flow, steps in zip(ledger.flows, ledger.steps, strict=True):
        given = list(given_by_sources(flow, ledger.sources))
        share = _share_gone(flow, sum(part.amount for _, part in given), ledger.sources)
        for account, part in given:
            asset, label = steps[0].asset, ledger.sources[account]
            assets[asset] = assets.get(asset, 0) + int(part.amount * share)
            usd += int((part.usd or 0) * share)
            paid.add(source_of(label))
            if part.usd is not None:
                priced.add(label)
    return Outflow(usd, assets, frozenset(paid - priced))


def _share_gone(flow: Flow, given: Number, sources: Mapping[Account, str]) -> Fraction:
    """How much of what sources give in a transaction with outputs goes to others, and to miners."""
    if not isinstance(flow, Spent) or not given:
        return Fraction(1)
    back = sum(amount for account, amount in flow.outputs if account in sources)
    return Fraction(max(given - back, 0)) / Fraction(given)
