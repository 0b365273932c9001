"""The two ways to reckon: exact fractions, and whole base units. Both lose nothing: what is shared
out adds up to what there was.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from monitor.model.flow import Number


class Numbers(Protocol):
    """How an amount is shared out."""

    def spread(self, total: Number, weights: Sequence[Number]) -> list[Number]:
        """`total` shared out by `weights`, which are not negative and sum to more than zero; the
        shares sum to `total`, and none is above its weight where `total` is not above their sum."""

    def part(self, whole: Number, amount: Number, of: Number) -> Number:
        """What of `whole` goes with `amount` of `of`; never more than `whole`."""


class _Exact:
    """Rational numbers, for worked cases and for explaining a path. Where many movements mix the
    same money they grow to thousands of digits: for whole cases there is WHOLE.
    """

    def spread(self, total: Number, weights: Sequence[Number]) -> list[Number]:
        rate = Fraction(total) / Fraction(sum(weights))
        return [rate * weight for weight in weights]

    def part(self, whole: Number, amount: Number, of: Number) -> Number:
        return Fraction(whole) * Fraction(amount) / Fraction(of)


class _Whole:
    """Integers, for whole cases: numbers do not grow, however long a path is.

    Shares are rounded down. What is left over goes to the largest, one unit each and the largest
    first, so that no share is further than one unit from the exact one.
    """

    def spread(self, total: Number, weights: Sequence[Number]) -> list[Number]:
        of = sum(weights)
        shares: list[Number] = [total * weight // of for weight in weights]
        over = int(total - sum(shares))
        if over:
            largest = sorted(range(len(weights)), key=lambda at: -weights[at])
            for at in largest[:over]:
                shares[at] += 1
        return shares

    def part(self, whole: Number, amount: Number, of: Number) -> Number:
        return whole * amount // of


EXACT: Numbers = _Exact()
WHOLE: Numbers = _Whole()
