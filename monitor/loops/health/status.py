"""`fundwatch status`: what has been read up to when, what waits, what is wrong. Reads only.

`snapshot` gives one JSON-able value with these keys, which stay (times RFC 3339 UTC or null):

    at, health {well, words, reasons}, verdict {words, entries, complete, behind, blind,
        not_read}, running, started,
    last_pass {ended, age_seconds, seconds}, overdue_seconds, hold_severe_seconds
    entries [{id, case, label, severity, chain, address, absent, state, streams [{stream,
        state, reason, covered_from, covered_to {axis, place, time}, by, age_seconds,
        failing_since, failing_seconds, unserved, gaps}]}]
    deliveries {waiting, accepted, dead, next_due, late_seconds, unsent, daily, channels
        [{channel, waiting, accepted, dead, attempts, next_due, last_error, disabled,
        tested {at, good, words}}]}
    budgets [{source, window_seconds, used, limit}]
    alerts {open, oldest, oldest_seconds}
    incidents [{key, what, cure, severity, since, told}]
    heartbeat {wanted, accepted, age_seconds, error}
    record {movements, bytes, last_backup, backup_seconds}
    watchlist {sha256, taken_at, current, refused [..], awaiting_retirement [..]}

`state` is complete, behind, blind or "not read yet". An axis "height" counts blocks, "time"
milliseconds; a place is the newest that the last complete read reached.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide import coverage
from monitor.decide.incidents import Incident
from monitor.loops.health import channel_tests, heartbeat, vitals
from monitor.loops.health.verdict import Verdict
from monitor.loops.health.vitals import OVERDUE
from monitor.loops.health.words import (
    BEHIND,
    BLIND,
    COMPLETE,
    NOT_READ,
    NOT_SERVED,
    Json,
    count,
    render,
)
from monitor.model import Chain, Interval, Watched
from monitor.model.plain import rfc3339, utc
from monitor.model.settings import Settings
from monitor.model.streams import UNSERVED
from monitor.store import budgets, notes, outbox, watch
from monitor.store.incidents import incident_list
from monitor.store.sqlite import Store

__all__ = ("last_backup", "render", "snapshot")

WORST = (BLIND, NOT_READ, BEHIND, COMPLETE)
OLD_HEAD = 3600  # seconds: a newest block older than this is remarked upon


@dataclass(frozen=True)
class _Record:
    """What the record says about reading, loaded once."""

    settings: Settings
    now: int
    running: bool
    readings: Mapping[tuple[str, str], sqlite3.Row]  # by subject and stream
    covered: Mapping[tuple[str, str], tuple[Interval, ...]]
    gaps: Mapping[tuple[str, str], Sequence[sqlite3.Row]]
    due: Mapping[str, int]  # by subject
    history_told: frozenset[str]  # entry ids
    held: frozenset[str]  # subjects whose history is too long to be read unasked


def snapshot(
    store: Store,
    settings: Settings,
    now: int,
    *,
    running: bool,
    health: Verdict | None = None,
    entries: bool = True,
) -> Json:
    """Everything that `status` shows; see the module for the keys. Raises StoreError.

    `health`: the verdict where more is known than the record tells. Without `entries` each of
    them is left out, with all that is counted from them: at 100,000 they take long."""
    verdict = health or vitals.look(store, settings, now, running=running)
    absent = {w.entry.id for w in watch.absent_entries(store)}
    each = _entries(store, settings, now, running, absent) if entries else []
    found: Json = {
        "at": rfc3339(now),
        "health": {
            "well": verdict.well,
            "words": verdict.words,
            "reasons": list(verdict.reasons),
        },
        "verdict": _verdict(each),
        "running": running,
        "started": rfc3339(_number(notes.get_note(store, "started"))),
        "last_pass": _last_pass(store, now),
        "overdue_seconds": vitals.overdue(store, settings, now),
        "hold_severe_seconds": settings.hold_severe,
        "entries": each,
        "deliveries": _deliveries(store, settings, now),
        "budgets": _budgets(store, settings, now),
        "alerts": _alerts(store, now),
        "incidents": [_incident(i) for i in incident_list(store, open_only=True)],
        "heartbeat": _heartbeat(store, settings, now),
        "record": _size(store, now),
        "watchlist": _watchlist(store, settings, sorted(absent)),
    }
    return found


def _entries(
    store: Store, settings: Settings, now: int, running: bool, absent: Collection[str]
) -> list[Json]:
    record = _load(store, settings, now, running)
    active = [w for w in watch.all_entries(store) if w.active]
    return [_entry(record, w, w.entry.id in absent) for w in active]


def _load(store: Store, settings: Settings, now: int, running: bool) -> _Record:
    covered: dict[tuple[str, str], list[Interval]] = {}
    readings = {(r["subject"], r["stream"]): r for r in store.read("SELECT * FROM reading")}
    for row in store.read("SELECT subject, stream, axis, lo, hi FROM coverage"):
        key = (row["subject"], row["stream"])
        if key in readings and row["axis"] == (readings[key]["axis"] or "height"):
            covered.setdefault(key, []).append(Interval(row["lo"], row["hi"]))
    gaps: dict[tuple[str, str], list[sqlite3.Row]] = {}
    for row in store.read("SELECT * FROM gap WHERE closed IS NULL ORDER BY lo"):
        gaps.setdefault((row["subject"], row["stream"]), []).append(row)
    incidents = (i.signal.key for i in incident_list(store, open_only=True))
    return _Record(
        settings=settings,
        now=now,
        running=running,
        readings=readings,
        covered={key: coverage.union(parts) for key, parts in covered.items()},
        gaps=gaps,
        due={r["key"]: r["due"] for r in store.read("SELECT key, due FROM subject")},
        history_told=frozenset(
            r["id"] for r in store.read("SELECT id FROM entry WHERE history = 'told'")
        ),
        held=frozenset(k.partition(":")[2] for k in incidents if k.startswith("busy:")),
    )


# -- reading -----------------------------------------------------------------------------


def _entry(record: _Record, watched: Watched, absent: bool) -> Json:
    entry = watched.entry
    chain = record.settings.chains.get(entry.subject.chain)
    if chain is not None:
        names: Sequence[str] = chain.streams
    else:
        names = sorted(s for key, s in record.readings if key == entry.subject.key)
    streams = [_stream(record, watched, chain, name) for name in names]
    # Where nothing at all is served, nothing is seen.
    states = {s["state"] for s in streams} - {NOT_SERVED} or {BLIND}
    return {
        "id": entry.id,
        "case": entry.case,
        "label": entry.label,
        "severity": entry.severity.value,
        "chain": entry.subject.chain,
        "address": entry.subject.address,
        "absent": absent,
        "state": next(state for state in WORST if state in states),
        "streams": streams,
    }


def _stream(record: _Record, watched: Watched, chain: Chain | None, stream: str) -> Json:
    key = (watched.entry.subject.key, stream)
    row = record.readings.get(key)
    state, reason = _state(record, watched, chain, stream)
    failing = row["failing"] if row else None
    reached = row["complete_time"] if row else None
    return {
        "stream": stream,
        "state": state,
        "reason": reason,
        "covered_from": _covered_from(record, watched, key),
        "covered_to": None
        if row is None or reached is None
        else {"axis": row["axis"], "place": row["complete_to"], "time": rfc3339(reached)},
        "by": (row["source"] or "") if row else "",
        "age_seconds": None if reached is None else max(0, record.now - reached),
        "failing_since": rfc3339(failing),
        "failing_seconds": None if failing is None else record.now - failing,
        "unserved": bool(row and row["error"] == UNSERVED),
        "gaps": [
            {"axis": g["axis"], "from": g["lo"], "to": g["hi"], "reason": g["reason"]}
            for g in record.gaps.get(key, ())
        ],
    }


def _state(record: _Record, watched: Watched, chain: Chain | None, stream: str) -> tuple[str, str]:
    """One word for a list of one entry, and why it is not "complete"."""
    subject = watched.entry.subject
    row = record.readings.get((subject.key, stream))
    if chain is None:
        return BLIND, f"{subject.chain} is no longer in config/chains.yaml"
    if not chain.sources:
        return BLIND, f"no source is in service for {chain.name}; see `fundwatch check`"
    if row is not None and row["failing"] is not None:
        if row["error"] == UNSERVED:
            return NOT_SERVED, UNSERVED
        return BLIND, f"{row['error'] or 'it could not be read'} (since {utc(row['failing'])})"
    if row is None or row["ok"] is None or watched.baseline is None:
        return NOT_READ, "the first read is still to come"
    for reason in _shortfalls(record, watched, row):
        return BEHIND, reason
    age = record.now - row["complete_time"]
    if age > OLD_HEAD:
        return COMPLETE, f"{row['source']} has no newer block: it or the chain stands still"
    return COMPLETE, ""


def _shortfalls(record: _Record, watched: Watched, row: sqlite3.Row) -> Iterable[str]:
    """Why a list that can be read is not complete, the weightiest first."""
    key = (watched.entry.subject.key, row["stream"])
    if row["complete_time"] is None:
        yield "its newest part has not been read in full yet"
    late = record.now - record.due.get(key[0], record.now)
    since = f"last read {utc(row['ok'])}"
    if late > OVERDUE and not record.running:
        yield f"no Fundwatch runs; {since}"
    elif late > OVERDUE:
        yield f"reading is overdue; {since}"
    for gap in record.gaps.get(key, ()):
        yield f"{gap['axis']} {gap['lo']} to {gap['hi']} could not be read: {gap['reason']}"
    if key[0] in record.held:
        yield "over 100,000 movements: history is held back until its entry says  busy: yes"
    if watched.entry.id not in record.history_told:
        yield "its history is still being read"
    elif len(record.covered.get(key, ())) > 1:
        yield "a part in between is still to be read"


def _covered_from(record: _Record, watched: Watched, key: tuple[str, str]) -> str | None:
    """Where the unbroken part begins: what `since` asked for once that has been reached."""
    row, parts = record.readings.get(key), record.covered.get(key, ())
    if row is None or row["ok"] is None:
        return None
    whole = watched.entry.id in record.history_told and key[0] not in record.held
    if whole and len(parts) <= 1:
        since = watched.entry.since
        return f"block {since}" if since.isdecimal() else since
    if not parts:
        return None
    if row["axis"] == "time":
        return rfc3339(parts[-1].lo // 1000)
    return f"block {parts[-1].lo}"


def _verdict(entries: Sequence[Json]) -> Json:
    counts = {state: sum(e["state"] == state for e in entries) for state in WORST}
    words = f"{counts[COMPLETE]} of {count(len(entries), 'entry', 'entries')} fully read"
    if limits := _named_lists(entries, NOT_SERVED):
        words += f", but for lists that no source serves ({limits})"
    if counts[BLIND]:
        words += f", {counts[BLIND]} partly or wholly blind ({_named_lists(entries, BLIND)})"
    for state in (BEHIND, NOT_READ):
        words += f", {counts[state]} {state}" if counts[state] else ""
    return {
        "words": words if entries else "no address is watched",
        "entries": len(entries),
        "complete": counts[COMPLETE],
        "behind": counts[BEHIND],
        "blind": counts[BLIND],
        "not_read": counts[NOT_READ],
    }


def _named_lists(entries: Sequence[Json], state: str) -> str:
    """Which lists stand so: "bnb native internal, tron all lists"."""
    found: dict[str, list[str]] = {}
    everything: dict[str, int] = {}
    for entry in entries:
        everything[entry["chain"]] = len(entry["streams"])
        mine = [s["stream"] for s in entry["streams"] if s["state"] == state]
        if mine or (not entry["streams"] and entry["state"] == state):
            found.setdefault(entry["chain"], []).extend(mine)
    named = {chain: list(dict.fromkeys(streams)) for chain, streams in found.items()}
    return ", ".join(
        f"{chain} {'all lists' if len(s) == everything[chain] else ' '.join(s)}"
        for chain, s in named.items()
    )


# -- the rest ----------------------------------------------------------------------------


def _last_pass(store: Store, now: int) -> Json | None:
    ended, _, seconds = (notes.get_note(store, "pass") or "").partition(" ")
    if not ended:
        return None
    age = max(0, now - int(ended))
    return {"ended": rfc3339(int(ended)), "age_seconds": age, "seconds": float(seconds)}


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _deliveries(store: Store, settings: Settings, now: int) -> Json:
    counted: dict[str, dict[str, sqlite3.Row]] = {}
    for row in store.read(
        "SELECT channel, state, count(*) AS n, min(due) AS due, max(attempts) AS attempts "
        "FROM delivery GROUP BY channel, state"
    ):
        counted.setdefault(row["channel"], {})[row["state"]] = row
    errors = {
        row["channel"]: row["last_error"]
        for row in store.read(
            "SELECT d.channel, d.last_error, max(m.created) FROM delivery d JOIN message m "
            "ON m.id = d.message WHERE d.state <> 'accepted' AND d.last_error <> '' "
            "GROUP BY d.channel"
        )
    }
    off = outbox.disabled(store)
    names = list(dict.fromkeys([*settings.channels, *counted, *off]))
    tested = channel_tests.last_tests(store, names)
    found = [
        _channel(name, counted.get(name, {}), errors.get(name, ""), off.get(name), tested.get(name))
        for name in names
    ]
    owed = store.read("SELECT form, count(*) AS n FROM route WHERE message IS NULL GROUP BY form")
    return {
        **{state: sum(c[state] for c in found) for state in ("waiting", "accepted", "dead")},
        "next_due": min((c["next_due"] for c in found if c["next_due"]), default=None),
        "late_seconds": outbox.late(store, now),
        "unsent": sum(row["n"] for row in owed if row["form"] != "daily"),
        "daily": sum(row["n"] for row in owed if row["form"] == "daily"),
        "channels": found,
    }


def _channel(
    name: str,
    states: Mapping[str, sqlite3.Row],
    error: str,
    disabled: str | None,
    tested: channel_tests.Tested | None,
) -> Json:
    waiting = states.get("waiting")
    return {
        "channel": name,
        **{s: states[s]["n"] if s in states else 0 for s in ("waiting", "accepted", "dead")},
        "attempts": waiting["attempts"] if waiting else 0,
        "next_due": rfc3339(waiting["due"]) if waiting else None,
        "last_error": error,
        "disabled": disabled,
        "tested": {"at": rfc3339(tested.at), "good": tested.good, "words": tested.words}
        if tested
        else None,
    }


def _budgets(store: Store, settings: Settings, now: int) -> list[Json]:
    used = {(key, seconds): count for key, seconds, count in budgets.budgets(store, now)}
    return [
        {
            "source": name,
            "window_seconds": seconds,
            "used": used.get((name, seconds), 0),
            "limit": limit,
        }
        for name, config in settings.sources.items()
        for seconds, limit in ((3600, config.calls_per_hour), (86_400, config.calls_per_day))
        if limit is not None
    ]


def _alerts(store: Store, now: int) -> Json:
    row = store.read(
        "SELECT count(*) AS n, min(created) AS oldest FROM alert WHERE state = 'open' "
        "AND lane = 'news' AND kind <> 'notice' AND NOT (kind = 'history' AND severity = 'low')"
    )[0]
    oldest = row["oldest"]
    age = None if oldest is None else max(0, now - oldest)
    return {"open": row["n"], "oldest": rfc3339(oldest), "oldest_seconds": age}


def _incident(incident: Incident) -> Json:
    signal = incident.signal
    return {
        "key": signal.key,
        "what": signal.what,
        "cure": signal.cure,
        "severity": signal.severity,
        "since": rfc3339(incident.since),
        "told": rfc3339(incident.told),
    }


def _heartbeat(store: Store, settings: Settings, now: int) -> Json:
    beat = heartbeat.last_heartbeat(store)
    accepted = beat.accepted if beat else None
    return {
        "wanted": bool(settings.heartbeat_url),
        "accepted": rfc3339(accepted),
        "age_seconds": None if accepted is None else max(0, now - accepted),
        "error": beat.error if beat else "",
    }


def last_backup(store: Store) -> int | None:
    """When the record was last backed up, as Unix seconds."""
    text = notes.get_note(store, "backup")
    return int(json.loads(text)["at"]) if text else None


def _size(store: Store, now: int) -> Json:
    files = [store.path, store.path.with_name(store.path.name + "-wal")]
    backed_up = last_backup(store)
    return {
        "movements": store.read("SELECT count(*) AS n FROM transfer")[0]["n"],
        "bytes": sum(f.stat().st_size for f in files if f.exists()),
        "last_backup": rfc3339(backed_up),
        "backup_seconds": None if backed_up is None else max(0, now - backed_up),
    }


def _watchlist(store: Store, settings: Settings, absent: list[str]) -> Json:
    rows = store.read("SELECT * FROM list_version ORDER BY at DESC, rowid DESC LIMIT 1")
    path = settings.home / "watchlist.yaml"
    now_there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    outcome: Json = json.loads(rows[0]["outcome"]) if rows else {}
    return {
        "sha256": rows[0]["sha256"] if rows else None,
        "taken_at": rfc3339(rows[0]["at"]) if rows else None,
        "current": bool(rows) and rows[0]["sha256"] == now_there,
        "refused": outcome.get("refused", []),
        "awaiting_retirement": absent,
    }
