"""How the reading of what is watched stands, counted by the record itself: at 100,000 entries a
look costs a fraction of a second. Reads only; entries that are retired do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.model import Axis, Entry, Interval, Subject
from monitor.model.scope import ChainWide
from monitor.model.status import FollowedCount, State, Unread
from monitor.model.streams import UNSERVED
from monitor.store import follow, watch
from monitor.store.port import Fields, Reader

_ACTIVE = "e.retired IS NULL"
# Of an entry `e` on a subject `s`. What no source lists is a limit that is told by itself; where
# nothing is listed, nothing is seen.
_LISTED = f"coalesce(r.error, '') <> '{UNSERVED}'"
_READ = "SELECT 1 FROM list_read r WHERE r.subject = s.key"
_SERVED = f"{_READ} AND {_LISTED}"
# The view costs. Where neither reading of a list gives cause, it is not asked.
_OWN = "SELECT 1 FROM reading r WHERE r.scope = s.key"
_MEMBER = "SELECT 1 FROM joined j WHERE j.subject = s.key AND j.until_place IS NULL"
_WHOLE = (
    "SELECT 1 FROM joined j JOIN reading r ON r.scope = j.scope AND r.stream = j.stream "
    "WHERE j.subject = s.key AND j.until_place IS NULL"
)
_SHORT = "(r.failing IS NOT NULL OR r.ok IS NULL OR r.complete_time IS NULL)"
_ALL_READ = (
    f"NOT EXISTS ({_OWN} AND {_LISTED} AND {_SHORT}) AND CASE WHEN EXISTS ({_MEMBER}) "
    f"THEN NOT EXISTS ({_WHOLE} AND {_SHORT}) AND EXISTS ({_WHOLE}) "
    f"ELSE EXISTS ({_OWN} AND {_LISTED}) END"
)


_ASLEEP = "SELECT 1 FROM dormant d WHERE d.subject = s.key AND d.asleep"


def _state(due: int) -> str:
    """How an entry stands; behind is what has been due since before `due`."""
    dormant = (
        f"e.base_height IS NOT NULL AND EXISTS ({_ASLEEP}) "
        f"AND NOT EXISTS ({_WHOLE} AND {_LISTED} AND r.failing IS NOT NULL)"
    )
    unsaid = f"s.due < {due} OR EXISTS ({_ASLEEP} AND d.failing IS NOT NULL)"
    late = (
        f"e.history <> 'told' OR s.due < {due} OR "
        "EXISTS (SELECT 1 FROM list_gap g WHERE g.subject = s.key)"
    )
    return (
        f"CASE WHEN {dormant} "
        f"THEN CASE WHEN {unsaid} THEN '{State.BEHIND}' ELSE '{State.DORMANT}' END "
        f"WHEN e.base_height IS NOT NULL AND {_ALL_READ} "
        f"THEN CASE WHEN {late} THEN '{State.BEHIND}' ELSE '{State.COMPLETE}' END "
        f"WHEN EXISTS ({_SERVED} AND r.failing IS NOT NULL) "
        f"OR (EXISTS ({_READ}) AND NOT EXISTS ({_SERVED})) THEN '{State.BLIND}' "
        f"WHEN e.base_height IS NULL OR NOT EXISTS ({_READ}) "
        f"OR EXISTS ({_SERVED} AND r.ok IS NULL) THEN '{State.NOT_READ}' "
        f"WHEN {late} OR EXISTS ({_SERVED} AND r.complete_time IS NULL) "
        f"THEN '{State.BEHIND}' ELSE '{State.COMPLETE}' END"
    )


# -- entries, counted --------------------------------------------------------------------


def active_entries(store: Reader) -> int:
    return int(store.read(f"SELECT count(*) AS n FROM entry e WHERE {_ACTIVE}")[0]["n"])


def states(store: Reader, due: int) -> Counter[tuple[str, State]]:
    """How many entries stand how, by chain; behind is what has been due since before `due`.
    Torn lists and chains without a source are not looked for."""
    rows = store.read(
        f"SELECT s.chain, {_state(due)} AS state, count(*) AS n FROM entry e "
        f"JOIN scope s ON s.key = e.subject WHERE {_ACTIVE} GROUP BY s.chain, state"
    )
    return Counter({(row["chain"], State(row["state"])): row["n"] for row in rows})


def complete_on(store: Reader, subjects: Collection[str], due: int) -> Counter[str]:
    """How many entries on these subjects `states` counts as complete, by chain."""
    rows = store.read_in(
        f"SELECT s.chain FROM entry e JOIN scope s ON s.key = e.subject WHERE {_ACTIVE} "
        f"AND {_state(due)} = '{State.COMPLETE}' AND s.key IN ({{}})",
        subjects,
    )
    return Counter(row["chain"] for row in rows)


@dataclass(frozen=True, slots=True)
class Failing:
    """Entries of one chain with a list that was readable and fails."""

    chain: str
    entries: int
    lasting: int  # of these, for longer than they may
    since: int  # Unix seconds: the oldest failure


def failing(store: Reader, chains: Sequence[str], severe: int, other: int) -> list[Failing]:
    """By chain. What fails since before `severe` lasts for severe entries, `other` for others."""
    over = (
        "r.unread < CASE json_extract(e.terms, '$.severity') WHEN 'severe' "
        f"THEN {severe} ELSE {other} END"
    )
    rows = store.read_in(
        "SELECT s.chain, count(DISTINCT e.id) AS entries, min(r.unread) AS since, "
        f"count(DISTINCT CASE WHEN {over} THEN e.id END) AS lasting FROM list_read r "
        "JOIN scope s ON s.key = r.subject JOIN entry e ON e.subject = r.subject "
        "WHERE r.failing IS NOT NULL AND r.ok IS NOT NULL AND coalesce(r.error, '') <> ? "
        f"AND {_ACTIVE} AND s.chain IN ({{}}) GROUP BY s.chain ORDER BY s.chain",
        chains,
        [UNSERVED],
    )
    return [Failing(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class FirstReads:
    """How many of how many entries were read in full once."""

    entries: int
    read: int
    added: int  # Unix seconds: when the oldest that was not was added


def first_reads(store: Reader, chains: Sequence[str]) -> FirstReads | None:
    """None where all were. Unread is what had no first contact, or has a list that has failed
    ever since."""
    rows = store.read_in(
        "SELECT count(*) AS n, sum(NOT unread) AS read, "
        "min(CASE WHEN unread THEN added END) AS added FROM (SELECT e.added, "
        "e.base_height IS NULL OR e.subject IN (SELECT r.subject FROM list_read r "
        "WHERE r.failing IS NOT NULL AND r.ok IS NULL AND coalesce(r.error, '') <> ?) AS unread "
        f"FROM entry e JOIN scope s ON s.key = e.subject WHERE {_ACTIVE} "
        "AND s.chain IN ({}))",
        chains,
        [UNSERVED],
    )
    added = [row["added"] for row in rows if row["added"] is not None]
    if not added:
        return None
    return FirstReads(sum(r["n"] for r in rows), sum(r["read"] or 0 for r in rows), min(added))


def idle_since(store: Reader, chains: Sequence[str]) -> int | None:
    """Since when an address of these chains is due and nothing at all is read, as Unix seconds,
    be it to come. None where no address is watched."""
    rows = store.read_in(
        "SELECT min(s.due) AS due, min(e.added) AS added, max((SELECT max(r.tried) FROM reading r "
        "WHERE r.scope = s.key)) AS tried FROM scope s JOIN entry e ON e.subject = s.key "
        f"WHERE {_ACTIVE} AND s.chain IN ({{}})",
        chains,
    )
    found = [row for row in rows if row["due"] is not None]
    if not found:
        return None
    wide = store.read_in(
        "SELECT max(tried) AS tried FROM reading WHERE scope IN ({})",
        [ChainWide(chain).key for chain in chains],
    )
    # A new address is due since ever; it waits since it was added.
    waits: int = max(min(row["due"] for row in found), min(row["added"] for row in found))
    return max(waits, *(row["tried"] or 0 for row in (*found, *wide)))


def furthest_behind(store: Reader) -> dict[str, int]:
    """By chain: the time of the newest block that was read, at the list where it is oldest."""
    rows = store.read(
        "SELECT s.chain, min(r.complete_time) AS at FROM list_read r JOIN scope s "
        "ON s.key = r.subject WHERE r.complete_time IS NOT NULL AND r.subject IN "
        f"(SELECT e.subject FROM entry e WHERE {_ACTIVE}) GROUP BY s.chain"
    )
    return {row["chain"]: row["at"] for row in rows}


def behind(store: Reader, chain: str, before: int, *, still: bool) -> tuple[int, list[str]]:
    """How many addresses of a chain are watched, and an entry of each with a list that does not
    fail and was last tried, or (unless the chain stands still) read up to a time, before this.
    Both count from the adding of the address at the earliest."""
    active = f"FROM scope s JOIN entry e ON e.subject = s.key WHERE {_ACTIVE}"
    old = (
        f"r.tried < {before}"
        if still
        else (f"(r.tried < {before} OR coalesce(r.complete_time, 0) < {before})")
    )
    old = f"r.failing IS NULL AND {old}"
    rows = store.read(
        f"SELECT min(e.id) AS id {active} AND s.chain = ? AND e.added < ? "
        f"AND NOT EXISTS ({_ASLEEP} AND d.at >= {before}) AND "
        f"(NOT EXISTS ({_OWN}) AND NOT EXISTS ({_READ}) OR (EXISTS ({_OWN} AND {old}) "
        f"OR EXISTS ({_WHOLE} AND {old})) AND EXISTS ({_READ} AND {old})) GROUP BY s.key",
        [chain, before],
    )
    every = store.read(
        f"SELECT count(DISTINCT s.key) AS n {active} AND s.chain = ?",
        [chain],
    )
    return every[0]["n"], [row["id"] for row in rows]


def followed(store: Reader) -> FollowedCount:
    row = store.read(
        "SELECT count(*) AS addresses, total(NOT polled) AS spent, "
        f"total(polled AND EXISTS ({_SERVED} AND r.failing IS NOT NULL)) AS blind, "
        f"total(polled AND NOT EXISTS ({_READ})) AS not_read FROM (SELECT f.subject AS key, "
        f"max({follow.POLLED}) OR EXISTS (SELECT 1 FROM entry e WHERE e.subject = f.subject "
        f"AND {_ACTIVE}) AS polled FROM followed f WHERE f.until IS NULL GROUP BY f.subject) s"
    )[0]
    return FollowedCount(*map(int, row))


# -- lists -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FailingList:
    """A list of a chain that fails for some."""

    chain: str
    stream: str
    unserved: bool  # because no configured source has it
    entries: int
    severe: bool  # whether any of them is
    error: str


def failing_lists(store: Reader) -> list[FailingList]:
    rows = store.read(
        "SELECT s.chain, r.stream, coalesce(r.error, '') = ? AS unserved, "
        "count(DISTINCT e.id) AS n, coalesce(max(r.error), '') AS error, "
        "max(json_extract(e.terms, '$.severity') = 'severe') AS severe "
        "FROM list_read r JOIN scope s ON s.key = r.subject JOIN entry e ON e.subject = s.key "
        f"WHERE r.failing IS NOT NULL AND {_ACTIVE} GROUP BY s.chain, r.stream, unserved "
        "ORDER BY s.chain, r.stream",
        [UNSERVED],
    )
    return [
        FailingList(
            chain=row["chain"],
            stream=row["stream"],
            unserved=bool(row["unserved"]),
            entries=row["n"],
            severe=bool(row["severe"]),
            error=row["error"],
        )
        for row in rows
    ]


def failing_entries(store: Reader, chain: str, stream: str, most: int) -> list[Entry]:
    """The first entries of a chain for which this list fails."""
    # CROSS JOIN: the few that fail come first. With a limit that it does not know, SQLite would
    # go through every entry.
    rows = store.read(
        "SELECT DISTINCT e.id FROM list_read r CROSS JOIN scope s ON s.key = r.subject "
        f"CROSS JOIN entry e ON e.subject = s.key WHERE s.chain = ? AND {_ACTIVE} "
        "AND r.stream = ? AND r.failing IS NOT NULL LIMIT ?",
        [chain, stream, most],
    )
    return watch.named(store, [row["id"] for row in rows])


@dataclass(frozen=True, slots=True)
class ListRead:
    """What has been read of one subject's list. Times in Unix seconds."""

    axis: Axis = Axis.HEIGHT
    ok: int | None = None  # when it was last read
    failing: int | None = None  # since when it fails
    error: str = ""
    source: str = ""
    complete_to: int | None = None  # the newest place that a complete read reached
    complete_time: int | None = None  # and the time of that place


def lists_read(store: Reader) -> dict[tuple[str, str], ListRead]:
    """Every list that was ever tried, by subject and stream."""
    rows = store.read(
        "SELECT subject, stream, coalesce(axis, 'height'), ok, unread, coalesce(error, ''), "
        "coalesce(source, ''), complete_to, complete_time FROM list_read"
    )
    return {(subject, stream): ListRead(Axis(axis), *read) for subject, stream, axis, *read in rows}


Parts = dict[tuple[str, str, Axis], list[Interval]]  # by subject, stream and axis


def covered(store: Reader) -> Parts:
    """What is proven read, source by source: parts may overlap."""
    return _parts(store.read("SELECT subject, stream, axis, lo, hi FROM list_coverage"))


def torn(store: Reader) -> set[str]:
    """Subjects with a list of which a part in between is still to be read."""
    # Most lists are covered in one part, by one reading. They are left out at little cost.
    rows = store.read(
        "WITH several AS (SELECT scope FROM coverage GROUP BY scope, stream HAVING count(*) > 1), "
        "looked AS (SELECT scope AS subject FROM several "
        "UNION SELECT subject FROM joined WHERE scope IN (SELECT scope FROM several) "
        "UNION SELECT subject FROM joined GROUP BY subject, stream HAVING count(*) > 1 "
        "UNION SELECT j.subject FROM joined j JOIN coverage o ON o.scope = j.subject "
        "AND o.stream = j.stream), "
        "parts AS (SELECT subject, lo, max(hi) OVER (PARTITION BY subject, stream, axis "
        "ORDER BY lo ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS below "
        "FROM list_coverage WHERE subject IN (SELECT subject FROM looked)) "
        "SELECT DISTINCT subject FROM parts WHERE lo > below + 1"
    )
    return {row["subject"] for row in rows}


def _parts(rows: Sequence[Fields]) -> Parts:
    found: Parts = {}
    for row in rows:
        key = (row["subject"], row["stream"], Axis(row["axis"]))
        found.setdefault(key, []).append(Interval(row["lo"], row["hi"]))
    return found


def unread(store: Reader) -> dict[tuple[str, str], list[Unread]]:
    """Open gaps by subject and stream, the lowest first."""
    found: dict[tuple[str, str], list[Unread]] = {}
    for row in store.read("SELECT subject, stream, axis, lo, hi, reason FROM list_gap ORDER BY lo"):
        gap = Unread(Axis(row["axis"]), row["lo"], row["hi"], row["reason"])
        found.setdefault((row["subject"], row["stream"]), []).append(gap)
    return found


# -- single values -----------------------------------------------------------------------


def due_times(store: Reader) -> dict[str, int]:
    """When each subject is due."""
    return {row["key"]: row["due"] for row in store.read("SELECT key, due FROM scope")}


def history_told(store: Reader) -> frozenset[str]:
    """Entries whose start-up summary has been told."""
    return frozenset(row["id"] for row in store.read("SELECT id FROM entry WHERE history = 'told'"))


def last_recorded(store: Reader, subject: Subject) -> int:
    """When a transfer of this address was last recorded; 0 if never."""
    found = [
        row["first_seen"]
        for party in ("sender", "recipient")
        for row in store.read(
            f"SELECT first_seen FROM transfer WHERE chain = ? AND {party} = ? "
            "ORDER BY id DESC LIMIT 1",
            [subject.chain, subject.address],
        )
    ]
    return max(found, default=0)
