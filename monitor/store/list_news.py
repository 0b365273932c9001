"""Versions of published lists that came after their first one, and whom they added. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.lists import Publication
from monitor.store.first_read import Reading
from monitor.store.listing import to_publication
from monitor.store.port import Reader
from monitor.store.rows import to_watched


@dataclass(frozen=True, slots=True)
class Later:
    """A version that replaced another one. `until`: when the next one was taken; None: it is in
    force."""

    version: Publication
    taken: int
    until: int | None


def later(store: Reader, since: int) -> list[Later]:
    """Versions that were taken since then, of lists of which anything is watched, oldest first."""
    rows = store.read(
        "SELECT p.*, (SELECT min(n.taken) FROM publication n WHERE n.list = p.list AND n.nr > p.nr "
        "AND n.taken IS NOT NULL) AS until FROM publication p WHERE p.taken >= ? "
        "AND EXISTS (SELECT 1 FROM publication o WHERE o.list = p.list AND o.nr < p.nr) "
        "AND EXISTS (SELECT 1 FROM entry e WHERE e.list = p.list AND e.list <> '') "
        "ORDER BY p.taken, p.list, p.nr",
        [since],
    )
    return [Later(to_publication(row), row["taken"], row["until"]) for row in rows]


_ADDED = (
    "FROM entry WHERE list = ? AND list <> '' AND retired IS NULL AND added >= ? "
    "AND added < coalesce(?, 9223372036854775807)"
)


def counted(store: Reader, each: Later) -> tuple[int, int]:
    """How many active entries a version added, and of how many the history is not read."""
    params = [each.version.list, each.taken, each.until]
    rows = store.read(
        f"SELECT count(*) AS n, coalesce(sum(history <> 'told'), 0) AS unread {_ADDED}", params
    )
    return int(rows[0]["n"]), int(rows[0]["unread"])


def additions(store: Reader, each: Later) -> list[Reading]:
    """The active entries that a version added."""
    params = [each.version.list, each.taken, each.until]
    rows = store.read(f"SELECT * {_ADDED} ORDER BY id", params)
    return [Reading(to_watched(row), row["history"] == "told") for row in rows]


def read_after(store: Reader, each: Later, alert: str) -> int | None:
    """When a history of what a version added was read last, of those that were recorded after an
    alert; None: none was."""
    params = [alert, each.version.list, each.taken, each.until]
    rows = store.read(
        "SELECT max(created) AS at FROM alert WHERE kind = 'history' "
        "AND rowid > (SELECT rowid FROM alert WHERE id = ?) "
        f"AND entry IN (SELECT id {_ADDED})",
        params,
    )
    return None if rows[0]["at"] is None else int(rows[0]["at"])
