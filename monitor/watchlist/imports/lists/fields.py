"""What publishers write in the fields of a row -> the values of model.lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

import base58

from monitor.chains import scripts
from monitor.model.lists import LONGEST, Entity, Published
from monitor.watchlist.imports.cells import looks_like_address, plain_address, plain_text

_LONGEST_ID = 100
_LONGEST_NAME = 300
_LONGEST_PROGRAM = 100
_MOST_PROGRAMS = 40
_DASHES = "\\-\u2010\u2011\u2012\u2013\u2014\u2212:"
# "Digital Currency Address - XBT", however it is spaced.
_TYPE = re.compile(rf"\s*digital\s+currency\s+address\s*[{_DASHES}]?\s*(.*)\Z", re.I | re.S)
# The same within a text, before the address itself.
_IN_TEXT = re.compile(
    rf"digital ?currency ?address ?[{_DASHES}]? ?\w{{2,8}} \w{{20,}}", re.IGNORECASE
)
# A row of SDN.CSV and its like: a number, the name, and -0- for what is empty.
_SDN_ROW = re.compile(r"\"?\d{1,9}\"? ?[,;|@\t].*?[,;|@\t] ?\"?-0-\"? ?[,;|@\t]", re.S)
_LOOKED_AT = 20_000  # characters of a line
_COUNTED = re.compile(r"\(\d{1,3}\)")
_COIN = re.compile(r"[A-Z]{2,6}:?\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_BECH32 = re.compile(r"(bc1|ltc1|bitcoincash:)[02-9ac-hj-np-z]{20,90}\Z", re.IGNORECASE)
_BASE58_MOST = 40  # characters
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?![0-9])")
_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\Z")

CUT = (
    "is OFAC's list with the addresses in its remarks, which are cut off at 1,000 characters: "
    "what stands behind that is missing"
)
CUT_REMEDY = "Take SDN.XML from the same place (kind: ofac_sdn)"


def ticker_of(type_: str) -> str | None:
    """The coin behind OFAC's "Digital Currency Address - XBT"; None: it is something else."""
    found = _TYPE.match(type_)
    return plain_text(found[1])[:20] if found else None


def is_cut(line: str) -> bool:
    """Whether a line is of SDN.CSV or another text of OFAC that has addresses in its remarks."""
    if "-0-" not in line and "urrency" not in line:
        return False
    looked = line[:_LOOKED_AT]
    return _SDN_ROW.match(looked) is not None or _IN_TEXT.search(looked) is not None


def iso_day(text: str) -> str:
    """A day as 2023-04-24; empty where it is none: "04/24/2023" is OFAC's own form."""
    found = _DAY.match(text.strip())
    parts = found.groups() if found else ()
    if not parts and (american := _US_DAY.match(text.strip())):
        parts = (american[3], american[1], american[2])
    try:
        return date(*map(int, parts)).isoformat() if parts else ""
    except ValueError:
        return ""


def entity(id_: str, name: str, programs: Iterable[str] = ()) -> Entity:
    """Whom a row is about, as short texts in one line."""
    named = (plain_text(program)[:_LONGEST_PROGRAM] for program in programs)
    kept = tuple(dict.fromkeys(filter(None, named)))[:_MOST_PROGRAMS]
    return Entity(plain_text(id_)[:_LONGEST_ID], plain_text(name)[:_LONGEST_NAME], kept)


def programs_of(text: str) -> list[str]:
    """ "IRAN, IFSR; SDGT", or "IRAN] [IFSR" as OFAC's tables have them."""
    return [part.strip() for part in re.split(r"[,;|\[\]]", text) if part.strip()]


def addresses(text: str) -> Iterator[str]:
    """The addresses in a field that should hold one: several with spaces between, or one that
    a space or a new line has split. At most LONGEST characters of each."""
    shown = plain_address(text.replace("\n", " "))
    words = shown.split()
    if len(words) < 2:
        yield from (word[:LONGEST] for word in words)
    elif _is_whole(words):
        yield "".join(words)
    elif all(map(looks_like_address, words)):
        yield from (word[:LONGEST] for word in words)
    else:
        yield " ".join(words)[:LONGEST]


def named_addresses(text: str) -> Iterator[tuple[str, str]]:
    """The same, each with the coin that stands before it: "(1) ETH: 0x175d..." as the United
    Kingdom's list has it."""
    if text.isascii() and text.isalnum():  # nearly all of a long list
        yield "", plain_address(text)[:LONGEST]
        return
    words = _COUNTED.sub(" ", text).split()
    coins, held = words[::2], words[1::2]
    if len(held) == len(coins) > 0 and all(map(_COIN.match, coins)) and all(map(is_address, held)):
        yield from ((coin.rstrip(":"), each) for coin, each in zip(coins, held, strict=True))
    else:
        yield from (("", each) for each in addresses(text))


def is_address(text: str) -> bool:
    """Whether a text is an address for certain: by its checksum, or by its form."""
    plain = plain_address(text)
    if _HEX.match(plain) or _BECH32.match(plain):
        return True
    return len(plain) <= _BASE58_MOST and scripts.of_base58(plain) is not None


def _is_whole(words: list[str]) -> bool:
    """Whether pieces are one address: by a checksum that holds, or because none of them could be
    one alone. Of 40 hex digits in one case nothing says so: whoever judges them sees the space."""
    joined = "".join(words)
    if len(joined) > 120:
        return False
    if re.fullmatch(r"0[xX][0-9a-fA-F]{40}", joined):
        return joined[2:] not in (joined[2:].lower(), joined[2:].upper())
    try:
        base58.b58decode_check(joined)
    except ValueError:
        return looks_like_address(joined) and not any(map(looks_like_address, words))
    return True


def broken(place: str, reason: str, remedy: str, address: str = "") -> Published:
    """A row that cannot be read."""
    return Published(address[:LONGEST], place=place, fault=(reason, remedy))
