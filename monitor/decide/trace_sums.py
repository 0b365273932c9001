"""Sums of a trace as alerts tell them: lowest and highest by the methods that conserve. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from monitor.model import Subject
from monitor.model.flow import CONSERVING, METHOD_SAID
from monitor.model.plain import amount_said, tidy
from monitor.model.trace import ByMethod, Edge, Node, State, Sum, Trace
from monitor.model.traced import RESTS, WAITS, Ended, Figure, Hop

MOST = 500  # movements of one alert; more make another one


def figure(figures: ByMethod, method: str) -> Figure | None:
    """Of figures in USD; None where there are none. `method`: the one that is shown first."""
    found = [figures[each] for each in CONSERVING if each in figures]
    return Figure(min(found), max(found), figures.get(method)) if found else None


def usd_low(edge: Edge) -> int:
    """USD by the lowest method; what has no price counts as nothing."""
    found = figure(edge.usd or {}, "")
    return found.low if found else 0


def span(trace: Trace, what: str) -> Figure | None:
    """A sum of the totals in USD, by its name in Total."""
    by_method = {t.method: getattr(t, what) for t in trace.totals if t.asset is None}
    return figure(by_method, trace.method)


def moved_once(edges: Sequence[Edge], every: Sequence[Edge], method: str) -> Figure | None:
    """USD that moved on by these movements; `every`: all of the trace, in order of time. What
    somebody passed on of what had come by one of them counts once, whatever it went through
    meanwhile. None: some of it has no price."""
    if not edges or any(edge.usd is None for edge in edges):
        return None
    meant = {edge.key for edge in edges}
    return figure({m: _once(meant, every, m) for m in CONSERVING}, method)


def _once(meant: Collection[str], every: Sequence[Edge], method: str) -> int:
    came: Counter[Subject] = Counter()
    moved = 0
    for edge in every:
        worth, sender = (edge.usd or {}).get(method, 0), Subject(edge.chain, edge.sender)
        again = min(worth, came[sender])
        counted = worth if edge.key in meant else again
        came[sender] -= again
        came[Subject(edge.to_chain or edge.chain, edge.recipient)] += counted
        moved += counted - again
    return moved


def called(node: Node) -> str:
    """What people call it; of a deposit address, the exchange that it sweeps to."""
    return node.exchange or (node.names[0].name if node.names else "")


def ends(trace: Trace) -> tuple[Ended, ...]:
    """Where what left is now: at rest, not read yet, and by whom it ended; largest first."""
    groups: dict[tuple[str, str, bool], list[Node]] = {}
    for node in trace.nodes:
        if node.state is not State.SOURCE and any(_is_any(each) for each in node.holds):
            groups.setdefault(_group(node), []).append(node)
    found = [_ended(group, nodes, trace.method) for group, nodes in groups.items()]
    return tuple(sorted(found, key=lambda e: (-(e.usd.high if e.usd else 0), e.reason, e.name)))


def _group(node: Node) -> tuple[str, str, bool]:
    if node.state in (State.QUEUED, State.WAITING):
        return WAITS, "", True
    if node.stop is None:
        return RESTS, "", True
    named = called(node) if node.stop.reason in ("exchange", "deposit_address", "mixer") else ""
    return node.stop.reason, named, node.stop.confirmed


def _ended(group: tuple[str, str, bool], nodes: Iterable[Node], method: str) -> Ended:
    held = [each for node in nodes for each in node.holds if _is_any(each)]
    priced = [each.usd for each in held if each.usd is not None]
    summed = {m: sum(each.get(m, 0) for each in priced) for m in CONSERVING}
    return Ended(
        *group,
        places=len(list(nodes)),
        usd=figure(summed, method) if priced else None,
        unpriced=len(held) - len(priced),
    )


def _is_any(each: Sum) -> bool:
    return any(each.amount.get(method, 0) for method in CONSERVING)


def units_said(hop: Hop) -> str:
    """ "10 to 20 USDT"."""
    low, high = amount_said(hop.low, hop.decimals), amount_said(hop.high, hop.decimals)
    symbol = tidy(hop.symbol, 20)
    return f"{high} {symbol}" if low == high else f"{low} to {high} {symbol}"


def why_changed(old: Trace, new: Trace) -> tuple[str, ...]:
    """What persons changed between two traces that may make other sums, in words."""
    found = []
    if old.method != new.method:
        said = METHOD_SAID.get(new.method, "none")
        found.append(f"another method is shown first: {said}")
    if old.terms != new.terms:
        found.append("a limit of the case was changed")
    names = {node.subject: _claims(node) for node in old.nodes}
    renamed = sum(names.get(node.subject, _claims(node)) != _claims(node) for node in new.nodes)
    if renamed:
        found.append(f"{renamed:,} address{'es have' if renamed > 1 else ' has'} another label")
    return tuple(found)


def _claims(node: Node) -> Iterable[object]:
    return [(each.name, each.category, each.confidence) for each in node.names]


def passes_on(edge: Edge) -> bool:
    """Whether it goes from one who is followed to somebody else, and is no exchange in place."""
    same = edge.sender == edge.recipient and edge.to_chain in ("", edge.chain)
    return edge.hop > 1 and not same


def parts(edges: Sequence[Edge]) -> Iterator[Sequence[Edge]]:
    """As many as one alert holds at a time."""
    return (edges[at : at + MOST] for at in range(0, len(edges), MOST))


def lessened(was: Hop, now: Hop) -> Iterator[str]:
    """That a movement stands, and carries less than was told."""
    if now.high < was.high:
        yield f"{was.tx}: {units_said(was)} was told, {units_said(now)} is traced now."
