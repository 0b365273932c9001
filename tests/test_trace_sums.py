"""What holds of every trace: whatever was paid is somewhere, to the unit, in any case."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from tracing_world import Case, Learner, at, balanced, follow, person
from world.trail import DAI, USDC, WETH

from monitor.analysis.trace.evaluate import Tracer
from monitor.model import Subject
from monitor.model.trace import Say, State, Terms

quick = settings(max_examples=120, deadline=None, derandomize=True, database=None)

NAMES = ("S", "T", "A", "B", "C", "D", "E", "F")
ASSETS = (None, USDC, DAI)


@dataclass(frozen=True)
class Move:
    giver: str
    taker: str
    dollars: int
    asset: str | None
    what: str  # pay | swap | wrap
    fee: int
    pause: int


def units(asset: str | None, dollars: int) -> int:
    return dollars * (10**6 if asset in (USDC, DAI) else 5 * 10**14)


moves = st.builds(
    Move,
    giver=st.sampled_from(NAMES),
    taker=st.sampled_from(NAMES),
    dollars=st.integers(1, 400),
    asset=st.sampled_from(ASSETS),
    what=st.sampled_from(("pay", "pay", "pay", "swap", "wrap")),
    fee=st.integers(0, 3),
    pause=st.sampled_from((0, 0, 10)),
)


def build(told: list[Move], ends: dict[str, str], *, opening: bool, unpriced: bool) -> Case:
    case = Case(sources=("S", "T"), terms=Terms(hops=4, min_share="0.001", ask_after=None))
    if unpriced:
        del case.prices[DAI]
    for n, move in enumerate(told):
        tx = f"t{n}"
        amount = units(move.asset, move.dollars)
        if move.what == "pay" and move.giver != move.taker:
            case.move(tx, move.giver, move.taker, amount, contract=move.asset)
        elif move.what == "swap":
            other = USDC if move.asset != USDC else None
            case.move(tx, move.giver, "pool", amount, contract=move.asset)
            case.move(tx, "pool", move.giver, units(other, move.dollars), contract=other)
        elif move.what == "wrap":
            case.move(tx, move.giver, WETH, units(None, move.dollars))
            case.move(tx, None, move.giver, units(None, move.dollars), contract=WETH)
        if move.fee:
            case.fee(tx, move.giver, move.fee * 10**13)
        case.now -= 10 - move.pause
    for name, what in ends.items():
        if what == "stop":
            case.words.append(person(Say.STOP, name))
        else:
            case.name(name, what)
    if opening:
        case.openings["A", ""] = 10**17
    return case


cases = st.builds(
    build,
    st.lists(moves, min_size=1, max_size=25),
    st.dictionaries(st.sampled_from(NAMES[2:]), st.sampled_from(("exchange", "dex", "stop"))),
    opening=st.booleans(),
    unpriced=st.booleans(),
)


@quick
@given(cases)
def test_every_sum_holds_to_the_unit(case: Case) -> None:
    learner = Learner(case)
    learner.to_the_end()
    for trace in learner.seen:
        balanced(trace)
        for node in trace.nodes:
            assert (node.stop is not None) == (node.state is State.STOPPED)
            assert node.state is State.SOURCE or node.hop > 0


@quick
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_learning_changes_nothing(case: Case, random: object) -> None:
    expected = follow(case)
    order = list(range(len(case.rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    other = Learner(
        case.shuffled(order),
        pick=random.choice,  # type: ignore[attr-defined]
    ).to_the_end()
    assert (other.nodes, other.edges, other.totals) == (
        expected.nodes,
        expected.edges,
        expected.totals,
    )


@quick
@given(cases)
def test_what_was_traced_before_changes_nothing(case: Case) -> None:
    """The same tracer, over a record that grew and shrank."""
    learner = Learner(case)
    whole = learner.to_the_end()
    rows = list(case.rows)
    case.rows = rows[: len(rows) // 2]
    learner.trace()
    case.rows = rows
    assert learner.trace() == whole
    assert Learner(case, learner.followed, learner.profiled).trace() == whole


@quick
@given(cases)
def test_the_quick_way_says_the_same_of_what_is_next(case: Case) -> None:
    learner = Learner(case)
    learner.to_the_end()
    followed: list[Subject] = []
    for subject in [None, *learner.followed]:
        followed += [subject] if subject else []
        known = case.knows(followed)
        quick_, whole = Tracer().trace(known, whole=False), Tracer().trace(known)
        assert (quick_.wanted, quick_.questions) == (whole.wanted, whole.questions)
        assert {n.subject: n.stop for n in quick_.nodes} == {n.subject: n.stop for n in whole.nodes}


@quick
@given(cases, st.integers(0, 3))
def test_figures_lie_between_their_bounds_whatever_was_there_before(case: Case, times: int) -> None:
    """A's and B's records are not whole: what they had before is not known."""
    case.openings.clear()
    case.unread = {at(name): ("its list of coins was not read",) for name in ("A", "B")}
    learner = Learner(case)
    bounded = {n.subject: n for n in learner.to_the_end().nodes}
    case.unread = {}
    case.openings = {(n, a): 10 ** (6 * times) for n in ("A", "B") for a in ("", USDC, DAI, WETH)}
    truth = learner.tracer.trace(case.knows(learner.followed))
    for node in truth.nodes:
        said = (
            {s.asset: s for s in bounded[node.subject].holds if s.bounds}
            if (node.subject in bounded)
            else {}
        )
        for held in node.holds:
            if held.asset in said and node.state is bounded[node.subject].state:
                for method, (low, high) in said[held.asset].bounds.items():  # type: ignore[union-attr]
                    assert low <= held.amount[method] <= high, (node.subject, method)
