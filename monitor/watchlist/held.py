"""The lines of a watchlist about funds that somebody holds: what is expected to be there, and
an outflow that was announced. Read for one address on one chain. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from monitor.chains.address import AddressError, canonical
from monitor.decide.held import assets_named
from monitor.model import Asset, Chain, Entry, Planned
from monitor.watchlist.values import EntryReader, a_date
from monitor.watchlist.yaml_nodes import Fields, Node, Notes, Text, closest, is_blank

PLANNED_KEYS = ("to", "amount", "until", "by", "why")
_COINS = re.compile(r"[0-9]{1,60}(\.[0-9]{1,36})?\Z")
_AMOUNT = re.compile(r"([0-9.]+) +(\S+)\Z")
_LONGEST = {"by": 60, "why": 200}
_DIGITS_ONLY = "Write digits, with a point for fractions and no separators: 1500 or 0.01"
_PLANNED_FORM = (
    'Write  planned: {to: ADDRESS, amount: 1000.5 USDT, until: 2026-12-31, by: NAME, why: "..."}'
)


def check(block: Fields, values: Mapping[str, Any], notes: Notes) -> None:
    """Note lines of a block that make no sense together; `values` are merged with those of its
    case and the defaults."""
    if not values.get("held"):
        for name in ("holder", "expected", "planned"):
            if block.get(name) is not None:
                remedy = "Add a line  held: frozen, seized or forfeited"
                notes.say(_place(block, name), "needs a line that says how", remedy, value=name)
        return
    if values.get("canary"):
        where = block.get("canary") or block
        notes.say(where, "is held and a canary", "Keep one of the two", value="canary")
    for name in ("expected", "planned"):
        if block.get(name) is not None and len(values["chains"]) > 1:
            why = "stands in a block of several chains, and each has its own coins"
            notes.say(_place(block, name), why, "Give each chain a block of its own", value=name)


def _place(block: Fields, name: str) -> Node:
    """The key itself: what stands behind it may begin on a later line."""
    return next(key for key, _ in block.pairs if key.text == name)


def with_terms(entry: Entry, block: Fields, at: EntryReader) -> Entry:
    """The entry with what its block expects and announces; mistakes go to `at.notes`."""
    expected, planned = block.get("expected"), block.get("planned")
    if not entry.held or (expected is None and planned is None):
        return entry
    reader = _Reader(at, at.chains[entry.subject.chain], entry)
    return replace(
        entry,
        expected=reader.expected(expected) if expected is not None else {},
        planned=reader.planned(planned) if planned is not None else None,
    )


class _Reader:
    def __init__(self, at: EntryReader, chain: Chain, entry: Entry) -> None:
        self.at, self.chain, self.entry, self.notes = at, chain, entry, at.notes

    def expected(self, node: Node) -> dict[str, str]:
        """Coins by asset: a symbol, or a contract in its one form."""
        if not isinstance(node, Fields) or not node.pairs:
            self.notes.say(
                node, "expected: needs a coin and a number", "Write  expected: {USDT: 1000.5}"
            )
            return {}
        found: dict[str, str] = {}
        for name, value in node.pairs:
            key = self._asset(name, name.text)
            amount = self._coins(value, value.text if isinstance(value, Text) else "", key)
            if key is not None and any(self._same(key, other) for other in found):
                self.notes.say(name, "is named twice", "Keep one of the two")
            elif key is not None and amount is not None:
                found[key] = amount
        return found

    def _same(self, key: str, other: str) -> bool:
        return key == other or (bool(self._found(key)) and self._found(key) == self._found(other))

    def planned(self, node: Node) -> Planned | None:
        if not isinstance(node, Fields):
            self.notes.say(node, "planned: needs what was announced", _PLANNED_FORM)
            return None
        for key, _ in node.pairs:
            if key.text not in PLANNED_KEYS:
                self.notes.unknown(key, PLANNED_KEYS, "planned")
        texts = {name: self._text(node, name) for name in PLANNED_KEYS}
        to, amount = self._receiver(texts["to"]), self._amount(texts["amount"])
        until = self._day(texts["until"])
        by, why = (self._words(name, texts[name]) for name in ("by", "why"))
        if to is None or amount is None or until is None or by is None or why is None:
            return None
        return Planned(to, amount, until, by, why)

    def _text(self, node: Fields, name: str) -> Text | None:
        found = node.get(name)
        if found is None or is_blank(found):
            self.notes.say(node, f"planned: lacks  {name}:", _PLANNED_FORM, value="")
        elif isinstance(found, Text):
            return found
        else:
            self.notes.say(found, f"{name}: needs one text", _PLANNED_FORM)
        return None

    def _receiver(self, at: Text | None) -> str | None:
        if at is None:
            return None
        try:
            to = canonical(self.chain, at.text.strip())
        except AddressError as error:
            self.notes.say(at, error.reason, error.remedy)
            return None
        if to == self.entry.subject.address:
            remedy = "Write the address that is to get them"
            self.notes.say(at, "is the address that holds the funds", remedy)
            return None
        return to

    def _amount(self, at: Text | None) -> str | None:
        if at is None:
            return None
        parts = _AMOUNT.match(at.text.strip())
        if parts is None:
            remedy = "Write digits, a point for fractions, and the asset behind: 1000.5 USDT"
            self.notes.say(at, "is not an amount of an asset", remedy)
            return None
        key = self._asset(at, parts[2])
        amount = self._coins(at, parts[1], key)
        if amount is not None and not Decimal(amount):
            self.notes.say(at, "is nothing", "Write how much may leave at most")
            return None
        return f"{amount} {key}" if key is not None and amount is not None else None

    def _day(self, at: Text | None) -> str | None:
        if at is None:
            return None
        if a_date(at.text) is None:
            remedy = "Write the last day like 2026-12-31"
            self.notes.say(at, "is not a day", remedy)
            return None
        return at.text

    def _words(self, name: str, at: Text | None) -> str | None:
        if at is None:
            return None
        text = " ".join(at.text.split())
        if len(text) > _LONGEST[name]:
            self.notes.say(at, f"is longer than {_LONGEST[name]} characters", "Shorten it")
            return None
        return text

    # -- assets --------------------------------------------------------------------------

    def _coins(self, at: Node, text: str, key: str | None) -> str | None:
        """An amount that the asset can have; None after noting why not."""
        if not _COINS.match(text):
            self.notes.say(at, "is not an amount in coins", _DIGITS_ONLY)
            return None
        asset = self._found(key)[0] if key is not None and self._found(key) else None
        fraction = text.partition(".")[2].rstrip("0")
        if asset is not None and len(fraction) > asset.decimals:
            why = f"has more digits behind the point than {asset.symbol} ({asset.decimals})"
            self.notes.say(at, why, "Write the exact amount")
            return None
        return text

    def _found(self, key: str) -> Sequence[Asset]:
        return assets_named(self.chain, key, self.at.assets or ())

    def _asset(self, at: Text, text: str) -> str | None:
        """The key of an asset of this chain: its symbol as it is spelt, or its contract."""
        found = self._found(text)
        if len(found) == 1:
            return found[0].symbol if _is_symbol(text, found[0]) else found[0].contract
        if self.at.assets is None:
            return text
        if found:
            contracts = " or ".join(asset.contract for asset in found)
            self.notes.say(at, "is the name of several tokens", f"Write one of {contracts}")
            return None
        self._unknown(at, text)
        return None

    def _unknown(self, at: Text, text: str) -> None:
        name = self.chain.name
        known = [a.symbol for a in self.at.assets or () if a.chain == self.chain.key]
        near = closest(text, [self.chain.symbol, *known])
        remedy = "Write its contract, or add it to config/assets.yaml"
        if _is_contract(self.chain, text):
            remedy = "Add it to config/assets.yaml: without its decimals nothing can be compared"
        elif near:
            remedy = f"Did you mean {near}?"
        self.notes.say(
            at, f"is neither the coin of {name} nor a verified token there", remedy, value=text
        )


def _is_symbol(text: str, asset: Asset) -> bool:
    return text.casefold() == asset.symbol.casefold()


def _is_contract(chain: Chain, text: str) -> bool:
    try:
        return bool(canonical(chain, text))
    except AddressError:
        return False


def announced(entries: Iterable[Entry], stored: Iterable[Entry], now: int) -> tuple[Entry, ...]:
    """Entries as they are taken: what a list announces counts from when it was first read with
    that; what it said before keeps its time."""
    known = {entry.id: entry.planned for entry in stored if entry.planned}
    return tuple(
        replace(entry, planned=_dated(entry.planned, known.get(entry.id), now))
        if entry.planned
        else entry
        for entry in entries
    )


def is_over(entry: Entry, now: int) -> bool:
    """Whether it announces an outflow until a day that is over (UTC). No mistake: a list does not
    become wrong by lying there, and its address stays watched."""
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    return entry.planned is not None and entry.planned.until < day


def _dated(planned: Planned, before: Planned | None, now: int) -> Planned:
    same = before is not None and replace(before, since=0) == replace(planned, since=0)
    return before if same and before is not None else replace(planned, since=now)
