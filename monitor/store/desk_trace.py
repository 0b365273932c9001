"""Following money as pages of the desk show it, as one person may see it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from monitor.model import Subject
from monitor.model.acts import ActorKind, TakeList
from monitor.model.desk import Sight
from monitor.model.errors import StoreError
from monitor.model.trace import State, Told, Trace
from monitor.store import desk_journal, logbook, trace
from monitor.store.port import Fields, Reader
from monitor.store.remembered import Remembered
from monitor.store.rows import to_watched
from monitor.store.sight import of_case
from monitor.store.trace import FOLLOWING

_NO_CANARY = "instr(terms, '\"canary\": ') = 0"


@dataclass(frozen=True, slots=True)
class Followed:
    """That the money of a case is followed."""

    case: str
    since: str  # what was paid from here on: "first" (each address's own), a day or a block
    at: int  # when that began to be so, Unix seconds
    by: str  # who switched it on; empty: who changed the file is not known
    claimed: bool  # that name was typed, and nobody signed in with it
    newest: str  # the newest alert about it, of several the gravest; empty: there is none


@dataclass(frozen=True, slots=True)
class Standing:
    """How an address stands in the trace of a case."""

    case: str
    state: State
    reason: str = ""  # why the trace ends there, one of model.trace.REASONS
    detail: str = ""  # the same in a sentence
    lead: bool = False  # by a guess alone


def followed(store: Reader, sight: Sight, case: str) -> Followed | None:
    """None: it is not followed, or may not be seen."""
    seen, params = of_case(sight)
    rows = store.read(
        f"SELECT * FROM {FOLLOWING} AND case_id = ? AND {seen} ORDER BY added, rowid LIMIT 1",
        [case, *params],
    )
    terms = to_watched(rows[0]).entry.follow if rows else None
    if terms is None:
        return None
    at = _began(store, case)
    by, claimed = _by(store, case, at)
    return Followed(case, terms.since, at, by, claimed, _newest(store, case))


def can_be_followed(store: Reader, sight: Sight, case: str) -> bool:
    """Whether somebody wrote an address of the case into the watchlist that is watched now."""
    seen, params = of_case(sight)
    rows = store.read(
        "SELECT 1 FROM entry WHERE case_id = ? AND case_id <> '' AND list = '' "
        f"AND retired IS NULL AND {_NO_CANARY} AND {seen} LIMIT 1",
        [case, *params],
    )
    return bool(rows)


def _began(store: Reader, case: str) -> int:
    """Since when it is followed without a break. Canaries never are."""
    rows = store.read(
        # By nothing else than its time: of a view SQLite would read everything for it.
        "SELECT at, instr(terms, '\"follow\": {') > 0 AS follows FROM entry_version "
        "WHERE entry IN (SELECT id FROM entry WHERE case_id = ? AND case_id <> '' "
        f"AND +list = '') AND {_NO_CANARY} ORDER BY at DESC",
        [case],
    )
    began = 0
    for at, some in groupby(rows, key=lambda row: int(row["at"])):
        if not any(row["follows"] for row in some):
            break
        began = at
    return began


def _by(store: Reader, case: str, at: int) -> tuple[str, bool]:
    """Who took the list of that moment, by the log; and whether that name was only typed."""
    top = int(store.read("SELECT coalesce(max(seq), 0) FROM log")[0][0])
    span = [desk_journal.first_from(store, each, top) for each in (at, at + 1)]
    rows = store.read(
        "SELECT seq FROM log_case WHERE case_id = ? AND seq >= ? AND seq < ?", [case, *span]
    )
    for told in logbook.numbered(store, (row["seq"] for row in rows)).values():
        body = told.told or {}
        if body.get("act") == TakeList.kind and body.get("what") == "entries":
            kind, name = str(body["actor"]["kind"]), str(body["actor"]["name"])
            named = kind != ActorKind.DAEMON
            return (name if named else ""), named and kind != ActorKind.PERSON
    return "", False


def _newest(store: Reader, case: str) -> str:
    rows = store.read(
        "SELECT a.id FROM entry e CROSS JOIN alert a INDEXED BY alert_of_entry ON a.entry = e.id "
        "WHERE e.case_id = ? AND e.case_id <> '' "
        "AND a.kind IN ('traced', 'reached', 'trace_question') "
        "ORDER BY a.created DESC, a.severity <> 'severe', a.severity <> 'high', "
        "a.rowid DESC LIMIT 1",
        [case],
    )
    return str(rows[0]["id"]) if rows else ""


# -- the trace itself ----------------------------------------------------------------------------


class Missing(StrEnum):
    """Why there is no trace to show."""

    NONE = "none"  # it was never worked out, or may not be seen
    LATER = "later"  # the first state is of a later time
    ERASED = "erased"
    DAMAGED = "damaged"  # `fundwatch verify` tells of it


@dataclass(frozen=True, slots=True)
class Stood:
    """How a trace stood. `missing` None: `told` is there."""

    told: Told | None
    missing: Missing | None
    number: int = 0  # of the state, also of one that cannot be shown; 0: there is none
    at: int = 0  # when it was taken, Unix seconds; with LATER: when the first one was
    newest: int = 0  # number of the newest state


# By case, number and digest: traces never change. In packed bytes, of which one takes some forty in
# memory: pages over all cases read thirty of 300 addresses.
_traces: Remembered[tuple[str, int, str], Told] = Remembered(2_500_000)
_standing: Remembered[tuple[str, int, str], Mapping[str, Standing]] = Remembered(64)


def told(store: Reader, sight: Sight, case: str, at: int | None = None) -> Told | None:
    """The trace of a case as it stands, or stood at a time (Unix seconds); None: there is none, or
    it may not be seen, or cannot be read, see `stood`."""
    return stood(store, sight, case, at).told


def stood(
    store: Reader, sight: Sight, case: str, at: int | None = None, number: int | None = None
) -> Stood:
    """As `told`, and why not. `number`: that state and no other."""
    seen, params = of_case(sight)
    where = f"case_id = ? AND case_id <> '' AND {seen}"
    newest = _line(store, where, [case, *params])
    row = newest
    if number is not None:
        row = _line(store, f"{where} AND number = ?", [case, *params, number])
    elif at is not None:
        row = _line(store, f"{where} AND at <= ?", [case, *params, at])
    if newest is None:
        return Stood(None, Missing.NONE)
    last = int(newest["number"])
    if row is None and at is not None and number is None:
        first = store.read("SELECT min(at) FROM trace_state WHERE case_id = ?", [case])
        return Stood(None, Missing.LATER, 0, int(first[0][0]), last)
    if row is None:
        return Stood(None, Missing.NONE, newest=last)
    found = _read(store, case, row)
    return Stood(
        *(found if isinstance(found, Told) else None, None if isinstance(found, Told) else found),
        *(int(row["number"]), int(row["at"]), last),
    )


def _line(store: Reader, where: str, params: list[object]) -> Fields | None:
    rows = store.read(
        "SELECT number, at, sha256, length(body) AS size FROM trace_state "
        f"WHERE {where} ORDER BY number DESC LIMIT 1",
        params,
    )
    return rows[0] if rows else None


def _read(store: Reader, case: str, row: Fields) -> Told | Missing:
    """What was erased is not remembered either."""
    if not row["size"]:
        return Missing.ERASED
    key = case, int(row["number"]), str(row["sha256"])
    if (known := _traces.get(key)) is not None:
        return known
    try:
        found = trace.numbered(store, case, row["number"])
    except StoreError:
        return Missing.DAMAGED
    return _traces.keep(key, found, int(row["size"])) if found else Missing.ERASED


# -- where an address stands ---------------------------------------------------------------------


def standings(store: Reader, sight: Sight, subject: Subject) -> list[Standing]:
    """In the traces of cases that are followed and may be seen."""
    seen, params = of_case(sight)
    cases = store.read(
        f"SELECT DISTINCT case_id FROM {FOLLOWING} AND case_id <> '' AND {seen} ORDER BY case_id",
        params,
    )
    found = (standing_in(store, row["case_id"]).get(subject.key) for row in cases)
    return [each for each in found if each is not None and each.state is not State.SOURCE]


def standing_in(store: Reader, case: str) -> Mapping[str, Standing]:
    """Every address of the trace of a case as it stands, by its key: for who may see it. One whose
    text was erased, or is damaged, says nothing here: `fundwatch verify` tells of it."""
    row = _line(store, "case_id = ?", [case])
    if row is None or not row["size"]:
        return {}
    key = case, int(row["number"]), str(row["sha256"])
    if (known := _standing.get(key)) is not None:
        return known
    found = _read(store, case, row)
    return _standing.keep(key, _standings(found.trace)) if isinstance(found, Told) else {}


def _standings(told: Trace) -> Mapping[str, Standing]:
    """Where value may have gone on by a guess alone, a person's yes is waited for."""
    leads = {each.subject for each in told.leads}
    guessed = {s.key: Standing(told.case, State.WAITING, lead=True) for s in leads}
    return guessed | {
        node.subject.key: Standing(
            *(told.case, node.state),
            reason=node.stop.reason if node.stop else "",
            detail=node.stop.detail if node.stop else "",
            lead=node.subject in leads,
        )
        for node in told.nodes
    }
