"""A list that is taken is held against what is recorded already, without a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from world.house import take_house
from world.published import Desk, address, lines

from monitor.loops import met as telling
from monitor.loops.router import Router
from monitor.model import Entry, Kind, Status, Subject, Transfer
from monitor.model.acts import DAEMON, ApplyPlan, TakeList
from monitor.model.lists import ListConfig
from monitor.model.plan import NewRow, Plan
from monitor.store import met as met_
from monitor.store.commit import commit
from monitor.store.met import Met, met
from monitor.store.taking import listed

A, X, Y = "0x" + "a" * 40, address(1), address(2)
USDT = "0x" + "d" * 40
VERIFIED = {("ethereum", USDT)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    entry = Entry("E-1", Subject("ethereum", A))
    commit(made.store, DAEMON, TakeList(1, "0" * 64, listed([entry]), (), {}))
    yield made
    made.store.close()


def record(desk: Desk, number: int, sender: str, recipient: str, **more: object) -> None:
    values: dict[str, object] = {"amount": 5, "contract": None, "status": Status.FINAL, **more}
    kind = Kind.NATIVE if values["contract"] is None else Kind.ERC20
    row = Transfer(
        "ethereum", f"0x{number:064x}", f"leg{number}", kind, sender, recipient,
        int(str(values["amount"])), values["contract"], None, number, "0xb", 1000 + number,
    )  # fmt: skip
    plan = Plan(Subject("ethereum", A), 1, new=(NewRow(row, values["status"]),))
    commit(desk.store, DAEMON, ApplyPlan(1, plan))


@pytest.mark.parametrize("few", [met_.FEW, 0])
def test_movements_with_watched_addresses_are_found(
    desk: Desk, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways of looking find the same: by address, and by movement for a long list."""
    monkeypatch.setattr(met_, "FEW", few or met_.FEW)
    record(desk, 1, A, X)
    record(desk, 2, X, A)
    record(desk, 3, A, X, contract=USDT)
    record(desk, 4, Y, A)
    desk.take(lines(1))
    found = met(desk.store, "ofac", 1, VERIFIED)
    assert found == [
        Met(X, "1", "ALPHA", "ethereum", USDT, A, 1, 1003),
        Met(X, "1", "ALPHA", "ethereum", None, A, 2, 1002),
    ]


def test_what_strangers_can_do_and_what_did_not_happen_is_left_out(desk: Desk) -> None:
    record(desk, 1, X, A, amount=0)
    record(desk, 2, X, A, contract="0x" + "e" * 40)
    record(desk, 3, X, A, status=Status.ORPHANED)
    record(desk, 4, X, Y)
    desk.take(lines(1))
    assert met(desk.store, "ofac", 1, VERIFIED) == []


def test_what_an_earlier_version_named_is_not_found_again(desk: Desk) -> None:
    record(desk, 1, A, X)
    record(desk, 2, A, Y)
    desk.take(lines(1))
    desk.take(lines(1, 2), "2026-03-02")
    assert [each.address for each in met(desk.store, "ofac", 2, VERIFIED)] == [Y]


def test_who_is_only_told_otherwise_is_not_found_again(desk: Desk) -> None:
    """Another name or program; but found where it is listed for somebody else."""
    record(desk, 1, A, X)
    desk.take(lines(1))
    desk.take(lines(1, name="BETA", programs=("IRAN",)), "2026-03-02")
    assert met(desk.store, "ofac", 2, VERIFIED) == []
    desk.take(lines(1, entity="2"), "2026-03-03")
    assert [each.entity for each in met(desk.store, "ofac", 3, VERIFIED)] == ["2"]


def told(desk: Desk, house: ListConfig | None = None, **terms: object) -> list[str]:
    """The titles of what was told of it so far. `house`: a list of our own beside it."""
    lists = {"ofac": replace(desk.configs["ofac"], **terms)} | ({"house": house} if house else {})
    settings = replace(desk.settings, lists=lists)
    telling.tell(desk.store, Router(desk.store, {}), settings, 99)
    rows = desk.store.read("SELECT title FROM alert WHERE title LIKE '%dealt before%'")
    return [row["title"] for row in rows]


def test_it_is_told_once_of_each_version(desk: Desk) -> None:
    """Also of a list that is not watched: it is kept, compared, used for names."""
    record(desk, 1, A, X)
    record(desk, 2, Y, A)
    desk.set(watch=False)
    desk.take(lines(1))
    one = "OFAC's list names 1 address with which watched addresses have dealt before."
    assert told(desk, watch=False) == [one] == told(desk, watch=False)
    desk.take(lines(1, 2), "2026-03-02")
    assert told(desk, watch=False) == [one, one]
    desk.take(lines(1, 2, 3), "2026-03-03")
    assert len(told(desk, watch=False)) == 2, "nothing is recorded of the third"


def test_our_own_on_a_list_that_is_only_kept_are_not_named(desk: Desk) -> None:
    record(desk, 1, A, X)
    record(desk, 2, A, Y)
    take_house(desk.store, 9, {X: "Customer 17"})
    house = ListConfig("house", "csv", "Our bank", ours=True)
    desk.set(watch=False)
    desk.take(lines(1, 2))
    assert told(desk, watch=False, house=house) == [
        "OFAC's list names 1 address with which watched addresses have dealt before."
    ]
    (row,) = desk.store.read("SELECT facts FROM alert")
    assert X not in row["facts"]
    assert Y in row["facts"]


def test_our_own_are_told_otherwise(desk: Desk) -> None:
    record(desk, 1, A, X)
    desk.set(watch=False, ours=True)
    desk.take(lines(1))
    assert told(desk, watch=False, ours=True) == []
