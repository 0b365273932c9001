"""A clock that was set back delays nothing."""

from __future__ import annotations

import logging

from monitor.model.acts import DAEMON, SetClock
from monitor.model.plan import Signal
from monitor.store import clock
from monitor.store.commit import commit
from monitor.store.incidents import put_signals
from monitor.store.port import Store

log = logging.getLogger("fundwatch.alive")

HOLD_BACK = 300  # seconds that a subject waits at which the watchdog bit twice


def mend_clock(store: Store, longest_pace: int, now: int) -> None:
    """Nothing waits longer than the longest pace; after the clock was set back that is told."""
    latest = now + longest_pace + clock.SLACK
    clock.pull_forward(store, latest, now + HOLD_BACK, now)
    if not clock.was_ahead(store, now):
        return
    commit(store, DAEMON, SetClock(now))
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
    put_signals(store, [signal], now)
