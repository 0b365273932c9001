"""Limits, questions and what is learned next: a budget that ran out never looks like nothing."""

from __future__ import annotations

import pytest
from tracing_world import Case, Learner, balanced, follow, node, on, person, question, total, usd

from monitor.model.trace import Need, Say, State, Terms


def fan(count: int, **terms: object) -> Case:
    """S pays many, each less than the one before."""
    told = {"min_share": "0", "ask_after": None, **terms}
    case = Case(terms=Terms(**told))  # type: ignore[arg-type]
    for n in range(count):
        case.pay("S", f"r{n:03}", 1000 - n)
    return case


def states(trace: object) -> list[State]:
    return [n.state for n in trace.nodes if n.hop]  # type: ignore[attr-defined]


def test_the_limit_of_addresses_ends_it_and_says_so() -> None:
    learner = Learner(fan(5, addresses=3))
    trace = learner.to_the_end()
    assert learner.followed == [on("r000"), on("r001"), on("r002")]
    assert trace.followed == 3
    cut = node(trace, "r003").stop
    assert cut is not None
    assert (cut.reason, cut.detail) == (
        "addresses",
        "the limit of 3 followed addresses is reached",
    )
    assert trace.ended == (
        "the limit of 3 followed addresses is reached: 2 addresses with 1,993.00 USD not looked at"
    )
    assert question(trace, "limit").about == (on("r003"), on("r004"))
    assert usd(total(trace).ended["addresses"]) == 1993
    balanced(trace)


def test_a_raised_limit_goes_on() -> None:
    case = fan(5, addresses=3)
    case.words.append(person(Say.LIMIT, value="addresses=4"))
    trace = follow(case)
    assert (trace.terms.addresses, trace.followed) == (4, 4)
    case.words.append(person(Say.LIMIT, value="addresses=many"))
    case.words.append(person(Say.LIMIT, value="min_usd=0"))
    assert follow(case).terms == trace.terms


def test_the_limit_of_calls_ends_finding_and_takes_nothing_back() -> None:
    case = fan(3, calls=3)
    case.pay("r000", "r002", 900)
    learner = Learner(case)
    trace = learner.to_the_end()
    assert trace.wanted == ()
    assert trace.ended.startswith("the limit of 3 calls for finding addresses is reached: 2 addr")
    assert states(trace).count(State.FOLLOWED) == 1
    case.terms = Terms(min_share="0", ask_after=None)
    assert states(learner.to_the_end()) == [State.FOLLOWED] * 3


def test_somebody_not_looked_at_still_passes_on_what_the_record_shows() -> None:
    """r001 is never read, but r000's own record shows what it got from it."""
    case = fan(2, addresses=1)
    case.pay("r001", "r000", 500)
    trace = follow(case)
    assert usd(node(trace, "r000").received[0].usd["fifo"]) == 1500  # type: ignore[index]
    assert usd(total(trace).ended["addresses"]) == 499
    balanced(trace)


def test_after_so_many_addresses_a_person_is_asked_once_about_the_next_ones() -> None:
    case = fan(60, ask_after=2)
    learner = Learner(case)
    trace = learner.to_the_end()
    assert states(trace) == [State.FOLLOWED] * 2 + [State.WAITING] * 58
    asked = trace.questions[0]
    assert (asked.kind, len(asked.about), asked.about[0]) == ("ask_after", 50, on("r002"))
    assert asked.words.startswith("2 addresses followed. Follow the next 50, with 48,6")
    assert trace.ended == ""
    case.words.append(person(Say.MORE, value="3"))
    assert learner.to_the_end().followed == 5
    case.words.append(person(Say.APPROVE, "r050"))
    learner.to_the_end()
    assert learner.followed[-1] == on("r050")


def test_no_more_are_looked_for_than_a_person_allowed() -> None:
    """What is beyond them is not even asked what it is."""
    learner = Learner(fan(9, ask_after=2))
    trace = learner.trace()
    assert [w.subject for w in trace.wanted] == [on("r000"), on("r001")]
    learner.to_the_end()
    assert learner.profiled == [on("r000"), on("r001")]


def test_whoever_turns_out_to_be_a_service_is_replaced_by_the_next() -> None:
    case = fan(4, ask_after=2)
    case.profile("r000", transactions=5000)
    learner = Learner(case)
    learner.to_the_end()
    assert learner.followed == [on("r001"), on("r002")]


@pytest.mark.parametrize("spent", [2, 100])
def test_nothing_found_and_no_calls_left_are_told_apart(spent: int) -> None:
    case = fan(1, calls=spent)
    case.calls_used = spent
    trace = Learner(case).trace()
    assert trace.ended
    assert node(trace, "r000").stop.reason == "calls"  # type: ignore[union-attr]
    case.calls_used = 0
    done = follow(case)
    assert not done.ended
    assert node(done, "r000").stop is None


def test_the_order_of_learning_changes_nothing() -> None:
    case = fan(4)
    for giver, taker in (("r000", "x"), ("r001", "x"), ("x", "y"), ("r002", "r000"), ("y", "r003")):
        case.pay(giver, taker, 700)
    expected = follow(case)
    last_first = Learner(case, pick=lambda wanted: wanted[-1])
    trace = last_first.to_the_end()
    assert (trace.nodes, trace.edges, trace.totals) == (
        expected.nodes,
        expected.edges,
        expected.totals,
    )
    backwards = case.shuffled(range(len(case.rows))[::-1])
    assert follow(backwards) == expected


def test_a_chosen_method_is_told_with_who_chose_it() -> None:
    case = fan(1)
    assert follow(case).method == ""
    case.words.append(person(Say.METHOD, value="libr"))
    trace = follow(case)
    assert (trace.method, trace.method_by, trace.method_why) == ("libr", "Ada", "because")


def test_wanted_names_what_is_needed_by_value() -> None:
    case = fan(3)
    case.name("r001", "dex")
    case.profile("r002")
    wanted = Learner(case).trace().wanted
    assert [(w.need, w.subject) for w in wanted] == [
        (Need.PROFILE, on("r000")),
        (Need.ANATOMY, on("r001")),
        (Need.FOLLOW, on("r002")),
    ]
