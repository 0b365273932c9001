"""An explorer that does not take one address is well: the fault is that entry's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from world.home import Home
from world.scripted_server import Call, Reply, serve

from monitor.loops.pool import SourcePool
from monitor.model import Ask, Chain, Head, Interval, SourceConfig, Subject
from monitor.model.errors import SourceError
from monitor.net.http import Http
from monitor.net.sources import build, http_options

GOOD = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
ODD = "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs"  # version 2: lawful, and unknown to explorers
GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
HEAD = 800_000


def esplora(call: Call) -> Reply:
    """A server with one empty history that answers 400 to the other address."""
    tip = hashlib.sha256(b"tip").hexdigest()
    if ODD in call.path:
        return Reply(b"Invalid Bitcoin address", 400)
    if call.path == "/blocks/tip/hash":
        return Reply(tip.encode())
    if found := re.match(r"/block-height/(\d+)", call.path):
        return Reply((GENESIS if found[1] == "0" else tip).encode())
    if call.path.startswith("/block/"):
        return Reply({"id": tip, "height": HEAD, "timestamp": 1_790_000_000})
    if "/txs" in call.path:
        return Reply([])
    return Reply({"chain_stats": {"tx_count": 0}, "mempool_stats": {"tx_count": 0}})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with serve(esplora) as server:
        found = Home(tmp_path)
        source = {"kind": "esplora", "url": server.url, "rate_per_second": 1000}
        found.write("config/settings.yaml", {"prices": "none"})
        found.write("config/chains.yaml", {"chains": {"bitcoin": {"sources": ["mine"]}}})
        found.write("config/sources.yaml", {"sources": {"mine": source}})
        yield found


def watch(home: Home, *addresses: str) -> None:
    rows = [{"address": a, "chain": "bitcoin", "label": a[:6]} for a in addresses]
    home.write("watchlist.yaml", {"addresses": rows})


def test_the_others_are_read(home: Home) -> None:
    """In one poll, and in the next: the source is not left alone for it."""
    watch(home, ODD, GOOD)
    for _ in range(2):
        home.sql("UPDATE scope SET due = 0") if (home.path / "fundwatch.db").exists() else None
        home.run("poll", code=None)
    read = dict(home.sql("SELECT scope, error FROM reading"))
    assert not read[f"bitcoin/{GOOD}"]
    assert "does not take this address" in read[f"bitcoin/{ODD}"]
    states = dict(home.sql("SELECT scope, ok FROM reading"))
    assert states[f"bitcoin/{GOOD}"] is not None
    assert states[f"bitcoin/{ODD}"] is None


def test_check_blames_the_line_and_not_the_source(home: Home) -> None:
    """The source serves; the entry's line is named with what to do."""
    watch(home, ODD, GOOD)
    said = " ".join(home.run("check", code=None).split())
    assert re.search(r"ok bitcoin mine inputs, outputs", said)
    assert re.search(r"WARN line \d+: mine does not take this address .*retire it", said)
    assert "FAIL bitcoin" not in said


CHAINS = {
    "esplora": Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6, bech32="bc", base58=(0, 5)),
    "blockbook": Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6, bech32="bc", base58=(0, 5)),
    "etherscan": Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=1),
    "blockscout": Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=1),
    "trongrid": Chain("tron", "Tron", "tron", "TRX", 6, 19),
}
SAID: list[tuple[str, Any, int]] = [
    ("esplora", b"Invalid Bitcoin address", 400),
    ("esplora", b"bad checksum", 400),
    ("blockbook", {"error": "Invalid address, decoded address is of unknown format"}, 400),
    ("etherscan", {"status": "0", "message": "NOTOK",
                   "result": "Error! Invalid address format"}, 200),
    ("blockscout", {"message": "Invalid parameter(s)"}, 422),
    ("blockscout", {"message": "Invalid address hash", "result": None, "status": "0"}, 200),
    ("trongrid", {"success": False, "error": "A valid account address is required",
                  "statusCode": 400}, 400),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "status"), SAID)
def test_no_breaker_opens_for_an_address(kind: str, body: Any, status: int) -> None:
    """Whatever the words; a refusal of everything still makes the source rest."""
    assert not _rests(kind, lambda call: Reply(body, status))
    assert _rests(kind, lambda call: Reply({"error": "no access"}, 403))


def _rests(kind: str, answer: Callable[[Call], Reply]) -> bool:
    chain = CHAINS[kind]
    with serve(answer) as server:
        config = SourceConfig("the source", kind, server.url)
        options = http_options(config, chain)
        source = build(config, chain, Http(config.name, options.base_url, attempts=1))
        pool = SourcePool(chain, [source])
        subject = Subject(chain.key, "0x" + "ab" * 20 if chain.family == "evm" else "an-address")
        streams = source.bundles[-1]
        ask = Ask((subject,), streams, Interval(0, 100), Head(100, 1_700_000_000))
        for _ in range(5):
            with pytest.raises(SourceError) as caught:
                source.fetch(ask)
            pool.failed(source, caught.value, streams)
        return not pool.usable(source, everything=False)
