"""The desk of world/deskbook.py, whose case C has the trace by hand of trace_values.py."""

from __future__ import annotations

from dataclasses import replace

import trace_values as story
from world.book import Book

from monitor.model import Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import TakeTrace
from monitor.model.trace import Beside, OnChain, Trace
from monitor.store.commit import commit

HUB = Subject("ethereum", story.HUB)
EXCHANGE = Subject("ethereum", story.EXCHANGE)
PLACE = (HUB, story.USDT.contract)
BALANCE = OnChain(HUB, story.USDT.contract, 90 * 10**9, story.START + 90_000, 18_000_100, "alpha")
ISSUERS = (("ethereum", story.USDT.contract, "Tether"),)


def of_case(desk: str = "authority", case: str = "C", **more: object) -> Trace:
    beside = Beside(desk=desk, balances=(BALANCE,), issuers=ISSUERS)
    return story.trace(**{"case": case, "beside": beside, **more})


def take(book: Book, at: int, trace: Trace | None = None) -> None:
    told = trace or of_case()
    commit(book.store, DAEMON, TakeTrace(at, told.case, told))


def less(trace: Trace, units: int) -> Trace:
    """The chain has so little at the hub."""
    assert trace.beside is not None
    balances = (replace(BALANCE, amount=units),)
    return replace(trace, beside=replace(trace.beside, balances=balances))
