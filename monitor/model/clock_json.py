"""A step of a clock as JSON, in the form that the record keeps."""

from __future__ import annotations

from monitor.model.facts import ClockDue, Facts
from monitor.model.members import Members

_TEXTS = ("clock", "case", "title", "step", "due", "zone", "counted", "source", "by")


def clock_object(facts: ClockDue) -> dict[str, object]:
    return {name: getattr(facts, name) for name in _TEXTS} | {"started": facts.started}


def read_clock(read: Members) -> Facts:
    told = read.inner("clock_due")
    if told is None:
        return ClockDue(read_at=read.whole("read_at"))
    return ClockDue(
        read_at=read.whole("read_at"),
        clock=told.text("clock"),
        case=told.text("case"),
        title=told.text("title"),
        step=told.text("step"),
        due=told.text("due"),
        zone=told.text("zone"),
        counted=told.text("counted"),
        source=told.text("source"),
        by=told.text("by"),
        started=told.whole("started"),
    )
