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
from world.ledgers import LISTS, ME
from world.scripted_server import Call, Reply, serve

from monitor.demo.world.explorer import Explorer
from monitor.model import Ask, Batch, Chain, Interval, SourceConfig, Subject
from monitor.model.ports import Source
from monitor.net.http import Http
from monitor.net.sources import build

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
