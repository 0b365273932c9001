"""What a poll decided, written inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.model import Baseline
from monitor.model.acts import Actor, ApplyPlan
from monitor.model.errors import Conflict
from monitor.model.plan import Identity, NewRow, Plan
from monitor.model.scope import ChainWide, Scope
from monitor.model.streams import Reading
from monitor.store import answers, balance_due, blocks, doubts, lapse, ours, planlog
from monitor.store.alerts import insert_alerts
from monitor.store.coverage import cover, open_gap
from monitor.store.incidents import note_signals
from monitor.store.log import Part
from monitor.store.port import Connection
from monitor.store.rows import TRANSFER_COLUMNS, transfer_params


def carry(conn: Connection, _actor: Actor, act: ApplyPlan) -> tuple[None, list[Part]]:
    """Write a plan. Raises Conflict when known rows have changed since it was decided."""
    plan = act.plan
    new = {row.transfer.identity: _new(row, plan.now) for row in plan.new}
    if len(new) != len(plan.new):
        raise Conflict("one row is new twice")
    parts = planlog.parts(conn, plan, new, _meet(conn, plan))  # before the rows change
    ids = _insert_rows(conn, new)
    _change_rows(conn, plan)
    _sight(conn, plan, ids)
    if plan.weighs and isinstance(plan.scope, ChainWide):
        balance_due.touch(conn, plan.scope, (row.transfer for row in plan.new), plan.now)
    for covered in plan.covered:
        cover(conn, plan.scope, covered, plan.now)
    if plan.blocks is not None:
        blocks.note(conn, plan.scope, *plan.blocks)
    for gap in plan.gaps:
        open_gap(conn, plan.scope, gap, plan.now)
    _tokens(conn, plan)
    doubts.note(conn, plan)
    answers.put(conn, plan)
    ours.check_untold(conn, plan.alerts)
    insert_alerts(conn, plan.alerts, act.routes)
    note_signals(conn, plan.signals, plan.now)
    _note_readings(conn, plan.scope, act.readings, plan.now)
    return None, [*parts, *lapse.by_plan(conn, plan)]


def _meet(conn: Connection, plan: Plan) -> dict[tuple[str, Baseline], str]:
    """First contact of entries. Returns the case of each that had none before: a million entries
    are not looked up once more for it, and of two plans that meet an entry the log names the one
    whose baseline it has."""
    by_base: dict[Baseline, list[str]] = {}
    for entry, base in plan.baselines:
        by_base.setdefault(base, []).append(entry)
    cases: dict[tuple[str, Baseline], str] = {}
    for base, entries in by_base.items():
        rows = conn.execute(
            "UPDATE entry SET base_height = ?2, base_time = ?3, base_head_time = ?4 "
            "FROM json_each(?1) k WHERE entry.id = k.value AND base_height IS NULL "
            "RETURNING entry.id, case_id",
            (json.dumps(entries), base.height, base.time, base.head_time),
        )
        cases.update(((row[0], base), row[1]) for row in rows.fetchall())
    return cases


def _new(row: NewRow, now: int) -> tuple[Any, ...]:
    """The columns of a new row."""
    return (*transfer_params(row.transfer), row.status.value, int(row.late), now)


def _insert_rows(conn: Connection, new: planlog.New) -> dict[Identity, int]:
    """Returns their ids: to look each up again takes as long as to insert it."""
    after = conn.execute("SELECT coalesce(max(id), 0) AS id FROM transfer").fetchone()["id"] + 1
    conn.executemany(
        f"INSERT INTO transfer (id, {TRANSFER_COLUMNS}, status, late, first_seen) "
        f"VALUES ({','.join('?' * 20)})",
        ((number, *columns) for number, columns in enumerate(new.values(), after)),
    )
    return {identity: number for number, identity in enumerate(new, after)}


def _change_rows(conn: Connection, plan: Plan) -> None:
    if not plan.changes:
        return
    *names, _status, _absences = planlog.CHANGED
    cursor = conn.executemany(
        f"UPDATE transfer SET {', '.join(f'{n} = ?' for n in names)}, status = ?, "
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


def _sight(conn: Connection, plan: Plan, ids: Mapping[Identity, int]) -> None:
    """Who reported which row; `ids`: of the new ones."""
    conn.executemany(
        "INSERT INTO sighting (transfer, source, block, at, sha256) VALUES (?,?,?,?,?) "
        "ON CONFLICT (transfer, source, block) DO NOTHING",
        (
            (ids[s.identity], s.source, s.block, plan.now, s.sha256)
            for s in plan.sightings
            if s.identity in ids
        ),
    )
    conn.executemany(
        "INSERT INTO sighting (transfer, source, block, at, sha256) "
        "SELECT id, ?, ?, ?, ? FROM transfer WHERE chain = ? AND tx = ? AND leg = ? "
        "ON CONFLICT (transfer, source, block) DO NOTHING",
        (
            (s.source, s.block, plan.now, s.sha256, *s.identity)
            for s in plan.sightings
            if s.identity not in ids
        ),
    )


def _tokens(conn: Connection, plan: Plan) -> None:
    conn.executemany(
        "INSERT INTO token (chain, contract, symbol, name, decimals) VALUES (?,?,?,?,?) "
        "ON CONFLICT (chain, contract) DO NOTHING",
        [
            (plan.scope.chain, t.contract, _storable(t.symbol), _storable(t.name), t.decimals)
            for t in plan.tokens
        ],
    )


def _storable(text: str | None) -> str | None:
    """Chain text without lone surrogates, which SQLite cannot hold."""
    return None if text is None else text.encode("utf-8", "replace").decode()[:1000]


def _note_readings(conn: Connection, scope: Scope, readings: Sequence[Reading], now: int) -> None:
    kept: dict[str, tuple[str, int | None]] = {
        row["stream"]: (row["cursors"], row["failing"])
        for row in conn.execute(
            "SELECT stream, cursors, failing FROM reading WHERE scope = ?", (scope.key,)
        )
    }
    for reading in readings:
        cursors, failing = kept.get(reading.stream, ("{}", None))
        failing = None if reading.ok else failing or now
        kept[reading.stream] = (_cursors_after(cursors, reading), failing)
        _note_reading(conn, scope, reading, *kept[reading.stream], now)


def _cursors_after(known: str, r: Reading) -> str:
    cursors = json.loads(known)
    if r.cursor is not None:
        source, place, cursor = r.cursor
        cursors[source] = [place, cursor]
    elif r.read is not None and cursors.get(r.source, [-1])[0] in r.read:
        del cursors[r.source]
    return json.dumps(cursors)


def _note_reading(
    conn: Connection,
    scope: Scope,
    r: Reading,
    cursors: str,
    failing: int | None,
    now: int,
) -> None:
    conn.execute(
        "INSERT INTO reading (scope, stream, tried, ok, source, axis, complete_to, "
        "complete_time, error, failing, cursors) VALUES (?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT (scope, stream) DO UPDATE SET tried = excluded.tried, "
        "ok = coalesce(excluded.ok, ok), source = coalesce(excluded.source, source), "
        "axis = coalesce(excluded.axis, axis), "
        "complete_to = coalesce(excluded.complete_to, complete_to), "
        "complete_time = coalesce(excluded.complete_time, complete_time), "
        "error = excluded.error, failing = excluded.failing, cursors = excluded.cursors",
        (
            *(scope.key, r.stream, now, now if r.ok else None, r.source or None),
            *(r.axis or None, r.complete_to, r.complete_time, r.error or None, failing),
            cursors,
        ),
    )
