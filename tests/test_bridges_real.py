"""Two real EVM chains and somebody who pays out on one what was locked on the other: Across there,
Circle back. What is followed is what the nodes tell, by their receipts alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from test_bridges import wrote
from test_issuer_acts import source_of
from world.evm_world import calldata, deploy_data
from world.home import Home
from world.parts import Rpc, anvil

from monitor.analysis.trace.evaluate import Tracer
from monitor.analysis.trace.known import Known, Market, Recorded, Source
from monitor.app.settings import load
from monitor.chains.bridges import crossings
from monitor.model import Asset, Row, Status, Subject
from monitor.model.events import Log, TxLogs
from monitor.model.flow import CONSERVING
from monitor.model.trace import Anatomy, Edge, Need, Profile, Terms, Trace

pytestmark = pytest.mark.real

CHAINS = load.load(Path("/nonexistent"), {}).chains
IDS = {"ethereum": "1", "base": "8453"}
THIEF, MULE, RELAYER, FAR, BACK, END = ("0x" + f"{digit}a" * 20 for digit in "123456")
ZERO = "0x" + "0" * 40
POOLS = {
    "ethereum": "0x5c7bcd6e7de5423a257d81b442095a1a6ced35c5",
    "base": "0x09aea4b2242abc8bb4bb78d537a67a245a7bec64",
}
BURNS = "0x1682ae6375c4e4a97e4b583bc394c861a46d8962"  # Circle's on Base
MINTS = "0x0a992d191deec32afe36203ad87d7d289a738f81"  # on Ethereum
M = 10**6

# A contract that calls another with a part of what it is called with, then writes the rest as a
# log. Words: whom to call, how long the call is, up to four topics; then the call, then the data.
_CALLS = (
    "60003580156026576020358060c0600037600060008260003486" + "5af16024576000" + "6000fd5b505b50"
    "60203560c00180360390819060003760"
)
FOUR_TOPICS = f"0x{_CALLS}a035608035606035604035846000a400"
THREE_TOPICS = f"0x{_CALLS}8035606035604035836000a300"


@dataclass
class Side:
    """One chain with a dollar token, its node asked as a source is."""

    key: str
    rpc: Rpc
    token: str = ""
    txs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = source_of(self.rpc.url, "evm_rpc", CHAINS[self.key])
        for contract, code in (
            (POOLS[self.key], FOUR_TOPICS), (BURNS, FOUR_TOPICS), (MINTS, THREE_TOPICS)
        ):  # fmt: skip
            self.rpc.call("anvil_setCode", contract, code)
        made = self.send(RELAYER, None, deploy_data("Coin", "USD Coin", "USDC", 6))
        self.token = self.rpc.call("eth_getTransactionReceipt", made)["contractAddress"].lower()

    def send(self, sender: str, to: str | None, data: str) -> str:
        self.rpc.call("anvil_setBalance", sender, hex(10**20))
        call = {"from": sender, "data": data, "gas": hex(3_000_000)} | ({"to": to} if to else {})
        tx: str = self.rpc.call("eth_sendTransaction", call)
        self.rpc.call("evm_mine")
        assert self.rpc.call("eth_getTransactionReceipt", tx)["status"] == "0x1"
        self.txs.append(tx)
        return tx

    def coin(self, sender: str, function: str, *args: object) -> str:
        return self.send(sender, self.token, calldata("Coin", function, *args))

    def bridge(self, sender: str, log: Log, function: str, *args: object) -> str:
        """The bridge's contract calls the token and writes its event."""
        call = bytes.fromhex(calldata("Coin", function, *args)[2:])
        topics = [t[2:].rjust(64, "0") for t in log.topics] + ["0" * 64] * (4 - len(log.topics))
        words = (self.token[2:].rjust(64, "0"), f"{len(call):064x}", *topics)
        return self.send(sender, log.contract, f"0x{''.join(words)}{call.hex()}{log.data[2:]}")

    def logs(self) -> Mapping[str, TxLogs]:
        return {tx: self.source.tx_logs(tx) for tx in self.txs}


@pytest.fixture(scope="module")
def sides() -> Iterator[dict[str, Side]]:
    """By Base's clock value comes out seven seconds before it went in."""
    with (
        anvil("--chain-id", IDS["ethereum"], age=86_000) as one,
        anvil("--chain-id", IDS["base"], age=86_400) as other,
    ):
        yield story(Side("ethereum", one), Side("base", other))


def story(eth: Side, base: Side) -> dict[str, Side]:
    """THIEF -> MULE -> Across -> FAR on Base -> Circle -> BACK on Ethereum -> END."""
    eth.coin(RELAYER, "mint", THIEF, 1_000 * M)
    eth.coin(RELAYER, "mint", MULE, 500 * M)
    eth.coin(THIEF, "transfer", MULE, 1_000 * M)
    eth.coin(MULE, "approve", POOLS["ethereum"], 10**30)
    eth.bridge(MULE, _deposit(eth, base), "transferFrom", MULE, POOLS["ethereum"], 900 * M)
    base.rpc.call("evm_setNextBlockTimestamp", _now(eth) - 7)
    base.bridge(RELAYER, _fill(eth, base), "mint", FAR, 895 * M)
    base.coin(FAR, "approve", BURNS, 10**30)
    base.bridge(FAR, _burn(base), "transferFrom", FAR, ZERO, 895 * M)
    eth.rpc.call("evm_setNextBlockTimestamp", _now(base) + 900)
    eth.bridge(RELAYER, _mint(base), "mint", BACK, 895 * M)
    eth.coin(BACK, "transfer", END, 895 * M)
    return {"ethereum": eth, "base": base}


def _now(side: Side) -> int:
    return int(side.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def _word(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def _deposit(eth: Side, base: Side) -> Log:
    return wrote(
        POOLS["ethereum"],
        "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,uint32,uint32,uint32,"
        "bytes32,bytes32,bytes32,bytes)",
        "....ii...i...",
        _word(eth.token), _word(base.token), 900 * M, 895 * M, 8453, 41, 1, 2, 3, _word(MULE),
        _word(FAR), b"", b"",
    )  # fmt: skip


def _fill(eth: Side, base: Side) -> Log:
    return wrote(
        POOLS["base"],
        "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,uint32,"
        "bytes32,bytes32,bytes32,bytes32,bytes32,(bytes32,bytes32,uint256,uint8))",
        ".....ii...i....",
        _word(eth.token), _word(base.token), 900 * M, 895 * M, 1, 1, 41, 2, 3, b"",
        _word(RELAYER), _word(MULE), _word(FAR), b"", (_word(FAR), b"", 895 * M, 0),
    )  # fmt: skip


def _burn(base: Side) -> Log:
    return wrote(
        BURNS, "DepositForBurn(uint64,address,uint256,address,bytes32,uint32,bytes32,bytes32)",
        "ii.i....", 77, base.token, 895 * M, FAR, _word(BACK), 0, b"", b"",
    )  # fmt: skip


def _mint(base: Side) -> Log:
    body = b"\0" * 4 + _word(base.token) + _word(BACK) + (895 * M).to_bytes(32, "big") + _word(FAR)
    return wrote(
        MINTS, "MessageReceived(address,uint32,uint64,bytes32,bytes)", "i.i..",
        RELAYER, 6, 77, _word(BURNS), body,
    )  # fmt: skip


# --- following, with the nodes as the only source -----------------------------------------------


@dataclass
class Follower:
    """Learns what the trace wants from the nodes until it wants nothing more."""

    sides: Mapping[str, Side]
    mute: frozenset[str] = frozenset()  # chains that tell no logs of a transaction
    asked: list[tuple[Need, Subject]] = field(default_factory=list)
    followed: set[Subject] = field(default_factory=set)
    profiles: dict[Subject, Profile] = field(default_factory=dict)
    anatomies: dict[tuple[str, str], Anatomy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        legs = [
            leg
            for side in self.sides.values()
            for said in side.logs().values()
            for leg in said.legs
        ]
        self.rows = [
            Row(n, leg, Status.FINAL, 1, leg.time or 0) for n, leg in enumerate(legs) if leg.amount
        ]

    def known(self) -> Known:
        tokens = {(s.key, s.token): Asset(s.key, s.token, "USDC", 6) for s in self.sides.values()}
        source = Subject("ethereum", THIEF)
        return Known(
            "case", "Case", Terms(min_share="0"), [Source(source, str(source))], CHAINS, tokens,
            rows=lambda s: Recorded([r for r in self.rows if _of(r, s)]),
            names=lambda _: (),
            market=Market(lambda *_: Decimal(1), lambda *_: None),
            followed=frozenset(self.followed),
            profiles=self.profiles,
            anatomies=self.anatomies,
        )  # fmt: skip

    def to_the_end(self) -> Trace:
        tracer = Tracer()
        for _ in range(50):
            trace = tracer.trace(self.known())
            if not trace.wanted:
                return trace
            want = trace.wanted[0]
            self.asked.append((want.need, want.subject))
            self._learn(want.need, want.subject, want.tx)
        raise AssertionError("it never ends")

    def _learn(self, need: Need, subject: Subject, tx: str) -> None:
        source = self.sides[subject.chain].source
        if need is Need.PROFILE:
            self.profiles[subject] = source.profile(subject.address, 1000)
        elif need is Need.FOLLOW:
            self.followed.add(subject)
        elif subject.chain in self.mute:
            self.anatomies[subject.chain, tx] = Anatomy(subject.chain, tx, ())
        else:
            said = source.tx_logs(tx)
            found = crossings(CHAINS[subject.chain], said, CHAINS)
            self.anatomies[subject.chain, tx] = Anatomy(
                subject.chain, tx, said.legs, found, source.name
            )


def _of(row: Row, subject: Subject) -> bool:
    move = row.transfer
    return move.chain == subject.chain and subject.address in (move.sender, move.recipient)


def over(trace: Trace) -> list[Edge]:
    return [edge for edge in trace.edges if edge.via == "bridge"]


def test_both_sides_of_a_bridge_meet_in_the_logs_of_two_chains(sides: dict[str, Side]) -> None:
    found = [
        crossing
        for side in sides.values()
        for said in side.logs().values()
        for crossing in crossings(CHAINS[side.key], said, CHAINS)
    ]
    links = {(c.bridge, c.deposit): c.link for c in found}
    assert len(found) == len(links) == 4
    assert links["Across", True] == links["Across", False] == "across/1/41"
    assert links["Circle CCTP", True] == links["Circle CCTP", False] == "cctp/6/77"


def test_money_is_followed_to_another_chain_and_back(sides: dict[str, Side]) -> None:
    follower = Follower(sides)
    trace = follower.to_the_end()
    went, came = over(trace)
    assert (went.sender, went.recipient, went.to_chain) == (MULE, FAR, "base")
    assert (came.sender, came.recipient, came.to_chain) == (FAR, BACK, "ethereum")
    assert "across/1/41" in went.rule
    assert "cctp/6/77" in came.rule
    end = next(n for n in trace.nodes if n.subject == Subject("ethereum", END))
    # Of 1,500 that MULE had, 1,000 were the thief's; 900 of it left.
    held = end.holds[0].amount
    assert held["tainted_first"] == held["lifo"] == 895 * M
    assert held["haircut"] == pytest.approx(895 * M * 2 / 3, abs=2)
    assert held["libr"] == held["fifo"] == pytest.approx(895 * M * 4 / 9, abs=2)
    assert end.hop == 4
    assert all(t.difference == 0 for t in trace.totals if t.method in CONSERVING)


def test_what_a_chain_does_not_tell_is_matched_by_name_amount_and_time(
    sides: dict[str, Side],
) -> None:
    """Of Base nobody tells logs: the deposit names FAR, and what came fits alone. What FAR burnt
    stays burnt, for no event of it is known."""
    follower = Follower(sides, frozenset({"base"}))
    trace = follower.to_the_end()
    (went,) = over(trace)
    assert went.recipient == FAR
    assert "the link was not checked" in went.rule
    burnt = next(n for n in trace.nodes if n.subject.address == ZERO)
    assert burnt.stop is not None
    assert burnt.stop.reason == "burn"


def test_the_recipient_is_asked_about_only_after_the_event_was_read(
    sides: dict[str, Side],
) -> None:
    follower = Follower(sides)
    follower.to_the_end()
    far = [n for n, (_, subject) in enumerate(follower.asked) if subject == Subject("base", FAR)]
    read = [n for n, (need, _) in enumerate(follower.asked) if need is Need.ANATOMY]
    assert far
    assert min(read) < min(far)


def test_the_command_follows_over_two_chains(sides: dict[str, Side], tmp_path: Path) -> None:
    """The whole program, its only sources the two nodes; a second run makes nothing else of it."""
    home = Home(tmp_path)
    nodes = {
        f"node-{key}": {"kind": "evm_rpc", "url": side.rpc.url, "rate_per_second": 1000}
        for key, side in sides.items()
    }
    for side in sides.values():
        side.rpc.call("anvil_mine", hex(80))
    home.write("config/sources.yaml", {"sources": nodes})
    home.write("config/settings.yaml", {"prices": "none"})
    home.write(
        "config/chains.yaml",
        {"chains": {key: {"sources": [f"node-{key}"], "finality": 12} for key in sides}},
    )
    dollar = {"symbol": "USDC", "decimals": 6, "source": "us", "date": "2026-01-01"}
    home.write(
        "config/assets.yaml", {"assets": {s.key: {s.token: dict(dollar)} for s in sides.values()}}
    )
    entry = {"address": THIEF, "chain": "ethereum", "label": "the thief"}
    case = {"reason": "a reason", "follow": {"hops": 10}, "addresses": [entry]}
    home.write("watchlist.yaml", {"cases": {"C-1": case}})
    home.run("trace", "run", "C-1")
    shown = home.run("trace", "show", "C-1", "--format", "jsonl")
    lines = [json.loads(line) for line in shown.splitlines()]
    over_ = [(e["from"], e["to"]) for e in lines if e["type"] == "edge" and e["via"] == "bridge"]
    assert over_ == [(MULE, FAR), (FAR, BACK)]
    (end,) = [n for n in lines if n["type"] == "node" and n["address"] == END]
    assert end["holds"][0]["amount"]["lifo"] == str(895 * M)
    assert {t["difference"] for t in lines if t["type"] == "total" and t["method"] != "poison"} == {
        "0"
    }
    home.run("trace", "run", "C-1")
    assert home.run("trace", "show", "C-1", "--format", "jsonl") == shown
