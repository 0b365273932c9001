"""A generated EVM chain for benchmarks: a real node (anvil), blocks full of coins, tokens, calls
inside calls and failed transactions, and beside it the truth: every movement, as it was sent.

Deterministic but for the order of transactions inside a block, which is the node's; so the truth is
keyed by transaction. What was generated is kept in a folder and loaded again from there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from http.client import HTTPConnection
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from common import evm_address

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = json.loads((ROOT / "tests/world/contracts/World.json").read_text("utf-8"))
INSTALL = "npm install --prefix .tools @foundry-rs/anvil@1.7.1"
VERSION = 2  # of what is generated: another one is generated anew
SECONDS = 12  # between two blocks
GAS_PRICE = 2 * 10**9
AT_ONCE = 500  # transactions in one request
FINAL_BLOCKS = 20  # empty ones on top, of now
ZERO = "0x" + "0" * 40


class Movement(NamedTuple):
    kind: str
    tx: str
    contract: str | None
    token_id: str | None
    sender: str
    recipient: str
    amount: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What is generated. The addresses take part as often as Zipf's law says, more or less."""

    blocks: int
    txs: int  # of a block
    people: int = 2000
    seed: int = 13

    @property
    def key(self) -> str:
        told = json.dumps([VERSION, CONTRACTS, asdict(self)], sort_keys=True)
        digest = hashlib.sha256(told.encode()).hexdigest()[:8]
        return f"chain-{self.blocks}x{self.txs}-{digest}"


@dataclass(slots=True)
class Truth:
    """Who lives on the chain, which blocks hold the generated transactions, and what moved."""

    people: list[str]  # the busiest first
    first: int
    last: int
    movements: list[Movement] = field(default_factory=list)
    paid_by: dict[str, str] = field(default_factory=dict)  # transaction -> who paid its fee

    def rows(self, watched: Sequence[str]) -> int:
        """How many rows these addresses have in those blocks, fees included."""
        wanted = set(watched)
        fees = sum(payer in wanted for payer in self.paid_by.values())
        return fees + len(self.touching(wanted))

    def touching(self, wanted: set[str]) -> list[Movement]:
        return [m for m in self.movements if m.sender in wanted or m.recipient in wanted]

    def save(self, target: Path) -> None:
        told = [self.people, self.first, self.last, self.movements, self.paid_by]
        target.write_text(json.dumps(told), "utf-8")

    @classmethod
    def load(cls, source: Path) -> Truth:
        people, first, last, movements, paid_by = json.loads(source.read_text("utf-8"))
        return cls(people, first, last, [Movement(*each) for each in movements], paid_by)


# -- the node ------------------------------------------------------------------------------


def find_anvil() -> str | None:
    """FUNDWATCH_ANVIL, then what `make test` put into .tools, then PATH."""
    bundled = sorted((ROOT / ".tools/node_modules/@foundry-rs").glob("anvil-*/bin/anvil"))
    named = os.environ.get("FUNDWATCH_ANVIL")
    return named or (str(bundled[0]) if bundled else shutil.which("anvil"))


class Node:
    """A running anvil."""

    def __init__(self, port: int, pid: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._pid = pid
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        sent = [
            {"jsonrpc": "2.0", "id": n, "method": method, "params": list(params)}
            for n, (method, params) in enumerate(calls)
        ]
        head = {"Content-Type": "application/json"}
        self._connection.request("POST", "/", json.dumps(sent), head)
        told = json.loads(self._connection.getresponse().read())
        if faults := [each["error"] for each in told if "error" in each]:
            raise ValueError(f"{calls[0][0]}: {faults[0]}")
        return [each["result"] for each in sorted(told, key=lambda each: each["id"])]

    def call(self, method: str, *params: Any) -> Any:
        return self.batch([(method, params)])[0]

    def close(self) -> None:
        self._connection.close()

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the node has taken."""
        stat = Path(f"/proc/{self._pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def _anvil(*args: str, port: int) -> Iterator[Node]:
    binary = find_anvil()
    if binary is None:
        raise SystemExit(f"anvil is not installed: {INSTALL}")
    command = [binary, "--host", "127.0.0.1", "--port", str(port), "-q", "--accounts", "1"]
    command += ["--no-mining", "--auto-impersonate", "--order", "fifo", "--prune-history"]
    command += ["--gas-limit", "60000000", "--no-request-size-limit", *args]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    node = Node(port, process.pid)
    try:
        _await(node, process)
        yield node
    finally:
        node.close()
        process.terminate()  # whereupon it writes its state, if it was asked to
        process.wait(120)


def _await(node: Node, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 120
    while time.monotonic() < ends and process.poll() is None:
        try:
            node.call("eth_chainId")
        except OSError:
            node.close()
            time.sleep(0.05)
        else:
            return
    raise SystemExit("anvil does not answer")


def made(shape: Shape, folder: Path) -> Truth:
    """The chain is in the folder, generated if it was not there."""
    kept = folder / shape.key
    if not (kept / "truth.json").exists():
        generate(shape, kept)
    return Truth.load(kept / "truth.json")


@contextmanager
def opening(shape: Shape, folder: Path, port: int) -> Iterator[Node]:
    """The chain as it was before the first of its full blocks."""
    with _anvil("--load-state", str(folder / shape.key / "opening.json"), port=port) as node:
        yield node


@contextmanager
def whole(shape: Shape, folder: Path, port: int) -> Iterator[Node]:
    """All of it, with final blocks on top, the newest of now."""
    with _anvil("--load-state", str(folder / shape.key / "state.json"), port=port) as node:
        node.call("evm_setTime", int(time.time()) - SECONDS * FINAL_BLOCKS)
        node.call("anvil_mine", hex(FINAL_BLOCKS), hex(SECONDS))
        [stranger] = node.call("eth_accounts")
        node.call("eth_sendTransaction", {"from": stranger, "to": stranger, "value": "0x1"})
        node.call("evm_mine")  # by a block with a transaction it is found out what a node shows
        yield node


# -- what happens on it --------------------------------------------------------------------


@cache
def _functions(contract: str) -> dict[str, tuple[bytes, list[str]]]:
    from eth_utils.crypto import keccak

    found = {}
    for item in CONTRACTS[contract]["abi"]:
        if item["type"] == "function":
            types = [each["type"] for each in item["inputs"]]
            named = f"{item['name']}({','.join(types)})"
            found[item["name"]] = (keccak(text=named)[:4], types)
    return found


def calldata(contract: str, function: str, *args: Any) -> str:
    from eth_abi.abi import encode

    selector, types = _functions(contract)[function]
    return "0x" + (selector + encode(types, args)).hex()


def deploy_data(contract: str, *args: Any) -> str:
    from eth_abi.abi import encode

    types = ["string", "string", "uint8"] if contract == "Coin" else []
    return str(CONTRACTS[contract]["bytecode"] + encode(types, args).hex())


# A movement without its transaction: kind, contract, token id, sender, recipient, amount.
Moved = tuple[str, str | None, str | None, str, str, int]


@dataclass(slots=True)
class Sent:
    """One transaction, and what it moves."""

    sender: str
    to: str | None
    data: str = "0x"
    value: int = 0
    moves: list[Moved] = field(default_factory=list)

    def params(self, nonce: int) -> dict[str, str]:
        made = {"from": self.sender, "data": self.data, "value": hex(self.value)}
        made |= {"nonce": hex(nonce), "gasPrice": hex(GAS_PRICE)}
        # What mints and forwards takes less; a contract is made only before.
        made |= {"gas": hex(3_000_000 if self.to is None else 300_000)}
        return made | ({"to": self.to} if self.to else {})


class _Builder:
    def __init__(self, node: Node, shape: Shape) -> None:
        self._node, self._shape = node, shape
        self._random = random.Random(shape.seed)
        people = [evm_address(f"person {n}") for n in range(shape.people)]
        self.truth = Truth(people, 0, 0)
        self._nonces = dict.fromkeys(people, 0)
        self._weights = list(accumulate(1 / (n + 1) ** 0.8 for n in range(shape.people)))
        self._numbers = 0  # ids of NFTs
        self._at: dict[str, str] = {}  # contract -> address

    def open(self) -> bytes:
        """Everybody has coins and tokens; the node's state as it is then."""
        people = self.truth.people
        self._node.batch([("anvil_setBalance", (each, hex(10**24))) for each in people])
        self._node.call("anvil_setBlockTimestampInterval", SECONDS)
        self._deploy()
        for coin in ("USDX", "EURX"):
            for at in range(0, len(people), AT_ONCE):
                self._mine([self._mint(coin, each) for each in people[at : at + AT_ONCE]])
        self.truth.movements.clear()
        self.truth.paid_by.clear()
        return gzip.decompress(bytes.fromhex(self._node.call("anvil_dumpState")[2:]))

    def fill(self) -> Truth:
        self.truth.first = self._height() + 1
        for _ in range(self._shape.blocks):
            self._mine([self._something() for _ in range(self._shape.txs)])
        self.truth.last = self._height()
        return self.truth

    def _height(self) -> int:
        return int(self._node.call("eth_blockNumber"), 16)

    def _deploy(self) -> None:
        names = [("Coin", "USDX"), ("Coin", "EURX")]
        names += [(each, each) for each in ("Art", "Items", "Forwarder", "MultiSend", "Reverter")]
        owner = self.truth.people[0]
        made = [
            Sent(owner, None, deploy_data(kind, *((name, name, 6) if kind == "Coin" else ())))
            for kind, name in names
        ]
        hashes = self._mine(made)
        receipts = self._node.batch([("eth_getTransactionReceipt", (each,)) for each in hashes])
        for (_, name), receipt in zip(names, receipts, strict=True):
            self._at[name] = receipt["contractAddress"]

    def _mine(self, sent: Sequence[Sent]) -> list[str]:
        """Send them, then mine them: in one request they would not be in the block yet."""
        hashes: list[str] = []
        for at in range(0, len(sent), AT_ONCE):
            calls = []
            for each in sent[at : at + AT_ONCE]:
                calls.append(("eth_sendTransaction", (each.params(self._nonces[each.sender]),)))
                self._nonces[each.sender] += 1
            hashes += self._node.batch(calls)
        self._node.call("evm_mine")
        for name, each in zip(hashes, sent, strict=True):
            self.truth.paid_by[name] = each.sender
            self.truth.movements += (Movement(m[0], name, *m[1:]) for m in each.moves)
        return hashes

    def _person(self) -> str:
        at = bisect(self._weights, self._random.random() * self._weights[-1])
        return self.truth.people[min(at, len(self.truth.people) - 1)]

    def _mint(self, coin: str, to: str) -> Sent:
        return Sent(to, self._at[coin], calldata("Coin", "mint", to, 10**30))

    def _something(self) -> Sent:
        sender, other, value = self._person(), self._person(), self._random.randrange(1, 10**15)
        ways = (self._coins, self._token, self._forward, self._many, self._fails, self._art)
        [way] = self._random.choices((*ways, self._items), (50, 38, 6, 2, 2, 1, 1))
        return way(sender, other, value)

    def _coins(self, sender: str, other: str, value: int) -> Sent:
        return Sent(sender, other, "0x", value, [("native", None, None, sender, other, value)])

    def _token(self, sender: str, other: str, value: int) -> Sent:
        at = self._at[self._random.choice(("USDX", "EURX"))]
        moved = [("erc20", at, None, sender, other, value)]
        return Sent(sender, at, calldata("Coin", "transfer", other, value), 0, moved)

    def _forward(self, sender: str, other: str, value: int) -> Sent:
        at = self._at["Forwarder"]
        moved = [("native", None, None, sender, at, value)]
        moved += [("internal", None, None, at, other, value)]
        return Sent(sender, at, calldata("Forwarder", "forward", other), value, moved)

    def _many(self, sender: str, other: str, value: int) -> Sent:
        at, to = self._at["MultiSend"], [other, self._person(), self._person()]
        values = [value, value + 1, value + 2]
        moved = [("native", None, None, sender, at, sum(values))]
        moved += [("internal", None, None, at, *each) for each in zip(to, values, strict=True)]
        data = calldata("MultiSend", "coins", to, values)
        return Sent(sender, at, data, sum(values), moved)

    def _fails(self, sender: str, _: str, value: int) -> Sent:
        return Sent(sender, self._at["Reverter"], calldata("Reverter", "fail"), value)

    def _art(self, sender: str, other: str, _: int) -> Sent:
        self._numbers += 1
        at, number = self._at["Art"], self._numbers
        moved = [("erc721", at, str(number), ZERO, other, 1)]
        return Sent(sender, at, calldata("Art", "mint", other, number), 0, moved)

    def _items(self, sender: str, other: str, value: int) -> Sent:
        at, number = self._at["Items"], value % 50
        moved = [("erc1155", at, str(number), ZERO, other, value)]
        return Sent(sender, at, calldata("Items", "mint", other, number, value), 0, moved)


def generate(shape: Shape, target: Path) -> None:
    """Write the chain into a folder; the truth last, so that what has it is whole."""
    target.mkdir(parents=True, exist_ok=True)
    state = target / "state.json"
    began = int(time.time()) - SECONDS * (shape.blocks + 1000)
    told = ("--dump-state", str(state), "--timestamp", str(began))
    with _anvil(*told, port=free_port()) as node:
        builder = _Builder(node, shape)
        (target / "opening.json").write_bytes(builder.open())
        truth = builder.fill()
    truth.save(target / "truth.part")
    (target / "truth.part").rename(target / "truth.json")
