"""The Blockscout adapter against recorded answers and against a server of the test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from world.evm_story import (
    CHAIN,
    COIN,
    HEAD,
    ME,
    PEER,
    BlockscoutServer,
    Move,
    block_hash,
    expected,
    iso,
    rpc_block,
    tx_of,
)
from world.recordings import RECORDED, kept, needs_recordings, stored
from world.scripted_server import Call, Reply, Server, serve

from monitor.model import Ask, Batch, Chain, Interval, Kind, SourceConfig, Subject
from monitor.model.errors import BadResponse, NotYet, Refused
from monitor.net.http import Answer, Http
from monitor.net.sources import etherscan
from monitor.net.sources.blockscout import Blockscout, parse_transaction, unsure_failures

MAINNET = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 64, chain_id=1)
TOKENS = frozenset({"erc20", "erc721", "erc1155"})
PREFIXES = {"txlist_": "native", "txlistinternal_": "internal", "tokentx_": "erc20"}


def recorded(file: str) -> Answer:
    body = stored(f"blockscout/{file}")
    return Answer(200, body, {}, hashlib.sha256(body).hexdigest())


def _lists() -> list[str]:
    names = [path.name for path in sorted((RECORDED / "blockscout").glob("*.json"))]
    return [n for n in names if any(f"_{prefix}" in n for prefix in PREFIXES)]


def test_pending_lists() -> None:
    """A list that says of itself that it is not whole; an empty one that is."""
    pending = etherscan.read_page(recorded("txlistinternal_pending.json"))
    assert (len(pending.rows), pending.complete) == (3, False)
    empty = etherscan.read_page(recorded("txlist_empty.json"))
    assert (len(empty.rows), empty.complete) == (0, True)


@needs_recordings
@pytest.mark.parametrize("file", _lists())
def test_every_recorded_list_parses(file: str) -> None:
    """Each recorded account list parses without a gap; "not processed" is told apart."""
    page = etherscan.read_page(recorded(file))
    assert page.complete == ("status2" not in file and file != "pro_txlistinternal_addr.json")
    stream = next(s for prefix, s in PREFIXES.items() if f"_{prefix}" in file)
    parsed = etherscan.parse_list(stream, page.rows, CHAIN, "0x" + "0" * 40)
    assert (parsed.gaps, parsed.placed) == ((), True)
    assert len({t.identity for t in parsed.transfers}) == len(parsed.transfers)


@needs_recordings
def test_recorded_optimism_tokens() -> None:
    """18 recorded rows of Optimism: the old ether's mint stays, burns keep the null address."""
    rows = etherscan.read_page(recorded("pro_tokentx_op_range.json")).rows
    parsed = etherscan.parse_list("erc20", rows, CHAIN, ME)
    amounts = (
        "30000000000000000 45000000 45000000 48276540 48270000 48274480 24000000 24183958 "
        "20185434576343841 20000000000000000 18000000000000000 18185434576343841 "
        "40985800021298229 25819046046826 40000000000000000 17742709852215870 "
        "16967696600000000 20244252"
    )
    assert " ".join(str(t.amount) for t in parsed.transfers) == amounts
    burns = [t.tx[:10] for t in parsed.transfers if t.recipient == "0x" + "0" * 40]
    assert burns == ["0x8d0b3f89", "0xa483f4a4", "0xd3cd30ac"]
    assert [(f.symbol, f.decimals) for f in parsed.tokens] == [
        ("ETH", 18), ("USDC", 6), ("WETH", 18), ("bathETH", 18), ("OP", 18),
    ]  # fmt: skip


@needs_recordings
def test_recorded_failures_of_optimism() -> None:
    """Three recorded failed transactions leave a fee each and move nothing."""
    rows = etherscan.read_page(recorded("pro_txlist_op_range.json")).rows
    bob = "0xb8553d9ee35dd23bb96fbd679e651b929821969b"
    parsed = etherscan.parse_list("native", rows, CHAIN, bob)
    told = [(t.kind, t.amount) for t in parsed.transfers]
    assert len([k for k, _ in told if k is Kind.FEE]) == 29
    assert [a for k, a in told if k is Kind.NATIVE] == [
        10**16, 4 * 10**16, 4 * 10**16, 15 * 10**15, 10**16, 10**16, 18 * 10**15,
    ]  # fmt: skip
    failed = [t for t in parsed.transfers if t.tx.startswith("0xf91d5e6e")]
    assert [(t.kind, t.amount) for t in failed] == [(Kind.FEE, 21944000000)]


def test_lookups() -> None:
    """A block by JSON-RPC, a transaction by REST and an error that is a bare text."""
    said = {
        name: json.dumps(body).encode() for name, body in kept("blockscout/json_rpc.json").items()
    }
    head = etherscan.parse_head(etherscan.proxy_result(Answer(200, said["block"], {}, "")))
    assert (head.height, head.time) == (100, 1_700_000_100)
    body = kept("blockscout/transaction.json")
    word = parse_transaction("b", "0x" + "a1" * 32, body, HEAD)
    assert (word.found, word.height, word.failed) == (True, 5000, False)
    for name in ("a bare text", "invalid"):
        with pytest.raises(BadResponse):
            etherscan.proxy_result(Answer(200, said[name], {}, ""))


@needs_recordings
def test_recorded_lookups() -> None:
    """A block by JSON-RPC, a transaction by REST and an error that is a bare text."""
    block = etherscan.proxy_result(recorded("pro_json_rpc_getBlockByNumber.json"))
    head = etherscan.parse_head(block)
    assert (head.height, head.time) == (57161744, 1672308595)
    tx = "0xee8b1b99f88ab4d9924c4aec444e45ab53589b918a2cf54e9bc133481c7dbbb9"
    body = recorded("v2_transaction_scroll.json").json()
    word = parse_transaction("b", tx, body, HEAD)
    assert (word.found, word.height, word.failed) == (True, 13406322, False)
    for file in ("pro_json_rpc_missing_to_error.json", "base_json_rpc_32602_error.json"):
        with pytest.raises(BadResponse):
            etherscan.proxy_result(recorded(file))


@contextmanager
def blockscout(
    answerer: Any, path: str = "", index_lag: int | None = None
) -> Iterator[tuple[Blockscout, Server]]:
    with serve(answerer) as server:
        url = server.url + path
        config = SourceConfig("b", "blockscout", url, page_size=3, index_lag=index_lag)
        yield Blockscout(config, CHAIN, Http("b", url, attempts=1)), server


def ask(streams: frozenset[str] = TOKENS, lo: int = 0, hi: int = 40, **changes: Any) -> Ask:
    return replace(Ask((Subject("test", ME),), streams, Interval(lo, hi), HEAD), **changes)


INTERNAL = frozenset({"internal"})


def coins(*blocks: int) -> tuple[Move, ...]:
    return tuple(Move(Kind.ERC20, block, f"c{block}", PEER, ME, 1, COIN) for block in blocks)


def found(batch: Batch) -> set[tuple[str, str, int | None, int]]:
    return {(t.tx, t.leg, t.block_height, t.amount) for t in batch.transfers}


def test_walk_stops_below_the_span() -> None:
    """Newest-first, the walk ends with the first row below what was asked for."""
    story = coins(*range(1, 21))
    with blockscout(BlockscoutServer(story, rest_page=4)) as (source, server):
        batch = source.fetch(ask(lo=10))
    assert found(batch) == expected(coins(*range(10, 21)))
    assert (batch.read, batch.rest, batch.calls) == (Interval(10, 40), None, 3)
    assert not any("type" in call.query for call in server.calls)
    assert [t.log_index for t in batch.transfers] == list(range(9, 20))


def test_cut_walk_reads_its_lowest_block_again() -> None:
    """What is cut in the middle of a block goes on with the whole of that block."""
    story = coins(2, 4, 6, 6, 6, 8, 9)
    with blockscout(BlockscoutServer(story, rest_page=2)) as (source, server):
        first = source.fetch(ask(max_rows=4))
        assert first.rest is not None
        second = source.fetch(ask(lo=0, hi=first.rest.hi, cursor=first.cursor))
    assert (first.read, first.rest) == (Interval(7, 40), Interval(0, 6))
    assert {t.block_height for t in first.transfers} == {8, 9}
    assert (second.read, second.rest) == (Interval(0, 6), None)
    assert found(first) | found(second) == expected(story)
    # The page on which block 6 began is asked for again, and at the end what is below it.
    assert len(server.calls) == 6


@pytest.mark.parametrize(("page", "told"), [(50, 7), (50, 1), (8, 3), (4, 4), (20, 19)])
def test_pages_cut_in_silence(page: int, told: int) -> None:
    """Fewer rows than the cursor goes past, or no cursor though more rows are there: what
    was cut is asked for from the last row seen, and nothing is lost."""
    story = coins(2, 4, 6, 6, 6, 8, 9, 11, 12, 12, 13, 15, 17, 19, 20, 22, 23, 24, 30, 31)
    server_side = BlockscoutServer(story, rest_page=page)
    server_side.rest_told = told
    with blockscout(server_side) as (source, _):
        batch = source.fetch(ask(max_rows=20_000))
    assert found(batch) == expected(story)
    assert (batch.read, batch.rest, batch.gaps) == (Interval(0, 40), None, ())


def test_a_token_type_that_is_not_known_is_a_gap() -> None:
    """ERC-404 and whatever comes next: the block is a gap, with the row, and is told."""
    server_side = BlockscoutServer(coins(3, 4, 5))
    server_side.tokens[1].update(token_type="ERC-404", total={"token_id": "1146330000"})
    with blockscout(server_side) as (source, _):
        batch = source.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(4, 4)]
    assert "ERC-404" in batch.gaps[0].reason
    assert found(batch) == expected(coins(3, 5))


def test_refused_cursor_starts_from_the_top() -> None:
    """A cursor that the server no longer takes is given up, not the reading."""
    story = coins(2, 4, 6, 8)
    with blockscout(BlockscoutServer(story, rest_page=2)) as (source, server):
        cursor = json.dumps({"hi": 5, "params": {"index": 3, "exact": False}})
        batch = source.fetch(ask(hi=5, cursor=cursor))
    assert found(batch) == expected(coins(2, 4))
    assert [("index" in call.query) for call in server.calls] == [True, False, True, True]


@pytest.mark.parametrize(
    "cursor", ["", "{}", "[]", "nonsense", '{"hi": 9, "params": {"index": 0, "exact": true}}']
)
def test_cursor_of_another_span_is_left_aside(cursor: str) -> None:
    """A cursor that was not made for this span would skip rows: the walk starts anew."""
    story = coins(2, 4, 6, 8)
    with blockscout(BlockscoutServer(story, rest_page=2)) as (source, _):
        batch = source.fetch(ask(hi=8, cursor=cursor))
    assert found(batch) == expected(story)


def test_rows_above_the_span_cost_bites_not_rows() -> None:
    """Far below the head the walk proves nothing at first, and says where to go on."""
    story = coins(*range(1, 31))
    with blockscout(BlockscoutServer(story, rest_page=5)) as (source, _):
        batch = source.fetch(ask(hi=8, max_rows=10))
        assert (batch.read, batch.rest, batch.transfers) == (None, Interval(0, 8), ())
        told: set[Any] = set()
        while batch.rest is not None:
            step = ask(lo=batch.rest.lo, hi=batch.rest.hi, cursor=batch.cursor, max_rows=10)
            batch = source.fetch(step)
            told |= found(batch)
    assert told == expected(coins(*range(1, 9)))


def test_one_huge_block_of_tokens() -> None:
    """A block with more rows than a walk may read becomes a gap, and the walk goes on."""
    huge = tuple(Move(Kind.ERC20, 30, f"h{n}", PEER, ME, 1, COIN) for n in range(12_600))
    with blockscout(BlockscoutServer(coins(5) + huge, rest_page=2_500)) as (source, _):
        first = source.fetch(ask(lo=0, hi=30, max_rows=100))
        assert (first.read, first.rest) == (Interval(30, 30), Interval(0, 29))
        assert [gap.at for gap in first.gaps] == [Interval(30, 30)]
        assert len(first.transfers) == 12_500
        second = source.fetch(ask(lo=0, hi=29, cursor=first.cursor, max_rows=100))
    assert (second.read, second.rest) == (Interval(0, 29), None)
    assert found(second) == expected(coins(5))


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [], "next_page_params": 7},
        {"items": None, "next_page_params": None},
        {"items": [{"block_number": 3}, {"block_number": 4}], "next_page_params": None},
    ],
)
def test_unreadable_walks(body: dict[str, Any]) -> None:
    """A list without cursor or in another order is an error; a missing member is null."""
    with blockscout(lambda call: Reply(body)) as (source, _):
        if body == {"items": []}:
            assert source.fetch(ask()).read == Interval(0, 40)
        else:
            with pytest.raises(BadResponse):
                source.fetch(ask())


def test_page_that_names_itself() -> None:
    """A cursor that leads to its own page ends in an error and not in a loop."""
    body = {"items": [], "next_page_params": {"index": 1}}
    with blockscout(lambda call: Reply(body)) as (source, server), pytest.raises(BadResponse):
        source.fetch(ask())
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"total": None}, {"total": {"value": 1.5}}, {"token": None}, {"token_type": "ERC-404"},
        {"from": None}, {"timestamp": "2026-02-30T00:00:00Z"}, {"timestamp": "yesterday"},
        {"log_index": -1}, {"transaction_hash": None}, {"token": {"address_hash": "0x1"}},
    ],
)  # fmt: skip
def test_bad_token_row_is_a_gap(changes: dict[str, Any]) -> None:
    """A token row that cannot be read becomes a gap of its block; the rest counts."""
    server_side = BlockscoutServer(coins(3, 4, 5))
    server_side.tokens[1].update(changes)
    with blockscout(server_side) as (source, _):
        batch = source.fetch(ask())
    assert [gap.at for gap in batch.gaps] == [Interval(4, 4)]
    assert found(batch) == expected(coins(3, 5))
    assert batch.read == Interval(0, 40)


def test_newest_internals_not_processed() -> None:
    """While the newest blocks are worked on, the part below them is read and proven."""
    server_side = BlockscoutServer()
    server_side.unprocessed_above = 36
    with blockscout(server_side) as (source, _):
        batch = source.fetch(ask(INTERNAL))
    assert (batch.read, batch.rest) == (Interval(0, 35), None)
    assert {t.kind for t in batch.transfers} == {Kind.INTERNAL}


def test_internals_not_processed_at_all() -> None:
    """Nothing processed and nothing told: "not yet", never an empty list."""
    server_side = BlockscoutServer()
    server_side.unprocessed_above = -1
    with blockscout(server_side) as (source, _), pytest.raises(NotYet):
        source.fetch(ask(INTERNAL))


def test_partial_internals_are_kept_and_prove_nothing() -> None:
    """Rows that come with "not processed" are true; the range is not proven by them."""
    served = BlockscoutServer()
    rows = [r for a, r in served.rows if a == "txlistinternal"][:1]
    text = "Some internal transactions within this block range have not yet been processed"
    body = {"status": "2", "message": text, "result": rows}

    def answer(call: Call) -> Reply:
        return Reply(body) if call.query["action"] == "txlistinternal" else served(call)

    with blockscout(answer) as (source, _):
        batch = source.fetch(ask(INTERNAL))
    assert (batch.read, batch.rest) == (None, None)
    assert [t.amount for t in batch.transfers] == [11]


def test_old_failures_are_not_believed() -> None:
    """Before Byzantium Blockscout may call failed what it does not know: a gap says so."""
    old, new = ({"blockNumber": b, "value": "5", "isError": "1"} for b in ("4369999", "4370000"))
    gaps = list(unsure_failures([old, {**old, "value": "0"}, new, {}], MAINNET))
    assert [gap.at for gap in gaps] == [Interval(4369999, 4369999)]
    assert list(unsure_failures([old], CHAIN)) == []


def test_looking_up() -> None:
    """Head, transactions and block hashes come from the REST API."""
    with blockscout(BlockscoutServer(), index_lag=0) as (source, _):
        assert source.index_lag == 0
        assert source.head() == HEAD
        word = source.transaction(tx_of("failed"))
        assert (word.found, word.height, word.failed, word.head) == (True, 9, True, HEAD)
        assert not source.transaction(tx_of("never")).found
        assert source.block_hash(40) == block_hash(40)
        assert source.block_hash(14) == block_hash(14)
        assert source.block_hash(0) == block_hash(0)
        assert source.block_hash(41) is None


@pytest.mark.parametrize(
    ("body", "found_", "height", "failed"),
    [
        ({"status": "ok", "block_number": 7}, True, 7, False),
        ({"status": "ok", "block": 7}, True, 7, False),
        ({"status": "error", "block_number": 7, "result": "Reverted"}, True, 7, True),
        ({"status": None, "block_number": None, "result": "pending"}, True, None, False),
        ({"status": "error", "block_number": None, "result": "dropped/replaced"}, False, None,
         True),
    ],
)  # fmt: skip
def test_states_of_a_transaction(
    body: dict[str, Any], found_: bool, height: int | None, failed: bool
) -> None:
    """Mined, failed, waiting and replaced transactions are told apart."""
    word = parse_transaction("b", tx_of("x"), {"hash": tx_of("x"), **body}, HEAD)
    assert (word.found, word.height, word.failed) == (found_, height, failed)


def test_blocks_beside_the_chain_are_no_head() -> None:
    """Uncles and replaced blocks in the list of blocks are passed over."""
    items = [
        {"height": h, "hash": block_hash(h), "timestamp": iso(h), "type": kind}
        for h, kind in ((42, "reorg"), (41, "uncle"), (40, "block"))
    ]
    body = {"items": items, "next_page_params": None}
    with blockscout(lambda call: Reply(body)) as (source, _):
        assert source.head() == HEAD


def _pro(chain_id: object, error: object = None) -> Any:
    def respond(call: Call) -> Reply:
        assert (call.method, call.path) == ("POST", "/31337/json-rpc")
        if error is not None:
            return Reply({"jsonrpc": "2.0", "id": 1, "error": error})
        results = {
            "eth_chainId": chain_id,
            "eth_getBlockByNumber": rpc_block(int(call.body["params"][0], 16))
            if call.body["params"]
            else None,
        }
        return Reply({"jsonrpc": "2.0", "id": 1, "result": results[call.body["method"]]})

    return respond


def test_pro_address_knows_its_chain() -> None:
    """Where the address ends with the chain id, JSON-RPC tells chain and old blocks."""
    with blockscout(_pro("0x7a69"), "/31337") as (source, _):
        source.identify()
        assert source.block_hash(0) == block_hash(0)
        assert source.block_hash(41) is None
    with blockscout(_pro("0x1"), "/31337") as (source, _), pytest.raises(Refused):
        source.identify()
    with blockscout(_pro(None, "no such method"), "/31337") as (source, _):
        source.identify()


def test_instance_has_no_word_on_its_chain() -> None:
    """An instance is not asked for its chain id: no such endpoint is documented."""
    with blockscout(BlockscoutServer()) as (source, server):
        source.identify()
    assert server.calls == []
