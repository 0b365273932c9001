"""Servers that cut their lists in silence, at any number or by bytes: every adapter, every list.

The project's own explorer answers in each style, and what comes out is cut on the way, with
nothing else changed: where the style names a next page it still names the one that follows
the whole page. Nothing may be lost: each row comes, or its block is told as a gap.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from world.evm_node import Node, coin
from world.scripted_server import Call, Reply, serve
from world.tron_parts import TRON, b58
from world.tron_parts import tx_id as tron_id

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import (
    AccountLedger,
    Input,
    Internal,
    Output,
    TokenMove,
    Tx,
    UtxoLedger,
    UtxoTx,
)
from monitor.model import Ask, Batch, Chain, Interval, SourceConfig, Subject
from monitor.model.ports import Source
from monitor.net.http import Http
from monitor.net.sources import build

BLOCKS = 140
DEV = Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337, wrapped="0x" + "ee" * 20)
COINS = Chain("coins", "Coins", "utxo", "BTC", 8, 6)
ME, PEER, SHOP = ("0x" + letter * 40 for letter in "abc")
TOKEN = "0x" + "70" * 20
CUTS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "7 rows": lambda rows: rows[:7],
    "13 rows": lambda rows: rows[:13],
    "256 rows": lambda rows: rows[:256],
    "9,000 bytes": lambda rows: _fitting(rows, 9000),
}


def _fitting(rows: list[Any], most: int) -> list[Any]:
    """As many rows as fit into so many bytes, and one at least."""
    kept: list[Any] = []
    for row in rows:
        most -= len(json.dumps(row))
        if most < 0 and kept:
            break
        kept.append(row)
    return kept


def accounts(peer: str, me: str, shop: str, *, tron: bool = False) -> AccountLedger:
    """Payments, calls that pay inside and coins, up to three rows of a list in a block."""
    ledger = AccountLedger(tron=True) if tron else AccountLedger()
    for height in range(BLOCKS):
        txs = []
        for n in range(height % 4):
            name = tron_id(10 * height + n) if tron else f"0x{10 * height + n + 1:064x}"
            calls = (Internal(peer, shop, 0, path=""), Internal(shop, me, height + 1, path="0"))
            moves = (TokenMove("ERC-20", token(tron=tron), peer, me, height + n + 1, n + 1),)
            txs.append(Tx(name, peer, shop, input="0xab", internals=calls, tokens=moves))
            paid = tron_id(10 * height + n + 5) if tron else f"0x{10 * height + n + 6:064x}"
            txs.append(Tx(paid, peer, me, height + 1))
        ledger.mine(txs)
    return ledger


def token(*, tron: bool) -> str:
    return "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" if tron else TOKEN


def outputs() -> UtxoLedger:
    ledger = UtxoLedger()
    for height in range(BLOCKS):
        ledger.mine(
            UtxoTx(
                f"{10 * height + n:064x}",
                (Input("ee" * 32, 10 * height + n, Output("someone", 9)),),
                (Output("me", height + 1), Output("other", 6)),
            )
            for n in range(height % 4)
        )
    return ledger


def cut_list(body: Any, cut: Callable[[list[Any]], list[Any]]) -> Any:
    """The answer with its list cut, wherever its style keeps it; blocks are no such list."""
    if isinstance(body, list):
        return cut(body)
    for member in ("result", "items", "data", "transactions"):
        if isinstance(body, dict) and isinstance(body.get(member), list):
            return {**body, member: cut(body[member])}
    return body


def read_all(source: Source, chain: Chain, address: str) -> tuple[set[Any], set[int]]:
    """Identities of every bundle's rows, and the heights that are told as gaps."""
    head = source.head()
    rows: list[Any] = []
    gaps: set[int] = set()
    for streams in source.bundles:
        hi = source.axis.top(head)
        lo = 0 if source.axis.by_block else (head.time - 10_000_000) * 1000
        ask: Ask | None = Ask((Subject(chain.key, address),), streams, Interval(lo, hi), head)
        batches: list[Batch] = []
        while ask is not None:
            batch = source.fetch(ask)
            batches.append(batch)
            assert len(batches) < 300, "the walk does not end"
            going = batch.rest is not None
            ask = replace(ask, span=batch.rest, cursor=batch.cursor) if going else None  # type: ignore[arg-type]
        rows += [t.identity for b in batches for t in b.transfers]
        gaps |= {gap.at.lo for b in batches for gap in b.gaps}
        assert batches[-1].rest is None
    assert len(set(rows)) == len(rows), "a row came twice"
    return set(rows), gaps


LISTS = {
    "etherscan": (DEV, ME, lambda: accounts(PEER, ME, SHOP)),
    "blockscout": (DEV, ME, lambda: accounts(PEER, ME, SHOP)),
    "trongrid": (TRON, b58(1), lambda: accounts(b58(2), b58(1), b58(3), tron=True)),
    "esplora": (COINS, "me", outputs),
    "blockbook": (COINS, "me", outputs),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", LISTS)
def test_nothing_is_lost(explorer: Explorer, kind: str, cut: str) -> None:
    """The same rows as from a server that cuts nothing, each once, and no gap."""
    chain, address, ledger = LISTS[kind]
    explorer.add(chain.key, ledger(), kind, chain_id=chain.chain_id)
    tail = explorer.url(chain.key, kind).removeprefix(explorer.base)

    def on_the_way(call: Call) -> Reply:
        target = call.path + ("?" + urlencode(call.query) if call.query else "")
        body = b"" if call.body is None else json.dumps(call.body).encode()
        reply = explorer.reply(call.method, target, body)
        try:
            told = json.loads(reply.body)
        except ValueError:
            return Reply(reply.body, int(reply.status))
        whole = "/api/v2/blocks" in call.path
        return Reply(told if whole else cut_list(told, CUTS[cut]), int(reply.status))

    def through(url: str) -> tuple[set[Any], set[int]]:
        config = SourceConfig("s", kind, url)
        return read_all(build(config, chain, Http("s", url, attempts=1)), chain, address)

    expected, _ = through(explorer.url(chain.key, kind))
    with serve(on_the_way) as server:
        found, gaps = through(server.url + tail)
    assert len(expected) > 200
    assert found == expected
    assert gaps == set()


@pytest.mark.parametrize("cut", CUTS)
def test_a_node_loses_nothing(cut: str) -> None:
    """A node that leaves logs out of long answers hides none."""
    logs = [coin(n, 10 + n // 3, n) for n in range(300)]
    scripted = Node(*logs)

    def on_the_way(call: Call) -> Reply:
        reply = scripted(call)
        cuts = call.body["method"] == "eth_getLogs"
        return Reply(cut_list(reply.body, CUTS[cut])) if cuts else reply

    chain = Chain("local", "Local", "evm", "ETH", 18, 12, chain_id=31337)
    with serve(on_the_way) as server:
        config = SourceConfig("s", "evm_rpc", server.url)
        source = build(config, chain, Http("s", server.url, attempts=1))
        found, gaps = read_all(source, chain, ME)
    assert (len(found), gaps) == (300, set())
