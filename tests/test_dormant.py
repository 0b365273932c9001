"""Addresses that never lived on a chain: whole polls over a real node beside an explorer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from test_dormant_node import OWNER, address, height, send
from world.evm_feed import EvmFeed
from world.evm_world import ETHER, created_by, deploy_data
from world.home import ALICE, Home, Scene, configured, entry, staged, watchlist
from world.parts import Rpc
from world.scripted_server import Call, Reply, serve

from monitor.demo.world.ledger import AccountLedger

pytestmark = pytest.mark.real
COIN = created_by(OWNER, 0)


@dataclass
class Stage:
    """A scene whose chain is a node's, with an explorer that shows it and a list of addresses."""

    scene: Scene
    rpc: Rpc
    feed: EvmFeed
    sources: dict[str, dict[str, object]]
    chain_sources: list[str]

    def write_sources(self) -> None:
        self.home.write("config/sources.yaml", {"sources": self.sources})

    def write_chains(self, **more: object) -> None:
        chain = {"chain_id": 31337, "finality": 12, "sources": self.chain_sources}
        self.home.write("config/chains.yaml", {"chains": {"ethereum": chain, **more}})

    def node_at(self, url: object) -> None:
        self.sources["node"] = node_row(str(url))
        self.write_sources()

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
        if (self.home.path / "fundwatch.db").exists():
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


def node_row(url: str) -> dict[str, object]:
    return {"kind": "evm_rpc", "url": url, "rate_per_second": 1000}


@contextmanager
def stage(rpc: Rpc, path: Path, *sources: str) -> Iterator[Stage]:
    """With a verified token, an explorer "mine" and the node itself, "node"."""
    rpc.call("anvil_setBalance", OWNER, hex(100 * ETHER))
    send(rpc, OWNER, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    ledger = AccountLedger()
    feed = EvmFeed(rpc, ledger)
    for _ in range(12):
        rpc.call("evm_mine")
    feed.sync()
    with staged(path, contacted=False, ledger=ledger) as scene:
        rows = {"mine": configured(scene.explorer), "node": node_row(rpc.url)}
        world = Stage(scene, rpc, feed, rows, list(sources or ("mine", "node")))
        world.write_sources()
        world.write_chains()
        coin = {"symbol": "USDC", "decimals": 6, "name": "USD Coin", "source": "the test"}
        assets = {"ethereum": {COIN: {**coin, "date": "2026-01-01"}}}
        world.home.write("config/assets.yaml", {"assets": assets})
        world.home.write("watchlist.yaml", watchlist(entry(ALICE, "ethereum")))
        yield world


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
        shown = " ".join(world.home.run("status", code=None).split())
        assert "2 of 301 entries fully read, 299 dormant" in shown
        assert "2 of 301 addresses equal to the chain; 299 cannot be checked (dormant 299)" in shown
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


def test_after_a_stop_those_that_never_lived_share_a_line(evm_node: Rpc, tmp_path: Path) -> None:
    """With the lowest block at which all of them were proven; alone, an entry has its name."""
    crowd = [address(n) for n in range(12)]
    with stage(evm_node, tmp_path) as world:
        listed(world.home, *crowd)
        world.poll()
        world.home.sql("UPDATE scope SET due = due - 7200")
        world.home.sql("UPDATE dormant SET height = 5 WHERE subject = ?", f"ethereum/{crowd[3]}")
        said = " ".join(world.home.run("status").split())
        assert said.count("LIST 12 entries ethereum all") == 1
        assert said.count("no Fundwatch runs; dormant, proven at block 5 (") == 1
        assert said.count("proven at block") == 1
        assert "1 of 13 entries fully read" not in said, "its own list is late, too"
        assert "0 of 13 entries fully read, 13 behind" in said
        full = world.home.run("status", "--all")
        assert full.count("dormant, proven at block") >= 2
        told = [e["dormant"] for e in world.status()["entries"] if e["dormant"]]
        assert {each["late"] for each in told} == {"no Fundwatch runs"}


def test_a_node_that_is_away_wakes_nobody_at_once(evm_node: Rpc, tmp_path: Path) -> None:
    """What was proven stands for a while, and is told as behind; then all lists are read. When
    the node is back they are asked for as before."""
    crowd = [address(n) for n in range(8)]
    with serve(away) as server, stage(evm_node, tmp_path) as world:
        listed(world.home, *crowd)
        world.poll()
        assert set(world.dormant()) == set(crowd)
        there = world.sources["node"]["url"]
        world.node_at(server.url)
        assert "could not be read" in world.poll(code=1)
        assert world.read_alone() == {ALICE}
        assert world.status()["verdict"]["behind"] == 8
        world.home.sql("UPDATE dormant SET at = at - 7200")
        world.pay(crowd[2])
        world.mine(2)
        world.poll()
        assert world.read_alone() == {ALICE, *crowd}
        assert [a["entry"]["address"] for a in world.scene.alerts("movement")] == [crowd[2]]
        world.node_at(there)
        world.poll()
        asleep = {each for each, (is_asleep, _) in world.dormant().items() if is_asleep}
        assert asleep == set(crowd) - {crowd[2]}
        world.home.run("verify")


def away(_call: Call) -> Reply:
    return Reply({}, status=503)


def test_what_people_watch_is_read_list_by_list(evm_node: Rpc, tmp_path: Path) -> None:
    """But for addresses that they watch on several chains, unless these are severe, and but for
    lists that were read before."""
    one, two, three = (address(n) for n in range(3))
    with stage(evm_node, tmp_path) as world:
        other = {"chain_id": 31337, "finality": 12, "sources": ["mine"]}
        world.write_chains(base=other)
        world.home.write(
            "watchlist.yaml",
            watchlist(
                entry(one, "ethereum"),
                {"address": two, "chains": ["ethereum", "base"]},
                {"address": three, "chains": ["ethereum", "base"], "severity": "severe"},
            ),
        )
        world.poll(code=None)
        assert set(world.dormant()) == {two}
        ours = {row for (row,) in world.home.sql("SELECT scope FROM reading")}
        assert f"ethereum/{two}" not in ours
        assert {f"ethereum/{one}", f"ethereum/{three}", f"base/{two}"} <= ours
        severe = {"address": two, "chains": ["ethereum", "base"], "severity": "severe"}
        world.home.write("watchlist.yaml", watchlist(entry(one, "ethereum"), severe))
        world.poll(code=None)
        assert world.dormant()[two][0] == 0
        ours = {row for (row,) in world.home.sql("SELECT scope FROM reading")}
        assert f"ethereum/{two}" in ours


def test_two_nodes_are_heard_and_one_sign_is_enough(evm_node: Rpc, tmp_path: Path) -> None:
    """A node that hides a payment is contradicted by the other one, which is asked next."""
    crowd = [address(n) for n in range(4)]
    hidden: list[str] = []

    def lies(call: Call) -> Reply:
        """The node's own answers, but for a coin that it does not know of."""
        sent = call.body
        if isinstance(sent, list) and hidden:
            balance = int(evm_node.call("eth_getBalance", hidden[0], "latest"), 16)
            evm_node.call("anvil_setBalance", hidden[0], "0x0")
            reported = forward(evm_node, [each | pin(each) for each in sent])
            evm_node.call("anvil_setBalance", hidden[0], hex(balance))
            return Reply(reported)
        return Reply(forward(evm_node, sent))

    with serve(lies) as server, stage(evm_node, tmp_path, "mine", "liar", "node") as world:
        world.sources["liar"] = node_row(server.url)
        world.write_sources()
        listed(world.home, *crowd)
        world.poll()
        words = world.home.sql("SELECT words FROM dormant")
        assert {each[0] for (text,) in words for each in json.loads(text)} == {"liar", "node"}
        world.pay(crowd[1])
        world.mine(2)
        hidden.append(crowd[1])
        world.poll()
        world.poll()
        assert [a["entry"]["address"] for a in world.scene.alerts("movement")] == [crowd[1]]


def forward(rpc: Rpc, sent: Any) -> Any:
    return requests.post(rpc.url, json=sent, timeout=30).json()


def pin(each: dict[str, Any]) -> dict[str, Any]:
    """The question about the newest state, which is what the test can change."""
    params = [*each["params"]]
    if each["method"] in ("eth_call", "eth_getTransactionCount"):
        params[-1] = "latest"
    return {"params": params}


def test_check_says_where_many_cannot_be_asked_for_at_once(evm_node: Rpc, tmp_path: Path) -> None:
    """A node that takes no batches costs calls, and no movement."""
    crowd = [address(n) for n in range(3)]

    def no_batches(call: Call) -> Reply:
        if isinstance(call.body, list):
            return Reply({"error": {"code": -32600, "message": "batches are not taken"}})
        return Reply(forward(evm_node, call.body))

    with serve(no_batches) as server, stage(evm_node, tmp_path) as world:
        world.node_at(server.url)
        listed(world.home, *crowd)
        said = " ".join(world.home.run("check", code=None).split())
        assert "node cannot be asked for many addresses at once" in said
        world.poll()
        assert not world.dormant()
        assert world.read_alone() == {ALICE, *crowd}
