"""Chains of the local explorer's that are read block by block, and as lists of addresses tell
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from monitor.chains.payees import Payees
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.demo.world.utxo_raw import sealed
from monitor.model import Ask, Chain, Interval, SourceConfig, Subject, Transfer
from monitor.model.ports import WholeBlocks
from monitor.model.scope import Members
from monitor.net import sources
from monitor.net.http import Http
from world.real_blocks import BITCOIN

ADDRESSES = [Payees(BITCOIN).address(b"\x00\x14" + bytes([n]) * 20) or "" for n in range(1, 7)]
Row = tuple[Any, ...]


@contextmanager
def whole(url: str, chain: Chain = BITCOIN, kind: str = "esplora") -> Iterator[WholeBlocks]:
    config = SourceConfig("mine", kind, url, rate_per_second=1000)
    built = sources.build(config, chain, Http("mine", url, attempts=1))
    found = sources.whole_of(built)
    assert found is not None
    yield found


def asked(source: WholeBlocks, members: Mapping[str, int], span: Interval, **more: Any) -> Ask:
    (streams,) = source.bundles
    return Ask((), streams, span, source.head(), members=Members(members), **more)


def rows(transfers: tuple[Transfer, ...]) -> set[Row]:
    return {(t.tx, t.leg, t.kind, t.sender, t.recipient, t.amount, t.spends, t.block_height,
             t.block_hash, t.time, t.pending) for t in transfers}  # fmt: skip


class Maker:
    """Fills a ledger with transactions that spend what is there."""

    def __init__(self) -> None:
        self.ledger = UtxoLedger(first_height=100)
        self.unspent: list[tuple[str, int, Output]] = []
        self.made = 0

    def block(self, plan: list[tuple[list[int], list[int]]]) -> list[UtxoTx]:
        return [self.tx(which, whom) for which, whom in plan]

    def tx(self, which: list[int], whom: list[int]) -> UtxoTx:
        self.made += 1
        taken = [self.unspent.pop(n % len(self.unspent)) for n in which if self.unspent]
        vin = tuple(Input(txid, n, output) for txid, n, output in taken)
        if not vin:
            vin = (Input(f"{self.made:064x}", 0, Output(None, 10**6, "6a")),)
        vout = tuple(Output(ADDRESSES[n], 1000 + self.made) for n in whom)
        made = sealed(UtxoTx("", vin, vout, locktime=self.made))
        self.unspent += [(made.hash, n, output) for n, output in enumerate(made.vout)]
        return made


def per_address(url: str, addresses: list[str], kind: str = "esplora") -> set[Row]:
    source = sources.build(SourceConfig("mine", kind, url, rate_per_second=1000), BITCOIN,
                           Http("mine", url))  # fmt: skip
    found: set[Row] = set()
    for address in addresses:
        head = source.head()
        ask = Ask((Subject("bitcoin", address),), frozenset({"utxo"}), Interval(0, head.height),
                  head, max_rows=10**6)  # fmt: skip
        batch = source.fetch(ask)
        assert batch.rest is None
        found |= rows(tuple(t for t in batch.transfers if not t.pending))
    return found


def keep(unspent: dict[str, str], moved: tuple[Transfer, ...], members: Mapping[str, int]) -> None:
    """As the record would: what members got and did not spend."""
    for t in moved:
        if t.recipient in members and t.recipient is not None:
            unspent[f"{t.tx}:{t.leg.removeprefix('out:')}"] = t.recipient
    for t in moved:
        unspent.pop(t.spends or "", None)
