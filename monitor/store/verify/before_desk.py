"""Who had an alert in hand before the log began: the columns that came with the desk are in no
digest of then, but follow from the lines of the alert's history."""

from __future__ import annotations

from monitor.model.difference import Difference, Report
from monitor.model.plain import CLAIMED
from monitor.store.port import Connection, Fields
from monitor.store.verify.expected import Expected, Values, differing, place, shown

_ALERTS = (
    "SELECT a.id, a.holder, a.holder_door, a.outcome, a.closed, l.name, l.state, l.at "
    "FROM alert a LEFT JOIN alert_log l ON l.rowid = "
    "(SELECT max(o.rowid) FROM alert_log o WHERE o.alert = a.id) WHERE a.holder <> '' "
    "OR a.holder_door <> '' OR a.outcome <> '' OR a.closed IS NOT NULL OR a.state <> 'open'"
)
_LINES = "SELECT id, door, holder FROM alert_log WHERE door <> '' OR holder <> ''"


def compare(conn: Connection, expected: Expected, report: Report) -> None:
    """Of rows that no act of the log has touched."""
    if not expected.old:
        return
    for row in conn.execute(_LINES):
        if expected.get("alert_log", [row["id"]]) is None:
            _hold("alert_log", row, {"door": "", "holder": ""}, report)
    for row in conn.execute(_ALERTS):
        known = expected.get("alert", [row["id"]])
        if known is None or "holder" not in known.now:
            _hold("alert", row, _held(row), report)


def _held(row: Fields) -> Values:
    """What the migration made of the last line of an alert's history."""
    name, closed = row["name"] or "", row["state"] == "closed"
    return {
        "holder": name.replace(f" {CLAIMED}", ""),
        "holder_door": "link" if name.endswith(f" {CLAIMED}") else "",
        "closed": row["at"] if closed else None,
        "outcome": "",
    }


def _hold(kept: str, row: Fields, wanted: Values, report: Report) -> None:
    there = {name: row[name] for name in wanted}
    for name, value, found in differing(wanted, there):
        where = f"{place(kept, [row['id']])}: {name}"
        report(Difference("record", where, f"{shown(value)}, by its history", shown(found)))
