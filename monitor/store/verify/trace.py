"""Traces: what was said, learned and taken, by the log; and whether every text that stands beside
it has the digest that the log names."""

from __future__ import annotations

import hashlib
import zlib

from monitor.model.acts import Body
from monitor.model.difference import Difference, Report
from monitor.store import trace_bodies
from monitor.store.port import Connection, Fields
from monitor.store.verify.chain import Told
from monitor.store.verify.expected import Expected
from monitor.store.verify.gone import TRACE_FACTS

_BROKEN = (ValueError, TypeError, LookupError, zlib.error, RecursionError)


def word(expected: Expected, told: Told) -> None:
    values = {**told.body}
    key = [values.pop("case"), values.pop("number")]
    expected.add("trace_word", key, values, told.seq)


def facts(expected: Expected, told: Told) -> None:
    """The same, said twice in one second, stands there once."""
    for part, table in TRACE_FACTS.items():
        for key in told.body[part]:
            expected.add_once(table, [told.body["case"], *key], {}, told.seq)


def state(expected: Expected, told: Told) -> None:
    key = [told.body["case"], told.body["number"]]
    now = {"at": told.at, "version": told.body["version"], "sha256": told.body["sha256"]}
    expected.add("trace_state", key, now, told.seq)
    expected.traced[key[0], key[1]] = {name: told.body[name] for name in ("nodes", "edges", "usd")}


def compare(conn: Connection, expected: Expected, report: Report) -> None:
    """Hold every text against its digest."""
    for table in TRACE_FACTS.values():
        for row in conn.execute(f"SELECT * FROM {table}"):
            *key, sha256, body = row
            found = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
            if found != sha256:
                _differs(" ".join(map(str, [table, *key])), sha256, found, report)
    _compare_states(conn, expected, report)


def _compare_states(conn: Connection, expected: Expected, report: Report) -> None:
    erased = {
        (row["case_id"], row["number"])
        for row in conn.execute("SELECT case_id, number FROM erased_trace WHERE what = 'state'")
    }
    before, lines = ("", 0), list[str]()
    for row in conn.execute("SELECT * FROM trace_state ORDER BY case_id, number"):
        place = (row["case_id"], row["number"])
        if place in erased:
            lines = []
            if row["body"]:
                report(Difference("record", _named(row), "no text: it was erased", "a text"))
        else:
            lines = _text(row, lines if (row["case_id"], row["base"]) == before else [], report)
            _hold_counts(row, expected.traced.get(place), lines, report)
        before = place


def _text(row: Fields, base: list[str], report: Report) -> list[str]:
    """The lines of a state; none, where it has another digest."""
    try:
        lines = trace_bodies.unpacked(row["body"], base)
        found = trace_bodies.digest(lines)
    except _BROKEN as error:
        lines, found = [], f"no text: {error}"
    if found != row["sha256"]:
        _differs(_named(row), row["sha256"], found, report)
        return []
    return lines


def _hold_counts(row: Fields, said: Body | None, lines: list[str], report: Report) -> None:
    """What the log says of a state besides."""
    found = trace_bodies.counts(lines) if lines else said
    if said is not None and said != found:
        report(Difference("record", _named(row), f"{said}, by the log", f"{found}"))


def _named(row: Fields) -> str:
    return f"trace_state {row['case_id']} {row['number']}"


def _differs(where: str, sha256: str, found: str, report: Report) -> None:
    report(Difference("record", where, f"a text with digest {sha256}", found))
