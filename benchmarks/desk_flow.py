"""Traces of 300 addresses for every second case of desk_record.py, so that a picture has as many
boxes as it may."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from common import evm_address, tx_hash

if TYPE_CHECKING:
    from monitor.model.trace import ByMethod, Edge, Node, Trace

ADDRESSES, HOPS, UNIT = 300, 5, 10**6
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"


def take(store: Any, cases: Sequence[str], now: int) -> None:
    from monitor.model.acts import DAEMON
    from monitor.model.acts_trace import TakeTrace
    from monitor.store.commit import commit

    for number, case in enumerate(cases[::2]):
        commit(store, DAEMON, TakeTrace(now, case, trace(case, number, now)))


def trace(case: str, seed: int, now: int) -> Trace:
    """A source whose value spreads hop by hop; every method traces the same."""
    from monitor.model.trace import Terms, Total, Trace, TracedAsset

    usdt = TracedAsset("ethereum", USDT, "USDT", 6, verified=True)
    dice, names = random.Random(seed), [f"{case} {number}" for number in range(ADDRESSES)]
    layers = [["source"], *(names[hop::HOPS] for hop in range(HOPS))]
    held, came, left = {"source": 10_000_000}, dict[str, int](), dict[str, int]()
    edges: list[Edge] = []
    for hop, layer in enumerate(layers[1:], 1):
        for taker in layer:
            giver = max(dice.sample(layers[hop - 1], min(3, len(layers[hop - 1]))),
                        key=lambda name: held.get(name, 0))  # fmt: skip
            part = max(1, int(held.get(giver, 0) * dice.uniform(0.02, 0.3)))
            held[giver], held[taker] = held.get(giver, 0) - part, part
            came[taker], left[giver] = part, left.get(giver, 0) + part
            edges.append(_edge(case, len(edges), giver, taker, usdt, part * UNIT, hop, now))
    out = left["source"] * UNIT
    nodes = [
        _node(name, hop, usdt, came.get(name, 0), left.get(name, 0), now)
        for hop, layer in enumerate(layers)
        for name in layer
    ]
    totals = tuple(Total(usdt, method, out, resting=out) for method in _by(0))
    return Trace(case, "", Terms(), tuple(nodes), tuple(edges), totals, method="fifo",
                 method_by="m.ortiz", followed=len(nodes))  # fmt: skip


def _by(units: int) -> ByMethod:
    from monitor.model.flow import METHODS

    return dict.fromkeys(METHODS, units)


def _edge(
    case: str, number: int, giver: str, taker: str, asset: Any, units: int, hop: int, now: int
) -> Edge:
    from monitor.model.trace import Edge

    return Edge(
        *("ethereum", tx_hash(f"{case} flow {number}"), "leg", "erc20"),
        *(evm_address(giver), evm_address(taker), asset, units * 2, now - 10**6 + number * 60),
        *(hop, _by(units), _by(units)),
    )


def _node(name: str, hop: int, asset: Any, came: int, left: int, now: int) -> Node:
    from monitor.model import Subject
    from monitor.model.trace import Node, State, Sum

    def sums(units: int) -> tuple[Sum, ...]:
        return (Sum(asset, _by(units * UNIT), _by(units * UNIT)),) if units else ()

    return Node(
        Subject("ethereum", evm_address(name)), hop, State.FOLLOWED if hop else State.SOURCE,
        first_traced=now - 10**6, last_moved=now, covered_to=now,
        received=sums(came), left=sums(left), holds=sums(came - left) if hop else (),
    )  # fmt: skip
