"""What moved an address's coin in single blocks, read from a node block by block: its transactions,
calls inside them, withdrawals of validators.

A node has no list of an address, so that this costs calls for each block and is done only where a
balance says that something is missing there. Rows come in the form of Etherscan's lists, through
the same parser: whoever reports a movement, it is one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.chains.evm import EVM
from monitor.model import Ask, Chain, Interval
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused
from monitor.model.facts import Lead
from monitor.net.sources import evm_more
from monitor.net.sources.account_rows import parse_list
from monitor.net.sources.evm_block_rows import At, at_of, native_row, place_row
from monitor.net.sources.evm_bridges import bridge_of, log_height, parse_deposits, topics
from monitor.net.sources.evm_refusals import TooWide
from monitor.net.sources.evm_rows import number_equals
from monitor.net.sources.evm_system import TxFacts, facts_of
from monitor.net.sources.evm_traces import frames_of, traces_of
from monitor.net.sources.parsing import Parsed, RowError, fields, hash32, hex_whole, items

# Blocks of one fetch: what lies in more is narrowed first.
MOST = {"withdrawals": 64, "native": 16, "internal": 4, "deposits": 2000}
WORDS = {
    "withdrawals": "withdrawals of validators",
    "native": "transactions",
    "internal": "calls inside transactions",
    "deposits": "what a bridge pays",
}


class Node(Protocol):
    def ask(self, method: str, params: Sequence[object]) -> object:
        """The result of one call. Raises SourceError."""


@dataclass(frozen=True, slots=True)
class _Block:
    at: At
    told: Mapping[str, object]


def served(chain: Chain) -> frozenset[str]:
    return evm_more.lists_of(chain, MOST)


def span_of(name: str, ask: Ask, chain: Chain) -> Interval | None:
    """The blocks to read; None where there are none, or none of them is final yet and nobody else
    lists what they hold. Raises NotServed for more than are read one by one."""
    (stream,) = ask.streams
    if stream in EVM.streams:
        hi = min(ask.span.hi, ask.head.height)
        span = Interval(ask.span.lo, hi) if hi >= ask.span.lo else None
    else:
        span = evm_more.settled(ask, chain)
    if span is not None and span.hi - span.lo >= MOST[stream]:
        most = f"at most {MOST[stream]:,} blocks, not {span.hi - span.lo + 1:,}"
        raise NotServed(f"{name} reads {WORDS[stream]} of {most}")
    return span


def read(name: str, node: Node, ask: Ask, span: Interval, chain: Chain) -> Parsed:
    """What of one list these blocks hold of the address. Raises NotServed where the node cannot
    say it in full."""
    (subject,), (stream,) = ask.subjects, ask.streams
    if stream == "deposits":
        return _deposits(name, node, span, chain, subject.address)
    reader = {"withdrawals": _withdrawals, "native": _native, "internal": _internal}[stream]
    found: list[Parsed] = []
    for height in range(span.lo, span.hi + 1):
        try:
            block = _block(name, node, height, full=stream == "native")
            found.append(reader(node, block, chain, subject.address))
        except (RowError, BadResponse, Refused) as error:
            raise NotServed(
                f"{name} cannot say {WORDS[stream]} of block {height}: {error}"
            ) from None
    transfers = tuple(number_equals(t for each in found for t in each.transfers))
    return Parsed(transfers, tuple(gap for each in found for gap in each.gaps))


def _block(name: str, node: Node, height: int, *, full: bool) -> _Block:
    told = node.ask("eth_getBlockByNumber", [hex(height), full])
    if told is None:
        raise NotYet(f"{name} does not have block {height} yet")
    block = fields(told)
    if hex_whole(block.get("number"), "number") != height:
        raise BadResponse(f"{name} answered with another block than was asked for")
    return _Block(at_of(block), block)


def _withdrawals(_: Node, block: _Block, chain: Chain, address: str) -> Parsed:
    return Parsed(
        tuple(evm_more.parse_header(block.told, chain, address, block.at.height, block.at.time))
    )


def _deposits(name: str, node: Node, span: Interval, chain: Chain, address: str) -> Parsed:
    bridge = bridge_of(chain)
    assert bridge is not None
    query = {"fromBlock": hex(span.lo), "toBlock": hex(span.hi), "address": bridge.contract}
    try:
        told = node.ask("eth_getLogs", [{**query, "topics": topics(bridge, address)}])
        logs = items(told, "logs")
        times = {
            h: _block(name, node, h, full=False).at.time for h in sorted(set(map(log_height, logs)))
        }
    except (RowError, BadResponse, Refused, TooWide) as error:
        raise NotServed(f"{name} cannot say {WORDS['deposits']}: {error}") from None
    return parse_deposits(logs, bridge, chain, address, times)


# -- transactions -----------------------------------------------------------------------------


def _native(node: Node, block: _Block, chain: Chain, address: str) -> Parsed:
    """Those that an address sent or got, with what it paid for them, by their receipts."""
    rows: list[dict[str, object]] = []
    facts: dict[str, TxFacts] = {}
    for sent in map(fields, items(block.told.get("transactions"), "transactions")):
        mine = any(str(sent.get(side)).lower() == address for side in ("from", "to"))
        if mine or not sent.get("to"):
            tx = hash32(sent.get("hash"), "hash")
            receipt = fields(node.ask("eth_getTransactionReceipt", [tx]))
            if hash32(receipt.get("blockHash"), "blockHash") != block.at.hash:
                raise NotYet(f"block {block.at.height} was replaced meanwhile")
            facts[tx] = facts_of(receipt, sent)
            if mine or str(receipt.get("contractAddress")).lower() == address:
                rows.append(native_row(sent, receipt, block.at))
    return parse_list("native", rows, chain, address, facts)


# -- calls inside transactions ----------------------------------------------------------------


def _internal(node: Node, block: _Block, chain: Chain, address: str) -> Parsed:
    """Calls that moved coins, by the node's traces of the whole block, in either form of them."""
    found = [
        {**place_row(block.at), **row}
        for row in _traced(node, block)
        if address in (row["from"], row["to"])
    ]
    return parse_list("internal", found, chain, address)


def calls_of(name: str, node: Node, height: int) -> Iterator[Mapping[str, object]]:
    """All calls of a block that moved coins, whoever got them. Raises SourceError, RowError."""
    return _traced(node, _block(name, node, height, full=False))


def _traced(node: Node, block: _Block) -> Iterator[Mapping[str, object]]:
    hashes = [
        hash32(each, "transaction")
        for each in items(block.told.get("transactions"), "transactions")
    ]
    if not hashes:
        return iter(())
    try:
        told = node.ask("trace_block", [hex(block.at.height)])
        return iter(traces_of(told, block.at.hash))
    except (Refused, BadResponse, RowError):
        how = {"tracer": "callTracer"}
        told = node.ask("debug_traceBlockByNumber", [hex(block.at.height), how])
        return iter(frames_of(told, hashes))


# -- what is no row ---------------------------------------------------------------------------


def leads(name: str, node: Node, address: str, span: Interval) -> list[Lead]:
    """See ports.SeesBlocks. Avalanche's blocks hold imports and exports beside transactions, in a
    form of their own (`blockExtraData`) in which addresses stand as they are."""
    if span.hi - span.lo >= MOST["native"]:
        raise NotServed(f"{name} looks through at most {MOST['native']} blocks")
    found = []
    for height in range(span.lo, span.hi + 1):
        try:
            told = _block(name, node, height, full=False).told
        except (RowError, BadResponse, Refused) as error:
            raise NotServed(f"{name} cannot say what block {height} holds: {error}") from None
        if str(told.get("miner")).lower() == address:
            what = "The address made this block: its reward and tips may have gone to it."
            found.append(Lead(what, "", height, name))
        if address[2:] in str(told.get("blockExtraData")).lower():
            what = (
                "The block holds an import or export between chains (an atomic transaction) that "
                "names the address and stands in no list."
            )
            found.append(Lead(what, "", height, name))
    return found
