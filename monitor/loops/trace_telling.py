"""What of a case's trace is told, to whom: the alerts that are due when a state of it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.decide.trace_news import Ground, news
from monitor.loops.passing import PollWorld
from monitor.model import Alert, Entry, Status, Subject
from monitor.model.acts_trace import TakeTrace
from monitor.model.plan import Route
from monitor.model.trace import Told, Trace
from monitor.store import ours, transfers, watch
from monitor.store import trace as kept
from monitor.store.port import Store

_GONE = (Status.ORPHANED, Status.SUPERSEDED)


@dataclass(frozen=True)
class Telling:
    """Made once."""

    store: Store
    world: PollWorld

    def of(
        self, case: str, before: Told | None, trace: Trace, kept_as: Trace
    ) -> tuple[Sequence[Alert], Sequence[Route]]:
        """The alerts that are due, and what is owed to whom; `kept_as`: the trace as it is to be
        kept, where ours are veiled. None where nobody watches for the case any more."""
        entry = self._entry(case)
        if entry is None:
            return (), ()
        act = TakeTrace(self.world.clock(), case, kept_as)
        same = before is not None and before.sha256 == act.sha256
        ground = Ground(
            entry=entry,
            since=kept.follows_since(self.store, case) or self.world.clock(),
            now=self.world.clock(),
            state=(before.number if before else 0) + (not same),
            sha256=act.sha256,
            told=kept.told_of(self.store, case),
            undone=self._undone,
            ours=self._ours(trace),
            before=before,
        )
        alerts = news(trace, ground)
        routes = [route for alert in alerts for route in self.world.route(alert, entry)]
        return alerts, routes

    def _entry(self, case: str) -> Entry | None:
        mine = watch.persons_entries(self.store)
        here = [w.entry for w in mine if w.active and w.entry.case == case and w.entry.follow]
        # Nobody is told of what a canary does.
        return min(here, key=lambda entry: entry.canary, default=None)

    def _undone(self, key: str) -> bool:
        chain, tx, leg = key.split("/", 2)
        return transfers.status_of(self.store, (chain, tx, leg)) in _GONE

    def _ours(self, trace: Trace) -> dict[Subject, tuple[str, str]]:
        subjects = [node.subject for node in trace.nodes]
        own = ours.own(self.store, self.world.ours, {s.address for s in subjects})
        return {
            s: (own[s.address].list, own[s.address].label) for s in subjects if s.address in own
        }
