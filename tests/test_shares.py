"""Tokens whose balances change without a transfer: what can be said of them, and what not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world.evm_node import LOCAL

from monitor.chains.table import streams_of
from monitor.decide.balance import judge, unsaid
from monitor.decide.shares import COUNTED, FIRST, MOVED
from monitor.model import Asset, Axis, Interval, Kind, Row, Status, Subject, Transfer
from monitor.model.balance import Figure, Held, State
from monitor.model.balance_words import exact
from monitor.model.streams import StreamState

ME, PEER, TOKEN = ("0x" + c * 40 for c in "abc")
SUBJECT = Subject(LOCAL.key, ME)
SHARED = Asset(LOCAL.key, TOKEN, "stETH", 18, rebases="sharesOf")


def figure(height: int, shares: int, by: str = "sharesOf") -> Figure:
    return Figure(SUBJECT, TOKEN, height, height, 1000 + height, shares, "node", 5000, shares=by)


def paid(height: int, amount: int = 5, status: Status = Status.FINAL) -> Row:
    moved = Transfer(
        *(LOCAL.key, "0x" + f"{height:064x}", "leg", Kind.ERC20, ME, PEER, amount, TOKEN),
        block_height=height,
        time=1000 + height,
    )
    return Row(1, moved, status, version=1, first_seen=1)


def states(read_to: int = 10_000) -> dict[str, StreamState]:
    """Lists that are read from the beginning."""
    covered = {Axis.HEIGHT: (Interval(0, read_to),)}
    read = StreamState(covered, {}, (), 1, 1, None, "node", None, "", Axis.HEIGHT, 0)
    return dict.fromkeys(streams_of(LOCAL), read)


def held(now: Figure, before: Figure | None, *rows: Row, asset: Asset = SHARED) -> Held:
    return judge(LOCAL, now, rows, states(), {(LOCAL.key, TOKEN): asset}, before)


def test_equal_shares_without_a_row_are_silence_proven() -> None:
    """Rows before the first figure, above the second, of nothing, or undone change nothing."""
    rows = (paid(80), paid(300), paid(150, 0), paid(160, status=Status.ORPHANED))
    said = held(figure(200, 7), figure(100, 7), *rows)
    assert (said.state, said.reason) == (State.RECONCILED, COUNTED)
    assert (said.recorded, said.on_chain, said.difference) == (7, 7, 0)
    assert exact(said, 7 * 10**18) == "7.000000000000000000 shares of stETH"


def test_shares_that_went_without_a_row_are_news() -> None:
    said = held(figure(200, 4), figure(100, 7))
    assert (said.state, said.difference) == (State.UNEXPLAINED, -3)


@pytest.mark.parametrize("now", [7, 2])
@pytest.mark.parametrize("height", [101, 200])
def test_what_moved_between_is_no_verdict(now: int, height: int) -> None:
    said = held(figure(200, now), figure(100, 7), paid(height))
    assert (said.state, said.reason) == (State.CANNOT_CHECK, MOVED)
    assert said.difference is None


@pytest.mark.parametrize("before", [None, replace(figure(100, 7), shares="")])
def test_the_first_count_is_a_base_and_no_verdict(before: Figure | None) -> None:
    """Also after amounts, which another setting had let count."""
    said = held(figure(200, 7), before)
    assert (said.state, said.reason) == (State.CANNOT_CHECK, FIRST)


@pytest.mark.parametrize(
    ("asset", "begins"),
    [
        (replace(SHARED, rebases="yes"), "rebasing"),
        (replace(SHARED, rebases="", fee_on_transfer=True), "fee on transfer"),
        (replace(SHARED, rebases="scaledBalanceOf"), "rebasing"),
    ],
)
def test_amounts_of_such_tokens_are_never_called_equal(asset: Asset, begins: str) -> None:
    """Not even where they happen to be: the next one would not be."""
    for by in ("", "sharesOf"):
        said = held(figure(200, 0, by), figure(100, 0, by), asset=asset)
        assert said.state is State.CANNOT_CHECK
        assert said.reason.startswith(begins)
    nothing = unsaid(LOCAL, SUBJECT, TOKEN, "down", {(LOCAL.key, TOKEN): asset}, 1)
    assert nothing.reason.startswith(begins)


def test_a_list_that_is_not_read_so_far_is_said_first() -> None:
    known = {(LOCAL.key, TOKEN): SHARED}
    said = judge(LOCAL, figure(200, 7), (), states(150), known, figure(100, 7))
    assert said.state is State.CANNOT_CHECK
    assert "list not read" in said.reason
