"""Following the money of a case, as pages of alerts, addresses and cases show and ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.loops.desk import following
from monitor.messages import render
from monitor.model import AlertKind, AlertView
from monitor.model.dates import EARLIEST, since_time, utc_day
from monitor.model.desk import Right
from monitor.model.desk_work import Proposal, Standing
from monitor.model.watch import Watched
from monitor.store import desk as people
from monitor.store import desk_trace
from monitor.store.desk_trace import Followed
from monitor.watchlist.follow_edit import FIRST
from monitor.web.desk import shown
from monitor.web.desk.ask import Ask
from monitor.web.desk.words import Wrong

DONE_SOON = "The program does it within a minute, once it runs."
# Alerts that say of a payment that it left: it can be followed.
_MOVED = (AlertKind.MOVEMENT, AlertKind.AMENDMENT, AlertKind.LATE)
ALL, FROM = "all", "day"  # what a form offers


@dataclass(frozen=True, slots=True)
class Money:
    """What a page says of it. `day`: from which on it is offered; empty: the person chooses."""

    case: str
    state: Followed | None  # None: it is not followed
    asked: Proposal | None  # for this, and it is not done yet
    failed: Proposal | None  # what could not be done, where nothing was asked for since
    newest: str  # what the newest alert about it says, in words
    offered: bool  # whether whoever looks may ask for it, or that it begins earlier
    day: str = ""


def of_case(ask: Ask, case: str, day: str = "") -> Money:
    """Of a case that whoever asks may see, and that watches an address of its own."""
    state = desk_trace.followed(ask.store, ask.sight, case)
    wanted = people.proposals(ask.store, ask.sight, case=case, kind=following.FOLLOW)
    last = wanted[-1] if wanted else None
    asked = last if last and last.state is Standing.AGREED else None
    earlier = state is None or (
        state.since != FIRST and (not day or (not state.since.isdigit() and day < state.since))
    )
    return Money(
        *(case, state, asked),
        failed=last if last and last.state is Standing.FAILED else None,
        newest=_newest(ask, state.newest) if state and state.newest else "",
        offered=earlier and asked is None and ask.signed.may(Right.WORK),
        day=day,
    )


def _newest(ask: Ask, alert: str) -> str:
    views = ask.views.alerts([alert], brief=True)
    return render.headline(views[0], shown.telling(ask)) if views else ""


def of_alert(ask: Ask, view: AlertView) -> tuple[Money | None, str]:
    """Of an alert about what left a watched address; and where it has no case to follow it in, why
    that is so. Neither: the alert is about something else."""
    if view.alert.kind not in _MOVED or view.alert.direction != "out" or view.entry is None:
        return None, ""
    if view.entry.origin is not None:
        title = view.entry.origin.title
        return None, f"What {title} alone names is not followed. Watch the address in a case first."
    if not view.entry.case:
        return None, "Money is followed for a case, and this address is watched in none."
    if not desk_trace.can_be_followed(ask.store, ask.sight, view.entry.case):
        return None, "No address of the case is watched any more."
    times = [each.row.transfer.time for each in view.transfers]
    moved = min((at for at in times if at), default=view.alert.created)
    return of_case(ask, view.entry.case, utc_day(moved)), ""


def cases_of(watched: Sequence[Watched]) -> list[str]:
    """In which an address is watched so that its money can be followed."""
    mine = (w.entry for w in watched if w.active and w.entry.origin is None and not w.entry.canary)
    return list(dict.fromkeys(entry.case for entry in mine if entry.case))


def in_case(ask: Ask, case: str) -> Money | None:
    """Of a case as a whole; None: it watches no address of its own."""
    known = desk_trace.can_be_followed(ask.store, ask.sight, case)
    return of_case(ask, case) if known else None


# -- what is asked for ---------------------------------------------------------------------------


def asked_for(ask: Ask, case: str, why: str) -> str:
    """Ask for what the form says, of a case that whoever asks may see; what was done, in words.
    Raises ConfigError."""
    begin, day = ask.field("begin", 10), ask.field("day", 20)
    if begin not in (ALL, FROM):
        raise Wrong("Choose from when on it is followed.")
    at = since_time(day) if begin == FROM else 0
    if at is None or at > ask.now:
        raise Wrong("Choose the day from which on it is followed, not after today.")
    if begin == FROM and day < EARLIEST:
        raise Wrong(f"No chain is older than {EARLIEST}: look at the year.")
    made = following.follow(
        *(ask.writer, ask.settings.web, ask.actor, ask.settings.chains, case),
        *(day if begin == FROM else "", why, ask.now, ask.field("once", 64)),
    )
    return f"Asked for: the money of {case} is followed ({made.id}). {DONE_SOON}"
