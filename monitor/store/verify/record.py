"""`verify`: the log by itself, then the record by the log, at one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.model.acts import Body, Restored
from monitor.model.difference import Report
from monitor.model.errors import StoreError
from monitor.store import answers
from monitor.store.port import Reader
from monitor.store.verify import (
    before_desk,
    begin,
    evidence,
    gone,
    lists,
    replay,
    schema,
    tables,
    trace,
)
from monitor.store.verify.chain import Erased, Told, Walk, parsed
from monitor.store.verify.expected import Expected
from monitor.store.verify.gone import Erasure
from monitor.store.verify.whose import Whose

# What comes of texts that are not of the form that this program writes.
UNREADABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    AssertionError,
)
_CHECKPOINT = re.compile(r"([0-9][0-9,]*):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A row of the log that somebody else remembers: number and hash."""

    number: int
    hash: str

    @classmethod
    def of(cls, text: str) -> Checkpoint | None:
        found = _CHECKPOINT.fullmatch(text.strip())
        return cls(int(found[1].replace(",", "")), found[2]) if found else None


@dataclass(frozen=True, slots=True)
class Replaced:
    """A record that a restore replaced: how its log ended, and the file that was kept of it."""

    number: int
    hash: str
    file: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. `rows`: of each table, how many were held against the log. `begun`: since
    when the log counts, where there was something before it."""

    number: int  # of the last row of the log
    hash: str
    rows: Mapping[str, int]
    erased: Sequence[Erasure]
    replaced: Sequence[Replaced]
    restores: Sequence[Told]
    begun: int | None


def verify(store: Reader, report: Report) -> Verdict:
    """Report everything that differs. Raises StoreError where the record cannot be read."""
    try:
        return _verify(store, report)
    except UNREADABLE as error:
        why = "its log has texts that this program did not write and cannot follow"
        raise StoreError(f"{store.path}: {why}. Verify an older copy of it") from error


def _verify(store: Reader, report: Report) -> Verdict:
    with store.look() as conn:
        schema.compare(conn, store.schema(), report)
        expected = Expected(conn, report)
        whose = Whose(conn, expected, report)
        walk, erased, restores, first = Walk(conn, report), list[Erasure](), list[Told](), None
        for row in walk:
            if not isinstance(row, Erased):
                replay.carry_out(expected, whose, row, report)
                restores += [row] if row.act == Restored.kind else []
                first = first if first is not None else row.at
            elif erasure := gone.carry_out(expected, row, report):
                erased.append(erasure)
        there = [kept for kept in tables.KEPT if kept.stands_in(store.schema())]
        rows = {kept.name: tables.compare(conn, kept, expected, report) for kept in there}
        tables.versions(conn, store.schema(), report)
        if store.schema() >= tables.LISTS:
            rows["listing"] = lists.compare(conn, expected, report)
        if store.schema() >= tables.TRACES:
            trace.compare(conn, expected, report)
        if store.schema() >= tables.DESK:
            before_desk.compare(conn, expected, report)
        begin.compare(conn, expected, report)
        evidence.compare(conn, expected, report)
        for difference in answers.damaged(store):
            report(difference)
        begun = first if expected.old else None
    return Verdict(
        walk.number, walk.hash, rows, erased, replaced_in(store), restores=restores, begun=begun
    )


def hash_at(store: Reader, number: int) -> str | None:
    """The hash of a row of the log, where there is such a row."""
    rows = store.read("SELECT hash FROM log WHERE seq = ?", [number])
    return str(rows[0]["hash"]) if rows else None


def replaced_in(store: Reader) -> list[Replaced]:
    """The records with a log that restores replaced, by the acts of the restores, oldest first."""
    rows = store.read(
        "SELECT text FROM log_text WHERE text LIKE ? ORDER BY seq", ['{"act":"restore",%']
    )
    return [found for row in rows if (found := _replaced(parsed(row["text"]) or {}))]


def _replaced(told: Body) -> Replaced | None:
    try:
        said = told["body"]["replaced"]
        return Replaced(int(said["end"]["seq"]), str(said["end"]["hash"]), str(said["file"]))
    except (KeyError, TypeError, ValueError):
        return None  # nothing was replaced, or nothing with a log; or the text is none
