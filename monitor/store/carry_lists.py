"""What published lists and the people who keep them change, written inside a transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from monitor.model.acts import Actor, Listed, SayOfList, TakeEntries, TakePublication, TakeRows
from monitor.model.lists import Publication
from monitor.store import carry_entries, entrylog, log
from monitor.store.alerts import insert_alerts
from monitor.store.listing import COLUMNS
from monitor.store.log import Part
from monitor.store.planlog import alert_parts
from monitor.store.port import Connection


def carry_rows(conn: Connection, _actor: Actor, act: TakeRows) -> tuple[None, list[Part]]:
    """The version comes into force with the last of it (TakePublication)."""
    p = act.publication
    _begin(conn, p)
    conn.executemany(
        "UPDATE listing SET until_nr = ? WHERE list = ? AND key = ? AND until_nr IS NULL "
        "AND from_nr < ?",
        [(p.nr, p.list, key, p.nr) for key in act.gone],
    )
    first = p.nr == _first(conn, p.list)
    lines = [(p.list, key, p.nr, *_dated(body, p, first=first)) for key, body in act.new]
    marks = ", ".join("?" * (3 + len(COLUMNS)))
    conn.executemany(
        f"INSERT INTO listing (list, key, from_nr, {', '.join(COLUMNS)}) VALUES ({marks})", lines
    )
    told = {"list": p.list, "nr": p.nr, "new": len(lines), "gone": len(act.gone)}
    said = {"new_sha256": _digest(lines), "gone_sha256": _digest([key] for key in act.gone)}
    return None, [Part("listing", {**told, **said})]


def _begin(conn: Connection, p: Publication) -> None:
    """Of a version that is under way its row stands there already."""
    conn.execute(
        "INSERT INTO publication (list, nr, sha256, published, fetched, bytes, rows, refused) "
        "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (list, nr) DO NOTHING",
        (
            *(p.list, p.nr, p.sha256, p.published, p.fetched, p.bytes, p.rows),
            json.dumps(p.refused, sort_keys=True),
        ),
    )


def _first(conn: Connection, name: str) -> int:
    """The number of the first version of a list."""
    row = conn.execute("SELECT min(nr) FROM publication WHERE list = ?", (name,)).fetchone()
    return int(row[0])


def _dated(body: Sequence[object], p: Publication, *, first: bool) -> list[object]:
    """Without a day of listing: of the version. What stood in the first one may be older."""
    since, at_least, *rest = body
    return [since, at_least, *rest] if since else [p.day, int(first), *rest]


def _digest(lines: Iterable[Sequence[object]]) -> str:
    found = hashlib.sha256()
    for line in lines:
        found.update(f"{log.canonical([*line])}\n".encode("ascii"))
    return found.hexdigest()


def carry_publication(
    conn: Connection, _actor: Actor, act: TakePublication
) -> tuple[None, list[Part]]:
    p = act.publication
    _begin(conn, p)
    conn.execute(
        "UPDATE publication SET taken = ? WHERE list = ? AND nr = ?", (act.at, p.list, p.nr)
    )
    conn.execute("DELETE FROM staged WHERE list = ?", (p.list,))
    insert_alerts(conn, act.alerts, act.routes)
    told = {
        **{"list": p.list, "nr": p.nr, "sha256": p.sha256, "published": p.published},
        **{"fetched": p.fetched, "bytes": p.bytes, "rows": p.rows, "refused": dict(p.refused)},
        "accepted": act.accepted,
    }
    return None, [Part("publication", told), *alert_parts(conn, act.alerts)]


def carry_entries_of(conn: Connection, _actor: Actor, act: TakeEntries) -> tuple[None, list[Part]]:
    return None, _entries(conn, act.entries, act.at, act.sha256)


def _entries(conn: Connection, entries: Sequence[Listed], now: int, sha256: str) -> list[Part]:
    """Add and change entries; those that are recorded so are left alone."""
    sql = "SELECT id, case_id, terms, retired, absent FROM entry WHERE id = ?"
    found = (conn.execute(sql, (each.id,)).fetchone() for each in entries)
    known = {row["id"]: row for row in found if row is not None}
    taken = [each for each in entries if carry_entries.differs(each, known.get(each.id))]
    carry_entries.write(conn, taken, now, sha256)
    changes = [carry_entries.change(each, known.get(each.id), now) for each in taken]
    return entrylog.parts(changes, list=sha256)


def carry_word(conn: Connection, actor: Actor, act: SayOfList) -> tuple[None, list[Part]]:
    value = json.dumps(act.value, sort_keys=True)
    conn.execute(
        "INSERT INTO list_word (list, target, key, at, value, name, why) VALUES (?,?,?,?,?,?,?)",
        (act.list, act.target, act.key, act.at, value, actor.recorded, act.why),
    )
    told = {
        **{"list": act.list, "target": act.target, "key": act.key, "value": value},
        "why": act.why,
    }
    cases = frozenset(each.case for each in act.entries if each.case)
    return None, [
        Part("word", told, cases),
        *_entries(conn, act.entries, act.at, act.sha256),
    ]
