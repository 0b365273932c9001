"""Sources that lie about the newest block, or answer for another chain, in the invented world.

Whatever is claimed, what moved while the lie lasted is told as soon as it has ended, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from world.fake_ledger import FakeLedger, FakeSource, Move
from world.play import ETHEREUM, HIGH, TOKEN, TRON, A, B, Play, X, native

from monitor.chains.table import streams_of
from monitor.decide import heads as heads_kept
from monitor.model import AlertKind, Chain, Kind
from monitor.store import heads, incidents

Tell = Callable[..., tuple[FakeLedger, Play]]
STARTS = (AlertKind.MOVEMENT, AlertKind.ACTIVITY)


@pytest.fixture
def tell(tmp_path: Path) -> Iterator[Tell]:
    """Makes a world of one chain, A watched and met twice unless `met=False`."""
    plays: list[Play] = []

    def make(
        *sources: dict[str, Any], chain: Chain = ETHEREUM, met: bool = True
    ) -> tuple[FakeLedger, Play]:
        ledger = FakeLedger(chain)
        names = ("one", "two")
        told = [FakeSource(ledger, n, **s) for n, s in zip(names, sources, strict=False)]
        plays.append(Play(tmp_path, ledger, told))
        ledger.mine(20)
        plays[-1].watch(A)
        if met:
            plays[-1].poll()
            ledger.mine()
            plays[-1].poll()
        return ledger, plays[-1]

    yield make
    for play in plays:
        play.store.close()


def told(play: Play) -> int:
    """How many transactions have been told, apart from what the first summary lists."""
    return sum(a.kind in STARTS for a in play.alerts(play.entries[0]))


def pass_by(ledger: FakeLedger, play: Play, passes: int) -> None:
    """Passes during which A pays somebody, each time right after it was read."""
    for number in range(passes):
        play.poll()
        ledger.pay(*native(A, X, 100 + number))
        ledger.mine(2)


def end(play: Play) -> None:
    play.settle()
    play.check()


@pytest.mark.parametrize("amount", range(len(HIGH)), ids=map(str, HIGH))
@pytest.mark.parametrize("passes", [1, 3])
@pytest.mark.parametrize(
    ("sources", "nameless"), [([{}], 0), ([{}, {}], 1), ([{"lookups": False}], 0)]
)
def test_a_head_that_lies_high(
    tell: Tell, amount: int, passes: int, sources: list[dict[str, Any]], nameless: int
) -> None:
    """By little or beyond reason, with or without a hash: the first true answer brings all
    that was hidden, and what it contradicts is told to operations."""
    ledger, play = tell(*sources)
    play.high(0, amount, nameless)
    pass_by(ledger, play, passes)
    play.mend(0)
    play.poll()
    assert told(play) == passes
    if HIGH[amount] > play.chain.finality + 3 * passes:
        signal = play.incidents()["head"]
        assert signal.audience == "operations"
        assert "one named block" in signal.what
        assert "of Ethereum" in signal.what
    else:
        assert set(play.incidents()) <= {"head"}
    end(play)


@pytest.mark.parametrize("amount", [2, 3])
@pytest.mark.parametrize("sources", [[{}], [{}, {}], [{"lookups": False}]])
def test_a_small_lie_that_outlasts_what_is_kept(
    tell: Tell, amount: int, sources: list[dict[str, Any]]
) -> None:
    """By little more than finality, for longer than heads are kept: what it hid is told."""
    ledger, play = tell(*sources)
    play.high(0, amount, 0)
    pass_by(ledger, play, 2 * heads_kept.KEEP + 4)
    play.mend(0)
    play.poll()
    assert told(play) == 2 * heads_kept.KEEP + 4
    end(play)


def test_a_source_that_steps_in_and_lies(tell: Tell) -> None:
    """It never had the block that its head makes final, but tells those below: nothing is
    booked on that head, however often it is repeated."""
    ledger, play = tell({}, {})
    play.high(1, HIGH.index(9), 0)
    play.fail(0, 0)
    pass_by(ledger, play, 5)
    assert not play.store.read("SELECT 1 FROM coverage WHERE source = 'two'")
    assert told(play) == 4  # the fifth was paid after the last pass
    assert play.incidents()["doubt"].what.startswith("two is not believed about the newest block")
    play.mend(0)
    play.poll()
    assert told(play) == 5
    end(play)
    play.fail(0, 0)
    play.poll()
    play.poll()
    assert "doubt" not in play.incidents()


@pytest.mark.parametrize("amount", [3, 6])
def test_a_head_that_lies_at_first_contact(tell: Tell, amount: int) -> None:
    """No line between history and news is drawn by it: what happens next is news."""
    ledger, play = tell({}, met=False)
    play.high(0, amount, 0)
    pass_by(ledger, play, 2)
    play.mend(0)
    play.poll()
    assert told(play) == 2
    end(play)


def test_what_is_taken_back_is_named(tell: Tell) -> None:
    """Operations read chain, source, number of entries and cases; no address, no label."""
    _, play = tell({})
    play.watch(B)
    play.poll()
    play.high(0, HIGH.index(60), 0)
    play.sources[0].lookups = False  # else its own look-ups give it away
    play.poll()
    play.mend(0)
    play.poll()
    signal = play.incidents()["head"]
    assert "for 2 entries (cases C)." in signal.what
    assert set(signal.who) == {"E0", "E1"}
    assert "L0" not in signal.what
    assert A not in signal.what


def test_nothing_rests_on_a_doubted_head(tell: Tell) -> None:
    """Its rows are told; no coverage, no final status, no absence, no complete list."""
    ledger, play = tell({"lookups": False})
    ledger.pay(*native(A, X, 5))
    ledger.mine()
    play.poll()
    before = play.store.read("SELECT max(hi) AS hi FROM coverage")[0]["hi"]
    reached = play.store.read("SELECT max(complete_to) AS hi FROM reading")[0]["hi"]
    play.high(0, HIGH.index(10**12), 0)
    play.omit(0, 0)
    ledger.pay(*native(A, X, 6))
    ledger.mine()
    play.poll()
    assert told(play) == 2
    assert play.store.read("SELECT max(hi) AS hi FROM coverage")[0]["hi"] == before
    assert play.store.read("SELECT max(complete_to) AS hi FROM reading")[0]["hi"] == reached
    assert {r.status.value for r in play.rows()} == {"provisional"}
    assert play.incidents() == {}
    play.mend(0)
    end(play)


@pytest.mark.parametrize("lookups", [False, True])
@pytest.mark.parametrize("seconds", [10**12, 10**9, 3600, 60, -(10**9)])
def test_a_time_that_lies(tell: Tell, seconds: int, lookups: bool) -> None:
    """The axis of time: the far future, the near future and the past. No hash of a block
    vouches for its time."""
    source = {"axis": "time", "bundles": [["native"], ["internal"], ["trc20"]],
              "heightless": ["trc20"], "hashless": streams_of(TRON),
              "lookups": lookups}  # fmt: skip
    ledger, play = tell(source, chain=TRON)
    play.sources[0].early = seconds
    for number in range(3):
        play.poll()
        ledger.pay(*native(A, X, number), Move(Kind.TRC20, A, X, 5, TOKEN))
        ledger.mine(2)
    play.mend(0)
    for _ in range(2):
        play.poll()
        ledger.mine()
    assert told(play) == 3
    if seconds != 60:  # more than a node's lag
        assert "one said that the newest block of Tron is of" in play.incidents()["head"].what
    end(play)


@pytest.mark.parametrize("sources", [[{}], [{}, {}]])
@pytest.mark.parametrize("halt", [10, 86_400])
def test_an_honest_jump_is_believed_within_two_passes(
    tell: Tell, sources: list[dict[str, Any]], halt: int
) -> None:
    """A halt of the chain, then far more blocks than its pace allows: no word about it."""
    ledger, play = tell(*sources)
    ledger.now += halt
    play.poll()
    ledger.burst(5000)
    ledger.pay(*native(A, X, 5))
    ledger.mine()
    play.poll()
    assert told(play) == 1
    ledger.mine()
    play.poll()
    line = ledger.view.head.height - play.chain.finality
    (row,) = play.store.read("SELECT max(hi) AS hi FROM coverage")
    assert row["hi"] == line
    assert play.incidents() == {}
    end(play)


def test_a_node_that_lags_is_not_told(tell: Tell) -> None:
    """Back by less than finality, and forward again."""
    ledger, play = tell({}, {})
    for blocks in (2, 0, 3, 1):
        play.lag(0, blocks)
        ledger.pay(*native(A, X, blocks))
        ledger.mine(2)
        play.poll()
    play.mend(0)
    play.poll()
    assert told(play) == 4
    assert play.incidents() == {}
    end(play)


def test_a_lie_that_is_found_after_a_kill(tell: Tell) -> None:
    """The process that took back died while it wrote that: the next one takes it back."""
    ledger, play = tell({"lookups": False})
    play.high(0, HIGH.index(60), 0)
    pass_by(ledger, play, 1)
    play.mend(0)
    play.crash("incident")
    assert "head" not in play.incidents()
    play.poll()
    assert told(play) == 1
    assert "head" in play.incidents()
    end(play)


@pytest.mark.parametrize("passes", [1, 3])
@pytest.mark.parametrize("sources", [[{}], [{}, {}], [{"many": True}]])
def test_another_chain_in_mid_run(tell: Tell, passes: int, sources: list[dict[str, Any]]) -> None:
    """No foreign row is taken; operations hear of it; what moved meanwhile is told after."""
    ledger, play = tell(*sources)
    ledger.pay(*native(A, X, 5))
    ledger.mine()
    play.poll()
    play.abroad(0)
    pass_by(ledger, play, passes)
    assert play.incidents()["foreign"].audience == "operations"
    play.mend(0)
    play.poll()
    assert told(play) == 1 + passes
    assert {t.transfer.tx for t in play.rows()} <= {t.tx for t in ledger.rows()}
    end(play)


def test_the_incident_ends_after_an_hour_of_peace(tell: Tell) -> None:
    """A source that comes and goes is told once; its end after an hour without a fault."""
    ledger, play = tell({})
    for _ in range(2):
        play.abroad(0)
        play.poll()
        play.mend(0)
        play.poll()
    assert heads.quiet(play.store, ledger.now) == []
    assert heads.quiet(play.store, ledger.now - 60) == [], "housekeeping counts from a pass's start"
    ledger.now += 3602
    play.poll()
    (signal,) = heads.quiet(play.store, ledger.now)
    assert (signal.key, signal.bad) == ("foreign:ethereum/one", False)
    incidents.put_signals(play.store, [signal], ledger.now)
    assert heads.quiet(play.store, ledger.now) == []
    assert play.incidents() == {}


def test_a_second_source_of_another_chain(tell: Tell) -> None:
    """Held to what the first one showed when it steps in for the first time."""
    ledger, play = tell({}, {})
    play.abroad(1)
    play.fail(0, 0)
    ledger.pay(*native(A, X, 5))
    ledger.mine(2)
    play.poll()
    assert play.rows() == []
    assert "two shows another block" in play.incidents()["foreign"].what
    play.mend(0)
    play.mend(1)
    play.poll()
    assert told(play) == 1
    end(play)


def test_explorers_that_begin_a_chain_elsewhere(tell: Tell) -> None:
    """Their first blocks differ, what was final since does not: it is the same chain."""
    ledger, play = tell({}, {"first_block": "0xelsewhere"})
    play.fail(0, 0)
    ledger.pay(*native(A, X, 5))
    ledger.mine(2)
    play.poll()
    assert told(play) == 1
    assert play.incidents() == {}
    play.mend(0)
    end(play)


def test_another_chain_at_first(tell: Tell) -> None:
    """A source that was wrong when it was first asked is believed once it has been right for
    an hour; until then nothing is taken of it, and that is told."""
    ledger, play = tell({}, met=False)
    play.abroad(0)
    play.poll()
    play.mend(0)
    ledger.mine(30)
    play.poll()
    assert "foreign" in play.incidents()
    for _ in range(8):
        ledger.now += 600
        ledger.pay(*native(A, X, 5))
        ledger.mine(2)
        play.poll()
    mine = {t.tx for t in ledger.rows()}
    assert mine <= {r.transfer.tx for r in play.rows()}
    assert mine <= {tx for a in play.alerts(play.entries[0]) for _, tx, _ in a.rows}
    assert "head" in play.incidents()


def test_both_sources_turn_to_another_chain(tell: Tell) -> None:
    """That they agree with each other is no reason to believe them."""
    ledger, play = tell({}, {})
    play.fail(0, 0)
    play.poll()
    play.mend(0)
    play.abroad(0)
    play.abroad(1)
    pass_by(ledger, play, 3)
    assert play.rows() == []
    play.mend(0)
    play.mend(1)
    play.poll()
    assert told(play) == 3
    end(play)


@pytest.mark.parametrize(("high", "early"), [(10**30, 0), (0, 10**30), (-(10**30), 0)])
def test_a_head_that_no_chain_can_have(tell: Tell, high: int, early: int) -> None:
    """It is no answer: nothing of it reaches the record, and the next source is asked."""
    ledger, play = tell({}, {})
    play.sources[0].high, play.sources[0].early = high, early
    ledger.pay(*native(A, X, 5))
    ledger.mine(2)
    play.poll()
    assert told(play) == 1
    play.mend(0)
    end(play)
