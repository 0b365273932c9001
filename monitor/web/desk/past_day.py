"""What was read of a day that is over, entry by entry, as far as it can be said: blocks are known
by their numbers, and of a few of them the record knows the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from monitor.chains.table import STREAM_WORDS, streams_of
from monitor.model import Axis, Chain, Interval, Subject, Watched, intervals
from monitor.model.dates import utc_day
from monitor.model.life import Dormant
from monitor.model.plain import utc
from monitor.store import desk_day, dormant, list_standing
from monitor.store.desk_day import DAY, Digest, Edge, Told
from monitor.web.desk.ask import Ask
from monitor.web.desk.known import address_path

PAGE, TOLD_MOST = 100, 30
OPEN = 2**62  # a place above all that are known

WHOLE, PART, NOTHING, UNKNOWN = "whole day", "part of it", "not read", "not known"
BEST = (WHOLE, PART, UNKNOWN, NOTHING)


@dataclass(frozen=True, slots=True)
class Said:
    """How some lists of an entry stand on that day."""

    lists: tuple[str, ...]
    how: str  # WHOLE | PART | NOTHING | UNKNOWN
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    watched: Watched
    chain: str
    path: str
    said: tuple[Said, ...]
    late: int  # movements of that day that were found late


@dataclass(frozen=True, slots=True)
class Blocks:
    """Which blocks of a chain are known to be of that day."""

    chain: str
    words: str


@dataclass(frozen=True, slots=True)
class PastDay:
    """`wrong`: why the day cannot be shown; nothing else is told then."""

    day: str
    begun: int = 0  # Unix seconds
    wrong: str = ""
    over: bool = True  # else it is today: what is said holds so far
    rows: tuple[Row, ...] = ()
    next: int = 0
    blocks: tuple[Blocks, ...] = ()
    told: tuple[Told, ...] = ()
    digests: tuple[Digest, ...] = ()  # of what counted as read as it began, and a day later


def past_day(ask: Ask, told: str, case: str, after: int) -> PastDay:
    """`told`: 2026-11-22; `case`: of it alone; `after`: where the page before ended."""
    day = told.strip()[:20]
    try:
        begun = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    except ValueError:
        return PastDay(day, wrong=f'"{day}" is no day; days are written as 2026-11-22.')
    day, since = begun.date().isoformat(), int(begun.timestamp())
    if since > ask.now:
        return PastDay(day, wrong="That day is still to come.")
    page = desk_day.watched_on(ask.store, ask.sight, (since, day), case, after, PAGE)
    edges = _edges(ask, page.entries, since)
    tomorrow = utc_day(since + DAY)
    digests = [
        desk_day.digest(ask.store, day, since),
        desk_day.digest(ask.store, tomorrow, since + DAY),
    ]
    return PastDay(
        day,
        since,
        over=since + DAY <= ask.now,
        rows=tuple(_rows(ask, page.entries, since, edges)),
        next=page.next,
        blocks=tuple(Blocks(_name(ask, c), _blocks(*e)) for c, e in edges.items()),
        told=tuple(desk_day.told(ask.store, ask.sight, since, TOLD_MOST)),
        # How much is watched is no number for everybody.
        digests=tuple(each for each in digests if each) if ask.sight.cases is None else (),
    )


Edges = Mapping[str, tuple[Edge, Edge]]  # of the beginning and the end, by chain


def _edges(ask: Ask, entries: Sequence[Watched], since: int) -> Edges:
    """Who does not see all is told of no block in which somebody else's address moved."""
    chains: dict[str, list[Subject]] = {}
    for each in entries:
        chains.setdefault(each.entry.subject.chain, []).append(each.entry.subject)
    found = {}
    for chain, subjects in chains.items():
        of = None if ask.sight.cases is None else subjects
        begin, end = (desk_day.edge(ask.store, chain, at, of) for at in (since, since + DAY))
        found[chain] = (begin, end)
    return found


def _name(ask: Ask, chain: str) -> str:
    known = ask.settings.chains.get(chain)
    return known.name if known else chain


def _inside(begin: Edge, end: Edge) -> Interval | None:
    """From the first to the last block that is known to be of the day."""
    first, last = begin.after, end.before
    if first is None or last is None or first[0] > last[0]:
        return None
    return Interval(first[0], last[0])


def _blocks(begin: Edge, end: Edge) -> str:
    inside = _inside(begin, end)
    if inside is None:
        return "of no block it is known that it is of this day"
    first, last = begin.after, end.before
    assert first is not None
    assert last is not None
    if first == last:
        return f"block {first[0]:,} ({utc(first[1])}) is known to be of this day"
    return (
        f"blocks {first[0]:,} ({utc(first[1])}) to {last[0]:,} ({utc(last[1])}) are known to be of "
        "this day"
    )


# -- entry by entry ------------------------------------------------------------------------------


def _rows(ask: Ask, entries: Sequence[Watched], since: int, edges: Edges) -> list[Row]:
    keys = [*dict.fromkeys(each.entry.subject.key for each in entries)]
    parts = list_standing.covered(ask.store, keys)
    asleep = dormant.asleep_of(ask.store, keys)
    found = []
    for each in entries:
        subject = each.entry.subject
        chain = ask.settings.chains.get(subject.chain)
        read = _read(parts, subject)
        said = _of_entry(chain, read, asleep.get(subject.key), since, edges[subject.chain])
        path = address_path(subject.chain, subject.address) if chain else ""
        late = desk_day.late(ask.store, subject, since)
        found.append(Row(each, _name(ask, subject.chain), path, said, late))
    return found


# By list: what was read of it, along each axis along which anything was.
Read = Mapping[str, Sequence[tuple[Axis, tuple[Interval, ...]]]]


def _read(parts: list_standing.Parts, subject: Subject) -> Read:
    read: dict[str, list[tuple[Axis, tuple[Interval, ...]]]] = {}
    for (key, stream, axis), found in parts.items():
        if key == subject.key:
            read.setdefault(stream, []).append((axis, intervals.union(found)))
    return read


def _of_entry(
    chain: Chain | None,
    read: Read,
    asleep: Dormant | None,
    since: int,
    edges: tuple[Edge, Edge],
) -> tuple[Said, ...]:
    """Lists that stand alike together."""
    names = dict.fromkeys([*(streams_of(chain) if chain else ()), *read])
    alike: dict[tuple[str, str], list[str]] = {}
    for name in names:
        ways = [_of_list(*each, since, edges) for each in read.get(name, [(Axis.HEIGHT, ())])]
        how, words = min(ways, key=lambda each: BEST.index(each[0]))
        if how == NOTHING and asleep is not None and asleep.since <= since + DAY:
            words = f"not read list by list: nodes proved at block {asleep.height:,} that it never "
            words += "lived on its chain"
        alike.setdefault((how, words), []).append(STREAM_WORDS.get(name, name))
    every = len(alike) == 1 and len(names) > 1
    return tuple(
        Said(("all lists",) if every else tuple(lists), how, words)
        for (how, words), lists in alike.items()
    )


def _of_list(
    axis: Axis, read: tuple[Interval, ...], since: int, edges: tuple[Edge, Edge]
) -> tuple[str, str]:
    """How, and in words, one list stands on the day."""
    if not axis.by_block:
        span = Interval(since * 1000, (since + DAY) * 1000 - 1)
        return _against(axis, read, span, span)
    begin, end = edges
    if not any((begin.before, begin.after, end.before, end.after)):
        if not read:
            return NOTHING, "nothing of it counts as read"
        return UNKNOWN, "no block near this day has a time in the record"
    low = begin.before[0] + 1 if begin.before else 0
    high = end.after[0] - 1 if end.after else OPEN
    return _against(axis, read, Interval(low, max(low, high)), _inside(begin, end))


def _against(
    axis: Axis, read: tuple[Interval, ...], outer: Interval, inner: Interval | None
) -> tuple[str, str]:
    """`outer`: no place of the day lies beyond it; `inner`: all of it is of the day."""
    missing = intervals.subtract(outer, read)
    if outer.lo == 0 and missing and missing[0].lo == 0 and missing[0].hi == 0:
        missing = missing[1:]  # lists begin at 1 where the chain does
    if not missing:
        return WHOLE, "all of it counts as read"
    there = intervals.clip(read, (outer,))
    if not there:
        return NOTHING, "nothing of it counts as read"
    spans = ", ".join(_span(axis, each) for each in there[:4])
    spans += f" and {len(there) - 4} more parts" if len(there) > 4 else ""
    if inner is not None and not intervals.subtract(inner, read):
        return (
            PART,
            f"read: {spans}; what lies before and after, up to the day's ends, is not known",
        )
    return PART, f"read: {spans}; the rest does not count as read"


def _span(axis: Axis, span: Interval) -> str:
    if axis.by_block:
        return f"block {span.lo:,} to {span.hi:,}"
    return f"{utc(span.lo // 1000)} to {utc(span.hi // 1000)}"
