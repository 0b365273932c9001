"""Lists of addresses that others publish: their settings, their versions, what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from monitor.model.dates import utc_day
from monitor.model.watch import Severity

KINDS = ("ofac_sdn", "ofac_advanced", "text", "tagpack", "ftm", "csv", "json", "xlsx")
ENTITY = "{entity}"  # in the case of a list: the id of whom a row is about
PUBLISHED, ALL = "published", "all"  # which chains an address is watched on

SHRUNK = 10  # a version with fewer rows by more than a tenth is not taken by itself
GROWN = 4  # one with more by over a quarter ...
GROWN_ROWS = 500  # ... and by so many rows: the history of the new ones waits for a yes
LATE = 86_400  # seconds after which a list that could not be had is told


def is_late(missing: int | None, now: int) -> bool:
    """Whether a list of which nothing newer came since then is to be told."""
    return missing is not None and now - missing >= LATE


class RowState(StrEnum):
    """How a row of a list stands."""

    WATCHED = "watched"
    LISTED = "listed"  # kept and compared: the list is not watched, or a person ended the watch
    REFUSED = "refused"  # it cannot be watched, or a rule is against it
    REMOVED = "removed"  # it stands in the newest version no more; what was watched still is


@dataclass(frozen=True, slots=True)
class ListConfig:
    """A row of config/lists.yaml."""

    name: str
    kind: str  # one of KINDS
    title: str  # what people call it: "OFAC"
    url: str = ""
    file: Path | None = None
    every: int | None = None  # seconds; None: only by command
    watch: bool = False
    ours: bool = False  # our own and our customers' addresses: never shown to any source
    case: str = ""  # may hold ENTITY
    severity: Severity = Severity.HIGH
    incoming: str = ""  # "daily": waits for the daily mail, unless above min_amount
    min_amount: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] | None = None
    direction: str = "both"
    tell_when: str = "confirmed"
    since: str = "first"
    tags: tuple[str, ...] = ()
    reason: str = ""
    chains: str | tuple[str, ...] = PUBLISHED  # or ALL, or keys of chains

    @property
    def private_to(self) -> str:
        """The case whose people alone may know what it calls an address; empty: everybody may.
        What is published everybody may know; a file of one's own may belong to a case. Of one that
        makes a case of each entity it is no case that anybody is a member of."""
        return "" if self.url else self.case


@dataclass(frozen=True, slots=True)
class Entity:
    """Whom a row is about. Of persons nothing else is kept."""

    id: str = ""
    name: str = ""
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A row as a publisher wrote it, before anybody has looked at the address."""

    address: str  # as written, without spaces around it; at most LONGEST characters of it
    ticker: str = ""  # coin or currency: it is not the chain
    network: str = ""  # what the publisher says of the chain, where it says so in its own field
    entity: Entity = Entity()
    since: str = ""  # day of listing, 2023-04-24; empty: not said
    label: str = ""  # of an address of our own
    place: str = ""  # "line 12", "uid 42498": where people find it
    fault: tuple[str, str] | None = None  # (reason, remedy): why the row cannot be read


LONGEST = 300  # characters of a published address that are kept


@dataclass(frozen=True, slots=True)
class Judged:
    """What an address comes to. `rule` names why it is refused; empty: it is not."""

    chain: str | None = None  # its own, by its encoding: the first of `chains`, or one not watched
    chains: tuple[str, ...] = ()  # on which it would be watched
    address: str | None = None  # canonical
    rule: str = ""  # "zero address", "token contract" ...
    reason: str = ""  # a sentence for people
    warning: str = ""  # it is taken, but a person should look
    twin: str | None = None  # canonical on another of `chains`, which writes it in another way


@dataclass(frozen=True, slots=True)
class Publication:
    """A version of a list. `nr` counts the versions of one list."""

    list: str
    nr: int
    sha256: str  # of the file as it was fetched
    published: str  # the day that it names, 2026-09-23; empty: none
    fetched: int  # Unix seconds
    bytes: int
    rows: int
    refused: Mapping[str, int] = field(default_factory=dict)  # by rule
    remarks: tuple[str, ...] = ()  # what people should know of its file: that it is a part ...
    kind: str = ""  # as what it was read: one of KINDS

    @property
    def day(self) -> str:
        """Of which day it is: as it says, else when it was fetched."""
        return self.published or utc_day(self.fetched)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of the file that it handed out last."""

    etag: str = ""
    modified: str = ""
    of: str = ""  # which question and which file it is about; another one knows nothing of it


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched, on disk as it came."""

    path: Path
    sha256: str
    bytes: int
    name: str = ""  # the last part of its address, which may say the coin
    validators: Validators = Validators()


@dataclass(frozen=True, slots=True)
class Row:
    """What stands in a row of a list, published and judged. What `key` is made of names it."""

    published: Published
    judged: Judged

    @property
    def target(self) -> tuple[str, str]:
        """Whom its entry is about: (address, id of the entity)."""
        return (self.judged.address or "", self.published.entity.id)


@dataclass(frozen=True, slots=True)
class Listing:
    """A row as the record keeps it, from one version of its list to another."""

    list: str
    key: str
    row: Row
    from_nr: int
    until_nr: int | None
    since: str  # day of listing
    at_least: bool  # ... or before
    from_at: int = 0  # when that version was fetched
    until: str = ""  # day of the version that does not say so any more
    says: str = ""  # digest of what it says: two with the same say the same


@dataclass(frozen=True, slots=True)
class Own:
    """An address of our own, told by its label."""

    list: str
    label: str


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said of a row or an entity of a list."""

    target: str  # address:CANONICAL or entity:ID
    key: str  # retired | insist | severity | busy | incoming | min_amount | chains | channels
    value: object  # JSON; None: taken back
    at: int
    name: str
    why: str
    nr: int = 0  # of the version that was in force


@dataclass(frozen=True, slots=True)
class Span:
    """What a version changed of the rows whose keys lie from `lo` on and below `hi`: how many
    began and ended with it, each with a digest over them (store/staging.py)."""

    lo: str
    hi: str
    new: int
    new_sha256: str
    gone: int
    gone_sha256: str


@dataclass(frozen=True, slots=True)
class ListState:
    """How asking for a list went, and how far its entries are made."""

    due: int = 0
    tried: int | None = None
    had: int | None = None
    failing: int | None = None
    error: str = ""
    validators: Validators = Validators()
    held: str = ""  # sha256 of a version that waits for a person's yes
    held_why: str = ""
    grown: int | None = None  # since when the history of a grown list waits for a yes
    made: int = 0  # the version that its entries are of
    terms: str = ""  # digest of the settings that they are of

    @property
    def missing(self) -> int | None:
        """Since when nothing newer came: it failed, or was due then (a time ahead: not yet) and
        nobody has asked for it, or the program died at it. None: it was never due."""
        return self.failing if self.failing is not None else self.due or None
