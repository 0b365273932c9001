"""Who is signed in at the desk: the sessions of desk.db."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from monitor.store.deskfile import DeskFile, append, hashed
from monitor.store.port import Connection

IDLE = 8 * 3600  # seconds without a request after which a session is over
LONGEST = 24 * 3600  # seconds after which it is over however much it is used
KEPT = 400 * 24 * 3600  # seconds after which one that is over is forgotten
SEEN_EVERY = 60  # seconds between two notes that it is in use: looking seldom writes


@dataclass(frozen=True, slots=True)
class Session:
    """A session. Times: Unix seconds."""

    id: str
    person: str
    begun: int
    seen: int
    proven: str
    again: int
    address: str
    agent: str
    token: str = field(repr=False)
    ended: int | None = None
    why: str = ""

    def over(self, now: int) -> bool:
        return (
            self.ended is not None or now - self.seen > IDLE or now - self.begun > LONGEST
        )  # fmt: skip


_COLUMNS = "id, person, begun, seen, proven, again, address, agent, token, ended, why"


def begin(
    conn: Connection, person: str, now: int, proven: str, address: str, agent: str
) -> tuple[str, str]:
    """Begin a session; returns its key, which only the browser gets, and its name."""
    key, name = secrets.token_urlsafe(32), secrets.token_hex(6)
    conn.execute("DELETE FROM session WHERE begun < ?", (now - KEPT,))  # the chain tells of it
    conn.execute(
        "INSERT INTO session (id, hash, person, begun, seen, proven, again, address, agent, token)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (name, hashed(key), person, now, now, proven, now, address, agent[:200],
         secrets.token_urlsafe(32)),
    )  # fmt: skip
    append(conn, now, "signed in", person, "", {"session": name, "how": proven, "from": address})
    return key, name


def find(file: DeskFile, key: str, now: int) -> Session | None:
    """The session of a key, if it goes on; notes that it is in use."""
    rows = file.rows(f"SELECT {_COLUMNS} FROM session WHERE hash = ?", (hashed(key),))
    session = Session(*rows[0]) if rows else None
    if session is None or session.over(now):
        return None
    if now - session.seen >= SEEN_EVERY:
        with file.change() as conn:
            conn.execute("UPDATE session SET seen = ? WHERE id = ?", (now, session.id))
    return session


def of_person(file: DeskFile, person: str, now: int) -> list[Session]:
    """Those that go on, newest first."""
    rows = file.rows(
        f"SELECT {_COLUMNS} FROM session WHERE person = ? AND ended IS NULL ORDER BY begun DESC",
        (person,),
    )
    return [s for s in (Session(*row) for row in rows) if not s.over(now)]


def last_seen(file: DeskFile, person: str) -> int | None:
    """When somebody was here last."""
    rows = file.rows("SELECT max(seen) FROM session WHERE person = ?", (person,))
    return None if rows[0][0] is None else int(rows[0][0])


def end(file: DeskFile, id_: str, now: int, why: str, by: str, person: str = "") -> bool:
    """End a session (only if it is this person's, where one is given)."""
    with file.change() as conn:
        found = conn.execute(
            "SELECT person FROM session WHERE id = ? AND ended IS NULL AND ? IN (person, '')",
            (id_, person),
        ).fetchone()
        if found is None:
            return False
        conn.execute("UPDATE session SET ended = ?, why = ? WHERE id = ?", (now, why, id_))
        act = "signed out" if why == "signed out" else "session ended"
        append(conn, now, act, by, "", {"session": id_, "of": found[0], "why": why})
        return True


def end_all(conn: Connection, person: str, now: int, why: str, by: str, keep: str = "") -> int:
    """End all of somebody's sessions, but for one; returns how many went on until now."""
    ended = conn.execute(
        "UPDATE session SET ended = ?, why = ? WHERE person = ? AND ended IS NULL AND id <> ?",
        (now, why, person, keep),
    ).rowcount
    if ended:
        append(conn, now, "session ended", by, "", {"of": person, "why": why, "number": ended})
    return ended


def proven_again(file: DeskFile, id_: str, person: str, now: int, how: str) -> None:
    """Somebody has shown once more that it is they."""
    with file.change() as conn:
        conn.execute("UPDATE session SET again = ? WHERE id = ?", (now, id_))
        append(conn, now, "proven again", person, "", {"session": id_, "how": how})


def end_everybody(file: DeskFile, now: int, why: str) -> None:
    """Nobody is signed in any more."""
    with file.change() as conn:
        conn.execute("UPDATE session SET ended = ?, why = ? WHERE ended IS NULL", (now, why))
        append(conn, now, "session ended", "", "", {"of": "everybody", "why": why})
