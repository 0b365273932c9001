"""Strict reading of what sources write. Shared by every adapter.

Python's own int() takes " 12\\n", "1_000" and digits of other scripts; a hostile or broken
source must not. One bad row becomes a gap of its block; the rows beside it still count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter, methodcaller
from typing import Any

from monitor.model import UINT256_MAX, Gap, Interval, TokenFacts, Transfer

RAW_CHARS = 4000
MAX_DECIMALS = 36
MAX_PLACE = 2**53  # what JSON numbers keep exactly, and far beyond any chain

_DIGITS = re.compile(r"[0-9]{1,78}\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{0,64}\Z")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}\Z")
_DAY_AND_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)\Z", re.ASCII)


class RowError(ValueError):
    """One row cannot be read; the text says which field, in plain words."""


def whole(value: object, field: str, most: int = UINT256_MAX) -> int:
    """A number from 0 to `most` given as decimal text or as a JSON integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _DIGITS.match(value):
        number = int(value)
    else:
        raise RowError(f"{field} is not a whole number: {shown(value)}")
    if not 0 <= number <= most:
        raise RowError(f"{field} is out of range: {shown(value)}")
    return number


def place(value: object, field: str) -> int:
    """A block height, Unix time or index: a whole number that a database column holds."""
    return whole(value, field, MAX_PLACE)


def hex_whole(value: object, field: str) -> int:
    """A number given as hex text. Explorers write zero as a bare "0x"."""
    if not isinstance(value, str) or not _HEX.match(value):
        raise RowError(f"{field} is not a hex number: {shown(value)}")
    return int(value[2:] or "0", 16)


def hash32(value: object, field: str) -> str:
    """A transaction or block hash: 0x and 64 hex digits, in lower case."""
    if not isinstance(value, str) or not _HASH.match(value):
        raise RowError(f"{field} is not a hash: {shown(value)}")
    return value.lower()


def text(value: object, field: str) -> str:
    """Any JSON string."""
    if not isinstance(value, str):
        raise RowError(f"{field} is not a text: {shown(value)}")
    return value


def iso_seconds(value: object, field: str) -> int:
    """Unix seconds of an ISO 8601 time in UTC, fractions cut off."""
    if not isinstance(value, str) or not _DAY_AND_TIME.match(value):
        raise RowError(f"{field} is not a time in UTC: {shown(value)}")
    try:
        moment = datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise RowError(f"{field} is not a time: {shown(value)}") from None
    return int(moment.timestamp())


def decimals(value: object) -> int | None:
    """A token's decimals, None where absent or absurd. 10**n of hostile input is a trap."""
    try:
        number = whole(value, "decimals")
    except RowError:
        return None
    return number if number <= MAX_DECIMALS else None


def token_facts(contract: str, symbol: object, name: object, places: object) -> TokenFacts:
    """What a token says of itself, raw; whatever is not text or number is left out."""
    return TokenFacts(
        contract=contract,
        symbol=symbol if isinstance(symbol, str) else None,
        name=name if isinstance(name, str) else None,
        decimals=decimals(places),
    )


def fields(row: object) -> Mapping[str, object]:
    """The row as an object with named fields."""
    if not isinstance(row, dict):
        raise RowError(f"a row is not an object: {shown(row)}")
    return row


def column(rows: Iterable[Mapping[str, object]], name: str) -> list[Any]:
    """This field of each row, None where it is not there. Whole blocks are looked at by columns:
    it takes a third of the time of asking row by row. Raises TypeError where one of them is no
    object."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return list(map(methodcaller("get", name), rows))


def items(value: object, field: str) -> Sequence[object]:
    """A list; what is not there, or is nothing, is an empty one."""
    if not value:
        return ()
    if not isinstance(value, list):
        raise RowError(f"{field} is not a list: {shown(value)}")
    return value


def shown(value: object) -> str:
    """A value cut short for an error's sentence."""
    try:
        written = json.dumps(value)
    except (TypeError, ValueError):
        written = repr(value)
    return written if len(written) <= 60 else written[:60] + "…"


def gap(at: Interval, reason: str, row: object) -> Gap:
    """A gap that keeps the row as it was received; fractions that were read digit by digit as
    texts."""
    return Gap(at, reason, json.dumps(row, default=str)[:RAW_CHARS])


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the rows of one list came to."""

    transfers: tuple[Transfer, ...] = ()
    gaps: tuple[Gap, ...] = ()
    tokens: tuple[TokenFacts, ...] = ()
    placed: bool = True  # False: a bad row has no readable place, so the list proves nothing


def read_rows(
    rows: Iterable[object],
    place_of: Callable[[object], int],
    parse: Callable[[Mapping[str, object]], Iterable[Transfer]],
) -> Parsed:
    """Parse row by row. `place_of` gives a row's block (or time), `parse` its transfers;
    both raise ValueError (RowError, AddressError) for a row that cannot be read."""
    transfers: list[Transfer] = []
    gaps: list[Gap] = []
    placed = True
    for row in rows:
        try:
            transfers.extend(parse(fields(row)))
        except ValueError as error:
            try:
                place = place_of(row)
            except ValueError:
                placed = False
            else:
                gaps.append(gap(Interval(place, place), str(error), row))
    return Parsed(tuple(transfers), tuple(gaps), (), placed)
