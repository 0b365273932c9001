"""What people and programs read of a trace."""

from __future__ import annotations

import json
from dataclasses import replace

import trace_values as story

from monitor.messages.trace import objects
from monitor.model import Subject
from monitor.model.flow import METHODS
from monitor.model.trace import Node, State, Sum, TracedAsset

NODE = {
    *("type", "chain", "address", "hop", "state", "stop", "label", "first_traced", "complete"),
    *("received", "left", "holds", "bounds"),
}
EDGE = {
    *("type", "chain", "tx", "leg", "kind", "from", "to", "asset", "amount", "time", "hop"),
    *("traced", "usd", "via"),
}
TOTAL = {
    *("type", "asset", "method", "out_of_sources", "converted_in", "converted_out", "fees"),
    *("resting", "ended", "unfollowed", "ties", "difference"),
}


def parsed(trace=None):
    found = [json.loads(line) for line in objects.lines(trace or story.trace())]
    return {kind: [o for o in found if o["type"] == kind] for kind in ("node", "edge", "total")}


def test_objects_have_the_keys_of_the_contract() -> None:
    found = parsed()
    assert all(set(each) >= NODE for each in found["node"])
    assert all(set(each) >= EDGE for each in found["edge"])
    assert all(set(each) >= TOTAL for each in found["total"])
    assert [len(found[kind]) for kind in found] == [6, 6, 24]


def test_amounts_are_whole_base_units_and_dollars_exact() -> None:
    (hub,) = [n for n in parsed()["node"] if n["address"] == story.HUB]
    (held,) = hub["holds"]
    assert held["asset"] == {
        "contract": story.USDT.contract, "symbol": "USDT", "decimals": 6, "verified": True
    }  # fmt: skip
    assert list(held["amount"]) == list(METHODS)
    assert held["amount"]["fifo"] == "85000000000"
    assert held["usd"]["haircut"] == "56666.666667"
    assert held["usd_day"] == "2026-11-27"
    assert hub["first_traced"] == "2023-11-14T23:13:20Z"


def test_where_it_ended_says_why_and_who_says_so() -> None:
    (exchange,) = [n for n in parsed()["node"] if n["state"] == "stopped"]
    assert exchange["stop"]["reason"] == "exchange"
    assert exchange["label"] == {
        "name": "Binance 14",
        "category": "exchange",
        "source": "etherscan labels",
        "date": "2024-05-01",
        "confidence": "high",
    }


def test_bounds_stand_where_not_all_is_read() -> None:
    bounds = {"haircut": (1, 10**20), "lifo": (5, 5)}
    held = Sum(story.USDT, story.by_method(7), bounds=bounds)
    whole = Node(Subject("ethereum", "0x1"), 1, State.FOLLOWED, holds=(held,))
    partly = replace(whole, complete=False)
    found = parsed(story.trace(nodes=(whole, partly)))["node"]
    shown = {"haircut": ["1", "100000000000000000000"], "lifo": ["5", "5"]}
    assert [n["bounds"] for n in found] == [None, shown]


def test_every_total_of_a_method_that_conserves_is_without_difference() -> None:
    found = parsed()["total"]
    assert {t["difference"] for t in found if t["method"] != "poison"} == {"0"}
    assert {t["asset"] and t["asset"]["symbol"] for t in found} == {"USDT", "ETH", None}
    dollars = next(t for t in found if t["asset"] is None and t["method"] == "haircut")
    assert dollars["ended"] == {"exchange": "50000"}


def test_the_same_trace_gives_the_same_bytes_and_nothing_hostile() -> None:
    fake = TracedAsset("ethereum", "0x" + "ee" * 20, "US\u202eDT http://x.example", 99)
    held = Sum(fake, dict(reversed(story.IN.items())))
    nodes = (replace(story.NODES[1], received=(held,)),)
    (line,) = objects.lines(story.trace(nodes=nodes, edges=(), totals=()))
    shown = json.loads(line)["received"][0]
    assert shown["asset"]["symbol"] == "USDT hxxp[:]//x[.]example"
    assert shown["asset"]["decimals"] is None
    assert list(shown["amount"]) == list(METHODS)
    assert list(objects.lines(story.trace())) == list(objects.lines(story.trace()))
