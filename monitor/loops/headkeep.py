"""Keeping what sources say of the newest block in the record, and taking back what was
booked on words that they contradict. Runs in the thread that writes the record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from monitor.decide import heads
from monitor.loops.pool import SourcePool
from monitor.model import Chain
from monitor.model.acts import DAEMON, KeepHeads
from monitor.model.heads import Fault
from monitor.model.plan import Signal
from monitor.store import heads as stored
from monitor.store import watch
from monitor.store.commit import commit
from monitor.store.port import Store

log = logging.getLogger("fundwatch.poll")


class HeadKeeper:
    """Between the pools of all chains and one record."""

    def __init__(
        self, store: Store, pools: Mapping[str, SourcePool], clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._pools = pools
        self._clock = clock
        self._open: set[str] = set()  # chains whose kept heads have been taken up

    def begin(self, chain: str) -> None:
        """Begin a pass over a chain with what earlier ones know of its sources' heads."""
        kept = self._pools[chain].heads
        kept.turn += 1
        if chain not in self._open:
            self._open.add(chain)
            kept.clock = self._clock
            kept.remember(stored.load(self._store, chain))

    def note(self, chain: Chain) -> None:
        """Write what has been heard, and take back what it contradicts: before anything is
        asked or decided on it."""
        news = self._pools[chain.key].heads.news()
        if news is None:
            return
        signals = []

        def tell(found: Fault, keys: frozenset[str]) -> Signal:
            return heads.fault_signal(found, chain, watch.concerned(self._store, keys))

        for source, why in news.foreign.items():
            log.warning("%s/%s shows another chain", chain.key, source)
            entries = watch.concerned_on(self._store, chain.key)
            signals.append(heads.foreign_signal(source, why, chain, entries))
        for source, why in news.doubts.items():
            entries = watch.concerned_on(self._store, chain.key) if why else []
            signals.append(heads.doubt_signal(source, why, chain, entries))
        for found in news.faults:
            false = max(head.height for head in found.false)
            log.warning("%s/%s contradicts its block %d", chain.key, found.source, false)
        act = KeepHeads(self._clock(), chain.key, news, signals, tell)
        commit(self._store, DAEMON, act)
