"""From a node into a ledger: blocks, receipts and traces, read back block by block.

Knows nothing of the world that `evm_world` builds, nor of its oracle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import base58
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from monitor.demo.world.ledger import AccountLedger, Block, TokenName
from monitor.demo.world.moves import Internal, TokenMove, Tx
from world.parts import Rpc, RpcError

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
SINGLE = "0x" + keccak(text="TransferSingle(address,address,address,uint256,uint256)").hex()
BATCH = "0x" + keccak(text="TransferBatch(address,address,address,uint256[],uint256[])").hex()


class EvmFeed:
    """Fills an AccountLedger from an EVM node with traces; `sync` follows the parent hash."""

    def __init__(self, rpc: Rpc, ledger: AccountLedger) -> None:
        self._rpc = rpc
        self._ledger = ledger
        self._unnamed: set[str] = set()

    def sync(self) -> None:
        ledger = self._ledger
        head = int(self._rpc.call("eth_blockNumber"), 16)
        gone = self._replaced()
        first = ledger.head.height - gone + 1 if len(ledger) else 0
        fresh = [
            b for lo in range(first, head + 1, 20) for b in self._blocks(lo, min(lo + 19, head))
        ]
        self._name_tokens(fresh)
        with ledger.lock:
            ledger.rollback(gone)
            for block in fresh:
                ledger.append(block)

    def _replaced(self) -> int:
        """How many of the ledger's newest blocks the node no longer has."""
        gone = 0
        while gone < len(self._ledger):
            known = self._ledger.block(self._ledger.head.height - gone)
            assert known is not None
            theirs = self._rpc.call("eth_getBlockByNumber", hex(known.height), False)
            if theirs and theirs["hash"] == known.hash:
                break
            gone += 1
        return gone

    def _blocks(self, lo: int, hi: int) -> list[Block[Tx]]:
        heights = range(lo, hi + 1)
        blocks = self._rpc.batch([("eth_getBlockByNumber", (hex(h), True)) for h in heights])
        traces = self._rpc.batch([("trace_block", (hex(h),)) for h in heights])
        hashes = [tx["hash"] for block in blocks for tx in block["transactions"]]
        receipts = self._rpc.batch([("eth_getTransactionReceipt", (h,)) for h in hashes])
        by_hash = dict(zip(hashes, receipts, strict=True))
        return [_block(b, t or [], by_hash) for b, t in zip(blocks, traces, strict=True)]

    def _name_tokens(self, blocks: list[Block[Tx]]) -> None:
        moves = [move for block in blocks for tx in block.txs for move in tx.tokens]
        for contract, standard in sorted({(m.contract, m.standard) for m in moves}):
            if contract not in self._ledger.tokens and contract not in self._unnamed:
                self._unnamed.add(contract)
                name = TokenName(
                    self._ask(contract, "symbol()", "string") or "",
                    self._ask(contract, "name()", "string") or "",
                    self._ask(contract, "decimals()", "uint8"),
                    standard,
                )
                self._ledger.tokens[contract] = name

    def _ask(self, contract: str, function: str, kind: str) -> Any:
        data = "0x" + keccak(text=function)[:4].hex()
        try:
            answer = self._rpc.call("eth_call", {"to": contract, "data": data}, "latest")
        except RpcError:
            return None
        return decode([kind], bytes.fromhex(answer[2:]))[0] if answer != "0x" else None


def tron_mirror(ledger: AccountLedger) -> AccountLedger:
    """The same chain as Tron would tell it: base58 addresses, bare hashes, TRC-20 only, no
    creations from outside (Tron has a contract type of its own for them)."""
    mirror = AccountLedger(tron=True, time=ledger.head.time, block_time=3)
    mirror.tokens = {tron_address(a): name for a, name in ledger.tokens.items()}
    for height in range(ledger.first_height, ledger.head.height + 1):
        block = ledger.block(height)
        assert block is not None
        mirror.mine((_tron_tx(tx) for tx in block.txs if tx.to), block.time)
    return mirror


def tron_address(address: str) -> str:
    """The base58 form of the same 20 bytes."""
    return base58.b58encode_check(b"\x41" + bytes.fromhex(address[2:])).decode()


def _tron_tx(tx: Tx) -> Tx:
    calls = (
        replace(
            call,
            sender=tron_address(call.sender),
            recipient=tron_address(call.recipient) if call.recipient else None,
            created=tron_address(call.created) if call.created else None,
        )
        for call in tx.internals
    )
    moves = (
        replace(
            move,
            contract=tron_address(move.contract),
            sender=tron_address(move.sender),
            recipient=tron_address(move.recipient),
        )
        for move in tx.tokens
        if move.standard == "ERC-20"
    )
    return replace(
        tx,
        hash=tx.hash[2:],
        sender=tron_address(tx.sender),
        to=tron_address(tx.to or tx.sender),
        internals=tuple(calls),
        tokens=tuple(moves),
    )


def _block(
    raw: dict[str, Any], traces: list[dict[str, Any]], receipts: dict[str, Any]
) -> Block[Tx]:
    calls: dict[str, list[dict[str, Any]]] = {}
    for trace in traces:
        if trace.get("transactionHash"):
            calls.setdefault(trace["transactionHash"], []).append(trace)
    txs = tuple(
        _tx(tx, receipts[tx["hash"]], calls.get(tx["hash"], [])) for tx in raw["transactions"]
    )
    number, time = int(raw["number"], 16), int(raw["timestamp"], 16)
    return Block(number, raw["hash"], raw["parentHash"], time, txs)


def _tx(raw: dict[str, Any], receipt: dict[str, Any], traces: list[dict[str, Any]]) -> Tx:
    created = receipt["contractAddress"]
    ok = receipt["status"] == "0x1"
    failed = {tuple(t["traceAddress"]) for t in traces if t.get("error")}
    internals = tuple(_internal(t, failed, ok) for t in traces)
    return Tx(
        hash=raw["hash"],
        sender=raw["from"].lower(),
        to=raw["to"].lower() if raw["to"] else None,
        value=int(raw["value"], 16),
        ok=ok,
        gas_used=int(receipt["gasUsed"], 16),
        gas_price=int(receipt["effectiveGasPrice"], 16),
        gas=int(raw["gas"], 16),
        nonce=int(raw["nonce"], 16),
        input=raw["input"],
        created=created.lower() if created and not raw["to"] else None,
        internals=internals,
        tokens=tuple(move for log in receipt["logs"] for move in _moves(log)),
    )


def _internal(trace: dict[str, Any], failed: set[tuple[int, ...]], ok: bool) -> Internal:
    action, result, where = trace["action"], trace.get("result") or {}, trace["traceAddress"]
    lost = not ok or any(tuple(where[:n]) in failed for n in range(len(where) + 1))
    path = "_".join(map(str, where))
    if trace["type"] == "suicide":
        value = int(action["balance"], 16)
        return Internal(
            action["address"], action["refundAddress"], value, "suicide", path, failed=lost
        )
    creates = trace["type"] == "create"
    kind = action.get("creationMethod", "create") if creates else action["callType"]
    return Internal(
        sender=action["from"],
        recipient=None if creates else action["to"],
        value=int(action["value"], 16),
        kind=kind,
        path=path,
        created=result.get("address") if creates else None,
        failed=lost,
        gas=int(action["gas"], 16),
        gas_used=int(result.get("gasUsed", "0x0"), 16),
        input="0x" if creates else action["input"],
    )


def _moves(log: dict[str, Any]) -> Iterator[TokenMove]:
    topics, data = log["topics"], bytes.fromhex(log["data"][2:])
    where, index = log["address"].lower(), int(log["logIndex"], 16)
    if topics and topics[0] == TRANSFER and len(topics) == 4:
        a, b = map(_address, topics[1:3])
        yield TokenMove("ERC-721", where, a, b, 1, index, int(topics[3], 16))
    elif topics and topics[0] == TRANSFER and len(topics) == 3 and len(data) == 32:
        a, b = map(_address, topics[1:3])
        yield TokenMove("ERC-20", where, a, b, int.from_bytes(data), index)
    elif topics and topics[0] in (SINGLE, BATCH):
        many = topics[0] == BATCH
        ids, amounts = decode(["uint256[]", "uint256[]"] if many else ["uint256", "uint256"], data)
        pairs = zip(ids, amounts, strict=True) if many else [(ids, amounts)]
        a, b = map(_address, topics[2:4])
        for place, (token, amount) in enumerate(pairs):
            yield TokenMove("ERC-1155", where, a, b, amount, index, token, place)


def _address(topic: str) -> str:
    return "0x" + topic[-40:].lower()
