"""A published list that cannot be had is told to desk and operations, and that it can be again;
so is one that is held back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from world.home import Scene, bodies, incident_keys, staged
from world.sinks import HttpSink, answer, reset

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.loops.clock import now
from monitor.loops.health import tell
from monitor.loops.health.snapshot import Snapshot
from monitor.loops.health.status import snapshot
from monitor.loops.health.words import render
from monitor.loops.list_watch import Wish
from monitor.model.acts import DAEMON
from monitor.model.lists import LATE
from monitor.store import listing
from monitor.web.metrics import exposition

LINES = [b"0x%040x\n" % n for n in range(0xABCDEF0000000, 0xABCDEF0000020)]


@dataclass
class Desk:
    scene: Scene
    app: Fundwatch
    publisher: HttpSink

    def fail_for(self, seconds: int) -> None:
        """Both lists have failed for so long."""
        self.publisher.default = reset
        self.app.following.update(Wish(DAEMON))
        for name in self.app.settings.lists:
            state = listing.state(self.app.store, name)
            listing.put_state(self.app.store, name, replace(state, failing=now() - seconds))

    def told(self, words: str, seconds: int = 700) -> list[str]:
        """Mails with these words, as they are so much later."""
        self.app.housekeep()
        tell.tell_incidents(self.app.store, self.app.router, now() + seconds)
        self.app.deliver(everything=True)
        mails = {m.message["X-Fundwatch-Message"]: _text(m.message) for m in self.scene.mail.mails}
        return [text for text in mails.values() if words in text]


def _text(mail: EmailMessage) -> str:
    """Its plain part, as one line."""
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A home with channels, which follows two lists."""
    with staged(tmp_path) as scene, HttpSink() as publisher:
        publisher.default = answer(200, b"".join(LINES))
        row = {"kind": "text", "every": "1h", "watch": "no"}
        two = {name: {**row, "url": publisher.url(f"/{name}")} for name in ("one", "two")}
        scene.home.write("config/lists.yaml", {"lists": two})
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.following.take_due()
            yield Desk(scene, app, publisher)


def test_a_late_list_is_told_once_and_so_is_its_end(desk: Desk) -> None:
    """One notice for all that are late, after a start not before the network may have come."""
    desk.fail_for(LATE - 100)
    assert desk.told("published lists") == []
    desk.fail_for(LATE + 100)
    assert desk.told("published lists", 0) == []
    assert len(desk.told("2 published lists could not be had")) == 1
    desk.publisher.default = answer(200, b"".join(LINES))
    desk.app.following.update(Wish(DAEMON))
    assert len(desk.told("Over: 2 published lists could not be had")) == 1
    assert incident_keys(desk.app) == []


def test_a_late_list_is_told_to_desk_and_operations(desk: Desk) -> None:
    """Each in its own words, to channels that want only theirs."""
    desk.fail_for(LATE + 100)
    names = desk.app.settings.channels
    configs = {
        "hook": replace(names["hook"], audience=frozenset({"operations"})),
        "mail": replace(names["mail"], audience=frozenset({"desk"})),
    }
    router = replace(desk.app.router, configs=configs)
    desk.app.housekeep()
    tell.tell_incidents(desk.app.store, router, now() + 700)
    (mail,) = desk.told("2 published lists could not be had")
    assert "every message about an address of it says of which day it is" in mail
    assert "cut the connection" in mail
    (hook,) = bodies(desk.scene.hook.seen)
    (alert,) = hook["data"]["alerts"]
    assert "2 published lists could not be had (one, two)." in alert["title"]


def test_a_list_that_is_held_back_is_told_to_the_desk(desk: Desk) -> None:
    """With the command that decides; it is over once a person has."""
    desk.publisher.default = answer(200, b"".join(LINES[:9]))
    desk.app.following.update(Wish(DAEMON, ("one",)))
    (notice,) = desk.told("A newer version of ONE's list (one) was not taken")
    assert "fundwatch lists update one --accept-shrunk" in notice
    desk.app.following.update(Wish(DAEMON, ("one",), shrunk=True))
    assert len(desk.told("Over: ")) == 1


def test_a_list_that_is_used_no_more_is_not_late(desk: Desk) -> None:
    desk.fail_for(LATE + 100)
    assert len(desk.told("2 published lists could not be had")) == 1
    del desk.app.settings.lists["one"], desk.app.settings.lists["two"]
    desk.app.housekeep()
    assert incident_keys(desk.app) == []


def _look(desk: Desk, **terms: object) -> Snapshot:
    lists = desk.app.settings.lists
    for name in lists:
        lists[name] = replace(lists[name], **terms)  # type: ignore[arg-type]
    return snapshot(desk.app.store, desk.app.settings, now(), running=True)


def test_a_late_list_stands_where_the_eye_looks_first(desk: Desk) -> None:
    """Not well, where a movement may be missed for it; in any case in the list of lists."""
    assert _look(desk, watch=True).health.well
    desk.fail_for(LATE + 100)
    desk.told("")
    found = _look(desk, watch=True)
    assert not found.health.well
    assert "lists could not be had for a day (one, two)" in found.health.words
    assert _look(desk, watch=False).health.well, "it only gives names"
    text = render(found, everything=False, width=80)
    assert re.search(r"PUBLISHED ONE's list \(one\) of \S+, 32 rows, had .* ago - WRONG", text)
    (line, _) = found.lists
    failing = listing.state(desk.app.store, "one").failing
    assert (line.list, line.rows, line.missing_since) == ("one", 32, failing)
    desk.publisher.default = answer(200, b"".join(LINES))
    desk.app.following.update(Wish(DAEMON))
    desk.app.housekeep()
    found = _look(desk, watch=True)
    assert found.health.well
    assert "WRONG" not in render(found, everything=False, width=80)


def test_that_a_version_waits_stands_there_too(desk: Desk) -> None:
    desk.publisher.default = answer(200, b"".join(LINES[:9]))
    desk.app.following.update(Wish(DAEMON, ("one",)))
    desk.told("")
    health = _look(desk, watch=True).health
    assert health.well
    assert "a newer version of one waits for your yes" in health.words


def test_how_old_a_list_is_can_be_measured(desk: Desk) -> None:
    app = desk.app
    found = snapshot(app.store, app.settings, now(), running=True, entries=False)
    text = exposition(app.store, app.settings, found, now() + 50)
    (age,) = re.findall(r'fundwatch_list_age_seconds\{list="one"\} (\d+)', text)
    assert int(age) >= 50
