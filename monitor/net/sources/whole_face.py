"""What every second face of a source has alike (ports.WholeBlocks): it reads blocks; which chain it
is, its head and what it says of single transactions and blocks is the source's own."""

from __future__ import annotations

from monitor.model import Axis, Head, Lookup
from monitor.model.ports import Source


class WholeFace:
    axis = Axis.HEIGHT
    many = True
    act_calls = 0  # they come with the blocks

    def __init__(self, source: Source) -> None:
        self.name, self.chain, self.index_lag = source.name, source.chain, source.index_lag
        self._source = source

    def identify(self) -> None:
        self._source.identify()

    def head(self) -> Head:
        return self._source.head()

    def transaction(self, tx: str) -> Lookup:
        return self._source.transaction(tx)

    def block_hash(self, height: int) -> str | None:
        return self._source.block_hash(height)
