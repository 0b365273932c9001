"""What nobody acknowledges is passed on, from one channel of a chain to the next."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from monitor.decide import routing
from monitor.store import notes, owing, ways
from monitor.store.port import Store

log = logging.getLogger("fundwatch")


def pass_on(store: Store, chain: Sequence[str], after: int, begun: int, now: int) -> None:
    """Each step `after` so many seconds; not what was told before that was wished for. With
    another chain of channels, only what the old one has not come to its end with. `begun`: the
    pass that has just ended; what it told counts."""
    noted, _, before = (notes.get_note(store, "escalation") or "").partition(" ")
    if not chain:
        if noted:
            notes.put_note(store, "escalation", None)
        return
    since = int(noted) if noted else begun
    if before != " ".join(chain):
        since = max(since, begun - after * (len(chain) + 1)) if noted else begun
        notes.put_note(store, "escalation", f"{since} {' '.join(chain)}")
    waiting = owing.unacknowledged(store, since)
    off = ways.out_of_order(store) if waiting else ()
    owed = routing.passed_on(waiting, chain, off, after, since, now)
    for alert_id, channel in owing.pass_on(store, owed):
        log.warning("alert %s not acknowledged, passed on to %s", alert_id, channel)
