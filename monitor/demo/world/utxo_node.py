"""A node of Bitcoin Core's kind, by JSON-RPC: a UTXO chain block by block, and what waits.

`knobs.lacks` may name "prevout" (blocks do not say what inputs spend, as before Core 23.0) and
"txindex" (transactions in blocks are not found by their id). `knobs.hidden` leaves ("block", txid)
out of blocks and ("mempool", txid) out of what waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from monitor.chains.raw_block import merkle_root
from monitor.demo.world.ledger import Block, UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.demo.world.service import Reply, Request, Service, said
from monitor.demo.world.utxo_raw import script_of

_NOTHING = Output(None, 0, "6a", "op_return")
_HELP = 'getblock "blockhash" ( verbosity )'
_HELP_OF_3 = _HELP + '\nResult (for verbosity = 3):\n{ "prevout" : { ... } }'
_NO_BLOCK, _OUT_OF_RANGE = (-5, "Block not found"), (-8, "Block height out of range")
_NO_TX = (-5, "No such mempool or blockchain transaction. Use gettransaction for wallet ones.")
_NO_INDEX = (-5, "No such mempool transaction. Use -txindex or provide a block hash.")


class _Refusal(Exception):
    """Code and text of an error."""


class UtxoNode(Service[UtxoTx]):
    """`ledger` must be a UtxoLedger."""

    style = "utxo_rpc"
    limit_text = b"Too many requests"
    ledger: UtxoLedger

    def endpoint(self, request: Request) -> str:
        asked = json.loads(request.body or b"[]")
        return str(asked[0]["method"]) if isinstance(asked, list) and asked else "single"

    def answer(self, request: Request) -> Reply:
        asked = json.loads(request.body)
        with self.ledger.lock:
            return said([self._answered(each) for each in asked])

    def _answered(self, asked: dict[str, object]) -> dict[str, object]:
        params = asked.get("params")
        assert isinstance(params, list)
        try:
            told, error = self._result(str(asked["method"]), params), None
        except _Refusal as refusal:
            told, error = None, dict(zip(("code", "message"), refusal.args, strict=True))
        return {"result": told, "error": error, "id": asked["id"]}

    def _result(self, method: str, params: Sequence[object]) -> object:
        match method, params:
            case "getblockchaininfo", []:
                return {"chain": "main", "blocks": self.head_height()}
            case "getbestblockhash", []:
                return self._hash_at(self.head_height())
            case "help", ["getblock"]:
                return _HELP if "prevout" in self.knobs.lacks else _HELP_OF_3
            case "getblockhash", [int(height)]:
                return self._hash_at(height)
            case "getblockheader", [str(name)]:
                return self._header(self._block(name))
            case "getblock", [str(name), int(verbosity)]:
                return self._whole(self._block(name), verbosity)
            case "getrawtransaction", [str(txid), 1]:
                return self._tx(txid)
            case "getrawmempool", []:
                waiting = self.ledger.mempool
                return [tx for tx in waiting if ("mempool", tx) not in self.knobs.hidden]
            case "gettxout", [str(txid), int(n), False]:
                return self._unspent(txid, n)
        raise _Refusal(-32601, "Method not found")

    def _hash_at(self, height: int) -> str:
        block = self.ledger.block(height) if height <= self.head_height() else None
        if block is None and (height or not self.ledger.genesis):
            raise _Refusal(*_OUT_OF_RANGE)
        return block.hash if block else self.ledger.genesis

    def _block(self, name: str) -> Block[UtxoTx]:
        block = self.ledger.block_by_hash(name)
        if block is None or block.height > self.head_height():
            raise _Refusal(*_NO_BLOCK)
        return block

    def _header(self, block: Block[UtxoTx]) -> dict[str, object]:
        txids = [tx.hash for tx in self.ledger.txs(block)]
        told: dict[str, object] = {
            "hash": block.hash,
            "confirmations": self.head_height() - block.height + 1,
            "height": block.height,
            "merkleroot": merkle_root(txids),
            "time": block.time,
            "nTx": len(txids),
        }
        return told | ({"previousblockhash": block.parent} if block.height else {})

    def _whole(self, block: Block[UtxoTx], verbosity: int) -> dict[str, object]:
        spent = verbosity >= 3 and "prevout" not in self.knobs.lacks
        shown = [t for t in self.ledger.txs(block) if ("block", t.hash) not in self.knobs.hidden]
        return {**self._header(block), "tx": [tx_json(tx, spent=spent) for tx in shown]}

    def _tx(self, txid: str) -> dict[str, object]:
        if waiting := self.ledger.mempool.get(txid):
            return tx_json(waiting)
        if "txindex" in self.knobs.lacks:
            raise _Refusal(*_NO_INDEX)
        record = self.ledger.find(txid)
        if record is not None and record.height <= self.head_height():
            return {**tx_json(record.tx), "blockhash": record.block.hash}
        return self._before(txid)

    def _before(self, txid: str) -> dict[str, object]:
        """A transaction that scripts only spend from."""
        known = {i.vout: i.prevout for i in self._inputs() if i.txid == txid and i.prevout}
        if not known:
            raise _Refusal(*_NO_TX)
        outputs = tuple(known.get(n, _NOTHING) for n in range(max(known) + 1))
        return tx_json(UtxoTx(txid, (), outputs))

    def _inputs(self) -> Iterator[Input]:
        ledger = self.ledger
        blocks = (ledger.block(ledger.first_height + n) for n in range(len(ledger)))
        for block in blocks:
            for tx in block.txs if block else ():
                yield from tx.vin
        for tx in ledger.mempool.values():
            yield from tx.vin

    def _unspent(self, txid: str, n: int) -> dict[str, object] | None:
        """Of what nothing spends but what waits."""
        for tx in self.ledger.mempool.values():
            for spent in tx.vin:
                if (spent.txid, spent.vout) == (txid, n) and spent.prevout:
                    return _output(spent.prevout)
        return None


def tx_json(tx: UtxoTx, *, spent: bool = False) -> dict[str, object]:
    """A transaction as a node tells it; `spent`: with the outputs that it spends."""
    return {
        "txid": tx.hash,
        "version": tx.version,
        "locktime": tx.locktime,
        "vin": [_input(each, spent=spent) for each in tx.vin],
        "vout": [{**_output(each), "n": n} for n, each in enumerate(tx.vout)],
    }


def _input(each: Input, *, spent: bool) -> dict[str, object]:
    if each.prevout is None:
        return {"coinbase": each.script, "sequence": each.sequence}
    told: dict[str, object] = {"txid": each.txid, "vout": each.vout, "sequence": each.sequence}
    return told | ({"prevout": _output(each.prevout)} if spent else {})


def _output(output: Output) -> dict[str, object]:
    paid = script_of(output.address).hex() if output.address else "6a"
    return {"value": output.value / 10**8, "scriptPubKey": {"hex": output.script or paid}}
