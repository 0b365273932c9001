"""Reading a subject: long histories to their end, heads asked for once, shared answers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from world.fake_ledger import FakeLedger, FakeSource
from world.home import evm_home
from world.play import ETHEREUM, A, Play

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import Tx
from monitor.loops.pool import SourcePool
from monitor.loops.reading import split
from monitor.model import (
    Axis,
    Batch,
    Chain,
    Head,
    Kind,
    SourceConfig,
    Subject,
    TokenFacts,
    Transfer,
)
from monitor.model.errors import Refused, SourceError, Unavailable
from monitor.net.http import Http
from monitor.net.sources.etherscan import Etherscan

ALICE, BOB, CAROL = ("0x" + name * 40 for name in "abc")
DEV = Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337)


def paid(count: int, to: str) -> AccountLedger:
    """A chain on which `to` was paid once a block, and which went on for some blocks."""
    ledger = AccountLedger()
    for number in range(count):
        ledger.mine([Tx(f"0x{number:064x}", CAROL, to, number + 1)])
    for _ in range(200):
        ledger.mine()
    return ledger


def test_long_history_is_read_in_one_poll(tmp_path: Path, explorer: Explorer) -> None:
    """What the head jumps over is read in the same poll: no part of a history that takes
    several fetches is left for a next one."""
    explorer.add("dev", paid(4500, ALICE), "etherscan", chain_id=31337)
    home = evm_home(tmp_path, explorer.url("dev", "etherscan"), "etherscan", [ALICE])
    home.run("poll")
    assert sorted(int(row["amount"]) for row in home.transfers()) == list(range(1, 4501))


def test_one_thread_asks_for_a_head_and_all_get_it(explorer: Explorer) -> None:
    """Eight threads that need a head at the same time cost one call for it."""
    ledger = paid(1, ALICE)
    explorer.add("dev", ledger, "etherscan", chain_id=31337)
    explorer.knobs("dev", "etherscan").delay = 0.05
    url = explorer.url("dev", "etherscan")
    source = Etherscan(SourceConfig("mine", "etherscan", url), DEV, Http("mine", url))
    pool = SourcePool(DEV, [source])
    with ThreadPoolExecutor(8) as threads:
        heads = list(threads.map(pool.head, [source] * 8))
    assert {head.height for head in heads} == {ledger.head.height}
    assert explorer.calls["dev", "etherscan", "eth_blockNumber"] == 1


def test_an_outage_of_seconds_seen_by_many_addresses_is_one_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two hundred lists that fail at the same moment leave the source alone for seconds; only
    one that stays away, or that refuses, is left alone for longer, and never for long."""
    source = Etherscan(SourceConfig("mine", "etherscan", "http://x"), DEV, Http("mine", "http://x"))
    pool = SourcePool(DEV, [source])
    moment = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    waits = []
    for _ in range(8):
        for _ in range(200):
            pool.failed(source, SourceError("refused the connection"), frozenset({"native"}))
        begun = moment[0]
        while not pool.usable(source, everything=False):
            moment[0] += 1
        waits.append(int(moment[0] - begun))
    assert (waits[0], max(waits)) == (15, 120)
    pool.worked(source)
    pool.failed(source, Refused("no such key"), frozenset({"native"}))
    moment[0] += 899
    assert not pool.usable(source, everything=False)


def test_a_source_that_hangs_is_not_waited_for_once_a_list(tmp_path: Path) -> None:
    """After two calls in a row that hung, one poll of everything leaves it alone too; a call
    that fails at once, or one that hung alone, does not count."""
    ledger = FakeLedger(ETHEREUM)
    one, two = FakeSource(ledger, "one"), FakeSource(ledger, "two")
    play = Play(tmp_path, ledger, [one, two])
    ledger.mine(20)
    play.watch(A)
    poller = play.poller()
    pool = poller.world.pools["ethereum"]
    native = frozenset({"native"})
    pool.failed(one, Unavailable("no full answer"), native, seconds=20)
    pool.failed(one, Unavailable("refused the connection"), native)
    assert pool.usable(one, everything=True)
    pool.worked(one)
    for _ in range(2):
        assert pool.usable(one, everything=True)
        pool.failed(one, Unavailable("no full answer"), native, seconds=20)
    report = poller.run_pass(everything=True)
    assert (one.asked, report.unread) == ([], {})
    assert two.asked
    pool.wake()
    assert pool.usable(one, everything=False)
    play.store.close()


def told(tx: str, sender: str, recipient: str, contract: str | None = None) -> Transfer:
    return Transfer("dev", tx, tx, Kind.ERC20, sender, recipient, 1, contract=contract)


def test_split_gives_each_subject_its_rows_once() -> None:
    """A row between two of the subjects goes to both, a self-transfer once, others' to none;
    token facts go with the rows that name the token."""
    rows = (
        told("1", ALICE, BOB, "0x1"),
        told("2", ALICE, ALICE, "0x2"),
        told("3", CAROL, CAROL),
    )
    subjects = [Subject("dev", ALICE), Subject("dev", BOB)]
    facts = (TokenFacts("0x1"), TokenFacts("0x2"))
    streams = frozenset({"erc20"})
    whole = Batch("mine", tuple(subjects), streams, Axis.HEIGHT, Head(9, 9), rows, tokens=facts)
    parts = split(whole, subjects)
    assert {s.address: [t.tx for t in part.transfers] for s, part in parts.items()} == {
        ALICE: ["1", "2"],
        BOB: ["1"],
    }
    assert [[t.contract for t in part.tokens] for part in parts.values()] == [
        ["0x1", "0x2"],
        ["0x1"],
    ]
    assert all(part.subjects == (subject,) for subject, part in parts.items())
