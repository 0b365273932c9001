"""What the log says of entries that changed: what each was before, and what it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.store.log import Part

MOST = 500  # entries in one row of the log

Columns = Mapping[str, object]  # of table entry, by name


@dataclass(frozen=True, slots=True)
class Changed:
    """Of an entry, the columns that are not as before. `was` None: it is new."""

    id: str  # before
    case: str
    was: Columns | None
    now: Columns


def parts(changes: Iterable[Changed], **more: object) -> list[Part]:
    """Case by case; every part holds `more` too."""
    found: dict[str, list[object]] = {}
    for each in changes:
        found.setdefault(each.case, []).append([each.id, each.was, each.now])
    return [
        Part(
            "entries",
            {"entries": lines[start : start + MOST], **more},
            frozenset({case} if case else ()),
        )
        for case, lines in found.items()
        for start in range(0, len(lines), MOST)
    ]
