"""What coverage, gaps, readings and plans belong to: one address, or a chain as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.axis import Axis
from monitor.model.watch import Subject

WHOLE = "*"  # in the place of an address


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
