"""What the record holds of following money: what persons said, what sources said on the way, how
traces stood, and the rows that they are worked out from."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain as joined_up

from monitor.model import Alert, Row, Severity, Subject
from monitor.model.errors import StoreError
from monitor.model.trace import Anatomy, Profile, Say, Terms, Told, Trace, Word
from monitor.model.trace_json import from_lines, from_text
from monitor.model.traced import Traced, Turn
from monitor.store import trace_bodies
from monitor.store.port import Connection, Fields, Reader, Store
from monitor.store.rows import to_alert, to_row, to_watched

DAY = 86_400
# Of the rows of an address: what is in no block yet does not count, nor what did not happen.
STANDS = "status IN ('provisional', 'final', 'missing')"
FOLLOWING = (  # as the index has it
    "entry INDEXED BY entry_follow "
    "WHERE retired IS NULL AND list = '' AND instr(terms, '\"follow\": {') > 0"
)
_BROKEN = (ValueError, TypeError, LookupError, AssertionError, zlib.error)


# -- what was said and learned ----------------------------------------------------------------


def words(store: Reader, case: str) -> list[Word]:
    """What persons said in a case, oldest first, about addresses as they are written now."""
    later = {row["old"]: row["new"] for row in store.read("SELECT old, new FROM respelt")}
    rows = store.read("SELECT * FROM trace_word WHERE case_id = ? ORDER BY number", [case])
    return [
        Word(
            *(Say(row["say"]), _subject(row["subject"], later), row["value"]),
            *(row["name"], row["why"], row["at"]),
        )
        for row in rows
    ]


def _subject(key: str | None, later: Mapping[str, str]) -> Subject | None:
    if key is None:
        return None
    for _ in later:  # a spelling may have been replaced more than once
        if key not in later:
            break
        key = later[key]
    return Subject(*key.split("/", 1))


def profiles(store: Reader, subjects: Iterable[Subject]) -> dict[Subject, Profile]:
    """The newest of each, for whatever case it was asked."""
    rows = store.read_in(
        "SELECT body FROM trace_profile WHERE subject IN ({}) ORDER BY at, sha256",
        (subject.key for subject in subjects),
    )
    found = (from_text(Profile, row["body"]) for row in rows)
    return {profile.subject: profile for profile in found}


def anatomies(store: Reader, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Anatomy]:
    """The newest of each transaction, by chain and transaction."""
    wanted: dict[str, list[str]] = {}
    for chain, tx in keys:
        wanted.setdefault(chain, []).append(tx)
    sql = "SELECT body FROM trace_anatomy WHERE chain = ? AND tx IN ({}) ORDER BY at, sha256"
    rows = joined_up.from_iterable(
        store.read_in(sql, txs, [chain]) for chain, txs in wanted.items()
    )
    found = (from_text(Anatomy, row["body"]) for row in rows)
    return {(anatomy.chain, anatomy.tx): anatomy for anatomy in found}


def told(store: Reader) -> tuple[int, int]:
    """How many profiles and anatomies there are: other numbers mean that something was learned."""
    row = store.read(
        "SELECT (SELECT count(*) FROM trace_profile) AS profiles, "
        "(SELECT count(*) FROM trace_anatomy) AS anatomies"
    )[0]
    return row["profiles"], row["anatomies"]


# -- how it stood -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateLine:
    """One state of a trace, without its text."""

    number: int
    at: int
    sha256: str
    version: str  # of the program


def states(store: Reader, case: str) -> list[StateLine]:
    """All of them, oldest first."""
    rows = store.read(f"{_STATES} WHERE case_id = ? ORDER BY number", [case])
    return [StateLine(*row) for row in rows]


_STATES = "SELECT number, at, sha256, version FROM trace_state"


def newest(store: Reader, case: str) -> Told | None:
    """How the trace stands; None where it was never worked out, or the text was erased. Raises
    StoreError where it cannot be read."""
    return _told(store, "case_id = ?", [case])


def numbered(store: Reader, case: str, number: int) -> Told | None:
    """One state; as `newest`."""
    return _told(store, "case_id = ? AND number = ?", [case, number])


# Alerts about followed money that show the whole way.
PICTURED = (Turn.HISTORY, Turn.REACHED, Turn.MOVED, Turn.QUESTION)


def pictured(store: Reader, alert: Alert) -> Trace | None:
    """The state of the trace that an alert is about; None where it is shown no picture."""
    facts = alert.facts
    if not isinstance(facts, Traced) or facts.turn not in PICTURED:
        return None
    if alert.severity is Severity.LOW:  # a line in the daily mail, of which there may be many
        return None
    told = numbered(store, facts.case, facts.state)
    return told.trace if told else None


def as_of(store: Reader, case: str, at: int) -> Told | None:
    """The newest state that was taken up to a time; as `newest`."""
    return _told(store, "case_id = ? AND at <= ?", [case, at])


def text(store: Reader, case: str, number: int) -> list[str] | None:
    """The lines of a state, as its digest is of them; None where they were erased. Raises
    LookupError where there is no such state."""
    with store.look() as conn:
        return trace_bodies.read(conn, case, number)


def _told(store: Reader, where: str, params: list[object]) -> Told | None:
    with store.look() as conn:
        row = conn.execute(
            f"SELECT case_id, number, at, sha256 FROM trace_state WHERE {where} "
            "ORDER BY number DESC LIMIT 1",
            params,
        ).fetchone()
        return None if row is None else _read(store, conn, row)


def _read(store: Reader, conn: Connection, row: Fields) -> Told | None:
    case, number, at, sha256 = row
    try:
        lines = trace_bodies.read(conn, case, number)
        if lines is None:
            return None
        if trace_bodies.digest(lines) == sha256:
            return Told(number, at, sha256, from_lines(lines))
        why = "its digest is another one"
    except _BROKEN as error:
        why = str(error)
    raise StoreError(
        f"{store.path}: state {number} of the trace of case {case} cannot be read ({why}). "
        "`fundwatch verify` says what differs"
    )


# -- which cases follow -------------------------------------------------------------------------


def cases(store: Reader) -> list[str]:
    """Those that follow or ever had a trace."""
    rows = store.read(
        f"SELECT case_id FROM {FOLLOWING} UNION SELECT case_id FROM trace_state ORDER BY case_id"
    )
    return [row["case_id"] for row in rows if row["case_id"]]


def following(store: Reader) -> dict[str, Terms]:
    """The cases that follow, by name, with what their first entry that asks for it says."""
    rows = store.read(f"SELECT * FROM {FOLLOWING} ORDER BY case_id, added, rowid")
    found: dict[str, Terms] = {}
    for entry in (to_watched(row).entry for row in rows):
        if entry.case and entry.follow is not None:
            found.setdefault(entry.case, entry.follow)
    return found


def follows_since(store: Reader, case: str) -> int | None:
    """When an entry of the case first asked for following; None: none ever did."""
    rows = store.read(
        # No min(): of a view SQLite would read everything for it.
        "SELECT at FROM entry_version WHERE entry IN "
        "(SELECT id FROM entry WHERE case_id = ? AND case_id <> '' AND +list = '') "
        "AND instr(terms, '\"follow\": {') > 0 ORDER BY at LIMIT 1",
        [case],
    )
    return int(rows[0]["at"]) if rows else None


def told_of(store: Reader, case: str) -> list[Alert]:
    """The alerts about a case's trace, oldest first."""
    rows = store.read(
        "SELECT a.* FROM alert a JOIN entry e ON e.id = a.entry WHERE e.case_id = ? "
        "AND a.kind IN ('traced', 'reached', 'trace_question') ORDER BY a.created, a.rowid",
        [case],
    )
    return [to_alert(row) for row in rows]


# -- calls --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Used:
    """Calls of sources."""

    finding: int  # for finding addresses, since a person's last yes
    watching: int  # for watching where value rests, on this day


def use(
    store: Store, case: str, now: int, since: int, *, finding: int = 0, watching: int = 0
) -> None:
    """Count calls. `since`: when a person last said yes to more of them, 0: nobody did."""
    with store.write() as conn:
        conn.execute(
            "INSERT INTO trace_use (case_id, since, day, finding, watching) VALUES (?,?,?,?,?) "
            "ON CONFLICT (case_id, since, day) DO UPDATE SET "
            "finding = finding + excluded.finding, watching = watching + excluded.watching",
            (case, since, now // DAY, finding, watching),
        )


def used(store: Reader, case: str, now: int, since: int) -> Used:
    """What a case has used since that yes, and on the day of `now`."""
    rows = store.read(
        "SELECT coalesce(sum(finding) FILTER (WHERE since >= ?1), 0) AS finding, "
        "coalesce(sum(watching) FILTER (WHERE day = ?2), 0) AS watching "
        "FROM trace_use WHERE case_id = ?3",
        [since, now // DAY, case],
    )
    return Used(rows[0]["finding"], rows[0]["watching"])


# -- the rows that stand ------------------------------------------------------------------------


def versions(store: Reader, subjects: Collection[Subject]) -> dict[Subject, int]:
    """What grows with every row that an address gets and with every change of one: whose is the
    same as before has the same rows. 0: it has none."""
    with store.look() as conn:
        return {subject: _version(conn, subject) for subject in subjects}


def _version(conn: Connection, subject: Subject) -> int:
    row = conn.execute(
        "SELECT (SELECT coalesce(sum(version), 0) FROM transfer WHERE chain = ?1 AND sender = ?2) "
        "+ (SELECT coalesce(sum(version), 0) FROM transfer WHERE chain = ?1 AND recipient = ?2)",
        (subject.chain, subject.address),
    ).fetchone()
    return int(row[0])


def standing_rows(store: Reader, subject: Subject) -> list[Row]:
    """The rows of an address that count; of a transaction with inputs and outputs all of them."""
    where = [subject.chain, subject.address]
    rows = store.read(
        f"SELECT * FROM transfer WHERE chain = ?1 AND sender = ?2 AND {STANDS} UNION ALL "
        f"SELECT * FROM transfer WHERE chain = ?1 AND recipient = ?2 AND sender IS NOT ?2 "
        f"AND {STANDS} ORDER BY id",
        where,
    )
    found = {row["id"]: to_row(row) for row in rows}
    whole = {row.transfer.tx for row in found.values() if row.transfer.kind.utxo}
    legs = store.read_in(
        f"SELECT * FROM transfer WHERE chain = ? AND {STANDS} AND tx IN ({{}})", whole, where[:1]
    )
    found |= {row["id"]: to_row(row) for row in legs}
    return [found[number] for number in sorted(found)]
