"""Rows of published lists, a page at a time, and what the record knows of their addresses. Reads
only. Which lists somebody may see is decided before: a list is seen whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.model.lists import Listing
from monitor.store.listing import AT, LISTING, to_listing
from monitor.store.port import Reader
from monitor.store.sight import of_alert, of_transfer

ALL, GONE = "all", "gone"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows. `which`: ALL of a version, or those GONE since; `rule`: refused by it, "any" of
    them; `watched`: "yes", "no" or ""; `text`: what an address, entity, name or label holds."""

    which: str = ALL
    rule: str = ""
    watched: str = ""
    text: str = ""


def rows(store: Reader, name: str, nr: int, wanted: Wanted, after: str, most: int) -> list[Listing]:
    """In the order of keys, from the one after `after` on."""
    where, params = [f"l.list = ? AND {AT}"], [name, nr, nr]
    if wanted.which == GONE:
        where = [
            "l.list = ? AND l.until_nr <= ? AND NOT EXISTS (SELECT 1 FROM listing n WHERE "
            "n.list = l.list AND n.key = l.key AND n.from_nr > l.from_nr AND n.from_nr <= ?)"
        ]
    more, said = _narrowed(wanted)
    where += more
    found = store.read(
        f"{LISTING} WHERE {' AND '.join(where)} AND l.key > ? ORDER BY l.key LIMIT ?",
        [*params, *said, after, most],
    )
    return [to_listing(row) for row in found]


def row(store: Reader, name: str, key: str) -> Listing | None:
    """One row, as the newest version that has it says it."""
    found = store.read(
        f"{LISTING} WHERE l.list = ? AND l.key = ? ORDER BY l.from_nr DESC LIMIT 1", [name, key]
    )
    return to_listing(found[0]) if found else None


def _narrowed(wanted: Wanted) -> tuple[list[str], list[object]]:
    where, params = list[str](), list[object]()
    if wanted.rule == "any":
        where.append("l.rule <> ''")
    elif wanted.rule:
        where.append("l.rule = ?")
        params.append(wanted.rule)
    if wanted.watched:
        sign = "" if wanted.watched == "yes" else "NOT "
        where.append(
            f"{sign}EXISTS (SELECT 1 FROM entry e WHERE e.list = l.list AND e.list <> '' "
            "AND e.listed = l.address AND e.retired IS NULL "
            "AND coalesce(json_extract(e.terms, '$.origin.entity'), '') = l.entity)"
        )
    if wanted.text:
        columns = ("published_as", "address", "entity", "name", "label")
        where.append(f"({' OR '.join(f'instr(lower(l.{each}), ?) > 0' for each in columns)})")
        params += [wanted.text.lower()] * len(columns)
    return where, params


def moved(
    store: Reader, name: str, rows: Sequence[Listing], old: int, new: int
) -> dict[tuple[str, str], Listing]:
    """For addresses that changed whom they are listed for between two versions: by (address, id of
    the entity) the row of the other one, before or since."""
    addresses = {a for each in rows if (a := each.row.judged.address)}
    low, high = min(old, new), max(old, new)
    found = store.read_in(f"{LISTING} WHERE +l.list = ? AND l.address IN ({{}})", addresses, [name])
    told = [to_listing(row) for row in found]
    ended = {e.row.judged.address: e for e in told if _in(e.until_nr, low, high)}
    begun = {e.row.judged.address: e for e in told if _in(e.from_nr, low, high)}
    both = {}
    for address in ended.keys() & begun.keys():
        was, now = ended[address], begun[address]
        if was.row.published.entity.id != now.row.published.entity.id:
            both[was.row.target], both[now.row.target] = now, was
    return both


def _in(nr: int | None, low: int, high: int) -> bool:
    return nr is not None and low < nr <= high


# -- what the record knows -----------------------------------------------------------------------


def seen(store: Reader, sight: Sight, places: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (chain, address) that stand in a movement that may be seen."""
    said, params = of_transfer(sight)
    found = set()
    for chain, address in dict.fromkeys(places):
        for side in ("sender", "recipient"):
            sql = f"SELECT 1 FROM transfer WHERE chain = ? AND {side} = ? AND {said} LIMIT 1"
            if store.read(sql, [chain, address, *params]):
                found.add((chain, address))
                break
    return found


@dataclass(frozen=True, slots=True)
class History:
    """How looking back stands for an entry."""

    over: bool
    alert: str  # of what it found, where that may be seen; empty: none


def histories(store: Reader, sight: Sight, ids: Sequence[str]) -> dict[str, History]:
    """Of these entries, by their ids."""
    named = json.dumps([*ids])
    rows = store.read(
        "SELECT id, history = 'told' AS over FROM entry "
        "WHERE id IN (SELECT value FROM json_each(?))",
        [named],
    )
    said, params = of_alert(sight)
    alerts = store.read(
        "SELECT entry, id FROM alert WHERE entry IN (SELECT value FROM json_each(?)) "
        f"AND kind = 'history' AND {said} ORDER BY created",
        [named, *params],
    )
    told = {row["entry"]: row["id"] for row in alerts}
    return {r["id"]: History(bool(r["over"]), told.get(r["id"], "")) for r in rows}


def entries(store: Reader, names: Iterable[str]) -> dict[str, int]:
    """How many entries of each of these lists are watched."""
    found = {}
    for name in names:
        sql = "SELECT count(*) AS n FROM entry WHERE list = ? AND list <> '' AND retired IS NULL"
        found[name] = int(store.read(sql, [name])[0]["n"])
    return found
