"""The outbox: what is owed to whom, what was frozen into a message, how sending went."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.model import Outgoing, Rendered
from monitor.plan import Route
from monitor.routing import URGENT, next_channel
from monitor.store import Store
from monitor.store.rows import rendered_text, to_rendered

ROUND_MOST = 500  # deliveries of one channel in one round of sending


@dataclass(frozen=True, slots=True)
class Owed:
    """Alerts of one case that one channel has not been told yet, oldest first."""

    channel: str
    case: str
    form: str  # alone | prompt | group | history | daily | escalated
    urgent: bool  # not to be held back by quiet hours
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that may be tried now."""

    outgoing: Outgoing
    channel: str
    attempts: int


def owed(store: Store, apart: Collection[str] = ()) -> list[Owed]:
    """Routes without a message, by channel, form and case; for the channels named in `apart`
    what can wait is apart from what is urgent. Notices have the case ""."""
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    for row in store.read(
        "SELECT r.channel, r.form, r.alert, coalesce(e.case_id, '') AS case_id, a.severity "
        "FROM route r JOIN alert a ON a.id = r.alert LEFT JOIN entry e ON e.id = a.entry "
        "WHERE r.message IS NULL ORDER BY a.created, a.rowid"
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
    off = {row["channel"] for row in store.read(_OFF)}
    owed = []
    for row in store.read(_OPEN, [since]):
        # A clock that ran ahead has dated it into the future: it waits since it was mended.
        begun = row["created"] if row["created"] <= now else since
        last = begun if row["passed"] is None else min(row["passed"], now)
        channel = next_channel((row["passed_to"] or "").split(), chain, off)
        if channel is not None and not row["owed"] and now - last >= after:
            owed.append((row["id"], channel))
    return owed


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
    """Alerts that wait for channels which are no longer there, by channel."""
    found: dict[str, list[str]] = {}
    for row in store.read(
        "SELECT DISTINCT r.channel, r.alert FROM route r LEFT JOIN delivery d "
        "ON d.message = r.message WHERE r.message IS NULL OR d.state IN ('waiting', 'dead')"
    ):
        if row["channel"] not in known:
            found.setdefault(row["channel"], []).append(row["alert"])
    return found


def move(store: Store, channels: Collection[str], routes: Sequence[Route]) -> None:
    """Owe to others what waits for channels that are gone; nobody is owed anything twice."""
    with store.write() as conn:
        for name in channels:
            conn.execute("DELETE FROM route WHERE channel = ? AND message IS NULL", (name,))
            conn.execute(
                "UPDATE delivery SET state = 'moved', claimed = NULL, last_error = "
                "'the channel is no longer in config/channels.yaml' "
                "WHERE channel = ? AND state IN ('waiting', 'dead')",
                (name,),
            )
        conn.executemany(
            "INSERT INTO route (alert, channel, form) SELECT ?1, ?2, ?3 WHERE NOT EXISTS "
            "(SELECT 1 FROM route WHERE alert = ?1 AND channel = ?2)",
            routes,
        )


def told_between(store: Store, channel: str, since: int, until: int) -> list[str]:
    """The alerts that a channel was owed, made in (since, until], oldest first."""
    rows = store.read(
        "SELECT DISTINCT a.id, a.created, a.rowid FROM alert a JOIN route r ON r.alert = a.id "
        "WHERE r.channel = ? AND a.created > ? AND a.created <= ? ORDER BY a.created, a.rowid",
        [channel, since, until],
    )
    return [row["id"] for row in rows]


def recent_messages(store: Store, channel: str, case: str, since: int, now: int) -> int:
    """How many messages a channel was sent about a case since a time. What a clock that ran
    ahead has dated into the future does not count."""
    rows = store.read(
        "SELECT count(*) AS n FROM message WHERE channel = ? AND case_id = ? AND created > ? "
        "AND created <= ?",
        [channel, case, since, now],
    )
    return int(rows[0]["n"])


def last_group(store: Store, channel: str, case: str, now: int) -> int:
    """When the newest grouped message for a channel and case was made, up to now; 0: never."""
    rows = store.read(
        "SELECT max(created) AS at FROM message WHERE channel = ? AND case_id = ? "
        "AND form = 'group' AND created <= ?",
        [channel, case, now],
    )
    return int(rows[0]["at"] or 0)


def freeze(
    store: Store,
    message_id: str,
    owing: Owed,
    rendered: Rendered,
    recipients: Sequence[str],
    now: int,
) -> None:
    """Fix a message: its id, its alerts and its bytes. From here on it only gets sent."""
    with store.write() as conn:
        conn.execute(
            "INSERT INTO message (id, channel, case_id, form, created, rendered) "
            "VALUES (?,?,?,?,?,?)",
            (message_id, owing.channel, owing.case, owing.form, now, rendered_text(rendered)),
        )
        conn.executemany(
            "UPDATE route SET message = ? WHERE alert = ? AND channel = ? AND message IS NULL "
            "AND (form = 'escalated') = ?",
            [(message_id, a, owing.channel, owing.form == "escalated") for a in owing.alerts],
        )
        conn.executemany(
            "INSERT INTO delivery (message, recipient, channel, state, due) "
            "VALUES (?, ?, ?, 'waiting', ?)",
            [(message_id, recipient, owing.channel, now) for recipient in recipients],
        )


def release_claims(store: Store) -> int:
    """Take over sends that an ended run left under way. Returns how many."""
    claimed = "state = 'waiting' AND claimed IS NOT NULL"
    if not store.read(f"SELECT 1 FROM delivery WHERE {claimed} LIMIT 1"):  # noqa: S608
        return 0
    with store.write() as conn:
        return conn.execute(f"UPDATE delivery SET claimed = NULL WHERE {claimed}").rowcount  # noqa: S608


def due_deliveries(store: Store, now: int, *, all_waiting: bool) -> list[Due]:
    """Deliveries to try, oldest first. `all_waiting` looks past our own waits, not past a
    time that the receiver named. At most ROUND_MOST of each channel, so that one that has
    been down for long does not keep the others waiting."""
    rows = store.read(
        "SELECT * FROM (SELECT d.*, m.created, m.rendered, m.rowid AS nr, "
        "row_number() OVER (PARTITION BY d.channel ORDER BY m.created, m.rowid) AS place "
        "FROM delivery d JOIN message m ON m.id = d.message "
        "WHERE d.state = 'waiting' AND d.claimed IS NULL AND (d.due <= ? OR (? AND NOT d.held)) "
        "AND d.channel NOT IN (SELECT channel FROM channel_state WHERE disabled IS NOT NULL)) "
        "WHERE place <= ? ORDER BY created, nr",
        [now, all_waiting, ROUND_MOST],
    )
    return [
        Due(
            Outgoing(
                row["message"], row["recipient"], row["created"], to_rendered(row["rendered"])
            ),
            row["channel"],
            row["attempts"],
        )
        for row in rows
    ]


def claim(store: Store, due: Due, now: int) -> bool:
    """Count the attempt before it is made. False when somebody else has it."""
    with store.write() as conn:
        return (
            conn.execute(
                "UPDATE delivery SET claimed = ?, attempts = attempts + 1 WHERE message = ? "
                "AND recipient = ? AND state = 'waiting' AND claimed IS NULL",
                (now, due.outgoing.message_id, due.outgoing.recipient),
            ).rowcount
            == 1
        )


def accepted(store: Store, due: Due, answer: str, now: int) -> None:
    _outcome(store, due, "state = 'accepted', accepted_at = ?, answer = ?, last_error = ''", [
        now,
        answer[:500],
    ])  # fmt: skip


def failed(store: Store, due: Due, error: str, next_due: int | None, *, held: bool) -> None:
    """Record a failure: tried again at `next_due`, or given up (None)."""
    if next_due is None:
        _outcome(store, due, "state = 'dead', last_error = ?", [error[:500]])
    else:
        _outcome(
            store, due, "due = ?, held = ?, last_error = ?", [next_due, int(held), error[:500]]
        )


def _outcome(store: Store, due: Due, change: str, params: Sequence[object]) -> None:
    with store.write() as conn:
        conn.execute(
            f"UPDATE delivery SET claimed = NULL, {change} "  # noqa: S608
            "WHERE message = ? AND recipient = ?",
            [*params, due.outgoing.message_id, due.outgoing.recipient],
        )


def disable(store: Store, channel: str, why: str, now: int) -> None:
    """Stop sending to a channel whose receiver said that it is gone for good."""
    with store.write() as conn:
        conn.execute(
            "INSERT INTO channel_state (channel, disabled, why) VALUES (?, ?, ?) "
            "ON CONFLICT (channel) DO UPDATE SET disabled = coalesce(disabled, "
            "excluded.disabled), why = excluded.why",
            (channel, now, why[:500]),
        )


def enable(store: Store, channel: str) -> None:
    with store.write() as conn:
        conn.execute("DELETE FROM channel_state WHERE channel = ?", (channel,))


def disabled(store: Store) -> dict[str, str]:
    rows = store.read("SELECT channel, why FROM channel_state WHERE disabled IS NOT NULL")
    return {row["channel"]: row["why"] for row in rows}


def message(store: Store, message_id: str) -> tuple[str, Rendered]:
    """The channel of a message and what was frozen for it."""
    row = store.read("SELECT channel, rendered FROM message WHERE id = ?", [message_id])[0]
    return row["channel"], to_rendered(row["rendered"])


def late(store: Store, now: int) -> int:
    """Seconds for which the oldest message has waited that could be tried; 0 if none."""
    rows = store.read(
        f"SELECT min(due) AS due FROM delivery WHERE state = 'waiting' AND channel NOT IN ({_OFF})"  # noqa: S608
    )
    return 0 if rows[0]["due"] is None else max(0, now - int(rows[0]["due"]))


def refused(store: Store, channel: str) -> bool:
    """Whether a channel is switched off, or messages wait that it did not accept."""
    tried = "SELECT 1 FROM delivery WHERE channel = ? AND state = 'waiting' AND attempts > 1"
    return channel in disabled(store) or bool(store.read(f"{tried} LIMIT 1", [channel]))


def refusing(store: Store, now: int) -> dict[str, int]:
    """Channels that accept nothing, and since when: switched off, or with messages that were
    tried in vain while nothing that was made after them has been accepted."""
    rows = store.read(
        "SELECT d.channel, min(m.created) AS since FROM delivery d JOIN message m "
        "ON m.id = d.message WHERE d.state IN ('waiting', 'dead') AND d.last_error <> '' "
        "AND m.created <= ? AND m.created > coalesce((SELECT max(a.accepted_at) FROM delivery a "
        "WHERE a.channel = d.channel AND a.state = 'accepted'), 0) GROUP BY d.channel",
        [now],
    )
    found = {row["channel"]: int(row["since"]) for row in rows}
    off = store.read("SELECT channel, disabled FROM channel_state WHERE disabled IS NOT NULL")
    return found | {row["channel"]: min(now, int(row["disabled"])) for row in off}


def deliveries(store: Store, state: str | None = None) -> list[sqlite3.Row]:
    """Deliveries for people: message, recipient, channel, state, attempts, due, errors."""
    where, params = ("WHERE d.state = ?", [state]) if state else ("", [])
    return store.read(
        "SELECT d.*, m.created, m.form, m.case_id FROM delivery d "  # noqa: S608
        f"JOIN message m ON m.id = d.message {where} ORDER BY m.created DESC, m.rowid DESC",
        params,
    )


def replay(store: Store, message_ids: Sequence[str], now: int) -> int:
    """Send again, with the same id and bytes and a new plan of tries: to recipients that
    have not accepted it, or to all when all have. Returns how many deliveries wait now."""
    with store.write() as conn:
        return sum(_replay_one(conn, message_id, now) for message_id in message_ids)


def _replay_one(conn: sqlite3.Connection, message_id: str, now: int) -> int:
    change = (
        "UPDATE delivery SET state = 'waiting', due = ?, held = 0, attempts = 0 "
        "WHERE message = ? AND claimed IS NULL"
    )
    count = conn.execute(f"{change} AND state <> 'accepted'", (now, message_id)).rowcount
    return count or conn.execute(change, (now, message_id)).rowcount


def first_message_id(store: Store, alert_id: str, channel: str) -> str | None:
    """The message in which a channel was first told of an alert, for threading."""
    rows = store.read(
        "SELECT r.message FROM route r JOIN message m ON m.id = r.message "
        "WHERE r.alert = ? AND r.channel = ? ORDER BY m.created, m.rowid LIMIT 1",
        [alert_id, channel],
    )
    return str(rows[0]["message"]) if rows else None
