"""Entries for programs, by filter, as one of them may see them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.model.watch import Watched
from monitor.store.port import Fields, Reader
from monitor.store.rows import to_watched
from monitor.store.sight import of_case


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; None: whatever it is."""

    case: str | None = None
    chain: str | None = None
    list: str | None = None  # empty: of people
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry. `retired`: since when its watch is ended."""

    place: int
    watched: Watched
    retired: int | None


def page(store: Reader, sight: Sight, wanted: Wanted, before: int, most: int) -> list[Line]:
    """The newest before a place."""
    seen, params = of_case(sight)
    clauses, values = [seen, "rowid < ?"], [*params, before]
    for clause, value in (
        ("case_id = ?", wanted.case),
        ("subject >= ? || '/' AND subject < ? || '0'", wanted.chain),
        ("list = ?", wanted.list),
    ):
        if value is not None:
            clauses.append(clause)
            values += [value] * clause.count("?")
    if wanted.active is not None:
        clauses.append("retired IS NULL" if wanted.active else "retired IS NOT NULL")
    rows = store.read(
        f"SELECT rowid AS nr, * FROM entry WHERE {' AND '.join(clauses)} "
        "ORDER BY rowid DESC LIMIT ?",
        [*values, most],
    )
    return [_line(row) for row in rows]


def named(store: Reader, sight: Sight, name: str) -> Line | None:
    seen, params = of_case(sight)
    rows = store.read(
        f"SELECT rowid AS nr, * FROM entry WHERE id = ? AND {seen}", [name, *params]
    )  # fmt: skip
    return _line(rows[0]) if rows else None


def _line(row: Fields) -> Line:
    return Line(row["nr"], to_watched(row), row["retired"])
