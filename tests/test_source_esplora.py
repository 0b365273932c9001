"""The Esplora adapter: recorded answers, scripted servers, and a real UTXO node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from world.parts import LitecoinFeed, Rpc
from world.recordings import each, kept, needs_recordings
from world.scripted_server import Call, Reply, Server, serve

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.model import Ask, Batch, Chain, Head, Interval, Kind, SourceConfig, Subject
from monitor.model.errors import BadResponse, Refused, SourceError
from monitor.net.http import Http
from monitor.net.sources.esplora import Esplora
from monitor.net.sources.esplora_rows import parse_transaction, parse_transactions

BITCOIN = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6, bech32="bc", base58=(0, 5))
LOCAL = Chain("ltc-regtest", "Litecoin regtest", "utxo", "LTC", 8, 6, bech32="rltc")
BURN = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"  # the example of BIP-173
WSH = "bc1qyy30guv6m5ez7ntj0ayr08u23w3k5s8vg3elmxdzlh8a3xskupyqn2lp5w"
PAYEE = "147Us9aEq2PvBC5wobBJw1yEpQEbPKzssA"
SCRIPT = "36MjimMJHwQkrTKrKyw4KepHsd975kSGTs"
STREAMS = frozenset({"utxo"})
HEAD = Head(900_000, 1_750_000_000)

# Read by a person from the recordings: (leg, sender, recipient, amount, spends), and the
# block's height and time. The spent transaction is cut to its first eight digits.
Leg = tuple[str, str | None, str | None, int, str | None]
BY_HAND: dict[str, tuple[int | None, int | None, list[Leg]]] = {
    "esplora/blockstream_tx_genesis_coinbase.json": (
        0, 1231006505,
        [
            ("in:0", None, None, 5000000000, None),
            ("out:0", None, None, 5000000000, None),
        ],
    ),
    "esplora/blockstream_tx_eb4d2def800c.json": (
        866983, 1729677861,
        [
            ("in:0", BURN, None, 1000, "5d42e1c9:1"),
            ("out:0", None, None, 0, None),
        ],
    ),
    "esplora/blockstream_tx_e47f43692083.json": (
        793418, 1686238076,
        [
            ("in:0", BURN, None, 3929, "5e023646:0"),
            ("out:0", None, "1G3MiaKdccQmiTr4gYSKmrCVDaLQ5nvBRp", 1437, None),
        ],
    ),
    "esplora/blockstream_tx_450c309b70fb.json": (
        183729, 1339247930,
        [
            ("in:0", "17GZv9cYySVCW1TgvQ77CZUnMrfUFEukDf", None, 67196218, "a9e59b78:35"),
            ("out:0", None, "17AkKFFZmMJgvvuwT2tJbSv149us1ya1cy", 56196218, None),
            ("out:1", None, "3CK4fEwbMP7heJarmU4eqA3sMbVJyEnU3V", 10000000, None),
        ],
    ),
    "esplora/blockstream_tx_4a367acdeeaa.json": (
        899880, 1749114454,
        [
            ("in:0", WSH, None, 81355620, "b099ee6c:3"),
            ("in:1", WSH, None, 38087711, "bdba0fec:1"),
            ("in:2", "3G2W5fwfsXfgVJrBc9gxTYfHi6C9zUdtVd", None, 11958697, "fe631ea5:0"),
            ("in:3", WSH, None, 11348455, "dba50d4f:2"),
            ("out:0", None, "bc1qwqdg6squsna38e46795at95yu9atm8azzmyvckulcc7kytlcckxswvvzej",
             141800000, None),
            ("out:1", None, WSH, 902483, None),
        ],
    ),
    "esplora/blockstream_tx_cccd3a9ce6c5.json": (
        837165, 1711929790,
        [
            ("in:0", "1HZwkjkeaoZfTSaJxDw6aKkxp45agDiEzN", None, 1000, "89d7a244:0"),
            ("in:1", "bc1qpeuhg6gcs4gdze7cmp3tmu9yjzkp7edtt6f4k4", None, 347390, "d40b0125:0"),
            ("in:2", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", None, 546, "e254a136:0"),
            ("in:3", BURN, None, 546, "e254a136:2"),
            ("out:0", None, "bc1qxdw4t0uvnztl6jxuxvvpnsmx9fg4w7qxv5tgm4", 31546, None),
            ("out:1", None, "1HZwkjkeaoZfTSaJxDw6aKkxp45agDiEzN", 314426, None),
        ],
    ),
    "mempool_space/rbf_tx02_api_tx.json": (
        None, None,
        [
            ("in:0", "1stAprEZapjCYGUACUcXohQqSHF9MU5Kj", None, 50000, "fb16c141:0"),
            ("out:0", None, "1stAprEZapjCYGUACUcXohQqSHF9MU5Kj", 49040, None),
        ],
    ),
    "esplora/blockstream_txs_chain_page3_last.json": (
        511207, 1519764871,
        [
            ("in:0", "3QrkDXwdkmQgDk9kKSNCv4KrQFgegna5ym", None, 130157, "3fca78b5:0"),
            ("out:0", None, BURN, 9310, None),
            ("out:1", None, "3Cjku9jLvNZRkeJWauv7brH1wYixkDn4EU", 120681, None),
        ],
    ),
}  # fmt: skip
LISTS = (
    "esplora/transactions.json",
    "esplora/blockstream_txs_chain_page1.json",
    "esplora/blockstream_txs_chain_page2.json",
    "esplora/blockstream_txs_chain_page3_last.json",
    "mempool_space/transactions_replaced_esplora_format.json",
)


def short(spends: str | None) -> str | None:
    return None if spends is None else spends[:8] + spends[64:]


def test_own_transactions() -> None:
    """What waits, two owners' inputs, an output that is only a text, coins that are new."""
    parsed = parse_transactions(BITCOIN, kept("esplora/transactions.json"))
    assert [
        (t.tx[:2], t.leg, t.kind, t.sender or t.recipient, t.amount, short(t.spends))
        for t in parsed.transfers
    ] == [
        ("a1", "in:0", Kind.UTXO_IN, BURN, 50_000, "f1f1f1f1:0"),
        ("a1", "out:0", Kind.UTXO_OUT, PAYEE, 49_040, None),
        ("b2", "in:0", Kind.UTXO_IN, PAYEE, 67_196_218, "f2f2f2f2:35"),
        ("b2", "in:1", Kind.UTXO_IN, SCRIPT, 11_000, "f3f3f3f3:0"),
        ("b2", "out:0", Kind.UTXO_OUT, BURN, 56_196_218, None),
        ("b2", "out:1", Kind.UTXO_OUT, SCRIPT, 11_009_000, None),
        ("c3", "in:0", Kind.UTXO_IN, BURN, 1_000, "f4f4f4f4:1"),
        ("c3", "out:0", Kind.UTXO_OUT, None, 0, None),
        ("d4", "in:0", Kind.COINBASE, None, 5_000_000_000, None),
        ("d4", "out:0", Kind.UTXO_OUT, None, 5_000_000_000, None),
    ]
    places = {(t.tx[:2], t.block_height, t.time, t.pending) for t in parsed.transfers}
    assert places == {
        ("a1", None, None, True),
        ("b2", 103, 1_700_000_103, False),
        ("c3", 102, 1_700_000_102, False),
        ("d4", 101, 1_700_000_101, False),
    }


@needs_recordings
@pytest.mark.parametrize("name", BY_HAND)
def test_recorded_transactions(name: str) -> None:
    """Every leg of a recorded transaction comes out as a person reads it."""
    height, time, expected = BY_HAND[name]
    told = kept(name)
    legs = parse_transaction(BITCOIN, told[0] if isinstance(told, list) else told)
    assert [(t.leg, t.sender, t.recipient, t.amount, short(t.spends)) for t in legs] == expected
    assert {(t.block_height, t.time, t.pending) for t in legs} == {(height, time, height is None)}
    kinds = {t.leg.split(":")[0]: t.kind for t in legs}
    coinbase = name.endswith("coinbase.json")
    assert kinds["in"] is (Kind.COINBASE if coinbase else Kind.UTXO_IN)
    assert kinds["out"] is Kind.UTXO_OUT


@pytest.mark.parametrize("name", each(LISTS))
def test_lists(name: str) -> None:
    """Every row of a list parses, inputs never below outputs."""
    rows = kept(name)
    parsed = parse_transactions(BITCOIN, rows)
    assert parsed.gaps == ()
    for row in rows:
        legs = [t for t in parsed.transfers if t.tx == row["txid"]]
        assert len(legs) == len(row["vin"]) + len(row["vout"])
        spent = sum(t.amount for t in legs if t.leg.startswith("in"))
        assert spent - sum(t.amount for t in legs if t.kind is Kind.UTXO_OUT) == row["fee"]


class ThreePages:
    """An address of 51 transactions, which a server lists on three pages."""

    def __init__(self, count: int = 51, forgets: str = "") -> None:
        self.count, self.forgets = count, forgets
        self.rows = [tx(51 - n, 890_000 - 7_500 * n) for n in range(51)]

    def __call__(self, call: Call) -> Reply:
        parts = call.path.strip("/").split("/")
        match parts:
            case ["address", _, "txs", "mempool"]:
                return Reply([])
            case ["address", _, "txs", "chain", *last]:
                return Reply(self.after(last[0] if last else None))
            case ["address", _]:
                return Reply({"chain_stats": {"tx_count": self.count}})
            case ["tx", tx, "status"]:
                known = {row["txid"]: row["status"] for row in self.rows}
                return Reply(known.get(tx, {"confirmed": False}))
        return Reply(b"Block not found", 404)

    def after(self, last: str | None) -> list[Any]:
        if last is None:
            return self.rows[:25]
        if last.startswith(self.forgets) and self.forgets:
            return []
        place = next((n for n, r in enumerate(self.rows) if r["txid"] == last), 999)
        return self.rows[place + 1 : place + 26]


@contextmanager
def source(
    respond: Callable[[Call], Reply], chain: Chain = BITCOIN, page_size: int | None = None
) -> Iterator[tuple[Esplora, Server]]:
    with serve(respond) as server:
        config = SourceConfig("blockstream", "esplora", server.url, page_size=page_size)
        yield Esplora(config, chain, Http(config.name, server.url, attempts=1)), server


def ask(lo: int = 0, hi: int = HEAD.height, **changes: Any) -> Ask:
    base = Ask((Subject("bitcoin", BURN),), STREAMS, Interval(lo, hi), HEAD)
    return replace(base, **changes)


def read_all(adapter: Esplora, first: Ask) -> list[Batch]:
    batches: list[Batch] = []
    going: Ask | None = first
    while going is not None:
        batch = adapter.fetch(going)
        batches.append(batch)
        assert len(batches) < 200, "the walk does not end"
        left = batch.rest
        going = None if left is None else replace(going, span=left, cursor=batch.cursor)
    return batches


def test_whole_history() -> None:
    """51 transactions on three pages, the end confirmed by the address's own count."""
    with source(ThreePages()) as (adapter, server):
        batch = adapter.fetch(ask())
    assert (batch.read, batch.rest, batch.mempool_read) == (Interval(0, 900_000), None, True)
    assert len({t.tx for t in batch.transfers}) == 51
    assert batch.calls == len(server.calls) == 5


def test_walk_ends_below_the_span() -> None:
    """Two calls are enough where the first page reaches below what was asked."""
    with source(ThreePages()) as (adapter, server):
        batch = adapter.fetch(ask(lo=830_000))
    assert (batch.read, batch.rest) == (Interval(830_000, 900_000), None)
    assert len(server.calls) == 2


@pytest.mark.parametrize("max_rows", [1, 10, 60])
def test_small_bites_lose_nothing(max_rows: int) -> None:
    """Read in pieces, each row comes once and the pieces join up."""
    with source(ThreePages(), page_size=25) as (adapter, _):
        whole = adapter.fetch(ask(max_rows=100_000))
        batches = read_all(adapter, ask(max_rows=max_rows))
    told = [t for b in batches for t in b.transfers]
    assert len(batches) > 1
    assert sorted(told, key=repr) == sorted(whole.transfers, key=repr)
    read = [b.read for b in batches if b.read is not None]
    assert (read[0].hi, read[-1].lo) == (900_000, 0)
    assert all(a.lo == b.hi + 1 for a, b in pairwise(read))


def test_false_end_proves_nothing() -> None:
    """An empty page for a forgotten transaction is no end: electrs answers it so."""
    with source(ThreePages(forgets=f"{27:064x}")) as (adapter, _):
        batch = adapter.fetch(ask())
    assert batch.read == Interval(710_001, 900_000)
    assert (batch.rest, batch.cursor) == (Interval(0, 710_000), None)
    assert len({t.tx for t in batch.transfers}) == 25


def test_list_shorter_than_its_count() -> None:
    """Where the server counts more than it lists, the lowest part is not covered, and a
    second try below what was seen is an error and not silence."""
    with source(ThreePages(count=60)) as (adapter, _):
        batch = adapter.fetch(ask())
        assert (batch.read, batch.rest) == (Interval(515_001, 900_000), Interval(0, 515_000))
        with pytest.raises(BadResponse, match="count"):
            adapter.fetch(ask(hi=400_000))


def test_cursor_of_a_replaced_block() -> None:
    """A cursor whose transaction has left its block is given up: the walk starts anew."""
    gone = f"{'ab' * 32} 890000 3"
    with source(ThreePages()) as (adapter, _):
        batch = adapter.fetch(ask(cursor=gone))
    assert batch.read == Interval(0, 900_000)
    assert len({t.tx for t in batch.transfers}) == 51


def tx(number: int, height: int | None, value: Any = 5) -> dict[str, Any]:
    status: dict[str, Any] = {"confirmed": height is not None}
    if height is not None:
        status |= {"block_height": height, "block_hash": f"{height:064x}", "block_time": 1}
    return {
        "txid": f"{number:064x}",
        "vin": [{"txid": "cd" * 32, "vout": 0, "prevout": {"value": 9}, "is_coinbase": False}],
        "vout": [{"value": value, "scriptpubkey_address": BURN}],
        "status": status,
    }


def lists(
    chain_rows: list[Any],
    pending: list[Any] | None = None,
    count: int | None = None,
    waiting: int = 0,
) -> Callable[[Call], Reply]:
    def respond(call: Call) -> Reply:
        if call.path.endswith("/mempool"):
            return Reply(pending or [])
        if call.path.endswith("/chain"):
            return Reply(chain_rows)
        if "/chain/" in call.path:
            return Reply([])
        confirmed = {"tx_count": len(chain_rows) if count is None else count}
        return Reply({"chain_stats": confirmed, "mempool_stats": {"tx_count": waiting}})

    return respond


def test_unused_address() -> None:
    """No transactions and a count of zero is an end; with another count it is an error."""
    with source(lists([])) as (adapter, _):
        assert adapter.fetch(ask()).read == Interval(0, 900_000)
    with source(lists([], count=3)) as (adapter, _), pytest.raises(BadResponse):
        adapter.fetch(ask())


@pytest.mark.parametrize("value", ["5", 5.0, -1, None, True, 2**63])
def test_unreadable_transaction_is_a_gap(value: Any) -> None:
    """One bad row becomes a gap of its block; the rows beside it count."""
    with source(lists([tx(1, 30), tx(2, 20, value), tx(3, 10)])) as (adapter, _):
        batch = adapter.fetch(ask())
    if value == "5":  # decimal text is no lie
        assert batch.gaps == ()
        return
    assert [gap.at for gap in batch.gaps] == [Interval(20, 20)]
    assert {t.tx[-1] for t in batch.transfers} == {"1", "3"}
    assert batch.read == Interval(0, 900_000)
    assert f"{2:064x}" in batch.gaps[0].raw


def test_unplaced_row_proves_nothing() -> None:
    """Where not even the block can be read nothing is covered, and the rest still counts."""
    bad = tx(2, 20)
    del bad["status"]["block_height"]
    with source(lists([tx(1, 30), bad, tx(3, 10)])) as (adapter, _):
        batch = adapter.fetch(ask(lo=15))
    assert batch.read is None
    assert {t.tx[-1] for t in batch.transfers} == {"1", "3"}


@pytest.mark.parametrize(
    ("waiting", "count", "complete"),
    [(0, 0, True), (7, 7, True), (7, 8, False), (24, 24, True), (25, 25, True), (25, 90, False)],
)
def test_unconfirmed(waiting: int, count: int, complete: bool) -> None:
    """Unconfirmed transactions are pending; a list that is cut, at whatever number, is not
    called complete: the address's own count of them decides."""
    pending = [tx(100 + n, None) for n in range(waiting)]
    with source(lists([tx(1, 30)], pending, waiting=count)) as (adapter, _):
        batch = adapter.fetch(ask())
    told = [t for t in batch.transfers if t.pending]
    assert len(told) == 2 * waiting
    assert all((t.block_height, t.block_hash, t.time) == (None, None, None) for t in told)
    assert batch.mempool_read is complete


def test_mempool_only_when_asked() -> None:
    """History is read without the mempool, and does not claim to have read it."""
    with source(lists([tx(1, 30)])) as (adapter, server):
        assert adapter.fetch(ask(mempool=False)).mempool_read is False
    assert not [call for call in server.calls if "mempool" in call.path]


def test_repeated_page_ends_in_an_error() -> None:
    """A server that answers the first page for ever is caught."""
    rows = [tx(n, 100 - n) for n in range(25)]
    with (
        source(lambda call: Reply([] if "mempool" in call.path else rows)) as (adapter, _),
        pytest.raises(BadResponse, match="twice"),
    ):
        adapter.fetch(ask())


def test_addresses_as_told() -> None:
    """An odd address of somebody else does not lose the transaction."""
    odd = tx(1, 30)
    odd["vout"][0]["scriptpubkey_address"] = "not-an-address"
    odd["vout"].append({"value": 1, "scriptpubkey_address": BURN.upper()})
    parsed = parse_transactions(BITCOIN, [odd])
    assert [t.recipient for t in parsed.transfers if t.leg.startswith("out")] == [
        "not-an-address",
        BURN,
    ]


def test_hidden_amounts_are_refused() -> None:
    """Liquid's outputs are not guessed at."""
    hidden = tx(1, 30)
    hidden["vout"][0] = {"valuecommitment": "08", "assetcommitment": "0a"}
    with pytest.raises(Refused, match="Liquid"):
        parse_transactions(BITCOIN, [hidden])


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b"Invalid Bitcoin address", Refused),
        (400, b"Too many history entries", Refused),
        (403, b"Forbidden", Refused),
        (403, b"<html>Just a moment</html>", BadResponse),
        (404, b"endpoint does not exist", BadResponse),
        (200, b'{"error": "busy"}', BadResponse),
        (200, b"Too Many Requests", BadResponse),
    ],
)
def test_refusals(status: int, body: bytes, error: type[SourceError]) -> None:
    """No error text is taken for an empty list."""
    with source(lambda _: Reply(body, status)) as (adapter, _):
        with pytest.raises(error) as caught:
            adapter.fetch(ask())
        assert type(caught.value) is error
        with pytest.raises(SourceError):
            adapter.head()


def test_another_chain_is_refused() -> None:
    """A server of a test network cannot pass for Bitcoin; unknown chains are not compared."""
    testnet = b"000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"
    with source(lambda _: Reply(testnet)) as (adapter, _), pytest.raises(Refused, match="another"):
        adapter.identify()
    with source(lambda _: Reply(testnet), LOCAL) as (adapter, server):
        adapter.identify()
        assert server.calls == []


class Local:
    """The local explorer over a ledger, as a source for one chain."""

    def __init__(self, explorer: Explorer, ledger: UtxoLedger, chain: Chain = LOCAL) -> None:
        explorer.add(chain.key, ledger, "esplora")
        url = explorer.url(chain.key, "esplora")
        self.source = Esplora(SourceConfig("own", "esplora", url), chain, Http("own", url))
        self.chain, self.ledger, self.knobs = chain, ledger, explorer.knobs(chain.key, "esplora")

    def ask(self, address: str, lo: int = 0) -> Ask:
        head = self.source.head()
        span = Interval(lo, head.height)
        return Ask((Subject(self.chain.key, address),), STREAMS, span, head)

    def truth(self, address: str) -> set[tuple[str, str, int, int | None]]:
        mined = [(r.tx, r.height) for r in self.ledger.records("utxo", address)]
        rows = set()
        for found, height in [*mined, *((t, None) for t in self.ledger.pending(address))]:
            created = sum(o.value for o in found.vout)
            for n, spent in enumerate(found.vin):
                value = created if spent.prevout is None else spent.prevout.value
                rows.add((found.hash, f"in:{n}", value, height))
            for n, out in enumerate(found.vout):
                rows.add((found.hash, f"out:{n}", out.value, height))
        return rows

    def told(self, batches: list[Batch]) -> list[tuple[str, str, int, int | None]]:
        return [(t.tx, t.leg, t.amount, t.block_height) for b in batches for t in b.transfers]


def payment(number: int, address: str) -> UtxoTx:
    return UtxoTx(
        f"{number:064x}",
        (Input("ee" * 32, number, Output("someone", number + 7)),),
        (Output(address, number + 1), Output("other", 6)),
    )


@pytest.mark.parametrize("page", [None, 1, 3, 7])
@pytest.mark.parametrize("max_rows", [4, 2000])
def test_any_page_size_brings_everything(
    explorer: Explorer, page: int | None, max_rows: int
) -> None:
    """Whatever size the server cuts its pages to, no transaction is lost or doubled."""
    ledger = UtxoLedger()
    ledger.mine()
    for height in range(1, 12):
        ledger.mine(payment(100 * height + n, "me") for n in range(height % 4))
    local = Local(explorer, ledger)
    local.knobs.page_cap = page
    batches = read_all(local.source, replace(local.ask("me"), max_rows=max_rows))
    rows = local.told(batches)
    assert len(rows) == len(set(rows))
    assert set(rows) == local.truth("me")


def test_new_transaction_during_a_walk(explorer: Explorer) -> None:
    """What comes on top between two batches neither hides nor doubles what lies below."""
    ledger = UtxoLedger()
    for height in range(8):
        ledger.mine([payment(height, "me")])
    local = Local(explorer, ledger)
    local.knobs.page_cap = 2
    first = local.source.fetch(replace(local.ask("me"), max_rows=3))
    before = local.truth("me")
    ledger.mine([payment(99, "me")])
    assert first.rest is not None
    going = replace(local.ask("me"), span=first.rest, cursor=first.cursor)
    rows = local.told([first, *read_all(local.source, going)])
    assert sorted(rows, key=str) == sorted(before, key=str)


@pytest.mark.real
def test_real_node(explorer: Explorer, utxo_node: Rpc) -> None:
    """Over litecoind: mined, unconfirmed and, after a reorg, unmined payments are exact."""
    ledger = UtxoLedger()
    feed = LitecoinFeed(utxo_node, ledger)
    me = utxo_node.call("getnewaddress")
    for amount in (1, 2, 3):
        utxo_node.call("sendtoaddress", me, amount)
        utxo_node.call("generatetoaddress", 1, utxo_node.call("getnewaddress"))
    waiting = utxo_node.call("sendtoaddress", me, 4)
    feed.sync()
    local = Local(explorer, ledger)
    batch = local.source.fetch(local.ask(me))
    assert set(local.told([batch])) == local.truth(me)
    assert {t.tx for t in batch.transfers if t.pending} == {waiting}
    assert batch.read == Interval(0, batch.head.height)
    tip = ledger.head
    assert local.source.block_hash(tip.height) == tip.hash
    assert local.source.block_hash(tip.height + 1) is None
    mined = next(t.tx for t in batch.transfers if t.block_height == tip.height)
    word = local.source.transaction(mined)
    assert (word.found, word.height, word.block_hash) == (True, tip.height, tip.hash)

    utxo_node.call("invalidateblock", tip.hash)
    utxo_node.call("generateblock", utxo_node.call("getnewaddress"), [])
    feed.sync()
    batch = local.source.fetch(local.ask(me))
    assert set(local.told([batch])) == local.truth(me)
    assert mined in {t.tx for t in batch.transfers if t.pending}
    assert local.source.transaction(mined).height is None
    assert local.source.transaction("00" * 32).found is False
