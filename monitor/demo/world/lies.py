"""How a service lies about whole blocks: the lies that a header shows, or the next block."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from monitor.demo.world.ledger import Ledger
from monitor.demo.world.moves import Tx, UtxoTx

T = TypeVar("T", Tx, UtxoTx)
Item = TypeVar("Item")
# What a block is told in. Headers alone cannot be left out.
PARTS = ("transactions", "logs", "receipts", "traces")


@dataclass(slots=True)
class BlockLies:
    """Plain attributes that a test sets while the service runs."""

    empty: set[str] = field(default_factory=set)  # of PARTS: answers that quietly hold nothing
    cut: set[str] = field(default_factory=set)  # answers that leave out their last item
    branch: Ledger[Any] | None = None  # whose blocks are told instead
    mixed: bool = False  # those of the branch only in half of the answers
    widest: int | None = None  # blocks of one question for logs; no lie, an error says so
    every: int = 1  # one answer in so many is a lie, by chance, the others are honest
    chance: random.Random = field(default_factory=partial(random.Random, 1))

    def part(self, name: str, items: Sequence[Item]) -> Sequence[Item]:
        """What is told of one part of a block, or of a range of blocks."""
        if name not in self.empty | self.cut:
            return items
        if self.chance.randrange(self.every):
            return items
        return () if name in self.empty else items[:-1]

    def ledger(self, true: Ledger[T]) -> Ledger[T]:
        """Whose blocks are told now."""
        if self.branch is None:
            return true
        return true if self.mixed and self.chance.randrange(2) else self.branch
