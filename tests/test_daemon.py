"""`fundwatch run` as a service: it picks things up, takes orders, and stops when told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from world.home import ALICE, BANK, BOB, SHOP, Scene, entry, staged, stop, told, wait_for, watchlist
from world.sinks import HttpSink, hang


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        yield made


@pytest.mark.slow
def test_a_day_at_work(scene: Scene) -> None:
    """Payments are told within seconds, an alert can be acknowledged, a second instance is
    refused, the status says that it runs, SIGTERM ends it with 0; then nothing is sent twice."""
    (first,) = scene.pay((ALICE, SHOP))
    with scene.home.daemon() as process:
        wait_for(lambda: scene.hook.seen, 10, scene.home.log)
        (second,) = scene.pay((BANK, BOB))
        wait_for(lambda: len(scene.hook.seen) == 2, 10, scene.home.log)
        scene.home.run("run", code=75)
        (alert,) = (a for a in scene.alerts("movement") if a["tx"] == first)
        said = scene.home.run("alerts", "ack", alert["id"], "--by", "Ann", "--note", "mine")
        assert alert["id"] in said
        assert json.loads(scene.home.run("status", "--json"))["running"] is True
        began = time.monotonic()
        assert stop(process) == 0
        assert time.monotonic() - began < 10
    assert {a["tx"]: a["state"] for a in scene.alerts("movement")} == {
        first: "acknowledged",
        second: "open",
    }
    assert set(told(scene.hook.seen).values()) == {1}
    count = len(scene.hook.seen)
    scene.home.run("poll")
    assert len(scene.hook.seen) == count


@pytest.mark.slow
def test_refused_request_is_answered(scene: Scene) -> None:
    """What the daemon cannot do it says, with the same exit code as without it."""
    with scene.home.daemon() as process:
        assert "is no alert" in scene.home.run("alerts", "ack", "A-NONE", "--by", "Ann", code=2)
        assert process.poll() is None
        assert list((scene.home.path / "requests").glob("*")) == []
        assert stop(process) == 0


@pytest.mark.slow
def test_sigterm_while_a_source_hangs(scene: Scene) -> None:
    """A stop does not wait for the network: exit 0 in less than ten seconds, and what was
    being read is read after the restart."""
    (tx,) = scene.pay((ALICE, SHOP))
    good = (scene.home.path / "config/sources.yaml").read_text("utf-8")
    with HttpSink() as tarpit:
        tarpit.default = hang
        mine = yaml.safe_load(good)["sources"]["mine"] | {"url": tarpit.url("/v2/api")}
        scene.home.write("config/sources.yaml", {"sources": {"mine": mine}})
        with scene.home.daemon() as process:
            wait_for(lambda: tarpit.seen, 10, scene.home.log)
            began = time.monotonic()
            assert stop(process) == 0
            assert time.monotonic() - began < 10
    assert scene.moved() == {}
    scene.home.write("config/sources.yaml", good)
    with scene.home.daemon() as process:
        wait_for(lambda: scene.moved() == {(ALICE, tx): 1}, 10, scene.home.log)
        assert stop(process) == 0


@pytest.mark.slow
def test_sigterm_while_a_receiver_hangs(scene: Scene) -> None:
    """The same for a webhook receiver; the message goes out after the restart."""
    scene.pay((ALICE, SHOP))
    scene.hook.then(hang)
    with scene.home.daemon() as process:
        wait_for(lambda: scene.hook.seen, 10, scene.home.log)
        began = time.monotonic()
        assert stop(process) == 0
        assert time.monotonic() - began < 10
    scene.home.run("poll")
    first, again = scene.hook.seen
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])


@pytest.mark.slow
def test_watchlist_changes_while_it_runs(scene: Scene) -> None:
    """An added entry is watched within a minute, a missing one stays watched, a wrong line
    is refused, and operations hear of each."""
    with scene.home.daemon() as process:
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE, severity="high"), entry(SHOP)))
        wait_for(lambda: len(scene.alerts("history")) == 3, 60, scene.home.log)
        (answer,) = scene.alerts("notice", "1 taken")
        assert "1 missing" in answer["title"]
        (tx,) = scene.pay((SHOP, BOB))
        wait_for(lambda: len(scene.alerts("movement")) == 2, 20, scene.home.log)
        assert scene.moved() == {(SHOP, tx): 1, (BOB, tx): 1}
        wait_for(lambda: answer["id"] in told(scene.hook.seen), 10)
        assert scene.mails_of(answer["id"])
        scene.home.write("watchlist.yaml", "cases: [\n")
        wait_for(lambda: scene.alerts("notice", "could not be read"), 60, scene.home.log)
        scene.pay((BANK, BOB))
        wait_for(lambda: len(scene.alerts("movement")) == 3, 20, scene.home.log)
        good = watchlist(entry(ALICE, severity="high"), entry(SHOP), entry(BOB))
        scene.home.write("watchlist.yaml", good)
        wait_for(lambda: scene.alerts("notice", "Over: The watchlist"), 60, scene.home.log)
        owed = {a["id"] for a in scene.home.alerts() if a["deliveries"]}
        wait_for(lambda: set(told(scene.hook.seen)) == owed, 10, scene.home.log)
        assert stop(process) == 0
    assert set(told(scene.hook.seen).values()) == {1}


def test_an_entry_is_named_by_id_address_or_label(scene: Scene) -> None:
    """What names one entry is enough; what names none or several says how to find the id. What
    the file holds and nobody has taken yet is told."""
    home = scene.home
    home.write("watchlist.yaml", watchlist(entry(ALICE), entry(BOB), entry(SHOP, label="label a")))
    home.run("poll")
    home.run("watchlist", "add", BANK, "--chain", "dev")
    assert "watchlist.yaml holds 1 that are not taken yet: run or poll" in home.run(
        "watchlist", "list"
    )
    nothing = home.run("watchlist", "retire", "E-0000", "--by", "A", "--why", "x", code=2)
    assert "'E-0000' is no entry. `fundwatch watchlist list` shows the id" in nothing
    several = home.run("watchlist", "show", "label a", code=2)
    assert "is meant by 2 entries. Name one by its id: E-" in several
    assert BOB in home.run("watchlist", "show", "label b").lower()
    written = "0x" + BOB[2:].upper()
    ended = home.run("watchlist", "retire", written, "--by", "M. Ortiz", "--why", "over")
    assert ended.startswith("retired   E-")
    assert 'M. Ortiz "over"' in (home.path / "watchlist.yaml").read_text("utf-8")
    again = home.run("watchlist", "retire", BOB, "--by", "A", "--why", "x", code=2)
    assert "is retired already" in again


@pytest.mark.slow
def test_lost_watchlist_and_retired_entry(scene: Scene) -> None:
    """A deleted watchlist changes nothing but is told; put back as it was, that is over.
    A retired entry is watched no longer."""
    path = scene.home.path / "watchlist.yaml"
    text = path.read_text("utf-8")
    with scene.home.daemon() as process:
        path.unlink()
        wait_for(lambda: scene.alerts("notice", "could not be read"), 60, scene.home.log)
        (tx,) = scene.pay((BANK, BOB))
        wait_for(lambda: scene.moved() == {(BOB, tx): 1}, 20, scene.home.log)
        path.write_text(text, "utf-8")
        wait_for(lambda: scene.alerts("notice", "Over: The watchlist"), 60, scene.home.log)
        bob = next(a["entry"]["id"] for a in scene.alerts("movement"))
        scene.home.run("watchlist", "retire", bob, "--by", "Ann", "--why", "case closed")
        other, _ = scene.pay((BANK, ALICE), (BANK, BOB))
        wait_for(lambda: scene.moved() == {(BOB, tx): 1, (ALICE, other): 1}, 20, scene.home.log)
        assert stop(process) == 0
    scene.home.run("poll")
    assert scene.moved() == {(BOB, tx): 1, (ALICE, other): 1}
