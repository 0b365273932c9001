"""Texts of the log are erased by two persons: one asks, another one confirms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.decide import erasing
from monitor.decide.erasing import CONFIRMS, TWO_PEOPLE
from monitor.loops.desk.proposing import ALL
from monitor.loops.find import unknown
from monitor.loops.hands import reason_of
from monitor.messages.desk_lines import words
from monitor.model.acts import Actor, Body, EraseAsked, Erased, one_system_user
from monitor.model.cases import CaseState
from monitor.model.desk_work import OPEN
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import is_same_name
from monitor.store import cases, desk, erase, logbook, written
from monitor.store.commit import commit
from monitor.store.erase import SAID
from monitor.store.logbook import Told
from monitor.store.port import Reader, Store

Cases = Mapping[str, CaseState]


def ask(
    store: Store, who: tuple[Actor, int], numbers: Sequence[int], wish: tuple[str, str],
    years: int | None, now: int,
) -> str:  # fmt: skip
    """What to say; see `request`."""
    why, rule = (
        reason_of(text, name) for text, name in zip(wish, ("--why", "--rule"), strict=True)
    )
    number, rows = request(store, who, numbers, (why, rule), years, now)
    more = len(rows) - len({*numbers})
    also = f" ({more} of them because the same words stand there)" if more else ""
    return (
        f"asked     to erase {rows_said(rows)}{also}, by {who[0].name}; nothing is erased yet. "
        f"{TWO_PEOPLE}: they read what it is (fundwatch log show --from {rows[0]}) and confirm it: "
        f"fundwatch log erase --confirm {number} --by NAME"
    )


def request(
    store: Store, who: tuple[Actor, int], numbers: Sequence[int], wish: tuple[str, str],
    years: int | None, now: int,
) -> tuple[int, list[int]]:  # fmt: skip
    """Ask for it: the number by which it is confirmed, and the rows, with those that hold the same
    words. `who`: with the system user's number; `wish`: reason and rule. Raises ConfigError, and
    asks for nothing, where one of the rows has to stay."""
    rows = whole(store, numbers)
    concerned = allowed(store, rows, years, now)
    why, rule = wish
    number = commit(store, who[0], EraseAsked(now, rows, why, rule, who[1], concerned))
    return number, rows


def whole(store: Reader, numbers: Sequence[int]) -> list[int]:
    """These rows with all that hold the same words: of a proposal what became of it and what
    closed with it, of one form whatever it wrote at once. One alone would leave them readable in
    another."""
    found, left = set[int](), [*numbers]
    forms = set[tuple[object, ...]]()  # whose rows were looked for
    while left:
        number = left.pop()
        if number in found:
            continue
        found.add(number)
        row = logbook.numbered(store, [number]).get(number)
        if row is None or row.told is None or row.told.get("what") not in (*SAID, "taken"):
            continue
        told = row.told
        form = (told["at"], told["actor"]["name"], told["first"] * _closes(told), words(told))
        if form not in forms:
            forms.add(form)
            left += _same_words(store, number, told)
    return sorted(found)


# By which key a part of the log names its proposal.
_PROPOSED = {"proposal": "id", "proposal ended": "proposal"}
_NEAR = 1000  # rows before and after that one form may have written


def _same_words(store: Reader, number: int, told: Body) -> Iterator[int]:
    if told["what"] in _PROPOSED:
        name, case = told["body"][_PROPOSED[told["what"]]], told["body"]["case"]
        yield from written.rows_of(store, "proposal", name, case)
    near = written.of_second(store, told["at"], (number - _NEAR, number + _NEAR))
    for other, row in logbook.numbered(store, near).items():
        if row.told is not None and _is_same(told, row.told):
            yield other


def _closes(told: Body) -> bool:
    """Whether alerts closed in the same act as their proposal."""
    return told["act"] in ("propose", "end proposal")


def _is_same(told: Body, other: Body) -> bool:
    """Whether one form of one person wrote both, in the same words; or one act closed an alert by
    the other one."""
    if other["first"] == told["first"] and _closes(told):
        return other["what"] in (*_PROPOSED, "taken")
    same = all(told[name] == other[name] for name in ("at", "actor"))
    said = words(told)
    return same and bool(said) and said == words(other)


def confirm(
    store: Store, who: tuple[Actor, int], number: int, years: int | None, now: int
) -> str:  # fmt: skip
    """Raises ConfigError, and erases nothing, where that is no request or of the same person, or
    one of the rows has to stay by now."""
    actor, uid = who
    asked, numbers, concerned = look(store, actor, number, years, now)
    commit(store, actor, Erased(now, numbers, asked, uid, concerned))
    store.leave_nothing()
    said = f"erased    {rows_said(numbers)}, by {actor.name}, asked for by {asked['name']}"
    if one_system_user(asked["uid"], uid):
        said += f"; both names came from one system user (uid {uid}), which the log says too"
    return (
        f"{said}\nkept      their hashes, so that the chain still verifies; backups hold the texts"
    )


def look(
    store: Store, actor: Actor, number: int, years: int | None, now: int
) -> tuple[dict[str, object], list[int], Cases]:  # fmt: skip
    """What is asked for: who, which rows, how the cases stand. Raises ConfigError as `confirm`."""
    asked, numbers = asked_for(store, number)
    if is_same_name(str(asked["name"]), actor.name):
        why = f"was asked for by {asked['name']}"
        raise unknown("--confirm", str(number), why, f"{TWO_PEOPLE}: {CONFIRMS}")
    return asked, numbers, allowed(store, numbers, years, now)


def allowed(store: Reader, numbers: Sequence[int], years: int | None, now: int) -> Cases:
    """The cases that were ever closed or held, as they stand when this was allowed. Raises
    ConfigError where one of the rows has to stay."""
    found, about = logbook.numbered(store, numbers), logbook.cases_of(store, numbers)
    states = cases.changed(store)
    problems = [
        problem
        for number in numbers
        if (
            problem := _stays(store, number, found.get(number))
            or erasing.hindrance(number, about[number], states, years, now)
        )
    ]
    if problems:
        raise ConfigError(problems)
    return states


def _stays(store: Reader, number: int, row: Told | None) -> Problem | None:
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
    if told["what"] in _PROPOSED:
        name = str(told["body"][_PROPOSED[told["what"]]])
        if (found := desk.proposal(store, ALL, name)) is not None and found.state in OPEN:
            said = f"is about {name}, which is not decided yet"
            return Problem("log row", str(number), said, "Have it answered or taken back first")
    if told["what"] == "clock ended" and told["body"]["was"]["told"] != told["body"]["is"]["told"]:
        said = "holds nobody's words: it says that a clock was told of"
        return Problem("log row", str(number), said, "Leave it out")
    return None


def asked_for(store: Reader, number: int) -> tuple[dict[str, object], list[int]]:
    """Who asked for what and why, and for which rows."""
    row = logbook.numbered(store, [number]).get(number)
    if row is None or row.told is None or row.told["act"] != EraseAsked.kind:
        see = "`fundwatch log erase NUMBER...` makes one and says its number"
        raise unknown("--confirm", str(number), "is no request to erase", see)
    parts = list(_act(store, row.told["first"]))
    told, body = row.told, row.told["body"]
    asked = {
        **{"number": told["first"], "at": told["at"], "why": body["why"], "rule": body["rule"]},
        **{name: told["actor"][name] for name in ("kind", "name", "authority")},
        "uid": body["uid"],
    }
    return asked, sorted(n for part in parts for n in part["body"]["numbers"])


def _act(store: Reader, first: int) -> Iterator[Body]:
    """The parts of one act, but for those whose text is gone."""
    for row in logbook.rows(store, first):
        if row.told is not None and row.told["first"] != first:
            return
        if row.told is not None:
            yield row.told


def rows_said(numbers: Sequence[int]) -> str:
    return f"{'row' if len(numbers) == 1 else 'rows'} {', '.join(map(str, numbers))} of the log"
