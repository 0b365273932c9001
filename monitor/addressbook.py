"""addressbook.csv -> names of addresses. Pure.

Columns address, chain, name, source, date; chain may be empty: the name then holds on every
chain. A first line with these words may put the columns in another order.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from monitor import yamltext
from monitor.chains import AddressError, canonical
from monitor.model import Chain, Known
from monitor.yamltext import Notes

COLUMNS = ("address", "chain", "name", "source", "date")
_SEPARATORS = (",", ";", "\t")


def parse(
    data: bytes | str,
    chains: Mapping[str, Chain],
    notes: Notes,
    file: str = "addressbook.csv",
) -> dict[tuple[str, str], Known]:
    """Names by (chain key or "" for any chain, canonical address); mistakes go to `notes`.

    Takes what spreadsheets write: byte order mark, `;` or tab as separator, quotes.
    """
    text = yamltext.decode(data, file, notes) or ""
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    book: dict[tuple[str, str], Known] = {}
    order: Sequence[str] = COLUMNS
    try:
        for cells in rows:
            stripped = [cell.strip() for cell in cells]
            lowered = [cell.lower() for cell in stripped]
            if rows.line_num == 1 and "address" in lowered:
                order = lowered
            elif any(stripped) and not stripped[0].startswith("#"):
                row = dict(zip(order, stripped, strict=False))
                _row(row, chains, notes, (file, rows.line_num), book)
    except csv.Error:
        notes.at(file, rows.line_num, "", "is not a CSV line", "Check its quotes")
    return book


def _row(
    row: Mapping[str, str],
    chains: Mapping[str, Chain],
    notes: Notes,
    place: tuple[str, int],
    book: dict[tuple[str, str], Known],
) -> None:
    written, chain, name = (row.get(key, "") for key in ("address", "chain", "name"))
    if not written or not name:
        notes.at(*place, written, "needs an address and a name", "Fill both columns")
        return
    if chain and chain not in chains:
        near = yamltext.closest(chain, chains)
        hint = f"Did you mean {near}?" if near else "Leave it empty for any chain"
        notes.at(*place, chain, "is not a chain of config/chains.yaml", hint)
        return
    address = _address(written, [chains[chain]] if chain else list(chains.values()))
    if isinstance(address, AddressError):
        notes.at(*place, written, address.reason, address.remedy)
        return
    known = Known(name, source=", ".join(p for p in (row.get("source"), row.get("date")) if p))
    earlier = book.setdefault((chain, address), known)
    if earlier.label != name:
        notes.at(*place, name, f"is a second name beside {earlier.label}", "Keep one of the two")


def _address(text: str, chains: Sequence[Chain]) -> str | AddressError:
    """Canonical on the first of these chains that takes it, else why the last one refused."""
    refusal = AddressError("is not an address of any chain here", "Check the address")
    for chain in chains:
        try:
            return canonical(chain, text)
        except AddressError as error:
            refusal = error if len(chains) == 1 else refusal
    return refusal
