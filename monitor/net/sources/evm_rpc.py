"""A node of an EVM chain, through web3 and JSON-RPC.

A node lists the logs of token contracts by address. It cannot list what moves native coins
(transactions, internal calls) for an address: those streams are not in `bundles`, so that
they are reported as not covered. Nor does it find tokens whose Transfer event does not
index its parties (CryptoKitties and others before ERC-721).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from monitor.chains.evm import EVM
from monitor.model import Ask, Batch, Chain, Gap, Head, Interval, Lookup, SourceConfig, Transfer
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused
from monitor.model.events import Event, Moved, TxLogs
from monitor.model.facts import Lead
from monitor.model.life import LifeWord
from monitor.model.trace import Profile
from monitor.net.depth import recursion_kept
from monitor.net.http import Answer, Http
from monitor.net.sources import (
    acts,
    evm_blocks,
    evm_calls,
    evm_events,
    evm_more,
    evm_others,
    evm_profile,
    evm_receipts,
)
from monitor.net.sources.evm_balances import BalanceReader
from monitor.net.sources.evm_life import LifeReader
from monitor.net.sources.evm_log_reader import LogReader
from monitor.net.sources.evm_logs import height_of, parse_logs, token_legs
from monitor.net.sources.evm_refusals import TooWide, classify, no_such_call
from monitor.net.sources.evm_whole import EvmWhole
from monitor.net.sources.evm_windows import Width
from monitor.net.sources.paging import Recorder, Walk, batch_of
from monitor.net.sources.parsing import Parsed, RowError, fields, hash32, hex_whole, items
from monitor.net.sources.profiles import Sketch

with recursion_kept():
    from web3 import Web3
    from web3.exceptions import Web3Exception
    from web3.providers.base import JSONBaseProvider
    from web3.types import RPCEndpoint, RPCResponse

WINDOW = 2000  # blocks of one eth_getLogs; most public nodes take it
MAX_CALLS = 60  # of one batch, after which it ends between two blocks


class _Posts(Protocol):
    def post(self, path: str, payload: object) -> Answer: ...


class NodeProvider(JSONBaseProvider):
    """web3's way to the node, through monitor.net.http: its deadlines, budgets, retries and
    redaction hold, and web3 adds none of its own. The URL is known to monitor.net.http only."""

    def __init__(self, name: str, http: _Posts) -> None:
        super().__init__()
        self._name = name
        self._http = http

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401 - web3's
        return {"jsonrpc": "2.0", "id": 0, "result": self.ask(method, params)}

    def ask(self, method: str, params: Sequence[object]) -> object:
        """The result of one call, as decoded JSON. Raises SourceError."""
        number = next(self.request_counter)
        payload = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        return parse_envelope(self._name, self._http.post("", payload), number)


_T = TypeVar("_T")
# Time of a block, None where the batch's calls are used up; the first of a window is always
# asked for, so that every batch gets on.
_TimeOf = Callable[[int, bool], int | None]


class EvmRpc:
    """Source for the token streams of one EVM chain. `url` is the endpoint itself."""

    axis = EVM.axis
    many = True
    list_calls = 2  # one for senders and one for recipients
    tells_shares = True
    act_calls = 2  # one filter for all contracts and events, and the head after it

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = config.index_lag or 0
        self._chain = chain
        self._http = http
        self._node = NodeProvider(config.name, http)
        self._web3 = Web3(self._node)
        self._width = Width(config.page_size or WINDOW)
        self._logs = LogReader(config.name, chain)
        self._life = LifeReader(config.name, chain, parse_head)
        self._balances = BalanceReader(config.name, chain, parse_head)
        self._acts = acts.Shared()
        self._traces = True  # it has traces of single transactions, as far as is known
        self._whole = EvmWhole(config, chain, http, self)

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        tokens = (frozenset({"erc20", "erc721"}), frozenset({"erc1155"}))
        return (*tokens, acts.BUNDLE) if self._chain.issuers else tokens

    def identify(self) -> None:
        expected = self._chain.chain_id
        if expected is None:
            return
        reported = self._through_web3(lambda: self._web3.eth.chain_id)
        if reported != expected:
            raise Refused(
                f"{self.name} answers for chain id {reported}; {self._chain.name} has {expected}. "
                "Correct the url or the chain's sources"
            )

    def head(self) -> Head:
        head = parse_head(self._block("latest"))
        try:
            final = parse_head(self._block("finalized"))
        except (Refused, BadResponse, NotYet):  # the tag is not known everywhere
            return head
        return replace(head, final_height=min(final.height, head.height))

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        reported = self._node.ask("eth_getTransactionReceipt", [tx])
        lookup = parse_receipt(reported, self.name, tx, head)
        moved = token_legs(self._chain, reported) if lookup.found else None
        return replace(lookup, moved=moved)

    def receipts(self, height: int) -> list[Lookup]:
        """See ports.BlockReceipts."""
        reported = self._node.ask("eth_getBlockReceipts", [hex(height)])
        found = parse_receipts(reported, self.name, height)
        return [
            replace(lookup, moved=token_legs(self._chain, each))
            for lookup, each in zip(found, items(reported, "receipts"), strict=True)
        ]

    def block_hash(self, height: int) -> str | None:
        reported = self._block(hex(height))
        if reported is None:
            return None
        block = parse_head(reported)
        if block.height != height:
            raise BadResponse(f"{self.name} answered with another block than was asked for")
        return block.block_hash

    def life(self, addresses: Sequence[str], tokens: Sequence[str], height: int) -> LifeWord:
        """See ports.SeesLife."""
        return self._life.read(lambda sent: self._http.post("", sent), addresses, tokens, height)

    @property
    def old_heights(self) -> bool:
        """See ports.SeesBalances."""
        return self._balances.old_heights

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """See ports.SeesBalances."""
        return self._balances.read(lambda sent: self._http.post("", sent), asked, height)

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """See ports.SeesBalances."""
        return self._balances.calls(asked)

    def block_leads(self, address: str, span: Interval) -> list[Lead]:
        """See ports.SeesBlocks."""
        return evm_blocks.leads(self.name, self._node, address, span)

    def fee_rest(self, fee: Transfer) -> Transfer | None:
        """See ports.TellsFees."""
        receipt = self._node.ask("eth_getTransactionReceipt", [fee.tx])
        return evm_more.fee_rest(self.name, self._chain, fee, receipt)

    def events(self, contract: str, address: str, span: Interval) -> list[Event]:
        """See ports.ReadsEvents."""
        return evm_events.of_node(
            *(self.name, self._node.ask, self._chain, contract, address, span)
        )

    def others(self, stream: str, contract: str, span: Interval) -> list[Moved]:
        """See ports.SeesOthers."""
        return evm_others.of_node(self.name, self._node, self._chain, stream, contract, span)

    def has_code(self, address: str) -> bool:
        """See ports.SeesOthers."""
        return evm_others.has_code(self._node.ask("eth_getCode", [address, "latest"]))

    def profile(self, address: str, most: int) -> Profile:
        """See ports.Profiles: `most` is as good as any, for it counts without a list."""
        del most
        return evm_profile.of_node(Sketch(self.name, self._chain, address), self._served)

    def tx_logs(self, tx: str) -> TxLogs:
        """See ports.TellsLogs."""
        receipt = self._served("eth_getTransactionReceipt", [tx])
        told = evm_receipts.parse_receipt(self.name, self._chain, tx, receipt)
        if not self._traces or evm_receipts.failed(receipt) or told.to is None:
            return told
        block = parse_receipt(receipt, self.name, tx).block_hash or ""

        def inside() -> Sequence[object]:
            try:
                return evm_calls.traced(self._served, tx, block)
            except NotServed:
                self._traces = False
                raise

        return evm_calls.with_coins(self.name, self._chain, told, inside)

    def _served(self, method: str, params: Sequence[object]) -> object:
        """Raises NotServed where the node has no such call."""
        try:
            return self._node.ask(method, params)
        except NotServed:
            raise
        except Refused as error:
            if no_such_call(error):
                raise NotServed(str(error)) from None
            raise

    def whole(self) -> EvmWhole:
        """See ports.ReadsBlocks."""
        return self._whole

    @property
    def more(self) -> frozenset[str]:
        """See ports.ReadsMore: of few blocks also what a node has no list of."""
        found = evm_blocks.served(self._chain)
        return found - {"internal"} if self._whole.untraced else found

    def fetch(self, ask: Ask) -> Batch:
        if ask.streams == acts.BUNDLE:
            return self._acts.batch(ask, self._fetch)
        if ask.streams <= self.more:
            return self._fetch_blocks(ask)
        return self._fetch(ask)

    def _fetch_blocks(self, ask: Ask) -> Batch:
        recorder = Recorder(self._http)
        span = evm_blocks.span_of(self.name, ask, self._chain)
        if span is None:
            return batch_of(self.name, ask, Walk((), None, None), Parsed(), recorder)
        node = NodeProvider(self.name, recorder)
        parsed = evm_blocks.read(self.name, node, ask, span, self._chain)
        return batch_of(self.name, ask, Walk((), span, None), parsed, recorder)

    def _fetch(self, ask: Ask) -> Batch:
        recorder = Recorder(self._http)
        node = NodeProvider(self.name, recorder)
        walk = self._walk(ask, node, recorder)
        wanted = frozenset(subject.address for subject in ask.subjects)
        if ask.streams == acts.BUNDLE:
            parsed = acts.parse_logs(self._chain, walk.logs, walk.times)
        else:
            parsed = parse_logs(self._chain, walk.logs, wanted, walk.times)
        read, rest = walk.covered(ask, self._newest(node))
        found = Walk((), read, rest, gaps=tuple(walk.gaps))
        return batch_of(self.name, ask, found, parsed, recorder)

    def _walk(self, ask: Ask, node: NodeProvider, recorder: Recorder) -> _Walk:
        """Upwards, window by window, until the span ends or the batch is large enough."""
        hi = min(ask.span.hi, ask.head.height)
        walk, width = _Walk(ask.span.lo), self._width
        while walk.next <= hi and len(walk.logs) < ask.max_rows and recorder.calls < MAX_CALLS:
            window = Interval(walk.next, min(walk.next + width.blocks - 1, hi))
            try:
                logs, doubts = self._logs.read(node, ask, window)
            except TooWide as error:
                if not width.refused(window.hi - window.lo + 1, error.limit):
                    self._leave_out(walk, window, error)
                continue
            walk.gaps += doubts
            walk.add(logs, window, self._clock(node, recorder))
            width.worked()
        return walk

    def _leave_out(self, walk: _Walk, window: Interval, error: TooWide) -> None:
        if not walk.begun:
            raise Refused(f"{self.name} refuses even a single block: {error}")
        walk.gaps.append(Gap(window, f"the node refuses this block alone: {error}"))
        walk.next = window.hi + 1

    def _clock(self, node: NodeProvider, recorder: Recorder) -> _TimeOf:
        def time_of(height: int, first: bool) -> int | None:
            if recorder.calls >= MAX_CALLS and not first:
                return None
            return parse_head(node.ask("eth_getBlockByNumber", [hex(height), False])).time

        return time_of

    def _newest(self, node: NodeProvider) -> int:
        """The node's head after the logs: behind a load balancer another node, which knows
        fewer blocks, may have answered. Its silence about them is no evidence."""
        try:
            return hex_whole(node.ask("eth_blockNumber", []), "eth_blockNumber")
        except RowError as error:
            raise BadResponse(f"{self.name}: {error}") from None

    def _block(self, which: str) -> object:
        return self._node.ask("eth_getBlockByNumber", [which, False])

    def _through_web3(self, call: Callable[[], _T]) -> _T:
        try:
            reported = call()
        except (Web3Exception, ValueError, TypeError, KeyError) as error:
            kind = type(error).__name__
            raise BadResponse(f"{self.name}: web3 cannot read the answer ({kind})") from None
        if isinstance(reported, bool) or not isinstance(reported, int):
            raise BadResponse(f"{self.name} answered no number")
        return reported


@dataclass(slots=True)
class _Walk:
    """Logs of the blocks below `next`."""

    next: int  # the lowest block not read yet
    begun: bool = False  # a window was read
    logs: list[object] = field(default_factory=list)
    times: dict[int, int] = field(default_factory=dict)  # of blocks whose logs report none
    gaps: list[Gap] = field(default_factory=list)

    def add(self, logs: Sequence[object], window: Interval, time_of: _TimeOf) -> None:
        """Take a window's logs as far up as the times of their blocks can be had."""
        end = window.hi
        for n, height in enumerate(sorted(_without_time(logs))):
            time = time_of(height, n == 0)
            if time is None:
                end = height - 1
                break
            self.times[height] = time
        self.logs += [log for log in logs if (h := height_of(log)) is None or h <= end]
        self.begun = True
        self.next = end + 1

    def covered(self, ask: Ask, newest: int) -> tuple[Interval | None, Interval | None]:
        hi = min(ask.span.hi, ask.head.height)
        end = min(self.next - 1, newest)
        read = Interval(ask.span.lo, end) if end >= ask.span.lo else None
        start = max(end + 1, ask.span.lo)
        return read, (Interval(start, hi) if start <= hi else None)


def _without_time(logs: Iterable[object]) -> set[int]:
    heights = (height_of(log) for log in logs if not _timed(log))
    return {height for height in heights if height is not None}


def _timed(log: object) -> bool:
    return isinstance(log, dict) and log.get("blockTimestamp") is not None


def parse_envelope(name: str, answer: Answer, number: int) -> object:
    """The result of a JSON-RPC answer to the call `number`. Raises SourceError."""
    reported = _decoded(name, answer)
    if not isinstance(reported, dict):
        raise BadResponse(f"{name} answered something else than a JSON-RPC object")
    if reported.get("error") is not None:
        raise classify(name, answer.status, reported["error"])
    if "result" not in reported or answer.status >= 400:
        raise classify(
            name, answer.status, reported.get("message", "neither a result nor an error")
        )
    if reported.get("id") != number:
        raise BadResponse(f"{name} answered another question than was asked")
    return reported["result"]


def _decoded(name: str, answer: Answer) -> object:
    try:
        return answer.json()
    except BadResponse:
        if answer.status < 400 or answer.text.lstrip().startswith("<"):
            raise  # a web page is a proxy's or a guard's, not the node's word
        raise classify(name, answer.status, answer.text) from None


def parse_head(reported: object) -> Head:
    """A block as `eth_getBlockByNumber` gives it. Raises BadResponse, NotYet for null."""
    if reported is None:
        raise NotYet("the node does not know the block that was asked for")
    try:
        block = fields(reported)
        return Head(
            height=hex_whole(block.get("number"), "number"),
            time=hex_whole(block.get("timestamp"), "timestamp"),
            block_hash=hash32(block.get("hash"), "hash"),
        )
    except RowError as error:
        raise BadResponse(f"a block cannot be read: {error}") from None


def parse_receipts(reported: object, source: str, height: int) -> list[Lookup]:
    """`eth_getBlockReceipts` of the block at this height. Raises BadResponse, NotYet."""
    if reported is None:
        raise NotYet(f"{source} does not have block {height} yet")
    if not isinstance(reported, list):
        raise BadResponse(f"{source} answered something else than a list of receipts")
    try:
        hashes = [
            hash32(fields(each).get("transactionHash"), "transactionHash") for each in reported
        ]
    except RowError as error:
        raise BadResponse(f"a receipt cannot be read: {error}") from None
    found = [parse_receipt(each, source, tx) for each, tx in zip(reported, hashes, strict=True)]
    if any(lookup.height != height for lookup in found):
        raise BadResponse(f"{source} answered with the receipts of another block")
    return found


def parse_receipt(reported: object, source: str, tx: str, head: Head | None = None) -> Lookup:
    """`eth_getTransactionReceipt`; null is "not found". Raises BadResponse.

    Receipts from before Byzantium have no status: their transactions count as done.
    """
    if reported is None:
        return Lookup(source, tx, found=False, head=head)
    try:
        receipt = fields(reported)
        if hash32(receipt.get("transactionHash"), "transactionHash") != tx.lower():
            raise BadResponse(f"{source} answered with the receipt of another transaction")
        status = receipt.get("status")
        return Lookup(
            source,
            tx,
            found=True,
            height=hex_whole(receipt.get("blockNumber"), "blockNumber"),
            block_hash=hash32(receipt.get("blockHash"), "blockHash"),
            failed=status is not None and hex_whole(status, "status") == 0,
            head=head,
        )
    except RowError as error:
        raise BadResponse(f"a receipt cannot be read: {error}") from None
