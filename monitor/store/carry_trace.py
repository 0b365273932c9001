"""What acts make of a case's trace, written inside a transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from monitor import __version__
from monitor.model.acts import Actor
from monitor.model.acts_trace import LearnOfTrace, SayOfTrace, TakeTrace
from monitor.model.trace_json import to_text
from monitor.store import lapse, ours, trace_bodies
from monitor.store.alerts import insert_alerts
from monitor.store.log import Part
from monitor.store.planlog import alert_parts
from monitor.store.port import Connection


def carry_word(conn: Connection, _actor: Actor, act: SayOfTrace) -> tuple[None, list[Part]]:
    word = act.word
    row = conn.execute("SELECT count(*) FROM trace_word WHERE case_id = ?", (act.case,)).fetchone()
    told = {
        **{"number": row[0] + 1, "at": word.at, "say": word.say.value},
        **{"subject": word.subject and word.subject.key, "value": word.value},
        **{"name": word.by, "why": word.why},
    }
    conn.execute(
        "INSERT INTO trace_word (case_id, number, at, say, subject, value, name, why) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (act.case, *told.values()),
    )
    return None, [Part("trace word", {"case": act.case, **told}, frozenset({act.case}))]


def carry_facts(conn: Connection, _actor: Actor, act: LearnOfTrace) -> tuple[None, list[Part]]:
    """The log names them by digests: their texts stand in the record beside it."""
    profiles = {(p.subject.key, act.at, _sha256(text := to_text(p))): text for p in act.profiles}
    anatomies = {(a.chain, a.tx, act.at, _sha256(text := to_text(a))): text for a in act.anatomies}
    for table, found in (("trace_profile", profiles), ("trace_anatomy", anatomies)):
        for key, text in found.items():
            marks = ", ".join("?" * (len(key) + 2))
            conn.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", (act.case, *key, text))
    if not profiles and not anatomies:
        return None, []
    told = {"profiles": [[*key] for key in profiles], "anatomies": [[*key] for key in anatomies]}
    return None, [Part("trace facts", {"case": act.case, **told}, frozenset({act.case}))]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def carry_trace(conn: Connection, _actor: Actor, act: TakeTrace) -> tuple[int, list[Part]]:
    """No new state where it is as the newest one."""
    newest = conn.execute(
        "SELECT number, sha256, body FROM trace_state WHERE case_id = ? "
        "ORDER BY number DESC LIMIT 1",
        (act.case,),
    ).fetchone()
    number, parts = newest["number"] if newest is not None else 0, list[Part]()
    if newest is None or newest["sha256"] != act.sha256 or trace_bodies.is_erased(newest["body"]):
        number += 1
        parts = [_take(conn, act, number)]
    ours.check_untold(conn, act.alerts)
    insert_alerts(conn, act.alerts, act.routes)
    lapsed = lapse.by_alerts(conn, act.alerts, act.at)
    return number, [*parts, *alert_parts(conn, act.alerts), *lapsed]


def _take(conn: Connection, act: TakeTrace, number: int) -> Part:
    columns = {
        **{"case_id": act.case, "number": number, "at": act.at},
        **{"version": __version__, "sha256": act.sha256},
    }
    _write(conn, columns, act.lines)
    told = {"case": act.case, "number": number, "version": __version__, "sha256": act.sha256}
    return Part("trace state", {**told, **trace_bodies.counts(act.lines)}, frozenset({act.case}))


def _write(conn: Connection, columns: Mapping[str, object], lines: Sequence[str]) -> None:
    """A new state, as a difference to the one before where that can be."""
    case, number = str(columns["case_id"]), int(str(columns["number"]))
    before = trace_bodies.read(conn, case, number - 1) if number % trace_bodies.STEPS != 1 else None
    body = trace_bodies.packed(lines, before or ())
    told = {**columns, "base": None if before is None else number - 1, "body": body}
    names, marks = ", ".join(told), ", ".join("?" * len(told))
    conn.execute(f"INSERT INTO trace_state ({names}) VALUES ({marks})", (*told.values(),))


def erase(conn: Connection, case: str, number: int) -> None:
    """A body goes; the state that was a difference to it stands by itself from then on."""
    after = conn.execute(
        "SELECT number FROM trace_state WHERE case_id = ? AND base = ?", (case, number)
    ).fetchall()
    where = "WHERE case_id = ? AND number = ?"
    for row in after:
        lines = trace_bodies.read(conn, case, row["number"])
        body = trace_bodies.packed(lines or ())
        conn.execute(
            f"UPDATE trace_state SET base = NULL, body = ? {where}", (body, case, row["number"])
        )
    conn.execute(f"UPDATE trace_state SET base = NULL, body = X'' {where}", (case, number))
