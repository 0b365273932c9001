"""How entries stand whose chain is read block by block: nearly all of them as the chain does, so
that they are counted by it and not one by one. Reads only.

A member is not due by itself (watch.PARKED). It stands as its chain unless it read something by
itself since the chain was read last, could not read something, or never lived: `own` finds these,
and they are looked at one by one like whoever is no member.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitor.model import Severity
from monitor.model.scope import EVERY, ChainWide
from monitor.model.status import State
from monitor.model.streams import UNSERVED
from monitor.store.blocks import read_by_blocks
from monitor.store.port import Fields, Reader
from monitor.store.watch import PARKED

# Scopes of a chain that are looked at one by one: those that are due by themselves, and these keys.
SINGLY = (
    f"(SELECT key, chain, due FROM scope WHERE chain = ? AND due < {PARKED} UNION ALL "
    "SELECT m.key, m.chain, m.due FROM json_each(?) k CROSS JOIN scope m ON m.key = k.value "
    f"WHERE m.due >= {PARKED}) s"
)


def alone(chain: str) -> tuple[str, str]:
    """The parameters of SINGLY for a chain without members: all of it."""
    return chain, "[]"


_ACTIVE = "e.retired IS NULL"
_SEVERE = 'instr(e.terms, \'"severity": "severe"\') > 0'  # as an index has it
_IS_SEVERE = f"{_SEVERE} AND json_extract(e.terms, '$.severity') = 'severe'"


@dataclass(frozen=True, slots=True)
class ListOfAll:
    """How the reading of one list of a chain stands, for all members. Times in Unix seconds."""

    stream: str
    tried: int
    ok: int | None
    failing: int | None
    complete_time: int | None
    error: str

    @property
    def unserved(self) -> bool:
        return self.error.startswith(UNSERVED)


@dataclass(frozen=True)
class Crowd:
    """The members of a chain with their entries. These are counted where that is asked for: of a
    million it takes half a second."""

    store: Reader
    chain: str
    lists: tuple[ListOfAll, ...]
    own: tuple[str, ...]  # keys of the members that are looked at one by one

    @cached_property
    def numbers(self) -> Counter[tuple[bool, bool]]:
        """Of entries of those that stand as the chain does, by (met, history told)."""
        return _numbers(self.store, self.chain, self.own)

    @cached_property
    def torn(self) -> int:
        """How many of those that are met and told are still owed an earlier part, or were members
        when a part of the chain was not read."""
        if not self.numbers[True, True]:
            return 0
        broken = _broken(self.store, self.chain)
        if broken < 0:
            return _owed(self.store, self.chain, self.own)
        return _torn(self.store, self.chain, self.own, broken)

    @property
    def served(self) -> list[ListOfAll]:
        return [each for each in self.lists if not each.unserved]

    @property
    def entries(self) -> int:
        return self.numbers.total()

    @property
    def params(self) -> tuple[str, str]:
        """Of SINGLY."""
        return self.chain, json.dumps(self.own)

    def state(self, *, met: bool, late: bool) -> State:
        """How an entry stands. `late`: something below is still to be read."""
        lists = self.served
        if any(each.failing is not None for each in lists) or (self.lists and not lists):
            return State.BLIND
        if not met or not lists or any(each.ok is None for each in lists):
            return State.NOT_READ
        if late or any(each.complete_time is None for each in lists):
            return State.BEHIND
        return State.COMPLETE

    def is_late(self, before: int, *, still: bool) -> bool:
        """Whether a list was not tried or (unless the chain stands still) not read up to a time."""
        return not self.lists or any(
            each.failing is None
            and (each.tried < before or (not still and (each.complete_time or 0) < before))
            for each in self.lists
        )

    def states(self) -> Counter[State]:
        """How many entries stand how."""
        found: Counter[State] = Counter()
        for (met, told), number in self.numbers.items():
            late = number if not told else (self.torn if met else 0)
            found[self.state(met=met, late=True)] += late
            found[self.state(met=met, late=False)] += number - late
        return +found


def crowds(store: Reader) -> dict[str, Crowd]:
    """By chain, of those of which blocks are read for anybody."""
    return {chain: _crowd(store, chain) for chain in sorted(read_by_blocks(store))}


def of(store: Reader, chain: str) -> Crowd | None:
    """Of one chain; None: its blocks are read for nobody."""
    return _crowd(store, chain) if chain in read_by_blocks(store) else None


def _crowd(store: Reader, chain: str) -> Crowd:
    lists = tuple(_lists(store, chain))
    return Crowd(store, chain, lists, _own(store, chain, lists))


def _lists(store: Reader, chain: str) -> Iterator[ListOfAll]:
    sql = (
        "SELECT stream, tried, ok, failing, complete_time, coalesce(error, '') FROM reading "
        "WHERE scope = ? ORDER BY stream"
    )
    return (ListOfAll(*row) for row in store.read(sql, [ChainWide(chain).key]))


def _own(store: Reader, chain: str, lists: Sequence[ListOfAll]) -> tuple[str, ...]:
    """Keys of members that do not stand as their chain does."""
    key, ends = ChainWide(chain).key, (f"{chain}/", f"{chain}0")
    begun = lists and all(
        each.unserved or (each.ok is not None and each.complete_time is not None) for each in lists
    )
    # Of two readings of a list the one that was tried later tells how it stands.
    since = min(each.tried for each in lists) if begun else 0
    rows = store.read(
        "SELECT r.scope AS key FROM reading r WHERE r.tried >= ? AND r.scope > ? AND r.scope < ? "
        "UNION SELECT g.scope FROM gap g WHERE g.closed IS NULL AND g.scope > ? AND g.scope < ? "
        "UNION SELECT d.subject FROM dormant d WHERE d.asleep AND d.subject > ? AND d.subject < ?",
        [since, *ends, *ends, *ends],
    )
    return tuple(row["key"] for row in rows if row["key"] != key)


def _numbers(store: Reader, chain: str, own: Sequence[str]) -> Counter[tuple[bool, bool]]:
    columns = "SELECT e.base_height IS NOT NULL AS met, e.history = 'told' AS told, count(*) AS n"
    every = store.read(
        f"{columns} FROM entry e WHERE {_ACTIVE} AND e.subject > ? AND e.subject < ? "
        "GROUP BY met, told",
        [f"{chain}/", f"{chain}0"],
    )
    singly = store.read(
        f"{columns} FROM {SINGLY} CROSS JOIN entry e ON e.subject = s.key WHERE {_ACTIVE} "
        "GROUP BY met, told",
        [chain, json.dumps(own)],
    )
    return _counter(every) - _counter(singly)


def _counter(rows: Sequence[Fields]) -> Counter[tuple[bool, bool]]:
    return Counter({(bool(row["met"]), bool(row["told"])): row["n"] for row in rows})


def _broken(store: Reader, chain: str) -> int:
    """Up to which block something was not read that the chain was to read; -1: nothing."""
    row = store.read(
        "WITH parts AS (SELECT lo, max(hi) OVER (PARTITION BY stream ORDER BY lo ROWS BETWEEN "
        "UNBOUNDED PRECEDING AND 1 PRECEDING) AS below FROM coverage WHERE scope = ?1 "
        "AND axis = 'height') SELECT max(coalesce((SELECT max(hi) FROM gap WHERE scope = ?1 "
        "AND closed IS NULL), -1), coalesce((SELECT max(lo) - 1 FROM parts "
        "WHERE lo > below + 1), -1)) AS top",
        [ChainWide(chain).key],
    )[0]
    return int(row["top"])


_MET_AND_TOLD = (
    f"SELECT count(*) AS n FROM {{}} WHERE {_ACTIVE} AND e.base_height IS NOT NULL "
    f"AND e.history = 'told' AND s.due >= {PARKED} AND s.key NOT IN (SELECT value FROM "
    "json_each(?))"
)


def _owed(store: Reader, chain: str, own: Sequence[str]) -> int:
    tables = (
        "debt d CROSS JOIN scope s ON s.key = d.subject CROSS JOIN entry e ON e.subject = s.key"
    )
    sql = f"{_MET_AND_TOLD.format(tables)} AND d.chain = ? AND d.history = 1"
    return int(store.read(sql, [json.dumps(own), chain])[0]["n"])


def _torn(store: Reader, chain: str, own: Sequence[str], broken: int) -> int:
    """Where the chain was not read in one: who was a member then, and who is owed something."""
    tables = (
        "joined j CROSS JOIN scope s ON s.key = j.subject CROSS JOIN entry e ON e.subject = s.key"
    )
    sql = (
        f"{_MET_AND_TOLD.format(tables)} AND j.scope = ? AND j.stream = ? "
        "AND j.until_place IS NULL AND (j.from_place <= ? OR EXISTS "
        "(SELECT 1 FROM debt d WHERE d.subject = j.subject AND d.history = 1))"
    )
    row = store.read(sql, [json.dumps(own), ChainWide(chain).key, EVERY, broken])[0]
    return int(row["n"])


def read_singly(store: Reader, crowd: Crowd) -> list[str]:
    """Keys of those that are looked at one by one and may have read anything."""
    rows = store.read(
        f"SELECT s.key FROM {SINGLY} WHERE s.due >= {PARKED} "
        "OR EXISTS (SELECT 1 FROM reading r WHERE r.scope = s.key)",
        crowd.params,
    )
    return [row["key"] for row in rows]


def severe(store: Reader, crowd: Crowd) -> int:
    """How many of the entries that are counted together are severe."""
    ends = [f"{crowd.chain}/", f"{crowd.chain}0"]
    sql = f"SELECT count(*) AS n FROM entry e WHERE {_ACTIVE} AND {_IS_SEVERE}"
    every = store.read(f"{sql} AND e.subject > ? AND e.subject < ?", ends)
    singly = store.read(
        f"SELECT count(*) AS n FROM {SINGLY} CROSS JOIN entry e ON e.subject = s.key "
        f"WHERE {_ACTIVE} AND {_IS_SEVERE}",
        crowd.params,
    )
    return int(every[0]["n"]) - int(singly[0]["n"])


def first(store: Reader, crowd: Crowd, *, met: bool, told: bool, most: int) -> list[str]:
    """Ids of some of the entries that are counted together; the severe first, as far as their
    history is owed."""
    wanted = (
        f"{_ACTIVE} AND (e.base_height IS NOT NULL) = ? AND (e.history = 'told') = ? "
        f"AND s.due >= {PARKED} AND s.key NOT IN (SELECT value FROM json_each(?))"
    )
    params = [met, told, json.dumps(crowd.own)]
    found: list[str] = []
    for blind in (1, 0):  # as an index has them: a million are not put in order for it
        for rank in range(len(Severity) + 1):
            if len(found) < most:
                rows = store.read(
                    "SELECT e.id FROM debt d CROSS JOIN scope s ON s.key = d.subject "
                    "CROSS JOIN entry e ON e.subject = s.key WHERE d.chain = ? AND d.blind = ? "
                    f"AND d.rank = ? AND {wanted} LIMIT ?",
                    [crowd.chain, blind, rank, *params, most - len(found)],
                )
                found += [row["id"] for row in rows]
    if len(found) < most:
        rows = store.read(
            "SELECT e.id FROM entry e CROSS JOIN scope s ON s.key = e.subject "
            f"WHERE e.subject > ? AND e.subject < ? AND {wanted} LIMIT ?",
            [f"{crowd.chain}/", f"{crowd.chain}0", *params, most],
        )
        found += [row["id"] for row in rows]
    return [*dict.fromkeys(found)][:most]


def waiting(store: Reader, crowd: Crowd, before: int, most: int) -> tuple[int, list[str]]:
    """How many addresses are counted together that were watched before a time, and ids of entries
    of some of them, one of each."""
    ends = [f"{crowd.chain}/", f"{crowd.chain}0", before]
    where = f"{_ACTIVE} AND e.subject > ? AND e.subject < ? AND e.added < ?"
    every = store.read(f"SELECT count(DISTINCT e.subject) AS n FROM entry e WHERE {where}", ends)
    singly = store.read(
        f"SELECT count(DISTINCT s.key) AS n FROM {SINGLY} CROSS JOIN entry e "
        f"ON e.subject = s.key WHERE {_ACTIVE} AND e.added < ?",
        [*crowd.params, before],
    )
    some = store.read(
        "SELECT min(e.id) AS id FROM entry e CROSS JOIN scope s ON s.key = e.subject "
        f"WHERE {where} AND s.due >= {PARKED} AND s.key NOT IN (SELECT value FROM json_each(?)) "
        "GROUP BY e.subject LIMIT ?",
        [*ends, json.dumps(crowd.own), most],
    )
    return int(every[0]["n"]) - int(singly[0]["n"]), [row["id"] for row in some]
