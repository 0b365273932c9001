"""Seen alive: heartbeat, supervisor, channel tests, canaries; and no failure that is silent."""

from __future__ import annotations

import json
import logging
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
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from world.home import (
    ALICE,
    BANK,
    BOB,
    ROOT,
    SHOP,
    Scene,
    dev_chain,
    entry,
    environment,
    staged,
    stop,
    wait_for,
    watchlist,
)
from world.sinks import HttpSink, answer, hang

from monitor.app.daemon import TICKS, Daemon
from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.app.settings import load as settings
from monitor.chains.table import streams_of
from monitor.decide import incidents, loudness
from monitor.loops.clock import now
from monitor.loops.health import channel_tests, kept, signals, tell, verdict, vitals
from monitor.loops.health.clock import HOLD_BACK, mend_clock
from monitor.loops.health.heartbeat import Heartbeat
from monitor.loops.health.kept import last_heartbeat
from monitor.loops.health.pulse import STUCK_AFTER, VITAL, Pulse
from monitor.loops.health.supervisor import notify
from monitor.model import Entry, Subject
from monitor.model.errors import StoreError, Unavailable
from monitor.model.plan import Signal
from monitor.store import outbox, watch, ways
from monitor.store.incidents import incident_list
from monitor.store.notes import get_note, put_note
from monitor.store.rows import entry_terms, to_entry
from monitor.store.sqlite import Store
from monitor.watchlist.entries import parse as watchlist_of

HOUR = 3600
TOKEN = "/ping/canary-heartbeat-token-41aa"


# -- the pulse ---------------------------------------------------------------------------


class Clock:
    """A monotonic clock in the hands of a test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_pulse_is_well_once_every_job_has_worked() -> None:
    """Not before, not for longer than its limit, and not for a job that only fails."""
    clock = Clock()
    pulse = Pulse(("poll", "deliver"), lambda: 0.0, clock)
    assert not pulse.well()
    for job in ("poll", "deliver"):
        with pulse.beat(job):
            assert pulse.busy() == [job]
    assert pulse.well()
    clock.now += STUCK_AFTER - 1
    with pulse.beat("poll"):
        pass
    with pytest.raises(ZeroDivisionError), pulse.beat("deliver"):
        raise ZeroDivisionError
    assert pulse.well()
    clock.now += 2
    assert not pulse.well(), "it moves, and does nothing"
    assert pulse.stuck() == []
    assert pulse.busy() == []


def test_a_pulse_knows_a_long_pass_from_a_stuck_one() -> None:
    """A pass that brings one address after the other to its end is well; one that stands, or
    a job that was never begun, is stuck."""
    clock, progress = Clock(), Clock()
    pulse = Pulse(("poll", "deliver"), progress, clock)
    with pulse.beat("poll"):
        for _ in range(10):
            clock.now += 200
            progress.now = clock.now
            with pulse.beat("deliver"):
                assert pulse.stuck() == []
            assert pulse.well()
        clock.now += STUCK_AFTER + 1
        assert pulse.stuck() == ["poll", "deliver"]
        assert not pulse.well()


def test_a_pause_counts_for_nobody() -> None:
    """What stood still with everything else begins to count when it wakes; what does not move
    after that is stuck as ever."""
    clock, progress = Clock(), Clock()
    pulse = Pulse(("poll", "deliver"), progress, clock)
    with pulse.beat("poll"), pulse.beat("deliver"):
        clock.now += 10 * STUCK_AFTER
        pulse.woke()
        progress.now = clock.now
        assert pulse.stuck() == []
        clock.now += STUCK_AFTER + 1
        assert pulse.stuck() == ["poll", "deliver"]


# -- the heartbeat -----------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "book.db", create=True)) as made:
        yield made


def heartbeat(sink: HttpSink, store: Store, *, well: bool = True) -> Heartbeat:
    return Heartbeat(sink.url(TOKEN), {}, True, store, lambda: well, now, within=0.5)


def test_a_heartbeat_goes_out_while_all_is_well(store: Store) -> None:
    """One GET; that it was accepted stands in the record. What is not well sends nothing."""
    with HttpSink() as sink:
        assert not heartbeat(sink, store, well=False).beat()
        assert sink.seen == []
        assert last_heartbeat(store) is None
        assert heartbeat(sink, store).beat()
        (seen,) = sink.seen
    assert (seen.method, seen.path) == ("GET", TOKEN)
    beat = last_heartbeat(store)
    assert beat is not None
    assert beat.accepted is not None
    assert beat.error == ""


def test_a_heartbeat_that_fails_is_told_once_without_its_address(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors, redirects and silence are failures; one line an hour, and no secret in it."""
    caplog.set_level(logging.DEBUG)
    with HttpSink() as sink:
        beats = heartbeat(sink, store)
        for mode, words in (
            (answer(500), "HTTP 500"),
            (answer(302, location=sink.url("/elsewhere")), "HTTP 302"),
            (hang, "within 0.5 s"),
        ):
            sink.then(mode)
            beats.beat()
            beat = last_heartbeat(store)
            assert beat is not None
            assert beat.accepted is None
            assert words in beat.error
        assert len(sink.seen) == 3, "a redirect is not followed"
        beats.beat()
        port = sink.port
    beats.beat()
    said = [r.getMessage() for r in caplog.records if "heartbeat" in r.getMessage()]
    assert len(said) == 3
    assert "accepted again" in said[1]
    notes = json.dumps([tuple(r) for r in store.read("SELECT * FROM note")])
    for text in (caplog.text, notes, repr(beats)):
        assert "canary-heartbeat" not in text
        assert str(port) not in text


def test_without_a_record_to_write_to_there_is_no_heartbeat(store: Store) -> None:
    """A full disk ends the watch: the receiver must miss the call."""
    with HttpSink() as sink, closing(Store(store.path, readonly=True)) as readonly:
        beats = heartbeat(sink, readonly)
        with pytest.raises(StoreError):
            beats.beat()
        assert sink.seen == []
        stopping = threading.Event()
        thread = threading.Thread(target=beats.run, args=[stopping])
        thread.start()
        stopping.set()
        thread.join(5)
        assert not thread.is_alive()


# -- the daemon, as others see it ----------------------------------------------------------


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
            scene.home.sql("UPDATE subject SET in_flight = 1, due = 0")
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
    return int(scene.home.sql("SELECT due FROM subject WHERE address = ?", address)[0][0])


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
        scene.home.sql("UPDATE subject SET due = ?, failures = 1", now() + 500)
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


# -- nothing arrives ---------------------------------------------------------------------


@contextmanager
def opened(path: Path, **settings: object) -> Iterator[tuple[Scene, Fundwatch]]:
    """A scene whose home is open, with everything read a moment ago."""
    with staged(path) as scene:
        scene.home.write("config/settings.yaml", {"every": 2, **settings})
        scene.ledger.mine(time=now())
        with open_home(path, {}) as app:
            app.reload()
            app.poll(everything=False)
            yield scene, app


def everything(app: Fundwatch, at: int) -> list[Signal]:
    return signals.signals(app.store, app.settings, app.pools, app.round_seconds, at)


def bad(app: Fundwatch, at: int | None = None) -> dict[str, Signal]:
    """What is wrong at a time, by key."""
    return {s.key: s for s in everything(app, now() if at is None else at) if s.bad}


def test_after_a_pass_all_is_well(tmp_path: Path) -> None:
    """No signal of trouble, and signals that would close each kind."""
    with opened(tmp_path) as (_, app):
        assert bad(app) == {}
        kinds = {s.key.partition(":")[0] for s in everything(app, now())}
    assert kinds >= {"blind", "nosource", "refused", "oldhead", "overdue", "late"}


def test_when_nothing_is_read_at_all_that_is_told(tmp_path: Path) -> None:
    """The polls have stopped without any error: a severe notice, after a hold, not after a
    restart that reads at once."""
    with opened(tmp_path) as (_, app):
        later = now() + verdict.STALLED + 60
        signal = bad(app, later)["overdue"]
        assert signal.severity == "severe"
        assert "no movement would be seen" in signal.what
        app.housekeep(later)
        assert not _told(app, "Nothing has been read since")
        app.housekeep(later + signal.hold)
        assert _told(app, "Nothing has been read since")
        app.poll(everything=True)
        assert "overdue" not in bad(app)


def _told(app: Fundwatch, words: str) -> list[str]:
    """Titles of notices with these words."""
    rows = app.store.read("SELECT title FROM alert WHERE kind = 'notice' ORDER BY rowid")
    return [row["title"] for row in rows if words in row["title"]]


def test_an_address_whose_turn_never_comes_is_told(tmp_path: Path) -> None:
    """The chain is read and one address is not: no list fails, and still it is seen."""
    with opened(tmp_path) as (scene, app):
        long_ago = now() - 3 * HOUR
        scene.home.sql("UPDATE entry SET added = ?", long_ago)
        assert "late:dev" not in bad(app)
        scene.home.sql("UPDATE reading SET tried = ? WHERE subject = ?", long_ago, f"dev/{ALICE}")
        signal = bad(app)["late:dev"]
        assert "Of 2 addresses on dev, 1 were not read" in signal.what
        assert len(signal.who) == 1
        assert "overdue" not in bad(app)


def test_a_list_that_is_read_and_never_gets_to_its_end_is_told(tmp_path: Path) -> None:
    """Answers come, none reaches the newest block; while a chain that stands still is told
    as that."""
    with opened(tmp_path) as (scene, app):
        long_ago = now() - 3 * HOUR
        scene.home.sql("UPDATE entry SET added = ?", long_ago)
        scene.home.sql("UPDATE reading SET complete_time = ? WHERE stream = 'erc20'", long_ago)
        assert "Of 2 addresses on dev, 2 were not read" in bad(app)["late:dev"].what
        heads = app.pools["dev"].heads_seen
        heads.update({name: replace(head, time=long_ago) for name, head in heads.items()})
        assert set(bad(app)) == {"oldhead:dev/mine"}


def test_sources_that_are_all_held_back_are_told(tmp_path: Path) -> None:
    """After repeated failures no source is asked for a while: that too is blindness."""
    with opened(tmp_path, hold_minutes=0) as (scene, app):
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        for _ in range(5):
            scene.home.sql("UPDATE subject SET due = 0")
            app.pools["dev"].forget_heads()
            app.poll(everything=False)
        calls = sum(scene.explorer.calls.values())
        scene.home.sql("UPDATE subject SET due = 0")
        app.poll(everything=False)
        assert sum(scene.explorer.calls.values()) == calls, "nobody was asked"
        assert "resting after failures" in bad(app)["blind:dev/native"].what
        app.housekeep(now() + 10)  # a hold is never shorter than two rounds
        assert _told(app, "5 lists cannot be read (dev; 2 entries; cases: CASE-1)")


def blind_on_two_chains(app: Fundwatch, since: int) -> None:
    """Every list of two chains has failed since then, as when their explorer is down."""
    rows = app.store.read("SELECT key FROM subject ORDER BY key")
    with app.store.write() as conn:
        conn.executemany(
            "INSERT INTO reading (subject, stream, tried, ok, failing, error) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (subject, stream) DO UPDATE SET failing = excluded.failing, "
            "error = excluded.error",
            [
                (row["key"], stream, since, 1, since + number, f"mine: no route to {SHOP}/x")
                for number, row in enumerate(rows)
                for stream in streams_of(app.settings.chains["dev"])
            ],
        )


@contextmanager
def two_chains(path: Path, channels: dict[str, object]) -> Iterator[Fundwatch]:
    with staged(path) as scene:
        scene.explorer.add("two", scene.ledger, "etherscan", chain_id=31338)
        second = {**dev_chain("mine"), "chain_id": 31338}
        scene.home.write(
            "config/chains.yaml", {"chains": {"dev": dev_chain("mine"), "two": second}}
        )
        scene.home.write("config/channels.yaml", {"channels": channels})
        listed = watchlist(entry(ALICE, severity="high"), entry(BOB), entry(SHOP, chain="two"))
        scene.home.write("watchlist.yaml", listed)
        with open_home(path, {}) as app:
            app.reload()
            yield app


def mail_for(audience: str) -> dict[str, object]:
    return {
        "kind": "email", "host": "127.0.0.1", "port": 9, "security": "none",
        "from": "f@example.org", "to": [f"{audience}@example.org"],
        **({"audience": audience} if audience != "all" else {}),
    }  # fmt: skip


def notices(app: Fundwatch, words: str) -> dict[str, str]:
    """What each channel is owed with these words in its title: the whole notice as JSON."""
    return {
        row["channel"]: row["title"] + row["facts"]
        for row in app.store.read(
            "SELECT r.channel, a.title, a.facts FROM alert a JOIN route r ON r.alert = a.id "
            "WHERE a.kind = 'notice' AND instr(a.title, ?)",
            [words],
        )
    }


def test_one_dead_explorer_is_one_notice_to_operations_and_one_to_the_desk(tmp_path: Path) -> None:
    """Ten lists of two chains: one message each, that opens, reminds once a day, and ends.
    Operations' names chains, lists, source, number and cases; the desk's also labels."""
    channels = {"ops": mail_for("operations"), "desk": mail_for("desk")}
    with two_chains(tmp_path, channels) as app:
        begun = now() - 3 * HOUR
        blind_on_two_chains(app, begun)
        app.housekeep(begun)
        app.housekeep(begun + app.settings.hold)
        seen = notices(app, "lists cannot be read")
        assert set(seen) == {"ops", "desk"}
        count = app.store.read("SELECT count(*) FROM alert WHERE title LIKE '%cannot be read%'")
        assert count[0][0] == 2
        for word in ("10 lists", "dev, two", "3 entries", "CASE-1", "ERC-20", "mine: no route"):
            assert word in seen["ops"], word
        for word in ("label a", "a reason", ALICE, SHOP, SHOP[2:]):
            assert word not in seen["ops"], word
        assert r"\"label a\" (case CASE-1), dev" in seen["desk"]
        assert "Movements of 3 entries may not be seen" in seen["desk"]
        assert "told when they can be read again" in seen["desk"]

        app.housekeep(begun + app.settings.hold + 12 * HOUR)
        assert notices(app, "Still so") == {}
        app.housekeep(begun + app.settings.hold + 25 * HOUR)
        assert set(notices(app, "Still so")) == {"ops", "desk"}
        count = app.store.read("SELECT count(*) FROM alert WHERE title LIKE 'Still so%'")
        assert count[0][0] == 2
        with app.store.write() as conn:
            conn.execute("UPDATE reading SET failing = NULL, error = NULL")
        app.housekeep(begun + 30 * HOUR)
        assert set(notices(app, "Over: ")) >= {"ops", "desk"}


def test_who_hears_both_hears_it_once(tmp_path: Path) -> None:
    """A channel for everything gets the desk's notice, which says more; one that is kept to some
    cases learns no labels."""
    cased = {**mail_for("desk"), "only": {"case": ["CASE-2"]}}
    for number, channels in enumerate(({"all": mail_for("all")}, {"cased": cased})):
        with two_chains(tmp_path / str(number), channels) as app:
            begun = now() - 3 * HOUR
            blind_on_two_chains(app, begun)
            app.housekeep(begun)
            app.housekeep(begun + app.settings.hold)
            count = app.store.read(
                "SELECT count(*) FROM alert a JOIN route r ON r.alert = a.id "
                "WHERE title LIKE '%cannot be read%'"
            )
            assert count[0][0] == 1
            (seen,) = notices(app, "cannot be read").values()
            assert ("label a" in seen) is (number == 0)


def test_a_day_without_calls_left_is_told(tmp_path: Path) -> None:
    """The budget is used up: the source by its name, and its lists as blind."""
    with staged(tmp_path) as scene:
        mine = yaml.safe_load((tmp_path / "config/sources.yaml").read_text("utf-8"))
        mine["sources"]["mine"]["calls_per_day"] = 8
        scene.home.write("config/sources.yaml", mine)
        with open_home(tmp_path, {}) as app:
            app.reload()
            for _ in range(3):
                scene.home.sql("UPDATE subject SET due = 0")
                app.pools["dev"].forget_heads()
                app.poll(everything=False)
            found = bad(app)
    assert "All 8 calls of source mine for today (UTC) are used up." in found["budget:mine"].what
    assert "used up" in " ".join(s.what for k, s in found.items() if k.startswith("blind:"))


def test_a_clock_that_was_set_back_holds_nothing_up(tmp_path: Path) -> None:
    """What waits for a time far ahead is read and sent now, and people hear of the clock."""
    with opened(tmp_path) as (scene, app):
        ahead = now() + 30 * 86_400
        scene.pay((ALICE, SHOP))
        scene.home.sql("UPDATE reading SET tried = ?, ok = ?", ahead, ahead)
        scene.home.sql("UPDATE subject SET due = ?, deep = ?", ahead, ahead)
        assert watch.due_subjects(app.store, now()) == []
        mend_clock(app.store, app.round_seconds, now())
        assert len(watch.due_subjects(app.store, now())) == 2
        assert app.store.read("SELECT max(tried) AS t, max(ok) AS o FROM reading")[0]["t"] <= now()
        tell.tell_incidents(app.store, app.router, now())
        assert len(_told(app, "clock of this machine")) == 1
        mend_clock(app.store, app.round_seconds, now())
        tell.tell_incidents(app.store, app.router, now())
        assert len(_told(app, "clock of this machine")) == 1


def test_trouble_that_began_on_a_clock_ten_years_ahead_counts_from_now(tmp_path: Path) -> None:
    """Else channels that refuse, and addresses that were never read, would look well for as
    long; and the next daily message would cover no day at all."""
    with opened(tmp_path) as (scene, app):
        ahead = now() + 3650 * 86_400
        for name in app.channels:
            for to in app.settings.channels[name].recipients:
                ways.note(app.store, (name, to), ahead, good=False)
        scene.home.sql("UPDATE entry SET added = ?, base_height = NULL", ahead)
        put_note(app.store, "daily_at", str(ahead))
        put_note(app.store, "started", str(ahead))
        failed = {"at": ahead, "good": False, "words": "no", "whom": [], "since": ahead - 300}
        put_note(app.store, "tested:mail", json.dumps(failed))
        mend_clock(app.store, app.round_seconds, now())
        assert "clock" in {key.partition(":")[0] for key in _keys(app)}
        later = now() + 10 * HOUR
        words = vitals.look(app.store, app.settings, later, running=True).words
        assert "every channel for desk refuses messages, since 10 h" in words
        assert "not read for the first time after 10 h" in words
        assert int(get_note(app.store, "daily_at") or 0) <= now()
        assert kept.last_tests(app.store, app.channels)["mail"].at <= now()


def test_a_shorter_interval_holds_from_now_on(tmp_path: Path) -> None:
    """What was due in a day under the old settings is due now; that is no fault of the clock."""
    with opened(tmp_path) as (scene, app):
        scene.home.sql("UPDATE subject SET due = ?", now() + 86_000)
        mend_clock(app.store, app.round_seconds, now())
        assert len(watch.due_subjects(app.store, now())) == 2
        assert not [k for k in _keys(app) if k.startswith("clock:")]


def _keys(app: Fundwatch) -> list[str]:
    return [i.signal.key for i in incident_list(app.store, open_only=True)]


# -- canaries ----------------------------------------------------------------------------


def canary(hours: int = 6) -> dict[str, object]:
    return entry(BOB, canary=hours, since="2020-01-01", severity="severe")


def test_a_canary_is_never_told_of_but_its_silence_is(tmp_path: Path) -> None:
    """Movements are recorded and quiet, for people and machines; after its hours without any
    there is an incident, and one movement ends it."""
    with staged(tmp_path) as scene:
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE), canary()))
        with open_home(tmp_path, {}) as app:
            app.reload()
            scene.pay((BANK, BOB), (BOB, SHOP), (BOB, ALICE))
            app.poll(everything=True)
            sung = {a["tx"]: a for a in scene.home.alerts() if a["entry"] and
                    a["entry"]["address"] == BOB and a["kind"] == "movement"}  # fmt: skip
            assert len(sung) == 3
            assert {a["lane"] for a in sung.values()} == {"quiet"}
            reasons = dict(scene.home.sql("SELECT id, lane_reason FROM alert"))
            assert {reasons[a["id"]] for a in sung.values()} == {loudness.CANARY}
            routes = scene.home.sql("SELECT alert FROM route")
            assert not {a["id"] for a in sung.values()} & {row[0] for row in routes}
            assert sum(scene.moved().values()) == 4, "the entry beside it is told as ever"

            late = now() + 6 * HOUR + 60
            assert not [k for k in bad(app) if k.startswith("canary:")]
            (signal,) = (s for k, s in bad(app, late).items() if k.startswith("canary:"))
            assert "at the canary of dev for over 6 h" in signal.what
            assert signal.audience == "operations"
            scene.home.sql("UPDATE transfer SET first_seen = ?", late - HOUR)
            assert not [k for k in bad(app, late) if k.startswith("canary:")]


def test_the_start_of_a_canary_is_of_low_severity(tmp_path: Path) -> None:
    """It has moved in the hours before: that is what it is for, and nobody is told of it."""
    with staged(tmp_path, contacted=False) as scene:
        scene.pay((BANK, BOB))
        scene.home.write("watchlist.yaml", watchlist(canary()))
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.poll(everything=True)
        (summary,) = scene.alerts("history")
        assert (summary["severity"], summary["lane"]) == ("low", "quiet")
        assert scene.home.sql("SELECT * FROM route WHERE alert = ?", summary["id"]) == []


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ({"canary": 6, "since": "2026-11-22"}, ""),
        ({"canary": 0}, ""),
        ({"canary": "often", "since": "2026-11-22"}, "is not a number of hours"),
        ({"canary": 721, "since": "2026-11-22"}, "1 to 720"),
        ({"canary": -1, "since": "2026-11-22"}, "is not a number of hours"),
        ({"canary": 6}, "whole long history would be read"),
    ],
)
def test_a_canary_in_the_watchlist(lines: dict[str, object], words: str) -> None:
    """Hours, and a day of its own from which it is read; a mistake is told by its line."""
    chains = settings.load(ROOT / "docs", {}).chains
    block = {"address": "0x" + "b" * 40, "chain": "ethereum", **lines}
    text = yaml.safe_dump({"defaults": {"since": "first"}, "addresses": [block]})
    parsed = watchlist_of(text, chains)
    assert bool(parsed.problems) is bool(words)
    assert words in " ".join(map(str, parsed.problems))
    assert [e.canary for e in parsed.entries] == ([] if words else [lines["canary"]])


def test_entries_without_canary_keep_their_stored_terms() -> None:
    """An upgrade changes no entry: no answer mail about a list that nobody touched."""
    plain = Entry("E-1", Subject("dev", ALICE), label="x")
    assert "canary" not in entry_terms(plain)
    assert to_entry(entry_terms(plain)) == plain
    singing = replace(plain, canary=6)
    assert to_entry(entry_terms(singing)) == singing


# -- the daily test of the channels ------------------------------------------------------


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
            assert _keys(app) == ["channel:mail"], "not asked again so soon"
            try_channels(app, start + 86_400 + 9 * HOUR + channel_tests.TEST_AGAIN)
            assert _keys(app) == []


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
            assert "channel:mail/desk@example.org" in _keys(app)
            start = 86_400 * (now() // 86_400)
            try_channels(app, start)
            try_channels(app, start + 86_400 + 9 * HOUR)
            assert kept.last_tests(app.store, app.channels)["mail"].good
            assert "channel:mail/desk@example.org" in _keys(app)


def test_health_vouches_for_every_job_that_is_needed() -> None:
    """Prices and tests may fail; the rest may not, and each exists."""
    assert set(VITAL) < set(TICKS)
    clock = Clock()
    pulse = Pulse(TICKS, lambda: 0.0, clock)
    for job in VITAL:
        assert not pulse.well()
        with pulse.beat(job):
            pass
    assert pulse.well()
