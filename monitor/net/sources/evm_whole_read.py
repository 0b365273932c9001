"""Reading a run of blocks from a node, every part held against the blocks' headers.

An answer that is empty proves nothing by itself: nodes hand out nothing where they have not
processed a block yet, and where they cut an answer. The header says which transactions a block
has, how many traces and receipts there must be, and by its logsBloom whether there may be logs.
What does not fit is asked once more in another way; what stays so is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from monitor.model import Chain
from monitor.model.errors import BadResponse, NotYet, Refused, SourceError
from monitor.net.sources import evm_whole_traces as ways
from monitor.net.sources.evm_batch import Call
from monitor.net.sources.evm_refusals import NoState, no_such_call
from monitor.net.sources.evm_tx_root import Roots
from monitor.net.sources.evm_whole_asked import Asked
from monitor.net.sources.evm_whole_block import Block, readable
from monitor.net.sources.evm_whole_logs import Changed, LogsOfBlocks
from monitor.net.sources.evm_whole_receipts import Receipts
from monitor.net.sources.parsing import RowError, column

# The roots of no transactions; where the second stands the chain says nothing by them.
NO_TRANSACTIONS = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
NO_ROOT = "0x" + "0" * 64
PATIENCE = 3  # readings in which a block contradicts itself, after which that is told of it
_KEPT = 256  # blocks of which it is known how often they did


@dataclass(slots=True)
class Odd:
    """Blocks whose parts do not fit together. That is an error at first, so that others are asked;
    what nobody mends is told of the block, for a chain must not stop there."""

    name: str
    _seen: dict[str, int] = field(default_factory=dict)
    _error: BadResponse | None = None

    def begin(self) -> None:
        """Of a run that ended in another error nothing is left."""
        self._error = None

    def note(self, block: Block, reason: str) -> None:
        if not block.doubts:
            times = self._seen.pop(block.name, 0) + 1
            self._seen[block.name] = times
            if times < PATIENCE:
                self._error = BadResponse(f"{self.name}, block {block.height}: {reason}")
        block.doubts.append(reason)
        while len(self._seen) > _KEPT:
            del self._seen[next(iter(self._seen))]

    def settle(self) -> None:
        """Raises BadResponse where it is not known yet of one of them that it stays so."""
        error, self._error = self._error, None
        if error is not None:
            raise error


class BlockReader:
    """Of one node. Keeps what it learned of it, and no block."""

    def __init__(
        self, name: str, chain: Chain, traces: ways.Traces, clock: Callable[[], float]
    ) -> None:
        self._name, self._traces = name, traces
        self._odd = Odd(name)
        self.roots = Roots()
        self.receipts = Receipts(name, clock)
        self.logs = LogsOfBlocks(name, chain, self.receipts, self._odd.note, clock)

    def read(self, asked: Asked, lo: int, hi: int) -> list[Block]:
        """The blocks from `lo` on, each the child of the one before, as far as the node has them:
        at least the first. Raises SourceError, NotYet where they change meanwhile."""
        try:
            return self._read(asked, lo, hi)
        except Changed:
            pass
        try:
            return self._read(asked, lo, hi)
        except Changed as error:
            raise NotYet(f"{self._name}: {error}") from None

    def _read(self, asked: Asked, lo: int, hi: int) -> list[Block]:
        self._odd.begin()
        heights = range(lo, hi + 1)
        n, flat = len(heights), self._traces.how == ways.TRACE_BLOCK
        calls = [block_call(height) for height in heights]
        calls += [ways.trace_call(height) for height in heights] if flat else []
        in_range = self.logs.range_calls(lo, hi)
        told, _ = asked.ask([*calls, *in_range])
        blocks = self._headers(asked, heights, told[:n])
        if flat:
            self._flat(asked, blocks, told[n : n + len(blocks)])
        elif self._traces.how == ways.DEBUG:
            self._framed(asked, blocks)
        self.logs.give(asked, blocks, told[len(calls) :])
        self._odd.settle()
        return blocks

    # -- headers with their transactions ------------------------------------------------------

    def _headers(self, asked: Asked, heights: Sequence[int], told: Sequence[object]) -> list[Block]:
        blocks: list[Block] = []
        for height, each in zip(heights, told, strict=True):
            if blocks and (each is None or isinstance(each, SourceError)):
                break  # what is there already counts
            blocks.append(self._header(each, height))
        self._whole(asked, blocks)
        for before, after in pairwise(blocks):
            if after.parent != before.at.hash:
                raise Changed(f"block {after.height} is no child of block {before.height}")
        return blocks

    def _header(self, told: object, height: int) -> Block:
        if isinstance(told, SourceError):
            raise told
        if told is None:
            raise NotYet(f"{self._name} does not have block {height} yet")
        try:
            return readable(told, height)
        except RowError as error:
            raise BadResponse(f"{self._name}, block {height}: {error}") from None

    def _whole(self, asked: Asked, blocks: Sequence[Block]) -> None:
        """Raises BadResponse where a block comes without the transactions that its header calls
        for, twice."""
        lacking = [block for block in blocks if self._lacks(block)]

        def take(block: Block, told: object) -> bool:
            if told is None or isinstance(told, NotYet):
                raise Changed(f"block {block.height} is gone")
            fresh = self._header(told, block.height)
            if fresh.at.hash != block.at.hash:
                raise BadResponse(f"{self._name} answered with another block than was asked for")
            block.header, block.txs = fresh.header, fresh.txs
            return not self._lacks(block)

        for block, _ in asked.until(
            lacking, lambda b: Call("eth_getBlockByHash", [b.name, True]), take
        ):
            if _has_none(block):
                self._odd.note(block, "its header calls for transactions, and the node shows none")
            elif self.roots.stay(block.txs):
                self._odd.note(block, "its transactions are other ones than its header names")

    def _lacks(self, block: Block) -> bool:
        """Where traces tell how many transactions there are, theirs are held against them."""
        untraced = self._traces.how in ("", ways.NONE)
        return _has_none(block) or (untraced and self.roots.doubt(block.header, block.txs))

    # -- traces -------------------------------------------------------------------------------

    def _flat(self, asked: Asked, blocks: Sequence[Block], told: Sequence[object]) -> None:
        left = [b for b, t in zip(blocks, told, strict=True) if not self._take(b, t)]
        self._settle(asked.until(left, lambda b: ways.trace_call(b.height), self._take))

    def _framed(self, asked: Asked, blocks: Sequence[Block]) -> None:
        left = [block for block in blocks if not self._take(block, [] if not block.txs else None)]
        self._settle(asked.until(left, lambda b: ways.debug_call(b.name), self._take))

    def _take(self, block: Block, told: object) -> bool:
        if ways.take(block, self._traces.how, told):
            return self._traces.complete(block)
        if isinstance(told, list) and self._traces.how == ways.TRACE_BLOCK:
            rows = [trace for trace in told if isinstance(trace, dict)]
            if column(rows, "blockHash").count(block.name) < len(rows):
                raise Changed(f"the traces are of another block {block.height}")
        return False

    def _settle(self, left: Sequence[tuple[Block, object]]) -> None:
        """Of blocks whose traces did not come in full. Raises SourceError."""
        for block, each in left:
            if isinstance(each, NotYet):
                raise each
            if isinstance(each, Refused):
                known = no_such_call(each)
                raise self._traces.lost(each, ways.AGAIN if known else ways.SOON)
            if isinstance(each, SourceError) and not isinstance(each, BadResponse):
                raise each
            if said := _errors(each):
                pruned = NoState(f"{self._name}: {said}")
                raise self._traces.lost(pruned, ways.SOON)
            reason = "the node does not show what every one of its transactions did"
            self._odd.note(block, reason)


def block_call(height: int, *, full: bool = True) -> Call:
    return Call("eth_getBlockByNumber", [hex(height), full])


def _has_none(block: Block) -> bool:
    root = block.header.get("transactionsRoot")
    if block.txs or root is None:
        return False
    used = block.header.get("gasUsed") not in (None, "0x0", "0x")
    return used or str(root).lower() not in (NO_TRANSACTIONS, NO_ROOT)


def _errors(told: object) -> str:
    """What a node says in the place of every tree of a block."""
    if not isinstance(told, list) or not told:
        return ""
    said = [each.get("error") for each in told if isinstance(each, dict)]
    return str(said[0])[:200] if len(said) == len(told) and all(said) else ""
