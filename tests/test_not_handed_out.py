"""A node that does not hand out an address's logs: a limit that is told, no failure."""

from __future__ import annotations

from pathlib import Path

from world.home import ALICE, Home, configured, dev_chain, staged
from world.scripted_server import Call, Reply, serve

# PublicNode's answer to every question for an address's logs; seen for Base, BNB, Ethereum.
PLEASE = "Please specify an address in your request or, to remove restrictions, order a node"


def node(call: Call) -> Reply:
    method, number = call.body["method"], call.body["id"]
    if method == "eth_getLogs":
        error = {"code": -32701, "message": PLEASE}
        return Reply({"jsonrpc": "2.0", "id": number, "error": error})
    block = {"number": "0x64", "hash": "0x" + "12" * 32, "timestamp": "0x6553f100"}
    result = {"eth_chainId": "0x7a69", "eth_blockNumber": "0x64"}.get(method, block)
    return Reply({"jsonrpc": "2.0", "id": number, "result": result})


def alone(home: Home, url: str) -> None:
    chain = {**dev_chain("mine"), "read": "addresses"}
    home.write("config/chains.yaml", {"chains": {"dev": chain}})
    mine = {"kind": "evm_rpc", "url": url, "rate_per_second": 1000}
    home.write("config/sources.yaml", {"sources": {"mine": mine}})


def test_the_only_source_keeps_its_lists_back(tmp_path: Path) -> None:
    """The lists are unserved, not failing: no exit code, no blindness, but the words; and the
    node is asked once for each list, not at every pass."""
    with staged(tmp_path) as scene, serve(node) as server:
        home = scene.home
        alone(home, server.url)
        home.run("poll")
        asked = [c.body["method"] for c in server.calls].count("eth_getLogs")
        assert asked == 2  # of each bundle the first question
        errors = home.sql("SELECT error FROM reading WHERE stream = 'erc20' AND scope = 'dev/*'")
        assert errors == [("no configured source lists it",)]
        assert not [a for a in home.alerts() if "blind" in str(a).lower()]
        said = " ".join(home.run("check", code=None).split())
        assert "does not hand out tokens, NFTs" in said
        assert "NOT covered: native, internal, tokens, NFTs" in said
        assert "Please specify an address" in said
        assert "cannot be read now" not in said


def test_the_next_source_serves_what_the_first_keeps_back(tmp_path: Path) -> None:
    """A node first in the list that keeps its logs back costs nothing: the explorer behind it
    tells everything, and the node is not left alone for it."""
    with staged(tmp_path) as scene, serve(node) as server:
        home = scene.home
        first = {"kind": "evm_rpc", "url": server.url, "rate_per_second": 1000}
        sources = {"node": first, "mine": configured(scene.explorer)}
        home.write("config/sources.yaml", {"sources": sources})
        home.write("config/chains.yaml", {"chains": {"dev": dev_chain("node", "mine")}})
        (tx,) = scene.pay((ALICE, "0x" + "c" * 40))
        home.run("poll")
        assert scene.moved() == {(ALICE, tx): 1}
        assert home.sql("SELECT count(*) FROM reading WHERE error != ''") == [(0,)]
