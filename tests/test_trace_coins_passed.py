"""A router that pays somebody else in coins, or takes coins: seen through where a source tells
what calls inside the transaction moved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world.trail import DAI, USDC, WETH, ZERO, Trail

from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.steps import Step
from monitor.model import Kind, Transfer, account_leg
from monitor.model.flow import Moved, Turned
from monitor.model.trace import Anatomy


def told(trail: Trail, *moves: tuple[str, str, str, int]) -> Trail:
    """Contract (empty: coins inside), giver, taker, amount."""
    legs = []
    for contract, giver, taker, amount in moves:
        kind = Kind.ERC20 if contract else Kind.INTERNAL
        leg = account_leg(kind, contract or None, None, giver, taker, amount, 0)
        legs.append(Transfer("ethereum", "t1", leg, kind, giver, taker, amount, contract or None))
    return replace(trail, anatomies={("ethereum", "t1"): Anatomy("ethereum", "t1", tuple(legs))})


def only(trail: Trail) -> tuple[Step, tuple[str, str, str, int, str, int]]:
    (step,) = (step for step in flows_of(trail.known()).steps if not step.fee)
    flow = step.flow
    assert isinstance(flow, Turned)
    ends = (flow.giver.holder, flow.taker.holder)
    return step, (*ends, flow.giver.asset, flow.given, flow.taker.asset, flow.got)


def test_a_swap_that_pays_coins_to_somebody_else() -> None:
    """The router unwraps what it bought: burnt tokens, coins of their contract, and one payment."""
    trail = Trail(followed=["A"], contracts=["R"])
    trail.move("t1", "A", "R", 100, contract=USDC)
    logs = (
        (USDC, "A", "R", 100),
        (USDC, "R", "P", 100),
        (WETH, "P", "R", 50),
        (WETH, "R", ZERO, 50),
    )
    without = told(trail, *logs)
    assert not any(step.via for step in flows_of(without.known()).steps)
    step, short = only(told(trail, *logs, ("", WETH, "R", 50), ("", "R", "B", 50)))
    assert (step.via, short) == ("swap", ("A", "B", USDC, 100, "", 50))


def test_coins_that_a_router_wraps_on_the_way() -> None:
    """The contract of the wrapped coin is nobody who was paid."""
    trail = Trail(followed=["A"], contracts=["R"])
    trail.move("t1", "A", "R", 50)
    step, short = only(
        told(
            trail,
            *((WETH, ZERO, "R", 50), (WETH, "R", "P", 50), (DAI, "P", "B", 99)),
            ("", "R", WETH, 50),
        )
    )
    assert (step.via, short) == ("swap", ("A", "B", "", 50, DAI, 99))


@pytest.mark.parametrize("paid", ["", DAI])
def test_what_is_on_record_and_told_counts_once(paid: str) -> None:
    """Whoever was paid is followed too, and has the payment in its own list."""
    trail = Trail(followed=["A", "B"], contracts=["R"])
    trail.move("t1", "A", "R", 100, contract=USDC)
    kind = Kind.ERC20 if paid else Kind.INTERNAL
    trail.move("t1", "R", "B", 50, kind=kind, contract=paid or None)
    legs = (
        (USDC, "A", "R", 100),
        (USDC, "R", "P", 100),
        (paid, "P", "R", 50),
        (paid, "R", "B", 50),
    )
    step, short = only(told(trail, *legs))
    assert (step.via, short) == ("swap", ("A", "B", USDC, 100, paid, 50))


def test_a_payment_to_many_that_are_on_record_counts_once() -> None:
    trail = Trail(followed=["A", "B", "C"], contracts=["D"])
    trail.move("t1", "A", "D", 100, contract=USDC)
    trail.move("t1", "D", "B", 60, contract=USDC)
    trail.move("t1", "D", "C", 40, contract=USDC)
    trail = told(trail, (USDC, "A", "D", 100), (USDC, "D", "B", 60), (USDC, "D", "C", 40))
    moved = [step.flow for step in flows_of(trail.known()).steps]
    assert all(isinstance(flow, Moved) for flow in moved)
    ends = [(f.giver.holder, f.taker.holder, f.amount) for f in moved if isinstance(f, Moved)]
    assert sorted(ends) == [("A", "B", 60), ("A", "C", 40)]
