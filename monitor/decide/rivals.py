"""Transactions that spend the same coins: of several at most one is ever mined. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from monitor.decide.absence import missing_from
from monitor.model import LIVE_STATUSES, OPEN_STATUSES, Batch, Row, Transfer
from monitor.model.plan import Answers, Context


def found(
    known: Collection[Row],
    absent: Iterable[Row],
    batches: Sequence[Batch],
    answers: Answers,
    context: Context,
) -> dict[str, str]:
    """By unconfirmed transaction: another one that spends its coins, in a block or in its place in
    a list. The first is believed at once, the second where nobody knows what it supplants."""
    return _supplanted(absent, batches, answers, context) | _outbid(known, batches)


def _outbid(known: Collection[Row], batches: Iterable[Batch]) -> dict[str, str]:
    """By unconfirmed transaction: another one that has spent its coins in a block. The first will
    never be mined."""
    live = (row.transfer for row in known if row.status in LIVE_STATUSES)
    reported = (transfer for batch in batches for transfer in batch.transfers)
    spent = {t.spends: t.tx for t in (*live, *reported) if t.spends and not t.pending}
    return _of((row.transfer for row in known if row.transfer.pending), spent)


def _supplanted(
    absent: Iterable[Row], batches: Sequence[Batch], answers: Answers, context: Context
) -> dict[str, str]:
    """By unconfirmed transaction that nobody reported and nobody knows who was asked: another one
    that spends its coins and stands in its place in the list of who told the first."""
    waiting = [
        row
        for row in absent
        if row.transfer.pending and row.transfer.spends and row.status in OPEN_STATUSES
    ]
    others: dict[str, str] = {}
    for batch in batches if waiting else ():
        spent = {t.spends: t.tx for t in batch.transfers if t.spends and t.pending}
        left_out = (row.transfer for row in waiting if missing_from(row, batch, context))
        others |= _of(left_out, spent)
    return {tx: other for tx, other in others.items() if _unknown(tx, answers)}


def _of(waiting: Iterable[Transfer], spent: Mapping[str, str]) -> dict[str, str]:
    """By transaction: another one that spends the same coins. `spent`: by output, who spends it."""
    pairs = ((t.tx, spent.get(t.spends or "", t.tx)) for t in waiting)
    return {tx: other for tx, other in pairs if tx != other}


def _unknown(tx: str, answers: Answers) -> bool:
    said = answers.lookups.get(tx, ())
    return (bool(said) or answers.mute) and not any(each.found for each in said)
