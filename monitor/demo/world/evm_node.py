"""A node of an EVM chain: JSON-RPC over one ledger, one question or a batch of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.demo.world.etherscan import tx_json
from monitor.demo.world.evm_blocks import (
    Object,
    block_logs,
    frames,
    header,
    receipts,
    reward,
    traces,
)
from monitor.demo.world.ledger import AccountLedger, Block
from monitor.demo.world.moves import Tx
from monitor.demo.world.service import Reply, Request, Service, said

BALANCE_OF = "0x70a08231"
FINAL_DEPTH = 12  # blocks from the head to the one called final
MOST_IN_BATCH = 1_000
NO_METHOD, TOO_WIDE = -32601, -32005


class NodeError(Exception):
    """What a node answers instead of a result."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Params:
    """What a question is about, by place."""

    given: Sequence[object]

    def text(self, place: int) -> str:
        return str(self.given[place])

    def flag(self, place: int) -> bool:
        return bool(self.given[place])

    def fields(self, place: int) -> Object:
        found = self.given[place]
        if not isinstance(found, dict):
            raise NodeError(-32602, "invalid params: not an object")
        return found


class EvmNode(Service[Tx]):
    """`ledger` must be an AccountLedger of an EVM chain. `knobs.lacks` names methods that it does
    not have, `knobs.page_cap` the most logs of one answer, the rest being left out in silence."""

    style = "evm_rpc"
    limit_text = b'{"jsonrpc":"2.0","id":null,"error":{"code":429,"message":"Too many requests"}}'
    ledger: AccountLedger

    def __init__(self, ledger: AccountLedger, chain_id: int | None = None) -> None:
        super().__init__(ledger, chain_id)
        self.asked: Counter[str] = Counter()  # questions by method, those of batches one by one
        self._methods: Mapping[str, Callable[[Params], object]] = {
            "eth_chainId": lambda _: hex(self.chain_id or 0),
            "eth_blockNumber": lambda _: hex(self.head_height()),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getLogs": self._logs,
            "eth_getBlockReceipts": self._receipts,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getTransactionByHash": self._transaction,
            "trace_block": self._traces,
            "debug_traceBlockByNumber": lambda p: self._inside(self._at(p.text(0)), frames),
            "debug_traceBlockByHash": lambda p: self._inside(self._named(p.text(0)), frames),
            "eth_getBalance": lambda p: hex(
                self.balance(p.text(0).lower(), None, self._height(p.text(1)))
            ),
            "eth_getTransactionCount": self._sent,
            "eth_getCode": lambda p: self.ledger.code(p.text(0).lower()),
            "eth_call": self._call,
        }

    def endpoint(self, request: Request) -> str:
        asked = json.loads(request.body or b"{}")
        return str(asked.get("method", "")) if isinstance(asked, dict) else "batch"

    def answer(self, request: Request) -> Reply:
        try:
            asked = json.loads(request.body)
        except ValueError:
            return said(_error(None, -32700, "parse error"))
        if not isinstance(asked, list):
            return said(self._told(asked))
        if not 0 < len(asked) <= MOST_IN_BATCH:
            return said(_error(None, -32600, "batch too large"))
        return said([self._told(each) for each in asked])

    def _told(self, asked: Object) -> Object:
        method, number = str(asked["method"]), asked["id"]
        self.asked[method] += 1
        run = self._methods.get(method)
        if run is None or method in self.knobs.lacks:
            return _error(number, NO_METHOD, f"the method {method} does not exist/is not available")
        try:
            result = run(Params(asked.get("params", [])))
        except NodeError as error:
            return _error(number, error.code, str(error))
        return {"jsonrpc": "2.0", "id": number, "result": result}

    # -- blocks ---------------------------------------------------------------------------------

    def _height(self, which: str) -> int:
        """What a tag or a number names."""
        if which.startswith("0x"):
            return int(which, 16)
        if which in ("finalized", "safe"):
            depth = self.knobs.lag.get("finalized", FINAL_DEPTH)
            return max(self.head_height() - depth, self.ledger.first_height)
        return self.ledger.first_height if which == "earliest" else self.head_height()

    def _at(self, which: str) -> Block[Tx] | None:
        height = self._height(which)
        told = self.knobs.lies.ledger(self.ledger)
        return told.block(height) if height <= self.head_height() else None

    def _named(self, name: str) -> Block[Tx] | None:
        block = self.knobs.lies.ledger(self.ledger).block_by_hash(name.lower())
        return block if block is not None and block.height <= self.head_height() else None

    def _block_by_number(self, params: Params) -> object:
        return self._header(self._at(params.text(0)), params.flag(1))

    def _block_by_hash(self, params: Params) -> object:
        return self._header(self._named(params.text(0)), params.flag(1))

    def _header(self, block: Block[Tx] | None, full: bool) -> object:
        if block is None:
            return None
        told = header(block, full)
        listed = self.knobs.lies.part("transactions", told["transactions"])
        return {**told, "transactions": list(listed)}

    def _logs(self, params: Params) -> object:
        """Of a range up to its own head, or of one block by hash; filters are optional."""
        asked = params.fields(0)
        if name := asked.get("blockHash"):
            found = self._named(name)
            if found is None:
                raise NodeError(-32000, "unknown block")
            blocks = [found]
        else:
            lo, hi = (self._height(asked.get(end, "latest")) for end in ("fromBlock", "toBlock"))
            widest = self.knobs.lies.widest
            if widest is not None and hi - lo >= widest:
                raise NodeError(TOO_WIDE, f"block range is too large: limit of {widest}")
            told = self.knobs.lies.ledger(self.ledger)
            heights = range(lo, min(hi, self.head_height()) + 1)
            blocks = [block for block in map(told.block, heights) if block is not None]
        logs = [log for block in blocks for log in block_logs(block) if _fits(log, asked)]
        return list(self.knobs.lies.part("logs", logs))[: self.knobs.page_cap]

    def _receipts(self, params: Params) -> object:
        block = self._at(params.text(0))
        return None if block is None else list(self.knobs.lies.part("receipts", receipts(block)))

    def _receipt(self, params: Params) -> object:
        found = self.knobs.lies.ledger(self.ledger).find(params.text(0).lower())
        if found is None or found.height > self.head_height():
            return None
        told = self.knobs.lies.part("receipts", [receipts(found.block)[found.index]])
        return told[0] if told else None

    def _transaction(self, params: Params) -> object:
        found = self.ledger.find(params.text(0).lower())
        if found is None or found.height > self.head_height():
            return None
        return tx_json(found.block, found.tx, found.index)

    def _traces(self, params: Params) -> object:
        block = self._at(params.text(0))
        told = self._inside(block, traces)
        return [*told, reward(block)] if block is not None and (told or not block.txs) else told

    def _inside(
        self, block: Block[Tx] | None, told: Callable[[Block[Tx]], Sequence[Object]]
    ) -> list[Object]:
        if block is None:
            raise NodeError(-32000, "block not found")
        return list(self.knobs.lies.part("traces", told(block)))

    # -- what addresses are ---------------------------------------------------------------------

    def _balance(self, params: Params) -> str:
        return hex(self.balance(params.text(0).lower(), None, self._height(params.text(1))))

    def _sent(self, params: Params) -> str:
        address = params.text(0).lower()
        rows = self.rows("native", address, 0, self._height(params.text(1)))
        return hex(sum(row.tx.sender == address for row in rows))

    def _call(self, params: Params) -> str:
        """Contracts know balanceOf and nothing else."""
        asked = params.fields(0)
        data = str(asked.get("data") or asked.get("input") or "")
        if not data.startswith(BALANCE_OF):
            return "0x"
        holder, height = "0x" + data[-40:], self._height(params.text(1))
        return f"0x{self.balance(holder.lower(), asked['to'].lower(), height):064x}"


def _error(number: object, code: int, text: str) -> Object:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}}


def _fits(log: Object, asked: Object) -> bool:
    """Whether a log is of one of the contracts, and has these topics at their places."""
    contracts = asked.get("address") or []
    contracts = [contracts] if isinstance(contracts, str) else contracts
    if contracts and log["address"] not in [each.lower() for each in contracts]:
        return False
    wanted = asked.get("topics") or []
    if len(log["topics"]) < len(wanted):
        return False
    choices = [each if isinstance(each, list) else [each] for each in wanted]
    pairs = zip(log["topics"], choices, strict=False)
    return all(not each or None in each or topic in each for topic, each in pairs)
