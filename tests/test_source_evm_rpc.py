"""The EVM node adapter: recorded answers, scripted nodes, and a real node with an oracle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from conftest import EvmWorld
from world.evm_node import COIN, HEAD, LOCAL, ME, PEER, Node, coin, log, word
from world.evm_world import Row
from world.parts import Rpc
from world.recordings import each, kept, needs_recordings, stored
from world.scripted_server import Call, Reply, Server, serve

from monitor.model import Ask, Batch, Chain, Head, Interval, Kind, SourceConfig, Subject
from monitor.model.balance import Holding
from monitor.model.errors import (
    BadResponse,
    NotServed,
    NotYet,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from monitor.net.http import Answer, Http
from monitor.net.sources.evm_logs import (
    BATCH,
    DEPOSIT,
    SINGLE,
    TRANSFER,
    WITHDRAWAL,
    parse_log,
    parse_logs,
    topic_of,
)
from monitor.net.sources.evm_refusals import NoState, TooWide, classify
from monitor.net.sources.evm_rpc import MAX_CALLS, EvmRpc, parse_envelope, parse_head, parse_receipt

TOKENS = frozenset({"erc20", "erc721"})
ITEMS = frozenset({"erc1155"})


def answer_of(body: bytes, status: int = 200) -> Answer:
    return Answer(status, body, {}, "")


# -- answers -------------------------------------------------------------------------------

# Read by a person: (kind, contract, sender, recipient, amount, token id, block, log index).
ONES, TWOS, THREES, COINS, CATS, ITEMS_OF = ("0x" + digit * 40 for digit in "123567")
BY_HAND: dict[str, list[tuple[Any, ...]]] = {
    "evm_rpc/receipt_erc20.json": [  # beside a contract's own event
        (Kind.ERC20, COINS, THREES, ONES, 45995999999999996854272, None, 101, 149),
    ],
    "evm_rpc/receipt_erc721.json": [  # beside the approval that is part of it
        (Kind.ERC721, CATS, ONES, TWOS, 1, "9143", 102, 607),
    ],
    "evm_rpc/receipt_erc1155.json": [
        (Kind.ERC1155, ITEMS_OF, ONES, TWOS, 3, str(2**255), 103, 199),
    ],
    "evm_rpc/receipt_plain.json": [],
    "evm_rpc/logs.json": [
        (Kind.ERC20, COINS, ONES, TWOS, 100000, None, 100, 0),
        (Kind.ERC20, COINS, THREES, ONES, 200000, None, 101, 2),
    ],
    "evm_rpc/base_getTransactionReceipt.json": [
        (Kind.ERC20, "0x4ed4e862860bed51a9570b96d89af5e1b0efefed",
         "0xa2a5c549a454a1631ff226e0cf8dc4af03a61a75",
         "0x2b888954421b424c5d3d9ce9bb67c9bd47537d12",
         45995999999999996854272, None, 12515175, 149),
    ],
    "evm_rpc/gem_transfer_nft_eip721_receipt.json": [
        (Kind.ERC721, "0x47a00fc8590c11be4c419d9ae50dec267b6e24ee",
         "0xba4d1d35bce0e8f28e5a3403e7a0b996c5d50ac4",
         "0xf1158986419f6058231b0dbd7a78ff0674ebbc50", 1, "9143", 22820942, 607),
    ],
    "evm_rpc/gem_transfer_nft_eip1155_receipt.json": [
        (Kind.ERC1155, "0xd4416b13d2b3a9abae7acd5d6c2bbdbe25686401",
         "0xba4d1d35bce0e8f28e5a3403e7a0b996c5d50ac4",
         "0xee67a32a55318a211ce4bb5051ed98c679851143", 1,
         "78312089388574796712357673212383836573632856632295981350303734331484536429721",
         21162279, 199),
    ],
    "evm_rpc/etl_getFilterLogs_transfers.json": [
        (Kind.ERC20, "0xf4eced2f682ce333f96f2d8966c613ded8fc95dd",
         "0x1b63142628311395ceafeea5667e7c9026c862ca",
         "0xac4df82fe37ea2187bc8c011a23d743b4f39019a", 100000, None, 483920, 0),
        (Kind.ERC20, "0xf4eced2f682ce333f96f2d8966c613ded8fc95dd",
         "0x9b22a80d5c7b3374a05b446081f97d0a34079e7f",
         "0x66f183060253cfbe45beff1e6e7ebbe318c81e56", 200000, None, 483920, 1),
    ],
    "evm_rpc/etl_receipt_with_logs.json": [
        (Kind.ERC20, "0xf4eced2f682ce333f96f2d8966c613ded8fc95dd",
         "0x1b63142628311395ceafeea5667e7c9026c862ca",
         "0xac4df82fe37ea2187bc8c011a23d743b4f39019a", 100000, None, 483920, 0),
    ],
    "evm_rpc/infura_getLogs.json": [],  # a contract's own event, no transfer
    "evm_rpc/gem_transfer_high_gas_limit_receipt.json": [],  # a plain payment leaves no log
}  # fmt: skip
TIMES = {483920: 1446561880, 21162279: 1731265139, 22820942: 1751259839}
TIMES |= {block: 1_700_000_000 + block for block in range(100, 104)}


@pytest.mark.parametrize("name", each(BY_HAND))
def test_logs_by_hand(name: str) -> None:
    """The logs of an answer come out as a person reads them."""
    result = kept(name)["result"]
    logs = result if isinstance(result, list) else result["logs"]
    drafts = [draft for log in logs for draft in parse_log(LOCAL, log, TIMES)]
    assert [
        (d.kind, d.contract, d.sender, d.recipient, d.amount, d.token_id, d.block_height,
         d.log_index)
        for d in drafts
    ] == BY_HAND[name]  # fmt: skip
    times = TIMES | {12515175: 1711819697}
    assert all(d.time == times[d.block_height or 0] for d in drafts)


RECEIPTS = {  # height, and whether it failed
    "evm_rpc/receipt_erc20.json": (101, False),
    "evm_rpc/receipt_plain.json": (100, False),  # before Byzantium: no status
    "evm_rpc/base_getTransactionReceipt.json": (12515175, False),
    "evm_rpc/etl_receipt_with_logs.json": (483920, False),  # before Byzantium: no status
    "evm_rpc/gem_transfer_high_gas_limit_receipt.json": (10033628, False),
    "evm_rpc/gem_transfer_nft_eip1155_receipt.json": (21162279, False),
    "evm_rpc/gem_transfer_nft_eip721_receipt.json": (22820942, False),
}
BLOCKS = {
    "evm_rpc/block.json": (100, 1_700_000_100),
    "evm_rpc/etl_getBlockByNumber_block_with_logs.json": (483920, 1446561880),
    "evm_rpc/hyperliquid_getBlockByNumber.json": (14885591, 1758894288),
    "evm_rpc/infura_getBlockByNumber.json": (14476288, 1648492379),
}
REFUSALS: dict[str, tuple[type[SourceError], int | None]] = {
    "behind": (NotYet, None),
    "pruned": (NoState, None),
    "pruned too": (NoState, None),
    "before the upgrade": (NoState, None),
    "no key": (Refused, None),
    "too many blocks": (TooWide, 10_000),
    "too many rows": (TooWide, None),
    "too many rows, with a hint": (TooWide, None),
    "no archive (403)": (NoState, None),
}
ERRORS: dict[str, tuple[type[SourceError], int | None]] = {
    "1rpc_bnb_header_not_found.json": (NotYet, None),
    "blockpi_error_key_order.json": (NoState, None),
    "nodereal_no_historical_rpc.json": (NoState, None),
    "publicnode_gnosis_no_state.json": (NoState, None),
    "publicnode_missing_trie_node.json": (NoState, None),
    "quoted_ankr_unauthorized_2026.json": (Refused, None),
    "quoted_drpc_range_limit_2026.json": (TooWide, 10_000),
    "quoted_infura_results_limit_2019.json": (TooWide, None),
    "quoted_publicnode_archive_refused_403.json": (NoState, None),
    "quoted_zksync_results_limit_with_hint.json": (TooWide, None),
}


@pytest.mark.parametrize("name", each(RECEIPTS))
def test_receipts(name: str) -> None:
    """A receipt tells block and outcome of its transaction and of no other."""
    told = kept(name)["result"]
    word = parse_receipt(told, "node", told["transactionHash"], HEAD)
    assert (word.found, word.height, word.failed) == (True, *RECEIPTS[name])
    assert word.block_hash == told["blockHash"]
    with pytest.raises(BadResponse):
        parse_receipt(told, "node", "0x" + "00" * 32, HEAD)
    assert parse_receipt({**told, "status": "0x0"}, "node", word.tx, HEAD).failed


def test_unknown_transaction() -> None:
    """A null receipt is an answer: not found."""
    told = parse_envelope("node", answer_of(stored("evm_rpc/receipt_unknown.json")), 7)
    assert parse_receipt(told, "node", "0x" + "11" * 32, HEAD).found is False


@pytest.mark.parametrize("name", each(BLOCKS))
def test_blocks(name: str) -> None:
    """Height, time and hash of a block, whatever else its chain writes into it."""
    told = kept(name)["result"]
    head = parse_head(told)
    assert (head.height, head.time) == BLOCKS[name]
    assert head.block_hash == told["hash"]


def refusal(body: bytes, status: int) -> tuple[type[SourceError], int | None]:
    """What a refusal is taken for, and the limit that it names."""
    with pytest.raises(SourceError) as caught:
        parse_envelope("node", answer_of(body, status), 41)
    return type(caught.value), getattr(caught.value, "limit", None)


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    """Each refusal is told apart by its words, whatever id it carries."""
    body = json.dumps(kept("evm_rpc/refusals.json")[name]).encode()
    assert refusal(body, 403 if "403" in name else 200) == REFUSALS[name]


@needs_recordings
@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors(name: str) -> None:
    """As ours, so those of providers."""
    assert refusal(stored(f"evm_rpc/{name}"), 403 if "403" in name else 200) == ERRORS[name]


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("range 1000000 exceeds limit of 10000", 10_000),
        ("Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block "
         "range. Based on your parameters, this block range should work: [0x1, 0xa].", 10),
        ("eth_getLogs is limited to a 10,000 range", 10_000),
        ("eth_getLogs is limited to a 1000 blocks range", 1000),
        ("exceed maximum block range: 50000", 50_000),
        ("query exceeds max block range 100000", 100_000),
        ("Log response size exceeded. this block range should work: [0x1, 0x2]", None),
        ("limit exceeded", None),
        ("query timeout exceeded", None),
        ("Log response size exceeded. You can make eth_getLogs requests with up to a 2K block "
         "range and no limit on the response size, or you can request any block range with a "
         "cap of 10K logs in the response.", 2000),
        ("eth_getLogs requests are limited to a 1.5k block range", 1500),
        ("block range limit: 10_000", 10_000),
        ("up to a 2 block range", None),  # nobody offers that little: something else is meant
        ("logs matched by query exceeds limit of 10000", None),
        ("query returned more than 10000 results", None),
        ("query exceeds max results 20000, retry with the range 1-2", None),
        ("more than 20000 results", None),
        ("backend response too large", None),
        ("ranges over 10000 blocks are not supported on free plan", 10_000),
        ("eth_getLogs block range too large, range: 10001, max: 10000", 10_000),
        ("requested too many blocks from 1 to 9000, maximum is set to 2048", None),
        ("you can query at most 1,000 blocks", 1000),
        ("cannot query more than 2K blocks", 2000),
        ("result set is too long", None),
    ],
)  # fmt: skip
def test_refusals_for_size(message: str, limit: int | None) -> None:
    """The providers' own words for "too much at once", with the limit they name."""
    error = classify("node", 200, {"code": -32000, "message": message})
    assert isinstance(error, TooWide)
    assert error.limit == limit


PLEASE = (
    "Please specify an address in your request or, to remove restrictions, order a dedicated "
    "full node here: https://www.allnodes.com/base/host"
)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (200, {"code": -32005, "message": "daily request count exceeded"}, RateLimited),
        (200, {"code": 429, "message": "whatever"}, RateLimited),
        (200, "Too many requests", RateLimited),
        (200, {"code": -32601, "message": "the method is odd"}, Refused),
        (200, {"code": -32000, "message": "block range extends beyond current head block"}, NotYet),
        (200, {"code": -32000, "message": "unsupported block number 4711"}, NotYet),
        (
            200,
            {
                "code": -32602,
                "message": "BlockOutOfRangeError: block height is 5 but requested was 9",
            },
            NotYet,
        ),
        (200, {"code": -32000, "message": "toBlock is beyond the latest block"}, NotYet),
        (200, {"code": -32000, "message": "block 99 exceeds the current head"}, NotYet),
        (200, {"code": -32000, "message": "requested height is too high"}, NotYet),
        (200, {"code": -32000, "message": "eth_getLogs filter must contain an address"}, NotServed),
        (200, {"code": -32000, "message": "missing address in filter"}, NotServed),
        (
            200,
            {"code": -32000, "message": "eth_getLogs is not available on the free tier"},
            NotServed,
        ),
        (200, {"code": -32701, "message": PLEASE}, NotServed),
        (403, {"code": -32701, "message": PLEASE}, NotServed),
        (500, {"code": -32020, "message": "too bad"}, TooWide),
        (500, {"code": -32603, "message": "internal error"}, Unavailable),
        (200, {"code": -32000, "message": "never heard of"}, BadResponse),
        (200, "missing 'to'", BadResponse),
        (401, {"message": "nope"}, Refused),
    ],
)
def test_other_refusals(status: int, error: object, kind: type[SourceError]) -> None:
    """Errors as objects and as plain text, known and unknown."""
    assert type(classify("node", status, error)) is kind


# -- logs of any shape --------------------------------------------------------------------


def parsed(*logs: Any) -> Any:
    return parse_logs(LOCAL, logs, frozenset({ME}), {})


@pytest.mark.parametrize(
    "forged",
    [
        log([TRANSFER], word(1) * 3),  # parties not indexed
        log([TRANSFER, topic_of(ME)], word(1) * 2),
        log([TRANSFER, topic_of(PEER), topic_of(ME)]),  # no amount
        log([TRANSFER, topic_of(PEER), topic_of(ME)], "ff" * 31),
        log([TRANSFER, "0x" + "ff" * 32, topic_of(ME)], word(1)),  # no address
        log([SINGLE, topic_of(ME), topic_of(ME)], word(1) * 2),
        coin(1, removed=True),
    ],
)
def test_no_transfer_of_its_standard(forged: Any) -> None:
    """What is provably no transfer brings neither a row nor a gap."""
    result = parsed(forged, coin(7, index=9))
    assert [t.amount for t in result.transfers] == [7]
    assert (result.gaps, result.placed) == ((), True)


@pytest.mark.parametrize(
    "odd",
    [
        log([TRANSFER, topic_of(PEER), topic_of(ME)], word(1) * 2),
        log([SINGLE, topic_of(ME), topic_of(PEER), topic_of(ME)], word(1)),
        log([BATCH, topic_of(ME), topic_of(PEER), topic_of(ME)], word(64) + word(2**200)),
        log([BATCH, topic_of(ME), topic_of(PEER), topic_of(ME)],
            word(64) + word(128) + word(1) + word(9) + word(0)),
        coin(1, transactionHash="0x12"),
        coin(1, logIndex=None),
        {**coin(1), "data": "0xzz"},
        {**coin(1), "topics": "none"},
    ],
)  # fmt: skip
def test_unreadable_log_is_a_gap(odd: Any) -> None:
    """What may be a transfer and cannot be read is a gap of its block."""
    result = parsed(odd, coin(7, block=6))
    assert [gap.at for gap in result.gaps] == [Interval(5, 5)]
    assert [t.amount for t in result.transfers] == [7]


def test_log_without_a_place() -> None:
    """A log whose block cannot be read leaves nothing proven."""
    result = parsed(coin(1, blockNumber=None), coin(7))
    assert (len(result.transfers), result.placed) == (1, False)


def test_batch_of_items() -> None:
    """One row per id, in order; equal ones are counted; numbers exact to 2**256-1."""
    ids, amounts = [3, 4, 3, 2**256 - 1], [1, 2, 1, 2**256 - 1]
    data = word(64) + word(64 + 32 * 5)
    data += word(4) + "".join(map(word, ids)) + word(4) + "".join(map(word, amounts))
    result = parsed(log([BATCH, topic_of(PEER), topic_of(PEER), topic_of(ME)], data))
    assert [(t.token_id, t.amount) for t in result.transfers] == [
        ("3", 1), ("4", 2), ("3", 1), (str(2**256 - 1), 2**256 - 1),
    ]  # fmt: skip
    assert [t.leg[-2:] for t in result.transfers] == ["|0", "|0", "|1", "|0"]


def test_equal_transfers_are_counted_by_log_index() -> None:
    """Two equal payments of one transaction are two rows, in the order of their logs."""
    rows = parsed(coin(1, index=8), coin(1, index=3)).transfers
    assert [(t.log_index, t.leg[-1]) for t in rows] == [(3, "0"), (8, "1")]


# -- scripted nodes -----------------------------------------------------------------------


@contextmanager
def node(
    respond: Callable[[Call], Reply], page_size: int | None = None, chain: Chain = LOCAL
) -> Iterator[tuple[EvmRpc, Server]]:
    with serve(respond) as server:
        config = SourceConfig("node", "evm_rpc", server.url + "/SECRET", page_size=page_size)
        yield EvmRpc(config, chain, Http("node", config.url, attempts=1)), server


def ask(lo: int = 0, hi: int = HEAD.height, **changes: Any) -> Ask:
    return replace(Ask((Subject("local", ME),), TOKENS, Interval(lo, hi), HEAD), **changes)


def read_all(adapter: EvmRpc, first: Ask) -> list[Batch]:
    batches: list[Batch] = []
    going: Ask | None = first
    while going is not None:
        batch = adapter.fetch(going)
        batches.append(batch)
        assert len(batches) < 200, "the walk does not end"
        going = None if batch.rest is None else replace(going, span=batch.rest)
    return batches


def amounts(batches: list[Batch]) -> list[int]:
    return [t.amount for b in batches for t in b.transfers]


def test_named_limit_is_kept() -> None:
    """A limit that a refusal names is obeyed at once, and remembered."""
    scripted = Node(coin(1, 4), coin(2, 7777), limit=700)
    with node(scripted) as (adapter, server):
        assert amounts(read_all(adapter, ask())) == [1, 2]
        server.calls.clear()
        assert amounts(read_all(adapter, ask())) == [1, 2]
        # Two questions a window, one more where a log came, and the head at the end.
        assert len(server.calls) == 2 * 15 + 2 + 1


def test_a_limit_that_is_no_limit() -> None:
    """dRPC names 10,000 blocks and takes 101: the words are no limit, so it is halved, and
    the width that works is found again with few refusals."""
    scripted = Node(coin(1, 4), coin(2, 7777), limit=101)
    scripted.words = "ranges over 10000 blocks are not supported on free plan"
    with node(scripted) as (adapter, server):
        assert amounts(read_all(adapter, ask())) == [1, 2]
        refused = [c for c in server.calls if _blocks_asked(c) > 101]
        assert 0 < len(refused) < 20
        scripted.limit = 0
        with pytest.raises(Refused, match="single block"):
            adapter.fetch(ask())


def _blocks_asked(call: Call) -> int:
    if call.body["method"] != "eth_getLogs":
        return 0
    query = call.body["params"][0]
    return int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1


def test_learned_limits_are_forgotten() -> None:
    """A node that refused once is asked for more again after a while."""
    scripted = Node(limit=20)
    with node(scripted) as (adapter, server):
        read_all(adapter, ask(hi=999))
        assert max(map(_blocks_asked, server.calls[2:])) <= 20
        scripted.limit = None
        read_all(adapter, ask())
        assert max(map(_blocks_asked, server.calls)) == 2000


@pytest.mark.parametrize("error", [{"code": -32020, "message": "backend response too large"}])
def test_refusal_in_a_server_error(error: Any) -> None:
    """HTTP 500 with a JSON-RPC error in it is the node's word, and narrows the range."""
    scripted = Node(coin(1, 4), coin(2, 7777), limit=700)

    def answer(call: Call) -> Reply:
        reply = scripted(call)
        refused = "error" in reply.body and call.body["method"] == "eth_getLogs"
        return Reply({**reply.body, "error": error}, 500) if refused else reply

    with node(answer) as (adapter, _):
        assert amounts(read_all(adapter, ask())) == [1, 2]
    down = Reply({"message": "down"}, 500)
    with node(lambda _: down) as (adapter, _), pytest.raises(Unavailable):
        adapter.fetch(ask())


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32601, "message": "nothing of that name"},
        {"code": -32000, "message": "the method eth_getLogs is not available"},
        {"code": -32000, "message": "eth_getLogs is disabled on this endpoint"},
        {"code": -32701, "message": PLEASE},
    ],
)
def test_a_node_that_hands_out_no_logs(error: Any) -> None:
    """Refused on any arguments: a limit of the node, which heads and look-ups do not share."""
    scripted = Node()

    def answer(call: Call) -> Reply:
        if call.body["method"] != "eth_getLogs":
            return scripted(call)
        return Reply({"jsonrpc": "2.0", "id": call.body["id"], "error": error})

    with node(answer) as (adapter, server):
        assert adapter.head().height == 10_000
        with pytest.raises(NotServed):
            adapter.fetch(ask())
        assert [c.body["method"] for c in server.calls].count("eth_getLogs") == 1


def test_too_many_results_are_halved() -> None:
    """Dense blocks are read in smaller windows, and nothing is lost or doubled."""
    logs = [coin(n, 5000 + n // 3, n) for n in range(60)]
    with node(Node(*logs, most=7)) as (adapter, _):
        batches = read_all(adapter, ask())
    assert amounts(batches) == list(range(60))
    assert not [gap for b in batches for gap in b.gaps]


@pytest.mark.parametrize("cap", [1, 2, 7, 20, 25, 59])
def test_answers_cut_in_silence(cap: int) -> None:
    """A node that leaves out what is too much, without a word, hides nothing: what lies from
    the last block on is asked for again, and one block alone by its receipts."""
    rows = [coin(n, 5000 + n // (3 if cap > 6 else 1), n) for n in range(20)]
    rows += [coin(n, 6000, n) for n in range(20, 50 if cap > 6 else 21)]
    rows += [coin(n, 6001 + n, n) for n in range(50, 60)]
    scripted = Node(*rows)
    scripted.cap = cap
    with node(scripted) as (adapter, _):
        batches = read_all(adapter, ask())
    assert Counter(amounts(batches)) == Counter(int(r["data"], 16) for r in rows)
    assert not [gap for b in batches for gap in b.gaps]


def test_a_cut_block_without_receipts() -> None:
    """Where the node cannot show a block's receipts, the block is a gap that is told."""
    scripted = Node(*[coin(n, 6000, n) for n in range(10)])
    scripted.cap = 7
    scripted.eth_getBlockReceipts = None  # type: ignore[method-assign, assignment]

    def answer(call: Call) -> Reply:
        if call.body["method"] != "eth_getBlockReceipts":
            return scripted(call)
        error = {"code": -32601, "message": "the method does not exist"}
        return Reply({"jsonrpc": "2.0", "id": call.body["id"], "error": error})

    with node(answer) as (adapter, _):
        batches = read_all(adapter, ask())
    assert len(amounts(batches)) == 7
    assert {gap.at for b in batches for gap in b.gaps} == {Interval(6000, 6000)}


# -- the wrapped coin ---------------------------------------------------------------------

WRAPPED = replace(LOCAL, wrapped=COIN)
ZERO = "0x" + "0" * 40


def wrap(event: str, amount: int, block: int = 5, index: int = 0, **more: Any) -> Any:
    return log([event, topic_of(ME)], word(amount), block, index, **more)


def sides(rows: Any) -> list[tuple[Any, ...]]:
    return [(t.kind, t.contract, t.sender, t.recipient, t.amount) for t in rows]


def test_wrapping_and_unwrapping() -> None:
    """Deposit and Withdrawal of the chain's wrapped coin come as mint and burn, asked for in
    the same questions; those of other contracts are nothing."""
    stranger = wrap(DEPOSIT, 9, 8, address="0x" + "d" * 40)
    logs = (wrap(DEPOSIT, 5, 4), coin(1, 5), wrap(WITHDRAWAL, 3, 7), stranger)
    with node(Node(*logs), chain=WRAPPED) as (adapter, server):
        batches = read_all(adapter, ask())
    rows = [t for b in batches for t in b.transfers]
    assert sides(rows) == [
        (Kind.ERC20, COIN, ZERO, ME, 5),
        (Kind.ERC20, COIN, PEER, ME, 1),
        (Kind.ERC20, COIN, ME, ZERO, 3),
    ]
    assert rows[0].leg == f"erc20|{COIN}|-|{ZERO}|{ME}|5|0"
    asked = [c.body["params"][0]["topics"] for c in server.calls if _blocks_asked(c)]
    assert asked[0] == [[TRANSFER, DEPOSIT, WITHDRAWAL], [topic_of(ME)]]
    with node(Node(*logs)) as (adapter, server):  # a chain without one: as before
        assert amounts(read_all(adapter, ask())) == [1]


@pytest.mark.parametrize("minter", [ZERO, COIN])
def test_a_deposit_with_its_transfer_counts_once(minter: str) -> None:
    """Contracts that emit both are told once, in whatever order the logs come."""
    paid = log([TRANSFER, topic_of(minter), topic_of(ME)], word(5), 4, 1)
    logs = (wrap(DEPOSIT, 5, 4, 0), paid, wrap(DEPOSIT, 5, 4, 2))
    rows = parse_logs(WRAPPED, logs, frozenset({ME}), {}).transfers
    assert sorted((t.sender, t.amount) for t in rows) == sorted([(ZERO, 5), (minter, 5)])
    assert len({t.identity for t in rows}) == 2


def test_a_wrap_of_optimism() -> None:
    """The receipt of a wrap: the Deposit is a mint, then the coin moves on."""
    weth = "0x4200000000000000000000000000000000000006"
    chain = replace(LOCAL, wrapped=weth)
    logs = kept("evm_rpc/receipt_wrap.json")["result"]["logs"]
    rows = parse_logs(chain, logs, frozenset({ONES}), {104: 1_700_000_104}).transfers
    assert sides(rows)[0] == (Kind.ERC20, weth, ZERO, ONES, 15 * 10**15)
    assert rows[0].log_index == 0
    assert len(rows) == 4


def test_one_block_that_is_always_refused() -> None:
    """It becomes a gap, told and passed; as the very first it is the source that refuses."""
    dense = [coin(n, 5000, n) for n in range(9)]
    with node(Node(coin(1, 4), *dense, coin(2, 6000), most=7)) as (adapter, _):
        batches = read_all(adapter, ask())
        assert amounts(batches) == [1, 2]
        assert [gap.at for b in batches for gap in b.gaps] == [Interval(5000, 5000)]
        with pytest.raises(Refused, match="single block"):
            adapter.fetch(ask(lo=5000))


def test_rows_end_a_batch_between_blocks() -> None:
    """About max_rows rows: the batch ends at a window's end and says what rests."""
    logs = [coin(n, 100 * n) for n in range(1, 50)]
    with node(Node(*logs), page_size=500) as (adapter, _):
        batch = adapter.fetch(ask(max_rows=4))
        assert (batch.read, batch.rest) == (Interval(0, 499), Interval(500, 10_000))
        assert amounts(read_all(adapter, ask(max_rows=4))) == list(range(1, 50))


def test_calls_end_a_batch_between_blocks() -> None:
    """Where every block's time is a call of its own, a batch stays short and gets on."""
    logs = [coin(n, 50 + n, blockTimestamp=None) for n in range(3 * MAX_CALLS)]
    with node(Node(*logs)) as (adapter, _):
        batches = read_all(adapter, ask())
    assert amounts(batches) == list(range(3 * MAX_CALLS))
    assert len(batches) >= 3
    assert all(b.calls <= MAX_CALLS + 5 for b in batches)
    assert {t.time - (t.block_height or 0) for b in batches for t in b.transfers if t.time} == {
        1000
    }


def test_a_node_behind_proves_less() -> None:
    """Its silence about blocks it does not know is no evidence."""
    scripted = Node(coin(1, 4))
    scripted.newest = 9_000
    with node(scripted) as (adapter, _):
        batch = adapter.fetch(ask())
    assert (batch.read, batch.rest) == (Interval(0, 9_000), Interval(9_001, 10_000))


def test_nothing_above_the_head() -> None:
    """A span beyond the head is read to the head."""
    with node(Node()) as (adapter, _):
        batch = adapter.fetch(ask(hi=99_999))
    assert (batch.read, batch.rest) == (Interval(0, 10_000), None)


def test_many_subjects_in_few_calls() -> None:
    """1,200 addresses are three lists; each log comes once, found by either party."""
    crowd = [Subject("local", f"0x{n:040x}") for n in range(1, 1201)]
    logs = [
        log([TRANSFER, topic_of(a.address), topic_of(b.address)], word(n), 10 + n)
        for n, (a, b) in enumerate(zip(crowd, reversed(crowd), strict=True))
    ]
    with node(Node(*logs), page_size=20_000) as (adapter, server):
        batch = adapter.fetch(ask(subjects=tuple(crowd)))
    assert amounts([batch]) == list(range(1200))
    # Three lists for senders, three for recipients, and each once more from its last block.
    assert [c.body["method"] for c in server.calls].count("eth_getLogs") == 12


def test_logs_that_were_not_asked_for() -> None:
    """A node that ignores the filter is not believed."""
    stranger = log(["0x" + "12" * 32], "", 5)
    for wrong in ([stranger], [coin(1, 99_999)], None, {"a": 1}):
        reply = lambda call, wrong=wrong: Reply({"id": call.body["id"], "result": wrong})  # noqa: E731
        with node(reply) as (adapter, _), pytest.raises(BadResponse):
            adapter.fetch(ask())


def test_envelope() -> None:
    """Another id, no result, both or nothing: never taken for an answer."""
    for body in ({"id": 12345, "result": []}, {"id": 0}, [], "x", None):
        with node(lambda _, body=body: Reply(body)) as (adapter, _), pytest.raises(BadResponse):
            adapter.head()


def test_head_and_final() -> None:
    """The finalized tag is used where it is known and does without where it is not."""
    scripted = Node()
    with node(scripted) as (adapter, _):
        assert adapter.head() == Head(10_000, 11_000, "0x" + word(10_000))
        plain = scripted.eth_getBlockByNumber
        scripted.eth_getBlockByNumber = (  # type: ignore[method-assign]
            lambda which, full: plain("0x64" if which == "finalized" else which, full)
        )
        assert adapter.head().final_height == 100
        assert adapter.block_hash(77) == "0x" + word(77)
        assert adapter.block_hash(10_001) is None


def test_wrong_chain() -> None:
    """A node of another chain is refused, and both ids are named, the url is not."""
    with node(Node(), chain=replace(LOCAL, chain_id=1)) as (adapter, _):
        with pytest.raises(Refused) as caught:
            adapter.identify()
        assert "31337" in str(caught.value)
        assert "has 1" in str(caught.value)
    with node(Node()) as (adapter, _):
        adapter.identify()
    scripted = Node()
    scripted.eth_chainId = lambda: None  # type: ignore[method-assign, assignment, return-value]
    with node(scripted) as (adapter, _), pytest.raises(BadResponse):
        adapter.identify()


@pytest.mark.parametrize("status", [200, 401, 404, 429, 500])
def test_the_url_is_never_shown(status: int) -> None:
    """The url holds the key: no error and no repr tells it."""
    with node(lambda _: Reply(b"<html>SECRETLESS</html>", status)) as (adapter, _):
        for call in (
            adapter.head,
            lambda: adapter.fetch(ask()),
            lambda: adapter.balances([Holding(ME)], None),
        ):
            with pytest.raises(SourceError) as caught:
                call()
            assert "/SECRET" not in str(caught.value) + repr(caught.value) + repr(adapter)


# -- a real node --------------------------------------------------------------------------


def real(rpc: Rpc) -> EvmRpc:
    return EvmRpc(SourceConfig("anvil", "evm_rpc", rpc.url), LOCAL, Http("anvil", rpc.url))


@pytest.mark.real
@pytest.mark.parametrize("max_rows", [300, 100_000])
def test_real_chain_against_its_oracle(evm_world: EvmWorld, max_rows: int) -> None:
    """A hundred addresses at once: every token movement that was sent, none else, once."""
    adapter = real(evm_world.rpc)
    adapter.identify()
    head = adapter.head()
    watched = evm_world.oracle.watchable(100)
    subjects = tuple(Subject("local", address) for address in watched)
    told: Counter[Row] = Counter()
    for streams in adapter.bundles:
        first = Ask(subjects, streams, Interval(0, head.height), head, max_rows=max_rows)
        batches = read_all(adapter, first)
        rows = [t for b in batches for t in b.transfers]
        assert len({t.identity for t in rows}) == len(rows)
        assert all(t.time and t.block_hash and t.log_index is not None for t in rows)
        told.update(
            Row(t.kind.value, t.tx, t.contract, t.token_id, t.sender or "", t.recipient, t.amount)
            for t in rows
        )
    truth: Counter[Row] = Counter()
    for address in watched:
        truth |= evm_world.oracle.touching(address)
    kinds = {"erc20", "erc721", "erc1155"}
    assert told == Counter({row: n for row, n in truth.items() if row.kind in kinds})


@pytest.mark.real
def test_real_witness(evm_world: EvmWorld) -> None:
    """Block hashes, receipts and balances are the node's own."""
    adapter, rpc = real(evm_world.rpc), evm_world.rpc
    failed = next(iter(evm_world.oracle.failed))
    word_of = adapter.transaction(failed)
    assert (word_of.found, word_of.failed) == (True, True)
    assert word_of.height is not None
    assert adapter.block_hash(word_of.height) == word_of.block_hash
    assert adapter.transaction("0x" + "12" * 32).found is False
    person = evm_world.oracle.people[0]
    word = adapter.balances([Holding(person)], None)
    assert word.said[Holding(person)] == int(rpc.call("eth_getBalance", person, "latest"), 16)
