"""Tables as files: all rows of a filter, and not those of a page."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from werkzeug import Response

from monitor.messages.spreadsheet import csv_line

SPOOLED = 4 * 1024**2  # bytes of a file that are held in memory


def csv_file(lines: Iterable[str]) -> IO[bytes]:
    """These lines, of which the first is the header, at the file's beginning. The last line says
    how many there are, with the SHA-256 of all bytes before it: a file that broke off is seen. It
    is written before it is sent, so that no slow reader holds the record's moment."""
    file = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - whoever sends it closes it
    digest, number = hashlib.sha256(), -1  # the header is no row
    for line in lines:
        data = line.encode("utf-8")
        digest.update(data)
        file.write(data)
        number += 1
    file.write(csv_line(["end", number, digest.hexdigest()]).encode("ascii"))
    file.seek(0)
    return file


def sent(file: IO[bytes], name: str) -> Response:
    """The file as an answer. `name`: of ASCII letters, as it is saved."""
    response = Response(_pieces(file), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(65_536):
            yield piece
