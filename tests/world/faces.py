"""Reading on with a face of whole blocks, as the program does it."""

from __future__ import annotations

from dataclasses import replace

from monitor.demo.world.ledger import AccountLedger
from monitor.model import Ask, Batch
from monitor.model.errors import SourceError
from monitor.model.ports import WholeBlocks


def read_on(face: WholeBlocks, ask: Ask, patience: int = 0) -> list[Batch]:
    """Until nothing is left; errors are borne so many times."""
    batches: list[Batch] = []
    going: Ask | None = ask
    while going is not None:
        try:
            batches.append(face.fetch(going))
        except SourceError:
            patience -= 1
            if patience < 0:
                raise
        else:
            rest = batches[-1].rest
            going = None if rest is None else replace(going, span=rest, known={})
    return batches


def names_of(ledger: AccountLedger, lo: int, hi: int) -> dict[int, str]:
    """The hashes of these blocks, as a ledger has them."""
    blocks = [ledger.block(height) for height in range(lo, hi + 1)]
    return {block.height: block.hash for block in blocks if block is not None}
