"""The address of a channel is often its key: no piece of it may come back in an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

# At a path's segments, at a query's values, at every sign that stands between words.
_BREAKS = (r"[/?#]", r"[?&;#]|=", r"[/:@?&=,;#+\s]+")


def pieces(url: str, least: int) -> set[str]:
    """Everything in a URL, or in a part of one, that may be a secret: `least` characters or
    more, as written, percent-decoded, and encoded again."""
    found = {url, *(piece for at in _BREAKS for piece in re.split(at, url))}
    decoded = {unquote(piece) for piece in found}
    encoded = {quote(piece, safe="") for piece in decoded}
    return {piece for piece in found | decoded | encoded if len(piece) >= least}


def hide(words: str, secrets: Iterable[str]) -> str:
    """The words without any of these, in capitals or not."""
    for secret in sorted(secrets, key=len, reverse=True):
        words = re.sub(re.escape(secret), "[hidden]", words, flags=re.IGNORECASE)
    return words
