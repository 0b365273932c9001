"""Following money on other chains than EVM's, and over several at once, with the real command: TRX
and TRC-20, Bitcoin in both styles of its explorers, EVM chains with a bridge between them."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from test_bridges import wrote
from world.home import Home
from world.tron_parts import b58

from monitor.chains import encodings
from monitor.chains.landmarks import FIRST
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, Ledger, TokenName, UtxoLedger
from monitor.demo.world.moves import Input, Output, RawLog, TokenMove, Tx, UtxoTx
from monitor.model.events import Log
from monitor.model.flow import METHODS

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"  # of Tron, in the shipped list of assets
TRX = 10**6
DOLLAR = 10**6
COIN = 10**8
PRICES = {
    "coingecko:bitcoin": 50_000.0,
    "tron:" + USDT: 1.0,
    "coingecko:tron": 0.25,
    "coingecko:ethereum": 2_000.0,
}
BEGAN = int(time.time()) - 40 * 86_400


def name_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def tron(person: str) -> str:
    return b58(int(name_of(person)[:40], 16))


def btc(person: str) -> str:
    return encodings.encode_segwit("bc", 0, bytes.fromhex(name_of(person)[:40]))


@dataclass
class Many:
    """A home that follows one case over chains that are written as the test goes."""

    home: Home
    explorer: Explorer
    ledgers: dict[str, Ledger[Any]]
    at: int = BEGAN
    count: int = field(default=0)

    def mine(self, chain: str, *txs: Any) -> None:
        """The next block, a minute later."""
        self.at += 60
        self.ledgers[chain].mine(txs, self.at)

    def on_tron(self, sender: str, to: str, amount: int, token: str = "", fee: int = 0) -> str:
        self.count += 1
        name = name_of(f"tron {self.count}")
        paid = Tx(name, sender, to, amount, gas_used=fee, gas_price=1)
        if token:
            move = TokenMove("ERC-20", token, sender, to, amount)
            paid = Tx(name, sender, token, gas_used=fee, gas_price=1, input="0xa9", tokens=(move,))
        self.mine("tron", paid)
        return name

    def spend(
        self, inputs: Sequence[tuple[str, int]], *outputs: tuple[str, int], chain: str = "bitcoin"
    ) -> str:
        """Inputs are ("txid", place), or ("", amount) for coins of a stranger."""
        self.count += 1
        name = name_of(f"spend {self.count}")
        spent = [self._spent(chain, *each) for each in inputs]
        paid = tuple(Output(btc(who), amount) for who, amount in outputs)
        self.mine(chain, UtxoTx(name, tuple(spent), paid))
        return name

    def _spent(self, chain: str, tx: str, place: int) -> Input:
        if not tx:
            mine = f"stranger {self.count} {place}"
            return Input(name_of(mine), 0, Output(btc(mine), place))
        found = self.ledgers[chain].find(tx)
        assert found is not None
        return Input(tx, place, found.tx.vout[place])

    def settle(self) -> None:
        """Enough blocks above all of it."""
        for ledger in self.ledgers.values():
            for n in range(70):
                ledger.mine((), max(self.at, ledger.head.time) + 3 * n)

    def run(self, *args: str, code: int | None = 0) -> str:
        self.settle()
        return self.home.run("trace", "run", "C-1", *args, code=code)

    def show(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {"node": [], "edge": [], "total": []}
        for line in map(json.loads, self.home.run(*SHOW).splitlines()):
            found[line["type"]].append(line)
        return found


SHOW = ("trace", "show", "C-1", "--format", "jsonl")
STYLES = {"tron": "trongrid", "bitcoin": "esplora", "litecoin": "blockbook"}
EVM_IDS = {"ethereum": 1, "base": 8453}


@contextmanager
def many(
    path: Path,
    watched: Sequence[tuple[str, str]],
    names: Sequence[tuple[str, str, str, str]] = (),
    styles: Mapping[str, str] | None = None,
    **follow: object,
) -> Iterator[Many]:
    """`watched`: (chain, address); `names`: rows of the address book."""
    styles = styles or {chain: STYLES.get(chain, "etherscan") for chain, _ in watched}
    home = Home(path)
    with Explorer() as explorer:
        rows: dict[str, object] = {}
        chains: dict[str, object] = {}
        ledgers: dict[str, Ledger[Any]] = {}
        for chain, style in styles.items():
            utxo = style in ("esplora", "blockbook")
            tron = chain == "tron"
            first = {"first_height": 100, "time": BEGAN}
            ledger: Any = UtxoLedger(**first) if utxo else AccountLedger(tron=tron, **first)
            if utxo:
                ledger.genesis = FIRST[chain]
            ledgers[chain] = ledger
            ledger.mine()
            explorer.add(chain, ledger, style, chain_id=EVM_IDS.get(chain))
            url = explorer.url(chain, style)
            rows[f"my-{chain}"] = {"kind": style, "url": url, "rate_per_second": 1000}
            chains[chain] = {"sources": [f"my-{chain}"]}
        if "tron" in ledgers:
            ledgers["tron"].tokens[USDT] = TokenName("USDT", "Tether USD", 6)  # type: ignore[attr-defined]
        explorer.price(PRICES)
        llama = {"kind": "defillama", "url": explorer.url("prices", "defillama")}
        rows["llama"] = llama | {"rate_per_second": 1000}
        home.write("config/settings.yaml", {"prices": ["llama"]})
        home.write("config/chains.yaml", {"chains": chains})
        home.write("config/sources.yaml", {"sources": rows})
        entries = [
            {"address": address, "chain": chain, "label": f"watched {n}"}
            for n, (chain, address) in enumerate(watched)
        ]
        case = {"reason": "a reason", "follow": {"hops": 10, **follow}, "addresses": entries}
        home.write("watchlist.yaml", {"cases": {"C-1": case}})
        book = "".join(f"{','.join(row)}\n" for row in names)
        home.write("addressbook.csv", f"address,chain,name,category\n{book}")
        yield Many(home, explorer, ledgers)


def nodes_of(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    return {node["address"]: node for node in found["node"]}


def held(node: Mapping[str, Any], method: str) -> dict[str, int]:
    """What rests there, by symbol."""
    return {h["asset"]["symbol"]: int(h["amount"][method]) for h in node["holds"]}


def seizure(world: Many) -> list[dict[str, Any]]:
    """The places of the page."""
    said = world.home.run("seizure", "C-1", "--format", "jsonl").splitlines()
    return [line for line in map(json.loads, said) if line["type"] == "place"]


def balanced(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    assert {t["difference"] for t in found["total"] if t["method"] != "poison"} == {"0"}


# -- Tron --------------------------------------------------------------------------------------


def test_tokens_and_coins_of_tron_to_an_exchange(tmp_path: Path) -> None:
    source, a, b, exchange, bank = map(tron, ("S", "A", "B", "X", "Z"))
    book = [(exchange, "tron", "Big Exchange", "exchange")]
    with many(tmp_path, [("tron", source)], book) as world:
        world.on_tron(bank, source, 50_000 * TRX)
        world.on_tron(bank, source, 20_000 * DOLLAR, USDT)
        world.on_tron(bank, a, 100 * TRX)
        world.on_tron(source, a, 40_000 * TRX, fee=TRX)
        world.on_tron(source, a, 9_000 * DOLLAR, USDT, fee=14 * TRX)
        world.on_tron(a, b, 8_000 * DOLLAR, USDT, fee=28 * TRX)
        world.on_tron(a, b, 30_000 * TRX, fee=TRX)
        world.on_tron(b, exchange, 7_000 * DOLLAR, USDT, fee=28 * TRX)
        said = world.run()
        found = world.show()
        explained = world.home.run("trace", "explain", "C-1", b)
        places = seizure(world)
    nodes = nodes_of(found)
    balanced(found)
    assert [nodes[each]["hop"] for each in (source, a, b, exchange)] == [0, 1, 2, 3]
    assert nodes[exchange]["stop"]["reason"] == "exchange"
    assert held(nodes[a], "tainted_first") == {"TRX": 9_971 * TRX, "USDT": 1_000 * DOLLAR}
    assert held(nodes[b], "libr") == {"TRX": 29_928 * TRX, "USDT": 1_000 * DOLLAR}
    assert held(nodes[exchange], "fifo") == {"USDT": 7_000 * DOLLAR}
    assert "nothing is left to follow" in said
    assert "haircut: 30,000 x 39,972.069825 / 40,072 is exactly" in explained
    could = {(each["address"], each["asset"]["symbol"]): each["could_act"] for each in places}
    assert [who["name"] for who in could[exchange, "USDT"]] == ["Big Exchange", "Tether"]
    assert could[a, "TRX"] == []


# -- Bitcoin and its kind ----------------------------------------------------------------------


@pytest.mark.parametrize("style", ["esplora", "blockbook"])
def test_a_peel_chain_a_merge_and_a_mix(tmp_path: Path, style: str) -> None:
    watched = [("bitcoin", btc("S"))]
    book = [(btc("X"), "bitcoin", "Big Exchange", "exchange")]
    with many(tmp_path, watched, book, {"bitcoin": style}) as world:
        paid = world.spend([("", 101 * COIN)], ("S", 100 * COIN))
        tx = world.spend([(paid, 0)], ("P0", 60 * COIN), ("S", 39 * COIN))
        peels = []
        for n in range(1, 6):
            tx = world.spend([(tx, 0)], (f"P{n}", (60 - 2 * n) * COIN), (f"E{n}", COIN))
            peels.append(tx)
        merged = world.spend([(p, 1) for p in peels] + [("", COIN)], ("M", 59 * COIN // 10))
        said = world.run()
        found = world.show()
        explained = world.home.run("trace", "explain", "C-1", btc("M"))
    nodes = nodes_of(found)
    balanced(found)
    assert "nothing is left to follow" in said
    assert {node["state"] for node in found["node"]} == {"source", "followed"}
    assert [nodes[btc(f"P{n}")]["hop"] for n in range(6)] == [1, 2, 3, 4, 5, 6]
    assert held(nodes[btc("P5")], "haircut") == {"BTC": 50 * COIN}
    # 5 of the 6 that went into the merge are traced, and a tenth of a coin is its fee.
    assert held(nodes[btc("M")], "tainted_first") == {"BTC": 5 * COIN}
    assert held(nodes[btc("M")], "libr") == {"BTC": 49 * COIN // 10}
    assert f"transaction  {merged}" in explained


def test_change_and_a_mix(tmp_path: Path) -> None:
    """Change to oneself neither left nor arrived; a mix is a place of its own, where it ends."""
    with many(tmp_path, [("bitcoin", btc("S"))]) as world:
        paid = world.spend([("", 101 * COIN)], ("S", 100 * COIN))
        left = world.spend([(paid, 0)], ("A", 6 * COIN), ("S", 94 * COIN))
        kept = world.spend([(left, 0)], ("B", COIN), ("A", 5 * COIN))
        size, strangers = COIN // 10, [("", COIN // 10 + 5_000 + n) for n in range(11)]
        outputs = [(f"mixed {n}", size) for n in range(12)]
        mix = world.spend([(kept, 0), *strangers], *outputs, ("change", 89 * COIN // 100))
        world.run()
        found = world.show()
        shown = world.home.run("trace", "show", "C-1")
        world.home.run("trace", "picture", "C-1", "--out", str(tmp_path / "way.svg"))
    nodes = nodes_of(found)
    balanced(found)
    assert set(nodes) == {btc("S"), btc("A"), btc("B"), mix}
    assert nodes[mix]["stop"]["reason"] == "mixer"
    assert held(nodes[mix], "fifo") == {"BTC": COIN}
    for person, came, gone in (("S", None, 6), ("A", 6, 1), ("B", 1, 1)):
        node = nodes[btc(person)]
        (sent,) = node["left"]
        assert sent["amount"]["tainted_first"] == str(gone * COIN)
        arrived = [each["amount"]["lifo"] for each in node["received"]]
        assert arrived == ([] if came is None else [str(came * COIN)])
    assert "paid to itself: 5 BTC" in shown
    picture = (tmp_path / "way.svg").read_text("utf-8")
    assert "sent 6 BTC" in picture
    assert "Differs by" not in picture


def test_what_is_small_is_small_beside_what_left_not_beside_change(tmp_path: Path) -> None:
    """A large address pays small amounts out of one output: what it gets back is no outflow."""
    with many(tmp_path, [("bitcoin", btc("S"))], min_share=0.01) as world:
        tx = world.spend([("", 1001 * COIN)], ("S", 1000 * COIN))
        for n in range(10):
            tx = world.spend([(tx, 0)], ("S", (1000 - 2 * n - 2) * COIN), (f"P{n}", 2 * COIN))
        world.run()
        found = world.show()
    nodes = nodes_of(found)
    assert {nodes[btc(f"P{n}")]["state"] for n in range(10)} == {"followed"}
    (left,) = nodes[btc("S")]["left"]
    assert left["amount"] == dict.fromkeys(METHODS, str(20 * COIN))
    assert nodes[btc("S")]["received"] == []
    balanced(found)


def test_what_nobody_could_read_is_not_nothing(tmp_path: Path) -> None:
    """A source that answers for another chain is refused: then nobody looked."""
    with many(tmp_path, [("bitcoin", btc("S"))]) as world:
        world.spend([("", 101 * COIN)], ("S", 100 * COIN))
        world.ledgers["bitcoin"].genesis = FIRST["litecoin"]  # type: ignore[attr-defined]
        said = world.run()
    assert "nothing is left to follow" not in said
    assert "1 address is not completely read" in said


def test_several_chains(tmp_path: Path) -> None:
    watched = [("ethereum", eth("S")), ("tron", tron("S")), ("bitcoin", btc("S"))]
    book = [
        (btc("X"), "bitcoin", "Big Exchange", "exchange"),
        (tron("X"), "tron", "Big Exchange", "exchange"),
    ]
    with many(tmp_path, watched, book) as world:
        paid = world.spend([("", 101 * COIN)], ("S", 100 * COIN))
        left = world.spend([(paid, 0)], ("A", 60 * COIN), ("S", 39 * COIN))
        world.spend([(left, 0)], ("X", 59 * COIN))
        world.on_tron(tron("Z"), tron("S"), 20_000 * DOLLAR, USDT)
        world.on_tron(tron("S"), tron("A"), 20_000 * DOLLAR, USDT)
        world.on_tron(tron("A"), tron("X"), 15_000 * DOLLAR, USDT)
        world.mine("ethereum", Tx("0x" + name_of("e1"), eth("S"), eth("A"), 10**18))
        world.mine("ethereum", Tx("0x" + name_of("e2"), eth("A"), eth("B"), 9 * 10**17))
        said = world.run()
        found = world.show()
        places = seizure(world)
        told = [alert for alert in world.home.alerts() if "traced" in alert]
        calls = Counter(chain for chain, _, _ in world.explorer.calls.elements())
        world.run()
        after = Counter(chain for chain, _, _ in world.explorer.calls.elements())
    nodes = nodes_of(found)
    balanced(found)
    assert "nothing is left to follow" in said
    assert {n["chain"] for n in found["node"] if n["state"] == "source"} == {*world.ledgers}
    assert nodes[btc("A")]["stop"]["reason"] == "deposit_address"
    ended = {each["address"] for each in places if each["where"] == "ended"}
    assert ended == {btc("X"), tron("X")}
    (sum_,) = [t for t in found["total"] if t["asset"] is None and t["method"] == "fifo"]
    assert sum_["out_of_sources"] == "3072000"  # 61 BTC, 1 ETH, 20,000 USDT
    assert [alert["traced"]["left_usd"] for alert in told] == [["3072000", "3072000"]]
    assert all(after[chain] - calls[chain] < 10 for chain in world.ledgers)


# -- two chains and a bridge -------------------------------------------------------------------

USDC = {
    "ethereum": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    "base": "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
}
POOLS = {
    "ethereum": "0x5c7bcd6e7de5423a257d81b442095a1a6ced35c5",
    "base": "0x09aea4b2242abc8bb4bb78d537a67a245a7bec64",
}


def eth(person: str) -> str:
    return "0x" + name_of(person)[:40]


def word(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def paid(
    world: Many, chain: str, signer: str, giver: str, taker: str, usd: int, log: Log | None = None
) -> None:
    """In the chain's dollars; a bridge's contract writes its log."""
    world.count += 1
    name = "0x" + name_of(f"paid {world.count}")
    move = TokenMove("ERC-20", USDC[chain], giver, taker, usd * DOLLAR, log_index=1)
    logs = (RawLog(log.contract, log.topics, log.data, 2),) if log is not None else ()
    to = log.contract if log is not None else USDC[chain]
    world.mine(chain, Tx(name, signer, to, input="0xa9059cbb", tokens=(move,), logs=logs))


def deposit(giver: str, taker: str) -> Log:
    return wrote(
        POOLS["ethereum"],
        "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,uint32,uint32,uint32,"
        "bytes32,bytes32,bytes32,bytes)",
        "....ii...i...",
        *(word(USDC["ethereum"]), word(USDC["base"]), 9_000 * DOLLAR, 8_990 * DOLLAR),
        *(8453, 41, 1, 2, 3, word(giver), word(taker), b"", b""),
    )


def fill(giver: str, taker: str, relayer: str) -> Log:
    return wrote(
        POOLS["base"],
        "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,uint32,"
        "bytes32,bytes32,bytes32,bytes32,bytes32,(bytes32,bytes32,uint256,uint8))",
        ".....ii...i....",
        *(word(USDC["ethereum"]), word(USDC["base"]), 9_000 * DOLLAR, 8_990 * DOLLAR, 1, 1, 41),
        *(2, 3, b"", word(relayer), word(giver), word(taker), b""),
        (word(taker), b"", 8_990 * DOLLAR, 0),
    )


def test_over_a_bridge_as_two_explorers_tell_it(tmp_path: Path) -> None:
    """The way goes on at the other side once that is read; while its explorer is down, what went in
    ends at the bridge, and whom its event names stands beside it."""
    source, mule, far, end, relayer = (eth(person) for person in ("S", "M", "F", "E", "R"))
    styles = {"ethereum": "blockscout", "base": "blockscout"}
    book = [(end, "base", "Big Exchange", "exchange")]
    with many(tmp_path, [("ethereum", source)], book, styles) as world:
        for chain, pool in POOLS.items():
            world.ledgers[chain].codes[pool] = "0x60"  # type: ignore[attr-defined]
        paid(world, "ethereum", eth("Z"), eth("Z"), source, 10_000)
        paid(world, "ethereum", source, source, mule, 10_000)
        paid(world, "ethereum", mule, mule, POOLS["ethereum"], 9_000, deposit(mule, far))
        paid(world, "base", relayer, relayer, far, 8_990, fill(mule, far, relayer))
        paid(world, "base", far, far, end, 5_000)
        world.explorer.knobs("base", "blockscout").limited = 503
        said = world.run()
        before = nodes_of(world.show())
        world.explorer.knobs("base", "blockscout").limited = 0
        for _ in range(3):
            world.home.sql("UPDATE scope SET due = 0")
            world.home.run("poll", code=None)
            world.run()
        found = world.show()
        explained = world.home.run("trace", "explain", "C-1", end)
    assert "nothing is left to follow" not in said
    assert before[POOLS["ethereum"]]["stop"]["reason"] == "bridge"
    assert far in before[POOLS["ethereum"]]["stop"]["detail"].lower()
    assert before[far]["chain"] == "base"
    nodes = nodes_of(found)
    balanced(found)
    (over,) = [edge for edge in found["edge"] if edge["via"] == "bridge"]
    assert (over["from"], over["to"], over["got"]["chain"]) == (mule, far, "base")
    assert held(nodes[far], "tainted_first") == {"USDC": 3_990 * DOLLAR}
    assert held(nodes[end], "libr") == {"USDC": 5_000 * DOLLAR}
    assert nodes[end]["stop"]["reason"] == "exchange"
    assert "across/1/41" in explained
