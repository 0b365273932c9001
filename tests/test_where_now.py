"""Where the money is now: every unit that left the watched addresses is in one part, by every
method; what a part is called; and its bar."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import trace_values as v
from hypothesis import given
from test_trace_sums import cases, quick
from tracing_world import Case, follow

from monitor.messages.trace import wherenow
from monitor.messages.trace.seizing import places
from monitor.messages.trace.wherenow import Account, At
from monitor.messages.trace.words import Page
from monitor.model import Subject
from monitor.model.flow import CONSERVING
from monitor.model.trace import REASONS, Beside, Trace
from monitor.picture import bar

PAGE = Page()
SVG = "{http://www.w3.org/2000/svg}"


def of(trace: Trace, symbol: str | None, chain: str = "ethereum", **more: object) -> Account:
    found = wherenow.accounts(trace, PAGE, **more)  # type: ignore[arg-type]
    return next(
        each
        for each in found
        if (each.asset and (each.asset.symbol, each.asset.chain)) == (symbol and (symbol, chain))
    )


def parts(account: Account, method: str) -> dict[str, int]:
    return {part.at.value: part.amount[method] for part in account.parts if part.amount[method]}


def adds_up(account: Account) -> None:
    for method in CONSERVING:
        lies = sum(part.amount[method] for part in account.parts)
        assert account.whole[method] == lies + account.turned[method], (account.asset, method)
    assert At.DIFFERS not in {part.at for part in account.parts}


@quick
@given(cases)
def test_every_unit_is_in_one_part_by_every_method(case: Case) -> None:
    trace = follow(case)
    found = wherenow.accounts(trace, PAGE)
    known = {place.asset for place in places(trace, PAGE)}
    assert known <= {account.asset for account in found}
    for account in found:
        adds_up(account)
        for part in account.parts:
            lies = {m: sum(p.held.amount[m] for p in part.places) for m in CONSERVING}
            if account.asset is not None and part.at not in (At.BURN, At.BRIDGE, At.FEES):
                assert part.amount == lies, part.at
    for method in CONSERVING:
        for total in trace.totals:
            if total.method == method and total.asset is None and len(found) > 1:
                whole = next((each for each in found if each.asset is None), None)
                assert whole is None or whole.left[method] == total.out_of_sources


def test_the_parts_of_the_story() -> None:
    account = of(v.trace(), "USDT")
    adds_up(account)
    thousand = v.THOUSAND
    assert parts(account, "lifo") == {"exchange": 75 * thousand, "queued": 45 * thousand}
    assert parts(account, "fifo") == {"rests": 85 * thousand, "queued": 60 * thousand}
    assert account.turned["fifo"] == 55 * thousand
    (first, *_) = wherenow.accounts(v.trace(), PAGE)
    assert first.asset is None  # all in USD, for all has a price
    assert wherenow.amount(first, first.left, PAGE) == "200,000.00 USD"


def test_what_can_be_frozen_and_what_is() -> None:
    beside = Beside(issuers=(("ethereum", v.USDT.contract, "Tether"),))
    trace = v.trace(beside=beside)
    assert "freezable" in parts(of(trace, "USDT"), "fifo")
    hub = (Subject("ethereum", v.HUB), v.USDT.contract)
    account = of(trace, "USDT", frozen={hub})
    adds_up(account)
    assert "freezable" not in parts(account, "fifo")
    (part,) = [each for each in account.parts if each.at is At.FROZEN]
    assert part.amount["fifo"] == 85 * v.THOUSAND
    assert wherenow.detail(part, PAGE) == "1 address on ethereum; issuer: Tether"
    eth = of(trace, "ETH")
    assert [each.at for each in eth.parts] == [At.RESTS]
    assert "cannot be frozen" in wherenow.detail(eth.parts[0], PAGE)


def test_a_name_that_nobody_confirmed_is_a_part_of_its_own() -> None:
    nodes = tuple(
        replace(node, stop=replace(node.stop, confirmed=False)) if node.stop else node
        for node in v.NODES
    )
    account = of(v.trace(nodes=nodes), "USDT")
    adds_up(account)
    (part,) = [each for each in account.parts if each.at is At.UNSURE]
    assert '"Binance 14" (by etherscan labels)' in wherenow.detail(part, PAGE)
    assert At.EXCHANGE not in {each.at for each in account.parts}


def test_limits_say_which() -> None:
    case = Case()
    case.pay("S", "A", 5000)
    case.pay("A", "B", 2000)
    case.words.append(v_stop("B"))
    account = of(follow(case), "ETH")
    adds_up(account)
    assert "Not followed: a person ended it" in [part.words for part in account.parts]


def v_stop(name: str) -> object:
    from tracing_world import person

    from monitor.model.trace import Say

    return person(Say.STOP, name)


def test_what_does_not_add_up_is_said() -> None:
    totals = tuple(
        replace(each, out_of_sources=each.out_of_sources + 5) if each.asset == v.USDT else each
        for each in v.totals()
    )
    account = of(v.trace(totals=totals), "USDT")
    assert parts(account, "fifo")["differs"] == 5


def test_what_no_address_holds_is_said_too() -> None:
    """Though the totals balance by themselves."""
    nodes = tuple(replace(each, holds=()) if each.hop == 1 else each for each in v.NODES)
    account = of(v.trace(nodes=nodes), "USDT")
    assert parts(account, "fifo") == {"differs": 85 * v.THOUSAND, "queued": 60 * v.THOUSAND}


def test_worth_says_its_day_and_what_has_no_price() -> None:
    account = of(v.trace(method="fifo"), "USDT")
    page = Page(method="fifo")
    (rests,) = [each for each in account.parts if each.at is At.RESTS]
    assert wherenow.worth(rests, page) == "85,000.00 USD, price of 2026-11-27"
    assert wherenow.amount(account, rests.amount, page) == "85,000 USDT"
    assert wherenow.amount(account, rests.amount, PAGE) == "0 to 85,000 USDT"
    bare = replace(rests.places[0], held=replace(rests.places[0].held, newest_usd=None))
    assert wherenow.worth(replace(rests, places=(bare,)), page) == "no price is known"
    both = replace(rests, places=(bare, *rests.places))
    assert wherenow.worth(both, page).endswith("; 1 of 2 without a price")


def test_what_left_was_worth_says_where_there_was_no_price() -> None:
    page = Page(method="fifo")
    assert wherenow.left_worth(v.trace(), page) == "200,000.00 USD when it left"
    source, *others = v.NODES
    unpriced = replace(source, left=(replace(source.left[0], usd=None), *source.left))
    said = wherenow.left_worth(v.trace(nodes=(unpriced, *others)), page)
    assert said == "200,000.00 USD when it left, as far as it had a price"
    assert wherenow.left_worth(v.trace(totals=()), page) == ""


def test_every_part_has_a_colour_and_every_reason_a_part() -> None:
    assert set(bar.FILLS) == {each.value for each in At} | {"turned"}
    for reason in REASONS:
        at, _ = wherenow._of_bucket(reason)
        assert at in At


# --- the bar ----------------------------------------------------------------------------------


def widths(svg: str) -> list[float]:
    drawn = ElementTree.fromstring(svg)
    return [float(each.get("width", "0")) for each in drawn.findall(f"{SVG}rect")]


@pytest.mark.parametrize(
    ("lows", "whole", "count"), [([3, 1], 4, 2), ([10**30, 1], 10**30 + 1, 2), ([1, 0], 4, 2)]
)
def test_a_bar_is_as_wide_as_its_parts(lows: list[int], whole: int, count: int) -> None:
    pieces = [bar.Piece("rests", "<b>", low, low) for low in lows]
    svg = bar.svg(pieces, whole, "Where \u202e it is")
    assert svg == bar.svg(pieces, whole, "Where \u202e it is")
    found = widths(svg)
    assert len(found) == count
    assert sum(found) == pytest.approx(1000)
    assert not re.search(r"\b(style|class|on\w+|href|src)=", svg)
    assert "<b>" not in svg


def test_nothing_at_all_is_no_bar_that_breaks() -> None:
    assert widths(bar.svg([], 0, "nothing")) == []
