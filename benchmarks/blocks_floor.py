"""The floor beneath benchmarks/blocks.py: the same blocks fetched, parsed, matched and stored by
plain Python in one thread, with nothing but the standard library.

For every hundred blocks: their headers with transactions and their traces, twenty blocks to a
JSON-RPC batch over one kept connection, and their Transfer events by one eth_getLogs; the receipts
of what watched addresses paid a fee for, in one batch. Addresses are matched in a set. Rows go into
a table with the columns and indexes of `transfer`, one transaction for each hundred blocks,
`synchronous` as in the record. It checks nothing, proves nothing and tells nobody; an answer that
is cut would go unseen.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

RANGE, BATCH = 100, 20  # blocks
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
MANY = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
COLUMNS = (
    "chain, tx, leg, kind, contract, token_id, sender, recipient, amount, block_height, "
    "block_hash, time, tx_index, log_index, trace_path, status, first_seen"
)
Row = tuple[Any, ...]


class Rpc:
    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = HTTPConnection(place.hostname or "", place.port)
        self.requests = 0

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        self.requests += 1
        sent = [
            {"jsonrpc": "2.0", "id": n, "method": method, "params": params}
            for n, (method, params) in enumerate(calls)
        ]
        head = {"Content-Type": "application/json"}
        self._connection.request("POST", "/", json.dumps(sent), head)
        told = json.loads(self._connection.getresponse().read())
        return [each["result"] for each in sorted(told, key=lambda each: each["id"])]


def prepare(target: Path) -> None:
    """An empty table of transfers as the record has it, with its indexes."""
    from monitor.store.sqlite import Store

    store = Store(target.with_suffix(".record"), create=True)
    with store.write() as conn:
        made = conn.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'transfer' AND sql IS NOT NULL "
            "AND type IN ('table', 'index') ORDER BY type DESC"
        ).fetchall()
    store.close()
    with sqlite3.connect(target) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        for (sql,) in made:
            conn.execute(sql)
    conn.close()


def read(url: str, watched: AbstractSet[str], lo: int, hi: int, target: Path) -> tuple[int, int]:
    """Blocks lo to hi into the table: how many rows, and how many HTTP requests."""
    rpc, stored = Rpc(url), 0
    conn = sqlite3.connect(target)
    conn.execute("PRAGMA synchronous = FULL")
    insert = f"INSERT OR IGNORE INTO transfer ({COLUMNS}) VALUES ({','.join('?' * 17)})"
    for first in range(lo, hi + 1, RANGE):
        last = min(first + RANGE - 1, hi)
        rows = _range(rpc, watched, first, last)
        with conn:
            stored += conn.executemany(insert, rows).rowcount
    conn.close()
    return stored, rpc.requests


def _range(rpc: Rpc, watched: AbstractSet[str], first: int, last: int) -> list[Row]:
    rows: list[Row] = []
    times: dict[str, tuple[int, str, int]] = {}  # as the node writes a height: height, hash, time
    paid: list[tuple[str, str]] = []
    for at in range(first, last + 1, BATCH):
        heights = [hex(height) for height in range(at, min(at + BATCH - 1, last) + 1)]
        told = rpc.batch(
            [("eth_getBlockByNumber", (height, True)) for height in heights]
            + [("trace_block", (height,)) for height in heights]
        )
        half = len(heights)
        for block, traces in zip(told[:half], told[half:], strict=True):
            place = (int(block["number"], 16), block["hash"], int(block["timestamp"], 16))
            times[block["number"]] = place
            failed, inner = _traced(traces, watched, place)
            rows += inner
            rows += _coins(block["transactions"], watched, place, failed, paid)
    wanted = {"fromBlock": hex(first), "toBlock": hex(last), "topics": [[TRANSFER, SINGLE, MANY]]}
    [logs] = rpc.batch([("eth_getLogs", (wanted,))])
    for log in logs:
        rows += _tokens(log, watched, times[log["blockNumber"]])
    if paid:
        receipts = rpc.batch([("eth_getTransactionReceipt", (tx,)) for tx, _ in paid])
        rows += (_fee(receipt, times[receipt["blockNumber"]]) for receipt in receipts)
    return rows


def _row(
    kind: str,
    tx: str,
    sender: str,
    recipient: str | None,
    amount: int,
    place: tuple[int, str, int],
    tx_index: int,
    contract: str | None = None,
    token_id: str | None = None,
    ordinal: object = 0,
    log_index: int | None = None,
    path: str | None = None,
) -> Row:
    leg = f"{kind}|{contract or '-'}|{token_id or '-'}|{sender}|{recipient or '-'}|{amount}|"
    return (
        *("bench", tx, f"{leg}{ordinal}", kind, contract, token_id, sender, recipient),
        *(str(amount), *place, tx_index, log_index, path, "final", place[2]),
    )


def _traced(
    traces: Sequence[Any], watched: AbstractSet[str], place: tuple[int, str, int]
) -> tuple[set[str], list[Row]]:
    """Transactions that failed, and what calls inside others moved."""
    failed, rows = set(), []
    undone: tuple[str, list[int]] | None = None  # the call below which nothing happened
    for trace in traces:
        path, tx = trace["traceAddress"], trace["transactionHash"]
        if undone and undone[0] == tx and path[: len(undone[1])] == undone[1]:
            continue
        if trace.get("error"):
            undone = (tx, path)
            if not path:
                failed.add(tx)
            continue
        act = trace["action"]
        if not path or act.get("value", "0x0") == "0x0" or act.get("callType") == "delegatecall":
            continue
        taker = act.get("to") or trace["result"].get("address")
        if act["from"] in watched or taker in watched:
            at, words = trace["transactionPosition"], "_".join(map(str, path))
            value = int(act["value"], 16)
            more = {"ordinal": words, "path": words}
            rows.append(_row("internal", tx, act["from"], taker, value, place, at, **more))
    return failed, rows


def _coins(
    txs: Sequence[Any],
    watched: AbstractSet[str],
    place: tuple[int, str, int],
    failed: set[str],
    paid: list[tuple[str, str]],
) -> Iterator[Row]:
    for tx in txs:
        sender, taker = tx["from"], tx["to"]
        mine = sender in watched
        if mine:
            paid.append((tx["hash"], sender))
        if (mine or taker in watched) and tx["value"] != "0x0" and tx["hash"] not in failed:
            value, at = int(tx["value"], 16), int(tx["transactionIndex"], 16)
            yield _row("native", tx["hash"], sender, taker, value, place, at)


def _tokens(log: Any, watched: AbstractSet[str], place: tuple[int, str, int]) -> Iterator[Row]:
    topics = log["topics"]
    parties = topics[1:3] if topics[0] == TRANSFER else topics[2:4]
    if len(parties) < 2:
        return
    sender, taker = "0x" + parties[0][26:], "0x" + parties[1][26:]
    if sender not in watched and taker not in watched:
        return
    words = [log["data"][at : at + 64] for at in range(2, len(log["data"]), 64)]
    at, index, contract = int(log["transactionIndex"], 16), int(log["logIndex"], 16), log["address"]
    if topics[0] == TRANSFER and len(topics) == 4:
        moved = [("erc721", str(int(topics[3], 16)), 1)]
    elif topics[0] == TRANSFER:
        moved = [("erc20", None, int(words[0], 16))]
    elif topics[0] == SINGLE:
        moved = [("erc1155", str(int(words[0], 16)), int(words[1], 16))]
    else:
        count = int(words[2], 16)
        ids, values = words[3 : 3 + count], words[4 + count : 4 + 2 * count]
        pairs = zip(ids, values, strict=True)
        moved = [("erc1155", str(int(n, 16)), int(value, 16)) for n, value in pairs]
    for number, (kind, token_id, amount) in enumerate(moved):
        ordinal = f"{index}.{number}"
        yield _row(
            *(kind, log["transactionHash"], sender, taker, amount, place, at),
            *(contract, token_id, ordinal, index),
        )


def _fee(receipt: Any, place: tuple[int, str, int]) -> Row:
    cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    at = int(receipt["transactionIndex"], 16)
    return _row("fee", receipt["transactionHash"], receipt["from"], None, cost, place, at)
