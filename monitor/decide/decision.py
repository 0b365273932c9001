"""Decide what one poll of one scope means. Pure: no clock, network, database, randomness.

Rows first (rows.py): what is new, what changed, what is gone. Then alerts (due.py), which
depend on the rows as they stand afterwards and not on which poll brought them.
Reorganisations live here and in absence.py: a row that was told and is gone is `missing` and
asked for by hash; it becomes `orphaned` only by an answer. Nobody's silence changes anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from monitor.chains.table import family_of
from monitor.decide import coverage, due, proof, untold
from monitor.decide.rows import Rows
from monitor.model import Alert, Axis, Baseline, Batch, Interval, intervals
from monitor.model.facts import Movement
from monitor.model.plan import Answers, Context, Covered, OpenGap, Plan, Question
from monitor.model.transfer import in_transaction

_NOBODY_ASKED = Answers()


def decide(context: Context, batches: Sequence[Batch], answers: Answers = _NOBODY_ASKED) -> Plan:
    """One plan from what a poll read.

    `answers` are those to the questions of an earlier plan on the same batches.
    """
    rows = Rows(context, answers)
    rows.meet(batches)
    baselines = _baselines(context, batches)
    signed = _signatures(context, batches)

    def called_for() -> tuple[tuple[Alert, ...], tuple[Question, ...]]:
        return due.alerts(context, rows.standing(), baselines, _heads(batches), signed)

    alerts, wants_second = called_for()
    doubtful = proof.unproven(context, alerts, rows.standing(), answers, rows.shown)
    if rows.hold(doubtful[: proof.MOST]):
        alerts, wants_second = called_for()
    rows.want_receipts(doubtful)
    rows.doubt_success(alerts)
    return Plan(
        scope=context.scope,
        now=context.now,
        new=tuple(rows.new.values()),
        changes=tuple(rows.changes.values()),
        sightings=tuple(rows.sightings),
        covered=_covered(context, batches),
        blocks=_blocks(context, batches),
        gaps=_gaps(batches),
        tokens=tuple({t.contract: t for b in batches for t in b.tokens}.values()),
        baselines=tuple(baselines.items()),
        alerts=tuple(_marked(alert, doubtful) for alert in alerts),
        touching=untold.untold(context, rows.standing(), baselines, alerts),
        undone=untold.undone(context, rows.standing(), alerts),
        signals=tuple(rows.doubts.signals()),
        questions=tuple(
            question
            for question in (*rows.asked(), *rows.elsewhere(wants_second))
            if in_transaction(question.tx)
        ),
        doubts=rows.doubts.changed(),
        settled=rows.doubts.over(),
        cases={
            address: frozenset(w.entry.case for w in watched if w.entry.case)
            for address, watched in context.watched.items()
        },
    )


def _marked(alert: Alert, doubtful: Collection[str]) -> Alert:
    """An alert that rests on rows alone says that nobody has seen a receipt yet."""
    if alert.tx not in doubtful or not isinstance(alert.facts, Movement):
        return alert
    return replace(alert, facts=replace(alert.facts, success=proof.NOT_YET))


def _covered(context: Context, batches: Sequence[Batch]) -> tuple[Covered, ...]:
    return tuple(
        Covered(stream, b.source, b.axis, span)
        for b in batches
        if not b.lent
        for span in coverage.proven(b, context.chain, context.lags.get(b.source, 0))
        for stream in sorted(b.streams)
    )


def _blocks(context: Context, batches: Sequence[Batch]) -> tuple[Mapping[int, str], int] | None:
    """The whole blocks that were read, and the highest that is final."""
    read = [(b.read.hi, b) for b in batches if b.members is not None and b.read and not b.doubt]
    if not read:
        return None
    _, newest = max(read, key=lambda pair: pair[0])
    lag = context.lags.get(newest.source, 0)
    return newest.blocks, newest.axis.final_line(newest.head, context.chain, lag)


def _gaps(batches: Sequence[Batch]) -> tuple[OpenGap, ...]:
    """What no source of this poll could read."""
    return tuple(
        OpenGap(stream, b.source, b.axis, gap)
        for b in batches
        if not b.lent
        for gap in b.gaps
        for stream in sorted(b.streams)
        if not any(_sound(other, stream, b.axis, gap.at) for other in batches)
    )


def _sound(batch: Batch, stream: str, axis: Axis, span: Interval) -> bool:
    if stream not in batch.streams or axis != batch.axis or batch.read is None:
        return False
    return not intervals.subtract(span, [batch.read]) and not any(
        intervals.intersect(span, gap.at) for gap in batch.gaps
    )


def _signatures(context: Context, batches: Sequence[Batch]) -> Mapping[str, tuple[Interval, ...]]:
    """Where the list of transactions that an address signed has been read, by address."""
    signed = family_of(context.chain).signed
    now = [b.read for b in batches if signed in b.streams and b.read and not b.doubt]
    return {
        address: intervals.union([*context.covered.get(address, {}).get(signed, ()), *now])
        for address in context.followed & context.watched.keys()
    }


def _heads(batches: Sequence[Batch]) -> int:
    """The newest block that is believed, or the highest that holds a row."""
    heights = [b.head.height for b in batches if not b.doubt]
    return max(heights or [t.block_height or 0 for b in batches for t in b.transfers], default=0)


def _baselines(context: Context, batches: Sequence[Batch]) -> dict[str, Baseline]:
    """First contact fixes the line between history and news, by the lowest believed head.

    An entry's time of adding is moved by how far the chain's clock runs ahead of ours, so
    that a chain with future-dated blocks does not turn its whole history into news.
    """
    lowest = min(
        (b.head for b in batches if not b.doubt), key=lambda head: head.height, default=None
    )
    if lowest is None:
        return {}
    ahead = max(0, lowest.time - context.now)
    # Of whole blocks that are fetched now, what came after it was added is news: they were read for
    # its address before it was.
    below = [b.fresh_from - 1 for b in batches if b.members is not None and not b.doubt]
    height = max(0, min([lowest.height, *below]))
    return {
        w.entry.id: Baseline(height, w.added + ahead, lowest.time)
        for w in context.own
        if w.baseline is None and w.active
    }


def cut(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Cut the batches of one round at the lowest place that all of them have read.

    When one list came only in part, rows of the others above that place wait for the next
    round, so that a transaction told by several lists is decided on once. Only for batches
    that read upward; one that starts above that place is left whole.
    """
    ends = [b.read.hi for b in batches if b.read is not None and b.rest is not None]
    upward = all(b.rest is None or (b.read and b.rest.lo > b.read.hi) for b in batches)
    if not ends or not upward or len({b.axis for b in batches}) != 1:
        return tuple(batches)
    return tuple(_cut_one(b, min(ends)) for b in batches)


def _cut_one(batch: Batch, end: int) -> Batch:
    if batch.read is None or batch.read.hi <= end or batch.read.lo > end:
        return batch
    kept = tuple(t for t in batch.transfers if (at := batch.axis.place(t)) is None or at <= end)
    hi = batch.rest.hi if batch.rest is not None else batch.read.hi
    return replace(
        batch,
        transfers=kept,
        read=Interval(batch.read.lo, end),
        rest=Interval(end + 1, hi),
        gaps=tuple(g for g in batch.gaps if g.at.hi <= end),
        cursor=None,
    )
