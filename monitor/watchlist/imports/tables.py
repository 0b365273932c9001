"""Lists of addresses as others write them -> rows of named values. Pure.

CSV in the ways of spreadsheets, JSON, JSON Lines, plain lists; what it is shows from the
content. Nothing is judged here beyond what makes a row unreadable.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module

from monitor.model.plain import plural
from monitor.watchlist.imports import json_rows, others
from monitor.watchlist.imports.cells import (
    BROKEN_CELL,
    ListRow,
    ListTable,
    cell_value,
    looks_like_address,
    plain_address,
    plain_text,
    refusal,
    wide,
)
from monitor.watchlist.imports.layout import (
    DELIMITERS,
    Cells,
    by_content,
    delimiter_of,
    fault_of,
    find_header,
    is_comment,
    is_plain,
    not_too_wide,
)
from monitor.watchlist.imports.lists.fields import CUT, is_cut

MAX_BYTES = 20_000_000
# What opens workbooks is loaded for those alone.
_SHEETS = "monitor.watchlist.imports.lists.workbook"


def read(data: bytes, file: str, is_chain: Callable[[str], bool]) -> ListTable:
    """Read a list of addresses. `is_chain` tells names of chains, for tables without header.

    Raises ConfigError where the file as a whole is none.
    """
    if len(data) > MAX_BYTES:
        size = f"{len(data):,} bytes"
        raise refusal(file, size, f"is larger than {MAX_BYTES:,} bytes", "Split the file")
    if data.startswith(b"PK\x03\x04"):
        return _workbook(data, file, is_chain)
    text, remarks = _decode(data, file)
    start = next((x.lstrip() for x in text.splitlines() if x.strip() and not _noted(x)), "")
    if not start:
        raise refusal(file, "", "holds nothing", "Check that it was saved")
    if start[0] in "[{":
        return json_rows.read(text, file, remarks)
    if kind := others.kind_of(text):
        return others.table(kind, data, file)
    if re.match(r"---|(- +)?['\"]?[A-Za-z_][\w -]*['\"]?:( |$)", start):
        raise refusal(
            file,
            start[:60],
            "looks like YAML, which is not read",
            "Bring it as CSV, JSON or a list of addresses; blocks of another watchlist can be "
            "copied into watchlist.yaml by hand",
        )
    if start[0] == "<":
        remedy = "Save the table as CSV, or copy the addresses into a text file, one a line"
        raise refusal(file, start[:30], "looks like a web page or XML", remedy)
    if cut := next((n for n, x in enumerate(text.splitlines(), 1) if is_cut(x)), 0):
        raise refusal(file, "", CUT, "Take SDN.XML from the same place", cut)
    return _table(text, file, remarks, is_chain)


def _noted(line: str) -> bool:
    return line.lstrip().startswith("#")


_BINARY: Sequence[tuple[bytes, str, str]] = (
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", "Save it as .xlsx"),
    (b"%PDF", "is a PDF", "Copy its addresses into a text file, one a line"),
    (b"\x1f\x8b", "is packed (gzip)", "Unpack it first"),
)


def _decode(data: bytes, file: str) -> tuple[str, list[str]]:
    """The text, and a remark where its encoding had to be guessed."""
    for start, reason, remedy in _BINARY:
        if data.startswith(start):
            raise refusal(file, "", reason, remedy)
    utf_16 = wide(data)
    try:
        return data.decode(utf_16 or "utf-8-sig").removeprefix("\ufeff"), []
    except UnicodeDecodeError as error:
        if utf_16:
            remedy = 'Save it again with the encoding "UTF-8"'
            raise refusal(file, "", "is not whole UTF-16 text", remedy) from error
    guessed = "read as Windows-1252: check accents in labels, or save the file as UTF-8"
    try:
        return data.decode("cp1252"), [guessed]
    except UnicodeDecodeError:
        return data.decode("latin-1"), [guessed]


# -- CSV and plain lists ---------------------------------------------------------------------


def _table(text: str, file: str, remarks: list[str], is_chain: Callable[[str], bool]) -> ListTable:
    told = re.match(r"[ \t]*\"?sep=(.)\"?[ \t]*(\r\n|\r|\n)", text, re.IGNORECASE)
    body, first = (text[told.end() :], 2) if told else (text, 1)
    delimiter = told[1] if told else delimiter_of(body)
    rows = [row for row in _rows(body, delimiter, file, first) if any(map(str.strip, row.cells))]
    if find_header(rows)[0] is None and is_plain(rows):
        return _plain_list(body, first, remarks)
    form = f"a table, separated by {DELIMITERS.get(delimiter, delimiter)}"
    return _of_rows(rows, file, remarks, is_chain, form)


def _of_rows(
    rows: Sequence[Cells],
    file: str,
    remarks: list[str],
    is_chain: Callable[[str], bool],
    form: str,
) -> ListTable:
    """Of a table's rows, none of them empty, with its header among the first."""
    at, found = find_header(rows)
    not_too_wide(rows, file)
    headers = [plain_text(cell) for cell in rows[at].cells] if at is not None else []
    below = rows[0 if at is None else at + 1 :]
    data = [row for row in below if not is_comment(row, found)]
    _tell_comments(len(below) - len(data), remarks)
    if at:
        remarks.append(f"the lines above the header (line {rows[at].line}) were not read")
    found = by_content(found, data, is_chain, headed=at is not None)
    if "address" not in found:
        known = "address, chain, label, case, reason, source, severity"
        remedy = f"Give the table a first line with names such as {known}"
        raise refusal(file, "", "has no column that holds addresses", remedy)
    if at is None:
        remarks.append("there is no header line: only addresses and chains were looked for")
    table = _assemble(data, headers, found, form, remarks)
    return _of_its_header(table, is_chain)


def _of_its_header(table: ListTable, is_chain: Callable[[str], bool]) -> ListTable:
    """A header such as "LTC address" says the chain of what stands below it, where no other
    column does: an older spelling of Litecoin would be taken for Bitcoin's."""
    header = table.taken["address"]
    if {"chain", "ticker"} & table.taken.keys() or not is_chain(header):
        return table
    named = (replace(row, values={**row.values, "chain": header}) for row in table.rows)
    return replace(table, rows=tuple(named))


def _rows(text: str, delimiter: str, file: str, first: int) -> list[Cells]:
    lines = io.StringIO(text.replace("\0", ""), newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    rows: list[Cells] = []
    before = 0
    try:
        for cells in reader:
            rows.append(Cells(before + first, cells, reader.line_num - before))
            before = reader.line_num
    except csv.Error:  # the only one that is possible here
        reason = f"has a cell of over {csv.field_size_limit():,} characters"
        remedy = 'Shorten it; if it should be short, close the quote (") that opens it'
        raise refusal(file, "", reason, remedy, before + first) from None
    _closed(text, delimiter, file, rows)
    return rows


def _closed(text: str, delimiter: str, file: str, rows: Sequence[Cells]) -> None:
    """Raise if a quote swallowed the rest of the file: its rows would be lost in silence."""
    lines = io.StringIO(text, newline="")
    strict = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for _ in strict:
            pass
    except csv.Error as error:
        if "end of data" in str(error) and rows:
            remedy = 'Delete the stray ", or close the quote'
            raise refusal(
                file, "", "opens a quote that is not closed", remedy, rows[-1].line
            ) from None


def _workbook(data: bytes, file: str, is_chain: Callable[[str], bool]) -> ListTable:
    """Every sheet that holds addresses. Rows are counted on from one sheet to the next."""
    remarks: list[str] = []
    found: list[tuple[str, ListTable]] = []
    for shown, rows in import_module(_SHEETS).sheets(io.BytesIO(data), file):
        filled = [row for row in rows if any(map(str.strip, row.cells))]
        plain = filled and find_header(filled)[0] is None and is_plain(filled)
        if not any(row.likes() for row in filled):
            remarks.append(f"the sheet {shown!r} holds no addresses")
        elif plain:
            found.append((shown, ListTable("", "row", tuple(_plain_rows(filled)))))
        else:
            found.append((shown, _of_rows(filled, file, remarks, is_chain, "")))
    if not found:
        raise refusal(file, "", "holds no sheet with addresses", "Check that it was saved")
    return _joined(found, remarks)


def _plain_rows(rows: Sequence[Cells]) -> Iterator[ListRow]:
    for row in rows:
        for text in filter(None, map(plain_address, row.cells)):
            yield ListRow(row.line, {"address": text}, {"address": text})


def _joined(found: Sequence[tuple[str, ListTable]], remarks: list[str]) -> ListTable:
    before, rows = 0, []
    for shown, table in found:
        if before:
            remarks.append(f"rows are counted on: the sheet {shown!r} begins behind row {before}")
        rows += [replace(row, number=row.number + before) for row in table.rows]
        before = max((row.number for row in rows), default=before)
    taken = {name: column for _, table in found for name, column in table.taken.items()}
    ignored = dict.fromkeys(name for _, table in found for name in table.ignored)
    sheets = plural(len(found), "sheet")
    form = f"an Excel workbook, {sheets} of it"
    return ListTable(form, "row", tuple(rows), taken, tuple(ignored), tuple(remarks))


def _tell_comments(count: int, remarks: list[str]) -> None:
    if count:
        remarks.append(f"{plural(count, 'line')} with # before everything: taken as a note")


def _plain_list(text: str, first: int, remarks: list[str]) -> ListTable:
    rows, notes = [], 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), first):
        kept = line if BROKEN_CELL.match(line.strip()) else re.sub(r"(^|\s)#.*", "", line)
        notes += bool(line.strip() and not kept.strip())
        cells = [plain_address(cell) for cell in re.split(r"[,;|\t]", kept)]
        for cell in filter(None, cells):
            words = cell.split()
            several = words if all(map(looks_like_address, words)) else [cell]
            rows += [ListRow(number, {"address": w}, {"address": w}) for w in several]
    _tell_comments(notes, remarks)
    return ListTable("a list of addresses", "line", tuple(rows), remarks=tuple(remarks))


def _assemble(
    data: Sequence[Cells],
    headers: Sequence[str],
    found: Mapping[str, int],
    form: str,
    remarks: list[str],
) -> ListTable:
    width = max((len(row.cells) for row in data), default=0)
    by_column = {n: name for name, n in found.items()}
    names: list[str] = []
    known: set[str] = set()
    for n in range(max(width, len(headers))):
        shown = (headers[n] if n < len(headers) else "") or by_column.get(n, f"column {n + 1}")
        names.append(f"{shown} ({n + 1})" if shown in known else shown)
        known.add(names[-1])
    filled = {n for row in data for n, cell in enumerate(row.cells) if cell.strip()}
    used = sorted(filled - by_column.keys())
    rows = tuple(_row(row, names, found, len(headers)) for row in data)
    return ListTable(
        form,
        "line",
        rows,
        {name: names[n] for name, n in found.items()},
        tuple(names[n] for n in used if not headers or n < len(headers)),
        tuple(remarks),
    )


def _cell(row: Cells, n: int) -> str:
    return row.cells[n].strip() if n < len(row.cells) else ""


def _row(row: Cells, names: Sequence[str], found: Mapping[str, int], headed: int) -> ListRow:
    values = {name: cell_value(name, _cell(row, n)) for name, n in found.items()}
    original = {names[n]: cell for n, cell in enumerate(row.cells) if cell.strip()}
    return ListRow(
        row.line, {k: v for k, v in values.items() if v}, original, fault_of(row, headed)
    )
