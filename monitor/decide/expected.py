"""What is there of held funds, held against what is expected to be there. Pure.

Nothing rests on one answer alone: a figure of the chain counts where two say so, two sources or
one and the record; what was recorded since is added to it. Without one the record counts where it
is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.decide.balance import recorded, unreadable
from monitor.decide.held import assets_named
from monitor.decide.shares import unsaid_why
from monitor.decide.worth import base_units
from monitor.model import Asset, Chain, Entry, Row
from monitor.model.balance import AGAIN, Figure
from monitor.model.plain import amount, tidy
from monitor.model.streams import StreamState

_FAR = 2**62  # a block above all that there are, and a time after all


@dataclass(frozen=True, slots=True)
class There:
    """What is there of one expected asset, in base units. `units` is None where nobody knows,
    and `why` says why not; else `by` says who does."""

    name: str  # as the watchlist has it
    asset: Asset | None
    wanted: int = 0
    units: int | None = None
    height: int | None = None
    time: int | None = None
    by: str = ""
    why: str = ""

    @property
    def missing(self) -> int:
        """How much; 0: nothing, or nobody knows."""
        return max(0, self.wanted - self.units) if self.units is not None else 0


def contracts(
    chain: Chain, entries: Iterable[Entry], assets: Mapping[tuple[str, str], Asset]
) -> list[str]:
    """The assets that are expected at an address, so that they are asked for."""
    found = [
        assets_named(chain, name, assets.values()) for entry in entries for name in entry.expected
    ]
    return list(dict.fromkeys(named[0].contract for named in found if len(named) == 1))


@dataclass(frozen=True, slots=True)
class Known:
    """What the record has of an address. `figures`: of its assets, each said by two."""

    chain: Chain
    assets: Mapping[tuple[str, str], Asset]
    states: Mapping[str, StreamState]
    rows: Mapping[str, Sequence[Row]]  # by contract
    figures: Mapping[str, Sequence[Figure]]  # by contract


def there(entry: Entry, known: Known) -> list[There]:
    """Of every asset that is expected of an entry."""
    return [_there(entry, name, coins, known) for name, coins in entry.expected.items()]


def _there(entry: Entry, name: str, coins: str, known: Known) -> There:
    found = assets_named(known.chain, name, known.assets.values())
    if len(found) != 1:
        return There(name, None, why="it is not one verified token of config/assets.yaml any more")
    asset = found[0]
    wanted = int(base_units(coins, asset.decimals))
    one = There(name, asset, wanted)
    rows = known.rows.get(asset.contract, ())
    said = (f for f in known.figures.get(asset.contract, ()) if not f.shares)
    figures = [f for f in said if f.second or _agrees(f, rows)]
    if figures:
        return _by_figure(one, max(figures, key=lambda f: f.high), rows)
    if why := unsaid_why(asset) or unreadable(known.chain, asset.contract, known.states):
        return replace(one, why=f"no balance was said by two, and of the record: {why}")
    nothing = Figure(entry.subject, asset.contract, _FAR, _FAR, _FAR, 0, "", 0)
    held = recorded(rows, entry.subject.address, nothing)
    height, time = _newest(rows)
    return replace(one, units=held.amount, height=height, time=time, by="the record alone")


def _agrees(figure: Figure, rows: Sequence[Row]) -> bool:
    """Whether the record, the second who said so, still does."""
    return recorded(rows, figure.subject.address, figure).amount == figure.amount


def _by_figure(one: There, figure: Figure, rows: Sequence[Row]) -> There:
    """The figure, and what is recorded above its block."""
    address = figure.subject.address
    far = replace(figure, low=_FAR, high=_FAR, time=_FAR, low_time=None)
    since = recorded(rows, address, far).amount - recorded(rows, address, figure).amount
    more = ", with what was recorded since" if since else ""
    return replace(
        one,
        units=figure.amount + since,
        height=figure.high,
        time=figure.time,
        by=f"{_who(figure)}{more}",
    )


def _who(figure: Figure) -> str:
    """Who says it, and who says the same: another source, the same one later, or the record."""
    if figure.second.startswith(f"{figure.source}{AGAIN}"):
        return f"{figure.source} alone, and {figure.second.removeprefix(figure.source).strip()}"
    return f"{figure.source} and {figure.second or 'the record'}"


def _newest(rows: Sequence[Row]) -> tuple[int | None, int | None]:
    placed = [row.transfer for row in rows if row.transfer.block_height is not None]
    last = max(placed, key=lambda t: t.block_height or 0, default=None)
    return (last.block_height, last.time) if last else (None, None)


def said(found: There) -> str:
    """In a sentence without its end: what is there, what is expected, at which block, by whom."""
    if found.asset is None or found.units is None:
        return f"{tidy(found.name, 60)}: expected, and cannot be checked: {found.why}"
    symbol, decimals = tidy(found.asset.symbol, 32), found.asset.decimals
    ends = [f"{amount(units, decimals)} {symbol}" for units in (found.units, found.wanted)]
    at = f" at block {found.height:,}" if found.height is not None else ""
    short = f", {amount(found.missing, decimals)} {symbol} ARE MISSING" if found.missing else ""
    return f"{ends[0]} there{at}, {ends[1]} expected{short} (by {tidy(found.by, 120)})"
