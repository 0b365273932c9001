"""Merged config nodes -> chains, sources and verified assets. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from monitor.app.settings.rows import WHOLE, Resolve, Row, is_loopback, may_ask, rows, url_parts
from monitor.chains.address import AddressError, canonical
from monitor.decide.loudness import USD
from monitor.model import CONFIDENCES, Asset, Chain, PriceIds, SourceConfig
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text, closest

_PRICE_ID = re.compile(r"[A-Za-z0-9._-]{1,80}\Z")
# What no list of any source holds, of chains that do not say it themselves.
NOT_LISTED: Mapping[str, tuple[str, ...]] = {
    "evm": (
        "rewards and payouts of validators",
        "tokens whose balances change by themselves",
        "coins and tokens wrapped by other contracts than the chain's usual one",
    ),
    "utxo": ("outputs to bare public keys and bare multisig",),
    "tron": ("rewards that are credited and not withdrawn yet",),
}
KIND_FAMILY: Mapping[str, str] = {
    "etherscan": "evm",
    "blockscout": "evm",
    "evm_rpc": "evm",
    "esplora": "utxo",
    "trongrid": "tron",
}
PRICE_KINDS = ("defillama", "coingecko")  # they say what coins are worth, not what moved
# These answer without a key, if slowly; the others are dropped when their key is not set.
KEYLESS_KINDS = frozenset({"evm_rpc", "esplora", "trongrid", *PRICE_KINDS})
NO_PRICES = "none"
DEFAULT_PRICES = PRICE_KINDS  # rows of the shipped sources.yaml

CHAIN_KEYS = (
    "family",
    "chain_id",
    "native",
    "finality",
    "sources",
    "name",
    "block_time",
    "link_tx",
    "bech32",
    "base58",
    "prices",
    "wrapped",
    "not_listed",
)
SOURCE_KEYS = (
    "kind",
    "url",
    "url_env",
    "url_file",
    "api_key_env",
    "api_key_file",
    "rate_per_second",
    "rate_without_key",
    "calls_per_hour",
    "calls_per_day",
    "page_size",
    "index_lag",
)
ASSET_KEYS = ("symbol", "decimals", "name", "source", "date", "confidence")


def chains(tree: Fields, notes: Notes) -> dict[str, Chain]:
    """Rows of chains.yaml by key. Names of sources are checked by link_sources."""
    return {key: _chain(key, row) for key, row in rows(tree, notes, "chains")}


def _chain(key: str, row: Row) -> Chain:
    row.only(CHAIN_KEYS)
    if row.node_of("family") is None:
        row.missing("family", "evm")
    family = row.choice("family", ("evm", "utxo", "tron")) or "evm"
    symbol, decimals = _native(row)
    finality = row.whole("finality", 0, 1_000_000)
    if row.node_of("finality") is None:
        row.missing("finality", "12")
    chain_id = row.whole("chain_id", 1)
    if family == "evm" and row.node_of("chain_id") is None:
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
        row.text("bech32") or None,
        _version_bytes(row),
        _price_ids(row),
    )
    listed = tuple(item.text for item in row.names("not_listed"))
    return replace(made, wrapped=_wrapped(made, row), not_listed=listed or NOT_LISTED[family])


def _wrapped(chain: Chain, row: Row) -> str:
    """The canonical contract of the chain's wrapped coin; empty where none is written."""
    written = row.text("wrapped")
    if not written:
        return ""
    if chain.family != "evm":
        row.bad("wrapped", written, "is for EVM chains only", "Take the line out")
        return ""
    try:
        return canonical(chain, written)
    except AddressError as error:
        row.bad("wrapped", written, error.reason, error.remedy)
        return ""


def _native(row: Row) -> tuple[str, int]:
    node = row.node_of("native")
    if not isinstance(node, Fields):
        row.missing("native", "{symbol: ETH, decimals: 18}")
        return "", 0
    native = Row(node, row.notes, f"{row.where}.native")
    native.only(("symbol", "decimals"))
    symbol = native.required("symbol", "ETH")
    decimals = native.whole("decimals", 0, 36)
    if native.node_of("decimals") is None:
        native.missing("decimals", "18")
    return symbol, decimals or 0


def _price_ids(row: Row) -> PriceIds:
    node = row.node_of("prices")
    if node is None:
        return PriceIds()
    if not isinstance(node, Fields):
        row.notes.say(node, "prices: needs names", "Write  prices: {coin: ethereum}")
        return PriceIds()
    ids = Row(node, row.notes, f"{row.where}.prices")
    names = ("coin", *PRICE_KINDS)
    ids.only(names)
    for name in names:
        if not _PRICE_ID.match(ids.text(name) or "x"):
            ids.bad(name, ids.text(name), "is not an id", "Copy it from the price source")
    return PriceIds(*map(ids.text, names))


def _version_bytes(row: Row) -> tuple[int, ...]:
    items = row.names("base58")
    wrong = [i for i in items if not WHOLE.match(i.text) or int(i.text) > 255]
    for item in wrong:
        row.notes.say(item, "is not a version byte", "Write 0 to 255", value=item.text)
    return () if wrong else tuple(int(item.text) for item in items)


def link_sources(
    table: Mapping[str, Chain], tree: Fields, kinds: Mapping[str, str], notes: Notes
) -> None:
    """Note every chain that names a source which is unknown or of the wrong kind.

    `kinds` holds the kind of every source that is written down, in service or not.
    """
    for key, row in rows(tree, Notes(), "chains"):
        for item in row.names("sources"):
            kind = kinds.get(item.text)
            if kind is None:
                near = closest(item.text, kinds)
                remedy = f"Did you mean {near}?" if near else "Add it to config/sources.yaml"
                notes.say(item, "is not a source of config/sources.yaml", remedy, value=item.text)
            elif kind in PRICE_KINDS:
                why = "is a price source: it does not know what moved"
                remedy = f"Take it off the list of {key}; config/settings.yaml names price sources"
                notes.say(item, why, remedy, value=item.text)
            elif KIND_FAMILY.get(kind, table[key].family) != table[key].family:
                notes.say(
                    item,
                    f"is a source of kind {kind}, which cannot answer for {key}",
                    f"Take it off the list of {key}",
                    value=item.text,
                )


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with what its key means for it: why it is not in service, or a remark."""

    config: SourceConfig
    in_service: bool = True
    note: str = ""


def sources(tree: Fields, secret: Resolve, notes: Notes) -> dict[str, SourceRow]:
    """Rows of sources.yaml by name, those without their key included."""
    return {name: _source(name, row, secret) for name, row in rows(tree, notes, "sources")}


def _source(name: str, row: Row, secret: Resolve) -> SourceRow:
    row.only(SOURCE_KEYS)
    if row.node_of("kind") is None:
        row.missing("kind", "etherscan")
    kind = row.choice("kind", (*KIND_FAMILY, *PRICE_KINDS))
    url, url_note = _source_url(row, secret)
    key = secret(row.node, "api_key")
    rate, slow = row.decimal("rate_per_second") or 3.0, row.decimal("rate_without_key")
    keyless = key.given and not key.value
    config = SourceConfig(
        name,
        kind,
        url,
        key.value or None,
        min(rate, slow or rate) if keyless else rate,
        row.whole("calls_per_hour", 1),
        row.whole("calls_per_day", 1),
        row.whole("page_size", 1, 10_000),
        row.whole("index_lag", 0, 1_000_000),
    )
    if url_note:
        return SourceRow(config, False, f"{name}: {url_note}")
    if not keyless:
        return SourceRow(config)
    if kind in KEYLESS_KINDS or slow is not None or _is_local(url):
        return SourceRow(config, True, f"{name}: no key ({key.remedy}), used slowly without one")
    return SourceRow(config, False, f"{name}: no key ({key.remedy}), not used")


def _is_local(url: str) -> bool:
    """An explorer on this machine, put in the place of a public one, asks for no key."""
    parts = url_parts(url)
    return parts is not None and is_loopback(parts[1])


def _source_url(row: Row, secret: Resolve) -> tuple[str, str]:
    """(url, why it is not known). A literal URL must not hold a secret."""
    hidden = secret(row.node, "url")
    literal = row.text("url")
    if not hidden.given and not literal:
        row.missing("url", "https://...")
    if hidden.given and not hidden.value:
        return "", f"no address ({hidden.remedy}), not used"
    url = hidden.value or literal
    at = row.node_of("url") or row.node
    parts = url_parts(url)
    if url and (parts is None or not may_ask(parts[0], parts[1])):
        row.notes.say(
            at,
            f"{row.where}: the url is not https:// (http:// is possible to this machine only)",
            "Correct it",
        )
    elif literal and ("@" in urlsplit(literal).netloc or "key=" in literal.lower()):
        row.notes.say(at, f"{row.where}: the url holds a secret", "Write  url_env: NAME  instead")
    return url.rstrip("/"), ""


def prices(row: Row, table: Mapping[str, SourceRow]) -> tuple[str, ...]:
    """Names of the price sources that settings.yaml asks for, in order; those that are not
    in service are left out."""
    written = row.node_of("prices")
    if row.text_is("prices", NO_PRICES) or (isinstance(written, Items) and not written.items):
        return ()
    items = row.names("prices")
    for item in items:
        if item.text not in table or table[item.text].config.kind not in PRICE_KINDS:
            known = [name for name, each in table.items() if each.config.kind in PRICE_KINDS]
            near = closest(item.text, known)
            remedy = f"Did you mean {near}?" if near else f"Known: {', '.join(known)}, or none"
            row.notes.say(
                item, "is no price source of config/sources.yaml", remedy, value=item.text
            )
    names = dict.fromkeys(item.text for item in items) or DEFAULT_PRICES
    return tuple(name for name in names if name in table and table[name].in_service)


def in_service(
    table: Mapping[str, SourceRow], prices: Collection[str]
) -> tuple[dict[str, SourceConfig], list[SourceRow]]:
    """The explorers and nodes that work, by name; and the rows of which people should read
    the remarks: a price source that is not asked needs no key."""
    used = [
        row for name, row in table.items() if row.config.kind not in PRICE_KINDS or name in prices
    ]
    explorers = [row.config for row in used if row.config.kind not in PRICE_KINDS]
    working = {row.config.name for row in used if row.in_service}
    return {config.name: config for config in explorers if config.name in working}, used


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
    row = Row(node, notes, f"assets.{chain.key}")
    row.only(ASSET_KEYS)
    symbol, decimals = row.required("symbol", "USDT"), row.whole("decimals", 0, 36)
    if symbol == USD:
        row.bad("symbol", symbol, "means dollars in thresholds", "Write another symbol")
    if row.node_of("decimals") is None:
        row.missing("decimals", "6")
    try:
        address = canonical(chain, contract.text)
    except AddressError as error:
        notes.say(contract, error.reason, error.remedy, value=contract.text)
        return None
    details = (row.text("name"), row.text("source"), row.text("date"))
    confidence = row.choice("confidence", CONFIDENCES)
    return Asset(chain.key, address, symbol, decimals or 0, *details, confidence)
