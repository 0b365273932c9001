"""Movements: one transfer as a source reports it, and as it is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from monitor.model.watch import Direction

UINT256_MAX = 2**256 - 1
ISSUER = "issuer"  # the stream of issuers' acts: of all watched addresses together
_TRAITS = (
    *("coin", "token", "nft", "numbered", "outermost", "inner", "fee"),
    *("utxo", "input", "output", "act", "destroys", "freezes", "ruled"),
)


class FarEnd(StrEnum):
    """What there is at the end of a transfer that has no address."""

    OUTSIDE = "outside"  # the parent chain of a rollup, or the chain itself, which creates coins
    NETWORK = "network"  # whoever runs it: a fee
    INPUTS = "inputs"  # of the same transaction
    OUTPUTS = "outputs"
    MINED = "mined"
    VALIDATORS = "validators"  # what they have put up, and what they earned there
    BLOCK = "block"  # its reward and its tips


class Kind(StrEnum):
    """What kind of movement a transfer is. Whoever asks about kinds asks for what holds of
    them: what is not named in a line of this table does not hold of its kind."""

    stream: str  # the list of an address in which it stands
    far_end: FarEnd | None
    coin: bool  # the chain's own coin moves
    token: bool  # a contract keeps the books, and logs it
    nft: bool  # a token of which each piece has an id: no amount
    numbered: bool  # a token by its number: behind it stands no contract that could be verified
    outermost: bool  # what the transaction itself moves: its list knows whether it succeeded
    inner: bool  # moved by a call inside a transaction
    fee: bool
    utxo: bool  # one leg of a transaction that comes, goes and is judged as a whole
    input: bool  # of the legs: an earlier output that is spent
    output: bool
    act: bool  # of a token's issuer on an address: sender is the address, there is no recipient
    destroys: bool  # amount: what was destroyed; 0 where a Transfer reports it too
    freezes: bool  # amount 0, as for a release
    ruled: bool  # moved by the rules of the chain, in a block and in no transaction: see ruled_tx

    def __new__(
        cls, name: str, stream: str = "", traits: str = "", far_end: FarEnd | None = None
    ) -> Self:
        kind = str.__new__(cls, name)
        kind._value_, kind.stream, kind.far_end = name, stream, far_end
        kind.__dict__.update(dict.fromkeys(_TRAITS, False))
        kind.__dict__.update(dict.fromkeys(traits.split(), True))
        return kind

    NATIVE = "native", "native", "coin outermost", FarEnd.OUTSIDE
    INTERNAL = "internal", "internal", "coin inner", FarEnd.OUTSIDE
    ERC20 = "erc20", "erc20", "token"
    ERC721 = "erc721", "erc721", "token nft"
    ERC1155 = "erc1155", "erc1155", "token nft"
    TRC10 = "trc10", "native", "numbered"
    TRC20 = "trc20", "trc20", "token"
    FEE = "fee", "native", "coin fee", FarEnd.NETWORK
    UTXO_IN = "utxo_in", "utxo", "coin utxo input", FarEnd.OUTPUTS
    UTXO_OUT = "utxo_out", "utxo", "coin utxo output", FarEnd.INPUTS
    COINBASE = "coinbase", "utxo", "coin utxo", FarEnd.MINED
    DESTROYED = "destroyed", ISSUER, "act destroys"
    FROZEN = "frozen", ISSUER, "act freezes"
    RELEASED = "released", ISSUER, "act"
    # In lists that are read where a balance says that something is missing:
    WITHDRAWAL = "withdrawal", "withdrawals", "coin ruled", FarEnd.VALIDATORS
    REWARD = "reward", "rewards", "coin ruled", FarEnd.BLOCK
    DEPOSIT = "deposit", "deposits", "coin", FarEnd.OUTSIDE
    FEE_REST = "fee_rest", "fees", "coin fee", FarEnd.NETWORK  # more than the list says of a fee


class Status(StrEnum):
    """How certain a transfer is. See messages.sheets for the words people see."""

    PENDING = "pending"  # in the mempool only
    PROVISIONAL = "provisional"  # in a block that can still be replaced
    FINAL = "final"  # deeper than the chain's finality depth
    MISSING = "missing"  # was reported, is gone, not yet decided
    ORPHANED = "orphaned"  # did not happen
    SUPERSEDED = "superseded"  # a wrong final row, replaced by a new one with a reason


OPEN_STATUSES = frozenset({Status.PENDING, Status.PROVISIONAL, Status.MISSING})
LIVE_STATUSES = frozenset({Status.PENDING, Status.PROVISIONAL, Status.FINAL})


def ruled_tx(kind: Kind, number: int) -> str:
    """What stands for the transaction of a movement that has none: `withdrawal_22433829`."""
    return f"{kind.value}_{number}"


_RULED = tuple(f"{kind.value}_" for kind in Kind if kind.ruled)


def in_transaction(tx: str) -> bool:
    """Whether a transaction can be looked up by this hash; False: what moved was in none."""
    return not tx.startswith(_RULED)


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
    what = "-" if kind.fee else str(amount)
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

    def side(self, address: str) -> Direction:
        """As seen from an address that it touches."""
        if self.sender == self.recipient or (self.kind.act and not self.kind.destroys):
            return Direction.SELF
        return Direction.OUT if self.sender == address else Direction.IN


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token contract says of itself. Hostile text: never trust, always sanitise."""

    contract: str
    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None


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
