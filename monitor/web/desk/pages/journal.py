"""Who did what: the log of the record, and what happened at the desk. For auditors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from werkzeug import Response

from monitor.messages import loglines
from monitor.model.desk import Right
from monitor.model.plain import tidy
from monitor.store import cases, desk, desk_journal, deskfile, logbook, written
from monitor.store.logbook import Told
from monitor.store.written import Erasure
from monitor.web.desk import gone
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import guard_of

DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Line:
    """What one row says, in plain words."""

    number: int
    at: int | None
    who: str
    how: str  # how far it is proven who that was
    what: str
    cases: tuple[str, ...]
    hash: str = ""


def journal(ask: Ask) -> Response:
    asked = {key: tidy(ask.request.args.get(key, ""), 100) for key in ("name", "case", "day")}
    of_desk = ask.request.args.get("of") == "desk"
    before = ask.request.args.get("before", "")
    number = int(before) if re.fullmatch(r"[0-9]{1,15}", before) else 0
    span = _span(asked["day"])
    lines, more, whole = (_desk if of_desk else _record)(ask, asked, span, number)
    kept = {key: value for key, value in asked.items() if value}
    of = {"of": "desk"} if of_desk else {}
    return ask.page(
        *("journal.html.j2", "Journal", "journal"), lines=lines, asked=asked, of_desk=of_desk,
        numbered=not of_desk or ask.signed.may(Right.REPORTS),
        whole=whole, wrong_day=bool(asked["day"]) and span is None, first=not number,
        more=f"/journal?{urlencode({**of, **kept, 'before': more})}" if more else "",
        newest=f"/journal?{urlencode({**of, **kept})}",
        tabs=[f"/journal?{urlencode({**kept, **each})}" for each in ({}, {"of": "desk"})],
        people=[each.name for each in desk.people(ask.store)], every=cases.known(ask.store),
    )  # fmt: skip


def _span(day: str) -> tuple[int, int] | None:
    """A day of UTC; None for what is none."""
    try:
        begun = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(begun.timestamp()), int(begun.timestamp()) + DAY


def _record(
    ask: Ask, asked: Mapping[str, str], span: tuple[int, int] | None, before: int
) -> tuple[list[Line], int, bool]:
    return of_record(ask, asked["name"], asked["case"], before, span)


def of_record(
    ask: Ask, name: str, case: str, before: int, span: tuple[int, int] | None = None
) -> tuple[list[Line], int, bool]:
    """A part of the log of the record, the newest first; before which number it goes on (0: it is
    at its end); whether it was looked through as far as that takes."""
    leaf = desk_journal.leaf(ask.store, before=before, name=name, case=case, span=span)
    about = logbook.cases_of(ask.store, [each.number for each in leaf.rows])
    how = written.erasures(ask.store, [each.number for each in leaf.rows if each.erased_by])
    lines = [
        _line(each, tuple(sorted(about[each.number])), how.get(each.number)) for each in leaf.rows
    ]
    return lines, leaf.next, leaf.whole


def _line(row: Told, about: tuple[str, ...], erased: Erasure | None) -> Line:
    shown = row.hash[: loglines.SHOWN_HASH]
    if row.erased_by is not None:
        what = f"What stood here was {gone.said(erased)}: see number {row.erased_by}."
        return Line(row.number, None, "", "", what, about, shown)
    told = row.told or {}
    try:
        actor = told["actor"]
        who, how = tidy(str(actor["name"]), 80), tidy(str(actor["authority"]), 400)
        return Line(row.number, told["at"], who, how, loglines.said(told), about, shown)
    except (LookupError, TypeError, ValueError, AttributeError):
        what = "Cannot be understood: `fundwatch verify` says what differs."
        return Line(row.number, None, "", "", what, about, shown)


def _desk(
    ask: Ask, asked: Mapping[str, str], span: tuple[int, int] | None, before: int
) -> tuple[list[Line], int, bool]:
    rows = deskfile.told(
        guard_of(ask).file, restricted=ask.signed.may(Right.REPORTS), before=before,
        name=asked["name"], case=asked["case"], span=span,
    )  # fmt: skip
    lines = [
        Line(each.seq, each.at, each.name or "nobody known", "", _said(each),
             (each.case,) if each.case else ())
        for each in rows
    ]  # fmt: skip
    return lines, rows[-1].seq if len(rows) == deskfile.PAGE and rows[-1].seq > 1 else 0, True


_WORDS: Mapping[str, str] = {
    "for": "for {}", "of": "of {}", "how": "with {}", "from": "from {}", "why": "{}",
    "what": "{}", "said": "{}", "title": '"{}"', "number": "{} of them", "rule": "{}",
    "due": "last day {}",
}  # fmt: skip


def _said(row: deskfile.Told) -> str:
    parts = [
        _WORDS[key].format(tidy(str(row.body[key]), 300)) for key in _WORDS if row.body.get(key)
    ]
    return ", ".join([row.act[:1].upper() + row.act[1:], *parts])
