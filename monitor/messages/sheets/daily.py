"""The daily message: what moved, what stayed quiet and why, what was checked, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.messages.objects import alert_csv_rows
from monitor.messages.sheets import about, listed, to_do
from monitor.messages.sheets.many import attached, quiet_items, told
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Sheet,
    Telling,
    case_part,
    section,
    sections,
    topic,
    worst,
)
from monitor.messages.sheets.sums import totals
from monitor.model import AlertKind, AlertView, Lane, Severity
from monitor.model.plain import case_said, plural, tidy, utc, when

_CUT = " These are not all: see NOT SHOWN."
LOG = "LOG"  # the remark that every reader gets: how the log of acts ends
LISTED = 50  # alerts of one case that are listed singly
_STATES = {"open": "NOT ACKNOWLEDGED", "acknowledged": "acknowledged", "closed": "closed"}


def daily_sheet(
    views: Sequence[AlertView],
    telling: Telling,
    since: int,
    until: int,
    remarks: Mapping[str, Sequence[str]],
) -> Sheet:
    """The alerts of a day by case, and the remarks of the caller by heading."""
    cases = sorted({view.entry.case for view in views if view.entry})
    news = [v for v in views if v.alert.lane is Lane.NEWS and v.alert.kind is not AlertKind.NOTICE]
    quiet = [view for view in views if view.alert.lane is Lane.QUIET]
    notices = [view for view in views if view.alert.kind is AlertKind.NOTICE]
    table = "".join(alert_csv_rows(views, telling.among(cases))) if views else ""
    counted = f"{plural(len(news), 'alert')}, {len(quiet):,} quiet"
    return Sheet(
        banner="DAILY",
        severity=worst(views) if views else Severity.LOW,
        topic=topic(counted, utc(until)[:10], telling.message_id),
        headline=_headline(news, quiet) + (_CUT if "NOT SHOWN" in remarks else ""),
        lead=(
            f"From {when(since, telling.timezone)} to {when(until, telling.timezone)}.",
            *listed.late(views, telling.now),
        ),
        sections=sections(
            *(s for case in cases for s in _case_sections(case, news, telling)),
            section("QUIET", *_quiet(quiet)),
            *(section(tidy(name, 40), *map(_remark, said)) for name, said in remarks.items()),
            section("ABOUT FUNDWATCH", *(told(view, telling) for view in notices[:LISTED])),
            attached(telling, table, views) if views else None,
        ),
        footer=about.INTERNAL,
        table=table,
    )


def _headline(news: Sequence[AlertView], quiet: Sequence[AlertView]) -> str:
    if news:
        cases = len({view.entry.case for view in news if view.entry})
        return f"{plural(len(news), 'alert')} in {plural(cases, 'case')}; {len(quiet):,} quiet."
    return f"No alerts; {len(quiet):,} quiet." if quiet else "No alerts, nothing quiet."


def _case_sections(case: str, news: Sequence[AlertView], telling: Telling) -> list[Section | None]:
    mine = [view for view in news if view.entry and view.entry.case == case]
    summed = totals(mine)
    items = [_item(view, telling) for view in mine[:LISTED]]
    rest = len(mine) - LISTED
    more = Item(f"{rest:,} more in the attached file.", style="warn") if rest > 0 else None
    name = case_part(case).upper() or "NO CASE"
    head = summed.items if summed else ()
    return [section(name, *head, *items, more)]


def _item(view: AlertView, telling: Telling) -> Item:
    state = _STATES.get(view.state, view.state) if to_do.to_acknowledge(view) else ""
    return told(view, telling, view.alert.severity.value, state)


def _quiet(views: Sequence[AlertView]) -> list[Item]:
    """Why nobody was told at once, and for which cases."""
    cases = Counter(view.entry.case or "no case" for view in views if view.entry)
    where = ", ".join(f"{case_said(case)} {count:,}" for case, count in cases.most_common(20))
    return [*quiet_items(views), *([Item(f"By case: {where}.", style="note")] if where else [])]


def _remark(text: str) -> Item:
    return Item(tidy(text, 1000))
