"""What the record holds of outflows from held funds that were announced."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.model import Entry, Subject
from monitor.store.port import Reader


def paid_in(store: Reader, subject: Subject, since: int) -> list[str]:
    """The transactions in which an address pays from a chain time on, or that are in no block."""
    rows = store.read(
        "SELECT DISTINCT tx FROM transfer WHERE chain = ? AND sender = ? "
        "AND (time IS NULL OR time >= ?) ORDER BY tx",
        [subject.chain, subject.address, since],
    )
    return [row["tx"] for row in rows]


def told(store: Reader, entries: Iterable[Entry]) -> dict[str, frozenset[str]]:
    """By entry, the transactions that were told as its announced outflow."""
    plans = {entry.id: entry.planned.since for entry in entries if entry.planned}
    rows = store.read_in(
        "SELECT entry, tx, CASE WHEN json_valid(facts) AND facts ->> '$.funds.as_planned' "
        "THEN facts ->> '$.funds.planned.since' END AS since "
        "FROM alert WHERE tx IS NOT NULL AND entry IN ({})",
        plans,
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["since"] == plans[row["entry"]]:
            found.setdefault(row["entry"], set()).add(row["tx"])
    return {entry: frozenset(txs) for entry, txs in found.items()}
