"""What was read of an address, list by list: from where to where, by whom, and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.chains.table import STREAM_WORDS, streams_of
from monitor.model import Axis, Chain, Interval, SourceConfig, Subject, intervals
from monitor.model.plain import plural, tidy, utc
from monitor.model.streams import StreamState, who_is_asked
from monitor.picture import cover
from monitor.picture.cover import Bar, How, Part
from monitor.store import heads, second_word
from monitor.store.coverage import UNTRIED, stream_states
from monitor.store.port import Reader


@dataclass(frozen=True, slots=True)
class By:
    """What one source read."""

    source: str
    operator: str
    said: str  # "block 1 to block 8,000"


@dataclass(frozen=True, slots=True)
class ListRead:
    """One list of an address. `blind`: why it is not read now; empty: it is."""

    name: str
    start: str
    end: str
    at: int | None  # chain time up to which it was complete
    by: tuple[By, ...]
    holes: tuple[str, ...]
    blind: str
    bar: Bar | None  # None: nothing was read
    stream: str
    axis: Axis
    covered: tuple[Interval, ...]

    @property
    def svg(self) -> str:
        """The bar; empty where there is none. It escapes what it holds itself."""
        if self.bar is None:
            return ""
        said = f"{self.name}: {self.start} to {self.end}, {self.witnesses}"
        return cover.svg(said if self.start else f"{self.name}: nothing was read", self.bar)

    @property
    def witnesses(self) -> str:
        operators = len({each.operator for each in self.by})
        if not operators:
            return "nobody"
        return "one operator" if operators == 1 else f"{operators} operators"


def lists_read(
    store: Reader, chain: Chain, sources: Mapping[str, SourceConfig], subject: Subject, now: int
) -> list[ListRead]:
    """Every list that the chain has for an address, read or not."""
    states = stream_states(store, subject, now)
    proven = second_word.proven(store, subject)
    names = dict.fromkeys((*streams_of(chain), *states))
    head = heads.newest(store, chain.key)
    found = []
    for name in names:
        state = states.get(name, UNTRIED)
        by_source = proven.get((name, state.axis), {})
        top = head if state.axis.by_block else now * 1000
        found.append(_list_read(name, state, by_source, sources, top))
    return found


def _list_read(
    name: str,
    state: StreamState,
    by_source: Mapping[str, Sequence[Interval]],
    sources: Mapping[str, SourceConfig],
    top: int | None,
) -> ListRead:
    covered, axis = state.covered.get(state.axis, ()), state.axis
    by = [
        By(tidy(source, 40), _operator(source, sources), _span_said(axis, read))
        for source, read in by_source.items()
        if read
    ]
    if not by and covered and state.source:  # read with its chain, by whole blocks
        by = [
            By(tidy(state.source, 40), _operator(state.source, sources), _span_said(axis, covered))
        ]
    holes = [
        *(f"not read: {_place(axis, a.hi + 1)} to {_place(axis, b.lo - 1)}"
          for a, b in pairwise(covered)),
        *(f"could not be read: {_place(axis, gap.lo)} to {_place(axis, gap.hi)}"
          for gap in (*state.unread, *state.missed)[:5]),
    ]  # fmt: skip
    if state.cursors:
        holes.append("its history is still being read")
    blind = _blind(state, read=bool(covered))
    return ListRead(
        STREAM_WORDS.get(name, name),
        _place(axis, covered[0].lo) if covered else "",
        _place(axis, covered[-1].hi) if covered else "",
        state.complete_time if covered else None,
        tuple(by),
        tuple(holes),
        blind,
        _bar(state, by_source, sources, top, blind),
        name,
        axis,
        tuple(covered),
    )


def _place(axis: Axis, place: int) -> str:
    """A place for people: a block, or a time."""
    if place <= 1:
        return "the beginning"
    if not axis.by_block:
        return utc(place // 1000)
    return f"{'block' if axis is Axis.HEIGHT else axis.value} {place:,}"


def _operator(source: str, sources: Mapping[str, SourceConfig]) -> str:
    config = sources.get(source)
    return tidy((config.operator if config else "") or source, 40)


def _span_said(axis: Axis, read: Sequence[Interval]) -> str:
    return f"{_place(axis, read[0].lo)} to {_place(axis, read[-1].hi)}"


def _blind(state: StreamState, *, read: bool) -> str:
    if state.shown:
        return f"the blocks that are read do not hold it; {who_is_asked(state.shown)}"
    if state.unserved:
        return "no configured source lists it"
    if state.failing is not None:
        return f"not read since {utc(state.ok or state.failing)}"
    if state.below_unserved:
        return f"read from block {state.joined} on; no configured source lists what moved before"
    if state.gaps:
        return f"{plural(state.gaps, 'part')} of it could not be read"
    return "" if read else "not read so far"


def _bar(
    state: StreamState,
    by_source: Mapping[str, Sequence[Interval]],
    sources: Mapping[str, SourceConfig],
    top: int | None,
    blind: str,
) -> Bar | None:
    """From the first place that was read to the last; where it is not read now, to the newest
    (`top`) that anybody named. None: nothing was read or tried."""
    axis, covered = state.axis, state.covered.get(state.axis, ())
    gaps = intervals.union((*state.unread, *state.missed))
    spans = [*covered, *gaps]
    if not spans:
        return None
    low, high = min(s.lo for s in spans), max(s.hi for s in spans)
    twice = _twice(by_source, sources)
    once = [part for span in covered for part in intervals.subtract(span, twice)]
    parts = [(How.ONE, each) for each in once]
    parts += [(How.TWO, each) for each in intervals.clip(twice, covered)]
    parts += [(How.GAP, each) for each in gaps]
    if blind and top is not None and top > high:
        parts.append((How.BLIND, Interval(high + 1, top)))
        high = top
    told = tuple(Part(how, s.lo, s.hi, _said(axis, s)) for how, s in parts)
    return Bar(low, high, told, (_place(axis, low), _place(axis, high)))


def _said(axis: Axis, span: Interval) -> str:
    return f"{_place(axis, span.lo)} to {_place(axis, span.hi)}"


def _twice(
    by_source: Mapping[str, Sequence[Interval]], sources: Mapping[str, SourceConfig]
) -> tuple[Interval, ...]:
    """What two operators read."""
    by_operator: dict[str, list[Interval]] = {}
    for source, read in by_source.items():
        by_operator.setdefault(_operator(source, sources), []).extend(read)
    parts = [intervals.union(each) for each in by_operator.values()]
    return intervals.union(
        span
        for n, one in enumerate(parts)
        for other in parts[n + 1 :]
        for span in intervals.clip(one, other)
    )
