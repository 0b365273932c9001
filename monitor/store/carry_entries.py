"""What the watchlist and its keepers change of entries, written inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from monitor.model.acts import Actor, Listed, Retire, TakeList, TellHistory
from monitor.store import entrylog
from monitor.store.alerts import insert_alerts
from monitor.store.entrylog import Changed
from monitor.store.log import Part
from monitor.store.planlog import alert_parts
from monitor.store.port import Connection, Fields
from monitor.store.rows import entry_terms

_COLUMNS = "id, case_id, terms, retired, absent"


def carry_list(conn: Connection, _actor: Actor, act: TakeList) -> tuple[None, list[Part]]:
    """A list that says nothing new is no act."""
    rows = _known(conn, act)
    changes = _take(conn, rows, act)
    left = list(_left(act, rows, {change.id: change.now["retired"] for change in changes}))
    conn.executemany(
        "UPDATE entry SET absent = ? WHERE id = ?", [(c.now["absent"], c.id) for c in left]
    )
    entries = [*entrylog.parts(changes, list=act.sha256), *entrylog.parts(left)]
    if act.of or (not entries and _is_last(conn, act)):
        return None, entries
    outcome = json.dumps(act.outcome, ensure_ascii=False)
    conn.execute(
        "INSERT INTO list_version (sha256, at, outcome) VALUES (?, ?, ?) "
        "ON CONFLICT (sha256, at) DO NOTHING",
        (act.sha256, act.at, outcome),
    )
    insert_alerts(conn, act.alerts, act.routes)
    return None, [
        Part("list", {"sha256": act.sha256, "outcome": outcome}),
        *entries,
        *alert_parts(conn, act.alerts),
    ]


def _known(conn: Connection, act: TakeList) -> list[Fields]:
    """The entries of the watchlist that the record holds, or those that a part is about."""
    if not act.of:
        return conn.execute(f"SELECT {_COLUMNS} FROM entry WHERE list = ''").fetchall()
    found = known(conn, f"{_COLUMNS}, list", act.of).values()
    return [row for row in found if not row["list"]]


def known(conn: Connection, columns: str, ids: Sequence[str]) -> dict[str, Fields]:
    """Those of these entries that there are, by id."""
    sql = f"SELECT {columns} FROM entry WHERE id IN (SELECT value FROM json_each(?))"
    return {row["id"]: row for row in conn.execute(sql, (json.dumps(ids),)).fetchall()}


def _take(conn: Connection, rows: Sequence[Fields], act: TakeList) -> list[Changed]:
    """Write what is not as it is recorded in these rows."""
    known = {row["id"]: row for row in rows}
    taken = [each for each in act.entries if differs(each, known.get(each.id))]
    write(conn, taken, known, act.at, act.sha256)
    return [change(each, known.get(each.id), act.at) for each in taken]


def differs(listed: Listed, row: Fields | None) -> bool:
    """From how it is recorded."""
    if row is None or row["terms"] != listed.terms:
        return True
    return (row["retired"] is None) != (not listed.retired)


def change(listed: Listed, row: Fields | None, now: int) -> Changed:
    """What the log says of it; `row`: how it was recorded."""
    if row is None:
        columns = {
            "subject": listed.subject.key,
            "case_id": listed.case,
            "terms": listed.terms,
            "added": now,
            "retired": now if listed.retired else None,
        }
        return Changed(listed.id, listed.case, None, columns)
    before = {"terms": row["terms"], "retired": row["retired"]}
    retired = (row["retired"] or now) if listed.retired else None
    return Changed(listed.id, row["case_id"], before, {"terms": listed.terms, "retired": retired})


def _left(
    act: TakeList, rows: Sequence[Fields], retired: Mapping[str, object]
) -> Iterator[Changed]:
    """Of the entries known before that are watched: which left the file, and which came back.
    `retired`: of those that the list changes."""
    present = act.present
    for row in rows:
        watched = retired.get(row["id"], row["retired"]) is None
        if watched and leaves(row, present):
            absent = {"absent": None if row["id"] in present else act.at}
            yield Changed(row["id"], row["case_id"], {"absent": row["absent"]}, absent)


def leaves(row: Fields, present: Collection[str]) -> bool:
    """Whether an entry has left the file or come back since it was recorded so."""
    return (row["absent"] is None) != (row["id"] in present)


def _is_last(conn: Connection, act: TakeList) -> bool:
    """Whether the list that was taken last is this one, with the same lines refused."""
    row = conn.execute(
        "SELECT sha256, outcome FROM list_version ORDER BY rowid DESC LIMIT 1"
    ).fetchone()
    if row is None or row["sha256"] != act.sha256:
        return False
    return bool(json.loads(row["outcome"]).get("refused") == act.outcome.get("refused"))


def write(
    conn: Connection, taken: Sequence[Listed], known: Collection[str], now: int, sha256: str
) -> None:
    """Add entries and change them, as a list has them of which this is the digest; a new one is
    due at once. `known`: ids of those that are recorded."""
    # Apart, and not as one that does either: it would look at each row before, for triggers.
    new: dict[str, Listed] = {}
    for each in taken:
        if each.id not in known:
            new.setdefault(each.id, each)
    others = [each for each in taken if new.get(each.id) is not each]
    conn.executemany(
        "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET due = 0",
        [(t.subject.key, t.subject.chain, t.subject.address) for t in new.values()],
    )
    conn.executemany(
        "INSERT INTO entry (id, subject, case_id, terms, added, retired, brought) "
        "VALUES (?,?,?,?,?,?,?)",
        [
            (t.id, t.subject.key, t.case, t.terms, now, now if t.retired else None, sha256)
            for t in new.values()
        ],
    )
    # What it came with stands in an entry as long as it says so (see scale_schema.py).
    conn.executemany(
        "UPDATE entry SET terms = ?1, retired = CASE WHEN ?2 THEN coalesce(retired, ?3) END "
        "WHERE id = ?4",
        [(t.terms, t.retired, now, t.id) for t in others],
    )
    conn.executemany(
        "INSERT INTO entry_change (entry, at, nr, terms, list_sha256) SELECT ?1, ?2, "
        "(SELECT count(*) + 1 FROM entry_version WHERE entry = ?1 AND at = ?2), ?3, ?4 WHERE "
        "NOT EXISTS (SELECT 1 FROM entry_version WHERE entry = ?1 AND at = ?2 AND terms = ?3)",
        [(t.id, now, t.terms, sha256) for t in others],
    )


def carry_retire(conn: Connection, _actor: Actor, act: Retire) -> tuple[None, list[Part]]:
    """End the watch of an entry that the file no longer holds."""
    entry = act.entry
    now = {"terms": entry_terms(entry), "retired": act.at, "absent": None}
    before = _columns(conn, entry.id, now)
    conn.execute(
        "UPDATE entry SET terms = ?, retired = ?, absent = ? WHERE id = ?",
        (*now.values(), entry.id),
    )
    return None, entrylog.parts([Changed(entry.id, entry.case, before, now)])


def carry_history(conn: Connection, _actor: Actor, act: TellHistory) -> tuple[None, list[Part]]:
    """Store start-up summaries of entries, each once."""
    now = {"history": "told"}
    changed = [
        Changed(entry.id, entry.case, _columns(conn, entry.id, now), now) for entry, _ in act.told
    ]
    alerts = [alert for _, alert in act.told]
    insert_alerts(conn, alerts, act.routes)
    conn.executemany(
        "UPDATE entry SET history = 'told' WHERE id = ?", [(entry.id,) for entry, _ in act.told]
    )
    return None, [*entrylog.parts(changed), *alert_parts(conn, alerts)]


def _columns(conn: Connection, entry: str, names: Mapping[str, object]) -> dict[str, object]:
    """How an entry stands, in these columns."""
    row = conn.execute(f"SELECT {', '.join(names)} FROM entry WHERE id = ?", (entry,)).fetchone()
    return dict(zip(names, row, strict=True)) if row is not None else {}
