"""Whoever is asked, the record is the same; and when one fails, the next one steps in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.evm_feed import EvmFeed, tron_address, tron_mirror
from world.evm_world import EvmWorld, build
from world.home import ALICE, BANK, BOB, SHOP, Home, Scene, configured, dev_chain, evm_home, staged
from world.parts import LitecoinFeed, Rpc, anvil

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, UtxoLedger

TOKENS = ("erc20", "erc721", "erc1155")


@pytest.fixture(scope="module")
def world() -> Iterator[EvmWorld]:
    """A small busy chain; read it, do not mine on it."""
    with anvil() as rpc:
        oracle = build(rpc, blocks=12, seed=5)
        ledger = AccountLedger()
        EvmFeed(rpc, ledger).sync()
        yield EvmWorld(rpc, ledger, oracle)


def facts(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], tuple[object, ...]]:
    """What every source must say alike, by identity."""
    return {
        (r["chain"], r["tx"], r["leg"]): (
            *(r["kind"], r["from"], r["to"], r["amount"], r["asset"]["contract"]),
            *(r["asset"]["token_id"], r["block_height"], r["block_hash"], r["time"], r["status"]),
        )
        for r in rows
        # Explorers differ on contracts made by contracts with no value: nothing moved.
        if r["kind"] != "internal" or r["amount"] != "0"
    }


@pytest.mark.real
def test_all_evm_sources_agree(tmp_path: Path, world: EvmWorld, explorer: Explorer) -> None:
    """Etherscan style, Blockscout style and a node itself give the same rows; the node says
    which lists it cannot give, and the poll is nevertheless complete (exit 0)."""
    explorer.add("dev", world.ledger, "etherscan", "blockscout", chain_id=31337)
    urls = {kind: explorer.url("dev", kind) for kind in ("etherscan", "blockscout")}
    urls["evm_rpc"] = world.rpc.url
    addresses = world.oracle.watchable(15)
    found = {}
    for kind, url in urls.items():
        (tmp_path / kind).mkdir()
        home = evm_home(tmp_path / kind, url, kind, addresses)
        home.run("poll")
        found[kind] = facts(home.transfers())
        blind = home.sql("SELECT DISTINCT stream FROM reading WHERE error LIKE 'no configured%'")
        assert {row[0] for row in blind} == ({"native", "internal"} if kind == "evm_rpc" else set())
    assert len(found["etherscan"]) > 300
    assert found["etherscan"] == found["blockscout"]
    tokens = {i: f for i, f in found["etherscan"].items() if f[0] in TOKENS}
    assert {i: f[:-1] for i, f in found["evm_rpc"].items()} == {
        i: f[:-1] for i, f in tokens.items()
    }
    # The node has a word on finality and is believed; explorers have the chain's depth.
    finals = {i for i, f in found["evm_rpc"].items() if f[-1] == "final"}
    assert finals <= {i for i, f in tokens.items() if f[-1] == "final"}
    (history, *_) = (a for a in home.alerts() if a["kind"] == "history")
    assert "not covered" in home.run("alerts", "show", history["id"]).lower()


@pytest.mark.slow
@pytest.mark.real
def test_tron_style_tells_the_same_story(
    tmp_path: Path, world: EvmWorld, explorer: Explorer
) -> None:
    """The same payments, told as Tron tells them: every movement that Tron has, too."""
    explorer.add("dev", world.ledger, "etherscan", chain_id=31337)
    explorer.add("tron", tron_mirror(world.ledger), "trongrid")
    addresses = world.oracle.watchable(12)
    (tmp_path / "evm").mkdir()
    (tmp_path / "tron").mkdir()
    evm = evm_home(tmp_path / "evm", explorer.url("dev", "etherscan"), "etherscan", addresses)
    tron = evm_home(tmp_path / "tron", explorer.url("tron", "trongrid"), "trongrid",
                    [tron_address(a) for a in addresses])  # fmt: skip
    chain = {"family": "tron", "native": {"symbol": "TRX", "decimals": 6}, "finality": 19}
    tron.write("config/chains.yaml", {"chains": {"dev": {**chain, "sources": ["mine"]}}})
    created = {t.hash for h in range(world.ledger.head.height + 1)
               for t in world.ledger.block(h).txs if t.to is None}  # fmt: skip
    told = {}
    for name, home in (("evm", evm), ("tron", tron)):
        home.run("poll")
        told[name] = sorted(
            (r["tx"], r["kind"], r["from"], r["to"], r["amount"], r["asset"]["contract"])
            for r in home.transfers()
            if r["kind"] in ("native", "internal", "erc20", "trc20") and r["amount"] != "0"
        )
    expected = sorted(
        (tx[2:], kind.replace("erc20", "trc20"), *(tron_address(p) for p in (a, b)), amount,
         contract and tron_address(contract))
        for tx, kind, a, b, amount, contract in told["evm"] if tx not in created
    )  # fmt: skip
    assert len(expected) > 100
    assert told["tron"] == expected


@pytest.mark.real
def test_all_utxo_sources_agree(tmp_path: Path, utxo_node: Rpc, explorer: Explorer) -> None:
    """Esplora style and Blockbook style give the same rows of a node's payments: mined,
    newly mined coins, spent on with change, and waiting."""
    ledger = UtxoLedger()
    feed = LitecoinFeed(utxo_node, ledger)
    me, other = (utxo_node.call("getnewaddress") for _ in range(2))
    for amount in (1, 2, 3):
        utxo_node.call("sendtoaddress", me, amount)
        utxo_node.call("generatetoaddress", 1, me)
    utxo_node.call("generatetoaddress", 100, other)
    utxo_node.call("sendmany", "", {me: 4, other: 5100})  # more than the wallet has without mine
    feed.sync()
    explorer.add("ltc", ledger, "esplora", "blockbook")
    found = {}
    for kind in ("esplora", "blockbook"):
        (tmp_path / kind).mkdir()
        home = utxo_home(tmp_path / kind, explorer.url("ltc", kind), kind, [me])
        home.run("poll")
        found[kind] = facts(home.transfers("--all-legs"))
    assert len(ledger.records("utxo", me)) == 6
    assert {f[0] for f in found["esplora"].values()} == {"coinbase", "utxo_in", "utxo_out"}
    assert {f[-1] for f in found["esplora"].values()} == {"final", "pending"}
    assert found["esplora"] == found["blockbook"]


def utxo_home(path: Path, url: str, kind: str, addresses: list[str]) -> Home:
    chain = {"family": "utxo", "native": {"symbol": "LTC", "decimals": 8}, "finality": 6,
             "bech32": "rltc", "sources": ["mine"]}  # fmt: skip
    home = Home(path)
    home.write("config/settings.yaml", {"prices": "none"})
    home.write("config/chains.yaml", {"chains": {"ltc": chain}})
    home.write("config/sources.yaml", {"sources": {"mine": {
        "kind": kind, "url": url, "rate_per_second": 1000}}})  # fmt: skip
    rows = [{"address": a, "chain": "ltc", "label": a[-6:]} for a in addresses]
    home.write("watchlist.yaml", {"addresses": rows})
    return home


# -- failover --------------------------------------------------------------------------------


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Two sources for the one chain: `mine` speaks Etherscan's way, `other` Blockscout's."""
    with staged(tmp_path) as made:
        two(made.home, made.explorer)
        yield made


def two(home: Home, explorer: Explorer, **first: object) -> None:
    sources = {"mine": configured(explorer) | first, "other": configured(explorer, "blockscout")}
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "other")}})
    home.write("config/sources.yaml", {"sources": sources})


def reporters(scene: Scene, tx: str) -> set[str]:
    return {name for row in scene.home.transfers("--tx", tx) for name in row["sources"]}


@pytest.mark.parametrize(
    "fault",
    [
        "too fast in a 200",
        pytest.param("server errors", marks=pytest.mark.slow),
        pytest.param("no connection", marks=pytest.mark.slow),
    ],
)
def test_next_source_steps_in(scene: Scene, fault: str) -> None:
    """Whatever is wrong with the first source, the second one's word is taken: exit 0."""
    knobs = scene.explorer.knobs("dev", "etherscan")
    if fault == "server errors":
        knobs.fail_next = 10**6
    elif fault == "too fast in a 200":
        knobs.limited = 200
    else:
        two(scene.home, scene.explorer, url="http://127.0.0.1:9/v2/api")
    (tx,) = scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    assert scene.moved() == {(ALICE, tx): 1}
    assert reporters(scene, tx) == {"other"}


@pytest.mark.slow
def test_lagging_source_is_no_witness(scene: Scene) -> None:
    """The second source, five blocks behind, does not show what the first one told: that
    changes nothing. What the first one sees later is told once."""
    (tx,) = scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
    behind = scene.explorer.knobs("dev", "blockscout")
    behind.lag = dict.fromkeys(("head", "native", "internal", "token"), 5)
    for _ in range(3):
        scene.ledger.mine()
    (later,) = scene.pay((BANK, BOB))
    scene.home.run("poll")
    assert {r["status"] for r in scene.home.transfers("--tx", tx)} == {"provisional"}
    assert scene.moved() == {(ALICE, tx): 1}
    scene.explorer.knobs("dev", "etherscan").fail_next = 0
    scene.home.run("poll")
    assert scene.moved() == {(ALICE, tx): 1, (BOB, later): 1}
    assert scene.alerts("correction") == []


def test_lists_behind_their_head_miss_nothing(scene: Scene) -> None:
    """The head is fresh while the list of payments is 20 blocks behind it, deeper than the
    finality: what lies between is not taken for read."""
    two(scene.home, scene.explorer, index_lag=25)
    knobs = scene.explorer.knobs("dev", "etherscan")
    knobs.lag = {"native": 20}
    (tx,) = scene.pay((ALICE, SHOP))
    for _ in range(19):
        scene.ledger.mine()
    scene.home.run("poll")
    assert scene.moved() == {}
    knobs.lag = {}
    scene.home.run("poll")
    assert scene.moved() == {(ALICE, tx): 1}


@pytest.mark.slow
@pytest.mark.real
def test_source_of_another_chain_is_refused(scene: Scene) -> None:
    """A node that answers for another chain: nothing of it is stored, the other source is
    asked, and operations are told which one is wrong."""
    with anvil("--chain-id", "5") as rpc:
        rpc.call("evm_mine")
        wrong = {"kind": "evm_rpc", "url": rpc.url, "rate_per_second": 1000}
        sources = {"wrong": wrong, "mine": configured(scene.explorer)}
        scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain("wrong", "mine")}})
        scene.home.write("config/sources.yaml", {"sources": sources})
        (tx,) = scene.pay((ALICE, SHOP))
        scene.home.run("poll")
    assert scene.moved() == {(ALICE, tx): 1}
    assert reporters(scene, tx) == {"mine"}
    assert scene.home.sql("SELECT count(*) FROM coverage WHERE source = 'wrong'") == [(0,)]
    (notice,) = scene.alerts("notice", "answers for chain id 5")
    assert notice["title"].startswith("Source wrong is not used")
