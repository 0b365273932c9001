"""What the log says of entries that changed: what each was before, and what it is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.model import entry_lines
from monitor.model.entry_lines import Columns
from monitor.store.log import Part

MOST = 500  # entries in one row of the log


@dataclass(frozen=True, slots=True)
class Changed:
    """Of an entry, the columns that are not as before. `was` None: it is new."""

    id: str  # before
    case: str
    was: Columns | None
    now: Columns
    before: str = ""  # the case that it had before


def parts(changes: Iterable[Changed], **more: object) -> list[Part]:
    """Case by case; every part holds `more` too."""
    found: dict[frozenset[str], list[tuple[str, Columns | None, Columns]]] = {}
    for each in changes:
        cases = frozenset(filter(None, (each.case, each.before)))
        found.setdefault(cases, []).append((each.id, each.was, each.now))
    return [
        Part(
            "entries",
            {**entry_lines.body(lines[start : start + MOST]), **more},
            cases,
        )
        for cases, lines in found.items()
        for start in range(0, len(lines), MOST)
    ]
