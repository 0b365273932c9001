"""How the places at which traced value is add up to what left the sources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.messages.trace.seizing import Place
from monitor.messages.trace.words import METHOD, Page, asset_said, bare, span
from monitor.model.flow import CONSERVING
from monitor.model.trace import ByMethod, Told, Total, TracedAsset


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one method."""

    method: str
    words: str
    units: int
    said: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Account:
    """How the lines of one asset add up to what left, by each method: rows of (words, units)."""

    asset: TracedAsset
    name: str  # "USDT on Ethereum"
    rows: tuple[tuple[str, ByMethod], ...]
    difference: ByMethod
    ours: str  # of these lines, in words
    figures: tuple[Figure, ...]
    left: str  # the watched addresses, in words

    @property
    def is_any(self) -> bool:
        """Whether some of it is at a place, or left; else it only passed through."""
        return any(figure.units for figure in self.figures) or any(self.rows[-1][1].values())

    @property
    def any_left(self) -> bool:
        """Whether it left as this asset; else all of it came by conversion."""
        return any(self.rows[-1][1].values())

    @property
    def adds_up(self) -> bool:
        return not any(self.difference.values())

    def said(self, units: int) -> str:
        return bare(self.asset, units)


def accounts(told: Told, found: Sequence[Place], page: Page) -> Iterator[Account]:
    """Of each asset that left, or that came of what left."""
    totals: dict[TracedAsset, dict[str, Total]] = {}
    for total in told.trace.totals:
        if total.asset is not None and total.method in CONSERVING:
            totals.setdefault(total.asset, {})[total.method] = total
    for asset in dict.fromkeys((*totals, *(place.asset for place in found))):
        by = totals.get(asset, {})
        mine = [place for place in found if place.asset == asset]
        here, gone = {m: _at(mine, m) for m in CONSERVING}, _nowhere(by, mine)
        rows = [("these lines", here), (_GONE, gone), *_of(by)]
        out = _each(by, "out_of_sources")
        came = {m: out[m] + _each(by, "converted_in")[m] for m in CONSERVING}
        went = {
            m: here[m] + gone[m] + _each(by, "fees")[m] + _each(by, "converted_out")[m]
            for m in CONSERVING
        }
        if any(came.values()) or any(went.values()):
            rows = [each for each in rows if any(each[1].values()) or each[0] == rows[0][0]]
            rows.append(("= left the watched addresses", out))
            name = f"{asset_said(asset)} on {page.chain(asset.chain)}"
            yield Account(
                *(asset, name, tuple(rows), {m: came[m] - went[m] for m in CONSERVING}),
                *(ours_said(here, asset, page), figures(here, asset, page)),
                ours_said(out, asset, page),
            )


_GONE = "+ destroyed, or over a bridge whose other side is not found"
_NOWHERE = ("burn", "bridge")


def _nowhere(by: Mapping[str, Total], found: Sequence[Place]) -> dict[str, int]:
    """What ended at no address: destroyed by a token's contract, on its way over a bridge."""
    there = [p for p in found if p.node.stop is not None and p.node.stop.reason in _NOWHERE]
    return {
        m: sum(by[m].ended.get(reason, 0) for reason in _NOWHERE) - _at(there, m) if m in by else 0
        for m in CONSERVING
    }


def _at(found: Sequence[Place], method: str) -> int:
    return sum(place.held.amount.get(method, 0) for place in found)


def _of(by: Mapping[str, Total]) -> Iterator[tuple[str, ByMethod]]:
    yield "+ fees on the way", _each(by, "fees")
    yield "+ turned into other assets, or sent over a bridge", _each(by, "converted_out")
    negative = {m: -units for m, units in _each(by, "converted_in").items()}
    yield "\u2212 came of other assets, or over a bridge", negative


def _each(by: Mapping[str, Total], name: str) -> dict[str, int]:
    return {m: int(getattr(by[m], name)) if m in by else 0 for m in CONSERVING}


def figures(amount: ByMethod, asset: TracedAsset, page: Page) -> tuple[Figure, ...]:
    return tuple(
        Figure(m, METHOD[m], amount.get(m, 0), bare(asset, amount.get(m, 0)), m == page.method)
        for m in CONSERVING
    )


def ours_said(amount: ByMethod, asset: TracedAsset, page: Page) -> str:
    """To the last unit: by the chosen method, else both ends of the range."""
    low, high = span(amount)
    symbol = asset_said(asset)
    if page.method in amount:
        return f"{bare(asset, amount[page.method])} {symbol}"
    return f"{bare(asset, low)}{f' to {bare(asset, high)}' if high != low else ''} {symbol}"
