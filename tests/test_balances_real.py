"""The record held against balances on a real node of Litecoin: through mining, a reorg, and with
transactions that wait."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_reorg_real import litecoin_of
from world.home import Scene, entry, watchlist
from world.parts import Rpc

pytestmark = pytest.mark.real


def unspent(rpc: Rpc, address: str) -> int:
    """The node's own word, from its set of unspent outputs."""
    found = rpc.call("scantxoutset", "start", [f"addr({address})"])
    return int(Decimal(str(found["total_amount"])) * 10**8)


def held(scene: Scene) -> dict[str, Any]:
    said = scene.home.run("reconcile", "--format", "jsonl")
    return {each["address"]: each for each in map(json.loads, said.splitlines())}


def equal(scene: Scene, rpc: Rpc, people: list[str]) -> dict[str, int]:
    """Read everything and hold it against the chain; returns the balances, all of them equal."""
    scene.home.run("poll")
    found = held(scene)
    assert set(found) == set(people)
    for address, each in found.items():
        assert each["state"] == "reconciled", each
        assert each["recorded"] == each["on_chain"] == str(unspent(rpc, address))
    return {address: int(each["on_chain"]) for address, each in found.items()}


def pay(rpc: Rpc, address: str, coins: float) -> None:
    """Out of the wallet, which spends nothing of it by the way."""
    tx = rpc.call("sendtoaddress", address, coins)
    outputs = rpc.call("getrawtransaction", tx, True)["vout"]
    paid = next(o["n"] for o in outputs if address in o["scriptPubKey"].get("addresses", ()))
    rpc.call("lockunspent", False, [{"txid": tx, "vout": paid}])


def spend(rpc: Rpc, sender: str, recipient: str, coins: float) -> str:
    """Pay out of the sender's own outputs, with change to itself and a fee of 0.01."""
    rpc.call("lockunspent", True)
    inputs = rpc.call("listunspent", 0, 9999, [sender])
    change = round(float(sum(i["amount"] for i in inputs)) - coins - 0.01, 8)
    outputs = [{recipient: coins}, {sender: change}]
    spent = [{"txid": i["txid"], "vout": i["vout"]} for i in inputs]
    raw = rpc.call("createrawtransaction", spent, outputs)
    return str(rpc.call("signrawtransactionwithwallet", raw)["hex"])


@pytest.mark.parametrize("kind", ["esplora", "blockbook"])
def test_every_balance_equals_the_record(utxo_node: Rpc, tmp_path: Path, kind: str) -> None:
    """To the last unit: paid, spent with change to itself, waiting, mined, unmined, mined anew."""
    rpc = utxo_node
    one, two, three = people = [rpc.call("getnewaddress") for _ in range(3)]
    with litecoin_of(rpc, tmp_path, one, kind) as (scene, node):
        scene.home.write("watchlist.yaml", watchlist(*(entry(a, "ltc") for a in people)))
        assert equal(scene, rpc, people) == {one: 0, two: 0, three: 0}
        for n, address in enumerate((one, two, one)):
            pay(rpc, address, n + 1.5)
            node.mine()
        before = equal(scene, rpc, people)
        assert before == {one: 5 * 10**8, two: 25 * 10**7, three: 0}

        rpc.call("sendrawtransaction", spend(rpc, one, three, 2.25))
        node.feed.sync()
        assert equal(scene, rpc, people) == before
        assert {r["status"] for r in scene.home.transfers()} == {"pending", "provisional"}
        block = node.mine()
        after = equal(scene, rpc, people)
        assert after == {one: 274 * 10**6, two: 25 * 10**7, three: 225 * 10**6}

        rpc.call("invalidateblock", block)
        for _ in range(2):
            rpc.call("generateblock", rpc.call("getnewaddress"), [])
        node.feed.sync()
        assert equal(scene, rpc, people) == before
        node.mine(8)
        assert equal(scene, rpc, people) == after
        assert scene.alerts("unexplained") == []
