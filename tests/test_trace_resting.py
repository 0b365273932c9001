"""When addresses at which value rests are looked at again, and when a balance stands for lists."""

from __future__ import annotations

from dataclasses import replace

from trace_values import USDT, by_method

from monitor.loops.resting import HOUR, LEAST, Ask, Resting
from monitor.loops.witness import Heights, Said
from monitor.model import Subject
from monitor.model.balance import Figure
from monitor.model.trace import Node, State, Sum, Terms, Trace

NOW = 1_795_000_000
OLD = NOW - 30 * 86_400


def resting_at(number: int, usd: int, moved: int = OLD) -> Node:
    held = Sum(USDT, by_method(usd), by_method(usd * 10**6))
    subject = Subject("ethereum", f"0x{number:040x}")
    return Node(subject, 1, State.FOLLOWED, last_moved=moved, holds=(held,))


def trace_of(*nodes: Node, calls_per_day: int = 1000) -> Trace:
    return Trace("C-1", "", Terms(calls_per_day=calls_per_day), nodes=nodes)


def says(node: Node, amount: int) -> Ask:
    """A source that says one balance."""

    def ask(asked: Heights) -> Said:
        figure = Figure(node.subject, USDT.contract, 1, 1, NOW, amount, "mine", NOW)
        return Said(dict.fromkeys(asked, figure), calls=len(asked))

    return ask


def ages(resting: Resting, trace: Trace, now: int) -> list[str]:
    return [n.subject.address[-1] for n in resting.due(trace, now, lambda _s: NOW)]


def test_few_are_looked_at_often_and_many_at_least_hourly_largest_first() -> None:
    resting = Resting()
    one = trace_of(resting_at(1, 50))
    assert ages(resting, one, NOW + 300) == []
    assert ages(resting, one, NOW + 400) == ["1"]  # a day's calls are enough for that
    many = trace_of(*(resting_at(n, n) for n in range(1, 10)), calls_per_day=10)
    assert ages(resting, many, NOW + HOUR - 1) == []
    assert ages(resting, many, NOW + HOUR) == list("987654321")


def test_what_moved_a_while_ago_is_looked_at_more_often() -> None:
    trace = trace_of(resting_at(1, 50, moved=NOW - 60), resting_at(2, 40))
    assert ages(Resting(), trace, NOW + 200) == ["1"]
    assert ages(Resting(), trace, NOW + LEAST - 1) == []


def test_a_balance_that_stays_stands_for_the_lists_and_another_one_does_not() -> None:
    resting, node = Resting(), resting_at(1, 50)
    at_first = says(node, 50)
    assert resting.unmoved([node], at_first, NOW)[0] == set()
    resting.read([node.subject], NOW)
    resting.settled(node.subject, news=False)
    assert resting.unmoved([node], at_first, NOW)[0] == {node.subject}
    later = says(node, 40)
    assert resting.unmoved([node], later, NOW)[0] == set()


def test_lists_that_are_behind_a_balance_are_read_until_they_show_it() -> None:
    resting, node = Resting(), resting_at(1, 50)
    at_first = says(node, 50)
    resting.unmoved([node], at_first, NOW)
    resting.read([node.subject], NOW)
    resting.settled(node.subject, news=False)
    later = says(node, 40)
    for news in (False, False, True):
        assert resting.unmoved([node], later, NOW)[0] == set()
        resting.read([node.subject], NOW)
        resting.settled(node.subject, news=news)
    assert resting.unmoved([node], later, NOW)[0] == {node.subject}


def test_lists_that_failed_are_read_at_the_next_look() -> None:
    resting, node = Resting(), resting_at(1, 50)
    at_first = says(node, 50)
    resting.unmoved([node], at_first, NOW)
    resting.read([node.subject], NOW, failed={node.subject})
    assert resting.unmoved([node], at_first, NOW)[0] == set()


def test_nothing_that_rests_is_nothing_to_look_at() -> None:
    gone = replace(resting_at(1, 50), holds=())
    assert ages(Resting(), trace_of(gone), NOW + 10 * HOUR) == []


def test_a_clock_that_was_set_back_delays_nothing() -> None:
    resting, node = Resting(), resting_at(1, 50)
    at_first = says(node, 50)
    resting.unmoved([node], at_first, NOW)
    resting.read([node.subject], NOW + 90 * 86_400)  # the clock was ahead
    resting.settled(node.subject, news=False)
    assert ages(resting, trace_of(node), NOW) == ["1"]
    assert resting.unmoved([node], at_first, NOW)[0] == set(), "its lists are read once more"
    assert ages(Resting(), trace_of(node), NOW - 86_400) == ["1"], "also by the record alone"
