"""The table of price sources, and how one is built from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from monitor.model import SourceConfig
from monitor.model.ports import PriceSource
from monitor.net.http import Http
from monitor.net.limits import Limiter
from monitor.net.prices import coingecko, defillama

# kind -> its adapter.
Clock = Callable[[], float]
PRICES: Mapping[str, Callable[[SourceConfig, Http, Limiter, Clock], PriceSource]] = {
    "defillama": defillama.DefiLlama,
    "coingecko": coingecko.CoinGecko,
}
TIMEOUT = 5.0  # seconds of one call
MOST_BYTES = 1_000_000


def build(
    config: SourceConfig,
    limiter: Limiter,
    *,
    proxies: Mapping[str, str] | None = None,
    verify: bool | str = True,
    clock: Clock = time.time,
) -> PriceSource:
    """The adapter for one row of config/sources.yaml. Raises KeyError for an unknown kind."""
    headers = coingecko.headers(config) if config.kind == "coingecko" else None
    http = Http(
        config.name,
        config.url,
        headers=headers,
        limiter=limiter,
        timeout=TIMEOUT,
        max_bytes=MOST_BYTES,
        proxies=proxies,
        verify=verify,
        attempts=1,  # the next round asks again
    )
    source = PRICES[config.kind](config, http, limiter, clock)
    # What it says of a fault goes into logs and notices.
    source.ask = http.hidden.discreet(source.ask)  # type: ignore[method-assign]
    return source
