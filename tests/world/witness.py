"""An invented explorer that says balances too, and a world whose record is held against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.decide.balance import signed
from monitor.loops.causes import Causes
from monitor.loops.passing import PollWorld
from monitor.loops.poll import Poller
from monitor.loops.reconcile import Reconciler
from monitor.loops.reread import Rereader
from monitor.loops.unexplained import Teller
from monitor.model import Alert, AlertKind, Asset, Head, Kind, Subject
from monitor.model.balance import COIN, BalanceWord, Held, Holding
from monitor.model.errors import NotServed, NotYet
from monitor.store.balances import open_findings
from world.fake_ledger import Block, FakeSource, View, transfers
from world.play import TOKEN, Play


class SeeingSource(FakeSource):
    """Its balances count what its lists hide. `one_index`: it says that both are of one; `old`: it
    answers for blocks of the past; `off`: what it adds to the truth; `mute`: it says no balances
    now; `ahead`: blocks by which the one lies too high that it names."""

    old = False
    one_index = False
    off = 0
    mute = False
    ahead = 0

    @property
    def old_heights(self) -> bool:
        return self.old

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        return len(asked)

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        view = self._answer()
        if self.mute or (height is not None and not self.old):
            raise NotServed(f"{self.name} says none")
        if height is not None and height > view.head.height:
            raise NotYet(f"{self.name} has no block {height}")
        block = view.head if height is None else view.blocks[height]
        head = Head(block.height, block.time, block.hash)
        if self.ahead:
            time = block.time + self.ahead * int(self.ledger.chain.block_time)
            head = Head(block.height + self.ahead, time, f"0x{self.ahead:064x}")
        said = {each: self._held(each, view, block) + self.off for each in asked}
        return BalanceWord(self.name, head, head, said, {}, len(asked))

    def _held(self, asked: Holding, view: View, upto: Block) -> int:
        return sum(
            signed(t, asked.address)
            for block in view.blocks[: upto.height + 1]
            for tx in block.txs
            for t in transfers(self.ledger.chain, tx, block)
            if (t.contract or COIN) == asked.contract
            and not t.kind.nft
            and (not tx.failed or t.kind is Kind.FEE)
        )


class Witnessed(Play):
    """A play whose record is held against the chain."""

    def reconciler(self, later: int = 0) -> Reconciler:
        """Of a fresh process, whose clock is so many seconds ahead."""
        poller: Poller = self.poller()
        token = (self.chain.key, TOKEN)
        world: PollWorld = replace(
            poller.world,
            clock=lambda: self.ledger.now + later,
            assets={token: Asset(*token, "USDT", 6)},
        )
        again = Rereader(world, poller.settler)
        causes = Causes(self.store, world, again)
        return Reconciler(self.store, world, again, Teller(self.store, world), causes)

    def hold(self, later: int = 0) -> list[Held]:
        """Hold all addresses that are watched against the chain."""
        subjects = dict.fromkeys(e.subject for e in self.entries)
        return self.reconciler(later).check(subjects)

    def differing(self) -> dict[tuple[str, str], int]:
        """What of all findings lasts, by address and contract."""
        found: dict[tuple[str, str], int] = {}
        for each in open_findings(self.store):
            key = (each.subject.address, each.contract)
            found[key] = found.get(key, 0) + each.amount
        return found

    def told(self, address: str) -> list[Alert]:
        """What was told of unexplained balances to the entries on an address, oldest first."""
        subject = Subject(self.chain.key, address)
        return [
            alert
            for entry in self.entries
            if entry.subject == subject
            for alert in self.alerts(entry)
            if alert.kind is AlertKind.UNEXPLAINED
        ]
