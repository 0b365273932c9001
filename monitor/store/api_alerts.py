"""Alerts for programs, by filter, as one of them may see them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.store.port import Reader
from monitor.store.sight import of_alert, of_case


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; None: whatever it is. Times: Unix seconds, from and up to, not with."""

    case: str | None = None
    state: str | None = None
    severity: str | None = None
    kind: str | None = None
    lane: str | None = None
    chain: str | None = None
    entry: str | None = None
    tx: str | None = None
    holder: str | None = None
    since: int | None = None
    until: int | None = None


def page(
    store: Reader, sight: Sight, wanted: Wanted, before: int, most: int
) -> list[tuple[int, str]]:
    """Place and id of the newest ones before a place, in the order of their coming."""
    seen, params = of_alert(sight, "a")
    clauses = [seen, "a.rowid < ?"]
    params = [*params, before]
    for clause, value in (
        ("e.case_id = ?", wanted.case),
        ("a.state = ?", wanted.state),
        ("a.severity = ?", wanted.severity),
        ("a.kind = ?", wanted.kind),
        ("a.lane = ?", wanted.lane),
        ("a.chain = ?", wanted.chain),
        ("a.entry = ?", wanted.entry),
        ("a.tx = ?", wanted.tx),
        ("a.holder = ?", wanted.holder),
        ("a.created >= ?", wanted.since),
        ("a.created < ?", wanted.until),
    ):
        if value is not None:
            clauses.append(clause)
            params.append(value)
    rows = store.read(
        "SELECT a.rowid AS nr, a.id FROM alert a LEFT JOIN entry e ON e.id = a.entry "
        f"WHERE {' AND '.join(clauses)} ORDER BY a.rowid DESC LIMIT ?",
        [*params, most],
    )
    return [(row["nr"], row["id"]) for row in rows]


def outcomes(store: Reader, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """By alert: why it was closed, and by which door its holder came."""
    rows = store.read_in("SELECT id, outcome, holder_door FROM alert WHERE id IN ({})", ids)
    return {row["id"]: (row["outcome"], row["holder_door"]) for row in rows}


def waiting(store: Reader, sight: Sight, ids: Sequence[str]) -> dict[str, list[str]]:
    """By alert: the proposals about it that wait for a second person."""
    said, params = of_case(sight, "p.case_id")
    found: dict[str, list[str]] = {}
    for row in store.read_in(
        "SELECT x.alert, p.id FROM proposal p JOIN proposal_alert x ON x.proposal = p.id "
        f"WHERE p.state = 'waiting' AND {said} AND x.alert IN ({{}}) ORDER BY p.at, p.rowid",
        ids,
        params,
    ):
        found.setdefault(row["alert"], []).append(row["id"])
    return found
