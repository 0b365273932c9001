"""Where the money of a case is now, as values: for each asset what left the watched addresses, and
every part of it by what is known of it. The parts add up to the totals of the trace, to the unit,
by every method that conserves; which part of a total lies where says the seizure view."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from monitor.messages.trace.seizing import ISSUER, Place, Where, nobody, places
from monitor.messages.trace.words import (
    REASON,
    Page,
    asset_said,
    bare,
    cents,
    counted,
    reason_said,
    span,
)
from monitor.model import Subject
from monitor.model.flow import CONSERVING
from monitor.model.plain import quoted, tidy
from monitor.model.trace import USD_UNIT, ByMethod, State, Total, Trace, TracedAsset


class At(StrEnum):
    """What is known of a part; what can be done most about stands first."""

    FREEZABLE = "freezable"
    EXCHANGE = "exchange"
    FROZEN = "frozen"
    RESTS = "rests"
    WAITING = "waiting"
    QUEUED = "queued"
    UNSURE = "unsure"
    LIMIT = "limit"
    SERVICE = "service"
    MIXER = "mixer"
    BRIDGE = "bridge"
    NFT = "nft"
    SMALL = "small"
    BURN = "burn"
    FEES = "fees"
    DIFFERS = "differs"


_SAID = {
    At.FREEZABLE: "Rests where its issuer can freeze it",
    At.EXCHANGE: "At an exchange",
    At.FROZEN: "Frozen by its issuer",
    At.RESTS: "Rests where nobody is named who could freeze it",
    At.WAITING: "Waits for a person: may it be followed?",
    At.QUEUED: "To be read: it arrived, and may have moved on",
    At.UNSURE: "At a name that nobody confirmed",
    At.LIMIT: "Not followed",
    At.SERVICE: "At a service or in a contract",
    At.MIXER: "In a mixer",
    At.BRIDGE: "At a bridge; its other side is not found",
    At.NFT: "Paid for an NFT",
    At.SMALL: "Too small to follow, together",
    At.BURN: "Destroyed",
    At.FEES: "Fees of the chain",
    At.DIFFERS: "DOES NOT ADD UP: it differs by this",
}
_BY_REASON = {
    "exchange": At.EXCHANGE,
    "deposit_address": At.EXCHANGE,
    "mixer": At.MIXER,
    "bridge": At.BRIDGE,
    "dex": At.SERVICE,
    "service": At.SERVICE,
    "issuer": At.SERVICE,
    "contract": At.SERVICE,
    "burn": At.BURN,
    "nft": At.NFT,
    "below_value": At.SMALL,
    "below_share": At.SMALL,
}
_RESTING, _UNFOLLOWED = "rests", "unfollowed"
_AT_NO_ADDRESS = ("burn", "bridge")  # destroyed, or on its way
_NAMES = 3  # that are said one by one
Frozen = Collection[tuple[Subject, str]]  # address and contract
Bucket = str  # of a total: _RESTING, _UNFOLLOWED or a reason of `ended`


@dataclass(frozen=True, slots=True)
class Part:
    """`reason`: where it is not followed, one of model.trace.REASONS."""

    at: At
    reason: str
    amount: ByMethod
    places: tuple[Place, ...]

    @property
    def words(self) -> str:
        return f"{_SAID[self.at]}: {REASON[self.reason]}" if self.reason else _SAID[self.at]


@dataclass(frozen=True, slots=True)
class Account:
    """Of one asset; None: of all, in USD millionths of when it left.

    left + came = the parts + turned, by every method that conserves."""

    asset: TracedAsset | None
    left: ByMethod  # the watched addresses, less what came back
    came: ByMethod  # by conversion from other assets
    turned: ByMethod  # into other assets
    parts: tuple[Part, ...]

    @property
    def whole(self) -> ByMethod:
        return {method: self.left[method] + self.came[method] for method in CONSERVING}


def accounts(
    trace: Trace, page: Page, frozen: Frozen = (), found: Sequence[Place] | None = None
) -> list[Account]:
    """One for each asset of which anything is traced, the largest first; before them all in USD,
    where there are several and all of them have a price. `found`: its places, where they are known
    already."""
    found = places(trace, page) if found is None else found
    totals: dict[TracedAsset | None, dict[str, Total]] = {}
    for total in trace.totals:
        if total.method in CONSERVING:
            totals.setdefault(total.asset, {})[total.method] = total
    made = [_account(asset, by, found, frozen) for asset, by in totals.items() if asset is not None]
    made = [each for each in made if _is_any(each)]
    made.sort(key=lambda each: _rank(trace, each))
    priced = all(place.held.usd is not None for place in found)
    if len(made) > 1 and priced and None in totals:
        made.insert(0, _account(None, totals[None], found, frozen))
    return made


def _is_any(account: Account) -> bool:
    return span(account.whole)[1] > 0 or any(span(part.amount)[1] for part in account.parts)


def _rank(trace: Trace, account: Account) -> tuple[bool, int, str, str]:
    """By what it was worth when it came to anybody; what nobody verified last."""
    asset = account.asset
    assert asset is not None
    sums = (s for node in trace.nodes for s in node.received if _book(s.asset) == _book(asset))
    worth = sum(span(each.usd or {})[1] for each in sums)
    return bool(asset.contract) and not asset.verified, -worth, asset.chain, asset.contract


def _book(asset: TracedAsset) -> tuple[str, str]:
    return asset.chain, asset.contract


def _account(
    asset: TracedAsset | None, by: Mapping[str, Total], found: Sequence[Place], frozen: Frozen
) -> Account:
    mine = [each for each in found if asset is None or _book(each.asset) == _book(asset)]
    usd = asset is None
    buckets = {
        _RESTING: _figures(by, lambda total: total.resting),
        _UNFOLLOWED: _figures(by, lambda total: total.unfollowed),
        **{reason: _ended(by, reason) for reason in _reasons(by)},
    }
    parts: dict[tuple[At, str], list[Place]] = {}
    amounts: dict[tuple[At, str], dict[str, int]] = {}
    for place in mine:
        key = _kind(place, frozen)
        parts.setdefault(key, []).append(place)
        figures = (place.held.usd or {}) if usd else place.held.amount
        _add(amounts.setdefault(key, {}), figures, 1)
        _add(buckets.setdefault(_bucket(place), {}), figures, -1)
    for bucket, rest in buckets.items():
        nowhere = _of_bucket(bucket) if bucket in _AT_NO_ADDRESS else (At.DIFFERS, "")
        _add(amounts.setdefault(nowhere, {}), rest, 1)
    _add(amounts.setdefault((At.FEES, ""), {}), _figures(by, lambda total: total.fees), 1)
    _add(amounts.setdefault((At.DIFFERS, ""), {}), _figures(by, lambda t: t.difference), 1)
    made = (
        Part(*key, amount, tuple(parts.get(key, ())))
        for key, amount in amounts.items()
        if any(amount.get(method) for method in CONSERVING)
    )
    order = list(At)
    came, turned = (
        _figures(by, figure)
        for figure in (lambda total: total.converted_in, lambda total: total.converted_out)
    )
    if usd:  # what was turned came again, in another asset
        came, turned = _beyond(came, turned), _beyond(turned, came)
    return Account(
        *(asset, _figures(by, lambda total: total.out_of_sources), came, turned),
        tuple(sorted(made, key=lambda part: (order.index(part.at), part.reason))),
    )


def _figures(by: Mapping[str, Total], figure: Callable[[Total], int]) -> dict[str, int]:
    return {method: figure(by[method]) if method in by else 0 for method in CONSERVING}


def _beyond(figures: ByMethod, others: ByMethod) -> dict[str, int]:
    return {method: max(figures[method] - others[method], 0) for method in CONSERVING}


def _reasons(by: Mapping[str, Total]) -> list[str]:
    return sorted({reason for total in by.values() for reason in total.ended})


def _ended(by: Mapping[str, Total], reason: str) -> dict[str, int]:
    return _figures(by, lambda total: total.ended.get(reason, 0))


def _add(into: dict[str, int], figures: ByMethod, sign: int) -> None:
    for method in CONSERVING:
        into[method] = into.get(method, 0) + sign * figures.get(method, 0)


def _bucket(place: Place) -> Bucket:
    """Where the totals count it."""
    if place.where is Where.WAITS:
        return _UNFOLLOWED
    return place.node.stop.reason if place.node.stop is not None else _RESTING


def _of_bucket(bucket: Bucket) -> tuple[At, str]:
    if bucket == _RESTING:
        return At.RESTS, ""
    if bucket == _UNFOLLOWED:
        return At.QUEUED, ""
    at = _BY_REASON.get(bucket, At.LIMIT)
    return at, bucket if at is At.LIMIT else ""


def _kind(place: Place, frozen: Frozen) -> tuple[At, str]:
    node = place.node
    if (node.subject, place.asset.contract) in frozen:
        return At.FROZEN, ""
    if place.where is Where.RESTS:
        freezable = any(actor.role == ISSUER for actor in place.actors)
        return (At.FREEZABLE if freezable else At.RESTS), ""
    if place.where is Where.WAITS:
        return (At.WAITING if node.state is State.WAITING else At.QUEUED), ""
    if node.stop is not None and not node.stop.confirmed:
        return At.UNSURE, ""
    return _of_bucket(_bucket(place))


# --- in words ---------------------------------------------------------------------------------


def detail(part: Part, page: Page) -> str:
    """How many addresses, who they are, who could act; a sentence without its full stop."""
    if not part.places:
        return ""
    subjects = {place.node.subject for place in part.places}
    chains = sorted(page.chain(each) for each in {subject.chain for subject in subjects})
    number = counted(len(subjects), "address", "addresses")
    return "; ".join(filter(None, (f"{number} on {_listed(chains)}", *_who(part))))


def _who(part: Part) -> Iterator[str]:
    if part.at in (At.FREEZABLE, At.FROZEN):
        could = [a.name for p in part.places for a in p.actors if a.role == ISSUER]
        if could:
            yield f"issuer: {_listed(could)}"
    elif part.at is At.RESTS:
        yield _listed([nobody(place).partition(": ")[2] for place in part.places])
    elif part.at is At.SERVICE:
        stops = [p.node.stop for p in part.places if p.node.stop is not None]
        yield _listed([reason_said(stop) for stop in stops])
    elif part.at in (At.EXCHANGE, At.MIXER, At.BRIDGE, At.UNSURE):
        yield _listed(_names(part))


def _names(part: Part) -> list[str]:
    """Names with who gives them; of a deposit address whose it is."""
    found = []
    for place in part.places:
        if place.node.exchange:
            found.append(f"a deposit address of {tidy(place.node.exchange, 60)}")
        elif place.node.names:
            name = place.node.names[0]
            by = tidy(name.source, 60)
            found.append(f"{quoted(name.name, 60)}{f' (by {by})' if by else ''}")
    return found


def _listed(words: Sequence[str]) -> str:
    """ "A, B and 4 more"."""
    once = list(dict.fromkeys(words))
    if len(once) <= 1:
        return "".join(once)
    if len(once) <= _NAMES:
        return f"{', '.join(once[:-1])} and {once[-1]}"
    return f"{', '.join(once[:_NAMES])} and {len(once) - _NAMES:,} more"


def worth(part: Part, page: Page) -> str:
    """By the newest price on record, with its day; of how many places there is none. Empty where
    it lies nowhere."""
    priced = [each for each in part.places if each.held.newest_usd is not None]
    if not part.places:
        return ""
    if not priced:
        return "no price is known"
    usd = {m: sum((p.held.newest_usd or {}).get(m, 0) for p in priced) for m in CONSERVING}
    days = sorted({place.held.newest_day for place in priced})
    of = f"price of {' to '.join(dict.fromkeys((days[0], days[-1])))}"
    rest = len(part.places) - len(priced)
    without = f"; {rest:,} of {len(part.places):,} without a price" if rest else ""
    return f"{figure(usd, page, cents)} USD, {of}{without}"


def left_worth(trace: Trace, page: Page) -> str:
    """What all that left was worth when it left, in words; empty where nothing has a price."""
    usd = {t.method: t.out_of_sources for t in trace.totals if t.asset is None}
    usd = {method: units for method, units in usd.items() if method in CONSERVING}
    if not span(usd)[1]:
        return ""
    gone = [each for node in trace.nodes if node.state is State.SOURCE for each in node.left]
    part = ", as far as it had a price" if any(each.usd is None for each in gone) else ""
    return f"{figure(usd, page, millionths)} USD when it left{part}"


def figure(figures: ByMethod, page: Page, say: Callable[[int], str]) -> str:
    """By the method of the page; without one the lowest to the highest."""
    if page.method in figures:
        return say(figures[page.method])
    low, high = span(figures)
    return say(low) if low == high else f"{say(low)} to {say(high)}"


def amount(account: Account, figures: ByMethod, page: Page) -> str:
    """To the last unit, with its unit."""
    asset = account.asset
    if asset is None:
        return f"{figure(figures, page, millionths)} USD"
    return f"{figure(figures, page, partial(bare, asset))} {asset_said(asset)}"


def millionths(units: int) -> str:
    """USD, exact, and at least cents: "1,200.00", "0.000001"."""
    whole, rest = divmod(abs(units), USD_UNIT)
    text = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if units < 0 else ''}{whole:,}.{text}"
