"""What people wrote at the desk: where the log has it, and by whom it was erased. Reads only."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.store import logbook
from monitor.store.logbook import Told
from monitor.store.port import Reader
from monitor.store.sight import of_alert, of_case

# The rows of the log that hold somebody's words by the id of what they stand at: its key.
_KEYS = {
    "remark": "id",
    "proposal": "id",
    "proposal ended": "proposal",
    "clock": "id",
    "clock ended": "clock",
    "request": "id",
    "request step": "id",
}


@dataclass(frozen=True, slots=True)
class Written:
    """One text that stands on a page. `what`: as the log calls it; `alert`: where it stands at
    one; `text` empty: it was erased. `open`: it is still being decided on."""

    what: str  # remark | taken | proposal | clock | clock ended | request | request step
    id: str
    case: str
    alert: str
    at: int
    name: str
    text: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a text is gone. `asked_by` asked for it, `by` confirmed it."""

    at: int  # Unix seconds
    asked_by: str
    by: str
    rule: str


_FIND = {
    "remark": (
        "SELECT r.at, r.case_id, coalesce(r.alert, '') AS alert, r.name, r.text, 0 AS open "
        "FROM remark r WHERE r.id = ? AND {case} AND (r.alert IS NULL OR EXISTS "
        "(SELECT 1 FROM alert a WHERE a.id = r.alert AND {alert}))"
    ),
    "taken": (
        "SELECT l.at, coalesce(e.case_id, '') AS case_id, l.alert, l.name, l.note, 0 AS open "
        "FROM alert_log l JOIN alert a ON a.id = l.alert LEFT JOIN entry e ON e.id = a.entry "
        "WHERE l.id = ? AND {alert}"
    ),
    "proposal": (
        "SELECT r.at, r.case_id, '' AS alert, r.name, r.text, "
        "r.state IN ('waiting', 'agreed') AS open FROM proposal r WHERE r.id = ? AND {case}"
    ),
    "clock": (
        "SELECT r.started, r.case_id, '' AS alert, r.name, r.why, 0 AS open FROM clock r "
        "WHERE r.id = ? AND {case}"
    ),
    "clock ended": (
        "SELECT r.ended, r.case_id, '' AS alert, r.ended_by, r.said, 0 AS open FROM clock r "
        "WHERE r.id = ? AND r.ended IS NOT NULL AND {case}"
    ),
    "request": (
        "SELECT r.at, r.case_id, '' AS alert, r.name, r.text, 0 AS open FROM request r "
        "WHERE r.id = ? AND {case}"
    ),
    "request step": (
        "SELECT r.at, r.case_id, '' AS alert, r.name, r.text, 0 AS open FROM request_step r "
        "WHERE r.id = ? AND {case}"
    ),
}
WHATS = tuple(_FIND)


def find(store: Reader, sight: Sight, what: str, name: str) -> Written | None:
    """The text of that id; None where there is none that may be seen. `what`: one of WHATS."""
    (case, mine), (alert, theirs) = of_case(sight, "r.case_id"), of_alert(sight, "a")
    sql = _FIND[what]
    params = [*(mine if "{case}" in sql else ()), *(theirs if "{alert}" in sql else ())]
    rows = store.read(sql.format(case=case, alert=alert), [name, *params])
    if not rows:
        return None
    at, of, about, by, text, is_open = rows[0]
    return Written(what, name, of, about, at, by, text, bool(is_open))


def rows_of(store: Reader, what: str, name: str, case: str) -> list[int]:
    """The numbers of the rows of the log that are about it, oldest first; `what` "proposal": also
    those that say what became of it. None for what is older than the log."""
    about, params = "", list[object]()
    if case:
        about, params = "JOIN log_case c ON c.seq = t.seq AND c.case_id = ?", [case]
    found = store.read(
        f"SELECT t.seq FROM log_text t {about} WHERE instr(t.text, ?) ORDER BY t.seq",
        [*params, json.dumps(name)],
    )
    told = logbook.numbered(store, [row["seq"] for row in found])
    wanted = {what} | ({"proposal ended"} if what == "proposal" else set())
    return [number for number, row in sorted(told.items()) if _is_about(row, wanted, name)]


def of_second(store: Reader, at: int, span: tuple[int, int]) -> list[int]:
    """The rows of the log from one number to another, of acts of that second."""
    found = store.read(
        "SELECT seq FROM log_text WHERE seq BETWEEN ? AND ? AND instr(text, ?)",
        [*span, f'"at":{at},"body":'],
    )
    return [row["seq"] for row in found]


def _is_about(row: Told, wanted: Collection[str], name: str) -> bool:
    told = row.told or {}
    if told.get("what") not in wanted:
        return False
    if told["what"] == "taken":
        return name in [line for _, line, _ in told["body"]["alerts"]]
    return bool(told["body"].get(_KEYS[told["what"]]) == name)


def unseen(store: Reader, sight: Sight, numbers: Sequence[int]) -> frozenset[int]:
    """Those of these rows that are about a case which may not be seen, or, for whoever does not
    see all, about none in particular unless people at the desk wrote them."""
    if sight.cases is None:
        return frozenset()
    seen, params = of_case(sight, "c.case_id")
    sql = f"SELECT DISTINCT c.seq FROM log_case c WHERE NOT {seen} AND c.seq IN ({{}})"
    hidden = {row["seq"] for row in store.read_in(sql, numbers, params)}
    about = logbook.cases_of(store, numbers)
    loose = [number for number in numbers if not about[number]]
    told = logbook.numbered(store, loose)
    for number in loose:
        what = ((told[number].told if number in told else None) or {}).get("what")
        if not sight.loose or what not in WHATS:
            hidden.add(number)
    return frozenset(hidden)


def erasures(store: Reader, numbers: Iterable[int]) -> dict[int, Erasure]:
    """Of those of these rows of the log whose text was erased: how."""
    gone = {
        number: row.erased_by
        for number, row in logbook.numbered(store, numbers).items()
        if row.erased_by is not None
    }
    by = logbook.numbered(store, set(gone.values()))
    found = {number: _erasure(by.get(act)) for number, act in gone.items()}
    return {number: each for number, each in found.items() if each is not None}


def _erasure(row: Told | None) -> Erasure | None:
    """None for what somebody has damaged."""
    try:
        told = (row.told if row is not None else None) or {}
        asked = told["body"]["asked"]
        return Erasure(int(told["at"]), asked["name"], told["actor"]["name"], asked["rule"])
    except (LookupError, TypeError, ValueError):
        return None


def erased(store: Reader, what: str, names: Iterable[str]) -> dict[str, Erasure]:
    """Of those of these texts that were erased, by id: how. `what`: one of WHATS, or "proposal
    ended"."""
    if what == "taken":
        sql, params = "SELECT line AS id, seq FROM erased_line WHERE line IN ({})", list[object]()
    else:
        sql, params = "SELECT id, seq FROM erased_said WHERE what = ? AND id IN ({})", [what]
    rows = {row["id"]: row["seq"] for row in store.read_in(sql, names, params)}
    found = erasures(store, rows.values())
    return {name: found[seq] for name, seq in rows.items() if seq in found}
