"""What is there of held funds, held against what is expected: nothing rests on one answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world.book import START, transfer
from world.play import COIN, ETHEREUM, TOKEN, A, X

from monitor.decide import expected
from monitor.decide.balance import lists_of
from monitor.model import Axis, Entry, Interval, Kind, Row, Status, Subject
from monitor.model.balance import AGAIN, Figure
from monitor.model.streams import StreamState

SUBJECT = Subject("ethereum", A)
ASSETS = {("ethereum", TOKEN): COIN}
ENTRY = Entry("E0", SUBJECT, held="seized", expected={"USDT": "100"})


def row(
    height: int | None, amount: int, *, out: bool = False, status: Status = Status.FINAL
) -> Row:
    ends = {"sender": A, "recipient": X} if out else {"sender": X, "recipient": A}
    told = transfer(
        height, tx=f"0x{height}", kind=Kind.ERC20, contract=TOKEN, amount=amount, **ends
    )
    return Row(height or 0, told, status, 1, START)


def states_of(lo: int = 0) -> StreamState:
    read = {Axis.HEIGHT: (Interval(lo, 200),)}
    return StreamState(read, {}, (), START, START, None, "one", START, "", Axis.HEIGHT, 0)


def states(lo: int = 0) -> dict[str, StreamState]:
    return dict.fromkeys(lists_of(ETHEREUM, TOKEN), states_of(lo))


def known(*rows: Row, figures: tuple[Figure, ...] = (), lo: int = 0) -> expected.Known:
    return expected.Known(ETHEREUM, ASSETS, states(lo), {TOKEN: rows}, {TOKEN: figures})


def figure(high: int, amount: int, **more: object) -> Figure:
    told = {"source": "one", "at": START, "second": "two", **more}
    return Figure(SUBJECT, TOKEN, high, high, START + high * 10, amount, **told)  # type: ignore[arg-type]


def only(at: expected.Known, entry: Entry = ENTRY) -> expected.There:
    (found,) = expected.there(entry, at)
    return found


IN = row(100, 100_000_000)


@pytest.mark.parametrize(
    ("amount", "missing"), [(100_000_000, 0), (99_999_999, 1), (200_000_000, 0)]
)
def test_from_the_first_unit_on(amount: int, missing: int) -> None:
    found = only(known(row(100, amount)))
    assert (found.units, found.missing, found.by) == (amount, missing, "the record alone")


@pytest.mark.parametrize("coins", ["589735030408323.123456789012345678", f"{10**59}.{'1' * 18}"])
def test_no_digit_of_what_is_expected_is_lost(coins: str) -> None:
    entry = replace(ENTRY, expected={"ETH": coins})
    units = int(coins.replace(".", ""))
    for less in (0, 1):
        one = Row(100, transfer(100, amount=units - less), Status.FINAL, 1, START)
        at = replace(known(), states=dict.fromkeys(lists_of(ETHEREUM, ""), states_of()))
        found = only(replace(at, rows={"": (one,)}), entry)
        assert (found.wanted, found.missing) == (units, less)


def test_a_figure_with_which_the_record_agrees_no_more_is_nobodys_second_word() -> None:
    """Its block was replaced, or rows came late that lie below it: what one source said then is
    one word against another."""
    good = figure(110, 95_000_000, second="")
    gone = row(105, 5_000_000, out=True, status=Status.ORPHANED)
    found = only(known(IN, gone, figures=(good,)))
    assert (found.missing, found.by) == (0, "the record alone")
    stands = only(known(IN, replace(gone, status=Status.FINAL), figures=(good,)))
    assert (stands.missing, stands.by) == (5_000_000, "one and the record")


@pytest.mark.parametrize("how", [{"rebases": "yes"}, {"fee_on_transfer": True}])
def test_what_transfers_do_not_sum_up_to_is_not_known_by_the_record(how: dict[str, object]) -> None:
    """What a rebasing token pays was never transferred: less recorded than expected is no lack."""
    other = {("ethereum", TOKEN): replace(COIN, **how)}  # type: ignore[arg-type]
    found = only(replace(known(row(100, 99_999_999)), assets=other))
    assert (found.units, found.missing) == (None, 0)
    told = replace(known(figures=(figure(110, 99_999_999),)), assets=other)
    assert only(told).missing == 1


def test_zero_is_an_expectation() -> None:
    found = only(known(), replace(ENTRY, expected={"USDT": "0"}))
    assert (found.units, found.missing) == (0, 0)


def test_two_words_of_the_chain_go_before_the_record() -> None:
    """And what is recorded since is added: an outflow at once, whoever asks next."""
    found = only(known(IN, figures=(figure(110, 90_000_000),)))
    assert (found.units, found.by, found.height) == (90_000_000, "one and two", 110)
    again = figure(110, 90_000_000, second=f"one{AGAIN}150")
    assert only(known(IN, figures=(again,))).by == "one alone, and again at block 150"
    later = only(known(IN, row(120, 5, out=True), figures=(figure(110, 100_000_000),)))
    assert (later.units, later.missing) == (99_999_995, 5)
    late = only(known(IN, row(105, 5, out=True), figures=(figure(110, 99_999_995),)))
    assert late.missing == 5  # the figure knew of it before any list did


def test_the_newest_of_them_counts() -> None:
    old, new = figure(110, 1), figure(120, 100_000_000, second="")
    assert only(known(IN, figures=(new, old))).missing == 0
    assert only(known(IN, figures=(new, old))).by == "one and the record"


def test_what_is_not_in_the_chain_does_not_count() -> None:
    pending = row(None, 5, out=True, status=Status.PENDING)
    gone = row(101, 5, out=True, status=Status.ORPHANED)
    assert only(known(IN, pending, gone)).missing == 0


def test_nobody_knows_is_said_and_is_no_lack() -> None:
    part = only(known(IN, lo=50))
    assert (part.units, part.missing) == (None, 0)
    assert "history not complete" in expected.said(part)
    gone = replace(ENTRY, expected={"GONE": "5"})
    assert "cannot be checked" in expected.said(only(known(IN), gone))
    shares = figure(110, 5, shares="sharesOf")
    assert only(known(IN, figures=(shares,))).by == "the record alone"


def test_in_words_with_both_amounts_and_what_is_missing() -> None:
    said = expected.said(only(known(row(100, 99_999_999))))
    assert "99.999999 USDT there at block 100" in said
    assert "100.000000 USDT expected, 0.000001 USDT ARE MISSING" in said
