"""A day of reading, chain by chain, as the page of health shows it."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.loops.health import hours
from monitor.loops.health.hours import LEAST_LOOKS, LOOK_EVERY, SLOT, SLOTS, Slot
from monitor.model.plain import count
from monitor.picture import strip
from monitor.picture.strip import Cell, Run
from monitor.store import watch
from monitor.web.desk.ask import Ask


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which it stood the same. Unix seconds."""

    since: int
    until: int
    said: str


@dataclass(frozen=True, slots=True)
class Day:
    """`spans`: the same in words; the newest first."""

    chain: str
    svg: str  # it escapes what it holds itself
    spans: tuple[Span, ...]


def days(ask: Ask) -> list[Day]:
    """Of every chain on which something is watched. It counts the entries of all cases: only for
    who may know how many there are."""
    return [_day(ask, chain) for chain in watch.active_chains(ask.store)]


def _day(ask: Ask, chain: str) -> Day:
    known = ask.settings.chains.get(chain)
    name = known.name if known else chain
    first = ask.now - ask.now % SLOT - (SLOTS - 1) * SLOT
    found = hours.last_day(ask.store, chain, ask.now)
    every = [first + n * SLOT for n in range(SLOTS)]
    cells = [_cell(found.get(at), ask.now) for at in every]
    spans = [
        Span(
            every[run.first],
            min(ask.now, every[run.first] + run.number * SLOT),
            _said(run, ask.now - every[run.first]),
        )
        for run in strip.runs(cells)
    ]
    title = f"{name}: how much was read in the last 24 hours; the table says the same"
    return Day(name, strip.svg(title, first, SLOT, cells), tuple(reversed(spans)))


def _said(run: Run, age: int) -> str:
    """`age`: seconds since it began."""
    if run.cell is not None:
        return run.cell.said
    if age < LOOK_EVERY:
        return "nobody has looked yet in this quarter of an hour"
    return "not known: Fundwatch did not run, or noted nothing"


def _cell(slot: Slot | None, now: int) -> Cell | None:
    if slot is None or not slot.entries:
        return None
    part = slot.looks < LEAST_LOOKS and slot.at + SLOT <= now
    more = "; Fundwatch ran for a part of it only" if part else ""
    read = slot.entries - slot.unread
    behind = slot.unread - slot.blind
    said = f"{read:,} of {count(slot.entries, 'entry', 'entries')} read"
    said += f", {slot.blind:,} blind" if slot.blind else ""
    said += f", {behind:,} behind" if behind else ""
    return Cell(read / slot.entries, slot.blind / slot.entries, said + more)
