"""Lists that are read only where a balance asks for them: withdrawals, rewards, single blocks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from conftest import EvmWorld
from eth_utils.crypto import keccak
from world.evm_world import Row
from world.recordings import kept, needs_recordings
from world.scripted_server import Call, Reply, serve

from monitor.chains import events
from monitor.model import (
    Ask,
    Batch,
    Chain,
    Head,
    Interval,
    Kind,
    SourceConfig,
    Subject,
    Transfer,
)
from monitor.model.errors import NotServed
from monitor.net.http import Http
from monitor.net.sources.blockscout import Blockscout
from monitor.net.sources.etherscan import Etherscan
from monitor.net.sources.evm_more import fee_rest
from monitor.net.sources.evm_rpc import EvmRpc
from monitor.net.sources.evm_traces import frames_of, traces_of
from monitor.net.sources.parsing import RowError

ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 65, chain_id=1)
GNOSIS = Chain("gnosis", "Gnosis", "evm", "xDAI", 18, 65, chain_id=100)
LOCAL = Chain("local", "Local", "evm", "ETH", 18, 0, chain_id=31337)
HEAD = Head(23_000_000, 1_753_000_000)
STAKER = "0xf368a42d316070cd53515fbf67ac219aa29d5fe0"
MAKER = "0x0fdae061cae1ad4af83b27a96ba5496ca992139b"
OTHER = "0x23f02e9272eac1f12f5be76d48b4a15323778f08"


def ask(address: str, stream: str, lo: int = 0, hi: int = HEAD.height, head: Head = HEAD) -> Ask:
    return Ask((Subject("ethereum", address),), frozenset({stream}), Interval(lo, hi), head)


def etherscan(url: str, chain: Chain = ETHEREUM) -> Etherscan:
    return Etherscan(SourceConfig("e", "etherscan", url), chain, Http("e", url, attempts=1))


def listed(rows: dict[str, list[dict[str, Any]]], seen: list[Call] | None = None) -> Any:
    """An endpoint of Etherscan's form; rewards come newest first, as recorded."""

    def answer(call: Call) -> Reply:
        query = call.query
        found = rows.get(query["action"])
        if seen is not None:
            seen.append(call)
        if found is None:
            words = "Error! Missing Or invalid Action name"
            return Reply({"status": "0", "message": "NOTOK", "result": words})
        size, number = int(query["offset"]), int(query["page"])
        lo, hi = int(query["startblock"]), int(query["endblock"])
        inside = [row for row in found if lo <= int(row["blockNumber"]) <= hi]
        page = inside[size * (number - 1) : size * number]
        if not page:
            return Reply({"status": "0", "message": "No transactions found", "result": []})
        return Reply({"status": "1", "message": "OK", "result": page})

    return answer


def recorded(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = kept(name)["result"]
    return rows


# -- Etherscan ----------------------------------------------------------------------------------


@needs_recordings
def test_withdrawals_of_etherscan_are_in_gwei_and_have_their_index_for_a_name() -> None:
    rows = recorded("etherscan/txsBeaconWithdrawal.json")
    with serve(listed({"txsBeaconWithdrawal": rows})) as server:
        batch = etherscan(server.url).fetch(ask(STAKER, "withdrawals"))
    first, *_, last = batch.transfers
    assert (first.tx, first.amount) == ("withdrawal_22433829", 520_521_839 * 10**9)
    assert (last.tx, last.amount) == ("withdrawal_33859489", 32_012_871_208 * 10**9)
    assert (last.block_height, last.time) == (19_151_178, 1_707_003_863)
    assert {(t.kind, t.sender, t.recipient) for t in batch.transfers} == {
        (Kind.WITHDRAWAL, None, STAKER)
    }
    assert len(batch.transfers) == 14
    assert batch.read == Interval(0, HEAD.height - ETHEREUM.finality)
    assert not batch.gaps


@needs_recordings
def test_rewards_are_read_in_whatever_order_and_to_a_proven_end() -> None:
    rows = recorded("etherscan/getminedblocks_1845.json")
    for order in (rows, rows[::-1]):
        with serve(listed({"getminedblocks": order})) as server:
            batch = etherscan(server.url).fetch(ask(MAKER, "rewards", 17_000_000, 17_200_000))
        assert {t.tx: t.amount for t in batch.transfers} == {
            f"reward_{row['blockNumber']}": int(row["blockReward"])
            for row in rows
            if int(row["blockNumber"]) >= 17_000_000
        }
        assert batch.read == Interval(17_000_000, 17_200_000)
    assert all(t.kind is Kind.REWARD and t.recipient == MAKER for t in batch.transfers)


def test_only_what_is_final_is_read() -> None:
    """Nobody reads these lists again, so that a replaced block would never be noticed."""
    young = {"withdrawalIndex": "5", "validatorIndex": "1", "address": STAKER, "amount": "7"}
    young |= {"blockNumber": str(HEAD.height - 64), "timestamp": "1752999000"}
    with serve(listed({"txsBeaconWithdrawal": [young]})) as server:
        batch = etherscan(server.url).fetch(ask(STAKER, "withdrawals", HEAD.height - 100))
        nothing = etherscan(server.url).fetch(ask(STAKER, "withdrawals", HEAD.height - 64))
    assert (batch.transfers, batch.read) == ((), Interval(HEAD.height - 100, HEAD.height - 65))
    assert (nothing.transfers, nothing.read) == ((), None)


def test_an_endpoint_that_lacks_the_list_is_no_failure() -> None:
    with serve(listed({})) as server:
        for stream in ("withdrawals", "rewards"):
            with pytest.raises(NotServed, match="does not list"):
                etherscan(server.url).fetch(ask(STAKER, stream))


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": OTHER},
        {"amount": "-1"},
        {"amount": "1e9"},
        {"amount": str(2**64)},
        {"withdrawalIndex": "0x5"},
        {"timestamp": "soon"},
    ],
)
def test_a_row_that_is_not_one_is_a_gap_of_its_block(wrong: dict[str, str]) -> None:
    good = {"withdrawalIndex": "5", "validatorIndex": "1", "address": STAKER, "amount": "7"}
    good |= {"blockNumber": "18000000", "timestamp": "1693066895"}
    with serve(listed({"txsBeaconWithdrawal": [good | wrong]})) as server:
        batch = etherscan(server.url).fetch(ask(STAKER, "withdrawals"))
    assert batch.transfers == ()
    assert [gap.at for gap in batch.gaps] == [Interval(18_000_000, 18_000_000)]


def test_where_withdrawals_are_paid_in_a_token_they_are_none_of_the_coin() -> None:
    assert "withdrawals" not in etherscan("http://localhost", GNOSIS).more
    assert "withdrawals" in etherscan("http://localhost").more


# -- Blockscout ---------------------------------------------------------------------------------


@needs_recordings
def test_withdrawals_of_blockscout_are_the_same_rows() -> None:
    pages = [kept(f"blockscout/v2_withdrawals_page{n}.json") for n in (1, 2)]

    def answer(call: Call) -> Reply:
        assert call.path == f"/api/v2/addresses/{OTHER}/withdrawals"
        page = pages[1] if call.query.get("index") == "2251866" else pages[0]
        if call.query.get("index", "2251866") != "2251866":
            page = {"items": [], "next_page_params": None}
        return Reply(page)

    with serve(answer) as server:
        config = SourceConfig("b", "blockscout", server.url)
        source = Blockscout(config, ETHEREUM, Http("b", server.url, attempts=1))
        batch = source.fetch(ask(OTHER, "withdrawals"))
        part = source.fetch(ask(OTHER, "withdrawals", 19_400_000))
    by_tx = {t.tx: t for t in batch.transfers}
    assert len(by_tx) == len(batch.transfers) == sum(len(page["items"]) for page in pages)
    newest = by_tx["withdrawal_38643808"]
    assert (newest.amount, newest.block_height) == (32_002_461_546_000_000_000, 19_450_198)
    assert newest.time == 1_710_625_415
    assert "withdrawal_1261047" in by_tx
    assert [t.tx for t in part.transfers] == ["withdrawal_38643808"]


# -- a node -------------------------------------------------------------------------------------


def node(url: str) -> EvmRpc:
    return EvmRpc(SourceConfig("node", "evm_rpc", url), LOCAL, Http("node", url, attempts=1))


def rows_of(batch: Batch) -> Counter[Row]:
    return Counter(
        Row(t.kind.value, t.tx, t.contract, t.token_id, t.sender or "", t.recipient, t.amount)
        for t in batch.transfers
    )


@pytest.mark.real
@pytest.mark.parametrize("stream", ["native", "internal"])
def test_a_node_tells_of_single_blocks_what_truly_moved(evm_world: EvmWorld, stream: str) -> None:
    """Every block of a busy chain, for those who moved most, against what was sent."""
    source = node(evm_world.rpc.url)
    head = source.head()
    step = {"native": 16, "internal": 4}[stream]
    kinds = {"native": {"native", "fee"}, "internal": {"internal"}}[stream]
    for address in evm_world.oracle.watchable(3):
        found: Counter[Row] = Counter()
        for lo in range(0, head.height + 1, step):
            hi = min(lo + step - 1, head.height)
            batch = source.fetch(ask(address, stream, lo, hi, Head(head.height, head.time)))
            assert not batch.gaps
            found += rows_of(batch)
        truth = evm_world.oracle.touching(address)
        wanted = {
            row: n
            for row, n in truth.items()
            if row.kind in kinds
            and (row.amount or row.kind != "internal")
            and (row.kind != "fee" or row.sender == address)
        }
        assert found == wanted


@pytest.mark.real
def test_both_forms_of_traces_say_the_same(evm_world: EvmWorld) -> None:
    rpc, moved = evm_world.rpc, 0
    for height in range(int(rpc.call("eth_blockNumber"), 16) + 1):
        block = rpc.call("eth_getBlockByNumber", hex(height), False)
        flat = traces_of(rpc.call("trace_block", hex(height)) or [], block["hash"])
        told = rpc.call("debug_traceBlockByNumber", hex(height), {"tracer": "callTracer"})
        trees = frames_of(told, block["transactions"])

        def key(rows: Any) -> Counter[Any]:
            what = ("hash", "from", "to", "value")
            return Counter(tuple(row[name] for name in what) for row in rows)

        assert key(flat) == key(trees)
        moved += len(flat)
    assert moved > 20


@needs_recordings
def test_recorded_traces_count_what_moved_and_nothing_else() -> None:
    block = "0x3bedf784f81ff55e3a8c04f8b3b3a5e7421b2f5ba139d8e5696e4622bb37467b"
    (row,) = traces_of(kept("evm_rpc/etl_trace_block_suicide.json")["result"], block)
    assert row["from"] == "0x474faa5018639791952fae334e2911700ac7fe9b"
    assert row["to"] == "0x83973747eec131bf9a08ac64fb1a518e891bdf4b"
    assert int(str(row["value"])) == 0xB1A2BC2EC50000
    failed = kept("evm_rpc/etl_trace_block_error.json")["result"]
    assert traces_of(failed, failed[0]["blockHash"]) == []
    borrowed = kept("evm_rpc/etl_debug_traceBlock_subtraces.json")["result"]
    assert frames_of(borrowed, ["0x" + "1" * 64, "0x" + "2" * 64]) == []  # a CALLCODE
    silent = kept("evm_rpc/etl_debug_traceBlock_suicide.json")["result"]
    with pytest.raises(RowError, match="destroyed itself"):
        frames_of(silent, ["0x" + "1" * 64])


FRAME = {"type": "CALL", "from": "0x" + "a" * 40, "to": "0x" + "b" * 40, "value": "0x1"}


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        [{"txHash": "0x" + "2" * 64, "result": FRAME}],
        [{"txHash": "0x" + "1" * 64, "error": "Resource not found"}],
        [{"result": FRAME | {"calls": [FRAME | {"value": "many"}]}}],
        [{"result": FRAME | {"calls": "none"}}],
        [{"result": {}}, {"result": {}}],
    ],
)
def test_a_trace_that_does_not_say_all_is_no_trace(told: Any) -> None:
    with pytest.raises(RowError):
        frames_of(told, ["0x" + "1" * 64])


def test_what_fails_moves_nothing_below_it_either() -> None:
    inner = FRAME | {"calls": [FRAME]}
    tree = FRAME | {"calls": [inner, inner | {"error": "execution reverted"}]}
    rows = frames_of([{"result": tree}], ["0x" + "1" * 64])
    assert [row["traceId"] for row in rows] == ["0", "0_0"]


class _Blocks:
    """A node with one block of withdrawals, and no traces."""

    def __call__(self, call: Call) -> Reply:
        method, params = call.body["method"], call.body["params"]
        if method != "eth_getBlockByNumber":
            error = {"code": -32601, "message": f"the method {method} does not exist"}
            return Reply({"jsonrpc": "2.0", "id": call.body["id"], "error": error})
        height = int(params[0], 16)
        paid = [
            {"index": hex(height * 2 + n), "validatorIndex": "0x1", "address": a, "amount": "0x3"}
            for n, a in enumerate((STAKER, OTHER))
        ]
        block = {"number": hex(height), "timestamp": hex(height * 12), "hash": "0x" + "4" * 64}
        block |= {"withdrawals": paid, "transactions": ["0x" + "1" * 64]}
        return Reply({"jsonrpc": "2.0", "id": call.body["id"], "result": block})


@pytest.fixture
def blocks() -> Iterator[EvmRpc]:
    with serve(_Blocks()) as server:
        yield node(server.url)


def test_a_nodes_headers_tell_withdrawals(blocks: EvmRpc) -> None:
    batch = blocks.fetch(ask(STAKER, "withdrawals", 100, 101))
    assert [(t.tx, t.amount, t.block_height, t.time) for t in batch.transfers] == [
        ("withdrawal_200", 3 * 10**9, 100, 1200),
        ("withdrawal_202", 3 * 10**9, 101, 1212),
    ]
    assert batch.read == Interval(100, 101)


def test_a_node_is_asked_about_few_blocks_only(blocks: EvmRpc) -> None:
    for stream in ("withdrawals", "native", "internal"):
        with pytest.raises(NotServed, match="of at most"):
            blocks.fetch(ask(STAKER, stream, 100, 5_000))


def test_a_node_without_traces_has_no_list_of_calls(blocks: EvmRpc) -> None:
    with pytest.raises(NotServed, match="cannot say calls inside transactions"):
        blocks.fetch(ask(STAKER, "internal", 100, 101))


def test_lists_that_are_read_on_demand_stand_in_no_bundle(blocks: EvmRpc) -> None:
    assert not blocks.more & {s for bundle in blocks.bundles for s in bundle}
    assert json.dumps(sorted(blocks.more)) == '["internal", "native", "withdrawals"]'


# -- what contracts wrote -----------------------------------------------------------------------

COIN = "0x" + "c0" * 20
BURN = "0xcc16f5dbb4873280815c1ee09dbd06736cffcc184412cf7a71a0fdb75d397ca5"


def test_names_of_events_are_those_of_their_topics() -> None:
    for topic, name in events.NAMES.items():
        assert topic == "0x" + keccak(text=name).hex()
    for name in ("Approval(address,address,uint256)", "ApprovalForAll(address,address,bool)"):
        assert "0x" + keccak(text=name).hex() in events.LEAVE_ALONE


def word(address: str) -> str:
    return "0x" + address[2:].rjust(64, "0")


def written(
    topics: list[str], data: str = "0x", height: int = 100, index: int = 0
) -> dict[str, Any]:
    return {
        "address": COIN, "topics": topics, "data": data, "blockNumber": hex(height),
        "transactionHash": "0x" + f"{height:064x}", "logIndex": hex(index),
    }  # fmt: skip


LOGS = [
    written([BURN, word(STAKER)], "0x" + f"{7:064x}"),
    written(["0x" + "99" * 32], word(STAKER) + f"{9:064x}", index=1),  # named in its data
    written([BURN, word(OTHER)], "0x" + f"{7:064x}", index=2),
    written([BURN, word(STAKER)], "0x" + f"{7:064x}", index=3) | {"address": OTHER},
    written([BURN, word(STAKER)], "0x" + f"{7:064x}", index=4) | {"removed": True},
    written([BURN, word(STAKER)], "0x" + f"{7:064x}", height=50, index=5),  # not asked for
]


def fits(log: dict[str, Any], topics: list[Any]) -> bool:
    return all(
        want is None or (n < len(log["topics"]) and log["topics"][n] == want)
        for n, want in enumerate(topics)
    )


def logs_of_node(call: Call) -> Reply:
    (query,) = call.body["params"]
    found = [log for log in LOGS if fits(log, query.get("topics", []))]
    return Reply({"jsonrpc": "2.0", "id": call.body["id"], "result": found})


def logs_of_explorer(call: Call) -> Reply:
    topics = [call.query.get(f"topic{n}") for n in range(4)]
    found = [log for log in LOGS if fits(log, topics)]
    return Reply({"status": "1", "message": "OK", "result": found})


@pytest.mark.parametrize("kind", ["node", "explorer"])
def test_what_a_contract_wrote_of_an_address_is_found_and_nothing_else(kind: str) -> None:
    with serve(logs_of_node if kind == "node" else logs_of_explorer) as server:
        source = node(server.url) if kind == "node" else etherscan(server.url)
        few = source.events(COIN, STAKER, Interval(95, 105))
        many = source.events(COIN, STAKER, Interval(90, 900))
        with pytest.raises(NotServed):
            source.events(COIN, STAKER, Interval(0, 900_000))
    assert [(e.topic, e.words_beside(STAKER)) for e in few] == [
        (BURN, [7]),
        ("0x" + "99" * 32, [9]),
    ]
    assert [(e.topic, e.height) for e in many] == [(BURN, 100)]
    assert len(server.calls) == 4


# -- coins that arrive over a bridge ------------------------------------------------------------

POLYGON = Chain("polygon", "Polygon", "evm", "POL", 18, 128, chain_id=137)
POL = "0x0000000000000000000000000000000000001010"


def deposit(
    amount: int, index: int, taker: str = STAKER, height: int = 70_000_000
) -> dict[str, Any]:
    """A log as Polygon's coin contract writes it, by its source."""
    topic = "0x" + keccak(text="Deposit(address,address,uint256,uint256,uint256)").hex()
    log = written([topic, word(POL), word(taker)], "0x" + f"{amount:064x}" * 3, height, index)
    return log | {"address": POL, "timeStamp": hex(1_750_000_000), "blockHash": "0x" + "7" * 64}


def test_pol_that_arrives_over_the_bridge_is_read_from_its_contract() -> None:
    logs = [deposit(5 * 10**18, 0), deposit(10**18, 1), deposit(3, 2, OTHER)]
    twin = {
        "blockNumber": "70000000", "timeStamp": "1750000000", "hash": logs[1]["transactionHash"],
        "from": POL, "to": STAKER, "value": str(10**18), "type": "call", "isError": "0",
        "traceId": "0",
    }  # fmt: skip

    def answer(call: Call) -> Reply:
        query = call.query
        if query["module"] == "logs":
            assert query["address"] == POL
            lo, hi = int(query["fromBlock"]), int(query["toBlock"])
            inside = [log for log in logs if lo <= int(log["blockNumber"], 16) <= hi]
            rows = inside if query["page"] == "1" else []
        elif query["action"] == "txlist":
            rows = []
        else:
            rows = [twin] if query["page"] == "1" and int(query["startblock"]) <= 70_000_000 else []
        words = "OK" if rows else "No records found"
        return Reply({"status": str(int(bool(rows))), "message": words, "result": rows})

    head = Head(71_000_000, 1_752_000_000)
    with serve(answer) as server:
        source = etherscan(server.url, POLYGON)
        assert source.more == {"deposits"}
        batch = source.fetch(ask(STAKER, "deposits", 69_000_000, head.height, head))
    (row,) = batch.transfers  # what the internal list shows too is that row
    assert (row.kind, row.sender, row.recipient) == (Kind.DEPOSIT, None, STAKER)
    assert (row.amount, row.time, row.tx) == (5 * 10**18, 1_750_000_000, logs[0]["transactionHash"])


# -- what was paid in all -----------------------------------------------------------------------


@needs_recordings
def test_a_receipt_says_what_a_rollup_took_for_its_parent_chain() -> None:
    receipt = kept("etherscan/proxy_eth_getTransactionReceipt_op.json")["result"]
    listed_fee = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    optimism = replace(ETHEREUM, chain_id=10)
    fee = Transfer(
        "ethereum", receipt["transactionHash"], "fee|", Kind.FEE, receipt["from"], None, listed_fee
    )
    rest = fee_rest("e", optimism, fee, receipt)
    assert rest is not None
    assert (rest.kind, rest.amount, rest.sender) == (Kind.FEE_REST, 0x43ED5F9FD7, receipt["from"])
    assert fee_rest("e", optimism, replace(fee, amount=listed_fee + rest.amount), receipt) is None
    for unsure in (
        receipt | {"operatorFeeConstant": "0x1"},
        {name: value for name, value in receipt.items() if name != "l1Fee"},
    ):
        with pytest.raises(NotServed):
            fee_rest("e", optimism, fee, unsure)
    with pytest.raises(NotServed):
        fee_rest("e", replace(ETHEREUM, chain_id=5000), fee, receipt)  # Mantle


# -- what blocks say beside their transactions --------------------------------------------------


def test_a_block_that_moves_coins_by_itself_is_a_lead() -> None:
    """Avalanche's imports and exports stand in the block's own data; and who made it is paid."""

    def answer(call: Call) -> Reply:
        height = int(call.body["params"][0], 16)
        block: dict[str, Any] = {"number": hex(height), "timestamp": hex(height * 12)}
        block |= {"hash": "0x" + "4" * 64, "transactions": [], "miner": OTHER}
        if height == 101:
            block["blockExtraData"] = "0x000000000000" + STAKER[2:].upper() + "00000000"
        if height == 102:
            block["miner"] = STAKER
        return Reply({"jsonrpc": "2.0", "id": call.body["id"], "result": block})

    with serve(answer) as server:
        found = node(server.url).block_leads(STAKER, Interval(100, 103))
        with pytest.raises(NotServed):
            node(server.url).block_leads(STAKER, Interval(100, 900))
    assert [lead.height for lead in found] == [101, 102]
    assert "import or export" in found[0].what
    assert "made this block" in found[1].what
