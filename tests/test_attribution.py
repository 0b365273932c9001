"""Rules of attribution by cases worked out by hand: USD, openings, stops, what comes back, UTXO
transactions, and shapes that are hard on time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType

import pytest

from monitor.analysis.attribution.replay import WHOLE, Replay, Result
from monitor.model.flow import (
    CONSERVING,
    FEES,
    METHODS,
    UNPRICED,
    Account,
    Flow,
    Ground,
    Moved,
    Number,
    Part,
    Spent,
    Traced,
    Turned,
)

S, T, A, B, C, D, X = (Account("c", holder, "") for holder in "STABCDX")
FEE = Account("c", FEES, "")
GROUND = Ground({S: "c/S", T: "c/T"}, frozenset({X}))


def run(*flows: Flow, ground: Ground = GROUND) -> Result:
    return Replay().run(flows, ground)


def of(traced: Traced, label: str = "c/S") -> dict[str, Part]:
    """By method, where there is anything."""
    return {method: traced[method][label] for method in METHODS if label in traced[method]}


def all_methods(amount: Number, usd: Number | None) -> dict[str, Part]:
    return dict.fromkeys(METHODS, Part(amount, usd))


def taken(result: Result, at: int, label: str = "c/S") -> dict[str, Part]:
    outcome = result.outcomes[at]
    assert outcome is not None
    return of(outcome.taken, label)


# --- USD ---------------------------------------------------------------------------------------


def test_poison_counts_a_source_once_with_a_price_and_without() -> None:
    ground = Ground({S: "c/S", T: f"c/S{UNPRICED}", D: "c/D"}, frozenset({X}))
    came = (Moved("1", S, A, 10, 100), Moved("2", T, A, 10), Moved("3", D, A, 10, 100))
    result = run(*came, Moved("4", A, X, 6), ground=ground)
    outcome = result.outcomes[3]
    assert outcome is not None
    assert outcome.taken["poison"] == {"c/S": Part(6, 60), "c/D": Part(6, 60)}
    assert sum(part.amount for part in outcome.taken["haircut"].values()) == 6
    assert result.left[X]["poison"] == outcome.taken["poison"]
    assert {label: part.amount for label, part in result.left[A]["poison"].items()} == {
        "c/S": 24, "c/D": 24
    }  # fmt: skip


def test_usd_travel_by_fraction() -> None:
    """Down to the millionth: what does not come out even stays behind, and nothing is lost."""
    result = run(Moved("1", S, A, 3, 100), Moved("2", A, B, 1), Moved("3", B, C, 1))
    assert taken(result, 1) == taken(result, 2) == all_methods(1, 33)
    poison = Part(2, 66)  # worth what came, by the unit; poison does not conserve
    assert of(result.left[A]) == all_methods(2, 67) | {"poison": poison}
    assert of(result.left[C]) == all_methods(1, 33)


def test_every_unit_keeps_the_usd_that_it_left_with() -> None:
    """Two coins that left at 2,000 and at 3,000: the oldest, the newest, or an average."""
    result = run(Moved("1", S, A, 10, 2000), Moved("2", S, A, 10, 3000), Moved("3", A, B, 10))
    average = Part(10, 2500)
    assert taken(result, 2) == all_methods(10, 2500) | {
        "fifo": Part(10, 2000),
        "lifo": Part(10, 3000),
        "haircut": average,
    }
    assert of(result.left[A])["fifo"] == Part(10, 3000)


def test_usd_through_conversions_at_two_rates() -> None:
    """The same coins by two swaps: in the order in which they came out, each with its own USD."""
    token = A._replace(asset="t")
    result = run(
        Moved("1", S, A, 20, 4000),
        Turned("2", A, 10, token, 2000),
        Turned("3", A, 10, token, 1000),
        Moved("4", token, B._replace(asset="t"), 2000),
    )
    assert taken(result, 3)["fifo"] == Part(2000, 2000)
    assert taken(result, 3)["lifo"] == Part(2000, 3000)
    assert taken(result, 3)["haircut"] == Part(2000, 2666)


def test_a_part_without_a_price_hides_the_whole() -> None:
    """As long as it is mixed; where lots are kept apart, only of what it is in."""
    result = run(
        Moved("1", S, A, 10, 2000),
        Moved("2", S, A, 10),
        Moved("3", A, B, 10),
        Moved("4", A, C, 10),
    )
    assert taken(result, 2) == all_methods(10, None) | {"fifo": Part(10, 2000)}
    assert taken(result, 3) == all_methods(10, None) | {"lifo": Part(10, 2000)}


def test_usd_of_two_sources_in_one_transaction() -> None:
    """What all inputs were worth together is split over them; each label has its part."""
    spent = Spent("1", ((S, 30), (T, 10)), ((A, 40),), 100)
    result = run(spent)
    assert taken(result, 0) == all_methods(30, 75) | {"poison": Part(40, 100)}
    assert taken(result, 0, "c/T") == all_methods(10, 25) | {"poison": Part(40, 100)}


# --- what is absorbed, what is clean --------------------------------------------------------------


def test_what_comes_back_to_a_source() -> None:
    """It is told, and is nowhere any more; the source gives in full whatever came to it."""
    result = run(Moved("1", S, A, 10, 10), Moved("2", A, T, 10), Moved("3", T, B, 4, 4))
    outcome = result.outcomes[1]
    assert outcome is not None
    assert of(outcome.got[T]) == all_methods(10, 10)
    assert list(result.left) == [B]
    assert of(result.left[B], "c/T") == all_methods(4, 4)
    assert T not in result.balances


def test_before_and_held() -> None:
    """What the giver held before a movement, all of it and what of it was traced."""
    ground = Ground({S: "c/S"}, openings={A: 100})
    result = run(Moved("1", S, A, 50, 5), Moved("2", A, B, 30), ground=ground)
    first, second = result.outcomes
    assert first is not None
    assert second is not None
    assert (of(first.before), first.held) == (all_methods(50, 5), 50)
    assert second.held == 150
    assert of(second.before) == all_methods(50, 5) | {"poison": Part(150, 15)}
    assert taken(result, 1) == {
        "poison": Part(30, 3),
        "tainted_first": Part(30, 3),
        "haircut": Part(10, 1),
        "lifo": Part(30, 3),
    }


def test_stop_keeps_and_gives_clean() -> None:
    result = run(Moved("1", S, X, 10, 10), Moved("2", X, A, 4), Moved("3", A, B, 4))
    assert list(result.outcomes[1:]) == [None, None]
    assert of(result.left[X]) == all_methods(10, 10)
    assert result.balances == {A: 0, B: 4, X: 10}
    assert result.lacking == {}


# --- openings ------------------------------------------------------------------------------------


def test_more_given_than_there_was() -> None:
    """The lacking part was there from the start, clean: it counts from the first movement on."""
    result = run(Moved("1", S, A, 50), Moved("2", A, B, 30), Moved("3", A, C, 60))
    assert result.lacking == {A: 40}
    assert taken(result, 1) == {
        "poison": Part(30, None),
        "tainted_first": Part(30, None),
        "haircut": Part(17, None),  # of 30 * 50 / 90 = 16 2/3
        "lifo": Part(30, None),
    }
    assert taken(result, 2)["fifo"] == Part(50, None)
    assert result.balances == {A: 0, B: 30, C: 60}


def test_more_given_twice() -> None:
    result = run(Moved("1", A, B, 30), Moved("2", S, A, 10), Moved("3", A, B, 50))
    assert result.lacking == {A: 70}
    assert taken(result, 2)["haircut"] == Part(10, None)


def test_known_opening_is_not_lacking() -> None:
    ground = Ground({S: "c/S"}, openings={A: 30})
    assert run(Moved("1", A, B, 20), ground=ground).lacking == {}
    assert run(Moved("1", A, B, 50), ground=ground).lacking == {A: 20}


# --- UTXO transactions ----------------------------------------------------------------------------


def test_fee_is_what_is_left_over() -> None:
    """It comes last, in an account of its own; change to a source is absorbed. By haircut 53 1/3
    of the second output: what is over goes to the larger part, which is the traced one."""
    result = run(Spent("1", ((S, 100), (B, 50)), ((A, 60), (S, 80)), 150))
    outcome = result.outcomes[0]
    assert outcome is not None
    amounts = {
        account: {method: part.amount for method, part in of(traced).items()}
        for account, traced in outcome.got.items()
    }
    assert amounts == {
        A: {"poison": 60, "tainted_first": 60, "haircut": 40, "fifo": 60, "lifo": 10, "libr": 10},
        S: {"poison": 80, "tainted_first": 40, "haircut": 54, "fifo": 40, "lifo": 80, "libr": 80},
        FEE: {"poison": 10, "haircut": 6, "lifo": 10, "libr": 10},
    }
    assert result.lacking == {B: 50}
    assert set(result.left) == {A, FEE}


def test_new_coins_are_clean() -> None:
    """A transaction without inputs, and one of which more comes out than went in."""
    result = run(Spent("1", (), ((A, 50),)), Spent("2", ((S, 10),), ((B, 15),)))
    assert result.outcomes[0] is None
    assert taken(result, 1) == all_methods(10, None)
    left = of(result.left[B])
    assert left.pop("poison") == Part(15, None)
    assert set(left.values()) == {Part(10, None)}
    assert result.balances == {A: 50, B: 15}


# --- conversions ----------------------------------------------------------------------------------


def test_conversion_from_a_source_and_of_nothing() -> None:
    token = A._replace(asset="t")
    result = run(
        Turned("1", S, 10, token, 25, 70),
        Turned("2", B, 0, token, 5),
        Turned("3", token, 3, D, 0),
    )
    first, second, third = result.outcomes
    assert first is not None
    assert of(first.taken) == all_methods(10, 70)
    assert of(first.got[token]) == all_methods(25, 70)
    assert second is None  # something for nothing: clean
    assert third is not None  # nothing for something: it went, and nothing came
    assert third.got == {}
    assert of(third.taken)["fifo"] == Part(3, 8)
    assert result.balances == {token: 27}


@pytest.mark.parametrize("labels", [2, 9])
def test_conversion_is_shared_to_the_unit(labels: int) -> None:
    """Each label within a unit of its share, all of them the whole, by every method."""
    sources = {Account("c", f"s{n}", ""): f"c/s{n}" for n in range(labels)}
    into: list[Flow] = []
    for _ in range(3):
        for n, source in enumerate(sources):
            into += [Moved("in", source, A, 7 + n, 1), Moved("in", X, A, 2)]
    given = sum(flow.amount for flow in into if isinstance(flow, Moved))
    turned = Turned("turn", A, given, A._replace(asset="t"), 31)
    outcome = Replay(WHOLE).run([*into, turned], Ground(sources, frozenset({X}))).outcomes[-1]
    assert outcome is not None
    for method in CONSERVING:
        got = outcome.got[A._replace(asset="t")][method]
        for n, label in enumerate(sources.values()):
            assert abs(got[label].amount - 31 * 3 * (7 + n) / given) < 1


# --- hard on time ---------------------------------------------------------------------------------


def calls(do: Callable[[], object]) -> int:
    """How many functions are called meanwhile: time means nothing on a busy machine."""
    found = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal found
        found += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return found


def seconds(flows: Iterable[Flow], ground: Ground) -> float:
    flows = list(flows)
    before = time.process_time()
    Replay().run(flows, ground)
    return time.process_time() - before


def striped(lots: int) -> list[Flow]:
    """An account of so many lots, in turn traced and clean, each at another price."""
    return [Moved("in", S if n % 2 else X, A, 10, 1000 + n if n % 2 else None) for n in range(lots)]


def chain(length: int, amount: int, step: int = 1) -> list[Flow]:
    """All but `step` units of it go on and on."""
    found: list[Flow] = []
    giver = A
    for n in range(length):
        amount -= step
        taker = Account("c", f"hop {n}", "")
        found.append(Moved("on", giver, taker, amount))
        giver = taker
    return found


def test_long_lists_are_not_copied_from_hop_to_hop() -> None:
    """Many lots that go a long way cost about as much as few."""
    few = seconds([*striped(10), *chain(2000, 100_000)], Ground({S: "s"}, frozenset({X})))
    flows = [*striped(10_000), *chain(2000, 100_000)]
    many = seconds(flows, GROUND) - seconds(striped(10_000), GROUND)
    assert many < 12 * few + 1


def test_hop_bomb_and_cycle() -> None:
    """One to 500 to 500 and back, again and again: nothing is lost, and it ends."""
    middle = [Account("c", f"m{n}", "") for n in range(500)]
    flows: list[Flow] = [Moved("in", S, A, 10**9, 10**9)]
    for _ in range(4):
        flows += [Moved("out", A, each, 10**6) for each in middle]
        flows += [Moved("back", each, B, 10**6) for each in middle]
        flows.append(Moved("round", B, A, 500 * 10**6))
    result = run(*flows)
    for method in CONSERVING:
        assert {a: t[method] for a, t in result.left.items() if t[method]} == {
            A: {"c/S": Part(10**9, 10**9)}
        }


def test_a_change_at_the_end_costs_little() -> None:
    """Going on does again what comes after the change, and not what came before."""
    flows = [*striped(5_000), *chain(5_000, 50_000)]
    replay = Replay()
    replay.run(flows, GROUND)
    again = calls(lambda: replay.run([*flows, Moved("last", S, B, 1)], GROUND))
    assert again < calls(lambda: Replay().run(flows, GROUND)) / 2
