"""A chain of Bitcoin's kind that is read block by block, by the whole program over litecoind: its
own JSON-RPC, and an Esplora that shows its blocks raw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_blocks import Open
from world.home import Home, entry, watchlist
from world.parts import LitecoinFeed, Rpc

from monitor.app.home import open_home
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger

pytestmark = pytest.mark.real
FINALITY = 6


@dataclass
class Desk:
    rpc: Rpc
    feed: LitecoinFeed
    home: Home
    explorer: Explorer

    def mine(self, blocks: int = 1) -> None:
        self.rpc.call("generatetoaddress", blocks, self.rpc.call("getnewaddress"))
        self.feed.sync()

    def pay(self, address: str, coins: float) -> str:
        tx = str(self.rpc.call("sendtoaddress", address, coins))
        self.feed.sync()
        return tx

    def replace(self, depth: int) -> None:
        """The newest blocks by one more, which are empty."""
        height = self.rpc.call("getblockcount") - depth + 1
        self.rpc.call("invalidateblock", self.rpc.call("getblockhash", height))
        for _ in range(depth + 1):
            self.rpc.call("generateblock", self.rpc.call("getnewaddress"), [])
        self.feed.sync()

    @contextmanager
    def reading(self, way: str, *sources: str) -> Iterator[Open]:
        chain = {"family": "utxo", "native": {"symbol": "LTC", "decimals": 8}, "bech32": "rltc",
                 "base58": [111, 58], "finality": FINALITY, "sources": list(sources),
                 "read": way}  # fmt: skip
        self.home.write("config/chains.yaml", {"chains": {"ltc": chain}})
        with open_home(self.home.path, {}) as app:
            yield Open(app)

    def calls_of_lists(self) -> int:
        return sum(n for (_, _, name), n in self.explorer.calls.items() if "address" in name)


@pytest.fixture
def desk(utxo_node: Rpc, tmp_path: Path) -> Iterator[Desk]:
    ledger = UtxoLedger()
    with Explorer() as explorer:
        made = Desk(utxo_node, LitecoinFeed(utxo_node, ledger), Home(tmp_path), explorer)
        made.mine()
        explorer.add("ltc", ledger, "esplora")
        user, password = utxo_node._session.auth  # type: ignore[misc]
        login = utxo_node.url.replace("http://", f"http://{user}:{password}@")
        made.home.write(".env", f"NODE={login}\n")
        (tmp_path / ".env").chmod(0o600)
        esplora = {"kind": "esplora", "url": explorer.url("ltc", "esplora"), "operator": "b"}
        table = {
            "node": {
                "kind": "utxo_rpc",
                "url_env": "NODE",
                "rate_per_second": 1000,
                "operator": "a",
            },
            "esplora": {**esplora, "rate_per_second": 1000},
        }
        made.home.write("config/settings.yaml", {"prices": "none"})
        made.home.write("config/sources.yaml", {"sources": table})
        yield made


@pytest.mark.parametrize("sources", [("node",), ("esplora",), ("node", "esplora")],
                         ids="+".join)  # fmt: skip
def test_paid_waiting_mined_replaced_and_spent(desk: Desk, sources: tuple[str, ...]) -> None:
    """Everything is told once, whoever tells the blocks: a payment, what became of it when its
    block was replaced, and that it was spent. Lists of the address are read to join, if at all."""
    me, other = desk.rpc.call("getnewaddress"), desk.rpc.call("getnewaddress")
    desk.home.write("watchlist.yaml", watchlist(entry(me, "ltc", tell_when="seen")))
    desk.mine(FINALITY)
    with desk.reading("blocks", *sources) as it:
        for _ in range(3):
            it.poll()
            it.work_off()
        asked = desk.calls_of_lists()
        paid = desk.pay(me, 1.5)
        it.poll()
        if "node" in sources:
            assert it.rows() == {(paid, "pending"): 3}
        desk.mine()
        it.poll()
        assert it.rows() == {(paid, "provisional"): 3}
        desk.mine(2)
        it.poll()
        desk.replace(3)
        it.poll()
        assert {tx for tx, _ in it.rows()} == {paid}
        assert it.rows()[paid, "provisional"] == 0
        desk.mine()
        it.poll()
        assert it.rows() == {(paid, "provisional"): 3}
        spent = spend(desk.rpc, paid, me, other)
        desk.mine()
        it.poll()
        assert it.rows()[spent, "provisional"] == 2
        desk.mine(FINALITY + 1)
        it.poll()
        assert it.rows() == {(paid, "final"): 3, (spent, "final"): 2}
        assert it.told() == {paid: 1, spent: 1}
        assert desk.calls_of_lists() == asked


def spend(rpc: Rpc, txid: str, me: str, whom: str) -> str:
    outputs = rpc.call("getrawtransaction", txid, True)["vout"]
    mine = next(o["n"] for o in outputs if o["scriptPubKey"]["addresses"] == [me])
    raw = rpc.call("createrawtransaction", [{"txid": txid, "vout": mine}], {whom: 1.49})
    signed = rpc.call("signrawtransactionwithwallet", raw)["hex"]
    return str(rpc.call("sendrawtransaction", signed))
