"""A chain that is read block by block: a real node, an explorer that shows the same chain, and the
program over both. Who joins, what is owed, what a reorganisation undoes, how the way changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from world.evm_feed import EvmFeed
from world.home import Home, dev_chain
from world.parts import Rpc, anvil
from world.scripted_server import Call, Reply, serve

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.loops.clock import now
from monitor.loops.health import entry_status
from monitor.loops.health.snapshot import ListStatus
from monitor.loops.health.status import snapshot
from monitor.loops.health.words import render
from monitor.loops.passing import PassReport
from monitor.model import Interval, Subject, intervals
from monitor.store import blocks, watch
from monitor.store.not_covered import not_covered
from monitor.store.watch import PARKED

pytestmark = pytest.mark.real

ALICE, BOB, CAROL = ("0x" + pair * 20 for pair in ("a1", "b2", "c3"))
PAYER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
FINALITY = 12
LISTS = ("native", "internal", "erc20", "erc721", "erc1155")


@dataclass
class Desk:
    """A home over a node, behind a server that counts and can be shut, and over an explorer."""

    rpc: Rpc
    home: Home
    feed: EvmFeed
    explorer: Explorer
    node: str  # url of the server before the node
    asked: Counter[str] = field(default_factory=Counter)  # of the node, by method
    shut: bool = False
    still: bool = False  # the node knows no newer block any more
    _told: dict[str, Any] = field(default_factory=dict)

    def pay(self, *recipients: str) -> list[str]:
        sent = [
            self.rpc.call("eth_sendTransaction", {"from": PAYER, "to": each, "value": hex(10**15)})
            for each in recipients
        ]
        self.mine()
        return [str(each) for each in sent]

    def mine(self, number: int = 1) -> None:
        for _ in range(number):
            self.rpc.call("evm_mine")
        self.feed.sync()

    def watch(self, *addresses: str, **more: object) -> None:
        listed = [{"address": a, "chain": "dev", "label": a[:6], **more} for a in addresses]
        self.home.write("watchlist.yaml", {"addresses": listed})

    @contextmanager
    def reading(self, way: str, *sources: str, **more: object) -> Iterator[Open]:
        asked = sources or ("node", "lists")
        chain = {**dev_chain(*asked, finality=FINALITY), "read": way, **more}
        self.home.write("config/chains.yaml", {"chains": {"dev": chain}})
        with open_home(self.home.path, {}) as app:
            yield Open(app)

    def calls_of_lists(self) -> int:
        """How often the explorer was asked for a list of an address."""
        kinds = ("txlist", "txlistinternal", "tokentx")
        calls = self.explorer.calls.items()
        return sum(number for (_, _, name), number in calls if name.rpartition("/")[2] in kinds)

    def answer(self, call: Call) -> Reply:
        for each in call.body if isinstance(call.body, list) else [call.body]:
            self.asked[each["method"]] += 1
        if self.shut:
            return Reply({"error": "down"}, 503)
        reply = requests.post(self.rpc.url, json=call.body, timeout=60)
        newest = str(call.body.get("params")) if isinstance(call.body, dict) else ""
        if "'latest'" in newest or "'finalized'" in newest:
            told = reply.json()["result"]
            told = self._told.setdefault(newest, told) if self.still else told
            self._told[newest] = told
            return Reply({"jsonrpc": "2.0", "id": call.body["id"], "result": told})
        return Reply(reply.content, reply.status_code)


@dataclass
class Open:
    """The home, open."""

    app: Fundwatch

    def poll(self, *, everything: bool = False) -> PassReport:
        self.app.store.read("SELECT 1")
        for pool in self.app.pools.values():
            pool.wake()  # a head that was named a second ago is asked for again
        with self.app.store.write() as conn:
            conn.execute("UPDATE scope SET due = 0 WHERE due < ?", (PARKED,))
        self.app.reload()
        return self.app.poll(everything=everything)

    def work_off(self) -> None:
        with self.app.store.write() as conn:
            conn.execute("UPDATE debt SET due = 0")
        for pool in self.app.pools.values():
            pool.wake()
        self.app.debts.work(20)

    def rows(self) -> Counter[tuple[str, str]]:
        """Transactions with the status of their row."""
        rows = self.app.store.read("SELECT tx, status FROM transfer")
        return Counter((row["tx"], row["status"]) for row in rows)

    def told(self, kind: str = "movement") -> Counter[str]:
        rows = self.app.store.read("SELECT tx FROM alert WHERE kind = ?", [kind])
        return Counter(row["tx"] for row in rows)

    def status(self) -> str:
        found = snapshot(self.app.store, self.app.settings, now(), running=True)
        return " ".join(render(found, everything=True, width=None).split())

    def lists(self, address: str) -> Sequence[ListStatus]:
        """How each list of the one entry on an address stands."""
        store, settings = self.app.store, self.app.settings
        found = entry_status.entries_read(store, settings, now(), running=True)
        (mine,) = (entry.streams for entry in found if entry.address == address)
        return mine

    def covered(self, address: str) -> dict[str, tuple[Interval, ...]]:
        """What counts as read of an address, list by list."""
        found = self.app.store.read(
            "SELECT stream, lo, hi FROM list_coverage WHERE subject = ? AND axis = 'height'",
            [f"dev/{address}"],
        )

        parts: dict[str, list[Interval]] = {}
        for row in found:
            parts.setdefault(row["stream"], []).append(Interval(row["lo"], row["hi"]))
        return {stream: intervals.union(each) for stream, each in parts.items()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with anvil("--slots-in-an-epoch", "1") as rpc, Explorer() as explorer:
        ledger = AccountLedger()
        made = Desk(rpc, Home(tmp_path), EvmFeed(rpc, ledger), explorer, "")
        made.mine(20)
        explorer.add("dev", ledger, "etherscan", chain_id=31337)
        with serve(made.answer) as server:
            node = {"kind": "evm_rpc", "url": server.url, "rate_per_second": 1000}
            lists = {"kind": "etherscan", "url": explorer.url("dev", "etherscan"), "index_lag": 0,
                     "rate_per_second": 1000, "api_key_env": "EXPLORER_KEY"}  # fmt: skip
            made.home.write("config/sources.yaml", {"sources": {"node": node, "lists": lists}})
            made.home.write(".env", "EXPLORER_KEY=key")
            (made.home.path / ".env").chmod(0o600)
            made.home.write("config/settings.yaml", {"every": 2, "prices": "none"})
            yield made


def test_who_joins_costs_no_call_and_its_history_is_owed(desk: Desk) -> None:
    """The history is read in the background, and told of as a history."""
    (before,) = desk.pay(ALICE)
    desk.mine(20)
    desk.watch(ALICE, BOB, severity="severe")
    with desk.reading("blocks") as home:
        home.poll()
        assert desk.calls_of_lists() == 0
        assert home.rows() == {}
        owed = blocks.owed(home.app.store, "dev")
        assert (owed.history, owed.severe, owed.waits, owed.blind) == (2, 2, 0, 0)
        (tx,) = desk.pay(BOB)
        home.poll()
        assert home.told() == {tx: 1}
        home.work_off()
        owed = blocks.owed(home.app.store, "dev")
        assert (owed.history, owed.severe, owed.waits, owed.blind) == (0, 0, 2, 0)
        said = home.status()
        assert "lies below the block at which it joined was read, and waits for confirm" in said
        assert "history of 2 addresses was read up to the block of joining, and waits" in said
        desk.mine(FINALITY)
        home.work_off()
        assert blocks.owed(home.app.store, "dev").waits == 0
        assert desk.calls_of_lists() > 0
        assert home.told() == {tx: 1}
        assert {name for name, _ in home.rows()} == {before, tx}
        histories = home.app.store.read("SELECT entry FROM alert WHERE kind = 'history'")
        assert len(histories) == 2
        joined = blocks.members(home.app.store, "dev")[ALICE]
        desk.mine(30)
        home.poll()
        covered = home.covered(ALICE)
        for stream in LISTS:
            (span,) = covered[stream]
            assert span.lo == 0
            assert span.hi > joined


def test_a_node_alone_reads_all_that_it_can(desk: Desk) -> None:
    """What blocks hold beside the lists of addresses (withdrawals, tips) is owed to nobody below
    the block of joining: histories are told of, nobody stays behind."""
    desk.watch(ALICE, BOB)
    with desk.reading("blocks", "node") as home:
        home.poll()
        (tx,) = desk.pay(BOB)
        desk.mine(FINALITY)
        home.poll()
        home.work_off()
        histories = home.app.store.read("SELECT entry FROM alert WHERE kind = 'history'")
        assert len(histories) == 2
        assert home.told() == {tx: 1}
        assert (
            "2 of 2 entries fully read; no source covers what moved in native and internal on dev "
            "before an address joined"
        ) in home.status()
        (bob,) = watch.entries_of(home.app.store, [Subject("dev", BOB)])[Subject("dev", BOB)]
        said = " ".join(not_covered(home.app.store, bob.entry, home.app.settings.chains))
        joined = blocks.members(home.app.store, "dev")[BOB]
        assert f"read from block {joined} on; no configured source lists what moved before" in said
        assert f"missing, of blocks before {joined}: withdrawals of validators; rewards" in said


@pytest.mark.parametrize("sources", [("node",), ("node", "lists")])
def test_lists_in_blocks_alone_are_said_to_have_no_second_word(
    desk: Desk, sources: tuple[str, ...]
) -> None:
    """Where an explorer has them of an address, it can be asked: it is a second operator."""
    desk.watch(ALICE)
    path = desk.home.path / "config/sources.yaml"
    rows = yaml.safe_load(path.read_text())["sources"]
    rows["node"]["operator"] = "ours"
    desk.home.write("config/sources.yaml", {"sources": rows})
    with desk.reading("blocks", *sources) as home:
        home.poll()
        desk.mine(FINALITY)
        home.poll()
        home.app.second.round(1)
        said = home.status()
    alone = sources == ("node",)
    no_other = (
        "Read from blocks alone, so that no second operator can be asked: dev (native, internal)"
    )
    assert (no_other in said) == alone
    assert ("No second operator is set up: dev (tokens, NFTs)" in said) == alone
    assert ("No second operator is set up" in said) == alone


def test_a_block_is_fetched_once_and_becomes_final_by_its_descendants(desk: Desk) -> None:
    desk.watch(ALICE)
    with desk.reading("blocks") as home:
        home.poll()
        (tx,) = desk.pay(ALICE)
        home.poll()
        assert home.rows() == {(tx, "provisional"): 1}
        for _ in range(8):
            desk.mine(2)
            home.poll()
        desk.asked.clear()
        home.poll()  # nothing is new
        assert not desk.asked["eth_getLogs"]
        assert not desk.asked["trace_block"]
        desk.mine(3)
        home.poll()
        assert desk.asked["trace_block"] == 3
        assert home.rows() == {(tx, "final"): 1}
        assert home.told() == {tx: 1}
        proven = blocks.reading_of(home.app.store, "dev")
        assert proven is not None
        assert proven.behind == 0
        assert proven.head == proven.covered_to == int(desk.rpc.call("eth_blockNumber"), 16)
        assert proven.proven_to == (proven.head or 0) - FINALITY


@pytest.mark.parametrize("depth", [1, 5, FINALITY - 1])
def test_a_reorganisation_is_found_at_the_next_block(desk: Desk, depth: int) -> None:
    """While the program runs, and while it does not."""
    desk.watch(ALICE, BOB)
    with desk.reading("blocks") as home:
        home.poll()
        desk.mine(2)
        gone, stays = desk.pay(ALICE)[0], ""
        desk.mine(depth - 1)
        home.poll()
        assert home.rows() == {(gone, "provisional"): 1}
        desk.rpc.call("anvil_reorg", depth, [])
        (stays,) = desk.pay(BOB)
        home.poll()
        assert home.rows() == {(gone, "orphaned"): 1, (stays, "provisional"): 1}
        assert home.told() == {gone: 1, stays: 1}
        assert home.told("correction") == {gone: 1}
    desk.mine(depth - 1)
    desk.rpc.call("anvil_reorg", depth, [])
    desk.mine(1)
    with desk.reading("blocks") as home:
        home.poll()
        assert home.rows() == {(gone, "orphaned"): 1, (stays, "orphaned"): 1}
        assert home.told("correction") == {gone: 1, stays: 1}


def test_the_way_changes_without_a_gap_or_a_repeat(desk: Desk) -> None:
    desk.watch(ALICE, BOB)
    paid: list[str] = []
    for way in ("addresses", "blocks", "addresses", "blocks", "blocks", "addresses"):
        with desk.reading(way) as home:
            for _ in range(3):
                home.poll()
                paid += desk.pay(ALICE, BOB)
            home.poll()
            assert home.told() == dict.fromkeys(paid, 1) or way == "addresses"
        desk.mine(3)
        paid += desk.pay(ALICE)
    desk.mine(20)
    with desk.reading("blocks") as home:
        home.poll()
        home.work_off()
        home.poll()
        assert home.rows() == dict.fromkeys([(tx, "final") for tx in paid], 1)
        assert home.told() == dict.fromkeys(paid, 1)
        for address in (ALICE, BOB):
            covered = home.covered(address)
            assert {stream: len(covered[stream]) for stream in LISTS} == dict.fromkeys(LISTS, 1)
            assert {covered[stream][0].lo for stream in LISTS} == {0}


def test_blocks_that_cannot_be_read(desk: Desk) -> None:
    """Severe entries are read by address meanwhile; once the node is back, nothing is missing."""
    desk.home.write("watchlist.yaml", {"addresses": [
        {"address": ALICE, "chain": "dev", "severity": "severe"},
        {"address": BOB, "chain": "dev", "severity": "medium"}]})  # fmt: skip
    with desk.reading("blocks") as home:
        home.poll()
        home.work_off()
        desk.shut = True
        paid = desk.pay(ALICE, BOB)
        home.poll()
        assert home.told() == {}
        with home.app.store.write() as conn:  # it has lasted
            conn.execute("UPDATE reading SET failing = failing - 400 WHERE scope = 'dev/*'")
        home.poll()
        assert blocks.owed(home.app.store, "dev").blind == 1
        home.app.debts.work(5)
        assert home.told() == {paid[0]: 1}
        state = blocks.reading_of(home.app.store, "dev")
        assert state is not None
        assert state.failing
        desk.shut = False
        home.poll()
        assert home.told() == dict.fromkeys(paid, 1)
        assert blocks.owed(home.app.store, "dev").blind == 0


def test_who_is_watched_no_more_leaves(desk: Desk) -> None:
    desk.watch(ALICE, BOB)
    with desk.reading("blocks") as home:
        home.poll()
        desk.mine()
        home.poll()
        desk.home.write(
            "watchlist.yaml",
            {
                "addresses": [
                    {"address": ALICE, "chain": "dev"},
                    {"address": CAROL, "chain": "dev"},
                    {"address": BOB, "chain": "dev", "retired": '2026-11-29 Ann "no more"'},
                ]
            },
        )
        home.poll()
        members = blocks.members(home.app.store, "dev")
        assert members.keys() == {ALICE, CAROL}
        assert members[CAROL] > members[ALICE]
        (tx,) = desk.pay(CAROL)
        home.poll()
        assert home.told() == {tx: 1}


def test_a_node_that_stands_still_is_found_by_the_others(desk: Desk) -> None:
    """What it has counts; severe entries are read by address meanwhile."""
    desk.watch(ALICE, severity="severe")
    with desk.reading("blocks") as home:
        home.poll()
        home.poll()
        desk.still = True
        desk.mine(60)
        (tx,) = desk.pay(ALICE)
        report = home.poll()
        assert report.unread
        state = blocks.reading_of(home.app.store, "dev")
        assert state is not None
        assert "behind" in state.why
        assert state.behind == 61
        with home.app.store.write() as conn:  # it has lasted
            conn.execute("UPDATE reading SET failing = failing - 400 WHERE scope = 'dev/*'")
        home.poll()
        home.app.debts.work(5)
        assert home.told() == {tx: 1}
        desk.still = False
        home.poll()
        assert home.told() == {tx: 1}
        state = blocks.reading_of(home.app.store, "dev")
        assert state is not None
        assert (state.behind, state.failing) == (0, None)
