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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.chains.table import streams_of
from monitor.loops.health import channel_tests, heartbeat, vitals
from monitor.loops.health.verdict import Verdict
from monitor.loops.health.vitals import OVERDUE
from monitor.loops.health.words import Json, count, render
from monitor.model import Chain, Interval, Watched, intervals
from monitor.model.incident import Incident
from monitor.model.plain import rfc3339, utc
from monitor.model.settings import Settings
from monitor.model.status import State, Unread
from monitor.model.streams import UNSERVED
from monitor.store import budgets, figures, notes, outbox, standing, watch
from monitor.store.figures import Sent
from monitor.store.incidents import incident_list
from monitor.store.sqlite import Store
from monitor.store.standing import ListRead

__all__ = ("render", "snapshot")

WORST = (State.BLIND, State.NOT_READ, State.BEHIND, State.COMPLETE)
NONE = Sent(0, None, 0)
OLD_HEAD = 3600  # seconds: a newest block older than this is remarked upon


@dataclass(frozen=True)
class _Record:
    """What the record says about reading, loaded once."""

    settings: Settings
    now: int
    running: bool
    lists: Mapping[tuple[str, str], ListRead]  # by subject and stream
    covered: Mapping[tuple[str, str], tuple[Interval, ...]]
    gaps: Mapping[tuple[str, str], Sequence[Unread]]
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
    lists = standing.lists_read(store)
    incidents = (i.signal.key for i in incident_list(store, open_only=True))
    return _Record(
        settings=settings,
        now=now,
        running=running,
        lists=lists,
        covered={
            (subject, stream): intervals.union(parts)
            for (subject, stream, axis), parts in standing.covered(store).items()
            if (read := lists.get((subject, stream))) and axis == read.axis
        },
        gaps=standing.unread(store),
        due=standing.due_times(store),
        history_told=standing.history_told(store),
        held=frozenset(k.partition(":")[2] for k in incidents if k.startswith("busy:")),
    )


# -- reading -----------------------------------------------------------------------------


def _entry(record: _Record, watched: Watched, absent: bool) -> Json:
    entry = watched.entry
    chain = record.settings.chains.get(entry.subject.chain)
    if chain is not None:
        names: Sequence[str] = streams_of(chain)
    else:
        names = sorted(s for key, s in record.lists if key == entry.subject.key)
    streams = [_stream(record, watched, chain, name) for name in names]
    # Where nothing at all is served, nothing is seen.
    states = {s["state"] for s in streams} - {State.NOT_SERVED} or {State.BLIND}
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
    read = record.lists.get(key)
    state, reason = _state(record, watched, chain, stream)
    failing = read.failing if read else None
    reached = read.complete_time if read else None
    return {
        "stream": stream,
        "state": state,
        "reason": reason,
        "covered_from": _covered_from(record, watched, key),
        "covered_to": None
        if read is None or reached is None
        else {"axis": read.axis, "place": read.complete_to, "time": rfc3339(reached)},
        "by": read.source if read else "",
        "age_seconds": None if reached is None else max(0, record.now - reached),
        "failing_since": rfc3339(failing),
        "failing_seconds": None if failing is None else record.now - failing,
        "unserved": bool(read and read.error == UNSERVED),
        "gaps": [
            {"axis": g.axis, "from": g.from_, "to": g.to, "reason": g.reason}
            for g in record.gaps.get(key, ())
        ],
    }


def _state(
    record: _Record, watched: Watched, chain: Chain | None, stream: str
) -> tuple[State, str]:
    """One word for a list of one entry, and why it is not "complete"."""
    subject = watched.entry.subject
    read = record.lists.get((subject.key, stream))
    if chain is None:
        return State.BLIND, f"{subject.chain} is no longer in config/chains.yaml"
    if not chain.sources:
        return State.BLIND, f"no source is in service for {chain.name}; see `fundwatch check`"
    if read is not None and read.failing is not None:
        if read.error == UNSERVED:
            return State.NOT_SERVED, UNSERVED
        return State.BLIND, f"{read.error or 'it could not be read'} (since {utc(read.failing)})"
    if read is None or read.ok is None or watched.baseline is None:
        return State.NOT_READ, "the first read is still to come"
    for reason in _shortfalls(record, watched, stream, read):
        return State.BEHIND, reason
    if record.now - (read.complete_time or 0) > OLD_HEAD:
        return State.COMPLETE, f"{read.source} has no newer block: it or the chain stands still"
    return State.COMPLETE, ""


def _shortfalls(record: _Record, watched: Watched, stream: str, read: ListRead) -> Iterable[str]:
    """Why a list that can be read is not complete, the weightiest first."""
    key = (watched.entry.subject.key, stream)
    if read.complete_time is None:
        yield "its newest part has not been read in full yet"
    late = record.now - record.due.get(key[0], record.now)
    since = f"last read {utc(read.ok)}"
    if late > OVERDUE and not record.running:
        yield f"no Fundwatch runs; {since}"
    elif late > OVERDUE:
        yield f"reading is overdue; {since}"
    for gap in record.gaps.get(key, ()):
        yield f"{gap.axis} {gap.from_} to {gap.to} could not be read: {gap.reason}"
    if key[0] in record.held:
        yield "over 100,000 movements: history is held back until its entry says  busy: yes"
    if watched.entry.id not in record.history_told:
        yield "its history is still being read"
    elif len(record.covered.get(key, ())) > 1:
        yield "a part in between is still to be read"


def _covered_from(record: _Record, watched: Watched, key: tuple[str, str]) -> str | None:
    """Where the unbroken part begins: what `since` asked for once that has been reached."""
    read, parts = record.lists.get(key), record.covered.get(key, ())
    if read is None or read.ok is None:
        return None
    whole = watched.entry.id in record.history_told and key[0] not in record.held
    if whole and len(parts) <= 1:
        since = watched.entry.since
        return f"block {since}" if since.isdecimal() else since
    if not parts:
        return None
    if read.axis == "time":
        return rfc3339(parts[-1].lo // 1000)
    return f"block {parts[-1].lo}"


def _verdict(entries: Sequence[Json]) -> Json:
    counts = {state: sum(e["state"] == state for e in entries) for state in WORST}
    words = f"{counts[State.COMPLETE]} of {count(len(entries), 'entry', 'entries')} fully read"
    if limits := _named_lists(entries, State.NOT_SERVED):
        words += f", but for lists that no source serves ({limits})"
    if counts[State.BLIND]:
        words += (
            f", {counts[State.BLIND]} partly or wholly blind ({_named_lists(entries, State.BLIND)})"
        )
    for state in (State.BEHIND, State.NOT_READ):
        words += f", {counts[state]} {state}" if counts[state] else ""
    return {
        "words": words if entries else "no address is watched",
        "entries": len(entries),
        "complete": counts[State.COMPLETE],
        "behind": counts[State.BEHIND],
        "blind": counts[State.BLIND],
        "not_read": counts[State.NOT_READ],
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
    sent, errors, off = figures.sent(store), figures.last_errors(store), outbox.disabled(store)
    names = list(dict.fromkeys([*settings.channels, *(name for name, _ in sent), *off]))
    tested = channel_tests.last_tests(store, names)
    found = [
        _channel(name, sent, errors.get(name, ""), off.get(name), tested.get(name))
        for name in names
    ]
    owed = figures.owed(store)
    return {
        **{state: sum(c[state] for c in found) for state in ("waiting", "accepted", "dead")},
        "next_due": min((c["next_due"] for c in found if c["next_due"]), default=None),
        "late_seconds": outbox.late(store, now),
        "unsent": sum(number for form, number in owed.items() if form != "daily"),
        "daily": owed.get("daily", 0),
        "channels": found,
    }


def _channel(
    name: str,
    sent: Mapping[tuple[str, str], Sent],
    error: str,
    disabled: str | None,
    tested: channel_tests.Tested | None,
) -> Json:
    stand = {state: sent.get((name, state), NONE) for state in ("waiting", "accepted", "dead")}
    return {
        "channel": name,
        **{state: each.number for state, each in stand.items()},
        "attempts": stand["waiting"].attempts,
        "next_due": rfc3339(stand["waiting"].due),
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
    number, oldest = figures.untaken_since(store)
    age = None if oldest is None else max(0, now - oldest)
    return {"open": number, "oldest": rfc3339(oldest), "oldest_seconds": age}


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


def _size(store: Store, now: int) -> Json:
    backed_up = figures.last_backup(store)
    return {
        "movements": figures.rows_of(store, "transfer")["transfer"],
        "bytes": figures.size(store),
        "last_backup": rfc3339(backed_up),
        "backup_seconds": None if backed_up is None else max(0, now - backed_up),
    }


def _watchlist(store: Store, settings: Settings, absent: list[str]) -> Json:
    taken = watch.last_list(store)
    path = settings.home / "watchlist.yaml"
    now_there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return {
        "sha256": taken.sha256 or None,
        "taken_at": rfc3339(taken.at),
        "current": taken.at is not None and taken.sha256 == now_there,
        "refused": list(taken.refused),
        "awaiting_retirement": absent,
    }
