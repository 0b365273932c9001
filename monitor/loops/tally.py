"""Counting what sources are like, in memory; a job writes it down now and then, so that polling
does not wait for it. What a kill takes with it is a minute of counts."""

from __future__ import annotations

import threading

from monitor.model.scores import DAY, Mark, Score


class Tally:
    """Of the sources of one chain. Thread-safe."""

    def __init__(self, chain: str) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, Mark], tuple[int, int]] = {}

    def note(self, source: str, what: Mark, worst: int = 0) -> None:
        """Count one; `worst`: of a movement that came late, by how many seconds."""
        with self._lock:
            number, before = self._counts.get((source, what), (0, 0))
            self._counts[source, what] = (number + 1, max(before, worst))

    def take(self, now: int) -> list[Score]:
        """What was counted since this was last asked; from now on it begins anew."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return [
            Score(source, self._chain, now // DAY, what, number, worst)
            for (source, what), (number, worst) in counts.items()
        ]
