"""Texts of the log are erased by two persons: one asks, another one confirms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.decide import erasing
from monitor.loops.find import unknown
from monitor.loops.hands import reason_of
from monitor.model.acts import Actor, EraseAsked, Erased
from monitor.model.cases import CaseState
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import is_same_name
from monitor.store import cases, erase, logbook
from monitor.store.commit import commit
from monitor.store.logbook import Told
from monitor.store.port import Store

Cases = Mapping[str, CaseState]


def ask(
    store: Store, who: tuple[Actor, int], numbers: Sequence[int], wish: tuple[str, str],
    years: int | None, now: int,
) -> str:  # fmt: skip
    """`who`: with the system user's number; `wish`: reason and rule. Raises ConfigError, and asks
    for nothing, where one of the rows has to stay."""
    why, rule = (
        reason_of(text, name) for text, name in zip(wish, ("--why", "--rule"), strict=True)
    )
    numbers = sorted(dict.fromkeys(numbers))
    concerned = _allowed(store, numbers, years, now)
    number = commit(store, who[0], EraseAsked(now, numbers, why, rule, who[1], concerned))
    return (
        f"asked     to erase {_rows(numbers)}, by {who[0].name}; nothing is erased yet. Another "
        f"person reads what it is (fundwatch log show --from {numbers[0]}) and confirms it: "
        f"fundwatch log erase --confirm {number} --by NAME"
    )


def confirm(
    store: Store, who: tuple[Actor, int], number: int, years: int | None, now: int
) -> str:  # fmt: skip
    """Raises ConfigError, and erases nothing, where that is no request or of the same person, or
    one of the rows has to stay by now."""
    actor, uid = who
    asked, numbers, concerned = look(store, actor, number, years, now)
    commit(store, actor, Erased(now, numbers, asked, uid, concerned))
    store.leave_nothing()
    said = f"erased    {_rows(numbers)}, by {actor.name}, asked for by {asked['name']}"
    if asked["uid"] == uid:
        said += f"; both names came from one system user (uid {uid}), which the log says too"
    return (
        f"{said}\nkept      their hashes, so that the chain still verifies; backups hold the texts"
    )


def look(
    store: Store, actor: Actor, number: int, years: int | None, now: int
) -> tuple[dict[str, object], list[int], Cases]:  # fmt: skip
    """What is asked for: who, which rows, how the cases stand. Raises ConfigError as `confirm`."""
    asked, numbers = _request(store, number)
    if is_same_name(str(asked["name"]), actor.name):
        why = f"was asked for by {asked['name']}"
        raise unknown("--confirm", str(number), why, "It takes another person")
    return asked, numbers, _allowed(store, numbers, years, now)


def _allowed(store: Store, numbers: Sequence[int], years: int | None, now: int) -> Cases:
    """The cases that were ever closed or held, as they stand when this was allowed."""
    found, about = logbook.numbered(store, numbers), logbook.cases_of(store, numbers)
    states = cases.changed(store)
    problems = [
        problem
        for number in numbers
        if (
            problem := _stays(number, found.get(number))
            or erasing.hindrance(number, about[number], states, years, now)
        )
    ]
    if problems:
        raise ConfigError(problems)
    return states


def _stays(number: int, row: Told | None) -> Problem | None:
    """What is wrong with a row, whatever it is about."""
    if row is None:
        see = "See `fundwatch log show`"
        return Problem("log row", str(number), "is not there", see)
    if row.erased_by is not None:
        said = f"was erased already, by number {row.erased_by}"
        return Problem("log row", str(number), said, "Nothing to do")
    told = row.told or {}
    if told.get("what") not in erase.KEYS:
        said = f"says how the record is verified ({told.get('act')}) and is kept for good"
        return Problem("log row", str(number), said, "Leave it out")
    return None


def _request(store: Store, number: int) -> tuple[dict[str, object], list[int]]:
    """Who asked for what and why, and for which rows."""
    row = logbook.numbered(store, [number]).get(number)
    if row is None or row.told is None or row.told["act"] != EraseAsked.kind:
        see = "`fundwatch log erase NUMBER...` makes one and says its number"
        raise unknown("--confirm", str(number), "is no request to erase", see)
    parts = list(_parts(store, row.told["first"]))
    told, body = row.told, row.told["body"]
    asked = {
        **{"number": told["first"], "at": told["at"], "why": body["why"], "rule": body["rule"]},
        **{name: told["actor"][name] for name in ("kind", "name", "authority")},
        "uid": body["uid"],
    }
    return asked, sorted(n for part in parts for n in part["body"]["numbers"])


def _parts(store: Store, first: int) -> Iterator[Mapping[str, Mapping[str, list[int]]]]:
    """All parts of one act."""
    for row in logbook.rows(store, first):
        if row.told is None or row.told["first"] != first:
            return
        yield row.told


def _rows(numbers: Sequence[int]) -> str:
    return f"{'row' if len(numbers) == 1 else 'rows'} {', '.join(map(str, numbers))} of the log"
