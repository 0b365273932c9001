"""What an alert knows beside its rows, frozen when it was decided: one value a kind of alert.

Amounts are in base units, times in Unix seconds. As the record keeps them: facts_json.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from monitor.model.balance import Held
from monitor.model.watch import Origin, Planned

# States of corrections.
BACK = "included again"  # what had left its block counts again
REPLACED = "replaced"  # unconfirmed, and another transaction spends the same coins
# Unconfirmed, and those who told it know it no longer: it may have been replaced, or a node that
# was started anew has forgotten it.
UNSEEN = "no longer seen"
SEEN = "seen again"  # unconfirmed, as before it was no longer seen
INCLUDED = "included"  # in a block after all
COUNTS = frozenset({BACK, INCLUDED})


@dataclass(frozen=True, slots=True)
class SecondSource:
    """The word of a source of another operator than those that reported the transaction, now or
    before.

    Without a name: one was wanted, and none has answered.
    """

    name: str = ""
    agrees: bool | None = None  # None: it could not say
    says: str = ""  # "it happened" | "it failed" | "not found"
    at: int | None = None
    alone: bool = False  # no source of another operator is set up for the chain


TO_US, FROM_US, BESIDE_US = "to us", "from us", "beside us"


@dataclass(frozen=True, slots=True)
class Touched:
    """A movement of value between an address that is watched or followed and one of our own: the
    leg in which ours stands, told by its label and never by itself."""

    chain: str
    tx: str
    leg: str
    way: str  # TO_US | FROM_US | BESIDE_US: it spends in the same transaction
    who: str  # the watched or followed address
    list: str  # name of our list
    label: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.chain, self.tx, self.leg, self.who)


@dataclass(frozen=True, slots=True)
class OnList:
    """What a published list said of the alert's address when the alert was decided."""

    entry: str  # id of the entry that comes of it
    origin: Origin
    case: str = ""
    day: str = ""  # of the version that was in force
    sha256: str = ""  # of that version, as it was fetched


@dataclass(frozen=True, slots=True)
class HeldFunds:
    """That the funds which moved are held, as the watchlist had it when it was told."""

    state: str  # one of watch.HELD
    holder: str = ""
    expected: Mapping[str, str] = field(default_factory=dict)  # asset -> decimal coins
    planned: Planned | None = None  # the outflow that was announced
    unlike: str = ""  # why this is not that one, a sentence; empty: it is, or none was

    @property
    def as_planned(self) -> bool:
        """Whether this is the outflow that was announced, which is used up by it."""
        return self.planned is not None and not self.unlike


# Entries of lists that a start-up summary names: a list may name an address under any number of
# entities, and each of their entries has a summary.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Facts:
    """What alerts of several kinds know."""

    read_at: int | None = None
    finality: int | None = None  # of the chain, in blocks
    second_source: SecondSource | None = None  # None: not wanted
    ours: tuple[Touched, ...] = ()  # it touches addresses of our own
    # What a newer version wrote and this one does not know, by its place: "correction.cause".
    more: Mapping[str, object] = field(default_factory=dict)
    on_lists: tuple[OnList, ...] = ()  # the alert's own entry first, where it comes of a list
    funds: HeldFunds | None = None  # None: nothing left that somebody holds


@dataclass(frozen=True, slots=True)
class Unread(Facts):
    """Facts in the record that do not read as what they should be. `more` holds them all."""

    why: str = ""


# --- movements -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dealings:
    """Earlier transfers with one counterparty."""

    count: int = 0
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one asset, before and after the transaction, by our record."""

    contract: str | None  # None: the chain's own coin
    symbol: str
    decimals: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Net:
    """What an address put into a UTXO transaction and got out of it."""

    put: int
    got: int


@dataclass(frozen=True, slots=True)
class Unusual:
    """What stands out by our own record."""

    last_moved: int | None = None  # None: nothing had moved before
    quiet_days: int = 0
    dealings: Mapping[str, Dealings] = field(default_factory=dict)  # by counterparty
    test_payments: tuple[str, ...] = ()  # alerts, or transactions that were not told
    balances: tuple[Balance, ...] | None = None  # None: not known
    net: Net | None = None


@dataclass(frozen=True, slots=True)
class Movement(Facts):
    """Of what moved, or did not but for a fee."""

    classes: tuple[tuple[str, str, str], ...] = ()  # (leg, class, why)
    confirmations: int | None = None
    success: str = ""  # why nobody knows yet that the transaction succeeded
    unusual: Unusual | None = None  # None: not looked for
    held: tuple[Held, ...] = ()  # its assets, held against the chain before it was told


@dataclass(frozen=True, slots=True)
class Lead:
    """Something on the chain that may be why a balance changed: it stands in no list."""

    what: str  # a sentence
    tx: str = ""
    height: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Unexplained(Facts):
    """A balance changed and no list says why; or, where the alert amends an earlier one, what was
    found since."""

    held: Held | None = None
    amount: int = 0  # what is missing in the record, signed: below zero it left
    since_time: int | None = None  # of the block after which it was missing
    asked: tuple[str, ...] = ()  # what was looked through, and with what result: sentences
    leads: tuple[Lead, ...] = ()
    found: str = ""  # of an amendment: what was found
    left: int = 0  # of an amendment: what of it is still missing, signed

    @property
    def grew(self) -> bool:
        """Whether what is missing now is no part of what was said to be."""
        other_way = (self.left < 0) != (self.amount < 0)
        return bool(self.left) and (other_way or abs(self.left) > abs(self.amount))


# --- what follows, what went before, what is about ourselves -----------------------------------


@dataclass(frozen=True, slots=True)
class InBlock:
    """A place in the chain, as far as it is known."""

    height: int | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class Correction(Facts):
    """What became of a movement that had been told."""

    state: str = ""  # "reversed" | "unconfirmed again" | REPLACED | UNSEEN | SEEN | BACK | INCLUDED
    was: InBlock | None = None
    now: InBlock | None = None
    evidence: tuple[str, ...] = ()  # sentences


@dataclass(frozen=True, slots=True)
class AssetSum:
    """What came and went of one asset."""

    symbol: str
    contract: str | None
    verified: bool
    came: int
    went: int
    decimals: int | None


@dataclass(frozen=True, slots=True)
class History(Facts):
    """What an entry had done before it was watched."""

    count: int = 0  # transactions
    by_asset: tuple[AssetSum, ...] = ()
    first: int | None = None
    last: int | None = None
    covered: tuple[str, ...] = ()  # what was read, a sentence a list
    listed: int = 0  # transactions whose rows stand in the alert
    alarming: bool = False
    fees: int = 0  # paid in the chain's own coin, where they are no part of what went
    month: tuple[AssetSum, ...] = ()  # what came and went in the 30 days before
    month_count: int = 0  # transactions in these


@dataclass(frozen=True, slots=True)
class IncidentNotice:
    """One phase of what is wrong with ourselves."""

    key: str
    what: str
    since: int
    closed: int | None = None
    duration: int | None = None  # seconds
    who: tuple[str, ...] = ()
    cure: str = ""
    reminder: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a notice says at length."""

    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()  # heading, sentences
    table: tuple[tuple[str, ...], ...] = ()  # of short figures, its head first
    above: int = 0  # sections that stand above it; the others below
    file: str = ""  # CSV


@dataclass(frozen=True, slots=True)
class Notice(Facts):
    """News about ourselves: an incident, or an answer to what people did."""

    incident: IncidentNotice | None = None
    topic: str = ""  # of the subject
    lines: tuple[str, ...] = ()
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class ClockDue(Facts):
    """One step of a clock that a person started for a case. Never of a confidential one."""

    clock: str = ""  # its id
    case: str = ""
    title: str = ""  # of its rule
    step: str = ""  # soon | due | over
    due: str = ""  # its last day, YYYY-MM-DD ...
    zone: str = ""  # ... of this zone
    counted: str = ""  # how the days were counted, in words
    source: str = ""  # the legal source
    by: str = ""  # who started it ...
    started: int | None = None  # ... and when


NO_FACTS = Facts()
_F = TypeVar("_F", bound=Facts)


def of_kind(facts: Facts, kind: type[_F]) -> _F:
    """These facts where they are of this kind, else empty ones."""
    return facts if isinstance(facts, kind) else kind()
