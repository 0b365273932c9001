"""`fundwatch run`: the two loops on a schedule, signals, the watchdog.

APScheduler is only a ticker of a few fixed jobs; when a subject is next due is a column of
the record. The watchdog measures lack of progress on the monotonic clock and ends the
process, so that its supervisor restarts it: nothing is lost, because nothing is in memory.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from monitor import inbox
from monitor.app import Fundwatch
from monitor.errors import StoreError
from monitor.store import journal, watch

log = logging.getLogger("fundwatch")

STOP_WITHIN = 8.0  # seconds for a clean stop; then the process ends, which loses nothing
STUCK_AFTER = 300.0  # seconds without progress of a pass or of any tick
STUCK_EXIT = 70
HOLD_BACK = 3600  # seconds that subjects wait which were being read when the watchdog bit
TICKS = {"poll": 2, "deliver": 1, "reload": 10, "housekeep": 30, "requests": 1}  # seconds


class Daemon:
    """Runs a home folder until it is told to stop."""

    def __init__(self, desk: Fundwatch, actions: dict[str, inbox.Action]) -> None:
        self._desk = desk
        self._actions = actions
        self._stop = threading.Event()
        self._ticks = {name: time.monotonic() for name in TICKS}
        self._busy: dict[str, float] = {}
        self._lock = threading.Lock()

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._desk.poller.stopping = self._stop.is_set
        self._hold_back_stuck()
        self._desk.reload()
        journal.put_note(self._desk.store, "started", str(int(time.time())))
        scheduler = self._scheduler()
        scheduler.start()
        log.info("running on %s", self._desk.home)
        while not self._stop.wait(1.0):
            self._watch_progress()
        return self._shut_down(scheduler)

    def _scheduler(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(timezone="UTC")
        jobs: dict[str, Callable[[], object]] = {
            "poll": lambda: self._desk.poll(everything=False),
            "deliver": lambda: self._desk.deliver(everything=False),
            "reload": self._desk.reload,
            "housekeep": self._housekeep,
            "requests": lambda: inbox.serve(self._desk.home, self._actions),
        }
        for name, job in jobs.items():
            scheduler.add_job(
                self._tick,
                "interval",
                args=[name, job],
                seconds=TICKS[name],
                id=name,
                next_run_time=datetime.now(UTC),  # at once: a restart has been waited for
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )
        # A skipped tick is normal here: a pass may be longer than its tick.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        return scheduler

    def _tick(self, name: str, job: Callable[[], object]) -> None:
        with self._lock:
            self._busy[name] = self._ticks[name] = time.monotonic()
        try:
            if not self._stop.is_set():
                job()
        except StoreError:
            log.exception("%s: the record could not be used; tried again", name)
        except Exception:  # a fault in one job must not end the others; it is loud in the log
            log.exception("%s: a fault in Fundwatch; tried again", name)
        finally:
            with self._lock:
                self._busy.pop(name, None)
                self._ticks[name] = time.monotonic()

    def _housekeep(self) -> None:
        self._desk.housekeep()
        self._desk.daily()

    def _watch_progress(self) -> None:
        """End the process when nothing has moved for too long."""
        moment = time.monotonic()
        with self._lock:
            idle = {
                name: moment - max(since, self._desk.poller.last_progress)
                if name == "poll" and name in self._busy
                else moment - since
                for name, since in self._ticks.items()
            }
        stuck = [name for name, seconds in idle.items() if seconds > STUCK_AFTER]
        if stuck:
            log.critical("no progress of %s for %d s: ending, to be restarted", stuck, STUCK_AFTER)
            (self._desk.home / "requests" / "stuck").parent.mkdir(exist_ok=True)
            (self._desk.home / "requests" / "stuck").touch()
            os._exit(STUCK_EXIT)

    def _hold_back_stuck(self) -> None:
        """What was being read when the watchdog bit waits, so that it cannot bite again at
        once; everything else goes first."""
        mark = self._desk.home / "requests" / "stuck"
        late = mark.exists()
        for subject in watch.stuck_subjects(self._desk.store):
            due = int(time.time()) + HOLD_BACK if late else 0
            watch.schedule(self._desk.store, subject, due, failed=late)
        mark.unlink(missing_ok=True)

    def _shut_down(self, scheduler: BackgroundScheduler) -> int:
        log.info("stopping")
        scheduler.pause()
        deadline = time.monotonic() + STOP_WITHIN
        while time.monotonic() < deadline and self._busy:
            time.sleep(0.05)
        if not self._busy:
            scheduler.shutdown(wait=False)
            log.info("stopped")
            return 0
        # A source or receiver hangs. What was decided is committed, what was not is read
        # again; waiting for the network would only delay the restart.
        with self._desk.store.write():
            log.info("stopped while %s was under way", ", ".join(sorted(self._busy)))
            logging.shutdown()
            os._exit(0)
