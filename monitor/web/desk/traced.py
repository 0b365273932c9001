"""The trace of a case as a page asks for it: of which day, by which method; and the addresses that
keep both."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from monitor.messages.trace.drawn import by_method
from monitor.messages.trace.seizing import Place, places
from monitor.messages.trace.words import RULE, Page
from monitor.model.dates import EARLIEST, since_time, utc_day
from monitor.model.flow import CONSERVING, METHOD_SAID
from monitor.model.plain import utc
from monitor.model.trace import Told
from monitor.store import desk_trace
from monitor.store.desk_trace import Missing, Stood
from monitor.store.remembered import Remembered
from monitor.web.desk.ask import Ask
from monitor.web.desk.words import Wrong

DAY = 86_400
# What each method takes for granted, in words.
RULES = tuple((METHOD_SAID[method], RULE[method]) for method in CONSERVING)


@dataclass(frozen=True, slots=True)
class Choice:
    """A method as a button."""

    key: str
    words: str
    query: str  # the address of the page by it, from "?" on; empty: the page as it is
    chosen: bool
    next: bool  # after the chosen one


@dataclass(frozen=True, slots=True)
class Traced:
    """`told` None: there is nothing to show, and `why` says so in words. Figures of `told` are by
    the method that was asked for; its `sha256` is that of the recorded state."""

    case: str
    stood: Stood
    told: Told | None
    method: str  # by which all of the page is; empty: nobody chose one, ranges stand
    asked_method: str  # in the address bar; empty: none
    day: str  # in the address bar; empty: the newest state
    state: int  # number in the address bar; 0: none
    why: str = ""

    @property
    def is_newest(self) -> bool:
        return self.stood.number == self.stood.newest

    def moment(self, now: int) -> int:
        """Of which time the page is: the end of a day, that of a state, or now. What is before
        now can be looked at, and nothing can be done on it."""
        start = since_time(self.day) if self.day else None
        if start is not None:
            return min(start + DAY - 1, now)
        return now if self.is_newest else min(self.stood.at, now)

    def query(self, **more: object) -> str:
        """What keeps method, day and state in an address, from "?" on; empty where there is
        nothing to keep. `more`: what is otherwise; an empty text takes it away."""
        kept: dict[str, object] = {
            "method": self.asked_method,
            "as_of": self.day,
            "state": str(self.state or ""),
            **more,
        }
        said = urlencode({name: value for name, value in kept.items() if value})
        return f"?{said}" if said else ""

    def choices(self, **more: str) -> list[Choice]:
        """All methods that conserve, in their one order; before them all at once, where nobody has
        chosen one for the case."""
        told = self.stood.told
        keys = CONSERVING if told and told.trace.method else ("", *CONSERVING)
        at = keys.index(self.method)
        after = keys[(at + 1) % len(keys)]
        return [
            Choice(
                *(key, METHOD_SAID.get(key, "All methods"), self.query(method=key, **more)),
                *(key == self.method, key == after),
            )
            for key in keys
        ]


def of_case(ask: Ask, case: str) -> Traced:
    """As the address of the page asks for it (`method`, `as_of`, `state`). Raises Wrong with words
    for people where one of them means nothing."""
    args = ask.request.args
    method, day = args.get("method", ""), args.get("as_of", "").strip()
    if method and method not in CONSERVING:
        raise Wrong(f"There is no such method. Choose one of {', '.join(CONSERVING)}.")
    state = _number(args.get("state", ""))
    stood = desk_trace.stood(ask.store, ask.sight, case, end_of(day, ask.now), state or None)
    told = by_method(stood.told, method) if stood.told else None
    shown = told.trace.method if told else method
    return Traced(
        case, stood, told, shown, method, day, state, "" if told else missing_said(stood, day)
    )


def newest(ask: Ask, case: str) -> Traced:
    """As it stands now, whatever the address of the page asks for."""
    stood = desk_trace.stood(ask.store, ask.sight, case)
    method = stood.told.trace.method if stood.told else ""
    return Traced(case, stood, stood.told, method, "", "", 0, "")


def page_of(ask: Ask, traced: Traced) -> Page:
    """For the words of figures: chains as the settings have them, the method of the page."""
    return Page(chains=ask.settings.chains, method=traced.method)


# In addresses and movements of their traces, which they hold.
_places: Remembered[tuple[str, int, str], list[Place]] = Remembered(60_000)


def places_of(told: Told, page: Page) -> list[Place]:
    """Where its money is; the same by every method."""
    key = told.trace.case, told.number, told.sha256
    if (known := _places.get(key)) is not None:
        return known
    weight = len(told.trace.nodes) + len(told.trace.edges)
    return _places.keep(key, places(told.trace, page), weight)


def end_of(day: str, now: int) -> int | None:
    """The last second of a day, UTC; None: none was asked for."""
    if not day:
        return None
    at = since_time(day)
    if at is None or utc_day(at) != day or day < EARLIEST:
        raise Wrong(f"“{day[:20]}” is no day. Write it like {utc_day(now)}.")
    if at > now:
        raise Wrong(f"{day} is not here yet: choose a day up to {utc_day(now)}.")
    return at + DAY - 1


def _number(text: str) -> int:
    """Of a state; 0: none was asked for."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise Wrong("States of a trace are numbered 1, 2, 3 and so on.")
    return int(text)


def missing_said(stood: Stood, day: str = "") -> str:
    """Why nothing is shown, in sentences. `day`: that was asked for."""
    state = f"State {stood.number} of {utc(stood.at)}"
    if stood.missing is Missing.ERASED:
        return (
            f"{state}: its text was erased. What it said is gone; that it was there, and "
            "that it was erased, stands in the log."
        )
    if stood.missing is Missing.DAMAGED:
        return (
            f"{state} cannot be read: it is not what was recorded. Whoever runs Fundwatch: "
            "`fundwatch verify` says what differs."
        )
    if stood.missing is Missing.LATER:
        return f"On {day} nothing was worked out yet: the first state is of {utc(stood.at)}."
    if stood.newest:
        return f"There is no such state: the newest is {stood.newest}."
    return "Nothing is worked out yet."
