"""What stands in lists where an address should: numbers of spreadsheets, links, shortened texts,
letters of other scripts. Told by its form, before anybody asks for its chain. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.chains import keys, lookalike
from monitor.chains.names import is_written_so
from monitor.model import Chain


class Spoilt(NamedTuple):
    """Why a text is no address on any chain, and what to do. `rule`: a key of rules.RULES."""

    rule: str
    reason: str
    remedy: str


_FORMS: Sequence[tuple[re.Pattern[str], Spoilt]] = (
    (
        re.compile(r"[+-]?[0-9][0-9.,' ]*([eE][+-]?[0-9]+)?\Z"),
        Spoilt(
            "a number",
            "is a number: a spreadsheet has destroyed the address that stood here",
            "Copy it again from its source into a column formatted as text",
        ),
    ),
    (
        re.compile(r"#"),
        Spoilt(
            "a broken cell",
            "is what a spreadsheet shows for a cell that it cannot show or compute",
            "Copy the address again from its source into a column formatted as text",
        ),
    ),
    (
        re.compile(r".*(\.\.|\u2026|\*\*)", re.DOTALL),
        Spoilt("shortened", "is shortened", "Copy the whole address from its source"),
    ),
    (
        re.compile(r".+://"),
        Spoilt("a link", "is a link", "Write only the address that stands in it"),
    ),
    (
        re.compile(r"[a-z0-9]+:.+", re.IGNORECASE),
        Spoilt("a word before it", "has a word before the address", "Delete it"),
    ),
    (
        re.compile(r".+@.+\."),
        Spoilt("a mail address", "is a mail address", "Write the blockchain address"),
    ),
    (
        re.compile(r"\S+\.[a-z]{2,}\Z", re.IGNORECASE),
        Spoilt("a name", "is a name", "Write the address behind it"),
    ),
)
LONGEST = 200  # characters of an address
_AGAIN = "Copy the address again from its source"


def by_form(address: str, chains: Mapping[str, Chain]) -> Spoilt | None:
    """Why a text can be no address on any chain, or None."""
    if not address:
        return Spoilt("no address", "has no address", "Fill the column, or delete the row")
    if len(address) > LONGEST:  # and before any look at it, which may take long
        reason = f"has {len(address):,} characters, which no address has"
        return Spoilt("not an address", reason, "Write one address in each row, nothing else")
    key = keys.by_form(address)
    if key:
        rule = "private key" if keys.is_key(address) else "not an address"
        return Spoilt(rule, *key)
    like = lookalike.of_scripts(address)
    if like:
        return Spoilt("look-alike letters", like, _AGAIN)
    for pattern, spoilt in _FORMS:
        if pattern.match(address) and not is_written_so(address, chains):
            return spoilt
    return None
