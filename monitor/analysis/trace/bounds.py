"""How sure what an address holds is, where its record is not whole: between which figures it
lies, and whom that depends on. Pure.

An opening balance that nobody knows lies between the least that the record needs and any amount.
`fifo`, `haircut` and `libr` give what was there first, or a share of it, so their figures lie
between those of the two; the other methods do not ask for it. Of an address that was not read
nobody knows what left it: it holds between nothing and all that came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.analysis.trace.books import Books
from monitor.analysis.trace.frontier import Limits
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.ledger import Pot, givers
from monitor.analysis.trace.run import Run
from monitor.chains.table import family_of
from monitor.model import Subject
from monitor.model.flow import CONSERVING, METHODS, Account, Spent
from monitor.model.trace import State, TracedAsset

UNBOUNDED = 10**120  # base units: beside it any amount that a chain knows is nothing
_BY_WHAT_WAS_THERE = ("haircut", "fifo", "libr")
_NO_CHAIN = 2**256  # what no chain can write
NOT_READ = "its own history was not read"


@dataclass(frozen=True, slots=True)
class Wholeness:
    """Of whom the record is not whole, and why: of themselves, and by whom it reached them."""

    own: Mapping[Subject, tuple[str, ...]]
    upstream: Mapping[Subject, Subject]

    def unread(self, subject: Subject) -> tuple[str, ...]:
        """Sentences; none: what is said of it rests on records that are whole."""
        before = self.upstream.get(subject)
        depends = () if before is None else (f"depends on {before.key}, which is not read whole",)
        return (*self.own.get(subject, ()), *depends)


def wholeness(known: Known, run: Run, limits: Limits) -> Wholeness:
    own = {}
    for subject, (state, _) in limits.states.items():
        if state in (State.SOURCE, State.FOLLOWED, State.PARKED) or subject in known.followed:
            unread = known.rows(subject).unread
        else:
            unread = () if state is State.STOPPED else (NOT_READ,)
        if unread and not (state is State.STOPPED and run.verdicts[subject].stop):
            own[subject] = tuple(unread)
    upstream: dict[Subject, Subject] = {}
    for each in run.steps:
        sender, to = each.sender, each.recipient
        if sender is None or each.own or _by_outputs(known, sender):
            continue
        if sender in own or sender in upstream:
            upstream.setdefault(to, sender if sender in own else upstream[sender])
    sources = {source.subject for source in known.sources}
    return Wholeness(own, {s: by for s, by in upstream.items() if s not in sources})


def _by_outputs(known: Known, subject: Subject) -> bool:
    """Outputs are spent whole: what else an address had changes nothing in them."""
    chain = known.chains.get(subject.chain)
    return chain is not None and family_of(chain).atomic


def without_opening(run: Run, whole: Wholeness) -> frozenset[Account]:
    """Accounts that give something, and nobody knows what was on them before."""
    return frozenset(
        account
        for flow in run.ledger.flows
        if not isinstance(flow, Spent)
        for account in givers(flow)
        if account not in run.ledger.sources
        and account not in run.ground.openings
        and account not in run.ground.stops
        and run.ledger.owner(account) in whole.own
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """`unbounded`: books of the run in which whoever's opening is not known had any amount."""

    known: Known
    whole: Wholeness
    books: Mapping[Subject, Books]
    unbounded: Mapping[Subject, Books]
    unknown: frozenset[tuple[Subject, TracedAsset]]

    def holds(self, subject: Subject, asset: TracedAsset) -> Mapping[str, tuple[int, int]] | None:
        """By method, between what; None: the record is whole."""
        if not self.whole.unread(subject):
            return None
        mine, other = self.books[subject], self.unbounded.get(subject, Books())
        return dict(self._each(subject, asset, mine, other))

    def _each(
        self, subject: Subject, asset: TracedAsset, mine: Books, other: Books
    ) -> Iterator[tuple[str, tuple[int, int]]]:
        nothing = Pot()
        came, left, here = (
            pots.get(asset, nothing).amount() for pots in (mine.received, mine.left, mine.holds)
        )
        least_came = other.received.get(asset, nothing).amount()
        there = other.holds.get(asset, nothing).amount()
        unread = NOT_READ in self.whole.own.get(subject, ())
        for method in METHODS:
            if unread and method in CONSERVING:
                yield method, (0, came[method])
            elif (subject, asset) in self.unknown and method in _BY_WHAT_WAS_THERE:
                yield method, (max(0, least_came[method] - left[method]), came[method])
            else:
                low, high = sorted((here[method], there[method]))
                # Poison marks whatever else was there too: of that no amount can be said.
                yield method, (low, high if high < _NO_CHAIN else low)
