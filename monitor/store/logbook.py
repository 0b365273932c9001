"""The log as people look at it: rows from a number on, of one case, or by their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.model.acts import Body
from monitor.store.log import PART
from monitor.store.port import Fields, Reader

_ROWS = (
    "SELECT l.seq, l.digest, l.hash, t.text, e.by_seq FROM log l "
    "LEFT JOIN log_text t ON t.seq = l.seq LEFT JOIN erasure e ON e.seq = l.seq"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the log. `told`: what it tells, none where its text was erased or damaged;
    `erased_by`: the number of the act that erased it."""

    number: int
    digest: str
    hash: str
    told: Body | None
    erased_by: int | None


def rows(store: Reader, first: int = 1, case: str | None = None) -> Iterator[Told]:
    """From this number on, of all cases or of one, with only a part of them in memory."""
    mine = "AND l.seq IN (SELECT seq FROM log_case WHERE case_id = ?)" if case is not None else ""
    params = [case] if case is not None else []
    while found := store.read(
        f"{_ROWS} WHERE l.seq >= ? {mine} ORDER BY l.seq LIMIT {PART}", [first, *params]
    ):
        yield from map(_told, found)
        first = found[-1]["seq"] + 1


def numbered(store: Reader, numbers: Iterable[int]) -> dict[int, Told]:
    """By number; those that are not there are left out."""
    found = store.read_in(f"{_ROWS} WHERE l.seq IN ({{}})", numbers)
    return {row["seq"]: _told(row) for row in found}


def cases_of(store: Reader, numbers: Iterable[int]) -> dict[int, frozenset[str]]:
    """Which cases each of these rows is about."""
    wanted = list(numbers)
    found: dict[int, set[str]] = {number: set() for number in wanted}
    for row in store.read_in("SELECT seq, case_id FROM log_case WHERE seq IN ({})", wanted):
        found[row["seq"]].add(row["case_id"])
    return {number: frozenset(cases) for number, cases in found.items()}


def _told(row: Fields) -> Told:
    return Told(row["seq"], row["digest"], row["hash"], _parsed(row["text"]), row["by_seq"])


def _parsed(text: str | None) -> Body | None:
    """None for what is no text of a log: it was erased, or somebody has damaged it."""
    try:
        told = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
