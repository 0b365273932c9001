"""Transactions of a node's blocks as rows of Etherscan's list, through whose parser they go:
whoever reports a movement, it is one row. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.net.sources.evm_rlp import keccak256, rlp, whole
from monitor.net.sources.parsing import hash32, hex_whole, place


@dataclass(frozen=True, slots=True)
class At:
    """Where a row stands."""

    height: int
    time: int  # Unix seconds
    hash: str


def at_of(header: Mapping[str, object]) -> At:
    """Raises RowError."""
    height, time = (
        place(hex_whole(header.get(name), name), name) for name in ("number", "timestamp")
    )
    return At(height, time, hash32(header.get("hash"), "hash"))


def native_row(
    sent: Mapping[str, object], receipt: Mapping[str, object], at: At
) -> dict[str, object]:
    """A transaction with its receipt. Receipts from before Byzantium have no status: what they
    are of counts as done."""
    status = receipt.get("status")
    failed = status is not None and hex_whole(status, "status") == 0
    price = receipt.get("effectiveGasPrice") or sent.get("gasPrice") or "0x0"
    return {
        **place_row(at),
        "hash": sent.get("hash"),
        "transactionIndex": str(hex_whole(sent.get("transactionIndex"), "transactionIndex")),
        "from": sent.get("from"),
        "to": sent.get("to") or "",
        "contractAddress": receipt.get("contractAddress") or "",
        "value": str(hex_whole(sent.get("value"), "value")),
        "input": sent.get("input"),
        "gasUsed": str(hex_whole(receipt.get("gasUsed"), "gasUsed")),
        "gasPrice": str(hex_whole(price, "gasPrice")),
        "isError": str(int(failed)),
        "txreceipt_status": str(int(not failed)),
    }


def place_row(at: At) -> dict[str, object]:
    return {
        "blockNumber": str(at.height),
        "blockHash": at.hash,
        "timeStamp": str(at.time),
    }


def created_by(sender: str, nonce: int) -> str:
    """The address of the contract that a transaction creates: the end of the hash of its sender
    and nonce, as RLP writes the two."""
    made = keccak256(rlp([bytes.fromhex(sender[2:]), whole(nonce)]))
    return f"0x{made[-20:].hex()}"
