"""The families of chains, and what is asked of all of them together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.chains.evm import EVM
from monitor.chains.family import Family, Stream
from monitor.chains.tron import TRON
from monitor.chains.utxo import UTXO
from monitor.model import ISSUER, Chain

FAMILIES: Mapping[str, Family] = {family.key: family for family in (EVM, UTXO, TRON)}

# That of issuers is kept for all watched addresses together.
_ACTS = Stream(
    "What issuers of tokens do to the address (freeze, destroy, release)", "issuers' acts"
)
_STREAMS: Mapping[str, Stream] = {
    **{name: each for family in FAMILIES.values() for name, each in family.streams.items()},
    **{name: each for family in FAMILIES.values() for name, each in family.more.items()},
    ISSUER: _ACTS,
}
# What more_of names, of any chain.
ON_DEMAND = frozenset(name for family in FAMILIES.values() for name in family.more)
STREAM_WORDS: Mapping[str, str] = {name: stream.words for name, stream in _STREAMS.items()}


def short_words(streams: Iterable[str]) -> str:
    """ "native, internal, tokens, NFTs"."""
    wanted = frozenset(streams)
    said = (stream.short for name, stream in _STREAMS.items() if name in wanted)
    return ", ".join(dict.fromkeys(said)) or "nothing"


def family_of(chain: Chain) -> Family:
    return FAMILIES[chain.family]


def streams_of(chain: Chain) -> tuple[str, ...]:
    """Names of the lists that an address of the chain is read from."""
    return (*family_of(chain).streams, *([ISSUER] if chain.issuers else []))


def more_of(chain: Chain) -> tuple[str, ...]:
    """Names of the lists that are read where a balance says that something is missing. All are of
    the chain's own coin, and nothing counts as unread because of them."""
    family = family_of(chain)
    return tuple(name for name in family.more if family.has_more(chain, name))
