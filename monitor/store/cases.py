"""Cases: what the record holds of each, which are closed, which are under a legal hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from monitor.model.acts import Actor, ChangeCase
from monitor.model.cases import CaseFacts, CaseState
from monitor.model.errors import Conflict
from monitor.store import figures
from monitor.store.log import Part
from monitor.store.port import Connection, Fields, Reader

_WATCHED = (
    "SELECT case_id FROM entry WHERE retired IS NULL "
    "UNION ALL SELECT case_id FROM followed WHERE until IS NULL"
)
# Whatever names a case: it stays one when nothing of it is watched any more.
_KNOWN = (
    "SELECT case_id FROM entry UNION SELECT case_id FROM followed "
    "UNION SELECT case_id FROM log_case UNION SELECT case_id FROM case_state"
)


def known(store: Reader) -> list[str]:
    """Every case that the record has ever heard of, by name."""
    rows = store.read(f"SELECT case_id FROM ({_KNOWN}) WHERE case_id <> '' ORDER BY case_id")
    return [row["case_id"] for row in rows]


def states(store: Reader, cases: Iterable[str]) -> dict[str, CaseState]:
    """How each of these cases stands."""
    wanted = list(dict.fromkeys(cases))
    rows = store.read_in("SELECT * FROM case_state WHERE case_id IN ({})", wanted)
    found = {row["case_id"]: _state(row) for row in rows}
    return {case: found.get(case, CaseState()) for case in wanted}


def closed(store: Reader) -> dict[str, CaseState]:
    """The cases that are closed."""
    rows = store.read("SELECT * FROM case_state WHERE closed IS NOT NULL ORDER BY case_id")
    return {row["case_id"]: _state(row) for row in rows}


def facts(store: Reader) -> list[CaseFacts]:
    """Every case, by name."""
    cases = known(store)
    stand, untaken = states(store, cases), Counter(a.case for a in figures.untaken(store))
    watched = Counter(row["case_id"] for row in store.read(_WATCHED))
    return [CaseFacts(case, stand[case], watched[case], untaken[case]) for case in cases]


def state_of(conn: Connection, case: str) -> CaseState:
    """Inside a transaction."""
    row = conn.execute("SELECT * FROM case_state WHERE case_id = ?", (case,)).fetchone()
    return _state(row) if row is not None else CaseState()


def _state(row: Fields) -> CaseState:
    return CaseState(row["closed"], row["held"])


def carry_change(conn: Connection, _actor: Actor, act: ChangeCase) -> tuple[None, list[Part]]:
    """Raises Conflict where the case has changed since somebody looked."""
    if state_of(conn, act.case) != act.was:
        raise Conflict(f"case {act.case} has just been changed by somebody else")
    now = act.becomes()
    conn.execute(
        "INSERT INTO case_state (case_id, closed, held) VALUES (?,?,?) "
        "ON CONFLICT (case_id) DO UPDATE SET closed = excluded.closed, held = excluded.held",
        (act.case, now.closed, now.held),
    )
    body = {
        "case": act.case,
        "why": act.why,
        "was": [act.was.closed, act.was.held],
        "is": [now.closed, now.held],
    }
    return None, [Part("case", body, frozenset({act.case}))]
