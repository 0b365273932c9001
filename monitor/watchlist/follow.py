"""The lines of a watchlist about following money, of a case or of the defaults. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from monitor.model.terms import Terms
from monitor.watchlist.yaml_nodes import Fields, Node, Notes, Text

Object = dict[str, Any]  # JSON

KEYS = (
    *("hops", "min_usd", "min_share", "addresses", "calls", "calls_per_day"),
    *("ask_after", "tell_usd", "sources", "since"),
)
# What is counted, with the least and the most that make sense.
_WHOLE: Mapping[str, tuple[int, int]] = {
    "hops": (0, 1_000),
    "addresses": (0, 1_000_000),
    "calls": (0, 1_000_000_000),
    "calls_per_day": (0, 1_000_000_000),
    "ask_after": (1, 1_000_000),
}
_DIGITS = re.compile(r"[0-9]{1,10}\Z")
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?\Z")
_NEVER = "never"
_FORM = "Write  follow: yes, follow: no, or lines like  hops: 10  below it"

# What is given of them: an empty one follows by the defaults of the program, False does not.
Given = Mapping[str, Any] | bool
Inner = Callable[[Node], Any]


def read(node: Node, notes: Notes, *, sources: Inner, since: Inner) -> Object | bool | None:
    """What the lines ask for; None after noting why not. `sources` and `since` read the lines
    that a case has of the same names."""
    if isinstance(node, Text) and node.text.strip() in ("yes", "true"):
        return {}
    if isinstance(node, Text) and node.text.strip() in ("no", "false"):
        return False
    if not isinstance(node, Fields):
        notes.say(node, "does not say whether money is followed", _FORM)
        return None
    readers: dict[str, Inner] = {"sources": sources, "since": since}
    given: Object = {}
    for name, value in node.pairs:
        if name.text not in KEYS:
            notes.unknown(name, KEYS, "follow")
        elif (reader := readers.get(name.text)) is not None:
            given |= _sure(name.text, reader(value))
        else:
            given |= _number(name.text, value, notes)
    return given


def under(own: Given | None, upper: Given | None) -> Given | None:
    """What a case asks for on top of the defaults, name by name."""
    if own is None:
        return upper
    if isinstance(own, Mapping) and isinstance(upper, Mapping):
        return {**upper, **own}
    return own


def terms(given: Given | None) -> Terms | None:
    return Terms(**given) if isinstance(given, Mapping) else None


def _sure(name: str, value: object) -> Object:
    return {} if value is None else {name: value}


def _number(name: str, node: Node, notes: Notes) -> Object:
    text = node.text.strip() if isinstance(node, Text) else ""
    if name == "ask_after" and text == _NEVER:
        return {name: None}
    if name in _WHOLE:
        low, high = _WHOLE[name]
        if _DIGITS.match(text) and low <= int(text) <= high:
            return {name: int(text)}
        more = f", or {_NEVER}" if name == "ask_after" else ""
        notes.say(node, f"is not a number for {name}", f"Write {low} to {high:,}{more}")
        return {}
    if _DECIMAL.match(text) and not (name == "min_share" and Decimal(text) > 1):
        return {name: format(Decimal(text).normalize(), "f")}
    if name == "min_share":
        remedy = "Write a part of one, 0 to 1, like 0.0005"
    else:
        remedy = "Write dollars in digits, with a point for fractions and no separators: 25 or 0"
    notes.say(node, f"is not an amount for {name}", remedy)
    return {}
