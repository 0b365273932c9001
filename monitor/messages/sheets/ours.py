"""That a movement touches addresses of our own, which are shown by their labels only (see
store/veil.py)."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.messages.sheets import held
from monitor.messages.sheets.parts import Item, Section, name_said, section
from monitor.model import AlertView
from monitor.model.facts import BESIDE_US, FROM_US, TO_US, Touched
from monitor.model.plain import tidy

SHOUT = "TOUCHES US"
_MOST = 20
_WAYS = {TO_US: "paid by the other side", FROM_US: "paid the other side",
         BESIDE_US: "spends in the same transaction"}  # fmt: skip


def shout(view: AlertView, said: str) -> str:
    """A headline or a subject, which begins with that, and before it with held funds that moved."""
    return shout_of([view], said)


def shout_of(views: Iterable[AlertView], said: str) -> str:
    """The same of several alerts: one is enough."""
    told = list(views)
    touched = any(view.alert.facts.ours for view in told)
    return held.shout_of(told, f"{SHOUT}: {said}" if touched else said)


def ours_section(view: AlertView) -> Section | None:
    """Which of our own, by which list, as it was when that was decided."""
    found = dict.fromkeys(map(_said, view.alert.facts.ours))
    rest = len(found) - _MOST
    more = Item(f"{rest:,} more.", style="note") if rest > 0 else None
    return section(SHOUT, *list(found)[:_MOST], more)


def ways_said(each: Touched) -> str:
    """ "Payroll account: paid the other side"."""
    return f"{name_said(each.label, 80)}: {_WAYS.get(each.way, tidy(each.way, 40))}"


def _said(each: Touched) -> Item:
    return Item(ways_said(each), style="warn", note=f"our list {each.list}")
