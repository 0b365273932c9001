"""Who has the file and knows the program: forged erasures and restores, hidden triggers, texts and
files that should break whoever verifies them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from world.book import Book
from world.logged import ANY, KIM, differences, live, relinked
from world.tamper import untriggered

from monitor.cli import main
from monitor.model.acts import (
    Actor,
    ActorKind,
    EraseAsked,
    Erased,
    HoldCase,
    LogEnd,
    Replaced,
    Restored,
)
from monitor.model.acts_trace import Follow
from monitor.model.cases import CaseState
from monitor.model.errors import StoreError
from monitor.store import cases, log
from monitor.store.commit import commit
from monitor.store.verify import handout
from monitor.store.verify.foreign import Foreign

Made = list[dict[str, object]]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    live(made)
    yield made
    made.store.close()


@pytest.fixture
def record(book: Book, tmp_path: Path) -> Path:
    """A copy of it that nobody has open."""
    copy = tmp_path / "copy.db"
    book.store.backup(copy)
    return copy


def verify(*args: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["verify", *map(str, args)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def found(path: Path) -> list[tuple[str, str]]:
    return [(each.check, each.place) for each in differences(path)]


# -- the file ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("CREATE TRIGGER _x BEFORE INSERT ON route BEGIN SELECT RAISE(IGNORE); END", "trigger _x"),
        ("DROP TRIGGER log_kept; PRAGMA user_version = 5", "trigger log_kept"),
        ("UPDATE scope SET address = '0x0'", None),
        ("DELETE FROM scope WHERE key IN (SELECT subject FROM entry)", "entry, row 1"),
        # An index that finds nothing any more, with its own words put back.
        (
            "DROP INDEX alert_open; CREATE INDEX alert_open ON alert(created) WHERE 0; "
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = "
            "'CREATE INDEX alert_open ON alert(created) WHERE state = ''open''' "
            "WHERE name = 'alert_open'",
            "the file",
        ),
    ],
)
def test_what_changes_the_record_from_within_is_found(
    record: Path, change: str, place: str | None
) -> None:
    with closing(sqlite3.connect(record)) as conn:
        conn.executescript(change)
        conn.commit()
    told = found(record)
    assert {check for check, _ in told} == {"schema"}
    assert place is None or place in [each for _, each in told]


@pytest.mark.parametrize("table", ["log", "log_text"])
@pytest.mark.parametrize("which", ["seq = 20", "seq = (SELECT max(seq) FROM log)"])
def test_a_row_of_the_log_cannot_be_replaced(book: Book, table: str, which: str) -> None:
    """Which SQLite does without asking the triggers of a deletion."""
    replace = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE {which}"
    with pytest.raises(StoreError, match="only added to"), book.store.write() as conn:
        conn.execute(replace)


def test_a_salt_has_one_form(record: Path) -> None:
    with closing(sqlite3.connect(record)) as conn, untriggered(conn):
        conn.execute("UPDATE log_text SET salt = upper(salt) WHERE seq = 20")
        conn.commit()
    assert found(record) == [("text", "log 20")]


# -- erasures ------------------------------------------------------------------------------


def note(book: Book, words: str) -> int:
    """The row of the log that holds it."""
    told = "SELECT seq FROM log_text WHERE json_extract(text, '$.body.note') = ?"
    return int(book.store.read(told, [words])[0]["seq"])


def erased(book: Book, numbers: list[int], by: Actor = ANY, **other: object) -> None:
    """As nobody could by any door, where `other` says something else than the request."""
    now, stand = book.now, cases.changed(book.store)
    asked = commit(book.store, KIM, EraseAsked(now, numbers[:1], "letter", "art. 17", 1, stand))
    who = {"kind": "cli", "name": KIM.name, "authority": KIM.authority}
    wish = {"number": asked, "at": now, **who, "why": "letter", "rule": "art. 17", "uid": 1}
    commit(book.store, by, Erased(now, numbers, wish | other, 2, stand))


def test_an_erasure_that_was_asked_for_by_another_person_is_none_of_these(book: Book) -> None:
    erased(book, [note(book, "paid back")])
    assert found(book.store.path) == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda book, row: erased(book, [row], number=1),
        lambda book, row: erased(book, [row], name="Ann"),
        lambda book, row: erased(book, [row], rule="another"),
        lambda book, row: erased(book, [note(book, "mine"), row]),
        lambda book, row: erased(book, [row], Actor(ActorKind.CLI, "ｋｉｍ\u200b", "a name")),
    ],
)
def test_an_erasure_that_nobody_else_asked_for_is_found(
    book: Book, forge: Callable[[Book, int], None]
) -> None:
    forge(book, note(book, "paid back"))
    assert "erasure" in {check for check, _ in found(book.store.path)}


def test_an_erasure_of_a_case_under_a_legal_hold_is_found(book: Book) -> None:
    row = note(book, "paid back")
    (case,) = book.store.read("SELECT case_id FROM log_case WHERE seq = ?", [row])[0]
    commit(book.store, KIM, HoldCase(book.now, case, "the court", CaseState()))
    erased(book, [row])
    assert [check for check, _ in found(book.store.path)] == ["erasure"]


@pytest.mark.parametrize("change", ["DELETE FROM log_case WHERE seq = ?",
                                    "INSERT INTO log_case VALUES ('CASE-9', ?)"])  # fmt: skip
@pytest.mark.parametrize("which", [0, 1, 2])
def test_whose_an_erasure_is_is_held(book: Book, change: str, which: int) -> None:
    """The row that was erased, the request and the act."""
    row = note(book, "paid back")
    erased(book, [row])
    last, _ = log.last(book.store)
    with book.store.write() as conn, untriggered(conn):
        conn.execute(change, [(row, last - 1, last)[which]])
    assert "case" in {check for check, _ in found(book.store.path)}


# -- restores ------------------------------------------------------------------------------


def test_a_restore_stands_behind_the_end_of_its_backup(book: Book) -> None:
    """Who cuts rows from the middle and calls it a restore has to cut the end with them."""
    number, hashed = log.last(book.store)
    for end, told in ((LogEnd(number, hashed), []), (LogEnd(number - 9, hashed), ["chain"])):
        commit(book.store, KIM, Restored(book.now, "backup.db", 0, end, None))
        assert [check for check, _ in found(book.store.path)] == told


def test_a_restore_that_names_its_own_file_confirms_nothing(book: Book, record: Path) -> None:
    number, hashed = log.last(book.store)
    end = LogEnd(number, hashed)
    replaced = Replaced(record.name, end, number, 0, 0, 0, 0, "")
    for _ in range(2):
        commit(book.store, KIM, Restored(book.now, "backup.db", 0, end, replaced))
        record.unlink()
        book.store.backup(record)
    code, said = verify("--record", record, "--checkpoint", f"999:{'a' * 64}")
    assert code == 1
    assert "log 999" in said


# -- hostile texts -------------------------------------------------------------------------

TEXTS = [
    *('{"a":NaN}', "[" * 100_000, '{"a":' * 30_000, f'{{"a":{"9" * 5_000}}}', "[]", "", "\x00"),
    *('"\\ud800"', '{"act":"plan","act":"plan"}'),
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_is_none_is_told(record: Path, text: str) -> None:
    with closing(sqlite3.connect(record)) as conn, relinked(conn):
        conn.execute("UPDATE log_text SET text = ? WHERE seq = 20", [text])
    code, said = verify("--record", record)
    assert code == 1
    assert "log 20" in said


BODIES = {
    "table": {"table": "entry"},
    "rows": {"new": [[1]], "changed": 5, "sighted": {}, "answers": None, "columns": []},
    "alerts": {"columns": ["entry"], "alerts": [[{"a": 1}]]},
    "taken": {"alerts": [10**40], "state": "\ud800", "note": None},
    "entries": {"entries": [["E0", None, {"case_id": []}]], "list": 1},
    "case": {"case": "\ud800", "was": [1], "is": []},
    "list": {"sha256": [], "outcome": "\ud800"},
    "followed": {"subject": 10**40, "case": None},
}


@pytest.mark.parametrize("what", BODIES)
def test_an_act_that_says_nothing_that_it_could_is_told(record: Path, what: str) -> None:
    """With every hash worked out anew: no trace of the program's own insides is shown."""
    with closing(sqlite3.connect(record)) as conn, relinked(conn):
        (seq, text) = conn.execute(
            "SELECT seq, text FROM log_text WHERE json_extract(text, '$.what') = ?", [what]
        ).fetchone()
        told = json.loads(text) | {"body": BODIES[what]}
        conn.execute("UPDATE log_text SET text = ? WHERE seq = ?", [log.canonical(told), seq])
    assert verify("--record", record)[0] in (1, 2)


# -- what is handed out --------------------------------------------------------------------


def handed(book: Book, case: str) -> list[str]:
    counts = handout.Counts()
    return list(handout.lines(book.store, case, "today", "Kim", counts))


def shown(lines: list[str]) -> list[tuple[int, dict[str, object]]]:
    return [(n, row) for n, row in enumerate(map(json.loads, lines)) if "text" in row]


def test_what_is_called_erased_is_held_against_the_acts_that_are_shown(
    book: Book, tmp_path: Path
) -> None:
    """Who hands a file out cannot call a text erased by an act that says nothing of it."""
    lines, file = handed(book, "CASE-1"), tmp_path / "case.jsonl"
    (place, row), *_, (later, _) = shown(lines)
    for by, code in ((later, 1), (place, 1), (10**6, 1)):
        lines[place] = log.canonical({"seq": row["seq"], "digest": row["digest"], "erased_by": by})
        file.write_text("\n".join(lines), "utf-8")
        assert verify("--file", file)[0] == code


def test_a_text_that_was_erased_cannot_be_put_back(book: Book, tmp_path: Path) -> None:
    row = note(book, "paid back")
    before = handed(book, "CASE-1")[row]
    erased(book, [row])
    lines, file = handed(book, "CASE-1"), tmp_path / "case.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    assert verify("--file", file)[0] == 0
    lines[row] = before
    file.write_text("\n".join(lines), "utf-8")
    assert verify("--file", file)[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row | {"text": "[1]"},
        lambda row: row | {"text": 5},
        lambda row: row | {"text": "\ud800", "salt": "\ud800"},
        lambda row: row | {"seq": "1"},
        lambda row: row | {"seq": True},
        lambda row: row | {"digest": None},
        lambda row: row | {"erased_by": [1]},
        lambda row: row | {"note": "and more"},
        lambda row: {"seq": row["seq"], "digest": row["digest"], "erased_by": "5"},
        lambda row: [row],
        lambda row: {},
    ],
)
def test_a_line_of_another_form_is_no_such_file(
    book: Book, tmp_path: Path, change: Callable[[object], object]
) -> None:
    lines, file = handed(book, "CASE-1"), tmp_path / "case.jsonl"
    (place, row), *_ = shown(lines)
    lines[place] = log.canonical(change(row))
    file.write_text("\n".join(lines), "utf-8")
    assert verify("--file", file)[0] in (1, 2)


@pytest.mark.parametrize(
    "line", ["", "null", "[" * 100_000, '{"seq":1,"seq":1,"digest":""}', '{"seq": 1}', "\x00"]
)
def test_what_is_no_line_is_said_with_its_number(book: Book, tmp_path: Path, line: str) -> None:
    """Of two values of one name, one reader sees the first and another the last."""
    lines, file = handed(book, "CASE-1"), tmp_path / "case.jsonl"
    lines[4] = line
    file.write_text("\n".join(lines), "utf-8")
    code, said = verify("--file", file)
    assert code == 2
    assert "line 5" in said


@pytest.mark.parametrize(
    "header", [{"number": "x"}, {"hash": 5}, {"case": ["\ud800"]}, {"made": None}, {"more": 1}]
)
def test_a_first_line_of_another_form_is_no_such_file(
    book: Book, tmp_path: Path, header: dict[str, object]
) -> None:
    lines, file = handed(book, "CASE-1"), tmp_path / "case.jsonl"
    lines[0] = log.canonical(json.loads(lines[0]) | header)
    file.write_text("\n".join(lines), "utf-8")
    assert verify("--file", file)[0] == 2


def test_another_case_is_known_by_all_that_it_was_ever_called(book: Book) -> None:
    """Labels of before, cases that only follow an address, labels without a letter."""
    book.watch(case="CASE-5", label="Dark Harbour Ltd")
    book.entries.pop()
    book.now += 10
    book.watch(case="CASE-5", label="★★★")
    commit(book.store, KIM, Follow(book.now, book.subject, "CASE-7", "a payer", 60))
    with book.store.look() as conn:
        foreign = Foreign.of(conn, "CASE-1")
    for words in ("as in dark harbour ltd", "see CASE-7", "rated ★★★ there"):
        assert foreign.named_in({"note": words}), words
    assert not foreign.named_in({"note": "I call the bank of CASE-1"})
