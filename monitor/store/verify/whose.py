"""Which cases the rows of the log are about: a row that is taken from its case would be missing
when the case is handed out, and one that is given to another would be shown there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from monitor.model import entry_lines
from monitor.model.difference import Difference, Report
from monitor.store.port import Connection
from monitor.store.verify.chain import Told
from monitor.store.verify.expected import LATER, Expected

Cases = frozenset[str]
NOBODY: Cases = frozenset()
SETTLED = 600  # seconds after which what is listed is known to every decision that is logged
# Parts that are about no case.
_OF_NONE = frozenset(
    {"record", "table", "list", "incidents", "covered", "restored", "tested", "backed up"}
    | {"publication", "listing", "accepted", "person"}
)

_TOLD_BY = (
    "SELECT DISTINCT e.case_id FROM route r JOIN alert a ON a.id = r.alert "
    "JOIN entry e ON e.id = a.entry WHERE r.message = ?"
)


class Whose:
    """Held row by row, in the order of the log, before what the row says is carried out."""

    def __init__(self, conn: Connection, expected: Expected, report: Report) -> None:
        self._conn, self._expected, self._report = conn, expected, report
        self._rows = iter(conn.execute("SELECT seq, case_id FROM log_case ORDER BY seq"))
        self._next = next(self._rows, None)
        # A list is long and its addresses few; a cache that is full forgets.
        self._on = lru_cache(10_000)(self._entries_on)
        # What is about addresses: their keys.
        self._about: Mapping[str, Callable[[Told], Iterable[str]]] = {
            "rows": self._parties,
            "taken back": lambda told: {line[0] for line in told.body["coverage"]},
        }
        self._exact: Mapping[str, Callable[[Told], Cases]] = {
            "alerts": self._alerts,
            "baselines": lambda told: self._of(line[0] for line in told.body["baselines"]),
            "taken": self._taken,
            "entries": self._entries,
            **dict.fromkeys(("case", "followed", "unfollowed"), _named),
            **dict.fromkeys(("trace word", "trace facts", "trace state"), _named),
            **dict.fromkeys(("member", "remark", "proposal", "proposal ended"), _named),
            **dict.fromkeys(("passed on", "clock", "clock ended"), _named),
            **dict.fromkeys(("request", "request step", "handed out"), _named),
            "told": lambda told: self._of(map(self._expected.entry_of, told.body["alerts"])),
            "word": lambda told: self._of(told.body["entries"]),
            "replayed": self._replayed,
            "erase asked": lambda told: self._of_rows(told.body["numbers"]),
            "erased": lambda told: self._of_rows(row["number"] for row in told.body["rows"]),
        }

    def hold(self, told: Told) -> None:
        found = self._found(told.seq)
        if (parties := self._about.get(told.what)) is not None:
            self._hold_parties(told, parties(told), found)
        elif told.what in _OF_NONE:
            self._same(told, NOBODY, found)
        elif (exact := self._exact.get(told.what)) is not None:
            self._same(told, exact(told), found)

    def _found(self, seq: int) -> Cases:
        """The cases of this row, by the record."""
        found = set()
        while self._next is not None and self._next["seq"] <= seq:
            if self._next["seq"] == seq:
                found.add(self._next["case_id"])
            self._next = next(self._rows, None)
        return frozenset(found)

    def _same(self, told: Told, expected: Cases, found: Cases) -> None:
        if expected != found:
            where = f"log {told.seq}"
            self._report(Difference("case", where, _said(expected), _said(found)))

    def _hold_parties(self, told: Told, parties: Iterable[str], found: Cases) -> None:
        """At least the cases that had long listed a party, and none that never did."""
        must, may = set[str](), set[str]()
        for party in parties:
            for entry, case in self._on(party):
                may.add(case)
                if self._long_listed(entry, told.at):
                    must.add(self._expected.case_of(entry))
        if not (must - {""} <= found <= may):
            expected = must if must - found else found & may
            self._same(told, frozenset(expected - {""}), found)

    def _parties(self, told: Told) -> set[str]:
        """Keys of the addresses that a row of movements is about."""
        names = told.body["columns"]["new"]
        keys = set[str]()
        for line in told.body["new"]:
            new = dict(zip(names, line, strict=True))
            keys |= {f"{new['chain']}/{new[party]}" for party in ("sender", "recipient")}
        for line in (*told.body["changed"], *told.body["sighted"]):
            keys |= self._expected.parties(line[:3])
        return keys

    def _entries_on(self, key: str) -> list[tuple[str, str]]:
        """Entries and cases that ever listed or followed an address, in any of its spellings."""
        rows = self._conn.execute(
            f"{LATER} SELECT id, case_id FROM entry WHERE subject IN name "
            "UNION ALL SELECT '', case_id FROM followed WHERE subject IN name "
            # An entry of a published list may have been another case's.
            "UNION SELECT '', json_extract(v.terms, '$.case') FROM entry e "
            "JOIN entry_version v ON v.entry = e.id WHERE e.subject IN name AND CASE "
            "WHEN json_valid(v.terms) THEN json_extract(v.terms, '$.origin') END IS NOT NULL",
            (key,),
        )
        return [(row[0], row[1]) for row in rows]

    def _long_listed(self, entry: str, at: int) -> bool:
        known = self._expected.get("entry", [entry])
        if known is None or not known.fresh:
            return False  # what was there before the log may have been retired then
        since = max(known.now.get("added", at), self._expected.relisted.get(entry, 0))
        return known.now.get("retired", at) is None and since + SETTLED < at

    def _alerts(self, told: Told) -> Cases:
        place = told.body["columns"].index("entry")
        return self._of(line[place] for line in told.body["alerts"])

    def _taken(self, told: Told) -> Cases:
        return self._of(self._expected.entry_of(line[0]) for line in told.body["alerts"])

    def _entries(self, told: Told) -> Cases:
        lines = [*entry_lines.lines(told.body)]
        new = {now["case_id"] for *_, now in lines if "case_id" in now}  # or another than before
        return self._of(entry for entry, was, _ in lines if was is not None) | (new - {""})

    def _replayed(self, told: Told) -> Cases:
        """What a message tells of never changes."""
        found = set[str]()
        for message in told.body["messages"]:
            found |= {row[0] for row in self._conn.execute(_TOLD_BY, (message,))}
        return frozenset(found - {""})

    def _of_rows(self, numbers: Iterable[int]) -> Cases:
        """Rows that are erased by one part of an act are about the same cases; none, where they
        are not."""
        found = {self._expected.cases_of(number) for number in numbers}
        return found.pop() if len(found) == 1 else frozenset({"different cases"})

    def _of(self, entries: Iterable[str | None]) -> Cases:
        found = {self._expected.case_of(entry) for entry in set(entries) if entry}
        return frozenset(found - {""})


def _named(told: Told) -> Cases:
    return frozenset({str(told.body["case"])} - {""})


def _said(cases: Iterable[Any]) -> str:
    return f"about {', '.join(sorted(cases)) or 'no case'}"
