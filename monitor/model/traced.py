"""What an alert about following money knows, frozen when it was decided, and its JSON.

Amounts are in base units, USD in millionths, the lowest and the highest by the methods that
conserve and by the one that a person chose; times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from monitor.model.facts import Facts
from monitor.model.members import Members

RESTS, WAITS = "rests", "waits"  # of Ended.reason: it is followed; nobody has read on yet


class Figure(NamedTuple):
    """An amount by method."""

    low: int
    high: int
    chosen: int | None = None  # None: nobody has chosen a method


class Turn(StrEnum):
    """What an alert about a trace is about."""

    HISTORY = "history"  # where the money went before anybody was told
    MOVED = "moved"  # value went on
    REACHED = "reached"  # value came to somebody who can be asked to stop it
    QUESTION = "question"  # a person is asked
    CHANGED = "changed"  # another method, label or limit makes other sums
    UNDONE = "undone"  # what was told did not happen


@dataclass(frozen=True, slots=True)
class Hop:
    """One movement with traced value."""

    chain: str
    tx: str
    leg: str
    hop: int
    symbol: str
    decimals: int | None
    low: int
    high: int
    chosen: int | None = None  # base units by the method that a person chose
    usd: Figure | None = None
    time: int = 0
    to: str = ""  # what people call whom it reached: "Big Exchange"; never an address
    to_chain: str = ""  # where it came out, of a bridge
    touches: bool = False  # it touches one of our own

    @property
    def key(self) -> str:
        return f"{self.chain}/{self.tx}/{self.leg}"


@dataclass(frozen=True, slots=True)
class Ended:
    """Where a part of what left is now."""

    reason: str  # RESTS, WAITS or why a trace ends there: exchange, mixer ...
    name: str = ""
    confirmed: bool = True
    places: int = 0  # addresses
    usd: Figure | None = None
    unpriced: int = 0  # holdings without a price, which are not in `usd`


@dataclass(frozen=True, slots=True)
class Traced(Facts):
    """See Turn. `state`, `at`, `sha256`: the state of the trace that its figures are of."""

    turn: str = ""
    case: str = ""
    state: int = 0
    at: int = 0
    sha256: str = ""
    method: str = ""  # shown first; empty: nobody has chosen one
    place: str = ""  # key of the address that was reached: chain/address
    reason: str = ""  # why the trace ends there: exchange, mixer ...
    confirmed: bool = True  # False: somebody named it so, and nobody confirmed that
    # Of the place: what it is called, by whom, of which day; the one that counts first.
    named: tuple[tuple[str, str, str], ...] = ()
    hops: tuple[Hop, ...] = ()
    known: tuple[
        str, ...
    ] = ()  # what it is told by: of history a digest, of a question its kind and whom it is about
    rests: Figure | None = None  # USD, after it
    left: Figure | None = None  # USD that left the watched addresses
    ends: tuple[Ended, ...] = ()  # where it is, largest first
    was: Figure | None = None  # of other sums: what rested by the state before ...
    was_state: int = 0  # ... which is this one
    moved: Figure | None = None  # USD that moved on by `hops`, each once however often it moved
    moves: int = 0  # of history: how many movements it sums up
    lines: tuple[str, ...] = ()  # sentences
    ask: str = ""  # what a person is asked


def traced_object(facts: Traced) -> dict[str, object]:
    """As the record keeps it."""
    return {
        "turn": facts.turn,
        "case": facts.case,
        "state": facts.state,
        "at": facts.at,
        "sha256": facts.sha256,
        "method": facts.method,
        "place": facts.place,
        "reason": facts.reason,
        "confirmed": facts.confirmed,
        "named": [list(each) for each in facts.named],
        "hops": [_hop_object(each) for each in facts.hops],
        "known": list(facts.known),
        "rests": _figure_object(facts.rests),
        "left": _figure_object(facts.left),
        "ends": [_ended_object(each) for each in facts.ends],
        "was": _figure_object(facts.was),
        "was_state": facts.was_state,
        "moved": _figure_object(facts.moved),
        "moves": facts.moves,
        "lines": list(facts.lines),
        "ask": facts.ask,
    }


def _hop_object(hop: Hop) -> dict[str, object]:
    return {
        "chain": hop.chain,
        "tx": hop.tx,
        "leg": hop.leg,
        "hop": hop.hop,
        "symbol": hop.symbol,
        "decimals": hop.decimals,
        "low": str(hop.low),
        "high": str(hop.high),
        "usd": _figure_object(hop.usd),
        "time": hop.time,
        "to": hop.to,
        "to_chain": hop.to_chain,
        "touches": hop.touches,
        **({} if hop.chosen is None else {"chosen": str(hop.chosen)}),
    }


def _ended_object(end: Ended) -> dict[str, object]:
    return {
        "reason": end.reason,
        "name": end.name,
        "confirmed": end.confirmed,
        "places": end.places,
        "usd": _figure_object(end.usd),
        "unpriced": end.unpriced,
    }


def _figure_object(figure: Figure | None) -> list[int | None] | None:
    """Lowest, highest, and by the method that was chosen, where one was."""
    if figure is None:
        return None
    return [*figure] if figure.chosen is not None else [*figure[:2]]


def read_traced(read: Members) -> Facts:
    """Raises Misfit."""
    inner = read.inner("traced")
    if inner is None:
        return Traced(read_at=read.whole("read_at"))
    confirmed = inner.flag("confirmed")
    return Traced(
        read_at=read.whole("read_at"),
        turn=inner.text("turn"),
        case=inner.text("case"),
        state=inner.number("state"),
        at=inner.number("at"),
        sha256=inner.text("sha256"),
        method=inner.text("method"),
        place=inner.text("place"),
        reason=inner.text("reason"),
        confirmed=confirmed is not False,
        named=inner.triples("named"),
        hops=tuple(_read_hop(each) for each in inner.inner_list("hops")),
        known=inner.texts("known"),
        rests=_figure(inner, "rests"),
        left=_figure(inner, "left"),
        ends=tuple(_read_ended(each) for each in inner.inner_list("ends")),
        was=_figure(inner, "was"),
        was_state=inner.number("was_state"),
        moved=_figure(inner, "moved"),
        moves=inner.number("moves"),
        lines=inner.texts("lines"),
        ask=inner.text("ask"),
    )


def _read_hop(read: Members) -> Hop:
    return Hop(
        *(read.text("chain"), read.text("tx"), read.text("leg"), read.number("hop")),
        *(read.text("symbol"), read.whole("decimals"), read.units("low"), read.units("high")),
        chosen=read.units("chosen") if read.holds("chosen") else None,
        usd=_figure(read, "usd"),
        time=read.number("time"),
        to=read.text("to"),
        to_chain=read.text("to_chain"),
        touches=bool(read.flag("touches")),
    )


def _read_ended(read: Members) -> Ended:
    return Ended(
        *(read.text("reason"), read.text("name"), read.flag("confirmed") is not False),
        places=read.number("places"),
        usd=_figure(read, "usd"),
        unpriced=read.number("unpriced"),
    )


def _figure(read: Members, key: str) -> Figure | None:
    found = read.wholes(key)
    return Figure(*found) if len(found) in (2, 3) else None
