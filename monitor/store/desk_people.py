"""Who may use the desk, as the record has it."""

from __future__ import annotations

from monitor.model.desk import Person, Role
from monitor.store.port import Fields, Reader

_COLUMNS = "name, role, reports, added, enrolled, disabled"


def _person(row: Fields) -> Person:
    return Person(
        *(row["name"], Role(row["role"]), bool(row["reports"])),
        *(row["added"], row["enrolled"], row["disabled"]),
    )


def person(store: Reader, name: str) -> Person | None:
    rows = store.read(f"SELECT {_COLUMNS} FROM person WHERE name = ?", (name,))
    return _person(rows[0]) if rows else None


def cases_of(store: Reader, name: str) -> frozenset[str]:
    """Of which somebody is a member."""
    rows = store.read("SELECT case_id FROM member WHERE person = ? AND until IS NULL", (name,))
    return frozenset(row[0] for row in rows)
