"""A node of the invented world by whole blocks: the same rows as an explorer's lists of the same
ledger by address, through the node's lies and reorganisations."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from world.faces import names_of, read_on

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import Act, Internal, TokenMove, Tx, Withdrawal
from monitor.model import Ask, Batch, Chain, Interval, Issuer, Kind, SourceConfig, Subject
from monitor.model.errors import NotYet, SourceError
from monitor.model.scope import EVERY, Members
from monitor.net.http import Http
from monitor.net.sources import whole_of
from monitor.net.sources.etherscan import Etherscan
from monitor.net.sources.evm_block_rows import created_by
from monitor.net.sources.evm_rpc import EvmRpc

ME, PEER, SHOP, OTHER = ("0x" + letter * 40 for letter in "abcd")
COIN, PIECE, MANY = ("0x" + digit * 40 for digit in "123")
DEV = Chain(
    *("dev", "Dev", "evm", "ETH", 18, 12),
    chain_id=31337,
    issuers=(Issuer(COIN, "Mint", "COIN", ("tether",)),),
)
BLOCKS = 50
INNER = (
    Internal(PEER, SHOP, 7, path=""),
    Internal(SHOP, ME, 3, path="0"),
    Internal(SHOP, ME, 3, path="1_0"),
    Internal(SHOP, ME, 8, path="2", failed=True),
    Internal(ME, OTHER, 9, kind="delegatecall", path="3"),
    Internal(SHOP, ME, 5, kind="suicide", path="4"),
)
MOVES = (
    TokenMove("ERC-20", COIN, SHOP, ME, 50, 1),
    TokenMove("ERC-20", COIN, SHOP, ME, 50, 2),
    TokenMove("ERC-721", PIECE, ME, OTHER, 1, 3, token_id=7),
    TokenMove("ERC-1155", MANY, OTHER, ME, 4, 4, token_id=9),
)


def name(number: int) -> str:
    return f"0x{number + 1:064x}"


def story(seed: int, blocks: int = BLOCKS) -> AccountLedger:
    """Payments, failures, creations, calls inside, tokens, acts of an issuer, withdrawals."""
    chance = random.Random(seed)
    ledger = AccountLedger()
    for height in range(blocks):
        paid = [Withdrawal(height, 1, ME, 10**9)] if height % 9 == 4 else []
        ledger.mine(txs(chance, 10 * height), withdrawals=paid)
    return ledger


def txs(chance: random.Random, first: int) -> list[Tx]:
    found = []
    for number in range(first, first + chance.randrange(5)):
        sender, to = chance.sample((ME, PEER, SHOP, OTHER), 2)
        shape = chance.randrange(6)
        if shape == 0:
            made = created_by(sender, number)
            found.append(
                Tx(name(number), sender, None, 5, nonce=number, created=made, input="0x60")
            )
        elif shape == 1:
            found.append(Tx(name(number), sender, to, 5, ok=False))
        elif shape == 2:
            act = Act("DestroyedBlackFunds", COIN, to, 17, log_index=1)
            found.append(Tx(name(number), sender, COIN, input="0xab", acts=(act,)))
        elif shape == 3:
            found.append(
                Tx(name(number), PEER, SHOP, 7, input="0xab", internals=INNER, tokens=MOVES)
            )
        else:
            found.append(Tx(name(number), sender, to, number))
    return found


class World:
    """One ledger behind a node, and behind an explorer that tells the truth of it."""

    def __init__(self, explorer: Explorer, ledger: AccountLedger, traces: str = "auto") -> None:
        self.ledger = ledger
        explorer.add("dev", ledger, "evm_rpc", "etherscan", chain_id=31337)
        self.knobs = explorer.knobs("dev", "evm_rpc")
        url = explorer.url("dev", "evm_rpc")
        node = EvmRpc(SourceConfig("node", "evm_rpc", url, traces=traces), DEV, Http("node", url))
        face = whole_of(node)
        assert face is not None
        self.face = face
        url = explorer.url("dev", "etherscan")
        self.lists = Etherscan(
            SourceConfig("lists", "etherscan", url, api_key="k"), DEV, Http("lists", url)
        )

    def ask(self, lo: int = 0, **more: Any) -> Ask:
        wanted = more.pop("members", (ME, OTHER))
        joined = Members(dict.fromkeys(wanted, 0))
        return Ask(
            (), frozenset({EVERY}), Interval(lo, 10**9), self.face.head(), members=joined, **more
        )

    def read(self, ask: Ask, patience: int = 0) -> list[Batch]:
        """See faces.read_on."""
        return read_on(self.face, ask, patience)

    def names(self, lo: int, hi: int) -> dict[int, str]:
        return names_of(self.ledger, lo, hi)

    def listed(self, address: str) -> set[tuple[Any, ...]]:
        head = self.lists.head()
        subject, span = (Subject("dev", address),), Interval(0, head.height)
        asks = [Ask(subject, bundle, span, head, max_rows=10**6) for bundle in self.lists.bundles]
        asks += [
            Ask(subject, frozenset({more}), span, head)
            for more in self.lists.more
            if more == "withdrawals"
        ]
        return facts(self.lists.fetch(ask) for ask in asks)


def facts(batches: Iterable[Batch]) -> set[tuple[Any, ...]]:
    return {
        (t.identity, t.kind, t.sender, t.recipient, t.amount, t.time, t.block_height)
        for batch in batches
        for t in batch.transfers
        if t.kind is not Kind.WITHDRAWAL  # the explorer lists them elsewhere
    }


def truth(world: World, *addresses: str) -> set[tuple[Any, ...]]:
    return set().union(*(world.listed(each) for each in addresses))


@pytest.mark.parametrize("traces", ["trace_block", "debug", "auto"])
@pytest.mark.parametrize("seed", range(3))
def test_the_rows_are_those_of_lists_by_address(explorer: Explorer, seed: int, traces: str) -> None:
    world = World(explorer, story(seed), traces)
    told = world.read(world.ask())
    assert facts(told) == truth(world, ME, OTHER)
    assert not gaps(told)
    kinds = {t.kind for batch in told for t in batch.transfers}
    tokens = {Kind.ERC20, Kind.ERC721, Kind.ERC1155, Kind.DESTROYED}
    assert kinds >= {Kind.NATIVE, Kind.FEE, Kind.INTERNAL, Kind.WITHDRAWAL, *tokens}
    names = {height: block for batch in told for height, block in batch.blocks.items()}
    assert names == world.names(0, BLOCKS - 1)
    assert all(t.block_hash == names[t.block_height or 0] for b in told for t in b.transfers)


@pytest.mark.parametrize("depth", [1, 2, 12, 20])
@pytest.mark.parametrize("longer", [0, 2])
def test_a_reorganisation_of_any_depth(explorer: Explorer, depth: int, longer: int) -> None:
    """Read from the newest block that still stands; what was read below it is not told again."""
    world = World(explorer, story(1))
    world.read(world.ask())
    known = world.names(30, 49)
    blocks = [[Tx(name(9_000 + n), PEER, ME, n)] for n in range(depth + longer)]
    world.ledger.reorg(depth, blocks)
    told = world.face.fetch(world.ask(30, known=known))
    assert told.fresh_from == 50 - depth
    assert told.read is not None
    assert told.read.lo == 30
    assert told.blocks == world.names(30, told.read.hi)
    paid = [(t.block_height, t.amount) for t in told.transfers]
    assert paid == [(50 - depth + n, n) for n in range(told.read.hi - 49 + depth)]


# -- lies ---------------------------------------------------------------------------------


LIES = [
    ("empty", "transactions", "trace_block"),
    ("empty", "logs", "trace_block"),
    ("empty", "traces", "trace_block"),
    ("empty", "traces", "debug"),
    ("empty", "receipts", "debug"),
    ("empty", "receipts", "none"),
    ("cut", "traces", "debug"),
    ("cut", "receipts", "none"),
]


@pytest.mark.parametrize(("how", "part", "traces"), LIES)
@pytest.mark.parametrize("every", [1, 10])
def test_quietly_left_out(explorer: Explorer, how: str, part: str, traces: str, every: int) -> None:
    """Whatever counts as read was read: nothing that the chain moved there is missing."""
    world = World(explorer, story(2), traces)
    honest = facts(world.read(world.ask()))
    world.knobs.lies = replace(world.knobs.lies, **{how: {part}, "every": every})
    told: list[Batch] = []
    try:
        told = world.read(world.ask(), patience=0 if every == 1 else 200)
    except SourceError:
        assert every == 1, "it tells the truth now and then"
    for batch in told:
        assert batch.read is not None
        holes = gaps([batch])
        mine = {row for row in honest if row[-1] in batch.read and row[-1] not in holes}
        assert {row for row in facts([batch]) if row[-1] not in holes} == mine
    assert every == 1 or facts(told) >= {row for row in honest if row[-1] not in gaps(told)}


def gaps(batches: Iterable[Batch]) -> set[int]:
    return {gap.at.lo for batch in batches for gap in batch.gaps}


@pytest.mark.parametrize("traces", ["trace_block", "debug", "none"])
@pytest.mark.parametrize("seed", range(4))
def test_parts_of_two_branches(explorer: Explorer, seed: int, traces: str) -> None:
    """Every second answer is of a branch that was given up, within one batch too: no movement of
    it is told as the other's, and none is lost of a block that counts as read."""
    world = World(explorer, story(seed), traces)
    world.read(world.ask(48))
    other = story(seed)
    other.reorg(9, [txs(random.Random(n), 7_000 + 10 * n) for n in range(9)])
    lies = world.knobs.lies
    sides = [facts(world.read(world.ask(30)))]
    lies.branch = other
    sides.append(facts(world.read(world.ask(30))))
    lies.mixed = True
    for _ in range(20):
        try:
            batch = world.face.fetch(world.ask(30))
        except SourceError:
            continue
        assert batch.read is not None
        for height in range(30, batch.read.hi + 1):
            block = batch.blocks[height]
            side = int(world.ledger.block_by_hash(block) is None)
            mine = {row for row in sides[side] if row[-1] == height}
            assert {row for row in facts([batch]) if row[-1] == height} == mine, block


def test_a_stale_head(explorer: Explorer) -> None:
    """Known blocks stand up to it; on another branch nothing is known of them."""
    world = World(explorer, story(3))
    known = world.names(30, 49)
    world.knobs.lag["head"] = 6
    told = world.face.fetch(world.ask(30, known=known))
    assert told.read == Interval(30, 43)
    assert told.blocks == world.names(30, 43)
    world.ledger.reorg(10, [[] for _ in range(10)])
    with pytest.raises(NotYet):
        world.face.fetch(world.ask(30, known=known))
