"""Reading whole blocks: which are known, what could not be read of them, who is behind."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from monitor.loops.pool import SourcePool
from monitor.model import Batch, Head, Interval, intervals
from monitor.model.errors import SourceError
from monitor.model.streams import StreamState

BEHIND = 120  # seconds' worth of blocks that a source may be behind others
STALE = 300  # seconds after which a newest block is old, where blocks come at a usual pace


def known_from(known: Mapping[int, str], span: Interval) -> dict[int, str]:
    """The blocks at the beginning of a span that were read already, without a hole."""
    found, height = dict[int, str](), span.lo
    while height in known and height <= span.hi:
        found[height] = known[height]
        height += 1
    return found


def missed_before(states: Mapping[str, StreamState], batch: Batch) -> tuple[Interval, ...]:
    """What could not be read of blocks that were read before: that newer blocks descend from them
    does not mend it."""
    if batch.read is None or batch.fresh_from <= batch.read.lo:
        return ()
    before = [Interval(batch.read.lo, batch.fresh_from - 1)]
    gaps = [gap for s in batch.streams if (state := states.get(s)) for gap in state.unread]
    return intervals.clip(gaps, before)


def behind(pool: SourcePool, head: Head) -> int:
    """How many blocks a source is behind others of its chain, if they are many. Where its own are
    old, others are asked."""
    pace = pool.chain.block_time
    if time.time() - head.time > max(STALE, 20 * pace):
        for other in pool.sources:
            with suppress(SourceError):
                if pool.usable(other, everything=False):
                    pool.head(other)
    newest = max((each.height for each in pool.heads_seen.values()), default=0)
    lag = newest - head.height
    return lag if lag > max(2, BEHIND / pace) else 0
