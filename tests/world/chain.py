"""What must hold of the log of a record, whatever was killed: counted here, and by `verify`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from monitor.store import log
from monitor.store.port import Reader
from monitor.store.sqlite import Store
from world.logged import differences


def breaks(store: Reader) -> list[int]:
    """Rows of the chain that are not what the row before and their text make them."""
    found, before = [], log.GENESIS
    for number, row in enumerate(log.each(store), 1):
        whole = row.salt and row.text and log.digest_of(row.salt, row.text) == row.digest
        if not whole or row.seq != number or row.hash != log.link(number, before, row.digest):
            found.append(row.seq)
        before = row.hash
    return found


def bodies(store: Reader) -> list[dict[str, Any]]:
    """What the texts say, oldest first."""
    return [json.loads(row.text or "{}")["body"] for row in log.each(store)]


def logged_rows(store: Reader) -> Counter[tuple[str, str, str]]:
    """How often the log says that a row is new."""
    lines = [line for body in bodies(store) for line in body.get("new", ())]
    return Counter((chain, tx, leg) for chain, tx, leg, *_ in lines)


def logged_alerts(store: Reader) -> Counter[str]:
    """How often the log says that an alert is new."""
    told = [body for body in bodies(store) if "alerts" in body and "columns" in body]
    return Counter(alert for body in told for alert, *_ in body["alerts"])


def faults(store: Reader) -> list[str]:
    """Breaks of the chain, and rows and alerts of plans that are not logged once."""
    rows = Counter(
        (row["chain"], row["tx"], row["leg"]) for row in store.read("SELECT * FROM transfer")
    )
    alerts = Counter(row["id"] for row in store.read("SELECT id FROM alert WHERE tx IS NOT NULL"))
    logged = Counter({k: n for k, n in logged_alerts(store).items() if k in alerts})
    return [
        *(f"break at {seq}" for seq in breaks(store)),
        *(f"row {row}" for row in (rows - logged_rows(store)) + (logged_rows(store) - rows)),
        *(f"alert {alert}" for alert in (alerts - logged) + (logged - alerts)),
    ]


def faults_of(path: Path) -> list[str]:
    """The same of a file, with what `verify` finds."""
    store = Store(path, readonly=True)
    try:
        return [*faults(store), *map(str, differences(path))]
    finally:
        store.close()
