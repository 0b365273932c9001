"""Which watched addresses wait for being held against their chain, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Subject, Transfer
from monitor.model.balance import NOT_COMPLETE, OPENING, Holding, State, Waiting
from monitor.model.scope import EVERY, ChainWide
from monitor.store.port import Connection, Fields, Reader, Store
from monitor.store.watch import PARKED

MANY = 40  # tokens of one address
NEWS_OF = 2 * 86_400  # seconds: what was told before that is held against the chain in its turn


_WAITS = (
    "SELECT s.key, s.chain, s.address, "
    "max(json_extract(e.terms, '$.severity') = 'severe' "
    "OR json_extract(e.terms, '$.held') IS NOT NULL) AS severe, "
    "b.at, b.due FROM entry e JOIN scope s ON s.key = e.subject "
    # The coin is asked for in every round, a token perhaps never again.
    "LEFT JOIN balance b ON b.subject = s.key AND b.contract = '' WHERE e.retired IS NULL "
    "AND e.base_height IS NOT NULL AND "
)
_EVERY = (
    f"EXISTS (SELECT 1 FROM joined j WHERE j.subject = s.key AND j.stream = '{EVERY}' "
    "AND j.until_place IS NULL)"
)


def waiting(store: Reader, now: int) -> list[Waiting]:
    """Every address with an active entry whose first reading has ended, but for those whose chain
    is read block by block."""
    # Those are not due by themselves.
    rows = store.read(
        f"{_WAITS} e.history <> 'due' AND s.due < {PARKED} GROUP BY s.key ORDER BY s.key"
    )
    return _waiting(store, rows, now)


def touched(store: Reader, now: int, most: int) -> list[Waiting]:
    """Addresses that the newest blocks of their chain touch, and whose balances are to be asked
    for because of it, in the order of that."""
    rows = store.read(
        "SELECT subject FROM touched WHERE due <= ? ORDER BY due, subject LIMIT ?", [now, most]
    )
    return _those(store, [row["subject"] for row in rows], now, touched=True)


def members(store: Reader, now: int, most: int, after: str) -> tuple[list[Waiting], str]:
    """Of the addresses whose chains are read block by block some of those whose turn it is: those
    that were asked for the longest ago, those of which something was told since, and some that
    never were, by their keys from above `after` on. With the last of these, empty at their end."""
    due = store.read(
        f"SELECT b.subject FROM balance b JOIN scope s ON s.key = b.subject WHERE b.contract = '' "
        f"AND b.due <= ? AND {_EVERY} ORDER BY b.due LIMIT ?",
        [now, most],
    )
    never = store.read(
        "SELECT j.subject FROM joined j WHERE j.subject > ? AND j.stream = ? "
        "AND j.until_place IS NULL AND NOT EXISTS (SELECT 1 FROM balance b "
        "WHERE b.subject = j.subject AND b.contract = '') AND EXISTS (SELECT 1 FROM reading r "
        "WHERE r.scope = j.scope AND r.complete_to IS NOT NULL) ORDER BY j.subject LIMIT ?",
        [after, EVERY, most],
    )
    moved = _moved_members(store, now)[:most]
    found = list(dict.fromkeys([*(row["subject"] for row in due), *moved]))
    found += [row["subject"] for row in never]
    last = never[-1]["subject"] if len(never) == most else ""
    return _those(store, found, now), last


def _moved_members(store: Reader, now: int) -> list[str]:
    """Of which something was told since their coin was asked for, the oldest news first."""
    told = _told(store, now - NEWS_OF)
    rows = store.read_in(
        "SELECT b.subject, b.at FROM balance b JOIN scope s ON s.key = b.subject "
        f"WHERE b.contract = '' AND {_EVERY} AND b.subject IN ({{}})",
        told,
    )
    moved = [row["subject"] for row in rows if row["at"] < told[row["subject"]]]
    return sorted(moved, key=lambda key: (told[key], key))


def _those(store: Reader, keys: Sequence[str], now: int, *, touched: bool = False) -> list[Waiting]:
    rows = store.read_in(f"{_WAITS} s.key IN ({{}}) GROUP BY s.key", keys)
    places = {key: place for place, key in enumerate(keys)}
    ordered = sorted(rows, key=lambda row: places[row["key"]])
    return _waiting(store, ordered, now, touched=touched)


def looks(store: Reader, chain: str) -> tuple[int, int, int | None]:
    """How many members a chain has that is read block by block, of how many of them the coin was
    asked for, and when that was the longest ago."""
    (every,) = store.read(
        "SELECT count(*) AS n FROM joined WHERE scope = ? AND stream = ? AND until_place IS NULL",
        [ChainWide(chain).key, EVERY],
    )
    (asked,) = store.read(
        "SELECT count(*) AS n, min(b.at) AS at FROM balance b "
        "WHERE b.contract = '' AND b.figure IS NOT NULL AND b.subject > ? AND b.subject < ? "
        "AND EXISTS (SELECT 1 FROM joined j WHERE j.subject = b.subject AND j.stream = ? "
        "AND j.until_place IS NULL)",
        [f"{chain}/", f"{chain}0", EVERY],
    )
    return every["n"], asked["n"], asked["at"]


def touch(conn: Connection, scope: ChainWide, rows: Iterable[Transfer], now: int) -> None:
    """Members that these rows touch are to be asked for soon."""
    addresses = {address for row in rows for address in row.parties()}
    keys = [Subject(scope.chain, each).key for each in sorted(addresses)]
    conn.executemany(
        "INSERT INTO touched (subject, chain, due) SELECT ?1, ?2, ?3 WHERE EXISTS "
        "(SELECT 1 FROM joined WHERE subject = ?1 AND scope = ?4 AND stream = ?5 "
        "AND until_place IS NULL) ON CONFLICT (subject) DO UPDATE SET due = excluded.due",
        [(key, scope.chain, now, scope.key, EVERY) for key in keys],
    )


def among(store: Reader, subjects: Iterable[Subject]) -> set[Subject]:
    """Those of these addresses that the newest blocks touch."""
    by_key = {subject.key: subject for subject in subjects}
    rows = store.read_in("SELECT subject FROM touched WHERE subject IN ({})", by_key)
    return {by_key[row["subject"]] for row in rows}


def completed(store: Store, subjects: Iterable[Subject]) -> None:
    """Of members whose history is read now: what could not be checked for its lack can be."""
    lacked = (
        "SELECT 1 FROM balance o WHERE o.subject = balance.subject AND o.verified = 1 "
        f"AND o.state = '{State.CANNOT_CHECK}' AND o.reason LIKE '{NOT_COMPLETE}%' "
        f"AND o.reason NOT LIKE '{OPENING}%'"
    )
    with store.write() as conn:
        conn.executemany(
            f"UPDATE balance SET due = 0 WHERE subject = ? AND contract = '' AND EXISTS ({lacked})",
            [(each.key,) for each in subjects],
        )


def asked(store: Store, subjects: Iterable[Subject], since: int, again: int) -> None:
    """Addresses were asked for, after `since`: who was touched before waits no more, but for those
    of whose coin nothing could be said, who wait until `again`."""
    keys = [each.key for each in subjects]
    said = (
        "EXISTS (SELECT 1 FROM balance b WHERE b.subject = ?1 AND b.contract = '' AND b.at >= ?2 "
        f"AND (b.state <> '{State.CANNOT_CHECK}' OR b.reason LIKE '{OPENING}%'))"
    )
    with store.write() as conn:
        conn.executemany(
            f"DELETE FROM touched WHERE subject = ?1 AND due <= ?2 AND {said}",
            [(key, since) for key in keys],
        )
        conn.executemany(
            "UPDATE touched SET due = ? WHERE subject = ? AND due <= ?",
            [(again, key, since) for key in keys],
        )


def _waiting(
    store: Reader, rows: Sequence[Fields], now: int, *, touched: bool = False
) -> list[Waiting]:
    told = _told(store, now - NEWS_OF)
    return [
        Waiting(
            Subject(row["chain"], row["address"]),
            severe=bool(row["severe"]),
            held=row["at"],
            due=row["due"] or 0,
            news=told.get(row["key"]),
            touched=touched,
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
