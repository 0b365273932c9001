"""Entries of a crowd (crowd.py) of which the same is said: of a million there are a few kinds.
Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from monitor.model.balance import State
from monitor.model.scope import EVERY, ChainWide
from monitor.model.streams import UNSERVED
from monitor.store.crowd import Crowd
from monitor.store.port import Fields, Reader
from monitor.store.watch import PARKED

PART = 20_000  # entries that are read at once: others write meanwhile

_BALANCE = "FROM balance b WHERE b.subject = e.subject AND b.verified = 1"
# All that makes a difference to what is said of an entry whose lists are those of its chain. Where
# its history begins is said once that was told.
_KIND = (
    "e.case_id, e.base_height IS NOT NULL, e.history = 'told', "
    "CASE e.history WHEN 'told' THEN json_extract(e.terms, '$.since') END, "
    "CASE e.history WHEN 'told' THEN EXISTS (SELECT 1 FROM reading r WHERE r.scope = e.subject "
    f"AND r.error = '{UNSERVED}') END, "
    "(SELECT d.waits FROM debt d WHERE d.subject = e.subject AND d.history = 1), "
    "(SELECT j.from_place FROM joined j WHERE j.subject = e.subject AND j.scope = ? "
    "AND j.stream = ? AND j.until_place IS NULL) AS place, "
    "(SELECT group_concat(b.state || ' ' || b.source || ' ' || b.second || ' ' || b.reason) "
    f"{_BALANCE}) AS said"
)
_EQUAL = f"{_BALANCE} AND b.state = '{State.RECONCILED}'"
_SQL = (
    f"SELECT e.subject, e.id, (SELECT min(b.high) {_EQUAL}) AS high, "
    f"(SELECT min(b.time) {_EQUAL}) AS time, {_KIND} FROM entry e WHERE e.retired IS NULL "
    "AND e.subject > ? AND e.subject < ? ORDER BY e.subject LIMIT ?"
)
_KIND_AT = 4  # the first of its columns


@dataclass(slots=True)
class Group:
    """Entries of one kind, each on an address of its own. `high`, `time`: the lowest block up to
    which any of their sums equals the balance, and the earliest time of one."""

    id: str  # of one of them
    number: int = 0
    high: int | None = None
    time: int | None = None

    def add(self, row: Fields) -> None:
        self.number += 1
        if row["high"] is not None:
            self.high = row["high"] if self.high is None else min(self.high, row["high"])
        if row["time"] is not None:
            self.time = row["time"] if self.time is None else min(self.time, row["time"])


@dataclass(frozen=True, slots=True)
class Sorted:
    """The active entries of a chain. `singly`: ids of those that are to be looked at one by one."""

    groups: dict[tuple[object, ...], Group] = field(default_factory=dict)
    singly: list[str] = field(default_factory=list)


def of(store: Reader, crowd: Crowd, apart: Collection[str]) -> Sorted:
    """`apart`: keys of addresses of which something of their own is said."""
    due = store.read(
        f"SELECT key FROM scope WHERE chain = ? AND due < {PARKED}",
        [crowd.chain],
    )
    alone = {*apart, *crowd.own, *(row["key"] for row in due)}
    found = Sorted()
    for key, rows in _by_address(store, crowd.chain):
        row = rows[0]
        # With two entries on one address its balance is counted once, in whichever line.
        if len(rows) > 1 or key in alone or row["place"] is None or _differs(row["said"]):
            found.singly.extend(each["id"] for each in rows)
            continue
        kind = tuple(row)[_KIND_AT:]
        found.groups.setdefault(kind, Group(row["id"])).add(row)
    return found


def _differs(said: str | None) -> bool:
    return said is not None and State.UNEXPLAINED in said


def _by_address(store: Reader, chain: str) -> Iterator[tuple[str, Sequence[Fields]]]:
    after, size = f"{chain}/", PART
    while True:
        rows = store.read(_SQL, [ChainWide(chain).key, EVERY, after, f"{chain}0", size])
        each = [(key, [*mine]) for key, mine in groupby(rows, lambda row: str(row["subject"]))]
        if len(rows) < size:
            yield from each
            return
        if len(each) > 1:  # of the last there may be more
            yield from each[:-1]
            after, size = each[-2][0], PART
        else:
            size *= 2
