"""Merged config nodes -> chains, sources and verified assets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from monitor.app.settings.rows import WHOLE, SettingsRow, contract_of, rows
from monitor.app.settings.sources import PRICE_KINDS
from monitor.chains.address import AddressError
from monitor.chains.table import FAMILIES, family_of
from monitor.model import CONFIDENCES, REBASES, Asset, Chain, PriceIds
from monitor.model.config import READ
from monitor.model.watch import USD
from monitor.watchlist.yaml_nodes import Fields, Node, Notes, Text

_PRICE_ID = re.compile(r"[A-Za-z0-9._-]{1,80}\Z")
_CASHADDR = re.compile(r"[a-z][a-z0-9]{0,39}\Z")
CHAIN_KEYS = (
    "family",
    "chain_id",
    "native",
    "finality",
    "sources",
    "name",
    "block_time",
    "link_tx",
    "link_address",
    "bech32",
    "base58",
    "cashaddr",
    "shielded",
    "prices",
    "wrapped",
    "not_listed",
    "read",
)
ASSET_KEYS = (
    *("symbol", "decimals", "name", "source", "date", "confidence"),
    *("rebases", "fee_on_transfer"),
)


def chains(tree: Fields, notes: Notes) -> dict[str, Chain]:
    """Rows of chains.yaml by key. Names of sources are checked by link_sources."""
    return {key: _chain(key, row) for key, row in rows(tree, notes, "chains")}


def _chain(key: str, row: SettingsRow) -> Chain:
    row.only(CHAIN_KEYS)
    if row.node_of("family") is None:
        row.missing("family", "evm")
    family = row.choice("family", tuple(FAMILIES)) or "evm"
    symbol, decimals = _native(row)
    finality = row.whole("finality", 0, 1_000_000)
    if row.node_of("finality") is None:
        row.missing("finality", "12")
    chain_id = row.whole("chain_id", 1)
    if FAMILIES[family].numbered and row.node_of("chain_id") is None:
        row.missing("chain_id", "1")
    made = Chain(
        key,
        row.text("name") or key,
        family,
        symbol,
        decimals,
        finality or 0,
        tuple(item.text for item in row.names("sources")),
        chain_id,
        row.decimal("block_time") or 12.0,
        row.text("link_tx"),
        row.text("bech32").lower() or None,
        _version_bytes(row),
        _price_ids(row),
    )
    listed = tuple(item.text for item in row.names("not_listed"))
    return replace(
        made,
        wrapped=_wrapped(made, row),
        cashaddr=_cashaddr(made, row),
        shielded=row.flag("shielded"),
        link_address=row.text("link_address"),
        not_listed=listed or family_of(made).not_listed,
        read=row.choice("read", READ, made.read) or made.read,
    )


def _wrapped(chain: Chain, row: SettingsRow) -> str:
    """The canonical contract of the chain's wrapped coin; empty where none is written."""
    written, at = row.text("wrapped"), row.node_of("wrapped")
    if not written or not isinstance(at, Text):
        return ""
    if not family_of(chain).wraps:
        row.bad("wrapped", written, "is for EVM chains only", "Take the line out")
        return ""
    try:
        return contract_of(chain, at)
    except AddressError as error:
        row.bad("wrapped", written, error.reason, error.remedy)
        return ""


def _cashaddr(chain: Chain, row: SettingsRow) -> str:
    """The prefix of the chain's addresses; a base58 version that is not known to be a key's or a
    script's would make another address of an old one."""
    prefix = row.text("cashaddr").lower()
    if prefix and not _CASHADDR.match(prefix):
        row.bad("cashaddr", prefix, "is not a prefix of addresses", "Write  bitcoincash")
    if prefix and chain.base58 and len(set(chain.base58)) != 2:
        row.bad(
            "base58",
            ", ".join(map(str, chain.base58)),
            "needs two versions beside cashaddr",
            "Write a key's, then a script's:  base58: [0, 5]",
        )
    return prefix


def _native(row: SettingsRow) -> tuple[str, int]:
    node = row.node_of("native")
    if not isinstance(node, Fields):
        row.missing("native", "{symbol: ETH, decimals: 18}")
        return "", 0
    native = SettingsRow(node, row.notes, f"{row.where}.native")
    native.only(("symbol", "decimals"))
    symbol = native.required("symbol", "ETH")
    decimals = native.whole("decimals", 0, 36)
    if native.node_of("decimals") is None:
        native.missing("decimals", "18")
    return symbol, decimals or 0


def _price_ids(row: SettingsRow) -> PriceIds:
    node = row.node_of("prices")
    if node is None:
        return PriceIds()
    if not isinstance(node, Fields):
        row.notes.say(node, "prices: needs names", "Write  prices: {coin: ethereum}")
        return PriceIds()
    ids = SettingsRow(node, row.notes, f"{row.where}.prices")
    names = ("coin", *PRICE_KINDS)
    ids.only(names)
    for name in names:
        if not _PRICE_ID.match(ids.text(name) or "x"):
            ids.bad(name, ids.text(name), "is not an id", "Copy it from the price source")
    return PriceIds(*map(ids.text, names))


def _version_bytes(row: SettingsRow) -> tuple[int, ...]:
    items = row.names("base58")
    wrong = [i for i in items if not WHOLE.match(i.text) or int(i.text) > 0xFFFF]
    for item in wrong:
        row.notes.say(
            item,
            "is not a version of addresses",
            "Write 0 to 255, or both bytes as one number",
            value=item.text,
        )
    return () if wrong else tuple(int(item.text) for item in items)


def assets(tree: Fields, table: Mapping[str, Chain], notes: Notes) -> dict[tuple[str, str], Asset]:
    """Verified tokens by (chain key, canonical contract).

    A contract that two files write differently is one asset; the later file wins.
    """
    found: dict[tuple[str, str], tuple[Asset, Text]] = {}
    for chain, node in tree.pairs:
        if chain.text not in table:
            notes.unknown(chain, table, "config/assets.yaml, which knows chains")
        elif isinstance(node, Fields):
            for contract, inner in node.pairs:
                asset = _asset(table[chain.text], contract, inner, notes)
                if asset is not None:
                    _keep(asset, contract, found, notes)
    return {key: asset for key, (asset, _) in found.items()}


def _keep(
    asset: Asset, at: Text, found: dict[tuple[str, str], tuple[Asset, Text]], notes: Notes
) -> None:
    key = (asset.chain, asset.contract)
    if key in found and found[key][1].file == at.file:
        line = found[key][1].line
        notes.say(at, f"is on the list twice (first on line {line})", "Keep one", value=at.text)
    found[key] = (asset, at)


def _asset(chain: Chain, contract: Text, node: Node, notes: Notes) -> Asset | None:
    if not isinstance(node, Fields):
        notes.say(node, "needs  {symbol: ..., decimals: ...}", "See the lines around it")
        return None
    row = SettingsRow(node, notes, f"assets.{chain.key}")
    row.only(ASSET_KEYS)
    symbol, decimals = row.required("symbol", "USDT"), row.whole("decimals", 0, 36)
    if symbol == USD:
        row.bad("symbol", symbol, "means dollars in thresholds", "Write another symbol")
    if row.node_of("decimals") is None:
        row.missing("decimals", "6")
    try:
        address = contract_of(chain, contract)
    except AddressError as error:
        notes.say(contract, error.reason, error.remedy, value=contract.text)
        return None
    details = (row.text("name"), row.text("source"), row.text("date"))
    confidence = row.choice("confidence", CONFIDENCES)
    told = (confidence, row.choice("rebases", REBASES), row.flag("fee_on_transfer"))
    return Asset(chain.key, address, symbol, decimals or 0, *details, *told)
