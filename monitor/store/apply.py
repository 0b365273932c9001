"""What a poll decided, committed: at once, or a long plan part by part, so that no other process
has to wait for long."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monitor.model.acts import DAEMON, ApplyPlan
from monitor.model.answers import Kept
from monitor.model.plan import Plan, Route
from monitor.model.streams import Reading
from monitor.store.commit import commit
from monitor.store.port import Store

PART = 2000  # rows of one transaction of the database; a transaction of a chain is never cut

# What of a plan goes with a transaction of the chain.
_TX: Mapping[str, Callable[[Any], str | None]] = {
    "new": lambda row: row.transfer.tx,
    "changes": lambda change: change.transfer.tx,
    "sightings": lambda sighting: sighting.identity[1],
    "alerts": lambda alert: alert.tx,
    "doubts": lambda doubt: doubt.tx,
    "settled": lambda over: over[0],
}


def apply(
    store: Store,
    plan: Plan,
    *,
    readings: Sequence[Reading] = (),
    routes: Sequence[Route] = (),
) -> None:
    """Commit a plan: all of it or nothing. Raises Conflict when known rows have changed.

    Of a long one the parts before the fault stay. Nothing of it is booked as read then, so what
    is missing is read again, and what is there is known.
    """
    parts = list(in_parts(plan))
    owed: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        owed[route[0]].append(route)
    for part in parts:
        mine = [route for alert in part.alerts for route in owed[alert.id]]
        read = readings if part is parts[-1] else ()
        commit(store, DAEMON, ApplyPlan(plan.now, part, read, mine))


def in_parts(plan: Plan) -> Iterator[Plan]:
    """A plan cut between transactions. From where on movements are news comes first, or what is
    decided after a kill would differ; what was read and what was not comes last."""
    if max(len(plan.new) + len(plan.changes), len(plan.sightings)) <= PART:
        yield plan
        return
    numbers = _numbers(plan)
    last = max(numbers.values())
    cut = [dict[str, Any]() for _ in range(last + 1)]
    for name, tx_of in _TX.items():
        found = defaultdict[int, list[Any]](list)
        for value in getattr(plan, name):
            found[numbers.get(tx_of(value) or "", last)].append(value)
        for number, values in enumerate(cut):
            values[name] = tuple(found[number])
    for number, values in enumerate(cut):
        named = (tx for kept in plan.kept for tx in kept.txs)
        values["kept"] = _evidence(plan, {tx for tx in named if numbers.get(tx, last) == number})
    bare = Plan(plan.scope, plan.now, cases=plan.cases, answered=plan.answered, weighs=plan.weighs)
    yield replace(bare, tokens=plan.tokens, baselines=plan.baselines, **cut[0])
    for values in cut[1:-1]:
        yield replace(bare, **values)
    yield replace(plan, tokens=(), baselines=(), **cut[-1])


def _evidence(plan: Plan, txs: Collection[str]) -> tuple[Kept, ...]:
    """Kept answers of the transactions of one part; those of none of them go with each."""
    mine = ((kept, tuple(tx for tx in kept.txs if tx in txs)) for kept in plan.kept)
    return tuple(replace(kept, txs=found) for kept, found in mine if found or not kept.txs)


def _numbers(plan: Plan) -> dict[str, int]:
    """In which part each transaction goes."""
    rows = Counter(row.transfer.tx for row in plan.new)
    rows.update(change.transfer.tx for change in plan.changes)
    told = Counter(sighting.identity[1] for sighting in plan.sightings)
    numbers, number, full = dict[str, int](), 0, 0
    for tx in dict.fromkeys((*rows, *told)):
        size = max(rows[tx], told[tx])
        if full and full + size > PART:
            number, full = number + 1, 0
        numbers[tx] = number
        full += size
    return numbers
