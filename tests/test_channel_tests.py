"""The daily test of the channels."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import yaml
from world.home import ALICE, SHOP, Scene, incident_keys, staged

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.decide import incidents
from monitor.loops.clock import now
from monitor.loops.health import channel_tests, kept
from monitor.store.incidents import incident_list

HOUR = 3600


def try_channels(app: Fundwatch, at: int) -> None:
    channel_tests.try_channels(app.deliver_world(), app.channels, app.settings.daily_hour, at)


def newest_test(scene: Scene, name: str) -> dict[str, object] | None:
    shown = json.loads(scene.home.run("status", "--json"))["deliveries"]["channels"]
    return next(c["tested"] for c in shown if c["channel"] == name)


def test_channels_are_tried_once_a_day(tmp_path: Path) -> None:
    """Connected to without a message, except where a test message is wanted; not on the
    first day, not twice a day, not before the hour."""
    with staged(tmp_path) as scene:
        configured = yaml.safe_load((tmp_path / "config/channels.yaml").read_text("utf-8"))
        configured["channels"]["hook"]["daily_test"] = True
        scene.home.write("config/channels.yaml", configured)
        with open_home(tmp_path, {}) as app:
            day = 86_400 * (now() // 86_400) + 12 * HOUR
            try_channels(app, day)
            assert kept.last_tests(app.store, app.channels) == {}
            try_channels(app, day + 20 * HOUR - 1)
            hour = day + 20 * HOUR
            assert (scene.hook.seen, kept.last_tests(app.store, app.channels)) == (
                [],
                {},
            )
            try_channels(app, hour)
            found = kept.last_tests(app.store, app.channels)
            try_channels(app, hour + HOUR)
            assert kept.last_tests(app.store, app.channels) == found
            assert {t.good for t in found.values()} == {True}
            assert "test message accepted" in found["hook"].words
            assert "nothing was sent" in found["mail"].words
            assert len(scene.hook.seen) == 1
            assert scene.mail.mails == []
        shown = newest_test(scene, "mail")
        assert shown is not None
        assert shown["good"]
        assert ", tested " in scene.home.run("status")


def test_a_channel_that_fails_its_test_is_told_until_it_is_back(tmp_path: Path) -> None:
    """An incident, seen before an alert depends on it; the test is repeated, and closes it."""
    with staged(tmp_path) as scene:
        good = (tmp_path / "config/channels.yaml").read_text("utf-8")
        broken = yaml.safe_load(good)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            broken["channels"]["mail"]["port"] = closed.getsockname()[1]
        scene.home.write("config/channels.yaml", broken)
        start = 86_400 * (now() // 86_400)
        with open_home(tmp_path, {}) as app:
            try_channels(app, start)
            try_channels(app, start + 86_400 + 9 * HOUR)
            (incident,) = incident_list(app.store, open_only=True)
            assert incident.signal.key == "channel:mail"
            assert "failed its daily test" in incident.signal.what
            held = incident.since + incident.signal.hold
            assert incidents.phase(incident, held - 1) is None
            assert incidents.phase(incident, held) == "opened"
        scene.home.write("config/channels.yaml", good)
        with open_home(tmp_path, {}) as app:
            try_channels(app, start + 86_400 + 9 * HOUR + 60)
            assert incident_keys(app) == ["channel:mail"], "not asked again so soon"
            try_channels(app, start + 86_400 + 9 * HOUR + channel_tests.TEST_AGAIN)
            assert incident_keys(app) == []


def test_a_connection_alone_does_not_clear_a_refused_message(tmp_path: Path) -> None:
    """The server answers and takes no mail: its incident stays."""
    with staged(tmp_path) as scene:
        scene.pay((ALICE, SHOP))
        scene.mail.rcpt["desk@example.org"] = "451 4.7.1 later"
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.poll(everything=True)
            for _ in range(3):
                app.deliver(everything=True)
            assert "channel:mail/desk@example.org" in incident_keys(app)
            start = 86_400 * (now() // 86_400)
            try_channels(app, start)
            try_channels(app, start + 86_400 + 9 * HOUR)
            assert kept.last_tests(app.store, app.channels)["mail"].good
            assert "channel:mail/desk@example.org" in incident_keys(app)
