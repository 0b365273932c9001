"""Lists of addresses as others write them -> rows of named values. Pure.

CSV in the ways of spreadsheets, JSON, JSON Lines, plain lists; what it is shows from the
content. Nothing is judged here beyond what makes a row unreadable.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from monitor.model.plain import plural
from monitor.watchlist.imports import json_rows
from monitor.watchlist.imports.cells import (
    BROKEN_CELL,
    ListRow,
    ListTable,
    Why,
    cell_value,
    columns,
    looks_like_address,
    plain_address,
    plain_text,
    refusal,
    wide,
)

MAX_BYTES = 20_000_000
MOST_COLUMNS = 1000

_COIN = re.compile(r"(Digital Currency Address - )?[A-Z]{3,5}\Z")  # as OFAC writes, or bare
_LOOKED_AT = 200  # rows, to learn what the columns hold


def read(data: bytes, file: str, is_chain: Callable[[str], bool]) -> ListTable:
    """Read a list of addresses. `is_chain` tells names of chains, for tables without header.

    Raises ConfigError where the file as a whole is none.
    """
    if len(data) > MAX_BYTES:
        size = f"{len(data):,} bytes"
        raise refusal(file, size, f"is larger than {MAX_BYTES:,} bytes", "Split the file")
    text, remarks = _decode(data, file)
    start = next((x.lstrip() for x in text.splitlines() if x.strip() and not _noted(x)), "")
    if not start:
        raise refusal(file, "", "holds nothing", "Check that it was saved")
    if start[0] in "[{":
        return json_rows.read(text, file, remarks)
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
    return _table(text, file, remarks, is_chain)


def _noted(line: str) -> bool:
    return line.lstrip().startswith("#")


_BINARY: Sequence[tuple[bytes, str, str]] = (
    (b"PK\x03\x04", "is an Excel workbook or another packed file", "Save as: CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", "Save as: CSV UTF-8"),
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


@dataclass(frozen=True, slots=True)
class _Cells:
    line: int
    cells: list[str]
    lines: int  # that the row runs over

    def likes(self) -> int:
        return sum(looks_like_address(cell) for cell in self.cells)


_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def _table(text: str, file: str, remarks: list[str], is_chain: Callable[[str], bool]) -> ListTable:
    told = re.match(r"[ \t]*\"?sep=(.)\"?[ \t]*(\r\n|\r|\n)", text, re.IGNORECASE)
    body, first = (text[told.end() :], 2) if told else (text, 1)
    delimiter = told[1] if told else _delimiter(body)
    rows = [row for row in _rows(body, delimiter, file, first) if any(map(str.strip, row.cells))]
    at, found = _find_header(rows)
    if at is None and _is_plain(rows):
        return _plain_list(body, first, remarks)
    _not_too_wide(rows, file)
    headers = [plain_text(cell) for cell in rows[at].cells] if at is not None else []
    below = rows[0 if at is None else at + 1 :]
    data = [row for row in below if not _is_comment(row, found)]
    _tell_comments(len(below) - len(data), remarks)
    if at:
        remarks.append(f"the lines above the header (line {rows[at].line}) were not read")
    found = _by_content(found, data, is_chain, headed=at is not None)
    if "address" not in found:
        known = "address, chain, label, case, reason, source, severity"
        remedy = f"Give the table a first line with names such as {known}"
        raise refusal(file, "", "has no column that holds addresses", remedy)
    if at is None:
        remarks.append("there is no header line: only addresses and chains were looked for")
    table = _assemble(data, headers, found, _DELIMITERS.get(delimiter, delimiter), remarks)
    return _of_its_header(table, is_chain)


def _of_its_header(table: ListTable, is_chain: Callable[[str], bool]) -> ListTable:
    """A header such as "LTC address" says the chain of what stands below it, where no other
    column does: an older spelling of Litecoin would be taken for Bitcoin's."""
    header = table.taken["address"]
    if {"chain", "ticker"} & table.taken.keys() or not is_chain(header):
        return table
    named = (replace(row, values={**row.values, "chain": header}) for row in table.rows)
    return replace(table, rows=tuple(named))


def _not_too_wide(rows: Sequence[_Cells], file: str) -> None:
    widest = max(rows, key=lambda row: len(row.cells))
    if len(widest.cells) > MOST_COLUMNS:
        reason = f"has {len(widest.cells):,} columns, more than {MOST_COLUMNS:,}"
        remedy = "Keep the columns that matter: address, chain, label, case, reason, source"
        raise refusal(file, "", reason, remedy, widest.line)


def _delimiter(text: str) -> str:
    """The separator under which the first lines hold most known headers and addresses."""
    lines = [line for line in text.splitlines() if line.strip(" \t,;|")][:50]

    def score(delimiter: str) -> tuple[int, int]:
        rows: list[_Cells] = []
        with suppress(csv.Error):  # if it is the right separator, _rows says what is wrong
            for cells in csv.reader(lines, delimiter=delimiter):
                rows.append(_Cells(0, cells, 1))
        header = max((len(columns(row.cells)) for row in rows[:20]), default=0)
        return header, sum(row.likes() > 0 for row in rows)

    return max(_DELIMITERS, key=score)


def _rows(text: str, delimiter: str, file: str, first: int) -> list[_Cells]:
    lines = io.StringIO(text.replace("\0", ""), newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    rows: list[_Cells] = []
    before = 0
    try:
        for cells in reader:
            rows.append(_Cells(before + first, cells, reader.line_num - before))
            before = reader.line_num
    except csv.Error:  # the only one that is possible here
        reason = f"has a cell of over {csv.field_size_limit():,} characters"
        remedy = 'Shorten it; if it should be short, close the quote (") that opens it'
        raise refusal(file, "", reason, remedy, before + first) from None
    _closed(text, delimiter, file, rows)
    return rows


def _closed(text: str, delimiter: str, file: str, rows: Sequence[_Cells]) -> None:
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


def _find_header(rows: Sequence[_Cells]) -> tuple[int | None, dict[str, int]]:
    """The row that names the columns: above the first address, with most known names."""
    first = next((n for n, row in enumerate(rows[:20]) if row.likes()), min(len(rows), 20))
    known = [columns(row.cells) for row in rows[:first]]
    best = max(range(first), key=lambda n: ("address" in known[n], len(known[n])), default=None)
    return (best, known[best]) if best is not None and known[best] else (None, {})


def _is_comment(row: _Cells, found: Mapping[str, int]) -> bool:
    """A line that starts with # and holds no address elsewhere."""
    start = row.cells[0].strip()
    return (
        start.startswith("#")
        and not BROKEN_CELL.match(start)
        and (found.get("address", 0) == 0 or row.likes() == 0)
    )


def _is_plain(rows: Sequence[_Cells]) -> bool:
    """Whether every column holds addresses: one a line, or several with commas between."""
    filled = [[c for c in row.cells if c.strip()] for row in rows[:_LOOKED_AT]]
    content = [cells for cells in filled if not cells[0].lstrip().startswith("#")]
    wide = [cells for cells in content if len(cells) > 1]
    whole = sum(all(map(looks_like_address, cells)) for cells in wide)
    return len(wide) * 2 < len(content) + 1 if not whole else whole * 2 > len(wide)


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


def _by_content(
    found: dict[str, int], rows: Sequence[_Cells], is_chain: Callable[[str], bool], *, headed: bool
) -> dict[str, int]:
    """The columns by header, and those that show by what they hold."""
    looked = rows[:_LOOKED_AT]
    free = range(max((len(r.cells) for r in looked), default=0))
    cells = {
        n: [r.cells[n] for r in looked if n < len(r.cells) and r.cells[n].strip()] for n in free
    }
    if "address" not in found:
        counts = Counter({n: sum(map(looks_like_address, cells[n])) for n in free})
        best = counts.most_common(1)
        if best and best[0][1]:
            taken = {name: n for name, n in found.items() if n != best[0][0]}
            found = {**taken, "address": best[0][0]}
    named = [n for n in free if n not in found.values() and _says_chains(cells[n], is_chain)]
    return found if headed or not named else {**found, "chain": named[0]}


def _says_chains(cells: Sequence[str], is_chain: Callable[[str], bool]) -> bool:
    """Whether a column holds chains, some of which may be none of ours: were it passed over, the
    address of another coin could be taken for one of Bitcoin's, which older ones look like."""
    known = set(filter(is_chain, cells))
    return bool(known) and all(cell in known or _COIN.match(cell.strip()) for cell in cells)


def _assemble(
    data: Sequence[_Cells],
    headers: Sequence[str],
    found: Mapping[str, int],
    delimiter: str,
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
        f"a table, separated by {delimiter}",
        "line",
        rows,
        {name: names[n] for name, n in found.items()},
        tuple(names[n] for n in used if not headers or n < len(headers)),
        tuple(remarks),
    )


def _cell(row: _Cells, n: int) -> str:
    return row.cells[n].strip() if n < len(row.cells) else ""


def _row(row: _Cells, names: Sequence[str], found: Mapping[str, int], headed: int) -> ListRow:
    values = {name: cell_value(name, _cell(row, n)) for name, n in found.items()}
    original = {names[n]: cell for n, cell in enumerate(row.cells) if cell.strip()}
    return ListRow(row.line, {k: v for k, v in values.items() if v}, original, _fault(row, headed))


def _fault(row: _Cells, headed: int) -> Why | None:
    """What makes a row's cells stand under the wrong headers, or hides rows in one cell."""
    extra = [cell for cell in row.cells[headed:] if cell.strip()] if headed else []
    if extra:
        return (
            extra[0].strip(),
            f"is more than the header has columns ({headed})",
            "A text that holds the separator needs quotes around it",
        )
    long = [cell for cell in row.cells if row.lines > 1 and re.search(r"[\r\n]", cell)]
    swallowed = [c for c in long if any(map(looks_like_address, re.split(r"[\s,;|\"]+", c)))]
    if swallowed:
        return (
            swallowed[0].splitlines()[0].strip(),
            f"is in a quote that runs on over {row.lines} lines with addresses",
            'Delete the stray ", or close the quote',
        )
    return None
