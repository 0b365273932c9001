"""How addresses, names and assets stand on a page: what may be shown of them, and where they
lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from monitor.chains.address import display
from monitor.messages.sheets.parts import labelled
from monitor.model import OURS, Asset, Chain, FarEnd, Kind, Known
from monitor.model.desk import Sight
from monitor.model.lists import ListConfig
from monitor.model.plain import amount, amount_short, case_said, clean, tidy, unverified
from monitor.model.settings import Settings
from monitor.store import tokens
from monitor.store.desk_names import Names, Party
from monitor.store.port import Reader

NOBODY: Mapping[FarEnd | None, str] = {
    None: "nobody",
    FarEnd.OUTPUTS: "the outputs of the transaction",
    FarEnd.INPUTS: "the inputs of the transaction",
    FarEnd.MINED: "newly mined coins",
    FarEnd.NETWORK: "the network",
    FarEnd.OUTSIDE: "outside the chain",
    FarEnd.VALIDATORS: "validators",
    FarEnd.BLOCK: "the reward of a block",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One side of a movement as it stands on a page."""

    text: str  # the address in full, or what stands in its place
    href: str = ""  # its page; empty: it has none
    names: tuple[str, ...] = ()
    mark: str = ""  # watched | followed


@dataclass(frozen=True, slots=True)
class AssetShown:
    """How an asset is called, and how its amounts are written."""

    name: str
    contract: str  # empty: the chain's coin
    decimals: int | None
    verified: bool
    symbol: str = ""  # as it stands in a file: its own or what it calls itself

    def exact(self, units: int) -> str:
        """With thousands separators and no zeros at the end, exact."""
        return amount_short(units, self.decimals)

    def coins(self, units: int) -> str:
        """In plain digits, for files; empty where nobody knows the decimals."""
        return "" if self.decimals is None else amount(units, self.decimals).replace(",", "")


# What is recorded stays, also of a chain that nobody reads any more.
REMOVED = "no longer in config/chains.yaml"


def chain_said(settings: Settings, key: str) -> str:
    """The name of a chain, also of one that is recorded and configured no more."""
    known = settings.chains.get(key)
    return known.name if known is not None else f"{tidy(key, 40)} ({REMOVED})"


def raw_units(units: int, what: str) -> str:
    """An amount of which nobody knows the decimals."""
    return f"{units:,} smallest units of {what}"


def address_path(chain: str, address: str) -> str:
    return f"/a/{quote(chain)}/{quote(address, safe=':')}"


def tx_path(chain: str, tx: str) -> str:
    return f"/tx/{quote(chain)}/{quote(tx, safe='')}"


def names_for(store: Reader, settings: Settings, sight: Sight) -> Names:
    """Who gives names to whoever may see so much. Lists of files of the desk's own that belong to
    cases give theirs to those who may see these; what is published, everybody may know."""
    lists = {
        name: config
        for name, config in settings.lists.items()
        if not config.ours and is_told(config, sight)
    }
    own = {name: config.title for name, config in settings.lists.items() if config.ours}
    return Names(store, sight, settings.chains, settings.addressbook, lists, own)


def is_told(config: ListConfig, sight: Sight) -> bool:
    """Whether somebody may know what a list calls an address."""
    return not config.private_to or sight.sees(config.private_to)


def name_of(known: Known) -> str:
    """One name with who says so: of an entry its label and case."""
    if known.entry_id is None:
        return labelled(known)
    label = tidy(known.label, 80) or "without a label"
    case = f", case {case_said(known.case)}" if known.case else ""
    listed = f", by {tidy(known.list, 40)}" if known.list else ""
    return f"{label} ({known.entry_id}{case}{listed}{'' if known.watched else ', watch ended'})"


def shown(
    chain: Chain | None, address: str | None, kind: Kind | None, party: Party | None
) -> Shown:
    """One side. `chain` None: one that is configured no more, whose addresses have no page.
    `party`: what is known of it."""
    if address is None:
        return Shown(NOBODY[kind.far_end if kind else None])
    if address.startswith(OURS):
        return Shown(tidy(address, 90))
    if party is not None and party.ours:
        return Shown(party.ours)
    known = party or Party()
    active = any(watched.active for watched in known.watched)
    mark = "watched" if active else "followed" if known.followed else ""
    names = tuple(dict.fromkeys(map(name_of, known.known)))
    if chain is None:
        return Shown(tidy(address, 120), "", names, mark)
    return Shown(display(chain, address), address_path(chain.key, address), names, mark)


@dataclass(frozen=True, slots=True)
class Assets:
    """How assets of one chain are called. `chain` None: one that is configured no more."""

    key: str
    chain: Chain | None
    verified: Mapping[tuple[str, str], Asset]
    told: Mapping[str, tuple[str, int | None]]  # what contracts say of themselves

    def of(self, contract: str | None, *, nft: bool = False) -> AssetShown:
        if not contract:
            chain = self.chain
            if chain is None:
                return AssetShown(f"the coin of {tidy(self.key, 40)}", "", None, True)
            return AssetShown(chain.symbol, "", chain.decimals, True, chain.symbol)
        asset = self.verified.get((self.key, contract))
        if asset is not None:
            own, places = asset.symbol, 0 if nft else asset.decimals
            return AssetShown(tidy(own, 32), contract, places, True, own)
        symbol, decimals = self.told.get(contract, ("", None))
        kind = "NFT" if nft else "token"
        own = clean(symbol)
        return AssetShown(unverified(kind, symbol), contract, 0 if nft else decimals, False, own)


def assets_of(
    store: Reader, settings: Settings, chain: str, contracts: Iterable[str | None]
) -> Assets:
    """Of these contracts."""
    wanted = {each for each in contracts if each}
    known, told = settings.chains.get(chain), tokens.told(store, chain, wanted)
    return Assets(chain, known, settings.assets, told)
