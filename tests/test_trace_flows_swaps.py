"""Swaps, wraps, NFTs, and contracts that pay somebody else: what became what in a transaction."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.trail import DAI, JUNK, PUNKS, USD, USDC, WETH, ZERO, Trail

from monitor.analysis.attribution.numbers import EXACT
from monitor.analysis.attribution.replay import Replay
from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.steps import Flows, Step
from monitor.model import Kind, Subject, Transfer, account_leg
from monitor.model.flow import METHODS, Account, Ground, Moved, Spent, Turned
from monitor.model.trace import NFT_PARTS, Anatomy, Name

ETHER = 10**18
VECTORS = Path(__file__).resolve().parents[2] / "shared/tracing/vectors.json"


def said(flows: Flows) -> list[tuple[Any, ...]]:
    """Each step in short: a conversion with what came out and for whom."""
    return [_short(step) for step in flows.steps if not step.fee]


def _short(step: Step) -> tuple[Any, ...]:
    flow = step.flow
    if isinstance(flow, Turned):
        given = (flow.giver.asset, flow.given, flow.taker.asset, flow.got)
        return (step.via, flow.giver.holder, flow.taker.holder, *given)
    assert isinstance(flow, Moved)
    return (step.tx, flow.giver.holder, flow.taker.holder, flow.giver.asset, flow.amount)


def swapped(trail: Trail, tx: str, address: str = "A", pool: str = "P") -> None:
    """100 USDC for 0.05 ether by way of a pool."""
    trail.move(tx, address, pool, 100_000_000, contract=USDC)
    trail.move(tx, pool, address, ETHER // 20, kind=Kind.INTERNAL)
    trail.fee(tx, address)


def anatomy(tx: str, *moves: tuple[str, str, str, int]) -> dict[tuple[str, str], Anatomy]:
    """Token movements of everybody: contract, giver, taker, amount."""
    legs = tuple(
        Transfer(
            "ethereum",
            tx,
            account_leg(Kind.ERC20, contract, None, giver, taker, amount, 0),
            Kind.ERC20,
            giver,
            taker,
            amount,
            contract,
            log_index=n,
        )
        for n, (contract, giver, taker, amount) in enumerate(moves)
    )
    return {("ethereum", tx): Anatomy("ethereum", tx, legs)}


# --- one asset for another ---------------------------------------------------------------------


@pytest.mark.skipif(not VECTORS.exists(), reason="../shared is absent")
def test_vector_a13_through_rows() -> None:
    """A swap through a router: every method says what was worked out by hand."""
    vectors = json.loads(VECTORS.read_text("utf-8"))["vectors"]
    expected = next(v for v in vectors if v["id"] == "A13")["expected"]
    trail = Trail(followed=["A", "B"])
    trail.move("t1", "S", "A", 200, contract=USDC)
    trail.move("t2", "A", "R", 250, contract=USDC)
    trail.move("t2", "R", "A", 100, contract=DAI)
    trail.move("t3", "A", "B", 40, contract=DAI)
    flows = flows_of(trail.known())
    a, d = Account("ethereum", "A", USDC), Account("ethereum", "A", DAI)
    ground = Ground(flows.sources, frozenset(), {a: Fraction(300), d: Fraction(60)})
    result = Replay(EXACT).run([step.flow for step in flows.steps], ground)
    left = {"A/USDC": a, "A/mETH": d, "B/mETH": Account("ethereum", "B", DAI)}
    for method in METHODS:
        for name, wanted in expected[method]["taint_left"].items():
            shares = result.left.get(left[name], {}).get(method, {})
            assert sum(p.amount for p in shares.values()) == Fraction(wanted), (method, name)


def test_a_swap_is_one_step_named_after_what_went_in_and_the_pool_gets_no_edge() -> None:
    trail = Trail(followed=["A", "B"], prices=USD)
    swapped(trail, "t1")
    flows = flows_of(trail.known())
    assert said(flows) == [("swap", "A", "A", USDC, 100_000_000, "", ETHER // 20)]
    step = flows.steps[0]
    assert step.leg == f"erc20|{USDC}|-|A|P|100000000|0"
    assert (step.sender, step.recipient) == (Subject("ethereum", "A"),) * 2
    assert step.got is not None
    assert (step.got.symbol, step.got_amount, step.rule) == ("ETH", ETHER // 20, "")
    assert flows.unclear == ()


def test_what_comes_back_of_the_same_asset_is_netted() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "P", 100, contract=USDC)
    trail.move("t1", "P", "A", 3, contract=USDC)
    trail.move("t1", "P", "A", 95, contract=DAI)
    assert said(flows_of(trail.known())) == [("swap", "A", "A", USDC, 97, DAI, 95)]


def test_change_that_comes_back_and_coins_that_are_only_lent_do_not_count() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "R", 100)
    trail.move("t1", "R", "A", 30, kind=Kind.INTERNAL)
    trail.move("t2", "L", "A", 5000, contract=USDC, log_index=1)
    trail.move("t2", "A", "L", 5001, contract=USDC, log_index=9)
    trail.move("t3", "A", "R", 7)
    trail.move("t3", "R", "A", 7, kind=Kind.INTERNAL)
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "A", "R", "", 70), ("t2", "A", "L", USDC, 1)]
    assert flows.steps[0].rule == "30 base units of it came back in the same transaction."


def test_what_a_source_swaps_for_itself_has_not_left_it() -> None:
    trail = Trail(prices=USD)
    swapped(trail, "t1", "S")
    trail.move("t1b", "S", WETH, ETHER)
    trail.move("t1b", ZERO, "S", ETHER, contract=WETH)
    trail.move("t2", "S", "A", ETHER)
    assert said(flows_of(trail.known())) == [("t2", "S", "A", "", ETHER)]


def test_for_an_unverified_token_there_is_no_swap() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "P", 100, contract=USDC)
    trail.move("t1", "P", "A", 10**30, contract=JUNK)
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "A", "P", USDC, 100)]
    assert flows.ignored == {"unverified": 1}


def test_who_gets_next_to_nothing_back_has_paid() -> None:
    """A contract of one's own that returns a thousandth takes nothing out of the trace."""
    trail = Trail(followed=["A"], prices=USD)
    trail.move("t1", "A", "P", 1_000_000_000, contract=USDC)
    trail.move("t1", "P", "A", ETHER // 2000, kind=Kind.INTERNAL)
    flows = flows_of(trail.known())
    assert said(flows) == [
        ("swap", "A", "A", USDC, 1_000_000, "", ETHER // 2000),
        ("t1", "A", "P", USDC, 999_000_000),
    ]
    assert "0.1 % of what was given" in flows.steps[0].rule
    assert len({step.flow.id for step in flows.steps}) == 2


def test_of_what_is_worth_far_more_only_what_fits_was_bought() -> None:
    trail = Trail(followed=["A"], prices=USD)
    trail.move("t1", "A", "P", 1_000_000, contract=USDC)
    trail.move("t1", "P", "A", ETHER, kind=Kind.INTERNAL)
    flows = flows_of(trail.known())
    assert said(flows) == [
        ("t1", "@origin", "A", "", ETHER - ETHER // 2000),
        ("swap", "A", "A", USDC, 1_000_000, "", ETHER // 2000),
    ]


def test_several_assets_share_by_what_they_were_worth_then() -> None:
    trail = Trail(followed=["A"], prices=USD)
    trail.move("t1", "A", "P", ETHER)
    trail.move("t1", "P", "A", 500_000_000, contract=USDC)
    trail.move("t1", "P", "A", 1_500_000_000, contract=DAI)
    trail.move("t2", "A", "P", 500_000_000, contract=USDC)
    trail.move("t2", "A", "P", 1_500_000_000, contract=DAI)
    trail.move("t2", "P", "A", ETHER, kind=Kind.INTERNAL)
    flows = flows_of(trail.known())
    assert said(flows) == [
        ("swap", "A", "A", "", ETHER // 4, USDC, 500_000_000),
        ("swap", "A", "A", "", ETHER - ETHER // 4, DAI, 1_500_000_000),
        ("swap", "A", "A", USDC, 500_000_000, "", ETHER // 4),
        ("swap", "A", "A", DAI, 1_500_000_000, "", ETHER - ETHER // 4),
    ]
    assert flows.steps[0].rule.startswith("2 assets in one transaction")


def test_where_there_is_no_price_to_share_by_nothing_is_guessed() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "P", ETHER)
    trail.move("t1", "P", "A", 5, contract=USDC)
    trail.move("t1", "P", "A", 15, contract=DAI)
    flows = flows_of(trail.known())
    assert ("t1", "A", "P", "", ETHER) in said(flows)
    assert not any(step.via for step in flows.steps)
    assert "not all have a price" in flows.steps[0].rule


# --- wraps ------------------------------------------------------------------------------------


def test_wrapping_is_one_to_one_and_what_is_paid_on_at_once_stays_traced() -> None:
    """A wallet that wraps, and pays the wrapped coin on in the same transaction."""
    trail = Trail(followed=["A"])
    trail.move("t1", "A", WETH, 100)
    trail.move("t1", ZERO, "A", 100, contract=WETH)
    trail.move("t1", "A", "B", 60, contract=WETH)
    trail.move("t2", WETH, "A", 40, kind=Kind.INTERNAL)
    trail.move("t2", "A", ZERO, 40, contract=WETH)
    trail.move("t2", "A", "B", 30, kind=Kind.INTERNAL)
    flows = flows_of(trail.known())
    assert said(flows) == [
        ("wrap", "A", "A", "", 100, WETH, 100),
        ("t1", "A", "B", WETH, 60),
        ("wrap", "A", "A", WETH, 40, "", 40),
        ("t2", "A", "B", "", 30),
    ]


def test_a_wrap_on_the_way_is_part_of_the_swap() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", WETH, 100)
    trail.move("t1", ZERO, "A", 100, contract=WETH)
    trail.move("t1", "A", "P", 100, contract=WETH)
    trail.move("t1", "P", "A", 7, contract=USDC)
    steps = said(flows_of(trail.known()))
    assert steps[0] == ("swap", "A", "A", "", 100, USDC, 7)


# --- NFTs -------------------------------------------------------------------------------------


def test_an_nft_is_bought_sent_on_and_sold() -> None:
    trail = Trail(followed=["A", "B"])
    nft = {"kind": Kind.ERC721, "contract": PUNKS, "token_id": "7"}
    trail.move("t1", "A", "M", ETHER)
    trail.move("t1", "X", "A", 1, **nft)
    trail.move("t2", "A", "B", 1, **nft)
    trail.move("t3", "B", "Y", 1, **nft)
    trail.move("t3", "Y", "B", 2 * ETHER, contract=WETH)
    piece = f"{PUNKS}#7"
    flows = flows_of(trail.known())
    assert said(flows) == [
        ("nft", "A", "A", "", ETHER, piece, NFT_PARTS),
        ("t2", "A", "B", piece, NFT_PARTS),
        ("nft", "B", "B", piece, NFT_PARTS, WETH, 2 * ETHER),
    ]
    assert flows.steps[1].asset.contract == piece


def test_pieces_of_one_purchase_count_the_same() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "M", 10)
    for n in ("1", "2"):
        trail.move("t1", "X", "A", 1, kind=Kind.ERC721, contract=PUNKS, token_id=n)
    trail.move("t1", "X", "A", 2, kind=Kind.ERC1155, contract=JUNK, token_id="3")
    found = said(flows_of(trail.known()))
    assert sorted(step[-1] // NFT_PARTS for step in found) == [1, 1, 2]
    assert sum(step[4] for step in found) == 10


def test_an_nft_that_comes_beside_a_swap_takes_nothing_of_it() -> None:
    trail = Trail(followed=["A"], prices=USD)
    swapped(trail, "t1")
    trail.move("t1", "X", "A", 1, kind=Kind.ERC721, contract=PUNKS, token_id="1")
    assert said(flows_of(trail.known()))[0][3:] == (USDC, 100_000_000, "", ETHER // 20)


# --- contracts that pay somebody else ----------------------------------------------------------


def test_what_may_have_been_passed_on_asks_for_the_whole_transaction() -> None:
    trail = Trail(followed=["A"], contracts=["R"])
    trail.names["N"] = Name("A router", "dex")
    for n, taker in enumerate(("R", "N", "X")):
        trail.move(f"t{n}", "A", taker, 5, contract=USDC)
    flows = flows_of(trail.known())
    assert [step.tx for step in flows.unclear] == ["t0", "t1"]
    assert all(step in flows.steps for step in flows.unclear)


def test_a_swap_that_pays_another_address_goes_on_there() -> None:
    trail = Trail(followed=["A"], contracts=["R"])
    trail.move("t1", "A", "R", 100, contract=USDC)
    trail.anatomies = anatomy(
        "t1",
        (USDC, "A", "R", 100),
        (USDC, "R", "P", 100),
        (DAI, "P", "R", 98),
        (DAI, "R", "B", 98),
    )
    flows = flows_of(trail.known())
    assert said(flows) == [("swap", "A", "B", USDC, 100, DAI, 98)]
    assert flows.steps[0].recipient == Subject("ethereum", "B")
    assert flows.steps[0].rule == "In this transaction R passed it on."
    assert flows.unclear == ()


def test_who_is_paid_out_of_a_contract_is_paid_once_though_he_is_followed() -> None:
    trail = Trail(followed=["A", "B"], contracts=["D"])
    trail.move("t1", "A", "D", 100, contract=USDC)
    trail.move("t1", "D", "B", 100, contract=USDC)
    assert len(flows_of(trail.known()).steps) == 2
    trail.anatomies = anatomy("t1", (USDC, "A", "D", 100), (USDC, "D", "B", 100))
    assert said(flows_of(trail.known())) == [("t1", "A", "B", USDC, 100)]


def test_between_two_addresses_of_the_case_both_exchange_or_it_moves() -> None:
    trail = Trail(followed=["A", "B"])
    trail.move("t1", "A", "B", 100, contract=USDC)
    trail.move("t1", "B", "A", 95, contract=DAI)
    trail.move("t2", "A", "B", 100)
    trail.move("t2", "B", "P", 95, contract=DAI)
    assert said(flows_of(trail.known())) == [
        ("swap", "A", "A", USDC, 100, DAI, 95),
        ("swap", "B", "B", DAI, 95, USDC, 100),
        ("t2", "A", "B", "", 100),
        ("t2", "B", "P", DAI, 95),
    ]


def test_a_source_that_pays_by_a_swap_gives_what_it_was_worth() -> None:
    trail = Trail(prices=USD)
    trail.move("t1", "S", "P", 2_000_000, contract=USDC)
    trail.anatomies = anatomy("t1", (USDC, "S", "P", 2_000_000), (DAI, "P", "B", 1_990_000))
    step = flows_of(trail.known()).steps[0]
    assert (step.via, step.flow.usd) == ("swap", 2_000_000)


def test_a_payment_to_many_goes_on_to_each_and_what_was_kept_stays() -> None:
    trail = Trail(followed=["A"], contracts=["D"])
    trail.move("t1", "A", "D", 100, contract=USDC)
    trail.anatomies = anatomy(
        "t1", (USDC, "A", "D", 100), (USDC, "D", "B", 60), (USDC, "D", "C", 40)
    )
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "A", "B", USDC, 60), ("t1", "A", "C", USDC, 40)]
    assert len({step.flow.id for step in flows.steps}) == 2


def test_a_fee_on_the_way_is_paid_and_the_rest_goes_on() -> None:
    trail = Trail(followed=["A"], contracts=["R"])
    trail.move("t1", "A", "R", 100, contract=USDC)
    trail.anatomies = anatomy(
        "t1",
        *((USDC, "A", "R", 100), (USDC, "R", "F", 1), (USDC, "R", "P", 99)),
        *((DAI, "P", "R", 98), (DAI, "R", "B", 98)),
    )
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "A", "F", USDC, 1), ("swap", "A", "B", USDC, 99, DAI, 98)]
    assert len({step.flow.id for step in flows.steps}) == 2


@pytest.mark.parametrize("last", ["R", ZERO])
def test_what_may_have_been_paid_out_in_coins_is_not_the_fees(last: str) -> None:
    """The router is left with the wrapped coin, or it was burnt: who got the coins no log says,
    and he who got the fee did not get all of it."""
    trail = Trail(followed=["A"], contracts=["R"])
    trail.move("t1", "A", "R", 100, contract=USDC)
    trail.anatomies = anatomy(
        "t1",
        *((USDC, "A", "R", 100), (USDC, "R", "P", 100), (WETH, "P", last, 50)),
        (WETH, "P", "F", 1),
    )
    assert said(flows_of(trail.known())) == [("t1", "A", "R", USDC, 100)]


def test_a_contract_that_keeps_what_it_gets_was_paid() -> None:
    trail = Trail(followed=["A"], contracts=["R"])
    trail.move("t1", "A", "R", 100, contract=USDC)
    trail.anatomies = anatomy("t1", (USDC, "A", "R", 100), (DAI, "Q", "B", 98))
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "A", "R", USDC, 100)]
    assert flows.unclear == ()


def test_who_is_paid_beside_a_swap_is_told_apart_by_the_whole_transaction() -> None:
    """A wallet that swaps a little and pays much in one transaction hides nothing."""
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "P", 10, contract=USDC)
    trail.move("t1", "P", "A", 9, contract=DAI)
    trail.move("t1", "A", "M", 990, contract=USDC)
    before = flows_of(trail.known())
    assert said(before) == [("swap", "A", "A", USDC, 1000, DAI, 9)]
    assert [step.tx for step in before.unclear] == ["t1"]
    told = anatomy("t1", (USDC, "A", "P", 10), (DAI, "P", "A", 9), (USDC, "A", "M", 990))
    after = flows_of(replace(trail, anatomies=told).known())
    assert said(after) == [("t1", "A", "M", USDC, 990), ("swap", "A", "A", USDC, 10, DAI, 9)]
    assert after.unclear == ()


# --- what holds of everything -------------------------------------------------------------------

WHO = ("A", "B", "P", "R", "S", ZERO, WETH)
WHAT = ("", USDC, DAI, WETH)
moved = st.tuples(
    st.integers(1, 4),  # transaction
    st.sampled_from(WHO),
    st.sampled_from(WHO),
    st.sampled_from(WHAT),
    st.integers(1, 40),
    st.sampled_from([None, 1, 2, 3]),
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.lists(moved, max_size=12),
    st.sampled_from([{}, {USDC: Decimal(1), DAI: Decimal(2)}, USD]),
    st.booleans(),
)
def test_however_it_is_read_everybody_is_left_with_what_the_rows_say(
    rows: list[Any], prices: dict[str, Decimal], whole: bool
) -> None:
    """Of followed addresses, by asset; what a source is left with does not matter."""
    trail = Trail(followed=["A", "B"], prices=prices, contracts=["P", "R"])
    net: Counter[Account] = Counter()
    told: dict[str, list[tuple[str, str, str, int]]] = {}
    for tx, giver, taker, asset, amount, log_index in rows:
        kind = Kind.ERC20 if asset else Kind.INTERNAL
        told_more = {"log_index": log_index} if asset else {"trace_path": str(log_index or "")}
        trail.move(f"t{tx}", giver, taker, amount, contract=asset or None, kind=kind, **told_more)
        net[Account("ethereum", giver, asset)] -= amount
        net[Account("ethereum", taker, asset)] += amount
        if asset:
            told.setdefault(f"t{tx}", []).append((asset, giver, taker, amount))
    if whole:
        for tx, logs in told.items():
            trail.anatomies |= anatomy(tx, *logs)
    flows = flows_of(trail.known())
    left: Counter[Account] = Counter()
    for step in flows.steps:
        assert not isinstance(step.flow, Spent)
        given = step.flow.given if isinstance(step.flow, Turned) else step.flow.amount
        got = step.flow.got if isinstance(step.flow, Turned) else step.flow.amount
        assert given > 0
        assert got > 0
        left[step.flow.giver] -= int(given)
        left[step.flow.taker] += int(got)
    for holder in ("A", "B"):
        for asset in WHAT:
            account = Account("ethereum", holder, asset)
            assert left[account] == net[account], (holder, asset)
    assert len({step.flow.id for step in flows.steps}) == len(flows.steps)
