"""Two processes write to one record while either is killed again and again: one chain without a
break, all that was said to be kept is there, nothing is there twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from world import chain, committer
from world.parts import REPO

from monitor.model.errors import StoreError
from monitor.store import apply, turn
from monitor.store.sqlite import Store


class Committer:
    """A process that commits under a name, and is started again where it was killed."""

    def __init__(self, record: Path, name: str) -> None:
        self.record, self.name = record, name
        self.kept = 0  # how many of its plans it said are kept
        self._start()

    def _start(self) -> None:
        command = [sys.executable, str(REPO / "tests/world/committer.py")]
        self._process = subprocess.Popen(
            [*command, str(self.record), self.name, str(self.kept)],
            env={**os.environ, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def heard(self) -> None:
        """Wait for its next word."""
        assert self._process.stdout
        assert int(self._process.stdout.readline()) == self.kept
        self.kept += 1

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(10) == -signal.SIGKILL
        assert self._process.stdout
        for line in self._process.stdout:
            self.kept += line.endswith("\n")
        self._process.stdout.close()

    def restart(self) -> None:
        self.kill()
        self._start()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    Store(tmp_path / "record.db", create=True).close()
    return tmp_path / "record.db"


@contextmanager
def meanwhile(do: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Do something over and over beside the block; yields what went wrong with it."""
    over, wrong = threading.Event(), list[BaseException]()

    def work() -> None:
        while not over.wait(0.02) and not wrong:
            try:
                do()
            except BaseException as error:  # noqa: BLE001 - the block asks for it
                wrong.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield wrong
    finally:
        over.set()
        worker.join()


def look(record: Path) -> None:
    """Who reads sees whole commits: as many rows as their texts tell of."""
    store = Store(record, readonly=True)
    try:
        rows, logged = store.read(
            "SELECT (SELECT count(*) FROM transfer), (SELECT "
            "coalesce(sum(json_array_length(text, '$.body.new')), 0) FROM log_text)"
        )[0]
        assert rows == logged
    finally:
        store.close()


def copy(record: Path) -> None:
    """A backup is whole at any moment."""
    target = record.with_name("copy.db")
    store = Store(record, readonly=True)
    try:
        store.backup(target)
    finally:
        store.close()
    assert chain.faults_of(target) == []
    target.unlink()


@pytest.mark.slow
def test_two_processes_under_kills(record: Path) -> None:
    kills, chance = 60, random.Random(60)
    both = [Committer(record, "left"), Committer(record, "right")]
    with meanwhile(lambda: look(record)) as no_look, meanwhile(lambda: copy(record)) as no_copy:
        for _ in range(kills):
            each = chance.choice(both)
            each.heard()
            time.sleep(chance.uniform(0, 0.2))
            each.restart()
        for each in both:
            each.heard()
            each.kill()
    assert (no_look, no_copy) == ([], [])
    check(record, both)


def check(record: Path, both: list[Committer]) -> None:
    assert chain.faults_of(record) == []
    store = Store(record)  # it can be written to again
    try:
        assert store.read("PRAGMA integrity_check")[0][0] == "ok"
        found = Counter(row["tx"] for row in store.read("SELECT tx FROM transfer"))
        said = [f"{each.name}-{n}" for each in both for n in range(each.kept)]
        shared = [f"{committer.SHARED}-{n}" for n in range(max(each.kept for each in both))]
        print(f"kept {[each.kept for each in both]}, in the log {log_length(store)}")
        assert all(found[tx] == 1 for tx in (*said, *shared))
        # What was kept and not said: the last plan of each, with its shared row.
        assert found.total() <= len(said) + len(shared) + 4
        apply.apply(store, committer.plan(committer.payment("last", 1)))
    finally:
        store.close()
    assert chain.faults_of(record) == []


def log_length(store: Store) -> int:
    return int(store.read("SELECT max(seq) FROM log")[0][0])


def test_who_waits_too_long_is_told_why(record: Path) -> None:
    """The wait for another process ends, and says what to do about it."""
    with (
        turn.turn(record),
        pytest.raises(StoreError, match=r"another process .* 0 seconds.* record\.db-turn"),
        turn.turn(record, wait=0.05),
    ):
        raise AssertionError("two had their turn at once")
    with turn.turn(record, wait=0.0):
        pass


def test_the_file_of_the_turn_is_private(record: Path) -> None:
    assert record.with_name("record.db-turn").stat().st_mode & 0o777 == 0o600
