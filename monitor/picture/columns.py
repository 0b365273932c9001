"""The sums under each column: arrived = rests + stopped + went on, to the last unit. What else
there is of them (not read yet, fees) has a line where it is anything; what does not add up too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model.trace import Edge, Node, State
from monitor.picture.measure import Measure, Tally
from monitor.picture.parts import Column, Row
from monitor.picture.scene import Scene, column_of, ends

_ASSETS = 4  # with lines of their own where there is no common measure
_OPEN = (State.QUEUED, State.WAITING)
Part = tuple[str, Tally, bool]  # name, figure, and whether it stands in every picture


@dataclass(slots=True)
class _Moves:
    """What the payments of a column's addresses come to."""

    went: Tally = field(default_factory=Tally)  # to others
    burnt: Tally = field(default_factory=Tally)  # to nobody
    came: Tally = field(default_factory=Tally)  # from others
    turned_out: Tally = field(default_factory=Tally)  # to itself: swapped, wrapped
    turned_in: Tally = field(default_factory=Tally)

    def gave(self) -> Tally:
        return Tally().join(self.went).join(self.burnt).join(self.turned_out)


def of_scene(scene: Scene) -> tuple[Column, ...]:
    by_column: dict[int, list[Node]] = {}
    for node in scene.nodes.values():
        by_column.setdefault(column_of(node), []).append(node)
    moves = _moves(scene)
    last = max(by_column, default=-1)
    return tuple(
        _column(scene, at, by_column.get(at, []), moves.get(at, _Moves())) for at in range(last + 1)
    )


def _moves(scene: Scene) -> Mapping[int, _Moves]:
    found: dict[int, _Moves] = {}
    for edge in scene.trace.edges:
        giver, taker = ends(edge)
        if giver == taker and edge.got is None:
            continue  # change: nothing came, nothing left
        from_, to = scene.nodes.get(giver), scene.nodes.get(taker)
        if from_ is not None:
            mine = found.setdefault(column_of(from_), _Moves())
            to_itself = giver == taker
            gone = mine.turned_out if to_itself else mine.went if edge.recipient else mine.burnt
            gone.add(edge.asset, edge.traced, edge.usd)
        if to is not None:
            mine = found.setdefault(column_of(to), _Moves())
            _take(mine.turned_in if giver == taker else mine.came, edge)
    return found


def out_of_sources(scene: Scene) -> Tally:
    """What left the watched addresses less what came back, by the totals of the trace."""
    gone = Tally()
    for total in scene.trace.totals:
        if total.asset is None:
            gone.usd[total.method] = total.out_of_sources
        elif total.out_of_sources:
            gone.add(total.asset, {total.method: total.out_of_sources}, None)
    return gone


def _column(scene: Scene, at: int, found: Sequence[Node], moves: _Moves) -> Column:
    chains = sorted({scene.chain(node.subject.chain) for node in found})
    where = f" on {' and '.join(chains)}" if scene.several and len(chains) <= 2 else ""
    kind = "watched address" if at == 0 else "address"
    beyond = " and beyond" if any(node.hop > at for node in found) else ""
    head = "Sources" if at == 0 else f"Hop {at}{beyond}"
    parts = _sources(scene, found, moves) if at == 0 else _hop(found, moves)
    counted = f"{len(found):,} {kind}{'' if len(found) == 1 else 'es'}"
    return Column(
        head, counted + where, tuple(_rows(scene.measure, parts)), _title(scene, head, parts)
    )


def _sources(scene: Scene, found: Sequence[Node], moves: _Moves) -> list[Part]:
    """What they sent, and what came back; what else left them is fees."""
    left = Tally().add_sums(s for node in found for s in node.left)
    fees = left.join(moves.gave(), -1)
    out = out_of_sources(scene)
    differs = Tally().join(moves.went).join(moves.burnt).join(fees)
    differs.join(moves.came, -1).join(out, -1)
    return [
        ("Sent", moves.went, True),
        ("Destroyed", moves.burnt, False),
        ("Fees", fees, False),
        ("Came back", moves.came, False),
        ("Out of sources", out, True),
        ("Differs by", differs, False),
    ]


def _hop(found: Sequence[Node], moves: _Moves) -> list[Part]:
    """What was turned into another asset neither came nor went. What left without a payment is
    what the chain took as fees."""
    arrived = Tally().add_sums(s for node in found for s in node.received)
    arrived.join(moves.turned_in, -1)
    left = Tally().add_sums(s for node in found for s in node.left)
    fees = left.join(moves.gave(), -1)
    rests = _held(node for node in found if node.state not in (*_OPEN, State.STOPPED))
    stopped = _held(node for node in found if node.state is State.STOPPED)
    unread = _held(node for node in found if node.state in _OPEN)
    turned = Tally().join(moves.turned_in).join(moves.turned_out, -1)
    differs = Tally().join(arrived).join(turned)
    for each in (rests, stopped, unread, moves.burnt, fees, moves.went):
        differs.join(each, -1)
    return [
        ("Arrived", arrived, True),
        ("Turned there", turned, False),
        ("Rests", rests, True),
        ("Stopped", stopped, True),
        ("To be read", unread, False),
        ("Destroyed", moves.burnt, False),
        ("Fees", fees, False),
        ("Went on", moves.went, True),
        ("Differs by", differs, False),
    ]


def _held(nodes: Iterable[Node]) -> Tally:
    return Tally().add_sums(s for node in nodes for s in node.holds)


def _take(tally: Tally, edge: Edge) -> None:
    """What came out; the same that went in where nothing was converted."""
    if edge.got is None:
        tally.add(edge.asset, edge.traced, edge.usd)
    else:
        tally.add(edge.got.asset, edge.got.amount, edge.got.usd)


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
        f"{name.lower()} {' + '.join(measure.exact(tally))}"
        for name, tally, always in parts
        if always or not measure.is_zero(tally)
    ]
    return f"{head}, sums: {'; '.join(said)}."
