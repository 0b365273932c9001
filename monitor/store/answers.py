"""What sources answered, as evidence of rows and of silence; and what of it is kept for how long.

Rows of `answer` stay for good: a body that is pruned leaves its digest and the request.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from monitor.model.answers import SILENCE, Kept, Silence, digest_of
from monitor.model.difference import Difference
from monitor.model.plan import Plan
from monitor.store.digests import counted
from monitor.store.notes import get_note, write_note
from monitor.store.port import Connection, Fields, Reader, Store

DAY = 86_400
PART = 100  # bodies that one transaction deletes, or that one look holds in memory
GROWTH_DAYS = 30
PAGE, INLINE = 4096, 3800  # bytes of a page of the file, and of what fits into one beside its row
BESIDE, ROW = 900, 40  # bytes of its other columns and in indexes, and for each transaction
PRUNED = "pruned"
PIECE = 1_000_000  # bytes of a body that are unpacked at once
UNREADABLE = "nothing that can be read"
WENT = "answers_pruned"  # the note that says what went because of the size
_LAST = "answers_looked"  # the note that says when it was last pruned

# Whether some answer with this body is evidence of an alert.
_OF_ALERT = (
    "EXISTS (SELECT 1 FROM answer a JOIN answer_transfer x ON x.answer = a.id "
    "JOIN alert_transfer at ON at.transfer = x.transfer WHERE a.body_sha256 = b.sha256)"
)


# The rows of a transaction; by chain too, as the index has them.
_ROWS = "t.chain IN (SELECT chain FROM scope) AND t.tx = ?"


# -- written with a plan -----------------------------------------------------------------


def put(conn: Connection, plan: Plan) -> None:
    """Write what a plan rests on; what is there already stays as it is."""
    if not plan.kept and not plan.answered:
        return
    silences = [s for s in plan.silences if _is_first(conn, plan, s)]
    heads = {answered.batch: answered.heads for answered in plan.answered}
    wanted = {
        digest for s in silences for digest in (*s.digests, *heads.get(digest_of(s.digests), ()))
    }
    for kept in plan.kept:
        if kept.why != SILENCE or kept.sha256 in wanted:
            _put(conn, plan, kept)
    conn.executemany(
        "INSERT INTO answered (batch, source, at, digests, heads) VALUES (?,?,?,?,?) "
        "ON CONFLICT (batch) DO NOTHING",
        [
            (a.batch, a.source, plan.now, " ".join(a.digests), " ".join(a.heads))
            for a in plan.answered
        ],
    )
    conn.executemany(
        "INSERT INTO silence (scope, stream, day, source, lo, hi, batch) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (scope, stream, day, source, lo) DO NOTHING",
        [
            (plan.scope.key, s.stream, plan.now // DAY, s.source, s.lo, s.hi, digest_of(s.digests))
            for s in silences
        ],
    )


def _is_first(conn: Connection, plan: Plan, silence: Silence) -> bool:
    """Of its list and day."""
    day = (plan.scope.key, silence.stream, plan.now // DAY)
    found = conn.execute(
        "SELECT 1 FROM silence WHERE scope = ? AND stream = ? AND day = ? LIMIT 1", day
    ).fetchone()
    return found is None


def _put(conn: Connection, plan: Plan, kept: Kept) -> None:
    conn.execute(
        "INSERT INTO answer_body (sha256, at, bytes, packed) VALUES (?,?,?,?) "
        "ON CONFLICT (sha256) DO UPDATE SET at = max(at, excluded.at), pruned = NULL, "
        "packed = coalesce(packed, excluded.packed)",
        (kept.body_sha256, kept.at, _room(kept), kept.packed),
    )
    # By why too: the log names what brought news, whether it proved silence before or not.
    key = (kept.sha256, plan.scope.chain, kept.source, kept.at, kept.request, kept.why)
    rest = (kept.status, kept.body_sha256, kept.size, int(kept.extract))
    conn.execute(
        "INSERT INTO answer (sha256, chain, source, at, request, why, status, body_sha256, size, "
        "extract) VALUES (?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT (sha256, chain, source, at, request, why) DO NOTHING",
        (*key, *rest),
    )
    found = conn.execute(
        "SELECT id FROM answer WHERE sha256 = ? AND chain = ? AND source = ? AND at = ? "
        "AND request = ? AND why = ?",
        key,
    ).fetchone()
    conn.executemany(
        "INSERT INTO answer_transfer (transfer, answer) SELECT id, ? FROM transfer "
        "WHERE chain = ? AND tx = ? ON CONFLICT (transfer, answer) DO NOTHING",
        [(found["id"], plan.scope.chain, tx) for tx in kept.txs],
    )


def _room(kept: Kept) -> int:
    """Bytes that an answer takes in the file, about: long bodies take whole pages, the request
    stands in an index too."""
    size, beside = len(kept.packed), BESIDE + 2 * len(kept.request) + ROW * len(kept.txs)
    return beside + (size if size <= INLINE else -(-size // PAGE) * PAGE)


# -- to look at --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept answer."""

    id: int
    source: str
    at: int
    request: str
    status: int
    sha256: str
    body_sha256: str
    size: int
    extract: bool
    why: str
    pruned: bool


def of_tx(store: Reader, tx: str) -> list[Answer]:
    """The answers that are evidence of a transaction, oldest first."""
    heads = {
        digest
        for row in store.read(
            "SELECT DISTINCT d.heads FROM transfer t JOIN sighting s ON s.transfer = t.id "
            f"JOIN answered d ON d.batch = s.sha256 WHERE {_ROWS}",
            [tx],
        )
        for digest in row["heads"].split()
    }
    mine = [
        row["answer"]
        for row in store.read(
            "SELECT DISTINCT x.answer FROM transfer t JOIN answer_transfer x ON x.transfer = t.id "
            f"WHERE {_ROWS}",
            [tx],
        )
    ]
    found = store.read_in(f"{_ANSWER} WHERE a.id IN ({{}})", mine)
    found += store.read_in(f"{_ANSWER} WHERE a.why = 'head' AND a.sha256 IN ({{}})", heads)
    by_id = {row["id"]: _answer(row) for row in found}
    return sorted(by_id.values(), key=lambda a: (a.at, a.id))


_ANSWER = (
    "SELECT a.id, a.source, a.at, a.request, a.status, a.sha256, a.body_sha256, a.size, "
    "a.extract, a.why, b.pruned "
    "FROM answer a JOIN answer_body b ON b.sha256 = a.body_sha256"
)


def answer_of(store: Reader, ids: Iterable[int]) -> list[Answer]:
    """By their numbers in the record, oldest first."""
    found = map(_answer, store.read_in(f"{_ANSWER} WHERE a.id IN ({{}})", ids))
    return sorted(found, key=lambda a: (a.at, a.id))


def _answer(row: Fields) -> Answer:
    columns = dict(zip(row.keys(), row, strict=True))
    return Answer(**{**columns, "extract": bool(row["extract"]), "pruned": bool(row["pruned"])})


def body(store: Reader, sha256: str) -> bytes | None:
    """A body as it was kept; None where it was pruned."""
    rows = store.read("SELECT packed FROM answer_body WHERE sha256 = ?", [sha256])
    return zlib.decompress(rows[0]["packed"]) if rows and rows[0]["packed"] else None


# -- to hold against its digests ---------------------------------------------------------


def pin(conn: Connection, after: int, to: int | None = None) -> list[object]:
    """Digest of the answers with an id above `after`, up to `to` or the newest: [after, to,
    number, SHA-256 over the canonical texts of their rows, each ending in a newline]."""
    newest = conn.execute("SELECT coalesce(max(id), 0) FROM answer").fetchone()[0]
    to = newest if to is None else to
    rows = conn.execute("SELECT * FROM answer WHERE id > ? AND id <= ? ORDER BY id", (after, to))
    return [after, to, *counted(rows)]


def damaged(store: Reader) -> Iterator[Difference]:
    """Every kept body that is not the one that was kept, with a part of them in memory."""
    last = ""
    while rows := store.read(
        "SELECT sha256, pruned, packed FROM answer_body WHERE sha256 > ? ORDER BY sha256 LIMIT ?",
        [last, PART],
    ):
        for row in rows:
            found = _digest(row["packed"], pruned=row["pruned"] is not None)
            if found not in (row["sha256"], PRUNED):
                digest = f"SHA-256 {row['sha256']}"
                yield Difference("answer", f"answer_body {row['sha256'][:16]}", digest, found)
        last = rows[-1]["sha256"]


def _digest(packed: bytes | None, *, pruned: bool) -> str:
    """Of a kept body. What was pruned is as it should be."""
    if packed is None:
        return PRUNED if pruned else "no body, though none was pruned"
    try:
        return _unpacked_digest(packed)
    except zlib.error:
        return UNREADABLE


def _unpacked_digest(packed: bytes) -> str:
    """Piece by piece: a few bytes that somebody put there may unpack to more than memory holds."""
    unpacking, made = zlib.decompressobj(), hashlib.sha256()
    rest = packed
    while not unpacking.eof:
        piece = unpacking.decompress(rest, PIECE)
        made.update(piece)
        rest = unpacking.unconsumed_tail
        if not piece and not rest and not unpacking.eof:
            return UNREADABLE  # it breaks off
    return UNREADABLE if unpacking.unused_data else made.hexdigest()


# -- bounds ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """What is kept of answers. Bytes are those in the file."""

    bodies: int = 0
    bytes: int = 0
    last_30_days: int = 0
    oldest: int | None = None


def size(store: Reader, now: int) -> Size:
    row = store.read(
        "SELECT count(*) AS n, coalesce(sum(bytes), 0) AS bytes, min(at) AS oldest "
        "FROM answer_body WHERE pruned IS NULL"
    )[0]
    new = store.read(
        "SELECT coalesce(sum(bytes), 0) AS bytes FROM answer_body WHERE at > ?",
        [now - GROWTH_DAYS * DAY],
    )[0]
    return Size(row["n"], row["bytes"], new["bytes"], row["oldest"])


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went because of the size, and when."""

    at: int
    bodies: int = 0
    bytes: int = 0
    of_alerts: int = 0  # of these bodies: evidence of alerts


def last_pruned(store: Reader) -> Pruned | None:
    """The newest pruning because of the size."""
    text = get_note(store, WENT)
    return Pruned(**json.loads(text)) if text else None


def looked_at(store: Reader) -> int:
    """When the bounds were last seen to."""
    return int(get_note(store, _LAST) or 0)


def prune(store: Store, days: int, most: int, now: int) -> Pruned:
    """Keep answers within a time and a size, a part at a time: beyond the days, then beyond the
    size the oldest that are evidence of no alert, then the oldest. Returns what went because of
    the size."""
    for old in _oldest(store, "b.at < ?", [now - days * DAY]):
        _forget(store, old, now)
    over = size(store, now).bytes - most
    bodies = freed = of_alerts = 0
    for where in (f"NOT {_OF_ALERT}", "1"):
        for part in _oldest(store, where) if over > freed else ():
            going = _enough(part, over - freed)
            _forget(store, going, now)
            bodies += len(going)
            freed += sum(row["bytes"] for row in going)
            of_alerts += len(going) if where == "1" else 0
            if freed >= over:
                break
    went = Pruned(now, bodies, freed, of_alerts)
    with store.write() as conn:
        write_note(conn, _LAST, str(now))
        if bodies:
            write_note(conn, WENT, json.dumps(asdict(went)))
    return went


def _oldest(store: Reader, where: str, params: Sequence[object] = ()) -> Iterator[list[Fields]]:
    """Bodies that are there, oldest first, part by part: no look takes long."""
    last = (-1, "")
    while rows := store.read(
        f"SELECT b.sha256, b.at, b.bytes, {where} AS meant FROM answer_body b "
        "WHERE b.pruned IS NULL AND (b.at, b.sha256) > (?, ?) ORDER BY b.at, b.sha256 LIMIT ?",
        [*params, *last, PART],
    ):
        meant = [row for row in rows if row["meant"]]
        if meant:
            yield meant
        elif params:
            return
        last = (rows[-1]["at"], rows[-1]["sha256"])


def _enough(rows: Sequence[Fields], wanted: int) -> list[Fields]:
    """So many of the first rows as free so many bytes."""
    found, freed = list[Fields](), 0
    for row in rows:
        if freed >= wanted:
            break
        found.append(row)
        freed += row["bytes"]
    return found


def _forget(store: Store, rows: Sequence[Fields], now: int) -> None:
    with store.write() as conn:
        conn.executemany(
            "UPDATE answer_body SET packed = NULL, pruned = ? WHERE sha256 = ? AND at = ?",
            [(now, row["sha256"], row["at"]) for row in rows],
        )
