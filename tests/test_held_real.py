"""Held funds on real nodes: before a spend is in a block, and to the last unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_balances_real import pay, spend
from test_reorg_real import litecoin_of
from world.evm_feed import EvmFeed
from world.home import Scene, entry, staged, watchlist
from world.parts import Rpc

from monitor.demo.world.ledger import AccountLedger

pytestmark = pytest.mark.real
OWNER, SHOP = "0x" + "7a" * 20, "0x" + "7b" * 20
OPEN = "SELECT key FROM incident WHERE key LIKE 'heldfunds:%' AND closed IS NULL"


def news(scene: Scene) -> list[tuple[str, str, str]]:
    """Of what left."""
    found = [a for a in scene.home.alerts() if a["lane"] == "news" and a["direction"] == "out"]
    return [(a["kind"], a["severity"], a["transfers"][0]["status"]) for a in found if a["tx"]]


def test_a_spend_is_severe_while_it_waits_and_missing_once_mined(
    utxo_node: Rpc, tmp_path: Path
) -> None:
    """On litecoind, an entry that asks to hear of what is final alone."""
    rpc = utxo_node
    one, two = rpc.call("getnewaddress"), rpc.call("getnewaddress")
    with litecoin_of(rpc, tmp_path, one, "esplora") as (scene, node):
        pay(rpc, one, 1.5)
        node.mine()
        terms = {"held": "forfeited", "expected": {"ltc": "1.5"}, "tell_when": "final"}
        scene.home.write("watchlist.yaml", watchlist(entry(one, "ltc", **terms)))
        scene.home.run("poll")
        assert scene.home.sql(OPEN) == []
        rpc.call("sendrawtransaction", spend(rpc, one, two, 0.25))
        node.feed.sync()
        scene.home.run("poll")
        assert news(scene) == [("movement", "severe", "pending")]
        assert scene.home.sql(OPEN) == []
        node.mine(8)
        scene.home.run("poll")
        assert len(news(scene)) == 1
        assert len(scene.home.sql(OPEN)) == 1
        scene.home.run("verify")


def test_a_key_that_was_used_without_a_payment(evm_node: Rpc, tmp_path: Path) -> None:
    """On anvil: the fee is missing, and nothing else."""
    rpc: Any = evm_node
    ledger = AccountLedger()
    feed = EvmFeed(rpc, ledger)
    rpc.call("anvil_impersonateAccount", OWNER)
    rich = rpc.call("eth_accounts")[0]
    rpc.call("eth_sendTransaction", {"from": rich, "to": OWNER, "value": hex(10**18)})
    rpc.call("evm_mine")
    feed.sync()
    with staged(tmp_path, ledger=ledger) as scene:
        terms = {"held": "frozen", "expected": {"ETH": "1"}, "severity": "low"}
        scene.home.write("watchlist.yaml", watchlist(entry(OWNER, **terms)))
        scene.home.run("poll")
        assert (news(scene), scene.home.sql(OPEN)) == ([], [])
        rpc.call("eth_sendTransaction", {"from": OWNER, "to": SHOP, "value": "0x0"})
        for _ in range(15):
            rpc.call("evm_mine")
        feed.sync()
        scene.home.sql("UPDATE scope SET due = 0")
        scene.home.run("poll")
        assert [each[:2] for each in news(scene)] == [("activity", "severe")]
        assert len(scene.home.sql(OPEN)) == 1
        scene.home.run("reconcile", "--address", OWNER)
        scene.home.run("verify")
