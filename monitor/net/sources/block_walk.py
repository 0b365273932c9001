"""Where a reading of whole blocks begins: which of the known blocks still stand, and above which
one the chain was reorganised. For sources that give one block a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from monitor.model import Ask
from monitor.model.errors import NotYet


class Linked(Protocol):
    """A block as far as a walk needs it."""

    @property
    def height(self) -> int: ...
    @property
    def hash(self) -> str: ...
    @property
    def parent(self) -> str: ...


B = TypeVar("B", bound=Linked)


@dataclass(slots=True)
class Walk(Generic[B]):
    """The way up through whole blocks. `block_at` asks the source for one; None: it has none there
    yet. All of `standing` and what `upwards` gives are links of one chain."""

    name: str
    ask: Ask
    block_at: Callable[[int], B | None]
    standing: Mapping[int, str] = field(init=False)  # hashes of known blocks that stand, by height
    first: int = field(init=False)  # the lowest block to fetch
    top: int = field(init=False)  # the highest one to read
    _held: dict[int, B] = field(init=False, default_factory=dict)  # fetched on the way down

    def __post_init__(self) -> None:
        """Raises NotYet where the source does not have the known blocks, nor others in their
        place, and where blocks change while they are read."""
        self.top = min(self.ask.span.hi, self.ask.head.height)
        last = self._last_standing()
        self.standing = {h: name for h, name in self.ask.known.items() if h <= last}
        self.first = last + 1

    def upwards(self) -> Iterator[B]:
        """Block after block from `first` to `top`, each a child of the one before. Raises NotYet
        for one that is not there, and where they change meanwhile."""
        below = self.standing.get(self.first - 1)
        for height in range(self.first, self.top + 1):
            block = self._held.pop(height, None) or self._block(height)
            if below is not None and block.parent != below:
                raise NotYet(f"{self.name}: block {height} does not follow the one before it")
            below = block.hash
            yield block

    def _last_standing(self) -> int:
        """The highest known block that is still in the chain; below all of them: none is."""
        known, lowest = self.ask.known, self.ask.span.lo
        if not known or self.top < lowest:
            return lowest - 1
        newest = max(known)
        if self.top > newest:
            block = self._held[newest + 1] = self._block(newest + 1)
            if block.parent == known[newest]:
                return newest
            return self._fork(newest)
        head = self.ask.head
        if head.height == self.top and head.block_hash == known.get(self.top):
            return self.top
        last = self._fork(self.top)
        if last < self.top < newest:
            raise NotYet(f"{self.name} is behind, on another branch than was read before")
        return last

    def _fork(self, height: int) -> int:
        """Go down from here until a known block stands; what is fetched is kept for the way up."""
        known, lowest = self.ask.known, self.ask.span.lo
        above = self._held.get(height + 1)
        while height >= lowest:
            block = self._held[height] = self._block(height)
            if above is not None and above.parent != block.hash:
                raise NotYet(f"{self.name}: blocks changed while they were read")
            if block.hash == known[height]:
                return height
            if block.parent == known.get(height - 1):
                return height - 1
            above, height = block, height - 1
        return lowest - 1

    def _block(self, height: int) -> B:
        block = self.block_at(height)
        if block is None:
            raise NotYet(f"{self.name} does not have block {height} yet")
        return block
