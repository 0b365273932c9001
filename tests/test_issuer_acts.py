"""Acts of issuers: what is frozen, destroyed or released at an address, from every source."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import base58
import pytest
from eth_utils.crypto import keccak
from test_source_contract import ACCOUNT_LIST_REFUSALS, KEY
from world.home import ALICE, BANK, BOB, Scene, bodies, payment, staged
from world.parts import Rpc, anvil
from world.recordings import kept
from world.scripted_server import Call, Reply, serve

from monitor.chains.issuers import FAMILIES
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import Act, TokenMove, Tx
from monitor.model import (
    ISSUER,
    Ask,
    Batch,
    Chain,
    Head,
    Interval,
    Issuer,
    Kind,
    SourceConfig,
    Subject,
    account_leg,
)
from monitor.model.errors import BadResponse, NotServed, NotYet, SourceError
from monitor.model.ports import Source
from monitor.net.http import Http
from monitor.net.sources import acts, build, http_options

USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
GOLD = "0x68749665ff8d2d112fa859aa293f07a622782f38"
FAKE = "0x" + "fa" * 20
TRON_USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
CHAIN = Chain(
    "dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337,
    issuers=(
        Issuer(USDT, "Tether", "USDT", ("tether",)),
        Issuer(USDC, "Circle", "USDC", ("circle",)),
        Issuer(GOLD, "Tether", "XAUt", ("tether-2",)),
    ),
)  # fmt: skip
TRON = Chain(
    "tron", "Tron", "tron", "TRX", 6, 19, block_time=3.0,
    issuers=(Issuer(TRON_USDT, "Tether", "USDT", ("tether",)),),
)  # fmt: skip
MILLIONS = 7_740_000 * 10**6


def b58(number: int) -> str:
    return base58.b58encode_check(b"\x41" + number.to_bytes(20, "big")).decode()


def story(one: str, other: str, usdt: str = USDT) -> list[tuple[Act, ...]]:
    """The acts of each transaction. Ethereum's USDT does not index its addresses."""
    found: list[tuple[Act, ...]] = [
        (Act("AddedBlackList", usdt, one, log_index=0), Act("AddedBlackList", usdt, other)),
        (Act("DestroyedBlackFunds", usdt, one, MILLIONS),),
        (Act("RemovedBlackList", usdt, other),),
    ]
    if usdt == USDT:
        found += [
            (Act("Blacklisted", USDC, one, indexed=True),),
            (Act("UnBlacklisted", USDC, one, indexed=True),),
            (Act("BlockPlaced", GOLD, one, indexed=True),),
            (Act("DestroyedBlockedFunds", GOLD, one, 5, indexed=True),),
            (Act("BlockReleased", GOLD, one, indexed=True),),
            (Act("DestroyedBlackFunds", FAKE, one, MILLIONS),),
        ]
    return found


def expected(one: str, usdt: str = USDT) -> list[str]:
    """Legs that touch `one`. What the newer contract destroys is a Transfer too: amount 0."""

    def leg(kind: Kind, contract: str, amount: int = 0) -> str:
        return account_leg(kind, contract, None, one, None, amount, 0)

    found = [leg(Kind.FROZEN, usdt), leg(Kind.DESTROYED, usdt, MILLIONS)]
    if usdt == USDT:
        for contract in (USDC, GOLD):
            found += [leg(Kind.FROZEN, contract), leg(Kind.RELEASED, contract)]
        found.append(leg(Kind.DESTROYED, GOLD))
    return sorted(found)


def ledger_of(transactions: Sequence[tuple[Act, ...]], tron: bool = False) -> AccountLedger:
    ledger = AccountLedger(tron=tron, first_height=100, block_time=3 if tron else 12)
    for number, done in enumerate(transactions):
        name = hashlib.sha256(f"act {number}".encode()).hexdigest()
        sender = b58(9) if tron else BANK
        ledger.mine([Tx(name if tron else f"0x{name}", sender, done[0].contract, acts=done)])
    for _ in range(60):
        ledger.mine()
    return ledger


def source_of(url: str, kind: str, chain: Chain = CHAIN, **more: Any) -> Source:
    config = SourceConfig("the source", kind, url, **more)
    options = http_options(config, chain)
    return build(config, chain, Http(config.name, options.base_url, attempts=1))


def ask_of(source: Source, chain: Chain, *addresses: str, lo: int = 0) -> Ask:
    head = source.head()
    top = source.axis.top(head)
    subjects = tuple(Subject(chain.key, a) for a in addresses)
    return Ask(subjects, frozenset({ISSUER}), Interval(lo, top), head)


def legs(batch: Batch) -> list[str]:
    return sorted(t.leg for t in batch.transfers)


@pytest.fixture
def world(explorer: Explorer) -> Explorer:
    explorer.add("dev", ledger_of(story(ALICE, BOB)), "etherscan", "blockscout", chain_id=31337)
    tron = ledger_of(story(b58(1), b58(2), TRON_USDT), tron=True)
    explorer.add("tron", tron, "trongrid")
    return explorer


def test_topics_are_those_of_the_events() -> None:
    """Each topic is the hash of its event's signature, as the names say it."""
    for event in (e for family in FAMILIES.values() for e in family):
        arguments = "address,uint256" if event.has_amount else "address"
        assert event.topic == "0x" + keccak(text=f"{event.name}({arguments})").hex()


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_explorers_tell_the_acts(world: Explorer, kind: str) -> None:
    """Every event of every contract, indexed or not; a counterfeit's is left aside."""
    source = source_of(world.url("dev", kind), kind)
    ask = ask_of(source, CHAIN, ALICE)
    batch = source.fetch(ask)
    assert legs(batch) == expected(ALICE)
    assert (batch.read, batch.rest) == (ask.span, None)
    [gone] = [t for t in batch.transfers if t.amount]
    assert (gone.kind, gone.sender, gone.recipient, gone.contract, gone.block_height) == (
        Kind.DESTROYED, ALICE, None, USDT, 101,
    )  # fmt: skip


def test_tron_tells_the_acts(world: Explorer) -> None:
    """The same from TronGrid's lists of events, on the axis of time."""
    source = source_of(world.url("tron", "trongrid"), "trongrid", TRON)
    batch = source.fetch(ask_of(source, TRON, b58(1)))
    assert legs(batch) == expected(b58(1), TRON_USDT)
    assert {t.block_height for t in batch.transfers} == {100, 101}
    assert batch.read is not None


# A contract that writes what it is called with: a topic (or two) and the data after them.
ONE_TOPIC = "0x6020360380602060003760003590600" + "0a100"
TWO_TOPICS = "0x604036038060406000376020359060003590" + "6000a200"


@pytest.fixture(scope="module")
def node() -> Iterator[Rpc]:
    with anvil(age=0) as rpc:
        for address, code in (
            (USDT, ONE_TOPIC),
            (FAKE, ONE_TOPIC),
            *((c, TWO_TOPICS) for c in (USDC, GOLD)),
        ):
            rpc.call("anvil_setCode", address, code)
        for done in story(ALICE, BOB):
            for act in done:
                word = f"{int(act.address, 16):064x}"
                amount = "" if act.amount is None else f"{act.amount:064x}"
                arguments = "address" if act.amount is None else "address,uint256"
                topic = "0x" + keccak(text=f"{act.event}({arguments})").hex()
                call = {
                    "from": BANK,
                    "to": act.contract,
                    "data": topic + word + amount,
                    "gas": "0x30000",
                }
                rpc.call("anvil_setBalance", BANK, hex(10**20))
                rpc.call("eth_sendTransaction", call)
            rpc.call("evm_mine")
        yield rpc


@pytest.mark.real
def test_a_node_tells_the_acts(node: Rpc) -> None:
    """One filter by contract and topics for all addresses; the same legs as the explorers."""
    source = source_of(node.url, "evm_rpc")
    batch = source.fetch(ask_of(source, CHAIN, ALICE, BOB))
    assert [leg for leg in legs(batch) if ALICE in leg] == expected(ALICE)
    assert {t.kind for t in batch.transfers if t.sender == BOB} == {Kind.FROZEN, Kind.RELEASED}
    assert batch.calls == 3  # one for what lies from the last log on


@pytest.mark.real
def test_a_node_that_stands_in_is_asked_once_under_a_head(node: Rpc) -> None:
    """Address after address, as where the explorer before it has no such list."""
    source = source_of(node.url, "evm_rpc")
    ask = ask_of(source, CHAIN, ALICE)
    addresses = (ALICE, BOB, *(f"0x{n:040x}" for n in range(9)))
    batches = [source.fetch(_for(ask, a)) for a in addresses]
    assert 0 < batches[0].calls <= 3
    assert [b.calls for b in batches[1:]] == [0] * 10
    assert legs(batches[0]) == expected(ALICE)
    assert {t.kind for t in batches[1].transfers} == {Kind.FROZEN, Kind.RELEASED}
    assert {b.read for b in batches} == {ask.span}


def test_a_pass_costs_the_same_for_any_number_of_addresses(explorer: Explorer) -> None:
    """One reading under a head serves every address; the next head is read again."""
    ledger = ledger_of(story(ALICE, BOB))
    explorer.add("dev", ledger, "etherscan", chain_id=31337)
    source = source_of(explorer.url("dev", "etherscan"), "etherscan")
    addresses = [ALICE, BOB, *(f"0x{n:040x}" for n in range(1, 50))]

    def read(lo: int) -> list[Batch]:
        ask = ask_of(source, CHAIN, ALICE, lo=lo)
        return [source.fetch(_for(ask, a)) for a in addresses]

    first = read(0)
    # A list with rows is asked once more above its last one.
    assert 8 == source.act_calls <= first[0].calls <= 16
    assert sum(b.calls for b in first[1:]) == 0
    assert legs(first[0]) == expected(ALICE)
    assert all(b.read == first[0].read for b in first)
    calls = _log_calls(explorer)
    ledger.mine([Tx("0x" + "77" * 32, BANK, USDT, acts=(Act("AddedBlackList", USDT, BOB),))])
    again = read(first[0].head.height - 5)
    assert _log_calls(explorer) == calls + sum(b.calls for b in again)
    assert sum(b.calls for b in again[1:]) == 0
    assert {t.tx for t in again[1].transfers} == {"0x" + "77" * 32}
    assert legs(again[0]) == []


def test_addresses_read_to_different_heights_cost_one_reading(explorer: Explorer) -> None:
    """After a restart each address asks from where it was read to, the furthest last."""
    explorer.add("dev", ledger_of(story(ALICE, BOB)), "etherscan", chain_id=31337)
    source = source_of(explorer.url("dev", "etherscan"), "etherscan")
    batches = [source.fetch(ask_of(source, CHAIN, ALICE, lo=lo)) for lo in (160, 150, 120, 101)]
    assert [b.calls > 0 for b in batches] == [True, False, False, False]
    assert [b.read.lo for b in batches if b.read] == [160, 150, 120, 101]
    assert len(legs(batches[0])) == 0 < len(legs(batches[3])) < len(expected(ALICE))


def _for(ask: Ask, address: str) -> Ask:
    return Ask((Subject("dev", address),), ask.streams, ask.span, ask.head)


def _log_calls(world: Explorer) -> int:
    return sum(n for (_, _, endpoint), n in world.calls.items() if endpoint == "getLogs")


def test_later_addresses_get_their_history(world: Explorer) -> None:
    """Who asks for older blocks than are held gets them read."""
    source = source_of(world.url("dev", "etherscan"), "etherscan")
    assert legs(source.fetch(ask_of(source, CHAIN, ALICE, lo=150))) == []
    whole = source.fetch(ask_of(source, CHAIN, ALICE))
    assert legs(whole) == expected(ALICE)
    assert whole.read == Interval(0, whole.head.height)


HEAD = Head(200, 1_700_000_000, "0x" + "ab" * 32)
ASK = Ask((Subject("dev", ALICE),), frozenset({ISSUER}), Interval(0, 200), HEAD)


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"message": "not here"}, 404),
        Reply(
            {"status": "0", "message": "NOTOK", "result": "Error! Missing Or invalid Module name"}
        ),
        Reply({"message": "Unknown module", "result": None, "status": "0"}, 400),
    ],
)
@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_a_source_without_such_a_list_is_a_told_limit(kind: str, reply: Reply) -> None:
    """No failure of the source: its other lists may be well."""
    with serve(lambda call: reply) as server:
        source = source_of(server.url, kind)
        with pytest.raises(NotServed):
            source.fetch(ASK)


def test_a_trongrid_without_events_is_a_told_limit() -> None:
    """A node of one's own serves accounts but no events."""
    with serve(lambda call: Reply({"Error": "no such path"}, 404)) as server:
        source = source_of(server.url, "trongrid", TRON)
        ask = Ask((Subject("tron", b58(1)),), ASK.streams, Interval(0, HEAD.time * 1000), HEAD)
        with pytest.raises(NotServed):
            source.fetch(ask)


def test_a_failure_is_asked_once_under_a_head() -> None:
    """A list that cannot be read is told once and does not make the source rest; it proves
    nothing."""
    with serve(lambda call: Reply({"status": "0", "message": "nobody wrote this down"})) as server:
        source = source_of(server.url, "etherscan")
        with pytest.raises(BadResponse):
            source.fetch(ASK)
        with pytest.raises(NotYet):
            source.fetch(ASK)
        assert len(server.calls) == 1


def test_a_row_without_a_place_proves_nothing_and_breaks_nothing() -> None:
    """A reading that cannot be trusted as whole takes back nothing that was read before, and
    the next good one is whole again."""
    rows: list[object] = []

    def respond(call: Call) -> Reply:
        found = rows if call.query["topic0"] == FREEZE else []
        text = {"status": "1", "message": "OK", "result": found}
        return Reply(
            text if found else {"status": "0", "message": "No records found", "result": []}
        )

    with serve(respond) as server:
        source = source_of(server.url, "etherscan")
        assert source.fetch(ASK).read == Interval(0, 200)
        rows.append({**_log(USDT, [FREEZE], "0x" + WORD), "blockNumber": "soon"})
        for height in (201, 202):
            later = _under(height)
            assert source.fetch(later).read is None
        rows[:] = [{**_log(USDT, [FREEZE], "0x" + WORD), "blockNumber": "0xca"}]
        batch = source.fetch(_under(203))
    assert batch.read == Interval(150, 203)
    assert [t.block_height for t in batch.transfers] == [202]


def _under(height: int) -> Ask:
    head = Head(height, 1_700_000_000 + height)
    return Ask(ASK.subjects, ASK.streams, Interval(150, height), head)


@pytest.mark.parametrize(("body", "status", "error"), ACCOUNT_LIST_REFUSALS)
def test_refusals_of_the_list_of_logs(body: Any, status: int, error: type[SourceError]) -> None:
    """As the account lists: every error is classified, none is taken for empty, none shows the
    key."""
    with serve(lambda call: Reply(body, status)) as server:
        source = source_of(server.url, "etherscan", api_key=KEY)
        with pytest.raises(error) as caught:
            source.fetch(ASK)
    assert KEY not in str(caught.value) + repr(caught.value)


def _log(contract: str, topics: list[str], data: str, index: int = 0) -> dict[str, Any]:
    return {
        "address": contract, "topics": topics, "data": data, "blockNumber": "0x65",
        "blockHash": "0x" + "cd" * 32, "timeStamp": "0x6553f100", "logIndex": hex(index),
        "transactionHash": "0x" + "ef" * 32, "transactionIndex": "0x", "removed": False,
    }  # fmt: skip


FREEZE = FAMILIES["tether"][0].topic
DESTROY = FAMILIES["tether"][2].topic
WORD = "0" * 24 + ALICE[2:]


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (_log(USDT, [FREEZE], "0x"), "address"),
        (_log(USDT, [FREEZE], "0x" + "f" * 64), "address"),
        (_log(USDT, [FREEZE], "0x" + WORD[:-2]), "32-byte"),
        (_log(USDT, [DESTROY], "0x" + WORD), "amount"),
    ],
)
def test_an_act_that_cannot_be_read_is_a_gap(log: dict[str, Any], reason: str) -> None:
    """It may be about a watched address: kept raw and told."""
    parsed = acts.parse_logs(CHAIN, [log])
    assert parsed.transfers == ()
    assert [gap.at for gap in parsed.gaps] == [Interval(101, 101)]
    assert reason in parsed.gaps[0].reason


def test_what_is_not_an_act_is_left_aside() -> None:
    """Other contracts, other events, logs that a reorganisation removed."""
    words = "0x" + WORD + f"{MILLIONS:064x}"
    logs = [
        _log(FAKE, [DESTROY], words),
        _log(USDC, [DESTROY], words),
        _log(USDT, ["0x" + "12" * 32], words),
        _log(USDT, [], words),
        {**_log(USDT, [DESTROY], words), "removed": True},
    ]
    assert acts.parse_logs(CHAIN, logs) == acts.parse_logs(CHAIN, [])


def test_topics_filled_up_with_null_and_equal_acts() -> None:
    """Blockscout fills topics up to four; the same act twice in a transaction is two."""
    log = _log(USDC, [FAMILIES["circle"][0].topic, "0x" + WORD, None, None], "0x")  # type: ignore[list-item]
    parsed = acts.parse_logs(CHAIN, [log, {**log, "logIndex": "0x1"}])
    assert [t.leg[-2:] for t in parsed.transfers] == ["|0", "|1"]


def test_events_of_tron() -> None:
    """As TronGrid lists them: two of one block, each of another transaction."""
    parsed = acts.parse_events(TRON, kept("trongrid/events.json")["data"])
    assert [(t.kind, t.sender, t.block_height, t.amount) for t in parsed.transfers] == [
        (Kind.FROZEN, _tron("11" * 20), 2000, 0),
        (Kind.FROZEN, _tron("22" * 20), 2000, 0),
    ]
    assert parsed.gaps == ()


def _tron(digits: str) -> str:
    return base58.b58encode_check(bytes.fromhex("41" + digits)).decode()


def test_a_node_that_ignores_the_filter_forges_nothing() -> None:
    """A server that leaves `address` aside tells a counterfeit's event too."""
    words = "0x" + WORD + f"{MILLIONS:064x}"
    logs = [_log(FAKE, [DESTROY], words), _log(USDT, [DESTROY], words, 1)]
    results = {"eth_getLogs": [{**log, "blockTimestamp": "0x6553f100"} for log in logs],
               "eth_blockNumber": hex(200)}  # fmt: skip

    def respond(call: Call) -> Reply:
        return Reply(
            {"jsonrpc": "2.0", "id": call.body["id"], "result": results[call.body["method"]]}
        )

    with serve(respond) as server:
        batch = source_of(server.url, "evm_rpc").fetch(ASK)
        asked = next(c.body for c in server.calls if c.body["method"] == "eth_getLogs")
    assert [t.contract for t in batch.transfers] == [USDT]
    assert asked["params"][0]["address"] == [USDT, USDC, GOLD]


# -- from the explorer to the mail ----------------------------------------------------------


def _issuers(scene: Scene) -> None:
    """USDT and USDC on the scene's chain."""
    names = ((USDT, "USDT"), (USDC, "USDC"), (GOLD, "XAUt"))
    tokens = {contract: {"symbol": symbol, "decimals": 6} for contract, symbol in names}
    rows = {GOLD: {"issuer": "Tether", "events": ["tether-2"]},
            USDT: {"issuer": "Tether", "events": ["tether"]},
            USDC: {"issuer": "Circle", "events": ["circle"]}}  # fmt: skip
    scene.home.write("config/assets.yaml", {"assets": {"dev": tokens}})
    scene.home.write("config/issuers.yaml", {"issuers": {"dev": rows}})


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as found:
        _issuers(found)
        found.home.run("poll")
        found.home.sql("UPDATE scope SET due = 0")
        yield found


def _mine(scene: Scene, *transactions: Tx) -> None:
    scene.ledger.mine(transactions)
    for _ in range(30):
        scene.ledger.mine()
    scene.home.run("poll")


def _tx(number: int, *done: Act, tokens: tuple[TokenMove, ...] = ()) -> Tx:
    return Tx(payment(900 + number, BANK, USDT, 0).hash, BANK, USDT, acts=done, tokens=tokens)


def test_what_an_issuer_does_is_told(scene: Scene) -> None:
    """Freeze high, destruction severe with nothing left, release severe; whatever the entry's
    direction asks for; in words that say who and what."""
    paid = TokenMove("ERC-20", USDT, BANK, BOB, MILLIONS)
    _mine(
        scene,
        _tx(0, tokens=(paid,)),
        _tx(1, Act("AddedBlackList", USDT, BOB)),
        _tx(2, Act("DestroyedBlackFunds", USDT, BOB, MILLIONS)),
        _tx(3, Act("UnBlacklisted", USDC, BOB, indexed=True)),
    )
    told = {a["transfers"][0]["kind"]: a for a in scene.home.alerts() if a["kind"] == "movement"}
    assert {kind: a["severity"] for kind, a in told.items()} == {
        "erc20": "medium", "frozen": "high", "destroyed": "severe", "released": "severe",
    }  # fmt: skip
    assert {a["lane"] for a in told.values()} == {"news"}
    text = {k: _text(scene, told[k]["id"]) for k in ("frozen", "destroyed", "released")}
    assert "Tether froze this address for USDT." in text["frozen"]
    assert "Tether destroyed 7,740,000.000000 USDT at this address." in text["destroyed"]
    assert "7,740,000.000000 -> 0.000000 USDT" in text["destroyed"]
    assert "Circle released this address for USDC." in text["released"]
    for words in text.values():
        assert "seize" not in words.lower()
        assert "forfeit" not in words.lower()
    shown = [a for body in bodies(scene.hook.seen) for a in body["data"]["alerts"]]
    assert {t["kind"] for a in shown for t in a["transfers"]} >= {"frozen", "destroyed", "released"}
    kinds = [t["kind"] for t in scene.home.transfers("--address", BOB)]
    assert kinds.count("destroyed") == 1


def test_what_is_destroyed_by_a_transfer_is_not_counted_twice(scene: Scene) -> None:
    """The newer contracts burn: the event and a transfer to nobody tell the same thing. The
    holder has sent nothing, and the money is gone once."""
    burnt = TokenMove("ERC-20", GOLD, BOB, "0x" + "0" * 40, 5_000_000, log_index=1)
    act = Act("DestroyedBlockedFunds", GOLD, BOB, 5_000_000, indexed=True, log_index=2)
    paid = TokenMove("ERC-20", GOLD, BANK, BOB, 5_000_000)
    _mine(scene, _tx(1, tokens=(paid,)), _tx(2, act, tokens=(burnt,)))
    [told] = [a for a in scene.home.alerts() if a["severity"] == "severe"]
    assert sorted((t["kind"], t["amount"]) for t in told["transfers"]) == [
        ("destroyed", "0"), ("erc20", "5000000"),
    ]  # fmt: skip
    said = _text(scene, told["id"])
    assert "Tether destroyed 5 XAUt at label b" in said
    assert "5.000000 -> 0.000000 XAUt" in said
    assert "sent 5" not in said


def _text(scene: Scene, alert: str) -> str:
    message = scene.mails_of(alert)[0]
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def test_acts_before_the_watch_are_history(tmp_path: Path) -> None:
    """Frozen long before it was watched: no news, and in the summary however old it is."""
    now = int(time.time())
    ledger = AccountLedger(time=now - 200 * 86_400)
    ledger.mine([_tx(1, Act("AddedBlackList", USDT, BOB))])
    ledger.mine(time=now - 900)
    for _ in range(30):
        ledger.mine()
    with staged(tmp_path, contacted=False, ledger=ledger) as scene:
        _issuers(scene)
        scene.home.run("poll")
        mine = [a for a in scene.home.alerts() if a["entry"] and a["entry"]["address"] == BOB]
        assert [a["kind"] for a in mine] == ["history"]
        said = _text(scene, mine[0]["id"])
    day = time.strftime("%Y-%m-%d", time.gmtime(now - 200 * 86_400))
    assert f"Tether froze this address for USDT on {day}." in said
    assert "WHAT ISSUERS DID 1." in said
    assert "LAST 30 DAYS" not in said
