"""What a record comes to for attribution: which rows count, what each is, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.trail import DAI, JUNK, PUNKS, USD, USDC, ZERO, Trail

from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.steps import Flows
from monitor.model import Kind, Status, Subject
from monitor.model.flow import FEES, Account, Moved
from monitor.model.trace import NFT_PARTS

quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def said(flows: Flows) -> list[tuple[Any, ...]]:
    """Each plain movement in short: transaction, giver, taker, amount."""
    steps = [(step.tx, step.flow) for step in flows.steps]
    return [
        (tx, flow.giver.holder, flow.taker.holder, flow.amount)
        for tx, flow in steps
        if isinstance(flow, Moved)
    ]


def account(holder: str, asset: str = "") -> Account:
    return Account("ethereum", holder, asset)


# --- what counts ------------------------------------------------------------------------------


def test_payments_and_fees_come_in_order_and_a_row_that_two_have_is_one_step() -> None:
    """Vector A09: the fee is taken right after the value of its transaction."""
    trail = Trail(followed=["A", "B"])
    trail.move("t1", "S", "A", 100)
    trail.fee("t1", "S", 7)
    trail.move("t2", "A", "B", 40)
    trail.fee("t2", "A", 2)
    trail.move("t3", "X", "A", 50)
    flows = flows_of(trail.known())
    assert said(flows) == [
        ("t1", "S", "A", 100),
        ("t2", "A", "B", 40),
        ("t2", "A", FEES, 2),
        ("t3", "X", "A", 50),
    ]
    assert flows.other is None
    assert flows.sources == {account("S"): "ethereum/S"}
    assert flows.owner[account("A")] == Subject("ethereum", "A")
    fee = flows.steps[2]
    assert (fee.fee, fee.kind, fee.recipient) == (True, "fee", None)


def test_a_source_gives_with_what_it_was_worth_then() -> None:
    trail = Trail(followed=["A"], prices=USD)
    trail.move("t1", "S", "A", 5 * 10**17)
    trail.move("t2", "S", "A", 2_500_000, contract=USDC)
    trail.move("t3", "S", "A", 1, contract=PUNKS, kind=Kind.ERC721, token_id="7")
    trail.fee("t3", "S")
    trail.move("t4", "A", "B", 10)
    steps = flows_of(trail.known()).steps
    assert [step.flow.usd for step in steps] == [1_000_000_000, 2_500_000, None, None]
    assert steps[1].asset.symbol == "USDC"
    assert steps[2].asset.contract == f"{PUNKS}#7"
    assert steps[2].amount == NFT_PARTS


@pytest.mark.parametrize(("since", "since_height"), [(1020, 0), (0, 1020)])
def test_what_a_source_gave_before_is_clean(since: int, since_height: int) -> None:
    trail = Trail(followed=["A"], since=since, since_height=since_height)
    trail.move("t1", "S", "A", 100)
    trail.move("t2", "S", "A", 50)
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "@origin", "A", 100), ("t2", "S", "A", 50)]
    assert flows.steps[0].sender == Subject("ethereum", "S")
    assert list(flows.sources) == [account("S")]


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (Status.PENDING, False),
        (Status.PROVISIONAL, True),
        (Status.FINAL, True),
        (Status.MISSING, True),
        (Status.ORPHANED, False),
        (Status.SUPERSEDED, False),
    ],
)
def test_only_what_stands_in_a_block_counts(status: Status, counts: bool) -> None:
    trail = Trail()
    trail.move("t1", "S", "A", 100, status=status)
    assert bool(flows_of(trail.known()).steps) is counts


def test_what_strangers_can_cause_neither_taints_nor_steers() -> None:
    trail = Trail(followed=["A"])
    trail.tokens["ethereum", JUNK] = ("U\u0405DC", 6)  # a Cyrillic letter in it
    trail.tokens["ethereum", PUNKS] = ("GAME", 18)
    trail.move("t1", "S", "A", 0, contract=USDC)
    trail.move("t2", "S", "X", 5_000_000, contract=JUNK)
    trail.fee("t2", "S")
    trail.move("t3", "S", "Y", 5, contract=PUNKS)
    trail.move("t4", "Z", "A", 5, contract=PUNKS)
    trail.move("t5", "S", "Q", 1, contract=PUNKS, kind=Kind.ERC721, token_id="1")
    flows = flows_of(trail.known())
    assert flows.steps == ()
    assert flows.ignored == {"zero amount": 1, "counterfeit": 1, "forged": 2, "unverified": 1}


def test_an_unverified_token_counts_where_its_giver_signed() -> None:
    trail = Trail(followed=["A"])
    trail.tokens["ethereum", PUNKS] = ("GAME", 18)
    trail.move("t1", "S", "A", 5, contract=PUNKS)
    trail.fee("t1", "S")
    step = flows_of(trail.known()).steps[0]
    assert (step.asset.verified, step.asset.symbol, step.amount) == (False, "GAME", 5)


def test_where_nothing_of_its_name_is_verified_a_token_is_no_counterfeit() -> None:
    trail = Trail(followed=["A"])
    trail.tokens["ethereum", JUNK] = ("usdc", 6)
    trail.move("t1", "S", "A", 5, contract=JUNK)
    trail.fee("t1", "S")
    assert flows_of(trail.known()).ignored == {"counterfeit": 1}
    elsewhere = replace(trail.known(), assets={})
    assert [step.amount for step in flows_of(elsewhere).steps] == [5]


def test_what_an_issuer_destroys_goes_to_nobody_and_what_it_freezes_stays() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "S", "A", 9, contract=USDC)
    trail.move("t2", "A", None, 0, contract=USDC, kind=Kind.FROZEN)
    trail.move("t3", "A", None, 0, contract=USDC, kind=Kind.DESTROYED)
    trail.move("t4", "A", None, 9, contract=USDC, kind=Kind.DESTROYED)
    flows = flows_of(trail.known())
    assert said(flows) == [("t1", "S", "A", 9), ("t4", "A", ZERO, 9)]
    assert flows.steps[1].recipient == Subject("ethereum", ZERO)
    assert flows.ignored == {}


@pytest.mark.parametrize("kind", [Kind.WITHDRAWAL, Kind.REWARD, Kind.DEPOSIT, Kind.NATIVE])
def test_what_the_chain_itself_pays_is_clean(kind: Kind) -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", None, "A", 9, kind=kind)
    assert said(flows_of(trail.known())) == [("t1", "@origin", "A", 9)]


def test_what_is_minted_is_clean_although_somebody_burnt_before() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", ZERO, 9, contract=DAI)
    trail.move("t2", ZERO, "A", 9, contract=DAI)
    assert said(flows_of(trail.known())) == [("t1", "A", ZERO, 9), ("t2", "@origin", "A", 9)]


def test_who_pays_himself_moves_nothing_but_the_fee() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "A", 9)
    trail.fee("t1", "A", 2)
    trail.move("t2", "A", None, 1, kind=Kind.FEE_REST)
    assert said(flows_of(trail.known())) == [("t1", "A", FEES, 2), ("t2", "A", FEES, 1)]


# --- order ------------------------------------------------------------------------------------


def test_inside_a_transaction_coins_come_by_frame_then_tokens_by_log_then_the_fee() -> None:
    trail = Trail(followed=["A"])
    trail.fee("t1", "A", 3)
    trail.move("t1", "A", "F", 1, contract=USDC, log_index=7)
    trail.move("t1", "A", "E", 1, contract=USDC, log_index=5)
    trail.move("t1", "A", "D", 1, kind=Kind.INTERNAL, trace_path="0_10")
    trail.move("t1", "A", "C", 1, kind=Kind.INTERNAL, trace_path="0_2")
    trail.move("t1", "A", "B", 1)
    takers = [taker for _, _, taker, _ in said(flows_of(trail.known()))]
    assert takers == ["B", "C", "D", "E", "F", FEES]


def test_where_a_moment_has_no_order_both_ways_are_told() -> None:
    """Vectors A10a and A10b, over three addresses: as far as it can come, or not at all."""
    trail = Trail(followed=["A", "B"])
    same = {"time": 5000, "block_height": 90}
    trail.move("t1", "B", "C", 50, **same)
    trail.move("t2", "A", "B", 50, **same)
    trail.move("t3", "S", "A", 100, **same)
    flows = flows_of(trail.known())
    assert [step.tx for step in flows.steps] == ["t3", "t2", "t1"]
    assert flows.other is not None
    assert [step.tx for step in flows.other] == ["t1", "t2", "t3"]


def test_where_the_chain_tells_the_order_there_is_one() -> None:
    trail = Trail(followed=["A"])
    trail.move("t1", "A", "B", 50, time=5000, block_height=90, tx_index=3)
    trail.move("t2", "S", "A", 100, time=5000, block_height=90, tx_index=12)
    trail.move("t0", "S", "A", 100, time=5000, block_height=89)
    flows = flows_of(trail.known())
    assert [step.tx for step in flows.steps] == ["t0", "t1", "t2"]
    assert flows.other is None


def test_a_transaction_is_never_cut_in_two() -> None:
    trail = Trail(followed=["A", "B"])
    same = {"time": 5000, "block_height": 90}
    trail.move("t1", "S", "A", 50, **same)
    trail.move("t1", "B", "C", 50, **same)
    trail.move("t2", "A", "B", 50, **same)
    flows = flows_of(trail.known())
    for steps in (flows.steps, flows.other or flows.steps):
        txs = [step.tx for step in steps]
        assert txs in (["t1", "t1", "t2"], ["t2", "t1", "t1"])


NAMES = ("S", "T", "A", "B", "C", "X", ZERO)
moves = st.tuples(
    st.integers(1, 6),  # transaction
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.integers(0, 3),
    st.sampled_from([None, USDC, JUNK]),
    st.sampled_from([None, 1, 2]),
)


@quick
@given(st.lists(moves, max_size=14), st.randoms(use_true_random=False))
def test_the_order_in_which_rows_are_read_changes_nothing(drawn: list[Any], random: Any) -> None:
    trail = Trail(sources=["S", "T"], followed=["A", "B", "C"])
    for tx, giver, taker, amount, contract, log_index in drawn:
        at = 5000 + tx // 3  # several transactions in one second, without a place
        told = {"time": at, "block_height": at, "contract": contract, "log_index": log_index}
        trail.move(f"t{tx}", giver, taker, amount, **told)
        trail.fee(f"t{tx}", giver, time=at, block_height=at)
    order = list(range(len(trail.rows)))
    random.shuffle(order)
    flows = flows_of(trail.known())
    again = flows_of(trail.shuffled(order).known())
    assert flows == again
    assert list(flows.owner) == list(again.owner)
    assert len({step.flow.id for step in flows.steps}) == len(flows.steps)
    if flows.other is not None:
        assert sorted(map(repr, flows.other)) == sorted(map(repr, flows.steps))
