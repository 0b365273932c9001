"""A node of Bitcoin Core's kind: what was recorded of Core, a real litecoind with its mempool and
with blocks that are replaced, and answers that are made to fool."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.parts import Rpc
from world.real_blocks import BITCOIN, HEIGHTS, block_of, core_answer, undone
from world.scripted_server import Call, Reply, serve
from world.utxo_blocks import ADDRESSES, Maker, asked, keep, rows, whole

from monitor.chains.payees import Payees
from monitor.demo.world.explorer import Explorer
from monitor.model import Ask, Batch, Chain, Interval, Kind, SourceConfig, Transfer
from monitor.model.errors import (
    BadResponse,
    NotServed,
    NotYet,
    RateLimited,
    Refused,
    SourceError,
    Unavailable,
)
from monitor.model.ports import SeesUnspent, Source, WholeBlocks
from monitor.model.scope import Members
from monitor.net import sources
from monitor.net.http import Http
from monitor.net.sources.parsing import RowError
from monitor.net.sources.utxo_mempool import MOST_NEW
from monitor.net.sources.utxo_rpc_rows import amount

LITECOIN = Chain("ltc", "Litecoin", "utxo", "LTC", 8, 6, bech32="rltc", base58=(111, 58))
SECRET = "Canary-9xYz-Key-5f1c77a1"


# -- amounts ---------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1))
def test_amounts_digit_by_digit(units: int) -> None:
    """As nodes write them: eight places, and never through a float."""
    told = json.loads(f"{units // 10**8}.{units % 10**8:08d}", parse_float=Decimal)
    assert amount(told, BITCOIN) == units


@pytest.mark.parametrize(
    "value",
    [1.5, True, "1.5", None, Decimal("-0.1"), Decimal("0.000000001"), Decimal("1e-400000"),
     Decimal("1e400000"), Decimal("92233720369"), Decimal("NaN"), Decimal("Infinity"), [], -1],
)  # fmt: skip
def test_what_is_no_amount(value: object) -> None:
    """Is refused, however long it would take to write it out."""
    with pytest.raises(RowError):
        amount(value, BITCOIN)
    assert amount(Decimal("1E-8"), BITCOIN) == 1
    assert amount(50, BITCOIN) == 50 * 10**8


# -- what was recorded of Bitcoin Core, and real blocks --------------------------------------


def core(height: int, *, spent: bool) -> dict[str, Any]:
    """A real block as Core tells it: with what its inputs spend, where that is known."""
    block, before = block_of(height), iter(undone(height) if height == 300025 else ())
    return {
        "hash": block.hash, "height": height, "time": block.time, "nTx": len(block.txs),
        "previousblockhash": block.parent, "merkleroot": _root(block.txs),
        "tx": [{
            "txid": tx.txid,
            "vin": [{**_place(o), **({"prevout": _output(*next(before))} if spent else {})}
                    for o in tx.spends] or [{"coinbase": "00"}],
            "vout": [{"n": n, **_output(v, s)}
                     for n, (v, s) in enumerate(zip(tx.values, tx.scripts, strict=True))],
        } for tx in block.txs],
    }  # fmt: skip


def _root(txs: Any) -> str:
    from monitor.chains.raw_block import merkle_root

    return merkle_root([tx.txid for tx in txs])


def _place(output: str) -> dict[str, Any]:
    txid, _, n = output.partition(":")
    return {"txid": txid, "vout": int(n)}


def _output(value: int, script: bytes) -> dict[str, Any]:
    return {"value": value / 10**8, "scriptPubKey": {"hex": script.hex()}}


@dataclass
class Node:
    """Answers by method, in a batch as it came."""

    answers: dict[str, Any]
    calls: list[Call] = field(default_factory=list)

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply([self._told(each) for each in call.body])

    def _told(self, asked: dict[str, Any]) -> dict[str, Any]:
        answer = self.answers.get(asked["method"], KeyError)
        told = answer(*asked["params"]) if callable(answer) and answer is not KeyError else answer
        if answer is KeyError:
            told = {"error": {"code": -32601, "message": "Method not found"}}
        error = told.get("error") if isinstance(told, dict) else None
        return {"id": asked["id"], "result": None if error else told, "error": error}


def node_of(block: dict[str, Any], *, spent: bool, **more: Any) -> Node:
    return Node({
        "help": 'getblock ... "prevout"' if spent else "getblock",
        "getbestblockhash": block["hash"],
        "getblockheader": {k: block[k] for k in ("hash", "height", "time")},
        "getblock": block,
        "getrawmempool": [],
        **more,
    })  # fmt: skip


@contextmanager
def over(node: Callable[[Call], Reply], chain: Chain = BITCOIN) -> Iterator[WholeBlocks]:
    with serve(node) as server, whole(server.url, chain, "utxo_rpc") as source:
        yield source


def test_a_real_block_with_what_it_spends() -> None:
    """All of its transactions, in one call, without anything known of what was unspent."""
    height, payees = 300025, Payees(BITCOIN)
    block = block_of(height)
    spends = [output for tx in block.txs for output in tx.spends]
    spent = dict(zip(spends, undone(height), strict=True))
    every = {payees.address(s) for _, s in spent.values()}
    every |= {payees.address(s) for tx in block.txs for s in tx.scripts}
    with over(node_of(core(height, spent=True), spent=True)) as source:
        batch = source.fetch(asked(source, dict.fromkeys(filter(None, every), 0),
                                   Interval(height, height), max_rows=10**6))  # fmt: skip
        assert not source.needs_unspent
    assert (batch.calls, batch.gaps, batch.read) == (2, (), Interval(height, height))
    ours = [tx for tx in block.txs if any(map(payees.address, [
        *tx.scripts, *(spent[o][1] for o in tx.spends)]))]  # fmt: skip
    want = set()
    for tx in ours:
        for n, output in enumerate(tx.spends):
            value, script = spent[output]
            want.add((tx.txid, f"in:{n}", payees.address(script), None, value, output))
        for n, (value, script) in enumerate(zip(tx.values, tx.scripts, strict=True)):
            want.add((tx.txid, f"out:{n}", None, payees.address(script), value, None))
    found = {(t.tx, t.leg, t.sender, t.recipient, t.amount, t.spends)
             for t in batch.transfers if t.kind is not Kind.COINBASE}  # fmt: skip
    assert found == want


BLOCK_50001 = "000000001c920d495e1eeef2452b6d1c6c229a919b28196c103ecffebabee141"
BLOCK_50002 = "000000002066d7f9b134c30b5005b7bf5fbfa52f279883f1fde793dcdc964266"


def recorded(kind: str, which: str) -> Any:
    return core_answer(f"stream_50001_50002__rpc_response_{kind}_{which}.json")


def test_blocks_that_were_recorded() -> None:
    """Two of Core's own answers, of a time before verbosity 3; what the matched transaction spends
    is asked for."""
    blocks = {name: recorded("getblock", f"{name}_2") for name in (BLOCK_50001, BLOCK_50002)}
    mine = blocks[BLOCK_50001]["tx"][2]["vout"][0]["scriptPubKey"]["addresses"][0]
    paid = [tx for block in blocks.values() for tx in block["tx"][1:]
            if any(mine in o["scriptPubKey"]["addresses"] for o in tx["vout"])]  # fmt: skip
    node = node_of(blocks[BLOCK_50002], spent=False, getblock=lambda name, _: blocks[name],
                   getblockhash={50001: BLOCK_50001, 50002: BLOCK_50002}.get,
                   getrawtransaction=lambda txid, _: recorded_tx(txid))  # fmt: skip
    with over(node) as source:
        batch = source.fetch(asked(source, {mine: 0}, Interval(50001, 50002)))
        assert source.needs_unspent
    assert len(paid) == 2
    told = {(t.tx, t.leg, t.amount) for t in batch.transfers if t.kind is Kind.UTXO_OUT}
    assert told == {(tx["txid"], f"out:{o['n']}", round(o["value"] * 10**8))
                    for tx in paid for o in tx["vout"]}  # fmt: skip
    spends = {t.spends: t.amount for t in batch.transfers if t.spends}
    assert spends.keys() == {f"{v['txid']}:{v['vout']}" for tx in paid for v in tx["vin"]}
    assert sum(spends.values()) == sum(amount for _, _, amount in told)  # no fee in those days
    assert sorted(batch.blocks) == [50001, 50002]
    assert not batch.gaps


def recorded_tx(txid: str) -> Any:
    try:
        return recorded("getrawtransaction", txid)
    except pytest.skip.Exception:
        return {"error": {"code": -5, "message": "No such mempool or blockchain transaction."}}


@pytest.mark.parametrize("height", HEIGHTS)
def test_a_block_in_which_nothing_is_found(height: int) -> None:
    """One call where its hash is known, whatever the number of members."""
    with over(node_of(core(height, spent=False), spent=False)) as source:
        batch = source.fetch(asked(source, {f"{n:034}": 0 for n in range(1000)},
                                   Interval(height, height), mempool=False))  # fmt: skip
    assert (batch.calls, batch.transfers, batch.read) == (1, (), Interval(height, height))


# -- what is made to fool --------------------------------------------------------------------

HEIGHT = 482683


def told(change: Callable[[dict[str, Any]], Any], *, spent: bool = False) -> Batch:
    block = core(HEIGHT, spent=False)
    instead = change(block)
    block = block if instead is None else instead
    member = Payees(BITCOIN).address(block_of(HEIGHT).txs[0].scripts[0]) or ""
    node = node_of(core(HEIGHT, spent=False), spent=spent, getblock=block)
    with over(node) as source:
        return source.fetch(asked(source, {member: 0}, Interval(HEIGHT, HEIGHT), mempool=False))


def test_blocks_that_are_not_what_they_should_be() -> None:
    """Other transactions than the root stands for, one of them twice, fewer, none, another block,
    another height: an error each, never an empty block."""
    assert told(lambda block: None).transfers
    tx = core(HEIGHT, spent=False)["tx"]
    wrong: list[dict[str, Any]] = [
        {"tx": tx[:-1]}, {"tx": tx[:-1], "nTx": len(tx) - 1}, {"tx": []}, {"tx": [], "nTx": 0},
        {"tx": None}, {"tx": [*tx, tx[-1]], "nTx": len(tx) + 1}, {"tx": tx[::-1]},
        {"tx": [t["txid"] for t in tx]}, {"hash": "ab" * 32}, {"height": HEIGHT + 1},
        {"merkleroot": "ab" * 32}, {"previousblockhash": 7}, {"time": "soon"}, {"time": None},
        {"nTx": len(tx) + 1}, {"tx": {"0": tx[0]}},
    ]  # fmt: skip
    for change in wrong:
        with pytest.raises(BadResponse):
            told(lambda block, change=change: block | change)  # type: ignore[misc]
    gone: list[tuple[Any, type[SourceError]]] = [
        ({"error": {"code": -5, "message": "Block not found"}}, NotYet),
        ({"error": {"code": -1, "message": "Block not available (pruned data)"}}, Refused),
        ({"error": {"code": -28, "message": "Loading block index..."}}, NotYet),
        ("00" * 80, BadResponse), ([], BadResponse), (7, BadResponse),
    ]  # fmt: skip
    for answer, error in gone:
        with pytest.raises(error):
            told(lambda _, answer=answer: answer)  # type: ignore[misc]


def test_rows_that_cannot_be_read() -> None:
    """Cost themselves: a gap of the block each, and the others count."""
    for broken in ({"vin": None}, {"vin": [{"txid": "x", "vout": 0}]}, {"vout": 5},
                   {"vout": [{"n": 0, "value": 1, "scriptPubKey": {"hex": "xyz"}}]}):  # fmt: skip
        batch = told(lambda block, broken=broken: block["tx"][-1].update(broken))  # type: ignore[misc]
        assert [gap.at for gap in batch.gaps] == [Interval(HEIGHT, HEIGHT)]
        assert {t.kind for t in batch.transfers} >= {Kind.COINBASE}
    unsaid = told(lambda block: block["tx"][0]["vout"][0].update(value=True))
    assert (len(unsaid.gaps), unsaid.transfers) == (1, ())


def test_a_node_that_stops_saying_what_is_spent() -> None:
    """It said that it would: without it nobody knows whose money went."""
    with pytest.raises(BadResponse, match="spends"):
        told(lambda block: None, spent=True)


def test_what_cannot_be_looked_up() -> None:
    """Without an index the node has to be started otherwise; one transaction that is not found is
    a gap."""
    script = block_of(HEIGHT).txs[1].scripts[0]
    member = Payees(BITCOIN).address(script) or ""
    missing = {"error": {"code": -5, "message": "No such mempool transaction. Use -txindex"}}
    for said, error in ((missing, Refused), ({"error": {"code": -5, "message": "No such"}}, None)):
        node = node_of(core(HEIGHT, spent=False), spent=False, getrawtransaction=said)
        with over(node) as source:
            ask = asked(source, {member: 0}, Interval(HEIGHT, HEIGHT), mempool=False)
            if error:
                with pytest.raises(error, match="-txindex"):
                    source.fetch(ask)
            else:
                batch = source.fetch(ask)
                assert batch.gaps
                assert batch.read == Interval(HEIGHT, HEIGHT)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [(b"<html>Just a moment...</html>", 200, BadResponse), (b"", 200, BadResponse),
     (b"", 401, Refused), (b"<html>no</html>", 403, Refused), (b"slow", 429, RateLimited),
     (b"Work queue depth exceeded", 503, Unavailable), (b"[]", 200, BadResponse),
     (b"null", 200, BadResponse), (b'[{"id":0}]', 200, BadResponse),
     (b'[{"id":1,"result":1}]', 200, BadResponse), (b'[{"id":true,"result":1}]', 200, BadResponse),
     (b'[{"id":0,"result":1},{"id":0,"result":2}]', 200, BadResponse),
     (b'{"error":{"code":-32700,"message":"Parse error"}}', 200, BadResponse),
     (b'[{"id":0,"error":"busy"}]', 200, BadResponse), (b"", 302, BadResponse)],
)  # fmt: skip
def test_answers_that_are_none(body: bytes, status: int, error: type[SourceError]) -> None:
    """An error of the right kind everywhere; the login is in none of them."""
    with serve(lambda _: Reply(body, status)) as server:
        url = server.url.replace("http://", f"http://me:{SECRET}@")
        source = sources.build(SourceConfig("mine", "utxo_rpc", url), BITCOIN,
                               Http("mine", url, attempts=1))  # fmt: skip
        face = sources.whole_of(source)
        assert face is not None
        looks: list[Callable[[], object]] = [
            source.head, source.identify, lambda: source.block_hash(1), face.head,
            lambda: source.transaction("ab" * 32),
        ]  # fmt: skip
        for look in looks:
            with pytest.raises(error) as caught:
                look()
            assert SECRET not in str(caught.value) + repr(caught.value)


def test_the_login_is_sent() -> None:
    """As HTTP's basic authentication, from the url, which is secret."""
    node = node_of(core(HEIGHT, spent=False), spent=False)
    with serve(node) as server:
        url = server.url.replace("http://", f"http://me:{SECRET}@")
        config = SourceConfig("mine", "utxo_rpc", url)
        sources.build(config, BITCOIN, Http("mine", url)).head()
        assert SECRET not in repr(config) + repr(sources.http_options(config, BITCOIN))
    import base64

    login = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert all(call.headers["authorization"] == f"Basic {login}" for call in node.calls)


def test_other_chains() -> None:
    """By the name that the node has for it, and by a block that only one chain has."""
    for chain, name, block, fits in (
        (BITCOIN, "main", "00000000000000000019f112ec0a9982926f1258cdcc558dd7c3b7e5dc7fa148", True),
        (
            BITCOIN,
            "test",
            "00000000000000000019f112ec0a9982926f1258cdcc558dd7c3b7e5dc7fa148",
            False,
        ),
        (BITCOIN, "main", "ab" * 32, False),
        (LITECOIN, "regtest", "ab" * 32, True),
        (LITECOIN, "main", "ab" * 32, False),
    ):
        node = Node({"getblockchaininfo": {"chain": name}, "getblockhash": block})
        with over(node, chain) as source:
            if fits:
                source.identify()
            else:
                with pytest.raises(Refused, match="another chain"):
                    source.identify()


def test_no_list_of_an_address() -> None:
    """It says that it has none, and serves none."""
    with serve(Node({})) as server:
        source = sources.build(SourceConfig("mine", "utxo_rpc", server.url), BITCOIN,
                               Http("mine", server.url))  # fmt: skip
        assert source.bundles == ()
        with pytest.raises(NotServed):
            source.fetch(Ask((), frozenset({"utxo"}), Interval(1, 2), head()))


def head() -> Any:
    from monitor.model import Head

    return Head(9, 1_700_000_000)


# -- what waits, by the local explorer's node ------------------------------------------------


@contextmanager
def waiting(maker: Maker, *lacks: str) -> Iterator[tuple[WholeBlocks, Any, Explorer]]:
    with Explorer() as explorer:
        explorer.add("bitcoin", maker.ledger, "utxo_rpc")
        knobs = explorer.knobs("bitcoin", "utxo_rpc")
        knobs.lacks = frozenset(lacks)
        with whole(explorer.url("bitcoin", "utxo_rpc"), kind="utxo_rpc") as source:
            yield source, knobs, explorer


@pytest.mark.parametrize("lacks", [(), ("txindex",), ("prevout",)])
def test_what_waits_is_told_as_long_as_it_does(lacks: tuple[str, ...]) -> None:
    """A payment to a member, one of its own, a child of either; each looked at once."""
    maker = Maker()
    maker.ledger.mine([maker.tx([], [0]), maker.tx([], [3])])
    mine = {f"{maker.unspent[0][0]}:0": ADDRESSES[0]}
    members = Members({ADDRESSES[0]: 0, ADDRESSES[1]: 0})
    with waiting(maker, *lacks) as (source, _, explorer):
        top = source.head()
        ask = Ask((), source.bundles[0], Interval(100, 10**6), top, members=members, unspent=mine,
                  known={100: maker.ledger.head.hash})  # fmt: skip
        assert source.fetch(ask).mempool_read
        spends, child, other = maker.tx([0], [4]), maker.tx([1], [1, 5]), maker.tx([], [5])
        grandchild = maker.tx([0], [2])
        for tx in (spends, child, other, grandchild):
            maker.ledger.submit(tx)
        batch = source.fetch(ask)
        assert (batch.mempool_read, batch.gaps) == (True, ())
        ours = {tx.hash for tx in (spends, child, grandchild) if touches(tx, members)}
        assert spends.hash in ours
        assert {t.tx for t in batch.transfers} == ours
        assert all(t.pending and t.block_height is None for t in batch.transfers)
        legs = {tx.hash: len(tx.vin) + len(tx.vout) for tx in (spends, child, grandchild)}
        assert len(batch.transfers) == sum(legs[tx] for tx in ours)
        explorer.forget_calls()
        again = source.fetch(ask)
        assert rows(again.transfers) == rows(batch.transfers)
        assert explorer.calls == {("bitcoin", "utxo_rpc", "getrawmempool"): 1}
        maker.ledger.forget(spends.hash)
        later = source.fetch(ask)
        assert {t.tx for t in later.transfers} == ours - {spends.hash}


def touches(tx: Any, members: Members) -> bool:
    return any(address in members for address in tx.addresses())


def test_more_than_one_fetch_can_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on with the next one, and says so; what it saw it does not look at again."""
    monkeypatch.setattr("monitor.net.sources.utxo_mempool.MOST_NEW", 200)
    assert MOST_NEW >= 1000
    maker = Maker()
    maker.ledger.mine([maker.tx([], [3])])
    for n in range(450):
        maker.ledger.submit(maker.tx([0] if n % 3 else [], [n % 6]))
    members = Members({ADDRESSES[0]: 0})
    with waiting(maker) as (source, _, _explorer):
        ask = Ask((), source.bundles[0], Interval(100, 10**6), source.head(), members=members)
        told = [source.fetch(ask) for _ in range(4)]
        assert [each.mempool_read for each in told] == [False, False, True, True]
        ours = {t.hash for t in maker.ledger.mempool.values() if touches(t, members)}
        assert {t.tx for t in told[-1].transfers} == ours
        other = replace(ask, members=Members({ADDRESSES[5]: 0}))
        assert not source.fetch(other).mempool_read  # for others all of it is looked at anew


def test_no_mempool_is_read_below_the_head_or_unasked() -> None:
    """What waits may spend what was not read yet."""
    maker = Maker()
    for _ in range(30):
        maker.ledger.mine([maker.tx([], [0])])
    maker.ledger.submit(maker.tx([0], [1]))
    with waiting(maker) as (source, _, explorer):
        ask = asked(source, {ADDRESSES[0]: 0}, Interval(100, 10**6))
        first = source.fetch(ask)
        assert first.rest is not None
        assert not first.mempool_read
        assert not source.fetch(replace(ask, span=first.rest, mempool=False)).mempool_read
        assert ("bitcoin", "utxo_rpc", "getrawmempool") not in explorer.calls
        assert source.fetch(replace(ask, span=first.rest)).mempool_read


def test_a_transaction_that_is_left_out_of_a_block() -> None:
    """The list does not fit what the header stands for."""
    maker = Maker()
    hidden = maker.tx([], [0])
    maker.ledger.mine([hidden, maker.tx([], [1])])
    with waiting(maker) as (source, knobs, _):
        knobs.hidden.add(("block", hidden.hash))
        with pytest.raises(BadResponse):
            source.fetch(asked(source, {ADDRESSES[0]: 0}, Interval(100, 100)))


# -- a real node -----------------------------------------------------------------------------


@dataclass
class Litecoin:
    """litecoind, its face of whole blocks, and what its own wallet says."""

    rpc: Rpc
    source: Source
    whole: WholeBlocks
    unspent: dict[str, str] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)
    moved: dict[tuple[str, str], Transfer] = field(default_factory=dict)

    def read(self, members: Members, lo: int = 101) -> Batch:
        ask = Ask((), self.whole.bundles[0], Interval(lo, 10**6), self.whole.head(),
                  members=members, known=self.known, unspent=dict(self.unspent))  # fmt: skip
        batch = self.whole.fetch(ask)
        assert batch.rest is None
        self.known = dict(batch.blocks)
        mined = tuple(t for t in batch.transfers if not t.pending)
        fresh = {(t.tx, t.leg): t for t in mined}
        kept = {k: t for k, t in self.moved.items() if (t.block_height or 0) < batch.fresh_from}
        self.moved = kept | fresh
        keep(self.unspent, tuple(t for t in mined if t.kind is Kind.UTXO_OUT), members)
        return batch

    def mine(self, blocks: int = 1) -> None:
        self.rpc.call("generatetoaddress", blocks, self.rpc.call("getnewaddress"))


@pytest.fixture
def litecoin(utxo_node: Rpc) -> Litecoin:
    user, password = utxo_node._session.auth  # type: ignore[misc]
    url = utxo_node.url.replace("http://", f"http://{user}:{password}@").rstrip("/")
    source = sources.build(SourceConfig("mine", "utxo_rpc", url), LITECOIN, Http("mine", url))
    face = sources.whole_of(source)
    assert face is not None
    return Litecoin(utxo_node, source, face)


@pytest.mark.real
def test_litecoin_with_payments_of_all_kinds(litecoin: Litecoin) -> None:
    """To addresses of every form, seen while they wait and once they are in a block; the rows are
    what the node itself says of each transaction."""
    rpc = litecoin.rpc
    litecoin.source.identify()
    assert litecoin.whole.needs_unspent
    forms = [rpc.call("getnewaddress", "", kind) for kind in ("bech32", "legacy", "p2sh-segwit")]
    members = Members(dict.fromkeys(forms, 101))
    assert litecoin.read(members).transfers == ()
    txs = [rpc.call("sendtoaddress", address, 1.5) for address in forms]
    batch = litecoin.read(members)
    assert batch.mempool_read
    assert {t.tx for t in batch.transfers} == set(txs)
    assert all(t.pending for t in batch.transfers)
    litecoin.mine()
    batch = litecoin.read(members)
    assert rows_of_node(rpc, txs) == {row(t) for t in batch.transfers}
    assert batch.mempool_read
    lookup = litecoin.source.transaction(txs[0])
    assert (lookup.found, lookup.height) == (True, 102)
    assert not litecoin.source.transaction("ab" * 32).found
    assert litecoin.source.block_hash(10**6) is None


def row(t: Transfer) -> tuple[Any, ...]:
    return (t.tx, t.leg, t.sender or t.recipient, t.amount, t.block_height, t.block_hash)


def rows_of_node(rpc: Rpc, txs: list[str]) -> set[tuple[Any, ...]]:
    found = set()
    for txid in txs:
        tx = rpc.call("getrawtransaction", txid, True)
        block = rpc.call("getblockheader", tx["blockhash"])
        place = (block["height"], block["hash"])
        for n, spent in enumerate(tx["vin"]):
            out = rpc.call("getrawtransaction", spent["txid"], True)["vout"][spent["vout"]]
            found.add((txid, f"in:{n}", *_party(out), *place))
        for out in tx["vout"]:
            found.add((txid, f"out:{out['n']}", *_party(out), *place))
    return found


def _party(out: dict[str, Any]) -> tuple[str, int]:
    return out["scriptPubKey"]["addresses"][0], round(out["value"] * 10**8)


@pytest.mark.real
@pytest.mark.parametrize("depth", [1, 3, 8])
def test_litecoin_with_blocks_replaced(litecoin: Litecoin, depth: int) -> None:
    """Blocks are taken back to any depth: what was in them waits again or is in others, and what
    was spent there is spent here."""
    rpc = litecoin.rpc
    me = rpc.call("getnewaddress")
    members = Members({me: 101})
    first = rpc.call("sendtoaddress", me, 2)
    litecoin.mine(2)
    assert {t.tx for t in litecoin.read(members).transfers} == {first}
    output = next(o for o, a in litecoin.unspent.items() if a == me)
    spent = spend(rpc, output, rpc.call("getnewaddress"))
    litecoin.mine(depth)
    litecoin.read(members)
    assert {tx for tx, _ in litecoin.moved} == {first, spent}
    top = 103 + depth
    rpc.call("invalidateblock", rpc.call("getblockhash", 104))
    with pytest.raises(NotYet) if depth > 0 else pytest.fail("no depth"):
        lower(litecoin, members)
    for _ in range(depth + 1):
        rpc.call("generateblock", rpc.call("getnewaddress"), [])
    batch = litecoin.read(members)
    assert (batch.fresh_from, max(batch.blocks)) == (104, top + 1)
    assert {tx for tx, _ in litecoin.moved} == {first}
    assert {t.tx for t in batch.transfers if t.pending} == {spent}
    assert batch.mempool_read
    litecoin.mine()
    litecoin.read(members)
    assert {t.block_height for t in litecoin.moved.values() if t.tx == spent} == {top + 2}
    assert litecoin.known == {h: rpc.call("getblockhash", h) for h in range(101, top + 3)}


def lower(litecoin: Litecoin, members: Members) -> None:
    """The node stands lower, and on another branch: one block of it is there."""
    if len(litecoin.known) > 4:
        litecoin.rpc.call("generateblock", litecoin.rpc.call("getnewaddress"), [])
        try:
            litecoin.read(members)
        finally:
            name = litecoin.rpc.call("getblockhash", 104)
            litecoin.rpc.call("invalidateblock", name)
    raise NotYet("with a depth of one there is no such branch")


def spend(rpc: Rpc, output: str, whom: str) -> str:
    txid, _, n = output.partition(":")
    raw = rpc.call("createrawtransaction", [{"txid": txid, "vout": int(n)}], {whom: 1.99})
    return str(rpc.call("sendrawtransaction",
                        rpc.call("signrawtransactionwithwallet", raw)["hex"]))  # fmt: skip


@pytest.mark.real
def test_what_litecoin_has_unspent(litecoin: Litecoin) -> None:
    """Of some addresses, at its newest block: what a member joins with."""
    rpc = litecoin.rpc
    one, two, none = (rpc.call("getnewaddress") for _ in range(3))
    first, second = rpc.call("sendtoaddress", one, 2), rpc.call("sendtoaddress", two, 3)
    litecoin.mine()
    told = cast(SeesUnspent, litecoin.whole).unspent([one, two, none])
    assert (told.height, told.block_hash) == (102, rpc.call("getbestblockhash"))
    assert {(o.partition(":")[0], a) for o, a in told.outputs.items()} == {
        (first, one),
        (second, two),
    }
    with pytest.raises(BadResponse):
        cast(SeesUnspent, litecoin.whole).unspent(["nobody's"])
