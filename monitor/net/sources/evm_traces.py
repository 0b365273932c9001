"""What calls inside transactions moved, by a node's traces of a block in either form. Pure.

Both come to rows of Etherscan's list of internal transactions: `traces_of` reads `trace_block`
(Erigon, Nethermind, Reth, anvil), `frames_of` geth's callTracer. What failed, with all below it,
moved nothing; borrowed code (delegatecall, callcode) and the transaction itself are no rows. Raised
is RowError, wherever a trace does not say all that it moved: geth's callTracer of before 2022
leaves out who gets what a contract held that destroyed itself (recorded).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from monitor.net.sources.parsing import RowError, fields, hash32, hex_whole, items, text

Row = Mapping[str, object]
_MOST_FRAMES = 200_000  # of one block
_MOVING = {
    "call": "call",
    "create": "create",
    "create2": "create2",
    "suicide": "suicide",
    "selfdestruct": "suicide",
}


def _row(tx: str, path: str, how: str, sender: object, recipient: object, wei: int) -> Row:
    return {
        "hash": tx,
        "traceId": path,
        "type": how,
        "from": text(sender, "from").lower(),
        "to": text(recipient, "to").lower(),
        "value": str(wei),
        "isError": "0",
    }


# -- trace_block ------------------------------------------------------------------------------


def traces_of(told: object, block_hash: str) -> list[Row]:
    """`trace_block`: a flat list; those of blocks' rewards name no transaction."""
    if not isinstance(told, list):
        raise RowError("traces are not a list")
    by_tx: dict[str, list[tuple[tuple[int, ...], Mapping[str, object]]]] = defaultdict(list)
    for trace in map(fields, told):
        if trace.get("transactionHash") is None:
            continue
        if hash32(trace.get("blockHash"), "blockHash") != block_hash:
            raise RowError("a trace is of another block")
        tx = hash32(trace.get("transactionHash"), "transactionHash")
        by_tx[tx].append((_path(trace.get("traceAddress")), trace))
    return [row for tx, traces in by_tx.items() for row in _standing(tx, traces)]


def traces_of_tx(tx: str, traces: Sequence[object]) -> list[Row]:
    """Of all traces of one transaction."""
    return list(_standing(tx, [(_path(t.get("traceAddress")), t) for t in map(fields, traces)]))


def _path(told: object) -> tuple[int, ...]:
    found = items(told, "traceAddress")
    if not all(isinstance(each, int) for each in found):
        raise RowError("traceAddress holds something else than numbers")
    return tuple(each for each in found if isinstance(each, int))


def _standing(
    tx: str, traces: Sequence[tuple[tuple[int, ...], Mapping[str, object]]]
) -> Iterator[Row]:
    failed = {path for path, trace in traces if trace.get("error")}
    for path, trace in traces:
        undone = any(path[:n] in failed for n in range(len(path) + 1))
        if path and not undone and (row := _moved(tx, path, trace)) is not None:
            yield row


def _moved(tx: str, path: tuple[int, ...], trace: Mapping[str, object]) -> Row | None:
    action, how = fields(trace.get("action")), str(trace.get("type"))
    where = "_".join(map(str, path))
    if how == "suicide":
        wei = hex_whole(action.get("balance"), "balance")
        ends = (action.get("address"), action.get("refundAddress"))
    elif how == "create":
        wei = hex_whole(action.get("value"), "value")
        ends = (action.get("from"), fields(trace.get("result")).get("address"))
    elif how == "call" and action.get("callType") == "call":
        wei = hex_whole(action.get("value"), "value")
        ends = (action.get("from"), action.get("to"))
    else:
        return None
    return _row(tx, where, how, *ends, wei) if wei else None


# -- callTracer -------------------------------------------------------------------------------


def frames_of(told: object, hashes: Sequence[str]) -> list[Row]:
    """`debug_traceBlockByNumber` with callTracer: a tree for each transaction of the block, whose
    hashes are given in order."""
    if not isinstance(told, list) or len(told) != len(hashes):
        raise RowError("there is not one trace for each transaction of the block")
    found: list[Row] = []
    for each, tx in zip(map(fields, told), hashes, strict=True):
        named = each.get("txHash")
        if named is not None and hash32(named, "txHash") != tx:
            raise RowError("traces are in another order than the block")
        if "result" not in each:
            raise RowError(f"a transaction is not traced: {str(each.get('error'))[:80]}")
        found += _walked(tx, fields(each["result"]))
    return found


def frames_of_tx(tx: str, top: object) -> list[Row]:
    """Of the tree of one transaction."""
    return list(_walked(tx, fields(top)))


def _walked(tx: str, top: Mapping[str, object]) -> Iterator[Row]:
    """The frames below the top, depth first; nothing below one that failed."""
    left: list[tuple[str, Mapping[str, object]]] = [("", top)]
    seen = 0
    while left:
        path, frame = left.pop()
        seen += 1
        if seen > _MOST_FRAMES:
            raise RowError("a transaction has more calls than are looked through")
        if frame.get("error"):
            continue
        if path and (row := _frame(tx, path, frame)) is not None:
            yield row
        calls = items(frame.get("calls"), "calls")
        below = [(f"{path}_{n}" if path else str(n), fields(call)) for n, call in enumerate(calls)]
        left += below[::-1]


def _frame(tx: str, path: str, frame: Mapping[str, object]) -> Row | None:
    how = _MOVING.get(str(frame.get("type")).lower())
    if how is None:
        return None
    if how == "suicide" and "value" not in frame:
        raise RowError("a trace leaves out what a contract held that destroyed itself")
    wei = hex_whole(frame.get("value") or "0x0", "value")
    return _row(tx, path, how, frame.get("from"), frame.get("to"), wei) if wei else None
