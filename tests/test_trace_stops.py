"""Every stop rule, with its reason, its words and what ends there."""

from __future__ import annotations

import pytest
from tracing_world import (
    Case,
    Learner,
    at,
    balanced,
    follow,
    has,
    node,
    on,
    person,
    question,
    total,
    usd,
)
from world.trail import BTC, ZERO

from monitor.model import Issuer, Subject
from monitor.model.trace import Code, Need, Say, State, Terms

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def paid(dollars: int = 1000, **told: object) -> Case:
    """S pays A, who pays B."""
    case = Case(**told)  # type: ignore[arg-type]
    case.pay("S", "A", dollars)
    case.pay("A", "B", dollars)
    return case


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "reason"),
    [
        ("exchange", "exchange"),
        ("mixer", "mixer"),
        ("bridge", "bridge"),
        ("dex", "dex"),
        ("service", "service"),
        ("issuer", "issuer"),
        ("burn", "burn"),
        ("gambling", "service"),
        ("government-seizure", "service"),
    ],
)
def test_a_name_ends_the_trace_and_is_told_with_who_said_it(category: str, reason: str) -> None:
    case = paid()
    case.name("A", category)
    trace = follow(case)
    stop = node(trace, "A").stop
    assert stop is not None
    assert (stop.reason, stop.confirmed) == (reason, True)
    assert stop.detail == f"A {category} by labels (2024-05-01)"
    assert {m: usd(n) for m, n in total(trace).ended.items()} == {reason: 1000}
    assert not has(trace, "B")
    balanced(trace)


def test_whoever_is_named_is_not_asked_about() -> None:
    case = paid()
    case.name("A", "exchange")
    learner = Learner(case)
    learner.to_the_end()
    assert (learner.profiled, learner.followed) == ([], [])


@pytest.mark.parametrize("category", ["sanctioned", "other", ""])
def test_other_names_end_nothing(category: str) -> None:
    case = paid()
    case.name("A", category)
    assert node(follow(case), "B").state is State.FOLLOWED


def test_names_that_contradict_are_told_side_by_side_and_not_confirmed() -> None:
    case = paid()
    case.name("A", "mixer", says="one")
    case.name("A", "exchange", says="two", confidence="high")
    trace = follow(case)
    stop = node(trace, "A").stop
    assert stop is not None
    assert (stop.reason, stop.confirmed) == ("exchange", False)
    assert stop.detail == (
        "named as A exchange by two (2024-05-01), not confirmed; "
        "named as A mixer by one (2024-05-01), not confirmed"
    )
    assert [n.source for n in node(trace, "A").names] == ["two", "one"]
    assert question(trace, "low_confidence").about == (on("A"),)


def test_a_single_name_of_low_confidence_is_not_confirmed_and_a_second_word_confirms_it() -> None:
    case = paid()
    case.name("A", "exchange", confidence="low")
    stop = node(follow(case), "A").stop
    assert stop is not None
    assert not stop.confirmed
    case.name("A", "exchange", says="other labels", confidence="high")
    trace = follow(case)
    assert node(trace, "A").stop.confirmed  # type: ignore[union-attr]
    assert not trace.questions


def test_the_homes_own_name_stands_whatever_others_say() -> None:
    case = paid()
    case.name("A", "exchange", confidence="low")
    case.name("A", "mixer", says="our address book", own=True, confidence="low")
    stop = node(follow(case), "A").stop
    assert stop is not None
    assert (stop.reason, stop.confirmed) == ("mixer", False), "its own book says low"
    case.called[at("A")].pop()
    case.name("A", "mixer", says="our address book", own=True)
    stop = node(follow(case), "A").stop
    assert stop is not None
    assert (stop.reason, stop.confirmed) == ("mixer", True)
    case.called[at("A")].pop()
    case.name("A", "other", says="our address book", own=True)
    assert node(follow(case), "A").stop is None


# --- what it is -------------------------------------------------------------------------------


def test_whoever_behaves_like_a_service_is_one_before_any_history_is_read() -> None:
    for told in ({"transactions": 1001, "at_least": True}, {"busiest_day": 101}):
        case = paid()
        case.profile("A", **told)
        learner = Learner(case)
        trace = learner.to_the_end()
        stop = node(trace, "A").stop
        assert stop is not None
        assert stop.reason == "service"
        assert stop.detail.startswith("unlabelled service: over 1")
        assert learner.followed == []
    case = paid()
    case.profile("A", transactions=1000, busiest_day=100)
    assert node(follow(case), "A").stop is None


def test_a_contract_that_is_no_wallet_ends_the_trace_and_a_wallet_does_not() -> None:
    case = paid()
    case.profile("A", Code.CONTRACT)
    assert node(follow(case), "A").stop.reason == "contract"  # type: ignore[union-attr]
    case.profile("A", Code.WALLET, wallet="Safe 1.3.0")
    a = node(follow(case), "A")
    assert (a.state, a.wallet) == (State.FOLLOWED, "Safe 1.3.0")


@pytest.mark.parametrize("sink", [ZERO, "0x000000000000000000000000000000000000dead"])
def test_what_nobody_can_spend_is_burnt(sink: str) -> None:
    case = Case()
    case.pay("S", "A", 1000)
    case.pay("A", sink, 1000)
    assert node(follow(case), sink).stop.reason == "burn"  # type: ignore[union-attr]


def test_the_contract_of_a_token_is_its_issuers() -> None:
    case = paid()
    known = case.knows()
    issuer = Issuer(at("A"), "Tether", "USDT", ())
    chain = known.chains["ethereum"]
    object.__setattr__(chain, "issuers", (issuer,))
    try:
        stop = node(Learner(case).tracer.trace(known), "A").stop
    finally:
        object.__setattr__(chain, "issuers", ())
    assert stop is not None
    assert (stop.reason, stop.detail) == ("issuer", "the contract of USDT by Tether")


def sweeping(later: int = 600, share: int = 100) -> Case:
    """S pays A, who passes it on to an exchange."""
    case = Case()
    case.name("hot", "exchange")
    case.pay("S", "A", 1000)
    case.now += later
    case.pay("A", "hot", 10 * share, tx="sweep")
    case.fee("sweep", "A", 10**12)
    return case


def test_whoever_passes_all_on_to_an_exchange_soon_is_its_deposit_address() -> None:
    trace = follow(sweeping())
    a = node(trace, "A")
    assert a.stop is not None
    assert (a.stop.reason, a.exchange) == ("deposit_address", "hot exchange")
    assert "hot exchange by labels (2024-05-01)" in a.stop.detail
    # What it was swept of is at the exchange; nothing else is looked at behind it.
    hot = node(trace, "hot")
    assert (hot.stop and hot.stop.reason, a.holds == ()) == ("exchange", True)
    assert usd(total(trace).ended["exchange"]) == 1000
    balanced(trace)


@pytest.mark.parametrize("case", [sweeping(later=2 * 24 * 3600), sweeping(share=80)])
def test_whoever_takes_its_time_or_keeps_something_is_none(case: Case) -> None:
    trace = follow(case)
    assert node(trace, "A").state is State.FOLLOWED
    assert node(trace, "hot").stop.reason == "exchange"  # type: ignore[union-attr]


def test_whoever_pays_others_as_well_is_none() -> None:
    case = sweeping()
    case.pay("X", "A", 500)
    case.pay("A", "Y", 500)
    assert node(follow(case), "A").state is State.FOLLOWED


def test_whoever_keeps_what_came_long_ago_is_none_and_what_came_just_now_says_nothing() -> None:
    case = sweeping()
    case.pay("X", "A", 500)
    case.moment = case.now + 24 * 3600 - 1
    assert node(follow(case), "A").stop.reason == "deposit_address"  # type: ignore[union-attr]
    case.moment += 1
    assert node(follow(case), "A").state is State.FOLLOWED


def test_sending_into_a_deposit_address_makes_nobody_one() -> None:
    case = Case()
    case.name("hot", "exchange")
    case.pay("S", "A", 1000)
    case.pay("A", "deposit", 1000)
    case.pay("deposit", "hot", 1000)
    trace = follow(case)
    assert node(trace, "A").state is State.FOLLOWED
    assert node(trace, "deposit").stop.reason == "deposit_address"  # type: ignore[union-attr]


def test_a_deposit_address_of_somebody_who_is_not_sure_to_be_an_exchange_is_not_confirmed() -> None:
    case = sweeping()
    case.called.clear()
    case.name("hot", "exchange", confidence="low")
    stop = node(follow(case), "A").stop
    assert stop is not None
    assert (stop.reason, stop.confirmed) == ("deposit_address", False)


# --- what came --------------------------------------------------------------------------------


def test_a_movement_below_the_least_is_summed_up_and_one_of_exactly_it_is_followed() -> None:
    case = Case()
    case.pay("S", "A", "24.99")
    case.pay("S", "B", 25)
    trace = follow(case)
    stop = node(trace, "A").stop
    assert stop is not None
    assert (stop.reason, stop.detail) == ("below_value", "no movement of 25 USD or more")
    assert node(trace, "B").state is State.FOLLOWED
    assert usd(total(trace).ended["below_value"]) == 24.99
    balanced(trace)


def test_small_movements_to_one_receiver_are_a_question_above_ten_times_the_least() -> None:
    case = Case()
    for _ in range(12):
        case.pay("S", "A", 20)
        case.pay("S", "B", 21)
    case.pay("S", "B", 1)
    trace = follow(case)
    assert node(trace, "A").stop.reason == "below_value"  # type: ignore[union-attr]
    assert (node(trace, "B").state, node(trace, "B").stop) == (State.WAITING, None)
    asked = question(trace, "small_amounts")
    assert asked.about == (on("B"),)
    assert "253.00 USD" in asked.words
    assert usd(total(trace).unfollowed) == 253
    case.words.append(person(Say.APPROVE, "B"))
    assert node(follow(case), "B").state is State.FOLLOWED


def test_one_movement_of_the_least_is_enough_however_many_small_ones_come_beside() -> None:
    case = Case()
    for dollars in (20, 30, 20):
        case.pay("S", "A", dollars)
    assert node(follow(case), "A").state is State.FOLLOWED


def test_a_share_below_the_least_ends_it() -> None:
    case = Case(terms=Terms(min_share="0.01", ask_after=None))
    case.pay("S", "A", 99_900)
    case.pay("S", "B", 900)
    case.pay("S", "C", 1100)
    trace = follow(case)
    stop = node(trace, "B").stop
    assert stop is not None
    assert (stop.reason, stop.detail) == (
        "below_share",
        "less than 0.01 of what left the watched addresses",
    )
    assert node(trace, "C").state is State.FOLLOWED


def test_no_least_value_follows_everything_that_a_method_attributes() -> None:
    case = Case(terms=Terms(min_usd="0", min_share="0", ask_after=None))
    case.pay("S", "A", "0.01")
    case.pay("A", "B", "0.01")
    case.pay("X", "B", 50)
    case.pay("B", "C", 50)
    trace = follow(case)
    assert node(trace, "C").state is State.FOLLOWED
    balanced(trace)


def test_reachable_only_is_told_as_such_and_not_followed() -> None:
    """A had paid on all that it got, and got something clean later."""
    case = Case(terms=Terms(min_usd="0", min_share="0", ask_after=None))
    case.pay("S", "A", 100)
    case.pay("A", "B", 100)
    case.pay("X", "A", 50)
    case.pay("A", "C", 50)
    trace = follow(case)
    c = node(trace, "C")
    assert c.stop is not None
    assert (c.stop.reason, c.stop.detail) == (
        "below_value",
        "reachable only: no method attributes value to it",
    )
    assert usd(c.received[0].usd["poison"]) > 0  # type: ignore[index]
    balanced(trace)


@pytest.mark.parametrize(("hops", "reached"), [(1, "A"), (2, "B"), (3, "C")])
def test_nothing_is_asked_about_an_address_beyond_the_hops(hops: int, reached: str) -> None:
    case = Case(terms=Terms(hops=hops, min_share="0", ask_after=None))
    for giver, taker in ("SA", "AB", "BC", "CD"):
        case.pay(giver, taker, 1000)
    learner = Learner(case)
    trace = learner.to_the_end()
    assert node(trace, reached).state is State.FOLLOWED
    beyond = node(trace, chr(ord(reached) + 1))
    assert beyond.stop is not None
    assert (beyond.hop, beyond.stop.reason) == (hops + 1, "hops")
    assert beyond.subject not in learner.profiled + learner.followed
    assert usd(total(trace).ended["hops"]) == 1000
    balanced(trace)


def test_a_shorter_way_brings_somebody_within_the_hops() -> None:
    case = Case(terms=Terms(hops=2, min_share="0", ask_after=None))
    for giver, taker in ("SA", "AB", "BC", "CD"):
        case.pay(giver, taker, 1000)
    case.pay("S", "C", 50)
    trace = follow(case)
    assert (node(trace, "C").hop, node(trace, "C").state) == (1, State.FOLLOWED)
    assert node(trace, "D").stop is None or node(trace, "D").hop == 4


# --- prices -----------------------------------------------------------------------------------


def test_what_has_no_price_waits_for_a_person() -> None:
    case = Case()
    del case.prices["0x" + "2" * 40]
    case.pay("S", "A", 1000)
    case.move("t1", "S", "B", 5_000_000, contract="0x" + "2" * 40)
    trace = follow(case)
    b = node(trace, "B")
    assert (b.state, b.stop) == (State.WAITING, None)
    assert b.holds[0].usd is None
    assert question(trace, "unpriced").about == (on("B"),)
    assert total(trace, symbol="DAI").unfollowed == 5_000_000
    assert usd(total(trace).out_of_sources) == 1000  # USD are the sum of what has a price
    balanced(trace)


def test_without_any_price_all_of_what_a_source_paid_is_followed() -> None:
    case = Case()
    case.pay("S", "A", 1000)
    case.pay("A", "B", 600)
    case.prices = {"none": 1}  # type: ignore[dict-item]
    learner = Learner(case)
    trace = learner.to_the_end()
    assert node(trace, "B").state is State.FOLLOWED
    assert learner.seen[0].wanted[0].value == 0
    assert learner.seen[0].wanted[0].share == "1.000000000000"
    assert not trace.questions
    balanced(trace)


def test_an_unverified_token_is_counted_and_never_asked_about() -> None:
    case = Case()
    case.tokens["ethereum", "0x" + "9" * 40] = ("GAME", 18)
    case.pay("S", "A", 1000)
    case.move("t1", "S", "B", 7, contract="0x" + "9" * 40)
    case.fee("t1", "S")
    trace = follow(case)
    stop = node(trace, "B").stop
    assert stop is not None
    assert (stop.reason, stop.detail) == ("unpriced", "an unverified token: counted, not followed")
    assert not trace.questions
    assert total(trace, symbol="GAME").ended == {"unpriced": 7}


# --- persons ----------------------------------------------------------------------------------


def test_a_person_stops_an_address_and_another_word_resumes_it() -> None:
    case = paid()
    case.words.append(person(Say.STOP, "A"))
    trace = follow(case)
    stop = node(trace, "A").stop
    assert stop is not None
    assert (stop.reason, stop.detail) == ("person", "stopped by Ada: because")
    case.words.append(person(Say.RESUME, "A"))
    assert node(follow(case), "B").state is State.FOLLOWED


def test_a_stop_where_nothing_had_left_is_told_apart() -> None:
    case = paid()
    learner = Learner(case)
    learner.to_the_end()
    case.words.append(person(Say.STOP, "B"))
    case.words.append(person(Say.STOP, "A"))
    known = case.knows(learner.followed)
    trace = learner.tracer.trace(known)
    assert node(trace, "A").stop.reason == "person"  # type: ignore[union-attr]
    case.words.pop()
    trace = learner.tracer.trace(case.knows(learner.followed))
    stop = node(trace, "B").stop
    assert stop is not None
    assert (stop.reason, stop.detail) == (
        "no_outflow",
        "stopped by Ada: because; nothing had left",
    )


@pytest.mark.parametrize("category", ["exchange", "service"])
def test_a_person_resumes_whatever_ended_it(category: str) -> None:
    case = paid()
    case.name("A", category)
    case.words.append(person(Say.RESUME, "A"))
    assert node(follow(case), "B").state is State.FOLLOWED
    case.words = [person(Say.APPROVE, "A")]  # a yes is about what waits, not about a name
    assert node(follow(case), "A").state is State.STOPPED


# --- transactions that may say more ----------------------------------------------------------


def test_what_went_to_somebody_who_passes_on_makes_the_transaction_wanted() -> None:
    case = paid()
    case.name("A", "bridge")
    wanted = Learner(case).trace().wanted
    assert [(w.need, w.subject, w.tx, usd(w.value)) for w in wanted] == [
        (Need.ANATOMY, on("A"), "tx0", 1000)
    ]
    case.called.clear()
    case.name("A", "exchange")
    assert Learner(case).trace().wanted == ()


# --- Bitcoin ----------------------------------------------------------------------------------


def coins(*outputs: tuple[str | None, int]) -> Case:
    case = Case(sources=("1BoatSLRHtKNngkdXEeobR76b53LETtpyT",), chain=BTC)
    case.spend("t1", [("t0:0", case.sources[0], sum(n for _, n in outputs) + 500)], outputs)
    return case


def test_an_output_that_names_no_address_cannot_be_followed() -> None:
    trace = Learner(coins((None, 50_000), (GENESIS, 9_000_000))).trace()
    states = {n.subject.address: n.stop for n in trace.nodes}
    assert states[GENESIS] is None
    nameless = states["t1:0"]
    assert nameless is not None
    assert (nameless.reason, nameless.detail) == ("incomplete", "the output names no address")
    balanced(trace)


def test_a_coinjoin_is_a_mixer_of_its_own() -> None:
    """Five people put in 0.05 BTC each, and five addresses get 0.05 BTC: a Whirlpool round."""
    case = coins((GENESIS, 5_000_500))
    pool = 5_000_000
    ins = [("t1:0", GENESIS, pool + 500)] + [
        (f"f{n}:0", f"bc1qin{n}00000000000", pool) for n in range(4)
    ]
    case.spend("mix", ins, [(f"bc1qout{n}0000000000", pool) for n in range(5)])
    trace = Learner(case, followed=[Subject("bitcoin", GENESIS)]).trace()
    mixed = next(n for n in trace.nodes if n.subject.address == "mix")
    assert mixed.stop is not None
    assert (mixed.stop.reason, mixed.hop) == ("mixer", 2)
    assert total(trace, "haircut", "BTC").ended["mixer"] > 0
    balanced(trace)
