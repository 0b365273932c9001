"""Rows, coverage and plans: what a decision needs, and applying it in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide import coverage, loudness, worth
from monitor.model import Alert, Asset, Batch, Chain, Interval, Price, Row, Subject, Transfer
from monitor.model.errors import Conflict
from monitor.model.plan import (
    Context,
    Covered,
    NewRow,
    OpenGap,
    Plan,
    Route,
    Sighting,
    Signal,
    gap_key,
)
from monitor.store import doubts, prices, watch
from monitor.store.journal import insert_alerts, note_signals
from monitor.store.rows import TRANSFER_COLUMNS, to_alert, to_row, to_transfer, transfer_params
from monitor.store.sqlite import Store, is_double

RETRY_GAP = 86_400  # seconds between tries to read a gap
HISTORY_LIMIT = 100_000  # rows of one subject, above which reading history stops and asks
UNSERVED = "no configured source lists it"
PRICED = 3 * 86_400  # seconds back for which a threshold in USD looks for prices
PART = 1000  # rows of a long history held in memory at once


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading one stream of one subject went in this poll."""

    stream: str
    ok: bool
    source: str = ""
    axis: str = ""
    complete_to: int | None = None
    complete_time: int | None = None
    error: str = ""
    cursor: tuple[str, int, str] | None = None  # (source, place, cursor) of unfinished history
    read: Interval | None = None  # what was read in full; a cursor into it is done with


@dataclass(frozen=True, slots=True)
class StreamState:
    """What has been read of one stream, over all sources."""

    covered: Mapping[str, tuple[Interval, ...]]  # by axis, all sources together
    cursors: Mapping[str, tuple[int, str]]  # source -> (place, cursor)
    waiting: tuple[Interval, ...]  # gaps that are not due for another try
    ok: int | None
    tried: int
    failing: int | None
    source: str
    complete_time: int | None
    error: str
    axis: str
    gaps: int  # parts of the list that could not be read, still open

    @property
    def unserved(self) -> bool:
        """No configured source can serve this stream: blind by configuration."""
        return self.error == UNSERVED


def stream_states(store: Store, subject: Subject, now: int) -> dict[str, StreamState]:
    """Coverage and reading state of every stream that was ever tried."""
    covered: dict[str, dict[str, list[Interval]]] = {}
    for row in store.read(
        "SELECT stream, axis, lo, hi FROM coverage WHERE subject = ?", [subject.key]
    ):
        by_axis = covered.setdefault(row["stream"], {})
        by_axis.setdefault(row["axis"], []).append(Interval(row["lo"], row["hi"]))
    gaps: dict[str, list[tuple[Interval, int]]] = {}
    for row in store.read(
        "SELECT stream, lo, hi, next_try FROM gap WHERE subject = ? AND closed IS NULL",
        [subject.key],
    ):
        gap = (Interval(row["lo"], row["hi"]), row["next_try"])
        gaps.setdefault(row["stream"], []).append(gap)
    return {
        row["stream"]: _state(row, covered.get(row["stream"], {}), gaps.get(row["stream"], []), now)
        for row in store.read("SELECT * FROM reading WHERE subject = ?", [subject.key])
    }


def _state(
    row: sqlite3.Row,
    covered: Mapping[str, list[Interval]],
    gaps: Sequence[tuple[Interval, int]],
    now: int,
) -> StreamState:
    cursors: dict[str, list[object]] = json.loads(row["cursors"])
    return StreamState(
        covered={axis: coverage.union(parts) for axis, parts in covered.items()},
        cursors={s: (int(str(c[0])), str(c[1])) for s, c in cursors.items()},
        waiting=tuple(span for span, next_try in gaps if next_try > now),
        ok=row["ok"],
        tried=row["tried"],
        failing=row["failing"],
        source=row["source"] or "",
        complete_time=row["complete_time"],
        error=row["error"] or "",
        axis=row["axis"] or "height",
        gaps=len(gaps),
    )


def open_rows(store: Store, subject: Subject) -> list[Row]:
    """Rows of a subject that are not final yet."""
    found = store.read(
        "SELECT * FROM transfer INDEXED BY transfer_open WHERE chain = ? "
        "AND status IN ('pending', 'provisional', 'missing') AND (sender = ? OR recipient = ?)",
        [subject.chain, subject.address, subject.address],
    )
    return [to_row(row) for row in found]


def row_count(store: Store, subject: Subject) -> int:
    """How many transfers of a subject are recorded (self-transfers count twice)."""
    rows = store.read(
        "SELECT (SELECT count(*) FROM transfer WHERE chain = ?1 AND sender = ?2) + "
        "(SELECT count(*) FROM transfer WHERE chain = ?1 AND recipient = ?2) AS n",
        [subject.chain, subject.address],
    )
    return int(rows[0]["n"])


def rows_of_subject(store: Store, subject: Subject, limit: int | None = None) -> list[Row]:
    """Transfers of a subject, newest first, at most `limit`."""
    found = store.read(
        "SELECT * FROM transfer WHERE id IN (SELECT id FROM transfer WHERE chain = ?1 "
        "AND sender = ?2 UNION SELECT id FROM transfer WHERE chain = ?1 AND recipient = ?2) "
        "ORDER BY coalesce(time, 9e18) DESC, id DESC LIMIT ?3",
        [subject.chain, subject.address, -1 if limit is None else limit],
    )
    return [to_row(row) for row in found]


def each_row(store: Store, subject: Subject) -> Iterator[Row]:
    """Every transfer of a subject once, as recorded, with only a part of them in memory."""
    for party, others in (("sender", ""), ("recipient", "AND sender IS NOT ?2")):
        last = 0
        while part := store.read(
            f"SELECT * FROM transfer WHERE chain = ?1 AND {party} = ?2 {others} "  # noqa: S608
            "AND id > ?3 ORDER BY id LIMIT ?4",
            [subject.chain, subject.address, last, PART],
        ):
            yield from map(to_row, part)
            last = part[-1]["id"]


def context(
    store: Store,
    chain: Chain,
    subject: Subject,
    batches: Sequence[Batch],
    states: Mapping[str, StreamState],
    *,
    assets: Mapping[tuple[str, str], Asset],
    lags: Mapping[str, int],
    now: int,
) -> Context:
    """Load what decide() needs for these batches: of the entries only those on an address
    that is concerned, for there may be very many."""
    txs = {t.tx for b in batches for t in b.transfers}
    txs.update(row.transfer.tx for row in open_rows(store, subject))
    txs.update(_reread_txs(store, subject, batches))
    owed = doubts.of_subject(store, subject)
    txs.update(doubt.tx for doubt in owed)
    others = {d.key: d for d in doubts.of_transactions(store, chain.key, txs)}
    owed = list((others | {d.key: d for d in owed}).values())
    known = _rows_of(store, chain.key, txs)
    moved = [t for b in batches for t in b.transfers] + [row.transfer for row in known]
    parties = {subject.address, *(party for t in moved for party in t.parties())}
    watched = watch.watch(store, chain.key, parties)
    return Context(
        chain=chain,
        subject=subject,
        now=now,
        watched=watched,
        known=known,
        alerts=_alerts_of(store, known),
        covered={
            stream: state.covered.get(axis, ())
            for stream, state in states.items()
            for axis in [next((b.axis for b in batches if stream in b.streams), "height")]
        },
        assets=assets,
        lags=lags,
        prices=_prices(store, watched, moved, now),
        doubts=tuple(owed),
        doubtful=doubts.counts(store, chain.key),
    )


def _prices(
    store: Store,
    watched: watch.Watch,
    moved: Sequence[Transfer],
    now: int,
) -> dict[tuple[str, str], tuple[Price, ...]]:
    """What thresholds in USD need: prices around what moved to an entry that has one."""
    concerned = [
        t
        for t in moved
        if any(loudness.USD in w.entry.min_amount for w in watched.get(t.recipient or "", ()))
    ]
    oldest = min((t.time or now for t in concerned), default=now)
    keys = {(t.chain, t.contract or "") for t in concerned}
    # What happened before that has no price yet when it is decided, or is history.
    since = max(oldest, now - PRICED) - worth.YESTERDAY[1]
    return prices.between(store, keys, since, now + worth.TOLERANCE)


def _reread_txs(store: Store, subject: Subject, batches: Sequence[Batch]) -> set[str]:
    """Transactions of final rows where a batch read again what had been read before, also
    where that counts as unread by now."""
    return {
        tx
        for batch in batches
        if batch.read is not None
        for tx in _final_txs(store, subject, batch.axis, batch.read)
    }


def _final_txs(store: Store, subject: Subject, axis: str, span: Interval) -> set[str]:
    column, unit = ("block_height", 1) if axis == "height" else ("time", 1000)
    sql = (
        f"SELECT tx FROM transfer WHERE chain = ? AND {{}} = ? AND status = 'final' "  # noqa: S608
        f"AND {column} BETWEEN ? AND ?"
    )
    params = [subject.chain, subject.address, -(-span.lo // unit), span.hi // unit]
    return {
        row["tx"]
        for party in ("sender", "recipient")
        for row in store.read(sql.format(party), params)
    }


def _rows_of(store: Store, chain: str, txs: Iterable[str]) -> tuple[Row, ...]:
    found = store.read_in("SELECT * FROM transfer WHERE chain = ? AND tx IN ({})", txs, [chain])
    transfers = {row["id"]: to_transfer(row) for row in found}
    tellers: dict[int, set[str]] = {}
    for number, source, block in store.read_in(
        "SELECT transfer, source, block FROM sighting WHERE transfer IN ({})", transfers
    ):
        if block == transfers[number].block_key:
            tellers.setdefault(number, set()).add(source)
    return tuple(
        to_row(row, transfers[row["id"]], frozenset(tellers.get(row["id"], ()))) for row in found
    )


def _alerts_of(store: Store, known: Sequence[Row]) -> tuple[Alert, ...]:
    """Alerts about the rows' transactions, and start-up summaries that listed the rows."""
    txs = (row.transfer.tx for row in known)
    found = store.read_in("SELECT rowid AS nr, * FROM alert WHERE tx IN ({})", txs)
    summaries = store.read_in(
        "SELECT DISTINCT a.rowid AS nr, a.* FROM alert_transfer at JOIN alert a ON a.id = at.alert "
        "WHERE a.kind = 'history' AND at.transfer IN ({})",
        (row.id for row in known),
    )
    found += {row["id"]: row for row in summaries}.values()
    identities: dict[str, list[tuple[str, str, str]]] = {}
    for row in store.read_in(
        "SELECT at.alert, t.chain, t.tx, t.leg FROM alert_transfer at "
        "JOIN transfer t ON t.id = at.transfer WHERE at.alert IN ({})",
        (row["id"] for row in found),
    ):
        identities.setdefault(row["alert"], []).append((row["chain"], row["tx"], row["leg"]))
    ordered = sorted(found, key=lambda row: (row["created"], row["nr"]))
    return tuple(to_alert(row, tuple(identities.get(row["id"], ()))) for row in ordered)


def apply(
    store: Store,
    plan: Plan,
    *,
    readings: Sequence[Reading] = (),
    routes: Sequence[Route] = (),
) -> None:
    """Commit a plan: all of it or nothing. Raises Conflict when known rows have changed."""
    with store.write() as conn:
        _insert_rows(conn, plan.new, plan.now)
        _change_rows(conn, plan)
        _sight(conn, plan.sightings, plan.now)
        for covered in plan.covered:
            _cover(conn, plan.subject, covered, plan.now)
        for gap in plan.gaps:
            _open_gap(conn, plan.subject, gap, plan.now)
        _tokens(conn, plan)
        doubts.note(conn, plan)
        conn.executemany(
            "UPDATE entry SET base_height = ?, base_time = ?, base_head_time = ? "
            "WHERE id = ? AND base_height IS NULL",
            [(b.height, b.time, b.head_time, entry) for entry, b in plan.baselines],
        )
        insert_alerts(conn, plan.alerts, routes)
        note_signals(conn, plan.signals, plan.now)
        _note_readings(conn, plan.subject, readings, plan.now)


def _insert_rows(conn: sqlite3.Connection, new: Sequence[NewRow], now: int) -> None:
    try:
        conn.executemany(
            f"INSERT INTO transfer ({TRANSFER_COLUMNS}, status, late, first_seen) "  # noqa: S608
            f"VALUES ({','.join('?' * 19)})",
            [(*transfer_params(r.transfer), r.status.value, int(r.late), now) for r in new],
        )
    except sqlite3.IntegrityError as error:
        if not is_double(error):
            raise
        raise Conflict(f"a row to add is there already: {error}") from error


def _change_rows(conn: sqlite3.Connection, plan: Plan) -> None:
    if not plan.changes:
        return
    names = ("block_height", "block_hash", "time", "tx_index", "log_index", "trace_path", "spends")
    cursor = conn.executemany(
        f"UPDATE transfer SET {', '.join(f'{n} = ?' for n in names)}, status = ?, "  # noqa: S608
        "absences = ?, version = version + 1 WHERE id = ? AND version = ?",
        [
            (
                *(getattr(c.transfer, name) for name in names),
                *(c.status.value, json.dumps(c.absences), c.row_id, c.version),
            )
            for c in plan.changes
        ],
    )
    if cursor.rowcount != len(plan.changes):
        raise Conflict("known rows have changed since the decision")


def _sight(conn: sqlite3.Connection, sightings: Sequence[Sighting], now: int) -> None:
    conn.executemany(
        "INSERT INTO sighting (transfer, source, block, at, sha256) "
        "SELECT id, ?, ?, ?, ? FROM transfer WHERE chain = ? AND tx = ? AND leg = ? "
        "ON CONFLICT (transfer, source, block) DO NOTHING",
        [(s.source, s.block, now, s.sha256, *s.identity) for s in sightings],
    )


def _cover(conn: sqlite3.Connection, subject: Subject, new: Covered, now: int) -> None:
    """Add an interval, joined with those of the same source that it meets."""
    key = (subject.key, new.stream, new.source, new.axis)
    where = "subject = ? AND stream = ? AND source = ? AND axis = ? AND lo <= ? AND hi >= ?"
    near = (*key, new.span.hi + 1, new.span.lo - 1)
    rows = conn.execute(f"SELECT lo, hi FROM coverage WHERE {where}", near).fetchall()  # noqa: S608
    (joined,) = coverage.union([new.span, *(Interval(r["lo"], r["hi"]) for r in rows)])
    if any(r["lo"] != joined.lo for r in rows):
        conn.execute(f"DELETE FROM coverage WHERE {where} AND lo <> ?", (*near, joined.lo))  # noqa: S608
    conn.execute(
        "INSERT INTO coverage (subject, stream, source, axis, lo, hi, at) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (subject, stream, source, axis, lo) "
        "DO UPDATE SET hi = excluded.hi, at = excluded.at",
        (*key, joined.lo, joined.hi, now),
    )
    where = "subject = ? AND stream = ? AND axis = ? AND closed IS NULL AND lo >= ? AND hi <= ?"
    inside = (subject.key, new.stream, new.axis, new.span.lo, new.span.hi)
    gaps = conn.execute(f"SELECT lo, hi FROM gap WHERE {where}", inside).fetchall()  # noqa: S608
    if gaps:
        conn.execute(f"UPDATE gap SET closed = ? WHERE {where}", (now, *inside))  # noqa: S608
    for gap in gaps:
        _end_incident(conn, subject, new.axis, Interval(gap["lo"], gap["hi"]), now)


def _end_incident(
    conn: sqlite3.Connection, subject: Subject, axis: str, span: Interval, now: int
) -> None:
    """Close the incident about a gap once all lists that it was about have been read."""
    left = conn.execute(
        "SELECT 1 FROM gap WHERE subject = ? AND axis = ? AND lo = ? AND hi = ? "
        "AND closed IS NULL LIMIT 1",
        (subject.key, axis, span.lo, span.hi),
    ).fetchone()
    if left is None:
        note_signals(conn, [Signal(gap_key(subject, axis, span), bad=False)], now)


def _open_gap(conn: sqlite3.Connection, subject: Subject, new: OpenGap, now: int) -> None:
    conn.execute(
        "INSERT INTO gap (subject, stream, source, axis, lo, hi, reason, raw, opened, next_try) "
        "VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (subject, stream, axis, lo, hi) DO UPDATE "
        "SET next_try = excluded.next_try, reason = excluded.reason, closed = NULL",
        (
            *(subject.key, new.stream, new.source, new.axis, new.gap.at.lo, new.gap.at.hi),
            *(new.gap.reason, new.gap.raw[:4000], now, now + RETRY_GAP),
        ),
    )


def _tokens(conn: sqlite3.Connection, plan: Plan) -> None:
    conn.executemany(
        "INSERT INTO token (chain, contract, symbol, name, decimals) VALUES (?,?,?,?,?) "
        "ON CONFLICT (chain, contract) DO NOTHING",
        [
            (plan.subject.chain, t.contract, _storable(t.symbol), _storable(t.name), t.decimals)
            for t in plan.tokens
        ],
    )


def _storable(text: str | None) -> str | None:
    """Chain text without lone surrogates, which SQLite cannot hold."""
    return None if text is None else text.encode("utf-8", "replace").decode()[:1000]


def _note_readings(
    conn: sqlite3.Connection, subject: Subject, readings: Sequence[Reading], now: int
) -> None:
    kept: dict[str, tuple[str, int | None]] = {
        row["stream"]: (row["cursors"], row["failing"])
        for row in conn.execute(
            "SELECT stream, cursors, failing FROM reading WHERE subject = ?", (subject.key,)
        )
    }
    for reading in readings:
        cursors, failing = kept.get(reading.stream, ("{}", None))
        failing = None if reading.ok else failing or now
        kept[reading.stream] = (_cursors_after(cursors, reading), failing)
        _note_reading(conn, subject, reading, *kept[reading.stream], now)


def _cursors_after(known: str, r: Reading) -> str:
    cursors = json.loads(known)
    if r.cursor is not None:
        source, place, cursor = r.cursor
        cursors[source] = [place, cursor]
    elif r.read is not None and cursors.get(r.source, [-1])[0] in r.read:
        del cursors[r.source]
    return json.dumps(cursors)


def _note_reading(
    conn: sqlite3.Connection,
    subject: Subject,
    r: Reading,
    cursors: str,
    failing: int | None,
    now: int,
) -> None:
    conn.execute(
        "INSERT INTO reading (subject, stream, tried, ok, source, axis, complete_to, "
        "complete_time, error, failing, cursors) VALUES (?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT (subject, stream) DO UPDATE SET tried = excluded.tried, "
        "ok = coalesce(excluded.ok, ok), source = coalesce(excluded.source, source), "
        "axis = coalesce(excluded.axis, axis), "
        "complete_to = coalesce(excluded.complete_to, complete_to), "
        "complete_time = coalesce(excluded.complete_time, complete_time), "
        "error = excluded.error, failing = excluded.failing, cursors = excluded.cursors",
        (
            *(subject.key, r.stream, now, now if r.ok else None, r.source or None),
            *(r.axis or None, r.complete_to, r.complete_time, r.error or None, failing),
            cursors,
        ),
    )
