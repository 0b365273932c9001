"""How answers leave: one object, a page of a list, or all rows of it with a trailer."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import msgspec
from werkzeug import Response

from monitor.messages.objects import json_text
from monitor.messages.spreadsheet import csv_line
from monitor.web.api.call import Answer, File, Raw, Rows

NDJSON, CSV, JSON = "application/x-ndjson", "text/csv", "application/json"
SPOOLED = 4 * 1024**2  # bytes of a file that are held in memory
PART = 1000  # rows of a bulk that are held at once


def plain(value: object) -> object:
    """As JSON has it."""
    return msgspec.to_builtins(value, str_keys=True)


def answered(found: Answer | Raw | File) -> Response:
    if isinstance(found, File):
        response = Response(sent(found.path.open("rb")), mimetype=found.mimetype)
        response.content_length = found.path.stat().st_size
        response.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
        return response
    if isinstance(found, Raw):
        response = Response(found.data, mimetype=found.mimetype)
    else:
        response = Response(json_text(plain(found.value)), found.status, mimetype=JSON)
        response.headers.update(found.headers)
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


def whole(found: Rows, mimetype: str) -> IO[bytes]:
    """All rows of a question, as a file at its beginning. The last line says how many there are,
    with the SHA-256 of all bytes before it: what broke off is seen. It is written before it is
    sent, so that no slow reader holds the record's moment; of very many rows, on the disk."""
    file = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - whoever sends it closes it
    digest, number = hashlib.sha256(), 0
    try:
        for line in _lines(found, mimetype):
            data = line.encode()
            digest.update(data)
            file.write(data)
            number += 1
        number -= mimetype == CSV  # its first line is no row
        end = {"end": {"count": number, "sha256": digest.hexdigest()}}
        trailer = csv_line(["end", number, digest.hexdigest()])
        file.write((trailer if mimetype == CSV else json_text(end) + "\n").encode())
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


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


def sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(65_536):
            yield piece
