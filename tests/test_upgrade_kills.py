"""A record of an older version is upgraded whole or not at all, whichever page the process was
writing when it was killed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from world import chain
from world.logged import differences
from world.older import record_before
from world.parts import REPO

from monitor.store import digests
from monitor.store.schema import VERSION
from monitor.store.sqlite import Store

OLD = 3  # the schema of the last version that had no log
PAGE = 4096
FRAME = PAGE + 24  # a page in the -wal

_FILL = """
INSERT INTO subject (key, chain, address) VALUES ('dev/0xa', 'dev', '0xa');
INSERT INTO entry (id, subject, case_id, terms, added) VALUES ('E', 'dev/0xa', 'C', '{}', 5);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
INSERT INTO transfer (chain, tx, leg, kind, sender, recipient, amount, block_height, block_hash,
  time, status, first_seen)
SELECT 'dev', '0x' || hex(i * 7919), 'leg', 'native', '0xa', '0xb' || i % 50, i, i, '0x' || i,
  i, 'final', i FROM n;
INSERT INTO sighting SELECT id, 'one', block_hash, time, 'sha' FROM transfer;
INSERT INTO coverage VALUES ('dev/0xa', 'native', 'one', 'height', 0, ROWS, 5);
INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, lane_reason, title, facts,
  audience) SELECT 'A-' || id, 'movement', 'news', 'low', 5, chain, tx, 'E', '', '', '{}', 'desk'
  FROM transfer WHERE id % 10 = 0;
INSERT INTO alert_transfer SELECT 'A-' || id, id FROM transfer WHERE id % 10 = 0;
"""
SAME = (
    "SELECT * FROM transfer",
    "SELECT * FROM sighting",
    "SELECT * FROM coverage",
    f"SELECT {digests.TABLES['alert'].columns} FROM alert",
    "SELECT * FROM alert_transfer",
    "SELECT id, case_id, terms FROM entry",
)


def old_record(path: Path, rows: int) -> Path:
    """A record of schema 3."""
    db = record_before("m004_scope", path)
    db.conn.execute("PRAGMA journal_mode = WAL")
    db.conn.executescript(_FILL.replace("ROWS", str(rows)))
    db.conn.commit()
    db.close()
    return path


def content(path: Path) -> list[list[tuple[object, ...]]]:
    """What no migration may change. Opening it brings what a killed process left to its end."""
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [conn.execute(sql).fetchall() for sql in SAME]


def schema(path: Path) -> int:
    """Old or new: its number, with nothing of the other one."""
    with closing(sqlite3.connect(path)) as conn:
        (version,) = conn.execute("PRAGMA user_version").fetchone()
        tables = {row[0] for row in conn.execute("SELECT name FROM sqlite_master")}
        assert ("subject" in tables, "scope" in tables, "log" in tables) == (
            *(version == OLD, version == VERSION, version == VERSION),
        )
        return int(version)


def upgrade(path: Path, limit: int, phase: str) -> bool:
    """Whether it came to its end; else it was killed at that write."""
    done = subprocess.run(
        [sys.executable, str(REPO / "tests/world/upgrade.py"), str(path), str(limit), phase],
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGXFSZ), done.stderr
    return done.returncode == 0


def try_once(old: Path, folder: Path, limit: int, phase: str) -> tuple[bool, int]:
    """Kill an upgrade, look at what is left, and let the next start do the rest."""
    folder.mkdir()
    path = Path(shutil.copy(old, folder / "record.db"))
    came_to_end, before = upgrade(path, limit, phase), content(old)
    found = schema(path)
    assert content(path) == before
    copies = [each for each in folder.glob("record.db.schema-*Z") if each.stat().st_size]
    assert all(content(each) == before and schema(each) == OLD for each in copies)
    for _ in range(2):  # also a third time: nothing is done twice
        store = Store(path)
        assert chain.breaks(store) == []
        assert [body["schema"] for body in chain.bodies(store)[:1]] == [OLD]
        assert len(chain.bodies(store)) == len({str(body) for body in chain.bodies(store)})
        store.close()
    assert (schema(path), content(path), differences(path)) == (VERSION, before, [])
    shutil.rmtree(folder)
    return came_to_end, found


@pytest.mark.slow
def test_killed_at_any_page_of_the_migration(tmp_path: Path) -> None:
    """At each page that it writes beside the record, and while these go into the record."""
    old, found = old_record(tmp_path / "old.db", 60), Counter[int]()
    for page in range(1000):
        limit = 32 + page * FRAME + PAGE // 2
        came_to_end, version = try_once(old, tmp_path / str(page), limit, "migrate")
        found[version] += not came_to_end
        if came_to_end:
            break
    print(f"killed {found.total()} times, left as schema: {found}")
    assert came_to_end
    assert found[OLD] > 20


@pytest.mark.slow
def test_killed_in_a_long_migration(tmp_path: Path) -> None:
    """The same with 50,000 rows, here and there; also while the copy is made."""
    old, found = old_record(tmp_path / "old.db", 50_000), Counter[tuple[str, int]]()
    size = old.stat().st_size
    for number, phase in enumerate(["copy", *["migrate"] * 3] * 5):
        limit = (size if phase == "copy" else size // 5) * (number + 1) // 21
        came_to_end, version = try_once(old, tmp_path / str(number), limit, phase)
        found[phase, version] += not came_to_end
    print(f"killed {found.total()} times, left as schema: {found}")
    assert found["copy", OLD] == 5
    assert found["migrate", OLD] > 3
    assert found["copy", VERSION] == 0
