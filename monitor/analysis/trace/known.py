"""What a trace is worked out from: the record, and what is known beside it, as functions. No
database, no network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.model import Asset, Chain, Price, Row, Subject
from monitor.model.flow import Account
from monitor.model.trace import Anatomy, Name, Profile, Terms, Word


@dataclass(frozen=True, slots=True)
class Source:
    """A watched address of the case. `since`: time from which its outflows count (0: all)."""

    subject: Subject
    label: str
    since: int = 0
    since_height: int = 0  # where the watchlist names a block


@dataclass(frozen=True, slots=True)
class Recorded:
    """The rows of an address that stand (LIVE_STATUSES or missing, not waiting in a mempool), in
    no particular order, and how far they are all of them."""

    rows: Sequence[Row]
    unread: tuple[str, ...] = ()  # why they are not, sentences; none: read from its first block
    covered_to: int | None = None  # time up to which it was read
    version: int = 0  # another number: other rows


@dataclass(frozen=True, slots=True)
class Market:
    """What coins are worth, by prices on record."""

    at: Callable[[str, str, int], Decimal | None]  # chain, contract, time: USD of one coin
    newest: Callable[[str, str], Price | None]


@dataclass(frozen=True, slots=True)
class Known:
    """All of it, for one case."""

    case: str
    title: str
    terms: Terms
    sources: Sequence[Source]
    chains: Mapping[str, Chain]
    assets: Mapping[tuple[str, str], Asset]
    rows: Callable[[Subject], Recorded]
    names: Callable[[Subject], Sequence[Name]]
    market: Market
    followed: Collection[Subject] = frozenset()  # whose history is read, or being read
    profiles: Mapping[Subject, Profile] = field(default_factory=dict)
    anatomies: Mapping[tuple[str, str], Anatomy] = field(default_factory=dict)  # by chain, tx
    words: Sequence[Word] = ()  # oldest first
    # Balances that the chain said and the record was equal to, less what is recorded up to then:
    # what an account had before its first recorded row. Left out: not known.
    openings: Mapping[Account, int] = field(default_factory=dict)
    # Symbol and decimals that contracts give themselves: hostile text.
    tokens: Mapping[tuple[str, str], tuple[str, int | None]] = field(default_factory=dict)
    calls_used: int = 0  # for finding, since the last yes of a person
    ours: frozenset[Subject] = frozenset()  # of all addresses of the trace those that are ours
    now: int = 0  # for parking, and for what a deposit address would have swept by now
