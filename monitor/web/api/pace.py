"""How often a token may ask: so many requests a second, and one download at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from monitor.web.api.problems import Wrong

A_SECOND, BURST = 10.0, 300.0
BULKS = 2  # downloads at once of all tokens: the others of the four workers are for people
KEPT = 1000  # tokens that are remembered


class Pace:
    """Of one process. `clock`: seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # how many more, as of when
        self._bulk: set[str] = set()

    def take(self, token: str) -> None:
        """One request. Raises Wrong."""
        moment = self._clock()
        with self._lock:
            left, at = self._left.get(token, (BURST, moment))
            left = min(BURST, left + (moment - at) * A_SECOND)
            if left >= 1:
                if len(self._left) >= KEPT:
                    self._left.clear()
                self._left[token] = (left - 1, moment)
                return
        wait = str(int((1 - left) / A_SECOND) + 1)
        said = f"This token asks more than {A_SECOND:.0f} times a second. Wait a little."
        raise Wrong("too_many", said, headers={"Retry-After": wait})

    def begin_bulk(self, token: str) -> None:
        """Raises Wrong where one of the same token goes on, or as many as may."""
        with self._lock:
            if token in self._bulk or len(self._bulk) >= BULKS:
                said = "A download goes on already. Begin the next one when it has ended."
                raise Wrong("too_many", said, headers={"Retry-After": "10"})
            self._bulk.add(token)

    def end_bulk(self, token: str) -> None:
        with self._lock:
            self._bulk.discard(token)
