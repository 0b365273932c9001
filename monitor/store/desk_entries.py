"""The entries that somebody may see, for pages of the desk. Reads only."""

from __future__ import annotations

from monitor.model.desk import Sight
from monitor.store.port import Reader
from monitor.store.sight import of_entries

# As the index on cases has it, which else is not used.
_OF = "case_id <> '' AND case_id"
MOST = 2000  # looked at one by one


def active(store: Reader, sight: Sight) -> list[str]:
    """Ids of the watched ones, at most MOST: those that people wrote before those of lists, oldest
    first."""
    seen, params = of_entries(sight)
    rows = store.read(
        f"SELECT id FROM entry WHERE retired IS NULL AND {seen} "
        f"ORDER BY list <> '', added, rowid LIMIT {MOST}",
        params,
    )
    return [row["id"] for row in rows]


def beyond(store: Reader, sight: Sight, case: str | None = None) -> int:
    """How many watched ones there are that `active`, or `of` a case, does not give."""
    seen, params = of_entries(sight)
    mine = "" if case is None else f"AND {_OF} = ?"
    rows = store.read(
        f"SELECT count(*) AS n FROM entry WHERE retired IS NULL AND {seen} {mine}",
        [*params, *([] if case is None else [case])],
    )
    return max(0, int(rows[0]["n"]) - MOST)


def of(store: Reader, sight: Sight, case: str) -> list[str]:
    """Ids of all entries of a case, watched ones first, at most MOST."""
    seen, params = of_entries(sight)
    rows = store.read(
        f"SELECT id FROM entry WHERE {_OF} = ? AND {seen} "
        f"ORDER BY retired IS NOT NULL, added, rowid LIMIT {MOST}",
        [case, *params],
    )
    return [row["id"] for row in rows]
