"""Notices as JSON, in the form that the record keeps: see facts_json.py."""

from __future__ import annotations

from monitor.model.facts import Facts, IncidentNotice, Notice, Report
from monitor.model.members import Members


def notice_object(facts: Notice) -> dict[str, object]:
    said: dict[str, object] = {"topic": facts.topic, "lines": list(facts.lines)}
    said |= {"report": _report(facts.report)} if facts.report else {}
    return said | ({"incident": _incident(facts.incident)} if facts.incident else {})


def _report(told: Report) -> dict[str, object]:
    return {
        "sections": [{"name": name, "lines": list(lines)} for name, lines in told.sections],
        "table": [{"cells": list(row)} for row in told.table],
        "above": told.above,
        "file": told.file,
    }


def _incident(told: IncidentNotice) -> dict[str, object]:
    return {
        "key": told.key,
        "what": told.what,
        "since": told.since,
        "closed": told.closed,
        "duration": told.duration,
        "who": list(told.who),
        "cure": told.cure,
        "reminder": told.reminder,
    }


def read_notice(read: Members) -> Facts:
    incident = read.inner("incident")
    return Notice(
        incident=_read_incident(incident) if incident else None,
        topic=read.text("topic"),
        lines=read.texts("lines"),
        report=_read_report(report) if (report := read.inner("report")) else None,
    )


def _read_report(read: Members) -> Report:
    return Report(
        sections=tuple((s.text("name"), s.texts("lines")) for s in read.inner_list("sections")),
        table=tuple(row.texts("cells") for row in read.inner_list("table")),
        above=read.number("above"),
        file=read.text("file"),
    )


def _read_incident(read: Members) -> IncidentNotice:
    return IncidentNotice(
        key=read.text("key"),
        what=read.text("what"),
        since=read.number("since"),
        closed=read.whole("closed"),
        duration=read.whole("duration"),
        who=read.texts("who"),
        cure=read.text("cure"),
        reminder=read.flag("reminder") or False,
    )
