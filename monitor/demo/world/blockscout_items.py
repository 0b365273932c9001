"""The items of Blockscout's REST v2: what it says of a block, a transaction, a movement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from eth_utils.address import to_checksum_address

from monitor.demo.world import etherscan
from monitor.demo.world.ledger import AccountLedger, Block, Record, TokenName
from monitor.demo.world.moves import ZERO_ADDRESS, Internal, TokenMove, Tx, Withdrawal

DELEGATED = "0xef0100"  # EIP-7702


def v2_kind(call: Internal) -> str:
    return "selfdestruct" if call.kind == "suicide" else call.kind


@lru_cache(maxsize=65536)
def _person(address: str | None) -> dict[str, object] | None:
    if address is None:
        return None
    return {
        "ens_domain_name": None,
        "hash": to_checksum_address(address),
        "implementations": [],
        "is_contract": False,
        "is_scam": False,
        "is_verified": False,
        "metadata": None,
        "name": None,
        "private_tags": [],
        "proxy_type": None,
        "public_tags": [],
        "reputation": "ok",
        "watchlist_names": [],
    }


def iso(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def block_item(block: Block[Tx]) -> dict[str, object]:
    return {
        "height": block.height,
        "hash": block.hash,
        "parent_hash": block.parent,
        "timestamp": iso(block.time),
        "type": "block",
        "transactions_count": len(block.txs),
        "gas_used": str(sum(tx.gas_used for tx in block.txs)),
        "miner": _person(ZERO_ADDRESS),
    }


def tx_item(ledger: AccountLedger, record: Record[Tx]) -> dict[str, object]:
    """A transaction of REST v2, but for confirmations."""
    del ledger
    tx = record.tx
    return {
        "hash": tx.hash,
        "block_number": record.height,
        "position": record.index,
        "timestamp": iso(record.block.time),
        "from": _person(tx.sender),
        "to": _person(tx.to),
        "created_contract": _person(tx.created),
        "value": str(tx.value),
        "fee": {"type": "actual", "value": str(tx.fee)},
        "gas_limit": str(tx.gas),
        "gas_price": str(tx.gas_price),
        "gas_used": str(tx.gas_used),
        "nonce": tx.nonce,
        "raw_input": tx.input,
        "method": etherscan.method_id(tx) if tx.input != "0x" else None,
        "status": "ok" if tx.ok else "error",
        "result": "success" if tx.ok else "execution reverted",
        "has_error_in_internal_transactions": any(c.failed for c in tx.internals),
        "token_transfers": None,
        "token_transfers_overflow": None,
        "transaction_types": ["coin_transfer"] if tx.input == "0x" else ["contract_call"],
        "type": 0,
        "confirmations": 0,
    }


def internal_item(ledger: AccountLedger, record: Record[Tx]) -> dict[str, object]:
    del ledger
    call = record.item
    assert isinstance(call, Internal)
    return {
        "block_number": record.height,
        "created_contract": _person(call.created),
        "error": "Reverted" if call.failed else None,
        "from": _person(call.sender),
        "gas_limit": str(call.gas),
        "index": record.number,
        "success": not call.failed,
        "timestamp": iso(record.block.time),
        "to": _person(call.recipient),
        "transaction_hash": record.tx.hash,
        "transaction_index": record.index,
        "type": v2_kind(call),
        "value": str(call.value),
    }


def token_item(ledger: AccountLedger, record: Record[Tx]) -> dict[str, object]:
    move = record.item
    assert isinstance(move, TokenMove)
    name = ledger.tokens.get(move.contract, TokenName("", "", None, move.standard))
    decimals = None if name.decimals is None else str(name.decimals)
    return {
        "block_hash": record.block.hash,
        "block_number": record.height,
        "from": _person(move.sender),
        "log_index": move.log_index,
        "method": etherscan.method_id(record.tx),
        "timestamp": iso(record.block.time),
        "to": _person(move.recipient),
        "token": {
            "address_hash": to_checksum_address(move.contract),
            "decimals": decimals,
            "name": name.name or None,
            "symbol": name.symbol or None,
            "type": move.standard,
        },
        "token_type": move.standard,
        "total": _total(move, decimals),
        "transaction_hash": record.tx.hash,
        "type": _movement(move),
    }


def log_item(log: Mapping[str, object], record: Record[Tx]) -> dict[str, object]:
    """A row of a transaction's logs; topics are filled up to four."""
    topics = log["topics"]
    assert isinstance(topics, list)
    return {
        "address": _person(str(log["address"])),
        "block_hash": record.block.hash,
        "block_number": record.height,
        "data": log["data"],
        "decoded": None,
        "index": etherscan.log_place(log),
        "smart_contract": None,
        "topics": [*topics, *[None] * (4 - len(topics))],
        "transaction_hash": record.tx.hash,
    }


def withdrawal_item(ledger: AccountLedger, record: Record[Tx]) -> dict[str, object]:
    """What a validator was paid; unlike Etherscan's in wei."""
    del ledger
    paid = record.item
    assert isinstance(paid, Withdrawal)
    return {
        "amount": str(paid.amount),
        "block_number": record.height,
        "index": paid.index,
        "receiver": _person(paid.address),
        "timestamp": iso(record.block.time),
        "validator_index": paid.validator,
    }


def address_item(address: str, coins: int, height: int, code: str) -> dict[str, object]:
    """What there is to say of an address: its coins, the block at which they were so, and
    whether it is a contract; whose code it runs, by EIP-7702 alone."""
    delegated = code.startswith(DELEGATED)
    runs = "0x" + code.removeprefix(DELEGATED)
    proxy = {"implementations": [{"address_hash": runs, "name": None}], "proxy_type": "eip7702"}
    return {
        **(_person(address) or {}),
        "is_contract": code != "0x",
        **(proxy if delegated else {}),
        "block_number_balance_updated_at": height,
        "coin_balance": str(coins),
        "creation_transaction_hash": None,
        "creator_address_hash": None,
        "exchange_rate": None,
        "has_beacon_chain_withdrawals": False,
        "has_logs": False,
        "has_token_transfers": False,
        "has_tokens": False,
        "token": None,
    }


def _total(move: TokenMove, decimals: str | None) -> dict[str, object]:
    if move.standard == "ERC-20":
        return {"decimals": decimals, "value": str(move.amount)}
    token_id = {"token_id": str(move.token_id), "token_instance": None}
    if move.standard == "ERC-721":
        return {**token_id}
    return {"decimals": decimals, "value": str(move.amount), **token_id}


def _movement(move: TokenMove) -> str:
    if move.sender == ZERO_ADDRESS:
        return "token_minting"
    return "token_burning" if move.recipient == ZERO_ADDRESS else "token_transfer"
