"""Holding the record against the chain's own balances: by the daemon on a schedule, by the command,
and before a severe alert is told.

A difference is looked for before anybody hears of it: its blocks are read again from every source
that lists them. Verdicts are kept with the figures that they rest on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.decide import balance as deciding
from monitor.loops.passing import PollWorld
from monitor.loops.reread import Rereader
from monitor.loops.witness import Witness
from monitor.model import Row, Subject
from monitor.model.balance import COIN, Between, Figure, Held, Holding, State
from monitor.model.streams import StreamState
from monitor.store import balances
from monitor.store.coverage import stream_states
from monitor.store.port import Store

EVERY = 86_400  # seconds until an address is held against the chain again


@dataclass(frozen=True)
class Reconciler:
    """Made once. `again` reads intervals of lists."""

    store: Store
    world: PollWorld
    again: Rereader

    def check(self, subjects: Iterable[Subject]) -> list[Held]:
        """Hold these addresses against their chains now, look for what differs, and keep what
        came of it."""
        return [held for subject in subjects for held in self._check(subject)]

    def _check(self, subject: Subject) -> list[Held]:
        now, chain = self.world.clock(), self.world.chains[subject.chain]
        rows = _by_asset(balances.rows_of(self.store, subject))
        pool = self.world.pools.get(subject.chain)
        if pool is None:
            held = deciding.unsaid(chain, subject, COIN, "", self.world.assets, now)
            balances.keep(self.store, [(held, None)], now + EVERY)
            return [held]
        witness = Witness(pool, self.world.clock)
        states = stream_states(self.store, subject, now)
        asked = [
            Holding(subject.address, contract, self._shares(chain.key, contract))
            for contract in (COIN, *sorted(rows.keys() - {COIN}))
        ]
        good = balances.good(self.store, subject)
        said = witness.ask(asked, _read_to(states), witness.sources())
        found: list[tuple[Held, Figure | None]] = []
        for holding in asked:
            figure = said.figures.get(holding)
            if figure is None:
                why = said.why.get(holding, "")
                unsaid = (subject, holding.contract, why, self.world.assets, now)
                found.append((deciding.unsaid(chain, *unsaid), None))
                continue
            mine = rows.get(holding.contract, [])
            before = good.get(holding.contract)
            held = deciding.judge(chain, figure, mine, states, self.world.assets, before)
            if held.state is State.UNEXPLAINED and held.verified:
                held = self._look(held, figure, witness)
            found.append((held, figure))
        balances.keep(self.store, found, now + EVERY)
        return [held for held, _ in found]

    def _shares(self, chain: str, contract: str) -> str:
        asset = self.world.assets.get((chain, contract))
        return asset.shares if asset else ""

    def _look(self, held: Held, figure: Figure, witness: Witness) -> Held:
        """Read the blocks of a difference again from everybody who lists them."""
        chain, subject = self.world.chains[held.subject.chain], held.subject
        before = balances.good(self.store, subject).get(held.contract)
        blocks = deciding.between(before, figure)
        times = Between(before.time if before else 0, figure.time)
        asked = []
        for source in witness.pool.sources:
            lists = deciding.lists_of(chain, held.contract)
            for came in self.again.read(subject, source, lists, blocks, times):
                asked.append(f"{came.source}: {came.error or 'nothing new'}")
            rows = list(balances.rows_of(self.store, subject, held.contract))
            states = stream_states(self.store, subject, self.world.clock())
            anew = deciding.judge(chain, figure, rows, states, self.world.assets, before)
            if anew.state is State.RECONCILED:
                return anew
            held = replace(anew, between=blocks, reason="; ".join(asked))
        return held


def _by_asset(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of what is held in amounts, by contract."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        kind = row.transfer.kind
        if not kind.nft and not kind.numbered:
            found.setdefault(row.transfer.contract or COIN, []).append(row)
    return found


def _read_to(states: Mapping[str, StreamState]) -> int | None:
    """The newest block to which all lists by block are proven read; None: none is."""
    ends: Sequence[int] = [
        parts[-1].hi
        for state in states.values()
        if not state.unserved
        and (parts := state.covered.get(state.axis, ()))
        and state.axis.by_block
    ]
    return min(ends, default=None)
