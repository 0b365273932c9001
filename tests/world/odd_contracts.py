"""Contracts whose balances are odd (contracts/Balances.sol), on a node of a test's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from world.parts import Rpc

CODES = json.loads((Path(__file__).parent / "contracts/Balances.json").read_text())
MULTICALL = "0xca11bde05977b3631167028862be2a173976ca11"
OWNER = "0x" + "a1" * 20
ETHER = 10**18


def data_of(name: str, function: str, *args: Any) -> str:
    types = _inputs(name, "function", function)
    selector = keccak(text=f"{function}({','.join(types)})")[:4]
    return "0x" + (selector + encode(types, args)).hex()


def _inputs(name: str, kind: str, function: str | None = None) -> list[str]:
    for item in CODES[name]["abi"]:
        if item["type"] == kind and item.get("name") == function:
            return [each["type"] for each in item["inputs"]]
    return []


def send(
    rpc: Rpc,
    to: str | None,
    data: str = "0x",
    value: int = 0,
    sender: str = OWNER,
    mine: bool = True,
) -> str:
    """A transaction, mined at once; its hash."""
    call = {"from": sender, "data": data, "value": hex(value), "gas": hex(4_000_000)}
    tx: str = rpc.call("eth_sendTransaction", call | ({"to": to} if to else {}))
    if mine:
        rpc.call("evm_mine")
    return tx


def deploy(rpc: Rpc, name: str, *args: Any, value: int = 0) -> str:
    """Its address; OWNER has to have coins."""
    code = CODES[name]["bytecode"] + encode(_inputs(name, "constructor"), args).hex()
    receipt = rpc.call("eth_getTransactionReceipt", send(rpc, None, code, value))
    assert receipt["status"] == "0x1"
    address: str = receipt["contractAddress"]
    return address


def put_multicall(rpc: Rpc) -> None:
    """Multicall3 at its address, from the next block on."""
    rpc.call("anvil_setCode", MULTICALL, CODES["Multicall"]["runtime"])
    rpc.call("evm_mine")
