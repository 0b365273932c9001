"""The Blockscout style: REST v2 with keyset pages, and its Etherscan-like API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial

from monitor.demo.world import etherscan
from monitor.demo.world.blockscout_items import (
    address_item,
    block_item,
    internal_item,
    iso,
    log_item,
    token_item,
    tx_item,
    v2_kind,
    withdrawal_item,
)
from monitor.demo.world.ledger import AccountLedger, Record
from monitor.demo.world.moves import Internal, TokenMove, Tx, Withdrawal
from monitor.demo.world.service import Reply, Request, Service, dump, joined, said

PAGE = 50
MOST = 10_000
RPC_EMPTY = {
    "txlist": "No transactions found",
    "txlistinternal": "No internal transactions found",
    "tokentx": "No token transfers found",
    "tokennfttx": "No token transfers found",
    "token1155tx": "No token transfers found",
}
PENDING_TEXT = "Some internal transactions within this block range have not yet been processed"
BALANCE_OF = "0x70a08231"
_CREATIONS = ("create", "create2")
Key = tuple[int, ...]


class Blockscout(Service[Tx]):
    """`ledger` must be an AccountLedger of an EVM chain."""

    style = "blockscout"
    limit_text = b'{"message":"Too many requests"}'
    ledger: AccountLedger

    def endpoint(self, request: Request) -> str:
        if request.path == "/api":
            return request.query.get("action", "")
        parts = request.path.strip("/").split("/")
        return "/".join(p for p in parts if not p.startswith("0x") and not p.isdecimal())

    def answer(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["api"]:
                return self._rpc(request)
            case ["json-rpc"] | ["api", "eth-rpc"]:
                return self._json_rpc(request)
            case ["api", "v2", "addresses", address] if etherscan.ADDRESS.match(address.lower()):
                return self._address(address.lower())
            case ["api", "v2", "addresses", address, stream] if stream in _PAGES:
                if not etherscan.ADDRESS.match(address.lower()):
                    return said({"message": "Invalid parameter(s)"}, 422)
                return self._address_page(request, address.lower(), stream)
            case ["api", "v2", "transactions", tx]:
                record = self.ledger.find(tx.lower())
                if record is None or record.height > self.head_height():
                    return said({"message": "Not found"}, 404)
                return said(self._tx_with_confirmations(record))
            case ["api", "v2", "transactions", tx, "logs"]:
                return self._logs(request, self.ledger.find(tx.lower()))
            case ["api", "v2", "blocks", *name]:
                return self._block(name[0]) if name else self._blocks(request)
            case _:
                return said({"message": "Not found"}, 404)

    def _internals_read(self, height: int) -> bool:
        upto = self.knobs.internals_upto
        return upto is None or height <= upto

    # REST v2: newest first, the cursor names the last row shown.

    def _address_page(self, request: Request, address: str, stream: str) -> Reply:
        listed, told_as, shape = _PAGES[stream]
        rows = self.rows(listed, address, told_as=told_as)
        rows = [r for r in rows if self._shown(request, stream, address, r)]
        rows = sorted(rows, key=_KEYS[stream], reverse=True)
        cursor = _cursor(request, stream)
        if cursor:
            rows = [r for r in rows if _KEYS[stream](r) < cursor]
        size = min(max(request.number("items_count", PAGE), 1), 100, self.knobs.page_cap or 100)
        page = rows[:size]
        following = _next_params(stream, page[-1]) if len(rows) > size else None
        items = joined(self._item(shape, r) for r in page)
        return Reply(b'{"items":' + items + b',"next_page_params":' + dump(following) + b"}")

    def _shown(self, request: Request, stream: str, address: str, record: Record[Tx]) -> bool:
        wanted = request.query.get("filter", "")
        if stream == "internal-transactions":
            call = record.item
            assert isinstance(call, Internal)
            if not self._internals_read(record.height):
                return False
            if call.path == "" and call.kind not in _CREATIONS:
                return False  # the transaction itself; a creation is listed all the same
            parties = (call.sender, call.recipient or call.created)
        elif stream == "token-transfers":
            move = record.item
            assert isinstance(move, TokenMove)
            kinds = request.query.get("type", "")
            if kinds and move.standard not in kinds.split(","):
                return False
            parties = (move.sender, move.recipient)
        elif stream == "withdrawals":
            return True
        else:
            parties = (record.tx.sender, record.tx.to or record.tx.created)
        return wanted not in ("from", "to") or parties[wanted == "to"] == address

    def _item(self, shape: Callable[[AccountLedger, Record[Tx]], object], r: Record[Tx]) -> bytes:
        if shape is tx_item:
            return dump(self._tx_with_confirmations(r))
        name = f"blockscout {shape.__name__}"
        return self.rendered(r, name, lambda: shape(self.ledger, r))

    def _tx_with_confirmations(self, record: Record[Tx]) -> dict[str, object]:
        item = tx_item(self.ledger, record)
        item["confirmations"] = max(self.head_height() - record.height + 1, 0)
        if not self._internals_read(record.height):
            item["result"] = "awaiting_internal_transactions"
        return item

    def _blocks(self, request: Request) -> Reply:
        top = min(self.head_height(), request.number("block_number", 2**62) - 1)
        last = max(top - PAGE, self.ledger.first_height - 1)
        found = [self.ledger.block(height) for height in range(top, last, -1)]
        items = [block_item(block) for block in found if block]
        more = last >= self.ledger.first_height
        following = {"block_number": last + 1, "items_count": PAGE} if more else None
        return said({"items": items, "next_page_params": following})

    def _block(self, name: str) -> Reply:
        known = self.ledger.block_by_hash(name.lower())
        block = self.ledger.block(int(name)) if name.isdecimal() else known
        if block is None or block.height > self.head_height():
            return said({"message": "Not found"}, 404)
        return said(block_item(block))

    def _json_rpc(self, request: Request) -> Reply:
        call = json.loads(request.body)
        first, second = (*call.get("params", ()), "", False)[:2]
        if call["method"] in self.knobs.lacks:
            error = {"code": -32601, "message": "Action not found."}
            return said({"jsonrpc": "2.0", "error": error, "id": call["id"]})
        if call["method"] == "eth_call":
            result: object = self._holding(first, str(second))
        else:
            result = etherscan.node_result(self, call["method"], str(first), second)
        return said({"jsonrpc": "2.0", "result": result, "id": call["id"]})

    def _holding(self, asked: Mapping[str, str], which: str) -> str | None:
        """What a token's contract answers to balanceOf; of a block above the head nothing."""
        height = int(which, 16) if which.startswith("0x") else self.head_height()
        if height > self.head_height():
            return None
        if not asked["data"].startswith(BALANCE_OF):
            return "0x"
        holder = "0x" + asked["data"][-40:]
        return f"0x{self.balance(holder.lower(), asked['to'].lower(), height):064x}"

    def _logs(self, request: Request, record: Record[Tx] | None) -> Reply:
        """The cursor names the last log shown."""
        if record is None or record.height > self.head_height():
            return said({"message": "Not found"}, 404)
        after = request.number("index", -1)
        logs = etherscan.logs_json(record)
        left = [log for log in logs if etherscan.log_place(log) > after]
        size = min(PAGE, self.knobs.page_cap or PAGE)
        items = [log_item(log, record) for log in left[:size]]
        following = None
        if len(left) > size:
            last = items[-1]["index"]
            following = {"block_number": record.height, "index": last, "items_count": size}
        return said({"items": items, "next_page_params": following})

    def _address(self, address: str) -> Reply:
        code = self.ledger.code(address)
        lists = ("native", "trace", "token", "withdrawal", "change")
        if code == "0x" and not any(self.ledger.records(name, address) for name in lists):
            return said({"message": "Not found"}, 404)
        return said(address_item(address, self.balance(address), self.balance_height, code))

    # The Etherscan-like API, with its own order, page size, empty texts and status "2".

    def _rpc(self, request: Request) -> Reply:
        query = request.query
        action = query.get("action", "")
        if action == "eth_block_number":
            return said({"jsonrpc": "2.0", "result": hex(self.head_height()), "id": 0})
        if query.get("module") == "logs":
            return etherscan.logs_reply(self, request, "No logs found")
        lacking = action in self.knobs.lacks
        if lacking or (action not in RPC_EMPTY and action not in ("balance", "tokenbalance")):
            return said({"message": "Unknown action", "result": None, "status": "0"})
        if action == "txlistinternal" and "txhash" in query:
            return self._inside(query["txhash"])
        address = query.get("address", "").lower()
        if not etherscan.ADDRESS.match(address):
            text = "Invalid address format" if address else "Query parameter 'address' is required"
            return said({"message": text, "result": None, "status": "0"})
        if action in ("balance", "tokenbalance"):
            token = query.get("contractaddress", "").lower() if action == "tokenbalance" else None
            text = str(self.balance(address, token))
            return said({"message": "OK", "result": text, "status": "1"})
        return self._rpc_list(request, action, address)

    def _inside(self, tx: str) -> Reply:
        records = etherscan.inside(self, tx)
        if not all(self._internals_read(record.height) for record in records):
            return said({"message": PENDING_TEXT, "result": [], "status": "2"})
        rows = [_rpc_internal(self.ledger, record) for record in records]
        message, status = ("OK", "1") if rows else (RPC_EMPTY["txlistinternal"], "0")
        return said({"message": message, "result": rows, "status": status})

    def _rpc_list(self, request: Request, action: str, address: str) -> Reply:
        page, size = request.number("page", 1), request.number("offset", MOST)
        if page * size > MOST and size <= MOST:
            return said({"message": etherscan.WINDOW_TEXT, "result": None, "status": "0"})
        size = min(size, MOST) if size <= MOST else MOST  # a larger offset is ignored
        rows, waiting = self._rpc_rows(request, action, address)
        size = min(size, self.knobs.page_cap or MOST)
        shown = rows[(page - 1) * size : page * size]
        make = _RPC_ROWS[action]
        tail = etherscan.moving_tail(action, self.head_height())
        parts = joined(
            self.rendered(r, f"rpc {action}", partial(make, self.ledger, r))[:-1] + tail(r)
            for r in shown
        )
        message, status = ("OK", "1") if shown else (RPC_EMPTY[action], "0")
        if waiting:
            message, status = PENDING_TEXT, "2"
        end = b',"status":' + dump(status) + b"}"
        return Reply(b'{"message":' + dump(message) + b',"result":' + parts + end)

    def _rpc_rows(
        self, request: Request, action: str, address: str
    ) -> tuple[list[Record[Tx]], bool]:
        lo, hi = request.number("startblock", 0), request.number("endblock", 2**31 - 1)
        internal = action == "txlistinternal"
        stream = "trace" if internal else etherscan.LISTS[action]
        rows = self.rows(stream, address, lo, hi, "internal" if internal else "")
        waiting = internal and not self._internals_read(min(hi, self.head_height()))
        if internal:
            rows = [r for r in rows if _rpc_listed(r) and self._internals_read(r.height)]
        return rows if request.query.get("sort") == "asc" else rows[::-1], waiting


def _rpc_listed(record: Record[Tx]) -> bool:
    call = record.item
    assert isinstance(call, Internal)
    if call.kind in _CREATIONS:
        return True
    return call.value > 0 and call.path != ""


def _rpc_tx(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    row = etherscan.tx_row(ledger, record)
    del row["functionName"]
    return row


def _rpc_token(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    row = etherscan.token_row(ledger, record)
    return row | {"input": record.tx.input}


def _rpc_internal(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    del ledger
    call = record.item
    assert isinstance(call, Internal)
    plain = call.kind in ("call", "delegatecall", "staticcall")
    return {
        "blockNumber": str(record.height),
        "callType": call.kind if plain else "",
        "contractAddress": call.created or "",
        "errCode": "Reverted" if call.failed else "",
        "from": call.sender,
        "gas": str(call.gas),
        "gasUsed": str(call.gas_used),
        "index": str(record.number),
        "input": call.input,
        "isError": "1" if call.failed else "0",
        "timeStamp": str(record.block.time),
        "to": call.recipient or "",
        "transactionHash": record.tx.hash,
        "type": "call" if plain else v2_kind(call),
        "value": str(call.value),
    }


_RPC_ROWS: dict[str, Callable[[AccountLedger, Record[Tx]], dict[str, str]]] = {
    "txlist": _rpc_tx,
    "txlistinternal": _rpc_internal,
    "tokentx": _rpc_token,
    "tokennfttx": _rpc_token,
    "token1155tx": _rpc_token,
}


def _token_key(record: Record[Tx]) -> Key:
    move = record.item
    assert isinstance(move, TokenMove)
    return record.height, move.log_index, move.place


def _withdrawal(record: Record[Tx]) -> Withdrawal:
    assert isinstance(record.item, Withdrawal)
    return record.item


_PAGES: dict[str, tuple[str, str, Callable[[AccountLedger, Record[Tx]], dict[str, object]]]] = {
    "transactions": ("native", "", tx_item),
    "internal-transactions": ("trace", "internal", internal_item),
    "token-transfers": ("token", "", token_item),
    "withdrawals": ("withdrawal", "", withdrawal_item),
}
_KEYS: dict[str, Callable[[Record[Tx]], Key]] = {
    "transactions": lambda r: (r.height, r.index),
    "internal-transactions": lambda r: (r.height, r.index, r.number),
    "token-transfers": _token_key,
    "withdrawals": lambda r: (_withdrawal(r).index,),
}
_CURSORS = {
    "transactions": ("block_number", "index"),
    "internal-transactions": ("block_number", "transaction_index", "index"),
    "token-transfers": ("block_number", "index", "index_in_batch"),
    "withdrawals": ("index",),
}


def _cursor(request: Request, stream: str) -> Key | None:
    names = _CURSORS[stream]
    if names[0] not in request.query:
        return None
    return tuple(request.number(name, 0) for name in names)


def _next_params(stream: str, record: Record[Tx]) -> dict[str, object]:
    params: dict[str, object] = dict(zip(_CURSORS[stream], _KEYS[stream](record), strict=True))
    if stream == "transactions":
        params |= {
            "hash": record.tx.hash,
            "inserted_at": iso(record.block.time),
            "value": str(record.tx.value),
            "fee": str(record.tx.fee),
        }
    return params
