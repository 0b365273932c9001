"""Why a balance changed, where the lists that are read always do not say: other lists of the
address, what fees were more than was listed, what the token's contract wrote into its logs.

What is exact becomes rows like every other. The rest are leads: where a person looks further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from monitor.chains import events
from monitor.chains.table import STREAM_WORDS, family_of, more_of
from monitor.decide import balance as deciding
from monitor.loops.passing import PollWorld
from monitor.loops.pool import SourcePool, hearing
from monitor.loops.reread import Reread, Rereader
from monitor.model import LIVE_STATUSES, Axis, Batch, Interval, Row, Status, Subject, Transfer
from monitor.model.answers import digest_of
from monitor.model.balance import COIN, Between
from monitor.model.errors import SourceError
from monitor.model.events import Event
from monitor.model.facts import Lead
from monitor.model.plain import amount, plural
from monitor.model.ports import ReadsEvents, SeesBlocks, Source, TellsFees
from monitor.store import balances
from monitor.store.port import Store

FEES = 40  # looked up in one search
LEADS = 10
KNOWN = 50_000  # transactions of which nothing more was paid, kept so that they are asked once


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search came to. What it found as rows is in the record already."""

    asked: tuple[str, ...] = ()  # what was looked through, and with what result: sentences
    leads: tuple[Lead, ...] = ()
    new: int = 0  # rows that the record did not have
    fees_left: int = 0  # transactions whose fee may be more than is recorded, not looked up yet


@dataclass
class _Search:
    """One search as it goes."""

    subject: Subject
    contract: str
    within: Between
    blocks: Between
    times: Between
    sources: Sequence[Source]
    asked: list[str] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    new: int = 0
    fees_left: int = 0

    @property
    def span(self) -> Interval:
        """The blocks in which it moved; at the lower one it had not yet."""
        return _span(self.blocks)


@dataclass(frozen=True)
class Causes:
    """Made once. `again` reads intervals of lists."""

    store: Store
    world: PollWorld
    again: Rereader
    whole: dict[str, None] = field(default_factory=dict)  # transactions whose fee is all told

    def look(
        self,
        subject: Subject,
        contract: str,
        within: Between,
        blocks: Between,
        times: Between,
        sources: Sequence[Source],
        over: Callable[[], bool],
    ) -> Searched:
        """Look for what changed a balance: one movement between `blocks`, where that is known
        better than `within`; fees are many small ones, and are looked for in all of it. The fewer
        blocks there are the more can be asked. `times` are theirs. `over` says whether what was
        found is all: then nothing more is asked. Sources that fail are sentences."""
        search = _Search(subject, contract, within, blocks, times, sources)
        steps = (self._lists, self._fees, self._blocks) if contract == COIN else (self._events,)
        for step in steps:
            step(search, over)
            if search.new and over():
                break
        return Searched(tuple(search.asked), tuple(search.leads), search.new, search.fees_left)

    # -- lists that are read on demand ---------------------------------------------------

    def _lists(self, search: _Search, over: Callable[[], bool]) -> None:
        """Each list from the first source that reads it in full. A node reads of few blocks
        also those that explorers list: its own word, where theirs leave something out."""
        chain = self.world.chains[search.subject.chain]
        always = deciding.lists_of(chain, search.contract)
        for stream in (*more_of(chain), *sorted(always)):
            for source in search.sources:
                if stream not in _more(source):
                    continue
                came = self._read(search, source, stream)
                if came.new and over():
                    return
                if came.read is not None and not came.error:
                    break

    def _read(self, search: _Search, source: Source, stream: str) -> Reread:
        only = frozenset({stream})
        (came,) = self.again.read(search.subject, source, only, search.blocks, search.times)
        search.new += came.new
        search.asked.append(_said(came, stream, search.blocks))
        return came

    # -- fees ----------------------------------------------------------------------------

    def _fees(self, search: _Search, _: Callable[[], bool]) -> None:
        """What fees were more than their list says, by receipts: a row of its own, for neither
        name nor amount of a final one are ever changed."""
        pool = self.world.pools[search.subject.chain]
        wanted = list(self._untold(search))
        if not wanted:
            return
        for source in search.sources:
            if not hasattr(source, "fee_rest") or pool.rests(source, "fee_rest"):
                continue
            try:
                done = self._look_up(search, pool, source, wanted[:FEES])
            except SourceError as error:
                pool.withheld(source, "fee_rest", error)
                search.asked.append(f"{source.name} could not say what was paid in all: {error}")
                continue
            pool.told(source, "fee_rest")
            search.fees_left = len(wanted) - done
            return
        search.fees_left = len(wanted)

    def _untold(self, search: _Search) -> Iterator[Transfer]:
        """Fees of the address that may be more than is recorded, newest first."""
        chain = self.world.chains[search.subject.chain]
        more, rows = family_of(chain).more, balances.rows_of(self.store, search.subject, COIN)
        paid = [row for row in rows if row.transfer.kind.fee and row.status is Status.FINAL]
        told = {r.transfer.tx for r in paid if r.transfer.kind.stream in more}
        in_part = family_of(chain).fees_in_part(chain)
        for row in sorted(paid, key=lambda r: -(r.transfer.block_height or 0)):
            fee = row.transfer
            inside = fee.block_height is not None and fee.block_height in _span(search.within)
            mine = fee.sender == search.subject.address and fee.tx not in told
            if inside and mine and fee.tx not in self.whole and (in_part or not fee.amount):
                yield fee

    def _look_up(
        self, search: _Search, pool: SourcePool, source: Source, fees: Sequence[Transfer]
    ) -> int:
        """Ask one source for all of what was paid; returns how many it was asked about."""
        asked = cast(TellsFees, source)
        head = pool.head(source)
        with hearing(source) as heard:
            found = [(fee, asked.fee_rest(fee)) for fee in fees]
        pool.confirm(source)
        rests = [rest for _, rest in found if rest is not None]
        self._remember(fee.tx for fee, rest in found if rest is None)
        stream = next((rest.kind.stream for rest in rests), "")
        if rests:
            batch = Batch(
                *(source.name, (search.subject,), frozenset({stream}), Axis.HEIGHT, head),
                transfers=tuple(rests),
                calls=len(fees),
                heard=tuple(heard),
                digests=(digests := tuple(each.sha256 for each in heard)),
                sha256=digest_of(digests),
            )
            search.new += len(self.again.settler.take(search.subject, [batch]).new)
        search.asked.append(
            f"{source.name} was asked what {plural(len(fees), 'transaction')} cost in all: "
            f"{len(rests):,} cost more than the list says"
        )
        return len(fees)

    def _remember(self, txs: Iterable[str]) -> None:
        self.whole.update(dict.fromkeys(txs))
        while len(self.whole) > KNOWN:
            del self.whole[next(iter(self.whole))]

    # -- what blocks say beside their transactions ---------------------------------------

    def _blocks(self, search: _Search, _: Callable[[], bool]) -> None:
        pool = self.world.pools[search.subject.chain]
        for source in search.sources:
            if not hasattr(source, "block_leads") or pool.rests(source, "block_leads"):
                continue
            try:
                pool.head(source)
                found = cast(SeesBlocks, source).block_leads(search.subject.address, search.span)
                pool.confirm(source)
            except SourceError as error:
                pool.withheld(source, "block_leads", error)
                continue
            pool.told(source, "block_leads")
            search.leads += found[:LEADS]
            return

    # -- what a token's contract wrote ---------------------------------------------------

    def _events(self, search: _Search, _: Callable[[], bool]) -> None:
        pool = self.world.pools[search.subject.chain]
        for source in search.sources:
            if not hasattr(source, "events") or pool.rests(source, "events"):
                continue
            asked = cast(ReadsEvents, source)
            try:
                pool.head(source)
                found = asked.events(search.contract, search.subject.address, search.span)
                pool.confirm(source)
            except SourceError as error:
                pool.withheld(source, "events", error)
                search.asked.append(f"{source.name} could not read the token's logs: {error}")
                continue
            pool.told(source, "events")
            search.leads += self._leads(search, found, source.name)
            search.asked.append(_wrote(source.name, search, len(search.leads)))
            if search.leads:
                return

    def _leads(self, search: _Search, found: Sequence[Event], source: str) -> list[Lead]:
        """Events that the record knows nothing of; where there are none, those that stand beside
        a recorded movement: some contracts write more than one of each."""
        rows = balances.rows_of(self.store, search.subject, search.contract)
        known = {row.transfer.tx for row in rows if _stands(row)}
        candidates = [e for e in found if e.topic not in events.LEAVE_ALONE]
        beside = [e for e in candidates if e.tx in known and not _is_listed(e)]
        alone = [e for e in candidates if e.tx not in known]
        return [self._lead(search, e, source) for e in (alone or beside)[:LEADS]]

    def _lead(self, search: _Search, event: Event, source: str) -> Lead:
        chain = self.world.chains[search.subject.chain]
        of = deciding.named(chain, search.contract, self.world.assets)
        words = event.words_beside(search.subject.address)
        units = ""
        if len(words) == 1 and event.topic:
            said = " ".join(filter(None, (amount(words[0], of.decimals), of.symbol)))
            units = f" with the number {said}"
        what = (
            f"The token's contract wrote {events.called(event.topic)}{units} that names the "
            "address and stands in no list."
        )
        return Lead(what, event.tx, event.height, source)


def _span(blocks: Between) -> Interval:
    return Interval(min(blocks.lo + 1, blocks.hi), blocks.hi)


def _more(source: Source) -> frozenset[str]:
    return cast(frozenset[str], getattr(source, "more", frozenset()))


def _is_listed(event: Event) -> bool:
    """Whether lists of token movements hold events of this name."""
    return events.NAMES.get(event.topic, "").startswith("Transfer(")


def _stands(row: Row) -> bool:
    return row.status in LIVE_STATUSES


def _said(came: Reread, stream: str, blocks: Between) -> str:
    words, where = STREAM_WORDS.get(stream, stream), _where(blocks.lo, blocks.hi)
    if came.error:
        # Why, without the answer itself, which follows the name of who gave it.
        why = came.error.split(f": {came.source} (", 1)[0]
        return f"{came.source} could not say {where} ({words}): {why}"
    if came.read is None:
        return f"{came.source} was not asked {where} ({words}): they are not final yet"
    new = plural(came.new, "movement") + " more" if came.new else "nothing more"
    return f"{came.source} listed {new} {where} ({words})"


def _wrote(source: str, search: _Search, leads: int) -> str:
    where = _where(search.span.lo, search.span.hi)
    shown = plural(leads, "event") if leads else "no event"
    return f"{source} shows {shown} of the token's contract {where} that no list has"


def _where(lo: int, hi: int) -> str:
    return f"in block {hi:,}" if lo >= hi else f"in blocks {lo:,} to {hi:,}"
