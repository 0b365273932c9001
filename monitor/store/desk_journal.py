"""The log of the record, newest first, as the journal of the desk shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.store import logbook
from monitor.store.logbook import Told
from monitor.store.port import Reader

STEP = 500  # rows read at once
MOST_READ = 20_000  # rows that one page looks through


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of it. `next`: before which number to go on, 0 at its end; `whole`: whether it was
    looked through as far as that is needed to fill the page."""

    rows: Sequence[Told]
    next: int
    whole: bool = True


def leaf(
    store: Reader, *, before: int = 0, name: str = "", case: str = "",
    span: tuple[int, int] | None = None, most: int = 50,
) -> Leaf:  # fmt: skip
    """What was done before a number (0: of all), by whoever calls themselves so, about a case, in
    a span of time (from, up to and not with; Unix seconds)."""
    top = int(store.read("SELECT coalesce(max(seq), 0) FROM log")[0][0])
    number = before or top + 1
    if span:
        number = min(number, first_from(store, span[1], top))
    found: list[Told] = []
    wanted = _wanted(name, span)
    for _ in range(MOST_READ // STEP):
        numbers = _numbers(store, number, case)
        told = logbook.numbered(store, numbers)
        for each in (told[n] for n in numbers if n in told):
            number = each.number
            if span and _at(each) is not None and (_at(each) or 0) < span[0]:
                return Leaf(found, 0)
            if wanted(each):
                found.append(each)
            if len(found) == most:
                return Leaf(found, number if number > 1 else 0)
        if len(numbers) < STEP:
            return Leaf(found, 0)
    return Leaf(found, number, whole=False)


def _numbers(store: Reader, before: int, case: str) -> list[int]:
    if case:
        query = "SELECT seq FROM log_case WHERE case_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        return [row[0] for row in store.read(query, [case, before, STEP])]
    query = "SELECT seq FROM log WHERE seq < ? ORDER BY seq DESC LIMIT ?"
    return [row[0] for row in store.read(query, [before, STEP])]


def _wanted(name: str, span: tuple[int, int] | None) -> Callable[[Told], bool]:
    plain = name.casefold()

    def fits(each: Told) -> bool:
        at = _at(each)
        if span and (at is None or not span[0] <= at < span[1]):
            return False
        return not plain or _who(each).casefold() == plain

    return fits


def _who(each: Told) -> str:
    actor = (each.told or {}).get("actor")
    return str(actor.get("name", "")) if isinstance(actor, dict) else ""


def _at(each: Told) -> int | None:
    at = (each.told or {}).get("at")
    return at if isinstance(at, int) else None


def first_from(store: Reader, at: int, top: int) -> int:
    """The first number of that time or later, or one after all; by halves, for the log is in the
    order of time as far as the clock of this machine is."""
    low, high = 1, top + 1
    while low < high:
        middle = (low + high) // 2
        rows = store.read(
            "SELECT seq, json_extract(text, '$.at') AS at FROM log_text WHERE seq >= ? "
            "AND text IS NOT NULL AND json_valid(text) ORDER BY seq LIMIT 1",
            [middle],
        )
        if rows and rows[0]["at"] < at:
            low = max(middle, rows[0]["seq"]) + 1
        else:
            high = middle
    return low
