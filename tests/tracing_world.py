"""Cases for the tracer by hand: a Trail whose addresses may be called by short names, what is
known of them, and somebody who learns what a trace wants, as the loop does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from world.trail import USD, Trail

from monitor.analysis.trace.evaluate import Tracer
from monitor.analysis.trace.known import Known, Recorded
from monitor.model import Price, Row, Subject
from monitor.model.flow import CONSERVING, Account
from monitor.model.trace import (
    Code,
    Edge,
    Name,
    Need,
    Node,
    Profile,
    Question,
    Say,
    Terms,
    Total,
    Trace,
    Wanted,
    Word,
)

DAY = 24 * 3600


def at(name: str) -> str:
    """The address behind a short name; what is none already."""
    return "0x" + sha256(name.encode()).hexdigest()[:40] if 0 < len(name) < 12 else name


def on(name: str, chain: str = "ethereum") -> Subject:
    return Subject(chain, at(name))


def person(say: Say, name: str | None = None, value: str = "", when: int = 1) -> Word:
    """What Ada said."""
    return Word(say, None if name is None else on(name), value, "Ada", "because", when)


@dataclass
class Case(Trail):
    """Amounts of the coin are worth 2,000 USD for 10**18, of USDC 1 USD for 10**6."""

    terms: Terms = field(default_factory=lambda: Terms(min_share="0", ask_after=None))
    called: dict[str, list[Name]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    openings: dict[tuple[str, str], int] = field(default_factory=dict)  # by name, contract
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)
    calls_used: int = 0
    moment: int = 0  # now

    def __post_init__(self) -> None:
        self.sources = [at(name) for name in self.sources]
        self.prices = self.prices or dict(USD)

    def move(self, tx: str, giver: str | None, taker: str | None, amount: int, **told: Any) -> Row:
        return super().move(tx, giver and at(giver), taker and at(taker), amount, **told)

    def pay(self, giver: str, taker: str, usd: str | int, **told: Any) -> Row:
        """In the coin, in a transaction of its own, a few seconds later."""
        amount = int(Decimal(usd) * 10**18 / 2000)
        return self.move(told.pop("tx", f"tx{len(self.rows)}"), giver, taker, amount, **told)

    def name(self, name: str, category: str, *, says: str = "labels", **told: Any) -> None:
        found = Name(f"{name} {category}", category, says, "2024-05-01", **told)
        self.called.setdefault(at(name), []).append(found)

    def profile(self, name: str, code: Code = Code.NONE, **told: Any) -> None:
        self.profiles[at(name)] = Profile(on(name), code, **told)

    def knows(self, followed: Collection[Subject] = (), **more: Any) -> Known:
        """`followed`: whose rows the record has, beside the sources'."""
        base = self.known()
        rows = base.rows

        def recorded(subject: Subject) -> Recorded:
            return Recorded(rows(subject).rows, self.unread.get(subject.address, ()))

        changes = {
            "terms": self.terms,
            "rows": recorded,
            "names": lambda subject: self.called.get(subject.address, []),
            "followed": frozenset(followed),
            "profiles": {on(name): p for name, p in self.profiles.items()},
            "words": self.words,
            "openings": {
                _account(name, contract): n for (name, contract), n in self.openings.items()
            },
            "calls_used": self.calls_used,
            "now": self.moment or self.now + 1,
            "market": replace(base.market, newest=self._newest),
        }
        return replace(base, **{**changes, **more})

    def _newest(self, chain: str, contract: str) -> Price | None:
        usd = self.prices.get(contract)
        return None if usd is None else Price(chain, contract, 86_400, usd, "prices")


def _account(name: str, contract: str) -> Account:
    return Account("ethereum", at(name), contract)


@dataclass
class Learner:
    """Follows a case as the loop does: learns what is wanted first, and traces again."""

    case: Case
    followed: list[Subject] = field(default_factory=list)
    profiled: list[Subject] = field(default_factory=list)
    tracer: Tracer = field(default_factory=Tracer)
    pick: Callable[[Sequence[Wanted]], Wanted] = lambda wanted: wanted[0]
    seen: list[Trace] = field(default_factory=list)

    def trace(self) -> Trace:
        known = self.case.knows(self.followed)
        profiles = dict(known.profiles)
        for subject in self.profiled:
            profiles.setdefault(subject, Profile(subject, Code.NONE))
        trace = self.tracer.trace(replace(known, profiles=profiles, calls_used=self._calls))
        self.seen.append(trace)
        return trace

    @property
    def _calls(self) -> int:
        return self.case.calls_used + len(self.followed) + len(self.profiled)

    def to_the_end(self) -> Trace:
        """Until nothing is wanted any more; transactions are never told."""
        for _ in range(1000):
            trace = self.trace()
            wanted = [w for w in trace.wanted if w.need is not Need.ANATOMY]
            if not wanted:
                return trace
            first = self.pick(wanted)
            (self.profiled if first.need is Need.PROFILE else self.followed).append(first.subject)
        raise AssertionError("it never ends")


def follow(case: Case) -> Trace:
    return Learner(case).to_the_end()


# --- what a test looks at --------------------------------------------------------------------


def node(trace: Trace, name: str, chain: str = "ethereum") -> Node:
    return next(n for n in trace.nodes if n.subject == on(name, chain))


def has(trace: Trace, name: str) -> bool:
    return any(n.subject.address == at(name) for n in trace.nodes)


def edge(trace: Trace, giver: str, taker: str) -> Edge:
    return next(e for e in trace.edges if (e.sender, e.recipient) == (at(giver), at(taker)))


def total(trace: Trace, method: str = "tainted_first", symbol: str | None = None) -> Total:
    """In USD, or of an asset by its symbol."""
    return next(
        t
        for t in trace.totals
        if t.method == method and (t.asset.symbol if t.asset else None) == symbol
    )


def question(trace: Trace, kind: str) -> Question:
    return next(q for q in trace.questions if q.kind == kind)


def balanced(trace: Trace) -> None:
    """The sums hold to the unit: of the case, and of each address."""
    for each in trace.totals:
        assert each.difference == 0 or each.method == "poison", each
    for n in trace.nodes:
        for came in n.received if n.hop else ():
            for method in CONSERVING:
                rest = [s.amount[method] for s in (*n.left, *n.holds) if s.asset == came.asset]
                assert came.amount[method] == sum(rest), (n.subject, came.asset, method)


def usd(millionths: int) -> float:
    return millionths / 10**6
