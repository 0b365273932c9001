"""A block of an EVM chain in a node's words: its header, receipts, logs, and calls inside its
transactions in both forms that nodes have.

Everything fits together: the header's logsBloom is that of its logs, places of logs count through
the block, and what one call says of a transaction the others say too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from eth_utils.crypto import keccak

from monitor.demo.world.etherscan import block_json, log_place, logs_json, receipt_json
from monitor.demo.world.ledger import Block, Record
from monitor.demo.world.moves import ZERO_ADDRESS, Internal, Tx

Object = dict[str, Any]  # JSON
Path = tuple[int, ...]
NO_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"  # of an empty trie
SILENT = "0x" + "0" * 512  # the bloom of a block without logs
_FLAT = {"create2": "create", "delegatecall": "call", "staticcall": "call"}


def records(block: Block[Tx]) -> list[Record[Tx]]:
    """The transactions of a block, as rows of their own list."""
    return [Record("native", block, tx, index) for index, tx in enumerate(block.txs)]


def header(block: Block[Tx], full: bool) -> Object:
    """eth_getBlockByNumber's result."""
    logs = block_logs(block)
    return {
        **block_json(block, full),
        "logsBloom": bloom(logs) if logs else SILENT,
        "transactionsRoot": _root(tx.hash for tx in block.txs),
        "receiptsRoot": _root(f"{tx.hash} {tx.ok}" for tx in block.txs),
        "stateRoot": _root([block.hash]),
        "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
        "nonce": "0x0000000000000000",
        "difficulty": "0x0",
        "extraData": "0x",
        "baseFeePerGas": "0x7",
        "uncles": [],
    }


def _root(names: Iterable[str]) -> str:
    """Stands for a trie's root: that of an empty one is what the chain writes."""
    told = "|".join(names)
    return "0x" + hashlib.sha256(told.encode()).hexdigest() if told else NO_ROOT


def bloom(logs: Iterable[Object]) -> str:
    found = 0
    for log in logs:
        for text in (log["address"], *log["topics"]):
            found |= _bits(text)
    return f"0x{found:0512x}"


@lru_cache(maxsize=4096)
def _bits(text: str) -> int:
    """The three bits of 2,048 that an address or a topic sets: the low eleven of the first three
    pairs of bytes of its hash."""
    hashed = keccak(hexstr=text)
    pairs = (hashed[at] << 8 | hashed[at + 1] for at in (0, 2, 4))
    return sum({1 << (pair & 2047) for pair in pairs})


def block_logs(block: Block[Tx]) -> list[Object]:
    """All logs of a block in order; no two have the same place."""
    return [log for receipt in receipts(block) for log in receipt["logs"]]


def receipts(block: Block[Tx]) -> list[Object]:
    """eth_getBlockReceipts' result."""
    told: list[Object] = []
    free = 0
    for record in records(block):
        logs: list[Object] = logs_json(record)
        for log in logs:
            log["logIndex"] = hex(max(free, log_place(log)))
            log["blockTimestamp"] = hex(block.time)
            free = log_place(log) + 1
        told.append({**receipt_json(record), "logs": logs, "logsBloom": bloom(logs)})
    return told


# -- calls inside transactions ------------------------------------------------------------------


def calls_of(tx: Tx) -> dict[Path, Internal]:
    """The tree of a transaction's calls by place, the transaction itself at the top. Where a place
    has none below it, or none before it, calls that move nothing stand there."""
    top = tx.to or tx.created
    how = "create" if tx.to is None else "call"
    sent = Internal(tx.sender, tx.to, tx.value, how, "", tx.created, not tx.ok, input=tx.input)
    tree: dict[Path, Internal] = {(): sent}
    filler = Internal(top or ZERO_ADDRESS, ZERO_ADDRESS, 0, "staticcall")
    for call in tx.internals:
        path = tuple(map(int, call.path.split("_"))) if call.path else ()
        for depth in range(len(path)):
            for before in range(path[depth] + 1):
                tree.setdefault((*path[:depth], before), filler)
        if path:
            tree[path] = call
    return dict(sorted(tree.items()))


def traces(block: Block[Tx]) -> list[Object]:
    """What trace_block says of the block's transactions."""
    return [
        _trace(record, path, call, len([p for p in tree if p[:-1] == path and p]))
        for record in records(block)
        for tree in [calls_of(record.tx)]
        for path, call in tree.items()
    ]


def reward(block: Block[Tx]) -> Object:
    """What stands behind them, of no transaction."""
    paid = {"author": ZERO_ADDRESS, "rewardType": "block", "value": "0x0"}
    place = {"blockHash": block.hash, "blockNumber": block.height}
    return {"action": paid, "type": "reward", "subtraces": 0, "traceAddress": [], **place}


def _trace(record: Record[Tx], path: Path, call: Internal, below: int) -> Object:
    value, gas = hex(call.value), hex(call.gas)
    told: Object = {
        "blockHash": record.block.hash,
        "blockNumber": record.height,
        "transactionHash": record.tx.hash,
        "transactionPosition": record.index,
        "traceAddress": list(path),
        "subtraces": below,
        "type": _FLAT.get(call.kind, call.kind),
    }
    used = {"gasUsed": hex(call.gas_used)}
    if call.kind == "suicide":
        ends = {"address": call.sender, "refundAddress": call.recipient, "balance": value}
        told |= {"action": ends, "result": None}
    elif told["type"] == "create":
        told["action"] = {"from": call.sender, "value": value, "gas": gas, "init": call.input}
        told["result"] = {"address": call.created, "code": "0x60", **used}
    else:
        action = {"from": call.sender, "to": call.recipient, "callType": call.kind}
        told["action"] = {**action, "value": value, "gas": gas, "input": call.input}
        told["result"] = {"output": "0x", **used}
    if call.failed:
        told |= {"error": "Reverted", "result": None}
    return told


def frames(block: Block[Tx]) -> list[Object]:
    """debug_traceBlockByNumber's result with callTracer."""
    return [{"txHash": tx.hash, "result": _frame((), calls_of(tx))} for tx in block.txs]


def _frame(path: Path, tree: Mapping[Path, Internal]) -> Object:
    call = tree[path]
    told: Object = {
        "type": "SELFDESTRUCT" if call.kind == "suicide" else call.kind.upper(),
        "from": call.sender,
        "to": call.recipient or call.created,
        "value": hex(call.value),
        "gas": hex(call.gas),
        "gasUsed": hex(call.gas_used),
        "input": call.input,
    }
    if call.kind == "staticcall":
        del told["value"]
    if call.failed:
        told["error"] = "execution reverted"
    below = [p for p in tree if p and p[:-1] == path]
    return told | ({"calls": [_frame(p, tree) for p in below]} if below else {})
