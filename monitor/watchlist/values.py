"""What each line of a watchlist block may hold: node -> value, or a note why not. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.chains import keys
from monitor.chains.address import AddressError, canonical
from monitor.chains.table import family_of
from monitor.model import Asset, Chain, Severity
from monitor.model.watch import HELD, USD
from monitor.watchlist import follow
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text, closest, is_blank

_COINS = re.compile(r"[0-9]{1,60}(\.[0-9]{1,36})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_DIGITS = re.compile(r"[0-9]{1,12}\Z")
_RETIRED = re.compile(r'([0-9]{4}-[0-9]{2}-[0-9]{2}) +([^\s"][^"\n]{0,59}?) +"([^"\n]{1,200})"\Z')
_CASE = re.compile(r"[^\W_][\w ./#-]{0,39}\Z")
_CONTRACT = re.compile(r"(0x|0X)[0-9a-zA-Z]*\Z|T[1-9A-HJ-NP-Za-km-z]{33}\Z")

CHOICES: Mapping[str, tuple[str, ...]] = {
    "severity": tuple(s.value for s in Severity),
    "direction": ("both", "in", "out"),
    "tell_when": ("seen", "confirmed", "final"),
    "busy": ("yes", "no", "true", "false"),
    "held": HELD,
}
MOST_HOURS = 720  # that a canary may be silent
_LONGEST = {"label": 120, "title": 120, "source": 200, "reason": 500, "holder": 120}


@dataclass(frozen=True, slots=True)
class EntryReader:
    """The names that a watchlist may use (None: that kind of name is not checked), and
    where its mistakes are noted."""

    chains: Mapping[str, Chain]
    channels: Collection[str] | None
    symbols: Collection[str] | None  # of verified assets
    notes: Notes
    sources: Collection[str] | None = None  # of config/sources.yaml
    assets: Collection[Asset] | None = None  # where amounts are held against their decimals


Reader = Callable[[str, Node, EntryReader], Any]


def read_value(key: str, node: Node, at: EntryReader) -> Any:  # noqa: ANN401 - each key has its own type
    """The value of one line in the form that Entry holds, or None after noting why not."""
    return READERS[key](key, node, at)


def a_date(text: str) -> datetime.date | None:
    """The day that an ISO date (2023-01-31) names, or None."""
    try:
        return datetime.date.fromisoformat(text) if _DATE.match(text) else None
    except ValueError:
        return None


def case_problem(case: str) -> str | None:
    """Why a text cannot name a case (it appears in mail subjects), or None."""
    if _CASE.match(case):
        return None
    return "is not a case name (up to 40 letters, digits, spaces, . / # - _)"


def _text(key: str, node: Node, at: EntryReader) -> str | None:
    if not isinstance(node, Text):
        at.notes.say(node, f"{key}: needs one text, not a list", f"Write  {key}: text")
        return None
    if is_blank(node):
        at.notes.say(
            node, f"{key}: is empty", "Write something behind the colon, or delete the line"
        )
        return None
    return node.text.strip()


def _address(key: str, node: Node, at: EntryReader) -> str | None:
    return _text(key, node, at)


def _short_text(key: str, node: Node, at: EntryReader) -> str | None:
    text = _text(key, node, at)
    if text is not None and (key_found := keys.among(text)):
        at.notes.say(node, *key_found)
        return None
    if text is not None and len(text) > _LONGEST[key]:
        at.notes.say(node, f"is longer than {_LONGEST[key]} characters", "Shorten it")
        return None
    return None if text is None else " ".join(text.split())


def _choice(key: str, node: Node, at: EntryReader) -> str | None:
    text = _text(key, node, at)
    if text is None or text in CHOICES[key]:
        return text
    near = closest(text, CHOICES[key])
    hint = f"Did you mean {near}? " if near else ""
    at.notes.say(
        node, f"is not a {key.replace('_', ' ')}", f"{hint}Write one of {', '.join(CHOICES[key])}"
    )
    return None


def _severity(key: str, node: Node, at: EntryReader) -> Severity | None:
    text = _choice(key, node, at)
    return None if text is None else Severity(text)


def _busy(key: str, node: Node, at: EntryReader) -> bool | None:
    text = _choice(key, node, at)
    return None if text is None else text in ("yes", "true")


def _canary(key: str, node: Node, at: EntryReader) -> int | None:
    text = _text(key, node, at)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= MOST_HOURS):
        remedy = f"Write how often something moves there at least, 1 to {MOST_HOURS}"
        at.notes.say(node, "is not a number of hours", remedy)
        return None
    return int(text)


def _case(key: str, node: Node, at: EntryReader) -> str | None:
    text = _text(key, node, at)
    problem = None if text is None else case_problem(text)
    if problem:
        at.notes.say(node, problem, "Shorten or correct it")
        return None
    return text


def _texts(key: str, node: Node, at: EntryReader) -> tuple[Text, ...] | None:
    """A list of texts; a single text counts as a list of one. Repeats are noted."""
    items = node.items if isinstance(node, Items) else (node,)
    good = [i for i in items if isinstance(i, Text) and not is_blank(i)]
    if len(good) != len(items) or not good:
        at.notes.say(node, f"{key}: needs a list of names", f"Write  {key}: [one, two]")
        return None
    seen: set[str] = set()
    for item in good:
        if item.text in seen:
            at.notes.say(item, "is in the list twice", "Delete one of the two")
        seen.add(item.text)
    return tuple(good) if len(seen) == len(good) else None


def _tags(key: str, node: Node, at: EntryReader) -> tuple[str, ...] | None:
    items = _texts(key, node, at)
    return None if items is None else tuple(item.text.strip() for item in items)


def _channels(key: str, node: Node, at: EntryReader) -> tuple[str, ...] | None:
    items = _texts(key, node, at)
    if items is None:
        return None
    for item in items:
        if at.channels is not None and item.text not in at.channels:
            near = closest(item.text, at.channels)
            known = ", ".join(sorted(at.channels)) or "none yet"
            remedy = f"Did you mean {near}?" if near else f"Known: {known}"
            at.notes.say(item, "is not a channel of config/channels.yaml", remedy)
            return None
    return tuple(item.text for item in items)


def _sources(key: str, node: Node, at: EntryReader) -> tuple[str, ...] | None:
    items = _texts(key, node, at)
    if items is None:
        return None
    for item in items:
        if at.sources is not None and item.text not in at.sources:
            near = closest(item.text, at.sources)
            remedy = f"Did you mean {near}?" if near else f"Known: {', '.join(sorted(at.sources))}"
            at.notes.say(item, "is not a source of config/sources.yaml", remedy)
            return None
    return tuple(item.text for item in items)


def _chain(key: str, node: Node, at: EntryReader) -> tuple[str, ...] | None:
    if isinstance(node, Items):
        at.notes.say(node, "chain: names one chain", "For several write  chains: [one, two]")
        return None
    return _chains(key, node, at)


def _chains(key: str, node: Node, at: EntryReader) -> tuple[str, ...] | None:
    items = _texts(key, node, at)
    if items is None:
        return None
    unknown = [item for item in items if item.text not in at.chains]
    for item in unknown:
        at.notes.say(item, "is not a chain of config/chains.yaml", _chain_hint(item.text, at))
    return None if unknown else tuple(item.text for item in items)


def _chain_hint(text: str, at: EntryReader) -> str:
    if "," in text:
        return "Put several chains in brackets: [one, two]"
    by_name = {c.name: key for key, c in at.chains.items()}
    by_symbol = {c.symbol: key for key, c in reversed(list(at.chains.items()))}
    if text.upper() in by_symbol:
        return f"Did you mean {by_symbol[text.upper()]}?"
    known = {**by_name, **{key: key for key in at.chains}}
    near = closest(text, known)
    return f"Did you mean {known[near]}?" if near else f"Known: {', '.join(at.chains)}"


def _since(key: str, node: Node, at: EntryReader) -> str | None:
    text = _text(key, node, at)
    if text is None or text == "first" or a_date(text):
        return text
    if not _DIGITS.match(text):
        at.notes.say(
            node, "is neither a day nor a block", "Write a day like 2023-01-31, a block, or first"
        )
        return None
    if _may_be_a_day(text):
        at.notes.say(
            node,
            "could be a year, a day or a block",
            "Write a day like 2023-01-31; for a block write a number a little lower",
        )
        return None
    return str(int(text))


def _may_be_a_day(digits: str) -> bool:
    """Taking a year for a block would leave out years of history in silence."""
    if len(digits) == 4:
        return 2008 < int(digits) < 2100
    dashed = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return len(digits) == 8 and 2008 < int(digits[:4]) < 2100 and a_date(dashed) is not None


def _min_amount(key: str, node: Node, at: EntryReader) -> dict[str, str] | None:
    if not isinstance(node, Fields) or not node.pairs:
        at.notes.say(node, f"{key}: needs a coin and a number", f"Write  {key}: {{ETH: 0.01}}")
        return None
    amounts: dict[str, str] = {}
    for name, value in node.pairs:
        asset = _asset(name, at)
        if not isinstance(value, Text) or not _COINS.match(value.text):
            at.notes.say(
                value,
                "is not an amount in coins",
                "Write digits, with a point for fractions and no separators: 1500 or 0.01",
            )
        elif asset is not None:
            amounts[asset] = value.text
    return amounts


def _asset(name: Text, at: EntryReader) -> str | None:
    """The key of one threshold: a symbol as written, or a contract in canonical form."""
    if _CONTRACT.match(name.text):
        return _contract(name, at)
    native = {chain.symbol for chain in at.chains.values()}
    if at.symbols is None or name.text in {USD, *native, *at.symbols}:
        return name.text
    near = closest(name.text, native.union(at.symbols))
    at.notes.say(
        name,
        "is neither the coin of a chain nor a verified token",
        f"Did you mean {near}?" if near else "Write the token's contract address instead",
    )
    return None


def _contract(name: Text, at: EntryReader) -> str | None:
    chain = next((c for c in at.chains.values() if family_of(c).resembles(c, name.text)), None)
    if chain is None:
        return name.text
    try:
        return canonical(chain, name.text)
    except AddressError as error:
        at.notes.say(name, error.reason, error.remedy)
        return None


def _as_written(_key: str, node: Node, _at: EntryReader) -> Node:
    """Read with its address: what it means depends on the chain (watchlist/held.py)."""
    return node


def _follow(_key: str, node: Node, at: EntryReader) -> dict[str, Any] | bool | None:
    return follow.read(
        node,
        at.notes,
        sources=lambda inner: _sources("sources", inner, at),
        since=lambda inner: _since("since", inner, at),
    )


def _retired(key: str, node: Node, at: EntryReader) -> str | None:
    text = _text(key, node, at)
    match = _RETIRED.match(text or "")
    if text is None or (match and a_date(match[1])):
        return text
    at.notes.say(
        node,
        "does not say when, who and why",
        'Write  retired: 2026-11-20 m.ortiz "case closed"',
    )
    return None


READERS: Mapping[str, Reader] = {
    "address": _address,
    "chain": _chain,
    "chains": _chains,
    "label": _short_text,
    "title": _short_text,
    "case": _case,
    "reason": _short_text,
    "source": _short_text,
    "tags": _tags,
    "severity": _severity,
    "direction": _choice,
    "min_amount": _min_amount,
    "tell_when": _choice,
    "since": _since,
    "channels": _channels,
    "sources": _sources,
    "busy": _busy,
    "canary": _canary,
    "retired": _retired,
    "held": _choice,
    "holder": _short_text,
    "expected": _as_written,
    "planned": _as_written,
    "follow": _follow,
}
