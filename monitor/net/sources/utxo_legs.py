"""What the adapters of chains of Bitcoin's kind share: legs of a transaction to transfers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from monitor.chains.address import AddressError, canonical
from monitor.model import Chain, Kind, Transfer

# Height, hash and time of a transaction's block; all None while it is unconfirmed.
Block = tuple[int | None, str | None, int | None]


class Leg(NamedTuple):
    """One input or output; `spends` is "txid:n" of the output that an input spends."""

    name: str  # "in:n" or "out:n"
    kind: Kind
    sender: str | None
    recipient: str | None
    amount: int
    spends: str | None = None


def transfers_of(chain: Chain, tx: str, block: Block, legs: Iterable[Leg]) -> list[Transfer]:
    height, block_hash, time = block
    return [
        Transfer(
            chain=chain.key,
            tx=tx,
            leg=leg.name,
            kind=leg.kind,
            sender=leg.sender,
            recipient=leg.recipient,
            amount=leg.amount,
            block_height=height,
            block_hash=block_hash,
            time=time,
            spends=leg.spends,
            pending=height is None,
        )
        for leg in legs
    ]


def folded(chain: Chain, reported: str) -> str:
    """A party in its canonical form; as it was reported where it is no address of the chain:
    other people's odd script must not lose the transaction."""
    try:
        return canonical(chain, reported)
    except AddressError:
        return reported
