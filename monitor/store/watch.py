"""Entries, subjects and list versions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.model import Alert, Baseline, Entry, Subject, Watched
from monitor.store import Store
from monitor.store.journal import insert_alerts
from monitor.store.rows import entry_terms, to_watched

Watch = Mapping[str, Mapping[str, tuple[Watched, ...]]]  # chain -> address -> entries


def all_entries(store: Store) -> list[Watched]:
    """Every entry ever taken, retired ones too, in the order of adding."""
    rows = store.read("SELECT * FROM entry ORDER BY added, rowid")
    return [to_watched(row) for row in rows]


def watch(store: Store) -> Watch:
    """Active entries by chain and address."""
    found: dict[str, dict[str, tuple[Watched, ...]]] = {}
    for watched in all_entries(store):
        if watched.active:
            subject = watched.entry.subject
            by_address = found.setdefault(subject.chain, {})
            by_address[subject.address] = (*by_address.get(subject.address, ()), watched)
    return found


def with_baselines(entries: Watch, chain: str, fixed: Mapping[str, Baseline]) -> Watch:
    """The same entries, those named in `fixed` with their baseline."""
    changed = {
        address: tuple(replace(w, baseline=w.baseline or fixed.get(w.entry.id)) for w in watched)
        for address, watched in entries.get(chain, {}).items()
        if any(w.entry.id in fixed for w in watched)
    }
    return {**entries, chain: {**entries.get(chain, {}), **changed}}


def absent_entries(store: Store) -> list[Watched]:
    """Entries that the file no longer holds and nobody has retired: still watched."""
    rows = store.read("SELECT * FROM entry WHERE absent IS NOT NULL AND retired IS NULL")
    return [to_watched(row) for row in rows]


def take_list(
    store: Store,
    entries: Sequence[Entry],
    keep: Collection[str],
    sha256: str,
    outcome: Mapping[str, object],
    now: int,
    answer: tuple[Sequence[Alert], Sequence[tuple[str, str, str]]] = ((), ()),
) -> None:
    """Take a read watchlist: additions and edits apply, retired ones end, missing stay.

    `keep` names entries whose lines were refused: they are neither changed nor missing.
    `answer`: what is told of it, with the routes; taken and told go together.
    """
    with store.write() as conn:
        for entry in entries:
            _take(conn, entry, sha256, now)
        present = {e.id for e in entries} | set(keep)
        rows = conn.execute("SELECT id, absent FROM entry WHERE retired IS NULL").fetchall()
        for row in rows:
            absent = None if row["id"] in present else (row["absent"] or now)
            conn.execute("UPDATE entry SET absent = ? WHERE id = ?", (absent, row["id"]))
        conn.execute(
            "INSERT INTO list_version (sha256, at, outcome) VALUES (?, ?, ?) "
            "ON CONFLICT (sha256, at) DO NOTHING",
            (sha256, now, json.dumps(outcome, ensure_ascii=False)),
        )
        insert_alerts(conn, *answer)


def last_list(store: Store) -> str:
    """The sha256 of the watchlist that was taken last."""
    rows = store.read("SELECT sha256 FROM list_version ORDER BY at DESC, rowid DESC LIMIT 1")
    return str(rows[0]["sha256"]) if rows else ""


def _take(conn: sqlite3.Connection, entry: Entry, sha256: str, now: int) -> None:
    subject = entry.subject
    conn.execute(
        "INSERT INTO subject (key, chain, address) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (subject.key, subject.chain, subject.address),
    )
    terms, retired = entry_terms(entry), now if entry.retired else None
    old = conn.execute("SELECT terms, retired FROM entry WHERE id = ?", (entry.id,)).fetchone()
    if old is not None and old["terms"] == terms and (old["retired"] is None) == (retired is None):
        return
    conn.execute(
        "INSERT INTO entry (id, subject, case_id, terms, added, retired) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT (id) DO UPDATE SET terms = excluded.terms, "
        "retired = CASE WHEN excluded.retired IS NULL THEN NULL "
        "ELSE coalesce(entry.retired, excluded.retired) END",
        (entry.id, subject.key, entry.case, terms, now, retired),
    )
    conn.execute(
        "INSERT INTO entry_version (entry, at, terms, list_sha256) VALUES (?,?,?,?) "
        "ON CONFLICT (entry, at, terms) DO NOTHING",
        (entry.id, now, terms, sha256),
    )
    if old is None:
        conn.execute("UPDATE subject SET due = 0 WHERE key = ?", (subject.key,))


def due_subjects(store: Store, now: int | None) -> list[Subject]:
    """Subjects with an active entry that are due (all of them for None), longest due first."""
    rows = store.read(
        "SELECT chain, address FROM subject s WHERE due <= ? AND EXISTS "
        "(SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL) ORDER BY due, key",
        [2**62 if now is None else now],
    )
    return [Subject(row["chain"], row["address"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Ended:
    """A poll of a subject that came to its end."""

    subject: Subject
    due: int  # when it is due again
    failed: bool
    deep: int | None = None  # when the trailing window was read again, if it was


def turn(store: Store, ended: Sequence[Ended], begun: Sequence[Subject], now: int) -> None:
    """Note polls that ended and polls that begin, of many subjects in one transaction:
    each commit waits for the disk."""
    if not ended and not begun:
        return
    with store.write() as conn:
        conn.executemany(
            "UPDATE subject SET due = ?, in_flight = NULL, deep = coalesce(?, deep), "
            "failures = CASE WHEN ? THEN failures + 1 ELSE 0 END WHERE key = ?",
            [(e.due, e.deep, e.failed, e.subject.key) for e in ended],
        )
        conn.executemany(
            "UPDATE subject SET in_flight = ? WHERE key = ?", [(now, s.key) for s in begun]
        )


def schedule(store: Store, subject: Subject, due: int, *, failed: bool) -> None:
    """End a poll of one subject: when it is due again."""
    turn(store, [Ended(subject, due, failed)], [], due)


def stuck_subjects(store: Store) -> list[Subject]:
    """Subjects whose poll was under way when an earlier run ended."""
    rows = store.read("SELECT chain, address FROM subject WHERE in_flight IS NOT NULL")
    return [Subject(row["chain"], row["address"]) for row in rows]


def deep_read_at(store: Store, subject: Subject) -> int:
    rows = store.read("SELECT deep FROM subject WHERE key = ?", [subject.key])
    return int(rows[0]["deep"]) if rows else 0


def history_due(store: Store, subject: Subject) -> list[Watched]:
    """Entries of a subject whose start-up summary has not been told yet."""
    rows = store.read(
        "SELECT * FROM entry WHERE subject = ? AND history = 'due' AND retired IS NULL",
        [subject.key],
    )
    return [to_watched(row) for row in rows]


def tell_history(
    store: Store, entry_id: str, alert: Alert, routes: Sequence[tuple[str, str, str]]
) -> None:
    """Store an entry's start-up summary, once."""
    with store.write() as conn:
        insert_alerts(conn, [alert], routes)
        conn.execute("UPDATE entry SET history = 'told' WHERE id = ?", (entry_id,))


def retire(store: Store, entry: Entry, now: int) -> None:
    """End the watch of an entry that the file no longer holds."""
    with store.write() as conn:
        conn.execute(
            "UPDATE entry SET retired = ?, absent = NULL, terms = ? WHERE id = ?",
            (now, entry_terms(entry), entry.id),
        )
