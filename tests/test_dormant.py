"""Addresses that never lived on a chain: whole polls over a real node beside an explorer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_dormant_node import OWNER, address, height, send
from world.evm_feed import EvmFeed
from world.evm_world import ETHER, created_by, deploy_data
from world.home import ALICE, Home, Scene, configured, entry, staged, watchlist
from world.parts import Rpc

from monitor.demo.world.ledger import AccountLedger

pytestmark = pytest.mark.real
COIN = created_by(OWNER, 0)


@dataclass
class Stage:
    """A scene whose chain is a node's, with an explorer that shows it and a list of addresses."""

    scene: Scene
    rpc: Rpc
    feed: EvmFeed

    @property
    def home(self) -> Home:
        return self.scene.home

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.rpc.call("evm_mine")
        self.feed.sync()

    def pay(self, to: str, value: int = 10**16, sender: str = OWNER) -> None:
        send(self.rpc, sender, to, value=value)
        self.feed.sync()

    def poll(self, code: int | None = 0) -> str:
        self.home.sql("UPDATE scope SET due = 0")
        return self.home.run("poll", code=code)

    def status(self) -> Any:
        return json.loads(self.home.run("status", "--json"))

    def dormant(self) -> dict[str, tuple[int, str]]:
        """Of each address whether it is asleep, and the sign of life that woke it."""
        rows = self.home.sql("SELECT subject, asleep, sign FROM dormant")
        return {key.partition("/")[2]: (asleep, sign) for key, asleep, sign in rows}

    def read_alone(self) -> set[str]:
        """The addresses whose lists were asked for one by one."""
        rows = self.home.sql("SELECT DISTINCT scope FROM reading WHERE ok IS NOT NULL")
        return {key.partition("/")[2] for (key,) in rows}


def listed(home: Home, *addresses: str, **terms: object) -> None:
    """Put a published list of these addresses into force."""
    file = home.path / "list.txt"
    file.write_text("".join(f"{each}\n" for each in addresses))
    row = {"kind": "text", "file": "list.txt", "watch": True, "case": "LIST"}
    home.write("config/lists.yaml", {"lists": {"desk": row | terms}})
    home.run("lists", "update", "desk", "--file", str(file))


@contextmanager
def stage(rpc: Rpc, path: Path, *sources: str, node: str = "") -> Iterator[Stage]:
    """With a verified token; `node`: the url under which the node is known."""
    rpc.call("anvil_setBalance", OWNER, hex(100 * ETHER))
    send(rpc, OWNER, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    ledger = AccountLedger()
    feed = EvmFeed(rpc, ledger)
    for _ in range(12):
        rpc.call("evm_mine")
    feed.sync()
    with staged(path, contacted=False, ledger=ledger) as scene:
        rows = {
            "mine": configured(scene.explorer),
            "node": {"kind": "evm_rpc", "url": node or rpc.url, "rate_per_second": 1000},
        }
        home = scene.home
        home.write("config/sources.yaml", {"sources": rows})
        chain = {"chain_id": 31337, "finality": 12, "sources": [*(sources or ("mine", "node"))]}
        home.write("config/chains.yaml", {"chains": {"ethereum": chain}})
        coin = {"symbol": "USDC", "decimals": 6, "name": "USD Coin", "source": "the test"}
        assets = {"ethereum": {COIN: {**coin, "date": "2026-01-01"}}}
        home.write("config/assets.yaml", {"assets": assets})
        home.write("watchlist.yaml", watchlist(entry(ALICE, "ethereum")))
        yield Stage(scene, rpc, feed)


def test_what_never_lived_is_asked_for_at_once(evm_node: Rpc, tmp_path: Path) -> None:
    """Of a list only those that lived are read list by list; at the first sign of life of another
    one its movement is told, as news, and it is read so from then on."""
    crowd = [address(n) for n in range(300)]
    lives = crowd[7]
    with stage(evm_node, tmp_path) as world:
        world.pay(lives)
        world.mine(12)
        listed(world.home, *crowd)
        world.poll()
        assert world.read_alone() == {ALICE, lives}
        assert world.dormant().keys() == set(crowd) - {lives}
        said = world.status()
        assert said["verdict"]["dormant"] == 299
        stands = {e["address"]: e for e in said["entries"]}
        assert stands[lives]["state"] == stands[ALICE]["state"] == "complete"
        proof = stands[crowd[0]]["dormant"]
        assert stands[crowd[0]]["state"] == "dormant"
        assert proof["by"] == "node"
        assert proof["block"] == height(world.rpc)
        assert {s["state"] for s in stands[crowd[0]]["streams"]} == {"dormant"}
        assert "2 of 301 entries fully read, 299 dormant" in world.home.run("status", code=None)
        checked = world.home.run("check", code=None)
        assert "299 dormant on 1 chain, shown there to nodes alone" in " ".join(checked.split())
        assert "299 addresses dormant on 1 chain" in " ".join(checked.split())
        late = crowd[200]
        world.pay(late)
        world.mine(2)
        world.poll()
        assert world.read_alone() == {ALICE, lives, late}
        assert [a["entry"]["address"] for a in world.scene.alerts("movement")] == [late]
        (told,) = (a for a in world.scene.alerts("movement"))
        assert told["lane"] == "news"
        assert world.dormant()[late][1].startswith("coins at block ")
        world.poll()
        assert world.read_alone() == {ALICE, lives, late}
