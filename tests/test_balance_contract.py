"""The contract of every source that says what addresses hold, over real HTTP on loopback.

What a source says equals the ledger at the blocks that it names; what is no plain amount of what
was asked is no figure; and nothing but a SourceError ever comes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import base58
import pytest
import test_other_chain
from world.recordings import kept, needs_recordings
from world.scripted_server import Call, Reply, Server, serve
from world.tron_parts import TRON, b58

from monitor.demo.world import service
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, UtxoLedger
from monitor.demo.world.moves import Input, Internal, Output, TokenMove, Tx, UtxoTx
from monitor.loops.witness import Witness, sees_balances
from monitor.model import Chain, SourceConfig
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import NotServed, NotYet, Refused, SourceError
from monitor.model.ports import SeesBalances
from monitor.net import sources
from monitor.net.http import Http
from monitor.net.sources.blockscout_balances import parse_coins, parse_word
from monitor.net.sources.etherscan_balances import parse_several
from monitor.net.sources.newest_balances import EVERY
from monitor.net.sources.parsing import RowError
from monitor.net.sources.trongrid_balances import parse_account, parse_constant
from monitor.net.sources.utxo_balances import parse_balance, parse_totals

DEV = Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337)
COINS = Chain("coins", "Coins", "utxo", "BTC", 8, 6)
EVM = tuple("0x" + letter * 40 for letter in "abcd")
TRONS = tuple(map(b58, range(1, 5)))
Ledger = AccountLedger | UtxoLedger


def accounts(me: str, peer: str, shop: str, token: str, *, tron: bool = False) -> AccountLedger:
    """Coins and tokens that came, went, came inside a call, and vanished without a row."""
    ledger = AccountLedger(tron=tron)
    prefix = "" if tron else "0x"

    def tx(number: int, sender: str, to: str, value: int, **more: Any) -> Tx:
        return Tx(f"{prefix}{number:064x}", sender, to, value, gas_price=1, **more)

    moves = (TokenMove("ERC-20", token, peer, me, 7 * 10**30),)
    ledger.mine([tx(1, peer, me, 10**19), tx(2, peer, shop, 5, tokens=moves, input="0xab")])
    calls = (Internal(peer, shop, 0, path=""), Internal(shop, me, 33, path="0"))
    ledger.mine([tx(3, peer, shop, 0, input="0xab", internals=calls)])
    ledger.mine([tx(4, me, peer, 1_000, tokens=(TokenMove("ERC-20", token, me, shop, 9),))])
    ledger.vanish(me, 11)
    ledger.vanish(me, 10**30, token)
    return ledger


def outputs(me: str, peer: str) -> UtxoLedger:
    ledger = UtxoLedger()
    paid = Output(me, 900)
    ledger.mine([UtxoTx("1" * 64, (Input("0" * 64, 0, None),), (paid, Output(peer, 6)))])
    spent = (Input("1" * 64, 0, paid),)
    ledger.mine([UtxoTx("2" * 64, spent, (Output(peer, 500), Output(me, 390)))])
    waits = (Input("2" * 64, 1, Output(me, 390)),)
    ledger.submit(UtxoTx("3" * 64, waits, (Output(peer, 380),)))
    return ledger


@dataclass(frozen=True)
class Case:
    """One kind of source. `asks`: whether a call is about a balance, and not about a block."""

    kind: str
    chain: Chain
    people: Sequence[str]  # the watched address, a peer, a shop, a token
    ledger: Callable[[], Ledger]
    asks: Callable[[Call], bool]

    @property
    def holdings(self) -> list[Holding]:
        me, peer, _, token = self.people
        coins = [Holding(me), Holding(peer)]
        return coins if self.chain.family == "utxo" else [*coins, Holding(me, token)]


def of_account(call: Call) -> bool:
    return "balance" in call.query.get("action", "")


CASES = (
    Case("etherscan", DEV, EVM, lambda: accounts(*EVM), of_account),
    Case(
        *("blockscout", DEV, EVM, lambda: accounts(*EVM)),
        lambda call: "addresses" in call.path or call.body is not None,
    ),
    Case(
        *("trongrid", TRON, TRONS, lambda: accounts(*TRONS, tron=True)),
        lambda call: "getaccount" in call.path or "constant" in call.path,
    ),
    Case(
        *("esplora", COINS, ("me", "peer", "shop", "x"), lambda: outputs("me", "peer")),
        lambda call: "/address/" in call.path,
    ),
    Case(
        *("blockbook", COINS, ("me", "peer", "shop", "x"), lambda: outputs("me", "peer")),
        lambda call: "/address/" in call.path,
    ),
)
ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


@dataclass
class Scene:
    """A source before a local explorer; `instead` may answer in its place, or do something
    before it answers."""

    case: Case
    source: SeesBalances
    ledger: Any
    knobs: service.Knobs
    server: Server
    instead: Callable[[Call], Reply | None] = lambda _: None

    def ask(self, *holdings: Holding) -> BalanceWord:
        return self.source.balances(holdings or self.case.holdings, None)

    def truth(self, holding: Holding, height: int) -> int:
        return int(self.ledger.balance(holding.address, holding.contract or None, height))


@contextmanager
def staged(case: Case) -> Iterator[Scene]:
    ledger, explorer = case.ledger(), Explorer()
    explorer.add("c", ledger, case.kind, chain_id=case.chain.chain_id)
    scene: Scene | None = None

    def answer(call: Call) -> Reply:
        assert scene is not None
        other = scene.instead(call)
        if other is not None:
            return other
        target = f"/c/{case.kind}{call.path}?{urlencode(call.query)}"
        told = explorer.reply(call.method, target, json.dumps(call.body).encode())
        return Reply(told.body, told.status)

    with serve(answer) as server:
        tail = "/v2/api" if case.kind == "etherscan" else ""
        config = SourceConfig("mine", case.kind, server.url + tail)
        options = sources.http_options(config, case.chain)
        http = Http("mine", options.base_url, params=options.params, attempts=1)
        able = sees_balances(sources.build(config, case.chain, http))
        assert able is not None
        scene = Scene(case, able, ledger, explorer.knobs("c", case.kind), server)
        yield scene
    explorer.stop()


def test_every_kind_is_here() -> None:
    """A kind of source that says balances keeps this contract; EVM nodes have tests of their own,
    and nodes of Bitcoin's kind say none."""
    assert {case.kind for case in CASES} | {"evm_rpc", "utxo_rpc"} == set(sources.SOURCES)


@ALL
def test_what_is_said_is_what_the_ledger_holds(case: Case) -> None:
    """To the last unit, of coins and tokens, whatever no list has of it; unconfirmed left out."""
    with staged(case) as scene:
        word = scene.ask()
        assert word.unsaid == {}
        assert set(word.said) == set(case.holdings)
        assert (word.low.height, word.high.height) == (scene.ledger.head.height,) * 2
        assert word.high.block_hash == scene.ledger.head.hash
        for holding, amount in word.said.items():
            low, high = word.own[holding]
            assert amount == scene.truth(holding, high.height) == scene.truth(holding, low.height)
            assert high.time == scene.ledger.block(high.height).time
        assert sum(word.said.values()) > 0
        assert word.calls >= len(scene.server.calls)
        assert word.calls <= scene.source.balance_calls(case.holdings)


@ALL
def test_many_addresses_are_one_word(case: Case) -> None:
    """Two heads for all of them, and Etherscan's form takes twenty addresses in a call."""
    with staged(case) as scene:
        many = [Holding(case.people[0]), *map(Holding, others(case, 24))]
        word = scene.ask(*many)
        assert set(word.said) | set(word.unsaid) == set(many)
        assert word.said[many[0]] == scene.truth(many[0], word.high.height)
        assert not any(word.said.get(holding) for holding in many[1:])
        balances = [call for call in scene.server.calls if case.asks(call)]
        assert len(balances) == (2 if case.kind == "etherscan" else 25)


def others(case: Case, count: int) -> list[str]:
    """Addresses that nothing ever moved at."""
    family = case.chain.family
    if family == "evm":
        return [f"0x{number:040x}" for number in range(1, count + 1)]
    return [b58(100 + n) if family == "tron" else f"nobody{n}" for n in range(count)]


@ALL
def test_the_block_moves_while_it_is_asked(case: Case) -> None:
    """What is said was so at some block between the two that the word names."""
    with staged(case) as scene:
        first = scene.ledger.head.height

        def mine(call: Call) -> None:
            if case.asks(call):
                scene.ledger.mine()

        scene.instead = mine
        word = scene.ask()
        assert word.low.height == first
        assert word.high.height == scene.ledger.head.height > first


@ALL
def test_of_many_each_is_said_between_blocks_of_its_own(case: Case) -> None:
    """However long the whole takes; and a source that fails in the midst has said the rest."""
    with staged(case) as scene:
        done: list[int] = []

        def mine(call: Call) -> Reply | None:
            if case.asks(call):
                done.append(1)
                scene.ledger.mine()
            return Reply(b"", 503) if len(done) > most else None

        most = 10**6
        scene.instead = mine
        asked = [Holding(address) for address in others(case, 600)]
        if case.kind == "blockscout":
            asked = [Holding(holding.address, case.people[3]) for holding in asked]
        word = scene.ask(*asked)
        assert set(word.said) == set(asked)
        for low, high in word.own.values():
            assert high.height - low.height <= EVERY
        assert word.high.height - word.low.height > EVERY
        assert word.calls <= scene.source.balance_calls(asked)
        most = len(done) + 20
        part = scene.ask(*asked)
        assert 0 < len(part.said) < len(asked)
        assert set(part.said) | set(part.unsaid) == set(asked)


@ALL
def test_a_block_that_is_replaced_meanwhile(case: Case) -> None:
    """A figure of a block that is gone is none."""
    with staged(case) as scene:
        done: list[int] = []

        def reorg(call: Call) -> None:
            if case.asks(call) and not done:
                done.append(1)
                scene.ledger.reorg(1, [[]])

        scene.instead = reorg
        with pytest.raises(NotYet):
            scene.ask()


@ALL
def test_it_answers_for_now_only(case: Case) -> None:
    with staged(case) as scene:
        assert scene.source.old_heights is False
        with pytest.raises(NotServed):
            scene.source.balances(case.holdings, 1)
        assert scene.server.calls == []


@ALL
def test_lists_that_are_late_or_hide_change_no_balance(case: Case) -> None:
    with staged(case) as scene:
        before = scene.ask().said
        for stream in ("native", "internal", "erc20", "trc20", "token", "utxo"):
            scene.knobs.lag[stream] = 10**6
        assert scene.ask().said == before


NO_FIGURES: Mapping[str, Any] = {
    "negative": "-5",
    "negative number": -5,
    "fraction": 1.5,
    "fraction in words": "1.0",
    "scientific": "1e18",
    "scientific number": 1e18,
    "too much": str(2**256),
    "too much by far": "9" * 300,
    "a sign": "+5",
    "spaces": " 5",
    "underscore": "1_000",
    "other digits": "٣",
    "nothing": "",
    "null": None,
    "true": True,
    "a list": ["5"],
    "an object": {"value": "5"},
    "words": "Max rate limit reached soon",
}


def spoilt(case: Case, call: Call, value: Any) -> Reply:
    """The answer of the case's kind with this in place of the amount."""
    me = case.people[0]
    if case.kind == "etherscan":
        several = [{"account": a, "balance": value} for a in call.query["address"].split(",")]
        multi = call.query["action"] == "balancemulti"
        return Reply({"status": "1", "message": "OK", "result": several if multi else value})
    if case.kind == "blockscout":
        if call.body is not None:
            return Reply({"jsonrpc": "2.0", "id": 1, "result": value})
        address = call.path.rpartition("/")[2]
        fields = {"coin_balance": value, "block_number_balance_updated_at": 1}
        return Reply({"hash": address, **fields})
    if case.kind == "trongrid":
        if "constant" in call.path:
            return Reply({"result": {"result": True}, "constant_result": [value]})
        return Reply({"address": call.body["address"], "balance": value})
    address = call.path.rpartition("/")[2]
    if case.kind == "esplora":
        stats = {"funded_txo_sum": value, "spent_txo_sum": 0}
        return Reply({"address": address or me, "chain_stats": stats})
    return Reply({"address": address, "balance": value})


@ALL
@pytest.mark.parametrize("value", NO_FIGURES.values(), ids=NO_FIGURES)
def test_what_is_no_amount_is_no_figure(case: Case, value: Any) -> None:
    with staged(case) as scene:
        scene.instead = lambda call: spoilt(case, call, value) if case.asks(call) else None
        for holding in case.holdings:
            word = scene.ask(holding)
            assert word.said == {}
            assert word.unsaid[holding]
        assert scene.ask().said == {}


BODIES: Mapping[str, tuple[Any, int]] = {
    "a page": (b"<html>checking your browser</html>", 200),
    "a page as error": (b"<html>403</html>", 403),
    "empty": (b"", 200),
    "cut": (b'{"status":"1","message":"OK","result":"12', 200),
    "no object": ([], 200),
    "no members": ({}, 200),
    "a number": (5, 200),
    "text": (b"5", 200),
    "not ok, with a number": ({"status": "0", "message": "NOTOK", "result": "5"}, 200),
    "not ok, with zero": ({"status": "0", "message": "NOTOK", "result": "0"}, 200),
    "an error": ({"error": "busy", "result": "5"}, 200),
    "server error": (b"down", 500),
    "refused": ({"message": "no"}, 422),
    "twice": (b'{"status":"1","message":"OK","result":"1","result":"2"}', 200),
}


@ALL
@pytest.mark.parametrize("name", BODIES)
def test_an_answer_that_cannot_be_read_is_no_figure(case: Case, name: str) -> None:
    """Tron's empty object is its word for an account that does not exist."""
    body, status = BODIES[name]
    with staged(case) as scene:
        scene.instead = lambda call: Reply(body, status) if case.asks(call) else None
        for asked in ([each] for each in case.holdings):
            try:
                word = scene.ask(*asked)
            except SourceError:
                continue
            nobody = case.kind == "trongrid" and name == "no members"
            assert set(word.said.values()) <= ({0} if nobody else set())
            assert set(word.said) | set(word.unsaid) == set(asked)


@ALL
def test_another_address_than_was_asked_is_no_figure(case: Case) -> None:
    """Whoever mixes answers up (a cache, a proxy) is not believed."""
    me, peer, *_ = case.people

    def swapped(call: Call) -> Reply | None:
        if not case.asks(call):
            return None
        if case.kind == "etherscan":
            rows = [{"account": peer, "balance": "5"}]
            return Reply({"status": "1", "message": "OK", "result": rows})
        mixed = json.dumps(call.body).replace(me, peer) if call.body else "null"
        other = Call(call.method, call.path.replace(me, peer), call.query, json.loads(mixed))
        return spoilt(case, other, "5")

    with staged(case) as scene:
        scene.instead = swapped
        # Etherscan's `balance` names no address: only of several it can be seen.
        asked = [Holding(me), *([Holding(case.people[2])] if case.kind == "etherscan" else [])]
        word = scene.ask(*asked)
        assert word.said == {}
        assert set(word.unsaid) == set(asked)


@ALL
def test_a_source_that_is_down_is_no_answer(case: Case) -> None:
    """It raises, so that the source is counted as down and the next one is asked."""
    with staged(case) as scene:
        scene.instead = lambda call: Reply(b"", 503) if case.asks(call) else None
        with pytest.raises(SourceError):
            scene.ask()
        scene.instead = lambda call: Reply(b"", 429) if case.asks(call) else None
        with pytest.raises(SourceError):
            scene.ask()


REFUSED_ADDRESS: Mapping[str, tuple[Any, int]] = {
    "etherscan": (
        {"status": "0", "message": "NOTOK", "result": "Error! Invalid address format"},
        200,
    ),
    "blockscout": ({"message": "Invalid parameter(s)"}, 422),
    "trongrid": ({"Error": "invalid address", "success": False, "statusCode": 400}, 400),
    "esplora": (b"Invalid Bitcoin address", 400),
    "blockbook": ({"error": "Invalid address, checksum mismatch"}, 400),
}


@ALL
def test_an_address_that_is_refused_costs_no_other_one(case: Case) -> None:
    """The source is well, and says what the others hold."""
    odd = others(case, 1)[0]
    body, status = REFUSED_ADDRESS[case.kind]

    def refuse(call: Call) -> Reply | None:
        asked = f"{call.path}{call.query}{call.body}"
        return Reply(body, status) if case.asks(call) and odd in asked else None

    with staged(case) as scene:
        scene.instead = refuse
        mine = Holding(case.people[0])
        word = scene.ask(Holding(odd), mine)
        assert set(word.said) == {mine}
        assert set(word.unsaid) == {Holding(odd)}


# -- one kind's own --------------------------------------------------------------------------


def kind(name: str) -> Case:
    return next(case for case in CASES if case.kind == name)


LACKING = {"status": "0", "message": "NOTOK", "result": "Error! Missing Or invalid Action name"}
PAID = {
    "status": "0",
    "message": "NOTOK",
    "result": "Sorry, it looks like you are trying to access an API Pro endpoint. Contact us",
}


@pytest.mark.parametrize("words", [LACKING, PAID], ids=["lacking", "paid"])
def test_what_a_clone_lacks_is_learned(words: Any) -> None:
    """And never taken for 0: without `balancemulti` each address is asked for, without
    `tokenbalance` nothing is said of tokens, and that is asked once."""
    case = kind("etherscan")
    lacks = ("balancemulti", "tokenbalance")

    def clone(call: Call) -> Reply | None:
        return Reply(words) if call.query.get("action") in lacks else None

    with staged(case) as scene:
        scene.instead = clone
        for _ in range(2):
            word = scene.ask()
            coins = [holding for holding in case.holdings if not holding.contract]
            assert set(word.said) == set(coins)
            assert [h.contract for h in word.unsaid] == [case.people[3]]
        actions = [call.query.get("action") for call in scene.server.calls]
        assert [actions.count(action) for action in (*lacks, "balance")] == [1, 1, 4]
        with pytest.raises(NotServed):
            scene.ask(case.holdings[-1])
        assert len(scene.server.calls) == len(actions)


def test_a_clone_that_fails_at_several_addresses() -> None:
    """It is asked for one after the other, and is not down."""
    case = kind("etherscan")
    with staged(case) as scene:
        multi = "balancemulti"
        scene.instead = lambda c: Reply(b"", 500) if c.query.get("action") == multi else None
        assert set(scene.ask().said) == set(case.holdings)


def test_a_key_that_is_refused_is_the_sources_trouble() -> None:
    """Not the address's: whoever asks hears of it once, and not holding by holding."""
    case = kind("etherscan")
    refusal = {"status": "0", "message": "NOTOK", "result": "Invalid API Key"}
    with staged(case) as scene:
        scene.instead = lambda call: Reply(refusal) if case.asks(call) else None
        with pytest.raises(Refused):
            scene.ask()


def test_rows_of_several_addresses() -> None:
    """Stale, told twice, of nobody, in capitals, unreadable beside readable ones."""
    one, two, three, four = map(Holding, EVM)
    rows = [
        {"account": one.address.upper().replace("0X", "0x"), "balance": "1"},
        {"account": two.address, "balance": "2", "stale": True},
        {"account": three.address, "balance": "3", "stale": False},
        {"account": four.address, "balance": "4"},
        {"account": four.address, "balance": "5"},
        {"account": "0x" + "9" * 40, "balance": "6"},
    ]
    told = parse_several(rows, [one, two, three, four])
    assert {h: a for h, a in told.items() if isinstance(a, int)} == {one: 1, three: 3}
    assert set(told) == {one, two, three, four}
    for wrong in ({}, "5", 5, [5], [{"balance": "5"}], [{"account": None, "balance": "5"}]):
        if wrong:
            with pytest.raises(RowError):
                parse_several(wrong, [one])


def test_blockscout_names_the_block_of_coins() -> None:
    """What it holds of an address may be old: then it is the word of that block."""
    case = kind("blockscout")
    with staged(case) as scene:
        scene.knobs.lag["balance"] = 2
        word = scene.ask()
        old = scene.ledger.head.height - 2
        coins, _, token = case.holdings
        assert [head.height for head in word.own[coins]] == [old, old]
        assert word.own[coins][0].block_hash == scene.ledger.block(old).hash
        assert word.said[coins] == scene.truth(coins, old) != scene.truth(coins, old + 2)
        assert word.own[token] == (word.low, word.low)
        assert word.said[token] == scene.truth(token, word.low.height)
        assert word.undated == set()
        unknown = Holding("0x" + "9" * 40)
        word = scene.ask(unknown)
        assert (word.said, word.undated) == ({unknown: 0}, {unknown})


def test_blockscout_without_calls_of_contracts() -> None:
    case = kind("blockscout")
    with staged(case) as scene:
        token = case.holdings[-1]
        scene.instead = lambda call: Reply(b"", 404) if call.body is not None else None
        word = scene.ask()
        assert set(word.said) == set(case.holdings)
        assert word.undated == {token}
        asked = ("json-rpc", "eth-rpc")
        assert len([c for c in scene.server.calls if c.path.endswith(asked)]) == 1
        scene.ask(token)
        assert len([c for c in scene.server.calls if c.path.endswith(asked)]) == 1


NO_METHOD: Mapping[str, tuple[Any, int]] = {
    "404": (b"", 404),
    "405": ({"message": "Method not allowed"}, 405),
    "501": ({"error": "Not implemented"}, 501),
    "code": ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no"}}, 200),
    "words": ({"jsonrpc": "2.0", "id": 1, "error": "Method not found"}, 200),
}


def of_list(call: Call) -> Reply | None:
    """Blockscout's own list of tokens."""
    if call.query.get("action") == "tokenbalance":
        return Reply({"status": "0", "message": "Unknown action", "result": None})
    if call.path.endswith("/token-balances"):
        token = {"address_hash": "0x" + EVM[3].removeprefix("0x").upper(), "type": "ERC-20"}
        return Reply(
            [{"token": token, "value": "12"}, {"token": {"address": EVM[2]}, "value": "9"}]
        )
    return None


@pytest.mark.parametrize("name", NO_METHOD)
def test_a_blockscout_that_serves_only_its_own_figures(name: str) -> None:
    """They are said, and said to be undated; what it lacks is learned."""
    case = kind("blockscout")
    coins, _, token = case.holdings

    def own(call: Call) -> Reply | None:
        dated = call.path.startswith("/api/v2/addresses/") and "token" not in call.path
        return Reply(*NO_METHOD[name]) if call.body is not None or dated else of_list(call)

    with staged(case) as scene:
        scene.instead = own if name in ("404", "405", "501") else only_lists(name)
        word = scene.ask()
        assert set(word.said) == set(case.holdings)
        assert token in word.undated
        assert word.said[token] == 12
        assert word.said[coins] == scene.truth(coins, word.high.height)
        first = len(scene.server.calls)
        scene.ask()
        assert len(scene.server.calls) - first < first


def only_lists(name: str) -> Callable[[Call], Reply | None]:
    return lambda call: Reply(*NO_METHOD[name]) if call.body is not None else of_list(call)


def test_a_contract_that_says_that_it_has_no_method_takes_nothing_from_others() -> None:
    """A stranger's contract reverts in whatever words."""
    case = kind("blockscout")
    words = "execution reverted: method not found"
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32015, "message": words}}
    with staged(case) as scene:
        scene.instead = lambda call: Reply(body) if call.body is not None else None
        assert set(scene.ask().unsaid) == {case.holdings[-1]}
        scene.instead = lambda call: None
        assert scene.ask(case.holdings[-1]).undated == set()


def test_a_tron_server_that_has_only_the_index() -> None:
    """What it tells may be old; of an account without TRX it tells no tokens."""
    case = kind("trongrid")
    me, _, token = case.holdings
    account = {
        "address": base58.b58decode_check(me.address).hex(),
        "balance": 77,
        "trc20": [{case.people[3]: "5"}],
    }
    page: dict[str, Any] = {"success": True, "data": [account], "meta": {"at": 1}}

    def index(call: Call) -> Reply | None:
        if case.asks(call):
            return Reply({"Error": "no"}, 405)
        return Reply(page) if call.path == f"/v1/accounts/{me.address}" else None

    with staged(case) as scene:
        scene.instead = index
        word = scene.ask(me, token)
        assert word.said == {me: 77, token: 5}
        assert word.undated == {me, token}
        other = Holding(me.address, case.people[2])
        assert scene.ask(me, other).said == {me: 77, other: 0}
        page["data"] = []
        word = scene.ask(me, token)
        assert word.said == {me: 0}
        assert set(word.unsaid) == {token}
        for wrong in ([account, account], None, [{**account, "address": "41" + "0" * 40}], [5]):
            page["data"] = wrong
            assert scene.ask(me, token).said == {}


def test_an_account_of_tron_that_no_trx_ever_reached() -> None:
    """It holds 0 TRX, and may hold tokens all the same."""
    case = kind("trongrid")
    someone = b58(77)
    with staged(case) as scene:
        move = TokenMove("ERC-20", case.people[3], case.people[1], someone, 5)
        name = f"{99:064x}"
        scene.ledger.mine([Tx(name, case.people[1], case.people[3], input="0xab", tokens=(move,))])
        coins, token = Holding(someone), Holding(someone, case.people[3])
        assert scene.ask(coins, token).said == {coins: 0, token: 5}
        numbered = Holding(someone, "1002000")
        assert set(scene.ask(coins, numbered).unsaid) == {numbered}


def test_tokens_of_a_chain_without_tokens() -> None:
    for name in ("esplora", "blockbook"):
        with staged(kind(name)) as scene:
            token = Holding("me", "x")
            assert set(scene.ask(Holding("me"), token).unsaid) == {token}


# -- another chain behind the same address -----------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [case for case in test_other_chain.CASES if case.kind != "evm_rpc"],
    ids=lambda case: case.kind,
)
def test_no_figure_of_another_chain(case: test_other_chain.Case, tmp_path: Path) -> None:
    """Once its head was seen, a source that shows another chain says nothing."""
    with test_other_chain.staged(case, tmp_path) as scene:
        pool = test_other_chain.SourcePool(case.chain, [scene.source], sure_for=0.0)
        witness = Witness(pool, lambda: scene.now)
        mine = Holding(test_other_chain.ME[case.chain.family])
        scene.pay()
        true = scene.ledger.balance(mine.address)
        assert true > 0
        before = witness.ask({mine: None}, pool.sources)
        assert before.figures[mine].amount == true
        other = test_other_chain.chain_of(case, len(scene.ledger) - 1, "2")
        scene.pay(other)
        scene.show(other)
        said = witness.ask({mine: None}, pool.sources)
        assert said.figures == {}
        assert said.why[mine]


# -- recorded answers ---------------------------------------------------------------------------


@needs_recordings
def test_recorded_answers_of_account_chains() -> None:
    addresses = (
        *("0xddbd2b932c763ba5b1b7ae3b362eac3e8d40121a",),
        *("0x63a9975ba31b0b9626b34300f7f627147df1f526",),
        *("0x198ef1ec325a96cc354c7266a038be8b5c558f67",),
    )
    holdings = [Holding(address) for address in addresses]
    several = kept("etherscan/v1wrapped_get_eth_balance_multiple.json")["res"]
    assert list(parse_several(several, holdings).values()) == [
        40891631566070000000000,
        332567136222827062478,
        0,
    ]


@needs_recordings
@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("etherscan/balance_nonzero.json", 960071318000000000),
        ("etherscan/balance_zero.json", 0),
        ("blockscout/pro_balance.json", 0),
    ],
)
def test_recorded_coins(name: str, amount: int) -> None:
    case = kind("etherscan")
    with staged(case) as scene:
        scene.instead = lambda call: Reply(kept(name)) if case.asks(call) else None
        assert scene.ask(case.holdings[0]).said == {case.holdings[0]: amount}


@needs_recordings
def test_recorded_refusals_of_calls_of_contracts() -> None:
    """Errors as an object and as a plain text: the token is unsaid, and coins are not."""
    case = kind("blockscout")
    for name in ("base_json_rpc_32602_error", "pro_json_rpc_missing_to_error"):
        with staged(case) as scene:
            body = kept(f"blockscout/{name}.json")
            scene.instead = lambda call, b=body: Reply(b) if call.body is not None else None
            word = scene.ask()
            assert set(word.unsaid) == {case.holdings[-1]}


@needs_recordings
def test_recorded_answers_of_tron() -> None:
    assert parse_account(kept("tron/node_getaccount_unknown.json"), b58(1)) == 0
    account = kept("tron/gem_balance_coin.json")
    assert parse_account(account, "TEB39Rt69QkgD1BKhqaRNqGxfQzCarkRCb") == 2928601454
    with pytest.raises(RowError):
        parse_account(account, b58(1))
    assert parse_constant(kept("tron/gem_balance_token.json")) == 0x0821218A


@needs_recordings
def test_recorded_answers_of_utxo_chains() -> None:
    assert parse_totals(kept("esplora/blockstream_address_unused.json")) == 0
    assert parse_totals(kept("bch_explorer_melroy/address.json")) == 533798911
    assert parse_balance(kept("blockbook/eth_address_tokenBalances.json")) == 182976771756327797


REVERTED = {
    "result": {"result": True, "message": "524556455254206f70636f6465206578656375746564"},
    "constant_result": [""],
    "transaction": {"ret": [{"ret": "FAILED"}]},
}


@pytest.mark.parametrize(
    "reported",
    [
        REVERTED,
        {**REVERTED, "constant_result": ["0" * 63 + "5"]},
        {"result": {"code": "CONTRACT_VALIDATE_ERROR", "message": "x"}},
        {"result": {"result": True}, "constant_result": ["0" * 64, "0" * 64]},
        {"result": {"result": True}, "constant_result": "5"},
        {"result": {"result": "true"}, "constant_result": ["0" * 64]},
    ],
)
def test_a_call_of_a_contract_that_failed_is_no_amount(reported: Any) -> None:
    with pytest.raises(RowError):
        parse_constant(reported)


def test_coins_without_their_block_are_no_figure() -> None:
    """Nobody knows then how old they are: that is said."""
    whole = {"hash": EVM[0], "coin_balance": "5", "block_number_balance_updated_at": 7}
    assert parse_coins(whole, EVM[0]) == (5, 7)
    assert parse_coins({**whole, "block_number_balance_updated_at": None}, EVM[0]) == (5, None)
    for member in ("hash", "coin_balance"):
        with pytest.raises(RowError):
            parse_coins({**whole, member: None}, EVM[0])
    for word in ("0x", "0x5", "5", None, 5, "0x" + "g" * 64, "0x" + "0" * 65):
        with pytest.raises(RowError):
            parse_word(word)
