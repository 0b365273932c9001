"""Every change of the record is an act, and what the record held before the log began stands in
its first one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database
from world.book import Book, transfer
from world.tamper import untriggered

from monitor.model.errors import StoreError
from monitor.store import digests, log
from monitor.store.migrations import migrations
from monitor.store.schema import APPLICATION_ID
from monitor.store.sqlite import Store

IN = transfer(105)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    made.watch()
    made.read(head=100)
    made.read(IN, head=120)
    yield made
    made.store.close()


def texts(store: Store) -> list[dict[str, Any]]:
    """What the log says, row by row."""
    return [json.loads(row.text or "{}") for row in log.each(store)]


# -- what was there before ---------------------------------------------------------------


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


def older(path: Path) -> None:
    """A record as the version before the log left it."""
    db = Database(sqlite3.connect(path))
    migrations.apply(db, stop_before="m004_scope")
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.conn.execute("PRAGMA user_version = 3")
    db.conn.executescript(OLD)
    db.close()


def held(store: Store) -> dict[str, dict[str, Any]]:
    """The digests that the log begins with, by table."""
    begun = [text for text in texts(store) if text["act"] == "begin"]
    return {t["body"]["table"]: t["body"] for t in begun if t["what"] == "table"}


def now_held(store: Store) -> dict[str, dict[str, Any]]:
    """The same of the record as it is now."""
    return {
        name: {"table": name, **digests.digest(digests.rows_of(store.read, name), table.key).body()}
        for name, table in digests.TABLES.items()
    }


def test_an_older_record_begins_its_log_with_what_it_held(tmp_path: Path) -> None:
    """Its first act holds a digest of every table, and of every thousand rows of it."""
    older(tmp_path / "old.db")
    store = Store(tmp_path / "old.db")
    first = texts(store)[0]
    assert (first["act"], first["body"]) == ("begin", {"schema": 3})
    assert held(store) == now_held(store)
    rows = {name: body["rows"] for name, body in held(store).items()}
    assert rows == {"list_version": 1, "entry": 1, "entry_version": 2, "transfer": 2500,
                    "alert": 1, "alert_log": 1}  # fmt: skip
    assert [block[:3] for block in held(store)["transfer"]["blocks"]] == [
        [[2], [2000], 1000], [[2002], [4000], 1000], [[4002], [5000], 500]
    ]  # fmt: skip
    store.close()


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE transfer SET amount = '8' WHERE id = 2002", "transfer"),
        ("UPDATE sighting SET sha256 = 'other' WHERE transfer = 4", "transfer"),
        ("DELETE FROM sighting WHERE transfer = 4", "transfer"),
        ("DELETE FROM alert_transfer WHERE transfer = 4", "alert"),
        ("UPDATE alert SET state = 'closed'", "alert"),
        ("UPDATE alert_log SET note = 'unseen'", "alert_log"),
        ("UPDATE entry SET base_height = 4", "entry"),
        ("DELETE FROM entry_version WHERE at = 6", "entry_version"),
        ("UPDATE list_version SET outcome = '[]'", "list_version"),
    ],
)
def test_whatever_differs_from_it_shows_in_its_table(
    tmp_path: Path, change: str, table: str
) -> None:
    older(tmp_path / "old.db")
    store = Store(tmp_path / "old.db")
    with store.write() as conn, untriggered(conn):
        conn.execute(change)
    begun, now = held(store), now_held(store)
    assert {name for name in begun if begun[name] != now[name]} == {table}
    differ = [b != n for b, n in zip(begun[table]["blocks"], now[table]["blocks"], strict=True)]
    assert sum(differ) == 1, "one block alone differs"
    store.close()


def test_a_new_record_begins_with_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "new.db", create=True)
    assert [text["act"] for text in texts(store)] == ["begin"] * (1 + len(digests.TABLES))
    assert {body["rows"] for body in held(store).values()} == {0}
    store.close()


# -- what is only added to ---------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE transfer SET amount = '8'",
        "UPDATE transfer SET recipient = '0xother'",
        "UPDATE transfer SET first_seen = 1",
        "DELETE FROM transfer",
        "UPDATE sighting SET at = 1",
        "DELETE FROM sighting",
        "UPDATE alert SET facts = '{}'",
        "UPDATE alert SET entry = NULL",
        "DELETE FROM alert_transfer",
        "DELETE FROM alert",
        "UPDATE alert_log SET name = ''",
        "UPDATE alert_log SET at = 1",
        "DELETE FROM alert_log",
        "UPDATE entry_version SET entry = 'other'",
        "UPDATE entry_version SET terms = '{}'",
        "DELETE FROM entry_version",
        "DELETE FROM entry",
        "UPDATE list_version SET at = 1",
        "DELETE FROM list_version",
        "UPDATE log SET digest = ''",
        "DELETE FROM log",
        "UPDATE log_text SET text = ''",
        "DELETE FROM log_text",
    ],
)
def test_what_is_only_added_to_refuses_changes(book: Book, change: str) -> None:
    (alert,) = book.store.read("SELECT id FROM alert")
    with book.store.write() as conn:
        conn.execute("INSERT INTO alert_log VALUES ('L', ?, 1, 'closed', 'Kim', '')", [alert["id"]])
    with pytest.raises(StoreError), book.store.write() as conn:
        conn.execute(change)
