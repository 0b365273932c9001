"""Settings -> the adapters, pools and channels that work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.loops.clock import now
from monitor.loops.giving_way import gives_way
from monitor.loops.list_watch import Fetch
from monitor.loops.pool import HEAD_TTL, SourcePool
from monitor.loops.pricing import PricingWorld
from monitor.model import Chain, ChannelConfig, SourceConfig
from monitor.model.errors import SourceError
from monitor.model.lists import Fetched, ListConfig, Validators
from monitor.model.ports import Source
from monitor.model.settings import Settings
from monitor.net import channels, prices, sources
from monitor.net.channels import CheckedChannel
from monitor.net.download import Way, download
from monitor.net.http import Http
from monitor.net.limits import Limiter
from monitor.store import budgets
from monitor.store.port import Store

log = logging.getLogger("fundwatch")

# (source, start of the window, its seconds, calls wanted) -> calls granted
Reserve = Callable[[str, int, int, int], int]


def make_channel(settings: Settings, config: ChannelConfig) -> CheckedChannel:
    proxies, verify = settings.proxies or None, settings.ca_bundle or True
    return channels.build(config, proxies=proxies, verify=verify)


def reserve_in(store: Store, settings: Settings) -> Reserve:
    """Calls are taken from the budgets that the record keeps."""
    configs = {config.name: config for config in settings.prices} | dict(settings.sources)

    def reserve(key: str, start: int, seconds: int, wanted: int) -> int:
        config = configs[key]
        limit = config.calls_per_hour if seconds == 3600 else config.calls_per_day
        return budgets.reserve(store, key, start, seconds, wanted, limit or 0)

    return reserve


def list_fetch(settings: Settings) -> Fetch:
    """How a published list is fetched."""
    way = Way(settings.proxies, settings.ca_bundle or True)

    def fetch(
        config: ListConfig, into: Path, known: Validators, watch: Callable[[int], object]
    ) -> Fetched | None:
        return download(config.name, config.url, into, known, way, watch)

    return fetch


def pricing_world(store: Store, settings: Settings, reserve: Reserve) -> PricingWorld:
    made = [
        prices.build(
            config,
            _limiter(config, reserve),
            proxies=settings.proxies or None,
            verify=settings.ca_bundle or True,
        )
        for config in settings.prices
    ]
    return PricingWorld(store, made, settings.chains, settings.assets, now)


@dataclass(frozen=True)
class Sources:
    """The adapters of every chain that has any, and why others could not be made."""

    by_chain: Mapping[str, tuple[Source, ...]]
    trouble: tuple[str, ...] = ()


def make_sources(
    settings: Settings,
    chains: Mapping[str, Chain],
    reserve: Reserve | None,
    limiters: dict[str, Limiter] | None = None,
    turned: Callable[[], object] = lambda: None,
) -> Sources:
    """Adapters in the order of each chain's list; one limiter a configured source, taken
    from `limiters` or added to it. `turned` is called before each call, in its thread."""
    limiters = {} if limiters is None else limiters
    found: dict[str, tuple[Source, ...]] = {}
    trouble: list[str] = []
    for key, chain in chains.items():
        made = []
        for name in chain.sources:
            config = settings.sources[name]
            limiter = limiters.setdefault(name, _limiter(config, reserve, turned))
            try:
                made.append(_source(config, chain, limiter, settings))
            except SourceError as error:
                trouble.append(f"{key}: {error}")
        found[key] = tuple(made)
    return Sources(found, tuple(trouble))


def _head_ttl(settings: Settings) -> float:
    """A head must not outlive the pass that it was read in, or passes would see nothing new."""
    return min(HEAD_TTL, (settings.poll_interval or HEAD_TTL) / 2)


def _limiter(
    config: SourceConfig, reserve: Reserve | None, turned: Callable[[], object] = lambda: None
) -> Limiter:
    return Limiter(
        config.name,
        config.rate_per_second,
        config.calls_per_hour,
        config.calls_per_day,
        reserve=reserve,
        turned=turned,
        behind=gives_way,
    )


def _source(config: SourceConfig, chain: Chain, limiter: Limiter, settings: Settings) -> Source:
    options = sources.http_options(config, chain)
    http = Http(
        config.name,
        options.base_url,
        params=options.params,
        headers=options.headers,
        limiter=limiter,
        max_bytes=options.max_bytes,
        proxies=settings.proxies or None,
        verify=settings.ca_bundle or True,
    )
    return sources.build(config, chain, http)


class Pools(Mapping[str, SourcePool]):
    """Source pools by chain, made when a chain is first asked for: loading the adapters of every
    chain that is known would take a second of each command. Iterates over those made."""

    def __init__(
        self,
        settings: Settings,
        reserve: Reserve,
        back: Callable[[str], Collection[str]] = lambda _chain: (),
        turned: Callable[[], object] = lambda: None,
    ) -> None:
        """`back`: the sources of a chain that are asked after the others; `turned` is called
        before each call, in its thread."""
        self._settings, self._reserve, self._back, self._turned = settings, reserve, back, turned
        self._made: dict[str, SourcePool | None] = {}
        self._limiters: dict[str, Limiter] = {}
        self._lock = threading.Lock()

    def _make(self, key: str) -> SourcePool | None:
        chain = self._settings.chains.get(key)
        if chain is None:
            return None
        made = make_sources(
            self._settings, {key: chain}, self._reserve, self._limiters, self._turned
        )
        for trouble in made.trouble:
            log.warning("source not used: %s", trouble)
        found = made.by_chain[key]
        who = {name: config.operator for name, config in self._settings.sources.items()}
        ttl = _head_ttl(self._settings)
        if not found:
            return None
        faces = (sources.whole_of(source) for source in found)
        wholes = [whole for whole in faces if whole is not None]
        pool = SourcePool(chain, found, ttl, operators=who, wholes=wholes)
        pool.order(self._back(key))
        return pool

    def __getitem__(self, chain: str) -> SourcePool:
        with self._lock:
            if chain not in self._made:
                self._made[chain] = self._make(chain)
            pool = self._made[chain]
        if pool is None:
            raise KeyError(chain)
        return pool

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter([chain for chain, pool in self._made.items() if pool is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))
