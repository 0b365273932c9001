"""Movements: one transfer as a source reports it, and as it is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

UINT256_MAX = 2**256 - 1


class Kind(StrEnum):
    """What kind of movement a transfer is."""

    NATIVE = "native"
    INTERNAL = "internal"
    ERC20 = "erc20"
    ERC721 = "erc721"
    ERC1155 = "erc1155"
    TRC10 = "trc10"
    TRC20 = "trc20"
    FEE = "fee"
    UTXO_IN = "utxo_in"
    UTXO_OUT = "utxo_out"
    COINBASE = "coinbase"
    # Acts of a token's issuer on an address: sender is the address, there is no recipient.
    DESTROYED = "destroyed"  # amount: what was destroyed; 0 where a Transfer reports it too
    FROZEN = "frozen"  # amount 0, as for RELEASED
    RELEASED = "released"


ACTS = frozenset({Kind.DESTROYED, Kind.FROZEN, Kind.RELEASED})


class Status(StrEnum):
    """How certain a transfer is. See PLAIN_STATUS in messages.py for the words people see."""

    PENDING = "pending"  # in the mempool only
    PROVISIONAL = "provisional"  # in a block that can still be replaced
    FINAL = "final"  # deeper than the chain's finality depth
    MISSING = "missing"  # was reported, is gone, not yet decided
    ORPHANED = "orphaned"  # did not happen
    SUPERSEDED = "superseded"  # a wrong final row, replaced by a new one with a reason


OPEN_STATUSES = frozenset({Status.PENDING, Status.PROVISIONAL, Status.MISSING})
LIVE_STATUSES = frozenset({Status.PENDING, Status.PROVISIONAL, Status.FINAL})


def account_leg(
    kind: Kind,
    contract: str | None,
    token_id: str | None,
    sender: str | None,
    recipient: str | None,
    amount: int,
    ordinal: int,
) -> str:
    """The leg of an account chain: the same text whichever source reports the transfer.

    Fees leave the amount out: a transaction has one, and sources know it to a different
    precision on rollups (the share paid to the parent chain).
    """
    what = "-" if kind is Kind.FEE else str(amount)
    parts = (kind.value, contract or "-", token_id or "-", sender or "-", recipient or "-", what)
    return "|".join((*parts, str(ordinal)))


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of one asset inside one transaction, as a source reported it.

    Identity is (chain, tx, leg). Everything after `amount` is an attribute: kept when
    known, allowed to differ between sources. `block_height` is None while unconfirmed
    and where the source does not report it (Tron's TRC-20 list).
    """

    chain: str
    tx: str
    leg: str
    kind: Kind
    sender: str | None
    recipient: str | None
    amount: int
    contract: str | None = None
    token_id: str | None = None  # decimal text
    block_height: int | None = None
    block_hash: str | None = None
    time: int | None = None  # block time; None while unconfirmed
    tx_index: int | None = None
    log_index: int | None = None
    trace_path: str | None = None
    spends: str | None = None  # utxo_in: "txid:n" of the output it spends
    pending: bool = False  # reported from the mempool

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= UINT256_MAX:
            raise ValueError(f"amount out of range: {self.amount}")

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.chain, self.tx, self.leg)

    @property
    def block_key(self) -> str:
        """Names the block that the transfer is reported in, as far as it is known."""
        if self.pending:
            return "pending"
        return self.block_hash or str(self.block_height or self.time or "?")

    def parties(self) -> Iterable[str]:
        return (a for a in (self.sender, self.recipient) if a is not None)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token contract says of itself. Hostile text: never trust, always sanitise."""

    contract: str
    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None


ISSUER = "issuer"  # the stream of issuers' acts: of all watched addresses together
STREAMS: Mapping[str, tuple[str, ...]] = {
    "evm": ("native", "internal", "erc20", "erc721", "erc1155"),
    "utxo": ("utxo",),
    "tron": ("native", "internal", "trc20"),
}
# The list of an address in which each kind of transfer stands.
STREAM_OF: Mapping[Kind, str] = {
    Kind.NATIVE: "native",
    Kind.FEE: "native",
    Kind.TRC10: "native",
    Kind.INTERNAL: "internal",
    Kind.ERC20: "erc20",
    Kind.ERC721: "erc721",
    Kind.ERC1155: "erc1155",
    Kind.TRC20: "trc20",
    Kind.UTXO_IN: "utxo",
    Kind.UTXO_OUT: "utxo",
    Kind.COINBASE: "utxo",
    Kind.DESTROYED: ISSUER,
    Kind.FROZEN: ISSUER,
    Kind.RELEASED: ISSUER,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A transfer as it stands in the record."""

    id: int  # internal key, never shown
    transfer: Transfer
    status: Status
    version: int
    first_seen: int
    late: bool = False
    reporters: frozenset[str] = frozenset()  # sources that reported it in its present block
    # Heads of complete reads, by the source that reported it, which left it out: (source, head).
    absences: tuple[tuple[str, int], ...] = ()
