"""Addresses that are read without an entry, each for a case, at its own pace and budget."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from monitor.model import Subject
from monitor.model.watch import Followed
from monitor.store.log import Part
from monitor.store.port import Connection, Fields, Reader

if TYPE_CHECKING:  # who only reads needs no acts, which load slowly
    from monitor.model.acts import Actor
    from monitor.model.acts_trace import Follow, Unfollow

# Of a row of `followed`: whether its address is polled for it.
POLLED = "f.until IS NULL AND (f.calls IS NULL OR f.used < f.calls)"


def carry_follow(conn: Connection, _actor: Actor, act: Follow) -> tuple[None, list[Part]]:
    """It is due at once."""
    subject = act.subject
    conn.execute(
        "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET due = 0",
        (subject.key, subject.chain, subject.address),
    )
    conn.execute(
        "INSERT INTO followed (subject, case_id, why, since, every, calls) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT (subject, case_id) DO UPDATE SET why = excluded.why, since = excluded.since, "
        "every = excluded.every, calls = excluded.calls, used = 0, until = NULL",
        (subject.key, act.case, act.why, act.at, act.every, act.calls),
    )
    told = {
        **{"subject": subject.key, "case": act.case, "why": act.why},
        **{"every": act.every, "calls": act.calls},
    }
    return None, [Part("followed", told, frozenset({act.case}))]


def carry_unfollow(conn: Connection, _actor: Actor, act: Unfollow) -> tuple[bool, list[Part]]:
    ended = conn.execute(
        "UPDATE followed SET until = ? WHERE subject = ? AND case_id = ? AND until IS NULL",
        (act.at, act.subject.key, act.case),
    ).rowcount
    if not ended:
        return False, []
    told = {"subject": act.subject.key, "case": act.case}
    return True, [Part("unfollowed", told, frozenset({act.case}))]


def followed(store: Reader) -> list[Followed]:
    """All that are followed now, with what they have used; those that are `spent` wait."""
    rows = store.read(
        "SELECT s.chain, s.address, f.* FROM followed f JOIN scope s ON s.key = f.subject "
        "WHERE f.until IS NULL ORDER BY f.since, f.subject, f.case_id"
    )
    return [_to_followed(row) for row in rows]


def traced(store: Reader, chain: str, addresses: Iterable[str]) -> frozenset[str]:
    """Those of these addresses that are followed for a case, also with their calls used up."""
    rows = store.read_in(
        "SELECT DISTINCT s.address FROM followed f JOIN scope s ON s.key = f.subject "
        "WHERE f.until IS NULL AND s.chain = ? AND s.address IN ({})",
        addresses,
        [chain],
    )
    return frozenset(row["address"] for row in rows)


def cases_of(store: Reader, subjects: Iterable[Subject]) -> dict[str, list[str]]:
    """For which cases addresses are followed, by key."""
    rows = store.read_in(
        "SELECT subject, case_id FROM followed WHERE until IS NULL AND subject IN ({}) "
        "ORDER BY case_id",
        (subject.key for subject in subjects),
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["subject"], []).append(row["case_id"])
    return found


_NAMED = (
    "SELECT DISTINCT f.subject, f.case_id, json_extract(e.terms, '$.follow.sources') AS names "
    "FROM followed f JOIN entry e ON e.case_id = f.case_id AND e.retired IS NULL "
    "WHERE f.until IS NULL AND json_array_length(e.terms, '$.follow.sources') > 0 "
    "AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.subject = f.subject AND o.retired IS NULL) "
)


def allowed(store: Reader, subjects: Iterable[Subject]) -> dict[str, frozenset[str]]:
    """Who alone may be asked about what is followed and has no entry, by key: the sources that
    every case allows which follows it. Left out: all of its chain may be."""
    keys = (subject.key for subject in subjects)
    return _names(store.read_in(f"{_NAMED} AND f.subject IN ({{}})", keys))


def allowed_on(store: Reader, chain: str) -> dict[str, frozenset[str]]:
    """The same of a chain."""
    where = f"{_NAMED} AND f.subject > ? AND f.subject < ?"
    return _names(store.read(where, [f"{chain}/", f"{chain}0"]))


def _names(rows: Iterable[Fields]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        names = frozenset(json.loads(row["names"]))
        found[row["subject"]] = found.get(row["subject"], names) & names
    return found


def _to_followed(row: Fields) -> Followed:
    return Followed(
        Subject(row["chain"], row["address"]),
        *(row["case_id"], row["why"], row["since"], row["every"], row["calls"], row["used"]),
    )


def paces(store: Reader, subjects: Iterable[Subject]) -> Mapping[str, int]:
    """How often (seconds) addresses are polled for those who follow them, by key."""
    rows = store.read_in(
        f"SELECT f.subject, f.every FROM followed f WHERE {POLLED} AND f.subject IN ({{}})",
        (subject.key for subject in subjects),
    )
    found: dict[str, int] = {}
    for row in rows:
        found[row["subject"]] = min(row["every"], found.get(row["subject"], row["every"]))
    return found


def use(conn: Connection, used: Iterable[tuple[str, int]]) -> None:
    """Count calls that polls of followed addresses, by their keys, have used."""
    conn.executemany(
        "UPDATE followed SET used = used + ? WHERE subject = ? AND until IS NULL",
        [(calls, key) for key, calls in used if calls],
    )
