"""Following coins on a real node of Litecoin: a peel chain, a merge, change, a mix, and what a
block that is replaced takes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_reorg_real import Litecoin, litecoin_of
from world.home import Home, entry
from world.parts import Rpc

pytestmark = pytest.mark.real

COIN = 10**8
FEE = Decimal("0.001")
Output = tuple[str, int]  # a transaction and a place


@dataclass
class Wallet:
    """Pays from outputs that are named, as the story wants it."""

    home: Home
    node: Litecoin

    @property
    def rpc(self) -> Rpc:
        return self.node.rpc

    def fresh(self) -> str:
        return str(self.rpc.call("getnewaddress"))

    def fund(self, address: str, coins: str) -> Output:
        """Out of the wallet's mined coins."""
        tx = self.rpc.call("sendtoaddress", address, coins)
        outputs = self.rpc.call("getrawtransaction", tx, True)["vout"]
        paid = next(o["n"] for o in outputs if address in o["scriptPubKey"].get("addresses", ()))
        self.rpc.call("lockunspent", False, [{"txid": tx, "vout": paid}])
        return tx, paid

    def spend(self, inputs: list[Output], *outputs: tuple[str, str]) -> str:
        """In this order; what is left is the fee. Not mined yet."""
        spent = [{"txid": tx, "vout": place} for tx, place in inputs]
        raw = self.rpc.call("createrawtransaction", spent, [{a: coins} for a, coins in outputs])
        signed = self.rpc.call("signrawtransactionwithwallet", raw)["hex"]
        tx = self.rpc.call("sendrawtransaction", signed, 0)
        places = [{"txid": tx, "vout": place} for place in range(len(outputs))]
        self.rpc.call("lockunspent", False, places)
        return str(tx)

    def follow(self, source: str) -> None:
        case = {"reason": "a reason", "follow": {"hops": 10}, "addresses": [entry(source, "ltc")]}
        self.home.write("watchlist.yaml", {"cases": {"C-1": case}})

    def run(self) -> str:
        self.home.sql("UPDATE scope SET due = 0")
        self.home.sql("UPDATE reading SET ok = 0")
        return self.home.run("trace", "run", "C-1")

    def show(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {"node": [], "edge": [], "total": []}
        said = self.home.run("trace", "show", "C-1", "--format", "jsonl")
        for line in map(json.loads, said.splitlines()):
            found[line["type"]].append(line)
        totals = [t for t in found["total"] if t["method"] != "poison"]
        assert {t["difference"] for t in totals} <= {"0"}
        return found


@contextmanager
def wallet(rpc: Rpc, path: Path, style: str) -> Iterator[tuple[Wallet, str]]:
    source = rpc.call("getnewaddress")
    with litecoin_of(rpc, path, source, style) as (scene, node):
        mine = Wallet(scene.home, node)
        mine.follow(source)
        yield mine, source


def nodes_of(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {node["address"]: node for node in found["node"]}


def held(node: dict[str, Any], method: str) -> int:
    return sum(int(each["amount"][method]) for each in node["holds"])


@pytest.mark.parametrize("style", ["esplora", "blockbook"])
def test_a_peel_chain_and_its_merge(utxo_node: Rpc, tmp_path: Path, style: str) -> None:
    with wallet(utxo_node, tmp_path, style) as (mine, source):
        paid = mine.fund(source, "10")
        mine.node.mine()
        hops = [mine.fresh() for _ in range(5)]
        ends = [mine.fresh() for _ in range(4)]
        last, left = mine.spend([paid], (hops[0], "6"), (source, "3.999")), Decimal(6)
        peeled = []
        for taker, end in zip(hops[1:], ends, strict=True):
            left -= 1 + FEE
            last = mine.spend([(last, 0)], (taker, str(left)), (end, "1"))
            peeled.append((last, 1))
        other, merged = mine.fund(mine.fresh(), "1"), mine.fresh()
        mine.spend([*peeled, other], (merged, "4.999"))
        mine.node.mine(8)
        said = mine.run()
        found = mine.show()
        nodes = nodes_of(found)
        mine.home.run("trace", "picture", "C-1", "--out", str(tmp_path / "way.svg"))
        truth = mine.rpc.call("scantxoutset", "start", [f"addr({merged})"])["total_amount"]
        places = mine.home.run("seizure", "C-1", "--format", "jsonl").splitlines()
    assert "nothing is left to follow" in said
    assert [nodes[each]["hop"] for each in hops] == [1, 2, 3, 4, 5]
    assert {nodes[each]["state"] for each in (*hops, *ends, merged)} == {"followed"}
    assert held(nodes[hops[-1]], "haircut") == int(left * COIN)
    assert held(nodes[merged], "tainted_first") == 4 * COIN
    assert held(nodes[merged], "libr") == 4 * COIN - 100_000
    (went,) = nodes[source]["left"]
    assert went["amount"]["fifo"] == str(6 * COIN + 100_000)  # with the fee, less the change
    on_chain = {
        each["address"]: each["on_chain"]
        for each in map(json.loads, places)
        if each["type"] == "place"
    }
    assert int(on_chain[merged]["amount"]) == round(Decimal(str(truth)) * COIN)
    assert "Differs by" not in (tmp_path / "way.svg").read_text("utf-8")


def test_a_mix_is_a_place_where_it_ends(utxo_node: Rpc, tmp_path: Path) -> None:
    with wallet(utxo_node, tmp_path, "esplora") as (mine, source):
        paid = mine.fund(source, "2")
        strangers = [mine.fund(mine.fresh(), "0.10005") for _ in range(11)]
        mine.node.mine()
        into = mine.fresh()
        tx = mine.spend([paid], (into, "1"), (source, "0.999"))
        change = mine.fresh()
        equal = [(mine.fresh(), "0.1") for _ in range(12)]
        mix = mine.spend([(tx, 0), *strangers], *equal, (change, "0.899"))
        behind = mine.fresh()
        mine.spend([(mix, 3)], (behind, "0.099"))
        mine.node.mine(8)
        said = mine.run()
        nodes = nodes_of(mine.show())
    assert "nothing is left to follow" in said
    assert set(nodes) == {source, into, mix}
    assert nodes[mix]["stop"]["reason"] == "mixer"
    assert held(nodes[mix], "fifo") == COIN


def test_a_replaced_block_takes_back_what_followed_from_it(utxo_node: Rpc, tmp_path: Path) -> None:
    with wallet(utxo_node, tmp_path, "esplora") as (mine, source):
        paid = mine.fund(source, "5")
        mine.node.mine()
        one, two, other = mine.fresh(), mine.fresh(), mine.fresh()
        first = mine.spend([paid], (one, "4.999"))
        mine.node.mine()
        mine.spend([(first, 0)], (two, "4.998"))
        block = mine.node.mine()
        mine.run()
        before = nodes_of(mine.show())
        mine.rpc.call("invalidateblock", block)
        for _ in range(2):
            mine.rpc.call("generateblock", mine.fresh(), [])
        mine.node.feed.sync()
        mine.run()
        between = nodes_of(mine.show())
        mine.node.mine(8)
        mine.run()
        after = nodes_of(mine.show())
    assert held(before[two], "lifo") == 4 * COIN + 99_800_000
    assert two not in between
    assert held(between[one], "lifo") == 4 * COIN + 99_900_000
    assert held(after[two], "lifo") == 4 * COIN + 99_800_000
    assert other not in after
