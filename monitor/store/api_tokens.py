"""The tokens of programs, in desk.db: made, found, used, ended; and what was answered under which
Idempotency-Key."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from monitor.model.api import Scope, Token
from monitor.store.deskfile import DeskFile, append, day_of, hashed
from monitor.store.port import Connection, Fields

PREFIX = "fw_"  # of a token, so that scanners for leaked secrets can tell one
SEEN_EVERY = 60  # seconds between two notes that it is in use: reading seldom writes
KEPT_ONCE = 7 * 24 * 3600  # seconds for which an answer is kept under its key
_COLUMNS = (
    "id, title, maker, scopes, cases, made, until, seal, used, used_from, ended, ended_by, why"
)


def make(
    file: DeskFile, maker: str, title: str, scopes: frozenset[Scope],
    cases: frozenset[str] | None, until: int, now: int, by: str,
) -> tuple[Token, str]:  # fmt: skip
    """A new one, and itself, which nobody can be shown again."""
    name, word = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"{PREFIX}{name}_{word}"
    token = Token(name, title, maker, scopes, cases, now, until, secrets.token_hex(32))
    may = json.dumps(sorted(scopes))
    of = None if cases is None else json.dumps(sorted(cases))
    with file.change() as conn:
        conn.execute(
            "INSERT INTO api_token (id, hash, title, maker, scopes, cases, made, until, seal) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (name, hashed(key), title, maker, may, of, now, until, token.seal),
        )
        told = {"token": name, "title": title, "of": maker, "scopes": sorted(scopes)}
        limits = {"cases": None if cases is None else sorted(cases), "until": until}
        append(conn, now, "token made", by, "", {**told, **limits})
    return token, key


def find(file: DeskFile, key: str) -> Token | None:
    """Whose this is, also of one that works no more."""
    rows = file.rows(f"SELECT {_COLUMNS} FROM api_token WHERE hash = ?", (hashed(key),))
    return _token(rows[0]) if rows else None


def named(file: DeskFile, name: str) -> Token | None:
    rows = file.rows(f"SELECT {_COLUMNS} FROM api_token WHERE id = ?", (name,))
    return _token(rows[0]) if rows else None


def every(file: DeskFile, maker: str | None = None) -> list[Token]:
    """All, or those of one maker; the newest first."""
    where, params = ("", ()) if maker is None else ("WHERE maker = ?", (maker,))
    rows = file.rows(f"SELECT {_COLUMNS} FROM api_token {where} ORDER BY made DESC, id", params)
    return [_token(row) for row in rows]


def _token(row: Fields) -> Token:
    known = {each.value for each in Scope}
    scopes = frozenset(Scope(each) for each in json.loads(row["scopes"]) if each in known)
    cases = None if row["cases"] is None else frozenset(json.loads(row["cases"]))
    return Token(
        *(row["id"], row["title"], row["maker"], scopes, cases, row["made"], row["until"]),
        *(row["seal"], row["used"], row["used_from"], row["ended"], row["ended_by"], row["why"]),
    )


def used(
    file: DeskFile, token: Token, kind: str, address: str, now: int, case: str = ""
) -> None:  # fmt: skip
    """Note that it is in use, and tell of it: once a day, kind ("read", "act", "export") and
    case."""
    key = (day_of(now), token.id, f"{kind} {case}".strip())
    fresh = token.used is not None and 0 <= now - token.used < SEEN_EVERY
    told = file.rows("SELECT 1 FROM api_used WHERE (day, token, kind) = (?, ?, ?)", key)
    if fresh and told:
        return
    with file.change() as conn:
        conn.execute(
            "UPDATE api_token SET used = ?, used_from = ? WHERE id = ?", (now, address, token.id)
        )
        if conn.execute("INSERT OR IGNORE INTO api_used VALUES (?, ?, ?)", key).rowcount:
            body = {"token": token.id, "title": token.title, "kind": kind, "from": address}
            append(conn, now, "token used", token.maker, case, body)


def end(file: DeskFile, name: str, now: int, why: str, by: str) -> bool:
    """End one; False: it had ended."""
    with file.change() as conn:
        return _end(conn, "id = ?", name, now, why, by) > 0


def end_of(conn: Connection, maker: str, now: int, why: str, by: str) -> int:
    """End all that somebody made; returns how many worked until now."""
    return _end(conn, "maker = ?", maker, now, why, by)


def end_everybody(file: DeskFile, now: int, why: str) -> None:
    """No token works any more."""
    with file.change() as conn:
        _end(conn, "? = ''", "", now, why, "")


def _end(conn: Connection, which: str, value: str, now: int, why: str, by: str) -> int:
    rows = conn.execute(
        f"SELECT id, maker FROM api_token WHERE ended IS NULL AND {which}", (value,)
    ).fetchall()
    for row in rows:
        conn.execute(
            "UPDATE api_token SET ended = ?, ended_by = ?, why = ? WHERE id = ?",
            (now, by, why, row["id"]),
        )
        append(
            conn, now, "token ended", by, "", {"token": row["id"], "of": row["maker"], "why": why}
        )
    return len(rows)


# -- what was sent once --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Once:
    """What is known of a key. `status` None: it was begun, and how it ended is not known."""

    asked: str
    status: int | None
    type: str
    body: str


def begin(file: DeskFile, token: str, key: str, asked: str, now: int) -> Once | None:
    """Take a key for a request; what is known of it where it was taken before."""
    with file.change() as conn:
        conn.execute("DELETE FROM api_once WHERE at < ?", (now - KEPT_ONCE,))
        row = conn.execute(
            "SELECT asked, status, type, body FROM api_once WHERE token = ? AND key = ?",
            (token, key),
        ).fetchone()
        if row is not None:
            return Once(*row)
        conn.execute(
            "INSERT INTO api_once (token, key, asked, at) VALUES (?, ?, ?, ?)",
            (token, key, asked, now),
        )
    return None


def ended(file: DeskFile, token: str, key: str, status: int, type_: str, body: str) -> None:
    """Keep what was answered."""
    with file.change() as conn:
        conn.execute(
            "UPDATE api_once SET status = ?, type = ?, body = ? WHERE token = ? AND key = ?",
            (status, type_, body, token, key),
        )


def dropped(file: DeskFile, token: str, key: str) -> None:
    """Nothing was done under this key: it may be used again."""
    with file.change() as conn:
        conn.execute(
            "DELETE FROM api_once WHERE token = ? AND key = ? AND status IS NULL", (token, key)
        )
