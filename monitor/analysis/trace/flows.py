"""The movements of a case as attribution takes them: what sources and followed addresses moved,
in one order. Pure.

The result depends on the rows alone, not on the order in which they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from monitor.analysis.trace.account import Placed
from monitor.analysis.trace.again import Again
from monitor.analysis.trace.bridged import bridged
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.order import Item, both_ways
from monitor.analysis.trace.reading import Reading, Tx
from monitor.analysis.trace.steps import Flows, Step
from monitor.model.flow import Account, Spent


def flows_of(known: Known, again: Again | None = None) -> Flows:
    """All steps of the sources and the followed addresses, in order. `again`: what transactions
    of this case came to before, which makes it quicker and nothing else."""
    book = Reading(known)
    read: list[tuple[Tx, list[Placed]]] = []
    unclear: list[Step] = []
    for tx, came in (again or Again()).read(known, book):
        read.append((tx, came.placed))
        unclear += came.unclear
    read, sent, leads = bridged(read, book)
    wide, narrow = _ordered(read, book)
    return Flows(
        steps=tuple(wide),
        other=None if narrow is None else tuple(narrow),
        sources=dict(sorted(book.sources.items())),
        owner=dict(sorted(book.owner.items())),
        mixed=frozenset(book.mixed),
        sent=sent,
        leads=leads,
        unclear=tuple(unclear),
        ignored=dict(sorted(book.ignored.items())),
    )


def _ordered(
    read: Sequence[tuple[Tx, list[Placed]]], book: Reading
) -> tuple[list[Step], list[Step] | None]:
    """All steps, deposits first where a moment has no order, and withdrawals first; the second is
    None where that is the same."""
    wide: list[Step] = []
    narrow: list[Step] = []
    for _, group in groupby(read, key=lambda each: each[0].moment):
        moment = [(tx, steps) for tx, steps in group if steps]
        inside = [_inside(steps, book) for _, steps in moment]
        first, second = [0], [0]
        if len(moment) > 1:
            first, second = both_ways([_whole_item(tx, steps, book) for tx, steps in moment])
        for n in first if moment else ():
            wide += inside[n][0]
        for n in second if moment else ():
            narrow += inside[n][1]
    return wide, None if narrow == wide else narrow


def _inside(steps: Sequence[Placed], book: Reading) -> tuple[list[Step], list[Step]]:
    """The steps of a transaction in both orders."""
    if len(steps) == 1:
        only = [steps[0][0]]
        return only, only
    items = []
    for step, (level, seq) in steps:
        given, taken = _touched(step, book)
        first = seq[0] if seq else -1
        items.append(Item((level, first, step.leg, step.flow.id), given, taken, "", level, seq))
    wide, narrow = both_ways(items)
    return [steps[n][0] for n in wide], [steps[n][0] for n in narrow]


def _whole_item(tx: Tx, steps: Sequence[Placed], book: Reading) -> Item:
    given: set[Account] = set()
    taken: set[Account] = set()
    for step, _ in steps:
        gives, takes = _touched(step, book)
        given |= gives
        taken |= takes
    seq = None if tx.index is None else (tx.index,)
    key = (-1 if tx.height is None else tx.height, -1 if seq is None else seq[0])
    return Item(
        (*key, tx.chain.key, tx.tx),
        frozenset(given),
        frozenset(taken),
        tx.chain.key,
        tx.height,
        seq,
        certain=isinstance(steps[0][0].flow, Spent),
    )


_NONE: frozenset[Account] = frozenset()


def _touched(step: Step, book: Reading) -> tuple[frozenset[Account], frozenset[Account]]:
    """Accounts of followed addresses that it takes from and pays into: of others nobody knows
    what else they did, of sources it does not matter. Outputs count whosever they are."""
    flow = step.flow
    if isinstance(flow, Spent):
        return frozenset(a for a, _ in flow.inputs), frozenset(a for a, _ in flow.outputs)
    given = frozenset({flow.giver}) if flow.giver in book.followed else _NONE
    taken = frozenset({flow.taker}) if flow.taker in book.followed else _NONE
    return given, taken
