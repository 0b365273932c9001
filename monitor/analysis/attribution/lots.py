"""Lots in the order in which they came: what FIFO and LIFO need."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from monitor.analysis.attribution.numbers import Numbers
from monitor.analysis.attribution.shares import Share, Shares, less, merged, share
from monitor.model.flow import Number

# USD a unit, as numerator and denominator; None: not known, or clean.
Price = tuple[int, int] | None
# Label (None: clean), price, amount, USD. Neighbours of one label and price are one lot.
Lot = tuple[str | None, Price, Number, Number | None]


class Lots:
    """Oldest first. `shares`: what of them is traced, together. What takes from it or adds to it
    changes it, and costs about as many steps as lots are moved."""

    __slots__ = ("_lots", "shares")

    def __init__(self, lots: Sequence[Lot] = (), shares: Shares | None = None) -> None:
        self._lots: list[Lot] = list(lots)
        self.shares = _shares_of(self._lots) if shares is None else shares

    def copy(self) -> Lots:
        return Lots(self._lots, self.shares)

    def frozen(self) -> tuple[Lot, ...]:
        return tuple(self._lots)

    def extend(self, newer: Lots) -> None:
        """All of `newer` after what is here. `newer` is used up."""
        older, lots = self._lots, newer._lots
        if older and lots and older[-1][0] == lots[0][0] and older[-1][1] == lots[0][1]:
            lots[0] = _joined(older.pop(), lots[0])
        if len(lots) <= len(older):
            older += lots
        else:  # the longer list stays, so that it is not copied from hop to hop
            lots[:0] = older
            self._lots = lots
        self.shares = merged(self.shares, newer.shares)

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
        gone = Lots((), self.shares)
        gone._lots = self._lots
        self._lots, self.shares = kept._lots, kept.shares
        return gone

    def _cut(self, amount: Number, numbers: Numbers, *, oldest: bool) -> Lots:
        lots, count = self._lots, 0
        for lot in lots if oldest else reversed(lots):
            if lot[2] > amount:
                break
            amount -= lot[2]
            count += 1
        if oldest:
            piece = lots[:count]
            del lots[:count]
            if amount:
                part, lots[0] = _split(lots[0], amount, numbers)
                piece.append(part)
        else:
            at = len(lots) - count
            piece = lots[at:]
            del lots[at:]
            if amount:
                part, lots[-1] = _split(lots[-1], amount, numbers)
                piece.insert(0, part)
        gone = Lots()
        gone._lots, gone.shares = piece, _shares_of(piece)
        self.shares = less(self.shares, gone.shares)
        return gone

    # --- all of it ---------------------------------------------------------------------------

    def reverse(self) -> None:
        self._lots.reverse()

    def converted(self, got: Number, numbers: Numbers) -> Lots:
        """The same in another asset, of which it came to `got`: same order, same USD. First every
        label gets its share, then of it each of its lots."""
        places: dict[str | None, list[int]] = {}
        for at, lot in enumerate(self._lots):
            places.setdefault(lot[0], []).append(at)
        weights = [[self._lots[at][2] for at in mine] for mine in places.values()]
        parts = numbers.spread(got, [sum(each) for each in weights])
        amounts: dict[int, Number] = {}
        for mine, each, part in zip(places.values(), weights, parts, strict=True):
            amounts |= zip(mine, numbers.spread(part, each), strict=True)
        changed = Lots()
        for at, (label, _, _, usd) in enumerate(self._lots):
            if amounts[at]:
                changed.extend(one_lot(label, amounts[at], usd))
        return changed


def one_lot(label: str | None, amount: Number, usd: Number | None) -> Lots:
    """One, of a price of its own. `usd` of what is clean: None."""
    price = None if usd is None else (Fraction(usd) / Fraction(amount)).as_integer_ratio()
    return Lots([(label, price, amount, usd)])


def _shares_of(lots: Sequence[Lot]) -> Shares:
    if len(lots) == 1:
        label, _, amount, usd = lots[0]
        return () if label is None else (share(label, amount, usd),)
    sums: dict[str, Share] = {}
    for label, _, amount, usd in lots:
        if label is None:
            continue
        had = sums.get(label)
        if had is None:
            sums[label] = share(label, amount, usd)
        elif usd is None:
            sums[label] = (label, had[1] + amount, had[2], had[3] + amount)
        else:
            sums[label] = (label, had[1] + amount, had[2] + usd, had[3])
    return tuple(sums.values() if len(sums) == 1 else [sums[label] for label in sorted(sums)])


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
