"""How loud a transaction is: outgoing is never silenced, what strangers can do is quiet."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.book import fee, transfer
from world.play import BITCOIN, COIN, ETHEREUM, FAKE, TOKEN, A, B, X

from monitor.decide import loudness, worth
from monitor.decide.loudness import Loudness, Market
from monitor.model import Direction, Entry, Kind, Lane, Price, Subject, Transfer

ASSETS = {("ethereum", TOKEN): COIN}
UTXO_KINDS = {True: Kind.UTXO_IN, False: Kind.UTXO_OUT}


ONE = 10**18


def judge(
    *rows: Transfer,
    known: bool = True,
    legs: tuple[Transfer, ...] = (),
    market: Market = loudness.NO_MARKET,
    **terms: object,
) -> Loudness:
    chain = BITCOIN if rows[0].kind in (Kind.UTXO_IN, Kind.UTXO_OUT) else ETHEREUM
    entry = Entry("E0", Subject(chain.key, A), **terms)  # type: ignore[arg-type]
    return loudness.loudness(
        entry, chain, rows, legs or rows, ASSETS, signature_known=known, market=market
    )


def token(sender: str, recipient: str, amount: int = 5, contract: str = TOKEN) -> Transfer:
    return transfer(
        105, kind=Kind.ERC20, sender=sender, recipient=recipient, amount=amount, contract=contract
    )


def leg(address: str | None, amount: int, *, put: bool, number: int = 0) -> Transfer:
    side = "in" if put else "out"
    return Transfer(
        chain="bitcoin",
        tx="t",
        leg=f"{side}:{number}",
        kind=UTXO_KINDS[put],
        sender=address if put else None,
        recipient=None if put else address,
        amount=amount,
    )


@pytest.mark.parametrize(
    ("rows", "lane", "direction"),
    [
        ([transfer(105)], Lane.NEWS, Direction.IN),
        ([transfer(105, sender=None)], Lane.NEWS, Direction.IN),  # from the parent chain
        ([transfer(105, sender=A, recipient=X), fee(105)], Lane.NEWS, Direction.OUT),
        ([transfer(105, sender=A, recipient=A), fee(105)], Lane.NEWS, Direction.SELF),
        ([token(X, A)], Lane.NEWS, Direction.IN),
        ([token(X, A, contract=FAKE)], Lane.QUIET, Direction.IN),
        ([token(X, A, amount=0)], Lane.QUIET, Direction.IN),
        ([token(A, X, amount=0)], Lane.QUIET, Direction.OUT),
        ([fee(105)], Lane.QUIET, Direction.OUT),
        ([transfer(105, sender=A, recipient=X, amount=0), fee(105)], Lane.QUIET, Direction.OUT),
        ([token(A, X), token(X, A, contract=FAKE)], Lane.NEWS, Direction.OUT),
    ],
)
def test_lane_and_direction(rows: list[Transfer], lane: Lane, direction: Direction) -> None:
    """Real money is news; zero, a fee alone and unverified tokens that come in are quiet."""
    verdict = judge(*rows)
    assert (verdict.lane, verdict.direction) == (lane, direction)
    assert verdict.reason, "every verdict carries its reason"


def test_a_fee_or_zero_is_no_movement() -> None:
    """`moved` says that something other than a fee or zero moved."""
    assert not judge(fee(105)).moved
    assert not judge(token(X, A, amount=0)).moved
    assert judge(token(X, A, contract=FAKE)).moved


def test_an_unverified_token_that_left_is_forged_only_if_somebody_else_signed() -> None:
    """Quiet needs proof: the list of signed transactions was read and holds no fee."""
    out = token(A, X, contract=FAKE)
    forged = judge(out)
    assert forged.lane is Lane.QUIET
    assert [c[1] for c in forged.classes] == ["may be forged"]
    assert judge(out, known=False).lane is Lane.NEWS
    assert judge(out, fee(105)).lane is Lane.NEWS


def test_the_smallest_amount_quietens_incoming_only() -> None:
    """Keyed by symbol or contract, in coins, on the running total of the transaction."""
    least = {"ETH": "2", TOKEN: "0.00001"}
    one = transfer(105, amount=10**18)
    two = transfer(105, amount=10**18, kind=Kind.INTERNAL)
    small = judge(one, min_amount=least)
    assert small.lane is Lane.QUIET
    assert small.classes[0][1] == "below the smallest amount"
    assert judge(one, two, min_amount=least).lane is Lane.NEWS
    out = transfer(105, sender=A, recipient=X, amount=1)
    assert judge(out, fee(105), min_amount=least).lane is Lane.NEWS
    assert judge(token(X, A, amount=9), min_amount=least).lane is Lane.QUIET
    assert judge(token(X, A, amount=10), min_amount=least).lane is Lane.NEWS


@given(st.integers(1, 10**30), st.integers(1, 10**12), st.integers(1, 10**9))
def test_what_has_no_price_is_below_only_at_any_price(units: int, cents: int, least: int) -> None:
    """With a price that another bears out the dollars decide, exactly; without one near in
    time it is told."""
    row = transfer(105, amount=units)
    assert row.time is not None
    usd = Decimal(cents) / 100

    def market(at: int, *, daily: bool = False) -> Market:
        return Market(
            {("ethereum", ""): tuple(Price("ethereum", "", at, usd, s, daily) for s in "xy")},
            row.time or 0,
        )

    def lane(known: Market) -> Lane:
        return judge(row, market=known, min_amount={"USD": str(least)}).lane

    enough = units * cents >= least * 100 * 10**18
    assert lane(market(row.time)) is (Lane.NEWS if enough else Lane.QUIET)
    without = Lane.NEWS if units * 50_000 >= least * 10**18 else Lane.QUIET
    assert lane(loudness.NO_MARKET) is without
    assert lane(market(row.time + 3601)) is without
    assert lane(market(row.time, daily=True)) is without


@pytest.mark.parametrize(
    ("row", "lane"),
    [
        (transfer(105, amount=10**12), Lane.QUIET),
        (transfer(105, amount=ONE // 5), Lane.NEWS),  # it would have to be worth 50,000 USD
        (token(X, A, amount=10_000), Lane.QUIET),
        (token(X, A, amount=1_000_000_000), Lane.NEWS),
        (leg(A, 546, put=False), Lane.QUIET),
        (leg(A, 10**6, put=False), Lane.NEWS),
    ],
    ids=["ETH dust", "0.2 ETH", "0.01 USDT", "1000 USDT", "546 sat", "0.01 BTC"],
)
def test_dust_without_a_price_wakes_nobody(row: Transfer, lane: Lane) -> None:
    """Prices switched off or out of reach: what could be worth something is told all the same."""
    verdict = judge(row, market=loudness.NO_MARKET, min_amount={"USD": "10000"})
    assert verdict.lane is lane
    words = "ever had." if lane is Lane.QUIET else "has no price"
    assert words in verdict.reason


def test_an_assets_own_amount_goes_before_dollars() -> None:
    """ETH by its line, tokens by dollars; unverified tokens stay quiet, what leaves is told."""
    at = transfer(105).time or 0
    prices = {("ethereum", TOKEN): (Price("ethereum", TOKEN, at, Decimal(1), "x"),)}
    known, least = Market(prices, at), {"USD": "1000", "ETH": "2"}
    small = transfer(105, amount=10**18)
    assert judge(small, market=known, min_amount=least).reason == "Less than 2 ETH came in."
    dollars = judge(token(X, A, amount=999), market=known, min_amount=least)
    assert (dollars.lane, dollars.reason) == (Lane.QUIET, "Less than 1000 USD came in.")
    assert dollars.classes[0][1] == "below the smallest amount"
    unpriced = judge(token(X, A, amount=10**9), min_amount=least)
    assert unpriced.reason == "USDT has no price, so it cannot be below 1000 USD."
    assert judge(token(X, A, contract=FAKE), min_amount=least).lane is Lane.QUIET
    assert judge(token(A, X), fee(105), market=known, min_amount=least).lane is Lane.NEWS


def test_dollars_judge_the_net_of_utxo_chains() -> None:
    """What is not in a block yet is judged by the price of now."""
    got = (leg(A, 10**8, put=False),)
    legs = (leg(X, 10**9, put=True), *got)
    price = tuple(Price("bitcoin", "", 5000, Decimal(900), source) for source in "xy")
    known = Market({("bitcoin", ""): price}, 5000)
    least = {"USD": "1000"}
    assert judge(*got, legs=legs, market=known, min_amount=least).lane is Lane.QUIET
    assert judge(*got, legs=legs, min_amount=least).lane is Lane.NEWS


def test_a_huge_amount_is_compared_exactly() -> None:
    """One wei decides, also far above what a float can tell apart."""
    least = {"ETH": "100000000000"}
    edge = 10**29
    assert judge(transfer(105, amount=edge), min_amount=least).lane is Lane.NEWS
    assert judge(transfer(105, amount=edge - 1), min_amount=least).lane is Lane.QUIET


def test_the_wanted_direction_quietens_the_other() -> None:
    """direction: out makes incoming quiet, not unrecorded; to oneself is always told."""
    assert judge(transfer(105), direction="out").lane is Lane.QUIET
    assert judge(transfer(105, sender=A, recipient=A), direction="out").lane is Lane.NEWS
    out = transfer(105, sender=A, recipient=X)
    assert judge(out, fee(105), direction="in").lane is Lane.QUIET


@pytest.mark.parametrize(
    ("legs", "direction", "lane"),
    [
        ([(A, 100, True), (X, 60, False), (A, 39, False)], Direction.OUT, Lane.NEWS),
        ([(X, 100, True), (A, 60, False), (X, 39, False)], Direction.IN, Lane.NEWS),
        ([(A, 100, True), (A, 99, False)], Direction.SELF, Lane.NEWS),
        ([(A, 10, True), (X, 100, True), (A, 90, False), (B, 19, False)], Direction.IN, Lane.NEWS),
    ],
)
def test_utxo_by_net(legs: list[tuple[str, int, bool]], direction: Direction, lane: Lane) -> None:
    """What the address put in against what it got back; change is no income."""
    told = tuple(leg(who, amount, put=put, number=n) for n, (who, amount, put) in enumerate(legs))
    mine = [t for t in told if A in t.parties()]
    verdict = judge(*mine, legs=told)
    assert (verdict.direction, verdict.lane) == (direction, lane)
    assert verdict.moved


@pytest.mark.parametrize(
    ("put", "got", "direction"),
    [(100, None, Direction.OUT), (100, 99, Direction.OUT), (100, 100, Direction.SELF),
     (1, 90, Direction.IN)],
)  # fmt: skip
def test_what_went_where_nobody_sees_it_has_left(
    put: int, got: int | None, direction: Direction
) -> None:
    """Into a shielded pool and with no other output in sight: that is outgoing, and news."""
    legs = [leg(A, put, put=True)] + ([] if got is None else [leg(A, got, put=False)])
    entry = Entry("E0", Subject(BITCOIN.key, A))
    chain = replace(BITCOIN, shielded=True)
    verdict = loudness.loudness(entry, chain, legs, legs, ASSETS, signature_known=True)
    assert (verdict.direction, verdict.lane, verdict.moved) == (direction, Lane.NEWS, True)


def test_utxo_thresholds_are_on_the_net() -> None:
    """A joint transaction that leaves little is quiet; putting in more is never silenced."""
    least = {"BTC": "1"}
    got = (leg(A, 10**8 - 1, put=False),)
    assert judge(*got, legs=(leg(X, 10**9, put=True), *got), min_amount=least).lane is Lane.QUIET
    spent = (leg(A, 5, put=True),)
    legs = (*spent, leg(X, 4, put=False))
    assert judge(*spent, legs=legs, min_amount=least).lane is Lane.NEWS


NOON = 1_700_000_000


def said(usd: str, source: str = "x", before: int = 0, *, daily: bool = False) -> Price:
    return Price("ethereum", "", NOON - before, Decimal(usd), source, daily)


@pytest.mark.parametrize(
    ("prices", "lane", "words"),
    [
        ([said("0.000000001")], Lane.NEWS, "has a price of X alone and none of the day before"),
        ([said("2"), said("2.5", "y")], Lane.QUIET, "Less than 1000 USD came in."),
        ([said("2"), said("3000", "y")], Lane.NEWS, "is worth 2 USD by X and 3,000 USD by Y"),
        ([said("900"), said("1500", "y")], Lane.NEWS, "At least 1000 USD came in."),
        ([said("2"), said("3", before=86_400)], Lane.QUIET, "Less than 1000 USD came in."),
        ([said("2"), said("3000", before=86_400)], Lane.NEWS, "far from the 3,000 USD of the day"),
        ([said("2"), said("2", before=7200)], Lane.NEWS, "alone and none of the day before"),
        ([said("2"), said("2", before=7 * 86_400)], Lane.NEWS, "alone and none of the day before"),
        (
            [said("2"), said("2", "y", 1), said("3000", "y", 3500)],
            Lane.QUIET,
            "Less than 1000 USD came in.",
        ),
        ([said("2"), said("2.1", "y", before=50_000, daily=True)], Lane.QUIET, "Less than 1000"),
    ],
)
def test_one_price_alone_silences_nothing(prices: list[Price], lane: Lane, words: str) -> None:
    """One coin came in: quiet only by a price that a second source, or the day before, bears
    out within a factor of two; of those that agree the higher counts."""
    row = replace(transfer(105, amount=ONE), time=NOON)
    market = Market({("ethereum", ""): worth.sort(prices)}, NOON)
    verdict = judge(row, market=market, min_amount={"USD": "1000"})
    assert verdict.lane is lane
    assert words.lower() in verdict.reason.lower()


@pytest.mark.parametrize(("usd", "lane"), [("0.97", Lane.QUIET), ("0.5", Lane.NEWS)])
def test_a_pegged_coin_must_be_near_one(usd: str, lane: Lane) -> None:
    """One source is enough where it says what the coin is meant to be; else it is told."""
    row = replace(token(X, A, amount=500_000_000), time=NOON)
    prices = tuple(
        replace(said(usd, source), contract=TOKEN)
        for source in ("x" if lane is Lane.QUIET else "xy")
    )
    market = Market({("ethereum", TOKEN): prices}, NOON)
    verdict = judge(row, market=market, min_amount={"USD": "1000"})
    assert verdict.lane is lane
    assert lane is Lane.QUIET or "is meant to be worth 1 USD, and x says 0.5" in verdict.reason
