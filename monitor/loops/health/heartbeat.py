"""The heartbeat: an address is called while all is well."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from monitor.loops.health.kept import Beat, last_heartbeat
from monitor.model.errors import StoreError
from monitor.net.ping import ping
from monitor.store import notes
from monitor.store.port import Store

log = logging.getLogger("fundwatch.alive")
BEAT_EVERY, BEAT_RETRY = 60.0, 5.0  # seconds: between heartbeats; until it is well
BEAT_WITHIN = 10.0  # seconds for the receiver of the heartbeat
COMPLAIN_EVERY = 3600  # seconds between log lines about a heartbeat that is not accepted


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
        error = ping(self.url, self.proxies, self.verify, self.within)
        self._note(Beat(now, accepted if error else now, error))
        if error and now - self._complained >= COMPLAIN_EVERY:
            self._complained = now
            log.warning("the heartbeat is not accepted: %s", error)
        elif not error and self._complained:
            self._complained = 0
            log.info("the heartbeat is accepted again")
        return True

    def _note(self, beat: Beat) -> None:
        notes.put_note(self.store, "heartbeat", json.dumps(asdict(beat)))
