"""Where traced funds could be stopped, who could act, and whom to ask by who asks."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import test_trace_run as real_run
import trace_values as story
from click.testing import CliRunner
from test_trace_run import told as chain_told

from monitor.cli import main
from monitor.messages.trace import asking, seizing, seizure
from monitor.messages.trace.words import Page
from monitor.model import Subject
from monitor.model.flow import METHODS
from monitor.model.trace import Beside, HeldFunds, Name, Node, OnChain, State, Stop, Told, Trace

HUB = Subject("ethereum", story.HUB)
BALANCE = OnChain(HUB, story.USDT.contract, 90 * 10**9, story.START + 90_000, 18_000_100, "alpha")
COLD = HeldFunds(
    *(Subject("ethereum", "0x" + "cc" * 20), "Cold store", "seized", "Marshals"),
    *("USDT", "1000", "999.5", story.START, "alpha and beta"),
)
BESIDE = Beside(
    balances=(BALANCE,),
    issuers=(("ethereum", story.USDT.contract, "Tether"),),
    held=(COLD,),
)
PAGE = Page(100)


def told(desk: str = "", beside: Beside = BESIDE, **more: object) -> Told:
    trace = story.trace(beside=replace(beside, desk=desk), **more)
    return Told(7, story.START + 100_000, "3f2a9c01b2d4aabbccdd", trace)


def table(state: Told) -> str:
    return "\n".join(seizure.table(state, PAGE, [seizure.state_line(state)]))


def jsonl(state: Told, kind: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in seizure.jsonl(state, PAGE)]
    return [each for each in found if each["type"] == kind]


def place(address: str, state: Told | None = None) -> seizing.Place:
    trace: Trace = (state or told()).trace
    (found,) = [p for p in seizing.places(trace, PAGE) if p.node.subject.address == address]
    return found


def exchange(**more: object) -> tuple[Node, ...]:
    """The nodes of the story, with another exchange."""
    other = replace(story.NODES[3], **more)  # type: ignore[arg-type]
    return (*story.NODES[:3], other, *story.NODES[4:])


def test_each_place_says_how_much_since_when_and_by_which_way() -> None:
    (shown,) = [p for p in jsonl(told(), "place") if p["address"] == story.FAR]
    assert shown["where"] == "rests"
    assert list(shown["amount"]) == list(METHODS)
    assert shown["amount"]["fifo"] == "1998333333333333333"
    assert shown["since"] == "2023-11-15T04:13:20Z"
    assert shown["read_to"] == "2023-11-15T22:13:20Z"
    assert shown["path"] == (
        f"{story.SOURCE} > {story.HUB} > {story.SWAPPER} > swapped USDT to ETH > "
        f"bridge to arbitrum > {story.FAR}"
    )


def test_the_balance_on_the_chain_stands_beside_what_is_traced() -> None:
    assert "on the chain: 90,000 USDT at 2023-11-15 23:13:20 UTC by alpha" in table(told())
    less = replace(BESIDE, balances=(replace(BALANCE, amount=84 * 10**9),))
    assert "LESS THAN IS TRACED" in table(told(beside=less))
    assert "LESS THAN IS TRACED" not in table(told())
    nobody = replace(BESIDE, balances=(replace(BALANCE, amount=None, why="no source"),))
    assert "on the chain: not known (no source)" in table(told(beside=nobody))
    assert "nobody was asked for a balance" in table(told())


def test_who_could_act_is_the_issuer_and_the_exchange() -> None:
    assert place(story.HUB).actors == (seizing.Actor("issuer", "Tether", "config/issuers.yaml"),)
    assert [a.name for a in place(story.EXCHANGE).actors] == ["Binance 14", "Tether"]
    assert place(story.SWAPPER).actors == ()
    assert "nobody: a chain's own coin cannot be frozen" in table(told())


def test_a_deposit_address_is_of_the_exchange_that_it_sweeps_to() -> None:
    nodes = exchange(stop=Stop("deposit_address"), names=(), exchange="Kraken")
    assert place(story.EXCHANGE, told(nodes=nodes)).actors[0].name == "Kraken"


@pytest.mark.parametrize("desk", ["", "bank", "exchange", "authority", "counsel"])
def test_a_name_that_nobody_confirmed_is_never_whom_to_ask(desk: str) -> None:
    nodes = exchange(stop=Stop("exchange", confirmed=False))
    state = told(desk, nodes=nodes)
    assert all(a.role != "exchange" for p in seizing.places(state.trace, PAGE) for a in p.actors)
    asked = "".join(ask.text for ask in asking.asks(state.trace, [], PAGE, ""))
    assert "Binance" not in asked
    text = table(state)
    assert 'named as "Binance 14"' in text
    assert "not confirmed" in text
    assert all("Binance" not in (d["to"] or "") for d in jsonl(state, "draft"))


def test_only_an_authority_gets_a_draft_and_it_begins_with_its_questions() -> None:
    drafts = jsonl(told("authority"), "draft")
    assert [each["to"] for each in drafts] == ["Tether", "Binance 14"]
    begin = (
        "Draft, not sent. Who may send this, on which legal basis, may the receiver tell the "
        "account holder? A freeze is visible to everybody."
    )
    assert all(str(each["text"]).startswith(begin) for each in drafts)
    assert f"\n{begin}\n" in table(told("authority"))
    for desk in ("", "bank", "exchange", "counsel"):
        assert jsonl(told(desk), "draft") == []
        assert "Draft, not sent" not in table(told(desk))


def test_the_one_who_has_it_is_asked_and_not_the_issuer_too() -> None:
    tether, binance = jsonl(told("authority"), "draft")
    assert story.EXCHANGE not in str(tether["text"])
    assert story.HUB in str(tether["text"])
    assert story.EXCHANGE in str(binance["text"])
    assert "State 7 of" in str(tether["text"])
    assert "traced by FIFO            85,000" in str(tether["text"])


@pytest.mark.parametrize(
    ("desk", "words"),
    [
        ("", "desk: is not set in config/settings.yaml"),
        ("bank", "For your counsel or the authority"),
        ("exchange", "at your own addresses"),
        ("counsel", "For the authority that you act before"),
    ],
)
def test_everybody_else_gets_a_note(desk: str, words: str) -> None:
    (note,) = jsonl(told(desk), "note")
    assert words in " ".join(str(note["text"]).split())
    assert "could act: Tether (issuer, by config/issuers.yaml)" in table(told(desk))


def test_without_anybody_to_ask_that_is_said() -> None:
    state = told("authority", nodes=(story.NODES[0], story.NODES[2]))
    assert "Nobody is named who could act." in table(state)


def test_who_says_so_is_named_for_each_who_could_act() -> None:
    own = exchange(names=(Name("Big Exchange", "exchange", own=True),))
    assert place(story.EXCHANGE, told(nodes=own)).actors[0].by == "your address book"


def test_sums_are_by_asset_and_in_dollars_for_each_kind_of_place() -> None:
    found = jsonl(told(), "sum")
    of_usdt = {s["where"]: s for s in found if s["asset"] and s["asset"]["symbol"] == "USDT"}
    assert {w: s["amount"]["haircut"] for w, s in of_usdt.items()} == {
        "rests": "56666666667",
        "waits": "40000000000",
        "ended": "50000000000",
    }
    dollars = {s["where"]: s for s in found if s["asset"] is None}
    assert dollars["rests"]["amount"]["lifo"] == "79975"
    assert dollars["rests"]["places"] == 3


def test_a_sum_says_how_many_places_have_no_price() -> None:
    hub = story.NODES[1]
    unpriced = replace(hub, holds=(replace(hub.holds[0], usd=None, newest_usd=None),))
    state = told(nodes=(story.NODES[0], unpriced, *story.NODES[2:]))
    assert "1 place without a price" in " ".join(table(state).split())
    assert next(s for s in jsonl(state, "sum") if s["asset"] is None)["unpriced"] == 1


def test_held_funds_say_what_is_expected_and_found() -> None:
    text = " ".join(table(told()).split())
    assert "HELD: must not move" in text
    assert "expected 1000 USDT, found 999.5 at 2023-11-14 22:13:20 UTC by alpha and beta" in text
    (held,) = jsonl(told(), "held")
    assert (held["expected"], held["found"]) == ("1000", "999.5")
    unknown = replace(COLD, found=None, why="its lists are not read")
    text = " ".join(table(told(beside=replace(BESIDE, held=(unknown,)))).split())
    assert "found: not known (its lists are not read)" in text


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (State.FOLLOWED, "", "rests"),
        (State.PARKED, "", "rests"),
        (State.QUEUED, "", "waits"),
        (State.WAITING, "", "waits"),
        (State.STOPPED, "exchange", "ended"),
        (State.STOPPED, "mixer", "ended"),
        (State.STOPPED, "bridge", "ended"),
        (State.STOPPED, "below_value", "not_followed"),
        (State.STOPPED, "calls", "not_followed"),
        (State.STOPPED, "person", "not_followed"),
    ],
)
def test_resting_waiting_and_ended_never_look_alike(
    state: State, reason: str, expected: str
) -> None:
    node = replace(story.NODES[1], state=state, stop=Stop(reason) if reason else None)
    (shown,) = jsonl(told(nodes=(story.NODES[0], node)), "place")
    assert shown["where"] == expected


def test_how_old_a_reading_was_is_said_where_it_is_old() -> None:
    assert "before this state" in table(told())
    fresh = tuple(replace(n, covered_to=story.START + 99_000) for n in story.NODES)
    assert "before this state" not in table(told(nodes=fresh))


def test_the_table_for_a_spreadsheet_has_a_line_a_place_and_no_formula() -> None:
    bad = exchange(names=(Name("=cmd|' /C calc'!A0", "exchange", "x"),))
    rows = list(csv.DictReader("".join(seizure.csv(told(nodes=bad), PAGE)).splitlines()))
    assert len(rows) == 6
    assert {row["trace_state"] for row in rows} == {"7"}
    (hub,) = [row for row in rows if row["address"] == story.HUB]
    assert (hub["fifo"], hub["usd_fifo"]) == ("85000000000", "85000")
    assert (hub["on_chain"], hub["could_act"]) == ("90000000000", "Tether (issuer)")
    (sold,) = [row for row in rows if row["address"] == story.EXCHANGE]
    assert sold["label"].startswith("'=")
    assert (sold["reason"], sold["confirmed"]) == ("exchange", "true")
    assert rows[-1]["where"] == "held"
    assert rows[-1]["found"] == "999.5"


def test_the_same_state_gives_the_same_bytes() -> None:
    for form in (seizure.jsonl, seizure.csv, seizure.table):
        assert list(form(told("authority"), PAGE)) == list(form(told("authority"), PAGE))


def test_nothing_traced_is_said() -> None:
    empty = Told(1, story.START, "ab", story.trace(nodes=(), edges=()))
    assert "Nothing is traced to any other address yet." in table(empty)


def test_the_command_shows_every_form_as_it_stood(tmp_path: Path) -> None:
    first, second = told("bank").trace, told("authority").trace
    home = story.kept(tmp_path / "home", (story.START, first), (story.START + 90_000, second))
    run = partial(CliRunner().invoke, main)
    shown = run(["--home", str(home), "seizure", "CRANE-01"])
    assert "State 2 of" in shown.output
    assert "Draft, not sent." in shown.output
    then = run(["--home", str(home), "seizure", "CRANE-01", "--as-of", "2023-11-14"])
    assert "State 1 of" in then.output
    assert "Draft, not sent." not in then.output
    lines = run(["--home", str(home), "seizure", "CRANE-01", "--format", "jsonl"]).output
    assert json.loads(lines.splitlines()[0])["number"] == 2
    rows = run(["--home", str(home), "seizure", "CRANE-01", "--format", "csv"]).output
    assert len(list(csv.DictReader(rows.splitlines()))) == 6
    wrong = run(["--home", str(home), "seizure", "CRANE-9"])
    assert wrong.exit_code == 2
    assert "is no case of the record" in wrong.output


def test_the_way_goes_by_the_largest_that_came_in_time() -> None:
    early = story.edge(
        *(0, (story.EXCHANGE, story.HUB), (story.USDT, 10**9), story.by_method(1, unit=10**9), 1)
    )
    late = story.edge(
        *(9, (story.EXCHANGE, story.HUB), (story.USDT, 10**12), story.by_method(1000), 1)
    )
    edges = (early, *story.EDGES, late)
    assert place(story.SWAPPER, told(edges=edges)).way.startswith(f"{story.SOURCE} > {story.HUB}")
    larger = replace(early, traced=story.by_method(999, unit=10**12), usd=story.by_method(10**18))
    way = place(story.SWAPPER, told(edges=(larger, *edges[1:]))).way
    assert way.startswith(f"{story.EXCHANGE} > {story.HUB}")


def test_what_a_real_run_followed_can_be_stopped_where_it_rests(tmp_path: Path) -> None:
    """The real commands over a scripted chain: balances are asked for, the exchange is named."""
    with chain_told(tmp_path) as real:
        real.home.write("config/settings.yaml", {"prices": "none", "desk": "authority"})
        real.pay(real_run.BANK, real_run.A, 500)
        real.pay(real_run.BANK, real_run.SOURCE, 8_000)
        real.pay(real_run.SOURCE, real_run.A, 8_000)
        real.pay(real_run.A, real_run.EXCHANGE, 7_000)
        real.run()
        found = real.home.lines("seizure", "C-1", "--format", "jsonl")
        then = real.home.lines("seizure", "C-1", "--format", "jsonl", "--as-of", "2999-01-01")
    rests, ended = (each for each in found if each["type"] == "place")
    assert (rests["address"], rests["on_chain"]["amount"]) == (real_run.A, "1500000000")
    assert (rests["amount"]["libr"], rests["amount"]["lifo"]) == ("1500000000", "1000000000")
    assert (ended["where"], ended["could_act"][0]["name"]) == ("ended", "Big Exchange")
    assert [each["to"] for each in found if each["type"] == "draft"] == ["Big Exchange"]
    assert then == found


def test_what_can_be_reached_is_a_yes_and_no_amount() -> None:
    text = " ".join(table(told()).split())
    assert "reached yes, tainted first" in text
    assert not re.search(r"reached [0-9]", text)


def test_a_draft_names_the_transactions_that_brought_it() -> None:
    (draft,) = [each for each in jsonl(told("authority"), "draft") if each["to"] != "Tether"]
    (paid,) = [e for e in story.trace().edges if e.recipient == story.EXCHANGE]
    assert f"in transaction {paid.tx}" in str(draft["text"])
