"""A real node of Bitcoin Core's kind and nobody else: its blocks do not say what inputs spend, and
no explorer lists a history. Payments, what is spent, what waits, a reorganisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from world.home import Home
from world.parts import Rpc

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.loops.clock import now
from monitor.loops.health import entry_status, status, vitals
from monitor.model.status import State
from monitor.store import blocks, watch
from monitor.store.not_covered import not_covered

pytestmark = pytest.mark.real

CHAIN = {
    **{"name": "Litecoin's test chain", "family": "utxo", "block_time": 150, "finality": 6},
    **{"native": {"symbol": "LTC", "decimals": 8}, "bech32": "rltc", "base58": [111, 58, 196]},
    **{"read": "blocks", "sources": ["node"]},
}


@dataclass
class Desk:
    rpc: Rpc
    app: Fundwatch

    def mine(self, number: int = 1) -> None:
        self.rpc.call("generatetoaddress", number, self.rpc.call("getnewaddress"))

    def poll(self) -> None:
        for pool in self.app.pools.values():
            pool.wake()
        self.app.reload()
        report = self.app.poll(everything=True)
        assert (report.unread, report.unserved) == ({}, {})

    def rows(self) -> Counter[tuple[str, str]]:
        """Transactions with the status of their rows."""
        rows = self.app.store.read("SELECT DISTINCT tx, status FROM transfer")
        return Counter((row["tx"], row["status"]) for row in rows)

    def told(self) -> Counter[str]:
        rows = self.app.store.read("SELECT tx FROM alert WHERE kind = 'movement'")
        return Counter(row["tx"] for row in rows)

    def spend(self, address: str) -> str:
        """All that an address has, to somebody else."""
        coins = self.rpc.call("listunspent", 0, 999, [address])
        inputs = [{"txid": coin["txid"], "vout": coin["vout"]} for coin in coins]
        amount = round(float(sum(coin["amount"] for coin in coins)) - 0.01, 8)
        raw = self.rpc.call(
            "createrawtransaction", inputs, {self.rpc.call("getnewaddress"): amount}
        )
        signed = self.rpc.call("signrawtransactionwithwallet", raw)["hex"]
        return str(self.rpc.call("sendrawtransaction", signed))


@pytest.fixture
def addresses(utxo_node: Rpc) -> tuple[str, str]:
    """One with coins from before anybody watched it, and one of another form without."""
    funded, fresh = utxo_node.call("getnewaddress"), utxo_node.call("getnewaddress", "", "legacy")
    utxo_node.call("sendtoaddress", funded, 1.5)
    utxo_node.call("generatetoaddress", 8, utxo_node.call("getnewaddress"))
    return funded, fresh


@pytest.fixture
def desk(utxo_node: Rpc, addresses: tuple[str, str], tmp_path: Path) -> Iterator[Desk]:
    user, password = utxo_node._session.auth or ("", "")
    url = utxo_node.url.replace("http://", f"http://{user}:{password}@")
    node: dict[str, Any] = {"kind": "utxo_rpc", "url_env": "NODE", "rate_per_second": 1000}
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"ltc-test": CHAIN}})
    home.write("config/sources.yaml", {"sources": {"node": node}})
    home.write("config/settings.yaml", {"every": 2, "prices": "none"})
    listed = [{"address": a, "chain": "ltc-test", "tell_when": "seen"} for a in addresses]
    home.write("watchlist.yaml", {"addresses": listed})
    with open_home(tmp_path, {"NODE": url}) as app:
        yield Desk(utxo_node, app)


def test_a_node_alone(desk: Desk, addresses: tuple[str, str]) -> None:
    funded, fresh = addresses
    desk.poll()
    assert blocks.members(desk.app.store, "ltc-test").keys() == {funded, fresh}
    assert desk.rows() == {}
    desk.app.balancing.take_due(5)
    stands = status.snapshot(desk.app.store, desk.app.settings, now(), running=True).balances
    assert stands.cannot_check == 2
    assert stands.oldest_seconds is None  # nobody answered

    paid = str(desk.rpc.call("sendtoaddress", fresh, 2.0))
    desk.poll()  # it waits to be in a block
    assert desk.rows() == {(paid, "pending"): 1}
    spent = desk.spend(funded)  # what it had before it was watched
    desk.poll()
    assert desk.told() == {paid: 1, spent: 1}
    desk.mine()
    desk.poll()
    assert desk.rows() == {(paid, "provisional"): 1, (spent, "provisional"): 1}

    again = desk.spend(fresh)  # what came since
    desk.mine(2)
    desk.poll()
    assert desk.told() == {paid: 1, spent: 1, again: 1}

    head = int(desk.rpc.call("getblockcount"))
    desk.rpc.call("invalidateblock", desk.rpc.call("getblockhash", head - 1))
    desk.rpc.call("generateblock", desk.rpc.call("getnewaddress"), [])
    desk.mine(3)  # all come into other blocks
    desk.poll()
    assert desk.rows() == dict.fromkeys([(tx, "provisional") for tx in (paid, spent, again)], 1)
    desk.mine(8)
    desk.poll()
    assert desk.rows() == dict.fromkeys([(tx, "final") for tx in (paid, spent, again)], 1)
    assert desk.told() == {paid: 1, spent: 1, again: 1}

    desk.app.debts.work(10)
    assert desk.app.debts.left() == 0  # nobody lists what was before: that is no failure


def test_what_a_node_alone_reads_is_said_to_be_read(desk: Desk) -> None:
    """That nobody lists the time before is told as where reading begins, not as a list that nobody
    reads; and that what was read is to be looked at once more is no shortfall."""
    head = int(desk.rpc.call("getblockcount"))
    desk.poll()
    desk.app.debts.work(10)
    store, settings, at = desk.app.store, desk.app.settings, now()
    found = status.snapshot(store, settings, at, running=True)
    below = "no source covers what moved in utxo on ltc-test before an address joined"
    words = f"2 of 2 entries fully read; {below}"
    assert (found.verdict.complete, found.verdict.words) == (2, words)
    first, _ = entry_status.entries_read(store, settings, at, running=True)
    assert [s.covered_from for s in first.streams] == [f"block {head + 1}"]
    assert vitals.states(store, settings, at) == {("ltc-test", State.COMPLETE): 2}
    said = not_covered(store, watch.all_entries(store)[0].entry, settings.chains)
    assert f"read from block {head + 1} on; no configured source lists what moved before" in said[0]
