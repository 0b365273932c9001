"""The movements of a case as attribution takes them: what sources and followed addresses moved,
in one order. Pure.

The result depends on the rows alone, not on the order in which they are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from monitor.analysis.trace import account, utxo
from monitor.analysis.trace.account import Placed
from monitor.analysis.trace.bridged import bridged
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.order import Item, arrange
from monitor.analysis.trace.reading import Reading, Tx, transactions
from monitor.analysis.trace.steps import Flows, Step
from monitor.chains.table import family_of
from monitor.model import Subject
from monitor.model.flow import FEES, Account, Spent


def flows_of(known: Known) -> Flows:
    """All steps of the sources and the followed addresses, in order."""
    book = Reading(known)
    txs = sorted(transactions(known), key=lambda tx: tx.moment)
    read: list[tuple[Tx, list[Placed]]] = []
    unclear: list[Step] = []
    for tx in txs:
        if family_of(tx.chain).atomic:
            read.append((tx, [(step, (0, (step.part or 0,))) for step in utxo.steps_of(tx, book)]))
            continue
        steps, asked = account.steps_of(tx, book)
        read.append((tx, steps))
        unclear += asked
    read, sent, leads = bridged(read, book)
    wide = tuple(_ordered(read, book, deposits_first=True))
    narrow = tuple(_ordered(read, book, deposits_first=False))
    return Flows(
        steps=wide,
        other=None if narrow == wide else narrow,
        sources=dict(sorted(book.sources.items())),
        owner=dict(sorted(book.owner.items())),
        mixed=frozenset(book.mixed),
        sent=sent,
        leads=leads,
        unclear=tuple(unclear),
        ignored=dict(sorted(book.ignored.items())),
    )


def _ordered(
    read: Sequence[tuple[Tx, list[Placed]]], book: Reading, *, deposits_first: bool
) -> Iterator[Step]:
    for _, group in groupby(read, key=lambda each: each[0].moment):
        moment = [(tx, steps) for tx, steps in group if steps]
        items = [_whole_item(tx, steps, book) for tx, steps in moment]
        for n in arrange(items, deposits_first=deposits_first):
            yield from _inside(moment[n][1], book, deposits_first=deposits_first)


def _inside(steps: Sequence[Placed], book: Reading, *, deposits_first: bool) -> Iterator[Step]:
    items = []
    for step, (level, seq) in steps:
        given, taken = _touched(step, book)
        first = seq[0] if seq else -1
        items.append(Item((level, first, step.leg, step.flow.id), given, taken, "", level, seq))
    for n in arrange(items, deposits_first=deposits_first):
        yield steps[n][0]


def _whole_item(tx: Tx, steps: Sequence[Placed], book: Reading) -> Item:
    touched = [_touched(step, book) for step, _ in steps]
    given = frozenset().union(*(g for g, _ in touched))
    taken = frozenset().union(*(t for _, t in touched))
    seq = None if tx.index is None else (tx.index,)
    key = (-1 if tx.height is None else tx.height, -1 if seq is None else seq[0])
    certain = any(isinstance(step.flow, Spent) for step, _ in steps)
    return Item((*key, tx.chain.key, tx.tx), given, taken, tx.chain.key, tx.height, seq, certain)


def _touched(step: Step, book: Reading) -> tuple[frozenset[Account], frozenset[Account]]:
    """Accounts of followed addresses that it takes from and pays into: of others nobody knows
    what else they did, of sources it does not matter. Outputs count whosever they are."""
    flow = step.flow
    if isinstance(flow, Spent):
        return frozenset(a for a, _ in flow.inputs), frozenset(a for a, _ in flow.outputs)
    given = frozenset({flow.giver}) if _matters(flow.giver, book) else frozenset()
    taken = frozenset({flow.taker}) if _matters(flow.taker, book) else frozenset()
    return given, taken


def _matters(account: Account, book: Reading) -> bool:
    if account.holder == FEES or account in book.sources:
        return False
    return book.owner.get(account, Subject("", "")) in book.tracked
