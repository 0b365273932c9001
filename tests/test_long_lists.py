"""A long list is taken part by part: what comes of it is what one step would have made, also
where it was killed between its parts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world import chain, long_list
from world.listed import take_list
from world.parts import REPO
from world.record import new_record

from monitor.model import entry_lines
from monitor.store import taking
from monitor.store.sqlite import Store

ALL = long_list.entries()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_record(tmp_path / "record.db")
    yield made
    made.close()


def logged(store: Store) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """What the log says of entries: id, columns before, columns now."""
    for body in chain.bodies(store):
        if "entries" in body:
            yield from map(tuple, entry_lines.lines(body))


def check(store: Store, listed: int) -> None:
    """Each entry is there and came once, the list was taken once, the chain holds."""
    added = Counter(entry for entry, was, _ in logged(store) if was is None)
    assert added == dict.fromkeys((entry.id for entry in ALL[:listed]), 1)
    assert store.read("SELECT count(*) AS n FROM entry")[0]["n"] == listed
    assert store.read("SELECT count(*) AS n FROM entry_version")[0]["n"] == listed
    assert [row["sha256"] for row in store.read("SELECT sha256 FROM list_version")] == ["long"]
    assert chain.faults_of(store.path) == []


def absent(store: Store) -> set[str]:
    return {row["id"] for row in store.read("SELECT id FROM entry WHERE absent IS NOT NULL")}


def test_a_long_list_is_taken_once(store: Store) -> None:
    take_list(store, ALL, "long", 5)
    check(store, len(ALL))
    before = len(chain.bodies(store))
    take_list(store, ALL, "long", 6)
    assert len(chain.bodies(store)) == before, "nothing new is no act"


def test_what_leaves_a_long_list_and_comes_back(store: Store) -> None:
    """Each is marked once, and no part takes what it does not name for missing."""
    take_list(store, ALL, "1", 5)
    few = ALL[: taking.PART + 5]
    for listed, sha256 in ((few, "2"), (ALL, "3")):
        before = Counter(entry for entry, _, _ in logged(store))
        take_list(store, listed, sha256, 6, keep=[ALL[-1].id])
        gone = {entry.id for entry in ALL[len(listed) : -1]}
        assert absent(store) == gone
        news = Counter(entry for entry, _, _ in logged(store)) - before
        assert news == dict.fromkeys((entry.id for entry in ALL[len(few) : -1]), 1)
    assert chain.faults_of(store.path) == []


@pytest.mark.slow
def test_a_kill_between_parts_loses_nothing(tmp_path: Path) -> None:
    chance, between = random.Random(4), 0
    for number in range(6):
        path = tmp_path / f"{number}.db"
        Store(path, create=True).close()
        kill_at(path, chance.randrange(1, 5) * taking.PART)
        store = Store(path)
        between += 0 < store.read("SELECT count(*) AS n FROM entry")[0]["n"] < len(ALL)
        assert chain.breaks(store) == []
        take_list(store, ALL, "long", 6)
        check(store, len(ALL))
        store.close()
    print(f"killed between parts {between} times")
    assert between >= 3


def kill_at(path: Path, count: int) -> None:
    """Take the list in another process, which is killed when so many entries are in."""
    process = subprocess.Popen(
        [sys.executable, str(REPO / "tests/world/long_list.py"), str(path)],
        env={**os.environ, "PYTHONPATH": f"{REPO}:{REPO / 'tests'}"},
    )
    looker = Store(path, readonly=True)
    while process.poll() is None:
        if looker.read("SELECT count(*) AS n FROM entry")[0]["n"] >= count:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    looker.close()
    process.wait(20)
