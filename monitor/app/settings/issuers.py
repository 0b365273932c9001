"""Rows of config/issuers.yaml -> the issuers of each chain. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.app.settings.rows import SettingsRow, contract_of
from monitor.chains.address import AddressError
from monitor.chains.issuers import FAMILIES
from monitor.model import Asset, Chain, Issuer
from monitor.watchlist.yaml_nodes import Fields, Node, Notes, Text

ISSUER_KEYS = ("issuer", "events", "source", "date")


def issuers(
    tree: Fields,
    table: Mapping[str, Chain],
    assets: Mapping[tuple[str, str], Asset],
    notes: Notes,
) -> dict[str, tuple[Issuer, ...]]:
    """Rows of issuers.yaml by chain. Only contracts of the token table are taken: an act is
    told under the token's name, which must be sure."""
    found: dict[str, dict[str, Issuer]] = {}
    for chain, node in tree.pairs:
        if chain.text not in table:
            notes.unknown(chain, table, "config/issuers.yaml, which knows chains")
        elif isinstance(node, Fields):
            rows = (
                _issuer(table[chain.text], at, inner, assets, notes) for at, inner in node.pairs
            )
            found[chain.text] = {row.contract: row for row in rows if row is not None}
    return {chain: tuple(rows.values()) for chain, rows in found.items()}


def _issuer(
    chain: Chain,
    contract: Text,
    node: Node,
    assets: Mapping[tuple[str, str], Asset],
    notes: Notes,
) -> Issuer | None:
    if not isinstance(node, Fields):
        notes.say(node, "needs  {issuer: ..., events: [...]}", "See the lines around it")
        return None
    row = SettingsRow(node, notes, f"issuers.{chain.key}")
    row.only(ISSUER_KEYS)
    name = row.required("issuer", "Tether")
    families = tuple(_families(row))
    try:
        address = contract_of(chain, contract)
    except AddressError as error:
        notes.say(contract, error.reason, error.remedy, value=contract.text)
        return None
    asset = assets.get((chain.key, address))
    if asset is None:
        why = "is no token of config/assets.yaml, so it has no name that is sure"
        notes.say(contract, why, "Add it there first", value=contract.text)
        return None
    return Issuer(address, name, asset.symbol, families) if families else None


def _families(row: SettingsRow) -> Iterable[str]:
    if row.node_of("events") is None:
        row.missing("events", "[tether]")
    for item in row.names("events"):
        if item.text in FAMILIES:
            yield item.text
        else:
            remedy = f"Write some of {', '.join(FAMILIES)}"
            row.notes.say(item, "is no family of events", remedy, value=item.text)
