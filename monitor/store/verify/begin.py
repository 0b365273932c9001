"""What was there before the log: the rows of now, with what acts did since taken back, must give
the digests that the log begins with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from monitor.model.acts import Body
from monitor.model.difference import Difference, Report
from monitor.store import digests
from monitor.store.port import Connection, Params
from monitor.store.verify.expected import UNKNOWN, Expected, Values, differing, place
from monitor.store.verify.tables import KEPT

Row = list[Any]
_KEYS = {kept.name: kept.key for kept in KEPT}
_ENTRIES = {"entry": "id", "entry_version": "entry", "alert": "entry"}  # columns with an entry


def compare(conn: Connection, expected: Expected, report: Report) -> None:
    """Hold every table against the digests that the first act has to name."""
    for name in digests.TABLES:
        if (body := expected.begun.get(name)) is not None:
            # Without anything before the log every row has an act, and is missed by that.
            strays = report if expected.old else _unheard
            _hold(name, body, _before(conn, name, expected), report, strays)
        else:
            kept = f"digests of what table {name} held before the log"
            report(Difference("begin", name, kept, "none"))


Before = tuple[Row, bool]  # a row as it was, and whether all of it is known


def _before(conn: Connection, name: str, expected: Expected) -> Iterator[Before]:
    """The rows of a table as they were, in the order of their keys then."""
    rows = _undone(conn, name, expected)
    if expected.renamed and name in ("entry", "entry_version"):
        size = digests.TABLES[name].key
        return iter(sorted(rows, key=lambda row: row[0][:size]))
    return rows


def _undone(conn: Connection, name: str, expected: Expected) -> Iterator[Before]:
    """The rows that were there before the log, with what acts did since taken back."""

    def query(sql: str, params: Params) -> Sequence[Sequence[object]]:
        return conn.execute(sql, params).fetchall()

    columns = digests.TABLES[name].columns.split(", ")
    for row in digests.rows_of(query, name):
        values: Values = dict(zip(columns, row, strict=False))
        known = expected.get(name, [values[part] for part in _KEYS[name]])
        beside: Row = [*row][len(columns) :]
        if known is not None and known.fresh:
            continue
        if (entry := _ENTRIES.get(name)) is not None:
            values[entry] = expected.renamed.get(values[entry], values[entry])
        if known is not None:
            values |= known.was
        if name == "transfer":
            values["version"] -= known.bumps if known is not None else 0
            beside = [[*_sighted_before(row, beside[0], expected)]]
        yield [*(values[column] for column in columns), *beside], UNKNOWN not in values


def _sighted_before(
    row: Sequence[object], found: Sequence[Row], expected: Expected
) -> Iterator[Row]:
    """Of the reports of a row those that were there before the log."""
    identity = [*row][1:4]
    for source, block, at, sha256 in found:
        known = expected.get("sighting", [*identity, source, block])
        now = {} if known is None else known.now
        other = any(differing(now, {"at": at, "sha256": sha256}))
        if known is None or not known.fresh or (known.guess and other):
            yield [source, block, at, sha256]


def _hold(
    name: str,
    body: Body,
    rows: Iterator[Before],
    report: Report,
    strays: Report,
) -> None:
    """Block by block, and as a whole. A row between two blocks was not there. Where an erased
    text changed a row, nobody knows the digest any more."""
    size, whole, all_known = digests.TABLES[name].key, hashlib.sha256(), True
    row, sure = next(rows, _END)
    for first, last, count, sha256 in body["blocks"]:
        made, found, known = hashlib.sha256(), 0, True
        while row and row[:size] <= last:
            if row[:size] < first:
                _stray(name, row[:size], strays)
            else:
                text = digests.rows_text([row])
                made.update(text)
                whole.update(text)
                found, known = found + 1, known and sure
            row, sure = next(rows, _END)
        all_known = all_known and known
        if known and made.hexdigest() != sha256:
            where = f"{place(name, first)} to {place(name, last)}"
            _differs(where, (count, sha256), (found, made.hexdigest()), report)
    while row:
        _stray(name, row[:size], strays)
        row, sure = next(rows, _END)
    counted = sum(block[2] for block in body["blocks"])
    said, there = (body["rows"], body["sha256"]), (counted, whole.hexdigest())
    if all_known and said != there:
        _differs(name, said, there, report)


_END: Before = ([], True)


def _unheard(_difference: Difference) -> None:
    """Somebody else reports it."""


def _differs(where: str, said: tuple[int, str], found: tuple[int, str], report: Report) -> None:
    expected = f"{said[0]:,} rows with digest {said[1]}, from before the log"
    report(Difference("begin", where, expected, f"{found[0]:,} rows with digest {found[1]}"))


def _stray(name: str, key: Row, report: Report) -> None:
    there = "a row"
    expected = "no such row: it was not there before the log, and no act brought it"
    report(Difference("record", place(name, key), expected, there))
