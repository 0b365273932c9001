"""What a publisher says of an address's chain, in a field for chains or by a coin. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.chains import elsewhere, unseen
from monitor.chains.elsewhere import Elsewhere
from monitor.chains.names import ChainNames, Unclear, plain_name
from monitor.chains.unseen import Unseen
from monitor.model import Chain

_KEPT = 1000  # different words of a list
_READ = 200  # characters of each


@dataclass(frozen=True, slots=True)
class Said:
    """`keys`: chains that are covered; `other`, `hidden`: one that is not. `words`: as published,
    where they mean anything but a token; `token`: they name one, which lives on many chains."""

    keys: tuple[str, ...] = ()
    other: Elsewhere | None = None
    hidden: Unseen | None = None
    words: str = ""
    token: str = ""


NOTHING_SAID = Said()


@dataclass(frozen=True)
class Publisher:
    """Reads those words, each pair of them once."""

    chains: Mapping[str, Chain]
    symbols: frozenset[str] = frozenset()
    _names: ChainNames = field(init=False, repr=False)
    _seen: dict[tuple[str, str], Said] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", ChainNames(self.chains, self.symbols))

    def said(self, network: str, ticker: str) -> Said:
        """What the field for the chain says goes before the coin."""
        if not network and not ticker:
            return NOTHING_SAID
        network, ticker = network[:_READ], ticker[:_READ]
        found = self._seen.get((network, ticker))
        if found is None:
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            found = self._seen[network, ticker] = self._read(network, ticker)
        return found

    def _read(self, network: str, ticker: str) -> Said:
        of_coin = self._of(ticker, coin=True)
        of_chain = self._of(network, coin=False)
        if of_chain.keys or of_chain.other or of_chain.hidden:
            return of_chain
        known = of_coin.keys or of_coin.other or of_coin.hidden or of_coin.token
        return of_coin if known or not of_chain.words else of_chain

    def _of(self, text: str, *, coin: bool) -> Said:
        if not text:
            return Said()
        keys = self._names.of_ticker(text) if coin else self._names.keys(text)
        if not isinstance(keys, Unclear):
            return Said(keys, words=text) if keys else Said(token=text if coin else "")
        plain = plain_name(text)
        return Said((), elsewhere.by_name(plain), unseen.by_name(plain), text)
