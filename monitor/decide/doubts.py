"""What one plan leaves in doubt, and the incidents about it: one for each source. Pure.

A doubt outlives its poll: the question is asked again until somebody answers it. What the
answers say of many rows is told as one incident of the source, with their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from monitor.model.plan import Context, Doubt, Signal

GAP_HOLD = 60  # seconds for which a list may leave something out before anybody hears of it
NAMED = 5  # transactions that a notice names
# What an answer said, the worst last; "silent": unknown to whoever was asked, and its block
# cannot be compared.
STATES = ("", "silent", "kept", "lost")


@dataclass
class Doubts:
    """The doubts of one decision: as known, opened, settled."""

    context: Context
    known: dict[tuple[str, str], Doubt] = field(init=False)
    opened: dict[tuple[str, str], Doubt] = field(default_factory=dict)
    settled: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.known = {doubt.key: doubt for doubt in self.context.doubts}

    def about(self, tx: str, why: str) -> Doubt | None:
        return self.known.get((tx, why))

    def open(self, tx: str, why: str, source: str = "", state: str = "") -> None:
        """Owe an answer. Of several rows of one transaction the worst state counts."""
        fresh = Doubt(tx, why, self.context.scope.key, source, state, since=self.context.now)
        before = self.opened.get(fresh.key)
        if before is not None:
            worst = max(before.state, state, key=STATES.index)
            self.opened[fresh.key] = replace(before, state=worst, rows=before.rows + 1)
            return
        known = self.known.get(fresh.key)
        self.opened[fresh.key] = replace(fresh, since=known.since) if known else fresh

    def settle(self, tx: str, why: str) -> None:
        if (tx, why) in self.known:
            self.settled.add((tx, why))

    def changed(self) -> tuple[Doubt, ...]:
        return tuple(d for key, d in self.opened.items() if self.known.get(key) != d)

    def over(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self.settled - self.opened.keys()))

    def signals(self) -> Iterable[Signal]:
        """The incidents of the sources that this plan has something to say about."""
        before = [d for d in self.known.values() if d.key in self.settled | self.opened.keys()]
        now = list(self.opened.values())
        counts = Counter(self.context.doubtful)
        for doubts, sign in ((before, -1), (now, 1)):
            for d in doubts:
                counts[d.source, d.why, d.state] += sign * d.rows
        for source in sorted({d.source for d in (*before, *now) if d.why in ("final", "missing")}):
            lost = counts[source, "final", "lost"]
            yield self._lost(source, lost, [d.tx for d in now if d.state == "lost"])
            kept = counts[source, "final", "kept"] + counts[source, "missing", "kept"]
            yield self._kept(source, kept)

    def _lost(self, source: str, number: int, txs: list[str]) -> Signal:
        named = ", ".join(txs[:NAMED]) + (" and others" if len(txs) > NAMED else "")
        some = f" (transaction{'s' if len(txs) > 1 else ''} {named})" if txs else ""
        what = "A movement that was" if number == 1 else f"{number} movements that were"
        stand = "does not stand" if number == 1 else "do not stand"
        return self._signal(
            f"integrity:{self.context.chain.key}/{source}",
            bad=number > 0,
            audience="desk",
            severity="severe",
            hold=0,
            what=f"{what} final {stand} in the chain any more as {source} told it{some}. "
            "The record keeps what was told.",
            cure="Compare with another explorer before you rely on it.",
        )

    def _kept(self, source: str, number: int) -> Signal:
        what = "a recorded movement" if number == 1 else f"{number} recorded movements"
        return self._signal(
            f"listgap:{self.context.chain.key}/{source}",
            bad=number > 0,
            audience="operations",
            severity="medium",
            hold=GAP_HOLD,
            what=f"The list of {source} leaves out {what}, and nobody who was asked finds the "
            "transaction; but its block is unchanged, so nothing was reorganised. A gap of the "
            "list: nothing is taken back, and it is asked again.",
            cure="Look at the address on another explorer if you need to be sure now.",
        )

    def _signal(
        self,
        key: str,
        *,
        bad: bool,
        audience: str,
        severity: str,
        hold: int,
        what: str,
        cure: str,
    ) -> Signal:
        chain = self.context.chain.key
        who = tuple(w.entry.id for w in self.context.own if w.active)
        return Signal(
            key=key,
            bad=bad,
            audience=audience,
            severity=severity,
            hold=hold,
            settle=GAP_HOLD,
            what=what,
            cure=cure,
            chain=chain,
            who=who,
            number=len(who),
        )
