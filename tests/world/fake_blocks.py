"""An invented explorer that is a node too, and hands out whole blocks.

Its faults are those of `FakeSource`, as an adapter that holds every answer against its header shows
them: what does not fit is an error. What no header shows is no fault of a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.chains.table import streams_of
from monitor.model import Ask, Axis, Batch, Gap, Head, Interval, Kind, Lookup, Transfer, intervals
from monitor.model.errors import BadResponse, NotYet, SourceError
from monitor.model.scope import Members
from world.fake_ledger import UTXO, Block, FakeSource, Served, View, transfers


class FakeNode(FakeSource):
    """With a second face; `most` blocks come of one fetch."""

    most = 25

    def whole(self) -> FakeBlocks:
        return FakeBlocks(self)


class FakeBlocks:
    """See monitor.model.ports.WholeBlocks."""

    axis = Axis.HEIGHT
    many = True
    list_calls = 1
    act_calls = 0
    index_lag = 0
    block_calls = 2.0
    block_bytes = 1_000
    needs_unspent = False
    not_in_blocks: tuple[str, ...] = ()

    def __init__(self, source: FakeNode) -> None:
        self.source = source
        self.name, self.chain = source.name, source.chain

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        return (frozenset(streams_of(self.source.ledger.chain)) - self.source.never,)

    def identify(self) -> None:
        self.source.identify()

    def head(self) -> Head:
        return self.source.head()

    def transaction(self, tx: str) -> Lookup:
        return self.source.transaction(tx)

    def block_hash(self, height: int) -> str | None:
        return self.source.block_hash(height)

    def fetch(self, ask: Ask) -> Batch:
        view = self.source._answer()
        self.source.asked.append(ask)
        members, lo, top = (
            ask.members or Members({}),
            ask.span.lo,
            min(ask.span.hi, ask.head.height),
        )
        stands = self._stands(ask, view, top) if top >= lo else lo - 1
        hashes = {height: name for height, name in ask.known.items() if height <= stands}
        rows: list[Transfer] = []
        gaps: list[Gap] = []
        fresh = 0
        try:
            for block in self._upwards(view, stands + 1, top):
                mine, lost = self._read(block, members)
                rows += mine
                gaps += lost
                hashes[block.height] = block.hash
                fresh += 1
                if fresh >= self.source.most or len(rows) >= min(self.source.page, ask.max_rows):
                    break
        except SourceError:
            if not fresh:
                raise
        last = max(hashes, default=lo - 1)
        if fresh:
            self._claim(members, Interval(stands + 1, last), gaps)
        waiting = list(self._waiting(view, members)) if ask.mempool else []
        return Batch(
            *(self.name, (), ask.streams, self.axis, ask.head, (*rows, *waiting)),
            read=Interval(lo, last) if hashes else None,
            rest=Interval(last + 1, top) if last < top else None,
            gaps=tuple(gaps),
            sha256=f"answer {len(self.source.asked)} of {self.name}",
            mempool_read=self._utxo and ask.mempool,
            calls=1 + 2 * fresh,
            members=ask.members,
            blocks=hashes,
            fresh_from=stands + 1,
        )

    @property
    def _utxo(self) -> bool:
        return self.source.ledger.chain.family == "utxo"

    # -- where to begin ---------------------------------------------------------------------

    def _stands(self, ask: Ask, view: View, top: int) -> int:
        """The newest known block that is in the chain; below the span: none is."""
        known, newest = ask.known, max(ask.known, default=-1)
        if not known:
            return ask.span.lo - 1
        if newest < top:
            self._at(view, newest + 1)
            return _fork(known, view, newest)
        fork = _fork(known, view, top)
        if fork < top and ask.head.height < newest:
            raise NotYet(f"{self.name} is behind, on another branch")
        return fork

    def _at(self, view: View, height: int) -> Block:
        behind = max(self.source.delay.values(), default=0)
        if height > view.head.height - behind:
            raise NotYet(f"{self.name} does not have block {height}")
        return view.blocks[height]

    def _upwards(self, view: View, lo: int, hi: int) -> Iterator[Block]:
        for height in range(lo, hi + 1):
            yield self._at(view, height)

    # -- what is in a block -----------------------------------------------------------------

    def _read(self, block: Block, members: Members) -> tuple[list[Transfer], list[Gap]]:
        source = self.source
        if late := source.not_yet:
            raise NotYet(f"{', '.join(sorted(late))} not processed yet")
        told = [
            t
            for tx in block.txs
            for t in transfers(source.ledger.chain, tx, block)
            if not tx.failed or t.kind is Kind.FEE
        ]
        left_out = {t.identity for t in told} & (source.hidden | source.omit_once)
        source.omit_once -= left_out
        if left_out or source.forgotten & {tx.hash for tx in block.txs}:
            raise BadResponse(f"block {block.height} does not go with its header")
        touched = {t.tx for t in told if not members.isdisjoint(t.parties())}
        mine = [t for t in told if self._concerns(t, members, touched)]
        bad = [t for t in mine if t.identity in source.bad]
        at = Interval(block.height, block.height)
        gaps = [Gap(at, "a row cannot be read", "{}")] if bad else []
        return [t for t in mine if t not in bad and t.kind.stream not in source.never], gaps

    def _concerns(self, t: Transfer, members: Members, touched: set[str]) -> bool:
        return t.tx in touched if t.kind in UTXO else not members.isdisjoint(t.parties())

    def _waiting(self, view: View, members: Members) -> Iterator[Transfer]:
        for tx in view.mempool if self._utxo else ():
            if not members.isdisjoint(tx.addresses()):
                yield from transfers(self.source.ledger.chain, tx, None)

    def _claim(self, members: Members, read: Interval, gaps: list[Gap]) -> None:
        if self.source.abroad is not None:
            return
        for span in intervals.subtract(read, (gap.at for gap in gaps)):
            for address in members:
                for stream in self.bundles[0]:
                    subject = f"{self.chain}/{address}"
                    self.source.served.append(Served(subject, stream, self.axis, span))


def _fork(known: Mapping[int, str], view: View, height: int) -> int:
    """The highest known block from here down that is in this state of the chain."""
    lowest = min(known)
    while height >= lowest:
        if height <= view.head.height and view.blocks[height].hash == known[height]:
            return height
        height -= 1
    return lowest - 1
