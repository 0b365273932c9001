"""The root of a block's transactions, worked out of what nodes hand out, against real headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from world.parts import Rpc

from monitor.net.sources.evm_tx_root import OtherKind, Roots, transactions_root
from monitor.net.sources.parsing import RowError

SHARED = Path(__file__).resolve().parents[2] / "shared"
REAL = [
    "explorers/recorded/etherscan/proxy_eth_getBlockByNumber_full.json",  # 97, of types 0 and 2
    "explorers/recorded/evm_rpc/etl_getBlockByNumber_block_with_logs.json",
    "explorers/recorded/evm_rpc/etl_getBlockByNumber_full_txs.json",
]


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is absent")
@pytest.mark.parametrize("name", REAL)
def test_real_blocks(name: str) -> None:
    """Of none of their transactions without the others, nor in another order."""
    block: Mapping[str, Any] = json.loads((SHARED / name).read_text("utf-8"))["result"]
    txs, root = block["transactions"], block["transactionsRoot"]
    assert transactions_root(txs) == root
    assert transactions_root(txs[::-1]) != root
    for at in range(len(txs)):
        assert transactions_root(txs[:at] + txs[at + 1 :]) != root
    changed = {**txs[-1], "value": "0x1234"}
    assert transactions_root([*txs[:-1], changed]) != root


@pytest.mark.real
@pytest.mark.parametrize("number", [1, 2, 16, 17, 127, 128, 129, 300])
def test_blocks_of_any_size(evm_node: Rpc, number: int) -> None:
    """Of all types that a wallet makes: with access lists, that create contracts."""
    (payer, *_) = evm_node.call("eth_accounts")
    kinds: list[dict[str, Any]] = [
        {"to": payer},
        {"to": payer, "gasPrice": hex(10**10), "type": "0x0"},
        {"to": payer, "gasPrice": hex(10**10), "type": "0x1", "accessList": ACCESS},
        {"data": "0x600a600c600039600a6000f3" + "00" * 60},
    ]
    calls = [
        (
            "eth_sendTransaction",
            [{"from": payer, "nonce": hex(n), "gas": hex(90_000), **kinds[n % len(kinds)]}],
        )
        for n in range(number)
    ]
    evm_node.batch(calls)
    evm_node.call("evm_mine")
    block = evm_node.call("eth_getBlockByNumber", "latest", True)
    assert len(block["transactions"]) == number
    assert transactions_root(block["transactions"]) == block["transactionsRoot"]


ACCESS = [{"address": "0x" + "11" * 20, "storageKeys": ["0x" + "00" * 31 + "07", "0x" + "ff" * 32]}]


def test_what_nobody_signed_is_judged_by_its_like() -> None:
    """A chain's own transactions that are in no root take nothing from what other blocks show."""
    signed = {"nonce": "0x0", "gasPrice": "0x1", "gas": "0x5208", "to": "0x" + "11" * 20,
              "value": "0x0", "input": "0x", "v": "0x1b", "r": "0x1", "s": "0x1"}  # fmt: skip
    own, other = {**signed, "r": "0x0", "s": "0x0"}, {"transactionsRoot": "0x" + "12" * 32}
    roots = Roots()
    assert roots.unknown
    assert not roots.doubt({"transactionsRoot": transactions_root([signed])}, [signed])
    assert roots.doubt(other, [signed])
    assert roots.stay([signed])
    for _ in range(3):
        assert roots.doubt(other, [signed, own])
        assert not roots.stay([signed, own])
    assert not roots.doubt(other, [signed, own])
    assert roots.silent
    assert roots.doubt(other, [signed])


def test_what_cannot_be_read_shows_nothing() -> None:
    with pytest.raises(OtherKind, match="type 126"):
        transactions_root([{"type": "0x7e"}])
    with pytest.raises(RowError, match="nonce"):
        transactions_root([{"type": "0x0"}])
    roots = Roots()
    for txs in ([{"type": "0x7e"}], [{"type": "0x0"}], [{"type": None, "to": 7}], []):
        assert not roots.doubt({"transactionsRoot": "0x" + "12" * 32}, txs)
    assert roots.unknown
