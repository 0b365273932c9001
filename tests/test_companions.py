"""Lists read in the light of each other: wraps, outermost calls, coins that are tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from world.evm_node import Node
from world.evm_story import (
    CHAIN,
    HEAD,
    ME,
    OTHER,
    PEER,
    ZERO,
    BlockscoutServer,
    EtherscanServer,
    Move,
    block_hash,
    block_time,
    tx_of,
)
from world.recordings import kept
from world.scripted_server import Call, Reply, Server, serve

from monitor.model import Ask, Batch, Chain, Interval, Kind, SourceConfig, Subject
from monitor.model.errors import NotYet, SourceError
from monitor.model.ports import Source
from monitor.net.http import Http
from monitor.net.sources import build
from monitor.net.sources.blockscout import parse_token_transfers
from monitor.net.sources.companions import Movements, Recent, with_wraps_righted
from monitor.net.sources.evm_logs import DEPOSIT, TRANSFER, WITHDRAWAL, topic_of
from monitor.net.sources.paging import Walk
from monitor.net.sources.parsing import Parsed

WETH = "0x" + "ee" * 20
WRAPPING = replace(CHAIN, wrapped=WETH)

# Wrapping, unwrapping, a wrap by a contract inside another's transaction, twice the same.
WRAPS = (
    Move(Kind.NATIVE, 5, "wrap", ME, WETH, 100, data="0xd0e30db0"),
    Move(Kind.NATIVE, 7, "unwrap", ME, WETH, 0, data="0x2e1a7d4d", counts=False),
    Move(Kind.INTERNAL, 7, "unwrap", WETH, ME, 40),
    Move(Kind.INTERNAL, 9, "twice", ME, WETH, 3),
    Move(Kind.INTERNAL, 9, "twice", ME, WETH, 3, call=2),
    Move(Kind.NATIVE, 11, "failed wrap", ME, WETH, 8, failed=True, counts=False),
    Move(Kind.ERC20, 12, "sent", ME, PEER, 6, WETH),
)
EXPECTED = [
    ("wrap", ZERO, ME, 100, 0), ("unwrap", ME, ZERO, 40, 0), ("twice", ZERO, ME, 3, 0),
    ("twice", ZERO, ME, 3, 1), ("sent", ME, PEER, 6, 0),
]  # fmt: skip
TOKEN_ROWS = (
    Move(Kind.ERC20, 5, "wrap", ZERO, ME, 100, WETH),
    Move(Kind.ERC20, 7, "unwrap", ME, ZERO, 40, WETH),
    Move(Kind.ERC20, 9, "twice", ZERO, ME, 3, WETH),
    Move(Kind.ERC20, 9, "twice", ZERO, ME, 3, WETH),
)


@contextmanager
def source(
    kind: str, answerer: Any, chain: Chain = WRAPPING, page_size: int | None = None
) -> Iterator[tuple[Source, Server]]:
    with serve(answerer) as server:
        config = SourceConfig("s", kind, server.url, page_size=page_size)
        yield build(config, chain, Http("s", server.url, attempts=1)), server


def ask(*streams: str, **changes: Any) -> Ask:
    made = Ask((Subject("test", ME),), frozenset(streams), Interval(0, 40), HEAD)
    return replace(made, **changes)


def told(batch: Batch) -> list[tuple[Any, ...]]:
    hashes = {tx_of(move.tx): move.tx for move in WRAPS}
    rows = [t for t in batch.transfers if t.kind is Kind.ERC20]
    return [
        (hashes[t.tx], t.sender, t.recipient, t.amount, int(t.leg.rpartition("|")[2])) for t in rows
    ]


@pytest.mark.parametrize("listed", [(), TOKEN_ROWS[:1], TOKEN_ROWS])
def test_wraps_are_completed(listed: tuple[Move, ...]) -> None:
    """Etherscan's form tells the coin's half only: the token's is told too, once, whether
    the explorer lists none, some or all of it; identities are the same as a log's."""
    with source("etherscan", EtherscanServer((*WRAPS, *listed))) as (adapter, _):
        batch = adapter.fetch(ask("erc20"))
    assert told(batch) == EXPECTED
    assert {t.contract for t in batch.transfers} == {WETH}
    assert (batch.read, batch.rest, batch.gaps) == (Interval(0, 40), None, ())
    if not listed:
        facts = next(f for f in batch.tokens if f.contract == WETH)
        assert facts.decimals == (18 if facts.symbol == "WETH" else 6)


def test_the_same_rows_from_every_source() -> None:
    """Etherscan's half, Blockscout's token rows and a node's logs come to one story."""
    found = {}
    rest = BlockscoutServer((*WRAPS, *TOKEN_ROWS))
    events = [(DEPOSIT, 5, 100), (WITHDRAWAL, 7, 40), (DEPOSIT, 9, 3), (DEPOSIT, 9, 3)]
    logs = [
        log(block, ["wrap", "unwrap", "twice", "twice"][n], n, [event, topic_of(ME)], amount)
        for n, (event, block, amount) in enumerate(events)
    ]
    logs.append(log(12, "sent", 9, [TRANSFER, topic_of(ME), topic_of(PEER)], 6))
    node_side = Node(*logs)
    node_side.newest = HEAD.height
    servers = {"etherscan": EtherscanServer(WRAPS), "blockscout": rest, "evm_rpc": node_side}
    for kind, server_side in servers.items():
        with source(kind, server_side) as (adapter, _):
            streams = next(b for b in adapter.bundles if "erc20" in b)
            batch = adapter.fetch(ask(*streams))
        found[kind] = sorted(t.identity for t in batch.transfers)
        assert (batch.read, batch.gaps) == (Interval(0, 40), ())
    assert len(found["evm_rpc"]) == len(EXPECTED)
    assert found["etherscan"] == found["blockscout"] == found["evm_rpc"]


def log(block: int, name: str, index: int, topics: list[str], amount: int) -> dict[str, Any]:
    return {
        "address": WETH, "topics": topics, "data": f"0x{amount:064x}", "logIndex": hex(index),
        "blockNumber": hex(block), "blockHash": block_hash(block), "transactionHash": tx_of(name),
        "blockTimestamp": hex(block_time(block)),
    }  # fmt: skip


def test_a_pass_asks_no_list_twice() -> None:
    """What the native and internal lists brought a moment ago serves the tokens."""
    with source("etherscan", EtherscanServer(WRAPS)) as (adapter, server):
        for stream in ("native", "internal", "erc20"):
            adapter.fetch(ask(stream))
    actions = [c.query["action"] for c in server.calls if c.query["page"] == "1"]
    assert actions == ["txlist", "txlistinternal", "tokentx"]


def test_wraps_end_where_the_coins_list_ends() -> None:
    """A long native list is read in bites: tokens are proven as far as it is, no further."""
    crowd = tuple(Move(Kind.NATIVE, n, f"p{n}", PEER, ME, n) for n in range(1, 31))
    server_side = EtherscanServer((*crowd, *WRAPS))
    with source("etherscan", server_side, page_size=4) as (adapter, _):
        first = adapter.fetch(ask("erc20", max_rows=5))
        assert first.read is not None
        assert first.rest is not None
        assert first.rest.lo == first.read.hi + 1
        rows, going = told(first), first
        while going.rest is not None:
            going = adapter.fetch(ask("erc20", max_rows=5, span=going.rest))
            rows += told(going)
    assert sorted(set(rows)) == sorted(EXPECTED)


@pytest.mark.parametrize(("words", "proven"), [("Query Timeout occured", False),
                                               ("Sorry, an API Pro endpoint", True)])  # fmt: skip
def test_tokens_do_not_wait_for_the_internal_list(words: str, proven: bool) -> None:
    """While it cannot be read the tokens are told and not proven; where it is not served at
    all, that list alone is the limit."""
    server_side = EtherscanServer(WRAPS)

    def answer(call: Call) -> Reply:
        if call.query["action"] == "txlistinternal":
            return Reply({"status": "0", "message": "NOTOK", "result": words})
        return server_side(call)

    with source("etherscan", answer) as (adapter, _):
        batch = adapter.fetch(ask("erc20"))
        with pytest.raises(SourceError):
            adapter.fetch(ask("internal"))
    assert ("sent", ME, PEER, 6, 0) in told(batch)
    assert (batch.read is not None) is proven


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
@pytest.mark.parametrize("trace", ["0", "0_1", "", None])
def test_the_outermost_call_counts_once(kind: str, trace: str | None) -> None:
    """A trace equal to its transaction's own movement is that movement; a second equal one
    and one that only looks alike stay."""
    story = (
        Move(Kind.NATIVE, 5, "pay", PEER, ME, 7),
        Move(Kind.INTERNAL, 5, "pay", PEER, ME, 7),
        Move(Kind.INTERNAL, 5, "pay", OTHER, ME, 7),
        Move(Kind.INTERNAL, 6, "alone", PEER, ME, 7),
        Move(Kind.NATIVE, 8, "failed", PEER, ME, 2, failed=True),
    )
    servers = {"etherscan": EtherscanServer, "blockscout": BlockscoutServer}
    server_side = servers[kind](story)
    for _, row in server_side.rows:
        if kind == "etherscan" and "traceId" in row:
            row["traceId"] = trace
    with source(kind, server_side, CHAIN) as (adapter, _):
        batch = adapter.fetch(ask("internal"))
    assert [(t.sender, t.block_height, t.leg[-1]) for t in batch.transfers] == [
        (OTHER, 5, "0"), (PEER, 6, "0"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_no_call_is_told_before_its_transaction_can_be(kind: str) -> None:
    """While the native list cannot be read nobody knows which calls are outermost ones: told
    now, 7 in would be 14 as soon as it can be. A list that is not served hides none."""
    story = (
        Move(Kind.NATIVE, 5, "pay", PEER, ME, 7),
        Move(Kind.INTERNAL, 5, "pay", PEER, ME, 7),
    )
    server_side = {"etherscan": EtherscanServer, "blockscout": BlockscoutServer}[kind](story)
    words = ["Unable to answer"]

    def answer(call: Call) -> Reply:
        if call.query.get("action") == "txlist" and words:
            return Reply({"status": "0", "message": words[0], "result": None})
        return server_side(call)

    with source(kind, answer, CHAIN) as (adapter, _):
        batch = adapter.fetch(ask("internal"))
        assert (batch.transfers, batch.read) == ((), Interval(0, 4))
        words[0] = "Free API access is not supported"
        assert adapter.fetch(ask("internal")).read == Interval(0, 40)
        words.clear()
        batch = adapter.fetch(ask("internal"))
        assert (batch.transfers, batch.read) == ((), Interval(0, 40))


def test_frame_zero_of_the_signer_is_the_transaction() -> None:
    """Blockscout counts frames from the outermost: number 0 from who signed moved nothing of
    its own, though it names another recipient; number 0 from a contract is told."""
    story = (
        Move(Kind.NATIVE, 5, "swap", ME, PEER, 4, data="0x1234"),
        Move(Kind.INTERNAL, 5, "swap", ME, OTHER, 4),
        Move(Kind.INTERNAL, 6, "other", OTHER, ME, 4),
    )
    server_side = BlockscoutServer(story)
    for _, row in server_side.rows:
        if "index" in row:
            row["index"] = "0"
    with source("blockscout", server_side, CHAIN) as (adapter, _):
        batch = adapter.fetch(ask("internal"))
    assert [(t.sender, t.amount) for t in batch.transfers] == [(OTHER, 4)]


CELO = "0x471ece3750da237f93b8e339c536989b8978a438"


@pytest.mark.parametrize(
    ("chain_id", "contract", "left"),
    [
        (42220, CELO, ["precompile"]),  # some movements of the coin are a token's only
        (137, "0x" + "0" * 36 + "1010", []),
        (324, "0x" + "0" * 36 + "800a", []),
        (1, CELO, ["native", "precompile"]),  # elsewhere it is a token like any other
    ],
)
def test_coins_that_are_tokens_count_once(chain_id: int, contract: str, left: list[str]) -> None:
    story = (
        Move(Kind.NATIVE, 5, "native", PEER, ME, 9),
        Move(Kind.ERC20, 5, "native", PEER, ME, 9, contract),
        Move(Kind.ERC20, 6, "precompile", PEER, ME, 9, contract),
    )
    chain = replace(CHAIN, chain_id=chain_id)
    rows = []
    for kind, server in (("etherscan", EtherscanServer), ("blockscout", BlockscoutServer)):
        with source(kind, server(story), chain) as (adapter, _):
            streams = next(b for b in adapter.bundles if "erc20" in b)
            batch = adapter.fetch(ask(*streams))
        rows.append([t.tx for t in batch.transfers])
    assert rows == [[tx_of(name) for name in left]] * 2


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_a_coin_is_not_told_as_a_token_before_its_own_list(kind: str) -> None:
    story = (
        Move(Kind.NATIVE, 5, "native", PEER, ME, 9),
        Move(Kind.ERC20, 5, "native", PEER, ME, 9, CELO),
    )
    server_side = {"etherscan": EtherscanServer, "blockscout": BlockscoutServer}[kind](story)

    def answer(call: Call) -> Reply:
        if call.query.get("action") == "txlist":
            return Reply({"status": "0", "message": "Unable to answer", "result": None})
        return server_side(call)

    with source(kind, answer, replace(CHAIN, chain_id=42220)) as (adapter, _):
        streams = next(b for b in adapter.bundles if "erc20" in b)
        with pytest.raises(NotYet):
            adapter.fetch(ask(*streams))


# -- Blockscout's wrong direction -----------------------------------------------------------

OPTIMISM = Chain(
    "optimism", "Optimism", "evm", "ETH", 18, 570, chain_id=10,
    wrapped="0x4200000000000000000000000000000000000006",
)  # fmt: skip


@pytest.mark.parametrize("shown", ["deposit", "withdrawal", "nothing"])
def test_wraps_told_in_the_wrong_direction(shown: str) -> None:
    """Blockscout's row of Optimism calls a Deposit a burn: the coin's own movement says which
    it was; where no list shows it the block is a gap and nothing false is told."""
    body = kept("blockscout/transaction.json")
    rows = [{**row, "timestamp": body["timestamp"]} for row in body["token_transfers"]]
    parsed = parse_token_transfers(rows, OPTIMISM)
    burn = parsed.transfers[0]
    assert (burn.recipient, burn.amount) == (ZERO, 15 * 10**15)
    user = burn.sender
    call = replace(burn, kind=Kind.INTERNAL, contract=None, recipient=OPTIMISM.wrapped)
    if shown == "withdrawal":
        call = replace(call, sender=call.recipient, recipient=call.sender)
    moves = {"internal": () if shown == "nothing" else (call,), "native": ()}
    wrong = Interval(1_000, 9_000)
    righted = with_wraps_righted(
        parsed, lambda stream, span: Movements(span, moves[stream]), OPTIMISM, wrong
    )
    mine = [t for t in righted.transfers if t.contract == OPTIMISM.wrapped and t.log_index == 0]
    sides = [(t.sender, t.recipient) for t in mine]
    assert sides == {"deposit": [(ZERO, user)], "withdrawal": [(user, ZERO)], "nothing": []}[shown]
    assert [g.at.lo for g in righted.gaps] == ([5000] if shown == "nothing" else [])


@pytest.mark.parametrize(("placed", "whole"), [(True, Interval(1, 9)), (False, None)])
def test_a_list_with_a_row_without_a_place_is_whole_nowhere(
    placed: bool, whole: Interval | None
) -> None:
    """Such a row may lie anywhere, so what other lists are held against it proves nothing."""
    read = (Walk((), Interval(1, 9), None), Parsed((), (), (), placed))
    found = Recent().ask("0xa", "native", HEAD, Interval(1, 9), lambda *_: read)
    assert found.read == whole
