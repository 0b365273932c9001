"""Cases: what the record holds of each, which are closed, which are under a legal hold."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from monitor.model.cases import CaseFacts, CaseState
from monitor.model.errors import Conflict
from monitor.store import figures
from monitor.store.log import Part
from monitor.store.port import Connection, Fields, Reader

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor, ChangeCase

_WATCHED = (
    "SELECT case_id FROM entry WHERE retired IS NULL "
    "UNION ALL SELECT case_id FROM followed WHERE until IS NULL"
)
# Whatever names a case: it stays one when nothing of it is watched any more.
KNOWN = (
    "SELECT case_id FROM entry UNION SELECT case_id FROM followed "
    "UNION SELECT case_id FROM log_case UNION SELECT case_id FROM case_state"
)


def known(store: Reader) -> list[str]:
    """Every case that the record has ever heard of, by name."""
    rows = store.read(f"SELECT case_id FROM ({KNOWN}) WHERE case_id <> '' ORDER BY case_id")
    return [row["case_id"] for row in rows]


_CHANGED = "SELECT * FROM case_state ORDER BY case_id"


def changed(store: Reader) -> dict[str, CaseState]:
    """The cases that were ever closed or held."""
    return {row["case_id"]: _state(row) for row in store.read(_CHANGED)}


def changed_now(conn: Connection) -> dict[str, CaseState]:
    """The same, inside a transaction."""
    return {row["case_id"]: _state(row) for row in conn.execute(_CHANGED)}


def facts(store: Reader) -> list[CaseFacts]:
    """Every case, by name."""
    cases = known(store)
    stand, untaken = changed(store), Counter(a.case for a in figures.untaken(store))
    watched = Counter(row["case_id"] for row in store.read(_WATCHED))
    return [
        CaseFacts(case, stand.get(case, CaseState()), watched[case], untaken[case])
        for case in cases
    ]


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
