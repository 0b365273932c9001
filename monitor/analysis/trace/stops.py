"""The stop rules: where a trace ends, and why. Pure.

First what an address is, whatever came to it: names, what it behaves like, its code. Then what
came to it, and how far it is from a source. A person's word stands over all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from monitor.analysis.trace import deposits, naming
from monitor.analysis.trace.arrivals import Arrived
from monitor.analysis.trace.known import Known
from monitor.analysis.trace.ledger import most
from monitor.analysis.trace.said import about_addresses
from monitor.analysis.trace.steps import Sent
from monitor.chains import sinks
from monitor.chains.table import family_of
from monitor.model import Subject
from monitor.model.plain import tidy
from monitor.model.trace import USD_UNIT, Code, Say, Stop, Terms, TracedAsset, Word

MOST_TRANSACTIONS = 1000  # of somebody who is no service
MOST_COUNTERPARTIES = 100  # within 24 hours, the same
_MACHINERY = (sinks.PRECOMPILE, sinks.SYSTEM)
SMALL_SUM = 10  # times the least movement: what comes in smaller ones to more is asked about


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an address stands: open (value goes on from it), stopped, or waiting for a person."""

    stop: Stop | None = None
    waits: str = ""  # kind of the question that it waits for
    exchange: str = ""

    @property
    def open(self) -> bool:
        return self.stop is None and not self.waits

    @property
    def passes(self) -> bool:
        """Whether value goes on from it along what is recorded: what a deposit address was swept of
        is at its exchange."""
        return self.open or (self.stop is not None and self.stop.reason == "deposit_address")


OPEN = Verdict()


@dataclass(frozen=True, slots=True)
class Outflow:
    """What the sources paid: all shares are of it."""

    usd: int  # millionths, of what had a price
    assets: Mapping[TracedAsset, int]
    unpriced: frozenset[str] = frozenset()  # sources of which nothing had a price


@dataclass
class Rules:
    """All rules of one case."""

    known: Known
    terms: Terms
    outflow: Outflow
    sent: Sequence[Sent] = ()
    mixed: frozenset[Subject] = frozenset()  # transactions that are CoinJoins
    _words: Mapping[Subject, Word] = field(init=False)
    _bridges: dict[Subject, list[Sent]] = field(init=False, default_factory=dict)
    _least: int = field(init=False)
    _min_share: Fraction = field(init=False)
    _hard: dict[Subject, Verdict] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._least = least_usd(self.terms)
        self._min_share = Fraction(self.terms.min_share)
        self._words = about_addresses(self.known.words)
        for each in self.sent:
            if each.step.recipient is not None:
                self._bridges.setdefault(each.step.recipient, []).append(each)

    def verdict(self, subject: Subject, arrived: Arrived) -> Verdict:
        """Limits of addresses and calls left out: those are of the whole case."""
        word = self._words.get(subject)
        if word is not None and word.say is Say.STOP:
            return Verdict(Stop("person", _by(word)))
        if word is not None and word.say is Say.RESUME:
            return OPEN
        hard = self.hard(subject)
        if not hard.open:
            return hard
        value = OPEN if self.approved(subject) else self._value(arrived)
        if value.stop is None and arrived.hop[1] > self.terms.hops:
            return Verdict(Stop("hops", f"{arrived.hop[1]} steps from a watched address"))
        return value

    def approved(self, subject: Subject) -> bool:
        """Whether a person wants it followed, so that no limit holds it back."""
        word = self._words.get(subject)
        return word is not None and word.say in (Say.APPROVE, Say.RESUME)

    def hard(self, subject: Subject) -> Verdict:
        """By what the address is, whatever came to it."""
        if subject not in self._hard:
            self._hard[subject] = self._what_it_is(subject)
        return self._hard[subject]

    def _what_it_is(self, subject: Subject) -> Verdict:
        if subject in self.mixed:
            return Verdict(Stop("mixer", "a CoinJoin: nobody can tell which output is whose"))
        chain = self.known.chains.get(subject.chain)
        if chain is None:
            return Verdict(Stop("incomplete", f"{subject.chain} is not a chain that is read"))
        if ":" in subject.address and family_of(chain).atomic:
            return Verdict(Stop("incomplete", "the output names no address"))
        stop = self._bridge(subject) or naming.stop(self.known.names(subject))
        if stop is not None:
            return Verdict(stop)
        issuer = chain.issuer_of(subject.address)
        if issuer is not None:
            return Verdict(Stop("issuer", f"the contract of {issuer.symbol} by {issuer.name}"))
        sink = family_of(chain).nobodys(subject.address)
        if sink is not None:
            reason = "contract" if sink in _MACHINERY else "burn"
            return Verdict(Stop(reason, f"it {sink.reason}"))
        stop = self._by_profile(subject)
        return Verdict(stop) if stop is not None else self._deposit_address(subject)

    def _bridge(self, subject: Subject) -> Stop | None:
        deposits_ = self._bridges.get(subject)
        if not deposits_:
            return None
        words = dict.fromkeys(_destination(each) for each in deposits_)
        return Stop("bridge", "; ".join(words))

    def _by_profile(self, subject: Subject) -> Stop | None:
        profile = self.known.profiles.get(subject)
        if profile is None:
            return None
        if profile.transactions is not None and profile.transactions > MOST_TRANSACTIONS:
            return Stop("service", f"unlabelled service: over {MOST_TRANSACTIONS:,} transactions")
        if profile.busiest_day is not None and profile.busiest_day > MOST_COUNTERPARTIES:
            return Stop(
                "service",
                f"unlabelled service: over {MOST_COUNTERPARTIES} counterparties in 24 hours",
            )
        if profile.code is Code.CONTRACT:
            return Stop("contract", "a contract that is no known wallet")
        return None

    def _deposit_address(self, subject: Subject) -> Verdict:
        """By its own history alone: sending into a deposit address makes nobody one."""
        if subject not in self.known.followed:
            return OPEN
        rows, now = self.known.rows(subject).rows, self.known.now
        targets = deposits.sweeps_to(subject, rows, lambda c: self._carries(subject.chain, c), now)
        named = [naming.stop(self.known.names(Subject(subject.chain, t))) for t in targets]
        ends = [stop for stop in named if stop is not None and stop.reason == "exchange"]
        if not ends or len(ends) < len(named):
            return OPEN
        first = naming.in_order(self.known.names(Subject(subject.chain, targets[0])))[0]
        return Verdict(
            Stop(
                "deposit_address",
                f"behaves like a deposit address: passes all on, soon, to {ends[0].detail}",
                confirmed=all(stop.confirmed for stop in ends),
            ),
            exchange=tidy(first.name, 80),
        )

    def _carries(self, chain: str, contract: str) -> bool:
        return not contract or (chain, contract) in self.known.assets

    def _value(self, arrived: Arrived) -> Verdict:
        """By what came: below the least movement or share, or to be asked about."""
        if not most(arrived.all.amount()):
            return Verdict(Stop("below_value", "reachable only: no method attributes value to it"))
        verdict = self._movements(arrived)
        share = self.share(arrived) if self._min_share and verdict.stop is None else None
        if share is not None and share < self._min_share:
            words = f"less than {self.terms.min_share} of what left the watched addresses"
            return Verdict(Stop("below_share", words))
        return verdict

    def _movements(self, arrived: Arrived) -> Verdict:
        least = self._least
        usd = arrived.all.most()
        unpriced = [asset for asset, pot in arrived.assets.items() if pot.unpriced_conserved]
        if unpriced and not usd and not any(map(carries_value, unpriced)):
            return Verdict(Stop("unpriced", "an unverified token: counted, not followed"))
        if arrived.largest >= least:
            return OPEN
        if any(map(carries_value, unpriced)):
            return OPEN if self._all_without_price(arrived) else Verdict(waits="unpriced")
        if usd > SMALL_SUM * least:
            return Verdict(waits="small_amounts")
        return Verdict(Stop("below_value", f"no movement of {self.terms.min_usd} USD or more"))

    def _all_without_price(self, arrived: Arrived) -> bool:
        """Whether it is of sources that paid nothing with a price: there is no value to go by."""
        return any(source in self.outflow.unpriced for source in arrived.all.sources())

    def share(self, arrived: Arrived) -> Fraction | None:
        """What came, of all that left the sources; None: it cannot be compared."""
        usd = arrived.all.most()
        if usd and self.outflow.usd:
            return Fraction(usd, self.outflow.usd)
        shares = [
            Fraction(most(pot.amount()), self.outflow.assets[asset])
            for asset, pot in arrived.assets.items()
            if self.outflow.assets.get(asset)
        ]
        return max(shares, default=None)


def carries_value(asset: TracedAsset) -> bool:
    """The coin, verified tokens, and NFTs, which nobody verifies one by one."""
    return asset.verified or not asset.contract or "#" in asset.contract


def least_usd(terms: Terms) -> int:
    """Of a movement that is followed, in millionths."""
    return int(Decimal(terms.min_usd) * USD_UNIT)


def _by(word: Word) -> str:
    return f"stopped by {word.by}: {word.why}" if word.why else f"stopped by {word.by}"


def _destination(sent: Sent) -> str:
    """ "Across to 0x.. on arbitrum, its other side is not found"."""
    crossing = sent.crossing
    where = crossing.chain or crossing.domain or "a chain that it does not name"
    to = f"to {crossing.recipient} on {where}" if crossing.recipient else f"to {where}"
    return f"{crossing.bridge} {to}, its other side is not found"
