"""CoinGecko's API: the second word on prices. Without a key slow, with a free one faster.

https://docs.coingecko.com. Old prices are one snapshot a day, at 00:00 UTC, and of the
chains' own coins only: its lists of old prices by contract are not recorded, so not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from monitor.model import Chain, Price, SourceConfig
from monitor.net.http import Http
from monitor.net.limits import Limiter
from monitor.net.prices.reading import body, figure, time_of

PRO_HOST = "pro-api.coingecko.com"
MOST_COINS = 100  # ids in one call
# Contracts in one call. Without a key more than one is refused with error 10012
# (https://github.com/tahowallet/extension/issues/3748); with one the limit is not published.
MOST_CONTRACTS, MOST_WITHOUT_KEY = 20, 1
DAY = 86_400
REACH = 365 * DAY  # how far back it answers without a paid plan

_T = TypeVar("_T")
Asset = tuple[Chain, str]


def headers(config: SourceConfig) -> dict[str, str]:
    """Where its key goes; paid keys have a host and a header of their own."""
    if not config.api_key:
        return {}
    paid = urlsplit(config.url).hostname == PRO_HOST
    return {"x-cg-pro-api-key" if paid else "x-cg-demo-api-key": config.api_key}


class CoinGecko:
    """See ports.PriceSource."""

    def __init__(
        self,
        config: SourceConfig,
        http: Http,
        limiter: Limiter,
        clock: Callable[[], float],
    ) -> None:
        self.name = config.name
        self._most = MOST_CONTRACTS if config.api_key else MOST_WITHOUT_KEY
        self._paid = urlsplit(config.url).hostname == PRO_HOST
        self._http, self._limiter, self._clock = http, limiter, clock

    def groups(self, assets: Sequence[Asset], moment: int | None) -> list[tuple[Asset, ...]]:
        coins: dict[str, list[Asset]] = {}
        platforms: dict[str, list[Asset]] = {}
        for chain, contract in assets:
            if not contract and chain.prices.coin:
                coins.setdefault(chain.prices.coin, []).append((chain, contract))
            elif contract and chain.prices.coingecko:
                platforms.setdefault(chain.prices.coingecko, []).append((chain, contract))
        if moment is not None:
            return [tuple(same) for same in coins.values()] if self._has_day(moment) else []
        found = [
            tuple(asset for coin in part for asset in coins[coin])
            for part in _parts(list(coins), MOST_COINS)
        ]
        return found + [tuple(p) for same in platforms.values() for p in _parts(same, self._most)]

    def _has_day(self, moment: int) -> bool:
        now, day = self._clock(), midnight(moment)
        return day <= now and (self._paid or now - day < REACH)

    def wait(self) -> float:
        return self._limiter.wait()

    def ask(self, group: Sequence[Asset], moment: int | None) -> list[Price]:
        chain, contract = group[0]
        if moment is not None:
            return self._day(group, chain.prices.coin, midnight(moment))
        if contract:
            path = f"/simple/token_price/{chain.prices.coingecko}"
            named = {asset: asset[1] for asset in group}
            return self._simple(path, "contract_addresses", named)
        named = {asset: asset[0].prices.coin for asset in group}
        return self._simple("/simple/price", "ids", named)

    def _simple(self, path: str, what: str, named: Mapping[Asset, str]) -> list[Price]:
        asked = ",".join(dict.fromkeys(named.values()))
        query = {what: asked, "vs_currencies": "usd", "include_last_updated_at": "true"}
        found = parse_simple(body(self._http.get(path, query)), int(self._clock()))
        return [
            Price(chain.key, contract, *found[name], self.name)
            for (chain, contract), name in named.items()
            if name in found
        ]

    def _day(self, group: Sequence[Asset], coin: str, day: int) -> list[Price]:
        date = datetime.fromtimestamp(day, UTC).strftime("%d-%m-%Y")
        query = {"date": date, "localization": "false"}
        usd = parse_history(body(self._http.get(f"/coins/{coin}/history", query)), coin)
        if usd is None:
            return []
        return [Price(chain.key, "", day, usd, self.name, daily=True) for chain, _ in group]


def _parts(items: Sequence[_T], most: int) -> list[Sequence[_T]]:
    return [items[at : at + most] for at in range(0, len(items), most)]


def midnight(moment: int) -> int:
    """The 00:00 UTC that is nearest."""
    return (moment + DAY // 2) // DAY * DAY


def parse_simple(answer: Mapping[str, object], now: int) -> dict[str, tuple[int, Decimal]]:
    """`{name: {"usd", "last_updated_at"}}` -> name -> (time, USD). What makes no sense is
    left out, and so is a price without a time."""
    found: dict[str, tuple[int, Decimal]] = {}
    for name, said in answer.items():
        if not isinstance(said, dict):
            continue
        usd, at = figure(said.get("usd")), time_of(said.get("last_updated_at"), now)
        if usd is not None and at is not None:
            found[name] = (at, usd)
    return found


def parse_history(answer: Mapping[str, object], coin: str) -> Decimal | None:
    """The USD price in an answer about one day; None: it was not listed then, or the answer
    is about another coin."""
    market = answer.get("market_data")
    prices = market.get("current_price") if isinstance(market, dict) else None
    if answer.get("id") != coin or not isinstance(prices, dict):
        return None
    return figure(prices.get("usd"))
