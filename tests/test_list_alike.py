"""Entries that differ in id and address alone: worked out once, logged once, the same as if each
were worked out by itself. And what makes a million of them small: versions without texts in their
key, staged rows in parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from world import chain
from world.logged import differences
from world.older import record_before
from world.published import OFAC, Desk, Line, address, lines
from world.tamper import untriggered

from monitor.loops.list_words import retire_of_list
from monitor.model import entry_lines
from monitor.model.acts import Actor, ActorKind
from monitor.store import staging
from monitor.store.sqlite import Store

KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")
# One entity has many addresses; others one each; one is written in two ways; one is a contract.
ROWS = [
    *lines(*range(40)),
    *lines(*range(40, 45), entity="2", name='B "ETA" \\ é'),
    *lines(*range(45, 50), ticker="ARB"),
    *(Line(address(n), str(n), f"N {n}") for n in range(50, 55)),
    *lines(0, entity="2", name='B "ETA" \\ é'),
    Line("18M8bJWMzWHDBMxoLqjHHAffdRy4SrzkfB", ticker="BCH"),
    Line("0x" + "0" * 40),
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize("waits", ["", "2026-03-02"])
@pytest.mark.parametrize("chains", ["published", "all", ("arbitrum", "ethereum", "bitcoin-cash")])
def test_what_is_worked_out_once_is_what_each_would_be(
    desk: Desk, chains: str | tuple[str, ...], waits: str
) -> None:
    config = replace(OFAC, chains=chains)
    desk.set(watch=False, chains=chains)
    desk.take(ROWS)
    some = [each.address for each in ROWS]
    makes = desk.lists.makes
    one_by_one = makes.changed(config, some, waits)
    assert len(one_by_one) > 50
    assert sorted(makes.changed(config, some, waits, judged=1), key=str) == sorted(
        one_by_one, key=str
    )


def test_whoever_has_an_entry_or_a_word_is_worked_out_by_itself(desk: Desk) -> None:
    desk.take(ROWS[:10])
    retire_of_list(desk.lists, KIM, "ofac", address(3), "an error")
    desk.take(ROWS, "2026-03-02", grown=True)
    assert address(3) not in {each.subject.address for each in desk.entries().values()}
    assert len(desk.entries()) > 50
    desk.reopen()
    every = [each.address for each in ROWS]
    assert desk.lists.makes.changed(OFAC, every) == []
    assert desk.differences() == []


def test_the_log_says_once_what_many_share(desk: Desk) -> None:
    desk.take(ROWS)
    bodies = [each for each in chain.bodies(desk.store) if "alike" in each]
    told = {name: now for body in bodies for name, _, now in entry_lines.lines(body)}
    stored = {row["id"]: row for row in desk.store.read("SELECT * FROM entry")}
    assert told.keys() == stored.keys()
    assert sum(len(body["alike"]) for body in bodies) < len(told) / 2
    for name, now in told.items():
        assert now == {column: stored[name][column] for column in now}
    assert desk.differences() == []


def test_a_text_that_does_not_hold_its_address_is_said_whole() -> None:
    odd = ("E-1", None, {"subject": "x/ab", "terms": '{"id": "E-1"}', "added": 5})
    told = entry_lines.body([odd])
    assert told == {"entries": [odd]}
    assert [*entry_lines.lines(told)] == [odd]


@pytest.mark.parametrize(
    ("change", "there"),
    [
        ("INSERT INTO entry_change SELECT entry, at, nr + 1, terms, list_sha256 "
         "FROM entry_version LIMIT 1", "2 rows"),
        ("INSERT INTO entry_change SELECT id, added, 7, terms, brought FROM entry LIMIT 1; "
         "UPDATE entry SET brought = NULL WHERE id IN (SELECT entry FROM entry_change)",
         "number 7"),
    ],
)  # fmt: skip
def test_a_version_that_stands_twice_or_odd_is_found(desk: Desk, change: str, there: str) -> None:
    desk.take(ROWS)
    assert desk.differences() == []
    with closing(sqlite3.connect(desk.store.path)) as conn, untriggered(conn):
        conn.executescript(change)
        conn.commit()
    assert [(each.check, each.found) for each in desk.differences()] == [("record", there)]


LOOKS = [
    "SELECT e.id FROM entry e JOIN entry_version v ON v.entry = e.id WHERE e.subject = ?",
    "WITH name (id) AS (SELECT ?) SELECT terms FROM entry_version WHERE entry IN name AND at = 5",
    "SELECT * FROM entry_version WHERE (entry, at, terms) > (?, 5, '') ORDER BY entry, at, terms",
    "SELECT at FROM entry_version WHERE entry IN (SELECT id FROM entry WHERE list = ?) ORDER BY at",
]


@pytest.mark.parametrize("look", LOOKS)
def test_versions_are_found_by_what_is_asked_and_not_put_together_before(
    desk: Desk, look: str
) -> None:
    """Of a million entries verify would do that for each address."""
    plan = desk.store.read(f"EXPLAIN QUERY PLAN {look}", ["x"])
    assert [row["detail"] for row in plan if "entry_version" in row["detail"]] == []


def test_what_was_being_taken_before_an_upgrade_is_cleared(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    db = record_before("m010_blocks", path)
    texts = [row[1] for row in db.execute("PRAGMA table_info(listing)") if row[2] == "TEXT"]
    begun = {**dict.fromkeys(texts, "x"), "from_nr": 1, "at_least": 0}
    db["listing"].insert(begun)
    db["staged"].insert_all({"list": "x", "key": key, "says": "", "rule": ""} for key in "az")
    db.conn.commit()
    db.close()
    with closing(Store(path)) as store:
        assert differences(path) == []
        staging.clear(store, "x")
        for table in ("listing", "staged", "ending"):
            assert store.read(f"SELECT * FROM {table}") == []
