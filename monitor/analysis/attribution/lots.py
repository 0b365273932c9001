"""Lots in the order in which they came: what FIFO and LIFO need."""

from __future__ import annotations

from collections import deque

from monitor.analysis.attribution.numbers import Numbers
from monitor.analysis.attribution.shares import Shares
from monitor.model.flow import Number

# USD a unit when it left its source, as numerator and denominator; None: not known, or clean.
Price = tuple[int, int] | None
# Label (None: clean), price, amount, USD. Neighbours of one label and price are one lot.
Lot = tuple[str | None, Price, Number, Number | None]
# Of one label in all lots: amount, USD of what has a price, amount of what has none.
_Sum = tuple[Number, Number, Number]
_NOTHING: _Sum = (0, 0, 0)


class Lots:
    """Oldest first, and their sums by label. What takes from it or adds to it changes it."""

    __slots__ = ("_lots", "_sums")

    def __init__(self) -> None:
        self._lots: deque[Lot] = deque()
        self._sums: dict[str | None, _Sum] = {}

    def copy(self) -> Lots:
        twin = Lots()
        twin._lots = self._lots.copy()
        twin._sums = self._sums.copy()
        return twin

    @property
    def traced(self) -> bool:
        return len(self._sums) > (None in self._sums)

    def shares(self) -> Shares:
        """What is traced of all lots; a label with a lot without a price has none."""
        found = [(label, of) for label, of in self._sums.items() if label is not None]
        if len(found) > 1:
            found.sort()
        return tuple((label, of[0], None if of[2] else of[1]) for label, of in found)

    # --- adding ----------------------------------------------------------------------------

    def add(self, lot: Lot) -> None:
        """As the newest."""
        self._count(lot)
        self._join(lot)

    def add_clean(self, amount: Number) -> None:
        self.add((None, None, amount, None))

    def extend(self, newer: Lots) -> None:
        """All of `newer` after what is here. `newer` is used up."""
        if len(newer._lots) <= len(self._lots):
            for lot in newer._lots:
                self._join(lot)
        else:  # the longer one stays, so that long lists are not copied from hop to hop
            older, self._lots = self._lots, newer._lots
            while older:
                self._join_front(older.pop())
        for label, of in newer._sums.items():
            had = self._sums.get(label, _NOTHING)
            self._sums[label] = (had[0] + of[0], had[1] + of[1], had[2] + of[2])

    def _join(self, lot: Lot) -> None:
        lots = self._lots
        if lots and lots[-1][0] == lot[0] and lots[-1][1] == lot[1]:
            lots[-1] = _joined(lots[-1], lot)
        else:
            lots.append(lot)

    def _join_front(self, lot: Lot) -> None:
        lots = self._lots
        if lots and lots[0][0] == lot[0] and lots[0][1] == lot[1]:
            lots[0] = _joined(lot, lots[0])
        else:
            lots.appendleft(lot)

    def _count(self, lot: Lot) -> None:
        label, _, amount, usd = lot
        had = self._sums.get(label, _NOTHING)
        priced, blind = (had[1], had[2] + amount) if usd is None else (had[1] + usd, had[2])
        self._sums[label] = (had[0] + amount, priced, blind)

    # --- taking: the slice keeps its inner order --------------------------------------------

    def take_oldest(self, amount: Number, held: Number, numbers: Numbers) -> Lots:
        """`amount` of the `held` units of all lots."""
        if 2 * amount <= held:
            return self._cut(amount, numbers, oldest=True)
        return self._swap(self._cut(held - amount, numbers, oldest=False))

    def take_newest(self, amount: Number, held: Number, numbers: Numbers) -> Lots:
        """`amount` of the `held` units of all lots."""
        if 2 * amount <= held:
            return self._cut(amount, numbers, oldest=False)
        return self._swap(self._cut(held - amount, numbers, oldest=True))

    def _swap(self, kept: Lots) -> Lots:
        """Only `kept` stays here; the rest is handed out. So the smaller part is what is moved."""
        gone = Lots()
        gone._lots, gone._sums = self._lots, self._sums
        self._lots, self._sums = kept._lots, kept._sums
        return gone

    def _cut(self, amount: Number, numbers: Numbers, *, oldest: bool) -> Lots:
        gone, lots = Lots(), self._lots
        while amount > 0:
            lot = lots[0] if oldest else lots[-1]
            if lot[2] <= amount:
                piece = lots.popleft() if oldest else lots.pop()
            else:
                piece, lots[0 if oldest else -1] = _split(lot, amount, numbers)
            amount -= piece[2]
            gone._count(piece)
            if oldest:
                gone._lots.append(piece)
            else:
                gone._lots.appendleft(piece)
        for label, of in gone._sums.items():
            self._discount(label, of)
        return gone

    def _discount(self, label: str | None, of: _Sum) -> None:
        had = self._sums[label]
        if had[0] == of[0]:
            del self._sums[label]
        else:
            self._sums[label] = (had[0] - of[0], had[1] - of[1], had[2] - of[2])

    # --- all of it ---------------------------------------------------------------------------

    def reverse(self) -> None:
        self._lots.reverse()

    def converted(self, got: Number, numbers: Numbers) -> Lots:
        """The same in another asset, of which it came to `got`: same order, same USD."""
        amounts = numbers.spread(got, [lot[2] for lot in self._lots])
        changed = Lots()
        for (label, price, _, usd), amount in zip(self._lots, amounts, strict=True):
            if amount:
                changed.add((label, price, amount, usd))
        return changed


def _joined(older: Lot, newer: Lot) -> Lot:
    usd = None if older[3] is None or newer[3] is None else older[3] + newer[3]
    return older[0], older[1], older[2] + newer[2], usd


def _split(lot: Lot, amount: Number, numbers: Numbers) -> tuple[Lot, Lot]:
    """(a piece of `amount`, the rest)."""
    label, price, held, usd = lot
    if usd is None:
        return (label, price, amount, None), (label, price, held - amount, None)
    part = numbers.part(usd, amount, held)
    return (label, price, amount, part), (label, price, held - amount, usd - part)
