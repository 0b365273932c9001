"""Settings -> the adapters, pools and templates that work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from monitor.app.settings.load import shipped_config
from monitor.loops.pool import HEAD_TTL, SourcePool
from monitor.messages import layout
from monitor.model import Chain, SourceConfig
from monitor.model.errors import SourceError
from monitor.model.ports import Source
from monitor.model.settings import Settings
from monitor.net import sources
from monitor.net.http import Http
from monitor.net.limits import Limiter


def templates(home: Path) -> Environment:
    """The shipped templates, and before them those that people have changed."""
    return layout.environment(home / "config" / "templates", shipped_config() / "templates")


@dataclass(frozen=True)
class Sources:
    """The adapters of every chain that has any, and why others could not be made."""

    by_chain: Mapping[str, tuple[Source, ...]]
    trouble: tuple[str, ...] = ()


def make_sources(
    settings: Settings,
    chains: Mapping[str, Chain],
    reserve: Callable[[str, int, int, int], int] | None,
    limiters: dict[str, Limiter] | None = None,
) -> Sources:
    """Adapters in the order of each chain's list; one limiter a configured source, taken
    from `limiters` or added to it."""
    limiters = {} if limiters is None else limiters
    found: dict[str, tuple[Source, ...]] = {}
    trouble: list[str] = []
    for key, chain in chains.items():
        made = []
        for name in chain.sources:
            config = settings.sources[name]
            limiter = limiters.setdefault(name, limiter_for(config, reserve))
            try:
                made.append(_source(config, chain, limiter, settings))
            except SourceError as error:
                trouble.append(f"{key}: {error}")
        found[key] = tuple(made)
    return Sources(found, tuple(trouble))


def head_ttl(settings: Settings) -> float:
    """A head must not outlive the pass that it was read in, or passes would see nothing new."""
    return min(HEAD_TTL, (settings.poll_interval or HEAD_TTL) / 2)


def limiter_for(
    config: SourceConfig, reserve: Callable[[str, int, int, int], int] | None
) -> Limiter:
    return Limiter(
        config.name,
        config.rate_per_second,
        config.calls_per_hour,
        config.calls_per_day,
        reserve=reserve,
    )


def _source(config: SourceConfig, chain: Chain, limiter: Limiter, settings: Settings) -> Source:
    options = sources.http_options(config, chain)
    http = Http(
        config.name,
        options.base_url,
        params=options.params,
        headers=options.headers,
        limiter=limiter,
        proxies=settings.proxies or None,
        verify=settings.ca_bundle or True,
    )
    return sources.build(config, chain, http)


class Pools(Mapping[str, SourcePool]):
    """Source pools by chain, made when a chain is first asked for: loading the adapters of every
    chain that is known would take a second of each command. Iterates over those made."""

    def __init__(self, make: Callable[[str], SourcePool | None]) -> None:
        self._make = make
        self._made: dict[str, SourcePool | None] = {}
        self._lock = threading.Lock()

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
