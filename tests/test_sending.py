"""Rounds of sending: a fault costs one message its layout, a hang nobody but its channel, a
kill nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from world.home import ALICE, BANK, BOB, SHOP, Scene, bodies, evm_home, staged, stop, told, wait_for
from world.sinks import HttpSink, RawServer, answer, hang
from world.tamper import untriggered

from monitor.app.home import open_home
from monitor.loops.deliver import SendingRounds
from monitor.store import incidents


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        yield made


def test_one_alert_that_cannot_be_shown_stops_no_other(scene: Scene) -> None:
    """Its row is broken in the record: its message says which alert it is, all others go
    out as they are, and people hear of the fault."""
    one, other = scene.pay((ALICE, SHOP), (BANK, BOB))
    with open_home(scene.home.path, {}) as app:
        app.reload()
        app.poll(everything=True)
        with app.store.write() as conn, untriggered(conn):
            conn.execute("UPDATE transfer SET amount = 'odd' WHERE tx = ?", (one,))
        app.deliver(everything=True)
        app.housekeep()
        keys = [i.signal.key for i in incidents.incident_list(app.store, open_only=True)]
        assert "layout" in keys
        app.deliver(everything=True)
        rows = app.store.read("SELECT id, tx FROM alert WHERE kind = 'movement'")
        alerts = {row["tx"]: row["id"] for row in rows}
    seen = {a["id"]: a for body in bodies(scene.hook.seen) for a in body["data"]["alerts"]}
    assert "tx" not in seen[alerts[one]]  # only what is known of it
    assert seen[alerts[other]]["tx"] == other
    mails = [m.message for m in scene.mail.mails]
    texts = [part.get_content() for m in mails if (part := m.get_body(("plain",)))]
    assert sum(f"fundwatch alerts show {alerts[one]}" in text for text in texts) == 2
    assert sum("could not be laid out" in text for text in texts) == 4  # it, and the notice
    assert any(f"{alerts[other]}" in m["Subject"] for m in mails)
    with scene.home.daemon() as process:  # what cannot be read does not stop a start either
        stop(process)


def test_a_broken_alert_without_a_channel_does_not_stop_the_start(scene: Scene) -> None:
    """It is adopted like the others, for everybody."""
    path = scene.home.path / "config/channels.yaml"
    before = path.read_text("utf-8")
    scene.home.write("config/channels.yaml", {"channels": {}})
    scene.pay((ALICE, SHOP), (BANK, BOB))
    scene.home.run("poll", code=None)
    scene.home.sql("UPDATE alert SET facts = '{' WHERE kind = 'movement' AND severity = 'high'")
    path.write_text(before, "utf-8")
    with open_home(scene.home.path, {}) as app:
        app.deliver(everything=True)
    moved = [row[0] for row in scene.home.sql("SELECT id FROM alert WHERE kind = 'movement'")]
    seen = told(scene.hook.seen)
    assert [seen[alert] for alert in moved] == [1, 1]


def test_a_message_that_cannot_be_read_stops_no_other(scene: Scene) -> None:
    """Frozen bytes that are broken in the record fail alone."""
    scene.hook.default = answer(503)
    scene.pay((ALICE, SHOP))
    scene.home.run("poll", code=1)
    scene.home.sql("UPDATE message SET rendered = '{' WHERE channel = 'hook'")
    scene.hook.default = answer(200)
    scene.hook.seen.clear()
    (tx,) = scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    (alert,) = (a for a in scene.alerts("movement") if a["tx"] == tx)
    assert told(scene.hook.seen) == {alert["id"]: 1}


def past_eight() -> str:
    zones = ("UTC", "Asia/Tokyo", "America/Los_Angeles")
    return next(zone for zone in zones if datetime.now(ZoneInfo(zone)).hour >= 8)


def test_the_daily_message_has_one_name_a_day(scene: Scene) -> None:
    """Killed after it was made: the note of it is in the same transaction; and even if it
    was lost, the same day makes the same message, which is there."""
    scene.pay((ALICE, SHOP))
    scene.home.write("config/settings.yaml", {"timezone": past_eight(), "prices": "none"})
    for _ in range(2):
        scene.home.sql("UPDATE note SET value = '2026-01-01' WHERE key = 'daily'")
        scene.home.run("poll")
    daily = scene.home.sql("SELECT id FROM message WHERE form = 'daily'")
    assert len(daily) == 1
    name = scene.home.sql("SELECT value FROM note WHERE key = 'daily'")[0][0]
    assert name == datetime.now(ZoneInfo(past_eight())).date().isoformat()
    subjects = [m.message["Subject"] for m in scene.mail.mails]
    assert sum("DAILY" in subject for subject in subjects) == 2  # one for each recipient


def silent_mail(scene: Scene, server: RawServer) -> None:
    path = scene.home.path / "config/channels.yaml"
    rows = yaml.safe_load(path.read_text("utf-8"))["channels"]
    rows["mail"] = {"kind": "email", "host": "127.0.0.1", "port": server.port, "security": "none",
                    "from": "a@example.org", "to": ["desk@example.org"]}  # fmt: skip
    scene.home.write("config/channels.yaml", {"channels": rows})


@pytest.mark.slow
def test_a_hanging_mail_server_delays_no_webhook(scene: Scene) -> None:
    """While the mail server is silent, payment after payment reaches the webhook; and the
    daemon stops in time in the middle of it."""
    began = threading.Event()

    def talk(_connection: object, closing: threading.Event) -> None:
        began.set()
        closing.wait()

    with RawServer(talk) as server:
        silent_mail(scene, server)
        scene.pay((ALICE, SHOP))
        with scene.home.daemon() as process:
            wait_for(began.is_set, 20, scene.home.log)
            wait_for(lambda: sum(told(scene.hook.seen).values()) == 1, 20, scene.home.log)
            scene.pay((BANK, BOB))
            wait_for(lambda: sum(told(scene.hook.seen).values()) == 2, 20, scene.home.log)
            tries = scene.home.sql("SELECT sum(attempts) FROM delivery WHERE channel = 'mail'")
            assert tries[0][0] == 1  # the first mail is still under way
            assert stop(process) == 0


@pytest.mark.slow
def test_a_poll_ends_whatever_receivers_do(scene: Scene) -> None:
    """Everybody hangs, and many messages wait: it says 1 within a minute."""
    with RawServer(lambda _connection, closing: closing.wait() and None) as server:
        silent_mail(scene, server)
        scene.hook.default = hang
        scene.pay((ALICE, SHOP), (BANK, BOB))
        scene.home.run("poll", code=1, timeout=60)
    waiting = scene.home.deliveries("--state", "waiting")
    assert {d["channel"] for d in waiting} == {"hook", "mail"}


@pytest.mark.slow
def test_a_source_that_hangs_is_not_asked_again_by_the_same_poll(tmp_path: Path) -> None:
    """What took a deadline once would take it again: the poll reports it."""
    with HttpSink() as source:
        source.default = hang
        home = evm_home(tmp_path, source.url("/v2/api"), "etherscan", [ALICE])
        said = home.run("poll", code=1, timeout=60)
        assert "could not be read" in said
        assert len(source.seen) == 1


# -- rounds ----------------------------------------------------------------------------------


def test_a_channel_has_one_round_at_a_time() -> None:
    """A second is not begun while the first runs; others are; what ends one is raised."""
    rounds, go = SendingRounds(), threading.Event()
    assert rounds.begin("a", lambda: go.wait() and None)
    assert not rounds.begin("a", lambda: None)
    assert rounds.begin("b", lambda: None)
    rounds.wait(0.0)
    assert "a" in rounds.busy()
    go.set()
    wait_for(lambda: rounds.busy() == [], 5)
    rounds.raise_fault()

    def fail() -> None:
        raise json.JSONDecodeError("x", "", 0)

    assert rounds.begin("a", fail)
    wait_for(lambda: rounds.busy() == [], 5)
    with pytest.raises(json.JSONDecodeError):
        rounds.raise_fault()
    rounds.raise_fault()
    rounds.closing.set()
    assert not rounds.begin("a", lambda: None)
