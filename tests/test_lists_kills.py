"""kill -9 while a version of a list is taken: the one before is in force, or the new one, whole.

With -rP (or when it fails) the test prints how many were killed where:

    python -m pytest tests/test_lists_kills.py -m slow -rP
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from world.published import Desk, Line, key, lines

from monitor.loops.lists import AT_ONCE
from monitor.store import listing


def child(home: Path, rows: list[Line], day: str) -> int:
    """A process that takes a version; returns its number."""
    number = os.fork()
    if number == 0:
        try:
            desk = Desk(home)
            desk.lists.settle()
            desk.take(rows, day, shrunk=True)
        finally:
            os._exit(0)
    return number


def told(desk: Desk) -> dict[str, str]:
    return {k: e.origin.until for k, e in desk.entries().items() if e.origin}


@pytest.mark.slow
@pytest.mark.parametrize(("size", "tries"), [(AT_ONCE // 4, 25), (AT_ONCE + 200, 8)])
def test_a_kill_leaves_the_version_before_or_the_new_one(
    tmp_path: Path, size: int, tries: int
) -> None:
    """Also their entries: of versions with very many the rest follows at the next start."""
    dice = random.Random(size)
    one, two = lines(*range(size)), lines(*range(size // 5, size + size // 5))
    desk = Desk(tmp_path)
    desk.take(one, "2026-03-01")
    desk.store.close()
    started = time.monotonic()
    os.waitpid(child(tmp_path, two, "2026-03-02"), 0)
    lasts, found, ever = time.monotonic() - started, Counter[str](), {*one, *two}
    for turn in range(3, tries + 3):
        rows, day = (one, two)[turn % 2 == 0], f"2026-04-{turn:02}"
        number = child(tmp_path, rows, day)
        time.sleep(dice.uniform(0, lasts))
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        desk = Desk(tmp_path)
        version = listing.newest(desk.store, "ofac")
        assert version is not None
        new = version.published == day
        found["new" if new else "before"] += 1
        mine = two if (len(desk.rows() - {(r.address, "1") for r in two}) == 0) else one
        assert desk.rows() == {(row.address, "1") for row in mine}
        assert (mine == rows) or not new
        if size > AT_ONCE:
            desk.lists.settle()
        entries = told(desk)
        assert set(entries) == {key(row) for row in ever}
        assert {k for k, until in entries.items() if not until} == {key(row) for row in mine}
        assert desk.differences() == []
        desk.store.close()
    print(f"{size} rows: {dict(found)}")
    desk = Desk(tmp_path)
    desk.lists.settle()
    desk.take(lines(*range(size)), "2026-05-01", shrunk=True)
    assert desk.rows() == {(row.address, "1") for row in one}
    assert desk.store.read("SELECT count(*) FROM staged")[0][0] == 0
    assert desk.differences() == []
    desk.store.close()
