"""A long plan is committed part by part: nothing of it is cut through, and a kill between its
parts loses nothing and repeats nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from world import chain, long_plan
from world.book import Book, transfer
from world.parts import REPO

from monitor.model.plan import Doubt, Plan
from monitor.store import apply
from monitor.store.sqlite import Store

# What must be the same whether it was killed or not. Numbers of rows may differ.
KEPT = (
    "SELECT chain, tx, leg, status, version, late, first_seen FROM transfer",
    "SELECT t.tx, s.source, s.block, s.at, s.sha256 FROM sighting s JOIN transfer t "
    "ON t.id = s.transfer",
    "SELECT a.id, a.kind, a.lane, a.created, a.facts, t.tx FROM alert a "
    "JOIN alert_transfer b ON b.alert = a.id JOIN transfer t ON t.id = b.transfer",
    "SELECT * FROM route",
    "SELECT * FROM coverage",
    "SELECT * FROM reading",
    "SELECT id, base_height, base_time FROM entry",
)


def kept(folder: Path) -> list[list[tuple[object, ...]]]:
    assert chain.faults_of(folder / "book.db") == []
    store = Store(folder / "book.db", readonly=True)
    try:
        return [sorted(map(tuple, store.read(sql)), key=repr) for sql in KEPT]
    finally:
        store.close()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = long_plan.met(tmp_path)
    yield made
    made.store.close()


def rows(parts: Sequence[Plan]) -> list[int]:
    return [len(part.new) for part in parts]


def test_a_plan_is_cut_between_transactions(book: Book) -> None:
    """All of it in one part or another, with all that goes with a transaction beside its rows;
    where news begin comes first, what was read comes last."""
    moved = long_plan.payments(2 * apply.PART)
    moved[5:6] = [transfer(105, tx="0xbig", amount=n) for n in range(apply.PART + 1)]
    whole = replace(
        long_plan.decided(book, moved),
        doubts=(Doubt("0xt7", "success", "s"), Doubt("0xelse", "final", "s")),
        settled=(("0xt3999", "missing"),),
    )
    parts = list(apply.in_parts(whole))
    assert rows(parts) == [5, apply.PART + 1, apply.PART, apply.PART - 6]
    for name in ("new", "sightings", "alerts", "doubts", "settled", "covered", "baselines"):
        found = [value for part in parts for value in getattr(part, name)]
        assert sorted(found, key=repr) == sorted(getattr(whole, name), key=repr), name
    txs = [{row.transfer.tx for row in part.new} for part in parts]
    assert not any(before & after for before, after in pairwise(txs))
    for part, mine in zip(parts, txs, strict=True):
        assert {seen.identity[1] for seen in part.sightings} == mine
        assert {alert.tx for alert in part.alerts} <= mine
    assert [[d.tx for d in part.doubts] for part in parts] == [[], [], ["0xt7"], ["0xelse"]]
    assert [bool(part.covered) for part in parts] == [False, False, False, True]


def test_a_plan_of_common_length_is_one_transaction(book: Book) -> None:
    whole = long_plan.decided(book, long_plan.payments(apply.PART))
    assert list(apply.in_parts(whole)) == [whole]


def start(folder: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": f"{REPO}:{REPO / 'tests'}"}
    command = [sys.executable, str(REPO / "tests/world/long_plan.py"), str(folder)]
    return subprocess.Popen(command, env=env)


def count(folder: Path) -> int:
    conn = sqlite3.connect(f"file:{folder / 'book.db'}?mode=ro", uri=True)
    try:
        return int(conn.execute("SELECT count(*) FROM transfer").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        conn.close()


def kill_between(folder: Path, part: int, pause: float) -> bool:
    """Kill it when so many parts are in, and a moment more; False: it was quicker."""
    process = start(folder)
    while process.poll() is None and not (
        (folder / "book.db").exists() and count(folder) >= part * apply.PART
    ):
        time.sleep(0.002)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    return process.wait(20) == -signal.SIGKILL


@pytest.mark.slow
def test_a_kill_between_parts_loses_nothing(tmp_path: Path) -> None:
    undisturbed, chance, between = tmp_path / "whole", random.Random(9), 0
    undisturbed.mkdir()
    assert start(undisturbed).wait(60) == 0
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        for part in (1, 2):
            kill_between(folder, part, chance.uniform(0, 0.2))
            between += count(folder) in (apply.PART, 2 * apply.PART)
        assert start(folder).wait(60) == 0
        assert kept(folder) == kept(undisturbed)
    print(f"killed between parts {between} times")
    assert between >= 3
