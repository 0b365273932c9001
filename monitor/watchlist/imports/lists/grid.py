"""Rows of cells, of a CSV file or a sheet -> rows of a list. The first ones show how they are
laid out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from monitor.model.errors import ConfigError, Problem
from monitor.model.lists import Entity, Published
from monitor.watchlist.imports.cells import plain_text
from monitor.watchlist.imports.layout import (
    LOOKED_AT,
    Cells,
    by_content,
    fault_of,
    find_header,
    is_comment,
    is_plain,
    not_too_wide,
)
from monitor.watchlist.imports.lists.fields import broken, named_addresses
from monitor.watchlist.imports.lists.headers import (
    chain_of,
    coin_of,
    day_of,
    entity_of,
    fields,
    is_chain,
    numbered,
)
from monitor.watchlist.imports.lists.many import Column, columns, is_worded

_SEPARATORS = re.compile(r"[;,|\n]")
_HEADER = re.compile(r"[^\d.@:/#]+\Z")
_LONGEST_HEADER = 40  # characters of a name
_NO_ADDRESS = ("has no address", "Ask its publisher")
NO_COLUMN = ("has no column that holds addresses", "Give the column of addresses the name address")


class NoColumn(ConfigError):
    """No column holds addresses."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows stand: their file, the sheet of it or nothing, what counts them; the coin that
    the name of the file says; where remarks for people go."""

    file: str
    sheet: str = ""
    unit: str = "line"
    coin: str = ""
    remarks: list[str] = field(default_factory=list)

    def at(self, number: int) -> str:
        return f"{self.sheet} {self.unit} {number}".strip()


def published(rows: Iterable[Cells], place: Place) -> Iterator[Published]:
    """Raises ConfigError where no column holds addresses."""
    coming = (row for row in rows if any(map(str.strip, row.cells)))
    head = list(islice(coming, LOOKED_AT))
    if not head:
        return
    at, _ = find_header(head)
    at = _bare_header(head) if at is None else at
    if at is None and is_plain(head) and (not place.sheet or any(row.likes() for row in head)):
        for row in chain(head, coming):
            yield from _plain(row, place)
        return
    found, headed = _laid_out(head, at, place)
    for row in chain(head[0 if at is None else at + 1 :], coming):
        not_too_wide([row], place.file)
        if not is_comment(row, found[0].found):
            yield from _published(row, found, headed, place)


def _bare_header(head: list[Cells]) -> int | None:
    """A first row of words over rows with addresses: a header whose names are not known."""
    said = [cell for cell in head[0].cells if cell.strip()]
    words = all(
        len(cell) <= _LONGEST_HEADER and (_HEADER.match(cell) or is_worded(cell)) for cell in said
    )
    return 0 if words and len(head) > 1 and head[1].likes() else None


def _plain(row: Cells, place: Place) -> Iterator[Published]:
    """A row of which every cell is an address, up to a note."""
    for cell in row.cells:
        if cell.lstrip().startswith("#"):
            return
        for coin, address in named_addresses(cell):
            yield Published(address, coin or place.coin, place=place.at(row.line))


def _laid_out(head: list[Cells], at: int | None, place: Place) -> tuple[list[Column], int]:
    """Which columns hold what, and how many columns the header has; 0: there is none."""
    not_too_wide(head, place.file)
    below = head[0 if at is None else at + 1 :]
    names = [plain_text(cell) for cell in head[at].cells] if at is not None else []
    known = fields(tuple(names))
    by_header = {k: n for k, n in known.items() if k in {"address", "chain", "ticker"}}
    by_kind = by_content(by_header, below, is_chain, headed=at is not None)
    if "address" not in by_kind:
        raise NoColumn([Problem(place.file, place.sheet, *NO_COLUMN)])
    found = {**known, **by_kind}
    ids = [row.cells[found["id"]].strip() for row in below if _has(row, found.get("id"))]
    if numbered(ids) or found.get("id") == found["address"]:
        del found["id"]
    held, left = columns(names, found, below, named="address" in known)
    if left:
        words = ", ".join(repr(name[:40]) for name in left[:5])
        place.remarks.append(
            f"{place.sheet} {words} holds addresses too, which are not read".strip()
        )
    return held, len(names)


def _has(row: Cells, n: int | None) -> bool:
    return n is not None and n < len(row.cells)


def _published(row: Cells, found: list[Column], headed: int, place: Place) -> Iterator[Published]:
    where, fault, told = place.at(row.line), fault_of(row, headed), False
    if fault:
        value, reason, remedy = fault
        written = row.cells[n] if _has(row, n := found[0].found["address"]) else ""
        yield broken(where, f"{value[:60]!r} {reason}", remedy, written.strip())
        return
    for column in found:
        for each in _of_column(row, column, place):
            told = True
            yield each
    if not told:
        yield broken(where, *_NO_ADDRESS)


def _of_column(row: Cells, column: Column, place: Place) -> Iterator[Published]:
    found = column.found
    values = {name: row.cells[n].strip() for name, n in found.items() if n < len(row.cells)}
    written, where = values.get("address", ""), place.at(row.line)
    held = [each for cell in _SEPARATORS.split(written) for each in named_addresses(cell)]
    whom = entity_of(values) if values.keys() & {"id", "name", "label", "programs"} else Entity()
    coin, network = coin_of(values) or column.coin or place.coin, chain_of(values)
    since = day_of(values)
    label = plain_text(values.get("label", ""))[:300]
    for said, address in held:
        yield Published(address, said or coin, network, whom, since, label, where)
