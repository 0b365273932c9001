"""What is owed to whom: alerts that wait for a channel, for the next one, or for anybody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from monitor.model import Severity
from monitor.model.plan import Route, Signal
from monitor.model.ways import NOBODY, Unacknowledged
from monitor.store import incidents
from monitor.store.port import Connection, Reader, Store

_MOST = 500  # alerts that nobody could be told, looked at in one go


@dataclass(frozen=True, slots=True)
class Unsent:
    """One alert that one channel has not been told yet."""

    channel: str
    case: str  # "" for notices
    entry: str  # id; "" for notices
    alert: str
    form: str  # see Owed
    urgent: bool  # severe or high
    incoming: bool  # a movement to the entry
    sending: bool  # a notice about sending: it goes its own ways
    created: int

    @property
    def place(self) -> tuple[str, str, str]:
        return (self.channel, self.case, self.entry)


@dataclass(frozen=True, slots=True)
class Owed:
    """Alerts of one case that one channel has not been told yet, oldest first."""

    channel: str
    case: str
    form: str  # alone | prompt | group | history | daily | escalated | crowd | dust
    urgent: bool  # not to be held back by quiet hours
    alerts: tuple[str, ...]


def unsent(store: Reader, *, daily: bool = False) -> list[Unsent]:
    """Routes without a message, but for those to nobody; oldest alert first. `daily`: those
    that wait for the daily message, which may be many, instead of the others."""
    rows = store.read(
        "SELECT r.channel, coalesce(e.case_id, '') AS case_id, coalesce(a.entry, '') AS entry, "
        "r.alert, r.form, a.severity, a.direction, a.kind, a.created, "
        "a.kind = 'notice' AND instr(a.facts, '\"channel:') AS sending FROM route r "
        "JOIN alert a ON a.id = r.alert LEFT JOIN entry e ON e.id = a.entry "
        "WHERE r.message IS NULL AND r.channel <> ? AND (r.form = 'daily') = ? "
        "ORDER BY a.created, a.rowid",
        [NOBODY, daily],
    )
    return [
        Unsent(
            *(row["channel"], row["case_id"], row["entry"], row["alert"], row["form"]),
            urgent=Severity(row["severity"]).urgent,
            incoming=row["direction"] == "in" and row["kind"] in ("movement", "late"),
            sending=bool(row["sending"]),
            created=row["created"],
        )
        for row in rows
    ]


def newest(store: Reader) -> int:
    """The number of the newest alert: a cheap way to see that there are others."""
    return int(store.read("SELECT coalesce(max(rowid), 0) AS nr FROM alert")[0]["nr"])


def gather(unsent: Iterable[Unsent], apart: Collection[str] = ()) -> list[Owed]:
    """By channel, form and case; for the channels named in `apart` what can wait is apart from
    what is urgent."""
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    for each in unsent:
        urgent = each.urgent or each.channel not in apart
        key = (each.channel, each.case, each.form, urgent)
        found.setdefault(key, []).append(each.alert)
    return [Owed(*key, tuple(alerts)) for key, alerts in found.items()]


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told of one entry lately."""

    single: int  # messages about few of its alerts
    crowd: int  # when the newest one about many was made; 0: none
    dust: int  # the same for payments worth next to nothing


def told_of(store: Reader, channel: str, case: str, entry: str, since: int, now: int) -> Told:
    """In (since, now]: what a clock that ran ahead has dated into the future does not count."""
    row = store.read(
        "SELECT count(DISTINCT iif(m.form IN ('crowd', 'dust'), NULL, m.id)) AS single, "
        "max(iif(m.form = 'crowd', m.created, 0)) AS crowd, "
        "max(iif(m.form = 'dust', m.created, 0)) AS dust FROM message m "
        "JOIN route r ON r.message = m.id JOIN alert a ON a.id = r.alert "
        "WHERE m.channel = ? AND m.case_id = ? AND m.created > ? AND m.created <= ? "
        "AND coalesce(a.entry, '') = ?",
        [channel, case, since, now, entry],
    )[0]
    return Told(row["single"], row["crowd"] or 0, row["dust"] or 0)


def is_read_now(store: Reader, entry: str) -> bool:
    """Whether the address of an entry is being read: more alerts may come of it."""
    rows = store.read(
        "SELECT 1 FROM entry e JOIN scope own ON own.key = e.subject "
        "JOIN scope s ON s.key IN (own.key, own.chain || '/*') WHERE e.id = ? "
        "AND s.in_flight IS NOT NULL",
        [entry],
    )
    return bool(rows)


def mark_dust(store: Store, alerts: Collection[str], channels: Collection[str]) -> None:
    """From now on these are told together with their like."""
    if alerts:
        with store.write() as conn:
            conn.executemany(
                "UPDATE route SET form = 'dust' WHERE alert = ? AND channel = ? "
                "AND message IS NULL AND form IN ('alone', 'prompt', 'group')",
                [(alert, channel) for alert in alerts for channel in channels],
            )


def unacknowledged(store: Reader, since: int) -> list[Unacknowledged]:
    """What may have to be passed on, oldest first: only what is severe or high, is about
    movements, was made after `since` and does not wait for a channel as it is."""
    return [
        Unacknowledged(
            row["id"], row["created"], tuple((row["passed_to"] or "").split()), row["passed"]
        )
        for row in store.read(
            "SELECT a.id, a.created, group_concat(r.channel, ' ') AS passed_to, "
            "max(m.created) AS passed FROM alert a "
            "LEFT JOIN route r ON r.alert = a.id AND r.form = 'escalated' "
            "LEFT JOIN message m ON m.id = r.message WHERE a.state = 'open' AND a.lane = 'news' "
            "AND a.severity IN ('severe', 'high') AND a.created >= ? "
            "AND (a.kind <> 'notice' OR instr(a.facts, '\"ours\": [')) "
            "GROUP BY a.id HAVING NOT sum(r.channel IS NOT NULL AND r.message IS NULL) "
            "ORDER BY a.created, a.rowid",
            [since],
        )
    ]


def pass_on(store: Store, owed: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Owe alerts to further channels, (alert, channel) each, but for those that somebody has
    taken in hand meanwhile. Returns what is owed now."""
    if not owed:
        return []
    passed = (
        "INSERT INTO route (alert, channel, form) "
        "SELECT id, ?2, 'escalated' FROM alert WHERE id = ?1 AND state = 'open'"
    )
    with store.write() as conn:
        return [each for each in owed if conn.execute(passed, each).rowcount]


def gone(store: Reader, known: Collection[str]) -> dict[str, list[str]]:
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
        incidents.note_signals(conn, signals, now)


def _owe(conn: Connection, routes: Sequence[Route]) -> None:
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


def owed_to_nobody(store: Reader) -> list[str]:
    """Alerts that nobody could be told so far, oldest first."""
    rows = store.read(
        "SELECT a.id FROM route r JOIN alert a ON a.id = r.alert WHERE r.channel = ? "
        "AND r.message IS NULL ORDER BY a.created, a.rowid LIMIT ?",
        [NOBODY, _MOST],
    )
    return [row["id"] for row in rows]


def count_untold(store: Reader) -> int:
    """How many alerts nobody could be told so far, and nobody has seen to."""
    query = (
        "SELECT count(*) AS n FROM route r JOIN alert a ON a.id = r.alert "
        "WHERE r.channel = ? AND r.message IS NULL AND a.state = 'open'"
    )
    return int(store.read(query, [NOBODY])[0]["n"])


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
