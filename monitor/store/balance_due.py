"""Which watched addresses wait for being held against their chain, and since when."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.model import Subject
from monitor.model.balance import Holding, Waiting
from monitor.store.port import Reader

MANY = 40  # tokens of one address
NEWS_OF = 2 * 86_400  # seconds: what was told before that is held against the chain in its turn


def waiting(store: Reader, now: int) -> list[Waiting]:
    """Every address with an active entry whose first reading has ended."""
    rows = store.read(
        "SELECT s.key, s.chain, s.address, "
        "max(json_extract(e.terms, '$.severity') = 'severe' "
        "OR json_extract(e.terms, '$.held') IS NOT NULL) AS severe, "
        "b.at, b.due FROM entry e JOIN scope s ON s.key = e.subject "
        # The coin is asked for in every round, a token perhaps never again.
        "LEFT JOIN balance b ON b.subject = s.key AND b.contract = '' WHERE e.retired IS NULL "
        "AND e.base_height IS NOT NULL AND e.history <> 'due' GROUP BY s.key ORDER BY s.key"
    )
    told = _told(store, now - NEWS_OF)
    return [
        Waiting(
            Subject(row["chain"], row["address"]),
            severe=bool(row["severe"]),
            held=row["at"],
            due=row["due"] or 0,
            news=told.get(row["key"]),
        )
        for row in rows
    ]


def _told(store: Reader, since: int) -> dict[str, int]:
    """When something was last told of each address."""
    rows = store.read(
        "SELECT e.subject, max(a.created) AS at FROM alert a JOIN entry e ON e.id = a.entry "
        "WHERE a.created > ? AND a.tx IS NOT NULL GROUP BY e.subject",
        [since],
    )
    return {row["subject"]: row["at"] for row in rows}


def holdings(store: Reader, subjects: Iterable[Subject]) -> dict[Subject, list[Holding]]:
    """What each of them was last asked for: its coin at least. Of one that never was, what it
    will be asked for or a little more."""
    by_key = {subject.key: subject for subject in subjects}
    found: dict[Subject, set[Holding]] = {subject: set() for subject in by_key.values()}
    for row in store.read_in("SELECT subject, contract FROM balance WHERE subject IN ({})", by_key):
        subject = by_key[row["subject"]]
        found[subject].add(Holding(subject.address, row["contract"]))
    for subject, mine in found.items():
        if not mine:
            mine |= {Holding(subject.address), *_moved(store, subject)}
    return {subject: sorted(mine) for subject, mine in found.items()}


def _moved(store: Reader, subject: Subject) -> list[Holding]:
    """Tokens of which anything is recorded, of very many some."""
    rows = store.read(
        "SELECT DISTINCT contract FROM (SELECT contract FROM transfer WHERE chain = ?1 "
        "AND sender = ?2 AND contract IS NOT NULL UNION ALL SELECT contract FROM transfer "
        "WHERE chain = ?1 AND recipient = ?2 AND contract IS NOT NULL) LIMIT ?3",
        [subject.chain, subject.address, MANY],
    )
    return [Holding(subject.address, row["contract"]) for row in rows]
