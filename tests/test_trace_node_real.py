"""Following on a real EVM node, alone and together with an explorer: what a node cannot list is
said to be unread, never taken for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from world.evm_feed import EvmFeed
from world.evm_world import calldata, deploy_data
from world.home import Home, dev_chain
from world.parts import Rpc

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger

pytestmark = pytest.mark.real

THIEF, MULE, SPLIT, END, BANK = ("0x" + f"{digit}b" * 20 for digit in "12345")
M = 10**6
ETHER = 10**18


def send(rpc: Rpc, sender: str, to: str | None, data: str = "0x", value: int = 0) -> str:
    call = {"from": sender, "data": data, "gas": hex(3_000_000), "value": hex(value)}
    tx: str = rpc.call("eth_sendTransaction", call | ({"to": to} if to else {}))
    rpc.call("evm_mine")
    assert rpc.call("eth_getTransactionReceipt", tx)["status"] == "0x1"
    return tx


def story(rpc: Rpc) -> str:
    """Tokens and coins, each on a way of its own; who is followed had both from elsewhere before.
    Returns the token."""
    for person in (BANK, THIEF, MULE, SPLIT):
        rpc.call("anvil_setBalance", person, hex(10 * ETHER))
    made = send(rpc, BANK, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    token: str = rpc.call("eth_getTransactionReceipt", made)["contractAddress"].lower()
    send(rpc, BANK, token, calldata("Coin", "mint", THIEF, 1_000 * M))
    send(rpc, BANK, token, calldata("Coin", "mint", MULE, 200 * M))
    rpc.call("anvil_mine", hex(100))
    send(rpc, THIEF, token, calldata("Coin", "transfer", MULE, 1_000 * M))
    send(rpc, THIEF, MULE, value=5 * ETHER)
    send(rpc, MULE, token, calldata("Coin", "transfer", SPLIT, 1_100 * M))
    send(rpc, MULE, END, value=4 * ETHER)
    send(rpc, SPLIT, token, calldata("Coin", "transfer", END, 600 * M))
    rpc.call("anvil_mine", hex(40))
    return token


def followed(path: Path, token: str, *sources: tuple[str, Mapping[str, Any]]) -> Home:
    home = Home(path)
    home.write("config/settings.yaml", {"prices": "none"})
    home.write("config/sources.yaml", {"sources": dict(sources)})
    chain = dev_chain(*(name for name, _ in sources))
    home.write("config/chains.yaml", {"chains": {"dev": chain}})
    dollar = {"symbol": "USDC", "decimals": 6, "source": "us", "date": "2026-01-01"}
    home.write("config/assets.yaml", {"assets": {"dev": {token: dollar}}})
    entry = {"address": THIEF, "chain": "dev", "label": "the thief"}
    case = {"reason": "a reason", "follow": {"hops": 10}, "addresses": [entry]}
    home.write("watchlist.yaml", {"cases": {"C-1": case}})
    return home


def node(rpc: Rpc) -> tuple[str, Mapping[str, Any]]:
    return "node", {"kind": "evm_rpc", "url": rpc.url, "rate_per_second": 1000}


def show(home: Home) -> dict[str, Any]:
    said = home.run("trace", "show", "C-1", "--format", "jsonl")
    lines = [json.loads(line) for line in said.splitlines()]
    differ = {t["difference"] for t in lines if t["type"] == "total" and t["method"] != "poison"}
    assert differ <= {"0"}
    return {line["address"]: line for line in lines if line["type"] == "node"}


UNLISTED = {
    "list not read: Coin transfers made by contracts (internal)",
    "list not read: Plain coin transfers",
}


def test_a_node_alone_follows_tokens_and_says_what_it_cannot_list(
    evm_node: Rpc, tmp_path: Path
) -> None:
    """All of a token's past, also what a followed address had before; of coins nothing at all."""
    token = story(evm_node)
    home = followed(tmp_path, token, node(evm_node))
    said = home.run("trace", "run", "C-1")
    nodes = show(home)
    explained = home.run("trace", "explain", "C-1", SPLIT)
    again = home.run("trace", "run", "C-1")
    assert said == again
    assert "4 addresses are not completely read" in said
    assert [nodes[each]["hop"] for each in (THIEF, MULE, SPLIT, END)] == [0, 1, 2, 3]
    for each in nodes.values():
        assert not each["complete"]
        assert set(each["unread"]) >= UNLISTED
    (rests,) = nodes[MULE]["holds"]
    assert (rests["amount"]["libr"], rests["amount"]["lifo"]) == (str(100 * M), "0")
    for method, (low, high) in rests["bounds"].items():
        assert int(low) <= int(rests["amount"][method]) <= int(high) <= 1_000 * M
    assert "0" * 30 not in explained, "an amount that no chain has"


def test_an_explorer_beside_the_node_lists_what_that_cannot(evm_node: Rpc, tmp_path: Path) -> None:
    """In whatever order they are asked: the coins are followed too, and all is read."""
    token = story(evm_node)
    ledger = AccountLedger()
    EvmFeed(evm_node, ledger).sync()
    with Explorer() as explorer:
        explorer.add("dev", ledger, "blockscout", chain_id=31337)
        url = explorer.url("dev", "blockscout")
        lists = ("lists", {"kind": "blockscout", "url": url, "rate_per_second": 1000})
        found = []
        for n, order in enumerate([(node(evm_node), lists), (lists, node(evm_node))]):
            home = followed(tmp_path / str(n), token, *order)
            assert "nothing is left to follow" in home.run("trace", "run", "C-1")
            found.append(show(home))
    assert found[0] == found[1]
    nodes = found[0]
    assert all(each["complete"] for each in nodes.values())
    held = {h["asset"]["symbol"]: h["amount"]["fifo"] for h in nodes[END]["holds"]}
    assert held == {"ETH": str(4 * ETHER), "USDC": str(400 * M)}
