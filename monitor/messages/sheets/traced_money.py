"""Sums of followed money in words: by the method that a person chose, else as a range; where it is
now, and who could act there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from monitor.messages.sheets.parts import Item, Section, section, shown_address
from monitor.messages.trace.asking import whom
from monitor.messages.trace.seizing import ISSUER, Place, Where, places
from monitor.messages.trace.words import COUNTED, METHOD, REASON, Page, cents, minute, sum_short
from monitor.model import AlertView
from monitor.model.flow import METHODS
from monitor.model.plain import amount_said, plural, quoted, tidy
from monitor.model.trace import Sum
from monitor.model.traced import RESTS, WAITS, Ended, Figure, Hop, Traced, Turn

_ACTORS, _PLACES = 6, 3  # whoever could act, and where, that a mail names
_HANDS = ("exchange", "deposit_address", "mixer", "bridge", "dex", "service", "issuer", "contract")
# Reasons for which nobody looked further; behind the others there is somebody to ask.
_UNREAD = (
    *(WAITS, "incomplete", "calls", "addresses", "hops", "person", "no_outflow"),
    *("below_value", "below_share", "unpriced"),
)
_REASON = {**REASON, RESTS: "at rest where it is watched", WAITS: "arrived, not read yet"}


def usd(figure: Figure | None, fact: Traced) -> str:
    """ "50,000 USD traced by FIFO (0 to 75,000)", or without a method "0 to 75,000 USD" and why."""
    if figure is None:
        return "an amount without a price"
    low, high = _dollars(figure.low), _dollars(figure.high)
    if low == high:
        return f"{high} USD"
    if figure.chosen is not None and fact.method in METHOD:
        return f"{_dollars(figure.chosen)} USD traced by {METHOD[fact.method]} ({low} to {high})"
    return f"{low} to {high} USD ({COUNTED})"


def _dollars(millionths: int) -> str:
    return cents(millionths).removesuffix(".00")


def summed(fact: Traced) -> str:
    """What the movements of an alert carry together."""
    return of(fact.hops, fact)


def of(hops: Sequence[Hop], fact: Traced) -> str:
    """In USD where all of them have a price, else by asset."""
    figures = [hop.usd for hop in hops if hop.usd is not None]
    if len(figures) < len(hops):
        assets = dict.fromkeys((hop.symbol, hop.decimals) for hop in hops)
        said = [amount(_added([h for h in hops if (h.symbol, h.decimals) == a])) for a in assets]
        more = f" and {plural(len(said) - 3, 'more asset')}" if len(said) > 3 else ""
        return ", ".join(said[:3]) + more
    chosen = [figure.chosen for figure in figures if figure.chosen is not None]
    whole = sum(chosen) if len(chosen) == len(figures) else None
    low, high = sum(each.low for each in figures), sum(each.high for each in figures)
    return usd(Figure(low, high, whole), fact)


def _added(hops: Sequence[Hop]) -> Hop:
    """One that carries as much as all of these, which are of one asset."""
    first = hops[0]
    return Hop(
        *(first.chain, first.tx, first.leg, first.hop, first.symbol, first.decimals),
        low=sum(hop.low for hop in hops),
        high=sum(hop.high for hop in hops),
    )


def amount(hop: Hop) -> str:
    low, high = amount_said(hop.low, hop.decimals), amount_said(hop.high, hop.decimals)
    symbol = tidy(hop.symbol, 20)
    return f"{high} {symbol}" if low == high else f"{low} to {high} {symbol} ({COUNTED})"


# --- where it is ------------------------------------------------------------------------------


def where_items(fact: Traced) -> Iterator[Item]:
    """Where what left is now, of messages about all of it."""
    if fact.turn not in (Turn.HISTORY, Turn.REACHED, Turn.CHANGED):
        return
    for end in fact.ends:
        count = plural(end.places, "place")
        left = f"; {end.unpriced:,} without a price" if end.unpriced else ""
        yield Item(usd(end.usd, fact), _end(end), note=f"{count}{left}")


def unread_words(fact: Traced) -> Iterator[str]:
    """What became of nobody knows, for nobody looked: a sentence a reason."""
    for end in fact.ends:
        if end.reason in _UNREAD:
            left = f", and {end.unpriced:,} without a price" if end.unpriced else ""
            where = plural(end.places, "place")
            yield f"What became of {usd(end.usd, fact)}{left}, at {where}: {_end(end)}."


def where_words(fact: Traced, most: int) -> str:
    """The largest of them in a sentence."""
    said = [f"{usd(end.usd, fact)} {_with(end)}" for end in fact.ends[:most]]
    rest = len(fact.ends) - most
    return "; ".join(said) + (f"; {plural(rest, 'smaller sum')} elsewhere" if rest > 0 else "")


def _with(end: Ended) -> str:
    """Fit for a sentence: "with an exchange "Binance 14""."""
    if end.reason in (RESTS, WAITS):
        return _end(end)
    return f"with {_end(end)}" if end.reason in _HANDS else f"not followed on ({_end(end)})"


def _end(end: Ended) -> str:
    said = _REASON.get(end.reason, tidy(end.reason, 40))
    name = f" {quoted(end.name, 60)}" if end.name else ""
    return f"{said}{name}{'' if end.confirmed else ', not confirmed'}"


def who_section(view: AlertView, fact: Traced) -> Section | None:
    """Who could still keep it from moving, by the state of then."""
    if view.trace is None or fact.turn not in (Turn.HISTORY, Turn.REACHED):
        return None
    page = Page(method=fact.method)
    found: dict[tuple[str, str], list[Place]] = {}
    for place in places(view.trace, page):
        if fact.turn == Turn.REACHED and place.node.subject.key != fact.place:
            continue
        for actor in whom(place):
            found.setdefault((actor.name, actor.role), []).append(place)
    return section("WHO CAN ACT", *_actors(view, found, page))


def _actors(
    view: AlertView, found: dict[tuple[str, str], list[Place]], page: Page
) -> Iterable[Item]:
    for (name, role), mine in list(found.items())[:_ACTORS]:
        can = (
            ", who issues the token, could freeze"
            if role == ISSUER
            else " could hold an account with"
        )
        still = ", if it is still there" if all(p.where is Where.ENDED for p in mine) else ""
        yield Item(f"{tidy(name, 60)}{can} {_together(mine, page)}{still}.", style="row")
        for place in mine[:_PLACES]:
            at = shown_address(view.chain, place.node.subject.address)
            yield Item(at, style="code", note=f"{sum_short(place.held, page)}, {_last(place)}")
        if len(mine) > _PLACES:
            yield Item(f"And {plural(len(mine) - _PLACES, 'smaller one')}.", style="note")
    if len(found) > _ACTORS:
        yield Item(f"{len(found) - _ACTORS:,} more: see the seizure view.", style="note")
    if not found:
        yield Item("Nobody is known who could keep it from moving.")
    else:
        yield Item("Who may ask, and on what basis, is not for Fundwatch to say.", style="note")


def _together(found: Sequence[Place], page: Page) -> str:
    """By asset, over all places."""
    assets = dict.fromkeys(place.asset for place in found)
    said = []
    for asset in list(assets)[:3]:
        mine = [place.held.amount for place in found if place.asset == asset]
        amount_ = {m: sum(each.get(m, 0) for each in mine) for m in METHODS}
        said.append(sum_short(Sum(asset, amount_), page))
    more = f" and {plural(len(assets) - 3, 'more asset')}" if len(assets) > 3 else ""
    return f"{', '.join(said)}{more} at {plural(len(found), 'place')}"


def _last(place: Place) -> str:
    return f"last movement {minute(place.since)}"
