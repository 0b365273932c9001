"""`fundwatch run`: the two loops on a schedule, signals, the watchdog.

APScheduler is only a ticker of a few fixed jobs; when a subject is next due is a column of
the record. The watchdog measures lack of progress on the monotonic clock and ends the
process, so that its supervisor restarts it: nothing is lost, because nothing is in memory.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.app import pages
from monitor.app.build import make_channel
from monitor.app.desk_process import DeskProcess
from monitor.app.fundwatch import Fundwatch
from monitor.app.memory import keep_what_is_loaded
from monitor.app.ticker import Every
from monitor.loops import inbox
from monitor.loops.clock import now
from monitor.loops.health import channel_tests, clock, pulse, supervisor, vitals
from monitor.loops.health.emergency import WITHIN, Emergency
from monitor.loops.health.heartbeat import Heartbeat
from monitor.loops.health.recordwatch import RecordWatch
from monitor.loops.health.verdict import Verdict
from monitor.model.errors import StoreError
from monitor.model.plain import duration
from monitor.model.plan import Signal
from monitor.store import guard, incidents, notes, outbox, watch
from monitor.store.port import Store
from monitor.web.server import Server

log = logging.getLogger("fundwatch")

STOP_WITHIN = 8.0  # seconds for a clean stop; then the process ends, which loses nothing
STUCK_EXIT, UNFIT_EXIT = 70, 78
TROUBLE_HOLD = 15.0  # seconds that the record must fail before that is told without it
CLOCK_JUMP = 30.0  # seconds
PRICING = 60.0  # seconds of one round of prices: far less than a stuck job is given
PAUSED = 10.0  # seconds that the watchdog itself stood still: nothing hangs, all of it slept
AWAKE_AGAIN = (1.0, 5.0, 15.0)  # seconds after that at which what failed meanwhile is tried anew
NOTIFY_EVERY = 10  # seconds between two words to the supervisor
TICKS = {
    "poll": 2, "deliver": 1, "reload": 10, "housekeep": 30, "requests": 1, "tests": 60,
    "prices": 60, "lists": 1, "second": 30, "balances": 2,
    "trace": 5, "debts": 5,
}  # seconds  # fmt: skip


class Daemon:
    """Runs a home folder until it is told to stop."""

    def __init__(self, app: Fundwatch) -> None:
        self._app = app
        self._stop = threading.Event()
        progress = {
            "poll": lambda: app.poller.signs.moved_at,
            "lists": lambda: app.following.moved_at,
            "second": lambda: app.second.signs.moved_at,
            "balances": lambda: app.balancing.signs.moved_at,
            "trace": lambda: app.tracing.moved_at,
            "debts": lambda: app.debts.signs.moved_at,
        }
        self._pulse = pulse.Pulse(TICKS, progress)
        self._faulty: dict[str, int] = {}  # jobs that fail, and how often in a row
        self._record = RecordWatch(app.home, app.store)
        self._desk = DeskProcess(app.home, app.settings.web)
        self._emergency = emergency(app)
        self._troubled: float | None = None  # since when the record cannot be written
        self._to_freshen: list[float] = []  # when to try anew what failed because of a pause
        self._supervisor = os.environ.get("NOTIFY_SOCKET")

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; returns the exit code. Raises ConfigError."""
        app = self._app
        server = self._server()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        app.poller.stopping = app.following.stopping = self._stop.is_set
        app.second.stopping = app.balancing.stopping = self._stop.is_set
        app.tracing.stopping = app.debts.stopping = self._stop.is_set
        os.umask(0o077)
        self._hold_back_stuck()
        app.reload()
        keep_what_is_loaded()
        notes.put_note(app.store, "started", str(now()))
        scheduler = self._scheduler()
        scheduler.start()
        if server is not None:
            server.start()
        self._desk.start()
        self._begin(self._record.run, "record")
        self._start_heartbeat()
        log.info("running on %s", app.home)
        self._tell_supervisor("READY=1")
        self._watch(scheduler)
        return self._shut_down(scheduler, server)

    def _server(self) -> Server | None:
        app = self._app
        if not app.settings.listen:
            return None
        return Server(app.settings.listen, pages.site(app, self._verdict, self._pulse.stuck))

    def _scheduler(self) -> BackgroundScheduler:
        # A thread for every job: none waits for another.
        threads = {"default": ThreadPoolExecutor(len(TICKS))}
        scheduler = BackgroundScheduler(executors=threads, timezone="UTC")
        jobs: dict[str, Callable[[], object]] = {
            "poll": lambda: self._app.poll(everything=False),
            "deliver": lambda: self._app.deliver(everything=False),
            "reload": self._app.reload,
            "housekeep": self._housekeep,
            "requests": lambda: inbox.serve(self._app.home, self._app.acts.table()),
            "tests": self._try_channels,
            "prices": lambda: self._app.pricer.round(PRICING),
            "lists": self._app.following.round,
            "second": self._app.second.round,
            "balances": self._app.balancing.round,
            "trace": self._app.tracing.round,
            "debts": self._app.debts.round,
        }
        for name, job in jobs.items():
            scheduler.add_job(
                self._tick,
                Every(TICKS[name]),
                args=[name, job],
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
        if self._stop.is_set():
            return
        fault = ""
        try:
            with self._pulse.beat(name):
                job()
        except StoreError as error:
            fault = "the record could not be used"
            self._log_fault(name, fault, error)
        except Exception as error:  # noqa: BLE001 - must not end the other jobs; it is loud
            fault = f"a fault in Fundwatch ({type(error).__name__})"
            self._log_fault(name, fault, error)
        if fault or name in self._faulty:
            self._tell_fault(name, fault)

    def _log_fault(self, name: str, fault: str, error: Exception) -> None:
        """In full the first time; then only how often, or the log would drown in it."""
        count = self._faulty[name] = self._faulty.get(name, 0) + 1
        if count == 1:
            log.error("%s: %s; tried again", name, fault, exc_info=error)
        elif count & (count - 1) == 0:
            log.error("%s: %s, %d times by now: %s", name, fault, count, error)

    def _tell_fault(self, name: str, fault: str) -> None:
        """A job that fails again and again would only be seen in the log."""
        signal_ = Signal(
            key=f"fault:{name}",
            bad=bool(fault),
            severity="severe" if name in pulse.VITAL else "high",
            hold=pulse.FAULT_HOLD,
            what=f"A part of Fundwatch does not do its work ({name}): {fault}.",
            cure="Its log tells more; send that to who maintains it.",
        )
        try:
            incidents.put_signals(self._app.store, [signal_], now())
        except StoreError:
            return  # the heartbeat stops, which tells it
        if not fault:
            log.info("%s: works again after %d failures", name, self._faulty.pop(name, 0))

    def _housekeep(self) -> None:
        clock.mend_clock(self._app.store, self._app.longest_pace, now())
        self._app.housekeep()
        self._app.work_desk()
        self._app.daily()

    def _try_channels(self) -> None:
        app, hour = self._app, self._app.settings.daily_hour
        channel_tests.try_channels(app.deliver_world(), app.channels, hour, now())

    # -- seen alive ------------------------------------------------------------------------

    def _start_heartbeat(self) -> None:
        settings = self._app.settings
        if not settings.heartbeat_url:
            return
        heartbeat = Heartbeat(
            settings.heartbeat_url,
            settings.proxies,
            settings.ca_bundle or True,
            self._app.store,
            self._well,
            now,
        )
        self._begin(heartbeat.run, "heartbeat")

    def _begin(self, work: Callable[[threading.Event], None], name: str) -> None:
        threading.Thread(target=work, args=[self._stop], name=name, daemon=True).start()

    def _well(self) -> bool:
        return self._pulse.well() and self._verdict(self._app.store).well

    def _verdict(self, store: Store) -> Verdict:
        """On this home folder, with what only the running program knows."""
        settings, lame, trouble = self._app.settings, self._pulse.lame(), self._record.trouble
        return vitals.look(store, settings, now(), running=True, stuck=lame, record=trouble)

    def _watch(self, scheduler: BackgroundScheduler) -> None:
        """Until the stop: end what is stuck, follow the clock, tell the supervisor."""
        seconds, drift, looked = 0, time.time() - time.monotonic(), time.monotonic()
        while not self._stop.wait(1.0):
            before, looked = looked, time.monotonic()
            if looked - before > PAUSED:
                self._wake(scheduler, looked - before)
            self._freshen(looked)
            self._watch_progress()
            self._watch_record()
            self._desk.look(self._app.store)
            seconds += 1
            if seconds % NOTIFY_EVERY == 0:
                self._tell_supervisor("WATCHDOG=1")
            before, drift = drift, time.time() - time.monotonic()
            if abs(drift - before) > CLOCK_JUMP:
                # Or the machine slept: then only the clock of the day went on.
                log.warning("the clock was set by %+.0f s", drift - before)
                self._refresh_soon(scheduler)

    def _wake(self, scheduler: BackgroundScheduler, seconds: float) -> None:
        """The whole process was paused (suspended, stopped): what looks like a hang is none."""
        log.warning("the process stood still for %.0f s; it goes on", seconds)
        self._pulse.woke()
        self._app.poller.signs.moved()
        self._refresh_soon(scheduler)

    def _refresh_soon(self, scheduler: BackgroundScheduler) -> None:
        self._to_freshen = [time.monotonic() + each for each in AWAKE_AGAIN]
        _run_now(scheduler)

    def _freshen(self, moment: float) -> None:
        """Calls that were cut off by a pause fail after it: neither their sources nor their
        receivers are to blame, and nothing waits for them."""
        if not self._to_freshen or moment < self._to_freshen[0]:
            return
        self._to_freshen.pop(0)
        for pool in list(self._app.pools.values()):
            pool.wake()
        with suppress(StoreError):  # then the record is what is told
            outbox.hurry(self._app.store, now())
            watch.hurry(self._app.store, now())

    def _watch_progress(self) -> None:
        """End the process when nothing has moved for too long."""
        stuck = self._pulse.stuck()
        if stuck:
            words = "no progress of %s for %d s: ending, to be restarted"
            log.critical(words, stuck, pulse.STUCK_AFTER)
            with suppress(OSError):
                mark = self._app.home / "requests" / "stuck"
                mark.parent.mkdir(mode=0o700, exist_ok=True)
                mark.write_text(json.dumps(self._app.poller.signs.suspects()), "utf-8")
            os._exit(STUCK_EXIT)

    def _watch_record(self) -> None:
        """Tell, without it, that the record cannot be written; and that it can again."""
        trouble = self._record.trouble
        if self._record.gone:
            self._leave()
        if trouble:
            began = self._troubled = self._troubled or time.monotonic()
            if time.monotonic() - began > TROUBLE_HOLD:
                self._emergency.tell(*_cannot_record(self._app.home.name, trouble))
        elif self._troubled is not None:
            with suppress(StoreError):  # not yet: at the next look
                if self._emergency.told:
                    self._tell_recorded(int(time.monotonic() - self._troubled))
                self._emergency.over()
                self._troubled = None

    def _tell_recorded(self, lasted: int) -> None:
        what = (
            f"The record can be written again; it could not for {duration(lasted)}. What moved "
            "meanwhile is read and told now."
        )
        cure = "See `fundwatch status`: all must be read up to the newest block soon."
        signal_ = Signal(f"record:{now()}", bad=True, what=what, cure=cure, once=True)
        incidents.put_signals(self._app.store, [signal_], now())

    def _leave(self) -> NoReturn:
        """The file of the record was deleted or replaced. What this process still holds of it
        is saved beside it; another start would begin anew, so a person is asked."""
        self._stop.set()
        self._wait_idle(time.monotonic() + STOP_WITHIN)
        saved = guard.rescue_name(self._app.home, now())
        try:
            self._app.store.backup(saved)
            kept = f"What it held was saved as {saved.name}"
            cure = f"Run  fundwatch restore {saved}  and start Fundwatch again."
        except StoreError as error:
            kept = f"What it held could not be saved ({error})"
            cure = "Run  fundwatch restore FILE  with the newest backup, then start Fundwatch."
        what = f"The record (fundwatch.db) was deleted or replaced while Fundwatch ran. {kept}."
        log.critical("%s It ends now. %s", what, cure)
        thread = self._emergency.tell(what, cure, last=True)
        if thread is not None:
            thread.join(2 * WITHIN)  # operations, then whoever else there is
        self._record.end()
        logging.shutdown()
        os._exit(UNFIT_EXIT)

    def _tell_supervisor(self, state: str) -> None:
        seconds = time.monotonic() - self._app.poller.signs.moved_at
        doing = ", ".join(self._pulse.busy()) or "nothing is due"
        supervisor.notify(self._supervisor, state, f"STATUS=read {seconds:.0f} s ago; now: {doing}")

    def _hold_back_stuck(self) -> None:
        """What was under way when an earlier run ended is read at once. Only that at which the
        watchdog bit for the second time waits a little, or it would bite again and again."""
        mark, store = self._app.home / "requests" / "stuck", self._app.store
        bitten = supervisor.bitten(store, mark, now())
        for scope in watch.stuck_scopes(store):
            again = scope.key in bitten
            watch.schedule(store, scope, now() + clock.HOLD_BACK if again else 0, failed=again)
        if mark.exists():
            self._tell_stuck(mark.stat().st_mtime_ns)
        mark.unlink(missing_ok=True)

    def _tell_stuck(self, bite: int) -> None:
        """Once for each time; `bite` names it, also after a kill before the mark is gone."""
        what = (
            f"Fundwatch made no progress for {pulse.STUCK_AFTER // 60:.0f} minutes, ended itself "
            "and was started again. Nothing is lost; what was being read then is read again. An "
            f"address at which this happens twice waits {clock.HOLD_BACK // 60} minutes."
        )
        cure = "Its log tells at what it stood. If this comes again, tell who maintains it."
        signal_ = Signal(f"stuck:{bite}", bad=True, what=what, cure=cure, once=True)
        incidents.put_signals(self._app.store, [signal_], now())

    def _shut_down(self, scheduler: BackgroundScheduler, server: Server | None) -> int:
        log.info("stopping")
        self._tell_supervisor("STOPPING=1")
        scheduler.pause()
        self._app.rounds.closing.set()
        deadline = time.monotonic() + STOP_WITHIN
        if server is not None:
            server.stop()
        self._desk.stop()
        self._wait_idle(deadline)
        self._record.end()
        if not self._under_way():
            scheduler.shutdown(wait=False)
            log.info("stopped")
            return 0
        # A source or receiver hangs. What was decided is committed, what was not is read
        # again; waiting for the network would only delay the restart.
        with self._app.store.write():
            log.info("stopped while %s was under way", ", ".join(self._under_way()))
            logging.shutdown()
            os._exit(0)

    def _wait_idle(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._under_way():
            time.sleep(0.05)

    def _under_way(self) -> list[str]:
        return [*self._pulse.busy(), *(f"sending by {each}" for each in self._app.rounds.busy())]


def emergency(app: Fundwatch) -> Emergency:
    """The alarm of a home folder: channels of its own, for the others may hang."""
    make = partial(make_channel, app.settings)
    return Emergency(app.settings.channels, make, app.templates, lambda: app.timezone, now)


def _run_now(scheduler: BackgroundScheduler) -> None:
    """Else each job would wait until the old time comes again."""
    for job in scheduler.get_jobs():
        job.modify(next_run_time=datetime.now(UTC))


def _cannot_record(home: str, trouble: str) -> tuple[str, str]:
    """What is told without the record, and what to do."""
    what = (
        f"The record of Fundwatch (folder {home}) cannot be written: {trouble.rstrip('.')}. "
        "Nothing is recorded and no alert is sent until it can; nothing that was recorded is lost."
    )
    cure = (
        "Free space on its disk, or mend disk and rights. Fundwatch goes on by itself, reads what "
        "moved meanwhile and tells it."
    )
    return what, cure
