"""Real blocks of Bitcoin's, and an Esplora that tells them: ../shared/data/tx/btc."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

import pytest

from monitor.chains.payees import Payees
from monitor.chains.raw_block import RawBlock, RawTx, read_block
from monitor.model import Chain
from world.parts import SHARED
from world.scripted_server import Call, Reply

BITCOIN = Chain(
    "bitcoin", "Bitcoin", "utxo", "BTC", 8, 6, block_time=600, bech32="bc", base58=(0, 5)
)
HEIGHTS = (300025, 426884, 482683, 702861)
FOLDER = SHARED / "data/tx/btc"


def hash_of(raw: bytes) -> str:
    return sha256(sha256(raw[:80]).digest()).digest()[::-1].hex()


@cache
def raw_of(height: int) -> bytes:
    path = FOLDER / f"mainnet_block{height}.raw"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path.read_bytes()


@cache
def block_of(height: int) -> RawBlock:
    raw = raw_of(height)
    return read_block(raw, hash_of(raw))


def undone(height: int) -> list[tuple[int, bytes]]:
    """Values and scripts of the outputs that a block's inputs spend, in order."""
    raw = (FOLDER / f"mainnet_block{height}-undo.raw").read_bytes()
    found, at = [], 0
    while at < len(raw):
        value, size = int.from_bytes(raw[at : at + 8], "little"), raw[at + 8]
        assert size < 0xFD
        found.append((value, raw[at + 9 : at + 9 + size]))
        at += 9 + size
    return found


def matches(height: int) -> list[dict[str, str]]:
    """The rows of expected_label_matches.tsv that concern one block."""
    lines = (SHARED / "data/tx/expected_label_matches.tsv").read_text().splitlines()
    names = lines[0].split("\t")
    rows = [dict(zip(names, line.split("\t"), strict=False)) for line in lines[1:]]
    return [r for r in rows if (r["chain"], r["block"]) == ("bitcoin", str(height))]


@dataclass
class BlockServer:
    """One block behind an Esplora. `spent`: outputs that inputs spend, by "txid:n"; of others it
    says that they had no address and a coin's least part."""

    height: int
    spent: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)
    raw: bytes = b""  # instead of the block's own
    changed: dict[str, Any] = field(default_factory=dict)  # answers by path
    lies: dict[str, dict[str, Any]] = field(default_factory=dict)  # fields by transaction
    calls: list[str] = field(default_factory=list)

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call.path)
        block = block_of(self.height)
        if call.path in self.changed:
            body = self.changed[call.path]
            return body if isinstance(body, Reply) else Reply(body)
        match call.path.strip("/").split("/"):
            case ["blocks", "tip", "hash"]:
                return Reply(block.hash.encode())
            case ["block-height", height]:
                there = int(height) == self.height
                return Reply(
                    block.hash.encode() if there else b"Block not found", 404 - 204 * there
                )
            case ["block", block.hash]:
                return Reply({"id": block.hash, "height": self.height, "timestamp": block.time})
            case ["block", block.hash, "raw"]:
                return Reply(self.raw or raw_of(self.height))
            case ["block", block.hash, "txs", start]:
                page = block.txs[int(start) : int(start) + 25]
                return Reply([self.row(tx) for tx in page])
            case ["tx", txid]:
                return Reply(self.row(next(tx for tx in block.txs if tx.txid == txid)))
        return Reply(b"endpoint does not exist", 404)

    def row(self, tx: RawTx) -> dict[str, Any]:
        block = block_of(self.height)
        vin: list[dict[str, Any]] = [{"is_coinbase": True}]
        if tx.spends:
            vin = [self._input(output) for output in tx.spends]
        return {
            "txid": tx.txid,
            "vin": vin,
            "vout": [_output(v, s) for v, s in zip(tx.values, tx.scripts, strict=True)],
            "status": {
                "confirmed": True,
                "block_height": self.height,
                "block_hash": block.hash,
                "block_time": block.time,
            },
            **self.lies.get(tx.txid, {}),
        }

    def _input(self, output: str) -> dict[str, Any]:
        txid, _, n = output.partition(":")
        prevout = _output(*self.spent.get(output, (1, b"")))
        return {"txid": txid, "vout": int(n), "is_coinbase": False, "prevout": prevout}


def _output(value: int, script: bytes) -> dict[str, Any]:
    address = Payees(BITCOIN).address(script)
    shown = {} if address is None else {"scriptpubkey_address": address}
    return {"value": value, "scriptpubkey": script.hex(), **shown}


def core_answer(name: str) -> Any:
    """A recorded answer of Bitcoin Core."""
    path = FOLDER / f"core_rpc/{name}"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return json.loads(path.read_text())
