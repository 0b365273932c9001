"""The log: who did what, append-only, as a chain of hashes.

    digest = SHA-256(salt, 32 random bytes, followed by the text)
    hash   = SHA-256("seq\\nhash of the row before\\ndigest")      hash of row 0: 64 zeros

both in hex, the text as UTF-8. The chain (table `log`) holds digests alone; texts and salts
stand beside it. A text can therefore be withheld or erased and the chain still be verified, and
nobody can guess a withheld text from its digest.

A text is JSON, keys sorted, no spaces, ASCII: {"act": name, "actor": {...}, "at": Unix seconds,
"body": {...}, "first": seq of the act's first row, "what": part of the act}. An act is one row or
several: what belongs to different cases stands in rows of their own.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.store.port import Connection, Reader

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor

GENESIS = "0" * 64
SALT_BYTES = 32
PART = 500  # rows of the log held in memory at once


@dataclass(frozen=True, slots=True)
class Part:
    """What one row of the log tells of an act. `cases`: whom it is about; none: no case."""

    what: str
    body: Mapping[str, object]
    cases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of the chain, with its text where it is at hand."""

    seq: int
    digest: str
    hash: str
    salt: str | None
    text: str | None


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: object) -> str:
    """The one text of a JSON value."""
    return _ENCODER.encode(value)


def digest_of(salt: str, text: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + text.encode("utf-8")).hexdigest()


def link(seq: int, before: str, digest: str) -> str:
    """The hash of a row, from the hash of the row before."""
    return hashlib.sha256(f"{seq}\n{before}\n{digest}".encode("ascii")).hexdigest()


def append(conn: Connection, actor: Actor, at: int, act: str, parts: Sequence[Part]) -> int | None:
    """Log an act inside its own transaction; returns the number of its first row."""
    if not parts:
        return None
    last = conn.execute("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone()
    seq, before = last or (0, GENESIS)
    first = seq + 1
    who = {"kind": actor.kind.value, "name": actor.name, "authority": actor.authority}
    for part in parts:
        seq += 1
        text = canonical(
            {
                "act": act,
                "actor": who,
                "at": at,
                "body": part.body,
                "first": first,
                "what": part.what,
            }
        )
        salt = secrets.token_hex(SALT_BYTES)
        digest = digest_of(salt, text)
        before = link(seq, before, digest)
        conn.execute("INSERT INTO log (seq, digest, hash) VALUES (?,?,?)", (seq, digest, before))
        conn.execute("INSERT INTO log_text (seq, salt, text) VALUES (?,?,?)", (seq, salt, text))
        conn.executemany(
            "INSERT INTO log_case (case_id, seq) VALUES (?,?)",
            [(case, seq) for case in sorted(part.cases)],
        )
    return first


def next_seq(conn: Connection) -> int:
    """The number that the first row of an act under way will have."""
    return int(conn.execute("SELECT coalesce(max(seq), 0) + 1 FROM log").fetchone()[0])


def last(store: Reader) -> tuple[int, str]:
    """Number and hash of the newest row: a checkpoint, for somebody else to hold."""
    rows = store.read("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")
    return (rows[0]["seq"], rows[0]["hash"]) if rows else (0, GENESIS)


def each(store: Reader, after: int = 0) -> Iterator[LogRow]:
    """Every row above `after`, in order, with only a part of them in memory."""
    while rows := store.read(
        "SELECT l.seq, l.digest, l.hash, t.salt, t.text FROM log l "
        "LEFT JOIN log_text t ON t.seq = l.seq WHERE l.seq > ? ORDER BY l.seq LIMIT ?",
        [after, PART],
    ):
        yield from (LogRow(*row) for row in rows)
        after = rows[-1]["seq"]


def cases_of(conn: Connection, entries: Iterable[str]) -> dict[str, str]:
    """The case of each of these entries; those without a case are left out."""
    sql = (
        "SELECT id, case_id FROM entry WHERE id IN (SELECT value FROM json_each(?)) "
        "AND case_id <> ''"
    )
    return dict(map(tuple, conn.execute(sql, (json.dumps([*entries]),)).fetchall()))


def cases_on(conn: Connection, key: str) -> frozenset[str]:
    """The cases with an entry on a subject."""
    rows = conn.execute("SELECT DISTINCT case_id FROM entry WHERE subject = ?", (key,))
    return frozenset(row["case_id"] for row in rows.fetchall() if row["case_id"])
