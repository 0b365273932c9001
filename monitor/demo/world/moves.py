"""What moves on the invented chains: transactions with all that is in them, and what a chain pays
by itself. Each says what it adds to an address's holding. Amounts are integers in base units."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

ZERO_ADDRESS = "0x" + "0" * 40
DESTROYED = "DestroyedBlackFunds"  # the act that takes a balance away without a transfer


@dataclass(frozen=True, slots=True)
class Internal:
    """One call inside a transaction. `path` is its place in the call tree, "" for the top.

    kind: call, delegatecall, staticcall, create, create2 or suicide. `failed` also holds
    when a caller above it failed.
    """

    sender: str
    recipient: str | None
    value: int
    kind: str = "call"
    path: str = "0"
    created: str | None = None
    failed: bool = False
    gas: int = 2300
    gas_used: int = 0
    input: str = "0x"

    def adds(self, address: str) -> int:
        """What it adds to an address's coins."""
        paid = (self.recipient or self.created) == address
        return 0 if self.failed else self.value * (paid - (self.sender == address))


@dataclass(frozen=True, slots=True)
class TokenMove:
    """One token movement out of a log; `place` counts within a batch of one log."""

    standard: str  # ERC-20, ERC-721, ERC-1155 (also used for TRC-20)
    contract: str
    sender: str
    recipient: str
    amount: int
    log_index: int = 0
    token_id: int | None = None
    place: int = 0

    def adds(self, address: str) -> int:
        """What it adds to an address's holding of the token."""
        return self.amount * ((self.recipient == address) - (self.sender == address))


@dataclass(frozen=True, slots=True)
class Act:
    """What a token's issuer does to an address, as its contract's event tells it. `indexed`:
    the address is a topic and not in the data; amount None: the event has none."""

    event: str
    contract: str
    address: str
    amount: int | None = None
    indexed: bool = False
    log_index: int = 0

    def adds(self, address: str) -> int:
        """What it adds to an address's holding of the token: what is destroyed goes."""
        destroyed = self.event == DESTROYED and self.address == address
        return -(self.amount or 0) if destroyed else 0


@dataclass(frozen=True, slots=True)
class RawLog:
    """Some event of a contract, such as a bridge's deposit: `topics` and `data` are hex with 0x.
    No two logs of a transaction have the same `log_index`, those of its TokenMoves among them."""

    contract: str
    topics: tuple[str, ...]
    data: str = "0x"
    log_index: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a holding changes by though no list says so: a balance that a token's contract
    destroys, a wrap, a token that grows by itself. Signed; `contract` None: coins."""

    address: str
    amount: int
    contract: str | None = None

    def adds(self, address: str) -> int:
        return self.amount if self.address == address else 0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the chain itself pays a validator, without a transaction. In base units."""

    index: int
    validator: int
    address: str
    amount: int

    def adds(self, address: str) -> int:
        return self.amount if self.address == address else 0


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction of an account chain. Tron: gas_used is the fee in sun, gas_price 1."""

    hash: str
    sender: str
    to: str | None
    value: int = 0
    ok: bool = True
    gas_used: int = 21000
    gas_price: int = 10**9
    gas: int = 21000
    nonce: int = 0
    input: str = "0x"
    created: str | None = None
    internals: tuple[Internal, ...] = ()
    tokens: tuple[TokenMove, ...] = ()
    acts: tuple[Act, ...] = ()
    logs: tuple[RawLog, ...] = ()  # beside those of `tokens`
    changes: tuple[Change, ...] = ()
    parent_fee: int = 0  # a rollup's share for its parent chain: receipts tell it, lists do not

    @property
    def fee(self) -> int:
        return self.gas_used * self.gas_price + self.parent_fee

    def adds(self, address: str) -> int:
        """What the transaction itself adds to an address's coins."""
        paid = (self.to or self.created) == address
        moved = self.value * (paid - (self.sender == address)) if self.ok else 0
        return moved - (self.fee if self.sender == address else 0)


NO_TX = Tx("", ZERO_ADDRESS, None)  # of what the chain itself does


@dataclass(frozen=True, slots=True)
class Output:
    """What a UTXO transaction pays; address is None where the script has none."""

    address: str | None
    value: int
    script: str = ""
    kind: str = "v0_p2wpkh"


@dataclass(frozen=True, slots=True)
class Input:
    """What a UTXO transaction spends; prevout is None for a coinbase."""

    txid: str
    vout: int
    prevout: Output | None
    sequence: int = 0xFFFFFFFF
    script: str = ""


@dataclass(frozen=True, slots=True)
class UtxoTx:
    """A transaction of a UTXO chain."""

    hash: str
    vin: tuple[Input, ...]
    vout: tuple[Output, ...]
    version: int = 2
    locktime: int = 0
    size: int = 225
    weight: int = 900

    @property
    def coinbase(self) -> bool:
        return any(spent.prevout is None for spent in self.vin)

    @property
    def fee(self) -> int:
        if self.coinbase:
            return 0
        spent = sum(i.prevout.value for i in self.vin if i.prevout)
        return spent - sum(o.value for o in self.vout)

    def adds(self, address: str) -> int:
        """What it adds to an address's coins."""
        paid = sum(o.value for o in self.vout if o.address == address)
        prevouts = [i.prevout for i in self.vin if i.prevout]
        return paid - sum(o.value for o in prevouts if o.address == address)

    def addresses(self) -> frozenset[str]:
        outputs = chain(self.vout, (i.prevout for i in self.vin if i.prevout))
        return frozenset(o.address for o in outputs if o.address)
