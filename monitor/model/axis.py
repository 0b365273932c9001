"""Places on a chain: the head, and the axes that lists are read along."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.answers import Heard
from monitor.model.config import Chain
from monitor.model.plain import rfc3339
from monitor.model.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block that a source knows, and how far it calls the chain final."""

    height: int
    time: int  # block time, Unix seconds
    block_hash: str | None = None
    final_height: int | None = None  # by the source's own word, where it has one
    final_time: int | None = None  # Tron: time of the solidified head
    # The answers that it was read from.
    heard: tuple[Heard, ...] = field(default=(), compare=False, repr=False)


class Axis(StrEnum):
    """What a list's places count. The names are those of the record and of our own JSON."""

    HEIGHT = "height"  # blocks
    SLOT = "slot"  # turns to make a block, some of which pass without one
    TIME = "time"  # Unix milliseconds, for lists that name no blocks

    @property
    def by_block(self) -> bool:
        """Whether a place names a block, which has a hash. Of a time nobody has a proof."""
        return self is not Axis.TIME

    @property
    def grain(self) -> int:
        """How many places a block may lie at: of the milliseconds its time tells the second."""
        return 1 if self.by_block else 1000

    def at(self, height: int, time: int) -> int:
        """The place of a block."""
        return height if self.by_block else time * 1000

    def top(self, head: Head) -> int:
        return self.at(head.height, head.time)

    def place(self, transfer: Transfer) -> int | None:
        """Where a transfer lies; None while unconfirmed or unreported."""
        told = transfer.block_height if self.by_block else transfer.time
        return None if told is None else told * self.grain

    def reach(self, blocks: float, chain: Chain) -> int:
        """How many places so many blocks take, by the pace that the chain is said to have."""
        return int(blocks if self.by_block else blocks * chain.block_time * 1000)

    def final_line(self, head: Head, chain: Chain, lag: int = 0) -> int:
        """The highest place that counts as final under this head (and, with `lag`, as proven).

        The source's own word on finality can only lower it: whoever says that all is final is
        not believed.
        """
        depth = max(chain.finality, lag)
        if self.by_block:
            line = head.height - depth
            return line if head.final_height is None else min(line, head.final_height)
        seconds = head.time - depth * chain.block_time
        if head.final_time is not None:
            seconds = min(seconds, head.final_time)
        return int(seconds * 1000)

    def within(self, seconds: int, chain: Chain) -> int:
        """How many places come in a time at most."""
        return blocks_for(seconds, chain) if self.by_block else seconds * 1000

    def place_of_date(self, when: int, head: Head, chain: Chain) -> int:
        """A place that is certainly not after the Unix time `when`, nor above the head: nothing
        from there on may be left out."""
        return max(0, self.top(head) - self.within(max(0, head.time - when), chain))

    def place_of_height(self, height: int, head: Head, chain: Chain) -> int:
        """A place that is certainly not above the block `height`."""
        height = min(height, head.height)
        if self.by_block:
            return height
        return max(0, int((head.time - (head.height - height) * chain.block_time * 2) * 1000))

    def words(self, place: int) -> str:
        """A place for people."""
        if self.by_block:
            return f"{'block' if self is Axis.HEIGHT else self.value} {place}"
        return str(rfc3339(place // 1000))


def blocks_for(seconds: float, chain: Chain) -> int:
    """How many blocks fit into a time at most: counts blocks twice as fast as they are
    said to come, so that a window in time is never cut short."""
    return int(seconds / (chain.block_time / 2)) + 1
