"""What stands beside a trace: balances, issuers, held funds, who may learn of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trace_values as story
from world.listed import take_list

from monitor.app.settings.load import load
from monitor.loops.trace_beside import Ground, beside
from monitor.model import Entry, Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import LearnOfTrace
from monitor.model.balance import Figure, Held, State
from monitor.model.settings import Settings
from monitor.model.trace import Code, Profile
from monitor.model.trace_json import from_lines, to_lines
from monitor.store import balances
from monitor.store.balances import Kept
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

HUB = Subject("ethereum", story.HUB)
USDT = story.USDT.contract
NOW = story.START + 200_000


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    home = story.kept(tmp_path / "home")
    store = Store(home / DATABASE)
    yield Ground(store, load(home, {}), NOW)
    store.close()


def figure(amount: int, time: int, **more: object) -> Figure:
    made = Figure(HUB, USDT, 100, 100, time, amount, "my-node", NOW)
    return replace(made, **more)  # type: ignore[arg-type]


def test_issuers_are_those_of_the_table(ground: Ground) -> None:
    found = beside(ground, story.trace(), {})
    assert found.issuers == (("ethereum", USDT, "Tether"),)


def test_the_newest_word_on_a_balance_counts(ground: Ground) -> None:
    trace = story.trace()
    first = beside(ground, trace, {(HUB, USDT): figure(7, story.START)})
    (said,) = first.balances
    assert (said.subject, said.amount, said.time, said.source) == (HUB, 7, story.START, "my-node")
    # It stays where nobody says another, and goes where somebody does.
    assert beside(ground, trace, {}, first).balances == first.balances
    later = beside(ground, trace, {(HUB, USDT): figure(3, story.START + 9)}, first)
    assert [each.amount for each in later.balances] == [3]
    assert beside(ground, trace, {}).balances == ()


def test_what_is_kept_of_watched_addresses_counts_too(ground: Ground) -> None:
    with ground.store.write() as conn:
        conn.execute(
            "INSERT INTO scope (key, chain, address) VALUES (?, ?, ?)",
            (HUB.key, HUB.chain, HUB.address),
        )
    held = Held(
        *(HUB, USDT, "USDT", 6, True, State.RECONCILED),
        height=9,
        time=story.START,
        recorded=5,
        on_chain=5,
        source="blockscout",
    )
    balances.keep(ground.store, [Kept([(held, figure(5, story.START))], NOW)])
    (said,) = beside(ground, story.trace(), {}).balances
    assert (said.amount, said.source) == (5, "blockscout")


def test_shares_are_no_amount_to_compare(ground: Ground) -> None:
    shares = figure(7, story.START, shares="sharesOf")
    (said,) = beside(ground, story.trace(), {(HUB, USDT): shares}).balances
    assert (said.amount, said.why) == (None, "it counts shares")


def test_operators_are_those_who_were_asked(ground: Ground) -> None:
    settings: Settings = ground.settings
    name = next(iter(settings.sources))
    asked = [Subject("ethereum", story.HUB), Subject("ethereum", story.EXCHANGE)]
    profiles = tuple(Profile(s, Code.NONE, source=name, at=NOW) for s in asked)
    commit(ground.store, DAEMON, LearnOfTrace(NOW, "CRANE-01", profiles, ()))
    found = beside(ground, story.trace(), {}).operators
    assert found == ((settings.sources[name].operator or name, 2),)


def test_held_entries_of_the_case_say_what_is_expected_and_found(ground: Ground) -> None:
    mine = {"case": "CRANE-01", "label": "Cold", "held": "seized", "holder": "the court"}
    entries = [
        Entry("E1", HUB, **mine, expected={"USDT": "100"}),
        Entry("E2", Subject("ethereum", story.REST), **mine),
        Entry("E3", Subject("ethereum", story.FAR), held="frozen", case="OTHER"),
    ]
    take_list(ground.store, entries, "ab", NOW)
    one, two = beside(ground, story.trace(), {}).held
    assert (one.label, one.holder, one.asset, one.wanted) == ("Cold", "the court", "USDT", "100")
    assert one.found is None
    assert "no balance was said by two" in one.why
    assert (two.subject.address, two.asset) == (story.REST, "")


def test_who_asks_is_what_the_settings_say(ground: Ground) -> None:
    assert beside(ground, story.trace(), {}).desk == ""
    bank = replace(ground, settings=replace(ground.settings, desk="bank"))
    assert beside(bank, story.trace(), {}).desk == "bank"


def test_it_is_kept_with_the_state(ground: Ground) -> None:
    found = beside(ground, story.trace(), {(HUB, USDT): figure(7, story.START)})
    trace = story.trace(beside=found)
    assert from_lines(to_lines(trace)) == trace
