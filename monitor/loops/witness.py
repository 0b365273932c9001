"""Asking sources what addresses hold: who is asked, at which block, and what they said.

A failure is a reason in words, never an exception: the next source is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from monitor.decide.asking import Allowed, among
from monitor.decide.balance import lists_of
from monitor.loops.pool import SourcePool
from monitor.model import Subject
from monitor.model.balance import COIN, BalanceWord, Figure, Holding
from monitor.model.errors import NotServed, NotYet, SourceError
from monitor.model.ports import SeesBalances, Source
from monitor.model.streams import shown_by

BALANCES = "balances"
PART = 400  # holdings that a source is asked for at once
SPAN = 1000  # blocks: who is read farther than others by less is held against the same block

# The newest block whose lists are read, of each holding; None: not known.
Heights = Mapping[Holding, int | None]


@dataclass
class Said:
    """What was said of holdings, and why of the others nothing."""

    figures: dict[Holding, Figure] = field(default_factory=dict)
    why: dict[Holding, str] = field(default_factory=dict)
    calls: int = 0

    def surely(self, holding: Holding) -> bool:
        """Whether there is a figure whose age is known."""
        return holding in self.figures and self.figures[holding].dated

    def leave(self, asked: Iterable[Holding], why: str) -> None:
        for holding in asked:
            self.why.setdefault(holding, why)

    def take(self, holding: Holding, figure: Figure) -> None:
        """Keep the first, or the first whose age is known."""
        if figure.dated or holding not in self.figures:
            self.figures[holding] = figure


def sees_balances(source: Source) -> SeesBalances | None:
    return cast(SeesBalances, source) if hasattr(source, "balances") else None


def on_demand(source: Source) -> frozenset[str]:
    """Its lists that are read only where a balance says that something is missing."""
    more: frozenset[str] = getattr(source, "more", frozenset())
    return more


def tells_shares(source: Source) -> bool:
    """Explorers say amounts alone."""
    return bool(getattr(source, "tells_shares", False))


@dataclass(frozen=True)
class Witness:
    """Of one chain. `may`: who alone may be asked about the addresses that it is asked for."""

    pool: SourcePool
    clock: Callable[[], int]
    may: Allowed | None = None

    @property
    def listing(self) -> tuple[Source, ...]:
        """All that may be asked, in order."""
        return among(self.pool.sources, self.may)

    def sources(self) -> list[Source]:
        """Those of them that say balances."""
        return [source for source in self.listing if sees_balances(source)]

    def gladly(self, address: str, tokens: Iterable[str]) -> bool:
        """Whether the first source that says balances says those of so many tokens in hardly more
        calls than that of the coin."""
        first = next((s for s in self.sources() if not self.pool.rests(s, BALANCES)), None)
        able = sees_balances(first) if first is not None else None
        if able is None:
            return False
        alone = [Holding(address)]
        more = [*alone, *(Holding(address, token) for token in tokens)]
        return able.balance_calls(more) <= able.balance_calls(alone) + 1

    def ask(self, asked: Heights, sources: Iterable[Source]) -> Said:
        """What the first source says that can; of holdings that it does not know, or only by
        figures that may be old, the next. A source that answers for blocks of the past is asked
        for one to which all is read, another one for now."""
        said = Said()
        for source in sources:
            left = {
                each: at
                for each, at in asked.items()
                if not said.surely(each) and (not each.shares or tells_shares(source))
            }
            able = sees_balances(source)
            if not left or able is None:
                continue
            for part, height in _parts(left, old=able.old_heights):
                self._part(source, part, height, said)
        for holding in said.figures:
            said.why.pop(holding, None)
        return said

    def _part(
        self, source: Source, asked: Sequence[Holding], height: int | None, said: Said
    ) -> None:
        word = self._ask(source, asked, height, said)
        if word is None:
            return
        for holding in asked:
            if holding in word.said:
                said.take(holding, self._figure(word, holding))
            elif holding not in said.figures:
                said.why[holding] = word.unsaid.get(holding, f"{source.name} left it out")

    def _ask(
        self, source: Source, asked: Sequence[Holding], height: int | None, said: Said
    ) -> BalanceWord | None:
        able, rests = sees_balances(source), self.pool.rests(source, BALANCES)
        if able is None or rests:
            said.leave(asked, f"{source.name}: {rests}")
            return None
        try:
            head = self.pool.head(source)
            if height is not None and height > head.height:
                raise NotYet(f"{source.name} does not have block {height:,} yet")
        except SourceError as error:
            said.leave(asked, str(error))
            if not isinstance(error, NotServed | NotYet):
                self.pool.failed(source, error, frozenset())
            return None
        began = time.monotonic()
        try:
            word = _word(able, asked, height)
            self.pool.confirm(source)
        except SourceError as error:
            said.leave(asked, str(error))
            self.pool.withheld(source, BALANCES, error, time.monotonic() - began)
            return None
        self.pool.told(source, BALANCES)
        said.calls += word.calls
        return word

    def _figure(self, word: BalanceWord, holding: Holding) -> Figure:
        low, high = word.own.get(holding, (word.low, word.high))
        one = low.height == high.height
        return Figure(
            Subject(self.pool.chain.key, holding.address),
            holding.contract,
            *(low.height, high.height, high.time, word.said[holding]),
            *(word.source, self.clock(), (high.block_hash or "") if one else ""),
            shares=holding.shares,
            dated=holding not in word.undated,
            low_time=None if one else low.time,
        )


def _word(able: SeesBalances, asked: Sequence[Holding], height: int | None) -> BalanceWord:
    """Of the block, or, by a node that dropped its state, of the newest one."""
    try:
        return able.balances(asked, height)
    except NotYet:
        if height is None:
            raise
        return able.balances(asked, None)


def _parts(asked: Heights, *, old: bool) -> Iterator[tuple[list[Holding], int | None]]:
    """What is asked together, with the block that it is asked for: all are read at least so far."""
    part: list[Holding] = []
    top: int | None = None
    low: int | None = None
    by_height = sorted(asked.items(), key=lambda item: -(item[1] or 0)) if old else asked.items()
    for holding, height in by_height:
        at = height if old else None
        apart = (at is None) != (top is None) or (at or 0) < (top or 0) - SPAN
        if part and (apart or len(part) >= PART):
            yield part, low
            part = []
        if not part:
            top = at
        low = at
        part.append(holding)
    if part:
        yield part, low


def shown_lists(pool: SourcePool) -> dict[str, tuple[str, str]]:
    """The lists of the coin of a chain that is read block by block which its blocks do not hold,
    where some source says balances: what is noted of each, and the first that is asked what moved;
    empty: nobody lists it for single addresses."""
    if not any(sees_balances(source) for source in pool.sources):
        return {}
    held = {stream for whole in pool.wholes for stream in pool.handed_out(whole)}
    found = {}
    for stream in lists_of(pool.chain, COIN) - held:
        names = [s.name for s in pool.sources if stream in {*pool.handed_out(s), *on_demand(s)}]
        found[stream] = (shown_by(names), names[0] if names else "")
    return found
