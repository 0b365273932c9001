"""What is proven read, and the question "what to read next". Pure.

Coverage is what has been proven read: closed intervals of integers per subject, stream
and source, on one axis. Proven ends at the head minus the larger of the chain's finality
and the source's lag; everything above is read again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from monitor.model import Axis, Batch, Chain, Head, Interval, Watched
from monitor.model.intervals import subtract, union

# How far below the finality line a first look at a busy address begins: enough for the
# head to be proven at once, little enough to fit into one page.
HEAD_MARGIN_BLOCKS = 100


def proven(batch: Batch, chain: Chain, lag: int) -> tuple[Interval, ...]:
    """What of a batch may be booked as covered: read under a head that is believed, final,
    and without its gaps."""
    if batch.read is None or batch.doubt:
        return ()
    line = batch.axis.final_line(batch.head, chain, lag)
    if line < batch.read.lo:
        return ()
    sound = Interval(batch.read.lo, min(batch.read.hi, line))
    return subtract(sound, (*(gap.at for gap in batch.gaps), *batch.missed))


def head_span(
    covered: Sequence[Interval], floor: int, head_top: int, lowest_open: int | None = None
) -> Interval:
    """What to read first: from the end of the highest covered interval to the head.

    `lowest_open` pulls the start down to rows that are not final yet, so that the source
    that told them is asked again. With no coverage it starts at the floor.
    """
    parts = union(covered)
    lo = max(parts[-1].hi + 1, floor) if parts else floor
    if lowest_open is not None:
        lo = min(lo, lowest_open)
    return Interval(min(lo, head_top), head_top)


def head_window(rest: Interval, head: Head, axis: Axis, chain: Chain, lag: int) -> Interval:
    """The top of a span that turned out too long for one batch: heads before history."""
    start = axis.final_line(head, chain, lag) - axis.reach(HEAD_MARGIN_BLOCKS, chain)
    return Interval(min(max(rest.lo, start), rest.hi), rest.hi)


def history_spans(
    covered: Sequence[Interval],
    floor: int,
    waiting: Iterable[Interval] = (),
    joined: int | None = None,
    gaps: Iterable[Interval] = (),
) -> tuple[Interval, ...]:
    """Holes between the floor and the highest covered place, newest first.

    `gaps` could not be read, perhaps when what counted as covered was read again; those `waiting`
    are not due for another try yet. `joined`: from there on the list is read chain-wide, whether
    any of that is proven yet or not.
    """
    parts, gaps = union(covered), tuple(gaps)
    top = max(parts[-1].hi if parts else -1, (joined or 0) - 1)
    if top < floor:
        return ()
    sound = (left for part in parts for left in subtract(part, gaps))
    return subtract(Interval(floor, top), (*sound, *waiting))[::-1]


def wanted_from(
    watched: Iterable[Watched],
    axis: Axis,
    head: Head | None,
    chain: Chain,
    since_time: Callable[[str], int | None],
) -> int:
    """The lowest place that any of an address's entries asks for: with none, the first. `head`:
    for those before first contact; None: nothing is left out."""
    return min((_wanted_from(w, axis, head, chain, since_time) for w in watched), default=0)


def _wanted_from(
    watched: Watched,
    axis: Axis,
    head: Head | None,
    chain: Chain,
    since_time: Callable[[str], int | None],
) -> int:
    first, since = watched.baseline, watched.entry.since
    seen = Head(first.height, first.head_time) if first else head
    return 0 if seen is None else floor(since, since_time(since), seen, axis, chain)


def floor(since: str, when: int | None, head: Head, axis: Axis, chain: Chain) -> int:
    """The place where history that begins at `since` surely has begun: "first", a block
    height, or a date (`when`, Unix seconds). `head` is the one of first contact, so that
    the floor stays where it is."""
    if since.isdecimal():
        return axis.place_of_height(int(since), head, chain)
    return 0 if when is None else axis.place_of_date(when, head, chain)
