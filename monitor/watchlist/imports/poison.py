"""Addresses that lists hold and that are of no use to a watch, because strangers pay them all the
time: nobody's, or a token's own contract. And those that many strangers share, which are watched
with a warning. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.chains.sinks import Sink
from monitor.chains.table import family_of
from monitor.model import Asset, Chain, Known
from monitor.model.settings import Settings

CONTRACT = "token contract"  # rule
# Categories of the address book behind which stand many strangers.
_SHARED = {
    "exchange": "an exchange",
    "bridge": "a bridge",
    "dex": "an exchange without a keeper",
    "service": "a service",
    "gambling": "a gambling house",
    "issuer": "an issuer of tokens",
    "government-seizure": "a government's seizure",
}

Names = Mapping[tuple[str, str], Known]  # by (chain key or "" for any chain, canonical address)


@dataclass(frozen=True)
class Poison:
    """What is known of addresses before anybody watches them. `contracts`: tokens by public
    lists; `book`: the address book."""

    chains: Mapping[str, Chain]
    assets: Mapping[tuple[str, str], Asset] = field(default_factory=dict)
    contracts: Names = field(default_factory=dict)
    book: Names = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _shared: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def rule(self, chain: Chain, address: str) -> Sink | None:
        """Why a canonical address should not be watched; None: nothing speaks against it."""
        sink = family_of(chain).nobodys(address)
        if sink is not None:
            return sink
        if not self._tokens:
            self._tokens.update(self._read())
        token = self._tokens.get(address)
        if token is None:
            return None
        return Sink(CONTRACT, f"is the contract of a token ({token}): all who use it pay it")

    def warning(self, address: str) -> str:
        """Of an address that is watched all the same, a sentence; empty: none."""
        if not self._shared:
            self._shared.update(self._named())
        return self._shared.get(address, "")

    def _read(self) -> Iterable[tuple[str, str]]:
        """Accounts of Ethereum's kind are the same on every chain, so the chain does not count."""
        for (_, address), name in self.contracts.items():
            yield address, f"{name.label}, by {name.source}"
        for chain in self.chains.values():
            if chain.wrapped:
                yield chain.wrapped.lower(), f"the wrapped {chain.symbol} of {chain.name}"
            yield from ((i.contract, f"{i.symbol} on {chain.name}") for i in chain.issuers)
        for (key, address), asset in self.assets.items():
            yield address, f"{asset.symbol} on {self.chains[key].name}"

    def _named(self) -> Iterable[tuple[str, str]]:
        for (_, address), name in self.book.items():
            if name.category in _SHARED:
                said = f"{name.source or 'your address book'} {name.date}".strip()
                yield (
                    address,
                    f'is called "{name.label}", {_SHARED[name.category]}, by {said}: what '
                    "strangers do there would be told too",
                )


def all_poison(settings: Settings) -> Poison:
    """All that is configured and shipped."""
    return Poison(settings.chains, settings.assets, settings.contracts, settings.addressbook)
