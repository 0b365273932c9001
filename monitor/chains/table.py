"""The families of chains, and what is asked of all of them together. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.chains.evm import EVM
from monitor.chains.family import Family
from monitor.chains.tron import TRON
from monitor.chains.utxo import UTXO
from monitor.model import ISSUER, Chain

FAMILIES: Mapping[str, Family] = {family.key: family for family in (EVM, UTXO, TRON)}

# The lists in words for people. That of issuers is kept for all watched addresses together.
STREAM_WORDS: Mapping[str, str] = {
    **{name: words for family in FAMILIES.values() for name, words in family.streams.items()},
    ISSUER: "What issuers of tokens do to the address (freeze, destroy, release)",
}


def family_of(chain: Chain) -> Family:
    return FAMILIES[chain.family]


def streams_of(chain: Chain) -> tuple[str, ...]:
    """Names of the lists that an address of the chain is read from."""
    return (*family_of(chain).streams, *([ISSUER] if chain.issuers else []))
