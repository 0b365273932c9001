"""A busy little EVM chain with a known truth.

`build` sends transactions to a running anvil and writes down, from what it itself sent,
every row that a complete record must hold: the oracle. Receipts are asked only for status
and gas. What an explorer tells comes another way: through `evm_feed`.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import rlp
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import ZERO_ADDRESS
from world.parts import Rpc

CONTRACTS = json.loads((Path(__file__).parent / "contracts/World.json").read_text())
ETHER = 10**18
GAS_PRICE = 3 * 10**9
BLOCK_SECONDS = 12
CHAIN_ID = 31337  # what anvil says by default


class Row(NamedTuple):
    """One expected movement. A fee has no recipient, a mint comes from the zero address."""

    kind: str  # native, internal, erc20, erc721, erc1155, fee
    tx: str
    contract: str | None
    token_id: str | None
    sender: str
    recipient: str | None
    amount: int


@dataclass(slots=True)
class Oracle:
    """What truly happened: each row with how often it occurs in its transaction."""

    people: tuple[str, ...]
    contracts: dict[str, str] = field(default_factory=dict)  # name -> address
    rows: Counter[Row] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    txs: int = 0

    def touching(self, address: str) -> Counter[Row]:
        """The rows that a watch on this address must bring."""
        return Counter({r: n for r, n in self.rows.items() if address in (r.sender, r.recipient)})

    def watchable(self, count: int) -> list[str]:
        """People and contracts, the ones with the most rows first."""
        seen: Counter[str] = Counter()
        for row in self.rows:
            seen.update({row.sender, row.recipient or row.sender})
        seen.pop(ZERO_ADDRESS, None)
        return [address for address, _ in seen.most_common(count)]


@cache
def _functions(contract: str) -> dict[str, tuple[bytes, list[str]]]:
    found = {}
    for item in CONTRACTS[contract]["abi"]:
        if item["type"] == "function":
            types = [i["type"] for i in item["inputs"]]
            found[item["name"]] = (keccak(text=f"{item['name']}({','.join(types)})")[:4], types)
    return found


def calldata(contract: str, function: str, *args: Any) -> str:
    selector, types = _functions(contract)[function]
    return "0x" + (selector + encode(types, args)).hex()


def deploy_data(contract: str, *args: Any) -> str:
    types = ["string", "string", "uint8"] if contract == "Coin" else []
    return CONTRACTS[contract]["bytecode"] + encode(types, args).hex()


def created_by(sender: str, nonce: int) -> str:
    """The address of a contract that `sender` makes with its transaction `nonce`."""
    return "0x" + keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:].hex()


def created_by_salt(factory: str, salt: bytes, code: str) -> str:
    parts = b"\xff" + bytes.fromhex(factory[2:]) + salt + keccak(hexstr=code)
    return "0x" + keccak(parts)[12:].hex()


# A step of the script: the transaction to send, and what it moves if it succeeds.
Moves = list[tuple[str, str | None, str | None, str, str | None, int]]


@dataclass(slots=True)
class Step:
    sender: str
    to: str | None
    value: int = 0
    data: str = "0x"
    moves: Moves = field(default_factory=list)  # beside the native row and the fee
    ok: bool = True
    created: str | None = None


class EvmBuilder:
    """Writes the script of the chain. Deterministic: the same seed, the same steps."""

    def __init__(self, seed: int, people: int = 150) -> None:
        self.rng = random.Random(seed)
        self.people = [
            "0x" + hashlib.sha256(f"{seed}/{n}".encode()).hexdigest()[:40] for n in range(people)
        ]
        self.nonces: Counter[str] = Counter()
        self.contracts: dict[str, str] = {}
        self.allowances: list[tuple[str, str, str]] = []  # coin, owner, spender
        self.art: dict[int, str] = {}
        self.art_moved: set[int] = set()  # in this block: the order inside it is not ours
        self.children: list[tuple[str, int]] = []  # funded contracts that can still be closed
        self.fresh_children: list[tuple[str, int]] = []
        self.factory_nonce = 1

    # The opening: contracts, holdings, allowances.

    def opening(self) -> Iterator[list[Step]]:
        owner = self.people[0]
        names = [("Coin", "USDT"), ("Coin", "USDC"), ("Coin", "FAKE")]
        names += [(n, n) for n in ("Art", "Items", "Forwarder", "MultiSend", "Reverter")]
        names += [("Factory", "Factory"), ("Liar", "Liar"), ("Forwarder", "Code")]
        steps = []
        for place, (kind, name) in enumerate(names):
            address = created_by(owner, place)
            self.contracts[name] = address
            args = (_hostile(name), name, 6) if kind == "Coin" else ()
            steps.append(Step(owner, None, data=deploy_data(kind, *args), created=address))
        yield steps
        for coin in ("USDT", "USDC", "FAKE"):
            holders = [*self.people, self.contracts["MultiSend"]]
            yield [self._mint(coin, holder, 10**15) for holder in holders]
        yield [self._mint_items(p, n) for n in (1, 2, 3) for p in self.people[:40]]
        yield [self._approve(self._coin(), *self.some(2)) for _ in range(20)]

    def block(self, size: int) -> list[Step]:
        """The steps of one ordinary block."""
        self.art_moved.clear()
        self.children += self.fresh_children
        self.fresh_children = []
        makers = [maker for maker, weight in self._menu() for _ in range(weight)]
        return [self.rng.choice(makers)() for _ in range(size)]

    def _menu(self) -> list[tuple[Callable[[], Step], int]]:
        return [
            (self.pay, 30), (self.pay_nothing, 2), (self.pay_self, 1), (self.pay_with_note, 2),
            (self.note_only, 1), (self.send_coin, 30), (self.send_no_coin, 2),
            (self.poison, 4), (self.pull_coin, 3), (self.coin_to_self, 1),
            (self.overdraw, 2), (self.mint_coin, 1), (self.approve_coin, 1),
            (self.mint_art, 3), (self.move_art, 3), (self.send_item, 3),
            (self.send_items, 3), (self.forward, 4), (self.forward_refused, 2),
            (self.forward_all_refused, 1), (self.delegate_forward, 2), (self.spread, 3),
            (self.spread_coins, 3), (self.revert, 2), (self.pay_reverter, 1),
            (self.build_child, 2), (self.build_plain_child, 1), (self.close_child, 2),
            (self.claim, 2), (self.deploy_coin, 1), (self.deploy_child, 1),
        ]  # fmt: skip

    def some(self, count: int) -> list[str]:
        return self.rng.sample(self.people, count)

    def wei(self) -> int:
        return self.rng.choice([1, 10**9, ETHER // 1000, ETHER // 7]) * self.rng.randint(1, 9)

    def _coin(self) -> str:
        return self.rng.choice(["USDT", "USDC", "FAKE"])

    # Plain coins of the chain.

    def pay(self) -> Step:
        a, b = self.some(2)
        return Step(a, b, self.wei())

    def pay_nothing(self) -> Step:
        a, b = self.some(2)
        return Step(a, b)

    def pay_self(self) -> Step:
        (a,) = self.some(1)
        return Step(a, a, self.wei())

    def pay_with_note(self) -> Step:
        a, b = self.some(2)
        return Step(a, b, self.wei(), "0x" + b"hello".hex())

    def note_only(self) -> Step:
        a, b = self.some(2)
        return Step(a, b, 0, "0x" + b"hello".hex())

    # ERC-20.

    def _erc20(self, coin: str, a: str, b: str, amount: int) -> Moves:
        return [("erc20", self.contracts[coin], None, a, b, amount)]

    def _call_coin(self, caller: str, coin: str, name: str, *args: Any) -> Step:
        return Step(caller, self.contracts[coin], data=calldata("Coin", name, *args))

    def _mint(self, coin: str, holder: str, amount: int) -> Step:
        step = self._call_coin(self.people[0], coin, "mint", holder, amount)
        step.moves = self._erc20(coin, ZERO_ADDRESS, holder, amount)
        return step

    def _approve(self, coin: str, owner: str, spender: str) -> Step:
        self.allowances.append((coin, owner, spender))
        return self._call_coin(owner, coin, "approve", spender, 2**255)

    def _send(self, coin: str, a: str, b: str, amount: int) -> Step:
        step = self._call_coin(a, coin, "transfer", b, amount)
        step.moves = self._erc20(coin, a, b, amount)
        return step

    def send_coin(self) -> Step:
        return self._send(self._coin(), *self.some(2), self.rng.randint(1, 10**9))

    def send_no_coin(self) -> Step:
        return self._send(self._coin(), *self.some(2), 0)

    def coin_to_self(self) -> Step:
        (a,) = self.some(1)
        return self._send(self._coin(), a, a, self.rng.randint(1, 10**6))

    def overdraw(self) -> Step:
        a, b = self.some(2)
        step = self._call_coin(a, self._coin(), "transfer", b, 2**255)
        step.ok = False
        return step

    def poison(self) -> Step:
        """Nothing moves, yet the log names a victim who signed nothing."""
        attacker, victim, lookalike = self.some(3)
        coin = self._coin()
        step = self._call_coin(attacker, coin, "transferFrom", victim, lookalike, 0)
        step.moves = self._erc20(coin, victim, lookalike, 0)
        return step

    def pull_coin(self) -> Step:
        coin, owner, spender = self.rng.choice(self.allowances[:20])
        (to,) = self.some(1)
        amount = self.rng.randint(1, 10**6)
        step = self._call_coin(spender, coin, "transferFrom", owner, to, amount)
        step.moves = self._erc20(coin, owner, to, amount)
        return step

    def mint_coin(self) -> Step:
        return self._mint(self._coin(), *self.some(1), self.rng.randint(1, 10**9))

    def approve_coin(self) -> Step:
        a, b = self.some(2)
        return self._call_coin(a, self._coin(), "approve", b, 5)

    def claim(self) -> Step:
        liar, a, b = self.some(3)
        amount = self.rng.choice([1, 10**12, 2**256 - 1])
        data = calldata("Liar", "claim", a, b, amount)
        return Step(
            liar, self.contracts["Liar"], data=data, moves=self._erc20("Liar", a, b, amount)
        )

    # ERC-721 and ERC-1155.

    def _art(self, caller: str, name: str, a: str, b: str, token: int) -> Step:
        args = (b, token) if name == "mint" else (a, b, token)
        step = Step(caller, self.contracts["Art"], data=calldata("Art", name, *args))
        step.moves = [("erc721", self.contracts["Art"], str(token), a, b, 1)]
        self.art[token] = b
        self.art_moved.add(token)
        return step

    def mint_art(self) -> Step:
        token = self.rng.getrandbits(256) if self.rng.random() < 0.2 else len(self.art) + 1
        return self._art(*self.some(1), "mint", ZERO_ADDRESS, *self.some(1), token)

    def move_art(self) -> Step:
        free = [token for token in self.art if token not in self.art_moved]
        if not free:
            return self.mint_art()
        token = self.rng.choice(free)
        owner = self.art[token]
        return self._art(owner, "transferFrom", owner, *self.some(1), token)

    def _item_moves(self, a: str, b: str, amounts: dict[int, int]) -> Moves:
        items = self.contracts["Items"]
        return [("erc1155", items, str(token), a, b, n) for token, n in amounts.items()]

    def _mint_items(self, holder: str, token: int) -> Step:
        data = calldata("Items", "mint", holder, token, 10**6)
        moves = self._item_moves(ZERO_ADDRESS, holder, {token: 10**6})
        return Step(self.people[0], self.contracts["Items"], data=data, moves=moves)

    def _item_pair(self) -> tuple[str, str]:
        a, b = self.rng.sample(self.people[:40], 2)
        return a, b

    def send_item(self) -> Step:
        a, b = self._item_pair()
        token, amount = self.rng.randint(1, 3), self.rng.randint(1, 50)
        data = calldata("Items", "send", b, token, amount)
        return Step(
            a, self.contracts["Items"], data=data, moves=self._item_moves(a, b, {token: amount})
        )

    def send_items(self) -> Step:
        a, b = self._item_pair()
        amounts = {token: self.rng.randint(0, 50) for token in (1, 2, 3)}
        data = calldata("Items", "sendMany", b, list(amounts), list(amounts.values()))
        return Step(a, self.contracts["Items"], data=data, moves=self._item_moves(a, b, amounts))

    # Coins that move inside: forwarding, spreading, creating, closing.

    def forward(self) -> Step:
        a, b = self.some(2)
        value, via = self.wei(), self.contracts["Forwarder"]
        moves: Moves = [("internal", None, None, via, b, value)]
        return Step(a, via, value, calldata("Forwarder", "forward", b), moves)

    def forward_refused(self) -> Step:
        """The inner call fails, the transaction does not: the coins stay with the forwarder."""
        (a,) = self.some(1)
        data = calldata("Forwarder", "tryForward", self.contracts["Reverter"])
        return Step(a, self.contracts["Forwarder"], self.wei(), data)

    def forward_all_refused(self) -> Step:
        (a,) = self.some(1)
        data = calldata("Forwarder", "forward", self.contracts["Reverter"])
        return Step(a, self.contracts["Forwarder"], self.wei(), data, ok=False)

    def delegate_forward(self) -> Step:
        a, b = self.some(2)
        value, via = self.wei(), self.contracts["Forwarder"]
        data = calldata("Forwarder", "delegateForward", self.contracts["Code"], b)
        return Step(a, via, value, data, [("internal", None, None, via, b, value)])

    def spread(self) -> Step:
        a, b, c = self.some(3)
        receivers, value, via = [b, b, c], self.wei(), self.contracts["MultiSend"]
        data = calldata("MultiSend", "coins", receivers, [value] * 3)
        moves: Moves = [("internal", None, None, via, to, value) for to in receivers]
        return Step(a, via, value * 3, data, moves)

    def spread_coins(self) -> Step:
        a, b, c = self.some(3)
        coin, via = self._coin(), self.contracts["MultiSend"]
        receivers, amounts = [b, b, c, c], [7, 7, 7, self.rng.randint(0, 1000)]
        data = calldata("MultiSend", "tokens", self.contracts[coin], receivers, amounts)
        pairs = zip(receivers, amounts, strict=True)
        moves = [m for to, n in pairs for m in self._erc20(coin, via, to, n)]
        return Step(a, via, data=data, moves=moves)

    def revert(self) -> Step:
        (a,) = self.some(1)
        data = calldata("Reverter", "fail")
        return Step(a, self.contracts["Reverter"], self.wei(), data, ok=False)

    def pay_reverter(self) -> Step:
        (a,) = self.some(1)
        return Step(a, self.contracts["Reverter"], self.wei(), ok=False)

    def build_child(self) -> Step:
        (a,) = self.some(1)
        factory, salt = self.contracts["Factory"], self.rng.randbytes(32)
        child = created_by_salt(factory, salt, CONTRACTS["Child"]["bytecode"])
        return self._build(a, calldata("Factory", "build", salt), child)

    def build_plain_child(self) -> Step:
        """CREATE counts the factory's own nonce, so the order matters: one maker only, whose
        transactions its account nonce keeps in order."""
        maker = self.people[1]
        child = created_by(self.contracts["Factory"], self.factory_nonce)
        return self._build(maker, calldata("Factory", "buildPlain"), child)

    def _build(self, maker: str, data: str, child: str) -> Step:
        value = self.rng.choice([0, self.wei()])
        self.factory_nonce += 1
        if value:
            self.fresh_children.append((child, value))
        factory = self.contracts["Factory"]
        return Step(maker, factory, value, data, [("internal", None, None, factory, child, value)])

    def close_child(self) -> Step:
        if not self.children:
            return self.build_child()
        child, value = self.children.pop(self.rng.randrange(len(self.children)))
        a, b = self.some(2)
        moves: Moves = [("internal", None, None, child, b, value)]
        return Step(a, child, data=calldata("Child", "close", b), moves=moves)

    def deploy_coin(self) -> Step:
        (a,) = self.some(1)
        return Step(a, None, data=deploy_data("Coin", "Another", "USDT", 18), created="next")

    def deploy_child(self) -> Step:
        (a,) = self.some(1)
        return Step(a, None, self.wei(), deploy_data("Child"), created="next")


def _hostile(name: str) -> str:
    return "Tether\u202e <b>USD</b> visit http://evil.example" if name == "FAKE" else f"Test {name}"


def build(rpc: Rpc, blocks: int = 120, size: int = 20, seed: int = 1) -> Oracle:
    """Play about blocks x size transactions on a node that mines only when told to."""
    world = EvmBuilder(seed)
    oracle = Oracle(tuple(world.people), world.contracts)
    rpc.call("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
    rpc.batch([("anvil_setBalance", (p, hex(10_000 * ETHER))) for p in world.people])
    sent: list[tuple[str, Step]] = []
    for steps in world.opening():
        sent += send_block(rpc, world.nonces, steps)
    for _ in range(blocks):
        sent += send_block(rpc, world.nonces, world.block(size))
    _write_down(rpc, oracle, sent)
    return oracle


def send_block(rpc: Rpc, nonces: Counter[str], steps: Sequence[Step]) -> list[tuple[str, Step]]:
    """Send steps and mine them into one block; returns their hashes."""
    calls = []
    for step in steps:
        if step.created == "next":
            step.created = created_by(step.sender, nonces[step.sender])
        calls.append(("eth_sendTransaction", (_transaction(step, nonces[step.sender]),)))
        nonces[step.sender] += 1
    hashes = rpc.batch(calls)
    rpc.call("evm_mine")  # a batch runs concurrently: mining in it would miss some
    return list(zip(hashes, steps, strict=True))


def _transaction(step: Step, nonce: int) -> dict[str, Any]:
    heavy = step.to is None
    fields: dict[str, Any] = {
        "from": step.sender,
        "value": hex(step.value),
        "data": step.data,
        "nonce": hex(nonce),
        "gas": hex(2_500_000 if heavy else 200_000),
        "gasPrice": hex(GAS_PRICE),
    }
    return fields if heavy else fields | {"to": step.to}


def _write_down(rpc: Rpc, oracle: Oracle, sent: list[tuple[str, Step]]) -> None:
    oracle.txs = len(sent)
    for first in range(0, len(sent), 500):
        part = sent[first : first + 500]
        receipts = rpc.batch([("eth_getTransactionReceipt", (tx,)) for tx, _ in part])
        for (tx, step), receipt in zip(part, receipts, strict=True):
            assert receipt is not None, f"{tx} was not mined"
            assert (receipt["status"] == "0x1") == step.ok, (step, receipt)
            fee = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            oracle.rows[Row("fee", tx, None, None, step.sender, None, fee)] += 1
            if step.ok:
                oracle.rows.update(_rows(tx, step))
            else:
                oracle.failed.add(tx)


def _rows(tx: str, step: Step) -> Iterator[Row]:
    if step.value or step.data == "0x" or step.created:
        target = step.to or step.created
        yield Row("native", tx, None, None, step.sender, target, step.value)
    for kind, contract, token_id, sender, recipient, amount in step.moves:
        yield Row(kind, tx, contract, token_id, sender, recipient, amount)


@dataclass(frozen=True, slots=True)
class EvmWorld:
    """The busy chain, built once per worker: read it, do not mine on it. `ledger` mirrors
    the node."""

    rpc: Rpc
    ledger: AccountLedger
    oracle: Oracle
