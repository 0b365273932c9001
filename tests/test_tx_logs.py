"""The contract of every source that tells what a whole transaction wrote, over real HTTP on
loopback: all logs as they are, and everybody's movements of tokens, with the legs of lists."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_profile_contract import ACCOUNTS, CASES, DEV, EVMS, Case, Scene, source_of, staged
from world.evm_world import calldata, created_by, deploy_data
from world.parts import Rpc
from world.recordings import kept, needs_recordings
from world.scripted_server import Call, Reply, serve
from world.tron_parts import TRON

from monitor.decide.asking import tells_logs
from monitor.demo.world.moves import Act, Internal, RawLog, TokenMove, Tx
from monitor.model import Ask, Interval
from monitor.model.errors import BadResponse, NotServed, NotYet, SourceError, Unavailable
from monitor.model.events import TxLogs
from monitor.model.watch import Subject
from monitor.net.sources.evm_logs import DEPOSIT, TRANSFER, topic_of
from monitor.net.sources.evm_receipts import parse_receipt
from monitor.net.sources.tron_logs import parse_info_logs

TOPIC = "0x" + "17" * 32
DATA = "0x" + "05" * 32 + "ab" * 32


def swap(scene: Scene) -> Tx:
    """A swap that the address signed: what it gave and got, what two others moved between them,
    and a bridge's deposit last."""
    me, peer, shop, token = scene.case.people
    moves = (
        TokenMove("ERC-20", token, me, shop, 10, 3),
        TokenMove("ERC-20", token, shop, peer, 4, 5),
        TokenMove("ERC-20", token, shop, peer, 4, 6),
        TokenMove("ERC-20", shop, peer, me, 99, 8),
    )
    deposit = RawLog(peer, (TOPIC, "0x" + "0" * 64), DATA, 9)
    tx = Tx(scene.name(), me, shop, 0, gas_price=1, input="0xab", tokens=moves, logs=(deposit,))
    scene.ledger.mine([tx])
    return tx


@ACCOUNTS
def test_all_that_was_written_is_told(case: Case) -> None:
    with staged(case) as scene:
        me, peer, shop, token = case.people
        tx = swap(scene)
        assert tells_logs(scene.source)
        scene.server.calls.clear()
        told: TxLogs = scene.source.tx_logs(tx.hash)
        assert len(scene.server.calls) == (1 if case.family == "tron" else 2)
        assert (told.tx, told.height, told.to) == (tx.hash, scene.ledger.head.height, shop)
        assert told.sender == (None if case.family == "tron" else me)
        moved = [(leg.contract, leg.sender, leg.recipient, leg.amount) for leg in told.legs]
        between = (token, shop, peer, 4)
        assert moved == [(token, me, shop, 10), between, between, (shop, peer, me, 99)]
        assert len({leg.leg for leg in told.legs}) == 4  # equal ones are two
        assert all(leg.tx == tx.hash and leg.block_height == told.height for leg in told.legs)
        assert all(leg.time == told.time for leg in told.legs)
        assert [log.contract for log in told.logs] == [token, token, token, shop, peer]
        assert (told.logs[-1].topics, told.logs[-1].data) == (tx.logs[0].topics, DATA)
        assert told.logs[-1].log_index == (4 if case.family == "tron" else 9)
        assert told.logs[0].topics[0] == TRANSFER


@ACCOUNTS
def test_legs_are_those_of_the_lists(case: Case) -> None:
    """So that what others moved can be told from what the record holds already."""
    with staged(case) as scene:
        tx = swap(scene)
        told = {leg.leg for leg in scene.source.tx_logs(tx.hash).legs}
        source, head = scene.source, scene.source.head()
        bundle = next(b for b in source.bundles if {"erc20", "trc20"} & b)
        top = head.time * 1000 if case.family == "tron" else head.height
        ask = Ask((Subject(case.chain.key, scene.me),), bundle, Interval(0, top), head)
        listed = {each.leg for each in source.fetch(ask).transfers}
        assert len(listed) == 2
        assert listed < told


@ACCOUNTS
def test_a_transaction_that_failed_wrote_nothing(case: Case) -> None:
    with staged(case) as scene:
        me, peer, shop, token = case.people
        moves = (TokenMove("ERC-20", token, me, peer, 10),)
        tx = Tx(scene.name(), me, shop, 0, ok=False, gas_price=1, input="0xab", tokens=moves)
        scene.ledger.mine([tx])
        told = scene.source.tx_logs(tx.hash)
        assert (told.legs, told.logs, told.height) == ((), (), scene.ledger.head.height)


@ACCOUNTS
def test_a_payment_without_logs(case: Case) -> None:
    with staged(case) as scene:
        scene.pay(scene.me, case.people[1])
        name = scene.ledger.head.txs[0].hash
        told = scene.source.tx_logs(name)
        assert (told.legs, told.logs) == ((), ())
        with pytest.raises(NotYet):
            scene.source.tx_logs(name[:-1] + "f")


def inner(scene: Scene) -> Tx:
    """A router that takes coins and pays two others with them, and one call that was undone."""
    me, peer, shop, _ = scene.case.people
    calls = (
        Internal(me, shop, 12, path=""),
        Internal(shop, peer, 5, path="0"),
        Internal(shop, peer, 5, path="1"),
        Internal(peer, shop, 1, path="1_0", failed=True),
        Internal(shop, me, 2, path="2"),
    )
    tx = Tx(scene.name(), me, shop, 12, gas_price=1, input="0xab", internals=calls)
    scene.ledger.mine([tx])
    return tx


@ACCOUNTS
def test_coins_that_calls_inside_moved_are_told(case: Case) -> None:
    """Of everybody, with the legs that lists have; what was undone moved nothing."""
    with staged(case) as scene:
        me, peer, shop, _ = case.people
        told = scene.source.tx_logs(inner(scene).hash)
        moved = [(leg.sender, leg.recipient, leg.amount) for leg in told.legs]
        assert moved == [(shop, peer, 5), (shop, peer, 5), (shop, me, 2)]
        source, head = scene.source, scene.source.head()
        bundle = next(b for b in source.bundles if "internal" in b)
        top = head.time * 1000 if case.family == "tron" else head.height
        ask = Ask((Subject(case.chain.key, peer),), bundle, Interval(0, top), head)
        rows = source.fetch(ask).transfers
        assert {each.leg for each in rows if each.kind == "internal"} == {
            leg.leg for leg in told.legs if leg.recipient == peer
        }
        assert all(leg.block_height == told.height for leg in told.legs)


@EVMS
def test_calls_that_are_told_later_or_of_another_transaction(case: Case) -> None:
    with staged(case) as scene:
        tx = inner(scene)
        odd: Any = Reply(b"", 503)
        scene.instead = lambda call: odd if "txhash" in call.query and not proxied(call) else None
        with pytest.raises(Unavailable):
            scene.source.tx_logs(tx.hash)
        row = {"blockNumber": "1", "from": scene.me, "to": scene.me, "value": "5", "type": "call"}
        row |= {"isError": "0", "timeStamp": "7"}
        for other in ({"blockNumber": "9"}, {"hash": "0x" + "f" * 64}):
            odd = Reply({"status": "1", "message": "OK", "result": [{**row, **other}]})
            with pytest.raises(BadResponse):
                scene.source.tx_logs(tx.hash)
        odd = Reply({"status": "1", "message": "OK", "result": [row]})
        assert [leg.amount for leg in scene.source.tx_logs(tx.hash).legs] == [5]
        odd = Reply({"status": "1", "message": "OK", "result": [row, {**row, "value": "-1"}]})
        assert scene.source.tx_logs(tx.hash).legs == ()


def proxied(call: Call) -> bool:
    return call.query.get("module") == "proxy"


@EVMS
def test_without_a_list_of_calls_the_logs_stand_alone(case: Case) -> None:
    with staged(case) as scene:
        tx = inner(scene)
        scene.knobs.lacks = frozenset({"txlistinternal"})
        assert scene.source.tx_logs(tx.hash).legs == ()
        if case.kind == "blockscout":
            scene.knobs.lacks, scene.knobs.internals_upto = frozenset(), 0
            assert scene.source.tx_logs(tx.hash).legs == ()


def test_chains_without_logs_have_no_such_word() -> None:
    for case in CASES[3:]:
        with staged(case) as scene:
            assert not tells_logs(scene.source)


def test_acts_of_issuers_are_told_too() -> None:
    with staged(CASES[0]) as scene:
        me, _, _, token = scene.case.people
        act = Act("DestroyedBlackFunds", token, me, 5)
        scene.ledger.mine([Tx(scene.name(), token, token, 0, input="0xab", acts=(act,))])
        (log,) = scene.source.tx_logs(scene.ledger.head.txs[0].hash).logs
        assert log.contract == token
        assert int(log.data[-64:], 16) == 5


# --- Blockscout's own pages -------------------------------------------------------------------


@pytest.mark.parametrize("page", [None, 2, 1])
def test_blockscout_without_calls_of_a_node(page: int | None) -> None:
    """The transaction and its logs, page by page: the same, and its time besides."""
    with staged(CASES[1]) as scene:
        tx = swap(scene)
        by_receipt = scene.source.tx_logs(tx.hash)
        scene.knobs.lacks = frozenset({"eth_getTransactionReceipt"})
        scene.knobs.page_cap = page
        by_pages = scene.source.tx_logs(tx.hash)
        time = scene.ledger.head.time
        assert by_pages.time == time
        assert all(leg.time == time for leg in by_pages.legs)
        untimed = tuple(replace(leg, time=None) for leg in by_pages.legs)
        assert replace(by_pages, time=None, legs=untimed) == by_receipt
        with pytest.raises(NotYet):
            scene.source.tx_logs("0x" + "f" * 64)


def test_more_pages_than_are_read() -> None:
    with staged(CASES[1]) as scene:
        logs = tuple(RawLog(scene.me, (TOPIC,), "0x", n) for n in range(41))
        scene.ledger.mine([Tx(scene.name(), scene.me, scene.me, logs=logs)])
        scene.knobs.lacks = frozenset({"eth_getTransactionReceipt"})
        scene.knobs.page_cap = 1
        with pytest.raises(NotServed):
            scene.source.tx_logs(scene.ledger.head.txs[0].hash)


# --- answers that are not believed ------------------------------------------------------------


def receipt(**more: Any) -> dict[str, Any]:
    log = {
        "address": "0x" + "d" * 40,
        "topics": [TRANSFER, topic_of("0x" + "a" * 40), topic_of("0x" + "b" * 40)],
        "data": f"0x{7:064x}",
        "blockNumber": "0x5",
        "blockHash": "0x" + "5" * 64,
        "transactionHash": "0x" + "1" * 64,
        "transactionIndex": "0x0",
        "logIndex": "0x2",
    }
    return {
        "transactionHash": "0x" + "1" * 64,
        "blockNumber": "0x5",
        "blockHash": "0x" + "5" * 64,
        "status": "0x1",
        "from": "0x" + "a" * 40,
        "to": "0x" + "d" * 40,
        "logs": [{**log, **more.pop("log", {})}],
        **more,
    }


def read(told: object) -> TxLogs:
    return parse_receipt("node", DEV, "0x" + "1" * 64, told)


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        receipt(transactionHash="0x" + "2" * 64),
        receipt(status="1"),
        receipt(blockNumber=None),
        receipt(**{"from": None}),
        receipt(to="0x12"),
        receipt(logs=None),
        receipt(logs={}),
        receipt(logs=["log"]),
        receipt(logs=receipt()["logs"] * 2),
        receipt(log={"transactionHash": "0x" + "2" * 64}),
        receipt(log={"blockNumber": "0x6"}),
        receipt(log={"logIndex": None}),
        receipt(log={"logIndex": hex(2**70)}),
        receipt(log={"topics": "none"}),
        receipt(log={"topics": ["0x12"]}),
        receipt(log={"data": "0x123"}),
        receipt(log={"data": None}),
        receipt(log={"address": "somebody"}),
    ],
)
def test_a_receipt_that_cannot_be_read(told: Any) -> None:
    with pytest.raises(BadResponse):
        read(told)


def test_what_only_looks_like_a_movement_is_told_and_moves_nothing() -> None:
    """Anybody's contract can write it: it must not hide what the others moved."""
    whole = receipt()
    (log,) = whole["logs"]
    odd = {**log, "data": f"0x{7:064x}{8:064x}", "logIndex": "0x3"}
    told = read({**whole, "logs": [log, odd]})
    assert (len(told.logs), len(told.legs)) == (2, 1)
    assert told.legs[0].log_index == 2


def test_wrapping_that_two_events_tell_counts_once() -> None:
    me = topic_of("0x" + "a" * 40)
    whole = receipt()
    (log,) = whole["logs"]
    deposit = {**log, "topics": [DEPOSIT, me]}
    mint = {**log, "topics": [TRANSFER, topic_of("0x" + "0" * 40), me], "logIndex": "0x3"}
    assert len(read({**whole, "logs": [deposit]}).legs) == 1
    told = read({**whole, "logs": [deposit, mint]})
    assert (len(told.logs), len(told.legs)) == (2, 1)


def test_times_of_logs_are_taken_where_they_are_told() -> None:
    told = read(receipt(log={"blockTimestamp": "0x10"}))
    assert (told.time, told.legs[0].time) == (16, 16)
    told = read(receipt())
    assert (told.time, told.legs[0].time) == (None, None)
    assert read(receipt(to=None)).to is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("0x"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


def info(**more: Any) -> dict[str, Any]:
    transfer = {"address": "d" * 40, "topics": [TRANSFER[2:], "0" * 64, "1" * 64], "data": "7" * 64}
    transfer |= more.pop("row", {})
    at = {"id": "1" * 64, "blockNumber": 5, "blockTimeStamp": 5000}
    return {**at, "contract_address": "41" + "d" * 40, "log": [transfer], **more}


@given(st.sampled_from(sorted(receipt())), st.sampled_from(sorted(receipt()["logs"][0])), JSON)
def test_no_member_of_a_receipt_makes_it_fall(member: str, inside: str, value: Any) -> None:
    for told in (receipt(**{member: value}), receipt(log={inside: value}), value):
        with suppress(SourceError):
            assert isinstance(read(told), TxLogs)


@given(st.sampled_from(sorted(info())), st.sampled_from(sorted(info()["log"][0])), JSON)
def test_no_member_of_a_tron_answer_makes_it_fall(member: str, inside: str, value: Any) -> None:
    assert len(parse_info_logs("grid", TRON, "1" * 64, info()).legs) == 1
    for told in (info(**{member: value}), info(row={inside: value}), value):
        with suppress(SourceError):
            assert isinstance(parse_info_logs("grid", TRON, "1" * 64, told), TxLogs)


@ACCOUNTS
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b'{"result":7}', b'{"id":"1"}'])
def test_what_cannot_be_read_is_a_source_error(case: Case, body: bytes) -> None:
    with staged(case) as scene:
        tx = swap(scene)
        scene.instead = lambda _: Reply(body)
        with pytest.raises(SourceError):
            scene.source.tx_logs(tx.hash)


@ACCOUNTS
def test_another_transaction_is_no_answer(case: Case) -> None:
    with staged(case) as scene:
        tx = swap(scene)
        scene.pay(scene.me, case.people[1])
        other = scene.ledger.head.txs[0].hash
        scene.about = lambda asked: asked.replace(other, tx.hash)
        with pytest.raises(BadResponse):
            scene.source.tx_logs(other)


@EVMS
def test_it_can_be_heard(case: Case) -> None:
    """The answer is evidence, and its digest names it."""
    with staged(case) as scene:
        tx = swap(scene)
        with scene.source.hearing() as heard:
            scene.source.tx_logs(tx.hash)
        assert len(heard) == 2
        assert tx.hash in heard[0].body().decode()


# --- real answers ---------------------------------------------------------------------------------


def test_a_node_without_traces_is_asked_for_them_once() -> None:
    """Logs alone are what it can tell."""

    def answer(call: Call) -> Reply:
        at = {"jsonrpc": "2.0", "id": call.body["id"]}
        if call.body["method"] == "eth_getTransactionReceipt":
            return Reply({**at, "result": receipt()})
        return Reply({**at, "error": {"code": -32601, "message": "the method does not exist"}})

    with serve(answer) as server:
        source = source_of("evm_rpc", DEV, server.url)
        for _ in range(3):
            assert len(source.tx_logs("0x" + "1" * 64).legs) == 1
        assert len(server.calls) == 3 + 2


def told_by(kind: str, recorded: Any, tx: str, **chain: Any) -> TxLogs:
    def answer(call: Call) -> Reply:
        if kind == "trongrid":
            return Reply(recorded)
        number = call.body["id"] if call.body else 1
        return Reply({"jsonrpc": "2.0", "id": number, "result": recorded})

    case = next((c for c in CASES if c.kind == kind), CASES[0])
    with serve(answer) as server:
        tail = "/v2/api" if kind == "etherscan" else ""
        source = source_of(kind, replace(case.chain, **chain), server.url + tail)
        told: TxLogs = source.tx_logs(tx)
        return told


@needs_recordings
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("etherscan/proxy_eth_getTransactionReceipt_logs.json", "etherscan"),
        ("etherscan/proxy_eth_getTransactionReceipt_op.json", "etherscan"),
        ("etherscan/proxy_eth_getTransactionReceipt_arb.json", "etherscan"),
        ("blockscout/pro_json_rpc_getTransactionReceipt.json", "blockscout"),
        ("evm_rpc/base_getTransactionReceipt.json", "evm_rpc"),
        ("evm_rpc/gem_transfer_nft_eip721_receipt.json", "evm_rpc"),
        ("evm_rpc/gem_transfer_nft_eip1155_receipt.json", "evm_rpc"),
    ],
)
def test_recorded_receipts(name: str, kind: str) -> None:
    """Every log, and a leg for every log that is a movement by its first topic."""
    body = kept(name)
    result = body.get("result", body)
    told = told_by(kind, result, result["transactionHash"], wrapped="")
    assert len(told.logs) == len(result["logs"])
    assert [hex(log.log_index) for log in told.logs] == [log["logIndex"] for log in result["logs"]]
    events = {log["logIndex"]: log["topics"][:1] for log in result["logs"]}
    moves = [n for n, topics in events.items() if topics == [TRANSFER]]
    erc1155 = [leg for leg in told.legs if leg.kind == "erc1155"]
    assert len(told.legs) - len(erc1155) == len(moves)
    assert bool(erc1155) == ("1155" in name)
    assert told.sender == result["from"].lower()


# --- a real node ----------------------------------------------------------------------------------


def test_a_real_node_tells_what_strangers_moved(evm_node: Rpc) -> None:
    source = source_of("evm_rpc", replace(DEV, wrapped=""), evm_node.url)
    owner, holder = "0x" + "a1" * 20, "0x" + "b2" * 20

    def send(data: str, **to: str) -> str:
        call = {"from": owner, "data": data, "gas": hex(2_000_000), **to}
        tx: str = evm_node.call("eth_sendTransaction", call)
        evm_node.call("evm_mine")
        return tx

    evm_node.call("anvil_setBalance", owner, hex(10**20))
    # Any code that pays 3 wei of what it got to somebody: CALL(gas, holder, 3, ...).
    payer = "0x" + "c3" * 20
    evm_node.call("anvil_setCode", payer, f"0x6000600060006000600373{holder[2:]}5af100")
    paid = source.tx_logs(send("0x", to=payer, value="0x5"))
    assert [(leg.sender, leg.recipient, leg.amount) for leg in paid.legs] == [(payer, holder, 3)]
    assert (paid.legs[0].kind, paid.logs) == ("internal", ())
    send(deploy_data("Coin", "USD Coin", "USDC", 6))
    tx = send(calldata("Coin", "mint", holder, 7), to=created_by(owner, 1))
    told = source.tx_logs(tx)
    assert [(leg.recipient, leg.amount) for leg in told.legs] == [(holder, 7)]
    block = evm_node.call("eth_getBlockByNumber", "latest", False)
    assert told.time == int(block["timestamp"], 16)
    assert (told.sender, told.height) == (owner, int(block["number"], 16))
    with pytest.raises(NotYet):
        source.tx_logs("0x" + "9" * 64)
