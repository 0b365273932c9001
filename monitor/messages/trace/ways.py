"""Which movements of a trace lead to an address: all of them, and the way that most came by."""

from __future__ import annotations

from collections.abc import Iterator
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
    in time: only what had arrived before it was paid on. By one pass backwards."""
    sources = {node.subject for node in trace.nodes if node.state is State.SOURCE}
    wanted: set[Pot] = set()
    found = []
    for edge in reversed(trace.edges):
        if taker(edge).subject == target or taker(edge) in wanted:
            found.append(edge)
            if payer(edge).subject not in sources:
                wanted.add(payer(edge))
    return found[::-1]


def largest(trace: Trace, pot: Pot) -> list[Edge]:
    """One way to an asset of an address, each step the largest that came before the next one."""
    before = len(trace.edges)
    way: list[Edge] = []
    incoming: dict[Pot, list[int]] = {}
    for place, edge in enumerate(trace.edges):
        incoming.setdefault(taker(edge), []).append(place)
    sources = {node.subject for node in trace.nodes if node.state is State.SOURCE}
    while here := [place for place in incoming.get(pot, ()) if place < before]:
        before = max(here, key=lambda place: (*_value(trace.edges[place]), -place))
        way.append(trace.edges[before])
        pot = payer(way[-1])
        if pot.subject in sources:
            break
    return way[::-1]


def _value(edge: Edge) -> tuple[int, int]:
    return span(edge.usd or {})[1], span(edge.traced)[1]


def in_a_line(way: list[Edge], page: Page) -> str:
    """ "0xa1... > 0xa2... > swapped USDT to ETH > bridge to Arbitrum > 0xa3..."; empty for none."""
    return " > ".join(_steps(way, page))


def _steps(way: list[Edge], page: Page) -> Iterator[str]:
    for place, edge in enumerate(way):
        if place == 0:
            yield page.address(payer(edge).subject)
        if edge.via == "bridge":
            yield f"bridge to {page.chain(edge.to_chain or edge.chain)}"
        elif edge.via is not None and edge.got is not None:
            to = asset_said(edge.got.asset)
            yield f"{_TURNED.get(edge.via, 'turned')} {asset_said(edge.asset)} to {to}"
        if taker(edge).subject != payer(edge).subject:
            yield page.address(taker(edge).subject)
