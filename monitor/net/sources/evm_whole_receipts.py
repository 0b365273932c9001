"""Receipts of transactions that touched a member, and of whole blocks: what each way costs differs
from node to node, and is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from monitor.model.errors import BadResponse, NotYet, Refused, SourceError
from monitor.net.sources.evm_batch import Call
from monitor.net.sources.evm_refusals import no_such_call
from monitor.net.sources.evm_whole_asked import Asked
from monitor.net.sources.evm_whole_block import Block, Raw

TRY_WHOLE = 6  # receipts of one block, from which on the block's are tried where nothing is known
AGAIN = 86_400.0  # seconds until a node that has no receipts of blocks is asked for them again


class Receipts:
    """Of one node, with what they cost there."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name, self._clock = name, clock
        self._of_one: float | None = None  # seconds
        self._of_block: float | None = None
        self._none_until = float("-inf")  # it has none of blocks

    @property
    def by_block(self) -> bool:
        return self._clock() >= self._none_until

    def of(self, asked: Asked, wanted: Sequence[tuple[Block, Sequence[str]]]) -> dict[str, Raw]:
        """The receipts of these transactions of each block. Raises SourceError."""
        many = [block for block, txs in wanted if self._whole_is_cheaper(len(txs))]
        if many and self._of_one is None and self._of_block is not None:
            many.remove(min(many, key=lambda b: len(b.txs)))  # to see what single ones cost
        found: dict[str, Raw] = {}
        whole = self.whole(asked, many) if many else {}
        for receipts in whole.values():
            found |= {str(receipt["transactionHash"]): receipt for receipt in receipts}
        single = [(b, tx) for b, txs in wanted for tx in txs if tx not in found]
        return found | self._single(asked, single)

    def _whole_is_cheaper(self, count: int) -> bool:
        if not self.by_block or count < 2:
            return False
        if self._of_block is None or self._of_one is None:
            return count >= TRY_WHOLE
        return count * self._of_one > self._of_block

    def whole(self, asked: Asked, blocks: Sequence[Block]) -> dict[int, list[Raw]]:
        """All receipts of these blocks, by height; those of whom the node has them in full. Where
        it has no such call at all nothing is there."""
        found: dict[int, list[Raw]] = {}

        def take(block: Block, told: object) -> bool:
            if isinstance(told, Refused) and no_such_call(told):
                self._none_until = self._clock() + AGAIN
                return True
            if _all_of(block, told):
                assert isinstance(told, list)
                found[block.height] = told
            return block.height in found

        if blocks and self.by_block:
            calls, began = asked.calls, time.monotonic()
            asked.until(blocks, lambda b: Call("eth_getBlockReceipts", [hex(b.height)]), take)
            each = (time.monotonic() - began) / (asked.calls - calls)
            self._of_block = _smooth(self._of_block, each)
        return found

    def _single(self, asked: Asked, wanted: Iterable[tuple[Block, str]]) -> dict[str, Raw]:
        found: dict[str, Raw] = {}

        def take(one: tuple[Block, str], told: object) -> bool:
            block, tx = one
            if isinstance(told, dict) and _is_of(block, tx, told):
                found[tx] = told
            return tx in found

        calls, began = asked.calls, time.monotonic()
        left = asked.until(wanted, lambda one: Call("eth_getTransactionReceipt", [one[1]]), take)
        for (block, tx), told in left:
            raise self._missing(block, tx, told)
        if found:
            each = (time.monotonic() - began) / (asked.calls - calls)
            self._of_one = _smooth(self._of_one, each)
        return found

    def _missing(self, block: Block, tx: str, told: object) -> SourceError:
        if isinstance(told, SourceError):
            return told
        if isinstance(told, dict) and told.get("transactionHash") != tx:
            return BadResponse(f"{self._name} answered with another receipt than was asked for")
        return NotYet(f"{self._name} has no receipt of a transaction of block {block.height}")

    def all_of(self, asked: Asked, blocks: Sequence[Block]) -> dict[int, list[Raw]]:
        """As `whole`, one by one where the node has no receipts of blocks."""
        found = self.whole(asked, blocks)
        if self.by_block:
            return found
        wanted = [(block, str(tx.get("hash"))) for block in blocks for tx in block.txs]
        single = self._single(asked, wanted)
        return {b.height: [single[str(tx.get("hash"))] for tx in b.txs] for b in blocks}


def _smooth(before: float | None, seconds: float) -> float:
    return seconds if before is None else before + (seconds - before) / 4


def _is_of(block: Block, tx: str, told: object) -> bool:
    return (
        isinstance(told, dict)
        and told.get("blockHash") == block.name
        and told.get("transactionHash") == tx
    )


def _all_of(block: Block, told: object) -> bool:
    """Whether these are the receipts of a block: one of each of its transactions, in order."""
    if not isinstance(told, list) or len(told) != len(block.txs):
        return False
    return all(
        _is_of(block, str(tx.get("hash")), each) and isinstance(each.get("logs"), list)
        for tx, each in zip(block.txs, told, strict=True)
    )
