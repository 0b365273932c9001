"""Tables as files: all rows of a filter, and not those of a page."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from werkzeug import Response

from monitor.messages.spreadsheet import csv_line

SPOOLED = 4 * 1024**2  # bytes of a file that are held in memory


def csv_file(lines: Iterable[str]) -> IO[bytes]:
    """These lines, of which the first is the header, and how many there are."""
    return with_end(lines, lambda number, digest: csv_line(["end", number, digest]), heads=1)


def with_end(
    lines: Iterable[str], end: Callable[[int, str], str], *, heads: int = 0
) -> IO[bytes]:  # fmt: skip
    """These lines, at the file's beginning. The last one, which `end` makes, says how many there
    are (without `heads` at the beginning), with the SHA-256 of all bytes before it: a file that
    broke off is seen. It is written before it is sent, so that no slow reader holds the record's
    moment; of very many rows it lies on the disk."""
    file = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - whoever sends it closes it
    digest, number = hashlib.sha256(), -heads
    try:
        for line in lines:
            data = line.encode("utf-8")
            digest.update(data)
            file.write(data)
            number += 1
        file.write(end(number, digest.hexdigest()).encode("utf-8"))
        file.seek(0)
    except BaseException:  # also a stop meanwhile
        file.close()
        raise
    return file


def sent(file: IO[bytes], name: str) -> Response:
    """The file as an answer. `name`: of ASCII letters, as it is saved."""
    response = Response(pieces(file), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(65_536):
            yield piece
