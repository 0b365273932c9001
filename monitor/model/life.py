"""Whether addresses ever lived on a chain, as a node says it of one block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.axis import Head


@dataclass(frozen=True, slots=True)
class LifeWord:
    """What one node said of many addresses, all at one block.

    An address stands in `none` (nothing was ever sent from it, it is no contract, it holds no
    coins and none of the tokens that were asked for), in `signs` (what was seen of it, in words),
    or in `unsaid` (why the answer does not say). `calls`: requests made.
    """

    source: str
    head: Head  # the block: all of the word holds there
    none: frozenset[str]
    signs: Mapping[str, str]
    unsaid: Mapping[str, str]
    calls: int = 0
