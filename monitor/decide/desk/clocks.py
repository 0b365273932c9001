"""Clocks of the law: until when, by which calendar, and when a step of one is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.model.desk import ClockRule
from monitor.model.desk_work import Clock

SOON = 3  # days before the last one on which it is told
STEPS = ("soon", "due", "over")
NO_ADVICE = "not legal advice"


def due(rule: ClockRule, started: int) -> date:
    """The last day, in the rule's zone. The day on which it is started is not counted. `started`:
    Unix seconds."""
    day = datetime.fromtimestamp(started, ZoneInfo(rule.zone)).date()
    if not rule.business:
        return day + timedelta(days=rule.days)
    left = rule.days
    off = _holidays(rule, day)
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in off
    return day


def _holidays(rule: ClockRule, day: date) -> frozenset[date]:
    """Those of its calendar, from a day on for as long as it can run."""
    if not rule.calendar:
        return frozenset()
    import holidays  # noqa: PLC0415 - loads slowly

    years = range(day.year, day.year + 2 + rule.days // 200)
    return frozenset(holidays.country_holidays(rule.calendar, years=years))


def calendar(rule: ClockRule) -> str:
    """Which days are not counted, and by whom: "weekends and US federal holidays, holidays
    0.109"."""
    if not rule.business:
        return ""
    if not rule.calendar:
        return "weekends"
    from holidays.version import __version__  # noqa: PLC0415 - loads slowly

    name = "US federal holidays" if rule.calendar == "US" else f"holidays of {rule.calendar}"
    return f"weekends and {name}, holidays {__version__}"


def terms(rule: ClockRule) -> dict[str, object]:
    """The rule as it stands, with the calendar that is used: what is kept with a clock."""
    return {
        **{"title": rule.title, "days": rule.days, "business_days": rule.business},
        **{"calendar": rule.calendar, "zone": rule.zone, "source": rule.source},
        "not_counted": calendar(rule),
    }


def said(kept: Mapping[str, object]) -> str:
    """ "10 business days (weekends and US federal holidays, holidays 0.109) - not legal advice"."""
    business, off = kept.get("business_days"), kept.get("not_counted")
    number = kept.get("days")
    days = f"{'business ' if business else ''}day{'' if number == 1 else 's'}"
    return f"{number} {days}{f' ({off})' if off else ''} - {NO_ADVICE}"


def left(due: str, kept: Mapping[str, object], now: int) -> int:
    """Whole days until the last day of a clock with these terms, by its own zone; below zero once
    it is over. `now`: Unix seconds."""
    zone = str(kept.get("zone") or "UTC")
    today = datetime.fromtimestamp(now, ZoneInfo(zone) if zone != "UTC" else UTC).date()
    return (date.fromisoformat(due) - today).days


def step(clock: Clock, now: int) -> str:
    """Which step of a clock it is time for: three days before, on the day, and when it is over, by
    its own zone; empty: none. `now`: Unix seconds."""
    if clock.state != "running":
        return ""
    days = left(clock.due, clock.terms, now)
    if days > SOON:
        return ""
    return "over" if days < 0 else "due" if days == 0 else "soon"


def untold(clock: Clock, now: int) -> str:
    """The step that is to be told now; empty: none, or it was told. A step that was missed while
    nothing ran is not told after a later one."""
    found = step(clock, now)
    if not found:
        return ""
    told = STEPS.index(clock.told) if clock.told in STEPS else -1
    return found if STEPS.index(found) > told else ""
