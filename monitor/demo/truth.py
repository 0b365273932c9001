"""What really happened in the demo's world, read off its ledgers and not off Fundwatch: the
rows that must be in the record, the alerts that must have been told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.demo.story import World
from monitor.demo.world.ledger import TOKEN_STREAMS, AccountLedger, UtxoLedger
from monitor.demo.world.moves import Tx, UtxoTx
from monitor.model import Entry


class Moved(NamedTuple):
    """One movement, with the names that `fundwatch transfers --format jsonl` uses."""

    chain: str
    tx: str
    kind: str
    contract: str | None
    token_id: str | None
    sender: str | None
    recipient: str | None
    amount: int


class Due(NamedTuple):
    """One alert that somebody must get: of an entry's address about a transaction."""

    chain: str
    address: str
    tx: str
    what: str  # told | corrected


@dataclass
class Truth:
    """Follows a world: call `look` after every event. `entries` are those of the watchlist."""

    world: World
    entries: tuple[Entry, ...]
    _since: Mapping[str, int] = field(init=False)  # heads at the start: above is news
    _seen: dict[tuple[str, str], Tx | UtxoTx] = field(default_factory=dict)
    _due: dict[Due, None] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)  # (chain, tx) that was reversed

    def __post_init__(self) -> None:
        self._since = {chain: ledger.head.height for chain, ledger in self.world.all().items()}

    def look(self) -> list[Due]:
        """Take in what changed since the last look; returns what must be told now."""
        before = set(self._due)
        standing: set[tuple[str, str]] = set()
        for chain, ledger in self.world.all().items():
            for tx, pending in _news(ledger, self._since[chain]):
                standing.add((chain, tx.hash))
                self._seen[chain, tx.hash] = tx
                self._tell(chain, tx, pending=pending)
        for chain, tx_hash in set(self._seen) - standing - self.gone:
            self.gone.add((chain, tx_hash))
            told = [due for due in self._due if (due.chain, due.tx) == (chain, tx_hash)]
            self._due |= {due._replace(what="corrected"): None for due in told}
        return [due for due in self._due if due not in before]

    def _tell(self, chain: str, tx: Tx | UtxoTx, *, pending: bool) -> None:
        parties = {party for row in rows(chain, tx) for party in (row.sender, row.recipient)}
        for entry in self.entries:
            subject = entry.subject
            wanted = not pending or entry.tell_when == "seen"
            if subject.chain == chain and subject.address in parties and wanted:
                self._due[Due(chain, subject.address, tx.hash, "told")] = None

    @property
    def alerts(self) -> Counter[Due]:
        """Every alert that must have been told by now, once."""
        return Counter(self._due.keys())

    def record(self) -> Counter[Moved]:
        """Every movement that touches an entry, from the first block on, reversed ones too."""
        watched = {entry.subject.key for entry in self.entries}
        txs: dict[tuple[str, str], Tx | UtxoTx] = dict(self._seen)
        for chain, ledger in self.world.all().items():
            txs |= {(chain, tx.hash): tx for tx, _ in _news(ledger, ledger.first_height - 1)}
        return Counter(
            row
            for (chain, _), tx in txs.items()
            for row in rows(chain, tx)
            if _concerns(row, watched)
        )


def _concerns(row: Moved, watched: set[str]) -> bool:
    parties = (row.sender,) if row.kind == "fee" else (row.sender, row.recipient)
    return any(f"{row.chain}/{party}" in watched for party in parties)


def _news(ledger: UtxoLedger | AccountLedger, above: int) -> Iterator[tuple[Tx | UtxoTx, bool]]:
    """Transactions above a height, and whether each is still unconfirmed."""
    with ledger.lock:
        for height in range(above + 1, ledger.head.height + 1):
            block = ledger.block(height)
            for tx in block.txs if block else ():
                yield tx, False
        if isinstance(ledger, UtxoLedger):
            for waiting in ledger.mempool.values():
                yield waiting, True


def rows(chain: str, tx: Tx | UtxoTx) -> Iterator[Moved]:
    """Every movement of a transaction."""
    return _spent(chain, tx) if isinstance(tx, UtxoTx) else _moved(chain, tx)


def _spent(chain: str, tx: UtxoTx) -> Iterator[Moved]:
    for spent in tx.vin:
        if spent.prevout is not None:
            whose, value = spent.prevout.address, spent.prevout.value
            yield Moved(chain, tx.hash, "utxo_in", None, None, whose, None, value)
    for paid in tx.vout:
        yield Moved(chain, tx.hash, "utxo_out", None, None, None, paid.address, paid.value)


def _moved(chain: str, tx: Tx) -> Iterator[Moved]:
    yield Moved(chain, tx.hash, "fee", None, None, tx.sender, None, tx.fee)
    if tx.value:
        yield Moved(chain, tx.hash, "native", None, None, tx.sender, tx.to, tx.value)
    for call in tx.internals:
        if call.path and call.value and not call.failed:
            yield Moved(
                chain, tx.hash, "internal", None, None, call.sender, call.recipient, call.value
            )
    for move in tx.tokens:
        kind = "trc20" if chain == "tron" else TOKEN_STREAMS[move.standard]
        token = None if move.token_id is None else str(move.token_id)
        yield Moved(
            *(chain, tx.hash, kind, move.contract, token),
            *(move.sender, move.recipient, move.amount),
        )
