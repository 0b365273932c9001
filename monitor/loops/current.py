"""Whether the lists in which a difference would stand are past its block, asked by what strangers
moved above it: what the chain has there a list that is not behind holds too.

Nothing of it is recorded, and of whoever is watched, followed or our own no source learns by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from monitor.loops.passing import PollWorld
from monitor.loops.witness import Witness
from monitor.model import ISSUER, Ask, Batch, Interval, Subject
from monitor.model.balance import Figure
from monitor.model.errors import SourceError
from monitor.model.events import Moved
from monitor.model.finding import Finding, Shown
from monitor.model.ports import SeesOthers, Source
from monitor.store import ours, watch
from monitor.store.port import Reader

OTHERS = "what others moved"
STRANGERS = 2  # that a list has to lack before it is called behind
CALLS = 4  # of one list, but for heads
ROWS = 100  # of a stranger's list that are read

Lists = Sequence[tuple[str, str]]  # list, and the source that it is read from


@dataclass(frozen=True)
class CurrentLists:
    """Of one chain; `witness`: who may be asked about the address of a finding."""

    store: Reader
    world: PollWorld
    witness: Witness

    def ask(self, finding: Finding, lists: Lists) -> Finding:
        """The finding with what was learned of these lists: of one after the other, until one is
        not known to be past its block. That is asked once after each look."""
        if finding.probed is not None and finding.probed >= (finding.looked or 0):
            return finding
        found = [each for each in finding.shown if each.past]
        now = None
        for stream, name in lists:
            source = next((s for s in self.witness.listing if s.name == name), None)
            span = self._above(source, finding.after) if source is not None else None
            if source is None or span is None:
                break
            now = self.world.clock()
            asked = _Asked(self, source, stream, finding.contract, span)
            if (shown := asked.answer()) is not None:
                found.append(shown)
            if shown is None or not shown.past:
                break
        return finding if now is None else replace(finding, shown=tuple(found), probed=now)

    def _above(self, source: Source, figure: Figure) -> Interval | None:
        """Final blocks above a figure that a source's lists should hold; None: none yet."""
        pool = self.witness.pool
        if not source.axis.by_block or pool.rests(source, OTHERS):
            return None
        try:
            line = source.axis.final_line(pool.head(source), pool.chain, source.index_lag)
        except SourceError:
            return None
        return Interval(figure.high + 1, line) if line > figure.high else None

    def strange(self, found: Sequence[Moved]) -> list[Moved]:
        """Those of nobody whom we know: no token's contract, nobody watched, followed or ours."""
        wanted = {each.recipient for each in found}
        known = {contract for _, contract in self.world.assets}
        known |= watch.in_use(self.store, wanted)
        known |= set(ours.labels(self.store, self.world.ours, wanted))
        return [each for each in found if each.recipient not in known]


@dataclass
class _Asked:
    """One list, as it is asked."""

    of: CurrentLists
    source: Source
    stream: str
    contract: str
    span: Interval
    calls: int = 0

    def answer(self) -> Shown | None:
        """None: nobody can say."""
        if self.stream == ISSUER:  # its list is the contract's logs: any of them will do
            found = self._moved(self.source)
            return self._shown(found[0], past=True) if found else None
        for other in self._others():
            strangers = self.of.strange(self._moved(other))[:STRANGERS]
            if strangers:
                return self._judged(strangers, other)
        return None

    def _others(self) -> Iterator[Source]:
        """Who shows what strangers moved: the list's own source first, whose blocks and logs are
        something else than its lists."""
        able = [s for s in self.of.witness.listing if hasattr(s, "others")]
        yield from sorted(able, key=lambda s: s.name != self.source.name)[:STRANGERS]

    def _judged(self, strangers: Sequence[Moved], other: Source) -> Shown | None:
        lacking = []
        for each in strangers:
            listed = self._lists(each)
            if listed:
                return self._shown(each, past=True)
            lacking += [each] if listed is False else []
        if len(lacking) < STRANGERS or self._is_contract(other, lacking[0]) is not False:
            return None
        return self._shown(lacking[0], past=False)

    def _shown(self, moved: Moved, *, past: bool) -> Shown:
        return Shown(self.stream, self.source.name, moved.height, past)

    # -- asking --------------------------------------------------------------------------

    def _lists(self, moved: Moved) -> bool | None:
        """Whether the list of whoever got it holds it; None: it was not read in full there."""
        subject = Subject(self.source.chain, moved.recipient)
        pool, at = self.of.witness.pool, Interval(moved.height, moved.height)
        bundle = next((b for b in self.source.bundles if self.stream in b), None)
        if bundle is None or self.calls >= CALLS:
            return None
        try:
            head = pool.head(self.source)
            ask = Ask((subject,), bundle, at, head, max_rows=ROWS, mempool=False)
            batch = pool.heads.vouch(self.source.fetch(ask))
            pool.confirm(self.source)
        except SourceError as error:
            self._failed(self.source, error)
            return None
        self.calls += batch.calls
        return _holds(batch, moved)

    def _moved(self, other: Source) -> list[Moved]:
        pool = self.of.witness.pool
        if self.calls >= CALLS or pool.rests(other, OTHERS):
            return []
        self.calls += 1
        try:
            pool.head(other)
            found = cast(SeesOthers, other).others(self.stream, self.contract, self.span)
            pool.confirm(other)
        except SourceError as error:
            self._failed(other, error)
            return []
        pool.told(other, OTHERS)
        return found

    def _is_contract(self, other: Source, moved: Moved) -> bool | None:
        """Whoever is none is in every list; None: nobody says."""
        if self.calls >= CALLS:
            return None
        self.calls += 1
        try:
            return cast(SeesOthers, other).has_code(moved.recipient)
        except SourceError as error:
            self._failed(other, error)
            return None

    def _failed(self, source: Source, error: SourceError) -> None:
        self.of.witness.pool.withheld(source, OTHERS, error)


def _holds(batch: Batch, moved: Moved) -> bool | None:
    if any(each.tx == moved.tx for each in batch.transfers):
        return True
    torn: Collection[object] = [g for g in batch.gaps if moved.height in g.at]
    whole = batch.read is not None and moved.height in batch.read and not batch.doubt
    return False if whole and not torn else None
