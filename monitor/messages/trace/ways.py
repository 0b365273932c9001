"""Which movements of a trace lead to an address: all of them, and the way that most came by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.messages.trace.words import Page, asset_said, span
from monitor.model import Subject
from monitor.model.trace import Edge, State, Trace

_TURNED = {"swap": "swapped", "wrap": "wrapped", "nft": "traded"}


class Pot(NamedTuple):
    """One asset of one address."""

    subject: Subject
    contract: str


def payer(edge: Edge) -> Pot:
    return Pot(Subject(edge.chain, edge.sender), edge.asset.contract)


def taker(edge: Edge) -> Pot:
    asset = edge.got.asset if edge.got is not None else edge.asset
    return Pot(Subject(edge.to_chain or edge.chain, edge.recipient), asset.contract)


def leading(trace: Trace, target: Subject) -> list[Edge]:
    """Every movement from a watched address on that what is traced at the target may come from,
    in time: only what had arrived before it was paid on. What carries nothing by any method that
    conserves is left out, unless nothing else leads there."""
    carrying = [edge for edge in trace.edges if span(edge.traced)[1]]
    return _leading(trace, target, carrying) or _leading(trace, target, trace.edges)


def _leading(trace: Trace, target: Subject, edges: Sequence[Edge]) -> list[Edge]:
    """By one pass backwards."""
    sources = {node.subject for node in trace.nodes if node.state is State.SOURCE}
    wanted: set[Pot] = set()
    found = []
    for edge in reversed(edges):
        if taker(edge).subject == target or taker(edge) in wanted:
            found.append(edge)
            if payer(edge).subject not in sources:
                wanted.add(payer(edge))
    return found[::-1]


class Ways:
    """The way that most came by, of any number of addresses of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._edges = trace.edges
        self._sources = {node.subject for node in trace.nodes if node.state is State.SOURCE}
        self._incoming: dict[Pot, list[int]] = {}  # places of movements, in time ...
        self._best: dict[Pot, list[int]] = {}  # ... and the largest up to each of them
        for place, edge in enumerate(trace.edges):
            pot = taker(edge)
            best = self._best.setdefault(pot, [])
            self._incoming.setdefault(pot, []).append(place)
            best.append(max(best[-1], place, key=self._rank) if best else place)

    def largest(self, pot: Pot) -> list[Edge]:
        """One way to an asset of an address, each step the largest that came before the next."""
        before = len(self._edges)
        way: list[Edge] = []
        while count := bisect_left(self._incoming.get(pot, ()), before):
            before = self._best[pot][count - 1]
            way.append(self._edges[before])
            pot = payer(way[-1])
            if pot.subject in self._sources:
                break
        return way[::-1]

    def _rank(self, place: int) -> tuple[int, int, int]:
        """By value; of what is worth the same the first."""
        edge = self._edges[place]
        return span(edge.usd or {})[1], span(edge.traced)[1], -place


def in_a_line(way: list[Edge], page: Page) -> str:
    """ "0xa1... > 0xa2... > swapped USDT to ETH > bridge to Arbitrum > 0xa3..."; empty for none."""
    return " > ".join(_steps(way, page))


def _steps(way: list[Edge], page: Page) -> Iterator[str]:
    for place, edge in enumerate(way):
        if place == 0:
            yield page.address(payer(edge).subject)
        if edge.via == "bridge":
            yield f"bridge to {page.chain(edge.to_chain)}" if edge.to_chain else "bridge"
        elif edge.via is not None and edge.got is not None:
            to = asset_said(edge.got.asset)
            yield f"{_TURNED.get(edge.via, 'turned')} {asset_said(edge.asset)} to {to}"
        if taker(edge).subject != payer(edge).subject:
            yield page.address(taker(edge).subject)
