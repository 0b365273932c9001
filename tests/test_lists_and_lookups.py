"""Stories of lists against look-ups, over the real poll loop: what forgets, what lies about a
failed transaction, who is polled first. No alert is taken back, none is told twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from world.fake_ledger import FakeLedger, FakeSource, Move
from world.play import ETHEREUM, TOKEN, A, B, Play, X, Y, internal, native, token

from monitor.chains.table import streams_of
from monitor.messages.objects import alert_object
from monitor.model import AlertKind, Kind, Severity, Status
from monitor.model.acts import DAEMON, Retire
from monitor.model.facts import Correction, Movement, of_kind
from monitor.store.commit import commit
from monitor.store.incidents import incident_list
from monitor.store.views import Views

MakeWorld = Callable[..., tuple[FakeLedger, Play]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Makes a world of one chain with so many sources; A is watched and met."""
    plays: list[Play] = []

    def make(sources: int = 1, *, met: bool = True, **terms: object) -> tuple[FakeLedger, Play]:
        ledger = FakeLedger(ETHEREUM)
        told = [FakeSource(ledger, f"s{n}") for n in range(sources)]
        plays.append(Play(tmp_path, ledger, told))
        plays[-1].watch(A, **terms)
        if met:
            plays[-1].poll()
        return ledger, plays[-1]

    yield make
    for play in plays:
        play.store.close()


def states(play: Play, number: int = 0) -> list[str]:
    """Of an entry's alerts, in the order of telling; corrections by their state."""
    return [
        of_kind(a.facts, Correction).state or a.kind.value
        for a in play.alerts(play.entries[number])
        if a.kind is not AlertKind.HISTORY
    ]


def incidents(play: Play) -> list[str]:
    return [i.signal.key for i in incident_list(play.store, open_only=True)]


# -- what forgets ---------------------------------------------------------------------------


def test_a_list_forgets_sixty_rows_that_look_ups_know(world: MakeWorld) -> None:
    """For many reads, more rows than one plan asks about: nothing is taken back."""
    ledger, play = world()
    for number in range(60):
        ledger.pay(*native(X, A, number + 1))
    ledger.mine()
    play.poll()
    play.sources[0].hidden |= {t.identity for t in ledger.rows()}
    for _ in range(4):
        ledger.mine()
        play.poll()
    assert states(play) == ["movement"] * 60
    assert incidents(play) == []
    play.settle()
    play.check()
    assert states(play) == ["movement"] * 60


def test_list_and_look_ups_forget_an_unchanged_block(world: MakeWorld) -> None:
    """One incident for all sixty rows, in words about a list; over when they are back."""
    ledger, play = world(2)
    txs = [ledger.pay(*native(X, A, number + 1)).hash for number in range(60)]
    ledger.mine()
    play.poll()
    for source in play.sources:
        source.forgotten |= set(txs)
    for _ in range(8):
        ledger.mine()
        play.poll()
    assert states(play) == ["movement"] * 60
    assert incidents(play) == ["listgap:ethereum/s0"]
    (incident,) = incident_list(play.store, open_only=True)
    assert "60 recorded movements" in incident.signal.what
    play.mend(0)
    play.mend(1)
    play.poll()
    assert incidents(play) == []
    play.settle()
    play.check()


@pytest.mark.parametrize("move", [Move(Kind.INTERNAL, X, A, 5), Move(Kind.ERC20, X, A, 5, TOKEN)])
def test_a_block_that_only_a_receipt_names_is_compared_too(world: MakeWorld, move: Move) -> None:
    """Etherscan's inner calls and Tron's lists name no block's hash: the receipt that was asked
    for the alert does, so that forgetting on all sides still is a gap and no reversal."""
    ledger, play = world()
    play.sources[0].hashless = frozenset(streams_of(ETHEREUM))
    tx = ledger.pay(move).hash
    ledger.mine()
    play.poll()
    play.sources[0].forgotten.add(tx)
    for _ in range(8):
        ledger.mine()
        play.poll()
    assert states(play) == ["movement"]
    assert incidents(play) == ["listgap:ethereum/s0"]
    play.mend(0)
    play.settle()
    play.check()
    assert states(play) == ["movement"]


def test_a_gap_of_a_list_ends_with_the_watch(world: MakeWorld) -> None:
    """Nobody watches the address any more: its incident does not last for ever."""
    ledger, play = world()
    tx = ledger.pay(*native(X, A, 5)).hash
    ledger.mine()
    play.poll()
    play.sources[0].forgotten.add(tx)
    ledger.mine()
    play.poll()
    assert incidents(play) == ["listgap:ethereum/s0"]
    commit(play.store, DAEMON, Retire(ledger.now, replace(play.entries[0], retired="2026-11-28 N")))
    play.poll()
    assert incidents(play) == []
    assert play.store.read("SELECT * FROM doubt") == []


def test_what_stays_forgotten_costs_little(world: MakeWorld) -> None:
    """Days later: its blocks are not read again for its sake, and a few look-ups a pass are
    all that it takes."""
    ledger, play = world()
    txs = [ledger.pay(*native(X, A, number + 1)).hash for number in range(30)]
    ledger.mine()
    play.poll()
    play.sources[0].forgotten |= set(txs)
    for _ in range(3):
        ledger.mine(6)
        play.poll()
    for _ in range(3):
        play.day()
        ledger.mine(6)
        play.poll()
    before, asked = play.sources[0].looked_up, len(play.sources[0].asked)
    play.poll()
    assert play.sources[0].looked_up - before <= 5
    assert all(ask.span.lo > 10 for ask in play.sources[0].asked[asked:])
    assert states(play) == ["movement"] * 30


def test_final_rows_that_a_list_forgets(world: MakeWorld) -> None:
    """Forty final rows: known by hash they are no incident at all; where nobody knows them
    and their block is unchanged, one."""
    ledger, play = world()
    txs = [ledger.pay(*native(X, A, number + 1)).hash for number in range(40)]
    ledger.mine(8)
    play.poll()
    assert {r.status for r in play.rows()} == {Status.FINAL}
    play.sources[0].hidden |= {t.identity for t in ledger.rows()}
    play.day()
    play.poll()
    assert incidents(play) == []
    play.sources[0].forgotten |= set(txs)
    play.day()
    play.poll()
    assert incidents(play) == ["listgap:ethereum/s0"]
    play.mend(0)
    play.day()
    play.poll()
    assert incidents(play) == []
    assert states(play) == ["movement"] * 40


def test_final_rows_whose_question_nobody_answered_are_asked_again(world: MakeWorld) -> None:
    """The list leaves them out once while look-ups fail: asked in the next pass, though that
    reads no old blocks again."""
    ledger, play = world()
    tx = ledger.pay(*native(X, A, 5)).hash
    ledger.mine(8)
    play.poll()
    play.sources[0].forgotten.add(tx)
    play.sources[0].dumb = True
    play.day()
    play.poll()
    assert incidents(play) == []
    play.sources[0].dumb = False
    play.poll()
    assert incidents(play) == ["listgap:ethereum/s0"]


# -- what a failed transaction undid ----------------------------------------------------------


@pytest.mark.parametrize("sources", [1, 2])
@pytest.mark.parametrize("shape", [internal, token])
def test_rows_of_a_failed_transaction_did_not_happen(
    world: MakeWorld, sources: int, shape: Callable[..., tuple[Move, ...]]
) -> None:
    """A list tells what a reverted transaction tried; its receipt is asked before anybody is."""
    ledger, play = world(sources)
    ledger.fail(*shape(X, A, 5))
    ledger.mine()
    for _ in range(8):
        play.poll()
        ledger.mine()
    assert states(play) == []
    assert {r.status for r in play.rows()} == {Status.ORPHANED}


def test_an_alert_without_a_receipt_says_so_and_is_corrected(world: MakeWorld) -> None:
    """Nobody answers for a while: told, not called final, asked again, taken back once."""
    ledger, play = world()
    play.sources[0].dumb = True
    ledger.fail(*internal(X, A, 5))
    ledger.mine(8)
    play.poll()
    (alert,) = [a for a in play.alerts(play.entries[0]) if a.kind is AlertKind.MOVEMENT]
    assert of_kind(alert.facts, Movement).success == "not checked yet"
    assert {r.status for r in play.rows()} == {Status.PROVISIONAL}
    views = Views(play.store, {"ethereum": ETHEREUM}, {})
    assert alert_object(views.alerts([alert.id])[0])["success"] == "not checked yet"
    assert views.alerts([alert.id])[0].not_covered[0].startswith("Success not checked yet:")
    play.sources[0].dumb = False
    for _ in range(4):
        play.poll()
        ledger.mine()
    assert states(play) == ["movement", "reversed"]
    (_, taken_back) = [a for a in play.alerts(play.entries[0]) if a.tx == alert.tx]
    assert not views.alerts([alert.id])[0].not_covered[0].startswith("Success")
    assert of_kind(taken_back.facts, Correction).evidence == (
        "s0 shows that the transaction failed.",
    )


def test_an_alert_without_a_receipt_becomes_final_with_one(world: MakeWorld) -> None:
    """Told without, confirmed later: nobody hears of it again, and it is final."""
    ledger, play = world()
    play.sources[0].dumb = True
    ledger.pay(*internal(X, A, 5))
    ledger.mine(8)
    play.poll()
    assert {r.status for r in play.rows()} == {Status.PROVISIONAL}
    play.sources[0].dumb = False
    play.poll()
    ledger.mine()
    play.poll()
    assert states(play) == ["movement"]
    assert {r.status for r in play.rows()} == {Status.FINAL}
    assert play.store.read("SELECT * FROM doubt") == []


def test_final_is_not_said_without_a_receipt(world: MakeWorld) -> None:
    """An entry that asks for final movements only: nothing of what failed, and what happened
    once, when a receipt has been seen."""
    ledger, play = world(tell_when="final")
    play.sources[0].dumb = True
    ledger.fail(*internal(X, A, 5))
    ledger.pay(*internal(X, A, 6))
    ledger.mine(8)
    play.poll()
    assert states(play) == []
    play.sources[0].dumb = False
    for _ in range(4):
        play.poll()
        ledger.mine()
    assert states(play) == ["movement"]
    assert {r.transfer.amount: r.status for r in play.rows()} == {
        5: Status.ORPHANED,
        6: Status.FINAL,
    }


def test_where_nobody_looks_anything_up_rows_are_told_as_ever(world: MakeWorld) -> None:
    """A chain whose sources have no look-ups: no doubt that could never end."""
    ledger, play = world()
    play.sources[0].lookups = False
    ledger.pay(*internal(X, A, 5))
    ledger.mine(8)
    play.poll()
    assert states(play) == ["movement"]
    assert {r.status for r in play.rows()} == {Status.FINAL}


@pytest.mark.parametrize("severity", [Severity.SEVERE, Severity.LOW])
def test_one_receipt_against_another_silences_nothing(world: MakeWorld, severity: Severity) -> None:
    """A second source calls a real movement failed, the first one's receipt says done."""
    ledger, play = world(2, severity=severity)
    play.sources[1].slanders = True
    ledger.pay(*internal(X, A, 5))
    ledger.mine()
    play.poll()
    assert states(play) == ["movement"]
    (alert,) = [a for a in play.alerts(play.entries[0]) if a.kind is AlertKind.MOVEMENT]
    assert alert.facts.second_source
    assert alert.facts.second_source.says == "it failed"


def test_receipts_are_bounded_and_the_rest_is_asked_later(world: MakeWorld) -> None:
    """Two hundred in a pass: at most fifty are asked for, each alert says what it rests on."""
    ledger, play = world()
    for number in range(200):
        ledger.pay(*internal(X, A, number + 1))
    ledger.mine()
    play.poll()
    assert play.sources[0].looked_up <= 50
    alerts = [a for a in play.alerts(play.entries[0]) if a.kind is AlertKind.MOVEMENT]
    assert len(alerts) == 200
    assert sum(of_kind(a.facts, Movement).success != "" for a in alerts) == 150
    for _ in range(5):
        ledger.mine()
        play.poll()
    assert play.store.read("SELECT * FROM doubt") == []


def test_a_transaction_that_a_list_holds_needs_no_receipt(world: MakeWorld) -> None:
    """The list of transactions says itself whether each succeeded."""
    ledger, play = world()
    ledger.pay(*native(X, A, 5))
    ledger.mine()
    play.poll()
    assert play.sources[0].looked_up == 0
    assert states(play) == ["movement"]


# -- one correction for each alert ------------------------------------------------------------


@pytest.mark.parametrize("first", [A, B])
@pytest.mark.parametrize("fate", ["drop", "wait"])
def test_both_parties_are_watched_and_corrected_once(
    world: MakeWorld, first: str, fate: str
) -> None:
    """Whoever is polled first: the fee is the sender's alone, another payment of the same
    transaction the recipient's, and each alert is corrected once for each turn."""
    ledger, play = world(met=False)
    play.watch(B)
    order = [e.subject.key for e in play.entries if e.subject.address == first]
    with play.store.write() as conn:
        conn.execute("UPDATE scope SET due = 5 WHERE key = ?", order)
    play.poll()
    ledger.pay(*native(A, B, 5), Move(Kind.ERC20, Y, B, 7, TOKEN), Move(Kind.INTERNAL, A, X, 1))
    ledger.mine()
    play.poll()
    ledger.reorg(1, fate)
    for _ in range(3):
        ledger.mine(idle=True)
        play.poll()
    ledger.mine()
    play.poll()
    play.settle()
    play.check()
    turns = {"drop": ["reversed"], "wait": ["unconfirmed again", "included again"]}[fate]
    for number in (0, 1):
        told = [s for s in states(play, number) if s not in ("movement", "amendment")]
        assert told == turns
