"""What is kept of heartbeats and tests: how the newest went."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.store import notes
from monitor.store.port import Reader


@dataclass(frozen=True, slots=True)
class Tested:
    """How the newest test of a channel went."""

    at: int
    good: bool
    words: str
    whom: Sequence[str] = ()  # who was not reached, where others were
    since: int = 0  # the first of the tests that have failed one after the other


def last_tests(store: Reader, names: Iterable[str]) -> dict[str, Tested]:
    """Of these channels, by name; those that were never tested are left out."""
    noted = {name: notes.get_note(store, f"tested:{name}") for name in names}
    return {name: Tested(**json.loads(text)) for name, text in noted.items() if text}


@dataclass(frozen=True, slots=True)
class Beat:
    """How the newest heartbeat went. Times in Unix seconds."""

    at: int
    accepted: int | None  # the newest one that was
    error: str  # why it was not accepted, or empty


def last_heartbeat(store: Reader) -> Beat | None:
    text = notes.get_note(store, "heartbeat")
    return Beat(**json.loads(text)) if text else None
