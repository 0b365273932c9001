"""Which way a chain is read: what each costs, and which is taken. Pure.

By address, every list is asked for each address; in the mixed way a node gives tokens of all
addresses by ranges of blocks, and only what no node lists is asked for each address; by blocks,
each block is read once. The first two cost by the number of addresses, and can be spread out; the
last costs by the block, and has to keep up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from monitor.chains.table import short_words, streams_of
from monitor.decide.cost import (
    HEAD_CALLS,
    LEAST_INTERVAL,
    SHARE,
    Lists,
    Taken,
    allowed,
    interval_of,
    lists_of,
    most,
    of_chain,
)
from monitor.model import ISSUER, Chain, SourceConfig, Way
from monitor.model.hosts import is_loopback
from monitor.model.plain import duration
from monitor.model.ports import Source, WholeBlocks

DAY = 86_400
ENOUGH = 120  # seconds between passes: where it is no more, another way wins nothing
PACE = 300  # seconds: what ways cost is compared where each makes a pass so often
MARGIN = 1.5  # another way is taken where the one in use costs so many times as much
# Of what may be asked of a source, for its blocks; the rest is for catching up after an outage, for
# histories of addresses that join, for balances. What is read by blocks already may take more.
KEEP_UP, STAY = 0.5, 0.55
# Somebody else's server: so many bytes count as one more call, and more a second are not taken.
BYTES_A_CALL, BYTES_A_SECOND = 50_000, 1_000_000
ANSWER_BYTES = 2_000  # of an answer in which nothing is new, with what HTTP adds, about


@dataclass(frozen=True, slots=True)
class Offer:
    """A source of a chain with those of its lists that it hands out."""

    name: str
    many: bool
    list_calls: int
    act_calls: int
    bundles: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, source: Source, withheld: Collection[str] = ()) -> Offer:
        kept = (bundle.difference(withheld) for bundle in source.bundles)
        bundles = tuple(bundle for bundle in kept if bundle)
        return cls(source.name, source.many, source.list_calls, source.act_calls, bundles)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read of a chain, and of whom it can be had."""

    chain: Chain
    number: int  # addresses whose lists are read
    sources: Sequence[Lists]  # in order
    wholes: Sequence[WholeBlocks] = ()
    # Calls a pass for those that never lived there: of_sleepers.
    sleepers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a chain costs in one way."""

    way: Way
    calls: Mapping[str, float]  # a day, by source
    bytes: int  # a day, about
    every: int  # seconds between passes, as set or as budgets allow
    allows: int  # seconds between passes that budgets allow
    seen: int  # seconds after which a movement is seen, at most about
    burden: float  # calls a day with a pass every PACE; bytes of others count as calls, too
    lists: frozenset[str]
    key: str = ""  # the source whose budget is used most
    share: float = 0.0  # of the calls that it takes a day, or of its rate where no budget is known
    source: str = ""  # of blocks: who hands them out
    load: float = 0.0  # the part of what may be asked of it that its blocks take
    too_many: bool = False  # bytes a second
    lacks: tuple[str, ...] = ()  # what these blocks do not show, one sentence each


@dataclass(frozen=True, slots=True)
class Weighed:
    """Every way of a chain."""

    number: int  # addresses
    lists: frozenset[str]  # that are read of each
    addresses: Figures
    mixed: Figures | None = None  # None: no source gives lists of all addresses by ranges
    blocks: tuple[Figures, ...] = ()  # of each source that hands them out


@dataclass(frozen=True, slots=True)
class Verdict:
    """The way that is taken and why, in words; of blocks also from whom."""

    way: Way
    why: str
    source: str = ""
    error: str = ""  # what was asked for and cannot be

    def figures(self, of: Weighed) -> Figures:
        if self.way is Way.BLOCKS:
            return next(each for each in of.blocks if each.source == self.source)
        return of.mixed if self.way is Way.MIXED and of.mixed else of.addresses


def weigh(
    asked: Asked,
    configs: Mapping[str, SourceConfig],
    *,
    every: int | None = None,
    beside: Mapping[str, float] = MappingProxyType({}),
    running: Mapping[str, float] = MappingProxyType({}),
) -> Weighed:
    """`every`: seconds between passes as set, None: as budgets allow. What other chains need of
    the same sources: `beside` in calls a pass by address, `running` in calls a second for their
    blocks."""
    mine = Counter(of_chain(asked.number, asked.sources))
    mine.update(asked.sleepers)
    scale = _Scale(asked, configs, every, beside, running, mine)
    ranged = any(s.many and lists_of([s]) - {ISSUER} for s in asked.sources)
    return Weighed(
        asked.number,
        frozenset(streams_of(asked.chain)) - {ISSUER},
        scale.by_address(Way.ADDRESSES),
        scale.by_address(Way.MIXED) if ranged else None,
        tuple(scale.by_blocks(whole) for whole in asked.wholes),
    )


def of_all(
    chains: Iterable[Asked],
    configs: Mapping[str, SourceConfig],
    now: Mapping[str, Way] = MappingProxyType({}),
    every: int | None = None,
) -> dict[str, tuple[Weighed, Verdict]]:
    """Every chain by its key, one after the other: what those before it take of a source that
    serves several chains is not there for those after. `now`: the way in which each is read."""
    known = {asked.chain.key: asked for asked in chains}
    passes = {k: Counter(of_chain(a.number, a.sources)) for k, a in known.items()}
    for key, asked in known.items():
        passes[key].update(asked.sleepers)
    running: dict[str, float] = {}
    found = {}
    for key, asked in known.items():
        beside: Counter[str] = Counter()
        for other, calls in passes.items():
            if other != key:
                beside.update(calls)
        weighed = weigh(asked, configs, every=every, beside=beside, running=running)
        verdict = choose(weighed, asked.chain.read, now.get(key, Way.ADDRESSES))
        whole = next((w for w in asked.wholes if w.name == verdict.source), None)
        taken = Taken.of(verdict.way, whole, asked.chain, every)
        running[taken.source] = running.get(taken.source, 0.0) + taken.running
        found[key] = (weighed, verdict)
    return found


@dataclass(frozen=True, slots=True)
class _Scale:
    asked: Asked
    configs: Mapping[str, SourceConfig]
    set_every: int | None
    beside: Mapping[str, float]
    running: Mapping[str, float]
    mine: Mapping[str, int]  # calls of a pass by address

    def by_address(self, way: Way) -> Figures:
        calls = Counter(of_chain(self.asked.number, self.asked.sources, Taken(way)))
        calls.update(self.asked.sleepers)
        return self._figures(Taken(way, lists=lists_of(self.asked.sources)), calls, 0)

    def by_blocks(self, whole: WholeBlocks) -> Figures:
        chain = self.asked.chain
        taken = Taken.of(Way.BLOCKS, whole, chain, self.set_every)
        calls = of_chain(max(1, self.asked.number), self.asked.sources, taken)
        flow = int(whole.block_bytes / chain.block_time * DAY)
        made = self._figures(taken, calls, flow)
        config = self.configs[whole.name]
        heads = 0.0 if taken.pace else HEAD_CALLS / PACE
        wanted = taken.running + heads + self.running.get(whole.name, 0.0)
        return replace(
            made,
            source=whole.name,
            load=wanted / allowed(config, 1.0),
            too_many=not _is_local(config) and flow > BYTES_A_SECOND * DAY,
            lacks=tuple(whole.not_in_blocks),
        )

    def _shared(self, name: str) -> float:
        """So many times as many calls all chains make of a source as this one does. Each has its
        part of a budget by what it asks by address, whatever it is read by: or no chain could win
        anything by another way while the others are read by address."""
        mine = self.mine.get(name, 0)
        return 1 + self.beside.get(name, 0.0) / mine if mine else 1.0

    def _figures(self, taken: Taken, calls: Mapping[str, int], flow: int) -> Figures:
        """`calls`: of a pass; `flow`: bytes a day whatever the pace."""
        flowing = {taken.source: taken.running} if taken.source else {}
        allows, length = max(LEAST_INTERVAL, taken.pace), 0.0
        for name, number in calls.items():
            config = self.configs[name]
            known = self.running.get(name, 0.0) + flowing.get(name, 0.0)
            allows = max(allows, interval_of(number * self._shared(name), config, known))
            length = max(length, number / config.rate_per_second)
        every = self.set_every or allows
        a_day = {n: (c / every + flowing.get(n, 0.0)) * DAY for n, c in calls.items()}
        shares = {n: number / DAY / most(self.configs[n]) for n, number in a_day.items()}
        key = max(shares, key=lambda name: shares[name], default="")
        others = {n: c for n, c in calls.items() if not _is_local(self.configs[n])}
        looks = HEAD_CALLS if taken.pace else 0  # that are not among those of a pass
        burden = (sum(calls.values()) + looks) * DAY / PACE + taken.a_second * DAY
        burden += sum(others.values()) * DAY / PACE * ANSWER_BYTES / BYTES_A_CALL
        if not all(_is_local(self.configs[n]) for n in flowing):
            burden += flow / BYTES_A_CALL
        return Figures(
            taken.way,
            a_day,
            flow + int(sum(calls.values()) / every * DAY * ANSWER_BYTES),
            every,
            allows,
            int(every + length) + 1,
            burden,
            taken.lists,
            key,
            shares.get(key, 0.0),
        )


def choose(weighed: Weighed, read: str, now: Way = Way.ADDRESSES) -> Verdict:
    """The way in which a chain is read from now on. `read` is what its settings say; `now` the way
    in which it is read, so that a chain at the border stays as it is."""
    without = _without_blocks(weighed, now)
    if read == Way.ADDRESSES:
        return Verdict(Way.ADDRESSES, "read: addresses is set")
    forced = read == Way.BLOCKS
    able = _able(weighed, SHARE if forced else STAY if now is Way.BLOCKS else KEEP_UP)
    if forced and able is None:
        why = _why_not(weighed, SHARE)
        return replace(without, why=why, error=f"read: blocks is set, and {why}")
    if forced and able:
        return Verdict(Way.BLOCKS, "read: blocks is set", able.source)
    if able is None:
        return replace(without, why=f"{_why_not(weighed, KEEP_UP)}; {without.why}")
    other = without.figures(weighed)
    if more := weighed.lists & able.lists - other.lists:
        return Verdict(Way.BLOCKS, f"no source lists {short_words(more)} by address", able.source)
    if now is Way.BLOCKS:
        if _is_enough(other, ENOUGH / MARGIN) or _is_better(other, able):
            return without
        return Verdict(Way.BLOCKS, _compared(other, able), able.source)
    if _is_enough(other, ENOUGH):
        return without
    why = _compared(other, able)
    return (
        Verdict(Way.BLOCKS, why, able.source)
        if _is_better(able, other)
        else replace(without, why=why)
    )


def _without_blocks(weighed: Weighed, now: Way) -> Verdict:
    addresses, mixed = weighed.addresses, weighed.mixed
    if mixed is None:
        nobody = "no source is asked for many addresses at once"
        soon = _soon(addresses) if _is_enough(addresses, ENOUGH) else nobody
        return Verdict(Way.ADDRESSES, soon)
    if mixed.calls == addresses.calls:
        return Verdict(Way.MIXED, "a node stands first for tokens, and gives them for all at once")
    if now is Way.MIXED:
        stays = not _is_enough(addresses, ENOUGH / MARGIN) and not _is_better(addresses, mixed)
    else:
        stays = not _is_enough(addresses, ENOUGH) and _is_better(mixed, addresses)
    if stays:
        return Verdict(Way.MIXED, _compared(addresses, mixed))
    enough = _is_enough(addresses, ENOUGH)
    return Verdict(Way.ADDRESSES, _soon(addresses) if enough else _compared(addresses, mixed))


def _able(weighed: Weighed, most: float) -> Figures | None:
    """Of the sources whose blocks can be kept up with, the one that shows most lists, for least."""
    able = [each for each in weighed.blocks if each.load <= most and not each.too_many]
    return min(able, key=lambda each: (-len(each.lists), each.burden), default=None)


def _why_not(weighed: Weighed, most: float) -> str:
    if not weighed.blocks:
        return "no source of this chain hands out whole blocks"
    best = min(weighed.blocks, key=lambda each: (each.too_many, each.load))
    if best.too_many:
        mega = f"{best.bytes / 1e6:,.0f} MB a day"
        return f"blocks of {best.source} are {mega}, and {BYTES_A_SECOND:,} a second are the most"
    return (
        f"blocks take {best.load:.0%} of what may be asked of {best.source}, and {most:.0%} is "
        "the most"
    )


def _is_enough(found: Figures, seconds: float) -> bool:
    return found.allows <= seconds


def _is_better(one: Figures, other: Figures) -> bool:
    """Whether it is worth leaving `other` for `one`. Where a pass takes too long that decides
    alone; so no two ways are ever each better than the other."""
    if other.allows > PACE:
        return one.allows * MARGIN <= other.allows
    return one.allows * MARGIN <= PACE and one.burden * MARGIN <= other.burden


def _soon(found: Figures) -> str:
    return f"by address a pass can be made every {duration(found.allows)}, which is soon enough"


_WORDS = {Way.ADDRESSES: "by address", Way.MIXED: "mixed", Way.BLOCKS: "by blocks"}


def _compared(one: Figures, other: Figures) -> str:
    """What the two come to, by what decides."""
    first, second = _WORDS[one.way], _WORDS[other.way]
    if max(one.allows, other.allows) > PACE:
        return (
            f"{first} a pass can be made every {duration(one.allows)}, {second} every "
            f"{duration(other.allows)}"
        )
    return (
        f"a pass every {duration(PACE)} comes to {one.burden:,.0f} calls a day {first} and "
        f"{other.burden:,.0f} {second}, {BYTES_A_CALL // 1000} kB counted as one"
    )


def _is_local(config: SourceConfig) -> bool:
    return is_loopback(urlsplit(config.url).hostname or "")
