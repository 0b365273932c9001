"""The ways of a trace as a tree on a terminal, from the watched addresses to the ends.

Payments of one address to another in one asset are one branch. An address whose value came by
several ways stands where most came from, and is named at the others.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.messages.trace.words import (
    Page,
    counted,
    detail_said,
    is_any,
    minute,
    names_said,
    read_said,
    short,
    span,
    state_said,
    sum_short,
)
from monitor.model import Subject
from monitor.model.flow import METHODS
from monitor.model.trace import ByMethod, Edge, Node, State, Sum, Trace, TracedAsset

_LEAST = 44  # columns that text keeps, however deep it stands
_VIA = {"swap": "swapped", "wrap": "wrapped", "nft": "traded for an NFT", "bridge": "over a bridge"}


@dataclass(frozen=True, slots=True)
class Branch:
    """All that one address paid another in one asset, in the same way."""

    sender: Subject
    recipient: Subject
    edges: tuple[Edge, ...]  # in time

    @property
    def traced(self) -> Sum:
        return Sum(self.edges[0].asset, _added([edge.traced for edge in self.edges]))

    @property
    def got(self) -> Sum | None:
        found = [edge.got for edge in self.edges if edge.got is not None]
        return Sum(found[0].asset, _added([each.amount for each in found])) if found else None

    @property
    def value(self) -> tuple[int, int]:
        """USD millionths by the highest method; where nobody knows them, units."""
        usd = _added([edge.usd for edge in self.edges if edge.usd is not None])
        return span(usd)[1], span(self.traced.amount)[1]

    @property
    def order(self) -> tuple[int, int, int, str]:
        dollars, units = self.value
        return -dollars, -units, self.edges[0].time, self.recipient.key


def _added(figures: Sequence[ByMethod]) -> ByMethod:
    return {m: sum(each.get(m, 0) for each in figures) for m in METHODS if figures}


def branches(edges: Sequence[Edge]) -> list[Branch]:
    """In the order of their first payments."""
    found: dict[tuple[Subject, Subject, TracedAsset, str | None, TracedAsset | None], list[Edge]]
    found = {}
    for edge in edges:
        recipient = Subject(edge.to_chain or edge.chain, edge.recipient)
        got = edge.got.asset if edge.got is not None else None
        key = (Subject(edge.chain, edge.sender), recipient, edge.asset, edge.via, got)
        found.setdefault(key, []).append(edge)
    return [Branch(key[0], key[1], tuple(mine)) for key, mine in found.items()]


def parents(nodes: Mapping[Subject, Node], found: Sequence[Branch]) -> dict[Subject, Branch]:
    """Of each address the branch under which it stands: the largest that comes from nearer to
    the watched addresses."""
    best: dict[Subject, Branch] = {}
    for branch in found:
        payer, taker = nodes.get(branch.sender), nodes.get(branch.recipient)
        if payer is None or taker is None or payer.hop >= taker.hop:
            continue
        if taker.state is State.SOURCE:
            continue
        other = best.get(branch.recipient)
        if other is None or branch.order < other.order:
            best[branch.recipient] = branch
    return best


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next address is printed: `lead` stands before its first line, `rest` before all
    later ones."""

    subject: Subject
    branch: Branch | None
    lead: str
    rest: str


class _Tree:
    def __init__(self, trace: Trace, page: Page) -> None:
        self._page = page
        self._nodes = {node.subject: node for node in trace.nodes}
        found = [branch for branch in branches(trace.edges) if is_any(branch.traced)]
        self._parents = parents(self._nodes, found)
        self._out: dict[Subject, list[Branch]] = {}
        for branch in found:
            self._out.setdefault(branch.sender, []).append(branch)

    def roots(self) -> list[Subject]:
        return [s for s, n in self._nodes.items() if s not in self._parents and self._shown(n)]

    def _shown(self, node: Node) -> bool:
        """All but what only poison reaches."""
        return node.state is State.SOURCE or _is_named(node) or any(map(is_any, node.received))

    def lines(self, root: Subject) -> Iterator[str]:
        """One watched address and all that stands under it; deep ones too."""
        todo = [_Place(root, None, "", "")]
        while todo:
            place = todo.pop()
            yield from self._place(place)
            branch = place.branch
            if branch is None or self._parents.get(place.subject) is branch:
                todo += reversed(self._below(place))

    def _below(self, place: _Place) -> list[_Place]:
        out = self._out.get(place.subject, ())
        paid = sorted((b for b in out if b.recipient != place.subject), key=lambda b: b.order)
        last = len(paid) - 1
        return [
            _Place(
                branch.recipient,
                branch,
                f"{place.rest}{'└─ ' if at == last else '├─ '}",
                f"{place.rest}{'   ' if at == last else '│  '}",
            )
            for at, branch in enumerate(paid)
        ]

    def _place(self, place: _Place) -> Iterator[str]:
        said: list[str] = [*self._moved(place.branch)] if place.branch is not None else []
        said.append(self._page.place(place.subject))
        node = self._nodes.get(place.subject)
        if place.branch is not None and self._parents.get(place.subject) is not place.branch:
            said[-1] += f" ({self._elsewhere(place.subject)})"
        elif node is not None:
            said += self._about(node)
        lead = place.lead
        for text in said:
            yield from self._wrapped(text, lead, place.rest)
            lead = place.rest

    def _elsewhere(self, subject: Subject) -> str:
        node = self._nodes.get(subject)
        if node is None:
            return "not followed"
        if node.state is State.SOURCE:
            return "back to a watched address"
        return f"stands at hop {node.hop}"

    def _moved(self, branch: Branch) -> Iterator[str]:
        """How much, of how much, in how many payments, when; and what it became."""
        first, last = branch.edges[0], branch.edges[-1]
        paid = sum(edge.amount for edge in branch.edges)
        said = sum_short(branch.traced, self._page)
        if span(branch.traced.amount)[0] != paid:
            said += f", of {short(first.asset, paid)} paid"
        when = minute(first.time)[:16]
        if len(branch.edges) > 1:
            when = (
                f"{counted(len(branch.edges), 'payment')} from {when} to {minute(last.time)[:16]}"
            )
        yield f"{said}; {when}"
        if branch.got is not None:
            how = _VIA.get(first.via or "", "turned")
            yield f"{how} into {sum_short(branch.got, self._page)}"

    def _about(self, node: Node) -> Iterator[str]:
        """Its state and name, what rests there, what it turned into something else."""
        held = ", ".join(sum_short(each, self._page) for each in node.holds if is_any(each))
        rests = f"holds {held}" if held else "nothing rests"
        if node.state in (State.SOURCE, State.STOPPED):
            rests = held
        elif _is_named(node):
            rests = "named by the event of a bridge; nothing that is recorded has arrived"
        yield "; ".join(filter(None, (state_said(node), names_said(node), rests)))
        if detail := detail_said(node):
            yield detail
        if not node.complete:
            yield read_said(node)
        for branch in self._out.get(node.subject, ()):
            if branch.recipient == node.subject:
                said = ", ".join(self._moved(branch))
                yield said if branch.got is not None else f"paid to itself: {said}"

    def _wrapped(self, text: str, lead: str, rest: str) -> list[str]:
        width = max(self._page.columns - len(rest), _LEAST)
        wrapped = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        return [f"{rest if at else lead}{line}" for at, line in enumerate(wrapped)]


def _is_named(node: Node) -> bool:
    """Whether it is known by the event of a bridge alone."""
    return not node.received and node.state in (State.QUEUED, State.WAITING)


def lines(trace: Trace, page: Page) -> Iterator[str]:
    """Every watched address with its tree; an address that no payment leads to stands alone."""
    tree = _Tree(trace, page)
    for root in tree.roots():
        yield from tree.lines(root)
