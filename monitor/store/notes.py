"""Notes: single values that outlive the process."""

from __future__ import annotations

from monitor.store.port import Connection, Reader, Store


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
