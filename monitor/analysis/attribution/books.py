"""The accounts of a replay: every movement is written into them in turn."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.analysis.attribution.holding import (
    NOTHING,
    Figures,
    Frozen,
    Holding,
    Load,
    Sink,
    from_source,
    of_poison,
    thawed,
)
from monitor.analysis.attribution.numbers import Numbers
from monitor.analysis.attribution.openings import is_stop, legs
from monitor.analysis.attribution.result import Carried
from monitor.model.flow import FEES, Account, Flow, Ground, Number, Spent, Turned

# What accounts were before a stretch of movements, of those that it touched; None: not met yet.
Before = dict[Account, Frozen | None]


class Books:
    """`openings`: clean balances before the first movement, lacking ones included."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.ground = Ground({})
        self.openings: Mapping[Account, Number] = {}
        self.accounts: dict[Account, Holding | Sink] = {}
        self.before: Before = {}  # is filled with what the next movements change

    def undo(self, before: Before) -> None:
        """Accounts are again as they were then."""
        for account, was in before.items():
            if was is None:
                del self.accounts[account]
            else:
                self.accounts[account] = thawed(was)

    def figures(self) -> dict[Account, Figures]:
        """What is traced of what each account holds, of those with anything."""
        found = {
            account: held.came
            if isinstance(held, Sink)
            else of_poison(held.figures(), held.held, self.numbers)
            for account, held in sorted(self.accounts.items())
        }
        return {account: figures for account, figures in found.items() if any(figures)}

    def write(self, flow: Flow) -> Carried | None:
        """None: nothing in it is traced."""
        if isinstance(flow, Spent):
            return self._spend(flow)
        out, into = legs(flow)
        if not out:
            for account, amount in into:
                self._take(account, Load(amount))
            return None
        giver, given = out[0]
        before, held, load = self._give(giver, given, flow.usd)
        taken, got = load.figures, load.figures
        if isinstance(flow, Turned):
            if not into:
                return Carried(taken, (), before, held) if load.traced else None
            load = load.converted(flow.got, self.numbers)
            got = load.figures
        self._take(flow.taker, load)
        return Carried(taken, ((flow.taker, got),), before, held) if taken[0] else None

    def _spend(self, flow: Spent) -> Carried | None:
        """The inputs become one list, of which the outputs take in turn, the fee last."""
        out, into = legs(flow)
        paid = sum(amount for _, amount in out)
        pool, usd = Holding(), flow.usd
        weights = [amount for _, amount in out]
        parts = [None] * len(out) if usd is None else self.numbers.spread(usd, weights)
        for (account, amount), part in zip(out, parts, strict=True):
            pool.take(self._give(account, amount, part)[2])
        taken = of_poison(pool.figures(), paid, self.numbers)
        pool.turn_round()
        fee = paid - sum(amount for _, amount in into)
        if fee > 0:
            into = [*into, (flow.inputs[0][0]._replace(holder=FEES), fee)]
        elif fee < 0:  # made by the transaction itself, as new coins are
            pool.take(Load(-fee))
        got = [(account, self._pour(pool, account, amount)) for account, amount in into]
        return Carried(taken, tuple(got), taken, paid) if taken[0] else None

    def _pour(self, pool: Holding, account: Account, amount: Number) -> Figures:
        load = pool.give(amount, self.numbers, pool=True)
        self._take(account, load)
        return load.figures

    def _give(
        self, account: Account, amount: Number, usd: Number | None
    ) -> tuple[Figures, Number, Load]:
        """(what was traced of all that it held, what it held, what leaves)."""
        label = self.ground.sources.get(account)
        if label is not None:
            load = from_source(label, amount, usd)
            return load.figures, amount, load
        holding = self._open(account)
        held = holding.held
        if isinstance(holding, Sink):
            return NOTHING, held, Load(amount)
        return holding.figures(), held, holding.give(amount, self.numbers)

    def _take(self, account: Account, load: Load) -> None:
        if account not in self.ground.sources:  # what comes back to a source is absorbed
            self._open(account).take(load)

    def _open(self, account: Account) -> Holding | Sink:
        """The account, to be changed."""
        holding = self.accounts.get(account)
        if account not in self.before:
            self.before[account] = None if holding is None else holding.frozen()
        if holding is None:
            if is_stop(account, self.ground):
                holding = Sink()
            else:
                holding = Holding(self.openings.get(account, 0))
            self.accounts[account] = holding
        return holding
