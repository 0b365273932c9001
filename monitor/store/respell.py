"""Bring subjects of the record into the form that addresses have now.

Records of before knew a Litecoin script under the spelling that the list used: 3... and M...
were two addresses, and what explorers told of the one was never held against the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from monitor.model import Subject
from monitor.model.ids import stable_id
from monitor.store.port import Connection, Fields, Reader, Store

Renamed = tuple[Subject, str]  # as it stands in the record; its address as it is written now


def subjects_of(store: Reader, chain: str) -> list[Subject]:
    rows = store.read("SELECT address FROM scope WHERE chain = ?", [chain])
    return [Subject(chain, row["address"]) for row in rows]


def respell(store: Store, renamed: Sequence[Renamed], now: int) -> None:
    """Move entries, alerts and rows to the present form. What was booked as read under the
    old one is taken back: it was read, and not held against the address."""
    if not renamed:
        return
    with store.write() as conn:
        conn.execute("PRAGMA defer_foreign_keys = ON")
        for old, address in renamed:
            _move(conn, old, Subject(old.chain, address), now)


def _move(conn: Connection, old: Subject, new: Subject, now: int) -> None:
    conn.execute(
        "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET due = 0",
        (new.key, new.chain, new.address),
    )
    for row in conn.execute(
        "SELECT id, case_id, terms FROM entry WHERE subject = ?", (old.key,)
    ).fetchall():
        _move_entry(conn, row, old, new, now)
    for table in ("coverage", "gap", "reading", "doubt"):
        conn.execute(f"DELETE FROM {table} WHERE scope = ?", (old.key,))
    for party in ("sender", "recipient"):
        conn.execute(
            f"UPDATE transfer SET {party} = ? WHERE chain = ? AND {party} = ?",
            (new.address, new.chain, old.address),
        )
    conn.execute("DELETE FROM scope WHERE key = ?", (old.key,))


def _move_entry(conn: Connection, row: Fields, old: Subject, new: Subject, now: int) -> None:
    """The entry under the id that the watchlist gives it now. Where both spellings were on
    the list, the older line ends: the other one watches on."""
    case, given = row["case_id"], row["id"]
    mine = given == stable_id("E", case, old.chain, old.address)
    entry = stable_id("E", case, new.chain, new.address) if mine else given
    terms = json.loads(row["terms"])
    terms |= {"id": entry, "subject": {"chain": new.chain, "address": new.address}}
    if entry != given and conn.execute("SELECT 1 FROM entry WHERE id = ?", (entry,)).fetchone():
        conn.execute(
            "UPDATE entry SET subject = ?, retired = coalesce(retired, ?) WHERE id = ?",
            (new.key, now, given),
        )
        return
    conn.execute(
        "UPDATE entry SET id = ?, subject = ?, terms = ? WHERE id = ?",
        (entry, new.key, json.dumps(terms, sort_keys=True, ensure_ascii=False), given),
    )
    for table in ("entry_version", "alert"):
        conn.execute(f"UPDATE {table} SET entry = ? WHERE entry = ?", (entry, given))
