"""Deposits to rollups: who listed as payer does not pay, and no gas price is no fee of zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from world.evm_story import CHAIN, HEAD, ME, PEER, BlockscoutServer, EtherscanServer, Move, tx_of
from world.scripted_server import Call, Reply, serve

from monitor.model import Ask, Batch, Interval, Kind, SourceConfig, Subject
from monitor.net.http import Http
from monitor.net.sources import build

L1 = None  # what came from the parent chain has no sender here
Rows = list[tuple[str, str | None, str | None, int]]


class Rollup(EtherscanServer):
    """Lists like Etherscan, without a gas price for what `facts` names, and knows by hash
    what `facts` says: members of the transaction and of the receipt."""

    def __init__(self, story: tuple[Move, ...], facts: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(story)
        self.facts = {tx_of(name): told for name, told in facts.items()}
        for _, row in self.rows:
            if row["hash"] in self.facts:
                row["gasPrice"] = "0"

    def proxy(self, query: Mapping[str, str]) -> Any:
        told = super().proxy(query)
        facts = self.facts.get(query.get("txhash", ""), {})
        return told if told is None else {**told, **facts}


def fetched(kind: str, answerer: Any) -> Batch:
    with serve(answerer) as server:
        config = SourceConfig("s", kind, server.url)
        source = build(config, replace(CHAIN, chain_id=10), Http("s", server.url, attempts=1))
        streams = frozenset({"native"})
        return source.fetch(Ask((Subject("test", ME),), streams, Interval(0, 40), HEAD))


def moved(batch: Batch) -> Rows:
    return [(t.kind.value, t.sender, t.recipient, t.amount) for t in batch.transfers]


def paid(sender: str, recipient: str, amount: int, *, failed: bool = False) -> Move:
    return Move(Kind.NATIVE, 5, "deposit", sender, recipient, amount, failed=failed)


DEPOSIT = {"type": "0x7e", "sourceHash": "0x" + "1" * 64}


@pytest.mark.parametrize(
    ("move", "facts", "expected"),
    [
        # The whole value came from the parent chain: nobody here paid it.
        (paid(ME, ME, 5), {**DEPOSIT, "mint": "0x5"}, [("native", L1, ME, 5)]),
        (paid(PEER, ME, 5), {**DEPOSIT, "mint": "0x5"}, [("native", L1, ME, 5)]),
        (paid(ME, PEER, 5), {**DEPOSIT, "mint": "0x5"}, []),
        # More came than moved on; less came, and the rest is the sender's own.
        (paid(ME, PEER, 3), {**DEPOSIT, "mint": "0x5"}, [("native", L1, ME, 2)]),
        (paid(ME, PEER, 5), {**DEPOSIT, "mint": "0x3"}, [("native", ME, PEER, 2)]),
        # A deposit that brings nothing moves the sender's own coins.
        (paid(ME, PEER, 5), {**DEPOSIT, "mint": None}, [("native", ME, PEER, 5)]),
        # What came stays although the rest failed.
        (paid(ME, PEER, 5, failed=True), {**DEPOSIT, "mint": "0x5"}, [("native", L1, ME, 5)]),
        # Arbitrum's deposits; its escrow pays for what is retried.
        (paid(PEER, ME, 5), {"type": "0x64"}, [("native", L1, ME, 5)]),
        (paid(ME, PEER, 5), {"type": "0x68"}, []),
        # The type is not told: who pays himself without a gas price was paid from outside.
        (paid(ME, ME, 5), {}, [("native", L1, ME, 5)]),
        # An ordinary transaction without a gas price is what it says; its fee is not told.
        (paid(ME, ME, 5), {"type": "0x0"}, [("native", ME, ME, 5), ("fee", ME, None, 0)]),
        (paid(ME, PEER, 5), {}, [("native", ME, PEER, 5), ("fee", ME, None, 0)]),
    ],
)  # fmt: skip
def test_deposits(move: Move, facts: dict[str, Any], expected: Rows) -> None:
    """What a deposit brings is incoming, its listed sender is not debited, it pays no fee."""
    assert moved(fetched("etherscan", Rollup((move,), {"deposit": facts}))) == expected


def test_fee_by_the_receipt() -> None:
    """Where the list names no gas price the receipt does, the parent chain's share included."""
    receipt = {"type": "0x2", "gasUsed": "0x5208", "effectiveGasPrice": "0x7", "l1Fee": "0x64"}
    batch = fetched("etherscan", Rollup((paid(ME, PEER, 5),), {"deposit": receipt}))
    assert ("fee", ME, None, 21_000 * 7 + 100) in moved(batch)


def test_a_missing_gas_price_loses_no_row() -> None:
    """Without the member the movement is told all the same, and its fee is not known."""
    server = Rollup((paid(ME, PEER, 5),), {"deposit": {}})
    for _, row in server.rows:
        del row["gasPrice"]
    batch = fetched("etherscan", server)
    assert moved(batch) == [("native", ME, PEER, 5), ("fee", ME, None, 0)]
    assert batch.gaps == ()


def test_few_look_ups() -> None:
    """Only rows without a gas price cost a look-up, and no more than twenty a batch; a source
    that cannot look up is asked once."""
    story = tuple(Move(Kind.NATIVE, n % 40, f"p{n}", PEER, ME, n + 1) for n in range(60))
    server = Rollup(story, {f"p{n}": {"type": "0x0"} for n in range(30)})
    calls: list[str] = []

    def counting(call: Call) -> Reply:
        if call.query["module"] == "proxy":
            calls.append(call.query["action"])
        return server(call)

    assert len(fetched("etherscan", counting).transfers) == 60
    assert len(calls) == 40  # transaction and receipt
    calls.clear()

    def refusing(call: Call) -> Reply:
        if call.query["module"] == "proxy":
            return Reply({"status": "0", "message": "NOTOK", "result": "Invalid Action"})
        return server(call)

    assert len(fetched("etherscan", refusing).transfers) == 60


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"type": 126}, [("native", L1, ME, 5)]),
        ({"type": 2, "fee": {"type": "actual", "value": "77"}},
         [("native", ME, ME, 5), ("fee", ME, None, 77)]),
        ({}, [("native", L1, ME, 5)]),
    ],
)  # fmt: skip
def test_blockscout_knows_type_and_fee(told: dict[str, Any], expected: Rows) -> None:
    """Its own answer about one transaction tells the type, and the fee in all."""
    server = BlockscoutServer((paid(ME, ME, 5),))
    for _, row in server.rows:
        row["gasPrice"] = "0"

    def answer(call: Call) -> Reply:
        if call.path.startswith("/api/v2/transactions/"):
            return Reply({"hash": tx_of("deposit"), "status": "ok", "block_number": 5, **told})
        return server(call)

    assert moved(fetched("blockscout", answer)) == expected
