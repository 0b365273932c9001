"""Log lines about lists that cannot be read: one when that begins, one when it is over. The
repeats between them are counted, and at DEBUG."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

log = logging.getLogger("fundwatch.poll")

QUIET = 120.0  # seconds without a failure after which a list that is read works again


@dataclass
class _Failing:
    count: int
    last: float


class FaultLog:
    """What fails by chain, source and list. Of many addresses some may fail and others not:
    that is one state, and no line each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[tuple[str, str, str], _Failing] = {}

    def failed(self, chain: str, source: str, streams: Iterable[str], error: str) -> None:
        fresh = []
        for stream in sorted(streams):
            state = self._failing.get((chain, source, stream))
            if state is None:
                fresh.append(stream)
                state = self._failing[chain, source, stream] = _Failing(0, 0.0)
            state.count += 1
            state.last = self._clock()
        level = logging.INFO if fresh else logging.DEBUG
        names = ",".join(fresh or sorted(streams))
        log.log(level, "source %s/%s could not read %s: %s", chain, source, names, error)

    def worked(self, chain: str, source: str, streams: Iterable[str]) -> None:
        if not self._failing:
            return
        over: dict[int, list[str]] = {}
        for stream in sorted(streams):
            state = self._failing.get((chain, source, stream))
            if state is not None and self._clock() - state.last >= QUIET:
                del self._failing[chain, source, stream]
                over.setdefault(state.count, []).append(stream)
        for count, names in over.items():
            log.info(
                "source %s/%s reads %s again, after %d failures",
                *(chain, source, ",".join(names), count),
            )
