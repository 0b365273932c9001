"""The Etherscan V2 style: five lists of an account, its balance, and the node proxy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from monitor.demo.world import acts
from monitor.demo.world.ledger import AccountLedger, Block, Record, TokenName
from monitor.demo.world.moves import ZERO_ADDRESS, Internal, TokenMove, Tx, Withdrawal
from monitor.demo.world.service import Reply, Request, Service, joined, said

ADDRESS = re.compile(r"0x[0-9a-f]{40}\Z")
LISTS = {
    "txlist": "native",
    "txlistinternal": "internal",
    "tokentx": "erc20",
    "tokennfttx": "erc721",
    "token1155tx": "erc1155",
    "txsBeaconWithdrawal": "withdrawal",
}
MOST_ADDRESSES = 20  # of one balancemulti
GWEI = 10**9
WINDOW = 10_000
PAGE = 1_000  # the free plan's, since July 2026
WINDOW_TEXT = "Result window is too large, PageNo x Offset size must be less than or equal to 10000"
CHAIN_TEXT = (
    "Missing or unsupported chainid parameter (required for v2 api), please see "
    "https://api.etherscan.io/v2/chainlist for the list of supported chainids"
)
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"


class Etherscan(Service[Tx]):
    """`ledger` must be an AccountLedger of an EVM chain."""

    style = "etherscan"
    url_tail = "/v2/api"
    limit_text = (
        b'{"status":"0","message":"NOTOK","result":"Max calls per sec rate limit reached (3/sec)"}'
    )
    ledger: AccountLedger

    def endpoint(self, request: Request) -> str:
        return request.query.get("action", "")

    def answer(self, request: Request) -> Reply:
        query = request.query
        if query.get("chainid") != str(self.chain_id):
            return _refused(CHAIN_TEXT)
        if self.knobs.api_key and query.get("apikey") != self.knobs.api_key:
            return _refused("Invalid API Key")
        if query.get("module") == "proxy":
            return self._proxy(query)
        if query.get("module") == "logs":
            return logs_reply(self, request, "No records found")
        if query.get("module") != "account":
            return _refused("Error! Missing Or invalid Module name")
        if query.get("action") == "txlistinternal" and "txhash" in query:
            return self._inside(query["txhash"])
        if query.get("action") == "balancemulti":
            return self._balances(query.get("address", "").lower().split(","))
        address = query.get("address", "").lower()
        if not ADDRESS.match(address):
            return _refused("Error! Invalid address format")
        return self._account(request, address)

    def _proxy(self, query: Mapping[str, str]) -> Reply:
        action = query.get("action", "")
        if action in self.knobs.lacks:
            return _refused("Error! Missing Or invalid Action name")
        name = query.get("address") or query.get("tag") or query.get("txhash", "")
        second = query.get("position") or query.get("boolean") == "true"
        return said({"jsonrpc": "2.0", "id": 1, "result": node_result(self, action, name, second)})

    def _inside(self, tx: str) -> Reply:
        """Calls of one transaction; the rows name neither it nor their place."""
        if "txlistinternal" in self.knobs.lacks:
            return _refused("Error! Missing Or invalid Action name")
        rows = [_internal_row(self.ledger, row) for row in inside(self, tx)]
        if not rows:
            return said({"status": "0", "message": "No transactions found", "result": []})
        told = [{k: v for k, v in row.items() if k not in ("hash", "traceId")} for row in rows]
        return said({"status": "1", "message": "OK", "result": told})

    def _balances(self, addresses: list[str]) -> Reply:
        if not all(map(ADDRESS.match, addresses)):
            return _refused("Error! Invalid address format")
        if len(addresses) > MOST_ADDRESSES:
            return _refused("Maximum of 20 addresses only in a single request")
        told = [{"account": a, "balance": str(self.balance(a))} for a in addresses]
        return said({"status": "1", "message": "OK", "result": told})

    def _account(self, request: Request, address: str) -> Reply:
        action = request.query.get("action", "")
        contract = request.query.get("contractaddress", "").lower()
        if action == "balance" or (action == "tokenbalance" and ADDRESS.match(contract)):
            text = str(self.balance(address, contract if action == "tokenbalance" else None))
            return said({"status": "1", "message": "OK", "result": text})
        if action not in LISTS or action in self.knobs.lacks:
            return _refused("Error! Missing Or invalid Action name")
        page, size = request.number("page", 1), request.number("offset", PAGE)
        if page * size > WINDOW:
            return _refused(WINDOW_TEXT)
        rows = self._rows(request, LISTS[action], address)
        size = min(size, self.knobs.page_cap or PAGE)
        return self._page(action, rows[(page - 1) * size : page * size])

    def _rows(self, request: Request, stream: str, address: str) -> list[Record[Tx]]:
        hi = request.query.get("endblock", "latest")
        upto = int(hi) if hi.isdecimal() else None
        rows = self.rows(stream, address, request.number("startblock", 0), upto)
        return rows[::-1] if request.query.get("sort") == "desc" else rows

    def _page(self, action: str, rows: list[Record[Tx]]) -> Reply:
        if not rows:
            return said({"status": "0", "message": "No transactions found", "result": []})
        make, tail = _ROWS[action], moving_tail(action, self.head_height())
        parts = (
            self.rendered(r, action, partial(make, self.ledger, r))[:-1] + tail(r) for r in rows
        )
        return Reply(b'{"status":"1","message":"OK","result":' + joined(parts) + b"}")


def node_result(service: Service[Tx], method: str, name: str, second: str | bool = False) -> object:
    """What a node answers: `name` is a block tag, an address or a transaction hash; `second`
    whether a block comes in full, or which word of storage."""
    head = service.head_height()
    if method == "eth_blockNumber":
        return hex(head)
    if method == "eth_getCode":
        return _accounts(service).code(name.lower())
    if method == "eth_getStorageAt":
        return _accounts(service).storage.get((name.lower(), str(second)), _word(0))
    if method == "eth_getBlockByNumber":
        height = int(name, 16) if name.startswith("0x") else head
        block = service.ledger.block(height) if height <= head else None
        return block and block_json(block, second is True)
    record = service.ledger.find(name.lower())
    if record is None or record.height > head:
        return None
    if method == "eth_getTransactionReceipt":
        return receipt_json(record)
    return tx_json(record.block, record.tx, record.index)


def _accounts(service: Service[Tx]) -> AccountLedger:
    assert isinstance(service.ledger, AccountLedger)
    return service.ledger


def logs_reply(service: Service[Tx], request: Request, empty: str) -> Reply:
    """`module=logs&action=getLogs` of one contract: its Transfers, or an issuer's acts."""
    query = request.query
    if query.get("topic0") != TRANSFER:
        return acts.logs_reply(service, request, empty)
    contract, top = query["address"].lower(), service.head_height("log")
    hi = min(request.number("toblock", top), top)
    blocks = map(service.ledger.block, range(request.number("fromblock", 0), hi + 1))
    rows = [
        {**_log(Record("log", block, tx, index, move), move), "timeStamp": hex(block.time)}
        for block in blocks
        if block is not None
        for index, tx in enumerate(block.txs)
        for move in tx.tokens
        if move.contract == contract and move.standard == "ERC-20"
    ]
    size = request.number("offset", PAGE)
    start = size * (request.number("page", 1) - 1)
    if not rows[start : start + size]:
        return said({"status": "0", "message": empty, "result": []})
    return said({"status": "1", "message": "OK", "result": rows[start : start + size]})


def inside(service: Service[Tx], tx: str) -> list[Record[Tx]]:
    """The rows of one transaction in the list of internal ones."""
    found = service.ledger.find(tx.lower())
    if found is None or found.height > service.head_height("internal"):
        return []
    return [
        Record("internal", found.block, found.tx, found.index, call, number)
        for number, call in enumerate(found.tx.internals)
        if call.path and call.value
    ]


def moving_tail(action: str, head: int) -> Callable[[Record[Tx]], bytes]:
    """The end of a row: confirmations move with the head, all else is written once."""
    if action in ("txlistinternal", "txsBeaconWithdrawal"):
        return lambda _: b"}"
    return lambda r: b',"confirmations":"%d"}' % max(head - r.height + 1, 0)


def _refused(text: str) -> Reply:
    return said({"status": "0", "message": "NOTOK", "result": text})


def tx_row(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    """A row of txlist without confirmations, which move."""
    del ledger
    tx, block = record.tx, record.block
    return {
        "blockNumber": str(block.height),
        "blockHash": block.hash,
        "timeStamp": str(block.time),
        "hash": tx.hash,
        "nonce": str(tx.nonce),
        "transactionIndex": str(record.index),
        "from": tx.sender,
        "to": tx.to or "",
        "value": str(tx.value),
        "gas": str(tx.gas),
        "gasPrice": str(tx.gas_price),
        "input": tx.input,
        "methodId": method_id(tx),
        "functionName": "",
        "contractAddress": tx.created or "",
        "cumulativeGasUsed": str(gas_upto(record)),
        "txreceipt_status": "1" if tx.ok else "0",
        "gasUsed": str(tx.gas_used),
        "isError": "0" if tx.ok else "1",
    }


def _internal_row(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    del ledger
    call, block = record.item, record.block
    assert isinstance(call, Internal)
    return {
        "blockNumber": str(block.height),
        "timeStamp": str(block.time),
        "hash": record.tx.hash,
        "from": call.sender,
        "to": call.recipient or "",
        "value": str(call.value),
        "contractAddress": call.created or "",
        "input": "",
        "type": call.kind,
        "gas": str(call.gas),
        "gasUsed": str(call.gas_used),
        "traceId": call.path,
        "isError": "1" if call.failed else "0",
        "errCode": "Reverted" if call.failed else "",
    }


def token_row(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    """A row of tokentx, tokennfttx or token1155tx, without confirmations and log index."""
    tx, block, move = record.tx, record.block, record.item
    assert isinstance(move, TokenMove)
    name = ledger.tokens.get(move.contract, TokenName("", "", None))
    row = {
        "blockNumber": str(block.height),
        "timeStamp": str(block.time),
        "hash": tx.hash,
        "nonce": str(tx.nonce),
        "blockHash": block.hash,
        "from": move.sender,
        "contractAddress": move.contract,
        "to": move.recipient,
        **_amount(move),
        "tokenName": name.name,
        "tokenSymbol": name.symbol,
    }
    if move.standard != "ERC-1155":
        row["tokenDecimal"] = "" if name.decimals is None else str(name.decimals)
    row |= {
        "transactionIndex": str(record.index),
        "gas": str(tx.gas),
        "gasPrice": str(tx.gas_price),
        "gasUsed": str(tx.gas_used),
        "cumulativeGasUsed": str(gas_upto(record)),
        "input": "deprecated",
        "methodId": method_id(tx),
        "functionName": "",
    }
    return row


def _amount(move: TokenMove) -> dict[str, str]:
    if move.standard == "ERC-20":
        return {"value": str(move.amount)}
    if move.standard == "ERC-721":
        return {"tokenID": str(move.token_id)}
    return {"tokenID": str(move.token_id), "tokenValue": str(move.amount)}


def _withdrawal_row(ledger: AccountLedger, record: Record[Tx]) -> dict[str, str]:
    """A row of txsBeaconWithdrawal; amounts are in gwei there."""
    del ledger
    paid = record.item
    assert isinstance(paid, Withdrawal)
    return {
        "withdrawalIndex": str(paid.index),
        "validatorIndex": str(paid.validator),
        "address": paid.address,
        "amount": str(paid.amount // GWEI),
        "blockNumber": str(record.height),
        "timestamp": str(record.block.time),
    }


_ROWS: dict[str, Callable[[AccountLedger, Record[Tx]], dict[str, str]]] = {
    "txsBeaconWithdrawal": _withdrawal_row,
    "txlist": tx_row,
    "txlistinternal": _internal_row,
    "tokentx": token_row,
    "tokennfttx": token_row,
    "token1155tx": token_row,
}


def method_id(tx: Tx) -> str:
    return tx.input[:10] if len(tx.input) >= 10 else "0x"


def gas_upto(record: Record[Tx]) -> int:
    return sum(tx.gas_used for tx in record.block.txs[: record.index + 1])


def block_json(block: Block[Tx], full: bool) -> dict[str, object]:
    """eth_getBlockByNumber's result."""
    txs: list[object] = [
        tx_json(block, tx, index) if full else tx.hash for index, tx in enumerate(block.txs)
    ]
    return {
        "number": hex(block.height),
        "hash": block.hash,
        "parentHash": block.parent,
        "timestamp": hex(block.time),
        "miner": ZERO_ADDRESS,
        "gasUsed": hex(sum(tx.gas_used for tx in block.txs)),
        "gasLimit": "0x1c9c380",
        "transactions": txs,
        **withdrawals_json(block),
    }


def withdrawals_json(block: Block[Tx]) -> dict[str, object]:
    """What a header says of validators' withdrawals; amounts are in gwei."""
    rows = [
        {
            "index": hex(w.index),
            "validatorIndex": hex(w.validator),
            "address": w.address,
            "amount": hex(w.amount // GWEI),
        }
        for w in block.withdrawals
    ]
    return {"withdrawals": rows} if rows else {}


def tx_json(block: Block[Tx], tx: Tx, index: int) -> dict[str, object]:
    """eth_getTransactionByHash's result."""
    return {
        "blockHash": block.hash,
        "blockNumber": hex(block.height),
        "from": tx.sender,
        "gas": hex(tx.gas),
        "gasPrice": hex(tx.gas_price),
        "hash": tx.hash,
        "input": tx.input,
        "nonce": hex(tx.nonce),
        "to": tx.to,
        "transactionIndex": hex(index),
        "value": hex(tx.value),
        "type": "0x0",
    }


def receipt_json(record: Record[Tx]) -> dict[str, object]:
    """eth_getTransactionReceipt's result, with a log for every token movement, act and other
    event; of a failed transaction none."""
    tx, block = record.tx, record.block
    return {
        **({"l1Fee": hex(tx.parent_fee)} if tx.parent_fee else {}),
        "blockHash": block.hash,
        "blockNumber": hex(block.height),
        "contractAddress": tx.created,
        "cumulativeGasUsed": hex(gas_upto(record)),
        "effectiveGasPrice": hex(tx.gas_price),
        "from": tx.sender,
        "gasUsed": hex(tx.gas_used),
        "logs": logs_json(record),
        "status": "0x1" if tx.ok else "0x0",
        "to": tx.to,
        "transactionHash": tx.hash,
        "transactionIndex": hex(record.index),
        "type": "0x0",
    }


def logs_json(record: Record[Tx]) -> list[dict[str, object]]:
    """All that a transaction wrote, in order; of a failed one nothing. Where several are said to
    stand at one place they come one after the other, a batch as events of one id each."""
    tx = record.tx
    if not tx.ok:
        return []
    told = [_log(record, move) for move in tx.tokens]
    for act in tx.acts:
        row = acts.log_row(Record("act", record.block, tx, record.index, act))
        told.append({**row, **_placed(record, act.log_index)})
    told += [
        {
            "address": log.contract,
            "topics": list(log.topics),
            "data": log.data,
            **_placed(record, log.log_index),
        }
        for log in tx.logs
    ]
    free = 0
    for log in sorted(told, key=log_place):
        log["logIndex"] = hex(max(free, log_place(log)))
        free = log_place(log) + 1
    return sorted(told, key=log_place)


def log_place(log: Mapping[str, object]) -> int:
    return int(str(log["logIndex"]), 16)


def _placed(record: Record[Tx], log_index: int) -> dict[str, object]:
    return {
        "blockNumber": hex(record.height),
        "blockHash": record.block.hash,
        "transactionHash": record.tx.hash,
        "transactionIndex": hex(record.index),
        "logIndex": hex(log_index),
        "removed": False,
    }


def _log(record: Record[Tx], move: TokenMove) -> dict[str, object]:
    parties = [_word(move.sender), _word(move.recipient)]
    if move.standard == "ERC-1155":
        topics = [TRANSFER_SINGLE, _word(record.tx.sender), *parties]
        data = _word(move.token_id or 0) + _word(move.amount)[2:]
    elif move.standard == "ERC-721":
        topics, data = [TRANSFER, *parties, _word(move.token_id or 0)], "0x"
    else:
        topics, data = [TRANSFER, *parties], _word(move.amount)
    return {
        "address": move.contract,
        "topics": topics,
        "data": data,
        **_placed(record, move.log_index),
    }


def _word(value: int | str) -> str:
    number = int(value, 16) if isinstance(value, str) else value
    return f"0x{number:064x}"
