"""Confidential clocks, in desk.db alone: no log, export, mail, search or count holds them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.store.deskfile import DeskFile, append
from monitor.store.port import Fields


@dataclass(frozen=True, slots=True)
class RestrictedClock:
    """A clock that only those see who have the right `reports`. `due`: its last day in the rule's
    zone; `terms`: the rule as it stood; times in Unix seconds."""

    id: str
    case: str
    rule: str
    terms: Mapping[str, object]
    started: int
    due: str
    name: str
    why: str
    state: str = "running"  # running | stopped | met
    ended: int | None = None
    ended_by: str = ""
    said: str = ""


def _clock(row: Fields) -> RestrictedClock:
    return RestrictedClock(
        *(row["id"], row["case_id"], row["rule"], json.loads(row["terms"]), row["started"]),
        *(row["due"], row["name"], row["why"], row["state"], row["ended"], row["ended_by"]),
        row["said"],
    )


def of_case(file: DeskFile, case: str) -> list[RestrictedClock]:
    """Those that run first, by their last day."""
    query = "SELECT * FROM restricted_clock WHERE case_id = ?"
    return [
        _clock(row)
        for row in file.rows(f"{query} ORDER BY state <> 'running', due, started", (case,))
    ]


def start(
    file: DeskFile, case: str, rule: str, terms: Mapping[str, object], due: str, name: str,
    why: str, now: int, once: str,
) -> None:  # fmt: skip
    """`once`: a word of the form, which starts one clock however often it is sent."""
    id_ = f"S-{once[:24]}" if once else f"S-{secrets.token_hex(8)}"
    with file.change() as conn:
        added = conn.execute(
            "INSERT OR IGNORE INTO restricted_clock (id, case_id, rule, terms, started, due, name,"
            " why) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, case, rule, json.dumps(terms, sort_keys=True), now, due, name, why),
        )
        if added.rowcount:
            body = {"id": id_, "rule": rule, "started": now, "due": due, "why": why}
            append(conn, now, "confidential clock started", name, case, body, restricted=True)


def end(file: DeskFile, case: str, id_: str, state: str, said: str, name: str, now: int) -> bool:
    """`state`: met, with a reference, or stopped, with a reason. False where it does not run."""
    with file.change() as conn:
        ended = conn.execute(
            "UPDATE restricted_clock SET state = ?, ended = ?, ended_by = ?, said = ? "
            "WHERE id = ? AND case_id = ? AND state = 'running'",
            (state, now, name, said, id_, case),
        )
        if not ended.rowcount:
            return False
        body = {"id": id_, "state": state, "ended": now, "said": said}
        append(conn, now, f"confidential clock {state}", name, case, body, restricted=True)
        return True
