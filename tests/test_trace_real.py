"""Following money on a real EVM chain: it splits, comes together, goes round, is swapped, buys an
NFT and sells it, is wrapped, passes a Safe, ends at an exchange's deposit address; and blocks are
replaced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from test_profile_contract import SAFE as SAFE_CODE
from world.evm_feed import EvmFeed
from world.evm_world import ETHER, calldata, deploy_data
from world.home import Home, dev_chain
from world.parts import Rpc, anvil

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.model.flow import CONSERVING
from monitor.net.sources.evm_logs import DEPOSIT as DEPOSIT_EVENT

pytestmark = pytest.mark.real

M = 10**6


def named(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


BANK, SOURCE, A, B, MERGE, HOLDER, SELLER, COLLECTOR = map(
    named, ("bank", "source", "a", "b", "merge", "holder", "seller", "collector")
)
SAFE, OWNER, END, OTHER = map(named, ("safe", "owner", "end", "other"))
DEPOSIT, CUSTOMER, EXCHANGE, BOMB, LATE = map(
    named, ("deposit", "customer", "exchange", "bomb", "late")
)
TELLER = named("teller")  # a pool, and whoever acts for others in one transaction
SINGLETON = "0xd9db270c1b5e3bd161e8c8503c55ceabee709552"  # of Safe 1.3.0
SMALL, WRAPPER, WETH = map(named, ("small", "wrapper", "weth"))
FEW = [named(f"one of few {n}") for n in range(60)]
CRUMBS = [named(f"crumb {n}") for n in range(500)]

# Carries out calls one after the other: whom, how many coins, how long, with which data.
TELLER_CODE = (
    "0x60005b803614603657806040013580826060016000376000600082600085602001358635"
    "5af1602e5760006000fd5b016060016002565b00"
)


# Tells of the coins that it gets as WETH9 does: Deposit(caller, value).
WETH_CODE = f"0x34600052337f{DEPOSIT_EVENT[2:]}60206000a200"


def calls(*each: tuple[str, str]) -> str:
    """What the teller is told, so that it calls these contracts with this data."""
    return "0x" + "".join(
        f"{int(to, 16):064x}{0:064x}{len(data) // 2 - 1:064x}{data[2:]}" for to, data in each
    )


@dataclass
class Story:
    """The chain, what an explorer tells of it, and a home that follows what SOURCE pays."""

    rpc: Rpc
    explorer: Explorer
    ledger: AccountLedger = field(default_factory=AccountLedger)
    contracts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rpc.call("anvil_setBlockTimestampInterval", 12)
        for contract, code in (
            (TELLER, TELLER_CODE), (SINGLETON, TELLER_CODE), (SAFE, SAFE_CODE), (WETH, WETH_CODE)
        ):  # fmt: skip
            self.rpc.call("anvil_setCode", contract, code)
            self.ledger.codes[contract] = code
        self.rpc.call("anvil_setStorageAt", SAFE, hex(0), f"0x{int(SINGLETON, 16):064x}")
        self.ledger.storage[SAFE, "0x0"] = f"0x{int(SINGLETON, 16):064x}"
        for name, data in (
            ("USD", deploy_data("Coin", "USD Coin", "USDC", 6)),
            ("EUR", deploy_data("Coin", "Tether", "USDT", 6)),
            ("Art", deploy_data("Art")),
        ):
            made = self.send(BANK, None, data)
            found = self.rpc.call("eth_getTransactionReceipt", made)["contractAddress"].lower()
            self.contracts[name] = found
            self.ledger.codes[found] = self.rpc.call("eth_getCode", found, "latest")
        self.feed = EvmFeed(self.rpc, self.ledger)

    def send(self, sender: str, to: str | None, data: str, value: int = 0) -> str:
        self.rpc.call("anvil_setBalance", sender, hex(10**20))
        call = {"from": sender, "data": data, "value": hex(value), "gas": hex(29_000_000)} | (
            {"to": to} if to else {}
        )
        tx: str = self.rpc.call("eth_sendTransaction", call)
        self.rpc.call("evm_mine")
        assert self.rpc.call("eth_getTransactionReceipt", tx)["status"] == "0x1"
        return tx

    def moved(self, coin: str, sender: str, to: str, usd: int) -> tuple[str, str]:
        """A call that a contract makes for somebody who has allowed it."""
        return self.contracts[coin], calldata("Coin", "transferFrom", sender, to, usd * M)

    def mint(self, to: str, usd: int, coin: str = "USD") -> str:
        return self.send(BANK, self.contracts[coin], calldata("Coin", "mint", to, usd * M))

    def pay(self, sender: str, to: str, usd: int, coin: str = "USD") -> str:
        return self.send(sender, self.contracts[coin], calldata("Coin", "transfer", to, usd * M))

    def allow(self, sender: str, coin: str = "USD") -> None:
        data = calldata("Coin", "approve", TELLER, 10**30)
        self.send(sender, self.contracts[coin], data)

    def tell(self, sender: str, *each: tuple[str, str], by: str = TELLER) -> str:
        return self.send(sender, by, calls(*each))

    def settle(self) -> None:
        for _ in range(20):
            self.rpc.call("evm_mine")
        self.feed.sync()


def told(story: Story) -> None:
    for who, own in ((SOURCE, 100_000), (A, 1_000), (MERGE, 20_000), (CUSTOMER, 3_000)):
        story.mint(who, own)
    story.mint(TELLER, 500_000, "EUR")
    story.send(BANK, story.contracts["Art"], calldata("Art", "mint", SELLER, 7))
    for who in (MERGE, HOLDER, COLLECTOR, BOMB, SMALL):
        story.allow(who)
    story.mint(COLLECTOR, 5_000)
    # The exchange's habit, before any of it.
    story.pay(CUSTOMER, DEPOSIT, 700)
    story.pay(DEPOSIT, EXCHANGE, 700)
    # What A pays before anything came to it is nobody's.
    story.pay(A, LATE, 900)
    # It splits, comes together, and goes round.
    story.pay(SOURCE, A, 60_000)
    story.pay(SOURCE, B, 40_000)
    story.pay(A, MERGE, 50_000)
    story.pay(B, MERGE, 30_000)
    story.pay(MERGE, B, 5_000)
    story.pay(B, MERGE, 5_000)
    swap(story)
    art(story)
    # It is swept to the exchange with what another customer pays.
    story.pay(HOLDER, DEPOSIT, 4_000)
    story.pay(DEPOSIT, EXCHANGE, 4_000)
    # Coins are wrapped.
    story.send(SOURCE, WRAPPER, "0x", value=3 * ETHER)
    story.send(WRAPPER, WETH, "0xd0e30db0", value=2 * ETHER)
    # One pays five hundred, another one sixty, ten dollars each.
    story.pay(A, BOMB, 6_000)
    story.tell(BOMB, *(story.moved("USD", BOMB, crumb, 10) for crumb in CRUMBS))
    story.pay(A, SMALL, 600)
    story.tell(SMALL, *(story.moved("USD", SMALL, few, 10) for few in FEW))


def swap(story: Story) -> None:
    """Into the other token, then through a Safe."""
    got = calldata("Coin", "transfer", MERGE, 39_900 * M)
    story.tell(MERGE, story.moved("USD", MERGE, TELLER, 40_000), (story.contracts["EUR"], got))
    story.pay(MERGE, SAFE, 30_000, "EUR")
    on = calldata("Coin", "transfer", OWNER, 25_000 * M)
    story.tell(OWNER, (story.contracts["EUR"], on), by=SAFE)


def art(story: Story) -> None:
    """An NFT is bought for 2,000 and sold for 1,900."""
    story.pay(MERGE, HOLDER, 10_000)
    here = story.contracts["Art"]
    buy = calldata("Art", "transferFrom", SELLER, HOLDER, 7)
    story.tell(HOLDER, story.moved("USD", HOLDER, SELLER, 2_000), (here, buy))
    sell = calldata("Art", "transferFrom", HOLDER, COLLECTOR, 7)
    story.tell(HOLDER, story.moved("USD", COLLECTOR, HOLDER, 1_900), (here, sell))


@contextmanager
def played() -> Iterator[Story]:
    with anvil(age=86_000) as rpc, Explorer() as explorer:
        made = Story(rpc, explorer)
        told(made)
        made.settle()
        yield made


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """Read it, do not mine on it."""
    with played() as made:
        yield made


@pytest.fixture
def own() -> Iterator[Story]:
    with played() as made:
        yield made


def home_of(story: Story, path: Path) -> Home:
    explorer, home = story.explorer, Home(path)
    explorer.add("dev", story.ledger, "etherscan", chain_id=31337)
    coins = {name: story.contracts[name] for name in ("USD", "EUR")}
    explorer.price({f"dev:{coin}": 1.0 for coin in coins.values()} | {"coingecko:ether": 2_000.0})
    home.write("config/settings.yaml", {"prices": ["dollars"]})
    dev = {**dev_chain("mine", "node"), "prices": {"defillama": "dev", "coin": "ether"}}
    dev["wrapped"] = WETH
    home.write("config/chains.yaml", {"chains": {"dev": dev}})
    mine = {"kind": "etherscan", "url": explorer.url("dev", "etherscan"), "rate_per_second": 1000}
    node = {"kind": "evm_rpc", "url": story.rpc.url, "rate_per_second": 1000}
    dollars = {"kind": "defillama", "url": explorer.url("prices", "defillama")}
    sources = {"mine": mine, "node": node, "dollars": dollars}
    home.write("config/sources.yaml", {"sources": sources})
    asset = {"decimals": 6, "source": "us", "date": "2026-01-01"}
    symbols = {coins["USD"]: "USDC", coins["EUR"]: "USDT"}
    listed = {contract: {**asset, "symbol": symbol} for contract, symbol in symbols.items()}
    home.write("config/assets.yaml", {"assets": {"dev": listed}})
    entry = {"address": SOURCE, "chain": "dev", "label": "the source"}
    case = {"reason": "a reason", "follow": {"hops": 12}, "addresses": [entry]}
    home.write("watchlist.yaml", {"cases": {"C-1": case}})
    names = f"address,chain,name,category\n{EXCHANGE},dev,Big Exchange,exchange\n"
    home.write("addressbook.csv", names)
    return home


def shown(home: Home) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"node": [], "edge": [], "total": []}
    text = home.run("trace", "show", "C-1", "--format", "jsonl")
    for line in map(json.loads, text.splitlines()):
        found[line["type"]].append(line)
    return found


def held(node: dict[str, Any], method: str) -> dict[str, int]:
    """Whole dollars by symbol."""
    return {h["asset"]["symbol"]: int(h["amount"][method]) // M for h in node["holds"]}


def nodes(home: Home) -> dict[str, dict[str, Any]]:
    return {node["address"]: node for node in shown(home)["node"]}


def test_money_is_followed_to_where_it_rests(tmp_path: Path, story: Story) -> None:
    home = home_of(story, tmp_path)
    assert "nothing is left to follow" in home.run("trace", "run", "C-1")
    found = nodes(home)
    # By hand: what is traced leaves first, and what is traced leaves last.
    assert {
        who: (held(found[who], "tainted_first"), held(found[who], "libr"))
        for who in (A, B, MERGE, SAFE, OWNER, HOLDER)
    } == {
        A: ({"USDC": 3_400}, {"USDC": 3_500}),
        B: ({"USDC": 10_000}, {"USDC": 10_000}),
        MERGE: ({"USDC": 30_000, "USDT": 9_900}, {"USDC": 50_000, "USDT": 9_900}),
        SAFE: ({"USDT": 5_000}, {"USDT": 5_000}),
        OWNER: ({"USDT": 25_000}, {"USDT": 4_950}),
        HOLDER: ({"USDC": 5_900}, {"USDC": 5_900}),
    }
    assert {found[who]["state"] for who in (A, B, MERGE, SAFE, OWNER, HOLDER)} == {"followed"}
    assert held(found[EXCHANGE], "fifo") == {"USDC": 4_000}
    assert found[DEPOSIT]["stop"]["reason"] == "deposit_address"
    assert "Big Exchange" in found[DEPOSIT]["stop"]["detail"]
    lines = shown(home)
    assert {edge["via"] for edge in lines["edge"]} == {None, "swap", "nft", "wrap"}
    wrapped = {h["asset"]["contract"]: h["amount"] for h in found[WRAPPER]["holds"]}
    assert wrapped[WETH]["fifo"] == wrapped[WETH]["libr"] == str(2 * ETHER)
    assert 0.99 * ETHER < int(wrapped[None]["fifo"]) < ETHER  # less a fee
    off = [t for t in lines["total"] if t["method"] in CONSERVING and t["difference"] != "0"]
    assert off == []


def test_nobody_is_led_astray(tmp_path: Path, story: Story) -> None:
    """What left before anything came, five hundred at once, and sixty small ones."""
    home = home_of(story, tmp_path)
    home.run("trace", "run", "C-1")
    found = nodes(home)
    assert LATE not in found
    assert found[BOMB]["stop"]["reason"] == "service"
    assert held(found[BOMB], "fifo") == {"USDC": 6_000}
    assert not set(CRUMBS) & set(found)
    assert found[SMALL]["state"] == "followed"
    assert {found[few]["stop"]["reason"] for few in FEW} == {"below_value"}
    (total,) = [
        t for t in shown(home)["total"]
        if t["method"] == "fifo" and t["asset"] and t["asset"]["symbol"] == "USDC"
    ]  # fmt: skip
    assert total["ended"]["below_value"] == str(600 * M)


def test_a_second_run_reads_nothing(tmp_path: Path, story: Story) -> None:
    home = home_of(story, tmp_path)
    home.run("trace", "run", "C-1")
    first, before = home.run("trace", "show", "C-1", "--format", "jsonl"), story.explorer.calls
    home.run("trace", "run", "C-1")
    assert story.explorer.calls == before
    assert home.run("trace", "show", "C-1", "--format", "jsonl") == first


def test_replaced_blocks_take_back_what_followed_from_them(tmp_path: Path, own: Story) -> None:
    """In the blocks that stay, B paid somebody else: it is the trace of whoever saw only these."""
    (tmp_path / "saw").mkdir()
    (tmp_path / "fresh").mkdir()
    home = home_of(own, tmp_path / "saw")
    kept = own.rpc.call("evm_snapshot")
    own.pay(B, END, 9_000)
    own.pay(END, EXCHANGE, 8_000)
    own.feed.sync()
    home.run("trace", "run", "C-1")
    assert held(nodes(home)[END], "tainted_first") == {"USDC": 1_000}
    assert own.rpc.call("evm_revert", kept)
    own.pay(B, OTHER, 7_000)
    own.settle()
    home.sql("UPDATE scope SET due = 0")
    home.sql("UPDATE reading SET ok = 0")
    home.run("trace", "run", "C-1")
    found = nodes(home)
    assert END not in found
    assert held(found[OTHER], "tainted_first") == {"USDC": 7_000}
    assert held(found[EXCHANGE], "tainted_first") == {"USDC": 4_000}
    fresh = home_of(own, tmp_path / "fresh")
    fresh.run("trace", "run", "C-1")
    told = ("trace", "show", "C-1", "--format", "jsonl")
    assert as_read(home.run(*told)) == as_read(fresh.run(*told))


def as_read(text: str) -> list[dict[str, Any]]:
    """But for up to when each address was read."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [{key: value for key, value in line.items() if key != "read_to"} for line in lines]
