"""A row told twice is one movement; two equal payments of one transaction are two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.book import Book, fee, kinds, stream_of, transfer
from world.evm_story import CHAIN, COIN, ME, PEER, STORY, Move, etherscan_row, rest_row
from world.play import ETHEREUM, TOKEN, A, X

from monitor.model import Kind, Lookup, Status, Transfer
from monitor.net.sources.blockscout import parse_token_transfers
from monitor.net.sources.etherscan import parse_list
from monitor.net.sources.evm_logs import TRANSFER, token_legs
from monitor.net.sources.evm_rows import number_equals

NATIVE = transfer(105)
CALL = replace(transfer(105, kind=Kind.INTERNAL), trace_path="0_1")
LOG = replace(transfer(105, kind=Kind.ERC20, contract=TOKEN), log_index=7)


def legs(*drafts: Transfer) -> list[str]:
    return [row.leg for row in number_equals(replace(draft, leg="") for draft in drafts)]


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        (NATIVE, NATIVE, 1),
        (NATIVE, replace(NATIVE, tx_index=3), 1),  # the same row in richer words
        (NATIVE, replace(NATIVE, amount=6), 2),
        (fee(105), replace(fee(105), amount=22), 1),
        (CALL, CALL, 1),
        (CALL, replace(CALL, trace_path="0_2"), 2),
        (LOG, LOG, 1),
        (LOG, replace(LOG, log_index=8), 2),
        (replace(LOG, log_index=None), replace(LOG, log_index=None), 2),
        (LOG, replace(LOG, tx="0xt2"), 2),
    ],
)
def test_copies_and_equals(one: Transfer, other: Transfer, count: int) -> None:
    """Where the place inside the transaction is told it decides; a transaction has one
    movement of its own and one fee; equals that nothing tells apart both stay."""
    assert len(legs(one, other)) == count
    kept = number_equals([replace(one, leg=""), replace(other, leg="")])
    assert len({row.identity for row in kept}) == count


def test_a_transaction_listed_in_two_blocks_stands_in_the_higher() -> None:
    """What a reorganisation left behind in a list is no second movement."""
    moved = transfer(106, block="'")
    (row,) = number_equals([replace(moved, leg=""), replace(NATIVE, leg="")])
    assert (row.block_height, row.block_hash) == (106, moved.block_hash)


def doubled(rows: list[Any]) -> list[Any]:
    return [*rows, *rows]


@pytest.mark.parametrize("kind", [Kind.NATIVE, Kind.INTERNAL])
def test_an_account_list_told_twice(kind: Kind) -> None:
    """Etherscan's dialect: the whole list twice in one answer brings what it brings once."""
    rows = [etherscan_row(move) for move in STORY if move.kind is kind]
    once = parse_list(kind.value, rows, CHAIN, ME).transfers
    assert once
    twice = parse_list(kind.value, doubled(rows), CHAIN, ME).transfers
    assert {row.identity for row in twice} == {row.identity for row in once}


def test_logs_told_twice() -> None:
    """A list that tells the place of each log, and a dialect that tells it as text."""
    moves = [Move(Kind.ERC20, 20, "airdrop", PEER, ME, 500, COIN)] * 2
    logs = [rest_row(move, index) for index, move in enumerate(moves)]
    assert len(parse_token_transfers(doubled(logs), CHAIN).transfers) == 2
    rows = [{**etherscan_row(move), "logIndex": str(n)} for n, move in enumerate(moves)]
    assert len(parse_list("erc20", doubled(rows), CHAIN, ME).transfers) == 2
    assert [t.log_index for t in parse_list("erc20", rows, CHAIN, ME).transfers] == [0, 1]


def test_mined_and_waiting_in_one_answer(tmp_path: Path) -> None:
    """A payment that its list tells as unconfirmed and as mined, and twice each, is one row
    in its block."""
    book = Book(tmp_path)
    book.watch(tell_when="seen")
    book.read(head=100)
    waits = transfer(None)
    plan = book.read(waits, NATIVE, waits, NATIVE, head=106, mempool=True)
    assert [(row.transfer, row.status) for row in plan.new] == [(NATIVE, Status.PROVISIONAL)]
    assert kinds(plan) == ["movement"]


def test_the_outermost_call_among_the_inner_ones(tmp_path: Path) -> None:
    """An explorer that lists a transaction's own movement among its calls too, in one read or
    in a later one, adds nothing; a call onwards does."""
    book = Book(tmp_path)
    book.watch()
    book.read(head=100)
    outermost = transfer(105, kind=Kind.INTERNAL)
    onwards = transfer(105, kind=Kind.INTERNAL, sender=A, recipient=X)
    plan = book.read(NATIVE, outermost, onwards, head=106)
    assert [row.transfer for row in plan.new] == [NATIVE, onwards]
    assert book.read(NATIVE, outermost, onwards, head=107).new == ()
    late = replace(outermost, log_index=None)
    assert book.read(late, head=108, streams=stream_of(late)).new == ()


PAID = replace(LOG, log_index=None)
TWICE = replace(PAID, leg=PAID.leg.removesuffix("0") + "1")
BASE = PAID.leg.rpartition("|")[0]


@pytest.mark.parametrize(
    ("moved", "rows"),
    [
        ({BASE: 1}, {PAID.identity}),  # the receipt holds it once
        ({BASE: 2}, {PAID.identity, TWICE.identity}),
        ({}, {PAID.identity, TWICE.identity}),  # a receipt without logs says nothing
        (None, {PAID.identity, TWICE.identity}),
    ],
)
def test_equals_without_a_place_are_counted_by_the_receipt(
    tmp_path: Path, moved: dict[str, int] | None, rows: set[tuple[str, str, str]]
) -> None:
    """A token list without log indices tells a payment twice: two equal ones, or a copy."""
    book = Book(tmp_path)
    book.watch()
    book.read(head=100)
    batch = book.batch(NATIVE, PAID, TWICE, head=106)
    unasked = book.decide([batch])
    assert [q.why for q in unasked.questions] == ["success"]
    assert unasked.alerts[0].facts.success == "not checked yet"
    lookup = Lookup("two", "0xt1", True, 105, NATIVE.block_hash, moved=moved)
    (alert,) = book.take([batch], [lookup]).alerts
    assert set(alert.rows) - {NATIVE.identity} == rows
    for head in (107, 108):
        again = book.take([book.batch(NATIVE, PAID, TWICE, head=head)], [lookup])
        assert (again.alerts, again.changes) == ((), ())


def test_a_receipt_counts_its_token_movements() -> None:
    """By contract, parties and amount; a log listed twice in it counts once."""
    pad = "0x" + "0" * 24
    receipt = {
        "logs": [
            {
                "address": TOKEN,
                "topics": [TRANSFER, pad + X[2:], pad + A[2:]],
                "data": f"0x{5:064x}",
                "blockNumber": "0x69",
                "blockHash": "0x" + "b" * 64,
                "transactionHash": "0x" + "7" * 64,
                "logIndex": hex(index),
            }
            for index in (3, 4, 4)
        ]
    }
    assert token_legs(ETHEREUM, receipt) == {BASE: 2}
    assert token_legs(ETHEREUM, {"logs": [{"topics": "?"}]}) is None
