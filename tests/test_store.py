"""The record as a file: one transaction or none, refusals, read-only, backup."""

from __future__ import annotations

import os
import re
import resource
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from world.book import Book, fee, transfer
from world.play import A

from monitor.model import UINT256_MAX, TokenFacts
from monitor.model.errors import StoreError
from monitor.store.schema import APPLICATION_ID, VERSION
from monitor.store.sqlite import AUTOCHECKPOINT, PAGE, Store

IN = transfer(105)
TABLES = (
    *("transfer", "sighting", "coverage", "gap", "token", "alert", "alert_transfer"),
    *("route", "incident", "reading", "entry"),
)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    made.watch()
    made.read(head=100)
    yield made
    made.store.close()


def dump(store: Store) -> list[tuple[object, ...]]:
    return [(t, *row) for t in TABLES for row in store.read(f"SELECT * FROM {t}")]


@contextmanager
def no_room_above(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond `size` bytes: a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_poll_of_one_address_looks_at_its_own_rows(book: Book) -> None:
    """None of its questions walks through all rows of the chain at some heights: first contact
    of many addresses would grow with their square."""
    seen: list[str] = []
    with book.store.write() as conn:
        conn.set_trace_callback(seen.append)  # type: ignore[attr-defined]
    book.read(IN, head=110)
    with book.store.write() as conn:
        conn.set_trace_callback(None)  # type: ignore[attr-defined]
    asked = {sql for sql in seen if sql.startswith("SELECT") and "FROM transfer" in sql}
    assert any("BETWEEN" in sql for sql in asked)
    walked = [r["detail"] for sql in asked for r in book.store.read(f"EXPLAIN QUERY PLAN {sql}")]
    assert not [each for each in walked if "transfer_height" in each]


# -- one transaction -----------------------------------------------------------------------


@pytest.mark.parametrize("table", ["sighting", "coverage", "alert", "alert_transfer", "reading"])
def test_a_plan_is_applied_in_full_or_not_at_all(book: Book, table: str) -> None:
    """Whichever table fails, nothing stays; the repeat has the same names."""
    with book.store.write() as conn:
        conn.execute(
            f"CREATE TRIGGER crash BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
    before = dump(book.store)
    batch = book.batch(IN, fee(105, sender=A, tx="0xt2"), head=120)
    with pytest.raises(StoreError):
        book.take([batch])
    assert dump(book.store) == before
    with book.store.write() as conn:
        conn.execute("DROP TRIGGER crash")
    wanted = book.decide([batch])
    assert [a.id for a in book.take([batch]).alerts] == [a.id for a in wanted.alerts]


def test_a_full_disk_loses_nothing_and_names_the_remedy(book: Book) -> None:
    """The step is refused as a whole, says so, and works once there is room."""
    many = [transfer(105, tx=f"0x{n}") for n in range(800)]
    batch = book.batch(*many, head=120)
    before = dump(book.store)
    wal = Path(f"{book.store.path}-wal")
    with no_room_above(wal.stat().st_size + 50_000), pytest.raises(StoreError):
        book.take([batch])
    assert dump(book.store) == before
    assert len(book.take([batch]).alerts) == 800
    assert book.store.read("PRAGMA integrity_check")[0][0] == "ok"


def test_threads_take_turns(book: Book) -> None:
    """Writers and readers of one process never see "locked" or half of a step."""
    seen: list[int] = []

    def add() -> None:
        for _ in range(50):
            with book.store.write() as conn:
                conn.execute("UPDATE scope SET failures = failures + 1")
                conn.execute("UPDATE scope SET failures = failures + 1")
            seen.append(book.store.read("SELECT failures FROM scope")[0]["failures"])

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(seen) == 400
    assert all(count % 2 == 0 for count in seen)


# -- values --------------------------------------------------------------------------------


def test_the_largest_amount_is_kept_to_the_last_digit(book: Book) -> None:
    """uint256, as text: never a float, never cut."""
    huge = transfer(105, amount=UINT256_MAX)
    book.read(huge, head=106)
    assert book.row(huge).transfer.amount == UINT256_MAX
    assert book.store.read("SELECT typeof(amount) AS t FROM transfer")[0]["t"] == "text"


def test_hostile_text_of_a_contract_cannot_stop_a_plan(book: Book) -> None:
    """Lone surrogates and a million characters are stored as far as they can be."""
    facts = TokenFacts("0xc", symbol="\ud800A\x00", name="N" * 10**6, decimals=2**40)
    batch = replace(book.batch(IN, head=106), tokens=(facts,))
    assert len(book.take([batch]).alerts) == 1
    (row,) = book.store.read("SELECT * FROM token")
    assert row["symbol"].endswith("A\x00")
    assert len(row["name"]) == 1000


# -- opening -------------------------------------------------------------------------------


def test_a_mistyped_path_is_refused(tmp_path: Path) -> None:
    """No new, empty record appears by mistake."""
    with pytest.raises(StoreError, match="does not exist"):
        Store(tmp_path / "typo.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("content", [b"", b"not a database at all, but some other file\n" * 40])
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, content: bytes, create: bool) -> None:
    """Zero bytes or another file: refused; only `init` may fill an empty one."""
    path = tmp_path / "fundwatch.db"
    path.write_bytes(content)
    if create and not content:
        Store(path, create=True).close()
        Store(path).close()
        return
    with pytest.raises(StoreError, match=r"fundwatch\.db"):
        Store(path, create=create)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """A SQLite file without our mark is not touched, not even by `init`."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE theirs (x)")
    conn.close()
    for create in (False, True):
        with pytest.raises(StoreError, match="not a Fundwatch record"):
            Store(path, create=create)


def test_a_newer_record_is_refused_by_name(tmp_path: Path) -> None:
    """An older program must not write into what it does not know."""
    path = tmp_path / "fundwatch.db"
    Store(path, create=True).close()
    with sqlite3.connect(path) as conn:
        conn.execute(f"PRAGMA user_version = {VERSION + 1}")
    conn.close()
    for readonly in (False, True):
        with pytest.raises(StoreError, match=rf"written by Fundwatch .* with schema {VERSION + 1}"):
            Store(path, readonly=readonly)


def test_a_damaged_record_is_refused_with_its_remedy(book: Book, tmp_path: Path) -> None:
    """Overwritten pages: said, with what to do; never started empty."""
    copy = tmp_path / "copy.db"
    book.store.backup(copy)
    damaged = bytearray(copy.read_bytes())
    damaged[100:3000] = b"\xff" * 2900
    copy.write_bytes(damaged)
    with pytest.raises(StoreError, match="Restore the newest backup"):
        Store(copy)


def test_making_the_schema_is_all_or_nothing(tmp_path: Path) -> None:
    """The disk fills up somewhere in the middle: the next `init` starts from what is there."""
    failed = 0
    for room in range(4096, 200_000, 20_000):
        path = tmp_path / f"{room}.db"
        with no_room_above(room), suppress(StoreError):
            Store(path, create=True).close()
            continue
        failed += 1
        Store(path, create=True).close()
        Store(path).close()
    assert failed


def test_the_file_is_marked_and_safe(tmp_path: Path) -> None:
    """Our mark, WAL, full synchronisation, foreign keys."""
    store = Store(tmp_path / "fundwatch.db", create=True)
    found = [
        store.read(f"PRAGMA {name}")[0][0]
        for name in ("application_id", "journal_mode", "synchronous", "foreign_keys")
    ]
    assert found == [APPLICATION_ID, "wal", 2, 1]
    store.close()


# -- reading beside the writer, and copies ---------------------------------------------------


def test_a_reader_cannot_write_and_sees_what_is_committed(book: Book) -> None:
    """Status, lists and the web page open the file read-only while the daemon writes."""
    reader = Store(book.store.path, readonly=True)
    book.read(IN, head=106)
    assert len(reader.read("SELECT 1 FROM transfer")) == 1
    with pytest.raises(StoreError), reader.write() as conn:
        conn.execute("UPDATE scope SET failures = 1")
    with book.store.write() as conn:
        conn.execute("UPDATE scope SET failures = 7")
        assert reader.read("SELECT failures FROM scope")[0]["failures"] == 0
    reader.close()


def test_a_backup_is_a_record_of_its_own(book: Book, tmp_path: Path) -> None:
    """One file, consistent, that opens and holds the same rows; a full disk is told."""
    book.read(IN, head=106)
    target = tmp_path / "copy.db"
    book.store.backup(target)
    assert sorted(p.name for p in tmp_path.glob("copy.db*")) == ["copy.db"]
    copy = Store(target)
    assert dump(copy) == dump(book.store)
    copy.close()
    with no_room_above(8192), pytest.raises(StoreError):
        book.store.backup(tmp_path / "second.db")
    assert list(tmp_path.glob("second.db*")) == []


def test_a_backup_is_for_its_owner_and_overwrites_nothing(book: Book, tmp_path: Path) -> None:
    """It holds the whole record; a file that is there, or no folder, is named and refused."""
    before = os.umask(0)
    try:
        book.store.backup(tmp_path / "copy.db")
    finally:
        os.umask(before)
    made = (tmp_path / "copy.db").stat()
    assert stat.S_IMODE(made.st_mode) == 0o600
    for target in (tmp_path / "copy.db", tmp_path / "no" / "copy.db"):
        with pytest.raises(StoreError, match=f"{re.escape(str(target))}: cannot be made"):
            book.store.backup(target)
    assert (tmp_path / "copy.db").stat().st_size == made.st_size


# -- the watchlist ---------------------------------------------------------------------------


def test_a_later_case_has_a_line_of_its_own(book: Book) -> None:
    """A second entry on a known address: its history begins at its own first contact."""
    book.read(IN, head=106)
    book.watch()
    plan = book.read(IN, transfer(107, tx="0xt2"), head=108)
    told = {(a.entry_id, a.tx) for a in plan.alerts}
    assert told == {("E0", "0xt2")}
    assert {a.entry_id for a in book.read(transfer(109, tx="0xt3"), head=109).alerts} == {
        "E0",
        "E1",
    }


def test_what_waits_while_a_long_list_is_taken_gives_its_room_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "new.db", create=True)
    wal, usual = tmp_path / "new.db-wal", AUTOCHECKPOINT * PAGE
    with store.write() as conn:
        conn.execute("CREATE TABLE filled (page BLOB)")

    def fill(megabytes: int) -> int:
        for _ in range(megabytes // 5):
            with store.write() as conn:
                conn.execute("INSERT INTO filled VALUES (zeroblob(5000000))")
        return wal.stat().st_size

    with store.long_work():
        assert fill(60) > usual * 1.2
    assert fill(60) < usual * 1.2
    with pytest.raises(ZeroDivisionError), store.long_work():
        1 / 0  # noqa: B018 - any fault
    assert store.read("PRAGMA wal_autocheckpoint")[0][0] == AUTOCHECKPOINT
    store.close()
