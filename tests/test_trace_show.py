"""What people and programs read of a trace."""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import click
import pytest
import trace_values as story
from click.testing import CliRunner
from tracing_world import Case, at, follow, on

from monitor.cli import main
from monitor.cli.trace_show import explain, show
from monitor.messages.trace import explain as explaining
from monitor.messages.trace import frontier, objects, sums, tree, ways
from monitor.messages.trace.words import COUNTED, Page
from monitor.model import Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import SayOfTrace
from monitor.model.flow import METHODS
from monitor.model.trace import (
    Beside,
    Name,
    Node,
    Question,
    Say,
    State,
    Stop,
    Sum,
    Terms,
    Trace,
    TracedAsset,
    Word,
)
from monitor.store.commit import commit
from monitor.store.sqlite import Store

NODE = {
    *("type", "chain", "address", "hop", "state", "stop", "label", "first_traced", "complete"),
    *("received", "left", "holds", "bounds"),
}
EDGE = {
    *("type", "chain", "tx", "leg", "kind", "from", "to", "asset", "amount", "time", "hop"),
    *("traced", "usd", "via"),
}
TOTAL = {
    *("type", "asset", "method", "out_of_sources", "converted_in", "converted_out", "fees"),
    *("resting", "ended", "unfollowed", "ties", "difference"),
}


def parsed(trace=None):
    found = [json.loads(line) for line in objects.lines(trace or story.trace())]
    return {kind: [o for o in found if o["type"] == kind] for kind in ("node", "edge", "total")}


def test_objects_have_the_keys_of_the_contract() -> None:
    found = parsed()
    assert all(set(each) >= NODE for each in found["node"])
    assert all(set(each) >= EDGE for each in found["edge"])
    assert all(set(each) >= TOTAL for each in found["total"])
    assert [len(found[kind]) for kind in found] == [6, 6, 24]


def test_amounts_are_whole_base_units_and_dollars_exact() -> None:
    (hub,) = [n for n in parsed()["node"] if n["address"] == story.HUB]
    (held,) = hub["holds"]
    assert held["asset"] == {
        "contract": story.USDT.contract, "symbol": "USDT", "decimals": 6, "verified": True
    }  # fmt: skip
    assert list(held["amount"]) == list(METHODS)
    assert held["amount"]["fifo"] == "85000000000"
    assert held["usd"]["haircut"] == "56666.666667"
    assert held["usd_day"] == "2026-11-27"
    assert hub["first_traced"] == "2023-11-14T23:13:20Z"


def test_where_it_ended_says_why_and_who_says_so() -> None:
    (exchange,) = [n for n in parsed()["node"] if n["state"] == "stopped"]
    assert exchange["stop"]["reason"] == "exchange"
    assert exchange["label"] == {
        "name": "Binance 14",
        "category": "exchange",
        "source": "etherscan labels",
        "date": "2024-05-01",
        "confidence": "high",
    }


def test_bounds_stand_where_not_all_is_read() -> None:
    bounds = {"haircut": (1, 10**20), "lifo": (5, 5)}
    held = Sum(story.USDT, story.by_method(7), bounds=bounds)
    whole = Node(Subject("ethereum", "0x1"), 1, State.FOLLOWED, holds=(held,))
    partly = replace(whole, complete=False)
    found = parsed(story.trace(nodes=(whole, partly)))["node"]
    shown = {"haircut": ["1", "100000000000000000000"], "lifo": ["5", "5"]}
    assert [n["bounds"] for n in found] == [None, shown]


def test_every_total_of_a_method_that_conserves_is_without_difference() -> None:
    found = parsed()["total"]
    assert {t["difference"] for t in found if t["method"] != "poison"} == {"0"}
    assert {t["asset"] and t["asset"]["symbol"] for t in found} == {"USDT", "ETH", None}
    dollars = next(t for t in found if t["asset"] is None and t["method"] == "haircut")
    assert dollars["ended"] == {"exchange": "50000"}


def test_the_same_trace_gives_the_same_bytes_and_nothing_hostile() -> None:
    fake = TracedAsset("ethereum", "0x" + "ee" * 20, "US\u202eDT http://x.example", 99)
    held = Sum(fake, dict(reversed(story.IN.items())))
    nodes = (replace(story.NODES[1], received=(held,)),)
    (line,) = objects.lines(story.trace(nodes=nodes, edges=(), totals=()))
    shown = json.loads(line)["received"][0]
    assert shown["asset"]["symbol"] == "USDT hxxp[:]//x[.]example"
    assert shown["asset"]["decimals"] is None
    assert list(shown["amount"]) == list(METHODS)
    assert list(objects.lines(story.trace())) == list(objects.lines(story.trace()))


# --- for people -------------------------------------------------------------------------------


def table(columns: int = 80, **more: object) -> str:
    trace = story.trace(**more)
    return "\n".join(tree.lines(trace, Page(columns, {}, trace.method), ["State 7"], ["X: 4"]))


def part(text: str, head: str) -> str:
    return text.partition(f"\n{head}")[2].partition("\n\n")[0]


def test_without_a_chosen_method_figures_are_ranges() -> None:
    text = table(120)
    assert f"between 0 and 85,000 USDT, {COUNTED}" in part(text, "WHERE IT IS")
    assert "Nobody has chosen a method yet" in text
    assert " traced by FIFO" not in part(text, "WHERE IT IS")


def test_the_first_screen_says_how_much_rests_ended_and_waits() -> None:
    found = part(table(120), "WHERE IT IS")
    assert f"rests: between 80,000.00 and 140,000.00 USD, {COUNTED}, when it left" in found
    assert f"ended: between 0.00 and 75,000.00 USD, {COUNTED}" in found
    assert f"waits: between 40,000.00 and 60,000.00 USD, {COUNTED}" in found


def test_a_chosen_method_stands_beside_the_others() -> None:
    text = table(120, method="fifo", method_by="M. Ortiz", method_why="as the court asked")
    assert f"85,000 USDT traced by FIFO (between 0 and 85,000, {COUNTED})" in text
    assert 'chosen by M. Ortiz: "as the court asked"' in text
    assert text.count("Traced by ") == 1


@pytest.mark.parametrize("method", ["", *METHODS])
def test_no_figure_is_called_what_it_is_not(method: str) -> None:
    words = set(re.findall(r"[a-z]+", table(method=method).lower()))
    assert not words & {"ours", "proceeds", "dirty", "proof", "stolen", "illicit"}


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_the_window_and_addresses_are_whole(columns: int) -> None:
    text = table(columns)
    assert max(map(len, text.splitlines())) <= columns
    for address in (story.SOURCE, story.HUB, story.EXCHANGE, story.SWAPPER, story.REST, story.FAR):
        assert address in part(text, "THE WAY")


def test_what_is_open_is_told_first() -> None:
    text = table(
        120,
        ended="the calls for finding addresses are used up (2,500)",
        touched=(Subject("ethereum", story.REST),),
    )
    found = part(text, "OPEN")
    assert "QUESTION: 1 address waits: may it be followed?" in found
    assert "It stopped before its end: the calls" in found
    assert "LEAD, a guess and in no sum" in found
    assert f"TOUCHES US: {story.REST}" in found
    assert text.index("OPEN") < text.index("THE WAY")


def test_nothing_found_and_the_budget_ran_out_never_look_alike() -> None:
    done = {"wanted": (), "questions": (), "leads": ()}
    nodes = tuple(n for n in story.NODES if n.state is not State.QUEUED)
    spent = replace(story.NODES[4], state=State.STOPPED, stop=Stop("calls"))
    assert "all that could be followed is followed" in part(table(nodes=nodes, **done), "OPEN")
    ran_out = part(table(nodes=(*nodes, spent), ended="no calls are left", **done), "OPEN")
    assert "1 address not followed: the calls for it ran out" in ran_out
    assert "all that could be followed" not in ran_out


def test_a_name_that_nobody_confirmed_is_told_as_such() -> None:
    exchange = story.NODES[3]
    both = (*exchange.names, Name("Mixer", "mixer", "a blog", "2022-01-01", "low"))
    doubted = replace(exchange, names=both, stop=Stop("exchange", confirmed=False))
    text = table(200, nodes=(*story.NODES[:3], doubted, *story.NODES[4:]))
    said = '"Binance 14" (etherscan labels, 2024-05-01, confidence high) and "Mixer" (a blog'
    assert f"named as {said}" in text
    assert "not confirmed" in part(text, "WHERE IT IS")
    assert "not whom to ask" in part(text, "HOW SURE")


def test_the_way_leads_from_the_source_over_swap_and_bridge_to_the_end() -> None:
    way = part(table(120), "THE WAY")
    order = [way.index(a) for a in (story.SOURCE, story.HUB, story.SWAPPER, story.FAR)]
    assert order == sorted(order)
    assert "swapped into about 21.333 to 32 ETH" in way
    assert "over a bridge into about 1.9983 to 11.99 ETH" in way


def test_a_cycle_ends_and_an_address_stands_once() -> None:
    back = story.edge(
        *(9, (story.REST, story.HUB), (story.USDT, 10**9), story.by_method(1, unit=10**9), 3)
    )
    also = story.edge(
        *(10, (story.SWAPPER, story.REST), (story.USDT, 10**9), story.by_method(1, unit=10**9), 3)
    )
    way = part(table(120, edges=(*story.EDGES, back, also)), "THE WAY")
    assert f"{story.HUB} on ethereum (stands at hop 1)" in way
    assert f"{story.REST} on ethereum (stands at hop 2)" in way
    assert way.count("to be read") == 1


def test_a_thousand_hops_are_no_trouble() -> None:
    names = [f"0x{n:040x}" for n in range(1000)]
    edges = [
        story.edge(n, (one, two), (story.USDT, 5), story.by_method(5), n)
        for n, (one, two) in enumerate(pairwise(names), 1)
    ]
    held = [Sum(story.USDT, story.by_method(5))]
    nodes = [
        story.node(name, n, State.FOLLOWED if n else State.SOURCE, (held, held, ()))
        for n, name in enumerate(names)
    ]
    trace = story.trace(nodes=tuple(nodes), edges=tuple(edges))
    assert names[-1] in "\n".join(tree.lines(trace, Page()))


def test_payments_to_the_same_address_are_one_branch() -> None:
    second = replace(story.EDGES[3], tx="0xff", time=story.START + 86_400)
    way = part(table(120, edges=(*story.EDGES, second)), "THE WAY")
    assert "80,000 to 120,000 USDT, of 120,000 USDT paid; 2 payments from 2023-11-15 02:13" in way


def test_what_only_poison_reaches_is_no_branch() -> None:
    only = {m: 10**9 if m == "poison" else 0 for m in METHODS}
    stranger = "0x" + "99" * 20
    edge = story.edge(11, (story.HUB, stranger), (story.USDT, 10**9), only, 2)
    node = story.node(stranger, 2, State.QUEUED, ([Sum(story.USDT, only)], (), ()))
    assert stranger not in table(nodes=(*story.NODES, node), edges=(*story.EDGES, edge))


def test_whom_a_bridge_names_is_shown_before_anything_arrived() -> None:
    named = story.node(story.FAR, 3, State.QUEUED, ((), (), ()), chain="arbitrum")
    lost = replace(story.EDGES[5], recipient=story.BRIDGE, to_chain="", got=None, got_amount=None)
    trace = story.trace(nodes=(*story.NODES[:5], named), edges=(*story.EDGES[:5], lost))
    text = "\n".join(tree.lines(trace, Page(120)))
    assert f"{story.FAR} on arbitrum\nto be read; named by the event of a bridge" in text
    subject = Subject("ethereum", story.BRIDGE)
    way = ways.Ways(trace).largest(ways.Pot(subject, ""))
    assert ways.in_a_line(way, Page()).endswith(f"swapped USDT to ETH > bridge > {story.BRIDGE}")


def test_every_hop_balances_by_every_method_that_conserves() -> None:
    for method in METHODS[1:]:
        for asset in (story.USDT, story.ETH, story.FAR_ETH):
            found = sums.hops(story.NODES, asset, method)
            assert [hop.difference for hop in found] == [0] * len(found)
    (first, second) = sums.hops(story.NODES, story.USDT, "haircut")
    assert first.went_on == second.arrived


def test_what_does_not_balance_is_said_loudly() -> None:
    broken = tuple(replace(t, resting=t.resting + 1) for t in story.totals())
    text = table(120, totals=broken)
    assert "TOTALS DO NOT BALANCE" in part(text, "HOW SURE")
    hub = story.NODES[1]
    less = replace(hub, holds=(replace(hub.holds[0], amount=story.by_method(1)),))
    assert "Hop 1 does not balance" in table(nodes=(story.NODES[0], less, *story.NODES[2:]))


def test_hostile_names_stay_inside_their_quotes() -> None:
    fake = replace(story.USDT, contract="0x" + "ee" * 20, symbol='USDT" \x1b[31m', verified=False)
    held = (Sum(fake, story.by_method(7)),)
    name = Name('Safe\x1b[0m\u202e" and "Bank', "exchange", "x\ny")
    bad = replace(story.NODES[4], received=held, holds=held, names=(name,))
    text = table(120, nodes=(story.NODES[0], bad))
    assert '7 raw units unverified token "USDT' in text
    assert '"Safe [0m and Bank" (x y)' in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_an_empty_trace_says_so() -> None:
    text = "\n".join(tree.lines(Trace("X", "", Terms()), Page(80)))
    assert "Nothing that is recorded." in text
    assert "No operator was asked" in text


# --- step by step -----------------------------------------------------------------------------


def explained(address: str = story.FAR, chain: str = "arbitrum", **more: object) -> str:
    subject = Subject(chain, address)
    return "\n".join(explaining.lines(story.trace(**more), subject, Page(100), ["State 7"]))


def test_only_steps_that_lead_to_the_address_are_told() -> None:
    text = explained()
    assert "STEP 4 of 4" in text
    assert [e.tx in text for e in story.EDGES] == [True, False, True, False, True, True]


def test_each_step_says_the_rule_and_what_it_comes_to() -> None:
    (step,) = re.findall(r"STEP 2 of 4.*?(?=STEP 3)", explained(), re.DOTALL)
    assert "Before it the payer held 225,000 USDT in all" in step
    assert "tainted first: the smaller of 80,000 and 125,000 is 80,000." in step
    said = "haircut: 80,000 x 150,000 / 225,000 is exactly 53,333,333,333 1/3 base units."
    assert said in step
    assert "FIFO: of the oldest 80,000 USDT, 55,000 are traced." in step
    assert "LIFO: of the newest 80,000 USDT, 80,000 are traced." in step
    assert "LIBR: 80,000 less the 25,000 that are not traced, not below 0, is 55,000." in step
    assert re.search(r"haircut +150,000 +53,333.333333 +96,666.666667", step)


def test_a_conversion_carries_its_fraction() -> None:
    (step,) = re.findall(r"STEP 3 of 4.*?(?=STEP 4)", explained(), re.DOTALL)
    assert "of 32 ETH are traced" in step
    assert re.search(r"FIFO +22\n", step)
    last = explained().partition("STEP 4 of 4")[2]
    assert "exactly 1,998,333,333,333,333,333 1/3 base units" in last
    assert "Across deposit 77" in last


def test_what_arrived_later_explains_nothing_of_before() -> None:
    later = story.edge(
        *(20, (story.EXCHANGE, story.HUB), (story.USDT, 10**9), story.by_method(1, unit=10**9), 1)
    )
    text = explained(edges=(*story.EDGES, later))
    assert later.tx not in text
    assert later.tx in explained(story.HUB, "ethereum", edges=(*story.EDGES, later))


def test_what_carries_nothing_is_no_step_unless_nothing_else_leads_there() -> None:
    only = {m: 10**9 if m == "poison" else 0 for m in METHODS}
    empty = story.edge(2, (story.SOURCE, story.SWAPPER), (story.USDT, 10**9), only, 2)
    text = explained(story.SWAPPER, "ethereum", edges=(story.EDGES[0], empty, *story.EDGES[1:]))
    assert "STEP 3 of 3" in text
    text = explained(story.SWAPPER, "ethereum", edges=(empty,))
    assert "STEP 1 of 1" in text


def test_of_a_real_trace_each_step_says_what_was_worked_out() -> None:
    """The worked example of the method, vector A01, through the whole engine."""
    case = Case(openings={("A", ""): 10**17})
    for giver, taker, units in (
        *(("S", "A", 2 * 10**17), ("A", "X", 75 * 10**15), ("A", "B", 80 * 10**15)),
        ("A", "C", 60 * 10**15),
    ):
        case.move(f"{giver}{taker}", giver, taker, units)
    trace = follow(case)
    text = "\n".join(explaining.lines(trace, on("B"), Page(100)))
    # What the rule leaves as a third of a unit went to the larger part.
    assert re.search(r"haircut +0.15 +0.053333333333333334 +0.096666666666666666", text)
    assert "haircut: 0.08 x 0.15 / 0.225 is exactly 53,333,333,333,333,333 1/3 base units." in text
    assert "LIBR: 0.08 less the 0.025 that are not traced, not below 0, is 0.055." in text
    assert "FIFO: of the oldest 0.08 ETH, 0.055 are traced." in text
    assert "tainted first: the smaller of 0.08 and 0.125 is 0.08." in text
    lines = list(map(json.loads, objects.lines(trace)))
    found = {n["address"]: n for n in lines if n["type"] == "node"}
    held = found[at("A")]["holds"][0]["amount"]
    assert [held[m] for m in METHODS[1:]] == [
        *("0", "56666666666666666", "85000000000000000", "0", "85000000000000000")
    ]


def test_a_rule_that_does_not_come_to_the_figure_is_told_without_figures() -> None:
    shared = replace(story.EDGES[2], traced={**story.TO_SWAPPER, "libr": 1, "haircut": 2})
    text = explained(edges=(*story.EDGES[:2], shared, *story.EDGES[3:]))
    (step,) = re.findall(r"STEP 2 of 4.*?(?=STEP 3)", text, re.DOTALL)
    assert "LIBR: what is not traced is taken to leave first" in step
    assert "haircut: every payment is taken to carry the same share" in step


def test_a_watched_address_needs_no_step_and_a_stranger_has_none() -> None:
    assert "no step leads to it" in explained(story.SOURCE, "ethereum")
    with pytest.raises(KeyError):
        explained("0x" + "99" * 20)


def test_bounds_are_told_at_the_end() -> None:
    rest = story.NODES[4]
    bounds = {"haircut": (0, 40 * 10**9), "fifo": (10**9, 60 * 10**9)}
    unsure = replace(rest, holds=(replace(rest.holds[0], bounds=bounds),))
    text = explained(story.REST, "ethereum", nodes=(*story.NODES[:4], unsure))
    end = text.partition("What rests lies between")[2]
    assert re.search(r"haircut +0 +40,000\n +FIFO +1,000 +60,000", end)


def test_of_outputs_the_rules_are_those_of_outputs() -> None:
    edges = tuple(replace(edge, kind="utxo_out") for edge in story.EDGES)
    text = explained(story.SWAPPER, "ethereum", edges=edges)
    assert "The inputs of the transaction hold 225,000 USDT in all." in text
    assert "tainted first: what is traced in the inputs fills the outputs first" in text
    assert "the smaller of" not in text


# --- commands ---------------------------------------------------------------------------------

DAY = 86_400
LATER = story.START + 3 * DAY


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With two states of the trace, three days apart."""
    earlier = story.trace(nodes=story.NODES[:2], edges=story.EDGES[:1], totals=())
    folder = tmp_path_factory.mktemp("home") / "home"
    beside = Beside(operators=(("etherscan.io", 4), ("arbiscan.io", 1)))
    return story.kept(folder, (story.START, earlier), (LATER, story.trace(beside=beside)))


def typed(home: Path, command: click.Command, *args: str) -> str:
    """What a command prints, or the sentence that it refuses with."""
    # As people type it: a command that is run alone keeps another help for the whole process.
    done = CliRunner().invoke(main, ["--home", str(home), "trace", str(command.name), *args])
    if done.exit_code == 2:
        return done.stderr
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_newest_state_is_shown_and_named(home: Path) -> None:
    text = typed(home, show, "crane-01")
    assert re.search(r"^State 2 of 2023-11-17 22:13:20 UTC \(sha256 [0-9a-f]{16}\)$", text, re.M)
    assert "etherscan.io: 4 followed addresses" in text
    assert "3 addresses where value rests last read more than an hour before" in text
    assert "arbiscan.io: 1 followed address\n" in text


def test_as_of_shows_the_state_of_that_time(home: Path) -> None:
    then = typed(home, show, "CRANE-01", "--as-of", "2023-11-16T00:00:00Z")
    assert "State 1 of 2023-11-14 22:13:20 UTC" in then
    assert story.FAR not in then
    # Of a day its end is meant.
    assert "State 1 of" in typed(home, show, "CRANE-01", "--as-of", "2023-11-16")
    assert "State 2 of" in typed(home, show, "CRANE-01", "--as-of", "2023-11-17")
    assert "State 2 of" in typed(home, show, "CRANE-01", "--as-of", "2023-11-18T00:13:20+02:00")


def test_json_lines_are_those_of_the_trace_and_name_no_state(home: Path) -> None:
    text = typed(home, show, "CRANE-01", "--format", "jsonl")
    assert text.splitlines() == list(objects.lines(story.trace()))


def test_explain_takes_an_address_in_any_spelling(home: Path) -> None:
    loud = story.FAR.upper().replace("0X", "0x")
    text = typed(home, explain, "CRANE-01", loud)
    assert "STEP 4 of 4" in text
    assert typed(home, explain, "CRANE-01", f"arbitrum:{story.FAR}") == text
    then = typed(home, explain, "CRANE-01", story.FAR, "--as-of", "2023-11-15")
    assert "is not in the trace of CRANE-01" in then


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("CASE-9",), "CASE: 'CASE-9' is no case of the record. `fundwatch case list` names them"),
        (("CRANE-01", "--as-of", "2020-01-01"), "is before the trace began. The first state is of"),
        (("CRANE-01", "--as-of", "soon"), "is no time. Write a day"),
        (("CRANE-01", "--as-of", "2023-11-16T00:00:00"), "is no time"),
        (("CRANE-01", "--as-of", "9999-99-99T00:00:00Z"), "is no time"),
    ],
)
def test_what_cannot_be_shown_is_said_with_its_remedy(
    home: Path, args: tuple[str, ...], words: str
) -> None:
    assert words in typed(home, show, *args)


def test_a_stranger_s_address_and_no_address_are_refused(home: Path) -> None:
    assert "is not in the trace" in typed(home, explain, "CRANE-01", "0x" + "99" * 20)
    assert "ADDRESS: 'nonsense'" in typed(home, explain, "CRANE-01", "nonsense")


def test_a_case_without_a_trace_says_what_to_do(tmp_path: Path) -> None:
    home = story.kept(tmp_path / "home")
    with closing(Store(home / "fundwatch.db")) as store:
        word = SayOfTrace(story.START, "QUIET", Word(Say.METHOD, None, "fifo", "Kim", "", 0))
        commit(store, DAEMON, word)
    assert "follows no money. Write  follow:" in typed(home, show, "QUIET")


def test_who_waits_says_how_much_and_the_command_that_answers_the_question() -> None:
    trace = story.trace()
    for kind, command in (
        ("ask_after", "trace approve CRANE-01 --next 1 "),
        ("small_amounts", "trace approve CRANE-01 ADDRESS "),
        ("low_confidence", "trace label ADDRESS --name TEXT "),
        ("limit", "trace limit CRANE-01 LIMIT NUMBER "),
    ):
        asked = Question(kind, "A question?", (Subject("ethereum", story.EXCHANGE),))
        text = "\n".join(frontier.lines(replace(trace, questions=(asked,)), Page(100)))
        assert command in text
        assert f"about {story.EXCHANGE} on ethereum" in text
        assert "60,000 USDT" in text


def test_what_was_not_looked_at_is_not_called_read() -> None:
    nodes = [replace(node, complete=True, unread=()) for node in story.trace().nodes]
    trace = replace(story.trace(), nodes=tuple(nodes), totals=())
    text = "\n".join(tree.lines(trace, Page(100)))
    ended = sum(node.stop is not None for node in nodes)
    assert f"{len(nodes) - ended} addresses completely read; at {ended} it ends" in text


def test_no_line_of_the_first_screen_is_wider_than_the_window() -> None:
    for method in ("", "libr"):
        lines = table(80, method=method, method_by="M. Ortiz").split("THE WAY")[0].splitlines()
        assert max(map(len, lines)) <= 80
        assert "  Who could act: fundwatch seizure CRANE-01" in lines
