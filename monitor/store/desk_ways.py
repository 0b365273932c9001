"""How people prove who they are: passwords, codes, passkeys and invitations in desk.db."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.store import desk_sessions
from monitor.store.deskfile import DeskFile, append, hashed
from monitor.store.port import Connection

INVITED_FOR = 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody signs in with."""

    person: str
    password: str = field(default="", repr=False)  # argon2id
    code: str = field(default="", repr=False)  # secret of the one-time code
    step: int = 0  # the last half minute whose code was used


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey; `id` and `key` as base64url."""

    id: str
    person: str
    key: str
    uses: int
    title: str
    added: int
    used: int | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link by which somebody chooses how they sign in."""

    hash: str
    person: str
    until: int
    code: str = field(repr=False)  # the secret that its page offers


def credential(file: DeskFile, person: str) -> Credential | None:
    query = "SELECT person, password, code, step FROM credential WHERE person = ?"
    rows = file.rows(query, (person,))
    return Credential(*rows[0]) if rows else None


def use_step(file: DeskFile, person: str, step: int) -> bool:
    """Use the code of a half minute up: each works once, and none that is older."""
    with file.change() as conn:
        query = "UPDATE credential SET step = ? WHERE person = ? AND step < ?"
        return bool(conn.execute(query, (step, person, step)).rowcount)


def use_recovery(file: DeskFile, person: str, code: str, now: int) -> bool:
    """Use one of the recovery codes up."""
    with file.change() as conn:
        used = conn.execute(
            "UPDATE recovery SET used = ? WHERE person = ? AND hash = ? AND used IS NULL",
            (now, person, hashed(code)),
        ).rowcount
        if used:
            append(conn, now, "recovery code used", person, "", {})
        return bool(used)


def recoveries_left(file: DeskFile, person: str) -> int:
    query = "SELECT count(*) FROM recovery WHERE person = ? AND used IS NULL"
    return int(file.rows(query, (person,))[0][0])


def set_password(conn: Connection, person: str, password: str, now: int) -> None:
    """`password`: as argon2id made it."""
    conn.execute(
        "INSERT INTO credential (person, password, since) VALUES (?, ?, ?) ON CONFLICT (person) "
        "DO UPDATE SET password = excluded.password, since = excluded.since",
        (person, password, now),
    )
    append(conn, now, "password set", person, "", {})


def set_code(
    conn: Connection, person: str, secret: str, step: int, recovery: Iterable[str], now: int
) -> None:
    """A new secret of the one-time code, with recovery codes that go with it. `step`: of the
    code that showed that it works, which does not work again."""
    conn.execute(
        "INSERT INTO credential (person, code, step, since) VALUES (?, ?, ?, ?) ON CONFLICT "
        "(person) DO UPDATE SET code = excluded.code, step = excluded.step, since = excluded.since",
        (person, secret, step, now),
    )
    conn.execute("DELETE FROM recovery WHERE person = ?", (person,))
    conn.executemany(
        "INSERT INTO recovery (person, hash) VALUES (?, ?)",
        [(person, hashed(code)) for code in recovery],
    )
    append(conn, now, "second factor set", person, "", {"what": "one-time code"})


def forget(conn: Connection, person: str, now: int, why: str, by: str) -> None:
    """Nothing that somebody had lets them in from now on; their sessions end."""
    for statement in (
        "DELETE FROM credential WHERE person = ?",
        "DELETE FROM recovery WHERE person = ?",
        "DELETE FROM passkey WHERE person = ?",
        "DELETE FROM device WHERE person = ?",
    ):
        conn.execute(statement, (person,))
    end_invitations(conn, person, now)
    append(conn, now, "ways to sign in taken away", by, "", {"of": person, "why": why})
    desk_sessions.end_all(conn, person, now, why, by)


def passkeys(file: DeskFile, person: str) -> list[Passkey]:
    query = "SELECT id, person, key, uses, title, added, used FROM passkey"
    rows = file.rows(f"{query} WHERE person = ? ORDER BY added", (person,))
    return [Passkey(*row) for row in rows]


def passkey(file: DeskFile, id_: str) -> Passkey | None:
    query = "SELECT id, person, key, uses, title, added, used FROM passkey WHERE id = ?"
    rows = file.rows(query, (id_,))
    return Passkey(*rows[0]) if rows else None


def add_passkey(conn: Connection, key: Passkey) -> None:
    conn.execute(
        "INSERT INTO passkey (id, person, key, uses, title, added) VALUES (?, ?, ?, ?, ?, ?)",
        (key.id, key.person, key.key, key.uses, key.title, key.added),
    )
    what = {"what": "passkey", "title": key.title}
    append(conn, key.added, "second factor set", key.person, "", what)


def use_passkey(file: DeskFile, id_: str, uses: int, now: int) -> None:
    with file.change() as conn:
        conn.execute("UPDATE passkey SET uses = ?, used = ? WHERE id = ?", (uses, now, id_))


def drop_passkey(file: DeskFile, person: str, id_: str, now: int) -> bool:
    with file.change() as conn:
        gone = conn.execute("DELETE FROM passkey WHERE id = ? AND person = ?", (id_, person))
        if gone.rowcount:
            append(conn, now, "second factor taken away", person, "", {"what": "passkey"})
        return bool(gone.rowcount)


def invite(file: DeskFile, person: str, code: str, now: int, by: str) -> str:
    """Make a link for somebody; those made before end. Returns its word. `code`: the secret of
    one-time codes that its page offers."""
    word = secrets.token_urlsafe(32)
    with file.change() as conn:
        end_invitations(conn, person, now)
        conn.execute(
            "INSERT INTO invitation VALUES (?, ?, ?, ?, NULL, ?)",
            (hashed(word), person, now, now + INVITED_FOR, code),
        )
        append(conn, now, "link made", by, "", {"for": person})
    return word


def end_invitations(conn: Connection, person: str, now: int) -> None:
    conn.execute(
        "UPDATE invitation SET until = ?, code = '' WHERE person = ? AND used IS NULL",
        (now, person),
    )


def has_way(file: DeskFile, person: str) -> bool:
    """Whether somebody has anything to sign in with."""
    return bool(ways_of(file).get(person))


def ways_of(file: DeskFile) -> dict[str, list[str]]:
    """What everybody signs in with, in words."""
    found: dict[str, list[str]] = {}
    for row in file.rows("SELECT person FROM credential WHERE password <> '' AND code <> ''"):
        found.setdefault(row[0], []).append("password and code")
    for row in file.rows("SELECT person, count(*) FROM passkey GROUP BY person"):
        found.setdefault(row[0], []).append("passkey")
    for row in file.rows("SELECT person FROM sso"):
        found.setdefault(row[0], []).append("single sign-on")
    return found


def invited_until(file: DeskFile, now: int) -> dict[str, int]:
    """Whose link is still good, and until when."""
    query = "SELECT person, max(until) FROM invitation WHERE used IS NULL AND until > ?"
    return {row[0]: row[1] for row in file.rows(f"{query} GROUP BY person", (now,))}


def invitation(file: DeskFile, word: str, now: int) -> Invitation | None:
    """The one of this word, while it lets somebody in."""
    rows = file.rows(
        "SELECT hash, person, until, code FROM invitation "
        "WHERE hash = ? AND used IS NULL AND until > ?",
        (hashed(word), now),
    )
    return Invitation(*rows[0]) if rows else None


def use_invitation(conn: Connection, found: Invitation, now: int) -> bool:
    """Once: of two who use it at the same time, one."""
    query = "UPDATE invitation SET used = ?, code = '' WHERE hash = ? AND used IS NULL"
    used = conn.execute(query, (now, found.hash)).rowcount
    if used:
        append(conn, now, "link used", found.person, "", {})
    return bool(used)


def begin_pending(file: DeskFile, key: str, data: str, now: int, lasts: int = 600) -> None:
    """Keep what a browser has begun, by a key that only it has; one thing a key."""
    with file.change() as conn:
        conn.execute("DELETE FROM pending WHERE until < ?", (now,))
        conn.execute(
            "INSERT INTO pending VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET "
            "data = excluded.data, until = excluded.until",
            (hashed(key), data, now + lasts),
        )


def pending(file: DeskFile, key: str, now: int) -> str | None:
    """What was kept, which stays."""
    query = "SELECT data FROM pending WHERE hash = ? AND until >= ?"
    rows = file.rows(query, (hashed(key), now))
    return str(rows[0][0]) if rows else None


def take_pending(file: DeskFile, key: str, now: int) -> str | None:
    """What was kept, which is gone then."""
    with file.change() as conn:
        row = conn.execute(
            "DELETE FROM pending WHERE hash = ? RETURNING data, until", (hashed(key),)
        ).fetchone()
    return str(row[0]) if row and row[1] >= now else None


def sso_person(file: DeskFile, subject: str) -> str | None:
    """Who somebody is of whom single sign-on speaks (issuer and subject)."""
    rows = file.rows("SELECT person FROM sso WHERE subject = ?", (subject,))
    return str(rows[0][0]) if rows else None


def bind_sso(file: DeskFile, subject: str, person: str, now: int) -> None:
    with file.change() as conn:
        conn.execute("INSERT INTO sso VALUES (?, ?, ?)", (subject, person, now))
        append(conn, now, "single sign-on set", person, "", {})
