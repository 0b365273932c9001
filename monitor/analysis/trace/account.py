"""A transaction of an account chain as steps: what was exchanged, what was passed on, and what
simply moved. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitor.analysis.trace import passed, swaps
from monitor.analysis.trace.assets import is_nft
from monitor.analysis.trace.passed import Gain
from monitor.analysis.trace.plain import Leg, legs_of, netted, plain_step
from monitor.analysis.trace.reading import Reading, Tx
from monitor.analysis.trace.steps import Step
from monitor.analysis.trace.swaps import Deal, Exchange
from monitor.model import Subject
from monitor.model.flow import Turned
from monitor.model.trace import Code

Place = tuple[int, tuple[int, ...] | None]
Placed = tuple[Step, Place]  # with its place in the transaction
OPAQUE = ("dex", "bridge", "service")  # categories of names whose holders pass on what they get


@dataclass
class _Found:
    steps: list[Placed] = field(default_factory=list)
    used: set[str] = field(default_factory=set)  # legs that are part of something else
    doubted: set[str] = field(default_factory=set)  # legs of which the whole would say more
    said: dict[str, str] = field(default_factory=dict)  # by leg, why it is read as it is


def steps_of(tx: Tx, book: Reading) -> tuple[list[Placed], list[Step]]:
    """The steps of a transaction, and those for which the whole transaction would say more."""
    legs, said = netted(legs_of(tx, book))
    found = _Found(said=said)
    actors = _actors(legs, tx, book)
    deals = _deals(actors, legs, tx, book)
    for address in _both_sides(actors, legs):
        _exchanged(address, deals.get(address), legs, tx, book, found)
    givers = sorted(actors & {leg.giver for leg in legs})
    payers = [address for address in givers if _gave(address, legs, tx, book, found)]
    for address in payers:
        _passed_on(address, legs, tx, book, found, alone=len(payers) == 1)
    for leg in legs:
        if leg.row.leg not in found.used:
            step = plain_step(leg, tx, book)
            if step is not None:
                rule = found.said.get(step.leg, "")
                found.steps.append((replace(step, rule=rule) if rule else step, leg.place))
    unclear = [step for step, _ in found.steps if step.leg.partition("#")[0] in found.doubted]
    return found.steps, unclear


def _actors(legs: Sequence[Leg], tx: Tx, book: Reading) -> frozenset[str]:
    """Addresses of the case whose part in the transaction is read as a whole."""
    parties = {party for leg in legs if not leg.row.kind.fee for party in (leg.giver, leg.taker)}
    chain = tx.chain.key
    mine = (p for p in parties if p is not None and Subject(chain, p) in book.tracked)
    return frozenset(address for address in mine if not book.early(Subject(chain, address), tx))


def _both_sides(actors: frozenset[str], legs: Sequence[Leg]) -> list[str]:
    """Those who gave and got: most only do one of both."""
    gave = {leg.giver for leg in legs if not leg.row.kind.fee}
    return sorted(actors & gave & {leg.taker for leg in legs})


def _deals(actors: frozenset[str], legs: Sequence[Leg], tx: Tx, book: Reading) -> dict[str, Deal]:
    """What each of them exchanged. A row between two of them is part of both exchanges, or of
    none: then it simply moved."""
    apart: set[str] = set()
    while True:
        left = [leg for leg in legs if leg.row.leg not in apart]
        both = _both_sides(actors, left)
        if not both:
            return {}
        found = ((address, swaps.deal_of(address, left, tx, book)) for address in both)
        deals = {address: deal for address, deal in found if deal is not None}
        part = {a: {leg.row.leg for leg in deal.legs} for a, deal in deals.items()}
        whole = {a: part[a] for a, deal in deals.items() if not (deal.kept or deal.extra)}
        contested = {
            name
            for leg in left
            if leg.giver in actors and leg.taker in actors
            for name in [leg.row.leg]
            if any(name in names for names in part.values())
            and not all(name in whole.get(end or "", ()) for end in (leg.giver, leg.taker))
        }
        if not contested:
            return deals
        apart |= contested


def _exchanged(
    address: str, deal: Deal | None, legs: Sequence[Leg], tx: Tx, book: Reading, found: _Found
) -> None:
    if deal is not None and deal.legs:
        _dealt(address, deal, tx, book, found)
        return
    _wraps(address, legs, tx, book, found)
    if deal is not None:
        gave = {leg.row.leg for leg in legs if leg.giver == address} - found.used
        found.said |= dict.fromkeys(sorted(gave), deal.doubt)


def _dealt(address: str, deal: Deal, tx: Tx, book: Reading, found: _Found) -> None:
    found.used |= {leg.row.leg for leg in deal.legs}
    if deal.doubt and (tx.chain.key, tx.tx) not in book.known.anatomies and deal.legs:
        found.doubted |= {leg.row.leg for leg in deal.legs if leg.giver == address}
    source = Subject(tx.chain.key, address) in book.by_subject
    for n, part in enumerate(deal.exchanges):
        if not source:  # what it exchanges for itself has not left it
            leg = _main(deal.legs, address, part.given_asset)
            found.steps.append((_turned(leg, n, part, address, tx, book), leg.place))
    for asset, amount in deal.kept.items():
        leg = replace(_main(deal.legs, address, asset), amount=amount)
        step = plain_step(leg, tx, book)
        if step is not None:
            rule = "More than what came back was worth: the rest is followed to whom it went."
            found.steps.append((_again(step, len(deal.exchanges), rule), leg.place))
    for asset, amount in deal.extra.items():
        leg = next(leg for leg in deal.legs if leg.taker == address and leg.asset == asset)
        step = plain_step(replace(leg, amount=amount, giver=None), tx, book)
        if step is not None:
            found.steps.append((step, leg.place))


def _main(legs: Sequence[Leg], address: str, asset: str) -> Leg:
    """The row that an exchange is named after: the largest that went in."""
    went = [leg for leg in legs if leg.giver == address and leg.asset == asset]
    return min(went, key=lambda leg: (-leg.amount, leg.row.leg))


def _turned(leg: Leg, number: int, part: Exchange, recipient: str, tx: Tx, book: Reading) -> Step:
    """A conversion, named after the row that went in."""
    chain, row = tx.chain.key, leg.row
    assert leg.giver is not None
    giver = book.account(chain, leg.giver, part.given_asset)
    taker = book.account(chain, recipient, part.got_asset)
    worth = book.assets.worth(chain, part.given_asset, part.given, tx.time)
    usd = worth if giver in book.sources else None
    flow = Turned(f"{chain}/{tx.tx}/{row.leg}", giver, part.given, taker, part.got, usd)
    step = Step(
        flow=flow,
        chain=chain,
        tx=tx.tx,
        leg=row.leg,
        kind=row.kind.value,
        time=tx.time,
        height=tx.height,
        sender=Subject(chain, leg.giver),
        recipient=Subject(chain, recipient),
        asset=book.assets.of(chain, part.given_asset),
        amount=part.given,
        via=part.via,
        got=book.assets.of(chain, part.got_asset),
        got_amount=part.got,
        rule=part.rule,
    )
    return _again(step, number)


def _again(step: Step, number: int, rule: str = "") -> Step:
    """A further step of the same row, under a name of its own."""
    if rule:
        step = replace(step, rule=rule)
    if not number:
        return step
    leg = f"{step.leg}#{number}"
    return replace(step, leg=leg, flow=replace(step.flow, id=f"{step.chain}/{step.tx}/{leg}"))


def _wraps(address: str, legs: Sequence[Leg], tx: Tx, book: Reading, found: _Found) -> None:
    for given, got in swaps.wraps_of(address, legs, tx, book):
        if found.used & {given.row.leg, got.row.leg}:
            continue
        found.used |= {given.row.leg, got.row.leg}
        if Subject(tx.chain.key, address) not in book.by_subject:
            part = Exchange(given.asset, given.amount, got.asset, got.amount, "wrap")
            place = min((given.place, got.place), key=lambda place: place[0])
            found.steps.append((_turned(given, 0, part, address, tx, book), place))


def _gave(address: str, legs: Sequence[Leg], tx: Tx, book: Reading, found: _Found) -> list[Leg]:
    """What an address gave that is no part of an exchange, and that a contract may pass on."""
    gave = (leg for leg in legs if leg.giver == address and _may_pass(leg, tx, book))
    return [leg for leg in gave if leg.row.leg not in found.used]


def _passed_on(
    address: str, legs: Sequence[Leg], tx: Tx, book: Reading, found: _Found, *, alone: bool
) -> None:
    """What an address gave and got nothing back for. `alone`: nobody else of the case did."""
    gave = _gave(address, legs, tx, book, found)
    takers = frozenset(leg.taker for leg in gave if leg.taker is not None)
    if alone and len({leg.asset for leg in gave}) == 1:
        asset, total = gave[0].asset, sum(leg.amount for leg in gave)
        shares = passed.gains(address, asset, takers, tx, book)
        came = [leg for leg in legs for g in shares if (leg.taker, leg.asset) == g[:2]]
        if shares and _fits(asset, total, shares, tx, book) and _whole(came, shares, found):
            found.used |= {leg.row.leg for leg in (*gave, *came)}
            found.steps += _on(gave, total, shares, tx, book)
            return
    if (tx.chain.key, tx.tx) not in book.known.anatomies:
        found.doubted |= {leg.row.leg for leg in gave if _opaque(leg, tx, book)}


def _whole(came: Sequence[Leg], shares: Sequence[Gain], found: _Found) -> bool:
    """Whether what is on record of those who got it is just that: then it is not read twice."""
    sums = {(g.address, g.asset): g.amount for g in shares}
    for leg in came:
        if leg.row.leg in found.used:
            return False
        sums[leg.taker or "", leg.asset] -= leg.amount
    on_record = {(leg.taker or "", leg.asset) for leg in came}
    return all(not sums[each] for each in on_record)


def _may_pass(leg: Leg, tx: Tx, book: Reading) -> bool:
    kind = leg.row.kind
    moves = not (kind.fee or kind.act or is_nft(leg.asset)) and leg.taker is not None
    return moves and book.assets.carries(tx.chain.key, leg.asset)


def _opaque(leg: Leg, tx: Tx, book: Reading) -> bool:
    """Whether its taker may have passed on what it got: a contract, or somebody named so."""
    subject = Subject(tx.chain.key, leg.taker or "")
    profile = book.known.profiles.get(subject)
    if profile is not None and profile.code is Code.CONTRACT:
        return True
    return any(name.category in OPAQUE for name in book.names(subject))


def _fits(asset: str, total: int, shares: Sequence[Gain], tx: Tx, book: Reading) -> bool:
    """Whether what was passed on can be what came in."""
    turned = [gain for gain in shares if gain.asset != asset]
    left = total - sum(gain.amount for gain in shares if gain.asset == asset)
    if left < 0 or (turned and not left):
        return False
    given = book.assets.worth(tx.chain.key, asset, left, tx.time)
    got = [book.assets.worth(tx.chain.key, g.asset, g.amount, tx.time) for g in turned]
    known = [value for value in got if value is not None]
    if not turned or given is None or len(known) < len(got):
        return True
    return given * swaps.FAR[0] <= sum(known) <= given * swaps.FAR[1]


def _on(
    gave: Sequence[Leg], total: int, shares: Sequence[Gain], tx: Tx, book: Reading
) -> Iterator[Placed]:
    """What was passed on, to each who got it; what the contract kept stays with it."""
    leg = _main(gave, gave[0].giver or "", gave[0].asset)
    same = [gain for gain in shares if gain.asset == leg.asset]
    turned = [gain for gain in shares if gain.asset != leg.asset]
    said = f"In this transaction {leg.taker} passed it on."
    left = total - sum(gain.amount for gain in same)
    number = 0
    for gain in same:
        moved = plain_step(replace(leg, amount=gain.amount, taker=gain.address), tx, book)
        if moved is not None:
            yield _again(moved, number, said), leg.place
            number += 1
    for gain, part in zip(turned, _by_worth(left, turned, tx, book), strict=True):
        if part:
            exchange = Exchange(leg.asset, part, gain.asset, gain.amount, "swap", said)
            yield _turned(leg, number, exchange, gain.address, tx, book), leg.place
            number += 1
    kept = plain_step(replace(leg, amount=left), tx, book) if left and not turned else None
    if kept is not None:
        yield _again(kept, number, "What was not passed on."), leg.place


def _by_worth(total: int, turned: Sequence[Gain], tx: Tx, book: Reading) -> list[int]:
    if len({gain.asset for gain in turned}) <= 1:
        return swaps.split(total, [gain.amount for gain in turned])
    worth = [book.assets.worth(tx.chain.key, g.asset, g.amount, tx.time) or 0 for g in turned]
    return swaps.split(total, worth) if any(worth) else [0] * len(turned)
