"""What a pass costs in calls, and how often it can be made. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model import ISSUER, SourceConfig, Subject
from monitor.model.life import AT_ONCE
from monitor.model.ports import SeesLife, Source

LEAST_INTERVAL = 20  # seconds between two polls of one subject, unless settings say so
POLITE = 3  # a source without a known budget is used for a third of the time at most
HEAD_CALLS = 4  # the newest block and its time, and the hashes of two that are final
SHARE = 0.9  # of a budget that regular passes may use
# Of what they leave of it, a tenth at least: four tenths are for balances, one for second words
# (decide/second.py), two for following money. Three are for histories and look-ups by hash, which
# nobody holds back.
BALANCES = 0.4
TRACING = 0.2


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one pass over every subject."""

    calls: Mapping[str, int]  # by source name
    interval: int  # seconds between passes that every budget allows
    least_seconds: float  # a pass cannot be shorter, by the rates allowed
    narrowest: str = ""  # the source whose budget decides the interval
    asleep: Mapping[str, int] = field(default_factory=dict)  # addresses asked for at once, by chain


def sees_life(source: Source) -> bool:
    """Whether a source can be asked for many addresses whether they ever lived."""
    return hasattr(source, SeesLife.life.__name__)


def first_sources(sources: Sequence[Source]) -> dict[str, list[frozenset[str]]]:
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
    subjects: Sequence[Subject],
    sources: Mapping[str, Sequence[Source]],
    configs: Mapping[str, SourceConfig],
    asleep: Collection[Subject] = (),
) -> Cost:
    """Calls of a quiet pass: one a bundle and subject, those for each head, and those for the
    acts of issuers, which one reading brings for all subjects of a chain; of those subjects that
    are `asleep`, one for hundreds of them."""
    calls: dict[str, int] = {}
    sleeping = Counter(s.chain for s in asleep)
    numbers = Counter(s.chain for s in subjects if s not in asleep)
    for chain, asked in sources.items():
        count = numbers[chain]
        if sleeping[chain]:
            node = next((s for s in asked if sees_life(s)), asked[0])
            calls[node.name] = calls.get(node.name, 0) + HEAD_CALLS + -(-sleeping[chain] // AT_ONCE)
        if not count:
            continue
        by_name = {s.name: s for s in asked}
        for name, bundles in first_sources(asked).items():
            source, lists = by_name[name], [b for b in bundles if ISSUER not in b]
            each = 1 if source.many else count
            acts = source.act_calls if len(lists) < len(bundles) else 0
            calls[name] = (
                calls.get(name, 0) + HEAD_CALLS + each * len(lists) * source.list_calls + acts
            )
    intervals = {name: _interval(n, configs[name]) for name, n in calls.items()}
    narrowest = max(intervals, key=lambda name: intervals[name], default="")
    return Cost(
        calls=calls,
        interval=max([LEAST_INTERVAL, *intervals.values()]),
        least_seconds=max([n / configs[name].rate_per_second for name, n in calls.items()] or [0]),
        narrowest=narrowest if intervals and intervals[narrowest] > LEAST_INTERVAL else "",
        asleep=dict(sleeping),
    )


def spare(limit: int, used: int, regular: float, window: int, left: int, share: float) -> int:
    """How many calls of a budget of `limit` calls a `window` (seconds) may be made now for what
    has this `share` of what regular passes leave. They make `regular` calls a second; `used`
    calls were made, whoever made them, and `left` seconds are left. What the others do not use
    comes free as the window goes by; what they use beyond theirs is not asked for here."""
    rest = limit - regular * window
    theirs = max(0.0, rest) * (1 - share) * left / window
    return max(0, int(limit - used - regular * left - theirs))


def _interval(calls: int, config: SourceConfig) -> int:
    known = config.calls_per_hour or config.calls_per_day
    found = [calls / config.rate_per_second * (1 if known else POLITE)]
    if config.calls_per_hour:
        found.append(calls * 3600 / (config.calls_per_hour * SHARE))
    if config.calls_per_day:
        found.append(calls * 86_400 / (config.calls_per_day * SHARE))
    return int(max(found)) + 1
