"""What coverage, gaps, readings and plans belong to: one address, or a chain as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from monitor.model.axis import Axis
from monitor.model.watch import Subject

WHOLE = "*"  # in the place of an address
EVERY = "*"  # in the place of a list: all that a chain's blocks hold


@dataclass(frozen=True, slots=True, order=True)
class ChainWide:
    """A chain as a whole, which addresses join at a place and may leave."""

    chain: str

    @property
    def address(self) -> str:
        return WHOLE

    @property
    def key(self) -> str:
        return f"{self.chain}/{WHOLE}"


Scope = Subject | ChainWide


def scope_of(chain: str, address: str) -> Scope:
    return ChainWide(chain) if address == WHOLE else Subject(chain, address)


@dataclass(frozen=True, slots=True)
class Joined:
    """Places of a chain-wide list at which it was read for an address too: its coverage is the
    scope's, cut with these. `until_place` None: it still is."""

    subject: Subject
    stream: str
    axis: Axis
    from_place: int
    until_place: int | None = None
    # Unix seconds of the block below, or later: where a list that names no blocks is read by the
    # address itself up to the place at which it joined.
    below_time: int | None = None


class Members(Set[str]):
    """The addresses that whole blocks are read for: a set, of a million perhaps. It is made once
    and kept; nobody copies it."""

    __slots__ = ("_joined", "has", "lowest")

    def __init__(self, joined: Mapping[str, int]) -> None:
        """`joined`: from which block on they are read for each address."""
        self._joined = joined
        # The same as `in`, without a call of Python's for each: for what looks at whole blocks.
        self.has: Callable[[object], bool] = joined.__contains__
        self.lowest = min(joined.values(), default=0)

    def __contains__(self, address: object) -> bool:
        return address in self._joined

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._joined)

    __hash__ = object.__hash__  # it is as it is, and compares by what it holds only when asked

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> frozenset[str]:  # type: ignore[override]
        """What set operations make of it: a plain set, as small as the other side."""
        return frozenset(it)

    def joined(self, address: str) -> int | None:
        """The block from which on it is read for an address; None: it is not."""
        return self._joined.get(address)
