"""What went between the boxes of a picture: bands to the next column, thin lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model.plain import clean, plural, utc
from monitor.model.trace import Edge
from monitor.picture import words
from monitor.picture.measure import Measure, Tally
from monitor.picture.parts import Back, Band, Carried, Payment
from monitor.picture.scene import Scene, column_of, ends

_SAID = 3  # payments of a band that are said one by one ...
_LISTED = 5  # ... and those that are listed


@dataclass(slots=True)
class Way:
    """All payments from one box to another, or inside one."""

    traced: Tally = field(default_factory=Tally)
    edges: list[Edge] = field(default_factory=list)


Ways = Mapping[tuple[str, str], Way]


def ways_of(scene: Scene) -> Ways:
    """By the keys of both boxes, in one order."""
    ways: dict[tuple[str, str], Way] = {}
    for edge in scene.trace.edges:
        giver, taker = ends(edge)
        if giver in scene.nodes and taker in scene.nodes and scene.counts(edge):
            way = ways.setdefault((scene.box_of[giver], scene.box_of[taker]), Way())
            way.edges.append(edge)
            way.traced.add(edge.asset, edge.traced, edge.usd)
    return dict(sorted(ways.items()))


def drawn(scene: Scene, ways: Ways) -> tuple[tuple[Band, ...], tuple[Back, ...]]:
    """Bands, and thin lines with the largest first."""
    column = {scene.box_of[node.subject]: column_of(node) for node in scene.nodes.values()}
    bands: list[Band] = []
    thin: list[tuple[float, Back]] = []
    for (giver, taker), way in ways.items():
        steps = column[taker] - column[giver]
        if steps == 1:
            bands.append(_band(scene, giver, taker, way))
        elif giver != taker:
            how = (
                "back to an earlier hop"
                if steps < 0
                else "past a hop"
                if steps
                else "inside the hop"
            )
            label = _label(scene, way)
            back = Back(giver, taker, label, sentence(scene, way, how), _carried(scene, way))
            thin.append((-scene.measure.width(way.traced)[1], back))
    thin.sort(key=lambda each: (each[0], each[1].giver, each[1].taker))
    return tuple(bands), tuple(back for _, back in thin)


def _band(scene: Scene, giver: str, taker: str, way: Way) -> Band:
    low, high = scene.measure.width(way.traced)
    whole = max(high, sum(_whole(scene, edge) for edge in way.edges))
    lines, said = _lines(scene, way), sentence(scene, way)
    return Band(giver, taker, low, high, whole, lines, said, _carried(scene, way))


def _carried(scene: Scene, way: Way) -> Carried:
    first = way.edges[:_LISTED]
    return Carried(
        scene.measure.by_asset().exact(way.traced),
        len(way.edges),
        tuple(Payment(edge.chain, edge.tx, payment(scene, edge)) for edge in first),
    )


def _whole(scene: Scene, edge: Edge) -> float:
    """All of a payment in the picture's measure, by the price of its traced part."""
    one = Tally()
    one.add(edge.asset, edge.traced, edge.usd)
    units = scene.measure.span(edge.traced)[1]
    return scene.measure.width(one)[1] * (edge.amount / units) if units else 0.0


def _lines(scene: Scene, way: Way) -> tuple[str, ...]:
    mixed = any(edge.amount > scene.measure.span(edge.traced)[0] for edge in way.edges)
    of = _of(scene, way) if mixed else ""
    count = f"{len(way.edges):,} payments" if len(way.edges) > 1 else ""
    told = (_label(scene, way), of, _via(scene, way), count, _when(scene, way))
    return tuple(line for line in told if line)


def _label(scene: Scene, way: Way) -> str:
    """In its asset; of several in USD, or how many they are."""
    figures = scene.measure.by_asset().short(way.traced)
    if len(figures) == 1:
        return figures[0]
    return (
        scene.measure.short(way.traced)[0]
        if scene.measure.unit == "usd"
        else f"{len(figures)} assets"
    )


def _of(scene: Scene, way: Way) -> str:
    """Of how much in all the traced part is one."""
    whole = Tally()
    for edge in way.edges:
        whole.add(edge.asset, dict.fromkeys(scene.measure.methods, edge.amount), None)
    figures = scene.measure.by_asset().short(whole)
    return f"of {figures[0]}" if len(figures) == 1 else ""


def _via(scene: Scene, way: Way) -> str:
    kinds = sorted({edge.via for edge in way.edges if edge.via})
    if not kinds:
        return ""
    came = Tally()
    for edge in way.edges:
        if edge.got:
            came.add(edge.got.asset, edge.got.amount, None)
    figures = scene.measure.by_asset().short(came)
    return f"{' and '.join(kinds)} into {figures[0] if len(figures) == 1 else 'others'}"


def _when(scene: Scene, way: Way) -> str:
    """With the year where the trace has more than one."""
    times = [edge.time for edge in way.edges]
    return words.span_said(min(times), max(times), year=scene.several_years)


def sentence(scene: Scene, way: Way, how: str = "") -> str:
    """ "A to B, back to an earlier hop: 350 USDT traced in 1 payment: ..."."""
    pairs = {ends(edge) for edge in way.edges}
    named = f"{len(pairs):,} pairs of addresses"
    if len(pairs) == 1:
        named = " to ".join(map(scene.who, pairs.pop()))
    several = [payment(scene, edge) for edge in way.edges[:_SAID]]
    if rest := len(way.edges) - len(several):
        several.append(f"and {plural(rest, 'more payment')}")
    traced = " + ".join(scene.measure.exact(way.traced))
    lead = f"{named}{', ' if how else ''}{how}: {traced} traced"
    return f"{lead} in {plural(len(way.edges), 'payment')}: {'; '.join(several)}."


def payment(scene: Scene, edge: Edge) -> str:
    """ "350 of 400 USDT, swap into 0.1 ETH, 2026-11-22 09:14:03 UTC"."""
    whole = dict.fromkeys(scene.measure.methods, edge.amount)
    given = scene.measure.of_one(edge.asset)
    told = f"{_exact(given, edge, edge.traced)} of {_exact(given, edge, whole)}"
    if edge.got:
        out = Tally()
        out.add(edge.got.asset, edge.got.amount, None)
        told += (
            f", {edge.via or 'turned'} into {scene.measure.of_one(edge.got.asset).exact(out)[0]}"
        )
    if edge.to_chain and edge.to_chain != edge.chain:
        told += f" on {scene.chain(edge.to_chain)}"
    return f"{told}, {utc(edge.time)}"


def _exact(measure: Measure, edge: Edge, by: Mapping[str, int]) -> str:
    tally = Tally()
    tally.add(edge.asset, by, None)
    return measure.exact(tally)[0]


def turned(edge: Edge) -> str:
    """What a conversion inside a box is, short: "swap USDT → ETH"."""
    came = clean(edge.got.asset.symbol, 10) if edge.got else ""
    via = edge.via or "turned"
    return f"{via} {clean(edge.asset.symbol, 10)} → {came}" if came else via
