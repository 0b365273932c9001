"""Excel workbooks (.xlsx): every sheet that holds addresses, row by row. What a workbook would
take up when it is open is bounded before it is opened."""

from __future__ import annotations

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from monitor.model.lists import Published
from monitor.model.plain import plural
from monitor.watchlist.imports.cells import plain_text, refusal
from monitor.watchlist.imports.layout import Cells
from monitor.watchlist.imports.lists import Preamble
from monitor.watchlist.imports.lists.files import directory, told
from monitor.watchlist.imports.lists.grid import NO_COLUMN, NoColumn, Place, published
from monitor.watchlist.imports.lists.plain_list import coin_of

MAX_PACKED = 100_000_000  # bytes
MAX_UNPACKED = 300_000_000  # bytes of all parts
MAX_CELLS = 12_000_000  # from the first to the last that is used, empty ones between included
_PIECE = 1 << 20
_MOST_MERGED = 100_000
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_CELL = re.compile(rb"<(?:\w+:)?c\b")
_SAID = re.compile(rb"\br\s*=\s*[\"']([^\"']{0,40})")  # where a row or a cell says that it is
_PLACE = re.compile(rb"([A-Za-z]{0,3})([0-9]{0,7})")
_AGAIN = "Save it again as .xlsx, or as CSV"
_SMALLER = "Keep the sheet with the addresses, or save it as CSV"


def read_xlsx(file: BinaryIO, name: str, preamble: Preamble) -> Iterator[Published]:
    """Numbers where addresses should be are what a spreadsheet has made of them, and stay so."""
    taken = 0
    for shown, rows in sheets(file, name):
        try:
            place = Place(name, f"sheet {shown}", "row", coin_of(name), preamble.remarks)
            yield from published(rows, place)
            taken += 1
        except NoColumn:
            preamble.remarks.append(f"the sheet {shown!r} holds no addresses")
    if not taken:
        raise refusal(name, "", *NO_COLUMN)


def sheets(file: BinaryIO, name: str) -> Iterator[tuple[str, Iterator[Cells]]]:
    """Its sheets of cells, hidden ones too, by their names. Raises ConfigError for what is no
    workbook or too large."""
    _fits(file, name)
    with _opened(file, name) as book:
        for sheet in book.sheets_metadata:
            if sheet.typ is SheetTypeEnum.WorkSheet:
                yield plain_text(sheet.name)[:60], _rows(book.get_sheet_by_name(sheet.name))


@contextmanager
def _opened(file: BinaryIO, name: str) -> Iterator[CalamineWorkbook]:
    file.seek(0)
    try:
        with CalamineWorkbook.from_filelike(file) as book:
            yield book
    except (CalamineError, OSError) as error:
        reason = f"is a workbook that cannot be read ({str(error)[:200]})"
        raise refusal(name, "", reason, _AGAIN) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what Rust calls giving up; no Exception
            raise
        raise refusal(name, "", "is a workbook that cannot be read", _AGAIN) from None


# -- rows ------------------------------------------------------------------------------------


def _rows(sheet: CalamineSheet) -> Iterator[Cells]:
    """Numbered as Excel does; a cell that runs over several rows stands in each of them."""
    left = sheet.start[1] if sheet.start else 0  # rows are handed out from the first, columns not
    merged = _merged(sheet)
    for n, values in enumerate(sheet.iter_rows()):
        cells = [_text(value) for value in values]
        for each in [m for m in merged if m.top <= n <= m.bottom]:
            each.fill(cells, n, left)
        yield Cells(n + 1, cells, 1)
        merged = [each for each in merged if each.bottom > n]


@dataclass(slots=True)
class _Merged:
    top: int
    bottom: int
    column: int
    text: str = ""

    def fill(self, cells: list[str], row: int, left: int) -> None:
        at = self.column - left
        if not 0 <= at < len(cells):
            return
        if row == self.top:
            self.text = cells[at]
        else:
            cells[at] = cells[at] or self.text


def _merged(sheet: CalamineSheet) -> list[_Merged]:
    """The cells that run over several rows. Of very many, none are looked at."""
    ranges = sheet.merged_cell_ranges or []
    if len(ranges) > _MOST_MERGED:
        return []
    found = (_Merged(top, bottom, column) for (top, column), (bottom, _) in ranges)
    return sorted((m for m in found if m.bottom > m.top), key=lambda m: m.top)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


# -- what it would take up -------------------------------------------------------------------


def _fits(file: BinaryIO, name: str) -> None:
    """Raises ConfigError for what is no workbook, or too large when it is open."""
    start = file.read(4)
    if start == b"\xd0\xcf\x11\xe0":
        reason = "is an old Excel workbook (.xls), or one with a password"
        raise refusal(name, "", reason, "Save it as .xlsx, without a password")
    if not start.startswith(b"PK"):
        raise refusal(name, "", "is no Excel workbook", "Check its kind in config/lists.yaml")
    size = file.seek(0, 2)
    if size > MAX_PACKED:
        reason = f"is larger than {MAX_PACKED:,} bytes"
        raise refusal(name, f"{size:,} bytes", reason, _SMALLER)
    with told(name):
        parts = directory(file, name).infolist()
        if not any(part.filename.casefold() == "xl/workbook.xml" for part in parts):
            raise refusal(name, "", "is no Excel workbook", "Save it as .xlsx")
        left = MAX_UNPACKED
        for part in parts:
            left = _inflated(file, part, name, left)


def _inflated(file: BinaryIO, part: zipfile.ZipInfo, name: str, left: int) -> int:
    """How many bytes are left once a part is unpacked, whatever size it says it has."""
    area = _Area()
    for piece in _pieces(file, part, name):
        left -= len(piece)
        if left < 0:
            reason = f"holds more than {MAX_UNPACKED:,} bytes when it is unpacked"
            raise refusal(name, "", reason, _SMALLER)
        if part.filename.casefold().startswith("xl/worksheets/"):
            area.look(piece)
            if area.odd:
                raise refusal(name, part.filename[:60], "names a cell that no sheet has", _AGAIN)
            if area.cells > MAX_CELLS:
                reason = f"has a sheet of {plural(area.cells, 'cell')}, more than {MAX_CELLS:,}"
                raise refusal(name, part.filename[:60], reason, _SMALLER)
    return left


def _pieces(file: BinaryIO, part: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """What is packed in a part, to its real end."""
    file.seek(part.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("a part is not where it should be")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(part.header_offset + 30 + names)
    stored = part.compress_type == zipfile.ZIP_STORED
    if not stored and part.compress_type != zipfile.ZIP_DEFLATED:
        raise refusal(name, "", "is packed in a way that is not read", _AGAIN)
    inflate, left = zlib.decompressobj(-15), part.compress_size
    while left > 0 and (data := file.read(min(_PIECE, left))):
        left -= len(data)
        if stored:
            yield data
            continue
        while data:
            yield inflate.decompress(data, _PIECE)
            data = inflate.unconsumed_tail
        if inflate.eof:
            return


@dataclass(slots=True)
class _Area:
    """How far a sheet reaches, by its own numbers and by counting."""

    row: int = 0
    column: int = 0
    rows: int = 0
    odd: bool = False  # it names a place that no sheet has
    wide: int = 0  # cells of the row that is open
    rest: bytes = b""

    @property
    def cells(self) -> int:
        return max(self.row, self.rows) * self.column

    def look(self, piece: bytes) -> None:
        seen = self.rest + piece
        cut = seen.rfind(b"<")  # an element may go on in the next piece
        cut = cut if cut >= len(seen) - 10_000 else len(seen)
        self.rest, seen = seen[cut:], seen[:cut]
        first, *others = _ROW.split(seen)
        self.wide += len(_CELL.findall(first))
        self.column = max(self.column, self.wide)
        for each in others:
            self.rows += 1
            self.wide = len(_CELL.findall(each))
            self.column = max(self.column, self.wide)
        for said in set(_SAID.findall(seen)):
            place = _PLACE.fullmatch(said)
            self.odd = self.odd or place is None
            if place is not None:
                self.column = max(self.column, _column(place[1].upper()))
                self.row = max(self.row, int(place[2] or 0))


def _column(letters: bytes) -> int:
    """ "A" is 1, "AA" 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
