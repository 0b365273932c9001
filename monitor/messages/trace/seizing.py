"""The seizure view as values: for each address and asset where traced value rests or ended how much
by each method, what the chain says, who could act there, by which way it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.messages.trace import ways
from monitor.messages.trace.words import Page, asset_said, is_any, largest
from monitor.model.flow import METHODS
from monitor.model.plain import tidy
from monitor.model.trace import (
    Beside,
    ByMethod,
    Name,
    Node,
    OnChain,
    State,
    Sum,
    Trace,
    TracedAsset,
)


class Where(StrEnum):
    """What is known of value at a place."""

    RESTS = "rests"  # it is followed, and had not moved on
    WAITS = "waits"  # it arrived; what became of it is not read yet
    NOT_FOLLOWED = "not_followed"  # it arrived; what became of it is not looked for
    ENDED = "ended"  # somebody has it in whose hands it cannot be followed


# Of stops: what is with nobody in particular, and may still lie there.
_LEFT_ALONE = frozenset(
    {"below_value", "below_share", "hops", "addresses", "calls", "person", "no_outflow"}
    | {"unpriced", "incomplete"}
)
_KEEPERS = ("exchange", "deposit_address")
ISSUER, EXCHANGE = "issuer", "exchange"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who could keep funds from moving, by the table or name that says so."""

    role: str  # ISSUER | EXCHANGE
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Place:
    """One asset of one address."""

    where: Where
    node: Node
    held: Sum
    on_chain: OnChain | None  # None: nobody was asked
    actors: tuple[Actor, ...]
    way: str

    @property
    def asset(self) -> TracedAsset:
        return self.held.asset

    @property
    def usd(self) -> ByMethod | None:
        """By the newest price on record, else as it left."""
        return self.held.newest_usd or self.held.usd

    @property
    def since(self) -> int | None:
        node = self.node
        return node.last_moved if node.last_moved is not None else node.first_traced

    def less(self, figures: ByMethod) -> bool:
        """Whether the chain has less than what is traced there, by a method that conserves."""
        on_chain = self.on_chain
        if on_chain is None or on_chain.amount is None or self.where is not Where.RESTS:
            return False
        return any(on_chain.amount < units for m, units in figures.items() if m != "poison")


@dataclass(frozen=True, slots=True)
class Added:
    """What several places hold. `asset` None: all, in USD millionths, of which `unpriced` places
    have no price."""

    where: Where
    asset: TracedAsset | None
    amount: ByMethod
    places: int
    unpriced: int = 0


def where(node: Node) -> Where:
    if node.state in (State.QUEUED, State.WAITING):
        return Where.WAITS
    if node.stop is not None:
        return Where.NOT_FOLLOWED if node.stop.reason in _LEFT_ALONE else Where.ENDED
    return Where.RESTS


def places(trace: Trace, page: Page) -> list[Place]:
    """What rests first, then by value: what can be done most about stands on top."""
    beside = trace.beside or Beside()
    balances = {(each.subject, each.contract): each for each in beside.balances}
    issuers = {(chain, contract): name for chain, contract, name in beside.issuers}
    known = ways.Ways(trace)
    found = [
        Place(
            where(node),
            node,
            held,
            balances.get((node.subject, held.asset.contract)),
            tuple(_actors(node, held.asset, issuers)),
            ways.in_a_line(known.largest(ways.Pot(node.subject, held.asset.contract)), page),
        )
        for node in trace.nodes
        if node.state is not State.SOURCE
        for held in node.holds
        if is_any(held)
    ]
    return sorted(found, key=_order)


def _order(place: Place) -> tuple[int, int, int, str, str]:
    rank = list(Where).index(place.where)
    return (
        rank,
        -largest([place.held]),
        place.node.hop,
        place.node.subject.key,
        place.asset.contract,
    )


def _actors(
    node: Node, asset: TracedAsset, issuers: Mapping[tuple[str, str], str]
) -> Iterator[Actor]:
    """Whom a table or a confirmed name says; a name that nobody confirmed is nobody to ask."""
    stop = node.stop
    if stop is not None and stop.reason in _KEEPERS and stop.confirmed:
        named = node.names[0] if node.names else None
        name = node.exchange or (named.name if named else "")
        by = _by(named) if named and not node.exchange else "what the address does"
        if name:
            yield Actor(EXCHANGE, tidy(name, 60), tidy(by, 60))
    issuer = issuers.get((asset.chain, asset.contract))
    if issuer and not (stop is not None and stop.reason == "burn"):
        yield Actor(ISSUER, tidy(issuer, 60), "config/issuers.yaml")


def _by(name: Name) -> str:
    return name.source or ("your address book" if name.own else "no source is named")


def nobody(place: Place) -> str:
    """Why nobody is named who could act."""
    reason = place.node.stop.reason if place.node.stop is not None else ""
    if reason == "burn":
        return "nobody: it is destroyed"
    if place.node.stop is not None and not place.node.stop.confirmed:
        return "not known: the name is not confirmed"
    if not place.asset.contract:
        return "nobody: a chain's own coin cannot be frozen at an address"
    return f"not known: nobody is named for {asset_said(place.asset)} in config/issuers.yaml"


def sums(found: Sequence[Place]) -> list[Added]:
    """By asset, then all in USD, of each kind of place."""
    made = []
    for kind in Where:
        mine = [place for place in found if place.where is kind]
        for asset in dict.fromkeys(place.asset for place in mine):
            same = [place for place in mine if place.asset == asset]
            amount = _added(same, lambda place: place.held.amount)
            made.append(Added(kind, asset, amount, len(same)))
        if mine:
            priced = [place for place in mine if place.usd is not None]
            amount = _added(priced, lambda place: place.usd or {})
            made.append(Added(kind, None, amount, len(mine), len(mine) - len(priced)))
    return made


def _added(found: Sequence[Place], figures: Callable[[Place], ByMethod]) -> ByMethod:
    return {m: sum(figures(place).get(m, 0) for place in found) for m in METHODS}
