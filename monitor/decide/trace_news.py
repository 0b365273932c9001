"""What of a trace is news, how loud it is, and what waits for the daily mail. Pure.

What happened before following was switched on, or long ago, is history: one message a case.
News is what moves afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from monitor.model import Alert, AlertKind, Entry, Lane, Severity, Subject
from monitor.model.facts import Touched
from monitor.model.flow import CONSERVING
from monitor.model.ids import stable_id
from monitor.model.trace import (
    REACHED,
    USD_UNIT,
    ByMethod,
    Edge,
    Node,
    Told,
    Trace,
)
from monitor.model.traced import Hop, Traced, Turn

DAY = 86_400
OLD = 3 * DAY  # seconds after which what moved is history, whenever it is found
TOGETHER = 600  # seconds for which later payments to one place are collected
SHARE = 10  # a tenth of what left the watched addresses, within a day, is worth a mail
MOST = 500  # movements of one alert


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known beside the trace. `entry`: whom alerts of the case are about; `since`: when
    following was switched on; `told`: the alerts about this trace so far, oldest first; `state`
    and `sha256`: of the state that is being taken; `undone`: whether a movement did not happen."""

    entry: Entry
    since: int
    now: int
    state: int
    sha256: str
    told: Sequence[Alert] = ()
    undone: Callable[[str], bool] = lambda _key: False
    # Of each of our own, our list and the label.
    ours: Mapping[Subject, tuple[str, str]] = field(default_factory=dict)
    before: Told | None = None


def news(trace: Trace, ground: Ground) -> list[Alert]:
    """The alerts that are due now. Those that were told already are not among them."""
    look = _Look(trace, ground)
    found = [
        *look.undone(),
        *look.reached(),
        *look.moved(),
        *look.history(),
        *look.question(),
        *look.changed(),
    ]
    known = {alert.id for alert in ground.told}
    return [alert for alert in found if alert.id not in known]


class _Look:
    def __init__(self, trace: Trace, ground: Ground) -> None:
        self.trace, self.ground = trace, ground
        self.nodes = {node.subject: node for node in trace.nodes}
        self.of_turn = {turn: self._told(turn) for turn in Turn}
        self.keys = {hop.key for facts in self._all() for hop in facts.hops}
        self.fresh = [edge for edge in trace.edges if self._is_news(edge)]

    def _all(self) -> list[Traced]:
        return [a.facts for a in self.ground.told if isinstance(a.facts, Traced)]

    def _told(self, turn: Turn) -> list[tuple[Alert, Traced]]:
        mine = ((a, a.facts) for a in self.ground.told)
        return [(a, f) for a, f in mine if isinstance(f, Traced) and f.turn == turn]

    def _is_news(self, edge: Edge) -> bool:
        moved = any(edge.traced.get(method, 0) for method in CONSERVING)
        giver = self.nodes.get(Subject(edge.chain, edge.sender))
        if giver is not None and giver.stop is not None:
            return False  # a deposit address is swept: that it was reached is told of it
        recent = edge.time >= max(self.ground.since, self.ground.now - OLD)
        return (moved and recent and edge.hop > 1) or (
            moved and recent and self._end(edge) is not None
        )

    # -- somebody who can be asked ---------------------------------------------------------------

    def reached(self) -> list[Alert]:
        """The first payment to a place at once, later ones together after a while."""
        by_place: dict[Subject, list[Edge]] = {}
        for edge in self.fresh:
            end = self._end(edge)
            if end is not None and edge.key not in self.keys:
                by_place.setdefault(end.subject, []).append(edge)
        found = []
        for place, edges in sorted(by_place.items()):
            earlier = [a for a, f in self.of_turn[Turn.REACHED] if f.place == place.key]
            last = max((a.created for a in earlier), default=None)
            if last is not None and self.ground.now - last < TOGETHER:
                continue
            found.append(self._reached(self.nodes[place], edges if earlier else edges[:1]))
        return found

    def _reached(self, node: Node, edges: Sequence[Edge]) -> Alert:
        assert node.stop is not None
        lowest = sum(usd(edge.usd, lowest=True) or 0 for edge in edges)
        loud = lowest >= int(Decimal(self.trace.terms.tell_usd) * USD_UNIT) and node.stop.confirmed
        severity = Severity.SEVERE if loud else Severity.LOW
        facts = Traced(
            turn=Turn.REACHED,
            place=node.subject.key,
            reason=node.stop.reason,
            confirmed=node.stop.confirmed,
            hops=self._hops(edges),
        )
        return self._alert(AlertKind.REACHED, severity, facts, edges, node.subject.chain)

    def _end(self, edge: Edge) -> Node | None:
        """Where it comes to whom can be asked: the place, None where it is another step."""
        chain = edge.to_chain or edge.chain
        node = self.nodes.get(Subject(chain, edge.recipient))
        if node is None or node.stop is None or node.stop.reason not in REACHED:
            return None
        return node if node.stop.reason != "bridge" or edge.got is not None else None

    # -- value that moves on ---------------------------------------------------------------------

    def moved(self) -> list[Alert]:
        """One alert a day for what moved on; at once where it is a lot, or touches our own."""
        new = [e for e in self.fresh if self._end(e) is None and e.key not in self.keys]
        ours = [edge for edge in new if self._touches(edge)]
        rest = [edge for edge in new if not self._touches(edge)]
        found = [self._moved(Severity.SEVERE, [edge]) for edge in ours]
        last = max((a.created for a, _ in self.of_turn[Turn.MOVED]), default=None)
        loud = self._is_a_lot([edge for edge in rest if self.ground.now - edge.time < DAY])
        said = [a for a, f in self.of_turn[Turn.MOVED] if a.severity is Severity.MEDIUM]
        if loud and (not said or self.ground.now - said[-1].created >= DAY):
            found.append(self._moved(Severity.MEDIUM, rest))
        elif rest and (last is None or self.ground.now - last >= DAY):
            found.append(self._moved(Severity.LOW, rest))
        return found

    def _moved(self, severity: Severity, edges: Sequence[Edge]) -> Alert:
        hops = self._hops(edges)
        facts = Traced(turn=Turn.MOVED, hops=hops)
        return self._alert(AlertKind.TRACED, severity, facts, edges, edges[0].chain)

    def _is_a_lot(self, edges: Sequence[Edge]) -> bool:
        left = self._left()
        moved = sum(usd(edge.usd, lowest=False) or 0 for edge in edges)
        return bool(left and left[1] and moved * SHARE >= left[1])

    def _touches(self, edge: Edge) -> bool:
        chain = edge.to_chain or edge.chain
        ends = (Subject(edge.chain, edge.sender), Subject(chain, edge.recipient))
        return any(end in self.ground.ours for end in ends)

    # -- what went before ------------------------------------------------------------------------

    def history(self) -> list[Alert]:
        """Once the first following has ended or asks; anew when it has grown, daily at most."""
        fresh = {edge.key for edge in self.fresh}
        old = [edge for edge in self.trace.edges if edge.key not in fresh]
        told = self.of_turn[Turn.HISTORY]
        if not told and (self.trace.wanted and not self.trace.questions):
            return []
        known = tuple(sorted(_digest(edge.key) for edge in old))[:MOST]
        if told and (told[-1][1].known == known or self.ground.now - told[-1][0].created < DAY):
            return []
        if not old:
            return []
        facts = Traced(turn=Turn.HISTORY, known=known, lines=self._sums())
        alert = self._alert(AlertKind.TRACED, Severity.MEDIUM, facts, (), old[0].chain)
        first = told[0][0].id if told else None
        return [replace(alert, amends=first)]

    def _sums(self) -> tuple[str, ...]:
        """What ended where, for the message about the past."""
        by_reason: dict[str, int] = {}
        for node in self.trace.nodes:
            if node.stop is not None:
                by_reason[node.stop.reason] = by_reason.get(node.stop.reason, 0) + 1
        return tuple(f"{number} {reason}" for reason, number in sorted(by_reason.items()))

    # -- a person is asked -----------------------------------------------------------------------

    def question(self) -> list[Alert]:
        """The one that is open, and once a day again."""
        if not self.trace.questions:
            return []
        asked = self.trace.questions[0]
        about = [subject.key for subject in asked.about]
        name = _digest(" ".join([asked.kind, *about]))
        mine = [a for a, f in self.of_turn[Turn.QUESTION] if f.known == (name,)]
        if mine and self.ground.now - mine[-1].created < DAY:
            return []
        facts = Traced(turn=Turn.QUESTION, known=(name,), ask=asked.words)
        alert = self._alert(AlertKind.TRACE_QUESTION, Severity.MEDIUM, facts, (), None)
        first = mine[0].id if mine else None
        return [replace(alert, amends=first)]

    # -- what became of it -----------------------------------------------------------------------

    def undone(self) -> list[Alert]:
        """What was told and did not happen: told to whoever had been told."""
        present = {edge.key for edge in self.trace.edges}
        found = []
        for alert, facts in (*self.of_turn[Turn.REACHED], *self.of_turn[Turn.MOVED]):
            gone = [hop for hop in facts.hops if hop.key not in present]
            gone = [hop for hop in gone if self.ground.undone(hop.key)]
            if gone:
                told = replace(facts, turn=Turn.UNDONE, hops=tuple(gone), lines=())
                made = self._alert(alert.kind, alert.severity, told, (), alert.chain)
                found.append(replace(made, amends=alert.id))
        return found

    def changed(self) -> list[Alert]:
        """That another method, label or limit made other sums: once for each state."""
        before = self.ground.before
        if before is None or self._why_changed(before.trace) == "":
            return []
        old, new = _span(before.trace, "resting"), _span(self.trace, "resting")
        if old == new and before.trace.method == self.trace.method:
            return []
        why = self._why_changed(before.trace)
        facts = Traced(turn=Turn.CHANGED, lines=(why,), known=(before.sha256,))
        return [self._alert(AlertKind.TRACED, Severity.LOW, facts, (), None)]

    def _why_changed(self, old: Trace) -> str:
        found = []
        if old.method != self.trace.method:
            found.append(f"the method {self.trace.method} is shown first now")
        if old.terms != self.trace.terms:
            found.append("a limit of the case is another one")
        names = {node.subject: node.names for node in old.nodes}
        renamed = [n for n in self.trace.nodes if names.get(n.subject, n.names) != n.names]
        if renamed:
            found.append(f"{len(renamed)} address(es) have another name")
        return "; ".join(found)

    # -- one alert -------------------------------------------------------------------------------

    def _hops(self, edges: Sequence[Edge]) -> tuple[Hop, ...]:
        return tuple(self._hop(edge) for edge in edges[:MOST])

    def _hop(self, edge: Edge) -> Hop:
        figures = [edge.traced.get(method, 0) for method in CONSERVING]
        low, high = usd(edge.usd, lowest=True), usd(edge.usd, lowest=False)
        end = self._end(edge)
        return Hop(
            *(edge.chain, edge.tx, edge.leg, edge.hop),
            symbol=edge.asset.symbol,
            decimals=edge.asset.decimals,
            low=min(figures),
            high=max(figures),
            usd_low=low,
            usd_high=high,
            time=edge.time,
            to=_called(end) if end else "",
            touches=self._touches(edge),
        )

    def _alert(
        self,
        kind: AlertKind,
        severity: Severity,
        facts: Traced,
        edges: Sequence[Edge],
        chain: str | None,
    ) -> Alert:
        ground = self.ground
        touched = tuple(t for edge in edges for t in self._ours(edge))
        told = replace(
            facts,
            read_at=ground.now,
            case=self.trace.case,
            state=ground.state,
            at=ground.now,
            sha256=ground.sha256,
            method=self.trace.method,
            rests=_span(self.trace, "resting"),
            left=self._left(),
            ours=touched,
        )
        about = [hop.key for hop in facts.hops] or [*facts.known, str(ground.now // DAY)]
        return Alert(
            id=stable_id("A", ground.entry.id, facts.turn, facts.place, *about),
            kind=kind,
            lane=Lane.NEWS,
            severity=Severity.SEVERE if touched else severity,
            created=ground.now,
            chain=chain,
            tx=edges[0].tx if len(edges) == 1 else None,
            entry_id=ground.entry.id,
            lane_reason="Followed money moved or asks.",
            facts=told,
            rows=tuple((edge.chain, edge.tx, edge.leg) for edge in edges[:MOST]),
        )

    def _ours(self, edge: Edge) -> list[Touched]:
        found = []
        for end, way, other in (
            (Subject(edge.to_chain or edge.chain, edge.recipient), "to us", edge.sender),
            (Subject(edge.chain, edge.sender), "from us", edge.recipient),
        ):
            if end in self.ground.ours:
                name, label = self.ground.ours[end]
                found.append(Touched(edge.chain, edge.tx, edge.leg, way, other, name, label))
        return found

    def _left(self) -> tuple[int, int] | None:
        return _span(self.trace, "out_of_sources")


def usd(figures: ByMethod | None, *, lowest: bool) -> int | None:
    """By the lowest or highest method that conserves."""
    found = [figures[m] for m in CONSERVING if m in figures] if figures else []
    return (min(found) if lowest else max(found)) if found else None


def _span(trace: Trace, what: str) -> tuple[int, int] | None:
    """Lowest and highest of the sums in USD."""
    found = [getattr(t, what) for t in trace.totals if t.asset is None and t.method in CONSERVING]
    return (min(found), max(found)) if found else None


def _called(node: Node) -> str:
    """What people call it; of a deposit address, the exchange that it sweeps to."""
    return node.exchange or (node.names[0].name if node.names else "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
