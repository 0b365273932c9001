"""Coins that come out of Zcash's shielded pools and go into them, from a Blockbook to the alert."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from world.home import Home

from monitor.chains import landmarks
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.model import plain

ME = "t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC"
TEX = "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte"  # the same key, as ZIP-320 writes it
OTHER = "t1PxQSaoJcY5zLkhB1ZPGYiBJ7kEjjwA4LE"
BLOCKS = 150  # more than the chain's depth of finality


@pytest.fixture
def ledger() -> UtxoLedger:
    made = UtxoLedger(
        first_height=838_000, time=int(time.time()) - 75 * (BLOCKS + 4), block_time=75
    )
    made.genesis = landmarks.of("zcash")[1]
    for _ in range(BLOCKS):
        made.mine()
    return made


@pytest.fixture
def home(tmp_path: Path, explorer: Explorer, ledger: UtxoLedger) -> Home:
    explorer.add("zcash", ledger, "blockbook")
    source = {"kind": "blockbook", "url": explorer.url("zcash", "blockbook"),
              "rate_per_second": 1000, "api_key_env": "KEY"}  # fmt: skip
    made = Home(tmp_path)
    made.write(".env", "KEY=one-of-our-own\n")
    (tmp_path / ".env").chmod(0o600)
    made.write("config/settings.yaml", {"prices": "none"})
    made.write("config/chains.yaml", {"chains": {"zcash": {"sources": ["mine"]}}})
    made.write("config/sources.yaml", {"sources": {"mine": source}})
    made.write("watchlist.yaml", {"addresses": [
        {"address": TEX, "chain": "zcash", "label": "exit", "tell_when": "seen"}]})  # fmt: skip
    made.run("poll")
    return made


@pytest.mark.parametrize(
    ("put", "seen", "said"),
    [
        (70_000, 69_990, "pays an unknown address; "),
        (70_000, 100, "pays an unknown address and perhaps shielded addresses; "),
    ],
)
def test_who_is_seen_is_not_said_to_be_all(
    home: Home, ledger: UtxoLedger, put: int, seen: int, said: str
) -> None:
    """Most of the coins went where nobody looks: the one output that is seen did not get them."""
    ledger.mine([UtxoTx("a1" * 32, (Input("c3" * 32, 0, Output(OTHER, 20)),), (Output(ME, put),))])
    ledger.mine(
        [UtxoTx("b2" * 32, (Input("a1" * 32, 0, Output(ME, put)),), (Output(OTHER, seen),))]
    )
    home.sql("UPDATE scope SET due = 0")
    home.run("poll")
    came, went = (
        " ".join(home.run("alerts", "show", a["id"]).split())
        for a in home.alerts()
        if a["kind"] == "movement"
    )
    assert "spends from an unknown address and shielded addresses; " in came
    assert said in went
    assert f"{plain.amount(put - seen, 8)} ZEC more is seen to be put in than paid out" in went


def test_what_is_seen_is_told_and_nothing_else(home: Home, ledger: UtxoLedger) -> None:
    """Coins from no visible address, and then all of them to none: news, in and out, without
    a fee and without a payer of our making."""
    out_of = UtxoTx("a1" * 32, (), (Output(ME, 70_000),))
    into = UtxoTx("b2" * 32, (Input("a1" * 32, 0, Output(ME, 70_000)),), ())
    ledger.mine([out_of])
    ledger.mine([into])
    home.sql("UPDATE scope SET due = 0")
    home.run("poll")
    found = {a["tx"]: a for a in home.alerts() if a["kind"] == "movement"}
    assert {tx: a["direction"] for tx, a in found.items()} == {
        out_of.hash: "in", into.hash: "out",
    }  # fmt: skip
    assert {tx: a["lane"] for tx, a in found.items()} == dict.fromkeys(found, "news")
    came, went = (
        " ".join(home.run("alerts", "show", found[tx.hash]["id"]).split()) for tx in (out_of, into)
    )
    assert "exit received 0.0007 ZEC net from no visible address" in came
    assert "exit sent 0.0007 ZEC net to no visible address" in went
    assert "FEE not known: part of the transaction may be shielded" in went
    assert "In no list of Zcash" in went
    assert "shielded addresses" in went
