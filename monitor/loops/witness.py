"""Asking sources what addresses hold: who is asked, at which block, and what they said.

A failure is a reason in words, never an exception: the next source is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from monitor.loops.pool import SourcePool, hearing
from monitor.model import Subject
from monitor.model.balance import BalanceWord, Figure, Holding
from monitor.model.errors import NotServed, NotYet, SourceError
from monitor.model.ports import SeesBalances, Source


@dataclass
class Said:
    """What was said of holdings, and why of the others nothing."""

    figures: dict[Holding, Figure] = field(default_factory=dict)
    why: dict[Holding, str] = field(default_factory=dict)
    calls: int = 0


def sees_balances(source: Source) -> SeesBalances | None:
    return cast(SeesBalances, source) if hasattr(source, "balances") else None


def tells_shares(source: Source) -> bool:
    """Explorers say amounts alone."""
    return bool(getattr(source, "tells_shares", False))


@dataclass(frozen=True)
class Witness:
    """Of one chain."""

    pool: SourcePool
    clock: Callable[[], int]

    def sources(self, among: Sequence[Source] | None = None) -> list[Source]:
        """Those that say balances, in order."""
        return [s for s in (self.pool.sources if among is None else among) if sees_balances(s)]

    def ask(self, asked: Sequence[Holding], height: int | None, sources: Iterable[Source]) -> Said:
        """What the first source says that can; of holdings that it does not know, the next.
        `height`: the newest block whose lists are read; a source that answers for it is asked
        for that block, another one for now."""
        said = Said()
        left = list(dict.fromkeys(asked))
        for source in sources:
            if not left:
                break
            mine = [each for each in left if not each.shares or tells_shares(source)]
            word = self._ask(source, mine, height, said) if mine else None
            if word is None:
                continue
            for holding in mine:
                if holding in word.said:
                    said.figures[holding] = self._figure(word, holding)
                    said.why.pop(holding, None)
                else:
                    said.why[holding] = word.unsaid.get(holding, f"{source.name} left it out")
            left = [holding for holding in left if holding not in said.figures]
        return said

    def _ask(
        self, source: Source, asked: Sequence[Holding], height: int | None, said: Said
    ) -> BalanceWord | None:
        able = sees_balances(source)
        if able is None or not self.pool.usable(source, everything=False):
            return None
        at = height if able.old_heights else None
        try:
            head = self.pool.head(source)
            if at is not None and at > head.height:
                raise NotYet(f"{source.name} does not have block {at} yet")
            with hearing(source):
                word = able.balances(asked, at)
            self.pool.confirm(source)
        except SourceError as error:
            for holding in asked:
                said.why.setdefault(holding, str(error))
            if not isinstance(error, NotServed | NotYet):
                self.pool.failed(source, error, frozenset())
            return None
        said.calls += word.calls
        return word

    def _figure(self, word: BalanceWord, holding: Holding) -> Figure:
        one = word.low.height == word.high.height
        return Figure(
            Subject(self.pool.chain.key, holding.address),
            holding.contract,
            *(word.low.height, word.high.height, word.high.time, word.said[holding]),
            *(word.source, self.clock(), (word.high.block_hash or "") if one else ""),
            shares=holding.shares,
        )
