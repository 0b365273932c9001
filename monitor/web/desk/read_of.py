"""What was read of an address, list by list: from where to where, by whom, and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.chains.table import STREAM_WORDS, streams_of
from monitor.model import Axis, Chain, Interval, SourceConfig, Subject, intervals
from monitor.model.plain import plural, tidy, utc
from monitor.model.streams import StreamState, who_is_asked
from monitor.store import second_word
from monitor.store.coverage import UNTRIED, stream_states
from monitor.store.port import Reader

BAR = 1000  # how wide the bar of a list is drawn


@dataclass(frozen=True, slots=True)
class By:
    """What one source read."""

    source: str
    operator: str
    said: str  # "block 1 to block 8,000"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a bar: `kind` two | one | gap; the rest of the bar is unread."""

    kind: str
    left: int
    width: int


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
    bar: tuple[Stretch, ...]

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
    found = []
    for name in names:
        state = states.get(name, UNTRIED)
        by_source = proven.get((name, state.axis), {})
        found.append(_list_read(name, state, by_source, sources))
    return found


def _list_read(
    name: str,
    state: StreamState,
    by_source: Mapping[str, Sequence[Interval]],
    sources: Mapping[str, SourceConfig],
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
    return ListRead(
        STREAM_WORDS.get(name, name),
        _place(axis, covered[0].lo) if covered else "",
        _place(axis, covered[-1].hi) if covered else "",
        state.complete_time if covered else None,
        tuple(by),
        tuple(holes),
        _blind(state, read=bool(covered)),
        _bar(covered, by_source, sources, (*state.unread, *state.missed)),
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
    covered: Sequence[Interval],
    by_source: Mapping[str, Sequence[Interval]],
    sources: Mapping[str, SourceConfig],
    gaps: Sequence[Interval],
) -> tuple[Stretch, ...]:
    """From the first place that was read to the last."""
    spans = [*covered, *gaps]
    if not spans:
        return ()
    low, high = min(s.lo for s in spans), max(s.hi for s in spans)
    by_operator: dict[str, list[Interval]] = {}
    for source, read in by_source.items():
        by_operator.setdefault(_operator(source, sources), []).extend(read)
    parts = [intervals.union(each) for each in by_operator.values()]
    twice = [
        span
        for n, one in enumerate(parts)
        for other in parts[n + 1 :]
        for span in intervals.clip(one, other)
    ]
    drawn = (("one", covered), ("two", intervals.union(twice)), ("gap", gaps))
    return tuple(Stretch(kind, *_drawn(span, low, high)) for kind, each in drawn for span in each)


def _drawn(span: Interval, low: int, high: int) -> tuple[int, int]:
    whole = max(1, high - low)
    left = (span.lo - low) * BAR // whole
    return left, max(2, (span.hi - low) * BAR // whole - left)
