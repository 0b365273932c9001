"""The contract of every source that says what an address is, over real HTTP on loopback.

In three calls at most; what it says is what the ledger holds, what it does not say is not made up,
and bait makes nobody look like a service.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from world.evm_world import created_by, deploy_data
from world.parts import Rpc
from world.recordings import kept, needs_recordings
from world.scripted_server import Call, Reply, Server, serve
from world.tron_parts import TRON, b58

from monitor.app.settings.load import load
from monitor.chains import wallets
from monitor.decide.asking import sees_profiles
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, UtxoLedger
from monitor.demo.world.moves import Input, Output, TokenMove, Tx, UtxoTx
from monitor.demo.world.service import Knobs
from monitor.model import Chain, SourceConfig
from monitor.model.config import Issuer
from monitor.model.errors import BadResponse, NotServed, SourceError, Unavailable
from monitor.model.ports import Profiles
from monitor.model.trace import Code, Profile
from monitor.net import sources
from monitor.net.http import Http
from monitor.net.sources.profiles import busiest_day

USD = "0x" + "d" * 40
DEV = Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337, wrapped=USD)
COINS = Chain("coins", "Coins", "utxo", "BTC", 8, 6)
EVM = tuple("0x" + letter * 40 for letter in "abcd")
TRONS = tuple(map(b58, range(1, 5)))
SAFE = (
    f"0x608060405273{'f' * 40}600054167fa619486e{'0' * 56}60003514156050578060005260206000f35b"
    "3660008037600080366000845af43d6000803e60008114156070573d6000fd5b3d6000f3fe"
)
DELEGATED = "0xef0100" + "63c0c19a282a1b52b07dd5a65b58948a07dae32b"
CLONE = f"0x363d3d373d3d363d7f{wallets.ERC1967_SLOT[2:]}545af43d6000803e6038573d6000fd5b3d6000f3"
COINBASE = "0x" + "0" * 24 + "000100abaad02f1cfc8bbe32bd5a564817339e72"
MOST = 20


@dataclass(frozen=True)
class Case:
    """One kind of source before its style of the local explorer."""

    kind: str
    chain: Chain
    people: tuple[str, ...]  # whom it is asked about, a peer, a shop, a token

    @property
    def family(self) -> str:
        return self.chain.family


CASES = (
    Case("etherscan", DEV, (*EVM[:3], USD)),
    Case("blockscout", DEV, (*EVM[:3], USD)),
    Case("trongrid", TRON, TRONS),
    Case("esplora", COINS, ("me", "peer", "shop", "x")),
    Case("blockbook", COINS, ("me", "peer", "shop", "x")),
)
ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
ACCOUNTS = pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.kind)
EVMS = pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.kind)


@dataclass
class Scene:
    """A source before a local explorer; `instead` may answer in its place."""

    case: Case
    source: Any
    ledger: Any
    knobs: Knobs
    server: Server
    instead: Callable[[Call], Reply | None] = lambda _: None
    about: Callable[[str], str] = lambda asked: asked  # what the explorer understands
    number: int = 0

    @property
    def me(self) -> str:
        return self.case.people[0]

    def ask(self, most: int = MOST) -> Any:
        before = len(self.server.calls)
        profile = self.source.profile(self.me, most)
        made = len(self.server.calls) - before
        assert profile.calls == made <= 3
        assert profile.subject.address == self.me
        assert profile.source == "mine"
        return profile

    def stranger(self, number: int) -> str:
        if self.case.family == "evm":
            return f"0x{0xABCDEF0000 + number:040x}"
        return b58(100 + number) if self.case.family == "tron" else f"nobody{number}"

    def name(self) -> str:
        self.number += 1
        return f"{'0x' if self.case.family == 'evm' else ''}{self.number:064x}"

    def pay(self, sender: str, *recipients: str, value: int = 5, at: int | None = None) -> None:
        """A block with a payment to each: one transaction of outputs, or one each."""
        if self.case.family == "utxo":
            spent = Input("f" * 64, self.number, Output(sender, value * len(recipients)))
            outputs = tuple(Output(each, value) for each in recipients)
            self.ledger.mine([UtxoTx(self.name(), (spent,), outputs)], at)
        else:
            txs = [Tx(self.name(), sender, each, value, gas_price=1) for each in recipients]
            self.ledger.mine(txs, at)

    def tokens(self, contract: str, *pairs: tuple[str, str], signer: str, amount: int = 7) -> None:
        """A transaction with a token movement for each pair."""
        made = [
            TokenMove("ERC-20", contract, sender, recipient, amount, n)
            for n, (sender, recipient) in enumerate(pairs)
        ]
        tx = Tx(self.name(), signer, contract, 0, gas_price=1, input="0xab", tokens=tuple(made))
        self.ledger.mine([tx])


def source_of(kind: str, chain: Chain, url: str, name: str = "mine", **more: Any) -> Any:
    config = SourceConfig(name, kind, url, **more)
    options = sources.http_options(config, chain)
    return sources.build(
        config, chain, Http(name, options.base_url, params=options.params, attempts=1)
    )


@contextmanager
def staged(case: Case, **more: Any) -> Iterator[Scene]:
    utxo = case.family == "utxo"
    ledger = UtxoLedger() if utxo else AccountLedger(tron=case.family == "tron")
    ledger.mine()
    explorer = Explorer()
    explorer.add("c", ledger, case.kind, chain_id=case.chain.chain_id)
    scene: Scene | None = None

    def answer(call: Call) -> Reply:
        assert scene is not None
        other = scene.instead(call)
        if other is not None:
            return other
        target = scene.about(f"/c/{case.kind}{call.path}?{urlencode(call.query)}")
        body = scene.about(json.dumps(call.body))
        told = explorer.reply(call.method, target, body.encode())
        return Reply(told.body, told.status)

    with serve(answer) as server:
        tail = "/v2/api" if case.kind == "etherscan" else ""
        source = source_of(case.kind, case.chain, server.url + tail, **more)
        scene = Scene(case, source, ledger, explorer.knobs("c", case.kind), server)
        yield scene
    explorer.stop()


def test_every_kind_is_here() -> None:
    """A kind of source keeps this contract; EVM nodes have tests of their own below, and nodes of
    Bitcoin's kind say nothing of an address."""
    assert {case.kind for case in CASES} | {"evm_rpc", "utxo_rpc"} == set(sources.SOURCES)


@ALL
def test_a_person_is_told_by_few_transactions(case: Case) -> None:
    with staged(case) as scene:
        _, peer, shop, _ = case.people
        scene.pay(peer, scene.me, at=1_700_100_000)
        scene.pay(scene.me, shop, at=1_700_200_000)
        scene.pay(scene.me, peer, at=1_700_200_060)
        scene.pay(peer, shop)
        profile = scene.ask()
        assert sees_profiles(scene.source)
        assert profile.code is Code.NONE
        assert profile.transactions == 3
        assert not profile.at_least
        assert profile.busiest_day == 2


@ALL
def test_nobody_at_all(case: Case) -> None:
    with staged(case) as scene:
        profile = scene.ask()
        assert (profile.code, profile.transactions) == (Code.NONE, 0)
        assert profile.busiest_day == (0 if profile.busiest_day is not None else None)


@ALL
def test_a_service_is_told_by_its_transactions(case: Case) -> None:
    """One more than was asked for is enough; of a thousand nothing else is read."""
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        for n in range(MOST + 5):
            scene.pay(scene.me, scene.stranger(n % 3))
        profile = scene.ask()
        assert profile.transactions > MOST
        assert profile.busiest_day is None or profile.busiest_day <= 4


@ALL
def test_exactly_as_many_as_are_allowed(case: Case) -> None:
    with staged(case) as scene:
        for n in range(MOST):
            scene.pay(scene.me, scene.stranger(n % 3))
        profile = scene.ask()
        assert profile.transactions == MOST
        assert not profile.at_least


@pytest.mark.parametrize("rows", [0, 1])
def test_pages_that_are_shorter_than_the_question(rows: int) -> None:
    """The free plan gives a thousand rows: the one beyond is asked for by itself."""
    with staged(CASES[0], page_size=10) as scene:
        for n in range(MOST + rows):
            scene.pay(scene.me, scene.stranger(n))
        profile = scene.ask()
        assert profile.at_least
        assert profile.transactions == (MOST + 1 if rows else 10)
        assert profile.busiest_day == 10


@ALL
def test_many_counterparties_in_a_day(case: Case) -> None:
    with staged(case) as scene:
        for n in range(12):
            scene.pay(scene.me, scene.stranger(n), at=1_700_100_000 + 6_000 * n)
        for n in range(12, 16):
            scene.pay(scene.me, scene.stranger(n), at=1_700_100_000 + 100_000 * n)
        assert scene.ask().busiest_day == 12


@ALL
def test_what_strangers_send_makes_nobody_busy(case: Case) -> None:
    """Coins that anybody may send: a hundred of them cost less than a trace is worth."""
    with staged(case) as scene:
        for n in range(15):
            scene.pay(scene.stranger(n), scene.me, at=1_700_100_000 + n)
        profile = scene.ask()
        assert (profile.transactions, profile.busiest_day) == (15, 0)


def test_who_gets_one_of_many_payouts_is_no_service() -> None:
    """Nor who is paid out of many outputs of somebody."""
    for case in CASES[3:]:
        with staged(case) as scene:
            scene.pay("exchange", scene.me, *map(scene.stranger, range(15)))
            spent = tuple(Input("e" * 64, n, Output(scene.stranger(n), 5)) for n in range(15))
            scene.ledger.mine([UtxoTx(scene.name(), spent, (Output(scene.me, 60),))])
            assert scene.ask().busiest_day == 0


@ACCOUNTS
def test_who_has_movements_of_tokens_only(case: Case) -> None:
    """As one whose fees others pay."""
    token = case.people[3]
    tron = case.family == "tron"
    issuers = (Issuer(token, "Tether", "USDT", ()),) if tron else ()
    chain = replace(case.chain, issuers=issuers)
    with staged(replace(case, chain=chain)) as scene:
        for n in range(15):
            scene.tokens(token, (scene.stranger(n), scene.me), signer=case.people[1])
        profile = scene.ask()
        assert (profile.transactions, profile.busiest_day) == (15, 0)
        assert not profile.at_least
        for n in range(15, MOST + 5):
            scene.tokens(token, (scene.me, scene.stranger(n)), signer=case.people[1])
        profile = scene.ask()
        assert (profile.transactions, profile.at_least) == (MOST + 1, True)


@ACCOUNTS
def test_bait_makes_nobody_a_service(case: Case) -> None:
    """Strangers' tokens, and what claims to come from the address without a signature of it."""
    fake = case.people[2]
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        for n in range(MOST):
            pairs = ((scene.stranger(n), scene.me), (scene.me, scene.stranger(n)))
            scene.tokens(fake, *pairs, signer=scene.stranger(n))
        scene.tokens(case.people[3], (scene.me, scene.stranger(1)), signer=case.people[1], amount=0)
        profile = scene.ask(1000)
        assert (profile.transactions, profile.busiest_day) == (1, 0)
        scene.tokens(fake, (scene.me, scene.stranger(99)), signer=scene.me)
        profile = scene.ask(1000)
        assert (profile.transactions, profile.busiest_day) == (2, 1)


@ACCOUNTS
def test_a_contract_is_told_in_one_call(case: Case) -> None:
    with staged(case) as scene:
        scene.ledger.codes[scene.me] = "0x6001"
        scene.pay(case.people[1], scene.me)
        profile = scene.ask()
        assert (profile.code, profile.transactions, profile.calls) == (Code.CONTRACT, None, 1)
        assert profile.busiest_day is None


@EVMS
def test_wallets_that_are_contracts(case: Case) -> None:
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        for code, words in ((SAFE, "Safe"), (DELEGATED, "MetaMask")):
            scene.ledger.codes[scene.me] = code
            profile = scene.ask()
            assert (profile.code, profile.transactions) == (Code.WALLET, 1)
            assert words in profile.wallet


@EVMS
def test_a_proxy_is_what_it_runs(case: Case) -> None:
    """Its storage names it; where nobody shows that, nothing is known of it."""
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        scene.ledger.codes[scene.me] = CLONE
        assert scene.ask().code is Code.CONTRACT
        scene.ledger.storage[scene.me, wallets.ERC1967_SLOT] = COINBASE
        profile = scene.ask()
        assert (profile.code, profile.wallet) == (Code.WALLET, "Coinbase Smart Wallet")
        assert (profile.transactions, profile.at_least) == (1, True)
        scene.knobs.lacks = frozenset({"eth_getStorageAt"})
        other = Code.CONTRACT if case.kind == "blockscout" else Code.UNKNOWN
        assert scene.ask().code is other  # Blockscout's own word


@EVMS
def test_without_calls_of_a_node(case: Case) -> None:
    """Etherscan's form then says nothing of the code, Blockscout by its own word."""
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        scene.knobs.lacks = frozenset({"eth_getCode", "eth_getStorageAt"})
        told = case.kind == "blockscout"
        profile = scene.ask()
        assert profile.code is (Code.NONE if told else Code.UNKNOWN)
        assert profile.transactions == 1
        scene.ledger.codes[scene.me] = DELEGATED
        assert scene.ask().code is (Code.WALLET if told else Code.UNKNOWN)
        scene.ledger.codes[scene.me] = "0x6001"
        assert scene.ask().code is (Code.CONTRACT if told else Code.UNKNOWN)


@EVMS
def test_nothing_can_be_said(case: Case) -> None:
    with staged(case) as scene:
        scene.knobs.lacks = frozenset({"eth_getCode", "txlist", "tokentx"})
        with pytest.raises(NotServed):
            scene.source.profile(scene.me, MOST)


@EVMS
def test_a_list_that_is_not_served_leaves_it_open(case: Case) -> None:
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        scene.knobs.lacks = frozenset({"tokentx"})
        profile = scene.ask()
        assert (profile.transactions, profile.at_least) == (1, True)
        scene.knobs.lacks = frozenset({"tokentx", "txlist"})
        profile = scene.ask()
        assert (profile.code, profile.transactions, profile.busiest_day) == (Code.NONE, None, None)


@ALL
def test_whose_answer_is_of_somebody_else(case: Case) -> None:
    """Rows, totals and accounts of another address are no word on this one."""
    with staged(case) as scene:
        _, peer, shop, _ = case.people
        scene.pay(peer, shop)
        scene.pay(shop, peer)
        scene.about = lambda asked: asked.replace(scene.me, peer)
        with pytest.raises(BadResponse):
            scene.source.profile(scene.me, MOST)


def rows_of(case: Case, *rows: Any) -> Reply:
    if case.kind == "trongrid":
        return Reply({"success": True, "data": list(rows), "meta": {}})
    return Reply({"status": "1", "message": "OK", "result": list(rows)})


@ACCOUNTS
def test_rows_that_cannot_be_read(case: Case) -> None:
    """One is left open, for others beside it count; a list of something else is none."""
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        at = {"block_timestamp": 1_700_000_000_000, "blockNumber": "1"}

        def odd(call: Call, *rows: Any) -> Reply | None:
            last = call.path.endswith("trc20") or call.query.get("action") == "tokentx"
            return rows_of(case, *rows) if last else None

        scene.instead = lambda call: odd(call, at)
        profile = scene.ask()
        assert (profile.transactions, profile.at_least) == (1, True)
        scene.instead = lambda call: odd(call, {}, "row")
        with pytest.raises(BadResponse):
            scene.source.profile(scene.me, MOST)


BROKEN = (
    b"",
    b"<html>busy</html>",
    b"[]",
    b"7",
    b'"words"',
    b"{}",
    b'{"result":7,"jsonrpc":"2.0"}',
)


@ALL
@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("call", [0, 1, 2])
def test_what_cannot_be_read_is_a_source_error(case: Case, body: bytes, call: int) -> None:
    """Never something else, and never a word of nothing."""
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        scene.pay(scene.me, case.people[2])
        whole = scene.ask()
        made = 0

        def broken(_: Call) -> Reply | None:
            nonlocal made
            made += 1
            return Reply(body) if made == call + 1 else None

        scene.instead = broken
        if call >= whole.calls:
            assert scene.ask() == whole
            return
        try:
            told = scene.source.profile(scene.me, MOST)
        except SourceError:
            return
        # Tron's node answers an empty object of who has no account.
        assert (case.kind, body) == ("trongrid", b"{}")
        assert told == whole


@ALL
def test_a_server_that_fails_is_asked_again_another_time(case: Case) -> None:
    with staged(case) as scene:
        scene.pay(case.people[1], scene.me)
        scene.instead = lambda _: Reply(b"", 503)
        with pytest.raises(Unavailable):
            scene.source.profile(scene.me, MOST)


def test_a_day_is_any_24_hours() -> None:
    day = 86_400
    assert busiest_day([]) == 0
    assert busiest_day([(0, "a"), (day - 1, "b"), (day, "c")]) == 2
    assert busiest_day([(0, "a"), (1, "a"), (2, "a")]) == 1
    assert busiest_day([(n * 3600, str(n)) for n in range(48)]) == 24


# --- real answers ---------------------------------------------------------------------------------


def profile_by(kind: str, chain: Chain, address: str, answer: Callable[[Call], Any]) -> Profile:
    with serve(lambda call: Reply(answer(call))) as server:
        tail = "/v2/api" if kind == "etherscan" else ""
        profile: Profile = source_of(kind, chain, server.url + tail).profile(address, 1000)
        return profile


@needs_recordings
def test_recorded_lists_of_a_person() -> None:
    """19 transactions that it signed or was paid by; all its tokens moved in those."""
    me = "0xb8553d9ee35dd23bb96fbd679e651b929821969b"
    lists = {n: kept(f"etherscan/{n}_0xb855_0-16295684_asc.json") for n in ("txlist", "tokentx")}
    lists["eth_getCode"] = {"jsonrpc": "2.0", "id": 1, "result": "0x"}
    profile = profile_by("etherscan", DEV, me, lambda call: lists[call.query["action"]])
    assert (profile.code, profile.transactions) == (Code.NONE, 19)
    assert (profile.busiest_day, profile.at_least, profile.calls) == (3, False, 3)


@needs_recordings
def test_recorded_totals_of_utxo_chains() -> None:
    bitcoin = load(Path("/nonexistent"), {}).chains["bitcoin"]
    me = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    pages = kept("esplora/blockstream_txs_chain_page1.json")
    told = {"address": me, "chain_stats": {"tx_count": 51}}
    answer = lambda call: pages if call.path.endswith("/txs/chain") else told  # noqa: E731
    profile = profile_by("esplora", bitcoin, me, answer)
    assert (profile.code, profile.transactions, profile.calls) == (Code.NONE, 51, 2)
    assert profile.busiest_day is not None
    unused = kept("esplora/blockstream_address_unused.json")
    profile = profile_by("esplora", bitcoin, unused["address"], lambda _: unused)
    assert (profile.transactions, profile.busiest_day, profile.calls) == (0, 0, 1)
    page = kept("blockbook/btc_address_txs.json")
    profile = profile_by("blockbook", bitcoin, page["address"], lambda _: page)
    assert (profile.transactions, profile.calls) == (page["txs"], 1)


@needs_recordings
def test_recorded_accounts_of_tron() -> None:
    """An account that was never reached by TRX is no contract."""
    account, empty = kept("tron/gem_balance_coin.json"), {"data": [], "success": True, "meta": {}}
    answer = lambda call: account if "getaccount" in call.path else empty  # noqa: E731
    profile = profile_by("trongrid", TRON, account["address"], answer)
    assert (profile.code, profile.transactions, profile.at_least) == (Code.NONE, 0, False)
    unknown = kept("tron/node_getaccount_unknown.json")
    answer = lambda call: unknown if "getaccount" in call.path else empty  # noqa: E731
    assert profile_by("trongrid", TRON, account["address"], answer).code is Code.NONE
    with pytest.raises(BadResponse):
        profile_by("trongrid", TRON, TRONS[0], lambda _: account)


# --- a node ---------------------------------------------------------------------------------------


def test_a_node_counts_what_was_signed(evm_node: Rpc) -> None:
    """And says that there may be more; of a contract it counts nothing."""
    chain = replace(DEV, wrapped="")
    source = source_of("evm_rpc", chain, evm_node.url)
    owner, nobody = "0x" + "a1" * 20, "0x" + "b2" * 20
    evm_node.call("anvil_setBalance", owner, hex(10**20))
    for data in ({"to": nobody, "value": "0x1"}, {"data": deploy_data("Coin", "C", "C", 6)}):
        call = {"from": owner, "gas": hex(2_000_000), **data}
        evm_node.call("eth_sendTransaction", call)
        evm_node.call("evm_mine")
    said = source.profile(owner, MOST)
    assert (said.code, said.transactions, said.at_least, said.calls) == (Code.NONE, 2, True, 2)
    assert said.busiest_day is None
    coin = created_by(owner, 1)
    said = source.profile(coin, MOST)
    assert (said.code, said.transactions, said.calls) == (Code.CONTRACT, None, 1)
    evm_node.call("anvil_setCode", nobody, SAFE)
    said = source.profile(nobody, MOST)
    assert (said.code, said.transactions) == (Code.WALLET, None)
    evm_node.call("anvil_setCode", nobody, CLONE)
    evm_node.call("anvil_setStorageAt", nobody, wallets.ERC1967_SLOT, COINBASE)
    said = source.profile(nobody, MOST)
    assert (said.wallet, said.calls) == ("Coinbase Smart Wallet", 2)
    evm_node.call("anvil_setCode", owner, DELEGATED)
    said = source.profile(owner, MOST)
    assert (said.code, said.transactions, said.at_least) == (Code.WALLET, 2, True)


def test_a_node_that_knows_no_such_call() -> None:
    def refuse(call: Call) -> Reply:
        error = {"code": -32601, "message": "the method does not exist"}
        return Reply({"jsonrpc": "2.0", "id": call.body["id"], "error": error})

    with serve(refuse) as server:
        source: Profiles = source_of("evm_rpc", DEV, server.url)
        with pytest.raises(NotServed):
            source.profile(EVM[0], MOST)
