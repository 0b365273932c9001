"""Reading: what is asked of a source, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.model.answers import Heard
from monitor.model.axis import Axis, Head
from monitor.model.scope import Members
from monitor.model.transfer import TokenFacts, Transfer
from monitor.model.watch import Subject


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A closed interval [lo, hi] of integers; lo <= hi."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"interval runs backwards: {self.lo} > {self.hi}")

    def __contains__(self, point: int) -> bool:
        return self.lo <= point <= self.hi


@dataclass(frozen=True, slots=True)
class Gap:
    """Something in a range that could not be read: kept raw, told, tried again."""

    at: Interval
    reason: str
    raw: str = ""  # the row as received, cut to 4,000 characters


IN_FILTER = 500  # addresses in one question to a source that reads for many in one ask


@dataclass(frozen=True, slots=True)
class Ask:
    """What to read: these streams for these subjects over this interval.

    `hi` may lie above the head: a source reads to its head. `cursor` is what an earlier
    Batch of the same source gave for going on; opaque, may have become invalid.
    """

    subjects: tuple[Subject, ...]
    streams: frozenset[str]
    span: Interval
    head: Head
    cursor: str | None = None
    max_rows: int = 2000
    mempool: bool = True  # read unconfirmed transactions too, where the source has them
    silence: bool = False  # its answers are wanted also where they bring nothing
    # Of one that reads whole blocks (ports.ReadsBlocks); `subjects` is empty then.
    members: Members | None = None  # whose movements are wanted
    # Hashes by height of the blocks of the span that were read already and are not final yet: from
    # its first block on without a hole. Only what lies above them is fetched, if the newest of
    # them is still in the chain.
    known: Mapping[int, str] = field(default_factory=dict, hash=False)
    # For a source that does not say what an input spends: the members' unspent outputs
    # ("txid:n") with their addresses, as they stand below the blocks that are fetched.
    unspent: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one bounded fetch brought.

    `read` is the interval for which the source's list was seen in full (None: nothing is
    proven). Rows outside it may be present: they are true, they prove nothing. `rest` is
    what of the ask stays unread; `cursor` continues there.
    """

    source: str
    subjects: tuple[Subject, ...]
    streams: frozenset[str]
    axis: Axis
    head: Head
    transfers: tuple[Transfer, ...] = ()
    read: Interval | None = None
    rest: Interval | None = None
    cursor: str | None = None
    gaps: tuple[Gap, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    sha256: str = ""  # over its answers, see model/answers.Answered
    digests: tuple[str, ...] = ()  # of every single answer, in order
    heard: tuple[Heard, ...] = ()  # answers that name its transactions; or all, see Ask.silence
    silence: bool = False  # its answers were wanted whatever they bring
    mempool_read: bool = False  # the full list of unconfirmed transactions was seen
    calls: int = 0
    doubt: str = ""  # why its head is not believed yet: its rows count, it proves nothing
    lent: bool = False  # an address's part of a chain-wide batch, which books what it proves
    # Of whole blocks: whose movements were looked for, and the hashes by height of all blocks of
    # `read`, each the parent of the next. Those below `fresh_from` were read before, and nothing
    # was fetched of them but that the newest block descends from them.
    members: Members | None = None
    blocks: Mapping[int, str] = field(default_factory=dict)
    fresh_from: int = 0
    missed: tuple[Interval, ...] = ()  # of those read before: what could not be read of them


@dataclass(frozen=True, slots=True)
class Lookup:
    """A look-up by hash: what a source says of one transaction."""

    source: str
    tx: str
    found: bool
    height: int | None = None
    block_hash: str | None = None
    failed: bool = False
    head: Head | None = None  # the head that this word was given under
    # How often its receipt holds each token movement, by leg without ordinal; None: not reported.
    moved: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Unspent:
    """The outputs of some addresses that nobody had spent at a block."""

    height: int
    block_hash: str
    outputs: Mapping[str, str]  # "txid:n" -> address


@dataclass(frozen=True, slots=True)
class Price:
    """What one coin of an asset was worth, as a price source said."""

    chain: str
    contract: str  # empty: the chain's own coin
    at: int  # the time that the source gives for the price, Unix seconds
    usd: Decimal
    source: str  # name of the row in config/sources.yaml
    daily: bool = False  # a snapshot of midnight, not of the moment
