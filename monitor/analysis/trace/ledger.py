"""The flows of a case as attribution takes them, and what it made of them by address. Pure.

What a source paid without a price is kept apart from what it paid with one, under a label of its
own: so the sums in USD are exact of what has a price, and the rest is known to have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from monitor.analysis.attribution.holding import Figures
from monitor.analysis.trace.steps import Flows, Step
from monitor.model import Subject
from monitor.model.flow import CONSERVING, FEES, METHODS, UNPRICED, Account, Flow, Spent
from monitor.model.trace import ByMethod, TracedAsset


@dataclass(slots=True)
class Pot:
    """Traced amounts of one asset that are added up: by method and source, priced or not."""

    amounts: dict[tuple[str, str], int] = field(default_factory=dict)
    usd: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, figures: Figures) -> None:
        amounts, usd = self.amounts, self.usd
        for method, shares in zip(METHODS, figures, strict=True):
            for label, amount, worth, _ in shares:
                key = (method, label)
                amounts[key] = amounts.get(key, 0) + int(amount)
                usd[key] = usd.get(key, 0) + int(worth or 0)

    def merge(self, other: Pot, sign: int = 1) -> None:
        for mine, theirs in ((self.amounts, other.amounts), (self.usd, other.usd)):
            for key, value in theirs.items():
                mine[key] = mine.get(key, 0) + sign * value

    def common(self, other: Pot) -> Pot:
        """What is in both, by method and source."""
        return Pot(_least(self.amounts, other.amounts), _least(self.usd, other.usd))

    def amount(self) -> ByMethod:
        return _by_method(self.amounts)

    def priced(self) -> ByMethod:
        """USD millionths of what has a price."""
        return _by_method(self.usd)

    def most(self) -> int:
        """USD millionths of what has a price, by the highest method that conserves."""
        return most(self.priced())

    @property
    def empty(self) -> bool:
        return not any(self.amounts.values())

    @property
    def unpriced(self) -> bool:
        """Whether any of it left its source without a price, by whatever method."""
        return any(v and label.endswith(UNPRICED) for (_, label), v in self.amounts.items())

    @property
    def unpriced_conserved(self) -> bool:
        """The same by a method that conserves."""
        return any(
            value and label.endswith(UNPRICED) and method in CONSERVING
            for (method, label), value in self.amounts.items()
        )

    def sources(self) -> list[str]:
        """Keys of the sources that any of it came from."""
        return sorted({source_of(label) for (_, label), v in self.amounts.items() if v})

    def by_source(self) -> Mapping[str, ByMethod]:
        """By source what of it came from there; empty where there is one source alone."""
        sources = self.sources()
        if len(sources) < 2:
            return {}
        found = {source: dict.fromkeys(METHODS, 0) for source in sources}
        for (method, label), value in self.amounts.items():
            if value:
                found[source_of(label)][method] += value
        return found


def _least(
    one: Mapping[tuple[str, str], int], other: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    return {key: min(one[key], other[key]) for key in one.keys() & other.keys()}


def _by_method(sums: Mapping[tuple[str, str], int]) -> dict[str, int]:
    found = dict.fromkeys(METHODS, 0)
    for (method, _), value in sums.items():
        found[method] += value
    return found


def most(by_method: ByMethod) -> int:
    """The highest figure of the methods that conserve."""
    return max(by_method.get(method, 0) for method in CONSERVING)


def pot_of(figures: Figures) -> Pot:
    pot = Pot()
    pot.add(figures)
    return pot


def source_of(label: str) -> str:
    """Key of the source's subject, priced or not."""
    return label.removesuffix(UNPRICED)


@dataclass(frozen=True)
class Ledger:
    """Flows in order, each once, with the steps that they are: of a UTXO transaction one for
    each output."""

    flows: tuple[Flow, ...]
    steps: tuple[tuple[Step, ...], ...]
    sources: Mapping[Account, str]
    owners: Mapping[Account, Subject]

    @cached_property
    def accounts(self) -> Mapping[Subject, tuple[Account, ...]]:
        """Of everybody who is no source."""
        found: dict[Subject, list[Account]] = {}
        for account in sorted(self.owners):
            if account not in self.sources:
                found.setdefault(self.owners[account], []).append(account)
        return {subject: tuple(accounts) for subject, accounts in found.items()}

    @cached_property
    def assets(self) -> Mapping[tuple[str, str], TracedAsset]:
        """By chain and contract."""
        found: dict[tuple[str, str], TracedAsset] = {}
        for steps in self.steps:
            for step in steps:
                for asset in (step.asset, step.got):
                    if asset is not None:
                        found[asset.chain, asset.contract] = asset
        return found

    @cached_property
    def last_given(self) -> Mapping[Subject, int]:
        """When somebody gave something last, traced or not, fees left out."""
        found: dict[Subject, int] = {}
        for flow, steps in zip(self.flows, self.steps, strict=True):
            for owner in {self.owner(account) for account in givers(flow)}:
                if owner is not None and not steps[0].fee:
                    found[owner] = max(steps[0].time, found.get(owner, 0))
        return found

    def owner(self, account: Account) -> Subject | None:
        """Whose an account is; None: what the chain itself took."""
        return None if account.holder == FEES else self.owners.get(account)


def ledger_of(flows: Flows, steps: Sequence[Step]) -> Ledger:
    """What `steps` (`flows.steps`, or the same in another order) come to."""
    owners = dict(flows.owner)
    owners.update({a: Subject(a.chain, a.holder.partition(":")[0]) for a in flows.mixed})
    sources = dict(flows.sources)
    made: list[Flow] = []
    of_each: list[list[Step]] = []
    last: Flow | None = None
    for step in steps:
        if last is not None and step.flow is last:
            of_each[-1].append(step)
            continue
        last = step.flow
        made.append(_apart(last, sources))
        of_each.append([step])
    for flow in made:
        for account in givers(flow):
            if account.holder.endswith(UNPRICED):
                plain = account._replace(holder=account.holder.removesuffix(UNPRICED))
                sources[account] = sources[plain] + UNPRICED
                owners[account] = owners[plain]
    return Ledger(tuple(made), tuple(map(tuple, of_each)), sources, owners)


def _apart(flow: Flow, sources: Mapping[Account, str]) -> Flow:
    """What a source pays without a price is paid by an account of its own."""
    if flow.usd is not None or not any(a in sources for a in givers(flow)):
        return flow
    if isinstance(flow, Spent):
        inputs = ((_twin(a) if a in sources else a, n) for a, n in flow.inputs)
        return replace(flow, inputs=tuple(inputs))
    return replace(flow, giver=_twin(flow.giver))


def _twin(account: Account) -> Account:
    return account._replace(holder=account.holder + UNPRICED)


def givers(flow: Flow) -> Iterable[Account]:
    if isinstance(flow, Spent):
        return (account for account, _ in flow.inputs)
    return (flow.giver,)


def taker(step: Step) -> Account:
    """The account that a step's value comes to."""
    flow = step.flow
    if isinstance(flow, Spent):
        return flow.outputs[step.part or 0][0]
    return flow.taker
