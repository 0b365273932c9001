"""The desk's rules at every door, with the real commands and the real daemon: what a typed name
wants is proposed, another person agrees, the program does it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from world.deskbook import ANN, BOB, ON, joined_in
from world.home import ALICE, SHOP, Home, Scene, entry, staged, stop, wait_for, watchlist
from world.home import BOB as PAID
from world.logged import differences

from monitor.loops.desk import wishes, work
from monitor.model.desk import Role, Sight
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

ALL = Sight(None, loose=True)
NOW = int(time.time())


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        settings = made.home.path / "config/settings.yaml"
        tree = yaml.safe_load(settings.read_text("utf-8")) if settings.exists() else {}
        made.home.write("config/settings.yaml", {**(tree or {}), "web": {"desk": "on"}})
        yield made


def store_of(home: Home) -> Store:
    return Store(home.path / DATABASE)


def entry_of(home: Home) -> str:
    (found, *_) = home.sql("SELECT id FROM entry WHERE retired IS NULL ORDER BY id")
    return str(found[0])


def staff(home: Home) -> None:
    with closing(store_of(home)) as store:
        joined_in(store, "ann", Role.LEAD)
        joined_in(store, "bob", Role.ANALYST, "CASE-1")


def agree(home: Home, name: str, who: object = ANN) -> None:
    with closing(store_of(home)) as store:
        work.answer(store, ON, who, name, True, "", NOW)  # type: ignore[arg-type]


def state(home: Home, name: str) -> tuple[str, str]:
    (found,) = home.sql("SELECT state, said FROM proposal WHERE id = ?", name)
    return found[0], found[1]


def proposed(said: str) -> str:
    assert said.startswith("proposed  P-"), said
    assert "nothing is done yet: another person, who signs in, agrees at http://localhost:" in said
    return said.split()[1].rstrip(";")


def test_a_command_proposes_and_the_daemon_does_it_once_agreed(scene: Scene) -> None:
    """Killed between the two it is done after the next start."""
    home = scene.home
    staff(home)
    mine = entry_of(home)
    said = home.run("watchlist", "retire", mine, "--by", "bob", "--why", "it is over")
    name = proposed(said)
    again = home.run("watchlist", "retire", mine, "--by", "bob", "--why", "it is over")
    assert proposed(again) == name, "the same while it waits"
    assert home.sql("SELECT count(*) FROM entry WHERE retired IS NULL")[0][0] == 2
    with home.daemon() as process:
        stop(process, signal.SIGKILL)
    agree(home, name)
    assert state(home, name) == ("agreed", "")
    with home.daemon():
        wait_for(lambda: state(home, name)[0] == "done", 60, home.log)
    assert home.sql("SELECT retired IS NOT NULL FROM entry WHERE id = ?", mine) == [(1,)]
    written = (home.path / "watchlist.yaml").read_text("utf-8")
    assert written.count("it is over") == 1
    assert "bob" in written
    assert "agreed to by ann" in home.run("log", "show")
    assert differences(home.path / DATABASE) == []


def test_closing_by_command_and_by_daemon_is_the_same(scene: Scene) -> None:
    """Severe and high are proposed; a reason of the list is needed."""
    home = scene.home
    staff(home)
    high = [entry(each, severity="high") for each in (ALICE, PAID)]
    home.write("watchlist.yaml", watchlist(*high))
    home.run("poll")
    scene.pay((ALICE, SHOP), (PAID, SHOP))
    home.run("poll")
    one, two = (row[0] for row in home.sql("SELECT id FROM alert WHERE kind = 'movement'"))
    said = home.run("alerts", "close", one, "--by", "bob", "--note", "x", code=2)
    assert "is no reason to close" in said
    words = ("--by", "bob", "--note", "was announced", "--as", "expected")
    said = home.run("alerts", "close", one, *words)
    assert "waits for a second person" in said
    with home.daemon():
        said = home.run("alerts", "close", two, *words)
        assert "waits for a second person" in said
    assert {row[0] for row in home.sql("SELECT state FROM proposal")} == {"waiting"}
    assert "desk: 2 proposals wait for a second person" in home.run("status", code=None)
    home.run("alerts", "ack", one, "--by", "bob")
    assert "acknowledged by bob (claimed)" in home.run("alerts", "list")
    assert differences(home.path / DATABASE) == []


def test_a_mail_that_was_sent_links_to_its_page(scene: Scene) -> None:
    home = scene.home
    scene.pay((ALICE, SHOP))
    home.run("poll")
    (alert,) = (row[0] for row in home.sql("SELECT id FROM alert WHERE kind = 'movement'"))
    mail = scene.mails_of(alert)[0]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert f"http://localhost:8788/alert/{alert}" in body.get_content()


def test_what_the_desk_adds_to_files(scene: Scene) -> None:
    home = scene.home
    staff(home)
    with closing(store_of(home)) as store:
        lines = {"address": SHOP, "chain": "dev", "label": "the shop", "case": "CASE-1"}
        watched = wishes.add_watch(store, ON, BOB, lines, "he pays it", NOW, "1").id
        said = {
            "label": "A Shop",
            "category": "service",
            "source": "its page",
            "date": "2026-01-02",
        }
        named = wishes.name(store, ON, BOB, ("dev", SHOP), said, "seen", NOW, "2").id
    with home.daemon():
        wait_for(lambda: state(home, named)[0] in ("done", "failed"), 60, home.log)
    assert state(home, watched)[0] == "done", state(home, watched)
    assert state(home, named)[0] == "done", state(home, named)
    assert "the shop" in (home.path / "watchlist.yaml").read_text("utf-8")
    book = (home.path / "addressbook.csv").read_text("utf-8")
    assert "A Shop" in book
    assert "its page (bob),2026-01-02" in book
    assert differences(home.path / DATABASE) == []
    home.sql("UPDATE proposal SET state = 'agreed', ended_by = 'bob', said = ''")
    with home.daemon():
        wait_for(lambda: {state(home, n)[0] for n in (watched, named)} == {"done"}, 60, home.log)
    assert state(home, watched)[1].startswith("it was so already")
    assert (home.path / "watchlist.yaml").read_text("utf-8").count("the shop") == 1


def test_erasing_is_confirmed_by_who_has_signed_in(scene: Scene) -> None:
    """Asked for by a command; a typed name that confirms it only proposes that."""
    home = scene.home
    staff(home)
    scene.pay((ALICE, SHOP))
    home.run("poll")
    (alert,) = (row[0] for row in home.sql("SELECT id FROM alert WHERE kind = 'movement'"))
    home.run("alerts", "ack", alert, "--by", "Kim", "--note", "canary: Mr. X")
    ((row,),) = home.sql("SELECT seq FROM log_text WHERE text LIKE '%canary: Mr. X%'")
    words = ("--rule", "GDPR art. 17", "--why", "a letter")
    said = home.run("log", "erase", str(row), "--by", "Kim", *words)
    number = said.split("--confirm ")[1].split()[0]
    said = home.run("log", "erase", "--confirm", number, "--by", "Kim", code=2)
    assert "It takes another person" in said
    name = proposed(home.run("log", "erase", "--confirm", number, "--by", "bob"))
    agree(home, name)
    assert home.sql("SELECT text IS NULL FROM log_text WHERE seq = ?", row) == [(0,)]
    with home.daemon():
        wait_for(lambda: state(home, name)[0] != "agreed", 60, home.log)
    assert state(home, name)[0] == "done", state(home, name)
    assert home.sql("SELECT text IS NULL FROM log_text WHERE seq = ?", row) == [(1,)]
    assert "by ann, asked for by Kim" in state(home, name)[1]
    assert differences(home.path / DATABASE) == []


def test_without_a_desk_commands_do_it_at_once(tmp_path: Path) -> None:
    with staged(tmp_path) as made:
        mine = entry_of(made.home)
        said = made.home.run("watchlist", "retire", mine, "--by", "bob", "--why", "it is over")
        assert said.startswith("retired ")
        assert made.home.sql("SELECT count(*) FROM proposal") == [(0,)]
        assert "desk:" not in made.home.run("status", code=None)
