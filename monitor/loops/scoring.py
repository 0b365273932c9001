"""Noticing how late sources list movements, as plans are written."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.decide import scores
from monitor.model import Subject
from monitor.model.plan import Plan
from monitor.model.second import ProvenLists
from monitor.model.streams import StreamState
from monitor.store import second_word
from monitor.store.port import Reader


def lateness(store: Reader, plan: Plan, states: Mapping[str, StreamState]) -> list[tuple[str, int]]:
    """Who lists something of this plan only after having read past it, and by how many seconds.
    To be asked before the plan is written."""
    fresh = {row.transfer.identity for row in plan.new}
    readers = {state.source for state in states.values()}
    again = {
        seen.identity[1]
        for seen in plan.sightings
        if seen.source in readers and seen.identity not in fresh
    }
    if not again and not any(row.late for row in plan.new):
        return []

    def proven() -> ProvenLists:
        scope = plan.scope
        return second_word.proven(store, scope) if isinstance(scope, Subject) else {}

    told = second_word.told_of(store, plan.scope.chain, again)
    return scores.late(plan, states, told, proven)
