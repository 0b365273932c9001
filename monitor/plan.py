"""What deciding needs and what it yields. Frozen values; the store loads and applies them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model import (
    Alert,
    Asset,
    Baseline,
    Chain,
    Gap,
    Interval,
    Price,
    Row,
    Status,
    Subject,
    TokenFacts,
    Transfer,
    Watched,
)

Identity = tuple[str, str, str]  # chain, tx, leg
Route = tuple[str, str, str]  # alert id, channel, form: that an alert is owed to a channel


@dataclass(frozen=True, slots=True)
class Context:
    """Everything from the record that a decision about one poll of one subject needs.

    `known` holds every row of the transactions in the batches, every row of the subject
    that is not final yet, and its final rows inside what was read.
    """

    chain: Chain
    subject: Subject
    now: int
    watched: Mapping[str, tuple[Watched, ...]]  # by address, this chain
    known: tuple[Row, ...] = ()
    alerts: tuple[Alert, ...] = ()  # of the transactions concerned, oldest first
    covered: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)  # by stream
    assets: Mapping[tuple[str, str], Asset] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)  # blocks, by source
    # By (chain, contract), as value.nearest wants them; only where a threshold is in USD.
    prices: Mapping[tuple[str, str], tuple[Price, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRow:
    transfer: Transfer
    status: Status
    late: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A known row gets a new state. `version` is what the decision was based on."""

    row_id: int
    version: int
    transfer: Transfer
    status: Status
    absences: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """Append-only: who told a transfer, in which block, with which answer."""

    identity: Identity
    source: str
    block: str  # block hash, else height, else "pending"
    sha256: str


@dataclass(frozen=True, slots=True)
class Covered:
    stream: str
    source: str
    axis: str
    span: Interval


@dataclass(frozen=True, slots=True)
class OpenGap:
    stream: str
    source: str
    axis: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class Signal:
    """Something about ourselves that is wrong (`bad`) or right again."""

    key: str  # what it is about, the same while it lasts: "blind:ethereum/internal"
    bad: bool
    audience: str = "operations"  # desk | operations
    severity: str = "high"
    hold: int = 0  # seconds that it must last before anybody is told
    settle: int = 0  # seconds that it must be over before anybody is told of that
    what: str = ""  # plain sentences for the notice
    cure: str = ""
    chain: str | None = None
    who: tuple[str, ...] = ()  # entry ids concerned
    once: bool = False  # an event, not a state: told once and not reminded


def gap_key(subject: Subject, axis: str, span: Interval) -> str:
    """Names the incident about a part of an address's lists that could not be read: one for
    all lists that one answer holds."""
    return f"gap:{subject.key}/{axis}/{span.lo}-{span.hi}"


@dataclass(frozen=True, slots=True)
class Question:
    """A look-up by hash that would let the next decision say more."""

    tx: str
    not_from: frozenset[str] = frozenset()  # prefer another source than these
    height: int | None = None  # also ask for the block hash at this height
    why: str = ""  # "missing" | "unsettled" | "second source"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a poll decided. Applied in one transaction, or not at all."""

    subject: Subject
    now: int
    new: tuple[NewRow, ...] = ()
    changes: tuple[Change, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    covered: tuple[Covered, ...] = ()
    gaps: tuple[OpenGap, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    baselines: tuple[tuple[str, Baseline], ...] = ()  # (entry id, baseline)
    alerts: tuple[Alert, ...] = ()
    signals: tuple[Signal, ...] = ()
    questions: tuple[Question, ...] = ()
