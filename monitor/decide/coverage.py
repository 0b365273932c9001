"""What is proven read, and the question "what to read next". Pure.

Coverage is what has been proven read: closed intervals of integers per subject, stream
and source, on one axis. Proven ends at the head minus the larger of the chain's finality
and the source's lag; everything above is read again each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Batch, Chain, Head, Interval
from monitor.model.intervals import subtract, union

# How far below the finality line a first look at a busy address begins: enough for the
# head to be proven at once, little enough to fit into one page.
HEAD_MARGIN_BLOCKS = 100


def top(head: Head, axis: str) -> int:
    """The head's own place on the axis."""
    return head.height if axis == "height" else head.time * 1000


def final_line(head: Head, axis: str, chain: Chain, lag: int = 0) -> int:
    """The highest place that counts as final under this head (and, with `lag`, as proven).

    The source's own word on finality can only lower it: whoever says that all is final is
    not believed. On the time axis depth and lag become time by the chain's block time.
    """
    depth = max(chain.finality, lag)
    if axis == "height":
        line = head.height - depth
        return line if head.final_height is None else min(line, head.final_height)
    seconds = head.time - depth * chain.block_time
    if head.final_time is not None:
        seconds = min(seconds, head.final_time)
    return int(seconds * 1000)


def proven(batch: Batch, chain: Chain, lag: int) -> tuple[Interval, ...]:
    """What of a batch may be booked as covered: read under a head that is believed, final,
    and without its gaps."""
    if batch.read is None or batch.doubt:
        return ()
    line = final_line(batch.head, batch.axis, chain, lag)
    if line < batch.read.lo:
        return ()
    sound = Interval(batch.read.lo, min(batch.read.hi, line))
    return subtract(sound, (gap.at for gap in batch.gaps))


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


def head_window(rest: Interval, head: Head, axis: str, chain: Chain, lag: int) -> Interval:
    """The top of a span that turned out too long for one batch: heads before history."""
    margin = HEAD_MARGIN_BLOCKS
    if axis == "time":
        margin = int(HEAD_MARGIN_BLOCKS * chain.block_time * 1000)
    start = final_line(head, axis, chain, lag) - margin
    return Interval(min(max(rest.lo, start), rest.hi), rest.hi)


def history_spans(
    covered: Sequence[Interval], floor: int, waiting: Iterable[Interval] = ()
) -> tuple[Interval, ...]:
    """Holes between the floor and the highest covered place, newest first.

    `waiting` are gaps that are not due for another try yet.
    """
    parts = union(covered)
    if not parts or parts[-1].hi < floor:
        return ()
    return subtract(Interval(floor, parts[-1].hi), (*parts, *waiting))[::-1]


def blocks_for(seconds: float, chain: Chain) -> int:
    """How many blocks fit into a time at most: counts blocks twice as fast as they are
    said to come, so that a window in time is never cut short."""
    return int(seconds / (chain.block_time / 2)) + 1


def place_of_date(when: int, head: Head, axis: str, chain: Chain) -> int:
    """A place on the axis that is certainly not after the Unix time `when`."""
    if axis == "time":  # not above the head either: nothing from there on may be left out
        return max(0, min(when, head.time) * 1000)
    return max(0, head.height - blocks_for(max(0, head.time - when), chain))


def place_of_height(height: int, head: Head, axis: str, chain: Chain) -> int:
    """A place on the axis that is certainly not above the block `height`."""
    height = min(height, head.height)
    if axis == "height":
        return height
    return max(0, int((head.time - (head.height - height) * chain.block_time * 2) * 1000))


def floor(since: str, when: int | None, head: Head, axis: str, chain: Chain) -> int:
    """The place where history that begins at `since` surely has begun: "first", a block
    height, or a date (`when`, Unix seconds). `head` is the one of first contact, so that
    the floor stays where it is."""
    if since.isdecimal():
        return place_of_height(int(since), head, axis, chain)
    return 0 if when is None else place_of_date(when, head, axis, chain)
