"""How the reading of what is watched stands, counted by the record itself: at 100,000 entries a
look costs a fraction of a second. Reads only; entries that are retired do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.model import Entry
from monitor.model.scope import ChainWide
from monitor.model.status import FollowedCount, State
from monitor.model.streams import UNSERVED
from monitor.store import follow, watch
from monitor.store.blocks import read_by_blocks
from monitor.store.crowd import (
    SINGLY,
    Crowd,
    alone,
    crowds,
    first,
    read_singly,
    severe,
    waiting,
)
from monitor.store.crowd import of as crowd_of
from monitor.store.port import Fields, Reader

_ACTIVE = "e.retired IS NULL"
# Of an entry `e` on a subject `s`. What no source lists is a limit that is told by itself; where
# nothing is listed, nothing is seen.
_LISTED = f"coalesce(r.error, '') NOT LIKE '{UNSERVED}%'"
_READ = "SELECT 1 FROM list_read r WHERE r.subject = s.key"
_SERVED = f"{_READ} AND {_LISTED}"
# The view costs. Where neither reading of a list gives cause, it is not asked.
_OWN = "SELECT 1 FROM reading r WHERE r.scope = s.key"
_MEMBER = "SELECT 1 FROM joined j WHERE j.subject = s.key AND j.until_place IS NULL"
_WHOLE = (
    "SELECT 1 FROM joined j JOIN reading r ON r.scope = j.scope AND j.stream IN (r.stream, '*') "
    f"AND {_LISTED} WHERE j.subject = s.key AND j.until_place IS NULL"
)
_SHORT = "(r.failing IS NOT NULL OR r.ok IS NULL OR r.complete_time IS NULL)"
_ALL_READ = (
    f"NOT EXISTS ({_OWN} AND {_LISTED} AND {_SHORT}) AND CASE WHEN EXISTS ({_MEMBER}) "
    f"THEN NOT EXISTS ({_OWN} AND {_SHORT}) AND NOT EXISTS ({_WHOLE} AND {_SHORT}) "
    f"AND EXISTS ({_WHOLE}) ELSE EXISTS ({_OWN} AND {_LISTED}) END"
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
        f"e.history <> 'told' OR s.due < {due} OR EXISTS (SELECT 1 FROM debt d "
        "WHERE d.subject = s.key AND d.history = 1) "
        "OR EXISTS (SELECT 1 FROM list_gap g WHERE g.subject = s.key)"
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
    found, together = Counter[tuple[str, State]](), crowds(store)
    for chain in watch.chains(store):
        crowd = together.get(chain)
        rows = store.read(
            f"SELECT {_state(due)} AS state, count(*) AS n FROM {SINGLY} "
            f"CROSS JOIN entry e ON e.subject = s.key WHERE {_ACTIVE} GROUP BY state",
            crowd.params if crowd else alone(chain),
        )
        found.update({(chain, State(row["state"])): row["n"] for row in rows})
        if crowd is not None:
            found.update({(chain, state): n for state, n in crowd.states().items()})
    return found


def not_complete(store: Reader, due: int, most: int) -> list[str]:
    """Ids of the entries that stand worst, of most of them the severe first; perhaps complete ones
    after them."""
    ranks = " ".join(f"WHEN '{state}' THEN {rank}" for rank, state in enumerate(State))
    worst: list[tuple[int, str]] = []
    together = crowds(store)
    for chain in watch.chains(store):
        crowd = together.get(chain)
        rows = store.read(
            f"SELECT e.id, CASE {_state(due)} {ranks} END AS rank FROM {SINGLY} "
            f"CROSS JOIN entry e ON e.subject = s.key WHERE {_ACTIVE} "
            "ORDER BY rank, json_extract(e.terms, '$.severity') <> 'severe' LIMIT ?",
            [*(crowd.params if crowd else alone(chain)), most],
        )
        worst += [(row["rank"], row["id"]) for row in rows]
        for met, told in crowd.numbers if crowd else ():
            rank = list(State).index(crowd.state(met=met, late=True)) if crowd else 0
            ids = first(store, crowd, met=met, told=told, most=most) if crowd else ()
            worst += [(rank, each) for each in ids]
    return [each for _, each in sorted(worst, key=lambda one: one[0])][:most]


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
    columns = (
        "SELECT count(DISTINCT e.id) AS entries, min(r.unread) AS since, "
        f"count(DISTINCT CASE WHEN {over} THEN e.id END) AS lasting"
    )
    where = f"{_LISTED} AND r.failing IS NOT NULL AND r.ok IS NOT NULL"
    found, together = [], crowds(store)
    for chain in sorted(chains):
        crowd = together.get(chain)
        rows = [r for r in _of_reads(store, columns, where, chain, crowd) if r["entries"]]
        number, lasting = (sum(row[name] for row in rows) for name in ("entries", "lasting"))
        one = Failing(chain, number, lasting, min((row["since"] for row in rows), default=0))
        if crowd is not None:
            one = _with_crowd(store, one, crowd, severe, other)
        if one.entries:
            found.append(one)
    return found


def _of_reads(
    store: Reader,
    columns: str,
    where: str,
    chain: str,
    crowd: Crowd | None,
    *,
    few: bool = True,
    group: str = "",
) -> list[Fields]:
    """Of lists `r` and active entries `e` of a chain; of one with a crowd without what is counted
    together, part by part. `few`: only few lists are so, and an index names them."""
    tables = f"{columns} FROM list_read r JOIN entry e ON e.subject = r.subject WHERE"
    if crowd is not None:
        sql = f"{tables} r.subject IN ({{}}) AND {where} AND {_ACTIVE} {group}"
        return store.read_in(sql, read_singly(store, crowd))
    plus = "+" if few else ""  # else all lists of the chain would be looked through
    mine = f"{plus}r.subject > ? AND {plus}r.subject < ?"
    ends = [f"{chain}/", f"{chain}0"]
    return store.read(f"{tables} {mine} AND {where} AND {_ACTIVE} {group}", ends)


def _with_crowd(store: Reader, found: Failing, crowd: Crowd, grave: int, other: int) -> Failing:
    fails = [each.failing for each in crowd.served if each.ok is not None and each.failing]
    if not fails or not crowd.entries:
        return found
    began, loud = min(fails), severe(store, crowd)
    lasting = loud * (began < grave) + (crowd.entries - loud) * (began < other)
    since = min(began, found.since) if found.entries else began
    return Failing(found.chain, found.entries + crowd.entries, found.lasting + lasting, since)


@dataclass(frozen=True, slots=True)
class FirstReads:
    """How many of how many entries were read in full once."""

    entries: int
    read: int
    added: int  # Unix seconds: when the oldest that was not was added


def first_reads(store: Reader, chains: Sequence[str]) -> FirstReads | None:
    """None where all were. Unread is what had no first contact, or has a list that has failed
    ever since."""
    together = crowds(store)
    found = [_first_reads(store, chain, together.get(chain)) for chain in chains]
    added = [each.added for each in found if each.read < each.entries]
    if not added:
        return None
    return FirstReads(sum(f.entries for f in found), sum(f.read for f in found), min(added))


def _first_reads(store: Reader, chain: str, crowd: Crowd | None) -> FirstReads:
    ends = [f"{chain}/", f"{chain}0"]
    every = store.read(
        "SELECT count(*) AS n, count(e.base_height) AS met, min(e.added) AS first, "
        "min(CASE WHEN e.base_height IS NULL THEN e.added END) AS added FROM entry e "
        f"WHERE {_ACTIVE} AND e.subject > ? AND e.subject < ?",
        ends,
    )[0]
    failed = _of_reads(
        store,
        "SELECT count(DISTINCT e.id) AS n, min(e.added) AS added",
        f"r.failing IS NOT NULL AND r.ok IS NULL AND {_LISTED} AND e.base_height IS NOT NULL",
        *(chain, crowd),
    )
    unread = sum(row["n"] for row in failed)
    since = [every["added"], *(row["added"] for row in failed)]
    if crowd is not None and any(f.ok is None and f.failing is not None for f in crowd.served):
        unread += crowd.numbers[True, True] + crowd.numbers[True, False]
        since.append(every["first"])
    known = [each for each in since if each is not None]
    return FirstReads(every["n"], every["met"] - unread, min(known, default=0))


def idle_since(store: Reader, chains: Sequence[str]) -> int | None:
    """Since when an address of these chains is due and nothing at all is read, as Unix seconds,
    be it to come. None where no address is watched."""
    found = []
    for chain in chains:
        found += store.read(
            "SELECT min(s.due) AS due, min(e.added) AS added, max((SELECT max(r.tried) "
            f"FROM reading r WHERE r.scope = s.key)) AS tried FROM {SINGLY} "
            f"CROSS JOIN entry e ON e.subject = s.key WHERE {_ACTIVE}",
            alone(chain),
        )
    # Members are due with their chain. Whichever was added before that was last tried makes no
    # difference: the first that is found is enough.
    for chain in read_by_blocks(store) & {*chains}:
        mine = f"FROM entry e WHERE {_ACTIVE} AND e.subject > ?1 AND e.subject < ?2"
        found += store.read(
            f"SELECT s.due, CASE WHEN EXISTS (SELECT 1 {mine} AND e.added <= (SELECT max(r.tried) "
            f"FROM reading r WHERE r.scope = s.key)) THEN 0 ELSE (SELECT min(e.added) {mine}) END "
            "AS added, 0 AS tried FROM scope s WHERE s.key = ?3",
            [f"{chain}/", f"{chain}0", ChainWide(chain).key],
        )
    found = [row for row in found if row["due"] is not None and row["added"] is not None]
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
    together, found = crowds(store), dict[str, int]()
    for chain in watch.chains(store):
        crowd = together.get(chain)
        where, columns = "r.complete_time IS NOT NULL", "SELECT min(r.complete_time) AS at"
        times = [row["at"] for row in _of_reads(store, columns, where, chain, crowd, few=False)]
        if crowd is not None and crowd.entries:
            times += [each.complete_time for each in crowd.lists]
        if known := [each for each in times if each is not None]:
            found[chain] = min(known)
    return found


@dataclass(frozen=True, slots=True)
class Late:
    """Addresses of a chain that were not read up to a time."""

    watched: int  # addresses of the chain in all, where any of them is late
    number: int
    some: list[str]  # ids of entries of some of them, one of each


def behind(store: Reader, chain: str, before: int, most: int, *, still: bool) -> Late:
    """Those with a list that does not fail and was last tried, or (unless the chain stands still)
    read up to a time, before this. Both count from the adding of the address at the earliest."""
    old = (
        f"r.tried < {before}"
        if still
        else (f"(r.tried < {before} OR coalesce(r.complete_time, 0) < {before})")
    )
    old = f"r.failing IS NULL AND {old}"
    crowd = crowd_of(store, chain)
    rows = store.read(
        f"SELECT min(e.id) AS id FROM {SINGLY} CROSS JOIN entry e ON e.subject = s.key "
        f"WHERE {_ACTIVE} AND e.added < ? AND NOT EXISTS ({_ASLEEP} AND d.at >= {before}) AND "
        f"(NOT EXISTS ({_OWN}) AND NOT EXISTS ({_READ}) OR (EXISTS ({_OWN} AND {old}) "
        f"OR EXISTS ({_WHOLE} AND {old})) AND EXISTS ({_READ} AND {old})) GROUP BY s.key",
        [*(crowd.params if crowd else alone(chain)), before],
    )
    number, some = len(rows), [row["id"] for row in rows[:most]]
    if crowd is not None and crowd.is_late(before, still=still):
        more = waiting(store, crowd, before, most)
        number, some = number + more[0], [*some, *more[1]][:most]
    if not number:
        return Late(0, 0, [])
    every = store.read(
        f"SELECT count(DISTINCT e.subject) AS n FROM entry e WHERE {_ACTIVE} "
        "AND e.subject > ? AND e.subject < ?",
        [f"{chain}/", f"{chain}0"],
    )
    return Late(every[0]["n"], number, some)


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
    columns = (
        f"SELECT r.stream, NOT ({_LISTED}) AS unserved, "
        "count(DISTINCT e.id) AS n, coalesce(max(r.error), '') AS error, "
        "max(json_extract(e.terms, '$.severity') = 'severe') AS severe"
    )
    found, together = [], crowds(store)
    for chain in watch.chains(store):
        crowd = together.get(chain)
        fails, group = "r.failing IS NOT NULL", "GROUP BY r.stream, unserved"
        rows = _of_reads(store, columns, fails, chain, crowd, group=group)
        mine: dict[tuple[str, bool], FailingList] = {}
        for row in rows:
            key = (row["stream"], bool(row["unserved"]))
            mine[key] = _and(mine.get(key), chain, key, row["n"], bool(row["severe"]), row["error"])
        if crowd is not None:
            mine |= dict(_failing_for_all(store, crowd, mine))
        found += [mine[key] for key in sorted(mine)]
    return found


def _failing_for_all(
    store: Reader, crowd: Crowd, singly: Mapping[tuple[str, bool], FailingList]
) -> Iterator[tuple[tuple[str, bool], FailingList]]:
    """Lists that fail for all members, with whom they fail for besides."""
    lists = [each for each in crowd.lists if each.failing is not None]
    if not lists or not crowd.entries:
        return
    loud = severe(store, crowd) > 0
    for each in lists:
        key = (each.stream, each.unserved)
        yield key, _and(singly.get(key), crowd.chain, key, crowd.entries, loud, each.error)


def _and(
    was: FailingList | None,
    chain: str,
    key: tuple[str, bool],
    entries: int,
    loud: bool,
    error: str,
) -> FailingList:
    """A list, with more entries for which it fails."""
    if was is not None:
        entries, loud, error = was.entries + entries, was.severe or loud, max(was.error, error)
    return FailingList(chain, *key, entries, loud, error)


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
