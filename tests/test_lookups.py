"""Look-ups by hash: bounded in number and time, whole blocks where many are wanted, and a
source that fails one is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from world.fake_ledger import FakeLedger, FakeSource
from world.play import ETHEREUM, A, X, native
from world.scripted_server import Call, Reply, serve

from monitor.loops import lookups
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Lookup, SourceConfig
from monitor.model.errors import Refused, Unavailable
from monitor.model.plan import Question
from monitor.net import sources
from monitor.net.http import Http


class Slow(FakeSource):
    """Takes its time for every look-up, and fails if it has a fault."""

    spent = 0.0
    seconds = 20.0
    fault: Exception | None = None

    def transaction(self, tx: str) -> Lookup:
        self.spent += self.seconds
        if self.fault is not None:
            raise self.fault
        return super().transaction(tx)


def asked(ledger: FakeLedger, count: int, why: str = "missing") -> list[Question]:
    """So many transactions in one block."""
    txs = [ledger.pay(*native(X, A, n + 1)).hash for n in range(count)]
    ledger.mine()
    return [Question(tx, height=1, why=why) for tx in txs]


def pool_of(*names: str) -> tuple[FakeLedger, list[Slow], SourcePool]:
    ledger = FakeLedger(ETHEREUM)
    made = [Slow(ledger, name) for name in names]
    return ledger, made, SourcePool(ETHEREUM, made)


def test_a_source_that_hangs_is_waited_for_once() -> None:
    """Twenty-five questions, two sources that hang for twenty seconds each: one look-up a plan,
    whose alerts wait no longer; a source that hung twice is left alone, and the other one asked."""
    ledger, made, pool = pool_of("one", "two")
    wanted = asked(ledger, 25)
    for source in made:
        source.fault = Unavailable("no answer within 20 s")
    for plan in range(4):
        answers = lookups.answer(pool, wanted, clock=lambda: sum(s.spent for s in made))
        assert (answers.lookups, answers.mute) == ({}, False)
        assert sum(s.spent for s in made) == 20.0 * (plan + 1)
    assert [source.spent for source in made] == [40.0, 40.0]
    assert not any(pool.usable(source, everything=False) for source in made)
    assert lookups.answer(pool, wanted).lookups == {}


@pytest.mark.parametrize(("why", "begun"), [("missing", 6), ("success", 2)])
def test_a_slow_source_has_one_deadline_a_plan(why: str, begun: int) -> None:
    """It answers, after five seconds each time: what can wait waits sooner."""
    ledger, (source,), pool = pool_of("one")
    source.seconds = 5.0
    answers = lookups.answer(pool, asked(ledger, 25, why), clock=lambda: source.spent)
    assert len(answers.lookups) == begun


def test_at_most_fifty_and_the_urgent_ones_first() -> None:
    """What decides whether a movement happened goes before receipts and second words."""
    ledger, (source,), pool = pool_of("one")
    source.seconds = 0.0
    success, missing = asked(ledger, 60, "success"), asked(ledger, 10)
    answers = lookups.answer(pool, [*success, *missing])
    assert len(answers.lookups) == lookups.MAX_QUESTIONS
    assert {q.tx for q in missing} <= answers.lookups.keys()


def test_a_block_is_compared_once_for_all_its_rows() -> None:
    """Sixty rows of one block that nobody knows: its hash is asked for one time."""
    ledger, (source,), pool = pool_of("one")
    wanted = asked(ledger, 50)
    source.seconds, source.forgotten = 0.0, {q.tx for q in wanted}
    answers = lookups.answer(pool, wanted)
    assert answers.hashes == {("one", 1): ledger.view.blocks[1].hash}
    assert all(not word.found for words in answers.lookups.values() for word in words)


def test_who_looks_nothing_up_is_not_called_ill() -> None:
    """A source without look-ups is healthy; a chain where all are so is mute."""
    ledger, (one, two), pool = pool_of("one", "two")
    wanted = asked(ledger, 3)
    one.fault = two.fault = Refused("no look-ups here")
    assert lookups.answer(pool, wanted).mute
    assert all(pool.usable(source, everything=False) for source in (one, two))
    two.fault = Unavailable("no answer")
    assert not lookups.answer(pool, wanted).mute


def test_found_by_the_teller_where_the_other_lags() -> None:
    """One silence is not the end: the next source is asked."""
    ledger, (_, two), pool = pool_of("one", "two")
    (question,) = asked(ledger, 1)
    two.stale = 3
    question = Question(question.tx, frozenset({"one"}), 1, "success")
    (words,) = lookups.answer(pool, [question]).lookups.values()
    assert [(w.source, w.found) for w in words] == [("two", False), ("one", True)]


# -- a node that tells the receipts of whole blocks -------------------------------------------

NODE = Chain("dev", "Dev", "evm", "ETH", 18, 4, chain_id=31337, block_time=10)


def _hash(number: int) -> str:
    return f"0x{number:064x}"


class Node:
    """Answers JSON-RPC for a chain of twenty blocks; block 9 holds transactions 0 to 69, of
    which number 7 failed."""

    def __init__(self, *, whole_blocks: bool = True) -> None:
        self.whole_blocks = whole_blocks
        self.methods: list[str] = []

    def __call__(self, call: Call) -> Reply:
        method, params = call.body["method"], call.body["params"]
        self.methods.append(method)
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": call.body["id"]}
        if method == "eth_getBlockReceipts" and not self.whole_blocks:
            return Reply({**told, "error": {"code": -32601, "message": "unsupported method"}})
        result = {
            "eth_chainId": lambda: hex(31337),
            "eth_getBlockByNumber": lambda: self.block(params[0]),
            "eth_getBlockReceipts": lambda: [self.receipt(n) for n in range(70)],
            "eth_getTransactionReceipt": lambda: self.receipt(int(params[0], 16)),
        }[method]()
        return Reply({**told, "result": result})

    def block(self, which: str) -> dict[str, str]:
        height = {"latest": 20, "finalized": 16}.get(which) or int(which, 16)
        time = hex(1_700_000_000 + 10 * height)
        return {"number": hex(height), "hash": _hash(1000 + height), "timestamp": time}

    def receipt(self, number: int) -> dict[str, str]:
        status = "0x0" if number == 7 else "0x1"
        return {
            "transactionHash": _hash(number),
            "blockNumber": "0x9",
            "blockHash": _hash(1009),
            "status": status,
        }


@pytest.mark.parametrize("whole_blocks", [True, False])
def test_receipts_of_a_whole_block(whole_blocks: bool) -> None:
    """Seventy of one block in one call, failures among them; without that call, fifty."""
    node = Node(whole_blocks=whole_blocks)
    wanted = [Question(_hash(n), height=9, why="success") for n in range(70)]
    with serve(node) as server:
        config = SourceConfig("node", "evm_rpc", server.url)
        source = sources.build(config, NODE, Http("node", config.url, attempts=1))
        answers = lookups.answer(SourcePool(NODE, [source]), wanted)
    assert node.methods.count("eth_getBlockReceipts") == 1
    singles = node.methods.count("eth_getTransactionReceipt")
    assert (len(answers.lookups), singles) == ((70, 0) if whole_blocks else (49, 49))
    failed = {tx for tx, words in answers.lookups.items() if words[0].failed}
    assert failed == {_hash(7)}
