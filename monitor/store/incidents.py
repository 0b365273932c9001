"""Incidents: what is wrong, since when, and whether it was told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitor.model.incident import Incident
from monitor.model.plan import Signal
from monitor.store.alerts import insert_alerts
from monitor.store.log import Part
from monitor.store.planlog import alert_parts
from monitor.store.port import Connection, Fields, Reader, Store

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor, TellIncidents


def note_signals(conn: Connection, signals: Sequence[Signal], now: int) -> None:
    """Open, refresh or close the incidents that these signals are about."""
    for signal in signals:
        row = conn.execute(
            "SELECT closed, told, ended, signal FROM incident WHERE key = ?", (signal.key,)
        ).fetchone()
        if signal.bad:
            _raise(conn, signal, row, now)
        elif row is not None and row["closed"] is None:
            conn.execute("UPDATE incident SET closed = ? WHERE key = ?", (now, signal.key))


def _raise(conn: Connection, signal: Signal, row: Fields | None, now: int) -> None:
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


def incident_list(store: Reader, *, open_only: bool) -> list[Incident]:
    """Incidents that last, and (unless `open_only`) those whose end is still to be told."""
    ending = "" if open_only else "OR (told IS NOT NULL AND ended IS NULL)"
    where = f"WHERE closed IS NULL {ending}"
    rows = store.read(f"SELECT * FROM incident {where} ORDER BY since")
    return [_to_incident(row) for row in rows]


def told(store: Reader, *keys: str) -> list[str]:
    """Keys of open incidents that people were told of and that begin with one of these."""
    found = incident_list(store, open_only=True)
    return [i.signal.key for i in found if i.told and i.signal.key.startswith(keys)]


def incidents_closed(store: Reader, since: int) -> list[Incident]:
    """Incidents that people were told of and that ended after `since`."""
    rows = store.read(
        "SELECT * FROM incident WHERE told IS NOT NULL AND closed > ? ORDER BY closed", [since]
    )
    return [_to_incident(row) for row in rows]


def lasts(store: Reader, key: str, since: int) -> bool:
    """Whether an incident is open that began before a time."""
    query = "SELECT 1 FROM incident WHERE key = ? AND closed IS NULL AND since < ?"
    return bool(store.read(query, [key, since]))


def _to_incident(row: Fields) -> Incident:
    fields: dict[str, Any] = json.loads(row["signal"])
    lists = {name: tuple(fields.get(name, ())) for name in ("who", "cases")}
    signal = Signal(**{**fields, **lists})
    return Incident(
        signal=signal,
        number=row["number"],
        since=row["since"],
        told=row["told"],
        reminded=row["reminded"],
        closed=row["closed"],
        ended=row["ended"],
    )


def carry_tell(conn: Connection, _actor: Actor, act: TellIncidents) -> tuple[None, list[Part]]:
    """Store the notices of one phase of these incidents and mark it as told, together."""
    column = {"opened": "told", "reminder": "reminded", "closed": "ended"}[act.phase]
    insert_alerts(conn, act.alerts, act.routes)
    conn.executemany(
        f"UPDATE incident SET {column} = ? WHERE key = ?",
        [(act.alerts[0].created, key) for key in act.keys],
    )
    body = {"incidents": [*act.keys], "phase": act.phase}
    return None, [Part("incidents", body), *alert_parts(conn, act.alerts)]
