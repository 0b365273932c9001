"""Which answers of a poll are kept: those that brought news, the heads and look-ups that it rests
on, and for severe entries those that show a list to have brought nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from monitor.model import Batch, Severity
from monitor.model.answers import HEAD, LOOKUP, NEWS, SILENCE, Answered, Kept, Silence, keep
from monitor.model.plan import Answers, Context, Plan
from monitor.model.scope import ChainWide


def with_evidence(context: Context, plan: Plan, batches: Sequence[Batch], answers: Answers) -> Plan:
    """The plan with the answers that it rests on."""
    txs = _news(plan)
    batches = [batch for batch in batches if batch.heard]
    telling = [b for b in batches if any(not txs.isdisjoint(h.names) for h in b.heard)]
    silent = [b for b in batches if _shows_silence(context, plan, b)]
    kept = [
        *(keep(h, NEWS, h.names & txs) for b in telling for h in b.heard if h.names & txs),
        *_heads(plan, telling),
        *_looked_up(context, plan, txs, answers),
        *(keep(h, SILENCE) for b in silent for h in b.heard if not h.names & txs),
        *(keep(h, SILENCE) for b in silent for h in b.head.heard),
    ]
    made = {b.sha256: _answered(b) for b in (*telling, *silent)}
    return replace(
        plan,
        kept=_once(kept),
        answered=tuple(made.values()),
        silences=tuple(each for b in silent for each in _silences(plan, b)),
    )


def _news(plan: Plan) -> frozenset[str]:
    """Transactions of which a plan says something new."""
    return frozenset(
        [
            *(new.transfer.tx for new in plan.new),
            *(change.transfer.tx for change in plan.changes),
            *(sighting.identity[1] for sighting in plan.sightings),
            *(alert.tx for alert in plan.alerts if alert.tx),
        ]
    )


def _heads(plan: Plan, batches: Sequence[Batch]) -> Iterator[Kept]:
    """What gave the heads that these batches were read under; evidence of the alerts too."""
    alerts = {alert.tx for alert in plan.alerts if alert.tx}
    for batch in batches:
        named = {tx for heard in batch.heard for tx in heard.names & alerts}
        yield from (keep(heard, HEAD, named) for heard in batch.head.heard)


def _looked_up(
    context: Context, plan: Plan, txs: frozenset[str], answers: Answers
) -> Iterator[Kept]:
    """Look-ups by hash of what is news, and of the blocks that changed rows stood in."""
    for tx in sorted(txs):
        yield from (keep(heard, LOOKUP, [tx]) for heard in answers.heard.get(tx, ()))
    stood = {row.id: row.transfer.block_height for row in context.known} if answers.heard else {}
    for change in plan.changes:
        if (height := stood.get(change.row_id)) is not None:
            asked = answers.heard.get(height, ())
            yield from (keep(heard, LOOKUP, [change.transfer.tx]) for heard in asked)


def _shows_silence(context: Context, plan: Plan, batch: Batch) -> bool:
    """Whether its answers were wanted for a severe entry, and it booked coverage. Of a chain-wide
    scope not all entries are loaded: they are wanted where one is severe."""
    severe = isinstance(context.scope, ChainWide) or any(
        w.active and w.entry.severity is Severity.SEVERE for w in context.own
    )
    return batch.silence and severe and any(_silences(plan, batch))


def _silences(plan: Plan, batch: Batch) -> Iterator[Silence]:
    for covered in plan.covered:
        if covered.source == batch.source and covered.stream in batch.streams:
            span = covered.span
            yield Silence(covered.stream, covered.source, span.lo, span.hi, batch.digests)


def _answered(batch: Batch) -> Answered:
    heads = tuple(heard.sha256 for heard in batch.head.heard)
    return Answered(batch.sha256, batch.source, batch.digests, heads)


def _once(kept: Sequence[Kept]) -> tuple[Kept, ...]:
    """Each answer once, with everything that it is evidence of, for the first reason."""
    found: dict[tuple[str, str, str, int], Kept] = {}
    for each in kept:
        key = (each.source, each.request, each.sha256, each.at)
        before = found.get(key)
        txs = {*each.txs, *(before.txs if before else ())}
        found[key] = replace(before or each, txs=tuple(sorted(txs)))
    return tuple(found.values())
