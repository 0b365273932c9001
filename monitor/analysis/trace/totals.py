"""The sums of a case, which balance: what the sources paid is somewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.analysis.attribution.replay import Result
from monitor.analysis.trace.frontier import Limits
from monitor.analysis.trace.ledger import Ledger, Pot, pot_of
from monitor.analysis.trace.reading import BEYOND
from monitor.analysis.trace.run import pots_by_sources
from monitor.model.flow import FEES, METHODS, Account, Turned
from monitor.model.trace import State, Total, TracedAsset

_RESTS = (State.FOLLOWED, State.PARKED)
_OUT, _IN, _TURNED, _FEES, _RESTING, _UNFOLLOWED = "out", "in", "turned", "fees", "rests", "open"
_ENDED = "ended "  # and the reason


@dataclass(slots=True)
class Sums:
    """By asset and what became of it."""

    pots: dict[TracedAsset, dict[str, Pot]] = field(default_factory=dict)
    places: dict[Account, Pot] = field(default_factory=dict)  # where what of it is at the end

    def add(self, asset: TracedAsset, what: str, pot: Pot, sign: int = 1) -> None:
        self.pots.setdefault(asset, {}).setdefault(what, Pot()).merge(pot, sign)

    def all_together(self) -> dict[str, Pot]:
        found: dict[str, Pot] = {}
        for pots in self.pots.values():
            for what, pot in pots.items():
                found.setdefault(what, Pot()).merge(pot)
        return found


def sums(ledger: Ledger, result: Result, limits: Limits) -> Sums:
    found = Sums()
    assets = ledger.assets
    for flow, steps, outcome in zip(ledger.flows, ledger.steps, result.outcomes.kept, strict=True):
        if outcome is None:
            continue
        for _, pot in pots_by_sources(flow, ledger.sources):
            found.add(steps[0].asset, _OUT, pot)
        for account, figures in outcome.got:
            asset = assets[account.chain, account.asset]
            if isinstance(flow, Turned):
                found.add(asset, _IN, pot_of(figures))
            if account in ledger.sources:
                found.add(asset, _OUT, pot_of(figures), -1)
        if isinstance(flow, Turned):
            found.add(steps[0].asset, _TURNED, pot_of(outcome.taken))
    for account, figures in result.left.kept.items():
        found.places[account] = pot_of(figures)
        what = _became(account, ledger, limits)
        found.add(assets[account.chain, account.asset], what, found.places[account])
    return found


def _became(account: Account, ledger: Ledger, limits: Limits) -> str:
    """What becomes of what is on an account."""
    if account.holder == FEES:
        return _FEES
    owner = ledger.owner(account)
    if owner is None:
        reason = "burn" if account.holder == BEYOND else "bridge"  # destroyed, or on its way
        return f"{_ENDED}{reason}"
    state, stop = limits.states.get(owner, (State.QUEUED, None))
    if stop is not None:
        return f"{_ENDED}{stop.reason}"
    return _RESTING if state in _RESTS else _UNFOLLOWED


def totals(one: Sums, other: Sums | None) -> tuple[Total, ...]:
    """Of each asset and of all in USD, by method. `other`: the sums where withdrawals come first
    in what has no order."""
    found: list[Total] = []
    for asset in sorted(one.pots, key=lambda a: (a.chain, a.contract)):
        found += _of(asset, one.pots[asset], _Tie.of(one, other, asset))
    return (*found, *_of(None, one.all_together(), _Tie.of(one, other, None)))


@dataclass(frozen=True, slots=True)
class _Tie:
    """The other order, beside the one that the sums are of."""

    sums: Mapping[str, Mapping[str, int]]  # as _figures has them
    elsewhere: Mapping[str, int]  # by method, how much is at another address then

    @classmethod
    def of(cls, one: Sums, other: Sums | None, asset: TracedAsset | None) -> _Tie | None:
        if other is None:
            return None
        apart = dict.fromkeys(METHODS, 0)
        for account in one.places.keys() | other.places.keys():
            if asset is None or (account.chain, account.asset) == (asset.chain, asset.contract):
                here, there = (
                    _figure(sums.places.get(account, Pot()), asset) for sums in (one, other)
                )
                apart = {m: n + abs(here[m] - there[m]) for m, n in apart.items()}
        pots = other.all_together() if asset is None else other.pots.get(asset, {})
        return cls(_figures(pots, asset), {m: n // 2 for m, n in apart.items()})

    def beside(self, here: Mapping[str, int], method: str) -> Mapping[str, int] | None:
        """What rests by either order, where anything differs between them."""
        there = {what: by[method] for what, by in self.sums.items()}
        same = all(here.get(what, 0) == there.get(what, 0) for what in here.keys() | there.keys())
        if same and not self.elsewhere[method]:
            return None
        return {
            "deposits_first": here.get(_RESTING, 0),
            "withdrawals_first": there.get(_RESTING, 0),
            "at_other_addresses": self.elsewhere[method],
        }


def _of(asset: TracedAsset | None, pots: Mapping[str, Pot], tie: _Tie | None) -> Iterable[Total]:
    figures = _figures(pots, asset)
    for method in METHODS:
        here = {what: by[method] for what, by in figures.items()}
        yield Total(
            asset,
            method,
            out_of_sources=here.get(_OUT, 0),
            converted_in=here.get(_IN, 0),
            converted_out=here.get(_TURNED, 0),
            fees=here.get(_FEES, 0),
            resting=here.get(_RESTING, 0),
            ended={
                what.removeprefix(_ENDED): amount
                for what, amount in sorted(here.items())
                if what.startswith(_ENDED) and amount
            },
            unfollowed=here.get(_UNFOLLOWED, 0),
            ties=None if tie is None else tie.beside(here, method),
        )


def _figures(pots: Mapping[str, Pot], asset: TracedAsset | None) -> dict[str, Mapping[str, int]]:
    return {what: _figure(pot, asset) for what, pot in pots.items()}


def _figure(pot: Pot, asset: TracedAsset | None) -> Mapping[str, int]:
    return pot.priced() if asset is None else pot.amount()
