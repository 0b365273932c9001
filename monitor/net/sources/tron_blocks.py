"""Tron by whole blocks: each block and what its transactions came to, two calls of the node's own
HTTP API. Whoever is watched, the calls are the same.

A block names itself, so that the axis is the height, and not the time as for the lists of an
address. What reads them is pure and lies beside it, in tron_block_rows.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from monitor.chains.tron import TRON
from monitor.model import ISSUER, Ask, Batch, Chain, Gap, Interval, Transfer
from monitor.model.answers import digest_of
from monitor.model.errors import SourceError
from monitor.model.ports import Source
from monitor.net.http import Http
from monitor.net.sources.block_walk import Walk
from monitor.net.sources.paging import Recorder
from monitor.net.sources.parsing import Parsed
from monitor.net.sources.tron_answers import checked
from monitor.net.sources.tron_block_rows import Block, parse_block, parse_infos, rows_of
from monitor.net.sources.whole_face import WholeFace

MOST_BLOCKS = 50  # of one fetch: a hundred calls


class TronBlocks(WholeFace):
    """The second face of a TronGrid source, or of a node of one's own. See ports.WholeBlocks."""

    list_calls = 2
    block_calls = 2.0
    block_bytes = 500_000  # of 300 transactions, about
    needs_unspent = False
    not_in_blocks = (
        "what an order on the chain's own exchange pays to whoever placed an earlier one",
        "movements of tokens whose events do not name both parties as topics",
    )

    def __init__(self, node: Source, chain: Chain, http: Http) -> None:
        super().__init__(node)
        self.index_lag = 0  # of its lists; blocks are the node's own
        self._chain = chain
        self._http = http

    @property
    def bundles(self) -> tuple[frozenset[str], ...]:
        acts = {ISSUER} if self._chain.issuers else set()
        return (frozenset({*TRON.streams, *acts}),)

    def fetch(self, ask: Ask) -> Batch:
        """What was read in full before an answer that cannot be used counts; the next ask begins
        with that one, and fails."""
        recorder = Recorder(self._http)
        walk = Walk(self.name, ask, lambda height: self._block(recorder, height))
        hashes = dict(walk.standing)
        rows: list[Transfer] = []
        gaps: list[Gap] = []
        try:
            for block, parsed in self._read(walk, recorder):
                rows += parsed.transfers
                gaps += parsed.gaps
                hashes[block.height] = block.hash
                if len(rows) >= ask.max_rows or block.height - walk.first >= MOST_BLOCKS - 1:
                    break
        except SourceError:
            if len(hashes) == len(walk.standing):
                raise
        last = max(hashes, default=ask.span.lo - 1)
        return Batch(
            source=self.name,
            subjects=(),
            streams=ask.streams,
            axis=self.axis,
            head=ask.head,
            transfers=tuple(rows),
            read=Interval(ask.span.lo, last) if hashes else None,
            rest=Interval(last + 1, walk.top) if last < walk.top else None,
            gaps=tuple(gaps),
            sha256=digest_of(recorder.digests),
            digests=recorder.digests,
            heard=recorder.heard({row.tx for row in rows}, silence=ask.silence),
            silence=ask.silence,
            calls=recorder.calls,
            members=ask.members,
            blocks=hashes,
            fresh_from=walk.first,
        )

    def _read(self, walk: Walk[Block], recorder: Recorder) -> Iterator[tuple[Block, Parsed]]:
        members: Collection[str] = walk.ask.members or frozenset()
        for block in walk.upwards():
            infos = parse_infos(self._infos(recorder, block), block) if block.txs else {}
            yield block, rows_of(self._chain, block, infos, members)

    def _infos(self, recorder: Recorder, block: Block) -> object:
        path, called = "/wallet/gettransactioninfobyblocknum", {"num": block.height}
        return checked(self.name, recorder.post(path, called))

    def _block(self, recorder: Recorder, height: int) -> Block | None:
        answer = recorder.post("/wallet/getblockbynum", {"num": height})
        return parse_block(checked(self.name, answer), height)
