"""Whether a list is past a block, asked by what strangers moved above it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import EvmWorld
from world.home import ALICE, BANK, BOB, Scene, opened, payment
from world.recordings import RECORDED, needs_recordings

from monitor.app.fundwatch import Fundwatch
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, TokenName
from monitor.demo.world.moves import TokenMove
from monitor.demo.world.service import Knobs
from monitor.loops.current import CurrentLists
from monitor.loops.witness import Witness
from monitor.model import Chain, Interval, SourceConfig, Subject
from monitor.model.balance import Figure
from monitor.model.errors import NotServed
from monitor.model.finding import Finding, Shown
from monitor.net import sources
from monitor.net.http import Http
from monitor.net.sources import evm_others
from monitor.net.sources.evm_logs import TRANSFER, topic_of

TOKEN = "0x" + "7" * 40
FRIENDS = ["0x" + letter * 40 for letter in "123"]
LOCAL = Chain("local", "Local", "evm", "ETH", 18, 0, chain_id=31337)
ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 12, 12, chain_id=1)


@dataclass
class Asked:
    scene: Scene
    app: Fundwatch
    finding: Finding

    @property
    def knobs(self) -> Knobs:
        return self.scene.explorer.knobs("dev", "etherscan")

    def pay(self, *recipients: str) -> int:
        """Strangers, or whoever is named, get tokens and coins in one block; returns it."""
        txs = [
            replace(
                payment(700 + self.scene.ledger.head.height * 10 + n, BANK, each, 5),
                tokens=(TokenMove("ERC-20", TOKEN, BANK, each, 5),),
            )
            for n, each in enumerate(recipients)
        ]
        self.scene.ledger.mine(txs)
        return self.scene.ledger.head.height

    def settle(self) -> None:
        for _ in range(14):
            self.scene.ledger.mine()
        self.app.pools["dev"].forget_heads()
        self.scene.explorer.forget_calls()

    @property
    def calls(self) -> int:
        """But for those that say which block is the newest, and of which chain."""
        heads = ("eth_blockNumber", "eth_getBlockByNumber")
        return sum(n for key, n in self.scene.explorer.calls.items() if key[2] not in heads)

    def ask(self, stream: str = "erc20") -> Finding:
        world = self.app.reconciler.world
        witness = Witness(world.pools["dev"], world.clock)
        asset = "" if stream in ("native", "internal") else TOKEN
        finding = replace(self.finding, contract=asset)
        return CurrentLists(self.app.store, world, witness).ask(finding, [(stream, "mine")])

    def shown(self, stream: str = "erc20") -> list[bool]:
        return [each.past for each in self.ask(stream).shown]


@contextmanager
def asked(path: Path) -> Iterator[Asked]:
    with opened(path) as (scene, app):
        scene.ledger.tokens[TOKEN] = TokenName("USDT", "Tether USD", 6)
        top = scene.ledger.head
        figure = Figure(Subject("dev", ALICE), TOKEN, *[top.height] * 2, top.time, 5, "mine", 0)
        yield Asked(scene, app, Finding("B-1", figure.subject, TOKEN, None, figure, 5, 1, looked=1))


@pytest.mark.parametrize("stream", ["erc20", "native"])
def test_a_list_that_holds_a_strangers_movement_is_past_it(tmp_path: Path, stream: str) -> None:
    with asked(tmp_path) as one:
        height = one.pay(FRIENDS[0])
        one.settle()
        rows = one.scene.home.sql("SELECT count(*) FROM transfer")
        found = one.ask(stream)
        assert found.shown == (Shown(stream, "mine", height, past=True),)
        assert found.said == (f"mine lists movements of block {height:,} already",)
        assert found.probed is not None
        assert one.calls <= 4
        assert one.scene.home.sql("SELECT count(*) FROM transfer") == rows


@pytest.mark.parametrize("stream", ["erc20", "native"])
def test_a_list_that_lacks_two_of_them_is_behind(tmp_path: Path, stream: str) -> None:
    with asked(tmp_path) as one:
        one.knobs.lag[stream] = 40
        height = one.pay(*FRIENDS[:2])
        one.settle()
        (shown,) = one.ask(stream).shown
        assert not shown.past
        assert shown.words == f"mine is behind: it does not list what moved in block {height:,} yet"
        assert one.calls <= 4


def test_one_stranger_alone_is_not_enough_to_call_it_behind(tmp_path: Path) -> None:
    with asked(tmp_path) as one:
        one.knobs.lag["erc20"] = 40
        one.pay(FRIENDS[0])
        one.settle()
        assert one.shown() == []


def test_contracts_that_are_not_listed_prove_nothing(tmp_path: Path) -> None:
    with asked(tmp_path) as one:
        one.knobs.lag["erc20"] = 40
        for each in FRIENDS:
            one.scene.ledger.tokens[each] = TokenName("X", "X", 0)
        one.pay(*FRIENDS)
        one.settle()
        assert one.shown() == []


def test_nobody_whom_we_know_is_named_to_a_source(tmp_path: Path) -> None:
    with asked(tmp_path) as one:
        one.pay(ALICE, BOB)
        one.settle()
        one.knobs.seen = []
        assert one.shown() == []
        named = json.dumps([dict(request.query) for request in one.knobs.seen])
        assert TOKEN in named
        assert ALICE not in named
        assert BOB not in named


def test_what_can_still_be_replaced_and_a_second_time_are_not_asked(tmp_path: Path) -> None:
    with asked(tmp_path) as one:
        one.pay(FRIENDS[0])
        assert one.ask().probed is None  # nothing above it is final
        one.settle()
        one.finding = one.ask()
        one.scene.explorer.forget_calls()
        assert one.ask() == one.finding
        assert not one.scene.explorer.calls


def test_calls_inside_transactions_are_asked_of_nobody_who_shows_none(tmp_path: Path) -> None:
    with asked(tmp_path) as one:
        one.pay(FRIENDS[0])
        one.settle()
        assert one.shown("internal") == []


def test_of_issuers_acts_the_list_is_the_logs_themselves(tmp_path: Path) -> None:
    with asked(tmp_path) as one:
        one.pay(FRIENDS[0])
        one.settle()
        one.knobs.lag["log"] = 40
        assert one.shown("issuer") == []
        one.knobs.lag.clear()
        assert one.shown("issuer") == [True]


# -- what sources answer ------------------------------------------------------------------------


def log(recipient: str, number: int = 1, **more: Any) -> dict[str, Any]:
    ends = [topic_of(BANK), topic_of(recipient)]
    return {
        "address": TOKEN, "topics": [TRANSFER, *ends], "data": "0x05", "blockNumber": "0x10",
        "transactionHash": f"0x{number:064x}", **more,
    }  # fmt: skip


HOSTILE = [
    None,
    {},
    log("0x" + "0" * 40),
    log("0x" + "0" * 37 + "dea"),
    log(TOKEN),
    log(BANK),
    log(FRIENDS[1], data="0x"),
    log(FRIENDS[1], topics=[TRANSFER]),
    log(FRIENDS[1], topics="x"),
    log(FRIENDS[1], address=ALICE),
    log(FRIENDS[1], removed=True),
    log(FRIENDS[1], blockNumber="0x99"),
    log(FRIENDS[1], transactionHash="0x1"),
]


def test_only_plain_movements_between_the_blocks_are_taken() -> None:
    span = Interval(10, 20)
    logs = [*HOSTILE, log(FRIENDS[0], 7), log(FRIENDS[2], 8), log(FRIENDS[2], 9)]
    found = evm_others.logged(ETHEREUM, TOKEN, logs, span)
    assert [(each.recipient, each.height) for each in found] == [(FRIENDS[0], 16)]  # not the busy


@pytest.mark.parametrize("told", [None, [], "x", {"transactions": "x"}, {"transactions": 5}])
def test_what_is_no_block_is_no_word(told: object) -> None:
    with pytest.raises(NotServed):
        evm_others.in_block(ETHEREUM, told, 16)


@needs_recordings
def test_recorded_logs_and_blocks_show_who_got_what() -> None:
    def of(name: str) -> Any:
        return json.loads((RECORDED / name).read_text("utf-8"))["result"]

    contract, height = "0xdf5e0e81dff6faf3a7e52ba697820c5e32d806a8", 0xA3769B
    for name in ("etherscan/logs_getLogs_single.json", "blockscout/pro_getLogs_null_topics.json"):
        span = Interval(height, height)
        (one,) = evm_others.logged(ETHEREUM, contract, of(name), span)
        assert one.recipient == "0x5dbcf33d8c2e976c6b560249878e6f1491bca25c"
    block = of("etherscan/proxy_eth_getBlockByNumber_full.json")
    found = evm_others.in_block(ETHEREUM, block, int(block["number"], 16))
    paid = {tx["hash"]: tx for tx in block["transactions"]}
    assert found
    assert all(paid[each.tx]["to"] == each.recipient for each in found)
    assert all(int(paid[each.tx]["value"], 16) > 0 for each in found)


def source_of(kind: str, url: str) -> Any:
    config = SourceConfig("mine", kind, url)
    options = sources.http_options(config, LOCAL)
    http = Http("mine", options.base_url, params=options.params, attempts=1)
    return sources.build(config, LOCAL, http)


@pytest.mark.real
@pytest.mark.parametrize(("stream", "least"), [("native", 10), ("internal", 3), ("erc20", 10)])
def test_what_a_node_shows_of_strangers_is_what_they_got(
    evm_world: EvmWorld, stream: str, least: int
) -> None:
    source, oracle = source_of("evm_rpc", evm_world.rpc.url), evm_world.oracle
    people, seen = oracle.watchable(40), 0
    tokens = {r.contract for each in people for r in oracle.touching(each) if r.kind == "erc20"}
    for height in range(source.head().height + 1):
        for contract in sorted(filter(None, tokens)) if stream == "erc20" else [""]:
            for moved in source.others(stream, contract, Interval(height, height)):
                if moved.tx in oracle.failed:  # such a one proves nothing: it was a contract's
                    assert source.has_code(moved.recipient)
                    continue
                wanted = (moved.tx, stream, contract, moved.recipient)
                rows = oracle.touching(moved.recipient)
                assert wanted in {(r.tx, r.kind, r.contract or "", r.recipient) for r in rows}
                assert moved.height == height
                seen += 1
    assert seen >= least
    contract = sorted(filter(None, tokens))[0]
    assert source.has_code(contract)
    assert not source.has_code("0x" + "5" * 40)


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_explorers_show_what_strangers_got_of_a_token(kind: str) -> None:
    ledger = AccountLedger()
    tokens = [TokenMove("ERC-20", TOKEN, BANK, each, 5, n) for n, each in enumerate(FRIENDS)]
    for n, move in enumerate(tokens):
        ledger.mine([replace(payment(n, BANK, move.recipient, 7), tokens=(move,))])
    with Explorer() as explorer:
        explorer.add("c", ledger, kind, chain_id=31337)
        source = source_of(kind, explorer.url("c", kind))
        low, top = ledger.head.height - 1, ledger.head.height
        found = source.others("erc20", TOKEN, Interval(low, top))
        assert [(m.recipient, m.height) for m in found] == [(FRIENDS[1], low), (FRIENDS[2], top)]
        assert not source.has_code(FRIENDS[0])
        with pytest.raises(NotServed):
            source.others("internal", "", Interval(low, top))
