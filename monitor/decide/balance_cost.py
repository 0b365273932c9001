"""What it costs to hold every address against its chain, and how often that can be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from monitor.decide.cost import BALANCES, HEAD_CALLS, spare
from monitor.model import SourceConfig
from monitor.model.balance import Holding
from monitor.model.ports import SeesBalances, Source

DAY = 86_400
GROUP = 40  # holdings for which the newest block is asked for anew
BUSY = 0.1  # the part of the time for which a source is asked for balances, at most


@dataclass(frozen=True, slots=True)
class BalanceCost:
    """Of one round over all addresses."""

    addresses: int
    calls: Mapping[str, int]  # by source name
    every: int  # seconds from one round to the next that every budget allows; a day at least
    narrowest: str = ""  # the source for which it is not once a day
    room: int = 0  # calls a day of that source
    without: tuple[str, ...] = ()  # chains of whose sources none says balances


def witnesses(sources: Sequence[Source]) -> list[Source]:
    """Those that say what addresses hold, in order."""
    return [source for source in sources if hasattr(source, SeesBalances.balances.__name__)]


def cost_of_balances(
    holdings: Mapping[str, Sequence[Holding]],
    sources: Mapping[str, Sequence[Source]],
    configs: Mapping[str, SourceConfig],
    regular: Mapping[str, float],
) -> BalanceCost:
    """`holdings`: what is asked for, by chain; `regular`: calls a second of regular passes, by
    source. Each chain's first source that says balances is asked."""
    calls: dict[str, int] = {}
    without = []
    for chain, asked in holdings.items():
        first = next(iter(witnesses(sources.get(chain, ()))), None)
        if first is None:
            without.append(chain)
            continue
        heads = HEAD_CALLS * -(-len(asked) // GROUP)
        own = cast(SeesBalances, first).balance_calls(asked)
        calls[first.name] = calls.get(first.name, 0) + heads + own
    room = {name: calls_a_day(configs[name], regular.get(name, 0.0)) for name in calls}
    every = {name: int(DAY * n / max(1, room[name])) for name, n in calls.items()}
    slowest = max(every, key=lambda name: every[name], default="")
    narrow = slowest if every.get(slowest, 0) > DAY else ""
    held = {(c, h.address) for c, asked in holdings.items() for h in asked if c not in without}
    return BalanceCost(
        addresses=len(held),
        calls=calls,
        every=max(DAY, every.get(slowest, 0)),
        narrowest=narrow,
        room=room.get(narrow, 0),
        without=tuple(without),
    )


def calls_a_day(config: SourceConfig, regular: float) -> int:
    """Calls of a source that may be made for balances in a day; `regular`: those a second that
    passes make."""
    found = [int(config.rate_per_second * DAY * BUSY)]
    for window, limit in ((3600, config.calls_per_hour), (DAY, config.calls_per_day)):
        if limit is not None:
            found.append(spare(limit, 0, regular, window, window, BALANCES) * (DAY // window))
    return min(found)
