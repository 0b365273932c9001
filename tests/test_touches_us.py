"""TOUCHES US: what moves between our own addresses and what is watched or followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from world import sample_alerts
from world.book import Book, elsewhere, transfer
from world.home import Home
from world.house import TITLES, take_house
from world.of_lists import listed_entry, publish, take_entries
from world.play import COIN, ETHEREUM, FAKE, TOKEN, A, B, X, Y

from monitor.app.home import open_home
from monitor.decide.ours import touched
from monitor.loops.daily import Daily
from monitor.loops.passing import PollWorld
from monitor.loops.touching import NOTE, TITLE, Touching
from monitor.messages import render
from monitor.model import (
    Alert,
    AlertKind,
    AlertView,
    Chain,
    Head,
    Kind,
    Lane,
    Lookup,
    Severity,
    Subject,
    Transfer,
)
from monitor.model.acts import DAEMON, Tell
from monitor.model.acts_trace import Follow, Unfollow
from monitor.model.difference import Difference
from monitor.model.errors import Conflict
from monitor.model.facts import BESIDE_US, FROM_US, TO_US, Notice, Touched, of_kind
from monitor.model.lists import Own
from monitor.model.plan import Context, Plan
from monitor.store import apply, figures, notes, ours
from monitor.store.commit import commit
from monitor.store.verify.record import verify
from monitor.store.views import Views

OURS = {B: "Customer 17"}
OUT = transfer(105, sender=A, recipient=B)
IN = transfer(105, sender=B, recipient=A)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    made.titles = TITLES
    take_house(made.store, made.now, OURS)
    yield made
    made.store.close()


def touching(book: Book, titles: dict[str, str] = TITLES) -> Touching:
    world = PollWorld(
        chains={"ethereum": ETHEREUM},
        pools={},
        assets={("ethereum", TOKEN): COIN},
        route=lambda alert, _entry: [(alert.id, "mail", "alone")],
        clock=lambda: book.now,
        interval=lambda _scope: 60,
        since_time=lambda _text: None,
        ours=titles,
    )
    return Touching(book.store, world)


def said(found: Sequence[Touched]) -> list[tuple[str, str]]:
    return [(each.way, each.label) for each in found]


def begun(book: Book, **terms: object) -> None:
    book.watch(**terms)
    book.read(head=100)


# -- news of an entry ------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "way"), [(OUT, TO_US), (IN, FROM_US)])
@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"severity": Severity.LOW},
        {"direction": "in"},
        {"direction": "out"},
        {"min_amount": {"ETH": "1000"}},
        {"incoming": "daily"},
        {"canary": 24},
    ],
    ids=str,
)
def test_it_is_severe_whatever_the_limits_say(
    book: Book, row: Transfer, way: str, terms: dict[str, object]
) -> None:
    begun(book, **terms)
    plan = book.read(row, head=106)
    (alert,) = plan.alerts
    assert (alert.severity, alert.lane) == (Severity.SEVERE, Lane.NEWS)
    assert said(alert.facts.ours) == [(way, "Customer 17")]
    assert plan.touching == ()


def test_an_entry_that_left_its_list_is_severe_too(book: Book) -> None:
    publish(book.store, "ofac", book.now)
    take_entries(book.store, book.now, listed_entry(book.subject, until="2026-09-01"))
    book.read(head=100)
    (alert,) = book.read(OUT, head=106).alerts
    assert alert.severity is Severity.SEVERE


@pytest.mark.parametrize(
    "row",
    [
        transfer(105, sender=B, recipient=A, amount=0),
        transfer(105, sender=A, recipient=B, amount=0),
        transfer(105, sender=B, recipient=A, kind=Kind.ERC20, contract=FAKE),
        transfer(105, sender=A, recipient=B, kind=Kind.ERC20, contract=FAKE),
        transfer(105, sender=A, recipient=B, kind=Kind.ERC721, contract=FAKE),
        transfer(105, sender=A, recipient=B, kind=Kind.FROZEN, contract=TOKEN),
        transfer(105, sender=A, recipient=X),
    ],
    ids=["zero in", "zero out", "fake in", "fake out", "nft", "act", "others"],
)
def test_what_anybody_can_cause_touches_nobody(book: Book, row: Transfer) -> None:
    begun(book)
    plan = book.read(row, head=106)
    assert not any(alert.facts.ours for alert in plan.alerts)
    assert plan.touching == ()


def test_a_verified_token_touches_us(book: Book) -> None:
    begun(book)
    row = transfer(105, sender=A, recipient=B, kind=Kind.ERC20, contract=TOKEN)
    (alert,) = book.read(row, head=106).alerts
    assert said(alert.facts.ours) == [(TO_US, "Customer 17")]


def test_without_such_a_list_nothing_is_looked_for(book: Book) -> None:
    book.titles = {}
    begun(book)
    (alert,) = book.read(OUT, head=106).alerts
    assert (alert.severity, alert.facts.ours) == (Severity.MEDIUM, ())


def test_an_address_that_a_rule_refuses_is_not_ours(book: Book) -> None:
    take_house(book.store, book.now, OURS, rule="zero address")
    begun(book)
    (alert,) = book.read(OUT, head=106).alerts
    assert alert.facts.ours == ()


def test_what_persons_watch_of_our_own_moves_inside_the_house(book: Book) -> None:
    """Two of our own, one of which somebody watches: no news of this kind."""
    take_house(book.store, book.now, OURS | {A: "Hot wallet"})
    begun(book)
    (alert,) = book.read(OUT, head=106).alerts
    assert alert.facts.ours == ()


def test_our_own_on_a_published_list_touches_us(book: Book) -> None:
    take_house(book.store, book.now, OURS | {A: "Hot wallet"})
    publish(book.store, "ofac", book.now)
    take_entries(book.store, book.now, listed_entry(book.subject))
    book.read(head=100)
    (alert,) = book.read(OUT, head=106).alerts
    assert said(alert.facts.ours) == [(TO_US, "Customer 17")]


# -- additions, corrections, what was ours ---------------------------------------------------


KEY = "LTdsVS8VDw6syvfQADdhf2PHAm3rMGJvPX"  # Bitcoin's spelling is another


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Customer 17", "Customer 17"),
        ("DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
        ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
        (B, "Our bank: our own address"),
        (f"wallet {B[2:].upper()} of Ann", "Our bank: our own address"),
        (f"{'x ' * 30}{B}", "Our bank: our own address"),  # it is cut within the address
        (f"{B[:22]} {B[22:]}", "Our bank: our own address"),
        (f"was {KEY}", "Our bank: our own address"),
    ],
)
def test_a_label_that_holds_an_address_is_shown_to_nobody(
    book: Book, label: str, shown: str
) -> None:
    take_house(book.store, book.now, {B: label})
    assert ours.own(book.store, TITLES, [B])[B].label == shown
    assert ours.labels(book.store, TITLES, [B])[B] == shown


def test_an_addition_and_a_correction_keep_it(book: Book) -> None:
    begun(book)
    book.read(OUT, head=106)
    more = transfer(105, sender=A, recipient=X, kind=Kind.ERC20, contract=TOKEN)
    (added,) = book.read(OUT, more, head=107).alerts
    assert added.kind is AlertKind.AMENDMENT
    assert (added.severity, said(added.facts.ours)) == (Severity.SEVERE, [(TO_US, "Customer 17")])


def test_a_reversed_movement_says_that_it_touched_us(book: Book) -> None:
    begun(book)
    book.read(OUT, head=106)
    failed = Lookup("two", "0xt1", found=True, failed=True, height=105, head=Head(110, 0))
    plan = book.take([book.batch(head=107)], [failed])
    (alert,) = plan.alerts
    assert alert.kind is AlertKind.CORRECTION
    assert (alert.severity, said(alert.facts.ours)) == (Severity.SEVERE, [(TO_US, "Customer 17")])


def test_who_left_is_ours_no_longer_and_an_old_alert_says_what_was_true(book: Book) -> None:
    begun(book)
    book.read(OUT, head=106)
    take_house(book.store, book.now, {X: "Customer 1"})
    later = transfer(108, tx="0xt2", sender=A, recipient=B)
    (alert,) = book.read(OUT, later, head=109).alerts
    assert alert.facts.ours == ()
    old, new = views(book)
    assert said(old.facts.ours) == [(TO_US, "Customer 17")]
    assert new.facts.ours == ()


def seen(book: Book) -> list[AlertView]:
    found = Views(book.store, {"ethereum": ETHEREUM}, {})
    return list(found.alerts(found.alert_ids()))


def views(book: Book) -> list[Alert]:
    return [view.alert for view in seen(book)]


# -- what no entry tells ---------------------------------------------------------------------


def test_history_is_told_by_no_entry_but_once(book: Book) -> None:
    book.watch()
    old = transfer(50, sender=A, recipient=B)
    plan = book.read(old, head=100)
    assert (plan.alerts, said(plan.touching)) == ((), [(TO_US, "Customer 17")])


def test_what_is_followed_only_is_told(book: Book) -> None:
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "first hop", every=60))
    plan = book.read(OUT, head=106)
    assert (plan.alerts, said(plan.touching)) == ((), [(TO_US, "Customer 17")])


def test_nobody_is_told_of_what_is_neither_watched_nor_followed_any_more(book: Book) -> None:
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "first hop", every=60))
    commit(book.store, DAEMON, Unfollow(book.now, book.subject, "C"))
    assert book.read(OUT, head=106).touching == ()


def test_what_is_not_in_a_block_waits(book: Book) -> None:
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "first hop", every=60))
    waiting = transfer(None, sender=A, recipient=B)
    assert book.read(waiting, head=106, mempool=True).touching == ()
    assert said(book.read(elsewhere(waiting, 107), head=108).touching) == [(TO_US, "Customer 17")]


def test_an_entry_that_tells_when_final_tells_it_itself(book: Book) -> None:
    begun(book, tell_when="final")
    assert book.read(OUT, head=106).touching == ()
    plan = book.read(OUT, head=115)
    assert [said(alert.facts.ours) for alert in plan.alerts] == [[(TO_US, "Customer 17")]]
    assert plan.touching == ()


def told_by(book: Book, plan: Plan) -> list[Alert]:
    """A plan with what no entry tells, committed."""
    full, routes = touching(book).added(plan)
    apply.apply(book.store, full, routes=routes)
    book.now += 10
    return [alert for alert in full.alerts if alert.entry_id is None]


def test_what_no_entry_tells_is_corrected_and_told_again(book: Book) -> None:
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "first hop", every=60))
    (first,) = told_by(book, book.decide([book.batch(OUT, head=106)]))
    failed = Lookup("two", "0xt1", found=True, failed=True, height=105, head=Head(110, 0))
    (gone,) = told_by(book, book.decide([book.batch(head=107)], [failed]))
    assert (gone.amends, gone.severity) == (first.id, Severity.SEVERE)
    assert gone.title.startswith("TOUCHES US: DID NOT HAPPEN")
    assert said(gone.facts.ours) == [(TO_US, "Customer 17")]
    assert told_by(book, book.decide([book.batch(head=108)])) == []
    (back,) = told_by(book, book.decide([book.batch(elsewhere(OUT, 109), head=109)]))
    assert back.amends == first.id
    assert back.title.startswith("TOUCHES US: IN A BLOCK AGAIN")
    assert told_by(book, book.decide([book.batch(elsewhere(OUT, 109), head=110)])) == []


# -- comparing what is recorded --------------------------------------------------------------


def notices(book: Book) -> list[Alert]:
    return [alert for alert in views(book) if alert.facts.ours and alert.entry_id is None]


def test_a_new_list_is_held_against_the_record_once(book: Book) -> None:
    book.titles = {}
    begun(book)
    rows = [transfer(101 + n, tx=f"0x{n}", sender=A, recipient=B) for n in range(3)]
    book.read(*rows, head=106)
    work = touching(book)
    work.compare()
    (alert,) = notices(book)
    assert (alert.kind, alert.severity, alert.lane) == (
        *(AlertKind.NOTICE, Severity.SEVERE, Lane.NEWS),
    )
    assert alert.title.startswith(TITLE)
    assert len(alert.facts.ours) == len(alert.rows) == 3
    work.compare()
    touching(book).compare()
    book.titles = TITLES
    assert book.read(*rows, head=107).touching == ()
    assert len(notices(book)) == 1


def test_the_daily_mail_begins_with_what_no_entry_tells(book: Book, tmp_path: Path) -> None:
    """It is open until somebody takes it, for whoever was told of it; no word about ourselves."""
    book.titles = {}
    begun(book)
    book.read(transfer(101, sender=A, recipient=B), head=106)
    touching(book).compare()
    (view,) = [v for v in seen(book) if v.alert.facts.ours]
    (mine,) = [each for each in figures.untaken(book.store) if each.case is None]
    assert (mine.id, mine.told) == (view.alert.id, {"mail"})
    every = figures.untaken(book.store)
    assert figures.untaken_since(book.store)[0] == len(every) > 1
    assert every[-1] == mine
    home = Home(tmp_path / "home")
    home.write("watchlist.yaml", {"addresses": []})
    with open_home(home.path, {}) as app:
        remarks = Daily(book.store, app.settings, 0, book.now).remarks
        _, first, *_ = remarks({each.case or "" for each in every}, "mail")["OPEN"]
    assert first.startswith(f"{mine.id}  severe, TOUCHES US")
    mail = render.render_daily(
        [view],
        channel=sample_alerts.MAIL,
        allowed_cases=None,
        message_id="D-1",
        since=0,
        until=book.now,
        remarks={},
        timezone="UTC",
        version="1",
        templates=sample_alerts.TEMPLATES,
    )
    assert "TOUCHES US: 1 alert" in mail.subject
    assert "TOUCHES US: 1 alert; 0 quiet." in mail.text
    assert "ABOUT FUNDWATCH" not in mail.text
    assert mail.text.index(f"{TITLE}: 1 recorded movement") < mail.text.index(view.alert.id)


def test_only_new_rows_of_a_list_are_told(book: Book) -> None:
    begun(book)
    others = transfer(102, tx="0x2", sender=A, recipient=Y)
    book.read(OUT, others, head=106)
    work = touching(book)
    work.compare()
    assert notices(book) == []
    take_house(book.store, book.now, OURS | {Y: "Customer 18"})
    work.compare()
    (alert,) = notices(book)
    assert said(alert.facts.ours) == [(TO_US, "Customer 18")]


def test_a_new_entry_is_held_against_the_record(book: Book) -> None:
    """Its rows were recorded for somebody else, or in another time."""
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "first hop", every=60))
    commit(book.store, DAEMON, Unfollow(book.now, book.subject, "C"))
    book.read(OUT, head=106)
    work = touching(book)
    work.compare()
    assert notices(book) == []
    book.watch()
    work.compare()
    assert len(notices(book)) == 1


def test_a_token_that_is_verified_later_is_held_against_the_record(book: Book) -> None:
    begun(book)
    book.read(transfer(105, sender=A, recipient=B, kind=Kind.ERC20, contract=FAKE), head=106)
    work = touching(book)
    work.compare()
    assert notices(book) == []
    known = replace(COIN, contract=FAKE)
    assets = {("ethereum", FAKE): known}
    Touching(book.store, replace(work.world, assets=assets)).compare()
    assert len(notices(book)) == 1


def test_a_kill_between_telling_and_noting_tells_nothing_twice(book: Book) -> None:
    book.titles = {}
    begun(book)
    book.read(OUT, head=106)
    touching(book).compare()
    notes.put_note(book.store, NOTE, "{}")  # as if it had died before this was written
    touching(book).compare()
    assert len(notices(book)) == 1


def test_two_who_look_at_once_tell_it_once(book: Book) -> None:
    """A poll decides on what another process tells meanwhile: the plan is decided again."""
    book.titles = {}
    begun(book)
    book.read(OUT, head=106)
    first, second = touching(book), touching(book)
    found = second.told(first.among([book.subject]))
    first.compare()
    with pytest.raises(Conflict):
        commit(book.store, DAEMON, Tell(book.now, found[0], found[1]))
    assert len(notices(book)) == 1


def test_what_touches_us_among_these_is_listed_told_or_not(book: Book) -> None:
    begun(book)
    book.read(OUT, transfer(102, tx="0x2", sender=A, recipient=X), head=106)
    work = touching(book)
    assert said(work.among([book.subject])) == [(TO_US, "Customer 17")]
    assert work.among([Subject("ethereum", X)]) == []
    assert touching(book, {}).among([book.subject]) == []


# -- transactions that are one whole ---------------------------------------------------------

COINS = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 4)


def leg(number: int, kind: Kind, party: str, amount: int = 5) -> Transfer:
    spent = kind is Kind.UTXO_IN
    name = f"{'in' if spent else 'out'}:{number}"
    ends = (party, None) if spent else (None, party)
    return Transfer("bitcoin", "t", name, kind, *ends, amount, block_height=9, time=9)


def whole(*legs: Transfer) -> list[tuple[str, str]]:
    context = Context(COINS, Subject("bitcoin", A), 0, frozenset({A}), {}, ours={B: Own("l", "B")})
    mine = [each for each in legs if A in each.parties()]
    return [(each.way, each.leg) for each in touched(context, A, mine, legs)]


def test_the_other_side_of_a_whole_transaction_counts() -> None:
    spent, made = Kind.UTXO_IN, Kind.UTXO_OUT
    assert whole(leg(0, spent, A), leg(0, made, X), leg(1, made, B)) == [(TO_US, "out:1")]
    assert whole(leg(0, spent, X), leg(1, spent, B), leg(0, made, A)) == [(FROM_US, "in:1")]
    assert whole(leg(0, spent, A), leg(1, spent, B), leg(0, made, X)) == [(BESIDE_US, "in:1")]
    # Somebody else paid both: nothing moved between them.
    assert whole(leg(0, spent, X), leg(0, made, A), leg(1, made, B)) == []
    assert whole(leg(0, spent, A), leg(0, made, B, 0)) == []


def test_the_record_is_what_its_log_says(book: Book) -> None:
    commit(book.store, DAEMON, Follow(book.now, book.subject, "C", "first hop", every=60))
    told_by(book, book.decide([book.batch(OUT, head=106)]))
    failed = Lookup("two", "0xt1", found=True, failed=True, height=105, head=Head(110, 0))
    told_by(book, book.decide([book.batch(head=107)], [failed]))
    take_house(book.store, book.now, OURS | {Y: "Customer 18"})
    touching(book).compare()
    found: list[Difference] = []
    verify(book.store, found.append)
    assert [each for each in found if each.check != "schema"] == []


def test_who_is_followed_for_which_case_is_said(book: Book) -> None:
    commit(book.store, DAEMON, Follow(book.now, book.subject, "CRANE-01", "hop", every=60))
    (alert,) = told_by(book, book.decide([book.batch(OUT, head=106)]))
    assert of_kind(alert.facts, Notice).lines == (f"Followed for case CRANE-01: {A}",)
