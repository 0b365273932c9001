"""Invented cases behind the local explorer: what the real commands say of them, against what they
mean, in plain fractions."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from world import money
from world.home import Home, dev_chain

from monitor.demo.world.explorer import Explorer
from monitor.model.flow import CONSERVING, METHODS


def _settle_in(home: Home, explorer: Explorer, terms: Mapping[str, object]) -> None:
    home.write("config/settings.yaml", {"prices": ["llama"]})
    ids = {"coin": "ethereum", "defillama": "dev"}
    chain = {**dev_chain("mine"), "prices": ids, "wrapped": money.WETH}
    home.write("config/chains.yaml", {"chains": {"dev": chain}})
    mine = {"kind": "blockscout", "url": explorer.url("dev", "blockscout")}
    llama = {"kind": "defillama", "url": explorer.url("prices", "defillama")}
    rows = {name: {**row, "rate_per_second": 1000} for name, row in
            (("mine", mine), ("llama", llama))}  # fmt: skip
    home.write("config/sources.yaml", {"sources": rows})
    assets = {
        contract: {"symbol": symbol, "decimals": 6, "source": "us", "date": "2026-01-01"}
        for contract, symbol in ((money.USDC, "USDC"), (money.DAI, "DAI"))
    }
    home.write("config/assets.yaml", {"assets": {"dev": assets}})
    entries = [{"address": a, "chain": "dev", "label": a[:4]} for a in money.SOURCES]
    case = {"reason": "a reason", "follow": dict(terms), "addresses": entries}
    home.write("watchlist.yaml", {"cases": {"C-1": case}})
    book = [f"{a},dev,The {word} {a[2:4]},{word}" for a, word in money.NAMED.items()]
    home.write("addressbook.csv", "\n".join(["address,chain,name,category", *book]) + "\n")


def _near(mine: Mapping[str, Fraction], said: Mapping[str, Any], asset: str) -> bool:
    """By every method that conserves within what whole units may come to, also where a unit of one
    asset became many of another."""
    unit = 10**12 if "#" in asset else 10**11 if asset in (money.COIN, money.WETH) else 60
    return all(
        abs(mine.get(m, Fraction(0)) - int(said.get(m, 0)))
        <= max(unit, abs(mine.get(m, Fraction(0))) / 10**6)
        for m in METHODS
    )


def _compare(want: money.Expected, lines: list[dict[str, Any]]) -> None:
    nodes = {line["address"]: line for line in lines if line["type"] == "node"}
    passes = {
        address
        for address, node in nodes.items()
        if node["state"] in ("followed", "parked")
        or (node["stop"] or {}).get("reason") == "deposit_address"
    }
    assert passes == want.opened
    assert {who: nodes[who]["hop"] for who in want.hops} == want.hops
    for name in ("received", "left"):
        said = {(a, s["asset"]["contract"] or ""): s["amount"]
                for a, node in nodes.items() for s in node[name]}  # fmt: skip
        mine = getattr(want, name)
        for place in (said.keys() | mine.keys()) - {("@fee", "")}:
            assert _near(mine.get(place, {}), said.get(place, {}), place[1]), (name, place)
    edges: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(METHODS, 0))
    for line in lines:
        if line["type"] == "edge":
            place = (line["tx"], line["from"], line["to"], line["asset"]["contract"] or "")
            for method in METHODS:
                edges[place][method] += int(line["traced"][method])
    for way in edges.keys() | want.edges.keys():
        assert _near(want.edges.get(way, {}), edges.get(way, {}), way[3]), way  # type: ignore[arg-type,call-overload]
    assert {
        t["difference"] for t in lines if t["type"] == "total" and t["method"] in CONSERVING
    } == {"0"}


@pytest.mark.parametrize(
    ("seed", "hops", "min_usd", "min_share"), [(11, 3, "0", "0.0005"), (22, 10, "300", "0.03")]
)
def test_a_trace_says_what_the_movements_mean(
    tmp_path: Path, seed: int, hops: int, min_usd: str, min_share: str
) -> None:
    world = money.World(seed, int(time.time()) - 30 * 86_400, routers=min_usd == "0")
    world.play(100)
    world.settle()
    terms = {
        "hops": hops,
        "min_usd": float(min_usd),
        "min_share": float(min_share),
        "ask_after": "never",
    }
    with Explorer() as explorer:
        explorer.add("dev", world.ledger, "blockscout", chain_id=31337)
        explorer.price({"coingecko:ethereum": 2000.0, f"dev:{money.WETH}": 2000.0})
        home = Home(tmp_path)
        _settle_in(home, explorer, terms)
        home.run("trace", "run", "C-1")
        shown = home.run("trace", "show", "C-1", "--format", "jsonl")
        home.run("trace", "run", "C-1")
        again = home.run("trace", "show", "C-1", "--format", "jsonl")
    want = money.expected(
        world, frozenset(money.SOURCES), hops=hops,
        min_usd=Fraction(min_usd), min_share=Fraction(min_share),
    )  # fmt: skip
    assert want.opened
    _compare(want, [json.loads(line) for line in shown.splitlines()])
    assert shown == again
