"""In which blocks a difference between chain and record arose, by halving. Pure.

At each block that somebody was asked about, so much of the chain's figure is not recorded: what is
left. It is one amount at the first block and another one at the last. What changed and changed
back in between, with no question asked meanwhile, leaves no trace in it: the blocks found are
those that explain what remains of the difference, and others may have had part in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.model.balance import Between


@dataclass
class Narrowing:
    """Of one asset of one address. `left`: what is left at a block, where it is known; it holds at
    least two blocks, with different amounts at the first and the last."""

    left: dict[int, int]
    floor: int = field(default=-1)  # of this block and those before it nobody says anything

    def note(self, height: int, left: int) -> None:
        self.left[height] = left

    def lost(self, height: int) -> None:
        """Nobody says what was at this block, nor at older ones."""
        self.floor = max(self.floor, height)

    @property
    def blocks(self) -> Between:
        """The difference is not there at the first of these, and all of it is at the last."""
        return Between(self._first().lo, self._last().hi)

    def next(self) -> int | None:
        """The block to ask about next; None: more is not to be known."""
        return next((m for m in map(self._middle, (self._first(), self._last())) if m), None)

    @property
    def width(self) -> int:
        return self.blocks.hi - self.blocks.lo

    def wants(self, height: int) -> bool:
        """Whether an answer about this block could tell something."""
        blocks = self.blocks
        inside = max(blocks.lo, self.floor) < height < blocks.hi
        return inside and height not in self.left and self.next() is not None

    def _first(self) -> Between:
        """Between these it left what it was at first."""
        known = sorted(self.left)
        return _change(known, [self.left[each] for each in known])

    def _last(self) -> Between:
        """Between these it became what it is at last."""
        known = sorted(self.left, reverse=True)
        found = _change(known, [self.left[each] for each in known])
        return Between(found.hi, found.lo)

    def _middle(self, between: Between) -> int | None:
        lo = max(between.lo, self.floor)
        return (lo + between.hi) // 2 if between.hi - lo > 1 else None


def _change(places: Iterable[int], left: list[int]) -> Between:
    """The last place with the first amount, in this order, and the one after it."""
    known = list(places)
    after = next(n for n, each in enumerate(left) if each != left[0])
    return Between(known[after - 1], known[after])
