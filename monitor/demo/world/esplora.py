"""The Esplora style (blockstream.info, mempool.space): a UTXO chain and its mempool."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.demo.world.ledger import Block, Record, UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.demo.world.service import TEXT, Reply, Request, Service, dump, joined, said

PAGE = 25
MEMPOOL_MOST = 50
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_NO_TX = "0" * 64
BYTES = "application/octet-stream"


class Esplora(Service[UtxoTx]):
    """`ledger` must be a UtxoLedger."""

    style = "esplora"
    limit_text = b"Too Many Requests"
    ledger: UtxoLedger

    def endpoint(self, request: Request) -> str:
        parts = request.path.strip("/").split("/")
        if parts[0] == "address":
            return "/".join(["address", *parts[2:4]])
        return "/".join(p for p in parts if not _HEX64.match(p) and not p.isdecimal())

    def answer(self, request: Request) -> Reply:
        parts = request.path.strip("/").split("/")
        match parts:
            case ["address", address]:
                return self._address(address)
            case ["address", address, "txs", "chain"]:
                return self._chain_page(address, None)
            case ["address", address, "txs", "chain", last]:
                return self._chain_page(address, last)
            case ["address", address, "txs", "mempool"]:
                return Reply(joined(self._pending(address)))
            case ["address", address, "txs"]:
                newest = self._newest_first(address)[:PAGE]
                return Reply(joined([*self._pending(address), *map(self._confirmed, newest)]))
            case ["tx", txid, *rest]:
                return self._tx(txid, rest == ["status"])
            case _:
                return self._blocks(parts)

    def _blocks(self, parts: list[str]) -> Reply:
        match parts:
            case ["blocks", "tip", "height"]:
                return _text(str(self.head_height()))
            case ["blocks", "tip", "hash"]:
                return _text(self._block_at(self.head_height()))
            case ["block-height", height] if height.isdecimal():
                return _text(self._block_at(int(height)))
            case ["block", block_hash, *what]:
                block = self.ledger.block_by_hash(block_hash)
                if block is None or block.height > self.head_height():
                    return _text("Block not found", 404)
                return self._block(block, what)
            case _:
                return _text("endpoint does not exist", 404)

    def _newest_first(self, address: str) -> list[Record[UtxoTx]]:
        return self.rows("utxo", address)[::-1]

    def _chain_page(self, address: str, last: str | None) -> Reply:
        rows = self._newest_first(address)
        # As in electrs: an unknown id looks like the end, a malformed one like none at all.
        if last is not None and _HEX64.match(last):
            place = next((n for n, r in enumerate(rows) if r.tx.hash == last), len(rows))
            rows = rows[place + 1 :]
        return Reply(joined(map(self._confirmed, rows[: self.knobs.page_cap or PAGE])))

    def _pending(self, address: str) -> list[bytes]:
        waiting = self.ledger.pending(address)[:MEMPOOL_MOST]
        shown = [tx for tx in waiting if ("mempool", tx.hash) not in self.knobs.hidden]
        return [dump(tx_json(tx, None)) for tx in shown]

    def _confirmed(self, record: Record[UtxoTx]) -> bytes:
        return self.rendered(record, "esplora", lambda: tx_json(record.tx, record.block))

    def _address(self, address: str) -> Reply:
        confirmed = [r.tx for r in self.ledger.records("utxo", address, 0, self.balance_height)]
        waiting = self.ledger.pending(address)
        stats = _stats(address, confirmed)
        stats["funded_txo_sum"] = stats["spent_txo_sum"] + self.balance(address)
        return said(
            {
                "address": address,
                "chain_stats": stats,
                "mempool_stats": _stats(address, waiting),
            }
        )

    def _tx(self, txid: str, status_only: bool) -> Reply:
        if not _HEX64.match(txid):
            return _text("Invalid hex string", 400)
        record = self.ledger.find(txid)
        if record is not None and record.height <= self.head_height("utxo"):
            tx, block = record.tx, record.block
        else:
            waiting = self.ledger.mempool.get(txid)
            if waiting is None:
                return _text("Transaction not found", 404)
            tx, block = waiting, None
        return said(_status(block) if status_only else tx_json(tx, block))

    def _block_at(self, height: int) -> str:
        block = self.ledger.block(height) if height <= self.head_height() else None
        if block is None:
            return "" if height else self.ledger.genesis
        return block.hash

    def _block(self, block: Block[UtxoTx], what: list[str]) -> Reply:
        match what:
            case []:
                return said(_block_json(block, len(self.ledger.txs(block))))
            case ["raw"]:
                raw = self.ledger.raw(block)
                return Reply(raw, content_type=BYTES) if raw else _text("Block not found", 404)
            case ["txids"]:
                return said([tx.hash for tx in self.ledger.txs(block)])
            case ["txs", start] if start.isdecimal() and int(start) % PAGE == 0:
                shown = self.ledger.txs(block)[int(start) : int(start) + PAGE]
                return said([tx_json(tx, block) for tx in shown])
            case _:
                return _text("start index must be a multipication of 25", 400)


def _block_json(block: Block[UtxoTx], count: int) -> dict[str, object]:
    return {
        "id": block.hash,
        "height": block.height,
        "version": 0x20000000,
        "timestamp": block.time,
        "tx_count": count,
        "size": 285,
        "weight": 1140,
        "merkle_root": _NO_TX,
        "previousblockhash": block.parent,
        "mediantime": block.time,
        "nonce": 0,
        "bits": 0x207FFFFF,
        "difficulty": 1,
    }


def _text(text: str, status: int = 200) -> Reply:
    if not text:
        text, status = "Block not found", 404
    return Reply(text.encode(), status, TEXT)


def _stats(address: str, txs: Iterable[UtxoTx]) -> dict[str, int]:
    seen = list(txs)
    paid = [o.value for tx in seen for o in tx.vout if o.address == address]
    spent = [
        i.prevout.value
        for tx in seen
        for i in tx.vin
        if i.prevout is not None and i.prevout.address == address
    ]
    return {
        "funded_txo_count": len(paid),
        "funded_txo_sum": sum(paid),
        "spent_txo_count": len(spent),
        "spent_txo_sum": sum(spent),
        "tx_count": len(seen),
    }


def tx_json(tx: UtxoTx, block: Block[UtxoTx] | None) -> dict[str, object]:
    """A transaction as Esplora tells it; `block` None while it waits in the mempool."""
    return {
        "txid": tx.hash,
        "version": tx.version,
        "locktime": tx.locktime,
        "vin": [_vin(spent) for spent in tx.vin],
        "vout": [_output(output) for output in tx.vout],
        "size": tx.size,
        "weight": tx.weight,
        "fee": tx.fee,
        "status": _status(block),
    }


def _status(block: Block[UtxoTx] | None) -> dict[str, object]:
    if block is None:
        return {"confirmed": False}
    return {
        "confirmed": True,
        "block_height": block.height,
        "block_hash": block.hash,
        "block_time": block.time,
    }


def _vin(spent: Input) -> dict[str, object]:
    return {
        "txid": spent.txid,
        "vout": spent.vout,
        "prevout": _output(spent.prevout) if spent.prevout else None,
        "scriptsig": spent.script,
        "scriptsig_asm": "",
        "is_coinbase": spent.prevout is None,
        "sequence": spent.sequence,
    }


def _output(output: Output) -> dict[str, object]:
    shown: dict[str, object] = {
        "scriptpubkey": output.script,
        "scriptpubkey_asm": "",
        "scriptpubkey_type": output.kind,
    }
    if output.address is not None:
        shown["scriptpubkey_address"] = output.address
    return shown | {"value": output.value}
