"""Calls that sources were asked, counted against their budgets."""

from __future__ import annotations

from monitor.store.port import Reader, Store


def reserve(store: Store, key: str, start: int, seconds: int, wanted: int, limit: int) -> int:
    """Take up to `wanted` calls of a window's budget; returns how many were left to take."""
    with store.write() as conn:
        row = conn.execute(
            "SELECT used FROM budget WHERE key = ? AND starts = ? AND seconds = ?",
            (key, start, seconds),
        ).fetchone()
        granted = max(0, min(wanted, limit - (row["used"] if row else 0)))
        conn.execute(
            "INSERT INTO budget (key, starts, seconds, used) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (key, starts, seconds) DO UPDATE SET used = used + excluded.used",
            (key, start, seconds, granted),
        )
        return granted


def used(store: Reader, key: str, start: int, seconds: int) -> int:
    """Calls of a window's budget that were taken."""
    rows = store.read(
        "SELECT used FROM budget WHERE key = ? AND starts = ? AND seconds = ?",
        [key, start, seconds],
    )
    return int(rows[0]["used"]) if rows else 0


def budgets(store: Reader, now: int) -> list[tuple[str, int, int]]:
    """Calls reserved in the present windows: (key, window in seconds, used)."""
    rows = store.read("SELECT * FROM budget WHERE starts + seconds > ? AND starts <= ?", [now, now])
    return [(row["key"], row["seconds"], row["used"]) for row in rows]
