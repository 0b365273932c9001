"""What happened in a case, out of the log: newest first, in words, with what it links to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.messages import render
from monitor.messages.loglines import said
from monitor.model import AlertView
from monitor.model.acts import ActorKind, Body
from monitor.model.plain import tidy
from monitor.store import desk_cases, logbook, written
from monitor.store.written import Erasure
from monitor.web.desk import gone, shown
from monitor.web.desk.ask import Ask

PAGE = 25
SCANNED = 1000  # rows of the log that are looked through for a page
NAMED = 5  # alerts of one row that are named
KINDS = {"": "Alerts and people", "people": "People", "all": "Everything"}
# What the program notes for itself.
_BOOKKEEPING = frozenset(
    {"rows", "baselines", "told", "covered", "followed", "unfollowed"}
    | {"trace facts", "trace state"}
)


@dataclass(frozen=True, slots=True)
class Event:
    """A line of what happened. `at` 0: not known."""

    number: int
    at: int
    who: str
    words: str
    links: tuple[tuple[str, str], ...] = ()  # address and words


@dataclass(frozen=True, slots=True)
class Happened:
    events: tuple[Event, ...]
    older: int  # the number before which the next page begins; 0: there is none


def happened(ask: Ask, case: str, kind: str, before: int) -> Happened:
    """A page of it. `kind`: a key of KINDS; `before`: a number of the log."""
    found: list[tuple[int, logbook.Told]] = []
    left = SCANNED
    while len(found) <= PAGE and left > 0:
        numbers = desk_cases.happened(ask.store, case, before, min(left, 4 * PAGE))
        if not numbers:
            before = 0
            break
        left -= len(numbers)
        before = numbers[-1]
        rows = logbook.numbered(ask.store, numbers)
        hidden = _mixed(ask, numbers, case)
        found += [
            (number, rows[number])
            for number in numbers
            if number in rows and number not in hidden and _wanted(rows[number].told, kind)
        ]
    shown_now = found[:PAGE]
    older = shown_now[-1][0] if len(found) > PAGE else before
    views = _views(ask, [told.told for _, told in shown_now])
    erased = written.erasures(ask.store, [number for number, told in shown_now if not told.told])
    events = tuple(
        _gone(number, told, erased.get(number))
        if told.told is None
        else _event(ask, number, told.told, views)
        for number, told in shown_now
    )
    return Happened(events, older)


def _mixed(ask: Ask, numbers: Sequence[int], case: str) -> frozenset[int]:
    """What a row says of several cases at once is for who may see all of them."""
    if ask.sight.cases is None:
        return frozenset()
    return frozenset(desk_cases.others(ask.store, numbers, case))


def _wanted(told: Body | None, kind: str) -> bool:
    if kind == "all" or told is None:
        return True
    try:
        by_person = told["actor"]["kind"] != ActorKind.DAEMON
        return bool(by_person or (kind == "" and told["what"] not in _BOOKKEEPING))
    except (LookupError, TypeError):
        return True


def _alerts_of(told: Body | None) -> list[str]:
    if told is None or told.get("what") != "alerts":
        return []
    return [str(each[0]) for each in told["body"]["alerts"]]


def _views(ask: Ask, rows: Sequence[Body | None]) -> Mapping[str, AlertView]:
    wanted = [alert for told in rows for alert in _alerts_of(told)[:NAMED]]
    return {view.alert.id: view for view in ask.views.alerts(wanted, brief=True)}


def _gone(number: int, row: logbook.Told, how: Erasure | None) -> Event:
    if row.erased_by is None:
        return Event(number, 0, "", "cannot be understood: `fundwatch verify` says what differs")
    return Event(number, 0, "", f"what stood here was {gone.said(how)}")


def _request(told: Body) -> tuple[tuple[str, str], ...]:
    """The page of a request that a row tells of."""
    key = {"request": "id", "request step": "request"}.get(told["what"])
    name = str(told["body"][key]) if key else ""
    return ((f"/request/{name}", name),) if name else ()


def _event(ask: Ask, number: int, told: Body, views: Mapping[str, AlertView]) -> Event:
    try:
        who, at = tidy(told["actor"]["name"], 80), int(told["at"])
        alerts = _alerts_of(told)
        telling = shown.telling(ask)
        links = tuple(
            (f"/alert/{each}", render.headline(views[each], telling))
            for each in alerts[:NAMED]
            if each in views
        )
        if not links:
            return Event(number, at, who, said(told), _request(told))
        more = len(alerts) - len(links)
        return Event(number, at, who, f"and {more:,} more alerts" if more else "", links)
    except (LookupError, TypeError, ValueError, AttributeError):
        return Event(number, 0, "", "cannot be understood: `fundwatch verify` says what differs")
