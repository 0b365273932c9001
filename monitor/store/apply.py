"""What a poll decided, committed."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model.acts import DAEMON, ApplyPlan
from monitor.model.plan import Plan, Route
from monitor.model.streams import Reading
from monitor.store.commit import commit
from monitor.store.port import Store


def apply(
    store: Store,
    plan: Plan,
    *,
    readings: Sequence[Reading] = (),
    routes: Sequence[Route] = (),
) -> None:
    """Commit a plan: all of it or nothing. Raises Conflict when known rows have changed."""
    commit(store, DAEMON, ApplyPlan(plan.now, plan, readings, routes))
