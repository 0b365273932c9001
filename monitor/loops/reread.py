"""Reading an interval of an address's lists once more, from sources of one's own choice, beside
the passes. What comes is decided on and written like everything else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.loops.passing import PollWorld
from monitor.loops.pool import SourcePool
from monitor.loops.settle import Settler
from monitor.loops.witness import on_demand
from monitor.model import Ask, Batch, Interval, Subject
from monitor.model.balance import Between
from monitor.model.errors import NotServed, NotYet, SourceError
from monitor.model.ports import Source

PAGES = 20  # of one list and interval


@dataclass(frozen=True, slots=True)
class Reread:
    """What reading one bundle of lists from one source came to."""

    source: str
    streams: frozenset[str]
    read: Interval | None  # what was seen in full
    new: int = 0  # rows that the record did not have
    error: str = ""
    calls: int = 0


@dataclass(frozen=True)
class Rereader:
    """Reads again."""

    world: PollWorld
    settler: Settler

    def read(
        self,
        subject: Subject,
        source: Source,
        streams: frozenset[str],
        blocks: Between,
        times: Between,
    ) -> list[Reread]:
        """Read these lists between two blocks, `times` being theirs. Each bundle is written by
        itself; one that fails says why."""
        pool = self.world.pools[subject.chain]
        more = on_demand(source)
        bundles = [*source.bundles, *(frozenset({each}) for each in sorted(more))]
        span = Interval(source.axis.at(blocks.lo, times.lo), source.axis.at(blocks.hi, times.hi))
        return [
            self._read(pool, subject, source, bundle, span)
            for bundle in bundles
            if bundle & streams
        ]

    def _read(
        self,
        pool: SourcePool,
        subject: Subject,
        source: Source,
        streams: frozenset[str],
        span: Interval,
    ) -> Reread:
        beside = streams <= on_demand(source)
        if beside and (why := pool.rests(source, _named(streams))):
            return Reread(source.name, streams, None, error=why)
        calls, new = 0, 0
        left: Interval | None = span
        cursor: str | None = None
        read: Interval | None = None
        for _ in range(PAGES):
            if left is None:
                break
            try:
                head = pool.head(source)
                ask = Ask((subject,), streams, left, head, cursor=cursor, mempool=False)
                batch = pool.heads.vouch(source.fetch(ask))
                pool.confirm(source)
            except SourceError as error:
                if beside:
                    pool.withheld(source, _named(streams), error)
                elif not isinstance(error, NotServed | NotYet):
                    pool.failed(source, error, streams)
                return Reread(source.name, streams, read, new, error=str(error), calls=calls)
            if beside:
                pool.told(source, _named(streams))
            plan = self.settler.take(subject, [replace(batch, mempool_read=False)])
            calls, new = calls + batch.calls, new + len(plan.new)
            read = _joined(read, batch)
            left, cursor = batch.rest, batch.cursor
        return Reread(source.name, streams, read, new, calls=calls)


def _named(streams: frozenset[str]) -> str:
    return " and ".join(sorted(streams))


def _joined(read: Interval | None, batch: Batch) -> Interval | None:
    if read is None or batch.read is None:
        return read or batch.read
    return Interval(min(read.lo, batch.read.lo), max(read.hi, batch.read.hi))
