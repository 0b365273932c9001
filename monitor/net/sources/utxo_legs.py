"""What the adapters of chains of Bitcoin's kind share: what they take for a hash, and legs of a
transaction to transfers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from monitor.chains.address import AddressError, canonical
from monitor.model import Chain, Head, Kind, Transfer
from monitor.model.errors import BadResponse
from monitor.net.sources.parsing import RowError, place

HASH = re.compile(r"[0-9a-f]{64}\Z")
_T = TypeVar("_T", int, str)

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


def hash_of(value: object, name: str) -> str:
    """Raises RowError."""
    if not isinstance(value, str) or not HASH.match(value):
        raise RowError(f"{name} is not a hash")
    return value


def same(reported: object, asked: _T) -> _T:
    """What was asked for. Raises RowError where the answer is about another one."""
    if reported != asked:
        raise RowError("it is another one than was asked for")
    return asked


def fields_of(reported: object) -> Mapping[str, object]:
    """An answer that must be an object. Raises BadResponse."""
    if not isinstance(reported, dict):
        raise BadResponse("an object was expected and something else came")
    return reported


def head_of(reported: object, tip: str, *, time: str, name: str) -> Head:
    """The header of the newest block, which must be the one that was asked for; `time` and `name`:
    under which keys it says its time and its hash. Raises BadResponse."""
    header = fields_of(reported)
    try:
        return Head(
            height=place(header.get("height"), "height"),
            time=place(header.get(time), time),
            block_hash=same(header.get(name), tip),
        )
    except RowError as error:
        raise BadResponse(f"the newest block cannot be read: {error}") from None
