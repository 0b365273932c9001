"""What is served of an opened home folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.app.fundwatch import Fundwatch
from monitor.loops.clock import now
from monitor.loops.health import vitals
from monitor.loops.health.verdict import Verdict
from monitor.store.sqlite import Store
from monitor.web.ack import AckPage
from monitor.web.site import Site


def site(
    app: Fundwatch,
    judge: Callable[[Store], Verdict] | None = None,
    stuck: Callable[[], Sequence[str]] = tuple,
) -> Site:
    """`judge`: the verdict of the running program; `stuck`: its parts that do not move."""
    settings, store = app.settings, Store(app.store.path, readonly=True)
    # This process holds the lock of the home folder: a Fundwatch runs.
    judge = judge or (lambda store: vitals.look(store, settings, now(), running=True))
    linked = settings.public_url != ""
    ack = AckPage(store, app.acts, settings, app.templates, lambda: app.timezone)
    return Site(store, settings, lambda: judge(store), stuck, ack if linked else None)
