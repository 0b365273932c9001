"""Alerts that nobody acknowledges are passed on; quiet hours hold back what can wait. With
the real command and real receivers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from home import ALICE, BANK, BOB, SHOP, Scene, bodies, entry, staged, told, watchlist
from sinks import HttpSink, answer

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
    settings = {"every": 2, "escalate_to": list(names), "escalate_after_minutes": AFTER // 60}
    scene.home.write("config/settings.yaml", settings)
    scene.home.run("poll", code=None)


def second_hook(sink: HttpSink) -> dict[str, Any]:
    return {"kind": "webhook", "url": sink.url(), "secret_env": "HOOK_SECRET",
            "allow_private": True, "audience": "escalation"}  # fmt: skip


def later(scene: Scene, seconds: int) -> None:
    """Let time pass for alerts."""
    scene.home.sql("UPDATE alert SET created = created - ?", seconds)
    scene.home.sql("UPDATE note SET value = value - ? WHERE key = 'escalation'", seconds)


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
    """A channel that is switched off does not stop the way of an alert."""
    with HttpSink() as gone, HttpSink() as boss:
        gone.default = answer(410)
        channels(scene, gone=second_hook(gone), boss=second_hook(boss))
        passing_on(scene, "gone", "boss")
        scene.home.run("channels", "test", "gone", code=2)
        scene.home.sql("INSERT OR REPLACE INTO channel_state VALUES ('gone', 1, 'gone')")
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        later(scene, AFTER + 1)
        scene.home.run("poll", code=None)
        assert sum(told(boss.seen).values()) == 1


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
    assert next(iter(subjects)).startswith("[Fundwatch HIGH] OUT")
    assert sum(told(scene.hook.seen).values()) == 2
    channels(scene, mail={"quiet_hours": hours(2, 4)})
    scene.home.run("poll")
    subjects = {m.message["Subject"] for m in scene.mail.mails} - subjects
    assert len(subjects) == 1
    assert next(iter(subjects)).startswith("[Fundwatch MEDIUM] IN")
