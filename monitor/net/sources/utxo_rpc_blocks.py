"""Whole blocks of a node of Bitcoin Core's kind, and what waits to be in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.chains.payees import Payees
from monitor.model import Ask, Batch, Chain, Gap, Head, Interval, Transfer
from monitor.model.errors import BadResponse, NotServed, NotYet
from monitor.model.ports import Source
from monitor.model.reading import Unspent
from monitor.net.http import Http
from monitor.net.sources import parsing, utxo_node, utxo_unspent
from monitor.net.sources.parsing import Parsed, RowError
from monitor.net.sources.utxo_legs import fields_of
from monitor.net.sources.utxo_mempool import Mempool
from monitor.net.sources.utxo_node import NO_SUCH_THING, NOT_IN_RANGE, Word
from monitor.net.sources.utxo_rpc_reader import Reader
from monitor.net.sources.utxo_rpc_rows import (
    JsonBlock,
    Outline,
    Paid,
    outline,
    parse_block,
    parse_hash,
)
from monitor.net.sources.utxo_whole import STREAMS, Climb, Told, Watched, batch, usual_bytes
from monitor.net.sources.whole_face import WholeFace

_AS_JSON = 5  # times as long as a block itself, about


class NodeBlocks(WholeFace):
    """See ports.WholeBlocks."""

    bundles = (STREAMS,)
    list_calls = 2
    block_calls = 2.0  # its hash by its height, and the block
    not_in_blocks: tuple[str, ...] = ()

    def __init__(self, node: Source, chain: Chain, http: Http) -> None:
        super().__init__(node)
        self.block_bytes = _AS_JSON * usual_bytes(chain.symbol)
        self._http = http
        self._tells_spent: bool | None = None  # whether its blocks do; None: not known yet
        self._coin, self._payees = chain, Payees(chain)
        self._mempool = Mempool()

    @property
    def needs_unspent(self) -> bool:
        """Also as long as nobody asked the node: it is asked with its head."""
        return not self._tells_spent

    def head(self) -> Head:
        if self._tells_spent is None:
            self._tells_spent = self._find_out()
        return super().head()

    def _find_out(self) -> bool:
        """By its own help: its newest blocks may be empty."""
        asked = [("help", ["getblock"])]
        (said,) = utxo_node.results(self.name, lambda sent: self._http.post("", sent), asked)
        if isinstance(said, Word):
            error = utxo_node.error_of(self.name, said)
            if isinstance(error, NotServed):
                return False
            raise error
        return isinstance(said, str) and '"prevout"' in said

    def unspent(self, addresses: Sequence[str]) -> Unspent:
        """See ports.SeesUnspent."""
        return utxo_unspent.unspent(self.name, self._http, self._payees, addresses)

    def fetch(self, ask: Ask) -> Batch:
        reader = Reader(
            *(self.name, self._coin, self._payees, self._http),
            tells_spent=not self.needs_unspent,
        )
        watched, climb = Watched(ask), Climb(self.name, ask, _Blocks(reader))
        climb.run(watched)
        read, rest = climb.covered()
        pending, mempool_read = Parsed(), False
        if ask.mempool and read is not None and rest is None and read.hi == ask.head.height:
            pending, mempool_read = self._mempool.read(ask, watched, reader)
        return batch(climb, reader.recorder, pending, mempool_read=mempool_read)


class _Blocks:
    """What one fetch reads. See utxo_whole.Tells."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._name = reader, reader.name
        self._verbosity = 3 if reader.tells_spent else 2

    def hashes(self, heights: Sequence[int]) -> list[str | None]:
        found = self._reader.ask([("getblockhash", [height]) for height in heights])
        return [
            None
            if isinstance(each, Word) and each.code == NOT_IN_RANGE
            else parse_hash(utxo_node.told(self._name, each))
            for each in found
        ]

    def block(self, height: int, block_hash: str, watched: Watched) -> Told:
        (found,) = self._reader.ask_much([("getblock", [block_hash, self._verbosity])])
        if isinstance(found, Word) and found.code == NO_SUCH_THING:
            raise NotYet(f"{self._name} does not have block {height} any more")
        reported = utxo_node.told(self._name, found)
        block = parse_block(reported, height, block_hash)
        gaps: list[Gap] = []
        touched = self._touched(height, block, watched, gaps)
        if touched:
            rows = [block.rows[n] for n in touched]
            self._reader.matched([{"result": {**fields_of(reported), "tx": rows}}])
        lent = self._lent(block, touched)
        transfers: list[Transfer] = []
        for n in touched:
            row, place = block.rows[n], (height, block_hash, block.time)
            try:
                transfers += self._reader.legs(row, lent, place, watched)
            except RowError as error:
                gaps.append(_gap(height, error, row))
        return Told(block.parent, transfers, gaps)

    def _touched(
        self, height: int, block: JsonBlock, watched: Watched, gaps: list[Gap]
    ) -> dict[int, Outline]:
        """Which of its transactions touch a member. One that is spent may stand behind the one
        that spends it, where blocks are in the order of ids."""
        address = self._reader.payees.address
        seen: dict[int, tuple[Outline, Mapping[str, str]]] = {}
        for n, (txid, row) in enumerate(zip(block.txids, block.rows, strict=True)):
            try:
                told = outline(row)
            except RowError as error:
                gaps.append(_gap(height, error, row))
                continue
            seen[n] = told, watched.pays(txid, map(address, told.pays))
        if self._reader.tells_spent and any(None in told.spent for told, _ in seen.values()):
            raise BadResponse(f"{self._name} does not say what block {height} spends")
        return {n: told for n, (told, paid) in seen.items() if paid or self._spends(told, watched)}

    def _spends(self, told: Outline, watched: Watched) -> bool:
        """Whether any of what a transaction spends is a member's."""
        address = self._reader.payees.address
        return any(watched.owner(output) is not None for output in told.spends) or any(
            script is not None and watched.has(address(script)) for script in told.spent
        )

    def _lent(self, block: JsonBlock, touched: Mapping[int, Outline]) -> dict[str, Paid]:
        """What these transactions spend, where the block does not say it."""
        if self._reader.tells_spent:
            return {}
        here = dict(zip(block.txids, block.rows, strict=True))
        found: dict[str, Paid] = {}
        elsewhere = []
        for output in dict.fromkeys(o for told in touched.values() for o in told.spends):
            txid = output.partition(":")[0]
            if txid in here:
                found |= self._reader.outputs(here[txid], txid, [output])
            else:
                elsewhere.append(output)
        return found | self._reader.previous(elsewhere)


def _gap(height: int, error: RowError, row: object) -> Gap:
    return parsing.gap(Interval(height, height), str(error), row)
