"""Where a list goes on: sealed, so that nothing can be read from it and none can be made up, and
bound to the token and to the question."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from Crypto.Cipher import AES
from Crypto.Cipher._mode_siv import SivMode

from monitor.model.api import Token
from monitor.web.api.problems import parameter

_TAG = 16  # bytes
_SIZE = 96  # of a place


def _cipher(token: Token, question: str) -> SivMode:
    made = AES.new(bytes.fromhex(token.seal), AES.MODE_SIV)
    made.update(hashlib.sha256(question.encode()).digest())
    return made


def sealed(token: Token, question: str, place: str) -> str:
    padded = place.encode().ljust(_SIZE)  # nor from how long it is
    data, tag = _cipher(token, question).encrypt_and_digest(padded)
    return urlsafe_b64encode(tag + data).decode().rstrip("=")


def opened(token: Token, question: str, text: str) -> str:
    """The place. Raises Wrong for what we did not write for this question."""
    try:
        raw = urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii"))
        found = _cipher(token, question).decrypt_and_verify(raw[_TAG:], raw[:_TAG])
    except (ValueError, TypeError):
        said = "This is no place in this list: `after` is `next` of the answer before, unchanged."
        raise parameter("after", said) from None
    return found.decode().rstrip()
