"""What of a trace is told, how loudly, and when: without a record, by traces made by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import trace_told as t
import trace_values as v
from trace_told import DAY, HOUR, NOW, facts, keys, of, told

from monitor.decide import trace_sums as sums
from monitor.model import AlertKind, Severity, Subject
from monitor.model.trace import Name, Need, Question, State, Stop, Terms, Wanted
from monitor.model.traced import Turn

LOW, MEDIUM, SEVERE = Severity.LOW, Severity.MEDIUM, Severity.SEVERE


# --- somebody who can be asked ------------------------------------------------------------------


def test_a_payment_to_an_exchange_is_loud_by_the_lowest_method() -> None:
    """FIFO and LIBR trace nothing of the 75,000: nobody is woken for it."""
    (quiet,) = of(Turn.REACHED, told(t.with_edges(t.TO_EXCHANGE)))
    (loud,) = of(Turn.REACHED, told(t.with_edges(t.later(t.TO_EXCHANGE, 2, 1_000))))
    (less,) = of(Turn.REACHED, told(t.with_edges(t.later(t.TO_EXCHANGE, 2, 999))))
    assert [a.severity for a in (quiet, loud, less)] == [LOW, SEVERE, LOW]
    assert (loud.kind, loud.tx, loud.rows) == (AlertKind.REACHED, f"0x{2:064x}", loud.rows)
    hop = facts(loud).hops[0]
    assert (hop.to, hop.low, hop.hop) == ("Binance 14", 1_000 * 10**6, 2)
    assert facts(quiet).hops[0].usd == (0, 75_000 * 10**6, None)


def test_how_much_is_loud_is_the_cases_own_limit() -> None:
    edge = t.later(t.TO_EXCHANGE, 2, 50)
    trace = t.with_edges(edge, terms=Terms(tell_usd="50"))
    assert of(Turn.REACHED, told(trace))[0].severity is SEVERE


def test_what_comes_later_to_one_place_is_told_together() -> None:
    first = t.later(t.TO_EXCHANGE, 2, 2_000)
    known = told(t.with_edges(first))
    more = [t.later(t.TO_EXCHANGE, n, 300) for n in (3, 4, 5, 6)]
    trace = t.with_edges(first, *more)
    soon = of(Turn.REACHED, told(trace, told=known, now=NOW + 599))
    (then,) = of(Turn.REACHED, told(trace, told=known, now=NOW + 600))
    assert soon == []
    assert keys(then) == [edge.key for edge in more]
    assert then.severity is SEVERE, "1,200 USD in all"
    assert of(Turn.REACHED, told(trace, told=[*known, then], now=NOW + DAY)) == []


def test_what_comes_to_another_place_waits_for_nobody() -> None:
    first = t.later(t.TO_EXCHANGE, 2, 2_000)
    other = t.later(replace(t.TO_EXCHANGE, recipient=v.REST), 3, 5_000)
    stop = Stop("mixer", "named as a mixer")
    trace = t.with_node(v.REST, t.with_edges(first, other), stop=stop, state=State.STOPPED)
    (mixed,) = of(Turn.REACHED, told(trace, told=told(t.with_edges(first)), now=NOW + 1))
    assert (facts(mixed).place, facts(mixed).reason) == (f"ethereum/{v.REST}", "mixer")


def test_a_name_that_nobody_confirmed_is_never_loud_and_all_names_are_told() -> None:
    names = (Name("Big", "exchange", "one", "2024-01-01"), Name("Mix", "mixer", "two"))
    doubt = Stop("exchange", "", confirmed=False)
    edges = t.with_edges(t.later(t.TO_EXCHANGE, 2, 10**6))
    (alert,) = of(Turn.REACHED, told(t.with_node(v.EXCHANGE, edges, stop=doubt, names=names)))
    assert (alert.severity, facts(alert).confirmed) == (LOW, False)
    assert facts(alert).named == (("Big", "one", "2024-01-01"), ("Mix", "two", ""))
    sure = of(Turn.REACHED, told(edges, told=[alert], now=NOW + 60))
    assert [a.severity for a in sure] == [SEVERE], "a person confirmed it a minute later"


def test_a_bridge_counts_once_its_other_side_is_found() -> None:
    alone = replace(t.CROSSED, got=None, to_chain="", recipient=v.BRIDGE)
    waits = told(t.with_edges(alone))
    assert of(Turn.REACHED, waits) == []
    assert keys(*of(Turn.MOVED, waits)) == [alone.key]
    (found,) = of(Turn.REACHED, told(t.with_edges(t.CROSSED), told=waits, now=NOW + 60))
    assert (facts(found).reason, facts(found).place) == ("bridge", f"arbitrum/{v.FAR}")
    assert facts(found).hops[0].to_chain == "arbitrum"


# --- value that moves on ------------------------------------------------------------------------


def test_what_moves_on_is_low_and_the_rest_is_collected() -> None:
    one, two, three = (t.later(v.EDGES[3], n, 40) for n in (4, 5, 6))
    (first,) = of(Turn.MOVED, told(t.with_edges(one)))
    assert (first.severity, first.kind) == (LOW, AlertKind.TRACED)
    assert facts(first).rests is not None
    both = t.with_edges(one, two, three)
    assert of(Turn.MOVED, told(both, told=[first], now=NOW + 300)) == []
    (then,) = of(Turn.MOVED, told(both, told=[first], now=NOW + 600))
    assert keys(then) == [two.key, three.key]


def test_a_tenth_within_a_day_is_medium_also_in_small_parts() -> None:
    """Of 200,000 that left: 12,000 alone are no tenth, twice that much is."""
    one, two = t.later(v.EDGES[3], 4, 12_000), t.later(v.EDGES[3], 5, 12_000)
    (low,) = of(Turn.MOVED, told(t.with_edges(one)))
    (loud,) = of(Turn.MOVED, told(t.with_edges(one, two), told=[low], now=NOW + 60))
    assert (low.severity, loud.severity) == (LOW, MEDIUM)
    assert keys(loud) == [one.key, two.key]
    late = replace(two, time=NOW + 2 * DAY)
    (apart,) = of(Turn.MOVED, told(t.with_edges(one, late), told=[low], now=NOW + 2 * DAY + 60))
    assert apart.severity is LOW, "not within one day"


def test_what_moved_twice_within_a_day_is_no_more_for_it() -> None:
    """12,000 to REST, and the same from there to FAR: that is no tenth of 200,000."""
    one = t.later(v.EDGES[3], 4, 12_000)
    two = replace(t.later(v.EDGES[3], 5, 12_000), sender=v.REST, recipient=v.FAR, hop=3)
    assert of(Turn.MOVED, told(t.with_edges(one, two)))[0].severity is LOW


def test_what_went_through_others_meanwhile_counts_once_too() -> None:
    """HUB to REST to FAR to BRIDGE, of which the one in the middle was told before."""
    names = (v.HUB, v.REST, v.FAR, v.BRIDGE)
    steps = [
        replace(t.later(v.EDGES[3], 4 + at, 12_000), sender=a, recipient=b, hop=2 + at)
        for at, (a, b) in enumerate(pairwise(names))
    ]
    whole, apart = (sums.moved_once(found, steps, "") for found in (steps, [steps[0], steps[2]]))
    assert whole == apart == sums.moved_once(steps[:1], steps, "")


def test_a_day_has_one_loud_message_about_it() -> None:
    one, two = t.later(v.EDGES[3], 4, 30_000), t.later(v.EDGES[3], 5, 30_000)
    known = told(t.with_edges(one))
    (then,) = of(Turn.MOVED, told(t.with_edges(one, two), told=known, now=NOW + HOUR))
    assert (known[0].severity, then.severity, keys(then)) == (MEDIUM, LOW, [two.key])


def test_what_only_poison_reaches_is_no_news() -> None:
    marked = dict.fromkeys(v.METHODS, 0) | {"poison": 5}
    assert told(t.with_edges(replace(v.EDGES[3], traced=marked, usd=marked))) == []


def test_what_the_watched_address_pays_is_told_by_its_own_alert() -> None:
    assert told(t.with_edges(v.EDGES[0])) == []


# --- touches us ---------------------------------------------------------------------------------


def test_what_touches_ours_is_severe_however_small() -> None:
    (alert,) = of(Turn.MOVED, told(t.with_edges(t.later(v.EDGES[3], 4, 1)), ours=t.OURS))
    assert alert.severity is SEVERE
    assert [(each.label, each.way, each.who) for each in alert.facts.ours] == [
        ("Customer 17", "to us", v.HUB)
    ]


def test_history_that_touches_ours_is_severe_once() -> None:
    since = NOW - 60
    (first,) = told(t.with_edges(v.EDGES[0], v.EDGES[3]), since=since, ours=t.OURS)
    assert (facts(first).turn, first.severity) == (Turn.HISTORY, SEVERE)
    again = told(t.with_edges(*v.EDGES[:4]), since=since, ours=t.OURS, told=[first], now=NOW + DAY)
    assert [(facts(a).turn, a.severity) for a in again] == [(Turn.HISTORY, MEDIUM)]


# --- what went before ---------------------------------------------------------------------------


def test_history_is_one_message_when_the_first_following_ends_or_asks() -> None:
    since = NOW - 60
    wanted = (Wanted(Need.FOLLOW, Subject("ethereum", v.REST), 1),)
    asks = (Question("ask_after", "May it?", (Subject("ethereum", v.REST),)),)
    assert told(v.trace(wanted=wanted, questions=()), since=since) == []
    (ended,) = told(since=since)
    assert (facts(ended).turn, ended.severity, ended.rows) == (Turn.HISTORY, MEDIUM, ())
    turns = [facts(a).turn for a in told(v.trace(wanted=wanted, questions=asks), since=since)]
    assert turns == [Turn.HISTORY, Turn.QUESTION]
    limit = v.trace(wanted=wanted, questions=(), ended="the limit of addresses is reached")
    assert [facts(a).turn for a in told(limit, since=since)] == [Turn.HISTORY]


def test_history_does_not_wait_for_one_of_ours_whom_nobody_is_asked_about() -> None:
    wanted = (Wanted(Need.FOLLOW, Subject("ethereum", v.REST), 1),)
    trace = v.trace(edges=v.EDGES[:3], wanted=wanted, questions=())
    assert len(told(trace, since=NOW - 60, ours=t.OURS)) == 1


def test_history_is_amended_a_day_later_at_most_and_only_if_it_grew() -> None:
    since, some = NOW - 60, t.with_edges(*v.EDGES[:4])
    (first,) = told(some, since=since)
    whole = v.trace(questions=(), wanted=())
    assert told(whole, since=since, told=[first], now=NOW + DAY - 1) == []
    (more,) = told(whole, since=since, told=[first], now=NOW + DAY)
    assert more.amends == first.id != more.id
    assert told(whole, since=since, told=[first, more], now=NOW + 9 * DAY) == []


def test_what_is_found_after_three_days_is_history_and_what_was_told_never_becomes_it() -> None:
    late = NOW + 3 * DAY
    turns = {facts(a).turn for a in told(t.with_edges(*v.EDGES[:2]), now=late)}
    assert turns == {Turn.HISTORY}
    known = told(t.with_edges(*v.EDGES[:2]))
    assert told(t.with_edges(*v.EDGES[:2]), told=known, now=late) == []


def test_history_says_where_all_of_it_is() -> None:
    (alert,) = told(since=NOW - 60)
    ends = {(end.reason, end.name): end for end in facts(alert).ends}
    assert ends["exchange", "Binance 14"].usd == (0, 75_000 * 10**6, None)
    assert ends["waits", ""].places == 1
    assert ends["rests", ""].places == 3


# --- a person is asked --------------------------------------------------------------------------


def asked(*about: str, kind: str = "ask_after") -> Question:
    return Question(kind, f"About {len(about)}?", tuple(Subject("ethereum", a) for a in about))


def test_a_question_is_asked_once_a_day_while_it_is_open() -> None:
    trace = v.trace(edges=(), questions=(asked("a", "b"), asked("c", kind="lead")))
    (first,) = told(trace)
    assert (first.kind, first.severity, facts(first).ask) == (
        *(AlertKind.TRACE_QUESTION, MEDIUM, "About 2?"),
    )
    grown = v.trace(edges=(), questions=(asked("b", "d"),))
    assert told(grown, told=[first], now=NOW + DAY - 1) == []
    (again,) = told(grown, told=[first], now=NOW + DAY)
    assert (again.amends, facts(again).ask) == (first.id, "About 2?")
    (third,) = told(grown, told=[first, again], now=NOW + 2 * DAY)
    assert third.amends == first.id
    assert len({first.id, again.id, third.id}) == 3


def test_the_next_question_is_asked_when_the_first_is_answered() -> None:
    known = told(v.trace(edges=(), questions=(asked("a", "b"), asked("c", kind="lead"))))
    lead = told(v.trace(edges=(), questions=(asked("c", kind="lead"),)), told=known, now=NOW + 5)
    assert [facts(a).reason for a in lead] == ["lead"]
    others = told(v.trace(edges=(), questions=(asked("x", "y"),)), told=known, now=NOW + 5)
    assert [a.amends for a in others] == [None]


# --- what did not happen ------------------------------------------------------------------------


def test_what_did_not_happen_is_taken_back_from_whoever_was_told() -> None:
    edge = t.later(t.TO_EXCHANGE, 2, 5_000)
    known = told(t.with_edges(edge))
    gone = {"undone": lambda key: key == edge.key, "now": NOW + 60}
    (back,) = told(t.with_edges(), told=known, **gone)
    assert (back.kind, back.severity, back.amends) == (AlertKind.REACHED, SEVERE, known[0].id)
    assert (facts(back).turn, keys(back)) == (Turn.UNDONE, [edge.key])
    assert told(t.with_edges(), told=[*known, back], **gone) == []


def test_what_happened_after_all_is_told_again() -> None:
    edge = t.later(t.TO_EXCHANGE, 2, 5_000)
    known = told(t.with_edges(edge))
    known += told(t.with_edges(), told=known, undone=lambda _key: True, now=NOW + 60)
    (anew,) = of(Turn.REACHED, told(t.with_edges(edge), told=known, now=NOW + 900))
    assert anew.id not in {alert.id for alert in known}
    gone = told(t.with_edges(), told=[*known, anew], undone=lambda _key: True, now=NOW + 1200)
    assert [a.amends for a in gone] == [anew.id]


def test_what_followed_from_it_is_taken_back_too() -> None:
    """The payment to HUB did not happen; what HUB paid did, and is not traced any more."""
    whole = t.with_edges(v.EDGES[0], t.later(t.TO_EXCHANGE, 2, 5_000))
    known = told(whole)
    gone = {"undone": lambda key: key == v.EDGES[0].key, "told": known, "now": NOW + 60}
    (back,) = told(t.with_edges(), before=t.before(whole), **gone)
    assert (facts(back).turn, keys(back)) == (Turn.UNDONE, keys(known[0]))
    less = t.with_edges(t.later(t.TO_EXCHANGE, 2, 1_000))
    (lessened,) = told(less, before=t.before(whole), **gone)
    assert facts(lessened).lines == (f"0x{2:064x}: 5,000 USDT was told, 1,000 USDT is traced now.",)


def test_what_is_not_traced_any_more_by_another_rule_is_no_correction() -> None:
    whole = t.with_edges(t.later(t.TO_EXCHANGE, 2, 5_000))
    assert told(t.with_edges(), told=told(whole), before=t.before(whole), now=NOW + 60) == []


# --- other sums ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"method": "fifo"}, "another method is shown first: FIFO"),
        ({"terms": Terms(hops=3), "totals": ()}, "a limit of the case was changed"),
    ],
)
def test_what_a_change_did_to_the_sums_is_told_once(more: dict[str, object], why: str) -> None:
    old = t.with_edges()
    new = replace(old, **more)  # type: ignore[arg-type]
    (alert,) = told(new, before=t.before(old))
    assert (facts(alert).turn, alert.severity) == (Turn.CHANGED, LOW)
    assert (facts(alert).lines, facts(alert).was_state) == ((why,), 2)
    assert told(new, before=t.before(old), told=[alert]) == []
    assert told(new, before=t.before(new)) == []


def test_another_label_is_a_change_where_it_makes_other_sums() -> None:
    old = t.with_edges()
    named = t.with_node(v.REST, old, names=(Name("A", "service", "me", own=True),))
    assert told(named, before=t.before(old)) == []
    (alert,) = told(replace(named, totals=()), before=t.before(old))
    assert facts(alert).lines == ("1 address has another label",)


# --- under any name -----------------------------------------------------------------------------


def test_whoever_decides_it_again_calls_it_the_same() -> None:
    """After a kill the same is decided again, a little later, of another state."""
    once, again = told(since=v.START), told(since=v.START, now=NOW + 7, state=4, sha256="cd" * 32)
    assert [a.id for a in once] == [a.id for a in again]
    assert len({a.id for a in once}) == len(once) > 1
    assert told(since=v.START, told=once, now=NOW + 7) == []


def test_every_figure_names_its_state_and_its_method() -> None:
    trace = v.trace(questions=(), wanted=(), method="fifo")
    for alert in told(trace):
        fact = facts(alert)
        assert (fact.state, fact.at, fact.sha256) == (3, NOW, t.SHA)
        assert fact.method == "fifo"
        assert all(hop.chosen is not None and hop.usd.chosen is not None for hop in fact.hops)


def test_very_many_movements_make_several_alerts_and_none_is_lost() -> None:
    edges = [t.later(v.EDGES[3], n, 1) for n in range(1, 1_002)]
    many = of(Turn.MOVED, told(t.with_edges(*edges), now=v.START + 1_002 * HOUR, since=0))
    fresh = {e.key for e in edges if e.time >= v.START + 1_002 * HOUR - 3 * DAY}
    assert {key for alert in many for key in keys(alert)} == fresh
    at_once = [replace(e, time=NOW) for e in edges]
    parts = of(Turn.MOVED, told(t.with_edges(*at_once)))
    assert [len(alert.rows) for alert in parts] == [500, 500, 1]
