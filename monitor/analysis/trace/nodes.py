"""Addresses and movements of a trace, from what a run came to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from monitor.analysis.attribution.holding import of_poison
from monitor.analysis.attribution.numbers import WHOLE
from monitor.analysis.trace import naming
from monitor.analysis.trace.arrivals import Carried
from monitor.analysis.trace.books import Books, Pots
from monitor.analysis.trace.bounds import Bounds
from monitor.analysis.trace.frontier import Limits
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.ledger import Pot, most, pot_of
from monitor.analysis.trace.run import Run
from monitor.analysis.trace.steps import Sent
from monitor.model import Subject
from monitor.model.dates import utc_day
from monitor.model.trace import (
    USD_UNIT,
    ByMethod,
    Edge,
    Node,
    State,
    Sum,
    TracedAsset,
)

_EXACT = 400  # digits: a uint256 times any price


@dataclass(frozen=True, slots=True)
class Maker:
    known: Known
    run: Run
    limits: Limits
    books: Mapping[Subject, Books]
    bounds: Bounds

    def nodes(self) -> tuple[Node, ...]:
        """By hop, then value, then name."""
        found = [self._node(subject) for subject in sorted(self.limits.states)]
        return tuple(sorted(found, key=lambda n: (n.hop, -self._value(n.subject), n.subject)))

    def _value(self, subject: Subject) -> int:
        books = self.books.get(subject, Books())
        pots = books.left if subject not in self.run.arrived else books.received
        return sum(pot.most() for pot in pots.values())

    def _node(self, subject: Subject) -> Node:
        state, stop = self.limits.states[subject]
        books = self.books.get(subject, Books())
        arrived = self.run.arrived.get(subject)
        verdict = self.run.verdicts.get(subject)
        profile = self.known.profiles.get(subject)
        unread = self.bounds.whole.unread(subject)
        read = state is State.SOURCE or subject in self.known.followed
        return Node(
            subject=subject,
            hop=0 if arrived is None else arrived.hop[1],
            state=state,
            stop=stop,
            names=naming.in_order(self.known.names(subject)),
            first_traced=books.first_out if arrived is None else arrived.first,
            last_moved=_latest(books.last_out, None if arrived is None else arrived.last),
            complete=not unread,
            unread=unread,
            covered_to=self.known.rows(subject).covered_to if read else None,
            received=self._sums(books.received),
            left=self._sums(books.left),
            holds=tuple(self._held(subject, s) for s in self._sums(books.holds)),
            wallet=profile.wallet if profile else "",
            exchange=verdict.exchange if verdict else "",
        )

    def _sums(self, pots: Pots) -> tuple[Sum, ...]:
        found = [_sum(asset, pot) for asset, pot in pots.items() if not pot.empty]
        return tuple(sorted(found, key=_largest_first))

    def _held(self, subject: Subject, held: Sum) -> Sum:
        price = None
        if held.asset.verified or not held.asset.contract:
            price = self.known.market.newest(held.asset.chain, held.asset.contract)
        worth = None
        if price is not None and held.asset.decimals is not None:
            decimals = held.asset.decimals
            worth = {m: _worth(n, price.usd, decimals) for m, n in held.amount.items()}
        return Sum(
            held.asset,
            held.amount,
            held.usd,
            held.by_source,
            bounds=self.bounds.holds(subject, held.asset),
            newest_usd=worth,
            newest_day=utc_day(price.at) if price is not None and worth is not None else "",
        )

    def edges(self, sent: Mapping[int, Sent]) -> tuple[Edge, ...]:
        """In order; what the chain took as fees is in the sums of its sender alone."""
        return tuple(self._edge(each, id(each.step) in sent) for each in self.run.steps)

    def _edge(self, each: Carried, deposit: bool) -> Edge:
        step, to = each.step, each.recipient
        went = each.pot if step.got is None else pot_of(each.outcome.taken)
        other = to.chain if to.chain != step.chain else ""
        return Edge(
            chain=step.chain,
            tx=step.tx,
            leg=step.leg,
            kind=step.kind,
            sender=each.sender.address if each.sender is not None else "",
            recipient=to.address,
            asset=step.asset,
            amount=step.amount,
            time=step.time,
            hop=each.hop[1],
            traced=went.amount(),
            usd=_usd(went),
            via="bridge" if deposit else step.via,
            to_chain=other,
            got=None if step.got is None else _sum(step.got, each.pot),
            got_amount=step.got_amount,
            held=int(each.outcome.held),
            before=pot_of(of_poison(each.outcome.before, each.outcome.held, WHOLE)).amount(),
            rule=step.rule,
            height=step.height,
        )


def _sum(asset: TracedAsset, pot: Pot) -> Sum:
    return Sum(asset, pot.amount(), _usd(pot), pot.by_source())


def _usd(pot: Pot) -> ByMethod | None:
    """None: some of it left its source without a price."""
    return None if pot.unpriced else pot.priced()


def _largest_first(each: Sum) -> tuple[int, int, str, str]:
    usd = 0 if each.usd is None else most(each.usd)
    return (-usd, -most(each.amount), each.asset.chain, each.asset.contract)


def _worth(units: int, usd: Decimal, decimals: int) -> int:
    """Millionths of a dollar."""
    with localcontext(prec=_EXACT):
        exact = (Decimal(units) * usd * USD_UNIT).scaleb(-decimals)
        return int(exact.to_integral_value(ROUND_HALF_EVEN))


def _latest(*times: int | None) -> int | None:
    return max((t for t in times if t is not None), default=None)
