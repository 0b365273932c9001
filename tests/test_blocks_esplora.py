"""Whole blocks through an Esplora: real ones, and what is made to fool."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from world.real_blocks import BITCOIN, BlockServer, block_of, matches, raw_of, undone
from world.scripted_server import Reply, serve
from world.utxo_blocks import asked, rows, whole

from monitor.chains.payees import Payees
from monitor.model import Ask, Batch, Head, Interval, Kind
from monitor.model.errors import BadResponse, NotYet, SourceError
from monitor.model.scope import Members

# -- real blocks -----------------------------------------------------------------------------


def owned(height: int) -> dict[str, tuple[int, bytes]]:
    """What a block's inputs spend, by "txid:n"."""
    spends = [output for tx in block_of(height).txs for output in tx.spends]
    return dict(zip(spends, undone(height), strict=True))


def test_a_real_block_in_full() -> None:
    """Every address of the block is a member: all of its 461 transactions come, as they are."""
    height, payees = 300025, Payees(BITCOIN)
    block, spent = block_of(height), owned(height)
    unspent = {o: a for o, (_, s) in spent.items() if (a := payees.address(s)) is not None}
    paid = {a for tx in block.txs for s in tx.scripts if (a := payees.address(s)) is not None}
    server = BlockServer(height, spent)
    with serve(server) as running, whole(running.url) as source:
        members = dict.fromkeys({*unspent.values(), *paid}, height)
        batch = source.fetch(
            asked(source, members, Interval(height, height), unspent=unspent, max_rows=10**6)
        )
    assert (batch.read, batch.rest, batch.gaps) == (Interval(height, height), None, ())
    assert (batch.blocks, batch.fresh_from) == ({height: block.hash}, height)
    want = set()
    for tx in block.txs:
        scripts = [*tx.scripts, *(spent[output][1] for output in tx.spends)]
        if not any(map(payees.address, scripts)):
            continue  # among bare keys and multisig, which stand on no address's page
        for n, output in enumerate(tx.spends):
            value, script = spent[output]
            want.add(
                (tx.txid, f"in:{n}", Kind.UTXO_IN, payees.address(script), None, value, output)
            )
        if not tx.spends:
            want.add((tx.txid, "in:0", Kind.COINBASE, None, None, sum(tx.values), None))
        for n, (value, script) in enumerate(zip(tx.values, tx.scripts, strict=True)):
            want.add(
                (tx.txid, f"out:{n}", Kind.UTXO_OUT, None, payees.address(script), value, None)
            )
    assert {row[:7] for row in rows(batch.transfers)} == want
    assert {row[7:] for row in rows(batch.transfers)} == {(height, block.hash, block.time, False)}
    pages = -(-len(block.txs) // 25)
    assert batch.calls == 1 + pages  # the head's hash is known


@pytest.mark.parametrize("height", [300025, 426884, 702861])
def test_labelled_addresses_of_real_blocks(height: int) -> None:
    """Exactly the movements that were worked out before of known addresses."""
    want = matches(height)
    spent = owned(height) if height == 300025 else {}
    payees = Payees(BITCOIN)
    members = dict.fromkeys({row["address"] for row in want}, 0)
    unspent = {o: a for o, (_, s) in spent.items() if (a := payees.address(s)) in members}
    server = BlockServer(height, spent)
    with serve(server) as running, whole(running.url) as source:
        batch = source.fetch(asked(source, members, Interval(height, height), unspent=unspent))
    mine = {
        (t.tx, t.leg.replace("in", "vin").replace("out", "vout"), a)
        for t in batch.transfers
        for a in t.parties()
        if a in members
    }
    assert mine == {(row["txid"], row["position"], row["address"]) for row in want}
    amounts = {(t.tx, t.leg): f"{t.amount / 10**8:.8f} BTC" for t in batch.transfers}
    for row in want:
        if row["direction"] == "in":
            assert amounts[row["txid"], row["position"].replace("vout", "out")] == row["amount"]
    touched = {row["txid"] for row in want}
    assert {t.tx for t in batch.transfers} == touched
    assert batch.calls <= 1 + len(touched)


def test_a_block_in_which_nothing_is_found_costs_two_calls() -> None:
    """However many members there are; one where it is the head itself."""
    height = 702861
    server = BlockServer(height)
    with serve(server) as running, whole(running.url) as source:
        for members in (1, 100_000):
            names = {f"{n:034}": 0 for n in range(members)}
            ask = asked(source, names, Interval(height, height))
            server.calls.clear()
            batch = source.fetch(ask)
            assert (batch.transfers, batch.calls) == ((), 1)
            batch = source.fetch(replace(ask, head=replace(ask.head, block_hash=None)))
            assert batch.calls == source.block_calls == 2
            assert len(server.calls) == 3


# -- what is made to fool --------------------------------------------------------------------

HEIGHT, LUCKY = 426884, "1NxaBCFQwejSZbQfWcYNwgqML5wWoE3rK4"


def told(server: BlockServer, **more: Any) -> Batch:
    with serve(server) as running, whole(running.url) as source:
        return source.fetch(asked(source, {LUCKY: 0}, Interval(HEIGHT, HEIGHT), **more))


def test_blocks_that_are_not_what_they_should_be() -> None:
    """Cut, longer, another one, a web page, nothing: an error each, never an empty block."""
    raw = raw_of(HEIGHT)
    page = b"<html><body>Just a moment...</body></html>"
    path = f"/block/{block_of(HEIGHT).hash}/raw"
    for body in (raw[:-1], raw[: len(raw) // 2], raw + b"\0", raw_of(482683), raw[:80], page, b"x"):
        with pytest.raises(BadResponse):
            told(BlockServer(HEIGHT, raw=body))
    for reply, error in ((Reply(b"Block not found", 404), NotYet), (Reply(page, 403), BadResponse)):
        with pytest.raises(error):
            told(BlockServer(HEIGHT, changed={path: reply}))


def lying(**fields: Any) -> BlockServer:
    """Of the first transaction that pays the member some fields are told otherwise."""
    mine = next(tx for tx in block_of(HEIGHT).txs if tx.txid.startswith("b33606"))
    return BlockServer(HEIGHT, lies={mine.txid: fields})


def test_transactions_that_are_told_otherwise() -> None:
    """Another one, other amounts, other inputs, another block, none: an error. One that cannot be
    read: a gap of its block, and the other one counts."""
    server = BlockServer(HEIGHT)
    assert {t.tx[:4] for t in told(server).transfers} == {"b336", "ee09"}
    row = server.row(next(tx for tx in block_of(HEIGHT).txs if tx.txid.startswith("b33606")))
    confirmed = row["status"]
    cheap = [{**row["vout"][0], "value": 1}, *row["vout"][1:]]
    for lie, error in (
        ({"txid": "ab" * 32}, BadResponse),
        ({"vout": cheap}, BadResponse),
        ({"vout": row["vout"][:-1]}, BadResponse),
        ({"vin": row["vin"][1:] or [{"is_coinbase": True}]}, BadResponse),
        ({"status": {"confirmed": False}}, NotYet),
        ({"status": {**confirmed, "block_height": 5}}, NotYet),
        ({"status": {**confirmed, "block_hash": "cd" * 32}}, NotYet),
    ):
        with pytest.raises(error):
            told(lying(**lie))
    bare = [{**each, "prevout": None} for each in row["vin"]]
    for broken in ({"vin": bare}, {"vout": "x"}, {"status": None}):
        batch = told(lying(**broken))
        assert [gap.at for gap in batch.gaps] == [Interval(HEIGHT, HEIGHT)]
        assert {t.tx[:4] for t in batch.transfers} == {"ee09"}
        assert batch.read == Interval(HEIGHT, HEIGHT)


def test_an_input_that_is_said_to_be_another_ones() -> None:
    """What a member had unspent and somebody else is said to spend is told as a gap."""
    mine = next(tx for tx in block_of(HEIGHT).txs if tx.spends)
    batch = told(BlockServer(HEIGHT), unspent={mine.spends[0]: LUCKY})
    assert [gap.at.lo for gap in batch.gaps] == [HEIGHT]
    assert "another address" in batch.gaps[0].reason


def test_errors_are_of_the_right_kind() -> None:
    """Whatever comes instead of a block."""
    for body in (b"", b"null", b"\x00\xff", b"[]", b"slow down"):
        with (
            serve(lambda _, body=body: Reply(body)) as running,
            whole(running.url) as source,
            pytest.raises(SourceError),
        ):
            source.fetch(
                Ask(
                    (),
                    frozenset({"utxo"}),
                    Interval(1, 5),
                    Head(9, 1_700_000_000),
                    members=Members({}),
                )
            )
