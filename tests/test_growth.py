"""What a movement costs does not depend on how many come with it: a storm of payments must not
hold the daemon up. Counted in bytecodes, for time means nothing on a busy machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from book import Book, transfer
from play import TOKEN, A, X

from monitor import history
from monitor.decide import decide
from monitor.model import Entry, Kind, Severity, Subject, Transfer
from monitor.plan import Plan
from monitor.questions import Answers
from monitor.store import record, watch

FEW, MANY = 40, 400
GROWTH = 1.3  # of the cost of one movement, from few to many
BLOCK = 105


def address(number: int) -> str:
    return f"0x{number:040x}"


def payments(count: int) -> list[Transfer]:
    """Strangers pay, each by a transaction of their own."""
    return [transfer(BLOCK, tx=f"0xt{n}", sender=address(n)) for n in range(count)]


def sent(count: int) -> list[Transfer]:
    """Everything goes to one receiver: each looks for test payments among those before."""
    return [
        transfer(BLOCK, tx=f"0xt{n}", sender=A, recipient=X, amount=5 + n % 2 * 1000)
        for n in range(count)
    ]


def airdrop(count: int) -> list[Transfer]:
    """One transaction with many rows of a verified token."""
    return [
        transfer(BLOCK, kind=Kind.ERC20, contract=TOKEN, sender=address(n), amount=5 + n)
        for n in range(count)
    ]


def tokens(count: int) -> list[Transfer]:
    """Many tokens, each by a transaction of its own."""
    return [
        transfer(BLOCK, tx=f"0xt{n}", kind=Kind.ERC20, contract=address(n), amount=5)
        for n in range(count)
    ]


def spread(count: int) -> list[Transfer]:
    """One transaction that pays many watched addresses."""
    return [transfer(BLOCK, sender=A, recipient=address(n)) for n in range(count)]


def bytecodes(do: Callable[[], Any]) -> tuple[Any, int]:
    """What a call returns, and how many bytecodes of ours it ran."""
    count = 0

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return do(), count
    finally:
        sys.settrace(before)


def settled(book: Book, moved: Sequence[Transfer]) -> Plan:
    """What the poll makes of one batch: rows, alerts, and their facts."""
    batch = book.batch(*moved, head=BLOCK + 1)
    context = record.context(
        book.store,
        book.chain,
        book.subject,
        [batch],
        record.stream_states(book.store, book.subject, book.now),
        watched=watch.watch(book.store).get("ethereum", {}),
        assets={},
        lags={},
        now=book.now,
    )
    plan = decide(context, [batch])
    return replace(plan, alerts=history.with_facts(book.store, context, plan, Answers()))


def cost(folder: Path, moved: list[Transfer], severity: Severity) -> float:
    """Bytecodes for each of these movements."""
    folder.mkdir()
    book = Book(folder)
    book.watch(severity=severity)
    receivers = {t.recipient for t in moved} - {A, X, None}
    others = [Entry(f"R{to}", Subject("ethereum", to)) for to in receivers if to]
    watch.take_list(book.store, [*book.entries, *others], (), "list", {}, book.now)
    book.read(head=100)
    plan, count = bytecodes(lambda: settled(book, moved))
    book.store.close()
    assert len(plan.new) == len(moved)
    return count / len(moved)


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.SEVERE])
@pytest.mark.parametrize("shape", [payments, sent, airdrop, tokens, spread])
def test_a_movement_costs_the_same_among_many(
    tmp_path: Path, shape: Callable[[int], list[Transfer]], severity: Severity
) -> None:
    """Deciding on a row and finding its facts is no dearer in a plan ten times as long."""
    few, many = (cost(tmp_path / str(n), shape(n), severity) for n in (FEW, MANY))
    assert many < few * GROWTH
