"""How answers leave: one object, a page of a list, or all rows of it with a trailer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import msgspec
from werkzeug import Response

from monitor.messages.objects import json_text
from monitor.messages.spreadsheet import csv_line
from monitor.web.api.call import Answer, File, Raw, Rows
from monitor.web.desk.files import pieces, with_end

NDJSON, CSV, JSON = "application/x-ndjson", "text/csv", "application/json"
PART = 1000  # rows of a bulk that are held at once


def plain(value: object) -> object:
    """As JSON has it."""
    return msgspec.to_builtins(value, str_keys=True)


def answered(found: Answer | Raw | File) -> Response:
    if isinstance(found, File):
        response = Response(pieces(found.path.open("rb")), mimetype=found.mimetype)
        response.content_length = found.path.stat().st_size
        response.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
        return response
    if isinstance(found, Raw):
        response = Response(found.data, mimetype=found.mimetype)
    else:
        response = Response(json_text(plain(found.value)), found.status, mimetype=JSON)
    if found.etag:
        response.set_etag(found.etag)
    return response


def json(value: object) -> Response:
    return Response(json_text(value), mimetype=JSON)


def page(found: Rows, place: str, limit: int, as_of: str) -> tuple[Mapping[str, object], str]:
    """A part of a list, and the place after which it goes on; empty: it is at its end."""
    rows = found.page(place, limit + 1)
    after = rows[limit - 1][0] if len(rows) > limit else ""
    items = [plain(each) for _, each in rows[:limit]]
    body = {"items": items, "next": None, "as_of": as_of, "reading": plain(found.reading())}
    return body, after


# -- all rows ------------------------------------------------------------------------------------


def whole(found: Rows, mimetype: str, as_of: str) -> IO[bytes]:
    """All rows of a question, as a file at its beginning. The last line says how many there are and
    the SHA-256 of all bytes before it, and what was read for the question: no download looks
    calmer than the reading is."""
    table = mimetype == CSV

    def end(number: int, digest: str) -> str:
        reading = msgspec.to_builtins(found.reading())
        if table:
            read = "complete" if reading["complete"] else "not complete"
            return csv_line(["end", number, digest, as_of, read, reading["said"]])
        said = {"count": number, "sha256": digest, "as_of": as_of, "reading": reading}
        return json_text({"end": said}) + "\n"

    return with_end(_lines(found, mimetype), end, heads=int(table))


def _lines(found: Rows, mimetype: str) -> Iterator[str]:
    if mimetype == CSV:
        yield csv_line(found.columns)
    for each in _every(found):
        if mimetype == CSV:
            yield csv_line(_cell(each, column) for column in found.columns)
        else:
            yield json_text(each) + "\n"


def _every(found: Rows) -> Iterator[object]:
    place = ""
    while rows := found.page(place, PART):
        yield from (plain(each) for _, each in rows)
        if len(rows) < PART:
            return
        place = rows[-1][0]


def _cell(row: object, column: str) -> object:
    """What stands in a row at a dotted path; of several, all of it."""
    for name in column.split("."):
        if isinstance(row, Mapping):
            row = row.get(name)
        elif isinstance(row, Sequence) and not isinstance(row, str):
            row = [each.get(name) if isinstance(each, Mapping) else None for each in row]
    if isinstance(row, Sequence) and not isinstance(row, str):
        return "; ".join("" if each is None else str(each) for each in row)
    return row
