"""Watching: addresses, the entries about them, and from where they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.terms import Terms

USD = "USD"  # a smallest amount in dollars, for assets without one of their own


class Severity(StrEnum):
    """What the program does: at once alone; at once; at once, grouped; daily mail."""

    SEVERE = "severe"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def urgent(self) -> bool:
        """Never held back."""
        return self in (Severity.SEVERE, Severity.HIGH)


class Direction(StrEnum):
    """Of one alert, seen from its entry; for UTXO chains by net amount."""

    IN = "in"
    OUT = "out"
    SELF = "self"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One address on one chain, in canonical form (chains.canonical)."""

    chain: str
    address: str

    @property
    def key(self) -> str:
        return f"{self.chain}/{self.address}"


@dataclass(frozen=True, slots=True)
class Origin:
    """The row of a published list that an entry comes of. Days as 2023-04-24."""

    list: str  # its name in config/lists.yaml
    title: str  # what people call it: "OFAC"
    entity: str = ""  # id of whom it is about
    name: str = ""
    programs: tuple[str, ...] = ()
    since: str = ""  # on the list since
    at_least: bool = False  # ... or before: it was there when the list was first read
    until: str = ""  # not on it any more since; empty: still on it
    address: str = ""  # of the row, where the entry's chain writes it in another way


@dataclass(frozen=True, slots=True)
class Planned:
    """An outflow from held funds that somebody announced."""

    to: str  # canonical
    amount: str  # decimal coins and their asset: "1000.5 USDT"
    until: str  # last day, 2026-12-31
    by: str
    why: str
    since: int = 0  # by our clock: when the watchlist was first read with it

    @property
    def counts_from(self) -> int:
        """In chain time: blocks have somebody else's clock, and a saved list waits its turn."""
        return self.since - 3600


HELD = ("frozen", "seized", "forfeited")


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
    incoming: str = ""  # "daily": what arrives waits for the daily mail, unless above min_amount
    origin: Origin | None = None  # None: a person's own entry, of watchlist.yaml
    sources: tuple[str, ...] = ()  # who alone may be asked about it; none: as the chain has it
    held: str = ""  # one of HELD: its funds are not to move
    holder: str = ""  # who holds them
    expected: Mapping[str, str] = field(default_factory=dict)  # asset key -> decimal coins
    planned: Planned | None = None
    follow: Terms | None = None  # of its case: what it pays is followed; None: it is not


@dataclass(frozen=True, slots=True)
class Kin:
    """What is the same of entries of which the same channels are told: a list has a million
    entries, and few of these."""

    case: str
    tags: tuple[str, ...]
    channels: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Followed:
    """An address that is read for a case without an entry."""

    subject: Subject
    case: str
    why: str
    since: int
    every: int  # seconds from poll to poll
    calls: int | None  # of sources, that it may use; None: not bounded
    used: int  # of them

    @property
    def spent(self) -> bool:
        """Whether it is not polled any more for this case."""
        return self.calls is not None and self.used >= self.calls


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
