"""Addresses as they stand inside longer texts: what sources are asked and answer has them in forms
of machines too, and none of these may show an address that nobody is to see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from monitor.chains import tron

# A word that may be one, with what some chains write before it.
_WORD = re.compile(r"(?:[a-z]{2,12}:)?[0-9A-Za-z]{20,}")
# Twenty bytes as arguments of contracts have them (filled up to a word of 32, wherever that stands
# in a longer text), and as Tron's nodes write them. One may begin inside another.
_HEX = re.compile(r"(?=(?:0{24}|41|0x)([0-9a-f]{40}))", re.IGNORECASE)
_CASH = re.compile(r"[qp][0-9a-z]{41}\Z")  # of Bitcoin Cash, without what stands before it


def addresses_in(text: str) -> set[str]:
    """Whatever in a text may be an address, in every spelling in which the record may have it."""
    found = {each for word in _WORD.findall(text) for each in _spellings(word)}
    for raw in {each.lower() for each in _HEX.findall(text)}:
        found.add(f"0x{raw}")
        found.add(tron.of_hex(raw))
    return found


def _spellings(word: str) -> Iterator[str]:
    """Of one word."""
    yield word
    yield word.lower()
    bare = word.partition(":")[2]
    if bare:
        yield bare
        yield bare.lower()
    elif _CASH.match(word.lower()):
        yield f"bitcoincash:{word.lower()}"


def replaced(text: str, by: Mapping[str, str]) -> str:
    """The text with other words in the place of these addresses, as the record spells them."""

    def one(found: re.Match[str]) -> str:
        word = found[0]
        head, colon, bare = word.rpartition(":")
        return by.get(word) or f"{head}{colon}{by.get(bare, bare)}"

    return _WORD.sub(one, text)
