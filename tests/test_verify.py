"""`fundwatch verify`: whatever was changed behind the log's back is named, and nothing else."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from world.book import Book
from world.home import ALICE, BANK, BOB, ROOT, SHOP, Home, Scene, staged, stop, wait_for
from world.listed import take_list
from world.logged import (
    IN,
    KIM,
    LAST,
    begin_anew,
    cut,
    differences,
    erase,
    live,
    live_first,
    live_on,
    tampered,
)
from world.older import older
from world.play import A, B, Y
from world.tamper import untriggered

from monitor.cli import main
from monitor.model import Entry, Subject
from monitor.model.acts import DAEMON, Respell
from monitor.model.acts_trace import Follow
from monitor.model.ids import stable_id
from monitor.store import apply, log
from monitor.store.commit import CARRY, commit
from monitor.store.erase import KEYS
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.store.verify.replay import ACTS


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


def verify(*args: object, code: int) -> str:
    done = CliRunner().invoke(main, ["verify", *map(str, args)], env={"COLUMNS": None})
    assert done.exit_code == code, done.output
    return done.output


# -- nothing differs -------------------------------------------------------------------------


def test_a_record_is_what_its_log_says(book: Book) -> None:
    """Also while somebody has it open for writing."""
    assert differences(book.store.path) == []
    said = verify("--record", book.store.path, code=0)
    assert said.startswith("Nothing differs.\nCheck   no checkpoint was given: ")
    assert "No row of the log was changed" in said
    assert "could write everything anew" in said
    words = ["verify", "--record", str(book.store.path)]
    shown = CliRunner().invoke(main, words, env={"COLUMNS": "80"}).output
    assert shown.split() == said.split()
    assert max(map(len, shown.splitlines())) <= 80


def test_where_something_differs_nothing_is_called_proven(home: Home) -> None:
    """Neither of a record nor of a file that was handed out."""
    handed = handed_out(home, "CASE-1")
    handed.write_text("".join(handed.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    with closing(sqlite3.connect(home.path / DATABASE)) as conn, untriggered(conn):
        conn.execute("UPDATE alert SET state = 'closed'")
        conn.commit()
    for told in (("--record", home.path / DATABASE), ("--file", handed)):
        said = verify(*told, code=1)
        assert "No row of the log was changed" not in said
        assert "up to there the log had these rows" not in " ".join(said.split())
        assert "What rests on these places is not proven" in " ".join(said.split())


def test_every_act_has_its_line() -> None:
    """What `commit` carries out, `verify` can follow."""
    assert {act.kind for act in CARRY} <= set(ACTS)


# -- tampering -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(12))
def test_tampering_is_found(record: Path, number: int) -> None:
    done = tampered(record, random.Random(number))
    assert differences(record), done


@pytest.mark.slow
def test_of_a_hundred_random_tamperings_all_are_found(record: Path, tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    missed = []
    for number in range(100):
        copy = tmp_path / f"{number}.db"
        shutil.copyfile(record, copy)
        done = tampered(copy, dice)
        if not differences(copy):
            missed.append(done)
        copy.unlink()
    print(f"seed {seed}: {100 - len(missed)} of 100 found")
    assert missed == [], f"seed {seed}"


@pytest.mark.parametrize("what", ["rows", "alerts", "taken", "entries", "case", "followed"])
@pytest.mark.parametrize("how", ["taken away", "given away", "given too"])
def test_a_row_that_is_kept_from_its_case_is_found(record: Path, what: str, how: str) -> None:
    """When the case is handed out it would be missing there, or shown where it must not be."""
    with closing(sqlite3.connect(record)) as conn, untriggered(conn):
        (seq, case) = conn.execute(
            "SELECT c.seq, case_id FROM log_case c JOIN log_text t ON t.seq = c.seq "
            "WHERE json_extract(text, '$.what') = ? ORDER BY c.seq DESC",
            [what],
        ).fetchone()
        if how == "given too":
            conn.execute("INSERT INTO log_case VALUES ('CASE-9', ?)", [seq])
        else:
            conn.execute("DELETE FROM log_case WHERE seq = ? AND case_id = ?", [seq, case])
        if how == "given away":
            conn.execute("INSERT INTO log_case VALUES ('CASE-9', ?)", [seq])
        conn.commit()
    assert [(d.check, d.place) for d in differences(record)] == [("case", f"log {seq}")]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("DROP TRIGGER log_kept", ["trigger log_kept"]),
        ("CREATE TRIGGER mine AFTER INSERT ON alert BEGIN UPDATE alert SET state = 'closed'; END",
         ["trigger mine"]),
        ("ALTER TABLE alert ADD COLUMN mine TEXT", ["table alert"]),
        ("CREATE INDEX mine ON alert(lane)", []),
    ],
)  # fmt: skip
def test_what_refuses_changes_has_to_be_there(record: Path, change: str, place: list[str]) -> None:
    """And nothing that makes changes by itself; an index of your own is no matter."""
    with closing(sqlite3.connect(record)) as conn:
        conn.execute(change)
    assert [d.place for d in differences(record) if d.check == "schema"] == place


def test_a_record_without_a_log_says_so(tmp_path: Path) -> None:
    older(tmp_path / "old.db")
    said = verify("--record", tmp_path / "old.db", code=2)
    assert "old.db has no log: it was written with schema 3" in said


def test_a_cut_end_is_found_by_a_checkpoint(book: Book, record: Path) -> None:
    """Without one the shorter chain is whole; what it no longer tells shows in the record."""
    number, hashed = log.last(book.store)
    mark = f"{number}:{hashed}"
    assert "has this hash\n" in verify("--record", record, "--checkpoint", mark, code=0)
    (row,) = book.store.read("SELECT hash FROM log WHERE seq = ?", [number - 2])
    early = f"{number - 2}:{row['hash']}"
    said = verify("--record", record, "--checkpoint", early, code=0)
    assert "has this hash; 2 rows after it rest on no checkpoint\n" in said
    cut(record, 1)
    said = verify("--record", record, "--checkpoint", mark, "--format", "jsonl", code=1)
    found = [json.loads(line) for line in said.splitlines()]
    assert found[-1] == {
        "check": "checkpoint",
        "place": f"log {number}",
        "expected": f"hash {hashed}",
        "found": f"the log ends with number {number - 1}: cut off, or a copy from before",
    }


def test_the_daily_mail_carries_a_checkpoint(scene: Scene) -> None:
    """In words and as HTML, also where a channel gets references only."""
    scene.home.run("poll")
    for detail in ("full", "reference"):
        channels = yaml.safe_load((scene.home.path / "config/channels.yaml").read_text("utf-8"))
        channels["channels"]["mail"]["detail"] = detail
        scene.home.write("config/channels.yaml", channels)
        said = scene.home.run("messages", "preview", "daily")
        (mark,) = re.findall(r"verify --checkpoint (\d+:[0-9a-f]{64})`", " ".join(said.split()))
        assert "has this hash" in scene.home.run("verify", "--checkpoint", mark)


def test_what_is_no_record_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    for name in ("text.db", "missing.db"):
        assert name in verify("--record", tmp_path / name, code=2)
    assert "--checkpoint" in verify("--checkpoint", "12", code=2)


# -- handed out ------------------------------------------------------------------------------


@pytest.fixture
def home(record: Path, tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.write("watchlist.yaml", "version: 1\n")
    record.replace(made.path / DATABASE)
    return made


def handed_out(home: Home, case: str) -> Path:
    target = home.path.parent / f"{case}.jsonl"
    said = home.run("log", "export", "--case", case, "--output", str(target))
    assert f"exported  {target}" in said
    return target


def test_one_case_is_handed_out_and_verified_alone(home: Home, book: Book) -> None:
    """Two cases share a transaction: each gets it, and nothing of the other."""
    file = handed_out(home, "CASE-1")
    text = file.read_text("utf-8")
    for word in ("CASE-2", "Shop of the cousin", "E1"):
        assert word not in text
    assert IN.tx in text
    assert "I call the bank" in text
    assert file.stat().st_mode & 0o077 == 0
    home.path.rename(home.path.with_name("elsewhere"))  # there is no record any more
    number, hashed = log.last(book.store)
    said = verify("--file", file, "--checkpoint", f"{number}:{hashed}", code=0)
    assert said.startswith("Nothing differs.")
    assert "Case    CASE-1, handed out" in said
    header, *rows = map(json.loads, text.splitlines())
    shown = sum("text" in row for row in rows)
    assert f"Rows    {shown} shown, {len(rows) - shown} withheld, 0 erased" in said
    assert (header["number"], header["hash"]) == (number, hashed)
    assert f"Check   row {number} of the log has this hash\n" in said
    said = verify("--file", file, code=0)
    assert "\nCheck   no checkpoint was given" in said
    assert "anybody can make a file that agrees with itself" in " ".join(said.split())


@pytest.mark.parametrize("what", ["text", "digest", "row", "order", "end", "salt"])
def test_a_file_that_was_changed_is_found(home: Home, what: str) -> None:
    file = handed_out(home, "CASE-2")
    header, *rows = file.read_text("utf-8").splitlines()
    shown = next(n for n, row in enumerate(rows) if '"text"' in row)
    if what == "text":
        rows[shown] = rows[shown].replace("0x", "0y", 1)
    elif what in ("digest", "salt"):
        row = json.loads(rows[shown])
        row[what] = "0" * 64
        rows[shown] = log.canonical(row)
    elif what == "row":
        del rows[shown]
    elif what == "order":
        rows[0], rows[1] = rows[1], rows[0]
    else:
        rows.pop()
    file.write_text("\n".join([header, *rows]), "utf-8")
    verify("--file", file, code=1)


def test_a_text_that_names_another_case_is_withheld_and_counted(home: Home, book: Book) -> None:
    """What somebody typed about one case may tell of another."""
    alert = book.store.read("SELECT id FROM alert WHERE entry = 'E0'")[0]["id"]
    home.run(
        "alerts", "close", alert, "--by", "Kim", "--note", "as in case-2, see there", code=None
    )
    file = handed_out(home, "CASE-1")
    assert "see there" not in file.read_text("utf-8")


def test_the_verifier_in_the_docs_verifies(home: Home) -> None:
    """Who does not trust the program writes these thirty lines."""
    page = (ROOT / "docs/evidence.md").read_text("utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[-1]
    assert len(code.splitlines()) <= 30
    made = {"__name__": "verifier"}
    exec(code, made)
    lines = handed_out(home, "CASE-1").read_text("utf-8").splitlines()
    shown = made["verify"](lines)
    assert {"plan", "take", "take list"} <= {told["act"] for told in shown.values()}
    for number, line in enumerate(lines[1:], 1):
        with pytest.raises(ValueError, match=r"."):
            made["verify"]([*lines[:number], *lines[number + 1 :]])
        if "text" in json.loads(line):
            with pytest.raises(ValueError, match=f"row {number} was changed"):
                made["verify"](
                    [*lines[:number], line.replace("act", "cat", 1), *lines[number + 1 :]]
                )


def test_a_file_that_was_not_handed_out_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text("{}\n")
    for name in ("other.jsonl", "missing.jsonl"):
        assert name in verify("--file", tmp_path / name, code=2)
    (tmp_path / "binary.jsonl").write_bytes(b"SQLite\xff")
    assert "binary.jsonl: it is no text. Name" in verify(
        "--file", tmp_path / "binary.jsonl", code=2
    )
    for option in ("--file", "--record"):
        assert "is a directory" in verify(option, tmp_path, code=2)


def test_of_two_plans_that_meet_an_entry_the_log_has_the_baseline_that_stands(
    tmp_path: Path,
) -> None:
    """They were decided beside each other: by its address, and by blocks."""
    book = Book(tmp_path)
    book.watch()
    plans = [book.decide([book.batch(head=head)]) for head in (100, 120)]
    assert all(plan.baselines for plan in plans)
    for plan in plans:
        apply.apply(book.store, plan)
    assert [row[0] for row in book.store.read("SELECT base_height FROM entry")] == [100]
    assert differences(book.store.path) == []
    book.store.close()


# -- erased texts ----------------------------------------------------------------------------


def erase_all(book: Book) -> int:
    """Every text that may go; returns how many."""
    numbers = [
        row.seq for row in log.each(book.store) if json.loads(row.text or "{}")["what"] in KEYS
    ]
    erase(book.store, numbers)
    return len(numbers)


def test_what_was_erased_is_said_and_not_called_tampered(book: Book) -> None:
    """Whatever it was: the rows stand by their keys; when, by whom, under which rule is told."""
    count = erase_all(book)
    assert differences(book.store.path) == []
    said = verify("--record", book.store.path, code=0)
    assert said.count('by Robin, asked for by Kim, under "art. 17": "a letter"') == count


@pytest.mark.parametrize("which", [0, 1])
def test_one_of_two_lists_of_one_second_is_erased(tmp_path: Path, which: int) -> None:
    book = Book(tmp_path)
    book.entries[:] = [replace(book.watch(label="first"), label="second")]
    take_list(book.store, book.entries, "another list", book.now)
    told = [row.seq for row in log.each(book.store) if '"what":"entries"' in str(row.text)]
    erase(book.store, [told[which]])
    assert differences(book.store.path) == []
    book.store.close()


def test_a_case_is_handed_out_with_what_was_erased(home: Home, record: Path) -> None:
    """The receiver reads when, by whom and under which rule, and nothing of the text."""
    store = Store(home.path / DATABASE)
    (mine,) = store.read("SELECT t.seq FROM log_text t JOIN log_case USING (seq) "
                         "WHERE json_extract(text, '$.body.note') = 'paid back'")  # fmt: skip
    erase(store, [mine["seq"]])
    store.close()
    file = handed_out(home, "CASE-1")
    assert "paid back" not in file.read_text("utf-8")
    said = verify("--file", file, code=0)
    assert ", 1 erased" in said
    assert f"Erased  row {mine['seq']} by row " in said
    assert 'by Robin, asked for by Kim, under "art. 17": "a letter"' in said


def test_what_was_erased_before_and_after_the_log_began(grown: Book) -> None:
    erase_all(grown)
    assert differences(grown.store.path) == []


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("INSERT INTO transfer (chain, tx, leg, kind, amount, status, first_seen) "
         "VALUES ('ethereum', '0xnew', 'leg', 'native', '7', 'final', 9)", "record"),
        ("DELETE FROM sighting WHERE source = 'two'", "record"),
        ("UPDATE transfer SET status = 'pending' WHERE version > 1", "record"),
        ("UPDATE alert SET state = 'open'", "record"),
        ("UPDATE alert_log SET name = 'Kim'", "record"),
        ("DELETE FROM erasure WHERE seq = (SELECT min(seq) FROM erasure)", "erasure"),
        ("INSERT INTO erasure SELECT 1, max(by_seq) FROM erasure", "erasure"),
    ],
)  # fmt: skip
def test_what_rests_on_erased_texts_is_still_held_by_its_keys(
    book: Book, record: Path, change: str, check: str
) -> None:
    erase_all(book)
    with book.store.write() as conn, untriggered(conn):
        conn.execute(change)
    assert check in {d.check for d in differences(book.store.path)}


# -- the program at work ---------------------------------------------------------------------


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path / "home") as made:
        yield made


def test_nothing_differs_while_the_program_runs(scene: Scene) -> None:
    """A verification sees one moment of a record that is being written."""
    scene.pay((ALICE, SHOP))
    with scene.home.daemon() as process:
        for number in range(4):
            scene.pay((BANK, BOB) if number % 2 else (ALICE, BOB))
            assert scene.home.run("verify").startswith("Nothing differs.")
        wait_for(lambda: len(scene.alerts("movement")) >= 5, 60, scene.home.log)
        (first, *_) = scene.alerts("movement")
        scene.home.run("alerts", "ack", first["id"], "--by", "Kim", "--note", "I call the bank")
        assert scene.home.run("verify").startswith("Nothing differs.")
        stop(process)
    scene.home.sql("UPDATE alert SET state = 'closed' WHERE id = ?", first["id"])
    said = scene.home.run("verify", code=1)
    assert said.startswith("1 place differs.\n")
    assert f"alert {first['id']}: state" in said


def test_a_restore_is_told_from_a_cut(scene: Scene, tmp_path: Path) -> None:
    """A checkpoint of what was replaced is confirmed in the record that was kept aside, as far as
    that one is whole."""
    scene.home.run("poll")
    scene.home.run("backup", str(tmp_path / "copy.db"))
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    ((number, hashed),) = scene.home.sql("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")
    mark = ("--checkpoint", f"{number}:{hashed}")
    assert "has this hash" in scene.home.run("verify", *mark)
    scene.home.run("restore", str(tmp_path / "copy.db"))
    (kept,) = scene.home.path.glob("fundwatch.db.before-restore.*Z")
    for _ in range(2):
        said = scene.home.run("verify", *mark)
        assert said.startswith("Nothing differs.")
        assert f"row {number} belongs to the record that a restore" in said
        plain = " ".join(said.split())
        assert re.search(r"Restore row \d+ .* restored the backup copy\.db \(number \d+", plain)
        assert f"kept as {kept.name}, and holds " in plain
        scene.home.run("poll")
    with closing(sqlite3.connect(kept)) as conn, untriggered(conn):
        conn.execute("UPDATE alert SET state = 'closed' WHERE kind = 'movement'")
        conn.commit()
    said = scene.home.run("verify", *mark, code=1)
    assert f"{kept.name}: alert A-" in said
    kept.unlink()
    assert f"log {number}" in scene.home.run("verify", *mark, code=1)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("erased", [True, False])
def test_addresses_that_are_spelt_anew(tmp_path: Path, before: bool, erased: bool) -> None:
    """Entries get another id, and with them their versions, alerts and movements change; also
    where all of that was there `before` the log."""
    book = Book(tmp_path)
    given = stable_id("E", "CASE-1", "ethereum", A)
    book.watch(case="CASE-0")
    book.entries.append(Entry(given, book.subject, case="CASE-1"))
    book.watch(Y, case="CASE-1")
    live_first(book)
    commit(book.store, KIM, Follow(book.now, book.subject, "CASE-1", "a payer", 60, 9))
    commit(book.store, KIM, Follow(book.now, Subject("ethereum", B), "CASE-1", "a payer", 60))
    if before:
        with book.store.write() as conn:
            conn.execute("DELETE FROM followed")  # which came with the log
        begin_anew(book.store)
    commit(book.store, DAEMON, Respell(book.now, [(book.subject, B)]))
    assert book.store.read("SELECT 1 FROM entry WHERE id = ?", [given]) == []
    if erased:
        erase_all(book)
    assert differences(book.store.path) == []
    book.store.close()


def test_nothing_differs_after_a_migration(tmp_path: Path) -> None:
    """What was there before the log is held by its digests, and what acts did since is known."""
    older(tmp_path / "old.db")
    Store(tmp_path / "old.db").close()
    assert differences(tmp_path / "old.db") == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("UPDATE transfer SET amount = '8' WHERE id = 2002", "transfer 2002 to transfer 4000"),
        ("DELETE FROM transfer WHERE id = 5000", "transfer 4002 to transfer 5000"),
        ("UPDATE sighting SET sha256 = 'other' WHERE transfer = 4", "transfer 2 to transfer 2000"),
        ("DELETE FROM alert_transfer WHERE transfer = 4", "alert A-1 to alert A-1"),
        ("UPDATE alert SET state = 'closed'", "alert A-1 to alert A-1"),
        ("UPDATE alert_log SET note = 'unseen'", "alert_log L-1 to alert_log L-1"),
        ("UPDATE entry SET base_height = 4", "entry E-1 to entry E-1"),
    ],
)
def test_what_was_there_before_the_log_is_held_by_digests(
    tmp_path: Path, change: str, place: str
) -> None:
    """Of a thousand rows it is known that one of them was changed."""
    older(tmp_path / "old.db")
    store = Store(tmp_path / "old.db")
    with store.write() as conn, untriggered(conn):
        conn.execute(change)
    store.close()
    assert place in [d.place for d in differences(tmp_path / "old.db")]


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[Book]:
    """A record with a past before its log, and acts on what was there."""
    made = Book(tmp_path)
    live_first(made)
    begin_anew(made.store)
    live_on(made)
    yield made
    made.store.close()


def test_acts_on_what_was_there_before_are_taken_back_for_the_digests(grown: Book) -> None:
    assert differences(grown.store.path) == []
    said = verify("--record", grown.store.path, code=0)
    assert re.search(r"^Before  the log began \d{4}-", said, re.M)


@pytest.mark.parametrize("column", ["at = at + 1", "sha256 = 'other'"])
def test_who_reported_a_new_movement_later_is_held_also_there(grown: Book, column: str) -> None:
    """The movement came with the log, so there was no report of it before."""
    grown.take([grown.batch(LAST, head=260, lo=200, source="two")])
    with grown.store.write() as conn, untriggered(conn):
        conn.execute(
            f"UPDATE sighting SET {column} WHERE source = 'two' AND transfer = "
            "(SELECT id FROM transfer WHERE tx = ?)", [LAST.tx]
        )  # fmt: skip
    assert [d.place for d in differences(grown.store.path)] == [
        f"sighting {' '.join(LAST.identity)} two {LAST.block_hash}: {column.split(maxsplit=1)[0]}"
    ]


@pytest.mark.parametrize("number", range(12))
def test_tampering_is_found_in_a_record_that_is_older_than_its_log(
    grown: Book, tmp_path: Path, number: int
) -> None:
    copy = tmp_path / "copy.db"
    grown.store.backup(copy)
    done = tampered(copy, random.Random(number))
    assert differences(copy), done
