"""The record held against balances on a real EVM node: through mining and reorgs, and with
everything that changes a balance without standing in a list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from world.evm_feed import EvmFeed
from world.evm_world import calldata, created_by, deploy_data
from world.home import Scene, configured, dev_chain, entry, staged, watchlist
from world.odd_contracts import ETHER, OWNER, data_of, deploy, put_multicall, send
from world.parts import Rpc, anvil

from monitor.decide.shares import COUNTED, FIRST, MOVED
from monitor.demo.world.ledger import AccountLedger, Block
from monitor.demo.world.moves import Change, Tx

pytestmark = pytest.mark.real


@pytest.fixture
def node() -> Iterator[Rpc]:
    """One whose blocks are final soon, by its own word."""
    with anvil("--slots-in-an-epoch", "1") as rpc:
        yield rpc


ME, YOU = ("0x" + pair * 20 for pair in ("1a", "2b"))


class Hiding(EvmFeed):
    """Leaves internal payments of some transactions out of every list, and not out of balances."""

    def __init__(self, rpc: Rpc, ledger: AccountLedger) -> None:
        super().__init__(rpc, ledger)
        self.hidden: set[str] = set()
        self.destroyed: dict[str, Change] = {}

    def _blocks(self, lo: int, hi: int) -> list[Block[Tx]]:
        return [replace(b, txs=tuple(map(self._seen, b.txs))) for b in super()._blocks(lo, hi)]

    def _seen(self, tx: Tx) -> Tx:
        if tx.hash in self.destroyed:
            return replace(tx, changes=(self.destroyed[tx.hash],))
        if tx.hash not in self.hidden:
            return tx
        paid = [c for c in tx.internals if c.path and c.value and c.recipient and not c.failed]
        changes = [Change(c.recipient or "", c.value) for c in paid]
        changes += [Change(c.sender, -c.value) for c in paid]
        return replace(tx, internals=(), changes=tuple(changes))


@dataclass
class Chain:
    rpc: Rpc
    feed: Hiding
    scene: Scene
    tokens: dict[str, str]

    def mine(self, blocks: int = 15) -> None:
        """So many that what came before is final; then everything is read."""
        self.rpc.call("anvil_mine", hex(blocks))
        self.read()

    def read(self) -> None:
        self.feed.sync()
        self.scene.home.sql("UPDATE scope SET due = 0")
        self.scene.home.run("poll")

    def held(self, code: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
        said = self.scene.home.run("reconcile", "--format", "jsonl", code=code)
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return {(each["address"], each["asset"]["contract"] or ""): each for each in lines}

    def truth(self, address: str, contract: str, block: int) -> int:
        if not contract:
            return int(self.rpc.call("eth_getBalance", address, hex(block)), 16)
        call = {"to": contract, "data": data_of("Issued", "balanceOf", address)}
        return int(self.rpc.call("eth_call", call, hex(block)), 16)

    def equal(self) -> set[tuple[str, str]]:
        """Everything is, to the last unit; returns what of which somebody holds anything."""
        found = self.held()
        for key, each in found.items():
            assert each["state"] == "reconciled", each
            assert (
                each["recorded"] == each["on_chain"] == str(self.truth(*key, each["at"]["height"]))
            )
        return {key for key, each in found.items() if int(each["on_chain"])}


@contextmanager
def watched(rpc: Rpc, path: Path) -> Iterator[Chain]:
    """Two addresses, watched by what an explorer lists and a node says."""
    rpc.call("anvil_setBalance", OWNER, hex(1000 * ETHER))
    send(rpc, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    send(rpc, None, deploy_data("Forwarder"))
    tokens = {"Coin": created_by(OWNER, 0), "Forwarder": created_by(OWNER, 1)}
    tokens |= {name: deploy(rpc, name) for name in ("Wrapped", "Issued", "Rebasing", "Taxed")}
    put_multicall(rpc)
    ledger = AccountLedger()
    feed = Hiding(rpc, ledger)
    feed.sync()
    with staged(path, ledger=ledger) as scene:
        chain = {**dev_chain("node", "mine"), "wrapped": tokens["Wrapped"]}
        scene.home.write("config/chains.yaml", {"chains": {"dev": chain}})
        rows = {
            "mine": configured(scene.explorer),
            "node": {"kind": "evm_rpc", "url": rpc.url, "rate_per_second": 1000},
        }
        scene.home.write("config/sources.yaml", {"sources": rows})
        verified: dict[str, dict[str, object]] = {
            tokens[name]: {"symbol": name, "decimals": 6, **more}
            for name, more in {
                "Coin": {},
                "Wrapped": {},
                "Issued": {},
                "Rebasing": {"rebases": "sharesOf"},
                "Taxed": {"fee_on_transfer": "yes"},
            }.items()
        }
        scene.home.write("config/assets.yaml", {"assets": {"dev": verified}})
        scene.home.write("watchlist.yaml", watchlist(entry(ME, severity="high"), entry(YOU)))
        scene.home.run("poll")
        yield Chain(rpc, feed, scene, tokens)


def test_every_balance_equals_the_record(node: Rpc, tmp_path: Path) -> None:
    """Payments, fees, internal payments, tokens, wraps; a reorg that takes some of it back."""
    with watched(node, tmp_path) as chain:
        rpc, tokens = chain.rpc, chain.tokens
        send(rpc, ME, value=5 * ETHER)
        send(rpc, tokens["Forwarder"], calldata("Forwarder", "forward", YOU), value=3 * ETHER)
        send(rpc, tokens["Coin"], calldata("Coin", "mint", ME, 1000))
        send(rpc, tokens["Coin"], calldata("Coin", "transfer", YOU, 300), sender=ME)
        send(rpc, tokens["Wrapped"], data_of("Wrapped", "deposit"), value=ETHER, sender=ME)
        send(rpc, tokens["Wrapped"], data_of("Wrapped", "withdraw", 10**17), sender=ME)
        chain.mine()
        coin, wrapped = tokens["Coin"], tokens["Wrapped"]
        all_of_it = {(ME, ""), (YOU, ""), (ME, coin), (YOU, coin), (ME, wrapped)}
        assert chain.equal() == all_of_it

        send(rpc, tokens["Coin"], calldata("Coin", "transfer", YOU, 700), sender=ME)
        send(rpc, YOU, value=ETHER, sender=ME)
        chain.read()
        chain.equal()
        rpc.call("anvil_reorg", 2, [])
        chain.mine()
        assert chain.equal() == all_of_it
        assert chain.scene.alerts("unexplained") == []


def test_what_no_list_holds_is_found_in_its_block(node: Rpc, tmp_path: Path) -> None:
    """A payment that a contract made and no explorer lists is found in its block by the node's
    own trace of it, and told; of tokens that were destroyed without a word of any kind that we
    read, the block is said."""
    with watched(node, tmp_path) as chain:
        rpc, issued = chain.rpc, chain.tokens["Issued"]
        send(rpc, ME, value=5 * ETHER)
        send(rpc, issued, data_of("Issued", "mint", ME, 1000))
        chain.mine()
        chain.equal()
        chain.mine(100)
        data = calldata("Forwarder", "forward", YOU)
        hidden = send(rpc, chain.tokens["Forwarder"], data, value=ETHER)
        chain.feed.hidden.add(hidden)
        paid = int(rpc.call("eth_blockNumber"), 16)
        rpc.call("anvil_mine", hex(40))
        gone = send(rpc, issued, data_of("Issued", "destroyBlackFunds", ME))
        chain.feed.destroyed[gone] = Change(ME, -1000, issued)
        destroyed = int(rpc.call("eth_blockNumber"), 16)
        chain.mine(60)

        found = chain.held(code=1)
        assert found[YOU, ""]["state"] == "reconciled"
        (row,) = chain.scene.home.transfers("--tx", hidden)
        assert (row["block_height"], row["to"], row["amount"]) == (paid, YOU, str(ETHER))
        apart = {key: each for key, each in found.items() if each["state"] != "reconciled"}
        assert set(apart) == {(ME, issued)}, apart
        assert apart[ME, issued]["difference"] == "-1000"
        assert apart[ME, issued]["between"] == {"from": destroyed - 1, "to": destroyed}, str(apart)


def test_shares_are_held_against_shares(node: Rpc, tmp_path: Path) -> None:
    """A token that grows by itself, one that keeps a part, and one that claims what is not so: no
    difference, and nobody is told of one; but shares that go without a movement are news."""
    with watched(node, tmp_path) as chain:
        rpc, rebasing = chain.rpc, chain.tokens["Rebasing"]
        taxed = chain.tokens["Taxed"]
        send(rpc, None, deploy_data("Liar"))
        liar = created_by(OWNER, int(rpc.call("eth_getTransactionCount", OWNER, "latest"), 16) - 1)
        send(rpc, liar, calldata("Liar", "claim", YOU, ME, 5))
        send(rpc, rebasing, data_of("Rebasing", "mint", ME, 1000))
        send(rpc, taxed, data_of("Taxed", "mint", OWNER, 1000))
        send(rpc, taxed, data_of("Taxed", "transfer", ME, 1000))
        chain.mine()
        first = chain.held()
        assert first[ME, rebasing]["state"] == first[ME, taxed]["state"] == "cannot_check"
        assert first[ME, rebasing]["reason"].startswith("rebasing: its shares were counted for")
        assert first[ME, taxed]["reason"].startswith("fee on transfer")
        assert first[ME, liar]["state"] != "unexplained"

        send(rpc, rebasing, data_of("Rebasing", "grow", 25))
        chain.mine()
        grown = chain.held()[ME, rebasing]
        assert (grown["state"], grown["on_chain"]) == ("reconciled", "1000")
        assert "shares" in grown["reason"]

        send(rpc, rebasing, data_of("Rebasing", "transfer", YOU, 250), sender=OWNER)
        send(rpc, rebasing, data_of("Rebasing", "mint", ME, 40))
        chain.mine()
        assert chain.held()[ME, rebasing]["reason"].startswith("rebasing: it moved meanwhile")
        chain.mine()
        assert chain.held()[ME, rebasing]["state"] == "reconciled"
        assert chain.scene.alerts("unexplained") == []

        chain.mine(30)
        send(rpc, rebasing, data_of("Rebasing", "take", ME, 60))
        taken = int(rpc.call("eth_blockNumber"), 16)
        chain.mine(30)
        lost = chain.held(code=1)[ME, rebasing]
        assert (lost["state"], lost["difference"]) == ("unexplained", "-60")
        assert lost["between"] == {"from": taken - 1, "to": taken}, lost["reason"]
        assert COUNTED in lost["reason"]
        shown = chain.scene.home.run("reconcile", "--address", ME, code=1)
        assert "UNEXPLAINED  0.000060 shares of Rebasing less on the chain" in shown


def test_before_an_alert_shares_are_held_against_those_that_were_counted(
    node: Rpc, tmp_path: Path
) -> None:
    """What it says of them is not that nobody ever counted any."""
    with watched(node, tmp_path) as chain:
        rebasing = chain.tokens["Rebasing"]
        severe = watchlist(entry(ME, severity="severe"), entry(YOU))
        chain.scene.home.write("watchlist.yaml", severe)
        send(chain.rpc, rebasing, data_of("Rebasing", "mint", ME, 1000))
        chain.mine()
        assert chain.held()[ME, rebasing]["reason"] == FIRST
        tx = send(chain.rpc, rebasing, data_of("Rebasing", "mint", ME, 40))
        chain.mine()
        (alert,) = [a for a in chain.scene.alerts("movement") if a["tx"] == tx]
        (said,) = alert["balances"]
        assert (said["state"], said["reason"]) == ("cannot_check", MOVED)
