"""What somebody may see of how the program does: incidents, messages that were given up, sources of
the chains on which they watch something. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model.desk import Sight
from monitor.model.incident import Incident
from monitor.store.incidents import incident_list, incidents_closed
from monitor.store.outbox import Delivery
from monitor.store.port import Reader
from monitor.store.sight import of_alert, of_entries

GIVEN_UP_MOST = 200


def chains(store: Reader, sight: Sight) -> frozenset[str] | None:
    """On which they watch something; None: they see all, whatever it is."""
    if sight.cases is None:
        return None
    said, params = of_entries(sight, "e")
    rows = store.read(
        "SELECT DISTINCT s.chain FROM entry e JOIN scope s ON s.key = e.subject "
        f"WHERE e.retired IS NULL AND {said}",
        params,
    )
    return frozenset(row["chain"] for row in rows)


# -- incidents ---------------------------------------------------------------------------------


def seen_entries(store: Reader, sight: Sight, ids: Sequence[str]) -> dict[str, str]:
    """Those of these entries that may be seen, with their cases."""
    said, params = of_entries(sight)
    sql = f"SELECT id, case_id FROM entry WHERE {said} AND id IN (SELECT value FROM json_each(?))"
    return {r["id"]: r["case_id"] for r in store.read(sql, [*params, json.dumps([*ids])])}


def open_incidents(store: Reader) -> list[Incident]:
    """That last, whoever they concern: whoever shows them asks `seen_entries` first."""
    return incident_list(store, open_only=True)


def ended_incidents(store: Reader, since: int) -> list[Incident]:
    """That people were told of and that ended since then, the last first. Of a kind that came again
    and again the last time alone is kept."""
    return incidents_closed(store, since)[::-1]


@dataclass(frozen=True, slots=True)
class Late:
    """Alerts of what was found late."""

    number: int
    first: str  # id of one; empty: none


def found_late(store: Reader, sight: Sight, chain: str, since: int, until: int) -> Late:
    """What was found late on a chain in a time, of what may be seen."""
    said, params = of_alert(sight)
    rows = store.read(
        "SELECT count(*) AS n, coalesce(min(alert.id), '') AS one FROM alert WHERE "
        f"alert.created BETWEEN ? AND ? AND alert.kind = 'late' AND alert.chain = ? AND {said}",
        [since, until, chain, *params],
    )
    return Late(int(rows[0]["n"]), str(rows[0]["one"]))


# -- messages ----------------------------------------------------------------------------------

_ALERTS = "FROM route r JOIN alert ON alert.id = r.alert WHERE r.message = d.message"


def given_up(store: Reader, sight: Sight) -> list[Delivery]:
    """Messages that are tried no more, newest first: of these that tell nothing that may not be
    seen. One that tells no alert is for who sees all."""
    where, params = "", list[object]()
    if sight.cases is not None:
        said, params = of_alert(sight)
        where = (
            f"AND EXISTS (SELECT 1 {_ALERTS}) AND NOT EXISTS (SELECT 1 {_ALERTS} AND NOT {said})"
        )
    rows = store.read(
        "SELECT d.message, d.channel, d.recipient, d.state, d.attempts, d.due, d.last_error, "
        "m.created, coalesce(json_extract(m.rendered, '$.subject'), '') AS subject "
        f"FROM delivery d JOIN message m ON m.id = d.message WHERE d.state = 'dead' {where} "
        f"ORDER BY m.created DESC, m.rowid DESC LIMIT {GIVEN_UP_MOST}",
        params,
    )
    return [Delivery(*row) for row in rows]


# -- sources -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest block that a source named. Times in Unix seconds."""

    height: int
    time: int  # of the block
    at: int  # when it was named
    doubt: str  # why it is not believed; empty: it is


def heard(store: Reader) -> dict[tuple[str, str], Heard]:
    """By chain and source."""
    rows = store.read("SELECT chain, source, height, time, at, doubt FROM head ORDER BY number")
    return {
        (r["chain"], r["source"]): Heard(r["height"], r["time"], r["at"], r["doubt"]) for r in rows
    }
