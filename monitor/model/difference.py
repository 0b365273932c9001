"""What does not fit together in a record: one value for each place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`check`: chain, text, case, erasure, log (texts that contradict each other), record (a row
    against the log), begin, schema, answer (a kept answer against its digest), checkpoint or
    desk (the chain of desk.db). In words that need no code."""

    check: str
    place: str
    expected: str
    found: str


Report = Callable[[Difference], None]
