"""Where the money of a case is, and how it went there, as the case's page shows it: bars with their
lists, the picture, and the same figures as tables. All of it from one kept state by one method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from monitor.messages.trace import drawn, tree, wherenow
from monitor.messages.trace.seizure import state_line
from monitor.messages.trace.words import minute
from monitor.model import Alert, Subject
from monitor.model.flow import CONSERVING, METHOD_SAID
from monitor.model.plain import plural, tidy
from monitor.model.trace import Told, Trace
from monitor.model.traced import Traced
from monitor.picture import draw, words
from monitor.picture.fold import NOT_DRAWN
from monitor.picture.parts import Picture
from monitor.store import desk_trace
from monitor.store.desk_trace import Missing
from monitor.store.frozen import frozen
from monitor.store.remembered import Remembered
from monitor.store.trace import PICTURED
from monitor.web.desk import traced
from monitor.web.desk.ask import Ask
from monitor.web.desk.hops import LISTS, Hop, Listing, hops, listing
from monitor.web.desk.money import Money
from monitor.web.desk.traced import Choice
from monitor.web.desk.traced import Traced as Seen
from monitor.web.desk.where import Where, freezable, prices_by, where

VIEWS = {"": "Picture", "table": "Table"}
_ACCOUNTS = 6  # assets with a bar of their own; of the others their number is said

Key = tuple[int, str, str]  # of a state: number and digest; and the method


@dataclass(frozen=True, slots=True)
class Flow:
    """`told` None: there is nothing to show, and `why` says so."""

    traced: Seen
    view: str
    why: str = ""
    state: str = ""  # which one it is
    warned: tuple[str, ...] = ()
    where: tuple[Where, ...] = ()
    first: int = 1  # how many of them stand open
    more_assets: int = 0
    when: str = ""  # between when it left
    worth: str = ""  # all of it then; empty: nobody knows, or it is said with the first bar
    prices: str = ""  # where USD are from
    svg: Markup = field(default_factory=Markup)
    hops: tuple[Hop, ...] = ()
    listing: Listing | None = None  # of one hop; None: all hops stand there
    freezable: tuple[str, str] = ("", "")  # what can be frozen, and by whom: for what comes next
    trace: Trace | None = None

    @property
    def views(self) -> Mapping[str, str]:
        return VIEWS

    @property
    def lists(self) -> Mapping[str, str]:
        return LISTS

    @property
    def methods(self) -> list[str]:
        return [METHOD_SAID[method] for method in CONSERVING]

    @property
    def rules(self) -> Sequence[tuple[str, str]]:
        return traced.RULES

    @property
    def method_said(self) -> str:
        return METHOD_SAID.get(self.traced.method, "")

    @property
    def choices(self) -> list[Choice]:
        return self.traced.choices(view=self.view)

    @property
    def chosen(self) -> str:
        """The method of the case; empty: nobody has chosen one."""
        return self.traced.stood.told.trace.method if self.traced.stood.told else ""

    @property
    def chosen_said(self) -> str:
        return METHOD_SAID.get(self.chosen, "")

    @property
    def by(self) -> str:
        """Who chose it."""
        return tidy(self.trace.method_by, 60) if self.trace else ""


_pictures: Remembered[tuple[str, Key], tuple[Picture, str]] = Remembered(16)
_images: Remembered[tuple[str, Key], bytes] = Remembered(8)


def picture(ask: Ask, told: Told) -> tuple[Picture, str]:
    """The picture of a state with its SVG."""
    key = told.trace.case, (told.number, told.sha256, told.trace.method)
    if (known := _pictures.get(key)) is not None:
        return known
    made = drawn.picture_of(told, drawn.names_of(ask.settings.chains))
    return _pictures.keep(key, (made, draw.svg(made)))


def image(ask: Ask, told: Told) -> bytes:
    """The same as PNG."""
    key = told.trace.case, (told.number, told.sha256, told.trace.method)
    if (known := _images.get(key)) is not None:
        return known
    return _images.keep(key, drawn.png_of(picture(ask, told)[1]))


def in_case(ask: Ask, case: str, money: Money | None) -> Flow:
    """`money`: whether and how the case is followed. Raises Wrong, see traced.of_case."""
    it = traced.of_case(ask, case)
    view = ask.request.args.get("view", "")
    view = view if view in VIEWS else ""
    if it.told is None:
        return Flow(it, view, why=_why(it, money))
    page = traced.page_of(ask, it)
    shown, svg = picture(ask, it.told)
    until = ask.now if it.is_newest else it.told.at
    stopped = frozen(ask.store, _resting(it.told.trace), until)
    lies = traced.places_of(it.told, page)
    found = wherenow.accounts(it.told.trace, page, stopped.keys(), lies)
    assets = [each for each in found if each.asset is not None]
    places = [where(each, page, n, assets) for n, each in enumerate(found[:_ACCOUNTS], 1)]
    return Flow(
        *(it, view),
        state=state_line(it.told),
        warned=tuple(_warned(it, shown, money)),
        where=tuple(places),
        first=1 if found and found[0].asset is None else 2,
        more_assets=max(0, len(found) - _ACCOUNTS),
        when=_when(it.told.trace),
        worth=wherenow.left_worth(it.told.trace, page) if len(assets) == len(found) else "",
        prices=prices_by(ask, found[:_ACCOUNTS]),
        svg=Markup("" if view else svg),  # noqa: S704 - our own, its texts are escaped
        hops=tuple(hops(ask, shown)),
        listing=_listing(ask, it.told) if view else None,
        freezable=freezable(found, page) if it.is_newest else ("", ""),
        trace=it.told.trace,
    )


@dataclass(frozen=True, slots=True)
class Pictured:
    """The state of a trace that an alert is about."""

    case: str
    state: int
    alt: str = ""  # of the picture
    why: str = ""  # there is none any more


def of_alert(ask: Ask, alert: Alert) -> Pictured | None:
    """None: the alert shows no way, or whoever asks may not see its case."""
    facts = alert.facts
    if not isinstance(facts, Traced) or facts.turn not in PICTURED:
        return None
    stood = desk_trace.stood(ask.store, ask.sight, facts.case, number=facts.state)
    if stood.missing is Missing.NONE:
        return None
    if stood.told is None:
        return Pictured(facts.case, facts.state, why=traced.missing_said(stood))
    shown = picture(ask, stood.told)[0]
    return Pictured(facts.case, facts.state, alt="\n".join((shown.title, *words.hops(shown))))


def _why(it: Seen, money: Money | None) -> str:
    if it.stood.newest:
        return it.why
    if money is None:
        return (
            "It is not followed: no address that a person wrote into the watchlist is watched in "
            "this case now."
        )
    if money.state is None:
        return (
            "It is not followed: where it is now is not known."
            if money.asked is None
            else "It was asked for; nothing is read."
        )
    return (
        "It is followed, and nothing is worked out yet: the program follows it once what is "
        "watched has been read."
    )


def _warned(it: Seen, shown: Picture, money: Money | None) -> Iterator[str]:
    """What must be known before any figure is read."""
    assert it.told is not None
    if it.is_newest and (money is None or money.state is None):
        yield "NOT FOLLOWED ANY MORE. What moved since is not known."
    yield from (line for line in shown.warned if not line.startswith(NOT_DRAWN))
    if leads := len(it.told.trace.leads):
        yield f"{plural(leads, 'lead')} by a guess: in no figure here."
    yield from tree.old(it.told.trace, it.told.at)


def _listing(ask: Ask, told: Told) -> Listing | None:
    """What of one hop was asked for."""
    wanted, first = ask.request.args.get("all", ""), ask.request.args.get("from", "1")
    if not wanted:
        return None
    number = int(first) if first.isascii() and first.isdecimal() and len(first) < 7 else 1
    return listing(ask, drawn.unfolded(told, drawn.names_of(ask.settings.chains)), wanted, number)


def _resting(trace: Trace) -> list[Subject]:
    held = (node for node in trace.nodes if any(each.asset.contract for each in node.holds))
    return [node.subject for node in held]


def _when(trace: Trace) -> str:
    """Between which moments anything left the watched addresses."""
    times = [edge.time for edge in trace.edges if edge.hop == 1]
    if not times:
        return ""
    first, last = minute(min(times)), minute(max(times))
    return first if first == last else f"between {first} and {last}"
