"""Of sources and second words what `status` shows: values from the record"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.decide.scores import DAYS
from monitor.loops.health.chain_values import Time
from monitor.loops.health.snapshot import (
    ListsOfChain,
    SecondStatus,
    SourceStatus,
    WaitsForBudget,
)
from monitor.model.scores import DAY, Mark, Score
from monitor.model.settings import Settings
from monitor.store import scores, second_word
from monitor.store.port import Reader


def sources(store: Reader, settings: Settings, now: int) -> tuple[SourceStatus, ...]:
    """What sources were like in the last week, by chain and in the order of the settings."""
    counted: dict[tuple[str, str], list[Score]] = {}
    for score in scores.since(store, now // DAY - DAYS + 1):
        counted.setdefault((score.chain, score.source), []).append(score)
    back = second_word.said(store).back
    places = {key: place for place, key in enumerate(_pairs(settings))}
    return tuple(
        _source(settings, chain, name, counted[chain, name], name in back.get(chain, ()))
        for chain, name in sorted(counted.keys() & places.keys(), key=lambda key: places[key])
    )


def _pairs(settings: Settings) -> Iterable[tuple[str, str]]:
    return ((key, name) for key, chain in settings.chains.items() for name in chain.sources)


def _source(
    settings: Settings, chain: str, name: str, counted: Sequence[Score], back: bool
) -> SourceStatus:
    total = {mark: sum(s.n for s in counted if s.what is mark) for mark in Mark}
    return SourceStatus(
        chain=chain,
        source=name,
        operator=settings.sources[name].operator,
        asked=total[Mark.ASKED],
        late=total[Mark.LATE],
        late_seconds=max((s.worst for s in counted), default=0),
        missing=total[Mark.MISSING],
        wrong=total[Mark.WRONG],
        down=total[Mark.DOWN],
        moved_back=back,
    )


def second(store: Reader, now: int) -> SecondStatus:
    """What has a second operator's word, and why the rest has none."""
    counted, said = second_word.counted(store), second_word.said(store)
    return SecondStatus(
        addresses=counted.addresses,
        with_word=counted.with_word,
        oldest=Time.of(counted.oldest),
        oldest_seconds=None if counted.oldest is None else max(0, now - counted.oldest),
        more=counted.more,
        less=counted.less,
        restricted=said.restricted,
        one_operator=_of_chains(said.alone),
        in_blocks=_of_chains(said.in_blocks),
        budget=tuple(WaitsForBudget(name, number) for name, number in said.budget.items()),
    )


def _of_chains(lists: Mapping[str, Sequence[str]]) -> tuple[ListsOfChain, ...]:
    return tuple(ListsOfChain(chain, tuple(names)) for chain, names in lists.items())
