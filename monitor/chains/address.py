"""Addresses: one canonical form per address and chain. Two texts are the same address if and
only if their canonical forms are equal."""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.chains import keys, unseen
from monitor.chains.evm import checksummed
from monitor.chains.family import AddressError
from monitor.chains.table import FAMILIES, family_of
from monitor.model import Chain

__all__ = ["AddressError", "as_written", "canonical", "display", "shown"]

_EVM = re.compile("0x[0-9a-f]{40}")
_AGAIN = "Copy the address again from its source"


@lru_cache(maxsize=20_000)  # checksums cost more than all else that is done with a row
def canonical(chain: Chain, text: str) -> str:
    """The canonical form of an address that a person or a source wrote.

    Raises AddressError when it is no address of this chain or its checksum is wrong.
    """
    if not text.isascii():
        raise AddressError(
            "holds a character that only looks like a letter or digit",
            _AGAIN,
        )
    text = text.strip()
    try:
        return family_of(chain).canonical(chain, text)
    except AddressError as error:
        known = keys.by_form(text) or unseen.by_form(text)
        if known is not None:
            raise AddressError(*known[:2]) from None
        raise AddressError(error.reason, error.remedy or _hint(chain, text)) from None


def display(chain: Chain, address: str) -> str:
    """The form that people see: EIP-55 capitals on EVM chains, canonical elsewhere."""
    return family_of(chain).display(address)


def as_written(address: str) -> str:
    """As `display` has it, where the form of a canonical address alone says of which family it
    is; else as it stands."""
    return checksummed(address) if _EVM.fullmatch(address) else address


def shown(chain: Chain, address: str) -> str:
    """As people see it; empty where it is no canonical address of the chain."""
    try:
        known = canonical(chain, address) == address
    except AddressError:
        return ""
    return display(chain, address) if known else ""


def _hint(chain: Chain, text: str) -> str:
    """Name what the text does look like, if anything: the commonest mistake is the chain."""
    for family in () if family_of(chain).resembles(chain, text) else FAMILIES.values():
        for words, like in family.hints.items():
            if like.match(text):
                return f"It looks like {words}: correct the chain"
    return _AGAIN
