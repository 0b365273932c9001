"""What touches our own and no entry tells: of addresses that are followed, of history, and of what
was told before we knew that it is ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.decide.concern import is_new
from monitor.decide.ours import touched
from monitor.decide.standing import Standing
from monitor.model import Alert, Baseline, Status, Watched
from monitor.model.facts import BACK, Notice, Touched
from monitor.model.plan import Context, Identity

REVERSED = "reversed"
_CERTAIN = frozenset({Status.PROVISIONAL, Status.FINAL})


def untold(
    context: Context,
    standing: Mapping[Identity, Standing],
    baselines: Mapping[str, Baseline],
    alerts: Iterable[Alert] = (),
) -> tuple[Touched, ...]:
    """What is in a block and touches our own, and no alert has told nor will tell so. `alerts`:
    those that are due now."""
    before = (*context.alerts, *alerts)
    told = {each.key for alert in before for each in alert.facts.ours}

    def waits(address: str, rows: Sequence[Standing]) -> bool:
        watched = context.watched.get(address, ())
        return any(_waits(w, rows, baselines, before) for w in watched if w.active)

    return tuple(
        each
        for address, rows, touched in _each(context, standing)
        if not waits(address, rows)
        for each in touched
        if each.key not in told
    )


def undone(
    context: Context, standing: Mapping[Identity, Standing], alerts: Iterable[Alert]
) -> tuple[tuple[str, str, Touched], ...]:
    """What was told by no entry and holds no longer, or again: (REVERSED | BACK, the alert that
    told it first, what). `alerts`: those that are due now."""
    said = {each.key for alert in alerts for each in alert.facts.ours}
    first: dict[tuple[str, str, str, str], str] = {}
    last: dict[tuple[str, Touched], str] = {}
    for alert in context.alerts:
        if alert.entry_id is None and isinstance(alert.facts, Notice):
            for each in alert.facts.ours:
                root = alert.amends or first.setdefault(each.key, alert.id)
                state = next((s for s in (REVERSED, BACK) if alert.facts.topic.endswith(s)), BACK)
                last[root, each] = state
    found = []
    for (root, each), state in last.items():
        stood = standing.get((each.chain, each.tx, each.leg))
        if stood is None or each.key in said:
            continue
        if stood.status is Status.ORPHANED and state == BACK:
            found.append((REVERSED, root, each))
        elif stood.status in _CERTAIN and state == REVERSED:
            found.append((BACK, root, each))
    return tuple(found)


def all_of(context: Context) -> tuple[Touched, ...]:
    """What is recorded in blocks and touches our own, told or not."""
    return tuple(each for _, _, here in _each(context, standing_of(context)) for each in here)


def standing_of(context: Context) -> dict[Identity, Standing]:
    """The recorded rows as they are."""
    return {
        row.transfer.identity: Standing(row.transfer, row.status, row.late) for row in context.known
    }


def _each(
    context: Context, standing: Mapping[Identity, Standing]
) -> Iterator[tuple[str, Sequence[Standing], tuple[Touched, ...]]]:
    """By transaction and watched or followed address: its rows, and what touches our own."""
    by_tx: dict[str, list[Standing]] = {}
    for stood in standing.values() if context.ours else ():
        if stood.status in _CERTAIN:
            by_tx.setdefault(stood.transfer.tx, []).append(stood)
    for tx in sorted(by_tx):
        legs = [s.transfer for s in by_tx[tx]]
        for address in sorted({party for leg in legs for party in leg.parties()}):
            if address in context.watched or address in context.traced:
                mine = [s for s in by_tx[tx] if address in s.transfer.parties()]
                here = touched(context, address, [s.transfer for s in mine], legs)
                if here:
                    yield address, mine, here


def _waits(
    watched: Watched,
    rows: Sequence[Standing],
    baselines: Mapping[str, Baseline],
    alerts: Sequence[Alert],
) -> bool:
    """Whether an entry has still to tell of one of these rows."""
    baseline = watched.baseline or baselines.get(watched.entry.id)
    if baseline is None:
        return False
    told = {i for a in alerts if a.entry_id == watched.entry.id for i in a.rows}
    return any(
        is_new(s.transfer, baseline) and s.transfer.identity not in told
        for s in rows
        if watched.entry.tell_when == "final" and s.status is not Status.FINAL
    )
