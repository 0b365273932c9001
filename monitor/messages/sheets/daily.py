"""The daily message: what moved, what stayed quiet and why, what was checked, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.messages.sheets import about, listed, to_do
from monitor.messages.sheets.many import quiet_items, told
from monitor.messages.sheets.ours import SHOUT, shout_of
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
from monitor.messages.sheets.traced import day_line
from monitor.messages.spreadsheet import alert_csv_rows
from monitor.model import AlertKind, AlertView, Lane, Severity
from monitor.model.facts import of_kind
from monitor.model.plain import case_said, plural, tidy, utc, when
from monitor.model.traced import Traced, Turn

_CUT = " These are not all: see NOT SHOWN."
UNSEEN = "NOT SEEN"  # the remark that stands before all: what was not read
LOG = "LOG"  # the remark that every reader gets: how the log of acts ends
# How many of a kind (cases, alerts of a case, remarks) are told singly: the first of these with
# which the mail is short enough. What is left out is counted, and stands in the attached file.
ROOM = (50, 20, 10, 6, 4, 3, 2, 1)
# Where the rest of a section is seen.
_REST = {
    "OPEN": "fundwatch alerts list --state open",
    "RETENTION": "fundwatch cases list",
    "HELD FUNDS": "fundwatch status",
}
_STATES = {"open": "NOT ACKNOWLEDGED", "acknowledged": "acknowledged", "closed": "closed"}


def daily_sheet(
    views: Sequence[AlertView],
    telling: Telling,
    since: int,
    until: int,
    remarks: Mapping[str, Sequence[str]],
    is_short: Callable[[Sheet], bool] = lambda _sheet: True,
) -> Sheet:
    """The alerts of a day by case, and the remarks of the caller by heading."""
    cases = sorted({view.entry.case for view in views if view.entry})
    table = "".join(alert_csv_rows(views, telling.among(cases))) if views else ""
    shortest = _sheet(views, telling, since, until, remarks, table, ROOM[-1])
    made = (_sheet(views, telling, since, until, remarks, table, room) for room in ROOM[:-1])
    return next((sheet for sheet in made if is_short(sheet)), shortest)


def _sheet(
    views: Sequence[AlertView],
    telling: Telling,
    since: int,
    until: int,
    remarks: Mapping[str, Sequence[str]],
    table: str,
    room: int,
) -> Sheet:
    news = [v for v in views if v.alert.lane is Lane.NEWS and v.alert.kind is not AlertKind.NOTICE]
    quiet = [view for view in views if view.alert.lane is Lane.QUIET]
    notices = [view for view in views if view.alert.kind is AlertKind.NOTICE]
    touching = [view for view in notices if view.alert.facts.ours]  # no entry tells of it
    counted = f"{plural(len(news) + len(touching), 'alert')}, {len(quiet):,} quiet"
    return Sheet(
        banner="DAILY",
        severity=worst(views) if views else Severity.LOW,
        topic=topic(shout_of(views, counted), utc(until)[:10], telling.message_id),
        headline=shout_of(views, _headline(news, touching, quiet))
        + (_CUT if "NOT SHOWN" in remarks else ""),
        lead=(
            f"From {when(since, telling.timezone)} to {when(until, telling.timezone)}.",
            *remarks.get(UNSEEN, ()),
            *listed.late(views, telling.now),
        ),
        sections=sections(
            section(SHOUT, *_singly(touching, telling, room, style="warn")),
            *_cases(news, telling, room),
            section("QUIET", *_quiet(quiet, room)),
            *(
                section(tidy(name, 40), *_remarks(name, said, room))
                for name, said in remarks.items()
                if name != UNSEEN
            ),
            section(
                "ABOUT FUNDWATCH",
                *_singly([v for v in notices if v not in touching], telling, room),
            ),
            about.attached(telling, table, views) if views else None,
        ),
        footer=about.INTERNAL,
        table=table,
    )


def _cases(news: Sequence[AlertView], telling: Telling, room: int) -> Iterator[Section | None]:
    """By name; of too many those with the gravest and the most alerts."""
    found: dict[str, list[AlertView]] = {}
    for view in news:
        if view.entry:
            found.setdefault(view.entry.case, []).append(view)
    grave = list(Severity)
    first = sorted(found, key=lambda c: (grave.index(worst(found[c])), -len(found[c]), c))[:room]
    for case in sorted(first):
        yield _case_section(case, found[case], telling, room)
    left = [view for case, mine in found.items() if case not in first for view in mine]
    if left:
        said = f"{plural(len(left), 'alert')} in {plural(len(found) - len(first), 'case')}"
        yield section("OTHER CASES", Item(f"{said}, in the attached file.", style="warn"))


def _headline(
    news: Sequence[AlertView], touching: Sequence[AlertView], quiet: Sequence[AlertView]
) -> str:
    if news or touching:
        cases = len({view.entry.case for view in news if view.entry})
        where = f" in {plural(cases, 'case')}" if news else ""
        return f"{plural(len(news) + len(touching), 'alert')}{where}; {len(quiet):,} quiet."
    return f"No alerts; {len(quiet):,} quiet." if quiet else "No alerts, nothing quiet."


def _case_section(
    case: str, mine: Sequence[AlertView], telling: Telling, room: int
) -> Section | None:
    summed = totals(mine)
    followed = [view for view in mine if _is_followed(view)]
    singly = [view for view in mine if not _is_followed(view)]
    items = [*_followed(followed), *(_item(view, telling) for view in singly[:room])]
    rest = len(singly) - room
    more = Item(f"{rest:,} more in the attached file.", style="warn") if rest > 0 else None
    name = case_part(case).upper() or "NO CASE"
    head = summed.items if summed else ()
    return section(name, *head, *items, more)


def _is_followed(view: AlertView) -> bool:
    fact = view.alert.facts
    return isinstance(fact, Traced) and fact.turn in (Turn.MOVED, Turn.REACHED)


def _followed(views: Sequence[AlertView]) -> list[Item]:
    """What followed money did, in a line for all of it."""
    if not views:
        return []
    facts = [of_kind(view.alert.facts, Traced) for view in views]
    ids = [view.alert.id for view in views]
    more = f" and {len(ids) - 3:,} more" if len(ids) > 3 else ""
    return [Item(day_line(facts), style="row", note=f"{', '.join(ids[:3])}{more}")]


def _item(view: AlertView, telling: Telling) -> Item:
    state = _STATES.get(view.state, view.state) if to_do.to_acknowledge(view) else ""
    return told(view, telling, view.alert.severity.value, state)


def _quiet(views: Sequence[AlertView], room: int) -> list[Item]:
    """Why nobody was told at once, and for which cases."""
    cases = Counter(view.entry.case or "no case" for view in views if view.entry)
    first = cases.most_common(min(20, room))
    where = ", ".join(f"{case_said(case)} {count:,}" for case, count in first)
    rest = f" and {len(cases) - len(first):,} more" if len(cases) > len(first) else ""
    items = quiet_items(views)
    left = (
        [Item(f"And for {plural(len(items) - room, 'other reason')}.", style="note")]
        if len(items) > room
        else []
    )
    said = [Item(f"By case: {where}{rest}.", style="note")] if where else []
    return [*items[:room], *left, *said]


def _remarks(name: str, said: Sequence[str], room: int) -> Iterator[Item]:
    most = len(said) if name == LOG else room
    longest = 1000 if name == LOG or room == ROOM[0] else 300 if room > 2 else 200
    for text in said[:most]:
        yield Item(tidy(text, longest))
    if len(said) > most:
        see = _REST.get(name, "fundwatch status")
        yield Item(f"And {len(said) - most:,} more: `{see}`.", style="note")


def _singly(
    notices: Sequence[AlertView], telling: Telling, room: int, style: str = ""
) -> Iterator[Item]:
    for view in notices[:room]:
        item = told(view, telling)
        yield replace(item, style=style or item.style)
    if len(notices) > room:
        left = len(notices) - room
        yield Item(f"And {left:,} more: `fundwatch alerts list`.", style="note")
