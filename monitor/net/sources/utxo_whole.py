"""Whole blocks of chains of Bitcoin's kind: what is the same whoever tells them.

They are read upwards from the newest block that was read before, as long as that still stands;
each is a child of the one below it. See ports.WholeBlocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from monitor.model import Ask, Batch, Gap, Interval, Transfer
from monitor.model.errors import NotYet, SourceError
from monitor.net.heard import heard_of
from monitor.net.http import Answer
from monitor.net.sources.paging import Recorder, Walk, batch_of
from monitor.net.sources.parsing import Parsed

STREAMS = frozenset({"utxo"})
AT_ONCE = 24  # blocks of one fetch; a day of Bitcoin's in six
# Bytes of a block as nodes keep it, about: for what reading by blocks is said to cost.
_USUAL = {"BTC": 1_600_000, "BCH": 200_000, "LTC": 80_000, "DOGE": 30_000, "ZEC": 50_000}
_ANY_USUAL = 50_000


def usual_bytes(symbol: str) -> int:
    """Of a block of the chain with this coin."""
    return _USUAL.get(symbol, _ANY_USUAL)


class Watched:
    """Whose movements are wanted, and which of their outputs there are to be spent."""

    def __init__(self, ask: Ask) -> None:
        self._members: Collection[str] = ask.members if ask.members is not None else ()
        self._unspent = ask.unspent
        self._paid: dict[str, str] = {}  # by blocks of this reading

    def pays(self, txid: str, addresses: Iterable[str | None]) -> dict[str, str]:
        """The members' outputs of a transaction, whose addresses are told in order."""
        members = self._members
        found = {
            f"{txid}:{n}": a for n, a in enumerate(addresses) if a is not None and a in members
        }
        self.own(found)
        return found

    def own(self, outputs: Mapping[str, str]) -> None:
        """Members' outputs that may be spent from here on."""
        self._paid.update(outputs)

    def owner(self, output: str) -> str | None:
        """The member whose output "txid:n" is, as far as that is known."""
        return self._paid.get(output) or self._unspent.get(output)

    def has(self, address: str | None) -> bool:
        return address is not None and address in self._members


@dataclass(frozen=True, slots=True)
class Told:
    """What a source tells of one block: its parent's hash, and what touches a member."""

    parent: str
    transfers: Sequence[Transfer] = ()
    gaps: Sequence[Gap] = ()


class Tells(Protocol):
    """Who tells blocks. Every call may raise SourceError."""

    def hashes(self, heights: Sequence[int]) -> Sequence[str | None]:
        """Of the blocks at these heights; None above its head."""

    def block(self, height: int, block_hash: str, watched: Watched) -> Told:
        """Raises NotYet where there is no such block any more."""


class WholeRecorder(Recorder):
    """Also of answers that hold a whole block, of which no more is kept than what matched."""

    def whole(self, call: Callable[[], Answer]) -> Answer:
        self.calls += 1
        answer = call()
        told = heard_of(self._http, replace(answer, body=b""))
        self._heard.append(replace(told, block=False, extract=True))
        return answer

    def matched(self, body: bytes) -> None:
        """What of the last one is kept."""
        self._heard[-1] = replace(self._heard[-1], data=body)


@dataclass(slots=True)
class Climb:
    """Block by block up to the end of the ask, or until enough was read."""

    name: str  # of the source
    ask: Ask
    tells: Tells
    hashes: dict[int, str] = field(default_factory=dict)  # of what counts as read
    fresh_from: int = 0  # the first of them that was fetched
    transfers: list[Transfer] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _names: dict[int, str | None] = field(default_factory=dict)  # as the source says them now

    def run(self, watched: Watched) -> None:
        """Raises SourceError where not even the first block could be read."""
        lo, hi = self.ask.span.lo, self.top
        self.hashes = {h: told for h, told in self.ask.known.items() if lo <= h <= hi}
        self.fresh_from = max(self.hashes, default=lo - 1) + 1
        if self.fresh_from > hi and (lo > hi or self._name(hi) == self.hashes[hi]):
            return
        if self.fresh_from > hi or not self._add(self.fresh_from, watched):
            self._part()
            if not self._add(self.fresh_from, watched):
                raise NotYet(f"{self.name} changed its blocks while they were read")
        self._go_on(range(self.fresh_from + 1, min(hi, self.fresh_from + AT_ONCE - 1) + 1), watched)

    @property
    def top(self) -> int:
        return min(self.ask.span.hi, self.ask.head.height)

    def covered(self) -> tuple[Interval | None, Interval | None]:
        """(read, rest)"""
        lo, end = self.ask.span.lo, max(self.hashes, default=-1)
        rest = Interval(end + 1, self.top) if lo <= end < self.top else None
        return (Interval(lo, end) if end >= lo else None), rest

    def _go_on(self, heights: range, watched: Watched) -> None:
        self._look_up([h for h in heights if h not in self._names])
        for height in heights:
            if len(self.transfers) >= self.ask.max_rows:
                return
            try:
                if not self._add(height, watched):
                    return  # it changed meanwhile: what was read is looked at again the next time
            except SourceError:
                return  # what was read stands by itself; the rest fails again when it is asked for

    def _add(self, height: int, watched: Watched) -> bool:
        """Read a block; False where it is no child of the one below."""
        name = self._name(height)
        if name is None:
            raise NotYet(f"{self.name} does not have block {height} yet")
        told = self.tells.block(height, name, watched)
        if self.hashes.get(height - 1, told.parent) != told.parent:
            return False
        self.hashes[height] = name
        self.transfers += told.transfers
        self.gaps += told.gaps
        return True

    def _part(self) -> None:
        """Forget the blocks that are not in the chain any more."""
        if self.ask.head.height < max(self.ask.known):
            raise NotYet(f"{self.name} has a lower head on another branch")
        heights = sorted(self.hashes)
        stand = bisect_left(heights, True, key=lambda h: self._name(h) != self.hashes[h])
        for height in heights[stand:]:
            del self.hashes[height]
        self.fresh_from = self.ask.span.lo + stand

    def _name(self, height: int) -> str | None:
        self._look_up([] if height in self._names else [height])
        return self._names[height]

    def _look_up(self, heights: Sequence[int]) -> None:
        head = self.ask.head
        if heights and heights[-1] == head.height and head.block_hash:
            self._names[head.height] = head.block_hash
            heights = heights[:-1]
        if heights:
            self._names.update(zip(heights, self.tells.hashes(heights), strict=True))


def batch(climb: Climb, recorder: Recorder, pending: Parsed, *, mempool_read: bool) -> Batch:
    """What was read, and what waits to be in a block."""
    ask = climb.ask
    read, rest = climb.covered()
    parsed = Parsed(tuple(climb.transfers), tuple(climb.gaps))
    found = batch_of(
        *(climb.name, ask, Walk((), read, rest), parsed, recorder),
        pending=pending,
        mempool_read=mempool_read,
    )
    return replace(found, members=ask.members, blocks=climb.hashes, fresh_from=climb.fresh_from)
