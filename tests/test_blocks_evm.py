"""Whole blocks of an EVM node: what they hold of members is what lists of these addresses hold."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from world.evm_proxy import Refusal, before, empties, without
from world.evm_world import CHAIN_ID, EvmWorld, Row
from world.home import ALICE, BOB
from world.parts import Rpc
from world.scripted_server import Call, Reply, serve

from monitor.demo.world.explorer import Explorer
from monitor.model import Ask, Batch, Chain, Head, Interval, SourceConfig, Subject, Transfer
from monitor.model.errors import BadResponse, NotYet, Refused, SourceError
from monitor.model.scope import Members
from monitor.net import sources
from monitor.net.http import Http

DEV = Chain("dev", "Dev", "evm", "ETH", 18, 64, chain_id=CHAIN_ID)


def built(kind: str, url: str, chain: Chain = DEV, **more: Any) -> Any:
    config = SourceConfig("mine", kind, url, rate_per_second=10_000, **more)
    return sources.build(config, chain, Http("mine", url, attempts=1))


def whole(url: str, chain: Chain = DEV, **more: Any) -> Any:
    return sources.whole_of(built("evm_rpc", url, chain, **more))


def asked(face: Any, members: Any, lo: int = 0, **more: Any) -> Ask:
    head = face.head()
    (streams,) = face.bundles
    joined = Members(dict.fromkeys(members, 0))
    return Ask((), streams, Interval(lo, 2**40), head, members=joined, **more)


def read_all(face: Any, members: Any, lo: int = 0) -> list[Batch]:
    """Fetch by fetch, as far as the head."""
    batches: list[Batch] = []
    while True:
        batch = face.fetch(asked(face, members, lo))
        batches.append(batch)
        if batch.rest is None:
            return batches
        lo = batch.rest.lo


def told(transfer: Transfer) -> tuple[object, ...]:
    t = transfer
    what = (t.kind, t.sender, t.recipient, t.amount, t.contract, t.token_id)
    return (*t.identity, *what, t.block_height, t.time)


def by_address(source: Any, address: str, chain: Chain = DEV) -> set[tuple[object, ...]]:
    """What the lists of one address hold."""
    found: set[tuple[object, ...]] = set()
    head = source.head()
    for streams in source.bundles:
        left: Interval | None = Interval(0, head.height)
        while left is not None:
            batch = source.fetch(Ask((Subject(chain.key, address),), streams, left, head))
            assert not batch.gaps
            found |= {told(t) for t in batch.transfers if address in t.parties()}
            left = batch.rest
    return found


Told = set[tuple[object, ...]]


@pytest.fixture(scope="module")
def truth(evm_world: EvmWorld) -> Told:
    """All rows of the world, with what calls inside transactions moved."""
    face = whole(evm_world.rpc.url, traces="trace_block")
    return rows_of(read_all(face, people(evm_world)))


def people(world: EvmWorld) -> list[str]:
    return world.oracle.watchable(10_000)


def rows_of(batches: Sequence[Batch]) -> Told:
    return {told(t) for batch in batches for t in batch.transfers}


def outer(rows: Told) -> Told:
    """Those that no call inside a transaction moved."""
    return {row for row in rows if row[3] != "internal"}


@pytest.mark.real
def test_blocks_hold_what_lists_of_addresses_hold(evm_world: EvmWorld, explorer: Explorer) -> None:
    """Of every address of the world: the same identities, amounts, parties and places, and all
    that truly happened."""
    explorer.add("dev", evm_world.ledger, "etherscan", chain_id=CHAIN_ID)
    lists = built("etherscan", explorer.url("dev", "etherscan"))
    face = whole(evm_world.rpc.url, traces="trace_block")
    addresses = evm_world.oracle.watchable(10_000)
    rows = [t for batch in read_all(face, addresses) for t in batch.transfers]
    assert len({t.identity for t in rows}) == len(rows)
    for t in rows:
        block = evm_world.ledger.block(t.block_height or 0)
        assert block is not None
        assert t.block_hash == block.hash
    for address in addresses[:60]:
        mine = {told(t) for t in rows if address in t.parties()}
        assert mine == by_address(lists, address)
    truth = Counter(
        Row(t.kind, t.tx, t.contract, t.token_id, t.sender or "", t.recipient, t.amount)
        for t in rows
    )
    assert truth == +Counter(
        {r: n for r, n in evm_world.oracle.rows.items() if r.kind != "internal" or r.amount}
    )


# -- how a node shows what it has ------------------------------------------------------------

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
GETS = "eth_getTransactionReceipt", "eth_getBlockReceipts"


@pytest.mark.real
@pytest.mark.parametrize(
    ("missing", "found"),
    [
        ((), "trace_block"),
        (("trace_block",), "debug"),
        (("trace_block", "debug_traceBlockByHash"), "none"),
    ],
)
def test_how_calls_inside_transactions_are_shown_is_found_out(
    evm_world: EvmWorld, truth: Told, missing: tuple[str, ...], found: str
) -> None:
    """Nothing is promised before, nor where there are none; and what is not seen is said."""
    with before(evm_world.rpc, without(*missing)) as proxy:
        face = whole(proxy.url)
        assert "internal" not in face.bundles[0]
        rows = rows_of(read_all(face, people(evm_world)))
        seen = found != "none"
        assert ("internal" in face.bundles[0]) is seen
        assert any("contracts move" in each for each in face.not_in_blocks) is not seen
        assert rows == (truth if seen else outer(truth))
        assert (proxy.asked["trace_block"] > 3) is (found == "trace_block")
        assert (proxy.asked["debug_traceBlockByHash"] > 3) is (found == "debug")


@pytest.mark.real
def test_a_node_that_lost_its_traces_is_not_believed(evm_world: EvmWorld) -> None:
    """What anvil says of a chain whose states it dropped: one error for each transaction. Where the
    settings name the way it is an error; where it was found out the next fetch does without."""
    members = people(evm_world)

    def dropped(method: str, _: list[Any], result: Any) -> Any:
        if method == "trace_block":
            raise Refusal(-32601, "Method not found")
        if method == "debug_traceBlockByHash" and lost:
            return [{"error": "Resource not found", "txHash": each["txHash"]} for each in result]
        return result

    lost: list[bool] = []
    with before(evm_world.rpc, dropped) as proxy:
        named, free = whole(proxy.url, traces="debug"), whole(proxy.url)
        for face in (named, free):
            face.fetch(asked(face, members))
            assert "internal" in face.bundles[0]
        lost.append(True)
        with pytest.raises(Refused, match="Resource not found"):
            named.fetch(asked(named, members, 30))
        with pytest.raises(NotYet, match="Resource not found"):
            free.fetch(asked(free, members, 30))
        assert "internal" not in free.bundles[0]
        assert free.fetch(asked(free, members, 30)).read is not None


@pytest.mark.real
@pytest.mark.parametrize("refused", ["logs without an address", "long ranges", "batches"])
def test_other_ways_to_the_same_rows(evm_world: EvmWorld, truth: Told, refused: str) -> None:
    def twist(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getLogs" and refused == "logs without an address":
            raise Refusal(-32602, "Please specify an address in your request")
        wide = "fromBlock" in str(params) and params[0]["fromBlock"] != params[0]["toBlock"]
        if method == "eth_getLogs" and refused == "long ranges" and wide:
            raise Refusal(-32005, "query returned more than 10000 results")
        return result

    with before(evm_world.rpc, twist) as proxy:
        proxy.batches = refused != "batches"
        face = whole(proxy.url, traces="trace_block")
        assert rows_of(read_all(face, people(evm_world))) == truth


@pytest.mark.real
@pytest.mark.parametrize("slow", GETS)
def test_receipts_are_read_by_what_they_cost(evm_world: EvmWorld, truth: Told, slow: str) -> None:
    """Those of blocks where one by one is slow, and the other way round."""

    def twist(method: str, _: list[Any], result: Any) -> Any:
        if method == slow:
            threading.Event().wait(0.02)
        return result

    with before(evm_world.rpc, twist) as proxy:
        face = whole(proxy.url, traces="trace_block")
        assert rows_of(read_all(face, people(evm_world))) == truth
        assert 0 < proxy.asked[slow] < 60


# -- empty answers ---------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("traces", ["trace_block", "debug", "none"])
@pytest.mark.parametrize("seed", [1, 2])
def test_one_answer_in_ten_is_quietly_empty(
    evm_world: EvmWorld, truth: Told, traces: str, seed: int
) -> None:
    """Each fetch is whole or an error."""
    members = people(evm_world)
    with before(evm_world.rpc, empties(seed)) as proxy:
        face = whole(proxy.url, traces=traces)
        lo: int | None = 0
        rows, failed = [], 0
        while lo is not None:
            try:
                batch = face.fetch(asked(face, members, lo))
            except SourceError:
                failed += 1
                assert failed < 100
                continue
            assert not batch.gaps
            rows.append(batch)
            lo = None if batch.rest is None else batch.rest.lo
        assert rows_of(rows) == (outer(truth) if traces == "none" else truth)


@pytest.mark.real
@pytest.mark.parametrize("how", ["now and then", "always"])
def test_traces_that_lack_calls_are_asked_for_again(
    evm_world: EvmWorld, truth: Told, how: str
) -> None:
    """Each says how many are below it. Where a node always counts otherwise, that is found out."""
    looks: Counter[str] = Counter()

    def twist(method: str, params: list[Any], result: Any) -> Any:
        if method != "trace_block" or not result:
            return result
        looks[params[0]] += 1
        if how == "always":
            return [{**each, "subtraces": each["subtraces"] + 1} for each in result]
        inner = [n for n, each in enumerate(result) if each["traceAddress"]]
        cut = inner[-1:] if looks[params[0]] == 1 else []
        return [each for n, each in enumerate(result) if n not in cut]

    with before(evm_world.rpc, twist) as proxy:
        batches = read_all(whole(proxy.url, traces="trace_block"), people(evm_world))
    assert rows_of(batches) == truth
    assert not [gap for batch in batches for gap in batch.gaps]
    twice = sum(count > 1 for count in looks.values())
    assert twice == 3 if how == "always" else twice > 20


@pytest.mark.real
@pytest.mark.parametrize("what", ["eth_getLogs", "trace_block", "transactions"])
def test_what_is_always_empty_is_an_error_and_then_told(evm_world: EvmWorld, what: str) -> None:
    """Never nothing; and a chain whose blocks nobody can show in full goes on."""

    def twist(method: str, _: list[Any], result: Any) -> Any:
        if method == what or (what == "eth_getLogs" and method in GETS):
            return []
        if what == "transactions" and method.startswith("eth_getBlockBy"):
            return {**result, "transactions": []}
        return result

    members = people(evm_world)
    with before(evm_world.rpc, twist) as proxy:
        face = whole(proxy.url, traces="trace_block")
        ask = replace(asked(face, members[:1]), span=Interval(30, 33))
        for _ in range(2):
            with pytest.raises(BadResponse, match="block 3"):
                face.fetch(ask)
        batch = face.fetch(ask)
        assert batch.read == ask.span
        assert {gap.at.lo for gap in batch.gaps} == {30, 31, 32, 33}


@pytest.mark.real
@pytest.mark.parametrize("bloom", ["0x" + "00" * 256, "0x" + "ff" * 256])
def test_headers_that_say_nothing_of_logs_are_found_out(
    evm_world: EvmWorld, truth: Told, bloom: str
) -> None:
    """Then an empty list must come twice, and it is said."""
    held_back: list[int] = []

    def twist(method: str, params: list[Any], result: Any) -> Any:
        if method.startswith("eth_getBlockBy") and result:
            return {**result, "logsBloom": bloom}
        if method == "eth_getLogs" and len(held_back) < 1:
            held_back.append(1)
            return []
        return result

    with before(evm_world.rpc, twist) as proxy:
        face = whole(proxy.url, traces="trace_block")
        assert rows_of(read_all(face, people(evm_world))) == truth
        assert any("in their headers" in each for each in face.not_in_blocks)
        proxy.forget()
        face.fetch(asked(face, ["0x" + "12" * 20], 60))  # nobody's receipts are needed
        assert not any(proxy.asked[get] for get in GETS)


# -- reorganisations -------------------------------------------------------------------------


class Reader:
    """Fetches as passes do: what was read stays known, and is laid aside where it went."""

    def __init__(self, url: str, members: Sequence[str]) -> None:
        self.face = whole(url, traces="trace_block")
        self.members = members
        self.blocks: dict[int, str] = {}
        self.rows: dict[int, Told] = {}

    def catch_up(self) -> list[Batch]:
        batches = []
        while True:
            batch = self.face.fetch(asked(self.face, self.members, known=self.blocks))
            batches.append(batch)
            self.take(batch)
            if batch.rest is None:
                return batches

    def take(self, batch: Batch) -> None:
        assert batch.read is not None
        assert list(batch.blocks) == list(range(batch.read.lo, batch.read.hi + 1))
        for height in range(batch.fresh_from):
            if height in batch.blocks:
                assert batch.blocks[height] == self.blocks[height]
        self.rows = {h: rows for h, rows in self.rows.items() if h < batch.fresh_from}
        for t in batch.transfers:
            assert t.block_hash == batch.blocks[t.block_height or 0]
            self.rows.setdefault(t.block_height or 0, set()).add(told(t))
        self.blocks = dict(batch.blocks)

    def stands(self, node: Rpc) -> None:
        """What it holds is the chain, and what it would read anew."""
        heights = sorted(self.blocks)
        told = node.batch([("eth_getBlockByNumber", (hex(h), False)) for h in heights])
        assert [self.blocks[h] for h in heights] == [block["hash"] for block in told]
        assert heights[-1] == int(node.call("eth_blockNumber"), 16)
        fresh = whole(node.url, traces="trace_block")
        assert {row for rows in self.rows.values() for row in rows} == rows_of(
            read_all(fresh, self.members)
        )


def pay(node: Rpc, count: int = 1) -> None:
    """Blocks, in each of which somebody pays somebody."""
    for n in range(count):
        amount = int(node.call("eth_blockNumber"), 16) + n + 1
        sent = {"from": ALICE, "to": BOB, "value": hex(amount)}
        node.call("eth_sendTransaction", sent)
        node.call("evm_mine")


@pytest.mark.real
@pytest.mark.parametrize("depth", [1, 2, 3, 8, 33, 64])
@pytest.mark.parametrize("between", ["found while reading on", "at the same height", "shorter"])
def test_a_reorganisation_is_found_at_the_next_block(
    evm_node: Rpc, depth: int, between: str
) -> None:
    """Whatever its depth within finality; only what was replaced is fetched again."""
    evm_node.call("anvil_setBalance", ALICE, hex(10**20))
    pay(evm_node, 70)
    reader = Reader(evm_node.url, [BOB])
    reader.catch_up()
    before_it = dict(reader.blocks)
    evm_node.call("anvil_reorg", depth, [[{"from": ALICE, "to": BOB, "value": "0x7"}, 0]])
    if between == "found while reading on":
        pay(evm_node, 3)
    if between == "shorter":
        evm_node.call("anvil_rollback", 1)
        if depth > 1:
            with pytest.raises(NotYet, match="another branch"):
                reader.face.fetch(asked(reader.face, [BOB], known=reader.blocks))
        pay(evm_node, 2)
    batches = reader.catch_up()
    reader.stands(evm_node)
    assert batches[0].fresh_from == 70 - depth + 1
    assert sum(before_it[h] != reader.blocks[h] for h in before_it) == depth


@pytest.mark.real
@pytest.mark.parametrize("traces", ["trace_block", "none"])
def test_tips_make_up_what_the_maker_of_blocks_got(evm_node: Rpc, traces: str) -> None:
    """To the last unit; whoever made a block by work got more than is worked out, and that is
    told."""
    maker = "0x" + "3a" * 20
    evm_node.call("anvil_setBalance", ALICE, hex(10**20))
    evm_node.call("anvil_setCoinbase", maker)
    fees = {"maxPriorityFeePerGas": hex(3 * 10**9), "maxFeePerGas": hex(90 * 10**9)}
    for value in range(1, 4):
        sent = {"from": ALICE, "to": BOB, "value": hex(value), **fees}
        evm_node.call("eth_sendTransaction", {**sent, "gas": hex(21_000)})
        evm_node.call("eth_sendTransaction", {**sent, "gas": hex(30_000)})
        evm_node.call("evm_mine")
    evm_node.call("evm_mine")  # without transactions, and so without tips
    balance = int(evm_node.call("eth_getBalance", maker, "latest"), 16)
    (batch,) = read_all(whole(evm_node.url, traces=traces), [maker])
    assert [(t.kind, t.tx, t.recipient) for t in batch.transfers] == [
        ("reward", f"reward_{height}", maker) for height in (1, 2, 3)
    ]
    assert sum(t.amount for t in batch.transfers) == balance > 0
    assert not batch.gaps
    assert {name for each in batch.heard for name in each.names} == {t.tx for t in batch.transfers}

    def by_work(method: str, _: list[Any], result: Any) -> Any:
        header = method == "eth_getBlockByNumber" and result
        return {**result, "difficulty": "0x2"} if header else result

    with before(evm_node, by_work) as proxy:
        (batch,) = read_all(whole(proxy.url, traces=traces), [maker])
    assert batch.transfers == ()
    assert [(gap.at.lo, "made by work" in gap.reason) for gap in batch.gaps] == [
        (height, True) for height in (1, 2, 3)
    ]


@pytest.mark.real
def test_a_chain_that_is_another_from_its_first_known_block_on(evm_node: Rpc) -> None:
    evm_node.call("anvil_setBalance", ALICE, hex(10**20))
    snapshot = evm_node.call("evm_snapshot")
    pay(evm_node, 5)
    reader = Reader(evm_node.url, [BOB])
    reader.catch_up()
    known = {h: name for h, name in reader.blocks.items() if h}
    evm_node.call("evm_revert", snapshot)
    evm_node.call("evm_increaseTime", 77)
    pay(evm_node, 6)
    batch = reader.face.fetch(asked(reader.face, [BOB], 1, known=known))
    assert batch.read == Interval(1, 6)
    assert batch.fresh_from == 1
    assert not set(batch.blocks.values()) & set(known.values())
    assert {t.block_height for t in batch.transfers} == {1, 2, 3, 4, 5, 6}


@pytest.mark.real
def test_where_nothing_is_new_nothing_is_asked(evm_node: Rpc) -> None:
    """By the head's hash; below the head by one question, and a head below the known blocks on
    the same branch proves what is up to it."""
    evm_node.call("anvil_setBalance", ALICE, hex(10**20))
    pay(evm_node, 9)
    with before(evm_node) as proxy:
        reader = Reader(proxy.url, [BOB])
        reader.catch_up()
        ask = asked(reader.face, [BOB], known=reader.blocks)
        proxy.forget()
        batch = reader.face.fetch(ask)
        assert (batch.read, batch.rest, batch.calls) == (Interval(0, 9), None, 0)
        assert batch.fresh_from == 10
        assert proxy.questions == 0
        part = {h: name for h, name in reader.blocks.items() if h <= 5}
        batch = reader.face.fetch(replace(ask, span=Interval(0, 5), known=part))
        assert (batch.read, batch.rest, batch.calls) == (Interval(0, 5), None, 1)
        lower = replace(ask.head, height=7, block_hash=reader.blocks[7])
        batch = reader.face.fetch(replace(ask, head=lower))
        assert (batch.read, batch.rest, batch.calls) == (Interval(0, 7), None, 0)
        assert max(batch.blocks) == 7
        none = reader.face.fetch(replace(ask, span=Interval(12, 20), known={}))
        assert (none.read, none.rest, none.blocks) == (None, None, {})


@pytest.mark.real
@pytest.mark.parametrize("moment", ["headers", "logs"])
def test_blocks_that_change_while_they_are_read(evm_node: Rpc, moment: str) -> None:
    """Once: they are read again. Always: it is not yet."""
    evm_node.call("anvil_setBalance", ALICE, hex(10**20))
    pay(evm_node, 9)
    times = [1]

    def twist(method: str, params: list[Any], result: Any) -> Any:
        at = {"headers": "trace_block", "logs": "eth_getLogs"}[moment]
        if method == at and times[0] > 0 and result:
            times[0] -= 1
            return [{**each, "blockHash": "0x" + "ee" * 32} for each in result]
        if method == "eth_getLogs" and moment == "logs" and times[0] > 0:
            times[0] -= 1
            word = "0x" + "00" * 32
            log = {"blockNumber": "0x3", "blockHash": "0x" + "ee" * 32, "topics": [word]}
            return [{**log, "logIndex": "0x0", "address": ALICE}]
        return result

    with before(evm_node, twist) as proxy:
        face = whole(proxy.url, traces="trace_block")
        assert len(rows_of(read_all(face, [BOB]))) == 9
        times[0] = 1000
        with pytest.raises(NotYet):
            face.fetch(asked(face, [BOB]))


# -- what a node does wrong ------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("cap", [5, 7, 40, 100])
def test_logs_that_are_cut_in_silence(evm_world: EvmWorld, truth: Told, cap: int) -> None:
    """Whatever the node's cap, of ranges and of blocks: all rows are there."""

    def twist(method: str, _: list[Any], result: Any) -> Any:
        return result[:cap] if method == "eth_getLogs" else result

    with before(evm_world.rpc, twist) as proxy:
        face = whole(proxy.url, traces="trace_block")
        assert rows_of(read_all(face, people(evm_world))) == truth


@pytest.mark.real
@pytest.mark.parametrize("how", ["at first", "always", "of a chain of its own"])
def test_transactions_that_are_cut_are_found_by_the_root_of_the_header(
    evm_node: Rpc, how: str
) -> None:
    """Of a node without traces, which would show how many there are."""
    (payer, *_) = evm_node.call("eth_accounts")
    for value in range(1, 41):
        for more in range(3):
            sent = {"from": payer, "to": BOB, "value": hex(3 * value + more), "gas": hex(30_000)}
            priced = {"gasPrice": hex(10**10)} if more == 1 else {}
            evm_node.call("eth_sendTransaction", {**sent, **priced})
        evm_node.call("evm_mine")
    looks: Counter[str] = Counter()

    def twist(method: str, params: list[Any], result: Any) -> Any:
        full = method.startswith("eth_getBlockBy") and result and params[1] is True
        if not full or not result["transactions"]:
            return result
        looks[result["hash"]] += 1
        if how == "of a chain of its own":
            return {**result, "transactionsRoot": "0x" + "12" * 32}
        late = int(result["number"], 16) >= 30
        cut = late if how == "always" else looks[result["hash"]] == 1
        return {**result, "transactions": result["transactions"][: 2 if cut else 3]}

    def amounts(batches: Sequence[Batch]) -> list[int]:
        return sorted(t.amount for b in batches for t in b.transfers)

    with before(evm_node, twist) as proxy:
        face = whole(proxy.url, traces="none")
        if how == "always":
            ask = replace(asked(face, [BOB]), span=Interval(26, 33))
            read = face.fetch(ask)
            assert read.read == Interval(26, 29)
            ask = replace(ask, span=Interval(30, 33))
            with pytest.raises(BadResponse, match="other ones than its header names"):
                face.fetch(ask)  # for the second time
            batch = face.fetch(ask)
            assert {gap.at.lo for gap in batch.gaps} == {30, 31, 32, 33}
            return
        batches = read_all(face, [BOB])
        assert amounts(batches) == [*range(3, 123)]
        assert not [gap for batch in batches for gap in batch.gaps]
        unsure = any("whether all of their transactions" in each for each in face.not_in_blocks)
        assert unsure is (how == "of a chain of its own")
        again = sum(count > 1 for count in looks.values())
        assert again == 40 if how == "at first" else again < 10


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "a log without topics": ("eth_getLogs", {"topics": []}),
    "a log with something else": ("eth_getLogs", {"topics": None}),
    "a log with numbers": ("eth_getLogs", {"topics": [TRANSFER, 7, {}]}),
    "a trace of nobody": (
        "trace_block",
        {"action": {"value": "0x1"}, "traceAddress": [0], "error": None},
    ),
    "a trace without a place": ("trace_block", {"traceAddress": None, "action": 7}),
    "a transaction of nobody": ("eth_getBlockByNumber", {"from": None, "to": 7}),
}


@pytest.mark.real
@pytest.mark.parametrize("what", BROKEN)
def test_one_part_that_cannot_be_read_costs_none_beside_it(
    evm_world: EvmWorld, truth: Told, what: str
) -> None:
    """All others are found, but for the calls of its own transaction; and of its block it is
    told."""
    method, change = BROKEN[what]
    heights: set[int] = set()

    def twist(asked: str, params: list[Any], result: Any) -> Any:
        if asked != method or not result or params == [hex(0), True]:
            return result
        rows = result["transactions"] if isinstance(result, dict) else result
        if not rows or not isinstance(rows[-1], dict):
            return result
        where = rows[-1]["blockNumber"]
        heights.add(where if isinstance(where, int) else int(where, 16))
        more = [*rows, {**rows[-1], **change}]
        return {**result, "transactions": more} if isinstance(result, dict) else more

    with before(evm_world.rpc, twist) as proxy:
        batches = read_all(whole(proxy.url, traces="trace_block"), people(evm_world))
    rows = rows_of(batches)
    assert rows <= truth
    lost = truth - rows
    assert {row[3] for row in lost} <= ({"internal"} if method == "trace_block" else set())
    assert {row[-2] for row in lost} <= heights
    gaps = [gap for batch in batches for gap in batch.gaps]
    assert {gap.at.lo for gap in gaps} == heights
    assert heights


@pytest.mark.real
def test_traces_that_are_gone_are_no_silence(evm_world: EvmWorld) -> None:
    """Where calls inside transactions were asked for, blocks without them count as unread."""
    with before(evm_world.rpc, without("trace_block", "debug_traceBlockByHash")) as proxy:
        face = whole(proxy.url)
        ask = asked(face, people(evm_world))
        with pytest.raises(NotYet, match="no calls inside"):
            face.fetch(replace(ask, streams=ask.streams | {"internal"}))
        assert face.fetch(ask).read is not None


@pytest.mark.real
def test_another_chain_behind_the_same_address(evm_world: EvmWorld) -> None:
    face = whole(evm_world.rpc.url, replace(DEV, chain_id=1))
    with pytest.raises(Refused, match="chain id"):
        face.identify()


def test_a_key_in_the_url_comes_back_nowhere() -> None:
    """Neither in an error nor in what is said of the blocks."""
    key = "Canary-9xYz-5f1c77a1"
    header = {"number": "0x5", "hash": "0x" + "5" * 64, "parentHash": "0x" + "4" * 64}
    block = {**header, "timestamp": "0x5", "logsBloom": "0x" + "0" * 512, "transactions": []}
    sent = {"hash": "0x" + "7" * 64, "from": ALICE, "to": BOB, "value": "0x0", "input": "0x"}

    def respond(call: Call) -> Reply:
        batch = call.body if isinstance(call.body, list) else [call.body]
        refused = {"code": -32000, "message": f"no such thing at {call.path}"}
        answers = [{"jsonrpc": "2.0", "id": each["id"], "error": refused} for each in batch]
        for each, answer in zip(batch, answers, strict=True):
            if each["method"] == "eth_getBlockByNumber" and blocks:
                del answer["error"]
                answer["result"] = blocks[0]
        return Reply(answers if isinstance(call.body, list) else answers[0])

    blocks: list[Any] = []
    with serve(respond) as server:
        face = whole(f"{server.url}/v3/{key}")
        ask = Ask((), frozenset({"native"}), Interval(5, 5), Head(5, 5), members=Members({}))
        with pytest.raises(SourceError) as failed:
            face.fetch(ask)
        blocks.append({**block, "transactions": [sent]})
        with pytest.raises(SourceError):
            face.fetch(ask)
        said = " ".join([str(failed.value), *face.not_in_blocks])
        assert "no such thing" in said
        assert key not in said
        assert key[:12] not in said
