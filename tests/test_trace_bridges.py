"""What goes into a bridge and comes out on another chain, through the tracer: worked case A14, who
is believed, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracing_world import Case, at, on
from world.trail import BTC, ETH, USDC, ZERO

from monitor.analysis.trace.evaluate import Tracer
from monitor.analysis.trace.flows import flows_of
from monitor.analysis.trace.known import Known
from monitor.model import Subject
from monitor.model.flow import METHODS
from monitor.model.trace import (
    Anatomy,
    Crossing,
    Edge,
    Name,
    Need,
    Node,
    Say,
    State,
    Stop,
    Trace,
    Word,
)

M = 10**6
LINK = "across/1/7"


@dataclass
class Bridge:
    """S pays A 100; A, which had 20, locks 50; R on Base, which had 51, gets 49 and pays Q 70."""

    early: int = 0  # how much earlier than the deposit R's payment says to be

    def case(self, **release: Any) -> Case:
        case = Case()
        token: dict[str, Any] = {"contract": USDC}
        case.move("0xopen", "x", "A", 20 * M, **token)
        case.move("0xpaid", "S", "A", 100 * M, **token)
        case.move("0xown", "x", "R", 51 * M, chain="base", **token, time=1, block_height=1)
        case.move("0xlock", "A", "pool", 50 * M, **token)
        case.fee("0xlock", "A")
        if self.early:
            release["time"] = release["block_height"] = case.now - self.early
        case.move("0xfill", "relayer", "R", 49 * M, chain="base", **token, **release)
        at_ = case.now - 10 - self.early + 1  # right after it
        late = {"time": at_, "block_height": at_} if self.early else {}
        case.move("0xon", "R", "Q", 70 * M, chain="base", **token, **late)
        return case


def lock(link: str = LINK, **told: Any) -> Crossing:
    base: dict[str, Any] = {"chain": "base", "recipient": at("R"), "token": USDC, "amount": 50 * M}
    return Crossing("Across", True, link, 3, at("pool"), **{**base, **told})


def fill(link: str = LINK, **told: Any) -> Crossing:
    base: dict[str, Any] = {"chain": "ethereum", "recipient": at("R"), "amount": 49 * M}
    return Crossing("Across", False, link, 3, at("pool"), **{**base, **told})


def wrote(chain: str, tx: str, *crossings: Crossing) -> Anatomy:
    return Anatomy(chain, tx, (), crossings, "node")


def silent(chain: str, tx: str) -> Anatomy:
    """Nobody could say."""
    return Anatomy(chain, tx, ())


def knows(case: Case, *anatomies: Anatomy, followed: tuple[str, ...] = ("R", "Q")) -> Known:
    subjects = [on("A"), *(on(name, "base") for name in followed)]
    return replace(case.knows(subjects), anatomies={(a.chain, a.tx): a for a in anatomies})


def traced(*anatomies: Anatomy, bridge: Bridge | None = None, **release: Any) -> Trace:
    return Tracer().trace(knows((bridge or Bridge()).case(**release), *anatomies))


def node(trace: Trace, subject: Subject) -> Node:
    return next(n for n in trace.nodes if n.subject == subject)


def over(trace: Trace) -> Edge:
    (edge,) = [e for e in trace.edges if e.via == "bridge"]
    return edge


def holds(trace: Trace, subject: Subject, method: str) -> int:
    return sum(s.amount[method] for s in node(trace, subject).holds)


BOTH = (wrote("ethereum", "0xlock", lock()), wrote("base", "0xfill", fill()))


def test_the_worked_case_of_a_bridge_through_the_record() -> None:
    """A14: what came out carries the share of what went in, by every method."""
    trace = traced(*BOTH)
    edge = over(trace)
    assert (edge.chain, edge.tx, edge.to_chain) == ("ethereum", "0xlock", "base")
    assert (edge.sender, edge.recipient) == (at("A"), at("R"))
    assert (edge.amount, edge.got_amount) == (50 * M, 49 * M)
    assert f"The same key stands in the logs of both transactions: {LINK}" in edge.rule
    times = "went in at 1970-01-01 00:17:20 UTC by the clock of Ethereum, and came out at"
    assert f"{times} 1970-01-01 00:17:30 UTC by that of Base." in edge.rule
    went = {"poison": 50, "tainted_first": 50, "fifo": 30, "lifo": 50, "libr": 30}
    assert {m: edge.traced[m] for m in went} == {m: n * M for m, n in went.items()}
    assert edge.traced["haircut"] == pytest.approx(125 * M / 3, abs=1)
    assert edge.got is not None
    assert edge.got.amount["fifo"] == 147 * M // 5
    assert edge.got.amount["haircut"] == pytest.approx(245 * M / 6, abs=1)
    q = on("Q", "base")
    paid = {"tainted_first": 49, "fifo": 0, "lifo": 49, "libr": 0}
    assert {m: holds(trace, q, m) for m in paid} == {m: n * M for m, n in paid.items()}
    assert holds(trace, q, "haircut") == pytest.approx(343 * M / 12, abs=2)
    assert (edge.held, edge.before["haircut"]) == (120 * M, 100 * M)  # of the sender


def test_every_sum_balances_over_a_bridge() -> None:
    trace = traced(*BOTH)
    conserving = [t for t in trace.totals if t.method != "poison"]
    assert [t.difference for t in conserving] == [0] * len(conserving)
    here = next(
        t
        for t in trace.totals
        if t.method == "lifo" and t.asset is not None and t.asset.chain == "base"
    )
    assert (here.out_of_sources, here.converted_in) == (0, 49 * M)
    for each in trace.nodes:
        for s in each.received:
            held = sum(h.amount["fifo"] for h in each.holds if h.asset == s.asset)
            left = sum(h.amount["fifo"] for h in each.left if h.asset == s.asset)
            assert s.amount["fifo"] == held + left


def test_a_deposit_without_its_other_side_ends_at_the_bridge() -> None:
    """Whom it names is looked at next, on the other chain."""
    trace = Tracer().trace(knows(Bridge().case(), BOTH[0], followed=()))
    assert node(trace, on("pool")).stop == Stop(
        "bridge", f"Across to {at('R')} on base, its other side is not found"
    )
    assert any(w.subject == on("R", "base") for w in trace.wanted)
    assert not over(trace).got


def test_what_may_be_the_other_side_is_looked_at_before_it_is_believed() -> None:
    trace = traced(BOTH[0])
    asked = [(w.subject, w.tx) for w in trace.wanted if w.need is Need.ANATOMY]
    assert asked == [(on("R", "base"), "0xfill")]
    assert over(trace).got is None


def test_another_key_is_another_deposit() -> None:
    trace = traced(BOTH[0], wrote("base", "0xfill", fill("across/1/8")))
    assert over(trace).got is None
    assert not _there(trace, "Q")


def _there(trace: Trace, name: str) -> bool:
    return any(n.subject == on(name, "base") for n in trace.nodes)


def test_a_transaction_without_any_key_is_not_the_other_side() -> None:
    assert over(traced(BOTH[0], wrote("base", "0xfill"))).got is None


def test_where_nobody_can_tell_amount_and_time_have_to_fit() -> None:
    edge = over(traced(BOTH[0], silent("base", "0xfill")))
    assert edge.got_amount == 49 * M
    assert "the event names the recipient; amount and time fit" in edge.rule
    assert "the link was not checked" in edge.rule


def test_a_bridge_without_keys_needs_amount_and_time_alone() -> None:
    edge = over(traced(wrote("ethereum", "0xlock", lock(""))))
    assert edge.got_amount == 49 * M
    assert "writes no key" in edge.rule


@pytest.mark.parametrize("late", [3601, 86_400])
def test_what_comes_too_late_is_not_matched_by_amount(late: int) -> None:
    case = Bridge().case()
    moved = [
        replace(r, transfer=replace(r.transfer, time=(r.transfer.time or 0) + late))
        if r.transfer.tx == "0xfill"
        else r
        for r in case.rows
    ]
    case.rows[:] = moved
    trace = Tracer().trace(knows(case, wrote("ethereum", "0xlock", lock(""))))
    assert over(trace).got is None


def test_two_that_fit_are_none() -> None:
    case = Bridge().case()
    case.move("0xother", "relayer", "R", 49 * M, chain="base", contract=USDC)
    trace = Tracer().trace(knows(case, wrote("ethereum", "0xlock", lock(""))))
    assert over(trace).got is None


def test_a_key_decides_between_two_that_fit() -> None:
    case = Bridge().case()
    case.move("0xother", "relayer", "R", 49 * M, chain="base", contract=USDC)
    trace = Tracer().trace(knows(case, *BOTH))
    assert "0xfill" in over(trace).rule


def test_a_release_belongs_to_one_deposit() -> None:
    """Two deposits with the same words: the second is not found."""
    case = Bridge().case()
    case.move("0xlock2", "A", "pool", 50 * M, contract=USDC)
    both = (*BOTH, wrote("ethereum", "0xlock2", lock()))
    flows = flows_of(knows(case, *both))
    assert [step.tx for step in flows.steps if step.got is not None] == ["0xlock"]
    assert [sent.step.tx for sent in flows.sent] == ["0xlock2"]


def test_what_the_recipient_paid_before_it_came_is_not_traced() -> None:
    """A slow bridge: value that is on its way is nobody's."""
    case = Bridge().case()
    for n, row in enumerate(case.rows):
        if row.transfer.tx == "0xfill":
            case.rows[n] = replace(row, transfer=replace(row.transfer, time=case.now + 600))
    trace = Tracer().trace(knows(case, *BOTH))
    assert holds(trace, on("R", "base"), "tainted_first") == 49 * M
    assert not _there(trace, "Q")
    assert node(trace, on("R", "base")).first_traced == case.now + 600


@pytest.mark.parametrize("early", [1, 30, 500])
def test_clocks_of_chains_may_differ(early: int) -> None:
    """What came out came after what went in, and what was paid on after that."""
    trace = traced(*BOTH, bridge=Bridge(early))
    assert holds(trace, on("Q", "base"), "lifo") == 49 * M
    assert all(t.difference == 0 for t in trace.totals if t.method != "poison")


def test_the_order_of_rows_does_not_matter() -> None:
    case = Bridge(early=30).case()
    one = flows_of(knows(case, *BOTH))
    case.rows.reverse()
    assert flows_of(knows(case, *BOTH)) == one


def test_a_lie_about_the_amount_is_shown_at_the_bridge_that_told_it() -> None:
    """The event of the only value that left is taken; what was really paid counts."""
    trace = traced(wrote("ethereum", "0xlock", lock(amount=10**30)), BOTH[1])
    assert (over(trace).amount, over(trace).got_amount) == (50 * M, 49 * M)


def test_an_exchange_on_the_way_into_the_bridge() -> None:
    """A gives the coin to a router, which locks a dollar token for it."""
    case = Case()
    case.pay("S", "A", 100)
    case.pay("A", "router", 50, tx="0xlock")
    case.fee("0xlock", "A")
    case.move("0xfill", "relayer", "R", 49 * M, chain="base", contract=USDC)
    trace = Tracer().trace(knows(case, *BOTH))
    edge = over(trace)
    assert (edge.asset.contract, edge.recipient) == ("", at("R"))
    assert edge.got_amount == 49 * M
    assert holds(trace, on("R", "base"), "haircut") == 49 * M


def test_what_is_burnt_for_a_bridge_ended_at_the_bridge() -> None:
    """It is looked at, and then the contract that wrote the event stands for it."""
    case = Case()
    case.move("0xpaid", "S", "A", 100 * M, contract=USDC)
    case.move("0xlock", "A", ZERO, 50 * M, contract=USDC)
    blind = Tracer().trace(knows(case))
    assert [(w.need, w.tx) for w in blind.wanted] == [(Need.ANATOMY, "0xlock")]
    trace = Tracer().trace(knows(case, BOTH[0], followed=()))
    stop = node(trace, on("pool")).stop
    assert stop is not None
    assert stop.reason == "bridge"
    assert all(n.subject.address != ZERO for n in trace.nodes)
    seen = Tracer().trace(knows(case, wrote("ethereum", "0xlock")))
    assert node(seen, Subject("ethereum", ZERO)).stop == node(blind, Subject("ethereum", ZERO)).stop


def test_a_watched_address_may_use_the_bridge_itself() -> None:
    case = Case()
    case.move("0xlock", "S", "pool", 50 * M, contract=USDC)
    case.move("0xfill", "relayer", "R", 49 * M, chain="base", contract=USDC)
    trace = Tracer().trace(knows(case, *BOTH))
    edge = over(trace)
    assert (edge.sender, edge.hop, edge.traced["libr"]) == (at("S"), 1, 50 * M)
    assert holds(trace, on("R", "base"), "libr") == 49 * M


def test_what_comes_back_to_the_source_by_a_bridge_is_absorbed() -> None:
    case = Case(sources=("S", "A"))
    case.move("0xpaid", "S", "B", 50 * M, contract=USDC)
    case.move("0xlock", "B", "pool", 50 * M, contract=USDC)
    case.fee("0xlock", "B")
    case.move("0xback", "relayer", "S", 50 * M, contract=USDC)
    there = lock(chain="ethereum", recipient=at("S"))
    back = fill(recipient=at("S"))
    known = knows(case, wrote("ethereum", "0xlock", there), wrote("ethereum", "0xback", back))
    trace = Tracer().trace(replace(known, followed=frozenset({on("B")})))
    total = next(t for t in trace.totals if t.method == "fifo" and t.asset is not None)
    assert (total.out_of_sources, total.resting, total.difference) == (0, 0, 0)


B_R = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
B_Q = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
VAULT = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def thor(*, worth: int = 97, spends: str = "vault:0") -> tuple[Case, Known]:
    """A gives THORChain's router one coin; its vault pays R on Bitcoin, and itself the rest."""
    case = Case()
    case.pay("S", "A", 2000)
    case.pay("A", "pool", 2000, tx="0xlock")
    case.fee("0xlock", "A")
    case.chain = BTC
    out = 10**6 * worth
    case.spend("out", [(spends, VAULT, 10**9)], [(None, 0), (B_R, out), (VAULT, 10**9 - out)])
    case.spend("on", [("out:1", B_R, out)], [(B_Q, out - 10**6), (B_R, 10**6)])
    case.chain = ETH
    deposit = Crossing("THORChain", True, "thorchain/lock", 3, at("pool"), "bitcoin", "BTC", B_R)
    memo = wrote("ethereum", "0xlock", replace(deposit, amount=10**18))
    subjects = [on("A"), *(Subject("bitcoin", name) for name in (B_R, B_Q))]
    known = replace(
        case.knows(subjects),
        anatomies={(a.chain, a.tx): a for a in (memo, silent("bitcoin", "out"))},
    )
    return case, known


def test_what_is_exchanged_on_the_way_to_bitcoin_is_followed_there() -> None:
    """No source tells a memo of Bitcoin: the deposit names R, worth and time fit one payment. The
    vault's other coins are not part of it."""
    trace = Tracer().trace(thor()[1])
    edge = over(trace)
    assert (edge.sender, edge.recipient, edge.to_chain) == (at("A"), B_R, "bitcoin")
    assert (edge.amount, edge.got_amount) == (10**18, 97 * 10**6)
    assert "the link was not checked" in edge.rule
    for method in ("haircut", "fifo", "libr", "tainted_first"):
        assert holds(trace, Subject("bitcoin", B_Q), method) == 96 * 10**6
        assert holds(trace, Subject("bitcoin", B_R), method) == 10**6
    assert all(n.subject.address != VAULT for n in trace.nodes)
    assert all(t.difference == 0 for t in trace.totals if t.method != "poison")


@pytest.mark.parametrize("worth", [89, 103])
def test_what_is_worth_something_else_is_not_the_other_side(worth: int) -> None:
    trace = Tracer().trace(thor(worth=worth)[1])
    assert over(trace).got is None


def test_a_payment_of_the_case_itself_is_not_a_bridges() -> None:
    known = thor()[1]
    subjects = frozenset({*known.followed, Subject("bitcoin", VAULT)})
    assert over(Tracer().trace(replace(known, followed=subjects))).got is None


def guessed() -> Known:
    """A pays a bridge that writes nothing, and gets nearly as much on Base."""
    case = Case()
    case.pay("S", "A", 100)
    case.name("pool", "bridge")
    case.move("0xlock", "A", "pool", 50 * M, contract=USDC)
    case.move("0xlock", "S", "A", 50 * M, contract=USDC)
    case.move("0xcame", "x", "A", 49 * M, chain="base", contract=USDC)
    return replace(
        knows(case, wrote("ethereum", "0xlock"), followed=("A",)),
        names=lambda s: [Name("Pool", "bridge", "labels")] if s == on("pool") else [],
    )


def test_a_bridge_that_wrote_nothing_leaves_a_guess() -> None:
    trace = Tracer().trace(guessed())
    assert [(guess.tx, guess.subject) for guess in trace.leads] == [("0xlock", on("A", "base"))]
    assert "A guess" in trace.leads[0].words
    assert not _there(trace, "A")  # never attributed


def test_a_guess_is_followed_after_a_yes_and_attributes_nothing() -> None:
    there = on("A", "base")
    assert there not in [n.subject for n in Tracer().trace(guessed()).nodes]
    yes = Word(Say.APPROVE, there, "", "Ada", "because", 1)
    trace = Tracer().trace(replace(guessed(), words=[yes]))
    node = next(n for n in trace.nodes if n.subject == there)
    assert (node.state, node.hop, node.received) == (State.FOLLOWED, 2, ())
    assert all(t.difference == 0 for t in trace.totals if t.method != "poison")


def test_no_guess_is_made_between_two() -> None:
    case = Case()
    case.pay("S", "A", 100)
    case.name("pool", "bridge")
    case.move("0xlock", "A", "pool", 50 * M, contract=USDC)
    same = case.now + 10
    for tx in ("0xcame", "0xtoo"):
        case.move(tx, "x", "A", 49 * M, chain="base", contract=USDC, time=same)
    known = knows(case, wrote("ethereum", "0xlock"), followed=("A",))
    assert Tracer().trace(known).leads == ()


def test_all_methods_see_the_same_bridge() -> None:
    assert set(over(traced(*BOTH)).traced) == set(METHODS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.integers(-500, 8000), st.integers(90, 100)),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_any_delays_keep_every_sum_and_any_order_of_rows_the_trace(
    hops: list[tuple[int, int, int]], random: Random
) -> None:
    """Deposits of so many dollars come out so much later, so many hundredths of them; R pays on
    half of each at once."""
    case = Case()
    case.move("0xpaid", "S", "A", 1_000 * M, contract=USDC)
    case.move("0xopen", "x", "R", 300 * M, chain="base", contract=USDC, time=1, block_height=1)
    anatomies = []
    for n, (usd, late, share) in enumerate(hops):
        link = f"across/1/{n}"
        case.move(f"0xlock{n}", "A", "pool", usd * M, contract=USDC)
        came = usd * M * share // 100
        when = {"time": max(2, case.now + late), "block_height": None, "chain": "base"}
        case.move(f"0xfill{n}", "relayer", "R", came, contract=USDC, **when)
        case.move(f"0xon{n}", "R", "Q", came // 2, contract=USDC, **when)
        anatomies.append(wrote("ethereum", f"0xlock{n}", lock(link, amount=usd * M)))
        anatomies.append(wrote("base", f"0xfill{n}", fill(link, amount=came)))
    trace = Tracer().trace(knows(case, *anatomies))
    assert [t.difference for t in trace.totals if t.method != "poison" and t.difference] == []
    crossed = [e for e in trace.edges if e.via == "bridge"]
    assert all(e.got is not None for e in crossed)
    assert all(e.traced["poison"] <= e.amount for e in crossed)
    random.shuffle(case.rows)
    assert Tracer().trace(knows(case, *anatomies)) == trace
