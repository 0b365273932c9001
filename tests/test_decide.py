"""The rules of deciding, one small story each: told, gone, back, late, amended, final."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from world.book import Book, elsewhere, fee, kinds, stream_of, transfer
from world.play import DAY, TOKEN, A, B, X

from monitor.model import Gap, Head, Interval, Kind, Lookup, Severity, Status, Transfer
from monitor.model.facts import Correction, of_kind
from monitor.model.plan import Plan
from monitor.model.scope import Members

IN = transfer(105)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """Met at block 100, with one entry and nothing told yet."""
    made = Book(tmp_path)
    made.watch()
    made.read(head=100)
    yield made
    made.store.close()


def lookup(height: int | None, *, found: bool, head: int = 110, **more: object) -> Lookup:
    return Lookup("two", IN.tx, found, height, head=Head(head, 0), **more)  # type: ignore[arg-type]


# -- absence -----------------------------------------------------------------------------


def test_not_asked_means_no_verdict(book: Book) -> None:
    """The source that told it leaves it out as often as it likes: looked for, never taken
    back, asked again in every poll until somebody answers."""
    assert kinds(book.read(IN, head=106)) == ["movement"]
    for head in (107, 107, 108, 109, 120):
        plan = book.read(head=head)
        assert [q.why for q in plan.questions] == ["missing"]
        assert kinds(plan) == []
        assert book.status(IN) is Status.MISSING
    gone = book.take([book.batch(head=121)], [lookup(None, found=False)], {("two", 105): "0xo"})
    assert kinds(gone) == ["reversed"]
    assert book.status(IN) is Status.ORPHANED
    assert kinds(book.read(head=122)) == []


def test_where_nobody_can_be_asked_silence_counts_from_several_heads(book: Book) -> None:
    """No source of the chain looks anything up: three heads that leave it out."""
    book.mute = True
    book.read(IN, head=106)
    told = [kinds(book.read(head=head)) for head in (107, 107, 108, 109, 110)]
    assert told == [[], [], [], ["reversed"], []]


def test_an_unchanged_block_means_that_nothing_was_reorganised(book: Book) -> None:
    """List and look-ups forget it, its block is as before: a gap of the list, told as such,
    nothing taken back; over when the list shows it again."""
    book.read(IN, head=106)
    same = {("two", 105): IN.block_hash}
    for head in (107, 108, 130, 140):
        plan = book.take([book.batch(head=head)], [lookup(None, found=False, head=head)], same)
        assert kinds(plan) == []
        assert book.status(IN) is Status.MISSING
        assert [(s.key, s.bad) for s in plan.signals] == [
            ("integrity:ethereum/one", False),
            ("listgap:ethereum/one", True),
        ]
    unanswered = book.read(head=141)
    assert all(s.bad for s in unanswered.signals if s.key.startswith("listgap"))
    plan = book.read(IN, head=142)
    assert [s.bad for s in plan.signals] == [False, False]
    assert book.alerts() == ["movement"]
    assert book.read(IN, head=143).signals == ()


def test_a_block_that_cannot_be_compared_needs_silence_from_several_heads(book: Book) -> None:
    """No hash of its block was told: look-ups that do not know it count once it is final
    for them, under three different heads."""
    bare = replace(IN, block_hash=None)
    book.read(bare, head=106)
    for head, told in ((107, []), (109, []), (109, []), (110, []), (111, ["reversed"])):
        plan = book.take([book.batch(head=head)], [lookup(None, found=False, head=head)])
        assert kinds(plan) == told, head


def test_one_source_that_still_has_the_block_is_enough(book: Book) -> None:
    """Two sources name two blocks at its height: nothing is taken back yet."""
    book.read(IN, head=106)
    split = {("two", 105): "0xother", ("one", 105): IN.block_hash}
    plan = book.take([book.batch(head=107)], [lookup(None, found=False)], split)
    assert kinds(plan) == []


def test_found_elsewhere_without_this_row_it_did_not_happen(book: Book) -> None:
    """The transaction ran anew in another block and paid less: only complete lists beyond
    its new place, twice, take the row back."""
    call = transfer(105, kind=Kind.INTERNAL)
    book.read(call, head=106)
    moved = lookup(106, found=True, head=110, block_hash="0xother")
    assert kinds(book.take([book.batch(head=107)], [moved])) == []
    assert kinds(book.take([book.batch(head=108)], [moved])) == ["reversed"]


def again(book: Book, *told: Transfer, head: int) -> Plan:
    """What an answer makes of it: not found, and its block was replaced."""
    unknown = lookup(None, found=False, head=head)
    return book.take([book.batch(*told, head=head)], [unknown], {("two", 105): "0xother"})


def test_another_sources_silence_changes_nothing(book: Book) -> None:
    """A source that never told a movement may leave it out as often as it likes."""
    book.read(IN, head=106)
    for head in range(106, 120):
        book.read(head=head, source="two")
    assert book.status(IN) is Status.PROVISIONAL
    assert book.alerts() == ["movement"]


def test_silence_within_the_lag_of_a_list_is_no_absence(book: Book) -> None:
    """A list that may be five blocks behind its head proves absence five blocks down."""
    book.lags["one"] = 5
    book.read(IN, head=106)
    book.read(head=108)
    book.read(head=109)
    assert book.status(IN) is Status.PROVISIONAL
    book.read(head=110)
    assert book.status(IN) is Status.MISSING


@pytest.mark.parametrize("how", [{"lo": 106}, {"hi": 104}, {"gaps": [Gap(Interval(105, 105), "")]}])
def test_only_a_complete_read_of_its_place_counts(book: Book, how: dict[str, object]) -> None:
    """Above, below and in a gap of what was read nothing is known."""
    book.read(IN, head=106)
    for head in (107, 108, 109):
        book.read(head=head, **how)
    assert book.status(IN) is Status.PROVISIONAL


def test_a_head_that_goes_backwards_is_no_reorganisation(book: Book) -> None:
    """A lagging node shows less; nothing is undone by that."""
    book.read(IN, head=106)
    for head in (104, 103, 104):
        book.read(head=head)
    assert book.status(IN) is Status.PROVISIONAL
    assert book.alerts() == ["movement"]


def test_seen_again_is_as_before_under_the_same_alert(book: Book) -> None:
    """One read that left it out, then it is back: no second alert, no correction."""
    book.read(IN, head=106)
    book.read(head=107)
    book.read(IN, head=108)
    assert book.status(IN) is Status.PROVISIONAL
    assert book.row(IN).absences == ()
    assert book.alerts() == ["movement"]


def test_included_at_another_height_is_the_same_movement(book: Book) -> None:
    """A reorganisation that moves it changes its block and alerts nobody."""
    book.read(IN, head=106)
    book.read(elsewhere(IN, 107), head=108)
    assert book.row(IN).transfer.block_height == 107
    assert book.alerts() == ["movement"]


def test_each_turn_of_a_told_movement_is_corrected_once(book: Book) -> None:
    """Reversed, included again, reversed again: three corrections with three names."""
    book.read(IN, head=106)
    again(book, head=107)
    back = elsewhere(IN, 109)
    book.read(back, head=110)
    book.read(back, head=111)
    gone = lookup(None, found=False, head=112)
    book.take([book.batch(head=112)], [gone], {("two", 109): "0xother"})
    book.read(head=113)
    assert book.alerts() == ["movement", "reversed", "included again", "reversed"]


# -- look-ups by hash ----------------------------------------------------------------------


def test_a_look_up_that_does_not_know_it_needs_the_block_replaced(book: Book) -> None:
    """Not found and another hash at its height: gone at once. The same hash: not yet."""
    book.read(IN, head=106)
    unknown = lookup(None, found=False)
    absent = book.batch(head=107)
    plan = book.decide([absent], [unknown], {("two", 105): "0xb105"})
    assert [c.status for c in plan.changes] == [Status.MISSING]
    plan = book.decide([absent], [lookup(None, found=False, head=104)], {("two", 105): "0xother"})
    assert [c.status for c in plan.changes] == [Status.MISSING]
    assert kinds(book.take([absent], [unknown], {("two", 105): "0xother"})) == ["reversed"]


def test_a_look_up_that_finds_it_keeps_it(book: Book) -> None:
    """Its list left it out, but the transaction is in its block: still there."""
    book.read(IN, head=106)
    book.take([book.batch(head=107)], [lookup(105, found=True, head=107, block_hash=IN.block_hash)])
    assert book.status(IN) is Status.PROVISIONAL
    assert book.alerts() == ["movement"]


@pytest.mark.parametrize("named", [True, False])
def test_a_look_up_that_finds_it_in_another_block_waits_for_the_lists(
    book: Book, named: bool
) -> None:
    """By hash, or by height where no hash is told: only a list knows its new time."""
    told = IN if named else replace(IN, block_hash=None)
    book.read(told, head=106)
    book.take([book.batch(head=107)], [lookup(106, found=True, head=120, block_hash="0xother")])
    assert book.status(IN) is Status.MISSING
    assert book.row(IN).transfer.block_height == 105


def test_a_look_up_that_finds_it_failed_reverses_it(book: Book) -> None:
    """In the chain, but failed: nothing moved."""
    book.read(IN, head=106)
    assert kinds(book.take([book.batch(head=107)], [lookup(105, found=True, failed=True)])) == [
        "reversed"
    ]


def test_back_in_the_mempool_is_unconfirmed_again(book: Book) -> None:
    """The look-up knows it without a block, and its block was replaced; then it is mined."""
    book.read(IN, head=106)
    waits = lookup(None, found=True)
    kept = book.decide([book.batch(head=107)], [waits], {("two", 105): IN.block_hash})
    assert [c.status for c in kept.changes] == [Status.MISSING]
    told = book.take([book.batch(head=107)], [waits], {("two", 105): "0xother"})
    assert kinds(told) == ["unconfirmed again"]
    assert book.row(IN).transfer.pending
    assert kinds(book.read(elsewhere(IN, 109), head=109)) == ["included again"]


def test_a_movement_whose_teller_is_gone_is_settled_by_a_look_up(book: Book) -> None:
    """Deep enough to be final, and only another source answers: it is asked by hash."""
    book.read(IN, head=106)
    assert book.read(head=108, source="two").questions == ()
    assert [q.why for q in book.read(head=109, source="two").questions] == ["unsettled"]
    cut = book.decide([book.batch(head=120, hi=104, source="two")])
    assert cut.questions == (), "what was not read in full raises no question"
    book.take([book.batch(head=109, source="two")], [lookup(105, found=True)])
    assert book.status(IN) is Status.FINAL


# -- final ---------------------------------------------------------------------------------


def test_final_is_by_depth_and_alerts_nobody(book: Book) -> None:
    """Confirmation alone is no news."""
    book.read(IN, head=108)
    assert book.status(IN) is Status.PROVISIONAL
    assert kinds(book.read(IN, head=109)) == []
    assert book.status(IN) is Status.FINAL


UNKNOWN = lookup(None, found=False, head=121)


@pytest.mark.parametrize(
    ("lookups", "hashes", "open_keys"),
    [
        ([], {}, []),  # not asked: no verdict
        ([lookup(105, found=True, head=121, block_hash=IN.block_hash)], {}, []),
        ([UNKNOWN], {("two", 105): IN.block_hash}, ["listgap:ethereum/one"]),
        ([UNKNOWN], {("two", 105): "0xother"}, ["integrity:ethereum/one"]),
        ([lookup(105, found=True, failed=True)], {}, ["integrity:ethereum/one"]),
        ([lookup(107, found=True, block_hash="0xother")], {}, ["integrity:ethereum/one"]),
    ],
)
def test_a_final_movement_that_a_list_leaves_out(
    book: Book, lookups: list[Lookup], hashes: dict[tuple[str, int], str], open_keys: list[str]
) -> None:
    """Asked by hash, in every poll until it is answered; told loudly only when an answer says
    so; the record stays as it was."""
    book.read(IN, head=120)
    before = book.row(IN)
    plan = book.take([book.batch(head=121)], lookups, hashes)
    assert [s.key for s in plan.signals if s.bad] == open_keys
    assert plan.changes == ()
    assert (book.row(IN).transfer, book.status(IN)) == (before.transfer, Status.FINAL)
    following = book.read(head=122, lo=110)
    stands = bool(lookups) and not open_keys
    assert [q.why for q in following.questions] == ([] if stands else ["final"])
    shown = book.read(IN, head=123)
    assert not any(s.bad for s in shown.signals)
    assert book.read(head=124, lo=110).questions == ()


def test_a_final_movement_is_missed_where_coverage_was_taken_back(book: Book) -> None:
    """What was read under a false head counts as unread: its rows are still looked for."""
    book.read(IN, head=120)
    with book.store.write() as conn:
        conn.execute("DELETE FROM coverage")
    assert [q.why for q in book.read(head=121).questions] == ["final"]


def test_a_final_movement_in_another_block_is_an_incident_and_no_edit(book: Book) -> None:
    """Said loudly; the record stays."""
    book.read(IN, head=120)
    plan = book.read(transfer(105, block="'"), head=121)
    assert [(s.key, s.severity) for s in plan.signals if s.bad] == [
        ("integrity:ethereum/one", "severe")
    ]
    assert plan.changes == ()
    assert book.status(IN) is Status.FINAL


def test_one_incident_for_all_that_a_source_lost(book: Book) -> None:
    """Forty final movements that were replaced are one notice, with their number."""
    many = [transfer(105, tx=f"0xt{n}") for n in range(40)]
    book.read(*many, head=120)
    lookups = [replace(UNKNOWN, tx=t.tx) for t in many]
    plan = book.take([book.batch(head=121)], lookups, {("two", 105): "0xother"})
    (bad,) = [s for s in plan.signals if s.bad]
    assert "40 movements" in bad.what
    plan = book.read(*many[:30], head=122)
    (bad,) = [s for s in plan.signals if s.bad]
    assert "10 movements" in bad.what


# -- what is news ---------------------------------------------------------------------------


def test_history_is_recorded_and_not_told(tmp_path: Path) -> None:
    """First contact at block 100: what lies below is history, also when it comes later."""
    book = Book(tmp_path)
    book.watch()
    book.read(transfer(50, tx="0xold"), head=100)
    book.read(transfer(50, tx="0xold"), transfer(60, tx="0xolder"), head=101)
    assert book.alerts() == []
    assert book.status(transfer(60, tx="0xolder")) is Status.FINAL


def test_found_where_it_was_read_before_is_late(book: Book) -> None:
    """A row that an explorer inserts at a height that counted as read is told as late."""
    book.read(head=130)
    plan = book.read(IN, head=140)
    assert kinds(plan) == ["late"]
    assert book.row(IN).late
    assert book.read(transfer(101, tx="0xt2"), head=141).new[0].late


def test_rows_that_come_later_make_one_amendment(book: Book) -> None:
    """The token row minutes after the native row: only the new row, under the first alert."""
    out = transfer(105, sender=A, recipient=X)
    token = transfer(105, kind=Kind.ERC20, contract=TOKEN)
    first = book.read(out, fee(105), head=106).alerts[0]
    (amendment,) = book.read(out, fee(105), token, head=107).alerts
    assert amendment.amends == first.id
    assert amendment.rows == (token.identity,)
    assert book.read(out, fee(105), token, head=108).alerts == ()


def test_alerts_do_not_depend_on_which_poll_brought_the_rows(tmp_path: Path) -> None:
    """All at once or one by one: the same name for the thread, the same rows told."""
    rows = [transfer(105, sender=A, recipient=X), fee(105), transfer(105, sender=A, recipient=B)]
    told = []
    for number, polls in enumerate([[rows], [rows[:1], rows[:2], rows]]):
        folder = tmp_path / str(number)
        folder.mkdir()
        book = Book(folder)
        book.watch()
        book.read(head=100)
        alerts = [a for head, p in enumerate(polls) for a in book.read(*p, head=106 + head).alerts]
        told.append((alerts[0].id, {i for a in alerts for i in a.rows}))
    assert told[0] == told[1]


def test_both_watched_parties_are_told_once(book: Book) -> None:
    """Whoever is polled first: one alert for each entry of both addresses."""
    book.watch(severity=Severity.HIGH)
    book.watch(B)
    between = transfer(105, sender=A, recipient=B)
    plan = book.read(between, fee(105), head=106)
    assert sorted(a.entry_id or "" for a in plan.alerts) == ["E0", "E1"]
    book.subject = book.entries[2].subject
    plan = book.read(between, head=107)
    assert [a.entry_id for a in plan.alerts] == ["E2"], "it happened after B was added"
    assert (
        kinds(book.read(transfer(108, sender=A, recipient=B, tx="0xt2"), head=108))
        == ["movement"] * 3
    )


@pytest.mark.parametrize(("when", "told_at"), [("seen", 0), ("confirmed", 1), ("final", 2)])
def test_tell_when(tmp_path: Path, when: str, told_at: int) -> None:
    """Seen in the mempool, confirmed in a block, or final: told once, at that moment."""
    book = Book(tmp_path)
    book.watch(tell_when=when)
    book.read(head=100)
    stages = [(transfer(None), 104), (IN, 105), (IN, 109)]
    plans = [book.read(t, head=head, mempool=True) for t, head in stages]
    assert [len(p.alerts) for p in plans] == [int(n == told_at) for n in range(3)]


def test_a_fee_alone_is_activity(book: Book) -> None:
    """Nothing moved but a fee: recorded, told quietly."""
    (alert,) = book.read(transfer(105, sender=A, recipient=X, amount=0), fee(105), head=106).alerts
    assert (alert.kind.value, alert.lane.value) == ("activity", "quiet")


# -- the mempool -----------------------------------------------------------------------------


def test_an_unconfirmed_payment_that_its_source_forgets(tmp_path: Path) -> None:
    """Told when seen, gone from two full mempools with different heads: that does not show that it
    was replaced. In a block later it is told as that, and not as if it had been there before."""
    book = Book(tmp_path)
    book.watch(tell_when="seen")
    waits = transfer(None)
    book.read(head=100)
    book.read(waits, head=101, mempool=True)
    book.read(head=102)  # the mempool was not read in full: says nothing
    book.read(head=103, mempool=True)
    assert book.status(waits) is Status.MISSING
    first = book.batch(head=103, mempool=True)
    assert kinds(book.take([first], [lookup(None, found=False, head=103)])) == []
    book.read(head=104, mempool=True)
    assert book.alerts() == ["movement"], "not asked: no verdict"
    later = book.batch(head=104, mempool=True)
    book.take([later], [lookup(None, found=False, head=104)])
    assert book.alerts() == ["movement", "no longer seen"]
    assert kinds(book.read(IN, head=106)) == ["included"]
    assert kinds(book.read(IN, head=120)) == []


def test_a_node_that_was_started_anew_and_hears_of_it_again(tmp_path: Path) -> None:
    """An empty mempool under one head takes nothing back, however long the payment has waited;
    what was told as no longer seen is told as seen again."""
    book = Book(tmp_path)
    book.watch(tell_when="seen")
    book.lags = {"one": 0}
    waits = transfer(None)
    book.read(head=100)
    book.read(waits, head=101, mempool=True)
    book.now += 3 * DAY
    unknown = replace(lookup(None, found=False), source="one")
    for _ in range(3):
        assert kinds(book.take([book.batch(head=102, mempool=True)], [unknown])) == []
    assert kinds(book.read(waits, head=102, mempool=True)) == []
    for head, told in ((103, []), (104, ["no longer seen"])):
        assert kinds(book.take([book.batch(head=head, mempool=True)], [unknown])) == told
    assert kinds(book.read(waits, head=105, mempool=True)) == ["seen again"]
    assert kinds(book.read(IN, head=106)) == ["included"]


def test_an_unconfirmed_payment_whose_coins_another_one_spends(tmp_path: Path) -> None:
    """Its own source shows the other one in its place, and nobody knows it: told at once, with
    what shows it. While somebody else knows it, it is not replaced everywhere."""
    book = Book(tmp_path)
    book.watch(tell_when="seen")
    waits, other = (replace(transfer(None, tx=tx), spends="0xc:0") for tx in (IN.tx, "0xt2"))
    book.read(head=100)
    book.read(waits, head=101, mempool=True)
    shown = book.batch(other, head=101, mempool=True)
    assert kinds(book.decide([shown])) == ["movement"], "not asked: no verdict"
    knows = replace(lookup(None, found=True), source="three")
    mixed = book.decide([shown], [lookup(None, found=False), knows])
    assert kinds(mixed) == ["movement"]
    plan = book.take([shown], [lookup(None, found=False)])
    assert sorted(kinds(plan)) == ["movement", "replaced"]
    (told,) = [a.facts for a in plan.alerts if a.tx == IN.tx]
    assert of_kind(told, Correction).evidence == ("Transaction 0xt2 spends the same coins.",)


@pytest.mark.parametrize("height", [None, 102])
def test_what_another_mempool_shows_in_its_place(tmp_path: Path, height: int | None) -> None:
    """Nodes differ in what waits: one that never told the first does not end it, unless the other
    one is in a block. Then nobody has to be asked."""
    book = Book(tmp_path)
    book.watch(tell_when="seen")
    waits, other = (
        replace(transfer(at, tx=tx), spends="0xc:0") for at, tx in ((None, IN.tx), (height, "0xt2"))
    )
    book.read(head=100)
    book.read(waits, head=101, mempool=True)
    shown = book.batch(other, head=103, source="two", mempool=True)
    plan = book.take([shown], [lookup(None, found=False)] if height is None else [])
    assert sorted(kinds(plan)) == ["movement", *["replaced"] * (height is not None)]
    assert book.status(waits) is (Status.PENDING if height is None else Status.ORPHANED)


def test_a_node_behind_does_not_take_a_movement_back(book: Book) -> None:
    """A source that has not reached its block still calls it unconfirmed: not believed."""
    book.read(IN, head=106)
    book.read(transfer(None), head=104, source="two", mempool=True)
    assert book.status(IN) is Status.PROVISIONAL
    book.read(transfer(None), head=104, mempool=True)
    assert book.status(IN) is Status.PROVISIONAL
    assert kinds(book.read(transfer(None), head=107, mempool=True)) == ["unconfirmed again"]


@pytest.mark.parametrize(
    ("asked", "days"), [(("one", "two"), 1), (("one", "two"), 14), (("two",), 1)]
)
def test_a_node_that_never_had_it_does_not_end_an_unconfirmed_payment(
    tmp_path: Path, asked: tuple[str, ...], days: int
) -> None:
    """It may be on its way there. After a day its look-ups count under several heads, if the
    source that told of the payment is not one of the chain's any more, or by now must have dropped
    it too."""
    book = Book(tmp_path)
    book.watch(tell_when="seen")
    book.lags = dict.fromkeys(asked, 0)
    book.read(head=100)
    book.read(transfer(None), head=101, mempool=True)
    other = book.batch(head=102, source="two", mempool=True)
    assert book.decide([other], [lookup(None, found=False)]).changes == ()
    assert book.decide([other]).questions == ()
    book.now += days * DAY
    assert [q.why for q in book.decide([other]).questions] == ["unsettled"]
    told = []
    for head in (110, 110, 111, 112, 113):
        other = book.batch(head=head, source="two", mempool=True)
        told += kinds(book.take([other], [lookup(None, found=False, head=head)]))
    assert told == ["no longer seen"] * ("one" not in asked or days > 1)


def test_an_account_s_payment_that_left_its_block_and_is_forgotten(book: Book) -> None:
    """Its sender may have used the nonce for something else, which no list shows: it is no longer
    seen, and in a block later it is told as that."""
    book.lags = {"one": 0, "two": 0}
    book.read(IN, head=106)
    knows = lookup(None, found=True, head=106)
    gone = book.batch(head=107)
    told = book.take([gone], [knows], {("two", 105): "0xother"})
    assert kinds(told) == ["unconfirmed again"]
    book.now += DAY
    for head in (108, 109, 110):
        silent = [replace(lookup(None, found=False, head=head), source="one")]
        told = book.take([book.batch(head=head, source="two")], silent)
        assert kinds(told) == (["no longer seen"] if head == 110 else [])
    assert kinds(book.read(elsewhere(IN, 111), head=112)) == ["included"]


# -- gaps, coverage, several sources -----------------------------------------------------------


def test_a_gap_that_another_source_reads_is_none(book: Book) -> None:
    """What the first list could not show is proven by the second, and not told as a gap."""
    hole = Gap(Interval(103, 103), "a row cannot be read")
    first = book.batch(head=120, lo=97, gaps=[hole])
    plan = book.decide([first])
    assert {g.gap for g in plan.gaps} == {hole}
    assert not any(103 in c.span for c in plan.covered)
    plan = book.decide([first, book.batch(IN, head=120, lo=97, source="two")])
    assert plan.gaps == ()
    assert {c.source for c in plan.covered if 103 in c.span} == {"two"}


def test_lists_are_cut_where_the_shortest_one_ends(book: Book) -> None:
    """A transaction of two lists is decided on once, when both were read at its place."""
    token = transfer(105, kind=Kind.ERC20, contract=TOKEN)
    short = book.batch(head=106, hi=104, streams=stream_of(token))
    plan = book.take([book.batch(IN, head=106, streams=stream_of(IN)), short])
    assert plan.new == ()
    whole = book.batch(token, head=106, streams=stream_of(token), lo=105)
    plan = book.take([book.batch(IN, head=106, lo=105, streams=stream_of(IN)), whole])
    assert kinds(plan) == ["movement"]
    assert set(plan.alerts[0].rows) == {IN.identity, token.identity}


def test_a_list_that_starts_above_the_cut_is_left_whole(book: Book) -> None:
    """The newest blocks do not wait for another list's history."""
    token = transfer(50, kind=Kind.ERC20, contract=TOKEN)
    past = book.batch(token, head=106, hi=50, streams=stream_of(token))
    plan = book.take([book.batch(IN, head=106, lo=101, streams=stream_of(IN)), past])
    assert kinds(plan) == ["movement"]


def test_a_severe_movement_asks_a_second_source(tmp_path: Path) -> None:
    """The question goes to a source that did not tell it."""
    book = Book(tmp_path)
    book.watch(severity=Severity.SEVERE)
    book.read(head=100)
    (question,) = book.read(IN, head=106).questions
    assert (question.why, question.not_from) == ("second source", frozenset({"one"}))


def test_an_address_without_an_entry_keeps_its_fees(tmp_path: Path) -> None:
    """It is read for its movements, whose sums need what it paid; nobody is told. What others
    paid is nobody's."""
    bare = Book(tmp_path)
    with bare.store.write() as conn:
        key = bare.subject.key
        conn.execute("INSERT INTO scope (key, chain, address) VALUES (?,'ethereum',?)", (key, A))
    told = [transfer(105, sender=A, recipient=X), fee(105), fee(106, sender=X, tx="0xt2")]
    plan = bare.read(*told, head=107)
    assert [row.transfer for row in plan.new] == told[:2]
    assert not plan.alerts
    bare.store.close()


def test_what_was_read_with_its_whole_block_needs_no_receipt(book: Book) -> None:
    """A list of tokens does not say whether the transaction succeeded; its block does."""
    moved = transfer(105, kind=Kind.ERC20, contract=TOKEN)
    by_list = book.batch(moved, head=106)
    told = book.decide([by_list])
    assert [q.why for q in told.questions] == ["success"]
    blocks = {height: f"0xb{height}" for height in range(107)}
    by_block = replace(by_list, subjects=(), members=Members({A: 0}), blocks=blocks)
    told = book.decide([by_block])
    assert (told.questions, len(told.alerts)) == ((), 1)
