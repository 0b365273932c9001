"""In which way each chain is read: the arithmetic of decide/way.py over what is in service."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from monitor.decide import way
from monitor.decide.cost import Taken, of_sleepers
from monitor.decide.way import Asked, Offer, Verdict, Weighed
from monitor.model import Chain, Way
from monitor.model.ports import Source, WholeBlocks
from monitor.model.settings import Settings

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


def taken(asked: Mapping[str, Asked], chosen: Chosen) -> dict[str, Taken]:
    """What passes cost by."""
    found = {}
    for key, (_, verdict) in chosen.items():
        whole = next((w for w in asked[key].wholes if w.name == verdict.source), None)
        found[key] = Taken.of(verdict.way, whole, asked[key].chain)
    return found
