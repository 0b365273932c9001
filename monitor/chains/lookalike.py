"""Characters in an address that only look like others: letters of other scripts, and those that
its encoding left out because they are mistaken for others. Nothing is put right. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Letters by their names -> what they are taken for. Names, so that this file can be read.
_LETTERS = {
    "CYRILLIC SMALL LETTER": "A a, IE e, O o, ER p, ES c, HA x, U y, DZE s, JE j, SHHA h, QA q, "
    "WE w, KOMI DE d, PALOCHKA l, BYELORUSSIAN-UKRAINIAN I i, YI i, VE B, EN H, KA k, EM M, TE T, "
    "BE 6, ZE 3, GHE r, PE n, SOFT SIGN b",
    "CYRILLIC CAPITAL LETTER": "A A, VE B, IE E, ZE 3, KA K, EM M, EN H, O O, ER P, ES C, TE T, "
    "U Y, HA X, DZE S, JE J, QA Q, WE W, BYELORUSSIAN-UKRAINIAN I I, SOFT SIGN b, BE 6",
    "GREEK SMALL LETTER": "ALPHA a, BETA B, GAMMA y, IOTA i, KAPPA k, NU v, OMICRON o, RHO p, "
    "TAU t, UPSILON u, CHI x, OMEGA w, ETA n, MU u, EPSILON e",
    "GREEK CAPITAL LETTER": "ALPHA A, BETA B, EPSILON E, ZETA Z, ETA H, IOTA I, KAPPA K, MU M, "
    "NU N, OMICRON O, RHO P, TAU T, UPSILON Y, CHI X",
    "ARMENIAN SMALL LETTER": "OH o, SEH u, VO n, HO h, YI j, CO g, ZA q",
    "LATIN SMALL LETTER": "DOTLESS I i, ALPHA a, SCRIPT G g",
}
_LATIN = {
    f"{kind} {pair.rpartition(' ')[0]}": pair[-1]
    for kind, pairs in _LETTERS.items()
    for pair in pairs.split(", ")
}
_BASE58_NEVER = {"0": "o", "O": "o", "I": "1", "l": "1"}
_BECH32_NEVER = {"1": "l", "b": "6", "i": "j", "o": "0"}
_HEX_NEVER = {"o": "0", "O": "0", "l": "1", "I": "1", "i": "1", "S": "5", "s": "5"}
_LONG = re.compile(r"\w{20,110}\Z", re.ASCII)
_TOLD = 3  # characters that are named
_MOST = 6  # more of them make it no address at all


def of_scripts(text: str) -> str:
    """What stands in a text that would be as long as an address, but for letters of other
    scripts: "holds CYRILLIC SMALL LETTER ES (U+0441) at place 7, which looks like c". Empty:
    it is all ASCII, or no address either way."""
    if text.isascii():
        return ""
    plain = folded(text)
    if not _LONG.match(plain.partition(":")[2] or plain):
        return ""
    return _said([(n, c, _latin(c)) for n, c in enumerate(text, 1) if not c.isascii()])


def of_encoding(text: str) -> str:
    """The same of ASCII: a zero in base58, an o in hex. Empty: nothing of that kind."""
    for form, never in _FORMS:
        match = form.match(text)
        if match:
            start = match.start(1)
            wrong = [(n, c) for n, c in enumerate(text, 1) if n > start and c in never]
            if 0 < len(wrong) <= _MOST:
                return f"{_said([(n, c, never[c]) for n, c in wrong])}, and never stands there"
    return ""


_FORMS = (
    (re.compile(r"0x([0-9a-zA-Z]{40})\Z"), _HEX_NEVER),
    (re.compile(r"(?:bc1|ltc1|BC1|LTC1)(\w{30,80})\Z", re.ASCII), _BECH32_NEVER),
    (
        re.compile(r"([13][0-9A-Za-z]{25,33}|T[0-9A-Za-z]{33}|[LMDX79A][0-9A-Za-z]{32,33})\Z"),
        _BASE58_NEVER,
    ),
    (re.compile(r"(t[13][0-9A-Za-z]{33})\Z"), _BASE58_NEVER),
)


def folded(text: str) -> str:
    """With the letters that those of other scripts are taken for."""
    return "".join(map(_latin, text))


def _latin(char: str) -> str:
    """The letter that it is taken for; itself where none is known."""
    if char.isascii():
        return char
    bare = unicodedata.normalize("NFKD", char)[0]  # wide ones, and those with accents
    return bare if bare.isascii() else _LATIN.get(unicodedata.name(bare, ""), bare)


def _said(found: Sequence[tuple[int, str, str]]) -> str:
    told = [
        f"{_name(char)} at place {place}, which looks like {latin}"
        if latin.isascii()
        else f"{_name(char)} at place {place}"
        for place, char, latin in found
    ]
    more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return f"holds {', '.join(told[:_TOLD])}{more}"


def _name(char: str) -> str:
    """Harmless whatever the character does where it is shown."""
    if char.isascii():
        return char
    name = unicodedata.name(char, "")
    return f"{name} (U+{ord(char):04X})" if name else f"U+{ord(char):04X}"
