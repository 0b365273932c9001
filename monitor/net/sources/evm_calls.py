"""Coins that calls inside one transaction moved, of everybody: they stand in no log. Pure.

Read as the lists of addresses have them, so that each has the leg that it has there. Where a
source does not tell them, or one of them cannot be read, the logs stand alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from monitor.model import Chain, Transfer
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused
from monitor.model.events import TxLogs
from monitor.net.sources.account_rows import parse_list
from monitor.net.sources.evm_profile import Rpc
from monitor.net.sources.evm_traces import frames_of, traces_of
from monitor.net.sources.parsing import RowError, fields, hash32

# Rows of Etherscan's list of internal transactions, of one transaction.
Rows = Callable[[], Sequence[object]]


def with_coins(source: str, chain: Chain, told: TxLogs, ask: Rows) -> TxLogs:
    """The same with the coins in `legs`, behind the tokens. Raises BadResponse where the rows are
    another transaction's, RateLimited and Unavailable as `ask` does: it may be told later."""
    try:
        rows = [_of(told, row) for row in ask()]
    except (Refused, BadResponse, NotYet, RowError):
        return told
    if any(row["hash"] != told.tx or row["blockNumber"] != str(told.height) for row in rows):
        raise BadResponse(f"{source} answered with calls of another transaction")
    parsed = parse_list("internal", [row for row in rows if not _outermost(told, row)], chain, "")
    if parsed.gaps or not parsed.placed:
        return told
    coins = tuple(_timed(told, each) for each in parsed.transfers)
    return replace(told, legs=(*told.legs, *coins))


def _of(told: TxLogs, row: object) -> Mapping[str, object]:
    """Lists of one transaction leave out its hash, and a node's traces its block."""
    given = fields(row)
    tx = hash32(given.get("hash") or given.get("transactionHash") or told.tx, "hash")
    at = {"blockNumber": str(told.height), "timeStamp": str(told.time or 0)}
    return {**at, **given, "hash": tx}


def _outermost(told: TxLogs, row: Mapping[str, object]) -> bool:
    """Whether it is the transaction itself, which Blockscout counts as its call 0."""
    return row.get("index") in ("0", 0) and str(row.get("from")).lower() == told.sender


def _timed(told: TxLogs, coin: Transfer) -> Transfer:
    return replace(coin, time=told.time if told.time is not None else coin.time or None)


def traced(rpc: Rpc, tx: str, block_hash: str) -> Sequence[object]:
    """By a node's traces of one transaction, in either form. Raises NotServed where it has none."""
    try:
        return traces_of(rpc("trace_transaction", [tx]), block_hash)
    except (Refused, BadResponse, RowError):
        pass
    try:
        told = rpc("debug_traceTransaction", [tx, {"tracer": "callTracer"}])
        return frames_of([{"result": told}], [tx])
    except (Refused, BadResponse, RowError) as error:
        raise NotServed(f"no traces of a transaction: {error}") from None
