"""What the log says of a plan: all that its rows, alerts and baselines can be worked out from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from monitor.model import Alert
from monitor.model.plan import Change, Identity, NewRow, Plan, Sighting
from monitor.store.log import Part, cases_of
from monitor.store.port import Connection
from monitor.store.rows import ALERT_COLUMNS, TRANSFER_COLUMNS, alert_params, transfer_params

# What a change may change of a row, in the order in which the log gives it.
CHANGED = (
    *("block_height", "block_hash", "time", "tx_index", "log_index", "trace_path", "spends"),
    *("status", "absences"),
)
NEW = (*TRANSFER_COLUMNS.split(", "), "status", "late", "first_seen")
ALERT = ALERT_COLUMNS.split(", ")

Cases = frozenset[str]


def parts(conn: Connection, plan: Plan) -> list[Part]:
    """Rows by the cases that they concern, alerts and baselines by the case of their entry; no
    part where a plan brought nothing of all that. To be asked before the rows change."""
    if not (plan.new or plan.changes or plan.sightings or plan.alerts or plan.baselines):
        return []
    return [
        *_rows(conn, plan),
        *_baselines(conn, plan),
        *alert_parts(conn, plan.alerts),
    ]


def alert_parts(conn: Connection, alerts: Sequence[Alert]) -> list[Part]:
    """Alerts with all their columns and the rows that they tell of, case by case."""
    cases = cases_of(conn, (a.entry_id for a in alerts if a.entry_id))
    found: dict[Cases, list[object]] = {}
    for alert in alerts:
        mine = cases.get(alert.entry_id or "")
        told = [*alert_params(alert), alert.rows]
        found.setdefault(frozenset({mine} if mine else ()), []).append(told)
    return [
        Part("alerts", {"columns": [*ALERT, "rows"], "alerts": told}, mine)
        for mine, told in found.items()
    ]


def _baselines(conn: Connection, plan: Plan) -> list[Part]:
    cases = cases_of(conn, (entry for entry, _ in plan.baselines))
    found: dict[Cases, list[object]] = {}
    for entry, base in plan.baselines:
        mine = frozenset({cases[entry]} if entry in cases else ())
        found.setdefault(mine, []).append([entry, base.height, base.time, base.head_time])
    return [Part("baselines", {"baselines": lines}, mine) for mine, lines in found.items()]


def _rows(conn: Connection, plan: Plan) -> list[Part]:
    """New rows, changed ones (as they were and as they are) and who reported them."""
    whose: dict[Identity, Cases] = {}
    found: dict[Cases, dict[str, list[object]]] = {}

    def group(mine: Cases) -> dict[str, list[object]]:
        return found.setdefault(mine, {"new": [], "changed": [], "sighted": []})

    for new in plan.new:
        mine = whose[new.transfer.identity] = _cases(new.transfer.parties(), plan.cases)
        group(mine)["new"].append(_new(new, plan.now))
    for change in plan.changes:
        mine = whose[change.transfer.identity] = _cases(change.transfer.parties(), plan.cases)
        group(mine)["changed"].append(_changed(conn, change))
    for sighting in plan.sightings:
        mine = whose.get(sighting.identity, plan.own_cases)
        group(mine)["sighted"].append(_sighted(sighting, plan.now))
    columns = {"new": NEW, "changed": CHANGED}
    return [Part("rows", {"columns": columns, **lines}, mine) for mine, lines in found.items()]


def _cases(parties: Iterable[str], cases: Mapping[str, Cases]) -> Cases:
    return frozenset(case for party in parties for case in cases.get(party, ()))


def _new(new: NewRow, now: int) -> list[object]:
    return [*transfer_params(new.transfer), new.status.value, int(new.late), now]


def _sighted(s: Sighting, now: int) -> list[object]:
    return [*s.identity, s.source, s.block, now, s.sha256]


def _changed(conn: Connection, change: Change) -> list[object]:
    was = conn.execute(
        f"SELECT {', '.join(CHANGED)} FROM transfer WHERE id = ?", (change.row_id,)
    ).fetchone()
    values = [getattr(change.transfer, name) for name in CHANGED[:-2]]
    now = [*values, change.status.value, json.dumps(change.absences)]
    return [*change.transfer.identity, [*was] if was is not None else None, now]
