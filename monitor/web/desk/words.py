"""What pages have in common: words for what goes wrong, and how values are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup
from werkzeug.exceptions import (
    BadRequest,
    Conflict,
    HTTPException,
    NotFound,
    Unauthorized,
    UnprocessableEntity,
)

from monitor.decide.desk import clocks
from monitor.model import TransferView
from monitor.model.dates import EARLIEST
from monitor.model.desk_work import Clock
from monitor.model.plain import duration, plural, status_said, tidy, utc, when
from monitor.picture import bar

NO_RECORD = (
    "The record cannot be used now. Look again later whether what you did last stands in it. "
    "Whoever runs Fundwatch: its log tells more, and `fundwatch verify` looks the record through.\n"
)
FAULT = "A fault in Fundwatch. Whoever runs it finds it in its log under number {number}.\n"


class Told(HTTPException):
    """What is wrong, in words of ours that may be shown."""


class Gone(Told, NotFound):
    """There is no such thing, or it is not for whoever asks."""


class Wrong(Told, UnprocessableEntity):
    """A form cannot be taken as it is."""


class Changed(Told, Conflict):
    """What the form was about has changed meanwhile."""


class Over(Unauthorized):
    """The session is over: nothing was done."""


class Refused(Told, BadRequest):
    """A request that no page of ours makes."""


WRONG: Mapping[int, tuple[str, str]] = {
    400: ("This cannot be understood", "The request is none that a page of the desk makes."),
    401: (
        "You are signed out",
        "Your session was over, and nothing was done. Sign in, and send it anew.",
    ),
    403: ("This is not yours to do", "Your role does not allow it."),
    404: (
        "There is no such page",
        "Nothing stands at this address, or it belongs to a case that you are not a member of.",
    ),
    405: ("This cannot be done here", "The page can be looked at only."),
    409: ("It has changed meanwhile", "Nothing was changed. Look at it again."),
    413: ("This is too long", "A form may hold 64 KiB."),
    422: ("This cannot be taken", "Something is missing in the form."),
    429: ("Too many tries", "Wait a little, then try again."),
    500: ("A fault in Fundwatch", "Its log tells more."),
    503: ("Not now", "The record cannot be read now. Its log tells more."),
}


def _address(text: str) -> Markup:
    """An address or hash in full, never cut; breaks where it must."""
    return Markup('<span class="mono">{}</span>').format(tidy(text))


def _stamp(at: int, zone: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(at, when(at, zone))


def door_said(door: str) -> str:
    """How a name beside an act came, where whoever has it did not sign in for it; else empty."""
    if door in ("person", "daemon"):
        return ""
    return "by a token" if door == "token" else "name claimed"


FILTERS: Mapping[str, Callable[..., object]] = {
    "address": _address,
    "stamp": _stamp,
    "tidy": tidy,
    "pieces": lambda number: plural(number, "piece"),
    "day": lambda at: utc(at)[:10] if at is not None else "-",
    "door": door_said,
    "minute": lambda at: f"{utc(at)[:16]} UTC",
    "ago": lambda at, now: f"{duration(max(0, now - at))} ago",
}


def _left(clock: Clock, now: int) -> str:
    """How long a clock still runs, in its own zone's days."""
    left = clocks.left(clock.due, clock.terms, now)
    if left < 0:
        return f"over since {plural(-left, 'day')}"
    return f"{plural(left, 'day')} left" if left else "it ends today"


def _status(view: TransferView) -> str:
    return status_said(view.row.status, pending=view.row.transfer.pending)


GLOBALS: Mapping[str, Callable[..., object]] = {
    "turned_swatch": lambda: Markup(bar.swatch("turned")),  # noqa: S704 - made of constants
    "earliest": lambda: EARLIEST,
    "left": _left,
    "status": _status,
    "terms": lambda clock: clocks.said(clock.terms),
}
