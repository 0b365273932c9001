"""addressbook.csv -> names of addresses. Pure.

Columns address, chain, name, source, date, category, confidence; only the first three are
needed. chain may be empty: the name then holds on every chain. A first line with these words
may put the columns in another order. Lines that begin with # are notes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from monitor.chains.address import AddressError, canonical
from monitor.model import CONFIDENCES, Chain, Known
from monitor.watchlist import yaml_nodes
from monitor.watchlist.yaml_nodes import Notes

COLUMNS = ("address", "chain", "name", "source", "date", "category", "confidence")
CATEGORIES = (
    *("exchange", "bridge", "mixer", "dex", "service", "gambling", "sanctioned", "issuer"),
    *("government-seizure", "other"),
)
_SEPARATORS = (",", ";", "\t")

Book = dict[tuple[str, str], Known]  # by (chain key or "" for any chain, canonical address)


def parse(
    data: bytes | str,
    chains: Mapping[str, Chain],
    notes: Notes,
    file: str = "addressbook.csv",
    *,
    shipped: bool = False,
) -> Book:
    """The names of one file; mistakes go to `notes`. `shipped`: it came with Fundwatch.

    Takes what spreadsheets write: byte order mark, `;` or tab as separator, quotes.
    """
    text = yaml_nodes.decode(data, file, notes) or ""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    book: Book = {}
    order: Sequence[str] | None = None
    try:
        for cells in _lines(rows):
            place = (file, rows.line_num)
            if order is None:
                order = _header(cells, place, notes)
                if order is not COLUMNS:
                    continue
            row = dict(zip(order, cells, strict=False))
            _row(row, chains, notes, place, book, shipped=shipped)
    except csv.Error:
        notes.at(file, rows.line_num, "", "is not a CSV line", "Check its quotes")
    return book


class BookOnDemand(Mapping[tuple[str, str], Known]):
    """A book that is read at the first look into it: to hold the checksums of every shipped
    address takes a quarter of a command's start, and most commands name no address."""

    def __init__(self, read: Callable[[], Book]) -> None:
        self._read = read

    @cached_property
    def _book(self) -> Book:
        return self._read()

    def __getitem__(self, key: tuple[str, str]) -> Known:
        return self._book[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._book)

    def __len__(self) -> int:
        return len(self._book)


def over(shipped: Book, own: Book) -> Book:
    """Both books in one. A line of `own` hides what the shipped one says of its address; one
    without a chain hides it on every chain."""
    everywhere = {address for chain, address in own if not chain}
    return {key: known for key, known in shipped.items() if key[1] not in everywhere} | own


def with_line(text: str, chains: Mapping[str, Chain], key: tuple[str, str], known: Known) -> str:
    """The file with a line for an address (chain key, canonical address), in the order of its own
    columns; columns that it lacks are added. What it said of the address gives way."""
    separator, kept = _separator(text), list[str]()
    order: Sequence[str] | None = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        if not any(cells) or _is_note(cells[0]):
            kept.append(line)
            continue
        if order is None and (named := _header(cells, ("", 0), Notes())) is not COLUMNS:
            lacking = [column for column in COLUMNS if column not in named]
            order = [*named, *lacking]
            kept.append(separator.join([line, *lacking]))
            continue
        order = order or COLUMNS
        book: Book = {}
        _row(dict(zip(order, cells, strict=False)), chains, Notes(), ("", 0), book, shipped=False)
        if key not in book:
            kept.append(line)
    if order is None:
        kept.append(separator.join(COLUMNS))
    return "\n".join([*kept, _written(key, known, order or COLUMNS, separator), ""])


def _written(key: tuple[str, str], known: Known, order: Sequence[str], separator: str) -> str:
    chain, address = key
    cells = (
        *(address, chain, known.label, known.source, known.date),
        *(known.category, known.confidence),
    )
    row, line = dict(zip(COLUMNS, cells, strict=True)), io.StringIO()
    csv.writer(line, delimiter=separator, lineterminator="").writerow(
        row.get(column, "") for column in order
    )
    return line.getvalue()


def _separator(text: str) -> str:
    """The one that the first line with names has most of."""
    lines = (line for line in text.splitlines() if line.strip(' "') and not _is_note(line))
    return max(_SEPARATORS, key=next(lines, "").count)


def _is_note(cell: str) -> bool:
    return cell.lstrip(' "').startswith("#")


def _lines(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for cells in rows:
        stripped = [cell.strip() for cell in cells]
        if any(stripped) and not _is_note(stripped[0]):
            yield stripped


def _header(cells: Sequence[str], place: tuple[str, int], notes: Notes) -> Sequence[str]:
    """The order of the columns; COLUMNS where the file has no line that names them."""
    order = [cell.lower() for cell in cells]
    if "address" not in order:
        return COLUMNS
    for word in order:
        near = None if word in COLUMNS else yaml_nodes.closest(word, COLUMNS)
        if near and near not in order:
            notes.at(*place, word, "is not a column", f"Did you mean {near}?")
    return order


def _row(
    row: Mapping[str, str],
    chains: Mapping[str, Chain],
    notes: Notes,
    place: tuple[str, int],
    book: Book,
    *,
    shipped: bool,
) -> None:
    written, chain, name = (row.get(key, "") for key in ("address", "chain", "name"))
    if not written or not name:
        notes.at(*place, written, "needs an address and a name", "Fill both columns")
        return
    if chain and chain not in chains:
        near = yaml_nodes.closest(chain, chains)
        hint = f"Did you mean {near}?" if near else "Leave it empty for any chain"
        notes.at(*place, chain, "is not a chain of config/chains.yaml", hint)
        return
    address = _address(written, [chains[chain]] if chain else list(chains.values()))
    if isinstance(address, AddressError):
        notes.at(*place, written, address.reason, address.remedy)
        return
    known = Known(
        name,
        source=row.get("source", ""),
        category=_one_of(row, "category", CATEGORIES, place, notes),
        date=row.get("date", ""),
        confidence=_one_of(row, "confidence", CONFIDENCES, place, notes),
        shipped=shipped,
    )
    earlier = book.setdefault((chain, address), known)
    if earlier.label != name:
        notes.at(*place, name, f"is a second name beside {earlier.label}", "Keep one of the two")


def _one_of(
    row: Mapping[str, str],
    column: str,
    allowed: Sequence[str],
    place: tuple[str, int],
    notes: Notes,
) -> str:
    """The word of this column; what is none of `allowed` is told and left out."""
    word = row.get(column, "").lower()
    if word and word not in allowed:
        near = yaml_nodes.closest(word, allowed)
        hint = f"Did you mean {near}? " if near else ""
        notes.at(*place, word, f"is not a {column}", f"{hint}Write one of {', '.join(allowed)}")
        return ""
    return word


def _address(text: str, chains: Sequence[Chain]) -> str | AddressError:
    """Canonical on the first of these chains that takes it, else why the last one refused."""
    refusal = AddressError("is not an address of any chain here", "Check the address")
    for chain in chains:
        try:
            return canonical(chain, text)
        except AddressError as error:
            refusal = error if len(chains) == 1 else refusal
    return refusal
