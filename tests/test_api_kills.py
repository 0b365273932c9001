"""The desk is killed while programs send: what is sent again with its key is done once. Real
processes, real sockets, and a client that is nothing but curl's kind of request."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import requests
from world.api import token
from world.desk import add_person, turn_on
from world.desk_record import made
from world.home import Home

from monitor.loops.desk.proposing import ALL
from monitor.model.desk import Role
from monitor.store import desk, desk_inbox
from monitor.store.deskfile import FILE, faults
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

pytestmark = pytest.mark.slow
TRIES = 4
WITHIN = 30.0


def up(url: str) -> None:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/api/v1/me", timeout=2).status_code in (401, 429):
                return
        time.sleep(0.05)
    raise AssertionError("it does not answer")


def test_what_is_sent_again_after_a_kill_is_done_once(tmp_path: Path) -> None:
    world = made(tmp_path / "home")
    home, alert = Home(world.home), world.alert_a
    url = f"http://localhost:{turn_on(world.home)}"
    add_person(world.home, "l.roth", Role.LEAD)
    path = f"{url}/api/v1/alerts/{alert}"
    headers = {"Authorization": f"Bearer {token(home.path, 'l.roth')}"}

    def send(number: int) -> requests.Response:
        key = {**headers, "Idempotency-Key": f"note {number}"}
        return requests.post(
            f"{path}/notes", json={"text": f"note {number}"}, headers=key, timeout=10
        )

    for number in range(TRIES):
        process = home.start("web")
        try:
            up(url)

            def burst(number: int = number) -> None:
                with suppress(requests.RequestException):
                    send(number)

            threads = [threading.Thread(target=burst) for _ in range(3)]
            for each in threads:
                each.start()
            time.sleep(0.004 * number)
            process.send_signal(signal.SIGKILL)
            for each in threads:
                each.join()
        finally:
            process.kill()
            process.wait()
    process = home.start("web")
    try:
        up(url)
        said = [send(number) for number in range(TRIES)]
        assert [each.status_code for each in said] == [200] * TRIES
        tag = requests.get(path, headers=headers, timeout=10).headers["ETag"]
        _close_by_curl(path, headers["Authorization"], tag)
    finally:
        process.kill()
        process.wait()
    with closing(Store(home.path / DATABASE, readonly=True)) as store:
        notes = [each.text for each in desk.remarks(store, ALL, alert=alert)]
        assert sorted(notes) == [f"note {number}" for number in range(TRIES)]
        assert desk_inbox.history(store, alert) == []
        assert len(desk.proposals(store, ALL, alert=alert)) == 1
    assert faults(home.path / FILE) == []


def _close_by_curl(path: str, authorization: str, tag: str) -> None:
    """As docs/integrating.md has it; twice, for the first answer may have been lost."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl")
    command = [
        *(curl, "-sS", "-X", "POST", f"{path}/close", "-H", f"Authorization: {authorization}"),
        *("-H", f"If-Match: {tag}", "-H", "Idempotency-Key: close 1"),
        *("--json", '{"outcome": "expected", "why": "our own payment"}'),
    ]
    first, again = (subprocess.run(command, capture_output=True, check=True) for _ in range(2))
    assert first.stdout == again.stdout
    assert len(json.loads(first.stdout)["proposals"]) == 1
