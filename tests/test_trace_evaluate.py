"""A trace from what is known: who is followed, what rests where, sums that balance."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tracing_world import Case, Learner, at, balanced, edge, follow, has, node, on, total, usd

from monitor.model import Status
from monitor.model.trace import Need, State, Terms

TERMS = Terms(min_share="0", ask_after=None)


def chain(*names: str, dollars: int = 1000) -> Case:
    """Each pays all of it to the next."""
    case = Case()
    for giver, taker in pairwise(names):
        case.pay(giver, taker, dollars)
    return case


def test_value_is_followed_hop_by_hop_until_it_rests() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    case.pay("A", "B", 600)
    case.pay("B", "C", 600)
    trace = follow(case)
    assert [(n.hop, n.state) for n in trace.nodes] == [
        (0, State.SOURCE),
        (1, State.FOLLOWED),
        (2, State.FOLLOWED),
        (3, State.FOLLOWED),
    ]
    assert edge(trace, "B", "C").hop == 3
    rests = total(trace)
    assert (usd(rests.out_of_sources), usd(rests.resting), rests.ended) == (1000, 1000, {})
    assert set(node(trace, "A").holds[0].amount.values()) == {2 * 10**17}
    assert not trace.wanted
    balanced(trace)


def test_each_address_is_profiled_before_its_history_is_read() -> None:
    learner = Learner(chain("S", "A", "B"))
    assert [(w.need, w.subject) for w in learner.trace().wanted] == [(Need.PROFILE, on("A"))]
    learner.profiled.append(on("A"))
    trace = learner.trace()
    assert [(w.need, w.subject) for w in trace.wanted] == [(Need.FOLLOW, on("A"))]
    assert node(trace, "A").state is State.QUEUED
    assert not has(trace, "B")


def test_the_largest_value_that_is_not_followed_yet_comes_first() -> None:
    case = Case()
    case.pay("S", "small", 100)
    case.pay("S", "large", 900)
    case.pay("large", "next", 850)
    learner = Learner(case)
    learner.to_the_end()
    assert learner.followed == [on("large"), on("next"), on("small")]


def test_what_left_before_anything_traced_came_is_never_followed() -> None:
    case = Case()
    case.pay("X", "A", 500)
    case.pay("A", "early", 500)
    case.pay("S", "A", 500)
    case.pay("A", "late", 500)
    trace = follow(case)
    assert has(trace, "late")
    assert not has(trace, "early")
    balanced(trace)


def test_nobody_who_pays_in_is_followed_backwards() -> None:
    case = chain("S", "A", "B")
    case.pay("X", "A", 100_000)
    case.pay("Y", "X", 100_000)
    trace = follow(case)
    assert not has(trace, "X")


def test_a_receipt_found_later_reaches_what_is_followed_already() -> None:
    """A's first traced receipt comes by a longer way, and is earlier than the known one."""
    case = Case()
    case.pay("S", "long", 800)
    case.pay("long", "A", 800)
    case.pay("A", "B", 800)
    case.pay("S", "A", 900)
    case.pay("A", "C", 900)
    early = Learner(case, followed=[on("A"), on("B"), on("C")])
    first = early.trace()
    assert has(first, "B")  # `long` is not read, but A's own record shows what it paid
    calls = len(early.followed)
    trace = early.to_the_end()
    assert len(early.followed) == calls + 1
    assert trace.nodes == follow(case).nodes


def test_a_cycle_ends_and_balances() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    for _ in range(5):
        case.pay("A", "B", 1000)
        case.pay("B", "C", 900)
        case.pay("C", "A", 900)
        case.pay("B", "A", 100)
    trace = follow(case)
    assert [n.hop for n in trace.nodes] == [0, 1, 2, 3]
    assert usd(total(trace).resting) == 1000
    balanced(trace)


def test_nobody_is_followed_for_value_that_came_to_it_only_through_itself() -> None:
    """A and B got small amounts, and look larger only in each other's record."""
    case = Case()
    case.pay("S", "A", 15)
    case.pay("S", "A", 15)
    case.pay("A", "B", 30)
    case.pay("B", "A", 30)
    expected = follow(case)
    assert [n.subject for n in expected.nodes] == [on("S"), on("A")]
    read_beside = Learner(case, followed=[on("A"), on("B")]).to_the_end()
    assert read_beside.nodes == expected.nodes
    assert read_beside.totals == expected.totals


def test_what_comes_back_to_a_source_lowers_what_left() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    case.pay("A", "S", 400)
    trace = follow(case)
    assert usd(total(trace).out_of_sources) == 600
    assert usd(total(trace, symbol="ETH").out_of_sources) == 0.3 * 10**12
    assert node(trace, "S").state is State.SOURCE
    assert usd(node(trace, "S").received[0].usd["fifo"]) == 400
    balanced(trace)


def test_two_sources_stay_apart() -> None:
    case = Case(sources=("S", "T"))
    case.pay("S", "A", 600)
    case.pay("T", "A", 400)
    case.pay("A", "B", 500)
    trace = follow(case)
    held = node(trace, "B").holds[0]
    assert held.by_source[on("S").key]["fifo"] == held.amount["fifo"]
    assert held.by_source[on("T").key]["fifo"] == 0
    assert held.by_source[on("T").key]["haircut"] == held.amount["haircut"] * 4 // 10
    assert sum(by["lifo"] for by in held.by_source.values()) == held.amount["lifo"]
    balanced(trace)


def test_a_row_that_is_gone_takes_back_what_followed_from_it() -> None:
    case = chain("S", "A", "B")
    kept = case.pay("S", "C", 100)
    learner = Learner(case)
    assert has(learner.to_the_end(), "B")
    case.rows = [kept]
    trace = learner.to_the_end()
    assert [n.subject for n in trace.nodes] == [on("S"), on("C")]
    assert trace.edges == follow(case).edges


@pytest.mark.parametrize("status", [Status.PENDING, Status.ORPHANED])
def test_what_is_in_no_block_does_not_count(status: Status) -> None:
    case = Case()
    case.pay("S", "A", 1000, status=status)
    assert [n.subject for n in follow(case).nodes] == [on("S")]


def test_fees_are_part_of_the_sums_and_no_movement() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    case.pay("A", "B", 500, tx="t2")
    case.fee("t2", "A", 10**15)
    trace = follow(case)
    assert usd(total(trace).fees) == 2
    assert [e.tx for e in trace.edges] == ["tx0", "t2"]
    balanced(trace)


def test_a_moment_without_order_is_told_both_ways() -> None:
    """Vector A10: fifo and libr differ by who comes first."""
    case = Case()
    case.openings["A", ""] = 5 * 10**16
    case.move("t1", "S", "A", 10**17, time=1000, block_height=7)
    case.move("t2", "A", "B", 5 * 10**16, time=1000, block_height=7)
    trace = follow(case)
    tied = total(trace, "tainted_first", "ETH").ties
    assert tied == {
        "deposits_first": 10**17,
        "withdrawals_first": 10**17,
        "at_other_addresses": 5 * 10**16,
    }
    assert total(trace, "fifo", "ETH").ties is None
    balanced(trace)


def test_the_same_record_gives_the_same_trace_whatever_was_traced_before() -> None:
    case = chain("S", "A", "B", "C")
    case.pay("S", "B", 300)
    learner = Learner(case)
    learner.to_the_end()
    for seen in learner.seen[:-1]:
        assert seen != learner.seen[-1]
    again = Learner(case, list(learner.followed), list(learner.profiled))
    assert again.trace() == learner.seen[-1]


def test_the_newest_price_is_told_with_its_day() -> None:
    held = node(follow(chain("S", "A")), "A").holds[0]
    assert usd(held.newest_usd["libr"]) == 1000
    assert held.newest_day == "1970-01-02"


def test_addresses_of_ours_are_named() -> None:
    case = chain("S", "A", "B")
    trace = Learner(case).tracer.trace(case.knows([on("A")], ours=frozenset({on("B"), on("Z")})))
    assert trace.touched == (on("B"),)


def test_addresses_are_parked_after_half_a_year_without_outflow() -> None:
    case = chain("S", "A", "B")
    case.moment = case.now + 180 * 24 * 3600
    assert node(follow(case), "B").state is State.FOLLOWED
    case.moment += 10
    trace = follow(case)
    assert (node(trace, "B").state, node(trace, "B").stop) == (State.PARKED, None)
    assert usd(total(trace).resting) == 1000


# --- records that are not whole -----------------------------------------------------------------


def test_an_unknown_opening_is_told_as_bounds() -> None:
    """Vector A12: of the 60 that A paid, fifo, haircut and libr say between 0 and 60."""
    case = Case()
    case.move("t1", "S", "A", 100 * 10**16)
    case.move("t2", "A", "B", 60 * 10**16)
    case.unread[at("A")] = ("its list of transfers is read from block 7 on",)
    trace = follow(case)
    a, b = node(trace, "A"), node(trace, "B")
    assert (a.complete, a.unread) == (False, ("its list of transfers is read from block 7 on",))
    assert (b.complete, b.unread) == (
        False,
        (f"depends on ethereum/{at('A')}, which is not read whole",),
    )
    for method in ("fifo", "haircut", "libr"):
        assert a.bounds[method] == (40 * 10**16, 100 * 10**16)  # type: ignore[index]
        assert b.bounds[method] == (0, 60 * 10**16)  # type: ignore[index]
    for method in ("lifo", "tainted_first", "poison"):
        assert b.bounds[method] == (60 * 10**16, 60 * 10**16)  # type: ignore[index]
    balanced(trace)


def test_a_known_opening_leaves_no_bounds() -> None:
    """Vector A12: 50 were there before."""
    case = Case()
    case.openings["A", ""] = 50 * 10**16
    case.move("t1", "S", "A", 100 * 10**16)
    case.move("t2", "A", "B", 60 * 10**16)
    case.unread[at("A")] = ("its list of transfers is read from block 7 on",)
    trace = follow(case)
    a, b = node(trace, "A"), node(trace, "B")
    assert {m: n // 10**16 for m, n in b.received[0].amount.items()} == {
        "poison": 60,
        "tainted_first": 60,
        "haircut": 40,
        "fifo": 10,
        "lifo": 60,
        "libr": 10,
    }
    assert all(low == high for low, high in a.bounds.values())  # type: ignore[union-attr]


def test_of_an_address_that_was_not_read_nobody_knows_what_left_it() -> None:
    trace = Learner(chain("S", "A")).trace()
    a = node(trace, "A")
    assert (a.state, a.complete, a.unread) == (
        State.QUEUED,
        False,
        ("its own history was not read",),
    )
    assert a.bounds["libr"] == (0, 5 * 10**17)  # type: ignore[index]
    balanced(trace)
