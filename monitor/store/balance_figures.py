"""How watched addresses stand to their chains, counted. Of the coin and verified tokens only: what
a stranger's contract says counts nowhere. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.model import Subject
from monitor.model.balance import AGAIN, Held, State
from monitor.store.balances import to_held
from monitor.store.port import Reader

_WATCHED = (
    "b.verified = 1 AND EXISTS (SELECT 1 FROM entry e WHERE e.subject = b.subject "
    "AND e.retired IS NULL)"
)


@dataclass(frozen=True, slots=True)
class AddressBalances:
    """How many assets of one address stand how. `asked`: by our clock, the longest ago of all;
    `block` and `time`: the lowest up to which what is equal is equal; `sources`: whoever says a
    figure, first or second."""

    counts: Mapping[State, int]
    asked: int
    block: int | None
    time: int | None
    sources: tuple[str, ...]


def by_address(store: Reader, keys: Iterable[str]) -> dict[str, AddressBalances]:
    """Of these subjects, by their keys; an address that was never asked for is left out."""
    equal = "CASE WHEN b.state = 'reconciled' THEN"
    rows = store.read_in(
        "SELECT b.subject, sum(b.state = 'reconciled') AS reconciled, "
        "sum(b.state = 'unexplained') AS unexplained, sum(b.state = 'cannot_check') AS "
        f"cannot_check, min(b.at) AS asked, min({equal} b.high END) AS block, "
        f"min({equal} b.time END) AS time, json_group_array(DISTINCT b.source) AS first, "
        "json_group_array(DISTINCT b.second) AS second "
        f"FROM balance b WHERE {_WATCHED} AND b.subject IN ({{}}) GROUP BY b.subject",
        keys,
    )
    return {
        row["subject"]: AddressBalances(
            {state: row[state.value] for state in State},
            *(row["asked"], row["block"], row["time"]),
            _names([*json.loads(row["first"]), *json.loads(row["second"])]),
        )
        for row in rows
    }


def _names(said: Iterable[str]) -> tuple[str, ...]:
    """Each source once, without the block at which it was asked again."""
    return tuple(dict.fromkeys(name for each in said if (name := each.partition(AGAIN)[0])))


@dataclass(frozen=True, slots=True)
class AddressNumbers:
    """How many watched addresses stand how; each once. `reasons`: why those cannot be checked of
    which nothing differs, with how many addresses each."""

    addresses: int
    equal: int
    unexplained: int
    cannot_check: int
    oldest: int | None  # when the one was answered that was the longest ago
    reasons: Sequence[tuple[str, int]]


def numbers(store: Reader) -> AddressNumbers:
    every = store.read("SELECT count(DISTINCT e.subject) AS n FROM entry e WHERE e.retired IS NULL")
    each = (
        "SELECT b.subject AS subject, max(b.state = 'unexplained') AS apart, "
        "max(b.state = 'cannot_check') AS unchecked, "
        "min(CASE WHEN b.figure IS NOT NULL THEN b.at END) AS at "
        f"FROM balance b WHERE {_WATCHED} GROUP BY b.subject"
    )
    (row,) = store.read(
        "SELECT total(NOT apart AND NOT unchecked) AS equal, total(apart) AS apart, "
        f"total(unchecked AND NOT apart) AS unchecked, min(at) AS at FROM ({each})"
    )
    reasons = store.read(
        "SELECT b.reason, count(DISTINCT b.subject) AS n FROM balance b WHERE "
        f"b.state = 'cannot_check' AND {_WATCHED} AND NOT EXISTS (SELECT 1 FROM balance o WHERE "
        "o.subject = b.subject AND o.verified = 1 AND o.state = 'unexplained') GROUP BY b.reason"
    )
    told = [(each["reason"], each["n"]) for each in reasons]
    return AddressNumbers(
        addresses=every[0]["n"],
        equal=int(row["equal"]),
        unexplained=int(row["apart"]),
        cannot_check=int(row["unchecked"]),
        oldest=row["at"],
        reasons=told,
    )


def apart(store: Reader, most: int) -> list[str]:
    """Ids of entries on addresses of which something differs."""
    rows = store.read(
        "SELECT DISTINCT e.id FROM balance b CROSS JOIN entry e ON e.subject = b.subject "
        "WHERE b.state = 'unexplained' AND b.verified = 1 AND e.retired IS NULL LIMIT ?",
        [most],
    )
    return [row["id"] for row in rows]


def unequal(store: Reader, keys: Iterable[str]) -> dict[str, tuple[Held, ...]]:
    """What differs or cannot be checked of these subjects, by their keys."""
    rows = store.read_in(
        "SELECT b.*, s.chain, s.address FROM balance b JOIN scope s ON s.key = b.subject "
        f"WHERE b.state <> 'reconciled' AND {_WATCHED} AND b.subject IN ({{}}) "
        "ORDER BY b.subject, b.contract",
        keys,
    )
    found: dict[str, list[Held]] = {}
    for row in rows:
        held = to_held(row, Subject(row["chain"], row["address"]))
        found.setdefault(row["subject"], []).append(held)
    return {key: tuple(each) for key, each in found.items()}


def of_case(store: Reader, case: str) -> list[Held]:
    """The newest verdicts on every address of a case, retired entries' and unverified tokens'
    too."""
    rows = store.read(
        "SELECT b.*, s.chain, s.address FROM balance b JOIN scope s ON s.key = b.subject "
        "WHERE EXISTS (SELECT 1 FROM entry e WHERE e.subject = b.subject AND e.case_id = ?) "
        "ORDER BY b.subject, b.contract",
        [case],
    )
    return [to_held(row, Subject(row["chain"], row["address"])) for row in rows]


def by_chain(store: Reader) -> dict[tuple[str, State], int]:
    """How many balances stand how, by chain."""
    rows = store.read(
        "SELECT s.chain, b.state, count(*) AS n FROM balance b JOIN scope s ON s.key = b.subject "
        f"WHERE {_WATCHED} GROUP BY s.chain, b.state"
    )
    return {(row["chain"], State(row["state"])): row["n"] for row in rows}


def oldest(store: Reader) -> dict[str, int]:
    """When the balance that was asked for the longest ago was, by chain."""
    rows = store.read(
        "SELECT s.chain, min(b.at) AS at FROM balance b JOIN scope s ON s.key = b.subject "
        f"WHERE {_WATCHED} GROUP BY s.chain"
    )
    return {row["chain"]: row["at"] for row in rows}


def unexplained(store: Reader) -> int:
    """How many balances differ and nobody knows why."""
    row = store.read(
        f"SELECT count(*) AS n FROM balance b WHERE b.state = 'unexplained' AND {_WATCHED}"
    )[0]
    return int(row["n"])
