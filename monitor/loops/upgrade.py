"""What opening the record with a newer version did to it is told."""

from __future__ import annotations

import logging

from monitor import __version__
from monitor.loops.router import Router
from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.model.acts import DAEMON, Tell
from monitor.model.facts import Notice
from monitor.model.ids import stable_id
from monitor.store.commit import commit
from monitor.store.port import Store
from monitor.store.schema import CHANGES

log = logging.getLogger("fundwatch")


def tell_upgrade(store: Store, router: Router, now: int) -> None:
    done = store.upgrade
    if done is None:
        return
    lines = [
        f"Before that it was copied to {done.copy.name}, to be deleted once all is well.",
        *(CHANGES[number] for number in range(done.old + 1, done.new + 1)),
    ]
    title = f"Fundwatch {__version__} has upgraded the record from schema {done.old} to {done.new}."
    log.warning("%s %s", title, " ".join(lines))
    alert = Alert(
        id=stable_id("N", "upgrade", str(done.new), str(now)),
        kind=AlertKind.NOTICE,
        lane=Lane.NEWS,
        severity=Severity.LOW,
        created=now,
        title=title,
        lane_reason="Every change of the record is told.",
        audience="operations",
        facts=Notice(topic="upgrade", lines=tuple(lines)),
    )
    commit(store, DAEMON, Tell(now, [alert], router.route(alert, None)))
