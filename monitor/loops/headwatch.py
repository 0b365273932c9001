"""The heads that the sources of one chain named, and what of them stands. No database.

Heads are heard in worker threads, one at a time for each source; what came of them is
fetched with `news` by the thread that writes the record, before it books anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from monitor.decide import heads
from monitor.model import Axis, Batch, Chain, Head
from monitor.model.errors import BadResponse, Refused, SourceError, WrongChain
from monitor.model.heads import Book, Fault, HeadReport, Kept, Mark, News
from monitor.model.ports import Source

MUTE = 3600  # seconds
WALK = 8  # older marks that are looked at to find where a chain was reorganised


class HeadWatch:
    """See the module. Thread-safe."""

    def __init__(
        self,
        of: Chain,
        sources: Sequence[Source],
        clock: Callable[[], int],
        ask: Callable[[Source], Head | None],
    ) -> None:
        """`ask` brings the head of another source, where that can be had without waiting for
        one that is known to fail."""
        self.clock = clock
        self._ask = ask
        self.turn = 1  # the present pass
        self.taken_back = 0  # how often something was
        self._chain = of
        self._sources = tuple(sources)
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Kept, ...]] = {}
        self._reports: tuple[HeadReport, ...] = ()
        self._mute: dict[str, int] = {}  # sources that tell no block's hash: until when
        self._faults: list[Fault] = []
        self._foreign: dict[str, str] = {}
        self._dirty = False

    def remember(self, book: Book) -> None:
        """Take up what an earlier process kept."""
        with self._lock:
            self._kept, self._reports = dict(book.kept), book.reports

    def news(self) -> News | None:
        """What has changed since the last call; None: nothing."""
        with self._lock:
            if not self._dirty:
                return None
            self._dirty = False
            faults, self._faults = tuple(self._faults), []
            names = {source.name for source in self._sources}
            doubts = {n: heads.lasting_doubt(k) * (n in names) for n, k in self._kept.items()}
            book = Book(dict(self._kept), self._reports)
            return News(book, faults, dict(self._foreign), doubts)

    def vouch(self, batch: Batch) -> Batch:
        """The batch with what speaks against booking it, by all that is known by now."""
        with self._lock:
            mine = [k for k in self._kept.get(batch.source, ()) if k.head == batch.head]
        gone = f"{batch.source} has since contradicted its block {batch.head.height}"
        return replace(batch, doubt=mine[-1].doubt if mine else gone)

    def sure(self, source: str, head: Head) -> Head | None:
        """The head that a word given under this one can be held against: never above the
        newest believed head of its source."""
        with self._lock:
            standing = heads.believed(self._kept.get(source, ()))
        if not standing:
            return None
        return min(head, standing[-1].head, key=lambda h: h.height)

    # -- hearing a head ------------------------------------------------------------------

    def hear(self, source: Source, head: Head) -> str:
        """Judge a head that a source just named; returns why it is doubted, or "".

        Raises WrongChain when the source shows another chain than before, BadResponse for
        a block that no chain can have.
        """
        if not (0 <= head.height < heads.BEYOND and 0 <= head.time < heads.BEYOND):
            raise BadResponse(
                f"{source.name}: its newest block {head.height} of the time {head.time} cannot be"
            )
        with self._lock:
            kept = self._kept.get(source.name, ())
        stood = False
        if not (head.block_hash and _newest(kept, head)):  # the same block is the same chain
            self._same_chain(source, head, kept)
            kept, stood = self._kept_after(source, head)
        before = kept[-1] if _newest(kept, head) else None
        if before is not None and before.mark is not None:
            return self._keep(source, (*kept[:-1], replace(before, at=self.clock())))
        kept = kept[:-1] if before is not None else kept
        doubt = "" if before is not None else self._doubt(source, head, kept)
        mark = None if doubt else self._mark(source, head)
        if mark is not None and not mark[1]:
            why = f"{source.name} has no block {mark[0]} below block {head.height}"
            never = stood and not self._has_blocks(source, kept)
            doubt, mark = "" if never else why, None
        now = Kept(head, self.clock(), doubt, mark, self.turn)
        return self._keep(source, heads.trimmed((*kept, now)))

    def _has_blocks(self, source: Source, kept: Sequence[Kept]) -> bool:
        """Whether a source ever told any block's hash: then one that it lacks is not there."""
        with self._lock:
            reported = any(r.source == source.name for r in self._reports)
        return reported or any(k.mark is not None for k in kept)

    def _kept_after(self, source: Source, head: Head) -> tuple[tuple[Kept, ...], bool]:
        """What is kept of a source once a new head has confirmed or contradicted it, and
        whether it stood by one that was doubted."""
        with self._lock:
            kept = self._kept.get(source.name, ())
        found = heads.fallen(source.name, kept, head, source.axis, self._chain, source.index_lag)
        if found is not None:
            kept = self._contradicted(source, kept, found)
        now = self.clock()
        doubted = heads.waiting(kept, self.turn, now)
        if doubted is None or not self._still_there(source, doubted, head, kept):
            return kept, False
        return heads.stood_by(kept, self.turn, now), True

    def _contradicted(
        self, source: Source, kept: tuple[Kept, ...], found: Fault
    ) -> tuple[Kept, ...]:
        kept = heads.without(kept, found)
        with self._lock:
            self._faults.append(found)
            self._kept[source.name] = kept
            self._dirty = True
            self.taken_back += found.booked
        return kept

    def _still_there(self, source: Source, doubted: Kept, head: Head, kept: Sequence[Kept]) -> bool:
        """Whether a source still shows the block that it had named as its newest."""
        block_hash = doubted.head.block_hash
        if head.height < doubted.head.height or (block_hash and head.block_hash == block_hash):
            return True
        reported = self._hash(source, doubted.head.height)
        if reported is None:
            return self._is_mute(source) or not self._has_blocks(source, kept)
        return not block_hash or reported == block_hash

    def _doubt(self, source: Source, head: Head, kept: Sequence[Kept]) -> str:
        with self._lock:
            standing = {name: heads.believed(k) for name, k in self._kept.items()}
        standing[source.name] = own = heads.believed(kept)
        newest = [k[-1] for k in standing.values() if k]
        doubt = heads.unlikely(head, newest, own, self.clock(), self._chain)
        if newest and not doubt:
            return ""
        others = self._others(source)
        if doubt:
            return "" if heads.near(head, others, self._chain) else doubt
        first = next(others, None)  # nothing speaks against it, and nothing for it
        if first is None:
            return ""
        if heads.near(head, chain((first,), others), self._chain, heads.SLACK):
            return ""
        return f"the other sources are far below block {head.height}"

    def _others(self, source: Source) -> Iterator[Head]:
        """The heads of the other sources, asked now, one after the other."""
        for other in self._sources:
            if other is not source and (head := self._ask(other)) is not None:
                yield head

    def _mark(self, source: Source, head: Head) -> Mark | None:
        """The block that this head makes final, with its hash; an empty one where the
        source does not have it, None where it has no word on it."""
        height = Axis.HEIGHT.final_line(head, self._chain)
        if height <= 0 or self._is_mute(source):
            return None
        try:
            return height, source.block_hash(height) or ""
        except SourceError as error:
            self._no_word(source, error)
            return None

    def _hash(self, source: Source, height: int) -> str | None:
        """A block's hash; None where the source has no word on it."""
        if self._is_mute(source):
            return None
        try:
            return source.block_hash(height)
        except SourceError as error:
            self._no_word(source, error)
            return None

    def _is_mute(self, source: Source) -> bool:
        return self.clock() < self._mute.get(source.name, 0)

    def _no_word(self, source: Source, error: SourceError) -> None:
        """A source that refuses is not asked again for a while: each call counts."""
        if isinstance(error, Refused):
            self._mute[source.name] = self.clock() + MUTE

    def _keep(self, source: Source, kept: tuple[Kept, ...]) -> str:
        now = self.clock()
        with self._lock:
            before = self._kept.get(source.name, ())
            self._dirty |= _standings(before) != _standings(kept)
            self._dirty |= self._foreign.pop(source.name, None) is not None
            self._kept[source.name] = kept
            own = [r for r in self._reports if r.source == source.name and not r.height]
            first = max(own, key=lambda r: r.stood, default=None)
            rest = [r for r in self._reports if r.source != source.name]
            self._reports = (*rest, replace(first, last=now)) if first else tuple(rest)
        return kept[-1].doubt

    # -- which chain it is ---------------------------------------------------------------

    def still_shows(self, source: Source) -> None:
        """Hold a source to its last final block after rows were read. Raises WrongChain."""
        with self._lock:
            marks = [k.mark for k in self._kept.get(source.name, ()) if k.mark is not None]
        height, block_hash = marks[-1] if marks else (0, None)
        if marks and self._hash(source, height) not in (block_hash, None):
            self._wrong(
                source,
                f"{source.name} shows another block {height} of {self._chain.name} than a "
                "moment ago, though it was final: it answers for another chain now",
            )

    def _same_chain(self, source: Source, head: Head, kept: Sequence[Kept]) -> None:
        """Hold a source to the last block that was final, at first to that of another one."""
        mark = _last_mark(kept, head)
        if mark is None and kept:
            self._first_block(source)
        elif mark is None:
            self._beside_others(source, head)
        else:
            reported = self._hash(source, mark[0])
            if reported is not None and reported != mark[1]:
                self._replaced(source, head, kept, (mark[0], reported))

    def _beside_others(self, source: Source, head: Head) -> None:
        """A source that is heard for the first time: whether it shows a block that was final
        by another one. Only where none has one are first blocks compared: some explorers
        begin a chain elsewhere than others."""
        with self._lock:
            others = [k for name, kept in self._kept.items() if name != source.name for k in kept]
        mark = _last_mark(sorted(others, key=lambda k: k.head.height), head)
        reported = self._hash(source, mark[0]) if mark is not None else None
        if mark is None or reported is None:
            self._first_block(source)
        elif reported != mark[1]:
            self._wrong(
                source,
                f"{source.name} shows another block {mark[0]} of {self._chain.name} than the "
                "other sources: one of them answers for another chain",
            )
        elif (first := self._hash(source, 0)) is not None:
            with self._lock:
                self._say(source, 0, first)

    def _first_block(self, source: Source) -> bool:
        """Whether the source shows this chain's first block; False: it has no word on it."""
        reported = self._hash(source, 0)
        if reported is None:
            return False
        with self._lock:
            own = [r for r in self._reports if r.source == source.name and not r.height]
            known = own or self._reports
            other = heads.foreign(self._say(source, 0, reported), known)
        if other is not None:
            self._wrong(
                source,
                f"{source.name} answers for another chain than {self._chain.name}: the first "
                f"block is now {reported}, and was {other.block_hash} by {other.source}",
            )
        return True

    def _say(self, source: Source, height: int, block_hash: str) -> HeadReport:
        """Note a word on a block, under the lock."""
        now = self.clock()
        found = HeadReport(source.name, height, block_hash, now, now, self.turn)
        rest = []
        for report in self._reports:
            if (report.source, report.height, report.block_hash) == (
                source.name,
                height,
                block_hash,
            ):
                found = replace(report, last=now)
            else:
                rest.append(report)
        self._reports, self._dirty = (*rest, found), True
        return found

    def _replaced(self, source: Source, head: Head, kept: Sequence[Kept], reported: Mark) -> None:
        """A block that was final has another hash now: another chain, unless the source or
        another one stands by it."""
        try:
            source.identify()
        except Refused as error:
            self._wrong(source, str(error))
        if not self._lasts(source, reported) and not self._elsewhere(source, reported):
            self._wrong(
                source,
                f"{source.name} shows another block {reported[0]} of {self._chain.name} than "
                "before, though it was final: it answers for another chain, or the chain was "
                "reorganised deeply",
            )
        found = heads.fault(
            source.name, kept, self._shown_still(source, kept), head, source.axis, self._chain,
            source.index_lag, reorganised=True,
        )  # fmt: skip
        self._contradicted(source, tuple(kept), found)

    def _lasts(self, source: Source, reported: Mark) -> bool:
        """Whether a source stands by another block than before: it showed it in an earlier
        pass already, and shows this chain's first block; for an hour where it cannot."""
        same = self._first_block(source)
        with self._lock:
            word = self._say(source, *reported)
        return word.turn != self.turn if same else word.stood > heads.PASSING

    def _elsewhere(self, source: Source, reported: Mark) -> bool:
        others = (s for s in self._sources if s is not source)
        return any(self._hash(other, reported[0]) == reported[1] for other in others)

    def _shown_still(self, source: Source, kept: Sequence[Kept]) -> Kept | None:
        """The newest believed head but one whose final block a source still shows."""
        marked = [(k, k.mark) for k in reversed(heads.believed(kept)) if k.mark is not None]
        for each, (height, block_hash) in marked[1 : WALK + 1]:
            if self._hash(source, height) == block_hash:
                return each
        return None

    def _wrong(self, source: Source, why: str) -> None:
        with self._lock:
            self._foreign[source.name] = why
            self._dirty = True
        raise WrongChain(why)


def _last_mark(kept: Sequence[Kept], head: Head) -> Mark | None:
    """The newest final block at or below a head."""
    marks = (k.mark for k in reversed(kept) if k.mark is not None)
    return next((mark for mark in marks if mark[0] <= head.height), None)


def _newest(kept: Sequence[Kept], head: Head) -> bool:
    """Whether this head is the newest that is kept, and believed."""
    return bool(kept) and kept[-1].head == head and not kept[-1].doubt


def _standings(kept: Sequence[Kept]) -> list[tuple[Head, str, Mark | None]]:
    """What is worth writing: not when a head was last repeated."""
    return [(k.head, k.doubt, k.mark) for k in kept]
