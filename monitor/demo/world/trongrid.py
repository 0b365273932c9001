"""The TronGrid style: an account's transactions, its TRC-20 list, and the node calls."""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import base58

from monitor.demo.world import acts, etherscan
from monitor.demo.world.ledger import AccountLedger, Block, Record, TokenName
from monitor.demo.world.moves import Act, Internal, TokenMove, Tx
from monitor.demo.world.service import Reply, Request, Service, dump, joined, said

Object = dict[str, Any]  # JSON

PAGE = 20
MOST = 200
SOLID_DEPTH = 19
Key = tuple[int, int, int, int]


class TronGrid(Service[Tx]):
    """`ledger` must be an AccountLedger with tron=True; addresses in it are base58."""

    style = "trongrid"
    limit_text = (
        b'{"Error":"The key exceeds the frequency limit(15), and the query server is '
        b'suspended for 27 s"}'
    )
    ledger: AccountLedger

    def endpoint(self, request: Request) -> str:
        parts = request.path.strip("/").split("/")
        return "/".join(parts[:2] + parts[3:]) if parts[0] == "v1" else "/".join(parts)

    def answer(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["v1", "accounts", address, "transactions"]:
                return self._page(request, _base58(address), self._transactions, _tx_or_internal)
            case ["v1", "accounts", address, "transactions", "trc20"]:
                return self._page(request, _base58(address), self._trc20, self._trc20_row)
            case ["v1", "contracts", contract, "events"]:
                name = request.query.get("event_name")
                listing = partial(self._events, name=name)
                return self._page(request, _base58(contract), listing, acts.event_row)
            case ["wallet", "getnowblock"]:
                return said(block_json(self._block(0)))
            case ["wallet", "getblockbynum"]:
                found = self._asked_block(request)
                return said(self._whole_json(found) if found is not None else {})
            case ["wallet", "gettransactioninfobyblocknum"]:
                found = self._asked_block(request)
                infos = [info_json(record) for record in records(found)] if found else []
                return said(list(self.knobs.lies.part("receipts", infos)))
            case ["wallet", "getaccount"]:
                return said(self._account(json.loads(request.body)))
            case ["wallet", "triggerconstantcontract"]:
                return said(self._constant(json.loads(request.body)))
            case ["walletsolidity", "getnowblock"]:
                return said(block_json(self._block(SOLID_DEPTH)))
            case ["wallet" | "walletsolidity" as wallet, "gettransactioninfobyid"]:
                return said(self._find(request, wallet, info_json))
            case ["wallet" | "walletsolidity" as wallet, "gettransactionbyid"]:
                return said(self._find(request, wallet, tx_json))
            case _:
                return said({"success": False, "error": "Not found", "statusCode": 404}, 404)

    def _block(self, depth: int) -> Block[Tx]:
        height = max(self.head_height() - depth, self.ledger.first_height)
        block = self.ledger.block(height)
        assert block is not None
        return block

    def _asked_block(self, request: Request) -> Block[Tx] | None:
        height = int(json.loads(request.body or b"{}").get("num", -1))
        told = self.knobs.lies.ledger(self.ledger)
        return told.block(height) if height <= self.head_height() else None

    def _whole_json(self, block: Block[Tx]) -> Object:
        """With its transactions; a block without any has no such field."""
        txs = [node_tx_json(record) for record in records(block)]
        told = self.knobs.lies.part("transactions", txs)
        return block_json(block) | ({"transactions": list(told)} if told else {})

    def _account(self, asked: Mapping[str, str]) -> Object:
        """Nothing of an account that no TRX ever reached, whatever tokens it holds; of a contract
        always something."""
        address = _base58(asked["address"])
        lists = ("native", "internal", "change")
        rows = (self.ledger.records(name, address or "", 0, self.balance_height) for name in lists)
        contract = address is not None and self.ledger.code(address) != "0x"
        if address is None or not (contract or any(rows)):
            return {}
        sun = self.balance(address)
        account = {"address": address, "create_time": self.ledger.head.time * 1000}
        account |= {"type": "Contract"} if contract else {}
        return account | ({"balance": sun} if sun else {})

    def _constant(self, asked: Mapping[str, str]) -> Object:
        """What a token's contract answers to balanceOf."""
        holder = _base58("41" + asked["parameter"][-40:])
        contract = _base58(asked["contract_address"])
        if asked["function_selector"] != "balanceOf(address)" or not holder or not contract:
            return {"result": {"code": "CONTRACT_VALIDATE_ERROR"}}
        amount = f"{self.balance(holder, contract):064x}"
        return {"result": {"result": True}, "energy_used": 0, "constant_result": [amount]}

    def _find(self, request: Request, wallet: str, shape: Callable[[Record[Tx]], Object]) -> Object:
        name = json.loads(request.body or b"{}").get("value", "")
        record = self.ledger.find(str(name))
        top = self._block(SOLID_DEPTH if wallet == "walletsolidity" else 0).height
        return shape(record) if record is not None and record.height <= top else {}

    def _transactions(self, address: str) -> list[Record[Tx]]:
        """Transactions the account signed or was paid by, and calls that paid it inside."""
        rows = self.rows("native", address) + self.rows("internal", address)
        return sorted(rows, key=_key)

    def _trc20(self, address: str) -> list[Record[Tx]]:
        return self.rows("erc20", address, told_as="trc20")

    def _events(self, contract: str, name: str | None) -> list[Record[Tx]]:
        rows = self.rows("act", contract)
        return [r for r in rows if name in (None, acts.of(r).event)]

    def _page(
        self,
        request: Request,
        address: str | None,
        listing: Callable[[str], list[Record[Tx]]],
        shape: Callable[[Record[Tx]], Object],
    ) -> Reply:
        size = request.number("limit", PAGE)
        if address is None:
            text = "A valid account address is required"
            return said({"success": False, "error": text, "statusCode": 400}, 400)
        if not 0 < size <= MOST:
            return Reply(b"", 400)
        rows = self._within(request, listing(address))
        size = min(size, self.knobs.page_cap or MOST)
        page = rows[:size]
        meta: dict[str, object] = {"at": self._block(0).time * 1000, "page_size": len(page)}
        if len(rows) > size:
            fingerprint = _fingerprint(_key(page[-1]))
            link = f"https://local/v1/accounts/{address}?fingerprint={fingerprint}"
            meta |= {"fingerprint": fingerprint, "links": {"next": link}}
        name = f"trongrid {shape.__name__}"
        data = joined(self.rendered(r, name, partial(shape, r)) for r in page)
        return Reply(b'{"data":' + data + b',"success":true,"meta":' + dump(meta) + b"}")

    def _within(self, request: Request, rows: list[Record[Tx]]) -> list[Record[Tx]]:
        query = request.query
        events = "block_" if "/events" in request.path else ""
        least = request.number(f"min_{events}timestamp", 0)
        first = bisect_left(rows, least, key=_milliseconds)
        upto = request.number(f"max_{events}timestamp", 2**62)
        if query.get("only_confirmed") == "true":
            upto = min(upto, self._block(SOLID_DEPTH).time * 1000)
        rows = rows[first : bisect_left(rows, upto + 1, key=_milliseconds)]
        ascending = query.get("order_by", "").endswith(",asc")
        if "fingerprint" in query:
            after = _read_fingerprint(query["fingerprint"])
            rows = [r for r in rows if (_key(r) > after if ascending else _key(r) < after)]
        if query.get("contract_address"):
            wanted = _base58(query["contract_address"])
            rows = [r for r in rows if getattr(r.item, "contract", None) == wanted]
        return rows if ascending else rows[::-1]

    def _trc20_row(self, record: Record[Tx]) -> Object:
        move = record.item
        assert isinstance(move, TokenMove)
        name = self.ledger.tokens.get(move.contract, TokenName("", "", 0))
        return {
            "transaction_id": record.tx.hash,
            "token_info": {
                "symbol": name.symbol,
                "address": move.contract,
                "decimals": name.decimals,
                "name": name.name,
            },
            "block_timestamp": record.block.time * 1000,
            "from": move.sender,
            "to": move.recipient,
            "type": "Transfer",
            "value": str(move.amount),
        }


def _key(record: Record[Tx]) -> Key:
    return record.height, record.index, int(record.item is not None), record.number


def _milliseconds(record: Record[Tx]) -> int:
    return record.block.time * 1000


def _fingerprint(key: Key) -> str:
    return base64.urlsafe_b64encode(dump(key)).decode()


def _read_fingerprint(text: str) -> Key:
    height, index, inside, number = json.loads(base64.urlsafe_b64decode(text))
    return height, index, inside, number


def hex41(address: str) -> str:
    """The 41... form of a base58 address."""
    return base58.b58decode_check(address).hex()


def _base58(text: str) -> str | None:
    try:
        if text.startswith(("41", "0x")):
            payload = bytes.fromhex(text.removeprefix("0x")[-40:])
            return base58.b58encode_check(b"\x41" + payload).decode()
        return text if len(base58.b58decode_check(text)) == 21 else None
    except ValueError:
        return None


def block_json(block: Block[Tx]) -> Object:
    return {
        "blockID": block.hash,
        "block_header": {
            "raw_data": {
                "number": block.height,
                "txTrieRoot": _root(block),
                "witness_address": "41" + "0" * 40,
                "parentHash": block.parent,
                "version": 30,
                "timestamp": block.time * 1000,
            },
            "witness_signature": "",
        },
    }


def _root(block: Block[Tx]) -> str:
    """Nothing but zeros where there are no transactions, as the chain has it."""
    names = "".join(tx.hash for tx in block.txs)
    return hashlib.sha256(names.encode()).hexdigest() if names else "0" * 64


def records(block: Block[Tx]) -> list[Record[Tx]]:
    """The transactions of a block, as rows of their own list."""
    return [Record("native", block, tx, index) for index, tx in enumerate(block.txs)]


def node_tx_json(record: Record[Tx]) -> Object:
    """A transaction as the node has it in its block: what it came to is told elsewhere."""
    told = tx_json(record)
    names = ("signature", "txID", "raw_data", "raw_data_hex")
    return {"ret": [{"contractRet": told["ret"][0]["contractRet"]}], **{n: told[n] for n in names}}


def _tx_or_internal(record: Record[Tx]) -> Object:
    if record.item is None:
        return tx_json(record)
    call = record.item
    assert isinstance(call, Internal)
    return {
        "internal_tx_id": _internal_id(record.tx, record.number),
        "data": {
            "note": b"call".hex(),
            "rejected": call.failed,
            "call_value": {"_": call.value},
        },
        "block_timestamp": record.block.time * 1000,
        "to_address": hex41(call.recipient or call.created or ""),
        "tx_id": record.tx.hash,
        "from_address": hex41(call.sender),
    }


def tx_json(record: Record[Tx]) -> Object:
    """A transaction as /v1/accounts/.../transactions lists it."""
    tx, moment = record.tx, record.block.time * 1000
    plain = tx.input == "0x"
    kind = "TransferContract" if plain else "TriggerSmartContract"
    return {
        "ret": [{"contractRet": "SUCCESS" if tx.ok else "REVERT", "fee": tx.fee}],
        "signature": ["0" * 130],
        "txID": tx.hash,
        "net_usage": 0,
        "raw_data_hex": "",
        "net_fee": tx.fee if plain else 0,
        "energy_usage": 0,
        "blockNumber": record.height,
        "block_timestamp": moment,
        "energy_fee": 0 if plain else tx.fee,
        "energy_usage_total": 0,
        "raw_data": {
            "contract": [
                {
                    "parameter": {
                        "value": _contract_value(tx),
                        "type_url": f"type.googleapis.com/protocol.{kind}",
                    },
                    "type": kind,
                }
            ],
            "ref_block_bytes": "0000",
            "ref_block_hash": "0" * 16,
            "expiration": moment + 60_000,
            "timestamp": moment - 3_000,
        },
        "internal_transactions": [],
    }


def _contract_value(tx: Tx) -> Object:
    owner, target = hex41(tx.sender), hex41(tx.to or tx.created or "")
    if tx.input == "0x":
        return {"amount": tx.value, "owner_address": owner, "to_address": target}
    value: Object = {
        "data": tx.input.removeprefix("0x"),
        "owner_address": owner,
        "contract_address": target,
    }
    return value | ({"call_value": tx.value} if tx.value else {})


def _internal_id(tx: Tx, number: int) -> str:
    return f"{number:04x}{tx.hash[4:]}"


def info_json(record: Record[Tx]) -> Object:
    """gettransactioninfobyid's answer."""
    tx = record.tx
    info: Object = {
        "id": tx.hash,
        "fee": tx.fee,
        "blockNumber": record.height,
        "blockTimeStamp": record.block.time * 1000,
        "contractResult": [""],
        "receipt": {"net_fee": tx.fee},
    }
    if not tx.ok:
        info["result"] = "FAILED"
    if tx.input != "0x":
        info["contract_address"] = hex41(tx.to or tx.created or "")
        info["receipt"] = {"energy_fee": tx.fee, "result": "SUCCESS" if tx.ok else "REVERT"}
    inside = [(n, c) for n, c in enumerate(tx.internals) if c.path]
    if tx.ok and (tx.tokens or tx.logs or tx.acts):
        info["log"] = _logs(tx)
    if inside:
        info["internal_transactions"] = [_info_internal(tx, n, call) for n, call in inside]
    return info


def _logs(tx: Tx) -> list[Object]:
    """In order; addresses without the 41 of Tron, words without 0x. Of tokens those that are of
    TRC-20."""
    told = [(move.log_index, _transfer(move)) for move in tx.tokens if move.standard == "ERC-20"]
    told += [(act.log_index, _act(act)) for act in tx.acts]
    for log in tx.logs:
        topics = [topic.removeprefix("0x") for topic in log.topics]
        row = {"address": hex41(log.contract)[2:], "topics": topics}
        told.append((log.log_index, {**row, "data": log.data.removeprefix("0x")}))
    return [row for _, row in sorted(told, key=lambda each: each[0])]


def _act(act: Act) -> Object:
    word = hex41(act.address)[2:].rjust(64, "0")
    amount = "" if act.amount is None else f"{act.amount:064x}"
    topics = [acts.topic(act).removeprefix("0x"), *([word] if act.indexed else [])]
    data = ("" if act.indexed else word) + amount
    return {"address": hex41(act.contract)[2:], "topics": topics, "data": data}


def _transfer(move: TokenMove) -> Object:
    parties = [hex41(party)[2:].rjust(64, "0") for party in (move.sender, move.recipient)]
    return {
        "address": hex41(move.contract)[2:],
        "topics": [etherscan.TRANSFER.removeprefix("0x"), *parties],
        "data": f"{move.amount:064x}",
    }


def _info_internal(tx: Tx, number: int, call: Internal) -> Object:
    shown: Object = {
        "hash": _internal_id(tx, number),
        "caller_address": hex41(call.sender),
        "transferTo_address": hex41(call.recipient or call.created or ""),
        "callValueInfo": [{"callValue": call.value}] if call.value else [{}],
        "note": b"call".hex(),
    }
    return shown | ({"rejected": True} if call.failed else {})
