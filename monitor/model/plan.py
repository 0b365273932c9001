"""What deciding needs and what it yields. Frozen values; the store loads and applies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from monitor.model import (
    Alert,
    Asset,
    Axis,
    Baseline,
    Chain,
    Gap,
    Interval,
    Lookup,
    Price,
    Row,
    Status,
    TokenFacts,
    Transfer,
    Watched,
)
from monitor.model.answers import Answered, Heard, Kept, Silence
from monitor.model.facts import Touched
from monitor.model.lists import Own, Publication
from monitor.model.scope import Scope

Identity = tuple[str, str, str]  # chain, tx, leg
Route = tuple[str, str, str]  # alert id, channel, form: that an alert is owed to a channel


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question by hash that is owed: what was not answered yet has no verdict.

    `why` is "success" (an alert went out without proof that its transaction succeeded),
    "final" (a list left out what was final), "missing" (a list left out what was not),
    "again" (a list shows what was found not to have happened).
    """

    tx: str
    why: str
    scope: str  # key of the scope whose polls ask
    source: str = ""  # whose list it is about
    state: str = ""  # what the last answer said: "" none yet | "kept" | "lost"
    rows: int = 1
    since: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return (self.tx, self.why)


@dataclass(frozen=True, slots=True)
class Answers:
    """What look-ups by hash brought. What is not here was not asked, or nobody answered."""

    lookups: Mapping[str, Sequence[Lookup]] = field(default_factory=dict)  # by transaction
    # Block hashes by (source, height); None: the source knows no such block.
    hashes: Mapping[tuple[str, int], str | None] = field(default_factory=dict)
    heard: Mapping[str | int, Sequence[Heard]] = field(default_factory=dict)  # by tx, or height
    mute: bool = False  # no source of this chain looks transactions up
    alone: bool = False  # one operator runs all sources of the chain: nobody else can be asked
    whose: Mapping[str, str] = field(default_factory=dict)  # source -> its operator


@dataclass(frozen=True, slots=True)
class Context:
    """Everything from the record that a decision about one poll of one scope needs.

    `known` holds every row of the transactions in the batches, every row of the scope
    that is not final yet, and its final rows inside what was read.
    """

    chain: Chain
    scope: Scope
    now: int
    followed: Set[str]  # the addresses whose lists were read; what touches none is partial
    watched: Mapping[str, tuple[Watched, ...]]  # by address, this chain
    known: tuple[Row, ...] = ()
    alerts: tuple[Alert, ...] = ()  # of the transactions concerned, oldest first
    # By followed address that a row touches, and by stream.
    covered: Mapping[str, Mapping[str, tuple[Interval, ...]]] = field(default_factory=dict)
    assets: Mapping[tuple[str, str], Asset] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)  # blocks, by source
    # By (chain, contract), as worth.nearest wants them; only where a threshold is in USD.
    prices: Mapping[tuple[str, str], tuple[Price, ...]] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()  # of this subject (the oldest), and of the known rows
    # Of the whole chain, by (source, why, state): how many rows are in doubt.
    doubtful: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    # The versions in force of the published lists that entries here come of, by their names.
    lists: Mapping[str, Publication] = field(default_factory=dict)
    ours: Mapping[str, Own] = field(default_factory=dict)  # of the parties those of our own
    traced: frozenset[str] = frozenset()  # of the parties those that are followed for a case
    # Of addresses with held funds for which an outflow is announced: the rows of all that they
    # paid since then; and by entry the transactions that were told as the announced one.
    paid: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    told_as_planned: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def holds(self, transfer: Transfer) -> bool:
        """Whether the lists that were read should show it."""
        return transfer.sender in self.followed or transfer.recipient in self.followed

    @property
    def own(self) -> list[Watched]:
        """The entries on the followed addresses, as far as they are loaded."""
        mine = sorted(self.followed & self.watched.keys())
        return [watched for address in mine for watched in self.watched[address]]


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
    axis: Axis
    span: Interval


@dataclass(frozen=True, slots=True)
class OpenGap:
    stream: str
    source: str
    axis: Axis
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
    cases: tuple[str, ...] = ()  # of these entries
    number: int = 0  # how many entries; `who` names the first of them
    once: bool = False  # an event, not a state: told once and not reminded


def gap_key(scope: Scope, axis: Axis, span: Interval) -> str:
    """Names the incident about a part of an address's lists that could not be read: one for
    all lists that one answer holds."""
    return f"gap:{scope.key}/{axis}/{span.lo}-{span.hi}"


@dataclass(frozen=True, slots=True)
class Question:
    """A look-up by hash that would let the next decision say more."""

    tx: str
    not_from: frozenset[str] = frozenset()  # prefer another source than these
    height: int | None = None  # also ask for the block hash at this height
    why: str = ""  # "missing" | "unsettled" | "final" | "again" | "success" | "second source"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a poll decided. Applied in one transaction, or not at all."""

    scope: Scope
    now: int
    new: tuple[NewRow, ...] = ()
    changes: tuple[Change, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    covered: tuple[Covered, ...] = ()
    # Whole blocks that were read, by height, and up to which they count as proven; None: none were,
    # or their head is not believed.
    blocks: tuple[Mapping[int, str], int] | None = None
    gaps: tuple[OpenGap, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    baselines: tuple[tuple[str, Baseline], ...] = ()  # (entry id, baseline)
    alerts: tuple[Alert, ...] = ()
    touching: tuple[Touched, ...] = ()  # movements with our own addresses that no entry tells
    # What such alerts had told and holds no longer, or again: (state, alert, what).
    undone: tuple[tuple[str, str, Touched], ...] = ()
    signals: tuple[Signal, ...] = ()
    questions: tuple[Question, ...] = ()
    doubts: tuple[Doubt, ...] = ()  # new or changed
    settled: tuple[tuple[str, str], ...] = ()  # doubts that are over: (transaction, why)
    # What sources answered, as evidence.
    kept: tuple[Kept, ...] = ()
    answered: tuple[Answered, ...] = ()
    silences: tuple[Silence, ...] = ()
    # The cases that watch each address concerned, for the log.
    cases: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Whole blocks do not hold all that moves: balances of members that new rows touch are wanted.
    weighs: bool = False
