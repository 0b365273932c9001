"""Excel workbooks for tests, written by hand: sheets of cells by their places."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

Cells = Mapping[str, object]  # "B2" -> a text or a number

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def sheet_xml(cells: Cells, merged: str = "") -> str:
    rows: dict[int, str] = {}
    for place, value in cells.items():
        number = int("".join(c for c in place if c.isdigit()))
        if isinstance(value, str):
            shown = f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        else:
            shown = f'<c r="{place}"><v>{value}</v></c>'
        rows[number] = rows.get(number, "") + shown
    body = "".join(f'<row r="{n}">{row}</row>' for n, row in sorted(rows.items()))
    over = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData>{over}</worksheet>'


def workbook(sheets: Mapping[str, str]) -> bytes:
    """Of sheets by name, each as `sheet_xml` writes it."""
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default '
        f'Extension="xml" ContentType="{types}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        "</Relationships>",
    }
    parts |= {f"xl/worksheets/sheet{n}.xml": xml for n, xml in enumerate(sheets.values(), 1)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written:
        for name, xml in parts.items():
            written.writestr(name, xml)
    return packed.getvalue()
