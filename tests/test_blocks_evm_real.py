"""Whole blocks of Ethereum as they were: exactly their transfers, by an independent extractor
(blockchain-etl, MIT), and exactly the labels that match in them."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world.evm_node import matches
from world.scripted_server import Call, Reply, serve
from world.trail import ETH

from monitor.chains.evm import EVM
from monitor.model import Ask, Batch, Head, Interval, Kind, SourceConfig, Transfer
from monitor.model.scope import Members
from monitor.net import sources
from monitor.net.http import Http
from monitor.net.sources import evm_bloom

DATA = Path(__file__).resolve().parents[2] / "shared/data/tx"
ETL = DATA / "eth/ethereum_etl_17173049_17173050"
SMALL = DATA / "eth/rpc_small"
WETH9 = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
MAINNET = replace(ETH, key="ethereum", chain_id=1, wrapped=WETH9)
FIRST, LAST = 17173049, 17173050

pytestmark = pytest.mark.skipif(not ETL.exists(), reason="../shared is absent")


def told(name: str) -> Iterator[Mapping[str, Any]]:
    with (ETL / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


class Node:
    """A node that has these two blocks, in its own words."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.logs: dict[str, list[Any]] = defaultdict(list)
        for log in told("expected_logs.jsonl"):
            self.logs[log["block_hash"]].append(_log(log))
        self.receipts: dict[str, Any] = {}
        txs: dict[str, list[Any]] = defaultdict(list)
        for tx in told("expected_transactions.jsonl"):
            txs[tx["block_hash"]].append(_transaction(tx))
            self.receipts[tx["hash"]] = self._receipt(tx)
        blocks = [_header(block, txs[block["hash"]]) for block in told("expected_blocks.jsonl")]
        self.blocks = {int(block["number"], 16): block for block in blocks}

    def __call__(self, call: Call) -> Reply:
        batch = call.body if isinstance(call.body, list) else [call.body]
        answers = [self._answer(asked) for asked in batch]
        return Reply(answers if isinstance(call.body, list) else answers[0])

    def _answer(self, asked: Any) -> Any:
        self.asked[asked["method"]] += 1
        result = getattr(self, asked["method"])(*asked["params"])
        return {"jsonrpc": "2.0", "id": asked["id"], "result": result}

    def eth_getBlockByNumber(self, which: str, _: bool) -> Any:
        return self.blocks[int(which, 16)]

    def eth_getLogs(self, query: Any) -> Any:
        if "blockHash" in query:
            found = self.logs[query["blockHash"]]
        else:
            heights = range(int(query["fromBlock"], 16), int(query["toBlock"], 16) + 1)
            found = [log for h in heights for log in self.logs[self.blocks[h]["hash"]]]
        return [log for log in found if matches(log["topics"], query["topics"])]

    def eth_getTransactionReceipt(self, tx: str) -> Any:
        return self.receipts[tx]

    def eth_getBlockReceipts(self, which: str) -> Any:
        return [self.receipts[tx["hash"]] for tx in self.blocks[int(which, 16)]["transactions"]]

    def _receipt(self, tx: Mapping[str, Any]) -> Any:
        mine = [log for log in self.logs[tx["block_hash"]] if log["transactionHash"] == tx["hash"]]
        return {
            "transactionHash": tx["hash"],
            "blockHash": tx["block_hash"],
            "blockNumber": hex(tx["block_number"]),
            "gasUsed": hex(tx["receipt_gas_used"]),
            "effectiveGasPrice": hex(tx["receipt_effective_gas_price"]),
            "contractAddress": tx["receipt_contract_address"],
            "status": hex(tx["receipt_status"]),
            "type": hex(tx["transaction_type"]),
            "logs": mine,
        }


def _log(log: Mapping[str, Any]) -> Any:
    return {
        "address": log["address"],
        "topics": log["topics"],
        "data": log["data"],
        "blockNumber": hex(log["block_number"]),
        "blockHash": log["block_hash"],
        "transactionHash": log["transaction_hash"],
        "transactionIndex": hex(log["transaction_index"]),
        "logIndex": hex(log["log_index"]),
    }


def _transaction(tx: Mapping[str, Any]) -> Any:
    return {
        "hash": tx["hash"],
        "from": tx["from_address"],
        "to": tx["to_address"],
        "value": hex(int(tx["value"])),
        "nonce": hex(tx["nonce"]),
        "input": tx["input"],
        "gas": hex(tx["gas"]),
        "gasPrice": hex(tx["gas_price"]),
        "type": hex(tx["transaction_type"]),
        "transactionIndex": hex(tx["transaction_index"]),
        "blockHash": tx["block_hash"],
        "blockNumber": hex(tx["block_number"]),
    }


def _header(block: Mapping[str, Any], txs: list[Any]) -> Any:
    def withdrawal(each: Mapping[str, Any]) -> Any:
        numbers = {name: hex(each[name]) for name in ("index", "amount")}
        return {**numbers, "validatorIndex": "0x1", "address": each["address"]}

    return {
        "number": hex(block["number"]),
        "hash": block["hash"],
        "parentHash": block["parent_hash"],
        "timestamp": hex(block["timestamp"]),
        "logsBloom": block["logs_bloom"],
        "transactionsRoot": block["transactions_root"],
        "gasUsed": hex(block["gas_used"]),
        "miner": block["miner"],
        "difficulty": "0x0",
        "baseFeePerGas": hex(block["base_fee_per_gas"]),
        "transactions": sorted(txs, key=lambda tx: int(tx["transactionIndex"], 16)),
        "withdrawals": [withdrawal(each) for each in block["withdrawals"]],
    }


@contextmanager
def serving() -> Iterator[tuple[Node, Any]]:
    node = Node()
    with serve(node) as server:
        config = SourceConfig("mine", "evm_rpc", server.url, rate_per_second=1e4, traces="none")
        made = sources.build(config, MAINNET, Http("mine", server.url, attempts=1))
        yield node, sources.whole_of(made)


def read(face: Any, members: Mapping[str, int]) -> Batch:
    (streams,) = face.bundles
    head = Head(LAST, 1683030011)
    ask = Ask((), streams, Interval(FIRST, LAST), head, members=Members(members))
    batch: Batch = face.fetch(ask)
    assert batch.read == Interval(FIRST, LAST)
    assert not batch.gaps
    return batch


def everybody() -> dict[str, int]:
    found = {t[end] for t in told("expected_token_transfers.jsonl") for end in ENDS}
    for tx in told("expected_transactions.jsonl"):
        found |= {tx["from_address"], tx["to_address"], tx["receipt_contract_address"]}
    for block in told("expected_blocks.jsonl"):
        found |= {each["address"] for each in block["withdrawals"]} | {block["miner"]}
    return dict.fromkeys(found - {None, EVM.zero}, 0)


ENDS = ("from_address", "to_address")


def test_real_blocks_give_exactly_their_transfers() -> None:
    with serving() as (_, face):
        found = read(face, everybody()).transfers
    tokens = [t for t in found if t.kind in (Kind.ERC20, Kind.ERC721)]
    moved = Counter(
        (t.tx, t.log_index, t.contract, t.sender, t.recipient, int(t.token_id or t.amount))
        for t in tokens
        if _extracted(t)
    )
    ends = ("transaction_hash", "log_index", "token_address", *ENDS)
    assert moved == Counter(
        (*(t[end] for end in ends), int(t["value"]))
        for t in told("expected_token_transfers.jsonl")
        if t["value"] is not None
    )
    assert {t.kind for t in tokens} == {Kind.ERC20, Kind.ERC721}
    sent = list(told("expected_transactions.jsonl"))
    assert {(t.tx, t.sender, t.amount) for t in found if t.kind is Kind.FEE} == {
        (s["hash"], s["from_address"], s["receipt_gas_used"] * s["receipt_effective_gas_price"])
        for s in sent
    }
    native = {(t.tx, t.sender, t.recipient, t.amount) for t in found if t.kind is Kind.NATIVE}
    assert native == {
        (s["hash"], s["from_address"], s["to_address"] or s["receipt_contract_address"], value)
        for s in sent
        if s["receipt_status"] == 1
        and ((value := int(s["value"])) or not s["to_address"] or s["input"] == "0x")
    }
    assert {(t.tx, t.recipient, t.amount) for t in found if t.kind is Kind.WITHDRAWAL} == {
        (f"withdrawal_{each['index']}", each["address"], each["amount"] * 10**9)
        for block in told("expected_blocks.jsonl")
        for each in block["withdrawals"]
    }
    tips: Counter[int] = Counter()
    blocks = {block["number"]: block for block in told("expected_blocks.jsonl")}
    for s in sent:
        above = s["receipt_effective_gas_price"] - blocks[s["block_number"]]["base_fee_per_gas"]
        tips[s["block_number"]] += s["receipt_gas_used"] * above
    assert {(t.tx, t.recipient, t.amount) for t in found if t.kind is Kind.REWARD} == {
        (f"reward_{height}", block["miner"], tips[height]) for height, block in blocks.items()
    }


def test_real_blocks_match_exactly_the_labels_that_are_in_them() -> None:
    with (DATA / "expected_label_matches.tsv").open(encoding="utf-8") as lines:
        rows = [r for r in csv.DictReader(lines, delimiter="\t") if r["chain"] == "ethereum"]
    labelled = {r["address"] for r in rows}
    assert len(rows) > 300
    with serving() as (_, face):
        found = read(face, dict.fromkeys(labelled, 0)).transfers
    logs = {("log", t.tx, t.log_index, end) for t in found if _extracted(t) for end in _ends(t)}
    expected_logs = {
        ("log", r["txid"], int(r["position"].removeprefix("log:")), (r["direction"], r["address"]))
        for r in rows
        if r["position"] != "tx"
    }
    assert {each for each in logs if each[3][1] in labelled} == expected_logs
    failed = {tx["hash"] for tx in told("expected_transactions.jsonl") if tx["receipt_status"] != 1}
    paid = {(t.tx, t.sender) for t in found if t.kind is Kind.FEE}
    assert paid == {(r["txid"], r["address"]) for r in rows if _is(r, "out")}
    got = {(t.tx, t.recipient) for t in found if t.kind is Kind.NATIVE and t.amount}
    assert {each for each in got if each[1] in labelled} == {
        (r["txid"], r["address"])
        for r in rows
        if _is(r, "in") and float(r["amount"].split()[0]) and r["txid"] not in failed
    }


def _is(row: Mapping[str, str], direction: str) -> bool:
    return row["position"] == "tx" and row["direction"] == direction


def _extracted(t: Transfer) -> bool:
    """Whether it is of a log that the extractor knows: no wrap, which has an event of its own."""
    wrap = t.contract == WETH9 and EVM.zero in t.parties()
    return t.kind in (Kind.ERC20, Kind.ERC721) and not wrap


def _ends(t: Transfer) -> list[tuple[str, str]]:
    return [("out", t.sender or ""), ("in", t.recipient or "")]


def test_strangers_cost_nothing_but_the_blocks() -> None:
    """No receipt is asked for, and nothing of the answers is kept but their digests."""
    with serving() as (node, face):
        batch = read(face, {f"0x{n:040x}": 0 for n in range(2, 1000)})
    assert batch.transfers == ()
    assert batch.heard == ()
    assert len(batch.digests) >= 1
    assert not node.asked["eth_getTransactionReceipt"] + node.asked["eth_getBlockReceipts"]


def test_what_is_kept_of_answers_names_what_matched_and_nothing_else() -> None:
    (one,) = [tx for tx in told("expected_transactions.jsonl") if tx["transaction_index"] == 5][:1]
    with serving() as (_, face):
        batch = read(face, {one["from_address"]: 0})
    txs = {t.tx for t in batch.transfers}
    assert one["hash"] in txs
    assert txs == {tx for heard in batch.heard for tx in heard.names}
    for heard in batch.heard:
        assert heard.sha256 in batch.digests
        said = heard.body().decode()
        assert {tx for tx in txs if tx in said} == heard.names
        others = {tx["hash"] for tx in told("expected_transactions.jsonl")} - txs
        assert not [tx for tx in others if tx in said]


def test_a_bloom_is_that_of_the_logs() -> None:
    """Of real blocks: worked out from all their logs it is what the header says."""
    node = Node()
    for block in node.blocks.values():
        logs = node.logs[block["hash"]]
        assert len(logs) > 200
        assert evm_bloom.of_logs(logs) == evm_bloom.bloom_of(block)
        assert evm_bloom.of_logs(logs[:100]) != evm_bloom.bloom_of(block)
        assert evm_bloom.may_hold(evm_bloom.bloom_of(block), evm_bloom.wanted(MAINNET))
