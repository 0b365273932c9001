"""Following money: what a case asks for, what is known of addresses and transactions on the way,
and the trace that comes of it.

Amounts are in base units, USD in millionths of a dollar, times Unix seconds. A figure by method
is a mapping from each of flow.METHODS to an integer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.terms import Terms as Terms  # noqa: PLC0414 - it belongs to these
from monitor.model.transfer import Transfer
from monitor.model.watch import Subject

ByMethod = Mapping[str, int]
USD_UNIT = 10**6  # of a dollar
NFT_PARTS = 10**18  # one piece of an NFT counts as so many base units, so that it can be shared
CATEGORIES = ("exchange", "mixer", "bridge", "dex", "service", "issuer", "burn")  # that end a trace


# --- what a case asks for ---------------------------------------------------------------------


class Say(StrEnum):
    """What a person said in a case."""

    STOP = "stop"  # an address is not followed on
    RESUME = "resume"  # it is, whatever ended it
    APPROVE = "approve"  # it is followed, whatever it waited for
    MORE = "more"  # the next addresses may be looked for: `value` how many
    LIMIT = "limit"  # `value`: "addresses=600"
    METHOD = "method"  # `value`: the method that is shown first


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said, and when; a later one of the same kind about the same stands."""

    say: Say
    subject: Subject | None
    value: str
    by: str
    why: str
    at: int


# --- what is known on the way -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """What somebody calls an address: a claim of `source`, never a fact."""

    name: str
    category: str = ""  # as an address book has it; empty: not said
    source: str = ""
    date: str = ""
    confidence: str = ""  # one of config.CONFIDENCES; empty: not said
    own: bool = False  # of the home's address book: a person stands behind it


class Code(StrEnum):
    """What stands at an address."""

    NONE = "none"  # no contract
    WALLET = "wallet"  # a contract that acts for a person: Safe, ERC-4337, EIP-7702
    CONTRACT = "contract"
    UNKNOWN = "unknown"  # nobody could say


@dataclass(frozen=True, slots=True)
class Profile:
    """What sources said of an address before its history was read (ports.Profiles)."""

    subject: Subject
    code: Code
    wallet: str = ""  # which kind of wallet: "Safe 1.3.0"
    transactions: int | None = None  # None: nobody could say
    at_least: bool = False  # there may be more
    busiest_day: int | None = None  # whom it paid within 24 hours, of those that were looked at
    source: str = ""
    at: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Crossing:
    """One side of a bridge, decoded from an event of a transaction (chains/bridges).

    A deposit names where it goes as far as it knows; a release names where it came from. Both
    have the same `link` where they belong together: "across/1/12345"; an empty one says that
    the bridge writes nothing that is the same on both sides.
    """

    bridge: str  # as people call it: "Across"
    deposit: bool
    link: str
    log_index: int
    contract: str  # that wrote it
    # Key of the other side's chain; empty: not told, or not one of config/chains.yaml.
    chain: str = ""
    domain: str = ""  # as the event names it: "42161", "domain 3"
    # Canonical where it is paid, as the event has it on a chain that is not configured; empty:
    # not told.
    recipient: str = ""
    token: str = ""  # contract on its own chain; empty: the coin or not told
    amount: int | None = None
    # Deposit: what is to come out there, in base units of what comes out; None: not told.
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a whole transaction did, by its receipt (ports.Anatomies): beside an address's own
    rows what others got, and what bridges wrote."""

    chain: str
    tx: str
    # Token movements of everybody, in order of log_index; behind them coins moved by calls inside,
    # as far as they were told. Some of them are on record too, with the same leg.
    legs: tuple[Transfer, ...]
    crossings: tuple[Crossing, ...] = ()
    source: str = ""
    at: int = 0
    sha256: str = ""  # of the answer


# --- the trace --------------------------------------------------------------------------------


class State(StrEnum):
    """How an address stands in a trace."""

    SOURCE = "source"
    QUEUED = "queued"
    FOLLOWED = "followed"
    WAITING = "waiting_for_approval"
    PARKED = "parked"
    STOPPED = "stopped"


REASONS = (
    *("exchange", "mixer", "bridge", "dex", "service", "issuer", "contract", "deposit_address"),
    *("burn", "below_value", "below_share", "hops", "addresses", "calls", "person"),
    *("no_outflow", "nft", "unpriced", "incomplete"),
)
# Reasons that are about whom the value came to: it can be asked for there.
REACHED = ("exchange", "deposit_address", "mixer", "bridge")


@dataclass(frozen=True, slots=True)
class Stop:
    reason: str  # one of REASONS
    detail: str = ""  # a sentence
    confirmed: bool = True  # False: named so by somebody, and nobody confirmed it


@dataclass(frozen=True, slots=True)
class TracedAsset:
    """An asset on its chain. `contract` empty: the coin; an NFT is "contract#id"."""

    chain: str
    contract: str
    symbol: str
    decimals: int | None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """What of one asset is traced, by method; `usd` None: it left a source without a price."""

    asset: TracedAsset
    amount: ByMethod
    usd: ByMethod | None = None
    # By source (key of its subject), where there is more than one.
    by_source: Mapping[str, ByMethod] = field(default_factory=dict)
    bounds: Mapping[str, tuple[int, int]] | None = None  # where the record is not complete
    newest_usd: ByMethod | None = None  # of what it holds, by the newest price on record ...
    newest_day: str = ""  # ... which is of this day


@dataclass(frozen=True, slots=True)
class Node:
    """An address that traced value came to, or a source. Ordered by hop, then value.

    received = holds + left, to the unit, by every method but poison.
    """

    subject: Subject
    hop: int
    state: State
    stop: Stop | None = None
    names: tuple[Name, ...] = ()  # the one that counts first
    first_traced: int | None = None
    last_moved: int | None = None  # traced value, in or out
    complete: bool = True
    unread: tuple[str, ...] = ()  # why not complete, sentences
    covered_to: int | None = None  # time up to which it was read
    received: tuple[Sum, ...] = ()
    left: tuple[Sum, ...] = ()
    holds: tuple[Sum, ...] = ()
    wallet: str = ""
    exchange: str = ""  # deposit_address: the exchange that it sweeps to

    @property
    def bounds(self) -> Mapping[str, tuple[int, int]] | None:
        """Of the asset that it holds most of."""
        return next((s.bounds for s in self.holds if s.bounds is not None), None)


@dataclass(frozen=True, slots=True)
class Edge:
    """A movement with anything traced in it, by whatever method. Ordered by time and place."""

    chain: str
    tx: str
    leg: str
    kind: str
    sender: str
    recipient: str
    asset: TracedAsset
    amount: int
    time: int
    hop: int  # of the recipient's step: the sender's hop + 1
    traced: ByMethod
    usd: ByMethod | None = None
    via: str | None = None  # swap | bridge | wrap | nft
    to_chain: str = ""  # where it came out; empty: the same chain
    got: Sum | None = None  # what came out, of another asset or on another chain
    got_amount: int | None = None
    held: int | None = None  # by the sender of this asset before it, in all
    before: ByMethod = field(default_factory=dict)  # traced of that
    rule: str = ""  # why it is read as it is, where that is not plain: a sentence
    height: int | None = None

    @property
    def key(self) -> str:
        return f"{self.chain}/{self.tx}/{self.leg}"


@dataclass(frozen=True, slots=True)
class Total:
    """Of one asset (None: all, in USD millionths) by one method:
    out_of_sources + converted_in = resting + ended + unfollowed + fees + converted_out."""

    asset: TracedAsset | None
    method: str
    out_of_sources: int = 0
    converted_in: int = 0
    converted_out: int = 0
    fees: int = 0
    resting: int = 0
    ended: Mapping[str, int] = field(default_factory=dict)
    unfollowed: int = 0
    # What differs where the order inside a moment is not known: by "deposits_first" and
    # "withdrawals_first" what rests. None: nothing does.
    ties: Mapping[str, int] | None = None

    @property
    def difference(self) -> int:
        came = self.out_of_sources + self.converted_in
        went = self.resting + sum(self.ended.values()) + self.unfollowed + self.fees
        return came - went - self.converted_out


class Need(StrEnum):
    """What has to be learned next."""

    PROFILE = "profile"  # of an address, before it is followed
    FOLLOW = "follow"  # its history is to be read
    ANATOMY = "anatomy"  # of a transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the trace needs to go on, largest traced value first. `tx`: of an anatomy."""

    need: Need
    subject: Subject
    value: int  # USD millionths by the highest conserving method; of what is unpriced: 0
    tx: str = ""
    share: str = "0"  # of what left the sources in its asset, decimal: orders what is unpriced


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: one of a case at a time."""

    kind: str  # ask_after | small_amounts | unpriced | limit | low_confidence | lead
    words: str  # one sentence
    about: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """Where value may have gone on, by a guess: shown, never followed without a yes."""

    tx: str
    subject: Subject
    words: str


# --- what stands beside it where it is told ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class OnChain:
    """What an address holds of an asset, as far as a source said."""

    subject: Subject
    contract: str
    amount: int | None  # None: nobody could say
    time: int | None = None  # of the block
    height: int | None = None
    source: str = ""
    why: str = ""  # where nobody could say


@dataclass(frozen=True, slots=True)
class HeldFunds:
    """An entry of the case whose funds are not to move: what has to be there of one asset, and
    what is."""

    subject: Subject
    label: str
    held: str  # frozen | seized | forfeited
    holder: str
    asset: str  # as the watchlist has it; empty: nothing is expected by amount
    wanted: str  # decimal coins
    found: str | None  # decimal coins; None: nobody knows
    time: int | None = None
    by: str = ""  # who says so
    why: str = ""  # where nobody knows


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside a trace and is no part of it, as it stood with it: so that a page of
    that day can be made again."""

    desk: str = ""  # who asks: bank | exchange | authority | counsel; empty: not said
    balances: tuple[OnChain, ...] = ()
    issuers: tuple[tuple[str, str, str], ...] = ()  # chain, contract, who can freeze the token
    held: tuple[HeldFunds, ...] = ()
    operators: tuple[tuple[str, int], ...] = ()  # who may learn of how many followed addresses


@dataclass(frozen=True, slots=True)
class Trace:
    """A case's money as far as it was followed. The same record gives the same trace."""

    case: str
    title: str
    terms: Terms
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    totals: tuple[Total, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    questions: tuple[Question, ...] = ()  # the first is open, others wait
    leads: tuple[Lead, ...] = ()
    method: str = ""  # shown first; empty: nobody has chosen, a range stands
    method_by: str = ""
    method_why: str = ""
    followed: int = 0  # addresses
    ended: str = ""  # why nothing is wanted any more though something is queued: a limit, in words
    touched: tuple[Subject, ...] = ()  # nodes that are one of ours
    beside: Beside | None = None  # None: it was not asked for


@dataclass(frozen=True, slots=True)
class Told:
    """A trace as it stood: what every told figure names."""

    number: int
    at: int
    sha256: str
    trace: Trace
