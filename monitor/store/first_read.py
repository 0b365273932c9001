"""How far the first reading of published lists has come. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitor.model import Watched
from monitor.model.alert import AlertKind
from monitor.model.facts import History, of_kind
from monitor.model.facts_json import from_text
from monitor.model.lists import Publication
from monitor.store.listing import to_publication
from monitor.store.port import Reader
from monitor.store.prices import Key
from monitor.store.rows import to_watched


@dataclass(frozen=True, slots=True)
class First:
    """The first version of a list, and when all of it was taken."""

    version: Publication
    taken: int


def firsts(store: Reader) -> list[First]:
    """Of every list of which anything is watched, in the order of taking."""
    rows = store.read(
        "SELECT p.* FROM publication p WHERE p.nr = (SELECT min(o.nr) FROM publication o "
        "WHERE o.list = p.list AND o.taken IS NOT NULL) AND p.taken IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM entry e WHERE e.list = p.list AND e.list <> '') "
        "ORDER BY p.taken, p.list"
    )
    return [First(to_publication(row), row["taken"]) for row in rows]


def added_first(store: Reader) -> int | None:
    """When the first entry of all was taken; None: there is none."""
    rows = store.read("SELECT added FROM entry ORDER BY rowid LIMIT 1")
    return int(rows[0]["added"]) if rows else None


def told(store: Reader, alerts: Collection[str]) -> dict[str, int]:
    """Those of these alerts that were made, and when."""
    rows = store.read_in("SELECT id, created FROM alert WHERE id IN ({})", alerts)
    return {row["id"]: row["created"] for row in rows}


@dataclass(frozen=True, slots=True)
class Reading:
    """An active entry of a list. `told`: its history was read to its start."""

    watched: Watched
    told: bool


def entries(store: Reader, name: str) -> list[Reading]:
    rows = store.read(
        "SELECT * FROM entry WHERE list = ? AND list <> '' AND retired IS NULL ORDER BY id", [name]
    )
    return [Reading(to_watched(row), row["history"] == "told") for row in rows]


def unread(store: Reader, lists: Sequence[str], chains: Collection[str]) -> int:
    """How many active entries of lists have a history on these chains that is not read yet."""
    rows = store.read_in(
        "SELECT s.chain, count(*) AS n FROM entry e JOIN scope s ON s.key = e.subject "
        "WHERE e.list IN ({}) AND e.list <> '' AND e.retired IS NULL "
        "AND e.history <> 'told' GROUP BY s.chain",
        lists,
    )
    return sum(row["n"] for row in rows if row["chain"] in chains)


def newest_history(store: Reader, lists: Sequence[str]) -> int:
    """When a history of these lists' entries was last read to its start; 0: none was."""
    rows = store.read_in(
        "SELECT max(a.created) AS at FROM alert a JOIN entry e ON e.id = a.entry "
        "WHERE a.kind = 'history' AND e.list IN ({})",
        lists,
    )
    return max((row["at"] or 0 for row in rows), default=0)


def histories(store: Reader, ids: Collection[str]) -> dict[str, History]:
    """What entries had done before they were watched, by their ids: the newest summary of each."""
    rows = store.read_in(
        "SELECT entry, facts FROM alert WHERE kind = 'history' AND entry IN ({}) "
        "ORDER BY created, rowid",
        ids,
    )
    found = ((row["entry"], from_text(AlertKind.HISTORY, row["facts"])) for row in rows)
    return {entry: of_kind(facts, History) for entry, facts in found}


def prices(store: Reader) -> dict[Key, Decimal]:
    """The newest price of each asset that has one."""
    rows = store.read(
        "SELECT chain, contract, usd, max(at) AS at FROM price GROUP BY chain, contract"
    )
    return {(row["chain"], row["contract"]): Decimal(row["usd"]) for row in rows}


def incidents_told(store: Reader, since: int, audience: str) -> list[int]:
    """When notices of incidents were made since then for these people, oldest first."""
    rows = store.read(
        "SELECT created FROM alert WHERE kind = 'notice' AND created >= ? AND audience = ? "
        "AND json_extract(facts, '$.incident.key') IS NOT NULL ORDER BY created",
        [since, audience],
    )
    return [row["created"] for row in rows]
