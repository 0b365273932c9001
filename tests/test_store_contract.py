"""What others rely on in a record, whatever keeps it: the contract of the ports of the store.

Asks the ports alone, never the database behind them. Another implementation adds a line to
`KEEPERS` and has to pass all of it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from world.book import START, fee, transfer
from world.listed import take_list
from world.play import TOKEN, A, X

from monitor.model import (
    UINT256_MAX,
    Alert,
    AlertKind,
    Axis,
    Baseline,
    ChannelConfig,
    Entry,
    Gap,
    Head,
    Interval,
    Kind,
    Lane,
    Price,
    Rendered,
    Row,
    Severity,
    Status,
    Subject,
    TokenFacts,
    Transfer,
)
from monitor.model.acts import (
    DAEMON,
    Actor,
    ActorKind,
    KeepHeads,
    Replay,
    Take,
    TellHistory,
    TellIncidents,
)
from monitor.model.errors import Conflict, StoreError
from monitor.model.heads import Book, Fault, HeadReport, Kept, News
from monitor.model.plan import (
    Change,
    Covered,
    Doubt,
    NewRow,
    OpenGap,
    Plan,
    Sighting,
    Signal,
    gap_key,
)
from monitor.model.status import State, Unread
from monitor.model.streams import UNSERVED, Reading
from monitor.model.ways import NOBODY
from monitor.store import (
    alerts,
    apply,
    budgets,
    coverage,
    doubts,
    figures,
    heads,
    incidents,
    list_standing,
    notes,
    outbox,
    owing,
    prices,
    sqlite,
    standing,
    transfers,
    watch,
    ways,
)
from monitor.store.commit import commit
from monitor.store.figures import Sent
from monitor.store.outbox import Due, Failure, Letter
from monitor.store.owing import Owed
from monitor.store.port import Store
from monitor.store.standing import FirstReads, Late

NOW = START + 2000
AT_ONCE = 8  # threads that want the same

Opener = Callable[[], Store]


def _sqlite(folder: Path) -> tuple[Opener, Opener]:
    path = folder / "record.db"
    return (
        lambda: sqlite.Store(path, create=not path.exists()),
        lambda: sqlite.Store(path, readonly=True),
    )


# How to open a record in a folder: to work on it (it is made the first time), and to look.
KEEPERS: dict[str, Callable[[Path], tuple[Opener, Opener]]] = {"sqlite": _sqlite}


class Place:
    """A record that can be closed and opened again, and looked at from elsewhere."""

    def __init__(self, opener: Opener, looker: Opener) -> None:
        self._open, self._look = opener, looker
        self.store = opener()
        self._others: list[Store] = []

    def again(self) -> Store:
        self.store.close()
        self.store = self._open()
        return self.store

    def look(self) -> Store:
        self._others.append(self._look())
        return self._others[-1]

    def close(self) -> None:
        for each in (*self._others, self.store):
            each.close()


@pytest.fixture(params=KEEPERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = Place(*KEEPERS[request.param](tmp_path))
    take_list(made.store, [ENTRY], "first", START)
    yield made
    made.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


def all_at_once(what: Callable[[int], object]) -> Counter[object]:
    """What came of doing something by many threads at the same moment; an error by its type."""
    found: list[object] = []
    start = threading.Barrier(AT_ONCE)

    def work(number: int) -> None:
        start.wait()
        try:
            found.append(what(number))
        except StoreError as error:
            found.append(type(error))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(found)


# -- a small world -------------------------------------------------------------------------

HERE, THERE = Subject("ethereum", A), Subject("ethereum", X)
ENTRY, OTHER = Entry("E0", HERE, case="C"), Entry("E1", THERE, case="D")
IN = transfer(105)
SENT = transfer(106, tx="0xt2", sender=A, recipient=X, amount=7)
COST = fee(106, tx="0xt2")


def alert(number: int, told: Transfer = IN, **more: object) -> Alert:
    return Alert(
        **{  # type: ignore[arg-type]
            "id": f"A-{number}",
            "kind": AlertKind.MOVEMENT,
            "lane": Lane.NEWS,
            "severity": Severity.HIGH,
            "created": NOW + number,
            "chain": told.chain,
            "tx": told.tx,
            "entry_id": ENTRY.id,
            "rows": (told.identity,),
            **more,
        }
    )


def in_hand(store: Store, ids: Sequence[str], state: str, name: str) -> list[str]:
    """Somebody takes alerts by a command; returns those that changed."""
    actor = Actor(ActorKind.CLI, name, "a name given to a command")
    return commit(store, actor, Take(NOW, ids, state, ""))


def plan(*told: Transfer, **more: object) -> Plan:
    new = tuple(NewRow(t, Status.PROVISIONAL) for t in told)
    return Plan(HERE, NOW, new=new, **more)  # type: ignore[arg-type]


FULL = plan(
    IN,
    SENT,
    COST,
    sightings=(Sighting(IN.identity, "one", "0xb105", "ab"),),
    covered=(Covered("native", "one", Axis.HEIGHT, Interval(0, 90)),),
    gaps=(OpenGap("erc20", "one", Axis.HEIGHT, Gap(Interval(50, 50), "no row")),),
    tokens=(TokenFacts(TOKEN, "USDT", "Tether", 6),),
    baselines=((ENTRY.id, Baseline(100, START, START)),),
    alerts=(alert(1), alert(2, SENT, entry_id="E0")),
    signals=(Signal("blind:x", bad=True, what="Blind."),),
    doubts=(Doubt(IN.tx, "success", HERE.key, source="one", since=NOW),),
)
ROUTES = [("A-1", "mail", "prompt"), ("A-2", "hook", "group")]
READ = [Reading("native", ok=True, source="one", axis=Axis.HEIGHT, cursor=("one", 40, "next"))]


def rows(store: Store) -> dict[str, Row]:
    return {row.transfer.leg: row for row in transfers.rows_of_subject(store, HERE)}


def kept(store: Store) -> object:
    """All that a plan may have changed."""
    known = transfers.rows_of_subject(store, HERE)
    return (
        *(known, coverage.stream_states(store, HERE, NOW), watch.all_entries(store)),
        *(alerts.states(store, [f"A-{n}" for n in range(9)]), owing.unsent(store)),
        *(incidents.incident_list(store, open_only=False), doubts.of_scope(store, HERE)),
        *(prices.seen_contracts(store), outbox.told_in(store)),
    )


# -- one transaction -----------------------------------------------------------------------


def test_a_plan_is_kept_with_all_that_belongs_to_it(place: Place) -> None:
    """Rows, what was read, what was not, alerts and their channels, baselines, incidents,
    doubts; it is all there when the record is opened again."""
    apply.apply(place.store, FULL, readings=READ, routes=ROUTES)
    store = place.again()
    assert {row.transfer for row in rows(store).values()} == {IN, SENT, COST}
    states = coverage.stream_states(store, HERE, NOW)
    assert states["native"].covered == {Axis.HEIGHT: (Interval(0, 90),)}
    assert (states["native"].cursors, states["native"].ok) == ({"one": (40, "next")}, NOW)
    assert [(u.alert, u.channel, u.case) for u in owing.unsent(store)] == [
        ("A-1", "mail", "C"),
        ("A-2", "hook", "C"),
    ]
    assert watch.all_entries(store)[0].baseline == Baseline(100, START, START)
    assert [i.signal.key for i in incidents.incident_list(store, open_only=True)] == ["blind:x"]
    assert doubts.unchecked(store, "ethereum", IN.tx)
    assert prices.seen_contracts(store) == {("ethereum", TOKEN)}


@pytest.mark.parametrize(
    ("broken", "conflict"),
    [
        ({"new": (NewRow(SENT, Status.FINAL), NewRow(IN, Status.FINAL))}, True),
        ({"changes": (Change(1, 9, IN, Status.FINAL),)}, True),
        ({"changes": (Change(99, 1, IN, Status.FINAL),)}, True),
        ({"alerts": (alert(3), alert(1))}, True),
        ({"alerts": (alert(3, amends="A-NONE"),)}, False),
        ({"alerts": (alert(3, entry_id="E-NONE"),)}, False),
    ],
)
def test_a_plan_that_cannot_be_kept_leaves_nothing(
    store: Store, broken: dict[str, object], conflict: bool
) -> None:
    """Who decided on what is no longer so decides again. Anything else is an error, and loud."""
    apply.apply(store, plan(IN, alerts=(alert(1),)))
    before = kept(store)
    also = {
        "new": (NewRow(COST, Status.PROVISIONAL),),
        "covered": FULL.covered,
        "gaps": FULL.gaps,
        "signals": FULL.signals,
        "doubts": FULL.doubts,
        "tokens": FULL.tokens,
    }
    with pytest.raises(StoreError) as caught:
        apply.apply(store, Plan(HERE, NOW, **(also | broken)), readings=READ)  # type: ignore[arg-type]
    assert isinstance(caught.value, Conflict) is conflict
    assert kept(store) == before


def test_a_row_is_changed_once_for_each_decision(store: Store) -> None:
    apply.apply(store, plan(IN))
    (row,) = rows(store).values()
    change = Change(row.id, row.version, row.transfer, Status.MISSING, absences=(("one", 120),))
    apply.apply(store, plan(changes=(change,)))
    with pytest.raises(Conflict):
        apply.apply(store, plan(changes=(change,)))
    (changed,) = rows(store).values()
    assert (changed.status, changed.version) == (Status.MISSING, row.version + 1)
    assert (changed.absences, changed.first_seen) == ((("one", 120),), row.first_seen)


def test_of_many_who_decide_alike_one_is_kept(store: Store) -> None:
    found = all_at_once(lambda _: apply.apply(store, FULL, routes=ROUTES))
    assert found == {None: 1, Conflict: AT_ONCE - 1}
    assert len(rows(store)) == 3


def test_an_error_inside_a_write_undoes_it(store: Store) -> None:
    """Also an error that has nothing to do with the database."""
    with suppress(ZeroDivisionError), store.write() as conn:
        notes.write_note(conn, "a", "1")
        raise ZeroDivisionError
    assert notes.get_note(store, "a") is None
    notes.put_note(store, "a", "2")
    assert notes.get_note(store, "a") == "2"


def test_others_see_whole_steps_and_change_nothing(place: Place) -> None:
    other = place.look()
    with place.store.write() as conn:
        notes.write_note(conn, "a", "1")
        assert notes.get_note(other, "a") is None
    assert notes.get_note(other, "a") == "1"
    with pytest.raises(StoreError):
        notes.put_note(other, "a", "2")
    assert notes.get_note(place.store, "a") == "1"


# -- values --------------------------------------------------------------------------------


def test_a_row_comes_back_as_it_was_reported(store: Store) -> None:
    """Every field of a transfer, also those that are not known; to the last digit."""
    full = replace(
        transfer(105, kind=Kind.ERC1155, contract="0xc", amount=UINT256_MAX),
        token_id=str(UINT256_MAX),
        tx_index=3,
        log_index=7,
        trace_path="0_1",
    )
    waits = transfer(None, tx="0xt2")
    apply.apply(store, plan(full, waits))
    found = rows(store)
    assert (found[full.leg].transfer, found[waits.leg].transfer) == (full, waits)
    assert found[full.leg].first_seen == NOW


def test_hostile_text_of_a_contract_cannot_stop_a_plan(store: Store) -> None:
    """Lone surrogates, zeros and a million characters."""
    facts = TokenFacts("0xc", symbol="\ud800A\x00", name="N" * 10**6, decimals=2**40)
    apply.apply(store, plan(IN, tokens=(facts,)))
    assert len(rows(store)) == 1


def test_notes_are_put_replaced_and_forgotten(place: Place) -> None:
    for value in ("1", 'ü "\n', None, "3"):
        notes.put_note(place.store, "a", value)
        assert notes.get_note(place.store, "a") == value
    assert notes.get_note(place.again(), "a") == "3"


# -- what was read -------------------------------------------------------------------------


def test_what_one_source_read_is_joined(store: Store) -> None:
    """Neighbours become one interval; what another source read stays apart, and is counted."""
    spans = [(10, 20, "one"), (30, 40, "one"), (21, 29, "one"), (60, 70, "two")]
    covered = tuple(Covered("native", who, Axis.HEIGHT, Interval(lo, hi)) for lo, hi, who in spans)
    apply.apply(store, plan(covered=covered), readings=[Reading("native", ok=True)])
    state = coverage.stream_states(store, HERE, NOW)["native"]
    assert state.covered == {Axis.HEIGHT: (Interval(10, 40), Interval(60, 70))}


def test_a_gap_ends_with_its_incident_when_it_is_read(store: Store) -> None:
    """By any source; until then it waits a day for another try."""
    span = Interval(50, 50)
    key = gap_key(HERE, Axis.HEIGHT, span)
    gaps = tuple(OpenGap(s, "one", Axis.HEIGHT, Gap(span, "no row")) for s in ("native", "erc20"))
    signals = (Signal(key, bad=True, what="A row cannot be read."),)
    read = [Reading(stream, ok=True) for stream in ("native", "erc20")]
    apply.apply(store, plan(gaps=gaps, signals=signals), readings=read)
    state = coverage.stream_states(store, HERE, NOW)["native"]
    assert (state.gaps, state.waiting) == (1, (span,))
    assert coverage.stream_states(store, HERE, NOW + coverage.RETRY_GAP)["native"].waiting == ()
    for stream, left in (("native", [key]), ("erc20", [])):
        covered = (Covered(stream, "two", Axis.HEIGHT, Interval(0, 90)),)
        apply.apply(store, plan(covered=covered))
        still = incidents.incident_list(store, open_only=True)
        assert [incident.signal.key for incident in still] == left
        assert coverage.stream_states(store, HERE, NOW)[stream].gaps == 0


def test_a_list_fails_since_its_first_failure(store: Store) -> None:
    """What was read before stays known; a success ends it, and a cursor that is passed."""
    apply.apply(store, plan(), readings=READ)
    for later in (10, 20):
        failed = [Reading("native", ok=False, error="timeout")]
        apply.apply(store, replace(plan(), now=NOW + later), readings=failed)
    state = coverage.stream_states(store, HERE, NOW)["native"]
    assert (state.failing, state.ok, state.source) == (NOW + 10, NOW, "one")
    assert (state.error, state.cursors) == ("timeout", {"one": (40, "next")})
    passed = [Reading("native", ok=True, source="one", read=Interval(0, 90))]
    apply.apply(store, plan(), readings=passed)
    state = coverage.stream_states(store, HERE, NOW)["native"]
    assert (state.failing, state.error, state.cursors) == (None, "", {})


def test_a_doubt_is_owed_until_it_is_settled(store: Store) -> None:
    lost = Doubt("0xt1", "final", HERE.key, source="one", state="lost", rows=2, since=NOW)
    apply.apply(store, plan(doubts=(lost, replace(lost, tx="0xt2"))))
    apply.apply(store, plan(doubts=(replace(lost, rows=5, since=NOW + 9),)))
    assert {(d.tx, d.rows, d.since) for d in doubts.of_scope(store, HERE)} == {
        ("0xt1", 5, NOW),
        ("0xt2", 2, NOW),
    }
    assert doubts.counts(store, "ethereum") == {("one", "final", "lost"): 7}
    apply.apply(store, plan(settled=(("0xt1", "final"),)))
    assert [d.tx for d in doubts.of_transactions(store, "ethereum", ["0xt1", "0xt2"])] == ["0xt2"]


def test_false_heads_take_back_what_their_source_booked(store: Store) -> None:
    """Above the line that still stands, and of that source alone; told in the same step."""
    kept = Kept(Head(100, START, "0xb100"), NOW, mark=(90, "0xb90"))
    reports = (HeadReport("one", 0, "0xb0", START, NOW),)
    spans = (("one", 0, 200), ("two", 0, 150))
    covered = tuple(Covered("native", who, Axis.HEIGHT, Interval(lo, hi)) for who, lo, hi in spans)
    apply.apply(store, plan(covered=covered), readings=READ)
    false = Head(220, START, "0xb220")
    fault = Fault("one", Axis.HEIGHT, (false,), kept.head, NOW, kept, 80, booked=True, loud=True)
    concerned: list[frozenset[str]] = []

    def tell(_: Fault, subjects: frozenset[str]) -> Signal:
        concerned.append(subjects)
        return Signal("head:ethereum/one", bad=True, what="False.")

    book = Book({"one": (kept,)}, reports)
    commit(store, DAEMON, KeepHeads(NOW, "ethereum", News(book, (fault,), {}, {}), [], tell))
    assert heads.load(store, "ethereum") == book
    assert concerned == [frozenset({HERE.key})]
    state = coverage.stream_states(store, HERE, NOW)["native"]
    assert state.covered == {Axis.HEIGHT: (Interval(0, 150),)}
    assert incidents.lasts(store, "head:ethereum/one", NOW + 1)
    assert heads.quiet(store, NOW + heads.QUIET) == []
    assert [s.key for s in heads.quiet(store, NOW + heads.QUIET + 1)] == ["head:ethereum/one"]


# -- the watchlist -------------------------------------------------------------------------


def take(store: Store, *entries: Entry, now: int, keep: tuple[str, ...] = ()) -> None:
    take_list(store, entries, f"list {now}", now, keep)


def test_what_disappears_from_the_list_stays_watched(store: Store) -> None:
    """Missing is noted and watched; a refused line is not even missing; retired ends."""
    take(store, ENTRY, OTHER, now=START + 1)
    take(store, now=START + 2, keep=("E1",))
    assert [w.entry.id for w in watch.absent_entries(store)] == ["E0"]
    assert set(watch.due_subjects(store, None)) == {HERE, THERE}
    take(store, replace(ENTRY, retired='2026-01-01 Kim "done"'), OTHER, now=START + 3)
    assert watch.due_subjects(store, None) == [THERE]
    assert [w.active for w in watch.all_entries(store)] == [False, True]
    assert watch.watch(store, "ethereum", [A, X]).keys() == {X}
    take(store, ENTRY, OTHER, now=START + 4)
    assert set(watch.due_subjects(store, None)) == {HERE, THERE}
    taken = watch.last_list(store)
    assert taken is not None
    assert taken.sha256 == f"list {START + 4}"


def test_every_edit_of_an_entry_is_kept(store: Store) -> None:
    """An unchanged one adds nothing; whoever asks for the number of the version sees it."""
    seen = [watch.version(store)]
    for later, label in enumerate(["a", "a", "b"], 1):
        take(store, replace(ENTRY, label=label), now=START + later)
        seen.append(watch.version(store))
    assert watch.versions(store, "E0") == [START, START + 1, START + 3]
    assert [one == two for one, two in pairwise(seen)] == [False, True, False]
    (watched,) = watch.all_entries(store)
    assert (watched.entry.label, watched.added) == ("b", START)


def test_a_baseline_is_drawn_once(store: Store) -> None:
    for height in (100, 200):
        baseline = Baseline(height, START, START)
        apply.apply(store, plan(baselines=((ENTRY.id, baseline),)))
    assert watch.all_entries(store)[0].baseline == Baseline(100, START, START)


def test_subjects_come_when_they_are_due(store: Store) -> None:
    """The longest due first; one that is being read when the process ends is found again; what
    failed can be hurried."""
    take(store, ENTRY, OTHER, now=START)
    watch.turn(store, [watch.Ended(HERE, NOW + 60, failed=True)], [THERE], NOW)
    assert watch.stuck_scopes(store) == [THERE]
    assert watch.due_subjects(store, NOW + 59) == [THERE]
    watch.turn(store, [watch.Ended(THERE, NOW + 30, failed=False, deep=NOW)], [], NOW)
    assert watch.stuck_scopes(store) == []
    assert watch.due_subjects(store, NOW + 60) == [THERE, HERE]
    assert (watch.deep_read_at(store, THERE), watch.deep_read_at(store, HERE)) == (NOW, 0)
    watch.hurry(store, NOW)
    assert watch.due_subjects(store, NOW) == [HERE]


# -- alerts and incidents ------------------------------------------------------------------


def test_of_many_who_take_an_alert_one_has_it(store: Store) -> None:
    apply.apply(store, plan(IN, alerts=tuple(alert(n) for n in range(6))))
    ids = [f"A-{n}" for n in range(6)]
    taken = all_at_once(lambda n: len(in_hand(store, ids, "acknowledged", f"P{n}")))
    assert taken == {6: 1, 0: AT_ONCE - 1}
    assert set(alerts.states(store, ids).values()) == {"acknowledged"}
    assert len({state.name for state in alerts.last_states(store, ids).values()}) == 1
    assert in_hand(store, ids[:1], "closed", "Kim") == ["A-0"]
    assert in_hand(store, ids[:1], "acknowledged", "Kim") == []


def test_an_incident_lives_until_its_end_was_told(store: Store) -> None:
    """Back before that it is the same one; after it the next one has a number of its own."""

    def signal(bad: bool, now: int) -> None:
        incidents.put_signals(store, [Signal("blind:x", bad, what="Blind.")], now)

    def tell(phase: str, number: int) -> None:
        notice = alert(number, kind=AlertKind.NOTICE, entry_id=None, tx=None, rows=())
        routes = [(notice.id, "mail", "alone")]
        commit(store, DAEMON, TellIncidents(NOW, ["blind:x"], phase, [notice], routes))

    signal(True, NOW)
    signal(True, NOW + 5)
    tell("opened", 1)
    signal(False, NOW + 10)
    signal(True, NOW + 11)
    (one,) = incidents.incident_list(store, open_only=True)
    assert (one.number, one.since, one.told) == (1, NOW, NOW + 1)
    signal(False, NOW + 20)
    tell("closed", 2)
    assert incidents.incident_list(store, open_only=False) == []
    assert [i.closed for i in incidents.incidents_closed(store, NOW + 19)] == [NOW + 20]
    signal(True, NOW + 30)
    (two,) = incidents.incident_list(store, open_only=True)
    assert (two.number, two.since, two.told) == (2, NOW + 30, None)
    assert [u.alert for u in owing.unsent(store)] == ["A-1", "A-2"]


def test_an_incident_is_told_with_its_notice_or_not_at_all(store: Store) -> None:
    incidents.put_signals(store, [Signal("blind:x", bad=True)], NOW)
    notice = alert(1, kind=AlertKind.NOTICE, amends="A-NONE")
    with pytest.raises(StoreError):
        commit(store, DAEMON, TellIncidents(NOW, ["blind:x"], "opened", [notice]))
    assert incidents.incident_list(store, open_only=True)[0].told is None


# -- what is owed --------------------------------------------------------------------------


def test_what_is_passed_on_has_not_been_taken(store: Store) -> None:
    """Also when it was taken between the look and the step."""
    apply.apply(store, plan(IN, alerts=(alert(1), alert(2), alert(3, severity=Severity.LOW))))
    waiting = [each.alert for each in owing.unacknowledged(store, NOW)]
    assert waiting == ["A-1", "A-2"]
    in_hand(store, ["A-1"], "acknowledged", "Kim")
    owed = owing.pass_on(store, [(each, "boss") for each in waiting])
    assert owed == [("A-2", "boss")]
    assert owing.unacknowledged(store, NOW) == []  # the one waits for a channel by now
    with pytest.raises(Conflict):
        owing.pass_on(store, owed)


def test_nobody_is_owed_anything_twice(store: Store) -> None:
    """Whatever moves between channels; what no channel takes is kept under nobody."""
    apply.apply(store, plan(IN, alerts=(alert(1),)), routes=[("A-1", "gone", "prompt")])
    assert owing.gone(store, ["mail"]) == {"gone": ["A-1"]}
    owing.move(store, ["gone"], [("A-1", "mail", "prompt")] * 2)
    assert [(u.alert, u.channel) for u in owing.unsent(store)] == [("A-1", "mail")]
    owing.put_off(store, "A-1", "mail")
    assert (owing.unsent(store), owing.owed_to_nobody(store)) == ([], ["A-1"])
    assert owing.count_untold(store) == 1
    owing.find_taker(store, "A-1", [("A-1", "hook", "group"), ("A-1", "hook", "alone")])
    assert [(u.alert, u.channel, u.form) for u in owing.unsent(store)] == [("A-1", "hook", "group")]
    assert NOBODY not in owing.gone(store, [])


# -- messages ------------------------------------------------------------------------------

MAIL = ChannelConfig("mail", "email", to=("kim", "ann"))
BYTES = Rendered("Subject", "Text\n", attachments=(("a.json", "application/json", "{}"),))


def letter(number: int = 1, rendered: Rendered = BYTES) -> Letter:
    owed = Owed("mail", "C", "prompt", True, (f"A-{number}",))
    return Letter(f"M-{number}", owed, rendered, MAIL.recipients)


@dataclass
class Sending:
    """A record with one message, owed to two people."""

    store: Store

    def due(self, now: int = NOW, *, everything: bool = False) -> dict[str, Due]:
        found = outbox.due_deliveries(self.store, "mail", now, all_waiting=everything)
        return {each.recipient: each for each in found}

    def states(self) -> dict[str, str]:
        return {each.recipient: each.state for each in outbox.deliveries(self.store)}


@pytest.fixture
def sending(store: Store) -> Sending:
    apply.apply(store, plan(IN, alerts=(alert(1),)), routes=[("A-1", "mail", "prompt")])
    assert outbox.freeze(store, [letter()], NOW) == 1
    return Sending(store)


def test_a_message_is_frozen_once(sending: Sending) -> None:
    """Its bytes stay, whoever freezes it again; its alerts are owed no more."""
    store = sending.store
    other = letter(rendered=replace(BYTES, text="Other"))
    again = [Signal("again:x", bad=True)]
    assert outbox.freeze(store, [other], NOW + 9, signals=again, notes={"daily": "today"}) == 0
    assert outbox.outgoing(store, sending.due()["kim"]).rendered == BYTES
    assert owing.unsent(store) == []
    assert alerts.alerts_of_message(store, "M-1") == ["A-1"]
    assert notes.get_note(store, "daily") == "today"
    assert incidents.lasts(store, "again:x", NOW + 10)


def test_a_delivery_is_claimed_by_one(sending: Sending) -> None:
    """And counted before it is tried: who dies at it has tried."""
    due = sending.due()
    assert all_at_once(lambda _: outbox.claim(sending.store, due["kim"], NOW)) == {
        True: 1,
        False: AT_ONCE - 1,
    }
    assert sending.due().keys() == {"ann"}
    assert outbox.release_claims(sending.store, "hook") == 0
    assert outbox.release_claims(sending.store, "mail") == 1
    assert sending.due()["kim"].attempts == 1


def test_a_failure_waits_for_its_next_try(sending: Sending) -> None:
    """A time that the receiver named is kept; our own wait can be cut short."""
    store, due = sending.store, sending.due()
    for each, held in (("kim", False), ("ann", True)):
        outbox.claim(store, due[each], NOW)
        failure = Failure("503", NOW + 600, held=held)
        outbox.failed(store, due[each], failure, [Signal(f"channel:mail/{each}", bad=True)], NOW)
    assert sending.due(NOW + 599) == {}
    assert sending.due(NOW + 600).keys() == {"kim", "ann"}
    assert sending.due(everything=True).keys() == {"kim"}
    assert ways.refusing(store) == {("mail", "kim"): NOW, ("mail", "ann"): NOW}
    outbox.hurry(store, NOW + 1)
    assert sending.due(NOW + 1).keys() == {"kim"}
    assert outbox.late(store, NOW + 11) == 10


def test_what_was_accepted_is_sent_no_more(sending: Sending) -> None:
    """Unless a person wants it again: with the same id and bytes, to those who have it not,
    and to all when all have it."""
    store, due = sending.store, sending.due()
    outbox.claim(store, due["kim"], NOW)
    outbox.accepted(store, due["kim"], "250 ok", NOW)
    outbox.claim(store, due["ann"], NOW)
    outbox.failed(store, due["ann"], Failure("550", None), [], NOW)
    assert (sending.states(), sending.due(everything=True)) == (
        {"kim": "accepted", "ann": "dead"},
        {},
    )
    before = outbox.outgoing(store, due["ann"])
    assert commit(store, DAEMON, Replay(NOW + 9, ["M-1"])) == 1
    again = sending.due(NOW + 9)
    assert again.keys() == {"ann"}
    assert outbox.outgoing(store, again["ann"]) == before
    outbox.claim(store, again["ann"], NOW + 9)
    outbox.accepted(store, again["ann"], "250 ok", NOW + 9)
    assert commit(store, DAEMON, Replay(NOW + 20, ["M-1"])) == 2


def test_a_way_that_works_again_brings_back_what_was_given_up_for_it(sending: Sending) -> None:
    """Once."""
    store, due = sending.store, sending.due()
    for round_, (before, state) in enumerate(((0, "waiting"), (ways.SENT_AGAIN, "dead")), 1):
        each = sending.due(NOW + round_)["kim"]
        assert each.revive == before
        outbox.claim(store, each, NOW)
        lost = each.revive or ways.GIVEN_UP_FOR_ITS_WAY
        outbox.failed(store, each, Failure("down", None, revive=lost), [], NOW + round_)
        assert sending.states()["kim"] == "dead"
        ways.note(store, due["kim"].way, NOW + round_, good=True)
        assert sending.states()["kim"] == state


def test_a_channel_that_is_gone_takes_nothing_until_it_is_back(sending: Sending) -> None:
    ways.disable(sending.store, "mail", "410", NOW)
    assert ways.disabled(sending.store) == {"mail": "410"}
    assert (sending.due(), outbox.channels_due(sending.store, NOW, all_waiting=True)) == ({}, [])
    assert ways.out_of_order(sending.store) == {"mail"}
    ways.enable(sending.store, "mail")
    assert outbox.channels_due(sending.store, NOW, all_waiting=False) == ["mail"]


# -- budgets and prices --------------------------------------------------------------------


def test_a_budget_is_never_overdrawn(place: Place) -> None:
    """By however many at once, and not by a process that follows."""
    granted = all_at_once(lambda _: budgets.reserve(place.store, "key", NOW, 60, 3, 10))
    assert granted == {3: 3, 1: 1, 0: AT_ONCE - 4}
    assert budgets.reserve(place.again(), "key", NOW, 60, 3, 10) == 0
    assert budgets.reserve(place.store, "key", NOW + 60, 60, 3, 10) == 3
    assert budgets.reserve(place.store, "other", NOW, 60, 3, 10) == 3
    assert budgets.used(place.store, "key", NOW, 60) == 10
    assert ("key", 60, 3) in budgets.budgets(place.store, NOW + 60)


def test_a_price_is_kept_as_it_was_first_said(store: Store) -> None:
    """In order of time, to the last digit; and asked for where an alert moved without one."""
    coin, exact = ("ethereum", ""), Decimal("0.1234567890123456789012345678")
    said = [Price(*coin, NOW + 9, Decimal(2), "b"), Price(*coin, NOW, exact, "a")]
    prices.put(store, said, NOW)
    prices.put(store, [replace(said[1], usd=Decimal(7))], NOW)
    assert prices.between(store, [coin], NOW, NOW + 9) == {coin: (said[1], said[0])}
    assert prices.between(store, [coin], NOW + 10, NOW + 20) == {}
    apply.apply(store, plan(IN, COST, alerts=(alert(1), alert(2, COST))))
    wanted = [(*coin, IN.time)]
    assert prices.wanted(store, [coin], NOW, (60, 600), NOW, 9) == wanted
    for waits in range(2):
        prices.tried(store, wanted, [300], NOW)  # type: ignore[arg-type]
        assert prices.given_up(store, wanted) == (set(wanted) if waits else set())  # type: ignore[arg-type]
    assert prices.wanted(store, [coin], NOW, (60, 600), NOW + 10**6, 9) == []


# -- how it stands -------------------------------------------------------------------------

HEAD = Reading(
    "native", ok=True, source="one", axis=Axis.HEIGHT, complete_to=90, complete_time=NOW - 5
)
FAILS = Reading("erc20", ok=False, error="HTTP 500")
FIRST = plan(baselines=((ENTRY.id, Baseline(100, START, START)),))


def how(store: Store, due: int = 0) -> State:
    """How the only entry stands."""
    ((chain, state),) = standing.states(store, due)
    assert chain == "ethereum"
    return state


def test_an_entry_is_complete_when_nothing_is_missing(store: Store) -> None:
    """Not read, then its history, then complete; behind with a gap or past its time."""
    assert how(store) is State.NOT_READ
    apply.apply(store, FIRST, readings=[HEAD])
    assert how(store) is State.BEHIND
    commit(store, DAEMON, TellHistory(NOW, [(ENTRY, alert(8))]))
    assert how(store) is State.COMPLETE
    assert standing.complete_on(store, [HERE.key, THERE.key], 0) == {"ethereum": 1}
    assert how(store, due=1) is State.BEHIND, "it has been due since ever"
    apply.apply(store, plan(gaps=FULL.gaps))
    assert how(store) is State.BEHIND
    gap = Unread(Axis.HEIGHT, 50, 50, "no row")
    assert list_standing.unread(store, [HERE.key]) == {(HERE.key, "erc20"): [gap]}
    take(store, replace(ENTRY, retired='2026-01-01 Kim "done"'), now=NOW)
    assert standing.states(store, 0) == {}


def test_what_no_source_lists_is_no_blindness(store: Store) -> None:
    """Unless nothing is listed at all; what fails for another reason is."""
    apply.apply(store, FIRST, readings=[HEAD, replace(FAILS, error=UNSERVED)])
    commit(store, DAEMON, TellHistory(NOW, [(ENTRY, alert(8))]))
    assert how(store) is State.COMPLETE
    assert standing.failing(store, ["ethereum"], NOW + 9, NOW + 9) == []
    (limit,) = standing.failing_lists(store)
    assert (limit.stream, limit.unserved, limit.entries) == ("erc20", True, 1)
    apply.apply(store, plan(), readings=[replace(HEAD, ok=False, error=UNSERVED)])
    assert how(store) is State.BLIND


def test_a_list_that_fails_is_told_with_whom_it_concerns(store: Store) -> None:
    """For how long it may fail depends on the entry; one that never was read is a first read."""
    take(store, replace(ENTRY, severity=Severity.SEVERE), OTHER, now=START)
    apply.apply(store, FIRST, readings=[HEAD, FAILS])
    assert standing.failing(store, ["ethereum"], NOW + 9, NOW + 9) == [], "it never was readable"
    first = FirstReads(entries=2, read=0, added=START)
    assert standing.first_reads(store, ["ethereum"]) == first
    apply.apply(store, plan(), readings=[replace(FAILS, ok=True, error="")])
    apply.apply(store, plan(), readings=[FAILS])
    assert standing.first_reads(store, ["ethereum"]) == replace(first, read=1)
    assert how_failing(store, severe=NOW + 1, other=NOW) == (1, 1)
    assert how_failing(store, severe=NOW, other=NOW + 1) == (1, 0)
    assert standing.failing(store, ["bitcoin"], NOW + 1, NOW + 1) == []
    (failing,) = standing.failing_lists(store)
    assert (failing.stream, failing.severe, failing.error) == ("erc20", True, "HTTP 500")
    named = standing.failing_entries(store, "ethereum", "erc20", 50)
    assert [entry.id for entry in named] == [ENTRY.id]
    assert standing.failing_entries(store, "ethereum", "native", 50) == []


def how_failing(store: Store, *, severe: int, other: int) -> tuple[int, int]:
    (found,) = standing.failing(store, ["ethereum"], severe, other)
    assert (found.chain, found.since) == ("ethereum", NOW)
    return found.entries, found.lasting


def test_nobody_waits_longer_than_since_it_was_added(store: Store) -> None:
    """And not longer than since anything was tried; a chain that nobody watches waits never."""
    assert standing.idle_since(store, ["ethereum"]) == START
    apply.apply(store, plan(), readings=[HEAD])
    assert standing.idle_since(store, ["ethereum"]) == NOW
    assert standing.idle_since(store, ["bitcoin"]) is None
    assert standing.furthest_behind(store) == {"ethereum": NOW - 5}
    assert standing.behind(store, "ethereum", NOW, 9, still=False) == Late(1, 1, ["E0"])
    assert standing.behind(store, "ethereum", NOW, 9, still=True) == Late(0, 0, [])


def test_what_is_read_is_shown_list_by_list(store: Store) -> None:
    spans = [("one", Interval(0, 50)), ("two", Interval(40, 90))]
    covered = tuple(Covered("native", who, Axis.HEIGHT, span) for who, span in spans)
    apply.apply(store, plan(covered=covered), readings=[HEAD, FAILS])
    read = list_standing.lists_read(store, [HERE.key])
    native, tokens = read[HERE.key, "native"], read[HERE.key, "erc20"]
    assert (native.ok, native.complete_to, native.source) == (NOW, 90, "one")
    assert (tokens.ok, tokens.failing, tokens.error) == (None, NOW, "HTTP 500")
    parts = {(HERE.key, "native", Axis.HEIGHT): [span for _, span in spans]}
    assert list_standing.covered(store, [HERE.key]) == parts
    assert list_standing.torn(store) == set()
    beyond = (Covered("native", "one", Axis.HEIGHT, Interval(95, 99)),)
    apply.apply(store, plan(covered=beyond))
    assert list_standing.torn(store) == {HERE.key}
    assert list_standing.last_recorded(store, HERE) == 0
    apply.apply(store, plan(IN))
    assert list_standing.last_recorded(store, HERE) == NOW


def test_deliveries_are_counted_by_channel(sending: Sending) -> None:
    store, due = sending.store, sending.due()
    assert figures.sent(store) == {("mail", "waiting"): Sent(2, NOW, 0)}
    for each in ("kim", "ann"):
        outbox.claim(store, due[each], NOW)
    outbox.accepted(store, due["kim"], "250", NOW)
    outbox.failed(store, due["ann"], Failure("550 no", None), [], NOW)
    assert figures.sent(store)["mail", "accepted"].number == 1
    assert figures.sent(store)["mail", "dead"].number == figures.given_up(store) == 1
    assert figures.last_errors(store) == {"mail": "550 no"}


def test_what_nobody_has_taken_is_counted(store: Store) -> None:
    """The oldest first; a quiet history, what is no news and notices call for nobody."""
    quiet = alert(2, lane=Lane.QUIET)
    history = alert(3, kind=AlertKind.HISTORY, severity=Severity.LOW)
    notice = alert(4, kind=AlertKind.NOTICE, entry_id=None, rows=())
    told = (alert(5), alert(1), quiet, history, notice)
    apply.apply(store, plan(IN, alerts=told), routes=[("A-1", "mail", "daily")])
    assert [(a.id, a.case, a.created) for a in figures.untaken(store)] == [
        ("A-1", "C", NOW + 1),
        ("A-5", "C", NOW + 5),
    ]
    assert figures.untaken_since(store) == (2, NOW + 1)
    assert figures.news_by_case(store, NOW + 1, NOW + 5) == {"C": 2}
    assert figures.owed(store) == {"daily": 1}
    assert figures.rows_of(store, "transfer", "alert") == {"transfer": 1, "alert": 5}
    assert figures.size(store) > 0
    in_hand(store, ["A-1"], "acknowledged", "Kim")
    assert [a.id for a in figures.untaken(store)] == ["A-5"]
