"""The daemon as others see it: by its supervisor, after a pause, a hang, a leap of the clock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from world.home import (
    ALICE,
    BANK,
    BOB,
    ROOT,
    SHOP,
    Scene,
    entry,
    environment,
    opened,
    staged,
    stop,
    wait_for,
    watchlist,
)
from world.sinks import HttpSink, answer

from monitor.app.daemon import TICKS, Daemon
from monitor.app.home import open_home
from monitor.loops.clock import now
from monitor.loops.health.clock import HOLD_BACK
from monitor.loops.health.supervisor import notify
from monitor.model.errors import Unavailable
from monitor.store import outbox, watch

HOUR = 3600
TOKEN = "/ping/canary-heartbeat-token-41aa"


@contextmanager
def supervisor(place: str) -> Iterator[list[str]]:
    """A notify socket of systemd's kind; yields what it was told so far."""
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + place[1:] if place.startswith("@") else place)
        listener.settimeout(0.1)
        stopping = threading.Event()

        def listen() -> None:
            while not stopping.is_set():
                try:
                    told.append(listener.recv(4096).decode())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield told
        finally:
            stopping.set()
            thread.join()


@pytest.mark.slow
def test_the_supervisor_and_the_watcher_hear_of_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd is told ready, alive and stopping; the heartbeat arrives; status shows it."""
    place = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    with HttpSink() as watcher, staged(tmp_path / "home") as scene, supervisor(place) as told:
        settings = {"every": 2, "heartbeat_url_env": "HEARTBEAT"}
        scene.home.write("config/settings.yaml", settings)
        with (scene.home.path / ".env").open("a") as file:
            file.write(f"HEARTBEAT={watcher.url(TOKEN)}\n")
        with scene.home.daemon() as process:
            wait_for(lambda: told and "READY=1" in told[0], 10, scene.home.log)
            wait_for(lambda: watcher.seen, 30, scene.home.log)
            shown = json.loads(scene.home.run("status", "--json"))
            assert shown["heartbeat"]["wanted"]
            assert "heartbeat accepted" in scene.home.run("status")
            wait_for(lambda: any("WATCHDOG=1" in t for t in told), 30, lambda: told)
            assert stop(process) == 0
        wait_for(lambda: "STOPPING=1" in told[-1], 5, lambda: told)
        assert "STATUS=" in told[0]
        assert "canary-heartbeat" not in scene.home.log()


@pytest.mark.parametrize("abstract", [False, True])
def test_notify_reaches_sockets_of_both_kinds(tmp_path: Path, abstract: bool) -> None:
    """A path, or an abstract name; and nobody at all is no error."""
    place = f"@fundwatch-test-{os.getpid()}" if abstract else str(tmp_path / "s")
    with supervisor(place) as told:
        notify(place, "READY=1", "STATUS=here")
        wait_for(lambda: told == ["READY=1\nSTATUS=here"], 5, lambda: told)
    notify(place, "WATCHDOG=1")
    notify(None, "WATCHDOG=1")


def test_a_part_that_fails_again_and_again_becomes_an_incident(tmp_path: Path) -> None:
    """A fault in the sending loop cannot tell itself: health, heartbeat and the record do."""
    with staged(tmp_path) as scene, scene.home.daemon() as process:
        wait_for(lambda: scene.home.sql("SELECT 1 FROM note WHERE key = 'started'"), 10)
        scene.home.sql("ALTER TABLE delivery RENAME TO taken_away")
        wait_for(lambda: _incident(scene, "fault:deliver"), 20, scene.home.log)
        scene.home.sql("ALTER TABLE taken_away RENAME TO delivery")
        wait_for(lambda: not _incident(scene, "fault:deliver"), 20, scene.home.log)
        assert stop(process) == 0


def _incident(scene: Scene, key: str) -> bool:
    sql = "SELECT 1 FROM incident WHERE key = ? AND closed IS NULL"
    return bool(scene.home.sql(sql, key))


def test_an_end_by_the_watchdog_is_told_after_the_restart(tmp_path: Path) -> None:
    """The mark that the watchdog leaves becomes a notice. What was being read is read at once;
    only that at which it bit twice waits, and for minutes, while its neighbours go on."""
    with staged(tmp_path) as scene:
        mark = tmp_path / "requests/stuck"
        mark.parent.mkdir()
        for time_, suspects in enumerate(([ALICE, BOB], [ALICE])):
            mark.write_text(json.dumps([f"dev/{each}" for each in suspects]), "utf-8")
            scene.home.sql("UPDATE scope SET in_flight = 1, due = 0")
            with scene.home.daemon() as process:
                _wait_for_notices(scene, time_ + 1)
                wait_for(lambda: _due(scene, BOB) > 0, 20, scene.home.log)
                held = _due(scene, ALICE) > now() + HOLD_BACK / 2
                assert held is (time_ == 1), "held back: not taken for a clock that was set back"
                assert _due(scene, BOB) < now() + 60
                assert stop(process) == 0
            assert not mark.exists()
    assert HOLD_BACK < HOUR / 4


def _wait_for_notices(scene: Scene, count: int) -> None:
    words = "made no progress"
    wait_for(lambda: len(scene.alerts("notice", words)) == count, 20, scene.home.log)


def _due(scene: Scene, address: str) -> int:
    return int(scene.home.sql("SELECT due FROM scope WHERE address = ?", address)[0][0])


IMPATIENT = """
import sys
from monitor.app import daemon
from monitor.loops.health import pulse
from monitor.cli import main
pulse.STUCK_AFTER, daemon.PAUSED = 15.0, 3.0
daemon.TICKS = dict.fromkeys(daemon.TICKS, 1)
sys.argv = ["fundwatch", *sys.argv[1:]]
main()
"""


@pytest.mark.slow
def test_a_pause_of_the_process_is_no_hang(tmp_path: Path) -> None:
    """Stopped for longer than the watchdog waits, with a call and a message under way: the
    process goes on, nobody is held back, and what moved meanwhile is told at once."""
    with staged(tmp_path) as scene, (tmp_path / "output.log").open("ab") as log:
        command = [sys.executable, "-c", IMPATIENT, "--home", str(tmp_path), "run"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_for(lambda: "running on" in scene.home.log(), 20, scene.home.log)
            scene.pay((ALICE, SHOP))
            wait_for(lambda: scene.hook.seen, 20, scene.home.log)
            process.send_signal(signal.SIGSTOP)
            scene.pay((BANK, BOB), (ALICE, SHOP))
            time.sleep(20)  # the only way to see a pause is one
            process.send_signal(signal.SIGCONT)
            wait_for(lambda: sum(scene.moved().values()) == 3, 60, scene.home.log)
            wait_for(lambda: len(scene.hook.seen) >= 2, 60, scene.home.log)
            assert "the process stood still for" in scene.home.log()
            assert process.poll() is None
            assert not (tmp_path / "requests/stuck").exists()
            assert stop(process) == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def test_after_a_pause_no_source_and_no_receiver_is_left_alone(tmp_path: Path) -> None:
    """Calls that it cut off have failed: their sources are asked again at once, and messages
    whose try it cut off do not wait for their next one."""
    with opened(tmp_path) as (scene, app):
        (source,) = app.pools["dev"].sources
        for _ in range(8):
            app.pools["dev"].failed(source, Unavailable("cut off"), frozenset({"native"}))
        assert not app.pools["dev"].usable(source, everything=False)
        scene.pay((ALICE, SHOP))
        app.pools["dev"].wake()
        assert app.pools["dev"].usable(source, everything=False)
        scene.home.sql("UPDATE scope SET due = ?, failures = 1", now() + 500)
        watch.hurry(app.store, now())
        app.poll(everything=False)
        scene.hook.then(answer(500))
        app.deliver(everything=False)
        waiting = "SELECT due FROM delivery WHERE state = 'waiting' AND attempts > 0"
        wait_for(lambda: [row for row in scene.home.sql(waiting) if row[0] > now()], 20)
        wait_for(lambda: not app.rounds.busy(), 20)
        outbox.hurry(app.store, now())
        app.deliver(everything=False)
        wait_for(lambda: not scene.home.sql(waiting), 4)


def test_a_leap_of_the_clock_is_one_run_of_each_job(tmp_path: Path) -> None:
    """Ten years ahead: not one run for each second that was left out, which would hold the
    scheduler, and with it everything, up for hours."""
    with staged(tmp_path), open_home(tmp_path, {}) as app:
        scheduler = Daemon(app)._scheduler()
        scheduler.start(paused=True)
        later = datetime.now(UTC) + timedelta(days=3650)
        runs = {job.id: len(job._get_run_times(later)) for job in scheduler.get_jobs()}
        scheduler.shutdown(wait=False)
    assert runs == dict.fromkeys(TICKS, 1)


SHIFTED = """
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *at) {
  int outcome = syscall(SYS_clock_gettime, clock, at);
  FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("SHIFT"), "r") : NULL;
  long seconds = 0;
  if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
  at->tv_sec += seconds;
  return outcome;
}
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_a_clock_ten_years_ahead_and_back_delays_nothing(tmp_path: Path) -> None:
    """The clock of a running process is set ahead and back, by a library put before libc's:
    what moves is told soon, in both times."""
    (tmp_path / "shifted.c").write_text(SHIFTED, "utf-8")
    library, shift = tmp_path / "shifted.so", tmp_path / "shift"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "shifted.c"], check=True)
    shift.write_text("0", "utf-8")
    environ = {**environment(), "LD_PRELOAD": str(library), "SHIFT": str(shift)}
    home = tmp_path / "home"
    with staged(home) as scene, (home / "output.log").open("ab") as log:
        process = subprocess.Popen(
            scene.home.command("run"), cwd=ROOT, env=environ, stdout=log, stderr=log
        )
        try:
            wait_for(lambda: "running on" in scene.home.log(), 20, scene.home.log)
            for count, years in enumerate((0, 10, 0), start=1):
                shift.write_text(str(years * 365 * 86_400), "utf-8")
                (tx,) = scene.pay((ALICE, SHOP))
                wait_for(lambda tx=tx: (ALICE, tx) in scene.moved(), 60, scene.home.log)
                wait_for(lambda n=count: len(scene.hook.seen) >= n, 60, scene.home.log)
            assert stop(process) == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def test_two_reloads_at_once_raise_nothing(tmp_path: Path) -> None:
    """The one by its turn and those that commands cause: one of them takes the list, and its
    answer is told once."""
    with staged(tmp_path) as scene, open_home(tmp_path, {}) as app:
        app.reload()
        for number in range(12):
            extra = entry("0x" + f"{number + 0xABCDE:040x}", label=f"extra {number}")
            scene.home.write("watchlist.yaml", watchlist(entry(ALICE), entry(BOB), extra))
            with ThreadPoolExecutor(4) as pool:
                for each in [pool.submit(app.reload) for _ in range(4)]:
                    each.result()
        answers = scene.home.sql("SELECT count(*) FROM alert WHERE title LIKE '%1 taken%'")
    assert answers == [(12,)]
