"""Alerts that nobody acknowledges are passed on; quiet hours hold back what can wait. With
the real command and real receivers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from world.home import (
    ALICE,
    BANK,
    BOB,
    SHOP,
    Scene,
    bodies,
    entry,
    staged,
    stop,
    told,
    wait_for,
    watchlist,
)
from world.sinks import HttpSink, answer

AFTER = 30 * 60


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        yield made


def channels(scene: Scene, **more: dict[str, Any]) -> None:
    """Add to the channels of the scene, or to their lines."""
    path = scene.home.path / "config/channels.yaml"
    found = yaml.safe_load(path.read_text("utf-8"))["channels"]
    for name, lines in more.items():
        found[name] = found.get(name, {}) | lines
    scene.home.write("config/channels.yaml", {"channels": found})


def passing_on(scene: Scene, *names: str) -> None:
    """Switch passing on, and let the program take note of it."""
    settings = {
        "every": 2,
        "prices": "none",
        "escalate_to": list(names),
        "escalate_after_minutes": AFTER // 60,
    }
    scene.home.write("config/settings.yaml", settings)
    later(scene, 2)  # what was told before lies before, also on a quick machine
    scene.home.run("poll", code=None)


def second_hook(sink: HttpSink) -> dict[str, Any]:
    return {"kind": "webhook", "url": sink.url(), "secret_env": "HOOK_SECRET",
            "allow_private": True, "audience": "escalation"}  # fmt: skip


def later(scene: Scene, seconds: int) -> None:
    """Let time pass for alerts and messages."""
    for table in ("alert", "message"):
        scene.home.sql(f"UPDATE {table} SET created = created - ?", seconds)
    scene.home.sql(
        "UPDATE note SET value = (CAST(value AS INTEGER) - ?) || substr(value, instr(value, ' ')) "
        "WHERE key = 'escalation'",
        seconds,
    )


def test_unacknowledged_alert_goes_to_the_next_channel(scene: Scene) -> None:
    """High and nobody took it: the next channel gets it, marked; then the one after; once
    each. Medium stays where it is."""
    with HttpSink() as boss:
        channels(scene, boss=second_hook(boss))
        passing_on(scene, "boss", "mail")
        scene.pay((ALICE, SHOP), (BANK, BOB))
        scene.home.run("poll")
        assert boss.seen == []
        later(scene, AFTER + 1)
        scene.home.run("poll")
        (body,) = bodies(boss.seen)
        assert body["data"]["passed_on"] is True
        (passed,) = body["data"]["alerts"]
        assert passed["entry"]["address"] == ALICE
        before = len(scene.mail.mails)
        later(scene, AFTER)
        scene.home.run("poll")
        scene.home.run("poll")
        assert len(boss.seen) == 1
        mails = [m.message for m in scene.mail.mails[before:]]
        assert len(mails) == 2  # to each recipient of the same message
        assert mails[0]["Subject"].startswith("[Fundwatch HIGH, NOT ACKNOWLEDGED] OUT ")
        text = mails[0].get_body(("plain",))
        assert text is not None
        assert "NOBODY HAS ACKNOWLEDGED THIS" in text.get_content()


def test_acknowledged_alert_is_not_passed_on(scene: Scene) -> None:
    """Whoever takes an alert ends its way."""
    with HttpSink() as boss:
        channels(scene, boss=second_hook(boss))
        passing_on(scene, "boss")
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        (alert,) = scene.alerts("movement")
        scene.home.run("alerts", "ack", alert["id"], "--by", "m.ortiz")
        later(scene, 10 * AFTER)
        scene.home.run("poll")
        assert boss.seen == []


def test_old_alerts_are_left_alone(scene: Scene) -> None:
    """What was told before passing on was switched on is not passed on."""
    with HttpSink() as boss:
        channels(scene, boss=second_hook(boss))
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        time.sleep(1.1)  # the record counts in seconds
        passing_on(scene, "boss")
        scene.home.sql("UPDATE alert SET created = created - ?", 10 * AFTER)
        scene.home.run("poll")
        assert boss.seen == []


def test_dead_channel_is_passed_over(scene: Scene) -> None:
    """A channel whose receiver said that it is gone does not stop the way of an alert."""
    with HttpSink() as gone, HttpSink() as boss:
        gone.default = answer(410)
        channels(scene, gone=second_hook(gone), boss=second_hook(boss))
        passing_on(scene, "gone", "boss")
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        later(scene, AFTER + 1)
        scene.home.run("poll", code=1)
        assert (len(gone.seen), len(boss.seen)) == (1, 0)
        later(scene, AFTER + 1)
        scene.home.run("poll", code=None)
        (body,) = (b for b in bodies(boss.seen) if b["data"].get("passed_on"))
        assert len(body["data"]["alerts"]) == 1


def test_new_step_is_not_flooded_with_the_past(scene: Scene) -> None:
    """A channel that joins the chain gets what is on its way, not what lies open for long."""
    with HttpSink() as first, HttpSink() as second:
        channels(scene, first=second_hook(first), second=second_hook(second))
        passing_on(scene, "first")
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        later(scene, AFTER + 1)
        scene.home.run("poll")
        later(scene, 100 * AFTER)
        (fresh,) = scene.pay((ALICE, BANK))
        scene.home.run("poll")
        later(scene, AFTER + 1)
        passing_on(scene, "first", "second")
        later(scene, AFTER + 1)
        scene.home.run("poll")
        assert len(told(first.seen)) == 2
        assert [a["tx"] for b in bodies(second.seen) for a in b["data"]["alerts"]] == [fresh]


def test_clock_that_ran_ahead_holds_nothing_back(scene: Scene) -> None:
    """Messages and alerts that are dated into the future neither hold back what is new nor
    stop what is open from being passed on."""
    with HttpSink() as boss:
        channels(scene, boss=second_hook(boss))
        passing_on(scene, "boss")
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        scene.home.sql("UPDATE message SET created = created + 259200, form = 'group'")
        scene.home.sql("UPDATE alert SET created = created + 259200")
        scene.pay((BANK, BOB))
        with scene.home.daemon() as process:
            wait_for(lambda: len(scene.mail.mails) == 4, 20, scene.home.log)
            stop(process)
        scene.home.sql(
            "UPDATE note SET value = (CAST(value AS INTEGER) - ?) || ' boss' "
            "WHERE key = 'escalation'", AFTER + 1,
        )  # fmt: skip
        scene.home.run("poll")
        assert len(boss.seen) == 1


def test_channel_that_is_taken_out_leaves_nothing_behind(scene: Scene) -> None:
    """What waited for it goes to the others once, operations is told, health recovers."""
    channels(scene, mail={"quiet_hours": hours(-1, 2)}, second=second_hook(scene.hook))
    scene.hook.default = answer(503)
    scene.pay((BANK, BOB))
    scene.home.run("poll", code=1)
    found = yaml.safe_load((scene.home.path / "config/channels.yaml").read_text("utf-8"))
    other = {k: v for k, v in found["channels"]["mail"].items() if k != "quiet_hours"}
    scene.home.write("config/channels.yaml", {"channels": {"other": other}})
    scene.home.run("poll")
    (moved,) = scene.alerts("movement")
    subjects = [m.message["Subject"] for m in scene.mail.mails]
    assert sum(moved["id"] in subject for subject in subjects) == 2  # one for each recipient
    assert len(scene.alerts("notice", "no longer in config/channels.yaml")) == 2
    states = {d["channel"]: d["state"] for d in scene.home.deliveries()}
    assert states["hook"] == "moved"
    found = json.loads(scene.home.run("status", "--json"))["deliveries"]
    assert (found["waiting"], found["dead"], found["unsent"]) == (0, 0, 0)
    count = len(scene.mail.mails)
    scene.home.run("poll")
    assert len(scene.mail.mails) == count


def hours(begin: int, end: int) -> str:
    """A span of the day in UTC, in hours from now."""
    now = datetime.now(ZoneInfo("UTC"))
    ends = [now + timedelta(hours=each) for each in (begin, end)]
    return "-".join(f"{at:%H:%M}" for at in ends)


def test_quiet_hours_hold_back_what_can_wait(scene: Scene) -> None:
    """In quiet hours high goes out and medium waits, without making a poll fail; after them
    it goes out. Machines do not sleep."""
    scene.home.write("watchlist.yaml", watchlist(entry(ALICE, severity="high"), entry(BOB)))
    channels(scene, mail={"quiet_hours": hours(-1, 2)})
    scene.pay((ALICE, SHOP), (BANK, BOB))
    scene.home.run("poll")
    subjects = {m.message["Subject"] for m in scene.mail.mails}
    assert len(subjects) == 1
    assert next(iter(subjects)).strip().startswith("[Fundwatch HIGH] OUT")
    assert sum(told(scene.hook.seen).values()) == 2
    channels(scene, mail={"quiet_hours": hours(2, 4)})
    scene.home.run("poll")
    subjects = {m.message["Subject"] for m in scene.mail.mails} - subjects
    assert len(subjects) == 1
    assert next(iter(subjects)).strip().startswith("[Fundwatch MEDIUM] IN")
