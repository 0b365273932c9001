"""Restoring a backup and upgrading a record, with the real command: nothing is lost, what is
told again says so."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from world.home import (
    ALICE,
    BANK,
    BOB,
    SHOP,
    Home,
    Scene,
    bodies,
    staged,
    stop,
    told,
    wait_for,
)
from world.older import record_before

from monitor.model.errors import StoreError
from monitor.store.schema import VERSION
from monitor.store.sqlite import Store


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path / "home") as made:
        yield made


def test_what_came_after_the_backup_is_told_again_as_such(scene: Scene, tmp_path: Path) -> None:
    """After a restore every movement is in the record and told; what the backup did not know
    comes again, under its old number and marked; what it knew does not."""
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    (before,) = scene.alerts("movement")
    copy = tmp_path / "copy.db"
    scene.home.run("backup", str(copy))
    time.sleep(1.1)  # the record counts in seconds
    (late,) = scene.pay((BANK, BOB))
    scene.home.run("poll")
    said = scene.home.run("restore", str(copy))
    assert "kept      fundwatch.db.before-restore." in said
    assert len(list(scene.home.path.glob("fundwatch.db.before-restore.*Z"))) == 1
    assert "never backed up" not in scene.home.run("status"), "it is the copy of a backup"
    count = len(scene.hook.seen)
    scene.home.run("poll")
    assert scene.moved() == dict.fromkeys(scene.due(), 1)
    (body,) = bodies(scene.hook.seen[count:])
    (again,) = body["data"]["alerts"]
    assert (again["tx"], again["after_restore"]) == (late, True)
    assert told(scene.hook.seen) == {before["id"]: 1, again["id"]: 2}
    repeated = scene.hook.seen[-1].headers["webhook-id"]
    assert [r.headers["webhook-id"] for r in scene.hook.seen].count(repeated) == 2
    mail = scene.mail.mails[-1].message
    assert "AGAIN IN about 0.01 ETH" in str(mail["Subject"])
    assert "AGAIN, AFTER A RESTORE" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    scene.ledger.mine((), int(time.time()) + 2)  # what comes now came after the restore
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    assert "after_restore" not in bodies(scene.hook.seen)[-1]["data"]["alerts"][0]


def log_of(scene: Scene) -> list[dict[str, Any]]:
    return [json.loads(row[0]) for row in scene.home.sql("SELECT text FROM log_text ORDER BY seq")]


def end_of(scene: Scene) -> dict[str, Any]:
    ((seq, digest),) = scene.home.sql("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1")
    return {"seq": seq, "hash": digest}


def test_a_restore_is_an_act_that_names_what_it_replaced(scene: Scene, tmp_path: Path) -> None:
    """Who, which backup and where its log ended; which record stands aside, where its log ended,
    and what that has which the backup has not."""
    scene.home.run("poll")
    copy = tmp_path / "copy.db"
    scene.home.run("backup", str(copy))
    with closing(sqlite3.connect(copy)) as conn:
        (shared,) = conn.execute("SELECT max(seq) FROM log").fetchone()
        (rows,) = conn.execute("SELECT count(*) FROM transfer").fetchone()
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    (alert,) = scene.alerts("movement")
    scene.home.run("alerts", "ack", alert["id"], "--by", "Kim")
    before, was = end_of(scene), log_of(scene)
    ((newer,),) = scene.home.sql("SELECT count(*) FROM transfer")
    ((alerts,),) = scene.home.sql("SELECT count(*) FROM alert WHERE kind = 'movement'")
    said = scene.home.run("restore", str(copy), "--by", "Ann")
    assert f"after number {shared} of the log" in said
    (text,) = [text for text in log_of(scene) if text["act"] == "restore"]
    assert (text["actor"]["kind"], text["actor"]["name"]) == ("cli", "Ann")
    assert text["first"] == shared + 1
    body, replaced = text["body"], text["body"]["replaced"]
    assert (body["backup"], body["end"]["seq"]) == ("copy.db", shared)
    assert (replaced["end"], replaced["shared"]) == (before, shared)
    assert replaced["acts"] == len({t["first"] for t in was if t["first"] > shared})
    assert (replaced["rows"], replaced["alerts"]) == (newer - rows, alerts)
    assert replaced["damage"] == ""
    assert (scene.home.path / replaced["file"]).is_file()
    assert not list(scene.home.path.glob("*.before-restore.*-shm")), "a look leaves nothing"


def test_a_restore_says_that_erased_texts_are_there_again(scene: Scene, tmp_path: Path) -> None:
    """A backup from before an erasure holds what was erased, and brings it back."""
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    (alert,) = scene.alerts("movement")
    scene.home.run("alerts", "ack", alert["id"], "--by", "Kim", "--note", "her number is 5")
    number = str(log_of(scene)[-1]["first"])
    scene.home.run("backup", str(tmp_path / "copy.db"))
    reason = ("--rule", "art. 17", "--why", "her letter")
    scene.home.run("log", "erase", number, "--by", "Ann", *reason)
    request = str(log_of(scene)[-1]["first"])
    scene.home.run("log", "erase", "--confirm", request, "--by", "Bob")
    assert "her number is 5" not in scene.home.run("log", "show")
    said = scene.home.run("restore", str(tmp_path / "copy.db"))
    assert "her number is 5" in scene.home.run("log", "show")
    assert "again     1 text of the log that had been erased since the backup" in said
    assert log_of(scene)[-1]["body"]["replaced"]["erased"] == 1


def test_of_a_damaged_record_the_restore_says_what_could_be_read(
    scene: Scene, tmp_path: Path
) -> None:
    """And of a record that is no database at all."""
    scene.pay((ALICE, SHOP))
    scene.home.run("poll")
    copy, record = tmp_path / "copy.db", scene.home.path / "fundwatch.db"
    scene.home.run("backup", str(copy))
    end = end_of(scene)
    with closing(sqlite3.connect(record)) as conn:
        (page,) = conn.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_transfer_1'"
        )
        (size,) = conn.execute("PRAGMA page_size").fetchone()
    data = bytearray(record.read_bytes())
    data[(page[0] - 1) * size : page[0] * size] = b"\xff" * size
    record.write_bytes(data)
    assert "Not all of it can be read" in scene.home.run("restore", str(copy))
    damaged = log_of(scene)[-1]["body"]["replaced"]
    assert (damaged["end"], damaged["acts"], damaged["alerts"]) == (end, 1, 0), "the backup"
    assert (damaged["rows"], "malformed" in damaged["damage"]) == (None, True)
    record.write_text("no database" * 1000)
    scene.home.run("restore", str(copy))
    lost = log_of(scene)[-1]["body"]["replaced"]
    assert (lost["end"], lost["rows"]) == (None, None)
    assert "not a database" in lost["damage"]


@pytest.mark.parametrize("what", ["cut", "foreign", "missing", "newer", "text"])
def test_bad_backup_is_refused_and_nothing_changes(scene: Scene, tmp_path: Path, what: str) -> None:
    """A file that is damaged, not ours, not there or too new leaves the record as it is."""
    file = tmp_path / "copy.db"
    scene.home.run("backup", str(file))
    if what == "cut":
        data = bytearray(file.read_bytes())
        data[4096:8192] = b"\xff" * 4096
        file.write_bytes(data)
    elif what == "foreign":
        file.unlink()
        sqlite3.connect(file).execute("CREATE TABLE x (y)").connection.close()
    elif what == "missing":
        file.unlink()
    elif what == "text":
        file.write_text("no database" * 1000)
    else:
        with sqlite3.connect(file) as conn:
            conn.execute(f"PRAGMA user_version = {VERSION + 1}")
            conn.execute("UPDATE note SET value = '9.9.9' WHERE key = 'version'")
        conn.close()
    record = (scene.home.path / "fundwatch.db").read_bytes()
    said = scene.home.run("restore", str(file), code=None)
    assert str(file) in said
    assert "Traceback" not in said
    if what == "newer":
        assert f"Fundwatch 9.9.9 with schema {VERSION + 1}" in said
    assert (scene.home.path / "fundwatch.db").read_bytes() == record
    assert not list(scene.home.path.glob("fundwatch.db.*"))


def test_restore_waits_for_nobody(scene: Scene, tmp_path: Path) -> None:
    """While a Fundwatch runs, nothing is restored under its feet."""
    copy = tmp_path / "copy.db"
    scene.home.run("backup", str(copy))
    with scene.home.daemon() as process:
        assert "Another Fundwatch" in scene.home.run("restore", str(copy), code=75)
        stop(process)
    scene.home.run("restore", str(copy))


def first_schema(path: Path) -> None:
    """A record as the first version made it."""
    db = record_before("m002_desk", path)
    db.conn.execute("PRAGMA journal_mode = WAL")
    db.conn.execute(
        "INSERT INTO alert (id, kind, lane, severity, created, lane_reason, title, facts, "
        "audience) VALUES ('A-1', 'notice', 'news', 'low', 5, '', 'old', '{}', 'operations')"
    )
    db.conn.execute("INSERT INTO route VALUES ('A-1', 'hook', 'group', NULL)")
    db.conn.commit()
    db.close()


def test_upgrade_backs_up_first_and_says_what_changed(scene: Scene) -> None:
    """An older record is copied, upgraded without loss, and operations is told."""
    path = scene.home.path / "fundwatch.db"
    path.unlink()
    first_schema(path)
    said = scene.home.run("status", code=1)
    assert "written by an older Fundwatch (schema 1" in said
    scene.home.run("poll", code=None)
    (copy,) = scene.home.path.glob("fundwatch.db.schema-1.*Z")
    conn = sqlite3.connect(copy)
    assert conn.execute("PRAGMA user_version").fetchone() == (1,)
    assert conn.execute("SELECT title FROM alert").fetchall() == [("old",)]
    conn.close()
    (notice,) = scene.alerts("notice", "upgraded the record from schema 1")
    assert told(scene.hook.seen)[notice["id"]] == 1
    assert told(scene.hook.seen)["A-1"] == 1
    scene.home.run("poll")
    assert len(list(scene.home.path.glob("fundwatch.db.schema-*"))) == 1


def test_halves_of_copies_do_not_stay(tmp_path: Path) -> None:
    """A supervisor that kills a long upgrade each time would fill the disk with them. Whole copies
    stay, and so do those of others."""
    path = tmp_path / "record.db"
    first_schema(path)
    for name in ("record.db.schema-1.a", "record.db.schema-1.a.half", "record.db.schema-1.b"):
        (tmp_path / name).write_bytes(b"" if name.endswith("a") else b"some")
    (tmp_path / "other.db.schema-1.a.half").write_bytes(b"some")
    Store(path).close()
    kept = {each.name for each in tmp_path.glob("*.schema-1.*") if not each.name.endswith("Z")}
    assert kept == {"record.db.schema-1.b", "other.db.schema-1.a.half"}


def test_upgraded_schema_is_that_of_a_new_record(tmp_path: Path) -> None:
    """An upgraded record and a new one have the same tables."""
    first_schema(tmp_path / "old.db")
    shapes = []
    for name, create in (("old.db", False), ("new.db", True)):
        store = Store(tmp_path / name, create=create)
        rows = store.read(
            "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'"
        )
        shapes.append({row["name"]: row["sql"] for row in rows})
        store.close()
    assert shapes[0] == shapes[1]


def test_backup_into_a_missing_folder_names_it(scene: Scene, tmp_path: Path) -> None:
    """Exit code 2, the path and what to type; no trace of Python."""
    said = scene.home.run("backup", str(tmp_path / "no" / "copy.db"), code=2)
    assert f"FILE: '{tmp_path}/no/copy.db' cannot be made" in said
    assert f"mkdir -p {tmp_path}/no" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_upgrade_is_all_or_nothing(tmp_path: Path) -> None:
    """Killed in the middle of an upgrade that takes long, the record has the old schema and
    every row; the next start brings it to the end."""
    home = Home(tmp_path)
    home.write("watchlist.yaml", "version: 1\n")
    path = tmp_path / "fundwatch.db"
    first_schema(path)
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
    home.sql(many + "INSERT INTO route SELECT 'A-1', 'c' || i, 'group', NULL FROM n")
    caught = 0
    for number in range(12):
        process = home.start("poll")
        wait_for(lambda: list(tmp_path.glob("*.schema-1.*")), 30, home.log)
        time.sleep(0.15 * number)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        (version,) = home.sql("PRAGMA user_version")[0]
        tables = {row[0] for row in home.sql("SELECT name FROM sqlite_master")}
        assert ("price" in tables) == (version == VERSION)
        # The notice of the upgrade itself is owed to nobody yet: no channel is set up here.
        assert home.sql("SELECT count(*) FROM route WHERE channel <> ''") == [(300_001,)]
        caught += version == 1
        for copy in tmp_path.glob("*.schema-1.*"):
            copy.unlink()
        if version == VERSION:
            break
    assert caught
    home.run("poll", code=None)  # nobody disturbs this one
    assert home.sql("PRAGMA user_version") == [(VERSION,)]


def test_an_upgrade_that_fails_leaves_no_copy(tmp_path: Path) -> None:
    """Else each further start would take as much of a disk that is full."""
    path = tmp_path / "record.db"
    first_schema(path)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE joined (in_the_way)")
    with pytest.raises(StoreError, match="joined already exists"):
        Store(path)
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (1,)
        assert conn.execute("SELECT title FROM alert").fetchall() == [("old",)]
    assert not [*tmp_path.glob("*.schema-*")]


def test_what_stood_beside_a_lost_record_is_not_played_into_the_backup(
    scene: Scene, tmp_path: Path
) -> None:
    """A -wal without its record belongs to nothing: the restored record is the backup."""
    copy = tmp_path / "copy.db"
    scene.home.run("backup", str(copy))
    crash(scene)
    assert beside(scene)
    (scene.home.path / "fundwatch.db").unlink()
    scene.home.run("restore", str(copy))
    assert beside(scene) == []
    assert scene.home.sql("PRAGMA integrity_check") == [("ok",)]
    assert scene.home.sql("SELECT count(*) FROM alert WHERE kind = 'movement'") == [(0,)]
    scene.home.run("poll")
    assert scene.home.sql("PRAGMA journal_mode") == [("wal",)]
    assert scene.moved() == dict.fromkeys(scene.due(), 1)


def test_restore_can_be_undone_whole(scene: Scene, tmp_path: Path) -> None:
    """What is kept holds everything that was committed, and can be restored itself."""
    copy = tmp_path / "copy.db"
    scene.home.run("backup", str(copy))
    crash(scene)
    scene.home.run("restore", str(copy))
    (kept,) = scene.home.path.glob("fundwatch.db.before-restore.*Z")
    scene.home.run("restore", str(kept))
    assert scene.moved() == dict.fromkeys(scene.due(), 1)


def test_interrupted_restore_stops_the_next_start(scene: Scene, tmp_path: Path) -> None:
    """Nothing runs on a record that somebody was about to replace; doing it again helps."""
    copy = tmp_path / "copy.db"
    scene.home.run("backup", str(copy))
    (scene.home.path / "fundwatch.db.restoring").write_bytes(b"half")
    assert "interrupted restore" in scene.home.run("poll", code=2)
    scene.home.run("restore", str(copy))
    assert not list(scene.home.path.glob("fundwatch.db.restoring*")), "nothing of it stays"
    scene.home.run("poll")


def crash(scene: Scene) -> None:
    """A movement is recorded, then the daemon dies before its -wal goes into the record."""
    scene.pay((ALICE, SHOP))
    with scene.home.daemon() as process:
        wait_for(lambda: len(scene.mail.mails) == 2, 20, scene.home.log)
        process.kill()
        process.wait(10)


def beside(scene: Scene) -> list[str]:
    names = ("fundwatch.db-wal", "fundwatch.db-shm", "fundwatch.db-journal")
    return [name for name in names if (scene.home.path / name).exists()]


def test_backup_of_the_old_version_can_be_restored(scene: Scene, tmp_path: Path) -> None:
    """A backup with an older schema is upgraded on the way."""
    first_schema(tmp_path / "old.db")
    done = subprocess.run(
        scene.home.command("restore", str(tmp_path / "old.db")), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"upgraded  from schema 1" in done.stdout
    assert b"older than the log" in done.stdout
    begun, *_, text = log_of(scene)
    assert (begun["act"], begun["body"]) == ("begin", {"schema": 1})
    assert (text["act"], text["body"]["end"], text["body"]["replaced"]["shared"]) == (
        *("restore", None, None),
    )
    scene.home.run("status")
