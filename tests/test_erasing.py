"""Texts of the log are erased by two persons under a rule; holds and retention keep them; the
chain still verifies, and nothing of the text is left in the files."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from world.home import ALICE, SHOP, Scene, entry, staged, watchlist

from monitor.app.home import open_home
from monitor.loops import doors, erasing
from monitor.model.acts import EraseAsked, Erased
from monitor.model.cases import CaseState
from monitor.model.errors import Conflict
from monitor.store import erase, log
from monitor.store.commit import commit
from monitor.store.sqlite import Store

NOTE = "my sister's telephone is 0123456789"
WISH = ("--why", "letter of 3 May", "--rule", "GDPR art. 17")
RULED = {"why": "letter of 3 May", "rule": "GDPR art. 17"}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """An alert that Zoe Zebra has acknowledged with a note."""
    with staged(tmp_path) as made:
        made.ledger.mine(time=int(time.time()))
        made.pay((ALICE, SHOP))
        made.home.run("poll")
        (alert,) = [a["id"] for a in made.alerts("movement")]
        made.home.run("alerts", "ack", alert, "--by", "Zoe Zebra", "--note", NOTE)
        yield made


def shown(scene: Scene, what: str) -> list[dict[str, Any]]:
    lines = scene.home.lines("log", "show", "--format", "jsonl")
    return [line for line in lines if line["what"] == what]


def taken(scene: Scene) -> int:
    """The number of the row about the acknowledgement."""
    (row,) = shown(scene, "taken")
    number: int = row["number"]
    return number


def ask(scene: Scene, *numbers: int, code: int = 0) -> str:
    return scene.home.run("log", "erase", *map(str, numbers), "--by", "Ann", *WISH, code=code)


def confirm(scene: Scene, number: int, by: str = "Bob", code: int = 0) -> str:
    return scene.home.run("log", "erase", "--confirm", str(number), "--by", by, code=code)


def request(scene: Scene) -> int:
    number: int = shown(scene, "erase asked")[-1]["number"]
    return number


def intact(scene: Scene) -> bool:
    """Whether the chain verifies, with every text that is there."""
    before, store = log.GENESIS, Store(scene.home.path / "fundwatch.db", readonly=True)
    for row in log.each(store):
        before = log.link(row.seq, before, row.digest)
        if before != row.hash:
            return False
        if row.text is not None and log.digest_of(str(row.salt), row.text) != row.digest:
            return False
    store.close()
    return True


def files(scene: Scene) -> bytes:
    """All bytes of the record."""
    return b"".join(each.read_bytes() for each in scene.home.path.glob("fundwatch.db*"))


def test_two_persons_erase_a_text_and_the_chain_verifies(scene: Scene) -> None:
    number = taken(scene)
    ((digest,),) = scene.home.sql("SELECT digest FROM log WHERE seq = ?", number)
    (alert, line, _) = shown(scene, "taken")[0]["body"]["alerts"][0]
    assert NOTE.encode() in files(scene)
    said = ask(scene, number)
    asked = request(scene)
    assert f"log erase --confirm {asked} --by NAME" in said
    assert "nothing is erased yet" in said
    assert "(fundwatch log show --from " in said
    assert taken(scene) == number
    refused = confirm(scene, asked, by="ann ", code=2)
    assert "was asked for by Ann. It takes another person" in refused
    said = confirm(scene, asked)
    assert f"erased    row {number} of the log, by Bob, asked for by Ann" in said
    assert f"both names came from one system user (uid {os.geteuid()})" in said
    assert intact(scene)
    assert NOTE.encode() not in files(scene)
    assert b"Zoe Zebra" not in files(scene)
    (act,) = shown(scene, "erased")
    row = scene.home.sql("SELECT salt, text FROM log_text WHERE seq = ?", number)
    assert row == [(None, None)]
    gone = next(r for r in scene.home.lines("log", "show", "--format", "jsonl")
                if r["number"] == number)  # fmt: skip
    assert (gone["act"], gone["erased_by"], gone["digest"]) == (None, act["number"], digest)
    (kept,) = act["body"]["rows"]
    assert (kept["number"], kept["digest"], kept["what"]) == (number, digest, "taken")
    stays = {"state": "acknowledged", "taken": [[alert, line, "open"]]}
    assert kept["keys"] == {**stays, "outcome": "", "door": "cli"}
    asked_by = act["body"]["asked"]
    assert (asked_by["name"], asked_by["number"]) == ("Ann", asked)
    assert (asked_by["why"], asked_by["rule"]) == (RULED["why"], RULED["rule"])
    assert act["body"]["one_system_user"]
    assert act["actor"]["name"] == "Bob"


def test_what_was_erased_is_told_so_wherever_it_stood(scene: Scene) -> None:
    """Nobody sees an empty name, and the state of the alert stays."""
    (alert, _, _) = shown(scene, "taken")[0]["body"]["alerts"][0]
    number = taken(scene)
    ask(scene, number)
    confirm(scene, request(scene))
    assert "by (erased)" in scene.home.run("alerts", "show", alert)
    refused = scene.home.run("alerts", "ack", alert, "--by", "Ann", code=2)
    assert "is acknowledged by (erased) since" in refused
    table = " ".join(scene.home.run("log", "show").split())
    assert f"{number} its text was erased: see number " in table
    assert 'as Ann asked, under "GDPR art. 17": "letter of 3 May"' in table


def test_a_legal_hold_keeps_everything_of_a_case(scene: Scene) -> None:
    """Also what was asked for before it came."""
    number = taken(scene)
    ask(scene, number)
    asked = request(scene)
    scene.home.run("case", "hold", "CASE-1", "--by", "Cleo", "--why", "the court")
    for refused in (ask(scene, number, code=2), confirm(scene, asked, code=2)):
        assert f"log row: '{number}' is about case CASE-1, which is under a legal hold" in refused
    copy = scene.home.path / "copy.db"
    scene.home.run("backup", str(copy))
    (backup,) = [row["number"] for row in shown(scene, "backed up")]
    assert f"'{backup}' is about no single case, and CASE-1 is under a legal hold" in (
        ask(scene, backup, code=2)
    )
    assert taken(scene) == number
    scene.home.run("case", "release", "CASE-1", "--by", "Cleo", "--why", "lifted")
    confirm(scene, asked)
    assert shown(scene, "taken") == []


def test_retention_counts_from_the_closing(scene: Scene) -> None:
    """With a retention set, an open case keeps its texts, and a closed one until its day."""
    number = taken(scene)
    scene.home.write("config/settings.yaml", {"prices": "none", "retention_years": 5})
    assert "which is open, and retention_years is set" in ask(scene, number, code=2)
    said = scene.home.run("case", "close", "CASE-1", "--by", "Cleo", "--why", "done")
    year = time.gmtime().tm_year + 5
    assert f"closed    CASE-1 by Cleo; kept until {year}-" in said
    refused = ask(scene, number, code=2)
    assert f"is about case CASE-1, which is kept until {year}-" in refused
    assert "(5 years from its closing)" in refused
    assert f"kept until {year}-" in scene.home.run("case", "list")
    long_ago = int(time.time()) - 6 * 366 * 86_400
    scene.home.sql("UPDATE case_state SET closed = ?", long_ago)
    assert "its retention is over since" in scene.home.run("case", "list")
    ask(scene, number)
    confirm(scene, request(scene))
    assert shown(scene, "taken") == []


def test_what_the_record_is_verified_by_stays(scene: Scene) -> None:
    """The beginning, what was done to cases, erasures themselves; what is not there, or gone."""
    number = taken(scene)
    scene.home.run("case", "close", "CASE-1", "--by", "Cleo", "--why", "done")
    ask(scene, number)
    asked = request(scene)
    confirm(scene, asked)
    rows = scene.home.lines("log", "show", "--format", "jsonl")
    kept = [r["number"] for r in rows if r["what"] in ("record", "table", "case", "erased")]
    for each in (*kept, asked):
        assert "and is kept for good. Leave it out" in ask(scene, each, code=2)
    assert f"log row: '{number}' was erased already, by number" in ask(scene, number, code=2)
    assert "log row: '999' is not there" in ask(scene, 999, code=2)
    assert f"'{number}' was erased already" in confirm(scene, asked, code=2)
    assert "is no request to erase" in confirm(scene, kept[0], code=2)
    assert "--why: is empty" in scene.home.run(
        "log", "erase", "5", "--rule", "x", "--by", "Ann", code=2
    )


def test_rows_of_several_cases_stand_in_parts_of_their_own(scene: Scene) -> None:
    """A request and an erasure say of each row only to those whom it is about."""
    copy = scene.home.path / "copy.db"
    scene.home.run("backup", str(copy), "--by", "Zoe Zebra")
    (backup,) = [row["number"] for row in shown(scene, "backed up")]
    number = taken(scene)
    ask(scene, number, backup)
    parts = shown(scene, "erase asked")
    assert [part["body"]["numbers"] for part in parts] == [[number], [backup]]
    confirm(scene, parts[1]["number"])  # any number of the request
    erased = shown(scene, "erased")
    assert [[row["number"] for row in part["body"]["rows"]] for part in erased] == [
        [number], [backup],
    ]  # fmt: skip
    assert erased[1]["body"]["rows"][0]["keys"] == {}
    of_case = scene.home.lines("log", "show", "--case", "CASE-1", "--format", "jsonl")
    assert erased[1]["number"] not in [row["number"] for row in of_case]
    assert {row["erased_by"] for row in of_case} >= {erased[0]["number"]}


def test_movements_and_alerts_keep_their_names(scene: Scene) -> None:
    """What an erased text had made stays accounted for, by its keys."""
    rows, alerts = shown(scene, "rows")[-1], shown(scene, "alerts")[-1]
    ask(scene, rows["number"], alerts["number"])
    with scene.home.daemon():  # the same by the running program
        confirm(scene, request(scene))
    kept = {row["what"]: row["keys"] for part in shown(scene, "erased")
            for row in part["body"]["rows"]}  # fmt: skip
    recorded = scene.home.sql("SELECT chain, tx, leg FROM transfer")
    assert all(tuple(key) in recorded for key in kept["rows"]["new"])
    assert len(kept["rows"]["new"]) == len(rows["body"]["new"]) >= 1
    assert kept["alerts"]["alerts"] == [line[0] for line in alerts["body"]["alerts"]]
    assert intact(scene)


def test_nobody_erases_behind_the_log(scene: Scene) -> None:
    """The record itself refuses: a text, or a name beside an alert, without an act."""
    with closing(sqlite3.connect(scene.home.path / "fundwatch.db")) as record:
        for change, words in {
            "UPDATE log_text SET salt = NULL, text = NULL": "erased by an act, or kept",
            "UPDATE alert_log SET name = '', note = ''": "only added to",
            "DELETE FROM log_text": "erased by an act, or kept",
        }.items():
            with pytest.raises(sqlite3.IntegrityError, match=words):
                record.execute(change)


def test_a_hold_that_comes_between_is_a_conflict(scene: Scene) -> None:
    """What was decided on a case that has changed since is not carried out."""
    number = taken(scene)
    with open_home(scene.home.path, {}) as app:
        actor = doors.this_user().named("Ann")
        stands = {"CASE-1": CaseState(held=5)}
        for act in (EraseAsked(6, [number], "w", "r", 0, stands),
                    Erased(6, [number], {"uid": 0}, 0, stands)):  # fmt: skip
            with pytest.raises(Conflict, match="a case has just been changed"):
                commit(app.store, actor, act)
        erasing.ask(app.store, (actor, 1), [number], ("w", "r"), None, 6)
        (asked,) = app.store.read("SELECT max(seq) AS n FROM log")
        bob = doors.this_user().named("Bob"), 2
        said = erasing.confirm(app.store, bob, asked["n"], None, 7)
        assert "one system user" not in said
    (act,) = shown(scene, "erased")
    assert not act["body"]["one_system_user"]


def test_a_record_of_which_all_was_erased_verifies(scene: Scene) -> None:
    """Whatever can be erased: what rests on it is accounted for by its keys."""
    scene.home.run("channels", "test", "mail")
    scene.home.write("watchlist.yaml", watchlist(entry(ALICE), entry(SHOP)))  # Bob is missing
    scene.home.run("poll")
    ((bob,),) = scene.home.sql("SELECT id FROM entry WHERE absent IS NOT NULL")
    scene.home.run("watchlist", "retire", bob, "--by", "Zoe Zebra", "--why", "over")
    rows = scene.home.lines("log", "show", "--format", "jsonl")
    wanted = [row["number"] for row in rows if row["what"] in erase.KEYS]
    ask(scene, *wanted)
    confirm(scene, request(scene))
    said = " ".join(scene.home.run("verify").split())
    for number in wanted:
        assert f"Erased row {number} by row " in said
    assert said.count('by Bob, asked for by Ann, under "GDPR art. 17": "letter of 3 May"') == len(
        wanted
    )
    assert said.count("; both names came from one system user") == len(wanted)
    assert intact(scene)
