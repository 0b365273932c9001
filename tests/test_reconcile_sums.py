"""Sums to the last unit: whatever lists hide, bring late or show after all, what is told of it is
the truth of the chain less the record, in the blocks in which it moved."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from test_reconcile_world import BUNDLES, PARTIES, SHAPES, hide
from world.fake_ledger import FakeLedger, Move, Tx
from world.play import BITCOIN, ETHEREUM, TOKEN, TRON, A, B, internal, native, utxo_tx
from world.witness import SeeingSource, Witnessed

from monitor.chains.table import streams_of
from monitor.decide.balance import signed
from monitor.decide.telling import HOLD_MOST
from monitor.model import Alert, Axis, Chain, Kind, Severity
from monitor.model.balance import COIN
from monitor.model.facts import Unexplained, of_kind
from monitor.store.balances import open_findings


def trc20(sender: str, recipient: str, amount: int) -> tuple[Move, ...]:
    return (Move(Kind.FEE, sender, None, 50), Move(Kind.TRC20, sender, recipient, amount, TOKEN))


TRON_SHAPES = (native, internal, trc20, trc20)

event = st.one_of(
    st.tuples(st.just("pay"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("veil"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("show"), st.integers(0, 5)),
    st.tuples(st.just("mine"), st.integers(0, 5)),
    st.tuples(st.just("reorg"), st.integers(1, 3), st.integers(0, 3)),
    st.tuples(st.just("delay"), st.integers(0, 1), st.integers(0, 2), st.integers(0, 30)),
    st.tuples(st.just("mute"), st.integers(0, 1), st.booleans()),
    st.tuples(st.just("lie"), st.integers(0, 1), st.integers(-5, 5)),
    st.tuples(st.just("poll")),
    st.tuples(st.just("hours"), st.integers(1, 30)),
)


class Hiding:
    """Some movements stand in no list, for good or until they are shown."""

    def __init__(self, play: Witnessed) -> None:
        self.play = play
        self.veiled: list[Tx] = []
        self.number = 0
        self.lied = False

    def tell(self, name: str, *numbers: int) -> None:
        getattr(self, name)(*numbers)
        self.play.hold()
        for source in self.play.sources:
            source.off = 0  # type: ignore[attr-defined]
        for address in (A, B):
            if not self.ever_hidden(address):
                assert self.play.told(address) == [], "a false difference was told"

    def ever_hidden(self, address: str) -> bool:
        return any(address in tx.addresses() for tx in self.veiled)

    def _paid(self, shape: int, sender: int, recipient: int) -> Tx:
        self.number += 1
        amount = 10**30 + 3**self.number  # no two sums of them are alike
        ends = (PARTIES[sender], PARTIES[recipient])
        if self.play.chain is BITCOIN:
            return utxo_tx(self.play.ledger, *ends, amount)
        shapes = TRON_SHAPES if self.play.chain is TRON else SHAPES
        return self.play.ledger.pay(*shapes[shape](*ends, amount))

    def pay(self, shape: int, sender: int, recipient: int) -> None:
        self._paid(shape, sender, recipient)

    def veil(self, shape: int, sender: int, recipient: int) -> None:
        tx = self._paid(shape, sender, recipient)
        self.play.ledger.mine()
        kinds = {move.kind for move in tx.moves if not move.kind.fee}
        hide(self.play, tx, *kinds)
        self.veiled.append(tx)

    def show(self, number: int) -> None:
        hidden = sorted({i[1] for s in self.play.sources for i in s.hidden})
        if hidden:
            shown = hidden[number % len(hidden)]
            for source in self.play.sources:
                source.hidden = {i for i in source.hidden if i[1] != shown}

    def lie(self, source: int, units: int) -> None:
        """A balance that is wrong once."""
        self.play.sources[source].off = units  # type: ignore[attr-defined]

    def mine(self, more: int) -> None:
        self.play.ledger.mine(1 + more)

    def reorg(self, depth: int, fate: int) -> None:
        self.play.ledger.reorg(depth, ("same", "later", "wait", "drop")[fate])

    def delay(self, source: int, stream: int, blocks: int) -> None:
        names = streams_of(self.play.chain)
        self.play.sources[source].delay[names[stream % len(names)]] = blocks

    def mute(self, source: int, silent: bool) -> None:
        self.play.sources[source].mute = silent  # type: ignore[attr-defined]

    def poll(self) -> None:
        self.play.poll()

    def hours(self, number: int) -> None:
        self.play.ledger.now += number * 600
        self.play.poll()

    # -- the end -----------------------------------------------------------------------------

    def end(self) -> None:
        for source in self.play.sources:
            source.mute = False  # type: ignore[attr-defined]
            source.delay.clear()
        self.play.ledger.mine()
        for _ in range(4):
            self.play.ledger.mine(8, idle=True)
            self.play.ledger.now += HOLD_MOST + 1
            with self.play.store.write() as conn:
                conn.execute("UPDATE scope SET deep = 0")
            self.play.poll()
            self.play.hold()

    def hidden_in(self, address: str, contract: str, lo: int = -1, hi: int = 2**62) -> int:
        """What still stands in no list, above one block, up to another."""
        hidden = self.play.sources[0].hidden
        ledger = self.play.ledger
        return sum(
            signed(t, address)
            for t in ledger.rows()
            if t.identity in hidden
            and (t.contract or COIN) == contract
            and not t.kind.nft
            and t.block_height is not None
            and lo < t.block_height <= hi
        )

    def check(self) -> None:
        differing = self.play.differing()
        for address in (A, B):
            for contract in (COIN, TOKEN):
                truth = self.hidden_in(address, contract)
                assert differing.get((address, contract), 0) == truth
                assert self.told(address, contract) == truth
        for each in open_findings(self.play.store):
            ends = (each.blocks.lo, each.blocks.hi)
            assert each.amount == self.hidden_in(each.subject.address, each.contract, *ends)
        self.play.check_log()

    def told(self, address: str, contract: str) -> int:
        """What people were told is missing, less what they were told was found."""
        last: dict[str, Alert] = {}
        for alert in self.play.told(address):
            fact = of_kind(alert.facts, Unexplained)
            assert fact.held is not None
            if fact.held.contract == contract:
                assert alert.amends is None or alert.amends in last
                last[alert.amends or alert.id] = alert
        return sum(self._left(alert) for alert in last.values())

    def _left(self, alert: Alert) -> int:
        fact = of_kind(alert.facts, Unexplained)
        return fact.left if alert.amends else fact.amount


def world(folder: Path, chain: Chain, old: bool) -> Witnessed:
    ledger = FakeLedger(chain)
    terms: dict[str, object] = {"bundles": BUNDLES} if chain is ETHEREUM else {}
    if chain is TRON:
        bundles = [["native"], ["internal"], ["trc20"]]
        terms = {"axis": Axis.TIME, "heightless": ["trc20"], "bundles": bundles}
    sources = [SeeingSource(ledger, n, **terms) for n in ("one", "two")]  # type: ignore[arg-type]
    sources[0].old = old
    play = Witnessed(folder, ledger, sources)
    story = Hiding(play)
    for number in range(4):
        story.pay(number, 2, number % 2)
        ledger.mine(3)
    play.watch(A, severity=Severity.SEVERE)
    play.watch(B)
    ledger.mine(6)
    play.poll()
    return play


# A balance that is false once, of a block of which something had been told.
ONCE = [
    *(("veil", 0, 1, 0), ("mine", 6), ("pay", 0, 0, 0), ("mine", 0), ("poll",)),
    *(("lie", 0, 5), ("mine", 4)),
]


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    told=st.lists(event, min_size=5, max_size=20),
    chain=st.sampled_from([ETHEREUM, BITCOIN, TRON]),
    old=st.booleans(),
)
@example(told=ONCE, chain=ETHEREUM, old=True)
def test_what_is_told_is_what_is_hidden(
    told: list[tuple[str, int]], chain: Chain, old: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        play = world(Path(folder), chain, old)
        try:
            story = Hiding(play)
            for each in told:
                story.tell(*each)
            story.end()
            story.check()
        finally:
            play.store.close()
