"""A record from before the desk: who had an alert in hand is known after the upgrade, and held
against the log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from world.logged import differences
from world.older import record_before
from world.tamper import untriggered

from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.model.acts import DAEMON, Actor, ActorKind, EraseAsked, Erased, Take
from monitor.store import log, written
from monitor.store.commit import commit
from monitor.store.planlog import alert_parts
from monitor.store.rows import ALERT_COLUMNS, alert_params
from monitor.store.sqlite import Store

KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")
ROBIN = Actor(ActorKind.LINK, "Robin", "the signed link of message M-1")
HELD = ("holder", "holder_door", "outcome", "closed")


def before_desk(path: Path) -> None:
    """Written as the version before the desk wrote it: its columns, its texts of the log."""
    db = record_before("m011_desk", path)
    conn = db.conn
    conn.row_factory = sqlite3.Row
    alerts = [
        Alert(f"A-{n}", AlertKind.NOTICE, Lane.NEWS, Severity.HIGH, n, title="x") for n in range(5)
    ]
    marks = ",".join("?" * 14)
    conn.executemany(
        f"INSERT INTO alert ({ALERT_COLUMNS}) VALUES ({marks})", map(alert_params, alerts)
    )
    log.append(conn, DAEMON, 4, "tell", alert_parts(conn, alerts))
    for at, actor, alert, was, state in (
        (10, KIM, "A-1", "open", "acknowledged"),
        (11, ROBIN, "A-2", "open", "acknowledged"),
        (12, KIM, "A-2", "acknowledged", "closed"),
        (9, ROBIN, "A-3", "open", "closed"),  # the clock was set back
        (13, KIM, "A-4", "open", "closed"),
        (14, ROBIN, "A-4", "closed", "acknowledged"),
    ):
        line = f"L-{at}"
        conn.execute("UPDATE alert SET state = ? WHERE id = ?", (state, alert))
        conn.execute(
            "INSERT INTO alert_log (id, alert, at, state, name, note) VALUES (?,?,?,?,?,?)",
            (line, alert, at, state, actor.recorded, "why"),
        )
        body = {"alerts": [[alert, line, was]], "state": state, "note": "why"}
        log.append(conn, actor, at, "take", [log.Part("taken", body)])
    conn.commit()
    db.close()


def held(store: Store) -> dict[str, tuple[object, ...]]:
    rows = store.read(f"SELECT id, {', '.join(HELD)} FROM alert ORDER BY id")
    return {row["id"]: tuple(row[name] for name in HELD) for row in rows}


WAS = {
    "A-0": ("", "", "", None),
    "A-1": ("Kim", "", "", None),
    "A-2": ("Kim", "", "", 12),
    "A-3": ("Robin", "link", "", 9),
    "A-4": ("Robin", "link", "", None),
}


def test_who_had_an_alert_is_known_and_verified(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    before_desk(path)
    assert differences(path) == [], "also as it is, by the schema of then"
    with closing(Store(path)) as store:
        assert held(store) == WAS
        assert differences(path) == []
        commit(store, KIM, Take(20, ["A-0", "A-3"], "acknowledged", "mine", over=True))
        assert held(store)["A-3"] == ("Kim", "cli", "", None)
        assert differences(path) == []


@pytest.mark.parametrize("column", HELD)
@pytest.mark.parametrize("alert", WAS)
def test_each_of_it_that_is_changed_is_found(tmp_path: Path, alert: str, column: str) -> None:
    path = tmp_path / "old.db"
    before_desk(path)
    Store(path).close()
    with closing(sqlite3.connect(path)) as conn, untriggered(conn):
        value = 7 if column == "closed" else "other"
        conn.execute(f"UPDATE alert SET {column} = ? WHERE id = ?", (value, alert))
        conn.commit()
    assert [d.place for d in differences(path)] == [f"alert {alert}: {column}"]


def test_a_name_that_was_erased_is_nobodys_hand(tmp_path: Path) -> None:
    """It goes from the alert too, where the erased line was the last one."""
    path = tmp_path / "old.db"
    before_desk(path)
    with closing(Store(path)) as store:
        wish = {"why": "a letter", "rule": "art. 17", "uid": 1}
        rows = store.read("SELECT seq FROM log_text WHERE text LIKE ?", ['%["A-4"%'])
        number = max(row["seq"] for row in rows)
        asked = commit(store, KIM, EraseAsked(20, [number], "a letter", "art. 17", 1, {}))
        who = {"kind": "cli", "name": KIM.name, "authority": KIM.authority}
        commit(
            store, DAEMON, Erased(20, [number], {"number": asked, "at": 20, **who, **wish}, 2, {})
        )
        assert held(store)["A-4"] == ("", "", "", None)
        assert differences(path) == []


def test_a_note_that_was_erased_before_says_so_after_the_upgrade(tmp_path: Path) -> None:
    """The version before kept beside no note by which row of the log it went."""
    path = tmp_path / "old.db"
    db = record_before("m012_said", path)
    conn = db.conn
    conn.row_factory = sqlite3.Row
    note = {"id": "K-1", "at": 5, "alert": None, "door": "person", "corrects": None}
    conn.execute(
        "INSERT INTO remark (id, at, case_id, name, door, text) VALUES ('K-1', 5, '', '', "
        "'person', '')"
    )
    words = {**note, "case": "", "name": "Kim", "text": "mine"}
    first = log.append(conn, KIM, 5, "note", [log.Part("remark", words)])
    wish = {"numbers": [first], "why": "a letter", "rule": "art. 17", "uid": 1}
    request = log.append(conn, KIM, 6, "erase asked", [log.Part("erase asked", wish)])
    who = {"kind": "cli", "name": KIM.name, "authority": KIM.authority}
    asked = {"number": request, "at": 6, **who, "why": "a letter", "rule": "art. 17", "uid": 1}
    (digest,) = conn.execute("SELECT digest FROM log WHERE seq = ?", (first,)).fetchone()
    gone = {"number": first, "digest": digest, "act": "note", "what": "remark", "at": 5}
    gone["first"] = first
    body = {"rows": [{**gone, "keys": {**note, "case": ""}}], "asked": asked, "uid": 2}
    conn.execute("INSERT INTO erasure VALUES (?, ?)", (first, log.next_seq(conn)))
    conn.execute("UPDATE log_text SET salt = NULL, text = NULL WHERE seq = ?", (first,))
    log.append(conn, DAEMON, 7, "erased", [log.Part("erased", body | {"one_system_user": False})])
    conn.commit()
    db.close()
    with closing(Store(path)) as store:
        how = written.erased(store, "remark", ["K-1"])["K-1"]
        assert (how.at, how.asked_by, how.by, how.rule) == (7, "Kim", DAEMON.name, "art. 17")
        assert differences(path) == []
