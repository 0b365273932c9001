"""One key that two chains write in two ways: a row for Bitcoin Cash that is written as Bitcoin
writes addresses is watched, named and told as our own on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.published import OFAC, Desk, Line, lines

from monitor.loops.list_words import retire_of_list, set_of_list
from monitor.model.acts import Actor, ActorKind
from monitor.model.lists import ListConfig
from monitor.store import listing, ours
from monitor.store.named import named

KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")
OLD = "18M8bJWMzWHDBMxoLqjHHAffdRy4SrzkfB"
CASH = "bitcoincash:qpgf0ztxq3mwfq6eg5versgfdzq9c3pwv5jsk6wnay"
ROW = Line(OLD, "7", "SEVEN", ticker="BCH")
REST = lines(*range(20))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def watched(desk: Desk) -> dict[str, str]:
    """Where the row is watched -> until when it stood on the list."""
    return {
        e.subject.key: e.origin.until
        for e in desk.entries().values()
        if e.origin and e.origin.entity == "7"
    }


BOTH = {f"bitcoin/{OLD}": "", f"bitcoin-cash/{CASH}": ""}


def test_it_is_watched_on_both(desk: Desk) -> None:
    desk.take([ROW, *REST])
    assert watched(desk) == BOTH
    counts = listing.counts(desk.store, "ofac")
    assert (counts.watched, counts.removals) == (21, 0)
    desk.take([ROW, *REST, *lines(30)], "2026-03-02")
    assert watched(desk) == BOTH
    desk.take(REST, "2026-03-03")
    assert watched(desk) == dict.fromkeys(BOTH, "2026-03-03")
    assert {w.entry.subject.key for w in listing.removals(desk.store, "ofac")} >= set(BOTH)
    desk.take([ROW, *REST], "2026-03-04")
    assert watched(desk) == BOTH
    assert desk.differences() == []


def test_a_list_that_chooses_one_is_read_there(desk: Desk) -> None:
    desk.set(chains=("bitcoin-cash",))
    desk.take([ROW])
    assert watched(desk) == {f"bitcoin-cash/{CASH}": ""}


def test_both_spellings_in_one_list_are_two_rows_of_it(desk: Desk) -> None:
    """What a list says of the one is not said of the other: each stands for itself."""
    other = Line(CASH, "7", "SEVEN", ticker="BCH")
    for rows in ([ROW, *REST], [ROW, other, *REST], [other, ROW, *REST, *lines(31)]):
        desk.take(rows)
        assert watched(desk) == BOTH
    desk.take([other, *REST], "2026-03-04")
    assert watched(desk) == {f"bitcoin/{OLD}": "2026-03-04", f"bitcoin-cash/{CASH}": ""}
    assert desk.differences() == []


@pytest.mark.parametrize("spelling", [OLD, CASH, CASH.partition(":")[2]])
def test_people_name_it_in_either_way(desk: Desk, spelling: str) -> None:
    desk.take([ROW, *REST])
    set_of_list(desk.lists, (), KIM, "ofac", spelling, ["severity=low"], "known")
    mine = [e for e in desk.entries().values() if e.subject.key in BOTH]
    assert [e.severity.value for e in mine] == ["low", "low"]
    retire_of_list(desk.lists, KIM, "ofac", spelling, "over")
    assert watched(desk) == {}
    desk.take([ROW, *REST, *lines(30)], "2026-03-02")
    assert watched(desk) == {}
    assert desk.differences() == []


def test_a_person_may_have_the_twin_of_a_row_read(desk: Desk) -> None:
    desk.take([Line(OLD, "7", "SEVEN", ticker="XBT"), *REST])
    assert watched(desk) == {f"bitcoin/{OLD}": ""}
    set_of_list(desk.lists, (), KIM, "ofac", OLD, ["chains=bitcoin,bitcoin-cash"], "forked coins")
    assert watched(desk) == BOTH
    desk.lists.settle()
    assert watched(desk) == BOTH


def test_other_settings_reach_what_is_stored(desk: Desk) -> None:
    desk.take([ROW, *REST])
    desk.set(severity=OFAC.severity.__class__("low"))
    mine = [e for e in desk.entries().values() if e.subject.key in BOTH]
    assert [e.severity.value for e in mine] == ["low", "low"]


def test_it_names_and_is_our_own_in_both_spellings(desk: Desk) -> None:
    desk.take([ROW, *REST])
    chains, lists = desk.settings.chains, {"ofac": ListConfig("ofac", "csv", "OFAC")}
    for chain, spelling in (("bitcoin", OLD), ("bitcoin-cash", CASH)):
        found = named(desk.store, chains[chain], [spelling], lists, chains)
        assert found[spelling].label == "SEVEN"
    titles = {"ofac": "House"}
    assert set(ours.own(desk.store, titles, [OLD, CASH, "x"])) == {OLD, CASH}
    assert set(ours.labels(desk.store, titles, [OLD, CASH, "x"])) == {OLD, CASH}
