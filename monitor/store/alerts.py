"""Alerts: recorded, and who has them in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model import Alert
from monitor.model.desk_work import CLAIMED_DOORS
from monitor.model.ids import stable_id
from monitor.model.plain import CLAIMED, ERASED, quoted, unquoted, utc
from monitor.store import lapse, ours
from monitor.store.log import Part, cases_of
from monitor.store.planlog import alert_parts
from monitor.store.port import Connection, Fields, Reader
from monitor.store.rows import ALERT_COLUMNS, NOT_TRACED, alert_params, to_alert

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor, Take, Tell


def insert_alerts(
    conn: Connection, alerts: Sequence[Alert], routes: Sequence[tuple[str, str, str]]
) -> None:
    """Alerts with their transfers and the channels that they are owed to."""
    conn.executemany(
        f"INSERT INTO alert ({ALERT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [alert_params(a) for a in alerts],
    )
    conn.executemany(
        "INSERT INTO alert_transfer (alert, transfer) "
        "SELECT ?, id FROM transfer WHERE chain = ? AND tx = ? AND leg = ?",
        [(a.id, *identity) for a in alerts for identity in a.rows],
    )
    conn.executemany("INSERT INTO route (alert, channel, form) VALUES (?,?,?)", routes)


def carry_tell(conn: Connection, _actor: Actor, act: Tell) -> tuple[None, list[Part]]:
    ours.check_untold(conn, act.alerts)
    insert_alerts(conn, act.alerts, act.routes)
    told = alert_parts(conn, act.alerts)
    return None, [*told, *lapse.by_alerts(conn, act.alerts, act.at)]


def first_alerts(store: Reader, entry: str, txs: Sequence[str]) -> dict[str, str]:
    """The alerts that first told an entry of these transactions, by transaction."""
    rows = store.read_in(
        f"SELECT tx, id FROM alert WHERE entry = ? AND amends IS NULL AND {NOT_TRACED} "
        "AND tx IN ({})",
        txs,
        [entry],
    )
    return {row["tx"]: row["id"] for row in rows}


@dataclass(frozen=True, slots=True)
class LastState:
    """The last that somebody said of an alert: acknowledged or closed, by whom, when."""

    state: str
    name: str
    at: int
    note: str
    door: str = ""  # by which they came; "": not known


LastStates = Mapping[str, LastState]


def last_states(store: Reader, alert_ids: Sequence[str]) -> dict[str, LastState]:
    """Of those of these alerts that are not open."""
    rows = store.read_in(
        "SELECT a.id, a.state, a.holder, a.holder_door, l.name, coalesce(l.at, 0) AS at, "
        "coalesce(l.note, '') AS note FROM alert a LEFT JOIN alert_log l ON l.alert = a.id "
        "WHERE a.id IN ({}) AND a.state <> 'open' ORDER BY l.rowid",
        alert_ids,
    )
    return {
        r["id"]: LastState(r["state"], _said(r), r["at"], r["note"], r["holder_door"]) for r in rows
    }


def _said(row: Fields) -> str:
    """Who has it. A name that was recorded once is no empty one."""
    if row["holder"]:
        return recorded(row["holder"], row["holder_door"])
    return "" if row["name"] is None else row["name"] or ERASED


def _note_state(conn: Connection, alert: str, act: Take, actor: Actor) -> str:
    """What somebody did with an alert: in its history, and who has it then. Returns the id of the
    line."""
    holder = actor.name if act.to is None else act.to
    conn.execute(
        "UPDATE alert SET state = ?, holder = ?, holder_door = ?, outcome = ?, closed = ? "
        "WHERE id = ?",
        (
            *(act.state, holder, actor.kind.value if holder else "", act.outcome),
            *(act.at if act.state == "closed" else None, alert),
        ),
    )
    query = "SELECT count(*) AS n FROM alert_log WHERE alert = ?"
    line = stable_id("L", alert, str(conn.execute(query, (alert,)).fetchone()["n"]))
    conn.execute(
        "INSERT INTO alert_log (id, alert, at, state, name, note, door, holder) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (
            *(line, alert, act.at, act.state, actor.recorded, act.note, actor.kind.value),
            act.to or "",
        ),
    )
    return line


def carry_take(conn: Connection, actor: Actor, act: Take) -> tuple[list[str], list[Part]]:
    """In one transaction: of two people who do so at once one has each alert."""
    return take_as(conn, actor, act)


def take_as(
    conn: Connection, who: Actor, act: Take, *, by: bool = False
) -> tuple[list[str], list[Part]]:
    """`by`: the act is somebody else's, who agrees to what `who` wanted."""
    free = {"acknowledged": "state = 'open'", "closed": "state <> 'closed'", "open": "0"}[act.state]
    wanted = f"SELECT state, entry FROM alert WHERE id = ? AND {'1' if act.over else free}"
    taken: list[str] = []
    found: dict[frozenset[str], list[list[str]]] = {}  # what the log says of it, case by case
    for alert_id in act.alerts:
        row = conn.execute(wanted, (alert_id,)).fetchone()
        if row is None:
            continue
        line = _note_state(conn, alert_id, act, who)
        mine = frozenset(cases_of(conn, [row["entry"]] if row["entry"] else []).values())
        found.setdefault(mine, []).append([alert_id, line, row["state"]])
        taken.append(alert_id)
    return taken, _taken_parts(found, act, who, by=by)


def _taken_parts(
    found: Mapping[frozenset[str], Sequence[Sequence[str]]], act: Take, who: Actor, *, by: bool
) -> list[Part]:
    """Alert, line about it and the state before, for each."""
    said: dict[str, object] = {"state": act.state, "note": act.note, "outcome": act.outcome}
    said |= {"to": act.to} | ({"by": who.name, "door": who.kind.value} if by else {})
    return [Part("taken", {"alerts": lines, **said}, mine) for mine, lines in found.items()]


def of_ids(store: Reader, ids: Sequence[str]) -> dict[str, Alert]:
    """Those of these alerts that there are, without their rows."""
    rows = store.read_in("SELECT * FROM alert WHERE id IN ({})", ids)
    return {row["id"]: to_alert(row, ()) for row in rows}


def recorded(name: str, door: str) -> str:
    """As a name is shown: who comes by a link is known by a word only."""
    return f"{name} {CLAIMED}" if door == "link" else name


def held_said(row: Fields) -> str:
    """Who has an alert, of its row: "Kim", "Kim (claimed)" where the name was typed; "": nobody, or
    nobody who is known."""
    if row["state"] != "acknowledged" or not row["holder"]:
        return ""
    claimed = " (claimed)" if row["holder_door"] in CLAIMED_DOORS else ""
    return f"{unquoted(row['holder'])}{claimed}"


def history_said(store: Reader, row: Fields) -> str:
    """Who did what with an alert, of its row, oldest first."""
    lines = store.read("SELECT * FROM alert_log WHERE alert = ? ORDER BY at, rowid", [row["id"]])
    said = [_line_said(line) for line in lines]
    if row["outcome"] == "told":
        said.append(f'closed {utc(row["closed"])} by the rule "told": it needed nobody')
    elif row["outcome"] and said:
        said[-1] += f" ({row['outcome']})"
    return "; ".join(said)


def _line_said(line: Fields) -> str:
    done = {"open": "given back to nobody"}.get(line["state"], line["state"])
    if line["holder"]:
        done = f"handed over to {unquoted(line['holder'])}"
    note = f": {quoted(line['note'], 500)}" if line["note"] else ""
    return f"{done} {utc(line['at'])} by {unquoted(line['name'] or ERASED)}{note}"


def is_alert(store: Reader, alert_id: str) -> bool:
    return bool(store.read("SELECT 1 FROM alert WHERE id = ?", [alert_id]))


def count_open(store: Reader) -> int:
    """How many alerts nobody has acknowledged."""
    return int(store.read("SELECT count(*) AS n FROM alert WHERE state = 'open'")[0]["n"])


def alerts_of_message(store: Reader, message_id: str) -> list[str]:
    """Alerts that a message told, oldest first; none for an unknown message."""
    rows = store.read(
        "SELECT a.id FROM route r JOIN alert a ON a.id = r.alert WHERE r.message = ? "
        "ORDER BY a.created, a.rowid",
        [message_id],
    )
    return [row["id"] for row in rows]


def states(store: Reader, alert_ids: Sequence[str]) -> dict[str, str]:
    rows = store.read_in("SELECT id, state FROM alert WHERE id IN ({})", alert_ids)
    return {row["id"]: row["state"] for row in rows}


def holders(store: Reader, message_id: str) -> list[tuple[str, str, str, int, int]]:
    """Who acknowledged or closed alerts of a message, oldest first: (state, name, note, time,
    how many alerts)."""
    rows = store.read(
        "SELECT l.state, l.name, l.note, l.at, count(*) AS n FROM alert_log l "
        "JOIN route r ON r.alert = l.alert WHERE r.message = ? "
        "GROUP BY l.state, l.name, l.note, l.at ORDER BY l.at, min(l.rowid)",
        [message_id],
    )
    return [(row["state"], row["name"] or ERASED, row["note"], row["at"], row["n"]) for row in rows]
