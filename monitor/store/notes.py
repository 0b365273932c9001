"""Notes: single values that outlive the process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.store.log import Part
from monitor.store.port import Connection, Reader, Store

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor, BackedUp, TestChannel


def put_note(store: Store, key: str, value: str | None) -> None:
    """A small fact of the program: when the last pass ended, and the like. None forgets it."""
    with store.write() as conn:
        write_note(conn, key, value)


def write_note(conn: Connection, key: str, value: str | None) -> None:
    if value is None:
        conn.execute("DELETE FROM note WHERE key = ?", (key,))
        return
    conn.execute(
        "INSERT INTO note (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def get_note(store: Reader, key: str) -> str | None:
    rows = store.read("SELECT value FROM note WHERE key = ?", [key])
    return str(rows[0]["value"]) if rows else None


def carry_test(conn: Connection, _actor: Actor, act: TestChannel) -> tuple[None, list[Part]]:
    """A test counts as one only where everybody accepted it."""
    if not act.refused:
        write_note(conn, f"test:{act.channel}", str(act.at))
    body = {"channel": act.channel, "accepted": act.accepted, "refused": act.refused}
    return None, [Part("tested", body)]


def carry_backup(conn: Connection, _actor: Actor, act: BackedUp) -> tuple[None, list[Part]]:
    write_note(conn, "backup", json.dumps({"at": act.at, "path": act.file}))
    return None, [Part("backed up", {"file": act.file})]
