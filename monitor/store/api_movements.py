"""Movements for programs, by filter, as one of them may see them: in the order in which they were
recorded, so that what came late is never passed over. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.store.desk_cases import Keys
from monitor.store.port import Reader
from monitor.store.sight import Clause, of_alert, of_case, of_transfer

KEYS_MOST = 300  # addresses that are asked one by one; of more the whole record is gone through


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; None: whatever it is. Times: Unix seconds, from and up to, not with."""

    chain: str | None = None
    kind: str | None = None
    status: str | None = None
    contract: str | None = None  # empty: the chain's own coin
    since: int | None = None
    until: int | None = None


def page(
    store: Reader, sight: Sight, keys: Keys | None, wanted: Wanted, before: int, most: int
) -> list[int]:
    """Numbers of the newest before a number. `keys`: of these addresses (chain and address) alone;
    None: of everything that may be seen."""
    where, params = _where(sight, wanted)
    if keys is None:
        sql = f"SELECT t.id FROM transfer t WHERE t.id < ? AND {where} ORDER BY t.id DESC LIMIT ?"
        return [row["id"] for row in store.read(sql, [before, *params, most])]
    found: set[int] = set()
    for side in ("sender", "recipient"):
        for chain, address in keys:
            rows = store.read(
                f"SELECT t.id FROM transfer t WHERE t.chain = ? AND t.{side} = ? AND t.id < ? "
                f"AND {where} ORDER BY t.id DESC LIMIT ?",
                [chain, address, before, *params, most],
            )
            found.update(row["id"] for row in rows)
    return sorted(found, reverse=True)[:most]


def _where(sight: Sight, wanted: Wanted) -> Clause:
    said, params = of_transfer(sight, "t")
    clauses = [said]
    for clause, value in (
        ("t.chain = ?", wanted.chain),
        ("t.kind = ?", wanted.kind),
        ("t.status = ?", wanted.status),
        ("coalesce(t.contract, '') = ?", wanted.contract),
        ("t.time >= ?", wanted.since),
        ("t.time < ?", wanted.until),
    ):
        if value is not None:
            clauses.append(clause)
            params = [*params, value]
    return " AND ".join(clauses), params


def own(store: Reader, sight: Sight) -> Keys | None:
    """The addresses that are or were watched or followed for cases that may be seen; None: all
    may be seen, or they are too many."""
    if sight.cases is None:
        return None
    said, params = of_case(sight)
    rows = store.read(
        f"SELECT s.chain, s.address FROM scope s WHERE s.key IN (SELECT subject FROM entry "
        f"WHERE {said} UNION SELECT subject FROM followed WHERE {said}) LIMIT ?",
        [*params, *params, KEYS_MOST + 1],
    )
    return None if len(rows) > KEYS_MOST else [(r["chain"], r["address"]) for r in rows]


def of_case_too(store: Reader, sight: Sight, case: str) -> list[tuple[str, str]]:
    """Chain and address of what is or was watched or followed for a case."""
    said, params = of_case(sight)
    rows = store.read(
        "SELECT s.chain, s.address FROM scope s WHERE s.key IN "
        f"(SELECT subject FROM entry WHERE case_id = ? AND case_id <> '' AND {said} "
        f"UNION SELECT subject FROM followed WHERE case_id = ? AND {said})",
        [case, *params, case, *params],
    )
    return [(row["chain"], row["address"]) for row in rows]


def alerts_of(store: Reader, sight: Sight, ids: Iterable[int]) -> dict[int, list[str]]:
    """By movement: the alerts that tell it, as far as they may be seen."""
    said, params = of_alert(sight, "a")
    found: dict[int, list[str]] = {}
    for row in store.read_in(
        "SELECT x.transfer, a.id FROM alert_transfer x JOIN alert a ON a.id = x.alert "
        f"WHERE {said} AND x.transfer IN ({{}}) ORDER BY a.created, a.rowid",
        ids,
        params,
    ):
        found.setdefault(row["transfer"], []).append(row["id"])
    return found


def late_of(store: Reader, ids: Sequence[int]) -> frozenset[int]:
    """Those of these that came late: at a height that had been read before."""
    sql = "SELECT id FROM transfer WHERE late = 1 AND id IN (SELECT value FROM json_each(?))"
    return frozenset(row["id"] for row in store.read(sql, [json.dumps([*ids])]))
