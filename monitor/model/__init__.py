"""Frozen values that every part shares. No behaviour beyond their own consistency.

Units, everywhere: amounts are integers in base units (wei, satoshi, sun); chain times and
our own clock are Unix seconds UTC (int); an interval on the axis "time" is in Unix
milliseconds, because that is what Tron's API counts in; on "height" it is block heights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

UINT256_MAX = 2**256 - 1


class Kind(StrEnum):
    """What kind of movement a transfer is."""

    NATIVE = "native"
    INTERNAL = "internal"
    ERC20 = "erc20"
    ERC721 = "erc721"
    ERC1155 = "erc1155"
    TRC10 = "trc10"
    TRC20 = "trc20"
    FEE = "fee"
    UTXO_IN = "utxo_in"
    UTXO_OUT = "utxo_out"
    COINBASE = "coinbase"
    # Acts of a token's issuer on an address: sender is the address, there is no recipient.
    DESTROYED = "destroyed"  # amount: what was destroyed; 0 where a Transfer tells it too
    FROZEN = "frozen"  # amount 0, as for RELEASED
    RELEASED = "released"


ACTS = frozenset({Kind.DESTROYED, Kind.FROZEN, Kind.RELEASED})


class Status(StrEnum):
    """How certain a transfer is. See PLAIN_STATUS in messages.py for the words people see."""

    PENDING = "pending"  # in the mempool only
    PROVISIONAL = "provisional"  # in a block that can still be replaced
    FINAL = "final"  # deeper than the chain's finality depth
    MISSING = "missing"  # was told, is gone, not yet decided
    ORPHANED = "orphaned"  # did not happen
    SUPERSEDED = "superseded"  # a wrong final row, replaced by a new one with a reason


OPEN_STATUSES = frozenset({Status.PENDING, Status.PROVISIONAL, Status.MISSING})
LIVE_STATUSES = frozenset({Status.PENDING, Status.PROVISIONAL, Status.FINAL})


class Severity(StrEnum):
    """What the program does: at once alone; at once; at once, grouped; daily mail."""

    SEVERE = "severe"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Lane(StrEnum):
    """News makes a message of its own; quiet is recorded, sent to machines and counted."""

    NEWS = "news"
    QUIET = "quiet"


class AlertKind(StrEnum):
    """Why an alert exists."""

    MOVEMENT = "movement"
    AMENDMENT = "amendment"  # later rows of a transaction already told
    CORRECTION = "correction"  # reversed, replaced, or included again
    LATE = "late"  # found at a height that had been read before
    HISTORY = "history"  # what first contact brought
    ACTIVITY = "activity"  # nothing moved but a fee or zero
    NOTICE = "notice"  # about ourselves


class Direction(StrEnum):
    """Of one alert, seen from its entry; for UTXO chains by net amount."""

    IN = "in"
    OUT = "out"
    SELF = "self"


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


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One address on one chain, in canonical form (chains.canonical)."""

    chain: str
    address: str

    @property
    def key(self) -> str:
        return f"{self.chain}/{self.address}"


def account_leg(
    kind: Kind,
    contract: str | None,
    token_id: str | None,
    sender: str | None,
    recipient: str | None,
    amount: int,
    ordinal: int,
) -> str:
    """The leg of an account chain: the same text whichever source tells the transfer.

    Fees leave the amount out: a transaction has one, and sources know it to a different
    precision on rollups (the share paid to the parent chain).
    """
    what = "-" if kind is Kind.FEE else str(amount)
    parts = (kind.value, contract or "-", token_id or "-", sender or "-", recipient or "-", what)
    return "|".join((*parts, str(ordinal)))


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of one asset inside one transaction, as a source told it.

    Identity is (chain, tx, leg). Everything after `amount` is an attribute: kept when
    known, allowed to differ between sources. `block_height` is None while unconfirmed
    and where the source does not tell it (Tron's TRC-20 list).
    """

    chain: str
    tx: str
    leg: str
    kind: Kind
    sender: str | None
    recipient: str | None
    amount: int
    contract: str | None = None
    token_id: str | None = None  # decimal text
    block_height: int | None = None
    block_hash: str | None = None
    time: int | None = None  # block time; None while unconfirmed
    tx_index: int | None = None
    log_index: int | None = None
    trace_path: str | None = None
    spends: str | None = None  # utxo_in: "txid:n" of the output it spends
    pending: bool = False  # told from the mempool

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= UINT256_MAX:
            raise ValueError(f"amount out of range: {self.amount}")

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.chain, self.tx, self.leg)

    @property
    def block_key(self) -> str:
        """Names the block that the transfer is told in, as far as it is known."""
        if self.pending:
            return "pending"
        return self.block_hash or str(self.block_height or self.time or "?")

    def parties(self) -> Iterable[str]:
        return (a for a in (self.sender, self.recipient) if a is not None)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token contract says of itself. Hostile text: never trust, always sanitise."""

    contract: str
    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block that a source knows, and how far it calls the chain final."""

    height: int
    time: int  # block time, Unix seconds
    block_hash: str | None = None
    final_height: int | None = None  # by the source's own word, where it has one
    final_time: int | None = None  # Tron: time of the solidified head


@dataclass(frozen=True, slots=True)
class Gap:
    """Something in a range that could not be read: kept raw, told, tried again."""

    at: Interval
    reason: str
    raw: str = ""  # the row as received, cut to 4,000 characters


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
    axis: str  # "height" or "time"
    head: Head
    transfers: tuple[Transfer, ...] = ()
    read: Interval | None = None
    rest: Interval | None = None
    cursor: str | None = None
    gaps: tuple[Gap, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    sha256: str = ""  # over the answer bodies of this batch, in order
    mempool_read: bool = False  # the full list of unconfirmed transactions was seen
    calls: int = 0
    doubt: str = ""  # why its head is not believed yet: its rows count, it proves nothing


@dataclass(frozen=True, slots=True)
class TxWord:
    """A look-up by hash: what a source says of one transaction."""

    source: str
    tx: str
    found: bool
    height: int | None = None
    block_hash: str | None = None
    failed: bool = False
    head: Head | None = None  # the head that this word was given under
    # How often its receipt holds each token movement, by leg without ordinal; None: not told.
    moved: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class PriceIds:
    """How price sources call a chain; empty: they do not know it, or nobody confirmed it."""

    coin: str = ""  # CoinGecko's id of the chain's own coin
    defillama: str = ""  # before a contract: "ethereum" in ethereum:0x...
    coingecko: str = ""  # its platform, for tokens by contract


@dataclass(frozen=True, slots=True)
class Price:
    """What one coin of an asset was worth, as a price source said."""

    chain: str
    contract: str  # empty: the chain's own coin
    at: int  # the time that the source gives for the price, Unix seconds
    usd: Decimal
    source: str  # name of the row in config/sources.yaml
    daily: bool = False  # a snapshot of midnight, not of the moment


@dataclass(frozen=True, slots=True)
class Issuer:
    """One row of config/issuers.yaml: who can freeze or destroy a token, and how it is told."""

    contract: str  # canonical
    name: str  # of the issuer, as people say it: "Tether"
    symbol: str  # of the token, as in config/assets.yaml
    families: tuple[str, ...]  # keys of acts.FAMILIES: which events the contract writes


@dataclass(frozen=True, slots=True)
class Chain:
    """One row of config/chains.yaml."""

    key: str
    name: str  # as people say it: "BNB Chain"
    family: str  # evm | utxo | tron
    symbol: str
    decimals: int
    finality: int  # blocks
    sources: tuple[str, ...] = ()
    chain_id: int | None = None
    block_time: float = 12.0  # seconds, for estimates only
    link_tx: str = ""  # public page of a transaction, with {tx}
    bech32: str | None = None  # utxo: human-readable part, e.g. "bc"
    base58: tuple[int, ...] = ()  # utxo: version bytes of addresses
    prices: PriceIds = PriceIds()
    # Left out of the hash, which is taken for every address that is read.
    issuers: tuple[Issuer, ...] = field(default=(), hash=False)  # config/issuers.yaml
    # What no list of any source holds, one sentence each.
    not_listed: tuple[str, ...] = field(default=(), hash=False)
    wrapped: str = ""  # evm: contract of the wrapped coin, which wraps without a Transfer

    @property
    def streams(self) -> tuple[str, ...]:
        return (*STREAMS[self.family], *([ISSUER] if self.issuers else []))

    def issuer_of(self, contract: str | None) -> Issuer | None:
        return next((i for i in self.issuers if i.contract == contract), None)


ISSUER = "issuer"  # the stream of issuers' acts: of all watched addresses together

STREAMS: Mapping[str, tuple[str, ...]] = {
    "evm": ("native", "internal", "erc20", "erc721", "erc1155"),
    "utxo": ("utxo",),
    "tron": ("native", "internal", "trc20"),
}


# The list of an address in which each kind of transfer stands.
STREAM_OF: Mapping[Kind, str] = {
    Kind.NATIVE: "native",
    Kind.FEE: "native",
    Kind.TRC10: "native",
    Kind.INTERNAL: "internal",
    Kind.ERC20: "erc20",
    Kind.ERC721: "erc721",
    Kind.ERC1155: "erc1155",
    Kind.TRC20: "trc20",
    Kind.UTXO_IN: "utxo",
    Kind.UTXO_OUT: "utxo",
    Kind.COINBASE: "utxo",
    Kind.DESTROYED: ISSUER,
    Kind.FROZEN: ISSUER,
    Kind.RELEASED: ISSUER,
}


CONFIDENCES = ("high", "medium", "low")  # how sure a source is of what it says


@dataclass(frozen=True, slots=True)
class Asset:
    """config/assets.yaml: the only meaning of "verified"."""

    chain: str
    contract: str
    symbol: str
    decimals: int
    name: str = ""
    source: str = ""
    date: str = ""
    confidence: str = ""  # one of CONFIDENCES; empty: not said


@dataclass(frozen=True, slots=True)
class Entry:
    """Why a subject is watched: one case's line for one address on one chain."""

    id: str
    subject: Subject
    label: str = ""
    case: str = ""
    reason: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    severity: Severity = Severity.MEDIUM
    direction: str = "both"  # both | in | out
    min_amount: Mapping[str, str] = field(default_factory=dict)  # asset key -> decimal coins
    tell_when: str = "confirmed"  # seen | confirmed | final
    since: str = "first"  # "first", "2023-01-01" or a block height
    channels: tuple[str, ...] | None = None  # None: all
    busy: bool = False
    canary: int = 0  # hours within which something must be recorded; 0: no canary
    retired: str = ""  # DATE NAME "why"
    title: str = ""  # of the case
    line: int = 0  # in watchlist.yaml


@dataclass(frozen=True, slots=True)
class Baseline:
    """Fixed at first contact: what is not higher, later or unconfirmed is history."""

    height: int
    time: int  # Unix seconds in chain time: when the entry was added
    head_time: int  # chain time of the head at first contact


@dataclass(frozen=True, slots=True)
class Watched:
    """An entry with what the record knows of it. `baseline` is None before first contact."""

    entry: Entry
    added: int
    baseline: Baseline | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A transfer as it stands in the record."""

    id: int  # internal key, never shown
    transfer: Transfer
    status: Status
    version: int
    first_seen: int
    late: bool = False
    tellers: frozenset[str] = frozenset()  # sources that told it in its present block
    # Heads of complete reads, by the source that told it, which left it out: (source, head).
    absences: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """News about one entry and one transaction, or a notice. The id is stable: a hash of
    what it is about, so that a repeat after a crash has the same name."""

    id: str
    kind: AlertKind
    lane: Lane
    severity: Severity
    created: int
    chain: str | None = None
    tx: str | None = None
    entry_id: str | None = None
    direction: Direction | None = None
    amends: str | None = None
    lane_reason: str = ""  # why quiet, or why news: one plain sentence
    title: str = ""  # notices: the whole news in one sentence
    facts: Mapping[str, Any] = field(default_factory=dict)  # frozen at decision, JSON-able
    audience: str = "desk"  # desk | operations: who a notice is for
    rows: tuple[tuple[str, str, str], ...] = ()  # identities of the transfers it is about


@dataclass(frozen=True, slots=True)
class Known:
    """A name for an address: of an entry, from addressbook.csv, or from the shipped one.

    The latter two are claims of `source`, never facts.
    """

    label: str
    case: str = ""
    watched: bool = False
    entry_id: str | None = None
    alert_id: str | None = None  # the other entry's alert for the same transaction
    source: str = ""  # address book: where the name comes from
    category: str = ""  # one of addressbook.CATEGORIES; empty: not said
    date: str = ""  # of the source, as written
    confidence: str = ""  # one of CONFIDENCES; empty: not said
    shipped: bool = False  # from the list that comes with Fundwatch


@dataclass(frozen=True, slots=True)
class TransferView:
    """A transfer with everything its outward form needs."""

    row: Row
    symbol: str  # native or verified symbol; for others the contract's own, sanitised
    decimals: int | None  # None: show raw units
    verified: bool
    entries: tuple[Entry, ...] = ()
    directions: Mapping[str, str] = field(default_factory=dict)  # entry id -> in|out|self
    sources: tuple[tuple[str, int], ...] = ()  # (source, when it first said so)
    asset: Asset | None = None  # the line of config/assets.yaml, where it has one
    price: Price | None = None  # the nearest in time, by what is known now
    unpriced: str = ""  # why there is none, in plain words
    issuer: str = ""  # of a token, where the row is its issuer's act


@dataclass(frozen=True, slots=True)
class DeliveryView:
    channel: str
    state: str  # waiting | accepted | dead | moved
    attempts: int
    recipient: str = ""
    last_error: str = ""
    accepted_at: int | None = None


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert with everything that its mail, page or JSON needs. Built by the store."""

    alert: Alert
    state: str  # open | acknowledged | closed
    chain: Chain | None = None
    entry: Entry | None = None
    added: int | None = None  # when the entry was added
    transfers: tuple[TransferView, ...] = ()
    # Every leg of the transaction, for UTXO chains; equals `transfers` elsewhere.
    all_legs: tuple[TransferView, ...] = ()
    names: Mapping[str, Known] = field(default_factory=dict)  # by canonical address
    not_covered: tuple[str, ...] = ()  # one plain sentence each
    deliveries: tuple[DeliveryView, ...] = ()
    acknowledged: str = ""  # who, when, note
    head_height: int | None = None  # newest head seen, for "11 of 19"
    thread: str | None = None  # alert id that opened this transaction's thread
    told_at: int | None = None  # corrections: when the amended alert was sent
    again: tuple[int, int] | None = None  # restored when, from a record of when: told before?


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to send: bytes-to-be for one channel. Frozen before the first try."""

    subject: str
    text: str
    html: str = ""
    json: str = ""
    attachments: tuple[tuple[str, str, str], ...] = ()  # (file name, mime type, text)
    thread: str = ""  # e-mail: Message-ID of the first mail of this transaction


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one recipient of one channel, as a channel's `send` gets it."""

    message_id: str  # webhook-id, and the local part of the Message-ID
    recipient: str  # mail address, or the channel's name for a webhook
    created: int
    rendered: Rendered


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One row of config/sources.yaml, its secret resolved."""

    name: str
    kind: str  # a key of sources.SOURCES
    # May hold {chain_id}, and a node's address often holds its key.
    url: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    rate_per_second: float = 3.0
    calls_per_hour: int | None = None
    calls_per_day: int | None = None
    page_size: int | None = None  # None: the kind's own
    index_lag: int | None = None  # blocks; None: the kind's own


@dataclass(frozen=True, slots=True)
class Only:
    """Which alerts a channel takes; an empty set takes all."""

    severity: frozenset[str] = frozenset()
    case: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    direction: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One row of config/channels.yaml, its secrets resolved."""

    name: str
    kind: str  # a key of channels.CHANNELS
    # desk: movements; operations: Fundwatch itself; escalation: only what is passed on
    audience: frozenset[str] = frozenset({"desk", "operations"})
    only: Only = Only()
    quiet_hours: tuple[int, int] | None = None  # minutes of the desk's day, from and to
    daily_test: bool = False  # a test message once a day
    detail: str = "full"  # full | reference
    url: str = field(default="", repr=False)  # webhook; may hold a secret
    secrets: tuple[str, ...] = field(default=(), repr=False)  # webhook: newest first
    urls: tuple[str, ...] = field(default=(), repr=False)  # apprise: as it writes services
    allow_private: bool = False
    host: str = ""
    port: int = 0
    security: str = "starttls"  # email: starttls | tls | none
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sender: str = ""  # email: the From address
    to: tuple[str, ...] = ()  # recipients, each with an outcome of its own; none: the channel
    reply_to: str = ""
    machine: bool = False  # gets every alert of both lanes as JSON
    ca_file: str = ""  # PEM file to trust instead of the system's
