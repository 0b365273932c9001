"""How a node shows the calls inside the transactions of a block, found out where the settings leave
it open (sources.<name>.traces)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.model.errors import BadResponse, NotYet, Refused, SourceError
from monitor.net.sources.evm_batch import Call
from monitor.net.sources.evm_whole_block import Block
from monitor.net.sources.parsing import column

TRACE_BLOCK, DEBUG, NONE, AUTO = "trace_block", "debug", "none", "auto"
AGAIN = 86_400.0  # seconds until a node without traces is asked for them again
SOON = 3_600.0  # the same where it has some, and not of the blocks that were read
KEPT = 256  # blocks that lacked some
SURE = 3  # blocks, after which it is known how a node counts
LOOK_BACK = 12  # blocks below the head in which one with transactions is looked for

Ask = Callable[
    [Sequence[Call]], list[object]
]  # results in order, a SourceError for one that failed


def trace_call(height: int) -> Call:
    return Call("trace_block", [hex(height)])


def debug_call(block_hash: str) -> Call:
    return Call("debug_traceBlockByHash", [block_hash, {"tracer": "callTracer"}])


class Traces:
    """Of one node."""

    def __init__(self, name: str, wanted: str, clock: Callable[[], float]) -> None:
        self._name, self._wanted, self._clock = name, wanted, clock
        self.how = "" if wanted == AUTO else wanted  # empty: nobody knows yet
        self.why = "" if wanted == AUTO else "the settings say so"
        self._again = float("-inf")
        self._lacking: dict[str, int] = {}  # blocks, and how many traces they came with
        self._counts_otherwise = 0  # blocks of which the numbers did not fit twice

    @property
    def unknown(self) -> bool:
        """Whether it is time to find out."""
        due = self.how == NONE and self._clock() >= self._again
        return self._wanted == AUTO and (not self.how or due)

    def complete(self, block: Block) -> bool:
        """Whether a block's traces are as many as they say that there are below them. A node that
        twice says the same of a block counts otherwise (calls that are left out, say)."""
        if block.traces is None or self._counts_otherwise >= SURE:
            return True
        below = sum(n for n in column(block.traces, "subtraces") if isinstance(n, int))
        here = len(list(filter(None, column(block.traces, "traceAddress"))))
        if below == here:
            return True
        if self._lacking.pop(block.name, None) == len(block.traces):
            self._counts_otherwise += 1
            return True
        self._lacking[block.name] = len(block.traces)
        while len(self._lacking) > KEPT:
            del self._lacking[next(iter(self._lacking))]
        return False

    def lost(self, error: SourceError, seconds: float = AGAIN) -> SourceError:
        """It does not show those of a block that it has: what to raise. Where it was found out
        that it has any, blocks are read without them for a while."""
        if self._wanted != AUTO:
            return error
        self._none(str(error), seconds)
        return NotYet(f"{self._name} shows no calls inside transactions any more: {error}")

    def find_out(self, ask: Ask, head: int) -> None:
        """By a recent block that has transactions. Where none has any, by what it says of a block
        without: what it shows of others is held against their headers. Raises SourceError where
        the node does not answer."""
        heights = range(head, max(head - LOOK_BACK, -1), -1)
        for told in ask([Call("eth_getBlockByNumber", [hex(h), False]) for h in heights]):
            if isinstance(told, dict) and (hashes := told.get("transactions")):
                self._by(ask, str(told.get("number")), str(told.get("hash")), hashes)
                return
            if isinstance(told, SourceError) and not isinstance(told, (Refused, BadResponse)):
                raise told
        if isinstance(newest := _hash_of(ask, head), str):
            self._by(ask, hex(head), newest, ())

    def _by(self, ask: Ask, number: str, block_hash: str, hashes: Sequence[object]) -> None:
        (flat,) = ask([Call("trace_block", [number])])
        if all_traced(flat, block_hash, hashes):
            self.how, self.why = TRACE_BLOCK, "found out"
            return
        (trees,) = ask([debug_call(block_hash)])
        if all_framed(trees, hashes):
            self.how, self.why = DEBUG, "found out"
            return
        said = [str(told) for told in (flat, trees) if isinstance(told, SourceError)]
        self._none("; ".join(said) or "it shows none", AGAIN)

    def _none(self, why: str, seconds: float) -> None:
        self.how, self.why = NONE, why
        self._again = self._clock() + seconds


def _hash_of(ask: Ask, height: int) -> object:
    (told,) = ask([Call("eth_getBlockByNumber", [hex(height), False])])
    return told.get("hash") if isinstance(told, dict) else None


def all_traced(told: object, name: str, hashes: Sequence[object]) -> bool:
    """Whether these are the traces of this block, at least one of each of its transactions."""
    try:
        return isinstance(told, list) and (
            # Rewards of blocks are of no transaction, and some nodes leave the name out there.
            set(column(told, "transactionHash")) - {None} == set(hashes)
            and set(column(told, "blockHash")) <= {name}
        )
    except (AttributeError, TypeError):
        return False


def all_framed(told: object, hashes: Sequence[object]) -> bool:
    """Whether these are the call trees of these transactions, in order."""
    try:
        return isinstance(told, list) and (
            len(told) == len(hashes)
            and all(
                each.get("txHash", tx) == tx and each.get("result")
                for each, tx in zip(told, hashes, strict=True)
            )
        )
    except (AttributeError, TypeError):
        return False


def take(block: Block, how: str, told: object) -> bool:
    """Give a block its traces; False where these are not those of all its transactions."""
    hashes = column(block.txs, "hash")
    if how == TRACE_BLOCK:
        if not all_traced(told, block.name, hashes):
            return False
        block.traces = told if isinstance(told, list) else []
        return True
    if not all_framed(told, hashes):
        return False
    block.frames = told if isinstance(told, list) else []
    return True
