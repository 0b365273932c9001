"""What waits at the desk, as one person may see it. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.model.desk import Open, Sight
from monitor.store.desk_schema import WORK
from monitor.store.port import Fields, Reader
from monitor.store.sight import of_alert

MANY = 10_000  # counted no further
_FORMS = ("group", "prompt", "crowd", "dust", "escalated")
COLUMNS = (
    "a.id, coalesce(e.case_id, '') AS case_id, a.severity, a.kind, a.created, a.chain, a.state, "
    "a.holder, a.holder_door, a.outcome"
)


def work(store: Reader, sight: Sight, channels: Collection[str]) -> list[Open]:
    """Everything that is work and not closed, oldest first, each with the message in which it was
    told with others. `channels`: those of people."""
    seen, params = of_alert(sight, "a")
    rows = store.read(
        f"SELECT {COLUMNS}, (SELECT r.message FROM route r WHERE r.alert = a.id "
        f"AND r.message IS NOT NULL AND r.channel IN ({_marks(channels)}) "
        f"AND r.form IN ({_marks(_FORMS)}) ORDER BY r.channel, r.form LIMIT 1) AS message "
        "FROM alert a INDEXED BY alert_work LEFT JOIN entry e ON e.id = a.entry "
        f"WHERE a.state <> 'closed' AND {WORK} AND {seen} ORDER BY a.created, a.rowid",
        [*channels, *_FORMS, *params],
    )
    waiting = waiting_alerts(store)
    return [to_open(row, row["message"] or "", waiting) for row in rows]


def waiting_alerts(store: Reader) -> frozenset[str]:
    """Those whose closing waits for a second person."""
    rows = store.read(
        "SELECT pa.alert FROM proposal p JOIN proposal_alert pa ON pa.proposal = p.id "
        "WHERE p.state = 'waiting'"
    )
    return frozenset(row["alert"] for row in rows)


def of_message(store: Reader, sight: Sight, message: str) -> list[Open]:
    """The alerts that a message told, as far as they may be seen, oldest first."""
    seen, params = of_alert(sight, "a")
    rows = store.read(
        f"SELECT DISTINCT {COLUMNS} FROM route r JOIN alert a ON a.id = r.alert "
        f"LEFT JOIN entry e ON e.id = a.entry WHERE r.message = ? AND {seen} "
        "ORDER BY a.created, a.rowid",
        [message, *params],
    )
    waiting = waiting_alerts(store)
    return [to_open(row, message, waiting) for row in rows]


def of_others(store: Reader, sight: Sight, messages: Collection[str]) -> frozenset[str]:
    """Those of these messages that tell something which may not be seen too."""
    seen, params = of_alert(sight, "a")
    rows = store.read_in(
        "SELECT DISTINCT r.message FROM route r JOIN alert a ON a.id = r.alert "
        f"WHERE NOT {seen} AND r.message IN ({{}})",
        messages,
        params,
    )
    return frozenset(row["message"] for row in rows)


def told(
    store: Reader, sight: Sight, *, quiet: bool, after: str, most: int
) -> tuple[list[Open], bool]:
    """What was told and needs nobody, newest first, and whether there is more: of addresses
    (`quiet`) or notices about ourselves. `after`: the id of the last one that was shown."""
    seen, params = of_alert(sight, "a")
    which = "a.kind <> 'notice'" if quiet else "a.kind = 'notice'"
    place = "1"
    if after:  # one of them: where others stand in time is not told either
        mine, given = of_alert(sight, "last")
        place = (
            "(a.created, a.rowid) < (SELECT last.created, last.rowid FROM alert last "
            f"WHERE last.id = ? AND {mine})"
        )
        params = [*params, after, *given]
    rows = store.read(
        f"SELECT {COLUMNS} FROM alert a INDEXED BY alert_told LEFT JOIN entry e ON e.id = a.entry "
        f"WHERE a.state <> 'closed' AND NOT ({WORK}) AND {which} AND {seen} AND {place} "
        f"ORDER BY a.created DESC, a.rowid DESC LIMIT {most + 1}",
        params,
    )
    return [to_open(row) for row in rows[:most]], len(rows) > most


def count_told(store: Reader, sight: Sight, *, quiet: bool) -> int:
    """How many of them; MANY + 1: more than that."""
    which = "a.kind <> 'notice'" if quiet else "a.kind = 'notice'"
    return _count(store, sight, "alert_told", f"NOT ({WORK}) AND {which}")


def closed_since(store: Reader, sight: Sight, since: int, most: int) -> list[Open]:
    """What somebody closed since then, newest first; one more than `most` where there is more."""
    seen, params = of_alert(sight, "a")
    rows = store.read(
        f"SELECT {COLUMNS} FROM alert a LEFT JOIN entry e ON e.id = a.entry "
        f"WHERE a.closed >= ? AND a.outcome <> 'told' AND {seen} "
        f"ORDER BY a.closed DESC, a.rowid DESC LIMIT {most + 1}",
        [since, *params],
    )
    return [to_open(row) for row in rows]


def count_work(store: Reader, sight: Sight) -> int:
    """How many alerts are work and not closed; MANY + 1: more than that."""
    return _count(store, sight, "alert_work", WORK)


def count_new(store: Reader, sight: Sight, since: int) -> int:
    """How many of them were made after that time; MANY + 1: more than MANY."""
    return _count(store, sight, "alert_work", f"a.created > ? AND {WORK}", since)


def _count(store: Reader, sight: Sight, index: str, which: str, *params: object) -> int:
    """Of what is not closed, no further than MANY."""
    seen, given = of_alert(sight, "a")
    rows = store.read(
        f"SELECT count(*) AS n FROM (SELECT 1 FROM alert a INDEXED BY {index} "
        f"WHERE {which} AND a.state <> 'closed' AND {seen} LIMIT {MANY + 1})",
        [*params, *given],
    )
    return int(rows[0]["n"])


def seen_alerts(store: Reader, sight: Sight, ids: Sequence[str]) -> dict[str, Open]:
    """Those of these alerts that somebody may see, in that order."""
    seen, params = of_alert(sight, "a")
    rows = {
        row["id"]: row
        for row in store.read_in(
            f"SELECT {COLUMNS} FROM alert a LEFT JOIN entry e ON e.id = a.entry "
            f"WHERE {seen} AND a.id IN ({{}})",
            ids,
            params,
        )
    }
    waiting = waiting_alerts(store)
    return {each: to_open(rows[each], "", waiting) for each in ids if each in rows}


def related(store: Reader, alert: str) -> list[tuple[str, str, int]]:
    """Other alerts of the same entry and transaction, oldest first: (id, kind, time)."""
    rows = store.read(
        "SELECT b.id, b.kind, b.created FROM alert a JOIN alert b ON b.tx = a.tx "
        "AND b.entry = a.entry AND b.id <> a.id WHERE a.id = ? ORDER BY b.created, b.rowid",
        [alert],
    )
    return [(row["id"], row["kind"], row["created"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Step:
    """A line of what people did with an alert."""

    at: int
    state: str  # acknowledged | closed | open
    name: str
    door: str
    holder: str  # handed over: to whom
    note: str
    id: str


def history(store: Reader, alert: str) -> list[Step]:
    """What people did with an alert, oldest first."""
    rows = store.read(
        "SELECT at, state, name, door, holder, note, id FROM alert_log WHERE alert = ? "
        "ORDER BY at, rowid",
        [alert],
    )
    return [Step(*row) for row in rows]


def to_open(row: Fields, message: str = "", waiting: Collection[str] = ()) -> Open:
    """A row of COLUMNS."""
    return Open(
        *(row["id"], row["case_id"], row["severity"], row["kind"], row["created"]),
        *(row["chain"] or "", row["state"], row["holder"], row["holder_door"], message),
        row["id"] in waiting,
        row["outcome"],
    )


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values)) or "NULL"
