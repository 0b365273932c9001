"""The small vocabulary that every mail is made of, and how assets and parties are named."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.chains.address import shown
from monitor.chains.table import family_of
from monitor.messages.objects import Allowed, may_see
from monitor.model import (
    OURS,
    AlertView,
    Asset,
    Chain,
    ChannelConfig,
    Entry,
    Inline,
    Known,
    Severity,
    Transfer,
    TransferView,
)
from monitor.model.facts import Dealings, Movement, of_kind
from monitor.model.plain import (
    amount,
    amount_said,
    case_said,
    clean,
    plural,
    quoted,
    tidy,
    unverified,
    utc,
)

ROWS_SHOWN = 20  # more go into the attached table
_ORDER = (Severity.SEVERE, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
# A name that may stand in a sentence as it is; a figure in it only at the end: "Wallet 3".
_BARE = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .&'/()-])*(?: ?#?\d{1,4})?\Z")
_MONEY = re.compile("USD|EUR|DAI")


@dataclass(frozen=True, slots=True)
class Item:
    """One statement. `style`: "" plain, "strong", "row" (strong, the first of several that
    belong together), "code" (address, hash: never shortened), "command", "link", "warn",
    "note". `note` is said of the text, after it."""

    text: str
    label: str = ""
    style: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of short figures; every row as long as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    items: tuple[Item | Table, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One mail. `topic` is the fixed-format subject after "[Fundwatch BANNER] " and holds no
    label, no reason and no text from a chain."""

    banner: str  # HIGH, CORRECTION, TEST, ...
    severity: Severity
    topic: str
    headline: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str
    table: str = ""  # the attached CSV; empty: none
    link: str = ""  # where it can be acknowledged: a button where buttons are possible
    desk: str = ""  # its page at the desk; empty: there is none
    images: tuple[Inline, ...] = ()  # under what is said first; chats have their words alone


@dataclass(frozen=True, slots=True)
class Telling:
    """To whom, when and under which name a message is told."""

    channel: ChannelConfig
    allowed: Allowed  # cases whose labels this channel may see; None: all
    message_id: str  # empty: no message, an alert is looked at later
    now: int
    timezone: str
    version: str
    link: str = ""  # where the alerts of this message can be acknowledged
    passed_on: bool = False  # because nobody acknowledged them
    desk: str = ""  # where the desk is, without a slash at its end; empty: there is none

    def page(self, number: str) -> str:
        """The page of an alert, or of all of this message, at the desk; empty: there is none."""
        kind = "g" if number == self.message_id else "alert"
        return f"{self.desk}/{kind}/{number}" if self.desk and number else ""

    def among(self, cases: Collection[str]) -> Allowed:
        """The allowed cases with those that this message itself is about."""
        return None if self.allowed is None else frozenset({*self.allowed, *cases})


def section(name: str, *items: Item | Table | None) -> Section | None:
    """A section of those items that have something to say; None when none has."""
    kept = tuple(item for item in items if item is not None)
    return Section(name, kept) if kept else None


def sections(*found: Section | None) -> tuple[Section, ...]:
    return tuple(each for each in found if each is not None)


def worst(views: Sequence[AlertView]) -> Severity:
    return min((view.alert.severity for view in views), key=_ORDER.index)


def chain_name(view: AlertView) -> str:
    return tidy(view.chain.name if view.chain else view.alert.chain or "", 40)


def case_part(case: str) -> str:
    """The case id as subjects show it."""
    return f"case {case_said(case)}" if case else ""


def topic(*parts: str) -> str:
    return " - ".join(part for part in parts if part)


def name_said(name: str, limit: int = 60) -> str:
    """A label in a sentence: as it is where it is plain words, else in quotes that it cannot
    close."""
    shown = tidy(name, limit)
    return shown if _BARE.match(shown) else quoted(name, limit)


def publishers(name: str, limit: int = 60) -> str:
    """A name that a list gives, always in quotes: it must pass neither for our words nor for a
    link."""
    return quoted(clean(name, limit), limit)


def label_said(entry: Entry, limit: int = 60) -> str:
    """What an entry is called, in a sentence; empty where it has no name."""
    if not entry.label.strip():
        return ""
    return publishers(entry.label, limit) if entry.origin else name_said(entry.label, limit)


def date_said(date: str) -> str:
    """A date as somebody wrote it: figures as they are, anything else in quotes."""
    shown = tidy(date, 20)
    return shown if re.fullmatch("[0-9TZ:./ -]*", shown) else quoted(date, 20)


# --- assets ------------------------------------------------------------------------------


def trusted(view: TransferView) -> bool:
    """Whether symbol and decimals come from us: the chain's own coin, or a verified contract."""
    transfer = view.row.transfer
    own = transfer.contract is None and not transfer.kind.numbered
    return view.verified or own


def asset_key(view: TransferView) -> tuple[str, str, str]:
    transfer = view.row.transfer
    token = transfer.token_id if transfer.kind.nft or transfer.kind.numbered else None
    return (transfer.chain, transfer.contract or "", token or "")


def asset_name(view: TransferView) -> str:
    """A verified symbol as it is; anything else as an unverified claim in quotes."""
    if trusted(view):
        return tidy(view.symbol, 32)
    what = "NFT collection" if view.row.transfer.kind.nft else "token"
    return unverified(what, view.symbol)


def quantity(view: TransferView, units: int) -> str:
    """Exact amount with its asset: "1,000,000.000000 USDT"."""
    transfer = view.row.transfer
    if transfer.kind.nft:
        number = clean(transfer.token_id or "?", 80)
        return f"{plural(units, 'NFT')} (token id {number}) of {asset_name(view)}"
    if trusted(view):
        return f"{amount(units, view.decimals)} {asset_name(view)}"
    return f"{amount(units, None)} of {asset_name(view)}"


def quantity_short(view: TransferView, units: int) -> str:
    """As a person says it, fit for a subject: no text that a chain gave."""
    if not trusted(view):
        return "unverified NFT" if view.row.transfer.kind.nft else "unverified token"
    if view.row.transfer.kind.nft:
        return f"{plural(units, 'NFT')} of {asset_name(view)}"
    return f"{figure(view, units)} {asset_name(view)}"


def figure(view: TransferView, units: int) -> str:
    """The number of a trusted asset as a person says it; money with its cents."""
    return figure_of(units, view.decimals, view.symbol)


def figure_of(units: int, decimals: int | None, symbol: str) -> str:
    said = amount_said(units, decimals)
    half = re.fullmatch(r"(about )?[\d,]+\.\d", said) and _MONEY.search(symbol)
    return f"{said}0" if half else said


def asset_lines(chain: Chain | None, view: TransferView) -> tuple[Item | None, ...]:
    """Where the asset comes from: verified or not, its contract in full."""
    transfer = view.row.transfer
    if transfer.contract is None:
        return (_trc10(transfer) if transfer.kind.numbered else None,)
    contract = Item(shown_address(chain, transfer.contract), "Contract", "code")
    if view.verified:
        return (Item(_verified(view.asset), style="note"), contract)
    claim = "UNVERIFIED: anybody can make such a token; its name is its own claim."
    return (Item(claim, style="warn"), _claimed(view), contract)


def _verified(asset: Asset | None) -> str:
    """Who says that the contract is genuine, when, and how sure where that is not high."""
    if asset is None:
        return "verified token (its contract is in the token table)"
    unsure = f"confidence {asset.confidence}" if asset.confidence not in {"", "high"} else ""
    said = ", ".join(tidy(part, 80) for part in (asset.source, asset.date, unsure) if part)
    return f"verified token: {tidy(asset.name or asset.symbol, 60)} (token table: {said})"


def _trc10(transfer: Transfer) -> Item:
    return Item(f"UNVERIFIED: TRC-10 token no. {clean(transfer.token_id or '?')}.", style="warn")


def _claimed(view: TransferView) -> Item | None:
    if view.decimals is None or view.row.transfer.kind.nft:
        return None
    reading = amount(view.row.transfer.amount, view.decimals)
    return Item(f"It claims {view.decimals} decimals, which would make {reading}.", style="note")


# --- parties -----------------------------------------------------------------------------


def shown_address(chain: Chain | None, address: str) -> str:
    """The address in full as people see it; what is no address is made harmless. One of our own
    is shown by its label."""
    if address.startswith(OURS):
        return f"{name_said(address.removeprefix(OURS), 80)} (ours)"
    if chain and (found := shown(chain, address)):
        return found
    return address if re.fullmatch("[0-9A-Za-z]{1,100}", address) else clean(address, 120)


def shown_tx(tx: str) -> str:
    return tx if re.fullmatch("[0-9A-Za-z_]{1,100}", tx) else clean(tx, 120)


def party(view: AlertView, telling: Telling, address: str | None, missing: str) -> Item:
    """One side of a transfer, in full, with what we know of it."""
    if address is None:
        return Item(missing)
    note = party_note(view, telling, address)
    style = "strong" if address.startswith(OURS) else "code"
    return Item(shown_address(view.chain, address), style=style, note=note)


def is_zero(view: AlertView, address: str) -> bool:
    """Whether tokens of the chain are created from it and destroyed by it."""
    return view.chain is not None and address == family_of(view.chain).zero


def party_note(view: AlertView, telling: Telling, address: str) -> str:
    if view.entry and address == view.entry.subject.address:
        return "WATCHED (this entry)"
    if is_zero(view, address):
        return "the zero address: tokens are created from it and destroyed by it"
    if address.startswith(OURS):
        return " ".join(filter(None, ("OUR OWN ADDRESS.", _dealings(view, address))))
    known = view.names.get(address)
    name = _known_name(known, view, telling) if known else ""
    if not name:
        name = "Unknown (no list, no address book)."
    return " ".join(part for part in (name, _dealings(view, address)) if part)


def _known_name(known: Known, view: AlertView, telling: Telling) -> str:
    if not known.watched:
        return f"{labelled(known)}."
    cases = {view.entry.case} if view.entry else set()
    also = f", {on_lists(known)}" if known.also else ""
    if not may_see(known.case, telling.among(cases)):
        return f"Another watched address{also}."
    case = f" - case {case_said(known.case)}" if known.case else ""
    alert = f" - {known.alert_id}" if known.alert_id else ""
    said = publishers(known.label, 80) if known.list else name_said(known.label, 80)
    label = said if known.label.strip() else "no label"
    first = "ALSO WATCHED" if view.entry else "WATCHED"
    return f"{first}: {label}{case}{alert}{also}."


def on_lists(known: Known) -> str:
    """Which lists have an address that a person watches: "on OFAC's list"."""
    return f"on {' and '.join(map(lists_name, known.also[:3]))}" if known.also else ""


def lists_name(title: str) -> str:
    """ "OFAC's list"."""
    said = name_said(title)
    return f"{said}' list" if said.endswith("s") else f"{said}'s list"


def labelled(known: Known) -> str:
    """The name that somebody gives an address, with who says so, since when and how sure."""
    category = f" - {known.category.replace('-', ' ')}" if known.category else ""
    source = name_said(known.source, 60)
    who = ("public label: " if known.shipped else "your address book, source ") + source
    bare = "public label" if known.shipped else "your address book"
    if known.list:
        who = f"listed by {source}"
    sure = f"confidence {known.confidence}" if known.confidence else ""
    day = f"since {date_said(known.date)}" if known.list else date_said(known.date)
    said = ", ".join(part for part in (who if source else bare, day, sure) if part)
    return f"{name_said(shown_name(known), 80)}{category} ({said})"


def claimed(known: Known) -> str:
    """The same for a sentence: "by a public label of 2023-10-02, confidence low"."""
    if known.list:
        return f"by {name_said(known.list, 60)}'s list"
    since = f" of {date_said(known.date)}" if known.shipped and known.date else ""
    unsure = f", confidence {known.confidence}" if known.confidence in {"medium", "low"} else ""
    return ("by a public label" if known.shipped else "by your address book") + since + unsure


def shown_name(known: Known) -> str:
    # Public labels hold domains of mixers and shops, which a mail must not make links.
    others = known.shipped or known.list
    return clean(known.label, 80) if others else tidy(known.label, 80)


def _dealings(view: AlertView, address: str) -> str:
    unusual = of_kind(view.alert.facts, Movement).unusual
    if unusual is None:
        return ""
    earlier = unusual.dealings.get(address, Dealings())
    if not earlier.count:
        return "First time."
    times = f"{earlier.count:,} times" if earlier.count > 1 else "once"
    return f"Seen {times} before, last {utc(earlier.last)[:10]}."


def named(view: AlertView, addresses: Collection[str | None], category: str) -> tuple[Known, ...]:
    """What the address books say of those of these addresses that they put into a category."""
    known = (view.names.get(address) for address in sorted(filter(None, addresses)))
    return tuple(each for each in known if each and not each.watched and _is(each, category))


def _is(known: Known, category: str) -> bool:
    """A line without a category, as people write them, may say "exchange" in the name."""
    return (known.category or _in_words(known.label)) == category


def _in_words(label: str) -> str:
    return "exchange" if "exchange" in label.casefold() else ""
