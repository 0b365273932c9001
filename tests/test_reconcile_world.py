"""The record held against the chain over the invented world: no false difference is ever told,
every hidden movement is found, and a kill loses nothing and repeats nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from world.fake_ledger import FakeLedger, Move, Tx
from world.play import (
    BITCOIN,
    ETHEREUM,
    TOKEN,
    TRON,
    A,
    B,
    X,
    Y,
    internal,
    native,
    swap,
    token,
    utxo_tx,
)
from world.witness import SeeingSource, Witnessed

from monitor.decide.telling import HOLD, HOLD_MOST
from monitor.model import Axis, Kind, Severity
from monitor.model.balance import COIN, State
from monitor.model.errors import StoreError
from monitor.model.facts import Unexplained, of_kind
from monitor.store.incidents import incident_list

SHAPES = (native, internal, token, swap)
PARTIES = (A, B, X, Y)
BUNDLES = (["native"], ["internal"], ["erc20", "erc721", "erc1155"])


def world(folder: Path, *, lag: int = 0, second: bool = True, old: bool = False) -> Witnessed:
    ledger = FakeLedger(ETHEREUM)
    names = ("one", "two") if second else ("one",)
    sources = [SeeingSource(ledger, n, bundles=BUNDLES, index_lag=lag) for n in names]
    sources[0].old = old
    play = Witnessed(folder, ledger, sources)
    for number in range(6):
        ledger.pay(*SHAPES[number % 4](X, PARTIES[number % 2], 1000 + number))
        ledger.mine(3)
    play.watch(A, severity=Severity.SEVERE)
    play.watch(B)
    ledger.mine(6)
    play.poll()
    return play


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Witnessed]:
    play = world(tmp_path)
    yield play
    play.store.close()


def hide(play: Witnessed, tx: Tx, *kinds: Kind) -> None:
    """Every list leaves out a transaction's movements of these kinds."""
    for source in play.sources:
        rows = play.ledger.rows()
        source.hidden |= {t.identity for t in rows if t.tx == tx.hash and t.kind in kinds}


def hidden(play: Witnessed, to: str, amount: int, sender: str = X) -> Tx:
    tx = play.ledger.pay(*internal(sender, to, amount))
    play.ledger.mine()
    hide(play, tx, Kind.INTERNAL)
    return tx


def outlive(play: Witnessed) -> None:
    """All that could excuse a difference."""
    for later in (0, HOLD_MOST + 1, HOLD_MOST + 2):
        play.ledger.mine(6)
        play.poll()
        play.hold(later)


# -- the ordinary world ----------------------------------------------------------------------

event = st.one_of(
    st.tuples(st.just("pay"), st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("mine"), st.integers(0, 5)),
    st.tuples(st.just("reorg"), st.integers(1, 3), st.integers(0, 3)),
    st.tuples(st.just("delay"), st.integers(0, 1), st.integers(0, 2), st.integers(0, 30)),
    st.tuples(st.just("stale"), st.integers(0, 1), st.integers(0, 4)),
    st.tuples(st.just("mute"), st.integers(0, 1), st.booleans()),
    st.tuples(st.just("poll")),
    st.tuples(st.just("hours"), st.integers(1, 3)),
)


class Ordinary:
    """Nothing is hidden for good; lists lag by many blocks, sources by states."""

    def __init__(self, play: Witnessed) -> None:
        self.play = play

    def tell(self, name: str, *numbers: int) -> None:
        getattr(self, name)(*numbers)
        found = self.play.hold()
        assert all(h.state is not State.UNEXPLAINED or h.reason for h in found)
        for address in (A, B):
            assert self.play.told(address) == [], "a false difference was told"

    def pay(self, shape: int, sender: int, recipient: int) -> None:
        self.play.ledger.pay(*SHAPES[shape](PARTIES[sender], PARTIES[recipient], 7 + shape))

    def mine(self, more: int) -> None:
        self.play.ledger.mine(1 + more)

    def reorg(self, depth: int, fate: int) -> None:
        self.play.ledger.reorg(depth, ("same", "later", "wait", "drop")[fate])

    def delay(self, source: int, stream: int, blocks: int) -> None:
        streams = ("native", "internal", "erc20")
        self.play.sources[source].delay[streams[stream]] = blocks

    def stale(self, source: int, states: int) -> None:
        self.play.sources[source].stale = states

    def mute(self, source: int, silent: bool) -> None:
        self.play.sources[source].mute = silent  # type: ignore[attr-defined]

    def poll(self) -> None:
        self.play.poll()

    def hours(self, number: int) -> None:
        """Of less than it takes until something is told: lists may lag for longer than a play."""
        self.play.ledger.now += number * HOLD // 30
        self.play.poll()


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    told=st.lists(event, min_size=8, max_size=25),
    lag=st.sampled_from([0, 3]),
    second=st.booleans(),
    old=st.booleans(),
)
def test_the_ordinary_world_has_no_difference(
    told: list[tuple[str, int]], lag: int, second: bool, old: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        play = world(Path(folder), lag=lag, second=True, old=old)
        try:
            if not second:
                play.sources[1].mute = True  # type: ignore[attr-defined]
            story = Ordinary(play)
            for each in told:
                story.tell(*each)
            for source in play.sources:
                source.mute = False  # type: ignore[attr-defined]
            play.settle()
            play.hold()
            found = play.hold()
            assert {h.state for h in found} == {State.RECONCILED}, [h.reason for h in found]
            assert play.differing() == {}
            play.check()
        finally:
            play.store.close()


# -- what is hidden ------------------------------------------------------------------------------


def test_what_is_hidden_is_told_once_with_its_blocks(made: Witnessed) -> None:
    made.hold()
    start = made.ledger.view.head.height
    hidden(made, A, 7)
    outlive(made)
    (alert,) = made.told(A)
    facts = of_kind(alert.facts, Unexplained)
    assert facts.held is not None
    assert facts.held.between is not None
    assert facts.held.between.lo <= start < facts.held.between.hi
    assert facts.amount == 7
    assert facts.held.second == "two"
    assert alert.severity is Severity.MEDIUM
    outlive(made)
    assert len(made.told(A)) == 1
    made.check_log()


def test_what_left_in_secret_is_as_urgent_as_the_entry(made: Witnessed) -> None:
    made.hold()
    hidden(made, X, 7, sender=A)
    outlive(made)
    (alert,) = made.told(A)
    assert alert.severity is Severity.SEVERE
    assert made.differing() == {(A, COIN): -7}


def test_a_dropped_log_is_found_and_amended_when_it_is_shown(made: Witnessed) -> None:
    made.hold()
    tx = made.ledger.pay(*token(X, A, 9))
    made.ledger.mine()
    hide(made, tx, Kind.ERC20)
    outlive(made)
    assert made.differing() == {(A, TOKEN): 9}
    (alert,) = made.told(A)
    for source in made.sources:
        source.hidden.clear()
    made.day()
    made.poll()
    made.hold()
    _, over = made.told(A)
    assert over.amends == alert.id
    assert [row[1] for row in over.rows] == [tx.hash]
    assert made.differing() == {}
    made.check_log()


def test_part_of_it_is_told_as_part(made: Witnessed) -> None:
    made.hold()
    one, two = (made.ledger.pay(*internal(X, A, n)) for n in (5, 8))
    made.ledger.mine()
    hide(made, one, Kind.INTERNAL)
    hide(made, two, Kind.INTERNAL)
    outlive(made)
    for source in made.sources:
        source.hidden = {i for i in source.hidden if i[1] == two.hash}
    made.day()
    made.poll()
    made.hold()
    first, part = made.told(A)
    assert of_kind(first.facts, Unexplained).amount == 13
    assert of_kind(part.facts, Unexplained).left == 8
    assert part.amends == first.id
    assert made.differing() == {(A, COIN): 8}


def test_what_is_found_may_show_that_more_left_than_was_said(made: Witnessed) -> None:
    """More came than left, both in secret; then a list shows what came. What is left is an
    outflow, and as urgent as one."""
    made.hold()
    came, _ = hidden(made, A, 11), hidden(made, X, 7, sender=A)
    outlive(made)
    for source in made.sources:
        source.hidden = {i for i in source.hidden if i[1] != came.hash}
    made.day()
    made.poll()
    made.hold()
    first, more = made.told(A)
    assert (first.severity, of_kind(first.facts, Unexplained).amount) == (Severity.MEDIUM, 4)
    fact = of_kind(more.facts, Unexplained)
    assert (more.severity, fact.amount, fact.left) == (Severity.SEVERE, 4, -7)
    assert fact.found.startswith("More is missing than was said")
    for source in made.sources:
        source.hidden.clear()
    made.day()
    made.poll()
    made.hold()
    over = of_kind(made.told(A)[-1].facts, Unexplained)
    assert (over.amount, over.left) == (4, 0)
    assert made.told(A)[-1].severity is Severity.SEVERE


@pytest.mark.parametrize("old", [False, True])
def test_what_arose_before_an_address_was_watched_is_medium(tmp_path: Path, old: bool) -> None:
    """Also where only halving shows that it did: the first figure is of a later block."""
    ledger = FakeLedger(ETHEREUM)
    sources = [SeeingSource(ledger, n, bundles=BUNDLES) for n in ("one", "two")]
    sources[0].old = old
    play = Witnessed(tmp_path, ledger, sources)
    try:
        ledger.mine(3)
        hidden(play, X, 7, sender=A)
        ledger.mine(9)
        play.watch(A, severity=Severity.SEVERE)
        play.poll()
        ledger.mine(9)
        outlive(play)
        (alert,) = play.told(A)
        assert alert.severity is (Severity.MEDIUM if old else Severity.SEVERE)
    finally:
        play.store.close()


def test_what_two_saw_is_told_where_nobody_says_a_balance_any_more(made: Witnessed) -> None:
    made.hold()
    hidden(made, X, 7, sender=A)
    made.ledger.mine(6)
    made.poll()
    made.hold()
    for source in made.sources:
        source.mute = True  # type: ignore[attr-defined]
    outlive(made)
    (alert,) = made.told(A)
    fact = of_kind(alert.facts, Unexplained)
    assert (alert.severity, fact.amount) == (Severity.SEVERE, -7)
    assert fact.held is not None
    assert (fact.held.second, fact.held.reason, fact.held.difference) == ("two", "", -7)


def test_two_entries_of_an_address_are_told_each_and_one_that_ended_is_not(
    made: Witnessed,
) -> None:
    made.watch(A)
    made.away(B)
    made.hold()
    hidden(made, A, 7)
    hidden(made, B, 3)
    outlive(made)
    assert len(made.told(A)) == 2
    assert made.told(B) == []


def test_lists_of_hours_ago_explain_a_difference_without_a_call(made: Witnessed) -> None:
    made.hold()
    for source in made.sources:
        source.delay["internal"] = 40
    made.ledger.pay(*internal(X, A, 7))
    made.ledger.mine(8)
    made.poll()
    made.hold()
    assert made.differing() == {(A, COIN): 7}
    made.ledger.now += HOLD // 2
    made.ledger.mine(40)
    made.poll()
    made.hold()
    assert made.differing() == {}
    assert made.told(A) == []


@pytest.mark.parametrize("old", [False, True])
def test_a_false_balance_is_nobodys_alert(tmp_path: Path, old: bool) -> None:
    play = world(tmp_path, old=old)
    try:
        one = play.sources[0]
        assert isinstance(one, SeeingSource)
        one.off = 5
        outlive(play)
        found = play.hold()
        assert {h.state for h in found} == {State.CANNOT_CHECK}
        assert "two says" in found[0].reason
        assert play.told(A) == play.told(B) == []
        one.off = 0
        assert {h.state for h in play.hold()} == {State.RECONCILED}
    finally:
        play.store.close()


def test_one_word_alone_waits_for_another_block(tmp_path: Path) -> None:
    play = world(tmp_path, second=False)
    try:
        one = play.sources[0]
        assert isinstance(one, SeeingSource)
        play.hold()
        one.off = 5
        play.hold()
        one.off = 0  # once
        outlive(play)
        assert play.told(A) == []
        assert play.differing() == {}
    finally:
        play.store.close()


def test_a_source_that_is_behind_contradicts_nobody(made: Witnessed) -> None:
    made.hold()
    made.sources[1].stale = 2
    hidden(made, A, 7)
    made.hold()
    assert made.differing() == {(A, COIN): 7}
    assert made.store.read("SELECT 1 FROM score WHERE what = 'wrong'") == []


def test_that_it_is_over_is_nobodys_single_word(made: Witnessed) -> None:
    made.hold()
    hidden(made, A, 7)
    outlive(made)
    one = made.sources[0]
    assert isinstance(one, SeeingSource)
    one.off = -7
    made.hold()
    one.off = 0
    made.ledger.mine()
    made.poll()
    made.hold()
    assert len(made.told(A)) == 1
    assert made.differing() == {(A, COIN): 7}
    hidden(made, X, 7, sender=A)
    made.hold()
    assert len(made.told(A)) == 1
    made.ledger.mine()
    made.poll()
    made.hold()
    assert len(made.told(A)) == 2
    assert made.differing() == {}


def test_many_at_once_are_one_incident_until_a_day_is_over(made: Witnessed) -> None:
    others = [f"0x{number:040x}" for number in range(100, 106)]
    for address in others:
        made.watch(address)
    made.poll()
    made.hold()
    for address in others:
        hidden(made, address, 7)
    for later in (0, HOLD, HOLD + 1):
        made.ledger.mine(6)
        made.poll()
        made.hold(later)
    assert not any(made.told(address) for address in others)
    keys = [i.signal.key for i in incident_list(made.store, open_only=True)]
    assert "balances:ethereum" in keys
    made.hold(3 * HOLD_MOST)
    assert all(len(made.told(address)) == 1 for address in others)


@pytest.mark.parametrize("table", ["finding", "balance", "alert", "route", "log"])
def test_a_kill_loses_nothing_and_repeats_nothing(made: Witnessed, table: str) -> None:
    """At every step from the first sight to the amendment: what is written dies, and begins
    again."""
    made.hold()
    tx = hidden(made, A, 7)
    for later in (0, HOLD_MOST + 1, HOLD_MOST + 2):
        made.ledger.mine(6)
        made.poll()
        kill(made, table, later)
        made.hold(later)
    (alert,) = made.told(A)
    for source in made.sources:
        source.hidden.clear()
    made.day()
    made.poll()
    kill(made, table, HOLD_MOST + 3)
    made.hold(HOLD_MOST + 3)
    _, over = made.told(A)
    assert (over.amends, over.rows[0][1]) == (alert.id, tx.hash)
    assert made.differing() == {}
    made.check_log()


def kill(play: Witnessed, table: str, later: int) -> None:
    """A round that dies when it writes to a table."""
    with play.store.write() as conn:
        for when in ("INSERT", "UPDATE"):
            conn.execute(
                f"CREATE TRIGGER killed_{when} BEFORE {when} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'killed'); END;"
            )
    try:
        with suppress(StoreError):
            play.hold(later)
    finally:
        with play.store.write() as conn:
            conn.execute("DROP TRIGGER killed_INSERT")
            conn.execute("DROP TRIGGER killed_UPDATE")


# -- other families ------------------------------------------------------------------------------


def test_coins_of_transactions_are_held_without_what_waits(tmp_path: Path) -> None:
    ledger = FakeLedger(BITCOIN)
    play = Witnessed(tmp_path, ledger, [SeeingSource(ledger, name) for name in ("one", "two")])
    try:
        utxo_tx(ledger, X, A, 500)
        ledger.mine(8)
        play.watch(A)
        play.poll()
        utxo_tx(ledger, A, X, 90)
        ledger.mine(2)
        utxo_tx(ledger, X, A, 70)  # waits
        play.poll()
        assert {h.state for h in play.hold()} == {State.RECONCILED}
        ledger.reorg(2, "drop")
        play.poll()
        play.hold()
        ledger.mine(6)
        play.poll()
        found = play.hold()
        assert {h.state for h in found} == {State.RECONCILED}, found
        assert play.told(A) == []
        gone = utxo_tx(ledger, A, X, 40)
        ledger.mine()
        hide(play, gone, Kind.UTXO_IN, Kind.UTXO_OUT)
        outlive(play)
        assert len(play.told(A)) == 1
    finally:
        play.store.close()


@pytest.mark.parametrize("one_index", [True, False])
def test_a_list_of_one_index_with_the_balance_is_not_waited_for(
    tmp_path: Path, one_index: bool
) -> None:
    ledger = FakeLedger(BITCOIN)
    source = SeeingSource(ledger, "one")
    source.one_index = one_index
    play = Witnessed(tmp_path, ledger, [source])
    try:
        utxo_tx(ledger, X, A, 500)
        ledger.mine(8)
        play.watch(A)
        play.poll()
        assert {h.state for h in play.hold()} == {State.RECONCILED}
        gone = utxo_tx(ledger, A, X, 40)
        ledger.mine()
        hide(play, gone, Kind.UTXO_IN, Kind.UTXO_OUT)
        for _ in range(3):
            play.poll()
            play.hold()
            ledger.mine(8)
        assert len(play.told(A)) == one_index
    finally:
        play.store.close()


def test_it_is_looked_for_right_before_it_is_told_also_where_no_balance_is_said(
    tmp_path: Path,
) -> None:
    """The hours are over, and the list has caught up since the last look."""
    ledger = FakeLedger(BITCOIN)
    source = SeeingSource(ledger, "one")
    play = Witnessed(tmp_path, ledger, [source])
    try:
        utxo_tx(ledger, X, A, 500)
        ledger.mine(8)
        play.watch(A)
        play.poll()
        play.hold()
        gone = utxo_tx(ledger, A, X, 40)
        ledger.mine()
        hide(play, gone, Kind.UTXO_IN, Kind.UTXO_OUT)
        for _ in range(3):
            play.poll()
            play.hold()
            ledger.mine(8)
        assert play.differing() == {(A, COIN): -41}  # with the fee
        source.hidden.clear()
        source.mute = True
        with play.store.write() as conn:
            conn.execute("UPDATE finding SET found = found - ?", (HOLD_MOST,))
        play.hold()
        assert play.told(A) == []
        assert play.differing() == {}
    finally:
        play.store.close()


def test_lists_by_time_are_held_as_well(tmp_path: Path) -> None:
    ledger = FakeLedger(TRON)
    bundles = [["native"], ["internal"], ["trc20"]]
    terms = {"axis": Axis.TIME, "heightless": ["trc20"], "bundles": bundles}
    sources = [SeeingSource(ledger, name, **terms) for name in ("one", "two")]  # type: ignore[arg-type]
    play = Witnessed(tmp_path, ledger, sources)
    try:
        ledger.pay(Move(Kind.TRC20, X, A, 50, TOKEN))
        ledger.mine(8)
        play.watch(A)
        play.poll()
        ledger.pay(Move(Kind.TRC20, A, X, 20, TOKEN))
        ledger.mine(2)
        play.poll()
        found = play.hold()
        assert {h.state for h in found} == {State.RECONCILED}, found
        assert {h.contract: h.on_chain for h in found} == {COIN: 0, TOKEN: 30}
        gone = ledger.pay(Move(Kind.TRC20, A, X, 30, TOKEN))
        ledger.mine()
        hide(play, gone, Kind.TRC20)
        outlive(play)
        assert play.differing() == {(A, TOKEN): -30}
    finally:
        play.store.close()


def test_what_was_not_read_from_its_beginning_is_not_held(tmp_path: Path) -> None:
    ledger = FakeLedger(ETHEREUM)
    play = Witnessed(tmp_path, ledger, [SeeingSource(ledger, "one", bundles=BUNDLES)])
    try:
        ledger.pay(*native(X, A, 50))
        ledger.mine(30)
        play.watch(A, since="20")
        play.poll()
        (coin,) = play.hold()
        assert coin.state is State.CANNOT_CHECK
        assert coin.reason.startswith("history not complete")
        assert coin.on_chain == 50
    finally:
        play.store.close()
