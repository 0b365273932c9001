"""How watched addresses stand to their chains, as `fundwatch status` shows it. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.loops.health.chain_values import Time
from monitor.loops.health.snapshot import BalanceReason, BalancesStatus, EntryBalances
from monitor.model.balance import Held, State
from monitor.model.balance_words import asset_said, block_said, differs, kind
from monitor.store import balance_figures
from monitor.store.balance_figures import AddressBalances
from monitor.store.port import Reader


@dataclass(frozen=True)
class Balances:
    """What the record knows of balances, loaded once."""

    by_address: Mapping[str, AddressBalances]
    unequal: Mapping[str, Sequence[Held]]

    @classmethod
    def load(cls, store: Reader, keys: Sequence[str]) -> Balances:
        return cls(balance_figures.by_address(store, keys), balance_figures.unequal(store, keys))

    def of(self, subject: str) -> EntryBalances | None:
        """Of one address by its key; None: it was never asked for."""
        found = self.by_address.get(subject)
        if found is None:
            return None
        unequal = self.unequal.get(subject, ())
        apart = [held for held in unequal if held.state is State.UNEXPLAINED]
        unchecked = [held for held in unequal if held.state is State.CANNOT_CHECK]
        return EntryBalances(
            equal=found.counts[State.RECONCILED],
            unexplained=found.counts[State.UNEXPLAINED],
            cannot_check=found.counts[State.CANNOT_CHECK],
            asked=Time(found.asked),
            block=found.block,
            time=Time.of(found.time),
            sources=found.sources,
            differences=tuple(map(_difference, apart)),
            reasons=tuple(f"{asset_said(held)}: {held.reason}" for held in unchecked),
            kinds=tuple(dict.fromkeys(kind(held.reason) for held in unchecked)),
        )


def _difference(held: Held) -> str:
    at = f" at {block_said(held.height, held.time)}" if held.height is not None else ""
    return f"{differs(held)}{at}"


def tally(store: Reader, now: int) -> BalancesStatus:
    """How many addresses stand how; each once, however many entries it has."""
    found = balance_figures.numbers(store)
    reasons: Counter[str] = Counter()
    for reason, number in found.reasons:
        reasons[kind(reason)] += number
    asked = found.equal + found.unexplained + found.cannot_check
    return BalancesStatus(
        addresses=found.addresses,
        equal=found.equal,
        unexplained=found.unexplained,
        cannot_check=found.cannot_check,
        never=found.addresses - asked,
        oldest=Time.of(found.oldest),
        oldest_seconds=None if found.oldest is None else max(0, now - found.oldest),
        reasons=tuple(BalanceReason(why, n) for why, n in reasons.most_common()),
    )
