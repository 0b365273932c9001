"""What a transaction of an EVM chain wrote, by its receipt (ports.TellsLogs). Pure.

Every log is told as it is; the movements of tokens among them are read as lists have them, so that
each has the leg that it has there. A log that anybody's contract wrote in the shape of a movement
and that is none by its standard is told, and moves nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.model import Chain, Transfer
from monitor.model.errors import BadResponse, NotYet
from monitor.model.events import Log, TxLogs
from monitor.net.sources.evm_logs import parse_logs
from monitor.net.sources.evm_rows import told_address
from monitor.net.sources.parsing import (
    RowError,
    fields,
    hash32,
    hex_whole,
    iso_seconds,
    items,
    place,
)

_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")
Row = Mapping[str, object]


def parse_receipt(source: str, chain: Chain, tx: str, receipt: object) -> TxLogs:
    """`eth_getTransactionReceipt`. Raises NotYet for null, BadResponse."""
    if receipt is None:
        raise NotYet(f"{source} does not know transaction {tx}")
    try:
        row = fields(receipt)
        if hash32(row.get("transactionHash"), "transactionHash") != tx.lower():
            raise RowError("it is of another transaction")
        if not isinstance(row.get("logs"), list):
            raise RowError("logs is not a list")
        logs = [] if failed(row) else [fields(log) for log in items(row["logs"], "logs")]
        told = _of_logs(chain, tx, logs, _number(row.get("blockNumber"), "blockNumber"))
        return replace(
            told, sender=told_address(chain, row.get("from")), to=_called(chain, row.get("to"))
        )
    except ValueError as error:
        raise BadResponse(f"{source}: a receipt cannot be read: {error}") from None


def failed(receipt: object) -> bool:
    """Whether a receipt is of a transaction that did nothing. Raises RowError."""
    status = fields(receipt).get("status")
    return status is not None and hex_whole(status, "status") == 0


def parse_rest(source: str, chain: Chain, tx: str, told: object, logs: Sequence[object]) -> TxLogs:
    """Of Blockscout's REST: `/transactions/{tx}` and all rows of its `/logs`. Raises NotYet for
    one that waits for its block, BadResponse."""
    try:
        row = fields(told)
        if hash32(row.get("hash"), "hash") != tx.lower():
            raise RowError("it is of another transaction")
        if row.get("block_number") is None:
            raise NotYet(f"{source}: transaction {tx} is in no block yet")
        height = place(row["block_number"], "block_number")
        index = {"transactionIndex": hex(place(row.get("position"), "position"))}
        done = row.get("status") != "error"
        rows = [{**_as_node(log), **index} for log in logs if done]
        found = _of_logs(chain, tx, rows, height)
        time = iso_seconds(row.get("timestamp"), "timestamp")
        signed, called = fields(row.get("from")), row.get("to")
        return replace(
            found,
            legs=tuple(replace(leg, time=time) for leg in found.legs),
            time=time,
            sender=told_address(chain, signed.get("hash")),
            to=None if called is None else told_address(chain, fields(called).get("hash")),
        )
    except ValueError as error:
        raise BadResponse(f"{source}: a transaction cannot be read: {error}") from None


def _as_node(log: object) -> Row:
    """A row of Blockscout's `/logs` in a node's form; topics come filled up with null."""
    row = fields(log)
    return {
        "address": fields(row.get("address")).get("hash"),
        "topics": [topic for topic in items(row.get("topics"), "topics") if topic is not None],
        "data": row.get("data"),
        "blockNumber": hex(place(row.get("block_number"), "block_number")),
        "blockHash": row.get("block_hash"),
        "transactionHash": row.get("transaction_hash"),
        "logIndex": hex(place(row.get("index"), "index")),
    }


def _of_logs(chain: Chain, tx: str, logs: Sequence[Row], height: int) -> TxLogs:
    for log in logs:
        if hash32(log.get("transactionHash"), "transactionHash") != tx.lower():
            raise RowError("a log is of another transaction")
        if _number(log.get("blockNumber"), "blockNumber") != height:
            raise RowError("a log is of another block than its transaction")
    told = sorted((_log(chain, log) for log in logs), key=lambda log: log.log_index)
    if len({log.log_index for log in told}) < len(told):
        raise RowError("two logs stand at the same place")
    times = [log["blockTimestamp"] for log in logs if log.get("blockTimestamp") is not None]
    time = _number(times[0], "blockTimestamp") if times else None
    return TxLogs(tx.lower(), _legs(chain, logs, time), tuple(told), height, time)


def _legs(chain: Chain, logs: Sequence[Row], time: int | None) -> tuple[Transfer, ...]:
    found = parse_logs(chain, logs, None, defaultdict(int)).transfers
    return tuple(
        replace(leg, time=time) for leg in sorted(found, key=lambda leg: leg.log_index or 0)
    )


def _log(chain: Chain, log: Row) -> Log:
    data, topics = log.get("data"), log.get("topics")
    if not isinstance(data, str) or not _DATA.match(data):
        raise RowError("a log's data is not hex text")
    if not isinstance(topics, list):
        raise RowError("a log's topics are not a list")
    return Log(
        contract=told_address(chain, log.get("address")),
        topics=tuple(hash32(topic, "topic") for topic in topics),
        data=data.lower(),
        log_index=_number(log.get("logIndex"), "logIndex"),
    )


def _called(chain: Chain, to: object) -> str | None:
    """What it called; a transaction that creates a contract calls nobody."""
    return None if to in (None, "") else told_address(chain, to)


def _number(value: object, field: str) -> int:
    return place(hex_whole(value, field), field)
