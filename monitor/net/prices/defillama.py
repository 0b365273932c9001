"""DefiLlama's coins API: current and historical prices, without a key.

https://defillama.com/docs/api. Its prices of coins by `coingecko:ID` are CoinGecko's; those
by contract are its own, taken from pools and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from monitor.model import Chain, Price, SourceConfig
from monitor.model.errors import BadResponse
from monitor.net.http import Http
from monitor.net.limits import Limiter
from monitor.net.prices.reading import body, figure, time_of

MOST_COINS = 60  # in one call: they stand in the path
WIDTH = "1h"  # how far from the moment a price may be: value.TOLERANCE
# How sure it must be of a price of its own, from 0 to 1. Its scale is not documented; ours.
LEAST_SURE = Decimal("0.5")


class DefiLlama:
    """See ports.PriceSource."""

    def __init__(
        self,
        config: SourceConfig,
        http: Http,
        limiter: Limiter,
        clock: Callable[[], float],
    ) -> None:
        self.name = config.name
        self._http, self._limiter, self._clock = http, limiter, clock

    def groups(
        self,
        assets: Sequence[tuple[Chain, str]],
        moment: int | None,  # noqa: ARG002 - it knows the same coins at any time
    ) -> list[tuple[tuple[Chain, str], ...]]:
        by_coin: dict[str, list[tuple[Chain, str]]] = {}
        for chain, contract in assets:
            if coin := coin_of(chain, contract):
                by_coin.setdefault(coin, []).append((chain, contract))
        coins = list(by_coin)
        return [
            tuple(asset for coin in coins[at : at + MOST_COINS] for asset in by_coin[coin])
            for at in range(0, len(coins), MOST_COINS)
        ]

    def wait(self) -> float:
        return self._limiter.wait()

    def ask(self, group: Sequence[tuple[Chain, str]], moment: int | None) -> list[Price]:
        by_coin: dict[str, list[tuple[Chain, str]]] = {}
        for chain, contract in group:
            by_coin.setdefault(coin_of(chain, contract), []).append((chain, contract))
        which = "current" if moment is None else f"historical/{moment}"
        path = f"/prices/{which}/{','.join(by_coin)}"
        answer = body(self._http.get(path, {"searchWidth": WIDTH}))
        found = parse_coins(answer, int(self._clock()))
        return [
            Price(chain.key, contract, at, usd, self.name)
            for coin, (at, usd) in found.items()
            for chain, contract in by_coin.get(coin, ())
        ]


def coin_of(chain: Chain, contract: str) -> str:
    """How it calls an asset; empty: it cannot be asked."""
    ids = chain.prices
    if not contract:
        return f"coingecko:{ids.coin}" if ids.coin else ""
    return f"{ids.defillama}:{contract}" if ids.defillama else ""


def parse_coins(answer: Mapping[str, object], now: int) -> dict[str, tuple[int, Decimal]]:
    """`{"coins": {coin: {"price", "timestamp", "confidence"?, ...}}}` -> coin -> (time, USD).

    A coin that makes no sense is left out: the others still count. Raises BadResponse where
    there is no list of coins.
    """
    coins = answer.get("coins")
    if not isinstance(coins, dict):
        raise BadResponse("the answer has no list of coins")
    found: dict[str, tuple[int, Decimal]] = {}
    for coin, said in coins.items():
        if not isinstance(said, dict):
            continue
        usd, at = figure(said.get("price")), time_of(said.get("timestamp"), now)
        if usd is not None and at is not None and _sure(said.get("confidence")):
            found[coin] = (at, usd)
    return found


def _sure(raw: object) -> bool:
    """Prices by coingecko:ID and old ones have no word on it."""
    if raw is None:
        return True
    return isinstance(raw, int | Decimal) and LEAST_SURE <= raw <= 1
