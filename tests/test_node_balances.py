"""What a node says that addresses hold: a real node, odd contracts, and nodes that answer badly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from world.evm_node import LOCAL
from world.evm_world import calldata, created_by, deploy_data
from world.odd_contracts import ETHER, MULTICALL, OWNER, data_of, deploy, put_multicall, send
from world.parts import Rpc, anvil
from world.scripted_server import Call, Reply, Server, serve

from monitor.model import SourceConfig
from monitor.model.balance import Holding
from monitor.model.errors import BadResponse, NotServed, NotYet, Unavailable, WrongChain
from monitor.net.http import Http
from monitor.net.sources.evm_balances import KEPT, BalanceReader
from monitor.net.sources.evm_batch import DAY
from monitor.net.sources.evm_rpc import EvmRpc, parse_head


def node_of(url: str, attempts: int = 1, **chain: Any) -> EvmRpc:
    local = replace(LOCAL, **chain)
    return EvmRpc(SourceConfig("node", "evm_rpc", url), local, Http("node", url, attempts=attempts))


def address(number: int) -> str:
    return "0x" + sha256(f"somebody {number}".encode()).hexdigest()[:40]


@pytest.fixture
def coin(evm_node: Rpc) -> str:
    """A token on a chain of its own, which OWNER deployed."""
    evm_node.call("anvil_setBalance", OWNER, hex(1000 * ETHER))
    send(evm_node, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    return created_by(OWNER, 0)


def height(rpc: Rpc) -> int:
    return int(rpc.call("eth_blockNumber"), 16)


@pytest.fixture(params=[False, True], ids=["batches", "multicall"])
def chain(evm_node: Rpc, coin: str, request: pytest.FixtureRequest) -> Rpc:
    """With Multicall3 and without: what is said is the same."""
    if request.param:
        put_multicall(evm_node)
    return evm_node


def crowd(rpc: Rpc, coin: str, count: int) -> dict[Holding, int]:
    """Addresses, with what each holds in coins and in the token."""
    truth: dict[Holding, int] = {}
    for n in range(count):
        who = address(n)
        truth[Holding(who)], truth[Holding(who, coin)] = n % 7 * 10**15 + n, n % 5 * 10**6
        rpc.call("anvil_setBalance", who, hex(truth[Holding(who)]))
        if truth[Holding(who, coin)]:
            data = calldata("Coin", "mint", who, truth[Holding(who, coin)])
            send(rpc, coin, data, mine=False)
    rpc.call("evm_mine")
    rpc.call("evm_mine")
    return truth


def test_hundreds_of_holdings_to_the_last_unit(chain: Rpc, coin: str) -> None:
    truth = crowd(chain, coin, 250)
    source = node_of(chain.url)
    for at in (None, height(chain)):
        word = source.balances(list(truth), at)
        assert word.said == truth
        assert not word.unsaid
        assert word.low == word.high == replace(source.head(), final_height=None)


@pytest.mark.parametrize(("multicall", "calls"), [(True, 2), (False, 12)])
def test_calls_for_a_thousand_holdings(
    evm_node: Rpc, coin: str, multicall: bool, calls: int
) -> None:
    """Requests; with Multicall3 200 addresses are one question, for the coin and for a token."""
    if multicall:
        put_multicall(evm_node)
    source, at = node_of(evm_node.url), height(evm_node)
    asked = [Holding(address(n), token) for n in range(500) for token in ("", coin)]
    for _ in range(2):
        before = source._http.calls
        word = source.balances(asked, at)
        assert len(word.said) == 1000
        assert word.calls == source._http.calls - before == calls
    assert source.balance_calls(asked) == calls


def test_a_word_is_of_its_block(chain: Rpc, coin: str) -> None:
    """What came later, and what was before, are other figures."""
    me, friend = Holding(OWNER, coin), Holding(address(1), coin)
    send(chain, coin, calldata("Coin", "mint", OWNER, 100))
    minted = height(chain)
    send(chain, coin, calldata("Coin", "transfer", friend.address, 30))
    source = node_of(chain.url)
    assert source.balances([me, friend], minted - 1).said == {me: 0, friend: 0}
    assert source.balances([me, friend], minted).said == {me: 100, friend: 0}
    assert source.balances([me, friend], minted + 1).said == {me: 70, friend: 30}
    with pytest.raises(NotYet):
        source.balances([me], minted + 100)
    assert source.old_heights


def test_before_a_token_was_there_nobody_held_it(chain: Rpc, coin: str) -> None:
    who = [Holding(address(n), coin) for n in range(3)]
    send(chain, coin, calldata("Coin", "mint", who[0].address, 5))
    source = node_of(chain.url)
    word = source.balances([*who, Holding(OWNER)], 0)
    assert [word.said[each] for each in who] == [0, 0, 0]
    assert source.balances(who, None).said == {who[0]: 5, who[1]: 0, who[2]: 0}


def test_shares_are_told_where_the_contract_counts_them(chain: Rpc, coin: str) -> None:
    token = deploy(chain, "Rebasing")
    send(chain, token, data_of("Rebasing", "mint", OWNER, 1000))
    send(chain, token, data_of("Rebasing", "grow", 25))
    amount = Holding(OWNER, token)
    shares, scaled = (replace(amount, shares=by) for by in ("sharesOf", "scaledBalanceOf"))
    word = node_of(chain.url).balances([amount, shares, scaled], None)
    assert word.said == {amount: 1250, shares: 1000, scaled: 1000}


# -- hostile contracts ---------------------------------------------------------------------

ODD = {
    0: None,  # any balance it likes: a figure, which nobody believes for anything
    1: "gas|EVM error",
    2: "too many requests",  # the contract's word, not the node's
    3: "no amount",
    4: "no amount",
    5: "answered nothing",
    6: "no amount",
    7: "missing trie node",
}


@pytest.mark.parametrize("kind", ODD)
def test_a_strangers_token_takes_nothing_else_with_it(chain: Rpc, coin: str, kind: int) -> None:
    """Burnt gas, reverts in the words of a node, answers too short, too long, empty, huge."""
    truth = crowd(chain, coin, 30)
    forged = deploy(chain, "Forged", kind)
    odd = [Holding(address(n), forged) for n in range(40)]
    source = node_of(chain.url)
    word = source.balances([*odd, *truth], None)
    said = {each: amount for each, amount in word.said.items() if each.contract != forged}
    assert said == truth
    reason = ODD[kind]
    if reason is None:
        assert {word.said[each] for each in odd} == {10**30}
    else:
        assert set(word.unsaid) == set(odd)
        assert any(part in word.unsaid[odd[0]] for part in reason.split("|")), word.unsaid[odd[0]]
        alone = source.balances(odd[:1], None)
        assert set(alone.unsaid) == set(odd[:1])
    assert source.old_heights
    assert word.calls <= 6


def test_what_a_token_does_when_it_is_asked_changes_no_other_figure(chain: Rpc, coin: str) -> None:
    """Multicall3's calls are real ones: this token spends an allowance and pays coins in them."""
    victim = Holding(address(1)), Holding(address(1), coin)
    chain.call("anvil_setBalance", victim[0].address, hex(ETHER))
    send(chain, coin, calldata("Coin", "mint", victim[0].address, 50))
    thief = deploy(chain, "Thief", coin, victim[0].address, value=1000)
    send(chain, coin, calldata("Coin", "approve", thief, 50), sender=victim[0].address)
    chain.call("anvil_setBalance", victim[0].address, hex(ETHER))
    chain.call("evm_mine")
    others = [Holding(address(n), c) for n in (2, 3) for c in ("", coin, thief)]
    asked = [Holding(victim[0].address, thief), *others, *victim]
    for order in (asked, asked[::-1]):
        said = node_of(chain.url).balances(order, None).said
        assert (said[victim[0]], said[victim[1]]) == (ETHER, 50)


def test_another_chain_says_nothing(chain: Rpc) -> None:
    with pytest.raises(WrongChain):
        node_of(chain.url, chain_id=1).balances([Holding(OWNER)], None)


# -- nodes that answer badly ---------------------------------------------------------------


@contextmanager
def between(rpc: Rpc, change: Callable[[Call], Reply | None]) -> Iterator[Server]:
    """A node behind somebody who answers some requests himself."""

    def answer(call: Call) -> Reply:
        own = change(call)
        if own is not None:
            return own
        return Reply(rpc._session.post(rpc.url, json=call.body, timeout=30).json())

    with serve(answer) as server:
        yield server


def told(rpc: Rpc, call: Call, own: Callable[[str, Any], dict[str, Any] | None]) -> Reply:
    """A batch's answers, some of them of one's own making: `result` or `error`."""
    found = []
    for each in call.body:
        said = own(each["method"], each["params"])
        if said is None:
            said = rpc._session.post(rpc.url, json=each, timeout=30).json()
        found.append({**said, "jsonrpc": "2.0", "id": each["id"]})
    return Reply(found)


def test_a_node_without_batches_is_asked_one_by_one(chain: Rpc, coin: str) -> None:
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}
    truth = crowd(chain, coin, 6)
    with between(chain, lambda c: Reply(refusal) if isinstance(c.body, list) else None) as server:
        source = node_of(server.url)
        assert source.balances(list(truth), None).said == truth
        before = len(server.calls)
        assert source.balances(list(truth), None).said == truth
        assert len(server.calls) - before == source.balance_calls(list(truth))
        assert not any(isinstance(each.body, list) for each in server.calls[before:])


def test_a_node_that_knows_no_block_hashes_is_asked_by_number(chain: Rpc, coin: str) -> None:
    """And looked at once more afterwards."""
    truth = crowd(chain, coin, 6)

    def by_number(call: Call) -> Reply:
        def own(_: str, params: Any) -> dict[str, Any] | None:
            if any(isinstance(each, dict) and "blockHash" in each for each in params):
                return {"error": {"code": -32602, "message": "invalid argument 1: no hex string"}}
            return None

        return told(chain, call, own)

    with between(chain, by_number) as server:
        source = node_of(server.url)
        assert source.balances(list(truth), None).said == truth
        before = len(server.calls)
        assert source.balances(list(truth), None).said == truth
        assert len(server.calls) - before == 3


@pytest.mark.parametrize("hashes", [True, False])
def test_a_reorganisation_meanwhile_mixes_no_states(chain: Rpc, coin: str, hashes: bool) -> None:
    """Between the block and the balances the chain is another one: no word."""
    holding = Holding(address(1), coin)
    send(chain, coin, calldata("Coin", "mint", holding.address, 5))
    at = height(chain)
    source = node_of(chain.url)
    assert source.balances([holding], at).said == {holding: 5}
    seen = []

    def reorganise(call: Call) -> Reply | None:
        methods = {each["method"] for each in call.body}
        if not hashes and any("blockHash" in str(each["params"]) for each in call.body):
            error = {"code": -32602, "message": "invalid argument"}
            return told(chain, call, lambda *_: {"error": error})
        if "eth_chainId" not in methods and not seen:
            seen.append(call)
            chain.call("anvil_reorg", 2, [])
        return None

    with between(chain, reorganise) as server:
        source = node_of(server.url)
        with pytest.raises((NotYet, BadResponse)):
            source.balances([holding], at)
        assert source.balances([holding], at).said == {holding: 0}
    assert seen


def test_a_node_without_the_past_says_so_for_a_day(coin: str) -> None:
    """Anvil keeps no old states with this option."""
    with anvil("--prune-history") as rpc:
        rpc.call("anvil_setBalance", OWNER, hex(ETHER))
        rpc.call("anvil_mine", "0x20")
        now = [0.0]
        reader = BalanceReader("node", LOCAL, parse_head, lambda: now[0])
        http = Http("node", rpc.url, attempts=1)
        asked = [Holding(OWNER)]
        with pytest.raises(NotYet, match="state of block 5"):
            reader.read(lambda sent: http.post("", sent), asked, 5)
        assert not reader.old_heights
        before = http.calls
        with pytest.raises(NotYet, match="so old"):
            reader.read(lambda sent: http.post("", sent), asked, 5)
        assert http.calls == before
        word = reader.read(lambda sent: http.post("", sent), asked, None)
        assert (word.said, word.high.height) == ({asked[0]: ETHER}, 0x20)
        now[0] = DAY
        assert reader.old_heights


def test_blocks_that_are_too_old_do_not_speak_against_final_ones(chain: Rpc, coin: str) -> None:
    """A node with the last blocks' states has those that lists are proven to."""
    chain.call("anvil_mine", hex(3 * KEPT))
    newest = height(chain)
    asked = [Holding(OWNER)]

    def pruned(call: Call) -> Reply:
        def own(method: str, params: Any) -> dict[str, Any] | None:
            by_hash = next((p for p in params if isinstance(p, dict) and "blockHash" in p), None)
            if by_hash is None:
                return None
            block = chain.call("eth_getBlockByHash", by_hash["blockHash"], False)
            if int(block["number"], 16) >= newest - 127:
                return None
            return {"error": {"code": -32000, "message": "missing trie node 12ab (path )"}}

        return told(chain, call, own)

    with between(chain, pruned) as server:
        source = node_of(server.url)
        with pytest.raises(NotYet):
            source.balances(asked, newest - 200)
        assert source.old_heights
        before = len(server.calls)
        with pytest.raises(NotYet):
            source.balances(asked, newest - 300)
        assert len(server.calls) == before
        assert source.balances(asked, newest - 64).said


def test_a_node_without_state_is_not_believed(chain: Rpc, coin: str) -> None:
    """It knows the blocks, and says of everybody that there is nothing (erigon, pruned)."""

    def nothing(call: Call) -> Reply:
        def own(method: str, _: Any) -> dict[str, Any] | None:
            plain = {"eth_getBalance": "0x0", "eth_getCode": "0x", "eth_call": "0x"}
            return {"result": plain[method]} if method in plain else None

        return told(chain, call, own)

    asked = [Holding(OWNER), Holding(OWNER, coin)]
    with between(chain, nothing) as server:
        word = node_of(server.url).balances(asked, None)
        assert not word.said
        assert set(word.unsaid) == set(asked)


def test_what_is_not_served_is_told_from_what_fails(chain: Rpc, coin: str) -> None:
    def without(message: str) -> Callable[[Call], Reply]:
        def refuse(call: Call) -> Reply:
            def own(method: str, _: Any) -> dict[str, Any] | None:
                state = method in ("eth_getBalance", "eth_getCode", "eth_call")
                return {"error": {"code": -32601, "message": message}} if state else None

            return told(chain, call, own)

        return refuse

    missing = without("the method eth_getBalance does not exist")
    with between(chain, missing) as server, pytest.raises(NotServed):
        node_of(server.url).balances([Holding(OWNER)], None)
    with between(chain, lambda _: Reply(b"", status=503)) as server:
        with pytest.raises(Unavailable):
            node_of(server.url).balances([Holding(OWNER)], None)
        assert len(server.calls) == 1


def test_one_question_that_is_too_much_does_not_take_the_others_with_it(
    chain: Rpc, coin: str
) -> None:
    """A node that breaks off whatever asks for one token, batch and all."""
    truth = crowd(chain, coin, 12)
    forged = Holding(OWNER, deploy(chain, "Forged", 1))

    def slow(call: Call) -> Reply | None:
        return Reply(b"", status=504) if forged.contract[2:] in str(call.body) else None

    with between(chain, slow) as server:
        word = node_of(server.url).balances([*truth, forged], None)
        assert word.said == truth
        assert set(word.unsaid) == {forged}
        assert word.calls < 20


def test_code_at_its_address_is_not_enough_to_be_multicall3(evm_node: Rpc, coin: str) -> None:
    """Whatever stands there: it is asked for the chain's id too."""
    truth = crowd(evm_node, coin, 40)
    evm_node.call("anvil_setCode", MULTICALL, "0x60206000f3")  # answers zeros to everything
    evm_node.call("evm_mine")
    assert node_of(evm_node.url).balances(list(truth), None).said == truth
