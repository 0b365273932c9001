"""Where the money is now as a page shows it: of each asset a bar, and a list that adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monitor.messages.trace import wherenow
from monitor.messages.trace.wherenow import Account, At, Part
from monitor.messages.trace.words import Page, asset_said, span
from monitor.model.dates import since_time
from monitor.model.flow import CONSERVING
from monitor.model.plain import plural, tidy
from monitor.picture import bar
from monitor.store import prices
from monitor.web.desk.ask import Ask
from monitor.web.desk.traced import DAY

_NAMED = 3  # assets that left, one by one


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of an account, in words."""

    swatch: Markup
    words: str
    amount: str
    range: str  # by the other methods; empty: the figure is one already, or a range itself
    worth: str
    detail: str
    by_method: tuple[str, ...]  # that conserve, in their order, to the last unit


@dataclass(frozen=True, slots=True)
class Where:
    """One asset: what left, where it is."""

    name: str
    chain: str
    head: str  # "200,000 USDT left the watched addresses"
    more: str  # what came by conversion, what was turned
    bar: Markup
    between: bool  # a part of the bar is hatched
    cells: tuple[Cell, ...]
    turned_said: str  # into other assets; empty: none of it
    turned: tuple[str, ...]  # the same by method
    sums: tuple[str, ...]  # by method: what all parts come to
    adds_up: bool
    converted: bool  # some of it came by conversion


def where(account: Account, page: Page, number: int, assets: Sequence[Account] = ()) -> Where:
    """`number`: of several on one page; `assets`: that an account of all is of."""
    asset = account.asset
    left, came = (wherenow.amount(account, each, page) for each in (account.left, account.came))
    chosen = page.method in CONSERVING
    methods = (page.method,) if chosen else CONSERVING
    pieces = [
        bar.Piece(part.at.value, f"{part.words}: {wherenow.amount(account, part.amount, page)}",
                  *_span(part.amount, methods))
        for part in account.parts
    ]  # fmt: skip
    turned = ""
    if span(account.turned)[1]:
        turned = wherenow.amount(account, account.turned, page)
        low, high = _span(account.turned, methods)
        pieces.append(bar.Piece("turned", f"Turned into other assets: {turned}", low, high))
    whole = _span(account.whole, methods)[1]
    if asset is None:
        head = f"{_all_left(assets, page)} left the watched addresses"
    elif span(account.left)[1]:
        head = f"{left} left the watched addresses"
    else:
        head = f"{came} came by conversion from other assets"
    title = f"{head}: " + "; ".join(piece.title for piece in pieces)
    return Where(
        name=f"{asset_said(asset)} on {page.chain(asset.chain)}" if asset else "USD",
        chain=page.chain(asset.chain) if asset else "",
        head=head,
        more=_more(account, page)
        if asset
        else f"Worth {left} when it left; bar and list are in USD of then",
        bar=Markup(bar.svg(pieces, whole, title, number)),  # noqa: S704 - as the picture
        between=any(piece.low < piece.high for piece in pieces),
        cells=tuple(_cell(account, part, page) for part in account.parts),
        turned_said=turned,
        turned=_by_method(account, account.turned) if turned else (),
        sums=_by_method(account, account.whole),
        adds_up=all(part.at is not At.DIFFERS for part in account.parts),
        converted=span(account.came)[1] > 0,
    )


def _all_left(assets: Sequence[Account], page: Page) -> str:
    """ "25 ETH and 1,200 USDC"."""
    mine = [each for each in assets if span(each.left)[1]]
    said = [wherenow.amount(each, each.left, page) for each in mine[:_NAMED]]
    rest = len(mine) - len(said)
    return " and ".join((*said, *((plural(rest, "more asset"),) if rest else ())))


def _span(figures: Mapping[str, int], methods: Sequence[str]) -> tuple[int, int]:
    found = [figures[method] for method in methods]
    return min(found), max(found)


def _by_method(account: Account, figures: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(wherenow.amount(account, figures, Page(method=method)) for method in CONSERVING)


def _more(account: Account, page: Page) -> str:
    said = []
    if span(account.came)[1] and span(account.left)[1]:
        said.append(
            f"{wherenow.amount(account, account.came, page)} came by conversion from others"
        )
    if span(account.turned)[1]:
        turned = wherenow.amount(account, account.turned, page)
        said.append(f"{turned} of it was turned into other assets, whose own list follows")
    return "; ".join(said)


def _cell(account: Account, part: Part, page: Page) -> Cell:
    return Cell(
        swatch=Markup(bar.swatch(part.at.value)),  # noqa: S704 - made of constants
        words=part.words,
        amount=wherenow.amount(account, part.amount, page),
        range=_range(account, part, page),
        worth=wherenow.worth(part, page) if account.asset else "",
        detail=wherenow.detail(part, page),
        by_method=_by_method(account, part.amount),
    )


def _range(account: Account, part: Part, page: Page) -> str:
    """No figure stands alone where another method says another one."""
    low, high = span(part.amount)
    if page.method not in part.amount or low == high:
        return ""
    return f"by other methods {wherenow.amount(account, part.amount, Page())}"


def prices_by(ask: Ask, found: Sequence[Account]) -> str:
    """Who gave the prices that USD of today are by."""
    days = {
        (place.asset.chain, place.asset.contract, place.held.newest_day)
        for account in found
        for part in account.parts
        for place in part.places
        if place.held.newest_day
    }
    sources = set[str]()
    for chain, contract, day in sorted(days):
        start = since_time(day) or 0
        told = prices.between(ask.store, [(chain, contract)], start, start + DAY - 1)
        sources |= {price.source for each in told.values() for price in each}
    return ", ".join(tidy(each, 40) for each in sorted(sources))


def freezable(found: Sequence[Account], page: Page) -> tuple[str, str]:
    """What still rests where an issuer can freeze it, in words, and who that is."""
    said, who = [], []
    methods = (page.method,) if page.method else CONSERVING
    for account in found:
        for part in account.parts if account.asset is not None else ():
            if part.at is At.FREEZABLE and _span(part.amount, methods)[1]:
                said.append(wherenow.amount(account, part.amount, page))
                who.append(wherenow.detail(part, page))
    return " and ".join(said), ". ".join(who)
