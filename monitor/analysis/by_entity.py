"""Whom published lists name: what they hold and what they did, over all their addresses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from monitor.model import Entry
from monitor.model.facts import AssetSum, History
from monitor.model.plain import amount_said, amount_short

_DIGITS = 100  # of a sum: no uint256 of any decimals loses one

Prices = Mapping[tuple[str, str], Decimal]  # by chain and contract ("": the chain's own coin)


@dataclass(slots=True)
class Flow:
    """Of one asset, in coins."""

    held: Decimal = Decimal(0)
    came: Decimal = Decimal(0)  # in the 30 days before the start
    went: Decimal = Decimal(0)


@dataclass(slots=True)
class Party:
    """One entity of a list, or one address where the list names nobody."""

    entries: list[Entry] = field(default_factory=list)
    read: int = 0  # of its entries: their history was read to its start
    flows: dict[str, Flow] = field(default_factory=dict)  # by symbol, of verified assets
    unsure: set[str] = field(default_factory=set)  # symbols of which more went than came
    moved: int = 0  # transactions in 30 days
    count: int = 0  # transactions ever
    last: int | None = None
    lately: bool = False  # moved in the 72 hours before the start
    touches: bool = False  # had to do with addresses of our own
    usd: Decimal = Decimal(0)  # what is held and what moved, as far as there are prices

    @property
    def first(self) -> Entry:
        return self.entries[0]

    def said(self, which: str, most: int, *, exact: bool = False) -> str:
        """Amounts of the assets, the larger first: "1,250 USDT, 0.2 ETH +1". `which`: held, came
        or went."""
        unsure = self.unsure if which == "held" else ()
        found = [
            (getattr(flow, which), symbol)
            for symbol, flow in self.flows.items()
            if getattr(flow, which) > 0 and symbol not in unsure
        ]
        found.sort(reverse=True)
        words = [f"{_figure(units, exact=exact)} {symbol}" for units, symbol in found]
        words += [f"{symbol} not known" for symbol in sorted(unsure)]
        more = f" +{len(words) - most}" if len(words) > most else ""
        return (", ".join(words[:most]) or "0") + more


def by_entity(
    entries: Iterable[Entry],
    histories: Mapping[str, History],
    prices: Prices,
    ours: Collection[str],
) -> list[Party]:
    """Who touches us first, then who holds and moves most. `histories`: by entry, of those that
    were read; `ours`: entries that had to do with addresses of our own."""
    found: dict[tuple[str, str], Party] = {}
    for entry in entries:
        origin = entry.origin
        name = "" if origin is None else origin.list
        whom = (origin.entity if origin else "") or entry.subject.address
        party = found.setdefault((name, whom), Party())
        party.entries.append(entry)
        party.touches |= entry.id in ours
        if (history := histories.get(entry.id)) is not None:
            _add(party, entry, history, prices)
    return sorted(found.values(), key=lambda p: (not p.touches, -p.usd, -p.moved, -p.count))


def _add(party: Party, entry: Entry, history: History, prices: Prices) -> None:
    party.read += 1
    party.count += history.count
    party.moved += history.month_count
    if history.last is not None:
        party.last = max(party.last or 0, history.last)
    party.lately |= history.alarming
    with localcontext() as context:
        context.prec = _DIGITS
        for each in history.by_asset:
            if each.verified and each.symbol:
                paid = history.fees if each.contract is None else 0
                held = _coins(each, each.came - each.went - paid)
                if held < 0:
                    party.unsure.add(each.symbol)
                _flow(party, each).held += max(held, Decimal(0))
                party.usd += max(held, Decimal(0)) * _price(prices, entry, each)
        for each in history.month:
            if each.verified and each.symbol:
                flow = _flow(party, each)
                flow.came += _coins(each, each.came)
                flow.went += _coins(each, each.went)
                party.usd += _coins(each, each.came + each.went) * _price(prices, entry, each)


def _flow(party: Party, each: AssetSum) -> Flow:
    return party.flows.setdefault(each.symbol, Flow())


def _coins(each: AssetSum, units: int) -> Decimal:
    return Decimal(units).scaleb(-(each.decimals or 0))


def _price(prices: Prices, entry: Entry, each: AssetSum) -> Decimal:
    return prices.get((entry.subject.chain, each.contract or ""), Decimal(0))


def _figure(coins: Decimal, *, exact: bool) -> str:
    """As amounts are shown everywhere."""
    with localcontext() as context:
        context.prec = _DIGITS
        decimals = max(0, -int(coins.as_tuple().exponent))
        shown = amount_short if exact else amount_said
        return shown(int(coins.scaleb(decimals)), decimals)
