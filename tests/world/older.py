"""Records as earlier versions left them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from monitor.store.migrations import migrations
from monitor.store.schema import APPLICATION_ID

OLD = """
INSERT INTO subject (key, chain, address) VALUES ('ethereum/0xa', 'ethereum', '0xa');
INSERT INTO entry (id, subject, case_id, terms, added)
  VALUES ('E-1', 'ethereum/0xa', 'C-1', '{}', 5);
INSERT INTO entry_version VALUES ('E-1', 5, '{}', 'list'), ('E-1', 6, '{"b": 1}', 'list');
INSERT INTO list_version VALUES ('list', 5, '{}');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
  INSERT INTO transfer (id, chain, tx, leg, kind, amount, status, first_seen)
  SELECT 2 * i, 'ethereum', 'tx' || i, 'leg', 'native', '7', 'final', 9 FROM n;
INSERT INTO sighting SELECT id, 'one', 'b', 9, 'sha' FROM transfer WHERE id < 100;
INSERT INTO alert (id, kind, lane, severity, created, tx, entry, lane_reason, title, facts,
    audience)
  VALUES ('A-1', 'movement', 'news', 'low', 9, 'tx1', 'E-1', '', '', '{}', 'desk');
INSERT INTO alert_transfer VALUES ('A-1', 2), ('A-1', 4);
INSERT INTO alert_log VALUES ('L-1', 'A-1', 10, 'acknowledged', 'Kim', 'seen');
"""


def record_before(migration: str, path: Path) -> Database:
    """An empty record as the version before this migration made it; to be closed."""
    db = Database(sqlite3.connect(path))
    migrations.apply(db, stop_before=migration)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.conn.execute(f"PRAGMA user_version = {int(migration[1:4]) - 1}")
    db.conn.commit()
    return db


def older(path: Path) -> None:
    """A record as the version before the log left it."""
    db = record_before("m004_scope", path)
    db.conn.executescript(OLD)
    db.close()
