"""What is owed to whom: alerts that wait for a channel, for the next one, or for anybody."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.plan import Route, Signal
from monitor.routing import NOBODY, URGENT, next_channel
from monitor.store import Store, journal

_MOST = 500  # alerts that nobody could be told, looked at in one go


@dataclass(frozen=True, slots=True)
class Owed:
    """Alerts of one case that one channel has not been told yet, oldest first."""

    channel: str
    case: str
    form: str  # alone | prompt | group | history | daily | escalated
    urgent: bool  # not to be held back by quiet hours
    alerts: tuple[str, ...]


def owed(store: Store, apart: Collection[str] = ()) -> list[Owed]:
    """Routes without a message, by channel, form and case; for the channels named in `apart`
    what can wait is apart from what is urgent. Notices have the case ""."""
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    for row in store.read(
        "SELECT r.channel, r.form, r.alert, coalesce(e.case_id, '') AS case_id, a.severity "
        "FROM route r JOIN alert a ON a.id = r.alert LEFT JOIN entry e ON e.id = a.entry "
        "WHERE r.message IS NULL AND r.channel <> ? ORDER BY a.created, a.rowid",
        [NOBODY],
    ):
        urgent = row["severity"] in URGENT or row["channel"] not in apart
        key = (row["channel"], row["case_id"], row["form"], urgent)
        found.setdefault(key, []).append(row["alert"])
    return [Owed(*key, tuple(alerts)) for key, alerts in found.items()]


def escalate(
    store: Store, chain: Sequence[str], after: int, since: int, now: int
) -> list[tuple[str, str]]:
    """Owe alerts that nobody has acknowledged to the next channel; returns (alert, channel).

    Only what is severe or high, is about movements, and was made after `since`. `after`:
    seconds from the making of the alert, or from the step before, until each step.
    """
    if not _unacknowledged(store, chain, after, since, now):
        return []
    with store.write() as conn:  # looked at again where nobody else writes
        owed = _unacknowledged(store, chain, after, since, now)
        conn.executemany(
            "INSERT INTO route (alert, channel, form) VALUES (?, ?, 'escalated')", owed
        )
    return owed


def _unacknowledged(
    store: Store, chain: Sequence[str], after: int, since: int, now: int
) -> list[tuple[str, str]]:
    off = {row["channel"] for row in store.read(_OFF)} | _all_refuse(store)
    owed = []
    for row in store.read(_OPEN, [since]):
        # A clock that ran ahead has dated it into the future: it waits since it was mended.
        begun = row["created"] if row["created"] <= now else since
        last = begun if row["passed"] is None else min(row["passed"], now)
        channel = next_channel((row["passed_to"] or "").split(), chain, off)
        if channel is not None and not row["owed"] and now - last >= after:
            owed.append((row["id"], channel))
    return owed


def _all_refuse(store: Store) -> set[str]:
    """Channels of which no recipient took what was tried last."""
    rows = store.read("SELECT channel FROM way GROUP BY channel HAVING count(*) = count(refusing)")
    return {row["channel"] for row in rows}


_OFF = "SELECT channel FROM channel_state WHERE disabled IS NOT NULL"
_OPEN = (
    "SELECT a.id, a.created, group_concat(r.channel, ' ') AS passed_to, max(m.created) AS passed, "
    "sum(r.channel IS NOT NULL AND r.message IS NULL) AS owed FROM alert a "
    "LEFT JOIN route r ON r.alert = a.id AND r.form = 'escalated' "
    "LEFT JOIN message m ON m.id = r.message WHERE a.state = 'open' AND a.lane = 'news' "
    "AND a.severity IN ('severe', 'high') AND a.kind <> 'notice' AND a.created >= ? "
    "GROUP BY a.id ORDER BY a.created, a.rowid"
)


def gone(store: Store, known: Collection[str]) -> dict[str, list[str]]:
    """Alerts that wait for channels which are no longer there, by channel; those that nobody
    could be told, unless a person has seen to them, are under NOBODY."""
    found: dict[str, list[str]] = {}
    for row in store.read(
        "SELECT DISTINCT r.channel, r.alert FROM route r JOIN alert a ON a.id = r.alert "
        "LEFT JOIN delivery d ON d.message = r.message WHERE (r.message IS NULL "
        "OR d.state IN ('waiting', 'dead')) AND (r.channel <> ? OR a.state = 'open') "
        "ORDER BY a.created, a.rowid",
        [NOBODY],
    ):
        if row["channel"] not in known:
            found.setdefault(row["channel"], []).append(row["alert"])
    return found


def move(
    store: Store,
    channels: Collection[str],
    routes: Sequence[Route],
    signals: Sequence[Signal] = (),
    now: int = 0,
) -> None:
    """Owe to others what waits for channels that are gone; nobody is owed anything twice.
    `signals` tell of it."""
    with store.write() as conn:
        for name in channels:
            conn.execute("DELETE FROM route WHERE channel = ? AND message IS NULL", (name,))
            conn.execute(
                "UPDATE delivery SET state = 'moved', claimed = NULL, last_error = "
                "'the channel is no longer in config/channels.yaml' "
                "WHERE channel = ? AND state IN ('waiting', 'dead')",
                (name,),
            )
        _owe(conn, routes)
        journal.note_signals(conn, signals, now)


def _owe(conn: sqlite3.Connection, routes: Sequence[Route]) -> None:
    conn.executemany(
        "INSERT INTO route (alert, channel, form) SELECT ?1, ?2, ?3 WHERE NOT EXISTS "
        "(SELECT 1 FROM route WHERE alert = ?1 AND channel = ?2)",
        routes,
    )


def readdress(store: Store, channel: str, to: Collection[str], now: int) -> int:
    """What waits for people who were taken out of a channel goes to those who are new in it;
    the others have it already. Returns how many deliveries it was."""
    rows = store.read(
        "SELECT message, recipient FROM delivery WHERE channel = ? "
        "AND state IN ('waiting', 'dead')",
        [channel],
    )
    left = [(row["message"], row["recipient"]) for row in rows if row["recipient"] not in to]
    if not left:
        return 0
    with store.write() as conn:
        conn.executemany(
            "UPDATE delivery SET state = 'moved', claimed = NULL, last_error = "
            "'no longer a recipient in config/channels.yaml' WHERE message = ? AND recipient = ?",
            left,
        )
        conn.executemany(
            "INSERT OR IGNORE INTO delivery (message, recipient, channel, state, due) "
            "VALUES (?, ?, ?, 'waiting', ?)",
            [(message, each, channel, now) for message, _ in left for each in to],
        )
    return len(left)


def owed_to_nobody(store: Store) -> list[str]:
    """Alerts that nobody could be told so far, oldest first."""
    rows = store.read(
        "SELECT a.id FROM route r JOIN alert a ON a.id = r.alert WHERE r.channel = ? "
        "AND r.message IS NULL ORDER BY a.created, a.rowid LIMIT ?",
        [NOBODY, _MOST],
    )
    return [row["id"] for row in rows]


def find_taker(store: Store, alert: str, routes: Sequence[Route]) -> None:
    """Owe what nobody could be told to those who can be told now."""
    with store.write() as conn:
        conn.execute(
            "DELETE FROM route WHERE alert = ? AND channel = ? AND message IS NULL",
            (alert, NOBODY),
        )
        _owe(conn, routes)


def put_off(store: Store, alert: str, channel: str) -> None:
    """A channel cannot take an alert now: it is owed to NOBODY, unless others have it."""
    with store.write() as conn:
        conn.execute(
            "DELETE FROM route WHERE alert = ? AND channel = ? AND message IS NULL",
            (alert, channel),
        )
        conn.execute(
            "INSERT INTO route (alert, channel, form) SELECT ?1, ?2, 'alone' "
            "WHERE NOT EXISTS (SELECT 1 FROM route WHERE alert = ?1)",
            (alert, NOBODY),
        )
