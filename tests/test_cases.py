"""Cases are closed and held by acts; the log tells people what was done, a line each."""

from __future__ import annotations

import json
import os
import pwd
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from world.home import ALICE, BOB, SHOP, Scene, entry, staged, watchlist

from monitor.app.home import open_home
from monitor.app.settings.load import load
from monitor.cli import main
from monitor.decide import retention
from monitor.loops import cases, doors
from monitor.loops.daily import Daily
from monitor.messages import loglines
from monitor.model.acts import CloseCase
from monitor.model.cases import CaseState
from monitor.model.errors import ConfigError, Conflict
from monitor.store import erase
from monitor.store.commit import CARRY, commit
from monitor.store.sqlite import Store
from monitor.store.verify import gone, replay


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        made.ledger.mine(time=int(time.time()))
        made.pay((ALICE, SHOP))
        made.home.run("poll")
        yield made


def test_a_case_is_closed_and_opened_by_acts(scene: Scene) -> None:
    """Closing says what is still open, and stops nothing."""
    who = ("--by", "Ann", "--why", "handed over")
    said = scene.home.run("case", "close", "case-1", *who)
    assert said.startswith("closed    CASE-1 by Ann; still open: ")
    assert "2 addresses watched" in said
    assert "not acknowledged" in said
    (case,) = scene.home.lines("case", "list", "--format", "jsonl")
    closed = int(datetime.fromisoformat(case["closed"]).timestamp())
    assert case["closed"].endswith("Z")  # as in all JSON for programs
    assert abs(closed - time.time()) < 60
    assert (case["case"], case["held"], case["watched"]) == ("CASE-1", None, 2)
    assert "CASE-1  closed 20" in scene.home.run("case", "list")
    refused = scene.home.run("case", "close", "CASE-1", *who, code=2)
    assert "CASE: 'CASE-1' is closed already, since 20" in refused
    assert "is no case of the record" in scene.home.run("case", "close", "CASE-9", *who, code=2)
    assert scene.home.run("case", "reopen", "CASE-1", *who) == "open      CASE-1 by Ann\n"
    assert "is open" in scene.home.run("case", "reopen", "CASE-1", *who, code=2)
    assert "--why" in scene.home.run("case", "hold", "CASE-1", "--by", "A", "--why", " ", code=2)
    with scene.home.daemon():  # by the running program: the same act
        scene.home.run("case", "hold", "CASE-1", *who)
        assert "is under a legal hold already" in scene.home.run(
            "case", "hold", "CASE-1", *who, code=2
        )
    assert "legal hold since 20" in scene.home.run("case", "list")
    scene.home.run("case", "release", "CASE-1", *who)
    lines = scene.home.lines("log", "show", "--case", "CASE-1", "--format", "jsonl")
    found = [each for each in lines if each["what"] == "case"]
    kinds = ["close case", "reopen case", "hold case", "release case"]
    assert [each["act"] for each in found] == kinds
    first, second = found[0]["body"], found[1]["body"]
    assert first["was"] == [None, None]
    assert first["is"] == [closed, None] == second["was"]
    assert second["is"] == [None, None]


def test_of_two_who_change_a_case_at_once_one_is_refused(scene: Scene) -> None:
    """What was decided on what is no longer so is not carried out."""
    with open_home(scene.home.path, {}) as app:
        actor = doors.this_user().named("Ann")
        cases.change(app.store, actor, "close", "CASE-1", "done", None, 5)
        with pytest.raises(Conflict, match="case CASE-1 has just been changed"):
            commit(app.store, actor, CloseCase(6, "CASE-1", "done", CaseState()))


def show(scene: Scene, *args: str) -> str:
    """The log as a file gets it: a line each."""
    words = ["--home", str(scene.home.path), "log", "show", *args]
    return CliRunner().invoke(main, words, env={"COLUMNS": None}).stdout


def test_log_show_is_understood(scene: Scene) -> None:
    """Number, time, who, how that is proven, what, the beginning of the hash; of one case, from
    a number on."""
    (alert,) = [a["id"] for a in scene.alerts("movement")]
    scene.home.run("alerts", "ack", alert, "--by", "Ann\u202e", "--note", 'I "call" them')
    scene.home.run("case", "close", "CASE-1", "--by", "Zoe", "--why", "handed over")
    seq, hash_ = scene.home.sql("SELECT seq, hash FROM log ORDER BY seq DESC")[0]
    me = f"system user {pwd.getpwuid(os.geteuid()).pw_name} (uid {os.geteuid()}) ran the command"
    *lines, total = show(scene).splitlines()
    assert total == f"{seq} rows of the log (times in UTC)"
    assert len(lines) == seq
    number, _, rest = lines[-1].partition("  ")
    assert number == str(seq)
    assert rest[20:] == (
        f"UTC  Zoe ({me}; the name is what they typed)  closed the case CASE-1: "
        f'"handed over"  {hash_[:12]}'
    )
    taken = next(line for line in lines if "  Ann (" in line)
    assert f'  acknowledged {alert}: "I call them"  ' in taken
    polls = [line for line in lines if "  Fundwatch (the program itself, version " in line]
    ((chain, tx), *_) = scene.home.sql("SELECT chain, tx FROM transfer ORDER BY id DESC")
    assert any("recorded 1 new movement" in line for line in polls)
    assert any(f" in 1 transaction: {chain} {tx}" in line for line in polls)
    assert any("  summed up the movements from before its watch: E-" in line for line in polls)
    assert not any("changed in the watchlist" in line for line in polls)
    assert any(f"made 1 alert: {alert}" in line for line in polls)
    assert show(scene, "--from", str(seq)).splitlines()[0] == lines[-1]
    assert "is no case of the record" in scene.home.run("log", "show", "--case", "X", code=2)
    about = show(scene, "--case", "CASE-1").splitlines()[:-1]
    assert set(about) <= set(lines)
    assert lines[-1] in about


def test_the_log_says_which_address_was_listed_and_what_changed(scene: Scene) -> None:
    """Not an id alone: an entry that was made to tell less is what somebody looks for."""
    scene.home.write("watchlist.yaml", watchlist(entry(ALICE, severity="low"), entry(BOB)))
    scene.home.run("poll")
    scene.home.run("watchlist", "retire", BOB, "--by", "Zoe", "--why", "a court order")
    said = show(scene)
    assert re.search(rf'added to the watchlist: E-\S+ "label a" dev {ALICE}', said)
    assert re.search(rf"changed in the watchlist: E-\S+ .* {ALICE} \(severity from .*to .low", said)
    assert re.search(rf"retired: E-\S+ .* {BOB} \(.*Zoe a court order", said)


def test_a_damaged_text_costs_its_own_line(scene: Scene) -> None:
    """Whatever somebody wrote into the log, the other lines are shown."""
    lines = show(scene).splitlines()
    bad = ("no JSON", "[]", '{"what":"taken"}', '{"act":1,"actor":{},"at":"x","what":[]}')
    for text in bad:
        scene.home.sql("UPDATE log_text SET text = ? WHERE seq = 2", text)
        found = show(scene).splitlines()
        assert found[1].startswith("2  cannot be understood: `fundwatch verify` says what differs")
        assert [*found[:1], *found[2:]] == [*lines[:1], *lines[2:]]
        assert scene.home.lines("log", "show", "--format", "jsonl")[1]["number"] == 2


STORE = Path(erase.__file__).parent
# What a record is verified by.
FOR_GOOD = {"record", "table", "covered", "restored", "case", "erase asked", "erased"}
FOR_GOOD |= {"listing", "publication", "accepted"}
# Who decided what, of the desk: what people wrote can be erased.
FOR_GOOD |= {"person", "member", "passed on", "handed out"}


def test_every_part_of_the_log_has_words_and_keys() -> None:
    """A person must understand each line, and verify each act; what can be erased leaves its keys.
    A part of a later program is told by its name."""
    texts = (path.read_text("utf-8") for path in STORE.glob("*.py"))
    parts = {part for text in texts for part in re.findall(r'\bPart\(\s*"([^"]+)"', text)}
    assert parts == set(loglines.WORDS)
    assert parts - set(erase.KEYS) == FOR_GOOD
    assert set(gone.PARTS) == set(erase.KEYS), "what an erased text had made stays known"
    assert {part for known in replay.ACTS.values() for part in known} == parts
    assert set(replay.ACTS) == {act.kind for act in CARRY} | {"begin"}
    later = {"act": "knight", "what": "knighted\x1b[2J", "body": {}}
    assert loglines.said(later) == "knight: knighted [2J"


def test_until_when_a_case_is_kept() -> None:
    def at(*day: int) -> int:
        return int(datetime(*day, tzinfo=UTC).timestamp())

    closed = at(2024, 2, 29)
    assert retention.ends(closed, 4) == at(2028, 2, 29)
    assert retention.ends(closed, 5) == at(2029, 3, 1)
    states = {"A": CaseState(closed), "B": CaseState(closed, held=5), "C": CaseState()}
    assert retention.over(states, None, at(2099, 1, 1)) == {}
    assert retention.over(states, 5, at(2029, 3, 1) - 1) == {}
    assert retention.over(states, 5, at(2029, 3, 1)) == {"A": at(2029, 3, 1)}


def test_the_retention_is_a_setting_of_years(tmp_path: Path) -> None:
    """None by default: nothing ever ends."""
    assert load(tmp_path, {}).retention_years is None
    (tmp_path / "config").mkdir()
    (tmp_path / "config/settings.yaml").write_text("retention_years: 10\n", "utf-8")
    assert load(tmp_path, {}).retention_years == 10
    (tmp_path / "config/settings.yaml").write_text("retention_years: 0\n", "utf-8")
    with pytest.raises(ConfigError, match="retention_years"):
        load(tmp_path, {})


def test_a_case_whose_time_is_over_is_named(scene: Scene) -> None:
    """In status and in the daily message, of cases that the channel may see; nothing is deleted."""
    scene.home.run("case", "close", "CASE-1", "--by", "Ann", "--why", "handed over")
    scene.home.sql("UPDATE case_state SET closed = closed - 4 * 366 * 86400")
    settings = {"every": 2, "prices": "none", "retention_years": 3}
    words = " ".join(scene.home.run("status").split())
    assert "RETENTION" not in words
    scene.home.write("config/settings.yaml", settings)
    over = "CASE-1: its 3 years since it was closed are over since 20"
    asks = "Nothing is deleted by itself: ask your counsel."
    words = " ".join(scene.home.run("status").split())
    assert f"RETENTION {over}" in words
    assert asks in words
    (case,) = json.loads(scene.home.run("status", "--json"))["retention"]["over"]
    assert case["case"] == "CASE-1"
    daily = " ".join(scene.home.run("messages", "preview", "daily").split())
    assert over in daily
    assert asks in daily
    with closing(Store(scene.home.path / "fundwatch.db", readonly=True)) as store:
        told = Daily(store, load(scene.home.path, {}), 0, int(time.time()))
        assert "RETENTION" in told.remarks({"CASE-1"}, "mail")
        assert "RETENTION" not in told.remarks({"CASE-2"}, "mail")
