"""Reorganisations of real nodes: what was told is corrected once, and never told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from world.evm_feed import EvmFeed
from world.home import ALICE, BOB, Scene, entry, staged, told, wait_for, watchlist
from world.parts import LitecoinFeed, Rpc

from monitor.demo.world.ledger import AccountLedger, UtxoLedger

pytestmark = pytest.mark.real


@dataclass
class Node:
    """An EVM node whose chain the scene's explorer shows after each `mine`."""

    rpc: Rpc
    feed: EvmFeed

    def pay(self, recipient: str) -> str:
        (payer,) = self.rpc.call("eth_accounts")
        sent = {"from": payer, "to": recipient, "value": hex(10**15), "gas": hex(21_000)}
        return str(self.rpc.call("eth_sendTransaction", sent))

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.rpc.call("evm_mine")
        self.feed.sync()

    def reorg(self, depth: int, *again: tuple[str, int]) -> None:
        """Replace `depth` blocks; `again`: raw transactions and where they come in now."""
        self.rpc.call("anvil_reorg", depth, [list(pair) for pair in again])
        self.feed.sync()

    def raw(self, tx: str) -> str:
        return str(self.rpc.call("eth_getRawTransactionByHash", tx))


@contextmanager
def chain_of(rpc: Rpc, path: Path) -> Iterator[tuple[Scene, Node]]:
    """A scene over an EVM node, after first contact."""
    rpc.call("anvil_autoImpersonateAccount", False)  # else signatures are not real
    ledger = AccountLedger()
    node = Node(rpc, EvmFeed(rpc, ledger))
    node.mine(3)
    with staged(path, ledger=ledger) as scene:
        scene.home.run("poll")
        yield scene, node


def row(scene: Scene, tx: str) -> tuple[str, int]:
    (found,) = scene.home.transfers("--tx", tx)
    return found["status"], found["block_height"]


def test_dropped_and_moved_transactions(evm_node: Rpc, tmp_path: Path) -> None:
    """One block is replaced: the payment that is gone is corrected once over both channels,
    in its thread; the one that only moved keeps its row and makes no noise. When the first
    is sent again it is the same row again, told as included again."""
    with chain_of(evm_node, tmp_path) as (scene, node):
        gone, moved = node.pay(ALICE), node.pay(BOB)
        node.mine(3)
        scene.home.run("poll")
        assert scene.moved() == {(ALICE, gone): 1, (BOB, moved): 1}
        was = row(scene, moved)[1]
        raws = node.raw(gone), node.raw(moved)
        # The second payment alone would leave a hole in the payer's numbering.
        node.rpc.call("anvil_setNonce", node.rpc.call("eth_accounts")[0], "0x0")
        node.reorg(3, (raws[0], 0), (raws[1], 1))
        scene.home.run("poll")
        assert row(scene, moved) == ("provisional", was + 1)
        assert scene.alerts("correction") == []

        node.reorg(3)
        node.mine()
        scene.home.run("poll")
        assert row(scene, gone)[0] == row(scene, moved)[0] == "orphaned"
        starts = {a["id"]: a for a in scene.alerts("movement")}
        corrections = scene.alerts("correction")
        assert {c["amends"] for c in corrections} == set(starts)
        assert len(corrections) == len(starts) == 2
        for correction in corrections:
            first, last = (scene.mails_of(i) for i in (correction["amends"], correction["id"]))
            assert {m["In-Reply-To"] for m in last} == {m["Message-ID"] for m in first}
            assert len(first) == len(last) == 2
        assert told(scene.hook.seen) == Counter(a["id"] for a in scene.home.alerts())

        node.rpc.call("eth_sendRawTransaction", raws[0])
        node.mine(2)
        scene.home.run("poll")
        assert row(scene, gone)[0] == "provisional"
        assert scene.moved() == {(ALICE, gone): 1, (BOB, moved): 1}
        assert Counter(c["amends"] for c in scene.alerts("correction")) == {
            next(i for i, a in starts.items() if a["tx"] == gone): 2,
            next(i for i, a in starts.items() if a["tx"] == moved): 1,
        }


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 3, 7, 11])
def test_reorg_while_the_daemon_is_down(evm_node: Rpc, tmp_path: Path, depth: int) -> None:
    """However deep (short of finality): found by the first pass after the restart."""
    with chain_of(evm_node, tmp_path) as (scene, node):
        tx = node.pay(ALICE)
        node.mine(depth)
        scene.home.run("poll")
        node.reorg(depth)
        node.mine(2)
        scene.home.sql("UPDATE scope SET due = 0")
        with scene.home.daemon():
            wait_for(lambda: scene.alerts("correction"), 20, scene.home.log)
            wait_for(lambda: len(told(scene.hook.seen)) == len(scene.home.alerts()), 10)
            wait_for(
                lambda: not scene.home.sql("SELECT 1 FROM delivery WHERE state = 'waiting'"), 20
            )
        assert row(scene, tx)[0] == "orphaned"
        scene.home.run("poll")
        assert len(scene.alerts("correction")) == 1


@pytest.mark.slow
def test_reorg_deeper_than_finality(evm_node: Rpc, tmp_path: Path) -> None:
    """A final movement that vanishes is a loud incident, told once; the row stays as it was."""
    with chain_of(evm_node, tmp_path) as (scene, node):
        tx = node.pay(ALICE)
        node.mine(15)
        scene.home.run("poll")
        before = row(scene, tx)
        assert before[0] == "final"
        node.reorg(16)
        node.mine(2)
        scene.home.sql("UPDATE scope SET deep = 0")  # a day later: what is final is read again
        scene.home.run("poll", code=None)  # the source is not believed before it stands by it
        scene.home.run("poll")
        scene.home.run("poll")
        assert row(scene, tx) == before
        (incident,) = scene.alerts("notice", tx)
        assert incident["severity"] == "severe"
        assert told(scene.hook.seen)[incident["id"]] == 1
        assert scene.alerts("correction") == []


# -- a UTXO node -----------------------------------------------------------------------------


@dataclass
class Litecoin:
    rpc: Rpc
    feed: LitecoinFeed

    def mine(self, blocks: int = 1) -> str:
        """Returns the hash of the newest block."""
        hashes = self.rpc.call("generatetoaddress", blocks, self.rpc.call("getnewaddress"))
        self.feed.sync()
        return str(hashes[-1])


@contextmanager
def litecoin_of(
    rpc: Rpc, path: Path, address: str, kind: str = "esplora"
) -> Iterator[tuple[Scene, Litecoin]]:
    ledger = UtxoLedger()
    node = Litecoin(rpc, LitecoinFeed(rpc, ledger))
    node.mine()
    with staged(path, ledger=AccountLedger()) as scene:
        scene.explorer.add("ltc", ledger, kind)
        url = scene.explorer.url("ltc", kind)
        chain = {"family": "utxo", "native": {"symbol": "LTC", "decimals": 8}, "finality": 6,
                 "bech32": "rltc", "sources": ["mine"]}  # fmt: skip
        source = {"kind": kind, "url": url, "rate_per_second": 1000}
        scene.home.write("config/chains.yaml", {"chains": {"ltc": chain}})
        scene.home.write("config/sources.yaml", {"sources": {"mine": source}})
        scene.home.write("watchlist.yaml", watchlist(entry(address, "ltc", tell_when="seen")))
        scene.home.run("poll")
        yield scene, node


@pytest.mark.parametrize("kind", ["esplora", "blockbook"])
def test_utxo_payment_seen_mined_unmined_and_mined_again(
    utxo_node: Rpc, tmp_path: Path, kind: str
) -> None:
    """Told when seen; being mined is no news; being unmined is; mined again is told."""
    me = utxo_node.call("getnewaddress")
    with litecoin_of(utxo_node, tmp_path, me, kind) as (scene, node):
        tx = utxo_node.call("sendtoaddress", me, 1.5)
        node.feed.sync()
        scene.home.run("poll")
        assert scene.moved() == {(me, tx): 1}
        assert {r["status"] for r in scene.home.transfers("--tx", tx)} == {"pending"}
        block = node.mine()
        scene.home.run("poll")
        assert {r["status"] for r in scene.home.transfers("--tx", tx)} == {"provisional"}
        count = len(scene.home.alerts())
        utxo_node.call("invalidateblock", block)
        utxo_node.call("generateblock", utxo_node.call("getnewaddress"), [])
        utxo_node.call("generateblock", utxo_node.call("getnewaddress"), [])
        node.feed.sync()
        scene.home.run("poll")
        assert {r["status"] for r in scene.home.transfers("--tx", tx)} == {"pending"}
        assert len(scene.alerts("correction")) == 1
        node.mine()
        scene.home.run("poll")
        assert {r["status"] for r in scene.home.transfers("--tx", tx)} == {"provisional"}
        assert scene.moved() == {(me, tx): 1}
        assert len(scene.home.alerts()) == count + 2
        assert told(scene.hook.seen) == Counter(a["id"] for a in scene.home.alerts())


def mine_instead(rpc: Rpc, tx: str, payee: str) -> str:
    """Spend the same coins again, to the same payee with a higher fee, and mine that. (The
    node takes no replacement into its mempool.)"""
    old = rpc.call("getrawtransaction", tx, True)
    outputs = [
        {a: round(out["value"] - (0 if a == payee else 0.001), 8)}
        for out in old["vout"]
        for a in out["scriptPubKey"]["addresses"]
    ]
    inputs = [{"txid": i["txid"], "vout": i["vout"]} for i in old["vin"]]
    raw = rpc.call("createrawtransaction", inputs, outputs)
    signed = rpc.call("signrawtransactionwithwallet", raw)["hex"]
    rpc.call("generateblock", rpc.call("getnewaddress"), [signed])
    return str(rpc.call("decoderawtransaction", signed)["txid"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["esplora", "blockbook"])
def test_replaced_payment_is_corrected(utxo_node: Rpc, tmp_path: Path, kind: str) -> None:
    """A payment that was told when seen and then replaced by its sender: a correction for
    the old one, an alert for the new one."""
    me = utxo_node.call("getnewaddress")
    with litecoin_of(utxo_node, tmp_path, me, kind) as (scene, node):
        old = utxo_node.call("sendtoaddress", me, 1.5)
        node.feed.sync()
        scene.home.run("poll")
        new = mine_instead(utxo_node, old, me)
        node.feed.sync()
        scene.home.run("poll")
        assert scene.moved() == {(me, old): 1, (me, new): 1}
        (correction,) = scene.alerts("correction")
        assert correction["tx"] == old
        assert {r["status"] for r in scene.home.transfers("--tx", old)} == {"orphaned"}
        node.mine(2)
        scene.home.run("poll")
        assert len(scene.alerts("correction")) == 1
