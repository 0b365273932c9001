"""Addresses at which a job fails by a fault of ours, again and again, while it works for others:
nothing else would show that."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from monitor.loops.health.pulse import FAULT_HOLD
from monitor.model import Subject
from monitor.model.plain import count
from monitor.model.plan import Signal
from monitor.store import incidents
from monitor.store.port import Store

log = logging.getLogger("fundwatch")


class Faults:
    """Of one job. `what`: what is not done for these addresses, in words."""

    def __init__(self, store: Store, job: str, what: str, clock: Callable[[], int]) -> None:
        self._store, self._job, self._what, self._clock = store, job, what, clock
        self._at: set[Subject] = set()

    def note(self, subject: Subject, error: Exception) -> None:
        """It failed at this address; told once it has lasted."""
        if subject not in self._at:
            log.error("%s: a fault at one address; tried again", self._job, exc_info=error)
        self._at.add(subject)
        self._tell()

    def over(self, subjects: Collection[Subject]) -> None:
        """These went well."""
        self.keep(self._at.difference(subjects))

    def keep(self, watched: Collection[Subject]) -> None:
        """Nobody watches others any more."""
        before = len(self._at)
        self._at.intersection_update(watched)
        if len(self._at) != before:
            self._tell()

    def _tell(self) -> None:
        number = count(len(self._at), "address", "addresses")
        signal = Signal(
            key=f"fault:{self._job}:addresses",
            bad=bool(self._at),
            severity="high",
            hold=FAULT_HOLD,
            what=f"A fault in Fundwatch: {number} {self._what}.",
            cure="Its log tells more; send that to who maintains it.",
        )
        incidents.put_signals(self._store, [signal], self._clock())
