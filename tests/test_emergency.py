"""The alarm that needs no record: who hears it, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from world.home import DESK, Scene, bodies, staged
from world.sinks import answer

from monitor.app import daemon
from monitor.app.home import open_home
from monitor.loops.health import emergency
from monitor.loops.health.emergency import Emergency


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        yield made


def tell(alarm: Emergency) -> bool:
    """Whether it was told; waits until it was."""
    thread = alarm.tell("The record cannot be written.", "Free space.")
    if thread is not None:
        thread.join(60)
        assert not thread.is_alive()
    return thread is not None


def test_a_refused_recipient_keeps_no_colleague_from_hearing(scene: Scene) -> None:
    """Neither in the channel of the one who is refused nor in another one."""
    scene.mail.rcpt[DESK[0]] = "550 5.1.1 no such user"
    with open_home(scene.home.path, {}) as app:
        assert tell(daemon.emergency(app))
    assert [mail.recipients for mail in scene.mail.mails] == [(DESK[1],)]
    assert len(bodies(scene.hook.seen)) == 1


def test_what_no_channel_of_operations_takes_goes_to_the_others(scene: Scene) -> None:
    path = scene.home.path / "config/channels.yaml"
    configs = yaml.safe_load(path.read_text("utf-8"))
    configs["channels"]["hook"]["audience"] = ["operations"]
    configs["channels"]["mail"]["audience"] = ["desk"]
    scene.home.write("config/channels.yaml", configs)
    with open_home(scene.home.path, {}) as app:
        assert tell(daemon.emergency(app))
        assert (len(scene.hook.seen), len(scene.mail.mails)) == (1, 0), "they have taken it"
        scene.hook.default = answer(500)
        assert tell(daemon.emergency(app))
        assert (len(scene.hook.seen), len(scene.mail.mails)) == (2, len(DESK))


def test_what_nobody_took_is_told_again_soon_and_a_flapping_disk_is_no_storm(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.hook.default = answer(500)
    scene.mail.data = "554 5.7.1 no"
    with open_home(scene.home.path, {}) as app:
        alarm = daemon.emergency(app)
        monkeypatch.setattr(emergency, "UNHEARD", 0.0)
        assert tell(alarm)
        assert tell(alarm), "nobody has heard it"
        scene.mail.data = ""
        assert tell(alarm)
        assert not tell(alarm), "told within the hour"
        thread = alarm.tell("The record was deleted.", "Restore it.", last=True)
        assert thread is not None, "somebody made room on the disk by deleting the record"
        thread.join(60)
        assert alarm.told
        alarm.over()
        assert not alarm.told
        assert not tell(alarm), "it comes and goes"
        monkeypatch.setattr(emergency, "CALM", 0.0)
        alarm.over()
        assert tell(alarm), "it was over for long enough"
