"""Whole blocks of an Esplora: each comes raw and proves itself, in one answer for however many
addresses.

What an input spends does not stand in a block. So a transaction that touches a member, which the
block alone shows where the members' unspent outputs are known, is asked for as Esplora tells it:
by itself, or with its neighbours where several of a page are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from monitor.chains.payees import Payees
from monitor.chains.raw_block import RawError, RawTx, read_block
from monitor.model import Ask, Batch, Chain, Gap, Interval, Kind, Transfer
from monitor.model.errors import BadResponse, NotYet
from monitor.model.ports import Source
from monitor.net.http import Answer, Http
from monitor.net.sources import parsing
from monitor.net.sources.esplora_answers import checked, hash_in
from monitor.net.sources.esplora_rows import parse_transaction
from monitor.net.sources.parsing import Parsed, RowError, fields
from monitor.net.sources.utxo_whole import (
    STREAMS,
    Climb,
    Told,
    Watched,
    WholeRecorder,
    batch,
    usual_bytes,
)
from monitor.net.sources.whole_face import WholeFace

PAGE = 25  # transactions of a block in one answer, everywhere


class EsploraBlocks(WholeFace):
    """See ports.WholeBlocks. `url` is what `/block/...` is appended to."""

    bundles = (STREAMS,)
    list_calls = 2
    block_calls = 2.0  # its hash by its height, and the block
    needs_unspent = True
    not_in_blocks = ("payments that are not in a block yet: they are seen once they are",)

    def __init__(self, esplora: Source, chain: Chain, http: Http) -> None:
        super().__init__(esplora)
        self.block_bytes = usual_bytes(chain.symbol)
        self.coin, self.http, self.payees = chain, http, Payees(chain)

    def fetch(self, ask: Ask) -> Batch:
        recorder = WholeRecorder(self.http)
        climb = Climb(self.name, ask, _Blocks(self, recorder))
        climb.run(Watched(ask))
        return batch(climb, recorder, Parsed(), mempool_read=False)


class _Blocks:
    """What one fetch reads. See utxo_whole.Tells."""

    def __init__(self, face: EsploraBlocks, recorder: WholeRecorder) -> None:
        self._name, self._chain, self._http = face.name, face.coin, face.http
        self._payees, self._recorder = face.payees, recorder

    def hashes(self, heights: Sequence[int]) -> list[str | None]:
        return [hash_in(self._name, self._get(f"/block-height/{height}")) for height in heights]

    def block(self, height: int, block_hash: str, watched: Watched) -> Told:
        path = f"/block/{block_hash}/raw"
        answer = self._recorder.whole(partial(self._http.get, path))
        if answer.status == 404:
            raise NotYet(f"{self._name} does not have block {height} any more")
        try:
            block = read_block(checked(self._name, answer).body, block_hash)
        except RawError as error:
            raise BadResponse(
                f"{self._name}: block {height} cannot be taken as it came raw: {error}"
            ) from None
        touched = self._touched(block.txs, watched)
        transfers: list[Transfer] = []
        gaps: list[Gap] = []
        for n, row in self._rows(block_hash, block.txs, touched):
            try:
                transfers += self._legs(row, block.txs[n], (height, block_hash), watched)
            except RowError as error:
                gaps.append(parsing.gap(Interval(height, height), str(error), row))
        return Told(block.parent, transfers, gaps)

    def _touched(self, txs: Sequence[RawTx], watched: Watched) -> list[int]:
        """Which of them touch a member. One that is spent may stand behind the one that spends
        it, where blocks are in the order of ids."""
        address = self._payees.address
        paid = [watched.pays(tx.txid, map(address, tx.scripts)) for tx in txs]
        return [
            n
            for n, tx in enumerate(txs)
            if paid[n] or any(watched.owner(output) is not None for output in tx.spends)
        ]

    def _rows(
        self, block_hash: str, txs: Sequence[RawTx], wanted: Sequence[int]
    ) -> Iterator[tuple[int, object]]:
        """These transactions of a block as Esplora tells them."""
        pages: dict[int, list[int]] = {}
        for n in wanted:
            pages.setdefault(n // PAGE * PAGE, []).append(n)
        for start, places in pages.items():
            rows: Sequence[object] = ()
            if len(places) > 1:
                rows = self._page(f"/block/{block_hash}/txs/{start}")
            for n in places:
                there = rows[n - start] if n - start < len(rows) else None
                if isinstance(there, dict) and there.get("txid") == txs[n].txid:
                    yield n, there
                else:  # pages may be of another size
                    yield n, self._alone(txs[n].txid)

    def _page(self, path: str) -> Sequence[object]:
        """Empty where it has no such page: some have shorter ones."""
        answer = self._get(path)
        if answer.status in (400, 404):
            return ()
        rows = checked(self._name, answer).json()
        if not isinstance(rows, list):
            raise BadResponse(f"{self._name} answered something else than a list of transactions")
        return rows

    def _alone(self, txid: str) -> object:
        answer = self._get(f"/tx/{txid}")
        if answer.status == 404:
            raise NotYet(f"{self._name} does not show the transactions of a block yet")
        return checked(self._name, answer).json()

    def _legs(
        self, row: object, tx: RawTx, block: tuple[int, str], watched: Watched
    ) -> list[Transfer]:
        """Raises RowError for what cannot be read, BadResponse for another transaction, NotYet for
        one that is not in this block for Esplora."""
        legs = parse_transaction(self._chain, fields(row))
        if any((leg.block_height, leg.block_hash) != block for leg in legs):
            raise NotYet(f"{self._name} shows a transaction in another block, or in none yet")
        inputs = [leg for leg in legs if leg.kind is Kind.UTXO_IN]
        values = [leg.amount for leg in legs if leg.kind is Kind.UTXO_OUT]
        told = (legs[0].tx, [leg.spends for leg in inputs], values)
        if told != (tx.txid, tx.spends, tx.values):
            raise BadResponse(f"{self._name} shows another transaction than its block holds")
        for leg in inputs:
            owner = watched.owner(leg.spends or "")
            if owner not in (None, leg.sender):
                raise RowError("an input spends what was paid to another address")
        return legs

    def _get(self, path: str) -> Answer:
        return self._recorder.get(path, {})
