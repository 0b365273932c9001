"""A case's record by hand, for what is worked out from it: rows of account chains and of Bitcoin,
and all that is known beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from monitor.analysis.trace.known import Known, Market, Recorded, Source
from monitor.model import Asset, Chain, Kind, Row, Status, Subject, Transfer, account_leg
from monitor.model.trace import Anatomy, Code, Name, Profile, Terms

ZERO = "0x" + "0" * 40
USDC, DAI, WETH, PUNKS, JUNK = ("0x" + digit * 40 for digit in "12345")
ETH = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 64, wrapped=WETH)
BASE = Chain("base", "Base", "evm", "ETH", 18, 64)
BTC = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6, bech32="bc", base58=(0, 5))
TRON = Chain("tron", "Tron", "tron", "TRX", 6, 20)
USD = {USDC: Decimal(1), DAI: Decimal(1), "": Decimal(2000), WETH: Decimal(2000)}


@dataclass
class Trail:
    """Addresses are any text. Whatever is recorded later has a later time and height, unless it
    says another."""

    sources: Sequence[str] = ("S",)
    followed: Sequence[str] = ()
    chain: Chain = ETH
    since: int = 0
    since_height: int = 0
    prices: dict[str, Decimal] = field(default_factory=dict)
    names: dict[str, Name] = field(default_factory=dict)
    contracts: Sequence[str] = ()
    anatomies: dict[tuple[str, str], Anatomy] = field(default_factory=dict)
    tokens: dict[tuple[str, str], tuple[str, int | None]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    now: int = 1000
    _legs: Counter[tuple[str, str]] = field(default_factory=Counter)

    def move(self, tx: str, giver: str | None, taker: str | None, amount: int, **told: Any) -> Row:
        """A row; without `kind` a token's where there is a `contract`, else a native one."""
        contract = told.pop("contract", None)
        kind = told.pop("kind", Kind.ERC20 if contract else Kind.NATIVE)
        status = told.pop("status", Status.FINAL)
        token_id = told.pop("token_id", None)
        first = account_leg(kind, contract, token_id, giver, taker, amount, 0)
        equals = self._legs[tx, first]
        leg = account_leg(kind, contract, token_id, giver, taker, amount, equals)
        self._legs[tx, first] += 1
        when = self._when(tx)
        told = {"block_height": when, "time": when, "chain": self.chain.key, **told}
        moved = Transfer(
            *(told.pop("chain"), tx, leg, kind, giver, taker, amount, contract, token_id), **told
        )
        return self._keep(moved, status)

    def fee(self, tx: str, payer: str, amount: int = 1, **told: Any) -> Row:
        return self.move(tx, payer, None, amount, kind=Kind.FEE, **told)

    def spend(
        self,
        tx: str,
        inputs: Iterable[tuple[str, str | None, int]],
        outputs: Iterable[tuple[str | None, int]],
        **told: Any,
    ) -> None:
        """A UTXO transaction: inputs are ("txid:n", address, amount)."""
        when = self._when(tx)
        told = {"block_height": when, "time": when, **told}
        for n, (spends, owner, amount) in enumerate(inputs):
            at = (self.chain.key, tx, f"in:{n}", Kind.UTXO_IN, owner, None, amount)
            self._keep(Transfer(*at, spends=spends, **told), Status.FINAL)
        for n, (owner, amount) in enumerate(outputs):
            at = (self.chain.key, tx, f"out:{n}", Kind.UTXO_OUT, None, owner, amount)
            self._keep(Transfer(*at, **told), Status.FINAL)

    def _when(self, tx: str) -> int:
        last = self.rows[-1].transfer if self.rows else None
        if last is None or last.tx != tx:
            self.now += 10
        return self.now

    def _keep(self, moved: Transfer, status: Status) -> Row:
        row = Row(len(self.rows), moved, status, 1, moved.time or 0)
        self.rows.append(row)
        return row

    def known(self, **more: Any) -> Known:
        """What `flows_of` takes. Rows are in the order in which they were recorded."""
        rows = list(self.rows)
        return Known(
            case="case",
            title="Case",
            terms=Terms(),
            sources=[
                Source(Subject(self.chain.key, s), s, self.since, self.since_height)
                for s in self.sources
            ],
            chains={chain.key: chain for chain in (ETH, BASE, BTC, TRON)},
            assets={
                (chain.key, contract): Asset(chain.key, contract, symbol, 6)
                for chain in (ETH, BASE, TRON)
                for contract, symbol in ((USDC, "USDC"), (DAI, "DAI"))
            },
            rows=lambda subject: Recorded(_of(rows, subject)),
            names=lambda subject: [self.names[a] for a in [subject.address] if a in self.names],
            market=Market(lambda _, contract, __: self.prices.get(contract), lambda *_: None),
            followed=frozenset(Subject(self.chain.key, a) for a in self.followed),
            profiles={
                Subject(self.chain.key, a): Profile(Subject(self.chain.key, a), Code.CONTRACT)
                for a in self.contracts
            },
            anatomies=self.anatomies,
            tokens=self.tokens,
            **more,
        )

    def shuffled(self, order: Sequence[int]) -> Trail:
        return replace(self, rows=[self.rows[n] for n in order])


def _of(rows: Sequence[Row], subject: Subject) -> list[Row]:
    """As the record has it: of a UTXO transaction all, of others what touches the address."""
    mine = {
        row.transfer.tx
        for row in rows
        if row.transfer.chain == subject.chain and subject.address in row.transfer.parties()
    }
    return [
        row
        for row in rows
        if row.transfer.tx in mine
        and row.transfer.chain == subject.chain
        and (row.transfer.kind.utxo or subject.address in row.transfer.parties())
    ]
