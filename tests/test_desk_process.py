"""The desk beside the daemon: a process of its own, which comes back and never stays alone."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest
import requests
from world.desk import turn_on
from world.home import Home, begun, wait_for

from monitor.app.desk_process import DeskProcess
from monitor.model.desk import DeskSettings
from monitor.model.incident import Incident
from monitor.store.incidents import incident_list
from monitor.store.sqlite import Store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return begun(tmp_path / "home")


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://localhost:{port}/sign-in", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def children(of: int) -> list[int]:
    listed = Path(f"/proc/{of}/task/{of}/children").read_text("ascii")
    return [int(each) for each in listed.split()]


def test_run_serves_the_desk_brings_it_back_and_takes_it_along(home: Home):
    port = turn_on(home.path)
    with home.daemon() as running:
        wait_for(lambda: answers(port), 60, home.log)
        (child,) = children(running.pid)
        os.kill(child, signal.SIGKILL)
        wait_for(lambda: children(running.pid) not in ([], [child]), 60, home.log)
        wait_for(lambda: answers(port), 60, home.log)
        running.terminate()
        assert running.wait(30) == 0
    assert not answers(port)


def test_a_daemon_that_is_killed_leaves_no_desk_behind(home: Home):
    port = turn_on(home.path)
    with home.daemon() as running:
        wait_for(lambda: answers(port), 60, home.log)
        running.kill()
        running.wait()
    wait_for(lambda: not answers(port), 20, home.log)
    with home.daemon():  # and the port is free for the next one
        wait_for(lambda: answers(port), 60, home.log)


def test_a_desk_that_ends_at_once_is_told(home: Home, tmp_path: Path):
    """Its home folder is not there: it ends as soon as it is started."""
    process = DeskProcess(tmp_path / "none", DeskSettings(on=True))
    with closing(Store(home.path / "fundwatch.db")) as store:
        process.start()

        def told() -> list[Incident]:
            process.look(store)
            return [i for i in incident_list(store, open_only=True) if "desk" in i.signal.key]

        wait_for(lambda: bool(told()), 60, home.log)
        assert "127.0.0.1:8788" in told()[0].signal.what
    process.stop()


def test_where_it_is_off_its_command_says_how_to_turn_it_on(home: Home):
    assert "desk: on" in home.run("web", code=2)
