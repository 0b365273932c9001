"""The log by itself: numbers without a hole, links, digests, the one form of a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.model.acts import Body
from monitor.model.difference import Difference, Report
from monitor.store.log import GENESIS, SALT_BYTES, canonical, digest_of, link
from monitor.store.port import Connection, Fields

_SALT = re.compile(f"[0-9a-f]{{{2 * SALT_BYTES}}}")
FORM = {"act": str, "actor": dict, "at": int, "body": dict, "first": int, "what": str}
_TOLD = ("act", "what", "actor", "at", "first", "body")
# What belongs to a row of the log, which must be there.
BESIDE = ("log_text", "log_case", "erasure")


@dataclass(frozen=True, slots=True)
class Told:
    """What one row of the log says."""

    seq: int
    act: str
    what: str
    actor: Body
    at: int
    first: int  # row of the same act
    body: Body


@dataclass(frozen=True, slots=True)
class Erased:
    """A row of the log whose text is gone, and the row that says why."""

    seq: int
    digest: str
    by: int


class Walk:
    """Goes along the chain once, reports what is wrong with it and hands out what it tells."""

    def __init__(self, conn: Connection, report: Report) -> None:
        self._conn, self._report = conn, report
        self.number, self.hash = 0, GENESIS  # of the last row

    def __iter__(self) -> Iterator[Told | Erased]:
        rows = self._conn.execute(
            "SELECT l.seq, l.digest, l.hash, t.seq AS beside, t.salt, t.text, e.by_seq "
            "FROM log l LEFT JOIN log_text t ON t.seq = l.seq "
            "LEFT JOIN erasure e ON e.seq = l.seq ORDER BY l.seq"
        )
        for row in rows:
            self._link(row)
            yield from self._told(row)
        self._strays()

    def _say(self, check: str, seq: int, expected: str, found: str) -> None:
        self._report(Difference(check, f"log {seq}", expected, found))

    def _link(self, row: Fields) -> None:
        seq, wanted = row["seq"], self.number + 1
        made = link(seq, self.hash, row["digest"])
        if seq != wanted:
            self._say("chain", wanted, f"a row with number {wanted}", f"the next one is {seq}")
        elif made != row["hash"]:
            self._say("chain", seq, f"hash {made}, from the row before", f"hash {row['hash']}")
        self.number, self.hash = seq, row["hash"]

    def _told(self, row: Fields) -> Iterator[Told | Erased]:
        seq, text = row["seq"], row["text"]
        if row["beside"] is None or (text is None and row["by_seq"] is None):
            self._say("text", seq, "its text, or an act that erased it", "neither")
        elif text is None:
            if row["salt"] is not None:
                self._say("erasure", seq, "no salt: it went with the text", "a salt")
            yield Erased(seq, row["digest"], row["by_seq"])
        else:
            if row["by_seq"] is not None:
                self._say("erasure", seq, f"no text: {row['by_seq']} erased it", "a text")
            self._hold(seq, row["digest"], row["salt"], text)
            yield from self._read(seq, text)

    def _hold(self, seq: int, digest: str, salt: str | None, text: str) -> None:
        made = made_digest(salt, text)
        if made != digest:
            self._say("text", seq, f"salt and text with digest {digest}", made or "neither is one")

    def _read(self, seq: int, text: str) -> Iterator[Told]:
        told = parsed(text)
        if told is None or not is_canonical(told, text):
            self._say("text", seq, "JSON in its one form (docs/evidence.md)", text[:80])
        elif {name: type(value) for name, value in told.items()} != FORM:
            self._say("text", seq, f"the parts {', '.join(FORM)}", ", ".join(told)[:80])
        else:
            yield Told(seq, *(told[name] for name in _TOLD))

    def _strays(self) -> None:
        """What stands beside rows of the log that are not there."""
        for table in BESIDE:
            for row in self._conn.execute(
                f"SELECT DISTINCT seq FROM {table} WHERE seq NOT IN (SELECT seq FROM log)"
            ):
                self._say("chain", row["seq"], "a row of the log", f"only one of {table}")


def made_digest(salt: object, text: object) -> str:
    """Nothing where they are no salt in its one form, and no text."""
    if not isinstance(salt, str) or not _SALT.fullmatch(salt) or not isinstance(text, str):
        return ""
    try:
        return digest_of(salt, text)
    except UnicodeError:
        return ""


def is_canonical(value: object, text: str) -> bool:
    """Whether a text is the one text of a JSON value."""
    try:
        return canonical(value) == text
    except (ValueError, RecursionError):
        return False  # NaN, say


def parsed(text: str) -> Body | None:
    """A text of the log as a value; None where it is none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
