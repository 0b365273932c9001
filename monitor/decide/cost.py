"""What a pass costs in calls, and how often it can be made. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from monitor.model import ISSUER, Chain, SourceConfig, Way
from monitor.model.life import AT_ONCE
from monitor.model.ports import SeesLife, Source, WholeBlocks
from monitor.model.reading import IN_FILTER

LEAST_INTERVAL = 20  # seconds between two polls of one subject, unless settings say so
POLITE = 3  # a source without a known budget is used for a third of the time at most
HEAD_CALLS = 4  # the newest block and its time, and the hashes of two that are final
LOOKS = 10  # at the newest block of a chain that is read by blocks, between two of its blocks
SHARE = 0.9  # of a budget that regular passes may use
# Of what they leave of it, a tenth at least: four tenths are for balances, one for second words
# (decide/second.py), two for following money. Three are for histories and look-ups by hash, which
# nobody holds back.
BALANCES = 0.4
TRACING = 0.2


class Lists(Protocol):
    """What of a source costs are worked out from."""

    @property
    def name(self) -> str: ...
    @property
    def many(self) -> bool: ...
    @property
    def list_calls(self) -> int: ...
    @property
    def act_calls(self) -> int: ...
    @property
    def bundles(self) -> tuple[frozenset[str], ...]: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """The way in which a chain is read, and of blocks who hands them out."""

    way: Way = Way.ADDRESSES
    source: str = ""
    a_second: float = 0.0  # calls for blocks on which nothing is found
    lists: frozenset[str] = frozenset()  # that those blocks hold
    # Seconds at least between two looks at the newest block, whatever passes are made: where its
    # blocks come seldom. 0: each pass looks.
    pace: int = 0

    @classmethod
    def of(
        cls, way: Way, whole: WholeBlocks | None, chain: Chain, every: int | None = None
    ) -> Taken:
        """As passes read it: blocks only where somebody hands them out. `every`: seconds between
        passes as set, then all chains are looked at so often."""
        if way is not Way.BLOCKS or whole is None:
            return cls(Way.ADDRESSES if way is Way.BLOCKS else way)
        pace = int(chain.block_time / LOOKS) if every is None else 0
        return cls(
            *(way, whole.name, whole.block_calls / chain.block_time, lists_of([whole])),
            pace if pace > LEAST_INTERVAL else 0,
        )

    @property
    def running(self) -> float:
        """Calls a second that are made as time goes by, and not by the pass."""
        return self.a_second + (HEAD_CALLS / self.pace if self.pace else 0.0)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one pass over every subject, and of whole blocks, which take calls as time goes by."""

    calls: Mapping[str, int]  # by source name; of a pass, whenever it is made
    interval: int  # seconds between passes that every budget allows
    least_seconds: float  # a pass cannot be shorter, by the rates allowed
    narrowest: str = ""  # the source whose budget decides the interval
    asleep: Mapping[str, int] = field(default_factory=dict)  # addresses asked for at once, by chain
    running: Mapping[str, float] = field(default_factory=dict)  # calls a second for whole blocks
    pace: int = 0  # seconds between two looks at the chain that has the longest pace of its own

    def a_second(self, every: int) -> dict[str, float]:
        """Calls a second by source where a pass is made so often."""
        names = self.calls.keys() | self.running.keys()
        return {n: self.calls.get(n, 0) / every + self.running.get(n, 0.0) for n in sorted(names)}


def lists_of(sources: Iterable[Lists]) -> frozenset[str]:
    """All that these sources read."""
    return frozenset(s for source in sources for bundle in source.bundles for s in bundle)


def sees_life(source: Source) -> bool:
    """Whether a source can be asked for many addresses whether they ever lived."""
    return hasattr(source, SeesLife.life.__name__)


def first_sources(sources: Sequence[Lists]) -> dict[str, list[frozenset[str]]]:
    """Which source reads which bundles when all are well: the first that serves a stream."""
    seen: set[str] = set()
    found: dict[str, list[frozenset[str]]] = {}
    for source in sources:
        for bundle in source.bundles:
            if bundle - seen:
                found.setdefault(source.name, []).append(bundle)
        seen |= {s for b in source.bundles for s in b}
    return found


def cost_of_pass(
    awake: Mapping[str, int],
    sources: Mapping[str, Sequence[Source]],
    configs: Mapping[str, SourceConfig],
    asleep: Mapping[str, int] = MappingProxyType({}),
    ways: Mapping[str, Taken] = MappingProxyType({}),
) -> Cost:
    """Calls of a quiet pass over so many addresses, `awake` and `asleep`, by chain: one a bundle
    and address, those for each head, and those for the acts of issuers, which one reading brings
    for all addresses of a chain; of those that are asleep, one for hundreds of them. A chain of
    which whole blocks are read costs calls by the block, whatever the number of addresses."""
    calls: dict[str, int] = {}
    running: dict[str, float] = {}
    for chain, asked in sources.items():
        taken, up, never = ways.get(chain, Taken()), awake.get(chain, 0), asleep.get(chain, 0)
        by_blocks = taken.way is Way.BLOCKS
        found = [of_chain(up + never if by_blocks else up, asked, taken)]
        if by_blocks and up + never:
            running[taken.source] = running.get(taken.source, 0.0) + taken.running
        elif not by_blocks:
            found.append(of_sleepers(never, asked))
        for name, number in (each for part in found for each in part.items()):
            calls[name] = calls.get(name, 0) + number
    intervals = {
        n: interval_of(number, configs[n], running.get(n, 0)) for n, number in calls.items()
    }
    narrowest = max(intervals, key=lambda name: intervals[name], default="")
    interval = max([LEAST_INTERVAL, *intervals.values()])
    made = {name: number + running.get(name, 0.0) * interval for name, number in calls.items()}
    return Cost(
        calls=calls,
        interval=interval,
        least_seconds=max([n / configs[name].rate_per_second for name, n in made.items()] or [0]),
        narrowest=narrowest if intervals and intervals[narrowest] > LEAST_INTERVAL else "",
        asleep={
            chain: number
            for chain, number in asleep.items()
            if number and ways.get(chain, Taken()).way is not Way.BLOCKS
        },
        running=running,
        pace=max((ways[chain].pace for chain in sources if chain in ways), default=0),
    )


def of_chain(number: int, sources: Sequence[Lists], taken: Taken | None = None) -> dict[str, int]:
    """Calls that a pass over so many addresses of a chain makes of each of its sources; without
    those for blocks, which are made as time goes by."""
    taken = taken or Taken()
    if not sources or not number:
        return {}
    if taken.way is Way.BLOCKS:
        return _beside_blocks(sources, taken)
    if taken.way is Way.MIXED:  # whoever reads for all at once goes first
        sources = sorted(sources, key=lambda source: not source.many)
    calls = {}
    by_name = {s.name: s for s in sources}
    for name, bundles in first_sources(sources).items():
        source, lists = by_name[name], [b for b in bundles if ISSUER not in b]
        each = -(-number // IN_FILTER) if source.many else number
        acts = source.act_calls if len(lists) < len(bundles) else 0
        calls[name] = HEAD_CALLS + each * len(lists) * source.list_calls + acts
    return calls


def _beside_blocks(sources: Sequence[Lists], taken: Taken) -> dict[str, int]:
    """The newest block, and what issuers did where blocks do not show it."""
    calls = Counter({taken.source: 0 if taken.pace else HEAD_CALLS})
    source = next((s for s in sources if ISSUER in lists_of([s])), None)
    if source is not None and ISSUER not in taken.lists:
        calls[source.name] += source.act_calls
    return dict(calls)


def of_sleepers(number: int, sources: Sequence[Source]) -> dict[str, int]:
    """Calls that a pass over so many addresses makes that never lived on a chain."""
    if not sources or not number:
        return {}
    node = next((s for s in sources if sees_life(s)), sources[0])
    return {node.name: HEAD_CALLS + -(-number // AT_ONCE)}


def spare(limit: int, used: int, regular: float, window: int, left: int, share: float) -> int:
    """How many calls of a budget of `limit` calls a `window` (seconds) may be made now for what
    has this `share` of what regular passes leave. They make `regular` calls a second; `used`
    calls were made, whoever made them, and `left` seconds are left. What the others do not use
    comes free as the window goes by; what they use beyond theirs is not asked for here."""
    rest = limit - regular * window
    theirs = max(0.0, rest) * (1 - share) * left / window
    return max(0, int(limit - used - regular * left - theirs))


def interval_of(calls: float, config: SourceConfig, running: float = 0.0) -> int:
    """Seconds between passes of so many calls that a source's limits allow, where it is asked
    `running` calls a second besides; of what that leaves a tenth of the limit is always theirs."""
    limit = allowed(config)
    return int(calls / max(limit - running, limit * (1 - SHARE))) + 1


def allowed(config: SourceConfig, share: float = SHARE) -> float:
    """Calls a second that may be made of a source in the long run with this share of its budget;
    of one whose budget is not known, with a part of its rate."""
    known = config.calls_per_hour or config.calls_per_day
    return min(most(config, share), config.rate_per_second / (1 if known else POLITE))


def most(config: SourceConfig, share: float = 1.0) -> float:
    """Calls a second that a source can take in the long run with this share of its budget."""
    found = [config.rate_per_second]
    if config.calls_per_hour:
        found.append(config.calls_per_hour * share / 3600)
    if config.calls_per_day:
        found.append(config.calls_per_day * share / 86_400)
    return min(found)
