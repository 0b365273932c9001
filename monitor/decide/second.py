"""Which part of a list has one operator's word alone, whose word is missing, and what two words
differ in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.decide.cost import POLITE
from monitor.model import (
    Axis,
    Interval,
    Lookup,
    Severity,
    SourceConfig,
    intervals,
)
from monitor.model.ports import Source
from monitor.model.scores import DAY, Mark
from monitor.model.second import Listed, Proven, Unequal, compared

# Seconds until an address's lists are asked of a second operator again, by severity.
EVERY = {Severity.SEVERE: 3600, Severity.HIGH: 6 * 3600}
EVERY_OTHER = DAY
TENTH = 10  # of what is left of a budget this part may go to second words
HOUR = 3600


def alone(proven: Proven, whose: Mapping[str, str], floor: int) -> dict[str, tuple[Interval, ...]]:
    """What of a list, from a place on, was read from one operator alone, by operator."""
    found = {}
    by_operator = _by_operator(proven, whose)
    for operator, read in by_operator.items():
        others = [part for who, parts in by_operator.items() if who != operator for part in parts]
        left = [piece for part in read for piece in intervals.subtract(part, others)]
        kept = [Interval(max(piece.lo, floor), piece.hi) for piece in left if piece.hi >= floor]
        if kept:
            found[operator] = tuple(kept)
    return found


def _by_operator(proven: Proven, whose: Mapping[str, str]) -> dict[str, tuple[Interval, ...]]:
    found: dict[str, list[Interval]] = {}
    for source, parts in proven.items():
        found.setdefault(whose.get(source, source), []).extend(parts)
    return {operator: intervals.union(parts) for operator, parts in found.items()}


def one_word(
    sources: Iterable[Source], whose: Mapping[str, str], streams: Iterable[str]
) -> frozenset[str]:
    """The lists that are served, and by one operator alone."""
    served: dict[str, set[str]] = {}
    for source in sources:
        for bundle in source.bundles:
            for stream in bundle:
                served.setdefault(stream, set()).add(whose.get(source.name, source.name))
    return frozenset(stream for stream in streams if len(served.get(stream, ())) == 1)


def second_sources(sources: Sequence[Source], whose: Mapping[str, str]) -> frozenset[str]:
    """The names of the sources that are asked for a second word when all are well: of each list
    the first one of another operator than the first that serves it."""
    found = set()
    for stream in {s for source in sources for bundle in source.bundles for s in bundle}:
        serving = [s.name for s in sources if any(stream in bundle for bundle in s.bundles)]
        others = (n for n in serving if whose.get(n, n) != whose.get(serving[0], serving[0]))
        found.update(list(others)[:1])
    return frozenset(found)


def unequal(
    rows: Iterable[Listed],
    stream: str,
    axis: Axis,
    second: str,
    proven: Proven,
    whose: Mapping[str, str],
) -> Unequal:
    """In what the second source's word on a list differs from that of other operators, where both
    have read it in full."""
    operator = whose.get(second, second)
    by_operator = _by_operator(proven, whose)
    read = by_operator.get(operator, ())
    before = [part for who, parts in by_operator.items() if who != operator for part in parts]
    more, less = [], []
    for listed in rows:
        place = axis.place(listed.row.transfer)
        if place is None or listed.row.transfer.kind.stream != stream or not compared(listed.row):
            continue
        operators = {whose.get(source, source) for source in listed.sources}
        if operators == {operator} and intervals.holds(before, place):
            more.append(listed)
        elif operator not in operators and intervals.holds(read, place):
            less.append(listed)
    return Unequal(tuple(more), tuple(less))


def against(said: Sequence[Lookup], whose: Mapping[str, str]) -> Mark | None:
    """What look-ups by hash at other operators say of a movement that one lists and another does
    not. MISSING: it happened, so who does not list it left it out; WRONG: it failed, or two know
    nothing of it; None: that is not known."""
    found = [word for word in said if word.found]
    if any(word.height is not None and not word.failed for word in found):
        return Mark.MISSING
    if any(word.failed for word in found):
        return Mark.WRONG
    silent = {whose.get(word.source, word.source) for word in said if not word.found}
    return Mark.WRONG if len(silent) > 1 and not found else None


@dataclass(frozen=True, slots=True)
class Window:
    """How a budget stands in the present hour or day."""

    used: int = 0  # calls, whoever made them
    spent: int = 0  # of these for second words
    regular: int = 0  # that regular passes still make in it


def allowance(config: SourceConfig, windows: Mapping[int, Window]) -> int:
    """Calls that second words may take of a source now: a tenth of what its budgets have left
    beside the regular passes. `windows`: by their seconds, of this hour and this day. A source
    without a budget is taken to have a day at a third of its rate."""
    limits = {HOUR: config.calls_per_hour, DAY: config.calls_per_day}
    known = {seconds: limit for seconds, limit in limits.items() if limit is not None}
    if not known:
        known = {DAY: int(config.rate_per_second * DAY / POLITE)}
    return min(_tenth(limit, windows[seconds]) for seconds, limit in known.items())


def _tenth(limit: int, window: Window) -> int:
    return (limit - window.used - window.regular + window.spent) // TENTH - window.spent
