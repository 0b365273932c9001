"""Signs of life of many addresses in one request: a real node, and nodes that answer badly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from world.evm_node import LOCAL
from world.evm_world import calldata, created_by, deploy_data
from world.parts import Rpc
from world.scripted_server import Call, Reply, Server, serve

from monitor.model import SourceConfig
from monitor.model.errors import (
    BadResponse,
    NotServed,
    NotYet,
    RateLimited,
    WrongChain,
)
from monitor.model.life import AT_ONCE
from monitor.net.http import Http
from monitor.net.sources.evm_life_code import program
from monitor.net.sources.evm_rpc import EvmRpc

OWNER, FRIEND = "0x" + "a1" * 20, "0x" + "b2" * 20
ETHER = 10**18


def node_of(url: str, **chain: Any) -> EvmRpc:
    local = replace(LOCAL, **chain)
    return EvmRpc(SourceConfig("node", "evm_rpc", url), local, Http("node", url, attempts=1))


def address(number: int) -> str:
    return "0x" + sha256(f"nobody {number}".encode()).hexdigest()[:40]


def send(rpc: Rpc, sender: str, to: str | None, data: str = "0x", value: int = 0) -> None:
    call = {"from": sender, "data": data, "value": hex(value), "gas": hex(2_000_000)}
    rpc.call("eth_sendTransaction", call | ({"to": to} if to else {}))
    rpc.call("evm_mine")


@pytest.fixture
def coin(evm_node: Rpc) -> str:
    """A token on a chain of its own, which OWNER deployed."""
    evm_node.call("anvil_setBalance", OWNER, hex(100 * ETHER))
    send(evm_node, OWNER, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    return created_by(OWNER, 0)


def height(rpc: Rpc) -> int:
    return int(rpc.call("eth_blockNumber"), 16)


@pytest.mark.parametrize("plainly", [False, True])
def test_every_sign_of_life_is_seen(evm_node: Rpc, coin: str, plainly: bool) -> None:
    """Of hundreds of addresses those that hold, sent or are something are told from the rest."""
    crowd = [address(n) for n in range(500)]
    rich, holder, contract, poor = crowd[3], crowd[250], crowd[499], crowd[77]
    evm_node.call("anvil_setBalance", rich, "0x1")
    send(evm_node, OWNER, coin, calldata("Coin", "mint", holder, 1))
    evm_node.call("anvil_setCode", contract, "0x00")
    evm_node.call("anvil_setBalance", poor, hex(ETHER))
    send(evm_node, poor, FRIEND, value=ETHER // 2)
    evm_node.call("anvil_setBalance", poor, "0x0")  # all of it went
    evm_node.call("evm_mine")
    source = node_of(evm_node.url)
    source._life._runs_code = not plainly
    word = source.life(crowd, [coin], height(evm_node))
    assert word.signs == {
        rich: "coins",
        holder: "verified tokens",
        contract: "code",
        poor: "nonce 1",
    }
    assert word.none == set(crowd) - word.signs.keys()
    assert not word.unsaid
    assert word.head == replace(source.head(), final_height=None)
    assert word.calls == 3


def test_a_word_is_of_its_block(evm_node: Rpc, coin: str) -> None:
    """What came later is no sign of life at the block that was asked about."""
    before = height(evm_node)
    send(evm_node, OWNER, coin, calldata("Coin", "mint", FRIEND, 1))
    source = node_of(evm_node.url)
    assert source.life([FRIEND], [coin], before).none == {FRIEND}
    assert source.life([FRIEND], [coin], before + 1).signs == {FRIEND: "verified tokens"}
    with pytest.raises(NotYet):
        source.life([FRIEND], [coin], before + 100)


def test_a_token_that_does_not_answer_proves_nothing(evm_node: Rpc, coin: str) -> None:
    """A token that reverts is no holding of nothing; a contract that is not there is."""
    reverts = address(9999)
    evm_node.call("anvil_setCode", reverts, "0x60006000fd")
    evm_node.call("evm_mine")
    for runs_code in (True, False):
        source = node_of(evm_node.url)
        source._life._runs_code = runs_code
        word = source.life([FRIEND], [coin, reverts], height(evm_node))
        assert word.unsaid == {FRIEND: "a verified token gave no answer"} or not word.none
        word = source.life([FRIEND], [coin, address(1)], height(evm_node))
        assert word.none == {FRIEND}


def test_tokens_taken_by_signature_leave_nothing_behind(evm_node: Rpc, coin: str) -> None:
    """What is named as not covered: a token that came and was moved on by somebody else."""
    send(evm_node, OWNER, coin, calldata("Coin", "mint", FRIEND, 5))
    evm_node.call("anvil_setBalance", FRIEND, hex(ETHER))
    send(evm_node, FRIEND, coin, calldata("Coin", "transfer", OWNER, 5))
    evm_node.call("anvil_setNonce", FRIEND, "0x0")  # as a permit would leave it
    evm_node.call("anvil_setBalance", FRIEND, "0x0")
    evm_node.call("evm_mine")
    assert node_of(evm_node.url).life([FRIEND], [coin], height(evm_node)).none == {FRIEND}


def test_another_chain_proves_nothing(evm_node: Rpc, coin: str) -> None:
    with pytest.raises(WrongChain):
        node_of(evm_node.url, chain_id=1).life([FRIEND], [coin], height(evm_node))


# -- nodes that answer badly ---------------------------------------------------------------


@contextmanager
def between(rpc: Rpc, change: Callable[[Call], Reply | None]) -> Iterator[Server]:
    """A node behind somebody who answers some requests himself, or changes what is told."""

    def answer(call: Call) -> Reply:
        own = change(call)
        if own is not None:
            return own
        return Reply(rpc._session.post(rpc.url, json=call.body, timeout=30).json())

    with serve(answer) as server:
        yield server


def told(call: Call, results: Callable[[str, Any], Any]) -> Reply:
    """Answers of a node that has no state: by method and parameters."""
    found = []
    for each in call.body:
        result = results(each["method"], each["params"])
        found.append({"jsonrpc": "2.0", "id": each["id"], **result})
    return Reply(found)


def test_a_node_without_state_is_not_believed(evm_node: Rpc, coin: str) -> None:
    """A node that knows the blocks, and says of everybody that there is nothing."""

    def nothing(call: Call) -> Reply | None:
        if not isinstance(call.body, list):
            return None

        def result(method: str, params: Any) -> Any:
            if method in ("eth_chainId", "eth_getBlockByNumber"):
                return {"result": evm_node.call(method, *params)}
            if method == "eth_call" and "to" not in params[0]:
                return {"error": {"code": -32000, "message": "execution reverted"}}
            return {"result": "0x0" if "Count" in method or "Balance" in method else "0x"}

        return told(call, result)

    with between(evm_node, nothing) as server, pytest.raises(BadResponse, match="state"):
        node_of(server.url).life([FRIEND], [coin], height(evm_node))


def test_a_node_that_takes_few_calls_at_once_is_asked_for_fewer(evm_node: Rpc, coin: str) -> None:
    def few(call: Call) -> Reply | None:
        if len(call.body) <= 60:
            return None
        error = {"code": -32600, "message": "batch too large"}
        return Reply({"jsonrpc": "2.0", "id": None, "error": error})

    with between(evm_node, few) as server:
        source = node_of(server.url)
        word = source.life([address(n) for n in range(200)], [coin], height(evm_node))
        assert len(word.none) == 200
        assert word.calls == 2 + 4
        again = source.life([address(n) for n in range(200)], [coin], height(evm_node))
        assert again.calls == 4


@pytest.mark.parametrize(
    "refusal",
    [
        Reply({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}),
        Reply({"message": "batch requests are not supported"}, status=400),
    ],
)
def test_a_node_that_takes_no_batches_is_not_asked_so(evm_node: Rpc, refusal: Reply) -> None:
    with (
        between(evm_node, lambda call: refusal if isinstance(call.body, list) else None) as server,
        pytest.raises(NotServed),
    ):
        node_of(server.url).life([FRIEND], [], height(evm_node))


def _without_one(answers: list[Any]) -> list[Any]:
    return answers[:-1]


def _with_an_error(answers: list[Any]) -> list[Any]:
    error = {"code": -32000, "message": "something went wrong"}
    last = next(a for a in answers if a["id"] == 4)
    return [a for a in answers if a is not last] + [{"jsonrpc": "2.0", "id": 4, "error": error}]


def _with_a_word(answers: list[Any]) -> list[Any]:
    return [{**a, "result": "none"} if a["id"] == 4 else a for a in answers]


@pytest.mark.parametrize("spoil", [_without_one, _with_an_error, _with_a_word])
def test_what_is_missing_is_not_said(
    evm_node: Rpc, coin: str, spoil: Callable[[list[Any]], list[Any]]
) -> None:
    """An answer that lacks a part says nothing of that address, in whichever order it comes."""

    def spoilt(call: Call) -> Reply | None:
        reported = evm_node._session.post(evm_node.url, json=call.body, timeout=30).json()
        return Reply(spoil(sorted(reported, key=lambda a: a["id"]))[::-1])

    with between(evm_node, spoilt) as server:
        source = node_of(server.url)
        crowd = [address(n) for n in range(10)]
        lacking = crowd[9] if spoil is _without_one else crowd[2]
        word = source.life(crowd, [coin], height(evm_node))
        assert set(word.unsaid) == {lacking}
        assert word.none == set(crowd) - {lacking}


def test_an_answer_of_too_many_calls_is_no_refusal_of_batches(evm_node: Rpc) -> None:
    def slow_down(call: Call) -> Reply | None:
        error = {"code": 429, "message": "rate limit"}
        return Reply([{"jsonrpc": "2.0", "id": each["id"], "error": error} for each in call.body])

    with between(evm_node, slow_down) as server, pytest.raises(RateLimited):
        node_of(server.url).life([FRIEND], [], height(evm_node))


def test_the_program_is_what_its_text_says() -> None:
    """It is short enough to be sent as code, and needs nothing newer than Istanbul."""
    code = program()
    assert len(code) < 300
    assert len(code) + 64 + 20 * (AT_ONCE + 50) < 49_152
    assert code.startswith(bytes([0x61]))  # PUSH2, not the newer PUSH0
