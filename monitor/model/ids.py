"""Short names that are made from what they name."""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]  # a list has a million ids


def stable_id(prefix: str, *parts: str) -> str:
    """A short name made from what it names: the same parts give the same id for ever.

    60 bits in Crockford's base 32, in groups that can be read over the telephone.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest[:8], "big") >> 4
    text = "".join([_PAIRS[(number >> shift) & 1023] for shift in range(50, -1, -10)])
    return f"{prefix}-{text[:4]}-{text[4:8]}-{text[8:]}"
