"""The Blockbook style (Trezor's explorer for coins of Bitcoin's kind): address, tx, block."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from monitor.demo.world.ledger import Block, Record, UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.demo.world.service import Reply, Request, Service, said

MOST = 1000
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")


class Blockbook(Service[UtxoTx]):
    """`ledger` must be a UtxoLedger."""

    style = "blockbook"
    limit_text = b'{"error":"Too many requests"}'
    ledger: UtxoLedger

    def endpoint(self, request: Request) -> str:
        parts = request.path.strip("/").split("/")
        return parts[2] if len(parts) > 2 else "status"

    def answer(self, request: Request) -> Reply:
        match request.path.strip("/").split("/"):
            case ["api", "v2", "address", address]:
                return self._address(address, request)
            case ["api", "v2", "tx", txid]:
                return self._tx(txid)
            case ["api", "v2", "block-index", height] if height.isdecimal():
                return said({"blockHash": self._hash_at(int(height))})
            case ["api", "v2", "block", name]:
                return self._block(name)
            case ["api", *_]:
                return self._status()  # as the real one: whatever it does not know
            case _:
                return Reply(b"<html>explorer</html>", content_type="text/html")

    def _address(self, address: str, request: Request) -> Reply:
        """Unconfirmed ones stand on the first page besides its rows, and nowhere once `to` is
        asked for; a page beyond the last one is the last one; how many pages there are is
        not known (-1) where only some blocks are asked for and the page is full."""
        size = min(request.number("pagesize", MOST) or MOST, MOST)
        size = min(size, self.knobs.page_cap or size)
        lo, hi = request.number("from", 0), request.number("to", 0)
        listed = self.rows("utxo", address, lo, hi or None)[::-1]
        last = max(len(listed) - 1, 0) // size + 1
        page = min(max(request.number("page", 1), 1), last)
        shown = [self._mined(r) for r in listed[(page - 1) * size : page * size]]
        waiting = [] if hi else self._waiting(address)
        total = len(self.rows("utxo", address))
        reported: dict[str, object] = {
            "page": page,
            "totalPages": -1 if (lo or hi) and len(listed) >= size else last,
            "itemsOnPage": size,
            "address": address,
            "balance": str(self.balance(address)),
            "unconfirmedBalance": str(sum(tx.adds(address) for tx in waiting)),
            "unconfirmedTxs": len(waiting),
            "txs": total,
        }
        rows = [*([tx_json(t, None, 0) for t in waiting] if page == 1 else []), *shown]
        return said(reported | {"transactions": rows} if rows else reported)

    def _waiting(self, address: str) -> list[UtxoTx]:
        waiting = self.ledger.pending(address)
        return [tx for tx in waiting if ("mempool", tx.hash) not in self.knobs.hidden]

    def _mined(self, record: Record[UtxoTx]) -> dict[str, object]:
        return tx_json(record.tx, record.block, self.head_height() - record.height + 1)

    def _tx(self, txid: str) -> Reply:
        record = self.ledger.find(txid)
        if record is not None and record.height <= self.head_height("utxo"):
            return said(self._mined(record))
        waiting = self.ledger.mempool.get(txid)
        if waiting is None:
            return _error(f"Transaction '{txid}' not found")
        return said(tx_json(waiting, None, 0))

    def _hash_at(self, height: int) -> str:
        block = self.ledger.block(height) if height <= self.head_height() else None
        if block is None:
            return "" if height else self.ledger.genesis
        return block.hash

    def _block(self, name: str) -> Reply:
        block = self.ledger.block_by_hash(name if _HEX64.match(name) else self._hash_at(int(name)))
        if block is None or block.height > self.head_height():
            return _error("Block not found")
        confirmations = self.head_height() - block.height + 1
        return said(
            {
                "page": 1,
                "totalPages": 1,
                "itemsOnPage": MOST,
                "hash": block.hash,
                "previousBlockHash": block.parent,
                "height": block.height,
                "confirmations": confirmations,
                "time": block.time,
                "txCount": len(block.txs),
                "txs": [tx_json(tx, block, confirmations) for tx in block.txs],
            }
        )

    def _status(self) -> Reply:
        head = self.ledger.block(self.head_height())
        now = datetime.now(UTC).isoformat()
        return said(
            {
                "blockbook": {
                    "coin": "Coin",
                    "syncMode": True,
                    "initialSync": False,
                    "inSync": not self.knobs.lag.get("head"),
                    "bestHeight": self.head_height(),
                    "lastBlockTime": now,  # when it was indexed
                    "decimals": 8,
                },
                "backend": {
                    "chain": "main",
                    "blocks": self.ledger.head.height,
                    "bestBlockHash": head.hash if head else "",
                },
            }
        )


def _error(text: str) -> Reply:
    return said({"error": text}, 400)


def tx_json(tx: UtxoTx, block: Block[UtxoTx] | None, confirmations: int) -> dict[str, object]:
    """A transaction as Blockbook reports it; `block` None while it waits in the mempool."""
    paid = sum(output.value for output in tx.vout)
    spent = sum(i.prevout.value for i in tx.vin if i.prevout is not None)
    reported: dict[str, object] = {
        "txid": tx.hash,
        "version": tx.version,
        "vin": [_vin(n, each) for n, each in enumerate(tx.vin)],
        "vout": [_vout(n, each) for n, each in enumerate(tx.vout)],
        "blockHeight": block.height if block else -1,
        "confirmations": confirmations,
        "blockTime": block.time if block else 0,
        "value": str(paid),
        "valueIn": str(spent),
        "fees": str(max(spent - paid, 0)),
    }
    return reported | {"blockHash": block.hash} if block else reported


def _vin(n: int, spent: Input) -> dict[str, object]:
    if spent.prevout is None:
        return {"n": n, "isAddress": False, "coinbase": spent.script or "00"}
    number = {"vout": spent.vout} if spent.vout else {}
    return {"txid": spent.txid, **number, "sequence": spent.sequence, "n": n} | _output(
        spent.prevout
    )


def _vout(n: int, output: Output) -> dict[str, object]:
    return {"n": n, "hex": output.script} | _output(output)


def _output(output: Output) -> dict[str, object]:
    """As the real one: what is no address is reported in its place, and marked."""
    said_instead = ["OP_RETURN (text)"] if output.kind == "op_return" else None
    reported = [output.address] if output.address is not None else said_instead
    return {
        "value": str(output.value),
        "addresses": reported,
        "isAddress": output.address is not None,
    }
