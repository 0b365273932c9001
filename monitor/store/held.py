"""Entries with held funds, and the figures of the chain that two have said of them."""

from __future__ import annotations

from monitor.model import Subject, Watched
from monitor.model.balance import Figure, State
from monitor.store import balances
from monitor.store.port import Reader
from monitor.store.rows import to_watched


def entries(store: Reader) -> list[Watched]:
    """Those that are watched, in the order of adding."""
    rows = store.read(
        "SELECT * FROM entry WHERE retired IS NULL AND list = '' "
        "AND json_extract(terms, '$.held') IS NOT NULL ORDER BY added, rowid"
    )
    return [to_watched(row) for row in rows]


def figures(store: Reader, subject: Subject) -> dict[str, list[Figure]]:
    """By contract, each said twice: by a source and the record, by two sources, or by one at two
    blocks where nobody else says any."""
    found: dict[str, list[Figure]] = {}
    kept = balances.verdicts(store, [subject])[subject]
    for contract, verdict in kept.items():
        mine = found.setdefault(contract, [])
        if verdict.good is not None:
            mine.append(verdict.good)
        lone = verdict.held.state is State.CANNOT_CHECK and verdict.figure is not None
        if lone and verdict.figure is not None and verdict.figure.second:
            mine.append(verdict.figure)
    for each in balances.open_findings(store, subject):
        if each.after.second:
            found.setdefault(each.contract, []).append(each.after)
    return found
