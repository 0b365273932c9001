"""The pulse: when each job last moved, and when it last did its work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import inf

# Jobs without which nothing is seen or told; others (prices, tests) may fail meanwhile.
VITAL = ("poll", "deliver", "reload", "housekeep", "requests")
STUCK_AFTER = 300.0  # seconds without progress of a pass or of any tick
FAULT_HOLD = 120  # seconds that a job may fail before anybody is told


class Pulse:
    """When each job last moved and when it last did its work, on the monotonic clock."""

    def __init__(
        self,
        jobs: Iterable[str],
        progress: Mapping[str, Callable[[], float]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._began = clock()
        self._moved = dict.fromkeys(jobs, self._began)
        self._worked: dict[str, float] = {}
        self._busy: set[str] = set()
        # Of long jobs: when the run that is under way came to something.
        self._progress = progress
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
                if moment - max(moved, self._in_run(job)) > STUCK_AFTER
            ]

    def well(self) -> bool:
        """Whether every vital job does its work: not only tried, but without a fault."""
        moment = self._clock()
        with self._lock:
            return all(
                moment - max(self._worked.get(job, -inf), self._in_run(job)) < STUCK_AFTER
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
                and moment - max(self._worked.get(job, self._began), self._in_run(job))
                > STUCK_AFTER
            ]

    def _in_run(self, job: str) -> float:
        """A long run is well as long as one part after the other comes to its end."""
        told = self._progress.get(job) if job in self._busy else None
        progress = told() if told else -inf
        return progress if progress > self._began else -inf
