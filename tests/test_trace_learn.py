"""What a trace wants to know is asked of real sources before the local explorer and a node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from test_profile_contract import CASES, DEV, Scene, source_of, staged
from test_tx_logs import swap
from world.scripted_server import Call, Reply, serve

from monitor.loops.passing import PollWorld
from monitor.loops.pool import SourcePool
from monitor.loops.trace_learn import Learner
from monitor.model import Subject
from monitor.model.trace import Code, Need, Wanted


def node(call: Call) -> Reply:
    """One that shows no code and a number of transactions, and knows no receipt."""
    told = {"eth_getCode": "0x", "eth_getTransactionCount": "0x2"}
    result: Any = told.get(call.body["method"])
    return Reply({"jsonrpc": "2.0", "id": call.body["id"], "result": result})


@contextmanager
def learning(kind: int = 0) -> Iterator[tuple[Scene, Learner]]:
    """The node first, as the settings may have it."""
    with staged(CASES[kind]) as scene, serve(node) as server:
        sources = [source_of("evm_rpc", DEV, server.url, "node"), scene.source]
        pools = {DEV.key: SourcePool(DEV, sources, sure_for=0.0)}
        world = PollWorld(
            *({DEV.key: DEV}, pools, {}, lambda *_: [], lambda: 1_800_000_000),
            *(lambda _: 60, lambda _: None),
        )
        yield scene, Learner(world, threads=1)


def want(scene: Scene, need: Need, tx: str = "") -> list[Wanted]:
    return [Wanted(need, Subject(DEV.key, scene.me), 0, tx)]


def test_who_lists_what_an_address_did_is_asked_first() -> None:
    """A node knows nothing of whom it paid, and three calls are all there are."""
    with learning() as (scene, learner):
        for n in range(5):
            scene.pay(scene.me, scene.stranger(n))
        learned = learner.learn(want(scene, Need.PROFILE), None)
        (profile,) = learned.profiles
        assert (profile.code, profile.transactions, profile.busiest_day) == (Code.NONE, 5, 5)
        assert (learned.calls, profile.calls, profile.at) == (3, 3, 1_800_000_000)


def test_a_contract_is_asked_about_once() -> None:
    with learning() as (scene, learner):
        scene.ledger.codes[scene.me] = "0x6001"
        learned = learner.learn(want(scene, Need.PROFILE), None)
        assert (learned.profiles[0].code, learned.calls) == (Code.CONTRACT, 1)


def test_what_one_does_not_say_another_does() -> None:
    with learning() as (scene, learner):
        scene.knobs.lacks = frozenset({"eth_getCode", "txlist", "tokentx"})
        (profile,) = learner.learn(want(scene, Need.PROFILE), None).profiles
        assert (profile.code, profile.transactions, profile.at_least) == (Code.NONE, 2, True)


def test_the_receipt_is_what_stands_behind_the_whole_of_a_transaction() -> None:
    """Its digest, not that of the answers that come beside it."""
    with learning() as (scene, learner):
        tx = swap(scene)
        learned = learner.learn(want(scene, Need.ANATOMY, tx.hash), None)
        (anatomy,) = learned.anatomies
        assert len(anatomy.legs) == 4
        assert learned.calls == 1 + 2  # the node that does not know it, the receipt, the coins
        assert anatomy.source == "mine"
        with scene.source.hearing() as heard:
            scene.source.tx_logs(tx.hash)
        assert anatomy.sha256 == heard[0].sha256 != heard[-1].sha256
        assert anatomy.sha256 == hashlib.sha256(heard[0].body()).hexdigest()
