"""The rules by which a published address is refused: short names, for people and programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """What it is about, as a sentence for people that begins with "it". `insist`: a person may
    have the address watched against it; without, there is no address that could be."""

    says: str
    insist: bool = False


RULES: Mapping[str, Rule] = {
    "zero address": Rule("is nobody's: every creation of coins names it", insist=True),
    "burn address": Rule("has no key: strangers send there what nobody is to have", insist=True),
    "placeholder": Rule("was written where no address was meant", insist=True),
    "precompile": Rule("is a small number, behind which a chain keeps machinery", insist=True),
    "system contract": Rule("is a part of a chain's machinery", insist=True),
    "anybody's": Rule("can be spent from by anybody, or by nobody", insist=True),
    "token contract": Rule("is a token's own contract: all who use it pay it", insist=True),
    "chain not chosen": Rule("is of a chain that the list's chains: leaves out", insist=True),
    "chain not covered": Rule("is of a chain that Fundwatch does not read"),
    "hidden chain": Rule("is of a chain, or a part of one, that hides what moves"),
    "test network": Rule("is of a test network, where coins are worth nothing"),
    "several chains": Rule("fits several chains, and nothing says which is meant"),
    "lower-cased": Rule("has lost its capitals, which are letters of their own"),
    "upper-cased": Rule("has lost its small letters, which are letters of their own"),
    "mixed case": Rule("mixes capitals and small letters where it must not"),
    "look-alike letters": Rule("has characters that only look like those of an address"),
    "wrong checksum": Rule("has a wrong character somewhere: its checksum does not fit"),
    "public key": Rule("is a public key, behind which stand several addresses"),
    "private key": Rule("is a key that must not stand in a list"),
    "space inside": Rule("is split by a space, and no checksum says that the parts are one"),
    "a number": Rule("is a number that a spreadsheet made of an address"),
    "a broken cell": Rule("is a cell that a spreadsheet could not compute"),
    "shortened": Rule("is not whole"),
    "a link": Rule("is a link"),
    "a word before it": Rule("has a word before the address"),
    "a mail address": Rule("is a mail address"),
    "a name": Rule("is a name of a naming service"),
    "no address": Rule("is empty"),
    "unreadable": Rule("could not be read as a row of its list"),
    "not an address": Rule("is nothing that Fundwatch knows as an address"),
}


def may_insist(rule: str) -> bool:
    """Whether a person may have an address watched that this rule refuses."""
    found = RULES.get(rule)
    return found is not None and found.insist
