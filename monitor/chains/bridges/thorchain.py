"""THORChain: what is to be paid out stands in a memo, in words.

The events are known from public code and no receipt of them was at hand. The memo's grammar:
https://docs.thorchain.org/thorchain-finance/memos. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from monitor.chains.bridges.abi import Seen, event
from monitor.chains.bridges.family import Kind, own
from monitor.chains.bridges.places import Here, There, address, by_id
from monitor.model.trace import Crossing

# By public code: Ethereum's since 2021, the others since they were added.
_ROUTERS = own("""
    1 0xd37bbe5744d730a1d98d8dc97c42f0ca46ad7146 0x3624525075b88b24ecc29ce226b0cec1ffcb6976
    1 0xc145990e84155416144c532e31f89b840ca8c2ce 0x42a5ed456650a09dc10ebc6361a7480fdd61f27b
    1 0x00dc6100103bc402d490aee3f9a5560cbd91f1d4
    56 0xb30ec53f98ff5947ede720d32ac2da7e52a5f56b 0x00dc6100103bc402d490aee3f9a5560cbd91f1d4
    8453 0x00dc6100103bc402d490aee3f9a5560cbd91f1d4
    43114 0x8f66c4ae756bebc49ec8b81966dd8bba9f127549 0x00dc6100103bc402d490aee3f9a5560cbd91f1d4
""")
# The id of an EVM chain, or the key of another.
_CHAINS: Mapping[str, int | str] = {
    **{"ETH": 1, "BSC": 56, "AVAX": 43114, "BASE": 8453, "BTC": "bitcoin", "LTC": "litecoin"},
    **{"DOGE": "dogecoin", "BCH": "bitcoin-cash", "TRON": "tron", "GAIA": "Cosmos Hub"},
    **{"XRP": "XRP Ledger", "SOL": "Solana", "THOR": "THORChain"},
}
_SHORT: Mapping[str, str] = {
    **{"A": "AVAX", "B": "BTC", "C": "BCH", "D": "DOGE", "E": "ETH", "F": "BASE", "G": "GAIA"},
    **{"L": "LTC", "N": "BSC", "O": "SOL", "R": "THOR", "S": "BSC", "TR": "TRON", "X": "XRP"},
}
_ASSET = re.compile(r"([A-Z0-9]{2,12})([./~-])")
_OUT = re.compile(r"(?:OUT|REFUND):(?:0X)?([0-9A-F]{64})")
_SWAPS = frozenset({"SWAP", "S", "="})


def _deposit(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing:
    there, recipient = destination(here, _text(seen))
    return Crossing(
        bridge="THORChain",
        deposit=True,
        link=_link(here.tx.tx),
        log_index=seen.at,
        contract=seen.log.contract,
        chain=there.key,
        domain=there.domain,
        recipient=recipient,
        token=address(seen.number("asset")),
        amount=seen.number("amount"),
    )


def _paid(here: Here, seen: Seen, _: Sequence[Seen]) -> Crossing | None:
    out = _OUT.fullmatch(_text(seen).upper())
    if out is None:
        return None
    return Crossing(
        bridge="THORChain",
        deposit=False,
        link=_link(out[1]),
        log_index=seen.at,
        contract=seen.log.contract,
        domain="THORChain",
        recipient=There(here.chain, "").holder(seen.number("to")),
        token=address(seen.number("asset")),
        amount=seen.number("amount"),
    )


def destination(here: Here, memo: str) -> tuple[There, str]:
    """Which chain a memo asks to be paid on, and whom. What is no swap, or into THORChain's own
    assets, stays there, and nobody is named."""
    what, asset, whom = [*memo.split(":"), "", ""][:3]
    if what.upper() not in _SWAPS:
        return There(None, "THORChain"), ""
    asset = asset.upper()
    form = _ASSET.match(asset)
    if form is not None and form[2] != ".":
        return There(None, "THORChain"), ""
    name = form[1] if form is not None else _SHORT.get(asset, asset)
    there = _place(here, name)
    return there, there.written(whom.partition("/")[0])


def _place(here: Here, name: str) -> There:
    id_ = _CHAINS.get(name)
    if id_ is None:
        return There(None, "a chain that THORChain's memo names and that is not known")
    return There(by_id(here, id_).chain if isinstance(id_, int) else here.chains.get(id_), name)


def _text(seen: Seen) -> str:
    return seen.raw("memo").decode("utf-8", "replace").strip()


def _link(tx: str) -> str:
    return f"thorchain/{tx.lower().removeprefix('0x')}"


KINDS = (
    Kind(
        event("Deposit(address indexed to, address indexed asset, uint256 amount, string memo)"),
        _deposit,
        _ROUTERS,
    ),
    Kind(
        event(
            "TransferOut(address indexed vault, address indexed to, address asset, "
            "uint256 amount, string memo)"
        ),
        _paid,
        _ROUTERS,
    ),
)
