"""Entries, subjects and list versions."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.model import Entry, Kin, Severity, Subject, Watched
from monitor.model.scope import WHOLE, ChainWide, Scope, scope_of
from monitor.store import follow
from monitor.store.follow import POLLED
from monitor.store.port import Reader, Store
from monitor.store.rows import to_watched


def unmet(store: Reader, chain: str) -> frozenset[str]:
    """The addresses of a chain with an active entry that has not had its first contact."""
    rows = store.read(
        "SELECT DISTINCT s.address FROM entry e JOIN scope s ON s.key = e.subject "
        "WHERE e.subject > ? AND e.subject < ? AND e.base_height IS NULL AND e.retired IS NULL",
        [f"{chain}/", f"{chain}0"],
    )
    return frozenset(row["address"] for row in rows)


def has_severe(store: Reader, chain: str) -> bool:
    """Whether an active entry of a chain is severe."""
    rows = store.read(
        'SELECT 1 FROM entry WHERE instr(terms, \'"severity": "severe"\') > 0 AND subject > ? '
        "AND subject < ? AND retired IS NULL AND json_extract(terms, '$.severity') = ? LIMIT 1",
        [f"{chain}/", f"{chain}0", Severity.SEVERE.value],
    )
    return bool(rows)


def all_entries(store: Reader) -> list[Watched]:
    """Every entry ever taken, retired ones too, in the order of adding. Costs as much as the
    list is long: what is done often asks for what it needs."""
    rows = store.read("SELECT * FROM entry ORDER BY added, rowid")
    return [to_watched(row) for row in rows]


def active_in_parts(
    store: Reader, size: int, *, but: Collection[str] = ()
) -> Iterator[list[Watched]]:
    """Every active entry in the order of adding, so many at a time. `but`: chains that are left
    out."""
    others = " AND NOT (subject > ? AND subject < ?)" * len(but)
    order = store.read(
        f"SELECT rowid AS nr FROM entry WHERE retired IS NULL{others} ORDER BY added, rowid",
        [end for chain in but for end in (f"{chain}/", f"{chain}0")],
    )
    numbers = array("q", (row["nr"] for row in order))
    del order
    for start in range(0, len(numbers), size):
        part = numbers[start : start + size]
        rows = store.read_in("SELECT rowid AS nr, * FROM entry WHERE rowid IN ({})", part)
        place = {nr: at for at, nr in enumerate(part)}
        yield [to_watched(row) for row in sorted(rows, key=lambda row: place[row["nr"]])]


def kin(store: Reader) -> list[Kin]:
    """Of every entry ever taken, each once. Memory is bounded by how many cases there are."""
    rows = store.read(
        "SELECT DISTINCT case_id, json_extract(terms, '$.tags') AS tags, "
        "json_extract(terms, '$.channels') AS channels FROM entry"
    )
    return [
        Kin(
            row["case_id"],
            tuple(json.loads(row["tags"] or "[]")),
            None if row["channels"] is None else tuple(json.loads(row["channels"])),
        )
        for row in rows
    ]


def persons_entries(store: Reader) -> list[Watched]:
    """Every entry that people ever wrote into the watchlist, in the order of adding."""
    rows = store.read("SELECT * FROM entry WHERE list = '' ORDER BY added, rowid")
    return [to_watched(row) for row in rows]


def entries_of(store: Reader, subjects: Iterable[Subject]) -> dict[Subject, tuple[Watched, ...]]:
    """Every entry on these subjects, retired ones too, each subject's in the order of adding.
    Subjects without one are left out."""
    rows = store.read_in(
        "SELECT rowid AS nr, * FROM entry WHERE subject IN ({})", (s.key for s in subjects)
    )
    found: dict[Subject, list[Watched]] = {}
    for row in sorted(rows, key=lambda row: (row["added"], row["nr"])):
        watched = to_watched(row)
        found.setdefault(watched.entry.subject, []).append(watched)
    return {subject: tuple(watched) for subject, watched in found.items()}


def in_use(store: Reader, addresses: Iterable[str]) -> frozenset[str]:
    """Those of these addresses that are or ever were watched or followed, on whatever chain."""
    rows = store.read_in("SELECT DISTINCT address FROM scope WHERE address IN ({})", addresses)
    return frozenset(row["address"] for row in rows)


def named(store: Reader, ids: Sequence[str]) -> list[Entry]:
    """Entries by their ids, in this order."""
    rows = store.read_in("SELECT * FROM entry WHERE id IN ({})", ids)
    found = {row["id"]: to_watched(row).entry for row in rows}
    return [found[each] for each in ids if each in found]


def active_chains(store: Reader) -> list[str]:
    """Chains with an active entry."""
    sql = "SELECT 1 FROM entry WHERE retired IS NULL AND subject > ? AND subject < ? LIMIT 1"
    return [chain for chain in chains(store) if store.read(sql, [f"{chain}/", f"{chain}0"])]


def is_listed(store: Reader, chain: str) -> bool:
    """Whether any address of a chain is or was on the list."""
    where = "SELECT 1 FROM scope s JOIN entry e ON e.subject = s.key WHERE s.chain = ? LIMIT 1"
    return bool(store.read(where, [chain]))


def canaries(store: Reader) -> list[Watched]:
    """Active entries that are to move all the time."""
    rows = store.read(
        "SELECT * FROM entry INDEXED BY entry_canary WHERE list = '' "
        "AND instr(terms, '\"canary\": ') > 0 AND retired IS NULL "
        "AND json_extract(terms, '$.canary') > 0"
    )
    return [to_watched(row) for row in rows]


def watch(store: Reader, chain: str, addresses: Iterable[str]) -> dict[str, tuple[Watched, ...]]:
    """Active entries on these addresses of a chain, by address."""
    found = entries_of(store, (Subject(chain, address) for address in addresses))
    active = {s.address: tuple(w for w in watched if w.active) for s, watched in found.items()}
    return {address: watched for address, watched in active.items() if watched}


def chains(store: Reader) -> list[str]:
    """Chains on which any address is or was read. Costs no more with many addresses."""
    rows = store.read(
        "WITH RECURSIVE c (chain) AS (SELECT min(chain) FROM scope UNION ALL "
        "SELECT (SELECT min(s.chain) FROM scope s WHERE s.chain > c.chain) FROM c "
        "WHERE c.chain IS NOT NULL) SELECT chain FROM c WHERE chain IS NOT NULL"
    )
    return [row["chain"] for row in rows]


def restricted(store: Reader, chain: str) -> dict[Subject, tuple[Watched, ...]]:
    """Active entries of a chain that say who alone may be asked about their address."""
    rows = store.read(
        "SELECT * FROM entry WHERE list = '' AND instr(terms, '\"sources\": ') > 0 AND subject > ? "
        "AND subject < ? AND retired IS NULL AND json_array_length(terms, '$.sources') > 0",
        [f"{chain}/", f"{chain}0"],
    )
    found: dict[Subject, list[Watched]] = {}
    for row in rows:
        watched = to_watched(row)
        found.setdefault(watched.entry.subject, []).append(watched)
    return {subject: tuple(each) for subject, each in found.items()}


def entries(store: Reader, ids: Iterable[str]) -> dict[str, Watched]:
    """Entries by id; unknown ids are left out."""
    rows = store.read_in("SELECT * FROM entry WHERE id IN ({})", ids)
    return {row["id"]: to_watched(row) for row in rows}


def version(store: Reader) -> int:
    """Another number means that what entries say has changed. Costs nothing to ask."""
    sql = (
        "SELECT coalesce((SELECT max(rowid) FROM entry), 0) "
        "+ coalesce((SELECT max(rowid) FROM entry_change), 0) AS n"
    )
    return int(store.read(sql)[0]["n"])


def concerned(store: Reader, keys: Iterable[str]) -> list[tuple[str, str]]:
    """Active entries of subjects, by the subjects' keys: (id, case id)."""
    sql = "SELECT id, case_id FROM entry WHERE subject IN ({}) AND retired IS NULL"
    return sorted((row["id"], row["case_id"]) for row in store.read_in(sql, keys))


def concerned_on(store: Reader, chain: str) -> list[tuple[str, str]]:
    """Active entries of a chain: (id, case id)."""
    rows = store.read(
        "SELECT id, case_id FROM entry WHERE subject > ? AND subject < ? AND retired IS NULL "
        "ORDER BY id",
        [f"{chain}/", f"{chain}0"],
    )
    return [(row["id"], row["case_id"]) for row in rows]


def absent_entries(store: Reader) -> list[Watched]:
    """Entries that the file no longer holds and nobody has retired: still watched."""
    rows = store.read("SELECT * FROM entry WHERE absent IS NOT NULL AND retired IS NULL")
    return [to_watched(row) for row in rows]


def versions(store: Reader, entry_id: str) -> list[int]:
    """When each version of an entry was taken, oldest first."""
    rows = store.read("SELECT at FROM entry_version WHERE entry = ? ORDER BY at", [entry_id])
    return [row["at"] for row in rows]


def summarised(store: Reader) -> tuple[int, int]:
    """How many entries there are, retired ones too, and of how many the start-up summary was
    told."""
    row = store.read("SELECT count(*) AS n, total(history = 'told') AS told FROM entry")[0]
    return row["n"], int(row["told"])


@dataclass(frozen=True, slots=True)
class TakenList:
    """A watchlist as it was taken; one without a time was not."""

    sha256: str = ""
    at: int | None = None  # Unix seconds
    refused: Sequence[str] = ()  # lines that were refused, and why


def last_list(store: Reader) -> TakenList:
    """The watchlist that was taken last."""
    rows = store.read("SELECT * FROM list_version ORDER BY rowid DESC LIMIT 1")
    if not rows:
        return TakenList()
    outcome: dict[str, list[str]] = json.loads(rows[0]["outcome"])
    return TakenList(rows[0]["sha256"], rows[0]["at"], tuple(outcome.get("refused", ())))


_LISTED = "EXISTS (SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL)"
PARKED = 2**62  # when an address is due whose chain is read for it block by block: not by itself
_EVER = PARKED - 1
# Of what was never read: since when a published list names it.
_NEWEST = (
    "CASE WHEN due = 0 THEN (SELECT max(json_extract(e.terms, '$.origin.since')) FROM entry e "
    "WHERE e.subject = s.key AND e.retired IS NULL) END"
)


def due_subjects(
    store: Reader, now: int | None, *, followed: bool = True, but: Collection[str] = ()
) -> list[Subject]:
    """Subjects that are due (all of them for None): those with an active entry, longest due
    first, then (where `followed`) those that are followed only and have calls left. What was never
    read comes first, of this what people wrote down themselves, then what was listed last. `but`:
    chains that are left out."""
    rows = store.read(
        f"SELECT * FROM (SELECT key, chain, address, due, {_LISTED} AS listed, EXISTS (SELECT 1 "
        f"FROM followed f WHERE f.subject = s.key AND {POLLED}) AS polled, {_NEWEST} AS newest "
        f"FROM scope s WHERE due <= ? AND chain NOT IN ({','.join('?' * len(but))})) "
        "WHERE listed OR (polled AND ?) "
        "ORDER BY NOT listed, due, newest IS NOT NULL, newest DESC, key",
        [_EVER if now is None else now, *but, followed],
    )
    return [Subject(row["chain"], row["address"]) for row in rows]


def due_wholes(store: Reader, now: int | None) -> list[ChainWide]:
    """Chain-wide scopes with members that are due (all of them for None)."""
    rows = store.read(
        "SELECT chain FROM scope s WHERE due <= ? AND address = ? AND EXISTS "
        "(SELECT 1 FROM joined j WHERE j.scope = s.key AND j.until_place IS NULL) ORDER BY due",
        [_EVER if now is None else now, WHOLE],
    )
    return [ChainWide(row["chain"]) for row in rows]


def listed_subjects(store: Reader) -> list[Subject]:
    """Subjects with an active entry."""
    rows = store.read(f"SELECT chain, address FROM scope s WHERE {_LISTED} ORDER BY key")
    return [Subject(row["chain"], row["address"]) for row in rows]


def listed_numbers(store: Reader) -> dict[str, int]:
    """How many subjects with an active entry each chain has."""
    sql = (
        "SELECT count(DISTINCT subject) AS n FROM entry WHERE retired IS NULL AND subject > ? "
        "AND subject < ?"
    )
    found = {chain: store.read(sql, [f"{chain}/", f"{chain}0"])[0]["n"] for chain in chains(store)}
    return {chain: number for chain, number in found.items() if number}


def read_on(store: Reader, chain: str) -> list[Subject]:
    """Subjects of a chain that are to be read: with an active entry, or followed."""
    rows = store.read(
        f"SELECT address FROM scope s WHERE key > ? AND key < ? AND ({_LISTED} OR EXISTS "
        "(SELECT 1 FROM followed f WHERE f.subject = s.key AND f.until IS NULL))",
        [f"{chain}/", f"{chain}0"],
    )
    return [Subject(chain, row["address"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Ended:
    """A poll of a scope that came to its end."""

    scope: Scope
    due: int  # when it is due again
    failed: bool
    deep: int | None = None  # when the trailing window was read again, if it was
    calls: int = 0  # that count against the budget of those who follow it


def turn(store: Store, ended: Sequence[Ended], begun: Sequence[Scope], now: int) -> None:
    """Note polls that ended and polls that begin, of many scopes in one transaction:
    each commit waits for the disk."""
    if not ended and not begun:
        return
    with store.write() as conn:
        conn.executemany(
            "UPDATE scope SET due = ?, in_flight = NULL, deep = coalesce(?, deep), "
            "failures = CASE WHEN ? THEN failures + 1 ELSE 0 END WHERE key = ?",
            [(e.due, e.deep, e.failed, e.scope.key) for e in ended],
        )
        follow.use(conn, [(e.scope.key, e.calls) for e in ended])
        conn.executemany(
            "UPDATE scope SET in_flight = ? WHERE key = ?", [(now, s.key) for s in begun]
        )


def schedule(store: Store, scope: Scope, due: int, *, failed: bool) -> None:
    """End a poll of one scope: when it is due again."""
    turn(store, [Ended(scope, due, failed)], [], due)


def hurry(store: Store, now: int) -> None:
    """Read at once what failed the last time and waits for its next turn."""
    failed = f"failures > 0 AND due > ? AND due < {PARKED} AND in_flight IS NULL"
    if store.read(f"SELECT 1 FROM scope WHERE {failed} LIMIT 1", [now]):
        with store.write() as conn:
            conn.execute(f"UPDATE scope SET due = ? WHERE {failed}", (now, now))


def stuck_scopes(store: Reader) -> list[Scope]:
    """Scopes whose poll was under way when an earlier run ended."""
    rows = store.read("SELECT chain, address FROM scope WHERE in_flight IS NOT NULL")
    return [scope_of(row["chain"], row["address"]) for row in rows]


def deep_read_at(store: Reader, scope: Scope) -> int:
    rows = store.read("SELECT deep FROM scope WHERE key = ?", [scope.key])
    return int(rows[0]["deep"]) if rows else 0


def history_due_on(store: Reader, chain: str) -> list[Watched]:
    """Entries of a chain that have been met and whose start-up summary has not been told yet."""
    rows = store.read(
        "SELECT * FROM entry WHERE subject > ? AND subject < ? AND history = 'due' "
        "AND base_height IS NOT NULL AND retired IS NULL ORDER BY id",
        [f"{chain}/", f"{chain}0"],
    )
    return [to_watched(row) for row in rows]


def history_due(store: Reader, subject: Subject) -> list[Watched]:
    """Entries of a subject whose start-up summary has not been told yet."""
    rows = store.read(
        "SELECT * FROM entry WHERE subject = ? AND history = 'due' AND retired IS NULL",
        [subject.key],
    )
    return [to_watched(row) for row in rows]
