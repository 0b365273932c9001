"""Versions of published lists that came after their first one, and whom they added. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.lists import Publication
from monitor.store.listing import to_publication
from monitor.store.port import Reader


@dataclass(frozen=True, slots=True)
class Later:
    """A version that replaced another one. `until`: when the next one was taken; None: it is in
    force."""

    version: Publication
    taken: int
    until: int | None

    def added_here(self, added: int) -> bool:
        """Whether an entry that was added then is one of this version."""
        return self.taken <= added and (self.until is None or added < self.until)


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
