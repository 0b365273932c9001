"""The tables of the record that the log accounts for, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from monitor.model.difference import Difference, Report
from monitor.store.log import canonical
from monitor.store.port import Connection
from monitor.store.rows import ALERT_COLUMNS, TRANSFER_COLUMNS
from monitor.store.verify.expected import Expected, Key, Known, Values, differing, place, shown

PART = 500  # rows that are marked at once


@dataclass(frozen=True, slots=True)
class Kept:
    """A table, by what people know its rows by: `key`, then the other columns, `rows` finds
    them in that order."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: str
    of: tuple[str, int] | None = None  # the table that it belongs to, and how far its key is that
    schema: int = 0  # the first that has it, where that is not the first with a log
    until: int | None = None  # the first schema that has it in another form

    def stands_in(self, schema: int) -> bool:
        return self.schema <= schema and (self.until is None or schema < self.until)

    def values(self, row: Any) -> Values:  # noqa: ANN401 - Fields
        return dict(zip(self.columns, [*row][len(self.key) :], strict=True))


def _plain(name: str, key: str, columns: str, schema: int = 0, until: int | None = None) -> Kept:
    names = ", ".join(filter(None, (key, columns)))
    listed = tuple(columns.split(", ")) if columns else ()
    rows = f"SELECT {names} FROM {name}"
    return Kept(name, tuple(key.split(", ")), listed, rows, schema=schema, until=until)


IDENTITY = "chain, tx, leg"
_LATER = "status, version, late, absences, first_seen, reason"
# A row that hangs on none is found too: under the internal number that it names.
_OF_TRANSFER = "coalesce(t.chain, '?'), coalesce(t.tx, '?'), coalesce(t.leg, x.transfer)"

TRANSFER = _plain(
    "transfer", IDENTITY, TRANSFER_COLUMNS.removeprefix(f"{IDENTITY}, ") + f", {_LATER}"
)
SIGHTING = Kept(
    "sighting",
    ("chain", "tx", "leg", "source", "block"),
    ("at", "sha256"),
    f"SELECT {_OF_TRANSFER}, x.source, x.block, x.at, x.sha256 FROM sighting x "
    "LEFT JOIN transfer t ON t.id = x.transfer",
    ("transfer", 3),
)
DESK = 11  # the first schema with the desk
_TOLD = f"{ALERT_COLUMNS.removeprefix('id, ')}, state"
ALERT_BEFORE = _plain("alert", "id", _TOLD, until=DESK)
ALERT = _plain("alert", "id", f"{_TOLD}, holder, holder_door, outcome, closed", DESK)
ALERT_ROW = Kept(
    "alert_transfer",
    ("alert", "chain", "tx", "leg"),
    (),
    f"SELECT x.alert, {_OF_TRANSFER} FROM alert_transfer x "
    "LEFT JOIN transfer t ON t.id = x.transfer",
    ("alert", 1),
)
_SAID = "alert, at, state, name, note"
ALERT_LOG_BEFORE = _plain("alert_log", "id", _SAID, until=DESK)
ALERT_LOG = _plain("alert_log", "id", f"{_SAID}, door, holder", DESK)
PERSON = _plain("person", "name", "role, reports, added, enrolled, disabled", DESK)
MEMBER = _plain("member", "case_id, person, since", "until", DESK)
REMARK = _plain("remark", "id", "at, case_id, alert, name, door, text, corrects", DESK)
_PROPOSED = "at, kind, case_id, args, text, digest, why, name, door, eyes"
_ENDED = "state, ended, ended_by, said"
PROPOSAL = _plain("proposal", "id", f"{_PROPOSED}, {_ENDED}, escalated", DESK)
PROPOSAL_ALERT = _plain("proposal_alert", "proposal, alert", "", DESK)
_STARTED = "case_id, rule, terms, started, due, name, door, why"
CLOCK = _plain("clock", "id", f"{_STARTED}, {_ENDED}, told", DESK)
REQUESTS = 13  # the first schema with requests
_ASKED = "at, case_id, chain, address, contract, role, recipient, named_by"
_DRAFTED = "trace_number, trace_sha256, figures, text, digest, name, door"
REQUEST = _plain("request", "id", f"{_ASKED}, {_DRAFTED}", REQUESTS)
_STEP = "request, case_id, number, at, happened, stage, reference, text, corrects, name, door"
REQUEST_STEP = _plain("request_step", "id", _STEP, REQUESTS)
ENTRY = _plain(
    "entry",
    "id",
    "subject, case_id, terms, added, retired, absent, "
    "base_height, base_time, base_head_time, history",
)
ENTRY_VERSION = _plain("entry_version", "entry, at, terms", "list_sha256")
LIST_VERSION = _plain("list_version", "sha256, at", "outcome")
CASE = _plain("case_state", "case_id", "closed, held")
FOLLOWED = _plain("followed", "subject, case_id", "why, since, until, every, calls")
LISTS = 7  # the first schema with lists that others publish
_TAKEN = "sha256, published, fetched, bytes, rows, refused, kind, remarks, taken"
PUBLICATION = _plain("publication", "list, nr", _TAKEN, LISTS)
LIST_WORD = _plain("list_word", "list, number", "target, key, value, nr, at, name, why", LISTS)
ERASED_WORD = _plain("erased_word", "list, number", "seq", LISTS)
TRACES = 9  # the first schema with traces
NUMBERED = 10  # of which versions of entries have numbers
TRACE_WORD = _plain("trace_word", "case_id, number", "at, say, subject, value, name, why", TRACES)
TRACE_PROFILE = _plain("trace_profile", "case_id, subject, at, sha256", "", TRACES)
TRACE_ANATOMY = _plain("trace_anatomy", "case_id, chain, tx, at, sha256", "", TRACES)
TRACE_STATE = _plain("trace_state", "case_id, number", "at, version, sha256", TRACES)
ERASED_TRACE = _plain("erased_trace", "case_id, what, number", "seq", TRACES)
ERASED_LINE = _plain("erased_line", "line", "seq")
ERASED_SAID = _plain("erased_said", "what, id, seq", "", 12)
RESPELT = _plain("respelt", "old, new", "seq")
# What answers the log names; of those that prove silence it holds digests by the day.
ANSWER = Kept(
    "answer",
    ("sha256", "body_sha256"),
    (),
    "SELECT DISTINCT sha256, body_sha256 FROM answer WHERE why <> 'silence'",
)
KEPT = (
    *(TRANSFER, SIGHTING, ALERT_BEFORE, ALERT, ALERT_ROW, ALERT_LOG_BEFORE, ALERT_LOG),
    *(ENTRY, ENTRY_VERSION, LIST_VERSION, CASE, FOLLOWED),
    *(PUBLICATION, LIST_WORD, ERASED_WORD),
    *(TRACE_WORD, TRACE_PROFILE, TRACE_ANATOMY, TRACE_STATE, ERASED_TRACE),
    *(PERSON, MEMBER, REMARK, PROPOSAL, PROPOSAL_ALERT, CLOCK, REQUEST, REQUEST_STEP),
    *(ERASED_LINE, ERASED_SAID, RESPELT, ANSWER),
)


def compare(conn: Connection, kept: Kept, expected: Expected, report: Report) -> int:
    """Hold every row of a table against what the log makes of it, both ways; returns how many
    there are."""
    count = 0
    rows = iter(conn.execute(kept.rows))
    while part := list(islice(rows, PART)):
        seen = []
        for row in part:
            key = [*row][: len(kept.key)]
            known = expected.get(kept.name, key)
            for difference in _differences(kept, key, kept.values(row), known, expected):
                report(difference)
            seen.append(canonical(key))
        count += len(part)
        expected.see(kept.name, seen)
    for key, seq in expected.unseen(kept.name):
        report(Difference("record", place(kept.name, key), f"a row, by log {seq}", "none"))
    return count


def versions(conn: Connection, schema: int, report: Report) -> None:
    """No version of an entry stands there twice, and those of one time are numbered: their key does
    not hold what they say."""
    if schema < NUMBERED:
        return
    double = (
        "SELECT entry, at, terms, 'one row', count(*) || ' rows' FROM entry_version "
        "GROUP BY entry, at, terms HAVING count(*) > 1"
    )
    odd = (
        "SELECT entry, at, terms, 'number ' || due, 'number ' || nr FROM (SELECT *, row_number() "
        "OVER (PARTITION BY entry, at ORDER BY nr) AS due FROM entry_version) WHERE nr <> due"
    )
    for *key, wanted, there in conn.execute(f"{double} UNION ALL {odd}"):
        report(Difference("record", place(ENTRY_VERSION.name, key), wanted, there))


def _differences(
    kept: Kept, key: Key, found: Values, known: Known | None, expected: Expected
) -> Iterator[Difference]:
    if known is None:
        if _is_new(kept, key, expected):
            where = place(kept.name, key)
            yield Difference("record", where, "no such row: no act brought it", "a row")
    elif not known.guess:
        now = {name: value for name, value in known.now.items() if name in found}
        for name, value, there in differing(now, found):
            where = f"{place(kept.name, key)}: {name}"
            yield Difference("record", where, f"{shown(value)} (log {known.seq})", shown(there))


def _is_new(kept: Kept, key: Key, expected: Expected) -> bool:
    """Whether no row without an act can be here: what was there before the log has digests."""
    if not expected.old or "?" in key:
        return True
    if kept.of is None:
        return kept.name not in expected.begun
    name, length = kept.of
    owner = expected.get(name, key[:length])
    return owner is not None and owner.fresh
