"""A case's trace from what is known: attribution, stop rules, states, sums. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.analysis.attribution.replay import Replay
from monitor.analysis.trace import bounds, frontier, said, totals
from monitor.analysis.trace.again import Again
from monitor.analysis.trace.books import Books, books_of, what_is_held
from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.ledger import Ledger, ledger_of
from monitor.analysis.trace.nodes import Maker
from monitor.analysis.trace.run import Run, outflow_of
from monitor.analysis.trace.settle import Settler
from monitor.analysis.trace.steps import Flows
from monitor.analysis.trace.stops import Rules
from monitor.model import Subject
from monitor.model.trace import Total, Trace


class Tracer:
    """Of one case. Called again, it goes on from the first movement that differs."""

    def __init__(self) -> None:
        self._again = Again()
        self._settler = Settler()
        self._other = Replay()  # withdrawals first, where moments have no order
        self._unbounded = Replay()  # of openings that nobody knows

    def trace(self, known: Known, *, whole: bool = True) -> Trace:
        """What `known` comes to; the same whatever was traced before. Not `whole`: quicker, for
        what is to be learned next alone, without edges, totals and bounds."""
        terms = said.terms_now(known.terms, known.words)
        flows = flows_of(known, self._again)
        ledger = ledger_of(flows, flows.steps)
        rules = Rules(known, terms, outflow_of(ledger), flows.sent, _mixed(flows, ledger))
        sent = {id(each.step): each for each in flows.sent}
        run = self._settler.settle(known, ledger, rules, _promised(flows, rules))
        books = books_of(run) if whole else what_is_held(run)
        limits = frontier.limits(known, terms, rules, run, books)
        maker = Maker(known, run, limits, books, self._bounds(known, run, limits, books, whole))
        all_nodes = maker.nodes()
        method = said.chosen_method(known.words)
        return Trace(
            case=known.case,
            title=known.title,
            terms=terms,
            nodes=all_nodes,
            edges=maker.edges(sent) if whole else (),
            totals=self._totals(flows, run, limits) if whole else (),
            wanted=frontier.wanted(known, run, limits, flows, rules),
            questions=frontier.questions(known, run, limits, terms, flows.leads),
            leads=flows.leads,
            method=method.value if method else "",
            method_by=method.by if method else "",
            method_why=method.why if method else "",
            followed=limits.followed,
            ended=limits.ended,
            touched=tuple(n.subject for n in all_nodes if n.subject in known.ours),
        )

    def _totals(self, flows: Flows, run: Run, limits: frontier.Limits) -> tuple[Total, ...]:
        mine = totals.sums(run.ledger, run.result, limits)
        if flows.other is None:
            return totals.totals(mine, None)
        ledger = ledger_of(flows, flows.other)
        result = self._other.run(ledger.flows, run.ground)
        return totals.totals(mine, totals.sums(ledger, result, limits))

    def _bounds(
        self,
        known: Known,
        run: Run,
        limits: frontier.Limits,
        books: Mapping[Subject, Books],
        asked: bool,
    ) -> bounds.Bounds:
        """What every address holds if those whose record is not whole had any amount before it."""
        whole = bounds.wholeness(known, run, limits)
        accounts = bounds.without_opening(run, whole) if asked else frozenset()
        unbounded = books
        if accounts:
            openings = {**run.ground.openings, **dict.fromkeys(accounts, bounds.UNBOUNDED)}
            ground = replace(run.ground, openings=openings)
            result = self._unbounded.run(run.ledger.flows, ground)
            unbounded = books_of(replace(run, ground=ground, result=result))
        unknown = frozenset(
            (run.ledger.owners[a], run.ledger.assets[a.chain, a.asset]) for a in accounts
        )
        return bounds.Bounds(known, whole, books, unbounded, unknown)


def _promised(flows: Flows, rules: Rules) -> dict[int, list[Subject]]:
    """Whom steps may have gone on to: as bridges name them, and as a person agreed with a guess."""
    found: dict[int, list[Subject]] = {}
    for sent in flows.sent:
        if sent.to is not None:
            found.setdefault(id(sent.step), []).append(sent.to)
    tracked = {*rules.known.followed, *(source.subject for source in rules.known.sources)}
    guessed = {lead.tx: lead.subject for lead in flows.leads if rules.approved(lead.subject)}
    for step in flows.steps if guessed else ():
        if step.tx in guessed and step.recipient is not None and step.recipient not in tracked:
            found.setdefault(id(step), []).append(guessed[step.tx])
    return found


def _mixed(flows: Flows, ledger: Ledger) -> frozenset[Subject]:
    return frozenset(ledger.owners[account] for account in flows.mixed)
