"""Alerts, acknowledgements and incidents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from monitor.chains.address import stable_id
from monitor.decide import incidents
from monitor.model import Alert
from monitor.model.errors import Conflict
from monitor.model.plan import Signal
from monitor.store.rows import alert_params
from monitor.store.sqlite import Store, is_double


def insert_alerts(
    conn: sqlite3.Connection, alerts: Sequence[Alert], routes: Sequence[tuple[str, str, str]]
) -> None:
    """Alerts with their transfers and the channels that they are owed to."""
    try:
        conn.executemany(
            "INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, direction, "
            "amends, lane_reason, title, facts, audience) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [alert_params(a) for a in alerts],
        )
    except sqlite3.IntegrityError as error:
        if not is_double(error):
            raise
        raise Conflict(f"an alert to add is there already: {error}") from error
    conn.executemany(
        "INSERT INTO alert_transfer (alert, transfer) "
        "SELECT ?, id FROM transfer WHERE chain = ? AND tx = ? AND leg = ?",
        [(a.id, *identity) for a in alerts for identity in a.rows],
    )
    conn.executemany("INSERT INTO route (alert, channel, form) VALUES (?,?,?)", routes)


def add_alerts(
    store: Store, alerts: Sequence[Alert], routes: Sequence[tuple[str, str, str]]
) -> None:
    """Alerts that come without a plan: notices, history summaries."""
    with store.write() as conn:
        insert_alerts(conn, alerts, routes)


def first_alerts(store: Store, entry: str, txs: Sequence[str]) -> dict[str, str]:
    """The alerts that first told an entry of these transactions, by transaction."""
    rows = store.read_in(
        "SELECT tx, id FROM alert WHERE entry = ? AND amends IS NULL AND tx IN ({})", txs, [entry]
    )
    return {row["tx"]: row["id"] for row in rows}


def note_signals(conn: sqlite3.Connection, signals: Sequence[Signal], now: int) -> None:
    """Open, refresh or close the incidents that these signals are about."""
    for signal in signals:
        row = conn.execute(
            "SELECT closed, told, ended, signal FROM incident WHERE key = ?", (signal.key,)
        ).fetchone()
        if signal.bad:
            _raise(conn, signal, row, now)
        elif row is not None and row["closed"] is None:
            conn.execute("UPDATE incident SET closed = ? WHERE key = ?", (now, signal.key))


def _raise(conn: sqlite3.Connection, signal: Signal, row: sqlite3.Row | None, now: int) -> None:
    if row is not None and signal.once:
        return  # an event is told once
    text = json.dumps(asdict(signal), ensure_ascii=False, sort_keys=True)
    told_only = row is not None and row["told"] is not None and row["ended"] is None
    if row is not None and (row["closed"] is None or told_only):
        # Back before anybody was told that it was over: it still is the same incident.
        if row["signal"] != text or row["closed"] is not None:
            conn.execute(
                "UPDATE incident SET signal = ?, closed = NULL WHERE key = ?", (text, signal.key)
            )
        return
    conn.execute(
        "INSERT INTO incident (key, number, since, signal) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET number = number + 1, since = excluded.since, "
        "signal = excluded.signal, told = NULL, reminded = NULL, closed = NULL, ended = NULL",
        (signal.key, 1, now, text),
    )


def put_signals(store: Store, signals: Sequence[Signal], now: int) -> None:
    """Signals that come without a plan."""
    if signals:
        with store.write() as conn:
            note_signals(conn, signals, now)


def incident_list(store: Store, *, open_only: bool) -> list[incidents.Incident]:
    """Incidents that last, and (unless `open_only`) those whose end is still to be told."""
    ending = "" if open_only else "OR (told IS NOT NULL AND ended IS NULL)"
    where = f"WHERE closed IS NULL {ending}"
    rows = store.read(f"SELECT * FROM incident {where} ORDER BY since")  # noqa: S608
    return [_to_incident(row) for row in rows]


def incidents_closed(store: Store, since: int) -> list[incidents.Incident]:
    """Incidents that people were told of and that ended after `since`."""
    rows = store.read(
        "SELECT * FROM incident WHERE told IS NOT NULL AND closed > ? ORDER BY closed", [since]
    )
    return [_to_incident(row) for row in rows]


def lasts(store: Store, key: str, since: int) -> bool:
    """Whether an incident is open that began before a time."""
    query = "SELECT 1 FROM incident WHERE key = ? AND closed IS NULL AND since < ?"
    return bool(store.read(query, [key, since]))


def _to_incident(row: sqlite3.Row) -> incidents.Incident:
    fields: dict[str, Any] = json.loads(row["signal"])
    lists = {name: tuple(fields.get(name, ())) for name in ("who", "cases")}
    signal = Signal(**{**fields, **lists})
    return incidents.Incident(
        signal=signal,
        number=row["number"],
        since=row["since"],
        told=row["told"],
        reminded=row["reminded"],
        closed=row["closed"],
        ended=row["ended"],
    )


def tell_incidents(
    store: Store,
    keys: Sequence[str],
    phase: str,
    alerts: Sequence[Alert],
    routes: Sequence[tuple[str, str, str]],
) -> None:
    """Store the notices of one phase of these incidents and mark it as told, together."""
    column = {"opened": "told", "reminder": "reminded", "closed": "ended"}[phase]
    with store.write() as conn:
        insert_alerts(conn, alerts, routes)
        conn.executemany(
            f"UPDATE incident SET {column} = ? WHERE key = ?",  # noqa: S608
            [(alerts[0].created, key) for key in keys],
        )


@dataclass(frozen=True, slots=True)
class Word:
    """The last that somebody said of an alert: acknowledged or closed, by whom, when."""

    state: str
    name: str
    at: int


Words = Mapping[str, Word]


def last_words(store: Store, alert_ids: Sequence[str]) -> dict[str, Word]:
    """Of those of these alerts that are not open."""
    rows = store.read_in(
        "SELECT a.id, a.state, l.name, l.at FROM alert a LEFT JOIN alert_log l ON l.alert = a.id "
        "WHERE a.id IN ({}) AND a.state <> 'open' ORDER BY l.at, l.rowid",
        alert_ids,
    )
    return {r["id"]: Word(r["state"], r["name"] or "", r["at"] or 0) for r in rows}


def _log_state(
    conn: sqlite3.Connection, alert_id: str, state: str, name: str, note: str, now: int
) -> None:
    number = conn.execute("SELECT count(*) FROM alert_log WHERE alert = ?", (alert_id,)).fetchone()[
        0
    ]
    conn.execute(
        "INSERT INTO alert_log (id, alert, at, state, name, note) VALUES (?,?,?,?,?,?)",
        (stable_id("L", alert_id, str(number)), alert_id, now, state, name, note),
    )


def take(
    store: Store,
    alert_ids: Sequence[str],
    state: str,
    name: str,
    note: str,
    now: int,
    *,
    over: bool = False,
) -> list[str]:
    """Acknowledge those of these alerts that are open, or close those that are not closed;
    returns them. In one transaction: of two people who do so at once one has each alert.
    `over`: whatever their state."""
    before = {"acknowledged": "state = 'open'", "closed": "state <> 'closed'"}[state]
    taken: list[str] = []
    with store.write() as conn:
        for alert_id in alert_ids:
            change = f"UPDATE alert SET state = ? WHERE id = ? AND {'1' if over else before}"  # noqa: S608
            if conn.execute(change, (state, alert_id)).rowcount:
                _log_state(conn, alert_id, state, name, note, now)
                taken.append(alert_id)
    return taken


def alerts_of_message(store: Store, message_id: str) -> list[str]:
    """Alerts that a message told, oldest first; none for an unknown message."""
    rows = store.read(
        "SELECT a.id FROM route r JOIN alert a ON a.id = r.alert WHERE r.message = ? "
        "ORDER BY a.created, a.rowid",
        [message_id],
    )
    return [row["id"] for row in rows]


def states(store: Store, alert_ids: Sequence[str]) -> dict[str, str]:
    rows = store.read_in("SELECT id, state FROM alert WHERE id IN ({})", alert_ids)
    return {row["id"]: row["state"] for row in rows}


def holders(store: Store, message_id: str) -> list[tuple[str, str, str, int, int]]:
    """Who acknowledged or closed alerts of a message, oldest first: (state, name, note, time,
    how many alerts)."""
    rows = store.read(
        "SELECT l.state, l.name, l.note, l.at, count(*) AS n FROM alert_log l "
        "JOIN route r ON r.alert = l.alert WHERE r.message = ? "
        "GROUP BY l.state, l.name, l.note, l.at ORDER BY l.at, min(l.rowid)",
        [message_id],
    )
    return [(row["state"], row["name"], row["note"], row["at"], row["n"]) for row in rows]


def put_note(store: Store, key: str, value: str | None) -> None:
    """A small fact of the program: when the last pass ended, and the like. None forgets it."""
    with store.write() as conn:
        write_note(conn, key, value)


def write_note(conn: sqlite3.Connection, key: str, value: str | None) -> None:
    if value is None:
        conn.execute("DELETE FROM note WHERE key = ?", (key,))
        return
    conn.execute(
        "INSERT INTO note (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def get_note(store: Store, key: str) -> str | None:
    rows = store.read("SELECT value FROM note WHERE key = ?", [key])
    return str(rows[0]["value"]) if rows else None


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


def budgets(store: Store, now: int) -> list[tuple[str, int, int]]:
    """Calls reserved in the present windows: (key, window in seconds, used)."""
    rows = store.read("SELECT * FROM budget WHERE starts + seconds > ? AND starts <= ?", [now, now])
    return [(row["key"], row["seconds"], row["used"]) for row in rows]
