"""The entries that somebody may see, for pages of the desk. Reads only."""

from __future__ import annotations

from monitor.model.desk import Sight
from monitor.store.port import Reader
from monitor.store.sight import of_case

MOST = 2000  # looked at one by one


def active(store: Reader, sight: Sight) -> list[str]:
    """Ids of the watched ones, oldest first, at most MOST."""
    seen, params = of_case(sight)
    rows = store.read(
        f"SELECT id FROM entry WHERE retired IS NULL AND {seen} ORDER BY added, rowid LIMIT {MOST}",
        params,
    )
    return [row["id"] for row in rows]


def of(store: Reader, sight: Sight, case: str) -> list[str]:
    """Ids of all entries of a case, watched ones first, at most MOST."""
    seen, params = of_case(sight)
    rows = store.read(
        f"SELECT id FROM entry WHERE case_id = ? AND {seen} "
        f"ORDER BY retired IS NOT NULL, added, rowid LIMIT {MOST}",
        [case, *params],
    )
    return [row["id"] for row in rows]
