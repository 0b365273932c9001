"""What published lists and the people who keep them change, written inside a transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple

from monitor.model.acts import AcceptGrown, Actor, Listed, SayOfList, TakeEntries, TakePublication
from monitor.model.errors import Conflict
from monitor.store import carry_entries, entrylog, staging
from monitor.store.entrylog import Changed
from monitor.store.log import Part
from monitor.store.port import Connection, Fields

_ANEW = ("added", "base_height", "base_time", "base_head_time", "history")
_COLUMNS = ", ".join(("id", "case_id", "terms", "retired", "absent", *_ANEW))


def carry_publication(
    conn: Connection, _actor: Actor, act: TakePublication
) -> tuple[None, list[Part]]:
    """Raises Conflict where another version came into force since it was read."""
    p = act.publication
    _follows(conn, p.list, p.nr - 1)
    columns = {
        **{"list": p.list, "nr": p.nr, "sha256": p.sha256, "published": p.published},
        **{"fetched": p.fetched, "bytes": p.bytes, "rows": p.rows},
        **{"refused": json.dumps(p.refused, sort_keys=True), "remarks": json.dumps(p.remarks)},
        **{"kind": p.kind, "taken": act.at},
    }
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    conn.execute(f"INSERT INTO publication ({names}) VALUES ({marks})", (*columns.values(),))
    staging.end(conn, p)
    _note(conn, act)
    told = {"columns": columns, "accepted": act.accepted, "waits": act.waits}
    spans = [[*astuple(each)] for each in act.spans]
    entries = _entries(conn, act.entries, act.at, p.sha256)
    return None, [
        Part("publication", told),
        Part("listing", {"list": p.list, "nr": p.nr, "spans": spans}),
        *entries,
    ]


def _follows(conn: Connection, name: str, nr: int) -> None:
    """Whether this version of a list is in force (0: none ever was)."""
    row = conn.execute("SELECT max(nr) FROM publication WHERE list = ?", (name,)).fetchone()
    if (row[0] or 0) != nr:
        raise Conflict(f"another version of list {name} has just been taken. Try again")


def _note(conn: Connection, act: TakePublication) -> None:
    """Nothing is held back any more; how far its entries are made, and whether history waits."""
    name, waits = act.publication.list, act.at if act.waits else None
    conn.execute(
        "INSERT INTO list_state (list, grown) VALUES (?, ?) ON CONFLICT (list) DO UPDATE "
        "SET held = '', held_why = '', grown = coalesce(list_state.grown, excluded.grown)",
        (name, waits),
    )
    if act.terms:
        conn.execute(
            "UPDATE list_state SET made = ?, terms = ? WHERE list = ?",
            (act.publication.nr, act.terms, name),
        )


def carry_entries_of(conn: Connection, _actor: Actor, act: TakeEntries) -> tuple[None, list[Part]]:
    return None, _entries(conn, act.entries, act.at, act.sha256)


def carry_grown(conn: Connection, _actor: Actor, act: AcceptGrown) -> tuple[None, list[Part]]:
    """From now on its entries are made without the day from which alone they were read."""
    conn.execute("UPDATE list_state SET grown = NULL, terms = '' WHERE list = ?", (act.list,))
    return None, [Part("accepted", {"list": act.list, "waiting": act.waiting})]


def carry_word(conn: Connection, actor: Actor, act: SayOfList) -> tuple[None, list[Part]]:
    """Raises Conflict where another version came into force since it was decided."""
    name = act.version.list
    _follows(conn, name, act.version.nr)
    row = conn.execute("SELECT count(*) FROM list_word WHERE list = ?", (name,)).fetchone()
    first, texts = row[0] + 1, [[k, json.dumps(v, sort_keys=True)] for k, v in act.values.items()]
    said = (act.version.nr, act.at, actor.recorded, act.why)
    conn.executemany(
        "INSERT INTO list_word (list, number, target, key, value, nr, at, name, why) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        [(name, first + place, act.target, *pair, *said) for place, pair in enumerate(texts)],
    )
    told = {
        **{"list": name, "nr": act.version.nr, "number": first, "target": act.target},
        **{"values": texts, "why": act.why, "entries": [*act.about]},
    }
    entries = _entries(conn, act.entries, act.at, act.version.sha256)
    cases = [conn.execute(_CASE, (each,)).fetchone() for each in act.about]
    mine = frozenset(row["case_id"] for row in cases if row is not None and row["case_id"])
    return None, [*entries, Part("word", told, mine)]


_CASE = "SELECT case_id FROM entry WHERE id = ?"


def _entries(conn: Connection, entries: Sequence[Listed], now: int, sha256: str) -> list[Part]:
    """Add and change entries; those that are recorded so are left alone."""
    known = carry_entries.known(conn, _COLUMNS, [each.id for each in entries])
    taken = [each for each in entries if carry_entries.differs(each, known.get(each.id))]
    carry_entries.write(conn, taken, known, now, sha256)
    changes = [_change(conn, each, known.get(each.id), now) for each in taken]
    # What came to another case names the one before, and so is handed out with neither.
    come = [_as_is(change) for change in changes if change.before not in ("", change.case)]
    return [*entrylog.parts(changes, list=sha256), *entrylog.parts(come, list=sha256)]


def _as_is(change: Changed) -> Changed:
    """The same entry for its case alone."""
    now = {name: change.now[name] for name in ("terms", "retired")}
    return Changed(change.id, change.case, now, now)


def _change(conn: Connection, listed: Listed, row: Fields | None, now: int) -> Changed:
    """What more becomes of an entry than of one of the watchlist: it may go to another case, and
    one that is watched again begins anew, so that what moved meanwhile is history."""
    change = carry_entries.change(listed, row, now)
    if row is None:
        return change
    more: dict[str, object] = {}
    if row["case_id"] != listed.case:
        more["case_id"] = listed.case
    if row["retired"] is not None and not listed.retired:
        more |= {**dict.fromkeys(_ANEW), "added": now, "history": "due"}
        conn.execute("UPDATE scope SET due = 0 WHERE key = ?", (listed.subject.key,))
    elif json.loads(row["terms"])["since"] != json.loads(listed.terms)["since"]:
        more["history"] = "due"
    if not more:
        return change
    sets = ", ".join(f"{name} = ?" for name in more)
    conn.execute(f"UPDATE entry SET {sets} WHERE id = ?", (*more.values(), listed.id))
    was = {**(change.was or {}), **{name: row[name] for name in more}}
    return Changed(change.id, listed.case, was, {**change.now, **more}, row["case_id"])
