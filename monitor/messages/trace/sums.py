"""The page of totals: what arrived at each hop rests, ended, waits or went on, to the unit; and of
every asset what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from monitor.messages.trace.columns import listed, table
from monitor.messages.trace.words import METHOD, Page, asset_said, bare, dollars
from monitor.model.flow import CONSERVING
from monitor.model.trace import Node, State, Sum, Total, Trace, TracedAsset

_RESTS = (State.FOLLOWED, State.PARKED)
_WAITS = (State.QUEUED, State.WAITING)
_HEAD = ("", "arrived", "= rests", "+ ended", "+ waits", "+ went on")


@dataclass(frozen=True, slots=True)
class Hop:
    """What became of one asset at the addresses of one hop, by one method, in base units."""

    hop: int
    arrived: int
    rests: int
    ended: int
    waits: int
    went_on: int

    @property
    def difference(self) -> int:
        return self.arrived - self.rests - self.ended - self.waits - self.went_on

    @property
    def figures(self) -> tuple[int, ...]:
        return (self.arrived, self.rests, self.ended, self.waits, self.went_on)


def hops(nodes: Sequence[Node], asset: TracedAsset, method: str) -> list[Hop]:
    """One for each hop behind the watched addresses at which anything of the asset is traced."""
    by_hop: dict[int, list[Node]] = {}
    for node in nodes:
        if node.state is not State.SOURCE:
            by_hop.setdefault(node.hop, []).append(node)
    found = [_hop(hop, by_hop[hop], asset, method) for hop in sorted(by_hop)]
    return [hop for hop in found if any(hop.figures)]


def _hop(hop: int, nodes: Sequence[Node], asset: TracedAsset, method: str) -> Hop:
    def held(*states: State) -> int:
        return sum(_of(node.holds, asset, method) for node in nodes if node.state in states)

    return Hop(
        hop,
        sum(_of(node.received, asset, method) for node in nodes),
        held(*_RESTS),
        held(State.STOPPED),
        held(*_WAITS),
        sum(_of(node.left, asset, method) for node in nodes),
    )


def _of(sums: Sequence[Sum], asset: TracedAsset, method: str) -> int:
    return sum(each.amount.get(method, 0) for each in sums if each.asset == asset)


def lines(trace: Trace, page: Page) -> Iterator[str]:
    """By the method that was chosen, else by each that conserves."""
    for method in (page.method,) if page.method in CONSERVING else CONSERVING:
        mine = [total for total in trace.totals if total.method == method and _is_any(total)]
        if mine:
            yield f"Traced by {METHOD[method]}"
        for total in mine:
            if total.asset is not None:
                yield from _asset(trace, total, total.asset, page)
            else:
                yield "  All, in USD that it was worth when it left a watched address"
                yield from _account(total, dollars)


def _is_any(total: Total) -> bool:
    return bool(total.out_of_sources or total.converted_in or total.difference)


def _asset(trace: Trace, total: Total, asset: TracedAsset, page: Page) -> Iterator[str]:
    yield f"  {asset_said(asset)} on {page.chain(asset.chain)}"
    rows = hops(trace.nodes, asset, total.method)
    said = partial(bare, asset)
    cells = [(f"hop {row.hop}", *map(said, row.figures)) for row in rows]
    yield from table(_HEAD, cells, page.columns)
    for row in rows:
        if row.difference:
            yield f"    Hop {row.hop} does not balance: it differs by {said(row.difference)}."
    yield from _account(total, said)


def _account(total: Total, said: Callable[[int], str]) -> Iterator[str]:
    """What came, and what became of it: both sides are equal."""
    came = [
        ("left watched addresses", total.out_of_sources),
        ("+ came by conversion", total.converted_in),
    ]
    went = [
        ("= rests", total.resting),
        *(
            (f"+ ended: {reason.replace('_', ' ')}", units)
            for reason, units in sorted(total.ended.items())
        ),
        ("+ waits to be followed", total.unfollowed),
        ("+ fees", total.fees),
        ("+ went into conversions", total.converted_out),
    ]
    kept = [(name, units) for name, units in (*came, *went) if units or name == "= rests"]
    rows = [(name, said(units)) for name, units in (*kept, ("difference", total.difference))]
    yield from listed(rows)
    if total.ties:
        apart = ", ".join(
            f"{said(v)} ({k.replace('_', ' ')})" for k, v in sorted(total.ties.items())
        )
        yield f"    Order inside a moment is not known; what rests is by it: {apart}"
