"""Chains that are read as a whole: the same record as address by address, in fewer commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from world.evm_node import LOCAL
from world.fake_ledger import FakeLedger, FakeSource
from world.parts import anvil
from world.play import DAY, ETHEREUM, A, B, Play, X, Y, native, swap, token

from monitor.model import AlertKind, Ask, Batch, Entry, Kind, SourceConfig, Subject
from monitor.model.acts import DAEMON
from monitor.model.acts_trace import Follow
from monitor.model.scope import ChainWide
from monitor.net.http import Http
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.evm_rpc import EvmRpc
from monitor.store import follow, joined
from monitor.store.commit import commit

WHOLE = ChainWide("ethereum")
TOKENS = ["erc20", "erc721", "erc1155"]
# A node that has all lists; one that has tokens only, beside an explorer that has the rest too.
ALL: list[dict[str, object]] = [{"many": True}]
MIXED: list[dict[str, object]] = [
    {"many": True, "bundles": [["erc20", "erc721"], ["erc1155"]]},
    {"bundles": [["native"], ["internal"], TOKENS, ["issuer"]]},
]
Tell = Callable[..., tuple[FakeLedger, Play]]


@pytest.fixture
def tell(tmp_path: Path) -> Iterator[Tell]:
    """Makes a world of one chain with the given sources, nothing watched yet."""
    plays: list[Play] = []

    def make(*sources: dict[str, object]) -> tuple[FakeLedger, Play]:
        ledger = FakeLedger(ETHEREUM)
        told = [
            FakeSource(ledger, name, **terms)  # type: ignore[arg-type]
            for name, terms in zip(("one", "two"), sources, strict=False)
        ]
        folder = tmp_path / str(len(plays))
        folder.mkdir()
        plays.append(Play(folder, ledger, told))
        return ledger, plays[-1]

    yield make
    for play in plays:
        play.store.close()


def end(play: Play) -> None:
    play.settle()
    play.check()


def commits(play: Play, do: Callable[[], object]) -> int:
    """How often the record is written to while something is done."""
    seen: list[str] = []
    with play.store.write() as conn:
        conn.set_trace_callback(seen.append)
    do()
    with play.store.write() as conn:
        conn.set_trace_callback(None)
    return seen.count("COMMIT") - 2


def addresses(count: int) -> list[str]:
    return [f"0x{number:040x}" for number in range(16, 16 + count)]


def scopes(play: Play, table: str) -> set[str]:
    return {row["scope"] for row in play.store.read(f"SELECT DISTINCT scope FROM {table}")}


def test_first_contact_costs_no_more_commits_for_more_addresses(tell: Tell) -> None:
    """Nor does a quiet pass; all movements are told, and the summaries of what was before."""
    counts = []
    for number in (3, 120):
        ledger, play = tell(*ALL)
        watched = addresses(number)
        for address in watched:
            ledger.pay(*token(X, address, 5))
        ledger.mine(20)
        play.watch_all(watched)
        first = commits(play, play.poll)
        ledger.mine(3)
        quiet = commits(play, play.poll)
        for address in watched:
            ledger.pay(*token(X, address, 6))
        ledger.mine()
        assert play.poll().alerts == number
        counts.append((first, quiet))
        assert scopes(play, "coverage") == scopes(play, "reading") == {WHOLE.key}
        if number < 10:
            end(play)
    assert counts[0] == counts[1]


def test_a_movement_in_lists_of_both_kinds_is_one_alert(tell: Tell) -> None:
    """Coins by an explorer, address by address, tokens by a node for all: whoever is concerned is
    read in full before anything is decided; the chain-wide scope books its lists."""
    ledger, play = tell(*MIXED)
    entry, other = play.watch(A), play.watch(B)
    ledger.mine(10)
    play.poll()
    ledger.pay(*swap(A, X, 5))
    ledger.mine()
    play.poll()
    (alert,) = [a for a in play.alerts(entry) if a.kind is not AlertKind.HISTORY]
    assert len(alert.rows) == 6
    assert not [a for a in play.alerts(other) if a.kind is not AlertKind.HISTORY]
    rows = play.store.read("SELECT DISTINCT stream FROM coverage WHERE scope = ?", [WHOLE.key])
    assert {row["stream"] for row in rows} == set(TOKENS)
    rows = play.store.read("SELECT DISTINCT stream FROM coverage WHERE scope <> ?", [WHOLE.key])
    assert {row["stream"] for row in rows} == {"native", "internal"}
    end(play)


def test_a_kill_between_the_first_and_the_chain_wide_commit(tell: Tell) -> None:
    """What went first is recorded, the chain-wide lists are read again: nobody is told twice."""
    ledger, play = tell(*MIXED)
    entry = play.watch(A)
    play.poll()
    ledger.pay(*swap(A, X, 5))
    ledger.mine(6)
    play.drop()
    assert len(play.alerts(entry)) == 2
    play.poll()
    assert len(play.alerts(entry)) == 2
    end(play)


@pytest.mark.parametrize("sources", [ALL, MIXED], ids=["all", "mixed"])
def test_retired_and_listed_again(tell: Tell, sources: list[dict[str, object]]) -> None:
    """What was read while it was away does not count for it, and is read when it is back."""
    ledger, play = tell(*sources)
    play.watch(A)
    entry = play.watch(B)
    play.poll()
    play.away(B)
    for number in range(5):
        ledger.pay(*swap(X, B, number), *token(X, A, number))
        ledger.mine(3)
        play.poll()
    play.back()
    play.poll()
    assert len({a.tx for a in play.alerts(entry) if a.kind is AlertKind.MOVEMENT}) == 5
    end(play)


@pytest.mark.parametrize("sources", [ALL, MIXED], ids=["all", "mixed"])
def test_a_chain_changes_its_way_of_reading_and_back(
    tell: Tell, sources: list[dict[str, object]]
) -> None:
    """Nothing is missed, and nothing that was proven is read again."""
    ledger, play = tell(*sources)
    play.watch(A)
    play.poll()
    for number in range(6):
        ledger.pay(*swap(A, X, number), *native(X, A, number))
        ledger.mine(4)
        play.turn(0)
        asked = len(play.sources[0].asked)
        play.poll()
        lows = [ask.span.lo for ask in play.sources[0].asked[asked:]]
        assert min(lows) >= 4 * number - 4
    assert not joined.members(play.store, WHOLE) or play.sources[0].many
    end(play)


@pytest.mark.parametrize("sources", [ALL, MIXED], ids=["all", "mixed"])
def test_who_joins_late_reads_its_own_past(tell: Tell, sources: list[dict[str, object]]) -> None:
    """It is told as history, once it is complete, in the first pass; several ask together."""
    ledger, play = tell(*sources)
    play.watch(A)
    for number in range(30):
        ledger.pay(*swap(X, B, number), *token(X, Y, number))
        ledger.mine(3)
    ledger.mine(6)
    play.poll()
    late = [play.watch(B), play.watch(Y)]
    asked = len(play.sources[0].asked)
    play.poll()
    assert [[a.kind for a in play.alerts(entry)] for entry in late] == [[AlertKind.HISTORY]] * 2
    past = [ask for ask in play.sources[0].asked[asked:] if not ask.span.lo]
    assert {len(ask.subjects) for ask in past} == {2}
    asked = len(play.sources[0].asked)
    play.poll()
    assert all(ask.span.lo for ask in play.sources[0].asked[asked:])
    end(play)


def test_a_node_that_fails_leaves_its_lists_to_others(tell: Tell) -> None:
    """Each address is read elsewhere as long as that lasts; then as a whole again."""
    ledger, play = tell(*MIXED)
    entry = play.watch(A)
    play.watch(B)
    play.poll()
    for number in range(6):
        ledger.pay(*swap(A, X, number))
        ledger.mine(3)
        if number == 2:
            play.fail(0, 0)
        if number == 4:
            play.mend(0)
        assert not play.poll().unread
    assert {a.kind for a in play.alerts(entry)} == {AlertKind.HISTORY, AlertKind.MOVEMENT}
    assert play.store.read("SELECT 1 FROM transfer WHERE late") == []
    end(play)


def test_a_node_that_is_all_there_is_fails_once_for_all(tell: Tell) -> None:
    """Every address counts as unread; the reason is noted once, and nothing else is asked."""
    ledger, play = tell(*ALL)
    for address in (A, B):
        play.watch(address)
    play.poll()
    play.fail(0, 0)
    ledger.mine(3)
    report = play.poll(everything=False)
    assert set(report.unread) == {Subject("ethereum", a).key for a in (A, B)}
    assert scopes(play, "reading") == {WHOLE.key}
    play.mend(0)
    end(play)


@pytest.mark.parametrize("sources", [ALL, MIXED, [{}]], ids=["all", "mixed", "one by one"])
def test_an_address_is_followed_without_an_entry(
    tell: Tell, sources: list[dict[str, object]]
) -> None:
    """Its movements and fees are recorded, nobody is told; a budget bounds its own polls."""
    ledger, play = tell(*sources)
    play.watch(A)
    hop = Subject("ethereum", B)
    commit(play.store, DAEMON, Follow(ledger.now, hop, "C", "first hop", every=60))
    ledger.pay(*swap(B, X, 5))
    ledger.mine(6)
    play.poll()
    fees = [r for r in play.rows() if r.transfer.kind is Kind.FEE and r.transfer.sender == B]
    assert len(play.rows()) == 6
    assert len(fees) == 1
    assert {a.kind for e in play.entries for a in play.alerts(e)} == {AlertKind.HISTORY}
    (found,) = follow.followed(play.store)
    assert bool(found.used) == (sources is not ALL)
    due = play.store.read("SELECT due FROM scope WHERE key = ?", [hop.key])
    assert due[0]["due"] == ledger.now + 60


def test_a_gap_ends_with_the_membership(tell: Tell) -> None:
    """What the chain-wide reading could not read is read address by address after a change; it
    does not stay open for a reading that nobody does any more."""
    ledger, play = tell(*ALL)
    entry = play.watch(A)
    play.poll()
    ledger.pay(*token(X, A, 5))
    ledger.mine()
    play.spoil(0, 0)
    ledger.mine(6)
    play.poll()
    assert scopes(play, "gap") == {WHOLE.key}
    play.mend(0)
    play.turn(0)
    play.poll()
    assert not play.store.read("SELECT 1 FROM gap WHERE closed IS NULL")
    assert [a.kind for a in play.alerts(entry)][-1] is AlertKind.MOVEMENT
    end(play)


# A contract that writes what it is called with: three topics and the data after them.
THREE_TOPICS = "0x6060360380606060003760403590602035906000359060" + "00a300"
TETHER, BANK = "0x" + "7e" * 20, "0x" + "ba" * 20


@pytest.mark.real
@pytest.mark.slow
def test_a_thousand_addresses_over_a_node(tmp_path: Path) -> None:
    """As many commits as for ten, with first contact and without news; all movements are told."""
    counts = []
    for number in (10, 1000):
        with anvil(age=0) as rpc:
            rpc.call("anvil_setCode", TETHER, THREE_TOPICS)
            rpc.call("anvil_setBalance", BANK, hex(10**20))
            folder = tmp_path / str(number)
            folder.mkdir()
            newest = rpc.call("eth_getBlockByNumber", "latest", False)
            ledger = FakeLedger(LOCAL, int(newest["timestamp"], 16))
            config = SourceConfig("anvil", "evm_rpc", rpc.url)
            source = EvmRpc(config, LOCAL, Http("anvil", rpc.url))
            play = Play(folder, ledger, [source])  # type: ignore[list-item]
            play.watch_all(addresses(number))
            first = commits(play, play.poll)
            rpc.call("anvil_mine", hex(20))
            ledger.now += 300
            quiet = commits(play, play.poll)
            for address in addresses(number):
                call = {"from": BANK, "to": TETHER, "gas": hex(10**5)}
                rpc.call("eth_sendTransaction", call | {"data": paid(address)})
            rpc.call("evm_mine")
            ledger.now += 60
            assert play.poll().alerts == number
            counts.append((first, quiet))
            play.store.close()
    assert counts[0] == counts[1]


def paid(address: str) -> str:
    """What makes the contract write that it paid an address."""
    return f"{TRANSFER}{int(BANK, 16):064x}{int(address, 16):064x}{10**6:064x}"


def test_a_chain_is_due_by_itself(tell: Tell) -> None:
    """Read when its own time comes, though no address is due; the pass counts addresses alone."""
    ledger, play = tell(*MIXED)
    play.watch(A)
    assert play.poll().subjects == 1
    with play.store.write() as conn:
        conn.execute("UPDATE scope SET due = ? WHERE key <> ?", (ledger.now + 10**6, WHOLE.key))
    ledger.pay(*token(X, A, 5))
    ledger.mine()
    report = play.poll(everything=False)
    assert (report.subjects, report.wholes, report.alerts) == (0, 1, 1)


def news(play: Play, entry: Entry) -> list[tuple[AlertKind, int]]:
    """What was told to an entry after its summary, with the number of movements."""
    told = [a for a in play.alerts(entry) if a.kind is not AlertKind.HISTORY]
    return [(alert.kind, len(alert.rows)) for alert in told]


def test_an_address_that_is_due_alone_is_read_with_the_chain(tell: Tell) -> None:
    """However their due times lie: its movement is one decision, and one alert."""
    ledger, play = tell(*MIXED)
    entry = play.watch(A)
    play.every = 60
    ledger.mine(10)
    play.poll(everything=False)
    ledger.pay(*swap(A, X, 5))
    ledger.mine()
    with play.store.write() as conn:
        conn.execute("UPDATE scope SET due = CASE address WHEN '*' THEN ? ELSE 0 END", (2**60,))
    play.poll(everything=False)
    assert news(play, entry) == [(AlertKind.MOVEMENT, 6)]
    end(play)


def test_a_chain_and_its_addresses_come_due_together(tell: Tell) -> None:
    """However long the addresses take: the chain is not read anew for each of them."""
    ledger, play = tell(*MIXED)
    slow = play.sources[1]

    class Slow(FakeSource):
        def fetch(self, ask: Ask) -> Batch:
            ledger.now += 1
            return super().fetch(ask)

    slow.__class__ = Slow
    for address in addresses(5):
        play.watch(address)
    play.every = 300
    play.poll(everything=False)
    play.watch(A)  # at another moment
    ledger.now += 100
    play.poll(everything=False)
    due = play.store.read("SELECT DISTINCT due FROM scope")
    assert len(due) == 1
    assert due[0]["due"] > ledger.now


def test_what_a_node_cannot_read_is_read_elsewhere_at_once(tell: Tell) -> None:
    """A part that is missing in a chain-wide list is asked of the sources that have the list
    address by address; afterwards nothing is unread there."""
    ledger, play = tell(*MIXED)
    entry, other = play.watch(A), play.watch(B)
    play.poll()
    ledger.pay(*token(X, A, 5))
    ledger.mine()
    play.spoil(0, 0)
    play.poll()
    assert news(play, entry) == [(AlertKind.MOVEMENT, 1)]
    assert news(play, other) == []
    ledger.mine(8)
    play.poll()
    assert play.store.read("SELECT 1 FROM list_gap") == []
    asked = len(play.sources[1].asked)
    play.poll()
    assert not [ask for ask in play.sources[1].asked[asked:] if "erc20" in ask.streams]
    end(play)


def test_who_is_followed_only_keeps_its_budget(tell: Tell) -> None:
    """Its tokens are recorded by the chain-wide reading, for which it pays nothing."""
    ledger, play = tell(*MIXED)
    play.watch(A)
    hop = Subject("ethereum", B)
    act = Follow(ledger.now, hop, "C", "first hop", every=DAY, calls=4)
    commit(play.store, DAEMON, act)
    play.poll(everything=False)
    (before,) = follow.followed(play.store)
    for number in range(5):
        ledger.pay(*token(X, B, number))
        ledger.mine(6)
        play.poll(everything=False)
    (after,) = follow.followed(play.store)
    assert after.used == before.used
    assert len([r for r in play.rows() if B in r.transfer.parties()]) == 5


def test_what_the_chain_had_to_ask_is_asked_by_its_addresses(tell: Tell) -> None:
    """Once it is read one by one again, also where nobody has answered until then."""
    ledger, play = tell(*ALL)
    play.watch(A)
    play.poll()
    play.sources[0].dumb = True
    ledger.pay(*token(X, A, 5)[1:])
    ledger.mine()
    play.poll()
    assert {row["scope"] for row in play.store.read("SELECT scope FROM doubt")} == {WHOLE.key}
    play.turn(0)
    play.sources[0].dumb = False
    ledger.mine(8)
    play.poll()
    assert play.store.read("SELECT 1 FROM doubt") == []
    end(play)


def test_nobody_joins_under_a_head_that_is_not_believed(tell: Tell) -> None:
    """The place would be none of this chain. Once the lie is over it is read with the others."""
    ledger, play = tell(*ALL)
    play.watch(A)
    ledger.mine(30)
    play.poll()
    play.high(0, 6, 0)
    play.watch(B)
    play.poll()
    assert joined.members(play.store, WHOLE).keys() == {Subject("ethereum", A)}
    play.mend(0)
    ledger.mine(3)
    play.poll()
    assert joined.members(play.store, WHOLE).keys() == {Subject("ethereum", a) for a in (A, B)}
    end(play)


def test_first_contact_is_drawn_by_the_lowest_head(tell: Tell) -> None:
    """Of the chain-wide lists and of its own: what an explorer that lags shows later is news."""
    ledger, play = tell(*MIXED)
    ledger.mine(10)
    play.lag(1, 3)
    entry = play.watch(A)
    play.poll()
    assert play.baseline(entry).height == 7
    end(play)


def test_after_a_long_time_away_a_movement_still_is_one_alert(tell: Tell) -> None:
    """More than a node hands out at once: an address with news reads all its lists itself."""
    ledger, play = tell({**MIXED[0], "page": 8}, MIXED[1])
    entry, other = play.watch(A), play.watch(B)
    play.poll()
    for number in range(12):
        ledger.pay(*swap(A, X, number), *token(X, A, number))
        ledger.pay(*swap(B, X, number))
        ledger.mine(9)
    play.poll()
    assert news(play, entry) == [(AlertKind.MOVEMENT, 7)] * 12
    assert news(play, other) == [(AlertKind.MOVEMENT, 6)] * 12
    end(play)


@pytest.mark.parametrize("sources", [ALL, MIXED], ids=["all", "mixed"])
def test_the_trailing_window_reaches_below_the_place_of_joining(
    tell: Tell, sources: list[dict[str, object]]
) -> None:
    """What a list left out before a chain is read as a whole is found the next day as ever."""
    ledger, play = tell(*sources)
    play.turn(0)
    entry = play.watch(A)
    play.poll()
    ledger.pay(*token(X, A, 5))
    ledger.mine()
    play.hide(0, 0)
    ledger.mine(20)
    play.poll()
    play.turn(0)
    play.poll()
    play.mend(0)
    play.day()
    play.poll()
    assert news(play, entry) == [(AlertKind.LATE, 1)]
    end(play)


def test_the_summary_waits_for_the_lists_of_an_address(tell: Tell) -> None:
    """Also where these have failed for so long that nobody would wait for them any more: they are
    asked once more before it is told."""
    ledger, play = tell(*MIXED)
    for number in range(5):
        ledger.pay(*swap(X, A, number))
        ledger.mine(5)
    entry = play.watch(A)
    play.fail(1, 0)
    play.poll()
    assert play.alerts(entry) == []
    play.mend(1)
    play.day()
    play.poll()
    (summary,) = play.alerts(entry)
    assert len(summary.rows) == 25
    end(play)


def test_one_of_very_many_is_not_read_with_all(tell: Tell) -> None:
    """Where it is due alone it reads its lists by itself, and its movement is one alert, too."""
    ledger, play = tell(*MIXED)
    entry = play.watch(A)
    for address in addresses(520):
        act = Follow(ledger.now, Subject("ethereum", address), "C", "a hop", every=DAY)
        commit(play.store, DAEMON, act)
    play.every = 60
    ledger.mine(10)
    play.poll(everything=False)
    ledger.pay(*swap(A, X, 5))
    ledger.mine()
    with play.store.write() as conn:
        conn.execute("UPDATE scope SET due = ? WHERE address <> ?", (2**60, A))
    ledger.now += 60
    asked = len(play.sources[0].asked)
    play.poll(everything=False)
    assert news(play, entry) == [(AlertKind.MOVEMENT, 6)]
    assert {len(ask.subjects) for ask in play.sources[0].asked[asked:]} == {1}
