"""`fundwatch reconcile` through each kind of explorer, over the same invented history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import base58
import pytest
from test_balance_contract import EVM, TRONS
from world.home import Home, dev_chain, entry, watchlist
from world.scripted_server import Call, Reply, serve

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger, UtxoLedger
from monitor.demo.world.moves import Input, Internal, Output, TokenMove, Tx, UtxoTx
from monitor.loops.clock import now

KINDS = ("etherscan", "blockscout", "trongrid", "esplora", "blockbook")
PAST = 40  # blocks above what moved
BITCOINS = (
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
)
CHAINS: dict[str, dict[str, object]] = {
    "evm": {**dev_chain("mine"), "key": "dev"},
    "tron": {"family": "tron", "native": {"symbol": "TRX", "decimals": 6}, "finality": 19,
             "sources": ["mine"], "key": "tron"},
    "utxo": {"family": "utxo", "native": {"symbol": "BTC", "decimals": 8}, "finality": 6,
             "bech32": "bc", "sources": ["mine"], "key": "coins"},
}  # fmt: skip


def accounts(people: tuple[str, ...], *, tron: bool = False) -> AccountLedger:
    """Payments both ways, fees, a call that failed, calls inside, a token, and what an issuer
    destroyed of it."""
    me, peer, shop, token = people
    ledger = AccountLedger(tron=tron, time=now() - 12 * (PAST + 10))
    prefix = "" if tron else "0x"
    price = 1 if tron else 10**9

    def tx(number: int, sender: str, to: str, value: int = 0, **more: Any) -> Tx:
        name = f"{prefix}{number:064x}"
        return Tx(name, sender, to, value, gas_price=price, nonce=number, **more)

    ledger.mine([tx(1, peer, me, 10**19), tx(2, me, shop, 10**17)])
    ledger.mine([tx(3, me, shop, 5, ok=False, input="0xab")])
    calls = (Internal(peer, shop, 0, path=""), Internal(shop, me, 33, path="0"))
    moves = (TokenMove("ERC-20", token, peer, me, 7_000, 1),)
    ledger.mine([tx(4, peer, shop, input="0xab", internals=calls, tokens=moves)])
    back = (TokenMove("ERC-20", token, me, shop, 900, 1),)
    ledger.mine([tx(5, me, token, input="0xab", tokens=back)])
    ledger.mine([tx(6, shop, me, 77), tx(7, me, me, 10**16)])
    for _ in range(PAST):
        ledger.mine()
    return ledger


def outputs() -> UtxoLedger:
    me, peer, _ = BITCOINS
    ledger = UtxoLedger(time=now() - 600 * (PAST + 10))
    ledger.mine([UtxoTx("1" * 64, (Input("0" * 64, 0, None),), (Output(peer, 10**9),))])
    first = (Input("1" * 64, 0, Output(peer, 10**9)),)
    ledger.mine([UtxoTx("2" * 64, first, (Output(me, 6 * 10**8), Output(peer, 4 * 10**8 - 300)))])
    second = (Input("2" * 64, 0, Output(me, 6 * 10**8)),)
    ledger.mine([UtxoTx("3" * 64, second, (Output(peer, 10**8), Output(me, 5 * 10**8 - 200)))])
    for _ in range(PAST):
        ledger.mine()
    third = (Input("3" * 64, 1, Output(me, 5 * 10**8 - 200)),)
    ledger.submit(UtxoTx("4" * 64, third, (Output(peer, 5 * 10**8 - 900),)))
    return ledger


@dataclass
class Scene:
    home: Home
    explorer: Explorer
    ledger: Any
    people: tuple[str, ...]

    def reconcile(self) -> dict[str, dict[str, Any]]:
        """What is said of the watched address, by symbol or contract."""
        said = self.home.run("reconcile", "--format", "jsonl", code=None)
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        mine = [each for each in lines if each["address"] == self.people[0]]
        return {each["asset"]["contract"] or "coin": each for each in mine}


Shown = Callable[[Call, Any], Reply | None]


def whole(_: Call, __: Any) -> None:
    """A server that has all that the local explorer has."""


@contextmanager
def before(explorer: Explorer, key: str, kind: str, ledger: Any, shown: Shown) -> Iterator[str]:
    """A server before the explorer, that answers in its place where `shown` does."""

    def answer(call: Call) -> Reply:
        instead = shown(call, ledger)
        if instead is not None:
            return instead
        target = f"/{key}/{kind}{call.path}?{urlencode(call.query)}"
        told = explorer.reply(call.method, target, json.dumps(call.body).encode())
        return Reply(told.body, told.status)

    with serve(answer) as server:
        yield server.url


@contextmanager
def staged(kind: str, path: Path, shown: Shown = whole) -> Iterator[Scene]:
    family = {"trongrid": "tron", "esplora": "utxo", "blockbook": "utxo"}.get(kind, "evm")
    people = {"evm": EVM, "tron": TRONS, "utxo": BITCOINS}[family]
    ledger = outputs() if family == "utxo" else accounts(people, tron=family == "tron")
    chain = dict(CHAINS[family])
    key = str(chain.pop("key"))
    with Explorer() as explorer, ExitStack() as stack:
        explorer.add(key, ledger, kind, chain_id=31337 if family == "evm" else None)
        url = explorer.url(key, kind)
        home = Home(path)
        if shown is not whole:
            url = stack.enter_context(before(explorer, key, kind, ledger, shown))
        source = {"kind": kind, "url": url, "rate_per_second": 1000}
        home.write("config/settings.yaml", {"prices": "none"})
        home.write("config/chains.yaml", {"chains": {key: chain}})
        home.write("config/sources.yaml", {"sources": {"mine": source}})
        home.write("watchlist.yaml", watchlist(*(entry(a, key) for a in people[:2])))
        if family != "utxo":
            token = {"symbol": "COIN", "decimals": 2}
            home.write("config/assets.yaml", {"assets": {key: {people[3]: token}}})
        home.run("poll")
        yield Scene(home, explorer, ledger, people)


@pytest.mark.parametrize("kind", KINDS)
def test_record_and_chain_agree(kind: str, tmp_path: Path) -> None:
    """To the last unit, with what waits left out on both sides; and what vanishes is seen."""
    with staged(kind, tmp_path) as scene:
        ledger, me = scene.ledger, scene.people[0]
        found = scene.reconcile()
        assert {each["state"] for each in found.values()} == {"reconciled"}, found
        assert found["coin"]["on_chain"] == str(ledger.balance(me)) != "0"
        if isinstance(ledger, UtxoLedger):
            return
        token = scene.people[3]
        assert found[token]["on_chain"] == str(ledger.balance(me, token)) == "6100"
        ledger.vanish(me, 100, token)
        ledger.vanish(me, 5)
        for _ in range(PAST):
            ledger.mine()
        scene.home.run("poll")
        found = scene.reconcile()
        assert {each["state"] for each in found.values()} != {"reconciled"}
        assert found[token]["difference"] == "-100"
        assert found["coin"]["difference"] == "-5"


def own_figures_alone(call: Call, _: Any) -> Reply | None:
    """A Blockscout without its addresses' page and without calls of contracts."""
    page = call.path.startswith("/api/v2/addresses/") and call.path.count("/") == 4
    return Reply({"message": "Not found"}, 404) if page or call.body is not None else None


def index_alone(call: Call, ledger: Any) -> Reply | None:
    """A TronGrid that has `/v1/accounts/...` and not the node's calls about accounts."""
    if call.path in ("/wallet/getaccount", "/wallet/triggerconstantcontract"):
        return Reply({"success": False, "error": "Not found", "statusCode": 404}, 404)
    if not call.path.startswith("/v1/accounts/") or call.path.count("/") > 3:
        return None
    address, token = call.path.rpartition("/")[2], TRONS[3]
    account = {
        "address": base58.b58decode_check(address).hex(),
        "balance": ledger.balance(address),
        "trc20": [{token: str(held)}] if (held := ledger.balance(address, token)) else [],
    }
    return Reply({"success": True, "data": [account], "meta": {"at": 1, "page_size": 1}})


@pytest.mark.parametrize(
    ("kind", "shown"), [("blockscout", own_figures_alone), ("trongrid", index_alone)]
)
def test_a_server_that_says_not_how_old_its_balances_are(
    kind: str, shown: Shown, tmp_path: Path
) -> None:
    """Equal is equal, and says so; a difference is seen, and told to nobody however often."""
    with staged(kind, tmp_path, shown) as scene:
        ledger, me, token = scene.ledger, scene.people[0], scene.people[3]
        found = scene.reconcile()
        assert {each["state"] for each in found.values()} == {"reconciled"}, found
        assert "how old" in found[token]["reason"]
        assert found[token]["on_chain"] == "6100"
        ledger.vanish(me, 100, token)
        for _ in range(3):
            for _ in range(PAST):
                ledger.mine()
            scene.home.run("poll")
            # As if days had passed since it was found.
            scene.home.sql("UPDATE finding SET found = found - 200000")
            found = scene.reconcile()
            assert found[token]["difference"] == "-100"
        assert "does not say how old its balance is" in found[token]["reason"]
        assert [a for a in scene.home.alerts() if a["kind"] == "unexplained"] == []
