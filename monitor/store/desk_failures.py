"""Who failed to sign in, and how long they wait. Nobody is kept out for good, and whoever signed
in from a browser before has a count of their own: a stranger cannot slow them down."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.store.deskfile import DeskFile, append, hashed
from monitor.store.port import Connection

FREE = 5  # failures without a wait
FIRST, LONGEST = 4, 900  # seconds to wait after the fifth, and at most; doubled each time
FORGOTTEN = 24 * 3600  # seconds after the last one


def wait_of(count: int) -> int:
    """Seconds from one failure to the next try."""
    return 0 if count < FREE else min(LONGEST, FIRST << min(count - FREE, 20))


def buckets(file: DeskFile, name: str, address: str, device: str) -> list[str]:
    """Where a try of this name from this address is counted. `name` empty: nobody says who they
    are, as with a passkey, which nobody guesses; strangers who fail so slow down nobody else.
    `device`: the key of a browser."""
    if device:
        rows = file.rows("SELECT person FROM device WHERE hash = ?", (hashed(device),))
        if rows and name in ("", rows[0][0]):
            return [f"device {hashed(device)}"]
    return [*([f"name {name}"] if name else []), f"from {address}"]


def try_(file: DeskFile, keys: Sequence[str], now: int) -> int:
    """Count a try as failed before it is looked at, so that a hundred at once are a hundred;
    `clear` takes it back. Returns the seconds to wait, of a try that is not to be looked at."""
    with file.change() as conn:
        conn.execute("DELETE FROM failure WHERE at < ?", (now - FORGOTTEN,))
        wait = 0
        for key in keys:
            row = conn.execute("SELECT count, at FROM failure WHERE key = ?", (key,)).fetchone()
            if row:
                wait = max(wait, row[1] + wait_of(row[0]) - now)
        if wait > 0:
            return wait
        for key in keys:
            conn.execute(
                "INSERT INTO failure VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET "
                "count = count + 1, at = excluded.at",
                (key, now),
            )
    return 0


def refused(file: DeskFile, name: str, address: str, why: str, now: int) -> None:
    """Tell of it. What was typed for a name is kept only if it is one: others are passwords."""
    with file.change() as conn:
        append(conn, now, "refused", name, "", {"from": address, "why": why})


def clear(conn: Connection, keys: Sequence[str]) -> None:
    """Somebody got in: their own count ends, that of the address is one less."""
    for key in keys:
        if key.startswith("from "):
            conn.execute("UPDATE failure SET count = max(0, count - 1) WHERE key = ?", (key,))
        else:
            conn.execute("DELETE FROM failure WHERE key = ?", (key,))


def remember(conn: Connection, device: str, person: str, now: int) -> None:
    """Somebody signed in from this browser."""
    conn.execute(
        "INSERT INTO device VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET "
        "person = excluded.person, seen = excluded.seen",
        (hashed(device), person, now),
    )
    conn.execute("DELETE FROM device WHERE seen < ?", (now - 365 * 24 * 3600,))
