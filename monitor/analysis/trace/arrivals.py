"""What came to each address in one run of the attribution: how far it is from a source, how much
it was, when. It is what the rules look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.analysis.trace.ledger import Ledger, Pot, givers, pot_of, taker
from monitor.analysis.trace.steps import Sent, Step
from monitor.model import Subject
from monitor.model.flow import CONSERVING, Account, Flow, Outcome, Traced
from monitor.model.trace import TracedAsset


@dataclass(slots=True)
class Arrived:
    """At one address, without what it turned into something else itself."""

    hop: tuple[int, int]  # whether only poison reaches it (1), then steps from a source: the least
    first: int
    last: int
    all: Pot = field(default_factory=Pot)  # of all assets together: for USD, and who it came from
    assets: dict[TracedAsset, Pot] = field(default_factory=dict)
    largest: int = 0  # USD millionths of the largest single movement, by the highest method
    held: bool = False  # there is an account of it: not only promised by a bridge


@dataclass(frozen=True, slots=True)
class Carried:
    """One step that carried something traced."""

    step: Step
    outcome: Outcome
    got: Traced
    sender: Subject | None
    recipient: Subject | None
    hop: tuple[int, int]  # of the recipient by this step
    own: bool  # it stays with the same address: a conversion, change


def carried(ledger: Ledger, outcomes: Sequence[Outcome | None]) -> Iterator[Carried]:
    """All steps that carried something traced, in order, fees left out."""
    hops: dict[Account, tuple[int, int]] = {}
    on_its_way: dict[Account, Outcome] = {}  # in a bridge, nobody's yet
    for flow, steps, outcome in zip(ledger.flows, ledger.steps, outcomes, strict=True):
        if outcome is None:
            continue
        start = min(_starts(givers(flow), ledger, hops), default=None)
        if start is None:
            continue
        owners = {ledger.owner(account) for account in givers(flow)}
        shown = _shown(flow, outcome, on_its_way)
        for step in steps:
            account = taker(step)
            got = outcome.got.get(account)
            recipient = ledger.owner(account)
            if recipient is None:
                hops[account], on_its_way[account] = start, outcome
            if step.fee or got is None or recipient is None or not _any(got):
                continue
            own = recipient in owners
            hop = (0 if _conserved(got) else 1, start[1] + (0 if own else 1))
            hops[account] = min(hop, hops.get(account, hop))
            yield Carried(step, shown, got, _sender(step, owners), recipient, hop, own)


def _shown(flow: Flow, outcome: Outcome, on_its_way: Mapping[Account, Outcome]) -> Outcome:
    """Behind a bridge: what its sender held says more than what was on its way."""
    for account in givers(flow):
        if account in on_its_way:
            left = on_its_way[account]
            return replace(outcome, before=left.before, held=left.held)
    return outcome


def arrivals(
    steps: Iterable[Carried], ledger: Ledger, sent: Mapping[int, Sent]
) -> dict[Subject, Arrived]:
    """By address that is no source. `sent`: deposits in bridges, by identity of their step: what
    they carry is promised to whom they name."""
    found: dict[Subject, Arrived] = {}
    sources = {ledger.owners[account] for account in ledger.sources}
    for each in steps:
        promise = sent.get(id(each.step))
        if promise is not None and promise.to is not None and promise.to not in sources:
            _arrive(found, promise.to, each, held=False)
        if each.recipient is not None and each.recipient not in sources:
            _arrive(found, each.recipient, each, held=True)
    return found


def _arrive(found: dict[Subject, Arrived], to: Subject, each: Carried, *, held: bool) -> None:
    time = each.step.time
    here = found.get(to)
    if here is None:
        here = found[to] = Arrived(each.hop, time, time)
    here.hop = min(here.hop, each.hop)
    here.first, here.last = min(here.first, time), max(here.last, time)
    here.held |= held
    if each.own:
        return
    pot = pot_of(each.got)
    here.all.merge(pot)
    here.assets.setdefault(each.step.got or each.step.asset, Pot()).merge(pot)
    here.largest = max(here.largest, pot.most())


def _starts(
    accounts: Iterable[Account], ledger: Ledger, hops: Mapping[Account, tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    for account in accounts:
        if account in ledger.sources:
            yield (0, 0)
        elif account in hops:
            yield hops[account]


def _sender(step: Step, owners: set[Subject | None]) -> Subject | None:
    return (
        step.sender if step.sender is not None else next(iter(owners)) if len(owners) == 1 else None
    )


def _any(traced: Traced) -> bool:
    return any(part.amount for shares in traced.values() for part in shares.values())


def _conserved(traced: Traced) -> bool:
    return any(p.amount for method in CONSERVING for p in traced.get(method, {}).values())
