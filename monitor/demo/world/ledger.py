"""Chains in memory: blocks that are mined and replaced, with an index by address.

Nothing here knows of watchlists or explorers. A ledger is filled by a script (`mine`,
`reorg`) or block by block from a real node (`append`, `rollback`). All methods may be
called from several threads. Amounts are integers in base units, times Unix seconds.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from monitor.demo.world import utxo_raw
from monitor.demo.world.moves import (
    NO_TX,
    ZERO_ADDRESS,
    Act,
    Change,
    Internal,
    TokenMove,
    Tx,
    UtxoTx,
    Withdrawal,
)

TRON_ZERO = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"  # the same on Tron
GENESIS_PARENT = "0" * 64

T = TypeVar("T", Tx, UtxoTx)


@dataclass(frozen=True, slots=True)
class Block(Generic[T]):
    """One block; `hash` is written the way its chain writes it."""

    height: int
    hash: str
    parent: str
    time: int
    txs: tuple[T, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()


@dataclass(slots=True, eq=False)
class Record(Generic[T]):
    """One row of one list of an address. `rendered` keeps its text per explorer style."""

    stream: str
    block: Block[T]
    tx: T
    index: int  # of the transaction in its block
    item: Internal | TokenMove | Act | Change | Withdrawal | None = None
    number: int = 0  # of the row within its transaction
    rendered: dict[str, bytes] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return self.block.height


class Ledger(Generic[T]):
    """Blocks of one chain and, for every address, its rows in chain order."""

    def __init__(
        self, *, first_height: int = 0, time: int = 1_700_000_000, block_time: int = 12
    ) -> None:
        self.lock = threading.RLock()
        self.first_height = first_height
        self.block_time = block_time
        self._start = time
        self._blocks: list[Block[T]] = []
        self._by_hash: dict[str, Block[T]] = {}
        self._rows: dict[tuple[str, str], list[Record[T]]] = {}
        self._txs: dict[str, Record[T]] = {}
        self._mined = 0

    @property
    def head(self) -> Block[T]:
        """The newest block; IndexError on an empty ledger."""
        with self.lock:
            return self._blocks[-1]

    def __len__(self) -> int:
        return len(self._blocks)

    def block(self, height: int) -> Block[T] | None:
        place = height - self.first_height
        with self.lock:
            return self._blocks[place] if 0 <= place < len(self._blocks) else None

    def block_by_hash(self, block_hash: str) -> Block[T] | None:
        return self._by_hash.get(block_hash)

    def find(self, tx_hash: str) -> Record[T] | None:
        """A mined transaction, as the row of its own list."""
        return self._txs.get(tx_hash)

    def records(
        self, stream: str, address: str, lo: int = 0, hi: int | None = None
    ) -> list[Record[T]]:
        """Rows of one list from height lo to hi, both included, oldest first."""
        with self.lock:
            rows = self._rows.get((stream, address), [])
            first = bisect_left(rows, lo, key=_height)
            last = len(rows) if hi is None else bisect_right(rows, hi, key=_height)
            return rows[first:last]

    def balance(self, address: str, contract: str | None = None, height: int | None = None) -> int:
        """What an address holds at a height (None: now): coins, or of a token's contract."""
        raise NotImplementedError

    def mine(
        self,
        txs: Iterable[T] = (),
        time: int | None = None,
        withdrawals: Iterable[Withdrawal] = (),
    ) -> Block[T]:
        """Put transactions into the next block."""
        with self.lock:
            self._mined += 1
            above = self._blocks[-1] if self._blocks else None
            height = above.height + 1 if above else self.first_height
            below = max(height - 1, 0)
            parent = above.hash if above else self._write_hash(GENESIS_PARENT, below)
            follows = above.time + self.block_time if above else self._start
            found = tuple(txs)
            moment = follows if time is None else time
            name = self._name(height, parent, moment, found)
            block = Block(height, name, parent, moment, found, tuple(withdrawals))
            self.append(block)
            return block

    def append(self, block: Block[T]) -> None:
        """Take a block over from a node. ValueError when it does not fit on the head."""
        with self.lock:
            if not self._blocks:
                self.first_height = block.height
            elif block.parent != self.head.hash or block.height != self.head.height + 1:
                raise ValueError(f"block {block.height} does not follow block {self.head.height}")
            self._blocks.append(block)
            self._by_hash[block.hash] = block
            for addresses, record in self._listing(block):
                for address in addresses:
                    self._rows.setdefault((record.stream, address), []).append(record)
                if record.item is None:
                    self._txs[record.tx.hash] = record

    def rollback(self, count: int = 1) -> list[Block[T]]:
        """Take the newest blocks away; returns them oldest first."""
        with self.lock:
            if count > len(self._blocks):
                raise ValueError(f"only {len(self._blocks)} blocks to take away")
            gone = [self._drop_head() for _ in range(count)]
            return gone[::-1]

    def reorg(self, count: int, replacements: Sequence[Iterable[T]]) -> list[Block[T]]:
        """Replace the newest `count` blocks in one step; returns the blocks that went."""
        with self.lock:
            times = [block.time for block in self._blocks[len(self._blocks) - count :]]
            gone = self.rollback(count)
            for place, txs in enumerate(replacements):
                self.mine(txs, times[place] if place < len(times) else None)
            return gone

    def _drop_head(self) -> Block[T]:
        block = self._blocks.pop()
        del self._by_hash[block.hash]
        for addresses, record in self._listing(block):
            for address in addresses:
                self._rows[(record.stream, address)].pop()
        for tx in block.txs:
            del self._txs[tx.hash]
        return block

    def _listing(self, block: Block[T]) -> Iterator[tuple[Iterable[str], Record[T]]]:
        raise NotImplementedError

    def _name(self, height: int, parent: str, time: int, txs: Sequence[T]) -> str:  # noqa: ARG002
        """A hash that no other block has."""
        digest = _digest(parent, str(self._mined), *(tx.hash for tx in txs))
        return self._write_hash(digest, height)

    def _write_hash(self, digest: str, height: int) -> str:  # noqa: ARG002 - Tron's holds it
        return digest


def _height(record: Record[T]) -> int:
    return record.block.height


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TokenName:
    """What a token contract says of itself; decimals None: it does not say."""

    symbol: str
    name: str
    decimals: int | None
    standard: str = "ERC-20"


TOKEN_STREAMS: Mapping[str, str] = {
    "ERC-20": "erc20",
    "ERC-721": "erc721",
    "ERC-1155": "erc1155",
}
COIN_STREAMS = ("native", "internal", "withdrawal", "change")
_CREATIONS = frozenset({"create", "create2"})
_MOVING = _CREATIONS | {"call", "suicide"}


class AccountLedger(Ledger[Tx]):
    """An EVM chain, or Tron's (`tron=True`: block names start with their height).

    Lists: native, internal (calls below the top that carry value, creations), trace
    (every call, the top included), erc20, erc721, erc1155, token (all three together), act
    (of issuers, by the token's contract), withdrawal (of validators), change (no explorer's).
    """

    def __init__(
        self,
        *,
        tron: bool = False,
        first_height: int = 0,
        time: int = 1_700_000_000,
        block_time: int = 12,
    ) -> None:
        super().__init__(first_height=first_height, time=time, block_time=block_time)
        self.tron = tron
        self.tokens: dict[str, TokenName] = {}
        self.alloc: dict[str, int] = {}  # balances before the first block
        # Hex code of contracts by address; tokens have some without it. On Tron any text will do.
        self.codes: dict[str, str] = {}
        # Words of storage by (address, slot): whose code a proxy runs.
        self.storage: dict[tuple[str, str], str] = {}

    def balance(self, address: str, contract: str | None = None, height: int | None = None) -> int:
        """By all that moved; who pays what nobody paid him has had it before the first block."""
        before = self.alloc.get(address, 0) if contract is None else 0
        with self.lock:
            return max(before + sum(self._adding(address, contract, height)), 0)

    def _adding(self, address: str, contract: str | None, height: int | None) -> Iterator[int]:
        names = COIN_STREAMS if contract is None else ("erc20", "change")
        places = [*((name, address) for name in names), ("act", contract or "")]
        for stream, listed in places:
            for row in self.records(stream, listed, 0, height):
                if row.item is None:
                    yield row.tx.adds(address)
                elif getattr(row.item, "contract", None) == contract:
                    yield row.item.adds(address)

    def code(self, address: str) -> str:
        """What eth_getCode says of an address."""
        return self.codes.get(address, "0x60" if address in self.tokens else "0x")

    def vanish(self, address: str, amount: int, contract: str | None = None) -> str:
        """Mine a transaction by which a holding falls (a negative amount: grows) though no list
        of the address says so. Returns its hash."""
        prefix = "" if self.tron else "0x"
        name = prefix + _digest("vanished", self.head.hash, address)
        by = contract or (TRON_ZERO if self.tron else ZERO_ADDRESS)
        self.mine([Tx(name, by, by, input="0xab", changes=(Change(address, -amount, contract),))])
        return name

    def _listing(self, block: Block[Tx]) -> Iterator[tuple[Iterable[str], Record[Tx]]]:
        for index, tx in enumerate(block.txs):
            yield _named(tx.sender, tx.to, tx.created), Record("native", block, tx, index)
            for number, call in enumerate(tx.internals):
                named = _named(call.sender, call.recipient, call.created)
                yield named, Record("trace", block, tx, index, call, number)
                creates = call.kind in _CREATIONS
                if call.path and call.kind in _MOVING and (call.value or creates):
                    yield named, Record("internal", block, tx, index, call, number)
            for number, move in enumerate(tx.tokens):
                named = _named(move.sender, move.recipient)
                for stream in (TOKEN_STREAMS[move.standard], "token"):
                    yield named, Record(stream, block, tx, index, move, number)
            for number, act in enumerate(tx.acts):
                yield _named(act.contract), Record("act", block, tx, index, act, number)
            for number, change in enumerate(tx.changes):
                yield _named(change.address), Record("change", block, tx, index, change, number)
        for number, paid in enumerate(block.withdrawals):
            yield _named(paid.address), Record("withdrawal", block, NO_TX, number, paid)

    def _write_hash(self, digest: str, height: int) -> str:
        return f"{height:016x}{digest[16:]}" if self.tron else "0x" + digest


def _named(*addresses: str | None) -> frozenset[str]:
    return frozenset(a for a in addresses if a is not None)


class UtxoLedger(Ledger[UtxoTx]):
    """A Bitcoin-like chain with a mempool; its one list is called utxo."""

    def __init__(
        self, *, first_height: int = 0, time: int = 1_700_000_000, block_time: int = 600
    ) -> None:
        super().__init__(first_height=first_height, time=time, block_time=block_time)
        self.genesis = ""  # name of block 0, where the ledger begins later: it tells the chain
        self.raws: dict[str, bytes] = {}  # of blocks that a node made, by hash
        self._headers: dict[str, bytes] = {}
        self._mempool: dict[str, UtxoTx] = {}

    def raw(self, block: Block[UtxoTx]) -> bytes | None:
        """The block's bytes; None of one that a node made and that nobody kept."""
        head = self._headers.get(block.hash)
        if head is None:
            return self.raws.get(block.hash)
        return utxo_raw.raw_block(head, self.txs(block))

    def txs(self, block: Block[UtxoTx]) -> tuple[UtxoTx, ...]:
        """All of the block's, its coinbase first."""
        if block.hash not in self._headers:
            return block.txs
        return utxo_raw.whole_block(block.height, block.parent, block.txs)

    @property
    def mempool(self) -> dict[str, UtxoTx]:
        """Unconfirmed transactions by txid, oldest first (a copy)."""
        with self.lock:
            return dict(self._mempool)

    def submit(self, tx: UtxoTx) -> None:
        """Hand a transaction to the mempool."""
        with self.lock:
            self._mempool[tx.hash] = tx

    def forget(self, txid: str) -> None:
        """Drop an unconfirmed transaction: replaced or expired."""
        with self.lock:
            self._mempool.pop(txid, None)

    def pending(self, address: str) -> list[UtxoTx]:
        """Unconfirmed transactions that touch an address, newest first."""
        return [tx for tx in reversed(self.mempool.values()) if address in tx.addresses()]

    def balance(self, address: str, contract: str | None = None, height: int | None = None) -> int:
        """Outputs less what was spent of them; of unconfirmed transactions nothing."""
        rows = [] if contract else self.records("utxo", address, 0, height)
        return sum(row.tx.adds(address) for row in rows)

    def append(self, block: Block[UtxoTx]) -> None:
        with self.lock:
            super().append(block)
            for tx in block.txs:
                self._mempool.pop(tx.hash, None)

    def rollback(self, count: int = 1) -> list[Block[UtxoTx]]:
        """As on a node, what is no longer mined waits in the mempool again."""
        with self.lock:
            gone = super().rollback(count)
            self._mempool.update((t.hash, t) for b in gone for t in b.txs if not t.coinbase)
            return gone

    def _name(self, height: int, parent: str, time: int, txs: Sequence[UtxoTx]) -> str:
        ids = [tx.hash for tx in utxo_raw.whole_block(height, parent, tuple(txs))]
        head = utxo_raw.header(parent, ids, time, self._mined)
        name = utxo_raw.header_hash(head)
        self._headers[name] = head
        return name

    def _listing(self, block: Block[UtxoTx]) -> Iterator[tuple[Iterable[str], Record[UtxoTx]]]:
        for index, tx in enumerate(block.txs):
            yield tx.addresses(), Record("utxo", block, tx, index)
