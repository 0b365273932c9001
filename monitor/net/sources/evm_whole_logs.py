"""The logs of a run of blocks, of all events that movements are made of, whoever is watched: one
question over the range. A block without any is held against its header's logsBloom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import methodcaller

from monitor.model import Chain
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused, SourceError
from monitor.net.sources import evm_bloom
from monitor.net.sources.evm_batch import Call
from monitor.net.sources.evm_log_reader import LEAST_CAP
from monitor.net.sources.evm_refusals import no_such_call
from monitor.net.sources.evm_whole_asked import Asked
from monitor.net.sources.evm_whole_block import Block, Raw
from monitor.net.sources.evm_whole_receipts import Receipts
from monitor.net.sources.parsing import RowError, column, fields, hex_whole, place

FEW = 3  # blocks that are asked for one by one at once; more of them by their range first
AGAIN = 86_400.0  # seconds until a node that lists no logs without an address is asked again
Note = Callable[[Block, str], None]


class Changed(Exception):
    """A block was replaced while it was read."""


class LogsOfBlocks:
    """Of one node, with what was learned of its chain's headers."""

    def __init__(
        self,
        name: str,
        chain: Chain,
        receipts: Receipts,
        note: Note,
        clock: Callable[[], float],
    ) -> None:
        self._name, self._receipts, self._note, self._clock = name, receipts, note, clock
        self._topics = evm_bloom.topics(chain)
        self._kinds = evm_bloom.wanted(chain)
        self._largest = 0  # logs of the largest answer so far
        self._none_until = float("-inf")  # it lists none by range
        # Whether the headers' filters say anything; None: no block with logs was seen yet.
        self.speaks: bool | None = None

    @property
    def by_range(self) -> bool:
        """Whether it lists logs of all contracts at once."""
        return self._clock() >= self._none_until

    def range_calls(self, lo: int, hi: int) -> list[Call]:
        if not self.by_range:
            return []
        span = {"fromBlock": hex(lo), "toBlock": hex(hi)}
        return [Call("eth_getLogs", [{**span, "topics": [self._topics]}])]

    def give(self, asked: Asked, blocks: Sequence[Block], told: Sequence[object]) -> None:
        """Give the blocks their logs; `told`: what came of `range_calls`. Raises SourceError,
        Changed."""
        if not told:
            self._by_receipts(asked, blocks)
            return
        if isinstance(told[0], SourceError):
            self._narrower(asked, blocks, told[0])
        else:
            self._take(blocks, told[0])
            self._past_cap(asked, blocks)
        self._hold_against_headers(asked, blocks)

    # -- asking -------------------------------------------------------------------------------

    def _narrower(self, asked: Asked, blocks: Sequence[Block], error: SourceError) -> None:
        """The range was refused: block by block, then by receipts."""
        if isinstance(error, NotServed) or (isinstance(error, Refused) and no_such_call(error)):
            self._none_until = self._clock() + AGAIN
            self._by_receipts(asked, blocks)
        elif isinstance(error, NotYet):
            raise error
        else:
            self._singly(asked, blocks)

    def _singly(self, asked: Asked, blocks: Sequence[Block]) -> None:
        calls = [self._block_call(block) for block in blocks]
        refused = []
        for block, told in zip(blocks, asked.ask(calls)[0], strict=True):
            if isinstance(told, NotYet):
                raise Changed(f"block {block.height} is gone")
            if isinstance(told, SourceError):
                refused.append(block)
            else:
                self._take([block], told)
        self._fill_up(asked, [block for block in blocks if block not in refused])
        self._by_receipts(asked, refused)

    def _block_call(self, block: Block) -> Call:
        return Call("eth_getLogs", [{"blockHash": block.name, "topics": [self._topics]}])

    def _by_receipts(self, asked: Asked, blocks: Sequence[Block]) -> None:
        """Raises BadResponse where they are not there in full."""
        wanted = [b for b in blocks if b.txs and not self._says_none(b)]
        found = self._receipts.all_of(asked, wanted)
        for block in wanted:
            if block.height not in found:
                raise BadResponse(
                    f"{self._name} shows neither the logs nor the receipts of block {block.height}"
                )
            block.logs = self._asked_for(found[block.height])
        self._learn(wanted)

    def _asked_for(self, receipts: Iterable[Raw]) -> list[Raw]:
        logs = (log for receipt in receipts for log in receipt["logs"])
        return [
            log
            for log in logs
            if isinstance(log, dict) and log.get("topics") and log["topics"][0] in self._topics
        ]

    def _take(self, blocks: Sequence[Block], told: object) -> None:
        if not isinstance(told, list):
            raise BadResponse(f"{self._name} answered something else than a list of logs")
        by_height: dict[int, list[Raw]] = {block.height: [] for block in blocks}
        names = {block.height: block.name for block in blocks}
        last = blocks[-1].height
        for height, logs in _by_height(self._name, told):
            if height > last and len(blocks) > 1:
                continue  # of blocks that did not come
            if height not in by_height:
                raise BadResponse(f"{self._name} answered logs that were not asked for")
            here = column(logs, "blockHash").count(names[height])
            if here < len(logs) or True in column(logs, "removed"):
                raise Changed(f"the logs are of another block {height}")
            by_height[height] += logs
        for block in blocks:
            block.logs = by_height[block.height]

    def _past_cap(self, asked: Asked, blocks: Sequence[Block]) -> None:
        """Some nodes cut long answers without a word (Tenderly). An answer as large as the largest
        so far may have been cut at its highest block: that one is asked for alone, and where it
        has more those above it, too."""
        if not self._may_be_cut([sum(len(block.logs) for block in blocks)]):
            return
        at = max(n for n, block in enumerate(blocks) if block.logs)
        before = len(blocks[at].logs)
        self._singly(asked, blocks[at : at + 1])
        if len(blocks[at].logs) > before:
            self._singly(asked, blocks[at + 1 :])

    def _may_be_cut(self, counts: Sequence[int]) -> frozenset[int]:
        """Of answers of so many logs: of any other a larger one came."""
        self._largest = max(self._largest, *counts, 0)
        return frozenset(n for n in counts if n >= max(LEAST_CAP, self._largest))

    def _fill_up(self, asked: Asked, blocks: Sequence[Block]) -> None:
        """Of blocks that were asked for alone those of which there may be more: by receipts."""
        doubted = self._may_be_cut([len(block.logs) for block in blocks])
        full = [block for block in blocks if len(block.logs) in doubted]
        found = self._receipts.all_of(asked, full)
        for block in full:
            if (receipts := found.get(block.height)) is not None:
                block.logs = self._asked_for(receipts)
            else:
                said = f"the node hands out {len(block.logs)} logs of it and shows no receipts"
                block.doubts.append(f"{said}: there may be more")

    # -- holding against headers --------------------------------------------------------------

    def _says_none(self, block: Block) -> bool:
        return self.speaks is True and not evm_bloom.may_hold(_bloom(block), self._kinds)

    def _hold_against_headers(self, asked: Asked, blocks: Sequence[Block]) -> None:
        self._learn(blocks)
        blooms = {b.height: _bloom(b) for b in blocks}
        empty = [b for b in blocks if b.txs and not b.logs]
        if self.speaks:
            empty = [b for b in empty if evm_bloom.may_hold(blooms[b.height], self._kinds)]
        if not empty:
            return
        if len(empty) > FEW or not self.speaks:
            self._range_again(asked, blocks, empty)
            empty = [block for block in empty if not block.logs]
            self._learn(blocks)
        doubted = [b for b in empty if evm_bloom.may_hold(blooms[b.height], self._kinds)]
        if doubted and self.speaks is not False:
            self._singly(asked, doubted)
            self._settle(asked, [block for block in doubted if not block.logs])

    def _range_again(self, asked: Asked, blocks: Sequence[Block], empty: Sequence[Block]) -> None:
        lo, hi = empty[0].height, empty[-1].height
        between = [block for block in blocks if lo <= block.height <= hi]
        kept = {block.height: block.logs for block in between}
        (told,), _ = asked.ask(self.range_calls(lo, hi))
        if isinstance(told, SourceError):
            self._singly(asked, empty)
            return
        self._take(between, told)
        self._past_cap(asked, between)
        for block in between:
            if len(kept[block.height]) > len(block.logs):
                block.logs = kept[block.height]

    def _settle(self, asked: Asked, doubted: Sequence[Block]) -> None:
        """Filters say yes by chance: the receipts of a block hold all of its logs, and show whether
        its filter is that of these."""
        if not doubted:
            return
        found = self._receipts.all_of(asked, doubted)
        for block in doubted:
            receipts = found.get(block.height)
            if receipts is None:
                reason = "its header says that it may hold token movements, and the node shows none"
                self._note(block, reason)
                continue
            block.logs = self._asked_for(receipts)
            if not block.logs and self.speaks and not _fits(block, receipts):
                reason = "its receipts hold other logs than its header says"
                self._note(block, reason)

    def _learn(self, blocks: Iterable[Block]) -> None:
        """Some chains fill the filter in with nothing, or with everything."""
        for block in blocks:
            if block.logs:
                bloom = _bloom(block)
                self.speaks = bloom not in (0, evm_bloom.FULL)


def _bloom(block: Block) -> int:
    try:
        return evm_bloom.bloom_of(block.header)
    except RowError:
        return 0


def _fits(block: Block, receipts: Iterable[Raw]) -> bool:
    logs = (log for receipt in receipts for log in receipt["logs"])
    try:
        return evm_bloom.of_logs(logs) == _bloom(block)
    except ValueError:
        return False


def _by_height(name: str, logs: Iterable[object]) -> Iterator[tuple[int, list[Raw]]]:
    """Logs that follow each other in one block, with its height. Raises BadResponse."""
    try:
        for written, run in groupby(map(fields, logs), methodcaller("get", "blockNumber")):
            yield place(hex_whole(written, "blockNumber"), "blockNumber"), list(run)
    except RowError as error:
        raise BadResponse(f"{name}: {error}") from None
