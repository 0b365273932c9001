"""The sums under each column: arrived = rests + stopped + went on, to the last unit. What else
there is of them (not read yet, fees) has a line where it is anything; what does not add up too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model.trace import Edge, Node, State
from monitor.picture.measure import Measure, Tally
from monitor.picture.parts import Column, Row
from monitor.picture.scene import Scene, column_of, ends

_ASSETS = 4  # with lines of their own where there is no common measure
_OPEN = (State.QUEUED, State.WAITING)
Part = tuple[str, Tally, bool]  # name, figure, and whether it stands in every picture


def of_scene(scene: Scene) -> tuple[Column, ...]:
    by_column: dict[int, list[Node]] = {}
    for node in scene.nodes.values():
        by_column.setdefault(column_of(node), []).append(node)
    last = max(by_column, default=-1)
    return tuple(_column(scene, at, by_column.get(at, [])) for at in range(last + 1))


def out_of_sources(scene: Scene) -> Tally:
    """What left the watched addresses less what came back, by the totals of the trace."""
    gone = Tally()
    for total in scene.trace.totals:
        if total.asset is None:
            gone.usd[total.method] = total.out_of_sources
        elif total.out_of_sources:
            gone.add(total.asset, {total.method: total.out_of_sources}, None)
    return gone


def _column(scene: Scene, at: int, found: Sequence[Node]) -> Column:
    chains = sorted({scene.chain(node.subject.chain) for node in found})
    where = f" on {' and '.join(chains)}" if scene.several and len(chains) <= 2 else ""
    kind = "watched address" if at == 0 else "address"
    beyond = " and beyond" if any(node.hop > at for node in found) else ""
    head = "Sources" if at == 0 else f"Hop {at}{beyond}"
    parts = _sources(scene, found) if at == 0 else _hop(scene, found)
    counted = f"{len(found):,} {kind}{'' if len(found) == 1 else 'es'}"
    return Column(
        head, counted + where, tuple(_rows(scene.measure, parts)), _title(scene, head, parts)
    )


def _sources(scene: Scene, found: Sequence[Node]) -> list[Part]:
    """What they sent, and what came back; what else left them is fees."""
    mine = {node.subject for node in found}
    fees = Tally().add_sums(s for node in found for s in node.left)
    sent, back = Tally(), Tally()
    for edge in scene.trace.edges:
        giver, taker = ends(edge)
        if giver in mine:
            _give(fees, edge, -1)
        if giver in mine and giver != taker:
            _give(sent, edge)
        if taker in mine and giver != taker:
            _take(back, edge)
    out = out_of_sources(scene)
    differs = Tally().join(sent).join(fees).join(back, -1).join(out, -1)
    return [
        ("Sent", sent, True),
        ("Fees", fees, False),
        ("Came back", back, False),
        ("Out of sources", out, True),
        ("Differs by", differs, False),
    ]


def _hop(scene: Scene, found: Sequence[Node]) -> list[Part]:
    """What payments say went on; what else left is what the chain took as fees."""
    mine = {node.subject for node in found}
    arrived = Tally().add_sums(s for node in found for s in node.received)
    fees = Tally().add_sums(s for node in found for s in node.left)
    went, burnt = Tally(), Tally()
    for edge in scene.trace.edges:
        giver, taker = ends(edge)
        if giver not in mine:
            continue
        _give(fees, edge, -1)
        if giver == taker:  # turned into another asset: it neither came nor went
            _take(arrived, edge, -1)
        else:
            _give(went if edge.recipient else burnt, edge)
    rests = _held(node for node in found if node.state not in (*_OPEN, State.STOPPED))
    stopped = _held(node for node in found if node.state is State.STOPPED)
    unread = _held(node for node in found if node.state in _OPEN)
    turned = _turned(scene, mine)
    differs = Tally().join(arrived).join(turned)
    for each in (rests, stopped, unread, burnt, fees, went):
        differs.join(each, -1)
    return [
        ("Arrived", arrived, True),
        ("Turned there", turned, False),
        ("Rests", rests, True),
        ("Stopped", stopped, True),
        ("To be read", unread, False),
        ("Destroyed", burnt, False),
        ("Fees", fees, False),
        ("Went on", went, True),
        ("Differs by", differs, False),
    ]


def _turned(scene: Scene, mine: Iterable[object]) -> Tally:
    """What conversions at these addresses brought less what they took."""
    turned, known = Tally(), set(mine)
    for edge in scene.trace.edges:
        giver, taker = ends(edge)
        if giver in known and giver == taker:
            _give(turned, edge, -1)
            _take(turned, edge)
    return turned


def _held(nodes: Iterable[Node]) -> Tally:
    return Tally().add_sums(s for node in nodes for s in node.holds)


def _give(tally: Tally, edge: Edge, sign: int = 1) -> None:
    tally.add(edge.asset, edge.traced, edge.usd, sign)


def _take(tally: Tally, edge: Edge, sign: int = 1) -> None:
    """What came out; the same that went in where nothing was converted."""
    if edge.got is None:
        _give(tally, edge, sign)
    else:
        tally.add(edge.got.asset, edge.got.amount, edge.got.usd, sign)


def _rows(measure: Measure, parts: Sequence[Part]) -> Iterable[Row]:
    if measure.unit != "share":
        for name, tally, always in parts:
            if always or not measure.is_zero(tally):
                yield Row(name, measure.exact(tally)[0], name in {"Arrived", "Out of sources"})
        return
    books = measure.ranked(parts[0][1], *(tally for _, tally, _ in parts))
    for book in books[:_ASSETS]:
        alone = [(name, tally.only(book), always) for name, tally, always in parts]
        yield from _rows(
            measure.of_one(next(t.assets[book] for _, t, _ in parts if book in t.assets)), alone
        )
    if len(books) > _ASSETS:
        yield Row("And more assets", f"{len(books) - _ASSETS:,}")


def _title(scene: Scene, head: str, parts: Sequence[Part]) -> str:
    measure = scene.measure
    said = [
        f"{name.lower()} {measure.by_each(tally)}"
        for name, tally, always in parts
        if always or not measure.is_zero(tally)
    ]
    return f"{head}, sums: {'; '.join(said)}."
