"""Whom versions of a published list are about that say something new, or something no more. Reads
only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.model.lists import Publication
from monitor.store.port import Reader
from monitor.store.staging import later

PART = 2000  # addresses at a time


def targets(store: Reader, name: str, after: int, nr: int) -> Iterator[str]:
    """The addresses about which the versions after this one, up to that one, say something new or
    something no more; some twice."""
    for each in range(after + 1, nr + 1):
        yield from _beginning(store, name, each)
    sql = "SELECT DISTINCT address FROM listing WHERE list = ? AND until_nr = ?"
    for each in range(after + 1, nr + 1):
        yield from _addresses(store, sql, "address", [name, each])


def _beginning(store: Reader, name: str, nr: int) -> Iterator[str]:
    # The +: else all of a first version would be sorted by address for each part of it.
    of_list = "+list = ?" if nr == 1 else "list = ?"
    sql = f"SELECT DISTINCT address FROM listing WHERE {of_list} AND from_nr = ?{later(nr)}"
    yield from _addresses(store, sql, "address", [name, nr])


def coming_targets(store: Reader, coming: Publication) -> Iterator[str]:
    """The same of a version that is being taken."""
    yield from _beginning(store, coming.list, coming.nr)
    sql = (
        "SELECT DISTINCT l.address FROM ending s JOIN listing l ON l.list = s.list "
        "AND l.key = s.key AND l.until_nr IS NULL WHERE s.list = ? AND l.from_nr < ?"
    )
    yield from _addresses(store, sql, "l.address", [coming.list, coming.nr])


def _addresses(store: Reader, sql: str, column: str, params: Sequence[object]) -> Iterator[str]:
    after = ""
    while rows := store.read(
        f"{sql} AND {column} > ? ORDER BY {column} LIMIT {PART}", [*params, after]
    ):
        yield from (row["address"] for row in rows)
        after = rows[-1]["address"]
