"""Figures of the record: what is sent and open, how much is kept. Reads only."""

from __future__ import annotations

import json
from dataclasses import dataclass

from monitor.store.notes import get_note
from monitor.store.port import Reader

# What calls for a person: news that nobody has taken, but for summaries of a quiet history.
_OPEN = "a.state = 'open' AND a.lane = 'news' AND NOT (a.kind = 'history' AND a.severity = 'low')"
# What touches our own addresses is news of movements, whichever form it has.
_NO_NOTICE = "(a.kind <> 'notice' OR instr(a.facts, '\"ours\": ['))"


# -- messages ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """Deliveries of one channel that stand alike."""

    number: int = 0
    due: int | None = None  # Unix seconds: the first that is due
    attempts: int = 0  # of the one that was tried most


def sent(store: Reader) -> dict[tuple[str, str], Sent]:
    """By channel and state."""
    rows = store.read(
        "SELECT channel, state, count(*) AS n, min(due) AS due, max(attempts) AS attempts "
        "FROM delivery GROUP BY channel, state"
    )
    return {(r["channel"], r["state"]): Sent(r["n"], r["due"], r["attempts"]) for r in rows}


def given_up(store: Reader) -> int:
    """Deliveries that are tried no more."""
    return int(store.read("SELECT count(*) AS n FROM delivery WHERE state = 'dead'")[0]["n"])


def last_errors(store: Reader) -> dict[str, str]:
    """By channel: why the newest message that was not accepted was not."""
    rows = store.read(
        "SELECT d.channel, d.last_error, max(m.created) FROM delivery d JOIN message m "
        "ON m.id = d.message WHERE d.state <> 'accepted' AND d.last_error <> '' "
        "GROUP BY d.channel"
    )
    return {row["channel"]: row["last_error"] for row in rows}


def owed(store: Reader) -> dict[str, int]:
    """How many routes still wait to become a message, by form."""
    rows = store.read("SELECT form, count(*) AS n FROM route WHERE message IS NULL GROUP BY form")
    return {row["form"]: row["n"] for row in rows}


# -- alerts ------------------------------------------------------------------------------


def news_by_case(store: Reader, since: int, until: int) -> dict[str, int]:
    """How many alerts came in a time, later than `since`."""
    rows = store.read(
        "SELECT e.case_id, count(*) AS n FROM alert a JOIN entry e ON e.id = a.entry "
        "WHERE a.created > ? AND a.created <= ? AND a.lane = 'news' GROUP BY e.case_id",
        [since, until],
    )
    return {row["case_id"]: row["n"] for row in rows}


@dataclass(frozen=True, slots=True)
class Untaken:
    """An alert that nobody has acknowledged."""

    id: str
    severity: str
    created: int
    chain: str  # "" where it is about no entry
    case: str | None  # None: it is about no entry, and theirs who were told
    told: frozenset[str] = frozenset()  # channels that it is owed to


def untaken(store: Reader) -> list[Untaken]:
    """About entries, or what touches our own addresses; the oldest first."""
    rows = store.read(
        "SELECT a.id, a.severity, a.created, coalesce(a.chain, '') AS chain, e.case_id, "
        "(SELECT group_concat(r.channel, ' ') FROM route r WHERE r.alert = a.id) AS told "
        "FROM alert a LEFT JOIN entry e ON e.id = a.entry "
        f"WHERE {_OPEN} AND (a.entry IS NOT NULL OR {_NO_NOTICE}) ORDER BY a.created, a.rowid"
    )
    return [
        Untaken(
            *(row["id"], row["severity"], row["created"], row["chain"], row["case_id"]),
            frozenset((row["told"] or "").split()),
        )
        for row in rows
    ]


def untaken_since(store: Reader) -> tuple[int, int | None]:
    """How many alerts nobody has acknowledged, and when the oldest came. Notices do not count,
    but for what touches our own addresses."""
    row = store.read(
        "SELECT count(*) AS n, min(a.created) AS oldest FROM alert a "
        f"WHERE {_OPEN} AND {_NO_NOTICE}"
    )[0]
    return row["n"], row["oldest"]


# -- the record --------------------------------------------------------------------------


def rows_of(store: Reader, *tables: str) -> dict[str, int]:
    """How many rows these tables hold."""
    return {table: store.read(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


def size(store: Reader) -> int:
    """Bytes on disk."""
    files = [store.path, store.path.with_name(store.path.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def last_backup(store: Reader) -> int | None:
    """When the record was last backed up, as Unix seconds."""
    text = get_note(store, "backup")
    return int(json.loads(text)["at"]) if text else None
