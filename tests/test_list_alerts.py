"""Entries of published lists: who tells of a transaction, how loudly, to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.book import Book, alert_words, elsewhere, kinds, transfer
from world.listed import take_list
from world.of_lists import SHA, listed_entry, publish, take_entries
from world.play import A, B, X

from monitor.decide import routing, voices
from monitor.decide.loudness import DAILY, Market, loudness
from monitor.decide.worth import TOLERANCE
from monitor.loops.router import Router
from monitor.model import (
    Alert,
    ChannelConfig,
    Direction,
    Entry,
    Head,
    Kind,
    Lane,
    Lookup,
    Only,
    Price,
    Severity,
    Subject,
)
from monitor.store import watch
from monitor.store.views import Views

SUBJECT = Subject("ethereum", A)
OUT = transfer(105, sender=A, recipient=X)
IN = transfer(105)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path)
    publish(made.store, "ofac", made.now)
    yield made
    made.store.close()


def on_list(book: Book, name: str = "ofac", entity: str = "42498", **terms: object) -> Entry:
    entry = listed_entry(terms.pop("subject", SUBJECT), name, entity, **terms)  # type: ignore[arg-type]
    take_entries(book.store, book.now, entry)
    return entry


def told(book: Book, *rows: object, head: int = 106) -> list[Alert]:
    return list(book.read(*rows, head=head).alerts)  # type: ignore[arg-type]


# -- who tells it ------------------------------------------------------------------------


def test_what_a_list_has_is_told_and_says_what_the_list_said(book: Book) -> None:
    entry = on_list(book)
    book.read(head=100)
    (alert,) = told(book, OUT)
    assert (alert.entry_id, alert.severity, alert.lane) == (entry.id, Severity.HIGH, Lane.NEWS)
    (said,) = alert.facts.on_lists
    assert (said.entry, said.origin, said.case) == (entry.id, entry.origin, "OFAC-42498")
    assert (said.day, said.sha256) == ("2026-09-23", SHA)


def test_an_old_alert_says_what_was_true_then(book: Book) -> None:
    """The list takes the address off, and names somebody else: what was told stays."""
    entry = on_list(book)
    book.read(head=100)
    (alert,) = told(book, OUT)
    take_entries(
        book.store, book.now, replace(entry, origin=replace(entry.origin, until="2026-09-24"))
    )
    (view,) = Views(book.store, {}, {}).alerts([alert.id])
    assert view.alert.facts.on_lists[0].origin == entry.origin
    assert view.entry is not None
    assert view.entry.origin.until == "2026-09-24"
    assert view.lists["ofac"].day == "2026-09-23"


def test_where_a_person_watches_the_lists_are_named(book: Book) -> None:
    """One alert, of the person's entry, with the list's; the list's makes none of its own."""
    mine, other = book.watch(), on_list(book)
    book.read(head=100)
    (alert,) = told(book, OUT)
    assert (alert.entry_id, alert.severity) == (mine.id, Severity.MEDIUM)
    assert [each.entry for each in alert.facts.on_lists] == [other.id]


def test_two_persons_entries_tell_as_ever(book: Book) -> None:
    book.watch(case="C"), book.watch(case="D"), on_list(book)
    book.read(head=100)
    assert [a.entry_id for a in told(book, OUT)] == ["E0", "E1"]


def test_without_a_list_nothing_is_named(book: Book) -> None:
    book.watch()
    book.read(head=100)
    (alert,) = told(book, OUT)
    assert alert.facts.on_lists == ()


@pytest.mark.parametrize("terms", [{"canary": 24}, {"direction": "in"}], ids=str)
def test_a_persons_entry_that_is_not_about_it_keeps_no_list_silent(
    book: Book, terms: dict[str, object]
) -> None:
    """A canary is told nobody, and one for what comes in is not about what leaves."""
    mine, other = book.watch(**terms), on_list(book)
    book.read(head=100)
    lanes = {a.entry_id: a.lane for a in told(book, OUT)}
    assert lanes == {mine.id: Lane.QUIET, other.id: Lane.NEWS}


def test_a_persons_smallest_amount_stays_the_persons_choice(book: Book) -> None:
    mine = book.watch(min_amount={"ETH": "1"})
    on_list(book, incoming="")
    book.read(head=100)
    assert [(a.entry_id, a.lane) for a in told(book, IN)] == [(mine.id, Lane.QUIET)]


def test_what_is_history_for_a_person_is_told_by_the_list(book: Book) -> None:
    """A person adds the address a moment after it moved: the list has watched it before."""
    other = on_list(book)
    book.read(head=100)
    book.now += 200  # beyond the block in which it moves
    mine = book.watch()
    assert [a.entry_id for a in told(book, OUT)] == [other.id]
    assert told(book, OUT, head=107) == []
    assert [a.entry_id for a in told(book, transfer(130, tx="0xt2", sender=A), head=131)] == [
        mine.id
    ]


def test_of_several_lists_one_leads_and_all_are_named(book: Book) -> None:
    """Who is still listed before who is not, then the most severe."""
    off = on_list(book, "fbi", "9", until="2026-01-01", severity=Severity.SEVERE)
    low = on_list(book, "ofac", "1", severity=Severity.LOW)
    high = on_list(book, "ofac", "2")
    book.read(head=100)
    (alert,) = told(book, OUT)
    assert (alert.entry_id, alert.severity) == (high.id, Severity.HIGH)
    assert [each.entry for each in alert.facts.on_lists] == [high.id, low.id, off.id]


def test_no_list_makes_quiet_what_another_wants_to_be_told(book: Book) -> None:
    """OFAC's incoming waits for the daily mail, the other list's does not."""
    ofac = on_list(book)
    on_list(book, "fbi", "9", severity=Severity.MEDIUM, incoming="")
    book.read(head=100)
    (alert,) = told(book, IN)
    assert (alert.entry_id, alert.lane, alert.severity) == (ofac.id, Lane.NEWS, Severity.MEDIUM)


def test_who_began_goes_on(book: Book) -> None:
    """A list that leads by now does not start a thread of its own; corrections stay in it."""
    first = on_list(book, severity=Severity.MEDIUM)
    on_list(book, "fbi", "9", severity=Severity.LOW)
    book.read(head=100)
    (start,) = told(book, OUT)
    on_list(book, "fbi", "9", severity=Severity.SEVERE)
    more = transfer(105, sender=A, recipient=B, kind=Kind.INTERNAL)
    (added,) = told(book, OUT, more, head=107)
    assert (added.entry_id, added.amends, added.severity) == (first.id, start.id, Severity.SEVERE)
    gone = [Lookup("two", OUT.tx, False, None, head=Head(140, 0))]
    plan = book.take([book.batch(head=108)], gone, {("two", 105): "0xother"})
    assert kinds(plan) == ["reversed"]
    assert plan.alerts[0].entry_id == first.id
    assert plan.alerts[0].facts.on_lists[0].entry == first.id


def test_a_person_who_comes_later_leaves_corrections_to_who_told(book: Book) -> None:
    """Told unconfirmed by the list; in a block a person's entry is about it too."""
    other = on_list(book, tell_when="seen")
    book.read(head=100)
    waiting = transfer(None, sender=A, recipient=X)
    plan = book.take([book.batch(waiting, head=101, mempool=True)])
    assert [a.entry_id for a in plan.alerts] == [other.id]
    mine = book.watch()
    book.read(head=102)
    later = [a.entry_id for a in told(book, elsewhere(waiting, 105))]
    assert later in ([mine.id], [])


def test_an_address_that_ended_on_a_list_is_medium_at_most(book: Book) -> None:
    """Also what an issuer does there."""
    on_list(book, until="2026-01-01", severity=Severity.SEVERE)
    book.read(head=100)
    frozen = transfer(105, kind=Kind.FROZEN, sender=A, recipient=None, amount=0, contract=X)
    released = replace(frozen, tx="0xt2", kind=Kind.RELEASED)
    found = told(book, OUT, released)
    assert [a.severity for a in found] == [Severity.MEDIUM, Severity.MEDIUM]


def test_between_two_listed_addresses_each_has_its_own(book: Book) -> None:
    one = on_list(book)
    two = on_list(book, entity="7", subject=Subject("ethereum", B))
    book.read(head=100)
    book.subject, mine = Subject("ethereum", B), book.subject
    book.read(head=100)
    book.subject = mine
    found = told(book, transfer(105, sender=A, recipient=B))
    assert {a.entry_id: a.direction for a in found} == {
        one.id: Direction.OUT,
        two.id: Direction.IN,
    }


# -- when who told it is not watched any more ------------------------------------------------


def change(book: Book, entry: Entry, **terms: object) -> None:
    """A person writes other terms for an entry of the watchlist."""
    book.entries = [replace(e, **terms) if e.id == entry.id else e for e in book.entries]  # type: ignore[arg-type]
    take_list(book.store, book.entries, f"list at {book.now}", book.now)


ENDED = '2026-11-20 ann "closed"'


def person_ended(book: Book) -> None:
    mine = book.watch()
    on_list(book)
    book.read(head=100)
    assert [a.entry_id for a in told(book, OUT)] == [mine.id]
    change(book, mine, retired=ENDED)


def list_ended(book: Book) -> None:
    one, two = on_list(book), on_list(book, "fbi", "9")
    book.read(head=100)
    (first,) = told(book, OUT)
    gone = one if first.entry_id == one.id else two
    take_entries(book.store, book.now, replace(gone, retired=ENDED))


@pytest.mark.parametrize("ended", [person_ended, list_ended])
def test_what_was_told_in_its_name_a_list_tells_no_second_time(
    book: Book, ended: Callable[[Book], None]
) -> None:
    """While it is provisional, when it is final, and whenever it is read again; new rows of the
    transaction are told, and are added to what was told."""
    ended(book)
    before = book.alerts()
    assert told(book, OUT, head=107) == []
    assert told(book, OUT, head=140) == []
    assert told(book, OUT, head=141) == []
    late = transfer(105, sender=A, recipient=B, kind=Kind.INTERNAL)
    (added,) = told(book, OUT, late, head=142)
    assert (before, alert_words(added)) == (["movement"], "amendment")
    assert [each[2] for each in added.rows] == [late.leg]
    assert told(book, OUT, late, head=143) == []


@pytest.mark.parametrize("ended", [person_ended, list_ended])
def test_what_was_told_in_its_name_a_list_corrects_once(
    book: Book, ended: Callable[[Book], None]
) -> None:
    ended(book)
    gone = [Lookup("two", OUT.tx, False, None, head=Head(140, 0))]
    plan = book.take([book.batch(head=108)], gone, {("two", 105): "0xother"})
    assert kinds(plan) == ["reversed"]
    assert told(book, head=109) == []
    (back,) = told(book, elsewhere(OUT, 110), head=111)
    assert alert_words(back) == "included again"
    assert told(book, elsewhere(OUT, 110), head=112) == []


def test_a_person_who_asks_for_less_from_now_on_makes_no_list_tell_it_again(book: Book) -> None:
    mine = book.watch()
    on_list(book)
    book.read(head=100)
    assert [a.entry_id for a in told(book, OUT)] == [mine.id]
    change(book, mine, direction="in")
    assert told(book, OUT, head=107) == []
    later = transfer(120, tx="0xt2", sender=A, recipient=X)
    assert {a.entry_id: a.lane for a in told(book, later, head=121)} == {
        mine.id: Lane.QUIET,
        next(i for i in lists(book)): Lane.NEWS,
    }


def test_a_canary_tells_nothing_in_the_name_of_a_list(book: Book) -> None:
    """It shows an unconfirmed payment quietly; the list tells it when it is in a block."""
    mine = book.watch(canary=24, tell_when="seen")
    other = on_list(book)
    book.read(head=100)
    waiting = transfer(None, sender=A, recipient=X)
    plan = book.take([book.batch(waiting, head=101, mempool=True)])
    assert [(a.entry_id, a.facts.on_lists) for a in plan.alerts] == [(mine.id, ())]
    (alert,) = told(book, elsewhere(waiting, 105))
    assert (alert.entry_id, alert.lane) == (other.id, Lane.NEWS)


def lists(book: Book) -> list[str]:
    return [w.entry.id for w in watch.all_entries(book.store) if w.entry.origin is not None]


# -- how loudly --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("least", "usd", "loud"),
    [
        ({}, 1, False),
        ({"ETH": "2"}, 1, True),
        ({"ETH": "4"}, 1, False),
        ({"USD": "10000"}, 3334, True),
        ({"USD": "10000"}, 3333, False),
        ({"USD": "10000"}, None, True),
    ],
    ids=str,
)
def test_incoming_waits_unless_it_is_large(
    book: Book, least: dict[str, str], usd: int | None, loud: bool
) -> None:
    """Three ETH arrive. Without a price nobody knows that they are not worth it."""
    row = transfer(105, amount=3 * 10**18)
    entry = listed_entry(SUBJECT, min_amount=least)
    priced = [Price("ethereum", "", row.time, Decimal(usd), name) for name in "ab"] if usd else []
    found = loudness(
        *(entry, book.chain, [row], [row], {}),
        signature_known=False,
        market=Market({("ethereum", ""): priced}, row.time + TOLERANCE),
    )
    assert (found.lane is Lane.NEWS, found.direction) == (loud, Direction.IN)
    if not least:
        assert found.reason == DAILY
    out = replace(row, sender=A, recipient=X)
    verdict = loudness(entry, book.chain, [out], [out], {}, signature_known=False)
    assert verdict.lane is Lane.NEWS


# -- to whom -----------------------------------------------------------------------------


def test_every_channel_of_a_named_entry_is_owed_it(book: Book) -> None:
    """The person's channel, and the one that is kept to the case of the list."""
    book.watch(case="NK-07"), on_list(book)
    mail = ChannelConfig("mail", "email", only=Only(case=frozenset({"NK-07"})))
    team = ChannelConfig("team", "email", only=Only(case=frozenset({"OFAC-42498"})))
    other = ChannelConfig("other", "email", only=Only(case=frozenset({"ELSE"})))
    machine = ChannelConfig("tool", "webhook", machine=True)
    router = Router(book.store, {c.name: c for c in (mail, team, other, machine)})
    book.read(head=100)
    (alert,) = told(book, OUT)
    entry = watch.entries(book.store, ["E0"])["E0"].entry
    assert [name for _, name, _ in router.route(alert, entry)] == ["mail", "team", "tool"]
    (view,) = Views(book.store, {}, {}).alerts([alert.id])
    again = routing.routes(view.alert, view.entry, router.configs, also=view.also)
    assert again == router.route(alert, entry)


def test_quiet_incoming_goes_to_machines_at_once(book: Book) -> None:
    entry = on_list(book)
    book.read(head=100)
    (alert,) = told(book, IN)
    mail = ChannelConfig("mail", "email")
    machine = ChannelConfig("tool", "webhook", machine=True)
    router = Router(book.store, {c.name: c for c in (mail, machine)})
    forms = {name: form for _, name, form in router.route(alert, entry)}
    assert (alert.lane, forms) == (Lane.QUIET, {"mail": "daily", "tool": "group"})


def test_who_was_told_because_of_a_list_hears_what_became_of_it(book: Book) -> None:
    """A person ends the watch of the list's entry; then the movement is reversed."""
    book.watch(case="NK-07")
    other = on_list(book)
    team = ChannelConfig("team", "email", only=Only(case=frozenset({"OFAC-42498"})))
    mail = ChannelConfig("mail", "email", only=Only(case=frozenset({"NK-07"})))
    router = Router(book.store, {"mail": mail, "team": team})
    book.read(head=100)
    told(book, OUT)
    take_entries(book.store, book.now, replace(other, retired='2026-11-20 ann "closed"'))
    gone = [Lookup("two", OUT.tx, False, None, head=Head(140, 0))]
    (alert,) = book.take([book.batch(head=108)], gone, {("two", 105): "0xother"}).alerts
    entry = watch.entries(book.store, ["E0"])["E0"].entry
    assert [name for _, name, _ in router.route(alert, entry)] == ["mail", "team"]


def test_who_may_see_which_case_costs_no_entry(book: Book) -> None:
    """A list may have a million entries: what channels may see is worked out by case."""
    book.watch(case="NK-07", tags=("dprk",), channels=("mail",))
    for number in range(300):
        on_list(book, subject=Subject("ethereum", f"0x{number:040x}"), entity=str(number % 3))
    kin = watch.kin(book.store)
    assert sorted(each.case for each in kin) == ["NK-07", "OFAC-0", "OFAC-1", "OFAC-2"]
    every = [w.entry for w in watch.all_entries(book.store)]
    for only in (Only(), Only(case=frozenset({"OFAC-1"})), Only(tags=frozenset({"dprk"}))):
        for name in ("mail", "other"):
            channel = ChannelConfig(name, "email", only=only)
            assert routing.allowed_cases(channel, kin) == routing.allowed_cases(channel, every)


# -- whoever watches ---------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A transaction held against an entry, as far as it decides who speaks."""

    entry: Entry
    begun: bool
    corrects: bool
    has_news: bool
    tells: bool
    spoke: bool

    @property
    def alerts(self) -> list[str]:
        return ["told"] if self.begun or self.corrects else []


def held(number: int, person: bool, severity: Severity, until: str, **said: bool) -> Held:
    mine = Entry(f"P{number}", SUBJECT, severity=severity)
    other = listed_entry(SUBJECT, entity=str(number), severity=severity, until=until)
    entry = mine if person else other
    return Held(entry, **said)


HELD = st.builds(
    held,
    *(st.integers(0, 99), st.booleans(), st.sampled_from(Severity)),
    st.sampled_from(["", "2026-01-01"]),
    **{each: st.booleans() for each in ("begun", "corrects", "has_news", "tells", "spoke")},
)


@given(st.lists(HELD, max_size=8, unique_by=lambda each: each.entry.id))
def test_whoever_watches_somebody_speaks_and_lists_only_once(cases: list[Held]) -> None:
    """Nothing that is news to a list is lost, no list speaks beside a person or another list,
    and whoever told something corrects it."""
    found = voices.spoken(cases)
    persons = [case for case in cases if case.entry.origin is None]
    lists = [case for case in cases if case.entry.origin is not None]
    assert [case.entry.id for case, _ in found] == sorted(case.entry.id for case, _ in found)
    assert all(heard == (case,) for case, heard in found if case in persons)
    assert all(any(case is each for each, _ in found) for case in persons)
    leading = [(case, heard) for case, heard in found if case in lists and heard]
    taken = any(case.tells for case in persons)
    speaking = [case for case in lists if case.begun or case.has_news]
    assert len(leading) == (1 if speaking and not taken else 0)
    for case, heard in leading:
        assert case is heard[0]
        assert set(map(id, heard)) == set(map(id, speaking))
        assert case.begun or not any(each.begun for each in speaking)
    assert all(any(case is each for each, _ in found) for case in lists if case.alerts)
