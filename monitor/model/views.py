"""Views: what people see of transfers and alerts, and messages as they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model.alert import Alert
from monitor.model.balance import Held
from monitor.model.config import Asset, Chain
from monitor.model.reading import Price
from monitor.model.trace import Trace
from monitor.model.transfer import Row
from monitor.model.watch import Entry

OURS = "ours:"  # begins what stands in the place of an address of our own: "ours:Customer 17"


@dataclass(frozen=True, slots=True)
class Known:
    """A name for an address: of an entry, from addressbook.csv, from a list that others publish,
    or from the shipped address book.

    The latter three are claims of `source`, never facts.
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
    ours: bool = False  # an address of our own: the label is all that is shown of it
    list: str = ""  # published list: what people call it; `date` is since when it stands there
    also: tuple[str, ...] = ()  # of a person's entry: what people call the lists that have it too


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
    # Who was asked past its place and does not list it, and to where: "block 812".
    unlisted: tuple[tuple[str, str], ...] = ()
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
class ListAge:
    """How old what we have of a published list is."""

    day: str  # of the version in force, 2026-09-23
    failing: int | None  # since when it could not be had or read; None: it can
    missing: int | None = None  # since when nothing newer came (ListState.missing)
    # The case whose people alone may know of it; empty: everybody may; None: that is not known, for
    # the list is not in the settings any more.
    private_to: str | None = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert with everything that its mail, page or JSON needs. Built by the store."""

    alert: Alert
    state: str  # open | acknowledged | closed
    chain: Chain | None = None
    chains: Mapping[str, Chain] = field(default_factory=dict)  # all that are configured, by key
    entry: Entry | None = None
    added: int | None = None  # when the entry was added
    transfers: tuple[TransferView, ...] = ()
    # Every leg of the transaction, for UTXO chains; equals `transfers` elsewhere.
    all_legs: tuple[TransferView, ...] = ()
    names: Mapping[str, Known] = field(default_factory=dict)  # by canonical address
    not_covered: tuple[str, ...] = ()  # one plain sentence each
    deliveries: tuple[DeliveryView, ...] = ()
    acknowledged: str = ""  # who, when, note
    holder: str = ""  # who has it now: "Kim (claimed)" where the name was typed
    head_height: int | None = None  # newest head seen, for "11 of 19"
    thread: str | None = None  # alert id that opened this transaction's thread
    told_at: int | None = None  # corrections: when the amended alert was sent
    again: tuple[int, int] | None = None  # restored when, from a record of when: told before?
    also: tuple[Entry, ...] = ()  # further entries that it names: of published lists
    lists: Mapping[str, ListAge] = field(default_factory=dict)  # that it names, by their names
    trace: Trace | None = None  # of an alert about followed money: as it stood then
    # Summaries: the entry's coin and verified tokens as they were last held against the chain.
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Inline:
    """An image inside a mail."""

    name: str  # its id there; render makes it one of the message's
    mime: str  # "image/png"
    data: str  # its bytes as base64, since messages are frozen as text
    alt: str  # the same in words, several lines
    said: tuple[str, ...] = ()  # stands under it, a line each: what is too small on a phone


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message ready to send: bytes-to-be for one channel. Frozen before the first try."""

    subject: str
    text: str
    html: str = ""
    json: str = ""
    attachments: tuple[tuple[str, str, str], ...] = ()  # (file name, mime type, text)
    thread: str = ""  # e-mail: Message-ID of the first mail of this transaction
    images: tuple[Inline, ...] = ()  # e-mail: shown by `html` as "cid:NAME"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one recipient of one channel, as a channel's `send` gets it."""

    message_id: str  # webhook-id, and the local part of the Message-ID
    recipient: str  # mail address, or the channel's name for a webhook
    created: int
    rendered: Rendered
