"""What the record must hold according to the log, worked out act by act.

Stands in temporary tables of the connection that looks at the record: it may be larger than
memory. A row that was there before the log began is known as far as acts named it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.model.acts import Body
from monitor.model.difference import Difference, Report
from monitor.store.log import canonical
from monitor.store.port import Connection, Fields, Params

Values = dict[str, Any]
Key = Sequence[Any]
CACHE_KIB = 64_000
UNKNOWN = "?"  # among what was before the log: not all of it is known any more

_TABLE = """
CREATE TEMP TABLE expected (
  kept TEXT NOT NULL,                -- a table of the record
  key TEXT NOT NULL,                 -- JSON list of the values of its key
  now TEXT NOT NULL,                 -- JSON of what is known of the row
  was TEXT NOT NULL,                 -- JSON of what was before the log, where acts changed it
  fresh INTEGER NOT NULL,            -- 1: it came with the log, and was not there before
  guess INTEGER NOT NULL,            -- 1: unless it was there before, and looked otherwise
  bumps INTEGER NOT NULL DEFAULT 0,  -- how often its version grew, where it is not known
  seq INTEGER NOT NULL,              -- the row of the log that touched it last
  seen INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kept, key)
) WITHOUT ROWID
"""


# What a key is called by now.
LATER = "WITH RECURSIVE name (id) AS (SELECT ? UNION SELECT new FROM respelt JOIN name ON old = id)"


@dataclass(slots=True)
class Known:
    """What the log says of one row of the record."""

    now: Values
    was: Values = field(default_factory=dict)
    fresh: bool = False
    guess: bool = False
    bumps: int = 0
    seq: int = 0


class Expected:
    """The record by the log. Contradictions between acts are reported."""

    def __init__(self, conn: Connection, report: Report) -> None:
        self._conn, self.report = conn, report
        # What the log begins with: digests of what was there before, by table.
        self.begun: dict[str, Body] = {}
        # Digests of kept answers, by row of the log: see store/answers.pin.
        self.pinned: dict[int, list[Any]] = {}
        self.relisted: dict[str, int] = {}  # entries that were retired, and when they came back
        # Rows of published lists, by list and version: how many began and ended with it.
        self.listed: dict[tuple[str, int], tuple[int, int]] = {}
        # States of traces, by case and number: how much the log says there is of each.
        self.traced: dict[tuple[str, int], Body] = {}
        self.renamed: dict[str, str] = {}  # entries: what an id of now was before the log
        conn.execute(f"PRAGMA temp.cache_size = -{CACHE_KIB}")
        conn.execute(_TABLE)

    @property
    def old(self) -> bool:
        """Whether there was anything before the log."""
        return any(table["rows"] for table in self.begun.values())

    def get(self, kept: str, key: Key) -> Known | None:
        row = self._conn.execute(
            "SELECT now, was, fresh, guess, bumps, seq FROM expected WHERE kept = ? AND key = ?",
            (kept, canonical(key)),
        ).fetchone()
        if row is None:
            return None
        now = json.loads(row["now"])
        was = json.loads(row["was"])
        return Known(now, was, bool(row["fresh"]), bool(row["guess"]), row["bumps"], row["seq"])

    def put(self, kept: str, key: Key, known: Known) -> None:
        self._insert("INSERT OR REPLACE", kept, key, known)

    def _insert(self, how: str, kept: str, key: Key, known: Known) -> bool:
        """Returns whether the row was written."""
        done = self._conn.execute(
            f"{how} INTO expected (kept, key, now, was, fresh, guess, bumps, seq) "
            "VALUES (?,?,?,?,?,?,?,?)",
            (
                *(kept, canonical(key), canonical(known.now), canonical(known.was)),
                *(known.fresh, known.guess, known.bumps, known.seq),
            ),
        )
        return done.rowcount > 0

    def add(self, kept: str, key: Key, values: Values, seq: int) -> None:
        """An act brought a row, with all of its columns."""
        if not self._insert("INSERT OR IGNORE", kept, key, Known(values, fresh=True, seq=seq)):
            self.contradicts(seq, kept, key, "no such row before", "one")

    def add_once(self, kept: str, key: Key, values: Values, seq: int) -> None:
        """An act brought a row unless there was one."""
        self._insert("INSERT OR IGNORE", kept, key, Known(values, fresh=True, seq=seq))

    def guess(self, kept: str, key: Key, of: tuple[str, Key], values: Values, seq: int) -> None:
        """The same, where there may have been one before the log: if what it belongs to was."""
        owner = self.get(*of)
        guess = self.old and not (owner is not None and owner.fresh)
        known = Known(values, fresh=True, guess=guess, seq=seq)
        self._insert("INSERT OR IGNORE", kept, key, known)

    def change(self, kept: str, key: Key, was: Values, now: Values, seq: int) -> None:
        """An act changed columns of a row. `was`: as far as the act names it."""
        known = self._there(kept, key, seq)
        if known is None:
            return
        self._held(kept, key, known, was, seq)
        known.now |= now
        known.seq = seq
        self.put(kept, key, known)

    def bump(self, kept: str, key: Key) -> None:
        """The version of a row grew by one."""
        known = self.get(kept, key)
        if known is None:
            return
        if "version" in known.now:
            known.now["version"] += 1
        else:
            known.bumps += 1
        self.put(kept, key, known)

    def rename_entry(self, old: str, new: str, seq: int) -> None:
        """An entry got another id: with it go its versions and its alerts."""
        if (known := self.get("entry", [old])) is not None:
            self.put("entry", [new], known)
            self._forget("entry", [old])
        for row in self._conn.execute(
            "SELECT kept, key, now FROM expected WHERE kept IN ('entry_version', 'alert')"
        ).fetchall():
            key, now = json.loads(row["key"]), json.loads(row["now"])
            if row["kept"] == "alert" and now.get("entry") == old:
                self.change("alert", key, {"entry": old}, {"entry": new}, seq)
            elif row["kept"] == "entry_version" and key[0] == old:
                moved = self.get("entry_version", key)
                assert moved is not None
                self.put("entry_version", [new, *key[1:]], moved)
                self._forget("entry_version", key)
        self.renamed[new] = self.renamed.pop(old, old)

    def rename_followed(self, old: str, new: str) -> None:
        """What was followed under another spelling; where both were, the new one goes on."""
        rows = self._conn.execute("SELECT key FROM expected WHERE kept = 'followed'").fetchall()
        for subject, case in [json.loads(row["key"]) for row in rows]:
            if subject == old:
                known = self.get("followed", [old, case])
                assert known is not None
                self._insert("INSERT OR IGNORE", "followed", [new, case], known)
                self._forget("followed", [old, case])

    def _forget(self, kept: str, key: Key) -> None:
        self._conn.execute(
            "DELETE FROM expected WHERE kept = ? AND key = ?", (kept, canonical(key))
        )

    def vague(self, kept: str, key: Key, values: Values, seq: int) -> None:
        """A row that an erased text told of: that it is there, and `values` of what it says."""
        self._insert("INSERT OR IGNORE", kept, key, Known(values, fresh=True, seq=seq))

    def blur(self, kept: str, key: Key, names: Iterable[str], seq: int) -> None:
        """An erased text told what these columns of a row became."""
        known = self._there(kept, key, seq)
        if known is None:
            return
        for name in names:
            if name not in known.now and not known.fresh:
                known.was.setdefault(UNKNOWN, True)
            known.now.pop(name, None)
        known.seq = seq
        self.put(kept, key, known)

    # -- what the record itself has to be asked for ------------------------------------------

    def is_erased(self, seq: int, by: int) -> bool:
        """Whether the record says that a text went by this row of the log."""
        rows = self._conn.execute("SELECT by_seq FROM erasure WHERE seq = ?", (seq,))
        return [row["by_seq"] for row in rows] == [by]

    def ask(self, sql: str, params: Params) -> list[Fields]:
        """What the record holds."""
        return self._conn.execute(sql, params).fetchall()

    def cases_of(self, seq: int) -> frozenset[str]:
        """The cases that the record says a row of the log is about."""
        rows = self._conn.execute("SELECT case_id FROM log_case WHERE seq = ?", (seq,))
        return frozenset(row["case_id"] for row in rows)

    def held(self) -> list[str]:
        """The cases that are under a legal hold, after the acts so far."""
        rows = self._conn.execute("SELECT key, now FROM expected WHERE kept = 'case_state'")
        found = [(json.loads(row["key"])[0], json.loads(row["now"])) for row in rows]
        return [case for case, now in found if now.get("held") is not None]

    def text(self, seq: int) -> str | None:
        """A text of the log."""
        row = self._conn.execute("SELECT text FROM log_text WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else row["text"]

    def hash_of(self, seq: int) -> str | None:
        """The hash of a row of the log."""
        row = self._conn.execute("SELECT hash FROM log WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else row["hash"]

    def parties(self, identity: Key) -> set[str]:
        """The keys of the addresses of a movement, as far as they are known."""
        known = self.get("transfer", identity)
        found = known.now if known is not None else {}
        if "sender" not in found:
            sql = "SELECT sender, recipient FROM transfer WHERE chain = ? AND tx = ? AND leg = ?"
            row = self._conn.execute(sql, identity).fetchone()
            found = {} if row is None else {"sender": row[0], "recipient": row[1]}
        return {f"{identity[0]}/{found[party]}" for party in ("sender", "recipient") if found}

    def entry_of(self, alert: str) -> str:
        """Which entry an alert is about; empty: none."""
        known = self.get("alert", [alert])
        if known is not None and "entry" in known.now:
            return str(known.now["entry"] or "")
        row = self._conn.execute("SELECT entry FROM alert WHERE id = ?", (alert,)).fetchone()
        return "" if row is None else str(row["entry"] or "")

    def case_of(self, entry: str) -> str:
        """The case of an entry, whatever its id is by now."""
        known = self.get("entry", [entry])
        if known is not None and "case_id" in known.now:
            return str(known.now["case_id"])
        sql = f"{LATER} SELECT case_id FROM entry WHERE id IN name"
        row = self._conn.execute(sql, (entry,)).fetchone()
        return "" if row is None else str(row["case_id"])

    def versions_at(self, entry: str, at: int) -> list[str]:
        """The terms that an entry got at a time, whatever its id is by now."""
        sql = f"{LATER} SELECT terms FROM entry_version WHERE entry IN name AND at = ?"
        return [row["terms"] for row in self._conn.execute(sql, (entry, at))]

    def is_movement(self, identity: Key) -> bool:
        """Whether there is such a movement by the log, or from before it."""
        known = self.get("transfer", identity)
        if known is not None or not self.old:
            return known is not None
        where = "SELECT 1 FROM transfer WHERE chain = ? AND tx = ? AND leg = ?"
        return self._conn.execute(where, identity).fetchone() is not None

    def contradicts(self, seq: int, kept: str, key: Key, expected: str, found: str) -> None:
        self.report(Difference("log", f"log {seq}: {place(kept, key)}", expected, found))

    def _there(self, kept: str, key: Key, seq: int) -> Known | None:
        known = self.get(kept, key)
        if known is None and self.old:
            return Known({}, seq=seq)
        if known is None:
            self.contradicts(seq, kept, key, "a row to change", "none by the log")
        return known

    def _held(self, kept: str, key: Key, known: Known, was: Values, seq: int) -> None:
        """What an act says that a row was before it must be what acts before it made of it."""
        for name, value in was.items():
            if name not in known.now:
                if not known.fresh:
                    known.was.setdefault(name, value)
            elif known.now[name] != value:
                said = f"{name} {shown(known.now[name])} since log {known.seq}"
                self.contradicts(seq, kept, key, said, f"{name} was {shown(value)}")

    # -- held against the record -----------------------------------------------------------

    def see(self, kept: str, keys: Iterable[str]) -> None:
        """These rows are in the record."""
        self._conn.executemany(
            "UPDATE expected SET seen = 1 WHERE kept = ? AND key = ?", [(kept, k) for k in keys]
        )

    def unseen(self, kept: str) -> Iterator[tuple[list[Any], int]]:
        """Keys of rows that must be in the record and are not, with the act that says so."""
        for row in self._conn.execute(
            "SELECT key, seq FROM expected WHERE kept = ? AND seen = 0 ORDER BY key",
            (kept,),
        ):
            yield json.loads(row["key"]), row["seq"]


def place(kept: str, key: Key) -> str:
    """Names a row of the record: "transfer ethereum 0x.. native|.."."""
    return " ".join([kept, *(shown(part) for part in key)])


def shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 160 else f"{text[:160]}... ({len(text):,} characters)"


def differing(now: Body, found: Body) -> Iterator[tuple[str, Any, Any]]:
    """Columns that are known and are not as they must be: name, expected, found."""
    for name, value in now.items():
        if found.get(name) != value:
            yield name, value, found.get(name)
