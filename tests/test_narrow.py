"""Narrowing a difference to its block: by halving, on invented words and on a real node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_node_balances import address, between, height, node_of, told
from world.evm_node import LOCAL
from world.evm_world import calldata, created_by, deploy_data
from world.odd_contracts import ETHER, OWNER, data_of, deploy, put_multicall, send
from world.parts import Rpc
from world.scripted_server import Call, Reply

from monitor.decide.narrowing import Narrowing
from monitor.loops.narrow import Difference, Narrowed, narrow
from monitor.loops.pool import SourcePool
from monitor.loops.witness import Witness
from monitor.model.balance import Between, Holding

# -- the halving ---------------------------------------------------------------------------

CHANGES = st.dictionaries(
    st.integers(1, 5000), st.integers(-3, 3).filter(bool), min_size=1, max_size=4
)


def left_at(changes: dict[int, int], block: int) -> int:
    return sum(amount for place, amount in changes.items() if place <= block)


def halved(changes: dict[int, int], top: int, forgotten: int = -1) -> tuple[Narrowing, int]:
    """Asked of somebody who says nothing of blocks up to `forgotten`; and how often."""
    search, asked = Narrowing({0: 0, top: left_at(changes, top)}), 0
    while (block := search.next()) is not None:
        asked += 1
        assert search.wants(block)
        if block <= forgotten:
            search.lost(block)
        else:
            search.note(block, left_at(changes, block))
    return search, asked


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_one_change_is_found_in_so_many_questions_as_halving_takes(place: int, top: int) -> None:
    place, top = min(place, top), max(place, top)
    search, asked = halved({place: 5}, top)
    assert search.blocks == Between(place - 1, place)
    assert asked <= top.bit_length()


@given(CHANGES)
def test_what_is_found_holds_all_of_what_is_left(changes: dict[int, int]) -> None:
    """Of several changes all that last lie within; what cancels out may not be seen."""
    top = 6000
    if not left_at(changes, top):
        return
    search, asked = halved(changes, top)
    blocks = search.blocks
    assert left_at(changes, blocks.lo) == 0
    assert left_at(changes, blocks.hi) == left_at(changes, top)
    assert any(blocks.lo < place <= blocks.hi for place in changes)
    assert asked <= 2 * top.bit_length()
    signs = {amount > 0 for amount in changes.values()}
    if len(signs) == 1:
        assert blocks == Between(min(changes) - 1, max(changes))


@given(CHANGES, st.integers(0, 6000))
def test_what_is_forgotten_leaves_it_wider_and_never_wrong(
    changes: dict[int, int], forgotten: int
) -> None:
    top = 6000
    if not left_at(changes, top):
        return
    search, _ = halved(changes, top, min(forgotten, top - 1))
    blocks = search.blocks
    assert left_at(changes, blocks.lo) == 0
    assert left_at(changes, blocks.hi) == left_at(changes, top)
    assert blocks.lo == 0 or blocks.lo > forgotten


# -- on a real node ------------------------------------------------------------------------


@dataclass
class Scene:
    """A chain on which something moves that is not recorded; what is recorded, by block."""

    rpc: Rpc
    coin: str
    recorded: dict[Holding, dict[int, int]] = field(default_factory=dict)

    def mine(self, count: int) -> None:
        self.rpc.call("anvil_mine", hex(count))

    def mint(self, who: str, amount: int, *, record: bool) -> int:
        send(self.rpc, self.coin, calldata("Coin", "mint", who, amount))
        if record:
            self.recorded.setdefault(Holding(who, self.coin), {})[height(self.rpc)] = amount
        return height(self.rpc)

    def difference(self, holding: Holding, blocks: Between) -> Difference:
        rows = self.recorded.get(holding, {})

        def recorded(block: int) -> int:
            return sum(amount for at, amount in rows.items() if at <= block)

        source = node_of(self.rpc.url)
        start, end = (
            source.balances([holding], block).said[holding] - recorded(block)
            for block in (blocks.lo, blocks.hi)
        )
        return Difference(holding, blocks, start, end, recorded)

    def narrow(self, url: str, *differences: Difference, most: int = 60) -> list[Narrowed]:
        source = node_of(url)
        witness = Witness(SourcePool(LOCAL, [source]), lambda: 0)
        found = narrow(witness, source, differences, most)
        return [found[each.holding] for each in differences]


@pytest.fixture
def scene(evm_node: Rpc) -> Scene:
    evm_node.call("anvil_setBalance", OWNER, hex(1000 * ETHER))
    send(evm_node, None, deploy_data("Coin", "USD Coin", "USDC", 6))
    put_multicall(evm_node)
    return Scene(evm_node, created_by(OWNER, 0))


def test_a_hidden_payment_is_found_in_its_block(scene: Scene) -> None:
    """Between recorded movements, of a token and of coins at once, each in its own block."""
    me = address(1)
    start = height(scene.rpc)
    scene.mine(100)
    scene.mint(me, 7, record=True)
    scene.mine(90)
    hidden = scene.mint(me, 40, record=False)
    scene.mine(700)
    send(scene.rpc, me, value=5)
    coins = height(scene.rpc)
    scene.mint(me, 9, record=True)
    scene.mine(100)
    blocks = Between(start, height(scene.rpc))
    asked = [scene.difference(Holding(me, contract), blocks) for contract in (scene.coin, "")]
    posts = []

    def seen(call: Call) -> None:
        posts.append(call)

    with between(scene.rpc, seen) as server:
        found = scene.narrow(server.url, *asked)
    assert found == [Narrowed(Between(hidden - 1, hidden)), Narrowed(Between(coins - 1, coins))]
    words = sum(1 for each in posts if "eth_getBlockByNumber" in str(each.body)) / 2
    assert words <= 2 + 2 * (blocks.hi - blocks.lo).bit_length() + 2


def test_a_destroyed_balance_and_shares_taken_away_are_found_too(scene: Scene) -> None:
    me = address(2)
    issued, shared = deploy(scene.rpc, "Issued"), deploy(scene.rpc, "Rebasing")
    send(scene.rpc, issued, data_of("Issued", "mint", me, 100))
    send(scene.rpc, shared, data_of("Rebasing", "mint", me, 100))
    start = height(scene.rpc)
    scene.mine(30)
    send(scene.rpc, shared, data_of("Rebasing", "grow", 10))
    scene.mine(30)
    send(scene.rpc, issued, data_of("Issued", "destroyBlackFunds", me))
    destroyed = height(scene.rpc)
    scene.mine(30)
    send(scene.rpc, shared, data_of("Rebasing", "take", me, 60))
    taken = height(scene.rpc)
    blocks = Between(start, height(scene.rpc) + 30)
    scene.mine(30)
    asked = [
        scene.difference(holding, blocks)
        for holding in (Holding(me, issued), Holding(me, shared, "sharesOf"))
    ]
    found = scene.narrow(scene.rpc.url, *asked)
    assert [each.blocks.hi for each in found] == [destroyed, taken]
    assert [each.blocks.lo for each in found] == [destroyed - 1, taken - 1]


def test_several_changes_are_held_together(scene: Scene) -> None:
    me, start = address(3), height(scene.rpc)
    scene.mine(50)
    first = scene.mint(me, 3, record=False)
    scene.mine(50)
    last = scene.mint(me, 4, record=False)
    scene.mine(50)
    each = scene.difference(Holding(me, scene.coin), Between(start, height(scene.rpc)))
    assert scene.narrow(scene.rpc.url, each) == [Narrowed(Between(first - 1, last))]


def test_a_source_that_sees_no_difference_narrows_nothing(scene: Scene) -> None:
    """What another one said is not moved to some block."""
    me, start = address(4), height(scene.rpc)
    scene.mine(50)
    blocks = Between(start, height(scene.rpc))
    each = Difference(Holding(me, scene.coin), blocks, 0, 40, lambda _: 0)
    (found,) = scene.narrow(scene.rpc.url, each)
    assert found.blocks == blocks
    assert "something else" in found.reason
    each = Difference(Holding(me, scene.coin), blocks, 7, 0, lambda _: 0)
    (found,) = scene.narrow(scene.rpc.url, each)
    assert found.blocks == blocks


def test_state_that_is_lost_meanwhile_leaves_more_blocks(scene: Scene) -> None:
    me, start = address(5), height(scene.rpc)
    scene.mine(100)
    hidden = scene.mint(me, 40, record=False)
    scene.mine(300)
    blocks = Between(start, height(scene.rpc))
    each = scene.difference(Holding(me, scene.coin), blocks)

    def pruned_below(block: int) -> Callable[[Call], Reply | None]:
        def prune(call: Call) -> Reply | None:
            if not isinstance(call.body, list):
                return None

            def own(_: str, params: Any) -> dict[str, Any] | None:
                by_hash = next((p for p in params if isinstance(p, dict) and "blockHash" in p), {})
                if not by_hash:
                    return None
                known = scene.rpc.call("eth_getBlockByHash", by_hash["blockHash"], False)
                if int(known["number"], 16) >= block:
                    return None
                return {"error": {"code": -32000, "message": "missing trie node 12 (path )"}}

            return told(scene.rpc, call, own)

        return prune

    with between(scene.rpc, pruned_below(hidden + 60)) as server:
        (found,) = scene.narrow(server.url, each)
    assert found.blocks == Between(start, hidden + 60)
    assert "does not say what was before" in found.reason
    with between(scene.rpc, pruned_below(hidden - 60)) as server:
        (found,) = scene.narrow(server.url, each)
    assert found == Narrowed(Between(hidden - 1, hidden))


def test_questions_are_bounded_and_a_node_that_fails_is_left(scene: Scene) -> None:
    me, start = address(6), height(scene.rpc)
    scene.mine(100)
    hidden = scene.mint(me, 40, record=False)
    scene.mine(300)
    each = scene.difference(Holding(me, scene.coin), Between(start, height(scene.rpc)))
    (found,) = scene.narrow(scene.rpc.url, each, most=6)
    assert found.blocks.lo < hidden <= found.blocks.hi
    assert found.blocks.hi - found.blocks.lo < 100
    assert found.reason == "asked often enough"
    with between(scene.rpc, lambda _: Reply(b"", status=503)) as server:
        (found,) = scene.narrow(server.url, each)
    assert found.blocks == each.blocks
    assert found.reason


def test_a_reorganisation_meanwhile_narrows_nothing(scene: Scene) -> None:
    """Answers before it and after it are of two chains."""
    me, start = address(7), height(scene.rpc)
    scene.mine(5)
    hidden = scene.mint(me, 40, record=False)
    scene.mine(4)
    each = scene.difference(Holding(me, scene.coin), Between(start, height(scene.rpc)))
    seen = []

    def reorganise(call: Call) -> None:
        seen.append(call)
        if len(seen) == 8:
            scene.rpc.call("anvil_reorg", 6, [])

    with between(scene.rpc, reorganise) as server:
        (found,) = scene.narrow(server.url, each)
    assert len(seen) > 8
    assert found == Narrowed(each.blocks, "the chain was reorganised meanwhile")
    assert hidden > height(scene.rpc) - 6
