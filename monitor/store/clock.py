"""Times in the record that lie ahead of the clock: nothing may wait for them in silence.

They come from a clock that was ahead and has been set back, or from an interval between
polls that has been shortened since.
"""

from __future__ import annotations

from monitor.model.acts import Actor, SetClock
from monitor.store import entrylog
from monitor.store.entrylog import Changed
from monitor.store.log import Part
from monitor.store.port import Connection, Reader, Store
from monitor.store.watch import PARKED

SLACK = 60  # seconds that a time may lie ahead: clocks are set by small steps all the time
DAY = 86_400  # the longest that a delivery or the next try of a gap waits

# Table, which of its rows, what becomes of them.
_AHEAD = (
    ("reading", "tried > {now}", "tried = {now}, ok = min(ok, {now})"),
    ("reading", "failing > {now}", "failing = {now}"),
    ("scope", "due > {now} AND due < {parked}", "due = {now}"),
    ("debt", "due > {now} AND history <> 2", "due = {now}"),
    ("debt", "due > {day} AND history = 2", "due = {day}"),  # a second look, and not the first anew
    ("touched", "due > {now}", "due = {now}"),
    ("scope", "deep > {now}", "deep = 0"),
    ("delivery", "state = 'waiting' AND due > CASE held WHEN 0 THEN {now} ELSE {day} END",
     "due = {now}"),
    ("gap", "closed IS NULL AND next_try > {day}", "next_try = {now}"),
    ("incident", "since > {now}", "since = {now}"),
    ("incident", "told > {now}", "told = {now}"),
    ("incident", "reminded > {now}", "reminded = {now}"),
    ("incident", "closed > {now}", "closed = {now}"),
    ("way", "refusing > {now}", "refusing = {now}"),
    ("way", "accepted > {now}", "accepted = {now}"),
    ("channel_state", "disabled > {now}", "disabled = {now}"),
    ("entry", "added > {now}", "added = {now}"),  # since then it waits to be read
    ("note", "key IN ('started', 'daily_at') AND CAST(value AS INTEGER) > {now}",
     "value = '{now}'"),
    ("note", "key LIKE 'tested:%' AND json_extract(value, '$.at') > {now}",
     "value = json_set(value, '$.at', {now}, "
     "'$.since', min({now}, coalesce(json_extract(value, '$.since'), 0)))"),
    ("note", "key = 'escalation' AND CAST(value AS INTEGER) > {now}", "value = '{now}'"),
)  # fmt: skip


def was_ahead(store: Reader, now: int) -> bool:
    """Whether something was read or sent at a time that is still to come."""
    latest = store.read(
        "SELECT max(at) AS at FROM (SELECT max(tried) AS at FROM reading UNION ALL "
        "SELECT max(refusing) FROM way UNION ALL SELECT max(accepted) FROM way)"
    )[0]["at"]
    return latest is not None and latest > now + SLACK


def carry(conn: Connection, _actor: Actor, act: SetClock) -> tuple[None, list[Part]]:
    """Let everything count from now that lies ahead of it."""
    rows = conn.execute("SELECT id, case_id, added FROM entry WHERE added > ?", (act.at,))
    changes = [
        Changed(row["id"], row["case_id"], {"added": row["added"]}, {"added": act.at})
        for row in rows.fetchall()
    ]
    times = {"now": act.at, "day": act.at + DAY, "parked": PARKED}
    for table, which, change in _AHEAD:
        sql = f"UPDATE {table} SET {change} WHERE {which}"
        conn.execute(sql.format_map(times))
    return None, entrylog.parts(changes)


def pull_forward(store: Store, latest: int, held_until: int, now: int) -> None:
    """Make due now what is due later than `latest`, in Unix seconds; what failed may be held
    back until `held_until`, and what is only followed for as long as its own pace is."""
    late = (
        f"due > ? AND due < {PARKED} AND NOT (failures > 0 AND due <= ?) "
        "AND (EXISTS (SELECT 1 FROM entry e WHERE e.subject = key AND e.retired IS NULL) "
        "OR NOT EXISTS (SELECT 1 FROM followed f "
        "WHERE f.subject = key AND f.until IS NULL AND due <= ? + f.every))"
    )
    bounds = (latest, held_until, now + SLACK)
    if store.read(f"SELECT 1 FROM scope WHERE {late} LIMIT 1", bounds):
        with store.write() as conn:
            conn.execute(f"UPDATE scope SET due = ? WHERE {late}", (now, *bounds))
