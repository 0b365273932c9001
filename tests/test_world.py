"""The invented world: whatever happens, once the lies have ended the record is the chain.

Hypothesis makes up sequences of events (payments, reorganisations, lagging, failing and
lying explorers, crashes); see play.py for what must hold at the end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from world.fake_ledger import FakeLedger, FakeSource, Move, Tx
from world.play import (
    BITCOIN,
    ETHEREUM,
    ISSUED,
    TOKEN,
    TRON,
    A,
    B,
    Final,
    Play,
    X,
    Y,
    act,
    internal,
    native,
    swap,
    token,
    utxo_tx,
)

from monitor.model import Chain, Entry, Kind, Severity
from monitor.model.facts import Correction, History, of_kind
from monitor.store import incidents, transfers

Event = tuple[str, tuple[int, ...]]
SHAPES = (native, internal, token, swap, act)
PARTIES = (A, B, X, Y)
TOKENS = ["erc20", "erc721", "erc1155"]

bounded = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def event(name: str, *most: int) -> st.SearchStrategy[Event]:
    return st.tuples(st.just(name), st.tuples(*(st.integers(0, m) for m in most)))


PAY = event("pay", 4, 2, 3, 4)
FAULT = st.one_of(
    event("fail", 1, 3),
    event("lag", 1, 3),
    event("delay", 1, 4, 6),
    event("hide", 1, 5),
    event("hide", 0, 3),
    event("omit", 1, 5),
    event("spoil", 1, 5),
    event("spoil", 0, 3),
    event("unindexed", 1, 4),
    event("expire", 1),
    event("high", 1, 6, 1),
    event("finals", 1, 2),
    event("forget", 1, 5),
    event("double", 1),
    event("abroad", 1),
    event("mend", 1),
)
CHAIN = st.one_of(
    event("mine", 4),
    event("mine", 4),
    event("reorg", 2, 3, 1),
    event("wait"),
    event("halt"),
    event("burst"),
)
READ = st.one_of(
    event("poll"),
    event("poll"),
    event("tick"),
    event("day"),
    event("crash", 3),
    event("drop"),
    event("join", 1),
    event("leave", 1),
    event("back"),
    event("change"),
)
# One beat: what people do, what the chain makes of it, and whether somebody looks.
beat = st.tuples(
    st.lists(PAY, min_size=1, max_size=2), st.lists(FAULT, max_size=2), CHAIN, READ
).map(lambda parts: [*parts[0], *parts[1], parts[2], parts[3]])
events = st.lists(beat, min_size=5, max_size=10).map(lambda beats: [e for b in beats for e in b])


class Story:
    """Plays a list of events; numbers choose among what there is."""

    def __init__(
        self, play: Play, pay: Callable[[int, int, int, int], Tx], many: bool = False
    ) -> None:
        self.play = play
        self.many = many
        self.ledger = play.ledger
        self._pay = pay
        self.lied = False

    def tell(self, told: list[Event]) -> None:
        for name, numbers in told:
            own = getattr(self, name, None) or getattr(self.play, name)
            own(*numbers)

    def pay(self, shape: int, sender: int, recipient: int, amount: int) -> None:
        self._pay(shape, sender, recipient, amount)

    def mine(self, more: int) -> None:
        self.ledger.mine(1 + more)

    def high(self, source: int, amount: int, nameless: int) -> None:
        self.lied = True
        self.play.high(source, amount, nameless)

    def reorg(self, depth: int, fate: int, extra: int) -> None:
        """Never deeper than what counts as final, nor than what was called so under a head
        that lay too high by less than that: nobody could know."""
        if self.lied:
            self.ledger.mine(self.play.chain.finality, idle=True)
        self.ledger.reorg(1 + depth, ("same", "later", "wait", "drop")[fate], extra=extra)

    def wait(self) -> None:
        self.ledger.now += 10

    def abroad(self, source: int) -> None:
        """Only a source that has shown its chain can be told from one that left it, and only
        for so long: the longer standing counts."""
        if self.play.has_shown_its_chain(source):
            self.play.abroad(source)

    def halt(self) -> None:
        """No block for half a day."""
        self.play.come_home()
        self.ledger.now += 43_200

    def join(self, who: int) -> None:
        """Another case watches an address that may be known already."""
        self.play.watch((B, Y)[who], severity=Severity.SEVERE)
        self.play.poll()

    def leave(self, who: int) -> None:
        """All cases are done with an address, for a while."""
        self.play.away((A, B)[who])
        self.play.poll()

    def back(self) -> None:
        self.play.back()
        self.play.poll()

    def change(self) -> None:
        """A chain that is read as a whole is read address by address from now on, or again as a
        whole."""
        if self.many:
            self.play.turn(0)
        self.play.poll()

    def day(self) -> None:
        self.play.come_home()
        self.play.day()
        self.play.poll()

    def tick(self) -> None:
        """A pass of the daemon, which leaves resting sources and due times alone."""
        self.play.poll(everything=False)

    def crash(self, table: int) -> None:
        self.play.crash(("sighting", "coverage", "alert", "reading")[table])


def evm_story(
    folder: Path, *, newest_first: bool, lag: int, page: int, tokens_only: bool, many: bool
) -> Story:
    """`many`: the first source, which may have tokens only, takes many addresses in one ask."""
    ledger = FakeLedger(ISSUED)
    one = FakeSource(
        ledger,
        "one",
        bundles=[TOKENS] if tokens_only else [["native"], ["internal"], TOKENS, ["issuer"]],
        index_lag=lag,
        page=page,
        hashless=["internal"],
        many=many,
    )
    two = FakeSource(
        ledger,
        "two",
        bundles=[["native", *TOKENS], ["internal"], ["issuer"]],
        index_lag=6 - lag,
        newest_first=newest_first,
        page=page,
    )
    play = Play(folder, ledger, [one, two])
    return Story(play, account_past(play, ledger), many)


def account_past(play: Play, ledger: FakeLedger) -> Callable[[int, int, int, int], Tx]:
    """What happened before anybody watched, and who is watched; returns how one pays."""

    def pay(shape: int, sender: int, recipient: int, amount: int) -> Tx:
        return ledger.pay(*SHAPES[shape](PARTIES[sender], PARTIES[recipient], amount))

    for number in range(12):
        pay(number % 5, number % 3, (number + 1) % 4, number)
        ledger.mine(12)
    play.watch(A)
    play.watch(A, tell_when="final")
    play.watch(B, tell_when="seen")
    return pay


def utxo_story(folder: Path, *, newest_first: bool, page: int) -> Story:
    ledger = FakeLedger(BITCOIN)
    sources = [
        FakeSource(ledger, "one", newest_first=newest_first, page=page, index_lag=0),
        FakeSource(ledger, "two", newest_first=True, page=page, index_lag=2),
    ]
    play = Play(folder, ledger, sources)
    return Story(play, utxo_past(play, ledger))


def utxo_past(play: Play, ledger: FakeLedger) -> Callable[[int, int, int, int], Tx]:
    """The same of a chain of Bitcoin's kind."""

    def pay(shape: int, sender: int, recipient: int, amount: int) -> Tx:
        last = ledger.view.mempool[-1] if shape == 3 and ledger.view.mempool else None
        if last is not None and last.moves[0].sender == PARTIES[sender]:  # replaced by this one
            return utxo_tx(ledger, PARTIES[sender], PARTIES[recipient], amount, last)
        if last is not None:  # nobody will ever know what became of it
            ledger.evict(last)
        return utxo_tx(ledger, PARTIES[sender], PARTIES[recipient], amount)

    for number in range(8):
        pay(0, number % 3, (number + 1) % 4, number)
        ledger.mine(3)
    play.watch(A)
    play.watch(A, tell_when="seen")
    play.watch(B, tell_when="final")
    return pay


def run(make: Callable[[Path], Story], told: list[Event]) -> Final:
    with tempfile.TemporaryDirectory() as folder:
        story = make(Path(folder))
        try:
            story.tell(told)
            story.play.settle()
            story.play.check()
            return story.play.final()
        finally:
            story.play.store.close()


@bounded
@given(
    told=events,
    newest_first=st.booleans(),
    lag=st.sampled_from([0, 3, 6]),
    page=st.sampled_from([3, 8, 1000]),
    tokens_only=st.booleans(),
)
def test_account_chain_ends_as_the_ledger(
    told: list[Event], newest_first: bool, lag: int, page: int, tokens_only: bool
) -> None:
    """Account chain, two explorers of different lag: record and alerts end as the ledger, and as
    the same record where each address is read for itself."""
    ends = [
        run(
            partial(
                evm_story,
                newest_first=newest_first,
                lag=lag,
                page=page,
                tokens_only=tokens_only,
                many=many,
            ),
            told,
        )
        for many in (True, False)
    ]
    assert ends[0] == ends[1]


@bounded
@given(told=events, newest_first=st.booleans(), page=st.sampled_from([4, 1000]))
def test_utxo_chain_ends_as_the_ledger(told: list[Event], newest_first: bool, page: int) -> None:
    """UTXO chain with a mempool: unconfirmed, replaced and dropped payments end as they are."""
    run(lambda folder: utxo_story(folder, newest_first=newest_first, page=page), told)


# -- stories that chance would seldom tell in full -------------------------------------------


@pytest.fixture
def tell(tmp_path: Path) -> Iterator[Callable[..., tuple[FakeLedger, Play]]]:
    """Makes a world of one chain with the given sources, A watched, not met yet."""
    plays: list[Play] = []

    def make(*sources: dict[str, object], chain: Chain = ETHEREUM) -> tuple[FakeLedger, Play]:
        ledger = FakeLedger(chain)
        told = [
            FakeSource(ledger, name, **terms)  # type: ignore[arg-type]
            for name, terms in zip(("one", "two"), sources, strict=False)
        ]
        plays.append(Play(tmp_path, ledger, told))
        return ledger, plays[-1]

    yield make
    for play in plays:
        play.store.close()


Tell = Callable[..., tuple[FakeLedger, Play]]


def end(play: Play) -> None:
    play.settle()
    play.check()


def test_what_is_unconfirmed_is_replaced_or_no_longer_seen(tell: Tell) -> None:
    """Told as replaced at once where its own source shows what spends the same coins; while that
    source has forgotten it, after two blocks, as no longer seen. What another has is no matter."""
    ledger, play = tell({}, {}, chain=BITCOIN)
    entry = play.watch(A, tell_when="seen")
    play.poll()
    first, second = (utxo_tx(ledger, A, X, amount) for amount in (5, 6))
    play.poll()
    utxo_tx(ledger, A, Y, 7, first)
    ledger.evict(second)
    play.poll()
    told = {tx: _states(play, entry, tx.hash) for tx in (first, second)}
    assert told == {first: ["replaced"], second: []}
    for _ in range(2):
        ledger.mine(idle=True)
        play.poll()
    assert _states(play, entry, second.hash) == ["no longer seen"]
    end(play)


def _states(play: Play, entry: Entry, tx: str) -> list[str]:
    """What was told of a transaction after it was told first."""
    kinds = (a for a in play.alerts(entry) if a.tx == tx and isinstance(a.facts, Correction))
    return [of_kind(a.facts, Correction).state for a in kinds]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("everything", [False, True])
def test_a_long_history_is_read_head_first_in_steps(
    tell: Tell, newest_first: bool, everything: bool
) -> None:
    """A page of eight against 120 rows: the newest come first, and nothing is left unread."""
    ledger, play = tell({"page": 8, "newest_first": newest_first})
    for number in range(120):
        ledger.pay(*native(X, A, number))
        ledger.mine(2)
    play.watch(A)
    play.poll(everything=everything)
    if not everything:
        newest = max(r.transfer.block_height or 0 for r in play.rows())
        assert newest == 239
        assert len(play.rows()) < 120, "one pass of the daemon takes a bounded part"
        for _ in range(20):
            play.poll(everything=False)
    assert len(play.rows()) == 120
    end(play)


def test_what_a_cut_head_jumped_over_is_read(tell: Tell) -> None:
    """After a long time away the newest blocks come first; the hole below holds news too."""
    ledger, play = tell({"page": 8})
    play.watch(A)
    play.poll()
    for number in range(80):
        ledger.pay(*native(X, A, number))
        ledger.mine(3)
    report = play.poll()
    assert report.new_rows == 80
    assert report.alerts == 80
    end(play)


def test_the_trailing_window_is_read_again_in_full(tell: Tell) -> None:
    """Daily re-reading goes on where a page cut it: a late row in the middle is found."""
    ledger, play = tell({"page": 8})
    play.watch(A)
    play.poll()
    for number in range(80):
        ledger.pay(*native(X, A, number))
        ledger.mine(3)
    play.sources[0].hidden.add(ledger.rows()[30].identity)
    ledger.mine(6)
    play.poll()
    play.mend(0)
    assert play.poll().late == 0, "not before the day is over"
    play.day()
    assert play.poll().late == 1
    end(play)


def test_a_process_that_is_killed_repeats_with_the_same_names(tmp_path: Path) -> None:
    """Killed at every table in turn: nothing half done, and the same alerts as without."""
    told = []
    for killed in (False, True):
        ledger = FakeLedger(ETHEREUM)
        folder = tmp_path / str(killed)
        folder.mkdir()
        play = Play(folder, ledger, [FakeSource(ledger, "one")])
        play.watch(A)
        play.watch(A, tell_when="final")
        play.poll()
        for table in ("transfer", "sighting", "coverage", "alert", "alert_transfer", "reading"):
            ledger.pay(*swap(A, X, 5))
            ledger.mine(5)
            before = play.dump()
            if killed:
                play.crash(table)
                assert play.dump() == before, f"half a batch stayed ({table})"
            else:
                ledger.now += 1
            play.poll()
        end(play)
        told.append({a.id: a.rows for e in play.entries for a in play.alerts(e)})
        play.store.close()
    assert told[0] == told[1]


def test_an_unreadable_row_is_read_elsewhere_at_once(tell: Tell) -> None:
    """A gap in one list sends the question to the next source in the same round."""
    ledger, play = tell({}, {})
    play.watch(A)
    play.poll()
    ledger.pay(*native(X, A, 5))
    ledger.mine(6)
    play.spoil(0, 0)
    assert play.poll().new_rows == 1
    assert play.store.read("SELECT * FROM gap") == []


def test_an_unreadable_row_is_told_kept_and_tried_again_daily(tell: Tell) -> None:
    """Where nobody can read it: an incident, the rows after it, a try a day, and its end."""
    ledger, play = tell({})
    play.watch(A)
    play.poll()
    ledger.pay(*native(X, A, 5))
    ledger.mine()
    play.spoil(0, 0)
    ledger.pay(*native(X, A, 6))
    ledger.mine(6)
    assert play.poll().new_rows == 1
    (incident,) = incidents.incident_list(play.store, open_only=True)
    assert incident.signal.key.startswith("gap:")
    hole = [r["lo"] for r in play.store.read("SELECT DISTINCT lo FROM gap WHERE closed IS NULL")]
    assert hole == [1]
    play.mend(0)
    asked = len(play.sources[0].asked)
    play.poll()
    assert all(hole[0] not in ask.span for ask in play.sources[0].asked[asked:])
    play.day()
    assert play.poll().alerts == 1
    assert incidents.incident_list(play.store, open_only=True) == []
    end(play)


def test_a_block_too_large_for_a_list_ends_as_a_gap(tell: Tell) -> None:
    """No endless loop: what the list hands out is recorded, the block is told as a gap."""
    ledger, play = tell({})
    play.sources[0].block_cap = 10
    play.watch(A)
    play.poll()
    for number in range(15):
        ledger.pay(*native(X, A, number))
    ledger.mine(6)
    assert play.poll().new_rows == 10
    assert len(play.store.read("SELECT DISTINCT lo FROM gap WHERE closed IS NULL")) == 1
    play.sources[0].block_cap = None
    end(play)


def test_internals_that_are_never_indexed_are_not_called_empty(tell: Tell) -> None:
    """No coverage, an error by name, exit by `unread`; the other lists go on, and the
    summary of the history comes after a while and says what it lacks."""
    ledger, play = tell({"bundles": [["native"], ["internal"]]})
    play.sources[0].never = frozenset({"internal"})
    ledger.pay(*native(X, A, 5))
    ledger.mine(6)
    play.watch(A)
    report = play.poll()
    assert report.unread[play.entries[0].subject.key] == {"internal"}
    assert report.new_rows == 1
    assert play.store.read("SELECT * FROM coverage WHERE stream = 'internal'") == []
    for _ in range(3):
        play.day()
        play.poll()
    (summary,) = play.alerts(play.entries[0])
    assert (
        "Coin transfers made by contracts (internal): could not be read yet."
        in of_kind(summary.facts, History).covered
    )


def test_the_next_source_of_other_lag_takes_over(tell: Tell) -> None:
    """Failover to a source that lags, and back: every movement once, no late ones."""
    ledger, play = tell({}, {"index_lag": 6})
    play.watch(A)
    play.poll()
    for number in range(8):
        ledger.pay(*native(X, A, number))
        ledger.mine(2)
        if number == 2:
            play.fail(0, 0)
            play.delay(1, 0, 6)
        if number == 5:
            play.mend(0)
        play.poll()
    assert play.store.read("SELECT 1 FROM transfer WHERE late") == []
    end(play)


def test_later_rounds_keep_the_line_of_first_contact(tell: Tell) -> None:
    """Further rounds of the first pass keep the line that its first round drew."""
    ledger, play = tell({"page": 3}, {"page": 3})
    for number in range(40):
        ledger.pay(*native(X, A, number))
        ledger.mine()
    play.lag(1, 20)
    play.spoil(0, 5)  # sends the second source, which lags, into a later round
    play.watch(A)
    play.poll()
    assert play.baseline(play.entries[0]).height == 40
    play.poll()
    end(play)
    assert {a.kind.value for a in play.alerts(play.entries[0])} == {"history"}


def test_history_that_is_reversed_is_corrected(tell: Tell) -> None:
    """The summary listed it while it could still be reversed; back again, it is no news."""
    ledger, play = tell({})
    ledger.mine(10)
    ledger.pay(*native(X, A, 5))
    ledger.mine()
    entry = play.watch(A)
    play.poll()
    ledger.reorg(1, "wait")
    for _ in range(3):
        ledger.mine(idle=True)
        play.poll()
    ledger.mine()
    play.poll()
    told = [of_kind(a.facts, Correction).state or a.kind.value for a in play.alerts(entry)]
    assert told[0] == "history"
    assert told[-1] == "included again"
    end(play)


def test_many_addresses_in_one_ask(tell: Tell) -> None:
    """A source that takes many is asked once for those that start at the same place."""
    ledger, play = tell({"many": True})
    for address in (A, B, Y):
        play.watch(address)
    play.poll()
    ledger.pay(*swap(A, B, 5))
    ledger.mine()
    asked = len(play.sources[0].asked)
    play.poll()
    first = play.sources[0].asked[asked]
    assert len(play.sources[0].asked) == asked + 1
    assert {s.address for s in first.subjects} == {A, B, Y}
    end(play)


def test_the_axis_of_slots(tell: Tell) -> None:
    """A chain that counts turns: recorded, covered and corrected as one that counts blocks."""
    ledger, play = tell({"axis": "slot", "page": 4})
    for number in range(30):
        ledger.pay(*native(X, A, number))
        ledger.mine(3)
    play.watch(A)
    play.poll()
    ledger.pay(*native(A, X, 5))
    ledger.mine()
    play.poll()
    ledger.reorg(1, "drop")
    ledger.mine()
    end(play)
    assert {row["axis"] for row in play.store.read("SELECT DISTINCT axis FROM coverage")} == {
        "slot"
    }


def test_the_axis_of_time(tell: Tell) -> None:
    """Tron counts in milliseconds and names no block for token rows; a reorganisation too."""
    source = {
        "axis": "time",
        "bundles": [["native"], ["internal"], ["trc20"]],
        "heightless": ["trc20"],
        "hashless": ["trc20", "native", "internal"],
        "page": 4,
    }
    ledger, play = tell(source, chain=TRON)
    for number in range(30):
        ledger.pay(*native(X, A, number), Move(Kind.TRC20, X, A, number, TOKEN))
        ledger.mine(3)
    play.watch(A)
    play.poll()
    ledger.pay(*native(A, X, 5), Move(Kind.TRC20, A, X, 5, TOKEN))
    ledger.mine()
    play.poll()
    ledger.reorg(1, "drop")
    for _ in range(8):  # no block's hash: final for it, then three heads
        ledger.mine()
        play.poll()
    assert "reversed" in {
        of_kind(a.facts, Correction).state
        for a in play.alerts(play.entries[0])
        if a.kind.value == "correction"
    }
    end(play)


def test_a_busy_address_is_held_back_below_first_contact_only(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much history stops and asks a person; news goes on, holes with news are read."""
    monkeypatch.setattr(transfers, "HISTORY_LIMIT", 40)
    ledger, play = tell({"page": 8})
    for number in range(80):
        ledger.pay(*native(X, A, number))
        ledger.mine(3)
    play.watch(A)
    play.poll()
    assert len(play.rows()) < 80
    (incident,) = incidents.incident_list(play.store, open_only=True)
    assert incident.signal.key.startswith("busy:")
    for number in range(60):
        ledger.pay(*native(X, A, number))
        ledger.mine(3)
    assert play.poll().alerts == 60
