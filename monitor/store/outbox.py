"""The outbox: what was frozen into a message, how sending went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from monitor.model import Outgoing, Rendered
from monitor.model.plan import Signal
from monitor.store import incidents, ways
from monitor.store.log import Part
from monitor.store.notes import write_note
from monitor.store.owing import Owed
from monitor.store.port import Connection, Reader, Store
from monitor.store.rows import rendered_text, to_rendered

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor, Replay

ROUND_MOST = 500  # deliveries of one channel in one round of sending


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that may be tried now; its message is read when it is sent."""

    message_id: str
    recipient: str
    channel: str
    created: int  # of the message
    attempts: int
    refusals: int = 0  # of these attempts: the receiver said no for good
    revive: int = 0

    @property
    def way(self) -> tuple[str, str]:
        return (self.channel, self.recipient)


def told_between(store: Reader, channel: str, since: int, until: int) -> list[str]:
    """The alerts that a channel was owed, made in (since, until], oldest first."""
    rows = store.read(
        "SELECT DISTINCT a.id, a.created, a.rowid FROM alert a JOIN route r ON r.alert = a.id "
        "WHERE r.channel = ? AND a.created > ? AND a.created <= ? ORDER BY a.created, a.rowid",
        [channel, since, until],
    )
    return [row["id"] for row in rows]


def recent_messages(store: Reader, channel: str, case: str, since: int, now: int) -> int:
    """How many messages a channel was sent about a case since a time, without those that a
    crowd of one entry shares: they hold up no other entry of the case. What a clock that ran
    ahead has dated into the future does not count."""
    rows = store.read(
        "SELECT count(*) AS n FROM message WHERE channel = ? AND case_id = ? AND created > ? "
        "AND created <= ? AND form NOT IN ('crowd', 'dust')",
        [channel, case, since, now],
    )
    return int(rows[0]["n"])


def last_group(store: Reader, channel: str, case: str, now: int) -> int:
    """When the newest grouped message for a channel and case was made, up to now; 0: never."""
    rows = store.read(
        "SELECT max(created) AS at FROM message WHERE channel = ? AND case_id = ? "
        "AND form = 'group' AND created <= ?",
        [channel, case, now],
    )
    return int(rows[0]["at"] or 0)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message before it is fixed: what is owed, in which words, to whom."""

    message_id: str
    owed: Owed
    rendered: Rendered
    to: tuple[str, ...]


def freeze(
    store: Store,
    letters: Sequence[Letter],
    now: int,
    *,
    signals: Sequence[Signal] = (),
    notes: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Fix messages: their ids, their alerts and their bytes. From here on they only get sent.
    With it, or not at all, `signals` and `notes` are kept. A message that is
    fixed already stays as it is. Returns how many are new."""
    with store.write() as conn:
        made = sum(_fix(conn, letter, now) for letter in letters)
        incidents.note_signals(conn, signals, now)
        for key, value in notes.items():
            write_note(conn, key, value)
    return made


def _fix(conn: Connection, letter: Letter, now: int) -> int:
    owed, name = letter.owed, letter.message_id
    made = conn.execute(
        "INSERT OR IGNORE INTO message (id, channel, case_id, form, created, rendered) "
        "VALUES (?,?,?,?,?,?)",
        (name, owed.channel, owed.case, owed.form, now, rendered_text(letter.rendered)),
    ).rowcount
    conn.executemany(
        "UPDATE route SET message = ? WHERE alert = ? AND channel = ? AND message IS NULL "
        "AND (form = 'escalated') = ?",
        [(name, alert, owed.channel, owed.form == "escalated") for alert in owed.alerts],
    )
    conn.executemany(
        "INSERT OR IGNORE INTO delivery (message, recipient, channel, state, due) "
        "VALUES (?, ?, ?, 'waiting', ?)",
        [(name, recipient, owed.channel, now) for recipient in letter.to],
    )
    return made


@dataclass(frozen=True, slots=True)
class Outline:
    """The least that can be said of an alert."""

    id: str
    kind: str
    severity: str
    chain: str | None
    created: int


def outlines(store: Reader, alerts: Sequence[str]) -> list[Outline]:
    """Of these alerts, in their order."""
    query = "SELECT id, kind, severity, chain, created FROM alert WHERE id IN ({})"
    found = {row["id"]: Outline(**dict(row)) for row in store.read_in(query, alerts)}
    return [found[each] for each in alerts if each in found]


def release_claims(store: Store, channel: str) -> int:
    """Take over sends that an ended round of a channel left under way. Returns how many."""
    claimed = "state = 'waiting' AND claimed IS NOT NULL AND channel = ?"
    if not store.read(f"SELECT 1 FROM delivery WHERE {claimed} LIMIT 1", [channel]):
        return 0
    with store.write() as conn:
        change = f"UPDATE delivery SET claimed = NULL WHERE {claimed}"
        return conn.execute(change, (channel,)).rowcount


_OFF = "SELECT channel FROM channel_state WHERE disabled IS NOT NULL"
_WAITS = f"d.state = 'waiting' AND (d.due <= ? OR (? AND NOT d.held)) AND d.channel NOT IN ({_OFF})"


def channels_due(store: Reader, now: int, *, all_waiting: bool) -> list[str]:
    """Channels that have something to send, also what a round that was killed had begun: the
    channel's next round takes it over."""
    query = f"SELECT DISTINCT channel FROM delivery d WHERE {_WAITS}"
    return [row["channel"] for row in store.read(query, [now, all_waiting])]


def due_deliveries(store: Reader, channel: str, now: int, *, all_waiting: bool) -> list[Due]:
    """Deliveries of a channel to try, at most ROUND_MOST: the oldest first, those of messages
    that a crowd shares after the others. `all_waiting` looks past our own waits, not past a
    time that the receiver named."""
    rows = store.read(
        "SELECT d.*, m.created FROM delivery d JOIN message m ON m.id = d.message "
        f"WHERE {_WAITS} AND d.claimed IS NULL AND d.channel = ? "
        "ORDER BY m.form = 'crowd', m.created, m.rowid LIMIT ?",
        [now, all_waiting, channel, ROUND_MOST],
    )
    return [
        Due(
            *(row["message"], row["recipient"], row["channel"], row["created"], row["attempts"]),
            *(row["refusals"], row["revive"]),
        )
        for row in rows
    ]


def outgoing(store: Reader, due: Due) -> Outgoing:
    """What is sent: the frozen bytes under their id."""
    _, rendered = message(store, due.message_id)
    return Outgoing(due.message_id, due.recipient, due.created, rendered)


def claim(store: Store, due: Due, now: int) -> bool:
    """Count the attempt before it is made. False when somebody else has it."""
    with store.write() as conn:
        return (
            conn.execute(
                "UPDATE delivery SET claimed = ?, attempts = attempts + 1 WHERE message = ? "
                "AND recipient = ? AND state = 'waiting' AND claimed IS NULL",
                (now, due.message_id, due.recipient),
            ).rowcount
            == 1
        )


def accepted(store: Store, due: Due, answer: str, now: int) -> None:
    """Record a yes, of the message and of its way."""
    with store.write() as conn:
        _outcome(
            *(conn, due, "state = 'accepted', accepted_at = ?, answer = ?, last_error = ''"),
            [now, answer[:500]],
        )
        ways.took(conn, due.way, now)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed try leaves behind."""

    words: str
    next_due: int | None  # None: given up
    held: bool = False  # the receiver named that time
    refusals: int = 0
    revive: int = 0  # see ways


def failed(store: Store, due: Due, failure: Failure, signals: Sequence[Signal], now: int) -> None:
    """Record a failure, of the message and of its way, with what is told of it."""
    words = failure.words[:500]
    with store.write() as conn:
        if failure.next_due is None:
            change = "state = 'dead', last_error = ?, refusals = ?, revive = ?"
            _outcome(conn, due, change, [words, failure.refusals, failure.revive])
        else:
            change = "due = ?, held = ?, last_error = ?, refusals = ?"
            params = [failure.next_due, int(failure.held), words, failure.refusals]
            _outcome(conn, due, change, params)
        ways.refused(conn, due.way, now)
        incidents.note_signals(conn, signals, now)


def _outcome(conn: Connection, due: Due, change: str, params: Sequence[object]) -> None:
    conn.execute(
        f"UPDATE delivery SET claimed = NULL, {change} WHERE message = ? AND recipient = ?",
        [*params, due.message_id, due.recipient],
    )


def message(store: Reader, message_id: str) -> tuple[str, Rendered]:
    """The channel of a message and what was frozen for it."""
    row = store.read("SELECT channel, rendered FROM message WHERE id = ?", [message_id])[0]
    return row["channel"], to_rendered(row["rendered"])


def hurry(store: Store, now: int) -> None:
    """Try at once what waits for its next try by our own word, not by the receiver's."""
    waiting = "state = 'waiting' AND claimed IS NULL AND held = 0 AND due > ?"
    if store.read(f"SELECT 1 FROM delivery WHERE {waiting} LIMIT 1", [now]):
        with store.write() as conn:
            conn.execute(f"UPDATE delivery SET due = ? WHERE {waiting}", (now, now))


def late(store: Reader, now: int) -> int:
    """Seconds for which the oldest message has waited that could be tried; 0 if none."""
    rows = store.read(
        f"SELECT min(due) AS due FROM delivery WHERE state = 'waiting' AND channel NOT IN ({_OFF})"
    )
    return 0 if rows[0]["due"] is None else max(0, now - int(rows[0]["due"]))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for one recipient, as people look at it."""

    message: str
    channel: str
    recipient: str
    state: str  # waiting | accepted | dead | moved
    attempts: int
    due: int
    last_error: str
    created: int  # of the message
    subject: str  # of the message


def deliveries(store: Reader, state: str | None = None) -> list[Delivery]:
    """Deliveries, newest message first."""
    where, params = ("WHERE d.state = ?", [state]) if state else ("", [])
    rows = store.read(
        "SELECT d.message, d.channel, d.recipient, d.state, d.attempts, d.due, d.last_error, "
        "m.created, coalesce(json_extract(m.rendered, '$.subject'), '') AS subject "
        f"FROM delivery d JOIN message m ON m.id = d.message {where} "
        "ORDER BY m.created DESC, m.rowid DESC",
        params,
    )
    return [Delivery(*row) for row in rows]


def sent_of(store: Reader, name: str) -> list[str]:
    """The messages that this names: itself, or those that told the alert of this id."""
    for query in (
        "SELECT DISTINCT message FROM delivery WHERE message = ?",
        "SELECT DISTINCT d.message FROM route r JOIN delivery d ON d.message = r.message "
        "WHERE r.alert = ?",
    ):
        if rows := store.read(query, [name]):
            return [str(row["message"]) for row in rows]
    return []


def told_in(store: Reader) -> dict[tuple[str, str], str]:
    """In which message each alert was told to each channel: (alert, channel) -> message."""
    rows = store.read("SELECT alert, channel, message FROM route WHERE message NOT NULL")
    return {(row["alert"], row["channel"]): row["message"] for row in rows}


def carry_replay(conn: Connection, _actor: Actor, act: Replay) -> tuple[int, list[Part]]:
    """Send again, with the same id and bytes and a new plan of tries: to recipients that
    have not accepted it, or to all when all have."""
    found: dict[frozenset[str], list[str]] = {}
    for message in act.messages:
        found.setdefault(_cases(conn, message), []).append(message)
    count = sum(_replay_one(conn, message, act.at) for message in act.messages)
    return count, [Part("replayed", {"messages": ids}, mine) for mine, ids in found.items()]


def _cases(conn: Connection, message: str) -> frozenset[str]:
    """The cases that a message tells of."""
    rows = conn.execute(
        "SELECT DISTINCT e.case_id FROM route r JOIN alert a ON a.id = r.alert "
        "JOIN entry e ON e.id = a.entry WHERE r.message = ? AND e.case_id <> ''",
        (message,),
    )
    return frozenset(row["case_id"] for row in rows)


def _replay_one(conn: Connection, message_id: str, now: int) -> int:
    change = (
        "UPDATE delivery SET state = 'waiting', due = ?, held = 0, attempts = 0, refusals = 0, "
        "revive = 0 WHERE message = ? AND claimed IS NULL AND state <> 'moved'"
    )
    count = conn.execute(f"{change} AND state <> 'accepted'", (now, message_id)).rowcount
    return count or conn.execute(change, (now, message_id)).rowcount


def first_message_id(store: Reader, alert_id: str, channel: str) -> str | None:
    """The message in which a channel was first told of an alert, for threading."""
    rows = store.read(
        "SELECT r.message FROM route r JOIN message m ON m.id = r.message "
        "WHERE r.alert = ? AND r.channel = ? ORDER BY m.created, m.rowid LIMIT 1",
        [alert_id, channel],
    )
    return str(rows[0]["message"]) if rows else None
