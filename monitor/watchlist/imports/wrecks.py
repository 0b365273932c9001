"""Why a text that stands for an address is one of no chain here. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from monitor.chains import elsewhere, keys, lookalike, unseen
from monitor.chains.elsewhere import Elsewhere
from monitor.chains.names import near_fault
from monitor.model import Chain
from monitor.watchlist.imports import spoilt
from monitor.watchlist.imports.publisher import Said

PRIVATE = "private key"
_AGAIN = "Copy the address again from its source"
_HEX = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_PUBLIC_KEY = re.compile(r"(?:0[23][0-9a-fA-F]{64}|04[0-9a-fA-F]{128})\Z")
_SPLIT = re.compile(r"[0-9A-Za-z]{20,110}\Z")
# What base58 addresses begin with, in small letters, and how long they are -> whose they are.
_STARTS = (
    (re.compile(r"[13][0-9a-z]{25,34}\Z"), "bitcoin"),
    (re.compile(r"t[13][0-9a-z]{33}\Z"), "zcash"),
    (re.compile(r"t[0-9a-z]{33}\Z"), "tron"),
    (re.compile(r"[lm][0-9a-z]{32,33}\Z"), "litecoin"),
    (re.compile(r"[da9][0-9a-z]{33}\Z"), "dogecoin"),
    (re.compile(r"[x7][0-9a-z]{33}\Z"), "dash"),
    (re.compile(r"r[0-9a-z]{24,34}\Z"), "ripple"),
)
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+\Z")
_BECH32 = re.compile(r"(bc|ltc|tb|bcrt)1[02-9ac-hj-np-z]{6,87}\Z", re.IGNORECASE)
_CASHADDR = re.compile(r"(bitcoincash:)?[qp][02-9ac-hj-np-z]{41}\Z", re.IGNORECASE)


class Wreck(NamedTuple):
    """`rule`: a key of rules.RULES. `chain`: whose address it was, where that is known."""

    rule: str
    reason: str
    remedy: str = ""
    chain: str = ""


def of(text: str, said: Said, chains: Mapping[str, Chain]) -> Wreck:
    """The first that holds: what it is for certain goes before what it may have been."""
    found = (
        _whole(text, said)
        or _foreign(text)
        or _spoilt(text, chains)
        or _named(said)
        or _of_one_size(text, said)
        or _mistyped(text)
        or (_not_covered(said.other) if said.other else None)
    )
    return found or _unknown(text, chains)


def _whole(text: str, said: Said) -> Wreck | None:
    """What must not be looked at any further, and keys."""
    if not text or len(text) > spoilt.LONGEST:
        found = spoilt.by_form(text, {})
        return Wreck(*found) if found else None
    if _PUBLIC_KEY.match(text):
        remedy = "Write the addresses that its owner uses"
        return Wreck("public key", "is a public key, not an address", remedy)
    key = keys.by_form(text)
    if key is None:
        return None
    if keys.is_key(text):
        return Wreck(PRIVATE, *key)
    return (_named(said) if said.other else None) or Wreck("not an address", *key)


def _foreign(text: str) -> Wreck | None:
    """Of a chain, or a part of one, that is not covered."""
    hidden = unseen.by_form(text)
    if hidden is not None:
        return Wreck("hidden chain", *hidden)
    other = elsewhere.by_form(text)
    if other is None:
        return None
    reason = f"is an address of {other.name}, which is not covered"
    return Wreck("chain not covered", reason, "", other.key)


def _spoilt(text: str, chains: Mapping[str, Chain]) -> Wreck | None:
    found = spoilt.by_form(text, chains)
    if found is not None:
        return Wreck(*found)
    joined = text.replace(" ", "")
    if " " in text and _SPLIT.match(joined) and any(c.isdigit() for c in joined):
        reason = "has a space inside, and no checksum says that the parts are one address"
        return Wreck("space inside", reason, _AGAIN)
    return None


def _named(said: Said) -> Wreck | None:
    """By what its publisher says, where no chain here could be meant."""
    if said.hidden is not None:
        return Wreck("hidden chain", *said.hidden)
    return _not_covered(said.other) if said.other and not said.other.parted else None


def _not_covered(other: Elsewhere) -> Wreck:
    reason = f"was published for {other.name}, which is not covered"
    return Wreck("chain not covered", reason, "", other.key)


def _of_one_size(text: str, said: Said) -> Wreck | None:
    """Base58 that has lost the difference between capitals and small letters."""
    small = text.lower()
    if text not in (small, text.upper()) or not any(c.isalpha() for c in text):
        return None
    chain = next((chain for form, chain in _STARTS if form.match(small)), "")
    if not chain:
        return None
    fitting = [key for key in said.keys if key == chain or (key, chain) == ("litecoin", "bitcoin")]
    rule, size = ("lower-cased", "small") if text == small else ("upper-cased", "capital")
    return Wreck(
        rule,
        f"has {size} letters only: a program has changed them, and in an address of "
        f"{chain.capitalize()}'s kind they are letters of their own, so that nobody can say which "
        "address it was",
        "Take it from a list that has kept them",
        (fitting or [chain])[0],
    )


def _mistyped(text: str) -> Wreck | None:
    like = lookalike.of_encoding(text)
    if like:
        return Wreck("look-alike letters", like, _AGAIN)
    if _HEX.match(text):
        reason = "has a letter in the wrong case (its checksum does not fit)"
        return Wreck("wrong checksum", reason, _AGAIN)
    if _BECH32.match(text) or _CASHADDR.match(text):
        if text not in (text.lower(), text.upper()):
            reason = "mixes capitals and small letters, which such an address never does"
            return Wreck("mixed case", reason, _AGAIN)
        return Wreck("wrong checksum", "has a wrong checksum", _AGAIN)
    if _BASE58.match(text) and any(form.match(text.lower()) for form, _ in _STARTS):
        return Wreck("wrong checksum", "has a wrong checksum", _AGAIN)
    return None


def _unknown(text: str, chains: Mapping[str, Chain]) -> Wreck:
    fault = near_fault(text, chains)
    reason = fault.reason if fault else "is not an address of a chain that Fundwatch watches"
    return Wreck("not an address", reason, _AGAIN)
