"""Every change of the record is an act, and what the record held before the log began stands in
its first one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.book import Book, transfer
from world.home import ALICE, BANK, BOB, SHOP, Scene, entry, staged, watchlist
from world.listed import take_list
from world.older import older
from world.record import new_record
from world.tamper import untriggered

from monitor.model import Axis, Head, Subject, entry_lines
from monitor.model.acts import DAEMON, CloseCase, KeepHeads, Respell, Retire, SetClock
from monitor.model.acts_trace import Follow
from monitor.model.cases import CaseState
from monitor.model.errors import Conflict, StoreError
from monitor.model.heads import Book as HeadBook
from monitor.model.heads import Fault, News
from monitor.model.plan import Signal
from monitor.store import covered_day, digests, log
from monitor.store.commit import commit
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
        ("DELETE FROM entry_change WHERE at = 6", "entry_version"),
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
    store = new_record(tmp_path / "new.db")
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
        "UPDATE entry_change SET entry = 'other'",
        "UPDATE entry_change SET terms = '{}'",
        "UPDATE entry SET brought = 'other'",
        "UPDATE entry SET brought = NULL",
        "DELETE FROM entry_change",
        "DELETE FROM entry",
        "UPDATE list_version SET at = 1",
        "DELETE FROM list_version",
        "UPDATE log SET digest = ''",
        "DELETE FROM log",
        "UPDATE log_text SET text = ''",
        "DELETE FROM log_text",
        "UPDATE log_case SET case_id = 'other'",
        "DELETE FROM log_case",
        "DELETE FROM case_state",
    ],
)
def test_what_is_only_added_to_refuses_changes(book: Book, change: str) -> None:
    (alert,) = book.store.read("SELECT id FROM alert")
    commit(book.store, DAEMON, CloseCase(5, "C", "done", CaseState()))
    book.entries[0] = replace(book.entries[0], label="new")
    book.watch(label="as it came")
    assert {row["n"] for row in book.store.read("SELECT count(*) AS n FROM entry_change")} == {2}
    with book.store.write() as conn:
        conn.execute(
            "INSERT INTO alert_log (id, alert, at, state, name, note) "
            "VALUES ('L', ?, 1, 'closed', 'Kim', '')",
            [alert["id"]],
        )
    with pytest.raises(StoreError), book.store.write() as conn:
        conn.execute(change)


# -- each act ------------------------------------------------------------------------------


def last_act(store: Store) -> list[dict[str, Any]]:
    """The parts of the newest act."""
    every = texts(store)
    return [text for text in every if text["first"] == every[-1]["first"]]


def changed(store: Store) -> list[list[Any]]:
    """Of the newest act, the entries that it changed: id, before, after."""
    parts = [text["body"] for text in last_act(store) if text["what"] == "entries"]
    return [[*line] for part in parts for line in entry_lines.lines(part)]


def test_a_list_tells_what_it_changes_and_one_that_says_nothing_new_is_no_act(book: Book) -> None:
    (one,) = book.entries
    other = replace(one, id="E9", subject=Subject("ethereum", "0x9"), case="D")
    take_list(book.store, [replace(one, label="new"), other], "second", 7)
    listed, *_ = last_act(book.store)
    assert (listed["act"], listed["body"]["sha256"]) == ("take list", "second")
    edit, new = changed(book.store)
    assert [json.loads(edit[n]["terms"])["label"] for n in (1, 2)] == ["", "new"]
    assert (new[0], new[1], new[2]["case_id"], new[2]["added"]) == ("E9", None, "D", 7)
    cases = book.store.read("SELECT case_id FROM log_case WHERE seq > ?", [listed["first"]])
    assert [row["case_id"] for row in cases] == ["C", "D"], "each case in a row of its own"
    before = log.last(book.store)
    take_list(book.store, [replace(one, label="new"), other], "second", 8)
    assert log.last(book.store) == before
    assert len(book.store.read("SELECT * FROM list_version")) == 2
    take_list(book.store, [replace(one, label="new")], "third", 9)
    assert changed(book.store) == [["E9", {"absent": None}, {"absent": 9}]]
    commit(book.store, DAEMON, Retire(10, replace(other, retired="gone")))
    ((name, was, now),) = changed(book.store)
    assert (name, was["absent"], was["retired"]) == ("E9", 9, None)
    assert (now["absent"], now["retired"]) == (None, 10)


def test_coverage_taken_back_is_an_act_and_heads_alone_are_none(book: Book) -> None:
    def tell(_fault: Fault, _keys: frozenset[str]) -> Signal:
        return Signal("head:ethereum/one", bad=True)

    def keep(*faults: Fault) -> None:
        news = News(HeadBook({}), faults, {}, {})
        commit(book.store, DAEMON, KeepHeads(book.now, "ethereum", news, [], tell))

    before = log.last(book.store)
    keep()
    assert log.last(book.store) == before
    (drawn,) = book.store.read("SELECT base_height, base_time, base_head_time FROM entry")
    false = Head(drawn["base_height"], drawn["base_head_time"])
    covered = book.store.read("SELECT scope, stream, lo, hi FROM coverage")
    keep(Fault("one", Axis.HEIGHT, (false,), Head(90, 1), 1, None, 80, booked=True, loud=True))
    lost = [text["body"] for text in last_act(book.store) if text["what"] == "taken back"]
    lines = [line for body in lost for line in body["coverage"]]
    assert sorted([*row, 80] for row in covered) == sorted(lines)
    assert {row["hi"] for row in book.store.read("SELECT hi FROM coverage")} == {80}
    none = {"base_height": None, "base_time": None, "base_head_time": None}
    assert changed(book.store) == [["E0", dict(drawn), none]]


def test_another_form_of_an_address_tells_which_rows_it_took_along(book: Book) -> None:
    (told,) = book.store.read("SELECT id FROM alert WHERE kind = 'movement'")
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "it pays", 60))
    commit(book.store, DAEMON, Respell(book.now, [(book.subject, "0xnew")]))
    assert [tuple(row) for row in book.store.read("SELECT subject FROM followed")] == [
        ("ethereum/0xnew",)
    ]
    body = last_act(book.store)[0]["body"]
    assert (body["old"], body["new"]) == (book.subject.key, "ethereum/0xnew")
    assert (body["sender"], body["recipient"]) == ([], [[IN.tx, IN.leg]])
    assert book.store.read("SELECT recipient FROM transfer")[0][0] == "0xnew"
    assert changed(book.store)[0][2]["subject"] == "ethereum/0xnew"
    assert book.store.read("SELECT entry FROM alert WHERE id = ?", [told["id"]])[0][0] == "E0"


def test_a_clock_set_back_is_an_act_where_it_moves_an_entry(book: Book) -> None:
    before = log.last(book.store)
    commit(book.store, DAEMON, SetClock(book.now))
    assert log.last(book.store) == before
    (added,) = book.store.read("SELECT added FROM entry")
    commit(book.store, DAEMON, SetClock(added["added"] - 5))
    assert changed(book.store) == [["E0", dict(added), {"added": added["added"] - 5}]]


def test_what_counts_as_read_is_logged_once_a_day(book: Book) -> None:
    """However often it is tried; its digest is that of the coverage."""
    day = 86_400
    for at in (day + 5, day + 6, 2 * day - 1, 2 * day, 2 * day + 1):
        commit(book.store, DAEMON, covered_day.seen(book.store, at))
    book.read(head=200)
    commit(book.store, DAEMON, covered_day.seen(book.store, 3 * day))
    days = [text["body"] for text in texts(book.store) if text["act"] == "cover day"]
    assert [body["day"] for body in days] == ["1970-01-02", "1970-01-03", "1970-01-04"]
    digest = [body["coverage"] for body in days]
    assert digest[0] == digest[1] != digest[2]
    rows = book.store.read(
        "SELECT scope, stream, source, axis, lo, hi FROM coverage "
        "ORDER BY scope, stream, source, axis, lo"
    )
    lines = "".join(f"{log.canonical([*row])}\n" for row in rows)
    assert digest[2] == [len(rows), hashlib.sha256(lines.encode()).hexdigest()]


def test_nobody_waits_while_what_counts_as_read_is_gone_through(book: Book) -> None:
    """Of many addresses it takes long: no transaction that others wait for does it. Of two who
    have looked at once one is told so, and logs nothing."""
    today, tomorrow = (covered_day.seen(book.store, at) for at in (5, 86_405))
    traced: list[str] = []
    with book.store.write() as conn:
        conn.set_trace_callback(traced.append)  # type: ignore[attr-defined]
    commit(book.store, DAEMON, today)
    with book.store.write() as conn:
        conn.set_trace_callback(None)  # type: ignore[attr-defined]
    assert any("INSERT INTO log" in sql for sql in traced)
    assert [sql for sql in traced if " coverage" in sql or " FROM answer" in sql] == []
    with book.store.write() as conn:
        conn.execute("UPDATE note SET value = '9' WHERE key = ?", [covered_day.PINNED])
    before = log.last(book.store)
    with pytest.raises(Conflict):
        commit(book.store, DAEMON, tomorrow)
    assert log.last(book.store) == before


# -- all of it ---------------------------------------------------------------------------


def test_the_log_accounts_for_every_row_of_a_story(tmp_path: Path) -> None:
    """The real command reads, tells, is acknowledged, loses an entry and is retired: each row of
    every table is one that the log names, and each act has an actor."""
    with staged(tmp_path / "home") as scene:
        play(scene)
        store = Store(scene.home.path / "fundwatch.db", readonly=True)
        try:
            acts = {text["act"] for text in texts(store)}
            assert acts >= {"begin", "take list", "plan", "tell history", "take", "retire"}
            assert "cover day" in acts
            assert all(
                text["actor"]["name"] and text["actor"]["authority"] for text in texts(store)
            )
            for table, named in logged(store).items():
                columns = ", ".join(KEYS[table])
                rows = [tuple(row) for row in store.read(f"SELECT {columns} FROM {table}")]
                assert sorted(rows) == sorted(named), table
                assert rows, table
        finally:
            store.close()


def play(scene: Scene) -> None:
    run = scene.home.run
    run("poll")
    scene.pay((ALICE, SHOP), (BANK, BOB))
    run("poll")
    (first, *_) = scene.alerts("movement")
    run("alerts", "ack", first["id"], "--by", "Kim")
    scene.home.write("watchlist.yaml", watchlist(entry(ALICE, severity="high")))
    run("poll")
    (gone,) = scene.home.sql("SELECT id FROM entry WHERE absent IS NOT NULL")
    run("watchlist", "retire", gone[0], "--by", "Kim", "--why", "over")


KEYS = {
    "transfer": ("chain", "tx", "leg"),
    "alert": ("id",),
    "alert_log": ("id",),
    "entry": ("id",),
    "entry_version": ("entry", "at"),
    "list_version": ("sha256", "at"),
}


def logged(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """The keys of the rows that the texts of the log bring, by table."""
    found: dict[str, list[tuple[Any, ...]]] = {table: [] for table in KEYS}
    for text in texts(store):
        body, at = text["body"], text["at"]
        found["transfer"] += [tuple(row[:3]) for row in body.get("new", ())]
        if text["what"] == "alerts":
            found["alert"] += [(row[0],) for row in body["alerts"]]
        elif text["what"] == "taken":
            found["alert_log"] += [(line,) for _, line, _ in body["alerts"]]
        elif text["what"] == "list":
            found["list_version"].append((body["sha256"], at))
        elif text["what"] == "entries":
            entries = [*entry_lines.lines(body)]
            found["entry"] += [(name,) for name, was, _ in entries if was is None]
            if "list" in body:
                found["entry_version"] += [(name, at) for name, _, _ in entries]
    return found
