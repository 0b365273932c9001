"""What makes Fundwatch seen alive: the pulse of its jobs, the heartbeat to a service that
misses it, word to systemd, the daily test of the channels, and a mended clock.

None of it can hold up the loops: the heartbeat and the tests run beside them, and what a
receiver does is cut off by a deadline.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import requests
import urllib3

from monitor.decide import routing
from monitor.loops import deliver
from monitor.model.errors import DeliveryError, StoreError
from monitor.model.plain import tidy
from monitor.model.plan import Signal
from monitor.net import wire
from monitor.store import clock, journal, outbox
from monitor.store.sqlite import Store

if TYPE_CHECKING:
    from monitor.app.fundwatch import Fundwatch

log = logging.getLogger("fundwatch.alive")

# Jobs without which nothing is seen or told; others (prices, tests) may fail meanwhile.
VITAL = ("poll", "deliver", "reload", "housekeep", "requests")
STUCK_AFTER = 300.0  # seconds without progress of a pass or of any tick
BEAT_EVERY, BEAT_RETRY = 60.0, 5.0  # seconds: between heartbeats; until it is well
BEAT_WITHIN = 10.0  # seconds for the receiver of the heartbeat
COMPLAIN_EVERY = 3600  # seconds between log lines about a heartbeat that is not accepted
FAULT_HOLD = 120  # seconds that a job may fail before anybody is told
TEST_AGAIN = 300  # seconds until a channel that failed its test is tried again
TEST_HOLD = 900  # a channel that is back by then is no news
HOLD_BACK = 300  # seconds that a subject waits at which the watchdog bit twice
BITTEN = 86_400  # seconds for which the first time is remembered


# -- the pulse ---------------------------------------------------------------------------


class Pulse:
    """When each job last moved and when it last did its work, on the monotonic clock."""

    def __init__(
        self,
        jobs: Iterable[str],
        last_progress: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._began = clock()
        self._moved = dict.fromkeys(jobs, self._began)
        self._worked: dict[str, float] = {}
        self._busy: set[str] = set()
        self._progress = last_progress  # of the pass that is under way
        self._lock = threading.Lock()

    @contextmanager
    def beat(self, job: str) -> Iterator[None]:
        """Around one run of a job. What it raises goes on: then it has not worked."""
        self._note(job, busy=True)
        try:
            yield
            with self._lock:
                self._worked[job] = self._clock()
        finally:
            self._note(job, busy=False)

    def _note(self, job: str, *, busy: bool) -> None:
        with self._lock:
            self._moved[job] = self._clock()
            (self._busy.add if busy else self._busy.discard)(job)

    def woke(self) -> None:
        """Nothing ran for a while, the watchdog neither: everything begins to count anew."""
        with self._lock:
            moment = self._clock()
            self._moved = dict.fromkeys(self._moved, moment)
            self._worked = dict.fromkeys(self._worked, moment)

    def busy(self) -> list[str]:
        with self._lock:
            return sorted(self._busy)

    def stuck(self) -> list[str]:
        """Jobs that have not moved for too long."""
        moment = self._clock()
        with self._lock:
            return [
                job
                for job, moved in self._moved.items()
                if moment - max(moved, self._in_pass(job)) > STUCK_AFTER
            ]

    def well(self) -> bool:
        """Whether every vital job does its work: not only tried, but without a fault."""
        moment = self._clock()
        with self._lock:
            return all(
                moment - max(self._worked.get(job, -inf), self._in_pass(job)) < STUCK_AFTER
                for job in self._moved
                if job in VITAL
            )

    def lame(self) -> list[str]:
        """Vital jobs that have not done their work for too long."""
        moment = self._clock()
        with self._lock:
            return [
                job
                for job in self._moved
                if job in VITAL
                and moment - max(self._worked.get(job, self._began), self._in_pass(job))
                > STUCK_AFTER
            ]

    def _in_pass(self, job: str) -> float:
        """A long pass is well as long as one address after the other comes to its end."""
        progress = self._progress() if job == "poll" and job in self._busy else -inf
        return progress if progress > self._began else -inf


# -- the heartbeat -----------------------------------------------------------------------


@dataclass
class Heartbeat:
    """Calls an address while all is well; a service that misses the call tells people.

    What is not well is not sent at all. The address is a secret: it is never logged.
    """

    url: str = field(repr=False)
    proxies: Mapping[str, str] = field(repr=False)
    verify: bool | str
    store: Store
    well: Callable[[], bool]
    clock: Callable[[], int]
    within: float = BEAT_WITHIN
    _complained: int = 0

    def run(self, stop: threading.Event) -> None:
        """Beat until `stop`; for a thread of its own."""
        pause = 0.0
        while not stop.wait(pause):
            try:
                pause = BEAT_EVERY if self.beat() else BEAT_RETRY
            except StoreError as error:
                log.warning("no heartbeat is sent: %s", error)
                pause = BEAT_RETRY
            except Exception as error:  # noqa: BLE001 - or nothing would ever be sent again
                # In no more words: they may hold the address.
                log.warning("no heartbeat is sent: a fault in Fundwatch (%s)", type(error).__name__)
                pause = BEAT_EVERY

    def beat(self) -> bool:
        """Send one heartbeat if all is well; returns whether it was tried.

        Raises StoreError when the record cannot be written: then all is not well.
        """
        if not self.well():
            return False
        now, before = self.clock(), last_heartbeat(self.store)
        accepted = before.accepted if before else None
        # Written before the call: it is the proof that the record can be written.
        self._note(Beat(now, accepted, "no answer yet"))
        error = self._call()
        self._note(Beat(now, accepted if error else now, error))
        if error and now - self._complained >= COMPLAIN_EVERY:
            self._complained = now
            log.warning("the heartbeat is not accepted: %s", error)
        elif not error and self._complained:
            self._complained = 0
            log.info("the heartbeat is accepted again")
        return True

    def _note(self, beat: Beat) -> None:
        journal.put_note(self.store, "heartbeat", json.dumps(asdict(beat)))

    def _call(self) -> str:
        """Why it was not accepted, without any part of the address; empty if it was."""
        deadline = wire.Deadline(self.within)
        proxies = wire.proxies_for(self.url, self.proxies)
        try:
            with (
                deadline,
                wire.session(proxies, self.verify) as session,
                session.get(
                    self.url, allow_redirects=False, stream=True, timeout=self.within
                ) as response,
            ):
                if 200 <= response.status_code < 300:
                    return ""
                return f"answered HTTP {response.status_code}"
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return wire.explain(error, deadline)


@dataclass(frozen=True, slots=True)
class Beat:
    """How the newest heartbeat went. Times in Unix seconds."""

    at: int
    accepted: int | None  # the newest one that was
    error: str  # why it was not accepted, or empty


def last_heartbeat(store: Store) -> Beat | None:
    text = journal.get_note(store, "heartbeat")
    return Beat(**json.loads(text)) if text else None


# -- the supervisor ----------------------------------------------------------------------


def notify(place: str | None, *states: str) -> None:
    """Tell systemd (`place`: its NOTIFY_SOCKET; none: nobody is told). Never fails: a
    supervisor that does not listen must not end what it supervises."""
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(1.0)
            sock.sendto("\n".join(states).encode(), address)
    except OSError as error:
        log.debug("the supervisor could not be told: %s", error)


# -- the clock ---------------------------------------------------------------------------


def mend_clock(desk: Fundwatch, now: int) -> None:
    """Nothing waits longer than one round; after the clock was set back that is told."""
    latest = now + desk.round_seconds + clock.SLACK
    clock.pull_forward(desk.store, latest, now + HOLD_BACK, now)
    if not clock.was_ahead(desk.store, now):
        return
    clock.mend(desk.store, now)
    log.warning("the clock was set back; what waited for a time ahead of it is due now")
    signal = Signal(
        key=f"clock:{now}",
        bad=True,
        severity="medium",
        what="The clock of this machine was ahead and has been set back. What waited for a time "
        "that now lies ahead is read and sent at once.",
        cure="Let a time service set the clock. Times of that while in the record are wrong.",
        once=True,
    )
    journal.put_signals(desk.store, [signal], now)


def bitten(store: Store, mark: Path, now: int) -> set[str]:
    """Keys of the subjects at which the watchdog has bitten twice within a day. `mark`: what it
    left behind when it ended the process, if it did."""
    try:
        present = set(json.loads(mark.read_text("utf-8") or "[]"))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError):
        present = set()
    noted = json.loads(journal.get_note(store, "bitten") or "{}")
    before = set(noted.get("subjects", ())) if now - noted.get("at", 0) < BITTEN else set()
    journal.put_note(store, "bitten", json.dumps({"at": now, "subjects": sorted(present)}))
    return present & before


# -- the daily test of the channels ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tested:
    """How the newest test of a channel went."""

    at: int
    good: bool
    words: str
    whom: Sequence[str] = ()  # who was not reached, where others were
    since: int = 0  # the first of the tests that have failed one after the other


def last_tests(store: Store, names: Iterable[str]) -> dict[str, Tested]:
    """Of these channels, by name; those that were never tested are left out."""
    noted = {name: journal.get_note(store, f"tested:{name}") for name in names}
    return {name: Tested(**json.loads(text)) for name, text in noted.items() if text}


def try_channels(desk: Fundwatch, now: int) -> None:
    """Once a day, at its hour, try every channel: connect to it, and send a test message
    where its settings say so. One that fails is tried again until it works."""
    before = last_tests(desk.store, desk.channels)
    again = {n for n, t in before.items() if not t.good and now - t.at >= TEST_AGAIN}
    names = set(desk.channels) if _is_hour(desk, now) else again
    if not names:
        return
    with ThreadPoolExecutor(len(names), thread_name_prefix="test") as pool:
        futures = {name: pool.submit(_try, desk, name, now) for name in sorted(names)}
    found = {name: future.result() for name, future in futures.items()}
    for name, tested in found.items():
        earlier = before.get(name)
        since = earlier.since or earlier.at if earlier and not earlier.good else now
        noted = replace(tested, since=0 if tested.good else since)
        journal.put_note(desk.store, f"tested:{name}", json.dumps(asdict(noted)))
    journal.put_signals(desk.store, [s for t in found.items() for s in _told(desk, *t)], now)


def _is_hour(desk: Fundwatch, now: int) -> bool:
    """Whether today's test is due; the first one on the day after the first start."""
    local = datetime.fromtimestamp(now, ZoneInfo(desk.timezone))
    last, today = journal.get_note(desk.store, "tests"), local.date().isoformat()
    if last == today or (last is not None and local.hour < desk.settings.daily_hour):
        return False
    journal.put_note(desk.store, "tests", today)
    return last is not None


def _try(desk: Fundwatch, name: str, now: int) -> Tested:
    sends = desk.settings.channels[name].daily_test
    try:
        if not sends:
            return Tested(now, True, tidy(desk.channels[name].check()))
        answers = deliver.send_test(desk.post(), name)
    except DeliveryError as error:
        return Tested(now, False, tidy(str(error)))
    except Exception as error:  # a fault of ours in one channel says nothing about the others
        log.exception("channel %s could not be tested", name)
        return Tested(now, False, f"fault in Fundwatch ({type(error).__name__})")
    if failed := [each for each in answers if not each.good]:
        whom = [each.recipient for each in failed] if len(failed) < len(answers) else []
        return Tested(now, False, tidy("; ".join(each.words for each in failed)), whom)
    journal.put_note(desk.store, f"test:{name}", str(now))
    return Tested(now, True, f"test message accepted ({len(answers)} recipients)")


def _told(desk: Fundwatch, name: str, tested: Tested) -> Iterable[Signal]:
    """A channel that takes a connection may still refuse messages: then it stays told."""
    if not tested.good:
        for recipient in tested.whom or ("",):
            to = f" to {recipient}" if recipient else ""
            yield Signal(
                key=routing.trouble_key(name, recipient),
                bad=True,
                hold=TEST_HOLD,
                what=f"Channel {name} failed its daily test{to}: {tested.words}",
                cure="Nothing may be lost yet. Mend it, then run "
                f"`fundwatch channels test {name}`.",
            )
    elif not outbox.refused(desk.store, name):
        yield Signal(routing.trouble_key(name), bad=False)


def told(store: Store, *keys: str) -> list[str]:
    """Keys of open incidents that people were told of and that begin with one of these."""
    incidents = journal.incident_list(store, open_only=True)
    return [i.signal.key for i in incidents if i.told and i.signal.key.startswith(keys)]
