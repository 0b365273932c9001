"""Private keys in what people write: they end up in lists beside or instead of the addresses, and
must not go on from there into errors, logs and mails. Pure."""

from __future__ import annotations

import re

import base58

_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_WALLET = rf"{_BASE58}{{51,58}}"  # WIF, BIP-38, Zcash's Sprout: no address has this length
_EXTENDED = rf"(?:[xyztuvYZUV]prv|[LM]tpv|dgpv|drkv){_BASE58}{{20,120}}"
_ZCASH = (
    r"(?:secret-extended-key-\w+|p?secret-spending-key-\w+|zxviews|zivks|uview|uivk)1\w{20,800}"
)
_SEEDS = r"S[A-Z2-7]{55}|s[1-9A-HJ-NP-Za-km-z]{28}|sEd[1-9A-HJ-NP-Za-km-z]{28}"  # Stellar, XRP
_PHRASE = r"(?:[a-z]{3,8}[ ,]+){11,23}[a-z]{3,8}"  # BIP-39
_OR_TX = rf"(?:0x)?[0-9a-fA-F]{{64}}|{_BASE58}{{86,88}}"  # hex; Solana

_KEY = re.compile(rf"(?:{_EXTENDED}|{_ZCASH}|{_SEEDS}|{_PHRASE}|{_WALLET})\Z")
_KEY_OR_TX = re.compile(rf"(?:{_OR_TX})\Z")
_WORD = r"(?<![0-9A-Za-z])(?:%s)(?![0-9A-Za-z])"
_ANYWHERE = re.compile(
    _WORD % "|".join((_EXTENDED, _ZCASH, _SEEDS, _PHRASE, _OR_TX, _WALLET)), re.ASCII
)
_CHECKED = re.compile(_WORD % f"{_EXTENDED}|{_WALLET}", re.ASCII)
_LEFT = 4  # characters that are shown, for the eye to find the place
_READ = 1000  # characters; what is shown is far shorter

_REMEDY = (
    "Take the key out of this file and write its address: who sees a private key can move the coins"
)


def by_form(text: str) -> tuple[str, str] | None:
    """Why a text that stands for an address is a key, and what to do; None: it looks like none."""
    if _KEY_OR_TX.match(text):
        reason = f"is a transaction or a key, {len(text.removeprefix('0x'))} characters long, not "
        return f"{reason}an address", "Write the address; never put a private key into a list"
    if is_key(text):
        return "looks like a private key, not like an address", _REMEDY
    return None


def is_key(text: str) -> bool:
    """Whether a text is surely a key, and not the hash of a transaction."""
    return bool(_KEY.match(text)) and _is_mixed(text)


def among(text: str) -> tuple[str, str] | None:
    """The same of a key somewhere in a sentence: only one whose checksum is right."""
    if any(_is_right(found[0]) for found in _CHECKED.finditer(text)):
        return "holds a private key", _REMEDY
    return None


def shown(value: str, most: int) -> str:
    """What somebody wrote, as an error may quote it: without keys, cut to `most` characters.

    Keys go before the cut, which would leave a part of one.
    """
    safe = _ANYWHERE.sub(_hidden, value[:_READ])
    return safe if len(safe) <= most else f"{safe[: most - 3]}..."


def _hidden(found: re.Match[str]) -> str:
    return f"{found[0][:_LEFT]}..." if _is_mixed(found[0]) else found[0]


def _is_mixed(text: str) -> bool:
    """Base58 of this length has capitals and small letters; an address in capitals has not."""
    return not re.fullmatch(_WALLET, text) or text not in (text.upper(), text.lower())


def _is_right(text: str) -> bool:
    try:
        return bool(base58.b58decode_check(text))
    except ValueError:
        return False
