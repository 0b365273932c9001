"""Keeping what sources say of the newest block in the record, and taking back what was
booked on words that they contradict. Runs in the thread that writes the record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from monitor import heads
from monitor.model import Chain, Entry
from monitor.plan import Signal
from monitor.reader import Desk
from monitor.store import Store
from monitor.store import heads as book
from monitor.store.watch import Watch

log = logging.getLogger("fundwatch.poll")


class HeadKeeper:
    """Between the desks of all chains and one record."""

    def __init__(self, store: Store, desks: Mapping[str, Desk], clock: Callable[[], int]) -> None:
        self._store = store
        self._desks = desks
        self._clock = clock
        self._open: set[str] = set()  # chains whose kept heads have been taken up

    def begin(self, chain: str) -> None:
        """Begin a pass over a chain with what earlier ones know of its sources' heads."""
        kept = self._desks[chain].heads
        kept.turn += 1
        if chain not in self._open:
            self._open.add(chain)
            kept.clock = self._clock
            kept.remember(book.load(self._store, chain))

    def note(self, chain: Chain, watched: Watch) -> bool:
        """Write what has been heard, before anything is decided on it. Returns whether
        something was taken back, so that what was known of coverage is out of date."""
        news = self._desks[chain.key].heads.news()
        if news is None:
            return False
        now = self._clock()
        signals = []
        entries = _entries(watched, chain) if news.faults or news.foreign else {}

        def tell(found: heads.Fault, subjects: frozenset[str]) -> Signal:
            concerned = [e for key in sorted(subjects) for e in entries.get(key, ())]
            return heads.fault_signal(found, chain, concerned, now)

        for source, why in news.foreign.items():
            log.warning("%s/%s shows another chain", chain.key, source)
            count = sum(map(len, entries.values()))
            signals.append(heads.foreign_signal(source, why, chain, count, now))
        for found in news.faults:
            false = max(head.height for head in found.false)
            log.warning("%s/%s contradicts its block %d", chain.key, found.source, false)
        book.keep(self._store, chain.key, news, tell, signals, now)
        return any(found.booked for found in news.faults)


def _entries(watched: Watch, chain: Chain) -> dict[str, list[Entry]]:
    """Active entries of a chain, by the key of their subject."""
    found: dict[str, list[Entry]] = {}
    for here in watched.get(chain.key, {}).values():
        for each in here:
            found.setdefault(each.entry.subject.key, []).append(each.entry)
    return found
