"""What issuers of tokens write when they freeze, release or destroy, in each explorer's style."""

from __future__ import annotations

from functools import partial

import base58
from eth_utils.crypto import keccak

from monitor.demo.world.ledger import Record
from monitor.demo.world.moves import Act, Tx
from monitor.demo.world.service import Reply, Request, Service, joined, said

PAGE = 1_000


def topic(act: Act) -> str:
    """Of the event's signature: with an amount it has a second argument."""
    arguments = "address" if act.amount is None else "address,uint256"
    return "0x" + keccak(text=f"{act.event}({arguments})").hex()


def of(record: Record[Tx]) -> Act:
    assert isinstance(record.item, Act)
    return record.item


def logs_reply(service: Service[Tx], request: Request, empty: str) -> Reply:
    """`module=logs&action=getLogs` of one contract and one event."""
    query = request.query
    rows = service.rows(
        "act",
        query["address"].lower(),
        request.number("fromblock", 0),
        request.number("toblock", 0),
    )
    rows = [r for r in rows if topic(of(r)) == query.get("topic0")]
    size = min(request.number("offset", PAGE), service.knobs.page_cap or PAGE)
    start = size * (request.number("page", 1) - 1)
    if not rows[start : start + size]:
        return said({"status": "0", "message": empty, "result": []})
    parts = (service.rendered(r, "log", partial(log_row, r)) for r in rows[start : start + size])
    return Reply(b'{"status":"1","message":"OK","result":' + joined(parts) + b"}")


def log_row(record: Record[Tx]) -> dict[str, object]:
    """A row of getLogs: every number is hex."""
    act = of(record)
    word = f"0x{int(act.address, 16):064x}"
    amount = "" if act.amount is None else f"{act.amount:064x}"
    return {
        "address": act.contract,
        "topics": [topic(act), word] if act.indexed else [topic(act)],
        "data": "0x" + ("" if act.indexed else word[2:]) + amount,
        "blockNumber": hex(record.height),
        "blockHash": record.block.hash,
        "timeStamp": hex(record.block.time),
        "logIndex": hex(act.log_index),
        "transactionHash": record.tx.hash,
        "transactionIndex": hex(record.index),
    }


def event_row(record: Record[Tx]) -> dict[str, object]:
    """A row of TronGrid's `/v1/contracts/{contract}/events`: addresses as 0x and 20 bytes."""
    act = of(record)
    told = {"_user": "0x" + base58.b58decode_check(act.address)[1:].hex()}
    types = {"_user": "address"}
    if act.amount is not None:
        told["_balance"], types["_balance"] = str(act.amount), "uint256"
    return {
        "block_number": record.height,
        "block_timestamp": record.block.time * 1000,
        "contract_address": act.contract,
        "event_index": act.log_index,
        "event_name": act.event,
        "result": {**{str(n): v for n, v in enumerate(told.values())}, **told},
        "result_type": types,
        "transaction_id": record.tx.hash,
    }
