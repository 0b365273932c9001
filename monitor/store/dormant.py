"""Addresses that never lived on a chain, as nodes proved it. Bookkeeping: what it comes to is the
first contact of their entries, which is an act, and which lists are read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

from monitor.model import Subject
from monitor.model.life import Dormant
from monitor.store.port import Fields, Reader, Store

_COLUMNS = (
    *("subject", "since", "words", "height", "hash", "time", "source", "at"),
    *("asleep", "failing", "error", "woke", "sign"),
)


def on(store: Reader, chain: str) -> dict[Subject, Dormant]:
    """Those of a chain, also the ones that woke."""
    rows = store.read(
        "SELECT * FROM dormant WHERE subject > ? AND subject < ?", [f"{chain}/", f"{chain}0"]
    )
    return {each.subject: each for each in map(_dormant, rows)}


def of(store: Reader, subject: Subject) -> Dormant | None:
    """What is kept of one address, also if it woke."""
    rows = store.read("SELECT * FROM dormant WHERE subject = ?", [subject.key])
    return _dormant(rows[0]) if rows else None


def asleep(store: Reader) -> dict[str, Dormant]:
    """Those whose lists are not read address by address, by the key of the subject."""
    rows = store.read("SELECT * FROM dormant WHERE asleep")
    return {row["subject"]: _dormant(row) for row in rows}


def asleep_of(store: Reader, keys: Iterable[str]) -> dict[str, Dormant]:
    """Those of these subjects, by their keys."""
    rows = store.read_in("SELECT * FROM dormant WHERE asleep AND subject IN ({})", keys)
    return {row["subject"]: _dormant(row) for row in rows}


def counted(store: Reader) -> Mapping[str, int]:
    """How many addresses are asleep that an entry watches, by chain."""
    rows = store.read(
        "SELECT s.chain, count(*) AS n FROM dormant d CROSS JOIN scope s ON s.key = d.subject "
        "WHERE d.asleep AND EXISTS (SELECT 1 FROM entry e WHERE e.subject = d.subject "
        "AND e.retired IS NULL) GROUP BY s.chain ORDER BY s.chain"
    )
    return {row["chain"]: row["n"] for row in rows}


def note(store: Store, found: Collection[Dormant]) -> None:
    """Keep these as they stand now. What failed of lists that nobody asks for fails no more."""
    if not found:
        return
    names, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
    anew = ", ".join(f"{c} = excluded.{c}" for c in _COLUMNS[3:])
    with store.write() as conn:
        conn.executemany(
            f"INSERT INTO dormant ({names}) VALUES ({marks}) "
            f"ON CONFLICT (subject) DO UPDATE SET {anew}",
            [_params(each) for each in found],
        )
        conn.execute(
            "UPDATE reading SET failing = NULL, error = NULL WHERE failing IS NOT NULL "
            "AND scope IN (SELECT subject FROM dormant WHERE asleep)"
        )


def lived(store: Reader, chain: str, addresses: Iterable[str]) -> set[str]:
    """Those of these addresses of which the record holds a movement."""
    wanted = list(addresses)
    return {
        row["party"]
        for party in ("sender", "recipient")
        for row in store.read_in(
            f"SELECT DISTINCT {party} AS party FROM transfer WHERE chain = ? AND {party} IN ({{}})",
            wanted,
            [chain],
        )
    }


def of_lists(store: Reader, chain: str) -> set[Subject]:
    """The addresses of a chain that a published list watches."""
    rows = store.read(
        "SELECT DISTINCT subject FROM entry WHERE list <> '' AND retired IS NULL "
        "AND subject > ? AND subject < ?",
        [f"{chain}/", f"{chain}0"],
    )
    return {Subject(chain, row["subject"].partition("/")[2]) for row in rows}


def of_persons_unread(store: Reader, chain: str) -> set[Subject]:
    """The addresses of a chain that people watch there and on other chains, and of which no list
    has ever been read address by address."""
    watched = "SELECT 1 FROM entry e WHERE e.subject = s.key AND e.retired IS NULL"
    rows = store.read(
        f"SELECT s.address FROM scope s WHERE s.key > ? AND s.key < ? AND EXISTS ({watched} "
        "AND e.list = '') AND NOT EXISTS "
        "(SELECT 1 FROM reading r WHERE r.scope = s.key AND r.ok IS NOT NULL)",
        [f"{chain}/", f"{chain}0"],
    )
    several = _on_several_chains(store) if rows else set()
    return {Subject(chain, row["address"]) for row in rows if row["address"] in several}


def _on_several_chains(store: Reader) -> set[str]:
    """Addresses with active entries on more than one chain."""
    rows = store.read(
        "SELECT s.address FROM scope s WHERE EXISTS (SELECT 1 FROM entry e "
        "WHERE e.subject = s.key AND e.retired IS NULL) GROUP BY s.address HAVING count(*) > 1"
    )
    return {row["address"] for row in rows}


def _dormant(row: Fields) -> Dormant:
    chain, _, address = row["subject"].partition("/")
    return Dormant(
        subject=Subject(chain, address),
        since=row["since"],
        words=tuple((source, height, hash_) for source, height, hash_ in json.loads(row["words"])),
        height=row["height"],
        block_hash=row["hash"],
        time=row["time"],
        source=row["source"],
        at=row["at"],
        asleep=bool(row["asleep"]),
        failing=row["failing"],
        error=row["error"],
        woke=row["woke"],
        sign=row["sign"],
    )


def _params(each: Dormant) -> tuple[object, ...]:
    return (
        *(each.subject.key, each.since, json.dumps(each.words)),
        *(each.height, each.block_hash, each.time, each.source, each.at),
        *(int(each.asleep), each.failing, each.error, each.woke, each.sign),
    )
