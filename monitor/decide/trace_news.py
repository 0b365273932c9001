"""What of a trace is news, how loud it is, and what waits for the daily mail. Pure.

What happened before following was switched on, or long ago, is history: one message a case.
News is what moves afterwards.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from monitor.decide import trace_sums as sums
from monitor.model import Alert, AlertKind, Entry, Lane, Severity, Subject
from monitor.model.facts import FROM_US, TO_US, Touched
from monitor.model.flow import CONSERVING
from monitor.model.ids import stable_id
from monitor.model.trace import REACHED, USD_UNIT, Edge, Told, Trace
from monitor.model.traced import Hop, Traced, Turn

DAY = 86_400
OLD = 3 * DAY  # seconds after which what moved is history, whenever it is found
TOGETHER = 600  # seconds for which what comes after a first message is collected
SHARE = 10  # a tenth of what left the watched addresses, within a day, is worth a mail


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


@dataclass(frozen=True, slots=True)
class End:
    """Where a movement came to whom can be asked."""

    place: Subject
    reason: str  # exchange | deposit_address | mixer | bridge
    name: str = ""  # what people call it
    confirmed: bool = True


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
        self.edges = [e for e in trace.edges if any(e.traced.get(m, 0) for m in CONSERVING)]
        self.taken_back = Counter(
            hop.key for _, facts in self._told(Turn.UNDONE) for hop in facts.hops
        )
        self.reached_keys = self._standing(Turn.REACHED)
        self.moved_keys = self._standing(Turn.MOVED)
        self.fresh = [edge for edge in self.edges if self._is_news(edge)]

    # -- what was told ---------------------------------------------------------------------------

    def _told(self, *turns: Turn) -> list[tuple[Alert, Traced]]:
        mine = ((a, a.facts) for a in self.ground.told)
        return [(a, f) for a, f in mine if isinstance(f, Traced) and f.turn in turns]

    def _left_of(self, alert: Alert, facts: Traced) -> list[Hop]:
        """The movements of an alert that were not taken back."""
        back = {
            hop.key for a, f in self._told(Turn.UNDONE) if a.amends == alert.id for hop in f.hops
        }
        return [hop for hop in facts.hops if hop.key not in back]

    def _standing(self, turn: Turn) -> dict[str, Alert]:
        """By movement the last alert that tells it, as far as it was not taken back."""
        found: dict[str, Alert] = {}
        for alert, facts in self._told(turn):
            found |= {hop.key: alert for hop in self._left_of(alert, facts)}
        return found

    def _is_news(self, edge: Edge) -> bool:
        """What the watched addresses pay themselves is told by their own alerts, but for where
        that comes to somebody who can be asked; what a deposit address is swept of by its own
        alert, as having reached it."""
        giver = self.nodes.get(Subject(edge.chain, edge.sender))
        if giver is not None and giver.stop is not None:
            return False
        if edge.time < max(self.ground.since, self.ground.now - OLD):
            return False
        return sums.passes_on(edge) or self._end(edge) is not None

    # -- somebody who can be asked ---------------------------------------------------------------

    def reached(self) -> list[Alert]:
        """The first payment to a place at once, later ones together after a while."""
        by_place: dict[tuple[Subject, bool], list[Edge]] = {}
        for edge in self.fresh:
            end = self._end(edge)
            if end is not None and not self._knows(edge, end):
                by_place.setdefault((end.place, end.confirmed), []).append(edge)
        found = []
        for (place, confirmed), edges in sorted(by_place.items()):
            last = self._last_at(place, confirmed=confirmed)
            if last is None or self.ground.now - last >= TOGETHER:
                found += [self._reached(part) for part in sums.parts(edges)]
        return found

    def _knows(self, edge: Edge, end: End) -> bool:
        """Whether it was told that this came there. Once a name is confirmed it is told as that."""
        told = self.reached_keys.get(edge.key)
        if told is None or not isinstance(told.facts, Traced):
            return False
        return told.facts.place == end.place.key and (told.facts.confirmed or not end.confirmed)

    def _last_at(self, place: Subject, *, confirmed: bool) -> int | None:
        here = [
            alert.created
            for alert, facts in self._told(Turn.REACHED)
            if facts.place == place.key and facts.confirmed == confirmed
        ]
        return max(here, default=None)

    def _reached(self, edges: Sequence[Edge]) -> Alert:
        end = self._end(edges[0])
        assert end is not None
        lowest = sum(sums.usd_low(edge) for edge in edges)
        loud = end.confirmed and lowest >= int(Decimal(self.trace.terms.tell_usd) * USD_UNIT)
        severity = Severity.SEVERE if loud else Severity.LOW
        facts = Traced(
            turn=Turn.REACHED,
            place=end.place.key,
            reason=end.reason,
            confirmed=end.confirmed,
            named=self._names(end.place),
            hops=self._hops(edges),
        )
        return self._alert(AlertKind.REACHED, severity, facts, edges, edges[0].chain)

    def _names(self, place: Subject) -> tuple[tuple[str, str, str], ...]:
        """All names side by side, whose and of which day."""
        node = self.nodes.get(place)
        return tuple((n.name, n.source, n.date) for n in node.names) if node is not None else ()

    def _end(self, edge: Edge) -> End | None:
        """Where it comes to whom can be asked; None where it is another step, also into a bridge
        whose other side is not found."""
        place = Subject(edge.to_chain or edge.chain, edge.recipient)
        node = self.nodes.get(place)
        stop = node.stop if node is not None else None
        name = sums.called(node) if node is not None else ""
        crossed = edge.via == "bridge" and edge.got is not None
        if stop is not None and stop.reason in REACHED and (crossed or stop.reason != "bridge"):
            return End(place, stop.reason, name, stop.confirmed)
        return End(place, "bridge", name) if crossed else None

    # -- value that moves on ---------------------------------------------------------------------

    def moved(self) -> list[Alert]:
        """What touches our own at once; else what moved on, and loudly where it is a lot."""
        new = [e for e in self.fresh if self._end(e) is None and e.key not in self.moved_keys]
        ours = [edge for edge in new if self._touches(edge)]
        rest = [edge for edge in new if not self._touches(edge)]
        found = [self._moved(Severity.SEVERE, part) for part in sums.parts(ours)]
        told = [alert for alert, _ in self._told(Turn.MOVED)]
        loud = [alert.created for alert in told if alert.severity is Severity.MEDIUM]
        quiet = [alert.created for alert in told if alert.severity is not Severity.SEVERE]
        now = self.ground.now
        of_day = self._of_a_day()
        if self._is_a_lot(of_day) and (not loud or now - max(loud) >= DAY):
            found += [self._moved(Severity.MEDIUM, part) for part in sums.parts(of_day)]
        elif not quiet or now - max(quiet) >= TOGETHER:
            found += [self._moved(Severity.LOW, part) for part in sums.parts(rest)]
        return found

    def _of_a_day(self) -> list[Edge]:
        """What moved on within a day and was not told loudly at the place that it came to."""
        return [
            edge
            for edge in self.fresh
            if self.ground.now - edge.time < DAY
            and not self._touches(edge)
            and (self._end(edge) is None or self._is_low(edge))
        ]

    def _is_low(self, edge: Edge) -> bool:
        told = self.reached_keys.get(edge.key)
        return told is not None and told.severity is Severity.LOW

    def _moved(self, severity: Severity, edges: Sequence[Edge]) -> Alert:
        moved = sums.moved_once(edges, self.trace.edges, self.trace.method)
        facts = Traced(turn=Turn.MOVED, hops=self._hops(edges), moved=moved)
        return self._alert(AlertKind.TRACED, severity, facts, edges, edges[0].chain)

    def _is_a_lot(self, edges: Sequence[Edge]) -> bool:
        """A tenth of what left the watched addresses. Value that moved twice counts once; what
        has no price counts as nothing."""
        left = sums.span(self.trace, "out_of_sources")
        moved = sums.moved_once([e for e in edges if e.usd is not None], self.trace.edges, "")
        return bool(left and moved and left.high and moved.high * SHARE >= left.high)

    def _touches(self, edge: Edge) -> bool:
        return any(True for _ in self._ours(edge))

    # -- what went before ------------------------------------------------------------------------

    def history(self) -> list[Alert]:
        """Once the first following has ended or asks; anew when it has grown, daily at most."""
        told, trace = self._told(Turn.HISTORY), self.trace
        old = [edge for edge in self.edges if self._is_history(edge)]
        open_ = [each for each in trace.wanted if each.subject not in self.ground.ours]
        if not old or not (told or not open_ or trace.questions or trace.ended):
            return []
        known = (_digest(" ".join(sorted(edge.key for edge in old))),)
        if told and (told[-1][1].known == known or self.ground.now - told[-1][0].created < DAY):
            return []
        before = {each.key for _, facts in told for each in facts.ours}
        touching = [
            edge
            for edge in old
            if edge.hop > 1 and any(each.key not in before for each in self._ours(edge))
        ]
        facts = Traced(turn=Turn.HISTORY, known=known, ask=self._asks(), moves=len(old))
        alert = self._alert(AlertKind.TRACED, Severity.MEDIUM, facts, touching, old[0].chain)
        return [replace(alert, tx=None, rows=(), amends=told[0][0].id if told else None)]

    def _is_history(self, edge: Edge) -> bool:
        """What was told as news does not become history by growing old."""
        if edge.time < self.ground.since:
            return True
        late = edge.time < self.ground.now - OLD and sums.passes_on(edge)
        return late and edge.key not in self.moved_keys and edge.key not in self.reached_keys

    # -- a person is asked -----------------------------------------------------------------------

    def question(self) -> list[Alert]:
        """The one that is open, and once a day again. Whom it is about changes while more is
        read: another question is one about none of those."""
        if not self.trace.questions:
            return []
        open_ = self.trace.questions[0]
        about = tuple(_digest(subject.key) for subject in open_.about)
        mine = [
            alert
            for alert, facts in self._told(Turn.QUESTION)
            if facts.reason == open_.kind and not set(facts.known).isdisjoint(about)
        ]
        if mine and self.ground.now - mine[-1].created < DAY:
            return []
        facts = Traced(turn=Turn.QUESTION, known=about, ask=self._asks(), reason=open_.kind)
        alert = self._alert(AlertKind.TRACE_QUESTION, Severity.MEDIUM, facts, (), None)
        first = (mine[-1].amends or mine[-1].id) if mine else None
        return [replace(alert, amends=first)]

    def _asks(self) -> str:
        return self.trace.questions[0].words if self.trace.questions else ""

    # -- what became of it -----------------------------------------------------------------------

    def undone(self) -> list[Alert]:
        """What was told and did not happen, or carries less because something before it did not:
        told to whoever had been told."""
        present, roots = {edge.key: edge for edge in self.edges}, self._roots()
        found = []
        for alert, facts in self._told(Turn.REACHED, Turn.MOVED):
            left = self._left_of(alert, facts)
            gone = [hop for hop in left if hop.key not in present]
            gone = [hop for hop in gone if roots or self.ground.undone(hop.key)]
            less = [hop for hop in left if roots and hop.key in present]
            lines = [
                line for hop in less for line in sums.lessened(hop, self._hop(present[hop.key]))
            ]
            if gone or lines:
                told = replace(facts, turn=Turn.UNDONE, hops=tuple(gone), lines=tuple(lines))
                made = self._alert(alert.kind, alert.severity, told, (), alert.chain, alert.id)
                found.append(replace(made, amends=alert.id))
        return found

    def _roots(self) -> bool:
        """Whether a movement of the state before did not happen."""
        if self.ground.before is None:
            return False
        present = {edge.key for edge in self.trace.edges}
        was = (edge.key for edge in self.ground.before.trace.edges)
        return any(self.ground.undone(key) for key in was if key not in present)

    def changed(self) -> list[Alert]:
        """What another method, label or limit did to the sums: once."""
        before = self.ground.before
        why = sums.why_changed(before.trace, self.trace) if before is not None else ()
        if before is None or not why:
            return []
        if before.trace.totals == self.trace.totals and before.trace.method == self.trace.method:
            return []
        facts = Traced(
            turn=Turn.CHANGED,
            lines=why,
            known=(_digest(f"{before.sha256} {self.ground.sha256}"),),
            was=sums.span(before.trace, "resting"),
            was_state=before.number,
        )
        return [self._alert(AlertKind.TRACED, Severity.LOW, facts, (), None)]

    # -- one alert -------------------------------------------------------------------------------

    def _hops(self, edges: Sequence[Edge]) -> tuple[Hop, ...]:
        return tuple(self._hop(edge) for edge in edges)

    def _hop(self, edge: Edge) -> Hop:
        figures = [edge.traced.get(method, 0) for method in CONSERVING]
        end, chosen = self._end(edge), self.trace.method
        usd = edge.usd or {}
        return Hop(
            *(edge.chain, edge.tx, edge.leg, edge.hop),
            symbol=edge.asset.symbol,
            decimals=edge.asset.decimals,
            low=min(figures),
            high=max(figures),
            chosen=edge.traced.get(chosen),
            usd=sums.figure(usd, chosen),
            time=edge.time,
            to=end.name if end else "",
            to_chain=edge.to_chain,
            touches=self._touches(edge),
        )

    def _alert(
        self,
        kind: AlertKind,
        severity: Severity,
        facts: Traced,
        edges: Sequence[Edge],
        chain: str | None,
        *about: str,
    ) -> Alert:
        ground = self.ground
        touched = facts.ours or tuple(t for edge in edges for t in self._ours(edge))
        told = replace(
            facts,
            read_at=ground.now,
            case=self.trace.case,
            state=ground.state,
            at=ground.now,
            sha256=ground.sha256,
            method=self.trace.method,
            rests=sums.span(self.trace, "resting"),
            left=sums.span(self.trace, "out_of_sources"),
            ends=sums.ends(self.trace),
            ours=touched,
        )
        return Alert(
            id=stable_id("A", ground.entry.id, *self._identity(told), *about),
            kind=kind,
            lane=Lane.NEWS,
            severity=Severity.SEVERE if touched else severity,
            created=ground.now,
            chain=chain or ground.entry.subject.chain,
            tx=edges[0].tx if len(edges) == 1 else None,
            entry_id=ground.entry.id,
            lane_reason="Followed money moved, or a person is asked.",
            facts=told,
            rows=tuple((edge.chain, edge.tx, edge.leg) for edge in edges),
        )

    def _identity(self, facts: Traced) -> Iterator[str]:
        """What makes it this news and no other: the same after a kill. What was taken back and
        happened after all is other news."""
        yield from (facts.turn, facts.place, "" if facts.confirmed else "unconfirmed")
        for hop in facts.hops:
            yield f"{hop.key} {self.taken_back[hop.key] or ''}"
        yield from facts.lines
        if not facts.hops:
            yield from (*facts.known, str(self.ground.now // DAY))
        if facts.turn == Turn.QUESTION:
            yield facts.reason

    def _ours(self, edge: Edge) -> Iterator[Touched]:
        to = Subject(edge.to_chain or edge.chain, edge.recipient)
        for end, way, other in (
            (to, TO_US, edge.sender),
            (Subject(edge.chain, edge.sender), FROM_US, edge.recipient),
        ):
            if end in self.ground.ours:
                name, label = self.ground.ours[end]
                yield Touched(edge.chain, edge.tx, edge.leg, way, other, name, label)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
