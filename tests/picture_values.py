"""Traces of one token for pictures, made of plain payments: every method traces the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import trace_values as story

from monitor.model.trace import Node, State, Stop, Sum, Terms, Total, Trace

Pay = tuple[str, str, int, int]  # giver, taker, traced and all of it, in whole USDT
UNIT = 10**6


def address(name: str) -> str:
    """One that is the name in hex, so that it is found again in a picture."""
    return "0x" + name.encode().hex().ljust(40, "0")[:40]


def traced(
    payments: Sequence[Pay], stops: Mapping[str, str] = {}, more: Mapping[str, Any] = {}
) -> Trace:
    """The first giver is the source; `stops`: reasons by name; `more`: fields of nodes by name,
    and of the trace under ""."""
    source = payments[0][0]
    hops, edges = {source: 0}, []
    came: dict[str, int] = {}
    gone: dict[str, int] = {}
    for number, (giver, taker, part, whole) in enumerate(payments, 1):
        hops.setdefault(taker, hops[giver] + 1)
        moved, by = (story.USDT, whole * UNIT), story.by_method(part * UNIT)
        ends = address(giver), address(taker)
        edges.append(story.edge(number, ends, moved, by, hops[giver] + 1))
        came[taker] = came.get(taker, 0) + part
        gone[giver] = gone.get(giver, 0) + part
    nodes = [
        _node(name, hop, came.get(name, 0), gone.get(name, 0), stops.get(name, ""), more)
        for name, hop in hops.items()
    ]
    out = gone[source] - came.get(source, 0)
    ended: dict[str, int] = {}
    for name, reason in stops.items():
        ended[reason] = ended.get(reason, 0) + (came[name] - gone.get(name, 0)) * UNIT
    totals = tuple(
        Total(story.USDT, m, out * UNIT, resting=out * UNIT - sum(ended.values()), ended=ended)
        for m in story.METHODS
    )
    fields = {"method": "haircut", "method_by": "M. Weber", "followed": len(nodes)}
    fields |= more.get("", {})
    return Trace(
        *("CRANE-01", "Salaries", Terms(), tuple(sorted(nodes, key=lambda n: n.hop))),
        *(tuple(edges), totals),
        **fields,
    )


def _node(name: str, hop: int, came: int, gone: int, reason: str, more: Mapping[str, Any]) -> Node:
    def sums(units: int) -> list[Sum]:
        return [story.summed(story.USDT, story.by_method(units * UNIT))] if units else []

    state = State.SOURCE if hop == 0 else State.STOPPED if reason else State.FOLLOWED
    got = (sums(came), sums(gone), sums(came - gone)) if hop else ([], sums(gone), [])
    fields = {"stop": Stop(reason)} if reason else {}
    return story.node(address(name), hop, state, got, **(fields | more.get(name, {})))


def scattered(seed: int, addresses: int, hops: int = 5) -> Trace:
    """A source whose value spreads over so many addresses, with merges and ways back."""
    chance = random.Random(seed)
    held, layers = {"source": 10_000_000}, [["source"]]
    names = [f"a{number}" for number in range(addresses)]
    for hop in range(hops):
        layers.append(names[hop::hops])
    payments: list[Pay] = []
    for before, after in itertools.pairwise(layers):
        for name in after:
            givers = [n for n in before if held.get(n, 0) > 10] or before[:1]
            giver = chance.choice(givers)
            part = max(1, int(held.get(giver, 1) * chance.uniform(0.02, 0.5)))
            part = min(part, held.get(giver, part))
            payments.append((giver, name, part, int(part * chance.choice((1, 1, 1.4, 30)))))
            held[giver] = held.get(giver, part) - part
            held[name] = held.get(name, 0) + part
    for _ in range(addresses // 12):
        giver, taker = chance.choice(layers[-1]), chance.choice(names)
        if giver != taker and held.get(giver, 0) > 4:
            payments.append((giver, taker, held[giver] // 2, held[giver] // 2))
            held[taker] += held[giver] // 2
            held[giver] -= held[giver] // 2
    reasons = ("exchange", "mixer", "bridge", "below_value", "deposit_address", "service")
    return traced(payments, {n: chance.choice(reasons) for n in layers[-1] if n in held})
