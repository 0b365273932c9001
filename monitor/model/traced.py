"""What an alert about following money knows, frozen when it was decided, and its JSON.

Amounts are in base units, USD in millionths, the lowest and the highest by the methods that
conserve; times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.facts import Facts
from monitor.model.members import Members


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
    usd_low: int | None = None
    usd_high: int | None = None
    time: int = 0
    to: str = ""  # what people call whom it reached: "Big Exchange"; never an address
    touches: bool = False  # it touches one of our own

    @property
    def key(self) -> str:
        return f"{self.chain}/{self.tx}/{self.leg}"


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
    hops: tuple[Hop, ...] = ()
    known: tuple[str, ...] = ()  # of history: the movements that it sums up, a digest each
    rests: tuple[int, int] | None = None  # USD, lowest and highest, after it
    left: tuple[int, int] | None = None  # USD that left the watched addresses
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
        "hops": [_hop_object(each) for each in facts.hops],
        "known": list(facts.known),
        "rests": list(facts.rests) if facts.rests else None,
        "left": list(facts.left) if facts.left else None,
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
        "usd": None if hop.usd_low is None or hop.usd_high is None else [hop.usd_low, hop.usd_high],
        "time": hop.time,
        "to": hop.to,
        "touches": hop.touches,
    }


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
        hops=tuple(_read_hop(each) for each in inner.inner_list("hops")),
        known=inner.texts("known"),
        rests=_pair(inner, "rests"),
        left=_pair(inner, "left"),
        lines=inner.texts("lines"),
        ask=inner.text("ask"),
    )


def _read_hop(read: Members) -> Hop:
    low, high = _pair(read, "usd") or (None, None)
    return Hop(
        *(read.text("chain"), read.text("tx"), read.text("leg"), read.number("hop")),
        *(read.text("symbol"), read.whole("decimals"), read.units("low"), read.units("high")),
        usd_low=low,
        usd_high=high,
        time=read.number("time"),
        to=read.text("to"),
        touches=bool(read.flag("touches")),
    )


def _pair(read: Members, key: str) -> tuple[int, int] | None:
    found = read.wholes(key)
    return (found[0], found[1]) if len(found) == 2 else None
