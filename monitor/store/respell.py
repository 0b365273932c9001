"""Bring subjects of the record into the form that addresses have now.

Records of before knew a Litecoin script under the spelling that the list used: 3... and M...
were two addresses, and what explorers told of the one was never held against the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from monitor.model import Subject
from monitor.model.acts import Actor, Respell
from monitor.model.ids import stable_id
from monitor.model.scope import WHOLE
from monitor.store import entrylog
from monitor.store.entrylog import Changed
from monitor.store.log import Part, next_seq
from monitor.store.port import Connection, Fields, Reader


def subjects_of(store: Reader, chain: str) -> list[Subject]:
    rows = store.read("SELECT address FROM scope WHERE chain = ? AND address <> ?", [chain, WHOLE])
    return [Subject(chain, row["address"]) for row in rows]


def carry(conn: Connection, _actor: Actor, act: Respell) -> tuple[None, list[Part]]:
    """Move entries, alerts and rows to the present form. What was booked as read under the
    old one is taken back, in chain-wide lists too: it was read, and not held against the
    address."""
    conn.execute("PRAGMA defer_foreign_keys = ON")
    moves = [(old, Subject(old.chain, address)) for old, address in act.renamed]
    return None, [part for old, new in moves for part in _move(conn, old, new, act.at)]


def _move(conn: Connection, old: Subject, new: Subject, now: int) -> list[Part]:
    """Returns what the log says of it."""
    _allow(conn, old.key, new.key)
    conn.execute(
        "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET due = 0",
        (new.key, new.chain, new.address),
    )
    entries = [
        _move_entry(conn, row, old, new, now)
        for row in conn.execute(
            "SELECT id, case_id, terms, retired FROM entry WHERE subject = ?", (old.key,)
        ).fetchall()
    ]
    moved = {party: _move_party(conn, party, old, new) for party in ("sender", "recipient")}
    read = conn.execute(
        "SELECT stream, source, axis, lo, hi FROM coverage WHERE scope = ?", (old.key,)
    ).fetchall()
    for table in ("coverage", "gap", "reading", "doubt"):
        conn.execute(f"DELETE FROM {table} WHERE scope = ?", (old.key,))
    for table in ("joined", "dormant", "balance", "finding", "second_word"):
        conn.execute(f"DELETE FROM {table} WHERE subject = ?", (old.key,))
    _move_followed(conn, old, new)
    conn.execute("DELETE FROM scope WHERE key = ?", (old.key,))
    body = {"old": old.key, "new": new.key, **moved, "unread": [[*row] for row in read]}
    cases = frozenset(each.case for each in entries if each.case)
    return [Part("respelt", body, cases), *entrylog.parts(entries)]


def _allow(conn: Connection, old: str, new: str) -> None:
    """What is only added to lets a key be exchanged that an act has respelt."""
    conn.execute(
        "INSERT INTO respelt (old, new, seq) VALUES (?, ?, ?) ON CONFLICT (old, new) DO NOTHING",
        (old, new, next_seq(conn)),
    )


def _move_followed(conn: Connection, old: Subject, new: Subject) -> None:
    """Where a case follows both spellings, the following of the new one goes on."""
    conn.execute("UPDATE OR IGNORE followed SET subject = ? WHERE subject = ?", (new.key, old.key))
    conn.execute("DELETE FROM followed WHERE subject = ?", (old.key,))


def _move_party(conn: Connection, party: str, old: Subject, new: Subject) -> list[list[str]]:
    """Returns which rows."""
    mine = f"WHERE chain = ? AND {party} = ?"
    found = conn.execute(f"SELECT tx, leg FROM transfer {mine}", (old.chain, old.address))
    rows = [[*row] for row in found.fetchall()]
    conn.execute(f"UPDATE transfer SET {party} = ? {mine}", (new.address, old.chain, old.address))
    return rows


def _made_of(terms: str, case: str) -> Callable[[Subject], str]:
    """By which rule an entry gets its id: that of the watchlist, or of a published list."""
    origin = json.loads(terms).get("origin")
    if origin is None:
        return lambda subject: stable_id("E", case, subject.chain, subject.address)
    name, entity = origin["list"], origin["entity"]
    return lambda subject: stable_id("E", "list", name, subject.key, entity)


def _move_entry(conn: Connection, row: Fields, old: Subject, new: Subject, now: int) -> Changed:
    """The entry under the id that it would be given now. Where both spellings were on
    the list, the older line ends: the other one watches on."""
    case, given = row["case_id"], row["id"]
    made_of = _made_of(row["terms"], case)
    mine = given == made_of(old)
    entry = made_of(new) if mine else given
    before = {"id": given, "subject": old.key, "terms": row["terms"], "retired": row["retired"]}
    if entry != given and conn.execute("SELECT 1 FROM entry WHERE id = ?", (entry,)).fetchone():
        after = {**before, "subject": new.key, "retired": row["retired"] or now}
    else:
        terms = json.loads(row["terms"])
        terms |= {"id": entry, "subject": {"chain": new.chain, "address": new.address}}
        text = json.dumps(terms, sort_keys=True, ensure_ascii=False)
        after = {**before, "id": entry, "subject": new.key, "terms": text}
    conn.execute(
        "UPDATE entry SET id = ?, subject = ?, terms = ?, retired = ? WHERE id = ?",
        (*after.values(), given),
    )
    if after["id"] != given:
        _allow(conn, given, entry)
        for table in ("entry_change", "alert"):
            conn.execute(f"UPDATE {table} SET entry = ? WHERE entry = ?", (entry, given))
    return Changed(given, case, before, after)
