"""What people call chains, what an address itself says of its chain, and addresses that
belong to nobody. For lists that others have written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import base58

from monitor.chains import scripts
from monitor.chains.address import AddressError, canonical
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
    "tron": ("trx", "trc20", "trontrc20"),
}
# Words that add nothing: "Ethereum Mainnet", "BNB Chain".
_IDLE = frozenset({"mainnet", "main", "network", "blockchain", "chain", "the", "protocol"})
# What says only that an address is of Ethereum's kind.
_FAMILY_WORDS = frozenset({"evm", "evmcompatible", "evms", "allevm"})
# Tokens that live on many chains: lists have them where one expects a chain.
_TOKENS = frozenset({"usdt", "usdc", "tether", "dai", "busd", "tusd", "weth", "wbtc", "usds"})

_SEPARATORS = re.compile(r"[;,/|+&\n]|\band\b")
_HEX = re.compile(r"(0x)?[0-9a-f]{40}\Z", re.IGNORECASE)
_TEST_BASE58 = frozenset({111, 196})
_TEST_HRP = frozenset({"tb", "bcrt"})

_BURN = frozenset(
    {
        "0x000000000000000000000000000000000000dead",
        "0xdead000000000000000042069420694206942069",
        "0xdead000000000000000000000000000000000000",
        "0xdeaddeaddeaddeaddeaddeaddeaddeaddeaddead",
        "1BitcoinEaterAddressDontSendf59kuE",
        "1CounterpartyXXXXXXXXXXXXXXXUWLpVr",
        "1111111111111111111114oLvT2",
        "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy",
    }
)
# On rollups of Optimism's kind: the party to the first transaction of every block.
_DEPOSITORS = frozenset({f"0xdeaddeaddeaddeaddeaddeaddeaddeaddead000{n}" for n in range(3)})


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why the chain of an address is not known. `asks`: naming an EVM chain would help."""

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
        symbols = [_plain(chain.symbol) for chain in self.chains.values()]
        for key, chain in self.chains.items():
            known.update({_plain(key): key, f"eip155{chain.chain_id}": key})
            known.setdefault(_plain(chain.name), key)
            if chain.chain_id:
                known.setdefault(str(chain.chain_id), key)
        for key in SYNONYMS:
            if key in self.chains:
                known.update({name: key for name in SYNONYMS[key] if name not in known})
        for key, chain in self.chains.items():
            if symbols.count(_plain(chain.symbol)) == 1:
                known.setdefault(_plain(chain.symbol), key)
        self._tokens.update(_TOKENS, (_plain(symbol) for symbol in self.symbols))

    def key(self, text: str) -> str | None:
        """The chain that one name means, or None. "Bitcoin (BTC)" says it twice, while
        "Bitcoin (Cash)" is something else."""
        twice = re.fullmatch(r"([^()]+)\(([^()]+)\)\s*", text)
        if twice is None:
            return self._known.get(_plain(text))
        outside, inside = (self._known.get(_plain(part)) for part in twice.groups())
        return self._known.get(_plain(text)) or (outside if outside == inside else None)

    def keys(self, text: str) -> tuple[str, ...] | Unclear:
        """The chains that a cell names, in order; () where it says only "EVM" or nothing."""
        if text in self.chains:
            return (text,)
        parts = [part.strip() for part in _SEPARATORS.split(text.strip("[]"))]
        named = [part for part in parts if part and _plain(part) not in _FAMILY_WORDS]
        found = [self.key(part) for part in named]
        for part, key in zip(named, found, strict=True):
            if key is None:
                return self._unknown(part)
        return tuple(dict.fromkeys(key for key in found if key))

    def of_ticker(self, text: str) -> tuple[str, ...] | Unclear:
        """As `keys`, for a column of coins: a token's name leaves the chain open."""
        return () if _plain(text) in self._tokens else self.keys(text)

    def _unknown(self, text: str) -> Unclear:
        own = [key for key in self.chains if not _is_test(self.chains[key])]
        return Unclear(
            text,
            "is not a chain that Fundwatch watches",
            f"It knows: {', '.join(own)}. Others of Ethereum's kind: config/chains.yaml",
        )


def _plain(text: str) -> str:
    """A name without capitals, signs and idle words: "BNB Chain" -> "bnb"."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return "".join(word for word in words if word not in _IDLE) or "".join(words)


def _is_test(chain: Chain) -> bool:
    words = f"{chain.key} {chain.name}".lower()
    named = any(w in words for w in ("test", "signet", "regtest", "local", "sepolia", "devnet"))
    bitcoin_test = chain.bech32 in _TEST_HRP or bool(_TEST_BASE58.intersection(chain.base58))
    return named or bitcoin_test


def is_hex(address: str) -> bool:
    """Whether it has the form that every EVM chain shares (also without 0x)."""
    return _HEX.match(address) is not None


def from_encoding(
    address: str, chains: Mapping[str, Chain], given: Sequence[str] = ()
) -> tuple[str, ...] | Unclear:
    """The chains of an address whose row names none.

    Decided by its encoding where that leaves one chain open, else by `given`, the chains
    that a person named for such rows. Test networks are never guessed.
    """
    reported = tuple(key for key in given if _fits(chains[key], address))
    if is_hex(address):
        return tuple(key for key in reported if chains[key].family == "evm") or _which(
            address, chains
        )
    sure = [k for k, c in chains.items() if _says(c) and not _is_test(c) and _fits(c, address)]
    if len(sure) == 1:
        return tuple(sure)
    return reported or _no_chain(address, chains, several=len(sure) > 1)


def _says(chain: Chain) -> bool:
    """Whether an address of this chain can be told from those of others."""
    return chain.family == "tron" or (chain.family == "utxo" and bool(chain.base58))


def _fits(chain: Chain, address: str) -> bool:
    try:
        canonical(chain, address)
    except AddressError:
        return False
    return True


def _which(address: str, chains: Mapping[str, Chain]) -> Unclear:
    """Of Ethereum's kind; a mistake in it goes before the question for its chain."""
    evm = next((chain for chain in chains.values() if chain.family == "evm"), None)
    if evm is not None and address.startswith("0x"):
        try:
            canonical(evm, address)
        except AddressError as error:
            return Unclear(address, error.reason, error.remedy)
    return Unclear(
        address,
        "fits every chain of Ethereum's kind, and the row does not say which",
        "Say which with --chain (for example --chain ethereum) or in a column named chain",
        asks=True,
    )


def _no_chain(address: str, chains: Mapping[str, Chain], *, several: bool) -> Unclear:
    fits_test = any(_is_test(c) and _fits(c, address) for c in chains.values())
    if several or fits_test:
        kind = "belongs to a test network" if fits_test else "fits several chains"
        return Unclear(
            address, f"{kind}, and the row does not say which", "Say which in a column named chain"
        )
    family = {"T": "tron", "1": "utxo", "3": "utxo", "b": "utxo"}.get(address[:1], "")
    near = next((c for c in chains.values() if c.family == family and not _is_test(c)), None)
    reason = "is not an address of a chain that Fundwatch watches"
    if near is not None and re.match(r"(T|[13])[1-9A-HJ-NP-Za-km-z]{25,34}\Z|bc1", address):
        try:
            canonical(near, address)
        except AddressError as error:
            reason = error.reason
    return Unclear(address, reason, _foreign(address))


def _foreign(address: str) -> str:
    """What to do about a text that fits no chain."""
    if address in (address.lower(), address.upper()) and re.match(r"[tT13]\w{25,34}\Z", address):
        return (
            "All its letters have one size; if a program did that, the address is destroyed: "
            "copy it again from its source"
        )
    return "Copy the address again from its source; chains such as Litecoin are not covered"


def nobodys(chain: Chain, address: str) -> str | None:
    """Why this canonical address is nobody's (a sink, a part of the chain's machinery), or
    None. Strangers pay it all the time: watching it would drown every other alert."""
    if address in _BURN:
        return "is a burn address: strangers pay it all the time, nobody can spend from it"
    digits = _twenty_bytes(chain, address)
    if digits is None:
        return scripts.anybodys(address) or None
    if int(digits, 16) == 0:
        return "is the zero address, a party to every creation of coins by strangers"
    if len(set(digits)) == 1:
        return "is a placeholder that many contracts use, not anybody's address"
    number = int(digits, 16)
    # No key has 12 leading zero bytes: these are precompiles, system contracts, mistakes.
    if number < 2**64 or digits.startswith("42" + "0" * 34) or f"0x{digits}" in _DEPOSITORS:
        return "is a part of the chain's own machinery, not anybody's address"
    if f"0x{digits}" in _BURN:
        return "is a burn address: strangers pay it all the time, nobody can spend from it"
    return None


def _twenty_bytes(chain: Chain, address: str) -> str | None:
    if chain.family == "evm":
        return address[2:]
    return base58.b58decode_check(address)[1:].hex() if chain.family == "tron" else None
