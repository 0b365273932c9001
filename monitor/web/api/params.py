"""The parameters of addresses: what they may hold, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from werkzeug.datastructures import MultiDict

from monitor.model.dates import since_time
from monitor.web.api.call import Param
from monitor.web.api.problems import Error, Wrong

MOST, USUAL = 1000, 100  # items of a page
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_WHEN = rf"^{_DAY}(T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z)?$"


def text(name: str, what: str, most: int = 200) -> Param:
    return Param(name, what, {"type": "string", "minLength": 1, "maxLength": most})


def one_of(name: str, what: str, values: Iterable[str] | type[StrEnum]) -> Param:
    return Param(name, what, {"type": "string", "enum": [str(each) for each in values]})


def when(name: str, what: str) -> Param:
    return Param(name, f"{what} A day (UTC) or a time.", {"type": "string", "pattern": _WHEN})


def day(name: str, what: str) -> Param:
    return Param(name, what, {"type": "string", "pattern": f"^{_DAY}$"})


LIMIT = Param(
    "limit", "How many items at most.",
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
)  # fmt: skip
AFTER = Param(
    "after", "`next` of the answer before: the list goes on there.",
    {"type": "string", "minLength": 1, "maxLength": 300},
)  # fmt: skip


def checked(given: MultiDict[str, str], known: Sequence[Param]) -> dict[str, str]:
    """The parameters of a request. Raises Wrong for each that is not known or not as it has to
    be: no list looks shorter than it is because nobody read a word of its question."""
    by_name, errors, found = {each.name: each for each in known}, list[Error](), dict[str, str]()
    for name, values in given.lists():
        if name not in by_name:
            errors.append(Error(f"?{name[:60]}", "There is no such parameter here."))
        elif len(values) > 1:
            errors.append(Error(f"?{name}", "It is given twice."))
        elif said := _fault(values[0], by_name[name].schema):
            errors.append(Error(f"?{name}", said))
        else:
            found[name] = values[0]
    if errors:
        raise Wrong("not_understood", " ".join(each.detail for each in errors), errors)
    return found


def _fault(value: str, schema: Mapping[str, object]) -> str:
    """What is wrong with it; empty: nothing."""
    if schema["type"] == "integer":
        if not re.fullmatch(r"[0-9]{1,9}", value):
            return "It has to be a whole number."
        low, high = int(str(schema.get("minimum", 0))), int(str(schema.get("maximum", 10**9)))
        return "" if low <= int(value) <= high else f"It has to be from {low} to {high}."
    if len(value) > int(str(schema.get("maxLength", 400))) or not value.isprintable() or not value:
        return "It is empty, too long, or holds what cannot be printed."
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        return f"It has to be one of {', '.join(choices)}."
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not re.search(pattern, value):
        return "Write a day as 2026-11-30, a time as 2026-11-30T12:00:00Z."
    if pattern in (_WHEN, f"^{_DAY}$") and seconds(value) is None:
        return "There is no such day."
    return ""


def seconds(value: str, *, end: bool = False) -> int | None:
    """Unix seconds of a day's beginning (`end`: of the next one's) or of a time; None: there is no
    such day."""
    if len(value) == 10:
        at = since_time(value)
        return None if at is None else at + (86_400 if end else 0)
    try:
        found = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(found.timestamp())


def in_memory(found: Sequence[object]) -> Callable[[str, int], list[tuple[str, object]]]:
    """The pages of a list that is short enough to be held; places count from its beginning."""

    def page(place: str, most: int) -> list[tuple[str, object]]:
        first = int(place or 0)
        return [(str(n + 1), found[n]) for n in range(first, min(first + most, len(found)))]

    return page
