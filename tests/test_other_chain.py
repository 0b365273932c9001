"""Real adapters against real servers that lie in mid-run: another chain, a head too high."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import base58
import pytest
from world.home import ALICE, BANK, BOB, KEY, SHOP, payment
from world.home import staged as staged_home
from world.listed import take_list
from world.record import new_record
from world.scripted_server import Call, Reply, serve

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, UtxoLedger
from monitor.demo.world.moves import Input, Output, Tx, UtxoTx
from monitor.loops.passing import PollWorld
from monitor.loops.poll import Poller
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Entry, SourceConfig, Subject
from monitor.model.errors import SourceError
from monitor.model.plan import Signal
from monitor.net import sources
from monitor.net.http import Http
from monitor.store import incidents
from monitor.store.sqlite import Store

NOW = 1_700_100_000
EVM = Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337)
TRON = Chain("tron", "Tron", "tron", "TRX", 6, 12, block_time=3)
UTXO = Chain("coin", "Coin", "utxo", "COIN", 8, 6, block_time=12, bech32="bc")


def tron_address(number: int) -> str:
    return base58.b58encode_check(b"\x41" + number.to_bytes(20, "big")).decode()


ME = {
    "evm": "0x" + "a" * 40,
    "tron": tron_address(1),
    "utxo": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
}
YOU = {"evm": "0x" + "b" * 40, "tron": tron_address(2), "utxo": "x"}


@dataclass(frozen=True)
class Case:
    kind: str
    chain: Chain
    url: str = ""


CASES = (
    Case("etherscan", EVM),
    Case("blockscout", EVM),
    Case("esplora", UTXO),
    Case("blockbook", UTXO),
    Case("trongrid", TRON),
    Case("evm_rpc", EVM),
)
ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
Ledger = AccountLedger | UtxoLedger


@dataclass
class Scene:
    """One source of one chain, its record, and the ledger that it shows now."""

    case: Case
    store: Store
    source: Any
    show: Callable[[Ledger], None]
    ledger: Ledger
    entry: Entry
    now: int = NOW
    high: int = 0  # blocks by which the head lies too high
    paid: list[str] = field(default_factory=list)

    def poll(self) -> None:
        """A pass of a fresh process, some seconds later."""
        self.now += 5
        pool = SourcePool(self.case.chain, [self.source], sure_for=0.0)
        world = PollWorld(
            chains={self.case.chain.key: self.case.chain},
            pools={self.case.chain.key: pool},
            assets={},
            route=lambda _alert, _entry: [],
            clock=lambda: self.now,
            interval=lambda _subject: 0,
            since_time=lambda _text: None,
            sleep=lambda _seconds: None,
        )
        Poller(self.store, world).run_pass(everything=True)

    def pay(self, ledger: Ledger | None = None) -> None:
        """Somebody pays the watched address, and two blocks follow."""
        chosen = ledger or self.ledger
        name = f"{len(chosen) * 7 + (0 if ledger is None else 10**6):064x}"
        family = self.case.chain.family
        tx: Any
        if isinstance(chosen, UtxoLedger):
            spent = Input("f" * 64, len(chosen), Output(YOU[family], 1000))
            tx = UtxoTx(name, (spent,), (Output(ME[family], 900),))
        else:
            name = f"0x{name}" if family == "evm" else name
            tx = Tx(name, YOU[family], ME[family], 1000 + len(chosen), gas_used=0)
        chosen.mine([tx])
        chosen.mine()
        chosen.mine()
        if ledger is None:
            self.paid.append(name)

    def told(self) -> list[str]:
        rows = self.store.read("SELECT tx FROM alert WHERE kind = 'movement' ORDER BY rowid")
        return [row["tx"] for row in rows]

    def known(self) -> set[str]:
        return {row["tx"] for row in self.store.read("SELECT tx FROM transfer")}

    def highest(self) -> int:
        (row,) = self.store.read("SELECT max(hi) AS hi FROM coverage")
        return int(row["hi"])

    def incident(self, kind: str) -> Signal | None:
        found = incidents.incident_list(self.store, open_only=True)
        return next((i.signal for i in found if i.signal.key.startswith(kind)), None)

    @property
    def top(self) -> int:
        head = self.ledger.head
        return self.source.axis.top(head)


def chain_of(case: Case, blocks: int, first: str) -> Ledger:
    """A chain of its own, by the hash of its first transaction."""
    start = NOW - blocks * 12 - 5000
    ledger: Ledger
    if case.chain.family == "utxo":
        ledger = UtxoLedger(time=start, block_time=12)
        spent = Input("e" * 64, 0, Output("y", 1))
        ledger.mine([UtxoTx(first * 64, (spent,), (Output("z", 1),))])
    else:
        ledger = AccountLedger(tron=case.chain.family == "tron", time=start)
        prefix = "0x" if case.chain.family == "evm" else ""
        you = YOU[case.chain.family]
        ledger.mine([Tx(prefix + first * 64, you, you, 1)])
    for _ in range(blocks):
        ledger.mine()
    return ledger


@contextmanager
def staged(case: Case, path: Path) -> Iterator[Scene]:
    ledger = chain_of(case, 60, "1")
    with server(case, ledger) as (url, show):
        config = SourceConfig("mine", case.kind, url, rate_per_second=1000)
        options = sources.http_options(config, case.chain)
        http = Http("mine", options.base_url, params=options.params, attempts=1)
        source = sources.build(config, case.chain, http)
        store = new_record(path / "fundwatch.db")
        subject = Subject(case.chain.key, ME[case.chain.family])
        entry = Entry("E", subject, label="a label", case="CASE-7")
        take_list(store, [entry], "list", NOW)
        yield Scene(case, store, source, show, ledger, entry)
        store.close()


@contextmanager
def server(case: Case, ledger: Ledger) -> Iterator[tuple[str, Callable[[Ledger], None]]]:
    """A server in the dialect of the case, and how to make it show another ledger."""
    if case.kind != "evm_rpc":
        with Explorer() as explorer:
            add = lambda shown: explorer.add(  # noqa: E731 - one expression, used twice
                "c", shown, case.kind, chain_id=31337
            )
            add(ledger)
            yield explorer.url("c", case.kind), add
        return
    shown = [ledger]
    with serve(lambda call: node(shown[0], call)) as scripted:
        yield scripted.url, lambda other: shown.__setitem__(0, other)


def node(ledger: Ledger, call: Call) -> Reply:
    """A node with the same chain id whatever chain it shows, as a fork has it."""
    assert isinstance(ledger, AccountLedger)
    asked = call.body if isinstance(call.body, list) else [call.body]
    told = [{"jsonrpc": "2.0", "id": a["id"], **_result(ledger, a)} for a in asked]
    return Reply(told if isinstance(call.body, list) else told[0])


def _result(ledger: AccountLedger, asked: dict[str, Any]) -> dict[str, Any]:
    match asked["method"], asked.get("params", []):
        case "eth_chainId", _:
            return {"result": hex(31337)}
        case "eth_blockNumber", _:
            return {"result": hex(ledger.head.height)}
        case "eth_getLogs", [wanted]:
            return {"result": _logs(ledger, wanted)}
        case "eth_getBlockByNumber", [tag, _]:
            tags = {"latest": ledger.head.height, "finalized": max(0, ledger.head.height - 20)}
            block = ledger.block(tags[tag] if tag in tags else int(tag, 16))
            if block is None:
                return {"result": None}
            return {
                "result": {"number": hex(block.height), "hash": block.hash,
                           "timestamp": hex(block.time)}
            }  # fmt: skip
        case _:
            return {"error": {"code": -32601, "message": "method not found"}}


TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def _logs(ledger: AccountLedger, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Every payment of the ledger as a transfer of one token."""
    topics = [*wanted.get("topics", []), None, None, None]
    low, high = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
    found = []
    for height in range(low, min(high, ledger.head.height) + 1):
        block = ledger.block(height)
        for tx in block.txs if block else ():
            row = [TRANSFER, *("0x" + (a or "")[2:].zfill(64) for a in (tx.sender, tx.to))]
            if all(_fits(t, w) for t, w in zip(row, topics, strict=False)):
                found.append({
                    "address": "0x" + "c" * 40, "topics": row, "data": f"0x{tx.value:064x}",
                    "blockNumber": hex(height), "blockHash": block.hash if block else "",
                    "blockTimestamp": hex(block.time if block else 0), "transactionHash": tx.hash,
                    "transactionIndex": "0x0", "logIndex": "0x0", "removed": False,
                })  # fmt: skip
    return found


def _fits(topic: str, wanted: Any) -> bool:
    return wanted is None or topic == wanted or (isinstance(wanted, list) and topic in wanted)


@ALL
@pytest.mark.parametrize("blocks", [40, 61, 5000], ids=["lower", "alike", "higher"])
def test_another_chain_in_mid_run(case: Case, blocks: int, tmp_path: Path) -> None:
    """Nothing foreign is recorded, operations hear of it, and what moved meanwhile is told
    with the first true answer."""
    with staged(case, tmp_path) as scene:
        scene.poll()
        scene.pay()
        scene.poll()
        assert scene.told() == scene.paid
        other = chain_of(case, blocks, "2")
        for _ in range(2):
            scene.pay(other)
            scene.show(other)
            scene.poll()
            scene.pay()
        scene.show(scene.ledger)
        scene.poll()
        assert scene.told() == scene.paid
        assert scene.known() == set(scene.paid)
        assert scene.highest() <= scene.top
        signal = scene.incident("foreign:")
        assert signal is not None
        assert (signal.audience, signal.chain) == ("operations", case.chain.key)
        assert case.chain.name in signal.what
        assert "mine" in signal.what
        assert "a label" not in signal.what


@ALL
def test_another_chain_between_head_and_list(case: Case, tmp_path: Path) -> None:
    """The head was still of the right chain, the list is not: it is not taken either."""
    with staged(case, tmp_path) as scene:
        scene.poll()
        other = chain_of(case, 61, "2")
        scene.pay(other)
        scene.pay()
        fetch = scene.source.fetch

        def turned(ask: Any) -> Any:
            scene.show(other)
            return fetch(ask)

        scene.source.fetch = turned
        scene.poll()
        scene.source.fetch = fetch
        assert scene.known() == set()
        assert scene.incident("foreign:") is not None
        scene.show(scene.ledger)
        scene.poll()
        assert scene.told() == scene.paid


@ALL
@pytest.mark.parametrize("high", [20, 10**6, 10**12])
def test_a_head_that_is_not_there(case: Case, high: int, tmp_path: Path) -> None:
    """Heads too high: nothing is missed once they have ended, and operations hear of it."""
    with staged(case, tmp_path) as scene:
        scene.poll()
        scene.pay()
        scene.poll()
        true_head = scene.source.head
        scene.source.head = lambda: _raised(true_head(), high, case.chain)
        scene.poll()
        scene.pay()
        scene.source.head = true_head
        scene.poll()
        assert scene.told() == scene.paid
        assert scene.highest() <= scene.top
        assert scene.incident("head:") is not None


def _raised(head: Any, high: int, chain: Chain) -> Any:
    """A head that lies too high, in time too."""
    return replace(head, height=head.height + high, time=head.time + int(high * chain.block_time))


@pytest.mark.parametrize("height", [0, 5])
def test_the_hash_of_any_block(height: int) -> None:
    """Every adapter can say the hash of a block, the first too, and None above its head."""
    for case in CASES:
        ledger = chain_of(case, 20, "1")
        with server(case, ledger) as (url, _):
            config = SourceConfig("mine", case.kind, url, rate_per_second=1000)
            options = sources.http_options(config, case.chain)
            source = sources.build(
                config, case.chain, Http("mine", options.base_url, params=options.params)
            )
            block = ledger.block(height)
            assert block is not None
            told = source.block_hash(height)
            assert told is not None
            assert told.removeprefix("0x") == block.hash.removeprefix("0x")
            try:
                assert source.block_hash(10**6) is None
            except SourceError as error:
                pytest.fail(f"{case.kind}: {error}")


@pytest.mark.slow  # a poll that finds no source waits before it tries again
def test_operations_read_of_it(tmp_path: Path) -> None:
    """By mail, with chain, source, entries and case, and without label, reason or address;
    the movement that was hidden is told after, once."""
    with staged_home(tmp_path) as scene:
        other = AccountLedger(time=scene.ledger.head.time - 400)
        other.mine([payment(7000, SHOP, BANK, 5)])
        for _ in range(40):
            other.mine()
        other.mine([payment(7001, BANK, ALICE, 10**18)])
        scene.explorer.add("dev", other, "etherscan", chain_id=31337)
        scene.explorer.knobs("dev", "etherscan").api_key = KEY
        scene.home.run("poll", code=None)
        (hidden,) = scene.pay((ALICE, SHOP))
        (notice,) = scene.alerts("notice", "another chain")
        (mail, *_) = scene.mails_of(notice["id"])
        text = mail.get_body(("plain",))
        assert text is not None
        words = " ".join(text.get_content().split())
        assert "On this chain are 2 entries (cases CASE-1)." in words
        assert "mine answers for another chain than dev" in words
        assert not any(secret in words for secret in ("label a", "a reason", ALICE, BOB))
        scene.explorer.add("dev", scene.ledger, "etherscan", chain_id=31337)
        scene.explorer.knobs("dev", "etherscan").api_key = KEY
        scene.home.run("poll")
        assert scene.moved() == {(ALICE, hidden): 1}
