"""What of a difference is news: over random movements, hidden ones and late ones, in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decide import findings as finds
from monitor.decide.telling import HOLD, HOLD_MOST, Ground, one_cause, waits_for
from monitor.model import Kind, Row, Status, Subject, Transfer
from monitor.model.balance import COIN, Figure
from monitor.model.finding import Finding

ME, OTHER = "0x" + "a" * 40, "0x" + "b" * 40
SUBJECT = Subject("dev", ME)


def row(number: int, height: int, amount: int, status: Status = Status.FINAL) -> Row:
    """A movement: in, or (amount below zero) out."""
    ends = (OTHER, ME) if amount > 0 else (ME, OTHER)
    moved = Transfer(
        *("dev", f"0x{number:064x}", f"leg {number}", Kind.NATIVE, *ends, abs(amount)),
        block_height=height,
        time=height * 12,
    )
    return Row(number, moved, status, 1, 0)


def figure(high: int, amount: int, low: int | None = None, **more: str) -> Figure:
    low = high if low is None else low
    return Figure(SUBJECT, COIN, low, high, high * 12, amount, more.pop("source", "one"), 0, **more)


class World:
    """Movements with the step at which lists show each, if ever; the record as findings have it."""

    def __init__(self, moved: list[tuple[int, int, int | None]]) -> None:
        self.moved = [(row(n, h, a), shown) for n, (h, a, shown) in enumerate(moved)]
        self.known: list[Figure] = []
        self.lasting: list[Finding] = []
        self.closed: list[Finding] = []

    def recorded(self, step: int) -> list[Row]:
        return [row for row, shown in self.moved if shown is not None and shown <= step]

    def truth(self, high: int) -> int:
        return sum(finds_signed(row) for row, _ in self.moved if place(row) <= high)

    def step(self, step: int, high: int) -> None:
        rows = self.recorded(step)
        self._take(finds.reviewed(self.lasting, rows, step))
        seen = figure(high, self.truth(high))
        self._take(finds.news(seen, self.known, self.lasting, rows, step))
        self.known.append(seen)
        self.check(rows, seen)

    def _take(self, changed: list[Finding]) -> None:
        by_id = {f.id: f for f in self.lasting} | {f.id: f for f in changed}
        self.lasting = [f for f in by_id.values() if f.closed is None]
        self.closed += [f for f in by_id.values() if f.closed is not None]

    def check(self, rows: list[Row], seen: Figure) -> None:
        total = finds.difference(seen, rows)
        if all(f.after.high <= seen.high for f in self.lasting):
            assert sum(f.amount for f in self.lasting) == total
        if all(shown is not None for _, shown in self.moved) and total == 0:
            assert not [f for f in self.lasting if f.after.high <= seen.high]


def place(row: Row) -> int:
    assert row.transfer.block_height is not None
    return row.transfer.block_height


def finds_signed(row: Row) -> int:
    return row.transfer.amount * (1 if row.transfer.recipient == ME else -1)


amounts = st.integers(-9, 9).filter(bool)
moves = st.lists(
    st.tuples(st.integers(1, 60), amounts, st.one_of(st.integers(0, 12), st.none())), max_size=12
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(moved=moves, pace=st.lists(st.integers(0, 12), min_size=6, max_size=6))
def test_what_lasts_sums_up_to_the_difference_and_goes_when_rows_come(
    moved: list[tuple[int, int, int | None]], pace: list[int]
) -> None:
    """At every moment; at the end exactly what no list ever showed is left."""
    world, high = World(moved), 0
    for step, more in enumerate(pace):
        high += more
        world.step(step, high)
    world.step(20, 60)
    hidden = [row for row, shown in world.moved if shown is None]
    assert sum(f.amount for f in world.lasting) == sum(map(finds_signed, hidden))
    if not hidden:
        assert world.lasting == []
    world.step(21, 61)
    assert sum(f.amount for f in world.lasting) == sum(map(finds_signed, hidden))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    moved=st.lists(st.tuples(st.integers(1, 60), amounts, st.just(0)), max_size=10),
    hidden=st.tuples(st.integers(1, 60), amounts, st.none()),
    pace=st.lists(st.integers(1, 12), min_size=6, max_size=6),
)
def test_a_hidden_movement_is_found_between_the_figures_around_it(
    moved: list[tuple[int, int, int]], hidden: tuple[int, int, None], pace: list[int]
) -> None:
    world, high = World([*moved, hidden]), 0
    for step, more in enumerate([*pace, 60]):
        high += more
        world.step(step, high)
    (one,) = world.lasting
    assert one.amount == hidden[1]
    assert one.blocks.lo < hidden[0] <= one.blocks.hi


def test_another_balance_of_the_same_block_is_no_news() -> None:
    """What had been told of that block stays as it is, under its name."""
    told = replace(finds.news(figure(200, 7), (), (), (), 1)[0], told=1)
    assert finds.news(figure(200, 12), (), (told,), (), 2) == []
    (more,) = finds.news(figure(201, 12), (), (told,), (), 2)
    assert (more.amount, more.id != told.id) == (5, True)


def test_what_came_back_is_over() -> None:
    world = World([(5, 7, 0), (10, -7, None), (20, 7, None)])
    for step, high in enumerate((6, 12, 25)):
        world.step(step, high)
    assert world.lasting == []
    assert [f.reason for f in world.closed] == [finds.EQUAL]


def test_shares_that_went_are_one_finding_until_they_are_back() -> None:
    """Looked at again it is the same one, and what is known of it stays."""
    base, low, high, back = (
        figure(height, shares, shares="sharesOf")
        for height, shares in ((100, 7), (200, 4), (300, 4), (400, 7))
    )
    (lost,) = finds.news(low, (base,), (), (), 1)
    assert (lost.before, lost.after, lost.amount) == (base, low, -3)
    assert (
        finds.news(low, (base,), (lost,), (), 2) == finds.news(high, (base,), (lost,), (), 2) == []
    )
    (more,) = finds.news(figure(300, 2, shares="sharesOf"), (base,), (lost,), (), 2)
    assert more.amount == -2
    (over,) = finds.news(back, (base,), (lost,), (), 2)
    assert (over.id, over.closed) == (lost.id, 2)


def test_rows_between_two_blocks_of_a_figure_decide_nothing() -> None:
    assert finds.difference(figure(10, 5, low=8), [row(1, 9, 5)]) is None
    assert finds.difference(figure(10, 5, low=8), [row(1, 8, 5)]) == 0
    assert finds.difference(figure(10, 5), [row(1, 9, 5, Status.MISSING)]) is None
    assert finds.difference(figure(10, 0), [row(1, 9, 5, Status.PENDING)]) == 0


FOUND = Finding("B", SUBJECT, COIN, None, figure(10, 0, block_hash="0xh"), -7, 120)
GROUND = Ground(final=True, past=False, late=0)


def test_it_is_told_only_when_all_that_could_excuse_it_is_over() -> None:
    looked = replace(FOUND, looked=1000)
    sure = replace(looked, after=replace(looked.after, second="two"))
    later = 120 + HOLD
    assert waits_for(FOUND, GROUND, later)
    assert waits_for(looked, GROUND, later)
    assert waits_for(sure, GROUND, later) == ""
    assert waits_for(sure, GROUND, later - 1)
    assert waits_for(sure, replace(GROUND, final=False), later)
    assert waits_for(sure, replace(GROUND, past=True), 121) == ""
    assert waits_for(sure, replace(GROUND, late=3600), later)
    assert waits_for(sure, replace(GROUND, late=10**9), 120 + HOLD_MOST) == ""
    old = replace(sure, found=later)  # of a block of long ago lists had their time
    assert waits_for(old, GROUND, later) == ""


@pytest.mark.parametrize(
    ("amount", "second", "old"),
    [
        (5, "one again at block 30", True),  # so it was before the last deposit
        (0, "one again at block 30", True),
        (5, "two", False),
        (6, "one again at block 30", False),
        (12, "one again at block 30", False),  # what is recorded now
    ],
)
def test_what_one_source_alone_says_and_was_so_before_may_be_old(
    amount: int, second: str, *, old: bool
) -> None:
    """Deposits of 5 and 7, listed; a balance that stands still while lists go on."""
    rows = [row(0, 3, 5), row(1, 6, 7)]
    found = replace(FOUND, after=replace(figure(10, amount), second=second))
    assert finds.may_be_old(found, rows) is old
    stale = replace(GROUND, past=True, stale=True)
    looked = replace(found, looked=1000)
    assert waits_for(looked, stale, 120 + HOLD - 1)
    assert waits_for(looked, stale, 120 + HOLD) == ""


def test_a_second_word_of_the_same_source_lies_later() -> None:
    again = finds.seconded(FOUND, figure(11, 0), 12)
    assert again.after.second == "one again at block 11"
    assert finds.seconded(FOUND, figure(10, 0), 12) == FOUND
    nameless = replace(FOUND, after=replace(FOUND.after, block_hash=""))
    assert finds.seconded(nameless, figure(22, 0), 12) == nameless
    assert finds.seconded(nameless, figure(23, 0), 12).after.second


def test_many_at_once_have_one_cause() -> None:
    assert not one_cause(4, 4)
    assert one_cause(5, 14)
    assert not one_cause(5, 15)
