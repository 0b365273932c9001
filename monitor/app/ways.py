"""In which way each chain is read: the arithmetic of decide/way.py over what is in service."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from monitor.decide import way
from monitor.decide.cost import Cost, Taken, cost_of_pass, lists_of, of_sleepers
from monitor.decide.way import Asked, Offer, Verdict, Weighed
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Way
from monitor.model.ports import Source, WholeBlocks
from monitor.model.settings import Settings
from monitor.store import blocks, dormant, watch
from monitor.store.port import Reader

log = logging.getLogger("fundwatch")

Chosen = Mapping[str, tuple[Weighed, Verdict]]  # by chain


def asked_of(
    chain: Chain,
    sources: Sequence[Source],
    wholes: Sequence[WholeBlocks],
    awake: int,
    asleep: int = 0,
    kept_back: Mapping[str, Collection[str]] | None = None,
) -> Asked:
    """`kept_back`: the lists that a source does not hand out, by its name."""
    kept = kept_back or {}
    offers = [Offer.of(source, kept.get(source.name, ())) for source in sources]
    return Asked(chain, awake, offers, wholes, of_sleepers(asleep, sources))


def choose(
    settings: Settings, asked: Mapping[str, Asked], now: Mapping[str, Way] | None = None
) -> Chosen:
    """`now`: the way in which each chain is read."""
    every = settings.poll_interval
    return way.of_all(asked.values(), settings.sources, now or {}, every)


def taken(settings: Settings, asked: Mapping[str, Asked], chosen: Chosen) -> dict[str, Taken]:
    """What passes cost by."""
    found = {}
    for key, (_, verdict) in chosen.items():
        whole = next((w for w in asked[key].wholes if w.name == verdict.source), None)
        found[key] = Taken.of(verdict.way, whole, asked[key].chain, settings.poll_interval)
    return found


class Ways:
    """Which way the chains of a home are read in, and what passes cost by it. `choose` is cheap,
    and is asked again and again: sources learn what they hand out as they are asked."""

    def __init__(self, settings: Settings, store: Reader, pools: Mapping[str, SourcePool]) -> None:
        self._settings, self._store, self._pools = settings, store, pools
        self._awake: Counter[str] = Counter()
        self._asleep: Counter[str] = Counter()
        self._taken: dict[str, Taken] = {}

    def count(self) -> None:
        """Take the numbers of addresses from the record."""
        self._asleep = Counter(dormant.counted(self._store))
        self._awake = Counter(watch.listed_numbers(self._store)) - self._asleep
        for chain in blocks.read_by_blocks(self._store) - self._taken.keys():  # at a start
            if chain in self._pools:
                self._pools[chain].use(Way.BLOCKS)

    def choose(self) -> bool:
        """In which way each chain is read from the next pass on; whether one of them changed."""
        chains = [key for key in self._settings.chains if self._awake[key] + self._asleep[key]]
        pools = {key: self._pools[key] for key in chains if key in self._pools}
        asked = {
            key: asked_of(
                *(pool.chain, pool.as_set, pool.wholes),
                *(self._awake[key], self._asleep[key]),
                {s.name: lists_of([s]) - pool.handed_out(s) for s in pool.sources},
            )
            for key, pool in pools.items()
        }
        chosen = choose(self._settings, asked, {key: pool.way for key, pool in pools.items()})
        for key, (_, verdict) in chosen.items():
            if (verdict.way, verdict.source) != (pools[key].way, pools[key].first):
                pools[key].use(verdict.way, verdict.source)
                log.info("chain %s is read in the way %s: %s", key, verdict.way, verdict.why)
        before, self._taken = self._taken, taken(self._settings, asked, chosen)
        return before != self._taken

    def pace(self, chain: str) -> int:
        """Seconds at least between two looks at a chain as a whole; 0: each pass looks."""
        return self._taken[chain].pace if chain in self._taken else 0

    def cost(self) -> Cost:
        """Of a pass over all that are watched."""
        used = self._awake.keys() | self._asleep.keys()
        asked = {key: self._pools[key].as_set for key in sorted(used) if key in self._pools}
        configs = self._settings.sources
        return cost_of_pass(self._awake, asked, configs, self._asleep, self._taken)
