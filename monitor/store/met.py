"""What is recorded already of addresses that a version of a list names anew: their movements with
addresses that are watched. Without a call."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from monitor.model import LIVE_STATUSES
from monitor.store import list_targets, staging
from monitor.store.port import Fields, Reader

FEW = 20_000  # addresses that are looked up one by one in the record


@dataclass(frozen=True, slots=True)
class Met:
    """Movements of value between an address of a list and a watched one, of one asset."""

    address: str
    entity: str  # its id
    name: str
    chain: str
    contract: str | None  # None: the chain's own coin
    other: str  # the watched address
    count: int
    last: int | None  # Unix seconds


_LIVE = ", ".join(f"'{status.value}'" for status in sorted(LIVE_STATUSES))
# A row that the version only says otherwise (another name, another program) names nobody anew.
_NAMED_BEFORE = (
    "SELECT 1 FROM listing o WHERE o.list = l.list AND o.address = l.address "
    "AND o.entity = l.entity AND o.until_nr = l.from_nr AND o.rule = ''"
)
_SIDES = (("sender", "recipient"), ("recipient", "sender"))


def _sql(mine: str, other: str, where: str, spelling: str) -> str:
    """Of the movements that `where` names."""
    free = "+" if spelling == "twin" else ""  # there its own index is the short way
    return (
        f"SELECT l.{spelling} AS address, l.entity, l.name, t.chain, t.contract, "
        f"t.{other} AS other, count(*) AS count, max(t.time) AS last "
        "FROM transfer t CROSS JOIN listing l CROSS JOIN scope s "
        f"WHERE {free}l.list = ? AND {free}l.from_nr = ? AND l.rule = '' AND {where} "
        f"AND l.{spelling} = t.{mine} "
        f"AND s.key = t.chain || '/' || t.{other} AND t.amount <> '0' AND t.status IN ({_LIVE}) "
        "AND EXISTS (SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL "
        f"AND e.list <> l.list) AND NOT EXISTS ({_NAMED_BEFORE}) GROUP BY 1, 2, 4, 5, 6"
    )


def met(store: Reader, name: str, nr: int, verified: Collection[tuple[str, str]]) -> list[Met]:
    """The newest first. Of tokens only those that are `verified`, by (chain, contract): anybody
    can send the others."""
    new = store.read(
        f"SELECT 1 FROM listing WHERE list = ? AND from_nr = ?{staging.later(nr)} LIMIT {FEW + 1}",
        [name, nr],
    )
    found = _by_address(store, name, nr) if len(new) <= FEW else _by_movement(store, name, nr)
    sums: dict[Met, tuple[int, int]] = {}
    for row in found:
        if row["contract"] is not None and (row["chain"], row["contract"]) not in verified:
            continue
        key = replace(Met(*row), count=0, last=None)
        count, last = sums.get(key, (0, 0))
        sums[key] = (count + row["count"], max(last, row["last"] or 0))
    every = (replace(key, count=n, last=last or None) for key, (n, last) in sums.items())
    return sorted(every, key=lambda each: (-(each.last or 0), each.address))


def _by_address(store: Reader, name: str, nr: int) -> Iterator[Fields]:
    chains = [row["chain"] for row in store.read("SELECT DISTINCT chain FROM scope")]
    for address, spelling in dict.fromkeys(_new(store, name, nr)):
        for chain in chains:
            for mine, other in _SIDES:
                sql = _sql(mine, other, f"t.chain = ? AND t.{mine} = ?", spelling)
                yield from store.read(sql, [name, nr, chain, address])


def _new(store: Reader, name: str, nr: int) -> Iterator[tuple[str, str]]:
    """Addresses of which the version says something new, in every spelling, and which that is."""
    yield from ((address, "address") for address in list_targets.targets(store, name, nr - 1, nr))
    sql = (
        "SELECT DISTINCT twin FROM listing WHERE list = ? AND from_nr = ? AND twin IS NOT NULL"
        f"{staging.later(nr)}"
    )
    yield from ((row["twin"], "twin") for row in store.read(sql, [name, nr]))


def _by_movement(store: Reader, name: str, nr: int) -> Iterator[Fields]:
    last = int(store.read("SELECT coalesce(max(id), 0) AS n FROM transfer")[0]["n"])
    for after in range(0, last, FEW):
        for spelling in ("address", "twin"):
            for mine, other in _SIDES:
                sql = _sql(mine, other, "t.id > ? AND t.id <= ?", spelling)
                yield from store.read(sql, [name, nr, after, after + FEW])
