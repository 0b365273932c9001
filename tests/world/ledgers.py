"""An address with a history behind each style of explorer that lists addresses."""

from __future__ import annotations

from monitor.demo.world.ledger import AccountLedger, UtxoLedger
from monitor.demo.world.moves import Input, Internal, Output, TokenMove, Tx, UtxoTx
from monitor.model import Chain
from world.tron_parts import TRON, b58
from world.tron_parts import tx_id as tron_id

BLOCKS = 140
DEV = Chain("dev", "Dev", "evm", "ETH", 18, 12, chain_id=31337, wrapped="0x" + "ee" * 20)
COINS = Chain("coins", "Coins", "utxo", "BTC", 8, 6)
ME, PEER, SHOP = ("0x" + letter * 40 for letter in "abc")
TOKEN = "0x" + "70" * 20


def accounts(peer: str, me: str, shop: str, *, tron: bool = False) -> AccountLedger:
    """Payments, calls that pay inside and coins, up to three rows of a list in a block."""
    ledger = AccountLedger(tron=True) if tron else AccountLedger()
    for height in range(BLOCKS):
        txs = []
        for n in range(height % 4):
            name = tron_id(10 * height + n) if tron else f"0x{10 * height + n + 1:064x}"
            calls = (Internal(peer, shop, 0, path=""), Internal(shop, me, height + 1, path="0"))
            moves = (TokenMove("ERC-20", token(tron=tron), peer, me, height + n + 1, n + 1),)
            txs.append(Tx(name, peer, shop, input="0xab", internals=calls, tokens=moves))
            paid = tron_id(10 * height + n + 5) if tron else f"0x{10 * height + n + 6:064x}"
            txs.append(Tx(paid, peer, me, height + 1))
        ledger.mine(txs)
    return ledger


def token(*, tron: bool) -> str:
    return "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" if tron else TOKEN


def outputs() -> UtxoLedger:
    ledger = UtxoLedger()
    for height in range(BLOCKS):
        ledger.mine(
            UtxoTx(
                f"{10 * height + n:064x}",
                (Input("ee" * 32, 10 * height + n, Output("someone", 9)),),
                (Output("me", height + 1), Output("other", 6)),
            )
            for n in range(height % 4)
        )
    return ledger


LISTS = {
    "etherscan": (DEV, ME, lambda: accounts(PEER, ME, SHOP)),
    "blockscout": (DEV, ME, lambda: accounts(PEER, ME, SHOP)),
    "trongrid": (TRON, b58(1), lambda: accounts(b58(2), b58(1), b58(3), tron=True)),
    "esplora": (COINS, "me", outputs),
    "blockbook": (COINS, "me", outputs),
}
