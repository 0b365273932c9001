"""Held funds: whatever leaves is severe, but for one outflow that was announced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.book import START, Book, fee, kinds, transfer
from world.play import BITCOIN, COIN, ETHEREUM, FAKE, TOKEN, A, B, X, Y

from monitor.decide import held
from monitor.model import (
    Alert,
    Entry,
    Kind,
    Lane,
    Planned,
    Severity,
    Status,
    Subject,
    Transfer,
)
from monitor.model.plan import Plan

PLAN = Planned(B, "100 USDT", "2023-11-15", "M. Ortiz", "court order 12", START + 1000)
ASSETS = {("ethereum", TOKEN): COIN}
QUIETEST = {
    "severity": Severity.LOW,
    "direction": "in",
    "tell_when": "final",
    "min_amount": {"ETH": "1000", "USDT": "1000"},
}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    made.mute = True  # nobody looks transactions up: each is told by its rows
    yield made
    made.store.close()


def met(book: Book, **terms: object) -> Entry:
    entry = book.watch(**{"held": "frozen", "holder": "the court", **terms})
    book.read(head=100)
    return entry


def paid(
    height: int, amount: int = 100_000_000, to: str = B, tx: str = "0xt1", contract: str = TOKEN
) -> tuple[Transfer, ...]:
    """A payment of a token, with the call and the fee of who signed it."""
    token = transfer(
        *(height,),
        tx=tx,
        kind=Kind.ERC20,
        sender=A,
        recipient=to,
        amount=amount,
        contract=contract,
    )
    call = transfer(height, tx=tx, sender=A, recipient=contract, amount=0)
    return call, token, fee(height, tx=tx)


def only(plan: Plan) -> Alert:
    (alert,) = plan.alerts
    return alert


# -- whatever leaves ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        [transfer(105, sender=A, recipient=X, amount=1), fee(105)],
        [transfer(105, sender=A, recipient=A), fee(105)],
        [fee(105)],
        [transfer(105, sender=A, recipient=X, amount=0)],
        [transfer(105, kind=Kind.INTERNAL, sender=A, recipient=X, amount=1)],
        paid(105, amount=1),
        paid(105, contract=FAKE),
        [transfer(105, kind=Kind.ERC721, sender=A, recipient=X, amount=1, contract=FAKE), fee(105)],
    ],
    ids=["coin", "itself", "fee", "call", "inside", "token", "unverified", "nft"],
)
def test_whatever_leaves_is_severe_at_once(book: Book, rows: list[Transfer]) -> None:
    """Whatever the entry's own lines ask for, and before it is final."""
    met(book, **QUIETEST)
    alert = only(book.read(*rows, head=105))
    assert (alert.lane, alert.severity) == (Lane.NEWS, Severity.SEVERE)
    assert alert.facts.funds is not None
    assert (alert.facts.funds.state, alert.facts.funds.holder) == ("frozen", "the court")
    assert kinds(book.read(head=130)) == []


def test_the_same_of_an_entry_that_is_not_held_is_as_it_was(book: Book) -> None:
    book.watch(**QUIETEST)
    book.read(head=100)
    assert kinds(book.read(*paid(105), head=105)) == []
    final = only(book.read(*paid(105), head=130))
    assert (final.severity, final.lane) == (Severity.LOW, Lane.QUIET)


def test_before_it_is_in_a_block_and_told_once(book: Book) -> None:
    met(book)
    pending = transfer(None, sender=A, recipient=X)
    alert = only(book.read(pending, head=105, mempool=True))
    assert (alert.lane, alert.severity) == (Lane.NEWS, Severity.SEVERE)
    mined = transfer(106, sender=A, recipient=X)
    assert kinds(book.read(mined, head=106)) == []
    assert kinds(book.read(head=130)) == []


def test_what_was_there_before_it_was_watched_is_history(book: Book) -> None:
    book.watch(held="frozen")
    book.read(*paid(90), head=100)
    assert kinds(book.read(head=130)) == []


@pytest.mark.parametrize("contract", [TOKEN, FAKE])
def test_what_strangers_write_into_tokens_stays_quiet(book: Book, contract: str) -> None:
    """Zero of a real token, or a token that anybody made: it was signed by somebody else."""
    met(book, tell_when="seen")
    amount = 0 if contract == TOKEN else 7
    forged = transfer(105, kind=Kind.ERC20, sender=A, recipient=X, amount=amount, contract=contract)
    alert = only(book.read(forged, head=105))
    assert alert.lane is Lane.QUIET
    assert alert.facts.funds is None


def test_a_fee_that_comes_later_says_that_the_key_was_used(book: Book) -> None:
    """First a payment came in; then its list shows that the held address had signed for it."""
    met(book, severity=Severity.LOW)
    came = transfer(105, sender=X, recipient=A, amount=5 * 10**18)
    first = only(book.read(came, head=105))
    assert first.facts.funds is None
    second = only(book.read(came, fee(105), head=106))
    assert (second.lane, second.severity) == (Lane.NEWS, Severity.SEVERE)
    assert second.amends == first.id


def test_what_was_reversed_is_severe_again_when_it_comes_back(book: Book) -> None:
    met(book, severity=Severity.LOW)
    out = transfer(105, sender=A, recipient=X)
    book.read(out, head=105)
    told = [kinds(book.read(head=head)) for head in (106, 107, 108, 109)]
    assert ["reversed"] in told
    back = book.read(replace(out, block_height=110, block_hash="0xn"), head=112)
    assert [a.severity for a in back.alerts] == [Severity.SEVERE]


@pytest.mark.parametrize(
    ("amount", "terms", "lane"),
    [
        (10**13, {}, Lane.QUIET),
        (10**18, {}, Lane.NEWS),
        (10**13, {"min_amount": {"ETH": "0"}}, Lane.NEWS),
    ],
)
def test_dust_that_comes_in_is_no_alert(
    book: Book, amount: int, terms: dict[str, object], lane: Lane
) -> None:
    """Below a dollar at any price; with a smallest amount of one's own that counts."""
    met(book, **terms)
    alert = only(book.read(transfer(105, amount=amount), head=105))
    assert alert.lane is lane
    assert alert.severity is Severity.MEDIUM


def test_a_coin_that_is_spent_counts_whoever_else_is_paid() -> None:
    entry = Entry("E0", Subject("bitcoin", A), held="seized")
    put = Transfer("bitcoin", "t", "in:0", Kind.UTXO_IN, A, None, 5)
    got = Transfer("bitcoin", "t", "out:0", Kind.UTXO_OUT, None, A, 9)
    assert held.leaves(entry, [put, got])
    assert not held.leaves(entry, [got])


def test_what_leaves_beside_an_act_of_the_issuer_is_no_less(book: Book) -> None:
    """Of an act alone people hear as of every other address; a freeze is high there."""
    met(book, severity=Severity.LOW)
    frozen = transfer(105, kind=Kind.FROZEN, sender=A, recipient=None, amount=0, contract=TOKEN)
    alone = replace(frozen, tx="0xt2")
    assert only(book.read(alone, head=105)).severity is Severity.HIGH
    assert only(book.read(alone, *paid(105), frozen, head=106)).severity is Severity.SEVERE


# -- the one that was announced ----------------------------------------------------------------


def severity(plan: Plan) -> list[tuple[str, bool]]:
    told = [a for a in plan.alerts if a.facts.funds]
    return [(a.severity.value, a.facts.funds.as_planned) for a in told if a.facts.funds]


def test_the_announced_one_is_high_and_a_second_one_severe(book: Book) -> None:
    met(book, planned=PLAN)
    assert severity(book.read(*paid(105), head=105)) == [("high", True)]
    assert severity(book.read(*paid(106, tx="0xt2"), head=107)) == [("severe", False)]


def test_less_than_announced_uses_it_up_too(book: Book) -> None:
    met(book, planned=PLAN)
    assert severity(book.read(*paid(105, amount=1), head=105)) == [("high", True)]
    rest = book.read(*paid(106, amount=1, tx="0xt2"), head=107)
    assert severity(rest) == [("severe", False)]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (paid(105, amount=100_000_001), "more than"),
        (paid(105, to=X), "does not pay"),
        (paid(105, contract=FAKE), "Something else"),
        ((*paid(105), transfer(105, kind=Kind.INTERNAL, sender=A, recipient=B)), "Something else"),
        ([fee(105)], "Nothing is paid"),
        (paid(10_000), "until 2023-11-15"),
    ],
)
def test_what_does_not_fit_is_severe_and_leaves_it_open(
    book: Book, rows: list[Transfer], why: str
) -> None:
    met(book, planned=PLAN)
    head = rows[0].block_height or 0
    alert = only(book.read(*rows, head=head))
    assert alert.severity is Severity.SEVERE
    assert alert.facts.funds is not None
    assert why in alert.facts.funds.unlike
    if head == 105:
        assert severity(book.read(*paid(106, tx="0xt2"), head=107)) == [("high", True)]


def test_what_comes_with_it_later_makes_it_severe(book: Book) -> None:
    """One list shows the announced payment, another one, later, what left beside it."""
    met(book, planned=PLAN)
    assert severity(book.read(*paid(105), head=105)) == [("high", True)]
    more = transfer(105, kind=Kind.INTERNAL, sender=A, recipient=X)
    assert severity(book.read(*paid(105), more, head=106)) == [("severe", False)]


def test_one_unit_more_than_planned_is_more_however_many_digits_it_has() -> None:
    entry = Entry(
        *("E0", Subject("ethereum", A)),
        held="seized",
        planned=replace(PLAN, amount=f"{10**15}.000000000000000001 ETH"),
    )
    for more, unlike in ((0, ""), (1, "more than")):
        out = transfer(105, sender=A, recipient=B, amount=10**33 + 1 + more)
        known = held.Known(ETHEREUM, {}, START, (held.Payment("0xt1", (out,)),))
        assert unlike in held.facts(entry, "0xt1", known).unlike
        assert held.facts(entry, "0xt1", known).as_planned == (not more)


def test_before_it_was_announced_nothing_was_planned(book: Book) -> None:
    met(book, planned=replace(PLAN, since=START + 1500))
    assert severity(book.read(*paid(105), head=105)) == [("severe", False)]
    assert severity(book.read(*paid(200, tx="0xt2"), head=200)) == [("high", True)]


def test_one_that_was_reversed_leaves_it_open(book: Book) -> None:
    met(book, planned=PLAN)
    book.read(*paid(105), head=105)
    for head in (106, 107, 108, 109):
        book.read(head=head)
    assert book.status(paid(105)[1]) is Status.ORPHANED
    assert severity(book.read(*paid(110, tx="0xt2"), head=111)) == [("high", True)]


def test_a_new_announcement_starts_anew(book: Book) -> None:
    met(book, planned=PLAN)
    assert severity(book.read(*paid(105), head=105)) == [("high", True)]
    book.entries.clear()
    book.watch(held="frozen", planned=replace(PLAN, why="order 13", since=START + 2000))
    assert severity(book.read(*paid(200, tx="0xt2"), head=200)) == [("high", True)]


@given(st.permutations([105, 106, 107]), st.integers(min_value=1, max_value=3))
def test_in_any_order_one_is_the_announced_one(order: list[int], at_once: int) -> None:
    """However lists come: exactly one is high. All at once, or in order: the first on the
    chain."""
    entry = Entry("E0", Subject("ethereum", A), held="frozen", planned=PLAN)
    made = {h: held.Payment(f"0x{h}", paid(h, tx=f"0x{h}")) for h in order}
    known: list[held.Payment] = []
    told: set[str] = set()
    high: list[int] = []
    for start in range(0, 3, at_once):
        part = order[start : start + at_once]
        known += [made[h] for h in part]
        at = held.Known(ETHEREUM, ASSETS, START, tuple(known), frozenset(told))
        fits = [h for h in part if held.facts(entry, f"0x{h}", at).as_planned]
        told |= {f"0x{h}" for h in fits}
        high += fits
    assert high == [min(order[:at_once])]


def test_coins_spent_together_must_all_go_there() -> None:
    """Change back to the address is no payment; an output for anybody else is one."""
    entry = Entry(
        *("E0", Subject("bitcoin", A)), held="seized", planned=replace(PLAN, amount="1 BTC")
    )
    put = Transfer("bitcoin", "t", "in:0", Kind.UTXO_IN, A, None, 5 * 10**8, time=START + 1000)
    own = Transfer("bitcoin", "t", "out:0", Kind.UTXO_OUT, None, A, 4 * 10**8, time=START + 1000)
    there = replace(own, leg="out:1", recipient=B, amount=9 * 10**7)
    known = held.Known(BITCOIN, {}, START, (held.Payment("t", (put, own, there)),))
    assert held.facts(entry, "t", known).as_planned
    elsewhere = replace(
        known, payments=(held.Payment("t", (put, replace(own, recipient=Y), there)),)
    )
    assert "alone" in held.facts(entry, "t", elsewhere).unlike
    hidden = replace(known, chain=replace(BITCOIN, shielded=True))
    assert "hidden" in held.facts(entry, "t", hidden).unlike
