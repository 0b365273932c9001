"""What makes a proposal lapse: something new about an alert that it would close. Whoever would
agree has read what is no longer all. In the transaction of the news itself, so that nobody agrees
between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.model import Alert
from monitor.model.plan import Plan
from monitor.model.transfer import LIVE_STATUSES
from monitor.store.log import Part
from monitor.store.port import Connection, Fields

Row = Mapping[str, object]
# By chain, transaction, and the entry or the address that it concerns.
News = dict[tuple[str | None, str | None, str | None], str]

# What becomes of a proposal; the rest of it never changes.
ENDED = ("eyes", "state", "ended", "ended_by", "said")
_WAITING = (
    "SELECT p.id, p.case_id, p.eyes, a.id AS alert, a.chain, a.tx, a.entry, a.amends, e.subject "
    "FROM proposal p JOIN proposal_alert x ON x.proposal = p.id JOIN alert a ON a.id = x.alert "
    "LEFT JOIN entry e ON e.id = a.entry WHERE p.state IN ('waiting', 'agreed') "
    "AND p.state = 'waiting'"
)


def end(conn: Connection, name: str, case: str, was: Row, now: Row) -> Part:
    """What became of a proposal."""
    columns = ", ".join(f"{column} = ?" for column in ENDED)
    values = [now[column] for column in ENDED]
    conn.execute(f"UPDATE proposal SET {columns} WHERE id = ?", (*values, name))
    body = {"proposal": name, "case": case, "was": was, "is": now}
    return Part("proposal ended", body, frozenset({case} - {""}))


def by_plan(conn: Connection, plan: Plan) -> list[Part]:
    """What a poll decided: new movements of the same transaction and address, those that are no
    longer what they were, and what was told of them."""
    if not (plan.new or plan.changes or plan.alerts):
        return []
    waiting = conn.execute(_WAITING).fetchall()
    return _lapse(conn, waiting, _news(plan), plan.alerts, plan.now) if waiting else []


def by_alerts(conn: Connection, alerts: Sequence[Alert], now: int) -> list[Part]:
    """What is told without a poll, and amends what was told before."""
    if not any(alert.amends for alert in alerts):
        return []
    return _lapse(conn, conn.execute(_WAITING).fetchall(), {}, alerts, now)


def _lapse(
    conn: Connection, waiting: Sequence[Fields], news: News, alerts: Sequence[Alert], now: int
) -> list[Part]:
    amending = {alert.amends: alert for alert in alerts if alert.amends}
    told = {(a.chain, a.tx, a.entry_id): a for a in alerts if a.tx and a.entry_id}
    ended: dict[str, Part] = {}
    for row in waiting:
        alert = told.get((row["chain"], row["tx"], row["entry"])) or amending.get(row["alert"])
        why = news.get((row["chain"], row["tx"], row["subject"]), "")
        if alert is not None:
            why = f"more was told of it: {alert.kind.value} {alert.id}"
        if why and row["id"] not in ended:
            was = {"eyes": row["eyes"], "state": "waiting", "ended": None, "ended_by": ""}
            is_ = {"eyes": row["eyes"], "state": "lapsed", "ended": now, "ended_by": "Fundwatch"}
            said = f"{why} (about alert {row['alert']})"
            ended[row["id"]] = end(
                conn, row["id"], row["case_id"], {**was, "said": ""}, {**is_, "said": said}
            )
    return [*ended.values()]


def _news(plan: Plan) -> News:
    found: News = {}

    def say(chain: str, tx: str, parties: Iterable[str | None], words: str) -> None:
        for party in filter(None, parties):
            found.setdefault((chain, tx, f"{chain}/{party}"), words)

    for change in plan.changes:
        if change.status not in LIVE_STATUSES:
            row = change.transfer
            words = "a movement of the same transaction is no longer what it was"
            say(row.chain, row.tx, (row.sender, row.recipient), words)
    for new in plan.new:
        row = new.transfer
        words = "a further movement of the same transaction was found"
        say(row.chain, row.tx, (row.sender, row.recipient), words)
    return found
