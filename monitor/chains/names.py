"""What people call chains, and what an address itself says of its chain. For lists that others
have written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.chains import keys, unseen
from monitor.chains.address import AddressError, canonical
from monitor.chains.family import Form
from monitor.chains.table import family_of
from monitor.model import Chain

# Usual names of the shipped chains beside key, name and id; without spaces and signs.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "ethereum": ("eth", "ether", "erc20", "ethereumerc20"),
    "bnb": ("bsc", "bep20", "binance", "binancesmart", "bnbsmart", "binancebsc", "bnbbsc"),
    "polygon": ("matic", "pol", "polygonpos", "polygonmatic"),
    "arbitrum": ("arb", "arbitrumone"),
    "optimism": ("op", "opt"),
    "avalanche": ("avax", "avaxc", "avalanchec"),
    "gnosis": ("xdai", "gno"),
    "bitcoin": ("btc", "xbt"),
    "litecoin": ("ltc", "litecoinspace"),
    "dogecoin": ("doge", "xdg"),
    "dash": ("darkcoin",),
    "zcash": ("zec", "zcashtransparent"),
    "bitcoin-cash": ("bch", "bcc", "bcash", "bitcoincashbch", "bitcoincashnode"),
    "tron": ("trx", "trc20", "trontrc20"),
}
# Words that add nothing: "Ethereum Mainnet", "BNB Chain".
_IDLE = frozenset(
    {"mainnet", "main", "network", "blockchain", "chain", "the", "protocol"}
    | {"digital", "currency", "address"}  # "Digital Currency Address - XBT", as OFAC writes
)
# What says only that an address is of Ethereum's kind.
_FAMILY_WORDS = frozenset({"evm", "evmcompatible", "evms", "allevm"})
# Tokens that live on many chains: lists have them where one expects a chain.
_TOKENS = frozenset({"usdt", "usdc", "tether", "dai", "busd", "tusd", "weth", "wbtc", "usds"})

_SHORTEST = 12  # characters that make a text a mistyped address
_SEPARATORS = re.compile(r"[;,/|+&\n]|\band\b")


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why the chain of an address is not known. `asks`: naming the chain would help."""

    value: str
    reason: str
    remedy: str
    asks: bool = False


@dataclass(frozen=True, slots=True)
class ChainNames:
    """What people call the chains of a table.

    `symbols` are those of verified tokens: a token says nothing about the chain.
    """

    chains: Mapping[str, Chain]
    symbols: Iterable[str] = ()
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _tokens: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        known = self._known
        symbols = [plain_name(chain.symbol) for chain in self.chains.values()]
        for key, chain in self.chains.items():
            known.update({plain_name(key): key, f"eip155{chain.chain_id}": key})
            known.setdefault(plain_name(chain.name), key)
            if chain.chain_id:
                known.setdefault(str(chain.chain_id), key)
        for key in SYNONYMS:
            if key in self.chains:
                known.update({name: key for name in SYNONYMS[key] if name not in known})
        for key, chain in self.chains.items():
            if symbols.count(plain_name(chain.symbol)) == 1:
                known.setdefault(plain_name(chain.symbol), key)
        self._tokens.update(_TOKENS, (plain_name(symbol) for symbol in self.symbols))

    def key(self, text: str) -> str | None:
        """The chain that one name means, or None. "Bitcoin (BTC)" says it twice, while
        "Bitcoin (Cash)" is something else."""
        twice = re.fullmatch(r"([^()]+)\(([^()]+)\)\s*", text)
        if twice is None:
            return self._known.get(plain_name(text))
        outside, inside = (self._known.get(plain_name(part)) for part in twice.groups())
        return self._known.get(plain_name(text)) or (outside if outside == inside else None)

    def keys(self, text: str) -> tuple[str, ...] | Unclear:
        """The chains that a cell names, in order; () where it says only "EVM" or nothing."""
        if text in self.chains:
            return (text,)
        parts = [part.strip() for part in _SEPARATORS.split(text.strip("[]"))]
        named = [part for part in parts if part and plain_name(part) not in _FAMILY_WORDS]
        found = [self.key(part) for part in named]
        for part, key in zip(named, found, strict=True):
            if key is None:
                return self._unknown(part)
        return tuple(dict.fromkeys(key for key in found if key))

    def of_ticker(self, text: str) -> tuple[str, ...] | Unclear:
        """As `keys`, for a column of coins: a token's name leaves the chain open."""
        return () if plain_name(text) in self._tokens else self.keys(text)

    def hidden(self, text: str) -> Unclear | None:
        """Why a chain can be watched by nobody, by its name; None: that is not known of it."""
        why = unseen.by_name(plain_name(text))
        return None if why is None else Unclear(text, why.reason, why.remedy)

    def _unknown(self, text: str) -> Unclear:
        hidden = self.hidden(text)
        if hidden is not None:
            return hidden
        own = [key for key in self.chains if not is_test(self.chains[key])]
        return Unclear(
            text,
            "is not a chain that Fundwatch watches",
            f"It knows: {', '.join(own)}. Others of these kinds: config/chains.yaml",
        )


def plain_name(text: str) -> str:
    """A name without capitals, signs and idle words: "BNB Chain" -> "bnb"."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return "".join(word for word in words if word not in _IDLE) or "".join(words)


def is_test(chain: Chain) -> bool:
    words = f"{chain.key} {chain.name}".lower()
    named = any(w in words for w in ("test", "signet", "regtest", "local", "sepolia", "devnet"))
    return named or family_of(chain).is_test(chain)


def from_encoding(
    address: str, chains: Mapping[str, Chain], given: Sequence[str] = ()
) -> tuple[str, ...] | Unclear:
    """The chains of an address whose row names none.

    Decided by its encoding where that leaves one chain open, and by `given`, the chains that a
    person named for such rows, where it fits them. A legacy spelling never competes with a
    chain's own; test networks are never guessed.
    """
    forms: dict[str, Form] = {}
    for key, chain in chains.items():
        forms[key] = _form(chain, address)
        if forms[key] is Form.SHARED:
            return _of_shared(address, chains, given, chain)
    for form in (Form.PREFERRED, Form.LEGACY):
        if named := tuple(key for key in given if forms[key] is form):
            return named
    own = tuple(k for k, c in chains.items() if forms[k] is Form.PREFERRED and not is_test(c))
    return own if len(own) == 1 else _no_chain(address, chains, forms, several=bool(own))


def _of_shared(
    address: str, chains: Mapping[str, Chain], given: Sequence[str], one: Chain
) -> tuple[str, ...] | Unclear:
    """The chains that a person named, of those that share their addresses as `one` does."""
    shared = (key for key in given if _form(chains[key], address) is Form.SHARED)
    named = tuple(key for key in shared if not _fault(chains[key], address))
    return named or _which(address, one)


def is_written_so(text: str, chains: Mapping[str, Chain]) -> bool:
    """Whether it is an address as some chain writes it, whatever else it looks like."""
    return any(_form(chain, text) is Form.PREFERRED for chain in chains.values())


def _form(chain: Chain, address: str) -> Form:
    return family_of(chain).form(chain, address)


def _fault(chain: Chain, address: str) -> AddressError | None:
    try:
        canonical(chain, address)
    except AddressError as error:
        return error
    return None


def _which(address: str, one: Chain) -> Unclear:
    """Of a family that shares its addresses, as `one` of it; a mistake in it goes before the
    question for its chain."""
    fault = _fault(one, address)
    if fault is not None:
        return Unclear(address, fault.reason, fault.remedy)
    return Unclear(
        address,
        f"fits every chain of {family_of(one).called}'s kind, and the row does not say which",
        "Say which with --chain (for example --chain ethereum) or in a column named chain",
        asks=True,
    )


def _no_chain(
    address: str, chains: Mapping[str, Chain], forms: Mapping[str, Form], *, several: bool
) -> Unclear:
    known = keys.by_form(address) or unseen.by_form(address)
    if known is not None:
        return Unclear(address, *known[:2])
    fits_test = any(is_test(c) and forms[k] is not Form.FOREIGN for k, c in chains.items())
    if several or fits_test:
        kind = "belongs to a test network" if fits_test else "fits several chains"
        return Unclear(
            address,
            f"{kind}, and the row does not say which",
            "Say which with --chain or in a column named chain",
        )
    reason = "is not an address of a chain that Fundwatch watches"
    return Unclear(address, reason, "Copy the address again from its source")


def near_fault(address: str, chains: Mapping[str, Chain]) -> AddressError | None:
    """Why a text is no address of the first chain whose addresses begin so; None: of none."""
    near = next((c for c in chains.values() if _is_near(c, address)), None)
    return None if near is None else _fault(near, address)


def _is_near(chain: Chain, address: str) -> bool:
    """Long enough for one that was mistyped, and begins like those of the chain."""
    long = len(address) >= _SHORTEST
    return long and family_of(chain).resembles(chain, address) and not is_test(chain)
