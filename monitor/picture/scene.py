"""What of a trace is shown: which addresses have a box, and which share one with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from monitor.chains.address import as_written
from monitor.model import Subject
from monitor.model.plain import clean, moment, tidy
from monitor.model.trace import Edge, Node, Trace
from monitor.picture.measure import Tally, measure_of

_LAST = 24  # columns; what is further away stands in the last one


class Scene:
    """A trace with the nodes that are shown, the box of each, and the measure of the picture."""

    def __init__(self, trace: Trace, chains: Mapping[str, str], boxes: int) -> None:
        self.trace, self.measure = trace, measure_of(trace)
        self._chains = chains
        self.several = len({node.subject.chain for node in trace.nodes}) > 1
        times = [edge.time for edge in trace.edges]
        years = (
            {at.year for time in (min(times), max(times)) if (at := moment(time))} if times else ()
        )
        self.several_years = len(years) > 1
        shown = [node for node in trace.nodes if not self._is_idle(node)]
        self.idle = len(trace.nodes) - len(shown)
        self.nodes = {node.subject: node for node in shown}
        kept = _kept(shown, self._value, boxes)
        self.box_of = {n.subject: n.subject.key if n.subject in kept else _rest(n) for n in shown}

    def _is_idle(self, node: Node) -> bool:
        """Reachable, but by no method that counts did anything come to it."""
        sums = (*node.received, *node.left, *node.holds)
        return node.hop > 0 and self.measure.is_nothing(Tally().add_sums(sums))

    def _value(self, node: Node) -> float:
        sums = node.received if node.hop else node.left
        return self.measure.width(Tally().add_sums(sums))[1]

    def counts(self, edge: Edge) -> bool:
        """Whether anything is traced in it by a method that counts."""
        return any(edge.traced.get(method) for method in self.measure.methods)

    def is_ours(self, subject: Subject) -> bool:
        """One of our own addresses: those are never shown."""
        return subject in self.trace.touched

    def who(self, subject: Subject) -> str:
        return "one of ours" if self.is_ours(subject) else self.address(subject)

    def address(self, subject: Subject) -> str:
        return as_written(tidy(subject.address, 120))

    def chain(self, key: str) -> str:
        return clean(self._chains.get(key, key.replace("-", " ").title()), 24)


def ends(edge: Edge) -> tuple[Subject, Subject]:
    """Who gave, and who got it on the chain where it came out."""
    taker = Subject(edge.to_chain or edge.chain, edge.recipient)
    return Subject(edge.chain, edge.sender), taker


def column_of(node: Node) -> int:
    return min(node.hop, _LAST)


def is_others(key: str) -> bool:
    """Whether this is the box of those that have none of their own."""
    return key.startswith("hop ")


def _rest(node: Node) -> str:
    return f"hop {column_of(node)} others"


def _kept(nodes: Sequence[Node], value: Callable[[Node], float], boxes: int) -> set[Subject]:
    """Who has a box of its own: those of the most value, as many as fit. The box of the others of
    a hop counts too; where it would hold one, that one stands for itself."""
    near = [node for node in nodes if node.hop <= _LAST]
    ranked = sorted(near, key=lambda n: (-value(n), n.hop, n.subject.key))
    for count in range(min(len(ranked), boxes), -1, -1):
        kept = {node.subject for node in ranked[:count]}
        left: dict[int, list[Node]] = {}
        for node in nodes:
            if node.subject not in kept:
                left.setdefault(column_of(node), []).append(node)
        if count + len(left) <= boxes:
            break
    alone = {found[0].subject for found in left.values() if len(found) == 1}
    return kept | alone
