"""Deliveries for programs, as one of them may see them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.store.port import Reader
from monitor.store.sight import of_alert

_ALERTS = "FROM route r JOIN alert ON alert.id = r.alert WHERE r.message = d.message"


@dataclass(frozen=True, slots=True)
class Line:
    """A message for one recipient. Times: Unix seconds."""

    place: int
    message: str
    channel: str
    recipient: str
    state: str  # waiting | accepted | dead | moved
    attempts: int
    due: int
    accepted: int | None
    last_error: str
    created: int  # of the message


def page(
    store: Reader, sight: Sight, state: str | None, message: str | None,
    before: tuple[int, str], most: int,
) -> list[Line]:  # fmt: skip
    """The newest messages before a place and a recipient: of these that tell nothing that may not
    be seen. One that tells no alert is for who sees all."""
    clauses, params = ["(m.rowid < ? OR (m.rowid = ? AND d.recipient > ?))"], list[object]()
    params += [before[0], before[0], before[1]]
    if sight.cases is not None:
        said, seen = of_alert(sight)
        clauses.append(
            f"EXISTS (SELECT 1 {_ALERTS}) AND NOT EXISTS (SELECT 1 {_ALERTS} AND NOT {said})"
        )
        params += seen
    for clause, value in (("d.state = ?", state), ("d.message = ?", message)):
        if value is not None:
            clauses.append(clause)
            params.append(value)
    rows = store.read(
        "SELECT m.rowid AS nr, d.message, d.channel, d.recipient, d.state, d.attempts, d.due, "
        "d.accepted_at, d.last_error, m.created FROM message m JOIN delivery d ON d.message = m.id "
        f"WHERE {' AND '.join(clauses)} ORDER BY m.rowid DESC, d.recipient LIMIT ?",
        [*params, most],
    )
    return [Line(*row) for row in rows]
